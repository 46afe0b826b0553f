/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line makes of numbers, texts, tables and progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>

#include "cli/cli.h"

/* A fresh arena for each test, in *state. */
static int set_up(void **state)
{
    static sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    *state = &arena;
    return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static int tear_down(void **state)
{
    sw_arena_fini(*state);
    return 0;
}

static void test_counts_have_separators(void **state)
{
    assert_string_equal(sw_show_count(*state, 0).ptr, "0");
    assert_string_equal(sw_show_count(*state, 999).ptr, "999");
    assert_string_equal(sw_show_count(*state, 1000).ptr, "1,000");
    assert_string_equal(sw_show_count(*state, 1234567).ptr, "1,234,567");
    assert_string_equal(sw_show_count(*state, -12345).ptr, "-12,345");
    assert_string_equal(sw_show_count(*state, INT64_MIN).ptr, "-9,223,372,036,854,775,808");
    assert_string_equal(sw_show_count(*state, INT64_MAX).ptr, "9,223,372,036,854,775,807");
}

static void test_money_is_exact_to_what_is_shown(void **state)
{
    assert_string_equal(sw_show_money(*state, 0).ptr, "$0.0000");
    assert_string_equal(sw_show_money(*state, 1).ptr, "<$0.0001");
    assert_string_equal(sw_show_money(*state, 49999).ptr, "<$0.0001");
    assert_string_equal(sw_show_money(*state, 50000).ptr,
                        "<$0.0001"); /* a half goes to the even 0 */
    assert_string_equal(sw_show_money(*state, 50001).ptr, "$0.0001");
    assert_string_equal(sw_show_money(*state, 150000).ptr, "$0.0002"); /* to the even 2 */
    assert_string_equal(sw_show_money(*state, 250000).ptr, "$0.0002");
    assert_string_equal(sw_show_money(*state, 999950000).ptr, "$1.0000");
    assert_string_equal(sw_show_money(*state, INT64_C(1234567890123)).ptr, "$1,234.5679");
    assert_string_equal(sw_show_money(*state, -250001).ptr, "-$0.0003");
}

static void test_money_to_the_last_digit(void **state)
{
    assert_string_equal(sw_show_money_exact(*state, 0).ptr, "$0.00");
    assert_string_equal(sw_show_money_exact(*state, 1).ptr, "$0.000000001");
    assert_string_equal(sw_show_money_exact(*state, 12345678).ptr, "$0.012345678");
    assert_string_equal(sw_show_money_exact(*state, INT64_C(5000000000)).ptr, "$5.00");
    assert_string_equal(sw_show_money_exact(*state, INT64_C(1234500000000)).ptr, "$1,234.50");
    assert_string_equal(sw_show_money_exact(*state, -10).ptr, "-$0.00000001");
}

static void test_durations_choose_their_unit(void **state)
{
    const struct {
        int64_t ns;
        const char *text;
    } rows[] = {{0, "0 ms"},
                {1, "<1 ms"},
                {499999, "<1 ms"},
                {820000000, "820 ms"},
                {999499999, "999 ms"},
                {999500001, "1.00 s"},
                {3424000000, "3.42 s"},
                {59994000000, "59.99 s"},
                {59996000000, "1m 00s"},
                {125000000000, "2m 05s"},
                {INT64_C(3599600000000), "1h 00m"},
                {INT64_C(3720000000000), "1h 02m"},
                {-820000000, "-820 ms"}};
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        assert_string_equal(sw_show_duration(*state, rows[i].ns).ptr, rows[i].text);
    }
}

