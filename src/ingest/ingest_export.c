/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an export: read, added to what is warm, computed with it, written, and only then answered. What was
 * computed from all that is known of a trace needs no second look; the rest stays marked.
 */
#include <stdio.h>

#include "ingest/ingest_inside.h"

/* ---- joining what is warm ------------------------------------------------------------------------------- */

/* A trace that is too large to be read back for one more export, and is computed as a whole only now and then. */
static bool is_heavy(int64_t count, int64_t bytes)
{
    return count > SW_LIMIT_INGEST_LARGE || bytes > SW_LIMIT_INGEST_LARGE_BYTES;
}

/* What the store knows joins what came since. The lock is held. */
static sw_status take_stored(sw_ingest *in, ingest_tenant *tenant, const ingest_group *group,
                             const ingest_items *stored, const sw_raw_trace *row, sw_error *err)
{
    ingest_unit *unit = ingest_find(in, tenant, group->id);
    bool heavy = is_heavy(row->items.value, row->bytes.value);
    int64_t ignored = 0;

    if (unit && !unit->bare) {
        return SW_STATUS_OK; /* somebody was faster */
    }
    if (!unit) {
        unit = ingest_make(in, tenant, group->id);
        if (!unit) {
            return sw_no_memory(err);
        }
        unit->crowded = true; /* what was written of it nobody here knows */
    }
    unit->partial = unit->partial || row->frozen.value != 0;
    unit->heavy = unit->heavy || heavy;
    unit->bare = heavy || !ingest_add(in, unit, stored, &ignored);
    return unit->bare && !heavy ? sw_no_memory(err) : SW_STATUS_OK;
}

/* A trace that this process sees first may be known to the store: from before a restart, or from another process. */
static sw_status know_unit(sw_ingest *in, ingest_tenant *tenant, ingest_group *group,
                           sw_arena *arena, sw_error *err)
{
    const ingest_unit *unit = NULL;
    ingest_items stored = {.count = 0};
    sw_raw_trace row;
    bool known = false;
    sw_status status = SW_STATUS_OK;

    pthread_mutex_lock(&in->lock);
    unit = ingest_find(in, tenant, group->id);
    known = unit && (!unit->bare || unit->heavy);
    pthread_mutex_unlock(&in->lock);
    if (known || !ingest_keeps(in)) {
        return SW_STATUS_OK;
    }
    status = ingest_load_row(in, tenant, group->id, &row, err);
    if (status == SW_STATUS_OK && !is_heavy(row.items.value, row.bytes.value)) {
        status = ingest_load_items(in, tenant, group->id, arena, &stored, &row, err);
    }
    if (status == SW_STATUS_OK) {
        status = ingest_name_parents(&stored, arena, err);
    }
    if (status != SW_STATUS_OK || (row.items.value == 0 && !row.frozen.value)) {
        return status;
    }
    pthread_mutex_lock(&in->lock);
    status = take_stored(in, tenant, group, &stored, &row, err);
    pthread_mutex_unlock(&in->lock);
    return status;
}

/* Of a large trace only what the new spans reach: themselves, and all that is above them. Log records wait until all
 * is computed. */
static bool take_near(const sw_ingest *in, ingest_group *group, sw_arena *arena)
{
    ingest_items *all = &group->work;
    bool *near = sw_arena_zeroed(arena, all->count + 1);
    uint32_t *slots = NULL;
    uint32_t size = 64;
    uint32_t kept = 0;

    while (size < 2 * all->count) {
        size *= 2;
    }
    slots = sw_arena_zeroed(arena, size * sizeof *slots);
    if (!near || !slots) {
        return false;
    }
    for (uint32_t i = 0; i < all->count; i++) {
        uint32_t at =
            (uint32_t)ingest_hash(&in->key, all->at[i].span_id, OTLP_SPAN_ID) & (size - 1);
        while (slots[at]) {
            at = (at + 1) & (size - 1);
        }
        slots[at] = i + 1;
    }
    for (uint32_t i = 0; i < group->items.count; i++) {
        const uint8_t *id = group->items.at[i].is_log ? NULL : group->items.at[i].span_id;
        while (id) {
            uint32_t at = (uint32_t)ingest_hash(&in->key, id, OTLP_SPAN_ID) & (size - 1);
            while (slots[at] && memcmp(all->at[slots[at] - 1].span_id, id, OTLP_SPAN_ID) != 0) {
                at = (at + 1) & (size - 1);
            }
            id = NULL;
            if (slots[at] && !near[slots[at] - 1]) {
                near[slots[at] - 1] = true;
                id = all->at[slots[at] - 1].parent_id;
            }
        }
    }
    for (uint32_t i = 0; i < all->count; i++) {
        if (near[i]) {
            all->at[kept++] = all->at[i];
        }
    }
    all->count = kept;
    return true;
}

