/* SPDX-License-Identifier: Apache-2.0 */
/* A migration from beginning to end: what is asked of the two stores, and in which order. Copying one kind of record
 * and comparing it are other files' business.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "store/migrate_impl.h"

/* ---- the two stores ----------------------------------------------------------------------------- */

/* Of databases the name does not tell: one may hold several ledgers. The same one twice is no empty target. */
static bool same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static sw_status must_differ(const sw_move *move, sw_error *err)
{
    sw_store_info from, to;
    sw_status status = sw_store_info_get(move->from, &from, err);
    if (status == SW_STATUS_OK) {
        status = sw_store_info_get(move->to, &to, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    bool same = strcmp(from.kind, to.kind) == 0 && from.path[0] && same_file(from.path, to.path);
    return same ? sw_fail(err, SW_STATUS_INVALID, NULL,
                          "both are %s: name the store to copy from, and another one to copy into",
                          move->sum->source)
                : SW_STATUS_OK;
}

static sw_status name_stores(sw_move *move, sw_error *err)
{
    sw_migrate_sum *sum = move->sum;
    sw_status status = sw__move_name(move->from, sum->source, sizeof sum->source, err);
    if (status == SW_STATUS_OK) {
        status = sw__move_name(move->to, sum->target, sizeof sum->target, err);
    }
    return status == SW_STATUS_OK ? must_differ(move, err) : status;
}

static sw_status open_source(sw_move *move, sw_error *err)
{
    sw_status status = sw_session_open(move->from, SW_SESSION_READ, &move->source, err);
    if (status == SW_STATUS_OK) {
        status = sw_session_begin(move->source, NULL, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_store_whole(move->source, err);
    }
    return status == SW_STATUS_OK ? sw__move_mark(move->source, &move->mark, &move->entries, err)
                                  : status;
}

/* ---- both parts --------------------------------------------------------------------------------- */

void sw__move_progress(sw_move *move, bool comparing)
{
    const sw_migrate_listener *listener = move->listener;
    /* A target may have rows that the source has not. */
    int64_t done = move->done < move->total ? move->done : move->total;
    if (listener->progress) {
        listener->progress(listener->arg, comparing, done, move->total);
    }
}

static sw_status count_rows(sw_move *move, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (size_t r = 0; r < SW_RECORD_COUNT && status == SW_STATUS_OK; r++) {
        int64_t *rows = &move->sum->rows[r];
        bool is_done = false;
        if (sw__migrates(r)) {
            status = sw_store_count(move->source, (sw_record_id)r, rows, err);
        }
        if (status == SW_STATUS_OK && *rows > 0) {
            status = sw__move_is_done(move, (sw_record_id)r, &is_done, err);
        }
        move->sum->all += *rows;
        move->total += is_done ? 0 : *rows;
    }
    return status;
}

typedef sw_status part(sw_move *move, sw_record_id record, sw_error *err);

static sw_status each_record(sw_move *move, part *carry, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (size_t r = 0; r < SW_RECORD_COUNT && status == SW_STATUS_OK; r++) {
        if (sw__migrates(r)) {
            status = carry(move, (sw_record_id)r, err);
        }
    }
    return status;
}

static sw_status copy_all(sw_move *move, sw_error *err)
{
    sw_status status = sw_session_open(move->to, SW_SESSION_WRITE, &move->target, err);
    if (status == SW_STATUS_OK) {
        status = sw__move_claim(move, err);
    }
    if (status == SW_STATUS_OK) {
        status = count_rows(move, err);
    }
    if (status == SW_STATUS_OK) {
        status = each_record(move, sw__move_copy, err);
    }
    return status == SW_STATUS_OK ? sw_store_settle(move->to, err) : status;
}

/* The target is read by a session of its own, and so as others will read it. */
static sw_status compare_all(sw_move *move, sw_error *err)
{
    sw_session *writer = move->target;
    sw_status status = sw_session_open(move->to, SW_SESSION_READ, &move->target, err);
    move->done = 0;
    move->total = move->sum->all;
    if (status == SW_STATUS_OK) {
        status = sw_session_begin(move->target, NULL, err);
    }
    if (status == SW_STATUS_OK) {
        status = each_record(move, sw__move_compare, err);
    }
    sw_session_close(&move->target);
    move->target = writer;
    if (status == SW_STATUS_OK && move->sum->differences > 0) {
        status = sw_fail(err, SW_STATUS_DIFFERS, NULL,
                         "%lld records are not the same in both; %s stays marked as half a "
                         "migration: empty it and begin again",
                         (long long)move->sum->differences, move->sum->target);
    }
    return status;
}

/* What others have written to the source since it was looked at. */
static sw_status look_behind(sw_move *move, sw_error *err)
{
    int64_t mark = 0, entries = 0;
    sw_status status = sw_session_commit(move->source, err);
    if (status == SW_STATUS_OK) {
        status = sw__move_mark(move->source, &mark, &entries, err);
    }
    move->sum->missed = entries - move->entries;
    return status;
}

sw_status sw_store_migrate(sw_store *from, sw_store *to, const sw_migrate_listener *listener,
                           sw_migrate_sum *sum, sw_error *err)
{
    sw_move move = {.from = from, .to = to, .listener = listener, .sum = sum};
    *sum = (sw_migrate_sum){.all = 0};
    sw_status status = name_stores(&move, err);
    if (status == SW_STATUS_OK) {
        status = open_source(&move, err);
    }
    if (status == SW_STATUS_OK) {
        status = copy_all(&move, err);
    }
    if (status == SW_STATUS_OK) {
        status = compare_all(&move, err);
    }
    if (status == SW_STATUS_OK) {
        status = look_behind(&move, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__move_still_alone(&move, err);
    }
    sw_session_close(&move.source);
    sw_session_close(&move.target);
    return status;
}
