/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of adopting share; see adoption.h. */
#include "tests/ledger/adoption.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const v1_size first_size = {.steps = STEPS, .seed = 3};

/* ---- adopting ----------------------------------------------------------------------------------- */

void new_v1(char *url, size_t size, v1_age age)
{
    pg_new_url(url, size);
    v1_make(url, age);
    v1_fill(url, age, &first_size);
}

sw_status adopt_with(const char *url, int64_t busy_ms, sw_resum_end *sums, sw_error *err)
{
    const sw_store_options options = {.url = sw_str_from(url), .busy_ms = busy_ms};
    const sw_ledger_options opening = {.store = url, .no_reaper = true, .adopting = true};
    sw_adoption *adoption = NULL;
    sw_adopt_found found;
    sw_ledger *ledger = NULL;
    sw_status status = sw_adopt_open(&options, &adoption, &found, err);
    if (status == SW_STATUS_OK) {
        status = sw_adopt_add(adoption, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_adopt_index(adoption, NULL, NULL, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_ledger_open(&opening, &ledger, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_resum(ledger, NULL, NULL, sums, err);
    }
    sw_ledger_close(&ledger);
    if (status == SW_STATUS_OK) {
        status = sw_adopt_end(adoption, err);
    }
    sw_adopt_close(&adoption);
    return status;
}

sw_resum_end adopt(const char *url)
{
    sw_error err = {0};
    sw_resum_end sums = {0};
    sw_status status = adopt_with(url, 0, &sums, &err);
    if (status != SW_STATUS_OK) {
        fail_msg("adopt: %s", err.message);
    }
    return sums;
}

sw_ledger *open_ledger(const char *url)
{
    const sw_ledger_options options = {.store = url, .no_reaper = true};
    sw_error err = {0};
    sw_ledger *ledger = NULL;
    if (sw_ledger_open(&options, &ledger, &err) != SW_STATUS_OK) {
        fail_msg("open: %s", err.message);
    }
    return ledger;
}

void ask(const char *url, const char *sql, char *out, size_t size)
{
    pg_sql(url, sql, out, size);
}

int64_t number(const char *url, const char *sql)
{
    char answer[64];
    ask(url, sql, answer, sizeof answer);
    return strtoll(answer, NULL, 10);
}

/* ---- what the ledger says ----------------------------------------------------------------------- */

static bool keep_totals(void *arg, const sw_usage_group *group)
{
    *(sw_totals *)arg = group->totals;
    return true;
}

static sw_totals usage_of(sw_ledger *ledger, const char *organization)
{
    const sw_actor actor = {.organization_id = sw_str_from(organization)};
    const sw_usage_query all = {.by_count = 0};
    sw_totals totals = {0};
    sw_usage_end end;
    sw_error err = {0};
    if (sw_usage(ledger, &actor, &all, keep_totals, &totals, &end, &err) != SW_STATUS_OK) {
        fail_msg("usage: %s", err.message);
    }
    return totals;
}

static bool count_row(void *arg, const void *row)
{
    (void)row;
    ++*(int64_t *)arg;
    return true;
}

int64_t list_all(sw_ledger *ledger, const char *organization, sw_record_id record,
                 const sw_condition *conditions, size_t count, sw_each *each, void *arg)
{
    const sw_actor actor = {.organization_id = sw_str_from(organization)};
    const sw_list_query query = {
        .conditions = conditions, .condition_count = count, .limit = -1, .ascending = true};
    sw_list_end end;
    sw_error err = {0};
    int64_t rows = 0;
    if (sw_list(ledger, &actor, record, &query, each ? each : count_row, each ? arg : &rows, &end,
                &err) != SW_STATUS_OK) {
        fail_msg("list of %s: %s", sw_record_of(record)->name, err.message);
    }
    return rows;
}

int64_t count_status(sw_ledger *ledger, const char *organization, int64_t status)
{
    const sw_value value = {.number = status};
    const sw_condition is = {SW_STEP_STATUS, SW_OP_EQ, &value, 1};
    return list_all(ledger, organization, SW_RECORD_STEP, &is, 1, NULL, NULL);
}

/* The totals of one organization, by what V1's tables say and by what the ledger says. */
static void check_organization(sw_ledger *ledger, const char *url, v1_age age, const char *id)
{
    const v1_totals v1 = v1_count(url, age, id);
    const sw_totals ours = usage_of(ledger, id);
    assert_true(v1.steps > STEPS / 4);
    assert_int_equal(ours.num_steps, v1.steps);
    assert_int_equal(ours.failed_steps, v1.failed);
    assert_int_equal(ours.prompt_tokens, v1.prompt_tokens);
    assert_int_equal(ours.completion_tokens, v1.completion_tokens);
    assert_int_equal(ours.total_tokens, v1.total_tokens);
    assert_int_equal(ours.cached_input_tokens, v1.cached_input_tokens);
    assert_int_equal(ours.cache_write_tokens, v1.cache_write_tokens);
    assert_int_equal(ours.reasoning_tokens, v1.reasoning_tokens);
    assert_int_equal(ours.cost_unknown, v1.steps);
    assert_int_equal(count_status(ledger, id, SW_STEP_STATUS_PENDING), v1.pending);
    assert_int_equal(count_status(ledger, id, SW_STEP_STATUS_FAILED), v1.failed);
    assert_int_equal(count_status(ledger, id, SW_STEP_STATUS_CANCELLED), v1.cancelled);
    assert_int_equal(count_status(ledger, id, SW_STEP_STATUS_SUCCESS), v1.success + v1.none);
    assert_int_equal(list_all(ledger, id, SW_RECORD_STEP, NULL, 0, NULL, NULL), v1.steps);
    assert_int_equal(list_all(ledger, id, SW_RECORD_RUN, NULL, 0, NULL, NULL), v1.runs);
    assert_int_equal(list_all(ledger, id, SW_RECORD_MESSAGE, NULL, 0, NULL, NULL), v1.messages);
    assert_true(list_all(ledger, id, SW_RECORD_PROVIDER, NULL, 0, NULL, NULL) >= 4);
}

static void show_difference(void *arg, const sw_difference *d)
{
    int *shown = arg;
    if (++*shown <= 20) {
        print_error("%s: %s: %s\n", d->kind, d->where, d->what);
    }
}

void check_all(const char *url, v1_age age)
{
    sw_ledger *ledger = open_ledger(url);
    sw_error err = {0};
    char id[64];
    int shown = 0;
    const sw_verify_options options = {.difference = show_difference, .arg = &shown};
    for (int i = 0; i < V1_ORGANIZATIONS; i++) {
        v1_id(url, &first_size, "org", i, id);
        check_organization(ledger, url, age, id);
    }
    if (sw_verify(ledger, &options, NULL, &err) != SW_STATUS_OK) {
        fail_msg("verify: %s", err.message);
    }
    sw_ledger_close(&ledger);
}

/* Everything the catalogue says of the schema. */
void schema_digest(const char *url, char out[64])
{
    ask(url,
        "SELECT md5(string_agg(line, '' ORDER BY line)) FROM (SELECT c.relname || c.relkind::text || "
        "coalesce(a.attname, '') || coalesce(format_type(a.atttypid, NULL), '') || "
        "coalesce(a.attnotnull::text, '') FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = "
        "c.oid WHERE c.relnamespace = current_schema()::text::regnamespace) AS t (line)",
        out, 64);
}

int skip_without(void)
{
    if (pg_missing()) {
        print_message("skipped: %s\n", pg_missing());
        return 77;
    }
    return 0;
}
