/* SPDX-License-Identifier: Apache-2.0 */
/* From the kept spans and log records of one trace or session to its steps and runs: decodes, lets records join their
 * spans or become some, reads facts, and asks trace.h.
 */
#include <stdlib.h>

#include "ingest/ingest_inside.h"

typedef struct decoded {
    otlp_resource *resources; /* by source */
    otlp_scope *scopes;
    otlp_span *spans;
    const ingest_item **from; /* of each span */
    uint32_t span_count;
    otlp_log *logs;
    uint32_t log_count;
    event_lone lone;
    span_facts *facts;
    size_t fact_count;
} decoded;

static bool make_room(decoded *d, const ingest_items *items, sw_arena *arena)
{
    d->resources = sw_arena_zeroed(arena, (items->source_count + 1) * sizeof *d->resources);
    d->scopes = sw_arena_zeroed(arena, (items->source_count + 1) * sizeof *d->scopes);
    d->spans = sw_arena_zeroed(arena, (items->count + 1) * sizeof *d->spans);
    d->from = sw_arena_zeroed(arena, (items->count + 1) * sizeof(const ingest_item *));
    d->logs = sw_arena_zeroed(arena, (items->count + 1) * sizeof *d->logs);
    return d->resources && d->scopes && d->spans && d->from && d->logs;
}

static sw_status decode_item(decoded *d, const ingest_item *item, sw_arena *arena, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (item->is_log) {
        otlp_log *log = &d->logs[d->log_count++];
        status = otlp_kept_log(item->body, arena, log, err);
        log->resource = &d->resources[item->source];
        log->scope = &d->scopes[item->source];
    } else {
        otlp_span *span = &d->spans[d->span_count];
        d->from[d->span_count++] = item;
        status = otlp_kept_span(item->body, arena, span, err);
        span->resource = &d->resources[item->source];
        span->scope = &d->scopes[item->source];
    }
    return status;
}

static sw_status decode(decoded *d, const ingest_items *items, sw_arena *arena, sw_error *err)
{
    sw_status status = make_room(d, items, arena) ? SW_STATUS_OK : sw_no_memory(err);

    for (uint32_t i = 0; i < items->source_count && status == SW_STATUS_OK; i++) {
        status =
            otlp_kept_source(items->sources[i].body, arena, &d->resources[i], &d->scopes[i], err);
    }
    for (uint32_t i = 0; i < items->count && status == SW_STATUS_OK; i++) {
        status = decode_item(d, &items->at[i], arena, err);
    }
    return status;
}

/* ---- facts ------------------------------------------------------------------------------------------- */

static sw_status read_span(const decoded *d, uint32_t i, sw_arena *arena, span_facts *facts,
                           sw_error *err)
{
    int64_t received_us = d->from[i]->received_us;
    sw_status status = span_read(&d->spans[i], arena, facts, err);

    facts->received_ns = received_us < INT64_MAX / 1000 ? received_us * 1000 : INT64_MAX;
    return status;
}

/* What may be around a call without being it. */
static bool is_around(span_role role)
{
    return role == SPAN_OTHER || role == SPAN_TOOL || role == SPAN_AGENT || role == SPAN_WORKFLOW ||
           role == SPAN_HTTP;
}

/* A record may name the span that was open around its call (E.5): the call is that of the model span with the same answer,
 * else one that no span tells of. */
static sw_status read_inside(decoded *d, uint32_t i, bool at_once, sw_arena *arena, sw_error *err)
{
    span_facts *inside = &d->lone.facts[d->lone.count];
    sw_status status = event_inside(d->lone.joined[i], arena, inside, err);

    for (uint32_t k = 0; k < d->span_count && status == SW_STATUS_OK && inside->request_id.len > 0;
         k++) {
        span_facts *call = &d->facts[k];
        if (call->role == SPAN_LLM && sw_str_eq(call->request_id, inside->request_id)) {
            call->detailed = call->detailed ? call->detailed : d->spans[i].span_id;
            return status;
        }
    }
    d->lone.count += at_once;
    d->lone.waits = d->lone.waits || !at_once;
    return status;
}

static sw_status read_spans(decoded *d, bool at_once, sw_arena *arena, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (uint32_t i = 0; i < d->span_count && status == SW_STATUS_OK; i++) {
        status = read_span(d, i, arena, &d->facts[i], err);
        if (d->lone.joined && d->lone.joined[i]) {
            d->facts[i].detailed = d->spans[i].span_id;
        }
    }
    for (uint32_t i = 0; i < d->span_count && status == SW_STATUS_OK; i++) {
        if (d->facts[i].detailed && is_around(d->facts[i].role)) {
            status = read_inside(d, i, at_once, arena, err);
        }
    }
    return status;
}

/* Those of spans, and behind them those of what was only told. */
static sw_status read_facts(decoded *d, bool at_once, const span_facts *told, size_t told_count,
                            sw_arena *arena, sw_error *err)
{
    size_t room = (size_t)d->span_count + d->log_count + told_count + 1;
    size_t lone_count = 0;
    sw_status status = SW_STATUS_OK;

    d->facts = sw_arena_zeroed(arena, room * sizeof *d->facts);
    if (!d->facts) {
        return sw_no_memory(err);
    }
    status = read_spans(d, at_once, arena, err);
    lone_count = d->lone.count;
    d->fact_count = d->span_count + lone_count + told_count;
    if (lone_count > 0) {
        memcpy(d->facts + d->span_count, d->lone.facts, lone_count * sizeof *d->facts);
    }
    if (told_count > 0) {
        memcpy(d->facts + d->span_count + lone_count, told, told_count * sizeof *told);
    }
    return status;
}

static sw_status read_all(decoded *d, ingest_how how, sw_arena *arena, sw_error *err)
{
    span_facts *told = NULL;
    size_t told_count = 0;
    bool at_once = how.quiet || how.at_once;
    sw_status status = SW_STATUS_OK;

    if (d->log_count > 0) {
        status = event_join(d->spans, d->span_count, d->logs, d->log_count, at_once, arena,
                            &d->lone, err);
    }
    if (status == SW_STATUS_OK && d->log_count > 0) {
        status = event_read(d->logs, d->log_count, how.quiet, arena, &told, &told_count, err);
    }
    return status == SW_STATUS_OK ? read_facts(d, at_once, told, told_count, arena, err) : status;
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
    by_id *all = sw_arena_alloc(arena, (d->span_count + 1) * sizeof *all);

    if (!all) {
        return sw_no_memory(err);
    }
    for (uint32_t i = 0; i < d->span_count; i++) {
        all[i] = (by_id){d->from[i], &items->sources[d->from[i]->source], &d->spans[i]};
    }
    qsort(all, d->span_count, sizeof *all, compare);
    for (uint32_t i = 1; i < d->span_count; i++) {
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
                         ingest_how how, sw_arena *arena, trace_result *out, sw_error *err)
{
    trace_whose whose = {.organization_id = tenant->organization_id,
                         .project_id = tenant->project_id,
                         .now_us = in->clock.wall_us(in->clock.data),
                         .quiet = how.quiet};
    decoded d = {.span_count = 0};
    sw_status status = decode(&d, items, arena, err);

    if (status == SW_STATUS_OK) {
        status = read_all(&d, how, arena, err);
    }
    if (status == SW_STATUS_OK) {
        status = part_equal_ids(&d, items, arena, err);
    }
    if (status == SW_STATUS_OK) {
        status = trace_compute_with(how.lean ? span_read_talk_lean : span_read_talk, &whose,
                                    d.facts, d.fact_count, arena, out, err);
    }
    out->waits = d.lone.waits;
    return status;
}
