/* SPDX-License-Identifier: Apache-2.0 */
/* Many rows of a record by one statement: inserting them, putting them over those that are there, and
 * adding to the counters of rows that may not be there yet. What a statement costs by itself (opening a cursor
 * on the table and on each of its indexes, and closing them) is shared by its rows; for a step with its
 * dozen indexes that is a third of the work.
 *
 * OR FAIL: a row whose key is taken ends the statement, and those before it stay in; the work goes on
 * behind it. Since no statement ever has to be undone, SQLite keeps no copies of pages for that, which
 * is also why foreign keys are declared as deferred (their parents were looked up before).
 */
#include "store/sqlite_impl.h"

typedef struct many {
    sw_lite_session *session;
    const sw_table *table;
    sw_record_id record;
    sw_lite_verb verb;
    uint64_t columns; /* that are parameters: what no row has is NULL in the text */
    size_t size;      /* rows of the statement */
    sw_lite_slot *slot;
} many;

/* What a column holds that is no parameter. */
static const char *fixed(const many *m, size_t i)
{
    return m->verb == SW_LITE_ADD_MANY && (m->table->counters & SW_MASK(i)) ? "0" : "NULL";
}

static void print_row(const many *m, sw_buf *sql)
{
    const char *open = m->table->shape == SW_SHAPE_OWN_ID ? "(?, " : "(";

    for (uint64_t mask = m->table->all; mask; mask &= mask - 1) {
        size_t i = (size_t)__builtin_ctzll(mask);
        sw_buf_addf(sql, "%s%s", open, m->columns & SW_MASK(i) ? "?" : fixed(m, i));
        open = ", ";
    }
    sw_buf_addc(sql, ')');
}

/* All columns in their order, or SQLite would move every value once more. */
static void print_columns(const many *m, sw_buf *sql)
{
    bool own = m->table->shape == SW_SHAPE_OWN_ID;
    const char *comma = own ? ", " : "";

    sw_buf_addf(sql, "INSERT OR FAIL INTO %s_data AS t (%s", m->table->model->table,
                own ? "pk" : "");
    for (uint64_t mask = m->table->all; mask; mask &= mask - 1) {
        const sw_field *field = &m->table->model->fields[__builtin_ctzll(mask)];
        sw_buf_addf(sql, "%s%s", comma, sw__lite_column(field));
        comma = ", ";
    }
}

/* Where the key is taken. No counter of a record with key parts may be null (fill_table sees to it). */
static void print_conflict(const many *m, sw_buf *sql)
{
    bool add = m->verb == SW_LITE_ADD_MANY;
    uint64_t mask = add ? m->columns & m->table->counters : m->table->all & ~m->table->key;
    const char *comma = " DO UPDATE SET ";

    sw_buf_adds(sql, mask ? " ON CONFLICT" : " ON CONFLICT DO NOTHING");
    for (; mask; mask &= mask - 1) {
        const char *column = sw__lite_column(&m->table->model->fields[__builtin_ctzll(mask)]);
        sw_buf_addf(sql, "%s%s = ", comma, column);
        if (add) {
            sw_buf_addf(sql, "t.%s + ", column);
        }
        sw_buf_addf(sql, "excluded.%s", column);
        comma = ", ";
    }
}

static void build_many(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const many *m = arg;

    (void)session;
    print_columns(m, sql);
    sw_buf_adds(sql, ") VALUES ");
    for (size_t row = 0; row < m->size; row++) {
        sw_buf_adds(sql, row ? ", " : "");
        print_row(m, sql);
    }
    if (m->verb != SW_LITE_INSERT_MANY) {
        print_conflict(m, sql);
    }
}

/* Whether the row says anything in field i. A counter that nothing is added to says nothing. */
static bool says(const many *m, const void *row, size_t i)
{
    const sw_field *field = &m->table->model->fields[i];

    return m->verb == SW_LITE_ADD_MANY && (m->table->counters & SW_MASK(i))
               ? sw_field_number(field, row).value != 0
               : !sw_field_is_null(field, row);
}

/* The parameters of the statement only ever become more, so that a table's statement is prepared a few
 * times and not for every mixture of nulls. */
static void choose_columns(many *m, const void *const *rows)
{
    uint64_t *so_far = &m->session->many_columns[m->record];

    m->columns = *so_far | m->table->null_parts;
    for (uint64_t left = m->table->all & ~m->columns; left; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);
        for (size_t row = 0; row < m->size && !(m->columns & SW_MASK(i)); row++) {
            m->columns |= says(m, rows[row], i) ? SW_MASK(i) : 0;
        }
    }
    if (m->columns != *so_far) {
        *so_far = m->columns;
        sw__lite_drop(m->session, m->verb, m->record);
    }
}

