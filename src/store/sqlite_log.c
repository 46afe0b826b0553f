/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer appends to its log goes to the file in large pieces. SQLite writes each page of a commit by
 * two calls of the system, its head of 24 bytes and the page; a commit of a thousand steps takes four hundred,
 * one of fifty steps of many organizations as many again. Here they are gathered until SQLite wants them on disk.
 *
 * Nobody else can miss them meanwhile: others read a log up to where its index says it has been committed, and
 * with synchronous FULL SQLite syncs the log before it says so. The writer's own reads (of pages that did not
 * fit its cache) see what is gathered. A group that is rolled back throws away what it had gathered: later,
 * the same place of the log may belong to another process.
 *
 * Knows nothing of pages: bytes, and where they go. Each writer's log has a table of file methods of its own,
 * which is how a call finds what was gathered for that file.
 */
#include "store/sqlite_impl.h"

enum { LOG_BYTES = 120 << 10 }; /* some 30 pages; SQLite's files take less than 128 KB a call */

struct sw_lite_log {
    sqlite3_io_methods methods; /* what SQLite calls; a file points here */
    const sqlite3_io_methods *real;
    sqlite3_int64 from; /* where in the file the bytes go */
    size_t len;
    char bytes[LOG_BYTES];
};

static sw_lite_log *log_of(const sqlite3_file *file)
{
    return (sw_lite_log *)(void *)(uintptr_t)file->pMethods;
}

/* What cannot be written is not tried again: its group fails. */
static int write_gathered(sqlite3_file *file)
{
    sw_lite_log *log = log_of(file);
    int len = (int)log->len;
    log->len = 0;
    return len > 0 ? log->real->xWrite(file, log->bytes, len, log->from) : SQLITE_OK;
}

static int log_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    sw_lite_log *log = log_of(file);
    bool goes_on = at == log->from + (sqlite3_int64)log->len;
    int rc = SQLITE_OK;
    if (!goes_on || (size_t)len > sizeof log->bytes - log->len) {
        rc = write_gathered(file);
        log->from = at;
    }
    if (rc != SQLITE_OK) {
        return rc;
    }
    if ((size_t)len > sizeof log->bytes) {
        return log->real->xWrite(file, bytes, len, at);
    }
    memcpy(log->bytes + log->len, bytes, (size_t)len);
    log->len += (size_t)len;
    return SQLITE_OK;
}

static int log_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
    const sw_lite_log *log = log_of(file);
    bool before = at + len <= log->from;
    int rc = before ? SQLITE_OK : write_gathered(file);
    return rc == SQLITE_OK ? log->real->xRead(file, bytes, len, at) : rc;
}

static int log_sync(sqlite3_file *file, int flags)
{
    int rc = write_gathered(file);
    return rc == SQLITE_OK ? log_of(file)->real->xSync(file, flags) : rc;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = write_gathered(file);
    return rc == SQLITE_OK ? log_of(file)->real->xTruncate(file, size) : rc;
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int rc = write_gathered(file);
    return rc == SQLITE_OK ? log_of(file)->real->xFileSize(file, size) : rc;
}

static int log_close(sqlite3_file *file)
{
    const sqlite3_io_methods *real = log_of(file)->real;
    file->pMethods = real;
    return real->xClose(file);
}

/* What a log is not asked for (sharing memory, mapping the file) is left out: that is what version 1 means. */
static void take_over(sw_lite_log *log, sqlite3_file *file)
{
    const sqlite3_io_methods *real = file->pMethods;
    log->real = real;
    log->from = 0;
    log->len = 0;
    log->methods = (sqlite3_io_methods){.iVersion = 1,
                                        .xClose = log_close,
                                        .xRead = log_read,
                                        .xWrite = log_write,
                                        .xTruncate = log_truncate,
                                        .xSync = log_sync,
                                        .xFileSize = log_size,
                                        .xLock = real->xLock,
                                        .xUnlock = real->xUnlock,
                                        .xCheckReservedLock = real->xCheckReservedLock,
                                        .xFileControl = real->xFileControl,
                                        .xSectorSize = real->xSectorSize,
                                        .xDeviceCharacteristics = real->xDeviceCharacteristics};
    file->pMethods = &log->methods;
}

void sw__lite_log_gather(sw_lite_session *session)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(session->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    if (rc == SQLITE_OK && file && file->pMethods && file->pMethods->xWrite != log_write) {
        take_over(session->log, file);
    }
}

sw_lite_log *sw__lite_log_make(const sw_allocator *from)
{
    return sw_alloc_zeroed(from, sizeof(sw_lite_log));
}

void sw__lite_log_end(sw_lite_session *session, bool committed)
{
    sw_assert(!committed || session->log->len == 0);
    session->log->len = 0;
}
