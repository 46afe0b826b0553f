/* SPDX-License-Identifier: Apache-2.0 */
/* Runs, when sums are computed anew: their totals out of the cells that their steps made, the tools that messages call, and
 * what the organization has counted. Totals that somebody else keeps (V1's) stay as they are; where a run has none,
 * it gets them.
 */
#include <stdlib.h>

#include "ledger/gather.h"
#include "ledger/resum.h"

/* ---- tools -------------------------------------------------------------------------------------- */

typedef struct tool_count {
    sw_keyed_entry key; /* the run, the tool */
    int64_t messages;
    int64_t stored;
} tool_count;

/* Messages whose steps are still to be looked up, all at once. */
typedef struct calling {
    sw_resum_work *work;
    sw_str *ids;
    sw_tool_names *names;
    size_t count;
    sw_keyed runs; /* by step */
} calling;

typedef struct owner {
    sw_keyed_entry key; /* the step, its run */
    sw_str run_id;
} owner;

static sw_seen see_owner(void *arg, const void *row)
{
    calling *c = arg;
    const sw_step *step = row;
    sw_str run = sw__tools_run(step);
    owner *entry = sw__keyed_entry(&c->runs, step->id, SW_NULL_STR, sizeof *entry);

    if (entry && run.ptr) {
        entry->run_id = sw_arena_str(&c->work->batch, run);
    }
    if (!entry || c->work->batch.failed) {
        c->work->failed = sw_no_memory(&c->work->error);
        return SW_SEEN_STOP;
    }
    return SW_SEEN_COUNT;
}

static sw_status count_calls(calling *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const owner *o = sw__keyed_find(&c->runs, c->ids[i], SW_NULL_STR);
        for (size_t k = 0; o && o->run_id.ptr && k < c->names[i].count; k++) {
            tool_count *entry =
                sw__keyed_entry(&c->work->tools, o->run_id, c->names[i].at[k], sizeof *entry);
            if (!entry) {
                return sw_no_memory(&c->work->error);
            }
            entry->messages++;
        }
    }
    return SW_STATUS_OK;
}

static void flush_calls(calling *c)
{
    sw_resum_work *w = c->work;
    uint64_t fields = SW_MASK(SW_STEP_ID) | SW_MASK(SW_STEP_RUN_ID) | SW_MASK(SW_STEP_RETIRED_INTO);
    sw_status status = w->failed;

    c->runs = (sw_keyed){.arena = &w->batch};
    if (status == SW_STATUS_OK) {
        status = sw_store_get_many(w->group->session, SW_RECORD_STEP, c->ids, c->count, fields,
                                   see_owner, c, &w->error);
    }
    status = status == SW_STATUS_OK ? w->failed : status;
    w->failed = status == SW_STATUS_OK ? count_calls(c) : status;
    c->count = 0;
    sw_arena_reset(&w->batch);
}

