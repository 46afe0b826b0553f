/* SPDX-License-Identifier: Apache-2.0 */
/* Spans and log records of a unit, read back from the store: after a restart, for what other processes took in, and whenever a unit is
 * computed as a whole while the store keeps spans.
 */
#include "ingest/ingest_inside.h"

typedef struct loading {
    sw_ingest *in;
    const sw_actor *actor;
    sw_arena *arena;
    ingest_item *items;
    size_t count;
    size_t room;
    ingest_source *sources;
    size_t source_count;
    size_t source_room;
    ingest_index by_digest;
    bool failed;
} loading;

static bool find_source(loading *l, sw_str digest, uint32_t *out)
{
    ingest_source *sources = NULL;

    *out = ingest_index_find(&l->by_digest, l->sources, (uint32_t)l->source_count,
                             (const uint8_t *)digest.ptr);
    if (*out < l->source_count) {
        return true;
    }
    sources =
        sw_arena_grow(l->arena, l->sources, l->source_count, &l->source_room, sizeof *sources);
    if (!sources || !ingest_index_fit(&l->by_digest, l->arena, sources, *out)) {
        return false;
    }
    l->sources = sources;
    sources[*out] = (ingest_source){.body = SW_NULL_STR};
    memcpy(sources[*out].digest, digest.ptr, INGEST_SOURCE);
    l->source_count++;
    ingest_index_add(&l->by_digest, sources, *out);
    return true;
}

static bool see_item(void *arg, const void *row)
{
    loading *l = arg;
    const sw_raw_item *from = row;
    ingest_item *items = NULL;
    ingest_item *item = NULL;

    if (from->item.len < OTLP_SPAN_ID || from->source_digest.len != INGEST_SOURCE) {
        return true;
    }
    items = sw_arena_grow(l->arena, l->items, l->count, &l->room, sizeof *items);
    l->failed = !items;
    if (!items) {
        return false;
    }
    l->items = items;
    item = &items[l->count++];
    *item = (ingest_item){.attributes = (int32_t)from->attribute_count.value,
                          .start_ns = from->start_ns.value,
                          .end_ns = from->end_ns.value,
                          .received_us = from->received_at.value,
                          .body = sw_arena_str(l->arena, from->body)};
    memcpy(item->span_id, from->item.ptr, OTLP_SPAN_ID);
    item->is_log = from->signal.value == SW_RAW_SIGNAL_LOG;
    if (item->is_log && from->item.len == INGEST_SOURCE) {
        memcpy(item->rest, from->item.ptr + OTLP_SPAN_ID, sizeof item->rest);
    }
    l->failed = !item->body.ptr || !find_source(l, from->source_digest, &item->source);
    return !l->failed;
}

static sw_status load_sources(loading *l, sw_error *err)
{
    sw_memory *memory = sw_memory_new(&l->in->allocator);
    sw_status status = memory ? SW_STATUS_OK : sw_no_memory(err);

    for (size_t i = 0; i < l->source_count && status == SW_STATUS_OK; i++) {
        sw_raw_source row;
        status = sw_telemetry_source(l->in->ledger, l->actor,
                                     sw_str_make((const char *)l->sources[i].digest, INGEST_SOURCE),
                                     memory, &row, err);
        if (status == SW_STATUS_OK) {
            l->sources[i].body = sw_arena_str(l->arena, row.body);
            status = l->sources[i].body.ptr ? status : sw_no_memory(err);
        }
        sw_memory_reset(memory);
    }
    if (memory) {
        sw_memory_free(&memory);
    }
    return status;
}

sw_status ingest_load_row(sw_ingest *in, const ingest_tenant *tenant, const uint8_t *unit,
                          sw_raw_trace *row, sw_error *err)
{
    sw_actor actor = {.organization_id = tenant->organization_id, .project_id = tenant->project_id};
    sw_memory *memory = sw_memory_new(&in->allocator);
    sw_status status = SW_STATUS_OK;

    *row = (sw_raw_trace){.items = SW_NULL_INT};
    if (!memory) {
        return sw_no_memory(err);
    }
    status = sw_telemetry_unit(in->ledger, &actor, tenant->project_id,
                               sw_str_make((const char *)unit, INGEST_UNIT), memory, row, err);
    *row = (sw_raw_trace){.frozen = row->frozen,
                          .last_at = row->last_at,
                          .marked_at = row->marked_at,
                          .items = row->items,
                          .bytes = row->bytes};
    sw_memory_free(&memory);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status ingest_load_items(sw_ingest *in, const ingest_tenant *tenant, const uint8_t *unit,
                            sw_arena *arena, ingest_items *out, sw_raw_trace *row, sw_error *err)
{
    sw_actor actor = {.organization_id = tenant->organization_id, .project_id = tenant->project_id};
    loading l = {.in = in, .actor = &actor, .arena = arena, .by_digest = {.key = &in->key}};
    sw_str id = sw_str_make((const char *)unit, INGEST_UNIT);
    sw_status status = ingest_load_row(in, tenant, unit, row, err);

    *out = (ingest_items){.count = 0};
    if (status != SW_STATUS_OK || row->items.value == 0 || row->frozen.value) {
        return status;
    }
    status = sw_telemetry_items(in->ledger, &actor, tenant->project_id, id, see_item, &l, err);
    if (status == SW_STATUS_OK && l.failed) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        status = load_sources(&l, err);
    }
    *out = (ingest_items){l.items, (uint32_t)l.count, l.sources, (uint32_t)l.source_count};
    return status;
}

/* A row says no parent; the span does. */
sw_status ingest_name_parents(ingest_items *items, sw_arena *arena, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (uint32_t i = 0; i < items->count && status == SW_STATUS_OK; i++) {
        ingest_item *item = &items->at[i];
        sw_mark mark = sw_arena_mark(arena);
        otlp_span span;
        if (!item->is_log) {
            status = otlp_kept_span(item->body, arena, &span, err);
        }
        if (!item->is_log && status == SW_STATUS_OK) {
            memcpy(item->parent_id, span.parent_span_id, OTLP_SPAN_ID);
        }
        sw_arena_rewind(arena, mark);
    }
    return status;
}
