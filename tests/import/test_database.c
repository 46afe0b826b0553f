/* SPDX-License-Identifier: Apache-2.0 */
/* A database of opencode's that is larger than memory should be: it is read family by family, so that what an import
 * takes does not grow with it, and what comes of it is what comes of reading it at once. */
#include <sqlite3.h>

#include "stepwell/ledger.h"
#include "tests/import/place.h"
#include "tests/lib/faults.h"

/* Of a session: what is said in it, written down once. All of them are more than may be in memory. */
enum { SESSIONS = 48, SAID_BYTES = 60000 * 9, MOST_BYTES = 16 << 20 };
_Static_assert((int64_t)SESSIONS *SAID_BYTES > (int64_t)MOST_BYTES * 3 / 2, "it does not fit");

static const char schema[] =
    "CREATE TABLE session (id text PRIMARY KEY, parent_id text, directory text, version text);"
    "CREATE TABLE message (id text PRIMARY KEY, session_id text, time_created integer, data text);"
    "CREATE TABLE part (id text PRIMARY KEY, message_id text, session_id text, time_created "
    "integer, data text);";
static const char indexes[] =
    "CREATE INDEX message_session_time_created_id_idx ON message (session_id, time_created, id);"
    "CREATE INDEX part_session_idx ON part (session_id);";

/* Every third session was begun by the one before it; the last one is known by its messages only. */
static const char rows[] =
    "CREATE TEMP TABLE n AS WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE "
    "x < %d) SELECT x, printf('ses_%%03d', x) AS s, printf('msg_%%03d', x) AS m FROM n;"
    "INSERT INTO session SELECT s, CASE WHEN x %% 3 = 0 THEN printf('ses_%%03d', x - 1) END, "
    "'/srv', '1' FROM n WHERE x < %d;"
    "INSERT INTO message SELECT m, s, 1767312000000 + x, '{\"role\":\"assistant\",\"modelID\":"
    "\"m\",\"providerID\":\"p\",\"time\":{\"created\":' || (1767312000000 + x * 1000) || '},"
    "\"tokens\":{\"input\":' || x || ',\"output\":1}}' FROM n;"
    "INSERT INTO part SELECT 'prt_' || x, m, s, 1767312000000 + x, '{\"type\":\"text\",\"text\":\"'"
    " || replace(hex(zeroblob(%d)), '00', printf('%%04d row ', x)) || '\"}' FROM n;";

static const char *make(const char *name, bool indexed)
{
    sqlite3 *db = NULL;
    char *said = NULL;
    char *sql = sqlite3_mprintf(rows, (int)SESSIONS, (int)SESSIONS, (int)SAID_BYTES / 9);
    const char *path = place_path(name);
    place_write(name, SW_STR(""));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, schema, NULL, NULL, &said) != SQLITE_OK ||
        sqlite3_exec(db, indexed ? indexes : "", NULL, NULL, &said) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK) {
        fail_msg("%s", said);
    }
    sqlite3_free(sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return path;
}

static import_result import_with(const char *ledger_name, const char *path,
                                 const import_options *options)
{
    char url[256];
    sw_ledger *ledger = NULL;
    sw_actor actor = {.organization_id = SW_NULL_STR};
    import_result r;
    sw_error err = {.status = SW_STATUS_OK};
    (void)snprintf(url, sizeof url, "sqlite:%s", place_path(ledger_name));
    const sw_ledger_options how = {.store = url};
    assert_int_equal(sw_ledger_open(&how, &ledger, &err), SW_STATUS_OK);
    if (place_way(ledger, &actor, options, &path, 1, &r, &err) != SW_STATUS_OK) {
        fail_msg("%s", err.message);
    }
    sw_ledger_close(&ledger);
    return r;
}

static void check(const char *ledger)
{
    assert_int_equal(place_number(ledger, "select count(*) from steps"), SESSIONS);
    assert_int_equal(place_number(ledger, "select sum(prompt_tokens) from steps"),
                     SESSIONS * (SESSIONS + 1) / 2);
    assert_int_equal(place_number(ledger, "select count(*) from runs where parent_run_id is not "
                                          "null"),
                     (SESSIONS - 1) / 3);
    place_verify(ledger);
}

static void memory_does_not_grow_with_it(void **state)
{
    import_options options = {.allocator = &faults_allocator, .window_steps = 2};
    const char *path = make("large/opencode.db", true);
    int64_t before = faults_peak(true);
    (void)state;
    import_result r = import_with("large.db", path, &options);
    int64_t most = faults_peak(false) - before;
    assert_int_equal(r.steps_new, SESSIONS);
    assert_int_equal(r.bad_lines, 0);
    assert_int_equal(r.lines, 3 * SESSIONS - 1);
    check("large.db");
    if (most > MOST_BYTES) {
        fail_msg("%lld bytes were in memory at once", (long long)most);
    }
    assert_int_equal(faults_bytes(), before);
    assert_int_equal(place_import_one("large.db", path).files_unchanged, 1);
}

/* Without an index it can only be read at once. */
static void it_tells_the_same_as_at_once(void **state)
{
    (void)state;
    import_result r = place_import_one("once.db", make("once/opencode.db", false));
    char *got = place_dump("large.db");
    char *expected = place_dump("once.db");
    assert_int_equal(r.lines, 3 * SESSIONS - 1);
    check("once.db");
    place_same(got, expected);
    free(got);
    free(expected);
}

typedef struct stopping {
    bool stop;
    int shown;
} stopping;

static void stop_soon(void *arg, const import_result *so_far)
{
    stopping *s = arg;
    (void)so_far;
    s->stop = ++s->shown > 3;
}

/* An import that ended between two families has not read the file. */
static void what_was_left_is_read_the_next_time(void **state)
{
    stopping s = {.stop = false};
    import_options options = {.window_steps = 1, .progress = stop_soon, .arg = &s, .stop = &s.stop};
    const char *path = place_path("large/opencode.db");
    (void)state;
    import_result r = import_with("half.db", path, &options);
    assert_int_equal(r.files_read, 0);
    assert_true(r.steps_new > 0 && r.steps_new < SESSIONS);
    int64_t had = r.steps_new;
    r = place_import_one("half.db", path);
    assert_int_equal(r.files_read, 1);
    assert_int_equal(r.steps_new, SESSIONS - had);
    check("half.db");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_does_not_grow_with_it),
        cmocka_unit_test(it_tells_the_same_as_at_once),
        cmocka_unit_test(what_was_left_is_read_the_next_time),
    };
    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
