/* SPDX-License-Identifier: Apache-2.0 */
/* What a migration keeps in its target: a row for each kind of record that it has begun, in the transaction of the rows
 * themselves. While there is one the store is a half. The rows also say of what: where it came from, and how far the
 * journals there had counted, so that another source, or the same one with more in it, is told.
 */
#include <stdio.h>

#include "store/migrate_impl.h"

/* ---- what is there ------------------------------------------------------------------------------ */

typedef struct found {
    sw_arena *arena;
    sw_migration row;
    bool any;
    bool failed;
} found;

static sw_seen take_first(void *arg, const void *row)
{
    found *f = arg;
    f->any = true;
    f->failed = !sw_row_copy(sw_record_of(SW_RECORD_MIGRATION), &f->row, row, f->arena);
    return SW_SEEN_STOP;
}

/* Any of the rows that keep count. */
static sw_status look(sw_session *session, found *f, sw_error *err)
{
    const sw_scan scan = {.record = SW_RECORD_MIGRATION, .unordered = true, .limit = 1};
    sw_status status = sw_store_scan(session, &scan, take_first, f, NULL, err);
    return status == SW_STATUS_OK && f->failed ? sw_no_memory(err) : status;
}

static sw_seen see_any(void *arg, const void *row)
{
    (void)row;
    *(bool *)arg = true;
    return SW_SEEN_STOP;
}

/* A record of which there are rows, or NULL. */
static sw_status find_rows(sw_session *session, const char **table, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    *table = NULL;
    for (size_t r = 0; r < SW_RECORD_COUNT && status == SW_STATUS_OK && !*table; r++) {
        const sw_scan scan = {.record = (sw_record_id)r, .unordered = true, .limit = 1};
        bool any = false;
        status = sw_store_scan(session, &scan, see_any, &any, NULL, err);
        *table = any ? sw__records[r].table : NULL;
    }
    return status;
}

sw_status sw__move_name(sw_store *store, char *out, size_t size, sw_error *err)
{
    sw_store_info info;
    sw_status status = sw_store_info_get(store, &info, err);
    if (status == SW_STATUS_OK) {
        (void)snprintf(out, size, "%s:%s", info.kind, info.path);
    }
    return status;
}

sw_status sw_store_whole(sw_session *session, sw_error *err)
{
    char name[560];
    sw_arena arena;
    sw_arena_init(&arena, &session->store->allocator, 0);
    found f = {.arena = &arena};
    sw_status status = look(session, &f, err);
    if (status == SW_STATUS_OK && f.any) {
        status = sw__move_name(session->store, name, sizeof name, err);
    }
    if (status == SW_STATUS_OK && f.any) {
        status = sw_fail(err, SW_STATUS_CONFLICT, NULL,
                         "%s is half a migration of %.*s: run stepwell migrate again to go on "
                         "with it, or empty it",
                         name, (int)f.row.source.len, f.row.source.ptr);
    }
    sw_arena_fini(&arena);
    return status;
}

/* ---- how far the source is ---------------------------------------------------------------------- */

typedef struct heads {
    uint64_t mark;
    int64_t entries;
} heads;

/* A sum, for the order of the rows is nobody's. */
static sw_seen add_head(void *arg, const void *row)
{
    heads *h = arg;
    const sw_journal_head *head = row;
    h->mark += sw_hash((uint64_t)head->seq.value + 1, head->organization_id.ptr,
                       head->organization_id.len);
    h->entries += head->seq.value;
    return SW_SEEN_COUNT;
}

sw_status sw__move_mark(sw_session *session, int64_t *mark, int64_t *entries, sw_error *err)
{
    const sw_scan scan = {.record = SW_RECORD_JOURNAL_HEAD, .unordered = true};
    heads h = {0};
    sw_status status = sw_store_scan(session, &scan, add_head, &h, NULL, err);
    *mark = (int64_t)(h.mark >> 1);
    *entries = h.entries;
    return status;
}

/* ---- groups ------------------------------------------------------------------------------------- */

sw_status sw__move_begin(sw_move *move, sw_error *err)
{
    bool changed = false;
    sw_status status = sw_session_begin(move->target, &changed, err);
    if (status == SW_STATUS_OK && changed && move->alone) {
        sw_session_rollback(move->target);
        return sw_fail(
            err, SW_STATUS_CONFLICT, NULL,
            "somebody else has written to %s meanwhile: a server that uses it, or another "
            "process that goes on with this migration; stop that and look at the target "
            "before you empty it",
            move->sum->target);
    }
    move->alone = move->alone || status == SW_STATUS_OK;
    return status;
}

