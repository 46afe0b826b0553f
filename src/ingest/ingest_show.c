/* SPDX-License-Identifier: Apache-2.0 */
/* The spans of a trace, shown to a person: V1's way, which is a row of the OpenTelemetry Collector's ClickHouse table
 * for each span, with that table's names and its values as text. Knows nothing of runs.
 *
 * They lie in the order in which they came and are shown in that in which they began. So they are looked at twice:
 * first only their times and sizes are noted, of as many as are asked for, then those that will be shown are read. What
 * an answer takes is bounded by what is asked for, whatever the size of the trace.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/ingest_inside.h"

enum {
    ENOUGH_BYTES = 8 << 20, /* of spans as they are kept; behind these an answer ends early */
    SHOWN_MOST = 100000
};

/* Where a span stands, and what it takes. */
typedef struct place {
    int64_t start_ns;
    uint8_t id[OTLP_SPAN_ID];
    size_t bytes;
} place;

typedef struct shown {
    place at;
    sw_str body;
    uint8_t source[INGEST_SOURCE];
} shown;

typedef struct showing {
    sw_ingest *in;
    const sw_actor *actor;
    sw_arena arena;
    sw_memory *memory;
    sw_str project_id;
    sw_str unit;
    size_t limit;
    place *places; /* room for twice the limit */
    size_t place_count;
    size_t passed; /* how many there are at all */
    place last;    /* of those that are shown */
    shown *spans;
    size_t count;
    size_t room;
    bool failed;
    sw_json_out *out;
    sw_buf text;
} showing;

/* ---- which ----------------------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
    const place *x = a;
    const place *y = b;
    int order = (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);

    return order ? order : memcmp(x->id, y->id, OTLP_SPAN_ID);
}

static bool is_span(const sw_raw_item *row)
{
    return row->signal.value == SW_RAW_SIGNAL_SPAN && row->item.len >= OTLP_SPAN_ID &&
           row->source_digest.len == INGEST_SOURCE;
}

static place place_of(const sw_raw_item *row)
{
    place out = {.start_ns = row->start_ns.value, .bytes = row->body.len};

    memcpy(out.id, row->item.ptr, OTLP_SPAN_ID);
    return out;
}

/* Those that began first, as many as are asked for: the rest is thrown away whenever twice as many are there. */
static void throw_away(showing *s)
{
    if (s->place_count > 0) {
        qsort(s->places, s->place_count, sizeof *s->places, by_start);
    }
    s->place_count = s->place_count < s->limit ? s->place_count : s->limit;
}

static bool note_place(void *arg, const void *row)
{
    showing *s = arg;

    if (is_span(row)) {
        s->passed++;
        s->places[s->place_count++] = place_of(row);
        if (s->place_count == 2 * s->limit) {
            throw_away(s);
        }
    }
    return true;
}

/* As many as are asked for and are not too much; one at least. */
static void choose(showing *s)
{
    size_t bytes = 0;
    size_t n = 0;

    throw_away(s);
    while (n < s->place_count && (n == 0 || bytes + s->places[n].bytes <= ENOUGH_BYTES)) {
        bytes += s->places[n++].bytes;
    }
    s->limit = n;
    if (n > 0) {
        s->last = s->places[n - 1];
    }
}

/* ---- what -------------------------------------------------------------------------------------------------- */

static bool read_span(void *arg, const void *row)
{
    showing *s = arg;
    const sw_raw_item *from = row;
    shown *spans = NULL;
    place at = {.start_ns = 0};

    if (!is_span(from)) {
        return true;
    }
    at = place_of(from);
    if (by_start(&at, &s->last) > 0) {
        return true;
    }
    spans = sw_arena_grow(&s->arena, s->spans, s->count, &s->room, sizeof *spans);
    if (spans) {
        s->spans = spans;
        spans[s->count] = (shown){.at = at, .body = sw_arena_str(&s->arena, from->body)};
        memcpy(spans[s->count++].source, from->source_digest.ptr, INGEST_SOURCE);
    }
    s->failed = s->arena.failed;
    return !s->failed;
}

/* ---- how --------------------------------------------------------------------------------------------------- */

static void put_text(showing *s, const char *name, sw_str text)
{
    sw_json_key(s->out, sw_str_from(name));
    sw_json_str(s->out, text.ptr ? text : SW_STR(""));
}

