/* SPDX-License-Identifier: Apache-2.0 */
/* Log records of the GenAI conventions (telemetry.md B.5, E.5): they name the span they belong to, and become events
 * of it, which is what other senders make of them in the first place. An inference whose span is nowhere, once
 * nothing more is expected of the trace, is told as a span of its own.
 */
#include <sodium.h>
#include <stdlib.h>

#include "ingest/event.h"
#include "ingest/span_internal.h"

#define DETAILS "gen_ai.client.inference.operation.details"

static sw_str name_of(const otlp_log *log)
{
    const otlp_value *name = otlp_find(&log->attributes, SW_STR("event.name"));

    if (log->event_name.len > 0) {
        return log->event_name;
    }
    if (name && name->kind == OTLP_STRING && name->text.len > 0) {
        return name->text;
    }
    return log->body.kind == OTLP_STRING ? log->body.text : SW_NULL_STR;
}

bool event_tells(const otlp_log *log)
{
    return span_starts(name_of(log), "gen_ai.");
}

/* ---- in order ------------------------------------------------------------------------------------------- */

static int by_span(const void *a, const void *b)
{
    const otlp_log *x = *(const otlp_log *const *)a;
    const otlp_log *y = *(const otlp_log *const *)b;
    int c = memcmp(x->span_id, y->span_id, OTLP_SPAN_ID);
    c = c ? c : (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
    return c ? c : sw_str_cmp(name_of(x), name_of(y));
}

static const otlp_log **in_order(const otlp_log *logs, size_t count, sw_arena *arena, size_t *out)
{
    const otlp_log **order = sw_arena_alloc(arena, (count + 1) * sizeof(const otlp_log *));
    size_t n = 0;

    for (size_t i = 0; order && i < count; i++) {
        if (span_starts(name_of(&logs[i]), "gen_ai.")) {
            order[n++] = &logs[i];
        }
    }
    if (n > 0) {
        qsort(order, n, sizeof(const otlp_log *), by_span);
    }
    *out = n;
    return order;
}

/* ---- a record as an event -------------------------------------------------------------------------------- */

typedef struct gathering {
    sw_arena *arena;
    otlp_attribute *items;
    size_t count;
    size_t room;
} gathering;

static bool take(void *arg, sw_str key, const otlp_value *value)
{
    gathering *g = arg;
    otlp_attribute *items = sw_arena_grow(g->arena, g->items, g->count, &g->room, sizeof *items);

    if (items) {
        g->items = items;
        items[g->count++] = (otlp_attribute){key, *value};
    }
    return items != NULL;
}

/* What a record says in its body stands beside what it says in attributes, as on a span's event; a text that is its
 * body is what was said, or the message as JSON. */
static otlp_event as_event(const otlp_log *log, sw_arena *arena)
{
    gathering g = {.arena = arena};
    otlp_event event = {.time_ns = log->time_ns, .name = name_of(log)};

    for (size_t i = 0; i < log->attributes.count; i++) {
        (void)take(&g, log->attributes.items[i].key, &log->attributes.items[i].value);
    }
    if (log->body.kind == OTLP_STRING && log->body.text.len > 0 &&
        !sw_str_eq(log->body.text, event.name)) {
        bool json = log->body.text.ptr[0] == '{';
        (void)take(&g, json ? SW_STR("gen_ai.event.content") : SW_STR("content"), &log->body);
    }
    if (log->body.kind == OTLP_MAP) {
        sw_status walked = otlp_walk(&log->body, arena, take, &g, NULL);
        sw_assert(walked == SW_STATUS_OK || arena->failed);
    }
    event.attributes = (otlp_attributes){g.items, g.count, log->attributes.dropped};
    return event;
}

static void append(otlp_span *span, const otlp_log *const *logs, size_t count, sw_arena *arena)
{
    size_t all = span->event_count + count;
    otlp_event *events = sw_arena_alloc(arena, all * sizeof *events);

    if (!events) {
        return;
    }
    if (span->event_count > 0) {
        memcpy(events, span->events, span->event_count * sizeof *events);
    }
    for (size_t i = 0; i < count; i++) {
        events[span->event_count + i] = as_event(logs[i], arena);
    }
    span->events = events;
    span->event_count = all;
}

/* ---- a record as a span ---------------------------------------------------------------------------------- */

static bool has_outcome(const otlp_event *event)
{
    static const char *const keys[] = {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
                                       "gen_ai.output.messages", "error.type"};
    for (size_t i = 0; i < SW_COUNT(keys); i++) {
        if (otlp_find(&event->attributes, sw_str_from(keys[i]))) {
            return true;
        }
    }
    return false;
}

static sw_str hex_of(const uint8_t *bytes, size_t n, sw_arena *arena)
{
    char hex[2 * OTLP_TRACE_ID];
    sw_hex_print(bytes, n, hex);
    return sw_arena_str(arena, sw_str_make(hex, 2 * n));
}

static bool is_set(const uint8_t *bytes, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= bytes[i];
    }
    return any != 0;
}

