/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a command line: what they become, and what is said when they make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/cli.h"

#define NOW_US INT64_C(1793534400000000) /* 2026-11-01T12:00:00Z */
#define HOUR_US INT64_C(3600000000)

#define parse(CLI, ...)                                                                            \
    parse_words(CLI, (const char *const[]){__VA_ARGS__},                                           \
                (int)SW_COUNT(((const char *const[]){__VA_ARGS__})))

static sw_status parse_words(sw_cli *cli, const char *const *words, int count)
{
    *cli = (sw_cli){.now_us = NOW_US};
    return sw_cli_parse(cli, count, words);
}

#define assert_refused(STATUS, SAYS, ...)                                                          \
    do {                                                                                           \
        sw_cli refused;                                                                            \
        assert_int_equal(parse(&refused, __VA_ARGS__), STATUS);                                    \
        assert_string_equal(refused.error.message, SAYS);                                          \
    } while (0)

static void test_options_and_their_values(void **state)
{
    sw_cli cli;
    (void)state;
    assert_int_equal(
        parse(&cli, "steps", "--model", "gpt-5", "--model=gpt-4o", "--limit=7", "--asc"),
        SW_STATUS_OK);
    assert_int_equal(cli.command, SW_COMMAND_STEPS);
    assert_int_equal(cli.counts[SW_OPTION_MODEL], 2);
    assert_string_equal(cli.values[SW_OPTION_MODEL][0], "gpt-5");
    assert_string_equal(cli.values[SW_OPTION_MODEL][1], "gpt-4o");
    assert_int_equal(sw_cli_count(&cli, SW_OPTION_LIMIT), 7);
    assert_true(sw_cli_has(&cli, SW_OPTION_ASC));
    assert_false(sw_cli_has(&cli, SW_OPTION_JSON));
}

static void test_what_is_not_given_has_its_fallback(void **state)
{
    sw_cli cli;
    (void)state;
    assert_int_equal(parse(&cli, "demo"), SW_STATUS_OK);
    assert_int_equal(sw_cli_count(&cli, SW_OPTION_STEPS), 2000);
    assert_int_equal(sw_cli_count(&cli, SW_OPTION_SEED), 1);
    assert_int_equal(sw_cli_time(&cli, SW_OPTION_END).value, NOW_US);
    assert_null(sw_cli_text(&cli, SW_OPTION_STORE));
    assert_false(sw_cli_time(&cli, SW_OPTION_SINCE).known);
}

static void test_the_same_word_is_another_option_elsewhere(void **state)
{
    sw_cli cli;
    (void)state;
    assert_int_equal(parse(&cli, "demo", "--until", "now"), SW_STATUS_OK);
    assert_true(sw_cli_has(&cli, SW_OPTION_END) && !sw_cli_has(&cli, SW_OPTION_UNTIL));
    assert_int_equal(parse(&cli, "steps", "--until", "now"), SW_STATUS_OK);
    assert_true(sw_cli_has(&cli, SW_OPTION_UNTIL) && !sw_cli_has(&cli, SW_OPTION_END));
}

static void test_words_before_options_before_words(void **state)
{
    sw_cli cli;
    (void)state;
    assert_int_equal(parse(&cli, "show", "--json", "step-1", "--limit", "3"), SW_STATUS_OK);
    assert_string_equal(cli.argument, "step-1");
    assert_int_equal(parse(&cli, "show", "--", "--json"), SW_STATUS_OK);
    assert_string_equal(cli.argument, "--json");
    assert_int_equal(parse(&cli, "show", "-"), SW_STATUS_OK);
}

static void test_help_is_everywhere(void **state)
{
    sw_cli cli;
    const char *const *nothing = NULL;
    (void)state;
    cli = (sw_cli){0};
    assert_int_equal(sw_cli_parse(&cli, 0, nothing), SW_STATUS_OK);
    assert_int_equal(cli.command, SW_COMMAND_HELP);
    assert_int_equal(parse(&cli, "--help"), SW_STATUS_OK);
    assert_int_equal(cli.command, SW_COMMAND_HELP);
    assert_int_equal(parse(&cli, "--version"), SW_STATUS_OK);
    assert_int_equal(cli.command, SW_COMMAND_VERSION);
    for (int i = 0; i < SW_COMMAND_COUNT; i++) {
        assert_int_equal(parse(&cli, sw__commands[i].name, "-h"), SW_STATUS_OK);
        assert_true(sw_cli_has(&cli, SW_OPTION_HELP));
    }
}

static void test_near_misses_are_suggested(void **state)
{
    (void)state;
    assert_refused(SW_STATUS_INVALID, "no command is called usge; did you mean usage?", "usge");
    assert_refused(SW_STATUS_INVALID, "no command is called frobnicate; stepwell help lists them",
                   "frobnicate");
    assert_refused(SW_STATUS_INVALID, "steps has no option --modl; did you mean --model?", "steps",
                   "--modl=x");
    assert_refused(SW_STATUS_INVALID,
                   "steps has no option --seed; stepwell help steps lists what it has", "steps",
                   "--seed", "1");
    assert_refused(SW_STATUS_INVALID,
                   "steps has no option --x; stepwell help steps lists what it has", "steps", "-x");
    assert_refused(SW_STATUS_INVALID, "--status cannot be faild; did you mean failed?", "steps",
                   "--status", "faild");
    assert_refused(SW_STATUS_INVALID,
                   "--status cannot be blue; it is one of pending, success, failed, cancelled",
                   "steps", "--status", "blue");
}

