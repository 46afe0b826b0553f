/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying stored values: each row that is read anyway passes the model's own check once more, as on its way in. What
 * is no value of its field is named with record, id and field, and nothing else is hidden by it. Knows nothing of what
 * fields have to do with one another.
 */
#include "ledger/verify.h"

const char *sw__stored_word(sw_enum_id words, int64_t value)
{
    const char *word = sw_enum_word(words, value);

    return word ? word : "none of its words";
}

void sw__hex_of(sw_str bytes, char out[2 * SW_DIGEST + 1])
{
    size_t len = bytes.len < SW_DIGEST ? bytes.len : SW_DIGEST;

    sw_hex_print((const uint8_t *)bytes.ptr, len, out);
    out[2 * len] = '\0';
}

static void differ(sw_check *c, sw_record_id id, const sw_field *field, const void *row)
{
    sw_error err = {.status = SW_STATUS_OK};
    char where[400];

    (void)sw_field_check(field, row, "", &err);
    sw__cell_name(id, row, where, sizeof where);
    sw__differ(c, "value", where, "%s: %s", field->name, err.message);
}

/* Of ids the form may be any: rows that were adopted have those of where they come from, and others name them. */
static bool holds(const sw_field *field, const void *row)
{
    sw_status status = sw_field_check(field, row, "", NULL);

    return status == SW_STATUS_OK ||
           (status == SW_STATUS_INVALID_ID && sw_field_text(field, row).len > 0);
}

/* Nearly every row is good: words are only spent on the others. */
void sw__check_values(sw_check *c, sw_record_id id, const void *row, uint64_t fields)
{
    const sw_record *record = sw_record_of(id);
    uint64_t all = UINT64_MAX >> (64 - record->field_count);

    if (fields == 0 && sw_row_check(record, row, "", NULL) == SW_STATUS_OK) {
        return;
    }
    for (uint64_t left = fields ? fields & all : all; left; left &= left - 1) {
        const sw_field *field = &record->fields[__builtin_ctzll(left)];
        if (!holds(field, row)) {
            differ(c, id, field, row);
        }
    }
}

typedef struct row_walk {
    sw_check *check;
    sw_record_id record;
    uint64_t fields;
    sw_visit *visit;
    void *arg;
} row_walk;

static sw_seen see_row(void *arg, const void *row)
{
    const row_walk *walk = arg;

    sw__check_values(walk->check, walk->record, row, walk->fields);
    return walk->visit(walk->arg, row);
}

sw_status sw__check_walk(sw_check *c, sw_record_id record, uint8_t owner, sw_str text,
                         uint64_t fields, sw_visit *visit, void *arg, sw_error *err)
{
    row_walk walk = {c, record, fields, visit, arg};

    return sw__check_again(c, record, owner, text, fields, see_row, &walk, err);
}
