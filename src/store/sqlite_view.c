/* SPDX-License-Identifier: Apache-2.0 */
/* The plain side of the file: a view for each public record, which shows every column under its declared
 * name and in the form that people read. Knows nothing of how rows get there.
 */
#include <stdio.h>

#include "store/sqlite_impl.h"

/* The text of an id from the column `at`, given the prefix it mostly has. */
static void print_id(const char *at, sw_str home, sw_buf *sql)
{
    sw_buf_addf(sql,
                "CASE typeof(%s) WHEN 'blob' THEN"
                " CASE WHEN length(%s) > 16 THEN CAST(substr(%s, 17) AS TEXT) ELSE '%.*s' END"
                " || '-' || lower(hex(substr(%s, 1, 4)) || '-' || hex(substr(%s, 5, 2)) || '-' ||"
                " hex(substr(%s, 7, 2)) || '-' || hex(substr(%s, 9, 2)) || '-' ||"
                " hex(substr(%s, 11, 6))) ELSE %s END",
                at, at, at, (int)home.len, home.ptr, at, at, at, at, at, at);
}

static void print_enum(const char *at, const sw_field *field, sw_buf *sql)
{
    const sw_enum_info *list = &sw__enums[field->words];
    sw_buf_addf(sql, "CASE %s", at);
    for (size_t i = 0; i < list->count; i++) {
        sw_buf_addf(sql, " WHEN %zu THEN ", i);
        sw__print_quoted(sql, list->words[i]);
    }
    sw_buf_adds(sql, " END");
}

static void print_time_text(const char *at, sw_buf *sql)
{
    sw_buf_addf(
        sql,
        "strftime('%%Y-%%m-%%dT%%H:%%M:%%S', (%s - (%s %% 1000000 + 1000000) %% 1000000)"
        " / 1000000, 'unixepoch') || printf('.%%06dZ', (%s %% 1000000 + 1000000) %% 1000000)",
        at, at, at);
}

/* The parent at the end of the chain: a shared id is its parent's, whose id may again be shared. */
static const sw_record *id_holder(const sw_lite_schema *schema, const sw_field *field)
{
    const sw_record *parent = &schema->records[field->ref.record_plus_1 - 1];
    const sw_field *primary = &parent->fields[sw_record_primary(parent)];
    sw_assert(!primary->ref.record_plus_1);
    return parent;
}

static void print_plain(const sw_lite_schema *schema, size_t i, const sw_field *field, sw_buf *sql)
{
    char at[160];
    (void)snprintf(at, sizeof at, "%s.%s", field->flags & SW_SHARED ? "b" : "t",
                   sw__lite_column(field));
    switch (sw__lite_form(field)) {
    case SW_LITE_WORD:
        sw_buf_addf(sql, "w%zu.word", i);
        return;
    case SW_LITE_REF: {
        const sw_record *parent = id_holder(schema, field);
        (void)snprintf(at, sizeof at, "r%zu.id", i);
        print_id(at, sw__lite_home(&parent->fields[sw_record_primary(parent)]), sql);
        return;
    }
    case SW_LITE_ID:
        print_id(at, sw__lite_home(field), sql);
        return;
    case SW_LITE_HEX:
        sw_buf_addf(sql, "CASE typeof(%s) WHEN 'blob' THEN lower(hex(%s)) ELSE %s END", at, at, at);
        return;
    case SW_LITE_NUMBER:
        if (field->kind == SW_KIND_ENUM) {
            print_enum(at, field, sql);
            return;
        }
        break;
    case SW_LITE_TEXT:
    case SW_LITE_BYTES:
        break;
    }
    sw_buf_adds(sql, at);
}

/* One column of the view, with the field's own name; nulls of keys are nulls again, and what a message
 * without a body lacks has its fallback. */
