/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones and times as people write them: words (today, yesterday, 7d), dates and RFC 3339. A zone is
 * a fixed distance to UTC, or a place whose distance changes over the year; the C library knows places.
 * A time that names no zone is one of the zone that --tz asks for, else of UTC.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_US = 1000000 };
#define DAY_US (INT64_C(86400) * SECOND_US)

/* ---- zones ------------------------------------------------------------------------------------- */

/* "+02:00", "-0530", "+2" */
static bool read_distance(sw_str text, int32_t *minutes)
{
    char digits[8] = {0};
    size_t count = 0;
    if (text.len < 2 || !strchr("+-", text.ptr[0])) {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == ':' && count == 2) {
            continue;
        }
        if (!isdigit((unsigned char)text.ptr[i]) || count == 4) {
            return false;
        }
        digits[count++] = text.ptr[i];
    }
    int number = (int)strtol(digits, NULL, 10);
    int hours = count > 2 ? number / 100 : number;
    int rest = count > 2 ? number % 100 : 0;
    *minutes = (text.ptr[0] == '-' ? -1 : 1) * (hours * 60 + rest);
    return count != 3 && hours <= 14 && rest < 60;
}

static bool is_place(sw_str name)
{
    char path[160];
    for (size_t i = 0; i < name.len; i++) {
        if (!isalnum((unsigned char)name.ptr[i]) && !strchr("/_+-", name.ptr[i])) {
            return false;
        }
    }
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", (int)name.len, name.ptr);
    return name.len > 0 && name.len < 80 && name.ptr[0] != '/' && access(path, R_OK) == 0;
}

bool sw_zone_read(sw_str text, sw_zone *out)
{
    char name[96];
    *out = (sw_zone){.place = false};
    if (sw_str_eq(text, SW_STR("UTC")) || sw_str_eq(text, SW_STR("Z")) ||
        read_distance(text, &out->minutes)) {
        return true;
    }
    out->place = true;
    if (!sw_str_eq(text, SW_STR("local"))) {
        if (!is_place(text)) {
            return false;
        }
        snprintf(name, sizeof name, ":%.*s", (int)text.len, text.ptr);
        (void)setenv("TZ", name, 1);
    }
    tzset();
    return true;
}

int32_t sw_zone_minutes(const sw_zone *zone, int64_t us)
{
    time_t seconds = (time_t)(us / SECOND_US - (us % SECOND_US < 0));
    struct tm parts;
    if (!zone || !zone->place) {
        return zone ? zone->minutes : 0;
    }
    return localtime_r(&seconds, &parts) ? (int32_t)(parts.tm_gmtoff / 60) : 0;
}

/* Guessed with the distance at the same reading of UTC, then once more with that of the guess. */
int64_t sw_zone_to_utc(const sw_zone *zone, int64_t civil_us)
{
    int64_t guess = civil_us - sw_zone_minutes(zone, civil_us) * INT64_C(60) * SECOND_US;
    return civil_us - sw_zone_minutes(zone, guess) * INT64_C(60) * SECOND_US;
}

int64_t sw_zone_day(const sw_zone *zone, int64_t us)
{
    return sw_time_day(us + sw_zone_minutes(zone, us) * INT64_C(60) * SECOND_US);
}

int64_t sw_zone_day_begins(const sw_zone *zone, int64_t day)
{
    return sw_zone_to_utc(zone, day * DAY_US);
}

sw_str sw_zone_show(sw_arena *arena, const sw_zone *zone, int64_t us)
{
    int32_t minutes = sw_zone_minutes(zone, us);
    int32_t size = minutes < 0 ? -minutes : minutes;
    sw_str text = sw_show_time(arena, us + minutes * INT64_C(60) * SECOND_US);
    if (minutes == 0 || text.len < 2) {
        return text;
    }
    return sw_arena_printf(arena, "%.*s%c%02d:%02d", (int)text.len - 1, text.ptr,
                           minutes < 0 ? '-' : '+', (int)(size / 60), (int)(size % 60));
}

/* ---- times --------------------------------------------------------------------------------------- */

static int64_t unit_us(char unit)
{
    switch (unit) {
    case 's':
        return SECOND_US;
    case 'm':
        return INT64_C(60) * SECOND_US;
    case 'h':
        return INT64_C(3600) * SECOND_US;
    case 'd':
        return DAY_US;
    case 'w':
        return 7 * DAY_US;
    default:
        return 0;
    }
}

static bool read_ago(sw_str text, int64_t now_us, int64_t *us)
{
    int64_t number = 0;
    int64_t unit = text.len > 1 ? unit_us(text.ptr[text.len - 1]) : 0;
    bool ok = unit && isdigit((unsigned char)text.ptr[0]) &&
              sw_parse_int(sw_str_make(text.ptr, text.len - 1), &number) &&
              number <= INT64_MAX / 4 / unit;
    if (ok) {
        *us = now_us - number * unit;
    }
    return ok;
}

/* Whether a date or time in ISO 8601 says its zone: Z, or a sign behind the date. */
static bool names_zone(sw_str text)
{
    for (size_t i = 10; i < text.len; i++) {
        if (strchr("Zz+-", text.ptr[i])) {
            return true;
        }
    }
    return false;
}

bool sw_time_read(sw_str text, int64_t now_us, const sw_zone *zone, int64_t *us)
{
    int64_t today = sw_zone_day(zone, now_us);
    if (sw_str_eq(text, SW_STR("now"))) {
        *us = now_us;
    } else if (sw_str_eq(text, SW_STR("today"))) {
        *us = sw_zone_day_begins(zone, today);
    } else if (sw_str_eq(text, SW_STR("yesterday"))) {
        *us = sw_zone_day_begins(zone, today - 1);
    } else if (sw_time_parse(text, us)) {
        *us = names_zone(text) ? *us : sw_zone_to_utc(zone, *us);
    } else {
        return read_ago(text, now_us, us);
    }
    return true;
}
