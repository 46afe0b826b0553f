/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of logging steps: what the caller's thread prepares (log_prepare.c), what the writer
 * makes of it (log.c), and who is answered later (later.c).
 */
#ifndef SW_LEDGER_LOG_H
#define SW_LEDGER_LOG_H

#include "ledger/retry.h"

/* An entry as its caller's thread leaves it. */
typedef struct sw_prepared {
    sw_step row; /* all but what depends on the moment: id and time when not given, the lease */
    sw_status status;  /* why it is refused, whatever is in the store */
    sw_error *refused; /* in the arena of the call; NULL: it is not */
} sw_prepared;

/* The entries of a call, and how far its thread has got with them. */
typedef struct sw_prepare {
    const sw_step_entry *entries;
    sw_prepared *all;
    size_t count;
    sw_arena arena;
    sw_buf buf;
    size_t done; /* of the caller's thread */
    pthread_mutex_t lock;
    pthread_cond_t more;
    size_t ready; /* of `all`, under the lock: these are the writer's */
} sw_prepare;

/* Begins with what every call can have before it is queued: all of a small one, a piece of a large one. Not
 * OK: there is no memory, and nothing is left to end. */
sw_status sw__prepare_begin(sw_prepare *p, const sw_ledger *ledger, const sw_task *task,
                            const sw_step_entry *entries, size_t count,
                            sw_error *err) SW_MUST_CHECK;
/* The rest, in pieces. Entries for which there is no memory say so. */
void sw__prepare_rest(sw_prepare *p, const sw_ledger *ledger, const sw_task *task);
/* For the writer: how many are ready, once that is more than `some`. */
size_t sw__prepare_wait(sw_prepare *p, size_t some);
void sw__prepare_end(sw_prepare *p);

/* A call that logs steps. */
typedef struct sw_log_args {
    const sw_step_entry *entries;
    size_t count;
    sw_outcome *outcomes;
    bool atomic;
    sw_prepare prepare;
} sw_log_args;

/* Makes the task of the call and begins to prepare its entries, in the caller's thread; too many are refused. When
 * OK, sw__log_end comes after. */
sw_status sw__log_begin(const sw_ledger *ledger, const sw_actor *actor, sw_log_args *args,
                        sw_task *task, sw_error *err) SW_MUST_CHECK;
void sw__log_end(sw_log_args *args);

/* Adopted steps keep what they were; nobody promised to be heard of them. */
static inline bool sw__has_lease(const sw_step *step)
{
    return step->status.value == SW_STEP_STATUS_PENDING && step->source.value != SW_SOURCE_ADOPTED;
}

#endif
