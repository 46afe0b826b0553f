/* SPDX-License-Identifier: Apache-2.0 */
/* From a window to the ledger: of each call the best telling is kept, whoever told it first; what is there already is
 * not written; the rest goes in as few transactions as it takes, what is remembered of files in the last one. So a
 * file counts as read only when all that came of it is durable.
 */
#include <stdlib.h>

#include "ingest/import_inside.h"

typedef struct deciding {
    import_work *work;
    import_made **sorted; /* by call, the best first */
    import_made **best;   /* one a call */
    size_t count;
    sw_transcript_call *there;
    sw_memory *memory;
    import_list ghosts; /* sw_str: runs that may have lost their last step */
    import_list folds;  /* sw_telemetry_fold */
    import_list losers; /* sw_telemetry_step: those that fold, of which nothing is to be left */
} deciding;

/* ---- within the window ---------------------------------------------------------------------------------- */

static int better(const import_made *a, const import_made *b)
{
    int c = memcmp(b->rank, a->rank, IMPORT_RANK);
    return c != 0 ? c : memcmp(b->content, a->content, IMPORT_DIGEST);
}

static int by_call(const void *a, const void *b)
{
    const import_made *x = *(import_made *const *)a;
    const import_made *y = *(import_made *const *)b;
    int c = memcmp(x->call, y->call, IMPORT_DIGEST);

    return c != 0 ? c : better(x, y);
}

static bool take_best(deciding *d)
{
    import_work *work = d->work;
    import_made *made = work->made.items;
    size_t n = work->made.count;

    d->sorted = sw_arena_alloc(&work->arena, (n + 1) * sizeof(import_made *));
    d->best = sw_arena_alloc(&work->arena, (n + 1) * sizeof(import_made *));
    d->there = sw_arena_zeroed(&work->arena, (n + 1) * sizeof *d->there);
    if (!d->sorted || !d->best || !d->there) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        d->sorted[i] = &made[i];
    }
    if (n > 0) {
        qsort(d->sorted, n, sizeof(void *), by_call);
    }
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || memcmp(d->sorted[i]->call, d->sorted[i - 1]->call, IMPORT_DIGEST) != 0) {
            d->best[d->count++] = d->sorted[i];
        } else {
            work->result->steps_unchanged++; /* told better by another */
        }
    }
    return true;
}

/* ---- against the ledger ---------------------------------------------------------------------------------- */

static sw_status look(deciding *d, sw_error *err)
{
    import_work *work = d->work;
    sw_str *names = sw_arena_alloc(&work->arena, (d->count + 1) * sizeof *names);

    if (!names) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < d->count; i++) {
        names[i] = sw_str_make(d->best[i]->call, IMPORT_DIGEST);
    }
    return work->options->send || !work->ledger || d->count == 0
               ? SW_STATUS_OK
               : sw_transcript_calls(work->ledger, work->actor, work->project_id, names, d->count,
                                     d->memory, d->there, err);
}

static bool same_owner(const sw_transcript_call *there, const import_made *made)
{
    return there->rank.len == IMPORT_RANK &&
           memcmp(there->rank.ptr + IMPORT_OWNER_AT, made->rank + IMPORT_OWNER_AT, IMPORT_OWNER) ==
               0;
}

/* What folds leaves its messages to the survivor, who says the same better: so it first becomes a copy of him that
 * says nothing. */
static sw_status fold_loser(deciding *d, const sw_transcript_call *there, const import_made *made,
                            sw_error *err)
{
    import_work *work = d->work;
    sw_telemetry_fold *fold = import_add(&work->arena, &d->folds, sizeof *fold);
    sw_telemetry_step *loser = import_add(&work->arena, &d->losers, sizeof *loser);

    if (!fold || !loser) {
        return sw_no_memory(err);
    }
    *fold = (sw_telemetry_fold){there->step_id, made->step.entry.step.id};
    loser->entry.step = made->step.entry.step;
    loser->entry.step.id = there->step_id;
    loser->input = &import_nothing;
    return SW_STATUS_OK;
}

