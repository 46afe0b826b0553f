/* SPDX-License-Identifier: Apache-2.0 */
/* Does the ledger stay fast and small as it grows? A ledger of full size and a small one take the same
 * kind of batches in turns; the rates of the filling itself, minutes apart, would mostly compare the
 * moods of the disk.
 */
#include "bench.h"

static double log_slice(bench_well *well, int64_t count)
{
    well->logged = (bench_lap){0, 0};
    bench_well_log(well, count);
    return (double)count / well->logged.wall;
}

static void measure_growth(bench *b, bench_well *big, bench_figure figure)
{
    double ratio[BENCH_ROUNDS_MAX];
    bench_well small;
    bench_well_open(&small, b, "small.well", big->rows.order);
    bench_well_fill(&small, BENCH_SMALL, "small ledger");
    for (int i = -1; i < b->rounds; i++) {
        bench_well_runs(big, b->slice);
        bench_well_runs(&small, b->slice);
        double late = log_slice(big, b->slice);
        double late_cpu = big->logged.cpu;
        double early = log_slice(&small, b->slice);
        ratio[i < 0 ? 0 : i] = late / early; /* the first round is overwritten */
        bench_say("growth: big %.0f steps/s, CPU %.1f us; small %.0f steps/s, CPU %.1f us", late,
                  late_cpu / (double)b->slice * 1e6, early,
                  small.logged.cpu / (double)b->slice * 1e6);
    }
    bench_figure_set(figure, ratio, b->rounds);
    bench_well_drop(&small);
}

void bench_growth(bench *b)
{
    bench_well *well = bench_big_well(b);
    double rss_mb = b->big->rss_mb - (double)BENCH_CACHE_BYTES / (1 << 20);
    bench_figure_set(BENCH_STEP_BYTES, &b->big->bytes_per_step, 1);
    if (bench_figure_wanted(b, BENCH_RSS)) {
        bench_figure_set(BENCH_RSS, &rss_mb, 1);
    }
    if (bench_figure_wanted(b, BENCH_GROWTH)) {
        measure_growth(b, well, BENCH_GROWTH);
    }
}

void bench_hashed(bench *b)
{
    bench_well well;
    if (!bench_figure_wanted(b, BENCH_GROWTH_HASHED)) {
        return;
    }
    bench_well_open(&well, b, "hashed.well", (bench_order){.random_ids = true, .blocks = true});
    bench_well_fill(&well, b->size, "ledger with random ids");
    measure_growth(b, &well, BENCH_GROWTH_HASHED);
    bench_well_drop(&well);
}