static sw_status put_row(sw_move *move, sw_record_id record, int64_t copied, bool is_done,
                         sw_error *err)
{
    const sw_migration row = {.kind = sw_str_from(sw__records[record].name),
                              .source = sw_str_from(move->sum->source),
                              .mark = sw_int_of(move->mark),
                              .copied = sw_int_of(copied),
                              .is_done = sw_int_of(is_done)};
    return sw_store_put(move->target, SW_RECORD_MIGRATION, &row, err);
}

sw_status sw__move_commit(sw_move *move, sw_record_id record, int64_t copied, bool is_done,
                          sw_error *err)
{
    sw_error ignored;
    sw_status status = put_row(move, record, copied, is_done, err);
    if (status != SW_STATUS_OK) {
        sw_session_rollback(move->target);
        return status;
    }
    status = sw_session_commit(move->target, err);
    (void)sw_store_tidy(move->to, &ignored); /* it only keeps a log short */
    return status;
}

/* ---- the first and the last group --------------------------------------------------------------- */

static sw_status same_source(const sw_move *move, const sw_migration *row, sw_error *err)
{
    bool same_name = sw_str_eq(row->source, sw_str_from(move->sum->source));
    if (row->mark.value == move->mark) {
        return SW_STATUS_OK;
    }
    return same_name ? sw_fail(err, SW_STATUS_CONFLICT, NULL,
                               "%s was written to since this migration of it began: empty %s and "
                               "begin again",
                               move->sum->source, move->sum->target)
                     : sw_fail(err, SW_STATUS_CONFLICT, NULL,
                               "%s holds half a migration of %.*s, not of %s: name that one to go "
                               "on, or empty it",
                               move->sum->target, (int)row->source.len, row->source.ptr,
                               move->sum->source);
}

/* Inside the group: nobody else can be first. */
static sw_status claim(sw_move *move, sw_arena *arena, bool *is_new, sw_error *err)
{
    const char *table = NULL;
    found f = {.arena = arena};
    sw_status status = look(move->target, &f, err);
    *is_new = !f.any;
    if (status != SW_STATUS_OK || f.any) {
        return status == SW_STATUS_OK ? same_source(move, &f.row, err) : status;
    }
    status = find_rows(move->target, &table, err);
    return status == SW_STATUS_OK && table
               ? sw_fail(err, SW_STATUS_CONFLICT, NULL,
                         "%s holds a ledger already (there are %s): name one that is empty, or "
                         "that does not exist yet",
                         move->sum->target, table)
               : status;
}

sw_status sw__move_claim(sw_move *move, sw_error *err)
{
    sw_arena arena;
    bool is_new = false;
    sw_status status = sw__move_begin(move, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &move->to->allocator, 0);
    status = claim(move, &arena, &is_new, err);
    sw_arena_fini(&arena);
    if (status != SW_STATUS_OK) {
        sw_session_rollback(move->target);
        return status;
    }
    return is_new ? sw__move_commit(move, 0, 0, false, err) : sw_session_commit(move->target, err);
}

sw_status sw__move_is_done(sw_move *move, sw_record_id record, bool *is_done, sw_error *err)
{
    const sw_migration key = {.kind = sw_str_from(sw__records[record].name)};
    sw_migration row = {.is_done = SW_NULL_INT};
    sw_arena arena;
    sw_arena_init(&arena, &move->to->allocator, 0);
    sw_status status = sw_store_get(move->target, SW_RECORD_MIGRATION, &key, &arena, &row, err);
    *is_done = status == SW_STATUS_OK && row.is_done.value != 0;
    sw_arena_fini(&arena);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status sw__move_still_alone(sw_move *move, sw_error *err)
{
    sw_status status = sw__move_begin(move, err);
    return status == SW_STATUS_OK ? sw_session_commit(move->target, err) : status;
}

static sw_status remove_rows(sw_session *session, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (size_t r = 0; r < SW_RECORD_COUNT && status == SW_STATUS_OK; r++) {
        const sw_migration key = {.kind = sw_str_from(sw__records[r].name)};
        status = sw_store_remove(session, SW_RECORD_MIGRATION, &key, err);
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    return status;
}

sw_status sw_store_migrated(sw_store *to, sw_error *err)
{
    sw_session *writer = NULL;
    sw_error ignored;
    sw_status status = sw_session_open(to, SW_SESSION_WRITE, &writer, err);
    if (status == SW_STATUS_OK) {
        status = sw_session_begin(writer, NULL, err);
    }
    if (status == SW_STATUS_OK) {
        status = remove_rows(writer, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_session_commit(writer, err);
    }
    sw_session_close(&writer);
    (void)sw_store_tidy(to, &ignored);
    return status;
}
