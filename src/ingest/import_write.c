/* SPDX-License-Identifier: Apache-2.0 */
/* From a window to the ledger: what was decided is written in as few transactions as it takes, mostly in one, what is
 * remembered of files in the last. So a file counts as read only when all that came of it is durable, and a telling
 * gives way in the transaction that brings the better one.
 */
#include "ingest/import_inside.h"
#include "ingest/trace_inside.h"

/* What one call to the ledger takes of each list, and of the lists from where on. A step may bring its loser along. */
enum { STEPS_MOST = SW_LIMIT_BATCH_ITEMS / 2, ROWS_MOST = SW_LIMIT_BATCH_ITEMS };

typedef struct stretch {
    size_t from;
    size_t count;
} stretch;

typedef struct piece {
    stretch runs;
    stretch steps;
    stretch rest; /* files, runs that are left, and calls whose steps stay as they are */
} piece;

/* What is to be written, all of it. */
typedef struct writing {
    import_work *work;
    sw_run *runs;
    size_t run_count;
    import_made **steps;
    size_t step_count;
    sw_transcript_call *notes;
    size_t note_count;
    const import_decided *decided;
} writing;

static bool is_content(sw_status status)
{
    return status == SW_STATUS_INVALID || status == SW_STATUS_INVALID_ID ||
           status == SW_STATUS_NOT_FOUND || status == SW_STATUS_CONFLICT ||
           status == SW_STATUS_ILLEGAL_MOVE || status == SW_STATUS_RESTRICTED ||
           status == SW_STATUS_TOO_LARGE || status == SW_STATUS_EXISTS;
}

/* ---- a piece ------------------------------------------------------------------------------------------------ */

static sw_transcript_call call_of(const import_work *work, const import_made *made)
{
    return (sw_transcript_call){.project_id = work->project_id,
                                .call = sw_str_make(made->call, IMPORT_DIGEST),
                                .step_id = made->step.entry.step.id,
                                .rank = sw_str_make((const char *)made->rank, IMPORT_RANK),
                                .content = sw_str_make(made->content, IMPORT_DIGEST)};
}

/* By this name telemetry of the same call finds the step. */
static sw_step_alias name_of(import_work *work, const import_made *made)
{
    sw_step_alias name = {.project_id = work->project_id,
                          .kind = sw_str_from(made->name_kind),
                          .value = made->name,
                          .step_id = made->step.entry.step.id};

    (void)trace_fit(SW_RECORD_STEP_ALIAS, &name, &work->arena);
    return name;
}

/* What folds leaves its messages to the survivor, who says the same better: so it first becomes a copy of him that
 * says nothing. */
static sw_telemetry_step loser_of(const import_made *made)
{
    sw_telemetry_step loser = {.entry.step = made->step.entry.step, .input = &import_nothing};

    loser.entry.step.id = made->instead_of;
    return loser;
}

/* The steps, behind them those that give way to one of them. */
static bool add_steps(const writing *w, stretch which, stretch notes, sw_telemetry_batch *batch)
{
    sw_arena *arena = &w->work->arena;
    size_t n = which.count;
    sw_telemetry_step *steps = sw_arena_alloc(arena, (2 * n + 1) * sizeof *steps);
    sw_telemetry_fold *folds = sw_arena_alloc(arena, (n + 1) * sizeof *folds);
    sw_transcript_call *calls = sw_arena_alloc(arena, (n + notes.count + 1) * sizeof *calls);
    sw_step_alias *names = sw_arena_alloc(arena, (n + 1) * sizeof *names);

    batch->outcomes = sw_arena_zeroed(arena, (2 * n + 1) * sizeof *batch->outcomes);
    if (!steps || !folds || !calls || !names || !batch->outcomes) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const import_made *made = w->steps[which.from + i];
        steps[i] = made->step;
        calls[i] = call_of(w->work, made);
        if (made->name_kind) {
            names[batch->alias_count++] = name_of(w->work, made);
        }
        if (made->instead_of.ptr) {
            steps[n + batch->fold_count] = loser_of(made);
            folds[batch->fold_count++] =
                (sw_telemetry_fold){made->instead_of, made->step.entry.step.id, NULL};
        }
    }
    batch->steps = steps;
    batch->step_count = n + batch->fold_count;
    batch->folds = folds;
    memcpy(calls + n, w->notes + notes.from, notes.count * sizeof *calls);
    batch->calls = calls;
    batch->call_count = n + notes.count;
    batch->aliases = names;
    return true;
}

static stretch part_of(stretch of, size_t count)
{
    size_t from = of.from < count ? of.from : count;

    return (stretch){from, count - from < of.count ? count - from : of.count};
}

static bool make_batch(const writing *w, const piece *p, sw_telemetry_batch *batch)
{
    const import_work *work = w->work;
    stretch files = part_of(p->rest, work->files.count);
    stretch left = part_of(p->rest, w->decided->left_count);

    *batch = (sw_telemetry_batch){.runs = w->runs + p->runs.from, .run_count = p->runs.count};
    if (!add_steps(w, p->steps, part_of(p->rest, w->note_count), batch)) {
        return false;
    }
    if (p->runs.count + p->steps.count > 0) {
        batch->agents = work->agents.items;
        batch->agent_count = work->agents.count;
    }
    if (files.count > 0) {
        batch->files = (const sw_transcript_file *)work->files.items + files.from;
        batch->file_count = files.count;
    }
    if (left.count > 0) {
        batch->left_runs = w->decided->left + left.from;
        batch->left_count = left.count;
    }
    return true;
}

