/* SPDX-License-Identifier: Apache-2.0 */
/* The figures, and how they are told: one table for people, one JSON file for programs. Knows nothing of
 * how a figure came about. What a figure must reach is a row of figures.def.
 */
#include <errno.h>
#include <stdio.h>

#include "bench.h"

typedef struct figure_row {
    const char *name;
    bench_group group;
    const char *unit;
    bench_direction direction;
    double target;
    bool full;
} figure_row;

static const figure_row figures[] = {
#define BENCH_FIGURE(NAME, name, GROUP, UNIT, DIRECTION, TARGET, FULL, DOC)                        \
    {#name, BENCH_GROUP_##GROUP, UNIT, BENCH_##DIRECTION, TARGET, FULL},
#include "figures.def"
#undef BENCH_FIGURE
};

/* What became of each figure. */
typedef struct result {
    bool known;
    double value;
    double min;
    double max;
    bool judged; /* by bench_figure_judge */
    double target;
    bool ok;
} result;
static result results[BENCH_FIGURE_COUNT];
static bool all_void;

static const char *const group_names[] = {
    "bare", "ingest", "growth",     "lists",       "usage",    "runs", "hashed",
    "http", "otlp",   "statusline", "transcripts", "postgres", "adopt"};
_Static_assert(sizeof group_names / sizeof group_names[0] == BENCH_GROUP_COUNT, "a name each");

const char *bench_group_name(bench_group group)
{
    return group_names[group];
}

bool bench_figure_wanted(const bench *b, bench_figure figure)
{
    return !figures[figure].full || b->size >= BENCH_FULL;
}

void bench_figure_set(bench_figure figure, const double *values, int count)
{
    double sorted[BENCH_ROUNDS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    result *r = &results[figure];
    r->known = true;
    r->value = bench_percentile(sorted, count, 50);
    r->min = sorted[0];
    r->max = sorted[count - 1];
    bench_say("%s = %.3g (%.3g to %.3g)", figures[figure].name, r->value, r->min, r->max);
}

void bench_figure_judge(bench_figure figure, double target, bool ok)
{
    results[figure].judged = true;
    results[figure].target = target;
    results[figure].ok = ok;
}

void bench_figures_void(void)
{
    all_void = true;
}

/* ---- judging ------------------------------------------------------------------------------------ */

/* All figures stand or fall with the bare loop, but for its own and those that are not held against it. */
static bool is_void(int i)
{
    return all_void && i != BENCH_BARE_CPU_US && i < BENCH_OTLP_DECODE;
}

/* 1 good, 0 not, -1 nothing to say. */
static int verdict(int i)
{
    const figure_row *f = &figures[i];
    const result *r = &results[i];
    if (!r->known) {
        return -1;
    }
    if (is_void(i)) {
        return 0;
    }
    if (r->judged) {
        return r->ok;
    }
    switch (f->direction) {
    case BENCH_AT_LEAST:
        return r->value >= f->target;
    case BENCH_AT_MOST:
        return r->value <= f->target;
    case BENCH_BELOW:
        return r->value < f->target;
    case BENCH_REPORTED:
        return -1;
    }
    return -1;
}

/* "" when there is none. */
static void target_text(int i, char *out, size_t size)
{
    static const char *const signs[] = {">=", "<=", "<"};
    const figure_row *f = &figures[i];
    *out = 0;
    if (results[i].judged) {
        snprintf(out, size, "%.3g +-10%%", results[i].target);
    } else if (f->direction != BENCH_REPORTED) {
        snprintf(out, size, "%s %.3g", signs[f->direction], f->target);
    }
}

static bool shown(int i, bench_group group)
{
    return group == BENCH_GROUP_COUNT || figures[i].group == group || i == BENCH_BARE_CPU_US;
}

/* ---- for people --------------------------------------------------------------------------------- */

void bench_report_print(bench_group group)
{
    static const char *const words[] = {"-", "NO", "yes"};
    char target[32];
    printf("%-28s %9s %9s %9s %-7s %-11s %s\n", "figure", "value", "min", "max", "unit", "target",
           "ok");
    for (int i = 0; i < BENCH_FIGURE_COUNT; i++) {
        const result *r = &results[i];
        if (!shown(i, group)) {
            continue;
        }
        target_text(i, target, sizeof target);
        printf("%-28s ", figures[i].name);
        if (!r->known || is_void(i)) {
            printf("%9s %9s %9s ", r->known ? "void" : "n/a", "", "");
        } else {
            printf("%9.3f %9.3f %9.3f ", r->value, r->min, r->max);
        }
        printf("%-7s %-11s %s\n", figures[i].unit, target, words[verdict(i) + 1]);
    }
}

/* ---- for programs ------------------------------------------------------------------------------- */

static void write_figure(FILE *f, int i)
{
    static const char *const words[] = {"null", "false", "true"};
    const result *r = &results[i];
    char target[32];
    target_text(i, target, sizeof target);
    fprintf(f, "{\"name\":\"%s\",", figures[i].name);
    if (r->known && !is_void(i)) {
        fprintf(f, "\"value\":%.6g,\"min\":%.6g,\"max\":%.6g,", r->value, r->min, r->max);
    } else {
        fputs("\"value\":null,\"min\":null,\"max\":null,", f);
    }
    fprintf(f, "\"unit\":\"%s\",\"target\":", figures[i].unit);
    fprintf(f, *target ? "\"%s\"" : "null", target);
    fprintf(f, ",\"ok\":%s}", words[verdict(i) + 1]);
}

static void write_figures(FILE *f, bench_group group)
{
    bool first = true;
    fputs("{\"figures\":[", f);
    for (int i = 0; i < BENCH_FIGURE_COUNT; i++) {
        if (shown(i, group)) {
            fputs(first ? "\n" : ",\n", f);
            write_figure(f, i);
            first = false;
        }
    }
    fputs("\n]}\n", f);
}

void bench_report_write(const char *path, bench_group group)
{
    FILE *f = fopen(path, "w");
    if (f) {
        write_figures(f, group);
    }
    if (!f || fclose(f) != 0) {
        bench_die("cannot write %s: %s", path, strerror(errno));
    }
}
