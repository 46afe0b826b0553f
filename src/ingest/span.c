/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one span: its facts are found (span_facts.c), then each part is read by its own small reader. What a span
 * says is never an error; what cannot be understood is not there.
 */
#include <math.h>

#include "ingest/span_internal.h"

enum { DEFAULT_PORT = 443 };

/* ---- endpoint ----------------------------------------------------------------------------------- */

/* A query may hold a key, and so may what stands before the host. */
static sw_str without_secrets(sw_str url, sw_arena *arena)
{
    size_t len = 0;
    size_t host = 0;
    size_t at = 0;
    while (len < url.len && url.ptr[len] != '?' && url.ptr[len] != '#') {
        len++;
    }
    for (size_t i = 0; i + 2 < len && host == 0; i++) {
        host = memcmp(url.ptr + i, "://", 3) == 0 ? i + 3 : 0;
    }
    for (size_t i = host; i < len && url.ptr[i] != '/'; i++) {
        at = url.ptr[i] == '@' ? i + 1 : at;
    }
    if (at <= host) {
        return sw_str_make(url.ptr, len);
    }
    return sw_arena_printf(arena, "%.*s%.*s", (int)host, url.ptr, (int)(len - at), url.ptr + at);
}

static sw_str from_address(const span_reading *r)
{
    sw_str address = span_text(r, SPAN_FACT_SERVER_ADDRESS);
    sw_int port = span_number(r, SPAN_FACT_SERVER_PORT);
    bool tls = !port.known || port.value == DEFAULT_PORT;
    if (!address.ptr || memchr(address.ptr, '/', address.len)) {
        return address.ptr ? without_secrets(address, r->arena) : address;
    }
    if (!port.known) {
        return sw_arena_printf(r->arena, "https://%.*s", (int)address.len, address.ptr);
    }
    return sw_arena_printf(r->arena, "%s://%.*s:%lld", tls ? "https" : "http", (int)address.len,
                           address.ptr, (long long)port.value);
}

/* Of an HTTP span the whole address says more than the host. */
static sw_str endpoint_of(const span_reading *r, span_role role)
{
    sw_str whole = span_text(r, SPAN_FACT_ENDPOINT);
    sw_str address = role == SPAN_HTTP && whole.ptr ? SW_NULL_STR : from_address(r);
    if (address.ptr || !whole.ptr) {
        return address;
    }
    return without_secrets(whole, r->arena);
}

/* ---- the first piece ---------------------------------------------------------------------------- */

static sw_int nanoseconds(double value, double factor)
{
    double ns = value * factor;
    return isfinite(ns) && ns >= 0 && ns < 9e18 ? sw_int_of((int64_t)llround(ns)) : SW_NULL_INT;
}

static sw_int since_start(const otlp_span *span, int64_t time_ns)
{
    return span->start_ns > 0 && time_ns >= span->start_ns ? sw_int_of(time_ns - span->start_ns)
                                                           : SW_NULL_INT;
}

static sw_int by_event(const otlp_span *span)
{
    static const char *const names[] = {
#define SW_FIRST_TOKEN(NAME) NAME,
#include "model/first_token.def"
#undef SW_FIRST_TOKEN
    };
    for (size_t i = 0; i < span->event_count; i++) {
        for (size_t j = 0; j < SW_COUNT(names); j++) {
            if (span_word_is(span->events[i].name, names[j])) {
                return since_start(span, span->events[i].time_ns);
            }
        }
    }
    return SW_NULL_INT;
}

static sw_int ttft_of(const span_reading *r)
{
    double value = 0;
    int64_t time_us = 0;
    sw_str time = span_text(r, SPAN_FACT_FIRST_TOKEN_TIME);
    if (span_real(r, SPAN_FACT_TTFT_SECONDS, &value)) {
        return nanoseconds(value, 1e9);
    }
    if (span_real(r, SPAN_FACT_TTFT_MS, &value)) {
        return nanoseconds(value, 1e6);
    }
    if (time.ptr && sw_time_parse(time, &time_us) && time_us > 0 && time_us < INT64_MAX / 1000) {
        return since_start(r->span, time_us * 1000);
    }
    return by_event(r->span);
}

