/* SPDX-License-Identifier: Apache-2.0 */
/* How long an editor or a prompt waits for `stepwell statusline`: the whole program, from fork to exit, on a
 * ledger of 0.1 million steps of a hundred organizations. It is meant to be run again and again, so the middle of
 * many counts, with the file in the system's cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "http.h"

enum { CALLS = 15 };

static _Noreturn void become_statusline(const char *program, const char *store)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
    }
    execl(program, program, "statusline", "--store", store, (char *)NULL);
    bench_die("cannot run %s: %s", program, strerror(errno));
}

static double call(const char *program, const char *store)
{
    int status = 0;
    double start = bench_seconds();
    pid_t pid = fork();
    if (pid == 0) {
        become_statusline(program, store);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        bench_die("statusline did not end well");
    }
    return (bench_seconds() - start) * 1000.0;
}

void bench_statusline(bench *b)
{
    static bench_well well;
    char program[4096];
    char store[4096];
    double values[BENCH_ROUNDS_MAX];
    double took[CALLS];
    bench_program_path(program, sizeof program);
    bench_well_open(&well, b, "statusline.db", (bench_order){.blocks = true});
    bench_well_fill(&well, BENCH_SMALL, "statusline");
    bench_well_leave(&well);
    snprintf(store, sizeof store, "sqlite:%.4000s", well.path);
    (void)call(program, store); /* the first reads the file from the disk */
    for (int i = 0; i < b->rounds; i++) {
        for (int k = 0; k < CALLS; k++) {
            took[k] = call(program, store);
        }
        values[i] = bench_percentile(took, CALLS, 50);
    }
    bench_figure_set(BENCH_STATUSLINE, values, b->rounds);
    bench_well_return(&well);
    bench_well_drop(&well);
}
