/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that write many rows: one statement for all of them, with an array for each column. Columns that no
 * row so far had a value for are left out; the list only grows, so a table's statement is prepared a few
 * times and then never again.
 *
 * What is added or put is sent and not waited for: nothing a row says can make it fail.
 */
#include "store/postgres_impl.h"

/* ---- the statement ------------------------------------------------------------------------------ */

static void print_rows(const sw_table *table, uint64_t mask, sw_buf *sql)
{
    int number = 1;
    sw_buf_addf(sql, "INSERT INTO %s AS t (", table->model->table);
    sw__pg_print_columns(table, mask, sql);
    sw_buf_adds(sql, ") SELECT ");
    for (uint64_t left = mask; left; left &= left - 1, number++) {
        sw_buf_addf(sql, "%su.c%d", number > 1 ? ", " : "", number);
        sw__pg_print_cast(&table->model->fields[__builtin_ctzll(left)], sql);
    }
    number = 1;
    sw_buf_adds(sql, " FROM unnest(");
    for (uint64_t left = mask; left; left &= left - 1, number++) {
        sw_buf_addf(sql, "%s$%d::%s", number > 1 ? ", " : "", number,
                    sw__pg_array_type(&table->model->fields[__builtin_ctzll(left)]));
    }
    sw_buf_adds(sql, ") AS u (");
    for (int i = 1; i < number; i++) {
        sw_buf_addf(sql, "%sc%d", i > 1 ? ", " : "", i);
    }
    sw_buf_addc(sql, ')');
}

static void build_insert(const sw_table *table, const void *arg, sw_buf *sql)
{
    print_rows(table, *(const uint64_t *)arg, sql);
    sw_buf_adds(sql, " ON CONFLICT DO NOTHING RETURNING ");
    sw__pg_print_columns(table, table->key, sql);
}

static void build_add(const sw_table *table, const void *arg, sw_buf *sql)
{
    uint64_t mask = *(const uint64_t *)arg;
    print_rows(table, mask, sql);
    sw__pg_print_add(table, mask & table->counters, sql);
}

static void build_put(const sw_table *table, const void *arg, sw_buf *sql)
{
    print_rows(table, *(const uint64_t *)arg, sql);
    sw__pg_print_replace(table, sql);
}

/* ---- its parameters ----------------------------------------------------------------------------- */

static bool bind_rows(sw_pg_session *session, const sw_table *table, uint64_t mask,
                      const void *const *rows, size_t count)
{
    session->values.count = 0;
    for (uint64_t left = mask; left; left &= left - 1) {
        if (!sw__pg_bind_array(&session->values, table, (size_t)__builtin_ctzll(left), rows, count,
                               &session->arena)) {
            return false;
        }
    }
    return true;
}

/* The columns of the statement: the key, what must not be null and has no default, and what any row had so far. */
static uint64_t columns_for(sw_pg_session *session, const sw_table *table, const void *const *rows,
                            size_t count)
{
    uint64_t *columns = &session->columns[table->record];
    uint64_t present = *columns | table->key;
    for (size_t i = 0; i < count; i++) {
        present |= sw_row_mask(table->model, rows[i]);
    }
    *columns = present & table->all;
    return *columns;
}

/* What is summed: counters that are 0 in all rows so far are left out. */
static uint64_t moved_by(sw_pg_session *session, const sw_table *table, const void *const *rows,
                         size_t count)
{
    uint64_t *columns = &session->columns[table->record];
    uint64_t mask = *columns | (table->all & ~table->counters);
    for (size_t i = 0; i < count; i++) {
        for (uint64_t left = table->counters & ~mask; left; left &= left - 1) {
            size_t at = (size_t)__builtin_ctzll(left);
            mask |= sw_field_number(&table->model->fields[at], rows[i]).value ||
                            !table->model->fields[at].fallback
                        ? SW_MASK(at)
                        : 0;
        }
    }
    *columns = mask;
    return mask;
}

/* ---- insert ------------------------------------------------------------------------------------- */

/* The answer holds the keys of those that went in, in the order of the rows. */
static sw_status mark_existing(sw_pg_session *session, const sw_table *table,
                               const PGresult *result, const void *const *rows, size_t count,
                               bool *existed, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    int line = 0, lines = sw__pq.ntuples(result);
    void *key = sw_arena_zeroed(&session->arena, table->model->size);
    if (!key) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; status == SW_STATUS_OK && i < count; i++) {
        for (size_t k = 0; line < lines && status == SW_STATUS_OK && k < table->key_count; k++) {
            status = sw__pg_read(table, table->keys[k], result, line, (int)k, NULL, key, err);
        }
        existed[i] = line == lines || sw_row_cmp_key(table->model, key, rows[i]) != 0;
        line += existed[i] ? 0 : 1;
    }
    return status;
}

