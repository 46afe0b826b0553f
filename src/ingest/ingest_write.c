/* SPDX-License-Identifier: Apache-2.0 */
/* From results to writes: what was written before is left out, what is left goes in one transaction when it fits
 * and in as few as it takes when it does not. Content that the ledger refuses, which should not happen, costs the
 * row that holds it and nothing else: an export is never refused for what it says.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/ingest_inside.h"
#include "ingest/trace_inside.h"

/* ---- the same again ------------------------------------------------------------------------------------ */

/* Of contents that hash alike the second is not written; who makes such does so to himself alone. */

static uint64_t hash_row(uint64_t seed, sw_record_id record, const void *row)
{
    const sw_record *r = sw_record_of(record);
    uint64_t mask = sw_row_mask(r, row);

    seed = sw_hash(seed, &mask, sizeof mask);
    for (; mask; mask &= mask - 1) {
        const sw_field *field = &r->fields[__builtin_ctzll(mask)];
        if (sw_kind_is_text(field->kind)) {
            sw_str text = sw_field_text(field, row);
            seed = sw_hash(seed, text.ptr, text.len);
        } else {
            sw_int number = sw_field_number(field, row);
            seed = sw_hash(seed, &number.value, sizeof number.value);
        }
    }
    return seed;
}

static uint64_t not_zero(uint64_t hash)
{
    return hash ? hash : 1;
}

static uint64_t hash_messages(uint64_t seed, const sw_message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        seed = hash_row(seed, SW_RECORD_MESSAGE, &messages[i]);
    }
    return sw_hash(seed, &count, sizeof count);
}

static uint64_t hash_step(const trace_step *step)
{
    uint64_t hash = hash_row(3, SW_RECORD_STEP, &step->entry.step);

    if (step->entry.metrics) {
        hash = hash_row(hash, SW_RECORD_STEP_METRICS, step->entry.metrics);
    }
    for (size_t i = 0; i < step->entry.trace_count; i++) {
        hash = hash_row(hash, SW_RECORD_PROVIDER_TRACE, &step->entry.traces[i]);
    }
    hash = hash_messages(hash, step->entry.messages, step->entry.message_count);
    hash = hash_messages(hash, step->input, step->input_count);
    return not_zero(sw_hash(hash, step->tools.ptr, step->tools.len));
}

/* A step and a fold may have the same id. */
enum { OF_ROW, OF_FOLD };

static uint64_t note_id(const ingest_memo *memo, sw_str id, uint64_t of)
{
    return not_zero(ingest_hash(memo->key, id.ptr, id.len) ^ of);
}

uint64_t ingest_run_note(const ingest_memo *memo, sw_str run_id)
{
    return note_id(memo, run_id, OF_ROW);
}

/* ---- planning ------------------------------------------------------------------------------------------- */

