/* SPDX-License-Identifier: Apache-2.0 */
/* Time, processor time, memory, and the small services of every measurement. Knows nothing of ledgers
 * and tables, except what their calls answer.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "bench.h"

double bench_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Of the whole process, so that no thread of the ledger works for free. */
static double cpu_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

bench_lap bench_start(void)
{
    return (bench_lap){bench_seconds(), cpu_seconds()};
}

void bench_stop(bench_lap *sum, bench_lap start)
{
    sum->wall += bench_seconds() - start.wall;
    sum->cpu += cpu_seconds() - start.cpu;
}

void bench_settle(void)
{
    enum { TRIES = 500 };
    const struct timespec pause = {.tv_nsec = 2000000};
    for (int i = 0; i < TRIES; i++) {
        double before = cpu_seconds();
        nanosleep(&pause, NULL);
        if (cpu_seconds() - before < 0.0002) {
            return;
        }
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_percentile(double *values, int count, int percent)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[(count - 1) * percent / 100];
}

double bench_rss_mb(void)
{
    char line[128];
    long kilobytes = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1) {
            break;
        }
    }
    if (!f || kilobytes < 0) {
        bench_die("cannot read /proc/self/status");
    }
    fclose(f);
    return (double)kilobytes / 1024;
}

int64_t bench_file_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

void *bench_take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) {
        bench_die("out of memory");
    }
    return memory;
}

void bench_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void bench_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("stepwell-bench: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

void bench_need(sw_status status, const sw_error *err, const char *what)
{
    if (status != SW_STATUS_OK) {
        bench_die("%s: status %d: %s%s%s", what, (int)status, err->field, *err->field ? ": " : "",
                  err->message);
    }
}

/* ---- many threads ------------------------------------------------------------------------------- */

typedef struct task {
    atomic_long next;
    int64_t count;
    void (*work)(void *arg, int64_t i);
    void *arg;
} task;

static void *take_turns(void *data)
{
    task *t = data;
    for (int64_t i = atomic_fetch_add(&t->next, 1); i < t->count;
         i = atomic_fetch_add(&t->next, 1)) {
        t->work(t->arg, i);
    }
    return NULL;
}

void bench_parallel(int threads, int64_t count, void (*work)(void *arg, int64_t i), void *arg)
{
    enum { THREADS_MAX = 256 };
    pthread_t ids[THREADS_MAX];
    task t = {.next = 0, .count = count, .work = work, .arg = arg};
    int n = threads < THREADS_MAX ? threads : THREADS_MAX;
    for (int i = 0; i < n; i++) {
        if (pthread_create(&ids[i], NULL, take_turns, &t) != 0) {
            bench_die("cannot start %d threads", n);
        }
    }
    for (int i = 0; i < n; i++) {
        pthread_join(ids[i], NULL);
    }
}
