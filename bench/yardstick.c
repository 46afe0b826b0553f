/* SPDX-License-Identifier: Apache-2.0 */
/* Is the bare loop honest? A slow bare loop would make the ledger look good, so it is held against a
 * reference loop that others wrote, compiled and run in turns with ours, with the same settings. Where
 * that file does not exist there is nothing to compare with, and the bare loop's CPU is only reported.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

static const char reference[] = BENCH_SOURCE_ROOT "/../shared/limits/sqlbench.c";

static bool compile_reference(const char *program)
{
    char command[9000];
    if (access(reference, R_OK) != 0) {
        bench_say("bare: no reference loop to compare with");
        return false;
    }
    snprintf(command, sizeof command, "cc -O2 -w -o '%s' '%s' -lsqlite3", program, reference);
    if (system(command) != 0) {
        bench_die("cannot compile %s", reference);
    }
    return true;
}

/* Its report holds "cpu 19.3 us/row". */
static double run_reference(const char *program, const char *database, int64_t count)
{
    char command[9000];
    char line[1024];
    double cpu_us = 0;
    snprintf(command, sizeof command,
             "'%s' db='%s' n=%lld idx=5 idtime=1 runtime=1 batch=%d sync=full cache_mb=%d ckpt=%d",
             program, database, (long long)count, BENCH_BATCH, (BENCH_CACHE_BYTES >> 10) / 1000,
             BENCH_CHECKPOINT_PAGES);
    FILE *f = popen(command, "r");
    while (f && fgets(line, sizeof line, f)) {
        const char *at = strstr(line, " cpu ");
        cpu_us = at ? strtod(at + 5, NULL) : cpu_us;
    }
    if (!f || pclose(f) != 0 || cpu_us <= 0) {
        bench_die("%s did not say its CPU time", reference);
    }
    bench_remove_database(database);
    return cpu_us;
}

static double run_bare(bench *b, const char *path, int64_t count)
{
    bench_bare bare;
    bench_rows rows;
    bench_lap sum = {0, 0};
    bench_rows_init(&rows, &b->names, (bench_order){.blocks = false});
    bench_bare_open(&bare, path);
    bench_lap start = bench_start();
    bench_bare_insert(&bare, &rows, count, BENCH_BATCH);
    bench_stop(&sum, start);
    bench_bare_close(&bare);
    bench_remove_database(path);
    return sum.cpu / (double)count * 1e6;
}

void bench_bare_check(bench *b)
{
    const char *program = bench_path("reference");
    const char *theirs = bench_path("reference.db");
    const char *ours = bench_path("bare.db");
    double cpu_us[BENCH_ROUNDS_MAX];
    double ratio[BENCH_ROUNDS_MAX];
    double reference_us[BENCH_ROUNDS_MAX];
    int64_t count = b->quick ? BENCH_SMALL / 2 : BENCH_SMALL;
    bool compare = compile_reference(program);
    for (int i = -1; i < b->rounds; i++) {
        int at = i < 0 ? 0 : i; /* the first round warms up and is overwritten */
        cpu_us[at] = run_bare(b, ours, count);
        if (compare) {
            reference_us[at] = run_reference(program, theirs, count);
            ratio[at] = cpu_us[at] / reference_us[at];
            bench_say("bare: %.1f us/row, reference loop %.1f us/row", cpu_us[at],
                      reference_us[at]);
        }
    }
    bench_figure_set(BENCH_BARE_CPU_US, cpu_us, b->rounds);
    if (compare) {
        double middle = bench_percentile(ratio, b->rounds, 50);
        bool honest = middle >= 0.9 && middle <= 1.1;
        bench_figure_judge(BENCH_BARE_CPU_US, bench_percentile(reference_us, b->rounds, 50),
                           honest);
        bench_say("bare: %.2f of the reference loop%s", middle,
                  honest ? "" : ": all ratios are void");
        if (!honest) {
            bench_figures_void();
        }
    }
}
