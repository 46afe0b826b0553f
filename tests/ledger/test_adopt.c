/* SPDX-License-Identifier: Apache-2.0 */
/* Adopting databases of Letta V1: what is there stays as it is to the byte, what V1's own tables say is what the ledger
 * says, odd rows are shown properly, and what cannot be adopted is refused untouched.
 */
#include "tests/ledger/adoption.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- every age ---------------------------------------------------------------------------------- */

static void look_only(const char *url, bool again)
{
    const sw_store_options options = {.url = sw_str_from(url), .read_only = true};
    sw_adoption *adoption = NULL;
    sw_adopt_found found;
    sw_error err = {0};
    if (sw_adopt_open(&options, &adoption, &found, &err) != SW_STATUS_OK) {
        fail_msg("look: %s", err.message);
    }
    assert_true(found.age && found.age[0]);
    assert_int_equal(found.again, again);
    assert_int_equal(found.done, again);
    assert_true(again ? found.tables + found.columns + found.indexes + found.loosened == 0
                      : found.tables > 10 && found.columns > 10 && found.indexes > 20);
    sw_adopt_close(&adoption);
}

static void check_age(v1_age age)
{
    char url[700], schema[64], schema_after[64];
    new_v1(url, sizeof url, age);
    v1_keep(url, age);
    schema_digest(url, schema);
    look_only(url, false);
    schema_digest(url, schema_after);
    assert_string_equal(schema, schema_after);
    const sw_resum_end sums = adopt(url);
    assert_int_equal(sums.steps, v1_count(url, age, NULL).steps - 2); /* two belong to nobody */
    assert_int_equal(v1_lost(url, age), 0);
    check_all(url, age);
    look_only(url, true);
    assert_int_equal(adopt(url).moved, 0);
    assert_int_equal(v1_lost(url, age), 0);
}

static void test_runs(void **state)
{
    (void)state;
    /* Totals that runs lack are added, and with them a table. */
    char url[700];
    new_v1(url, sizeof url, V1_RUNS);
    (void)adopt(url);
    check_all(url, V1_RUNS);
    assert_int_equal(number(url, "SELECT count(*) FROM run_metrics"), STEPS / 5);
}

static void test_seed(void **state)
{
    (void)state;
    check_age(V1_SEED);
}

static void test_final(void **state)
{
    (void)state;
    check_age(V1_FINAL);
}

static void test_head(void **state)
{
    (void)state;
    check_age(V1_HEAD);
}

/* ---- what is refused ---------------------------------------------------------------------------- */

static void refused(const char *url, const char *word)
{
    sw_error err = {0};
    sw_resum_end sums;
    char before[64], after[64];
    schema_digest(url, before);
    assert_int_equal(adopt_with(url, 1500, &sums, &err), SW_STATUS_INVALID);
    if (!strstr(err.message, word)) {
        fail_msg("%s", err.message);
    }
    schema_digest(url, after);
    assert_string_equal(before, after);
}

static void test_too_old(void **state)
{
    char url[700];
    (void)state;
    new_v1(url, sizeof url, V1_JOBS);
    refused(url, "stepwell import");
    pg_new_url(url, sizeof url);
    refused(url, "no table steps");
    pg_sql(url, "CREATE TABLE job_usage_statistics (id varchar)", NULL, 0);
    refused(url, "stepwell import");
    new_v1(url, sizeof url, V1_HEAD);
    pg_sql(url,
           "CREATE TYPE stopreasontype AS ENUM ('end_turn'); ALTER TABLE steps ALTER COLUMN "
           "stop_reason TYPE stopreasontype USING NULL",
           NULL, 0);
    refused(url, "steps.stop_reason");
    pg_blank_url(url, sizeof url);
    refused(url, "already");
    pg_drop_url(url);
}

static void test_opened_before(void **state)
{
    char url[700];
    sw_ledger *ledger = NULL;
    sw_error err = {0};
    (void)state;
    new_v1(url, sizeof url, V1_HEAD);
    const sw_ledger_options options = {.store = url};
    assert_int_equal(sw_ledger_open(&options, &ledger, &err), SW_STATUS_INVALID);
    assert_non_null(strstr(err.message, "stepwell adopt"));
}

