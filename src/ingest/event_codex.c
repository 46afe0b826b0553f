/* SPDX-License-Identifier: Apache-2.0 */
/* Codex's log records (telemetry.md F.2): a model call is one `response.completed` that carries counts; it began
 * with the last request before it. Tools stand in no list of a call, so that they follow the call before them.
 */
#include "ingest/event_inside.h"

typedef struct codex {
    event_book *book;
    const event *prompt;  /* of the turn under way */
    const event *request; /* under way: the first since the last answer */
    const event *failed;  /* the last one, if it failed */
    const event *start;   /* conversation_starts */
    bool asked;           /* the prompt's text was given to a call */
    event_index tools;    /* by call_id */
    bool used;            /* the turn has a prompt, a call or a tool */
} codex;

static size_t turn_keys(event_book *book, const codex *c, const event *e,
                        sw_str keys[SPAN_TOLD_KEYS])
{
    const event *prompt = c->prompt;

    keys[0] = e->session;
    if (prompt) {
        sw_str stamp = event_text(prompt, "event.timestamp");
        keys[1] = prompt->prompt.ptr ? prompt->prompt
                  : stamp.ptr        ? stamp
                                     : event_printed(book, prompt->time_ns);
    }
    return prompt ? 2 : 1;
}

static sw_str turn_of(const codex *c, const event *e)
{
    sw_str keys[SPAN_TOLD_KEYS];
    size_t n = turn_keys(c->book, c, e, keys);
    return event_span_id(c->book, "codex-turn", keys, n);
}

/* The turn's run, once it is known where it ends: at the next prompt, or when nothing more comes. */
static void end_turn(codex *c, const event *first, const event *last, bool over)
{
    event_span span = {
        .from = first, .name = "session_task.turn", .role = SPAN_AGENT, .kind = "codex-turn"};
    span_facts *facts = NULL;

    span.key_count = turn_keys(c->book, c, first, span.keys);
    span.start_ns = first->time_ns - event_duration_ns(first, "duration_ms");
    span.end_ns = over ? last->time_ns : 0;
    facts = event_add(c->book, &span);
    if (facts) {
        facts->end = (span_end){.status = SW_STEP_STATUS_SUCCESS};
        facts->agent_name = SW_NULL_STR;
        facts->native_run = first->prompt;
    }
}

/* ---- model calls ------------------------------------------------------------------------------------------ */

static bool is_request(const event *e)
{
    return event_is(e, "api_request") || event_is(e, "websocket_request");
}

static bool is_answer(const event *e)
{
    return (event_is(e, "sse_event") || event_is(e, "websocket_event")) &&
           sw_str_eq(event_text(e, "event.kind"), SW_STR("response.completed")) &&
           event_number(e, "input_token_count").known;
}

static bool has_failed(const event *e)
{
    return span_http_failed(event_number(e, "http.response.status_code")) ||
           event_text(e, "error.message").ptr != NULL;
}

static void counts_of(const event *e, sw_int out[SPAN_COUNTS_NAMED])
{
    static const char *const names[SPAN_COUNTS_NAMED] = {
        "input_token_count", "cached_token_count", "output_token_count", "reasoning_token_count"};

    for (size_t i = 0; i < SPAN_COUNTS_NAMED; i++) {
        out[i] = event_number(e, names[i]);
    }
}

static void ask(codex *c, event_span *span)
{
    sw_str text = c->prompt && !c->asked ? event_text(c->prompt, "prompt") : SW_NULL_STR;

    c->asked = true;
    if (!sw_str_eq(text, SW_STR("[REDACTED]"))) {
        event_more(span, "gen_ai.input.messages", event_message(c->book, "user", text));
    }
}

static span_facts *add_call(codex *c, const event *e, sw_str last_key)
{
    event_span span = {.from = e, .name = "completed", .role = SPAN_LLM, .kind = "codex-evt"};
    const event *request = c->request ? c->request : e;
    sw_str stamp = event_text(e, "event.timestamp");
    span_facts *facts = NULL;

    span.keys[0] = e->session;
    span.keys[1] = stamp.ptr ? stamp : event_printed(c->book, e->time_ns);
    span.keys[2] = last_key;
    span.key_count = 3;
    span.parent = turn_of(c, e);
    span.start_ns = request->time_ns - event_duration_ns(request, "duration_ms");
    span.end_ns = e->time_ns;
    span.failed = e == c->failed;
    ask(c, &span);
    facts = event_add(c->book, &span);
    if (facts && c->start) {
        facts->context_window_limit = event_number(c->start, "context_window");
        facts->provider_name =
            span_provider(event_text(c->start, "provider_name"), facts->model, c->book->arena);
    }
    if (facts && !facts->provider_name.ptr) {
        facts->provider_name = span_provider(SW_NULL_STR, facts->model, c->book->arena);
    }
    return facts;
}

