/* SPDX-License-Identifier: Apache-2.0 */
/* How fast steps become durable: in batches of a thousand, and one at a time from many threads. Both
 * sides write the same rows in turns, each into a file that grows, and the runs exist before the clock
 * starts. The processor time is that of the whole process: only one side works at a time.
 */
#include "bench.h"

/* A round is some slices of each side in turns. */
typedef struct pair {
    bench_well well;
    bench_bare bare;
    bench_rows bare_rows;
} pair;

static void open_pair(pair *p, const bench *b, const char *well, const char *bare,
                      bench_order order)
{
    bench_well_open(&p->well, b, well, order);
    bench_bare_open(&p->bare, bench_path(bare));
    bench_rows_init(&p->bare_rows, &b->names, order);
}

static void drop_pair(pair *p)
{
    bench_well_drop(&p->well);
    bench_bare_close(&p->bare);
    bench_remove_database(p->bare.path);
}

static bench_lap insert_bare(pair *p, int64_t count, int64_t batch)
{
    bench_lap sum = {0, 0};
    bench_lap start = bench_start();
    bench_bare_insert(&p->bare, &p->bare_rows, count, batch);
    bench_stop(&sum, start);
    return sum;
}

static void add_lap(bench_lap *sum, bench_lap lap)
{
    sum->wall += lap.wall;
    sum->cpu += lap.cpu;
}

static void measure_batches(bench *b)
{
    enum { SLICES = 5 };
    double rate[BENCH_ROUNDS_MAX];
    double cpu[BENCH_ROUNDS_MAX];
    pair p;
    open_pair(&p, b, "batches.well", "batches.bare", (bench_order){.blocks = true});
    for (int i = -1; i < b->rounds; i++) {
        bench_lap bare = {0, 0};
        p.well.logged = (bench_lap){0, 0};
        for (int s = 0; s < SLICES; s++) {
            bench_well_runs(&p.well, b->slice);
            bench_well_log(&p.well, b->slice);
            add_lap(&bare, insert_bare(&p, b->slice, BENCH_BATCH));
        }
        int at = i < 0 ? 0 : i; /* the first round warms up and is overwritten */
        double rows = (double)(SLICES * b->slice);
        rate[at] = bare.wall / p.well.logged.wall;
        cpu[at] = p.well.logged.cpu / bare.cpu;
        bench_say("ingest: ledger %.0f steps/s, CPU %.1f us; bare %.0f rows/s, CPU %.1f us",
                  rows / p.well.logged.wall, p.well.logged.cpu / rows * 1e6, rows / bare.wall,
                  bare.cpu / rows * 1e6);
    }
    bench_figure_set(BENCH_BATCH_RATE, rate, b->rounds);
    bench_figure_set(BENCH_BATCH_CPU, cpu, b->rounds);
    drop_pair(&p);
}

static void measure_threads(bench *b)
{
    enum { SLICES = 8, STEPS = 1000, ROWS = 200, THREADS = 64 };
    double rate[BENCH_ROUNDS_MAX];
    pair p;
    open_pair(&p, b, "threads.well", "threads.bare", (bench_order){.blocks = false});
    for (int i = -1; i < b->rounds; i++) {
        bench_lap well = {0, 0};
        bench_lap bare = {0, 0};
        for (int s = 0; s < SLICES; s++) {
            bench_well_runs(&p.well, STEPS);
            add_lap(&well, bench_well_log_each(&p.well, STEPS, THREADS));
            add_lap(&bare, insert_bare(&p, ROWS, 1));
        }
        double steps = SLICES * STEPS;
        double rows = SLICES * ROWS;
        rate[i < 0 ? 0 : i] = (steps / well.wall) / (rows / bare.wall);
        bench_say("ingest: 64 threads %.0f steps/s, CPU %.1f us; one row a commit %.0f rows/s,"
                  " CPU %.1f us",
                  steps / well.wall, well.cpu / steps * 1e6, rows / bare.wall,
                  bare.cpu / rows * 1e6);
    }
    bench_figure_set(BENCH_THREADS_RATE, rate, b->rounds);
    drop_pair(&p);
}

void bench_ingest(bench *b)
{
    measure_batches(b);
    measure_threads(b);
}
