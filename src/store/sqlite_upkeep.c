/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to an SQLite file as a whole: a copy of it as of one moment, and giving room back. Both
 * work on connections of their own, beside the sessions.
 *
 * The copy is SQLite's online backup under a read transaction that is held all the while: the source is
 * then one snapshot, so that writers neither wait nor make the copy begin anew. The log cannot be
 * emptied past that snapshot meanwhile; it grows by what is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/sqlite_impl.h"

enum { PAGES_AT_ONCE = 256, BUSY_SLEEP_MS = 20, BUSY_TRIES = 500 };

/* ---- a copy -------------------------------------------------------------------------------------- */

/* The new file, for its owner alone; EXISTS when something has the name. */
static sw_status make_file(const char *path, sw_error *err)
{
    int file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (file >= 0) {
        (void)close(file);
        return SW_STATUS_OK;
    }
    return errno == EEXIST ? sw_fail(err, SW_STATUS_CONFLICT, "", "%s exists already", path)
                           : sw_fail(err, errno == ENOSPC ? SW_STATUS_FULL : SW_STATUS_IO, "",
                                     "%s cannot be made: %s", path, strerror(errno));
}

static sw_status copy_pages(sqlite3 *from, sqlite3 *to, const char *path,
                            sw_store_progress *progress, void *arg, sw_error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    int rc = backup ? SQLITE_OK : sqlite3_errcode(to);
    int tries = 0;
    while (rc == SQLITE_OK || ((rc == SQLITE_BUSY || rc == SQLITE_LOCKED) && tries < BUSY_TRIES)) {
        if (rc != SQLITE_OK) {
            tries++;
            (void)sqlite3_sleep(BUSY_SLEEP_MS);
        }
        rc = sqlite3_backup_step(backup, PAGES_AT_ONCE);
        if (progress && backup) {
            int64_t all = sqlite3_backup_pagecount(backup);
            progress(arg, all - sqlite3_backup_remaining(backup), all);
        }
    }
    int finished = sqlite3_backup_finish(backup);
    rc = rc == SQLITE_DONE ? finished : rc;
    return rc == SQLITE_OK ? SW_STATUS_OK : sw__lite_fail(to, rc, path, err);
}

static sw_status copy_to(sqlite3 *from, const char *path, sw_store_progress *progress, void *arg,
                         sw_error *err)
{
    sqlite3 *to = NULL;
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL);
    sw_status status = rc == SQLITE_OK ? SW_STATUS_OK : sw__lite_fail(to, rc, path, err);
    if (status == SW_STATUS_OK) {
        status = copy_pages(from, to, path, progress, arg, err);
    }
    rc = sqlite3_close(to);
    return status == SW_STATUS_OK && rc != SQLITE_OK
               ? sw_fail(err, SW_STATUS_IO, "", "%s could not be closed", path)
               : status;
}

sw_status sw__lite_backup(sw_store *head, const char *path, sw_store_progress *progress, void *arg,
                          sw_error *err)
{
    sw_lite_store *store = (sw_lite_store *)(void *)head;
    sqlite3 *from = NULL;
    sw_status status = make_file(path, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw__lite_connect(store, false, store->reader_cache_bytes, &from, err);
    if (status == SW_STATUS_OK) {
        /* The first read is what pins the snapshot. */
        status = sw__lite_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema", store->path, err);
    }
    if (status == SW_STATUS_OK) {
        status = copy_to(from, path, progress, arg, err);
    }
    (void)sqlite3_close(from);
    if (status != SW_STATUS_OK) {
        (void)unlink(path);
    }
    return status;
}

/* ---- room ---------------------------------------------------------------------------------------- */

/* Adds "SELECT column FROM table" for each column that holds numbers of words. */
static void select_words(sw_buf *sql)
{
    const char *join = "";
    for (size_t i = 0; i < SW_RECORD_COUNT; i++) {
        const sw_record *record = &sw__records[i];
        for (size_t j = 0; j < record->field_count; j++) {
            const sw_field *field = &record->fields[j];
            if (sw__lite_form(field) == SW_LITE_WORD && !(field->flags & SW_SHARED)) {
                sw_buf_addf(sql, "%sSELECT %s FROM %s_data WHERE %s IS NOT NULL", join,
                            sw__lite_column(field), record->table, sw__lite_column(field));
                join = " UNION ";
            }
        }
    }
}

/* A word that no row uses any more may name somebody who was erased. It is written over rather than
 * removed, so that its number is never given to another word. */
static sw_status forget_words(sw_lite_store *store, sw_error *err)
{
    sw_buf sql;
    sw_buf_init(&sql, &store->allocator, 1 << 16);
    sw_buf_adds(&sql, "UPDATE words SET word = char(1) || id WHERE id NOT IN (");
    select_words(&sql);
    sw_buf_adds(&sql, ") AND word <> char(1) || id");
    sw_status status = sql.status == SW_STATUS_OK
                           ? sw__lite_exec(store->db, sql.ptr, store->path, err)
                           : sw_no_memory(err);
    sw_buf_fini(&sql);
    return status;
}

sw_status sw__lite_vacuum(sw_store *head, sw_error *err)
{
    sw_lite_store *store = (sw_lite_store *)(void *)head;
    (void)pthread_mutex_lock(&store->lock);
    sw_status status = forget_words(store, err);
    if (status == SW_STATUS_OK) {
        /* The new file is made beside the old one, not in memory. */
        status =
            sw__lite_exec(store->db, "PRAGMA temp_store = FILE; VACUUM; PRAGMA temp_store = MEMORY",
                          store->path, err);
    }
    if (status == SW_STATUS_OK) {
        /* The new file lies in the log until now; readers that look on may keep it from shrinking. */
        (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}