/* A digest of all that the record says, as text. */
static sw_str content_of(const otlp_log *log, sw_arena *arena)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES];
    sw_buf buf;

    sw_buf_init(&buf, arena->from, SW_LIMIT_INGEST_MEMORY_BYTES);
    otlp_keep_log(&buf, log, NULL, NULL, arena); /* what is not to be kept is gone already */
    (void)crypto_hash_sha256(digest, (const uint8_t *)(buf.ptr ? buf.ptr : ""), buf.len);
    arena->failed = arena->failed || buf.status != SW_STATUS_OK;
    sw_buf_fini(&buf);
    sw_hex_print(digest, sizeof digest, hex);
    return sw_arena_str(arena, sw_str_make(hex, sizeof hex));
}

/* E.6: by the span it names, else by the answer it tells of, else by what it says. What names no trace is one of its
 * own, so that calls that have nothing to do with each other do not become one run. */
static void take_keys(const otlp_log *log, const span_facts *facts, otlp_span *span,
                      span_told *told, sw_arena *arena)
{
    bool in_trace = is_set(log->trace_id, OTLP_TRACE_ID);
    uint8_t digest[crypto_hash_sha256_BYTES];

    told->kind = SW_STR("genai-evt");
    told->trace_hex = in_trace ? hex_of(log->trace_id, OTLP_TRACE_ID, arena) : SW_NULL_STR;
    told->key_count = 2;
    if (in_trace && is_set(log->span_id, OTLP_SPAN_ID)) {
        told->keys[0] = told->trace_hex;
        told->keys[1] = hex_of(log->span_id, OTLP_SPAN_ID, arena);
        return;
    }
    if (facts->request_id.len > 0) {
        told->keys[0] = facts->provider_name.ptr ? facts->provider_name : SW_STR("");
        told->keys[1] = facts->request_id;
    } else {
        told->keys[0] = content_of(log, arena);
        told->key_count = 1;
    }
    (void)crypto_hash_sha256(digest, (const uint8_t *)told->keys[told->key_count - 1].ptr,
                             told->keys[told->key_count - 1].len);
    memcpy(span->span_id, digest, OTLP_SPAN_ID);
    if (!in_trace) {
        memcpy(span->trace_id, digest, OTLP_TRACE_ID);
    }
}

static sw_status add_lone(const otlp_log *log, const otlp_event *event, sw_arena *arena,
                          span_facts *out, sw_error *err)
{
    otlp_span *span = sw_arena_zeroed(arena, sizeof *span);
    span_told *told = sw_arena_zeroed(arena, sizeof *told);

    if (!span || !told) {
        return sw_no_memory(err);
    }
    span->resource = log->resource;
    span->scope = log->scope;
    memcpy(span->trace_id, log->trace_id, OTLP_TRACE_ID);
    memcpy(span->span_id, log->span_id, OTLP_SPAN_ID);
    span->name = SW_STR("chat");
    span->start_ns = span->end_ns = log->time_ns;
    span->attributes = event->attributes;
    if (span_read(span, arena, out, err) != SW_STATUS_OK) {
        return SW_STATUS_NO_MEMORY;
    }
    take_keys(log, out, span, told, arena);
    out->told = told;
    out->role = SPAN_LLM;
    return arena->failed ? sw_no_memory(err) : SW_STATUS_OK;
}

