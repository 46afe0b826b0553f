/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of Claude Code: a line an event, of which user and assistant lines matter (telemetry.md G.1). One answer of
 * the API is written as several lines, one a block, each with the usage so far; whoever reads on puts them together
 * by message id.
 */
#include "codec/transcript_inside.h"

#define LINE_NAMES(X)                                                                              \
    X(L_TYPE, "type")                                                                              \
    X(L_UUID, "uuid")                                                                              \
    X(L_PARENT, "parentUuid")                                                                      \
    X(L_SESSION, "sessionId")                                                                      \
    X(L_TIME, "timestamp")                                                                         \
    X(L_CWD, "cwd")                                                                                \
    X(L_BRANCH, "gitBranch")                                                                       \
    X(L_VERSION, "version")                                                                        \
    X(L_REQUEST, "requestId")                                                                      \
    X(L_AGENT, "agentId")                                                                          \
    X(L_PROMPT, "promptId")                                                                        \
    X(L_SIDE, "isSidechain")                                                                       \
    X(L_META, "isMeta")                                                                            \
    X(L_COMPACT, "isCompactSummary")                                                               \
    X(L_API_ERROR, "isApiErrorMessage")                                                            \
    X(L_MESSAGE, "message")                                                                        \
    X(L_RESULT, "toolUseResult")                                                                   \
    X(L_LEAF, "leafUuid")

enum { LINE_NAMES(SCAN_SLOT) L_SLOTS };
static const scan_name line_names[] = {LINE_NAMES(SCAN_ROW)};

enum { M_ID, M_ROLE, M_MODEL, M_CONTENT, M_STOP, M_USAGE, M_SLOTS };

static const scan_name message_names[] = {
    SCAN_NAME(M_ID, "id"),           SCAN_NAME(M_ROLE, "role"),        SCAN_NAME(M_MODEL, "model"),
    SCAN_NAME(M_CONTENT, "content"), SCAN_NAME(M_STOP, "stop_reason"), SCAN_NAME(M_USAGE, "usage"),
};

enum { P_TYPE, P_ID, P_TOOL_USE_ID, P_NAME, P_ERROR, P_TEXT, P_SLOTS };

static const scan_name part_names[] = {
    SCAN_NAME(P_TYPE, "type"),
    SCAN_NAME(P_ID, "id"),
    SCAN_NAME(P_TOOL_USE_ID, "tool_use_id"),
    SCAN_NAME(P_NAME, "name"),
    SCAN_NAME(P_ERROR, "is_error"),
    SCAN_NAME(P_TEXT, "text"),
};

#define USAGE_NAMES(X)                                                                             \
    X(U_INPUT, "input_tokens")                                                                     \
    X(U_OUTPUT, "output_tokens")                                                                   \
    X(U_READ, "cache_read_input_tokens")                                                           \
    X(U_WRITE, "cache_creation_input_tokens")                                                      \
    X(U_WRITES, "cache_creation")                                                                  \
    X(U_DETAILS, "output_tokens_details")                                                          \
    X(U_TIER, "service_tier")                                                                      \
    X(U_SPEED, "speed")                                                                            \
    X(U_ITERATIONS, "iterations")                                                                  \
    X(U_5M, "ephemeral_5m_input_tokens")                                                           \
    X(U_1H, "ephemeral_1h_input_tokens")                                                           \
    X(U_THINKING, "thinking_tokens")

enum { USAGE_NAMES(SCAN_SLOT) U_SLOTS };
static const scan_name usage_names[] = {USAGE_NAMES(SCAN_ROW)};

/* ---- what it is ---------------------------------------------------------------------------------------- */

static bool is_line_of_it(sw_str line, import_head *head)
{
    sw_str found[L_SLOTS] = {SW_NULL_STR};
    scan s = scan_of(line);
    bool said = false;

    if (!scan_members(&s, line_names, SW_COUNT(line_names), found)) {
        return false;
    }
    if (!head->unit.ptr && found[L_SESSION].ptr) {
        head->unit = scan_text(found[L_SESSION], head->arena);
    }
    said = scan_is(found[L_TYPE], "\"user\"") || scan_is(found[L_TYPE], "\"assistant\"");
    return (scan_is(found[L_TYPE], "\"summary\"") && found[L_LEAF].ptr) ||
           (found[L_SESSION].ptr && found[L_UUID].ptr) ||
           ((said || found[L_SESSION].ptr) && scan_opens(found[L_MESSAGE], '{'));
}

/* The first line with a session says which; a few lines may come before it. */
bool import_is_claude_code(import_head *head)
{
    size_t at = 0;
    sw_str line;
    bool ends = false;
    bool is = false;

    while (!(is && head->unit.ptr) && scan_line(head->bytes, &at, &line, &ends)) {
        if (ends || head->whole) {
            is = is_line_of_it(line, head) || is;
        }
    }
    return is;
}

/* ---- usage --------------------------------------------------------------------------------------------- */

static sw_str text_of(const transcript_reading *r, sw_str raw)
{
    return scan_is_string(raw) ? scan_text(raw, r->arena) : SW_NULL_STR;
}

