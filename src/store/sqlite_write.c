/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that write one row: insert, update, add, put. Each walks the record's descriptors, and each
 * has one prepared statement for its shape.
 *
 * A statement that fails on a constraint undoes itself alone; the group goes on.
 */
#include <stdio.h>

#include "store/sqlite_impl.h"

static sw_lite_session *lite(sw_session *session)
{
    return (sw_lite_session *)(void *)session;
}

/* What a statement is printed from: the record, and the fields it sets or adds. */
typedef struct spec {
    const sw_table *table;
    uint64_t mask;
} spec;

static const sw_field *field_of(const sw_table *table, size_t i)
{
    return &table->model->fields[i];
}

/* ---- what a constraint says --------------------------------------------------------------------- */

/* SQLite names the columns of a broken unique index: "UNIQUE constraint failed: t.a, t.b". */
static bool names_index(const sw_record *record, const sw_index *index, const char *said)
{
    char columns[512];
    int len = 0;
    for (size_t i = 0; i < index->count && len >= 0 && (size_t)len < sizeof columns; i++) {
        len += snprintf(columns + len, sizeof columns - (size_t)len, "%s%s_data.%s", i ? ", " : "",
                        record->table, sw__lite_column(&record->fields[index->fields[i]]));
    }
    size_t tail = strlen(columns), all = strlen(said);
    return all >= tail && strcmp(said + all - tail, columns) == 0;
}

static sw_status taken(const sw_lite_session *session, const sw_table *table, sw_error *err)
{
    const sw_record *record = table->model;
    const char *said = sqlite3_errmsg(session->db);
    for (size_t i = 0; i < record->index_count; i++) {
        const sw_index *index = &record->indexes[i];
        if (index->unique && names_index(record, index, said)) {
            return sw_fail(err, SW_STATUS_EXISTS,
                           record->fields[index->fields[index->count - 1]].name,
                           "the value is taken (%s)", index->name);
        }
    }
    return sw_fail(err, SW_STATUS_EXISTS, record->fields[table->keys[0]].name, "the %s exists",
                   record->name);
}

static sw_status write_failed(const sw_lite_session *session, const sw_table *table, int rc,
                              const char *doing, sw_error *err)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
        return taken(session, table, err);
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return sw_fail(err, SW_STATUS_INVALID, NULL, "a reference to a record that does not exist");
    default:
        return sw__lite_fail(session->db, rc, doing, err);
    }
}

/* ---- insert, put, add: whole rows --------------------------------------------------------------- */

/* Parameter i + 1 is field i; the row number of an id record comes after all fields. */
static int pk_parameter(const sw_table *table)
{
    return (int)table->model->field_count + 1;
}

static void print_insert(const sw_table *table, sw_buf *sql)
{
    bool own = table->shape == SW_SHAPE_OWN_ID;
    const char *comma = own ? ", " : "";
    sw_buf_addf(sql, "INSERT INTO %s_data AS t (%s", table->model->table, own ? "pk" : "");
    for (size_t i = 0; i < table->model->field_count; i++) {
        if (table->all & SW_MASK(i)) {
            sw_buf_addf(sql, "%s%s", comma, sw__lite_column(field_of(table, i)));
            comma = ", ";
        }
    }
    sw_buf_adds(sql, ") VALUES (");
    if (own) {
        sw_buf_addf(sql, "?%d", pk_parameter(table));
    }
    comma = own ? ", " : "";
    for (size_t i = 0; i < table->model->field_count; i++) {
        if (table->all & SW_MASK(i)) {
            sw_buf_addf(sql, "%s?%zu", comma, i + 1);
            comma = ", ";
        }
    }
    sw_buf_addc(sql, ')');
}

static void build_insert(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    (void)session;
    print_insert(((const spec *)arg)->table, sql);
}

/* Where the key is taken: set (put) or add (add) the fields of the mask. */
static void print_upsert(const spec *want, bool add, sw_buf *sql)
{
    const char *comma = " SET ";
    sw_buf_adds(sql, " ON CONFLICT DO ");
    sw_buf_adds(sql, want->mask ? "UPDATE" : "NOTHING");
    for (size_t i = 0; i < want->table->model->field_count; i++) {
        if (want->mask & SW_MASK(i)) {
            const char *column = sw__lite_column(field_of(want->table, i));
            sw_buf_addf(sql, "%s%s = ", comma, column);
            if (add) {
                sw_buf_addf(sql, "ifnull(t.%s, 0) + ", column);
            }
            sw_buf_addf(sql, "excluded.%s", column);
            comma = ", ";
        }
    }
}

