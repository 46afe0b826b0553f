/* SPDX-License-Identifier: Apache-2.0 */
/* From results to what is to be written: all that was not written just so before. Knows nothing of the ledger but its
 * rows.
 */
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
