/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader: one token at a time, strict, in one pass. Builds nothing, knows no record, and
 * touches each byte of the input once (a string that holds an escape twice).
 *
 * The idea: what may come next depends on one small state and, at a comma or a bracket, on one bit
 * a level; so there is no stack but the bits and no recursion. Strings are most of what is read, so
 * they are looked at eight bytes a step. A reader without an arena checks the same rules but
 * decodes nothing; that is how values are skipped and validated.
 */
#include "base/base.h"
#include "base/bytes.h"

/* What may come next; it tells as well what the next value will stand in. */
enum state {
    STATE_ONLY_VALUE,   /* the value that is the whole text */
    STATE_MEMBER_VALUE, /* the value behind a key */
    STATE_FIRST_ITEM,   /* a value or the array's end */
    STATE_FIRST_KEY,    /* a key or the object's end */
    STATE_AFTER_ALL,    /* nothing */
    STATE_AFTER_ITEM,   /* a comma or the array's end */
    STATE_AFTER_MEMBER, /* a comma or the object's end */
    STATE_FAILED
};

_Static_assert(SW_JSON_DEEPEST == 8 * sizeof((sw_json){0}.nesting), "a bit a level");
_Static_assert((int)SW_LIMIT_JSON_DEPTH <= (int)SW_JSON_DEEPEST, "the usual depth is possible");

void sw_json_init(sw_json *json, sw_str input, sw_arena *arena)
{
    const char *start = input.ptr ? input.ptr : "";
    *json = (sw_json){.start = start,
                      .at = start,
                      .end = start + input.len,
                      .arena = arena,
                      .deepest = SW_LIMIT_JSON_DEPTH};
}

/* ---- helpers --------------------------------------------------------------------------------- */

static bool fail(sw_json *json, const char *at, const char *why)
{
    json->state = STATE_FAILED;
    json->type = SW_JSON_ERROR;
    json->text = SW_NULL_STR;
    json->offset = (size_t)(at - json->start);
    json->error = at == json->end ? "the text ends too early" : why;
    return false;
}

static bool token(sw_json *json, sw_json_type type, const char *end)
{
    json->at = end;
    json->type = type;
    return true;
}

static inline const char *space_end(const char *at, const char *end)
{
    while (at != end && (unsigned char)*at <= ' ' && sw__is_space(*at)) {
        at++;
    }
    return at;
}

/* To where the next token begins. */
static inline void begin_token(sw_json *json)
{
    json->at = space_end(json->at, json->end);
    json->offset = (size_t)(json->at - json->start);
}

static bool comes(const sw_json *json, char c)
{
    return json->at != json->end && *json->at == c;
}

/* The state behind a value that began in this state. */
static uint8_t state_after(uint8_t state)
{
    static const uint8_t after[] = {
        [STATE_ONLY_VALUE] = STATE_AFTER_ALL,
        [STATE_MEMBER_VALUE] = STATE_AFTER_MEMBER,
        [STATE_FIRST_ITEM] = STATE_AFTER_ITEM,
        [STATE_AFTER_ITEM] = STATE_AFTER_ITEM,
    };
    return after[state];
}

/* ---- strings --------------------------------------------------------------------------------- */

/* Over what may stand in a string as it is, to a quote, a backslash, something wrong, or the end.
 */
static const char *plain_end(const char *at, const char *end)
{
    for (;;) {
        while (end - at >= SW_STRIDE) {
            uint32_t stops = sw__stops(at);
            if (stops != 0) {
                at += sw__first_stop(stops);
                break;
            }
            at += SW_STRIDE;
        }
        while (end - at < SW_STRIDE && at != end && (unsigned char)*at < 0x80 &&
               !sw__is_odd((unsigned char)*at)) {
            at++;
        }
        if (at == end || (unsigned char)*at < 0x80) {
            return at;
        }
        do {
            size_t step = sw__utf8_step(at, end);
            if (step == 0) {
                return at;
            }
            at += step;
        } while (at != end && (unsigned char)*at >= 0x80);
    }
}

