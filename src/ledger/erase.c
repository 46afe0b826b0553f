/* SPDX-License-Identifier: Apache-2.0 */
/* Removing much: steps by a condition, a person, a conversation, an organization. Everything happens in small
 * writes of a bounded number of steps or rows, so that no other writer waits for long; each of them leaves sums
 * and rows in agreement (promise P8), and one that is interrupted is taken up again by asking once more.
 */
#include <stdio.h>

#include "ledger/internal.h"
#include "ledger/telemetry.h"

enum { AT_ONCE = 200, ROWS_AT_ONCE = 500 };

/* ---- steps --------------------------------------------------------------------------------------- */

typedef struct removing {
    const sw_removal *ask;
    /* Made anew each time the task is applied. */
    int64_t looked;
    int64_t removed;
    int64_t last_us;
    char last[SW_ID_MAX];
    bool more;
} removing;

/* The unit of raw telemetry that a trace is: its id as bytes. */
static sw_status forget_trace(sw_group *group, const sw_step *step, sw_error *err)
{
    uint8_t unit[16];
    if (step->trace_id.len != 32 || step->source.value != SW_SOURCE_OTLP) {
        return SW_STATUS_OK;
    }
    for (size_t i = 0; i < sizeof unit; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *high = strchr(digits, step->trace_id.ptr[2 * i]);
        const char *low = strchr(digits, step->trace_id.ptr[2 * i + 1]);
        if (!high || !low) {
            return SW_STATUS_OK;
        }
        unit[i] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    sw_str text = sw_arena_str(&group->arena, sw_str_make((const char *)unit, sizeof unit));
    return text.ptr ? sw__telemetry_forget(group, step->organization_id, text, err)
                    : sw_group_must(group, sw_no_memory(err), err);
}

static sw_status remove_one(sw_group *group, const sw_task *task, removing *at, const sw_step *step,
                            sw_error *err)
{
    bool any = true;
    sw_status status = at->ask->payload_only ? sw__step_silence_in(group, task, step, &any, err)
                                             : sw__step_delete_in(group, task, step, NULL, err);
    if (status == SW_STATUS_OK) {
        status = forget_trace(group, step, err);
    }
    at->removed += any ? 1 : 0;
    at->last_us = step->created_at.value;
    snprintf(at->last, sizeof at->last, "%.*s", (int)step->id.len, step->id.ptr);
    return status;
}

/* The next steps behind the place, the oldest first. */
static sw_status next_steps(sw_group *group, const sw_task *task, const removing *at, int64_t limit,
                            sw_rows *out, sw_error *err)
{
    const sw_removal *ask = at->ask;
    const sw_value organization = {.text = task->organization_id};
    const sw_step place = {.created_at = sw_int_of(ask->after_us), .id = sw_str_from(ask->after)};
    size_t count = ask->condition_count;
    sw_condition *conditions = sw_arena_zeroed(&group->arena, (count + 1) * sizeof *conditions);
    if (!conditions) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    conditions[0] = (sw_condition){SW_STEP_ORGANIZATION_ID, SW_OP_EQ, &organization, 1};
    if (count > 0) {
        memcpy(conditions + 1, ask->conditions, count * sizeof *conditions);
    }
    const sw_scan scan = {.record = SW_RECORD_STEP,
                          .conditions = conditions,
                          .condition_count = count + 1,
                          .order = {SW_STEP_CREATED_AT, SW_STEP_ID},
                          .order_count = 2,
                          .after = ask->after[0] ? &place : NULL,
                          .limit = limit};
    return sw_group_gather(group, &scan, out, err);
}

static sw_status apply_remove(sw_group *group, sw_task *task, sw_error *err)
{
    removing *at = task->arg;
    int64_t limit = at->ask->limit > 0 ? at->ask->limit : AT_ONCE;
    sw_rows rows;
    *at = (removing){.ask = at->ask};
    sw_status status = next_steps(group, task, at, limit, &rows, err);
    for (size_t i = 0; i < rows.count && status == SW_STATUS_OK; i++) {
        status = remove_one(group, task, at, (const sw_step *)(const void *)rows.rows + i, err);
        at->looked++;
    }
    at->more = status == SW_STATUS_OK && (int64_t)rows.count == limit;
    return status;
}

sw_status sw_steps_remove(sw_ledger *ledger, const sw_actor *actor, sw_removal *removal,
                          sw_error *err)
{
    removing at = {.ask = removal};
    sw_task task = {.apply = apply_remove, .arg = &at, .weight = AT_ONCE};
    if (actor && actor->project_id.ptr) {
        return sw_fail(err, SW_STATUS_RESTRICTED, "",
                       "only who sees the whole organization can remove by conditions");
    }
    sw_status status = sw__submit(ledger, actor, &task, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    removal->looked += at.looked;
    removal->removed += at.removed;
    removal->more = at.more;
    if (at.looked > 0) {
        removal->after_us = at.last_us;
        memcpy(removal->after, at.last, sizeof removal->after);
    }
    return SW_STATUS_OK;
}

/* ---- rows of an organization ------------------------------------------------------------------------ */

typedef struct sweeping {
    int64_t removed;
    int64_t refused; /* others refer to them still */
} sweeping;

static sw_status sweep_record(sw_group *group, sw_str organization_id, sw_record_id record,
                              sweeping *out, sw_error *err)
{
    const sw_record *model = sw_record_of(record);
    int field = sw_record_field(model, SW_STR("organization_id"));
    const sw_value value = {.text = organization_id};
    if (field < 0 || record == SW_RECORD_ORGANIZATION) {
        return SW_STATUS_OK;
    }
    const sw_condition its = {(uint8_t)field, SW_OP_EQ, &value, 1};
    const sw_scan scan = {.record = record,
                          .conditions = &its,
                          .condition_count = 1,
                          .unordered = true,
                          .limit = ROWS_AT_ONCE - out->removed};
    sw_rows rows;
    sw_status status = sw_group_gather(group, &scan, &rows, err);
    for (size_t i = 0; i < rows.count && status == SW_STATUS_OK; i++) {
        status = sw_store_remove(group->session, record, rows.rows + i * model->size, err);
        out->removed += status == SW_STATUS_OK ? 1 : 0;
        out->refused += status == SW_STATUS_RESTRICTED ? 1 : 0;
        bool fine = status == SW_STATUS_RESTRICTED || status == SW_STATUS_NOT_FOUND;
        status = fine ? SW_STATUS_OK : sw_group_must(group, status, err);
    }
    return status;
}

/* Some rows of whatever is the organization's, and itself when there are none. Nothing of it is in any sum of
 * others, so rows are all there is to remove. */
static sw_status apply_sweep(sw_group *group, sw_task *task, sw_error *err)
{
    sweeping *out = task->arg;
    sw_status status = SW_STATUS_OK;
    *out = (sweeping){.removed = 0};
    for (int i = SW_RECORD_COUNT; i > 0 && status == SW_STATUS_OK && out->removed < ROWS_AT_ONCE;
         i--) {
        status = sweep_record(group, task->organization_id, (sw_record_id)(i - 1), out, err);
    }
    if (status == SW_STATUS_OK && out->removed == 0) {
        const sw_organization key = {.id = task->organization_id};
        status = sw_store_remove(group->session, SW_RECORD_ORGANIZATION, &key, err);
        status = sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    }
    sw_group_forget(group);
    return status;
}

static sw_status sweep(sw_ledger *ledger, const sw_actor *actor, sw_error *err)
{
    sweeping out = {.removed = 1};
    sw_status status = SW_STATUS_OK;
    while (status == SW_STATUS_OK && out.removed > 0) {
        sw_task task = {.apply = apply_sweep,
                        .arg = &out,
                        .weight = ROWS_AT_ONCE,
                        .own_organization = true,
                        .alone = true};
        status = sw__submit(ledger, actor, &task, err);
    }
    return status;
}

/* ---- a conversation ---------------------------------------------------------------------------------- */

static sw_status apply_messages(sw_group *group, sw_task *task, sw_error *err)
{
    return sw__messages_remove(group, SW_MESSAGE_CONVERSATION_ID, *(const sw_str *)task->arg, err);
}

typedef struct first_run {
    char id[SW_ID_MAX];
} first_run;

static bool keep_run(void *arg, const void *row)
{
    sw_str id = ((const sw_run *)row)->id;
    snprintf(((first_run *)arg)->id, SW_ID_MAX, "%.*s", (int)id.len, id.ptr);
    return false;
}

static sw_status erase_runs(sw_ledger *ledger, const sw_actor *actor, sw_str conversation,
                            sw_error *err)
{
    const sw_value value = {.text = conversation};
    const sw_condition its = {SW_RUN_CONVERSATION_ID, SW_OP_EQ, &value, 1};
    const sw_list_query query = {.conditions = &its, .condition_count = 1, .limit = 1};
    sw_status status = SW_STATUS_OK;
    bool more = true;
    while (status == SW_STATUS_OK && more) {
        first_run run = {.id = ""};
        sw_list_end end;
        status = sw_list(ledger, actor, SW_RECORD_RUN, &query, keep_run, &run, &end, err);
        more = run.id[0] != '\0';
        if (status == SW_STATUS_OK && more) {
            sw_outcome outcome;
            status = sw_run_delete(ledger, actor, sw_str_from(run.id), &outcome, err);
        }
    }
    return status;
}

static sw_status erase_conversation(sw_ledger *ledger, const sw_actor *actor, sw_str id,
                                    sw_error *err)
{
    sw_outcome outcome;
    sw_task task = {.apply = apply_messages, .arg = &id, .weight = AT_ONCE};
    sw_status status = sw__submit(ledger, actor, &task, err);
    if (status == SW_STATUS_OK) {
        status = erase_runs(ledger, actor, id, err);
    }
    return status == SW_STATUS_OK
               ? sw_record_delete(ledger, actor, SW_RECORD_CONVERSATION, id, &outcome, err)
               : status;
}

/* ---- log records without a trace -------------------------------------------------------------------------- */

typedef struct forgetting {
    const sw_actor *actor;
    sw_str text;
    sw_str conversation_id; /* that the text names; null: it is a person's name */
    char project_id[SW_ID_MAX];
    char unit[16];
    bool begun;
    /* Made anew each time the task is applied. */
    int64_t forgotten;
    bool more;
    char next_project_id[SW_ID_MAX];
    char next_unit[16];
} forgetting;

/* The id of a conversation follows from its project and what its sender calls it. */
static bool names_conversation(void *arg, sw_str project_id)
{
    const forgetting *f = arg;
    char id[SW_ID_MAX];
    sw_telemetry_conversation_id(f->actor, project_id, f->text, id);
    return sw_str_eq(f->conversation_id, sw_str_from(id));
}

static sw_status apply_forget(sw_group *group, sw_task *task, sw_error *err)
{
    forgetting *f = task->arg;
    sw_telemetry_said said = {.organization_id = task->organization_id,
                              .text = f->text,
                              .is_of = f->conversation_id.ptr ? names_conversation : NULL,
                              .arg = f,
                              .project_id = sw_str_from(f->project_id),
                              .unit =
                                  f->begun ? sw_str_make(f->unit, sizeof f->unit) : SW_NULL_STR};
    sw_status status = sw__telemetry_forget_said(group, &said, err);
    f->forgotten = said.forgotten;
    f->more = said.more && said.unit.len == sizeof f->next_unit;
    if (status == SW_STATUS_OK && f->more) {
        memcpy(f->next_unit, said.unit.ptr, sizeof f->next_unit);
        snprintf(f->next_project_id, sizeof f->next_project_id, "%.*s", (int)said.project_id.len,
                 said.project_id.ptr ? said.project_id.ptr : "");
    }
    return status;
}

static sw_status forget_records(sw_ledger *ledger, const sw_actor *actor, sw_str text,
                                sw_str conversation_id, int64_t *forgotten, sw_error *err)
{
    forgetting f = {.actor = actor, .text = text, .conversation_id = conversation_id, .more = true};
    sw_status status = SW_STATUS_OK;
    while (status == SW_STATUS_OK && f.more && text.len > 0) {
        sw_task task = {.apply = apply_forget, .arg = &f, .weight = ROWS_AT_ONCE};
        status = sw__submit(ledger, actor, &task, err);
        *forgotten += f.forgotten;
        f.begun = true;
        memcpy(f.unit, f.next_unit, sizeof f.unit);
        memcpy(f.project_id, f.next_project_id, sizeof f.project_id);
    }
    return status;
}

/* ---- which ------------------------------------------------------------------------------------------- */

static sw_status erase_steps(sw_ledger *ledger, const sw_actor *actor, sw_removal *removal,
                             void (*progress)(void *arg, int64_t steps), void *arg, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    removal->more = true;
    while (status == SW_STATUS_OK && removal->more) {
        status = sw_steps_remove(ledger, actor, removal, err);
        if (progress) {
            progress(arg, removal->removed);
        }
    }
    return status;
}

/* The record that is to be erased must be there, and the actor's own. Of a conversation its log records go first, as
 * long as its row says what its sender calls it. */
static sw_status begin(sw_ledger *ledger, const sw_actor *actor, sw_erase_of of, sw_str value,
                       sw_error *err)
{
    sw_memory *memory = sw_memory_new(&ledger->allocator);
    sw_status status = SW_STATUS_OK;
    int64_t forgotten = 0;
    sw_organization organization;
    sw_conversation talk;
    if (!memory) {
        return sw_no_memory(err);
    }
    if (of == SW_ERASE_ORGANIZATION) {
        status = sw_get(ledger, actor, SW_RECORD_ORGANIZATION, value, memory, &organization, err);
    } else {
        status = sw_get(ledger, actor, SW_RECORD_CONVERSATION, value, memory, &talk, err);
        if (status == SW_STATUS_OK) {
            status = forget_records(ledger, actor, talk.summary, value, &forgotten, err);
        }
    }
    sw_memory_free(&memory);
    return status;
}

sw_status sw_erase(sw_ledger *ledger, const sw_actor *actor, sw_erase_of of, sw_str value,
                   void (*progress)(void *arg, int64_t steps), void *arg, int64_t *steps,
                   sw_error *err)
{
    const sw_value wanted = {.text = value};
    const sw_condition its = {of == SW_ERASE_END_USER ? SW_STEP_END_USER : SW_STEP_CONVERSATION_ID,
                              SW_OP_EQ, &wanted, 1};
    sw_removal removal = {.conditions = &its, .condition_count = of != SW_ERASE_ORGANIZATION};
    sw_status status = SW_STATUS_OK;
    int64_t forgotten = 0;
    *steps = 0;
    if (of == SW_ERASE_ORGANIZATION && sw_str_eq(value, SW_STR(SW_DEFAULT_ORGANIZATION))) {
        return sw_fail(err, SW_STATUS_RESTRICTED, "",
                       "the default organization stays: callers who name none stand on it");
    }
    if (of != SW_ERASE_END_USER) {
        status = begin(ledger, actor, of, value, err);
    }
    if (status == SW_STATUS_OK) {
        status = erase_steps(ledger, actor, &removal, progress, arg, err);
    }
    *steps = removal.removed;
    if (status == SW_STATUS_OK && of == SW_ERASE_CONVERSATION) {
        status = erase_conversation(ledger, actor, value, err);
    } else if (status == SW_STATUS_OK && of == SW_ERASE_ORGANIZATION) {
        status = sweep(ledger, actor, err);
    } else if (status == SW_STATUS_OK) {
        status = forget_records(ledger, actor, value, SW_NULL_STR, &forgotten, err);
    }
    if (status == SW_STATUS_OK && of == SW_ERASE_END_USER && *steps == 0 && forgotten == 0) {
        status = sw_fail(err, SW_STATUS_NOT_FOUND, "", "no step worked for %.*s",
                         (int)sw_utf8_prefix(value, 80), value.ptr);
    }
    return status;
}

/* ---- the file as a whole ------------------------------------------------------------------------------- */

sw_status sw_ledger_backup(sw_ledger *ledger, const char *path,
                           void (*progress)(void *arg, int64_t done, int64_t total), void *arg,
                           sw_error *err)
{
    return sw_store_backup(ledger->store, path, progress, arg, err);
}

sw_status sw_ledger_vacuum(sw_ledger *ledger, sw_error *err)
{
    return sw_store_vacuum(ledger->store, err);
}