static void put_id(showing *s, const char *name, const uint8_t *id, size_t size)
{
    static const uint8_t none[OTLP_TRACE_ID];
    char hex[2 * OTLP_TRACE_ID + 1];
    bool is = memcmp(id, none, size) != 0;

    if (is) {
        sw_hex_print(id, size, hex);
    }
    put_text(s, name, is ? sw_str_make(hex, 2 * size) : SW_STR(""));
}

/* To the nanosecond, which tells which of two spans was first. */
static void time_text(int64_t ns, char out[SW_TIME_TEXT])
{
    char whole[SW_TIME_TEXT];

    (void)sw_time_print(ns / INT64_C(1000000000) * 1000000, false, whole);
    (void)snprintf(out, SW_TIME_TEXT, "%.19s.%09lldZ", whole,
                   (long long)(ns % INT64_C(1000000000)));
}

static void put_time(showing *s, const char *name, int64_t ns)
{
    char text[SW_TIME_TEXT];

    time_text(ns, text);
    put_text(s, name, sw_str_from(text));
}

/* Texts as they are, all else as JSON in a text: the values of that table are texts. */
static void put_value(showing *s, const otlp_value *value)
{
    sw_json_out json;

    if (value->kind == OTLP_STRING) {
        sw_json_str(s->out, value->text);
        return;
    }
    sw_buf_clear(&s->text);
    sw_json_out_init(&json, &s->text, false);
    if (value->kind != OTLP_NULL) {
        otlp_write_json(&json, value, &s->arena);
    }
    s->failed = s->failed || s->text.status != SW_STATUS_OK;
    sw_json_str(s->out, s->text.len ? sw_buf_str(&s->text) : SW_STR(""));
}

static void put_map(showing *s, const otlp_attributes *attributes)
{
    sw_json_open(s->out, '{');
    for (size_t i = 0; i < attributes->count; i++) {
        sw_json_key(s->out, attributes->items[i].key); /* twice: the last one counts, as in OTLP */
        put_value(s, &attributes->items[i].value);
    }
    sw_json_close(s->out, '}');
}

static void put_attributes(showing *s, const char *name, const otlp_attributes *attributes)
{
    sw_json_key(s->out, sw_str_from(name));
    put_map(s, attributes);
}

static void put_events(showing *s, const otlp_span *span)
{
    sw_json_key(s->out, SW_STR("Events.Timestamp"));
    sw_json_open(s->out, '[');
    for (size_t i = 0; i < span->event_count; i++) {
        char text[SW_TIME_TEXT];
        time_text(span->events[i].time_ns, text);
        sw_json_str(s->out, sw_str_from(text));
    }
    sw_json_close(s->out, ']');
    sw_json_key(s->out, SW_STR("Events.Name"));
    sw_json_open(s->out, '[');
    for (size_t i = 0; i < span->event_count; i++) {
        sw_json_str(s->out, span->events[i].name);
    }
    sw_json_close(s->out, ']');
    sw_json_key(s->out, SW_STR("Events.Attributes"));
    sw_json_open(s->out, '[');
    for (size_t i = 0; i < span->event_count; i++) {
        put_map(s, &span->events[i].attributes);
    }
    sw_json_close(s->out, ']');
}

static void put_link_ids(showing *s, const otlp_span *span)
{
    char hex[2 * OTLP_TRACE_ID + 1];

    sw_json_key(s->out, SW_STR("Links.TraceId"));
    sw_json_open(s->out, '[');
    for (size_t i = 0; i < span->link_count; i++) {
        sw_hex_print(span->links[i].trace_id, OTLP_TRACE_ID, hex);
        sw_json_str(s->out, sw_str_make(hex, 2 * OTLP_TRACE_ID));
    }
    sw_json_close(s->out, ']');
    sw_json_key(s->out, SW_STR("Links.SpanId"));
    sw_json_open(s->out, '[');
    for (size_t i = 0; i < span->link_count; i++) {
        sw_hex_print(span->links[i].span_id, OTLP_SPAN_ID, hex);
        sw_json_str(s->out, sw_str_make(hex, 2 * OTLP_SPAN_ID));
    }
    sw_json_close(s->out, ']');
}