/* Decoded text is never longer than what was written. */
static bool decode_string(sw_json *json, const char *from, const char *to)
{
    size_t room = (size_t)(to - from) + 1;
    char *out = json->arena ? sw_arena_alloc(json->arena, room) : NULL;
    const char *bad = NULL;
    size_t len = 0;
    if (json->arena && !out) {
        return fail(json, from, "there is no memory for the text");
    }
    const char *why = sw__json_unescape(from, to, json->mend, out, &len, &bad);
    if (why) {
        return fail(json, bad, why);
    }
    if (out) {
        out[len] = '\0';
    }
    json->text = sw_str_make(out, len);
    return true;
}

/* The quote that ends the text in which there is a backslash at `at`. */
static const char *quote_of(const char *at, const char *end)
{
    const char *quote = at;
    while ((quote = memchr(quote, '"', (size_t)(end - quote)))) {
        const char *slashes = quote;
        while (slashes > at && slashes[-1] == '\\') {
            slashes--;
        }
        if ((quote - slashes) % 2 == 0) {
            return quote;
        }
        at = quote + 1; /* it is escaped, so what stands before it is over */
        quote++;
    }
    return end;
}

/* A string that did not reach its quote in one go, because there is an escape in it or it is wrong.
 * Kept apart, so that the common case stays short.
 */
static __attribute__((noinline)) bool read_odd_string(sw_json *json, const char *from,
                                                      const char *at)
{
    if (json->known) {
        at = quote_of(at, json->end);
    }
    while (at != json->end && *at == '\\') {
        if (json->end - at < 2) {
            return fail(json, json->end, NULL);
        }
        at = plain_end(at + 2, json->end);
    }
    if (at == json->end || (unsigned char)*at >= 0x80) {
        return fail(json, at, "the text is not valid UTF-8");
    }
    if (*at != '"') {
        return fail(json, at, "a control character must be escaped");
    }
    json->at = at + 1;
    return (json->known && !json->arena) || decode_string(json, from, at);
}

/* The string whose opening quote is at json->at, into json->text; json->at gets behind the other
 * one.
 */
static inline bool read_text(sw_json *json)
{
    const char *from = json->at + 1;
    const char *at = plain_end(from, json->end);
    if (at == json->end || *at != '"') {
        return read_odd_string(json, from, at);
    }
    json->text = sw_str_make(from, (size_t)(at - from));
    json->at = at + 1;
    return true;
}

static bool read_string(sw_json *json)
{
    json->state = state_after(json->state);
    return read_text(json) && token(json, SW_JSON_STRING, json->at);
}

/* ---- the other values ------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *digits_end(const char *at, const char *end)
{
    while (at != end && is_digit(*at)) {
        at++;
    }
    return at;
}

/* Sets integer and is_integer from the digits of a number without fraction and exponent. */
static void read_integer(sw_json *json, const char *at, const char *end, bool negative)
{
    uint64_t value = 0;
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    if (end - at > 19) {
        return;
    }
    for (; at != end; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
    }
    if (value <= most) {
        json->is_integer = true;
        json->integer = negative ? (int64_t)(0 - value) : (int64_t)value;
    }
}

static bool read_number(sw_json *json)
{
    const char *start = json->at;
    const char *end = json->end;
    bool negative = *start == '-';
    const char *first = start + negative;
    const char *at = first;
    json->is_integer = false;
    at = at != end && *at == '0' ? at + 1 : digits_end(at, end);
    if (at == first) {
        return fail(json, at, "a digit is expected");
    }
    if (at != end && (*at == '.' || *at == 'e' || *at == 'E')) {
        if (*at == '.') {
            const char *fraction = at + 1;
            at = digits_end(fraction, end);
            if (at == fraction) {
                return fail(json, at, "a digit is expected after the point");
            }
        }
        if (at != end && (*at == 'e' || *at == 'E')) {
            const char *exponent = at + 1;
            exponent += exponent != end && (*exponent == '+' || *exponent == '-');
            at = digits_end(exponent, end);
            if (at == exponent) {
                return fail(json, at, "a digit is expected in the exponent");
            }
        }
    } else {
        read_integer(json, first, at, negative);
    }
    json->text = sw_str_make(start, (size_t)(at - start));
    json->state = state_after(json->state);
    return token(json, SW_JSON_NUMBER, at);
}

static bool read_word(sw_json *json, sw_str word, sw_json_type type)
{
    size_t room = (size_t)(json->end - json->at);
    size_t len = room < word.len ? room : word.len;
    if (memcmp(json->at, word.ptr, len) != 0) {
        return fail(json, json->at, "a value is expected");
    }
    if (len < word.len) {
        return fail(json, json->end, NULL);
    }
    json->state = state_after(json->state);
    return token(json, type, json->at + word.len);
}

