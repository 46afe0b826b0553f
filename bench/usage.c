/* SPDX-License-Identifier: Apache-2.0 */
/* How fast, and how right, is usage by model and day over all organizations? The least it could cost is
 * reading a plain table of as many cells with the same numbers. And the numbers must be those of a full
 * scan of the bare table, to the last token.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

enum { QUESTIONS = 40, TOTALS = sizeof(sw_totals) / sizeof(int64_t) };

static void ask(bench *b, sw_usage_each *each, void *arg)
{
    sw_error err = {0};
    sw_usage_end end;
    sw_actor actor = {.everywhere = true};
    sw_usage_query query = {.by = {SW_DIMENSION_MODEL, SW_DIMENSION_DAY}, .by_count = 2};
    bench_need(sw_usage(b->big->well.ledger, &actor, &query, each, arg, &end, &err), &err,
               "ask for the usage");
    if (!end.complete) {
        bench_die("the usage is not complete");
    }
}

/* ---- the cells, and whether they are right ------------------------------------------------------ */

/* Writes a group into the table of cells. */
static bool keep_cell(void *arg, const sw_usage_group *group)
{
    sqlite3_stmt *insert = arg;
    int64_t totals[TOTALS];
    memcpy(totals, &group->totals, sizeof totals);
    for (int i = 0; i < 2; i++) {
        sqlite3_bind_text(insert, i + 1, group->keys[i].ptr, (int)group->keys[i].len,
                          SQLITE_STATIC);
    }
    for (int i = 0; i < TOTALS; i++) {
        sqlite3_bind_int64(insert, i + 3, totals[i]);
    }
    if (sqlite3_step(insert) != SQLITE_DONE) {
        bench_die("two groups of the usage have the same key");
    }
    sqlite3_reset(insert);
    return true;
}

static void make_cells(bench *b)
{
    bench_bare *bare = &b->big->bare;
    char create[400];
    char insert[200];
    size_t c = (size_t)snprintf(create, sizeof create, "CREATE TABLE cells (model TEXT, day TEXT");
    size_t n = (size_t)snprintf(insert, sizeof insert, "INSERT INTO cells VALUES (?, ?");
    for (int i = 0; i < TOTALS; i++) {
        c += (size_t)snprintf(create + c, sizeof create - c, ", total%d INTEGER", i);
        n += (size_t)snprintf(insert + n, sizeof insert - n, ", ?");
    }
    snprintf(create + c, sizeof create - c, ", PRIMARY KEY (model, day))");
    snprintf(insert + n, sizeof insert - n, ")");
    bench_bare_run(bare, create);
    sqlite3_stmt *statement = bench_bare_prepare(bare, insert);
    bench_bare_run(bare, "BEGIN");
    ask(b, keep_cell, statement);
    bench_bare_run(bare, "COMMIT");
    sqlite3_finalize(statement);
}

/* The first five totals are the number of steps, of failed ones, and the three sums of tokens. */
static void check_cells(bench *b)
{
    static const char differences[] =
        "WITH scan AS (SELECT model, substr(created_at, 1, 10) AS day, count(*) AS n,"
        " sum(status = 'failed') AS f, sum(prompt_tokens) AS p, sum(completion_tokens) AS c,"
        " sum(total_tokens) AS t FROM steps NOT INDEXED GROUP BY 1, 2)"
        " SELECT (SELECT count(*) FROM scan LEFT JOIN cells USING (model, day)"
        "         WHERE (n, f, p, c, t) IS NOT (total0, total1, total2, total3, total4)),"
        " (SELECT count(*) FROM scan), (SELECT count(*) FROM cells)";
    sqlite3_stmt *statement = bench_bare_prepare(&b->big->bare, differences);
    if (sqlite3_step(statement) != SQLITE_ROW) {
        bench_die("bare: %s", sqlite3_errmsg(b->big->bare.db));
    }
    int wrong = sqlite3_column_int(statement, 0);
    int scanned = sqlite3_column_int(statement, 1);
    int cells = sqlite3_column_int(statement, 2);
    sqlite3_finalize(statement);
    if (wrong || scanned != cells) {
        bench_die("usage: %d of %d groups differ from the full scan, which has %d", wrong, cells,
                  scanned);
    }
    bench_say("usage: %d groups equal the full scan to the last token", cells);
}

/* ---- time --------------------------------------------------------------------------------------- */

static bool add_group(void *arg, const sw_usage_group *group)
{
    int64_t *sum = arg;
    int64_t totals[TOTALS];
    memcpy(totals, &group->totals, sizeof totals);
    for (int i = 0; i < TOTALS; i++) {
        *sum += totals[i];
    }
    *sum += (int64_t)(group->keys[0].len + group->keys[1].len);
    return true;
}

static int64_t read_cells(sqlite3_stmt *statement)
{
    int64_t sum = 0;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        sum += sqlite3_column_bytes(statement, 0) + sqlite3_column_bytes(statement, 1);
        for (int i = 0; i < TOTALS; i++) {
            sum += sqlite3_column_int64(statement, i + 2);
        }
    }
    sqlite3_reset(statement);
    return sum;
}

static void measure_usage(bench *b)
{
    double ratio[BENCH_ROUNDS_MAX];
    double well[QUESTIONS];
    double bare[QUESTIONS];
    sqlite3_stmt *statement = bench_bare_prepare(&b->big->bare, "SELECT * FROM cells");
    for (int i = -1; i < b->rounds; i++) {
        for (int k = 0; k < QUESTIONS; k++) {
            int64_t sum = 0;
            double start = bench_seconds();
            ask(b, add_group, &sum);
            well[k] = bench_seconds() - start;
            start = bench_seconds();
            sum -= read_cells(statement);
            bare[k] = bench_seconds() - start;
            if (sum != 0) {
                bench_die("the usage changed while nobody wrote");
            }
        }
        double well_p50 = bench_percentile(well, QUESTIONS, 50);
        double bare_p50 = bench_percentile(bare, QUESTIONS, 50);
        ratio[i < 0 ? 0 : i] = well_p50 / bare_p50; /* the first round is overwritten */
        bench_say("usage: ledger %.3f ms, bare %.3f ms", well_p50 * 1e3, bare_p50 * 1e3);
    }
    sqlite3_finalize(statement);
    bench_figure_set(BENCH_USAGE, ratio, b->rounds);
}

void bench_usage(bench *b)
{
    bench_big_bare(b);
    make_cells(b);
    check_cells(b);
    measure_usage(b);
}
