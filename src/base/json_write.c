/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: brackets, keys and values into a growing text. Sets the commas and, when asked
 * for, the line breaks; knows no record and does not check that keys and values take turns.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/bytes.h"

void sw_json_out_init(sw_json_out *out, sw_buf *buf, bool pretty)
{
    *out = (sw_json_out){.buf = buf, .pretty = pretty};
}

/* ---- between the values ---------------------------------------------------------------------- */

static void new_line(sw_json_out *out)
{
    sw_buf_addc(out->buf, '\n');
    for (uint32_t i = 0; i < out->depth; i++) {
        sw_buf_add(out->buf, SW_STR("  "));
    }
}

/* Whether a comma comes before the next key or value. */
static bool comma_due(const sw_json_out *out)
{
    return out->depth > 0 && !out->after_key && out->comma;
}

static void value_begun(sw_json_out *out)
{
    out->after_key = false;
    out->comma = true;
}

/* Before a key or value: a comma behind the one before it, a line of its own unless its key is
 * there.
 */
static void begin_value(sw_json_out *out)
{
    if (comma_due(out)) {
        sw_buf_addc(out->buf, ',');
    }
    if (out->pretty && out->depth > 0 && !out->after_key) {
        new_line(out);
    }
    value_begun(out);
}

/* The same, and then the bytes; most values of most answers go this way, with one look at the buffer. */
static void add_value(sw_json_out *out, sw_str bytes)
{
    bool comma = comma_due(out);
    char *at = out->pretty ? NULL : sw_buf_reserve(out->buf, bytes.len + comma);
    if (!at) {
        begin_value(out);
        sw_buf_add(out->buf, bytes);
        return;
    }
    value_begun(out);
    if (comma) {
        *at++ = ',';
    }
    memcpy(at, bytes.ptr, bytes.len);
    at[bytes.len] = '\0';
    out->buf->len = (size_t)(at - out->buf->ptr) + bytes.len;
}

void sw_json_open(sw_json_out *out, char bracket)
{
    begin_value(out);
    sw_buf_addc(out->buf, bracket);
    out->depth++;
    out->comma = false;
}

void sw_json_close(sw_json_out *out, char bracket)
{
    sw_assert(out->depth > 0 && !out->after_key);
    out->depth--;
    if (out->pretty && out->comma) {
        new_line(out);
    }
    sw_buf_addc(out->buf, bracket);
    out->comma = true;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void add_escape(sw_buf *buf, char c)
{
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    char letter = (unsigned char)c < sizeof letters ? letters[(unsigned char)c] : c;
    if (letter == '\0') {
        sw_buf_addf(buf, "\\u%04x", (unsigned)c);
        return;
    }
    sw_buf_addc(buf, '\\');
    sw_buf_addc(buf, letter);
}

static void add_quoted(sw_buf *buf, sw_str text)
{
    const char *at = text.ptr;
    const char *end = at + text.len;
    sw_buf_addc(buf, '"');
    while (at != end) {
        const char *odd = sw__clean_end(at, end);
        sw_buf_add(buf, sw_str_make(at, (size_t)(odd - at)));
        at = odd;
        if (at != end) {
            add_escape(buf, *at++);
        }
    }
    sw_buf_addc(buf, '"');
}

/* A quoted text that needs no escape, a comma before it if need be, `tail` behind it. False: it needs one, or
 * lines of its own, or there is no room, and nothing was written. */
static bool add_clean(sw_json_out *out, sw_str text, sw_str tail)
{
    const char *end = text.ptr + text.len;
    bool comma = comma_due(out);
    char *at = NULL;
    if (out->pretty || sw__clean_end(text.ptr, end) != end) {
        return false;
    }
    at = sw_buf_reserve(out->buf, text.len + tail.len + 2 + comma);
    if (!at) {
        return false;
    }
    value_begun(out);
    if (comma) {
        *at++ = ',';
    }
    *at++ = '"';
    memcpy(at, text.ptr, text.len);
    at += text.len;
    *at++ = '"';
    memcpy(at, tail.ptr, tail.len);
    at += tail.len;
    *at = '\0';
    out->buf->len = (size_t)(at - out->buf->ptr);
    return true;
}

void sw_json_key(sw_json_out *out, sw_str key)
{
    sw_assert(key.ptr && out->depth > 0 && !out->after_key);
    if (!add_clean(out, key, SW_STR(":"))) {
        begin_value(out);
        add_quoted(out->buf, key);
        sw_buf_adds(out->buf, out->pretty ? ": " : ":");
    }
    out->after_key = true;
}

void sw_json_str(sw_json_out *out, sw_str text)
{
    if (!text.ptr) {
        sw_json_null(out);
    } else if (!add_clean(out, text, SW_STR(""))) {
        begin_value(out);
        add_quoted(out->buf, text);
    }
}

/* ---- the other values ------------------------------------------------------------------------ */

void sw_json_int(sw_json_out *out, int64_t value)
{
    begin_value(out);
    sw_buf_add_int(out->buf, value);
}

void sw_json_bool(sw_json_out *out, bool value)
{
    add_value(out, value ? SW_STR("true") : SW_STR("false"));
}

void sw_json_null(sw_json_out *out)
{
    add_value(out, SW_STR("null"));
}

void sw_json_raw(sw_json_out *out, sw_str value)
{
    if (!value.ptr) {
        sw_json_null(out);
        return;
    }
    sw_assert(value.len > 0);
    add_value(out, value);
}

/* ---- members --------------------------------------------------------------------------------- */

char *sw_json_members(sw_json_out *out, size_t size, bool *comma)
{
    bool here = !out->pretty && out->depth > 0 && !out->after_key;
    *comma = out->comma;
    return here ? sw_buf_reserve(out->buf, size) : NULL;
}

void sw_json_members_end(sw_json_out *out, char *end)
{
    size_t len = (size_t)(end - out->buf->ptr);
    *end = '\0';
    out->comma = out->comma || len > out->buf->len;
    out->buf->len = len;
}

bool sw_json_plain(sw_str text)
{
    return sw__clean_end(text.ptr, text.ptr + text.len) == text.ptr + text.len;
}

/* printf writes the decimal point of the host's locale, which may be several bytes; JSON has one.
 */
static void add_number(sw_buf *buf, const char *digits)
{
    for (; *digits; digits++) {
        bool plain = strchr("+-0123456789e", *digits) != NULL;
        if (plain) {
            sw_buf_addc(buf, *digits);
        } else if (strchr("+-0123456789e", digits[1])) {
            sw_buf_addc(buf, '.');
        }
    }
}

void sw_json_double(sw_json_out *out, double value)
{
    char digits[64];
    if (!isfinite(value)) {
        sw_json_null(out); /* JSON has no word for it */
        return;
    }
    /* Up to 15 digits, %g drops the zeros that are not needed and no shorter number is equal; only
     * the tiniest numbers, which have fewer digits to begin with, must be tried from one digit on.
     */
    int precision = isnormal(value) || value == 0 ? 15 : 1;
    for (; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, value);
        double back = strtod(digits, NULL);
        if (memcmp(&back, &value, sizeof back) == 0) {
            break;
        }
    }
    begin_value(out);
    add_number(out->buf, digits);
}
