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

/* Fills `out`; not OK: there is no memory. What is refused waits for its turn with the others. */
sw_status sw__prepare_entries(const sw_ledger *ledger, const sw_task *task,
                              const sw_step_entry *entries, size_t count, sw_arena *arena,
                              sw_prepared *out, sw_error *err);

/* A call that logs steps. */
typedef struct sw_log_args {
    const sw_step_entry *entries;
    size_t count;
    sw_outcome *outcomes;
    bool atomic;
    sw_prepared *prepared;
    sw_arena arena; /* of what is prepared */
} sw_log_args;

/* Makes the task of the call and prepares its entries, in the caller's thread; too many are refused. In any case
 * sw__log_end comes after. */
sw_status sw__log_begin(const sw_ledger *ledger, const sw_actor *actor, sw_log_args *args,
                        sw_task *task, sw_error *err) SW_MUST_CHECK;
void sw__log_end(sw_log_args *args);

/* Adopted steps keep what they were; nobody promised to be heard of them. */
static inline bool sw__has_lease(const sw_step *step)
{
    return step->status.value == SW_STEP_STATUS_PENDING && step->source.value != SW_SOURCE_ADOPTED;
}

#endif
