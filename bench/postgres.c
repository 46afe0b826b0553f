/* SPDX-License-Identifier: Apache-2.0 */
/* How fast steps become durable in PostgreSQL: the ledger in batches of a thousand against COPY in binary of the same
 * rows, a thousand a transaction, into a table of the same columns with the five indexes of the bare loop. The server
 * is one of our own, with fsync, and works for both sides in turns. Its processors are not this process's, so only
 * the clock is compared.
 */
#include "bench.h"

#ifdef SW_WITH_POSTGRES
#include <arpa/inet.h>
#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/pg.h"

static const char create[] =
    "CREATE TABLE bare ("
#define BENCH_TEXT(name) "\"" #name "\" varchar,"
#define BENCH_NUMBER(name) "\"" #name "\" bigint,"
#include "columns.def"
#undef BENCH_TEXT
#undef BENCH_NUMBER
    "PRIMARY KEY (id));"
    "CREATE INDEX bare_run ON bare (run_id);"
    "CREATE INDEX bare_organization ON bare (organization_id, created_at, id);"
    "CREATE INDEX bare_agent ON bare (agent_id, created_at);"
    "CREATE INDEX bare_trace ON bare (trace_id);"
    "CREATE INDEX bare_model ON bare (model, created_at);";

enum {
    COLUMNS = 0
#define BENCH_TEXT(name) +1
#define BENCH_NUMBER(name) +1
#include "columns.def"
#undef BENCH_TEXT
#undef BENCH_NUMBER
    ,
    ROW_BYTES = 8192
};

typedef struct pair {
    bench_well well;
    bench_rows rows; /* of the bare side */
    PGconn *conn;
} pair;

static void need(PGconn *conn, bool well, const char *what)
{
    if (!well) {
        bench_die("postgres: %s: %s", what, PQerrorMessage(conn));
    }
}

/* ---- the bare side ------------------------------------------------------------------------------ */

static char *put(char *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static char *put_text(char *at, sw_str text)
{
    uint32_t len = htonl(text.ptr ? (uint32_t)text.len : UINT32_MAX);
    at = put(at, &len, sizeof len);
    return text.ptr ? put(at, text.ptr, text.len) : at;
}

static char *put_number(char *at, int64_t number)
{
    uint32_t len = htonl(8);
    uint64_t big = htobe64((uint64_t)number);
    at = put(at, &len, sizeof len);
    return put(at, &big, sizeof big);
}

static char *put_row(char *at, const bench_row *row)
{
    uint16_t columns = htons(COLUMNS);
    at = put(at, &columns, sizeof columns);
#define BENCH_TEXT(name) at = put_text(at, row->name);
#define BENCH_NUMBER(name) at = put_number(at, row->name);
#include "columns.def"
#undef BENCH_TEXT
#undef BENCH_NUMBER
    return at;
}

static void copy_batch(pair *p, int64_t count)
{
    static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    static const char tail[2] = {'\377', '\377'};
    char text[ROW_BYTES];
    bench_row row;
    PGresult *result = PQexec(p->conn, "COPY bare FROM STDIN (FORMAT binary)");
    need(p->conn, PQresultStatus(result) == PGRES_COPY_IN, "COPY");
    PQclear(result);
    need(p->conn, PQputCopyData(p->conn, head, (int)sizeof head) == 1, "COPY");
    for (int64_t i = 0; i < count; i++) {
        bench_rows_next(&p->rows, &row);
        char *end = put_row(text, &row);
        need(p->conn, PQputCopyData(p->conn, text, (int)(end - text)) == 1, "COPY");
    }
    need(p->conn, PQputCopyData(p->conn, tail, sizeof tail) == 1, "COPY");
    need(p->conn, PQputCopyEnd(p->conn, NULL) == 1, "COPY");
    result = PQgetResult(p->conn);
    need(p->conn, PQresultStatus(result) == PGRES_COMMAND_OK, "COPY");
    PQclear(result);
    PQclear(PQgetResult(p->conn));
}

/* ---- both --------------------------------------------------------------------------------------- */

static void open_pair(pair *p, const bench *b)
{
    const bench_order order = {.blocks = true};
    char url[700];
    pg_start_durable();
    pg_blank_url(url, sizeof url);
    bench_well_open_url(&p->well, b, url, order);
    bench_rows_init(&p->rows, &b->names, order);
    p->conn = PQconnectdb(url);
    need(p->conn, PQstatus(p->conn) == CONNECTION_OK, "connect");
    PGresult *result = PQexec(p->conn, create);
    need(p->conn, PQresultStatus(result) == PGRES_COMMAND_OK, "create the bare table");
    PQclear(result);
}

static void round_of(pair *p, const bench *b, double *rate)
{
    enum { SLICES = 5 };
    bench_lap bare = {0, 0};
    double rows = (double)(SLICES * b->slice);
    p->well.logged = (bench_lap){0, 0};
    for (int s = 0; s < SLICES; s++) {
        bench_well_runs(&p->well, b->slice);
        bench_well_log(&p->well, b->slice);
        bench_lap start = bench_start();
        for (int64_t done = 0; done < b->slice; done += BENCH_BATCH) {
            copy_batch(p, BENCH_BATCH);
        }
        bench_stop(&bare, start);
    }
    *rate = bare.wall / p->well.logged.wall;
    bench_say("postgres: ledger %.0f steps/s, CPU %.1f us of ours; COPY %.0f rows/s",
              rows / p->well.logged.wall, p->well.logged.cpu / rows * 1e6, rows / bare.wall);
}

void bench_postgres(bench *b)
{
    double rate[BENCH_ROUNDS_MAX];
    pair p = {.conn = NULL};
    if (pg_missing()) {
        bench_say("postgres: %s", pg_missing());
        return;
    }
    open_pair(&p, b);
    for (int i = -1; i < b->rounds; i++) { /* the first round warms up and is overwritten */
        round_of(&p, b, &rate[i < 0 ? 0 : i]);
    }
    bench_figure_set(BENCH_POSTGRES_RATE, rate, b->rounds);
    PQfinish(p.conn);
    bench_well_drop(&p.well);
    pg_stop();
}

#else

void bench_postgres(bench *b)
{
    (void)b;
    bench_say("postgres: this build has no PostgreSQL (libpq)");
}

#endif
