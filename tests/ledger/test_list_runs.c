/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of runs: V1's filters, step counts, tools, durations and their percentiles, the order by
 * duration, and the same rule for cursors as everywhere.
 */
#include "tests/lib/lt.h"

#include <stdlib.h>

enum { RUNS = 40 };

typedef struct facts {
    int64_t status, steps, run_ns; /* run_ns -1: not ended */
    const char *tool;
} facts;

static facts facts_of(unsigned n)
{
    static const char *const tools[] = {"search", "read", NULL};
    facts f = {.status = n % 5, .steps = n % 4, .tool = n % 4 ? tools[n % 3] : NULL};
    f.run_ns = f.status >= SW_RUN_STATUS_COMPLETED ? (int64_t)(n * 37 % RUNS) * 1000 : -1;
    return f;
}

static void log_steps(lt *t, unsigned n, const facts *f)
{
    for (unsigned k = 0; k < f->steps; k++) {
        sw_message m = lt_message(t, n * 100 + k, "x");
        sw_step_entry e = {.step = lt_step(t, n * 100 + k), .messages = &m, .message_count = 1};
        e.step.run_id = lt_id(t, "run", n);
        if (f->tool) {
            m.tool_calls = pool_printf(t->pool,
                                       "[{\"id\":\"c\",\"type\":\"function\",\"function\":"
                                       "{\"name\":\"%s\",\"arguments\":\"{}\"}}]",
                                       f->tool);
        }
        lt_log_entry(t, &t->a, &e);
    }
}

static void fill(lt *t)
{
    sw_str agents[] = {lt_agent(t, &t->a, 1), lt_agent(t, &t->a, 2)};
    sw_outcome o;
    for (unsigned n = 0; n < RUNS; n++) {
        facts f = facts_of(n);
        sw_run run = {.id = lt_id(t, "run", n), .agent_id = agents[n % 2]};
        sw_run v = {.status = sw_int_of(f.status), .total_duration_ns = sw_int_of(f.run_ns)};
        run.created_at = sw_int_of(LT_TIME + (int64_t)(n / 7) * 1000000);
        run.background = sw_int_of(n % 3 == 0);
        run.base_template_id = n % 6 ? SW_NULL_STR : SW_STR("family");
        run.project_id = n % 2 ? SW_STR("project-1") : SW_NULL_STR;
        v.stop_reason = n % 2 ? SW_STR("end_turn") : SW_STR("error");
        OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
        log_steps(t, n, &f);
        if (f.status != SW_RUN_STATUS_CREATED) {
            uint64_t mask = SW_FIELD_BIT(SW_RUN_STATUS);
            if (f.run_ns >= 0) {
                mask |= SW_FIELD_BIT(SW_RUN_TOTAL_DURATION_NS) | SW_FIELD_BIT(SW_RUN_STOP_REASON);
            }
            OK(sw_run_update(t->ledger, &t->a, run.id, &v, mask, &o, &t->err));
        }
    }
}

static unsigned number_of(sw_str id)
{
    return (unsigned)strtoul(id.ptr + 4, NULL, 16);
}

static bool in_order(const sw_run *a, const sw_run *b, bool ascending)
{
    int c = a->created_at.value < b->created_at.value   ? -1
            : a->created_at.value > b->created_at.value ? 1
                                                        : sw_str_cmp(a->id, b->id);
    return ascending ? c < 0 : c > 0;
}

/* The rows must be exactly the runs that `want` is true for, in order. */
static void expect(lt *t, sw_list_query query, bool (*want)(unsigned n), const char *what)
{
    for (int up = 0; up < 2; up++) {
        size_t count = 0;
        lt_rows rows;
        query.ascending = up;
        query.limit = -1;
        rows = lt_list(t, &t->a, SW_RECORD_RUN, &query);
        for (unsigned n = 0; n < RUNS; n++) {
            count += want(n);
        }
        if (rows.count != count || count == 0 || count == RUNS) {
            SAY("%s: %zu runs, expected %zu", what, rows.count, count);
        }
        for (size_t i = 0; i < rows.count; i++) {
            if (!want(number_of(lt_row_id(&rows, i)))) {
                SAY("%s: finds %s", what, lt_row_id(&rows, i).ptr);
            }
            CHECK(i == 0 || in_order(rows.at[i - 1], rows.at[i], up));
        }
    }
}

/* clang-format off: one fact a line */
#define WANT(NAME, COND)                                                                           \
    static bool NAME(unsigned n)                                                                   \
    {                                                                                              \
        facts f = facts_of(n);                                                                     \
        (void)f;                                                                                   \
        return (COND);                                                                             \
    }
