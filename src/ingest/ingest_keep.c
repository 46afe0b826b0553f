/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes of an export to spans and log records as they are kept, by trace or session: decoded, without what may hold a secret, in one
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
    span_keeping how;
    sw_buf buf;
    kept *spans;
    size_t count;
    size_t room;
    ingest_source *sources;
    size_t source_room;
    ingest_index by_digest; /* of sources */
    size_t loose_room;
    sw_str project_id;
    const otlp_resource *resource; /* of the span or record before */
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
static sw_status take_source(keeping *k, const otlp_resource *resource, const otlp_scope *scope)
{
    sw_arena *arena = k->out->arena;
    size_t from = k->buf.len;
    ingest_source source;
    ingest_source *sources = NULL;

    if (k->out->source_count > 0 && resource == k->resource && scope == k->scope) {
        return SW_STATUS_OK;
    }
    otlp_keep_source(&k->buf, resource, scope, span_drop, &k->how, arena);
    if (k->buf.status != SW_STATUS_OK || k->out->arena->failed) {
        return SW_STATUS_NO_MEMORY;
    }
    source.body = sw_str_make(k->buf.ptr + from, k->buf.len - from);
    ingest_digest(source.body, source.digest);
    k->source = ingest_index_find(&k->by_digest, k->sources, k->out->source_count, source.digest);
    k->resource = resource;
    k->scope = scope;
    if (k->source == k->out->source_count) {
        sources = sw_arena_grow(arena, k->sources, k->source, &k->source_room, sizeof *sources);
        source.body = sw_arena_str(arena, source.body);
        if (!sources || !source.body.ptr ||
            !ingest_index_fit(&k->by_digest, arena, sources, k->source)) {
            return SW_STATUS_NO_MEMORY;
        }
        k->sources = sources;
        sources[k->out->source_count++] = source;
        ingest_index_add(&k->by_digest, sources, k->source);
    }
    k->buf.len = from;
    return SW_STATUS_OK;
}

