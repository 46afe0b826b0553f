/* SPDX-License-Identifier: Apache-2.0 */
/* A plan is written: in one transaction when it fits, and in as few as it takes when it does not. Content that the ledger
 * refuses, which should not happen, costs the row that holds it and nothing else: an export is never refused for what
 * it says.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/ingest_inside.h"

/* ---- writing --------------------------------------------------------------------------------------------- */

/* Whether the content is to blame, and not the store. */
static bool is_content(sw_status status)
{
    return status == SW_STATUS_INVALID || status == SW_STATUS_INVALID_ID ||
           status == SW_STATUS_NOT_FOUND || status == SW_STATUS_CONFLICT ||
           status == SW_STATUS_ILLEGAL_MOVE || status == SW_STATUS_RESTRICTED ||
           status == SW_STATUS_TOO_LARGE || status == SW_STATUS_EXISTS;
}

static void count_outcomes(ingest_plan *plan, const sw_outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plan->created += outcomes[i].verdict == SW_VERDICT_CREATED;
        plan->restated += outcomes[i].verdict == SW_VERDICT_UPDATED;
    }
}

static sw_status write_batch(sw_ingest *in, const sw_actor *actor, ingest_plan *plan,
                             sw_telemetry_batch *batch, sw_error *err)
{
    sw_mark mark = sw_arena_mark(plan->arena);
    sw_status status = SW_STATUS_OK;

    batch->outcomes = sw_arena_zeroed(plan->arena, (batch->step_count + 1) * sizeof(sw_outcome));
    if (!batch->outcomes) {
        return sw_no_memory(err);
    }
    status = sw_telemetry_write(in->ledger, actor, batch, err);
    if (status == SW_STATUS_OK) {
        count_outcomes(plan, batch->outcomes, batch->step_count);
        plan->retired += (int64_t)batch->fold_count;
    }
    sw_arena_rewind(plan->arena, mark);
    return status;
}

static int by_digest(const void *a, const void *b)
{
    const sw_raw_source *x = *(const sw_raw_source *const *)a;
    const sw_raw_source *y = *(const sw_raw_source *const *)b;

    return sw_str_cmp(x->digest, y->digest);
}

/* The sources of all items, in their order. */
static const sw_raw_source **sort_sources(const ingest_plan *plan)
{
    const sw_raw_source **sorted =
        sw_arena_alloc(plan->arena, (plan->source_count + 1) * sizeof(const sw_raw_source *));

    for (size_t i = 0; sorted && i < plan->source_count; i++) {
        sorted[i] = &plan->sources[i];
    }
    if (sorted && plan->source_count > 0) {
        qsort(sorted, plan->source_count, sizeof(const sw_raw_source *), by_digest);
    }
    return sorted;
}

/* Those of the part's items. */
static bool take_sources(const ingest_plan *plan, const sw_raw_source **sorted,
                         sw_telemetry_batch *part)
{
    sw_raw_source *list = sw_arena_alloc(plan->arena, (part->item_count + 1) * sizeof *list);
    bool *taken = sw_arena_zeroed(plan->arena, plan->source_count + 1);

    for (size_t i = 0; list && taken && i < part->item_count; i++) {
        const sw_raw_source key = {.digest = part->items[i].source_digest};
        const sw_raw_source *wanted = &key;
        const sw_raw_source **found =
            bsearch(&wanted, sorted, plan->source_count, sizeof(const sw_raw_source *), by_digest);
        if (found && !taken[found - sorted]) {
            taken[found - sorted] = true;
            list[part->source_count++] = **found;
        }
    }
    part->sources = list;
    return list && taken;
}

/* The lists of a plan, in the order in which they are written. */
typedef enum list_of { ITEMS, AGENTS, RUNS, STEPS, FOLDS, NAMES, MARKS, LISTS } list_of;

static size_t count_of(const ingest_plan *plan, list_of list)
{
    const size_t counts[LISTS] = {
        [ITEMS] = plan->item_count, [AGENTS] = plan->agent_count, [RUNS] = plan->run_count,
        [STEPS] = plan->step_count, [FOLDS] = plan->fold_count,   [NAMES] = plan->alias_count,
        [MARKS] = plan->mark_count,
    };
    return counts[list];
}

/* Puts `n` rows of a list from the i-th on into a part. */
static void take(const ingest_plan *plan, list_of list, size_t i, size_t n,
                 sw_telemetry_batch *part)
{
    switch (list) {
    case ITEMS:
        part->items = plan->items + i;
        part->item_count = n;
        part->item_was_there = plan->was_there ? plan->was_there + i : NULL;
        break;
    case AGENTS:
        part->agents = plan->agents + i;
        part->agent_count = n;
        break;
    case RUNS:
        part->runs = plan->runs + i;
        part->run_count = n;
        break;
    case STEPS:
        part->steps = plan->steps + i;
        part->step_count = n;
        break;
    case FOLDS:
        part->folds = plan->folds + i;
        part->fold_count = n;
        break;
    case NAMES:
        part->aliases = plan->aliases + i;
        part->alias_count = n;
        break;
    case MARKS:
        part->marks = plan->marks + i;
        part->mark_count = n;
        break;
    case LISTS:
        break;
    }
}