/* A call that was there is corrected, though its step may be a new one. */
static void count_steps(const writing *w, stretch which, const sw_outcome *outcomes)
{
    import_result *result = w->work->result;

    for (size_t i = 0; i < which.count; i++) {
        if (outcomes[i].verdict == SW_VERDICT_UNCHANGED) {
            result->steps_unchanged++;
        } else if (w->steps[which.from + i]->there) {
            result->steps_corrected++;
        } else {
            result->steps_new++;
            result->steps_untimed +=
                w->steps[which.from + i]->step.entry.step.created_at.value == 0;
        }
    }
}

static sw_status write_piece(const writing *w, const piece *p, sw_error *err)
{
    const import_options *options = w->work->options;
    sw_telemetry_batch batch;
    sw_status status = make_batch(w, p, &batch) ? SW_STATUS_OK : sw_no_memory(err);

    if (status == SW_STATUS_OK && !options->dry_run) {
        status = options->send ? options->send(options->arg, &batch, err)
                               : sw_telemetry_write(w->work->ledger, w->work->actor, &batch, err);
    }
    if (status == SW_STATUS_OK) {
        count_steps(w, p->steps, batch.outcomes);
    }
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

/* The longest of the lists that are the rest. */
static size_t rest_of(const writing *w)
{
    size_t most = w->work->files.count;

    most = w->decided->left_count > most ? w->decided->left_count : most;
    return w->note_count > most ? w->note_count : most;
}

/* In parts of at most `most`; what is refused alone costs itself only. */
static sw_status write_pieces(const writing *w, size_t most, sw_error *err)
{
    size_t rest = rest_of(w);
    sw_status status = SW_STATUS_OK;

    for (stretch s = {0, most}; s.from < w->run_count && status == SW_STATUS_OK; s.from += most) {
        piece p = {.runs = part_of(s, w->run_count)};
        status = write_piece(w, &p, err);
        status = most == 1 && is_content(status) ? SW_STATUS_OK : status;
    }
    for (stretch s = {0, most}; s.from < w->step_count && status == SW_STATUS_OK; s.from += most) {
        piece p = {.steps = part_of(s, w->step_count)};
        status = write_piece(w, &p, err);
        if (most == 1 && is_content(status)) {
            w->work->result->steps_refused++;
            status = SW_STATUS_OK;
        }
    }
    for (stretch s = {0, ROWS_MOST}; s.from < rest && status == SW_STATUS_OK; s.from += ROWS_MOST) {
        piece p = {.rest = s};
        status = write_piece(w, &p, err);
    }
    return status;
}

static sw_status gather(writing *w, sw_error *err)
{
    import_work *work = w->work;
    const import_run *runs = work->runs.items;

    w->runs = sw_arena_alloc(&work->arena, (work->runs.count + 1) * sizeof *w->runs);
    w->steps = sw_arena_alloc(&work->arena, (w->decided->count + 1) * sizeof(import_made *));
    w->notes = sw_arena_alloc(&work->arena, (w->decided->count + 1) * sizeof *w->notes);
    if (!w->runs || !w->steps || !w->notes) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < work->runs.count; i++) {
        if (runs[i].wanted) {
            w->runs[w->run_count++] = runs[i].row;
        }
    }
    for (size_t i = 0; i < w->decided->count; i++) {
        if (w->decided->best[i]->write) {
            w->steps[w->step_count++] = w->decided->best[i];
        } else if (w->decided->best[i]->note) {
            w->notes[w->note_count++] = call_of(work, w->decided->best[i]);
        }
    }
    work->result->runs += (int64_t)w->run_count;
    return SW_STATUS_OK;
}

static sw_status write_all(const writing *w, sw_error *err)
{
    size_t rest = rest_of(w);
    bool small = w->step_count + w->note_count <= STEPS_MOST && w->run_count <= ROWS_MOST &&
                 rest <= ROWS_MOST;
    const piece all = {{0, w->run_count}, {0, w->step_count}, {0, ROWS_MOST}};
    sw_status status = SW_STATUS_OK;

    if (w->run_count + w->step_count + rest == 0) {
        return SW_STATUS_OK;
    }
    status = small ? write_piece(w, &all, err) : write_pieces(w, STEPS_MOST, err);
    return is_content(status) ? write_pieces(w, 1, err) : status;
}

sw_status import_flush(import_work *work, sw_error *err)
{
    import_decided decided = {.count = 0};
    writing w = {.work = work, .decided = &decided};
    sw_status status = import_decide(work, &decided, err);

    if (status == SW_STATUS_OK) {
        status = gather(&w, err);
    }
    if (status == SW_STATUS_OK) {
        status = write_all(&w, err);
    }
    work->made = work->runs = work->files = (import_list){NULL, 0, 0};
    work->agents = work->agent_ids = (import_list){NULL, 0, 0};
    work->run_index = (import_index){NULL, 0, 0};
    sw_arena_reset(&work->arena);
    return status;
}
