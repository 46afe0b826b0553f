/* SPDX-License-Identifier: Apache-2.0 */
/* Adopting a database in use: somebody holds a lock, V1 writes on, the adoption is killed, the ledger goes on by itself. An
 * adoption that is refused, cut off or taken again harms nothing.
 */
#include "tests/ledger/adoption.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- a lock that somebody holds ----------------------------------------------------------------- */

static void test_lock(void **state)
{
    char url[700], before[64], after[64], sql[900];
    sw_resum_end sums;
    sw_error err = {0};
    (void)state;
    new_v1(url, sizeof url, V1_HEAD);
    schema_digest(url, before);
    /* A child reads a table and stays in its transaction until it is told to go. */
    int go[2], ready[2];
    char byte = 0;
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(go[1]);
        snprintf(sql, sizeof sql, "%s", url);
        pg_hold(sql, "SELECT count(*) FROM steps", ready[1], go[0]);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(adopt_with(url, 1500, &sums, &err), SW_STATUS_BUSY);
    assert_non_null(strstr(err.message, "held one of V1's tables"));
    schema_digest(url, after);
    assert_string_equal(before, after);
    close(go[1]);
    close(go[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)adopt(url);
    check_all(url, V1_HEAD);
}

/* ---- taken again -------------------------------------------------------------------------------- */

static void test_again(void **state)
{
    char url[700];
    const v1_size more = {.first = STEPS, .steps = 500, .seed = 3};
    (void)state;
    new_v1(url, sizeof url, V1_HEAD);
    (void)adopt(url);
    check_all(url, V1_HEAD);
    /* V1 goes on: its inserts name none of our columns. A pending step ends, a run is deleted. */
    v1_fill(url, V1_HEAD, &more);
    pg_sql(url,
           "UPDATE steps SET status = 'SUCCESS', prompt_tokens = 7, completion_tokens = 3, "
           "total_tokens = 10 WHERE status = 'PENDING' AND id < 'step-8'; DELETE FROM steps WHERE "
           "id IN (SELECT id FROM steps WHERE status = 'FAILED' LIMIT 5)",
           NULL, 0);
    const sw_resum_end sums = adopt(url);
    assert_true(sums.moved > 0);
    check_all(url, V1_HEAD);
    assert_int_equal(adopt(url).moved, 0);
    assert_int_equal(
        number(url,
               "SELECT count(*) FROM steps WHERE source = 'adopted' AND create_digest IS NULL"),
        v1_count(url, V1_HEAD, NULL).steps);
}

/* ---- cut off ------------------------------------------------------------------------------------ */

/* A child adopts until it is killed somewhere on its way; the next one takes up from there. */
static void kill_after(const char *url, long ms)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl(getenv("STEPWELL_BIN"), "stepwell", "adopt", "--apply", url, "--json", (char *)NULL);
        _exit(127);
    }
    const struct timespec pause = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&pause, NULL); /* where it is then is chance, and is to be */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_killed(void **state)
{
    char url[700];
    (void)state;
    new_v1(url, sizeof url, V1_HEAD);
    v1_keep(url, V1_HEAD);
    for (long ms = 20; ms <= 620; ms += 60) {
        kill_after(url, ms);
        assert_int_equal(v1_lost(url, V1_HEAD), 0);
    }
    /* What is left of a connection may hold the lock for a moment. */
    sw_error err = {0};
    sw_resum_end sums;
    sw_status status = SW_STATUS_BUSY;
    for (int tries = 0; tries < 200 && status == SW_STATUS_BUSY; tries++) {
        status = adopt_with(url, 0, &sums, &err);
        const struct timespec pause = {.tv_nsec = 50000000};
        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(status, SW_STATUS_OK);
    check_all(url, V1_HEAD);
    assert_int_equal(v1_lost(url, V1_HEAD), 0);
    assert_int_equal(number(url, "SELECT count(*) FROM pg_index AS i JOIN pg_class AS c ON c.oid = "
                                 "i.indexrelid WHERE NOT i.indisvalid AND c.relnamespace = "
                                 "current_schema()::text::regnamespace"),
                     0);
}

/* An index that a killed build left, and a database whose sums are not there. */
static void test_half(void **state)
{
    char url[700];
    sw_store_options named = {.busy_ms = 0};
    sw_adoption *adoption = NULL;
    sw_adopt_found found;
    sw_ledger *ledger = NULL;
    sw_error err = {0};
    (void)state;
    new_v1(url, sizeof url, V1_HEAD);
    named.url = sw_str_from(url);
    assert_int_equal(sw_adopt_open(&named, &adoption, &found, &err), SW_STATUS_OK);
    assert_int_equal(sw_adopt_add(adoption, &err), SW_STATUS_OK);
    sw_adopt_close(&adoption);
    const sw_ledger_options opening = {.store = url};
    assert_int_equal(sw_ledger_open(&opening, &ledger, &err), SW_STATUS_BUSY);
    assert_non_null(strstr(err.message, "being adopted"));
    pg_sql(url,
           "CREATE INDEX stepwell_ix_steps_agent ON steps (id); UPDATE pg_index SET indisvalid = "
           "false WHERE indexrelid = 'stepwell_ix_steps_agent'::regclass",
           NULL, 0);
    (void)adopt(url);
    assert_int_equal(number(url, "SELECT count(*) FROM pg_indexes WHERE schemaname = "
                                 "current_schema() AND indexname = 'stepwell_ix_steps_agent' AND "
                                 "indexdef LIKE '%agent_id%'"),
                     1);
    check_all(url, V1_HEAD);
}

/* ---- a life of its own -------------------------------------------------------------------------- */

/* What the ledger does with any database it does with this one: new steps, ends of V1's, messages, timings. */
static void test_goes_on(void **state)
{
    char url[700], id[64], agent[64], run[64], pending[64], sql[300];
    sw_error err = {0};
    sw_outcome outcome;
    (void)state;
    new_v1(url, sizeof url, V1_SEED);
    (void)adopt(url);
    v1_id(url, &first_size, "org", 0, id);
    v1_id(url, &first_size, "agent", 0, agent);
    v1_id(url, &first_size, "run", 0, run);
    sw_ledger *ledger = open_ledger(url);
    const sw_actor actor = {.organization_id = sw_str_from(id)};
    sw_message said[] = {{.role = sw_int_of(SW_MESSAGE_ROLE_USER), .text = SW_STR("hello")}};
    sw_step_metrics took = {.step_ns = sw_int_of(1000000)};
    sw_step_entry entry = {.step = {.agent_id = SW_STR("nobody-registered"),
                                    .run_id = sw_str_from(run),
                                    .status = sw_int_of(SW_STEP_STATUS_SUCCESS),
                                    .prompt_tokens = sw_int_of(5),
                                    .completion_tokens = sw_int_of(6)},
                           .metrics = &took,
                           .messages = said,
                           .message_count = 1};
    if (sw_step_log(ledger, &actor, &entry, 1, false, &outcome, &err) != SW_STATUS_OK) {
        fail_msg("log: %s %s", err.message, outcome.error.message);
    }
    snprintf(sql, sizeof sql,
             "SELECT id FROM steps WHERE status = 'PENDING' AND organization_id = '%s' AND id NOT "
             "LIKE 'step-other%%' LIMIT 1",
             id);
    ask(url, sql, pending, sizeof pending);
    const sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS),
                                        .prompt_tokens = sw_int_of(1),
                                        .completion_tokens = sw_int_of(1)}};
    if (sw_step_end(ledger, &actor, sw_str_from(pending), &end, &outcome, &err) != SW_STATUS_OK) {
        fail_msg("finish: %s", err.message);
    }
    sw_ledger_close(&ledger);
    assert_int_equal(adopt(url).moved, 0);
    check_all(url, V1_SEED);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock), cmocka_unit_test(test_again),   cmocka_unit_test(test_killed),
        cmocka_unit_test(test_half), cmocka_unit_test(test_goes_on),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    int skipped = skip_without();
    return skipped ? skipped : cmocka_run_group_tests_name("ledger/adopt-again", tests, NULL, NULL);
}
