/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: created once (run_create.c), moved forward, ended once. A run's totals live beside it (run_metrics)
 * from the moment it is created and move with its steps; nothing here counts anything.
 */
#include "ledger/run.h"
#include "ledger/border.h"
#include "ledger/hooks.h"
#include "ledger/merge.h"

/* ---- what all of them share --------------------------------------------------------------------- */

bool sw__run_ended(int64_t status)
{
    return status == SW_RUN_STATUS_COMPLETED || status == SW_RUN_STATUS_FAILED ||
           status == SW_RUN_STATUS_CANCELLED;
}

sw_status sw__run_rules(const sw_run *row, sw_error *err)
{
    if (row->stop_reason.ptr && row->source.value != SW_SOURCE_ADOPTED &&
        sw_enum_find(SW_ENUM_stop_reason, row->stop_reason) < 0) {
        return sw_fail(err, SW_STATUS_INVALID, "stop_reason",
                       "is none of the known stop reasons (end_turn, error, cancelled ...)");
    }
    if (row->total_duration_ns.value < 0 || row->ttft_ns.value < 0) {
        return sw_fail(err, SW_STATUS_INVALID,
                       row->ttft_ns.value < 0 ? "ttft_ns" : "total_duration_ns",
                       "must not be negative");
    }
    return sw_row_check(sw_record_of(SW_RECORD_RUN), row, "", err);
}

/* What a run needs to know of its agent. */
static sw_status get_agent(sw_group *group, sw_str agent_id, sw_agent *out, sw_error *err)
{
    bool found = false;

    return sw_group_must(
        group,
        sw__first_of(group->session, SW_RECORD_AGENT, SW_AGENT_ID, agent_id,
                     SW_MASK(SW_AGENT_PROJECT_ID) | SW_MASK(SW_AGENT_LAST_RUN_COMPLETION),
                     &group->arena, out, &found, err),
        err);
}

/* A run that names no project is booked on its agent's. */
sw_status sw__run_inherit(sw_group *group, sw_run *row, sw_error *err)
{
    sw_agent agent;
    sw_status status = SW_STATUS_OK;

    if (!row->project_id.ptr) {
        status = get_agent(group, row->agent_id, &agent, err);
        row->project_id = status == SW_STATUS_OK ? agent.project_id : SW_NULL_STR;
    }
    return status;
}

/* Null past the year 2262, which nanoseconds in 64 bits cannot say. */
sw_int sw__run_us_to_ns(int64_t us)
{
    return us > INT64_MAX / 1000 || us < INT64_MIN / 1000 ? SW_NULL_INT : sw_int_of(us * 1000);
}

/* How long an ended run took: as it says, else from its beginning to its end. */
sw_int sw__run_ns(const sw_run *row)
{
    int64_t ns = 0;

    if (!sw__run_ended(row->status.value)) {
        return SW_NULL_INT;
    }
    if (row->total_duration_ns.known) {
        return row->total_duration_ns;
    }
    ns = row->completed_at.value - row->created_at.value;
    return sw__run_us_to_ns(ns > 0 ? ns : 0);
}

/* An ended run has a time of its end and a duration. */
void sw__run_complete(sw_group *group, sw_run *row)
{
    if (sw__run_ended(row->status.value)) {
        row->completed_at = row->completed_at.known ? row->completed_at : sw_int_of(group->now_us);
        row->total_duration_ns = sw__run_ns(row);
    }
}

/* The agent remembers how the last of its runs ended: the one that completed last. */
sw_status sw__run_note_end(sw_group *group, const sw_task *task, const sw_run *row, sw_error *err)
{
    sw_agent agent = {.id = row->agent_id,
                      .last_run_completion = row->completed_at,
                      .last_run_duration_ms = sw_int_of(sw__run_ns(row).value / 1000000),
                      .last_stop_reason = row->stop_reason,
                      .updated_at = sw_int_of(group->now_us)};
    uint64_t mask = SW_MASK(SW_AGENT_LAST_RUN_COMPLETION) | SW_MASK(SW_AGENT_LAST_RUN_DURATION_MS) |
                    SW_MASK(SW_AGENT_UPDATED_AT);
    sw_agent before;
    sw_status status = get_agent(group, row->agent_id, &before, err);

    if (status != SW_STATUS_OK || (before.last_run_completion.known &&
                                   before.last_run_completion.value > row->completed_at.value)) {
        return status;
    }
    mask |= row->stop_reason.ptr ? SW_MASK(SW_AGENT_LAST_STOP_REASON) : 0;
    mask &= task->adopts ? ~SW_MASK(SW_AGENT_UPDATED_AT) : SW_MASK_ALL; /* as it was there */
    status = sw_store_update(group->session, SW_RECORD_AGENT, &agent, mask, err);
    if (sw_group_must(group, status, err) == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_UPDATED, SW_RECORD_AGENT, agent.id,
                                  before.project_id, NULL, err);
    }
    return status;
}