/* It is the step that the record was while nobody knew the span, and has a place of its own in the tree. */
sw_status event_inside(const otlp_log *log, sw_arena *arena, span_facts *out, sw_error *err)
{
    otlp_event event = as_event(log, arena);
    otlp_span *span = sw_arena_alloc(arena, sizeof *span);
    uint8_t digest[crypto_hash_sha256_BYTES];

    if (!span || add_lone(log, &event, arena, out, err) != SW_STATUS_OK) {
        return sw_no_memory(err);
    }
    *span = *out->span;
    (void)crypto_hash_sha256(digest, log->span_id, OTLP_SPAN_ID);
    memcpy(span->parent_span_id, log->span_id, OTLP_SPAN_ID);
    memcpy(span->span_id, digest, OTLP_SPAN_ID);
    out->span = span;
    return SW_STATUS_OK;
}

/* ---- all -------------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return memcmp((*(otlp_span *const *)a)->span_id, (*(otlp_span *const *)b)->span_id,
                  OTLP_SPAN_ID);
}

static otlp_span *find(otlp_span **sorted, size_t count, const uint8_t id[OTLP_SPAN_ID])
{
    otlp_span key;
    otlp_span *at = &key;
    otlp_span **found = NULL;

    memcpy(key.span_id, id, OTLP_SPAN_ID);
    found = count > 0 ? bsearch(&at, sorted, count, sizeof(otlp_span *), by_id) : NULL;
    return found ? *found : NULL;
}

/* The last record of one span that says how its call went; NULL: none does, or a coding agent's, whose own record is the
 * step (F.3). */
static const otlp_log *outcome_of(const otlp_log *const *logs, size_t count, sw_arena *arena,
                                  otlp_event *event)
{
    for (size_t i = count; i-- > 0;) {
        *event = as_event(logs[i], arena);
        if (sw_str_eq(event->name, SW_STR(DETAILS)) && has_outcome(event)) {
            return event_is_agents(logs[i]) ? NULL : logs[i];
        }
    }
    return NULL;
}

/* What the records of one span tell of a call, if no span does. */
static sw_status lone_of(const otlp_log *const *logs, size_t count, bool quiet, sw_arena *arena,
                         event_lone *out, sw_error *err)
{
    otlp_event event;
    const otlp_log *log = outcome_of(logs, count, arena, &event);

    out->waits = out->waits || (log && !quiet);
    return log && quiet ? add_lone(log, &event, arena, &out->facts[out->count++], err)
                        : SW_STATUS_OK;
}

/* Where the records of the span of the first one end; what names no span stands alone. */
static size_t end_of(const otlp_log *const *order, size_t from, size_t n)
{
    size_t to = from + 1;

    while (to < n && is_set(order[from]->span_id, OTLP_SPAN_ID) &&
           memcmp(order[to]->span_id, order[from]->span_id, OTLP_SPAN_ID) == 0) {
        to++;
    }
    return to;
}

sw_status event_join(otlp_span *spans, size_t span_count, const otlp_log *logs, size_t count,
                     bool quiet, sw_arena *arena, event_lone *lone, sw_error *err)
{
    size_t n = 0;
    const otlp_log **order = in_order(logs, count, arena, &n);
    otlp_span **sorted = sw_arena_alloc(arena, (span_count + 1) * sizeof(otlp_span *));
    sw_status status = SW_STATUS_OK;

    *lone =
        (event_lone){.facts = sw_arena_alloc(arena, (n + 1) * sizeof *lone->facts),
                     .joined = sw_arena_zeroed(arena, (span_count + 1) * sizeof(const otlp_log *))};
    if (!order || !sorted || !lone->facts || !lone->joined) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < span_count; i++) {
        sorted[i] = &spans[i];
    }
    qsort(sorted, span_count, sizeof(otlp_span *), by_id);
    for (size_t i = 0, to = 0; i < n && status == SW_STATUS_OK; i = to) {
        otlp_span *span = find(sorted, span_count, order[i]->span_id);
        to = end_of(order, i, n);
        if (span) {
            otlp_event event;
            lone->joined[span - spans] = outcome_of(order + i, to - i, arena, &event);
            append(span, order + i, to - i, arena);
        } else {
            status = lone_of(order + i, to - i, quiet, arena, lone, err);
        }
    }
    return status == SW_STATUS_OK && arena->failed ? sw_no_memory(err) : status;
}
