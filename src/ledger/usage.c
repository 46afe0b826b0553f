/* SPDX-License-Identifier: Apache-2.0 */
/* Usage: sums and percentiles by up to four dimensions over any range of time.
 *
 * Whole days or hours come from rollups when one of them knows every dimension and condition asked
 * for; the edges of the range, and everything no rollup knows, come from the steps themselves, within a
 * stated bound. Both ways give the same numbers: a rollup cell is the sum of its rows, always.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ledger/border.h"
#include "ledger/usage.h"

enum { SLOTS_AT_FIRST = 64 };

/* ---- groups ------------------------------------------------------------------------------------- */

bool sw__gather_fail(sw_gather *gather, sw_status status)
{
    gather->failed = true;
    gather->error.status = status;
    return false;
}

static bool key_equal(const sw_usage_key *a, const sw_usage_key *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a->number[i] != b->number[i] || !sw_str_eq(a->text[i], b->text[i])) {
            return false;
        }
    }
    return true;
}

static uint64_t key_hash(const sw_usage_key *key, size_t count)
{
    uint64_t hash = 7;

    for (size_t i = 0; i < count; i++) {
        hash = sw_hash(hash, &key->number[i], sizeof key->number[i]);
        hash = sw_hash(hash + (key->text[i].ptr != NULL), key->text[i].ptr ? key->text[i].ptr : "",
                       key->text[i].len);
    }
    return hash;
}

static bool grow(sw_gather *g)
{
    size_t size = g->size ? g->size * 2 : SLOTS_AT_FIRST;
    sw_gathered **slots = sw_arena_zeroed(g->arena, size * sizeof(sw_gathered *));

    if (!slots) {
        return sw__gather_fail(g, sw_no_memory(&g->error));
    }
    for (size_t i = 0; i < g->size; i++) {
        if (g->slots[i]) {
            size_t at = g->slots[i]->hash & (size - 1);
            while (slots[at]) {
                at = (at + 1) & (size - 1);
            }
            slots[at] = g->slots[i];
        }
    }
    g->slots = slots;
    g->size = size;
    return true;
}

static sw_gathered *new_group(sw_gather *g, const sw_usage_key *key, uint64_t hash)
{
    sw_gathered *group = NULL;

    if (g->count == SW_LIMIT_USAGE_GROUPS) {
        g->full = true;
        return NULL;
    }
    group = sw_arena_zeroed(g->arena, sizeof *group);
    for (size_t i = 0; group && i < g->query->by_count; i++) {
        group->key.number[i] = key->number[i];
        group->key.text[i] = sw_arena_str(g->arena, key->text[i]);
        if (key->text[i].ptr && !group->key.text[i].ptr) {
            group = NULL;
        }
    }
    if (!group) {
        sw__gather_fail(g, sw_no_memory(&g->error));
        return NULL;
    }
    group->hash = hash;
    return group;
}

sw_gathered *sw__gather_group(sw_gather *g, const sw_usage_key *key)
{
    uint64_t hash = key_hash(key, g->query->by_count);
    size_t at = 0;

    if (g->count * 2 >= g->size && !grow(g)) {
        return NULL;
    }
    at = hash & (g->size - 1);
    while (g->slots[at]) {
        if (g->slots[at]->hash == hash && key_equal(&g->slots[at]->key, key, g->query->by_count)) {
            return g->slots[at];
        }
        at = (at + 1) & (g->size - 1);
    }
    g->slots[at] = new_group(g, key, hash);
    g->count += g->slots[at] != NULL;
    return g->slots[at];
}

static bool times_room(sw_gather *g, sw_times *times)
{
    int64_t *values =
        sw_arena_grow(g->arena, times->values, times->count, &times->room, sizeof *values);

    if (!values) {
        return sw__gather_fail(g, sw_no_memory(&g->error));
    }
    times->values = values;
    return true;
}

/* The values go into a histogram, which has one size however many they are. */
static bool fold(sw_gather *g, sw_times *times)
{
    times->histogram = sw_arena_zeroed(g->arena, sizeof *times->histogram);
    if (!times->histogram) {
        return sw__gather_fail(g, sw_no_memory(&g->error));
    }
    for (size_t i = 0; i < times->count; i++) {
        times->histogram->count[sw_bucket_of(times->values[i])]++;
    }
    times->count = 0;
    return true;
}

