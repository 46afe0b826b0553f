/* SPDX-License-Identifier: Apache-2.0 */
/* Steps and runs that are adopted. Steps are inserted some dozens at a time, each with its timings. One that was pending
 * when it was adopted and has ended since, where it comes from, ends here too.
 */
#include "ledger/adopt_inside.h"
#include "ledger/price.h"
#include "ledger/run.h"

enum { CHUNK = 64 };

typedef struct fresh {
    sw_adopted *out;
    sw_step *row;
    sw_step_metrics *metrics;
} fresh;

typedef struct chunk {
    fresh items[CHUNK];
    size_t count;
} chunk;

/* ---- timings ------------------------------------------------------------------------------------ */

static sw_status make_metrics(sw_group *group, const sw_step *step, const sw_step_metrics *given,
                              sw_step_metrics **out, sw_error *err)
{
    sw_step_metrics *row = given ? sw_arena_alloc(&group->arena, sizeof *row) : NULL;
    sw_status status = SW_STATUS_OK;

    *out = row;
    if (!row) {
        return given ? sw_group_must(group, sw_no_memory(err), err) : SW_STATUS_OK;
    }
    *row = *given;
    row->id = step->id;
    row->organization_id = step->organization_id;
    row->run_id = row->provider_id = SW_NULL_STR; /* the step's */
    row->project_id = row->project_id.ptr ? row->project_id : step->project_id;
    row->created_at = row->created_at.known ? row->created_at : step->created_at;
    row->updated_at = row->updated_at.known ? row->updated_at : row->created_at;
    if (row->agent_id.ptr) {
        status = sw_group_known(group, SW_RECORD_AGENT, row->agent_id, step->organization_id, err);
        row->agent_id = status == SW_STATUS_OK ? row->agent_id : SW_NULL_STR;
    }
    if (group->broken != SW_STATUS_OK) {
        return group->broken;
    }
    sw_row_defaults(sw_record_of(SW_RECORD_STEP_METRICS), row);
    status = sw__metrics_links(group, step, true, row, err);
    if (status == SW_STATUS_OK &&
        sw__adopt_check(SW_RECORD_STEP_METRICS, row, err) != SW_STATUS_OK) {
        *out = NULL; /* whoever brings them has checked them */
    }
    return status;
}

static sw_status write_metrics(sw_group *group, const sw_step *step, const fresh *f, sw_error *err)
{
    const sw_step_metrics *row = f->metrics;
    sw_status status = SW_STATUS_OK;

    f->out->timed = row != NULL;
    if (row) {
        status = sw_group_must(
            group, sw_store_insert(group->session, SW_RECORD_STEP_METRICS, row, err), err);
    }
    return status == SW_STATUS_OK && row ? sw_group_time(group, step, row, +1, err) : status;
}

/* ---- a step that is there ----------------------------------------------------------------------- */

static sw_change change_of(int64_t status)
{
    return status == SW_STEP_STATUS_SUCCESS  ? SW_CHANGE_SUCCEEDED
           : status == SW_STEP_STATUS_FAILED ? SW_CHANGE_FAILED
                                             : SW_CHANGE_CANCELLED;
}

/* What people said of it here stays. */
static sw_status end_step(sw_group *group, const sw_task *task, const sw_step *old, fresh *f,
                          sw_error *err)
{
    sw_step_metrics metrics;
    bool timed = false;
    sw_step row = *f->row;
    sw_status status = SW_STATUS_OK;

    row.feedback = old->feedback.known ? old->feedback : row.feedback;
    row.tags = sw_str_eq(old->tags, SW_STR("[]")) ? row.tags : old->tags;
    status = sw_group_change_step(group, task, old, &row, change_of(row.status.value), NULL, err);
    if (status == SW_STATUS_OK && f->metrics) {
        status = sw__adopt_there(group, SW_RECORD_STEP_METRICS, f->metrics, &metrics, &timed, err);
    }
    if (status == SW_STATUS_OK && !timed) {
        status = write_metrics(group, &row, f, err);
    }
    return status == SW_STATUS_OK
               ? sw__adopt_verdict(f->out, SW_VERDICT_UPDATED, SW_STATUS_OK, NULL)
               : status;
}