static void build_put(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    (void)session;
    print_insert(((const spec *)arg)->table, sql);
    print_upsert(arg, false, sql);
}

static void build_add_row(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    (void)session;
    print_insert(((const spec *)arg)->table, sql);
    print_upsert(arg, true, sql);
}

static sw_status no_such(const sw_field *field, sw_error *err)
{
    if (!field->ref.record_plus_1) {
        return sw_fail(err, SW_STATUS_INVALID, field->name, "is longer than %d bytes",
                       (int)SW_LIMIT_ID_BYTES);
    }
    return sw_fail(err, SW_STATUS_INVALID, field->name, "no such %s",
                   sw__records[field->ref.record_plus_1 - 1].name);
}

/* Binds the fields of the mask at i + 1. Most fields of most rows are null, and so they were in the
 * row before: only what is or was something is bound. */
static sw_status bind_fields(sw_lite_session *session, const sw_table *table, uint64_t mask,
                             const void *row, sw_lite_slot *slot, sw_error *err)
{
    sw_lite_scratch scratch = {session->scratch, sizeof session->scratch};
    uint64_t present = sw_row_mask(table->model, row) | table->null_parts;
    uint64_t touched = mask & (present | slot->bound);
    slot->bound |= touched; /* also when it ends half-way */
    for (uint64_t left = touched; left; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);
        sw_lite_fit fit = SW_LITE_BOUND;
        sw_status status =
            sw__lite_bind_field(session, table, i, row, slot, (int)i + 1, &scratch, &fit, err);
        sw_assert(fit != SW_LITE_NO_ROOM);
        if (status == SW_STATUS_OK && fit == SW_LITE_UNKNOWN) {
            status = no_such(field_of(table, i), err);
        }
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    slot->bound = (slot->bound & ~mask) | (mask & present);
    return SW_STATUS_OK;
}

static sw_status step_write(sw_lite_session *session, const sw_table *table, sw_lite_slot *slot,
                            const char *doing, sw_error *err)
{
    int rc = sqlite3_step(slot->stmt);
    return rc == SQLITE_DONE ? SW_STATUS_OK : write_failed(session, table, rc, doing, err);
}

