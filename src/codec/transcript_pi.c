/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of pi, and of letta-code's local agents, which keep them in the same way (telemetry.md G.5): a line an
 * entry, each answer with its counts and what it cost. Branches of a session repeat its beginning; an entry is known
 * by its own id and time.
 */
#include "codec/transcript_inside.h"

enum { L_TYPE, L_ID, L_PARENT, L_TIME, L_CWD, L_VERSION, L_MESSAGE, L_ROLE, L_SLOTS };

static const scan_name line_names[] = {
    SCAN_NAME(L_TYPE, "type"),       SCAN_NAME(L_ID, "id"),     SCAN_NAME(L_PARENT, "parentId"),
    SCAN_NAME(L_TIME, "timestamp"),  SCAN_NAME(L_CWD, "cwd"),   SCAN_NAME(L_VERSION, "version"),
    SCAN_NAME(L_MESSAGE, "message"), SCAN_NAME(L_ROLE, "role"),
};

#define MESSAGE_NAMES(X)                                                                           \
    X(M_ROLE, "role")                                                                              \
    X(M_CONTENT, "content")                                                                        \
    X(M_PROVIDER, "provider")                                                                      \
    X(M_MODEL, "model")                                                                            \
    X(M_STOP, "stopReason")                                                                        \
    X(M_TIME, "timestamp")                                                                         \
    X(M_USAGE, "usage")                                                                            \
    X(M_ERROR, "errorMessage")                                                                     \
    X(M_CALL, "toolCallId")                                                                        \
    X(M_NAME, "toolName")                                                                          \
    X(M_IS_ERROR, "isError")                                                                       \
    X(M_API, "api")                                                                                \
    X(M_ID, "id")

enum { MESSAGE_NAMES(SCAN_SLOT) M_SLOTS };
static const scan_name message_names[] = {MESSAGE_NAMES(SCAN_ROW)};

enum { U_INPUT, U_OUTPUT, U_READ, U_WRITE, U_TOTAL, U_COST, U_SUM, U_SLOTS };

static const scan_name usage_names[] = {
    SCAN_NAME(U_INPUT, "input"),       SCAN_NAME(U_OUTPUT, "output"),
    SCAN_NAME(U_READ, "cacheRead"),    SCAN_NAME(U_WRITE, "cacheWrite"),
    SCAN_NAME(U_TOTAL, "totalTokens"), SCAN_NAME(U_COST, "cost"),
    SCAN_NAME(U_SUM, "total"),
};

enum { P_TYPE, P_ID, P_NAME, P_SLOTS };

static const scan_name part_names[] = {
    SCAN_NAME(P_TYPE, "type"),
    SCAN_NAME(P_ID, "id"),
    SCAN_NAME(P_NAME, "name"),
};

typedef struct pi {
    transcript_reading *r;
    sw_str session, cwd;
} pi;

/* ---- what it is ------------------------------------------------------------------------------------------ */

static bool is_message(sw_str raw)
{
    sw_str found[M_SLOTS] = {SW_NULL_STR};

    return scan_object(raw, message_names, SW_COUNT(message_names), found) && found[M_ROLE].ptr &&
           (found[M_API].ptr || found[M_CALL].ptr ||
            (found[M_TIME].ptr && !scan_is_string(found[M_TIME])));
}

bool import_is_pi(import_head *head)
{
    size_t at = 0;
    sw_str line;
    bool ends = false;
    bool session = false;
    bool is = false;

    for (int i = 0; i < 8 && !is && scan_line(head->bytes, &at, &line, &ends); i++) {
        sw_str found[L_SLOTS] = {SW_NULL_STR};
        scan s = scan_of(line);
        if (!(ends || head->whole) || !scan_members(&s, line_names, SW_COUNT(line_names), found)) {
            continue;
        }
        if (scan_is(found[L_TYPE], "\"session\"") && found[L_CWD].ptr) {
            session = true;
            head->unit = scan_text(found[L_ID], head->arena);
        }
        is = (scan_is(found[L_TYPE], "\"message\"") && is_message(found[L_MESSAGE])) ||
             (!found[L_TYPE].ptr && found[L_ROLE].ptr && is_message(line));
    }
    return is || session;
}

/* ---- messages ---------------------------------------------------------------------------------------------- */

static bool read_parts(transcript_reading *r, sw_str content)
{
    scan s = scan_of(content);
    bool first = true;

    r->part_count = 0;
    if (!scan_opens(content, '[')) {
        return true;
    }
    (void)scan_open(&s, '[');
    while (scan_more(&s, ']', &first)) {
        sw_str found[P_SLOTS] = {SW_NULL_STR};
        transcript_part *part = NULL;
        sw_str raw;
        if (!scan_value(&s, &raw)) {
            return false;
        }
        part = transcript_add_part(r);
        if (!part) {
            return false;
        }
        part->raw = raw;
        if (scan_object(raw, part_names, SW_COUNT(part_names), found)) {
            part->kind = scan_is(found[P_TYPE], "\"toolCall\"")   ? TRANSCRIPT_PART_TOOL
                         : scan_is(found[P_TYPE], "\"thinking\"") ? TRANSCRIPT_PART_THINKING
                         : scan_is(found[P_TYPE], "\"text\"")     ? TRANSCRIPT_PART_TEXT
                                                                  : TRANSCRIPT_PART_OTHER;
            part->id = scan_text(found[P_ID], r->arena);
            part->name = scan_text(found[P_NAME], r->arena);
        }
    }
    return !s.wrong;
}

