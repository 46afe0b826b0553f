/* SPDX-License-Identifier: Apache-2.0 */
/* What only the SQLite store promises: a file that any SQLite program reads as plain tables while it is
 * written, migrations, several processes on one file, and walks along the declared indexes. What every
 * store promises is tested in tests/contract. The file is looked at from outside, through SQLite's own
 * interface.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/sqlite_plan.h"
#include "tests/lib/rowgen.h"

/* A folder of its own for each test, with one store in it. */
typedef struct place {
    char folder[64];
    char path[96];
    char url[128];
    sw_store *store;
    sw_session *writer;
    sw_arena arena;
    sw_error err;
} place;

static void check(const place *p, sw_status got, sw_status expected)
{
    if (got != expected) {
        print_error("%s instead of %s: %s %s\n", sw_status_name(got), sw_status_name(expected),
                    p->err.field, p->err.message);
    }
    assert_int_equal(got, expected);
}

static sw_status try_open(place *p, sw_store_options options)
{
    options.url = sw_str_from(p->url);
    return sw_store_open(&options, &p->store, &p->err);
}

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/stepwell-sqlite-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof p->path, "%s/a ?%%.db", p->folder);
    (void)snprintf(p->url, sizeof p->url, "sqlite:%s", p->path);
    sw_arena_init(&p->arena, &sw__libc_allocator, 0);
    *state = p;
    return 0;
}

static void open_writer(place *p)
{
    check(p, try_open(p, (sw_store_options){0}), SW_STATUS_OK);
    check(p, sw_session_open(p->store, SW_SESSION_WRITE, &p->writer, &p->err), SW_STATUS_OK);
}

static void close_store(place *p)
{
    sw_session_close(&p->writer);
    sw_store_close(&p->store);
}

