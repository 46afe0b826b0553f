/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an SQLite file, its sessions and its groups, and the statements a session keeps ready. Knows
 * nothing of fields; what a statement says is printed elsewhere.
 *
 * Write-ahead log, synchronous FULL: a commit is on disk when it returns. A commit checkpoints the log
 * only past a ceiling; the usual checkpoint is sw_store_tidy's, which runs on a connection of its own
 * and so beside the writer. The ceiling is what keeps the log bounded when the writer never rests.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite_impl.h"

enum {
    PAGE_BYTES = 4096,
    WRITER_CACHE_BYTES = 64 << 20,
    READER_CACHE_BYTES = 2 << 20,
    WAL_CEILING_PAGES = 12000, /* about 48 MiB: a commit checkpoints */
    WAL_TIDY_PAGES = 1000      /* below this a checkpoint is not worth its fsync */
};

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

/* The path as a file: URI that says nobody can write beside us. */
static bool print_uri(const char *path, sw_buf *out)
{
    sw_buf_adds(out, "file:");
    for (const char *c = path; *c; c++) {
        if (uri_plain(*c)) {
            sw_buf_addc(out, *c);
        } else {
            sw_buf_addf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
    sw_buf_adds(out, "?immutable=1");
    return out->status == SW_STATUS_OK;
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
    int rc = print_uri(store->path, &uri)
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
    sw_status status = sw__lite_exec(db, sql, store->path, err);
    if (status != SW_STATUS_OK) {
        (void)sqlite3_close(db);
        return status;
    }
    *out = db;
    return SW_STATUS_OK;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static void fill_table(sw_lite_table *table, const sw_record *model)
{
    *table = (sw_lite_table){.model = model,
                             .shape = sw__record_shape(model),
                             .primary = sw_record_primary(model),
                             .key = sw__record_key_mask(model),
                             .counters = sw__record_counter_mask(model),
                             .shared = sw__record_shared_mask(model)};
    sw_assert(model->field_count < 64);
    table->all = (SW_MASK(model->field_count) - 1) & ~table->shared;
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        table->forms[i] = (uint8_t)sw__lite_form(field);
        if (sw__field_is_key(field)) {
            sw_assert(table->key_count < SW_LITE_KEY_FIELDS);
            /* 0 and no bytes stand for a null part, so no value may look like them. */
            sw_implies(sw__lite_null_part(field),
                       sw__lite_form(field) == SW_LITE_WORD || sw__lite_form(field) == SW_LITE_ID);
            table->keys[table->key_count++] = (uint8_t)i;
        }
    }
}

/* The border between tenants is the record that refers to nothing. */
static bool refers_to_nothing(const sw_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].ref.record_plus_1) {
            return false;
        }
    }
    return true;
}

static void fill_tables(sw_lite_table *tables)
{
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        fill_table(&tables[r], &sw__records[r]);
    }
    for (size_t r = 0; r < SW_RECORD_COUNT; r++) {
        for (size_t i = 0; i < sw__records[r].field_count; i++) {
            uint8_t parent = sw__records[r].fields[i].ref.record_plus_1;
            if (parent) {
                tables[parent - 1].is_parent = true;
                tables[r].border |= refers_to_nothing(&sw__records[parent - 1]) ? SW_MASK(i) : 0;
            }
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
                   : sw_fail(err, SW_STATUS_READ_ONLY, NULL,
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
    sw_status status = sw__lite_connect(store, create, READER_CACHE_BYTES, &store->db, err);
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

static void lite_close(sw_store *head)
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

static sw_status lite_open(const sw_store_options *options, sw_str place, sw_store **out,
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
        lite_close(&store->head);
        return status;
    }
    sw_status status = open_store(store, create, err);
    if (status != SW_STATUS_OK) {
        lite_close(&store->head);
        return status;
    }
    *out = &store->head;
    return SW_STATUS_OK;
}

/* ---- upkeep ------------------------------------------------------------------------------------- */

static int64_t file_size(const char *path, const char *suffix)
{
    char full[4096];
    struct stat st;
    int len = snprintf(full, sizeof full, "%s%s", path, suffix);
    return len > 0 && (size_t)len < sizeof full && stat(full, &st) == 0 ? (int64_t)st.st_size : 0;
}

static int64_t ask_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t answer = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        answer = sqlite3_column_int64(stmt, 0);
    }
    (void)sqlite3_finalize(stmt);
    return answer;
}

static sw_status lite_info(sw_store *head, sw_store_info *out, sw_error *err)
{
    sw_lite_store *store = (sw_lite_store *)(void *)head;
    (void)err;
    (void)snprintf(out->kind, sizeof out->kind, "sqlite");
    (void)snprintf(out->path, sizeof out->path, "%s", store->path);
    out->file_bytes = file_size(store->path, "") + file_size(store->path, "-wal");
    (void)pthread_mutex_lock(&store->lock);
    out->schema_version = (int)ask_number(store->db, "PRAGMA user_version");
    out->page_bytes = ask_number(store->db, "PRAGMA page_size");
    out->free_bytes = out->page_bytes * ask_number(store->db, "PRAGMA freelist_count");
    (void)pthread_mutex_unlock(&store->lock);
    return SW_STATUS_OK;
}

