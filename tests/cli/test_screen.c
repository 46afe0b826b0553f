/* SPDX-License-Identifier: Apache-2.0 */
/* On a terminal: what is printed fits, is coloured when that is wanted, and shows progress that
 * wipes itself out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <locale.h>

#include "cli/cli.h"
#include "tests/cli/child.h"

static int set_up(void **state)
{
    if (child_set_up(state) != 0 || !setlocale(LC_CTYPE, "C.UTF-8")) {
        return -1;
    }
    MUST("demo", "--steps", "500");
    return 0;
}

/* Removes the sequences that set colours; anything else that begins with ESC is a failure. */
static void strip_colours(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        if (*at == '\033') {
            size_t length = 1 + strspn(at + 1, "[0123456789;");
            assert_int_equal(at[length], 'm');
            at += length + 1;
        } else {
            *to++ = *at++;
        }
    }
    *to = '\0';
}

static int widest_line(const char *text)
{
    int widest = 0;
    while (*text) {
        size_t length = strcspn(text, "\r\n");
        int columns = sw_text_columns(sw_str_make(text, length));
        widest = columns > widest ? columns : widest;
        text += length;
        text += strspn(text, "\r\n");
    }
    return widest;
}

static void assert_fits(int columns, const char *const *words)
{
    child c = child_run_on_terminal(columns, words);
    assert_int_equal(c.code, 0);
    strip_colours(c.out);
    int widest = widest_line(c.out);
    if (widest > columns || widest < 20) {
        fail_msg("stepwell %s: %d columns of %d:\n%s", words[0], widest, columns, c.out);
    }
    child_free(&c);
}
#define FITS(COLUMNS, ...) assert_fits(COLUMNS, (const char *const[]){__VA_ARGS__, NULL})

/* A run of the demo with several steps. */
static void find_run(char out[64])
{
    json_t *steps = LINES("steps", "--json", "--limit", "0");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *run = json_object_get(json_array_get(steps, i), "run_id");
        if (json_is_string(run)) {
            snprintf(out, 64, "%s", json_string_value(run));
        }
    }
    json_decref(steps);
}

static void test_everything_fits(void **state)
{
    const int widths[] = {80, 100, 200};
    char run[64] = "";
    (void)state;
    find_run(run);
    for (size_t i = 0; i < SW_COUNT(widths); i++) {
        FITS(widths[i], "steps");
        FITS(widths[i], "steps", "--failed");
        FITS(widths[i], "usage");
        FITS(widths[i], "usage", "--by", "model", "--latency");
        FITS(widths[i], "usage", "--by", "agent,status");
        FITS(widths[i], "usage", "--by", "organization,project");
        FITS(widths[i], "usage", "--by", "user");
        FITS(widths[i], "usage", "daily");
        FITS(widths[i], "usage", "session");
        FITS(widths[i], "usage", "blocks", "--tz", "Europe/Berlin");
        FITS(widths[i], "run", run, "--brief");
        FITS(widths[i], "grep", "the", "--limit", "5");
        FITS(widths[i], "top", "--once");
        FITS(widths[i], "help", "export");
        FITS(widths[i], "verify");
        FITS(widths[i], "info");
        FITS(widths[i], "help");
        FITS(widths[i], "help", "steps");
        FITS(widths[i], "help", "usage");
        FITS(widths[i], "help", "demo");
    }
}

/* What is cut away on a narrow terminal are never the numbers that matter nor the id. */
static void test_a_narrow_terminal_still_shows_the_id_and_what_is_unknown(void **state)
{
    child steps = child_run_on_terminal(80, (const char *const[]){"steps", "--limit", "5", NULL});
    child usage = child_run_on_terminal(80, (const char *const[]){"usage", "--by", "model", NULL});
    json_t *newest = LINES("steps", "--json", "--limit", "1");
    const char *id = json_string_value(json_object_get(json_array_get(newest, 0), "id"));
    (void)state;
    assert_non_null(strstr(steps.out, id + strlen("step-")));
    assert_non_null(strstr(usage.out, "unknown"));
    child_free(&steps);
    child_free(&usage);
    json_decref(newest);
}

static void test_colours_are_for_terminals_that_want_them(void **state)
{
    const char *const words[] = {"steps", "--failed", NULL};
    child coloured = child_run_on_terminal(120, words);
    (void)state;
    assert_non_null(strstr(coloured.out, "\033[31mfailed\033[0m"));
    setenv("NO_COLOR", "1", 1);
    child plain = child_run_on_terminal(120, words);
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    child dumb = child_run_on_terminal(120, words);
    setenv("TERM", "xterm", 1);
    assert_null(strchr(plain.out, '\033'));
    assert_null(strchr(dumb.out, '\033'));
    child_free(&coloured);
    child_free(&plain);
    child_free(&dumb);
}

static void test_times_are_relative_on_a_terminal(void **state)
{
    const char *const words[] = {"demo", "--until", "now", "--seed", "77", "--steps", "40", NULL};
    child demo = child_run(words);
    child steps = child_run_on_terminal(120, (const char *const[]){"steps", "--limit", "1", NULL});
    (void)state;
    assert_int_equal(demo.code, 0);
    strip_colours(steps.out);
    const char *row = strchr(steps.out, '\n') + 1;
    size_t digits = strspn(row, "0123456789");
    bool ago = digits > 0 && digits < 3 && strchr("smhd", row[digits]) && row[digits + 1] == ' ';
    assert_true(ago || strncmp(row, "now ", 4) == 0);
    child_free(&demo);
    child_free(&steps);
}

static void test_show_cannot_be_steered_by_what_an_agent_wrote(void **state)
{
    json_t *steps = LINES("steps", "--json", "--limit", "1", "--status", "success");
    const char *id = json_string_value(json_object_get(json_array_get(steps, 0), "id"));
    child shown = child_run_on_terminal(80, (const char *const[]){"show", id, NULL});
    (void)state;
    assert_int_equal(shown.code, 0);
    strip_colours(shown.out); /* fails on any other sequence */
    child_free(&shown);
    json_decref(steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_fits),
        cmocka_unit_test(test_a_narrow_terminal_still_shows_the_id_and_what_is_unknown),
        cmocka_unit_test(test_colours_are_for_terminals_that_want_them),
        cmocka_unit_test(test_times_are_relative_on_a_terminal),
        cmocka_unit_test(test_show_cannot_be_steered_by_what_an_agent_wrote),
    };
    return cmocka_run_group_tests_name("cli/screen", tests, set_up, child_tear_down);
}
