/* SPDX-License-Identifier: Apache-2.0 */
/* Percentiles of step, model and tool time: from rows they are exact (the value of the nearest rank),
 * from histograms within 2 %.
 */
#include "tests/lib/lt.h"

#include <stdlib.h>

enum { STEPS = 400 };
#define DAY INT64_C(86400000000)

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The smallest value that at least p percent of all are not above. */
static int64_t nearest_rank(const int64_t *sorted, size_t count, unsigned p)
{
    size_t rank = (count * p + 99) / 100;
    return count == 0 ? -1 : sorted[rank ? rank - 1 : 0];
}

typedef struct times {
    int64_t step[STEPS], model[STEPS], tool[STEPS];
    size_t steps, models, tools;
} times;

/* Times from microseconds to an hour, the model's and the tools' not always known. */
static void populate(lt *t, times *all, times *gpt)
{
    lt_rng rng = {42};
    for (unsigned n = 0; n < STEPS; n++) {
        bool is_gpt = n % 3 == 0;
        int64_t ns = 1 + (int64_t)(lt_next(&rng) >> (22 + lt_below(&rng, 30)));
        sw_step_metrics m = {.step_ns = sw_int_of(ns)};
        sw_step_entry e = {.step = lt_step(t, n), .metrics = &m};
        times *both[2] = {all, gpt};
        e.step.model = is_gpt ? SW_STR("gpt") : SW_STR("claude");
        e.step.end_user = SW_STR("ann");
        e.step.created_at = sw_int_of(LT_TIME + (n % 4) * DAY);
        m.llm_request_ns = n % 2 ? sw_int_of(ns / 2) : SW_NULL_INT;
        m.tool_execution_ns = n % 5 ? SW_NULL_INT : sw_int_of(ns / 3);
        lt_log_entry(t, &t->a, &e);
        for (int i = 0; i < (is_gpt ? 2 : 1); i++) {
            both[i]->step[both[i]->steps++] = ns;
            if (n % 2) {
                both[i]->model[both[i]->models++] = ns / 2;
            }
            if (n % 5 == 0) {
                both[i]->tool[both[i]->tools++] = ns / 3;
            }
        }
    }
    for (int i = 0; i < 2; i++) {
        times *x = i ? gpt : all;
        qsort(x->step, x->steps, sizeof x->step[0], compare);
        qsort(x->model, x->models, sizeof x->model[0], compare);
        qsort(x->tool, x->tools, sizeof x->tool[0], compare);
    }
}

static void expect_near(int64_t got, int64_t want, double tolerance, const char *what)
{
    double difference = got > want ? (double)(got - want) : (double)(want - got);
    /* Below 50 ns, two percent is less than a nanosecond. */
    if (difference > tolerance * (double)want + (tolerance > 0 ? 1.0 : 0.0)) {
        SAY("%s: %lld, expected %lld within %g", what, (long long)got, (long long)want, tolerance);
    }
}

static void check_one(const sw_latency *got, const int64_t *sorted, size_t count, double tolerance,
                      const char *what)
{
    if (got->count != (int64_t)count) {
        SAY("%s: %lld measurements, expected %zu", what, (long long)got->count, count);
    }
    expect_near(got->p50_ns, nearest_rank(sorted, count, 50), tolerance, what);
    expect_near(got->p95_ns, nearest_rank(sorted, count, 95), tolerance, what);
    expect_near(got->p99_ns, nearest_rank(sorted, count, 99), tolerance, what);
}

static void check(const sw_usage_group *got, const times *want, double tolerance)
{
    check_one(&got->step_time, want->step, want->steps, tolerance, "step time");
    check_one(&got->model_time, want->model, want->models, tolerance, "model time");
    check_one(&got->tool_time, want->tool, want->tools, tolerance, "tool time");
}

static double tolerance_of(const lt_groups *groups)
{
    return groups->end.source == SW_USAGE_SOURCE_ROWS ? 0.0 : 0.02;
}

