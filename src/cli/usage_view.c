/* SPDX-License-Identifier: Apache-2.0 */
/* `usage daily`, `weekly` and so on: words for groupings that people ask for, and what is made of the
 * ledger's days where they ask for weeks and months. Where the zone is a place, whose distance to UTC
 * changes over the year, the question is asked once for each stretch between two changes, and what
 * belongs together is added up, so that a day is that place's day in summer and in winter.
 */
#include <stdlib.h>

#include "cli/source.h"
#include "cli/usage.h"

#define DAY_US INT64_C(86400000000)
enum { DAYS_BACK = 366 * 12, DAYS_AHEAD = 2 };

const sw_usage_view sw__usage_views[] = {
    {"daily", SW_USAGE_GROUPS, SW_DIMENSION_DAY, 0},
    {"weekly", SW_USAGE_GROUPS, SW_DIMENSION_DAY, 'w'},
    {"monthly", SW_USAGE_GROUPS, SW_DIMENSION_DAY, 'm'},
    {"session", SW_USAGE_SESSIONS, SW_DIMENSION_DAY, 0},
    {"agent", SW_USAGE_GROUPS, SW_DIMENSION_AGENT, 0},
    {"model", SW_USAGE_GROUPS, SW_DIMENSION_MODEL, 0},
    {"project", SW_USAGE_GROUPS, SW_DIMENSION_PROJECT, 0},
    {"blocks", SW_USAGE_BLOCKS, SW_DIMENSION_HOUR, 0},
};
enum { VIEWS = SW_COUNT(sw__usage_views) };

sw_status sw_usage_view_find(sw_cli *cli, const sw_usage_view **out)
{
    const char *names[VIEWS];
    *out = NULL;
    for (size_t i = 0; i < VIEWS && cli->argument; i++) {
        names[i] = sw__usage_views[i].name;
        if (strcmp(cli->argument, names[i]) == 0) {
            *out = &sw__usage_views[i];
        }
    }
    if (*out || !cli->argument) {
        return SW_STATUS_OK;
    }
    int near = sw_nearest(sw_str_from(cli->argument), names, VIEWS);
    return sw_fail(&cli->error, SW_STATUS_INVALID, "", "usage cannot be shown %s%s%s%s",
                   cli->argument, near < 0 ? "; stepwell help usage says how" : "; did you mean ",
                   near < 0 ? "" : names[near], near < 0 ? "" : "?");
}

/* ---- weeks and months ----------------------------------------------------------------------------- */

/* The Monday of the week of this day, or the month. A day that is none stays as it is. */
static sw_str fold_key(sw_cli *cli, sw_str day, char fold)
{
    char text[SW_TIME_TEXT];
    int64_t us = 0;
    if (!day.ptr || day.len < 10 || !sw_time_parse(day, &us)) {
        return day;
    }
    if (fold == 'm') {
        return sw_str_make(day.ptr, 7);
    }
    int64_t number = sw_time_day(us);
    int64_t behind = (number + 3) % 7; /* 1970-01-01 was a Thursday */
    size_t len = sw_time_print((number - behind) * DAY_US, true, text);
    return sw_arena_str(&cli->arena, sw_str_make(text, len < 10 ? len : 10));
}

static int by_keys(const void *a, const void *b)
{
    const sw_usage_group *one = a;
    const sw_usage_group *two = b;
    int order = 0;
    for (size_t i = 0; i < SW_DIMENSIONS_MAX && order == 0; i++) {
        order = sw_str_cmp(one->keys[i], two->keys[i]);
    }
    return order;
}

