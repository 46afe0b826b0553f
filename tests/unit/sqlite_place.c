/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, which goes with the test; a path that needs escapes. */
#include "tests/unit/sqlite_place.h"

/* ---- the store ---------------------------------------------------------------------------------- */

void check(const place *p, sw_status got, sw_status expected)
{
    if (got != expected) {
        print_error("%s instead of %s: %s %s\n", sw_status_name(got), sw_status_name(expected),
                    p->err.field, p->err.message);
    }
    assert_int_equal(got, expected);
}

sw_status try_open(place *p, sw_store_options options)
{
    options.url = sw_str_from(p->url);
    return sw_store_open(&options, &p->store, &p->err);
}

int set_up(void **state)
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

void open_writer(place *p)
{
    check(p, try_open(p, (sw_store_options){0}), SW_STATUS_OK);
    check(p, sw_session_open(p->store, SW_SESSION_WRITE, &p->writer, &p->err), SW_STATUS_OK);
}

void close_store(place *p)
{
    sw_session_close(&p->writer);
    sw_store_close(&p->store);
}

int tear_down(void **state)
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

void begin(place *p)
{
    check(p, sw_session_begin(p->writer, NULL, &p->err), SW_STATUS_OK);
}

void commit(place *p)
{
    check(p, sw_session_commit(p->writer, &p->err), SW_STATUS_OK);
}

/* ---- the file from outside ---------------------------------------------------------------------- */

sqlite3 *open_raw(const place *p)
{
    sqlite3 *db = NULL;
    assert_int_equal(
        sqlite3_open_v2(p->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
    return db;
}

void run_raw(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fail_msg("%s: %s", sql, why);
    }
}

/* The first column of the first row; the statement must be finalized by the caller. */
sqlite3_stmt *ask_raw(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    return stmt;
}

int64_t raw_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = ask_raw(db, sql);
    int64_t number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return number;
}

sw_str make_id(place *p, const char *prefix, unsigned n)
{
    return sw_arena_printf(&p->arena, "%s-%08x-0000-4000-8000-000000000000", prefix, n);
}

sw_organization an_organization(place *p, unsigned n)
{
    sw_organization row = {.id = make_id(p, "org", n), .name = SW_STR("Acme")};
    row.created_at = row.updated_at = sw_int_of(1);
    sw_row_defaults(sw_record_of(SW_RECORD_ORGANIZATION), &row);
    return row;
}

sw_step a_step(place *p, unsigned n, sw_str organization, sw_str model)
{
    sw_step row = {.id = make_id(p, "step", n), .organization_id = organization, .model = model};
    row.created_at = row.updated_at = sw_int_of(1000000 + (int64_t)n);
    row.total_tokens = sw_int_of((int64_t)n);
    sw_row_defaults(sw_record_of(SW_RECORD_STEP), &row);
    return row;
}

void insert(place *p, sw_record_id record, const void *row)
{
    check(p, sw_store_insert(p->writer, record, row, &p->err), SW_STATUS_OK);
}