/* It was told otherwise before; the run it was in then may be empty now. */
static sw_status note_loser(deciding *d, const sw_transcript_call *there, const import_made *made,
                            sw_error *err)
{
    import_work *work = d->work;
    sw_step old;
    sw_status status =
        sw_get(work->ledger, work->actor, SW_RECORD_STEP, there->step_id, d->memory, &old, err);
    sw_str *ghost = NULL;

    if (status == SW_STATUS_NOT_FOUND) {
        return SW_STATUS_OK;
    }
    if (status == SW_STATUS_OK && old.run_id.ptr &&
        !sw_str_eq(old.run_id, made->step.entry.step.run_id)) {
        ghost = import_add(&work->arena, &d->ghosts, sizeof *ghost);
        if (!ghost) {
            return sw_no_memory(err);
        }
        *ghost = old.run_id;
    }
    return status == SW_STATUS_OK && !sw_str_eq(there->step_id, made->step.entry.step.id)
               ? fold_loser(d, there, made, err)
               : status;
}

static sw_status decide_one(deciding *d, size_t i, sw_error *err)
{
    import_made *made = d->best[i];
    const sw_transcript_call *there = &d->there[i];
    sw_str rank = sw_str_make((const char *)made->rank, IMPORT_RANK);
    sw_str content = sw_str_make(made->content, IMPORT_DIGEST);
    int c = there->step_id.ptr ? sw_str_cmp(rank, there->rank) : 1;

    if (there->step_id.ptr && (sw_str_eq(content, there->content) || c < 0)) {
        made->ours = same_owner(there, made);
        d->work->result->steps_unchanged++;
        return SW_STATUS_OK;
    }
    made->write = made->ours = c > 0 || sw_str_cmp(content, there->content) > 0;
    if (!made->write) {
        d->work->result->steps_unchanged++;
        return SW_STATUS_OK;
    }
    return there->step_id.ptr && d->work->ledger ? note_loser(d, there, made, err) : SW_STATUS_OK;
}

/* A run is kept for its steps; with it those it came from. */
static void want_runs(deciding *d)
{
    import_run *runs = d->work->runs.items;

    for (size_t i = 0; i < d->count; i++) {
        size_t run = d->best[i]->ours ? d->best[i]->run : SIZE_MAX;
        for (; run != SIZE_MAX && !runs[run].wanted; run = runs[run].parent) {
            runs[run].wanted = true;
        }
    }
}

/* A sub-agent's run that turns out to come from another one: where it seemed to come from may be empty. */
static sw_status note_parents(deciding *d, sw_error *err)
{
    const import_run *runs = d->work->runs.items;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < d->work->runs.count && status == SW_STATUS_OK; i++) {
        sw_run old;
        sw_str *ghost = NULL;
        if (!runs[i].wanted || runs[i].parent == SIZE_MAX) {
            continue;
        }
        status = sw_get(d->work->ledger, d->work->actor, SW_RECORD_RUN, runs[i].row.id, d->memory,
                        &old, err);
        if (status == SW_STATUS_OK && old.parent_run_id.ptr &&
            !sw_str_eq(old.parent_run_id, runs[i].row.parent_run_id)) {
            ghost = import_add(&d->work->arena, &d->ghosts, sizeof *ghost);
            status = ghost ? status : sw_no_memory(err);
        }
        if (ghost) {
            *ghost = old.parent_run_id;
        }
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    return status;
}

