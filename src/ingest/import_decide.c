/* SPDX-License-Identifier: Apache-2.0 */
/* What of a window is to be written: of each call the best telling is kept, whoever told it first; what is there already
 * is not written again; and what becomes of tellings, and of runs, that give way.
 */
#include <stdlib.h>

#include "ingest/import_inside.h"

typedef struct deciding {
    import_work *work;
    import_decided *out;
    sw_transcript_call *there; /* of each of the best */
    sw_memory *memory;
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
    size_t count = 0;
    import_made **all = sw_arena_alloc(&work->arena, (n + 1) * sizeof(import_made *));

    d->there = sw_arena_zeroed(&work->arena, (n + 1) * sizeof *d->there);
    if (!all || !d->there) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        all[i] = &made[i];
    }
    if (n > 0) {
        qsort(all, n, sizeof(void *), by_call);
    }
    for (size_t i = 0; i < n; i++) {
        if (count == 0 || memcmp(all[i]->call, all[count - 1]->call, IMPORT_DIGEST) != 0) {
            all[count++] = all[i];
        } else {
            work->result->steps_unchanged++; /* told better by another */
        }
    }
    d->out->best = all;
    d->out->count = count;
    return true;
}

/* ---- against the ledger ---------------------------------------------------------------------------------- */

static sw_status look(const deciding *d, sw_error *err)
{
    import_work *work = d->work;
    size_t n = d->out->count;
    sw_str *names = sw_arena_alloc(&work->arena, (n + 1) * sizeof *names);

    if (!names) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = sw_str_make(d->out->best[i]->call, IMPORT_DIGEST);
    }
    return n == 0 ? SW_STATUS_OK
                  : sw_transcript_calls(work->ledger, work->actor, work->project_id, names, n,
                                        d->memory, d->there, err);
}

static bool same_owner(const sw_transcript_call *there, const import_made *made)
{
    return there->rank.len == IMPORT_RANK &&
           memcmp(there->rank.ptr + IMPORT_OWNER_AT, made->rank + IMPORT_OWNER_AT, IMPORT_OWNER) ==
               0;
}

/* It was told otherwise before: as another step, or in another run. */
static sw_status note_old(const deciding *d, const sw_transcript_call *there, import_made *made,
                          sw_error *err)
{
    sw_arena *arena = &d->work->arena;
    sw_step old;
    sw_status status = sw_get(d->work->ledger, d->work->actor, SW_RECORD_STEP, there->step_id,
                              d->memory, &old, err);

    if (status != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    if (old.run_id.ptr && !sw_str_eq(old.run_id, made->step.entry.step.run_id)) {
        made->left = sw_arena_str(arena, old.run_id);
    }
    if (!sw_str_eq(there->step_id, made->step.entry.step.id)) {
        made->instead_of = sw_arena_str(arena, there->step_id);
    }
    return arena->failed ? sw_no_memory(err) : SW_STATUS_OK;
}

static sw_status decide_one(const deciding *d, size_t i, sw_error *err)
{
    import_made *made = d->out->best[i];
    const sw_transcript_call *there = &d->there[i];
    int content = 1;
    int rank = 1;

    made->there = there->step_id.ptr != NULL;
    if (made->there) {
        content = sw_str_cmp(sw_str_make(made->content, IMPORT_DIGEST), there->content);
        rank = sw_str_cmp(sw_str_make((const char *)made->rank, IMPORT_RANK), there->rank);
    }
    made->write = content != 0 && (rank > 0 || (rank == 0 && content > 0));
    made->note = content == 0 && rank > 0;
    made->ours = made->write || made->note || same_owner(there, made);
    d->work->result->steps_unchanged += !made->write;
    return made->write && made->there ? note_old(d, there, made, err) : SW_STATUS_OK;
}

/* ---- runs -------------------------------------------------------------------------------------------------- */

/* A run is kept for its steps; with it those it came from. */
static void want_runs(const deciding *d)
{
    import_run *runs = d->work->runs.items;

    for (size_t i = 0; i < d->out->count; i++) {
        const import_made *made = d->out->best[i];
        size_t run = made->ours ? made->run : SIZE_MAX;
        for (; run != SIZE_MAX && !runs[run].wanted; run = runs[run].parent) {
            runs[run].wanted = true;
        }
    }
}

static bool is_wanted(const import_work *work, sw_str run_id)
{
    const import_run *runs = work->runs.items;

    for (size_t i = 0; i < work->runs.count; i++) {
        if (runs[i].wanted && sw_str_eq(runs[i].row.id, run_id)) {
            return true;
        }
    }
    return false;
}

/* A run that may be empty now, and those above it, which may be so then; none that this window fills. Where files
 * said that runs come from each other in a circle, it is as high as there are runs. */
static sw_status note_left(const deciding *d, import_list *list, sw_str run_id, sw_error *err)
{
    import_work *work = d->work;
    sw_status status = SW_STATUS_OK;

    for (size_t high = 0; run_id.ptr && high <= work->runs.count && !is_wanted(work, run_id);
         high++) {
        sw_run run;
        sw_str *left = import_add(&work->arena, list, sizeof *left);
        if (!left) {
            return sw_no_memory(err);
        }
        *left = sw_arena_str(&work->arena, run_id);
        status = sw_get(work->ledger, work->actor, SW_RECORD_RUN, run_id, d->memory, &run, err);
        if (status != SW_STATUS_OK) {
            return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
        }
        run_id = run.parent_run_id;
    }
    return status;
}

/* A sub-agent's run that turns out to come from another one: where it seemed to come from may be empty. */
static sw_status note_parent(const deciding *d, import_list *list, const import_run *made,
                             sw_error *err)
{
    sw_run old;
    sw_status status = SW_STATUS_OK;

    if (!made->wanted || made->parent == SIZE_MAX) {
        return SW_STATUS_OK;
    }
    status =
        sw_get(d->work->ledger, d->work->actor, SW_RECORD_RUN, made->row.id, d->memory, &old, err);
    if (status != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    return old.parent_run_id.ptr && !sw_str_eq(old.parent_run_id, made->row.parent_run_id)
               ? note_left(d, list, old.parent_run_id, err)
               : SW_STATUS_OK;
}

static sw_status note_runs(const deciding *d, sw_error *err)
{
    const import_run *runs = d->work->runs.items;
    import_list list = {NULL, 0, 0};
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < d->out->count && status == SW_STATUS_OK; i++) {
        status = note_left(d, &list, d->out->best[i]->left, err);
    }
    for (size_t i = 0; i < d->work->runs.count && status == SW_STATUS_OK; i++) {
        status = note_parent(d, &list, &runs[i], err);
    }
    d->out->left = list.items;
    d->out->left_count = list.count;
    return status;
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

sw_status import_decide(import_work *work, import_decided *out, sw_error *err)
{
    deciding d = {.work = work, .out = out, .memory = sw_memory_new(work->allocator)};
    bool knows = work->ledger && !work->options->send; /* what is there already */
    sw_status status = d.memory && take_best(&d) ? SW_STATUS_OK : sw_no_memory(err);

    if (status == SW_STATUS_OK && knows) {
        status = look(&d, err);
    }
    for (size_t i = 0; i < out->count && status == SW_STATUS_OK; i++) {
        status = decide_one(&d, i, err);
    }
    if (status == SW_STATUS_OK) {
        want_runs(&d);
        status = knows ? note_runs(&d, err) : SW_STATUS_OK;
    }
    if (d.memory) {
        sw_memory_free(&d.memory);
    }
    return status;
}
