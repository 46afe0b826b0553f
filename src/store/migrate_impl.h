/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a migration share; see migrate.h. */
#ifndef SW_STORE_MIGRATE_IMPL_H
#define SW_STORE_MIGRATE_IMPL_H

#include "store/migrate.h"
#include "store/store_impl.h"

typedef struct sw_move {
    sw_store *from;
    sw_store *to;
    sw_session *source; /* reads, all of it one moment */
    sw_session *target; /* writes; when comparing, reads */
    const sw_migrate_listener *listener;
    sw_migrate_sum *sum;
    int64_t mark;    /* of the source's journals */
    int64_t entries; /* how many these have */
    int64_t done;    /* of the part under way */
    int64_t total;
    bool alone; /* our first group was: nobody else has written since */
} sw_move;

/* Whether a migration carries the record; its own count it does not. */
static inline bool sw__migrates(size_t record)
{
    return record != SW_RECORD_MIGRATION;
}

/* ---- keeping count (migrate_state.c) ------------------------------------------------------------ */

/* What a store is called, for people, without a password. */
sw_status sw__move_name(sw_store *store, char *out, size_t size, sw_error *err);
/* How far the journals have counted: as one number that is another when any of them has, and as a sum. */
sw_status sw__move_mark(sw_session *session, int64_t *mark, int64_t *entries, sw_error *err);
/* A group of the target; CONFLICT when somebody else has written since the last one. */
sw_status sw__move_begin(sw_move *move, sw_error *err);
/* Durable, with the row that says how many rows of the kind there are. */
sw_status sw__move_commit(sw_move *move, sw_record_id record, int64_t copied, bool is_done,
                          sw_error *err);
/* The first group: the target is empty, or half of the same; else CONFLICT. */
sw_status sw__move_claim(sw_move *move, sw_error *err);
/* Whether all rows of the kind are there. */
sw_status sw__move_is_done(sw_move *move, sw_record_id record, bool *is_done, sw_error *err);
/* Nobody else has written since the last group. */
sw_status sw__move_still_alone(sw_move *move, sw_error *err);

/* ---- copying and comparing ---------------------------------------------------------------------- */

sw_status sw__move_copy(sw_move *move, sw_record_id record, sw_error *err);
sw_status sw__move_compare(sw_move *move, sw_record_id record, sw_error *err);
void sw__move_progress(sw_move *move, bool comparing);
/* Puts what was being done before the error's message. */
void sw__move_while(const char *doing, sw_record_id record, sw_error *err);

#endif
