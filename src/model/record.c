/* SPDX-License-Identifier: Apache-2.0 */
/* Whole rows: find a field by its name, copy, compare, fill in defaults. Everything is a walk over
 * the record's descriptors; nothing here knows any record by name.
 */
#include "model/model.h"

/* ---- looking up ------------------------------------------------------------------------------ */

int sw_record_field(const sw_record *record, sw_str name)
{
    for (size_t i = 0; name.ptr && i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (field->name_len == name.len && memcmp(field->name, name.ptr, name.len) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int sw_record_primary(const sw_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].flags & SW_PRIMARY) {
            return (int)i;
        }
    }
    return -1;
}

int sw_record_find(sw_str name)
{
    for (int i = 0; name.ptr && i < SW_RECORD_COUNT; i++) {
        const sw_record *record = &sw__records[i];
        if (sw_str_eq(name, sw_str_from(record->name)) ||
            sw_str_eq(name, sw_str_from(record->table))) {
            return i;
        }
    }
    return -1;
}

/* ---- copying --------------------------------------------------------------------------------- */

bool sw_row_copy(const sw_record *record, void *to, const void *from, sw_arena *arena)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        sw_field_copy(field, to, from);
        if (sw_kind_is_text(field->kind) && sw_field_text(field, from).ptr) {
            sw_str copy = sw_arena_str(arena, sw_field_text(field, from));
            if (!copy.ptr) {
                return false;
            }
            *sw_field_str(field, to) = copy;
        }
    }
    return true;
}

static size_t text_size(const sw_record *record, const void *row)
{
    size_t size = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        if (sw_kind_is_text(record->fields[i].kind)) {
            size += sw_field_text(&record->fields[i], row).len;
        }
    }
    return size;
}

void *sw_row_clone(const sw_record *record, const void *row, const sw_allocator *from)
{
    char *block = sw_alloc(from, record->size + text_size(record, row));
    char *at = block ? block + record->size : NULL;
    if (!block) {
        return NULL;
    }
    memcpy(block, row, record->size);
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (sw_kind_is_text(field->kind) && sw_field_text(field, row).ptr) {
            sw_str *text = sw_field_str(field, block);
            memcpy(at, text->ptr, text->len);
            text->ptr = at;
            at += text->len;
        }
    }
    return block;
}

/* ---- comparing ------------------------------------------------------------------------------- */

bool sw_row_equal(const sw_record *record, const void *a, const void *b)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (!sw_field_equal(&record->fields[i], a, b)) {
            return false;
        }
    }
    return true;
}

int sw_row_cmp_key(const sw_record *record, const void *a, const void *b)
{
    for (size_t i = 0; i < record->field_count; i++) {
        int c = 0;
        if (record->fields[i].flags & (SW_PRIMARY | SW_KEY_PART)) {
            c = sw_field_cmp(&record->fields[i], a, b);
        }
        if (c) {
            return c;
        }
    }
    return 0;
}

/* A struct is its fields one after the other, each of two words: ptr and len, or value and known
 * (tables.c proves it). Field i is null when its first word (text) or second word (number) is 0.
 */
uint64_t sw_row_mask(const sw_record *record, const void *row)
{
    const char *cell = row;
    uint64_t mask = 0;
    for (size_t i = 0; i < record->field_count; i++, cell += sizeof(sw_int)) {
        uint64_t word = 0;
        memcpy(&word, cell + (record->texts >> i & 1 ? 0 : offsetof(sw_int, known)), sizeof word);
        mask |= (uint64_t)(word != 0) << i;
    }
    return mask;
}

/* ---- defaults -------------------------------------------------------------------------------- */

void sw_row_defaults(const sw_record *record, void *row)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (field->fallback && sw_field_is_null(field, row)) {
            sw_status status = sw_field_parse(field, row, sw_str_from(field->fallback), NULL);
            sw_assert(status == SW_STATUS_OK);
        }
    }
}
