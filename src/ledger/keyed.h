/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that are found by their key, one or two texts, in memory. They stay where they are made, and are kept in the
 * order in which they were.
 */
#ifndef SW_LEDGER_KEYED_H
#define SW_LEDGER_KEYED_H

#include "ledger/internal.h"

/* A struct that is kept so begins with this. */
typedef struct sw_keyed_entry {
    uint64_t hash;
    sw_str a; /* copies */
    sw_str b;
} sw_keyed_entry;

/* Zeroed but for the arena: empty. */
typedef struct sw_keyed {
    sw_arena *arena;
    sw_keyed_entry **all;
    size_t count;
    size_t room;
    size_t *slots; /* open addressing: places in `all`, plus 1 */
    size_t size;
} sw_keyed;

/* The entry of the key; NULL: there is none. */
void *sw__keyed_find(const sw_keyed *keyed, sw_str a, sw_str b);
/* The same, made if need be: zeroed, of `size` bytes. NULL: no memory. */
void *sw__keyed_entry(sw_keyed *keyed, sw_str a, sw_str b, size_t size) SW_MUST_CHECK;

#endif
