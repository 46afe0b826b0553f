/* SPDX-License-Identifier: Apache-2.0 */
/* The views of an SQLite file: what any SQLite program reads as plain tables is what was written, also while a
 * writer is at work.
 */
#include "tests/unit/sqlite_place.h"

/* ---- rows --------------------------------------------------------------------------------------- */

static sw_str primary_of(sw_record_id record, const void *row)
{
    const sw_record *model = sw_record_of(record);
    return sw_field_text(&model->fields[sw_record_primary(model)], row);
}

/* Fills the references with the rows made before; a nullable one only when the row is to be full. */
static void refer(sw_record_id record, bool full, const any_row *rows, void *row)
{
    const sw_record *model = sw_record_of(record);
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        bool must = (field->flags & SW_NOT_NULL) != 0;
        if (field->ref.record_plus_1 && (must || full)) {
            sw_record_id parent = (sw_record_id)(field->ref.record_plus_1 - 1);
            *sw_field_str(field, row) = primary_of(parent, &rows[parent]);
        }
    }
}

/* One row of each record, each referring to the ones before it, in one group. */
static void insert_one_of_each(place *p, rowgen_fill fill, any_row *rows)
{
    rowgen gen = {.state = 7 + (uint64_t)fill, .arena = &p->arena};
    begin(p);
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        memset(&rows[r], 0, sizeof rows[r]);
        rowgen_row(&gen, (sw_record_id)r, fill, &rows[r]);
        refer((sw_record_id)r, fill == ROWGEN_FULL, rows, &rows[r]);
        if (r == SW_RECORD_MESSAGE_BODY) {
            sw_message_body *body = (sw_message_body *)&rows[r];
            sw_message *message = (sw_message *)&rows[SW_RECORD_MESSAGE];
            body->digest = message->body_hash.ptr ? message->body_hash : body->digest;
        }
        check(p, sw_store_insert(p->writer, (sw_record_id)r, &rows[r], &p->err), SW_STATUS_OK);
    }
    commit(p);
}

static void shared_from_body(any_row *rows)
{
    const sw_message_body *body = (const sw_message_body *)&rows[SW_RECORD_MESSAGE_BODY];
    sw_message *message = (sw_message *)&rows[SW_RECORD_MESSAGE];
    bool has = message->body_hash.ptr != NULL;
    message->text = has ? body->text : SW_NULL_STR;
    message->content = has ? body->content : SW_NULL_STR;
    message->tool_calls = has && body->tool_calls.ptr ? body->tool_calls : SW_STR("[]");
    message->tool_returns = has ? body->tool_returns : SW_NULL_STR;
}

/* ---- views -------------------------------------------------------------------------------------- */

static void same_text(sqlite3_stmt *stmt, sw_str expected, const char *column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, 0);
    size_t len = (size_t)sqlite3_column_bytes(stmt, 0);
    if (!sw_str_eq(sw_str_make(text, len), expected)) {
        fail_msg("%s is '%s', not '%.*s'", column, text ? text : "(null)", (int)expected.len,
                 expected.ptr ? expected.ptr : "(null)");
    }
}

static void same_column(sqlite3 *db, const sw_record *record, const sw_field *field,
                        const void *row)
{
    char sql[200];
    const char *column = sw_field_column(field);
    (void)snprintf(sql, sizeof sql, "SELECT %s FROM %s", column, record->table);
    sqlite3_stmt *stmt = ask_raw(db, sql);
    bool null = sw_field_is_null(field, row) || (field->flags & SW_SECRET);
    if (null) {
        assert_int_equal(sqlite3_column_type(stmt, 0), SQLITE_NULL);
    } else if (field->kind == SW_KIND_ENUM) {
        same_text(stmt, sw_str_from(sw_enum_word(field->words, sw_field_number(field, row).value)),
                  column);
    } else if (sw_kind_is_text(field->kind)) {
        same_text(stmt, sw_field_text(field, row), column);
    } else {
        assert_int_equal(sqlite3_column_type(stmt, 0), SQLITE_INTEGER);
        assert_int_equal(sqlite3_column_int64(stmt, 0), sw_field_number(field, row).value);
    }
    (void)sqlite3_finalize(stmt);
}

static void same_time_text(sqlite3 *db, const sw_record *record, const sw_field *field,
                           const void *row)
{
    char sql[200];
    int64_t us = 0;
    if (sw_field_is_null(field, row)) {
        return;
    }
    (void)snprintf(sql, sizeof sql, "SELECT %s_text FROM %s", sw_field_column(field),
                   record->table);
    sqlite3_stmt *stmt = ask_raw(db, sql);
    assert_true(sw_time_parse(sw_str_from((const char *)sqlite3_column_text(stmt, 0)), &us));
    assert_int_equal(us, sw_field_number(field, row).value);
    (void)sqlite3_finalize(stmt);
}

