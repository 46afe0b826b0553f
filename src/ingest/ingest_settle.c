/* SPDX-License-Identifier: Apache-2.0 */
/* Traces are computed again, as a whole, when they are quiet: organizations and projects take turns, a very large
 * trace only every half minute. What comes out the same is not written again, so that a trace that was computed
 * whole with its last export costs nothing here but the clearing of its mark.
 */
#include "ingest/ingest_inside.h"

/* Marks that are cleared in one write. */
enum {
    MARKS_AT_ONCE = 256,
    POLLED = 1000,
    PRUNED = 1000,
    PRUNE_ROUNDS = 50,
    MOST_WAIT = 7,
    SHARE = 10
};

bool ingest_goes_on(const trace_result *result)
{
    for (size_t i = 0; i < result->run_count; i++) {
        if (result->runs[i].status.value == SW_RUN_STATUS_RUNNING) {
            return true;
        }
    }
    return result->waits;
}

bool ingest_has_ghosts(const ingest_memo *memo, const trace_result *result)
{
    for (size_t i = 0; i < result->ghost_count; i++) {
        if (ingest_recall(memo, ingest_run_note(memo, result->ghosts[i])) != 0) {
            return true;
        }
    }
    return false;
}

/* ---- which is next ------------------------------------------------------------------------------------- */

/* How long after it was computed the next time may be: so long that no trace takes more than a tenth of a processor; of
 * what failed twice as long each time, up to an hour. */
static int64_t pause_of(const ingest_unit *unit)
{
    int64_t share = unit->took_us * SHARE;
    uint32_t doubled = unit->failed > 1 ? unit->failed - 1 : 0;
    bool large = unit->count > SW_LIMIT_INGEST_LARGE || unit->heavy || unit->failed > 0;

    int64_t pause = large ? (SW_LIMIT_INGEST_LARGE_SECONDS * INT64_C(1000000))
                                << (doubled < MOST_WAIT ? doubled : MOST_WAIT)
                          : 0;

    return share > pause ? share : pause;
}

static bool is_due(const sw_ingest *in, const ingest_unit *unit, bool all, int64_t now)
{
    int64_t quiet = in->options.quiet_ms * 1000;
    int64_t longest = in->options.longest_ms * 1000;

    if (unit->workers > 0) {
        return false;
    }
    if (!all && unit->whole_us > 0 && now - unit->whole_us < pause_of(unit)) {
        return false;
    }
    return all || now - unit->came_us >= quiet || now - unit->dirty_us >= longest;
}

static ingest_unit *due_of(const sw_ingest *in, const ingest_tenant *tenant, bool all, int64_t now)
{
    ingest_unit *unit = tenant->first_dirty;

    while (unit && !is_due(in, unit, all, now)) {
        unit = unit->next_dirty;
    }
    return unit;
}

static ingest_unit *next_unit(sw_ingest *in, bool all)
{
    int64_t now = in->clock.mono_us(in->clock.data);
    ingest_tenant *first = in->turn && in->turn->next ? in->turn->next : in->tenants;
    ingest_tenant *tenant = first;
    ingest_unit *found = NULL;

    while (tenant && !found) {
        found = due_of(in, tenant, all, now);
        in->turn = tenant;
        tenant = tenant->next ? tenant->next : in->tenants;
        if (tenant == first) {
            break;
        }
    }
    return found;
}

/* ---- only marks ------------------------------------------------------------------------------------------- */

/* All is computed; only the store does not know it yet. */
static bool is_done(const ingest_unit *unit)
{
    return unit->marked && unit->computed == unit->version && unit->version > 0 && !unit->crowded &&
           !unit->waits;
}

typedef struct cleared {
    ingest_unit *unit;
    uint64_t version;
    bool alone;
} cleared;

