/* SPDX-License-Identifier: Apache-2.0 */
/* Walking along all steps that a query finds, in pieces. The place behind the last one is its id. Should that step be
 * deleted meanwhile, it is the time it began and the order of ids, by which the walk finds its way without it.
 */
#include "http/walk.h"

enum { PAGE_ROWS = 500, KEPT_ROWS = 200, PIECE_BYTES = 64 * 1024 };

static void drop(sw_request *request)
{
    sw_walk *walk = request->state;
    sw_buf_fini(&walk->first);
    sw_arena_fini(&walk->kept_in);
    sw_memory_free(&walk->memory);
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

/* Whether the step lies behind the last one in the order of the list. */
static bool behind(const sw_walk *walk, const sw_step *step)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    sw_step last = {.id = sw_str_from(walk->last_id), .created_at = walk->last_time};
    int order = sw_field_cmp(&record->fields[SW_STEP_CREATED_AT], step, &last);
    if (order == 0) {
        order = sw_field_cmp(&record->fields[SW_STEP_ID], step, &last);
    }
    return walk->query.ascending ? order > 0 : order < 0;
}

/* Whether there is room for another. */
static bool keep(sw_walk *walk, const sw_step *step)
{
    if (!walk->kept) {
        walk->kept = sw_arena_alloc(&walk->kept_in, KEPT_ROWS * sizeof *walk->kept);
    }
    if (!walk->kept || !sw_row_copy(sw_record_of(SW_RECORD_STEP), &walk->kept[walk->kept_count],
                                    step, &walk->kept_in)) {
        walk->out->status = SW_STATUS_NO_MEMORY;
        return false;
    }
    return ++walk->kept_count < KEPT_ROWS;
}

static void write_kept(sw_walk *walk)
{
    for (size_t i = 0; i < walk->kept_count && walk->out->status == SW_STATUS_OK; i++) {
        walk->write(walk, &walk->kept[i], walk->out);
    }
    walk->kept = NULL;
    walk->kept_count = 0;
    sw_arena_reset(&walk->kept_in);
    sw_memory_reset(walk->memory);
}

static bool each_step(void *arg, const void *row)
{
    sw_walk *walk = arg;
    const sw_step *step = row;
    bool more = true;
    if (walk->lost && !behind(walk, step)) {
        return true;
    }
    if (walk->memory) {
        more = keep(walk, step);
    } else {
        walk->write(walk, step, walk->out);
        more = walk->out->len < PIECE_BYTES;
    }
    sw_assert(step->id.len < sizeof walk->last_id);
    memcpy(walk->last_id, step->id.ptr, step->id.len);
    walk->last_id[step->id.len] = '\0';
    walk->last_time = step->created_at;
    walk->lost = false;
    walk->left -= walk->left > 0;
    return more && walk->out->status == SW_STATUS_OK && walk->left != 0;
}

/* ---- pages ------------------------------------------------------------------------------------------------- */

/* The step that the walk stands on was deleted: it goes on from the time it began. The condition, once
 * added, stays and moves along. */
static void lose_place(sw_walk *walk)
{
    walk->query.after = SW_NULL_STR;
    if (!walk->has_place) {
        sw_list_add(&walk->query, SW_STEP_CREATED_AT, walk->query.ascending ? SW_OP_GE : SW_OP_LE,
                    &walk->place, 1);
        walk->has_place = true;
    }
    walk->place.number = walk->last_time.value;
    walk->lost = true;
}

static sw_status read_page(sw_walk *walk, sw_error *err)
{
    sw_request *request = walk->request;
    sw_list_end end = {.count = 0};
    bool begun = walk->last_id[0] != '\0';
    sw_status status = SW_STATUS_OK;
    walk->query.limit = walk->lost ? -1 : PAGE_ROWS; /* many may have begun at the same time */
    if (begun && !walk->lost) {
        walk->query.after = sw_str_from(walk->last_id);
    }
    status = sw_list(sw_server_ledger(request->server), &request->actor, SW_RECORD_STEP,
                     &walk->query, each_step, walk, &end, err);
    if (walk->memory) {
        write_kept(walk);
    }
    if (status == SW_STATUS_NOT_FOUND && begun && !walk->lost) {
        lose_place(walk);
        return SW_STATUS_OK;
    }
    walk->complete = end.complete || walk->left == 0;
    if (status == SW_STATUS_OK && end.gave_up && !walk->complete) {
        /* Nothing more was found within the look: it goes on where it stopped looking. */
        walk->query.after = sw_arena_str(&request->arena, sw_str_from(end.resume));
        walk->last_id[0] = '\0';
        status = walk->query.after.ptr ? status : sw_no_memory(err);
    }
    return status;
}

/* A piece, not empty unless it was the last, or the server stops, which may not wait for what is rare. */
static sw_status read_piece(sw_walk *walk, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    bool stops = false;
    while (status == SW_STATUS_OK && !walk->complete && walk->out->len < PIECE_BYTES &&
           walk->out->status == SW_STATUS_OK && !stops) {
        status = read_page(walk, err);
        stops = sw_server_stopping(walk->request->server);
    }
    return status == SW_STATUS_OK ? walk->out->status : status;
}

static sw_fill fill(sw_request *request, sw_buf *out)
{
    sw_walk *walk = request->state;
    sw_error err = {.status = SW_STATUS_OK};
    walk->out = out;
    if (walk->first.len > 0) {
        sw_buf_add(out, sw_buf_str(&walk->first));
        sw_buf_fini(&walk->first);
        return walk->complete ? SW_FILL_END : SW_FILL_MORE;
    }
    sw_status status = read_piece(walk, &err);
    if (status != SW_STATUS_OK) {
        sw_logf(sw_server_log(request->server), SW_LOG_ERROR, "a stream of steps broke off: %s",
                err.message);
        out->status = status; /* the client sees that it is not whole */
    }
    return walk->complete || status != SW_STATUS_OK ? SW_FILL_END : SW_FILL_MORE;
}

/* ---- the request --------------------------------------------------------------------------------------------- */

sw_status sw__walk_make(sw_request *request, sw_walk_write *write, sw_walk **out, sw_error *err)
{
    sw_walk *walk = sw_arena_zeroed(&request->arena, sizeof *walk);
    if (!walk) {
        return sw_no_memory(err);
    }
    sw_buf_init(&walk->first, request->arena.from, SW_LIMIT_ANSWER_BYTES);
    sw_arena_init(&walk->kept_in, request->arena.from, SW_LIMIT_ANSWER_BYTES);
    request->state = walk;
    request->drop = drop;
    walk->request = request;
    walk->write = write;
    walk->out = &walk->first;
    walk->left = -1;
    *out = walk;
    return SW_STATUS_OK;
}

sw_status sw__walk_answer(sw_walk *walk, const char *content_type, sw_error *err)
{
    sw_status status = read_piece(walk, err);
    if (status == SW_STATUS_OK) {
        sw_answer_stream(walk->request, 200, content_type, fill);
    }
    return status;
}