static void of_an_organization(lt *t)
{
    times *all = pool_alloc(t->pool, sizeof *all), *gpt = pool_alloc(t->pool, sizeof *gpt);
    sw_usage_query q = {.latency = true};
    lt_groups got;
    populate(t, all, gpt);
    got = lt_usage(t, &t->a, &q);
    SAME(got.count, 1);
    SAME(got.end.source, SW_USAGE_SOURCE_ROLLUP);
    check(&got.at[0], all, 0.02);
    CHECK(!got.at[0].step_time.exact);
    got = lt_usage(t, &t->operator_, &q);
    check(&got.at[0], all, 0.02);
    CLEAN();
}

static void of_rows_is_exact(lt *t)
{
    static const sw_value ann = {.text = {"ann", 3}};
    static const sw_condition c = {SW_STEP_END_USER, SW_OP_EQ, &ann, 1};
    times *all = pool_alloc(t->pool, sizeof *all), *gpt = pool_alloc(t->pool, sizeof *gpt);
    sw_usage_query q = {.latency = true, .conditions = &c, .condition_count = 1};
    lt_groups got;
    populate(t, all, gpt);
    got = lt_usage(t, &t->a, &q);
    SAME(got.count, 1);
    SAME(got.end.source, SW_USAGE_SOURCE_ROWS);
    check(&got.at[0], all, 0.0);
    q.by[0] = SW_DIMENSION_MODEL;
    q.by_count = 1;
    got = lt_usage(t, &t->a, &q);
    SAME(got.count, 2);
    TEXT(got.at[1].keys[0], "gpt");
    check(&got.at[1], gpt, 0.0);
    CHECK(got.at[1].step_time.exact && got.at[1].tool_time.exact);
}

/* Steps of one model, whose times nobody keeps a histogram of for an organization. */
static void log_many(lt *t, unsigned from, unsigned to)
{
    size_t count = to - from;
    sw_step_entry *e = pool_alloc(t->pool, count * sizeof *e);
    sw_step_metrics *m = pool_alloc(t->pool, count * sizeof *m);
    sw_outcome *o = pool_alloc(t->pool, count * sizeof *o);
    for (unsigned i = 0; i < count; i++) {
        m[i] = (sw_step_metrics){.step_ns = sw_int_of(1000000 + 1000 * (int64_t)(from + i))};
        m[i].llm_request_ns = i % 64 ? SW_NULL_INT : m[i].step_ns;
        e[i] = (sw_step_entry){.step = lt_step(t, from + i), .metrics = &m[i]};
    }
    OK(sw_step_log(t->ledger, &t->a, e, count, true, o, &t->err));
}

/* A group keeps so many measurements as it may; of more it keeps a histogram, and says so. */
static void of_many_rows_is_near(lt *t)
{
    enum { MANY = SW_LIMIT_USAGE_TIMES };
    sw_usage_query q = {.latency = true, .by = {SW_DIMENSION_MODEL}, .by_count = 1};
    int64_t *sorted = pool_alloc(t->pool, (MANY + 1) * sizeof *sorted);
    for (int64_t i = 0; i <= MANY; i++) {
        sorted[i] = 1000000 + 1000 * i;
    }
    log_many(t, 0, MANY);
    for (unsigned more = 0; more < 2; more++) {
        lt_groups got;
        log_many(t, MANY, MANY + more);
        got = lt_usage(t, &t->a, &q);
        SAME(got.count, 1);
        SAME(got.end.source, SW_USAGE_SOURCE_ROWS);
        SAME(got.at[0].step_time.exact, more == 0);
        SAME(got.at[0].model_time.exact, true);
        check_one(&got.at[0].step_time, sorted, MANY + more, more ? 0.02 : 0.0, "step time");
    }
}

static void of_a_model(lt *t)
{
    times *all = pool_alloc(t->pool, sizeof *all), *gpt = pool_alloc(t->pool, sizeof *gpt);
    sw_usage_query q = {.latency = true, .by = {SW_DIMENSION_MODEL}, .by_count = 1};
    lt_groups got;
    populate(t, all, gpt);
    got = lt_usage(t, &t->a, &q);
    SAME(got.count, 2);
    TEXT(got.at[1].keys[0], "gpt");
    check(&got.at[1], gpt, tolerance_of(&got));
    got = lt_usage(t, &t->operator_, &q);
    check(&got.at[1], gpt, tolerance_of(&got));
}