static int tear_down(void **state)
{
    place *p = *state;
    char path[128];
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    close_store(p);
    for (size_t i = 0; i < SW_COUNT(suffixes); i++) {
        (void)snprintf(path, sizeof path, "%s%s", p->path, suffixes[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(p->folder), 0);
    sw_arena_fini(&p->arena);
    free(p);
    return 0;
}

static void begin(place *p)
{
    check(p, sw_session_begin(p->writer, NULL, &p->err), SW_STATUS_OK);
}

static void commit(place *p)
{
    check(p, sw_session_commit(p->writer, &p->err), SW_STATUS_OK);
}

/* ---- the file from outside ---------------------------------------------------------------------- */

static sqlite3 *open_raw(const place *p)
{
    sqlite3 *db = NULL;
    assert_int_equal(
        sqlite3_open_v2(p->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
    return db;
}

static void run_raw(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fail_msg("%s: %s", sql, why);
    }
}

/* The first column of the first row; the statement must be finalized by the caller. */
static sqlite3_stmt *ask_raw(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    return stmt;
}

static int64_t raw_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = ask_raw(db, sql);
    int64_t number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return number;
}

/* ---- rows --------------------------------------------------------------------------------------- */

typedef union any_row {
    max_align_t align;
    char bytes[SW_LITE_ROW_BYTES];
} any_row;

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

static sw_str make_id(place *p, const char *prefix, unsigned n)
{
    return sw_arena_printf(&p->arena, "%s-%08x-0000-4000-8000-000000000000", prefix, n);
}

static sw_organization an_organization(place *p, unsigned n)
{
    sw_organization row = {.id = make_id(p, "org", n), .name = SW_STR("Acme")};
    row.created_at = row.updated_at = sw_int_of(1);
    sw_row_defaults(sw_record_of(SW_RECORD_ORGANIZATION), &row);
    return row;
}

static sw_step a_step(place *p, unsigned n, sw_str organization, sw_str model)
{
    sw_step row = {.id = make_id(p, "step", n), .organization_id = organization, .model = model};
    row.created_at = row.updated_at = sw_int_of(1000000 + (int64_t)n);
    row.total_tokens = sw_int_of((int64_t)n);
    sw_row_defaults(sw_record_of(SW_RECORD_STEP), &row);
    return row;
}

static void insert(place *p, sw_record_id record, const void *row)
{
    check(p, sw_store_insert(p->writer, record, row, &p->err), SW_STATUS_OK);
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
            if (!(field->flags & SW_HIDDEN)) {
                same_column(db, record, field, &rows[r]);
            }
            if (!(field->flags & SW_HIDDEN) && field->kind == SW_KIND_TIME) {
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
    char sql[400];
    (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", form);
    sqlite3_stmt *stmt = ask_raw(db, sql);
    do {
        assert_null(strstr((const char *)sqlite3_column_text(stmt, 3), "SCAN"));
    } while (sqlite3_step(stmt) == SQLITE_ROW);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
}

/* ---- versions ----------------------------------------------------------------------------------- */

static const sw_field v1_fields[] = {
    {.kind = SW_KIND_ID, .name = "id", .prefix = "thing", .flags = SW_PRIMARY | SW_NOT_NULL},
    {.kind = SW_KIND_WORD, .name = "colour"},
};
static const sw_field v2_fields[] = {
    {.kind = SW_KIND_ID, .name = "id", .prefix = "thing", .flags = SW_PRIMARY | SW_NOT_NULL},
    {.kind = SW_KIND_WORD, .name = "colour"},
    {.kind = SW_KIND_LONG, .name = "size", .flags = SW_NOT_NULL, .fallback = "7", .since = 2},
    {.kind = SW_KIND_TEXT, .name = "note", .since = 2},
};
static const sw_index v2_indexes[] = {{.name = "ix_size", .fields = {2}, .count = 1, .since = 2}};
static const sw_field v2_part_fields[] = {
    {.kind = SW_KIND_ID,
     .name = "id",
     .prefix = "part",
     .flags = SW_PRIMARY | SW_NOT_NULL,
     .since = 2},
    {.kind = SW_KIND_ID, .name = "thing_id", .prefix = "thing", .ref = {1, SW_CASCADE}, .since = 2},
};
static const sw_record v1_records[] = {
    {.name = "thing", .table = "things", .is_public = true, .fields = v1_fields, .field_count = 2},
};
static const sw_record v2_records[] = {
    {.name = "thing",
     .table = "things",
     .is_public = true,
     .fields = v2_fields,
     .field_count = 4,
     .indexes = v2_indexes,
     .index_count = 1},
    {.name = "part",
     .table = "parts",
     .is_public = true,
     .fields = v2_part_fields,
     .field_count = 2},
};

static void an_older_file_is_migrated(void **state)
{
    place *p = *state;
    const sw_lite_schema v1 = {v1_records, 1}, v2 = {v2_records, 2};
    sqlite3 *db = open_raw(p);
    check(p, sw__lite_migrate(db, &v1, &sw__libc_allocator, p->path, &p->err), SW_STATUS_OK);
    assert_int_equal(raw_number(db, "PRAGMA user_version"), 1);
    run_raw(db, "INSERT INTO words VALUES (5, 'red');"
                "INSERT INTO things_data VALUES (1, x'00112233445566778899aabbccddeeff', 5)");
    check(p, sw__lite_migrate(db, &v2, &sw__libc_allocator, p->path, &p->err), SW_STATUS_OK);
    assert_int_equal(raw_number(db, "PRAGMA user_version"), 2);
    assert_int_equal(raw_number(db,
                                "SELECT size FROM things WHERE colour = 'red' AND note IS NULL AND "
                                "id = 'thing-00112233-4455-6677-8899-aabbccddeeff'"),
                     7);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'ix_size'"),
                     1);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM parts"), 0);
    /* Nothing is done twice. */
    check(p, sw__lite_migrate(db, &v2, &sw__libc_allocator, p->path, &p->err), SW_STATUS_OK);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM things"), 1);
    (void)sqlite3_close(db);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    place *p = *state;
    const sw_lite_schema v1 = {v1_records, 1}, v2 = {v2_records, 2};
    sqlite3 *db = open_raw(p);
    check(p, sw__lite_migrate(db, &v1, &sw__libc_allocator, p->path, &p->err), SW_STATUS_OK);
    run_raw(db, "CREATE TABLE parts_data (in_the_way)");
    assert_int_not_equal(sw__lite_migrate(db, &v2, &sw__libc_allocator, p->path, &p->err),
                         SW_STATUS_OK);
    assert_int_equal(raw_number(db, "PRAGMA user_version"), 1);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM pragma_table_info('things_data')"), 3);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM things"), 0);
    (void)sqlite3_close(db);
}

static void a_newer_file_is_refused(void **state)
{
    place *p = *state;
    open_writer(p);
    close_store(p);
    sqlite3 *db = open_raw(p);
    run_raw(db, "PRAGMA user_version = 99");
    (void)sqlite3_close(db);
    check(p, try_open(p, (sw_store_options){0}), SW_STATUS_NEWER);
    assert_non_null(strstr(p->err.message, "99"));
    assert_non_null(strstr(p->err.message, p->path));
    assert_null(p->store);
}

static void another_programs_file_is_refused(void **state)
{
    place *p = *state;
    sqlite3 *db = open_raw(p);
    run_raw(db, "CREATE TABLE letters (a)");
    (void)sqlite3_close(db);
    check(p, try_open(p, (sw_store_options){0}), SW_STATUS_INVALID);
    assert_string_equal(p->err.field, "url");
    db = open_raw(p);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM sqlite_schema"), 1);
    (void)sqlite3_close(db);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    place *p = *state;
    FILE *file = fopen(p->path, "w");
    assert_non_null(file);
    for (int i = 0; i < 100; i++) {
        (void)fputs("This is a letter, and no database at all.\n", file);
    }
    assert_int_equal(fclose(file), 0);
    check(p, try_open(p, (sw_store_options){0}), SW_STATUS_CORRUPT);
}

static void a_missing_file_is_not_made_for_a_reader(void **state)
{
    place *p = *state;
    check(p, try_open(p, (sw_store_options){.read_only = true}), SW_STATUS_NOT_FOUND);
    check(p, try_open(p, (sw_store_options){.must_exist = true}), SW_STATUS_NOT_FOUND);
    assert_int_not_equal(access(p->path, F_OK), 0);
}

static void a_read_only_store_reads_and_never_writes(void **state)
{
    place *p = *state;
    open_writer(p);
    sw_organization org = an_organization(p, 1), got;
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &org);
    commit(p);
    close_store(p);
    check(p, try_open(p, (sw_store_options){.read_only = true}), SW_STATUS_OK);
    sw_session *reader = NULL;
    check(p, sw_session_open(p->store, SW_SESSION_WRITE, &reader, &p->err), SW_STATUS_READ_ONLY);
    check(p, sw_session_open(p->store, SW_SESSION_READ, &reader, &p->err), SW_STATUS_OK);
    check(p, sw_store_get(reader, SW_RECORD_ORGANIZATION, &org, &p->arena, &got, &p->err),
          SW_STATUS_OK);
    assert_true(sw_str_eq(got.name, org.name));
    sw_session_close(&reader);
}

