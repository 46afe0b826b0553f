/* SPDX-License-Identifier: Apache-2.0 */
/* Chats of the Gemini CLI (telemetry.md G.3): one document with all messages, or a line a message, which is written
 * again whenever it changes. Tokens of thoughts and tools stand beside the others here; cached ones are part of the
 * input, except where the total says that they came on top.
 */
#include "codec/transcript_inside.h"

#define NAMES(X)                                                                                   \
    X(D_SESSION, "sessionId")                                                                      \
    X(D_PROJECT, "projectHash")                                                                    \
    X(D_MESSAGES, "messages")                                                                      \
    X(D_SET, "$set")                                                                               \
    X(D_REWIND, "$rewindTo")                                                                       \
    X(D_ID, "id")                                                                                  \
    X(D_TIME, "timestamp")                                                                         \
    X(D_TYPE, "type")                                                                              \
    X(D_CONTENT, "content")                                                                        \
    X(D_MODEL, "model")                                                                            \
    X(D_TOKENS, "tokens")                                                                          \
    X(D_CALLS, "toolCalls")                                                                        \
    X(D_NAME, "name")                                                                              \
    X(D_STATUS, "status")

enum { NAMES(SCAN_SLOT) D_SLOTS };
static const scan_name names[] = {NAMES(SCAN_ROW)};

enum { T_INPUT, T_OUTPUT, T_CACHED, T_THOUGHTS, T_TOOL, T_TOTAL, T_SLOTS };

static const scan_name token_names[] = {
    SCAN_NAME(T_INPUT, "input"),       SCAN_NAME(T_OUTPUT, "output"), SCAN_NAME(T_CACHED, "cached"),
    SCAN_NAME(T_THOUGHTS, "thoughts"), SCAN_NAME(T_TOOL, "tool"),     SCAN_NAME(T_TOTAL, "total"),
};

typedef struct gemini {
    transcript_reading *r;
    sw_str session;
    sw_str *said; /* ids of messages, as the conversation has them */
    size_t said_count;
    size_t said_room;
    int missed; /* rewinds to what is not there */
} gemini;

/* Each is looked for among all messages: after so many no more are. */
enum { MISSED_MOST = 1000 };

/* ---- what it is ------------------------------------------------------------------------------------------ */

/* The head of a document is no whole value: its first members are told by their names. */
bool import_is_gemini(import_head *head)
{
    scan s = scan_of(head->bytes);
    bool first = true;
    bool project = false;
    sw_str key;
    sw_str raw;

    if (!scan_open(&s, '{')) {
        return false;
    }
    for (int i = 0; i < 8 && scan_more(&s, '}', &first) && scan_key(&s, &key); i++) {
        bool session = sw_str_eq(key, SW_STR("sessionId"));
        project = project || sw_str_eq(key, SW_STR("projectHash"));
        if (sw_str_eq(key, SW_STR("messages")) || !scan_value(&s, &raw)) {
            break;
        }
        if (session) {
            head->unit = scan_text(raw, head->arena);
        }
    }
    return project && head->unit.ptr;
}

/* ---- tokens ----------------------------------------------------------------------------------------------- */

static int64_t value_of(sw_int count)
{
    return count.known && count.value > 0 && count.value <= INT32_MAX ? count.value : 0;
}

static bool read_tokens(sw_str raw, transcript_usage *out)
{
    sw_str found[T_SLOTS] = {SW_NULL_STR};
    int64_t sum = 0;

    if (!scan_object(raw, token_names, SW_COUNT(token_names), found)) {
        return false;
    }
    *out = (transcript_usage){.input = scan_count(found[T_INPUT]),
                              .output = scan_count(found[T_OUTPUT]),
                              .total = scan_count(found[T_TOTAL]),
                              .cache_read = scan_count(found[T_CACHED]),
                              .reasoning = scan_count(found[T_THOUGHTS]),
                              .tool_use = scan_count(found[T_TOOL])};
    sum = value_of(out->input) + value_of(out->output) + value_of(out->reasoning) +
          value_of(out->tool_use);
    if (value_of(out->cache_read) > 0 && out->total.value == sum + value_of(out->cache_read)) {
        out->input.value += out->cache_read.value; /* old builds */
    }
    return true;
}

/* ---- messages ---------------------------------------------------------------------------------------------- */

/* What a tool that is done returned. It comes again with its message, and is known by the call. */
static void say_return(gemini *g, const transcript_event *from, const sw_str m[D_SLOTS], sw_str raw)
{
    bool failed = scan_is(m[D_STATUS], "\"error\"");
    transcript_event event = {.at_us = scan_time(m[D_TIME]),
                              .session = g->session,
                              .id = scan_text(m[D_ID], g->r->arena),
                              .failed = failed};

    event.key = event.id;
    event.at_us = event.at_us.known ? event.at_us : from->at_us;
    if (failed || scan_is(m[D_STATUS], "\"success\"") || scan_is(m[D_STATUS], "\"cancelled\"")) {
        transcript_say_return(g->r, &event, raw);
    }
}