static sw_status clear_marks(sw_ingest *in, ingest_unit *first, sw_error *err)
{
    cleared list[MARKS_AT_ONCE];
    size_t count = 0;
    const ingest_tenant *tenant = first->tenant;
    sw_actor actor = {.organization_id = tenant->organization_id, .project_id = tenant->project_id};
    sw_arena arena;
    ingest_plan plan = {.arena = &arena};
    bool planned = true;
    sw_status status = SW_STATUS_OK;

    sw_arena_init(&arena, &in->allocator, 0);
    for (ingest_unit *unit = first; unit && count < MARKS_AT_ONCE; unit = unit->next_dirty) {
        if (unit->workers == 0 && is_done(unit)) {
            cleared *c = &list[count++];
            *c = (cleared){.unit = unit, .version = unit->version};
            ingest_begin(unit, &c->alone);
            planned = planned && ingest_plan_mark(&plan, tenant, unit->id, SW_NULL_INT,
                                                  sw_int_of(unit->last_us));
        }
    }
    pthread_mutex_unlock(&in->lock);
    status = planned ? ingest_write(in, &actor, &plan, err) : sw_no_memory(err);
    pthread_mutex_lock(&in->lock);
    for (size_t i = 0; i < count; i++) {
        list[i].unit->marked = list[i].unit->marked && status != SW_STATUS_OK;
        ingest_done(in, list[i].unit, list[i].version, status == SW_STATUS_OK, list[i].alone);
    }
    sw_arena_fini(&arena);
    return status;
}

/* ---- computing --------------------------------------------------------------------------------------------- */

typedef struct settling {
    ingest_unit *unit;
    ingest_tenant *tenant;
    uint64_t version;
    bool alone;
    ingest_how how;
    int64_t last_us; /* wall: when something came last, as far as is known here */
    ingest_items items;
    ingest_memo memo;
    sw_raw_trace row;
    trace_result result;
    ingest_plan plan;
} settling;

/* A run without steps that telemetry made and no longer knows. */
static sw_status drop_ghost(sw_ingest *in, const sw_actor *actor, sw_str run_id, sw_error *err)
{
    sw_memory *memory = sw_memory_new(&in->allocator);
    sw_run run;
    sw_run_metrics metrics;
    sw_outcome outcome;
    sw_status status = memory ? SW_STATUS_OK : sw_no_memory(err);

    if (status == SW_STATUS_OK) {
        status = sw_get(in->ledger, actor, SW_RECORD_RUN, run_id, memory, &run, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_run_usage(in->ledger, actor, run_id, memory, &metrics, err);
    }
    if (status == SW_STATUS_OK && run.source.value == SW_SOURCE_OTLP &&
        metrics.num_steps.value == 0) {
        status = sw_run_delete(in->ledger, actor, run_id, &outcome, err);
    }
    if (memory) {
        sw_memory_free(&memory);
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* Where nothing is remembered, the store is asked for each. */
static sw_status drop_ghosts(sw_ingest *in, const sw_actor *actor, const settling *s, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < s->result.ghost_count && status == SW_STATUS_OK; i++) {
        sw_str run_id = s->result.ghosts[i];
        if (s->memo.size == 0 || ingest_recall(&s->memo, ingest_run_note(&s->memo, run_id)) != 0) {
            status = drop_ghost(in, actor, run_id, err);
        }
    }
    return status;
}

/* Whether nothing came for so long. */
static bool is_quiet(const sw_ingest *in, const settling *s, int64_t seconds)
{
    int64_t last = s->row.last_at.known ? s->row.last_at.value : s->last_us;

    return in->clock.wall_us(in->clock.data) - last >= seconds * 1000000;
}

/* The lock is not held. */
static sw_status compute(sw_ingest *in, settling *s, sw_error *err)
{
    sw_actor actor = {.organization_id = s->tenant->organization_id,
                      .project_id = s->tenant->project_id};
    sw_status status = SW_STATUS_OK;

    if (ingest_keeps(in)) {
        status =
            ingest_load_items(in, s->tenant, s->unit->id, s->plan.arena, &s->items, &s->row, err);
    }
    s->how.quiet = is_quiet(in, s, SW_LIMIT_INGEST_QUIET_SECONDS);
    s->how.at_once = s->how.at_once || is_quiet(in, s, SW_LIMIT_INGEST_RECORD_SECONDS);
    if (status == SW_STATUS_OK) {
        status = ingest_compute(in, s->tenant, &s->items, s->how, s->plan.arena, &s->result, err);
    }
    if (status == SW_STATUS_OK) {
        status = ingest_join_names(in, &actor, &s->result, s->plan.arena, err);
    }
    if (status == SW_STATUS_OK && !ingest_plan_result(&s->plan, &s->memo, &s->result)) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK && ingest_keeps(in) && !ingest_goes_on(&s->result) &&
        !ingest_plan_mark(&s->plan, s->tenant, s->unit->id, SW_NULL_INT, s->row.last_at)) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        status = ingest_write(in, &actor, &s->plan, err);
    }
    return status == SW_STATUS_OK ? drop_ghosts(in, &actor, s, err) : status;
}

