/* SPDX-License-Identifier: Apache-2.0 */
/* A foreign PostgreSQL database: one transaction that sees one state and may not write, for as long as it takes. Keys
 * come through a cursor of the server's, rows one at a time as the server sends them.
 *
 * Nothing is asked of the server that only new ones know, and nothing of its settings is believed: a server that ends
 * transactions that stand still would end every import of a large table.
 */
#include <stdio.h>

#include "store/foreign_impl.h"
#include "store/postgres_impl.h"

typedef struct pg_foreign {
    PGconn *conn;
    PGresult *columns; /* of all tables: table, column, sorted by bytes */
    char place[384];
    bool
        stopped; /* in the midst of an answer: whatever is asked now would have to read the rest first */
} pg_foreign;

static pg_foreign *own(const sw_foreign *db)
{
    return db->own;
}

/* Sentences about data (class 22) may quote it. */
static sw_status failed(const pg_foreign *pg, const PGresult *result, const char *doing,
                        sw_error *err)
{
    const char *state = result ? sw__pq.resultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *said = result ? sw__pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    if (!state) {
        return sw_fail(err, SW_STATUS_IO, NULL, "%s went away while %s was read", pg->place, doing);
    }
    return sw_fail(err, SW_STATUS_IO, NULL, "%s: cannot read %s: %s", pg->place, doing,
                   said && strncmp(state, "22", 2) != 0 ? said : state);
}

/* ---- opening -------------------------------------------------------------------------------------------- */

static sw_status exec(const pg_foreign *pg, const char *sql, ExecStatusType good, const char *doing,
                      PGresult **out, sw_error *err)
{
    PGresult *result = sw__pq.exec(pg->conn, sql);
    sw_status status =
        sw__pq.resultStatus(result) == good ? SW_STATUS_OK : failed(pg, result, doing, err);

    if (status == SW_STATUS_OK && out) {
        *out = result;
    } else {
        sw__pq.clear(result);
    }
    return status;
}

/* Views and other servers' tables are left out, as they are with files. Where the server keeps rows from us, it is to
 * say so: an import without them would look like a whole one. */
static sw_status begin(pg_foreign *pg, sw_error *err)
{
    static const char settings[] =
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0;"
        "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL client_min_messages = error;"
        "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL lock_timeout = 0;"
        "SET LOCAL row_security = off";
    static const char columns[] =
        "SELECT c.relname::text, a.attname::text FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) AND a.attnum > 0"
        " AND NOT a.attisdropped AND c.relnamespace <> 'pg_catalog'::regnamespace"
        " ORDER BY c.relname::text COLLATE \"C\", a.attname::text COLLATE \"C\"";
    sw_status status = exec(pg, settings, PGRES_COMMAND_OK, "the database", NULL, err);

    return status == SW_STATUS_OK
               ? exec(pg, columns, PGRES_TUPLES_OK, "the list of tables", &pg->columns, err)
               : status;
}

static void pg_close(sw_foreign *db)
{
    pg_foreign *pg = own(db);

    if (pg) {
        if (sw__pq_load()) {
            sw__pq.clear(pg->columns);
            sw__pq.finish(pg->conn);
        }
        sw_free(db->allocator, pg);
        db->own = NULL;
    }
}

static sw_status connect_to(pg_foreign *pg, const char *url, sw_error *err)
{
    sw_status status = sw__pg_name_place(url, pg->place, sizeof pg->place, err);

    if (status == SW_STATUS_OK) {
        pg->conn = sw__pg_dial(url);
        status = sw__pq.status(pg->conn) == CONNECTION_OK
                     ? begin(pg, err)
                     : sw__pg_not_connected(pg->conn, pg->place, err);
    }
    return status;
}

/* ---- tables --------------------------------------------------------------------------------------------- */

static int compare(const pg_foreign *pg, int at, const char *table, const char *column)
{
    int order = strcmp(sw__pq.getvalue(pg->columns, at, 0), table);

    return order != 0 || !column ? order : strcmp(sw__pq.getvalue(pg->columns, at, 1), column);
}

static bool pg_has(sw_foreign *db, const char *table, const char *column)
{
    const pg_foreign *pg = own(db);
    int from = 0, to = sw__pq.ntuples(pg->columns);

    while (from < to) {
        int middle = from + (to - from) / 2;
        int order = compare(pg, middle, table, column);
        if (order == 0) {
            return true;
        }
        from = order < 0 ? middle + 1 : from;
        to = order < 0 ? to : middle;
    }
    return false;
}

static sw_status pg_count(sw_foreign *db, const char *sql, int64_t *out, sw_error *err)
{
    PGresult *result = NULL;
    sw_status status = exec(own(db), sql, PGRES_TUPLES_OK, "a table", &result, err);

    if (status == SW_STATUS_OK) {
        (void)sw_parse_int(sw_str_from(sw__pq.getvalue(result, 0, 0)), out);
    }
    sw__pq.clear(result);
    return status;
}

/* ---- keys ----------------------------------------------------------------------------------------------- */

static sw_str value_of(const PGresult *result, int line, int column)
{
    return sw__pq.getisnull(result, line, column)
               ? SW_NULL_STR
               : sw_str_make(sw__pq.getvalue(result, line, column),
                             (size_t)sw__pq.getlength(result, line, column));
}

