/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a database that is to be adopted: its columns and indexes as the catalogue has them, how old it is by the signs
 * in its tables, and whether its columns are of our types.
 */
#include <stdio.h>

#include "store/postgres_adopt.h"

static const char own_schema[] = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())";

/* ---- what is there ------------------------------------------------------------------------------ */

static int find_column(const sw_adoption *a, const char *table, const char *column)
{
    for (int i = 0; i < sw__pq.ntuples(a->columns); i++) {
        if (strcmp(sw__pq.getvalue(a->columns, i, 0), table) == 0 &&
            (!column || strcmp(sw__pq.getvalue(a->columns, i, 1), column) == 0)) {
            return i;
        }
    }
    return -1;
}

bool sw__pg_adopt_has(const sw_adoption *a, const char *table, const char *column)
{
    return find_column(a, table, column) >= 0;
}

static const char *type_of(const sw_adoption *a, int line)
{
    return sw__pq.getvalue(a->columns, line, 2);
}

bool sw__pg_adopt_says(const sw_adoption *a, int line, int column)
{
    return sw__pq.getvalue(a->columns, line, column)[0] == 't';
}

static sw_status ask(const sw_adoption *a, const char *sql, PGresult **out, sw_error *err)
{
    return sw__pg_run(a->conn, sql, "look at the database", out, err);
}

sw_status sw__pg_adopt_ask(const sw_adoption *a, const char *sql, char *out, size_t size,
                           sw_error *err)
{
    PGresult *result = NULL;
    sw_status status = ask(a, sql, &result, err);
    out[0] = '\0';
    if (status == SW_STATUS_OK && sw__pq.ntuples(result) > 0) {
        (void)snprintf(out, size, "%s", sw__pq.getvalue(result, 0, 0));
    }
    sw__pq.clear(result);
    return status;
}

static sw_status look_at_columns(sw_adoption *a, sw_error *err)
{
    char sql[700];
    sw__pq.clear(a->columns);
    a->columns = NULL;
    (void)snprintf(sql, sizeof sql,
                   "SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull,"
                   " a.atthasdef OR a.attidentity <> '' FROM pg_attribute AS a JOIN pg_class AS c"
                   " ON c.oid = a.attrelid WHERE c.relnamespace = %s AND c.relkind IN ('r', 'p')"
                   " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
                   own_schema);
    return ask(a, sql, &a->columns, err);
}

static sw_status look_at_indexes(sw_adoption *a, sw_error *err)
{
    char sql[400];
    sw__pq.clear(a->indexes);
    a->indexes = NULL;
    (void)snprintf(sql, sizeof sql,
                   "SELECT c.relname, i.indisvalid FROM pg_index AS i JOIN pg_class AS c ON c.oid ="
                   " i.indexrelid WHERE c.relnamespace = %s AND starts_with(c.relname, '%s')",
                   own_schema, SW_PG_ADOPTED);
    return ask(a, sql, &a->indexes, err);
}

static sw_status look_at_numbers(sw_adoption *a, sw_error *err)
{
    char sql[500], rows[48];
    (void)snprintf(sql, sizeof sql,
                   "SELECT conname FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid"
                   " WHERE c.relnamespace = %s AND c.relname = 'messages' AND k.contype = 'u' AND"
                   " k.conkey = ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = c.oid AND"
                   " attname = 'sequence_id')",
                   own_schema);
    sw_status status = sw__pg_adopt_ask(a, sql, a->unique, sizeof a->unique, err);
    const struct {
        const char *table;
        int64_t *out;
    } guesses[] = {{"steps", &a->found.steps}, {"messages", &a->found.messages}};
    for (size_t i = 0; i < SW_COUNT(guesses) && status == SW_STATUS_OK; i++) {
        (void)snprintf(sql, sizeof sql,
                       "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relnamespace = %s"
                       " AND relname = '%s'",
                       own_schema, guesses[i].table);
        status = sw__pg_adopt_ask(a, sql, rows, sizeof rows, err);
        (void)sw_parse_int(sw_str_from(rows), guesses[i].out);
    }
    return status;
}

sw_status sw__pg_adopt_look(sw_adoption *a, sw_error *err)
{
    sw_status status = look_at_columns(a, err);
    if (status == SW_STATUS_OK) {
        status = look_at_indexes(a, err);
    }
    return status == SW_STATUS_OK ? look_at_numbers(a, err) : status;
}

/* ---- how old it is ------------------------------------------------------------------------------ */

