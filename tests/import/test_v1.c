/* SPDX-License-Identifier: Apache-2.0 */
/* Databases of Letta V1 become the ledger's: all that is in them, whatever their age, of SQLite and PostgreSQL, into every
 * store. What to expect is asked of V1's own tables in SQL.
 */
#include <stdio.h>

#include "tests/import/v1_source.h"

/* ---- the same totals ---------------------------------------------------------------------------------- */

typedef struct lines {
    char at[400][160];
    size_t count;
} lines;

static bool add_group(void *arg, const sw_usage_group *group)
{
    lines *l = arg;
    assert_true(l->count < SW_COUNT(l->at));
    (void)snprintf(l->at[l->count++], sizeof l->at[0], "%.*s|%.*s|%lld|%lld|%lld|%lld",
                   (int)group->keys[0].len, group->keys[0].ptr ? group->keys[0].ptr : "",
                   (int)group->keys[1].len, group->keys[1].ptr ? group->keys[1].ptr : "",
                   (long long)group->totals.num_steps, (long long)group->totals.prompt_tokens,
                   (long long)group->totals.completion_tokens,
                   (long long)group->totals.total_tokens);
    return true;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Usage by day and by model is what SQL adds up of V1's steps. */
static void check_usage(const source *s, sw_ledger *ledger)
{
    static lines got;
    static char expected[40000];
    char said[40000] = "";
    size_t len = 0;
    const sw_actor everybody = {.everywhere = true};
    const sw_usage_query query = {.by = {SW_DIMENSION_DAY, SW_DIMENSION_MODEL}, .by_count = 2};
    sw_usage_end end;
    sw_error err;
    got.count = 0;
    assert_int_equal(sw_usage(ledger, &everybody, &query, add_group, &got, &end, &err),
                     SW_STATUS_OK);
    qsort(got.at, got.count, sizeof got.at[0], compare_lines);
    for (size_t i = 0; i < got.count; i++) {
        len += (size_t)snprintf(said + len, sizeof said - len, "%s%s", i ? "\n" : "", got.at[i]);
    }
    ask(s,
        s->file
            ? "SELECT group_concat(l, char(10)) FROM (SELECT substr(created_at, 1, 10) || '|' || "
              "coalesce(model, '') || '|' || count(*) || '|' || sum(prompt_tokens) || '|' || "
              "sum(completion_tokens) || '|' || sum(total_tokens) AS l FROM steps GROUP BY "
              "substr(created_at, 1, 10), model ORDER BY l)"
            : "SELECT string_agg(l, E'\\n' ORDER BY l COLLATE \"C\") FROM (SELECT "
              "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') || '|' || coalesce(model, "
              "'') || '|' || count(*) || '|' || sum(prompt_tokens) || '|' || "
              "sum(completion_tokens) || '|' || sum(total_tokens) AS l FROM steps GROUP BY "
              "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), model) AS g",
        expected, sizeof expected);
    assert_true(got.count > 20);
    assert_string_equal(said, expected);
}

static sw_totals total_of(sw_ledger *ledger, const sw_actor *actor, int64_t status);

static bool keep_totals(void *arg, const sw_usage_group *group)
{
    *(sw_totals *)arg = group->totals;
    return true;
}

/* Of a status, or of all when it is negative. */
static sw_totals total_of(sw_ledger *ledger, const sw_actor *actor, int64_t status)
{
    sw_value value = {.number = status};
    const sw_condition is = {SW_STEP_STATUS, SW_OP_EQ, &value, 1};
    const sw_usage_query query = {.conditions = &is, .condition_count = status >= 0};
    sw_totals totals = {.num_steps = 0};
    sw_usage_end end;
    sw_error err;
    assert_int_equal(sw_usage(ledger, actor, &query, keep_totals, &totals, &end, &err),
                     SW_STATUS_OK);
    return totals;
}

static int64_t count_of(sw_ledger *ledger, const char *organization, sw_record_id record)
{
    const sw_actor actor = {.organization_id = sw_str_from(organization)};
    const sw_list_query all = {.look_limit = -1};
    sw_list_end end;
    sw_error err = {.status = SW_STATUS_OK};
    int64_t n = 0;
    if (sw_count(ledger, &actor, record, &all, &n, &end, &err) != SW_STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return n;
}

static void check_totals(const source *s, sw_ledger *ledger)
{
    const sw_actor everybody = {.everywhere = true};
    v1_totals t = totals_of(s, NULL);
    sw_totals all = total_of(ledger, &everybody, -1);
    sw_ledger_info info;
    int64_t messages = 0, traces = 0;
    char org[64];
    assert_int_equal(all.num_steps, t.steps);
    assert_int_equal(all.prompt_tokens, t.prompt_tokens);
    assert_int_equal(all.completion_tokens, t.completion_tokens);
    assert_int_equal(all.total_tokens, t.total_tokens);
    assert_int_equal(all.cached_input_tokens, t.cached_input_tokens);
    assert_int_equal(all.cache_write_tokens, t.cache_write_tokens);
    assert_int_equal(all.reasoning_tokens, t.reasoning_tokens);
    assert_int_equal(total_of(ledger, &everybody, SW_STEP_STATUS_PENDING).num_steps, t.pending);
    assert_int_equal(total_of(ledger, &everybody, SW_STEP_STATUS_FAILED).num_steps, t.failed);
    assert_int_equal(total_of(ledger, &everybody, SW_STEP_STATUS_CANCELLED).num_steps, t.cancelled);
    assert_int_equal(total_of(ledger, &everybody, SW_STEP_STATUS_SUCCESS).num_steps,
                     t.success + t.none);
    assert_int_equal(sw_ledger_info_get(ledger, &info, NULL), SW_STATUS_OK);
    assert_int_equal(info.runs, t.runs);
    for (int i = 0; i < V1_ORGANIZATIONS; i++) {
        id_of(s, "org", i, org);
        v1_totals own = totals_of(s, org);
        messages += count_of(ledger, org, SW_RECORD_MESSAGE);
        traces += count_of(ledger, org, SW_RECORD_PROVIDER_TRACE);
        assert_int_equal(count_of(ledger, org, SW_RECORD_MESSAGE), own.messages);
        assert_int_equal(count_of(ledger, org, SW_RECORD_PROVIDER_TRACE), own.traces);
    }
    assert_int_equal(messages, t.messages);
    assert_int_equal(traces, t.traces);
}

/* The one step that says no organization has its run's. */
static void check_organizations(const source *s, sw_ledger *ledger)
{
    int64_t more = 0;
    char org[64];
    for (int i = 0; i < V1_ORGANIZATIONS; i++) {
        id_of(s, "org", i, org);
        const sw_actor actor = {.organization_id = sw_str_from(org)};
        v1_totals own = totals_of(s, org);
        sw_totals got = total_of(ledger, &actor, -1);
        assert_in_range(got.num_steps, own.steps, own.steps + 1);
        more += got.num_steps - own.steps;
        assert_true(own.steps > 100);
    }
    assert_int_equal(more, number(s, "SELECT count(*) FROM steps WHERE organization_id IS NULL"));
}

static void print_difference(void *arg, const sw_difference *d)
{
    (void)arg;
    print_message("%s: %s: %s\n", d->kind, d->where, d->what);
}

static void check_all(const source *s, sw_ledger *ledger)
{
    const sw_verify_options verify = {.difference = print_difference};
    sw_verify_end end;
    sw_error err = {.status = SW_STATUS_OK};
    check_totals(s, ledger);
    check_usage(s, ledger);
    check_organizations(s, ledger);
    if (sw_verify(ledger, &verify, &end, &err) != SW_STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(end.steps, STEPS);
}

/* All of it once, and nothing of it a second time. */
static void check_source(const source *s, const char *store)
{
    sw_ledger *ledger = open_ledger(store);
    import_v1_result first = take_with(ledger, s, false);
    import_v1_count all = sum(&first);
    int64_t journal = 0, pending = number(s, "SELECT count(*) FROM steps WHERE CAST(status AS "
                                             "varchar) = 'PENDING'");
    if (trouble.refused > 0) {
        fail_msg("%s", trouble.text);
    }
    assert_int_equal(all.refused + all.differing + all.ended, 0);
    assert_int_equal(all.made + all.there, all.rows);
    assert_int_equal(all.there, 2); /* the default organization and its user */
    check_all(s, ledger);
    journal = entries(ledger);
    import_v1_result second = take_with(ledger, s, false);
    all = sum(&second);
    assert_int_equal(all.made + all.ended + all.refused + all.differing, 0);
    assert_int_equal(all.there, all.rows);
    assert_int_equal(entries(ledger), journal);
    assert_true(pending > 0);
    check_totals(s, ledger);
    sw_ledger_close(&ledger);
}

static void test_file(void **state)
{
    source s = make_file("v1.db");
    (void)state;
    check_source(&s, store_of("file.db"));
    check_source(&s, "memory:");
    place_verify("file.db");
}

static void test_server(void **state)
{
    char to[720], before[33], after[33];
    (void)state;
    if (no_server()) {
        skip();
    }
    for (int age = V1_JOBS; age <= V1_HEAD; age++) {
        char name[32];
        source s = make_server((v1_age)age);
        v1_digest(s.url, s.age, before);
        (void)snprintf(name, sizeof name, "server-%d.db", age);
        check_source(&s, store_of(name));
        v1_digest(s.url, s.age, after);
        assert_string_equal(after, before);
        if (age == V1_HEAD) {
            pg_new_url(to, sizeof to);
            check_source(&s, to);
        }
        pg_drop_url(s.url);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_server),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("import/v1", tests, place_set_up, place_tear_down);
}
