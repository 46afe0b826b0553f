/* SPDX-License-Identifier: Apache-2.0 */
/* The bare loop: what SQLite can do when nobody checks, counts or journals anything. One connection,
 * prepared statements, plain text columns, five indexes, foreign keys off, and the same durability as
 * the ledger: WAL, synchronous FULL. It knows nothing of the ledger.
 */
#include <stdio.h>

#include "bench.h"

static const char create_table[] = "CREATE TABLE steps ("
#define BENCH_TEXT(name) #name " TEXT,"
#define BENCH_NUMBER(name) #name " INTEGER,"
#include "columns.def"
#undef BENCH_TEXT
#undef BENCH_NUMBER
                                   "PRIMARY KEY (id))";

static const char create_indexes[] =
    "CREATE INDEX steps_run ON steps (run_id);"
    "CREATE INDEX steps_organization ON steps (organization_id, created_at, id);"
    "CREATE INDEX steps_agent ON steps (agent_id, created_at);"
    "CREATE INDEX steps_trace ON steps (trace_id);"
    "CREATE INDEX steps_model ON steps (model, created_at);";

static const char insert_row[] = "INSERT INTO steps VALUES ("
#define BENCH_TEXT(name) "?,"
#define BENCH_NUMBER(name) "?,"
#include "columns.def"
#undef BENCH_TEXT
#undef BENCH_NUMBER
    ;

void bench_bare_run(bench_bare *bare, const char *sql)
{
    if (sqlite3_exec(bare->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        bench_die("bare: %s: %s", sql, sqlite3_errmsg(bare->db));
    }
}

sqlite3_stmt *bench_bare_prepare(bench_bare *bare, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(bare->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        bench_die("bare: %s: %s", sql, sqlite3_errmsg(bare->db));
    }
    return statement;
}

static void step(bench_bare *bare, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE) {
        bench_die("bare: %s", sqlite3_errmsg(bare->db));
    }
    sqlite3_reset(statement);
}

static void prepare_insert(bench_bare *bare)
{
    char sql[sizeof insert_row + 1];
    size_t n = sizeof insert_row - 2; /* without the last comma */
    memcpy(sql, insert_row, n);
    memcpy(sql + n, ")", 2);
    bare->insert = bench_bare_prepare(bare, sql);
    bare->begin = bench_bare_prepare(bare, "BEGIN IMMEDIATE");
    bare->commit = bench_bare_prepare(bare, "COMMIT");
}

static void finalize(bench_bare *bare)
{
    sqlite3_finalize(bare->insert);
    sqlite3_finalize(bare->begin);
    sqlite3_finalize(bare->commit);
}

static void open_file(bench_bare *bare)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(bare->path, &bare->db, flags, NULL) != SQLITE_OK) {
        bench_die("bare: cannot open %s", bare->path);
    }
}

static void make_durable(bench_bare *bare)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = 0;"
             "PRAGMA cache_size = -%d; PRAGMA wal_autocheckpoint = %d;",
             BENCH_CACHE_BYTES >> 10, BENCH_CHECKPOINT_PAGES);
    bench_bare_run(bare, sql);
}

void bench_bare_open(bench_bare *bare, const char *path)
{
    bare->path = path;
    bench_remove_database(path);
    open_file(bare);
    make_durable(bare);
    bench_bare_run(bare, create_table);
    bench_bare_run(bare, create_indexes);
    prepare_insert(bare);
}

void bench_bare_close(bench_bare *bare)
{
    finalize(bare);
    sqlite3_close(bare->db);
    *bare = (bench_bare){.path = bare->path};
}

static void bind_text(sqlite3_stmt *statement, int at, sw_str text)
{
    if (text.ptr) {
        sqlite3_bind_text(statement, at, text.ptr, (int)text.len, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(statement, at);
    }
}

static void insert(bench_bare *bare, const bench_row *row)
{
    int at = 0;
#define BENCH_TEXT(name) bind_text(bare->insert, ++at, row->name);
#define BENCH_NUMBER(name) sqlite3_bind_int64(bare->insert, ++at, row->name);
#include "columns.def"
#undef BENCH_TEXT
#undef BENCH_NUMBER
    step(bare, bare->insert);
}

void bench_bare_insert(bench_bare *bare, bench_rows *rows, int64_t count, int64_t batch)
{
    bench_row row;
    while (count > 0) {
        step(bare, bare->begin);
        for (int64_t i = 0; i < batch && count > 0; i++, count--) {
            bench_rows_next(rows, &row);
            insert(bare, &row);
        }
        step(bare, bare->commit);
    }
}

void bench_bare_fill(bench_bare *bare, bench_rows *rows, int64_t count)
{
    enum { PIECE = 500000 };
    finalize(bare);
    bench_bare_run(bare, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                         "PRAGMA cache_size = -1000000");
    prepare_insert(bare);
    for (int64_t done = 0; done < count; done += PIECE) {
        int64_t n = count - done < PIECE ? count - done : PIECE;
        bench_bare_insert(bare, rows, n, n);
        bench_say("  bare table: %.1f of %.1f million rows", (double)(done + n) / 1e6,
                  (double)count / 1e6);
    }
    finalize(bare);
    sqlite3_close(bare->db);
    open_file(bare);
    make_durable(bare);
    prepare_insert(bare);
}
