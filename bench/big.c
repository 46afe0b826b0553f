/* SPDX-License-Identifier: Apache-2.0 */
/* The two big tables that several groups look at: a ledger of five million steps, filled through its
 * public header, and a bare table of the same rows. Filled when first asked for, because it takes
 * minutes, and dropped as soon as nobody needs them.
 */
#include <malloc.h>
#include <stdlib.h>

#include "bench.h"

/* Two blocks of runs of 60 steps, so that the list of a run has 50 rows as the others do. Both sides get
 * them. Whole runs only are remembered: a block ends in the middle of one. */
static void remember_long_runs(bench_big *big, const bench_rows *from)
{
    bench_rows ahead = *from;
    bench_row row;
    int n = 0;
    for (int i = 0; i < 2 * BENCH_BATCH; i++) {
        bench_rows_next(&ahead, &row);
        if (ahead.run_left == 0 && n < BENCH_LONG_RUNS) {
            memcpy(big->long_run[n], ahead.run, BENCH_ID);
            big->long_run_organization[n++] = ahead.organization;
        }
    }
    if (n < BENCH_LONG_RUNS) {
        bench_die("there are only %d long runs", n);
    }
}

/* Sizes and memory are taken before anything else touches the ledger. */
static void fill_well(bench *b)
{
    bench_big *big = b->big;
    bench_well *well = &big->well;
    bench_well_open(well, b, "big.well", (bench_order){.blocks = true});
    malloc_trim(0);
    bench_well_fill(well, b->size, "ledger");
    big->rss_mb = bench_rss_mb();
    int64_t bytes = bench_well_bytes(well);
    big->bytes_per_step = (double)bytes / (double)well->rows.value_bytes;
    bench_say("  ledger: %.0f bytes a step, %.0f MB resident", (double)bytes / (double)b->size,
              big->rss_mb);
    well->rows.run_steps = BENCH_LONG_RUN_STEPS;
    remember_long_runs(big, &well->rows);
    bench_well_runs(well, 2 * BENCH_BATCH);
    bench_well_log(well, 2 * BENCH_BATCH);
    well->rows.run_steps = BENCH_RUN_STEPS;
}

/* The rows of the ledger, also those that came after it was full. */
static void fill_bare(bench *b)
{
    bench_rows rows;
    bench_bare *bare = &b->big->bare;
    bench_rows_init(&rows, &b->names, (bench_order){.blocks = true});
    bench_bare_open(bare, bench_path("big.bare"));
    bench_bare_fill(bare, &rows, b->size);
    rows.run_steps = BENCH_LONG_RUN_STEPS;
    bench_bare_insert(bare, &rows, 2 * BENCH_BATCH, BENCH_BATCH);
    rows.run_steps = BENCH_RUN_STEPS;
    bench_bare_insert(bare, &rows, b->big->well.rows.count - rows.count, BENCH_BATCH);
    bench_say("  bare table: %.0f bytes a row",
              (double)bench_file_bytes(bare->path) / (double)b->size);
}

bench_well *bench_big_well(bench *b)
{
    if (!b->big) {
        b->big = calloc(1, sizeof *b->big);
        if (!b->big) {
            bench_die("out of memory");
        }
        fill_well(b);
    }
    return &b->big->well;
}

bench_bare *bench_big_bare(bench *b)
{
    bench_big_well(b);
    if (!b->big->bare.db) {
        fill_bare(b);
    }
    return &b->big->bare;
}

void bench_big_drop(bench *b)
{
    if (b->big) {
        bench_well_drop(&b->big->well);
        if (b->big->bare.db) {
            bench_bare_close(&b->big->bare);
            bench_remove_database(b->big->bare.path);
        }
        free(b->big);
        b->big = NULL;
    }
}