static void test_sizes_times_and_shares(void **state)
{
    const int64_t now = INT64_C(1793534400000000);
    assert_string_equal(sw_show_bytes(*state, 0).ptr, "0 B");
    assert_string_equal(sw_show_bytes(*state, 1023).ptr, "1023 B");
    assert_string_equal(sw_show_bytes(*state, 1536).ptr, "1.5 KiB");
    assert_string_equal(sw_show_bytes(*state, INT64_C(5) << 30).ptr, "5.0 GiB");
    assert_string_equal(sw_show_time(*state, now).ptr, "2026-11-01T12:00:00Z");
    assert_string_equal(sw_show_time(*state, now + 999999).ptr, "2026-11-01T12:00:00Z");
    assert_string_equal(sw_show_time(*state, -1).ptr, "1969-12-31T23:59:59Z");
    assert_string_equal(sw_show_ago(*state, now, now).ptr, "now");
    assert_string_equal(sw_show_ago(*state, now - 59999999, now).ptr, "59s");
    assert_string_equal(sw_show_ago(*state, now - 60000000, now).ptr, "1m");
    assert_string_equal(sw_show_ago(*state, now - INT64_C(7200000000), now).ptr, "2h");
    assert_string_equal(sw_show_ago(*state, now - INT64_C(86400000000) * 99, now).ptr, "99d");
    sw_str old = sw_show_ago(*state, now - INT64_C(86400000000) * 100, now);
    assert_memory_equal(old.ptr, "2026-07-24", old.len);
    sw_str later = sw_show_ago(*state, now + 1, now);
    assert_memory_equal(later.ptr, "2026-11-01", later.len);
    assert_string_equal(sw_show_percent(*state, 1, 3).ptr, "33.3 %");
    assert_string_equal(sw_show_percent(*state, 1, 100000).ptr, "<0.1 %");
    assert_string_equal(sw_show_percent(*state, 0, 9).ptr, "0.0 %");
    assert_string_equal(sw_show_percent(*state, 0, 0).ptr, "-");
}

static void test_columns_of_text(void **state)
{
    (void)state;
    assert_int_equal(sw_text_columns(SW_STR("abc")), 3);
    assert_int_equal(sw_text_columns(SW_STR("Zoë")), 3);
    assert_int_equal(sw_text_columns(SW_STR("日本")), 4);
    assert_int_equal(sw_text_columns(SW_STR("e\xCC\x81")), 1); /* a combining accent */
    assert_int_equal(sw_text_columns(SW_STR("\xFF")), 1);
    assert_int_equal(sw_text_columns(SW_NULL_STR), 0);
    assert_int_equal(sw_text_fit(SW_STR("日本"), 3), 3);
    assert_int_equal(sw_text_fit(SW_STR("Zoë"), 2), 2);
    assert_int_equal(sw_text_fit(SW_STR("abc"), 9), 3);
    assert_int_equal(sw_text_fit(SW_STR("abc"), 0), 0);
}

static void test_text_cannot_steer_the_terminal(void **state)
{
    assert_string_equal(sw_text_clean(*state, SW_STR("a\033[2Jb\tc\nd"), false).ptr, "a [2Jb c d");
    assert_string_equal(sw_text_clean(*state, SW_STR("a\nb\r\n"), true).ptr, "a\nb \n");
    assert_string_equal(sw_text_clean(*state,
                                      SW_STR("\xC2\x9B"
                                             "1m"),
                                      false)
                            .ptr,
                        " 1m"); /* C1 */
    assert_string_equal(sw_text_clean(*state,
                                      SW_STR("\xE2\x80\xAE"
                                             "x"),
                                      false)
                            .ptr,
                        " x"); /* RLO */
    assert_string_equal(sw_text_clean(*state, SW_STR("Zoë 日本"), false).ptr, "Zoë 日本");
    assert_string_equal(sw_text_clean(*state, SW_STR("\xFFz\xE2\x82"), false).ptr, "?z??");
    assert_null(sw_text_clean(*state, SW_NULL_STR, false).ptr);
}

/* What `print` wrote, as a text to be freed. */
static char *printed(void (*print)(FILE *out, const void *arg), const void *arg)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    print(out, arg);
    fclose(out);
    return text;
}

typedef struct paper {
    const sw_table *table;
    int limit;
    bool colour;
} paper;

static void print_table(FILE *out, const void *arg)
{
    const paper *p = arg;
    assert_int_equal(sw_table_print(p->table, out, p->limit, p->colour), SW_STATUS_OK);
}

static void assert_table(const sw_table *table, int limit, bool colour, const char *expected)
{
    const paper p = {table, limit, colour};
    char *text = printed(print_table, &p);
    assert_string_equal(text, expected);
    free(text);
}

