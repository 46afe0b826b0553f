/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a reading: lines one by one, what is damaged told and passed over. Knows no format. */
#include "codec/transcript_inside.h"

void transcript_tell_bad(transcript_reading *r)
{
    r->end->bad++;
    if (r->sink->bad) {
        r->sink->bad(r->sink->arg, r->line, "is no valid JSON");
    }
}

sw_status transcript_lines(transcript_reading *r, sw_str bytes, transcript_line *each, void *arg,
                           sw_error *err)
{
    size_t at = 0;
    sw_str line;
    bool ends = true;

    *r->end = (transcript_end){.lines = 0};
    for (r->line = 1; scan_line(bytes, &at, &line, &ends); r->line++) {
        bool good = scan_trimmed(line).len == 0 || each(arg, r, line);
        if (r->arena->failed) {
            return sw_no_memory(err);
        }
        if (!good && !ends) {
            r->end->torn = true;
            return SW_STATUS_OK;
        }
        if (!good) {
            transcript_tell_bad(r);
        }
        r->end->lines++;
        r->end->read = at;
    }
    return SW_STATUS_OK;
}

transcript_part *transcript_add_part(transcript_reading *r)
{
    transcript_part *parts =
        sw_arena_grow(r->arena, r->parts, r->part_count, &r->part_room, sizeof *parts);

    if (!parts) {
        return NULL; /* the arena remembers */
    }
    r->parts = parts;
    parts += r->part_count++;
    memset(parts, 0, sizeof *parts);
    return parts;
}

static void add_text(transcript_reading *r, sw_str raw)
{
    transcript_part *part = transcript_add_part(r);

    if (part) {
        *part = (transcript_part){.kind = TRANSCRIPT_PART_TEXT, .raw = raw};
    }
}

void transcript_add_texts(transcript_reading *r, sw_str content)
{
    scan s = scan_of(content);
    bool first = true;
    sw_str raw;

    if (!scan_opens(content, '[')) {
        if (content.len > 2) {
            add_text(r, content);
        }
        return;
    }
    (void)scan_open(&s, '[');
    while (scan_more(&s, ']', &first) && scan_value(&s, &raw)) {
        add_text(r, raw);
    }
}

void transcript_take_parts(transcript_reading *r, transcript_event *event)
{
    event->parts = r->parts;
    event->part_count = r->part_count;
    r->parts = r->parts ? r->parts + r->part_count : NULL; /* the rest is the next event's */
    r->part_room -= r->part_count;
    r->part_count = 0;
}

void transcript_say(transcript_reading *r, transcript_event *event)
{
    event->line = event->line > 0 ? event->line : r->line;
    r->sink->event(r->sink->arg, event);
}

void transcript_say_return(transcript_reading *r, transcript_event *event, sw_str raw)
{
    transcript_part *part = sw_arena_zeroed(r->arena, sizeof *part);

    if (!part) {
        return; /* the arena remembers */
    }
    part->kind = TRANSCRIPT_PART_RETURN;
    part->raw = raw;
    event->kind = TRANSCRIPT_RETURN;
    event->parts = part;
    event->part_count = 1;
    transcript_say(r, event);
}

void transcript_add_tool(transcript_reading *r, sw_str id, sw_str name, sw_str input)
{
    transcript_part *part =
        scan_is_string(id) && scan_is_string(name) ? transcript_add_part(r) : NULL;

    input = input.len ? input : SW_STR("{}");
    if (part) {
        *part = (transcript_part){
            .kind = TRANSCRIPT_PART_TOOL,
            .id = scan_text(id, r->arena),
            .name = scan_text(name, r->arena),
            .raw = sw_arena_printf(
                r->arena, "{\"type\":\"tool_use\",\"id\":%.*s,\"name\":%.*s,\"input\":%.*s}",
                (int)id.len, id.ptr, (int)name.len, name.ptr, (int)input.len, input.ptr)};
    }
}

void transcript_say_result(transcript_reading *r, transcript_event *event, sw_str id,
                           sw_str content, bool failed)
{
    content = content.len ? content : SW_STR("\"\"");
    event->key = scan_text(id, r->arena);
    event->failed = failed;
    transcript_say_return(r, event,
                          sw_arena_printf(r->arena,
                                          "{\"type\":\"tool_result\",\"tool_use_id\":%.*s,"
                                          "\"content\":%.*s,\"is_error\":%s}",
                                          (int)id.len, id.ptr, (int)content.len, content.ptr,
                                          failed ? "true" : "false"));
}

transcript_reader *transcript_reader_of(import_format format)
{
    switch (format) {
    case IMPORT_FORMAT_CLAUDE_CODE:
        return transcript_read_claude_code;
    case IMPORT_FORMAT_CODEX:
        return transcript_read_codex;
    case IMPORT_FORMAT_GEMINI:
        return transcript_read_gemini;
    case IMPORT_FORMAT_PI:
        return transcript_read_pi;
    case IMPORT_FORMAT_LETTA:
        return transcript_read_letta;
    case IMPORT_FORMAT_OPENCODE:
        return transcript_read_opencode;
    default:
        return NULL;
    }
}
