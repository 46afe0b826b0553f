/* SPDX-License-Identifier: Apache-2.0 */
/* V1's oddities, each counted in V1's tables and in the ledger's. */
#include <stdio.h>

#include "tests/import/v1_source.h"

/* ---- oddities ------------------------------------------------------------------------------------------ */

/* Counts in V1's tables, and in the ledger's; what a count is about stands beside. */
static const struct {
    const char *what;
    const char *v1;
    const char *ours;
    v1_age from;
} same[] = {
    {"tags that are null, or JSON's null, are none",
     "SELECT count(*) FROM steps WHERE tags IS NULL OR CAST(tags AS varchar) IN ('null', '[]')",
     "select count(*) from steps where tags = '[]'", V1_JOBS},
    {"tags", "SELECT count(*) FROM steps WHERE CAST(tags AS varchar) LIKE '%blue%'",
     "select count(*) from steps where tags = '[\"red\",\"blue\"]'", V1_JOBS},
    {"errors that are JSON's null are none",
     "SELECT count(*) FROM steps WHERE CAST(error_data AS varchar) LIKE '{%'",
     "select count(*) from steps where error_data is not null", V1_JOBS},
    {"unknown stop reasons stay", "SELECT count(*) FROM steps WHERE stop_reason = 'quantum_flux'",
     "select count(*) from steps where stop_reason = 'quantum_flux'", V1_JOBS},
    {"steps of runs with ids of jobs",
     "SELECT count(*) FROM steps s, (SELECT 1) AS one WHERE s.%s LIKE 'job-%%'",
     "select count(*) from steps where run_id like 'job-%'", V1_JOBS},
    {"steps in runs", "SELECT count(*) FROM steps WHERE %s IS NOT NULL",
     "select count(*) from steps where run_id is not null", V1_JOBS},
    {"soft-deleted steps", "SELECT count(*) FROM steps WHERE is_deleted",
     "select count(*) from steps_data where is_deleted", V1_JOBS},
    {"soft-deleted messages", "SELECT count(*) FROM messages WHERE is_deleted",
     "select count(*) from messages_data where is_deleted", V1_JOBS},
    {"soft-deleted providers", "SELECT count(*) FROM providers WHERE is_deleted",
     "select count(*) from providers_data where is_deleted", V1_JOBS},
    {"ids of no known form", "SELECT count(*) FROM steps WHERE id LIKE 'step-other-route-%'",
     "select count(*) from steps where id like 'step-other-route-%'", V1_JOBS},
    {"totals that do not add up",
     "SELECT count(*) FROM steps WHERE total_tokens <> prompt_tokens + completion_tokens",
     "select count(*) from steps where usage_state = 'inconsistent'", V1_JOBS},
    {"nothing reported is no zero", "SELECT count(*) FROM steps WHERE total_tokens = 0",
     "select count(*) from steps where usage_state = 'unknown'", V1_JOBS},
    {"traces of steps that are gone",
     "SELECT count(*) FROM provider_traces WHERE step_id NOT IN (SELECT id FROM steps)",
     "select count(*) from provider_traces where step_id not in (select id from steps)", V1_JOBS},
    {"traces without an answer",
     "SELECT count(*) FROM provider_traces WHERE CAST(response_json AS varchar) = 'null'",
     "select count(*) from provider_traces where response_json = '{}'", V1_JOBS},
    {"messages of no step", "SELECT count(*) FROM messages WHERE step_id IS NULL",
     "select count(*) from messages where step_id is null", V1_JOBS},
    {"messages in runs", "SELECT count(*) FROM messages WHERE run_id IS NOT NULL",
     "select count(*) from messages where run_id is not null", V1_RUNS},
    {"old texts", "SELECT count(*) FROM messages WHERE text LIKE 'legacy text %'",
     "select count(*) from messages where text like 'legacy text %'", V1_JOBS},
    {"conversations of messages", "SELECT count(*) FROM messages WHERE conversation_id IS NOT NULL",
     "select count(*) from messages where conversation_id is not null", V1_SEED},
    {"timings, of which only those whose step has an agent V1 could keep",
     "SELECT count(*) FROM step_metrics", "select count(*) from step_metrics", V1_JOBS},
    {"how long steps took", "SELECT sum(step_ns) FROM step_metrics",
     "select sum(step_ns) from step_metrics", V1_JOBS},
    {"names of agents", "SELECT count(*) FROM agents WHERE name IS NOT NULL",
     "select count(*) from agents where name is not null", V1_JOBS},
    {"durations of runs, also those that only their metrics tell",
     "SELECT count(*) FROM runs r LEFT JOIN run_metrics m ON m.id = r.id WHERE "
     "r.total_duration_ns IS NULL AND m.run_ns IS NOT NULL AND r.status <> 'cancelled'",
     "select count(*) from runs where total_duration_ns between 4500000000 and 5500000000 and "
     "status <> 'cancelled' and ttft_ns is null and total_duration_ns <> 4500000000",
     V1_SEED},
    {"runs that failed, also those that V1 called expired",
     "SELECT count(*) FROM runs WHERE status IN ('failed', 'expired')",
     "select count(*) from runs where status = 'failed'", V1_RUNS},
};

