/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting a step for good, and what goes along with an agent. The store carries out the declared rules
 * (metrics go, messages lose their step); what no rule can say happens here: sums, histograms and tools
 * move back, provider traces go, and what messages said goes unless another message says the same.
 * Nothing large is ever read: keys and links come in pages.
 */
#include "ledger/context.h"
#include "ledger/gather.h"

/* ---- of a step ---------------------------------------------------------------------------------- */

static sw_status remove_times(sw_group *group, const sw_step *step, sw_error *err)
{
    sw_step_metrics key = {.id = step->id};
    sw_step_metrics metrics;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_STEP_METRICS, &key, &group->arena, &metrics, err);

    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    if (status == SW_STATUS_OK) {
        return sw_group_time(group, step, &metrics, -1, err);
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* `removed` (may be NULL) counts. */
static sw_status remove_traces(sw_group *group, const sw_step *step, int64_t *removed,
                               sw_error *err)
{
    sw_page page;
    sw_status status = SW_STATUS_OK;

    sw__page_open(&page, group, SW_RECORD_PROVIDER_TRACE, SW_PROVIDER_TRACE_STEP_ID, step->id);
    page.fields = SW_MASK(SW_PROVIDER_TRACE_ID) | SW_MASK(SW_PROVIDER_TRACE_ORGANIZATION_ID) |
                  SW_MASK(SW_PROVIDER_TRACE_CREATED_AT);
    page.order[0] = SW_PROVIDER_TRACE_CREATED_AT;
    page.order[1] = SW_PROVIDER_TRACE_ID;
    page.order_count = 2;
    while ((status = sw__page_next(&page, err)) == SW_STATUS_OK && page.count > 0) {
        const sw_provider_trace *traces = page.rows;
        for (size_t i = 0; i < page.count && status == SW_STATUS_OK; i++) {
            if (sw_str_eq(traces[i].organization_id, step->organization_id)) {
                status = sw_group_must(
                    group,
                    sw_store_remove(group->session, SW_RECORD_PROVIDER_TRACE, &traces[i], err),
                    err);
                *(removed ? removed : &(int64_t){0}) += 1;
            }
        }
        if (status != SW_STATUS_OK) {
            break;
        }
    }
    sw__page_close(&page);
    return status;
}

/* The message stays, without what it said. */
static sw_status silence(sw_group *group, const sw_message *message, sw_error *err)
{
    sw_message mute = {.id = message->id};
    sw_status status = SW_STATUS_OK;

    if (!message->body_hash.ptr) {
        return SW_STATUS_OK;
    }
    status = sw_store_update(group->session, SW_RECORD_MESSAGE, &mute,
                             SW_MASK(SW_MESSAGE_BODY_HASH), err);
    return sw_group_must(group, status, err) == SW_STATUS_OK
               ? sw__body_release(group, message->organization_id, message->body_hash, err)
               : status;
}

static void ask_for_messages(sw_page *page)
{
    page->fields = SW_MASK(SW_MESSAGE_ID) | SW_MASK(SW_MESSAGE_ORGANIZATION_ID) |
                   SW_MASK(SW_MESSAGE_STEP_ID) | SW_MASK(SW_MESSAGE_SEQUENCE_ID) |
                   SW_MASK(SW_MESSAGE_BODY_HASH);
    page->order[0] = SW_MESSAGE_SEQUENCE_ID;
    page->order_count = 1;
    page->with_tools = true;
}

static sw_status silence_messages(sw_group *group, const sw_step *step, int64_t *removed,
                                  sw_error *err)
{
    bool changed = false;
    sw_page page;
    sw_status status = SW_STATUS_OK;

    sw__page_open(&page, group, SW_RECORD_MESSAGE, SW_MESSAGE_STEP_ID, step->id);
    ask_for_messages(&page);
    while ((status = sw__page_next(&page, err)) == SW_STATUS_OK && page.count > 0) {
        const sw_message *messages = page.rows;
        for (size_t i = 0; i < page.count && status == SW_STATUS_OK; i++) {
            *(removed ? removed : &(int64_t){0}) += messages[i].body_hash.ptr ? 1 : 0;
            status = sw__tools_move(group, step->organization_id, sw__tools_run(step),
                                    &page.tools[i], -1, &changed, err);
            status = status == SW_STATUS_OK ? silence(group, &messages[i], err) : status;
        }
        if (status != SW_STATUS_OK) {
            break;
        }
    }
    sw__page_close(&page);
    return status == SW_STATUS_OK && changed ? sw__tools_list(group, sw__tools_run(step), err)
                                             : status;
}

/* A step that was folded into another is no name of it any more. */
static sw_status remove_alias(sw_group *group, const sw_step *step, sw_error *err)
{
    sw_step_alias key = {.organization_id = step->organization_id,
                         .project_id = step->project_id,
                         .kind = SW_STR("merged"),
                         .value = step->id};
    sw_status status = SW_STATUS_OK;

    if (!step->retired_into.ptr) {
        return SW_STATUS_OK;
    }
    status = sw_store_remove(group->session, SW_RECORD_STEP_ALIAS, &key, err);
    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_status remove_parts(sw_group *group, const sw_step *step, sw_error *err)
{
    sw_status status = remove_times(group, step, err);

    if (status == SW_STATUS_OK) {
        status = remove_traces(group, step, NULL, err);
    }
    if (status == SW_STATUS_OK) {
        status = silence_messages(group, step, NULL, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__context_remove(group, step, err);
    }
    return status == SW_STATUS_OK ? remove_alias(group, step, err) : status;
}

sw_status sw__step_delete_in(sw_group *group, const sw_task *task, const sw_step *step,
                             int64_t *seq, sw_error *err)
{
    sw_status status = remove_parts(group, step, err);

    if (status == SW_STATUS_OK) {
        status = sw_group_count(group, step, -1, err);
    }
    if (status == SW_STATUS_OK) {
        status =
            sw_group_must(group, sw_store_remove(group->session, SW_RECORD_STEP, step, err), err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_DELETED, SW_RECORD_STEP, step->id,
                                  step->project_id, seq, err);
    }
    return status;
}

sw_status sw__step_silence_in(sw_group *group, const sw_task *task, const sw_step *step, bool *any,
                              sw_error *err)
{
    int64_t removed = 0;
    sw_status status = remove_traces(group, step, &removed, err);

    if (status == SW_STATUS_OK) {
        status = silence_messages(group, step, &removed, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__context_remove(group, step, err);
    }
    *any = removed > 0;
    return status == SW_STATUS_OK && *any
               ? sw_group_journal(group, task, SW_CHANGE_UPDATED, SW_RECORD_STEP, step->id,
                                  step->project_id, NULL, err)
               : status;
}

static sw_status apply_delete(sw_group *group, sw_task *task, sw_error *err)
{
    sw_delete_args *args = task->arg;
    sw_step step;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->id, &step, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status != SW_STATUS_OK) {
        return sw__verdict(args->outcome, SW_VERDICT_REJECTED, status, err);
    }
    status = sw__step_delete_in(group, task, &step, &args->outcome->seq, err);
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

sw_status sw_step_delete(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                         sw_outcome *outcome, sw_error *err)
{
    sw_delete_args args = {step_id, outcome};
    sw_task task = {
        .apply = apply_delete, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 10};
    return sw__submit(ledger, actor, &task, err);
}

/* ---- of an agent -------------------------------------------------------------------------------- */

/* The few fields of a step by which its timings and tools were counted; without id: nulls. */
static sw_status get_counted(sw_group *group, sw_str step_id, sw_arena *arena, sw_step *out,
                             bool *found, sw_error *err)
{
    *out = (sw_step){.id = SW_NULL_STR};
    *found = false;
    if (!step_id.ptr) {
        return SW_STATUS_OK;
    }
    return sw_group_must(group,
                         sw__first_of(group->session, SW_RECORD_STEP, SW_STEP_ID, step_id,
                                      SW_MASK(SW_STEP_ORGANIZATION_ID) | SW_MASK(SW_STEP_RUN_ID) |
                                          SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_RETIRED_INTO) |
                                          SW_MASK(SW_STEP_CREATED_AT),
                                      arena, out, found, err),
                         err);
}

static sw_status remove_time(sw_group *group, const sw_step_metrics *metrics, sw_arena *arena,
                             sw_error *err)
{
    sw_step step;
    bool found = false;
    sw_status status = get_counted(group, metrics->id, arena, &step, &found, err);

    if (status == SW_STATUS_OK && found) {
        status = sw_group_time(group, &step, metrics, -1, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_store_remove(group->session, SW_RECORD_STEP_METRICS, metrics, err);
    }
    return sw_group_must(group, status, err);
}

static sw_status remove_agent_times(sw_group *group, sw_str agent_id, sw_error *err)
{
    sw_page page;
    sw_status status = SW_STATUS_OK;

    sw__page_open(&page, group, SW_RECORD_STEP_METRICS, SW_STEP_METRICS_AGENT_ID, agent_id);
    page.fields = SW_MASK(SW_STEP_METRICS_ID) | SW_MASK(SW_STEP_METRICS_STEP_NS) |
                  SW_MASK(SW_STEP_METRICS_LLM_REQUEST_NS) |
                  SW_MASK(SW_STEP_METRICS_TOOL_EXECUTION_NS);
    while ((status = sw__page_next(&page, err)) == SW_STATUS_OK && page.count > 0) {
        const sw_step_metrics *rows = page.rows;
        for (size_t i = 0; i < page.count && status == SW_STATUS_OK; i++) {
            status = remove_time(group, &rows[i], &page.arenas[page.turn], err);
        }
        if (status != SW_STATUS_OK) {
            break;
        }
    }
    sw__page_close(&page);
    return status;
}

static sw_status remove_message(sw_group *group, const sw_message *message,
                                const sw_tool_names *tools, sw_arena *arena, sw_error *err)
{
    bool changed = false;
    sw_step step;
    bool found = false;
    sw_status status = get_counted(group, message->step_id, arena, &step, &found, err);
    sw_str run = sw__tools_run(&step);

    if (status == SW_STATUS_OK) {
        status = sw__tools_move(group, message->organization_id, run, tools, -1, &changed, err);
    }
    if (status == SW_STATUS_OK && changed) {
        status = sw__tools_list(group, run, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_must(
            group, sw_store_remove(group->session, SW_RECORD_MESSAGE, message, err), err);
    }
    return status == SW_STATUS_OK && message->body_hash.ptr
               ? sw__body_release(group, message->organization_id, message->body_hash, err)
               : status;
}

sw_status sw__messages_remove(sw_group *group, uint8_t by, sw_str id, sw_error *err)
{
    sw_page page;
    sw_status status = SW_STATUS_OK;

    sw__page_open(&page, group, SW_RECORD_MESSAGE, by, id);
    ask_for_messages(&page);
    while ((status = sw__page_next(&page, err)) == SW_STATUS_OK && page.count > 0) {
        const sw_message *messages = page.rows;
        for (size_t i = 0; i < page.count && status == SW_STATUS_OK; i++) {
            status =
                remove_message(group, &messages[i], &page.tools[i], &page.arenas[page.turn], err);
        }
        if (status != SW_STATUS_OK) {
            break;
        }
    }
    sw__page_close(&page);
    return status;
}

sw_status sw__agent_trail_remove(sw_group *group, sw_str agent_id, sw_error *err)
{
    sw_status status = remove_agent_times(group, agent_id, err);

    return status == SW_STATUS_OK ? sw__messages_remove(group, SW_MESSAGE_AGENT_ID, agent_id, err)
                                  : status;
}
