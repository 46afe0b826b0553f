/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a scanned line, unescaped and read where they are used. */
#include "codec/transcript_scan.h"

sw_str scan_text(sw_str raw, sw_arena *arena)
{
    sw_str inner = SW_NULL_STR;
    const char *bad = NULL;
    char *to = NULL;
    size_t len = 0;

    if (!scan_is_string(raw)) {
        return SW_NULL_STR;
    }
    inner = sw_str_make(raw.ptr + 1, raw.len - 2);
    if (!memchr(inner.ptr, '\\', inner.len)) {
        return sw_utf8_valid(inner) ? inner : SW_NULL_STR;
    }
    to = sw_arena_alloc(arena, inner.len + 1);
    if (!to || sw__json_unescape(inner.ptr, inner.ptr + inner.len, true, to, &len, &bad)) {
        return SW_NULL_STR;
    }
    inner = sw_str_make(to, len);
    return sw_utf8_valid(inner) ? inner : SW_NULL_STR;
}

sw_int scan_count(sw_str raw)
{
    const int64_t most = INT64_C(1) << 53;
    int64_t value = 0;

    return raw.ptr && sw_parse_int(raw, &value) && value <= most && value >= -most
               ? sw_int_of(value)
               : SW_NULL_INT;
}

sw_int scan_time(sw_str raw)
{
    int64_t us = 0;

    return scan_is_string(raw) && sw_time_parse(sw_str_make(raw.ptr + 1, raw.len - 2), &us)
               ? scan_us(us)
               : SW_NULL_INT;
}

sw_int scan_time_ms(sw_str raw)
{
    sw_int ms = scan_count(raw);

    return ms.known && ms.value > 0 ? scan_us(ms.value * 1000) : SW_NULL_INT;
}

/* What stands behind an exponent's sign, at most two digits; false: there is more, or none. */
static bool exponent_of(sw_str text, int64_t *out)
{
    return sw_parse_int(text, out) && *out >= -30 && *out <= 9;
}

sw_int scan_nano_usd(sw_str number)
{
    int64_t value = 0;
    int64_t exponent = 0;
    int places = 0;
    bool point = false;
    bool digits = false;

    for (size_t i = 0; i < number.len; i++) {
        char c = number.ptr[i];
        if (c == '.' && !point) {
            point = true;
        } else if ((c == 'e' || c == 'E') && digits) {
            size_t from = i + 1 + (i + 1 < number.len && number.ptr[i + 1] == '+');
            if (!exponent_of(sw_str_make(number.ptr + from, number.len - from), &exponent)) {
                return SW_NULL_INT;
            }
            break;
        } else if (c < '0' || c > '9') {
            return SW_NULL_INT;
        } else {
            digits = true;
            if (value < INT64_MAX / 100) { /* what is beyond 17 digits is beyond any cent */
                value = value * 10 + (c - '0');
                places += point;
            } else if (!point) {
                return SW_NULL_INT;
            }
        }
    }
    exponent += 9 - places;
    for (; exponent > 0; exponent--) {
        if (value > INT64_MAX / 10) {
            return SW_NULL_INT;
        }
        value *= 10;
    }
    for (; exponent < -1 && value > 0; exponent++) {
        value /= 10;
    }
    if (exponent == -1) {
        value = value / 10 + (value % 10 >= 5);
    }
    return digits ? sw_int_of(value) : SW_NULL_INT;
}

bool scan_line(sw_str bytes, size_t *at, sw_str *line, bool *ends)
{
    const char *from = NULL;
    const char *feed = NULL;

    if (*at >= bytes.len) {
        return false;
    }
    from = bytes.ptr + *at;
    feed = memchr(from, '\n', bytes.len - *at);
    *ends = feed != NULL;
    *line = sw_str_make(from, feed ? (size_t)(feed - from) : bytes.len - *at);
    *at += line->len + (feed ? 1 : 0);
    return true;
}

int64_t scan_feeds(const char *from, const char *to)
{
    int64_t feeds = 0;

    for (; from < to; from++) {
        feeds += *from == '\n';
    }
    return feeds;
}

sw_str scan_trimmed(sw_str text)
{
    while (text.len > 0 && sw__is_space(text.ptr[0])) {
        text = sw_str_make(text.ptr + 1, text.len - 1);
    }
    while (text.len > 0 && sw__is_space(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

bool scan_is_whole(sw_str line)
{
    scan s = scan_of(line);
    sw_str raw;

    scan_blank(&s);
    if (!scan_value(&s, &raw)) {
        return false;
    }
    scan_blank(&s);
    return s.at == s.end;
}