static sw_status step_again(sw_group *group, const sw_task *task, fresh *f, sw_error *err)
{
    sw_step old;
    bool there = false;
    sw_status status = sw__adopt_there(group, SW_RECORD_STEP, f->row, &old, &there, err);

    if (status != SW_STATUS_OK || !there) {
        return status;
    }
    if (old.source.value == SW_SOURCE_ADOPTED && old.status.value == SW_STEP_STATUS_PENDING &&
        f->row->status.value != SW_STEP_STATUS_PENDING && !old.retired_into.ptr &&
        sw_str_eq(old.organization_id, f->row->organization_id)) {
        return end_step(group, task, &old, f, err);
    }
    return sw__adopt_taken(f->out, SW_RECORD_STEP, f->row, &old, err);
}

/* ---- steps that are new ------------------------------------------------------------------------- */

static sw_status write_new(sw_group *group, const sw_task *task, fresh *f, sw_error *err)
{
    sw_status status = sw_group_count(group, f->row, +1, err);

    if (status == SW_STATUS_OK) {
        status = write_metrics(group, f->row, f, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_CREATED, SW_RECORD_STEP, f->row->id,
                                  f->row->project_id, NULL, err);
    }
    return status == SW_STATUS_OK
               ? sw__adopt_verdict(f->out, SW_VERDICT_CREATED, SW_STATUS_OK, NULL)
               : status;
}

static sw_status flush(sw_group *group, sw_task *task, chunk *c, sw_error *err)
{
    const void *rows[CHUNK];
    bool existed[CHUNK];
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < c->count; i++) {
        rows[i] = c->items[i].row;
    }
    if (c->count > 0) {
        status = sw_group_must(
            group,
            sw_store_insert_many(group->session, SW_RECORD_STEP, rows, c->count, existed, err),
            err);
    }
    for (size_t i = 0; i < c->count && status == SW_STATUS_OK; i++) {
        fresh *f = &c->items[i];
        task->organization_id = f->row->organization_id;
        if (existed[i]) {
            (void)step_again(group, task, f, err);
        } else {
            (void)write_new(group, task, f, err);
        }
        status = group->broken;
    }
    c->count = 0;
    return status;
}