static sw_status lite_tidy(sw_store *head, sw_error *err)
{
    sw_lite_store *store = (sw_lite_store *)(void *)head;
    int in_log = 0, moved = 0;
    if (atomic_load(&store->wal_pages) < WAL_TIDY_PAGES) {
        return SW_STATUS_OK;
    }
    (void)pthread_mutex_lock(&store->lock);
    int rc = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
    sw_status status = SW_STATUS_OK;
    if (rc == SQLITE_OK && in_log == moved) {
        atomic_store(&store->wal_pages, 0);
    } else if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED) {
        status = sw__lite_fail(store->db, rc, "checkpoint", err);
    }
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

/* After each commit. What it answers would become the commit's answer, and the commit has happened. */
static int after_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    sw_lite_store *store = arg;
    if (pages >= WAL_CEILING_PAGES) {
        (void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        pages = 0;
    }
    atomic_store(&store->wal_pages, pages);
    return SQLITE_OK;
}

/* ---- sessions ----------------------------------------------------------------------------------- */

static sw_status lite_session_open(sw_store *head, sw_session_mode mode, sw_session **out,
                                   sw_error *err)
{
    sw_lite_store *store = (sw_lite_store *)(void *)head;
    bool writer = mode == SW_SESSION_WRITE;
    sw_lite_session *session = sw_alloc_zeroed(&store->allocator, sizeof *session);
    if (!session) {
        return sw_no_memory(err);
    }
    session->store = store;
    session->mode = mode;
    session->age = 1;
    sw_status status = sw__lite_connect(
        store, false, writer ? store->cache_bytes : store->reader_cache_bytes, &session->db, err);
    if (status == SW_STATUS_OK && !writer) {
        status = sw__lite_exec(session->db, "PRAGMA query_only = ON", store->path, err);
    }
    if (status == SW_STATUS_OK) {
        int rc = sqlite3_prepare_v2(session->db, "ROLLBACK", -1, &session->undo, NULL);
        status = rc == SQLITE_OK ? status : sw__lite_fail(session->db, rc, store->path, err);
    }
    if (status != SW_STATUS_OK) {
        (void)sqlite3_close(session->db);
        sw_free(&store->allocator, session);
        return status;
    }
    if (writer) {
        (void)sqlite3_wal_hook(session->db, after_commit, store);
    }
    *out = &session->head;
    return SW_STATUS_OK;
}

static void lite_session_close(sw_session *head)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    for (size_t i = 0; i < SW_LITE_SLOTS; i++) {
        (void)sqlite3_finalize(session->slots[i].stmt);
    }
    (void)sqlite3_finalize(session->undo);
    int rc = sqlite3_close(session->db);
    sw_assert(rc == SQLITE_OK);
    sw_free(&session->store->allocator, session->numbers);
    sw_free(&session->store->allocator, session->names);
    sw_free(&session->store->allocator, session);
}

/* ---- statements --------------------------------------------------------------------------------- */

/* A shape as three words: a search through the slots comes before every verb. */
static bool same_shape(const sw_lite_shape *a, const sw_lite_shape *b)
{
    uint64_t x[3], y[3];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
}

static sw_lite_slot *find_slot(sw_lite_session *session, const sw_lite_shape *shape)
{
    for (size_t i = 0; i < SW_LITE_SLOTS; i++) {
        sw_lite_slot *slot = &session->slots[i];
        if (same_shape(&slot->shape, shape) && !slot->busy) {
            return slot;
        }
    }
    return NULL;
}

/* An empty slot, or the one that was not used for longest. */
static sw_lite_slot *oldest_slot(sw_lite_session *session)
{
    sw_lite_slot *oldest = NULL;
    for (size_t i = 0; i < SW_LITE_SLOTS; i++) {
        sw_lite_slot *slot = &session->slots[i];
        if (!slot->busy && (!oldest || slot->used < oldest->used)) {
            oldest = slot;
        }
    }
    /* Each level of nested scans holds one, and nobody nests by the dozen. */
    sw_assert(oldest);
    return oldest;
}

static sw_status prepare_slot(sw_lite_session *session, const sw_lite_shape *shape,
                              sw_lite_build *build, const void *arg, sw_lite_slot *slot,
                              sw_error *err)
{
    sw_buf sql;
    (void)sqlite3_finalize(slot->stmt);
    *slot = (sw_lite_slot){0};
    sw_buf_init(&sql, &session->store->allocator, 1 << 16);
    build(session, arg, &sql);
    if (sql.status != SW_STATUS_OK) {
        sw_buf_fini(&sql);
        return sw_no_memory(err);
    }
    int rc = sqlite3_prepare_v3(session->db, sql.ptr, (int)sql.len, SQLITE_PREPARE_PERSISTENT,
                                &slot->stmt, NULL);
    sw_buf_fini(&sql);
    if (rc != SQLITE_OK) {
        return sw__lite_fail(session->db, rc, "prepare", err);
    }
    slot->shape = *shape;
    return SW_STATUS_OK;
}

