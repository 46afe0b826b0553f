/* SPDX-License-Identifier: Apache-2.0 */
/* Exports of providers beside the ledger: what agrees exits 0, what differs is shown and exits 9. The exports are made
 * here, in the shapes that providers document, from the sums that `usage` answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "tests/cli/child.h"

#define ORG "org-00000000-0000-4000-8000-000000000000"

static char path[600];

static int set_up(void **state)
{
    if (child_set_up_demo(state, "600", "4") != 0) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/export", child_folder());
    return 0;
}

/* As CSV of usage: uncached, read and written tokens apart. `more` is added to one count. */
static void write_csv(const json_t *groups, int more)
{
    FILE *file = fopen(path, "w");
    size_t i = 0;
    json_t *g = NULL;
    assert_non_null(file);
    fprintf(
        file,
        "\xef\xbb\xbfusage_date_utc,\"model_version\",note,usage_input_tokens_no_cache,usage_input_tokens_cache_read,usage_input_tokens_cache_write_5m,usage_output_tokens\r\n");
    json_array_foreach(groups, i, g)
    {
        json_int_t read = child_number(g, "cached_input_tokens"),
                   written = child_number(g, "cache_write_tokens");
        fprintf(file, "%s,\"%s\",\"a \"\"b\"\", c\",%lld,%lld,%lld,%lld\r\n",
                json_string_value(json_object_get(g, "day")),
                json_string_value(json_object_get(g, "model")),
                (long long)(child_number(g, "prompt_tokens") - read - written), (long long)read,
                (long long)written,
                (long long)child_number(g, "completion_tokens") + (i == 1 ? more : 0));
    }
    assert_int_equal(fclose(file), 0);
}

/* As the API answers costs: a bucket a day, an amount in an object, a line item that begins with the model. */
static void write_costs(const json_t *groups)
{
    FILE *file = fopen(path, "w");
    size_t i = 0;
    json_t *g = NULL;
    assert_non_null(file);
    fprintf(file, "{\"object\":\"page\",\"data\":[");
    json_array_foreach(groups, i, g)
    {
        json_int_t cost = child_number(g, "cost_nano_usd");
        fprintf(
            file,
            "%s{\"start_time\":\"%sT00:00:00Z\",\"results\":[{\"line_item\":\"%s, input\",\"amount\":{\"currency\":\"usd\",\"value\":%lld.%09lld},\"x\":[1,{}]}]}",
            i ? "," : "", json_string_value(json_object_get(g, "day")),
            json_string_value(json_object_get(g, "model")), (long long)(cost / 1000000000),
            (long long)(cost % 1000000000));
    }
    fprintf(file, "],\"has_more\":false}");
    assert_int_equal(fclose(file), 0);
}

static void test_what_agrees_and_what_does_not(void **state)
{
    json_t *usage = JSON("usage", "--by", "day,model", "--organization", ORG, "--json");
    const json_t *groups = json_object_get(usage, "groups");
    (void)state;
    assert_true(json_array_size(groups) > 3);
    write_csv(groups, 0);
    child c = RUN("reconcile", path);
    assert_int_equal(c.code, 0);
    assert_string_equal(c.out, "");
    child_free(&c);
    write_csv(groups, 1);
    c = RUN("reconcile", path);
    assert_int_equal(c.code, 9);
    assert_non_null(strstr(c.out, "completion_tokens"));
    assert_non_null(strstr(c.out, "-1"));
    child_free(&c);
    c = RUN("reconcile", path, "--tolerance", "50");
    assert_int_equal(c.code, 0);
    child_free(&c);
    c = RUN("reconcile", path, "--json");
    json_t *line = json_loads(c.out, 0, NULL);
    assert_int_equal(child_number(line, "provider") - child_number(line, "ledger"), 1);
    json_decref(line);
    child_free(&c);
    write_costs(groups);
    c = RUN("reconcile", path);
    assert_int_equal(c.code, 0);
    child_free(&c);
    json_decref(usage);
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The lines of an export about a day of which the ledger knows nothing: what the provider says, by `what`. */
static void assert_says(const char *text, const char *what, json_int_t value)
{
    write_text(text);
    child c = RUN("reconcile", path, "--json");
    json_t *line = json_loads(c.out, 0, NULL);
    assert_int_equal(c.code, 9);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "what")), what);
    assert_int_equal(child_number(line, "provider"), value);
    json_decref(line);
    child_free(&c);
}

/* As APIs and spreadsheets write them: more digits than a nano-dollar has, exponents, refunds; pages one behind the
 * other. */
static void test_numbers_are_read_as_they_are_written(void **state)
{
    (void)state;
    assert_says("date,model,cost_usd\n2020-01-02,m,0.06000000000000001\n2020-01-02,m,1e-05\n",
                "cost_nano_usd", 60010000);
    assert_says("date,model,cost_usd\n2020-01-02,m,2.5\n2020-01-02,m,-0.5\n", "cost_nano_usd",
                2000000000);
    assert_says("{\"data\":[{\"date\":\"2020-01-02\",\"model\":\"m\",\"amount\":\"123.78912\"}]}",
                "cost_nano_usd", 1237891200);
    assert_says("{\"date\":\"2020-01-02\",\"model\":\"m\",\"input_tokens\":3}\n"
                "{\"date\":\"2020-01-02\",\"model\":\"m\",\"input_tokens\":4}\n",
                "prompt_tokens", 7);
    assert_says("date,model,input_tokens\n2020-01-02,\"a, b\",1\n2020-01-02,a,2\n", "prompt_tokens",
                3);
}

