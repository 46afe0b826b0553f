/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that write one row: insert, update, add, put. Each walks the record's descriptors, and each has one
 * prepared statement for its shape. None may fail in the database for what a row says: parents are asked for
 * first, a key that is taken is passed over, and where a unique value may be taken a savepoint stands before.
 */
#include <stdio.h>

#include "store/postgres_impl.h"

/* ---- insert ------------------------------------------------------------------------------------- */

void sw__pg_print_columns(const sw_table *table, uint64_t mask, sw_buf *sql)
{
    const char *comma = "";
    for (uint64_t left = mask; left; left &= left - 1, comma = ", ") {
        sw_buf_adds(sql, comma);
        sw__pg_print_column("", &table->model->fields[__builtin_ctzll(left)], sql);
    }
}

static void print_row(const sw_table *table, uint64_t mask, sw_buf *sql)
{
    int number = 1;
    sw_buf_addf(sql, "INSERT INTO %s AS t (", table->model->table);
    sw__pg_print_columns(table, mask, sql);
    sw_buf_adds(sql, ") VALUES (");
    for (uint64_t left = mask; left; left &= left - 1, number++) {
        sw_buf_adds(sql, number > 1 ? ", " : "");
        sw__pg_print_parameter(&table->model->fields[__builtin_ctzll(left)], number, sql);
    }
    sw_buf_addc(sql, ')');
}

static void bind_row(sw_pg_session *session, const sw_table *table, uint64_t mask, const void *row)
{
    session->values.count = 0;
    for (uint64_t left = mask; left; left &= left - 1) {
        sw__pg_bind_field(&session->values, table, (size_t)__builtin_ctzll(left), row);
    }
}

static void build_insert(const sw_table *table, const void *arg, sw_buf *sql)
{
    (void)arg;
    print_row(table, table->all, sql);
    sw_buf_adds(sql, " ON CONFLICT DO NOTHING");
}

/* Whether there is a row with the same values in these fields: those of the key, or of a unique index. */
typedef struct same {
    uint8_t path; /* an index of the record, or SW_PATH_KEY */
    const uint8_t *fields;
    size_t count;
} same;

static void build_taken(const sw_table *table, const void *arg, sw_buf *sql)
{
    const same *want = arg;
    sw_buf_addf(sql, "SELECT 1 FROM %s AS t", table->model->table);
    sw__pg_print_where(table, want->fields, want->count, 1, sql);
}

static sw_status is_taken(sw_pg_session *session, const sw_table *table, const same *want,
                          const void *row, bool *taken, sw_error *err)
{
    const sw_pg_shape shape = {.verb = SW_PG_TAKEN, .record = table->record, .path = want->path};
    PGresult *result = NULL;
    session->values.count = 0;
    for (size_t i = 0; i < want->count; i++) {
        sw__pg_bind_field(&session->values, table, want->fields[i], row);
    }
    sw_status status = sw__pg_ask(session, &shape, build_taken, want, &result, err);
    *taken = status == SW_STATUS_OK && sw__pq.ntuples(result) > 0;
    sw__pq.clear(result);
    return status;
}

static sw_status taken_by_index(const sw_record *record, const sw_index *index, sw_error *err)
{
    return sw_fail(err, SW_STATUS_EXISTS, record->fields[index->fields[index->count - 1]].name,
                   "the value is taken (%s)", index->name);
}

/* The row was passed over: its key is taken, or the unique value of an index. */
static sw_status say_taken(sw_pg_session *session, const sw_table *table, const void *row,
                           sw_error *err)
{
    const sw_record *model = table->model;
    const same by_key = {SW_PATH_KEY, table->keys, table->key_count};
    bool taken = false;
    sw_status status = is_taken(session, table, &by_key, row, &taken, err);
    for (size_t i = 0; status == SW_STATUS_OK && !taken && i < model->index_count; i++) {
        const sw_index *index = &model->indexes[i];
        const same by_index = {(uint8_t)i, index->fields, index->count};
        if (index->unique) {
            status = is_taken(session, table, &by_index, row, &taken, err);
        }
        if (status == SW_STATUS_OK && taken) {
            return taken_by_index(model, index, err);
        }
    }
    return status == SW_STATUS_OK
               ? sw_fail(err, SW_STATUS_EXISTS, model->fields[table->keys[0]].name, "the %s exists",
                         model->name)
               : status;
}

