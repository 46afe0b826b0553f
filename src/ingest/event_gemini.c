/* SPDX-License-Identifier: Apache-2.0 */
/* The log records of Gemini CLI and its forks (telemetry.md F.3): a prompt is a run, an api_response a model call.
 * Auxiliary calls (role utility_...) belong to the prompt they were made for, with a tag.
 */
#include <stdlib.h>

#include "ingest/event_inside.h"

typedef struct gemini {
    event_book *book;
    event_index agents;  /* by agent_id */
    const event *prompt; /* the last user_prompt before */
    const event *asked;  /* the last api_request before */
    bool told;           /* the prompt's text was given to a call */
} gemini;

static size_t run_keys(const event *e, sw_str keys[SPAN_TOLD_KEYS])
{
    keys[0] = e->session;
    keys[1] = e->agent.ptr ? e->agent : e->prompt;
    return keys[1].ptr ? 2 : 1;
}

static sw_str run_of(const gemini *g, const event *e)
{
    sw_str keys[SPAN_TOLD_KEYS];
    size_t n = run_keys(e, keys);
    return event_span_id(g->book, "gemini-prompt", keys, n);
}

static int64_t duration_of(const event *e)
{
    int64_t ns = event_duration_ns(e, "duration_ms");
    return ns > 0 ? ns : event_duration_ns(e, "duration");
}

/* ---- runs ------------------------------------------------------------------------------------------------ */

static bool is_agent(const event *e)
{
    return event_is(e, "agent.start") || event_is(e, "agent.finish");
}

/* What an agent inside a prompt does has prompts of its own, `<agent>#<turn>`; all its turns are one run. */
static sw_str agent_of(const gemini *g, const event *e)
{
    const char *end = e->prompt.len > 0 ? memchr(e->prompt.ptr, '#', e->prompt.len) : NULL;
    sw_str agent = end ? sw_str_make(e->prompt.ptr, (size_t)(end - e->prompt.ptr)) : SW_NULL_STR;

    return is_agent(e)                                    ? event_text(e, "agent_id")
           : event_find(&g->agents, agent, "agent.start") ? agent
                                                          : SW_NULL_STR;
}

/* What names no prompt belongs to the last one. */
static void spread_prompts(const gemini *g, size_t from, size_t to)
{
    event_book *book = g->book;
    sw_str prompt = SW_NULL_STR;

    for (size_t i = from; i < to; i++) {
        event *e = &book->events[i];
        prompt = event_is(e, "user_prompt") && e->prompt.ptr ? e->prompt : prompt;
        e->prompt = e->prompt.ptr ? e->prompt : prompt;
        e->agent = agent_of(g, e);
    }
}

static int by_prompt(const void *a, const void *b)
{
    const event *x = *(const event *const *)a;
    const event *y = *(const event *const *)b;
    int c = sw_str_cmp(x->agent.ptr ? x->agent : x->prompt, y->agent.ptr ? y->agent : y->prompt);
    return c ? c : (x > y) - (x < y);
}

/* Of the prompt in which the agent was begun. */
static sw_str outer_run(const gemini *g, const event *start)
{
    const sw_str keys[] = {start->session, start->prompt};

    return event_span_id(g->book, "gemini-prompt", keys, start->prompt.ptr ? 2 : 1);
}

static void add_run(gemini *g, const event *first, const event *last, bool over)
{
    event_span span = {
        .from = first, .name = "user_prompt", .role = SPAN_AGENT, .kind = "gemini-prompt"};
    const event *start =
        first->agent.ptr ? event_find(&g->agents, first->agent, "agent.start") : NULL;
    span_facts *facts = NULL;

    span.key_count = run_keys(first, span.keys);
    span.parent = start ? outer_run(g, start) : SW_NULL_STR;
    span.start_ns = first->time_ns - duration_of(first);
    span.end_ns = over ? last->time_ns : 0;
    facts = event_add(g->book, &span);
    if (facts) {
        facts->end = (span_end){.status = SW_STEP_STATUS_SUCCESS};
        facts->agent_name = start ? event_text(start, "agent_name") : SW_NULL_STR;
        facts->native_run = first->agent.ptr ? first->agent : first->prompt;
    }
}

static bool same_run(const event *a, const event *b)
{
    return sw_str_eq(a->agent, b->agent) && (a->agent.ptr || sw_str_eq(a->prompt, b->prompt));
}

/* A prompt is over when another one was made after its last record, or nothing more comes. */
static void add_runs(gemini *g, size_t from, size_t to)
{
    event_book *book = g->book;
    const event **order = sw_arena_alloc(book->arena, (to - from + 1) * sizeof(const event *));
    const event *newest = NULL;

    if (!order) {
        book->status = sw_no_memory(book->err);
        return;
    }
    for (size_t i = from; i < to; i++) {
        order[i - from] = &book->events[i];
        newest = event_is(&book->events[i], "user_prompt") ? &book->events[i] : newest;
    }
    qsort(order, to - from, sizeof(const event *), by_prompt);
    for (size_t i = 0, end = 0; i < to - from && book->status == SW_STATUS_OK; i = end) {
        bool finished = false;
        while (end < to - from && same_run(order[end], order[i])) {
            finished = finished || event_is(order[end], "agent.finish");
            end++;
        }
        add_run(g, order[i], order[end - 1],
                book->quiet || finished || (newest && newest > order[end - 1]));
    }
}

/* ---- model calls ------------------------------------------------------------------------------------------ */