void sw__gather_time(sw_gather *g, sw_times *times, int64_t ns)
{
    bool many = g->histograms || times->count == SW_LIMIT_USAGE_TIMES;

    if (many && !times->histogram && !fold(g, times)) {
        return;
    }
    if (times->histogram) {
        times->histogram->count[sw_bucket_of(ns)]++;
    } else if (times_room(g, times)) {
        times->values[times->count++] = ns;
    }
}

/* ---- percentiles -------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Nearest rank: the smallest value that `percent` of the values do not exceed. */
static int64_t nearest_rank(const sw_times *times, size_t percent)
{
    size_t rank = (times->count * percent + 99) / 100;
    return times->count ? times->values[rank - 1] : -1;
}

static sw_latency latency_of(sw_times *times)
{
    sw_latency out = {0, -1, -1, -1, !times->histogram};

    if (times->histogram) {
        out.count = sw_histogram_count(times->histogram);
        out.p50_ns = sw_histogram_percentile(times->histogram, 50);
        out.p95_ns = sw_histogram_percentile(times->histogram, 95);
        out.p99_ns = sw_histogram_percentile(times->histogram, 99);
    } else if (times->count > 0) {
        qsort(times->values, times->count, sizeof *times->values, by_value);
        out.count = (int64_t)times->count;
        out.p50_ns = nearest_rank(times, 50);
        out.p95_ns = nearest_rank(times, 95);
        out.p99_ns = nearest_rank(times, 99);
    }
    return out;
}

/* ---- the answer --------------------------------------------------------------------------------- */