/* What could not be computed, such as a trace that takes too much memory, is tried again when others had their turn,
 * and more and more seldom. */
static void put_off(sw_ingest *in, ingest_unit *unit)
{
    ingest_dirty(in, unit, false);
    ingest_dirty(in, unit, true);
    unit->heavy = true;
    unit->failed++;
    unit->whole_us = in->clock.mono_us(in->clock.data);
}

/* The lock is held. */
static void finish(sw_ingest *in, settling *s, bool good)
{
    ingest_unit *unit = s->unit;

    for (size_t i = 0; good && i < s->plan.note_count; i++) {
        ingest_note(in, unit, s->plan.notes[i].id, s->plan.notes[i].content);
    }
    for (size_t i = 0; good && i < s->result.ghost_count; i++) {
        uint64_t id = ingest_run_note(&s->memo, s->result.ghosts[i]);
        if (s->memo.size == 0 || ingest_recall(&s->memo, id) != 0) {
            ingest_note(in, unit, id, 0); /* it is gone; who needs it again writes it again */
        }
    }
    if (good) {
        unit->failed = 0;
        unit->waits = ingest_goes_on(&s->result);
        unit->spanless = s->result.waits;
        unit->marked = unit->waits && ingest_keeps(in);
        unit->crowded = unit->crowded && (!s->alone || unit->workers > 1);
        in->load.recomputed++;
        in->load.steps += s->plan.created;
        in->load.restated += s->plan.restated;
        in->load.retired += s->plan.retired;
    }
    ingest_done(in, unit, s->version, good, s->alone);
    if (!good) {
        put_off(in, unit);
    }
}

static sw_status settle_unit(sw_ingest *in, ingest_unit *unit, sw_error *err)
{
    sw_arena arena;
    settling s = {
        .unit = unit,
        .tenant = unit->tenant,
        .version = unit->version,
        .last_us = unit->last_us,
        .how = {.lean = unit->heavy, .at_once = unit->at_once},
    };
    int64_t began = in->clock.mono_us(in->clock.data);
    sw_status status = SW_STATUS_OK;

    sw_arena_init(&arena, &in->allocator, SW_LIMIT_INGEST_MEMORY_BYTES);
    s.plan.arena = &arena;
    ingest_begin(unit, &s.alone);
    if (!ingest_take(in, unit, &arena, &s.items, &s.memo)) {
        status = sw_no_memory(err);
    }
    pthread_mutex_unlock(&in->lock);
    if (status == SW_STATUS_OK) {
        status = compute(in, &s, err);
    }
    pthread_mutex_lock(&in->lock);
    unit->took_us = in->clock.mono_us(in->clock.data) - began;
    finish(in, &s, status == SW_STATUS_OK);
    sw_arena_fini(&arena);
    return status;
}

/* Of a trace whose spans are gone nothing is computed as a whole: each late span wrote its own step. */
static sw_status skip_unit(sw_ingest *in, ingest_unit *unit)
{
    ingest_dirty(in, unit, false);
    return SW_STATUS_OK;
}

sw_status ingest_step(sw_ingest *in, bool all, bool *did, sw_error *err)
{
    ingest_unit *unit = NULL;
    bool first = true;
    sw_status status = SW_STATUS_OK;

    pthread_mutex_lock(&in->lock);
    unit = next_unit(in, all);
    *did = unit != NULL;
    if (unit && is_done(unit)) {
        status = clear_marks(in, unit, err);
    } else if (unit && unit->partial) {
        status = skip_unit(in, unit);
    } else if (unit) {
        status = settle_unit(in, unit, err);
        first = unit->failed <= 1;
    }
    pthread_mutex_unlock(&in->lock);
    if (status != SW_STATUS_OK && first) {
        ingest_log(in, 1, "a trace could not be computed, and will be, more and more seldom: %s",
                   err ? err->message : "");
    }
    return status;
}

/* ---- what others marked --------------------------------------------------------------------------------------- */

typedef struct polling {
    sw_ingest *in;
    bool all;
    int64_t before_us;
    int64_t last_us; /* the mark that was looked at last */
    size_t seen;
    size_t found;
    bool over; /* nothing is left for the next time */
    bool no_memory;
} polling;

