/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs on one row: get, insert, update, add, put, remove. Each walks the record's descriptors, and
 * each has one prepared statement for its shape.
 *
 * We give every row of an id record its number ourselves: one more than the highest ever used, which is
 * the highest in the table or in `floors`, where a trigger keeps what was taken away. So a number never
 * names two rows, and readers may remember what it means without asking anybody.
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
    const sw_lite_table *table;
    uint64_t mask;
} spec;

static const sw_field *field_of(const sw_lite_table *table, size_t i)
{
    return &table->model->fields[i];
}

/* ---- keys --------------------------------------------------------------------------------------- */

/* "a = ?1 AND b = ?2": the key, from parameter `first` on. */
static void print_where_key(const sw_lite_table *table, int first, sw_buf *sql)
{
    sw_buf_adds(sql, " WHERE ");
    for (size_t i = 0; i < table->key_count; i++) {
        sw_buf_addf(sql, "%st.%s = ?%d", i ? " AND " : "",
                    sw__lite_column(field_of(table, table->keys[i])), first + (int)i);
    }
}

/* Binds the key from parameter `first` on. `there` is false when a word, a parent or an id of the key
 * cannot be in the file, so neither can the row. */
static sw_status bind_key(sw_lite_session *session, const sw_lite_table *table, sqlite3_stmt *stmt,
                          int first, const void *row, bool *there, sw_error *err)
{
    *there = true;
    for (size_t i = 0; i < table->key_count; i++) {
        sw_lite_value *value = &session->row[table->keys[i]];
        sw_status status =
            sw__lite_encode(session, field_of(table, table->keys[i]), row, false, value, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        if (value->is == SW_LITE_IS_UNKNOWN) {
            *there = false;
            return SW_STATUS_OK;
        }
        sw__lite_bind(stmt, first + (int)i, value);
    }
    return SW_STATUS_OK;
}

/* ---- get ---------------------------------------------------------------------------------------- */

static void build_get(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_lite_table *table = arg;
    (void)session;
    for (size_t i = 0; i < table->model->field_count; i++) {
        sw_buf_addf(sql, "%s%s.%s", i ? ", " : "SELECT ", table->shared & SW_MASK(i) ? "b" : "t",
                    sw__lite_column(field_of(table, i)));
    }
    sw_buf_addf(sql, " FROM %s_data AS t", table->model->table);
    if (table->shared) {
        sw__lite_join_body(sql);
    }
    print_where_key(table, 1, sql);
}

/* The statement is not given back before the row is read, so that looking up its words and parents
 * happens in the same snapshot. */
static sw_status read_row(sw_lite_session *session, const sw_lite_table *table, sqlite3_stmt *stmt,
                          sw_arena *arena, void *out, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    memset(out, 0, table->model->size);
    for (size_t i = 0; status == SW_STATUS_OK && i < table->model->field_count; i++) {
        status = sw__lite_read(session, stmt, (int)i, field_of(table, i), false, arena, out, err);
    }
    return status;
}

sw_status sw__lite_get(sw_session *head, sw_record_id record, const void *key, sw_arena *arena,
                       void *out, sw_error *err)
{
    sw_lite_session *session = lite(head);
    const sw_lite_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = SW_LITE_GET, .record = (uint8_t)record};
    sw_lite_slot *slot = NULL;
    bool there = false;
    sw_status status = sw__lite_take(session, &shape, build_get, table, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = bind_key(session, table, slot->stmt, 1, key, &there, err);
    if (status == SW_STATUS_OK) {
        int rc = there ? sqlite3_step(slot->stmt) : SQLITE_DONE;
        status = rc == SQLITE_ROW    ? read_row(session, table, slot->stmt, arena, out, err)
                 : rc == SQLITE_DONE ? SW_STATUS_NOT_FOUND
                                     : sw__lite_fail(session->db, rc, "get", err);
    }
    sw__lite_give(slot);
    return status;
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

static sw_status taken(const sw_lite_session *session, const sw_lite_table *table, sw_error *err)
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

static sw_status write_failed(const sw_lite_session *session, const sw_lite_table *table, int rc,
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

/* ---- row numbers -------------------------------------------------------------------------------- */

static void build_last_pk(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const char *name = ((const sw_lite_table *)arg)->model->table;
    (void)session;
    sw_buf_addf(sql,
                "SELECT max(ifnull((SELECT max(pk) FROM %s_data), 0),"
                " ifnull((SELECT pk FROM floors WHERE name = '%s'), 0))",
                name, name);
}

sw_status sw__lite_next_pk(sw_lite_session *session, sw_record_id record, int64_t *pk,
                           sw_error *err)
{
    const sw_lite_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = SW_LITE_LAST_PK, .record = (uint8_t)record};
    sw_lite_slot *slot = NULL;
    if (session->last_pk[record]) {
        *pk = session->last_pk[record] + 1;
        return SW_STATUS_OK;
    }
    sw_status status = sw__lite_take(session, &shape, build_last_pk, table, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    int rc = sqlite3_step(slot->stmt);
    *pk = rc == SQLITE_ROW ? sqlite3_column_int64(slot->stmt, 0) + 1 : 0;
    status = rc == SQLITE_ROW ? SW_STATUS_OK
                              : sw__lite_fail(session->db, rc, "look up the last row", err);
    sw__lite_give(slot);
    return status;
}

/* ---- insert, put, add: whole rows --------------------------------------------------------------- */

/* Parameter i + 1 is field i; the row number of an id record comes after all fields. */
static int pk_parameter(const sw_lite_table *table)
{
    return (int)table->model->field_count + 1;
}

static void print_insert(const sw_lite_table *table, sw_buf *sql)
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

/* Binds a field that needs looking up or another form. */
static sw_status bind_encoded(sw_lite_session *session, const sw_field *field, size_t i,
                              const void *row, sw_lite_slot *slot, bool *null, sw_error *err)
{
    sw_lite_value *value = &session->row[i];
    sw_status status = sw__lite_encode(session, field, row, true, value, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (value->is == SW_LITE_IS_UNKNOWN) {
        return no_such(field, err);
    }
    *null = value->is == SW_LITE_IS_NULL;
    if (!*null) {
        sw__lite_bind(slot->stmt, (int)i + 1, value);
    }
    return SW_STATUS_OK;
}

/* Binds a number or a text as it is. */
static void bind_plain(const sw_field *field, size_t i, const void *row, sw_lite_slot *slot,
                       bool *null)
{
    int rc = SQLITE_OK;
    if (sw_kind_is_text(field->kind)) {
        sw_str text = sw_field_text(field, row);
        *null = !text.ptr;
        if (text.ptr) {
            rc = sqlite3_bind_text(slot->stmt, (int)i + 1, text.ptr, (int)text.len, SQLITE_STATIC);
        }
    } else {
        sw_int number = sw_field_number(field, row);
        *null = !number.known;
        if (number.known) {
            rc = sqlite3_bind_int64(slot->stmt, (int)i + 1, number.value);
        }
    }
    sw_assert(rc == SQLITE_OK);
}

/* Binds the fields of the mask at i + 1. Most fields of most rows are null, and so they were in the
 * row before: only what is or was something is bound. */
static sw_status bind_fields(sw_lite_session *session, const sw_lite_table *table, uint64_t mask,
                             const void *row, sw_lite_slot *slot, sw_error *err)
{
    for (; mask; mask &= mask - 1) {
        size_t i = (size_t)__builtin_ctzll(mask);
        const sw_field *field = field_of(table, i);
        bool null = false;
        if (table->forms[i] == SW_LITE_NUMBER || table->forms[i] == SW_LITE_TEXT) {
            bind_plain(field, i, row, slot, &null);
        } else {
            sw_status status = bind_encoded(session, field, i, row, slot, &null, err);
            if (status != SW_STATUS_OK) {
                return status;
            }
        }
        if (!null) {
            slot->bound |= SW_MASK(i);
        } else if (slot->bound & SW_MASK(i)) {
            int rc = sqlite3_bind_null(slot->stmt, (int)i + 1);
            sw_assert(rc == SQLITE_OK);
            slot->bound &= ~SW_MASK(i);
        }
    }
    return SW_STATUS_OK;
}

static sw_status step_write(sw_lite_session *session, const sw_lite_table *table,
                            sw_lite_slot *slot, const char *doing, sw_error *err)
{
    int rc = sqlite3_step(slot->stmt);
    return rc == SQLITE_DONE ? SW_STATUS_OK : write_failed(session, table, rc, doing, err);
}

/* A row of an id record gets its number; once it is in, references to it need not ask the file. */
static sw_status step_insert(sw_lite_session *session, sw_record_id record, const void *row,
                             sw_lite_slot *slot, sw_error *err)
{
    const sw_lite_table *table = sw__lite_table(session, record);
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
    const sw_lite_table *table = sw__lite_table(session, record);
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
    const sw_lite_table *table = sw__lite_table(session, record);
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
    print_where_key(want->table, pk_parameter(want->table), sql);
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
    const sw_lite_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = (uint8_t)verb, .record = (uint8_t)record, .mask = mask};
    const spec want = {table, mask};
    sw_lite_slot *slot = NULL;
    bool there = false;
    sw_status status = sw__lite_take(session, &shape, build, &want, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = bind_key(session, table, slot->stmt, pk_parameter(table), row, &there, err);
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
static void fill_counters(const sw_lite_table *table, void *row)
{
    for (size_t i = 0; i < table->model->field_count; i++) {
        const sw_field *field = field_of(table, i);
        if ((table->counters & SW_MASK(i)) && (field->flags & SW_NOT_NULL) &&
            sw_field_is_null(field, row)) {
            *sw_field_int(field, row) = sw_int_of(0);
        }
    }
}

/* With nothing to add, the answer still says whether the row is there. */
static sw_status look_for(sw_lite_session *session, sw_record_id record, const void *key,
                          sw_error *err)
{
    const sw_lite_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = SW_LITE_GET, .record = (uint8_t)record};
    sw_lite_slot *slot = NULL;
    bool there = false;
    int rc = SQLITE_DONE;
    sw_status status = sw__lite_take(session, &shape, build_get, table, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = bind_key(session, table, slot->stmt, 1, key, &there, err);
    if (status == SW_STATUS_OK && there) {
        rc = sqlite3_step(slot->stmt);
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = sw__lite_fail(session->db, rc, "look for the row", err);
    }
    sw__lite_give(slot);
    return status == SW_STATUS_OK && rc == SQLITE_DONE ? SW_STATUS_NOT_FOUND : status;
}

sw_status sw__lite_add(sw_session *head, sw_record_id record, const void *row, sw_error *err)
{
    sw_lite_session *session = lite(head);
    const sw_lite_table *table = sw__lite_table(session, record);
    uint64_t mask = sw_row_mask(table->model, row) & table->counters;
    if (table->shape != SW_SHAPE_KEY_PARTS) {
        return mask ? change_row(session, record, SW_LITE_ADD, build_add, mask, row, err)
                    : look_for(session, record, row, err);
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

/* ---- remove ------------------------------------------------------------------------------------- */

static void build_remove(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_lite_table *table = arg;
    (void)session;
    sw_buf_addf(sql, "DELETE FROM %s_data AS t", table->model->table);
    print_where_key(table, 1, sql);
}

typedef struct child {
    const sw_record *record;
    const sw_field *field;
} child;

static void build_child(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const child *want = arg;
    (void)session;
    sw_buf_addf(sql, "SELECT 1 FROM %s_data WHERE %s = ?1 LIMIT 1", want->record->table,
                sw__lite_column(want->field));
}

static sw_status has_child(sw_lite_session *session, size_t record, size_t field, int64_t pk,
                           bool *has, sw_error *err)
{
    const child want = {&sw__records[record], &sw__records[record].fields[field]};
    const sw_lite_shape shape = {
        .verb = SW_LITE_CHILD, .record = (uint8_t)record, .path = (uint8_t)field};
    const sw_lite_value value = {.is = SW_LITE_IS_INT, .number = pk};
    sw_lite_slot *slot = NULL;
    sw_status status = sw__lite_take(session, &shape, build_child, &want, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw__lite_bind(slot->stmt, 1, &value);
    int rc = sqlite3_step(slot->stmt);
    *has = rc == SQLITE_ROW;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = sw__lite_fail(session->db, rc, "look for what refers to it", err);
    }
    sw__lite_give(slot);
    return status;
}

/* SQLite says that something refers to the row, not what; the ones with RESTRICT are asked in turn. */
static sw_status restricted(sw_lite_session *session, sw_record_id record, sw_str id, sw_error *err)
{
    int64_t pk = 0;
    bool has = false;
    sw_status status = sw__lite_pk(session, record, id, &pk, err);
    for (size_t r = 0; status == SW_STATUS_OK && r < SW_RECORD_COUNT; r++) {
        for (size_t i = 0; status == SW_STATUS_OK && i < sw__records[r].field_count; i++) {
            const sw_ref *ref = &sw__records[r].fields[i].ref;
            if (ref->record_plus_1 != (uint8_t)record + 1 || ref->on_delete != SW_RESTRICT) {
                continue;
            }
            status = has_child(session, r, i, pk, &has, err);
            if (has) {
                return sw_fail(err, SW_STATUS_RESTRICTED, NULL, "a %s refers to it",
                               sw__records[r].name);
            }
        }
    }
    return status == SW_STATUS_OK
               ? sw_fail(err, SW_STATUS_RESTRICTED, NULL, "a record that goes along is referred to")
               : status;
}

static sw_status remove_failed(sw_lite_session *session, sw_record_id record, const void *key,
                               int rc, sw_error *err)
{
    const sw_lite_table *table = sw__lite_table(session, record);
    bool refers = rc == SQLITE_CONSTRAINT_FOREIGNKEY || rc == SQLITE_CONSTRAINT_TRIGGER;
    if (refers && table->shape == SW_SHAPE_OWN_ID) {
        return restricted(session, record,
                          sw_field_text(field_of(table, (size_t)table->primary), key), err);
    }
    return sw__lite_fail(session->db, rc, "remove", err);
}

sw_status sw__lite_remove(sw_session *head, sw_record_id record, const void *key, sw_error *err)
{
    sw_lite_session *session = lite(head);
    const sw_lite_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = SW_LITE_REMOVE, .record = (uint8_t)record};
    sw_lite_slot *slot = NULL;
    bool there = false;
    int rc = SQLITE_DONE;
    sw_status status = sw__lite_take(session, &shape, build_remove, table, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = bind_key(session, table, slot->stmt, 1, key, &there, err);
    if (status == SW_STATUS_OK && there) {
        rc = sqlite3_step(slot->stmt);
        there = rc != SQLITE_DONE || sqlite3_changes64(session->db) > 0;
    }
    sw__lite_give(slot);
    if (status == SW_STATUS_OK && rc != SQLITE_DONE) {
        return remove_failed(session, record, key, rc, err);
    }
    if (status == SW_STATUS_OK && there && table->is_parent) {
        sw__lite_forget(session);
    }
    return status == SW_STATUS_OK && !there ? SW_STATUS_NOT_FOUND : status;
}
