/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that need no more than a key: get and remove; and the key as part of any statement. */
#include "store/postgres_impl.h"

/* ---- keys --------------------------------------------------------------------------------------- */

void sw__pg_print_where(const sw_table *table, const uint8_t *fields, size_t count, int first,
                        sw_buf *sql)
{
    for (size_t i = 0; i < count; i++) {
        const sw_field *field = &table->model->fields[fields[i]];
        sw_pg_term term = sw__pg_term(field);
        sw_buf_addf(sql, "%s%s", i ? " AND " : " WHERE ", term.open);
        sw__pg_print_column("t", field, sql);
        sw_buf_addf(sql, "%s = %s", term.close, term.open);
        sw__pg_print_parameter(field, first + (int)i, sql);
        sw_buf_adds(sql, term.close);
    }
}

void sw__pg_print_where_key(const sw_table *table, int first, sw_buf *sql)
{
    sw__pg_print_where(table, table->keys, table->key_count, first, sql);
}

void sw__pg_bind_key(sw_pg_values *values, const sw_table *table, const void *key)
{
    for (size_t i = 0; i < table->key_count; i++) {
        sw__pg_bind_field(values, table, table->keys[i], key);
    }
}

/* ---- get ---------------------------------------------------------------------------------------- */

static void build_get(const sw_table *table, const void *arg, sw_buf *sql)
{
    (void)arg;
    for (size_t i = 0; i < table->model->field_count; i++) {
        sw_buf_adds(sql, i ? ", " : "SELECT ");
        sw__pg_print_selected(table, i, sql);
    }
    sw_buf_addf(sql, " FROM %s AS t", table->model->table);
    if (table->shared) {
        sw__pg_print_body_join(sql);
    }
    sw__pg_print_where_key(table, 1, sql);
}

static sw_status read_row(const sw_table *table, const PGresult *result, sw_arena *arena, void *out,
                          sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    memset(out, 0, table->model->size);
    for (size_t i = 0; status == SW_STATUS_OK && i < table->model->field_count; i++) {
        status = sw__pg_read(table, i, result, 0, (int)i, arena, out, err);
    }
    return status;
}

sw_status sw__pg_get(sw_session *head, sw_record_id record, const void *key, sw_arena *arena,
                     void *out, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    const sw_table *table = sw__pg_table(session, record);
    const sw_pg_shape shape = {.verb = SW_PG_GET, .record = (uint8_t)record};
    PGresult *result = NULL;
    session->values.count = 0;
    sw__pg_bind_key(&session->values, table, key);
    sw_status status = sw__pg_ask(session, &shape, build_get, NULL, &result, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status =
        sw__pq.ntuples(result) ? read_row(table, result, arena, out, err) : SW_STATUS_NOT_FOUND;
    if (status == SW_STATUS_OK) {
        sw__pg_know(session, table, key);
    }
    sw__pq.clear(result);
    return status;
}

/* ---- get, many ---------------------------------------------------------------------------------- */

static void build_get_many(const sw_table *table, const void *arg, sw_buf *sql)
{
    const char *comma = "SELECT ";
    for (uint64_t left = *(const uint64_t *)arg; left; left &= left - 1, comma = ", ") {
        sw_buf_adds(sql, comma);
        sw__pg_print_selected(table, (size_t)__builtin_ctzll(left), sql);
    }
    sw_buf_addf(sql, " FROM %s AS t", table->model->table);
    if (*(const uint64_t *)arg & table->shared) {
        sw__pg_print_body_join(sql);
    }
    sw_buf_adds(sql, " WHERE t.id = ANY($1::text[])");
}

static sw_status see_many(const sw_table *table, const PGresult *result, uint64_t fields, void *row,
                          sw_visit *visit, void *arg, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    sw_seen seen = SW_SEEN_COUNT;
    for (int line = 0; line < sw__pq.ntuples(result) && seen != SW_SEEN_STOP; line++) {
        int column = 0;
        for (uint64_t left = fields; left && status == SW_STATUS_OK; left &= left - 1) {
            status = sw__pg_read(table, (size_t)__builtin_ctzll(left), result, line, column++, NULL,
                                 row, err);
        }
        if (status != SW_STATUS_OK) {
            return status;
        }
        seen = visit(arg, row);
    }
    return status;
}

sw_status sw__pg_get_many(sw_session *head, sw_record_id record, const sw_str *ids, size_t count,
                          uint64_t fields, sw_visit *visit, void *arg, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    const sw_table *table = sw__pg_table(session, record);
    uint64_t mask = fields ? fields : table->all | table->shared;
    const sw_pg_shape shape = {.verb = SW_PG_GET_MANY, .record = (uint8_t)record, .mask = mask};
    PGresult *result = NULL;
    sw_arena_reset(&session->arena);
    session->values.count = 0;
    void *row = sw_arena_zeroed(&session->arena, table->model->size);
    if (!row || !sw__pg_bind_texts(&session->values, ids, count, &session->arena)) {
        return sw_no_memory(err);
    }
    sw_status status = sw__pg_ask(session, &shape, build_get_many, &mask, &result, err);
    if (status == SW_STATUS_OK) {
        status = see_many(table, result, mask, row, visit, arg, err);
    }
    sw__pq.clear(result);
    return status;
}

/* ---- remove ------------------------------------------------------------------------------------- */

static void build_remove(const sw_table *table, const void *arg, sw_buf *sql)
{
    (void)arg;
    sw_buf_addf(sql, "DELETE FROM %s AS t", table->model->table);
    sw__pg_print_where_key(table, 1, sql);
}

/* The server names the table that refers to the row, or to one that would go along with it. */
static sw_status restricted(const PGresult *result, sw_error *err)
{
    const char *table = sw__pq.resultErrorField(result, PG_DIAG_TABLE_NAME);
    int record = table ? sw_record_find(sw_str_from(table)) : -1;
    return sw_fail(err, SW_STATUS_RESTRICTED, NULL, "a %s refers to it",
                   record < 0 ? "record" : sw__records[record].name);
}

sw_status sw__pg_remove(sw_session *head, sw_record_id record, const void *key, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    const sw_table *table = sw__pg_table(session, record);
    const sw_pg_shape shape = {.verb = SW_PG_REMOVE, .record = (uint8_t)record};
    PGresult *result = NULL;
    session->values.count = 0;
    sw__pg_bind_key(&session->values, table, key);
    sw_status status = table->is_parent
                           ? sw__pg_ask_guarded(session, &shape, build_remove, NULL, &result, err)
                           : sw__pg_ask(session, &shape, build_remove, NULL, &result, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (sw__pq.resultStatus(result) == PGRES_FATAL_ERROR) {
        status = restricted(result, err);
    } else if (strcmp(sw__pq.cmdTuples(result), "0") == 0) {
        status = SW_STATUS_NOT_FOUND;
    } else if (table->is_parent) {
        sw__pg_forget_parents(session);
    }
    sw__pq.clear(result);
    return status;
}