/* The lock is held. */
static sw_status join_unit(sw_ingest *in, ingest_tenant *tenant, ingest_group *group,
                           sw_arena *arena, sw_error *err)
{
    ingest_unit *unit = ingest_find(in, tenant, group->id);
    int64_t duplicates = 0;

    unit = unit ? unit : ingest_make(in, tenant, group->id);
    if (!unit || !ingest_add(in, unit, &group->items, &duplicates) ||
        !ingest_take(in, unit, arena, &group->work, &group->memo)) {
        return sw_no_memory(err);
    }
    in->load.duplicates += duplicates;
    ingest_touch(in, unit);
    ingest_begin(unit, &group->alone);
    group->unit = unit;
    group->how = (ingest_how){.at_once = unit->at_once};
    group->version = unit->version;
    unit->heavy = unit->heavy || is_heavy(unit->count, (int64_t)unit->bytes);
    group->whole = unit->count <= SW_LIMIT_INGEST_AT_ONCE &&
                   unit->bytes <= SW_LIMIT_INGEST_AT_ONCE_BYTES && !unit->partial && !unit->bare &&
                   !unit->heavy;
    return SW_STATUS_OK;
}

static sw_status join(sw_ingest *in, ingest_tenant *tenant, ingest_read *read, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < read->group_count && status == SW_STATUS_OK; i++) {
        status = know_unit(in, tenant, &read->groups[i], read->arena, err);
    }
    pthread_mutex_lock(&in->lock);
    tenant->sends_spans = tenant->sends_spans || !read->logs;
    for (size_t i = 0; i < read->group_count && status == SW_STATUS_OK; i++) {
        status = join_unit(in, tenant, &read->groups[i], read->arena, err);
    }
    pthread_mutex_unlock(&in->lock);
    return status;
}

/* ---- computing and writing -------------------------------------------------------------------------------- */

static sw_status plan_group(sw_ingest *in, const sw_actor *actor, ingest_tenant *tenant,
                            ingest_read *read, ingest_group *group, ingest_plan *plan,
                            sw_error *err)
{
    sw_int now = sw_int_of(read->now_us);
    sw_status status = SW_STATUS_OK;

    if (!group->whole && !take_near(in, group, read->arena)) {
        return sw_no_memory(err);
    }
    status = ingest_compute(in, tenant, &group->work, group->how, read->arena, &group->result, err);
    if (status == SW_STATUS_OK) {
        status = ingest_join_names(in, actor, &group->result, read->arena, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    /* Whoever tells of the same call may do so at this moment. */
    group->whole = group->whole && !ingest_has_names(&group->result);
    group->note_from = plan->note_count;
    if (!ingest_plan_result(plan, &group->memo, &group->result)) {
        return sw_no_memory(err);
    }
    group->note_to = plan->note_count;
    if (ingest_keeps(in) && (!ingest_plan_raw(plan, tenant, group->id, &group->items) ||
                             !ingest_plan_mark(plan, tenant, group->id, now, now))) {
        return sw_no_memory(err);
    }
    return SW_STATUS_OK;
}

/* Sources of the whole export, once. */
static bool plan_sources(sw_ingest *in, const ingest_read *read, ingest_plan *plan)
{
    if (!ingest_keeps(in)) {
        return true;
    }
    plan->sources = sw_arena_zeroed(read->arena, (read->source_count + 1) * sizeof *plan->sources);
    for (uint32_t i = 0; plan->sources && i < read->source_count; i++) {
        plan->sources[i].digest = sw_str_make((const char *)read->sources[i].digest, INGEST_SOURCE);
        plan->sources[i].body = read->sources[i].body;
    }
    plan->source_count = read->source_count;
    return plan->sources != NULL;
}

static bool plan_loose(sw_ingest *in, const ingest_read *read, ingest_plan *plan)
{
    for (size_t i = 0; ingest_keeps(in) && i < read->loose_count; i++) {
        sw_raw_item *items = sw_arena_grow(plan->arena, plan->items, plan->item_count,
                                           &plan->item_room, sizeof *items);
        if (!items) {
            return false;
        }
        plan->items = items;
        items[plan->item_count++] = read->loose[i];
    }
    return true;
}

/* The lock is held. Where spans are kept, the mark in the store is cleared by the thread, together with others. */
static void leave_unit(sw_ingest *in, ingest_group *group, const ingest_plan *plan, bool good)
{
    ingest_unit *unit = group->unit;
    bool refused =
        plan->refused > 0; /* a run went meanwhile, or the like: all is written once more */
    bool whole =
        good && !refused && group->whole && !ingest_has_ghosts(&group->memo, &group->result);

    unit->crowded = unit->crowded || refused;
    for (size_t n = group->note_from; good && !refused && n < group->note_to; n++) {
        ingest_note(in, unit, plan->notes[n].id, plan->notes[n].content);
    }
    unit->waits = good ? ingest_goes_on(&group->result) : unit->waits;
    unit->spanless = good ? group->result.waits : unit->spanless;
    unit->marked = unit->marked || (good && ingest_keeps(in));
    ingest_done(in, unit, group->version, whole, group->alone);
    if (ingest_keeps(in)) {
        ingest_dirty(in, unit, true);
    }
}

static void leave(sw_ingest *in, ingest_read *read, const ingest_plan *plan, bool good)
{
    pthread_mutex_lock(&in->lock);
    for (size_t i = 0; i < read->group_count; i++) {
        if (read->groups[i].unit) {
            leave_unit(in, &read->groups[i], plan, good);
        }
    }
    if (good) {
        *(read->logs ? &in->load.logs : &in->load.spans) += read->accepted;
        in->load.rejected += read->rejected;
        in->load.steps += plan->created;
        in->load.restated += plan->restated;
        in->load.retired += plan->retired;
    }
    ingest_evict(in);
    pthread_mutex_unlock(&in->lock);
}

static sw_status work(sw_ingest *in, const sw_actor *actor, ingest_tenant *tenant,
                      ingest_read *read, sw_ingest_result *result, sw_error *err)
{
    ingest_plan plan = {.arena = read->arena};
    sw_status status = join(in, tenant, read, err);

    for (size_t i = 0; i < read->group_count && status == SW_STATUS_OK; i++) {
        status = plan_group(in, actor, tenant, read, &read->groups[i], &plan, err);
    }
    if (status == SW_STATUS_OK && !plan_loose(in, read, &plan)) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK && !plan_sources(in, read, &plan)) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        status = ingest_write(in, actor, &plan, err);
    }
    leave(in, read, &plan, status == SW_STATUS_OK);
    if (plan.refused > 0) {
        (void)snprintf(result->message, sizeof result->message, "all was read, but %s", plan.why);
    }
    return status;
}

