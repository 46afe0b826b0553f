/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: prepared once a session and found by their shape, sent without waiting, and their answers read in
 * order. Knows nothing of records.
 *
 * What went wrong is found when answers are read. From there to the next Sync the server ignores what was sent, so
 * the Sync is sent then, and a group that is open can only be rolled back, to its beginning or to a savepoint.
 */
#include <stdio.h>

#include "store/postgres_impl.h"

enum { BINARY = 1, NAME = 16 };

void sw__pg_forget_all(sw_pg_session *session)
{
    memset(session->slots, 0, sizeof session->slots);
    session->in_transaction = session->synced = session->listens = false;
    session->pending = 0;
    session->names = 0;
    sw__pg_forget_parents(session);
}

/* ---- sending ------------------------------------------------------------------------------------ */

static sw_status broken(sw_pg_session *session, sw_error *err)
{
    return sw__pg_fail(session->conn, NULL, "send a statement", err);
}

/* Behind a Sync begins something new: what came before is read first. */
static sw_status ready(sw_pg_session *session, sw_error *err)
{
    return session->synced ? sw__pg_receive(session, NULL, err) : SW_STATUS_OK;
}

static sw_status sent(sw_pg_session *session, int done, sw_error *err)
{
    if (!done) {
        return broken(session, err);
    }
    session->pending++;
    return SW_STATUS_OK;
}

static sw_pg_slot *find_slot(sw_pg_session *session, const sw_pg_shape *shape)
{
    for (size_t i = 0; i < SW_PG_SLOTS; i++) {
        if (memcmp(&session->slots[i].shape, shape, sizeof *shape) == 0) {
            return &session->slots[i];
        }
    }
    return NULL;
}

/* A free one, or the one that was used longest ago. */
static sw_pg_slot *oldest_slot(sw_pg_session *session)
{
    sw_pg_slot *oldest = &session->slots[0];
    for (size_t i = 1; i < SW_PG_SLOTS; i++) {
        if (session->slots[i].used < oldest->used) {
            oldest = &session->slots[i];
        }
    }
    return oldest;
}