/* The times of a model over all organizations are kept in one place: nobody may see those of others. */
static void others_do_not_show(lt *t)
{
    times *all = pool_alloc(t->pool, sizeof *all), *gpt = pool_alloc(t->pool, sizeof *gpt);
    sw_usage_query q = {.latency = true, .by = {SW_DIMENSION_MODEL, SW_DIMENSION_DAY}};
    sw_step_metrics m = {.step_ns = sw_int_of(INT64_C(1) << 50)};
    sw_step_entry e = {.step = lt_step(t, 5000), .metrics = &m};
    lt_groups before, after;
    populate(t, all, gpt);
    e.step.model = SW_STR("gpt");
    for (q.by_count = 0; q.by_count < 3; q.by_count++) {
        before = lt_usage(t, &t->a, &q);
        e.step.id = lt_id(t, "step", 5000 + (unsigned)q.by_count);
        lt_log_entry(t, &t->b, &e);
        after = lt_usage(t, &t->a, &q);
        SAME(after.count, before.count);
        for (size_t i = 0; i < before.count; i++) {
            const sw_latency *x = &after.at[i].step_time, *y = &before.at[i].step_time;
            SAME(x->count, y->count);
            SAME(x->p50_ns, y->p50_ns);
            SAME(x->p95_ns, y->p95_ns);
            SAME(x->p99_ns, y->p99_ns);
        }
    }
    CLEAN();
}

static void of_some_days(lt *t)
{
    times *all = pool_alloc(t->pool, sizeof *all), *gpt = pool_alloc(t->pool, sizeof *gpt);
    sw_usage_query q = {.latency = true, .by = {SW_DIMENSION_DAY}, .by_count = 1};
    lt_groups got;
    int64_t count = 0;
    populate(t, all, gpt);
    got = lt_usage(t, &t->a, &q);
    SAME(got.count, 4);
    for (size_t i = 0; i < 4; i++) {
        count += got.at[i].step_time.count;
        CHECK(got.at[i].step_time.p50_ns <= got.at[i].step_time.p95_ns);
        CHECK(got.at[i].step_time.p95_ns <= got.at[i].step_time.p99_ns);
    }
    SAME(count, STEPS);
    q.by_count = 0;
    q.from = sw_int_of(LT_TIME + 1);
    got = lt_usage(t, &t->a, &q);
    SAME(got.at[0].step_time.count, STEPS - STEPS / 4);
}

static void without_measurement_there_is_none(lt *t)
{
    sw_usage_query q = {.latency = true};
    sw_step s = lt_step(t, 1);
    lt_groups got;
    lt_log(t, &t->a, &s);
    got = lt_usage(t, &t->a, &q);
    SAME(got.at[0].step_time.count, 0);
    SAME(got.at[0].step_time.p50_ns, -1);
    SAME(got.at[0].tool_time.p99_ns, -1);
}

static void extreme_times_are_kept(lt *t)
{
    const int64_t ns[] = {0, 1, 2, INT64_C(1) << 40, INT64_MAX};
    sw_usage_query q = {.latency = true};
    for (unsigned i = 0; i < 5; i++) {
        sw_step_metrics m = {.step_ns = sw_int_of(ns[i])};
        sw_step_entry e = {.step = lt_step(t, i), .metrics = &m};
        lt_log_entry(t, &t->a, &e);
    }
    SAME(lt_usage(t, &t->a, &q).at[0].step_time.count, 5);
    expect_near(lt_usage(t, &t->a, &q).at[0].step_time.p50_ns, 2, 0.02, "median");
    CHECK(lt_usage(t, &t->a, &q).at[0].step_time.p99_ns > INT64_MAX / 100 * 98);
    CLEAN();
}

static const lt_case cases[] = {
    {"of an organization", of_an_organization, 0},
    {"of rows is exact", of_rows_is_exact, 0},
    {"of many rows is near", of_many_rows_is_near, 0},
    {"of a model", of_a_model, 0},
    {"others do not show", others_do_not_show, 0},
    {"of some days", of_some_days, 0},
    {"without measurement there is none", without_measurement_there_is_none, 0},
    {"extreme times are kept", extreme_times_are_kept, 0},
};

LT_MAIN("latency", cases)