static sw_status too_old(const sw_adoption *a, const char *why, sw_error *err)
{
    return sw_fail(err, SW_STATUS_INVALID, "url",
                   "%s is too old to be adopted where it stands (%s): stepwell import %s copies "
                   "from it instead",
                   a->found.place, why, a->found.place);
}

static const struct {
    const char *table, *column, *age;
} signs[] = {
    {"conversations", "last_message_at", "the last revision (Aug 2026)"},
    {"steps", "model_handle", "from Feb 2026 on"},
    {"steps", "request_id", "from Dec 2025 on"},
    {"steps", "prompt_tokens_details", "from Nov 2025 on"},
    {"run_metrics", "id", "from Oct 2025 on"},
    {"runs", "id", "of Sep 2025, with runs and without their metrics"},
};

sw_status sw__pg_adopt_age(sw_adoption *a, sw_error *err)
{
    if (sw__pg_adopt_has(a, "stepwell_state", NULL) &&
        !sw__pg_adopt_has(a, "stepwell_adoption", NULL)) {
        return sw_fail(err, SW_STATUS_INVALID, "url",
                       "%s is a ledger of Stepwell already: there is nothing to adopt",
                       a->found.place);
    }
    if (!sw__pg_adopt_has(a, "steps", NULL)) {
        return sw__pg_adopt_has(a, "job_usage_statistics", NULL)
                   ? too_old(a, "it has no steps: before Jan 2025", err)
                   : sw_fail(err, SW_STATUS_INVALID, "url",
                             "%s holds no database of Letta V1: there is no table steps in it",
                             a->found.place);
    }
    if (!sw__pg_adopt_has(a, "runs", NULL) || !sw__pg_adopt_has(a, "steps", "run_id")) {
        return too_old(a, "its runs are rows of jobs: before Sep 2025", err);
    }
    for (size_t i = 0; i < SW_COUNT(signs); i++) {
        if (sw__pg_adopt_has(a, signs[i].table, signs[i].column)) {
            a->found.age = signs[i].age;
            return SW_STATUS_OK;
        }
    }
    SW_IMPOSSIBLE("runs without a column id");
}

/* ---- whether its columns are ours --------------------------------------------------------------- */

static bool type_fits(const sw_field *field, const char *type)
{
    bool text = strcmp(type, "character varying") == 0 || strcmp(type, "text") == 0;
    switch (sw__pg_form(field)) {
    case SW_PG_TEXT:
    case SW_PG_WORD:
        return text;
    case SW_PG_JSON:
        return strcmp(type, "json") == 0;
    case SW_PG_BYTES:
        return strcmp(type, "bytea") == 0;
    case SW_PG_INT4:
        return strcmp(type, "integer") == 0;
    case SW_PG_INT8:
        return strcmp(type, "bigint") == 0 || strcmp(type, "integer") == 0;
    case SW_PG_BOOL:
        return strcmp(type, "boolean") == 0;
    case SW_PG_TIME:
        return strcmp(type, "timestamp with time zone") == 0;
    case SW_PG_LOCAL_TIME:
        return strcmp(type, "timestamp without time zone") == 0;
    case SW_PG_LABEL:
        return strcmp(type, field->postgres) == 0;
    }
    SW_IMPOSSIBLE("a form without a type");
}

static sw_status check_columns(const sw_adoption *a, const sw_record *record, sw_error *err)
{
    for (size_t i = 0; i < record->field_count; i++) {
        int line = find_column(a, record->table, sw_field_column(&record->fields[i]));
        if (line >= 0 && !type_fits(&record->fields[i], type_of(a, line))) {
            char why[200];
            (void)snprintf(why, sizeof why, "%s.%s is of type %.60s, and %s is needed",
                           record->table, sw_field_column(&record->fields[i]), type_of(a, line),
                           sw__pg_type(&record->fields[i]));
            return too_old(a, why, err);
        }
    }
    return SW_STATUS_OK;
}

sw_status sw__pg_adopt_check(const sw_adoption *a, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (size_t r = 0; r < SW_RECORD_COUNT && status == SW_STATUS_OK; r++) {
        const sw_record *record = a->store->tables[r].model;
        bool there = sw__pg_adopt_has(a, record->table, NULL);
        if (there && !sw__pg_is_v1(r) && !a->found.again) {
            return sw_fail(err, SW_STATUS_INVALID, "url",
                           "%s has a table %s that is not V1's, and whose name Stepwell needs",
                           a->found.place, record->table);
        }
        if (there && sw__pg_is_v1(r)) {
            status = check_columns(a, record, err);
        }
    }
    return status;
}
