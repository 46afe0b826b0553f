/* SPDX-License-Identifier: Apache-2.0 */
/* An import of V1 in trouble: rows that cannot be taken, tables that are missing, what is no database of V1's, what moved
 * on since the last time, and being killed anywhere.
 */
#include <malloc.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/import/v1_source.h"

/* ---- rows that cannot be taken --------------------------------------------------------------------------- */

/* Whatever becomes of a row, it is counted once. */
static void check_sum(const import_v1_result *r)
{
    import_v1_count all = sum(r);
    if (all.rows != all.made + all.ended + all.there + all.differing + all.refused) {
        fail_msg(
            "%lld rows, but %lld new, %lld ended, %lld there, %lld differing, %lld refused\n%s",
            (long long)all.rows, (long long)all.made, (long long)all.ended, (long long)all.there,
            (long long)all.differing, (long long)all.refused, trouble.text);
    }
}

static void test_bad_rows(void **state)
{
    source s = make_file("bad.v1");
    char id[64], said[200];
    (void)state;
    ask(&s,
        "UPDATE steps SET prompt_tokens = -5 WHERE tid = 'tid-9';"
        "UPDATE steps SET created_at = 'yesterday', updated_at = NULL WHERE tid = 'tid-19';"
        "UPDATE steps SET error_data = '{\"message\": \"x', job_id = 'run-gone' WHERE tid = 'tid-29';"
        "UPDATE steps SET tags = '[1, 2]', trace_id = 'no trace' WHERE tid = 'tid-39';"
        "UPDATE steps SET status = 'WEIRD' WHERE tid = 'tid-59';"
        "UPDATE steps SET model = CAST(x'ff41' AS TEXT) WHERE tid = 'tid-69';"
        "UPDATE messages SET role = 'oracle' WHERE sequence_id = 30;"
        "UPDATE provider_traces SET request_json = 'none' WHERE id = (SELECT min(id) FROM "
        "provider_traces);",
        NULL, 0);
    import_v1_result r = take("bad.db", &s);
    assert_told("prompt_tokens refused: is not between 0 and 2147483647");
    assert_told("created_at left out: is no time");
    assert_told("created_at left out: is not said; it stands in 1970");
    assert_told("error_data left out: is not valid JSON");
    assert_told("run_id left out: names what is not there, or is another's");
    assert_told("trace_id left out: is not 32 lower-case hexadecimal digits");
    assert_told("tags left out");
    assert_told("status refused: is none of the known words");
    assert_told("model left out: is not valid UTF-8");
    assert_told("role refused: is none of the known words");
    assert_told("request_json refused: is not valid JSON");
    if (sum(&r).refused != 4 || trouble.refused != 4) {
        fail_msg("%s", trouble.text);
    }
    check_sum(&r);
    ask(&s, "SELECT id FROM steps WHERE tid = 'tid-9'", id, sizeof id);
    (void)snprintf(said, sizeof said, "steps %s prompt_tokens refused", id);
    assert_told(said);
    assert_int_equal(place_number("bad.db", "select count(*) from steps"), STEPS - 2);
    assert_int_equal(place_number("bad.db", "select count(*) from messages"), 2 * STEPS - 1);
    assert_int_equal(place_number("bad.db", "select count(*) from steps where tid in ('tid-29', "
                                            "'tid-39', 'tid-69')"),
                     3);
    place_verify("bad.db");
    r = take("bad.db", &s);
    check_sum(&r);
    assert_int_equal(sum(&r).made, 0);
    assert_int_equal(sum(&r).refused, 4);
}