WANT(is_failed, f.status == SW_RUN_STATUS_FAILED)
WANT(is_open, f.status < SW_RUN_STATUS_COMPLETED)
WANT(is_background, n % 3 == 0)
WANT(is_family, n % 6 == 0)
WANT(is_agent_2, n % 2 == 1)
WANT(is_late, n / 7 >= 2)
WANT(has_no_step, f.steps == 0)
WANT(has_two_steps, f.steps == 2)
WANT(has_up_to_one, f.steps <= 1)
WANT(has_two_or_more, f.steps >= 2)
WANT(uses_search, f.tool &&strcmp(f.tool, "search") == 0)
WANT(uses_any, f.tool != NULL)
WANT(is_long, f.run_ns > 20000)
WANT(is_short, f.run_ns >= 0 && f.run_ns < 20000)
WANT(is_mixed, f.status == SW_RUN_STATUS_COMPLETED && n % 2 == 1)
WANT(stopped_by_error, f.run_ns >= 0 && n % 2 == 0)
/* clang-format on */

/* clang-format off: rows of data line up as their reader needs */
#define T(TEXT_)                                                                                   \
    {                                                                                              \
        .text = {(TEXT_), sizeof(TEXT_) - 1 }                                                      \
    }
#define N(NUMBER)                                                                                  \
    {                                                                                              \
        .number = (NUMBER)                                                                         \
    }

static const struct {
    const char *what;
    bool (*want)(unsigned n);
    uint8_t field;
    sw_op op;
    sw_value values[2];
    size_t count;
    bool metrics;
} filters[] = {
    {"status", is_failed, SW_RUN_STATUS, SW_OP_EQ, {N(SW_RUN_STATUS_FAILED)}, 1, false},
    {"statuses", is_open, SW_RUN_STATUS, SW_OP_IN, {N(0), N(1)}, 2, false},
    {"background", is_background, SW_RUN_BACKGROUND, SW_OP_EQ, {N(1)}, 1, false},
    {"template family", is_family, SW_RUN_BASE_TEMPLATE_ID, SW_OP_EQ, {T("family")}, 1, false},
    {"agent",
     is_agent_2,
     SW_RUN_AGENT_ID,
     SW_OP_EQ,
     {T("agent-00000002-0000-4000-8000-000000000002")},
     1,
     false},
    {"project", is_agent_2, SW_RUN_PROJECT_ID, SW_OP_EQ, {T("project-1")}, 1, false},
    {"begun since", is_late, SW_RUN_CREATED_AT, SW_OP_GE, {N(LT_TIME + 2000000)}, 1, false},
    {"stop reason", stopped_by_error, SW_RUN_STOP_REASON, SW_OP_EQ, {T("error")}, 1, false},
    {"no step", has_no_step, SW_RUN_METRICS_NUM_STEPS, SW_OP_EQ, {N(0)}, 1, true},
    {"two steps", has_two_steps, SW_RUN_METRICS_NUM_STEPS, SW_OP_EQ, {N(2)}, 1, true},
    {"up to one step", has_up_to_one, SW_RUN_METRICS_NUM_STEPS, SW_OP_LE, {N(1)}, 1, true},
    {"two steps or more", has_two_or_more, SW_RUN_METRICS_NUM_STEPS, SW_OP_GE, {N(2)}, 1, true},
    {"tool", uses_search, SW_RUN_METRICS_TOOLS_USED, SW_OP_TAG_ANY, {T("search")}, 1, true},
    {"tools",
     uses_any,
     SW_RUN_METRICS_TOOLS_USED,
     SW_OP_TAG_ANY,
     {T("search"), T("read")},
     2,
     true},
    {"longer than", is_long, SW_RUN_METRICS_RUN_NS, SW_OP_GT, {N(20000)}, 1, true},
    {"shorter than", is_short, SW_RUN_METRICS_RUN_NS, SW_OP_LT, {N(20000)}, 1, true},
};
/* clang-format on */

static void each_filter_finds_what_it_should(lt *t)
{
    fill(t);
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        sw_condition c = {filters[i].field, filters[i].op, filters[i].values, filters[i].count};
        sw_list_query query = {.conditions = filters[i].metrics ? NULL : &c,
                               .condition_count = filters[i].metrics ? 0 : 1,
                               .metrics_conditions = filters[i].metrics ? &c : NULL,
                               .metrics_condition_count = filters[i].metrics ? 1 : 0};
        expect(t, query, filters[i].want, filters[i].what);
    }
}

static void filters_work_together(lt *t)
{
    static const sw_value completed = {.number = SW_RUN_STATUS_COMPLETED};
    static const sw_value agent = T("agent-00000002-0000-4000-8000-000000000002");
    static const sw_condition c[] = {{SW_RUN_STATUS, SW_OP_EQ, &completed, 1},
                                     {SW_RUN_AGENT_ID, SW_OP_EQ, &agent, 1}};
    sw_list_query query = {.conditions = c, .condition_count = 2};
    fill(t);
    expect(t, query, is_mixed, "status and agent");
}

