/* SPDX-License-Identifier: Apache-2.0 */
/* Telemetry is kept: raw items and what was computed from them, in one transaction. Steps that are new go through the
 * many-row path of logging (log.c), prepared in the caller's thread; those that are there are restated. Which is which a
 * reader is asked before the call is queued, so that the writer looks for nothing that is not there; who came in
 * between is found out by his id being taken, and restated after all.
 *
 * All or nothing, though the task shares its group with others: a refusal after something was written breaks the
 * group, and the writer applies its tasks again one by one, so that only this one fails.
 */
#include <stdio.h>

#include "ledger/border.h"
#include "ledger/reading.h"
#include "ledger/talk.h"
#include "ledger/telemetry_inside.h"

/* ---- in the caller's thread ---------------------------------------------------------------------- */

/* What a step that is there says of where it belongs: what is not said of it again stays so. Of a step that is not the
 * caller's nothing is taken: it counts as new, and its id is then not to be had. */
static sw_status is_there(sw_session *session, const sw_actor *actor, sw_str step_id,
                          sw_arena *arena, sw_step *out, bool *there, sw_error *err)
{
    sw_actor writer = {.organization_id = sw__actor_organization(actor),
                       .project_id = actor ? actor->project_id : SW_NULL_STR};
    sw_status status = sw__first_of(
        session, SW_RECORD_STEP, SW_STEP_ID, step_id,
        SW_MASK(SW_STEP_ORGANIZATION_ID) | SW_MASK(SW_STEP_RUN_ID) | SW_MASK(SW_STEP_AGENT_ID) |
            SW_MASK(SW_STEP_PROJECT_ID) | SW_MASK(SW_STEP_CONVERSATION_ID) |
            SW_MASK(SW_STEP_TRACE_ID) | SW_MASK(SW_STEP_RETIRED_INTO) | SW_MASK(SW_STEP_CREATED_AT),
        arena, out, there, err);

    if (status == SW_STATUS_OK && *there) {
        status = sw__sees(session, arena, &writer, SW_RECORD_STEP, out, there, err);
    }
    if (!*there) {
        *out = (sw_step){.id = SW_NULL_STR};
    }
    return status;
}

/* A fold that was told before its step came is remembered by its alias. */
static sw_status is_folded(sw_session *session, sw_str organization_id, const sw_step *step,
                           sw_arena *arena, bool *folded, sw_error *err)
{
    sw_step_alias key = {.organization_id = organization_id,
                         .project_id = step->project_id,
                         .kind = SW_STR("merged"),
                         .value = step->id};
    sw_step_alias alias;
    sw_status status = sw_store_get(session, SW_RECORD_STEP_ALIAS, &key, arena, &alias, err);

    *folded = status == SW_STATUS_OK;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_status look_at_steps(sw_session *session, const sw_actor *actor, sw_telemetry *t,
                               sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < t->batch->step_count && status == SW_STATUS_OK; i++) {
        sw_step step = t->batch->steps[i].entry.step;
        bool there = false;
        bool yes = false;
        if (actor && actor->project_id.ptr) {
            step.project_id = actor->project_id;
        }
        if (!step.id.ptr) {
            continue; /* refused later */
        }
        status = is_there(session, actor, step.id, &t->arena, &t->stored[i], &there, err);
        t->is[i] = t->stored[i].retired_into.ptr ? SW_TELEMETRY_FOLDED
                   : there                       ? SW_TELEMETRY_THERE
                                                 : SW_TELEMETRY_FRESH;
        if (status == SW_STATUS_OK && !there) {
            status = is_folded(session, sw__actor_organization(actor), &step, &t->arena, &yes, err);
            t->is[i] = yes ? SW_TELEMETRY_FOLDED : SW_TELEMETRY_FRESH;
        }
    }
    return status;
}

static sw_status look(sw_ledger *ledger, const sw_actor *actor, sw_telemetry *t, sw_error *err)
{
    sw_session *session = NULL;
    sw_status status = SW_STATUS_OK;

    if (t->batch->step_count == 0) {
        return SW_STATUS_OK;
    }
    status = sw__snapshot_begin(ledger, &session, err); /* one for all: each read would begin one */
    if (status == SW_STATUS_OK) {
        status = look_at_steps(session, actor, t, err);
        sw__snapshot_end(ledger, session);
    }
    return status;
}

