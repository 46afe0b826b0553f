/* SPDX-License-Identifier: Apache-2.0 */
/* A run as telemetry tells of it: created when it is new, else restated as a whole. Its beginning only moves back and its
 * status only forward; but a run that was held to be over because nothing came any more (completed, without a stop
 * reason) runs again when something comes.
 */
#include "ledger/border.h"
#include "ledger/run.h"
#include "ledger/telemetry_inside.h"

/* What the source may never replace. */
#define KEPT                                                                                       \
    (SW_MASK(SW_RUN_ID) | SW_MASK(SW_RUN_ORGANIZATION_ID) | SW_MASK(SW_RUN_SOURCE) |               \
     SW_MASK(SW_RUN_CREATED_AT) | SW_MASK(SW_RUN_UPDATED_AT) | SW_MASK(SW_RUN_CREATED_BY_ID) |     \
     SW_MASK(SW_RUN_LAST_UPDATED_BY_ID) | SW_MASK(SW_RUN_IS_DELETED) |                             \
     SW_MASK(SW_RUN_CREATE_DIGEST))
/* What is not so any more when it is not said again. */
#define SAID_WHOLE                                                                                 \
    (SW_MASK(SW_RUN_TTFT_NS) | SW_MASK(SW_RUN_PARENT_RUN_ID) | SW_MASK(SW_RUN_CONVERSATION_ID) |   \
     SW_MASK(SW_RUN_STOP_REASON))
/* What says that it has ended, and how. */
#define ENDING                                                                                     \
    (SW_MASK(SW_RUN_STATUS) | SW_MASK(SW_RUN_STOP_REASON) | SW_MASK(SW_RUN_COMPLETED_AT) |         \
     SW_MASK(SW_RUN_TOTAL_DURATION_NS))

static bool by_silence(const sw_run *run)
{
    return run->status.value == SW_RUN_STATUS_COMPLETED && !run->stop_reason.ptr;
}

/* A run that runs again has not ended. */
static void reopen(sw_run *row)
{
    row->completed_at = SW_NULL_INT;
    row->total_duration_ns = SW_NULL_INT;
}

/* Who holds a run to be over because nothing more came may know a part of it only, as an export does that is read in
 * pieces: together it lasted from the earliest beginning, which moves back below, to the latest end. */
static void stretch(const sw_run *said, sw_run *row)
{
    bool earlier = said->created_at.known && said->created_at.value < row->created_at.value;
    bool later = said->completed_at.known && said->completed_at.value > row->completed_at.value;
    bool whole = later && (earlier || sw_int_eq(said->created_at, row->created_at));

    if (earlier || later) {
        row->completed_at = later ? said->completed_at : row->completed_at;
        row->total_duration_ns =
            whole ? said->total_duration_ns : SW_NULL_INT; /* what lies between */
    }
}

static void take(const sw_run *said, sw_run *row)
{
    const sw_record *record = sw_record_of(SW_RECORD_RUN);
    bool was = sw__run_ended(row->status.value);
    bool is = said->status.known && sw__run_ended(said->status.value);
    bool back = said->status.known && !is && said->status.value < row->status.value;
    bool again = was && back && by_silence(row) && said->status.value == SW_RUN_STATUS_RUNNING;
    uint64_t mask = (sw_row_mask(record, said) | SAID_WHOLE) & ~KEPT;

    if (again) {
        reopen(row);
    } else if (back || (was && is && by_silence(said))) { /* silence takes nothing back */
        mask &= ~ENDING;
    }
    if (was && is && by_silence(row) && by_silence(said)) {
        stretch(said, row);
    }
    if (said->source.value == SW_SOURCE_TRANSCRIPT && !said->conversation_id.ptr) {
        mask &= ~SW_MASK(SW_RUN_CONVERSATION_ID); /* another piece of it may know */
    }
    for (; mask; mask &= mask - 1) {
        sw_field_copy(&record->fields[__builtin_ctzll(mask)], row, said);
    }
    if (said->created_at.known && said->created_at.value < row->created_at.value) {
        row->created_at = said->created_at;
    }
}