static sw_seen see_message(void *arg, const void *row)
{
    calling *c = arg;
    sw_resum_work *w = c->work;
    const sw_message *m = row;
    sw_tool_names names = {.count = 0};

    if (m->sequence_id.value > w->last_sequence_id) {
        w->last_sequence_id = m->sequence_id.value;
    }
    if (m->step_id.ptr && !sw__tools_of(m->tool_calls, &w->batch, &names)) {
        w->failed = sw_no_memory(&w->error);
    }
    if (names.count > 0) {
        c->ids[c->count] = sw_arena_str(&w->batch, m->step_id);
        c->names[c->count++] = names;
    }
    if (c->count == SW_RESUM_BATCH) {
        flush_calls(c);
    }
    w->end->messages++;
    sw__resum_tick(w);
    return w->failed == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

sw_status sw__resum_messages(sw_resum_work *w, sw_error *err)
{
    calling c = {.work = w};
    sw_status status = SW_STATUS_OK;

    sw_arena_reset(&w->batch);
    c.ids = sw_arena_alloc(&w->one.arena, SW_RESUM_BATCH * sizeof *c.ids);
    c.names = sw_arena_alloc(&w->one.arena, SW_RESUM_BATCH * sizeof *c.names);
    if (!c.ids || !c.names) {
        return sw_no_memory(err);
    }
    status = sw__resum_walk(w, SW_RECORD_MESSAGE, SW_MESSAGE_ORGANIZATION_ID,
                            SW_MASK(SW_MESSAGE_STEP_ID) | SW_MASK(SW_MESSAGE_SEQUENCE_ID) |
                                SW_MASK(SW_MESSAGE_TOOL_CALLS),
                            see_message, &c, err);
    if (status == SW_STATUS_OK && c.count > 0) {
        flush_calls(&c);
        status = w->failed;
        if (status != SW_STATUS_OK) {
            *err = w->error;
        }
    }
    return status;
}

/* ---- tools, stored ------------------------------------------------------------------------------ */

typedef struct stale {
    sw_resum_work *work;
    sw_run_tool *rows; /* that no message calls for any more */
    size_t count;
    size_t room;
} stale;

static sw_seen see_stored(void *arg, const void *row)
{
    stale *s = arg;
    const sw_run_tool *stored = row;
    tool_count *entry = sw__keyed_find(&s->work->tools, stored->run_id, stored->tool);
    sw_run_tool *rows = NULL;

    if (entry) {
        entry->stored = stored->messages.value;
        return SW_SEEN_COUNT;
    }
    rows = sw_arena_grow(&s->work->one.arena, s->rows, s->count, &s->room, sizeof *rows);
    s->rows = rows ? rows : s->rows;
    if (!rows || !sw_row_copy(sw_record_of(SW_RECORD_RUN_TOOL), &rows[s->count++], row,
                              &s->work->one.arena)) {
        s->work->failed = sw_no_memory(&s->work->error);
        return SW_SEEN_STOP;
    }
    return SW_SEEN_COUNT;
}

static sw_status put_tools(sw_resum_work *w, sw_error *err)
{
    sw_run_tool *rows = sw_arena_zeroed(&w->one.arena, (w->tools.count + 1) * sizeof *rows);
    const void **list = sw_arena_alloc(&w->one.arena, (w->tools.count + 1) * sizeof *list);
    size_t count = 0;

    if (!rows || !list) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < w->tools.count; i++) {
        const tool_count *entry = (const void *)w->tools.all[i];
        if (entry->messages != entry->stored) {
            rows[count] = (sw_run_tool){.run_id = entry->key.a,
                                        .tool = entry->key.b,
                                        .organization_id = w->organization,
                                        .messages = sw_int_of(entry->messages)};
            list[count] = &rows[count];
            count++;
        }
    }
    return sw_store_put_many(w->group->session, SW_RECORD_RUN_TOOL, list, count, err);
}

static sw_status move_tools(sw_resum_work *w, sw_error *err)
{
    stale s = {.work = w};
    sw_status status =
        sw__resum_walk(w, SW_RECORD_RUN_TOOL, SW_RUN_TOOL_ORGANIZATION_ID, 0, see_stored, &s, err);

    if (status == SW_STATUS_OK) {
        status = put_tools(w, err);
    }
    for (size_t i = 0; i < s.count && status == SW_STATUS_OK; i++) {
        status = sw_store_remove(w->group->session, SW_RECORD_RUN_TOOL, &s.rows[i], err);
    }
    return status;
}

/* By run, then by tool as lists have them. */
static int by_run(const void *a, const void *b)
{
    const tool_count *x = *(const tool_count *const *)a;
    const tool_count *y = *(const tool_count *const *)b;
    int order = sw_str_cmp(x->key.a, y->key.a);

    return order ? order : sw_str_cmp(x->key.b, y->key.b);
}

