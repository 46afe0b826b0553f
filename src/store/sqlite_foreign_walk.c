/* SPDX-License-Identifier: Apache-2.0 */
/* Whole tables of a foreign SQLite database: the keys by one statement that is stepped on, rows one by one by their
 * key, so that long ones are never sorted.
 */
#include <sqlite3.h>

#include "store/foreign_impl.h"
#include "store/sqlite_impl.h"

static bool lite_has(sw_foreign *db, const char *table, const char *column)
{
    return sqlite3_table_column_metadata(db->db, "main", table, column, NULL, NULL, NULL, NULL,
                                         NULL) == SQLITE_OK;
}

/* What is not null and comes as null there was no memory for. */
static sw_str text_of(sqlite3_stmt *stmt, size_t i, bool *lost)
{
    bool said = sqlite3_column_type(stmt, (int)i) != SQLITE_NULL;
    const char *text = (const char *)sqlite3_column_text(stmt, (int)i);

    *lost |= said && !text && sqlite3_errcode(sqlite3_db_handle(stmt)) == SQLITE_NOMEM;
    return text ? sw_str_make(text, (size_t)sqlite3_column_bytes(stmt, (int)i)) : SW_NULL_STR;
}

static sw_status lite_count(sw_foreign *db, const char *sql, int64_t *out, sw_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->db, sql, -1, &stmt, NULL);

    rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SW_STATUS_OK : sw__lite_fail(db->db, rc, "count rows", err);
}

static sw_status lite_walk_open(sw_foreign_walk *walk, const char *sql, sw_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(walk->db->db, sql, -1, &stmt, NULL);

    walk->statement = stmt;
    return rc == SQLITE_OK ? SW_STATUS_OK : sw__lite_fail(walk->db->db, rc, walk->table, err);
}

static sw_status lite_walk_next(sw_foreign_walk *walk, size_t most, sw_arena *arena,
                                sw_foreign_key *keys, size_t *count, sw_error *err)
{
    sqlite3_stmt *stmt = walk->statement;
    bool lost = false;
    int rc = SQLITE_ROW;

    while (stmt && *count < most && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        keys[*count].key = sw_arena_str(arena, text_of(stmt, 0, &lost));
        for (size_t i = 0; i < SW_FOREIGN_LINKS; i++) {
            keys[*count].links[i] = sw_arena_str(arena, text_of(stmt, i + 1, &lost));
        }
        (*count)++;
    }
    if (rc != SQLITE_ROW) { /* the end: stepping on would begin anew */
        (void)sqlite3_finalize(stmt);
        walk->statement = NULL;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return sw__lite_fail(walk->db->db, rc, walk->table, err);
    }
    return arena->failed || lost ? sw_no_memory(err) : SW_STATUS_OK;
}

static void lite_walk_close(sw_foreign_walk *walk)
{
    (void)sqlite3_finalize(walk->statement);
    walk->statement = NULL;
}

static sw_status show(sqlite3_stmt *stmt, size_t columns, sw_foreign_row *row, void *arg,
                      sw_error *err)
{
    sw_str values[SW_FOREIGN_WIDE];
    bool lost = false;

    for (size_t i = 0; i < columns; i++) {
        values[i] = text_of(stmt, i, &lost);
    }
    return lost ? sw_no_memory(err) : row(arg, values, err);
}

static sw_status lite_rows(sw_foreign *db, const char *sql, const sw_foreign_wide *of,
                           const sw_str *keys, size_t count, sw_foreign_row *row, void *arg,
                           sw_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->db, sql, -1, &stmt, NULL);
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < count && rc == SQLITE_OK && status == SW_STATUS_OK; i++) {
        rc = sqlite3_bind_text64(stmt, 1, keys[i].ptr, keys[i].len, SQLITE_STATIC, SQLITE_UTF8);
        while (rc == SQLITE_OK && status == SW_STATUS_OK &&
               (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            status = show(stmt, of->column_count, row, arg, err);
            rc = SQLITE_OK;
        }
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        (void)sqlite3_reset(stmt);
    }
    (void)sqlite3_finalize(stmt);
    return status != SW_STATUS_OK || rc == SQLITE_OK ? status
                                                     : sw__lite_fail(db->db, rc, of->table, err);
}

static void lite_close(sw_foreign *db)
{
    (void)sqlite3_close(db->db);
}

const sw_foreign_ops sw__lite_foreign = {.has = lite_has,
                                         .count = lite_count,
                                         .walk_open = lite_walk_open,
                                         .walk_next = lite_walk_next,
                                         .walk_close = lite_walk_close,
                                         .rows = lite_rows,
                                         .close = lite_close,
                                         .as_text = "",
                                         .by_bytes = "",
                                         .from = "",
                                         .where = "= ?"};
