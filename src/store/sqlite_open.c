/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an SQLite file: connections and their settings, whether the file is ours and of which version,
 * and what SQLite says when something fails. Knows nothing of sessions.
 *
 * Write-ahead log, synchronous FULL: a commit is on disk when it returns.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite_impl.h"

enum { PAGE_BYTES = 4096, WRITER_CACHE_BYTES = 64 << 20, READER_CACHE_BYTES = 2 << 20 };

/* ---- what SQLite says --------------------------------------------------------------------------- */

static sw_status status_of(sqlite3 *db, int rc)
{
    /* What SQLite noted of the cause, or, where a commit failed and it notes nothing, what the last
     * system call said; `control` clears that before each commit. */
    int noted = db ? sqlite3_system_errno(db) : 0;
    int cause = noted ? noted : errno;
    if (rc == SQLITE_IOERR_NOMEM) {
        return SW_STATUS_NO_MEMORY;
    }
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return SW_STATUS_FULL;
    case SQLITE_NOMEM:
        return SW_STATUS_NO_MEMORY;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
    case SQLITE_PERM:
        return SW_STATUS_READ_ONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SW_STATUS_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return SW_STATUS_CORRUPT;
    case SQLITE_TOOBIG:
        return SW_STATUS_TOO_LARGE;
    case SQLITE_IOERR:
        return cause == ENOSPC || cause == EFBIG || cause == EDQUOT ? SW_STATUS_FULL : SW_STATUS_IO;
    default:
        return SW_STATUS_INTERNAL;
    }
}

sw_status sw__lite_fail(sqlite3 *db, int rc, const char *doing, sw_error *err)
{
    sw_status status = status_of(db, rc);
    /* SQLite's sentences name tables and columns, never values. */
    const char *said =
        db && sqlite3_extended_errcode(db) == rc ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    return sw_fail(err, status, NULL, "%s: %s (%s)", doing, sw_status_message(status), said);
}

sw_status sw__lite_exec(sqlite3 *db, const char *sql, const char *doing, sw_error *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? SW_STATUS_OK : sw__lite_fail(db, rc, doing, err);
}

/* ---- connections -------------------------------------------------------------------------------- */

static int64_t mono_ms(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data) / 1000;
}

/* SQLite calls this while another process holds a lock, counting from 0. It waits a little longer each
 * time, up to 5 ms, so that two busy writers take turns without losing time, and gives up when the sum
 * of its waits passes the limit. */
static int wait_for_lock(void *arg, int times)
{
    const sw_lite_store *store = arg;
    int64_t us = times < 20 ? 250 * (times + 1) : 5000;
    int64_t waited =
        times < 20 ? 125 * (int64_t)times * (times + 1) : 52500 + 5000 * ((int64_t)times - 20);
    if (waited > store->busy_ms * 1000) {
        return 0;
    }
    struct timespec pause = {.tv_nsec = us * 1000};
    (void)nanosleep(&pause, NULL);
    return 1;
}

static bool uri_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '.' || c == '-' || c == '_';
}