/* What could not be read does not pass for agreement. */
static void test_what_cannot_be_read_is_said(void **state)
{
    static const char *const texts[] = {
        "date,model,input_tokens\n2020-01-02,m,0\n2020-01-02,m,many\n",
        "date,model,input_tokens\n2020-01-02,m,0\n2020-01-02,m,-1\n",
        "date,model,input_tokens\n2020-01-02,m,0\nsoon,m,1\n",
        "date,model,input_tokens\n2020-01-02,m,0\n,m,1\n",
        "date,model,input_tokens\n2020-01-02,m,0\n20200103,m,0\n",
        "date,model,input_tokens\n2020-01-02,m,0\n9223372036854775807,m,0\n",
        "date,model,cost_usd\n2020-01-02,m,0\n2020-01-02,m,1 EUR\n",
        "date,model,input_tokens\n2020-01-02,m,9223372036854775807\n2020-01-02,m,1\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_text(texts[i]);
        child c = RUN("reconcile", path);
        assert_int_equal(c.code, 9);
        assert_non_null(strstr(c.err, "left out"));
        assert_null(strstr(c.err, "agrees"));
        assert_null(strstr(c.out, "9,223,372,036,854,775,808"));
        child_free(&c);
    }
}

/* Costs of a day without their models are those of all models. */
static void test_an_export_without_models_is_about_all(void **state)
{
    json_t *usage = JSON("usage", "daily", "--organization", ORG, "--json");
    const json_t *groups = json_object_get(usage, "groups");
    FILE *file = fopen(path, "w");
    size_t i = 0;
    json_t *g = NULL;
    (void)state;
    assert_non_null(file);
    fputs("day,input_tokens\n", file);
    json_array_foreach(groups, i, g)
    {
        fprintf(file, "%s,%lld\n", json_string_value(json_object_get(g, "day")),
                (long long)child_number(g, "prompt_tokens"));
    }
    assert_int_equal(fclose(file), 0);
    child c = RUN("reconcile", path);
    assert_int_equal(c.code, 0);
    child_free(&c);
    json_decref(usage);
}

/* A row a call, as some export: memory follows the file, not its square. */
static void test_a_long_export_is_read(void **state)
{
    enum { ROWS = 50000 };
    FILE *file = fopen(path, "w");
    (void)state;
    assert_non_null(file);
    fputs("date,model,input_tokens\n", file);
    for (int i = 0; i < ROWS; i++) {
        fputs("2020-01-02,\"a \"\"model\"\"\",2\n", file);
    }
    assert_int_equal(fclose(file), 0);
    child c = RUN("reconcile", path, "--json");
    json_t *line = json_loads(c.out, 0, NULL);
    assert_int_equal(child_number(line, "provider"), 2 * ROWS);
    assert_string_equal(json_string_value(json_object_get(line, "model")), "a \"model\"");
    json_decref(line);
    child_free(&c);
}

static double child_seconds(void)
{
    struct rusage used;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &used), 0);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Of so many models of a day each, all twice; what the processor took for it. */
static double read_lines_apart(int lines)
{
    double before = child_seconds();
    FILE *file = fopen(path, "w");
    int found = 0;
    assert_non_null(file);
    fputs("date,model,input_tokens\n", file);
    for (int i = 0; i < 2 * lines; i++) {
        fprintf(file, "2020-01-02,m%d,%d\n", i % lines, i % lines + 1);
    }
    assert_int_equal(fclose(file), 0);
    child c = RUN("reconcile", path, "--json");
    for (char *at = c.out; *at; found++) {
        char *end = strchr(at, '\n');
        json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
        int model = atoi(json_string_value(json_object_get(line, "model")) + 1);
        assert_int_equal(child_number(line, "provider"), 2 * (model + 1));
        json_decref(line);
        at = end + 1;
    }
    assert_int_equal(found, lines);
    child_free(&c);
    return child_seconds() - before;
}

/* Four times as many take four times as long, not sixteen. */
static void test_many_lines_take_no_longer_each(void **state)
{
    enum { LINES_APART = 25000 };
    (void)state;
    double few = read_lines_apart(LINES_APART);
    double many = read_lines_apart(4 * LINES_APART);
    if (many > 8 * few + 0.5) {
        fail_msg("%.2f s for four times what took %.2f s", many, few);
    }
}

static void test_what_is_no_export_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "x", "a,b\n1,2\n", "{\"data\":[", "[1,2]", "date,input_tokens\nnever,1\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_text(texts[i]);
        child c = RUN("reconcile", path);
        assert_int_equal(c.code, 2);
        child_free(&c);
    }
    child c = RUN("reconcile", "/nonexistent/file");
    assert_int_equal(c.code, 4);
    child_free(&c);
    c = RUN("reconcile", child_folder());
    assert_non_null(strstr(c.err, "cannot be read: Is a directory"));
    child_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_agrees_and_what_does_not),
        cmocka_unit_test(test_numbers_are_read_as_they_are_written),
        cmocka_unit_test(test_what_cannot_be_read_is_said),
        cmocka_unit_test(test_an_export_without_models_is_about_all),
        cmocka_unit_test(test_a_long_export_is_read),
        cmocka_unit_test(test_many_lines_take_no_longer_each),
        cmocka_unit_test(test_what_is_no_export_is_refused),
    };
    return cmocka_run_group_tests_name("reconcile", tests, set_up, child_tear_down);
}
