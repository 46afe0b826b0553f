/* SPDX-License-Identifier: Apache-2.0 */
/* Entries by key, as the header says. Knows nothing of what they are. It only grows, and goes with its arena. */
#include "ledger/keyed.h"

enum { SLOTS_AT_FIRST = 64 };

static uint64_t hash_of(sw_str a, sw_str b)
{
    return sw_hash(sw_hash(a.len, a.ptr ? a.ptr : "", a.len), b.ptr ? b.ptr : "", b.len);
}

/* The slot of the entry, or the empty one where it belongs. */
static size_t slot_of(const sw_keyed *keyed, uint64_t hash, sw_str a, sw_str b)
{
    size_t at = hash & (keyed->size - 1);

    for (; keyed->slots[at]; at = (at + 1) & (keyed->size - 1)) {
        const sw_keyed_entry *entry = keyed->all[keyed->slots[at] - 1];
        if (entry->hash == hash && sw_str_eq(entry->a, a) && sw_str_eq(entry->b, b)) {
            break;
        }
    }
    return at;
}

static bool grow(sw_keyed *keyed)
{
    size_t size = keyed->size ? keyed->size * 2 : SLOTS_AT_FIRST;
    size_t *slots = sw_arena_zeroed(keyed->arena, size * sizeof *slots);

    if (!slots) {
        return false;
    }
    keyed->slots = slots;
    keyed->size = size;
    for (size_t i = 0; i < keyed->count; i++) {
        const sw_keyed_entry *entry = keyed->all[i];
        slots[slot_of(keyed, entry->hash, entry->a, entry->b)] = i + 1;
    }
    return true;
}

void *sw__keyed_find(const sw_keyed *keyed, sw_str a, sw_str b)
{
    size_t place = keyed->size ? keyed->slots[slot_of(keyed, hash_of(a, b), a, b)] : 0;

    return place ? keyed->all[place - 1] : NULL;
}

static sw_keyed_entry *make(sw_keyed *keyed, uint64_t hash, sw_str a, sw_str b, size_t size)
{
    sw_keyed_entry *entry = sw_arena_zeroed(keyed->arena, size);

    if (entry) {
        *entry =
            (sw_keyed_entry){hash, sw_arena_str(keyed->arena, a), sw_arena_str(keyed->arena, b)};
    }
    return keyed->arena->failed ? NULL : entry;
}

void *sw__keyed_entry(sw_keyed *keyed, sw_str a, sw_str b, size_t size)
{
    uint64_t hash = hash_of(a, b);
    sw_keyed_entry **all = NULL;
    size_t at = 0;

    if (keyed->count * 2 >= keyed->size && !grow(keyed)) {
        return NULL;
    }
    at = slot_of(keyed, hash, a, b);
    if (keyed->slots[at]) {
        return keyed->all[keyed->slots[at] - 1];
    }
    all = sw_arena_grow(keyed->arena, (void *)keyed->all, keyed->count, &keyed->room,
                        sizeof(sw_keyed_entry *));
    if (!all) {
        return NULL;
    }
    keyed->all = all;
    all[keyed->count] = make(keyed, hash, a, b, size);
    if (!all[keyed->count]) {
        return NULL;
    }
    keyed->slots[at] = ++keyed->count;
    return all[keyed->count - 1];
}