/* One more row of a list of the plan; NULL: no memory. */
#define MORE(PLAN, LIST, ONE)                                                                      \
    ((LIST = sw_arena_grow((PLAN)->arena, (LIST), (PLAN)->ONE##_count, &(PLAN)->ONE##_room,        \
                           sizeof *(LIST)))                                                        \
         ? &(LIST)[(PLAN)->ONE##_count++]                                                          \
         : NULL)

static bool plan_note(ingest_plan *plan, uint64_t id, uint64_t content)
{
    ingest_note_of *note = MORE(plan, plan->notes, note);

    if (note) {
        *note = (ingest_note_of){id, content};
    }
    return note != NULL;
}

static bool plan_runs(ingest_plan *plan, const ingest_memo *memo, const trace_result *result)
{
    for (size_t i = 0; i < result->run_count; i++) {
        uint64_t id = ingest_run_note(memo, result->runs[i].id);
        uint64_t content = not_zero(hash_row(2, SW_RECORD_RUN, &result->runs[i]));
        sw_run *run = NULL;
        if (ingest_recall(memo, id) == content) {
            continue;
        }
        run = MORE(plan, plan->runs, run);
        if (!run || !plan_note(plan, id, content)) {
            return false;
        }
        *run = result->runs[i];
    }
    return true;
}

/* By these names other signals of the same call find the step (telemetry.md E.5). */
static bool plan_names(ingest_plan *plan, const trace_step *step)
{
    for (size_t i = 0; i < step->name_count; i++) {
        sw_step_alias *alias = MORE(plan, plan->aliases, alias);
        if (!alias) {
            return false;
        }
        *alias = (sw_step_alias){.project_id = step->entry.step.project_id,
                                 .kind = step->names[i].kind,
                                 .value = step->names[i].value,
                                 .step_id = step->entry.step.id};
        (void)trace_fit(SW_RECORD_STEP_ALIAS, alias, plan->arena);
    }
    return true;
}

static bool plan_steps(ingest_plan *plan, const ingest_memo *memo, const trace_result *result)
{
    for (size_t i = 0; i < result->step_count; i++) {
        const trace_step *from = &result->steps[i];
        uint64_t id = note_id(memo, from->entry.step.id, OF_ROW);
        uint64_t content = hash_step(from);
        sw_telemetry_step *step = NULL;
        if (ingest_recall(memo, id) == content) {
            continue;
        }
        step = MORE(plan, plan->steps, step);
        if (!step || !plan_note(plan, id, content) || !plan_names(plan, from)) {
            return false;
        }
        *step = (sw_telemetry_step){from->entry, from->input, from->input_count, from->tools};
    }
    return true;
}

static bool plan_folds(ingest_plan *plan, const ingest_memo *memo, const trace_result *result)
{
    for (size_t i = 0; i < result->fold_count; i++) {
        const trace_fold *from = &result->folds[i];
        uint64_t id = note_id(memo, from->step_id, OF_FOLD);
        uint64_t content = note_id(memo, from->survivor_id, OF_ROW);
        sw_telemetry_fold *fold = NULL;
        if (ingest_recall(memo, id) == content) {
            continue;
        }
        fold = MORE(plan, plan->folds, fold);
        if (!fold || !plan_note(plan, id, content)) {
            return false;
        }
        *fold = (sw_telemetry_fold){from->step_id, from->survivor_id, from->told};
    }
    return true;
}

/* Traces of one export mostly have the same few agents. */
enum { AGENTS_LOOKED_AT = 32 };

static bool plan_agents(ingest_plan *plan, const trace_result *result)
{
    for (size_t i = 0; i < result->agent_count; i++) {
        size_t from =
            plan->agent_count > AGENTS_LOOKED_AT ? plan->agent_count - AGENTS_LOOKED_AT : 0;
        sw_str *agent = NULL;
        while (from < plan->agent_count && !sw_str_eq(plan->agents[from], result->agents[i])) {
            from++;
        }
        if (from < plan->agent_count) {
            continue;
        }
        agent = MORE(plan, plan->agents, agent);
        if (!agent) {
            return false;
        }
        *agent = result->agents[i];
    }
    return true;
}

bool ingest_plan_result(ingest_plan *plan, const ingest_memo *memo, const trace_result *result)
{
    size_t before = plan->run_count + plan->step_count;

    return plan_runs(plan, memo, result) && plan_steps(plan, memo, result) &&
           plan_folds(plan, memo, result) &&
           (plan->run_count + plan->step_count == before || plan_agents(plan, result));
}

static sw_str key_of(const ingest_plan *plan, const ingest_item *item)
{
    char both[INGEST_SOURCE];

    if (!item->is_log) {
        return sw_str_make((const char *)item->span_id, OTLP_SPAN_ID);
    }
    memcpy(both, item->span_id, OTLP_SPAN_ID);
    memcpy(both + OTLP_SPAN_ID, item->rest, sizeof item->rest);
    return sw_arena_str(plan->arena, sw_str_make(both, sizeof both));
}

bool ingest_plan_raw(ingest_plan *plan, const ingest_tenant *tenant, const uint8_t *unit,
                     const ingest_items *items)
{
    for (uint32_t i = 0; i < items->count; i++) {
        const ingest_item *from = &items->at[i];
        sw_raw_item *item = MORE(plan, plan->items, item);
        if (!item) {
            return false;
        }
        *item = (sw_raw_item){
            .project_id = tenant->project_id,
            .unit = sw_str_make((const char *)unit, INGEST_UNIT),
            .item = key_of(plan, from),
            .signal = sw_int_of(from->is_log ? SW_RAW_SIGNAL_LOG : SW_RAW_SIGNAL_SPAN),
            .source_digest =
                sw_str_make((const char *)items->sources[from->source].digest, INGEST_SOURCE),
            .start_ns = sw_int_of(from->start_ns),
            .end_ns = sw_int_of(from->end_ns),
            .attribute_count = sw_int_of(from->attributes),
            .received_at = sw_int_of(from->received_us),
            .body = from->body,
        };
    }
    return true;
}

bool ingest_plan_mark(ingest_plan *plan, const ingest_tenant *tenant, const uint8_t *unit,
                      sw_int marked_at, sw_int last_at)
{
    sw_raw_trace *mark = MORE(plan, plan->marks, mark);

    if (mark) {
        *mark = (sw_raw_trace){.project_id = tenant->project_id,
                               .unit = sw_str_make((const char *)unit, INGEST_UNIT),
                               .marked_at = marked_at,
                               .last_at = last_at};
    }
    return mark != NULL;
}

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
