/* SPDX-License-Identifier: Apache-2.0 */
/* stepwell-bench: runs the groups of figures and prints one table. What is measured and how is told in
 * README.md beside this file; progress goes to stderr, the table to stdout.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

static const char usage[] =
    "usage: stepwell-bench [--quick] [--json FILE] [--size ROWS] [GROUP]\n"
    "\n"
    "Measures the ledger against a bare SQLite loop. Groups: bare ingest growth lists usage runs hashed http otlp\n"
    "statusline transcripts postgres adopt.\n"
    "  --quick       a tenth of the size, under three minutes; what needs the full size reads n/a\n"
    "  --json FILE   also write the figures there\n"
    "  --size ROWS   of the big tables, instead of 5000000\n";

typedef struct wishes {
    bench_group group; /* BENCH_GROUP_COUNT: all */
    const char *json;
    int64_t size;
    bool quick;
} wishes;

static bench_group find_group(const char *name)
{
    for (int i = 0; i < BENCH_GROUP_COUNT; i++) {
        if (strcmp(name, bench_group_name((bench_group)i)) == 0) {
            return (bench_group)i;
        }
    }
    fprintf(stderr, "stepwell-bench: there is no group \"%s\"\n\n%s", name, usage);
    exit(2);
}

static const char *value_of(char **argv, int argc, int *i)
{
    if (*i + 1 >= argc) {
        fprintf(stderr, "stepwell-bench: %s wants a value\n\n%s", argv[*i], usage);
        exit(2);
    }
    return argv[++*i];
}

static int64_t parse_size(const char *text)
{
    char *end = NULL;
    long long size = strtoll(text, &end, 10);
    if (*end || size < BENCH_SMALL || size > 100000000) {
        fprintf(stderr, "stepwell-bench: --size wants a number from 100000 to 100000000\n");
        exit(2);
    }
    return size - size % BENCH_BATCH;
}

static wishes parse(int argc, char **argv)
{
    wishes w = {.group = BENCH_GROUP_COUNT};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            w.quick = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            w.json = value_of(argv, argc, &i);
        } else if (strcmp(argv[i], "--size") == 0) {
            w.size = parse_size(value_of(argv, argc, &i));
        } else if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        } else {
            w.group = find_group(argv[i]);
        }
    }
    return w;
}

static void run_groups(bench *b, bench_group only)
{
    static void (*const groups[])(bench * b) = {
        bench_bare_check,  bench_ingest,   bench_growth, bench_lists, bench_usage,
        bench_runs,        bench_hashed,   bench_http,   bench_otlp,  bench_statusline,
        bench_transcripts, bench_postgres, bench_adopt};
    for (int i = 0; i < BENCH_GROUP_COUNT; i++) {
        /* The bare loop's check always runs: without it no ratio of the ledger means anything. */
        bool judge = i == BENCH_GROUP_BARE && only != BENCH_GROUP_OTLP &&
                     only != BENCH_GROUP_STATUSLINE && only != BENCH_GROUP_TRANSCRIPTS &&
                     only != BENCH_GROUP_POSTGRES && only != BENCH_GROUP_ADOPT;
        if (judge || only == BENCH_GROUP_COUNT || only == (bench_group)i) {
            double start = bench_seconds();
            groups[i](b);
            malloc_trim(0); /* what one group freed must not count as the memory of the next */
            bench_say("%s took %.0f s", bench_group_name((bench_group)i), bench_seconds() - start);
        }
        if (i == BENCH_GROUP_USAGE) {
            bench_big_drop(b);
        }
    }
}

int main(int argc, char **argv)
{
    static bench b;
    wishes w = parse(argc, argv);
    b.quick = w.quick;
    b.rounds = w.quick ? 5 : 7;
    b.slice = w.quick ? 5000 : 20000;
    b.size = w.size ? w.size : w.quick ? BENCH_FULL / 10 : BENCH_FULL;
    bench_names_make(&b.names);
    bench_folder_make();
    run_groups(&b, w.group);
    bench_report_print(w.group);
    if (w.json) {
        bench_report_write(w.json, w.group);
    }
    return 0;
}