static void views_show_rows(place *p, rowgen_fill fill)
{
    any_row *rows = calloc(SW_RECORD_COUNT, sizeof *rows);
    assert_non_null(rows);
    open_writer(p);
    insert_one_of_each(p, fill, rows);
    shared_from_body(rows);
    sqlite3 *db = open_raw(p);
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *record = sw_record_of((sw_record_id)r);
        for (size_t i = 0; record->is_public && i < record->field_count; i++) {
            const sw_field *field = &record->fields[i];
            bool shown = !(field->flags & SW_HIDDEN) || strcmp(field->name, "is_deleted") == 0;
            if (shown) {
                same_column(db, record, field, &rows[r]);
            }
            if (shown && field->kind == SW_KIND_TIME) {
                same_time_text(db, record, field, &rows[r]);
            }
        }
    }
    (void)sqlite3_close(db);
    free(rows);
}

static void views_show_full_rows(void **state)
{
    views_show_rows(*state, ROWGEN_FULL);
}

static void views_show_sparse_rows(void **state)
{
    views_show_rows(*state, ROWGEN_SPARSE);
}

static void views_show_mixed_rows(void **state)
{
    views_show_rows(*state, ROWGEN_MIXED);
}

static void a_view_reads_while_a_group_is_open(void **state)
{
    place *p = *state;
    open_writer(p);
    sw_organization org = an_organization(p, 1);
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &org);
    for (unsigned n = 1; n <= 3; n++) {
        sw_step step = a_step(p, n, org.id, SW_STR("m-1"));
        insert(p, SW_RECORD_STEP, &step);
    }
    commit(p);
    begin(p);
    sw_step late = a_step(p, 4, org.id, SW_STR("m-2"));
    insert(p, SW_RECORD_STEP, &late);
    sqlite3 *db = open_raw(p);
    const char *sums = "SELECT sum(total_tokens) FROM steps WHERE model = 'm-1' GROUP BY model";
    assert_int_equal(raw_number(db, sums), 1 + 2 + 3);
    assert_int_equal(raw_number(db, "SELECT count(DISTINCT model) FROM steps"), 1);
    commit(p);
    assert_int_equal(raw_number(db, "SELECT count(DISTINCT model) FROM steps"), 2);
    (void)sqlite3_close(db);
}

/* How many tables are read from end to end for it. */
static void scans(sqlite3 *db, const char *query, int expected)
{
    char sql[600];
    int found = 0;
    (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", query);
    sqlite3_stmt *stmt = ask_raw(db, sql);
    do {
        const char *line = (const char *)sqlite3_column_text(stmt, 3);
        found += strncmp(line, "SCAN", 4) == 0;
        assert_null(strstr(line, "TEMP B-TREE"));
    } while (sqlite3_step(stmt) == SQLITE_ROW);
    (void)sqlite3_finalize(stmt);
    assert_int_equal(found, expected);
}

static void the_help_form_finds_a_step_by_its_index(void **state)
{
    place *p = *state;
    open_writer(p);
    sw_organization org = an_organization(p, 1);
    sw_step step = a_step(p, 0xabcd, org.id, SW_STR("m"));
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &org);
    insert(p, SW_RECORD_STEP, &step);
    commit(p);
    sqlite3 *db = open_raw(p);
    assert_true(raw_number(db, "SELECT count(*) FROM stepwell_help WHERE topic = 'id'") == 1);
    const char *form = "SELECT total_tokens FROM steps WHERE pk = "
                       "(SELECT pk FROM steps_data WHERE id = x'0000abcd000040008000000000000000')";
    assert_int_equal(raw_number(db, form), 0xabcd);
    scans(db, form, 0);
    (void)sqlite3_close(db);
}

/* The joins that the help tells: from one row to the next by their numbers. */
static void row_numbers_join_and_narrow_by_index(void **state)
{
    place *p = *state;
    open_writer(p);
    any_row *rows = calloc(SW_RECORD_COUNT, sizeof *rows);
    assert_non_null(rows);
    insert_one_of_each(p, ROWGEN_FULL, rows);
    sqlite3 *db = open_raw(p);
    assert_true(raw_number(db, "SELECT count(*) FROM stepwell_help WHERE topic = 'joins'") == 1);
    const char *joined =
        "SELECT count(*) FROM steps s JOIN runs r ON r.pk = s.run_pk AND r.id = s.run_id"
        " JOIN step_metrics m ON m.pk = s.pk AND m.id = s.id"
        " JOIN messages c ON c.step_pk = s.pk AND c.step_id = s.id"
        " JOIN organizations o ON o.pk = s.organization_pk AND o.id = s.organization_id";
    assert_int_equal(raw_number(db, joined), 1);
    scans(db, "SELECT s.model, m.step_ns FROM steps s JOIN step_metrics m ON m.pk = s.pk", 1);
    scans(db, "SELECT s.model, r.status FROM steps s JOIN runs r ON r.pk = s.run_pk", 1);
    scans(db, "SELECT s.model, c.text FROM steps s JOIN messages c ON c.step_pk = s.pk", 1);
    scans(db, "SELECT * FROM steps WHERE run_pk = 1 ORDER BY created_at", 0);
    scans(db, "SELECT * FROM steps WHERE organization_pk = 1 ORDER BY created_at DESC LIMIT 50", 0);
    (void)sqlite3_close(db);
    free(rows);
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(views_show_full_rows),
        CASE(views_show_sparse_rows),
        CASE(views_show_mixed_rows),
        CASE(a_view_reads_while_a_group_is_open),
        CASE(the_help_form_finds_a_step_by_its_index),
        CASE(row_numbers_join_and_narrow_by_index),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
