/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as people read them. What is shown is exact to its last digit: money is rounded half-even
 * from nano-dollars, and something that is not zero never looks like zero.
 */
#include "cli/cli.h"

#include <inttypes.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* The digits of a number in groups of three; `out` has 32 bytes. */
static void group(uint64_t value, char out[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

sw_str sw_show_count(sw_arena *arena, int64_t value)
{
    char text[32];
    group(magnitude(value), text);
    return sw_arena_printf(arena, "%s%s", value < 0 ? "-" : "", text);
}

/* value / unit, rounded to the nearest, halves to the even one. */
static uint64_t round_even(uint64_t value, uint64_t unit)
{
    uint64_t whole = value / unit;
    uint64_t rest = value % unit;
    bool up = rest > unit / 2 || (rest == unit / 2 && unit % 2 == 0 && whole % 2 == 1);
    return whole + (up ? 1 : 0);
}

sw_str sw_show_money(sw_arena *arena, int64_t nano_usd)
{
    enum { UNIT = 100000, PER_DOLLAR = 10000 }; /* four decimals */
    char dollars[32];
    uint64_t shown = round_even(magnitude(nano_usd), UNIT);
    const char *sign = nano_usd < 0 ? "-" : "";
    if (shown == 0 && nano_usd != 0) {
        return sw_arena_printf(arena, "%s<$0.0001", sign);
    }
    group(shown / PER_DOLLAR, dollars);
    return sw_arena_printf(arena, "%s$%s.%04d", sign, dollars, (int)(shown % PER_DOLLAR));
}

sw_str sw_show_money_exact(sw_arena *arena, int64_t nano_usd)
{
    char dollars[32];
    char decimals[16];
    uint64_t value = magnitude(nano_usd);
    int last = snprintf(decimals, sizeof decimals, "%09" PRIu64, value % (uint64_t)NS_PER_S);
    while (last > 2 && decimals[last - 1] == '0') {
        decimals[--last] = '\0';
    }
    group(value / (uint64_t)NS_PER_S, dollars);
    return sw_arena_printf(arena, "%s$%s.%s", nano_usd < 0 ? "-" : "", dollars, decimals);
}

sw_str sw_show_duration(sw_arena *arena, int64_t ns)
{
    int64_t ms = (int64_t)round_even(magnitude(ns), (uint64_t)NS_PER_MS);
    const char *sign = ns < 0 ? "-" : "";
    if (ms < 1 && ns != 0) {
        return sw_arena_printf(arena, "%s<1 ms", sign);
    }
    if (ms < 1000) {
        return sw_arena_printf(arena, "%s%d ms", sign, (int)ms);
    }
    if (ms < 59995) {
        int centi = (int)round_even((uint64_t)ms, 10);
        return sw_arena_printf(arena, "%s%d.%02d s", sign, centi / 100, centi % 100);
    }
    int64_t seconds = (int64_t)round_even((uint64_t)ms, 1000);
    if (seconds < 3600) {
        return sw_arena_printf(arena, "%s%dm %02ds", sign, (int)(seconds / 60),
                               (int)(seconds % 60));
    }
    int64_t minutes = (int64_t)round_even((uint64_t)seconds, 60);
    return sw_arena_printf(arena, "%s%" PRId64 "h %02dm", sign, minutes / 60, (int)(minutes % 60));
}

sw_str sw_show_bytes(sw_arena *arena, int64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    uint64_t tenths = magnitude(bytes);
    size_t unit = 0;
    if (bytes < 1024) {
        return sw_arena_printf(arena, "%" PRId64 " B", bytes);
    }
    while (tenths / 1024 >= 1024 && unit + 1 < SW_COUNT(units)) {
        tenths /= 1024;
        unit++;
    }
    tenths = round_even(tenths * 10, 1024);
    return sw_arena_printf(arena, "%d.%d %s", (int)(tenths / 10), (int)(tenths % 10), units[unit]);
}

sw_str sw_show_time(sw_arena *arena, int64_t us)
{
    char text[SW_TIME_TEXT];
    int64_t seconds = us / 1000000 - (us % 1000000 < 0 ? 1 : 0);
    size_t length = sw_time_print(seconds * 1000000, true, text);
    return sw_arena_str(arena, sw_str_make(text, length));
}

sw_str sw_show_day(sw_arena *arena, int64_t us)
{
    sw_str whole = sw_show_time(arena, us);
    return whole.len > 10 ? sw_str_make(whole.ptr, 10) : whole;
}

sw_str sw_show_ago(sw_arena *arena, int64_t us, int64_t now_us)
{
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    int64_t passed = (now_us - us) / 1000000;
    if (now_us < us || passed >= INT64_C(100) * 86400) {
        return sw_show_day(arena, us);
    }
    for (size_t i = 0; i < SW_COUNT(units); i++) {
        if (passed >= units[i].seconds) {
            return sw_arena_printf(arena, "%d%c", (int)(passed / units[i].seconds), units[i].unit);
        }
    }
    return SW_STR("now");
}

sw_str sw_show_percent(sw_arena *arena, int64_t part, int64_t whole)
{
    if (whole <= 0) {
        return SW_STR("-");
    }
    /* Tenths of a percent; the counts of a ledger are far below INT64_MAX / 1000. */
    int64_t tenths = (int64_t)round_even(magnitude(part) * 1000, (uint64_t)whole);
    if (tenths == 0 && part != 0) {
        return SW_STR("<0.1 %");
    }
    return sw_arena_printf(arena, "%d.%d %%", (int)(tenths / 10), (int)(tenths % 10));
}
