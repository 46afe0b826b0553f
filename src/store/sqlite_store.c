/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of an SQLite file, their groups, and the statements a session keeps ready. Knows nothing
 * of fields; what a statement says is printed elsewhere.
 *
 * A commit checkpoints the log only past a ceiling; the usual checkpoint is sw_store_tidy's, which runs
 * on a connection of its own and so beside the writer. The ceiling is what keeps the log bounded when
 * the writer never rests.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store/sqlite_impl.h"

enum {
    WAL_CEILING_PAGES = 12000, /* about 48 MiB: a commit checkpoints */
    WAL_TIDY_PAGES = 1000      /* below this a checkpoint is not worth its fsync */
};

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

/* 0: whoever only watches has no pages; and none of the settings, for which SQLite would read the whole
 * schema, most of a megabyte. */
static int64_t cache_of(const sw_lite_store *store, sw_session_mode mode)
{
    switch (mode) {
    case SW_SESSION_WRITE:
        return store->cache_bytes;
    case SW_SESSION_READ:
        return store->reader_cache_bytes;
    case SW_SESSION_WATCH:
        break;
    }
    return 0;
}

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
    sw_status status = sw__lite_connect(store, false, cache_of(store, mode), &session->db, err);
    if (status == SW_STATUS_OK && !writer) {
        status = sw__lite_exec(session->db, "PRAGMA query_only = ON", store->path, err);
    }
    if (status == SW_STATUS_OK) {
        int rc = sqlite3_prepare_v2(session->db, "ROLLBACK", -1, &session->undo, NULL);
        status = rc == SQLITE_OK ? status : sw__lite_fail(session->db, rc, store->path, err);
    }
    if (status == SW_STATUS_OK && writer) {
        session->log = sw__lite_log_make(&store->allocator);
        status = session->log ? status : sw_no_memory(err);
    }
    if (status != SW_STATUS_OK) {
        (void)sqlite3_finalize(session->undo);
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

static void empty_slot(const sw_lite_session *session, sw_lite_slot *slot)
{
    (void)sqlite3_finalize(slot->stmt);
    sw_free(&session->store->allocator, slot->held);
    *slot = (sw_lite_slot){0};
}

static void lite_session_close(sw_session *head)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    for (size_t i = 0; i < SW_LITE_SLOTS; i++) {
        empty_slot(session, &session->slots[i]);
    }
    (void)sqlite3_finalize(session->undo);
    int rc = sqlite3_close(session->db);
    sw_assert(rc == SQLITE_OK);
    sw_free(&session->store->allocator, session->log);
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

/* Where a statement of that shape was last: few shapes are in use at a time. */
static uint8_t *last_place(sw_lite_session *session, const sw_lite_shape *shape)
{
    return &session->places[sw_hash(0, shape, sizeof *shape) % SW_LITE_PLACES];
}

static sw_lite_slot *find_slot(sw_lite_session *session, const sw_lite_shape *shape)
{
    uint8_t *place = last_place(session, shape);
    sw_lite_slot *slot = &session->slots[*place];
    if (same_shape(&slot->shape, shape) && !slot->busy) {
        return slot;
    }
    for (size_t i = 0; i < SW_LITE_SLOTS; i++) {
        slot = &session->slots[i];
        if (same_shape(&slot->shape, shape) && !slot->busy) {
            *place = (uint8_t)i;
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
    empty_slot(session, slot);
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

sw_status sw__lite_hold(const sw_lite_session *session, sw_lite_slot *slot, sw_error *err)
{
    size_t count = (size_t)sqlite3_bind_parameter_count(slot->stmt) + 1; /* the first is number 1 */
    slot->held = sw_alloc_zeroed(&session->store->allocator, count * sizeof *slot->held);
    return slot->held ? SW_STATUS_OK : sw_no_memory(err);
}

void sw__lite_drop(sw_lite_session *session, sw_lite_verb verb, sw_record_id record)
{
    for (size_t i = 0; i < SW_LITE_SLOTS; i++) {
        sw_lite_slot *slot = &session->slots[i];
        if (slot->shape.verb == verb && slot->shape.record == (uint8_t)record && !slot->busy) {
            empty_slot(session, slot);
        }
    }
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
    /* A reader ends every snapshot so, and what it has seen stays true. */
    if (session->mode == SW_SESSION_WRITE) {
        sw__lite_log_end(session, false);
        sw__lite_forget(session);
    }
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
    if (writer) {
        sw__lite_log_gather(session);
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
    } else if (session->mode == SW_SESSION_WRITE) {
        sw__lite_log_end(session, true);
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
    .open = sw__lite_open,
    .close = sw__lite_close,
    .info = lite_info,
    .tidy = lite_tidy,
    .backup = sw__lite_backup,
    .vacuum = sw__lite_vacuum,
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
    .add_many = sw__lite_add_many,
    .put = sw__lite_put,
    .put_many = sw__lite_put_many,
    .remove = sw__lite_remove,
    .scan = sw__lite_scan,
    .count = sw__lite_count,
    .check = sw__lite_check,
};