void sw_usage_merge(sw_cli *cli, sw_usage_answer *answer, char fold)
{
    size_t kept = 0;
    answer->first = fold == 'w' ? "week" : fold == 'm' ? "month" : NULL;
    for (size_t i = 0; i < answer->count && fold; i++) {
        answer->groups[i].keys[0] = fold_key(cli, answer->groups[i].keys[0], fold);
    }
    if (answer->count > 1) {
        qsort(answer->groups, answer->count, sizeof *answer->groups, by_keys);
    }
    for (size_t i = 0; i < answer->count; i++) {
        if (kept > 0 && by_keys(&answer->groups[kept - 1], &answer->groups[i]) == 0) {
            sw_totals_add(&answer->groups[kept - 1].totals, &answer->groups[i].totals);
        } else {
            answer->groups[kept++] = answer->groups[i];
        }
    }
    answer->count = kept;
}

/* ---- places --------------------------------------------------------------------------------------- */

static bool has_days(const sw_usage_query *query)
{
    bool found = false;
    for (size_t i = 0; i < query->by_count; i++) {
        found = found || query->by[i] == SW_DIMENSION_DAY || query->by[i] == SW_DIMENSION_HOUR ||
                query->by[i] == SW_DIMENSION_MINUTE;
    }
    return found;
}

/* The first moment after `from` at which the distance is another, at most `to`. */
static int64_t next_change(const sw_zone *zone, int64_t from, int64_t to)
{
    int32_t now = sw_zone_minutes(zone, from);
    int64_t at = from;
    while (at < to && sw_zone_minutes(zone, at) == now) {
        at += DAY_US;
    }
    int64_t before = at - DAY_US;
    int64_t after = at < to ? at : to;
    if (sw_zone_minutes(zone, after) == now) {
        return to;
    }
    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;
        *(sw_zone_minutes(zone, middle) == now ? &before : &after) = middle;
    }
    return after;
}

/* What is known of all stretches together. */
static void join_ends(sw_usage_end *to, const sw_usage_end *more, bool first)
{
    bool same = first || to->source == more->source;
    bool complete = first || to->complete;
    int64_t rows = first ? 0 : to->rows;
    int64_t cells = first ? 0 : to->cells;
    *to = (sw_usage_end){.groups = more->groups,
                         .source = same ? more->source : SW_USAGE_SOURCE_BOTH,
                         .rows = rows + more->rows,
                         .cells = cells + more->cells,
                         .complete = complete && more->complete};
}

sw_status sw_usage_ask(sw_cli *cli, const sw_usage_query *query, sw_usage_each *each, void *arg,
                       sw_usage_end *end, bool *pieces)
{
    const sw_zone *zone = &cli->zone;
    sw_usage_query part = *query;
    sw_status status = SW_STATUS_OK;
    *pieces = zone->place && has_days(query);
    part.zone_minutes = has_days(query) ? sw_zone_minutes(zone, cli->now_us) : 0;
    if (!*pieces) {
        return sw_source_usage(cli, &part, each, arg, end);
    }
    if (query->latency) {
        return sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "",
                       "percentiles cannot be put together over changes of the clock; leave "
                       "--latency out, or give --tz as a distance like +02:00");
    }
    /* Steps older than twelve years are in the first stretch, those of the future in the last. */
    int64_t oldest = cli->now_us - DAYS_BACK * DAY_US;
    int64_t newest = cli->now_us + DAYS_AHEAD * DAY_US;
    int64_t at = query->from.known && query->from.value > oldest ? query->from.value : oldest;
    int64_t to = query->to.known && query->to.value < newest ? query->to.value : newest;
    bool first = true;
    bool last = false;
    while (status == SW_STATUS_OK && !last) {
        sw_usage_end piece = {.complete = true};
        int64_t next = at < to ? next_change(zone, at, to) : to;
        last = next >= to;
        part.zone_minutes = sw_zone_minutes(zone, at);
        part.from = first ? query->from : sw_int_of(at);
        part.to = last ? query->to : sw_int_of(next);
        status = sw_source_usage(cli, &part, each, arg, &piece);
        join_ends(end, &piece, first);
        first = false;
        at = next;
    }
    return status;
}