static void print_view_column(const sw_lite_schema *schema, size_t i, const sw_field *field,
                              sw_buf *sql)
{
    bool fallback = (field->flags & SW_SHARED) && (field->flags & SW_NOT_NULL) && field->fallback;
    bool blank = sw__null_part(field) && sw__lite_form(field) == SW_LITE_ID;
    sw_buf_adds(sql, fallback ? "ifnull(" : "");
    if (field->flags & SW_SECRET) {
        sw_buf_adds(sql, "NULL");
    } else if (blank) {
        sw_buf_addf(sql, "CASE t.%s WHEN x'' THEN NULL ELSE ", sw__lite_column(field));
        print_plain(schema, i, field, sql);
        sw_buf_adds(sql, " END");
    } else {
        print_plain(schema, i, field, sql);
    }
    if (fallback) {
        sw_buf_adds(sql, ", ");
        sw__print_quoted(sql, field->fallback);
        sw_buf_addc(sql, ')');
    }
    sw_buf_addf(sql, " AS %s", sw_field_column(field));
    if (field->kind == SW_KIND_TIME) {
        char at[160];
        (void)snprintf(at, sizeof at, "t.%s", sw__lite_column(field));
        sw_buf_adds(sql, ",\n  ");
        print_time_text(at, sql);
        sw_buf_addf(sql, " AS %s_text", sw_field_column(field));
    }
}

void sw__lite_join_body(sw_buf *sql)
{
    sw_buf_adds(sql, " LEFT JOIN message_bodies_data AS b"
                     " ON b.organization_id = t.organization_id AND b.digest = t.body_hash");
}

/* Digests and seals say nothing to a reader. */
static bool is_shown(const sw_field *field)
{
    bool ours = field->kind == SW_KIND_BYTES || (field->flags & SW_SECRET);
    return !(field->flags & SW_HIDDEN) || !ours;
}

/* The row numbers of the row itself and of those it refers to, behind all else: ids are made into text for each row, so no
 * index finds them, but these are in the indexes. run_id has run_pk beside it. */
static void print_numbers(const sw_record *record, sw_buf *sql)
{
    static const char id[] = "_id";
    if (sw__record_shape(record) != SW_SHAPE_KEY_PARTS) {
        sw_buf_adds(sql, ",\n  t.pk AS pk");
    }
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        const char *name = sw_field_column(field);
        size_t len = strlen(name);
        if (is_shown(field) && sw__lite_form(field) == SW_LITE_REF &&
            !(field->flags & (SW_PRIMARY | SW_SHARED))) {
            len -= len >= sizeof id && strcmp(name + len - (sizeof id - 1), id) == 0 ? sizeof id - 1
                                                                                     : 0;
            sw_buf_addf(sql, ",\n  t.%s AS %.*s_pk", sw__lite_column(field), (int)len, name);
        }
    }
}

static void print_view_joins(const sw_lite_schema *schema, const sw_record *record, sw_buf *sql)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        const char *column = sw__lite_column(field);
        if (!is_shown(field) || (field->flags & SW_SECRET)) {
            continue;
        }
        if (sw__lite_form(field) == SW_LITE_WORD) {
            sw_buf_addf(sql, "\nLEFT JOIN words AS w%zu ON w%zu.id = t.%s", i, i, column);
        } else if (sw__lite_form(field) == SW_LITE_REF) {
            sw_buf_addf(sql, "\nLEFT JOIN %s_data AS r%zu ON r%zu.pk = t.%s",
                        id_holder(schema, field)->table, i, i, column);
        }
    }
    if (sw__record_shared_mask(record)) {
        sw__lite_join_body(sql);
    }
}

void sw__lite_print_view(const sw_lite_schema *schema, const sw_record *record, sw_buf *sql)
{
    const char *comma = "";
    sw_buf_addf(sql, "CREATE VIEW %s AS SELECT", record->table);
    for (size_t i = 0; i < record->field_count; i++) {
        if (is_shown(&record->fields[i])) {
            sw_buf_addf(sql, "%s\n  ", comma);
            print_view_column(schema, i, &record->fields[i], sql);
            comma = ",";
        }
    }
    print_numbers(record, sql);
    sw_buf_addf(sql, "\nFROM %s_data AS t", record->table);
    print_view_joins(schema, record, sql);
    sw_buf_adds(sql, ";\n");
}
