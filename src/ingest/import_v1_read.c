/* SPDX-License-Identifier: Apache-2.0 */
/* From a row as V1's database prints it to a row of ours. The names of V1's columns are those of the model, so that
 * nothing is listed here but what was called otherwise once. What a column holds comes as text, whatever its type.
 */
#include "ingest/import_v1_inside.h"

#include <ctype.h>
#include <stdio.h>

static const char *const extras[V1_EXTRAS] = {"user_id", "job_type"};

/* What a field was called before, and fields that V1 has though they are ours too. */
static const struct {
    sw_record_id record;
    uint8_t field;
    const char *column;
} others[] = {{SW_RECORD_STEP, SW_STEP_RUN_ID, "job_id"},
              {SW_RECORD_STEP_METRICS, SW_STEP_METRICS_RUN_ID, "job_id"},
              {SW_RECORD_AGENT, SW_AGENT_NAME, "name"}};

static const char *column_of(sw_foreign *db, const char *table, sw_record_id record, size_t field)
{
    const sw_field *f = &sw_record_of(record)->fields[field];
    const char *column = sw_field_column(f);

    if (!(f->flags & SW_OURS) && sw_foreign_has(db, table, column)) {
        return column;
    }
    for (size_t i = 0; i < SW_COUNT(others); i++) {
        if (others[i].record == record && others[i].field == field &&
            sw_foreign_has(db, table, others[i].column)) {
            return others[i].column;
        }
    }
    return NULL;
}

void v1_columns_find(sw_foreign *db, const char *name, sw_record_id record, v1_columns *out)
{
    const sw_record *r = sw_record_of(record);

    *out = (v1_columns){.name = name, .record = record};
    for (size_t i = 0; i < r->field_count; i++) {
        const char *column = column_of(db, name, record, i);
        if (column) {
            sw_assert(out->count + V1_EXTRAS < SW_FOREIGN_WIDE);
            out->columns[out->count] = column;
            out->fields[out->count++] = (uint8_t)i;
        }
    }
    for (size_t i = 0; i < V1_EXTRAS; i++) {
        out->columns[out->count + i] = extras[i];
    }
}

/* ---- values --------------------------------------------------------------------------------------- */

static bool is_one_of(sw_str text, const char *const *words)
{
    for (; *words; words++) {
        if (sw_str_eq(text, sw_str_from(*words))) {
            return true;
        }
    }
    return false;
}

static bool read_bool(sw_str text, int64_t *out)
{
    static const char *const yes[] = {"true", "t", "1", NULL};
    static const char *const no[] = {"false", "f", "0", NULL};

    *out = is_one_of(text, yes);
    return *out || is_one_of(text, no);
}

/* The server is told to print UTC, which it does without minutes. */
static bool read_time(sw_str text, int64_t *out)
{
    static const char utc[] = "+00";
    enum { UTC = sizeof utc - 1 };

    if (text.len > UTC && memcmp(text.ptr + text.len - UTC, utc, UTC) == 0) {
        text.len -= UTC;
    }
    return sw_time_parse(text, out);
}

/* V1's words are in capitals where PostgreSQL has a type of them; two of jobs are no words of runs any more. */
static bool read_word(const sw_field *field, sw_str text, int64_t *out)
{
    static const char *const renamed[][2] = {{"pending", "created"}, {"expired", "failed"}};
    char lower[32];
    sw_str word = sw_str_make(lower, text.len);

    if (text.len >= sizeof lower) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        lower[i] = (char)tolower((unsigned char)text.ptr[i]);
    }
    for (size_t i = 0; field->words == SW_ENUM_run_status && i < SW_COUNT(renamed); i++) {
        word = sw_str_eq(word, sw_str_from(renamed[i][0])) ? sw_str_from(renamed[i][1]) : word;
    }
    *out = sw_enum_find(field->words, word);
    return *out >= 0;
}

static bool read_number(const sw_field *field, sw_str text, int64_t *out)
{
    switch (field->kind) {
    case SW_KIND_BOOL:
        return read_bool(text, out);
    case SW_KIND_TIME:
        return read_time(text, out);
    case SW_KIND_ENUM:
        return read_word(field, text, out);
    default:
        return sw_parse_int(text, out);
    }
}

static sw_str trimmed(sw_str text)
{
    while (text.len > 0 && isspace((unsigned char)text.ptr[text.len - 1])) {
        text.len--;
    }
    while (text.len > 0 && isspace((unsigned char)text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    return text;
}

/* Nothing said: SQL's null, JSON's, an id or a secret without a letter. */
static bool says_nothing(const sw_field *field, sw_str text)
{
    bool json = field->kind == SW_KIND_JSON || field->kind == SW_KIND_TAGS;
    bool empty = field->kind == SW_KIND_ID || (field->flags & SW_SECRET);

    return !text.ptr || (empty && text.len == 0) ||
           (json && text.len < 16 && sw_str_eq(trimmed(text), SW_STR("null")));
}

static sw_status set(v1_work *w, v1_row *row, const sw_field *field, sw_str text, sw_error *err)
{
    int64_t number = 0;
    char why[64];

    if (says_nothing(field, text)) {
        return SW_STATUS_OK;
    }
    if (sw_kind_is_text(field->kind)) {
        *sw_field_str(field, row->row) = sw_arena_str(&w->arena, text);
        return w->arena.failed ? sw_no_memory(err) : SW_STATUS_OK;
    }
    if (read_number(field, text, &number)) {
        *sw_field_int(field, row->row) = sw_int_of(number);
        return SW_STATUS_OK;
    }
    (void)snprintf(why, sizeof why, "%s",
                   field->kind == SW_KIND_ENUM   ? "is none of the known words"
                   : field->kind == SW_KIND_TIME ? "is no time"
                                                 : "is no number");
    v1_drop(w, row, field, why);
    return SW_STATUS_OK;
}

sw_status v1_read(v1_work *w, const v1_columns *columns, const sw_str *values, v1_row *row,
                  sw_error *err)
{
    const sw_record *record = sw_record_of(columns->record);
    int primary = sw_record_primary(record);
    sw_status status = SW_STATUS_OK;

    row->record = columns->record;
    row->row = sw_arena_zeroed(&w->arena, record->size);
    if (!row->row) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < columns->count; i++) {
        row->id = columns->fields[i] == primary ? sw_arena_str(&w->arena, values[i]) : row->id;
    }
    for (size_t i = 0; i < columns->count && status == SW_STATUS_OK; i++) {
        status = set(w, row, &record->fields[columns->fields[i]], values[i], err);
    }
    row->extras = values + columns->count;
    return status;
}
