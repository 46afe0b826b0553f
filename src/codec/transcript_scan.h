/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over JSON by its strings and brackets, sixteen bytes at a time, for lines of which little is wanted. It finds
 * where values end and keeps them as slices; it does not check what it passes over. Of a damaged line it says so when
 * a string does not end, holds a control character, or brackets do not match.
 */
#ifndef SW_CODEC_TRANSCRIPT_SCAN_H
#define SW_CODEC_TRANSCRIPT_SCAN_H

#include "base/bytes.h"

typedef struct scan {
    const char *at;
    const char *end;
    bool wrong;
} scan;

/* Brackets that are open at once in what is passed over. */
enum { SCAN_DEEPEST = 256 };

/* From behind the opening quote to the closing one; NULL: there is none. */
static inline const char *scan_string(const char *at, const char *end)
{
    for (;;) {
#ifdef __SSE2__
        for (; end - at >= 16; at += 16) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
            __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
            __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
            uint32_t stops = (uint32_t)_mm_movemask_epi8(_mm_or_si128(quote, control));
            if (stops) {
                at += __builtin_ctz(stops);
                break;
            }
        }
#endif
        while (at < end && *at != '"' && (unsigned char)*at >= 0x20) {
            at++;
        }
        if (at >= end || *at != '"') {
            return NULL;
        }
        size_t slashes = 0;
        while (at[-1 - (ptrdiff_t)slashes] == '\\') {
            slashes++;
        }
        if (slashes % 2 == 0) {
            return at;
        }
        at++;
    }
}

static inline void scan_blank(scan *s)
{
    while (s->at < s->end && sw__is_space(*s->at)) {
        s->at++;
    }
}

static inline bool scan_fail(scan *s)
{
    s->wrong = true;
    return false;
}

/* Behind the string that begins here. */
static inline bool scan_quoted(scan *s)
{
    const char *quote = scan_string(s->at + 1, s->end);

    if (!quote) {
        return scan_fail(s);
    }
    s->at = quote + 1;
    return true;
}

/* To the next quote or bracket. */
static inline void scan_to_sign(scan *s)
{
#ifdef __SSE2__
    for (; s->end - s->at >= 16; s->at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)s->at);
        __m128i folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
        __m128i open = _mm_cmpeq_epi8(folded, _mm_set1_epi8('{'));
        __m128i shut = _mm_cmpeq_epi8(folded, _mm_set1_epi8('}'));
        uint32_t signs = (uint32_t)_mm_movemask_epi8(_mm_or_si128(quote, _mm_or_si128(open, shut)));
        if (signs) {
            s->at += __builtin_ctz(signs);
            return;
        }
    }
#endif
    while (s->at < s->end && *s->at != '"' && (*s->at | 0x20) != '{' && (*s->at | 0x20) != '}') {
        s->at++;
    }
}

/* Behind the object or list that begins here. */
static inline bool scan_nested(scan *s)
{
    uint64_t kinds[SCAN_DEEPEST / 64];
    uint32_t depth = 0;

    do {
        char c = s->at < s->end ? *s->at : 0;
        if (c == '"') {
            if (!scan_quoted(s)) {
                return false;
            }
        } else if (c == '{' || c == '[') {
            uint64_t bit = UINT64_C(1) << (depth % 64);
            if (depth == SCAN_DEEPEST) {
                return scan_fail(s);
            }
            kinds[depth / 64] = depth % 64 == 0 ? 0 : kinds[depth / 64];
            kinds[depth / 64] = c == '{' ? kinds[depth / 64] | bit : kinds[depth / 64] & ~bit;
            depth++;
            s->at++;
        } else if (c == '}' || c == ']') {
            depth--;
            if ((c == '}') != ((kinds[depth / 64] >> (depth % 64) & 1) != 0)) {
                return scan_fail(s);
            }
            s->at++;
        } else {
            return scan_fail(s);
        }
        if (depth > 0) {
            scan_to_sign(s);
        }
    } while (depth > 0);
    return true;
}

/* Letters and digits: a number, true, false, null. */
static inline bool scan_word(scan *s)
{
    const char *from = s->at;

    while (s->at < s->end && (sw__hex[(unsigned char)*s->at] || strchr("+-.Enrlstu", *s->at)) &&
           *s->at) {
        s->at++;
    }
    return s->at > from ? true : scan_fail(s);
}

/* Behind the value that begins here; `raw` as it is written. */
static inline bool scan_value(scan *s, sw_str *raw)
{
    const char *from = s->at;
    char c = s->at < s->end ? *s->at : 0;

    if (c == '"' ? !scan_quoted(s) : c == '{' || c == '[' ? !scan_nested(s) : !scan_word(s)) {
        return false;
    }
    *raw = sw_str_make(from, (size_t)(s->at - from));
    return true;
}

/* Inside an object or list, before its first element. */
static inline bool scan_open(scan *s, char bracket)
{
    scan_blank(s);
    if (s->at >= s->end || *s->at != bracket) {
        return scan_fail(s);
    }
    s->at++;
    return true;
}

/* Whether an element follows; false is the end, or damage (`wrong`). `first`: none was read yet. */
static inline bool scan_more(scan *s, char bracket, bool *first)
{
    scan_blank(s);
    if (s->at < s->end && *s->at == bracket) {
        s->at++;
        return false;
    }
    if (!*first) {
        if (s->at >= s->end || *s->at != ',') {
            return scan_fail(s);
        }
        s->at++;
        scan_blank(s);
    }
    *first = false;
    return true;
}

