/* SPDX-License-Identifier: Apache-2.0 */
/* Time: the system's clocks, ISO 8601 both ways, days and dates. UTC only; the one calendar is the
 * Gregorian one, also before it was invented. Knows nothing of time zones by name.
 *
 * The idea of the calendar: count years from March, so that the leap day is the last day of a year
 * and the lengths of the months follow one line; 400 years are then always the same number of days.
 */
#include <time.h>

#include "base/bytes.h"

static const int64_t US_A_SECOND = 1000000;
static const int64_t US_A_DAY = 86400 * INT64_C(1000000);

/* ---- clocks ---------------------------------------------------------------------------------- */

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    sw_assert(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * US_A_SECOND + now.tv_nsec / 1000;
}

static int64_t system_wall(void *data)
{
    (void)data;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(void *data)
{
    (void)data;
    return read_clock(CLOCK_MONOTONIC);
}

const sw_clock sw__system_clock = {system_wall, system_mono, NULL};

/* ---- the calendar ---------------------------------------------------------------------------- */

enum {
    DAYS_400_YEARS = 146097,
    DAYS_100_YEARS = 36524, /* the 25th leap day falls out, but for the last of four such spans */
    DAYS_4_YEARS = 1461,
    MARCH_0000 = 719468 /* days from 0000-03-01 to 1970-01-01 */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t sw_time_day(int64_t us)
{
    return floor_div(us, US_A_DAY);
}

void sw_day_civil(int64_t day, int *year, int *month, int *mday)
{
    int64_t since = day + MARCH_0000;
    int64_t span = floor_div(since, DAYS_400_YEARS);
    int64_t of_span = since - span * DAYS_400_YEARS;
    /* Takes the leap days out, so that all years have 365. */
    int64_t of_365 = of_span - of_span / (DAYS_4_YEARS - 1) + of_span / DAYS_100_YEARS -
                     of_span / (DAYS_400_YEARS - 1);
    int64_t of_year = of_365 / 365;
    int64_t yday = of_span - (of_year * 365 + of_year / 4 - of_year / 100);
    int64_t from_march = (5 * yday + 2) / 153; /* five months have 153 days */
    *mday = (int)(yday - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(span * 400 + of_year + (*month <= 2));
}

int64_t sw_civil_day(int year, int month, int mday)
{
    sw_assert(month >= 1 && month <= 12);
    int64_t from_march = month > 2 ? month - 3 : month + 9;
    int64_t march_year = (int64_t)year - (month <= 2);
    int64_t span = floor_div(march_year, 400);
    int64_t of_span = march_year - span * 400;
    int64_t yday = (153 * from_march + 2) / 5 + mday - 1;
    return span * DAYS_400_YEARS + of_span * 365 + of_span / 4 - of_span / 100 + yday - MARCH_0000;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* ---- printing -------------------------------------------------------------------------------- */

static const int64_t FIRST_US = INT64_C(-62135596800000000); /* 0001-01-01T00:00:00Z */
static const int64_t LAST_US = INT64_C(253402300799999999);  /* 9999-12-31T23:59:59.999999Z */

/* Writes two digits and goes behind them. */
static char *put_two(char *at, int64_t value)
{
    memcpy(at, sw__two_digits((uint64_t)value), 2);
    return at + 2;
}

static char *put_char(char *at, char c)
{
    *at = c;
    return at + 1;
}

size_t sw_time_print(int64_t us, bool zone, char out[SW_TIME_TEXT])
{
    int year = 0, month = 0, mday = 0;
    us = us < FIRST_US ? FIRST_US : us > LAST_US ? LAST_US : us;
    int64_t day = sw_time_day(us);
    int64_t of_day = us - day * US_A_DAY;
    int64_t second = of_day / US_A_SECOND;
    int64_t fraction = of_day % US_A_SECOND;
    char *at = out;
    sw_day_civil(day, &year, &month, &mday);
    at = put_char(put_two(put_two(at, year / 100), year % 100), '-');
    at = put_char(put_two(at, month), '-');
    at = put_char(put_two(at, mday), 'T');
    at = put_char(put_two(at, second / 3600), ':');
    at = put_char(put_two(at, second / 60 % 60), ':');
    at = put_two(at, second % 60);
    if (fraction != 0) {
        at = put_two(put_char(at, '.'), fraction / 10000);
        at = put_two(put_two(at, fraction / 100 % 100), fraction % 100);
    }
    if (zone) {
        at = put_char(at, 'Z');
    }
    *at = '\0';
    return (size_t)(at - out);
}

/* ---- parsing --------------------------------------------------------------------------------- */

typedef struct scanner {
    const char *at;
    const char *end;
} scanner;

static bool scan_char(scanner *in, char c)
{
    bool is = in->at < in->end && *in->at == c;
    in->at += is;
    return is;
}

/* Exactly `count` digits, as a number from `least` to `most`. */
static bool scan_digits(scanner *in, int count, int least, int most, int *out)
{
    int value = 0;
    if (in->end - in->at < count) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        int digit = in->at[i] - '0';
        if (digit < 0 || digit > 9) {
            return false;
        }
        value = value * 10 + digit;
    }
    in->at += count;
    *out = value;
    return value >= least && value <= most;
}

static bool scan_date(scanner *in, int64_t *day)
{
    int year = 0, month = 0, mday = 0;
    bool ok = scan_digits(in, 4, 1, 9999, &year) && scan_char(in, '-') &&
              scan_digits(in, 2, 1, 12, &month) && scan_char(in, '-') &&
              scan_digits(in, 2, 1, 31, &mday) && mday <= days_of_month(year, month);
    if (ok) {
        *day = sw_civil_day(year, month, mday);
    }
    return ok;
}

/* One digit at least; what is finer than microseconds is dropped. */
static bool scan_fraction(scanner *in, int64_t *us)
{
    const char *first = in->at;
    int64_t unit = US_A_SECOND / 10;
    for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
        *us += (*in->at - '0') * unit;
        unit /= 10;
    }
    return in->at > first;
}

/* The seconds may be left out, as ISO 8601 allows and people do. */
static bool scan_clock(scanner *in, int64_t *us)
{
    int hour = 0, minute = 0, second = 0;
    if (!scan_digits(in, 2, 0, 23, &hour) || !scan_char(in, ':') ||
        !scan_digits(in, 2, 0, 59, &minute)) {
        return false;
    }
    bool exact = scan_char(in, ':');
    if (exact && !scan_digits(in, 2, 0, 59, &second)) {
        return false;
    }
    *us = (hour * 3600 + minute * 60 + second) * US_A_SECOND;
    return !exact || !scan_char(in, '.') || scan_fraction(in, us);
}

/* How far the text's clock is ahead of UTC; nothing at all is UTC. */
static bool scan_zone(scanner *in, int64_t *ahead_us)
{
    int hour = 0, minute = 0;
    *ahead_us = 0;
    if (in->at == in->end || scan_char(in, 'Z')) {
        return true;
    }
    bool east = scan_char(in, '+');
    if ((!east && !scan_char(in, '-')) || !scan_digits(in, 2, 0, 23, &hour) ||
        !scan_char(in, ':') || !scan_digits(in, 2, 0, 59, &minute)) {
        return false;
    }
    *ahead_us = (hour * 3600 + minute * 60) * US_A_SECOND * (east ? 1 : -1);
    return true;
}

bool sw_time_parse(sw_str text, int64_t *us)
{
    if (text.len == 0) {
        return false;
    }
    scanner in = {text.ptr, text.ptr + text.len};
    int64_t day = 0, of_day = 0, ahead = 0;
    if (!scan_date(&in, &day)) {
        return false;
    }
    if (in.at < in.end) {
        bool timed = scan_char(&in, 'T') || scan_char(&in, ' ');
        if (!timed || !scan_clock(&in, &of_day) || !scan_zone(&in, &ahead)) {
            return false;
        }
    }
    int64_t value = day * US_A_DAY + of_day - ahead;
    /* A zone can push the first and the last day out of the years that can be printed. */
    if (in.at != in.end || value < FIRST_US || value > LAST_US) {
        return false;
    }
    *us = value;
    return true;
}
