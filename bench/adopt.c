/* SPDX-License-Identifier: Apache-2.0 */
/* How long it takes to adopt a database of Letta V1, and how long somebody else who reads it meanwhile waits at most. The
 * database is the tests' own (tests/lib/v1.h): with every step come two messages, most of a timing, a fifth of a run with
 * its totals and a fifth of a trace.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "tests/lib/pg.h"

#ifdef SW_WITH_POSTGRES
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "stepwell/operate.h"
#include "store/adopt.h"
#include "tests/lib/v1.h"

typedef struct reader {
    char url[700];
    char run[64];
    atomic_bool over;
    double longest; /* seconds */
    int64_t reads;
} reader;

/* What V1's server asks: a page of runs, and the steps of one of them. */
static void read_once(reader *r, PGconn *conn)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "SELECT * FROM runs ORDER BY created_at DESC, id DESC LIMIT 50; SELECT * FROM steps "
             "WHERE run_id = '%s'",
             r->run);
    double start = bench_seconds();
    PGresult *result = PQexec(conn, sql);
    double took = bench_seconds() - start;
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0) {
        bench_die("adopt: a reader was refused: %s", PQerrorMessage(conn));
    }
    PQclear(result);
    r->longest = took > r->longest ? took : r->longest;
    r->reads++;
}

static void *read_on(void *arg)
{
    reader *r = arg;
    const struct timespec pause = {.tv_nsec = 5000000};
    PGconn *conn = PQconnectdb(r->url);
    while (!atomic_load(&r->over)) {
        read_once(r, conn);
        (void)nanosleep(&pause, NULL);
    }
    PQfinish(conn);
    return NULL;
}

static double said(const char *what, double since)
{
    double now = bench_seconds();
    bench_say("adopt: %s %.1f s", what, now - since);
    return now;
}

static void adopt(const char *url)
{
    const sw_store_options options = {.url = {url, strlen(url)}};
    const sw_ledger_options opening = {.store = url, .no_reaper = true, .adopting = true};
    sw_adoption *adoption = NULL;
    sw_adopt_found found;
    sw_ledger *ledger = NULL;
    sw_resum_end sums;
    sw_error err = {0};
    double at = bench_seconds();
    bench_need(sw_adopt_open(&options, &adoption, &found, &err), &err, "look");
    bench_need(sw_adopt_add(adoption, &err), &err, "add");
    at = said("tables and columns", at);
    bench_need(sw_adopt_index(adoption, NULL, NULL, &err), &err, "index");
    at = said("indexes", at);
    bench_need(sw_ledger_open(&opening, &ledger, &err), &err, "open");
    bench_need(sw_resum(ledger, NULL, NULL, &sums, &err), &err, "sums");
    sw_ledger_close(&ledger);
    bench_need(sw_adopt_end(adoption, &err), &err, "end");
    (void)said("sums", at);
    sw_adopt_close(&adoption);
}

void bench_adopt(bench *b)
{
    reader r = {.longest = 0};
    const v1_size size = {.steps = b->size / 25 * 5, .step_us = 10000000, .seed = 1};
    pthread_t thread;
    if (pg_missing()) {
        bench_say("adopt: %s", pg_missing());
        return;
    }
    double at = bench_seconds();
    pg_start_durable();
    pg_new_url(r.url, sizeof r.url);
    v1_make(r.url, V1_HEAD);
    v1_fill(r.url, V1_HEAD, &size);
    v1_id(r.url, &size, "run", 1, r.run);
    pg_sql(r.url, "VACUUM ANALYZE", NULL, 0);
    pg_sql(r.url, "CHECKPOINT", NULL, 0);
    at = said("filling V1", at);
    if (pthread_create(&thread, NULL, read_on, &r) != 0) {
        bench_die("adopt: no thread");
    }
    adopt(r.url);
    double seconds = (bench_seconds() - at) * 1e6 / (double)size.steps;
    atomic_store(&r.over, true);
    pthread_join(thread, NULL);
    double wait_ms = r.longest * 1e3;
    bench_say("adopt: %lld reads meanwhile, the longest %.0f ms", (long long)r.reads, wait_ms);
    bench_figure_set(BENCH_ADOPT_SECONDS, &seconds, 1);
    bench_figure_set(BENCH_ADOPT_READ, &wait_ms, 1);
    pg_stop();
}

#else

void bench_adopt(bench *b)
{
    (void)b;
    bench_say("adopt: this build has no PostgreSQL (libpq)");
}

#endif
