/* SPDX-License-Identifier: Apache-2.0 */
/* What only the SQLite store promises: migrations, files that are refused, several processes on one file, row
 * numbers, how the log is written, a full disk. What every store promises is tested in tests/contract. The file is looked at from
 * outside, through SQLite's own interface.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/lib/older.h"
#include "tests/unit/sqlite_place.h"

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

static void a_ledger_of_the_first_version_is_migrated(void **state)
{
    place *p = *state;
    open_writer(p);
    close_store(p);
    sqlite3 *db = open_raw(p);
    int64_t today = raw_number(db, "PRAGMA user_version");
    int64_t tables = raw_number(db, "SELECT count(*) FROM sqlite_schema");
    older_make_first(db);
    assert_true(raw_number(db, "SELECT count(*) FROM sqlite_schema") < tables);
    (void)sqlite3_close(db);
    open_writer(p);
    close_store(p);
    db = open_raw(p);
    assert_int_equal(raw_number(db, "PRAGMA user_version"), today);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM sqlite_schema"), tables);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM (SELECT * FROM %s%s)", sw__records[r].table,
                 sw__records[r].is_public ? "" : "_data");
        assert_true(raw_number(db, sql) >= 0);
    }
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

/* A value of JSON that hardly can be compressed, as long values are. */
static sw_str noisy_json(char *json, size_t size)
{
    uint32_t noise = 1;
    for (size_t i = 0; i < size; i++) {
        noise = noise * 1664525 + 1013904223;
        json[i] = (char)('0' + (noise >> 24) % 64);
        json[i] = json[i] == '\\' ? 'x' : json[i];
    }
    json[0] = json[size - 1] = '"';
    return sw_str_make(json, size);
}

static sw_status insert_trace(place *p, sw_str organization, sw_str payload, unsigned n)
{
    sw_provider_trace row = {.id = make_id(p, "provider_trace", n),
                             .request_json = payload,
                             .response_json = payload,
                             .organization_id = organization};
    row.created_at = row.updated_at = sw_int_of(1);
    sw_row_defaults(sw_record_of(SW_RECORD_PROVIDER_TRACE), &row);
    return sw_store_insert(p->writer, SW_RECORD_PROVIDER_TRACE, &row, &p->err);
}

static sw_status write_traces(place *p, sw_str organization, sw_str payload, unsigned from)
{
    sw_status status = sw_session_begin(p->writer, NULL, &p->err);
    for (unsigned n = 0; status == SW_STATUS_OK && n < 200; n++) {
        status = insert_trace(p, organization, payload, from + n);
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
    sw_str payload = noisy_json(json, sizeof json);
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

/* ---- the log ------------------------------------------------------------------------------------ */

/* Calls by which this process has written, as the system counts them; -1: it does not. */
static int64_t writes_so_far(void)
{
    char line[80];
    int64_t calls = -1;
    FILE *file = fopen("/proc/self/io", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "syscw: ", 7) == 0) {
            calls = strtoll(line + 7, NULL, 10);
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return calls;
}

static void insert_steps(place *p, sw_str organization, unsigned from, unsigned count)
{
    for (unsigned n = from; n < from + count; n++) {
        sw_step step = a_step(p, n, organization, SW_STR("m"));
        insert(p, SW_RECORD_STEP, &step);
    }
}

static void a_commit_is_few_writes(void **state)
{
    place *p = *state;
    open_writer(p);
    sw_organization org = an_organization(p, 1);
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &org);
    commit(p);
    sqlite3 *db = open_raw(p);
    int64_t pages = raw_number(db, "PRAGMA page_count"), calls = writes_so_far();
    begin(p);
    insert_steps(p, org.id, 1, 4000);
    commit(p);
    calls = calls < 0 ? calls : writes_so_far() - calls;
    pages = raw_number(db, "PRAGMA page_count") - pages;
    (void)sqlite3_close(db);
    assert_true(pages > 100);
    if (calls < 0) {
        skip();
    }
    assert_in_range(calls, 1, (uint64_t)pages / 10);
}

/* With a cache of a few pages most of a group is in the log before it is committed. */
static void a_group_larger_than_the_cache(void **state)
{
    place *p = *state;
    check(p, try_open(p, (sw_store_options){.cache_bytes = 16 << 10}), SW_STATUS_OK);
    check(p, sw_session_open(p->store, SW_SESSION_WRITE, &p->writer, &p->err), SW_STATUS_OK);
    sw_organization org = an_organization(p, 1);
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &org);
    insert_steps(p, org.id, 1, 2000);
    for (unsigned n = 1; n <= 2000; n++) {
        sw_step step = {.id = make_id(p, "step", n)}, got;
        check(p, sw_store_get(p->writer, SW_RECORD_STEP, &step, &p->arena, &got, &p->err),
              SW_STATUS_OK);
        assert_int_equal(got.total_tokens.value, n);
    }
    commit(p);
    sqlite3 *db = open_raw(p);
    assert_int_equal(raw_number(db, "SELECT sum(total_tokens) FROM steps"), 2001 * 1000);
    (void)sqlite3_close(db);
}

/* What a group had written when it was rolled back is in the log at a place that is anybody's again. A value of
 * many pages is written before the commit, and nothing reads it again. */
static void a_group_rolled_back_leaves_the_log_to_others(void **state)
{
    static char json[60000];
    sw_str payload = noisy_json(json, sizeof json);
    place *p = *state;
    check(p, try_open(p, (sw_store_options){.cache_bytes = 16 << 10}), SW_STATUS_OK);
    check(p, sw_session_open(p->store, SW_SESSION_WRITE, &p->writer, &p->err), SW_STATUS_OK);
    sw_organization org = an_organization(p, 1);
    begin(p);
    insert(p, SW_RECORD_ORGANIZATION, &org);
    commit(p);
    begin(p);
    check(p, insert_trace(p, org.id, payload, 1), SW_STATUS_OK);
    sw_session_rollback(p->writer);
    sqlite3 *db = open_raw(p);
    run_raw(db, "INSERT INTO words VALUES (777, 'said by another')");
    begin(p);
    insert_steps(p, org.id, 1, 1);
    commit(p);
    (void)sqlite3_close(db);
    close_store(p);
    db = open_raw(p);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM words WHERE id = 777"), 1);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM steps_data"), 1);
    assert_int_equal(raw_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE "
                                    "integrity_check <> 'ok'"),
                     0);
    (void)sqlite3_close(db);
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(an_older_file_is_migrated),
        CASE(a_ledger_of_the_first_version_is_migrated),
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
        CASE(a_commit_is_few_writes),
        CASE(a_group_larger_than_the_cache),
        CASE(a_group_rolled_back_leaves_the_log_to_others),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
