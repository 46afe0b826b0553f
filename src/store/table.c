/* SPDX-License-Identifier: Apache-2.0 */
/* What SQL stores ask about records, told from the descriptors; see table.h. */
#include "store/table.h"

static void fill_table(sw_table *table, const sw_record *model)
{
    *table = (sw_table){.model = model,
                        .shape = sw__record_shape(model),
                        .primary = sw_record_primary(model),
                        .key = sw__record_key_mask(model),
                        .counters = sw__record_counter_mask(model),
                        .shared = sw__record_shared_mask(model)};
    sw_assert(model->field_count < 64);
    table->all = (SW_MASK(model->field_count) - 1) & ~table->shared;
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        sw_implies((field->flags & SW_COUNTER) && table->shape == SW_SHAPE_KEY_PARTS,
                   (field->flags & SW_NOT_NULL) != 0);
        table->homes[i] = field->prefix ? sw_str_from(field->prefix) : SW_STR("");
        table->null_parts |= sw__null_part(field) ? SW_MASK(i) : 0;
        if (sw__field_is_key(field)) {
            sw_assert(table->key_count < SW_KEY_FIELDS);
            table->keys[table->key_count++] = (uint8_t)i;
        }
    }
}

/* The border between tenants is the record that refers to nothing. */
static bool refers_to_nothing(const sw_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].ref.record_plus_1) {
            return false;
        }
    }
    return true;
}

void sw__tables_fill(sw_table tables[SW_RECORD_COUNT])
{
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        fill_table(&tables[r], &sw__records[r]);
        tables[r].record = (uint8_t)r;
    }
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        for (size_t i = 0; i < sw__records[r].field_count; i++) {
            uint8_t parent = sw__records[r].fields[i].ref.record_plus_1;
            if (parent) {
                tables[parent - 1].is_parent = true;
                tables[r].border |= refers_to_nothing(&sw__records[parent - 1]) ? SW_MASK(i) : 0;
            }
        }
    }
}

/* ---- versions ----------------------------------------------------------------------------------- */

int sw__since(uint8_t declared)
{
    return declared ? declared : 1;
}

/* A record is as old as its key, which no version can change. What it shares with others (created_at ...) is older. */
int sw__record_since(const sw_record *record)
{
    return sw__since(record->fields[0].since);
}

int sw__schema_version(const sw_record *records, size_t count)
{
    int newest = 1;
    for (size_t r = 0; r < count; r++) {
        const sw_record *record = &records[r];
        for (size_t i = 0; i < record->field_count; i++) {
            int at = sw__since(record->fields[i].since);
            newest = at > newest ? at : newest;
        }
        for (size_t i = 0; i < record->index_count; i++) {
            int at = sw__since(record->indexes[i].since);
            newest = at > newest ? at : newest;
        }
    }
    return newest;
}

/* ---- words -------------------------------------------------------------------------------------- */

const char *sw__on_delete_words(sw_on_delete rule)
{
    switch (rule) {
    case SW_RESTRICT:
        return "RESTRICT";
    case SW_SET_NULL:
        return "SET NULL";
    case SW_CASCADE:
        return "CASCADE";
    }
    SW_IMPOSSIBLE("an unknown rule");
}

void sw__print_quoted(sw_buf *sql, const char *text)
{
    sw_buf_addc(sql, '\'');
    for (const char *c = text; *c; c++) {
        if (*c == '\'') {
            sw_buf_addc(sql, '\'');
        }
        sw_buf_addc(sql, *c);
    }
    sw_buf_addc(sql, '\'');
}
