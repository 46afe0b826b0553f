/* SPDX-License-Identifier: Apache-2.0 */
/* Log records by the agent and the session they come from, in order; and the spans that are made of them. What a
 * record of which agent means is in event_claude.c, event_codex.c and event_gemini.c.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "ingest/event_inside.h"
#include "ingest/span_internal.h"

/* ---- values ------------------------------------------------------------------------------------------- */

const otlp_value *event_value(const event *e, const char *key)
{
    return otlp_find(&e->log->attributes, sw_str_from(key));
}

static sw_str text_of(const otlp_log *log, const char *key)
{
    const otlp_value *value = otlp_find(&log->attributes, sw_str_from(key));
    return value && value->kind == OTLP_STRING && value->text.len > 0 ? value->text : SW_NULL_STR;
}

sw_str event_text(const event *e, const char *key)
{
    return text_of(e->log, key);
}

sw_int event_number(const event *e, const char *key)
{
    return otlp_int(event_value(e, key));
}

int64_t event_duration_ns(const event *e, const char *key)
{
    double ms = 0;
    const otlp_value *value = event_value(e, key);
    return value && otlp_double(value, &ms) && ms > 0 && ms < 1e12 ? (int64_t)(ms * 1e6) : 0;
}

bool event_is(const event *e, const char *name)
{
    return sw_str_eq(e->name, sw_str_from(name));
}

sw_str event_printed(event_book *book, int64_t number)
{
    return sw_arena_printf(book->arena, "%lld", (long long)number);
}

sw_str event_message(event_book *book, const char *role, sw_str text)
{
    sw_buf buf;
    sw_json_out out;

    if (!text.ptr) {
        return SW_NULL_STR;
    }
    sw_buf_init(&buf, NULL, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '[');
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("role"));
    sw_json_str(&out, sw_str_from(role));
    sw_json_key(&out, SW_STR("parts"));
    sw_json_open(&out, '[');
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("type"));
    sw_json_str(&out, SW_STR("text"));
    sw_json_key(&out, SW_STR("content"));
    sw_json_str(&out, text);
    sw_json_close(&out, '}');
    sw_json_close(&out, ']');
    sw_json_close(&out, '}');
    sw_json_close(&out, ']');
    return sw_buf_take(&buf, book->arena);
}

/* ---- whose it is -------------------------------------------------------------------------------------- */

/* The prefixes of names tell the agent; a name without one is told by the service. */
static const struct {
    span_dialect dialect;
    const char *prefix;
    const char *service;
} agents[] = {
    {SPAN_DIALECT_CLAUDE_CODE, "claude_code.", "claude-code"},
    {SPAN_DIALECT_CODEX, "codex.", "codex"},
    {SPAN_DIALECT_GEMINI_CLI, "gemini_cli.", "gemini-cli"},
    {SPAN_DIALECT_GEMINI_CLI, "qwen-code.", "qwen-code"},
};

/* A record's name can stand in four places. */
static size_t names_of(const otlp_log *log, sw_str names[4])
{
    size_t n = 0;
    const sw_str places[] = {log->event_name, text_of(log, "event.name"),
                             log->body.kind == OTLP_STRING ? log->body.text : SW_NULL_STR,
                             text_of(log, "name")};
    for (size_t i = 0; i < SW_COUNT(places); i++) {
        if (places[i].len > 0) {
            names[n++] = places[i];
        }
    }
    return n;
}

