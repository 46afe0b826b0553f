/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' own databases of V1 hold what they say: each oddity is there, and the totals add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/pg.h"
#include "tests/lib/v1.h"

enum { STEPS = 2000 };

/* What every database must find: SQL that both understand, and the number. */
static const struct {
    const char *sql;
    int64_t least;
} oddities[] = {
    {"SELECT count(*) FROM steps WHERE CAST(tags AS varchar) = 'null'", STEPS / 7},
    {"SELECT count(*) FROM steps WHERE tags IS NULL", STEPS / 7},
    {"SELECT count(*) FROM steps WHERE stop_reason = 'quantum_flux'", 50},
    {"SELECT count(*) FROM steps WHERE CAST(status AS varchar) = 'PENDING'", STEPS / 50},
    {"SELECT count(*) FROM steps WHERE status IS NULL", STEPS / 50},
    {"SELECT count(*) FROM steps WHERE organization_id IS NULL", 1},
    {"SELECT count(*) FROM steps WHERE id LIKE 'step-other-%'", 1},
    {"SELECT count(*) FROM (SELECT created_at FROM steps GROUP BY created_at HAVING count(*) > 1)"
     " AS t",
     STEPS / 2},
    {"SELECT count(*) FROM steps WHERE is_deleted", 19},
    {"SELECT count(*) FROM steps WHERE feedback = 'meh'", 54},
    {"SELECT count(*) FROM organizations WHERE created_at IS NULL", 1},
    {"SELECT count(*) FROM steps WHERE total_tokens <> prompt_tokens + completion_tokens", 15},
    {"SELECT count(*) FROM (SELECT step_id FROM provider_traces GROUP BY step_id HAVING count(*) >"
     " 1) AS t",
     STEPS / 11},
    {"SELECT count(*) FROM providers WHERE api_key LIKE 'sk-plain-%'", 3},
    {"SELECT count(*) FROM messages WHERE CAST(tool_calls AS varchar) = 'null'", STEPS / 21},
};

static void check_totals(v1_totals all, const v1_totals *parts)
{
    assert_int_equal(all.steps, STEPS);
    assert_int_equal(all.steps, all.pending + all.success + all.failed + all.cancelled + all.none);
    assert_int_equal(all.messages, 2 * STEPS);
    assert_int_equal(all.runs, STEPS / 5);
    assert_int_equal(all.traces, STEPS / 5);
    assert_true(all.metrics > STEPS / 2 && all.step_ns > 0 && all.prompt_tokens > 0);
    assert_int_equal(all.traces, parts[0].traces + parts[1].traces + parts[2].traces);
    assert_int_equal(all.steps - 1, parts[0].steps + parts[1].steps + parts[2].steps);
}

static void test_sqlite(void **state)
{
    char path[] = "/tmp/stepwell-v1-XXXXXX", id[64];
    v1_totals parts[V1_ORGANIZATIONS];
    const v1_size size = {.steps = STEPS, .seed = 7};
    (void)state;
    assert_true(close(mkstemp(path)) == 0);
    v1_sqlite_make(path);
    v1_sqlite_fill(path, &size);
    for (int i = 0; i < V1_ORGANIZATIONS; i++) {
        v1_sqlite_id(&size, "org", i, id);
        parts[i] = v1_sqlite_count(path, id);
    }
    check_totals(v1_sqlite_count(path, NULL), parts);
    v1_sqlite_fill(path, &(v1_size){.first = STEPS, .steps = 100, .seed = 7});
    assert_int_equal(v1_sqlite_count(path, NULL).steps, STEPS + 100);
    assert_int_equal(unlink(path), 0);
}

static void look_for_oddities(const char *url)
{
    char answer[32];
    for (size_t i = 0; i < sizeof oddities / sizeof oddities[0]; i++) {
        pg_sql(url, oddities[i].sql, answer, sizeof answer);
        if (strtoll(answer, NULL, 10) < oddities[i].least) {
            fail_msg("%s: %s", oddities[i].sql, answer);
        }
    }
}

static void check_age(v1_age age)
{
    char url[700], id[64], before[33], after[33];
    v1_totals parts[V1_ORGANIZATIONS];
    const v1_size size = {.steps = STEPS, .seed = 7};
    pg_new_url(url, sizeof url);
    v1_make(url, age);
    v1_fill(url, age, &size);
    for (int i = 0; i < V1_ORGANIZATIONS; i++) {
        v1_id(url, &size, "org", i, id);
        parts[i] = v1_count(url, age, id);
    }
    if (age != V1_JOBS) {
        check_totals(v1_count(url, age, NULL), parts);
    }
    look_for_oddities(url);
    v1_digest(url, age, before);
    pg_sql(url, "UPDATE steps SET tags = '[ ]' WHERE tid = 'tid-9'", NULL, 0);
    v1_digest(url, age, after);
    assert_string_not_equal(before, after);
}

static void test_postgres(void **state)
{
    const char *missing = pg_missing();
    (void)state;
    if (missing) {
        print_message("skipped: %s\n", missing);
        skip();
    }
    for (int age = V1_JOBS; age <= V1_HEAD; age++) {
        check_age((v1_age)age);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sqlite),
        cmocka_unit_test(test_postgres),
    };
    return cmocka_run_group_tests_name("unit/v1", tests, NULL, NULL);
}