static sw_status prepare(sw_pg_session *session, const sw_pg_shape *shape, const char *sql,
                         sw_pg_slot **out, sw_error *err)
{
    char text[64], name[NAME];
    sw_pg_slot *slot = oldest_slot(session);
    sw_status status = SW_STATUS_OK;
    if (slot->shape.verb != SW_PG_FREE) {
        (void)snprintf(text, sizeof text, "DEALLOCATE s%u", (unsigned)slot->name);
        *slot = (sw_pg_slot){.name = 0};
        status = sw__pg_send_text(session, text, NULL, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    (void)snprintf(name, sizeof name, "s%u", (unsigned)++session->names);
    status = sent(
        session,
        sw__pq.sendPrepare(session->conn, name, sql, session->values.count, session->values.type),
        err);
    if (status == SW_STATUS_OK) {
        *slot = (sw_pg_slot){.shape = *shape, .name = session->names};
        *out = slot;
    }
    return status;
}

static sw_status send_slot(sw_pg_session *session, sw_pg_slot *slot, sw_error *err)
{
    const sw_pg_values *values = &session->values;
    char name[NAME];
    slot->used = ++session->clock;
    (void)snprintf(name, sizeof name, "s%u", (unsigned)slot->name);
    return sent(session,
                sw__pq.sendQueryPrepared(session->conn, name, values->count, values->at,
                                         values->len, values->format, BINARY),
                err);
}

sw_status sw__pg_send(sw_pg_session *session, const sw_pg_shape *shape, sw_pg_build *build,
                      const void *arg, sw_error *err)
{
    sw_status status = ready(session, err);
    sw_pg_slot *slot = status == SW_STATUS_OK ? find_slot(session, shape) : NULL;
    if (status == SW_STATUS_OK && !slot) {
        sw_buf sql;
        sw_buf_init(&sql, &session->store->allocator, 1 << 20);
        build(sw__pg_table(session, (sw_record_id)shape->record), arg, &sql);
        status = sql.status == SW_STATUS_OK ? prepare(session, shape, sql.ptr, &slot, err)
                                            : sw_no_memory(err);
        sw_buf_fini(&sql);
    }
    return status == SW_STATUS_OK ? send_slot(session, slot, err) : status;
}

sw_status sw__pg_send_text(sw_pg_session *session, const char *sql, const sw_pg_values *values,
                           sw_error *err)
{
    sw_status status = ready(session, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    return sent(session,
                values
                    ? sw__pq.sendQueryParams(session->conn, sql, values->count, values->type,
                                             values->at, values->len, values->format, BINARY)
                    : sw__pq.sendQueryParams(session->conn, sql, 0, NULL, NULL, NULL, NULL, BINARY),
                err);
}

static const char *const controls[SW_PG_CONTROLS] = {
    [SW_PG_BEGIN_WRITE] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    [SW_PG_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [SW_PG_COMMIT] = "COMMIT",
    [SW_PG_ROLLBACK] = "ROLLBACK",
    [SW_PG_NEXT_VERSION] = ("UPDATE stepwell_state SET version = version + 1, writer = $1"
                            " WHERE id = 1 RETURNING version"),
    [SW_PG_VERSION] = "SELECT version FROM stepwell_state WHERE id = 1",
    [SW_PG_RING] = "SELECT pg_notify('stepwell', '')",
    [SW_PG_SAVE] = "SAVEPOINT guard",
    [SW_PG_RELEASE] = "RELEASE SAVEPOINT guard",
};

/* Needs no memory of ours, so that a group that failed for want of it can be rolled back. The parameters of a
 * statement that is being put together stay as they are. */
sw_status sw__pg_control(sw_pg_session *session, sw_pg_control what, sw_error *err)
{
    const sw_pg_shape shape = {.verb = SW_PG_CONTROL, .record = (uint8_t)what};
    int count = session->values.count;
    session->values.count = 0;
    if (what == SW_PG_NEXT_VERSION) {
        sw__pg_bind_long(&session->values, session->writer);
    }
    sw_status status = ready(session, err);
    sw_pg_slot *slot = status == SW_STATUS_OK ? find_slot(session, &shape) : NULL;
    if (status == SW_STATUS_OK && !slot) {
        status = prepare(session, &shape, controls[what], &slot, err);
    }
    if (status == SW_STATUS_OK) {
        status = send_slot(session, slot, err);
    }
    session->values.count = count;
    return status;
}

sw_status sw__pg_sync(sw_pg_session *session, sw_error *err)
{
    if (!sw__pq.pipelineSync(session->conn)) {
        return broken(session, err);
    }
    session->synced = true;
    return SW_STATUS_OK;
}

/* ---- answers ------------------------------------------------------------------------------------ */

static bool well(const PGresult *result)
{
    ExecStatusType is = sw__pq.resultStatus(result);
    return is == PGRES_TUPLES_OK || is == PGRES_COMMAND_OK || is == PGRES_PIPELINE_SYNC;
}

/* The answer to one command. */
static PGresult *next_answer(PGconn *conn)
{
    PGresult *result = sw__pq.getResult(conn);
    PGresult *more = result ? sw__pq.getResult(conn) : NULL;
    sw__pq.clear(more); /* none: one statement, one answer */
    return result;
}

/* Reads to the Sync; the server has passed over everything before it. */
static void skip_to_sync(sw_pg_session *session)
{
    PGresult *result = NULL;
    if (!session->synced && sw__pq.pipelineSync(session->conn)) {
        session->synced = true;
    }
    while (session->synced && sw__pq.status(session->conn) == CONNECTION_OK) {
        result = sw__pq.getResult(session->conn);
        session->synced = sw__pq.resultStatus(result) != PGRES_PIPELINE_SYNC;
        sw__pq.clear(result);
    }
    session->synced = false;
    session->pending = 0;
}

static void settle_slots(sw_pg_session *session, bool proven)
{
    for (size_t i = 0; i < SW_PG_SLOTS; i++) {
        sw_pg_slot *slot = &session->slots[i];
        if (slot->shape.verb == SW_PG_FREE || slot->proven) {
            continue;
        }
        if (proven) {
            slot->proven = true;
        } else {
            *slot = (sw_pg_slot){.name = 0};
        }
    }
}

/* Reads all answers up to the first that is a failure: that one, or the last, is answered. */
static PGresult *read_answers(sw_pg_session *session)
{
    PGresult *last = NULL;
    for (; session->pending > 0 && (!last || well(last)); session->pending--) {
        sw__pq.clear(last);
        last = next_answer(session->conn);
        if (!last) {
            break; /* the connection is gone */
        }
    }
    return last;
}

sw_status sw__pg_receive(sw_pg_session *session, PGresult **out, sw_error *err)
{
    bool had = session->pending > 0;
    if (had && !session->synced && !sw__pq.sendFlushRequest(session->conn)) {
        return broken(session, err);
    }
    PGresult *last = read_answers(session);
    if (had && (!last || !well(last))) {
        sw_status status = sw__pg_fail(session->conn, last, "the database", err);
        settle_slots(session, false);
        skip_to_sync(session);
        sw__pq.clear(last);
        return status;
    }
    if (session->synced) {
        skip_to_sync(session);
    }
    settle_slots(session, true);
    if (out) {
        *out = last;
    } else {
        sw__pq.clear(last);
    }
    return SW_STATUS_OK;
}

static sw_status send_any(sw_pg_session *session, const sw_pg_shape *shape, sw_pg_build *build,
                          const void *arg, sw_error *err)
{
    return shape->verb == SW_PG_CONTROL ? sw__pg_control(session, (sw_pg_control)shape->record, err)
                                        : sw__pg_send(session, shape, build, arg, err);
}

/* A statement of its own, outside a transaction, is asked once more when the connection turns out to be gone. */
static sw_status ask_alone(sw_pg_session *session, const sw_pg_shape *shape, sw_pg_build *build,
                           const void *arg, PGresult **out, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (int tries = 0; tries < 2; tries++) {
        status = sw__pg_connected(session, err);
        if (status == SW_STATUS_OK) {
            status = send_any(session, shape, build, arg, err);
        }
        if (status == SW_STATUS_OK) {
            status = sw__pg_sync(session, err);
        }
        if (status == SW_STATUS_OK) {
            status = sw__pg_receive(session, out, err);
        }
        if (status != SW_STATUS_IO || sw__pq.status(session->conn) == CONNECTION_OK) {
            break;
        }
    }
    return status;
}

sw_status sw__pg_ask(sw_pg_session *session, const sw_pg_shape *shape, sw_pg_build *build,
                     const void *arg, PGresult **out, sw_error *err)
{
    if (!session->in_transaction) {
        return ask_alone(session, shape, build, arg, out, err);
    }
    sw_status status = send_any(session, shape, build, arg, err);
    return status == SW_STATUS_OK ? sw__pg_receive(session, out, err) : status;
}

/* ---- statements that may break a rule ----------------------------------------------------------- */

static sw_status roll_to_guard(sw_pg_session *session, sw_error *err)
{
    sw_status status = sw__pg_send_text(session, "ROLLBACK TO SAVEPOINT guard", NULL, err);
    if (status == SW_STATUS_OK) {
        status = sw__pg_control(session, SW_PG_RELEASE, err);
    }
    return status == SW_STATUS_OK ? sw__pg_receive(session, NULL, err) : status;
}

/* Only the savepoint and the statement are on their way. */
static sw_status read_guarded(sw_pg_session *session, PGresult **out, sw_error *err)
{
    if (!sw__pq.sendFlushRequest(session->conn)) {
        return broken(session, err);
    }
    sw_status status = SW_STATUS_OK;
    PGresult *last = read_answers(session);
    if (last && well(last)) {
        settle_slots(session, true);
        status = sw__pg_control(session, SW_PG_RELEASE, err);
    } else {
        status = sw__pg_broke_rule(last) ? SW_STATUS_OK
                                         : sw__pg_fail(session->conn, last, "the database", err);
        settle_slots(session, false);
        skip_to_sync(session);
        status = status == SW_STATUS_OK ? roll_to_guard(session, err) : status;
    }
    if (status == SW_STATUS_OK) {
        *out = last;
    } else {
        sw__pq.clear(last);
    }
    return status;
}

sw_status sw__pg_ask_guarded(sw_pg_session *session, const sw_pg_shape *shape, sw_pg_build *build,
                             const void *arg, PGresult **out, sw_error *err)
{
    sw_status status = sw__pg_receive(session, NULL, err);
    if (status == SW_STATUS_OK) {
        status = sw__pg_control(session, SW_PG_SAVE, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__pg_send(session, shape, build, arg, err);
    }
    return status == SW_STATUS_OK ? read_guarded(session, out, err) : status;
}
