/* SPDX-License-Identifier: Apache-2.0 */
/* Claude Code's log records (telemetry.md F.1): a prompt is a run, a request a model call, a tool result a tool.
 * What stands in several records of one request (the answer's text, its raw bodies, a refusal) is gathered on it.
 */
#include <stdlib.h>

#include "ingest/event_inside.h"

/* The session's own run, for what belongs to no prompt. */
static size_t session_keys(const event *e, sw_str keys[SPAN_TOLD_KEYS], const char **kind)
{
    keys[0] = e->session;
    *kind = "cc-session";
    return 1;
}

static size_t prompt_keys(const event *e, sw_str keys[SPAN_TOLD_KEYS], const char **kind)
{
    if (!e->prompt.ptr) {
        return session_keys(e, keys, kind);
    }
    keys[0] = e->session;
    keys[1] = e->prompt;
    *kind = "cc-prompt";
    return 2;
}

/* The requests of an agent inside the prompt's own name it. */
static size_t agent_keys(const event *e, sw_str keys[SPAN_TOLD_KEYS], const char **kind)
{
    size_t n = prompt_keys(e, keys, kind);
    sw_str agent = event_text(e, "agent.name");
    if (agent.ptr) {
        keys[n++] = agent;
    }
    return n;
}

static sw_str run_of(event_book *book, const event *e)
{
    sw_str keys[SPAN_TOLD_KEYS];
    const char *kind = NULL;
    size_t n = agent_keys(e, keys, &kind);
    return event_span_id(book, kind, keys, n);
}

static bool is_call(const event *e)
{
    return event_is(e, "api_request") || event_is(e, "api_error");
}

static int64_t start_of(const event *e)
{
    return e->time_ns - event_duration_ns(e, "duration_ms");
}

/* ---- the records of a session, indexed -------------------------------------------------------------------- */

/* A run: a prompt's, or that of an inner agent. */
typedef struct claude_run {
    const event *any;
    const event *prompt; /* what was asked */
    const event *call;   /* its first */
    bool of_agent;
    int64_t start_ns;
    int64_t end_ns;
} claude_run;

typedef struct claude {
    event_book *book;
    const event *events; /* of the session, in order */
    size_t count;
    uint32_t *by_run;     /* sorted by prompt and agent, then in order */
    event_index requests; /* by request_id */
    event_index tools;    /* by tool_use_id */
    uint32_t *run;        /* of each event */
    const event **asked;  /* of an answer's raw body: that of its request */
    claude_run *runs;
    size_t run_count;
    const event *last_prompt;
} claude;

static sw_str agent_of(const event *e)
{
    return is_call(e) ? event_text(e, "agent.name") : SW_NULL_STR;
}

/* qsort has no argument: what is sorted carries its keys. */
typedef struct keyed {
    sw_str first;
    sw_str second;
    uint32_t at;
} keyed;

static int by_keys(const void *a, const void *b)
{
    const keyed *x = a;
    const keyed *y = b;
    int c = sw_str_cmp(x->first, y->first);
    c = c ? c : sw_str_cmp(x->second, y->second);
    return c ? c : (x->at > y->at) - (x->at < y->at);
}

static uint32_t *sorted(const claude *c)
{
    keyed *keys = sw_arena_alloc(c->book->arena, (c->count + 1) * sizeof *keys);
    uint32_t *out = sw_arena_alloc(c->book->arena, (c->count + 1) * sizeof *out);

    if (!keys || !out) {
        return NULL;
    }
    for (size_t i = 0; i < c->count; i++) {
        const event *e = &c->events[i];
        keys[i] = (keyed){e->prompt, agent_of(e), (uint32_t)i};
    }
    qsort(keys, c->count, sizeof *keys, by_keys);
    for (size_t i = 0; i < c->count; i++) {
        out[i] = keys[i].at;
    }
    return out;
}