static const sw_column columns[] = {
    {"NAME", .least = 6},
    {"COUNT", .right = true},
    {"NOTE", .drop = 1},
    {.title = "EMPTY"},
};

static void fill(sw_table *table)
{
    sw_table_init(table, columns, SW_COUNT(columns));
    const char *const cells[] = {"a long name", "1", "first", "", "Zoë", "12,345", "", ""};
    for (size_t i = 0; i < SW_COUNT(cells); i++) {
        sw_table_add(table, sw_str_from(cells[i]), i == 0 ? SW_STYLE_BAD : SW_STYLE_PLAIN);
    }
}

static void test_a_table_aligns_and_leaves_out_what_is_empty(void **state)
{
    sw_table table;
    (void)state;
    fill(&table);
    assert_table(&table, 0, false,
                 "NAME          COUNT  NOTE\n"
                 "a long name       1  first\n"
                 "Zoë          12,345\n");
    assert_table(&table, 26, false,
                 "NAME          COUNT  NOTE\n"
                 "a long name       1  first\n"
                 "Zoë          12,345\n");
    sw_table_fini(&table);
}

static void test_a_table_fits(void **state)
{
    sw_table table;
    (void)state;
    fill(&table);
    assert_table(&table, 23, false,
                 "NAME       COUNT  NOTE\n"
                 "a long …       1  first\n"
                 "Zoë       12,345\n");
    assert_table(&table, 20, false,
                 "NAME          COUNT\n"
                 "a long name       1\n"
                 "Zoë          12,345\n");
    assert_table(&table, 14, false,
                 "NAME     COUNT\n"
                 "a lon…       1\n"
                 "Zoë     12,345\n");
    sw_table_fini(&table);
}

static void test_a_table_has_colours_and_pages(void **state)
{
    sw_table table;
    (void)state;
    fill(&table);
    assert_table(&table, 0, true,
                 "\033[1mNAME\033[0m          \033[1mCOUNT\033[0m  \033[1mNOTE\033[0m\n"
                 "\033[31ma long name\033[0m       1  first\n"
                 "Zoë          12,345\n");
    sw_table_next_page(&table);
    assert_table(&table, 0, false, "");
    const char *const cells[] = {"b", "2", "", ""};
    for (size_t i = 0; i < SW_COUNT(cells); i++) {
        sw_table_add(&table, sw_str_from(cells[i]), SW_STYLE_PLAIN);
    }
    assert_table(&table, 0, false, "b         2\n");
    sw_table_fini(&table);
}

static void test_progress_says_rate_and_time_left(void **state)
{
    sw_str line = sw_progress_line(*state, "steps", 2500, 10000, 5000000, 80);
    assert_string_equal(
        sw_arena_str(*state, line).ptr,
        "[#######.......................] 25 %  2,500 of 10,000 steps  500/s, 15 s left");
    assert_true(sw_text_columns(line) <= 80);
    line = sw_progress_line(*state, "steps", 10, 10, 1000000, 40);
    assert_string_equal(sw_arena_str(*state, line).ptr, "100 %  10 of 10 steps  10/s, 0 s left");
    assert_true(sw_progress_line(*state, "steps", 0, 0, 0, 30).len <= 30);
    assert_true(sw_progress_line(*state, "steps", 5, 3, 1, 12).len == 12);
}

static void print_prose(FILE *out, const void *arg)
{
    (void)arg;
    fputs("  --x ", out);
    sw_text_wrap(out, "one two three four", 6, 6, 14);
}

static void test_prose_is_wrapped(void **state)
{
    (void)state;
    char *text = printed(print_prose, NULL);
    assert_string_equal(text, "  --x one two\n      three\n      four\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts_have_separators, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_money_is_exact_to_what_is_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_money_to_the_last_digit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_durations_choose_their_unit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes_times_and_shares, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_columns_of_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text_cannot_steer_the_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_table_aligns_and_leaves_out_what_is_empty, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_table_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_table_has_colours_and_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress_says_rate_and_time_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_prose_is_wrapped, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("cli/words", tests, NULL, NULL);
}