static int64_t run_ns(lt *t, const lt_rows *rows, size_t i)
{
    return lt_run_metrics(t, &t->a, lt_row_id(rows, i)).run_ns.value;
}

static void the_order_can_be_the_duration(lt *t)
{
    fill(t);
    for (int up = 0; up < 2; up++) {
        sw_list_query query = {.by_duration = true, .ascending = up, .limit = -1};
        lt_rows rows = lt_list(t, &t->a, SW_RECORD_RUN, &query);
        SAME(rows.count, 24); /* those that have ended */
        for (size_t i = 1; i < rows.count; i++) {
            int64_t a = run_ns(t, &rows, i - 1), b = run_ns(t, &rows, i);
            CHECK(up ? a <= b : a >= b);
        }
        query.limit = 5;
        CHECK(
            run_ns(t, &rows, 0) ==
            lt_run_metrics(t, &t->a,
                           lt_row_id(&(lt_rows){.record = SW_RECORD_RUN,
                                                .at = lt_list(t, &t->a, SW_RECORD_RUN, &query).at},
                                     0))
                .run_ns.value);
    }
}

/* percentile_cont, as V1 has it: the p-th part of the way through the sorted durations. */
static void a_percentile_keeps_the_slow(lt *t)
{
    static const int64_t percentiles[] = {0, 25, 50, 90, 99, 100};
    sw_list_query all = {.by_duration = true, .ascending = true, .limit = -1};
    lt_rows sorted;
    fill(t);
    sorted = lt_list(t, &t->a, SW_RECORD_RUN, &all);
    for (size_t i = 0; i < 6; i++) {
        sw_list_query query = {.limit = -1, .duration_percentile = sw_int_of(percentiles[i])};
        double place = (double)percentiles[i] / 100.0 * (double)(sorted.count - 1);
        size_t low = (size_t)place, expect_count = 0;
        double edge = (double)run_ns(t, &sorted, low);
        if (low + 1 < sorted.count) {
            edge += (place - (double)low) *
                    (double)(run_ns(t, &sorted, low + 1) - run_ns(t, &sorted, low));
        }
        for (size_t k = 0; k < sorted.count; k++) {
            expect_count += (double)run_ns(t, &sorted, k) >= edge - 1e-6;
        }
        SAME(lt_list(t, &t->a, SW_RECORD_RUN, &query).count, expect_count);
    }
}

static void a_percentile_has_a_range(lt *t)
{
    sw_list_query query = {.duration_percentile = sw_int_of(101)};
    lt_rows rows = {.record = SW_RECORD_RUN, .pool = t->pool};
    fill(t);
    for (int i = 0; i < 2; i++) {
        IS(SW_STATUS_INVALID,
           sw_list(t->ledger, &t->a, SW_RECORD_RUN, &query, lt_collect, &rows, &rows.end, &t->err));
        query.duration_percentile = sw_int_of(-1);
    }
}

static void cursors_follow_the_one_rule(lt *t)
{
    fill(t);
    for (int up = 0; up < 2; up++) {
        sw_list_query all = {.limit = -1, .ascending = up}, query = {.limit = 3, .ascending = up};
        lt_rows rows = lt_list(t, &t->a, SW_RECORD_RUN, &all);
        size_t seen = 0;
        for (;;) {
            lt_rows page = lt_list(t, &t->a, SW_RECORD_RUN, &query);
            for (size_t i = 0; i < page.count; i++, seen++) {
                TEXT(lt_row_id(&page, i), lt_row_id(&rows, seen).ptr);
            }
            if (page.count == 0) {
                break;
            }
            query.after = lt_row_id(&page, page.count - 1);
        }
        SAME(seen, RUNS);
        query.after = SW_NULL_STR;
        query.before = lt_row_id(&rows, 10);
        rows = lt_list(t, &t->a, SW_RECORD_RUN, &query);
        SAME(rows.count, 3);
        query.before = lt_id(t, "run", 999);
        IS(SW_STATUS_NOT_FOUND,
           sw_list(t->ledger, &t->a, SW_RECORD_RUN, &query, lt_collect, &rows, &rows.end, &t->err));
    }
}

static const lt_case cases[] = {
    {"each filter finds what it should", each_filter_finds_what_it_should, 0},
    {"filters work together", filters_work_together, 0},
    {"the order can be the duration", the_order_can_be_the_duration, 0},
    {"a percentile keeps the slow", a_percentile_keeps_the_slow, 0},
    {"a percentile has a range", a_percentile_has_a_range, 0},
    {"cursors follow the one rule", cursors_follow_the_one_rule, 0},
};

LT_MAIN("list-runs", cases)
