/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of answers taken apart into JSON values, whatever way they were streamed. What is told of the way (headers) is
 * not needed: each way begins in a manner of its own. A damaged piece is left out; the others are good.
 */
#include "codec/otlp_json.h"
#include "codec/transcript_scan.h"
#include "codec/usage_shape.h"

typedef struct body {
    sw_arena *arena;
    usage_event *each;
    void *arg;
} body;

static bool say(const body *b, sw_str name, sw_str value)
{
    value = scan_trimmed(value);
    if (value.len == 0 || value.ptr[0] != '{' || !scan_is_whole(value)) {
        return false;
    }
    b->each(b->arg, name, value);
    return true;
}

/* ---- text ------------------------------------------------------------------------------------------------- */

static void read_list(const body *b, sw_str list)
{
    scan s = scan_of(list);
    sw_str raw;
    bool first = true;

    (void)scan_open(&s, '[');
    while (scan_more(&s, ']', &first) && scan_value(&s, &raw)) {
        (void)say(b, SW_NULL_STR, raw);
    }
}

static bool starts(sw_str line, const char *word, sw_str *rest)
{
    size_t len = strlen(word);

    if (line.len < len || memcmp(line.ptr, word, len) != 0) {
        return false;
    }
    *rest = scan_trimmed(sw_str_make(line.ptr + len, line.len - len));
    return true;
}

/* Data of one event may be parted into several lines: the first one, and what came behind it. */
typedef struct sse {
    sw_str name;
    sw_str data;
    sw_buf more;
    bool parted; /* `more` is all of it */
} sse;

static void end_event(const body *b, sse *event)
{
    if (event->parted) {
        event->data = sw_buf_take(&event->more, b->arena);
    }
    if (event->data.ptr) {
        (void)say(b, event->name, event->data);
    }
    *event = (sse){.name = SW_NULL_STR};
}

static void add_data(const body *b, sse *event, sw_str line)
{
    if (event->data.ptr && !event->parted && scan_is_whole(event->data)) {
        end_event(b, event); /* some senders leave out the blank line */
    }
    if (!event->data.ptr) {
        event->data = line;
        return;
    }
    if (!event->parted) {
        event->parted = true;
        sw_buf_init(&event->more, b->arena->from, SW_LIMIT_IMPORT_FILE_BYTES);
        sw_buf_add(&event->more, event->data);
    }
    sw_buf_addc(&event->more, '\n');
    sw_buf_add(&event->more, line);
}

static void read_lines(const body *b, sw_str text)
{
    size_t at = 0;
    sw_str line;
    sw_str rest;
    bool ends = false;
    sse event = {.name = SW_NULL_STR};

    while (scan_line(text, &at, &line, &ends)) {
        line = scan_trimmed(line);
        if (starts(line, "data:", &rest)) {
            add_data(b, &event, rest);
        } else if (starts(line, "event:", &rest)) {
            end_event(b, &event);
            event.name = rest;
        } else if (line.len == 0) {
            end_event(b, &event);
        } else {
            (void)say(b, SW_NULL_STR, line);
        }
    }
    end_event(b, &event);
}

/* ---- frames ------------------------------------------------------------------------------------------------ */

/* Total length, length of the headers, a sum; headers; payload; a sum. */
enum { PRELUDE = 12, FRAME_LEAST = 16, TEXT_HEADER = 7 };

static uint32_t number_at(const char *at, int bytes)
{
    uint32_t value = 0;

    for (int i = 0; i < bytes; i++) {
        value = value << 8 | (uint8_t)at[i];
    }
    return value;
}

static bool is_frame(sw_str bytes)
{
    uint32_t total = bytes.len < FRAME_LEAST ? 0 : number_at(bytes.ptr, 4);

    return total >= FRAME_LEAST && total <= bytes.len &&
           number_at(bytes.ptr + 4, 4) <= total - FRAME_LEAST;
}

/* The value of the header :event-type; headers that are not text end the search. */
static sw_str event_type(sw_str headers)
{
    while (headers.len > 4) {
        size_t name = (uint8_t)headers.ptr[0];
        size_t at = 1 + name;
        sw_str value;
        if (at + 3 > headers.len || headers.ptr[at] != TEXT_HEADER) {
            return SW_NULL_STR;
        }
        value = sw_str_make(headers.ptr + at + 3, number_at(headers.ptr + at + 1, 2));
        if (at + 3 + value.len > headers.len) {
            return SW_NULL_STR;
        }
        if (sw_str_eq(sw_str_make(headers.ptr + 1, name), SW_STR(":event-type"))) {
            return value;
        }
        headers = sw_str_make(value.ptr + value.len, headers.len - at - 3 - value.len);
    }
    return SW_NULL_STR;
}

/* A payload may hold another one in base64: {"bytes":"..."}. */
static void say_payload(const body *b, sw_str name, sw_str payload)
{
    sw_str packed = usage_at(payload, "bytes");
    uint8_t *bytes = NULL;
    size_t len = 0;

    if (!scan_is_string(packed)) {
        (void)say(b, name, payload);
        return;
    }
    packed = scan_text(packed, b->arena);
    bytes = packed.ptr ? sw_arena_alloc(b->arena, packed.len + 1) : NULL;
    if (bytes && otlp__base64(packed, bytes, &len)) {
        (void)say(b, name, sw_str_make((const char *)bytes, len));
    }
}

static void read_frames(const body *b, sw_str bytes)
{
    while (is_frame(bytes)) {
        uint32_t total = number_at(bytes.ptr, 4);
        uint32_t headers = number_at(bytes.ptr + 4, 4);
        sw_str payload = sw_str_make(bytes.ptr + PRELUDE + headers, total - FRAME_LEAST - headers);
        say_payload(b, event_type(sw_str_make(bytes.ptr + PRELUDE, headers)), payload);
        bytes = sw_str_make(bytes.ptr + total, bytes.len - total);
    }
}

/* ---- all --------------------------------------------------------------------------------------------------- */

bool usage_body(sw_str text, sw_arena *arena, usage_event *each, void *arg)
{
    body b = {arena, each, arg};

    if (is_frame(text)) {
        read_frames(&b, text);
        return true;
    }
    text = scan_trimmed(text);
    if (say(&b, SW_NULL_STR, text)) {
        return false;
    }
    if (text.len > 0 && text.ptr[0] == '[' && scan_is_whole(text)) {
        read_list(&b, text);
    } else {
        read_lines(&b, text);
    }
    return true;
}