static sw_status prepare(sw_group *group, const sw_task *task, const sw_run *said, sw_run *row,
                         sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (row->source.value != SW_SOURCE_OTLP && row->source.value != SW_SOURCE_TRANSCRIPT) {
        return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, "source", "the run came from %s",
                       sw_enum_word(SW_ENUM_source, row->source.value));
    }
    take(said, row);
    sw__row_nulls(SW_RECORD_RUN, row);
    status = sw__book(task, SW_RECORD_RUN, row, err);
    if (status == SW_STATUS_OK) {
        sw__run_complete(group, row);
        status = sw__run_rules(row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_RUN, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_parent(group, SW_RECORD_AGENT, row->agent_id, task->organization_id,
                                 "agent_id", err);
    }
    return status == SW_STATUS_OK && row->conversation_id.ptr
               ? sw_group_parent(group, SW_RECORD_CONVERSATION, row->conversation_id,
                                 task->organization_id, "conversation_id", err)
               : status;
}

/* What the totals repeat of the run and a program's update never changes. */
static sw_status move_totals(sw_group *group, const sw_run *row, sw_error *err)
{
    sw_run_metrics metrics = {.id = row->id,
                              .agent_id = row->agent_id,
                              .created_at = row->created_at,
                              .run_start_ns = sw__run_us_to_ns(row->created_at.value)};
    sw_status status =
        sw_store_update(group->session, SW_RECORD_RUN_METRICS, &metrics,
                        SW_MASK(SW_RUN_METRICS_AGENT_ID) | SW_MASK(SW_RUN_METRICS_CREATED_AT) |
                            SW_MASK(SW_RUN_METRICS_RUN_START_NS),
                        err);

    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status sw__run_write_again(sw_group *group, const sw_task *task, const sw_run *old, sw_run *row,
                              sw_error *err)
{
    const uint64_t keep = SW_MASK(SW_RUN_ID) | SW_MASK(SW_RUN_ORGANIZATION_ID) |
                          SW_MASK(SW_RUN_CREATED_BY_ID) | SW_MASK(SW_RUN_SOURCE) |
                          SW_MASK(SW_RUN_CREATE_DIGEST);
    sw_status status = SW_STATUS_OK;

    if (!task->adopts) { /* as it was there */
        row->updated_at = sw_int_of(group->now_us);
        row->last_updated_by_id = task->user_id;
    }
    status =
        sw_group_must(group, sw_store_update(group->session, SW_RECORD_RUN, row, ~keep, err), err);
    if (status == SW_STATUS_OK) {
        status = sw__run_note_metrics(group, row, err);
    }
    if (status == SW_STATUS_OK && (!sw_str_eq(old->agent_id, row->agent_id) ||
                                   !sw_int_eq(old->created_at, row->created_at))) {
        status = move_totals(group, row, err);
    }
    if (status == SW_STATUS_OK && sw__run_ended(row->status.value)) {
        status = sw__run_note_end(group, task, row, err);
    }
    return status == SW_STATUS_OK
               ? sw_group_journal(group, task, sw__run_change_of(old, row), SW_RECORD_RUN, row->id,
                                  row->project_id, NULL, err)
               : status;
}

sw_status sw__telemetry_run(sw_group *group, const sw_task *task, const sw_run *run, sw_error *err)
{
    sw_run old;
    sw_run row;
    sw_outcome outcome;
    sw_status status = SW_STATUS_OK;

    if (run->source.value != SW_SOURCE_OTLP && run->source.value != SW_SOURCE_TRANSCRIPT) {
        return sw_fail(err, SW_STATUS_INVALID, "source", "must be otlp or transcript");
    }
    status = sw_group_get(group, task, SW_RECORD_RUN, run->id, &old, err);
    if (status == SW_STATUS_NOT_FOUND) {
        return sw__run_create_in(group, task, run, &outcome, err);
    }
    if (status == SW_STATUS_OK) {
        row = old;
        status = prepare(group, task, run, &row, err);
    }
    if (status != SW_STATUS_OK || sw_row_equal(sw_record_of(SW_RECORD_RUN), &old, &row)) {
        return status;
    }
    return sw__run_write_again(group, task, &old, &row, err);
}
