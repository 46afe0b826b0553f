/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and traces that are adopted. Unlike those that a step brings along, they may belong to no step. Messages are
 * numbered in the order in which they come.
 */
#include "ledger/adopt_inside.h"
#include "ledger/gather.h"
#include "ledger/messages.h"

typedef struct owner {
    sw_step step; /* in brief */
    bool found;
    bool captures;
} owner;

/* The step it names, when it is the organization's, and whether what is said of it is kept. */
static sw_status find_owner(sw_group *group, const sw_task *task, sw_str step_id, owner *out,
                            sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    *out = (owner){.captures = true};
    if (step_id.ptr && step_id.len > 0 && step_id.len <= SW_LIMIT_ID_BYTES) {
        status =
            sw_group_must(group,
                          sw__first_of(group->session, SW_RECORD_STEP, SW_STEP_ID, step_id,
                                       SW_MASK(SW_STEP_ID) | SW_MASK(SW_STEP_ORGANIZATION_ID) |
                                           SW_MASK(SW_STEP_RUN_ID) | SW_MASK(SW_STEP_RETIRED_INTO) |
                                           SW_MASK(SW_STEP_PROJECT_ID),
                                       &group->arena, &out->step, &out->found, err),
                          err);
        out->found = out->found && sw_str_eq(out->step.organization_id, task->organization_id);
    }
    return status == SW_STATUS_OK && out->found
               ? sw__captures(group, task->organization_id, out->step.project_id, &out->captures,
                              err)
               : status;
}

static sw_status not_kept(sw_adopted *out, sw_error *err)
{
    (void)sw_fail(err, SW_STATUS_UNSUPPORTED, "project_id", "its project keeps no content");
    return sw__adopt_verdict(out, SW_VERDICT_REJECTED, SW_STATUS_UNSUPPORTED, err);
}

/* ---- messages ----------------------------------------------------------------------------------- */

static sw_status message_links(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                               const owner *of, sw_message *row, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (row->step_id.ptr && !of->found) {
        row->step_id = SW_NULL_STR;
        item->out->left_out |= SW_MASK(SW_MESSAGE_STEP_ID);
    }
    row->run_id = of->found && of->step.run_id.ptr ? of->step.run_id : row->run_id;
    status =
        sw__adopt_link(group, task, item->out, SW_RECORD_RUN, SW_MESSAGE_RUN_ID, &row->run_id, err);
    if (status == SW_STATUS_OK) {
        status = sw__adopt_link(group, task, item->out, SW_RECORD_CONVERSATION,
                                SW_MESSAGE_CONVERSATION_ID, &row->conversation_id, err);
    }
    if (status == SW_STATUS_OK && row->agent_id.ptr) {
        status = sw__adopt_agent(group, task, item->out, row->agent_id, row->created_at, err);
        if (status == SW_STATUS_NOT_FOUND) {
            row->agent_id = SW_NULL_STR;
            item->out->left_out |= SW_MASK(SW_MESSAGE_AGENT_ID);
            status = SW_STATUS_OK;
        }
    }
    return status;
}

static sw_status write_body(sw_group *group, const sw_message *row, sw_error *err)
{
    sw_message_body body;
    sw_status status = SW_STATUS_OK;

    if (!row->body_hash.ptr) {
        return SW_STATUS_OK;
    }
    sw__message_body_of(row, &body);
    status = sw_store_insert(group->session, SW_RECORD_MESSAGE_BODY, &body, err);
    (void)sw_group_may(group, status, SW_STATUS_EXISTS, err);
    return status == SW_STATUS_EXISTS ? SW_STATUS_OK : status;
}

static sw_status write_message(sw_group *group, const sw_task *task, const owner *of,
                               sw_message *row, sw_error *err)
{
    sw_head *head = sw_group_head(group, row->organization_id, err);
    bool changed = false;
    sw_status status = head ? write_body(group, row, err) : group->broken;

    if (status != SW_STATUS_OK) {
        return status;
    }
    row->sequence_id = sw_int_of(++head->sequence_id);
    sw_group_head_moved(group, head);
    status =
        sw_group_must(group, sw_store_insert(group->session, SW_RECORD_MESSAGE, row, err), err);
    if (status == SW_STATUS_OK && of->found) {
        status = sw__message_tools(group, &of->step, row, &changed, err);
    }
    if (status == SW_STATUS_OK && changed) {
        status = sw__tools_list(group, sw__tools_run(&of->step), err);
    }
    if (status == SW_STATUS_OK && row->conversation_id.ptr) {
        status = sw__message_note(group, task, row->conversation_id, row->created_at, err);
    }
    return status == SW_STATUS_OK
               ? sw_group_journal(group, task, SW_CHANGE_CREATED, SW_RECORD_MESSAGE, row->id,
                                  of->found ? of->step.project_id : SW_NULL_STR, NULL, err)
               : status;
}

sw_status sw__adopt_message(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                            sw_error *err)
{
    sw_message row;
    sw_message old;
    owner of;
    bool there = false;
    sw_status status = sw__adopt_there(group, SW_RECORD_MESSAGE, item->row, &old, &there, err);

    memcpy(&row, item->row, sizeof row);
    if (status == SW_STATUS_OK && there) {
        return sw__adopt_taken(item->out, SW_RECORD_MESSAGE, &row, &old, err);
    }
    if (status == SW_STATUS_OK) {
        status = find_owner(group, task, row.step_id, &of, err);
    }
    if (status == SW_STATUS_OK && !of.captures) {
        return not_kept(item->out, err);
    }
    if (status == SW_STATUS_OK) {
        status = message_links(group, task, item, &of, &row, err);
    }
    if (status == SW_STATUS_OK) {
        status = write_message(group, task, &of, &row, err);
    }
    return sw__adopt_verdict(item->out, SW_VERDICT_CREATED, status, err);
}

/* ---- traces ------------------------------------------------------------------------------------- */

/* The step may be gone, or never have been: V1's traces outlive their steps. */
sw_status sw__adopt_trace(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                          sw_error *err)
{
    const sw_provider_trace *row = item->row;
    sw_provider_trace old;
    owner of;
    bool there = false;
    sw_status status = find_owner(group, task, row->step_id, &of, err);

    if (status == SW_STATUS_OK && !of.captures) {
        return not_kept(item->out, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_store_insert(group->session, SW_RECORD_PROVIDER_TRACE, row, err);
        (void)sw_group_may(group, status, SW_STATUS_EXISTS, err);
    }
    if (status == SW_STATUS_EXISTS) {
        status = sw__adopt_there(group, SW_RECORD_PROVIDER_TRACE, row, &old, &there, err);
        return status == SW_STATUS_OK && there
                   ? sw__adopt_taken(item->out, SW_RECORD_PROVIDER_TRACE, row, &old, err)
                   : status;
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_CREATED, SW_RECORD_PROVIDER_TRACE, row->id,
                                  of.found ? of.step.project_id : SW_NULL_STR, NULL, err);
    }
    return sw__adopt_verdict(item->out, SW_VERDICT_CREATED, status, err);
}
