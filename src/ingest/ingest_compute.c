/* SPDX-License-Identifier: Apache-2.0 */
/* From kept spans of one trace to its steps and runs: decodes, reads facts, and asks trace.h. */
#include <stdlib.h>

#include "ingest/ingest_inside.h"

typedef struct decoded {
    otlp_resource *resources; /* by source */
    otlp_scope *scopes;
    otlp_span *spans;
    span_facts *facts;
} decoded;

static bool make_room(decoded *d, const ingest_items *items, sw_arena *arena)
{
    d->resources = sw_arena_zeroed(arena, (items->source_count + 1) * sizeof *d->resources);
    d->scopes = sw_arena_zeroed(arena, (items->source_count + 1) * sizeof *d->scopes);
    d->spans = sw_arena_zeroed(arena, (items->count + 1) * sizeof *d->spans);
    d->facts = sw_arena_zeroed(arena, (items->count + 1) * sizeof *d->facts);
    return d->resources && d->scopes && d->spans && d->facts;
}

static sw_status read_span(decoded *d, const ingest_item *item, uint32_t i, sw_arena *arena,
                           sw_error *err)
{
    sw_status status = otlp_kept_span(item->body, arena, &d->spans[i], err);

    d->spans[i].resource = &d->resources[item->source];
    d->spans[i].scope = &d->scopes[item->source];
    if (status == SW_STATUS_OK) {
        status = span_read(&d->spans[i], arena, &d->facts[i], err);
    }
    d->facts[i].received_ns =
        item->received_us < INT64_MAX / 1000 ? item->received_us * 1000 : INT64_MAX;
    return status;
}

/* ---- one id for two --------------------------------------------------------------------------------- */

typedef struct by_id {
    const ingest_item *item;
    const ingest_source *source;
    otlp_span *span;
} by_id;

static int compare(const void *a, const void *b)
{
    const by_id *x = a;
    const by_id *y = b;
    int order = memcmp(x->item->span_id, y->item->span_id, OTLP_SPAN_ID);

    if (order == 0) {
        order = (x->item->start_ns > y->item->start_ns) - (x->item->start_ns < y->item->start_ns);
    }
    return order ? order : memcmp(x->source->digest, y->source->digest, INGEST_SOURCE);
}

/* Two services that draw the same ids: the one that began first keeps it, whichever came first (E.8). */
static sw_status part_equal_ids(decoded *d, const ingest_items *items, sw_arena *arena,
                                sw_error *err)
{
    by_id *all = sw_arena_alloc(arena, (items->count + 1) * sizeof *all);

    if (!all) {
        return sw_no_memory(err);
    }
    for (uint32_t i = 0; i < items->count; i++) {
        all[i] = (by_id){&items->at[i], &items->sources[items->at[i].source], &d->spans[i]};
    }
    qsort(all, items->count, sizeof *all, compare);
    for (uint32_t i = 1; i < items->count; i++) {
        if (memcmp(all[i].item->span_id, all[i - 1].item->span_id, OTLP_SPAN_ID) == 0) {
            char both[OTLP_SPAN_ID + INGEST_SOURCE];
            uint8_t other[INGEST_SOURCE];
            memcpy(both, all[i].item->span_id, OTLP_SPAN_ID);
            memcpy(both + OTLP_SPAN_ID, all[i].source->digest, INGEST_SOURCE);
            ingest_digest(sw_str_make(both, sizeof both), other);
            memcpy(all[i].span->span_id, other, OTLP_SPAN_ID);
        }
    }
    return SW_STATUS_OK;
}

sw_status ingest_compute(sw_ingest *in, const ingest_tenant *tenant, const ingest_items *items,
                         bool quiet, sw_arena *arena, trace_result *out, sw_error *err)
{
    trace_whose whose = {.organization_id = tenant->organization_id,
                         .project_id = tenant->project_id,
                         .now_us = in->clock.wall_us(in->clock.data),
                         .quiet = quiet};
    decoded d;
    sw_status status = make_room(&d, items, arena) ? SW_STATUS_OK : sw_no_memory(err);

    for (uint32_t i = 0; i < items->source_count && status == SW_STATUS_OK; i++) {
        status =
            otlp_kept_source(items->sources[i].body, arena, &d.resources[i], &d.scopes[i], err);
    }
    for (uint32_t i = 0; i < items->count && status == SW_STATUS_OK; i++) {
        status = read_span(&d, &items->at[i], i, arena, err);
    }
    if (status == SW_STATUS_OK) {
        status = part_equal_ids(&d, items, arena, err);
    }
    return status == SW_STATUS_OK ? trace_compute(&whose, d.facts, items->count, arena, out, err)
                                  : status;
}