/* The lock is not held; the row lives until this returns. */
static bool see_marked(void *arg, const void *row)
{
    polling *p = arg;
    const sw_raw_trace *from = row;
    ingest_tenant *tenant = NULL;
    ingest_unit *unit = NULL;

    if (!p->all && (from->marked_at.value > p->before_us ||
                    (p->seen >= POLLED && from->marked_at.value != p->last_us))) {
        p->over = from->marked_at.value > p->before_us;
        return false; /* the rest is younger, or is looked at next time; those of one moment are not parted */
    }
    p->last_us = from->marked_at.value;
    p->seen++;
    if (from->unit.len != INGEST_UNIT) {
        return true;
    }
    pthread_mutex_lock(&p->in->lock);
    tenant = ingest_tenant_of(p->in, from->organization_id, from->project_id);
    unit = tenant ? ingest_find(p->in, tenant, (const uint8_t *)from->unit.ptr) : NULL;
    if (tenant && !unit) {
        unit = ingest_make(p->in, tenant, (const uint8_t *)from->unit.ptr);
        if (unit) {
            unit->bare = true;
            unit->last_us = from->last_at.known ? from->last_at.value : unit->last_us;
        }
    }
    if (unit && !unit->dirty && !unit->waits && unit->workers == 0) {
        unit->marked = true;
        unit->partial = unit->partial || from->frozen.value != 0;
        unit->computed = 0;
        unit->version++;
        ingest_dirty(p->in, unit, !unit->partial);
        p->found += !unit->partial;
    }
    p->no_memory = !unit;
    pthread_mutex_unlock(&p->in->lock);
    return !p->no_memory;
}

sw_status ingest_poll(sw_ingest *in, bool all, size_t *found, sw_error *err)
{
    polling p = {.in = in, .all = all, .over = true};
    sw_status status = SW_STATUS_OK;

    *found = 0;
    if (!ingest_keeps(in)) {
        return SW_STATUS_OK;
    }
    p.before_us = in->clock.wall_us(in->clock.data) - in->options.longest_ms * 1000;
    status = sw_telemetry_marked(in->ledger, all ? 0 : in->looked_us, SW_LIMIT_INGEST_WARM_TRACES,
                                 see_marked, &p, err);
    if (!all) { /* many may wait for silence, which are known here; behind them stand others */
        in->looked_us = p.over ? 0 : p.last_us;
    }
    *found = p.found;
    return status == SW_STATUS_OK && p.no_memory ? sw_no_memory(err) : status;
}

/* ---- what is over ------------------------------------------------------------------------------------------------ */

static void sweep_tenant(sw_ingest *in, ingest_tenant *tenant)
{
    int64_t now = in->clock.mono_us(in->clock.data);
    int64_t quiet = now - SW_LIMIT_INGEST_QUIET_SECONDS * INT64_C(1000000);
    int64_t record = now - SW_LIMIT_INGEST_RECORD_SECONDS * INT64_C(1000000);
    int64_t late = now - SW_LIMIT_INGEST_LATE_SECONDS * INT64_C(1000000);
    ingest_unit *unit = tenant->oldest;

    while (unit && unit->came_us <= record) {
        ingest_unit *newer = unit->newer;
        bool over = unit->waits && (unit->spanless || unit->came_us <= quiet);
        if (over && unit->workers == 0) {
            unit->computed = 0; /* though nothing came, silence says more */
            unit->waits = unit->spanless = false;
            ingest_dirty(in, unit, true);
        } else if (unit->came_us <= late && !unit->dirty && unit->workers == 0) {
            ingest_forget(in, unit);
        }
        unit = newer;
    }
}

void ingest_sweep(sw_ingest *in)
{
    pthread_mutex_lock(&in->lock);
    for (ingest_tenant *tenant = in->tenants; tenant; tenant = tenant->next) {
        sweep_tenant(in, tenant);
    }
    pthread_mutex_unlock(&in->lock);
}

/* At most so much at a time that writers hardly notice. Where nothing is kept, that goes which was kept while it still
 * was: nobody looks at it any more, and whoever turns keeping off means it. */
void ingest_prune(sw_ingest *in)
{
    int64_t day = INT64_C(86400) * 1000000;
    int64_t before = in->clock.wall_us(in->clock.data) - in->options.keep_days * day;
    int64_t removed = 0;
    bool left = true;
    sw_error err;

    for (int round = 0; left && round < PRUNE_ROUNDS && !ingest_is_closing(in); round++) {
        if (sw_telemetry_prune(in->ledger, before, in->options.keep_bytes, PRUNED, &removed, &left,
                               &err) != SW_STATUS_OK) {
            ingest_log(in, 1, "old telemetry could not be removed: %s", err.message);
            return;
        }
    }
}
