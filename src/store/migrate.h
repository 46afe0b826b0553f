/* SPDX-License-Identifier: Apache-2.0 */
/* All records of one store into another, of whatever kind the two are. Walks the descriptors: no record is
 * named here but the one that keeps count (model/migration.def).
 *
 * The source is read in one snapshot, so that others may write to it meanwhile; what they write is not copied. Rows
 * are copied kind by kind, parents before children, in groups; each group moves the row that says how far it
 * came. Whoever finds such rows in a store has a half: migrate goes on with it, nobody else may use it.
 * At the end every row of both stores is compared in every field, and the rows that kept count go.
 */
#ifndef SW_STORE_MIGRATE_H
#define SW_STORE_MIGRATE_H

#include "store/store.h"

typedef struct sw_migrate_listener {
    /* Rows that this call has copied, or compared, of those that it has to; or NULL. */
    void (*progress)(void *arg, bool comparing, int64_t done, int64_t total);
    /* A record that is not the same in both, and in what; never what it holds. Or NULL. */
    sw_fault *difference;
    void *arg;
} sw_migrate_listener;

typedef struct sw_migrate_sum {
    int64_t rows[SW_RECORD_COUNT]; /* of the source */
    int64_t all;                   /* the sum of these */
    int64_t copied;                /* by this call */
    int64_t compared;
    int64_t differences;
    int64_t missed;   /* journal entries that others wrote to the source meanwhile */
    char source[560]; /* what the stores are called, without a password */
    char target[560];
} sw_migrate_sum;

/* Copies and compares; the target stays a half until sw_store_migrated. Neither has a session open. CONFLICT: the target holds records that are not of a migration from this source, or the
 * source was written to since that began, or is a half itself, or both are the same, or somebody else writes to
 * the target. DIFFERS: they do, after all. On any other failure the call may come again, and goes on. */
sw_status sw_store_migrate(sw_store *from, sw_store *to, const sw_migrate_listener *listener,
                           sw_migrate_sum *sum, sw_error *err) SW_MUST_CHECK;
/* The target is a ledger from now on. */
sw_status sw_store_migrated(sw_store *to, sw_error *err) SW_MUST_CHECK;
/* CONFLICT: the store is a half. */
sw_status sw_store_whole(sw_session *session, sw_error *err) SW_MUST_CHECK;

#endif
