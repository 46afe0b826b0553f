/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: one thread that turns whatever waits into one durable commit after the other. Callers
 * sleep on a semaphore of their own, so that a commit wakes exactly those it has answered. Knows
 * nothing of what an operation does; see internal.h for the contract between the two.
 */
#include <errno.h>
#include <time.h>

#include "ledger/retry.h"
#include "ledger/upkeep.h"

enum { IDLE_MS = 1000, TRIES = 3 };

int64_t sw__lease_now(const sw_ledger *ledger)
{
    int64_t passed = ledger->clock.mono_us(ledger->clock.data) - ledger->anchor_mono_us;
    return ledger->anchor_wall_us + passed;
}

/* ---- one group ---------------------------------------------------------------------------------- */

static sw_status group_begin(sw_ledger *ledger, sw_error *err)
{
    bool changed = false;
    sw_status status = sw_session_begin(ledger->write_session, &changed, err);

    if (status == SW_STATUS_OK && changed) {
        sw_group_forget(&ledger->group);
    }
    sw_group_start(&ledger->group, ledger->write_session);
    return status;
}

static void group_undo(sw_ledger *ledger)
{
    sw_session_rollback(ledger->write_session);
    sw_group_forget(&ledger->group);
}

bool sw__task_begin(sw_group *group, sw_task *task)
{
    memset(&task->error, 0, sizeof task->error);
    task->status = task->own_organization
                       ? SW_STATUS_OK
                       : sw_group_known(group, SW_RECORD_ORGANIZATION, task->organization_id,
                                        task->organization_id, &task->error);
    if (task->status == SW_STATUS_NOT_FOUND) {
        (void)sw__not_found(SW_RECORD_ORGANIZATION, task->organization_id, &task->error);
    }
    return task->status == SW_STATUS_OK;
}

/* Applies the operations and commits. Not OK: nothing was kept; `begun`: not because the store would not begin. */
static sw_status group_once(sw_ledger *ledger, sw_task *first, bool *begun, sw_error *err)
{
    sw_group *group = &ledger->group;
    sw_status status = group_begin(ledger, err);

    *begun = status == SW_STATUS_OK;
    if (status != SW_STATUS_OK) {
        return status;
    }
    for (sw_task *task = first; task && group->broken == SW_STATUS_OK;) {
        if (task->apply_all && !task->retry) {
            task = task->apply_all(group, task);
            continue;
        }
        if (sw__task_begin(group, task)) {
            task->status = sw__task_apply(group, task, &task->error);
        }
        task = task->next;
    }
    if (first->alone && first->status != SW_STATUS_OK && group->broken == SW_STATUS_OK) {
        sw_assert(!first->next);
        group_undo(ledger); /* refused after having written: nothing of it may stay */
        return SW_STATUS_OK;
    }
    status = group->broken;
    if (status != SW_STATUS_OK) {
        *err = group->broken_error;
    } else {
        status = sw_group_flush(group, err);
    }
    if (status != SW_STATUS_OK) {
        group_undo(ledger);
        return status;
    }
    status = sw_session_commit(ledger->write_session, err);
    if (status != SW_STATUS_OK || group->removed) {
        sw_group_forget(group);
    }
    return status;
}

/* A group that got in somebody's way after it had begun (a deadlock, a transaction that did not serialise) is tried
 * again, a few times. One that could not begin has waited long enough. */
static sw_status group_try(sw_ledger *ledger, sw_task *first, sw_error *err)
{
    sw_status status = SW_STATUS_BUSY;
    bool begun = true;

    for (int i = 0; i < TRIES && begun && status == SW_STATUS_BUSY; i++) {
        status = group_once(ledger, first, &begun, err);
    }
    return status;
}

/* Whether trying the operations one by one may save some of them. */
static bool worth_splitting(sw_status status)
{
    return status != SW_STATUS_BUSY && status != SW_STATUS_READ_ONLY &&
           status != SW_STATUS_CORRUPT && status != SW_STATUS_NEWER && status != SW_STATUS_FULL &&
           status != SW_STATUS_IO;
}

