/* SPDX-License-Identifier: Apache-2.0 */
/* One field of a row: is it null, is it equal, which comes first, what does its text form say.
 * Knows nothing of whole records, nor of what a value may be (check.c).
 */
#include <stdio.h>

#include "model/model.h"
#include "model/private.h"

const char *sw_field_column(const sw_field *field)
{
    return field->column ? field->column : field->name;
}

void sw_field_clear(const sw_field *field, void *row)
{
    if (sw_kind_is_text(field->kind)) {
        *sw_field_str(field, row) = SW_NULL_STR;
    } else {
        *sw_field_int(field, row) = SW_NULL_INT;
    }
}

void sw_field_copy(const sw_field *field, void *to, const void *from)
{
    if (sw_kind_is_text(field->kind)) {
        *sw_field_str(field, to) = sw_field_text(field, from);
    } else {
        *sw_field_int(field, to) = sw_field_number(field, from);
    }
}

/* ---- order ----------------------------------------------------------------------------------- */

/* Ids too long to have a key come last, by their bytes, so that the order stays total whatever a
 * caller compares with.
 */
static int id_cmp(sw_str a, sw_str b, const char *prefix)
{
    sw_key key_a;
    sw_key key_b;
    sw_str home = sw_str_from(prefix ? prefix : "");
    bool fits_a = false;
    bool fits_b = false;
    if (sw_str_eq(a, b)) {
        return 0;
    }
    fits_a = sw_key_encode(a, home, &key_a);
    fits_b = sw_key_encode(b, home, &key_b);
    if (fits_a && fits_b) {
        return sw_key_cmp(&key_a, &key_b);
    }
    return fits_a != fits_b ? (fits_a ? -1 : 1) : sw_str_cmp(a, b);
}

int sw__text_cmp(const sw_field *field, sw_str a, sw_str b)
{
    if (field->kind == SW_KIND_ID && a.ptr && b.ptr) {
        return id_cmp(a, b, field->prefix);
    }
    return sw_str_cmp(a, b);
}

static int int_cmp(sw_int a, sw_int b)
{
    if (!a.known || !b.known) {
        return (a.known != 0) - (b.known != 0);
    }
    return (a.value > b.value) - (a.value < b.value);
}

int sw_field_cmp(const sw_field *field, const void *a, const void *b)
{
    if (sw_kind_is_text(field->kind)) {
        return sw__text_cmp(field, sw_field_text(field, a), sw_field_text(field, b));
    }
    return int_cmp(sw_field_number(field, a), sw_field_number(field, b));
}

/* ---- text forms ------------------------------------------------------------------------------ */

static void add_words(char *text, size_t size, const sw_enum_info *list)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, size - len, "%s%s", i == 0 ? "" : ", ", list->words[i]);
    }
}

static sw_status parse_enum(const sw_field *field, sw_str text, int64_t *out, sw_error *err)
{
    const sw_enum_info *list = &sw__enums[field->words];
    char words[sizeof err->message - 96] = "";
    int found = sw_enum_find(field->words, text);
    int near = found < 0 ? sw_nearest(text, list->words, list->count) : -1;
    if (found >= 0) {
        *out = found;
        return SW_STATUS_OK;
    }
    add_words(words, sizeof words, list);
    return sw_fail(err, SW_STATUS_INVALID, field->name, "is not a %s (%s)%s%s%s", list->name, words,
                   near < 0 ? "" : "; did you mean ", near < 0 ? "" : list->words[near],
                   near < 0 ? "" : "?");
}

static bool parse_bool(sw_str text, int64_t *out)
{
    bool yes = sw_str_eq(text, SW_STR("true")) || sw_str_eq(text, SW_STR("1"));
    bool no = sw_str_eq(text, SW_STR("false")) || sw_str_eq(text, SW_STR("0"));
    *out = yes;
    return yes || no;
}

static sw_status parse_number(const sw_field *field, sw_str text, int64_t *out, sw_error *err)
{
    switch (field->kind) {
    case SW_KIND_ENUM:
        return parse_enum(field, text, out, err);
    case SW_KIND_BOOL:
        return parse_bool(text, out)
                   ? SW_STATUS_OK
                   : sw_fail(err, SW_STATUS_INVALID, field->name, "is neither true nor false");
    case SW_KIND_INT:
        return sw_parse_int(text, out) && *out >= 0 && *out <= SW_LIMIT_TOKENS
                   ? SW_STATUS_OK
                   : sw_fail(err, SW_STATUS_INVALID, field->name,
                             "is not an integer from 0 to %lld", (long long)SW_LIMIT_TOKENS);
    case SW_KIND_LONG:
        return sw_parse_int(text, out)
                   ? SW_STATUS_OK
                   : sw_fail(err, SW_STATUS_INVALID, field->name, "is not an integer");
    case SW_KIND_TIME:
        return sw_time_parse(text, out)
                   ? SW_STATUS_OK
                   : sw_fail(err, SW_STATUS_INVALID, field->name, "is not an ISO 8601 time");
    case SW_KIND_ID:
    case SW_KIND_HEX:
    case SW_KIND_TEXT:
    case SW_KIND_WORD:
    case SW_KIND_JSON:
    case SW_KIND_TAGS:
    case SW_KIND_BYTES:
    case SW_KIND_COUNT:
        break;
    }
    SW_IMPOSSIBLE("a number of a kind held as text");
}

sw_status sw_field_parse(const sw_field *field, void *row, sw_str text, sw_error *err)
{
    int64_t value = 0;
    sw_status status = SW_STATUS_OK;
    if (!text.ptr) {
        sw_field_clear(field, row);
        return SW_STATUS_OK;
    }
    if (field->kind == SW_KIND_BYTES) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, field->name,
                       "holds bytes, which have no text form");
    }
    if (sw_kind_is_text(field->kind)) {
        *sw_field_str(field, row) = text;
        return SW_STATUS_OK;
    }
    status = parse_number(field, text, &value, err);
    if (status == SW_STATUS_OK) {
        *sw_field_int(field, row) = sw_int_of(value);
    }
    return status;
}

/* ---- words of closed lists ------------------------------------------------------------------- */

const char *sw_enum_word(sw_enum_id list, int64_t value)
{
    sw_assert((unsigned)list < SW_ENUM_COUNT);
    if (value < 0 || (uint64_t)value >= sw__enums[list].count) {
        return NULL;
    }
    return sw__enums[list].words[value];
}

int sw_enum_find(sw_enum_id list, sw_str word)
{
    sw_assert((unsigned)list < SW_ENUM_COUNT);
    for (size_t i = 0; word.ptr && i < sw__enums[list].count; i++) {
        if (sw_str_eq(word, sw_str_from(sw__enums[list].words[i]))) {
            return (int)i;
        }
    }
    return -1;
}
