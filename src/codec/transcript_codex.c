/* SPDX-License-Identifier: Apache-2.0 */
/* Rollouts of Codex (telemetry.md G.2): items of a conversation as they come, and between them how many tokens the
 * thread has used. A call is where the sum grew, or where a usage record names a response; the same sum is written
 * again and again, and is no call.
 */
#include "codec/transcript_inside.h"

enum { L_TIME, L_TYPE, L_PAYLOAD, L_ORDINAL, L_SLOTS };

static const scan_name line_names[] = {
    SCAN_NAME(L_TIME, "timestamp"),
    SCAN_NAME(L_TYPE, "type"),
    SCAN_NAME(L_PAYLOAD, "payload"),
    SCAN_NAME(L_ORDINAL, "ordinal"),
};

enum {
    P_TYPE,
    P_ID,
    P_CWD,
    P_VERSION,
    P_PROVIDER,
    P_GIT,
    P_BRANCH,
    P_FORKED,
    P_SOURCE,
    P_HISTORY,
    P_MODEL,
    P_TURN,
    P_WINDOW,
    P_INFO,
    P_TOTAL,
    P_LAST,
    P_MESSAGE,
    P_ROLE,
    P_CALL,
    P_NAME,
    P_RESPONSE,
    P_THREAD,
    P_USAGE,
    P_SLOTS
};

static const scan_name payload_names[] = {
    SCAN_NAME(P_TYPE, "type"),
    SCAN_NAME(P_ID, "id"),
    SCAN_NAME(P_CWD, "cwd"),
    SCAN_NAME(P_VERSION, "cli_version"),
    SCAN_NAME(P_PROVIDER, "model_provider"),
    SCAN_NAME(P_GIT, "git"),
    SCAN_NAME(P_BRANCH, "branch"),
    SCAN_NAME(P_FORKED, "forked_from_id"),
    SCAN_NAME(P_SOURCE, "source"),
    SCAN_NAME(P_HISTORY, "subagent_history_start_ordinal"),
    SCAN_NAME(P_MODEL, "model"),
    SCAN_NAME(P_TURN, "turn_id"),
    SCAN_NAME(P_WINDOW, "model_context_window"),
    SCAN_NAME(P_INFO, "info"),
    SCAN_NAME(P_TOTAL, "total_token_usage"),
    SCAN_NAME(P_LAST, "last_token_usage"),
    SCAN_NAME(P_MESSAGE, "message"),
    SCAN_NAME(P_ROLE, "role"),
    SCAN_NAME(P_CALL, "call_id"),
    SCAN_NAME(P_NAME, "name"),
    SCAN_NAME(P_RESPONSE, "response_id"),
    SCAN_NAME(P_THREAD, "thread_id"),
    SCAN_NAME(P_USAGE, "usage"),
};

enum { U_INPUT, U_CACHED, U_WRITTEN, U_OUTPUT, U_REASONING, U_TOTAL, U_SLOTS };

static const scan_name usage_names[] = {
    SCAN_NAME(U_INPUT, "input_tokens"),
    SCAN_NAME(U_CACHED, "cached_input_tokens"),
    SCAN_NAME(U_WRITTEN, "cache_write_input_tokens"),
    SCAN_NAME(U_OUTPUT, "output_tokens"),
    SCAN_NAME(U_REASONING, "reasoning_output_tokens"),
    SCAN_NAME(U_TOTAL, "total_tokens"),
};

typedef struct counts {
    sw_int of[U_SLOTS];
    bool there;
} counts;

typedef struct codex {
    transcript_reading *r;
    sw_str thread, cwd, branch, version, provider, model, turn;
    sw_int window;
    counts sum;  /* the thread's, as last told */
    counts last; /* the last call's, where there are no sums */
    sw_int last_us;
    bool copied;             /* the file begins with another thread's history */
    bool counted;            /* of which the end has been seen */
    int64_t second;          /* in which the copy was written */
    sw_int history;          /* ordinals before this are copied */
    bool records;            /* usage records are there: sums tell the same once more */
    sw_int asked_us;         /* when the next request became possible */
    sw_int start_us, end_us; /* of the items that wait for their counts */
    sw_int at_us;
} codex;

/* ---- what it is ------------------------------------------------------------------------------------------ */

static bool is_line_of_it(sw_str line, import_head *head)
{
    static const char *const types[] = {"\"session_meta\"", "\"turn_context\"", "\"event_msg\"",
                                        "\"response_item\""};
    sw_str found[L_SLOTS] = {SW_NULL_STR};
    sw_str inner[P_SLOTS] = {SW_NULL_STR};
    scan s = scan_of(line);
    bool is = false;

    if (!scan_members(&s, line_names, SW_COUNT(line_names), found) || !found[L_PAYLOAD].len ||
        found[L_PAYLOAD].ptr[0] != '{') {
        return false;
    }
    for (size_t i = 0; i < SW_COUNT(types); i++) {
        is = is || scan_is(found[L_TYPE], types[i]);
    }
    s = scan_of(found[L_PAYLOAD]);
    if (scan_is(found[L_TYPE], types[0]) && !head->unit.ptr &&
        scan_members(&s, payload_names, SW_COUNT(payload_names), inner)) {
        head->unit = scan_text(inner[P_ID], head->arena);
    }
    return is;
}