static void fail_all(sw_task *first, sw_status status, const sw_error *err)
{
    for (sw_task *task = first; task; task = task->next) {
        task->status = status;
        task->error = *err;
    }
}

static void group_run(sw_ledger *ledger, sw_task *first)
{
    sw_error err = {0};
    sw_status status = group_try(ledger, first, &err);

    if (status == SW_STATUS_OK) {
        return;
    }
    if (!first->next || !worth_splitting(status)) {
        fail_all(first, status, &err);
        return;
    }
    for (sw_task *task = first; task; task = task->next) {
        sw_task *rest = task->next;
        task->next = NULL;
        status = group_try(ledger, task, &err);
        task->next = rest;
        if (status != SW_STATUS_OK && !worth_splitting(status)) {
            fail_all(task, status, &err);
            return;
        }
        if (status != SW_STATUS_OK) {
            task->status = status;
            task->error = err;
        }
    }
}

/* ---- the thread --------------------------------------------------------------------------------- */

/* Cuts the next group off the queue; called with the lock held and something queued. */
static sw_task *take_group(sw_ledger *ledger)
{
    sw_task *first = ledger->head;
    sw_task **end = &ledger->head;
    size_t ops = 0;
    size_t items = 0;

    while (*end && ops < SW_LIMIT_GROUP_OPS &&
           (ops == 0 || items + (*end)->weight <= SW_LIMIT_GROUP_ITEMS)) {
        if ((*end)->alone && ops > 0) {
            break;
        }
        ops++;
        items += (*end)->weight;
        end = &(*end)->next;
        if (first->alone) {
            break;
        }
    }
    ledger->head = *end;
    if (!ledger->head) {
        ledger->tail = &ledger->head;
    }
    *end = NULL;
    ledger->queued -= ops;
    return first;
}

static void answer(sw_task *task)
{
    while (task) {
        sw_task *next = task->next; /* the caller's memory: gone once it is woken */
        if (task->answered) {
            task->answered(task);
        } else {
            sem_post(&task->done);
        }
        task = next;
    }
}

static void idle_wait(sw_ledger *ledger)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_MS / 1000;
    pthread_cond_timedwait(&ledger->work, &ledger->lock, &until);
}

/* What the writer does when nobody asks anything: ends expired leases, removes what has expired, tidies the store. */
static void idle_work(sw_ledger *ledger)
{
    sw_error err = {0};
    bool due = false;

    if (!ledger->no_reaper && sw__lease_due(ledger, &due, &err) != SW_STATUS_OK) {
        sw_logf(&ledger->log, SW_LOG_WARN, "leases: %s", err.message);
    }
    while (due) {
        int64_t ended = 0;
        sw_task task = {.apply = sw__reap, .arg = &ended, .own_organization = true};
        group_run(ledger, &task);
        if (task.status != SW_STATUS_OK) {
            sw_logf(&ledger->log, SW_LOG_WARN, "leases: %s", task.error.message);
        }
        sw__committed(ledger);
        due = task.status == SW_STATUS_OK && ended == SW_REAP_AT_ONCE;
    }
    if (sw__upkeep_due(ledger, &due, &err) != SW_STATUS_OK) {
        sw_logf(&ledger->log, SW_LOG_WARN, "upkeep: %s", err.message);
    }
    while (due) {
        sw_task task = {.apply = sw__upkeep, .arg = &due, .own_organization = true};
        group_run(ledger, &task);
        if (task.status != SW_STATUS_OK) {
            sw_logf(&ledger->log, SW_LOG_WARN, "upkeep: %s", task.error.message);
            due = false;
        }
    }
    if (sw_store_tidy(ledger->store, &err) != SW_STATUS_OK) {
        sw_logf(&ledger->log, SW_LOG_WARN, "tidy: %s", err.message);
    }
}