/* Whether the row can go by this statement; one that cannot is left to be refused by name. */
static sw_status bind_row(many *m, const void *row, int64_t pk, int *at, sw_lite_scratch *scratch,
                          bool *fits, sw_error *err)
{
    if (m->table->shape == SW_SHAPE_OWN_ID) {
        const sw_lite_value number = {.is = SW_LITE_IS_INT, .number = pk};
        sw__lite_bind(m->slot->stmt, (*at)++, &number);
    }
    for (uint64_t mask = m->columns; mask; mask &= mask - 1, (*at)++) {
        size_t i = (size_t)__builtin_ctzll(mask);
        sw_lite_fit fit = SW_LITE_BOUND;
        sw_status status =
            sw__lite_bind_field(m->session, m->table, i, row, m->slot, *at, scratch, &fit, err);
        *fits = fit == SW_LITE_BOUND;
        if (status != SW_STATUS_OK || !*fits) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

static void remember(many *m, const void *const *rows, size_t count, int64_t pk)
{
    const sw_field *primary = &m->table->model->fields[m->table->primary];

    m->session->last_pk[m->record] = pk + (int64_t)count - 1;
    for (size_t i = 0; m->table->is_parent && i < count; i++) {
        sw__lite_remember_pk(m->session, m->record, sw_field_text(primary, rows[i]),
                             pk + (int64_t)i);
    }
}

/* What became of the statement: how many rows are in, and whether the next one is there already. */
static sw_status step_many(many *m, size_t *inserted, bool *taken, sw_error *err)
{
    int rc = sqlite3_step(m->slot->stmt);

    *inserted = m->size;
    *taken = false;
    if (rc == SQLITE_DONE) {
        return SW_STATUS_OK;
    }
    *taken = rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE;
    *inserted = *taken ? (size_t)sqlite3_changes(m->session->db) : 0;
    return *taken ? SW_STATUS_OK : sw__lite_fail(m->session->db, rc, "insert", err);
}

static sw_status take_many(many *m, const sw_lite_shape *shape, sw_error *err)
{
    sw_status status = sw__lite_take(m->session, shape, build_many, m, &m->slot, err);

    if (status == SW_STATUS_OK && !m->slot->held) {
        status = sw__lite_hold(m->session, m->slot, err);
        if (status != SW_STATUS_OK) {
            sw__lite_give(m->slot);
        }
    }
    return status;
}

/* Inserts m->size rows, or as many of them as come before one that is taken. `fits` is false when one of
 * them cannot go by this statement; then none is in. The statement keeps pointing to the rows and to the
 * scratch when it is done, and nobody looks: each use binds anew every parameter
 * that points anywhere. */
static sw_status insert_chunk(many *m, const void *const *rows, size_t *inserted, bool *taken,
                              bool *fits, sw_error *err)
{
    sw_lite_scratch scratch = {m->session->scratch, sizeof m->session->scratch};
    sw_lite_shape shape = {.verb = (uint8_t)m->verb, .record = (uint8_t)m->record};
    bool own = m->table->shape == SW_SHAPE_OWN_ID;
    int64_t pk = 0;
    int at = 1;
    sw_status status = own ? sw__lite_next_pk(m->session, m->record, &pk, err) : SW_STATUS_OK;

    choose_columns(m, rows);
    shape.mask = m->columns;
    shape.flags = (uint8_t)m->size;
    if (status == SW_STATUS_OK) {
        status = take_many(m, &shape, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    *fits = true;
    for (size_t i = 0; i < m->size && *fits && status == SW_STATUS_OK; i++) {
        status = bind_row(m, rows[i], pk + (int64_t)i, &at, &scratch, fits, err);
    }
    if (status == SW_STATUS_OK && *fits) {
        status = step_many(m, inserted, taken, err);
    }
    sw__lite_give(m->slot);
    if (status == SW_STATUS_OK && *fits && own && *inserted > 0) {
        remember(m, rows, *inserted, pk);
    }
    return status;
}

/* The largest statement for as many rows; few sizes, since each is prepared and kept. */
static size_t size_for(size_t count)
{
    return count >= SW_LITE_MANY   ? SW_LITE_MANY
           : count >= SW_LITE_HALF ? SW_LITE_HALF
           : count >= SW_LITE_FEW  ? SW_LITE_FEW
                                   : 1;
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
    many m = {.session = session,
              .table = sw__lite_table(session, record),
              .record = record,
              .verb = SW_LITE_INSERT_MANY};
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < count && status == SW_STATUS_OK;) {
        size_t inserted = 0;
        bool taken = false;
        bool fits = false;
        m.size = size_for(count - i);
        status = insert_chunk(&m, rows + i, &inserted, &taken, &fits, err);
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

typedef sw_status one_row(sw_session *head, sw_record_id record, const void *row, sw_error *err);

static sw_status one_by_one(sw_session *head, sw_record_id record, const void *const *rows,
                            size_t count, one_row *one, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < count && (status == SW_STATUS_OK || status == SW_STATUS_NOT_FOUND);
         i++) {
        status = one(head, record, rows[i], err);
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* Rows that may be there or not. */
static sw_status upsert_many(many *m, const void *const *rows, size_t count, one_row *one,
                             sw_error *err)
{
    sw_session *head = &m->session->head;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < count && status == SW_STATUS_OK;) {
        size_t done = 0;
        bool taken = false;
        bool fits = false;
        m->size = size_for(count - i);
        status = insert_chunk(m, rows + i, &done, &taken, &fits, err);
        sw_assert(!taken); /* that is what ON CONFLICT is for */
        if (status == SW_STATUS_OK && !fits) {
            done = 1;
            status = one_by_one(head, m->record, rows + i, done, one, err);
        }
        i += done;
    }
    return status;
}

sw_status sw__lite_add_many(sw_session *head, sw_record_id record, const void *const *rows,
                            size_t count, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    many m = {.session = session,
              .table = sw__lite_table(session, record),
              .record = record,
              .verb = SW_LITE_ADD_MANY};

    /* A record with an id is never made by adding. */
    return m.table->shape == SW_SHAPE_KEY_PARTS
               ? upsert_many(&m, rows, count, sw__lite_add, err)
               : one_by_one(head, record, rows, count, sw__lite_add, err);
}

sw_status sw__lite_put_many(sw_session *head, sw_record_id record, const void *const *rows,
                            size_t count, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    many m = {.session = session,
              .table = sw__lite_table(session, record),
              .record = record,
              .verb = SW_LITE_PUT_MANY};

    return upsert_many(&m, rows, count, sw__lite_put, err);
}
