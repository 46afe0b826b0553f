/* SPDX-License-Identifier: Apache-2.0 */
/* Whole JSON values, on top of the reader: go over one, check one, take the blanks out of one. For
 * those who keep a value as it was written and do not care what is in it.
 */
#include "base/base.h"
#include "base/bytes.h"

bool sw_json_skip(sw_json *json, sw_str *raw)
{
    if (json->type == SW_JSON_ERROR) {
        return false;
    }
    sw_assert(json->type >= SW_JSON_NULL && json->type != SW_JSON_KEY &&
              json->type != SW_JSON_OBJECT_END && json->type != SW_JSON_ARRAY_END);
    size_t from = json->offset;
    if (json->type == SW_JSON_OBJECT || json->type == SW_JSON_ARRAY) {
        sw_arena *arena = json->arena;
        uint32_t outside = json->depth - 1;
        json->arena = NULL;
        while (json->depth > outside && sw_json_next(json) != SW_JSON_ERROR) {
        }
        json->arena = arena;
    }
    if (json->type == SW_JSON_ERROR) {
        return false;
    }
    if (raw) {
        *raw = sw_str_make(json->start + from, (size_t)(json->at - json->start) - from);
    }
    return true;
}

bool sw_json_valid(sw_str text, const char **why, size_t *offset)
{
    sw_json json;
    sw_json_type type = SW_JSON_NULL;
    sw_json_init(&json, text, NULL);
    while (type != SW_JSON_END && type != SW_JSON_ERROR) {
        type = sw_json_next(&json);
    }
    if (type == SW_JSON_ERROR && why) {
        *why = json.error;
    }
    if (type == SW_JSON_ERROR && offset) {
        *offset = json.offset;
    }
    return type == SW_JSON_END;
}

/* Behind the string whose opening quote is at `at`; the text is known to be valid. */
static const char *string_past(const char *at, const char *end)
{
    at = sw__clean_end(at + 1, end);
    while (at < end && *at != '"') {
        at = sw__clean_end(at + 2, end); /* a backslash, and what it makes harmless */
    }
    return at + 1;
}

/* `out` has room for as much as there is. */
static size_t minify(sw_str raw, char *out)
{
    const char *at = raw.ptr;
    const char *end = at + raw.len;
    char *to = out;
    while (at < end) {
        if (*at == '"') {
            size_t len = (size_t)(string_past(at, end) - at);
            memcpy(to, at, len);
            at += len;
            to += len;
        } else {
            *to = *at;
            to += !sw__is_space(*at++);
        }
    }
    return (size_t)(to - out);
}

void sw_json_minify(sw_str raw, sw_buf *out)
{
    char *room = raw.len > 0 ? sw_buf_reserve(out, raw.len) : NULL;
    if (room) {
        out->len += minify(raw, room);
        out->ptr[out->len] = '\0';
    }
}

/* Some byte of the word is 0x20 or below. Such a byte borrows from its high bit; those that had it set
 * are letters of other alphabets. (A borrow may run on into a higher byte: then there is a blank as well.)
 */
static bool word_has_blank(uint64_t word)
{
    return ((word - UINT64_C(0x2121212121212121)) & ~word & UINT64_C(0x8080808080808080)) != 0;
}

/* Eight bytes at a time; in JSON that was checked, nothing else lies that low. */
static bool has_white_space(sw_str text)
{
    uint64_t word = 0;
    size_t i = 0;

    for (; i + sizeof word <= text.len; i += sizeof word) {
        memcpy(&word, text.ptr + i, sizeof word);
        if (word_has_blank(word)) {
            return true;
        }
    }
    for (; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ') {
            return true;
        }
    }
    return false;
}

sw_str sw_json_compact(sw_str raw, sw_arena *arena)
{
    char *out = has_white_space(raw) ? sw_arena_alloc(arena, raw.len) : NULL;
    sw_str kept = arena->failed ? SW_NULL_STR : raw;
    return out ? sw_str_make(out, minify(raw, out)) : kept;
}
