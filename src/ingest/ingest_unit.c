/* SPDX-License-Identifier: Apache-2.0 */
/* Traces that are warm: what has come of them lately, so that a step is computed at once with what is known, and once
 * more when more has come. Bounded: past the limit the tenant that holds most loses those that waited longest.
 * Knows nothing of what spans mean. The caller holds the lock.
 */
#include "ingest/ingest_inside.h"

enum { SLOTS_FIRST = 1024 };

/* ---- tenants --------------------------------------------------------------------------------------- */

char *ingest_put_text(char *at, sw_str text, sw_str *out)
{
    if (text.ptr) {
        memcpy(at, text.ptr, text.len);
        *out = sw_str_make(at, text.len);
        at += text.len;
    }
    return at;
}

ingest_tenant *ingest_tenant_of(sw_ingest *in, sw_str organization_id, sw_str project_id)
{
    ingest_tenant *tenant = in->tenants;

    while (tenant && !(sw_str_eq(tenant->organization_id, organization_id) &&
                       sw_str_eq(tenant->project_id, project_id))) {
        tenant = tenant->next;
    }
    if (!tenant) {
        tenant = sw_alloc_zeroed(&in->allocator,
                                 sizeof *tenant + organization_id.len + project_id.len + 1);
        if (tenant) {
            char *at =
                ingest_put_text((char *)(tenant + 1), organization_id, &tenant->organization_id);
            (void)ingest_put_text(at, project_id, &tenant->project_id);
            tenant->next = in->tenants;
            in->tenants = tenant;
        }
    }
    return tenant;
}

/* ---- units ------------------------------------------------------------------------------------------ */

static uint64_t hash_unit(const sw_ingest *in, const ingest_tenant *tenant, const uint8_t *id)
{
    return ingest_hash(&in->key, id, INGEST_UNIT) ^ (uintptr_t)tenant >> 4;
}

ingest_unit *ingest_find(sw_ingest *in, const ingest_tenant *tenant, const uint8_t *id)
{
    uint64_t hash = hash_unit(in, tenant, id);
    ingest_unit *unit = in->slot_count ? in->slots[hash & (in->slot_count - 1)] : NULL;

    while (unit && !(unit->tenant == tenant && memcmp(unit->id, id, INGEST_UNIT) == 0)) {
        unit = unit->next_in_slot;
    }
    return unit;
}

static bool grow_slots(sw_ingest *in)
{
    size_t count = in->slot_count ? in->slot_count * 2 : SLOTS_FIRST;
    ingest_unit **slots = sw_alloc_zeroed(&in->allocator, count * sizeof(ingest_unit *));

    for (size_t i = 0; slots && i < in->slot_count; i++) {
        while (in->slots[i]) {
            ingest_unit *unit = in->slots[i];
            in->slots[i] = unit->next_in_slot;
            unit->next_in_slot = slots[unit->hash & (count - 1)];
            slots[unit->hash & (count - 1)] = unit;
        }
    }
    if (slots) {
        sw_free(&in->allocator, in->slots);
        in->slots = slots;
        in->slot_count = count;
    }
    return slots != NULL || in->slot_count > 0;
}

void ingest_weigh(sw_ingest *in, ingest_unit *unit, size_t more, size_t less)
{
    unit->bytes = unit->bytes + more - less;
    unit->tenant->bytes = unit->tenant->bytes + more - less;
    in->bytes = in->bytes + more - less;
}

static void unlink_unit(ingest_unit *unit)
{
    ingest_tenant *tenant = unit->tenant;

    if (unit->newer) {
        unit->newer->older = unit->older;
    } else {
        tenant->newest = unit->older;
    }
    if (unit->older) {
        unit->older->newer = unit->newer;
    } else {
        tenant->oldest = unit->newer;
    }
}

static void link_newest(ingest_unit *unit)
{
    ingest_tenant *tenant = unit->tenant;

    unit->newer = NULL;
    unit->older = tenant->newest;
    if (tenant->newest) {
        tenant->newest->newer = unit;
    } else {
        tenant->oldest = unit;
    }
    tenant->newest = unit;
}