sw_status sw__run_count(sw_group *group, const sw_run *row, int sign, sw_error *err)
{
    sw_head *head = sw_group_head(group, row->organization_id, err);

    if (!head) {
        return group->broken;
    }
    head->runs += sign;
    sw_group_head_moved(group, head);
    return SW_STATUS_OK;
}

/* ---- update, finish, cancel ---------------------------------------------------------------------- */

typedef struct update_args {
    sw_str id;
    const sw_run *values;
    uint64_t mask;
    bool cancel; /* what has ended stays as it is */
    sw_outcome *outcome;
} update_args;

/* created -> running -> ended, created -> ended; completed -> cancelled after requires_approval. */
static sw_status legal(const sw_run *old, int64_t to, sw_error *err)
{
    int64_t from = old->status.value;
    bool approval = sw_str_eq(old->stop_reason, SW_STR("requires_approval"));

    if (from == to || (!sw__run_ended(from) && to > from) ||
        (from == SW_RUN_STATUS_COMPLETED && to == SW_RUN_STATUS_CANCELLED && approval)) {
        return SW_STATUS_OK;
    }
    return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, "status", "the run is %s and cannot become %s",
                   sw_enum_word(SW_ENUM_run_status, from), sw_enum_word(SW_ENUM_run_status, to));
}

/* What an ended run still takes: its callback's fate, metadata, and the time to the first token. */
#define AFTER_END                                                                                  \
    (SW_MASK(SW_RUN_STATUS) | SW_MASK(SW_RUN_METADATA) | SW_MASK(SW_RUN_CALLBACK_URL) |            \
     SW_MASK(SW_RUN_CALLBACK_SENT_AT) | SW_MASK(SW_RUN_CALLBACK_STATUS_CODE) |                     \
     SW_MASK(SW_RUN_CALLBACK_ERROR) | SW_MASK(SW_RUN_TTFT_NS))
#define WHILE_IT_RUNS                                                                              \
    (AFTER_END | SW_MASK(SW_RUN_COMPLETED_AT) | SW_MASK(SW_RUN_STOP_REASON) |                      \
     SW_MASK(SW_RUN_BACKGROUND) | SW_MASK(SW_RUN_REQUEST_CONFIG) |                                 \
     SW_MASK(SW_RUN_CONVERSATION_ID) | SW_MASK(SW_RUN_TOTAL_DURATION_NS) |                         \
     SW_MASK(SW_RUN_PROJECT_ID) | SW_MASK(SW_RUN_BASE_TEMPLATE_ID) | SW_MASK(SW_RUN_TEMPLATE_ID) | \
     SW_MASK(SW_RUN_DEPLOYMENT_ID) | SW_MASK(SW_RUN_PARENT_RUN_ID))

static sw_status update_allowed(const sw_run *old, const update_args *args, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_RUN);
    bool moves =
        (args->mask & SW_MASK(SW_RUN_STATUS)) && args->values->status.value != old->status.value;
    bool ended = sw__run_ended(old->status.value) && !moves;

    for (size_t i = 0; i < record->field_count; i++) {
        uint64_t bit = SW_MASK(i) & args->mask;
        const sw_field *field = &record->fields[i];
        if (!bit || (bit & (ended ? AFTER_END : WHILE_IT_RUNS)) ||
            sw_field_equal(field, old, args->values)) {
            continue;
        }
        if (bit & WHILE_IT_RUNS) {
            return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, field->name,
                           "the run is %s; this can no longer be changed",
                           sw_enum_word(SW_ENUM_run_status, old->status.value));
        }
        return sw_fail(err, SW_STATUS_INVALID, field->name, "cannot be changed");
    }
    return SW_STATUS_OK;
}

