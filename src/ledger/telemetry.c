/* SPDX-License-Identifier: Apache-2.0 */
/* Telemetry is kept: raw items and what was computed from them, in one transaction. Steps that are new go through the
 * many-row path of logging (log.c), prepared in the caller's thread; those that are there are restated (telemetry_look.c
 * says which); who came in between is found out by his id being taken, and restated after all.
 *
 * All or nothing, though the task shares its group with others: a refusal after something was written breaks the
 * group, and the writer applies its tasks again one by one, so that only this one fails.
 */
#include <stdio.h>

#include "ledger/talk.h"
#include "ledger/telemetry_inside.h"

/* ---- what others refer to ------------------------------------------------------------------------- */

/* Where the agent has another id than everybody computes, those who name it mean that. What is changed must
 * outlive the group, which may be tried again. */
static sw_status rename_agent(sw_telemetry *t, sw_str plain, sw_str found, sw_error *err)
{
    sw_str id = sw_arena_str(&t->arena, found);

    plain = sw_arena_str(&t->arena, plain);
    if (!id.ptr || !plain.ptr) {
        return sw_no_memory(err);
    }
    if (t->fresh > 0) {
        (void)sw__prepare_wait(&t->log.prepare, t->fresh - 1);
    }
    for (size_t i = 0; i < t->batch->run_count; i++) {
        if (sw_str_eq(t->runs[i].agent_id, plain)) {
            t->runs[i].agent_id = id;
        }
    }
    for (size_t i = 0; i < t->batch->step_count; i++) {
        sw_step *prepared = i < t->fresh ? &t->log.prepare.all[i].row : NULL;
        if (sw_str_eq(t->entries[i].step.agent_id, plain)) {
            t->entries[i].step.agent_id = id;
            if (prepared) {
                prepared->agent_id = id;
            }
        }
    }
    return SW_STATUS_OK;
}

static sw_status write_agents(sw_group *group, const sw_task *task, sw_telemetry *t, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    sw_outcome outcome;

    for (size_t i = 0; i < t->batch->agent_count && status == SW_STATUS_OK; i++) {
        sw_agent agent = {.name = t->batch->agents[i]};
        sw_str plain = SW_NULL_STR;
        if (!agent.name.ptr || agent.name.len == 0) {
            return sw_fail(err, SW_STATUS_INVALID, "agents", "an agent needs a name");
        }
        status = sw__agent_named(group, task, &agent, &plain, &outcome, err);
        if (status == SW_STATUS_OK && !sw_str_eq(plain, agent.id)) {
            status = rename_agent(t, plain, agent.id, err);
        }
        if (status == SW_STATUS_OK) {
            sw_group_keep(group, SW_RECORD_AGENT, agent.id, task->organization_id);
        }
    }
    return status;
}

/* A conversation belongs to the agent that is first seen in it. Where its id is not to be had, it is none. */
static sw_status write_conversation(sw_group *group, const sw_task *task, sw_str id,
                                    sw_str agent_id, sw_str key, bool *there, sw_error *err)
{
    sw_conversation row = {.id = id, .agent_id = agent_id, .summary = key};
    sw_outcome outcome;
    sw_status status =
        sw_group_known(group, SW_RECORD_CONVERSATION, id, task->organization_id, err);

    *there = status == SW_STATUS_OK;
    if (status != SW_STATUS_NOT_FOUND) {
        return status;
    }
    status = agent_id.ptr
                 ? sw_group_known(group, SW_RECORD_AGENT, agent_id, task->organization_id, err)
                 : SW_STATUS_NOT_FOUND;
    if (status == SW_STATUS_OK) {
        row.summary.len = key.len > SW_LIMIT_TEXT_BYTES ? 0 : key.len;
        status = sw__record_create_in(group, task, SW_RECORD_CONVERSATION, &row, &outcome, err);
        *there = status == SW_STATUS_OK;
    }
    return group->broken != SW_STATUS_OK ? group->broken : SW_STATUS_OK;
}

/* What the sender called it, where it is not the id itself. */
static sw_str key_of(sw_str said, sw_str id)
{
    return sw_str_eq(said, id) ? SW_NULL_STR : said;
}

static sw_status write_conversations(sw_group *group, const sw_task *task, sw_telemetry *t,
                                     sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    bool there = false;

    for (size_t i = 0; i < t->batch->run_count && status == SW_STATUS_OK; i++) {
        sw_run *run = &t->runs[i];
        if (run->conversation_id.ptr) {
            status = write_conversation(
                group, task, run->conversation_id, run->agent_id,
                key_of(t->batch->runs[i].conversation_id, run->conversation_id), &there, err);
            run->conversation_id = there ? run->conversation_id : SW_NULL_STR;
        }
    }
    for (size_t i = 0; i < t->batch->step_count && status == SW_STATUS_OK; i++) {
        const sw_step *step = &t->entries[i].step;
        if (step->conversation_id.ptr) {
            sw_str said = t->batch->steps[t->of_step[i]].entry.step.conversation_id;
            status = write_conversation(group, task, step->conversation_id, step->agent_id,
                                        key_of(said, step->conversation_id), &there, err);
        }
    }
    return status;
}

static sw_status write_runs(sw_group *group, const sw_task *task, sw_telemetry *t, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    char path[32];

    for (size_t i = 0; i < t->batch->run_count && status == SW_STATUS_OK; i++) {
        status = sw__telemetry_run(group, task, &t->runs[i], err);
        if (status != SW_STATUS_OK) {
            (void)snprintf(path, sizeof path, "runs[%zu].", i);
            sw_error_path(err, path);
        }
    }
    return status;
}

/* ---- steps --------------------------------------------------------------------------------------- */

