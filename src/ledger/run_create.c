/* SPDX-License-Identifier: Apache-2.0 */
/* A run is created: what it may bring, what it inherits, and its totals, which begin with it. What becomes
 * of it later is run.c.
 */
#include "ledger/border.h"
#include "ledger/hooks.h"
#include "ledger/run.h"

typedef struct create_args {
    const sw_run *run;
    sw_outcome *outcome;
} create_args;

static const uint8_t ledgers_own[] = {SW_RUN_UPDATED_AT, SW_RUN_CREATED_BY_ID,
                                      SW_RUN_LAST_UPDATED_BY_ID, SW_RUN_IS_DELETED,
                                      SW_RUN_CREATE_DIGEST};

static sw_status refuse_own(const sw_task *task, const sw_run *run, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_RUN);

    for (size_t i = 0; i < SW_COUNT(ledgers_own); i++) {
        if (!sw_field_is_null(&record->fields[ledgers_own[i]], run)) {
            return sw_fail(err, SW_STATUS_INVALID, record->fields[ledgers_own[i]].name,
                           "is set by the ledger alone");
        }
    }
    if (run->organization_id.ptr && !sw_str_eq(run->organization_id, task->organization_id)) {
        return sw_fail(err, SW_STATUS_INVALID, "organization_id",
                       "is not the organization that calls");
    }
    return SW_STATUS_OK;
}

static sw_status run_parents(sw_group *group, const sw_task *task, const sw_run *row, sw_error *err)
{
    sw_status status = sw_group_parent(group, SW_RECORD_AGENT, row->agent_id, task->organization_id,
                                       "agent_id", err);

    if (status == SW_STATUS_OK && row->conversation_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_CONVERSATION, row->conversation_id,
                                 task->organization_id, "conversation_id", err);
    }
    return status;
}

static sw_status prepare_create(sw_group *group, const sw_task *task, const sw_run *sent,
                                sw_run *row, sw_error *err)
{
    sw_status status = refuse_own(task, sent, err);
    uint64_t given = 0;

    *row = *sent;
    row->create_digest = SW_NULL_STR;
    if (status == SW_STATUS_OK && !row->id.ptr) {
        row->id = sw__new_id(group, SW_RECORD_RUN);
        status = row->id.ptr ? status : sw_group_must(group, sw_no_memory(err), err);
    } else if (status == SW_STATUS_OK) {
        status = sw__check_id(SW_RECORD_RUN, row->id, "id", err);
    }
    sw__row_nulls(SW_RECORD_RUN, row);
    given = sw_row_mask(sw_record_of(SW_RECORD_RUN), row);
    row->organization_id = task->organization_id;
    row->created_at = row->created_at.known ? row->created_at : sw_int_of(group->now_us);
    row->updated_at = sw_int_of(group->now_us);
    row->created_by_id = task->user_id;
    if (status == SW_STATUS_OK) {
        status = sw__book(task, SW_RECORD_RUN, row, err);
    }
    if (status == SW_STATUS_OK) {
        sw_row_defaults(sw_record_of(SW_RECORD_RUN), row);
        sw__run_complete(group, row);
        status = sw__run_rules(row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_RUN, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK) {
        sw__digest_row(group, SW_RECORD_RUN, row, ~given | SW_MASK(SW_RUN_ID));
        row->create_digest = sw__digest_take(group);
        status = row->create_digest.ptr ? status : sw_group_must(group, sw_no_memory(err), err);
    }
    if (status == SW_STATUS_OK) {
        status = run_parents(group, task, row, err);
    }
    return status == SW_STATUS_OK ? sw__run_inherit(group, row, err) : status;
}

sw_status sw__run_write_new(sw_group *group, const sw_task *task, const sw_run *row,
                            sw_outcome *outcome, sw_error *err)
{
    sw_run_metrics metrics = {
        .id = row->id,
        .organization_id = row->organization_id,
        .agent_id = row->agent_id,
        .project_id = row->project_id,
        .base_template_id = row->base_template_id,
        .template_id = row->template_id,
        .deployment_id = row->deployment_id,
        .run_start_ns = sw__run_us_to_ns(row->created_at.value),
        .run_ns = sw__run_ns(row),
        .created_at = row->created_at,
        .updated_at = row->updated_at,
        .created_by_id = row->created_by_id,
    };
    sw_status status = SW_STATUS_OK;

    sw_row_defaults(sw_record_of(SW_RECORD_RUN_METRICS), &metrics);
    status = sw_store_insert(group->session, SW_RECORD_RUN_METRICS, &metrics, err);
    if (sw_group_must(group, status, err) == SW_STATUS_OK) {
        status = sw__run_count(group, row, 1, err);
    }
    if (status == SW_STATUS_OK && sw__run_ended(row->status.value)) {
        status = sw__run_note_end(group, task, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_CREATED, SW_RECORD_RUN, row->id,
                                  row->project_id, &outcome->seq, err);
    }
    if (status == SW_STATUS_OK && !sw__hooks_idle(group)) {
        status = sw__hook_run_created(group, task, row, err);
    }
    return sw__verdict(outcome, SW_VERDICT_CREATED, status, err);
}

sw_status sw__run_create_in(sw_group *group, const sw_task *task, const sw_run *run,
                            sw_outcome *outcome, sw_error *err)
{
    sw_run row;
    sw_status status = SW_STATUS_OK;

    sw__outcome_reset(outcome);
    status = prepare_create(group, task, run, &row, err);
    sw__outcome_id(outcome, row.id);
    if (status == SW_STATUS_INVALID && sw__was_created(group, task, SW_RECORD_RUN, &row)) {
        return sw__unchanged(group, task, outcome, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__verdict(outcome, SW_VERDICT_REJECTED, status, err);
    }
    status = sw_store_insert(group->session, SW_RECORD_RUN, &row, err);
    if (status == SW_STATUS_EXISTS) {
        return sw__create_again(group, task, SW_RECORD_RUN, &row, outcome, err);
    }
    if (sw_group_must(group, status, err) != SW_STATUS_OK) {
        return sw__verdict(outcome, SW_VERDICT_REJECTED, status, err);
    }
    sw_group_keep(group, SW_RECORD_RUN, row.id, row.organization_id);
    return sw__run_write_new(group, task, &row, outcome, err);
}

static sw_status apply_create(sw_group *group, sw_task *task, sw_error *err)
{
    const create_args *args = task->arg;

    return sw__run_create_in(group, task, args->run, args->outcome, err);
}

sw_status sw_run_create(sw_ledger *ledger, const sw_actor *actor, const sw_run *run,
                        sw_outcome *outcome, sw_error *err)
{
    create_args args = {run, outcome};
    sw_task task = {
        .apply = apply_create, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};
    return sw__submit(ledger, actor, &task, err);
}
