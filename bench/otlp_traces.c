/* SPDX-License-Identifier: Apache-2.0 */
/* Exports as programs send them: runs of agents, 25 spans each, of which five are model calls. Knows nothing of how
 * they are read.
 *
 * A run is an agent's span over five turns; a turn is a chat with the request that carried it, and a tool with the
 * request that it made; four spans are of other work. Spans leave in the order in which they end, children
 * first, as exporters send them, and stand under the scope that made them. The attributes are those of OpenTelemetry's own
 * conventions, without the words that were said, which programs do not send unless told to.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/otlp_wire.h"
#include "otlp_traces.h"

enum { TURNS = 5, OTHERS = 4, AGENTS = 20, CLIENT = 3, INTERNAL = 1 };
_Static_assert(1 + TURNS * 4 + OTHERS == BENCH_TRACE_SPANS, "a span of each kind in its place");

/* What a span is, and the scope that makes such. */
typedef enum kind { KIND_AGENT, KIND_CHAT, KIND_TOOL, KIND_HTTP, KIND_OTHER, KIND_COUNT } kind;

static const char *const scopes[KIND_COUNT] = {
    "agent_runner.agents", "opentelemetry.instrumentation.openai_v2", "agent_runner.tools",
    "opentelemetry.instrumentation.httpx", "agent_runner.work"};

/* Where a span stands in the stream, and which it is. */
typedef struct place {
    int64_t ends;
    int64_t trace;
    int number; /* within its trace, in the order of ending; the agent's is the last */
} place;

/* The first of January 2026, and eleven seconds a trace. */
int64_t bench_trace_begins_us(int64_t trace)
{
    return (INT64_C(1767225600) + trace * 11) * 1000000;
}

/* ---- one span ------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t random_of(int64_t trace, int salt)
{
    return mix((uint64_t)trace * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)salt + 1);
}

static void put_text(sw_buf *out, const char *key, const char *value)
{
    size_t pair = pb_begin(out, 9);
    size_t any = 0;
    pb_put_text(out, 1, sw_str_from(key));
    any = pb_begin(out, 2);
    pb_put_set_text(out, 1, sw_str_from(value));
    pb_end(out, any);
    pb_end(out, pair);
}

static void put_number(sw_buf *out, const char *key, uint64_t value)
{
    size_t pair = pb_begin(out, 9);
    size_t any = 0;
    pb_put_text(out, 1, sw_str_from(key));
    any = pb_begin(out, 2);
    pb_put_set_number(out, 3, value);
    pb_end(out, any);
    pb_end(out, pair);
}

/* A list of one text. */
static void put_words(sw_buf *out, const char *key, const char *value)
{
    size_t pair = pb_begin(out, 9);
    size_t any = 0;
    size_t list = 0;
    size_t item = 0;
    pb_put_text(out, 1, sw_str_from(key));
    any = pb_begin(out, 2);
    list = pb_begin(out, 5);
    item = pb_begin(out, 1);
    pb_put_set_text(out, 1, sw_str_from(value));
    pb_end(out, item);
    pb_end(out, list);
    pb_end(out, any);
    pb_end(out, pair);
}

static void put_agent(sw_buf *out, int64_t trace)
{
    char name[32];
    snprintf(name, sizeof name, "agent %d", (int)(random_of(trace, 200) % AGENTS));
    put_text(out, "gen_ai.operation.name", "invoke_agent");
    put_text(out, "gen_ai.provider.name", "openai");
    put_text(out, "gen_ai.agent.name", name);
    put_text(out, "gen_ai.request.model", "gpt-4o-mini");
}

static void put_chat(sw_buf *out, int64_t trace, int turn)
{
    uint64_t random = random_of(trace, 100 + turn);
    char id[48];
    snprintf(id, sizeof id, "chatcmpl-%016llx%08x", (unsigned long long)random, (unsigned)turn);
    put_text(out, "gen_ai.operation.name", "chat");
    put_text(out, "gen_ai.provider.name", "openai");
    put_text(out, "gen_ai.request.model", "gpt-4o-mini");
    put_number(out, "gen_ai.request.max_tokens", 4096);
    put_text(out, "gen_ai.response.model", bench_models[random % (BENCH_MODELS - 1)]);
    put_text(out, "gen_ai.response.id", id);
    put_words(out, "gen_ai.response.finish_reasons", turn == TURNS - 1 ? "stop" : "tool_calls");
    put_number(out, "gen_ai.usage.input_tokens", 500 + random % 8000);
    put_number(out, "gen_ai.usage.output_tokens", 20 + random % 700);
    put_number(out, "gen_ai.usage.cache_read.input_tokens", random % 500);
    put_text(out, "server.address", "api.openai.com");
    put_number(out, "server.port", 443);
}

static void put_tool(sw_buf *out, int64_t trace, int turn)
{
    char id[32];
    snprintf(id, sizeof id, "call_%016llx", (unsigned long long)random_of(trace, 300 + turn));
    put_text(out, "gen_ai.operation.name", "execute_tool");
    put_text(out, "gen_ai.tool.name", turn % 2 ? "search_documents" : "read_page");
    put_text(out, "gen_ai.tool.call.id", id);
    put_text(out, "gen_ai.tool.type", "function");
}

static void put_http(sw_buf *out, bool of_model)
{
    put_text(out, "http.request.method", "POST");
    put_text(out, "url.full",
             of_model ? "https://api.openai.com/v1/chat/completions"
                      : "https://documents.internal/v2/search");
    put_text(out, "server.address", of_model ? "api.openai.com" : "documents.internal");
    put_number(out, "server.port", 443);
    put_number(out, "http.response.status_code", 200);
    put_text(out, "network.protocol.version", "1.1");
}