/* ---- served meanwhile --------------------------------------------------------------------------- */

/* V1's pending steps hold no lease: a year later nobody has ended them, while one of ours has been. */
static int64_t wall;

static int64_t test_clock(void *data)
{
    (void)data;
    return wall;
}

static void test_pending(void **state)
{
    char url[700], id[64];
    const sw_clock clock = {test_clock, test_clock, NULL};
    sw_ledger *ledger = NULL;
    sw_error err = {0};
    int64_t ended = 0;
    (void)state;
    new_v1(url, sizeof url, V1_HEAD);
    (void)adopt(url);
    v1_id(url, &first_size, "org", 0, id);
    wall = INT64_C(1790000000000000);
    const sw_ledger_options options = {.store = url, .no_reaper = true};
    assert_int_equal(sw__ledger_open_with(&options, &clock, NULL, &ledger, &err), SW_STATUS_OK);
    sw_step_entry entry = {.step = {.agent_id = SW_STR("an-agent"), .lease_expires_at = {0}}};
    const sw_actor actor = {.organization_id = sw_str_from(id)};
    sw_outcome outcome;
    assert_int_equal(sw_step_log(ledger, &actor, &entry, 1, false, &outcome, &err), SW_STATUS_OK);
    wall += INT64_C(365) * 86400 * 1000000;
    assert_int_equal(sw__ledger_reap(ledger, &ended, &err), SW_STATUS_OK);
    assert_int_equal(ended, 1);
    assert_int_equal(count_status(ledger, id, SW_STEP_STATUS_PENDING),
                     v1_count(url, V1_HEAD, id).pending);
    assert_true(v1_count(url, V1_HEAD, id).pending > 0);
    sw_ledger_close(&ledger);
}

/* ---- what is odd -------------------------------------------------------------------------------- */

typedef struct odd {
    int64_t without_tags, with_tags, unknown_reason, adopted, unknown, reported, inconsistent;
    int64_t bad_feedback, null_error, other_ids;
} odd;

static bool see_odd(void *arg, const void *row)
{
    odd *o = arg;
    const sw_step *s = row;
    assert_non_null(s->tags.ptr);
    assert_null(memchr(s->tags.ptr, ' ', s->tags.len));
    o->without_tags += sw_str_eq(s->tags, SW_STR("[]"));
    o->with_tags += sw_str_eq(s->tags, SW_STR("[\"red\",\"blue\"]"));
    o->unknown_reason += sw_str_eq(s->stop_reason, SW_STR("quantum_flux"));
    o->adopted += s->source.value == SW_SOURCE_ADOPTED;
    o->unknown += s->usage_state.value == SW_USAGE_STATE_UNKNOWN;
    o->reported += s->usage_state.value == SW_USAGE_STATE_REPORTED;
    o->inconsistent += s->usage_state.value == SW_USAGE_STATE_INCONSISTENT;
    o->null_error += !s->error_data.ptr;
    o->other_ids += s->id.len > 10 && memcmp(s->id.ptr, "step-other", 10) == 0;
    assert_true(!s->error_data.ptr || s->error_data.ptr[0] == '{');
    assert_false(s->lease_expires_at.known);
    return true;
}

static bool see_message(void *arg, const void *row)
{
    const sw_message *m = row;
    assert_true(m->tool_calls.ptr && m->tool_calls.ptr[0] == '[');
    assert_true(!m->content.ptr || m->content.ptr[0] == '[');
    assert_true(!m->tool_returns.ptr || m->tool_returns.ptr[0] == '[');
    *(int64_t *)arg += m->text.ptr != NULL;
    return true;
}

static bool see_run(void *arg, const void *row)
{
    const sw_run *r = row;
    int64_t *expired = arg;
    assert_true(!r->metadata.ptr || r->metadata.ptr[0] == '{');
    assert_true(r->status.known);
    *expired += r->status.value == SW_RUN_STATUS_FAILED;
    return true;
}