/* Ids that are equal to the database and are no longer when they are read, ids that are bytes, and none at all. */
static void test_odd_ids(void **state)
{
    source s = make_file("ids.v1");
    (void)state;
    ask(&s,
        "CREATE TABLE t AS SELECT * FROM steps; DROP TABLE steps; ALTER TABLE t RENAME COLUMN id TO "
        "was; ALTER TABLE t ADD COLUMN id varchar COLLATE NOCASE; UPDATE t SET id = was; ALTER TABLE "
        "t RENAME TO steps; CREATE INDEX steps_id ON steps (id);",
        NULL, 0);
    ask(&s,
        "UPDATE steps SET id = 'STEP-twin' WHERE tid = 'tid-109';"
        "UPDATE steps SET id = 'step-TWIN' WHERE tid = 'tid-9';"
        "UPDATE steps SET id = CAST('step-bytes' AS BLOB) WHERE tid = 'tid-19';"
        "UPDATE steps SET id = '' WHERE tid = 'tid-29';"
        "UPDATE steps SET id = NULL WHERE tid = 'tid-39';",
        NULL, 0);
    import_v1_result r = take("ids.db", &s);
    check_sum(&r);
    assert_told("id refused: is not said");
    assert_told("steps step-bytes id refused: is not found under what it prints as");
    assert_int_equal(r.tables[7].refused, 3);
    assert_int_equal(place_number("ids.db", "select count(*) from steps"), STEPS - 3);
    assert_int_equal(place_number("ids.db", "select count(*) from steps where id in ('STEP-twin', "
                                            "'step-TWIN')"),
                     2);
    r = take("ids.db", &s);
    check_sum(&r);
    assert_int_equal(sum(&r).made, 0);
    place_verify("ids.db");
}

/* Timings that are wrong are left out of their step, and a job of another type is taken for its steps, whoever wrote
 * them. */
static void test_beside(void **state)
{
    source s = make_file("beside.v1");
    char id[64], said[200];
    (void)state;
    ask(&s,
        "UPDATE step_metrics SET step_ns = 'soon' WHERE id = (SELECT min(id) FROM step_metrics)",
        NULL, 0);
    ask(&s, "SELECT min(job_id) FROM steps WHERE job_id IS NOT NULL", id, sizeof id);
    ask(&s,
        "UPDATE steps SET agent_id = NULL WHERE job_id = (SELECT min(job_id) FROM steps);"
        "UPDATE jobs SET job_type = 'batch' WHERE id = (SELECT min(job_id) FROM steps);",
        NULL, 0);
    int64_t linked =
        number(&s, "SELECT count(*) FROM steps WHERE job_id = (SELECT min(job_id) FROM "
                   "steps)");
    import_v1_result r = take("beside.db", &s);
    check_sum(&r);
    assert_true(linked > 0);
    (void)snprintf(said, sizeof said, "select count(*) from steps where run_id = '%s'", id);
    assert_int_equal(place_number("beside.db", said), linked);
    ask(&s, "SELECT min(id) FROM step_metrics", id, sizeof id);
    (void)snprintf(said, sizeof said, "step_metrics %s step_ns left out: is no number", id);
    assert_told(said);
    assert_int_equal(r.metrics, place_number("beside.db", "select count(*) from step_metrics"));
    assert_int_equal(trouble.refused, sum(&r).refused);
    place_verify("beside.db");
}

/* ---- another's agent --------------------------------------------------------------------------------------- */

/* What names another organization's agent is taken, as one of nobody that is known. */
static void test_foreign_agent(void **state)
{
    source s = make_file("foreign.v1");
    (void)state;
    ask(&s,
        "CREATE TABLE conversations (id text PRIMARY KEY, agent_id text, organization_id text, "
        "created_at text, updated_at text, summary text);"
        "INSERT INTO conversations SELECT 'conv-' || a.id, b.id, a.organization_id, "
        "'2025-03-01 00:00:00', '2025-03-01 00:00:00', 'crossed' FROM agents a JOIN agents b ON "
        "a.organization_id <> b.organization_id WHERE a.id = (SELECT min(id) FROM agents) LIMIT 1;"
        "UPDATE jobs SET metadata_ = NULL;"
        "UPDATE steps SET agent_id = (SELECT a.id FROM agents a WHERE a.organization_id <> "
        "steps.organization_id ORDER BY a.id LIMIT 1) WHERE job_id = (SELECT min(job_id) FROM steps);",
        NULL, 0);
    import_v1_result r = take("foreign.db", &s);
    check_sum(&r);
    if (sum(&r).refused > 0) {
        fail_msg("%s", trouble.text);
    }
    assert_told("agent_id left out: names what is not there, or is another's");
    assert_int_equal(r.tables[5].made, 1);
    assert_int_equal(place_number("foreign.db",
                                  "select count(*) from conversations c join agents a "
                                  "on a.id = c.agent_id where a.organization_id <> "
                                  "c.organization_id"),
                     0);
    assert_int_equal(place_number("foreign.db",
                                  "select count(*) from runs r join agents a on a.id = "
                                  "r.agent_id where a.organization_id <> "
                                  "r.organization_id"),
                     0);
    place_verify("foreign.db");
}

