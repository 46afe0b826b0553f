/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of telemetry is looked at before it is queued, in its caller's thread: which of its steps are there and where
 * they belong, which were folded, and what the sender's keys of conversations come to. So the writer looks for nothing that
 * is not there.
 */
#include "ledger/border.h"
#include "ledger/reading.h"
#include "ledger/telemetry_inside.h"

/* What a step that is there says of where it belongs: what is not said of it again stays so. Of a step that is not the
 * caller's nothing is taken: it counts as new, and its id is then not to be had. */
static sw_status is_there(sw_session *session, const sw_actor *actor, sw_str step_id,
                          sw_arena *arena, sw_step *out, bool *there, sw_error *err)
{
    sw_actor writer = {.organization_id = sw__actor_organization(actor),
                       .project_id = actor ? actor->project_id : SW_NULL_STR};
    sw_status status = sw__first_of(
        session, SW_RECORD_STEP, SW_STEP_ID, step_id,
        SW_MASK(SW_STEP_ORGANIZATION_ID) | SW_MASK(SW_STEP_RUN_ID) | SW_MASK(SW_STEP_AGENT_ID) |
            SW_MASK(SW_STEP_PROJECT_ID) | SW_MASK(SW_STEP_CONVERSATION_ID) |
            SW_MASK(SW_STEP_TRACE_ID) | SW_MASK(SW_STEP_RETIRED_INTO) | SW_MASK(SW_STEP_CREATED_AT),
        arena, out, there, err);

    if (status == SW_STATUS_OK && *there) {
        status = sw__sees(session, arena, &writer, SW_RECORD_STEP, out, there, err);
    }
    if (!*there) {
        *out = (sw_step){.id = SW_NULL_STR};
    }
    return status;
}

/* A fold that was told before its step came is remembered by its alias. */
static sw_status is_folded(sw_session *session, sw_str organization_id, const sw_step *step,
                           sw_arena *arena, bool *folded, sw_error *err)
{
    sw_step_alias key = {.organization_id = organization_id,
                         .project_id = step->project_id,
                         .kind = SW_STR("merged"),
                         .value = step->id};
    sw_step_alias alias;
    sw_status status = sw_store_get(session, SW_RECORD_STEP_ALIAS, &key, arena, &alias, err);

    *folded = status == SW_STATUS_OK;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_status look_at_steps(sw_session *session, const sw_actor *actor, sw_telemetry *t,
                               sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < t->batch->step_count && status == SW_STATUS_OK; i++) {
        sw_step step = t->batch->steps[i].entry.step;
        bool there = false;
        bool yes = false;
        if (actor && actor->project_id.ptr) {
            step.project_id = actor->project_id;
        }
        if (!step.id.ptr) {
            continue; /* refused later */
        }
        status = is_there(session, actor, step.id, &t->arena, &t->stored[i], &there, err);
        t->is[i] = t->stored[i].retired_into.ptr ? SW_TELEMETRY_FOLDED
                   : there                       ? SW_TELEMETRY_THERE
                                                 : SW_TELEMETRY_FRESH;
        if (status == SW_STATUS_OK && !there) {
            status = is_folded(session, sw__actor_organization(actor), &step, &t->arena, &yes, err);
            t->is[i] = yes ? SW_TELEMETRY_FOLDED : SW_TELEMETRY_FRESH;
        }
    }
    return status;
}

static sw_status look(sw_ledger *ledger, const sw_actor *actor, sw_telemetry *t, sw_error *err)
{
    sw_session *session = NULL;
    sw_status status = SW_STATUS_OK;

    if (t->batch->step_count == 0) {
        return SW_STATUS_OK;
    }
    status = sw__snapshot_begin(ledger, &session, err); /* one for all: each read would begin one */
    if (status == SW_STATUS_OK) {
        status = look_at_steps(session, actor, t, err);
        sw__snapshot_end(ledger, session);
    }
    return status;
}