/* The key, with the value before us. */
static inline bool scan_key(scan *s, sw_str *key)
{
    const char *from = s->at + 1;

    if (s->at >= s->end || *s->at != '"') {
        return scan_fail(s);
    }
    if (!scan_quoted(s)) {
        return false;
    }
    *key = sw_str_make(from, (size_t)(s->at - 1 - from));
    scan_blank(s);
    if (s->at >= s->end || *s->at != ':') {
        return scan_fail(s);
    }
    s->at++;
    scan_blank(s);
    return true;
}

/* A member that is wanted: its name, and where its value goes. */
typedef struct scan_name {
    uint8_t len;
    uint8_t slot;
    char name[30];
} scan_name;
#define SCAN_NAME(SLOT, TEXT)                                                                      \
    {                                                                                              \
        sizeof TEXT - 1, SLOT, TEXT                                                                \
    }
/* Of a list of members, each X(SLOT, TEXT), the slots and the names. */
#define SCAN_SLOT(SLOT, TEXT) SLOT,
#define SCAN_ROW(SLOT, TEXT) SCAN_NAME(SLOT, TEXT),

/* Reads a value in place instead of passing over it: the same as scan_value, and whatever it likes. */
typedef bool scan_inside(void *arg, scan *s, uint8_t slot);

/* Fills found[slot] with the raw values of the wanted members of the object here; those not there stay null. Of two
 * with one name the last counts. Slots of the mask `in` are read by `inside`, so that nothing is walked twice. */
static inline bool scan_members_in(scan *s, const scan_name *names, size_t count, sw_str *found,
                                   uint64_t in, scan_inside *inside, void *arg)
{
    bool first = true;
    sw_str key;
    sw_str raw;

    if (!scan_open(s, '{')) {
        return false;
    }
    while (scan_more(s, '}', &first)) {
        const char *from = NULL;
        size_t i = 0;
        if (!scan_key(s, &key)) {
            return false;
        }
        while (i < count &&
               (names[i].len != key.len || memcmp(names[i].name, key.ptr, key.len) != 0)) {
            i++;
        }
        from = s->at;
        if (i < count && (in >> names[i].slot & 1) ? !inside(arg, s, names[i].slot)
                                                   : !scan_value(s, &raw)) {
            return false;
        }
        if (i < count) {
            found[names[i].slot] = sw_str_make(from, (size_t)(s->at - from));
        }
    }
    return !s->wrong;
}

static inline bool scan_members(scan *s, const scan_name *names, size_t count, sw_str *found)
{
    return scan_members_in(s, names, count, found, 0, NULL, NULL);
}

static inline scan scan_of(sw_str text)
{
    return (scan){text.ptr, text.ptr ? text.ptr + text.len : NULL, false};
}

/* Whether an object, or with '[' a list, begins here. */
static inline bool scan_opens(sw_str raw, char bracket)
{
    return raw.len > 0 && raw.ptr[0] == bracket;
}

/* The wanted members of a value; false: it is no object, or damaged. */
static inline bool scan_object(sw_str raw, const scan_name *names, size_t count, sw_str *found)
{
    scan s = scan_of(raw);
    return scan_opens(raw, '{') && scan_members(&s, names, count, found);
}

/* Of a line: blanks may stand around the object, and nothing else. */
static inline bool scan_line_object(sw_str line, const scan_name *names, size_t count,
                                    sw_str *found)
{
    scan s = scan_of(line);
    if (!scan_members(&s, names, count, found)) {
        return false;
    }
    scan_blank(&s);
    return s.at == s.end;
}

/* ---- values ------------------------------------------------------------------------------------------ */

static inline bool scan_is_string(sw_str raw)
{
    return raw.len >= 2 && raw.ptr[0] == '"';
}

/* A string's text; null when it is none, or is damaged, or there is no memory for it. */
sw_str scan_text(sw_str raw, sw_arena *arena);
/* A whole number that any JSON can carry (2^53 to either side), so that sums of a few and thousandfolds fit; else null. */
sw_int scan_count(sw_str raw);
/* Whether the raw value is exactly this. */
static inline bool scan_is(sw_str raw, const char *word)
{
    size_t len = strlen(word);
    return raw.len == len && memcmp(raw.ptr, word, len) == 0;
}

/* A time, if nanoseconds since 1970 can say it too (until 2255), and so all that lies between two; else null. */
static inline sw_int scan_us(int64_t us)
{
    const int64_t most = INT64_C(9000000000000000);
    return us >= 0 && us <= most ? sw_int_of(us) : SW_NULL_INT;
}

/* A time as ISO 8601 text; null when it is none. */
sw_int scan_time(sw_str raw);
/* A time as milliseconds since 1970. */
sw_int scan_time_ms(sw_str raw);
/* Dollars as they are written, in nano-dollars, rounded half up; null when it is no number, or negative. */
sw_int scan_nano_usd(sw_str number);
/* The next line without its line feed, from *at; false: there is none. `ends`: a line feed ended it. */
bool scan_line(sw_str bytes, size_t *at, sw_str *line, bool *ends);
int64_t scan_feeds(const char *from, const char *to);
/* Without the blanks around it. */
sw_str scan_trimmed(sw_str text);
/* Whether the whole line is one value and blanks around it. */
bool scan_is_whole(sw_str line);

#endif
