/* SPDX-License-Identifier: Apache-2.0 */
/* Sums computed anew. The rows are counted by the functions of the write path into a group of their own; what is stored
 * is taken away from that; and what is left, the differences, is written as any group writes what it moved. So a
 * second time changes nothing, and a sum that was right is not touched.
 *
 * It works organization by organization, and remembers what one of them has: its cells, its runs, its tools.
 */
#include "ledger/resum.h"

/* Steps whose timings are still to be looked up, all at once. */
typedef struct timing {
    sw_resum_work *work;
    sw_step *steps;
    sw_str *ids;
    size_t count;
    sw_keyed by_id; /* entries: the step's place in `steps` */
} timing;

typedef struct place {
    sw_keyed_entry key;
    size_t at;
} place;

static const uint64_t step_fields =
    SW_MASK(SW_STEP_ID) | SW_MASK(SW_STEP_ORGANIZATION_ID) | SW_MASK(SW_STEP_PROJECT_ID) |
    SW_MASK(SW_STEP_AGENT_ID) | SW_MASK(SW_STEP_RUN_ID) | SW_MASK(SW_STEP_MODEL) |
    SW_MASK(SW_STEP_STATUS) | SW_MASK(SW_STEP_CREATED_AT) | SW_MASK(SW_STEP_PROMPT_TOKENS) |
    SW_MASK(SW_STEP_COMPLETION_TOKENS) | SW_MASK(SW_STEP_TOTAL_TOKENS) |
    SW_MASK(SW_STEP_CACHED_INPUT_TOKENS) | SW_MASK(SW_STEP_CACHE_WRITE_TOKENS) |
    SW_MASK(SW_STEP_REASONING_TOKENS) | SW_MASK(SW_STEP_COST_NANO_USD) |
    SW_MASK(SW_STEP_USAGE_STATE) | SW_MASK(SW_STEP_RETIRED_INTO);

/* ---- walking ------------------------------------------------------------------------------------ */

sw_status sw__resum_walk(sw_resum_work *w, sw_record_id record, uint8_t owner, uint64_t fields,
                         sw_visit *visit, void *arg, sw_error *err)
{
    sw_value value = {.text = w->organization};
    sw_condition mine = {owner, SW_OP_EQ, &value, 1};
    sw_scan scan = {.record = record,
                    .conditions = &mine,
                    .condition_count = 1,
                    .fields = fields,
                    .unordered = true};
    sw_scan_end end;
    sw_status status = sw_store_scan(w->group->session, &scan, visit, arg, &end, err);

    if (status == SW_STATUS_OK && w->failed != SW_STATUS_OK) {
        *err = w->error;
        status = w->failed;
    }
    return status;
}

void sw__resum_tick(sw_resum_work *w)
{
    w->done++;
    if (w->progress && w->done % SW_RESUM_BATCH == 0) {
        w->progress(w->arg, w->done);
    }
}

/* ---- steps and their timings -------------------------------------------------------------------- */