static void *writer_main(void *arg)
{
    sw_ledger *ledger = arg;
    int64_t next_idle = ledger->clock.mono_us(ledger->clock.data);

    pthread_mutex_lock(&ledger->lock);
    while (!ledger->closing || ledger->head) {
        if (ledger->head) {
            sw_task *group = take_group(ledger);
            pthread_cond_broadcast(&ledger->room);
            pthread_mutex_unlock(&ledger->lock);
            int64_t begun = ledger->clock.mono_us(ledger->clock.data);
            group_run(ledger, group);
            answer(group);
            pthread_mutex_lock(&ledger->lock);
            sw__load_count(ledger, ledger->clock.mono_us(ledger->clock.data) - begun);
            ledger->commits++;
            pthread_cond_broadcast(&ledger->committed);
        } else {
            idle_wait(ledger);
        }
        int64_t now = ledger->clock.mono_us(ledger->clock.data);
        if (now >= next_idle && !ledger->closing) {
            next_idle = now + (int64_t)IDLE_MS * 1000;
            pthread_mutex_unlock(&ledger->lock);
            idle_work(ledger);
            pthread_mutex_lock(&ledger->lock);
        }
    }
    pthread_mutex_unlock(&ledger->lock);
    return NULL;
}

sw_status sw__writer_start(sw_ledger *ledger, sw_error *err)
{
    int failed = 0;
    sw_status status =
        sw_session_open(ledger->store, SW_SESSION_WRITE, &ledger->write_session, err);

    if (status == SW_STATUS_OK) {
        status = sw_group_init(&ledger->group, ledger, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    failed = pthread_create(&ledger->writer, NULL, writer_main, ledger);
    if (failed) {
        return sw_fail(err, SW_STATUS_NO_MEMORY, "", "cannot start a thread: %s", strerror(failed));
    }
    ledger->writer_runs = true;
    return SW_STATUS_OK;
}

void sw__writer_stop(sw_ledger *ledger)
{
    if (ledger->writer_runs) {
        pthread_mutex_lock(&ledger->lock);
        ledger->closing = true;
        pthread_cond_broadcast(&ledger->work);
        pthread_cond_broadcast(&ledger->room);
        pthread_cond_broadcast(&ledger->committed);
        pthread_mutex_unlock(&ledger->lock);
        pthread_join(ledger->writer, NULL);
        ledger->writer_runs = false;
    }
    sw_group_fini(&ledger->group);
    sw_session_close(&ledger->write_session);
}

/* ---- the callers' side -------------------------------------------------------------------------- */

/* Who is answered later does not wait for room either. */
static sw_status enqueue(sw_ledger *ledger, sw_task *task, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    pthread_mutex_lock(&ledger->lock);
    while (!task->answered && ledger->queued >= SW_LIMIT_QUEUE_OPS && !ledger->closing) {
        pthread_cond_wait(&ledger->room, &ledger->lock);
    }
    if (ledger->closing) {
        status = sw_fail(err, SW_STATUS_CLOSED, "", "the ledger is being closed");
    } else if (ledger->queued >= SW_LIMIT_QUEUE_OPS) {
        status = sw_fail(err, SW_STATUS_BUSY, "", "%d calls wait already; send it again later",
                         (int)SW_LIMIT_QUEUE_OPS);
    } else {
        bool was_empty = !ledger->head;
        task->next = NULL;
        *ledger->tail = task;
        ledger->tail = &task->next;
        ledger->queued++;
        if (was_empty) {
            pthread_cond_signal(&ledger->work);
        }
    }
    pthread_mutex_unlock(&ledger->lock);
    return status;
}

sw_status sw__refuse(sw_outcome *outcomes, size_t count, sw_status status, const sw_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (outcomes[i].status == SW_STATUS_OK) { /* what was refused by itself keeps its reason */
            outcomes[i].verdict = SW_VERDICT_REJECTED;
            outcomes[i].status = status;
            outcomes[i].seq = 0;
            outcomes[i].error = *err;
        }
    }
    return status;
}

sw_status sw__refuse_one(sw_outcome *outcome, sw_error *err, sw_status status, const char *field,
                         const char *message)
{
    sw__outcome_reset(outcome);
    (void)sw_fail(&outcome->error, status, field, "%s", message);
    outcome->verdict = SW_VERDICT_REJECTED;
    outcome->status = status;
    if (err) {
        *err = outcome->error;
    }
    return status;
}

/* Both ids reach rows and the journal; neither is checked anywhere else. */
static sw_status check_actor(const sw_task *task, sw_error *err)
{
    static const char *const names[] = {"organization_id", "user_id", "project_id"};
    const sw_str ids[] = {task->organization_id, task->user_id, task->project_id};

    for (size_t i = 0; i < SW_COUNT(ids); i++) {
        bool absent = i > 0 && !ids[i].ptr;
        if (!absent && (ids[i].len == 0 || ids[i].len > SW_LIMIT_ID_BYTES ||
                        memchr(ids[i].ptr, 0, ids[i].len) || !sw_utf8_valid(ids[i]))) {
            return sw_fail(err, SW_STATUS_INVALID, names[i], "of the actor is not an identifier");
        }
    }
    return sw__retry_check(task->retry, err);
}

/* What the actor says goes into the task. */
static sw_status accept(sw_ledger *ledger, const sw_actor *actor, sw_task *task)
{
    sw_status status = SW_STATUS_OK;

    task->organization_id = sw__actor_organization(actor);
    task->user_id = sw__actor_user(actor);
    task->project_id = actor ? actor->project_id : SW_NULL_STR;
    task->retry = actor ? actor->retry : NULL;
    for (size_t i = 0; i < task->outcome_count; i++) {
        sw__outcome_reset(&task->outcomes[i]);
    }
    status = check_actor(task, &task->error);
    if (status == SW_STATUS_OK && ledger->read_only) {
        return sw_fail(&task->error, SW_STATUS_READ_ONLY, "",
                       "the ledger was opened for reading only");
    }
    return status;
}

static void meanwhile(const sw_ledger *ledger, sw_task *task)
{
    if (task->meanwhile) {
        task->meanwhile(ledger, task);
    }
}

static sw_status run_task(sw_ledger *ledger, sw_task *task)
{
    sw_status status = SW_STATUS_OK;

    if (ledger->writer_runs && pthread_equal(pthread_self(), ledger->writer)) {
        sw_assert(ledger->nested); /* a visit must not write */
        meanwhile(ledger, task);
        return sw__task_nested(ledger->nested, task, &task->error);
    }
    sem_init(&task->done, 0, 0);
    status = enqueue(ledger, task, &task->error);
    if (status == SW_STATUS_OK) {
        meanwhile(ledger, task);
        while (sem_wait(&task->done) != 0) {
            sw_assert(errno == EINTR);
        }
        status = task->status;
    }
    sem_destroy(&task->done);
    return status;
}

sw_status sw__submit(sw_ledger *ledger, const sw_actor *actor, sw_task *task, sw_error *err)
{
    sw_status status = accept(ledger, actor, task);

    if (status == SW_STATUS_OK) {
        status = run_task(ledger, task);
    }
    if (status == SW_STATUS_OK) {
        return status;
    }
    task->error.status = status;
    (void)sw__refuse(task->outcomes, task->outcome_count, status, &task->error);
    if (err) {
        *err = task->error;
    }
    return status;
}

/* All is prepared before it is queued: once it is, the task may be gone at any time. */
sw_status sw__submit_later(sw_ledger *ledger, const sw_actor *actor, sw_task *task)
{
    sw_status status = accept(ledger, actor, task);

    sw_assert(task->answered);
    if (status == SW_STATUS_OK) {
        meanwhile(ledger, task);
        status = enqueue(ledger, task, &task->error);
    }
    return status;
}