static bool has_prefix(sw_str text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

static const char *prefix_of(sw_str name, span_dialect *dialect)
{
    for (size_t i = 0; i < SW_COUNT(agents); i++) {
        if (has_prefix(name, agents[i].prefix)) {
            *dialect = agents[i].dialect;
            return agents[i].prefix;
        }
    }
    return NULL;
}

bool event_is_name(sw_str body)
{
    span_dialect dialect;

    return body.ptr && prefix_of(body, &dialect) && !memchr(body.ptr, ' ', body.len);
}

static bool tell_service(const otlp_log *log, span_dialect *dialect)
{
    const otlp_value *service = otlp_find(&log->resource->attributes, SW_STR("service.name"));
    bool told = false;

    for (size_t i = 0; !told && service && service->kind == OTLP_STRING && i < SW_COUNT(agents);
         i++) {
        told = has_prefix(service->text, agents[i].service);
        *dialect = agents[i].dialect;
    }
    return told;
}

bool event_is_agents(const otlp_log *log)
{
    span_dialect dialect;

    return tell_service(log, &dialect);
}

/* The name is the first that is told, without its agent's prefix; any of them may carry that. */
static bool tell_agent(const otlp_log *log, event *e)
{
    sw_str names[4];
    size_t n = names_of(log, names);
    const char *prefix = NULL;
    bool told = false;

    for (size_t i = 0; i < n && !told; i++) {
        told = prefix_of(names[i], &e->dialect) != NULL;
    }
    told = told || tell_service(log, &e->dialect);
    if (!told || n == 0 || has_prefix(names[0], "gen_ai.")) {
        return false;
    }
    e->name = names[0];
    prefix = prefix_of(names[0], &e->dialect);
    if (prefix) {
        size_t len = strlen(prefix);
        e->name = sw_str_make(names[0].ptr + len, names[0].len - len);
    }
    return true;
}

static bool tell_session(const otlp_log *log, event *e)
{
    sw_str prompt = text_of(log, "prompt.id");

    e->session = text_of(log, e->dialect == SPAN_DIALECT_CODEX ? "conversation.id" : "session.id");
    prompt = prompt.ptr ? prompt : text_of(log, "prompt_id");
    e->prompt = prompt.ptr ? prompt : text_of(log, "turn.id");
    return e->session.ptr != NULL;
}

static bool read_event(const otlp_log *log, event *e)
{
    sw_int sequence = otlp_int(otlp_find(&log->attributes, SW_STR("event.sequence")));
    sw_str stamp = text_of(log, "event.timestamp");
    int64_t us = 0;

    *e = (event){.log = log, .time_ns = log->time_ns, .sequence = sequence.value};
    if (e->time_ns == 0 && stamp.ptr && sw_time_parse(stamp, &us) && us > 0 &&
        us < INT64_MAX / 1000) {
        e->time_ns = us * 1000;
    }
    return tell_agent(log, e) && tell_session(log, e);
}

static bool any_byte(const uint8_t *bytes, size_t n)
{
    uint8_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all |= bytes[i];
    }
    return all != 0;
}

event_place event_where(const otlp_log *log, uint8_t unit[EVENT_UNIT])
{
    event e;

    if (read_event(log, &e)) {
        crypto_generichash_state state;
        (void)crypto_generichash_init(&state, NULL, 0, EVENT_UNIT);
        (void)crypto_generichash_update(&state, (const uint8_t *)&e.dialect, sizeof e.dialect);
        (void)crypto_generichash_update(&state, (const uint8_t *)e.session.ptr, e.session.len);
        (void)crypto_generichash_final(&state, unit, EVENT_UNIT);
        return EVENT_SESSION;
    }
    if (any_byte(log->trace_id, OTLP_TRACE_ID)) {
        memcpy(unit, log->trace_id, EVENT_UNIT);
        return EVENT_TRACE;
    }
    return EVENT_ALONE;
}

/* ---- spans that were never sent ---------------------------------------------------------------------- */

sw_str event_span_id(event_book *book, const char *kind, const sw_str *keys, size_t key_count)
{
    crypto_generichash_state state;
    uint8_t digest[crypto_generichash_BYTES_MIN];

    (void)crypto_generichash_init(&state, NULL, 0, sizeof digest);
    (void)crypto_generichash_update(&state, (const uint8_t *)kind, strlen(kind) + 1);
    for (size_t i = 0; i < key_count; i++) {
        uint64_t len = keys[i].len;
        (void)crypto_generichash_update(&state, (const uint8_t *)&len, sizeof len);
        if (len > 0) {
            (void)crypto_generichash_update(&state, (const uint8_t *)keys[i].ptr, keys[i].len);
        }
    }
    (void)crypto_generichash_final(&state, digest, sizeof digest);
    return sw_arena_str(book->arena, sw_str_make((const char *)digest, OTLP_SPAN_ID));
}

void event_more(event_span *span, const char *key, sw_str text)
{
    if (text.ptr) {
        sw_assert(span->more_count < SW_COUNT(span->more));
        span->more[span->more_count++] =
            (otlp_attribute){sw_str_from(key), {.kind = OTLP_STRING, .text = text}};
    }
}

static otlp_attributes with_more(event_book *book, const event_span *what)
{
    const otlp_attributes *own = &what->from->log->attributes;
    size_t count = own->count + what->more_count;
    otlp_attribute *items = sw_arena_alloc(book->arena, (count + 1) * sizeof *items);

    if (items && own->count > 0) {
        memcpy(items, own->items, own->count * sizeof *items);
    }
    if (items && what->more_count > 0) {
        memcpy(items + own->count, what->more, what->more_count * sizeof *items);
    }
    return (otlp_attributes){items, items ? count : 0, own->dropped};
}

