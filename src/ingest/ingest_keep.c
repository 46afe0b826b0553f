/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes of an export to spans as they are kept, by trace: decoded, without what may hold a secret, in one
 * canonical form, whichever wire they came by. All that follows reads only this form, so that what is computed at
 * once and what is computed later from the store are the same.
 */
#include <sodium.h>
#include <stdlib.h>

#include "ingest/ingest_inside.h"

/* A span of the export; its body is a range of the buffer until all are there. */
typedef struct kept {
    uint8_t trace_id[OTLP_TRACE_ID];
    uint32_t order; /* of arrival */
    size_t from;
    size_t to;
    ingest_item item;
} kept;

typedef struct keeping {
    ingest_read *out;
    sw_buf buf;
    kept *spans;
    size_t count;
    size_t room;
    ingest_source *sources;
    size_t source_room;
    const otlp_resource *resource; /* of the span before */
    const otlp_scope *scope;
    uint32_t source;
} keeping;

void ingest_digest(sw_str body, uint8_t out[INGEST_SOURCE])
{
    _Static_assert(INGEST_SOURCE >= crypto_generichash_BYTES_MIN, "a digest that can be made");
    (void)crypto_generichash(out, INGEST_SOURCE, (const unsigned char *)body.ptr, body.len, NULL,
                             0);
}

static bool is_zero(const uint8_t *id, size_t size)
{
    uint8_t any = 0;

    for (size_t i = 0; i < size; i++) {
        any |= id[i];
    }
    return any == 0;
}

/* Resource and scope repeat: mostly they are those of the span before. */
static sw_status take_source(keeping *k, const otlp_span *span)
{
    sw_arena *arena = k->out->arena;
    size_t from = k->buf.len;
    ingest_source source;
    ingest_source *sources = NULL;

    if (k->out->source_count > 0 && span->resource == k->resource && span->scope == k->scope) {
        return SW_STATUS_OK;
    }
    otlp_keep_source(&k->buf, span->resource, span->scope, span_is_secret, NULL, arena);
    if (k->buf.status != SW_STATUS_OK) {
        return k->buf.status;
    }
    source.body = sw_str_make(k->buf.ptr + from, k->buf.len - from);
    ingest_digest(source.body, source.digest);
    for (k->source = 0; k->source < k->out->source_count; k->source++) {
        if (memcmp(k->sources[k->source].digest, source.digest, INGEST_SOURCE) == 0) {
            break;
        }
    }
    k->resource = span->resource;
    k->scope = span->scope;
    if (k->source == k->out->source_count) {
        sources = sw_arena_grow(arena, k->sources, k->source, &k->source_room, sizeof *sources);
        source.body = sw_arena_str(arena, source.body);
        if (!sources || !source.body.ptr) {
            return SW_STATUS_NO_MEMORY;
        }
        k->sources = sources;
        sources[k->out->source_count++] = source;
    }
    k->buf.len = from;
    return SW_STATUS_OK;
}

static sw_status take_span(keeping *k, const otlp_span *span)
{
    kept *spans = sw_arena_grow(k->out->arena, k->spans, k->count, &k->room, sizeof *spans);
    size_t from = k->buf.len;
    kept *at = NULL;

    if (!spans) {
        return SW_STATUS_NO_MEMORY;
    }
    k->spans = spans;
    otlp_keep_span(&k->buf, span, span_is_secret, NULL, k->out->arena);
    if (k->buf.status != SW_STATUS_OK) {
        return k->buf.status;
    }
    at = &spans[k->count];
    *at = (kept){.order = (uint32_t)k->count, .from = from, .to = k->buf.len};
    memcpy(at->trace_id, span->trace_id, OTLP_TRACE_ID);
    memcpy(at->item.span_id, span->span_id, OTLP_SPAN_ID);
    memcpy(at->item.parent_id, span->parent_span_id, OTLP_SPAN_ID);
    at->item.source = k->source;
    at->item.attributes = (int32_t)(span->attributes.count & INT32_MAX);
    at->item.start_ns = span->start_ns;
    at->item.end_ns = span->end_ns;
    at->item.received_us = k->out->now_us;
    k->count++;
    return SW_STATUS_OK;
}

