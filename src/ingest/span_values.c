/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the value of an attribute as what a fact needs, however it was sent: numbers as text, JSON in text, JSON
 * in JSON, lists. Knows nothing of any attribute.
 */
#include <ctype.h>
#include <math.h>

#include "ingest/span_internal.h"

/* ---- words -------------------------------------------------------------------------------------- */

static char fold(char c)
{
    return (char)(c == '-' ? '_' : tolower((unsigned char)c));
}

bool span_starts(sw_str text, const char *start)
{
    size_t len = strlen(start);
    if (!text.ptr || text.len < len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (fold(text.ptr[i]) != fold(start[i])) {
            return false;
        }
    }
    return true;
}

bool span_word_is(sw_str text, const char *word)
{
    return text.len == strlen(word) && span_starts(text, word);
}

sw_str span_cut(sw_str text, size_t chars)
{
    return text.len > chars ? sw_str_make(text.ptr, sw_utf8_prefix(text, chars)) : text;
}

/* ---- which values are usable -------------------------------------------------------------------- */

static bool usable_text(const otlp_value *value, size_t max)
{
    switch (value->kind) {
    case OTLP_STRING:
        return value->text.len > 0 && value->text.len <= max &&
               !memchr(value->text.ptr, '\0', value->text.len);
    case OTLP_INT:
    case OTLP_BOOL:
        return true;
    case OTLP_DOUBLE:
        return isfinite(value->as.real);
    default:
        return false;
    }
}

static bool usable_time(const otlp_value *value)
{
    double real = 0;
    return otlp_double(value, &real) && isfinite(real) && real >= 0;
}

static bool usable_count(const otlp_value *value)
{
    sw_int count = otlp_int(value);
    return count.known && count.value >= 0;
}

static bool usable_provider(const otlp_value *value)
{
    return value->kind == OTLP_STRING && usable_text(value, SW_LIMIT_WORD_BYTES) &&
           !span_is_framework(value->text);
}

bool span_usable(span_reader read, const otlp_value *value)
{
    switch (read) {
    case SPAN_READ_TEXT:
    case SPAN_READ_JSON_TEXT:
    case SPAN_READ_TIME:
        return usable_text(value, SW_LIMIT_WORD_BYTES);
    case SPAN_READ_PROVIDER:
        return usable_provider(value);
    case SPAN_READ_COUNT:
        return usable_count(value);
    case SPAN_READ_SECONDS:
    case SPAN_READ_MS:
        return usable_time(value);
    default:
        return value->kind != OTLP_NULL && (value->kind != OTLP_STRING || value->text.len > 0);
    }
}

/* ---- reading ------------------------------------------------------------------------------------ */

sw_str span_plain(sw_str text, sw_arena *arena)
{
    sw_json json;
    if (text.len < 2 || text.ptr[0] != '"') {
        return text;
    }
    sw_json_init(&json, text, arena);
    if (sw_json_next(&json) != SW_JSON_STRING || json.text.len == 0) {
        return text;
    }
    sw_str inner = json.text;
    return sw_json_next(&json) == SW_JSON_END ? inner : text;
}

static sw_str number_text(const otlp_value *value, sw_arena *arena)
{
    switch (value->kind) {
    case OTLP_INT:
        return sw_arena_printf(arena, "%lld", (long long)value->as.integer);
    case OTLP_DOUBLE:
        return sw_arena_printf(arena, "%.15g", value->as.real);
    case OTLP_BOOL:
        return value->as.boolean ? SW_STR("true") : SW_STR("false");
    default:
        return SW_NULL_STR;
    }
}

sw_str span_text(const span_reading *r, span_fact fact)
{
    const otlp_value *value = r->values[fact];
    span_reader read = value ? span_fact_reader(r, fact) : SPAN_READ_THERE;
    if (!value) {
        return SW_NULL_STR;
    }
    if (value->kind != OTLP_STRING) {
        return number_text(value, r->arena);
    }
    return read == SPAN_READ_JSON_TEXT || read == SPAN_READ_TIME || read == SPAN_READ_PROVIDER
               ? span_plain(value->text, r->arena)
               : value->text;
}