static void take_into_run(claude_run *run, const event *e)
{
    int64_t start = start_of(e);

    run->start_ns = !run->any || start < run->start_ns ? start : run->start_ns;
    run->end_ns = !run->any || e->time_ns > run->end_ns ? e->time_ns : run->end_ns;
    run->any = run->any ? run->any : e;
    run->call = run->call || !is_call(e) ? run->call : e;
    run->prompt = run->prompt || !event_is(e, "user_prompt") ? run->prompt : e;
}

/* A prompt lasts at least as long as its inner agents, which come after it in this order. */
static void find_runs(claude *c)
{
    claude_run *outer = NULL;
    claude_run *run = NULL;

    for (size_t i = 0; i < c->count; i++) {
        const event *e = &c->events[c->by_run[i]];
        sw_str agent = agent_of(e);
        if (!outer || !sw_str_eq(outer->any->prompt, e->prompt)) {
            outer = run = &c->runs[c->run_count++];
            *run = (claude_run){.of_agent = false};
        }
        take_into_run(outer, e);
        if (agent.ptr && (run == outer || !sw_str_eq(agent_of(run->any), agent))) {
            run = &c->runs[c->run_count++];
            *run = (claude_run){.of_agent = true};
        }
        if (agent.ptr) {
            take_into_run(run, e);
        }
        c->run[c->by_run[i]] = (uint32_t)((agent.ptr ? run : outer) - c->runs);
    }
}

/* A request's body names no request: it is the last one of the same source before the answer's. So many sources
 * are told apart at a time. */
enum { SOURCES = 16 };

static void pair_bodies(claude *c)
{
    const event *last[SOURCES] = {NULL};
    size_t next = 0;

    for (size_t i = 0; i < c->count; i++) {
        const event *e = &c->events[i];
        bool asks = event_is(e, "api_request_body");
        size_t at = 0;
        if (!asks && !event_is(e, "api_response_body")) {
            continue;
        }
        while (at < SOURCES && !(last[at] && sw_str_eq(event_text(last[at], "query_source"),
                                                       event_text(e, "query_source")))) {
            at++;
        }
        if (asks) {
            last[at < SOURCES ? at : next++ % SOURCES] = e;
        } else if (at < SOURCES) {
            c->asked[i] = last[at];
        }
    }
}

static bool index_session(claude *c, size_t from, size_t to)
{
    sw_arena *arena = c->book->arena;

    if (!event_index_by(c->book, from, to, "request_id", &c->requests) ||
        !event_index_by(c->book, from, to, "tool_use_id", &c->tools)) {
        return false;
    }
    c->by_run = sorted(c);
    c->run = sw_arena_alloc(arena, c->count * sizeof *c->run);
    c->asked = sw_arena_zeroed(arena, c->count * sizeof(const event *));
    c->runs = sw_arena_alloc(arena, 2 * c->count * sizeof *c->runs);
    if (!c->by_run || !c->run || !c->asked || !c->runs) {
        c->book->status = sw_no_memory(c->book->err);
        return false;
    }
    find_runs(c);
    pair_bodies(c);
    for (size_t i = 0; i < c->count; i++) {
        c->last_prompt = event_is(&c->events[i], "user_prompt") ? &c->events[i] : c->last_prompt;
    }
    return true;
}

/* The record of that name about the same request. */
static const event *with_request(const claude *c, const event *call, const char *name)
{
    return event_find(&c->requests, event_text(call, "request_id"), name);
}

/* ---- runs ------------------------------------------------------------------------------------------------ */

/* A prompt is over when the next one has begun, or nothing more comes. */
static bool is_over(const claude *c, const claude_run *run)
{
    return c->book->quiet || (c->last_prompt && c->last_prompt > run->any &&
                              !sw_str_eq(c->last_prompt->prompt, run->any->prompt));
}

