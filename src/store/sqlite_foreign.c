/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign databases through SQLite. A database has its newest changes in a log beside it (-wal), and whoever has it
 * open shares an index of that log (-shm). Four ways follow: the index is there, so its locks are; there is a log without
 * an index, so nobody has it open, and both are copied, because SQLite would make the index beside them; the file says
 * that it has a log and there is none, so it was closed and is all there is; it says that it has none, so whoever writes
 * to it locks the file itself, and so do we, for as long as we read. What a writer that was killed left behind in a
 * journal only a writer can undo: that is refused.
 */
#include "store/foreign_impl.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite_impl.h"

enum { COPY_BYTES = 16384, URI_BYTES = 16384, BUSY_MS = 2000 };

/* ---- the copy ------------------------------------------------------------------------------------------ */

static bool copy_all(int from, int to)
{
    char bytes[COPY_BYTES];
    ssize_t n = 0;

    while ((n = read(from, bytes, sizeof bytes)) > 0) {
        for (ssize_t at = 0; at < n;) {
            ssize_t done = write(to, bytes + at, (size_t)(n - at));
            if (done <= 0) {
                return false;
            }
            at += done;
        }
    }
    return n == 0;
}

static bool copy_file(const char *path, const char *to)
{
    int from_fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int to_fd = from_fd < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = to_fd >= 0 && copy_all(from_fd, to_fd);

    if (from_fd >= 0) {
        (void)close(from_fd);
    }
    return (to_fd < 0 || close(to_fd) == 0) && good;
}

/* The path with an end; NULL: no memory. */
static char *path_and(sw_arena *arena, const char *path, const char *end)
{
    return (char *)(uintptr_t)sw_arena_printf(arena, "%s%s", path, end).ptr;
}

/* ---- opening -------------------------------------------------------------------------------------------- */

/* Reading of plain tables, and counting in them, is all that is allowed; a view over functions or one that never ends
 * is neither. */
static int allow(void *unused, int what, const char *a, const char *b, const char *c, const char *d)
{
    static const char *const functions[] = {"count", "min", "max"};

    (void)unused;
    (void)a;
    (void)c;
    (void)d;
    for (size_t i = 0; what == SQLITE_FUNCTION && b && i < SW_COUNT(functions); i++) {
        if (sqlite3_stricmp(b, functions[i]) == 0) {
            return SQLITE_OK;
        }
    }
    return what == SQLITE_SELECT || what == SQLITE_READ || what == SQLITE_TRANSACTION ? SQLITE_OK
                                                                                      : SQLITE_DENY;
}

static int harden(sqlite3 *db)
{
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    (void)sqlite3_busy_timeout(db, BUSY_MS);
    return sqlite3_set_authorizer(db, allow, NULL);
}

/* The state that is read is fixed by the first look. */
static int begin(sqlite3 *db)
{
    int rc = harden(db);

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    }
    return rc == SQLITE_OK ? sqlite3_exec(db, "SELECT name FROM sqlite_schema", NULL, NULL, NULL)
                           : rc;
}

