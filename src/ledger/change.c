/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in which a step that is there becomes another: the old row leaves every sum that held it,
 * the new one joins, what hangs on the step and took its links from it goes along, the row is written,
 * the journal is told. Whether the step may become so was decided before.
 */
#include "ledger/gather.h"
#include "ledger/price.h"

uint64_t sw__step_differs(const sw_step *a, const sw_step *b)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    uint64_t out = 0;

    for (size_t i = 0; i < record->field_count; i++) {
        out |= sw_field_equal(&record->fields[i], a, b) ? 0 : SW_MASK(i);
    }
    return out;
}

/* ---- what hangs on the step ---------------------------------------------------------------------- */

sw_status sw__metrics_links(sw_group *group, const sw_step *step, bool new_agent,
                            sw_step_metrics *row, sw_error *err)
{
    bool as_it_is = sw_str_eq(row->agent_id, step->agent_id) || (!row->agent_id.ptr && !new_agent);
    sw_status status = SW_STATUS_OK;

    row->run_id = step->run_id.ptr ? step->run_id : row->run_id;
    row->provider_id = step->provider_id.ptr ? step->provider_id : row->provider_id;
    if (!step->agent_id.ptr || as_it_is) {
        return SW_STATUS_OK;
    }
    status = sw_group_known(group, SW_RECORD_AGENT, step->agent_id, step->organization_id, err);
    row->agent_id = status == SW_STATUS_OK ? step->agent_id : SW_NULL_STR;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* A link that the step lost, its timings lose too. */
static void lose_links(const sw_step *old, const sw_step *row, sw_step_metrics *metrics)
{
    if (old->run_id.ptr && !row->run_id.ptr) {
        metrics->run_id = SW_NULL_STR;
    }
    if (old->provider_id.ptr && !row->provider_id.ptr) {
        metrics->provider_id = SW_NULL_STR;
    }
    if (old->agent_id.ptr && !row->agent_id.ptr) {
        metrics->agent_id = SW_NULL_STR;
    }
}

static sw_status move_metrics(sw_group *group, const sw_step *old, const sw_step *row,
                              sw_error *err)
{
    const uint64_t links = SW_MASK(SW_STEP_METRICS_RUN_ID) | SW_MASK(SW_STEP_METRICS_PROVIDER_ID) |
                           SW_MASK(SW_STEP_METRICS_AGENT_ID);
    sw_step_metrics key = {.id = old->id};
    sw_step_metrics was;
    sw_step_metrics is;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_STEP_METRICS, &key, &group->arena, &was, err);

    if (sw_group_may(group, status, SW_STATUS_NOT_FOUND, err) != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    is = was;
    lose_links(old, row, &is);
    status = sw__metrics_links(group, row, !sw_str_eq(old->agent_id, row->agent_id), &is, err);
    if (status == SW_STATUS_OK && !sw_row_equal(sw_record_of(SW_RECORD_STEP_METRICS), &was, &is)) {
        status = sw_group_must(
            group, sw_store_update(group->session, SW_RECORD_STEP_METRICS, &is, links, err), err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_time(group, old, &was, -1, err);
    }
    return status == SW_STATUS_OK ? sw_group_time(group, row, &is, +1, err) : status;
}

/* The message follows its step to another run, and the tools it calls with it. */
static sw_status move_message(sw_group *group, const sw_step *old, const sw_step *row,
                              const sw_message *message, const sw_tool_names *tools,
                              bool changed[2], sw_error *err)
{
    sw_message next = *message;
    sw_status status = sw__tools_move(group, old->organization_id, sw__tools_run(old), tools, -1,
                                      &changed[0], err);

    if (status == SW_STATUS_OK) {
        status = sw__tools_move(group, row->organization_id, sw__tools_run(row), tools, +1,
                                &changed[1], err);
    }
    if (status != SW_STATUS_OK || sw_str_eq(old->run_id, row->run_id) ||
        !sw_str_eq(message->run_id, old->run_id)) {
        return status;
    }
    next.run_id = row->run_id;
    return sw_group_must(
        group,
        sw_store_update(group->session, SW_RECORD_MESSAGE, &next, SW_MASK(SW_MESSAGE_RUN_ID), err),
        err);
}

static sw_status move_messages(sw_group *group, const sw_step *old, const sw_step *row,
                               sw_error *err)
{
    bool changed[2] = {false, false};
    sw_page page;
    sw_status status = SW_STATUS_OK;

    sw__page_open(&page, group, SW_RECORD_MESSAGE, SW_MESSAGE_STEP_ID, old->id);
    page.fields =
        SW_MASK(SW_MESSAGE_ID) | SW_MASK(SW_MESSAGE_RUN_ID) | SW_MASK(SW_MESSAGE_SEQUENCE_ID);
    page.order[0] = SW_MESSAGE_SEQUENCE_ID;
    page.order_count = 1;
    page.with_tools = true;
    while ((status = sw__page_next(&page, err)) == SW_STATUS_OK && page.count > 0) {
        const sw_message *messages = page.rows;
        for (size_t i = 0; i < page.count && status == SW_STATUS_OK; i++) {
            status = move_message(group, old, row, &messages[i], &page.tools[i], changed, err);
        }
        if (status != SW_STATUS_OK) {
            break;
        }
    }
    sw__page_close(&page);
    if (status == SW_STATUS_OK && changed[0]) {
        status = sw__tools_list(group, sw__tools_run(old), err);
    }
    return status == SW_STATUS_OK && changed[1] ? sw__tools_list(group, sw__tools_run(row), err)
                                                : status;
}

static sw_status move_traces(sw_group *group, const sw_step *old, const sw_step *row, sw_error *err)
{
    sw_page page;
    sw_status status = SW_STATUS_OK;

    sw__page_open(&page, group, SW_RECORD_PROVIDER_TRACE, SW_PROVIDER_TRACE_STEP_ID, old->id);
    page.fields = SW_MASK(SW_PROVIDER_TRACE_ID) | SW_MASK(SW_PROVIDER_TRACE_RUN_ID) |
                  SW_MASK(SW_PROVIDER_TRACE_ORGANIZATION_ID) |
                  SW_MASK(SW_PROVIDER_TRACE_CREATED_AT);
    page.order[0] = SW_PROVIDER_TRACE_CREATED_AT;
    page.order[1] = SW_PROVIDER_TRACE_ID;
    page.order_count = 2;
    while ((status = sw__page_next(&page, err)) == SW_STATUS_OK && page.count > 0) {
        sw_provider_trace *traces = page.rows;
        for (size_t i = 0; i < page.count && status == SW_STATUS_OK; i++) {
            sw_provider_trace trace = traces[i];
            if (sw_str_eq(trace.run_id, old->run_id) &&
                sw_str_eq(trace.organization_id, old->organization_id)) {
                trace.run_id = row->run_id;
                status =
                    sw_group_must(group,
                                  sw_store_update(group->session, SW_RECORD_PROVIDER_TRACE, &trace,
                                                  SW_MASK(SW_PROVIDER_TRACE_RUN_ID), err),
                                  err);
            }
        }
        if (status != SW_STATUS_OK) {
            break;
        }
    }
    sw__page_close(&page);
    return status;
}

/* ---- the step ----------------------------------------------------------------------------------- */

/* Fields that something beside the step has taken from it. */
#define RUN (SW_MASK(SW_STEP_RUN_ID) | SW_MASK(SW_STEP_RETIRED_INTO))
#define TIMED                                                                                      \
    (RUN | SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_CREATED_AT) | SW_MASK(SW_STEP_PROVIDER_ID) |   \
     SW_MASK(SW_STEP_AGENT_ID))

static sw_status move_along(sw_group *group, const sw_step *old, const sw_step *row, uint64_t mask,
                            sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (mask & TIMED) {
        status = move_metrics(group, old, row, err);
    }
    if (status == SW_STATUS_OK && (mask & RUN)) {
        status = move_messages(group, old, row, err);
    }
    if (status == SW_STATUS_OK && (mask & SW_MASK(SW_STEP_RUN_ID))) {
        status = move_traces(group, old, row, err);
    }
    return status;
}

sw_status sw_group_change_step(sw_group *group, const sw_task *task, const sw_step *old,
                               sw_step *row, sw_change what, int64_t *seq, sw_error *err)
{
    sw_status status = sw__price_changed(group, old, row, err);
    uint64_t mask = sw__step_differs(old, row);

    if (status != SW_STATUS_OK) {
        return status;
    }
    if (!task->adopts) { /* as it was there */
        row->updated_at = sw_int_of(group->now_us);
    }
    if (what != SW_CHANGE_ABANDONED && !task->adopts) { /* that nobody did */
        row->last_updated_by_id = task->user_id;
    }
    mask |= SW_MASK(SW_STEP_UPDATED_AT) | SW_MASK(SW_STEP_LAST_UPDATED_BY_ID);
    status =
        sw_group_must(group, sw_store_update(group->session, SW_RECORD_STEP, row, mask, err), err);
    if (status == SW_STATUS_OK) {
        status = sw_group_count(group, old, -1, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_count(group, row, +1, err);
    }
    if (status == SW_STATUS_OK) {
        status = move_along(group, old, row, mask, err);
    }
    if (status == SW_STATUS_OK) {
        status =
            sw_group_journal(group, task, what, SW_RECORD_STEP, row->id, row->project_id, seq, err);
    }
    return status;
}
