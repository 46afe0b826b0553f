/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the player share. */
#ifndef TEST_PLAYER_INSIDE_H
#define TEST_PLAYER_INSIDE_H

#include "tests/lib/player.h"

/* The outcome is what the naive ledger says; a change is noted for the journal. SW_RECORD_COUNT: the
 * journal may name more than one kind of record. `entries`: at most so many in the journal. */
void play_check(play *p, int actor, const char *what, const sw_outcome *o, nv_answer want,
                sw_record_id record, int entries);
/* How many entries of the journal it may make. */
int play_entries_of(const sw_step_entry *e);
int64_t play_time_of(play *p, int actor, const sw_step_entry *e, const sw_outcome *o);
void play_end(play *p, int actor);
void play_update(play *p, int actor);
void play_feedback(play *p, int actor);
void play_metrics(play *p, int actor);
void play_attach(play *p, int actor);
void play_delete(play *p, int actor);
void play_restate(play *p, int actor);
void play_retire(play *p, int actor);
void play_run_create(play *p, int actor);
void play_run_update(play *p, int actor);
void play_run_cancel(play *p, int actor);
void play_run_delete(play *p, int actor);
void play_agent(play *p, int actor);

#endif