static bool read_usage(const transcript_reading *r, sw_str raw, transcript_usage *out)
{
    sw_str found[U_SLOTS] = {SW_NULL_STR};

    if (!scan_object(raw, usage_names, SW_COUNT(usage_names), found)) {
        return false;
    }
    (void)scan_object(found[U_WRITES], usage_names, SW_COUNT(usage_names), found);
    (void)scan_object(found[U_DETAILS], usage_names, SW_COUNT(usage_names), found);
    *out = (transcript_usage){
        .input = scan_count(found[U_INPUT]),
        .output = scan_count(found[U_OUTPUT]),
        .cache_read = scan_count(found[U_READ]),
        .cache_write = scan_count(found[U_WRITE]),
        .cache_write_5m = scan_count(found[U_5M]),
        .cache_write_1h = scan_count(found[U_1H]),
        .reasoning = scan_count(found[U_THINKING]),
        .service_tier = text_of(r, found[U_TIER]),
        .speed = text_of(r, found[U_SPEED]),
        .iterations = found[U_ITERATIONS].len > 2 ? found[U_ITERATIONS] : SW_NULL_STR,
    };
    return true;
}

/* ---- content ------------------------------------------------------------------------------------------- */

static const struct {
    const char *word; /* with quotes */
    transcript_part_kind kind;
} part_kinds[] = {
    {"\"text\"", TRANSCRIPT_PART_TEXT},
    {"\"thinking\"", TRANSCRIPT_PART_THINKING},
    {"\"redacted_thinking\"", TRANSCRIPT_PART_THINKING},
    {"\"tool_use\"", TRANSCRIPT_PART_TOOL},
    {"\"server_tool_use\"", TRANSCRIPT_PART_TOOL},
    {"\"tool_result\"", TRANSCRIPT_PART_RETURN},
};

static bool read_part(transcript_reading *r, scan *s)
{
    sw_str found[P_SLOTS] = {SW_NULL_STR};
    transcript_part *part = transcript_add_part(r);
    const char *from = s->at;
    sw_str raw;

    if (!part) {
        return false;
    }
    if (s->at >= s->end || *s->at != '{') { /* a text among the blocks */
        bool good = scan_value(s, &raw);
        part->raw = sw_str_make(from, (size_t)(s->at - from));
        return good;
    }
    if (!scan_members(s, part_names, SW_COUNT(part_names), found)) {
        return false;
    }
    part->raw = sw_str_make(from, (size_t)(s->at - from));
    for (size_t i = 0; i < SW_COUNT(part_kinds); i++) {
        if (scan_is(found[P_TYPE], part_kinds[i].word)) {
            part->kind = part_kinds[i].kind;
        }
    }
    part->name = text_of(r, found[P_NAME]);
    part->id =
        text_of(r, part->kind == TRANSCRIPT_PART_RETURN ? found[P_TOOL_USE_ID] : found[P_ID]);
    part->failed = scan_is(found[P_ERROR], "true");
    return true;
}