/* Whoever names agents may be in any part of runs or steps; more than a part has were written before. */
static bool take_along(const ingest_plan *plan, list_of list)
{
    return (list == RUNS || list == STEPS) && plan->agent_count <= SW_LIMIT_BATCH_ITEMS;
}

static sw_status write_part(sw_ingest *in, const sw_actor *actor, ingest_plan *plan, list_of list,
                            size_t i, size_t n, const sw_raw_source **sorted, sw_error *err)
{
    sw_telemetry_batch part = {.agent_count = 0};
    sw_mark mark = sw_arena_mark(plan->arena);
    sw_status status = SW_STATUS_OK;

    if (take_along(plan, list)) {
        take(plan, AGENTS, 0, plan->agent_count, &part);
    }
    take(plan, list, i, n, &part);
    status = list != ITEMS || take_sources(plan, sorted, &part)
                 ? write_batch(in, actor, plan, &part, err)
                 : sw_no_memory(err);
    sw_arena_rewind(plan->arena, mark);
    return status;
}

static void refuse(sw_ingest *in, ingest_plan *plan, list_of list, const sw_error *err)
{
    static const char *const words[LISTS] = {"span", "agent", "run", "step",
                                             "fold", "name",  "mark"};

    ingest_log(in, 1, "a %s of telemetry was refused: %s %s", words[list], err->field,
               err->message);
    if (plan->refused++ == 0) {
        (void)snprintf(plan->why, sizeof plan->why, "a %s was refused: %.200s", words[list],
                       err->message);
    }
}

/* As many rows at a time as may be. A part that is refused is halved until the row to blame stands alone, which is left
 * out; then parts grow again. */
static sw_status write_list(sw_ingest *in, const sw_actor *actor, ingest_plan *plan, list_of list,
                            const sw_raw_source **sorted, sw_error *err)
{
    size_t count = count_of(plan, list);
    size_t most = SW_LIMIT_BATCH_ITEMS;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < count && status == SW_STATUS_OK;) {
        size_t n = count - i < most ? count - i : most;
        status = write_part(in, actor, plan, list, i, n, sorted, err);
        if (is_content(status) && n > 1) {
            most = n / 2;
            status = SW_STATUS_OK;
            continue;
        }
        if (is_content(status)) {
            refuse(in, plan, list, err);
            status = SW_STATUS_OK;
        }
        most = most < SW_LIMIT_BATCH_ITEMS / 2 ? most * 2 : SW_LIMIT_BATCH_ITEMS;
        i += n;
    }
    return status;
}

static sw_status write_parts(sw_ingest *in, const sw_actor *actor, ingest_plan *plan, sw_error *err)
{
    const sw_raw_source **sorted = sort_sources(plan);
    sw_status status = sorted ? SW_STATUS_OK : sw_no_memory(err);

    for (list_of list = ITEMS; list < LISTS && status == SW_STATUS_OK; list++) {
        if (list != AGENTS || !take_along(plan, STEPS)) {
            status = write_list(in, actor, plan, list, sorted, err);
        }
    }
    return status;
}

static bool fits(const ingest_plan *plan)
{
    bool all = plan->source_count <= SW_LIMIT_BATCH_ITEMS;

    for (list_of list = ITEMS; list < LISTS; list++) {
        all = all && count_of(plan, list) <= SW_LIMIT_BATCH_ITEMS;
    }
    return all;
}

static sw_status write_whole(sw_ingest *in, const sw_actor *actor, ingest_plan *plan, sw_error *err)
{
    sw_telemetry_batch all = {.sources = plan->sources, .source_count = plan->source_count};

    for (list_of list = ITEMS; list < LISTS; list++) {
        take(plan, list, 0, count_of(plan, list), &all);
    }
    return write_batch(in, actor, plan, &all, err);
}

sw_status ingest_write(sw_ingest *in, const sw_actor *actor, ingest_plan *plan, sw_error *err)
{
    sw_error local;
    sw_error *said = err ? err : &local;
    sw_status status = SW_STATUS_OK;

    if (plan->item_count + plan->run_count + plan->step_count + plan->fold_count +
            plan->mark_count ==
        0) {
        return SW_STATUS_OK;
    }
    if (!fits(plan)) {
        return write_parts(in, actor, plan, said);
    }
    status = write_whole(in, actor, plan, said);
    if (is_content(status)) {
        ingest_log(in, 1, "telemetry was refused, and is written in parts: %s %s", said->field,
                   said->message);
        status = write_parts(in, actor, plan, said);
    }
    return status;
}