bool sw__lite_uri(const char *path, const char *how, sw_buf *out)
{
    sw_buf_adds(out, "file:");
    for (const char *c = path; *c; c++) {
        if (uri_plain(*c)) {
            sw_buf_addc(out, *c);
        } else {
            sw_buf_addf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
    sw_buf_addf(out, "?%s", how);
    return out->status == SW_STATUS_OK;
}

/* It answers MISUSE when SQLite has begun already; then it counts, and no harm is done. */
void sw_store_own_process(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_file(const sw_lite_store *store, bool create, sqlite3 **db)
{
    int mode = store->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int flags = mode | (create ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX;
    if (!store->immutable) {
        return sqlite3_open_v2(store->path, db, flags, NULL);
    }
    sw_buf uri;
    sw_buf_init(&uri, &store->allocator, 16384);
    int rc = sw__lite_uri(store->path, "immutable=1", &uri) /* nobody can write beside us */
                 ? sqlite3_open_v2(uri.ptr, db, flags | SQLITE_OPEN_URI, NULL)
                 : SQLITE_NOMEM;
    sw_buf_fini(&uri);
    return rc;
}

sw_status sw__lite_connect(const sw_lite_store *store, bool create, int64_t cache_bytes,
                           sqlite3 **out, sw_error *err)
{
    char sql[256];
    sqlite3 *db = NULL;
    int rc = open_file(store, create, &db);
    if (rc != SQLITE_OK) {
        sw_status status = sw__lite_fail(db, rc, store->path, err);
        (void)sqlite3_close(db);
        return status;
    }
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_handler(db, wait_for_lock, (void *)(uintptr_t)store);
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA page_size = %d; PRAGMA cache_size = -%lld; PRAGMA synchronous = FULL;"
                   "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY",
                   (int)PAGE_BYTES, (long long)(cache_bytes >> 10));
    sw_status status = cache_bytes > 0 ? sw__lite_exec(db, sql, store->path, err) : SW_STATUS_OK;
    if (status != SW_STATUS_OK) {
        (void)sqlite3_close(db);
        return status;
    }
    *out = db;
    return SW_STATUS_OK;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static void fill_tables(sw_table *tables)
{
    sw__tables_fill(tables);
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        sw_table *table = &tables[r];
        table->walks_parents = true;
        for (size_t i = 0; i < table->model->field_count; i++) {
            const sw_field *field = &table->model->fields[i];
            sw_lite_form form = sw__lite_form(field);
            /* 0 and no bytes stand for a null part, so no value may look like them. */
            sw_implies(sw__null_part(field), form == SW_LITE_WORD || form == SW_LITE_ID);
            table->forms[i] = (uint8_t)form;
            table->ordered |= sw__lite_ordered(field) ? SW_MASK(i) : 0;
            table->ranged |= form == SW_LITE_NUMBER ? SW_MASK(i) : 0;
        }
    }
}

/* The write-ahead log is a property of the file. The change needs the file alone for a moment, and
 * SQLite does not wait for that by itself, so we do. */
static sw_status use_log(const sw_lite_store *store, sw_error *err)
{
    int64_t until = mono_ms() + store->busy_ms;
    for (int times = 0;; times++) {
        int rc = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if (rc == SQLITE_OK) {
            return SW_STATUS_OK;
        }
        if ((rc & 0xff) != SQLITE_BUSY || mono_ms() > until) {
            return sw__lite_fail(store->db, rc, store->path, err);
        }
        (void)wait_for_lock((void *)(uintptr_t)store, times < 20 ? times : 20);
    }
}

static sw_status prepare_file(sw_lite_store *store, sw_error *err)
{
    const sw_lite_schema schema = {sw__records, SW_RECORD_COUNT};
    int version = 0;
    sw_status status = sw__lite_inspect(store->db, &schema, store->path, &version, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (store->read_only) {
        return version == sw__lite_version(&schema)
                   ? SW_STATUS_OK
                   : sw_fail(err, SW_STATUS_READ_ONLY, "schema",
                             "%s has schema version %d and must be brought to %d, which needs "
                             "writing: open it once for writing",
                             store->path, version, sw__lite_version(&schema));
    }
    status = use_log(store, err);
    if (status == SW_STATUS_OK && version < sw__lite_version(&schema)) {
        status = sw__lite_migrate(store->db, &schema, &store->allocator, store->path, err);
    }
    return status;
}

/* A reader needs the log's index beside the file. Where the folder cannot be written and there is no
 * log, nobody is writing, and the file can be read as it lies. */
static bool lies_still(const sw_lite_store *store)
{
    char log[4096];
    struct stat st;
    int len = snprintf(log, sizeof log, "%s-wal", store->path);
    if (!store->read_only || len < 0 || (size_t)len >= sizeof log) {
        return false;
    }
    return stat(log, &st) != 0 || st.st_size == 0;
}

static sw_status open_store(sw_lite_store *store, bool create, sw_error *err)
{
    /* Of a store that is only read this connection is asked for numbers of the header alone. */
    int64_t cache_bytes = store->read_only ? 0 : READER_CACHE_BYTES;
    sw_status status = sw__lite_connect(store, create, cache_bytes, &store->db, err);
    if (status == SW_STATUS_OK) {
        status = prepare_file(store, err);
    }
    if (status == SW_STATUS_READ_ONLY && !store->immutable && lies_still(store) &&
        access(store->path, R_OK) == 0) {
        (void)sqlite3_close(store->db);
        store->db = NULL;
        store->immutable = true;
        return open_store(store, false, err);
    }
    return status;
}

void sw__lite_close(sw_store *head)
{
    sw_lite_store *store = (sw_lite_store *)(void *)head;
    sw_allocator from = store->allocator;
    (void)sqlite3_close(store->db);
    (void)pthread_mutex_destroy(&store->lock);
    sw_free(&from, store->path);
    sw_free(&from, store);
}

static sw_lite_store *make_store(const sw_store_options *options, sw_str place)
{
    sw_lite_store *store = sw_alloc_zeroed(options->allocator, sizeof *store);
    char *path = sw_alloc(options->allocator, place.len + 1);
    if (!store || !path) {
        sw_free(options->allocator, store);
        sw_free(options->allocator, path);
        return NULL;
    }
    memcpy(path, place.ptr, place.len);
    path[place.len] = '\0';
    store->allocator = *options->allocator;
    store->path = path;
    store->read_only = options->read_only;
    store->cache_bytes = options->cache_bytes > 0 ? options->cache_bytes : WRITER_CACHE_BYTES;
    store->reader_cache_bytes =
        options->reader_cache_bytes > 0 ? options->reader_cache_bytes : READER_CACHE_BYTES;
    store->busy_ms = options->busy_ms;
    (void)pthread_mutex_init(&store->lock, NULL);
    atomic_init(&store->wal_pages, 0);
    fill_tables(store->tables);
    return store;
}

sw_status sw__lite_open(const sw_store_options *options, sw_str place, sw_store **out,
                        sw_error *err)
{
    if (place.len == 0 || memchr(place.ptr, 0, place.len)) {
        return sw_fail(err, SW_STATUS_INVALID, "url", "sqlite: needs the path of a file");
    }
    sw_lite_store *store = make_store(options, place);
    if (!store) {
        return sw_no_memory(err);
    }
    bool create = !options->must_exist && !options->read_only;
    if (!create && access(store->path, F_OK) != 0 && errno == ENOENT) {
        sw_status status =
            sw_fail(err, SW_STATUS_NOT_FOUND, "url", "there is no file %s", store->path);
        sw__lite_close(&store->head);
        return status;
    }
    sw_status status = open_store(store, create, err);
    if (status != SW_STATUS_OK) {
        sw__lite_close(&store->head);
        return status;
    }
    *out = &store->head;
    return SW_STATUS_OK;
}
