/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing over what a group gathers: cells and histograms, by record and key. */
#ifndef SW_LEDGER_TABLE_H
#define SW_LEDGER_TABLE_H

#include "ledger/internal.h"

/* How the two kinds of entry are told apart. */
typedef bool sw_same_entry(const sw_group *group, const void *entry, uint64_t hash, size_t which,
                           const void *key);
typedef uint64_t sw_hash_entry(const void *entry);

uint64_t sw__key_hash(const sw_group *group, sw_record_id id, const void *key);
/* Equal texts are the same id, and two texts never are. */
bool sw__same_key(const sw_group *group, sw_record_id id, const void *a, const void *b);
/* A row in the arena of which only the key is filled. */
void *sw__copy_key(sw_group *group, const sw_record *record, const void *key);
/* The slot of the entry, or the empty slot where it belongs; NULL: no memory. */
void **sw__table_slot(sw_group *group, sw_table *table, sw_hash_entry *hash_of, sw_same_entry *same,
                      uint64_t hash, size_t which, const void *key);

/* The histograms that moved (spread.c); part of sw_group_flush. */
sw_status sw__spreads_flush(sw_group *group, sw_error *err);

#endif