/* The first line is long, because it holds the instructions; whatever of it is there tells enough. */
bool import_is_codex(import_head *head)
{
    size_t at = 0;
    sw_str line;
    bool ends = false;
    bool is = false;

    for (int i = 0; i < 8 && !(is && head->unit.ptr) && scan_line(head->bytes, &at, &line, &ends);
         i++) {
        if (ends || head->whole) {
            is = is_line_of_it(line, head) || is;
        }
    }
    return is;
}

/* ---- counts ------------------------------------------------------------------------------------------------ */

static counts read_counts(sw_str raw)
{
    sw_str found[U_SLOTS] = {SW_NULL_STR};
    counts out = {.there = false};
    scan s = scan_of(raw);

    if (raw.len == 0 || raw.ptr[0] != '{' ||
        !scan_members(&s, usage_names, SW_COUNT(usage_names), found)) {
        return out;
    }
    out.there = true;
    for (int i = 0; i < U_SLOTS; i++) {
        out.of[i] = scan_count(found[i]);
    }
    return out;
}

static bool same(const counts *a, const counts *b)
{
    for (int i = 0; i < U_SLOTS; i++) {
        if (a->of[i].value != b->of[i].value) {
            return false;
        }
    }
    return a->there == b->there;
}

static int64_t weight(const counts *c)
{
    return c->of[U_INPUT].value + c->of[U_OUTPUT].value;
}

/* What the sum grew by; of what was never told nothing is known. */
static counts growth(const counts *now, const counts *before)
{
    counts out = *now;

    for (int i = 0; i < U_SLOTS; i++) {
        out.of[i].value -= before->there ? before->of[i].value : 0;
    }
    return out;
}

static transcript_usage usage_of(const counts *c)
{
    return (transcript_usage){.input = c->of[U_INPUT],
                              .output = c->of[U_OUTPUT],
                              .total = c->of[U_TOTAL],
                              .cache_read = c->of[U_CACHED],
                              .cache_write = c->of[U_WRITTEN],
                              .reasoning = c->of[U_REASONING]};
}

/* ---- events ------------------------------------------------------------------------------------------------- */

static transcript_event event_of(const codex *c, transcript_kind kind)
{
    return (transcript_event){.kind = kind,
                              .at_us = c->at_us,
                              .session = c->thread,
                              .turn = c->turn,
                              .cwd = c->cwd,
                              .branch = c->branch,
                              .version = c->version};
}

static void say_call(codex *c, const counts *usage, const char *kind, sw_str key2)
{
    transcript_event event = event_of(c, TRANSCRIPT_CALL);

    transcript_take_parts(c->r, &event);
    event.call_kind = kind;
    event.key = c->thread.ptr ? c->thread : SW_STR("");
    event.key2 = key2;
    event.model = c->model;
    event.provider = c->provider;
    event.context_window = c->window;
    event.has_usage = usage != NULL;
    if (usage) {
        event.usage = usage_of(usage);
    }
    event.start_us = c->start_us;
    event.end_us = c->end_us;
    c->start_us = c->end_us = SW_NULL_INT;
    transcript_say(c->r, &event);
}

static sw_str sums_text(const codex *c, const counts *sum)
{
    return sw_arena_printf(
        c->r->arena, "%lld,%lld,%lld,%lld,%lld", (long long)sum->of[U_INPUT].value,
        (long long)sum->of[U_CACHED].value, (long long)sum->of[U_OUTPUT].value,
        (long long)sum->of[U_REASONING].value, (long long)sum->of[U_TOTAL].value);
}

/* The head of a fork repeats its origin's counts, all written in one second. */
static bool is_copy(codex *c)
{
    int64_t second = c->at_us.value / 1000000;

    if (!c->copied) {
        return false;
    }
    if (!c->counted) {
        c->counted = true;
        c->second = second;
    }
    c->copied = second == c->second;
    return c->copied;
}

/* Without sums a call is known by its time. */
static void count_alone(codex *c, const counts *last)
{
    bool again = same(last, &c->last) && c->at_us.value - c->last_us.value <= 2000000;

    c->last = *last;
    c->last_us = c->at_us;
    if (!again && !is_copy(c)) {
        say_call(c, last, "codex-cum",
                 sw_arena_printf(c->r->arena, "%lld %s", (long long)c->at_us.value,
                                 sums_text(c, last).ptr ? sums_text(c, last).ptr : ""));
    }
}

