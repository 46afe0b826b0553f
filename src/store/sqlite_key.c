/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that need no more than a key: get and remove; and the key as part of any statement.
 *
 * A removal that something with RESTRICT refers to fails, and says what refers to it.
 */
#include "store/sqlite_impl.h"

/* ---- keys --------------------------------------------------------------------------------------- */

void sw__lite_where_key(const sw_table *table, int first, sw_buf *sql)
{
    sw_buf_adds(sql, " WHERE ");
    for (size_t i = 0; i < table->key_count; i++) {
        sw_buf_addf(sql, "%st.%s = ?%d", i ? " AND " : "",
                    sw__lite_column(&table->model->fields[table->keys[i]]), first + (int)i);
    }
}

sw_status sw__lite_bind_key(sw_lite_session *session, const sw_table *table, sqlite3_stmt *stmt,
                            int first, const void *row, bool *there, sw_error *err)
{
    *there = true;
    for (size_t i = 0; i < table->key_count; i++) {
        sw_lite_value *value = &session->key[i];
        sw_status status =
            sw__lite_encode(session, &table->model->fields[table->keys[i]], row, false, value, err);
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

/* Runs the statement of the shape on the key; *rc is SQLITE_DONE when the row cannot be there. When OK, the
 * slot is the caller's to give back. */
static sw_status step_key(sw_lite_session *session, sw_lite_verb verb, sw_record_id record,
                          sw_lite_build *build, const void *key, sw_lite_slot **slot, int *rc,
                          sw_error *err)
{
    const sw_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = (uint8_t)verb, .record = (uint8_t)record};
    bool there = false;
    sw_status status = sw__lite_take(session, &shape, build, table, slot, err);
    *rc = SQLITE_DONE;
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw__lite_bind_key(session, table, (*slot)->stmt, 1, key, &there, err);
    if (status != SW_STATUS_OK) {
        sw__lite_give(*slot);
        return status;
    }
    *rc = there ? sqlite3_step((*slot)->stmt) : SQLITE_DONE;
    return SW_STATUS_OK;
}

/* ---- get ---------------------------------------------------------------------------------------- */

static void build_get(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_table *table = arg;
    (void)session;
    for (size_t i = 0; i < table->model->field_count; i++) {
        sw_buf_addf(sql, "%s%s.%s", i ? ", " : "SELECT ", table->shared & SW_MASK(i) ? "b" : "t",
                    sw__lite_column(&table->model->fields[i]));
    }
    sw_buf_addf(sql, " FROM %s_data AS t", table->model->table);
    if (table->shared) {
        sw__lite_join_body(sql);
    }
    sw__lite_where_key(table, 1, sql);
}

/* The statement is not given back before the row is read, so that looking up its words and parents
 * happens in the same snapshot. */
static sw_status read_row(sw_lite_session *session, const sw_table *table, sqlite3_stmt *stmt,
                          sw_arena *arena, void *out, sw_error *err)
{
    memset(out, 0, table->model->size);
    return sw__lite_read(session, table, table->all | table->shared, stmt, 0, false, arena, out,
                         err);
}

sw_status sw__lite_get(sw_session *head, sw_record_id record, const void *key, sw_arena *arena,
                       void *out, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    sw_lite_slot *slot = NULL;
    int rc = SQLITE_DONE;
    sw_status status = step_key(session, SW_LITE_GET, record, build_get, key, &slot, &rc, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = rc == SQLITE_ROW
                 ? read_row(session, sw__lite_table(session, record), slot->stmt, arena, out, err)
             : rc == SQLITE_DONE ? SW_STATUS_NOT_FOUND
                                 : sw__lite_fail(session->db, rc, "get", err);
    sw__lite_give(slot);
    return status;
}

sw_status sw__lite_find(sw_lite_session *session, sw_record_id record, const void *key,
                        sw_error *err)
{
    sw_lite_slot *slot = NULL;
    int rc = SQLITE_DONE;
    sw_status status = step_key(session, SW_LITE_GET, record, build_get, key, &slot, &rc, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = rc == SQLITE_ROW    ? SW_STATUS_OK
             : rc == SQLITE_DONE ? SW_STATUS_NOT_FOUND
                                 : sw__lite_fail(session->db, rc, "look for the row", err);
    sw__lite_give(slot);
    return status;
}

/* ---- remove ------------------------------------------------------------------------------------- */

static void build_remove(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_table *table = arg;
    (void)session;
    sw_buf_addf(sql, "DELETE FROM %s_data AS t", table->model->table);
    sw__lite_where_key(table, 1, sql);
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
    const sw_table *table = sw__lite_table(session, record);
    bool refers = rc == SQLITE_CONSTRAINT_FOREIGNKEY || rc == SQLITE_CONSTRAINT_TRIGGER;
    if (refers && table->shape == SW_SHAPE_OWN_ID) {
        return restricted(session, record,
                          sw_field_text(&table->model->fields[table->primary], key), err);
    }
    return sw__lite_fail(session->db, rc, "remove", err);
}

sw_status sw__lite_remove(sw_session *head, sw_record_id record, const void *key, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    const sw_table *table = sw__lite_table(session, record);
    sw_lite_slot *slot = NULL;
    int rc = SQLITE_DONE;
    int64_t before = sqlite3_total_changes64(session->db);
    sw_status status =
        step_key(session, SW_LITE_REMOVE, record, build_remove, key, &slot, &rc, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw__lite_give(slot);
    if (rc != SQLITE_DONE) {
        return remove_failed(session, record, key, rc, err);
    }
    if (sqlite3_total_changes64(session->db) == before) {
        return SW_STATUS_NOT_FOUND;
    }
    if (table->is_parent) {
        sw__lite_forget(session);
    }
    return SW_STATUS_OK;
}