/* A conversation's key becomes its id; the id is passed as it is. */
static sw_status settle_conversation(const sw_actor *actor, sw_str project_id, sw_arena *arena,
                                     sw_str *conversation_id, sw_error *err)
{
    char id[SW_ID_MAX];

    if (!conversation_id->ptr || sw_id_valid(*conversation_id, SW_STR("conv"))) {
        return SW_STATUS_OK;
    }
    if (actor && actor->project_id.ptr) {
        project_id = actor->project_id;
    }
    sw_telemetry_conversation_id(actor, project_id, *conversation_id, id);
    *conversation_id = sw_arena_str(arena, sw_str_from(id));
    return conversation_id->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static void keep_place(const sw_step *from, sw_step *step)
{
    static const uint8_t fields[] = {SW_STEP_RUN_ID, SW_STEP_PROJECT_ID, SW_STEP_TRACE_ID,
                                     SW_STEP_CREATED_AT};

    for (size_t i = 0; i < SW_COUNT(fields); i++) {
        const sw_field *field = &sw_record_of(SW_RECORD_STEP)->fields[fields[i]];
        if (sw_field_is_null(field, step)) {
            sw_field_copy(field, step, from);
        }
    }
}

static sw_status take_entry(const sw_actor *actor, sw_telemetry *t, size_t at, size_t i,
                            sw_error *err)
{
    sw_step_entry *entry = &t->entries[at];

    *entry = t->batch->steps[i].entry;
    entry->messages = NULL;
    entry->traces = NULL;
    entry->message_count = entry->trace_count = 0;
    t->of_step[at] = i;
    if (!entry->step.organization_id.ptr) {
        entry->step.organization_id = sw__actor_organization(actor);
    }
    keep_place(&t->stored[i], &entry->step);
    if (!entry->step.id.ptr) {
        return sw_fail(err, SW_STATUS_INVALID, "id", "a step of telemetry needs its id");
    }
    if (entry->step.source.value != SW_SOURCE_OTLP &&
        entry->step.source.value != SW_SOURCE_TRANSCRIPT) {
        return sw_fail(err, SW_STATUS_INVALID, "source", "must be otlp or transcript");
    }
    return settle_conversation(actor, entry->step.project_id, &t->arena,
                               &entry->step.conversation_id, err);
}

/* The fresh ones first, in their order: they are logged together. */
static sw_status take_entries(const sw_actor *actor, sw_telemetry *t, sw_error *err)
{
    size_t at = 0;
    sw_status status = SW_STATUS_OK;

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < t->batch->step_count && status == SW_STATUS_OK; i++) {
            if ((t->is[i] == SW_TELEMETRY_FRESH) == (round == 0)) {
                status = take_entry(actor, t, at++, i, err);
            }
        }
        t->fresh = round == 0 ? at : t->fresh;
    }
    return status;
}

static sw_status take_runs(const sw_actor *actor, sw_telemetry *t, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < t->batch->run_count && status == SW_STATUS_OK; i++) {
        t->runs[i] = t->batch->runs[i];
        status = settle_conversation(actor, t->runs[i].project_id, &t->arena,
                                     &t->runs[i].conversation_id, err);
    }
    return status;
}

static sw_status make_room(sw_telemetry *t, sw_error *err)
{
    size_t n = t->batch->step_count + 1;

    t->is = sw_arena_zeroed(&t->arena, n * sizeof *t->is);
    t->stored = sw_arena_zeroed(&t->arena, n * sizeof *t->stored);
    t->entries = sw_arena_alloc(&t->arena, n * sizeof *t->entries);
    t->of_step = sw_arena_alloc(&t->arena, n * sizeof *t->of_step);
    t->outcomes = sw_arena_zeroed(&t->arena, n * sizeof *t->outcomes);
    t->runs = sw_arena_alloc(&t->arena, (t->batch->run_count + 1) * sizeof *t->runs);
    return t->arena.failed ? sw_no_memory(err) : SW_STATUS_OK;
}

static sw_status check_sizes(const sw_telemetry_batch *b, sw_error *err)
{
    const struct {
        const char *name;
        size_t count;
    } lists[] = {
        {"agents", b->agent_count},  {"sources", b->source_count}, {"items", b->item_count},
        {"runs", b->run_count},      {"steps", b->step_count},     {"folds", b->fold_count},
        {"aliases", b->alias_count}, {"marks", b->mark_count},     {"calls", b->call_count},
        {"files", b->file_count},    {"left_runs", b->left_count}};

    for (size_t i = 0; i < SW_COUNT(lists); i++) {
        if (lists[i].count > SW_LIMIT_BATCH_ITEMS) {
            return sw_fail(err, SW_STATUS_TOO_LARGE, lists[i].name, "at most %d a call",
                           (int)SW_LIMIT_BATCH_ITEMS);
        }
    }
    return SW_STATUS_OK;
}

/* ---- in the writer: what others refer to ---------------------------------------------------------- */

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
    sw_status status = check_sizes(t->batch, err);

    if (status == SW_STATUS_OK) {
        status = make_room(t, err);
    }
    if (status == SW_STATUS_OK) {
        status = look(ledger, actor, t, err);
    }
    if (status == SW_STATUS_OK) {
        status = take_entries(actor, t, err);
    }
    if (status == SW_STATUS_OK) {
        status = take_runs(actor, t, err);
    }
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