static void put_other(sw_buf *out)
{
    put_text(out, "db.system.name", "postgresql");
    put_text(out, "db.query.text", "SELECT title, body FROM pages WHERE id = $1");
    put_text(out, "code.function.name", "load_pages");
    put_number(out, "db.response.returned_rows", 3);
}

/* The five of a turn end in this order: the request, the chat, the tool's request, the tool. */
static kind kind_of(int number)
{
    static const kind turn[] = {KIND_HTTP, KIND_CHAT, KIND_HTTP, KIND_TOOL};
    if (number == BENCH_TRACE_SPANS - 1) {
        return KIND_AGENT;
    }
    return number < TURNS * 4 ? turn[number % 4] : KIND_OTHER;
}

static void put_ids(sw_buf *out, const place *at)
{
    const uint64_t trace[2] = {random_of(at->trace, 400), random_of(at->trace, 401)};
    uint64_t span = random_of(at->trace, 500 + at->number);
    uint64_t parent = random_of(at->trace, 500 + BENCH_TRACE_SPANS - 1);
    if (kind_of(at->number) == KIND_HTTP) {
        parent = random_of(at->trace, 500 + at->number + 1);
    }
    pb_put_text(out, 1, sw_str_make((const char *)trace, sizeof trace));
    pb_put_text(out, 2, sw_str_make((const char *)&span, sizeof span));
    if (kind_of(at->number) != KIND_AGENT) {
        pb_put_text(out, 4, sw_str_make((const char *)&parent, sizeof parent));
    }
}

static void put_span(sw_buf *out, const place *at)
{
    static const char *const names[] = {"invoke_agent", "chat gpt-4o-mini", "execute_tool", "POST",
                                        "SELECT pages"};
    kind is = kind_of(at->number);
    bool wide = is == KIND_CHAT || is == KIND_TOOL; /* around its request */
    uint64_t began = (uint64_t)bench_trace_begins_us(at->trace) * 1000;
    uint64_t from = (uint64_t)(at->number - wide) * 400000000 + (wide ? 1000000 : 2000000);
    uint64_t to = from + (wide ? 390000000 : 300000000) + random_of(at->trace, at->number) % 900000;
    size_t span = pb_begin(out, 2);
    if (is == KIND_AGENT) {
        from = 0;
        to += 100000000;
    }
    put_ids(out, at);
    pb_put_text(out, 5, sw_str_from(names[is]));
    pb_put_number(out, 6, is == KIND_CHAT || is == KIND_HTTP ? CLIENT : INTERNAL);
    pb_put_fixed64(out, 7, began + from);
    pb_put_fixed64(out, 8, began + to);
    switch (is) {
    case KIND_AGENT:
        put_agent(out, at->trace);
        break;
    case KIND_CHAT:
        put_chat(out, at->trace, at->number / 4);
        break;
    case KIND_TOOL:
        put_tool(out, at->trace, at->number / 4);
        break;
    case KIND_HTTP:
        put_http(out, at->number % 4 == 0);
        break;
    default:
        put_other(out);
    }
    pb_end(out, span);
}

/* ---- exports -------------------------------------------------------------------------------------- */

static void put_resource(sw_buf *out)
{
    static const char *const rows[][2] = {{"service.name", "agent-runner"},
                                          {"service.version", "4.2.1"},
                                          {"host.name", "worker-17"},
                                          {"telemetry.sdk.language", "python"},
                                          {"telemetry.sdk.name", "opentelemetry"}};
    size_t head = pb_begin(out, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t pair = pb_begin(out, 1);
        size_t any = 0;
        pb_put_text(out, 1, sw_str_from(rows[i][0]));
        any = pb_begin(out, 2);
        pb_put_set_text(out, 1, sw_str_from(rows[i][1]));
        pb_end(out, any);
        pb_end(out, pair);
    }
    pb_end(out, head);
}

static void put_export(sw_buf *out, const place *places, size_t count)
{
    size_t source = pb_begin(out, 1);
    put_resource(out);
    for (int k = 0; k < KIND_COUNT; k++) {
        size_t scope = pb_begin(out, 2);
        size_t head = pb_begin(out, 1);
        pb_put_text(out, 1, sw_str_from(scopes[k]));
        pb_put_text(out, 2, SW_STR("2.1"));
        pb_end(out, head);
        for (size_t i = 0; i < count; i++) {
            if ((int)kind_of(places[i].number) == k) {
                put_span(out, &places[i]);
            }
        }
        pb_end(out, scope);
    }
    pb_end(out, source);
}

static int by_end(const void *a, const void *b)
{
    const place *x = a;
    const place *y = b;
    int order = (x->ends > y->ends) - (x->ends < y->ends);
    if (order == 0) {
        order = (x->trace > y->trace) - (x->trace < y->trace);
    }
    return order ? order : x->number - y->number;
}

void bench_traces_make(sw_buf *exports, int64_t count, int64_t first_trace, int64_t together)
{
    size_t spans = (size_t)count * BENCH_EXPORT_SPANS;
    place *places = bench_take(spans, sizeof *places);
    for (size_t i = 0; i < spans; i++) {
        int64_t trace = (int64_t)i / BENCH_TRACE_SPANS;
        int number = (int)(i % BENCH_TRACE_SPANS);
        places[i] = (place){.ends = trace * BENCH_TRACE_SPANS + number * together,
                            .trace = first_trace + trace,
                            .number = number};
    }
    qsort(places, spans, sizeof *places, by_end);
    for (int64_t i = 0; i < count; i++) {
        put_export(&exports[i], places + i * BENCH_EXPORT_SPANS, BENCH_EXPORT_SPANS);
        if (exports[i].status != SW_STATUS_OK) {
            bench_die("out of memory");
        }
    }
    free(places);
}
