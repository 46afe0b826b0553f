/* SPDX-License-Identifier: Apache-2.0 */
/* Prices from the command line: listed, set, taken back, and brought to the steps that are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cli/child.h"

static int set_up(void **state)
{
    return child_set_up_demo(state, "800", "3");
}

static void assert_refused(child c, const char *says)
{
    assert_int_equal(c.code, 2);
    if (!strstr(c.err, says)) {
        fail_msg("it says %s, not %s", c.err, says);
    }
    child_free(&c);
}

static void test_listed_prices_are_those_of_the_makers(void **state)
{
    child c = RUN("prices", "gpt-4o");
    (void)state;
    assert_int_equal(c.code, 0);
    assert_non_null(strstr(c.out, "$2.50"));
    assert_non_null(strstr(c.out, "$1.25"));
    child_free(&c);
    /* Since September 2026 one price of Sonnet 5 holds, before it another: of a model only one is shown, unless
     * all are asked for. */
    c = RUN("prices", "claude-sonnet-5", "--provider", "anthropic", "--json");
    assert_int_equal(c.code, 0);
    assert_null(strchr(strchr(c.out, '}') + 1, '}'));
    child_free(&c);
    c = RUN("prices", "claude-sonnet-5", "--provider", "anthropic", "--csv", "--all");
    assert_int_equal(strncmp(c.out, "id,", 3), 0);
    assert_null(strstr(c.out + 3, "\r\nid,")); /* the names once, whatever the rows */
    assert_non_null(strstr(c.out, ",2000000000,"));
    assert_non_null(strstr(c.out, ",3000000000,"));
    child_free(&c);
    c = RUN("prices", "claude-sonnet-5", "--provider", "anthropic", "--all");
    assert_non_null(strstr(c.out, "$2.00"));
    assert_non_null(strstr(c.out, "$3.00"));
    child_free(&c);
}

static void test_what_is_set_goes_first_and_can_be_taken_back(void **state)
{
    child set =
        RUN("prices", "set", "gpt-4o*", "--input", "3.75", "--output", "0.000000001", "--provider",
            "openai", "--batch", "50", "--from", "2025-01-01", "--source", "contract");
    (void)state;
    assert_int_equal(set.code, 0);
    set.out[strcspn(set.out, "\n")] = '\0';
    child c = RUN("prices", "gpt-4o", "--json");
    json_t *line = json_loads(c.out, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "id")), set.out);
    assert_int_equal(child_number(line, "input_nano_usd"), 3750000000);
    assert_int_equal(child_number(line, "output_nano_usd"), 1);
    assert_int_equal(child_number(line, "batch_percent"), 50);
    json_decref(line);
    child_free(&c);
    MUST("prices", "delete", set.out);
    assert_refused(RUN("prices", "set", "gpt-4o", "--input", "3,75"), "--input");
    assert_refused(RUN("prices", "set", "gpt-4o", "--input", "0.0000000001"), "--input");
    assert_refused(RUN("prices", "set", "gpt-4o"), "input_nano_usd");
    assert_refused(RUN("prices", "set", "a*b", "--input", "1"), "model");
    assert_refused(RUN("prices", "set"), "prices set MODEL");
    assert_refused(RUN("prices", "gpt-4o", "gpt-5"), "prices cannot");
    assert_refused(RUN("prices", "delete"), "which price");
    assert_refused(RUN("prices", "gpt-4o", "--input", "3"), "prices set");
    assert_refused(RUN("prices", "--file", "-"), "prices set");
    assert_refused(RUN("prices", "gpt-4o", "--unknown"), "--unknown");
    child_free(&set);
}

static void test_a_repricing_brings_prices_to_steps(void **state)
{
    json_t *usage = JSON("usage", "--by", "organization", "--json"), *group = NULL;
    json_int_t found = 0, before = 0;
    size_t i = 0;
    (void)state;
    json_array_foreach(json_object_get(usage, "groups"), i, group)
    {
        const char *org = json_string_value(json_object_get(group, "organization"));
        MUST("prices", "set", "llama*", "--input", "1", "--output", "1", "--organization", org);
        json_t *dry =
            JSON("reprice", "--since", "2000-01-01", "--dry-run", "--json", "--organization", org);
        json_t *wet = JSON("reprice", "--since", "2000-01-01", "--reason", "why not", "--json",
                           "--organization", org);
        assert_int_equal(child_number(dry, "num_steps"), child_number(group, "num_steps"));
        assert_int_equal(child_number(wet, "changed"), child_number(dry, "changed"));
        assert_int_equal(child_number(wet, "after_nano_usd"), child_number(dry, "after_nano_usd"));
        found += child_number(wet, "found");
        before += child_number(group, "cost_nano_usd") + child_number(wet, "after_nano_usd") -
                  child_number(wet, "before_nano_usd");
        json_decref(dry);
        json_decref(wet);
    }
    assert_true(found > 0);
    json_t *after = JSON("usage", "--json");
    assert_int_equal(
        child_number(json_array_get(json_object_get(after, "groups"), 0), "cost_nano_usd"), before);
    MUST("verify");
    json_decref(after);
    json_decref(usage);
    assert_refused(RUN("reprice", "--since", "2000-01-01"), "--reason");
    assert_refused(RUN("reprice", "--reason", "x"), "--since");
}

static void test_unknown_models_are_listed_with_the_reason(void **state)
{
    child c = RUN("prices", "--unknown");
    (void)state;
    assert_int_equal(c.code, 0);
    assert_non_null(strstr(c.out, "usage not wholly reported"));
    child_free(&c);
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listed_prices_are_those_of_the_makers),
        cmocka_unit_test(test_what_is_set_goes_first_and_can_be_taken_back),
        cmocka_unit_test(test_unknown_models_are_listed_with_the_reason),
        cmocka_unit_test(test_a_repricing_brings_prices_to_steps),
    };
    if (count > 1) {
        cmocka_set_test_filter(words[1]);
    }
    return cmocka_run_group_tests_name("prices", tests, set_up, child_tear_down);
}
