/* SPDX-License-Identifier: Apache-2.0 */
/* Two steps that tell of one call become one. Whoever computed them says so (a fold), or both have one name (an alias;
 * telemetry.md E.5). It is settled here and nowhere else, in the transaction that brings the second of them, so that it
 * does not matter which came first, nor which process brought it.
 *
 * What an agent wrote down for itself is trusted more than what it sent: the step of a transcript stays, whatever was
 * meant to survive. What the other one said goes, as the transcript says it too; only where the transcript does not know
 * all tokens, those that were sent count, and what it leaves out is filled in (telemetry_fill.c).
 */
#include "ledger/context.h"
#include "ledger/talk.h"
#include "ledger/telemetry_inside.h"

#define COUNTED                                                                                    \
    (SW_MASK(SW_STEP_PROMPT_TOKENS) | SW_MASK(SW_STEP_COMPLETION_TOKENS) |                         \
     SW_MASK(SW_STEP_TOTAL_TOKENS) | SW_MASK(SW_STEP_CACHED_INPUT_TOKENS) |                        \
     SW_MASK(SW_STEP_CACHE_WRITE_TOKENS) | SW_MASK(SW_STEP_REASONING_TOKENS) |                     \
     SW_MASK(SW_STEP_PROMPT_TOKENS_DETAILS) | SW_MASK(SW_STEP_COMPLETION_TOKENS_DETAILS) |         \
     SW_MASK(SW_STEP_USAGE_STATE))

static sw_status get_step(sw_group *group, sw_str id, sw_step *out, sw_error *err)
{
    sw_step key = {.id = id};
    sw_status status = sw_store_get(group->session, SW_RECORD_STEP, &key, &group->arena, out, err);

    return sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
}

/* The step, or the one it was folded into. */
static sw_status get_survivor(sw_group *group, sw_str id, sw_step *out, sw_error *err)
{
    sw_status status = get_step(group, id, out, err);

    return status == SW_STATUS_OK && out->retired_into.ptr
               ? get_step(group, out->retired_into, out, err)
               : status;
}

static sw_status put_alias(sw_group *group, const sw_step_alias *alias, sw_error *err)
{
    return sw_group_must(group, sw_store_put(group->session, SW_RECORD_STEP_ALIAS, alias, err),
                         err);
}

static bool is_written_down(const sw_step *step)
{
    return step->source.value == SW_SOURCE_TRANSCRIPT;
}

static bool is_reported(const sw_step *step)
{
    return step->usage_state.value == SW_USAGE_STATE_REPORTED;
}

/* ---- tokens that only telemetry knows -------------------------------------------------------------- */

/* Of the steps that were folded into this one and were sent with all their tokens, the one with the least id, so that
 * the order in which they came does not matter. */
