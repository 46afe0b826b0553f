/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of pointers in the group's arena. It only grows: a group lives for milliseconds. */
#include "ledger/table.h"

enum { TABLE_START = 256 };

uint64_t sw__key_hash(const sw_group *group, sw_record_id id, const void *key)
{
    const sw_record *record = sw_record_of(id);
    uint64_t hash = 0x9e3779b97f4a7c15u + (uint64_t)id;

    for (uint64_t mask = group->ledger->key_fields[id]; mask; mask &= mask - 1) {
        const sw_field *field = &record->fields[__builtin_ctzll(mask)];
        if (sw_kind_is_text(field->kind)) {
            sw_str text = sw_field_text(field, key);
            hash = sw_hash(hash, text.ptr ? text.ptr : "", text.len);
        } else {
            int64_t value = sw_field_number(field, key).value;
            hash = sw_hash(hash, &value, sizeof value);
        }
    }
    return hash;
}

bool sw__same_key(const sw_group *group, sw_record_id id, const void *a, const void *b)
{
    const sw_record *record = sw_record_of(id);

    for (uint64_t mask = group->ledger->key_fields[id]; mask; mask &= mask - 1) {
        if (!sw_field_equal(&record->fields[__builtin_ctzll(mask)], a, b)) {
            return false;
        }
    }
    return true;
}

static bool table_grow(sw_group *group, sw_table *table, sw_hash_entry *hash_of)
{
    size_t size = table->size ? table->size * 2 : TABLE_START;
    void **slots = sw_arena_zeroed(&group->arena, size * sizeof *slots);

    if (!slots) {
        return false;
    }
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i]) {
            size_t at = hash_of(table->slots[i]) & (size - 1);
            while (slots[at]) {
                at = (at + 1) & (size - 1);
            }
            slots[at] = table->slots[i];
        }
    }
    table->slots = slots;
    table->size = size;
    return true;
}

void **sw__table_slot(sw_group *group, sw_table *table, sw_hash_entry *hash_of, sw_same_entry *same,
                      uint64_t hash, size_t which, const void *key)
{
    size_t at = 0;

    if (table->count * 2 >= table->size && !table_grow(group, table, hash_of)) {
        return NULL;
    }
    at = hash & (table->size - 1);
    while (table->slots[at] && !same(group, table->slots[at], hash, which, key)) {
        at = (at + 1) & (table->size - 1);
    }
    return &table->slots[at];
}

void *sw__copy_key(sw_group *group, const sw_record *record, const void *key)
{
    void *copy = sw_arena_zeroed(&group->arena, record->size);
    return copy && sw_row_copy(record, copy, key, &group->arena) ? copy : NULL;
}