static sw_status export_items(sw_ingest *in, const sw_actor *actor, otlp_signal signal,
                              otlp_wire wire, sw_str body, sw_ingest_result *result, sw_error *err)
{
    sw_arena arena;
    ingest_read read = {
        .arena = &arena, .now_us = in->clock.wall_us(in->clock.data), .logs = signal == OTLP_LOGS};
    sw_str project = actor ? actor->project_id : SW_NULL_STR;
    ingest_tenant *tenant = NULL;
    sw_str organization = actor && actor->organization_id.ptr ? actor->organization_id
                                                              : SW_STR(SW_DEFAULT_ORGANIZATION);
    sw_status status = SW_STATUS_OK;

    sw_arena_init(&arena, &in->allocator, SW_LIMIT_INGEST_MEMORY_BYTES);
    status = ingest_read_export(in, signal, wire, body, actor, &read, err);
    if (status == SW_STATUS_OK) {
        pthread_mutex_lock(&in->lock);
        tenant = ingest_tenant_of(in, organization, project);
        pthread_mutex_unlock(&in->lock);
        status = tenant ? work(in, actor, tenant, &read, result, err) : sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        result->accepted = read.accepted;
        result->rejected = read.rejected;
        if (read.rejected > 0) {
            (void)snprintf(result->message, sizeof result->message,
                           "%lld of %lld spans have no trace id or no span id, and were rejected",
                           (long long)read.rejected, (long long)(read.rejected + read.accepted));
        }
    }
    sw_arena_fini(&arena);
    return status;
}

static sw_status export_metrics(sw_ingest *in, otlp_wire wire, sw_str body,
                                sw_ingest_result *result, sw_error *err)
{
    const otlp_sink none = {.span = NULL};
    int64_t count = 0;
    sw_arena arena;
    sw_status status = SW_STATUS_OK;

    sw_arena_init(&arena, &in->allocator, SW_LIMIT_INGEST_MEMORY_BYTES);
    status = otlp_read(wire, OTLP_METRICS, body, &arena, &none, &count, err);
    if (status == SW_STATUS_OK) {
        result->accepted = count;
        pthread_mutex_lock(&in->lock);
        in->load.points += count;
        pthread_mutex_unlock(&in->lock);
    }
    sw_arena_fini(&arena);
    return status;
}

sw_status sw_ingest_export(sw_ingest *in, const sw_actor *actor, otlp_signal signal, otlp_wire wire,
                           sw_str body, sw_ingest_result *result, sw_error *err)
{
    *result = (sw_ingest_result){0};
    if (body.len > SW_LIMIT_INGEST_EXPORT_BYTES) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "body", "an export has at most %lld bytes",
                       (long long)SW_LIMIT_INGEST_EXPORT_BYTES);
    }
    switch (signal) {
    case OTLP_TRACES:
    case OTLP_LOGS:
        return export_items(in, actor, signal, wire, body, result, err);
    case OTLP_METRICS:
        return export_metrics(in, wire, body, result, err);
    }
    SW_IMPOSSIBLE("a signal that is none");
}