sw_int span_number(const span_reading *r, span_fact fact)
{
    return r->values[fact] ? otlp_int(r->values[fact]) : SW_NULL_INT;
}

bool span_real(const span_reading *r, span_fact fact, double *out)
{
    return r->values[fact] && otlp_double(r->values[fact], out);
}

/* ---- JSON --------------------------------------------------------------------------------------- */

sw_str span_unwrap(sw_str text, sw_arena *arena)
{
    sw_json json;
    sw_json_init(&json, text, arena);
    if (sw_json_next(&json) == SW_JSON_STRING && json.text.len > 0 &&
        strchr("{[\"", json.text.ptr[0])) {
        text = json.text;
    }
    return text.len > 0 && sw_json_valid(text, NULL, NULL) ? text : SW_NULL_STR;
}

static sw_str quoted(sw_str text, sw_arena *arena)
{
    sw_buf buf;
    sw_json_out out;
    sw_buf_init(&buf, arena->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_str(&out, text);
    return sw_buf_take(&buf, arena);
}

/* Parameters are mostly 0, 1 or 2; finding the shortest form of a double is dear. */
static bool is_small_whole(const otlp_value *value)
{
    double real = value->kind == OTLP_DOUBLE ? value->as.real : 0.5;
    return real >= 0 && real < 1e6 && floor(real) == real;
}

static sw_str written(const otlp_value *value, sw_arena *arena)
{
    sw_buf buf;
    sw_json_out out;
    sw_buf_init(&buf, arena->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    if (is_small_whole(value)) {
        sw_json_int(&out, (int64_t)value->as.real);
    } else {
        otlp_write_json(&out, value, arena);
    }
    return sw_buf_take(&buf, arena);
}

sw_str span_value_json(const otlp_value *value, bool quote, sw_arena *arena)
{
    if (value->kind != OTLP_STRING) {
        return written(value, arena);
    }
    sw_str json = span_unwrap(value->text, arena);
    return json.ptr || !quote ? json : quoted(value->text, arena);
}

sw_str span_json(const span_reading *r, span_fact fact)
{
    return r->values[fact] ? span_value_json(r->values[fact], false, r->arena) : SW_NULL_STR;
}

/* ---- lists of words ----------------------------------------------------------------------------- */

typedef struct word_walk {
    span_each_word *each;
    void *arg;
} word_walk;

static bool show_word(void *arg, sw_str key, const otlp_value *value)
{
    const word_walk *walk = arg;
    (void)key;
    if (value->kind == OTLP_STRING && value->text.len > 0) {
        walk->each(walk->arg, value->text);
    }
    return true;
}

/* A JSON array of strings, or a JSON string; false when it is neither. */
static bool json_words(sw_str text, sw_arena *arena, const word_walk *walk)
{
    sw_json json;
    if (text.len == 0 || !strchr("[\"", text.ptr[0])) {
        return false;
    }
    text = span_unwrap(text, arena);
    if (!text.ptr) {
        return false;
    }
    sw_json_init(&json, text, arena);
    while (sw_json_next(&json) != SW_JSON_END && json.type != SW_JSON_ERROR) {
        if (json.type == SW_JSON_STRING && json.depth <= 1 && json.text.len > 0) {
            walk->each(walk->arg, json.text);
        }
    }
    return true;
}

void span_words(const otlp_value *value, sw_arena *arena, span_each_word *each, void *arg)
{
    word_walk walk = {each, arg};
    if (value->kind == OTLP_ARRAY) {
        sw_status status = otlp_walk(value, arena, show_word, &walk, NULL);
        arena->failed |= status == SW_STATUS_NO_MEMORY;
    } else if (value->kind == OTLP_STRING && !json_words(value->text, arena, &walk)) {
        each(arg, value->text);
    }
}