/* A conversation's key becomes its id; the id is passed as it is. */
static sw_status settle_conversation(const sw_actor *actor, sw_str project_id, sw_arena *arena,
                                     sw_str *conversation_id, sw_error *err)
{
    char id[SW_ID_MAX];

    if (!conversation_id->ptr || sw_id_valid(*conversation_id, SW_STR("conv"))) {
        return SW_STATUS_OK;
    }
    if (actor && actor->project_id.ptr) {
        project_id = actor->project_id;
    }
    sw_telemetry_conversation_id(actor, project_id, *conversation_id, id);
    *conversation_id = sw_arena_str(arena, sw_str_from(id));
    return conversation_id->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static void keep_place(const sw_step *from, sw_step *step)
{
    static const uint8_t fields[] = {SW_STEP_RUN_ID, SW_STEP_PROJECT_ID, SW_STEP_TRACE_ID,
                                     SW_STEP_CREATED_AT};

    for (size_t i = 0; i < SW_COUNT(fields); i++) {
        const sw_field *field = &sw_record_of(SW_RECORD_STEP)->fields[fields[i]];
        if (sw_field_is_null(field, step)) {
            sw_field_copy(field, step, from);
        }
    }
}

static sw_status take_entry(const sw_actor *actor, sw_telemetry *t, size_t at, size_t i,
                            sw_error *err)
{
    sw_step_entry *entry = &t->entries[at];

    *entry = t->batch->steps[i].entry;
    entry->messages = NULL;
    entry->traces = NULL;
    entry->message_count = entry->trace_count = 0;
    t->of_step[at] = i;
    if (!entry->step.organization_id.ptr) {
        entry->step.organization_id = sw__actor_organization(actor);
    }
    keep_place(&t->stored[i], &entry->step);
    if (!entry->step.id.ptr) {
        return sw_fail(err, SW_STATUS_INVALID, "id", "a step of telemetry needs its id");
    }
    if (entry->step.source.value != SW_SOURCE_OTLP &&
        entry->step.source.value != SW_SOURCE_TRANSCRIPT) {
        return sw_fail(err, SW_STATUS_INVALID, "source", "must be otlp or transcript");
    }
    return settle_conversation(actor, entry->step.project_id, &t->arena,
                               &entry->step.conversation_id, err);
}

/* The fresh ones first, in their order: they are logged together. */
static sw_status take_entries(const sw_actor *actor, sw_telemetry *t, sw_error *err)
{
    size_t at = 0;
    sw_status status = SW_STATUS_OK;

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < t->batch->step_count && status == SW_STATUS_OK; i++) {
            if ((t->is[i] == SW_TELEMETRY_FRESH) == (round == 0)) {
                status = take_entry(actor, t, at++, i, err);
            }
        }
        t->fresh = round == 0 ? at : t->fresh;
    }
    return status;
}

static sw_status take_runs(const sw_actor *actor, sw_telemetry *t, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < t->batch->run_count && status == SW_STATUS_OK; i++) {
        t->runs[i] = t->batch->runs[i];
        status = settle_conversation(actor, t->runs[i].project_id, &t->arena,
                                     &t->runs[i].conversation_id, err);
    }
    return status;
}

static sw_status make_room(sw_telemetry *t, sw_error *err)
{
    size_t n = t->batch->step_count + 1;

    t->is = sw_arena_zeroed(&t->arena, n * sizeof *t->is);
    t->stored = sw_arena_zeroed(&t->arena, n * sizeof *t->stored);
    t->entries = sw_arena_alloc(&t->arena, n * sizeof *t->entries);
    t->of_step = sw_arena_alloc(&t->arena, n * sizeof *t->of_step);
    t->outcomes = sw_arena_zeroed(&t->arena, n * sizeof *t->outcomes);
    t->runs = sw_arena_alloc(&t->arena, (t->batch->run_count + 1) * sizeof *t->runs);
    return t->arena.failed ? sw_no_memory(err) : SW_STATUS_OK;
}

static sw_status check_sizes(const sw_telemetry_batch *b, sw_error *err)
{
    const struct {
        const char *name;
        size_t count;
    } lists[] = {
        {"agents", b->agent_count},  {"sources", b->source_count}, {"items", b->item_count},
        {"runs", b->run_count},      {"steps", b->step_count},     {"folds", b->fold_count},
        {"aliases", b->alias_count}, {"marks", b->mark_count},     {"calls", b->call_count},
        {"files", b->file_count},    {"left_runs", b->left_count}};

    for (size_t i = 0; i < SW_COUNT(lists); i++) {
        if (lists[i].count > SW_LIMIT_BATCH_ITEMS) {
            return sw_fail(err, SW_STATUS_TOO_LARGE, lists[i].name, "at most %d a call",
                           (int)SW_LIMIT_BATCH_ITEMS);
        }
    }
    return SW_STATUS_OK;
}

sw_status sw__telemetry_look(sw_ledger *ledger, const sw_actor *actor, sw_telemetry *t,
                             sw_error *err)
{
    sw_status status = check_sizes(t->batch, err);

    if (status == SW_STATUS_OK) {
        status = make_room(t, err);
    }
    if (status == SW_STATUS_OK) {
        status = look(ledger, actor, t, err);
    }
    if (status == SW_STATUS_OK) {
        status = take_entries(actor, t, err);
    }
    return status == SW_STATUS_OK ? take_runs(actor, t, err) : status;
}