/* Each tool's call, and its result where it has one. */
static bool read_calls(gemini *g, sw_str calls, const transcript_event *from, bool answers)
{
    scan s = scan_of(calls);
    bool first = true;
    sw_str raw;

    if (!scan_opens(calls, '[')) {
        return true;
    }
    (void)scan_open(&s, '[');
    while (scan_more(&s, ']', &first)) {
        sw_str m[D_SLOTS] = {SW_NULL_STR};
        transcript_part *part = NULL;
        if (!scan_value(&s, &raw)) {
            return false;
        }
        if (!scan_object(raw, names, SW_COUNT(names), m)) {
            continue;
        }
        if (answers) {
            say_return(g, from, m, raw);
            continue;
        }
        part = transcript_add_part(g->r);
        if (part) {
            *part = (transcript_part){.kind = TRANSCRIPT_PART_TOOL,
                                      .id = scan_text(m[D_ID], g->r->arena),
                                      .name = scan_text(m[D_NAME], g->r->arena),
                                      .raw = raw};
        }
    }
    return !s.wrong;
}

static bool say_answer(gemini *g, const sw_str m[D_SLOTS], transcript_event *event)
{
    event->kind = TRANSCRIPT_CALL;
    event->key = g->session.ptr ? g->session : SW_STR("");
    event->key2 = event->id.ptr ? event->id : SW_STR("");
    event->id = SW_NULL_STR; /* it comes again with more */
    event->model = scan_text(m[D_MODEL], g->r->arena);
    event->has_usage = read_tokens(m[D_TOKENS], &event->usage);
    g->r->part_count = 0;
    transcript_add_texts(g->r, event->content);
    if (!read_calls(g, m[D_CALLS], event, false)) {
        return g->r->arena->failed;
    }
    transcript_take_parts(g->r, event);
    transcript_say(g->r, event);
    return read_calls(g, m[D_CALLS], event, true);
}

static void remember(gemini *g, sw_str id)
{
    sw_str *said = sw_arena_grow(g->r->arena, g->said, g->said_count, &g->said_room, sizeof *said);

    if (said) {
        g->said = said;
        said[g->said_count++] = id;
    }
}

/* The message and all behind it are taken back. Their tokens were spent, so the calls stay, and are marked. */
static void rewind_to(gemini *g, sw_str id)
{
    size_t from = g->said_count;

    while (from > 0 && !sw_str_eq(g->said[from - 1], id)) {
        from--;
    }
    if (from == 0) {
        g->missed++;
        return;
    }
    while (from > 0 && sw_str_eq(g->said[from - 1], id)) {
        from--; /* it was written several times */
    }
    while (g->said_count > from) {
        transcript_event event = {.kind = TRANSCRIPT_CALL,
                                  .session = g->session,
                                  .key = g->session.ptr ? g->session : SW_STR(""),
                                  .key2 = g->said[--g->said_count],
                                  .rewound = true};
        transcript_say(g->r, &event);
    }
}

static bool read_message(gemini *g, const sw_str m[D_SLOTS], sw_str raw)
{
    transcript_event event = {.at_us = scan_time(m[D_TIME]),
                              .session = g->session,
                              .id = scan_text(m[D_ID], g->r->arena),
                              .content = m[D_CONTENT],
                              .raw = raw};

    if (event.id.len) {
        remember(g, event.id);
    }
    if (scan_is(m[D_TYPE], "\"gemini\"")) {
        return say_answer(g, m, &event);
    }
    if (scan_is(m[D_TYPE], "\"user\"")) {
        event.kind = TRANSCRIPT_PROMPT;
        transcript_say(g->r, &event);
    }
    return true;
}

static bool read_messages(gemini *g, sw_str list)
{
    scan s = scan_of(list);
    bool first = true;
    sw_str raw;

    if (!scan_opens(list, '[')) {
        return true;
    }
    (void)scan_open(&s, '[');
    while (scan_more(&s, ']', &first)) {
        sw_str m[D_SLOTS] = {SW_NULL_STR};
        if (!scan_value(&s, &raw) ||
            (scan_opens(raw, '{') &&
             (!scan_object(raw, names, SW_COUNT(names), m) || !read_message(g, m, raw)))) {
            return false;
        }
    }
    return !s.wrong;
}

/* A message, the head of a session, or a change of it. */
static bool read_record(void *arg, transcript_reading *r, sw_str text)
{
    gemini *g = arg;
    sw_str m[D_SLOTS] = {SW_NULL_STR};
    sw_str set[D_SLOTS] = {SW_NULL_STR};

    g->r = r;
    if (!scan_line_object(text, names, SW_COUNT(names), m)) {
        return false;
    }
    if (m[D_SESSION].ptr && !g->session.ptr) {
        g->session = scan_text(m[D_SESSION], r->arena);
    }
    if (scan_is_string(m[D_REWIND]) && g->missed < MISSED_MOST) {
        rewind_to(g, scan_text(m[D_REWIND], r->arena));
    }
    if (scan_object(m[D_SET], names, SW_COUNT(names), set) && !read_messages(g, set[D_MESSAGES])) {
        return false;
    }
    return read_messages(g, m[D_MESSAGES]) && (!m[D_TYPE].ptr || read_message(g, m, text));
}

/* One document over many lines, or a line a record: the first line alone tells. */
sw_status transcript_read_gemini(sw_str bytes, sw_arena *arena, const transcript_sink *sink,
                                 transcript_end *end, sw_error *err)
{
    transcript_reading r = {.arena = arena, .sink = sink, .end = end, .line = 1};
    gemini g = {.r = &r};
    size_t at = 0;
    sw_str line;
    bool ends = false;

    if (scan_line(bytes, &at, &line, &ends) && ends && scan_is_whole(line)) {
        return transcript_lines(&r, bytes, read_record, &g, err);
    }
    *end = (transcript_end){.lines = 1, .read = bytes.len};
    if (!read_record(&g, &r, bytes)) {
        transcript_tell_bad(&r);
    }
    return arena->failed ? sw_no_memory(err) : SW_STATUS_OK;
}
