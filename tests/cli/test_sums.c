/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of one command are those of every other, and of plain SQL over the file: totals by any
 * dimension, lists by any filter. The same seed gives the same ledger, seen through SQL.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/base.h"
#include "model/model.h"
#include "tests/cli/child.h"

enum { STEPS = 700 };

static int set_up(void **state)
{
    if (child_set_up(state) != 0) {
        return -1;
    }
    MUST("demo", "--steps", "700");
    return 0;
}

/* ---- SQL ------------------------------------------------------------------------------------- */

static sqlite3 *open_sql(const char *name)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/%s", child_folder(), name);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

static int64_t sql_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

/* ---- totals ---------------------------------------------------------------------------------- */

/* The sums of a usage answer and what they are in SQL. */
static const struct {
    const char *key;
    const char *sql;
} sums[] = {
    {"num_steps", "count(*)"},
    {"failed_steps", "sum(status = 'failed')"},
    {"prompt_tokens", "sum(prompt_tokens)"},
    {"completion_tokens", "sum(completion_tokens)"},
    {"total_tokens", "sum(total_tokens)"},
    {"cached_input_tokens", "sum(cached_input_tokens)"},
    {"cache_write_tokens", "sum(cache_write_tokens)"},
    {"reasoning_tokens", "sum(reasoning_tokens)"},
    {"cost_nano_usd", "sum(cost_nano_usd)"},
    {"cost_unknown", "sum(cost_nano_usd is null)"},
    {"usage_unknown", "sum(usage_state <> 'reported')"},
    {"cached_known", "count(cached_input_tokens)"},
};

static void test_totals_are_those_of_plain_sql(void **state)
{
    json_t *usage = JSON("usage", "--json");
    json_t *total = json_object_get(usage, "total");
    sqlite3 *db = open_sql("well.db");
    (void)state;
    assert_int_equal(child_number(total, "num_steps"), STEPS);
    for (size_t i = 0; i < SW_COUNT(sums); i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "select coalesce(%s, 0) from steps", sums[i].sql);
        assert_int_equal(child_number(total, sums[i].key), sql_number(db, sql));
    }
    assert_int_equal(llround(json_real_value(json_object_get(total, "error_rate")) * 1e9),
                     sql_number(db, "select round(1e9 * avg(status = 'failed')) from steps"));
    sqlite3_close(db);
    json_decref(usage);
}

static void assert_groups_add_up(const json_t *usage, const json_t *total)
{
    const json_t *groups = json_object_get(usage, "groups");
    const char *key = NULL;
    json_t *value = NULL;
    assert_true(json_is_true(json_object_get(usage, "complete")));
    json_object_foreach((json_t *)(uintptr_t)total, key, value)
    {
        json_int_t sum = 0;
        if (!json_is_integer(value)) {
            assert_string_equal(key, "error_rate"); /* the only one that is no sum */
            continue;
        }
        for (size_t i = 0; i < json_array_size(groups); i++) {
            sum += child_number(json_array_get(groups, i), key);
        }
        assert_int_equal(sum, json_integer_value(value));
        assert_int_equal(child_number(json_object_get(usage, "total"), key), sum);
    }
}

static void test_groups_by_anything_add_up(void **state)
{
    json_t *all = JSON("usage", "--json");
    const json_t *total = json_object_get(all, "total");
    (void)state;
    for (int i = 0; i < SW_DIMENSION_COUNT; i++) {
        json_t *usage = JSON("usage", "--json", "--by", sw_enum_word(SW_ENUM_dimension, i));
        assert_true(json_array_size(json_object_get(usage, "groups")) > 1);
        assert_groups_add_up(usage, total);
        json_decref(usage);
    }
    json_t *four = JSON("usage", "--json", "--by", "organization,model", "--by", "day,status");
    assert_int_equal(json_array_size(json_object_get(four, "by")), 4);
    assert_groups_add_up(four, total);
    json_decref(four);
    json_decref(all);
}

static void test_times_split_the_total(void **state)
{
    const char *noon = "2026-10-27T12:34:56.789Z";
    json_t *all = JSON("usage", "--json");
    json_t *before = JSON("usage", "--json", "--until", noon);
    json_t *after = JSON("usage", "--json", "--since", noon);
    json_int_t early = child_number(json_object_get(before, "total"), "total_tokens");
    json_int_t late = child_number(json_object_get(after, "total"), "total_tokens");
    (void)state;
    assert_true(early > 0 && late > 0);
    assert_int_equal(early + late, child_number(json_object_get(all, "total"), "total_tokens"));
    json_decref(all);
    json_decref(before);
    json_decref(after);
}