ingest_unit *ingest_make(sw_ingest *in, ingest_tenant *tenant, const uint8_t *id)
{
    ingest_unit *unit = NULL;

    if (in->units >= in->slot_count && !grow_slots(in)) {
        return NULL;
    }
    unit = sw_alloc_zeroed(&in->allocator, sizeof *unit);
    if (!unit) {
        return NULL;
    }
    unit->tenant = tenant;
    unit->by_digest.key = &in->key;
    unit->hash = hash_unit(in, tenant, id);
    unit->came_us = in->clock.mono_us(in->clock.data);
    unit->last_us = in->clock.wall_us(in->clock.data);
    unit->at_once = !tenant->sends_spans;
    memcpy(unit->id, id, INGEST_UNIT);
    unit->next_in_slot = in->slots[unit->hash & (in->slot_count - 1)];
    in->slots[unit->hash & (in->slot_count - 1)] = unit;
    in->units++;
    tenant->units++;
    link_newest(unit);
    ingest_weigh(in, unit, sizeof *unit, 0);
    return unit;
}

void ingest_touch(sw_ingest *in, ingest_unit *unit)
{
    unit->came_us = in->clock.mono_us(in->clock.data);
    unit->last_us = in->clock.wall_us(in->clock.data);
    unlink_unit(unit);
    link_newest(unit);
}

static void link_dirty(ingest_unit *unit)
{
    ingest_tenant *tenant = unit->tenant;

    unit->next_dirty = NULL;
    unit->last_dirty = tenant->end_dirty;
    if (tenant->end_dirty) {
        tenant->end_dirty->next_dirty = unit;
    } else {
        tenant->first_dirty = unit;
    }
    tenant->end_dirty = unit;
}

static void unlink_dirty(ingest_unit *unit)
{
    ingest_tenant *tenant = unit->tenant;

    if (unit->last_dirty) {
        unit->last_dirty->next_dirty = unit->next_dirty;
    } else {
        tenant->first_dirty = unit->next_dirty;
    }
    if (unit->next_dirty) {
        unit->next_dirty->last_dirty = unit->last_dirty;
    } else {
        tenant->end_dirty = unit->last_dirty;
    }
}

void ingest_dirty(sw_ingest *in, ingest_unit *unit, bool dirty)
{
    if (dirty && !unit->dirty) {
        unit->dirty_us = in->clock.mono_us(in->clock.data);
        link_dirty(unit);
        in->load.marked++;
        (void)pthread_cond_signal(&in->wake);
    } else if (!dirty && unit->dirty) {
        unlink_dirty(unit);
        in->load.marked--;
    }
    unit->dirty = dirty;
}

void ingest_forget(sw_ingest *in, ingest_unit *unit)
{
    ingest_unit **at = &in->slots[unit->hash & (in->slot_count - 1)];

    sw_assert(unit->workers == 0);
    ingest_dirty(in, unit, false);
    while (*at != unit) {
        at = &(*at)->next_in_slot;
    }
    *at = unit->next_in_slot;
    unlink_unit(unit);
    unit->tenant->units--;
    in->units--;
    ingest_weigh(in, unit, 0, unit->bytes);
    ingest_empty(in, unit);
    sw_free(&in->allocator, unit);
}

static bool is_full(const sw_ingest *in)
{
    return in->bytes > SW_LIMIT_INGEST_WARM_BYTES || in->units > SW_LIMIT_INGEST_WARM_TRACES;
}

/* The oldest on which nobody works. Where the store keeps spans a dirty one may go: its mark is there. */
static ingest_unit *oldest_idle(const sw_ingest *in, const ingest_tenant *tenant)
{
    ingest_unit *unit = tenant->oldest;

    while (unit && (unit->workers > 0 || (unit->dirty && !ingest_keeps(in)))) {
        unit = unit->newer;
    }
    return unit;
}

static ingest_tenant *largest(const sw_ingest *in)
{
    ingest_tenant *most = in->tenants;

    for (ingest_tenant *tenant = in->tenants; tenant; tenant = tenant->next) {
        most = tenant->bytes > most->bytes ? tenant : most;
    }
    return most;
}

void ingest_evict(sw_ingest *in)
{
    while (is_full(in)) {
        ingest_unit *unit = oldest_idle(in, largest(in));
        if (!unit) {
            return; /* all are being worked on, and go when that is done */
        }
        ingest_forget(in, unit);
    }
}

void ingest_free_units(sw_ingest *in)
{
    while (in->tenants) {
        ingest_tenant *tenant = in->tenants;
        while (tenant->newest) {
            ingest_forget(in, tenant->newest);
        }
        in->tenants = tenant->next;
        sw_free(&in->allocator, tenant);
    }
    sw_free(&in->allocator, in->slots);
}
