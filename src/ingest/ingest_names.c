/* SPDX-License-Identifier: Apache-2.0 */
/* The same call told by signals of different kinds, such as a coding agent's log record and its span (telemetry.md
 * E.5): both know it by a name, which the ledger keeps as an alias of the step. What a log record says is trusted
 * more, so that the step of the span is folded into that of the record, whichever came first. A transcript is trusted
 * most: the ledger folds whatever has its name (telemetry_join.c), and here both are left to it.
 */
#include "ingest/ingest_inside.h"

bool ingest_has_names(const trace_result *result)
{
    for (size_t i = 0; i < result->step_count; i++) {
        if (result->steps[i].name_count > 0) {
            return true;
        }
    }
    return false;
}

/* Whether the step is one that was sent. */
static sw_status was_sent(sw_ingest *in, const sw_actor *actor, sw_str id, sw_memory *memory,
                          bool *sent, sw_error *err)
{
    sw_step found;
    sw_status status = sw_get(in->ledger, actor, SW_RECORD_STEP, id, memory, &found, err);

    *sent = status == SW_STATUS_OK && found.source.value == SW_SOURCE_OTLP;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* Another step that was sent, under one of the names; null: none. */
static sw_status find_other(sw_ingest *in, const sw_actor *actor, const trace_step *step,
                            sw_memory *memory, sw_str *other, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    *other = SW_NULL_STR;
    for (size_t i = 0; i < step->name_count && status == SW_STATUS_OK && !other->ptr; i++) {
        sw_str id = SW_NULL_STR;
        bool sent = false;
        status =
            sw_telemetry_alias(in->ledger, actor, step->entry.step.project_id, step->names[i].kind,
                               step->names[i].value, step->entry.metrics, memory, &id, err);
        if (status == SW_STATUS_OK && !sw_str_eq(id, step->entry.step.id)) {
            status = was_sent(in, actor, id, memory, &sent, err);
        }
        *other = sent ? id : SW_NULL_STR;
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    return status;
}

typedef struct joining {
    sw_arena *arena;
    trace_step *steps;
    size_t step_count;
    trace_fold *folds;
    size_t fold_count;
} joining;

static void join(joining *j, const trace_step *step, sw_str other)
{
    if (!other.ptr) {
        j->steps[j->step_count++] = *step;
        return;
    }
    other = sw_arena_str(j->arena, other);
    if (step->told) {
        j->steps[j->step_count++] = *step;
        j->folds[j->fold_count++] = (trace_fold){other, step->entry.step.id, NULL};
    } else {
        j->folds[j->fold_count++] = (trace_fold){step->entry.step.id, other, &step->entry};
    }
}

static sw_status join_all(sw_ingest *in, const sw_actor *actor, trace_result *result, joining *j,
                          sw_error *err)
{
    sw_memory *memory = sw_memory_new(&in->allocator);
    sw_status status = memory ? SW_STATUS_OK : sw_no_memory(err);

    for (size_t i = 0; i < result->step_count && status == SW_STATUS_OK; i++) {
        sw_str other = SW_NULL_STR;
        status = find_other(in, actor, &result->steps[i], memory, &other, err);
        join(j, &result->steps[i], other);
        sw_memory_reset(memory);
    }
    if (memory) {
        sw_memory_free(&memory);
    }
    return status == SW_STATUS_OK && j->arena->failed ? sw_no_memory(err) : status;
}

sw_status ingest_join_names(sw_ingest *in, const sw_actor *actor, trace_result *result,
                            sw_arena *arena, sw_error *err)
{
    joining j = {.arena = arena};
    sw_status status = SW_STATUS_OK;

    if (!ingest_has_names(result)) {
        return SW_STATUS_OK;
    }
    j.steps = sw_arena_alloc(arena, result->step_count * sizeof *j.steps);
    j.folds = sw_arena_alloc(arena, (result->fold_count + result->step_count) * sizeof *j.folds);
    if (!j.steps || !j.folds) {
        return sw_no_memory(err);
    }
    if (result->fold_count > 0) {
        memcpy(j.folds, result->folds, result->fold_count * sizeof *j.folds);
    }
    j.fold_count = result->fold_count;
    status = join_all(in, actor, result, &j, err);
    result->steps = j.steps;
    result->step_count = j.step_count;
    result->folds = j.folds;
    result->fold_count = j.fold_count;
    return status;
}