static sw_status decide(deciding *d, sw_error *err)
{
    sw_status status = take_best(d) ? look(d, err) : sw_no_memory(err);

    for (size_t i = 0; i < d->count && status == SW_STATUS_OK; i++) {
        status = decide_one(d, i, err);
    }
    want_runs(d);
    return status == SW_STATUS_OK && d->work->ledger && !d->work->options->send
               ? note_parents(d, err)
               : status;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

enum { STEPS_AT_ONCE = 2000 };

static bool is_content(sw_status status)
{
    return status == SW_STATUS_INVALID || status == SW_STATUS_INVALID_ID ||
           status == SW_STATUS_NOT_FOUND || status == SW_STATUS_CONFLICT ||
           status == SW_STATUS_ILLEGAL_MOVE || status == SW_STATUS_RESTRICTED ||
           status == SW_STATUS_TOO_LARGE || status == SW_STATUS_EXISTS;
}

static sw_status write_batch(import_work *work, sw_telemetry_batch *batch, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    batch->outcomes = sw_arena_zeroed(&work->arena, (batch->step_count + 1) * sizeof(sw_outcome));
    if (!batch->outcomes) {
        return sw_no_memory(err);
    }
    if (work->options->dry_run) {
        work->result->steps_new += (int64_t)batch->step_count;
        return SW_STATUS_OK;
    }
    status = work->options->send ? work->options->send(work->options->arg, batch, err)
                                 : sw_telemetry_write(work->ledger, work->actor, batch, err);
    for (size_t i = 0; status == SW_STATUS_OK && i < batch->step_count; i++) {
        work->result->steps_new += batch->outcomes[i].verdict == SW_VERDICT_CREATED;
        work->result->steps_corrected += batch->outcomes[i].verdict == SW_VERDICT_UPDATED;
        work->result->steps_unchanged += batch->outcomes[i].verdict == SW_VERDICT_UNCHANGED;
    }
    return status;
}

/* The steps that are to be written, `from` on, with the runs and what is remembered of them. */
typedef struct writing {
    sw_run *runs;
    size_t run_count;
    sw_telemetry_step *steps;
    size_t step_count;
    sw_transcript_call *calls;
    size_t call_count;
} writing;

static sw_transcript_call call_of(const import_work *work, const import_made *made)
{
    return (sw_transcript_call){.project_id = work->project_id,
                                .call = sw_str_make(made->call, IMPORT_DIGEST),
                                .step_id = made->step.entry.step.id,
                                .rank = sw_str_make((const char *)made->rank, IMPORT_RANK),
                                .content = sw_str_make(made->content, IMPORT_DIGEST)};
}

static sw_status gather(deciding *d, writing *w, sw_error *err)
{
    import_work *work = d->work;
    const import_run *runs = work->runs.items;

    w->runs = sw_arena_alloc(&work->arena, (work->runs.count + 1) * sizeof *w->runs);
    w->steps = sw_arena_alloc(&work->arena, (d->count + d->losers.count + 1) * sizeof *w->steps);
    w->calls = sw_arena_alloc(&work->arena, (d->count + 1) * sizeof *w->calls);
    if (!w->runs || !w->steps || !w->calls) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < work->runs.count; i++) {
        if (runs[i].wanted) {
            w->runs[w->run_count++] = runs[i].row;
        }
    }
    for (size_t i = 0; i < d->count; i++) {
        if (d->best[i]->write) {
            w->steps[w->step_count++] = d->best[i]->step;
            w->calls[w->call_count++] = call_of(work, d->best[i]);
        }
    }
    for (size_t i = 0; i < d->losers.count; i++) {
        w->steps[w->step_count++] = ((const sw_telemetry_step *)d->losers.items)[i];
    }
    return SW_STATUS_OK;
}

static size_t part(size_t from, size_t count, size_t most)
{
    return from >= count ? 0 : count - from < most ? count - from : most;
}

/* In parts of at most `most`; what is refused alone costs itself only. */
static sw_status write_parts(deciding *d, const writing *w, size_t most, sw_error *err)
{
    import_work *work = d->work;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0, n = 0; i < w->run_count && status == SW_STATUS_OK; i += n) {
        sw_telemetry_batch batch = {.agents = work->agents.items,
                                    .agent_count = work->agents.count};
        n = part(i, w->run_count, most);
        batch.runs = w->runs + i;
        batch.run_count = n;
        status = write_batch(work, &batch, err);
        status = n == 1 && is_content(status) ? SW_STATUS_OK : status;
    }
    for (size_t i = 0, n = 0; i < w->step_count && status == SW_STATUS_OK; i += n) {
        sw_telemetry_batch batch = {.agents = work->agents.items,
                                    .agent_count = work->agents.count};
        n = part(i, w->step_count, most);
        batch.steps = w->steps + i;
        batch.step_count = n;
        batch.calls = w->calls + i;
        batch.call_count = part(i, w->call_count, n);
        status = write_batch(work, &batch, err);
        if (n == 1 && is_content(status)) {
            work->result->steps_refused++;
            status = SW_STATUS_OK;
        }
    }
    return status;
}

/* What becomes of tellings that were told better, and that the files were read. */
static sw_status write_rest(deciding *d, sw_error *err)
{
    import_work *work = d->work;
    sw_telemetry_batch batch = {.folds = d->folds.items,
                                .fold_count = d->folds.count,
                                .files = work->files.items,
                                .file_count = work->files.count};

    return batch.fold_count + batch.file_count > 0 && !work->options->dry_run &&
                   !work->options->send
               ? write_batch(work, &batch, err)
               : SW_STATUS_OK;
}

