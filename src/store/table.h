/* SPDX-License-Identifier: Apache-2.0 */
/* What the stores that speak SQL ask about a record again and again; told once from its descriptors when
 * a store is opened. What depends on how a field lies in a column (`ordered`, `ranged`, `forms`) the store
 * fills in by itself.
 */
#ifndef SW_STORE_TABLE_H
#define SW_STORE_TABLE_H

#include "store/store_impl.h"

enum { SW_KEY_FIELDS = 8 }; /* most fields a key or an index may have */

typedef struct sw_table {
    const sw_record *model;
    uint8_t record; /* which */
    sw_shape shape;
    int primary; /* the primary field, or -1 */
    uint8_t keys[SW_KEY_FIELDS];
    uint8_t key_count;
    uint64_t all; /* fields of the table itself, without the shared ones */
    uint64_t key;
    uint64_t counters;
    uint64_t shared;
    uint64_t border; /* fields that name the organization: they tell few rows from each other */
    uint64_t
        null_parts; /* parts of the key that may be null; no database compares nulls in a key */
    bool is_parent; /* others refer to its rows */
    /* By the store: */
    bool adopted;     /* rows that another program wrote by rules of its own are among them */
    uint64_t ordered; /* fields whose order an index over their column gives */
    uint64_t ranged;  /* those of them that may bound a walk from below and above */
    bool
        walks_parents; /* what shares its parent's id is walked in the order of ids along the parents */
    uint8_t forms[64]; /* for the hot path: how each field lies in its column ... */
    sw_str homes[64];  /* ... and the prefix its ids mostly have */
} sw_table;

/* A part of the key that may be null. */
static inline bool sw__null_part(const sw_field *field)
{
    return (field->flags & (SW_KEY_PART | SW_NOT_NULL)) == SW_KEY_PART;
}

/* Fills all but what the store fills by itself. */
void sw__tables_fill(sw_table tables[SW_RECORD_COUNT]);

/* The schema version that a declared `.since` means, and the highest of all the records'. */
int sw__since(uint8_t declared);
int sw__record_since(const sw_record *record);
int sw__schema_version(const sw_record *records, size_t count);

/* The words of a rule, for a REFERENCES clause. */
const char *sw__on_delete_words(sw_on_delete rule);
/* Prints text between apostrophes. */
void sw__print_quoted(sw_buf *sql, const char *text);

#endif
