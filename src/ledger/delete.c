/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting a step for good. The store carries out the declared rules (metrics go, messages lose their
 * step); what no rule can say happens here: sums and histograms move back, provider traces go, and
 * what its messages said goes unless a message of another step says the same.
 */
#include "ledger/internal.h"

/* ---- gathering ---------------------------------------------------------------------------------- */

typedef struct gathering {
    const sw_record *record;
    sw_arena *arena;
    sw_rows *out;
    size_t room;
    bool no_memory;
} gathering;

static bool make_room(gathering *g)
{
    size_t room = g->room ? g->room * 2 : 16;
    char *rows = NULL;

    if (g->out->count < g->room) {
        return true;
    }
    rows = sw_arena_alloc(g->arena, room * g->record->size);
    if (rows && g->out->count > 0) {
        memcpy(rows, g->out->rows, g->out->count * g->record->size);
    }
    g->out->rows = rows;
    g->room = room;
    return rows != NULL;
}

static sw_seen gather_row(void *arg, const void *row)
{
    gathering *g = arg;

    if (!make_room(g) ||
        !sw_row_copy(g->record, g->out->rows + g->out->count * g->record->size, row, g->arena)) {
        g->no_memory = true;
        return SW_SEEN_STOP;
    }
    g->out->count++;
    return SW_SEEN_COUNT;
}

sw_status sw_group_gather(sw_group *group, const sw_scan *scan, sw_rows *out, sw_error *err)
{
    gathering g = {.record = sw_record_of(scan->record), .arena = &group->arena, .out = out};
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    memset(out, 0, sizeof *out);
    status = sw_store_scan(group->session, scan, gather_row, &g, &end, err);
    if (status == SW_STATUS_OK && g.no_memory) {
        status = sw_no_memory(err);
    }
    return sw_group_must(group, status, err);
}

sw_status sw_group_gather_of(sw_group *group, sw_record_id record, uint8_t field, sw_str text,
                             sw_rows *out, sw_error *err)
{
    sw_value value = {.text = text};
    sw_condition condition = {field, SW_OP_EQ, &value, 1};
    sw_scan scan = {.record = record, .conditions = &condition, .condition_count = 1};

    return sw_group_gather(group, &scan, out, err);
}

/* ---- what goes along ---------------------------------------------------------------------------- */

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

static sw_status remove_traces(sw_group *group, const sw_step *step, sw_error *err)
{
    sw_rows rows;
    sw_status status = sw_group_gather_of(group, SW_RECORD_PROVIDER_TRACE,
                                          SW_PROVIDER_TRACE_STEP_ID, step->id, &rows, err);
    const sw_provider_trace *traces = (const void *)rows.rows;

    for (size_t i = 0; i < rows.count && status == SW_STATUS_OK; i++) {
        if (sw_str_eq(traces[i].organization_id, step->organization_id)) {
            status = sw_group_must(
                group, sw_store_remove(group->session, SW_RECORD_PROVIDER_TRACE, &traces[i], err),
                err);
        }
    }
    return status;
}

/* The message stays, without what it said. */
static sw_status silence(sw_group *group, sw_message *message, sw_error *err)
{
    bool released = false;
    sw_status status = sw__body_release(group, message, &released, err);

    if (status != SW_STATUS_OK || !message->body_hash.ptr) {
        return status;
    }
    message->body_hash = SW_NULL_STR;
    return sw_group_must(group,
                         sw_store_update(group->session, SW_RECORD_MESSAGE, message,
                                         SW_MASK(SW_MESSAGE_BODY_HASH), err),
                         err);
}

static sw_status remove_bodies(sw_group *group, const sw_step *step, sw_error *err)
{
    sw_rows rows;
    sw_status status =
        sw_group_gather_of(group, SW_RECORD_MESSAGE, SW_MESSAGE_STEP_ID, step->id, &rows, err);
    sw_message *messages = (void *)rows.rows;

    for (size_t i = 0; i < rows.count && status == SW_STATUS_OK; i++) {
        status = silence(group, &messages[i], err);
    }
    return status;
}

sw_status sw__parts_remove(sw_group *group, const sw_step *step, sw_error *err)
{
    sw_status status = remove_times(group, step, err);

    if (status == SW_STATUS_OK) {
        status = remove_traces(group, step, err);
    }
    return status == SW_STATUS_OK ? remove_bodies(group, step, err) : status;
}

/* ---- the step ----------------------------------------------------------------------------------- */

typedef struct delete_args {
    sw_str id;
    sw_outcome *outcome;
} delete_args;

static sw_status apply_delete(sw_group *group, sw_task *task, sw_error *err)
{
    delete_args *args = task->arg;
    sw_step step;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->id, &step, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status != SW_STATUS_OK) {
        return sw__verdict(args->outcome, SW_VERDICT_REJECTED, status, err);
    }
    status = sw__parts_remove(group, &step, err);
    if (status == SW_STATUS_OK) {
        status = sw_group_count(group, &step, -1, err);
    }
    if (status == SW_STATUS_OK) {
        status =
            sw_group_must(group, sw_store_remove(group->session, SW_RECORD_STEP, &step, err), err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_DELETED, SW_RECORD_STEP, step.id,
                                  step.project_id, &args->outcome->seq, err);
    }
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

sw_status sw_step_delete(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                         sw_outcome *outcome, sw_error *err)
{
    delete_args args = {step_id, outcome};
    sw_task task = {
        .apply = apply_delete, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 10};
    return sw__submit(ledger, actor, &task, err);
}