static void read_token_count(codex *c, sw_str raw)
{
    sw_str found[P_SLOTS] = {SW_NULL_STR};
    scan s = scan_of(raw);
    counts sum;
    counts last;
    counts use;

    if (raw.len == 0 || raw.ptr[0] != '{' || c->records ||
        !scan_members(&s, payload_names, SW_COUNT(payload_names), found)) {
        return;
    }
    sum = read_counts(found[P_TOTAL]);
    last = read_counts(found[P_LAST]);
    c->window = found[P_WINDOW].ptr ? scan_count(found[P_WINDOW]) : c->window;
    if (!sum.there) {
        if (last.there) {
            count_alone(c, &last);
        }
        return;
    }
    if (same(&sum, &c->sum)) {
        return; /* told again */
    }
    use = growth(&sum, &c->sum);
    use = last.there && (same(&use, &last) || weight(&sum) < weight(&c->sum)) ? last : use;
    c->sum = sum;
    if (!is_copy(c)) {
        say_call(c, &use, "codex-cum", sums_text(c, &sum));
    }
}

/* Authoritative, one a response; of another thread it is a copy. */
static void read_record(codex *c, const sw_str found[P_SLOTS])
{
    counts use = read_counts(found[P_USAGE]);
    sw_str thread = scan_text(found[P_THREAD], c->r->arena);
    sw_str response = scan_text(found[P_RESPONSE], c->r->arena);

    c->records = true;
    if (!use.there || (thread.ptr && c->thread.ptr && !sw_str_eq(thread, c->thread))) {
        return;
    }
    if (found[P_MODEL].ptr) {
        c->model = scan_text(found[P_MODEL], c->r->arena);
    }
    say_call(c, &use, response.ptr ? "codex-resp" : "codex-cum",
             response.ptr ? response : sums_text(c, &use));
}

/* ---- lines -------------------------------------------------------------------------------------------------- */

static void read_meta(codex *c, const sw_str found[P_SLOTS])
{
    sw_str git[P_SLOTS] = {SW_NULL_STR};
    scan s = scan_of(found[P_GIT]);

    if (c->thread.ptr) {
        return; /* a fork holds its origin's as well */
    }
    c->thread = scan_text(found[P_ID], c->r->arena);
    c->cwd = scan_text(found[P_CWD], c->r->arena);
    c->version = scan_text(found[P_VERSION], c->r->arena);
    c->provider = scan_text(found[P_PROVIDER], c->r->arena);
    c->history = scan_count(found[P_HISTORY]);
    c->copied = scan_is_string(found[P_FORKED]) ||
                (found[P_SOURCE].ptr && memmem(found[P_SOURCE].ptr, found[P_SOURCE].len, "subagent",
                                               sizeof "subagent" - 1));
    if (found[P_GIT].len > 0 && found[P_GIT].ptr[0] == '{') {
        (void)scan_members(&s, payload_names, SW_COUNT(payload_names), git);
        c->branch = scan_text(git[P_BRANCH], c->r->arena);
    }
}

static void read_context(codex *c, const sw_str found[P_SLOTS])
{
    if (found[P_MODEL].ptr) {
        c->model = scan_text(found[P_MODEL], c->r->arena);
    }
    if (found[P_CWD].ptr) {
        c->cwd = scan_text(found[P_CWD], c->r->arena);
    }
    if (found[P_TURN].ptr) {
        c->turn = scan_text(found[P_TURN], c->r->arena);
    }
}

static void say(codex *c, transcript_kind kind, sw_str content)
{
    transcript_event event = event_of(c, kind);

    event.content = content;
    transcript_say(c->r, &event);
}

static void read_message(codex *c, const sw_str found[P_SLOTS])
{
    if (scan_is(found[P_TYPE], "\"token_count\"")) {
        read_token_count(c, found[P_INFO]);
    } else if (scan_is(found[P_TYPE], "\"task_started\"") ||
               scan_is(found[P_TYPE], "\"turn_started\"")) {
        c->turn = scan_text(found[P_TURN], c->r->arena);
        c->asked_us = c->at_us;
        if (c->turn.ptr) {
            say(c, TRANSCRIPT_PROMPT, SW_NULL_STR);
        }
    } else if (scan_is(found[P_TYPE], "\"user_message\"")) {
        c->asked_us = c->at_us;
        say(c, TRANSCRIPT_PROMPT, found[P_MESSAGE]);
    } else if (scan_is(found[P_TYPE], "\"task_complete\"") ||
               scan_is(found[P_TYPE], "\"turn_complete\"")) {
        say(c, TRANSCRIPT_END, SW_NULL_STR);
    } else if (scan_is(found[P_TYPE], "\"turn_aborted\"")) {
        say(c, TRANSCRIPT_STOP, SW_NULL_STR);
    }
}

