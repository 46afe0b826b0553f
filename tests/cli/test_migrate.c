/* SPDX-License-Identifier: Apache-2.0 */
/* `stepwell migrate` as its users run it: a ledger with something of everything goes from a file into PostgreSQL and back
 * into a file. Whether what comes back is what set out say the views of both files, read with SQLite alone; then what
 * is killed with -9 at any moment, what is damaged on the way, and what is refused.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "stepwell/ledger.h"
#include "tests/cli/child.h"
#include "tests/lib/pg.h"

enum { BYTES = 640 };

extern char **environ;

static const char *text_of(const char *format, const char *name)
{
    static char texts[8][BYTES];
    static unsigned turn = 0;
    char *text = texts[turn++ % 8];
    snprintf(text, BYTES, format, child_folder(), name);
    return text;
}

static const char *path_of(const char *name)
{
    return text_of("%s/%s", name);
}

static const char *file_store(const char *name)
{
    return text_of("sqlite:%s/%s", name);
}

/* ---- a ledger with something of everything ------------------------------------------------------- */

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char transcript[] =
    "{\"type\":\"user\",\"sessionId\":\"s\",\"uuid\":\"u1\",\"timestamp\":"
    "\"2026-02-01T10:01:00.000Z\",\"message\":{\"role\":\"user\",\"content\":\"go \\u00e9\"}}\n"
    "{\"type\":\"assistant\",\"sessionId\":\"s\",\"uuid\":\"a1\",\"parentUuid\":\"u1\","
    "\"timestamp\":\"2026-02-01T10:01:05.000Z\",\"requestId\":\"req_1\",\"message\":"
    "{\"id\":\"msg_1\",\"role\":\"assistant\",\"model\":\"claude-opus-4-6\","
    "\"content\":[{\"type\":\"text\",\"text\":\"Done.\"}],\"stop_reason\":\"end_turn\","
    "\"usage\":{\"input_tokens\":100,\"output_tokens\":7}}}\n";

