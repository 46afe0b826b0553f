/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger offers to the import of another system's database, and to nobody else: rows as they were there, with
 * their ids (of any form), who wrote them and when, and their flags. They are of source adopted, so nobody is told of
 * them, nothing waits for their leases, and words that are none of ours may stay.
 */
#ifndef SW_LEDGER_ADOPT_H
#define SW_LEDGER_ADOPT_H

#include "stepwell/ledger.h"

/* The agent of what must have one, and has none that is known. */
#define SW_ADOPT_UNKNOWN_AGENT "unknown (Letta V1)"

/* One row, and what became of it. Created; updated: what was under way when it was taken first, and has ended since;
 * unchanged; conflict: the ledger has something else under its id; rejected: `field` and `why` say why. */
typedef struct sw_adopted {
    const void *row;                /* with its organization_id */
    const sw_step_metrics *metrics; /* of a step; NULL: none */
    sw_verdict verdict;
    sw_status status;
    uint64_t left_out; /* fields that name what is not there, and were left out */
    bool timed;        /* its timings are kept, too */
    bool named_agent;  /* its agent was not there, and is now known by its id */
    char field[48];
    char why[200];
} sw_adopted;

/* Rows of one record, of whatever organizations, in one transaction, in their order: organizations, users, providers,
 * models, projects, agents, conversations, runs, steps, messages, traces. A record that names what is not there yet
 * loses the reference, so parents come first; an agent that a run, a conversation or a message names is made.
 * Not OK: nothing was kept. */
sw_status sw_adopt(sw_ledger *ledger, sw_record_id record, sw_adopted *rows, size_t count,
                   sw_error *err) SW_MUST_CHECK;

/* Which of these ids need not be brought again: they are there, and not under way. */
sw_status sw_adopt_known(sw_ledger *ledger, sw_record_id record, const sw_str *ids, size_t count,
                         bool *known, sw_error *err) SW_MUST_CHECK;

#endif
