/* SPDX-License-Identifier: Apache-2.0 */
/* Sums computed anew from the rows, for a database whose rows somebody else wrote (an adopted one): resum.c what steps and
 * their timings make, resum_runs.c runs, their tools and what an organization has counted.
 */
#ifndef SW_LEDGER_RESUM_H
#define SW_LEDGER_RESUM_H

#include "ledger/keyed.h"
#include "stepwell/operate.h"

enum { SW_RESUM_BATCH = 1000 };

typedef struct sw_resum_work {
    sw_group *group; /* the writer's, which commits */
    sw_task *task;
    sw_group one; /* what the rows of one organization say, less what is stored */
    sw_group all; /* the same of cells that belong to none */
    sw_str organization;
    sw_arena batch; /* of a few rows */
    sw_keyed tools; /* by run and tool: how many messages call it */
    sw_resum_progress *progress;
    void *arg;
    sw_resum_end *end;
    int64_t done;
    int64_t runs;             /* of the organization */
    int64_t last_sequence_id; /* of its messages */
    sw_status failed;
    sw_error error;
} sw_resum_work;

/* A scan over the rows of the organization; the visit leaves its status in work->failed. */
sw_status sw__resum_walk(sw_resum_work *work, sw_record_id record, uint8_t owner, uint64_t fields,
                         sw_visit *visit, void *arg, sw_error *err);
void sw__resum_tick(sw_resum_work *work);
/* Tools from messages, then totals of runs from the cells, then what the organization has counted. */
sw_status sw__resum_messages(sw_resum_work *work, sw_error *err);
sw_status sw__resum_runs(sw_resum_work *work, sw_error *err);
sw_status sw__resum_head(sw_resum_work *work, int64_t moved, sw_error *err);

#endif
