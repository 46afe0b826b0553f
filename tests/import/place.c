/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/import/place.h"

#include <errno.h>
#include <ftw.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[256];

int place_set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%s/stepwell-import-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *is, int kind, struct FTW *at)
{
    (void)is;
    (void)kind;
    (void)at;
    return remove(path);
}

int place_tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *place_path(const char *name)
{
    static char paths[16][512];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, sw_str content, const char *mode)
{
    char path[512];
    FILE *file = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    file = fopen(path, mode);
    assert_non_null(file);
    assert_int_equal(fwrite(content.ptr, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
}

void place_write(const char *name, sw_str content)
{
    write_file(name, content, "wb");
}

void place_append(const char *name, sw_str content)
{
    write_file(name, content, "ab");
}

void place_remove(const char *name)
{
    assert_int_equal(remove(place_path(name)), 0);
}

sw_str place_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    long len = 0;
    if (!file) {
        return SW_NULL_STR;
    }
    (void)fseek(file, 0, SEEK_END);
    len = ftell(file);
    rewind(file);
    bytes = calloc(1, (size_t)len + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)len, file), len);
    (void)fclose(file);
    return sw_str_make(bytes, (size_t)len);
}

/* ---- importing ------------------------------------------------------------------------------------ */

typedef struct telling {
    char *text;
    size_t size;
} telling;

static void tell(telling *t, const char *path, int64_t line, const char *why)
{
    size_t len = t->text ? strlen(t->text) : 0;
    if (t->text) {
        snprintf(t->text + len, t->size - len, "%s:%lld: %s\n", strrchr(path, '/') + 1,
                 (long long)line, why);
    }
}

static void bad_line(void *arg, const char *path, int64_t line, const char *why)
{
    tell(arg, path, line, why);
}

static void skipped(void *arg, const char *path, const char *why)
{
    tell(arg, path, 0, why);
}

static size_t window_steps; /* 0: as the import likes */

void place_windows(size_t steps)
{
    window_steps = steps;
}

static import_result run(const char *name, const char *const *paths, size_t count, telling *t)
{
    char url[576];
    sw_ledger_options options = {.store = url};
    import_options import = {
        .window_steps = window_steps, .bad_line = bad_line, .skipped = skipped, .arg = t};
    import_result result;
    sw_ledger *ledger = NULL;
    sw_actor actor = {.organization_id = SW_NULL_STR};
    sw_error err = {.status = SW_STATUS_OK};
    snprintf(url, sizeof url, "sqlite:%s", place_path(name));
    if (sw_ledger_open(&options, &ledger, &err) != SW_STATUS_OK ||
        place_way(ledger, &actor, &import, paths, count, &result, &err) != SW_STATUS_OK) {
        fail_msg("%s: %s", err.field, err.message);
    }
    sw_ledger_close(&ledger);
    assert_int_equal(result.steps_refused, 0);
    return result;
}

import_result place_import(const char *ledger, const char *const *paths, size_t count)
{
    telling t = {NULL, 0};
    return run(ledger, paths, count, &t);
}

import_result place_import_one(const char *ledger, const char *path)
{
    return place_import(ledger, &path, 1);
}

import_result place_import_told(const char *ledger, const char *path, char *told, size_t size)
{
    telling t = {told, size};
    told[0] = '\0';
    return run(ledger, &path, 1, &t);
}

/* ---- looking -------------------------------------------------------------------------------------- */

static sqlite3 *open_sql(const char *ledger)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(place_path(ledger), &db, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    return db;
}

int64_t place_number(const char *ledger, const char *sql)
{
    sqlite3 *db = open_sql(ledger);
    sqlite3_stmt *statement = NULL;
    int64_t value = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

/* Row numbers too, of the row and of its parents: pk, run_pk. */
static bool is_of_writing(const char *column)
{
    size_t len = strlen(column);
    return strstr(column, "updated") || strstr(column, "sequence_id") ||
           (len >= 2 && strcmp(column + len - 2, "pk") == 0);
}

static int add_rows(FILE *out, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int rows = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    for (; sqlite3_step(statement) == SQLITE_ROW; rows++) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const unsigned char *text = sqlite3_column_text(statement, i);
            if (!is_of_writing(sqlite3_column_name(statement, i))) {
                fprintf(out, "%s=%s\t", sqlite3_column_name(statement, i),
                        text ? (const char *)text : "null");
            }
        }
        fprintf(out, "\n");
    }
    sqlite3_finalize(statement);
    return rows;
}

char *place_dump(const char *ledger)
{
    sqlite3 *db = open_sql(ledger);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    add_rows(out, db, "select * from steps where retired_into is null order by id");
    add_rows(out, db, "select * from runs order by id");
    add_rows(out, db, "select * from run_metrics order by id");
    add_rows(out, db,
             "select * from step_metrics where id in (select id from steps where "
             "retired_into is null and source = 'transcript') order by id"); /* those of others are
                                                                                  as old as their row */
    add_rows(out, db, "select * from messages order by step_id, role, id");
    (void)fclose(out);
    sqlite3_close(db);
    return text;
}

void place_is_one(const char *ledger, const char *what)
{
    char sql[1024];
    int64_t count = 0;
    snprintf(sql, sizeof sql,
             "select count(*) from steps s join step_metrics m on m.id = s.id where %s", what);
    count = place_number(ledger, sql);
    if (count != 1) {
        fail_msg("%lld steps are so: %s\n%s", (long long)count, what, place_dump(ledger));
    }
}

void place_same(const char *got, const char *expected)
{
    size_t at = 0;
    size_t from = 0;
    while (got[at] && got[at] == expected[at]) {
        at++;
    }
    from = at > 60 ? at - 60 : 0;
    if (got[at] != expected[at]) {
        fail_msg("...%.400s\n---- and not\n...%.400s", got + from, expected + from);
    }
}

void place_import_twice(const char *ledger, const char *name, int64_t steps, int64_t others)
{
    import_result r = place_import_one(ledger, place_path(name));
    char *before = place_dump(ledger);
    char *after = NULL;
    assert_int_equal(r.steps_new, steps);
    assert_int_equal(r.others, others);
    assert_int_equal(r.bad_lines, 0);
    place_append(name, SW_STR("\n"));
    r = place_import_one(ledger, place_path(name));
    assert_int_equal(r.files_read, 1);
    assert_int_equal(r.steps_new + r.steps_corrected, 0);
    after = place_dump(ledger);
    place_same(after, before);
    free(before);
    free(after);
}

static void print_difference(void *arg, const sw_difference *d)
{
    (void)arg;
    print_message("%s: %s: %s\n", d->kind, d->where, d->what);
}

void place_verify(const char *ledger)
{
    char url[576];
    sw_ledger_options options = {.store = url};
    sw_verify_options verify = {.difference = print_difference};
    sw_verify_end end;
    sw_ledger *open = NULL;
    sw_error err;
    snprintf(url, sizeof url, "sqlite:%s", place_path(ledger));
    assert_int_equal(sw_ledger_open(&options, &open, &err), SW_STATUS_OK);
    assert_int_equal(sw_verify(open, &verify, &end, &err), SW_STATUS_OK);
    sw_ledger_close(&open);
}

void place_drop(const char *ledger)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".key"};
    for (size_t i = 0; i < SW_COUNT(ends); i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", ledger, ends[i]);
        (void)remove(place_path(name));
    }
}

const char *place_data(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/../shared/data/%s", SW_SOURCE_ROOT, name);
    if (access(path, R_OK) != 0) {
        print_message("skipped: ../shared/data/%s is not here\n", name);
        return NULL;
    }
    return path;
}
