/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL store: sessions and groups.
 *
 * One group writes at a time, whichever process it belongs to: its first statement moves the one row of
 * stepwell_state, and whoever comes second waits for the first to commit. What a group decided from what it read is
 * therefore still true when it commits, no two groups can wait for each other, journal numbers rise in the order of
 * commits, and the row says by its version whether anybody else has written.
 *
 * A group's statements travel in one pipeline and end with one Sync. When the connection is lost in the middle of a
 * commit, the next one is asked whether the row was moved by this group, so that the answer is true.
 */
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "store/postgres_impl.h"

/* ---- sessions ----------------------------------------------------------------------------------- */

static void pg_session_close(sw_session *head)
{
    sw_pg_session *session = sw__pg(head);
    sw_allocator from = session->store->allocator;
    sw__pq.finish(session->conn);
    sw_arena_fini(&session->arena);
    sw_free(&from, session);
}

static sw_status pg_session_open(sw_store *store, sw_session_mode mode, sw_session **out,
                                 sw_error *err)
{
    sw_pg_session *session = sw_alloc_zeroed(&store->allocator, sizeof *session);
    if (!session) {
        return sw_no_memory(err);
    }
    session->store = (sw_pg_store *)(void *)store;
    session->mode = mode;
    session->version = -1;
    sw__system_random.fill(sw__system_random.data, &session->writer, sizeof session->writer);
    sw_arena_init(&session->arena, &session->store->allocator, 0);
    sw_status status = sw__pg_connected(session, err);
    if (status != SW_STATUS_OK) {
        pg_session_close(&session->head);
        return status;
    }
    *out = &session->head;
    return SW_STATUS_OK;
}

/* ---- groups ------------------------------------------------------------------------------------- */

static void pg_rollback(sw_session *head)
{
    sw_pg_session *session = sw__pg(head);
    sw_error ignored;
    (void)sw__pg_receive(session, NULL, &ignored);
    sw__pg_snapshot_end(session, true, true);
    sw__pg_forget_parents(session);
}