/* A row of an id record gets its number; once it is in, references to it need not ask the file. */
static sw_status step_insert(sw_lite_session *session, sw_record_id record, const void *row,
                             sw_lite_slot *slot, sw_error *err)
{
    const sw_table *table = sw__lite_table(session, record);
    int64_t pk = 0;
    if (table->shape != SW_SHAPE_OWN_ID) {
        return step_write(session, table, slot, "insert", err);
    }
    sw_status status = sw__lite_next_pk(session, record, &pk, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    const sw_lite_value value = {.is = SW_LITE_IS_INT, .number = pk};
    sw__lite_bind(slot->stmt, pk_parameter(table), &value);
    status = step_write(session, table, slot, "insert", err);
    if (status == SW_STATUS_OK) {
        session->last_pk[record] = pk;
        if (table->is_parent) {
            sw__lite_remember_pk(session, record,
                                 sw_field_text(field_of(table, (size_t)table->primary), row), pk);
        }
    }
    return status;
}

static sw_status write_row(sw_lite_session *session, sw_record_id record, sw_lite_verb verb,
                           sw_lite_build *build, uint64_t mask, const void *row, sw_error *err)
{
    const sw_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = (uint8_t)verb, .record = (uint8_t)record, .mask = mask};
    const spec want = {table, mask};
    sw_lite_slot *slot = NULL;
    sw_status status = sw__lite_take(session, &shape, build, &want, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = bind_fields(session, table, table->all, row, slot, err);
    if (status == SW_STATUS_OK) {
        status = step_insert(session, record, row, slot, err);
    }
    sw__lite_give(slot);
    return status;
}

sw_status sw__lite_insert(sw_session *head, sw_record_id record, const void *row, sw_error *err)
{
    return write_row(lite(head), record, SW_LITE_INSERT, build_insert, 0, row, err);
}

sw_status sw__lite_put(sw_session *head, sw_record_id record, const void *row, sw_error *err)
{
    sw_lite_session *session = lite(head);
    const sw_table *table = sw__lite_table(session, record);
    return write_row(session, record, SW_LITE_PUT, build_put, table->all & ~table->key, row, err);
}

/* ---- update, add: some fields ------------------------------------------------------------------- */

static void print_update(const spec *want, bool add, sw_buf *sql)
{
    const char *comma = " SET ";
    sw_buf_addf(sql, "UPDATE %s_data AS t", want->table->model->table);
    for (size_t i = 0; i < want->table->model->field_count; i++) {
        if (want->mask & SW_MASK(i)) {
            const char *column = sw__lite_column(field_of(want->table, i));
            sw_buf_addf(sql, "%s%s = ", comma, column);
            if (add) {
                sw_buf_addf(sql, "ifnull(t.%s, 0) + ", column);
            }
            sw_buf_addf(sql, "?%zu", i + 1);
            comma = ", ";
        }
    }
    sw__lite_where_key(want->table, pk_parameter(want->table), sql);
}

static void build_update(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    (void)session;
    print_update(arg, false, sql);
}

static void build_add(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    (void)session;
    print_update(arg, true, sql);
}

static sw_status change_row(sw_lite_session *session, sw_record_id record, sw_lite_verb verb,
                            sw_lite_build *build, uint64_t mask, const void *row, sw_error *err)
{
    const sw_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = (uint8_t)verb, .record = (uint8_t)record, .mask = mask};
    const spec want = {table, mask};
    sw_lite_slot *slot = NULL;
    bool there = false;
    sw_status status = sw__lite_take(session, &shape, build, &want, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw__lite_bind_key(session, table, slot->stmt, pk_parameter(table), row, &there, err);
    if (status == SW_STATUS_OK && there) {
        status = bind_fields(session, table, mask, row, slot, err);
    }
    if (status == SW_STATUS_OK && there) {
        status = step_write(session, table, slot, "update", err);
        there = sqlite3_changes64(session->db) > 0;
    }
    sw__lite_give(slot);
    return status == SW_STATUS_OK && !there ? SW_STATUS_NOT_FOUND : status;
}

sw_status sw__lite_update(sw_session *head, sw_record_id record, const void *row, uint64_t mask,
                          sw_error *err)
{
    return change_row(lite(head), record, SW_LITE_UPDATE, build_update, mask, row, err);
}

/* A counter that must not be null and is in the row that enters whole begins at nothing. */
static void fill_counters(const sw_table *table, void *row)
{
    for (size_t i = 0; i < table->model->field_count; i++) {
        const sw_field *field = field_of(table, i);
        if ((table->counters & SW_MASK(i)) && (field->flags & SW_NOT_NULL) &&
            sw_field_is_null(field, row)) {
            *sw_field_int(field, row) = sw_int_of(0);
        }
    }
}

/* The counters that the statement moves: a counter that must not be null and to which nothing was ever
 * added by this session is left out. What it may name only grows, so that few statements are made. */
static uint64_t moving(sw_lite_session *session, sw_record_id record, const void *row)
{
    const sw_table *table = sw__lite_table(session, record);
    uint64_t given = sw_row_mask(table->model, row) & table->counters;
    for (uint64_t left = given; left; left &= left - 1) {
        size_t i = (size_t)__builtin_ctzll(left);
        bool moves = sw_field_number(field_of(table, i), row).value != 0;
        bool nullable = (field_of(table, i)->flags & SW_NOT_NULL) == 0;
        session->moved[record] |= moves || nullable ? SW_MASK(i) : 0;
    }
    return given & session->moved[record];
}

sw_status sw__lite_add(sw_session *head, sw_record_id record, const void *row, sw_error *err)
{
    sw_lite_session *session = lite(head);
    const sw_table *table = sw__lite_table(session, record);
    uint64_t mask = moving(session, record, row);
    if (table->shape != SW_SHAPE_KEY_PARTS) {
        return mask ? change_row(session, record, SW_LITE_ADD, build_add, mask, row, err)
                    : sw__lite_find(session, record, row, err);
    }
    union {
        max_align_t align;
        char bytes[SW_LITE_ROW_BYTES];
    } whole;
    sw_assert(table->model->size <= sizeof whole);
    memcpy(&whole, row, table->model->size);
    fill_counters(table, &whole);
    return write_row(session, record, SW_LITE_ADD, build_add_row, mask, &whole, err);
}