static const char telemetry[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
    "{\"stringValue\":\"cook\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"x\"},\"spans\":[{"
    "\"traceId\":\"5b8aa5a2d2c872e8321cf37308d69df2\",\"spanId\":\"051581bf3cb55c13\","
    "\"name\":\"chat gpt-4o\",\"kind\":3,\"startTimeUnixNano\":\"1770000000000000000\","
    "\"endTimeUnixNano\":\"1770000001000000000\",\"attributes\":["
    "{\"key\":\"gen_ai.operation.name\",\"value\":{\"stringValue\":\"chat\"}},"
    "{\"key\":\"gen_ai.request.model\",\"value\":{\"stringValue\":\"gpt-4o\"}},"
    "{\"key\":\"gen_ai.usage.input_tokens\",\"value\":{\"intValue\":\"12\"}},"
    "{\"key\":\"gen_ai.usage.output_tokens\",\"value\":{\"intValue\":\"3\"}}]}]}]}]}";

/* Whom to tell, from before anything happens; and a secret that is sealed. */
static void add_listener(const char *store)
{
    static const uint8_t key[32] = {7};
    const sw_ledger_options options = {.store = store, .no_reaper = true, .secret_key = key};
    const sw_actor operator_ = {.everywhere = true};
    const sw_subscription listener = {.url = sw_str_from("https://example.org/hook")};
    const sw_provider provider = {.name = sw_str_from("sealed"),
                                  .provider_type = sw_str_from("openai"),
                                  .api_key = sw_str_from("sk-very-secret")};
    const sw_saved_view view = {.name = sw_str_from("mine"), .query = sw_str_from("{\"a\":1}")};
    sw_ledger *ledger = NULL;
    sw_outcome o;
    sw_error err = {0};
    assert_int_equal(sw_ledger_open(&options, &ledger, &err), SW_STATUS_OK);
    if (sw_record_create(ledger, &operator_, SW_RECORD_SUBSCRIPTION, &listener, &o, &err) != 0 ||
        sw_record_create(ledger, &operator_, SW_RECORD_PROVIDER, &provider, &o, &err) != 0 ||
        sw_record_create(ledger, &operator_, SW_RECORD_SAVED_VIEW, &view, &o, &err) != 0) {
        fail_msg("%s: %s", err.field, err.message);
    }
    sw_ledger_close(&ledger);
}

/* Deletes a step under a key, so that the key is remembered. */
static void delete_one(const char *store, const char *id, const char *organization)
{
    const sw_ledger_options options = {.store = store, .no_reaper = true};
    const sw_retry retry = {.route = sw_str_from("DELETE /v1/steps"),
                            .key = sw_str_from("once"),
                            .digest = sw_str_make("0123456789abcdef", 16)};
    const sw_actor actor = {.organization_id = sw_str_from(organization), .retry = &retry};
    sw_ledger *ledger = NULL;
    sw_outcome o;
    sw_error err = {0};
    assert_int_equal(sw_ledger_open(&options, &ledger, &err), SW_STATUS_OK);
    if (sw_step_delete(ledger, &actor, sw_str_from(id), &o, &err) != SW_STATUS_OK) {
        fail_msg("%s", err.message);
    }
    sw_ledger_close(&ledger);
}

static void make_ledger(const char *name, const char *steps)
{
    const char *store = strdup(file_store(name));
    json_t *rows = NULL;
    add_listener(store);
    MUST("demo", "--steps", steps, "--store", store);
    write_file("t.jsonl", transcript);
    write_file("spans.json", telemetry);
    MUST("import", path_of("t.jsonl"), "--store", store);
    MUST("otlp", "replay", path_of("spans.json"), "--store", store);
    child key = RUN("keys", "create", "reader", "--scope", "read", "--store", store);
    assert_int_equal(key.code, 0);
    child_free(&key);
    MUST("prices", "set", "house-model", "--input", "3", "--output", "15", "--store", store);
    rows = LINES("steps", "--json", "--limit", "9", "--status", "success", "--store", store);
    assert_true(json_array_size(rows) == 9);
    MUST("feedback", json_string_value(json_object_get(json_array_get(rows, 8), "id")), "positive",
         "--store", store);
    for (size_t i = 0; i < 2; i++) {
        const json_t *step = json_array_get(rows, i);
        delete_one(store, json_string_value(json_object_get(step, "id")),
                   json_string_value(json_object_get(step, "organization_id")));
    }
    json_decref(rows);
    free((void *)(uintptr_t)store);
}

/* ---- looking at files with SQLite alone ---------------------------------------------------------- */

static sqlite3 *open_file(const char *name)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path_of(name), &db), SQLITE_OK);
    return db;
}

static sqlite3_stmt *ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    return stmt;
}

static int64_t number_in(const char *name, const char *sql)
{
    sqlite3 *db = open_file(name);
    sqlite3_stmt *stmt = ask(db, sql);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}

/* The view's columns, without the numbers that rows have in their file. */
static void columns_of(sqlite3 *db, const char *view, char *out, size_t size)
{
    char sql[BYTES];
    snprintf(sql, sizeof sql,
             "SELECT group_concat('\"' || name || '\"') FROM pragma_table_info('%s')"
             " WHERE name <> 'pk' AND name NOT LIKE '%%\\_pk' ESCAPE '\\'",
             view);
    sqlite3_stmt *stmt = ask(db, sql);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    snprintf(out, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
    assert_true(strlen(out) + 1 < size);
    sqlite3_finalize(stmt);
}

/* Rows of one that are not in the other, whichever column differs; with the second file attached as b. */
static int64_t lacking(sqlite3 *db, const char *view, const char *one, const char *other)
{
    char columns[3000], sql[7000];
    columns_of(db, view, columns, sizeof columns);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM (SELECT %s FROM %s.%s EXCEPT SELECT %s FROM %s.%s)", columns,
             one, view, columns, other, view);
    sqlite3_stmt *stmt = ask(db, sql);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t rows = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rows;
}

static int64_t rows_of(sqlite3 *db, const char *file, const char *table)
{
    char sql[BYTES];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s.%s", file, table);
    sqlite3_stmt *stmt = ask(db, sql);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t rows = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rows;
}

