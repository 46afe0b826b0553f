/* SPDX-License-Identifier: Apache-2.0 */
/* Text as people and programs send it: UTF-8, searching, guessing what was meant, numbers. Knows
 * nothing of where the text comes from; nothing here allocates.
 */
#include "base/base.h"
#include "base/bytes.h"

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

bool sw_utf8_valid(sw_str text)
{
    const char *at = text.ptr;
    const char *end = at ? at + text.len : at;
    while (at != end) {
        if (end - at >= 8 && !(sw__word(at) & SW_HIGH_BITS)) {
            at += 8;
            continue;
        }
        size_t step = sw__utf8_step(at, end);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

size_t sw_utf8_prefix(sw_str text, size_t chars)
{
    size_t at = 0;
    if (text.len <= chars) {
        return text.len;
    }
    for (; at < text.len; at++) {
        if (!sw__is_continuation((unsigned char)text.ptr[at]) && chars-- == 0) {
            break;
        }
    }
    return at;
}

size_t sw_utf8_count(sw_str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += !sw__is_continuation((unsigned char)text.ptr[i]);
    }
    return count;
}

/* ---- searching ------------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool sw_str_contains_nocase(sw_str hay, sw_str needle)
{
    if (needle.len == 0) {
        return true;
    }
    for (size_t at = 0; needle.len <= hay.len && at <= hay.len - needle.len; at++) {
        if (equal_nocase(hay.ptr + at, needle.ptr, needle.len)) {
            return true;
        }
    }
    return false;
}

/* ---- guessing -------------------------------------------------------------------------------- */

enum { GUESS_BYTES = 64 }; /* longer words are not names that somebody mistyped */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* How many bytes must be inserted, removed, replaced, or swapped with their neighbour to get from one word to the
 * other: the usual table, of which three rows are enough. `b` has at most GUESS_BYTES.
 */
static size_t edit_distance(sw_str a, sw_str b)
{
    size_t rows[3][GUESS_BYTES + 1];
    for (size_t j = 0; j <= b.len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t replaced = above[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, replaced);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1]) {
                size_t swapped = rows[(i - 2) % 3][j - 2] + 1;
                row[j] = swapped < row[j] ? swapped : row[j];
            }
        }
    }
    return rows[a.len % 3][b.len];
}

int sw_nearest(sw_str word, const char *const *words, size_t count)
{
    int best = -1;
    size_t bound = word.len / 3 + 1; /* what the next candidate must stay below */
    if (word.len > GUESS_BYTES) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        sw_str candidate = sw_str_from(words[i]);
        if (candidate.len >= word.len + bound) {
            continue;
        }
        size_t distance = edit_distance(candidate, word);
        if (distance < bound) {
            bound = distance;
            best = (int)i;
        }
    }
    return best;
}

/* ---- numbers --------------------------------------------------------------------------------- */

bool sw_parse_int(sw_str text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t at = negative || (text.len > 0 && text.ptr[0] == '+') ? 1 : 0;
    int64_t value = 0;
    if (at == text.len) {
        return false;
    }
    /* Counts downward for both signs, because the negative numbers reach one further. */
    for (; at < text.len; at++) {
        if (text.ptr[at] < '0' || text.ptr[at] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text.ptr[at] - '0', &value)) {
            return false;
        }
    }
    if (!negative && value == INT64_MIN) {
        return false;
    }
    *out = negative ? value : -value;
    return true;
}
