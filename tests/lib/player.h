/* SPDX-License-Identifier: Apache-2.0 */
/* A player: draws operations of two organizations, does each on the ledger and on the naive ledger, and
 * checks that the ledger answers what the naive one says.
 */
#ifndef TEST_PLAYER_H
#define TEST_PLAYER_H

#include "tests/lib/chance.h"
#include "tests/lib/naive.h"

enum { SENT_MAX = 64, NOTES_MAX = 200000 };

/* An entry that was sent, to be sent again. */
typedef struct sent {
    int actor;
    sw_step_entry entry;
    const char *broken;
} sent;

/* What the journal must hold. */
typedef struct note {
    int64_t seq;
    sw_record_id record;
    sw_str id;
} note;

typedef struct play {
    lt *t;
    naive *n;
    lt_rng rng;
    const sw_actor *actors[2];
    int64_t heads[2], firsts[2];
    int64_t entries_max[2]; /* of the journal, at most */
    note *notes[2];
    size_t note_count[2];
    sent sent[SENT_MAX];
    size_t sent_count;
    int64_t op;
    unsigned serial;
    bool accepted; /* this operation changed something */
    sw_outcome outcomes[8];
} play;

/* Begins with the two organizations of the test. */
play *play_new(lt *t, lt_rng rng);
void play_free(play **p);
/* One random operation, its answer and the journal's head checked. */
void play_one(play *p);
/* Each change that was answered is in the journal, in order, and hardly anything else. */
void play_check_journal(play *p);

/* Everything that can be read equals what the naive ledger shows: lists with and without filters, rows,
 * timings, runs with their totals, messages, sums by random groupings. */
void compare_all(lt *t, naive *naive, lt_rng *rng);

#endif