/* Every view shows the same rows, every table has as many. */
static void same_files(const char *a, const char *b)
{
    char sql[BYTES];
    int64_t views = 0, rows = 0;
    sqlite3 *db = open_file(a);
    snprintf(sql, sizeof sql, "ATTACH '%s' AS b", path_of(b));
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_stmt *each =
        ask(db, "SELECT name, type = 'view' FROM main.sqlite_schema WHERE type ="
                " 'view' OR (type = 'table' AND name LIKE '%\\_data' ESCAPE '\\')");
    while (sqlite3_step(each) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(each, 0);
        int64_t count = rows_of(db, "main", name);
        if (count != rows_of(db, "b", name)) {
            fail_msg("%s: not as many rows", name);
        }
        if (!sqlite3_column_int(each, 1)) {
            continue;
        }
        views++;
        rows += count;
        if (lacking(db, name, "main", "b") + lacking(db, name, "b", "main") != 0) {
            fail_msg("%s: rows differ", name);
        }
    }
    sqlite3_finalize(each);
    sqlite3_close(db);
    assert_true(views > 15 && rows > 2000);
}

static void same_answer(const char *a, const char *b, const char *const *words)
{
    const char *both[2] = {a, b};
    char *said[2];
    for (int i = 0; i < 2; i++) {
        const char *all[12] = {NULL};
        size_t count = 0;
        for (; words[count]; count++) {
            all[count] = words[count];
        }
        all[count++] = "--store";
        all[count] = both[i];
        child c = child_run(all);
        assert_int_equal(c.code, 0);
        said[i] = c.out;
        free(c.err);
    }
    assert_true(strlen(said[0]) > 100);
    assert_string_equal(said[0], said[1]);
    free(said[0]);
    free(said[1]);
}

/* ---- there and back ------------------------------------------------------------------------------ */

/* Where a PostgreSQL is not to be had, another file stands in for it. */
static void middle_store(char *out, size_t size)
{
    static unsigned files = 0;
    char name[32];
    if (!pg_missing()) {
        pg_new_url(out, size);
        return;
    }
    printf("# without PostgreSQL: %s\n", pg_missing());
    snprintf(name, sizeof name, "middle-%u.db", files++);
    snprintf(out, size, "%s", file_store(name));
}

static json_int_t migrate(const char *from, const char *to)
{
    json_t *said = JSON("migrate", from, to, "--json");
    json_int_t records = child_number(said, "records");
    assert_true(json_is_true(json_object_get(said, "ok")));
    assert_int_equal(child_number(said, "copied"), records);
    assert_int_equal(child_number(said, "compared"), records);
    assert_int_equal(child_number(said, "difference_count"), 0);
    assert_int_equal(child_number(said, "missed_entries"), 0);
    json_decref(said);
    return records;
}

static void test_there_and_back(void **state)
{
    static const char *const usage[] = {
        "usage", "--by", "organization,model,status", "--json", "--limit", "0", NULL};
    static const char *const list[] = {"export", NULL};
    char middle[BYTES], first[BYTES], last[BYTES];
    (void)state;
    snprintf(first, sizeof first, "%s", file_store("first.db"));
    snprintf(last, sizeof last, "%s", file_store("last.db"));
    middle_store(middle, sizeof middle);
    json_int_t records = migrate(first, middle);
    same_answer(first, middle, usage);
    same_answer(first, middle, list);
    assert_int_equal(migrate(middle, last), records);
    same_files("first.db", "last.db");
    same_answer(first, last, usage);
    assert_int_equal(number_in("last.db", "SELECT count(*) > 2 FROM deliveries_data"), 1);
    assert_int_equal(number_in("last.db", "SELECT count(*) FROM raw_items_data"), 1);
    assert_int_equal(number_in("last.db", "SELECT count(*) FROM idempotency_keys_data"), 2);
    assert_int_equal(number_in("last.db", "SELECT count(*) FROM transcript_files_data"), 1);
    MUST("verify", "--store", middle);
    /* The copies are ledgers: they go on. */
    MUST("demo", "--steps", "20", "--seed", "2", "--store", middle);
    MUST("demo", "--steps", "20", "--seed", "2", "--store", last);
}

/* ---- kill -9 ------------------------------------------------------------------------------------- */

