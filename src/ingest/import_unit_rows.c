/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of runs from what a unit was found to hold, and what is said of runs and steps alike. A run is made for its
 * calls: one without any is none, and those that came from it come from the one above.
 */
#include "ingest/import_unit.h"
#include "ingest/span.h"
#include "ingest/trace_inside.h"

enum { US = 1000 };
#define SECOND_US INT64_C(1000000)

static sw_str run_id(unit *u, const unit_run *run)
{
    return import_id(u->work, "run", run->kind, run->keys, run->key_count);
}

sw_str unit_agent(const unit *u, const unit_run *run)
{
    return run->agent_type.len ? run->agent_type : sw_str_from(u->traits->agent);
}

/* The nearest run above that has steps; those on the way to it come from it too, from now on. */
static uint32_t run_above(const unit *u, uint32_t run)
{
    uint32_t above = u->runs[run].parent;

    while (above != UNIT_NONE && u->runs[above].calls == 0) {
        above = u->runs[above].parent;
    }
    while (u->runs[run].parent != above) {
        uint32_t next = u->runs[run].parent;
        u->runs[run].parent = above;
        run = next;
    }
    return above;
}

sw_str unit_conversation(const unit_run *run)
{
    return run->session.len ? run->session : SW_NULL_STR;
}

int64_t unit_us(int64_t us)
{
    return us == INT64_MIN || us == INT64_MAX ? 0 : us;
}

static void end_run(unit *u, const unit_run *run, sw_run *row)
{
    const unit_event *last = &u->events[run->last_call];
    const unit_call *call = &u->calls[last->call];
    span_end end = {.status = SW_STEP_STATUS_SUCCESS};
    bool told = span_finish(u->events[call->best].e.stop, &end) && !end.calls_tools;

    row->status = sw_int_of(SW_RUN_STATUS_RUNNING);
    if (run->stopped) {
        row->status = sw_int_of(SW_RUN_STATUS_CANCELLED);
        row->stop_reason = SW_STR("cancelled");
    } else if (u->events[call->best].e.failed) {
        row->status = sw_int_of(SW_RUN_STATUS_FAILED);
        row->stop_reason = SW_STR("llm_api_error");
    } else if (told || run->ended) {
        row->status = sw_int_of(SW_RUN_STATUS_COMPLETED);
        row->stop_reason = end.stop_reason.ptr ? end.stop_reason : SW_STR("end_turn");
    } else if (u->work->now_us - unit_us(u->events[run->last].at_us) >
               SW_LIMIT_INGEST_QUIET_SECONDS * SECOND_US) {
        row->status = sw_int_of(SW_RUN_STATUS_COMPLETED); /* by silence */
    }
}

sw_str unit_place(unit *u, const transcript_event *e, const unit_call *call)
{
    sw_buf buf;
    sw_json_out out;

    sw_buf_init(&buf, u->work->arena.from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '{');
    const struct {
        sw_str key;
        sw_str value;
    } members[] = {{SW_STR("cwd"), e->cwd},
                   {SW_STR("branch"), e->branch},
                   {SW_STR("version"), e->version},
                   {SW_STR("session"), e->session},
                   {SW_STR("speed"), e->usage.speed}};
    for (size_t i = 0; i < SW_COUNT(members); i++) {
        if (members[i].value.len) {
            sw_json_key(&out, members[i].key);
            sw_json_str(&out, members[i].value);
        }
    }
    if (e->usage.iterations.ptr && sw_json_valid(e->usage.iterations, NULL, NULL)) {
        sw_json_key(&out, SW_STR("iterations"));
        sw_json_raw(&out, e->usage.iterations);
    }
    if (call && call->rewound) {
        sw_json_key(&out, SW_STR("rewound"));
        sw_json_bool(&out, true);
    }
    if (call) {
        sw_json_key(&out, SW_STR("durations"));
        sw_json_str(&out, SW_STR("estimated"));
    }
    sw_json_close(&out, '}');
    return sw_buf_take(&buf, &u->work->arena);
}

static bool make_run(unit *u, uint32_t number)
{
    unit_run *run = &u->runs[number];
    const unit_event *first = &u->events[run->first];
    uint32_t above = run_above(u, number);
    import_run *made = import_add(&u->work->arena, &u->work->runs, sizeof *made);
    int64_t begin = unit_us(first->at_us);
    int64_t end = unit_us(u->events[run->last].at_us);

    if (!made) {
        return false;
    }
    run->row = u->work->runs.count - 1;
    made->parent = above == UNIT_NONE ? SIZE_MAX : above; /* of the unit; settled below */
    made->row = (sw_run){.id = run_id(u, run),
                         .agent_id = import_agent(u->work, unit_agent(u, run)),
                         .project_id = u->work->project_id,
                         .conversation_id = unit_conversation(run),
                         .metadata = unit_place(u, &first->e, NULL),
                         .source = sw_int_of(SW_SOURCE_TRANSCRIPT),
                         .created_at = sw_int_of(begin)};
    end_run(u, run, &made->row);
    if (made->row.status.value != SW_RUN_STATUS_RUNNING) {
        made->row.completed_at = sw_int_of(end);
        made->row.total_duration_ns = sw_int_of((end - begin) * US);
    }
    return !u->work->arena.failed;
}

/* The parents' places in the window are known when all have one. */
static void settle_parents(unit *u, size_t from)
{
    import_run *all = u->work->runs.items;

    for (size_t i = from; i < u->work->runs.count; i++) {
        if (all[i].parent != SIZE_MAX) {
            all[i].parent = u->runs[all[i].parent].row;
            all[i].row.parent_run_id = all[all[i].parent].row.id;
        }
    }
}

bool unit_make_runs(unit *u)
{
    size_t from = u->work->runs.count;

    for (uint32_t i = 0; i < u->run_count; i++) {
        if (u->runs[i].calls > 0 && !make_run(u, i)) {
            return false;
        }
    }
    settle_parents(u, from);
    return true;
}