static void test_oddities(void **state)
{
    char url[700], id[64], sql[400];
    odd o = {0};
    int64_t texts = 0, failed_runs = 0;
    (void)state;
    new_v1(url, sizeof url, V1_HEAD);
    (void)adopt(url);
    v1_id(url, &first_size, "org", 2, id);
    sw_ledger *ledger = open_ledger(url);
    (void)list_all(ledger, id, SW_RECORD_STEP, NULL, 0, see_odd, &o);
    (void)list_all(ledger, id, SW_RECORD_MESSAGE, NULL, 0, see_message, &texts);
    (void)list_all(ledger, id, SW_RECORD_RUN, NULL, 0, see_run, &failed_runs);
    const v1_totals v1 = v1_count(url, V1_HEAD, id);
#define EXPECT(NUMBER, TABLE, CONDITION)                                                           \
    snprintf(sql, sizeof sql,                                                                      \
             "SELECT count(*) FROM " TABLE " WHERE organization_id = '%s' AND %s", id, CONDITION); \
    assert_int_equal(NUMBER, number(url, sql))
    EXPECT(o.without_tags, "steps", "(tags IS NULL OR tags::text IN ('null', '[]'))");
    EXPECT(o.with_tags, "steps", "tags::text LIKE '%blue%'");
    EXPECT(o.unknown_reason, "steps", "stop_reason = 'quantum_flux'");
    EXPECT(o.null_error, "steps", "(error_data IS NULL OR error_data::text = 'null')");
    EXPECT(o.inconsistent, "steps", "total_tokens <> prompt_tokens + completion_tokens");
    EXPECT(o.unknown, "steps", "total_tokens = 0");
    EXPECT(texts, "messages", "text IS NOT NULL");
    EXPECT(failed_runs, "runs", "status IN ('failed', 'expired')");
    assert_int_equal(o.adopted, v1.steps);
    assert_true(o.other_ids > 0 && o.unknown > 0 && o.inconsistent > 0 && o.reported > 0);
    sw_ledger_close(&ledger);
}

/* Nobody's steps are nobody's, and timings without an owner are their step's owner's. */
static void test_borders(void **state)
{
    char url[700], id[64], sql[300], found[64];
    sw_error err = {0};
    sw_step step;
    sw_step_metrics metrics;
    (void)state;
    new_v1(url, sizeof url, V1_HEAD);
    (void)adopt(url);
    sw_ledger *ledger = open_ledger(url);
    sw_memory *memory = sw_memory_new(NULL);
    v1_id(url, &first_size, "org", 0, id);
    const sw_actor actor = {.organization_id = sw_str_from(id)};
    ask(url, "SELECT id FROM steps WHERE organization_id IS NULL LIMIT 1", found, sizeof found);
    assert_int_equal(
        sw_get(ledger, &actor, SW_RECORD_STEP, sw_str_from(found), memory, &step, &err),
        SW_STATUS_NOT_FOUND);
    snprintf(sql, sizeof sql,
             "SELECT m.id FROM step_metrics AS m JOIN steps AS s ON s.id = m.id WHERE "
             "m.organization_id IS NULL AND s.organization_id <> '%s' LIMIT 1",
             id);
    ask(url, sql, found, sizeof found);
    assert_true(found[0]);
    assert_int_equal(
        sw_get(ledger, &actor, SW_RECORD_STEP_METRICS, sw_str_from(found), memory, &metrics, &err),
        SW_STATUS_NOT_FOUND);
    snprintf(sql, sizeof sql,
             "SELECT m.id FROM step_metrics AS m JOIN steps AS s ON s.id = m.id WHERE "
             "m.organization_id IS NULL AND s.organization_id = '%s' LIMIT 1",
             id);
    ask(url, sql, found, sizeof found);
    assert_int_equal(
        sw_get(ledger, &actor, SW_RECORD_STEP_METRICS, sw_str_from(found), memory, &metrics, &err),
        SW_STATUS_OK);
    sw_memory_free(&memory);
    sw_ledger_close(&ledger);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),    cmocka_unit_test(test_final),
        cmocka_unit_test(test_seed),    cmocka_unit_test(test_runs),
        cmocka_unit_test(test_too_old), cmocka_unit_test(test_opened_before),
        cmocka_unit_test(test_pending), cmocka_unit_test(test_oddities),
        cmocka_unit_test(test_borders),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    int skipped = skip_without();
    return skipped ? skipped : cmocka_run_group_tests_name("ledger/adopt", tests, NULL, NULL);
}