/* ---- several processes -------------------------------------------------------------------------- */

/* In a child: opens the file when the gate opens, and writes one organization. */
static int write_one(place *p, int gate, unsigned n)
{
    char byte;
    sw_organization org = an_organization(p, n);
    if (read(gate, &byte, 1) != 0) {
        return 1;
    }
    if (try_open(p, (sw_store_options){0}) != SW_STATUS_OK ||
        sw_session_open(p->store, SW_SESSION_WRITE, &p->writer, &p->err) != SW_STATUS_OK ||
        sw_session_begin(p->writer, NULL, &p->err) != SW_STATUS_OK ||
        sw_store_insert(p->writer, SW_RECORD_ORGANIZATION, &org, &p->err) != SW_STATUS_OK ||
        sw_session_commit(p->writer, &p->err) != SW_STATUS_OK) {
        (void)fprintf(stderr, "child %u: %s\n", n, p->err.message);
        return 1;
    }
    close_store(p);
    return 0;
}

static void processes_open_a_new_file_at_once(void **state)
{
    enum { PROCESSES = 6 };
    place *p = *state;
    pid_t children[PROCESSES];
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            (void)close(gate[1]);
            _exit(write_one(p, gate[0], i + 1));
        }
    }
    (void)close(gate[1]);
    (void)close(gate[0]);
    for (unsigned i = 0; i < PROCESSES; i++) {
        int how = 0;
        assert_int_equal(waitpid(children[i], &how, 0), children[i]);
        assert_int_equal(how, 0);
    }
    sqlite3 *db = open_raw(p);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM organizations"), PROCESSES);
    (void)sqlite3_close(db);
}

