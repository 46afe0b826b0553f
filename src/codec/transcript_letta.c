/* SPDX-License-Identifier: Apache-2.0 */
/* What letta-code keeps beside a server (telemetry.md G.5 b): who said what, a line each, and no tokens. All that was
 * said under one message is one call; how many tokens it took is not known. A line does not say which conversation it
 * is of, so a file is one, known by its first line.
 */
#include "codec/transcript_inside.h"

enum { L_KIND, L_TEXT, L_TIME, L_LINE, L_MESSAGE, L_NAME, L_INPUT, L_RESULT, L_OK, L_SLOTS };

static const scan_name line_names[] = {
    SCAN_NAME(L_KIND, "kind"),
    SCAN_NAME(L_TEXT, "text"),
    SCAN_NAME(L_TIME, "captured_at"),
    SCAN_NAME(L_LINE, "source_line_id"),
    SCAN_NAME(L_MESSAGE, "source_message_id"),
    SCAN_NAME(L_NAME, "name"),
    SCAN_NAME(L_INPUT, "argsText"),
    SCAN_NAME(L_RESULT, "resultText"),
    SCAN_NAME(L_OK, "resultOk"),
};

typedef enum entry_kind { USER, ASSISTANT, REASONING, ERROR, TOOL_CALL, KINDS } entry_kind;

static const char *const kinds[KINDS] = {"\"user\"", "\"assistant\"", "\"reasoning\"", "\"error\"",
                                         "\"tool_call\""};

typedef struct letta {
    transcript_reading *r;
    sw_str session;
} letta;

static entry_kind kind_of(sw_str raw)
{
    entry_kind kind = USER;

    while (kind < KINDS && !scan_is(raw, kinds[kind])) {
        kind++;
    }
    return kind;
}

bool import_is_letta(import_head *head)
{
    sw_str found[L_SLOTS] = {SW_NULL_STR};
    size_t at = 0;
    sw_str line;
    bool ends = false;

    return scan_line(head->bytes, &at, &line, &ends) &&
           scan_line_object(line, line_names, SW_COUNT(line_names), found) &&
           kind_of(found[L_KIND]) < KINDS && scan_time(found[L_TIME]).known &&
           (scan_is_string(found[L_TEXT]) || scan_is(found[L_KIND], kinds[TOOL_CALL]));
}

/* As a part in the words of those who read content. */
static void add_said(letta *l, transcript_part_kind kind, const char *type, const char *member,
                     sw_str text)
{
    transcript_part *part = scan_is_string(text) ? transcript_add_part(l->r) : NULL;

    if (part) {
        *part =
            (transcript_part){.kind = kind,
                              .raw = sw_arena_printf(l->r->arena, "{\"type\":\"%s\",\"%s\":%.*s}",
                                                     type, member, (int)text.len, text.ptr)};
    }
}

static void say_call(letta *l, entry_kind kind, const sw_str f[L_SLOTS], sw_str id,
                     transcript_event *event)
{
    event->kind = TRANSCRIPT_CALL;
    event->key = l->session;
    event->key2 = scan_text(f[L_MESSAGE].ptr ? f[L_MESSAGE] : id, l->r->arena);
    event->uncounted = true;
    if (kind == TOOL_CALL) {
        transcript_add_tool(l->r, id, f[L_NAME], f[L_INPUT]);
    } else if (kind == REASONING) {
        add_said(l, TRANSCRIPT_PART_THINKING, "thinking", "thinking", f[L_TEXT]);
    } else if (kind == ASSISTANT) {
        add_said(l, TRANSCRIPT_PART_TEXT, "text", "text", f[L_TEXT]);
    } else {
        event->failed = true;
        event->error = scan_text(f[L_TEXT], l->r->arena);
    }
    transcript_take_parts(l->r, event);
    transcript_say(l->r, event);
}

static void read_entry(letta *l, entry_kind kind, const sw_str f[L_SLOTS], sw_str line)
{
    transcript_event event = {.at_us = scan_time(f[L_TIME]), .session = l->session, .raw = line};
    sw_str id = scan_is_string(f[L_LINE]) ? f[L_LINE]
                                          : sw_arena_printf(l->r->arena, "\"line %u\"", l->r->line);

    if (kind == USER) {
        event.kind = TRANSCRIPT_PROMPT;
        event.content = f[L_TEXT];
        event.turn = scan_text(id, l->r->arena);
        transcript_say(l->r, &event);
        return;
    }
    say_call(l, kind, f, id, &event);
    if (kind == TOOL_CALL && (f[L_RESULT].ptr || f[L_OK].ptr)) {
        event = (transcript_event){.at_us = event.at_us, .session = l->session};
        transcript_say_result(l->r, &event, id, f[L_RESULT], scan_is(f[L_OK], "false"));
    }
}

static bool read_line(void *arg, transcript_reading *r, sw_str line)
{
    letta *l = arg;
    sw_str found[L_SLOTS] = {SW_NULL_STR};

    l->r = r;
    r->part_count = 0;
    if (!scan_line_object(line, line_names, SW_COUNT(line_names), found)) {
        return false;
    }
    if (!l->session.ptr) {
        l->session = sw_arena_printf(r->arena, "letta-text-%016llx%016llx",
                                     (unsigned long long)sw_hash(1, line.ptr, line.len),
                                     (unsigned long long)sw_hash(2, line.ptr, line.len));
    }
    if (kind_of(found[L_KIND]) < KINDS) {
        read_entry(l, kind_of(found[L_KIND]), found, line);
    }
    return true;
}

sw_status transcript_read_letta(sw_str bytes, sw_arena *arena, const transcript_sink *sink,
                                transcript_end *end, sw_error *err)
{
    transcript_reading r = {.arena = arena, .sink = sink, .end = end};
    letta l = {.r = &r};

    return transcript_lines(&r, bytes, read_line, &l, err);
}
