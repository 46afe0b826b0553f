/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of opencode (telemetry.md G.4), whatever they were kept in: here they come as lines, a session, then its
 * messages in their order, each with its parts behind it:
 *
 *   {"row":"session","id":..,"root":..,"data":{..}}
 *   {"row":"message","id":..,"at":.., "data":{..}}
 *   {"row":"part","id":..,"at":..,"data":{..}}
 *
 * where data is what opencode itself wrote. A message may hold several model calls: each part of type step-finish ends
 * one; where there is none, the message is one. A session begun by another one is a sub-agent of the outermost.
 */
#include "codec/transcript_inside.h"

enum { L_ROW, L_ID, L_ROOT, L_AT, L_DATA, L_SLOTS };

static const scan_name line_names[] = {
    SCAN_NAME(L_ROW, "row"), SCAN_NAME(L_ID, "id"),     SCAN_NAME(L_ROOT, "root"),
    SCAN_NAME(L_AT, "at"),   SCAN_NAME(L_DATA, "data"),
};

/* Of sessions, messages and parts; none uses a name in two ways. */
#define NAMES(X)                                                                                   \
    X(D_ROLE, "role")                                                                              \
    X(D_PARENT, "parentID")                                                                        \
    X(D_DIRECTORY, "directory")                                                                    \
    X(D_VERSION, "version")                                                                        \
    X(D_AGENT, "agent")                                                                            \
    X(D_MODE, "mode")                                                                              \
    X(D_MODEL, "modelID")                                                                          \
    X(D_PROVIDER, "providerID")                                                                    \
    X(D_PATH, "path")                                                                              \
    X(D_CWD, "cwd")                                                                                \
    X(D_TIME, "time")                                                                              \
    X(D_CREATED, "created")                                                                        \
    X(D_COMPLETED, "completed")                                                                    \
    X(D_START, "start")                                                                            \
    X(D_END, "end")                                                                                \
    X(D_COST, "cost")                                                                              \
    X(D_TOKENS, "tokens")                                                                          \
    X(D_ERROR, "error")                                                                            \
    X(D_NAME, "name")                                                                              \
    X(D_DATA, "data")                                                                              \
    X(D_MESSAGE, "message")                                                                        \
    X(D_TYPE, "type")                                                                              \
    X(D_SYNTHETIC, "synthetic")                                                                    \
    X(D_IGNORED, "ignored")                                                                        \
    X(D_REASON, "reason")                                                                          \
    X(D_FINISH, "finish")                                                                          \
    X(D_CALL, "callID")                                                                            \
    X(D_TOOL, "tool")                                                                              \
    X(D_STATE, "state")                                                                            \
    X(D_STATUS, "status")                                                                          \
    X(D_INPUT, "input")                                                                            \
    X(D_OUTPUT, "output")                                                                          \
    X(D_METADATA, "metadata")                                                                      \
    X(D_SESSION, "sessionId")

enum { NAMES(SCAN_SLOT) D_SLOTS };
static const scan_name names[] = {NAMES(SCAN_ROW) SCAN_NAME(D_SESSION, "sessionID")};

enum { T_INPUT, T_OUTPUT, T_REASONING, T_TOTAL, T_CACHE, T_READ, T_WRITE, T_SLOTS };

static const scan_name token_names[] = {
    SCAN_NAME(T_INPUT, "input"), SCAN_NAME(T_OUTPUT, "output"), SCAN_NAME(T_REASONING, "reasoning"),
    SCAN_NAME(T_TOTAL, "total"), SCAN_NAME(T_CACHE, "cache"),   SCAN_NAME(T_READ, "read"),
    SCAN_NAME(T_WRITE, "write"),
};

typedef struct opencode {
    transcript_reading *r;
    /* the session */
    sw_str session, root, cwd, version;
    bool side;
    /* the message whose parts are being read, if there is one */
    bool open;
    transcript_event base;
    sw_str m[D_SLOTS];
    sw_int from_us; /* when the call that is being put together was asked for */
    sw_int to_us;   /* when the last piece of it came */
    sw_int done_us; /* when the last tool was done */
    int calls;      /* that were told of already */
} opencode;

static sw_str text_of(const opencode *o, sw_str raw)
{
    return scan_text(raw, o->r->arena);
}

static bool members(sw_str raw, sw_str found[D_SLOTS])
{
    return scan_object(raw, names, SW_COUNT(names), found);
}

static sw_int later(sw_int a, sw_int b)
{
    return !b.known || (a.known && a.value > b.value) ? a : b;
}

/* ---- what it is ------------------------------------------------------------------------------------------ */

