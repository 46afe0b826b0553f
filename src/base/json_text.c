/* SPDX-License-Identifier: Apache-2.0 */
/* The text between the quotes of a JSON string, when there are escapes in it. The reader has found
 * its end and seen that the rest of it may stand there; here the escapes are judged and become
 * characters.
 */
#include "base/base.h"
#include "base/bytes.h"

/* The four digits of a \u escape, or -1. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        uint8_t digit = sw__hex[(unsigned char)at[i]];
        if (!(digit & SW_IS_HEX)) {
            return -1;
        }
        value = value << 4 | (digit & 0xf);
    }
    return value;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/* What stands for a character that is none. */
enum { REPLACEMENT = 0xfffd };

/* Reads the escape that begins with "\u" at *at, and a second one when they are a pair. Returns
 * what is wrong, or NULL.
 */
static const char *read_unicode(const char **at, const char *end, bool mend, uint32_t *c)
{
    int32_t first = hex4(*at + 2, end);
    if (first < 0) {
        return "four hexadecimal digits are expected after \\u";
    }
    if (first == 0 && !mend) {
        return "text must not hold NUL";
    }
    *at += 6;
    *c = first == 0 ? REPLACEMENT : (uint32_t)first;
    if (first < 0xd800 || first > 0xdfff) {
        return NULL;
    }
    int32_t second =
        end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex4(*at + 2, end) : -1;
    if (first > 0xdbff || second < 0xdc00 || second > 0xdfff) {
        *c = REPLACEMENT;
        if (mend) {
            return NULL;
        }
        *at -= 6;
        return "half of a surrogate pair stands alone";
    }
    *at += 6;
    *c = 0x10000 + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
    return NULL;
}

/* What stands behind a backslash, if it is one character for another; else 0. */
static char simple_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* Copies up to a backslash or the end. What is decoded is never longer than what was written, so that where a stride
 * can be read one can be written as well. Escapes are often near each other: a call for each would cost more.
 */
static const char *copy_plain(const char *at, const char *end, char **to)
{
    char *out = *to;
    while (end - at >= SW_STRIDE) {
        uint32_t slashes = sw__copy_slashes(out, at);
        if (slashes != 0) {
            *to = out + sw__first_stop(slashes);
            return at + sw__first_stop(slashes);
        }
        at += SW_STRIDE;
        out += SW_STRIDE;
    }
    while (at != end && *at != '\\') {
        *out++ = *at++;
    }
    *to = out;
    return at;
}

static const char *find_slash(const char *at, const char *end)
{
    const char *slash = memchr(at, '\\', (size_t)(end - at));
    return slash ? slash : end;
}

const char *sw__json_unescape(const char *at, const char *end, bool mend, char *to, size_t *len,
                              const char **bad)
{
    char *first = to;
    char unused[4] = "";
    while (at != end) {
        at = to ? copy_plain(at, end, &to) : find_slash(at, end);
        if (at == end) {
            break;
        }
        /* The reader went over a backslash and its next byte together, so there is a next byte. */
        uint32_t c = (unsigned char)simple_escape(at[1]);
        if (c != 0) {
            at += 2;
        } else {
            *bad = at;
            const char *why = at[1] == 'u' ? read_unicode(&at, end, mend, &c) : "no such escape";
            if (why) {
                return why;
            }
        }
        char *past = put_utf8(to ? to : unused, c);
        to = to ? past : NULL;
    }
    *len = to ? (size_t)(to - first) : 0;
    return NULL;
}