static sw_status take_span(keeping *k, const otlp_span *span)
{
    kept *spans = sw_arena_grow(k->out->arena, k->spans, k->count, &k->room, sizeof *spans);
    size_t from = k->buf.len;
    otlp_span less = *span;
    kept *at = NULL;

    if (!spans) {
        return SW_STATUS_NO_MEMORY;
    }
    k->spans = spans;
    if (k->how.silent) {
        less.status_message = SW_NULL_STR; /* says what went wrong, and with what */
    }
    otlp_keep_span(&k->buf, &less, span_drop, &k->how, k->out->arena);
    if (k->buf.status != SW_STATUS_OK || k->out->arena->failed) {
        return SW_STATUS_NO_MEMORY;
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
    status = take_source(k, span->resource, span->scope);
    return status == SW_STATUS_OK ? take_span(k, span) : status;
}

/* ---- log records ------------------------------------------------------------------------------------- */

/* What says nothing of steps is kept with others from the same resource, and never computed. */
static sw_status take_loose(keeping *k, const otlp_log *log, size_t from)
{
    sw_arena *arena = k->out->arena;
    sw_str body = sw_str_make(k->buf.ptr + from, k->buf.len - from);
    sw_str source = sw_str_make((const char *)k->sources[k->source].digest, INGEST_SOURCE);
    uint8_t digest[INGEST_SOURCE];
    sw_raw_item *loose =
        sw_arena_grow(arena, k->out->loose, k->out->loose_count, &k->loose_room, sizeof *loose);

    if (!loose) {
        return SW_STATUS_NO_MEMORY;
    }
    k->out->loose = loose;
    ingest_digest(body, digest);
    loose[k->out->loose_count++] = (sw_raw_item){
        .project_id = k->project_id,
        .unit = sw_arena_str(arena, source),
        .item = sw_arena_str(arena, sw_str_make((const char *)digest, sizeof digest)),
        .signal = sw_int_of(SW_RAW_SIGNAL_LOG),
        .source_digest = sw_arena_str(arena, source),
        .start_ns = sw_int_of(log->time_ns),
        .end_ns = sw_int_of(log->time_ns),
        .attribute_count = sw_int_of((int64_t)(log->attributes.count & INT32_MAX)),
        .received_at = sw_int_of(k->out->now_us),
        .body = sw_arena_str(arena, body),
    };
    k->buf.len = from;
    return arena->failed ? SW_STATUS_NO_MEMORY : SW_STATUS_OK;
}

static sw_status take_record(keeping *k, const otlp_log *log, const uint8_t unit[EVENT_UNIT],
                             event_place place, size_t from)
{
    kept *spans = sw_arena_grow(k->out->arena, k->spans, k->count, &k->room, sizeof *spans);
    uint8_t digest[INGEST_SOURCE];
    kept *at = NULL;

    if (!spans) {
        return SW_STATUS_NO_MEMORY;
    }
    k->spans = spans;
    ingest_digest(sw_str_make(k->buf.ptr + from, k->buf.len - from), digest);
    at = &spans[k->count];
    *at = (kept){.order = (uint32_t)k->count, .from = from, .to = k->buf.len};
    memcpy(at->trace_id, place == EVENT_ALONE ? digest : unit, OTLP_TRACE_ID);
    memcpy(at->item.span_id, digest, OTLP_SPAN_ID);
    memcpy(at->item.rest, digest + OTLP_SPAN_ID, sizeof at->item.rest);
    memcpy(at->item.parent_id, log->span_id, OTLP_SPAN_ID);
    at->item.is_log = true;
    at->item.source = k->source;
    at->item.attributes = (int32_t)(log->attributes.count & INT32_MAX);
    at->item.start_ns = at->item.end_ns = log->time_ns;
    at->item.received_us = k->out->now_us;
    k->count++;
    return SW_STATUS_OK;
}

/* A body is what was said, unless it is just the name of the event. */
static otlp_log without_content(const otlp_log *log)
{
    otlp_log out = *log;

    if (log->body.kind != OTLP_STRING || !event_is_name(log->body.text)) {
        out.body = (otlp_value){.kind = OTLP_NULL};
    }
    return out;
}

static sw_status see_log(void *arg, const otlp_log *whole)
{
    keeping *k = arg;
    otlp_log less = k->how.silent ? without_content(whole) : *whole;
    const otlp_log *log = &less;
    uint8_t unit[EVENT_UNIT];
    event_place place = event_where(log, unit);
    size_t from = 0;
    sw_status status = take_source(k, log->resource, log->scope);

    if (status != SW_STATUS_OK) {
        return status;
    }
    from = k->buf.len;
    otlp_keep_log(&k->buf, log, span_drop, &k->how, k->out->arena);
    if (k->buf.status != SW_STATUS_OK || k->out->arena->failed) {
        return SW_STATUS_NO_MEMORY;
    }
    return place == EVENT_SESSION || event_tells(log) ? take_record(k, log, unit, place, from)
                                                      : take_loose(k, log, from);
}

/* ---- by trace ---------------------------------------------------------------------------------------- */

static int by_trace(const void *a, const void *b)
{
    const kept *x = a;
    const kept *y = b;
    int order = memcmp(x->trace_id, y->trace_id, OTLP_TRACE_ID);

    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* The number of a source within the group that was numbered last. */
typedef struct numbered {
    uint32_t group;
    uint32_t number;
} numbered;

/* The sources that a group's spans come from, numbered anew. `all` has a place for each source, `which` is unlike that
 * of every group before. */
static bool take_group_sources(const keeping *k, numbered *all, uint32_t which, ingest_group *group)
{
    uint32_t most =
        group->items.count < k->out->source_count ? group->items.count : k->out->source_count;
    ingest_source *mine = sw_arena_alloc(k->out->arena, ((size_t)most + 1) * sizeof *mine);

    if (!mine) {
        return false;
    }
    for (uint32_t i = 0; i < group->items.count; i++) {
        numbered *n = &all[group->items.at[i].source];
        if (n->group != which) {
            *n = (numbered){which, group->items.source_count};
            mine[group->items.source_count++] = k->sources[group->items.at[i].source];
        }
        group->items.at[i].source = n->number;
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
    numbered *sources =
        sw_arena_zeroed(k->out->arena, ((size_t)k->out->source_count + 1) * sizeof *sources);
    ingest_group *groups = NULL;
    size_t n = 0;

    if (k->count > 0) {
        qsort(k->spans, k->count, sizeof *k->spans, by_trace);
    }
    groups = sw_arena_zeroed(k->out->arena, (count_groups(k) + 1) * sizeof *groups);
    if (!items || !groups || !sources) {
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
        if (!take_group_sources(k, sources, (uint32_t)i + 1, &groups[i])) {
            return false;
        }
    }
    k->out->groups = groups;
    k->out->group_count = n;
    return true;
}

/* Whether the caller's project wants what is said left out; none says so by not being there. */
static sw_status ask_silence(sw_ingest *in, const sw_actor *actor, bool *silent, sw_error *err)
{
    sw_memory *memory = NULL;
    sw_project project;
    sw_status status = SW_STATUS_OK;

    *silent = false;
    if (!actor || !actor->project_id.ptr) {
        return status;
    }
    memory = sw_memory_new(&in->allocator);
    if (!memory) {
        return sw_no_memory(err);
    }
    status = sw_get(in->ledger, actor, SW_RECORD_PROJECT, actor->project_id, memory, &project, err);
    *silent =
        status == SW_STATUS_OK && project.content_capture.known && !project.content_capture.value;
    sw_memory_free(&memory);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status ingest_read_export(sw_ingest *in, otlp_signal signal, otlp_wire wire, sw_str body,
                             const sw_actor *actor, ingest_read *out, sw_error *err)
{
    sw_str project_id = actor ? actor->project_id : SW_NULL_STR;
    keeping k = {.out = out,
                 .project_id = project_id,
                 .how = {.arena = out->arena},
                 .by_digest = {.key = &in->key}};
    otlp_sink sink = {.span = see_span, .log = see_log, .arg = &k};
    sw_str bytes = SW_NULL_STR;
    int64_t count = 0;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&k.buf, &in->allocator, SW_LIMIT_INGEST_MEMORY_BYTES);
    status = ask_silence(in, actor, &k.how.silent, err);
    if (status == SW_STATUS_OK) {
        status = otlp_read(wire, signal, body, out->arena, &sink, &count, err);
    }
    if (status == SW_STATUS_OK) {
        bytes = sw_arena_str(out->arena, sw_str_make(k.buf.ptr ? k.buf.ptr : "", k.buf.len));
        status = bytes.ptr && make_groups(&k, bytes) ? SW_STATUS_OK : sw_no_memory(err);
    }
    sw_buf_fini(&k.buf);
    out->sources = k.sources;
    out->accepted = (int64_t)(k.count + out->loose_count);
    return status == SW_STATUS_NO_MEMORY ? sw_no_memory(err) : status;
}