static sw_status find_counted(sw_group *group, sw_str id, sw_step *out, sw_error *err)
{
    sw_rows rows;
    sw_status status =
        sw_group_gather_of(group, SW_RECORD_STEP_ALIAS, SW_STEP_ALIAS_STEP_ID, id, &rows, err);

    *out = (sw_step){.id = SW_NULL_STR};
    for (size_t i = 0; i < rows.count && status == SW_STATUS_OK; i++) {
        const sw_step_alias *alias = (const sw_step_alias *)(const void *)rows.rows + i;
        sw_step step;
        if (!sw_str_eq(alias->kind, SW_STR("merged"))) {
            continue;
        }
        status = get_step(group, alias->value, &step, err);
        if (status == SW_STATUS_OK && !is_written_down(&step) && is_reported(&step) &&
            (!out->id.ptr || sw_str_cmp(step.id, out->id) < 0)) {
            *out = step;
        }
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    return status;
}

static sw_status complete(sw_group *group, const sw_task *task, sw_str id, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    int64_t seq = 0;
    sw_step old;
    sw_step row;
    sw_step counted = {.id = SW_NULL_STR};
    sw_status status = get_step(group, id, &old, err);

    if (status == SW_STATUS_OK && !old.retired_into.ptr && is_written_down(&old) &&
        !is_reported(&old)) {
        status = find_counted(group, id, &counted, err);
    }
    if (status != SW_STATUS_OK || !counted.id.ptr) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    row = old;
    for (uint64_t take = COUNTED; take; take &= take - 1) {
        sw_field_copy(&record->fields[__builtin_ctzll(take)], &row, &counted);
    }
    return sw_group_change_step(group, task, &old, &row, SW_CHANGE_RESTATED, &seq, err);
}

/* ---- folds ------------------------------------------------------------------------------------------ */

/* A transcript says all of it itself: told twice, it would stand in the conversation twice. */
static sw_status hush(sw_group *group, const sw_step *old, sw_error *err)
{
    sw_status status = sw__messages_remove(group, SW_MESSAGE_STEP_ID, old->id, err);

    return status == SW_STATUS_OK ? sw__context_remove(group, old, err) : status;
}

static sw_status fold_into(sw_group *group, const sw_task *task, const sw_step *old,
                           const sw_step *survivor, sw_error *err)
{
    bool apart = is_written_down(survivor) && !is_written_down(old);
    sw_outcome outcome;
    sw_status status = sw__retire_in(group, task, old->id, survivor->id, &outcome, err);

    if (status == SW_STATUS_OK && !is_written_down(old)) {
        status = sw__telemetry_fill(group, task, survivor, old, err);
    }
    if (status == SW_STATUS_OK) {
        status = apart ? hush(group, old, err) : sw__talk_fold(group, task, old, survivor, err);
    }
    return status == SW_STATUS_OK && apart ? complete(group, task, survivor->id, err) : status;
}

static sw_status fold(sw_group *group, const sw_task *task, const sw_telemetry_fold *fold,
                      sw_error *err)
{
    sw_step survivor;
    sw_step old;
    sw_step_alias alias = {
        .organization_id = task->organization_id, .kind = SW_STR("merged"), .value = fold->step_id};
    sw_status status = get_survivor(group, fold->survivor_id, &survivor, err);

    if (status != SW_STATUS_OK || sw_str_eq(survivor.id, fold->step_id) ||
        !sw_str_eq(survivor.organization_id, task->organization_id)) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    status = get_step(group, fold->step_id, &old, err);
    if (status == SW_STATUS_OK && old.retired_into.ptr) {
        return SW_STATUS_OK; /* whoever folded it first was right */
    }
    if (status == SW_STATUS_OK) {
        bool other_way = is_written_down(&old) && !is_written_down(&survivor);
        return fold_into(group, task, other_way ? &survivor : &old, other_way ? &old : &survivor,
                         err);
    }
    alias.project_id = survivor.project_id;
    alias.step_id = survivor.id;
    status = status == SW_STATUS_NOT_FOUND ? put_alias(group, &alias, err) : status;
    return status == SW_STATUS_OK && fold->told
               ? sw__telemetry_fill_told(group, task, &survivor, fold->told, err)
               : status;
}

/* ---- names ------------------------------------------------------------------------------------------ */

/* Two steps have the name. One of a transcript and one that was sent are one call. Of two of one kind nothing follows
 * (servers for tests answer every call with one id): the name is that of one of them. */
static sw_status share_name(sw_group *group, const sw_task *task, sw_step_alias *alias,
                            sw_str other_id, sw_error *err)
{
    sw_step a;
    sw_step b;
    sw_status status = get_survivor(group, alias->step_id, &a, err);

    if (status == SW_STATUS_OK) {
        status = get_survivor(group, other_id, &b, err);
    }
    if (status != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? put_alias(group, alias, err) : status;
    }
    if (is_written_down(&a) != is_written_down(&b)) {
        const sw_step *survivor = is_written_down(&a) ? &a : &b;
        alias->step_id = survivor->id;
        status = fold_into(group, task, survivor == &a ? &b : &a, survivor, err);
    } else if (sw_str_eq(a.id, b.id) || (is_written_down(&a) && sw_str_cmp(b.id, a.id) < 0)) {
        alias->step_id = b.id;
    }
    return status == SW_STATUS_OK && !sw_str_eq(alias->step_id, other_id)
               ? put_alias(group, alias, err)
               : status;
}

/* A step without timings has no end. */
static sw_status are_apart(sw_group *group, const sw_step_alias *alias, sw_str other_id,
                           bool *apart, sw_error *err)
{
    const sw_str ids[] = {alias->step_id, other_id};
    sw_step_metrics metrics[2];
    sw_status status = SW_STATUS_OK;

    *apart = false;
    if (!sw__telemetry_counted(alias->kind)) {
        return SW_STATUS_OK;
    }
    for (size_t i = 0; i < SW_COUNT(ids) && status == SW_STATUS_OK; i++) {
        sw_step_metrics key = {.id = ids[i]};
        status = sw_store_get(group->session, SW_RECORD_STEP_METRICS, &key, &group->arena,
                              &metrics[i], err);
        status = sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    }
    *apart = status == SW_STATUS_OK && sw__telemetry_apart(&metrics[0], &metrics[1]);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* The name is taken: by the step itself, or by another. */
static sw_status meet_one(sw_group *group, const sw_task *task, sw_step_alias *alias, bool *apart,
                          sw_error *err)
{
    sw_step_alias was;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_STEP_ALIAS, alias, &group->arena, &was, err);

    *apart = false;
    status = sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    if (status != SW_STATUS_OK) { /* the next name of those that are far apart */
        return status == SW_STATUS_NOT_FOUND ? put_alias(group, alias, err) : status;
    }
    if (sw_str_eq(was.step_id, alias->step_id)) {
        return SW_STATUS_OK;
    }
    status = are_apart(group, alias, was.step_id, apart, err);
    return status == SW_STATUS_OK && !*apart ? share_name(group, task, alias, was.step_id, err)
                                             : status;
}

static sw_status meet(sw_group *group, const sw_task *task, sw_step_alias *alias, sw_error *err)
{
    sw_str name = alias->value;
    bool apart = true;
    sw_status status = SW_STATUS_OK;

    for (int n = 1; apart && alias->value.ptr && status == SW_STATUS_OK; n++) {
        alias->value = sw__telemetry_name(name, n, &group->arena);
        status = alias->value.ptr ? meet_one(group, task, alias, &apart, err) : SW_STATUS_OK;
    }
    return status == SW_STATUS_OK && group->arena.failed
               ? sw_group_must(group, sw_no_memory(err), err)
               : status;
}

/* An alias of a step that is not there (any more) is none. */
static sw_status take_aliases(sw_group *group, const sw_task *task, const sw_telemetry_batch *batch,
                              sw_step_alias *rows, const void **list, size_t *count, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    *count = 0;
    for (size_t i = 0; i < batch->alias_count && status == SW_STATUS_OK; i++) {
        sw_step_alias *alias = &rows[*count];
        *alias = batch->aliases[i];
        status = sw_group_known(group, SW_RECORD_STEP, alias->step_id, task->organization_id, err);
        if (status == SW_STATUS_NOT_FOUND) {
            status = SW_STATUS_OK;
            continue;
        }
        alias->organization_id = task->organization_id;
        alias->project_id = task->project_id.ptr ? task->project_id : alias->project_id;
        if (status == SW_STATUS_OK) {
            status = sw_row_check(sw_record_of(SW_RECORD_STEP_ALIAS), alias, "aliases.", err);
        }
        list[(*count)++] = alias;
    }
    return status;
}

static sw_status write_aliases(sw_group *group, const sw_task *task,
                               const sw_telemetry_batch *batch, sw_error *err)
{
    size_t n = batch->alias_count;
    sw_step_alias *rows = sw_arena_alloc(&group->arena, (n + 1) * sizeof *rows);
    const void **list = sw_arena_alloc(&group->arena, (n + 1) * sizeof *list);
    bool *existed = sw_arena_zeroed(&group->arena, (n + 1) * sizeof *existed);
    sw_status status = rows && list && existed
                           ? take_aliases(group, task, batch, rows, list, &n, err)
                           : sw_no_memory(err);

    if (status == SW_STATUS_OK) {
        status = sw_group_must(
            group,
            sw_store_insert_many(group->session, SW_RECORD_STEP_ALIAS, list, n, existed, err), err);
    }
    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        status = existed[i] ? meet(group, task, &rows[i], err) : status;
    }
    return status;
}

sw_status sw__telemetry_join(sw_group *group, const sw_task *task, const sw_telemetry_batch *batch,
                             sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < batch->fold_count && status == SW_STATUS_OK; i++) {
        status = fold(group, task, &batch->folds[i], err);
    }
    if (status == SW_STATUS_OK && batch->alias_count > 0) {
        status = write_aliases(group, task, batch, err);
    }
    for (size_t i = 0; i < batch->step_count && status == SW_STATUS_OK; i++) {
        const sw_step *step = &batch->steps[i].entry.step; /* said again, as its file knows it */
        if (batch->outcomes[i].verdict == SW_VERDICT_UPDATED && is_written_down(step) &&
            !is_reported(step)) {
            status = complete(group, task, step->id, err);
        }
    }
    return status;
}
