/* SPDX-License-Identifier: Apache-2.0 */
/* Inserting many rows of a record by one statement. What a statement costs by itself (opening a cursor
 * on the table and on each of its indexes, and closing them) is shared by its rows; for a step with its
 * dozen indexes that is a third of the work.
 *
 * OR FAIL: a row whose key is taken ends the statement, and those before it stay in; the work goes on
 * behind it. Since no statement ever has to be undone, SQLite keeps no copies of pages for that, which
 * is also why foreign keys are declared as deferred (their parents were looked up before).
 */
#include "store/sqlite_impl.h"

enum { BYTES_OF_A_ROW = 256 }; /* of ids and digits in their stored form; what is more is copied */

typedef struct many {
    sw_lite_session *session;
    const sw_lite_table *table;
    sw_lite_slot *slot;
    char *scratch;
    size_t left;
} many;

static size_t columns_of(const sw_lite_table *table)
{
    return (size_t)__builtin_popcountll(table->all) + (table->shape == SW_SHAPE_OWN_ID);
}

static void build_many(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_lite_table *table = arg;
    bool own = table->shape == SW_SHAPE_OWN_ID;
    const char *comma = own ? ", " : "";

    (void)session;
    sw_buf_addf(sql, "INSERT OR FAIL INTO %s_data (%s", table->model->table, own ? "pk" : "");
    for (uint64_t mask = table->all; mask; mask &= mask - 1) {
        const sw_field *field = &table->model->fields[__builtin_ctzll(mask)];
        sw_buf_addf(sql, "%s%s", comma, sw__lite_column(field));
        comma = ", ";
    }
    sw_buf_adds(sql, ") VALUES ");
    for (size_t row = 0; row < SW_LITE_MANY; row++) {
        sw_buf_adds(sql, row ? ", (?" : "(?");
        for (size_t i = 1; i < columns_of(table); i++) {
            sw_buf_adds(sql, ", ?");
        }
        sw_buf_addc(sql, ')');
    }
}

/* The value's bytes lie in session->row, which the next row will use: they move to the scratch. */
static sw_lite_value settled(many *m, const sw_lite_value *value)
{
    sw_lite_value out = *value;

    if ((value->is == SW_LITE_IS_BLOB || value->is == SW_LITE_IS_TEXT) &&
        (const void *)value->ptr >= (const void *)value &&
        (const void *)value->ptr < (const void *)(value + 1)) {
        sw_assert(value->len <= m->left);
        memcpy(m->scratch, value->ptr, value->len);
        out.ptr = m->scratch;
        m->scratch += value->len;
        m->left -= value->len;
    }
    return out;
}

/* Whether the row can go by this statement; one that cannot is left to be refused by name. */
static sw_status bind_row(many *m, const void *row, int64_t pk, int *at, bool *fits, sw_error *err)
{
    if (m->table->shape == SW_SHAPE_OWN_ID) {
        const sw_lite_value number = {.is = SW_LITE_IS_INT, .number = pk};
        sw__lite_bind(m->slot->stmt, (*at)++, &number);
    }
    for (uint64_t mask = m->table->all; mask; mask &= mask - 1, (*at)++) {
        size_t i = (size_t)__builtin_ctzll(mask);
        sw_lite_value *value = &m->session->row[i];
        sw_status status =
            sw__lite_encode(m->session, &m->table->model->fields[i], row, true, value, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        if (value->is == SW_LITE_IS_UNKNOWN || value->len > m->left) {
            *fits = false;
            return SW_STATUS_OK;
        }
        if (value->is != SW_LITE_IS_NULL) {
            sw_lite_value kept = settled(m, value);
            sw__lite_bind(m->slot->stmt, *at, &kept);
        }
    }
    return SW_STATUS_OK;
}

static void remember(many *m, sw_record_id record, const void *const *rows, size_t count,
                     int64_t pk)
{
    const sw_field *primary = &m->table->model->fields[m->table->primary];

    m->session->last_pk[record] = pk + (int64_t)count - 1;
    for (size_t i = 0; m->table->is_parent && i < count; i++) {
        sw__lite_remember_pk(m->session, record, sw_field_text(primary, rows[i]), pk + (int64_t)i);
    }
}

/* What became of the statement: how many rows are in, and whether the next one is there already. */
static sw_status step_many(many *m, size_t *inserted, bool *taken, sw_error *err)
{
    int rc = sqlite3_step(m->slot->stmt);

    *inserted = SW_LITE_MANY;
    *taken = false;
    if (rc == SQLITE_DONE) {
        return SW_STATUS_OK;
    }
    *taken = rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE;
    *inserted = *taken ? (size_t)sqlite3_changes(m->session->db) : 0;
    return *taken ? SW_STATUS_OK : sw__lite_fail(m->session->db, rc, "insert", err);
}

/* Inserts SW_LITE_MANY rows, or as many of them as come before one that is taken. `fits` is false when
 * one of them cannot go by this statement; then none is in. */
static sw_status insert_chunk(many *m, sw_record_id record, const void *const *rows,
                              size_t *inserted, bool *taken, bool *fits, sw_error *err)
{
    char scratch[SW_LITE_MANY * BYTES_OF_A_ROW];
    const sw_lite_shape shape = {.verb = SW_LITE_INSERT_MANY, .record = (uint8_t)record};
    bool own = m->table->shape == SW_SHAPE_OWN_ID;
    int64_t pk = 0;
    int at = 1;
    sw_status status = own ? sw__lite_next_pk(m->session, record, &pk, err) : SW_STATUS_OK;

    if (status == SW_STATUS_OK) {
        status = sw__lite_take(m->session, &shape, build_many, m->table, &m->slot, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    m->scratch = scratch;
    m->left = sizeof scratch;
    *fits = true;
    for (size_t i = 0; i < SW_LITE_MANY && *fits && status == SW_STATUS_OK; i++) {
        status = bind_row(m, rows[i], pk + (int64_t)i, &at, fits, err);
    }
    if (status == SW_STATUS_OK && *fits) {
        status = step_many(m, inserted, taken, err);
    }
    sw__lite_give(m->slot);
    sqlite3_clear_bindings(m->slot->stmt); /* they point into this frame */
    if (status == SW_STATUS_OK && *fits && own && *inserted > 0) {
        remember(m, record, rows, *inserted, pk);
    }
    return status;
}

static sw_status insert_one(sw_session *head, sw_record_id record, const void *row, bool *existed,
                            sw_error *err)
{
    sw_status status = sw__lite_insert(head, record, row, err);

    *existed = status == SW_STATUS_EXISTS;
    return *existed ? SW_STATUS_OK : status;
}

sw_status sw__lite_insert_many(sw_session *head, sw_record_id record, const void *const *rows,
                               size_t count, bool *existed, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    many m = {.session = session, .table = sw__lite_table(session, record)};
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < count && status == SW_STATUS_OK;) {
        size_t inserted = 0;
        bool taken = false;
        bool fits = false;
        if (count - i >= SW_LITE_MANY) {
            status = insert_chunk(&m, record, rows + i, &inserted, &taken, &fits, err);
        }
        if (status == SW_STATUS_OK && fits) {
            i += inserted;
            if (taken) {
                existed[i++] = true;
            }
        } else if (status == SW_STATUS_OK) {
            status = insert_one(head, record, rows[i], &existed[i], err);
            i++;
        }
    }
    return status;
}