static void add_run(const claude *c, const claude_run *run)
{
    const event *e = run->any;
    event_span span = {.from = e, .name = "claude_code.interaction", .role = SPAN_AGENT};
    span_facts *facts = NULL;

    span.key_count = run->of_agent ? agent_keys(e, span.keys, &span.kind)
                                   : prompt_keys(e, span.keys, &span.kind);
    span.start_ns = run->start_ns;
    span.end_ns = is_over(c, run) ? run->end_ns : 0;
    if (run->of_agent) {
        sw_str outer[SPAN_TOLD_KEYS];
        const char *kind = NULL;
        size_t n = prompt_keys(e, outer, &kind);
        span.parent = event_span_id(c->book, kind, outer, n);
    }
    facts = event_add(c->book, &span);
    if (facts) {
        facts->agent_name = run->of_agent ? event_text(e, "agent.name") : SW_NULL_STR;
        facts->end = (span_end){.status = SW_STEP_STATUS_SUCCESS};
        facts->native_run = e->prompt;
    }
}

/* ---- model calls ------------------------------------------------------------------------------------------ */

static sw_str plain(sw_str text)
{
    return sw_str_eq(text, SW_STR("<REDACTED>")) ? SW_NULL_STR : text;
}

/* Beginning and end of a talk that is told in pieces: the prompt before the first call of its run, the answer. */
static void say(const claude *c, size_t at, event_span *span)
{
    const event *call = &c->events[at];
    const claude_run *run = &c->runs[c->run[at]];
    const event *answer = with_request(c, call, "assistant_response");
    const event *raw = with_request(c, call, "api_response_body");
    const event *asked = raw ? c->asked[raw - c->events] : NULL;

    if (asked && event_text(asked, "body").ptr) {
        event_more(span, "input.value", event_text(asked, "body"));
        event_more(span, "input.mime_type", SW_STR("application/json"));
    } else if (run->prompt && run->call == call) {
        event_more(span, "gen_ai.input.messages",
                   event_message(c->book, "user", plain(event_text(run->prompt, "prompt"))));
    }
    if (raw && event_text(raw, "body").ptr) {
        event_more(span, "output.value", event_text(raw, "body"));
        event_more(span, "output.mime_type", SW_STR("application/json"));
    } else if (answer) {
        event_more(span, "gen_ai.output.messages",
                   event_message(c->book, "assistant", plain(event_text(answer, "response"))));
    }
}

static size_t call_keys(event_book *book, const event *e, sw_str keys[SPAN_TOLD_KEYS])
{
    sw_str id = event_text(e, "request_id");

    keys[0] = e->session;
    keys[1] = id.ptr ? id : event_text(e, "client_request_id");
    if (!keys[1].ptr) {
        sw_str stamp = event_text(e, "event.timestamp");
        keys[1] = stamp.ptr ? stamp : event_printed(book, e->time_ns);
        keys[2] = event_printed(book, e->sequence);
        return 3;
    }
    return 2;
}

/* How often it was tried, where only the record behind it says so; it names no request. */
static void say_attempts(const claude *c, size_t at, event_span *span)
{
    size_t next = at + 1;

    while (next < c->count && !is_call(&c->events[next]) &&
           !event_is(&c->events[next], "api_retries_exhausted")) {
        next++;
    }
    if (next < c->count && !is_call(&c->events[next]) && !event_value(&c->events[at], "attempt")) {
        sw_int attempts = event_number(&c->events[next], "total_attempts");
        if (attempts.known) {
            event_more(span, "attempt", event_printed(c->book, attempts.value));
        }
    }
}

static void fail_call(const event *e, span_facts *facts)
{
    facts->end.status = SW_STEP_STATUS_FAILED;
    if (!facts->end.stop_reason.ptr) {
        facts->end.stop_reason = SW_STR("llm_api_error");
    }
    if (!facts->end.error_type.ptr) {
        facts->end.error_type = event_text(e, "status_code");
        facts->end.error_type =
            facts->end.error_type.ptr ? facts->end.error_type : SW_STR("api_error");
    }
}

static void name_call(const event *e, span_facts *facts)
{
    static const struct {
        const char *key;
        const char *kind;
    } rows[] = {{"request_id", "cc-request"}, {"client_request_id", "cc-client-request"}};

    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_str value = event_text(e, rows[i].key);
        if (value.ptr) {
            facts->names[facts->name_count++] = (span_name){sw_str_from(rows[i].kind), value};
        }
    }
}