static sw_status see_span(void *arg, const otlp_span *span)
{
    keeping *k = arg;
    sw_status status = SW_STATUS_OK;

    if (is_zero(span->trace_id, OTLP_TRACE_ID) || is_zero(span->span_id, OTLP_SPAN_ID)) {
        k->out->rejected++;
        return SW_STATUS_OK;
    }
    status = take_source(k, span);
    return status == SW_STATUS_OK ? take_span(k, span) : status;
}

/* ---- by trace ---------------------------------------------------------------------------------------- */

static int by_trace(const void *a, const void *b)
{
    const kept *x = a;
    const kept *y = b;
    int order = memcmp(x->trace_id, y->trace_id, OTLP_TRACE_ID);

    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* The sources that a group's spans come from, numbered anew. */
static bool take_group_sources(const keeping *k, ingest_group *group)
{
    ingest_source *mine = NULL;
    uint32_t *number = NULL;

    number = sw_arena_zeroed(k->out->arena, (k->out->source_count + 1) * sizeof *number);
    mine = sw_arena_alloc(k->out->arena, (k->out->source_count + 1) * sizeof *mine);
    if (!number || !mine) {
        return false;
    }
    for (uint32_t i = 0; i < group->items.count; i++) {
        uint32_t *new = &number[group->items.at[i].source];
        if (*new == 0) {
            mine[group->items.source_count] = k->sources[group->items.at[i].source];
            *new = ++group->items.source_count;
        }
        group->items.at[i].source = *new - 1;
    }
    group->items.sources = mine;
    return true;
}

static size_t count_groups(const keeping *k)
{
    size_t n = 0;

    for (size_t i = 0; i < k->count; i++) {
        n += i == 0 || memcmp(k->spans[i].trace_id, k->spans[i - 1].trace_id, OTLP_TRACE_ID) != 0;
    }
    return n;
}

static bool make_groups(keeping *k, sw_str bytes)
{
    ingest_item *items = sw_arena_alloc(k->out->arena, (k->count + 1) * sizeof *items);
    ingest_group *groups = NULL;
    size_t n = 0;

    if (k->count > 0) {
        qsort(k->spans, k->count, sizeof *k->spans, by_trace);
    }
    groups = sw_arena_zeroed(k->out->arena, (count_groups(k) + 1) * sizeof *groups);
    if (!items || !groups) {
        return false;
    }
    for (size_t i = 0; i < k->count; i++) {
        const kept *span = &k->spans[i];
        items[i] = span->item;
        items[i].body = sw_str_make(bytes.ptr + span->from, span->to - span->from);
        if (n == 0 || memcmp(groups[n - 1].id, span->trace_id, OTLP_TRACE_ID) != 0) {
            memcpy(groups[n].id, span->trace_id, OTLP_TRACE_ID);
            groups[n++].items.at = &items[i];
        }
        groups[n - 1].items.count++;
    }
    for (size_t i = 0; i < n; i++) {
        if (!take_group_sources(k, &groups[i])) {
            return false;
        }
    }
    k->out->groups = groups;
    k->out->group_count = n;
    return true;
}

sw_status ingest_read_spans(sw_ingest *in, otlp_wire wire, sw_str body, ingest_read *out,
                            sw_error *err)
{
    keeping k = {.out = out};
    otlp_sink sink = {.span = see_span, .arg = &k};
    sw_str bytes = SW_NULL_STR;
    int64_t count = 0;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&k.buf, &in->allocator, SW_LIMIT_INGEST_MEMORY_BYTES);
    status = otlp_read(wire, OTLP_TRACES, body, out->arena, &sink, &count, err);
    if (status == SW_STATUS_OK) {
        bytes = sw_arena_str(out->arena, sw_str_make(k.buf.ptr ? k.buf.ptr : "", k.buf.len));
        status = bytes.ptr && make_groups(&k, bytes) ? SW_STATUS_OK : sw_no_memory(err);
    }
    sw_buf_fini(&k.buf);
    out->sources = k.sources;
    out->accepted = (int64_t)k.count;
    return status == SW_STATUS_NO_MEMORY ? sw_no_memory(err) : status;
}