static bool ends_with(sw_str raw, const char *word)
{
    size_t len = strlen(word);
    return raw.len >= len && memcmp(raw.ptr + raw.len - len, word, len) == 0;
}

/* What the model said waits for its counts. */
static void take_item(codex *c, const sw_str found[P_SLOTS], sw_str raw)
{
    transcript_part *part = transcript_add_part(c->r);
    bool tool = scan_is(found[P_TYPE], "\"function_call\"") ||
                scan_is(found[P_TYPE], "\"custom_tool_call\"") ||
                scan_is(found[P_TYPE], "\"local_shell_call\"");

    if (!part) {
        return;
    }
    part->raw = raw;
    part->kind = tool                                      ? TRANSCRIPT_PART_TOOL
                 : scan_is(found[P_TYPE], "\"reasoning\"") ? TRANSCRIPT_PART_THINKING
                 : scan_is(found[P_TYPE], "\"message\"")   ? TRANSCRIPT_PART_TEXT
                                                           : TRANSCRIPT_PART_OTHER;
    part->id = scan_text(found[P_CALL], c->r->arena);
    part->name = scan_text(found[P_NAME], c->r->arena);
    c->start_us = c->start_us.known ? c->start_us : c->asked_us;
    c->end_us = c->at_us;
}

static void say_return(codex *c, const sw_str found[P_SLOTS], sw_str raw)
{
    transcript_event event = event_of(c, TRANSCRIPT_RETURN);
    transcript_part *part = sw_arena_zeroed(c->r->arena, sizeof *part);

    if (!part) {
        return;
    }
    part->kind = TRANSCRIPT_PART_RETURN;
    part->raw = raw;
    event.key = scan_text(found[P_CALL], c->r->arena);
    event.parts = part;
    event.part_count = 1;
    c->asked_us = c->at_us;
    transcript_say(c->r, &event);
}

static void read_item(codex *c, const sw_str found[P_SLOTS], sw_str raw)
{
    if (ends_with(found[P_TYPE], "_output\"")) {
        say_return(c, found, raw);
    } else if (scan_is(found[P_ROLE], "\"user\"") || scan_is(found[P_ROLE], "\"developer\"") ||
               scan_is(found[P_ROLE], "\"system\"")) {
        c->asked_us = c->at_us; /* what a person said comes as a user_message too */
    } else if (found[P_TYPE].ptr && !scan_is(found[P_TYPE], "\"compaction\"")) {
        take_item(c, found, raw);
    }
}

static bool read_line(void *arg, transcript_reading *r, sw_str line)
{
    codex *c = arg;
    sw_str outer[L_SLOTS] = {SW_NULL_STR};
    sw_str found[P_SLOTS] = {SW_NULL_STR};
    scan s = scan_of(line);
    sw_int ordinal;

    c->r = r;
    if (!scan_members(&s, line_names, SW_COUNT(line_names), outer)) {
        return false;
    }
    scan_blank(&s);
    if (s.at != s.end) {
        return false;
    }
    ordinal = scan_count(outer[L_ORDINAL]);
    s = scan_of(outer[L_PAYLOAD]);
    if (outer[L_PAYLOAD].len == 0 || outer[L_PAYLOAD].ptr[0] != '{' ||
        (c->history.known && ordinal.known && ordinal.value < c->history.value)) {
        return true;
    }
    if (!scan_members(&s, payload_names, SW_COUNT(payload_names), found)) {
        return false;
    }
    c->at_us = scan_time(outer[L_TIME]);
    if (scan_is(outer[L_TYPE], "\"session_meta\"")) {
        read_meta(c, found);
    } else if (scan_is(outer[L_TYPE], "\"turn_context\"")) {
        read_context(c, found);
    } else if (scan_is(outer[L_TYPE], "\"event_msg\"")) {
        read_message(c, found);
    } else if (scan_is(outer[L_TYPE], "\"response_item\"")) {
        read_item(c, found, outer[L_PAYLOAD]);
    } else if (scan_is(outer[L_TYPE], "\"token_usage_record\"")) {
        read_record(c, found);
    }
    return true;
}

sw_status transcript_read_codex(sw_str bytes, sw_arena *arena, const transcript_sink *sink,
                                transcript_end *end, sw_error *err)
{
    transcript_reading r = {.arena = arena, .sink = sink, .end = end};
    codex c = {.r = &r};
    sw_status status = transcript_lines(&r, bytes, read_line, &c, err);

    if (status == SW_STATUS_OK && r.part_count > 0) {
        say_call(&c, NULL, "codex-cum", SW_STR("uncounted")); /* whose counts never came */
    }
    return status;
}