static otlp_span *make_span(event_book *book, const event_span *what)
{
    static const otlp_scope claude = {.name = {"com.anthropic.claude_code", 25}};
    static const otlp_scope gemini = {.name = {"gemini-cli", 10}};
    const otlp_log *log = what->from->log;
    otlp_span *span = sw_arena_zeroed(book->arena, sizeof *span);
    sw_str id = event_span_id(book, what->kind, what->keys, what->key_count);

    if (!span || !id.ptr) {
        return NULL;
    }
    (void)event_where(log, span->trace_id);
    memcpy(span->span_id, id.ptr, OTLP_SPAN_ID);
    if (what->parent.ptr) {
        memcpy(span->parent_span_id, what->parent.ptr, OTLP_SPAN_ID);
    }
    span->resource = log->resource;
    span->scope = what->from->dialect == SPAN_DIALECT_CLAUDE_CODE  ? &claude
                  : what->from->dialect == SPAN_DIALECT_GEMINI_CLI ? &gemini
                                                                   : log->scope;
    span->name = sw_str_from(what->name);
    span->start_ns = what->start_ns;
    span->end_ns = what->end_ns;
    span->status = what->failed ? OTLP_ERROR : OTLP_UNSET;
    span->attributes = with_more(book, what);
    return span;
}

static span_told *make_told(event_book *book, const event_span *what)
{
    const otlp_log *log = what->from->log;
    span_told *told = sw_arena_zeroed(book->arena, sizeof *told);
    char hex[2 * OTLP_TRACE_ID];

    if (!told) {
        return NULL;
    }
    told->kind = sw_str_from(what->kind);
    memcpy(told->keys, what->keys, sizeof told->keys);
    told->key_count = what->key_count;
    if (any_byte(log->trace_id, OTLP_TRACE_ID)) {
        sw_hex_print(log->trace_id, OTLP_TRACE_ID, hex);
        told->trace_hex = sw_arena_str(book->arena, sw_str_make(hex, sizeof hex));
    }
    return told;
}

span_facts *event_add(event_book *book, const event_span *what)
{
    const otlp_span *span = make_span(book, what);
    const span_told *told = make_told(book, what);
    span_facts *facts = NULL;

    book->facts = sw_arena_grow(book->arena, book->facts, book->fact_count, &book->fact_room,
                                sizeof *book->facts);
    if (!span || !told || !book->facts || book->status != SW_STATUS_OK) {
        book->status = book->status == SW_STATUS_OK ? sw_no_memory(book->err) : book->status;
        return NULL;
    }
    facts = &book->facts[book->fact_count];
    book->status = span_read(span, book->arena, facts, book->err);
    if (book->status != SW_STATUS_OK) {
        return NULL;
    }
    facts->told = told;
    facts->role = what->role;
    facts->dialect = what->from->dialect;
    facts->conversation = what->from->session;
    if (what->role == SPAN_TOOL) {
        span_read_decision(span, &facts->end);
    }
    book->fact_count++;
    return facts;
}

/* ---- in order ------------------------------------------------------------------------------------------ */

static int by_session(const void *a, const void *b)
{
    const event *x = a;
    const event *y = b;
    int c = (x->dialect > y->dialect) - (x->dialect < y->dialect);

    c = c ? c : sw_str_cmp(x->session, y->session);
    c = c ? c : (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
    c = c ? c : (x->sequence > y->sequence) - (x->sequence < y->sequence);
    return c ? c : sw_str_cmp(x->name, y->name);
}

static void read_session(event_book *book, size_t from, size_t to)
{
    switch (book->events[from].dialect) {
    case SPAN_DIALECT_CLAUDE_CODE:
        event_read_claude(book, from, to);
        break;
    case SPAN_DIALECT_CODEX:
        event_read_codex(book, from, to);
        break;
    default:
        event_read_gemini(book, from, to);
        break;
    }
}

static bool same_session(const event *a, const event *b)
{
    return a->dialect == b->dialect && sw_str_eq(a->session, b->session);
}

sw_status event_read(const otlp_log *logs, size_t count, bool quiet, sw_arena *arena,
                     span_facts **out, size_t *out_count, sw_error *err)
{
    event_book book = {.arena = arena, .quiet = quiet, .err = err};

    book.events = sw_arena_alloc(arena, (count + 1) * sizeof *book.events);
    if (!book.events) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        book.count += read_event(&logs[i], &book.events[book.count]) ? 1 : 0;
    }
    qsort(book.events, book.count, sizeof *book.events, by_session);
    for (size_t from = 0, to = 0; from < book.count && book.status == SW_STATUS_OK; from = to) {
        while (to < book.count && same_session(&book.events[from], &book.events[to])) {
            to++;
        }
        read_session(&book, from, to);
    }
    *out = book.facts;
    *out_count = book.fact_count;
    return book.status == SW_STATUS_OK && arena->failed ? sw_no_memory(err) : book.status;
}
