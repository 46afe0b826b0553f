/* SPDX-License-Identifier: Apache-2.0 */
/* What creating a run (run_create.c) shares with changing it (run.c). */
#ifndef SW_LEDGER_RUN_H
#define SW_LEDGER_RUN_H

#include "ledger/internal.h"

bool sw__run_ended(int64_t status);
/* What must hold of every run that is stored. */
sw_status sw__run_rules(const sw_run *row, sw_error *err);
/* A run that names no project is booked on its agent's. */
sw_status sw__run_inherit(sw_group *group, sw_run *row, sw_error *err);
/* An ended run has a time of its end and a duration. */
void sw__run_complete(sw_group *group, sw_run *row);
/* The agent remembers how the last of its runs ended: the one that completed last. */
sw_status sw__run_note_end(sw_group *group, const sw_task *task, const sw_run *row, sw_error *err);
/* A run came to its organization (+1) or went (-1). */
sw_status sw__run_count(sw_group *group, const sw_run *row, int sign, sw_error *err);
/* Null past the year 2262, which nanoseconds in 64 bits cannot say. */
sw_int sw__run_us_to_ns(int64_t us);
/* Creates a run inside a group. */
sw_status sw__run_create_in(sw_group *group, const sw_task *task, const sw_run *run,
                            sw_outcome *outcome, sw_error *err);
/* What follows when the row of a new run was inserted: its totals, what its agent remembers, the journal. */
sw_status sw__run_write_new(sw_group *group, const sw_task *task, const sw_run *row,
                            sw_outcome *outcome, sw_error *err);
/* A run that is there becomes this row, but for who and when it is (telemetry_run.c). */
sw_status sw__run_write_again(sw_group *group, const sw_task *task, const sw_run *old, sw_run *row,
                              sw_error *err);
/* Deletes a run inside a group; `seq` may be NULL. Its steps stay, in no run. */
sw_status sw__run_delete_in(sw_group *group, const sw_task *task, const sw_run *run, int64_t *seq,
                            sw_error *err);
/* What the totals have from the run itself. */
sw_status sw__run_note_metrics(sw_group *group, const sw_run *row, sw_error *err);
/* What the journal says of a run that becomes another. */
sw_change sw__run_change_of(const sw_run *old, const sw_run *row);

#endif