/* The blocks of a list; content that is a text has none. */
static bool read_content(void *arg, scan *s, uint8_t slot)
{
    transcript_reading *r = arg;
    bool first = true;
    sw_str raw;

    (void)slot;
    r->part_count = 0; /* of two contents the last counts */
    if (s->at >= s->end || *s->at != '[') {
        return scan_value(s, &raw);
    }
    (void)scan_open(s, '[');
    while (scan_more(s, ']', &first)) {
        if (!read_part(r, s)) {
            return false;
        }
    }
    return !s->wrong;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

typedef struct claude_line {
    transcript_reading *r;
    sw_str found[L_SLOTS];
    sw_str message[M_SLOTS];
    sw_str result[L_SLOTS]; /* what the program keeps beside a tool's answer */
} claude_line;

static void common(const transcript_reading *r, const claude_line *l, transcript_event *event)
{
    event->at_us = scan_time(l->found[L_TIME]);
    event->session = text_of(r, l->found[L_SESSION]);
    event->id = text_of(r, l->found[L_UUID]);
    event->parent = text_of(r, l->found[L_PARENT]);
    event->turn = text_of(r, l->found[L_PROMPT]);
    event->agent = text_of(r, l->found[L_AGENT]);
    event->side = scan_is(l->found[L_SIDE], "true");
    event->cwd = text_of(r, l->found[L_CWD]);
    event->branch = text_of(r, l->found[L_BRANCH]);
    event->version = text_of(r, l->found[L_VERSION]);
}

/* The beginning of what was said, as it is written. */
static sw_str said_first(const transcript_reading *r, sw_str content)
{
    sw_str found[P_SLOTS] = {SW_NULL_STR};

    for (size_t i = 0; i < r->part_count; i++) {
        if (r->parts[i].kind == TRANSCRIPT_PART_TEXT) {
            (void)scan_object(r->parts[i].raw, part_names, SW_COUNT(part_names), found);
            content = found[P_TEXT];
            break;
        }
    }
    return scan_is_string(content) ? sw_str_make(content.ptr + 1, content.len - 2) : SW_NULL_STR;
}

static bool begins(sw_str text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && memcmp(text.ptr, word, len) == 0;
}

/* What a person typed, unless the program said it in his name. */
static transcript_kind kind_of_said(const transcript_reading *r, const claude_line *l,
                                    const transcript_event *event)
{
    static const char *const not_typed[] = {"<local-command-", "<command-name>",
                                            "<command-message>", "<task-notification>", "Caveat:"};
    sw_str text = said_first(r, l->message[M_CONTENT]);

    if (begins(text, "[Request interrupted by user")) {
        return TRANSCRIPT_STOP;
    }
    for (size_t i = 0; i < SW_COUNT(not_typed); i++) {
        if (begins(text, not_typed[i])) {
            return TRANSCRIPT_SAID;
        }
    }
    return scan_is(l->found[L_META], "true") || scan_is(l->found[L_COMPACT], "true") || event->side
               ? TRANSCRIPT_SAID
               : TRANSCRIPT_PROMPT;
}

static void say_returns(transcript_reading *r, const claude_line *l, const transcript_event *as)
{
    for (size_t i = 0; i < as->part_count; i++) {
        transcript_event event = *as;
        if (as->parts[i].kind != TRANSCRIPT_PART_RETURN) {
            continue;
        }
        event.kind = TRANSCRIPT_RETURN;
        event.key = as->parts[i].id;
        event.failed = as->parts[i].failed;
        event.parts = &as->parts[i];
        event.part_count = 1;
        event.made_agent = text_of(r, l->result[L_AGENT]);
        transcript_say(r, &event);
    }
}

static void read_user(transcript_reading *r, const claude_line *l)
{
    transcript_event event = {.content = l->message[M_CONTENT]};
    bool returned = false;

    common(r, l, &event);
    for (size_t i = 0; i < r->part_count; i++) {
        returned = returned || r->parts[i].kind == TRANSCRIPT_PART_RETURN;
    }
    event.kind = kind_of_said(r, l, &event);
    transcript_take_parts(r, &event);
    if (returned) {
        say_returns(r, l, &event);
    } else if (event.content.ptr) {
        transcript_say(r, &event);
    }
}

static void read_assistant(transcript_reading *r, const claude_line *l, sw_str line)
{
    transcript_event event = {
        .kind = TRANSCRIPT_CALL, .content = l->message[M_CONTENT], .raw = line};

    common(r, l, &event);
    transcript_take_parts(r, &event);
    event.key = text_of(r, l->message[M_ID]);
    event.key2 = text_of(r, l->found[L_REQUEST]);
    event.model = text_of(r, l->message[M_MODEL]);
    event.stop = text_of(r, l->message[M_STOP]);
    event.has_usage = read_usage(r, l->message[M_USAGE], &event.usage);
    if (sw_str_eq(event.model, SW_STR("<synthetic>"))) {
        event.model = SW_NULL_STR;
        event.has_usage = false;
        event.failed = scan_is(l->found[L_API_ERROR], "true");
        event.stop = SW_NULL_STR;
    }
    transcript_say(r, &event);
}

/* The message and the tool's result, in place. A message that is no object, as some tools write, is none. */
static bool read_inside(void *arg, scan *s, uint8_t slot)
{
    claude_line *l = arg;
    sw_str raw;

    if (s->at >= s->end || *s->at != '{') {
        return scan_value(s, &raw);
    }
    return slot == L_MESSAGE ? scan_members_in(s, message_names, SW_COUNT(message_names),
                                               l->message, 1u << M_CONTENT, read_content, l->r)
                             : scan_members(s, line_names, SW_COUNT(line_names), l->result);
}

static bool read_line(void *unused, transcript_reading *r, sw_str line)
{
    claude_line l = {.r = r};
    scan s = scan_of(line);

    (void)unused;
    r->part_count = 0;
    scan_blank(&s);
    if (s.at < s.end && *s.at != '{') {
        return scan_is_whole(line); /* a value, but no event */
    }
    if (!scan_members_in(&s, line_names, SW_COUNT(line_names), l.found,
                         1u << L_MESSAGE | 1u << L_RESULT, read_inside, &l)) {
        return r->arena->failed;
    }
    scan_blank(&s);
    if (s.at != s.end) {
        return false; /* something stands behind it */
    }
    if (!scan_opens(l.found[L_MESSAGE], '{')) {
        return true;
    }
    if (scan_is(l.found[L_TYPE], "\"user\"")) {
        read_user(r, &l);
    } else if (scan_is(l.found[L_TYPE], "\"assistant\"")) {
        read_assistant(r, &l, line);
    }
    return true;
}

sw_status transcript_read_claude_code(sw_str bytes, sw_arena *arena, const transcript_sink *sink,
                                      transcript_end *end, sw_error *err)
{
    transcript_reading r = {.arena = arena, .sink = sink, .end = end};

    return transcript_lines(&r, bytes, read_line, NULL, err);
}
