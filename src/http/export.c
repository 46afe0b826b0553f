/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/steps/export: all steps that a list would find, as NDJSON or CSV, of any number. Each time the
 * client can take more, a page is read behind the last step that was sent, and nothing is held in between: neither
 * memory nor a reader of the store, however slow the client is.
 *
 * The place behind the last step is its id. Should that step be deleted meanwhile, it is the time it began
 * and the order of ids, by which the walk finds its way without it.
 */
#include "http/http.h"

enum { PAGE_ROWS = 500, PIECE_BYTES = 64 * 1024 };

typedef struct export
{
    sw_request *request;
    sw_list_query query;
    sw_value place; /* the time in the condition that lose_place adds */
    bool has_place;
    bool csv;
    int64_t left; /* to be sent yet; -1: all */
    bool complete;
    sw_buf *out;
    sw_buf first; /* the piece that was read before the answer began */
    /* The last step that was sent. */
    char last_id[SW_ID_MAX];
    sw_int last_time;
    bool lost; /* it was deleted: only what lies behind its place counts */
}
export;

static void drop(sw_request *request)
{
    export *all = request->state;
    sw_buf_fini(&all->first);
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

/* Whether the step lies behind the last one in the order of the list. */
static bool behind(const export *all, const sw_step *step)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    sw_step last = {.id = sw_str_from(all->last_id), .created_at = all->last_time};
    int order = sw_field_cmp(&record->fields[SW_STEP_CREATED_AT], step, &last);
    if (order == 0) {
        order = sw_field_cmp(&record->fields[SW_STEP_ID], step, &last);
    }
    return all->query.ascending ? order > 0 : order < 0;
}

static void write_step(const export *all, const sw_step *step)
{
    sw_json_out json;
    if (all->csv) {
        sw_record_write_csv(SW_RECORD_STEP, step, all->out);
        return;
    }
    sw_json_out_init(&json, all->out, false);
    sw_record_write_json(SW_RECORD_STEP, step, &json);
    sw_buf_addc(all->out, '\n');
}

static bool each_step(void *arg, const void *row)
{
    export *all = arg;
    const sw_step *step = row;
    if (all->lost && !behind(all, step)) {
        return true;
    }
    write_step(all, step);
    sw_assert(step->id.len < sizeof all->last_id);
    memcpy(all->last_id, step->id.ptr, step->id.len);
    all->last_id[step->id.len] = '\0';
    all->last_time = step->created_at;
    all->lost = false;
    all->left -= all->left > 0;
    return all->out->status == SW_STATUS_OK && all->out->len < PIECE_BYTES && all->left != 0;
}

/* ---- pages ------------------------------------------------------------------------------------------------- */

/* The step that the walk stands on was deleted: it goes on from the time it began. The condition, once
 * added, stays and moves along. */
static void lose_place(export *all)
{
    all->query.after = SW_NULL_STR;
    if (!all->has_place) {
        sw_list_add(&all->query, SW_STEP_CREATED_AT, all->query.ascending ? SW_OP_GE : SW_OP_LE,
                    &all->place, 1);
        all->has_place = true;
    }
    all->place.number = all->last_time.value;
    all->lost = true;
}

static sw_status read_page(export *all, sw_error *err)
{
    sw_request *request = all->request;
    sw_list_end end = {.count = 0};
    bool begun = all->last_id[0] != '\0';
    sw_status status = SW_STATUS_OK;
    all->query.limit = all->lost ? -1 : PAGE_ROWS; /* many may have begun at the same time */
    if (begun && !all->lost) {
        all->query.after = sw_str_from(all->last_id);
    }
    status = sw_list(sw_server_ledger(request->server), &request->actor, SW_RECORD_STEP,
                     &all->query, each_step, all, &end, err);
    if (status == SW_STATUS_NOT_FOUND && begun && !all->lost) {
        lose_place(all);
        return SW_STATUS_OK;
    }
    all->complete = end.complete || all->left == 0;
    if (status == SW_STATUS_OK && end.gave_up && !all->complete) {
        /* Nothing more was found within the look: it goes on where it stopped looking. */
        all->query.after = sw_arena_str(&request->arena, sw_str_from(end.resume));
        all->last_id[0] = '\0';
        status = all->query.after.ptr ? status : sw_no_memory(err);
    }
    return status;
}

/* A piece, not empty unless it was the last, or the server stops, which may not wait for what is rare. */
static sw_status read_piece(export *all, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    bool stops = false;
    while (status == SW_STATUS_OK && !all->complete && all->out->len < PIECE_BYTES &&
           all->out->status == SW_STATUS_OK && !stops) {
        status = read_page(all, err);
        stops = sw_server_stopping(all->request->server);
    }
    return status == SW_STATUS_OK ? all->out->status : status;
}

static sw_fill fill(sw_request *request, sw_buf *out)
{
    export *all = request->state;
    sw_error err = {.status = SW_STATUS_OK};
    all->out = out;
    if (all->first.len > 0) {
        sw_buf_add(out, sw_buf_str(&all->first));
        sw_buf_fini(&all->first);
        return all->complete ? SW_FILL_END : SW_FILL_MORE;
    }
    sw_status status = read_piece(all, &err);
    if (status != SW_STATUS_OK) {
        sw_logf(sw_server_log(request->server), SW_LOG_ERROR, "an export broke off: %s",
                err.message);
        out->status = status; /* the client sees that it is not whole */
    }
    return all->complete || status != SW_STATUS_OK ? SW_FILL_END : SW_FILL_MORE;
}

/* ---- the request --------------------------------------------------------------------------------------------- */

static sw_status begin(sw_request *request, export **out, sw_error *err)
{
    export *all = sw_arena_zeroed(&request->arena, sizeof *all);
    sw_int limit = sw_param_int(request, "limit");
    if (!all) {
        return sw_no_memory(err);
    }
    sw_buf_init(&all->first, request->arena.from, SW_LIMIT_ANSWER_BYTES);
    request->state = all;
    request->drop = drop;
    all->request = request;
    all->out = &all->first;
    all->csv = sw_param_int(request, "format").value == SW_EXPORT_FORMAT_CSV;
    all->left = limit.known ? limit.value : -1;
    *out = all;
    sw_status status = sw_list_from_params(request, &all->query, err);
    all->query.text = sw_param_text(request, "text");
    return status;
}

sw_status sw_http_export_steps(sw_request *request, sw_error *err)
{
    export *all = NULL;
    sw_status status = begin(request, &all, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (all->csv) {
        sw_record_csv_header(SW_RECORD_STEP, all->out);
    }
    status = read_piece(all, err); /* before the answer begins, so that it can be refused */
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_answer_header(request, "Content-Disposition",
                     all->csv ? "attachment; filename=\"steps.csv\""
                              : "attachment; filename=\"steps.ndjson\"");
    sw_answer_stream(request, 200,
                     all->csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson",
                     fill);
    return SW_STATUS_OK;
}