/* What the writer remembered of a parent must not outlive its removal by somebody else. */
static void another_writers_removal_is_seen(void **state)
{
    place *p = *state, other = *p;
    bool changed = false;
    open_writer(p);
    sw_organization org = an_organization(p, 1);
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &org);
    commit(p);
    open_writer(&other);
    begin(&other);
    check(&other, sw_store_remove(other.writer, SW_RECORD_ORGANIZATION, &org, &other.err),
          SW_STATUS_OK);
    commit(&other);
    close_store(&other);
    sw_step step = a_step(p, 1, org.id, SW_STR("m"));
    check(p, sw_session_begin(p->writer, &changed, &p->err), SW_STATUS_OK);
    assert_true(changed);
    check(p, sw_store_insert(p->writer, SW_RECORD_STEP, &step, &p->err), SW_STATUS_INVALID);
    assert_string_equal(p->err.field, "organization_id");
    commit(p);
    check(p, sw_session_begin(p->writer, &changed, &p->err), SW_STATUS_OK);
    assert_false(changed);
    commit(p);
}

static void a_lock_that_is_never_given_up_is_busy(void **state)
{
    place *p = *state, other = *p;
    open_writer(p);
    begin(p);
    check(&other, try_open(&other, (sw_store_options){.busy_ms = 20}), SW_STATUS_OK);
    check(&other, sw_session_open(other.store, SW_SESSION_WRITE, &other.writer, &other.err),
          SW_STATUS_OK);
    check(&other, sw_session_begin(other.writer, NULL, &other.err), SW_STATUS_BUSY);
    commit(p);
    begin(&other);
    commit(&other);
    close_store(&other);
}

/* ---- row numbers -------------------------------------------------------------------------------- */

/* A reader remembers what a row number means. Were the number of the removed organization given to the
 * next one, the reader would show the new step under the old name. */
static void a_row_number_never_names_two_rows(void **state)
{
    place *p = *state;
    sw_session *reader = NULL;
    open_writer(p);
    sw_organization first = an_organization(p, 1), second = an_organization(p, 2);
    sw_step one = a_step(p, 1, first.id, SW_STR("m")), two = a_step(p, 2, second.id, SW_STR("m")),
            got;
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &first);
    insert(p, SW_RECORD_STEP, &one);
    commit(p);
    check(p, sw_session_open(p->store, SW_SESSION_READ, &reader, &p->err), SW_STATUS_OK);
    check(p, sw_store_get(reader, SW_RECORD_STEP, &one, &p->arena, &got, &p->err), SW_STATUS_OK);
    assert_true(sw_str_eq(got.organization_id, first.id));
    begin(p);
    check(p, sw_store_remove(p->writer, SW_RECORD_STEP, &one, &p->err), SW_STATUS_OK);
    check(p, sw_store_remove(p->writer, SW_RECORD_ORGANIZATION, &first, &p->err), SW_STATUS_OK);
    insert(p, SW_RECORD_ORGANIZATION, &second);
    insert(p, SW_RECORD_STEP, &two);
    commit(p);
    check(p, sw_store_get(reader, SW_RECORD_STEP, &two, &p->arena, &got, &p->err), SW_STATUS_OK);
    assert_true(sw_str_eq(got.organization_id, second.id));
    sw_session_close(&reader);
}

/* A damaged reference is shown as something that does not exist, and does not hide its row. */
static void a_reference_to_nothing_can_be_read(void **state)
{
    place *p = *state;
    open_writer(p);
    sw_organization org = an_organization(p, 1), parent = {0};
    sw_step step = a_step(p, 1, org.id, SW_STR("m")), got;
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &org);
    insert(p, SW_RECORD_STEP, &step);
    commit(p);
    close_store(p);
    sqlite3 *db = open_raw(p);
    run_raw(db, "PRAGMA foreign_keys = OFF; DELETE FROM organizations_data");
    (void)sqlite3_close(db);
    open_writer(p);
    check(p, sw_store_get(p->writer, SW_RECORD_STEP, &step, &p->arena, &got, &p->err),
          SW_STATUS_OK);
    parent.id = got.organization_id;
    assert_non_null(parent.id.ptr);
    check(p, sw_store_get(p->writer, SW_RECORD_ORGANIZATION, &parent, &p->arena, &org, &p->err),
          SW_STATUS_NOT_FOUND);
}

/* ---- no room ------------------------------------------------------------------------------------ */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
}

