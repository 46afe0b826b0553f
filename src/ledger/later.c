/* SPDX-License-Identifier: Apache-2.0 */
/* Logging steps without waiting: the task lives in memory of its own and, once it is durable or
 * refused, calls back from the writer's thread instead of waking a sleeper. So one thread can have
 * thousands of calls under way.
 */
#include "ledger/log.h"

typedef struct later {
    sw_task task; /* first, so that the task leads here */
    sw_log_args args;
    sw_ledger *ledger;
    sw_done *done;
    void *arg;
} later;

/* What was refused as a whole is said in every outcome, as for a caller who waits. */
static void finish(later *l, sw_status status)
{
    sw_task *task = &l->task;
    const sw_allocator *from = &l->ledger->allocator;

    if (status != SW_STATUS_OK) {
        task->error.status = status;
        (void)sw__refuse(task->outcomes, task->outcome_count, status, &task->error);
    }
    sw__log_end(&l->args);
    l->done(l->arg, status, &task->error);
    sw_free(from, l);
}

static void answered(sw_task *task)
{
    finish((later *)(void *)task, task->status);
}

static void refuse(sw_outcome *outcomes, size_t count, sw_status status, const sw_error *err,
                   sw_done *done, void *arg)
{
    for (size_t i = 0; i < count; i++) {
        sw__outcome_reset(&outcomes[i]);
    }
    (void)sw__refuse(outcomes, count, status, err);
    done(arg, status, err);
}

void sw_step_log_later(sw_ledger *ledger, const sw_actor *actor, const sw_step_entry *entries,
                       size_t count, bool atomic, sw_outcome *outcomes, sw_done *done, void *arg)
{
    sw_error err = {.status = SW_STATUS_OK};
    sw_status status = SW_STATUS_OK;
    later *l = NULL;

    if (count == 0) {
        done(arg, status, &err);
        return;
    }
    l = sw_alloc_zeroed(&ledger->allocator, sizeof *l);
    if (!l) {
        refuse(outcomes, count, sw_no_memory(&err), &err, done, arg);
        return;
    }
    *l = (later){
        .args = {.entries = entries, .count = count, .outcomes = outcomes, .atomic = atomic},
        .ledger = ledger,
        .done = done,
        .arg = arg};
    status = sw__log_begin(ledger, actor, &l->args, &l->task, &err);
    if (status != SW_STATUS_OK) {
        sw_free(&ledger->allocator, l);
        refuse(outcomes, count, status, &err, done, arg);
        return;
    }
    l->task.answered = answered;
    status = sw__submit_later(ledger, actor, &l->task);
    if (status != SW_STATUS_OK) {
        finish(l, status);
    }
}
