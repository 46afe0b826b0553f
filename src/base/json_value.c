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

void sw_json_minify(sw_str raw, sw_buf *out)
{
    if (raw.len == 0) {
        return;
    }
    const char *at = raw.ptr;
    const char *end = at + raw.len;
    const char *run = at; /* what is not yet copied */
    while (at < end) {
        if (*at == '"') {
            at = string_past(at, end);
        } else if (sw__is_space(*at)) {
            sw_buf_add(out, sw_str_make(run, (size_t)(at - run)));
            run = ++at;
        } else {
            at++;
        }
    }
    sw_buf_add(out, sw_str_make(run, (size_t)(at - run)));
}