static sw_outcome *outcome_of(const sw_telemetry *t, size_t entry)
{
    return &t->batch->outcomes[t->of_step[entry]];
}

/* A step that was folded stays so, whatever is said of it. */
static sw_status restate(sw_group *group, const sw_task *task, sw_telemetry *t, size_t entry,
                         sw_error *err)
{
    sw_outcome *outcome = outcome_of(t, entry);
    sw_status status = sw__restate_in(group, task, &t->entries[entry], outcome, err);

    group->task = task;
    if (status == SW_STATUS_ILLEGAL_MOVE && strcmp(err->field, "retired_into") == 0) {
        t->is[t->of_step[entry]] = SW_TELEMETRY_FOLDED; /* since we looked */
        t->folded = true;
        return sw__unchanged(group, task, outcome, err);
    }
    return status;
}

static sw_status log_fresh(sw_group *group, const sw_task *task, sw_telemetry *t, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (t->fresh == 0) {
        return SW_STATUS_OK;
    }
    (void)t->log_task.apply(group, &t->log_task, err); /* each has a verdict of its own */
    group->task = task;
    for (size_t i = 0; i < t->fresh && group->broken == SW_STATUS_OK && status == SW_STATUS_OK;
         i++) {
        sw_outcome *outcome = outcome_of(t, i);
        *outcome = t->outcomes[i];
        if (outcome->verdict == SW_VERDICT_UNCHANGED || outcome->verdict == SW_VERDICT_CONFLICT) {
            status = restate(group, task, t, i, err); /* it came since we looked */
        } else if (outcome->status != SW_STATUS_OK) {
            *err = outcome->error;
            status = outcome->status;
        }
    }
    return group->broken != SW_STATUS_OK ? group->broken : status;
}

static sw_status write_steps(sw_group *group, const sw_task *task, sw_telemetry *t, sw_error *err)
{
    sw_status status = log_fresh(group, task, t, err);
    char path[32];

    for (size_t i = t->fresh; i < t->batch->step_count && status == SW_STATUS_OK; i++) {
        if (t->is[t->of_step[i]] == SW_TELEMETRY_FOLDED) {
            sw__outcome_reset(outcome_of(t, i));
            sw__outcome_id(outcome_of(t, i), t->entries[i].step.id);
            status = sw__unchanged(group, task, outcome_of(t, i), err);
            continue;
        }
        status = restate(group, task, t, i, err);
        if (status != SW_STATUS_OK) {
            (void)snprintf(path, sizeof path, "steps[%zu].", t->of_step[i]);
            sw_error_path(err, path);
        }
    }
    return status;
}

/* ---- together ------------------------------------------------------------------------------------ */

static sw_status write_all(sw_group *group, const sw_task *task, sw_telemetry *t, sw_error *err)
{
    sw_status status = write_agents(group, task, t, err);

    if (status == SW_STATUS_OK) {
        status = write_conversations(group, task, t, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__telemetry_raw(group, task, t->batch, err);
    }
    if (status == SW_STATUS_OK) {
        status = write_runs(group, task, t, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__talk_resolve(group, task, t, err);
    }
    if (status == SW_STATUS_OK) {
        status = write_steps(group, task, t, err);
    }
    if (status == SW_STATUS_OK && t->folded) { /* nothing may begin with what is not written */
        status = sw__talk_resolve(group, task, t, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__talk_write(group, task, t, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__telemetry_join(group, task, t->batch, err);
    }
    return status == SW_STATUS_OK ? sw__transcript_write(group, task, t->batch, err) : status;
}

static sw_status apply_telemetry(sw_group *group, sw_task *task, sw_error *err)
{
    sw_telemetry *t = task->arg;
    sw_status status = write_all(group, task, t, err);

    return sw_group_must(group, status, err);
}

static void prepare_rest(const sw_ledger *ledger, sw_task *task)
{
    sw_telemetry *t = task->arg;

    if (t->fresh > 0) {
        sw__prepare_rest(&t->log.prepare, ledger, &t->log_task);
    }
}

static sw_status begin(sw_ledger *ledger, const sw_actor *actor, sw_telemetry *t, sw_error *err)
{
    sw_status status = sw__telemetry_look(ledger, actor, t, err);

    if (status == SW_STATUS_OK) {
        status = sw__talk_prepare(ledger, actor, t, err);
    }
    if (status == SW_STATUS_OK && t->fresh > 0) {
        t->log = (sw_log_args){.entries = t->entries, .count = t->fresh, .outcomes = t->outcomes};
        status = sw__log_begin(ledger, actor, &t->log, &t->log_task, err);
        t->fresh = status == SW_STATUS_OK ? t->fresh : 0;
    }
    return status;
}

sw_status sw_telemetry_write(sw_ledger *ledger, const sw_actor *actor,
                             const sw_telemetry_batch *batch, sw_error *err)
{
    sw_telemetry t = {.batch = batch};
    sw_task task = {.apply = apply_telemetry,
                    .meanwhile = prepare_rest,
                    .arg = &t,
                    .outcomes = batch->outcomes,
                    .outcome_count = batch->step_count,
                    .weight = 1 + batch->step_count + batch->item_count + batch->run_count};
    sw_error local = {.status = SW_STATUS_OK};
    sw_error *said = err ? err : &local;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < batch->step_count; i++) {
        sw__outcome_reset(&batch->outcomes[i]);
    }
    sw_arena_init(&t.arena, &ledger->allocator, 0);
    status = begin(ledger, actor, &t, said);
    if (status == SW_STATUS_OK) {
        status = sw__submit(ledger, actor, &task, said);
    } else {
        (void)sw__refuse(batch->outcomes, batch->step_count, status, said);
    }
    if (t.fresh > 0) {
        sw__log_end(&t.log);
    }
    sw_arena_fini(&t.arena);
    return status;
}