/* ---- who ---------------------------------------------------------------------------------------- */

static sw_str after(sw_str text, const char *start)
{
    size_t len = strlen(start);
    return text.len > len && memcmp(text.ptr, start, len) == 0
               ? sw_str_make(text.ptr + len, text.len - len)
               : SW_NULL_STR;
}

/* "invoke_agent name", and the older "agent_run [name]". */
static sw_str agent_by_name(sw_str name)
{
    sw_str agent = after(name, "agent_run [");
    if (agent.len > 1 && agent.ptr[agent.len - 1] == ']') {
        return sw_str_make(agent.ptr, agent.len - 1);
    }
    return after(name, "invoke_agent ");
}

static sw_str agent_of(const span_reading *r, span_role role)
{
    sw_str agent = span_text(r, SPAN_FACT_AGENT);
    sw_str kind = span_text(r, SPAN_FACT_TRACELOOP_KIND);
    if (!agent.ptr && (span_word_is(kind, "agent") || span_word_is(kind, "workflow"))) {
        agent = span_text(r, SPAN_FACT_ENTITY);
    }
    /* The AI SDK names that span after its model. */
    if (!agent.ptr && role == SPAN_AGENT && r->dialect != SPAN_DIALECT_AI_SDK) {
        agent = span_cut(agent_by_name(r->span->name), SW_LIMIT_WORD_BYTES / 4);
    }
    return agent;
}

static void read_who(const span_reading *r, span_facts *out)
{
    out->agent_name = agent_of(r, out->role);
    out->service_name = span_text(r, SPAN_FACT_SERVICE);
    out->conversation = span_text(r, SPAN_FACT_CONVERSATION);
    out->end_user = span_text(r, SPAN_FACT_END_USER);
    out->native_run = span_text(r, SPAN_FACT_NATIVE_RUN);
}

/* ---- the model call ----------------------------------------------------------------------------- */

/* An id that is too long for one is none. */
static sw_str id_text(sw_str text)
{
    return text.len <= SW_LIMIT_ID_BYTES ? text : SW_NULL_STR;
}

static void read_model(span_reading *r, span_facts *out)
{
    out->model = span_text(r, SPAN_FACT_MODEL);
    out->provider_name = span_provider(span_text(r, SPAN_FACT_PROVIDER), out->model, r->arena);
    out->model_endpoint = endpoint_of(r, out->role);
    out->service_tier = span_text(r, SPAN_FACT_SERVICE_TIER);
    out->request_id = id_text(span_text(r, SPAN_FACT_REQUEST_ID));
    out->context_window_limit = span_number(r, SPAN_FACT_CONTEXT_WINDOW);
    out->ttft_ns = ttft_of(r);
}

sw_status span_read(const otlp_span *span, sw_arena *arena, span_facts *out, sw_error *err)
{
    span_reading reading = {.span = span, .arena = arena};
    *out = (span_facts){.span = span};
    span_gather(&reading);
    out->dialect = reading.dialect;
    out->role = span_find_role(&reading, &out->operation);
    read_model(&reading, out);
    read_who(&reading, out);
    span_read_end(&reading, out);
    span_read_counts(&reading, out);
    span_read_tags(&reading, out);
    out->evaluates = span_evaluates(&reading);
    out->http_status = span_number(&reading, SPAN_FACT_HTTP_STATUS);
    out->attempt = span_number(&reading, SPAN_FACT_ATTEMPT);
    if (out->role == SPAN_TOOL) {
        span_read_tool(&reading, out);
    }
    return arena->failed ? sw_no_memory(err) : SW_STATUS_OK;
}