static sw_status merge_fields(sw_group *group, const sw_run *old, const update_args *args,
                              sw_run *row, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_RUN);
    sw_run values = *args->values;
    sw_status status = SW_STATUS_OK;

    sw__row_nulls(SW_RECORD_RUN, &values);
    for (size_t i = 0; i < record->field_count; i++) {
        if (args->mask & SW_MASK(i)) {
            sw_field_copy(&record->fields[i], row, &values);
        }
    }
    if ((args->mask & SW_MASK(SW_RUN_METADATA)) && values.metadata.ptr && old->metadata.ptr) {
        status = sw_field_check(&record->fields[SW_RUN_METADATA], &values, "", err);
        if (status == SW_STATUS_OK) {
            status = sw__json_merge(old->metadata, values.metadata, &group->arena,
                                    &group->ledger->allocator, &row->metadata, err);
        }
    }
    return status;
}

static sw_status prepare_update(sw_group *group, const sw_task *task, const sw_run *old,
                                const update_args *args, sw_run *row, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (args->mask & SW_MASK(SW_RUN_STATUS)) {
        status = sw_field_check(&sw_record_of(SW_RECORD_RUN)->fields[SW_RUN_STATUS], args->values,
                                "", err);
        status = status == SW_STATUS_OK ? legal(old, args->values->status.value, err) : status;
    }
    if (status == SW_STATUS_OK) {
        status = update_allowed(old, args, err);
    }
    if (status == SW_STATUS_OK) {
        status = merge_fields(group, old, args, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__book(task, SW_RECORD_RUN, row, err);
    }
    if (status == SW_STATUS_OK) {
        sw__run_complete(group, row);
    }
    if (status == SW_STATUS_OK) {
        status = sw__run_rules(row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_RUN, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK && row->conversation_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_CONVERSATION, row->conversation_id,
                                 task->organization_id, "conversation_id", err);
    }
    return status;
}

/* What the totals have from the run itself. */
sw_status sw__run_note_metrics(sw_group *group, const sw_run *row, sw_error *err)
{
    sw_run_metrics metrics = {.id = row->id,
                              .run_ns = sw__run_ns(row),
                              .project_id = row->project_id,
                              .base_template_id = row->base_template_id,
                              .template_id = row->template_id,
                              .deployment_id = row->deployment_id,
                              .updated_at = row->updated_at};
    uint64_t mask = SW_MASK(SW_RUN_METRICS_RUN_NS) | SW_MASK(SW_RUN_METRICS_PROJECT_ID) |
                    SW_MASK(SW_RUN_METRICS_BASE_TEMPLATE_ID) | SW_MASK(SW_RUN_METRICS_TEMPLATE_ID) |
                    SW_MASK(SW_RUN_METRICS_DEPLOYMENT_ID) | SW_MASK(SW_RUN_METRICS_UPDATED_AT);
    sw_status status = sw_store_update(group->session, SW_RECORD_RUN_METRICS, &metrics, mask, err);

    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_change sw__run_change_of(const sw_run *old, const sw_run *row)
{
    if (old->status.value == row->status.value) {
        return SW_CHANGE_UPDATED;
    }
    return row->status.value == SW_RUN_STATUS_COMPLETED   ? SW_CHANGE_COMPLETED
           : row->status.value == SW_RUN_STATUS_FAILED    ? SW_CHANGE_FAILED
           : row->status.value == SW_RUN_STATUS_CANCELLED ? SW_CHANGE_CANCELLED
                                                          : SW_CHANGE_UPDATED;
}

static sw_status write_update(sw_group *group, const sw_task *task, const sw_run *old, sw_run *row,
                              sw_outcome *outcome, sw_error *err)
{
    bool ends = sw__run_ended(row->status.value) && old->status.value != row->status.value;
    uint64_t keep = SW_MASK(SW_RUN_ID) | SW_MASK(SW_RUN_ORGANIZATION_ID) |
                    SW_MASK(SW_RUN_CREATED_AT) | SW_MASK(SW_RUN_CREATED_BY_ID) |
                    SW_MASK(SW_RUN_SOURCE) | SW_MASK(SW_RUN_CREATE_DIGEST);
    sw_status status = SW_STATUS_OK;

    row->updated_at = sw_int_of(group->now_us);
    row->last_updated_by_id = task->user_id;
    status =
        sw_group_must(group, sw_store_update(group->session, SW_RECORD_RUN, row, ~keep, err), err);
    if (status == SW_STATUS_OK) {
        status = sw__run_note_metrics(group, row, err);
    }
    if (status == SW_STATUS_OK && ends) {
        status = sw__run_note_end(group, task, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, sw__run_change_of(old, row), SW_RECORD_RUN, row->id,
                                  row->project_id, &outcome->seq, err);
    }
    if (status == SW_STATUS_OK && ends && !sw__run_ended(old->status.value) &&
        row->callback_url.ptr) {
        status = sw__hook_callback(group, task, row, outcome->seq, err);
    }
    return sw__verdict(outcome, SW_VERDICT_UPDATED, status, err);
}

static sw_status apply_update(sw_group *group, sw_task *task, sw_error *err)
{
    update_args *args = task->arg;
    sw_run old;
    sw_run row;
    sw_status status = sw_group_get(group, task, SW_RECORD_RUN, args->id, &old, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status == SW_STATUS_OK && args->cancel && sw__run_ended(old.status.value) &&
        !(old.status.value == SW_RUN_STATUS_COMPLETED &&
          sw_str_eq(old.stop_reason, SW_STR("requires_approval")))) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    row = old;
    if (status == SW_STATUS_OK) {
        status = prepare_update(group, task, &old, args, &row, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    if (sw_row_equal(sw_record_of(SW_RECORD_RUN), &old, &row)) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    return write_update(group, task, &old, &row, args->outcome, err);
}

static sw_status update(sw_ledger *ledger, const sw_actor *actor, update_args *args, sw_error *err)
{
    sw_task task = {.apply = apply_update,
                    .outcomes = args->outcome,
                    .outcome_count = 1,
                    .arg = args,
                    .weight = 1};
    return sw__submit(ledger, actor, &task, err);
}

sw_status sw_run_update(sw_ledger *ledger, const sw_actor *actor, sw_str run_id,
                        const sw_run *values, uint64_t mask, sw_outcome *outcome, sw_error *err)
{
    update_args args = {run_id, values, mask, false, outcome};
    return update(ledger, actor, &args, err);
}

sw_status sw_run_cancel(sw_ledger *ledger, const sw_actor *actor, sw_str run_id,
                        sw_outcome *outcome, sw_error *err)
{
    sw_run values = {.status = sw_int_of(SW_RUN_STATUS_CANCELLED),
                     .stop_reason = SW_STR("cancelled")};
    update_args args = {run_id, &values, SW_MASK(SW_RUN_STATUS) | SW_MASK(SW_RUN_STOP_REASON), true,
                        outcome};
    return update(ledger, actor, &args, err);
}

/* ---- delete ------------------------------------------------------------------------------------- */

sw_status sw__run_delete_in(sw_group *group, const sw_task *task, const sw_run *run, int64_t *seq,
                            sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    group->removed = true;
    sw_group_forget_known(group);
    sw_group_drop_run(group, run->id);
    status = sw_group_must(group, sw_store_remove(group->session, SW_RECORD_RUN, run, err), err);
    if (status == SW_STATUS_OK) {
        status = sw__run_count(group, run, -1, err);
    }
    return status == SW_STATUS_OK ? sw_group_journal(group, task, SW_CHANGE_DELETED, SW_RECORD_RUN,
                                                     run->id, run->project_id, seq, err)
                                  : status;
}

static sw_status apply_delete(sw_group *group, sw_task *task, sw_error *err)
{
    sw_delete_args *args = task->arg;
    sw_run run;
    sw_status status = sw_group_get(group, task, SW_RECORD_RUN, args->id, &run, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status != SW_STATUS_OK) {
        return sw__verdict(args->outcome, SW_VERDICT_REJECTED, status, err);
    }
    status = sw__run_delete_in(group, task, &run, &args->outcome->seq, err);
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

sw_status sw_run_delete(sw_ledger *ledger, const sw_actor *actor, sw_str run_id,
                        sw_outcome *outcome, sw_error *err)
{
    sw_delete_args args = {run_id, outcome};
    sw_task task = {
        .apply = apply_delete, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 10};
    return sw__submit(ledger, actor, &task, err);
}