static bool is_database(sw_str head)
{
    static const char magic[] = "SQLite format 3";
    static const char table[] = "CREATE TABLE ";
    sw_str rest = head;

    if (head.len < sizeof magic || memcmp(head.ptr, magic, sizeof magic) != 0) {
        return false;
    }
    for (;;) {
        const char *at = rest.len ? memmem(rest.ptr, rest.len, table, sizeof table - 1) : NULL;
        bool quoted = false;
        if (!at || rest.ptr + rest.len - at < (ptrdiff_t)sizeof table + 6) {
            return false;
        }
        at += sizeof table - 1;
        rest = sw_str_make(at, (size_t)(rest.ptr + rest.len - at));
        quoted = *at == '`' || *at == '"' || *at == '[';
        if (memcmp(at + quoted, "part", 4) == 0 &&
            memmem(at, rest.len < 1024 ? rest.len : 1024, "message_id", 10)) {
            return true;
        }
    }
}

/* A file of the older kind is one session, message or part; its ids begin with what they are of. */
bool import_is_opencode(import_head *head)
{
    static const scan_name wanted[] = {SCAN_NAME(0, "id"), SCAN_NAME(1, "sessionID"),
                                       SCAN_NAME(2, "projectID")};
    static const char *const begin[] = {"\"ses_", "\"msg_", "\"prt_"};
    sw_str found[3] = {SW_NULL_STR};
    scan s = scan_of(head->bytes);

    if (is_database(head->bytes)) {
        return true;
    }
    (void)scan_members(&s, wanted, SW_COUNT(wanted), found);
    for (size_t i = 0; i < SW_COUNT(begin); i++) {
        sw_str unit = i == 0 ? found[0] : found[1];
        if (found[0].len > 5 && memcmp(found[0].ptr, begin[i], 5) == 0 && scan_is_string(unit) &&
            (i > 0 || found[2].ptr)) {
            head->unit = scan_text(unit, head->arena);
            return head->unit.ptr != NULL;
        }
    }
    return false;
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

static bool read_tokens(sw_str raw, transcript_usage *out)
{
    sw_str found[T_SLOTS] = {SW_NULL_STR};

    if (!scan_object(raw, token_names, SW_COUNT(token_names), found)) {
        return false;
    }
    (void)scan_object(found[T_CACHE], token_names, SW_COUNT(token_names), found);
    *out = (transcript_usage){.input = scan_count(found[T_INPUT]),
                              .output = scan_count(found[T_OUTPUT]),
                              .total = scan_count(found[T_TOTAL]),
                              .cache_read = scan_count(found[T_READ]),
                              .cache_write = scan_count(found[T_WRITE]),
                              .reasoning = scan_count(found[T_REASONING])};
    return true;
}

/* What was put together since the call before is one call; `part`: what names it beside session and message. */
static void say_call(opencode *o, sw_str tokens, sw_str cost, sw_str stop, sw_str part,
                     transcript_event *event)
{
    sw_int nano = scan_nano_usd(cost);

    transcript_take_parts(o->r, event);
    event->kind = TRANSCRIPT_CALL;
    event->id = SW_NULL_STR;
    event->key = o->session;
    /* Two keys more, parted as keys are parted where ids are made of them. */
    event->key2 = sw_arena_printf(o->r->arena, "%.*s%c%.*s", (int)o->base.id.len, o->base.id.ptr,
                                  '\0', (int)part.len, part.ptr);
    event->model = text_of(o, o->m[D_MODEL]);
    event->provider = text_of(o, o->m[D_PROVIDER]);
    event->stop = stop;
    event->has_usage = read_tokens(tokens, &event->usage);
    /* It writes 0 also where it knows no price. */
    event->cost_nano_usd = nano.value > 0 ? nano : SW_NULL_INT;
    event->start_us = o->from_us;
    event->end_us = o->to_us;
    event->at_us = o->to_us.known ? o->to_us : event->at_us;
    transcript_say(o->r, event);
    o->from_us = later(o->to_us, o->done_us);
    o->calls++;
}

static const struct {
    const char *name; /* with quotes */
    const char *stop;
    bool failed;
} errors[] = {
    {"\"MessageAbortedError\"", "aborted", true},
    {"\"ContextOverflowError\"", "max_tokens", true},
    {"\"MessageOutputLengthError\"", "max_tokens", false},
    {"", "error", true}, /* any other */
};

/* How the message ended, told of the call that was under way. */
static void say_error(opencode *o, const sw_str error[D_SLOTS])
{
    transcript_event event = o->base;
    sw_str inner[D_SLOTS] = {SW_NULL_STR};
    size_t which = 0;

    while (which + 1 < SW_COUNT(errors) && !scan_is(error[D_NAME], errors[which].name)) {
        which++;
    }
    (void)members(error[D_DATA], inner);
    event.failed = errors[which].failed;
    event.error_type = text_of(o, error[D_NAME]);
    event.error = text_of(o, inner[D_MESSAGE]);
    o->to_us = later(o->to_us, o->base.end_us);
    if (which > 0 || o->calls == 0 || o->r->part_count > 0) {
        say_call(o, o->calls == 0 ? o->m[D_TOKENS] : SW_NULL_STR,
                 o->calls == 0 ? o->m[D_COST] : SW_NULL_STR, sw_str_from(errors[which].stop),
                 SW_STR("error"), &event);
    }
    if (which == 0) {
        event = o->base;
        event.kind = TRANSCRIPT_STOP;
        event.id = SW_NULL_STR;
        event.at_us = later(o->to_us, event.at_us);
        transcript_say(o->r, &event);
    }
}

/* ---- messages ---------------------------------------------------------------------------------------------- */

static void say_prompt(opencode *o)
{
    transcript_event event = o->base;
    sw_buf list;

    sw_buf_init(&list, o->r->arena->from, SW_LIMIT_IMPORT_FILE_BYTES);
    for (size_t i = 0; i < o->r->part_count; i++) {
        sw_buf_addc(&list, i > 0 ? ',' : '[');
        sw_buf_add(&list, o->r->parts[i].raw);
    }
    if (o->r->part_count > 0) {
        sw_buf_addc(&list, ']');
        event.content = sw_buf_take(&list, o->r->arena);
    }
    event.kind = o->side ? TRANSCRIPT_SAID : TRANSCRIPT_PROMPT;
    event.turn = event.id;
    transcript_say(o->r, &event);
}

/* All parts of the message have come. */
static void end_message(opencode *o)
{
    sw_str error[D_SLOTS] = {SW_NULL_STR};
    transcript_event event = o->base;

    if (!o->open) {
        return;
    }
    o->open = false;
    if (scan_is(o->m[D_ROLE], "\"user\"")) {
        say_prompt(o);
    } else if (members(o->m[D_ERROR], error)) {
        say_error(o, error);
    } else if (o->calls == 0) {
        o->to_us = later(o->to_us, o->base.end_us);
        say_call(o, o->m[D_TOKENS], o->m[D_COST], text_of(o, o->m[D_FINISH]), SW_STR("0"), &event);
    }
    o->r->part_count = 0;
}

static void begin_message(opencode *o, const sw_str l[L_SLOTS])
{
    sw_str path[D_SLOTS] = {SW_NULL_STR};
    sw_str time[D_SLOTS] = {SW_NULL_STR};

    memset(o->m, 0, sizeof o->m);
    o->open = members(l[L_DATA], o->m) &&
              (scan_is(o->m[D_ROLE], "\"user\"") || scan_is(o->m[D_ROLE], "\"assistant\""));
    (void)members(o->m[D_PATH], path);
    (void)members(o->m[D_TIME], time);
    o->from_us = scan_time_ms(time[D_CREATED].ptr ? time[D_CREATED] : l[L_AT]);
    o->to_us = o->done_us = SW_NULL_INT;
    o->calls = 0;
    o->r->part_count = 0;
    o->base = (transcript_event){
        .at_us = o->from_us,
        .end_us = scan_time_ms(time[D_COMPLETED]),
        .session = o->side ? o->root : o->session,
        .id = text_of(o, l[L_ID]),
        .parent = text_of(o, o->m[D_PARENT]),
        .agent = o->side ? o->session : SW_NULL_STR,
        .agent_type =
            o->side ? text_of(o, o->m[D_AGENT].ptr ? o->m[D_AGENT] : o->m[D_MODE]) : SW_NULL_STR,
        .cwd = path[D_CWD].ptr ? text_of(o, path[D_CWD]) : o->cwd,
        .version = o->version,
        .raw = l[L_DATA]};
}

/* ---- parts ------------------------------------------------------------------------------------------------- */

static void say_return(opencode *o, const sw_str l[L_SLOTS], const sw_str p[D_SLOTS],
                       const sw_str state[D_SLOTS], const sw_str time[D_SLOTS])
{
    transcript_event event = o->base;
    sw_str metadata[D_SLOTS] = {SW_NULL_STR};
    bool failed = scan_is(state[D_STATUS], "\"error\"");
    sw_str said = failed ? state[D_ERROR] : state[D_OUTPUT];

    if (!scan_is_string(p[D_CALL]) || (!failed && !scan_is(state[D_STATUS], "\"completed\""))) {
        return;
    }
    (void)members(state[D_METADATA], metadata);
    event.id = text_of(o, l[L_ID]);
    event.start_us = scan_time_ms(time[D_START]);
    event.end_us = scan_time_ms(time[D_END]);
    event.at_us = later(event.end_us, event.start_us.known ? event.start_us : event.at_us);
    event.made_agent = text_of(o, metadata[D_SESSION]);
    o->done_us = later(o->done_us, event.end_us);
    transcript_say_result(o->r, &event, p[D_CALL], said, failed);
}

static void read_tool(opencode *o, const sw_str l[L_SLOTS], const sw_str p[D_SLOTS])
{
    sw_str state[D_SLOTS] = {SW_NULL_STR};
    sw_str time[D_SLOTS] = {SW_NULL_STR};

    (void)members(p[D_STATE], state);
    (void)members(state[D_TIME], time);
    o->to_us = later(o->to_us, scan_time_ms(time[D_START])); /* the model had called it by then */
    transcript_add_tool(o->r, p[D_CALL], p[D_TOOL], state[D_INPUT]);
    say_return(o, l, p, state, time);
}

static void add_said(opencode *o, sw_str raw, transcript_part_kind kind, const sw_str p[D_SLOTS])
{
    transcript_part *part = transcript_add_part(o->r);
    sw_str time[D_SLOTS] = {SW_NULL_STR};

    (void)members(p[D_TIME], time);
    o->to_us = later(o->to_us, scan_time_ms(time[D_END]));
    if (part) {
        *part = (transcript_part){.kind = kind, .raw = raw};
    }
}

static void read_part(opencode *o, const sw_str l[L_SLOTS])
{
    sw_str p[D_SLOTS] = {SW_NULL_STR};
    bool user = scan_is(o->m[D_ROLE], "\"user\"");
    transcript_event event = o->base;

    if (!o->open || !members(l[L_DATA], p)) {
        return;
    }
    if (scan_is(p[D_TYPE], "\"text\"") || (user && scan_is(p[D_TYPE], "\"file\""))) {
        if (!scan_is(p[D_SYNTHETIC], "true") && !scan_is(p[D_IGNORED], "true")) {
            add_said(o, l[L_DATA], TRANSCRIPT_PART_TEXT, p);
        }
    } else if (user) {
        return;
    } else if (scan_is(p[D_TYPE], "\"reasoning\"")) {
        add_said(o, l[L_DATA], TRANSCRIPT_PART_THINKING, p);
    } else if (scan_is(p[D_TYPE], "\"tool\"")) {
        read_tool(o, l, p);
    } else if (scan_is(p[D_TYPE], "\"step-finish\"")) {
        o->to_us = o->to_us.known ? o->to_us : scan_time_ms(l[L_AT]);
        say_call(o, p[D_TOKENS], p[D_COST], text_of(o, p[D_REASON]), text_of(o, l[L_ID]), &event);
        o->to_us = SW_NULL_INT;
    }
}

/* ---- lines -------------------------------------------------------------------------------------------------- */

static void begin_session(opencode *o, const sw_str l[L_SLOTS])
{
    sw_str d[D_SLOTS] = {SW_NULL_STR};

    (void)members(l[L_DATA], d);
    o->session = text_of(o, l[L_ID]);
    o->root = text_of(o, l[L_ROOT]);
    o->cwd = text_of(o, d[D_DIRECTORY]);
    o->version = text_of(o, d[D_VERSION]);
    o->side = o->root.len > 0 && !sw_str_eq(o->root, o->session);
}

static bool read_line(void *arg, transcript_reading *r, sw_str line)
{
    opencode *o = arg;
    sw_str l[L_SLOTS] = {SW_NULL_STR};

    o->r = r;
    if (!scan_line_object(line, line_names, SW_COUNT(line_names), l)) {
        return false;
    }
    if (scan_is(l[L_ROW], "\"part\"")) {
        read_part(o, l);
        return true;
    }
    end_message(o);
    if (scan_is(l[L_ROW], "\"session\"")) {
        begin_session(o, l);
    } else if (scan_is(l[L_ROW], "\"message\"")) {
        begin_message(o, l);
    }
    return true;
}

sw_status transcript_read_opencode(sw_str bytes, sw_arena *arena, const transcript_sink *sink,
                                   transcript_end *end, sw_error *err)
{
    transcript_reading r = {.arena = arena, .sink = sink, .end = end};
    opencode o = {.r = &r};
    sw_status status = transcript_lines(&r, bytes, read_line, &o, err);

    if (status == SW_STATUS_OK) {
        end_message(&o);
    }
    return status == SW_STATUS_OK && arena->failed ? sw_no_memory(err) : status;
}