static void put_links(showing *s, const otlp_span *span)
{
    put_link_ids(s, span);
    sw_json_key(s->out, SW_STR("Links.Attributes"));
    sw_json_open(s->out, '[');
    for (size_t i = 0; i < span->link_count; i++) {
        put_map(s, &span->links[i].attributes);
    }
    sw_json_close(s->out, ']');
}

static const char *kind_word(int32_t kind)
{
    static const char *const words[] = {"Unspecified", "Internal", "Server",
                                        "Client",      "Producer", "Consumer"};
    return words[kind > 0 && kind < (int32_t)SW_COUNT(words) ? kind : 0];
}

static const char *status_word(otlp_status status)
{
    return status == OTLP_OK ? "Ok" : status == OTLP_ERROR ? "Error" : "Unset";
}

static void put_span(showing *s, const otlp_span *span)
{
    const otlp_value *service = otlp_find(&span->resource->attributes, SW_STR("service.name"));
    int64_t lasted = span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0;

    sw_json_open(s->out, '{');
    put_time(s, "Timestamp", span->start_ns);
    put_id(s, "TraceId", span->trace_id, OTLP_TRACE_ID);
    put_id(s, "SpanId", span->span_id, OTLP_SPAN_ID);
    put_id(s, "ParentSpanId", span->parent_span_id, OTLP_SPAN_ID);
    put_text(s, "SpanName", span->name);
    put_text(s, "SpanKind", sw_str_from(kind_word(span->span_kind)));
    put_text(s, "ServiceName",
             service && service->kind == OTLP_STRING ? service->text : SW_NULL_STR);
    put_attributes(s, "ResourceAttributes", &span->resource->attributes);
    put_text(s, "ScopeName", span->scope->name);
    put_text(s, "ScopeVersion", span->scope->version);
    put_attributes(s, "SpanAttributes", &span->attributes);
    sw_json_key(s->out, SW_STR("Duration"));
    sw_json_int(s->out, lasted);
    put_text(s, "StatusCode", sw_str_from(status_word(span->status)));
    put_text(s, "StatusMessage", span->status_message);
    put_events(s, span);
    put_links(s, span);
    sw_json_close(s->out, '}');
}

/* A span whose source is gone was removed in between. */
static sw_status show_span(showing *s, const shown *from, sw_error *err)
{
    sw_raw_source row;
    otlp_resource resource;
    otlp_scope scope;
    otlp_span span;
    sw_str digest = sw_str_make((const char *)from->source, INGEST_SOURCE);
    sw_mark mark = sw_arena_mark(&s->arena);
    sw_status status = SW_STATUS_OK;

    sw_memory_reset(s->memory);
    status = sw_telemetry_source(s->in->ledger, s->actor, digest, s->memory, &row, err);
    if (status == SW_STATUS_NOT_FOUND) {
        return SW_STATUS_OK;
    }
    if (status == SW_STATUS_OK) {
        status = otlp_kept_source(row.body, &s->arena, &resource, &scope, err);
    }
    if (status == SW_STATUS_OK) {
        status = otlp_kept_span(from->body, &s->arena, &span, err);
    }
    if (status == SW_STATUS_OK) {
        span.resource = &resource;
        span.scope = &scope;
        put_span(s, &span);
    }
    sw_arena_rewind(&s->arena, mark);
    return status;
}

/* ---- all together -------------------------------------------------------------------------------------------- */

static sw_status look(showing *s, sw_each *each, sw_error *err)
{
    sw_status status =
        sw_telemetry_items(s->in->ledger, s->actor, s->project_id, s->unit, each, s, err);

    return status == SW_STATUS_OK && s->failed ? sw_no_memory(err) : status;
}

static sw_status show_all(showing *s, sw_error *err)
{
    sw_status status = s->unit.ptr ? look(s, note_place, err) : SW_STATUS_OK;

    if (status == SW_STATUS_OK) {
        choose(s);
        status = s->limit > 0 ? look(s, read_span, err) : status;
    }
    if (status == SW_STATUS_OK && s->count > 0) {
        qsort(s->spans, s->count, sizeof *s->spans, by_start); /* the place stands first in it */
    }
    sw_json_open(s->out, '[');
    for (size_t i = 0; i < s->count && i < s->limit && status == SW_STATUS_OK; i++) {
        status = show_span(s, &s->spans[i], err);
    }
    sw_json_close(s->out, ']');
    return status == SW_STATUS_OK && s->failed ? sw_no_memory(err) : status;
}