/* A copy, since the group may be tried again. */
static sw_status admit(sw_group *group, const sw_task *task, const sw_adopt_item *item, fresh *f,
                       sw_error *err)
{
    sw_step *row = sw_arena_alloc(&group->arena, sizeof *row);
    sw_status status = row ? SW_STATUS_OK : sw_group_must(group, sw_no_memory(err), err);

    *f = (fresh){.out = item->out, .row = row};
    if (status != SW_STATUS_OK) {
        return status;
    }
    memcpy(row, item->row, sizeof *row);
    status =
        sw__adopt_link(group, task, item->out, SW_RECORD_RUN, SW_STEP_RUN_ID, &row->run_id, err);
    if (status == SW_STATUS_OK) {
        status = sw__adopt_link(group, task, item->out, SW_RECORD_PROVIDER, SW_STEP_PROVIDER_ID,
                                &row->provider_id, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__price_step(group, row, err);
    }
    return status == SW_STATUS_OK ? make_metrics(group, row, item->out->metrics, &f->metrics, err)
                                  : status;
}

/* A step that comes twice in one call is found by the second chunk at the earliest: the same id never stands twice in
 * one. */
static bool in_chunk(const chunk *c, sw_str id)
{
    for (size_t i = 0; i < c->count; i++) {
        if (sw_str_eq(c->items[i].row->id, id)) {
            return true;
        }
    }
    return false;
}

sw_status sw__adopt_steps(sw_group *group, sw_task *task, const sw_adopting *a, sw_error *err)
{
    chunk *c = sw_arena_alloc(&group->arena, sizeof *c);
    sw_status status = c ? SW_STATUS_OK : sw_group_must(group, sw_no_memory(err), err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    c->count = 0;
    for (size_t i = 0; i < a->count && status == SW_STATUS_OK; i++) {
        const sw_adopt_item *item = &a->items[i];
        const sw_step *step = item->row;
        if (item->out->status != SW_STATUS_OK) {
            continue; /* refused already */
        }
        if (c->count == CHUNK || in_chunk(c, step->id)) {
            status = flush(group, task, c, err);
        }
        task->organization_id = step->organization_id;
        if (status == SW_STATUS_OK) {
            status = admit(group, task, item, &c->items[c->count], err);
            c->count += status == SW_STATUS_OK;
        }
    }
    return status == SW_STATUS_OK ? flush(group, task, c, err) : status;
}

/* ---- runs --------------------------------------------------------------------------------------- */

static sw_status run_links(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                           sw_run *row, sw_error *err)
{
    sw_status status = sw__adopt_some_agent(group, task, item->out, SW_RUN_AGENT_ID, &row->agent_id,
                                            row->created_at, err);

    if (status == SW_STATUS_OK) {
        status = sw__adopt_link(group, task, item->out, SW_RECORD_CONVERSATION,
                                SW_RUN_CONVERSATION_ID, &row->conversation_id, err);
    }
    return status == SW_STATUS_OK ? sw__run_inherit(group, row, err) : status;
}

static sw_status run_again(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                           sw_run *row, sw_error *err)
{
    sw_run old;
    bool there = false;
    sw_status status = sw__adopt_there(group, SW_RECORD_RUN, row, &old, &there, err);
    bool moves = there && old.source.value == SW_SOURCE_ADOPTED &&
                 !sw__run_ended(old.status.value) && old.status.value != row->status.value &&
                 row->status.value > old.status.value &&
                 sw_str_eq(old.organization_id, row->organization_id) &&
                 sw_int_eq(old.created_at, row->created_at);

    if (status != SW_STATUS_OK || !there) {
        return status;
    }
    if (!moves) {
        return sw__adopt_taken(item->out, SW_RECORD_RUN, row, &old, err);
    }
    status = sw__run_write_again(group, task, &old, row, err);
    return status == SW_STATUS_OK
               ? sw__adopt_verdict(item->out, SW_VERDICT_UPDATED, SW_STATUS_OK, NULL)
               : status;
}

sw_status sw__adopt_run(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                        sw_error *err)
{
    sw_run row;
    sw_outcome outcome = {.seq = 0};
    sw_status status = SW_STATUS_OK;

    memcpy(&row, item->row, sizeof row);
    status = run_links(group, task, item, &row, err);
    if (status == SW_STATUS_OK) {
        sw__run_complete(group, &row);
        status = row.total_duration_ns.value < 0 || row.ttft_ns.value < 0
                     ? sw_fail(err, SW_STATUS_INVALID,
                               row.ttft_ns.value < 0 ? "ttft_ns" : "total_duration_ns",
                               "must not be negative")
                     : status;
    }
    if (status != SW_STATUS_OK) {
        return sw__adopt_verdict(item->out, SW_VERDICT_REJECTED, status, err);
    }
    status = sw_store_insert(group->session, SW_RECORD_RUN, &row, err);
    if (status == SW_STATUS_EXISTS) {
        return run_again(group, task, item, &row, err);
    }
    if (sw_group_must(group, status, err) != SW_STATUS_OK) {
        return status;
    }
    sw_group_keep(group, SW_RECORD_RUN, row.id, row.organization_id);
    status = sw__run_write_new(group, task, &row, &outcome, err);
    return sw__adopt_verdict(item->out, SW_VERDICT_CREATED, status, err);
}