static sw_status insert_rows(sw_pg_session *session, sw_record_id record, const void *const *rows,
                             size_t count, bool *existed, sw_error *err)
{
    const sw_table *table = sw__pg_table(session, record);
    uint64_t mask = columns_for(session, table, rows, count);
    const sw_pg_shape shape = {.verb = SW_PG_INSERT_MANY, .record = (uint8_t)record, .mask = mask};
    PGresult *result = NULL;
    if (!bind_rows(session, table, mask, rows, count)) {
        return sw_no_memory(err);
    }
    sw_status status = sw__pg_ask(session, &shape, build_insert, &mask, &result, err);
    if (status == SW_STATUS_OK && (size_t)sw__pq.ntuples(result) != count) {
        status = mark_existing(session, table, result, rows, count, existed, err);
    }
    for (size_t i = 0; status == SW_STATUS_OK && table->is_parent && i < count; i++) {
        sw__pg_know(session, table, rows[i]);
    }
    sw__pq.clear(result);
    return status;
}

/* Rows that lack a parent go by themselves, and say so. */
static sw_status insert_piece(sw_pg_session *session, sw_record_id record, const void *const *rows,
                              size_t count, bool *existed, sw_error *err)
{
    const sw_table *table = sw__pg_table(session, record);
    sw_arena_reset(&session->arena);
    bool *lacks = sw_arena_zeroed(&session->arena, count * sizeof *lacks);
    sw_status status =
        lacks ? sw__pg_parents_many(session, table, rows, count, lacks, err) : sw_no_memory(err);
    for (size_t i = 0; status == SW_STATUS_OK && i < count; i++) {
        if (lacks[i]) {
            return sw__pg_parents(session, table, rows[i], table->all, err);
        }
    }
    return status == SW_STATUS_OK ? insert_rows(session, record, rows, count, existed, err)
                                  : status;
}

sw_status sw__pg_insert_many(sw_session *head, sw_record_id record, const void *const *rows,
                             size_t count, bool *existed, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; status == SW_STATUS_OK && i < count;) {
        size_t n = count - i < SW_PG_ROWS_MOST ? count - i : SW_PG_ROWS_MOST;
        status = insert_piece(sw__pg(head), record, rows + i, n, existed + i, err);
        i += n;
    }
    return status;
}

/* ---- add and put -------------------------------------------------------------------------------- */

static uint64_t key_hash(const sw_table *table, const void *row)
{
    uint64_t hash = table->key;
    for (size_t i = 0; i < table->key_count; i++) {
        const sw_field *field = &table->model->fields[table->keys[i]];
        if (sw_kind_is_text(field->kind)) {
            sw_str text = sw_field_text(field, row);
            hash = sw_hash(hash + (text.ptr != NULL), text.ptr ? text.ptr : "", text.len);
        } else {
            sw_int number = sw_field_number(field, row);
            hash = sw_hash(hash, &number.value, sizeof number.value);
        }
    }
    return hash;
}

/* How many rows from the first on have keys of their own: a statement may not meet one twice. 0: no memory. */
static size_t distinct(sw_pg_session *session, const sw_table *table, const void *const *rows,
                       size_t count)
{
    size_t room = 16, n = 0;
    while (room < 2 * count) {
        room *= 2;
    }
    const void **seen = sw_arena_zeroed(&session->arena, room * sizeof *seen);
    for (; seen && n < count; n++) {
        size_t at = key_hash(table, rows[n]) & (room - 1);
        while (seen[at] && sw_row_cmp_key(table->model, seen[at], rows[n]) != 0) {
            at = (at + 1) & (room - 1);
        }
        if (seen[at]) {
            break;
        }
        seen[at] = rows[n];
    }
    return n;
}

typedef struct upsert {
    sw_pg_verb verb;
    sw_pg_build *build;
} upsert;

