/* SPDX-License-Identifier: Apache-2.0 */
/* Tags are kept as the JSON text of an array of strings; this file reads that text without building
 * anything. The strings keep their escapes as the sender wrote them, so that comparing with a plain
 * tag decodes on the way. Knows only valid JSON: check.c sees to that first.
 */
#include "model/model.h"
#include "model/private.h"

/* The text between the quotes of the next string at or after `*at`, or null at the end. */
static sw_str next_tag(const char **at, const char *end)
{
    const char *p = *at;
    const char *start = NULL;
    while (p < end && *p != '"') {
        p++;
    }
    if (p == end) {
        return SW_NULL_STR;
    }
    start = ++p;
    while (p < end && *p != '"') {
        p += *p == '\\' ? 2 : 1;
    }
    *at = p < end ? p + 1 : end;
    return sw_str_make(start, (size_t)((p < end ? p : end) - start));
}

static uint32_t hex4(const char *p)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t c = (unsigned char)p[i];
        value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20U) - 'a' + 10);
    }
    return value;
}

static size_t utf8_encode(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

/* Decodes the escape at `p` (a backslash of a valid JSON string); returns how many bytes it takes
 * and sets how many it stands for.
 */
static size_t decode_escape(const char *p, char out[4], size_t *len)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    uint32_t point = 0;
    const char *plain = strchr(from, p[1]);
    if (p[1] != 'u') {
        out[0] = plain ? to[plain - from] : p[1];
        *len = 1;
        return 2;
    }
    point = hex4(p + 2);
    if (point >= 0xD800 && point < 0xDC00) {
        point = 0x10000 + ((point - 0xD800) << 10) + (hex4(p + 8) - 0xDC00);
        *len = utf8_encode(point, out);
        return 12;
    }
    *len = utf8_encode(point, out);
    return 6;
}

/* Walks the decoded bytes of a raw string; counts them, and clears `same` where they differ from
 * `tag` (which may be null, when only the count matters).
 */
static size_t decoded_size(sw_str raw, sw_str tag, bool *same)
{
    size_t size = 0;
    size_t i = 0;
    *same = true;
    while (i < raw.len) {
        char bytes[4] = {raw.ptr[i], 0, 0, 0};
        size_t len = 1;
        i += raw.ptr[i] == '\\' ? decode_escape(raw.ptr + i, bytes, &len) : 1;
        if (size + len > tag.len || memcmp(tag.ptr + size, bytes, len) != 0) {
            *same = false;
        }
        size += len;
    }
    *same = *same && size == tag.len;
    return size;
}

bool sw_tags_have(sw_str tags, sw_str tag)
{
    const char *at = tags.ptr;
    if (!tags.ptr || !tag.ptr) {
        return false;
    }
    for (sw_str raw = next_tag(&at, tags.ptr + tags.len); raw.ptr;
         raw = next_tag(&at, tags.ptr + tags.len)) {
        bool same = false;
        if (!memchr(raw.ptr, '\\', raw.len)) {
            same = sw_str_eq(raw, tag);
        } else {
            decoded_size(raw, tag, &same);
        }
        if (same) {
            return true;
        }
    }
    return false;
}

/* In valid JSON, all but strings, commas, blanks and the outer brackets is another kind of value. */
static bool only_strings(sw_str tags)
{
    const char *at = tags.ptr;
    const char *end = tags.ptr + tags.len;
    int brackets = 0;
    while (at < end) {
        if (*at == '"') {
            (void)next_tag(&at, end);
            continue;
        }
        if (!memchr("[], \t\r\n", *at, 7)) {
            return false;
        }
        brackets += *at == '[';
        at++;
    }
    return brackets == 1;
}

const char *sw__tags_check(sw_str tags)
{
    const char *at = tags.ptr;
    size_t count = 0;
    if (!only_strings(tags)) {
        return "is not an array of strings";
    }
    for (sw_str raw = next_tag(&at, tags.ptr + tags.len); raw.ptr;
         raw = next_tag(&at, tags.ptr + tags.len)) {
        bool same = false;
        if (++count > SW_LIMIT_TAGS) {
            return "holds too many tags";
        }
        if (raw.len > SW_LIMIT_TAG_BYTES &&
            decoded_size(raw, SW_NULL_STR, &same) > SW_LIMIT_TAG_BYTES) {
            return "holds a tag that is too long";
        }
    }
    return NULL;
}