/* ---- while it is written to ---------------------------------------------------------------------------------- */

/* What another program has written and not committed is neither read nor mixed with what was there before. */
static void test_written_to(void **state)
{
    source s = make_file("busy.v1");
    sqlite3 *db = NULL;
    import_v1_result r;
    sw_error err = {.status = SW_STATUS_OK};
    const import_v1_options dry = {.dry_run = true};
    (void)state;
    assert_int_equal(sqlite3_open(s.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA cache_size = 5; PRAGMA cache_spill = 5; BEGIN; UPDATE "
                                  "steps SET prompt_tokens = 100",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(import_v1(NULL, &dry, s.url, &r, &err), SW_STATUS_BUSY);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    (void)take("busy.db", &s);
    assert_int_equal(place_number("busy.db", "select sum(prompt_tokens) from steps"),
                     number(&s, "SELECT sum(prompt_tokens) FROM steps"));
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

static int64_t held, most;

static void *counting_resize(void *data, void *ptr, size_t bytes)
{
    size_t before = ptr ? malloc_usable_size(ptr) : 0;
    void *got = sw__libc_allocator.resize(data, ptr, bytes);
    held +=
        (int64_t)(got ? malloc_usable_size(got) : 0) - (int64_t)(got || bytes == 0 ? before : 0);
    most = held > most ? held : most;
    return got;
}

/* Rows that are refused are not kept. */
static void test_memory_of_refused(void **state)
{
    enum { MOST = 16 << 20 };
    source s = make_file("long.v1");
    sw_allocator counting = sw__libc_allocator;
    sw_ledger *ledger = open_ledger(store_of("long.db"));
    const import_v1_options options = {.allocator = &counting};
    import_v1_result r;
    sw_error err = {.status = SW_STATUS_OK};
    (void)state;
    counting.resize = counting_resize;
    ask(&s, "UPDATE messages SET role = 'oracle', text = hex(zeroblob(25000))", NULL, 0);
    held = most = 0;
    assert_int_equal(import_v1(ledger, &options, s.url, &r, &err), SW_STATUS_OK);
    assert_int_equal(r.tables[8].refused, 2 * STEPS);
    assert_int_equal(held, 0);
    if (most > MOST) {
        fail_msg("%lld bytes at once", (long long)most);
    }
    sw_ledger_close(&ledger);
}

/* ---- a server that hides rows -------------------------------------------------------------------------------- */

/* Row level security is no smaller database: it is told. */
static void test_hidden_rows(void **state)
{
    source s;
    char role[64], sql[900], url[820];
    import_v1_result r;
    sw_error err = {.status = SW_STATUS_OK};
    const import_v1_options dry = {.dry_run = true};
    (void)state;
    if (no_server()) {
        skip();
    }
    s = make_server(V1_HEAD);
    (void)snprintf(role, sizeof role, "stepwell_sees_little_%ld", (long)getpid());
    (void)snprintf(
        sql, sizeof sql,
        "DO $$ BEGIN EXECUTE 'CREATE ROLE %s'; EXECUTE format('GRANT USAGE ON SCHEMA %%I "
        "TO %s; GRANT SELECT ON ALL TABLES IN SCHEMA %%1$I TO %s', current_schema()); END "
        "$$; ALTER TABLE steps ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY little ON steps USING (tid = 'tid-9');",
        role, role, role);
    ask(&s, sql, NULL, 0);
    (void)snprintf(url, sizeof url, "%s%%20-crole%%3D%s", s.url, role);
    sw_status status = import_v1(NULL, &dry, url, &r, &err);
    (void)snprintf(sql, sizeof sql, "DROP OWNED BY %s; DROP ROLE %s", role, role);
    ask(&s, sql, NULL, 0);
    pg_drop_url(s.url);
    assert_int_equal(status, SW_STATUS_IO);
    if (!strstr(err.message, "row-level security")) {
        fail_msg("%s", err.message);
    }
}

/* Long rows are sorted nowhere: the server, which may make no file for it, need not. */
static void test_no_sorting(void **state)
{
    source s;
    char url[820];
    import_v1_result r;
    sw_error err = {.status = SW_STATUS_OK};
    const import_v1_options dry = {.dry_run = true};
    (void)state;
    if (no_server()) {
        skip();
    }
    s = make_server(V1_HEAD);
    ask(&s,
        "UPDATE provider_traces SET request_json = (SELECT json_build_object('a', string_agg(md5(i::"
        "text || provider_traces.id), '')) FROM generate_series(1, 1000) AS i); ANALYZE",
        NULL, 0);
    (void)snprintf(url, sizeof url, "%s%%20-ctemp_file_limit%%3D0%%20-cwork_mem%%3D1MB", s.url);
    sw_status status = import_v1(NULL, &dry, url, &r, &err);
    pg_drop_url(s.url);
    if (status != SW_STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(r.tables[9].made > 100);
}

/* ---- what is missing -------------------------------------------------------------------------------------- */

static void test_missing_tables(void **state)
{
    source s = make_file("less.v1");
    (void)state;
    ask(&s,
        "DROP TABLE provider_traces; DROP TABLE agents; DROP TABLE job_messages; DROP TABLE "
        "step_metrics; DROP TABLE users;",
        NULL, 0);
    import_v1_result r = take("less.db", &s);
    assert_int_equal(place_number("less.db", "select count(*) from steps"), STEPS);
    assert_int_equal(place_number("less.db", "select count(*) from messages"), 2 * STEPS);
    /* The agents are those that runs and messages name. */
    assert_int_equal(r.named_agents, V1_AGENTS);
    assert_int_equal(place_number("less.db", "select count(*) from agents"), V1_AGENTS);
    assert_true(place_number("less.db", "select count(*) from runs") > STEPS / 5 * 9 / 10);
    place_verify("less.db");
}

static void refused_as(const char *url, const char *says)
{
    import_v1_result r;
    sw_error err = {.status = SW_STATUS_OK};
    const import_v1_options options = {.dry_run = true};
    assert_int_not_equal(import_v1(NULL, &options, url, &r, &err), SW_STATUS_OK);
    if (!strstr(err.message, says)) {
        fail_msg("%s: %s", url, err.message);
    }
    assert_null(strstr(err.message, "geheim"));
}

static void test_no_v1(void **state)
{
    char url[760];
    source other = file_at("other.db");
    sw_ledger *ledger = open_ledger(store_of("own.db"));
    (void)state;
    sw_ledger_close(&ledger);
    ask(&other, "CREATE TABLE steps (id text, distance integer)", NULL, 0);
    (void)snprintf(url, sizeof url, "sqlite:%s", other.path);
    refused_as(url, "no database of Letta V1");
    refused_as(store_of("own.db"), "a ledger of Stepwell's own");
    place_write("text.db",
                SW_STR("this is a text, and no database at all, though it is long enough"));
    refused_as(store_of("text.db"), "");
    refused_as(store_of("nowhere.db"), "is not there");
    refused_as("postgres:letta", "needs //user@host");
    if (no_server()) {
        skip();
    }
    refused_as("postgres://letta:geheim@127.0.0.1:1/letta", "");
    refused_as("postgres://letta:ge@heim@127.0.0.1:1/letta", "%40");
    refused_as("postgres://letta:geheim/letta", "is not a PostgreSQL URL");
    pg_new_url(url, sizeof url);
    refused_as(url, "no database of Letta V1");
}

/* ---- later ------------------------------------------------------------------------------------------------- */

/* What was under way ends here too; the rest stays as it was taken. */
static void test_ended_since(void **state)
{
    source s = make_file("since.v1");
    import_v1_result r;
    int64_t pending = number(&s, "SELECT count(*) FROM steps WHERE status = 'PENDING'");
    int64_t running = number(&s, "SELECT count(*) FROM jobs WHERE status = 'running'");
    (void)state;
    /* Of the first job under way nobody knows yet whose it is. */
    ask(&s,
        "UPDATE steps SET agent_id = NULL WHERE job_id = (SELECT min(id) FROM jobs WHERE status = "
        "'running'); DELETE FROM job_messages WHERE job_id = (SELECT "
        "min(id) FROM jobs WHERE status = 'running'); UPDATE jobs SET metadata_ = NULL WHERE id = "
        "(SELECT min(id) FROM jobs WHERE status = 'running');",
        NULL, 0);
    (void)take("since.db", &s);
    assert_int_equal(place_number("since.db", "select count(*) from agents where name like "
                                              "'unknown%'"),
                     1);
    ask(&s,
        "UPDATE jobs SET metadata_ = '{\"agent_id\": \"' || (SELECT max(id) FROM agents a WHERE "
        "a.organization_id = (SELECT organization_id FROM users u WHERE u.id = jobs.user_id)) || "
        "'\"}' WHERE id = (SELECT min(id) FROM jobs WHERE status = 'running');",
        NULL, 0);
    ask(&s,
        "UPDATE steps SET status = 'SUCCESS', prompt_tokens = 7, completion_tokens = 3, "
        "total_tokens = 10 WHERE status = 'PENDING';"
        "UPDATE jobs SET status = 'completed', completed_at = '2025-06-01 00:00:00' WHERE status = "
        "'running';"
        "UPDATE steps SET model = 'another' WHERE tid = 'tid-9';",
        NULL, 0);
    v1_sqlite_fill(s.path,
                   &(v1_size){.first = STEPS, .steps = 50, .step_us = size.step_us, .seed = 3});
    r = take("since.db", &s);
    assert_true(pending > 10);
    assert_int_equal(r.tables[7].ended, pending);
    assert_int_equal(r.tables[7].made, 50);
    assert_true(r.tables[6].ended > 10);
    assert_int_equal(r.tables[6].ended, running);
    assert_int_equal(
        place_number(
            "since.db",
            "select count(*) from agents_data where coalesce(name, '') not like 'unknown%' and updated_at >= "
            "(select min(time) from journal)"),
        0);
    assert_int_equal(place_number("since.db", "select count(*) from steps where updated_at >= "
                                              "(select min(time) from journal)"),
                     0);
    assert_int_equal(place_number("since.db", "select count(*) from runs where updated_at >= "
                                              "(select min(time) from journal)"),
                     0);
    assert_int_equal(
        place_number("since.db", "select count(*) from steps where status = 'pending'"),
        1); /* of the fifty */
    assert_int_equal(
        place_number("since.db", "select sum(prompt_tokens) from steps where model is "
                                 "not 'another'"),
        number(&s, "SELECT sum(prompt_tokens) FROM steps WHERE model IS NOT 'another'") +
            number(&s, "SELECT sum(prompt_tokens) FROM steps WHERE model = 'another'"));
    place_verify("since.db");
    r = take("since.db", &s);
    assert_int_equal(sum(&r).made + sum(&r).ended + sum(&r).differing, 0);
}

static void test_dry_run(void **state)
{
    source s = make_file("dry.v1");
    sw_ledger *ledger = open_ledger("memory:");
    import_v1_result dry = take_with(NULL, &s, true);
    int64_t before = entries(ledger);
    (void)state;
    assert_int_equal(sum(&dry).made, sum(&dry).rows);
    dry = take_with(ledger, &s, true);
    assert_int_equal(entries(ledger), before);
    assert_int_equal(sum(&dry).made + sum(&dry).there, sum(&dry).rows);
    (void)take_with(ledger, &s, false);
    dry = take_with(ledger, &s, true);
    /* What was under way is looked at again. */
    assert_int_equal(sum(&dry).made,
                     number(&s,
                            "SELECT (SELECT count(*) FROM steps WHERE status = 'PENDING') + "
                            "(SELECT count(*) FROM jobs WHERE status IN ('pending', 'running'))"));
    assert_int_equal(sum(&dry).there + sum(&dry).made, sum(&dry).rows);
    sw_ledger_close(&ledger);
}

/* ---- kill -9 ----------------------------------------------------------------------------------------------- */

/* Ends the process with the allocation that makes it zero. */
static int64_t until_death;

static void *dying_resize(void *data, void *ptr, size_t bytes)
{
    (void)data;
    if (bytes > 0 && until_death > 0 &&
        __atomic_sub_fetch(&until_death, 1, __ATOMIC_RELAXED) == 0) {
        (void)kill(getpid(), SIGKILL);
    }
    return sw__libc_allocator.resize(sw__libc_allocator.data, ptr, bytes);
}

/* True: it came to its end. */
static bool import_or_die(const char *store, const source *s, int64_t allocations)
{
    int is = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sw_allocator dying = sw__libc_allocator;
        sw_ledger *ledger = NULL;
        import_v1_result r;
        sw_error err;
        dying.resize = dying_resize;
        until_death = allocations;
        const sw_ledger_options how = {
            .store = store, .allocator = &dying, .keep_secret_key = true, .no_reaper = true};
        const import_v1_options options = {.allocator = &dying};
        bool good = sw_ledger_open(&how, &ledger, &err) == SW_STATUS_OK &&
                    import_v1(ledger, &options, s->url, &r, &err) == SW_STATUS_OK;
        sw_ledger_close(&ledger);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &is, 0), child);
    assert_true(WIFSIGNALED(is) ? WTERMSIG(is) == SIGKILL : WEXITSTATUS(is) == 0);
    return WIFEXITED(is);
}

/* Also in which order it was written. */
static char *dump_of(const char *ledger)
{
    source l = file_at(ledger);
    static const char *const parts[] = {
        "SELECT group_concat(organization_id || seq || what || record || record_id, char(10)) FROM "
        "(SELECT * FROM journal ORDER BY organization_id, seq)",
        "SELECT group_concat(id || organization_id || sequence_id || coalesce(run_id, '') || "
        "coalesce(step_id, ''), char(10)) FROM (SELECT * FROM messages ORDER BY id)",
        "SELECT group_concat(id || coalesce(step_id, '') || request_json || response_json, "
        "char(10)) FROM (SELECT * FROM provider_traces ORDER BY id)",
        "SELECT group_concat(hex(id) || name || coalesce(organization_id, '') || is_deleted || "
        "created_at, char(10)) FROM (SELECT * FROM providers_data ORDER BY id)",
        "SELECT group_concat(id || last_run_completion || last_run_duration_ms, char(10)) FROM "
        "(SELECT * FROM agents ORDER BY id)"};
    enum { ROOM = 4 << 20 };
    char *rows = place_dump(ledger);
    char *all = malloc((SW_COUNT(parts) + 1) * ROOM);
    size_t len = 0;
    for (size_t i = 0; i < SW_COUNT(parts); i++) {
        all[len] = '\0';
        ask(&l, parts[i], all + len, ROOM);
        assert_true(strlen(all + len) > 200 && strlen(all + len) < ROOM - 1);
        len += strlen(all + len);
    }
    (void)snprintf(all + len, ROOM, "%s", rows);
    free(rows);
    return all;
}

static void test_kill(void **state)
{
    source s = make_file("kill.v1");
    char undisturbed[600], broken[600];
    int deaths = 0;
    int64_t patience = 900;
    char *expected = NULL, *got = NULL;
    (void)state;
    (void)snprintf(undisturbed, sizeof undisturbed, "%s", store_of("whole.db"));
    (void)snprintf(broken, sizeof broken, "%s", store_of("killed.db"));
    assert_true(import_or_die(undisturbed, &s, 0));
    /* What an import needs to find out where it was grows with what is there, so patience must. */
    while (!import_or_die(broken, &s, patience)) {
        deaths++;
        patience += 97 + patience / 40;
        assert_true(deaths < 2000);
    }
    assert_true(deaths > 10);
    expected = dump_of("whole.db");
    got = dump_of("killed.db");
    place_same(got, expected);
    place_verify("killed.db");
    free(expected);
    free(got);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_ids),
        cmocka_unit_test(test_beside),
        cmocka_unit_test(test_foreign_agent),
        cmocka_unit_test(test_written_to),
        cmocka_unit_test(test_memory_of_refused),
        cmocka_unit_test(test_hidden_rows),
        cmocka_unit_test(test_no_sorting),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_missing_tables),
        cmocka_unit_test(test_no_v1),
        cmocka_unit_test(test_ended_since),
        cmocka_unit_test(test_dry_run),
        cmocka_unit_test(test_kill),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("import/v1-trouble", tests, place_set_up, place_tear_down);
}