static void test_latency_counts_measured_steps(void **state)
{
    json_t *usage = JSON("usage", "--json", "--latency", "--by", "model");
    const json_t *groups = json_object_get(usage, "groups");
    sqlite3 *db = open_sql("well.db");
    json_int_t measured = 0;
    (void)state;
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *time = json_object_get(json_array_get(groups, i), "step_time");
        measured += child_number(time, "count");
        assert_true(child_number(time, "p50_ns") <= child_number(time, "p95_ns"));
        assert_true(child_number(time, "p95_ns") <= child_number(time, "p99_ns"));
    }
    assert_int_equal(measured, sql_number(db, "select count(step_ns) from step_metrics"));
    sqlite3_close(db);
    json_decref(usage);
}

/* ---- filters --------------------------------------------------------------------------------- */

/* `stepwell steps` and `stepwell usage` with the same filter count what SQL counts. */
static void assert_filter(const char *option, const char *value, const char *where, bool usage_too)
{
    char sql[400];
    sqlite3 *db = open_sql("well.db");
    snprintf(sql, sizeof sql, "select count(*) from steps where %s", where);
    int64_t expected = sql_number(db, sql);
    sqlite3_close(db);
    json_t *steps = LINES("steps", "--json", "--limit", "0", option, value);
    if (expected == 0 || (int64_t)json_array_size(steps) != expected) {
        fail_msg("%s %s: %zu steps, SQL says %lld", option, value ? value : "",
                 json_array_size(steps), (long long)expected);
    }
    json_decref(steps);
    if (usage_too) {
        json_t *usage = JSON("usage", "--json", option, value);
        assert_int_equal(child_number(json_object_get(usage, "total"), "num_steps"), expected);
        json_decref(usage);
    }
}

static char *sql_text(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    char *text = strdup((const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return text;
}

/* The filter on a column takes the column's most frequent value. */
static void assert_column_filter(const char *option, const char *column, bool usage_too)
{
    char sql[200];
    sqlite3 *db = open_sql("well.db");
    snprintf(
        sql, sizeof sql,
        "select %s from steps where %s is not null group by 1 order by count(*) desc, 1 limit 1",
        column, column);
    char *value = sql_text(db, sql);
    sqlite3_close(db);
    snprintf(sql, sizeof sql, "%s = '%s'", column, value);
    assert_filter(option, value, sql, usage_too);
    free(value);
}

static void test_filters_find_what_sql_finds(void **state)
{
    (void)state;
    assert_column_filter("--run", "run_id", false);
    assert_column_filter("--agent", "agent_id", true);
    assert_column_filter("--model", "model", true);
    assert_column_filter("--provider", "provider_name", true);
    assert_column_filter("--project", "project_id", true);
    assert_column_filter("--organization", "organization_id", true);
    assert_filter("--status", "cancelled", "status = 'cancelled'", true);
    assert_filter("--failed", NULL, "status = 'failed'", true);
    assert_filter("--tag", "env:staging",
                  "exists (select 1 from json_each(tags) where value = 'env:staging')", false);
    assert_filter(
        "--text", "TESTS",
        "lower(coalesce(input_preview, '') || char(10) || coalesce(output_preview, '') || "
        "char(10) || coalesce(error_data, '')) like '%tests%'",
        false);
    assert_filter("--since", "2026-10-30", "created_at >= 1793318400000000", true);
    assert_filter("--until", "2026-10-20", "created_at < 1792454400000000", true);
}

static void test_filters_join(void **state)
{
    json_t *both =
        LINES("steps", "--json", "--limit", "0", "--status", "failed", "--status", "cancelled");
    json_t *failed = LINES("steps", "--json", "--limit", "0", "--failed");
    json_t *cancelled = LINES("steps", "--json", "--limit", "0", "--status", "cancelled");
    (void)state;
    assert_int_equal(json_array_size(both), json_array_size(failed) + json_array_size(cancelled));
    json_t *none = LINES("steps", "--json", "--failed", "--status", "success");
    assert_int_equal(json_array_size(none), 0);
    json_decref(both);
    json_decref(failed);
    json_decref(cancelled);
    json_decref(none);
}

/* ---- the same seed --------------------------------------------------------------------------- */

/* Columns that tell when something was written, which no seed decides. */
static bool is_of_the_clock(sw_record_id record, const char *name)
{
    return strcmp(name, "updated_at") == 0 || strcmp(name, "lease_expires_at") == 0 ||
           (record == SW_RECORD_JOURNAL && strcmp(name, "time") == 0) ||
           (record == SW_RECORD_STEP_METRICS && strcmp(name, "created_at") == 0);
}

/* The query that shows every row of the record's view, in the order of its values, but for the
 * default organization and its user, which every ledger makes for itself.
 */
static void dump_query(sw_record_id id, char *sql, size_t size)
{
    const sw_record *record = sw_record_of(id);
    int at = snprintf(sql, size, "select ");
    const char *comma = "";
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (!(field->flags & SW_HIDDEN) && !is_of_the_clock(id, sw_field_column(field))) {
            at +=
                snprintf(sql + at, size - (size_t)at, "%squote(%s)", comma, sw_field_column(field));
            comma = "||','||";
        }
    }
    bool has_default = id == SW_RECORD_ORGANIZATION || id == SW_RECORD_USER;
    snprintf(sql + at, size - (size_t)at, " from %s%s order by 1", record->table,
             has_default ? " where id not glob '*-00000000-0000-*'" : "");
}

static void add_dump(sqlite3 *db, sw_record_id id, sw_buf *out)
{
    char sql[4096];
    sqlite3_stmt *statement = NULL;
    dump_query(id, sql, sizeof sql);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
        sw_buf_adds(out, (const char *)sqlite3_column_text(statement, 0));
        sw_buf_addc(out, '\n');
    }
    sqlite3_finalize(statement);
}

