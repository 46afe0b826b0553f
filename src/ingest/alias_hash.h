/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of attribute keys, shared by the lookup and by the generator that lays its table out: both must
 * compute the same, also when one runs on another machine, so bytes are put together by hand. Knows nothing of
 * aliases.
 *
 * The table is a perfect hash of two steps: the low bits choose a displacement, which moves the high bits to a
 * slot of the key's own. So a key costs one hash, and at most one comparison.
 */
#ifndef SW_ALIAS_HASH_H
#define SW_ALIAS_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { ALIAS_GROUPS = 128, ALIAS_SLOTS = 512 };

/* Written out so that compilers see the one load it is. */
static inline uint64_t alias_word(const char *key)
{
    const unsigned char *at = (const unsigned char *)key;
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

/* Fewer than eight bytes. */
static inline uint64_t alias_few(const char *at, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        word = word << 8 | (unsigned char)at[i];
    }
    return word;
}

/* The last eight bytes may overlap what was seen; the length tells such keys apart. */
static inline uint64_t alias_hash(uint64_t seed, const char *key, size_t len)
{
    uint64_t h = seed ^ (uint64_t)len * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t at = 0; at + 8 < len; at += 8) {
        h = (h ^ alias_word(key + at)) * UINT64_C(0xbf58476d1ce4e5b9);
        h ^= h >> 31;
    }
    h ^= len >= 8 ? alias_word(key + len - 8) : alias_few(key, len);
    h = (h ^ h >> 32) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 32;
}

static inline size_t alias_group(uint64_t hash)
{
    return (size_t)(hash % ALIAS_GROUPS);
}

static inline size_t alias_slot(uint64_t hash, uint32_t displacement)
{
    uint64_t step = (hash >> 40) | 1;
    return (size_t)(((hash >> 12) + displacement * step) % ALIAS_SLOTS);
}

#endif
