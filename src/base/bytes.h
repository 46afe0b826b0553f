/* SPDX-License-Identifier: Apache-2.0 */
/* Small byte work that this room shares, and the codec, and nobody else: eight bytes at a time, one step of UTF-8, digits. Knows nothing of what the bytes mean.
 *
 * The idea of the word functions: a text is mostly bytes that need no attention, so look at eight
 * of them with a handful of arithmetic and stop only where one is odd.
 */
#ifndef SW_BYTES_H
#define SW_BYTES_H

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/base.h"

#define SW_EACH_BYTE UINT64_C(0x0101010101010101)
#define SW_HIGH_BITS UINT64_C(0x8080808080808080)

/* Eight bytes, the first one lowest. */
static inline uint64_t sw__word(const void *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* Marks, by its high bit, the first byte that a JSON text may not hold as it is: a quote, a
 * backslash, a control character. Marks above the first one mean nothing, because a borrow may have
 * made them.
 */
static inline uint64_t sw__odd_bytes(uint64_t word)
{
    uint64_t quote = word ^ (SW_EACH_BYTE * '"');
    uint64_t slash = word ^ (SW_EACH_BYTE * '\\');
    uint64_t control = (word - SW_EACH_BYTE * 0x20) & ~word;
    quote = (quote - SW_EACH_BYTE) & ~quote;
    slash = (slash - SW_EACH_BYTE) & ~slash;
    return (control | quote | slash) & SW_HIGH_BITS;
}

static inline bool sw__is_odd(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Which byte of the word the lowest mark is on; there is one. */
static inline size_t sw__first_mark(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) / 8;
}

/* Where a reader of a string must stop: at an odd byte or at one that is not ASCII. The processor's
 * own sixteen bytes at a time where there are such, because strings are what JSON is made of.
 */
#ifdef __SSE2__
enum { SW_STRIDE = 16 };

static inline uint32_t sw__stops(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    __m128i other = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)); /* signed: above 0x7f as well */
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), other));
}
#else
enum { SW_STRIDE = 8 };

static inline uint32_t sw__stops(const char *at)
{
    uint64_t word = sw__word(at);
    uint64_t marks = sw__odd_bytes(word) | (word & SW_HIGH_BITS);
    return marks ? UINT32_C(1) << sw__first_mark(marks) : 0;
}
#endif

/* Copies a stride, and tells where in it backslashes are. */
#ifdef __SSE2__
static inline uint32_t sw__copy_slashes(char *to, const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    _mm_storeu_si128((__m128i *)(void *)to, bytes);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
}
#else
static inline uint32_t sw__copy_slashes(char *to, const char *at)
{
    uint32_t slashes = 0;
    memcpy(to, at, SW_STRIDE);
    for (size_t i = 0; i < SW_STRIDE; i++) {
        slashes |= (uint32_t)(at[i] == '\\') << i;
    }
    return slashes;
}
#endif

static inline size_t sw__first_stop(uint32_t stops)
{
    return (size_t)__builtin_ctz(stops);
}

/* A byte of the word is NUL or above 0x7F. */
static inline bool sw__is_foreign(uint64_t word)
{
    return (((word - SW_EACH_BYTE) | word) & SW_HIGH_BITS) != 0;
}

/* Only ASCII without NUL, which nearly all text is: no need to look closer. The last step may look at bytes
 * for a second time, because that is cheaper than one by one.
 */
static inline bool sw__is_plain(const char *at, size_t len)
{
    const char *end = at + len;
    if (len < 8) {
        while (at != end && (signed char)*at > 0) {
            at++;
        }
        return at == end;
    }
#ifdef __SSE2__
    const __m128i zero = _mm_setzero_si128();
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        if (_mm_movemask_epi8(_mm_cmpgt_epi8(bytes, zero)) != 0xffff) {
            return false;
        }
    }
#endif
    for (; end - at > 8; at += 8) {
        if (sw__is_foreign(sw__word(at))) {
            return false;
        }
    }
    return !sw__is_foreign(sw__word(end - 8));
}

#ifdef __SSE2__
/* Which of sixteen bytes are odd. */
static inline uint32_t sw__odds(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control));
}

/* To the first odd byte, or the end, of at least sixteen bytes: the last look begins sixteen before the end. */
static inline const char *sw__clean_end_long(const char *at, const char *end)
{
    uint32_t odds = sw__odds(at);
    while (odds == 0 && end - at > SW_STRIDE) {
        at = end - at >= 2 * SW_STRIDE ? at + SW_STRIDE : end - SW_STRIDE;
        odds = sw__odds(at);
    }
    return odds == 0 ? end : at + sw__first_stop(odds);
}
#endif

/* To the first odd byte, or the end. */
static inline const char *sw__clean_end(const char *at, const char *end)
{
#ifdef __SSE2__
    if (end - at >= SW_STRIDE) {
        return sw__clean_end_long(at, end);
    }
#endif
    for (; end - at >= 8; at += 8) {
        uint64_t marks = sw__odd_bytes(sw__word(at));
        if (marks != 0) {
            return at + sw__first_mark(marks);
        }
    }
    while (at != end && !sw__is_odd((unsigned char)*at)) {
        at++;
    }
    return at;
}

/* White space of JSON. */
static inline bool sw__is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool sw__is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The length of the UTF-8 sequence at `at`, 1 to 4, or 0 when there is no valid one before `end`.
 */
static inline size_t sw__utf8_step(const char *at, const char *end)
{
    const unsigned char *p = (const unsigned char *)at;
    size_t room = (size_t)(end - at);
    if (room > 0 && p[0] < 0x80) {
        return 1;
    }
    if (room < 2 || p[0] < 0xc2 || p[0] > 0xf4 || !sw__is_continuation(p[1])) {
        return 0;
    }
    if (p[0] < 0xe0) {
        return 2;
    }
    if (room < 3 || !sw__is_continuation(p[2])) {
        return 0;
    }
    if (p[0] < 0xf0) {
        bool overlong = p[0] == 0xe0 && p[1] < 0xa0;
        bool surrogate = p[0] == 0xed && p[1] >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    if (room < 4 || !sw__is_continuation(p[3])) {
        return 0;
    }
    bool overlong = p[0] == 0xf0 && p[1] < 0x90;
    bool beyond = p[0] == 0xf4 && p[1] >= 0x90;
    return overlong || beyond ? 0 : 4;
}

/* Decodes what stands between the quotes of a JSON string into `to`, which has room for as much, or
 * only checks it when `to` is NULL; `mend` is that of sw_json. Returns NULL with the length in *len, or what is wrong with its
 * place in *bad. Every backslash must have a byte behind it. Defined in json_text.c.
 */
const char *sw__json_unescape(const char *at, const char *end, bool mend, char *to, size_t *len,
                              const char **bad);

/* A hexadecimal digit's value with SW_IS_HEX set, and SW_IS_LOWER when it is not a capital; 0 for
 * any other byte. Defined in id.c.
 */
enum { SW_IS_HEX = 0x10, SW_IS_LOWER = 0x20 };
extern const uint8_t sw__hex[256];

/* 00 to 99, two characters each. */
extern const char sw__digit_pairs[200];

static inline const char *sw__two_digits(uint64_t below_100)
{
    return &sw__digit_pairs[2 * below_100];
}

#endif