static void add_answer(codex *c, const event *e)
{
    sw_arena *arena = c->book->arena;
    sw_int counts[SPAN_COUNTS_NAMED];
    span_facts *facts = NULL;

    counts_of(e, counts);
    facts = add_call(c, e, span_counts_text(counts, arena));
    if (facts) {
        facts->end = (span_end){.status = SW_STEP_STATUS_SUCCESS};
        if (facts->told->trace_hex.ptr) {
            facts->names[facts->name_count++] = (span_name){
                SW_STR("codex-call"), span_counts_name(facts->told->trace_hex, counts, arena)};
        }
        facts->names[facts->name_count++] =
            (span_name){SW_STR("codex-counts"), span_counts_name(e->session, counts, arena)};
    }
    c->request = c->failed = NULL;
}

/* A request that failed and was not answered by the time that something else began. */
static void add_failure(codex *c)
{
    const event *e = c->failed;
    span_facts *facts = e ? add_call(c, e, SW_STR("failed")) : NULL;

    if (facts) {
        sw_int status = event_number(e, "http.response.status_code");
        facts->end.status = SW_STEP_STATUS_FAILED;
        facts->end.stop_reason = SW_STR("llm_api_error");
        if (!facts->end.error_type.ptr) {
            facts->end.error_type =
                status.known ? event_printed(c->book, status.value) : SW_STR("api_error");
        }
    }
    c->request = c->failed = NULL;
}

/* ---- tools ------------------------------------------------------------------------------------------------- */

static void add_tool(codex *c, const event *e)
{
    event_span span = {.from = e, .name = "tool", .role = SPAN_TOOL, .kind = "codex-tool"};
    sw_str id = event_text(e, "call_id");
    span_facts *facts = NULL;
    bool ok = true;

    span.keys[0] = e->session;
    span.keys[1] = id.ptr ? id : event_printed(c->book, e->time_ns);
    span.key_count = 2;
    span.parent = turn_of(c, e);
    span.end_ns = e->time_ns;
    span.start_ns = e->time_ns - event_duration_ns(e, "duration_ms");
    event_decided(&c->tools, id, &span);
    facts = event_add(c->book, &span);
    if (facts) {
        facts->tool_name = event_text(e, "tool_name");
        facts->tool_call_id = id;
        facts->tool_arguments = event_text(e, "arguments");
        facts->tool_result = event_text(e, "output");
        facts->tool_failed = (otlp_bool(event_value(e, "success"), &ok) && !ok) || event_refuses(e);
    }
}

/* Of a tool that never ran nothing else tells. */
static bool is_tool(const codex *c, const event *e)
{
    return event_is(e, "tool_result") ||
           (event_refuses(e) && !event_find(&c->tools, event_text(e, "call_id"), "tool_result"));
}

static void read_one(codex *c, const event *e)
{
    c->used |= is_request(e) || is_answer(e) || is_tool(c, e);
    if (event_is(e, "conversation_starts")) {
        c->start = e;
    } else if (is_request(e)) {
        c->request = c->request ? c->request : e;
        c->failed = has_failed(e) ? e : NULL;
    } else if (is_answer(e)) {
        add_answer(c, e);
    } else if (is_tool(c, e)) {
        add_tool(c, e);
    }
}

static bool same_turn(const event *a, const event *b)
{
    return a && a->prompt.ptr && sw_str_eq(a->prompt, b->prompt);
}

void event_read_codex(event_book *book, size_t from, size_t to)
{
    codex c = {.book = book};
    size_t first = from;

    if (!event_index_by(book, from, to, "call_id", &c.tools)) {
        return;
    }
    for (size_t i = from; i < to && book->status == SW_STATUS_OK; i++) {
        const event *e = &book->events[i];
        if (event_is(e, "user_prompt") && !same_turn(c.prompt, e)) {
            if (c.used) {
                add_failure(&c);
                end_turn(&c, &book->events[first], &book->events[i - 1], true);
            }
            first = i;
            c.prompt = e;
            c.asked = false;
            c.used = true;
        }
        read_one(&c, e);
    }
    if (book->quiet) {
        add_failure(&c);
    }
    if (c.used && book->status == SW_STATUS_OK) {
        end_turn(&c, &book->events[first], &book->events[to - 1], book->quiet);
    }
}