static sw_status write_traces(place *p, sw_str organization, sw_str payload, unsigned from)
{
    sw_status status = sw_session_begin(p->writer, NULL, &p->err);
    for (unsigned n = 0; status == SW_STATUS_OK && n < 200; n++) {
        sw_provider_trace row = {.id = make_id(p, "provider_trace", from + n),
                                 .request_json = payload,
                                 .response_json = payload,
                                 .organization_id = organization};
        row.created_at = row.updated_at = sw_int_of(1);
        sw_row_defaults(sw_record_of(SW_RECORD_PROVIDER_TRACE), &row);
        status = sw_store_insert(p->writer, SW_RECORD_PROVIDER_TRACE, &row, &p->err);
    }
    if (status != SW_STATUS_OK) {
        sw_session_rollback(p->writer);
        return status;
    }
    return sw_session_commit(p->writer, &p->err);
}

/* In a child, because the limit is the process's. Answers the number of the step that went wrong. */
static int fill_up(place *p)
{
    static char json[20000];
    sw_str payload = sw_str_make(json, sizeof json);
    memset(json, 'x', sizeof json);
    json[0] = json[sizeof json - 1] = '"';
    (void)signal(SIGXFSZ, SIG_IGN);
    open_writer(p);
    sw_organization org = an_organization(p, 1);
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &org);
    commit(p);
    limit_files(4 << 20);
    if (write_traces(p, org.id, payload, 1000) != SW_STATUS_FULL) {
        return 1;
    }
    if (write_traces(p, org.id, payload, 2000) != SW_STATUS_FULL) {
        return 2;
    }
    limit_files(RLIM_INFINITY);
    if (write_traces(p, org.id, payload, 3000) != SW_STATUS_OK) {
        return 3;
    }
    close_store(p);
    return 0;
}

static void a_full_disk_is_said_and_passes(void **state)
{
    place *p = *state;
    int how = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(fill_up(p));
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    sqlite3 *db = open_raw(p);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM provider_traces"), 200);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE "
                                    "integrity_check <> 'ok'"),
                     0);
    (void)sqlite3_close(db);
}

/* ---- walks -------------------------------------------------------------------------------------- */

/* Which index a scan walks, and what it sorts: the fields bound by EQ, the order, and what the plan must
 * name. */
typedef struct walk {
    sw_record_id record;
    uint8_t equal[3];
    uint8_t equal_count;
    uint8_t order[3];
    uint8_t order_count;
    int64_t number; /* the value of the last EQ, when it is a number */
    const char *index;
    const char *sorts; /* what the plan may say of sorting; NULL: nothing */
    bool in_order;     /* asked for paths that give the order only */
} walk;

/* How SQLite says that it sorts everything, and that it sorts the rows that tie. */
#define ALL "USE TEMP B-TREE FOR ORDER BY"
#define TIES "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY"

static const walk walks[] = {
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID},
     1,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_organization",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_RUN_ID},
     1,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_run_id",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_RUN_ID},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_run_id",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_TRACE_ID},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_trace",
     ALL,
     false},
    {SW_RECORD_RUN,
     {SW_RUN_ORGANIZATION_ID, SW_RUN_AGENT_ID},
     2,
     {SW_RUN_CREATED_AT, SW_RUN_ID},
     2,
     0,
     "ix_runs_agent_id",
     NULL,
     false},
    {SW_RECORD_PROVIDER_TRACE,
     {SW_PROVIDER_TRACE_ORGANIZATION_ID, SW_PROVIDER_TRACE_STEP_ID},
     2,
     {SW_PROVIDER_TRACE_CREATED_AT, SW_PROVIDER_TRACE_ID},
     2,
     0,
     "ix_step_id",
     NULL,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_AGENT_ID},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_agent",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_MODEL},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_model",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_STATUS},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     SW_STEP_STATUS_FAILED,
     "ix_steps_failed",
     NULL,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_STATUS},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     SW_STEP_STATUS_SUCCESS,
     "ix_steps_organization",
     TIES,
     false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_FEEDBACK},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     SW_FEEDBACK_NEGATIVE,
     "ix_steps_feedback",
     NULL,
     false},
    {SW_RECORD_STEP, {0}, 0, {SW_STEP_ID}, 1, 0, "steps_id", NULL, false},
    {SW_RECORD_RUN,
     {SW_RUN_ORGANIZATION_ID},
     1,
     {SW_RUN_CREATED_AT, SW_RUN_ID},
     2,
     0,
     "ix_runs_created_at",
     NULL,
     false},
    {SW_RECORD_MESSAGE,
     {SW_MESSAGE_STEP_ID},
     1,
     {SW_MESSAGE_SEQUENCE_ID},
     1,
     0,
     "idx_messages_step_id",
     NULL,
     false},
    {SW_RECORD_JOURNAL,
     {SW_JOURNAL_ORGANIZATION_ID},
     1,
     {SW_JOURNAL_SEQ},
     1,
     0,
     "PRIMARY KEY",
     NULL,
     false},
    {SW_RECORD_STEP_METRICS, {0}, 0, {SW_STEP_METRICS_ID}, 1, 0, "steps_id", NULL, false},
    {SW_RECORD_STEP,
     {SW_STEP_ORGANIZATION_ID, SW_STEP_TRACE_ID},
     2,
     {SW_STEP_CREATED_AT, SW_STEP_ID},
     2,
     0,
     "ix_steps_organization",
     TIES,
     true},
    {SW_RECORD_RUN,
     {SW_RUN_ORGANIZATION_ID, SW_RUN_PARENT_RUN_ID},
     2,
     {SW_RUN_CREATED_AT, SW_RUN_ID},
     2,
     0,
     "ix_runs_created_at",
     NULL,
     true},
};

