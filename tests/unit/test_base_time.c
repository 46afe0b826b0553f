/* SPDX-License-Identifier: Apache-2.0 */
/* Time, held to libc's calendar (timegm, gmtime_r, strftime) and to a table of texts. */
#include "test_base.h"

#include <time.h>

static const int64_t A_SECOND = 1000000;
static const int64_t FIRST = INT64_C(-62135596800); /* 0001-01-01T00:00:00 */
static const int64_t LAST = INT64_C(253402300799);  /* 9999-12-31T23:59:59 */

static int64_t random_second(uint64_t *random)
{
    return FIRST + (int64_t)(test_random(random) % (uint64_t)(LAST - FIRST + 1));
}

static void printing_agrees_with_libc(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (size_t round = test_rounds(50000); round > 0; round--) {
        char expected[96], date[64], out[SW_TIME_TEXT];
        time_t second = (time_t)random_second(&random);
        int64_t fraction = test_below(&random, 3) ? (int64_t)test_below(&random, 1000000) : 0;
        bool zone = test_below(&random, 2);
        struct tm tm;
        assert_non_null(gmtime_r(&second, &tm));
        (void)snprintf(date, sizeof date, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        if (fraction != 0) {
            (void)snprintf(expected, sizeof expected, "%s.%06d%s", date, (int)fraction,
                           zone ? "Z" : "");
        } else {
            (void)snprintf(expected, sizeof expected, "%s%s", date, zone ? "Z" : "");
        }
        size_t len = sw_time_print((int64_t)second * A_SECOND + fraction, zone, out);
        assert_string_equal(out, expected);
        assert_int_equal(len, strlen(expected));
    }
}

static void parsing_agrees_with_libc(void **state)
{
    uint64_t random = 2;
    (void)state;
    for (size_t round = test_rounds(50000); round > 0; round--) {
        struct tm tm = {
            .tm_year = (int)test_below(&random, 9999) - 1899,
            .tm_mon = (int)test_below(&random, 12),
            .tm_mday = 1 + (int)test_below(&random, 31),
            .tm_hour = (int)test_below(&random, 24),
            .tm_min = (int)test_below(&random, 60),
            .tm_sec = (int)test_below(&random, 60),
        };
        struct tm normal = tm;
        char text[64];
        int64_t second = (int64_t)timegm(&normal);
        bool exists = normal.tm_mday == tm.tm_mday; /* timegm turns February 30 into March */
        int64_t us = 0;
        (void)snprintf(text, sizeof text, "%04d-%02d-%02d%c%02d:%02d:%02d", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, test_below(&random, 2) ? 'T' : ' ', tm.tm_hour,
                       tm.tm_min, tm.tm_sec);
        assert_int_equal(sw_time_parse(sw_str_from(text), &us), exists);
        if (exists) {
            assert_true(us == second * A_SECOND);
        }
    }
}

static void what_is_printed_reads_back(void **state)
{
    uint64_t random = 3;
    (void)state;
    for (size_t round = test_rounds(50000); round > 0; round--) {
        char out[SW_TIME_TEXT];
        int64_t us = random_second(&random) * A_SECOND + (int64_t)test_below(&random, 1000000);
        int64_t back = 0;
        size_t len = sw_time_print(us, test_below(&random, 2), out);
        assert_true(sw_time_parse(sw_str_make(out, len), &back));
        assert_true(back == us);
    }
}

static void days_agree_with_libc(void **state)
{
    (void)state;
    for (int64_t day = FIRST / 86400; day <= LAST / 86400; day++) {
        int year = 0, month = 0, mday = 0;
        sw_day_civil(day, &year, &month, &mday);
        if (sw_civil_day(year, month, mday) != day) {
            fail_msg("day %ld does not come back", (long)day);
        }
        if (day % 7 == 0) {
            time_t second = (time_t)day * 86400;
            struct tm tm;
            assert_non_null(gmtime_r(&second, &tm));
            assert_int_equal(year, tm.tm_year + 1900);
            assert_int_equal(month, tm.tm_mon + 1);
            assert_int_equal(mday, tm.tm_mday);
        }
    }
}

static void days_begin_at_midnight_also_before_1970(void **state)
{
    const int64_t a_day = 86400 * A_SECOND;
    (void)state;
    assert_true(sw_time_day(0) == 0);
    assert_true(sw_time_day(a_day - 1) == 0);
    assert_true(sw_time_day(a_day) == 1);
    assert_true(sw_time_day(-1) == -1);
    assert_true(sw_time_day(-a_day) == -1);
    assert_true(sw_time_day(-a_day - 1) == -2);
}

static void times_outside_the_years_are_clamped(void **state)
{
    char out[SW_TIME_TEXT];
    (void)state;
    (void)sw_time_print(INT64_MIN, true, out);
    assert_string_equal(out, "0001-01-01T00:00:00Z");
    (void)sw_time_print(FIRST * A_SECOND - 1, true, out);
    assert_string_equal(out, "0001-01-01T00:00:00Z");
    (void)sw_time_print(INT64_MAX, false, out);
    assert_string_equal(out, "9999-12-31T23:59:59.999999");
    (void)sw_time_print((LAST + 1) * A_SECOND, false, out);
    assert_string_equal(out, "9999-12-31T23:59:59.999999");
}

static void every_form_is_read(void **state)
{
    /* 2025-01-29T23:01:19Z, as `date -u +%s` has it */
    const int64_t us = INT64_C(1738191679) * A_SECOND;
    static const struct {
        const char *text;
        int64_t more;
    } cases[] = {
        {"2025-01-29T23:01:19Z", 0},
        {"2025-01-29T23:01:19", 0},
        {"2025-01-29 23:01:19", 0},
        {"2025-01-29T23:01:19.1Z", 100000},
        {"2025-01-29T23:01:19.123456Z", 123456},
        {"2025-01-29T23:01:19.1234567Z", 123456},
        {"2025-01-29T23:01:19.999999999999999999999999", 999999},
        {"2025-01-29T23:01:19+00:00", 0},
        {"2025-01-29T23:01:19-00:00", 0},
        {"2025-01-30T01:01:19+02:00", 0},
        {"2025-01-29T17:31:19-05:30", 0},
        {"2025-01-30 01:01:19.5+02:00", 500000},
        {"2025-01-29T23:01Z", -19 * 1000000},
        {"2025-01-29T23:01", -19 * 1000000},
        {"2025-01-29", -(23 * 3600 + 79) * INT64_C(1000000)},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        int64_t got = 0;
        if (!sw_time_parse(sw_str_from(cases[i].text), &got) || got != us + cases[i].more) {
            fail_msg("%s was read as %ld", cases[i].text, (long)got);
        }
    }
}

static void anything_else_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "2025",
        "2025-01",
        "2025-1-29",
        "25-01-29",
        "2025/01/29",
        "20250129",
        "2025-13-01",
        "2025-00-01",
        "2025-01-00",
        "2025-01-32",
        "2025-02-29",
        "1900-02-29",
        "2025-04-31",
        "0000-01-01",
        "-001-01-01",
        "2025-01-29T",
        "2025-01-29 ",
        "2025-01-29Z",
        "2025-01-29T23",
        "2025-01-29T23:1:19",
        "2025-01-29T24:00:00",
        "2025-01-29T23:60:00",
        "2025-01-29T23:01:60",
        "2025-01-29T23:01:19.",
        "2025-01-29T23:01:19.Z",
        "2025-01-29T23:01:19,5",
        "2025-01-29T23:01.5",
        "2025-01-29T23:01:19z",
        "2025-01-29t23:01:19",
        "2025-01-29T23:01:19ZZ",
        "2025-01-29T23:01:19 Z",
        "2025-01-29T23:01:19+02",
        "2025-01-29T23:01:19+0200",
        "2025-01-29T23:01:19+24:00",
        "2025-01-29T23:01:19+02:60",
        "2025-01-29T23:01:19+02:00Z",
        " 2025-01-29",
        "2025-01-29T23:01:19Z ",
        "now",
        "2025-01-29  23:01:19",
        "2025-01-29T-1:01:19",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    };
    int64_t us = 17;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        if (sw_time_parse(sw_str_from(cases[i]), &us) || us != 17) {
            fail_msg("'%s' was read", cases[i]);
        }
    }
    assert_false(sw_time_parse(SW_NULL_STR, &us));
    /* February 29 is there exactly when it should be. */
    assert_true(sw_time_parse(SW_STR("2000-02-29"), &us));
    assert_true(sw_time_parse(SW_STR("2024-02-29"), &us));
}