static sw_status pg_walk_open(sw_foreign_walk *walk, const char *sql, sw_error *err)
{
    sw_buf text;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&text, walk->db->allocator, 0);
    sw_buf_adds(&text, "DECLARE stepwell_walk NO SCROLL CURSOR FOR ");
    sw_buf_adds(&text, sql);
    status = text.status == SW_STATUS_OK
                 ? exec(own(walk->db), text.ptr, PGRES_COMMAND_OK, walk->table, NULL, err)
                 : sw_no_memory(err);
    sw_buf_fini(&text);
    return status;
}

static sw_status pg_walk_next(sw_foreign_walk *walk, size_t most, sw_arena *arena,
                              sw_foreign_key *keys, size_t *count, sw_error *err)
{
    char sql[64];
    PGresult *result = NULL;
    sw_status status = SW_STATUS_OK;

    (void)snprintf(sql, sizeof sql, "FETCH %zu FROM stepwell_walk", most);
    status = exec(own(walk->db), sql, PGRES_TUPLES_OK, walk->table, &result, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    for (; *count < (size_t)sw__pq.ntuples(result); (*count)++) {
        keys[*count].key = sw_arena_str(arena, value_of(result, (int)*count, 0));
        for (int i = 0; i < SW_FOREIGN_LINKS; i++) {
            keys[*count].links[i] = sw_arena_str(arena, value_of(result, (int)*count, i + 1));
        }
    }
    sw__pq.clear(result);
    return arena->failed ? sw_no_memory(err) : SW_STATUS_OK;
}

static void pg_walk_close(sw_foreign_walk *walk)
{
    const pg_foreign *pg = own(walk->db);

    if (!pg->stopped) {
        sw__pq.clear(sw__pq.exec(pg->conn, "CLOSE stepwell_walk"));
    }
}

/* ---- rows ----------------------------------------------------------------------------------------------- */

/* The keys as one array in the text form of the server's. */
static void print_keys(const sw_str *keys, size_t count, sw_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        sw_buf_adds(out, i ? ",\"" : "{\"");
        for (size_t at = 0; at < keys[i].len; at++) {
            if (keys[i].ptr[at] == '"' || keys[i].ptr[at] == '\\') {
                sw_buf_addc(out, '\\');
            }
            sw_buf_addc(out, keys[i].ptr[at]);
        }
        sw_buf_addc(out, '"');
    }
    sw_buf_addc(out, '}');
}

/* Whoever stops in the middle leaves the connection as it is: it can only be closed. */
static sw_status receive(pg_foreign *pg, const sw_foreign_wide *of, sw_foreign_row *row, void *arg,
                         sw_error *err)
{
    sw_str values[SW_FOREIGN_WIDE];
    sw_status status = SW_STATUS_OK;
    PGresult *result = NULL;

    while (status == SW_STATUS_OK && (result = sw__pq.getResult(pg->conn)) != NULL) {
        ExecStatusType is = sw__pq.resultStatus(result);
        if (is == PGRES_SINGLE_TUPLE) {
            for (size_t i = 0; i < of->column_count; i++) {
                values[i] = value_of(result, 0, (int)i);
            }
            status = row(arg, values, err);
            pg->stopped = status != SW_STATUS_OK;
        } else if (is != PGRES_TUPLES_OK) {
            status = failed(pg, result, of->table, err);
        }
        sw__pq.clear(result);
    }
    return status;
}

static sw_status pg_rows(sw_foreign *db, const char *sql, const sw_foreign_wide *of,
                         const sw_str *keys, size_t count, sw_foreign_row *row, void *arg,
                         sw_error *err)
{
    pg_foreign *pg = own(db);
    sw_buf list;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&list, db->allocator, 0);
    print_keys(keys, count, &list);
    if (list.status != SW_STATUS_OK) {
        status = sw_no_memory(err);
    } else {
        const char *const values[] = {list.ptr};
        if (!sw__pq.sendQueryParams(pg->conn, sql, 1, NULL, values, NULL, NULL, 0) ||
            !sw__pq.setSingleRowMode(pg->conn)) {
            status = failed(pg, NULL, of->table, err);
        }
    }
    sw_buf_fini(&list);
    return status == SW_STATUS_OK ? receive(pg, of, row, arg, err) : status;
}

static const sw_foreign_ops ops = {
    .has = pg_has,
    .count = pg_count,
    .walk_open = pg_walk_open,
    .walk_next = pg_walk_next,
    .walk_close = pg_walk_close,
    .rows = pg_rows,
    .close = pg_close,
    .as_text = "::text",
    .by_bytes = " COLLATE \"C\"",
    /* OFFSET 0 keeps it one look-up a key, in the order of the keys: as a join the rows would be sorted, with all that is
     * in them. */
    .from = "unnest($1::text[]) WITH ORDINALITY AS k(id, n) CROSS JOIN LATERAL (SELECT t.* FROM ",
    .where = "= k.id OFFSET 0) t ORDER BY k.n",
};

sw_status sw__pg_foreign_open(const char *url, sw_arena *arena, sw_foreign *out, sw_error *err)
{
    pg_foreign *pg = sw_alloc_zeroed(out->allocator, sizeof *pg);
    sw_str whole = sw_arena_printf(arena, "postgresql:%s", url);
    sw_status status = SW_STATUS_OK;

    out->ops = &ops;
    out->own = pg;
    if (!sw__pq_load()) {
        status = sw_fail(err, SW_STATUS_UNSUPPORTED, "url", "%s", SW_PQ_MISSING);
    } else if (!pg || !whole.ptr) {
        status = sw_no_memory(err);
    } else {
        status = connect_to(pg, whole.ptr, err);
    }
    if (status != SW_STATUS_OK) {
        pg_close(out);
    }
    return status;
}