/* SQLite's own plan for the statement that the scan would prepare. */
static void explain(place *p, sqlite3 *db, const sw_scan *scan, const walk *w)
{
    const sw_lite_store *store = (const sw_lite_store *)(const void *)p->store;
    any_row scratch = {0};
    sw_lite_plan plan;
    sw_buf sql;
    bool named = false;
    sw__lite_plan(&plan, &store->tables[scan->record], scan, w->in_order, &scratch);
    sw_buf_init(&sql, &sw__libc_allocator, 1 << 16);
    sw_buf_adds(&sql, "EXPLAIN QUERY PLAN ");
    sw__lite_plan_print(NULL, &plan, &sql);
    sqlite3_stmt *stmt = ask_raw(db, sql.ptr);
    do {
        const char *said = (const char *)sqlite3_column_text(stmt, 3);
        if (strstr(said, "TEMP B-TREE") && (!w->sorts || strcmp(said, w->sorts) != 0)) {
            fail_msg("sorts: %s\n%s", said, sql.ptr);
        }
        named = named || strstr(said, w->index);
    } while (sqlite3_step(stmt) == SQLITE_ROW);
    if (!named) {
        fail_msg("does not walk %s: %s", w->index, sql.ptr);
    }
    (void)sqlite3_finalize(stmt);
    sw_buf_fini(&sql);
}

static void explain_walk(place *p, sqlite3 *db, const walk *w, const void *after, bool down)
{
    sw_condition conditions[3];
    sw_value values[3] = {{SW_NULL_STR, 0}};
    for (size_t i = 0; i < w->equal_count; i++) {
        values[i] = (sw_value){.text = SW_STR("x"), .number = w->number};
        conditions[i] = (sw_condition){w->equal[i], SW_OP_EQ, &values[i], 1};
    }
    sw_scan scan = {.record = w->record,
                    .conditions = conditions,
                    .condition_count = w->equal_count,
                    .order_count = w->order_count,
                    .descending = down,
                    .after = after};
    memcpy(scan.order, w->order, w->order_count);
    explain(p, db, &scan, w);
}

static void scans_walk_the_declared_index(void **state)
{
    place *p = *state;
    open_writer(p);
    sqlite3 *db = open_raw(p);
    for (size_t i = 0; i < SW_COUNT(walks); i++) {
        any_row after = {0};
        rowgen gen = {.state = 3, .arena = &p->arena};
        rowgen_row(&gen, walks[i].record, ROWGEN_FULL, &after);
        for (int down = 0; down < 2; down++) {
            explain_walk(p, db, &walks[i], NULL, down);
            explain_walk(p, db, &walks[i], &after, down);
        }
    }
    (void)sqlite3_close(db);
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
        CASE(an_older_file_is_migrated),
        CASE(a_migration_that_fails_changes_nothing),
        CASE(a_newer_file_is_refused),
        CASE(another_programs_file_is_refused),
        CASE(a_file_that_is_no_database_is_refused),
        CASE(a_missing_file_is_not_made_for_a_reader),
        CASE(a_read_only_store_reads_and_never_writes),
        CASE(processes_open_a_new_file_at_once),
        CASE(another_writers_removal_is_seen),
        CASE(a_lock_that_is_never_given_up_is_busy),
        CASE(a_row_number_never_names_two_rows),
        CASE(a_reference_to_nothing_can_be_read),
        CASE(a_full_disk_is_said_and_passes),
        CASE(scans_walk_the_declared_index),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