sw_status sw__pg_insert(sw_session *head, sw_record_id record, const void *row, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    const sw_table *table = sw__pg_table(session, record);
    const sw_pg_shape shape = {.verb = SW_PG_INSERT, .record = (uint8_t)record};
    PGresult *result = NULL;
    sw_arena_reset(&session->arena);
    sw_status status = sw__pg_parents(session, table, row, table->all, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    bind_row(session, table, table->all, row);
    status = sw__pg_ask(session, &shape, build_insert, NULL, &result, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    bool inserted = strcmp(sw__pq.cmdTuples(result), "1") == 0;
    sw__pq.clear(result);
    if (!inserted) {
        return say_taken(session, table, row, err);
    }
    sw__pg_know(session, table, row);
    return SW_STATUS_OK;
}

/* ---- update ------------------------------------------------------------------------------------- */

static void build_update(const sw_table *table, const void *arg, sw_buf *sql)
{
    const uint64_t *mask = arg;
    int number = 1;
    sw_buf_addf(sql, "UPDATE %s AS t SET ", table->model->table);
    for (uint64_t left = *mask; left; left &= left - 1, number++) {
        const sw_field *field = &table->model->fields[__builtin_ctzll(left)];
        sw_buf_adds(sql, number > 1 ? ", " : "");
        sw__pg_print_column("", field, sql);
        sw_buf_adds(sql, " = ");
        sw__pg_print_parameter(field, number, sql);
    }
    sw__pg_print_where_key(table, number, sql);
}

static bool may_be_taken(const sw_record *record, uint64_t mask)
{
    for (size_t i = 0; i < record->index_count; i++) {
        for (size_t k = 0; record->indexes[i].unique && k < record->indexes[i].count; k++) {
            if (mask & SW_MASK(record->indexes[i].fields[k])) {
                return true;
            }
        }
    }
    return false;
}

static sw_status rule_broken(const sw_record *record, const PGresult *result, sw_error *err)
{
    const char *name = sw__pq.resultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const size_t before = sizeof SW_PG_ADOPTED - 1;
    if (name && strncmp(name, SW_PG_ADOPTED, before) == 0) {
        name += before;
    }
    for (size_t i = 0; name && i < record->index_count; i++) {
        if (strcmp(record->indexes[i].name, name) == 0) {
            return taken_by_index(record, &record->indexes[i], err);
        }
    }
    return sw_fail(err, SW_STATUS_INTERNAL, NULL, "update broke the rule %s", name ? name : "");
}

sw_status sw__pg_update(sw_session *head, sw_record_id record, const void *row, uint64_t mask,
                        sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    const sw_table *table = sw__pg_table(session, record);
    const sw_pg_shape shape = {.verb = SW_PG_UPDATE, .record = (uint8_t)record, .mask = mask};
    PGresult *result = NULL;
    sw_arena_reset(&session->arena);
    sw_status status = sw__pg_parents(session, table, row, mask, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    bind_row(session, table, mask, row);
    sw__pg_bind_key(&session->values, table, row);
    status = may_be_taken(table->model, mask)
                 ? sw__pg_ask_guarded(session, &shape, build_update, &mask, &result, err)
                 : sw__pg_ask(session, &shape, build_update, &mask, &result, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw__pq.resultStatus(result) == PGRES_FATAL_ERROR
                 ? rule_broken(table->model, result, err)
             : strcmp(sw__pq.cmdTuples(result), "0") == 0 ? SW_STATUS_NOT_FOUND
                                                          : SW_STATUS_OK;
    sw__pq.clear(result);
    return status;
}

/* ---- add and put -------------------------------------------------------------------------------- */

/* "c" = coalesce(t."c", 0) + what comes; a counter that may be null stays so when nothing comes. */
static void print_sum(const sw_field *field, const char *more, sw_buf *sql)
{
    const char *c = sw_field_column(field);
    sw_buf_addf(sql, "\"%s\" = coalesce(t.\"%s\" + %s, t.\"%s\", %s)", c, c, more, c, more);
}

static void build_add_to(const sw_table *table, const void *arg, sw_buf *sql)
{
    int number = 1;
    (void)arg;
    sw_buf_addf(sql, "UPDATE %s AS t SET ", table->model->table);
    for (uint64_t left = table->counters; left; left &= left - 1, number++) {
        char more[16];
        sw_buf_adds(sql, number > 1 ? ", " : "");
        (void)snprintf(more, sizeof more, "$%d", number);
        print_sum(&table->model->fields[__builtin_ctzll(left)], more, sql);
    }
    sw__pg_print_where_key(table, number, sql);
}

void sw__pg_print_add(const sw_table *table, uint64_t counters, sw_buf *sql)
{
    const char *comma = " ON CONFLICT (";
    sw_buf_adds(sql, comma);
    sw__pg_print_key(table, sql);
    sw_buf_adds(sql, ")");
    comma = " DO UPDATE SET ";
    for (uint64_t left = counters; left; left &= left - 1, comma = ", ") {
        char more[80];
        const sw_field *field = &table->model->fields[__builtin_ctzll(left)];
        (void)snprintf(more, sizeof more, "excluded.\"%s\"", sw_field_column(field));
        sw_buf_adds(sql, comma);
        print_sum(field, more, sql);
    }
    sw_buf_adds(sql, counters ? "" : " DO NOTHING");
}

void sw__pg_print_replace(const sw_table *table, sw_buf *sql)
{
    const char *comma = " DO UPDATE SET ";
    sw_buf_adds(sql, " ON CONFLICT (");
    sw__pg_print_key(table, sql);
    sw_buf_addc(sql, ')');
    for (uint64_t left = table->all & ~table->key; left; left &= left - 1, comma = ", ") {
        const char *column = sw_field_column(&table->model->fields[__builtin_ctzll(left)]);
        sw_buf_addf(sql, "%s\"%s\" = excluded.\"%s\"", comma, column, column);
    }
    sw_buf_adds(sql, table->all & ~table->key ? "" : " DO NOTHING");
}

static void build_add(const sw_table *table, const void *arg, sw_buf *sql)
{
    (void)arg;
    print_row(table, table->all, sql);
    sw__pg_print_add(table, table->counters, sql);
}

static void build_put(const sw_table *table, const void *arg, sw_buf *sql)
{
    (void)arg;
    print_row(table, table->all, sql);
    sw__pg_print_replace(table, sql);
}

static sw_status add_to(sw_pg_session *session, const sw_table *table, const sw_pg_shape *shape,
                        const void *row, sw_error *err)
{
    PGresult *result = NULL;
    bind_row(session, table, table->counters, row);
    sw__pg_bind_key(&session->values, table, row);
    sw_status status = sw__pg_ask(session, shape, build_add_to, NULL, &result, err);
    if (status == SW_STATUS_OK && strcmp(sw__pq.cmdTuples(result), "0") == 0) {
        status = SW_STATUS_NOT_FOUND;
    }
    sw__pq.clear(result);
    return status;
}

/* A counter that must not be null is 0 in a row that adds nothing to it. */
static void bind_counted(sw_pg_session *session, const sw_table *table, const void *row)
{
    bind_row(session, table, table->all, row);
    for (uint64_t left = table->counters; left; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);
        int at = __builtin_popcountll(table->all & (SW_MASK(i) - 1));
        if (!session->values.at[at] && (table->model->fields[i].flags & SW_NOT_NULL)) {
            static const char zero[8];
            session->values.at[at] = zero;
            session->values.len[at] = table->forms[i] == SW_PG_INT4 ? 4 : 8;
        }
    }
}

sw_status sw__pg_add(sw_session *head, sw_record_id record, const void *row, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    const sw_table *table = sw__pg_table(session, record);
    const sw_pg_shape shape = {.verb = SW_PG_ADD, .record = (uint8_t)record};
    sw_arena_reset(&session->arena);
    if (table->shape != SW_SHAPE_KEY_PARTS) {
        return add_to(session, table, &shape, row, err);
    }
    sw_status status = sw__pg_parents(session, table, row, table->all, err);
    if (status == SW_STATUS_OK) {
        bind_counted(session, table, row);
        status = sw__pg_ask(session, &shape, build_add, NULL, NULL, err);
    }
    return status;
}

sw_status sw__pg_put(sw_session *head, sw_record_id record, const void *row, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    const sw_table *table = sw__pg_table(session, record);
    const sw_pg_shape shape = {.verb = SW_PG_PUT, .record = (uint8_t)record};
    sw_arena_reset(&session->arena);
    sw_status status = sw__pg_parents(session, table, row, table->all, err);
    if (status == SW_STATUS_OK) {
        bind_row(session, table, table->all, row);
        status = sw__pg_ask(session, &shape, build_put, NULL, NULL, err);
    }
    return status;
}