/* ---- of a run ---------------------------------------------------------------------------------------------------- */

/* A run that came as telemetry says its trace itself. */
static sw_str trace_in(sw_str metadata, sw_arena *arena)
{
    sw_json json;

    if (!metadata.ptr) {
        return SW_NULL_STR;
    }
    sw_json_init(&json, metadata, arena);
    if (sw_json_next(&json) != SW_JSON_OBJECT) {
        return SW_NULL_STR;
    }
    while (sw_json_next(&json) == SW_JSON_KEY) {
        bool here = sw_str_eq(json.text, SW_STR("trace_id"));
        if (sw_json_next(&json) == SW_JSON_STRING && here) {
            return json.text;
        }
        if (!sw_json_skip(&json, NULL)) {
            break;
        }
    }
    return SW_NULL_STR;
}

static bool take_trace_id(void *arg, const void *row)
{
    const sw_step *step = row;
    char(*hex)[2 * OTLP_TRACE_ID + 1] = arg;

    if (step->trace_id.len == 2 * OTLP_TRACE_ID) {
        memcpy(*hex, step->trace_id.ptr, 2 * OTLP_TRACE_ID);
    }
    return false;
}

/* Of others the first step that names one does. */
static sw_status trace_by_step(const showing *s, const sw_run *run,
                               char (*hex)[2 * OTLP_TRACE_ID + 1], sw_error *err)
{
    const sw_value id = {.text = run->id};
    const sw_condition its[] = {{SW_STEP_RUN_ID, SW_OP_EQ, &id, 1},
                                {SW_STEP_TRACE_ID, SW_OP_NOT_NULL, NULL, 0}};
    const sw_list_query query = {
        .conditions = its, .condition_count = SW_COUNT(its), .ascending = true, .limit = 1};
    sw_list_end end;

    return sw_list(s->in->ledger, s->actor, SW_RECORD_STEP, &query, take_trace_id, hex, &end, err);
}

static sw_status find_unit(showing *s, const sw_run *run, uint8_t unit[OTLP_TRACE_ID],
                           sw_error *err)
{
    char hex[2 * OTLP_TRACE_ID + 1] = "";
    sw_str said = trace_in(run->metadata, &s->arena);
    sw_status status = SW_STATUS_OK;

    if (!said.ptr || !sw_hex_parse(said, unit, OTLP_TRACE_ID)) {
        status = trace_by_step(s, run, &hex, err);
        if (status != SW_STATUS_OK || !sw_hex_parse(sw_str_from(hex), unit, OTLP_TRACE_ID)) {
            return status;
        }
    }
    s->unit = sw_str_make((const char *)unit, OTLP_TRACE_ID);
    return status;
}

sw_status sw_ingest_show(sw_ingest *in, const sw_run *run, int64_t limit, sw_json_out *out,
                         bool *complete, sw_error *err)
{
    sw_actor actor = {.organization_id = run->organization_id, .project_id = run->project_id};
    uint8_t unit[OTLP_TRACE_ID];
    size_t wanted = limit > 0 ? (size_t)limit : 1;
    showing s = {
        .in = in, .actor = &actor, .project_id = run->project_id, .limit = wanted, .out = out};
    sw_status status = SW_STATUS_OK;

    sw_assert(limit <= SHOWN_MOST);
    sw_arena_init(&s.arena, &in->allocator, SW_LIMIT_ANSWER_BYTES);
    sw_buf_init(&s.text, &in->allocator, SW_LIMIT_ANSWER_BYTES);
    s.memory = sw_memory_new(&in->allocator);
    s.places = sw_arena_alloc(&s.arena, 2 * wanted * sizeof *s.places);
    status = s.memory && s.places ? find_unit(&s, run, unit, err) : sw_no_memory(err);
    if (status == SW_STATUS_OK) {
        status = show_all(&s, err);
    }
    *complete = s.limit >= wanted || s.limit == s.passed;
    if (s.memory) {
        sw_memory_free(&s.memory);
    }
    sw_buf_fini(&s.text);
    sw_arena_fini(&s.arena);
    return status;
}
