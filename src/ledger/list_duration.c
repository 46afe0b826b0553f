/* SPDX-License-Identifier: Apache-2.0 */
/* Runs by how long they took: a walk along run_metrics, which knows durations, looking each run up.
 */
#include "ledger/list.h"

typedef struct durations {
    sw_page *page;
    int64_t *values;
    size_t count;
    size_t room;
    sw_bounds runs;
} durations;

/* The run of these metrics, when it is one that was asked for; on failure page->failed. */
static bool run_of(durations *d, const sw_run_metrics *metrics, sw_run *run)
{
    sw_page *p = d->page;
    sw_run key = {.id = metrics->id};
    sw_status status = sw_store_get(p->session, SW_RECORD_RUN, &key, p->arena, run, &p->error);
    bool hold = status == SW_STATUS_OK;

    for (size_t i = 0; i < p->query->metrics_condition_count && hold; i++) {
        hold = sw_condition_holds(sw_record_of(SW_RECORD_RUN_METRICS),
                                  &p->query->metrics_conditions[i], metrics);
    }
    for (size_t i = 0; i < d->runs.count && hold; i++) {
        hold = sw_condition_holds(sw_record_of(SW_RECORD_RUN), &d->runs.conditions[i], run);
    }
    if (status != SW_STATUS_OK && status != SW_STATUS_NOT_FOUND) {
        p->failed = true;
        p->error.status = status;
    }
    return hold;
}

static bool keep_duration(durations *d, int64_t ns)
{
    int64_t *values = sw_arena_grow(d->page->arena, d->values, d->count, &d->room, sizeof *values);

    if (values) {
        d->values = values;
        values[d->count++] = ns;
    }
    return values != NULL;
}

static sw_seen collect_duration(void *arg, const void *row)
{
    durations *d = arg;
    sw_mark mark = sw_arena_mark(d->page->arena);
    sw_run run;
    bool hold = run_of(d, row, &run);

    sw_arena_rewind(d->page->arena, mark);
    if (hold && !keep_duration(d, ((const sw_run_metrics *)row)->run_ns.value)) {
        d->page->failed = true;
        d->page->error.status = sw_no_memory(&d->page->error);
    }
    return d->page->failed ? SW_SEEN_STOP : SW_SEEN_SKIP;
}

static sw_seen visit_duration(void *arg, const void *row)
{
    durations *d = arg;
    sw_page *p = d->page;
    sw_mark mark = sw_arena_mark(p->arena);
    sw_run run;
    bool hold = run_of(d, row, &run);

    if (hold && p->limit > 0 && p->shown == p->limit) {
        p->more = true;
        return SW_SEEN_STOP;
    }
    if (hold) {
        p->shown++;
        p->stopped = !p->counting && !p->each(p->arg, &run);
    }
    sw_arena_rewind(p->arena, mark);
    return p->failed || p->stopped ? SW_SEEN_STOP : hold ? SW_SEEN_COUNT : SW_SEEN_SKIP;
}

static sw_status duration_scan(const sw_page *p, const sw_actor *actor, sw_bounds *metrics,
                               sw_scan *scan, sw_error *err)
{
    sw_status status = sw__bounds(actor, SW_RECORD_RUN_METRICS, NULL, 0, 1, p->arena, metrics, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    metrics->conditions[metrics->count++] =
        (sw_condition){SW_RUN_METRICS_RUN_NS, SW_OP_NOT_NULL, NULL, 0};
    *scan = (sw_scan){.record = SW_RECORD_RUN_METRICS,
                      .conditions = metrics->conditions,
                      .condition_count = metrics->count,
                      .order = {SW_RUN_METRICS_RUN_NS, SW_RUN_METRICS_ID},
                      .order_count = 2,
                      .descending = !p->query->ascending,
                      .look_limit = sw__look_limit(p->query),
                      .sort_limit = sw__look_limit(p->query)};
    return SW_STATUS_OK;
}

static sw_status walk(durations *d, const sw_actor *actor, sw_visit *see, sw_scan_end *done,
                      sw_error *err)
{
    sw_page *p = d->page;
    sw_bounds metrics;
    sw_scan scan;
    sw_status status = sw__bounds(actor, SW_RECORD_RUN, p->query->conditions,
                                  p->query->condition_count, 0, p->arena, &d->runs, err);

    if (status == SW_STATUS_OK) {
        status = duration_scan(p, actor, &metrics, &scan, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_store_scan(p->session, &scan, see, d, done, err);
    }
    if (status == SW_STATUS_OK && p->failed) {
        *err = p->error;
        status = p->error.status;
    }
    return status;
}

/* The duration at the percentile, as percentile_cont has it: linear between neighbours. The values
 * come in the scan's order. */
static int64_t percentile(const durations *d, int64_t percent, bool ascending)
{
    double at = (double)(d->count - 1) * (double)percent / 100.0;
    size_t low = (size_t)at;
    size_t high = low + 1 < d->count ? low + 1 : low;
    double a = (double)d->values[ascending ? low : d->count - 1 - low];
    double b = (double)d->values[ascending ? high : d->count - 1 - high];

    return (int64_t)(a + (b - a) * (at - (double)low) + 0.5);
}

sw_status sw__duration_floor(sw_page *page, const sw_actor *actor, int64_t percent, bool *any,
                             bool *cut, int64_t *out, sw_error *err)
{
    durations d = {.page = page};
    sw_scan_end done = {0};
    sw_status status = walk(&d, actor, collect_duration, &done, err);

    *cut = status == SW_STATUS_OK && !done.exhausted;
    *any = status == SW_STATUS_OK && d.count > 0;
    *out = *any ? percentile(&d, percent, page->query->ascending) : 0;
    return status;
}

sw_status sw__list_by_duration(sw_page *page, const sw_actor *actor, sw_list_end *end,
                               sw_error *err)
{
    durations d = {.page = page};
    sw_scan_end done = {0};
    sw_status status = walk(&d, actor, visit_duration, &done, err);

    end->count = page->shown;
    end->looked = done.looked;
    end->complete = done.exhausted;
    end->gave_up = !done.exhausted && !page->more && !page->stopped;
    return status;
}
