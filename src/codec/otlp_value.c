/* SPDX-License-Identifier: Apache-2.0 */
/* Values for those who want to look into them: found by key, walked, as JSON, as a number whatever
 * they came as. Knows no meaning of any key. */
#include <math.h>
#include <stdlib.h>

#include "codec/otlp_inside.h"

const otlp_value *otlp_find(const otlp_attributes *attributes, sw_str key)
{
    for (size_t i = attributes->count; i > 0; i--) {
        const otlp_attribute *row = &attributes->items[i - 1];
        if (row->key.len == key.len && memcmp(row->key.ptr, key.ptr, key.len) == 0) {
            return &row->value;
        }
    }
    return NULL;
}

/* ---- walking -------------------------------------------------------------------------------------- */

static bool read_member(otlp_in *in, bool map, sw_str bytes, otlp_attribute *out)
{
    *out = (otlp_attribute){.key = map ? SW_STR("") : SW_NULL_STR};
    return map ? otlp__read_pair(in, bytes, out) : otlp__read_value(in, bytes, &out->value);
}

sw_status otlp_walk(const otlp_value *value, sw_arena *arena, otlp_each *each, void *arg,
                    sw_error *err)
{
    otlp_in in;
    pb_message message;
    pb_field field;
    otlp_attribute row;
    bool more = true;
    sw_assert(value->kind == OTLP_ARRAY || value->kind == OTLP_MAP);
    message = pb_open(otlp__begin(&in, value->text, arena, err));
    in.checked = true;
    while (more && message.at != message.end) {
        message.at = pb_field_at(message.at, message.end, &field);
        if (!message.at) {
            (void)otlp__bad(&in, 0, "is no list of values");
            break;
        }
        if (field.key == PB_KEY(LIST_VALUES, PB_BYTES)) {
            more = read_member(&in, value->kind == OTLP_MAP, field.bytes, &row) &&
                   each(arg, row.key, &row.value);
        }
    }
    otlp__finish(&in);
    return in.status;
}

/* ---- as JSON -------------------------------------------------------------------------------------- */

static void write_base64(sw_json_out *out, sw_str bytes, sw_arena *arena)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    char *text =
        bytes.len < SIZE_MAX / 2 ? sw_arena_alloc(arena, (bytes.len + 2) / 3 * 4 + 1) : NULL;
    size_t len = 0;
    if (!text) {
        out->buf->status = SW_STATUS_NO_MEMORY;
        return;
    }
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t bits = (uint32_t)at[i] << 16 | (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)at[i + 2] : 0);
        text[len++] = digits[bits >> 18];
        text[len++] = digits[bits >> 12 & 63];
        text[len++] = left > 1 ? digits[bits >> 6 & 63] : '=';
        text[len++] = left > 2 ? digits[bits & 63] : '=';
    }
    sw_json_str(out, sw_str_make(text, len));
}

static void write_real(sw_json_out *out, double value)
{
    if (isnan(value)) {
        sw_json_str(out, SW_STR("NaN"));
    } else if (isinf(value)) {
        sw_json_str(out, value > 0 ? SW_STR("Infinity") : SW_STR("-Infinity"));
    } else {
        sw_json_double(out, value);
    }
}

typedef struct writer {
    sw_json_out *out;
    sw_arena *arena;
} writer;

static bool write_member(void *arg, sw_str key, const otlp_value *value)
{
    writer *to = arg;
    if (key.ptr) {
        sw_json_key(to->out, key);
    }
    otlp_write_json(to->out, value, to->arena);
    return to->out->buf->status == SW_STATUS_OK;
}

static void write_list(sw_json_out *out, const otlp_value *value, sw_arena *arena)
{
    writer to = {.out = out, .arena = arena};
    bool map = value->kind == OTLP_MAP;
    sw_json_open(out, map ? '{' : '[');
    if (otlp_walk(value, arena, write_member, &to, NULL) != SW_STATUS_OK) {
        out->buf->status = SW_STATUS_NO_MEMORY;
    }
    sw_json_close(out, map ? '}' : ']');
}

void otlp_write_json(sw_json_out *out, const otlp_value *value, sw_arena *arena)
{
    switch (value->kind) {
    case OTLP_NULL:
        sw_json_null(out);
        break;
    case OTLP_STRING:
        sw_json_str(out, value->text);
        break;
    case OTLP_BOOL:
        sw_json_bool(out, value->as.boolean);
        break;
    case OTLP_INT:
        sw_json_int(out, value->as.integer);
        break;
    case OTLP_DOUBLE:
        write_real(out, value->as.real);
        break;
    case OTLP_ARRAY:
    case OTLP_MAP:
        write_list(out, value, arena);
        break;
    case OTLP_BYTES:
        write_base64(out, value->text, arena);
        break;
    }
}

/* ---- numbers -------------------------------------------------------------------------------------- */

/* A decimal number taken apart: the digits stand from `first` to `end`, perhaps with a point among
 * them, and are worth ten to the `shift` as if there were none. */
typedef struct decimal {
    bool negative;
    const char *first;
    const char *end;
    size_t digits;
    int64_t shift;
} decimal;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What is farther than this from the point is zero or too much for every kind of number. */
enum { FARTHEST = 100000000 };