/* All at once where it is not much: then it costs one commit. */
static sw_status write_whole(deciding *d, const writing *w, sw_error *err)
{
    import_work *work = d->work;
    sw_telemetry_batch batch = {.agents = work->agents.items,
                                .agent_count = w->run_count > 0 ? work->agents.count : 0,
                                .runs = w->runs,
                                .run_count = w->run_count,
                                .steps = w->steps,
                                .step_count = w->step_count,
                                .folds = d->folds.items,
                                .fold_count = d->folds.count,
                                .calls = w->calls,
                                .call_count = w->call_count,
                                .files = work->files.items,
                                .file_count = work->files.count};

    return batch.run_count + batch.step_count + batch.fold_count + batch.file_count > 0
               ? write_batch(work, &batch, err)
               : SW_STATUS_OK;
}

static bool see_one(void *arg, const void *row)
{
    (void)row;
    *(bool *)arg = true;
    return false;
}

/* Whether it has steps, or began other runs. */
static sw_status is_needed(const deciding *d, sw_str run_id, bool *needed, sw_error *err)
{
    sw_value id = {.text = run_id};
    sw_condition began = {SW_RUN_PARENT_RUN_ID, SW_OP_EQ, &id, 1};
    sw_list_query query = {
        .conditions = &began, .condition_count = 1, .limit = 1, .look_limit = -1};
    sw_list_end end;
    sw_run_metrics metrics;
    sw_status status =
        sw_run_usage(d->work->ledger, d->work->actor, run_id, d->memory, &metrics, err);

    *needed = status == SW_STATUS_OK && metrics.num_steps.value > 0;
    return status == SW_STATUS_OK && !*needed
               ? sw_list(d->work->ledger, d->work->actor, SW_RECORD_RUN, &query, see_one, needed,
                         &end, err)
               : status;
}

/* A run that a part of the files gave, and all together do not. What it came from may go with it. */
static sw_status drop_ghost(const deciding *d, sw_str run_id, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    while (run_id.ptr && status == SW_STATUS_OK) {
        sw_run run;
        sw_outcome outcome;
        bool needed = true;
        status =
            sw_get(d->work->ledger, d->work->actor, SW_RECORD_RUN, run_id, d->memory, &run, err);
        if (status == SW_STATUS_OK && run.source.value == SW_SOURCE_TRANSCRIPT) {
            status = is_needed(d, run_id, &needed, err);
        }
        if (status != SW_STATUS_OK || needed) {
            break;
        }
        status = sw_run_delete(d->work->ledger, d->work->actor, run_id, &outcome, err);
        run_id = run.parent_run_id;
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_status drop_ghosts(const deciding *d, sw_error *err)
{
    const sw_str *ghosts = d->ghosts.items;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < d->ghosts.count && status == SW_STATUS_OK; i++) {
        status = d->work->options->dry_run ? SW_STATUS_OK : drop_ghost(d, ghosts[i], err);
    }
    return status;
}

static sw_status write_all(deciding *d, sw_error *err)
{
    writing w = {.runs = NULL};
    sw_status status = gather(d, &w, err);
    bool small = w.run_count <= STEPS_AT_ONCE && w.step_count <= STEPS_AT_ONCE &&
                 d->folds.count <= STEPS_AT_ONCE && d->work->files.count <= STEPS_AT_ONCE;

    if (status == SW_STATUS_OK) {
        d->work->result->runs += (int64_t)w.run_count;
        status = small ? write_whole(d, &w, err) : write_parts(d, &w, STEPS_AT_ONCE, err);
    }
    if (is_content(status)) {
        status = write_parts(d, &w, 1, err);
        small = false;
    }
    if (status == SW_STATUS_OK && !small) {
        status = write_rest(d, err);
    }
    return status == SW_STATUS_OK ? drop_ghosts(d, err) : status;
}

/* ---- the window -------------------------------------------------------------------------------------------- */

sw_status import_flush(import_work *work, sw_error *err)
{
    deciding d = {.work = work, .memory = sw_memory_new(work->allocator)};
    sw_status status = d.memory ? decide(&d, err) : sw_no_memory(err);

    if (status == SW_STATUS_OK) {
        status = write_all(&d, err);
    }
    if (d.memory) {
        sw_memory_free(&d.memory);
    }
    work->made = work->runs = work->agents = work->files = (import_list){NULL, 0, 0};
    sw_arena_reset(&work->arena);
    return status;
}