/* What is neither the conversation nor an inner agent: compaction, titles, and the like. */
static bool is_auxiliary(const event *e)
{
    sw_str source = event_text(e, "query_source");
    return source.ptr && !event_text(e, "agent.name").ptr &&
           !sw_str_eq(source, SW_STR("repl_main_thread")) && !sw_str_eq(source, SW_STR("sdk"));
}

static void add_call(const claude *c, size_t at)
{
    event_book *book = c->book;
    const event *e = &c->events[at];
    event_span span = {
        .from = e, .name = "claude_code.llm_request", .role = SPAN_LLM, .kind = "cc-req"};
    const event *refusal = with_request(c, e, "api_refusal");
    span_facts *facts = NULL;

    span.key_count = call_keys(book, e, span.keys);
    span.parent = run_of(book, e);
    span.end_ns = e->time_ns;
    span.start_ns = start_of(e);
    say(c, at, &span);
    span.failed = event_is(e, "api_error");
    if (span.failed) {
        say_attempts(c, at, &span);
    }
    facts = event_add(book, &span);
    if (!facts) {
        return;
    }
    facts->provider_name = facts->provider_name.ptr ? facts->provider_name : SW_STR("anthropic");
    name_call(e, facts);
    if (event_is(e, "api_error")) {
        fail_call(e, facts);
    } else if (refusal) {
        facts->end.error_type = SW_STR("refusal");
    }
    if (is_auxiliary(e)) {
        facts->tags = SW_STR("[\"auxiliary\"]");
    }
}

/* ---- tools ------------------------------------------------------------------------------------------------- */

/* What a tool came to; or, where it was not let run, that. */
static void add_tool(const claude *c, const event *e)
{
    event_book *book = c->book;
    event_span span = {.from = e, .name = "claude_code.tool", .role = SPAN_TOOL, .kind = "cc-tool"};
    sw_str id = event_text(e, "tool_use_id");
    sw_str arguments = event_text(e, "tool_input");
    span_facts *facts = NULL;
    bool ok = true;

    span.keys[0] = e->session;
    span.keys[1] = id.ptr ? id : event_printed(book, e->time_ns);
    span.keys[2] = event_printed(book, e->sequence);
    span.key_count = id.ptr ? 2 : 3;
    span.parent = run_of(book, e);
    span.end_ns = e->time_ns;
    span.start_ns = start_of(e);
    event_decided(&c->tools, id, &span);
    facts = event_add(book, &span);
    if (facts) {
        facts->tool_name = event_text(e, "tool_name");
        facts->tool_call_id = id;
        facts->tool_arguments = arguments.ptr ? arguments : event_text(e, "tool_parameters");
        facts->tool_failed = (otlp_bool(event_value(e, "success"), &ok) && !ok) || event_refuses(e);
        facts->tool_result = facts->tool_failed ? event_text(e, "error") : SW_NULL_STR;
        facts->tool_waited = false;
    }
}

/* Of a tool that never ran nothing else tells. */
static bool is_refused(const claude *c, const event *e)
{
    return event_refuses(e) && !event_find(&c->tools, event_text(e, "tool_use_id"), "tool_result");
}

void event_read_claude(event_book *book, size_t from, size_t to)
{
    claude c = {.book = book, .events = book->events + from, .count = to - from};

    if (!index_session(&c, from, to)) {
        return;
    }
    for (size_t i = 0; i < c.run_count && book->status == SW_STATUS_OK; i++) {
        add_run(&c, &c.runs[i]);
    }
    for (size_t i = 0; i < c.count && book->status == SW_STATUS_OK; i++) {
        if (is_call(&c.events[i])) {
            add_call(&c, i);
        } else if (event_is(&c.events[i], "tool_result") || is_refused(&c, &c.events[i])) {
            add_tool(&c, &c.events[i]);
        }
    }
}