static bool open_level(sw_json *json, sw_json_type type)
{
    if (json->depth >= json->deepest) {
        return fail(json, json->at, "the value nests too deep");
    }
    uint64_t bit = UINT64_C(1) << (json->depth % 64);
    uint64_t *bits = &json->nesting[json->depth / 64];
    *bits = type == SW_JSON_OBJECT ? *bits | bit : *bits & ~bit;
    json->depth++;
    json->state = type == SW_JSON_OBJECT ? STATE_FIRST_KEY : STATE_FIRST_ITEM;
    return token(json, type, json->at + 1);
}

/* The object or array is a complete value of the level around it. */
static bool close_level(sw_json *json, sw_json_type type)
{
    json->depth--;
    json->state = STATE_AFTER_ALL;
    if (json->depth > 0) {
        uint32_t level = json->depth - 1;
        bool object = json->nesting[level / 64] >> (level % 64) & 1;
        json->state = object ? STATE_AFTER_MEMBER : STATE_AFTER_ITEM;
    }
    return token(json, type, json->at + 1);
}

static bool read_value(sw_json *json)
{
    switch (json->at != json->end ? *json->at : '\0') {
    case '"':
        return read_string(json);
    case '{':
        return open_level(json, SW_JSON_OBJECT);
    case '[':
        return open_level(json, SW_JSON_ARRAY);
    case 'n':
        return read_word(json, SW_STR("null"), SW_JSON_NULL);
    case 't':
        return read_word(json, SW_STR("true"), SW_JSON_TRUE);
    case 'f':
        return read_word(json, SW_STR("false"), SW_JSON_FALSE);
    case '-':
        return read_number(json);
    default:
        break;
    }
    if (json->at != json->end && is_digit(*json->at)) {
        return read_number(json);
    }
    return fail(json, json->at, "a value is expected");
}

static bool read_key(sw_json *json)
{
    if (!comes(json, '"')) {
        return fail(json, json->at, "a key in quotes is expected");
    }
    if (!read_text(json)) {
        return false;
    }
    const char *colon = space_end(json->at, json->end);
    if (colon == json->end || *colon != ':') {
        return fail(json, colon, "a colon is expected after the key");
    }
    json->state = STATE_MEMBER_VALUE;
    return token(json, SW_JSON_KEY, colon + 1);
}

/* Over a comma and what is blank behind it; false when there is none. */
static bool pass_comma(sw_json *json)
{
    if (!comes(json, ',')) {
        return false;
    }
    json->at++;
    begin_token(json);
    return true;
}

/* ---- the reader's face ----------------------------------------------------------------------- */

static bool read_token(sw_json *json)
{
    if (json->state == STATE_FAILED) {
        return false; /* once failed, it stays so, and where and why stay as well */
    }
    begin_token(json);
    switch ((enum state)json->state) {
    case STATE_AFTER_MEMBER:
        if (pass_comma(json)) {
            return read_key(json);
        }
        return comes(json, '}') ? close_level(json, SW_JSON_OBJECT_END)
                                : fail(json, json->at, "a comma or } is expected");
    case STATE_AFTER_ITEM:
        if (pass_comma(json)) {
            return read_value(json);
        }
        return comes(json, ']') ? close_level(json, SW_JSON_ARRAY_END)
                                : fail(json, json->at, "a comma or ] is expected");
    case STATE_FIRST_KEY:
        return comes(json, '}') ? close_level(json, SW_JSON_OBJECT_END) : read_key(json);
    case STATE_FIRST_ITEM:
        return comes(json, ']') ? close_level(json, SW_JSON_ARRAY_END) : read_value(json);
    case STATE_AFTER_ALL:
        return json->at == json->end ? token(json, SW_JSON_END, json->at)
                                     : fail(json, json->at, "something follows the value");
    case STATE_ONLY_VALUE:
    case STATE_MEMBER_VALUE:
        return read_value(json);
    case STATE_FAILED:
        break;
    }
    return false;
}

sw_json_type sw_json_next(sw_json *json)
{
    json->text = SW_NULL_STR;
    (void)read_token(json); /* what it read, or that it failed, is in the type */
    return json->type;
}
