/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite itself can say about a damaged file: rows that refer to nothing, and pages and indexes
 * that disagree. Never shows what a row holds.
 */
#include <stdlib.h>

#include "store/sqlite_impl.h"

/* Shows one row; answers SQLite's code when the row means that the check itself failed. */
typedef int show_row(sqlite3_stmt *stmt, sw_fault *fault, void *arg);

static sw_status run(sw_lite_session *session, const char *sql, show_row *show, sw_fault *fault,
                     void *arg, sw_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(session->db, sql, -1, &stmt, NULL);

    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rc = show(stmt, fault, arg);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE || rc == SQLITE_OK ? SW_STATUS_OK
                                                : sw__lite_fail(session->db, rc, "check", err);
}

static int show_reference(sqlite3_stmt *stmt, sw_fault *fault, void *arg)
{
    char where[160];

    sqlite3_snprintf(sizeof where, where, "%s row %lld", (const char *)sqlite3_column_text(stmt, 0),
                     sqlite3_column_int64(stmt, 1));
    char what[160];
    sqlite3_snprintf(sizeof what, what, "refers to a row of %s that is not there",
                     (const char *)sqlite3_column_text(stmt, 2));
    fault(arg, where, what);
    return SQLITE_OK;
}

/* A page that could not be read for want of memory is not a damaged page, though SQLite lists it among them (before
 * 3.43) as "unable to get the page. error code=7". */
static bool no_memory(const char *text)
{
    static const char mark[] = "error code=";

    for (const char *at = strstr(text, mark); at; at = strstr(at, mark)) {
        at += sizeof mark - 1;
        long code = strtol(at, NULL, 10);
        if (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM) {
            return true;
        }
    }
    return false;
}

static int show_page(sqlite3_stmt *stmt, sw_fault *fault, void *arg)
{
    const char *text = (const char *)sqlite3_column_text(stmt, 0);

    if (!text || no_memory(text)) {
        return SQLITE_NOMEM;
    }
    if (strcmp(text, "ok") != 0) {
        fault(arg, "file", text);
    }
    return SQLITE_OK;
}

sw_status sw__lite_count(sw_session *head, sw_record_id record, int64_t *out, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    sqlite3_stmt *stmt = NULL;
    char sql[120];
    sqlite3_snprintf(sizeof sql, sql, "SELECT count(*) FROM %s_data", sw_record_of(record)->table);
    int rc = sqlite3_prepare_v2(session->db, sql, -1, &stmt, NULL);

    rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? SW_STATUS_OK : sw__lite_fail(session->db, rc, "count", err);
}

sw_status sw__lite_check(sw_session *head, sw_fault *fault, void *arg, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    sw_status status = run(session, "PRAGMA foreign_key_check", show_reference, fault, arg, err);

    return status == SW_STATUS_OK
               ? run(session, "PRAGMA quick_check(20)", show_page, fault, arg, err)
               : status;
}