static int open_as(const char *path, const char *how, const sw_arena *arena, sqlite3 **db)
{
    sw_buf uri;
    int rc = SQLITE_NOMEM;

    sw_buf_init(&uri, arena->from, URI_BYTES);
    if (sw__lite_uri(path, how, &uri)) {
        rc = sqlite3_open_v2(uri.ptr, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    }
    sw_buf_fini(&uri);
    return rc == SQLITE_OK ? begin(*db) : rc;
}

/* The copy's files are gone as soon as they are open. */
static int open_copy(const char *path, sw_arena *arena, sqlite3 **db)
{
    static const char *const ends[] = {"/db", "/db-wal", "/db-shm"};
    const char *where = getenv("TMPDIR");
    char *folder = path_and(arena, where && *where ? where : "/tmp", "/stepwell-XXXXXX");
    const char *log = path_and(arena, path, "-wal");
    const char *copies[SW_COUNT(ends)];
    int rc = SQLITE_CANTOPEN;

    if (!folder || !log || !mkdtemp(folder)) {
        return rc;
    }
    for (size_t i = 0; i < SW_COUNT(ends); i++) {
        copies[i] = path_and(arena, folder, ends[i]);
    }
    if (!arena->failed && copy_file(path, copies[0]) && copy_file(log, copies[1])) {
        rc = sqlite3_open_v2(copies[0], db, SQLITE_OPEN_READWRITE, NULL);
        rc = rc == SQLITE_OK ? begin(*db) : rc;
    }
    for (size_t i = 0; i < SW_COUNT(ends) && copies[i]; i++) {
        (void)unlink(copies[i]);
    }
    (void)rmdir(folder);
    return rc;
}

static bool is_beside(const char *path, sw_arena *arena, const char *end)
{
    const char *name = path_and(arena, path, end);
    struct stat is;

    return name && lstat(name, &is) == 0 && S_ISREG(is.st_mode) && is.st_size > 0;
}

/* Whether its header says that it is written to through a log; an empty file has none. */
static bool has_log(const char *path)
{
    enum { WRITE_VERSION = 18, WITH_LOG = 2 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char version = 0;
    bool said = fd >= 0 && pread(fd, &version, 1, WRITE_VERSION) == 1 && version == WITH_LOG;

    if (fd >= 0) {
        (void)close(fd);
    }
    return said;
}

sw_status sw_foreign_open(const char *path, sw_arena *arena, sw_foreign **out, sw_error *err)
{
    sqlite3 *db = NULL;
    sw_status status = SW_STATUS_OK;
    sw_foreign *made = sw_arena_zeroed(arena, sizeof *made);
    int rc = SQLITE_OK;

    *out = NULL;
    if (!made) {
        return sw_no_memory(err);
    }
    rc = is_beside(path, arena, "-shm")   ? open_as(path, "mode=ro&readonly_shm=1", arena, &db)
         : is_beside(path, arena, "-wal") ? open_copy(path, arena, &db)
         : has_log(path)                  ? open_as(path, "immutable=1", arena, &db)
                                          : open_as(path, "mode=ro", arena, &db);
    if (rc != SQLITE_OK) {
        status = sw__lite_fail(db, rc, path, err);
        (void)sqlite3_close(db);
        return status;
    }
    made->ops = &sw__lite_foreign;
    made->db = db;
    *out = made;
    return SW_STATUS_OK;
}

/* Bytes 18 and 19 of the header say that it has a log. */
static void forget_log(char *bytes)
{
    enum { WRITE_VERSION = 18, READ_VERSION = 19, WITH_LOG = 2, WITHOUT = 1 };

    if (bytes[WRITE_VERSION] == WITH_LOG && bytes[READ_VERSION] == WITH_LOG) {
        bytes[WRITE_VERSION] = WITHOUT;
        bytes[READ_VERSION] = WITHOUT;
    }
}

sw_status sw_foreign_open_bytes(sw_str bytes, sw_arena *arena, sw_foreign **out, sw_error *err)
{
    enum { HEADER = 100 };
    char *own = (char *)(uintptr_t)bytes.ptr;
    sw_foreign *made = sw_arena_zeroed(arena, sizeof *made);
    int rc = SQLITE_OK;

    *out = NULL;
    if (!made) {
        return sw_no_memory(err);
    }
    if (bytes.len < HEADER) {
        return sw_fail(err, SW_STATUS_CORRUPT, "", "is too short for a database");
    }
    forget_log(own);
    made->ops = &sw__lite_foreign;
    rc = sqlite3_open_v2(":memory:", &made->db, SQLITE_OPEN_READWRITE, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_deserialize(made->db, "main", (unsigned char *)own, (sqlite3_int64)bytes.len,
                                 (sqlite3_int64)bytes.len, SQLITE_DESERIALIZE_READONLY);
    }
    rc = rc == SQLITE_OK ? begin(made->db) : rc;
    if (rc != SQLITE_OK) {
        sw_status status = sw__lite_fail(made->db, rc, "a database that was sent", err);
        (void)sqlite3_close(made->db);
        return status;
    }
    *out = made;
    return SW_STATUS_OK;
}

/* All pages at once, under the reader's lock that `from` has. */
static int copy_pages(sqlite3 *from, const char *to)
{
    sqlite3 *copy = NULL;
    sqlite3_backup *backup = NULL;
    int rc = sqlite3_open_v2(to, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

    if (rc == SQLITE_OK) {
        rc =
            sqlite3_exec(copy, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF", NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK) {
        backup = sqlite3_backup_init(copy, "main", from, "main");
        rc = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(copy);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        (void)sqlite3_backup_finish(backup);
    }
    (void)sqlite3_close(copy);
    return rc;
}

sw_status sw_foreign_copy(const char *path, sw_arena *arena, int *fd, sw_error *err)
{
    const char *where = getenv("TMPDIR");
    char *folder = path_and(arena, where && *where ? where : "/var/tmp", "/stepwell-XXXXXX");
    const char *to = NULL;
    sw_foreign *db = NULL;
    sw_status status = sw_foreign_open(path, arena, &db, err);
    int rc = SQLITE_OK;

    *fd = -1;
    if (status != SW_STATUS_OK) {
        return status;
    }
    to = folder && mkdtemp(folder) ? path_and(arena, folder, "/db") : NULL;
    rc = to ? copy_pages(db->db, to) : SQLITE_CANTOPEN;
    *fd = rc == SQLITE_OK ? open(to, O_RDONLY | O_CLOEXEC) : -1;
    if (to) {
        (void)unlink(to);
        (void)rmdir(folder);
    }
    sw_foreign_close(&db);
    if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB) {
        return sw_fail(err, SW_STATUS_CORRUPT, "", "%s is damaged", path);
    }
    return *fd >= 0 ? SW_STATUS_OK
                    : sw_fail(err, rc == SQLITE_FULL ? SW_STATUS_FULL : SW_STATUS_IO, "",
                              "%s could not be copied into TMPDIR", path);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static bool has(sqlite3 *db, const char *table, const char *column)
{
    return sqlite3_table_column_metadata(db, "main", table, column, NULL, NULL, NULL, NULL, NULL) ==
           SQLITE_OK;
}

/* Columns that are not there are asked for as NULL. Names are ours, and need no escaping. */
static int ask(sqlite3 *db, const sw_foreign_table *table, const char *verb, const char *only,
               size_t *count, sqlite3_stmt **out)
{
    char sql[1024];
    size_t len = (size_t)snprintf(sql, sizeof sql, "%s ", verb);

    for (*count = 0; *count < SW_FOREIGN_COLUMNS && table->columns[*count]; (*count)++) {
        const char *column = table->columns[*count];
        const char *mark = has(db, table->name, column) ? "\"" : "";
        len += (size_t)snprintf(sql + len, sizeof sql - len, "%s%s%s%s", *count ? "," : "", mark,
                                *mark ? column : "NULL", mark);
        sw_assert(len < sizeof sql);
    }
    len += (size_t)snprintf(sql + len, sizeof sql - len, " FROM \"%s\"", table->name);
    if (only) {
        len += (size_t)snprintf(sql + len, sizeof sql - len, " WHERE \"%s\" = ?", only);
    }
    sw_assert(len < sizeof sql);
    return sqlite3_prepare_v2(db, sql, -1, out, NULL);
}

static int step_all(sqlite3_stmt *stmt, size_t count, bool (*row)(void *arg, const sw_str *values),
                    void *arg)
{
    for (;;) {
        sw_str values[SW_FOREIGN_COLUMNS];
        int rc = sqlite3_step(stmt);
        if (rc != SQLITE_ROW) {
            return rc;
        }
        for (size_t i = 0; i < count; i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, (int)i);
            values[i] =
                text ? sw_str_make(text, (size_t)sqlite3_column_bytes(stmt, (int)i)) : SW_NULL_STR;
        }
        if (!row(arg, values)) {
            return SQLITE_DONE;
        }
    }
}

sw_status sw_foreign_each_of(sw_foreign *db, const sw_foreign_table *table, const char *column,
                             sw_str is, bool (*row)(void *arg, const sw_str *values), void *arg,
                             sw_error *err)
{
    sqlite3_stmt *stmt = NULL;
    size_t count = 0;
    int rc = SQLITE_OK;

    if (!has(db->db, table->name, table->columns[0]) ||
        (column && !has(db->db, table->name, column))) {
        return SW_STATUS_OK;
    }
    rc = ask(db->db, table, "SELECT", column, &count, &stmt);
    if (rc == SQLITE_OK && column) {
        rc = sqlite3_bind_text64(stmt, 1, is.ptr, is.len, SQLITE_STATIC, SQLITE_UTF8);
    }
    rc = rc == SQLITE_OK ? step_all(stmt, count, row, arg) : rc;
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? SW_STATUS_OK : sw__lite_fail(db->db, rc, table->name, err);
}

sw_status sw_foreign_each(sw_foreign *db, const sw_foreign_table *table,
                          bool (*row)(void *arg, const sw_str *values), void *arg, sw_error *err)
{
    return sw_foreign_each_of(db, table, NULL, SW_NULL_STR, row, arg, err);
}

bool sw_foreign_finds(sw_foreign *db, const sw_foreign_table *table, const char *column)
{
    enum { DETAIL = 3 };
    static const char found[] = "SEARCH ";
    sqlite3_stmt *stmt = NULL;
    size_t count = 0;
    bool finds =
        has(db->db, table->name, table->columns[0]) && has(db->db, table->name, column) &&
        ask(db->db, table, "EXPLAIN QUERY PLAN SELECT", column, &count, &stmt) == SQLITE_OK;

    while (finds && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(stmt, DETAIL);
        finds = detail && strncmp(detail, found, sizeof found - 1) == 0;
    }
    (void)sqlite3_finalize(stmt);
    return finds;
}