static bool is_call(const event *e)
{
    return event_is(e, "api_response") || event_is(e, "api_error") || event_is(e, "api_cancel");
}

static void say(gemini *g, const event *e, event_span *span)
{
    sw_str asked = g->asked ? event_text(g->asked, "request_text") : SW_NULL_STR;
    sw_str prompt = g->prompt && !g->told ? event_text(g->prompt, "prompt") : SW_NULL_STR;
    sw_str answer = event_text(e, "response_text");

    if (asked.ptr) {
        event_more(span, "input.value", asked);
        event_more(span, "input.mime_type", SW_STR("application/json"));
    } else {
        event_more(span, "gen_ai.input.messages", event_message(g->book, "user", prompt));
    }
    if (answer.ptr) {
        event_more(span, "output.value", answer);
        event_more(span, "output.mime_type", SW_STR("application/json"));
    }
    g->told = true;
    g->asked = NULL;
}

static void end_call(const event *e, span_facts *facts)
{
    if (event_is(e, "api_cancel")) {
        facts->end =
            (span_end){.status = SW_STEP_STATUS_CANCELLED, .stop_reason = SW_STR("cancelled")};
    } else if (event_is(e, "api_error")) {
        sw_str type = event_text(e, "error.type");
        facts->end.status = SW_STEP_STATUS_FAILED;
        facts->end.stop_reason = SW_STR("llm_api_error");
        facts->end.error_type = facts->end.error_type.ptr ? facts->end.error_type
                                : type.ptr                ? type
                                                          : SW_STR("api_error");
    }
}

/* Auxiliary calls are in no chat. */
static void name_call(gemini *g, const event *e, span_facts *facts, bool auxiliary)
{
    sw_arena *arena = g->book->arena;
    sw_str chat =
        auxiliary ? SW_NULL_STR : span_chat_name(e->session, e->prompt, &facts->usage, arena);
    char id[2 * OTLP_SPAN_ID];

    if (facts->told->trace_hex.ptr) {
        sw_hex_print(e->log->span_id, OTLP_SPAN_ID, id);
        facts->names[facts->name_count++] = (span_name){
            SW_STR("span"), sw_arena_printf(arena, "%.*s %.*s", (int)facts->told->trace_hex.len,
                                            facts->told->trace_hex.ptr, (int)sizeof id, id)};
    }
    if (chat.ptr) {
        facts->names[facts->name_count++] = (span_name){SW_STR("gemini-counts"), chat};
    }
}

static void add_call(gemini *g, const event *e)
{
    event_span span = {.from = e, .name = "llm_call", .role = SPAN_LLM, .kind = "gemini-evt"};
    sw_str stamp = event_text(e, "event.timestamp");
    sw_str role = event_text(e, "role");
    bool auxiliary = role.len > 8 && memcmp(role.ptr, "utility_", 8) == 0;
    span_facts *facts = NULL;

    span.keys[0] = e->session;
    span.keys[1] = e->prompt;
    span.keys[2] = stamp.ptr ? stamp : event_printed(g->book, e->time_ns);
    span.key_count = 3;
    span.parent = run_of(g, e);
    span.end_ns = e->time_ns;
    span.start_ns = e->time_ns - duration_of(e);
    span.failed = event_is(e, "api_error");
    say(g, e, &span);
    facts = event_add(g->book, &span);
    if (facts) {
        facts->provider_name =
            facts->provider_name.ptr ? facts->provider_name : SW_STR("gcp.gemini");
        end_call(e, facts);
        name_call(g, e, facts, auxiliary);
        facts->tags = auxiliary ? SW_STR("[\"auxiliary\"]") : facts->tags;
    }
}

/* ---- tools ------------------------------------------------------------------------------------------------- */

static void add_tool(gemini *g, const event *e)
{
    event_span span = {.from = e, .name = "tool_call", .role = SPAN_TOOL, .kind = "gemini-tool"};
    sw_str name = event_text(e, "function_name");
    span_facts *facts = NULL;
    bool ok = true;

    span.keys[0] = e->session;
    span.keys[1] = e->prompt;
    span.keys[2] = event_printed(g->book, e->time_ns);
    span.keys[3] = name;
    span.key_count = 4;
    span.parent = run_of(g, e);
    span.end_ns = e->time_ns;
    span.start_ns = e->time_ns - duration_of(e);
    facts = event_add(g->book, &span);
    if (facts) {
        facts->tool_name = name;
        facts->tool_arguments = event_text(e, "function_args");
        facts->tool_failed = otlp_bool(event_value(e, "success"), &ok) && !ok;
        facts->tool_result = facts->tool_failed ? event_text(e, "error") : SW_NULL_STR;
    }
}

static void read_one(gemini *g, const event *e)
{
    if (event_is(e, "api_request")) {
        g->asked = e;
    } else if (is_call(e)) {
        add_call(g, e);
    } else if (event_is(e, "tool_call")) {
        add_tool(g, e);
    }
}

void event_read_gemini(event_book *book, size_t from, size_t to)
{
    gemini g = {.book = book};

    if (!event_index_by(book, from, to, "agent_id", &g.agents)) {
        return;
    }
    spread_prompts(&g, from, to);
    add_runs(&g, from, to);
    for (size_t i = from; i < to && book->status == SW_STATUS_OK; i++) {
        const event *e = &book->events[i];
        if (event_is(e, "user_prompt")) {
            g.prompt = e;
            g.told = false;
        }
        read_one(&g, e);
    }
}
