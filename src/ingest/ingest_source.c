/* SPDX-License-Identifier: Apache-2.0 */
/* Sources by their digest. Who sends may name another scope with each span, so that they are found by a table and not
 * one after the other, once they are more than a few. Knows nothing of what a source says.
 */
#include "ingest/ingest_inside.h"

enum { FEW = 16 };

uint32_t ingest_index_size(uint32_t count)
{
    uint32_t size = count > FEW ? 4 * FEW : 0;

    while (size > 0 && size < 2 * count) {
        size *= 2;
    }
    return size;
}

/* Where it is, or would be. */
static uint32_t slot_of(const ingest_index *index, const ingest_source *sources,
                        const uint8_t digest[INGEST_SOURCE])
{
    uint32_t at = (uint32_t)ingest_hash(index->key, digest, INGEST_SOURCE) & (index->size - 1);

    while (index->slots[at] != 0 &&
           memcmp(sources[index->slots[at] - 1].digest, digest, INGEST_SOURCE) != 0) {
        at = (at + 1) & (index->size - 1);
    }
    return at;
}

void ingest_index_add(ingest_index *index, const ingest_source *sources, uint32_t place)
{
    if (index->size > 0) {
        index->slots[slot_of(index, sources, sources[place].digest)] = place + 1;
    }
}

uint32_t ingest_index_find(const ingest_index *index, const ingest_source *sources, uint32_t count,
                           const uint8_t digest[INGEST_SOURCE])
{
    uint32_t i = 0;

    if (index->size > 0) {
        i = index->slots[slot_of(index, sources, digest)];
        return i > 0 ? i - 1 : count;
    }
    while (i < count && memcmp(sources[i].digest, digest, INGEST_SOURCE) != 0) {
        i++;
    }
    return i;
}

void ingest_index_fill(ingest_index *index, uint32_t *slots, uint32_t size,
                       const ingest_source *sources, uint32_t count)
{
    index->slots = slots;
    index->size = size;
    for (uint32_t i = 0; i < count; i++) {
        ingest_index_add(index, sources, i);
    }
}

bool ingest_index_fit(ingest_index *index, sw_arena *arena, const ingest_source *sources,
                      uint32_t count)
{
    uint32_t size = ingest_index_size(count + 1);
    uint32_t *slots = NULL;

    if (size <= index->size) {
        return true;
    }
    slots = sw_arena_zeroed(arena, size * sizeof *slots);
    if (slots) {
        ingest_index_fill(index, slots, size, sources, count);
    }
    return slots != NULL;
}