static void put_digits(char *at, int value, size_t digits)
{
    while (digits-- > 0) {
        at[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* "2026-11-22", "2026-11-22T13", "2026-11-22T13:05": the day, then as much of the minute of the day as fits into `len`;
 * printf would be half of the answer. */
enum { DAY_LEN = 10, HOUR_LEN = 13, MINUTE_LEN = 16 };
static sw_str time_text(sw_arena *arena, int64_t days, int minute, size_t len)
{
    char text[MINUTE_LEN] = {'0', '0', '0', '0', '-', '0', '0', '-',
                             '0', '0', 'T', '0', '0', ':', '0', '0'};
    int year = 0;
    int month = 0;
    int day = 0;

    sw_day_civil(days, &year, &month, &day);
    put_digits(text, year, 4);
    put_digits(text + 5, month, 2);
    put_digits(text + 8, day, 2);
    put_digits(text + 11, minute / 60, 2);
    put_digits(text + 14, minute % 60, 2);
    return sw_arena_str(arena, sw_str_make(text, len));
}

/* Of a number of units since 1970, so many of which are a day. */
static sw_str unit_text(sw_arena *arena, int64_t number, int a_day, size_t len)
{
    int of_day = (int)(((number % a_day) + a_day) % a_day);
    return time_text(arena, (number - of_day) / a_day, of_day * (24 * 60 / a_day), len);
}

static sw_str key_text(const sw_gather *g, const sw_usage_key *key, size_t i)
{
    if (g->query->by[i] == SW_DIMENSION_STATUS) {
        return sw_str_from(sw_enum_word(SW_ENUM_step_status, key->number[i]));
    }
    if (g->query->by[i] == SW_DIMENSION_DAY) {
        return unit_text(g->arena, key->number[i], 1, DAY_LEN);
    }
    if (g->query->by[i] == SW_DIMENSION_HOUR) {
        return unit_text(g->arena, key->number[i], 24, HOUR_LEN);
    }
    if (g->query->by[i] == SW_DIMENSION_MINUTE) {
        return unit_text(g->arena, key->number[i], 24 * 60, MINUTE_LEN);
    }
    return key->text[i];
}

static int by_key(const void *a, const void *b, void *arg)
{
    const sw_usage_group *x = a;
    const sw_usage_group *y = b;
    size_t count = *(const size_t *)arg;
    int c = 0;

    for (size_t i = 0; i < count && c == 0; i++) {
        c = sw_str_cmp(x->keys[i], y->keys[i]);
    }
    return c;
}

static sw_usage_group *sorted(sw_gather *g, size_t *count)
{
    sw_usage_group *groups = sw_arena_zeroed(g->arena, (g->count + 1) * sizeof *groups);
    size_t by_count = g->query->by_count;
    size_t n = 0;

    for (size_t i = 0; groups && i < g->size; i++) {
        sw_gathered *from = g->slots[i];
        if (!from || (by_count > 0 && from->sums.v[0] == 0)) {
            continue; /* cells whose steps have all gone */
        }
        memcpy(&groups[n].totals, &from->sums, sizeof groups[n].totals);
        for (size_t k = 0; k < by_count; k++) {
            groups[n].keys[k] = key_text(g, &from->key, k);
        }
        groups[n].step_time = latency_of(&from->times[0]);
        groups[n].model_time = latency_of(&from->times[1]);
        groups[n].tool_time = latency_of(&from->times[2]);
        n++;
    }
    if (groups) {
        qsort_r(groups, n, sizeof *groups, by_key, &by_count);
    }
    *count = n;
    return groups;
}

static sw_status answer(sw_gather *g, sw_usage_each *each, void *arg, sw_usage_end *end,
                        sw_error *err)
{
    static const sw_usage_key none;
    size_t count = 0;
    sw_usage_group *groups = NULL;

    if (g->query->by_count == 0 && g->count == 0 && !sw__gather_group(g, &none)) {
        return sw_no_memory(err);
    }
    groups = sorted(g, &count);
    if (!groups) {
        return sw_no_memory(err);
    }
    end->groups = count;
    end->rows = sw__is_limited(g->actor) ? 0 : g->rows;
    end->cells = sw__is_limited(g->actor) ? 0 : g->cells;
    end->complete = !g->full && !g->cut;
    for (size_t i = 0; i < count; i++) {
        if (!each(arg, &groups[i])) {
            break;
        }
    }
    return SW_STATUS_OK;
}

/* ---- the plan ----------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

typedef struct plan {
    int64_t from;  /* microseconds; INT64_MIN: the beginning */
    int64_t to;    /* INT64_MAX: no end */
    int64_t first; /* whole units [first, last) come from sums */
    int64_t last;
    int64_t unit_us;
} plan;

static bool plan_units(const sw_usage_query *q, int64_t unit_us, plan *p)
{
    p->unit_us = unit_us;
    p->from = q->from.known ? q->from.value : INT64_MIN;
    p->to = q->to.known ? q->to.value : INT64_MAX;
    p->first = q->from.known ? -floor_div(-p->from, unit_us) : INT64_MIN;
    p->last = q->to.known ? floor_div(p->to, unit_us) : INT64_MAX;
    return p->first < p->last;
}

static sw_status gather_edges(sw_gather *g, const plan *p, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (p->to != INT64_MAX && p->last * p->unit_us < p->to) {
        status = sw__usage_rows(g, p->last * p->unit_us, p->to, err);
    }
    if (status == SW_STATUS_OK && p->from != INT64_MIN && p->from < p->first * p->unit_us) {
        status = sw__usage_rows(g, p->from, p->first * p->unit_us, err);
    }
    return status;
}

static sw_status gather(sw_gather *g, sw_usage_end *end, sw_error *err)
{
    sw_record_id spread = SW_RECORD_LATENCY_ORG_DAY;
    int64_t unit_us = 0;
    int rollup = sw__usage_rollup(g->actor, g->query, &unit_us);
    bool spreads = g->query->latency && sw__usage_histograms(g->actor, g->query, &spread);
    plan p;
    sw_status status = SW_STATUS_OK;

    if (g->query->latency) {
        rollup = spreads ? rollup : -1;
    }
    if (rollup < 0 || !plan_units(g->query, unit_us, &p)) {
        end->source = SW_USAGE_SOURCE_ROWS;
        return sw__usage_rows(g, g->query->from.known ? g->query->from.value : INT64_MIN,
                              g->query->to.known ? g->query->to.value : INT64_MAX, err);
    }
    g->histograms = spreads;
    status = sw__usage_cells(g, rollup, p.first, p.last, err);
    if (status == SW_STATUS_OK && spreads) {
        status = sw__usage_spread(g, spread, p.first, p.last, err);
    }
    if (status == SW_STATUS_OK) {
        status = gather_edges(g, &p, err);
    }
    end->source =
        g->rows > 0 && !sw__is_limited(g->actor) ? SW_USAGE_SOURCE_BOTH : SW_USAGE_SOURCE_ROLLUP;
    return status;
}

static sw_status check_query(const sw_usage_query *q, sw_error *err)
{
    if (q->by_count > SW_DIMENSIONS_MAX) {
        return sw_fail(err, SW_STATUS_INVALID, "by", "at most %d dimensions", SW_DIMENSIONS_MAX);
    }
    for (size_t i = 0; i < q->by_count; i++) {
        if ((unsigned)q->by[i] >= SW_DIMENSION_COUNT) {
            return sw_fail(err, SW_STATUS_INVALID, "by", "is no dimension");
        }
    }
    if (sw__check_conditions(SW_RECORD_STEP, q->conditions, q->condition_count, err) !=
        SW_STATUS_OK) {
        return SW_STATUS_INVALID;
    }
    if (q->from.known && q->to.known && q->from.value > q->to.value) {
        return sw_fail(err, SW_STATUS_INVALID, "from", "must be earlier than or equal to `to`");
    }
    if (q->zone_minutes < -18 * 60 || q->zone_minutes > 18 * 60) {
        return sw_fail(err, SW_STATUS_INVALID, "zone_minutes", "must be within 18 hours of UTC");
    }
    return SW_STATUS_OK;
}

/* A caller who is limited to a project asks for its steps only. */
static sw_status in_project(sw_gather *g, sw_usage_query *limited, sw_value *project, sw_error *err)
{
    const sw_usage_query *q = g->query;
    sw_condition *conditions = NULL;

    if (!g->actor || !g->actor->project_id.ptr) {
        return SW_STATUS_OK;
    }
    conditions = sw_arena_zeroed(g->arena, (q->condition_count + 1) * sizeof *conditions);
    if (!conditions) {
        return sw_no_memory(err);
    }
    if (q->condition_count > 0) {
        memcpy(conditions, q->conditions, q->condition_count * sizeof *conditions);
    }
    *project = (sw_value){.text = g->actor->project_id};
    conditions[q->condition_count] = (sw_condition){SW_STEP_PROJECT_ID, SW_OP_EQ, project, 1};
    *limited = *q;
    limited->conditions = conditions;
    limited->condition_count++;
    g->query = limited;
    return SW_STATUS_OK;
}

sw_status sw_usage(sw_ledger *ledger, const sw_actor *actor, const sw_usage_query *query,
                   sw_usage_each *each, void *arg, sw_usage_end *end, sw_error *err)
{
    sw_error local = {.status = SW_STATUS_OK};
    sw_usage_end unwanted;
    sw_usage_query limited;
    sw_value project;
    sw_arena arena;
    sw_gather g = {.arena = &arena,
                   .actor = actor,
                   .query = query,
                   .row_limit = query->row_limit ? query->row_limit : SW_LIMIT_USAGE_ROWS};
    sw_status status = check_query(query, err);

    err = err ? err : &local;
    end = end ? end : &unwanted;
    memset(end, 0, sizeof *end);
    if (status == SW_STATUS_OK) {
        status = sw__snapshot_begin(ledger, &g.session, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &ledger->allocator, 0);
    status = in_project(&g, &limited, &project, err);
    if (status == SW_STATUS_OK) {
        status = gather(&g, end, err);
    }
    if (status == SW_STATUS_OK && g.failed) {
        *err = g.error;
        status = g.error.status;
    }
    if (status == SW_STATUS_OK) {
        status = answer(&g, each, arg, end, err);
    }
    sw_arena_fini(&arena);
    sw__snapshot_end(ledger, g.session);
    return status;
}
