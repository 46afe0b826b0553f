/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of the tables in memory: fast and well mixed, not secret and not stable between
 * versions. Whoever keeps it in a file, or trusts it against an enemy who knows the seed, is wrong
 * here.
 *
 * The idea: multiply two 64-bit halves into 128 bits and fold them; one multiplication then spreads
 * sixteen bytes of input over the whole word.
 */
#include "base/base.h"
#include "base/bytes.h"

__extension__ typedef unsigned __int128 wide;

/* Odd numbers with about as many ones as zeros; nothing else about them matters. */
#define SALT_A UINT64_C(0x9d7c3fb1a6e05b2d)
#define SALT_B UINT64_C(0xc3a58f642e9b71d5)

static uint64_t fold(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to seven bytes as a number; the length, which is mixed in elsewhere, tells equal ones apart.
 */
static uint64_t few_bytes(const unsigned char *at, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

uint64_t sw_hash(uint64_t seed, const void *data, size_t len)
{
    const unsigned char *at = data;
    uint64_t state = seed ^ fold(seed ^ SALT_A, (uint64_t)len ^ SALT_B);
    if (len < 8) {
        return fold(SALT_B ^ len, fold(few_bytes(at, len) ^ SALT_A, state));
    }
    const unsigned char *end = at + len;
    for (; end - at > 16; at += 16) {
        state = fold(sw__word(at) ^ SALT_A, sw__word(at + 8) ^ state);
    }
    /* The last sixteen bytes, or all when there are fewer: the words may overlap what was seen. */
    uint64_t first = sw__word(len >= 16 ? end - 16 : at);
    return fold(SALT_B ^ len, fold(first ^ SALT_A, sw__word(end - 8) ^ state));
}
