/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers: uuids, "<prefix>-<uuid>", hexadecimal, and the short key under which a store keeps
 * an id. Knows the shape of ids and not what they name.
 *
 * The idea of the key: nearly every id has a known prefix, so sixteen bytes say it all and sort as
 * the text does, because lower-case hexadecimal is in the order of its bytes. What has another
 * shape stays text and loses nothing.
 */
#include <errno.h>
#include <sys/random.h>

#include "base/base.h"
#include "base/bytes.h"

/* ---- randomness ------------------------------------------------------------------------------ */

static void system_fill(void *data, void *out, size_t len)
{
    char *at = out;
    (void)data;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        sw_assert(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

const sw_random sw__system_random = {system_fill, NULL};

/* ---- hexadecimal ----------------------------------------------------------------------------- */

#define DECIMAL(DIGIT) (SW_IS_HEX | SW_IS_LOWER | ((DIGIT) - '0'))
#define LOWER(DIGIT) (SW_IS_HEX | SW_IS_LOWER | ((DIGIT) - 'a' + 10))
#define UPPER(DIGIT) (SW_IS_HEX | ((DIGIT) - 'A' + 10))
const uint8_t sw__hex[256] = {
    ['0'] = DECIMAL('0'), ['1'] = DECIMAL('1'), ['2'] = DECIMAL('2'), ['3'] = DECIMAL('3'),
    ['4'] = DECIMAL('4'), ['5'] = DECIMAL('5'), ['6'] = DECIMAL('6'), ['7'] = DECIMAL('7'),
    ['8'] = DECIMAL('8'), ['9'] = DECIMAL('9'), ['a'] = LOWER('a'),   ['b'] = LOWER('b'),
    ['c'] = LOWER('c'),   ['d'] = LOWER('d'),   ['e'] = LOWER('e'),   ['f'] = LOWER('f'),
    ['A'] = UPPER('A'),   ['B'] = UPPER('B'),   ['C'] = UPPER('C'),   ['D'] = UPPER('D'),
    ['E'] = UPPER('E'),   ['F'] = UPPER('F'),
};
#undef DECIMAL
#undef LOWER
#undef UPPER

static const char digits[] = "0123456789abcdef";

static uint8_t hex_of(char c)
{
    return sw__hex[(unsigned char)c];
}

/* The byte two digits stand for. `flags` keeps only what all digits so far had, so that one look at
 * the end tells whether they were digits at all.
 */
static uint8_t hex_pair(const char *at, uint8_t *flags)
{
    uint8_t high = hex_of(at[0]);
    uint8_t low = hex_of(at[1]);
    *flags = (uint8_t)(*flags & high & low);
    return (uint8_t)((high & 0xf) << 4 | (low & 0xf));
}

static void put_pair(char *at, uint8_t byte)
{
    at[0] = digits[byte >> 4];
    at[1] = digits[byte & 0xf];
}

/* Ids and traces are sixteen bytes, and each step brings half a dozen: their digits are read side by side. */
typedef uint8_t bytes16 __attribute__((vector_size(SW_UUID)));

/* What sixteen digits stand for. `good` keeps its bits where all so far were lower-case digits. */
static bytes16 digit_values(const char *at, bytes16 *good)
{
    bytes16 chars;
    memcpy(&chars, at, sizeof chars);
    bytes16 decimal = (bytes16)(chars - '0' <= 9);
    bytes16 letter = (bytes16)(chars - 'a' <= 5);
    *good &= decimal | letter;
    return (chars & 0xf) + (letter & 9);
}

static bool parse_sixteen(const char digits_in[2 * SW_UUID], uint8_t out[SW_UUID])
{
    bytes16 good = ~(bytes16){0};
    bytes16 a = digit_values(digits_in, &good);
    bytes16 b = digit_values(digits_in + SW_UUID, &good);
    bytes16 high =
        __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    bytes16 low =
        __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    uint64_t all[2];
    high = high << 4 | low;
    memcpy(out, &high, sizeof high);
    memcpy(all, &good, sizeof good);
    return (all[0] & all[1]) == UINT64_MAX;
}

bool sw_hex_parse(sw_str text, uint8_t *out, size_t bytes)
{
    uint8_t flags = SW_IS_LOWER;
    if (text.len % 2 != 0 || text.len / 2 != bytes) {
        return false;
    }
    if (bytes == SW_UUID) {
        return parse_sixteen(text.ptr, out);
    }
    for (size_t i = 0; i < bytes; i++) {
        out[i] = hex_pair(text.ptr + 2 * i, &flags);
    }
    return flags == SW_IS_LOWER;
}

void sw_hex_print(const uint8_t *in, size_t bytes, char *out)
{
    for (size_t i = 0; i < bytes; i++) {
        put_pair(out + 2 * i, in[i]);
    }
}

/* ---- uuids ----------------------------------------------------------------------------------- */

/* Where the pair of each byte begins, and where the dashes are. */
static const uint8_t pair_at[SW_UUID] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
static const uint8_t dash_at[] = {8, 13, 18, 23};

void sw_uuid_print(const uint8_t uuid[SW_UUID], char out[SW_UUID_TEXT])
{
    for (size_t i = 0; i < SW_UUID; i++) {
        put_pair(out + pair_at[i], uuid[i]);
    }
    for (size_t i = 0; i < SW_COUNT(dash_at); i++) {
        out[dash_at[i]] = '-';
    }
}

bool sw_uuid_parse(sw_str text, uint8_t out[SW_UUID])
{
    char together[2 * SW_UUID];
    if (text.len != SW_UUID_TEXT || text.ptr[8] != '-' || text.ptr[13] != '-' ||
        text.ptr[18] != '-' || text.ptr[23] != '-') {
        return false;
    }
    memcpy(together, text.ptr, 8);
    memcpy(together + 8, text.ptr + 9, 4);
    memcpy(together + 12, text.ptr + 14, 4);
    memcpy(together + 16, text.ptr + 19, 4);
    memcpy(together + 20, text.ptr + 24, 12);
    return parse_sixteen(together, out);
}

void sw_uuid_make(const sw_random *random, int64_t now_us, uint8_t out[SW_UUID])
{
    const int64_t last_us = (INT64_C(1) << 48) * 1000 - 1;
    now_us = now_us < 0 ? 0 : now_us > last_us ? last_us : now_us;
    uint64_t ms = (uint64_t)now_us / 1000;
    random->fill(random->data, out + 6, SW_UUID - 6);
    for (size_t i = 0; i < 6; i++) {
        out[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    /* Behind the version go the microseconds of the millisecond (10 bits), so that ids made one
     * after the other stay in order without anybody remembering the last one; 2 bits above 62 are
     * left random.
     */
    unsigned of_ms = (unsigned)(now_us % 1000);
    out[6] = (uint8_t)(0x40 | of_ms >> 6);
    out[7] = (uint8_t)((of_ms & 0x3f) << 2 | (out[7] & 0x03));
    out[8] = (uint8_t)(0x80 | (out[8] & 0x3f));
}

/* ---- ids ------------------------------------------------------------------------------------- */

bool sw_id_valid(sw_str id, sw_str prefix)
{
    uint8_t uuid[SW_UUID];
    if (prefix.len == 0 || id.len != prefix.len + 1 + SW_UUID_TEXT ||
        memcmp(id.ptr, prefix.ptr, prefix.len) != 0 || id.ptr[prefix.len] != '-') {
        return false;
    }
    return sw_uuid_parse(sw_str_make(id.ptr + prefix.len + 1, SW_UUID_TEXT), uuid) &&
           uuid[6] >> 4 == 4 && uuid[8] >> 6 == 2;
}

size_t sw_id_print(sw_str prefix, const uint8_t uuid[SW_UUID], char out[SW_ID_TEXT])
{
    sw_assert(prefix.len <= 24);
    if (prefix.len > 0) {
        memcpy(out, prefix.ptr, prefix.len);
    }
    out[prefix.len] = '-';
    sw_uuid_print(uuid, out + prefix.len + 1);
    out[prefix.len + 1 + SW_UUID_TEXT] = '\0';
    return prefix.len + 1 + SW_UUID_TEXT;
}

/* ---- keys ------------------------------------------------------------------------------------ */

_Static_assert(sizeof((sw_key){0}.bytes) == SW_LIMIT_ID_BYTES, "a key holds any id as text");

static void key_append(sw_key *key, sw_str bytes)
{
    if (bytes.len > 0) {
        memcpy(key->bytes + key->len, bytes.ptr, bytes.len);
        key->len = (uint8_t)(key->len + bytes.len);
    }
}

bool sw_key_encode(sw_str id, sw_str home, sw_key *out)
{
    out->escaped = false;
    out->len = 0;
    if (id.len > SW_LIMIT_ID_BYTES) {
        return false;
    }
    /* An id without anything before its dash stays text, because no prefix at all means home. */
    size_t prefix_len = id.len > SW_UUID_TEXT + 1 ? id.len - SW_UUID_TEXT - 1 : 0;
    if (prefix_len > 0 && id.ptr[prefix_len] == '-' &&
        sw_uuid_parse(sw_str_make(id.ptr + prefix_len + 1, SW_UUID_TEXT), out->bytes)) {
        sw_str prefix = sw_str_make(id.ptr, prefix_len);
        out->len = SW_UUID;
        if (!sw_str_eq(prefix, home)) {
            key_append(out, prefix);
        }
        return true;
    }
    out->escaped = true;
    key_append(out, id);
    return true;
}

size_t sw_key_decode(const sw_key *key, sw_str home, char *out)
{
    sw_assert(key->len <= SW_LIMIT_ID_BYTES);
    if (key->escaped) {
        memcpy(out, key->bytes, key->len);
        return key->len;
    }
    sw_assert(key->len >= SW_UUID && home.len <= SW_ID_TEXT);
    sw_str prefix = home;
    if (key->len > SW_UUID) {
        prefix = sw_str_make((const char *)key->bytes + SW_UUID, key->len - (size_t)SW_UUID);
    }
    if (prefix.len > 0) {
        memcpy(out, prefix.ptr, prefix.len);
    }
    out[prefix.len] = '-';
    sw_uuid_print(key->bytes, out + prefix.len + 1);
    return prefix.len + 1 + SW_UUID_TEXT;
}

int sw_key_cmp(const sw_key *a, const sw_key *b)
{
    size_t least = a->len < b->len ? a->len : b->len;
    if (a->escaped != b->escaped) {
        return a->escaped ? -1 : 1;
    }
    int order = memcmp(a->bytes, b->bytes, least);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}