sw_status sw__lite_take(sw_lite_session *session, const sw_lite_shape *shape, sw_lite_build *build,
                        const void *arg, sw_lite_slot **out, sw_error *err)
{
    sw_lite_slot *slot = find_slot(session, shape);
    if (!slot) {
        slot = oldest_slot(session);
        sw_status status = prepare_slot(session, shape, build, arg, slot, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    slot->busy = true;
    slot->used = ++session->clock;
    *out = slot;
    return SW_STATUS_OK;
}

void sw__lite_give(sw_lite_slot *slot)
{
    (void)sqlite3_reset(slot->stmt);
    slot->busy = false;
}

void sw__lite_forget(sw_lite_session *session)
{
    session->age++;
    memset(session->last_pk, 0, sizeof session->last_pk);
}

/* ---- groups ------------------------------------------------------------------------------------- */

static void build_control(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    (void)session;
    sw_buf_adds(sql, arg);
}

/* Runs one of the small statements that have no parameter; `answer` (may be NULL) is its number. */
static sw_status control(sw_lite_session *session, sw_lite_verb verb, const char *sql,
                         int64_t *answer, sw_error *err)
{
    sw_lite_shape shape = {.verb = (uint8_t)verb};
    sw_lite_slot *slot = NULL;
    sw_status status = sw__lite_take(session, &shape, build_control, sql, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    errno = 0;
    int rc = sqlite3_step(slot->stmt);
    if (rc == SQLITE_ROW && answer) {
        *answer = sqlite3_column_int64(slot->stmt, 0);
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = sw__lite_fail(session->db, rc, sql, err);
    }
    sw__lite_give(slot);
    return status;
}

static sw_status data_version(sw_lite_session *session, int64_t *out, sw_error *err)
{
    return control(session, SW_LITE_DATA_VERSION, "PRAGMA data_version", out, err);
}

static void lite_rollback(sw_session *head)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    /* After some failures SQLite has rolled back by itself. The statement was prepared when the session
     * was opened, so that rolling back needs no memory. */
    if (!sqlite3_get_autocommit(session->db)) {
        (void)sqlite3_step(session->undo);
        (void)sqlite3_reset(session->undo);
    }
    session->in_group = false;
    sw__lite_forget(session);
}

/* Another process has written: what was remembered may be wrong, and it may even have brought the file
 * to a newer version. */
static sw_status look_again(sw_lite_session *session, sw_error *err)
{
    const sw_lite_schema schema = {sw__records, SW_RECORD_COUNT};
    int version = 0;
    sw__lite_forget(session);
    return sw__lite_inspect(session->db, &schema, session->store->path, &version, err);
}

static sw_status lite_begin(sw_session *head, bool *changed, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    bool writer = session->mode == SW_SESSION_WRITE;
    int64_t version = 0;
    sw_status status = writer
                           ? control(session, SW_LITE_BEGIN_IMMEDIATE, "BEGIN IMMEDIATE", NULL, err)
                           : control(session, SW_LITE_BEGIN, "BEGIN", NULL, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    /* For a reader this first read is what pins the snapshot. */
    status = data_version(session, &version, err);
    *changed = !session->asked || version != session->data_version;
    if (status == SW_STATUS_OK && writer && *changed) {
        status = look_again(session, err);
    }
    if (status != SW_STATUS_OK) {
        lite_rollback(head);
        return status;
    }
    session->asked = true;
    session->data_version = version;
    session->in_group = writer;
    return SW_STATUS_OK;
}

static sw_status lite_commit(sw_session *head, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    sw_status status = sqlite3_get_autocommit(session->db)
                           ? sw_fail(err, SW_STATUS_INTERNAL, NULL, "the group was gone")
                           : control(session, SW_LITE_COMMIT, "COMMIT", NULL, err);
    if (status != SW_STATUS_OK) {
        lite_rollback(head);
    }
    session->in_group = false;
    return status;
}

static sw_status lite_version(sw_session *head, uint64_t *out, sw_error *err)
{
    int64_t version = 0;
    sw_status status = data_version((sw_lite_session *)(void *)head, &version, err);
    *out = (uint64_t)version;
    return status;
}

const sw_store_ops sw__sqlite_store = {
    .scheme = "sqlite",
    .open = lite_open,
    .close = lite_close,
    .info = lite_info,
    .tidy = lite_tidy,
    .session_open = lite_session_open,
    .session_close = lite_session_close,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .version = lite_version,
    .get = sw__lite_get,
    .insert = sw__lite_insert,
    .insert_many = sw__lite_insert_many,
    .update = sw__lite_update,
    .add = sw__lite_add,
    .put = sw__lite_put,
    .remove = sw__lite_remove,
    .scan = sw__lite_scan,
    .check = sw__lite_check,
};