static unsigned random_below(unsigned bound)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % bound);
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Runs a migration and kills it after so long, unless it ended before; its exit code, or -1: it was killed. */
static int run_for(const char *from, const char *to, int64_t us)
{
    const char *const words[] = {getenv("STEPWELL_BIN"), "migrate", from, to, NULL};
    const struct timespec pause = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    posix_spawn_file_actions_t quiet;
    pid_t pid = 0;
    int status = 0;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    assert_int_equal(
        posix_spawn(&pid, words[0], &quiet, NULL, (char *const *)(uintptr_t)words, environ), 0);
    posix_spawn_file_actions_destroy(&quiet);
    (void)nanosleep(&pause, NULL);
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A target that is a half says so, whatever it is asked; answers whether it is one. */
static bool is_half(const char *store)
{
    child c = RUN("info", "--store", store);
    bool half = strstr(c.err, "is half a migration of sqlite:") != NULL;
    assert_true(!half || c.code == 5);
    child_free(&c);
    if (half) {
        c = RUN("serve", "--store", store, "--listen", "127.0.0.1:0");
        assert_int_equal(c.code, 5);
        assert_non_null(strstr(c.err, "run stepwell migrate again"));
        child_free(&c);
    }
    return half;
}

static unsigned killings(void)
{
    const char *level = getenv("STEPWELL_TEST_LEVEL");
    return !level ? 8 : strcmp(level, "deep") == 0 ? 60 : strcmp(level, "quick") == 0 ? 3 : 8;
}

/* One migration, killed again and again; at any moment of a whole one's time. */
static unsigned until_done(const char *from, const char *to, int64_t whole_us, unsigned most)
{
    unsigned halves = 0;
    for (unsigned i = 0; i < most; i++) {
        if (run_for(from, to, random_below((unsigned)whole_us)) == 0) {
            return halves;
        }
        halves += is_half(to);
    }
    child c = RUN("migrate", from, to);
    /* It may have been killed when it was done, and had not said so. */
    if (c.code != 0 && !(c.code == 5 && strstr(c.err, "holds a ledger already"))) {
        fail_msg("%s", c.err);
    }
    child_free(&c);
    return halves;
}

static void test_killed_at_any_moment(void **state)
{
    char middle[BYTES], first[BYTES], last[BYTES];
    unsigned halves = 0;
    (void)state;
    snprintf(first, sizeof first, "%s", file_store("first.db"));
    middle_store(middle, sizeof middle);
    int64_t begun = now_us();
    (void)migrate(first, middle);
    int64_t whole_us = now_us() - begun;
    for (unsigned i = 0; i < killings(); i += 4) {
        char name[32];
        snprintf(name, sizeof name, "killed-%u.db", i);
        middle_store(middle, sizeof middle);
        halves += until_done(first, middle, whole_us, 4);
        snprintf(last, sizeof last, "%s", file_store(name));
        (void)until_done(middle, last, whole_us, 2);
        same_files("first.db", name);
    }
    assert_true(halves > 0);
}

/* ---- damage -------------------------------------------------------------------------------------- */

static void die_when_comparing(void *arg, const char *doing, int64_t done, int64_t total)
{
    (void)arg;
    (void)done;
    (void)total;
    if (strcmp(doing, "records compared") == 0) {
        (void)raise(SIGKILL);
    }
}

/* A migration that is killed when everything was copied and not yet compared. */
static void copy_without_end(const char *from, const char *to)
{
    const sw_migrate_options options = {.from = from, .to = to, .progress = die_when_comparing};
    sw_migrate_end end;
    sw_error err = {0};
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(sw_migrate(&options, &end, &err) == SW_STATUS_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_true(is_half(to));
}

/* What SQL does to the target before it is compared is told by the record and the field, and exit code 9. */
static void damaged(const char *sql, const char *said, const char *said_too)
{
    char middle[BYTES], first[BYTES];
    snprintf(first, sizeof first, "%s", file_store("first.db"));
    pg_new_url(middle, sizeof middle);
    copy_without_end(first, middle);
    pg_sql(middle, sql, NULL, 0);
    child c = RUN("migrate", first, middle);
    assert_int_equal(c.code, 9);
    if (!strstr(c.out, said) || !strstr(c.out, said_too) || !strstr(c.err, "begin again")) {
        fail_msg("%s%s", c.out, c.err);
    }
    child_free(&c);
    assert_true(is_half(middle));
}

static void test_damage_is_named(void **state)
{
    static const char sql[] = "SELECT id FROM steps WHERE status = 'success' ORDER BY id LIMIT 1";
    char id[200], change[BYTES], line[BYTES];
    sqlite3 *db = open_file("first.db");
    sqlite3_stmt *stmt = ask(db, sql);
    (void)state;
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    snprintf(id, sizeof id, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    if (pg_missing()) {
        printf("skipped: %s\n", pg_missing());
        skip();
    }
    snprintf(change, sizeof change, "UPDATE steps SET cost_nano_usd = 1 WHERE id = '%s'", id);
    snprintf(line, sizeof line, "record: steps %s: differs in cost_nano_usd\n", id);
    damaged(change, line, "and 1 differ");
    damaged("DELETE FROM raw_items", "record: raw_items org-", "is in sqlite:");
    damaged("UPDATE journal SET time = time + interval '1 microsecond' WHERE seq = 5",
            " 5: differs in time", "record: journal org-");
    damaged("INSERT INTO usage_model_days (model, day) VALUES ('nobody', 4)",
            "usage_model_days nobody 4: is in postgres:", "and 1 differ");
}

/* ---- refused ------------------------------------------------------------------------------------- */

static void refused(const char *from, const char *to, int code, const char *why)
{
    child c = RUN("migrate", from, to);
    if (c.code != code || !strstr(c.err, why)) {
        fail_msg("expected %d and '%s', got %d: %s", code, why, c.code, c.err);
    }
    assert_string_equal(c.out, "");
    child_free(&c);
}

static void test_what_is_refused(void **state)
{
    char first[BYTES], other[BYTES], link_[BYTES], newer[BYTES];
    sqlite3 *db = NULL;
    (void)state;
    snprintf(first, sizeof first, "%s", file_store("first.db"));
    snprintf(other, sizeof other, "%s", file_store("other.db"));
    snprintf(link_, sizeof link_, "%s", file_store("link.db"));
    snprintf(newer, sizeof newer, "%s", file_store("newer.db"));
    MUST("demo", "--steps", "5", "--store", other);
    assert_int_equal(symlink(path_of("first.db"), path_of("link.db")), 0);
    refused(first, other, 5, "holds a ledger already (there are organizations): name one that is");
    refused(first, first, 2, "both are sqlite:");
    refused(first, link_, 2, "name the store to copy from, and another one");
    refused(file_store("nowhere.db"), file_store("new.db"), 4, "FROM: there is no file");
    assert_int_equal(access(path_of("new.db"), F_OK), -1);
    refused("memory:", file_store("new.db"), 8, "FROM: a ledger in memory ends with its process");
    refused(first, "memory:", 8, "TO: a ledger in memory");
    refused(first, "mysql://x", 2, "TO: no such kind of store");
    MUST("demo", "--steps", "5", "--store", newer);
    db = open_file("newer.db");
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    refused(newer, file_store("new.db"), 7, "use that version");
    child c = RUN("migrate", first);
    assert_int_equal(c.code, 2);
    assert_non_null(strstr(c.err, "migrate needs FROM TO"));
    child_free(&c);
    c = RUN("migrat", first, other);
    assert_non_null(strstr(c.err, "did you mean migrate?"));
    child_free(&c);
}

static void test_a_half_is_for_its_source_only(void **state)
{
    char first[BYTES], moved[BYTES], half[BYTES], again[BYTES];
    (void)state;
    snprintf(first, sizeof first, "%s", file_store("first.db"));
    snprintf(moved, sizeof moved, "%s", file_store("moved.db"));
    snprintf(half, sizeof half, "%s", file_store("half.db"));
    snprintf(again, sizeof again, "%s", file_store("again.db"));
    MUST("demo", "--steps", "30", "--store", moved);
    copy_without_end(moved, half);
    refused(first, half, 5, "holds half a migration of sqlite:");
    refused(half, again, 5, "is half a migration of sqlite:");
    MUST("demo", "--steps", "3", "--seed", "9", "--store", moved);
    refused(moved, half, 5, "was written to since this migration of it began");
}

static int set_up(void **state)
{
    if (!pg_missing()) {
        pg_start();
    }
    if (child_set_up(state) != 0) {
        return -1;
    }
    make_ledger("first.db", "700");
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_killed_at_any_moment),
        cmocka_unit_test(test_damage_is_named),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_a_half_is_for_its_source_only),
    };
    return cmocka_run_group_tests_name("cli/migrate", tests, set_up, child_tear_down);
}