static sw_seen see_metrics(void *arg, const void *row)
{
    timing *t = arg;
    const sw_step_metrics *metrics = row;
    const place *found = sw__keyed_find(&t->by_id, metrics->id, SW_NULL_STR);

    if (found) {
        t->work->failed =
            sw_group_time(&t->work->one, &t->steps[found->at], metrics, +1, &t->work->error);
    }
    return t->work->failed == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

static void flush_timing(timing *t)
{
    sw_resum_work *w = t->work;
    uint64_t fields = SW_MASK(SW_STEP_METRICS_ID) | SW_MASK(SW_STEP_METRICS_STEP_NS) |
                      SW_MASK(SW_STEP_METRICS_LLM_REQUEST_NS) |
                      SW_MASK(SW_STEP_METRICS_TOOL_EXECUTION_NS);
    sw_status status = w->failed == SW_STATUS_OK
                           ? sw_store_get_many(w->group->session, SW_RECORD_STEP_METRICS, t->ids,
                                               t->count, fields, see_metrics, t, &w->error)
                           : w->failed;

    w->failed = w->failed == SW_STATUS_OK ? status : w->failed;
    t->count = 0;
    sw_arena_reset(&w->batch);
    t->by_id = (sw_keyed){.arena = &w->batch};
}

/* Only what sw_group_time reads is kept of it. */
static bool keep_step(timing *t, const sw_step *step)
{
    sw_arena *arena = &t->work->batch;
    place *at = sw__keyed_entry(&t->by_id, step->id, SW_NULL_STR, sizeof *at);

    if (!at) {
        return false;
    }
    at->at = t->count;
    t->ids[t->count] = at->key.a;
    t->steps[t->count++] = (sw_step){.id = at->key.a,
                                     .organization_id = t->work->organization,
                                     .model = sw_arena_str(arena, step->model),
                                     .created_at = step->created_at,
                                     .retired_into = sw_arena_str(arena, step->retired_into)};
    return !arena->failed;
}

static sw_seen see_step(void *arg, const void *row)
{
    timing *t = arg;
    sw_resum_work *w = t->work;

    w->failed = sw_group_count(&w->one, row, +1, &w->error);
    if (w->failed == SW_STATUS_OK && !keep_step(t, row)) {
        w->failed = sw_no_memory(&w->error);
    }
    if (w->failed == SW_STATUS_OK && t->count == SW_RESUM_BATCH) {
        flush_timing(t);
    }
    w->end->steps++;
    sw__resum_tick(w);
    return w->failed == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

static sw_status gather_steps(sw_resum_work *w, sw_error *err)
{
    timing t = {.work = w, .by_id = {.arena = &w->batch}};
    sw_status status = SW_STATUS_OK;

    sw_arena_reset(&w->batch);
    t.steps = sw_arena_alloc(&w->one.arena, SW_RESUM_BATCH * sizeof *t.steps);
    t.ids = sw_arena_alloc(&w->one.arena, SW_RESUM_BATCH * sizeof *t.ids);
    if (!t.steps || !t.ids) {
        return sw_no_memory(err);
    }
    status =
        sw__resum_walk(w, SW_RECORD_STEP, SW_STEP_ORGANIZATION_ID, step_fields, see_step, &t, err);
    if (status == SW_STATUS_OK && t.count > 0) {
        flush_timing(&t);
        status = w->failed;
        if (status != SW_STATUS_OK) {
            *err = w->error;
        }
    }
    return status;
}

/* ---- less what is stored ------------------------------------------------------------------------ */

typedef struct taking {
    sw_resum_work *work;
    sw_group *from;
    size_t which;
    sw_record_id record;
} taking;

static sw_seen take_cell(void *arg, const void *row)
{
    taking *t = arg;
    sw_cell *cell = sw_group_make_cell(t->from, t->which, row);
    sw_sums stored;

    if (!cell) {
        t->work->failed = sw_no_memory(&t->work->error);
        return SW_SEEN_STOP;
    }
    sw_sums_from_row(&sw__rollups[t->which], row, &stored);
    sw_sums_add(&cell->sums, &stored, -1);
    return SW_SEEN_COUNT;
}

static bool take_times(sw_group *from, sw_spread *spread, sw_str *const fields[3])
{
    for (size_t i = 0; i < 3; i++) {
        sw_histogram stored = {.count = {0}};
        if (!sw_histogram_add(&stored, *fields[i])) {
            return false;
        }
        for (size_t b = 0; b < SW_BUCKETS; b++) {
            if (stored.count[b] &&
                !sw_tally_add(&spread->times[i], b, -(int32_t)stored.count[b], &from->arena)) {
                return false;
            }
        }
    }
    return true;
}

static sw_seen take_spread(void *arg, const void *row)
{
    taking *t = arg;
    sw_spread *spread = sw_group_make_spread(t->from, t->record, row);
    sw_str *fields[3];

    sw_spread_fields(t->record, (void *)(uintptr_t)row, fields);
    if (!spread || !take_times(t->from, spread, fields)) {
        t->work->failed = sw_fail(&t->work->error, SW_STATUS_CORRUPT, "",
                                  "a latency histogram is damaged, or there is no memory");
        return SW_SEEN_STOP;
    }
    return SW_SEEN_COUNT;
}

static sw_status take_all(taking *t, bool owned, sw_visit *visit, sw_error *err)
{
    const sw_record *record = sw_record_of(t->record);
    int owner = sw_record_field(record, SW_STR("organization_id"));
    sw_scan scan = {.record = t->record, .unordered = true};
    sw_scan_end end;

    sw_assert(!owned || owner >= 0);
    if (owned) {
        return sw__resum_walk(t->work, t->record, (uint8_t)owner, 0, visit, t, err);
    }
    sw_status status = sw_store_scan(t->work->group->session, &scan, visit, t, &end, err);
    if (status == SW_STATUS_OK && t->work->failed != SW_STATUS_OK) {
        *err = t->work->error;
        status = t->work->failed;
    }
    return status;
}

static sw_status take_stored(sw_resum_work *w, sw_error *err)
{
    static const size_t owned[] = {SW_ROLLUP_PROJECT_DAY, SW_ROLLUP_ORG_HOUR, SW_ROLLUP_AGENT_DAY};
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < SW_COUNT(owned) && status == SW_STATUS_OK; i++) {
        taking t = {w, &w->one, owned[i], sw__rollups[owned[i]].record};
        status = take_all(&t, true, take_cell, err);
    }
    if (status == SW_STATUS_OK) {
        taking t = {w, &w->one, 0, SW_RECORD_LATENCY_ORG_DAY};
        status = take_all(&t, true, take_spread, err);
    }
    return status;
}

/* ---- what moved --------------------------------------------------------------------------------- */

static bool any(const sw_sums *sums)
{
    static const sw_sums nothing;
    return memcmp(sums, &nothing, sizeof nothing) != 0;
}

/* Cells of all organizations go over to the group of all; those of runs have been written. */
static sw_status hand_over(sw_resum_work *w, int64_t *moved, sw_error *err)
{
    for (size_t i = 0; i < w->one.cells.size; i++) {
        sw_cell *cell = w->one.cells.slots[i];
        if (!cell) {
            continue;
        }
        if (cell->which == SW_ROLLUP_MODEL_DAY) {
            sw_cell *sum = sw_group_make_cell(&w->all, cell->which, cell->key);
            if (!sum) {
                return sw_no_memory(err);
            }
            sw_sums_add(&sum->sums, &cell->sums, 1);
        }
        if (cell->which == SW_ROLLUP_MODEL_DAY || cell->which == SW_ROLLUP_RUN) {
            memset(&cell->sums, 0, sizeof cell->sums);
        }
        *moved += any(&cell->sums);
    }
    return sw_group_carry_spreads(&w->all, &w->one, SW_RECORD_LATENCY_MODEL_DAY, err);
}

/* Histograms in which nothing changes, and those of other groups, are not written. */
static void drop_spreads(sw_group *group, sw_record_id keep)
{
    for (size_t i = 0; i < group->spreads.size; i++) {
        const sw_spread *spread = group->spreads.slots[i];
        bool moves = false;
        for (size_t k = 0; spread && spread->record == keep && k < 3; k++) {
            sw_histogram change = {.count = {0}};
            sw_histogram_move(&change, &spread->times[k]);
            for (size_t b = 0; b < SW_BUCKETS; b++) {
                moves = moves || change.count[b] != 0;
            }
        }
        if (!moves) {
            group->spreads.slots[i] = NULL; /* nothing is looked up any more */
        }
    }
}

/* ---- one organization, then all ------------------------------------------------------------------ */

static sw_status resum_organization(sw_resum_work *w, sw_error *err)
{
    int64_t moved = 0;
    sw_status status = SW_STATUS_OK;

    sw_group_start(&w->one, w->group->session);
    w->tools = (sw_keyed){.arena = &w->one.arena};
    w->runs = w->last_sequence_id = 0;
    status = gather_steps(w, err);
    if (status == SW_STATUS_OK) {
        status = sw__resum_messages(w, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__resum_runs(w, err);
    }
    if (status == SW_STATUS_OK) {
        status = take_stored(w, err);
    }
    if (status == SW_STATUS_OK) {
        status = hand_over(w, &moved, err);
    }
    if (status == SW_STATUS_OK) {
        drop_spreads(&w->one, SW_RECORD_LATENCY_ORG_DAY);
        status = sw_group_flush(&w->one, err);
    }
    w->end->organizations++;
    w->end->moved += moved;
    return status == SW_STATUS_OK ? sw__resum_head(w, moved, err) : status;
}

static sw_status resum_rest(sw_resum_work *w, sw_error *err)
{
    taking cells = {w, &w->all, SW_ROLLUP_MODEL_DAY, SW_RECORD_USAGE_MODEL_DAY};
    taking times = {w, &w->all, 0, SW_RECORD_LATENCY_MODEL_DAY};
    sw_status status = take_all(&cells, false, take_cell, err);

    if (status == SW_STATUS_OK) {
        status = take_all(&times, false, take_spread, err);
    }
    if (status == SW_STATUS_OK) {
        drop_spreads(&w->all, SW_RECORD_LATENCY_MODEL_DAY);
        status = sw_group_flush(&w->all, err);
    }
    return status;
}

typedef struct owners {
    sw_arena *arena;
    sw_str *ids;
    size_t count;
    size_t room;
} owners;

static sw_seen keep_owner(void *arg, const void *row)
{
    owners *o = arg;
    sw_str *ids = sw_arena_grow(o->arena, o->ids, o->count, &o->room, sizeof *ids);

    if (!ids) {
        return SW_SEEN_STOP;
    }
    o->ids = ids;
    ids[o->count++] = sw_arena_str(o->arena, ((const sw_organization *)row)->id);
    return SW_SEEN_COUNT;
}

static sw_status resum_all(sw_resum_work *w, sw_error *err)
{
    owners o = {.arena = &w->all.arena};
    sw_scan scan = {
        .record = SW_RECORD_ORGANIZATION, .fields = SW_MASK(SW_ORGANIZATION_ID), .unordered = true};
    sw_scan_end end;
    sw_status status = sw_store_scan(w->group->session, &scan, keep_owner, &o, &end, err);

    if (status == SW_STATUS_OK && o.arena->failed) {
        status = sw_no_memory(err);
    }
    for (size_t i = 0; i < o.count && status == SW_STATUS_OK; i++) {
        w->organization = o.ids[i];
        status = resum_organization(w, err);
    }
    return status == SW_STATUS_OK ? resum_rest(w, err) : status;
}

static sw_status apply_resum(sw_group *group, sw_task *task, sw_error *err)
{
    const sw_resum_work *given = task->arg;
    sw_resum_work w = *given;
    sw_status status = sw_group_init(&w.one, group->ledger, err);

    memset(w.end, 0, sizeof *w.end);
    w.group = group;
    w.task = task;
    sw_arena_init(&w.batch, &group->ledger->allocator, 0);
    if (status == SW_STATUS_OK) {
        status = sw_group_init(&w.all, group->ledger, err);
    }
    if (status == SW_STATUS_OK) {
        sw_group_start(&w.all, group->session);
        status = resum_all(&w, err);
    }
    sw_group_fini(&w.one);
    sw_group_fini(&w.all);
    sw_arena_fini(&w.batch);
    return sw_group_must(group, status, err);
}

sw_status sw_resum(sw_ledger *ledger, sw_resum_progress *progress, void *arg, sw_resum_end *end,
                   sw_error *err)
{
    sw_resum_work work = {.progress = progress, .arg = arg, .end = end};
    sw_task task = {
        .apply = apply_resum, .arg = &work, .weight = 1, .own_organization = true, .alone = true};

    return sw__submit(ledger, NULL, &task, err);
}