/* The run's tools as JSON; null: it has none. */
static sw_status list_tools(const sw_resum_work *w, sw_str run, sw_str *out, sw_error *err)
{
    size_t low = 0, high = w->tools.count, many = 0;
    sw_json_out json;
    sw_buf buf;
    sw_status status = SW_STATUS_OK;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool before = sw_str_cmp(w->tools.all[middle]->a, run) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    *out = SW_NULL_STR;
    if (low == w->tools.count || !sw_str_eq(w->tools.all[low]->a, run)) {
        return status;
    }
    sw_buf_init(&buf, w->batch.from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&json, &buf, false);
    sw_json_open(&json, '[');
    for (; low < w->tools.count && many < SW_TOOLS && sw_str_eq(w->tools.all[low]->a, run);
         low++, many++) {
        sw_json_str(&json, w->tools.all[low]->b);
    }
    sw_json_close(&json, ']');
    *out = sw_arena_str((sw_arena *)(uintptr_t)&w->batch, sw_buf_str(&buf));
    status = buf.status == SW_STATUS_OK && out->ptr ? status : sw_no_memory(err);
    sw_buf_fini(&buf);
    return status;
}

/* ---- runs --------------------------------------------------------------------------------------- */

/* A few runs, and their totals. */
typedef struct page {
    sw_resum_work *work;
    sw_run_metrics *rows;
    const void **list;
    bool *existed;
    size_t count;
    sw_run last; /* where the next page begins */
    char last_id[SW_ID_MAX + 1];
} page;

static const uint64_t run_fields = SW_MASK(SW_RUN_ID) | SW_MASK(SW_RUN_STATUS) |
                                   SW_MASK(SW_RUN_COMPLETED_AT) | SW_MASK(SW_RUN_AGENT_ID) |
                                   SW_MASK(SW_RUN_TOTAL_DURATION_NS) | SW_MASK(SW_RUN_PROJECT_ID) |
                                   SW_MASK(SW_RUN_BASE_TEMPLATE_ID) | SW_MASK(SW_RUN_TEMPLATE_ID) |
                                   SW_MASK(SW_RUN_DEPLOYMENT_ID) | SW_MASK(SW_RUN_CREATED_AT);

/* As a run that Stepwell creates has them. */
static sw_status fill_row(page *p, const sw_run *run, sw_run_metrics *row, sw_error *err)
{
    static const sw_sums nothing;
    sw_resum_work *w = p->work;
    const int64_t bound = INT64_MAX / 1000;
    const sw_cell *cell = NULL;

    *row = (sw_run_metrics){.id = sw_arena_str(&w->batch, run->id),
                            .organization_id = w->organization,
                            .agent_id = sw_arena_str(&w->batch, run->agent_id),
                            .project_id = sw_arena_str(&w->batch, run->project_id),
                            .base_template_id = sw_arena_str(&w->batch, run->base_template_id),
                            .template_id = sw_arena_str(&w->batch, run->template_id),
                            .deployment_id = sw_arena_str(&w->batch, run->deployment_id),
                            .run_ns = sw__run_ns(run),
                            .created_at = run->created_at,
                            .updated_at = sw_int_of(w->group->now_us)};
    if (run->created_at.value < bound && run->created_at.value > -bound) {
        row->run_start_ns = sw_int_of(run->created_at.value * 1000);
    }
    sw_row_defaults(sw_record_of(SW_RECORD_RUN_METRICS), row);
    cell = sw_group_find_cell(&w->one, SW_ROLLUP_RUN, row);
    sw_sums_to_row(&sw__rollups[SW_ROLLUP_RUN], cell ? &cell->sums : &nothing, row);
    return w->batch.failed ? sw_no_memory(err) : list_tools(w, row->id, &row->tools_used, err);
}