static void a_cut_text_is_refused_or_means_less(void **state)
{
    sw_str text = SW_STR("2025-01-29T23:01:19.123456+02:00");
    (void)state;
    for (size_t len = 0; len < text.len; len++) {
        /* Copied to its size, so that reading past the end is seen. */
        char *copy = malloc(len + 1);
        int64_t us = 0;
        assert_non_null(copy);
        memcpy(copy, text.ptr, len);
        bool whole = len == 10 || len == 16 || len == 19 || (len >= 21 && len <= 26);
        assert_int_equal(sw_time_parse(sw_str_make(copy, len), &us), whole);
        free(copy);
    }
}

static void the_system_clock_is_the_system_clock(void **state)
{
    const sw_clock *clock = &sw__system_clock;
    (void)state;
    int64_t before = (int64_t)time(NULL);
    int64_t wall = clock->wall_us(clock->data);
    int64_t after = (int64_t)time(NULL);
    assert_true(wall / A_SECOND >= before - 1 && wall / A_SECOND <= after + 1);
    int64_t last = clock->mono_us(clock->data);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock->mono_us(clock->data);
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printing_agrees_with_libc),
        cmocka_unit_test(parsing_agrees_with_libc),
        cmocka_unit_test(what_is_printed_reads_back),
        cmocka_unit_test(days_agree_with_libc),
        cmocka_unit_test(days_begin_at_midnight_also_before_1970),
        cmocka_unit_test(times_outside_the_years_are_clamped),
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_cut_text_is_refused_or_means_less),
        cmocka_unit_test(the_system_clock_is_the_system_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