static sw_status upsert_piece(sw_pg_session *session, sw_record_id record, const upsert *what,
                              const void *const *rows, size_t *count, sw_error *err)
{
    const sw_table *table = sw__pg_table(session, record);
    sw_arena_reset(&session->arena);
    *count = *count < SW_PG_ROWS_MOST ? *count : SW_PG_ROWS_MOST;
    *count = distinct(session, table, rows, *count);
    sw_status status =
        *count ? sw__pg_parents_many(session, table, rows, *count, NULL, err) : sw_no_memory(err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    uint64_t mask =
        what->verb == SW_PG_ADD_MANY ? moved_by(session, table, rows, *count) : table->all;
    const sw_pg_shape shape = {
        .verb = (uint8_t)what->verb, .record = (uint8_t)record, .mask = mask};
    return bind_rows(session, table, mask, rows, *count)
               ? sw__pg_send(session, &shape, what->build, &mask, err)
               : sw_no_memory(err);
}

static sw_status upsert_many(sw_pg_session *session, sw_record_id record, const upsert *what,
                             const void *const *rows, size_t count, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; status == SW_STATUS_OK && i < count;) {
        size_t n = count - i;
        status = upsert_piece(session, record, what, rows + i, &n, err);
        i += n;
    }
    return status;
}

sw_status sw__pg_add_many(sw_session *head, sw_record_id record, const void *const *rows,
                          size_t count, sw_error *err)
{
    static const upsert adding = {SW_PG_ADD_MANY, build_add};
    sw_pg_session *session = sw__pg(head);
    sw_status status = SW_STATUS_OK;
    if (sw__pg_table(session, record)->shape == SW_SHAPE_KEY_PARTS) {
        return upsert_many(session, record, &adding, rows, count, err);
    }
    /* A record with an id is never made by adding. */
    for (size_t i = 0; i < count && (status == SW_STATUS_OK || status == SW_STATUS_NOT_FOUND);
         i++) {
        status = sw__pg_add(head, record, rows[i], err);
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status sw__pg_put_many(sw_session *head, sw_record_id record, const void *const *rows,
                          size_t count, sw_error *err)
{
    static const upsert putting = {SW_PG_PUT_MANY, build_put};
    return upsert_many(sw__pg(head), record, &putting, rows, count, err);
}

/* ---- update ------------------------------------------------------------------------------------- */

static void build_update(const sw_table *table, const void *arg, sw_buf *sql)
{
    const uint64_t mask = *(const uint64_t *)arg;
    const char *comma = " SET ";
    int number = 1;
    sw_buf_addf(sql, "UPDATE %s AS t", table->model->table);
    for (uint64_t left = mask | table->key; left; left &= left - 1, number++) {
        const sw_field *field = &table->model->fields[__builtin_ctzll(left)];
        if (!(SW_MASK(__builtin_ctzll(left)) & table->key)) {
            sw_buf_addf(sql, "%s\"%s\" = u.c%d", comma, sw_field_column(field), number);
            sw__pg_print_cast(field, sql);
            comma = ", ";
        }
    }
    number = 1;
    for (uint64_t left = mask | table->key; left; left &= left - 1, number++) {
        const sw_field *field = &table->model->fields[__builtin_ctzll(left)];
        sw_buf_addf(sql, "%s$%d::%s", number > 1 ? ", " : " FROM unnest(", number,
                    sw__pg_array_type(field));
    }
    sw_buf_adds(sql, ") AS u (");
    for (int i = 1; i < number; i++) {
        sw_buf_addf(sql, "%sc%d", i > 1 ? ", " : "", i);
    }
    /* The key is a field's own id, and the first of the columns. */
    sw_buf_adds(sql, ") WHERE t.id = u.c1");
}

sw_status sw__pg_update_many(sw_session *head, sw_record_id record, const void *const *rows,
                             size_t count, uint64_t mask, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    const sw_table *table = sw__pg_table(session, record);
    const sw_pg_shape shape = {.verb = SW_PG_UPDATE_MANY, .record = (uint8_t)record, .mask = mask};
    sw_status status = SW_STATUS_OK;
    sw_assert(table->primary == 0);
    for (size_t i = 0; status == SW_STATUS_OK && i < count;) {
        size_t n = count - i < SW_PG_ROWS_MOST ? count - i : SW_PG_ROWS_MOST;
        sw_arena_reset(&session->arena);
        status = bind_rows(session, table, mask | table->key, rows + i, n)
                     ? sw__pg_ask(session, &shape, build_update, &mask, NULL, err)
                     : sw_no_memory(err);
        i += n;
    }
    return status;
}
