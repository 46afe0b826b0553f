/* SPDX-License-Identifier: Apache-2.0 */
/* Copying one kind of record: the source is walked as it lies, rows go into the target by the batch, batches make
 * groups, and each group says how far it came. What is held at once is a batch, whatever there is.
 *
 * A walk as it lies costs no sorting, but has no place to go on from: where a kind was interrupted it is walked
 * from its beginning, and rows that are there are passed over by their key.
 */
#include <stdio.h>

#include "store/migrate_impl.h"

enum {
    BATCH_ROWS = 1000,
    BATCH_BYTES = 4 << 20,
    GROUP_ROWS = 20000,
    GROUP_BYTES = 32 << 20,
};

typedef struct copying {
    sw_move *move;
    sw_record_id record;
    const sw_record *model;
    sw_arena arena; /* of the batch */
    const void *rows[BATCH_ROWS];
    bool existed[BATCH_ROWS];
    size_t count;
    int64_t bytes;
    int64_t group_rows;
    int64_t group_bytes;
    int64_t passed; /* rows of the kind that are in the target, with the group's */
    bool begun;
    sw_status status;
    sw_error *err;
} copying;

void sw__move_while(const char *doing, sw_record_id record, sw_error *err)
{
    sw_error said = *err;
    (void)sw_fail(err, said.status, said.field, "%s %s: %.300s", doing, sw__records[record].table,
                  said.message[0] ? said.message : sw_status_message(said.status));
}

static sw_status end_group(copying *c, bool is_done)
{
    c->begun = false;
    c->group_rows = c->group_bytes = 0;
    return sw__move_commit(c->move, c->record, c->passed, is_done, c->err);
}

static sw_status insert_batch(copying *c)
{
    sw_status status =
        sw_store_insert_many(c->move->target, c->record, c->rows, c->count, c->existed, c->err);
    for (size_t i = 0; status == SW_STATUS_OK && i < c->count; i++) {
        c->move->sum->copied += c->existed[i] ? 0 : 1;
    }
    c->move->done += (int64_t)c->count;
    c->passed += (int64_t)c->count;
    c->group_rows += (int64_t)c->count;
    c->group_bytes += c->bytes;
    return status;
}

static sw_status flush(copying *c)
{
    sw_status status = SW_STATUS_OK;
    if (c->count > 0 && !c->begun) {
        status = sw__move_begin(c->move, c->err);
        c->begun = status == SW_STATUS_OK;
    }
    if (c->count > 0 && status == SW_STATUS_OK) {
        status = insert_batch(c);
    }
    c->count = 0;
    c->bytes = 0;
    sw_arena_reset(&c->arena);
    sw__move_progress(c->move, false);
    bool full = c->group_rows >= GROUP_ROWS || c->group_bytes >= GROUP_BYTES;
    return status == SW_STATUS_OK && full ? end_group(c, false) : status;
}

static int64_t text_bytes(const sw_record *model, const void *row)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < model->field_count; i++) {
        if (sw_kind_is_text(model->fields[i].kind)) {
            bytes += (int64_t)sw_field_text(&model->fields[i], row).len;
        }
    }
    return bytes;
}

static sw_seen take_row(void *arg, const void *row)
{
    copying *c = arg;
    void *copy = sw_arena_zeroed(&c->arena, c->model->size);
    if (!copy || !sw_row_copy(c->model, copy, row, &c->arena)) {
        c->status = sw_no_memory(c->err);
        return SW_SEEN_STOP;
    }
    c->rows[c->count++] = copy;
    c->bytes += text_bytes(c->model, row);
    if (c->count == BATCH_ROWS || c->bytes >= BATCH_BYTES) {
        c->status = flush(c);
    }
    return c->status == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

/* What a message says lies in a record of its own, and is copied with that. */
static uint64_t fields_of(const sw_record *model)
{
    return ((SW_MASK(model->field_count) - 1)) & ~sw__record_shared_mask(model);
}

static sw_status walk(copying *c)
{
    const sw_scan scan = {.record = c->record, .unordered = true, .fields = fields_of(c->model)};
    sw_status status = sw_store_scan(c->move->source, &scan, take_row, c, NULL, c->err);
    status = c->status != SW_STATUS_OK ? c->status : status;
    if (status == SW_STATUS_OK) {
        status = flush(c);
    }
    if (status == SW_STATUS_OK && c->passed > 0) {
        status = c->begun ? SW_STATUS_OK : sw__move_begin(c->move, c->err);
        return status == SW_STATUS_OK ? end_group(c, true) : status;
    }
    return status;
}

sw_status sw__move_copy(sw_move *move, sw_record_id record, sw_error *err)
{
    bool is_done = false;
    sw_status status = sw__move_is_done(move, record, &is_done, err);
    if (status != SW_STATUS_OK || is_done) {
        return status;
    }
    copying *c = sw_alloc_zeroed(&move->to->allocator, sizeof *c);
    if (!c) {
        return sw_no_memory(err);
    }
    c->move = move;
    c->record = record;
    c->model = sw_record_of(record);
    c->err = err;
    sw_arena_init(&c->arena, &move->to->allocator, 0);
    status = walk(c);
    if (status != SW_STATUS_OK && c->begun) {
        sw_session_rollback(move->target);
    }
    sw_arena_fini(&c->arena);
    sw_free(&move->to->allocator, c);
    if (status != SW_STATUS_OK && status != SW_STATUS_CONFLICT) {
        sw__move_while("copying", record, err);
    }
    return status;
}
