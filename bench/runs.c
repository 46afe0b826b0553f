/* SPDX-License-Identifier: Apache-2.0 */
/* Does a run of 100,000 steps open like one of 10? Its usage, its newest ten steps, and five steps after a
 * cursor in its middle, each against the same of the short run in the same ledger, in turns.
 */
#include "bench.h"

enum { SHORT = 10, LONG = 100000, QUESTIONS = 200 };

typedef struct run {
    sw_actor actor;
    char id[BENCH_ID];
    char middle[BENCH_ID]; /* the id of the step in its middle */
    int64_t steps;
    int64_t total_tokens;
} run;

/* Adds a run of that many steps and remembers what must be in it. */
static void add_run(bench_well *well, int64_t steps, run *out)
{
    bench_row row;
    well->rows.run_steps = steps;
    bench_rows ahead = well->rows;
    *out = (run){.steps = steps};
    for (int64_t i = 0; i < steps; i++) {
        bench_rows_next(&ahead, &row);
        out->total_tokens += row.total_tokens;
        if (i == steps / 2) {
            memcpy(out->middle, row.step_text, sizeof out->middle);
        }
    }
    memcpy(out->id, ahead.run, sizeof out->id);
    out->actor = bench_actor(ahead.names, ahead.organization, ahead.user);
    bench_well_runs(well, steps);
    bench_well_log(well, steps);
}

/* ---- questions ---------------------------------------------------------------------------------- */

static double ask_usage(bench_well *well, const run *r, sw_memory *memory)
{
    sw_run_metrics metrics;
    sw_error err = {0};
    sw_memory_reset(memory);
    double start = bench_seconds();
    sw_status status =
        sw_run_usage(well->ledger, &r->actor, sw_str_from(r->id), memory, &metrics, &err);
    double took = bench_seconds() - start;
    bench_need(status, &err, "ask for the usage of a run");
    if (metrics.num_steps.value != r->steps || metrics.total_tokens.value != r->total_tokens) {
        bench_die("the usage of the run of %lld steps is wrong", (long long)r->steps);
    }
    return took;
}

static bool see_step(void *arg, const void *row)
{
    int64_t *sum = arg;
    const sw_step *step = row;
    *sum += step->total_tokens.value + (int64_t)step->id.len;
    return true;
}

static double ask_page(bench_well *well, const run *r, sw_str after, int64_t limit)
{
    int64_t sum = 0;
    sw_error err = {0};
    sw_list_end end;
    sw_value value = {.text = sw_str_from(r->id)};
    sw_condition condition = {
        .field = SW_STEP_RUN_ID, .op = SW_OP_EQ, .values = &value, .count = 1};
    sw_list_query query = {
        .conditions = &condition, .condition_count = 1, .after = after, .limit = limit};
    double start = bench_seconds();
    sw_status status =
        sw_list(well->ledger, &r->actor, SW_RECORD_STEP, &query, see_step, &sum, &end, &err);
    double took = bench_seconds() - start;
    bench_need(status, &err, "list the steps of a run");
    if (end.count != limit) {
        bench_die("a page of %lld steps has %lld", (long long)limit, (long long)end.count);
    }
    return took;
}

/* ---- measuring ---------------------------------------------------------------------------------- */

static double measure_usage(bench_well *well, const run *big, const run *small, sw_memory *memory)
{
    double of_big[QUESTIONS];
    double of_small[QUESTIONS];
    for (int k = 0; k < QUESTIONS; k++) {
        of_big[k] = ask_usage(well, big, memory);
        of_small[k] = ask_usage(well, small, memory);
    }
    double p50 = bench_percentile(of_big, QUESTIONS, 50);
    bench_say("runs: usage of the long run %.1f us, of the short one %.1f us", p50 * 1e6,
              bench_percentile(of_small, QUESTIONS, 50) * 1e6);
    return p50 / bench_percentile(of_small, QUESTIONS, 50);
}

static double measure_page(bench_well *well, const run *big, const run *small, bool middle)
{
    double of_big[QUESTIONS];
    double of_small[QUESTIONS];
    int64_t limit = middle ? SHORT / 2 : SHORT;
    for (int k = 0; k < QUESTIONS; k++) {
        of_big[k] = ask_page(well, big, sw_str_from(middle ? big->middle : NULL), limit);
        of_small[k] = ask_page(well, small, sw_str_from(middle ? small->middle : NULL), limit);
    }
    double p50 = bench_percentile(of_big, QUESTIONS, 50);
    bench_say("runs: %s of the long run %.1f us, of the short one %.1f us",
              middle ? "middle" : "newest", p50 * 1e6,
              bench_percentile(of_small, QUESTIONS, 50) * 1e6);
    return p50 / bench_percentile(of_small, QUESTIONS, 50);
}

void bench_runs(bench *b)
{
    double usage[BENCH_ROUNDS_MAX];
    double page[BENCH_ROUNDS_MAX];
    bench_well well;
    run small;
    run big;
    sw_memory *memory = sw_memory_new(NULL);
    if (!memory) {
        bench_die("out of memory");
    }
    bench_well_open(&well, b, "runs.well", (bench_order){.blocks = false});
    add_run(&well, SHORT, &small);
    add_run(&well, LONG, &big);
    for (int i = -1; i < b->rounds; i++) {
        int at = i < 0 ? 0 : i; /* the first round warms up and is overwritten */
        usage[at] = measure_usage(&well, &big, &small, memory);
        double newest = measure_page(&well, &big, &small, false);
        double middle = measure_page(&well, &big, &small, true);
        page[at] = newest > middle ? newest : middle;
    }
    bench_figure_set(BENCH_RUN_USAGE, usage, b->rounds);
    bench_figure_set(BENCH_RUN_PAGE, page, b->rounds);
    sw_memory_free(&memory);
    bench_well_drop(&well);
}