static void read_usage(sw_str raw, transcript_event *event)
{
    sw_str found[U_SLOTS] = {SW_NULL_STR};
    sw_str cost[U_SLOTS] = {SW_NULL_STR};

    if (!scan_object(raw, usage_names, SW_COUNT(usage_names), found)) {
        return;
    }
    event->has_usage = true;
    event->usage = (transcript_usage){.input = scan_count(found[U_INPUT]),
                                      .output = scan_count(found[U_OUTPUT]),
                                      .total = scan_count(found[U_TOTAL]),
                                      .cache_read = scan_count(found[U_READ]),
                                      .cache_write = scan_count(found[U_WRITE])};
    if (scan_object(found[U_COST], usage_names, SW_COUNT(usage_names), cost)) {
        event->cost_nano_usd = scan_nano_usd(cost[U_SUM]);
    }
}

static void say_answer(pi *p, const sw_str m[M_SLOTS], sw_str when, transcript_event *event)
{
    bool stopped = scan_is(m[M_STOP], "\"aborted\"");

    event->kind = TRANSCRIPT_CALL;
    event->key = event->id.ptr ? event->id : SW_STR("");
    event->key2 = when;
    event->model = scan_text(m[M_MODEL], p->r->arena);
    event->provider = scan_text(m[M_PROVIDER], p->r->arena);
    event->stop = scan_text(m[M_STOP], p->r->arena);
    event->error = scan_text(m[M_ERROR], p->r->arena);
    event->failed = stopped || scan_is(m[M_STOP], "\"error\"");
    event->error_type = stopped ? SW_STR("aborted") : SW_NULL_STR;
    read_usage(m[M_USAGE], event);
    transcript_take_parts(p->r, event);
    transcript_say(p->r, event);
}

static bool read_message(pi *p, const sw_str l[L_SLOTS], sw_str raw)
{
    sw_str m[M_SLOTS] = {SW_NULL_STR};
    transcript_event event = {.session = p->session, .cwd = p->cwd, .raw = raw};
    sw_str when = l[L_TIME];

    if (!scan_line_object(raw, message_names, SW_COUNT(message_names), m)) {
        return false;
    }
    event.at_us = scan_time(l[L_TIME]);
    if (!event.at_us.known && scan_count(m[M_TIME]).known) {
        event.at_us = scan_time_ms(m[M_TIME]); /* bare messages */
        when = m[M_TIME];
    }
    event.id = scan_text(l[L_ID].ptr ? l[L_ID] : m[M_ID], p->r->arena);
    event.parent = scan_text(l[L_PARENT], p->r->arena);
    event.content = m[M_CONTENT];
    if (scan_is(m[M_ROLE], "\"assistant\"")) {
        if (!read_parts(p->r, m[M_CONTENT])) {
            return p->r->arena->failed;
        }
        say_answer(p, m, when, &event);
    } else if (scan_is(m[M_ROLE], "\"toolResult\"")) {
        event.key = scan_text(m[M_CALL], p->r->arena);
        event.failed = scan_is(m[M_IS_ERROR], "true");
        transcript_say_return(p->r, &event, raw);
    } else if (scan_is(m[M_ROLE], "\"user\"")) {
        event.kind = TRANSCRIPT_PROMPT;
        event.turn = event.id.ptr ? event.id : when;
        transcript_say(p->r, &event);
    }
    return true;
}

static bool read_line(void *arg, transcript_reading *r, sw_str line)
{
    pi *p = arg;
    sw_str l[L_SLOTS] = {SW_NULL_STR};

    p->r = r;
    r->part_count = 0;
    if (!scan_line_object(line, line_names, SW_COUNT(line_names), l)) {
        return false;
    }
    if (scan_is(l[L_TYPE], "\"session\"")) {
        p->session = scan_text(l[L_ID], r->arena);
        p->cwd = scan_text(l[L_CWD], r->arena);
        return true;
    }
    if (scan_is(l[L_TYPE], "\"message\"") && scan_opens(l[L_MESSAGE], '{')) {
        return read_message(p, l, l[L_MESSAGE]);
    }
    return l[L_TYPE].ptr || !l[L_ROLE].ptr ? true : read_message(p, l, line);
}

sw_status transcript_read_pi(sw_str bytes, sw_arena *arena, const transcript_sink *sink,
                             transcript_end *end, sw_error *err)
{
    transcript_reading r = {.arena = arena, .sink = sink, .end = end};
    pi p = {.r = &r};

    return transcript_lines(&r, bytes, read_line, &p, err);
}