static sw_seen see_run(void *arg, const void *row)
{
    page *p = arg;
    const sw_run *run = row;
    sw_resum_work *w = p->work;

    w->failed = fill_row(p, run, &p->rows[p->count], &w->error);
    p->list[p->count] = &p->rows[p->count];
    p->count++;
    sw_assert(run->id.len < sizeof p->last_id);
    memcpy(p->last_id, run->id.ptr, run->id.len);
    p->last = (sw_run){.id = sw_str_make(p->last_id, run->id.len), .created_at = run->created_at};
    w->runs++;
    w->end->runs++;
    return w->failed == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

static sw_status next_page(page *p, sw_error *err)
{
    sw_resum_work *w = p->work;
    sw_value value = {.text = w->organization};
    sw_condition mine = {SW_RUN_ORGANIZATION_ID, SW_OP_EQ, &value, 1};
    sw_scan scan = {.record = SW_RECORD_RUN,
                    .conditions = &mine,
                    .condition_count = 1,
                    .order = {SW_RUN_CREATED_AT, SW_RUN_ID},
                    .order_count = 2,
                    .after = p->last_id[0] ? &p->last : NULL,
                    .fields = run_fields,
                    .limit = SW_RESUM_BATCH};
    sw_run place = p->last; /* the visits move it on */
    char id[sizeof p->last_id];
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    memcpy(id, p->last_id, sizeof id);
    place.id.ptr = id;
    scan.after = scan.after ? &place : NULL;
    p->count = 0;
    sw_arena_reset(&w->batch);
    status = sw_store_scan(w->group->session, &scan, see_run, p, &end, err);
    if (status == SW_STATUS_OK && w->failed != SW_STATUS_OK) {
        *err = w->error;
        status = w->failed;
    }
    return status;
}

/* Totals that are there keep what is not counted from steps and messages. */
static sw_status write_page(page *p, sw_error *err)
{
    uint64_t counted = SW_MASK(SW_RUN_METRICS_TOOLS_USED) | SW_MASK(SW_RUN_METRICS_NUM_STEPS);
    size_t old = 0;
    sw_status status = sw_store_insert_many(p->work->group->session, SW_RECORD_RUN_METRICS, p->list,
                                            p->count, p->existed, err);

    for (size_t i = 1; i < SW_SUMS; i++) {
        counted |= SW_MASK(sw__rollups[SW_ROLLUP_RUN].first + i - 1);
    }
    for (size_t i = 0; i < p->count; i++) {
        p->list[old] = p->list[i];
        old += p->existed[i];
    }
    p->work->end->new_runs += (int64_t)(p->count - old);
    return status == SW_STATUS_OK
               ? sw_store_update_many(p->work->group->session, SW_RECORD_RUN_METRICS, p->list, old,
                                      counted, err)
               : status;
}

sw_status sw__resum_runs(sw_resum_work *w, sw_error *err)
{
    page p = {.work = w};
    sw_status status = move_tools(w, err);

    if (w->tools.count > 0) { /* by run; what finds an entry by its key is done with */
        qsort(w->tools.all, w->tools.count, sizeof(sw_keyed_entry *), by_run);
    }
    p.rows = sw_arena_alloc(&w->one.arena, SW_RESUM_BATCH * sizeof *p.rows);
    p.list = sw_arena_alloc(&w->one.arena, SW_RESUM_BATCH * sizeof *p.list);
    p.existed = sw_arena_alloc(&w->one.arena, SW_RESUM_BATCH * sizeof *p.existed);
    if (status == SW_STATUS_OK && (!p.rows || !p.list || !p.existed)) {
        status = sw_no_memory(err);
    }
    do {
        status = status == SW_STATUS_OK ? next_page(&p, err) : status;
        status = status == SW_STATUS_OK && p.count > 0 ? write_page(&p, err) : status;
    } while (status == SW_STATUS_OK && p.count == SW_RESUM_BATCH);
    return status;
}

/* ---- what it has counted ------------------------------------------------------------------------ */

sw_status sw__resum_head(sw_resum_work *w, int64_t moved, sw_error *err)
{
    sw_head *head = sw_group_head(w->group, w->organization, err);
    sw_task mine = *w->task;
    sw_status status = SW_STATUS_OK;

    if (!head) {
        return w->group->broken;
    }
    if (moved == 0 && head->runs == w->runs && head->sequence_id >= w->last_sequence_id) {
        return status;
    }
    head->runs = w->runs;
    if (head->sequence_id < w->last_sequence_id) {
        head->sequence_id = w->last_sequence_id;
    }
    sw_group_head_moved(w->group, head);
    mine.organization_id = w->organization;
    mine.user_id = SW_NULL_STR;
    w->group->reason = SW_STR("sums were computed anew");
    status = sw_group_journal(w->group, &mine, SW_CHANGE_UPDATED, SW_RECORD_ORGANIZATION,
                              w->organization, SW_NULL_STR, NULL, err);
    w->group->reason = SW_NULL_STR;
    return status;
}