static void test_values_are_checked(void **state)
{
    (void)state;
    assert_refused(SW_STATUS_INVALID, "--limit needs a whole number of 0 to 1000000000000, not -1",
                   "steps", "--limit", "-1");
    assert_refused(SW_STATUS_INVALID,
                   "--limit needs a whole number of 0 to 1000000000000, not many", "steps",
                   "--limit=many");
    assert_refused(SW_STATUS_INVALID,
                   "--limit needs a whole number of 0 to 1000000000000, not 9223372036854775807",
                   "run", "run-1", "--limit", "9223372036854775807");
    assert_refused(SW_STATUS_INVALID, "--limit needs a value; write --limit N", "steps", "--limit");
    assert_refused(SW_STATUS_INVALID, "--limit is given twice; give it once", "steps", "--limit=1",
                   "--limit=2");
    assert_refused(SW_STATUS_INVALID, "--json takes no value; leave it out", "info", "--json=yes");
    assert_refused(SW_STATUS_INVALID, "--model needs a text in UTF-8 that is not empty", "steps",
                   "--model=");
    assert_refused(SW_STATUS_INVALID, "--model needs a text in UTF-8 that is not empty", "steps",
                   "--model=\xFF");
    assert_refused(SW_STATUS_INVALID, "show needs ID; write stepwell show ID", "show");
    assert_refused(SW_STATUS_INVALID, "info takes no more; stepwell help info says what it takes",
                   "info", "more");
    assert_refused(SW_STATUS_INVALID, "show takes no b; stepwell help show says what it takes",
                   "show", "a", "b");
    assert_refused(SW_STATUS_INVALID,
                   "the command comes before --json; stepwell help lists the commands", "--json",
                   "info");
}

static void test_an_option_repeats_so_often_and_no_more(void **state)
{
    const char *words[2 + SW_CLI_REPEATS] = {"steps"};
    sw_cli cli;
    (void)state;
    for (int i = 1; i < 2 + SW_CLI_REPEATS; i++) {
        words[i] = "--tag=x";
    }
    assert_int_equal(parse_words(&cli, words, 1 + SW_CLI_REPEATS), SW_STATUS_OK);
    assert_int_equal(parse_words(&cli, words, 2 + SW_CLI_REPEATS), SW_STATUS_TOO_LARGE);
}

static void test_times_as_people_write_them(void **state)
{
    const struct {
        const char *text;
        int64_t us;
    } rows[] = {{"now", NOW_US},
                {"today", NOW_US - 12 * HOUR_US},
                {"yesterday", NOW_US - 36 * HOUR_US},
                {"2026-11-01", NOW_US - 12 * HOUR_US},
                {"2026-11-01T13:00:00+01:00", NOW_US},
                {"90s", NOW_US - 90000000},
                {"30m", NOW_US - HOUR_US / 2},
                {"2h", NOW_US - 2 * HOUR_US},
                {"1d", NOW_US - 24 * HOUR_US},
                {"2w", NOW_US - 14 * 24 * HOUR_US}};
    const char *const wrong[] = {
        "", "h", "2", "2y", "-2h", "+2h", "2 h", "tomorrow", "99999999999999h"};
    int64_t us = 0;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        assert_true(sw_time_read(sw_str_from(rows[i].text), NOW_US, NULL, &us));
        assert_int_equal(us, rows[i].us);
    }
    for (size_t i = 0; i < SW_COUNT(wrong); i++) {
        assert_false(sw_time_read(sw_str_from(wrong[i]), NOW_US, NULL, &us));
    }
}

/* The rows themselves: every command and option has words, and no command has an option twice. */
static void test_the_rows_make_sense(void **state)
{
    (void)state;
    for (int c = 0; c < SW_COMMAND_COUNT; c++) {
        assert_true(sw__commands[c].line[0] && sw__commands[c].paragraph[0]);
        assert_true(sw_option_is_of(SW_OPTION_HELP, (sw_command_id)c));
        for (int a = 0; a < SW_OPTION_COUNT; a++) {
            for (int b = 0; b < a; b++) {
                bool both = sw_option_is_of((sw_option_id)a, (sw_command_id)c) &&
                            sw_option_is_of((sw_option_id)b, (sw_command_id)c);
                assert_false(both && strcmp(sw__options[a].name, sw__options[b].name) == 0);
            }
        }
    }
    for (int i = 0; i < SW_OPTION_COUNT; i++) {
        const sw_option *option = &sw__options[i];
        assert_true(option->doc[0] && option->commands != 0);
        assert_int_equal(option->argument == NULL, option->kind == SW_OPTION_IS_FLAG);
        assert_int_equal(option->words != SW_ENUM_none, option->kind == SW_OPTION_IS_WORD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_and_their_values),
        cmocka_unit_test(test_what_is_not_given_has_its_fallback),
        cmocka_unit_test(test_the_same_word_is_another_option_elsewhere),
        cmocka_unit_test(test_words_before_options_before_words),
        cmocka_unit_test(test_help_is_everywhere),
        cmocka_unit_test(test_near_misses_are_suggested),
        cmocka_unit_test(test_values_are_checked),
        cmocka_unit_test(test_an_option_repeats_so_often_and_no_more),
        cmocka_unit_test(test_times_as_people_write_them),
        cmocka_unit_test(test_the_rows_make_sense),
    };
    return cmocka_run_group_tests_name("cli/options", tests, NULL, NULL);
}