static void check_oddities(const source *s, const char *ledger)
{
    for (size_t i = 0; i < SW_COUNT(same); i++) {
        char sql[600];
        int64_t v1 = 0, ours = 0;
        if (same[i].from > s->age) {
            continue;
        }
        /* The one name that changed. */
        const char *mark = strstr(same[i].v1, "%s");
        (void)snprintf(sql, sizeof sql, "%.*s%s%s", (int)(mark ? mark - same[i].v1 : 0), same[i].v1,
                       mark ? s->age == V1_JOBS ? "job_id" : "run_id" : same[i].v1,
                       mark ? mark + 2 : "");
        for (char *twice = strstr(sql, "%%"); mark && twice; twice = strstr(twice + 1, "%%")) {
            memmove(twice, twice + 1, strlen(twice));
        }
        v1 = number(s, sql);
        ours = place_number(ledger, same[i].ours);
        if (v1 != ours || v1 == 0) {
            fail_msg("%s: %lld in V1 (age %d), %lld here", same[i].what, (long long)v1, (int)s->age,
                     (long long)ours);
        }
    }
}

/* The order of messages is that of V1's numbers, within an organization. */
static void check_order(const source *s, const char *ledger)
{
    static char v1[80000], ours[80000];
    char org[64], sql[400];
    id_of(s, "org", 1, org);
    (void)snprintf(sql, sizeof sql,
                   s->file ? "SELECT group_concat(id) FROM (SELECT id FROM messages WHERE "
                             "organization_id = '%s' ORDER BY sequence_id)"
                           : "SELECT string_agg(id, ',' ORDER BY sequence_id) FROM messages WHERE "
                             "organization_id = '%s'",
                   org);
    ask(s, sql, v1, sizeof v1);
    source l = file_at(ledger);
    (void)snprintf(sql, sizeof sql,
                   "SELECT group_concat(id) FROM (SELECT id FROM messages WHERE organization_id = "
                   "'%s' ORDER BY sequence_id)",
                   org);
    ask(&l, sql, ours, sizeof ours);
    assert_string_equal(ours, v1);
    assert_true(strlen(v1) > 1000);
}

static void check_times(const source *s, const char *ledger)
{
    char v1[64] = "", ours[64] = "";
    source l = file_at(ledger);
    int64_t us = 0;
    ask(s,
        s->file ? "SELECT max(completed_at) FROM jobs"
        : s->age == V1_JOBS
            ? "SELECT to_char(max(completed_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
              " FROM jobs"
            : "SELECT to_char(max(completed_at), 'YYYY-MM-DD HH24:MI:SS.US') FROM runs",
        v1, sizeof v1);
    ask(&l, "SELECT max(completed_at) FROM runs", ours, sizeof ours);
    if (!sw_time_parse(sw_str_from(v1), &us) || us != strtoll(ours, NULL, 10)) {
        fail_msg("%s in V1, %s here", v1, ours);
    }
}

static void check_one(const source *s, const char *ledger)
{
    (void)take(ledger, s);
    check_oddities(s, ledger);
    check_order(s, ledger);
    check_times(s, ledger);
    assert_int_equal(place_number(ledger, "select count(*) from steps where source <> 'adopted'"),
                     0);
    assert_int_equal(place_number(ledger,
                                  "select count(*) from steps where lease_expires_at is not "
                                  "null"),
                     0);
    assert_told("feedback left out: is none of the known words");
    assert_int_equal(
        place_number(ledger, "select count(*) from organizations where created_at = 0"),
        number(s, "SELECT count(*) FROM organizations WHERE created_at IS NULL AND "
                  "updated_at IS NULL"));
}

static void test_oddities(void **state)
{
    source s = make_file("odd.v1");
    (void)state;
    check_one(&s, "odd.db");
    if (no_server()) {
        skip();
    }
    for (int age = V1_JOBS; age <= V1_HEAD; age++) {
        char name[32];
        source server = make_server((v1_age)age);
        (void)snprintf(name, sizeof name, "odd-%d.db", age);
        check_one(&server, name);
        pg_drop_url(server.url);
    }
}

/* ---- secrets -------------------------------------------------------------------------------------------- */

/* Plain ones are sealed; what V1 encrypted stays so; neither is in any answer, and no plain one in the file. */
static void test_secrets(void **state)
{
    source s;
    sw_str file;
    (void)state;
    if (no_server()) {
        skip();
    }
    s = make_server(V1_HEAD);
    (void)take("secret.db", &s);
    assert_int_equal(trouble.refused, 0);
    assert_int_equal(
        place_number("secret.db",
                     "select count(*) from providers_data where api_key is not null or "
                     "access_key is not null"),
        0);
    assert_int_equal(
        place_number("secret.db", "select count(*) from providers_data where api_key_enc like "
                                  "'sealed:%'"),
        number(&s, "SELECT count(*) FROM providers WHERE coalesce(api_key_enc, '') LIKE 'sk-%' OR "
                   "(coalesce(api_key_enc, '') = '' AND api_key LIKE 'sk-%')"));
    assert_int_equal(
        place_number("secret.db",
                     "select count(*) from providers_data where api_key_enc like 'AAEC%'"),
        number(&s, "SELECT count(*) FROM providers WHERE api_key_enc LIKE 'AAEC%'"));
    assert_true(place_number("secret.db",
                             "select count(*) from providers_data where access_key_enc is "
                             "not null") > 2);
    file = place_read(place_path("secret.db"));
    assert_null(memmem(file.ptr, file.len, "sk-plain", 8));
    assert_null(memmem(file.ptr, file.len, "AKIAPLAIN", 9));
    free((void *)(uintptr_t)file.ptr);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oddities),
        cmocka_unit_test(test_secrets),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("import/v1-oddities", tests, place_set_up, place_tear_down);
}