static sw_status begin_once(sw_pg_session *session, bool *changed, sw_error *err)
{
    bool writes = session->mode == SW_SESSION_WRITE;
    PGresult *result = NULL;
    sw_status status = sw__pg_control(session, writes ? SW_PG_BEGIN_WRITE : SW_PG_BEGIN_READ, err);
    if (status == SW_STATUS_OK) {
        session->in_transaction = true;
        status = sw__pg_control(session, writes ? SW_PG_NEXT_VERSION : SW_PG_VERSION, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__pg_receive(session, &result, err);
    }
    if (status == SW_STATUS_OK && sw__pq.ntuples(result) != 1) {
        status = sw_fail(err, SW_STATUS_CORRUPT, NULL, "stepwell_state has no row");
    }
    if (status != SW_STATUS_OK) {
        sw__pq.clear(result);
        pg_rollback(&session->head);
        return status;
    }
    session->next = sw__pg_read_long(result, 0, 0);
    sw__pq.clear(result);
    *changed = session->version < 0 || session->next != session->version + (writes ? 1 : 0);
    session->version = writes ? session->version : session->next;
    if (*changed) {
        sw__pg_forget_parents(session);
    }
    return SW_STATUS_OK;
}

/* A connection that was lost while it was not used shows that now, and another one will do. */
static sw_status pg_begin(sw_session *head, bool *changed, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    sw_status status = SW_STATUS_OK;
    for (int tries = 0; tries < 2; tries++) {
        status = sw__pg_connected(session, err);
        if (status == SW_STATUS_OK) {
            status = begin_once(session, changed, err);
        }
        if (status != SW_STATUS_IO || sw__pq.status(session->conn) == CONNECTION_OK) {
            break;
        }
    }
    return status;
}

/* ---- commit ------------------------------------------------------------------------------------- */

static sw_status send_commit(sw_pg_session *session, PGresult **out, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    if (session->mode == SW_SESSION_WRITE) {
        status = sw__pg_control(session, SW_PG_RING, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__pg_control(session, SW_PG_COMMIT, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__pg_sync(session, err);
    }
    return status == SW_STATUS_OK ? sw__pg_receive(session, out, err) : status;
}

static void pause_a_little(void)
{
    struct timespec pause = {.tv_nsec = 20000000};
    (void)nanosleep(&pause, NULL);
}

static int64_t mono_ms(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data) / 1000;
}

/* Whether the group was kept, asked on a new connection; OK: it was. The question waits for the lock of groups, so
 * the transaction is over when it is answered. (Its number would say nothing: a server that crashed may give it
 * to another one.) Once others have written more, nobody knows. */
static sw_status ask_what_became(sw_pg_session *session, int64_t group, bool *known, sw_error *err)
{
    static const char question[] =
        "SELECT version, writer FROM stepwell_state WHERE id = 1 FOR UPDATE";
    PGresult *result = NULL;
    sw_status status = sw__pg_connected(session, err);
    status = status == SW_STATUS_OK ? sw__pg_send_text(session, question, NULL, err) : status;
    status = status == SW_STATUS_OK ? sw__pg_sync(session, err) : status;
    status = status == SW_STATUS_OK ? sw__pg_receive(session, &result, err) : status;
    *known = status == SW_STATUS_OK && sw__pq.ntuples(result) == 1;
    if (!*known) {
        sw__pq.clear(result);
        return status == SW_STATUS_OK ? SW_STATUS_CORRUPT : status;
    }
    int64_t version = sw__pg_read_long(result, 0, 0), writer = sw__pg_read_long(result, 0, 1);
    sw__pq.clear(result);
    if (version > group) {
        return SW_STATUS_IO;
    }
    return version == group && writer == session->writer
               ? SW_STATUS_OK
               : sw_fail(err, SW_STATUS_BUSY, NULL, "the connection was lost; nothing was kept");
}

/* Whatever keeps the question from being answered, IO says that nobody knows: BUSY would have the group tried again,
 * and so perhaps kept twice. */
static sw_status find_out(sw_pg_session *session, int64_t group, sw_error *err)
{
    int64_t until = mono_ms() + session->store->busy_ms;
    bool known = false;
    sw_status status = ask_what_became(session, group, &known, err);
    while (!known && status == SW_STATUS_IO && mono_ms() < until) {
        pause_a_little();
        status = ask_what_became(session, group, &known, err);
    }
    return !known || status == SW_STATUS_IO
               ? sw_fail(err, SW_STATUS_IO, NULL,
                         "the connection was lost in a commit; nobody can say whether it was kept")
               : status;
}

static sw_status pg_commit(sw_session *head, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    PGresult *result = NULL;
    int64_t next = session->next;
    bool writes = session->mode == SW_SESSION_WRITE;
    sw_status status = send_commit(session, &result, err);
    if (status == SW_STATUS_OK && writes && strcmp(sw__pq.cmdStatus(result), "COMMIT") != 0) {
        status = sw_fail(err, SW_STATUS_INTERNAL, NULL, "the group was gone");
    }
    sw__pq.clear(result);
    if (sw__pq.status(session->conn) != CONNECTION_OK && writes && status != SW_STATUS_OK) {
        status = find_out(session, next, err);
    }
    if (status == SW_STATUS_OK) {
        session->in_transaction = false;
        session->version = writes ? next : session->version;
    } else {
        pg_rollback(head);
    }
    return status;
}

/* ---- version ------------------------------------------------------------------------------------ */

static sw_status pg_version(sw_session *head, uint64_t *out, sw_error *err)
{
    const sw_pg_shape shape = {.verb = SW_PG_CONTROL, .record = SW_PG_VERSION};
    PGresult *result = NULL;
    sw_status status = sw__pg_ask(sw__pg(head), &shape, NULL, NULL, &result, err);
    if (status == SW_STATUS_OK) {
        *out = sw__pq.ntuples(result) ? (uint64_t)sw__pg_read_long(result, 0, 0) : 0;
    }
    sw__pq.clear(result);
    return status;
}

static bool has_rung(sw_pg_session *session)
{
    bool rung = false;
    for (PGnotify *note = sw__pq.notifies(session->conn); note;
         note = sw__pq.notifies(session->conn)) {
        rung = true;
        sw__pq.freemem(note);
    }
    return rung;
}

static sw_status listen_to(sw_pg_session *session, sw_error *err)
{
    sw_status status = sw__pg_send_text(session, "LISTEN stepwell", NULL, err);
    status = status == SW_STATUS_OK ? sw__pg_sync(session, err) : status;
    status = status == SW_STATUS_OK ? sw__pg_receive(session, NULL, err) : status;
    session->listens = status == SW_STATUS_OK;
    return status;
}

/* Only who waits listens: what nobody reads the server would keep for us, and in the end refuse to commit. Nobody
 * tells of a bell that rang before there was this connection, so the first wait on it rings. */
static sw_status pg_wait(sw_session *head, int64_t ms, bool *rung, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    sw_status status = sw__pg_connected(session, err);
    bool is_new = !session->listens;
    if (status == SW_STATUS_OK && is_new) {
        status = listen_to(session, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    *rung = has_rung(session) || is_new;
    struct pollfd here = {.fd = sw__pq.socket(session->conn), .events = POLLIN};
    if (!*rung && poll(&here, 1, (int)ms) > 0) {
        if (!sw__pq.consumeInput(session->conn)) {
            return sw__pg_fail(session->conn, NULL, "wait", err);
        }
        *rung = has_rung(session);
    }
    return SW_STATUS_OK;
}

static sw_status pg_tidy(sw_store *store, sw_error *err)
{
    (void)store;
    (void)err;
    return SW_STATUS_OK;
}

#define SW_PG_OPS(SCHEME)                                                                          \
    {                                                                                              \
        .scheme = (SCHEME), .is_far = true, .open = sw__pg_open, .close = sw__pg_close,            \
        .info = sw__pg_info, .tidy = pg_tidy, .settle = sw__pg_settle,                             \
        .session_open = pg_session_open, .session_close = pg_session_close, .begin = pg_begin,     \
        .commit = pg_commit, .rollback = pg_rollback, .version = pg_version, .wait = pg_wait,      \
        .get = sw__pg_get, .get_many = sw__pg_get_many, .update_many = sw__pg_update_many,         \
        .insert = sw__pg_insert, .insert_many = sw__pg_insert_many, .update = sw__pg_update,       \
        .add = sw__pg_add, .add_many = sw__pg_add_many, .put = sw__pg_put,                         \
        .put_many = sw__pg_put_many, .remove = sw__pg_remove, .scan = sw__pg_scan,                 \
        .count = sw__pg_count, .check = sw__pg_check                                               \
    }

/* Both spellings of the scheme are PostgreSQL's. */
const sw_store_ops sw__postgres_store = SW_PG_OPS("postgres");
const sw_store_ops sw__postgresql_store = SW_PG_OPS("postgresql");