static void dump(const char *name, sw_buf *out)
{
    const sw_record_id records[] = {SW_RECORD_ORGANIZATION,
                                    SW_RECORD_USER,
                                    SW_RECORD_PROVIDER,
                                    SW_RECORD_PROVIDER_MODEL,
                                    SW_RECORD_PROJECT,
                                    SW_RECORD_AGENT,
                                    SW_RECORD_RUN,
                                    SW_RECORD_RUN_METRICS,
                                    SW_RECORD_CONVERSATION,
                                    SW_RECORD_STEP,
                                    SW_RECORD_MESSAGE,
                                    SW_RECORD_STEP_METRICS,
                                    SW_RECORD_JOURNAL,
                                    SW_RECORD_PROVIDER_TRACE,
                                    SW_RECORD_USAGE_MODEL_DAY};
    sqlite3 *db = open_sql(name);
    sw_buf_init(out, &sw__libc_allocator, 0);
    for (size_t i = 0; i < SW_COUNT(records); i++) {
        size_t before = out->len;
        sw_buf_adds(out, sw_record_of(records[i])->table);
        add_dump(db, records[i], out);
        assert_true(out->len > before + 40);
    }
    assert_int_equal(out->status, SW_STATUS_OK);
    sqlite3_close(db);
}

static void fill(const char *name, const char *seed)
{
    char store[128];
    snprintf(store, sizeof store, "sqlite:%s/%s", child_folder(), name);
    MUST("demo", "--steps", "300", "--seed", seed, "--store", store);
}

static void test_the_same_seed_gives_the_same_ledger(void **state)
{
    sw_buf one;
    sw_buf two;
    sw_buf other;
    (void)state;
    fill("one.db", "9");
    fill("two.db", "9");
    fill("other.db", "10");
    dump("one.db", &one);
    dump("two.db", &two);
    dump("other.db", &other);
    assert_true(sw_str_eq(sw_buf_str(&one), sw_buf_str(&two)));
    assert_false(sw_str_eq(sw_buf_str(&one), sw_buf_str(&other)));
    sw_buf_fini(&one);
    sw_buf_fini(&two);
    sw_buf_fini(&other);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void test_verify_says_what_differs(void **state)
{
    char store[128];
    (void)state;
    fill("damaged.db", "2");
    sqlite3 *db = open_sql("damaged.db");
    const char *sql =
        "update usage_model_days_data set total_tokens = total_tokens + 7 where day = "
        "(select min(day) from usage_model_days_data)";
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    snprintf(store, sizeof store, "sqlite:%s/damaged.db", child_folder());
    child words = RUN("verify", "--store", store);
    assert_int_equal(words.code, 9);
    assert_non_null(strstr(words.out, "total_tokens"));
    assert_true(strncmp(words.err, "stepwell: ", 10) == 0);
    child_free(&words);
    child json = RUN("verify", "--json", "--store", store);
    json_t *answer = json_loads(json.out, 0, NULL);
    assert_int_equal(json.code, 9);
    assert_true(json_is_false(json_object_get(answer, "ok")));
    assert_int_equal(child_number(answer, "difference_count"),
                     json_array_size(json_object_get(answer, "differences")));
    assert_true(child_number(answer, "difference_count") > 0);
    json_decref(answer);
    child_free(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals_are_those_of_plain_sql),
        cmocka_unit_test(test_groups_by_anything_add_up),
        cmocka_unit_test(test_times_split_the_total),
        cmocka_unit_test(test_latency_counts_measured_steps),
        cmocka_unit_test(test_filters_find_what_sql_finds),
        cmocka_unit_test(test_filters_join),
        cmocka_unit_test(test_the_same_seed_gives_the_same_ledger),
        cmocka_unit_test(test_verify_says_what_differs),
    };
    return cmocka_run_group_tests_name("cli/sums", tests, set_up, child_tear_down);
}