static bool read_exponent(const char *at, const char *end, int64_t *out)
{
    bool negative = at != end && *at == '-';
    int64_t value = 0;
    at += at != end && (*at == '-' || *at == '+');
    if (at == end) {
        return false;
    }
    for (; at != end; at++) {
        if (!is_digit(*at)) {
            return false;
        }
        value = value < FARTHEST ? value * 10 + (*at - '0') : value;
    }
    *out = negative ? -value : value;
    return true;
}

static bool take_apart(sw_str text, decimal *out)
{
    const char *at = text.ptr;
    const char *end = at + text.len;
    bool point = false;
    int64_t exponent = 0;
    *out = (decimal){.negative = at != end && *at == '-'};
    at += out->negative;
    out->first = at;
    for (; at != end && (is_digit(*at) || (*at == '.' && !point)); at++) {
        out->digits += *at != '.';
        out->shift -= point;
        point = point || *at == '.';
    }
    out->end = at;
    if (out->digits == 0) {
        return false;
    }
    if (at != end && ((*at != 'e' && *at != 'E') || !read_exponent(at + 1, end, &exponent))) {
        return false;
    }
    out->shift += exponent;
    return true;
}

bool otlp__whole(sw_str text, bool *negative, uint64_t *size)
{
    decimal number;
    int64_t places = 0; /* before the point */
    uint64_t value = 0;
    bool over = false;
    if (!take_apart(text, &number)) {
        return false;
    }
    places = (int64_t)number.digits + number.shift;
    for (const char *at = number.first; at != number.end; at++) {
        if (*at == '.') {
            continue;
        }
        if (places-- <= 0) {
            if (*at != '0') {
                return false;
            }
            continue;
        }
        over = over || __builtin_mul_overflow(value, 10, &value) ||
               __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value);
    }
    for (; places > 0 && value > 0 && !over; places--) {
        over = __builtin_mul_overflow(value, 10, &value);
    }
    *negative = number.negative;
    *size = over ? UINT64_MAX : value;
    return true;
}

/* strtod expects the point that the host's locale has, so it gets none: "1.5" is "15e-1". More
 * digits than decide about a double are cut, and one behind them says whether they were all zero.
 */
bool otlp__real(sw_str text, double *out)
{
    enum { DECIDING = 780 };
    char digits[DECIDING + 40];
    decimal number;
    size_t len = 0;
    bool rest = false;
    if (sw_str_eq(text, SW_STR("NaN"))) {
        *out = NAN;
        return true;
    }
    if (sw_str_eq(text, SW_STR("Infinity")) || sw_str_eq(text, SW_STR("-Infinity"))) {
        *out = text.ptr[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (!take_apart(text, &number)) {
        return false;
    }
    for (const char *at = number.first; at != number.end; at++) {
        if (*at == '.' || (*at == '0' && len == 0)) {
            continue;
        }
        if (len < DECIDING) {
            digits[len++] = *at;
        } else {
            rest = rest || *at != '0';
            number.shift++;
        }
    }
    if (rest) {
        digits[len++] = '1';
        number.shift--;
    }
    (void)snprintf(digits + len, sizeof digits - len, "%se%lld", len == 0 ? "0" : "",
                   (long long)number.shift);
    *out = strtod(digits, NULL);
    *out = number.negative ? -*out : *out;
    return true;
}

sw_int otlp_int(const otlp_value *value)
{
    bool negative = false;
    uint64_t size = 0;
    const double past = 9223372036854775808.0; /* the first one that 63 bits do not hold */
    double real = value && value->kind == OTLP_DOUBLE ? value->as.real : 0.5;
    if (value && value->kind == OTLP_INT) {
        return sw_int_of(value->as.integer);
    }
    if (real >= -past && real < past && real == trunc(real)) {
        return sw_int_of((int64_t)real);
    }
    if (value && value->kind == OTLP_STRING && otlp__whole(value->text, &negative, &size) &&
        size <= (uint64_t)INT64_MAX + negative) {
        return sw_int_of(negative ? (int64_t)(0 - size) : (int64_t)size);
    }
    return SW_NULL_INT;
}

bool otlp_double(const otlp_value *value, double *out)
{
    if (!value) {
        return false;
    }
    switch (value->kind) {
    case OTLP_INT:
        *out = (double)value->as.integer;
        return true;
    case OTLP_DOUBLE:
        *out = value->as.real;
        return true;
    case OTLP_STRING:
        return otlp__real(value->text, out);
    default:
        return false;
    }
}

static bool is_word(sw_str text, sw_str word)
{
    return text.len == word.len && sw_str_contains_nocase(text, word);
}

bool otlp_bool(const otlp_value *value, bool *out)
{
    if (!value) {
        return false;
    }
    switch (value->kind) {
    case OTLP_BOOL:
        *out = value->as.boolean;
        return true;
    case OTLP_INT:
        *out = value->as.integer != 0;
        return value->as.integer == 0 || value->as.integer == 1;
    case OTLP_STRING:
        *out = is_word(value->text, SW_STR("true"));
        return *out || is_word(value->text, SW_STR("false"));
    default:
        return false;
    }
}
