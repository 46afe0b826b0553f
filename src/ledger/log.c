/* SPDX-License-Identifier: Apache-2.0 */
/* Logging steps: each item is checked whole, then written whole, and gets a verdict of its own.
 *
 * The id decides. A free id makes a new step. A taken one is compared by the digest of what was sent
 * (promise P3), never by what the row became since. An id of another organization is refused in words
 * that say no more than that it cannot be had.
 */
#include <stdio.h>

#include "ledger/internal.h"

typedef struct log_args {
    const sw_step_entry *entries;
    size_t count;
    sw_outcome *outcomes;
    bool atomic;
} log_args;

/* Fields that the ledger sets; a caller may only repeat nothing. */
static const uint8_t ledgers_own[] = {
    SW_STEP_UPDATED_AT,    SW_STEP_CREATED_BY_ID,    SW_STEP_LAST_UPDATED_BY_ID,
    SW_STEP_RETIRED_INTO,  SW_STEP_LEASE_EXPIRES_AT, SW_STEP_IS_DELETED,
    SW_STEP_CREATE_DIGEST, SW_STEP_END_DIGEST,
};

static sw_status refuse_own(const sw_task *task, const sw_step *step, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);

    for (size_t i = 0; i < SW_COUNT(ledgers_own); i++) {
        const sw_field *field = &record->fields[ledgers_own[i]];
        if (!sw_field_is_null(field, step)) {
            return sw_fail(err, SW_STATUS_INVALID, field->name, "is set by the ledger alone");
        }
    }
    if (step->organization_id.ptr && !sw_str_eq(step->organization_id, task->organization_id)) {
        return sw_fail(err, SW_STATUS_INVALID, "organization_id",
                       "is not the organization that calls");
    }
    return SW_STATUS_OK;
}

static sw_status set_lease(sw_group *group, const sw_step_entry *entry, sw_step *step,
                           sw_error *err)
{
    int64_t seconds = entry->lease_seconds ? entry->lease_seconds : SW_LIMIT_LEASE_SECONDS_DEFAULT;

    if (step->status.value != SW_STEP_STATUS_PENDING || step->source.value == SW_SOURCE_ADOPTED) {
        return SW_STATUS_OK;
    }
    if (seconds < 1 || seconds > SW_LIMIT_LEASE_SECONDS) {
        return sw_fail(err, SW_STATUS_INVALID, "lease_seconds", "must be 1 to %lld",
                       (long long)SW_LIMIT_LEASE_SECONDS);
    }
    step->lease_expires_at = sw_int_of(group->lease_us + seconds * 1000000);
    return SW_STATUS_OK;
}

static sw_status check_parents(sw_group *group, const sw_task *task, const sw_step *step,
                               sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (step->run_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_RUN, step->run_id, task->organization_id,
                                 "run_id", err);
    }
    if (status == SW_STATUS_OK && step->provider_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_PROVIDER, step->provider_id,
                                 task->organization_id, "provider_id", err);
    }
    return status;
}

static sw_status set_id(sw_group *group, sw_step *row, sw_error *err)
{
    if (row->id.ptr) {
        return sw__check_id(SW_RECORD_STEP, row->id, "id", err);
    }
    row->id = sw__new_id(group, SW_RECORD_STEP);
    return row->id.ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static void stamp(sw_group *group, const sw_task *task, sw_step *row)
{
    row->organization_id = task->organization_id;
    if (!row->created_at.known) {
        row->created_at = sw_int_of(sw_group_tick(group));
    }
    row->updated_at = row->created_at;
    row->created_by_id = task->user_id;
    row->source = sw_int_of(row->source.value); /* null is api */
}

/* From what the caller sent to the row that will be stored; refuses what breaks a rule. */
static sw_status prepare(sw_group *group, const sw_task *task, const sw_step_entry *entry,
                         sw_step *row, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    sw_status status = refuse_own(task, &entry->step, err);
    uint64_t given = 0;

    *row = entry->step;
    row->create_digest = SW_NULL_STR;
    if (status == SW_STATUS_OK) {
        status = set_id(group, row, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw__row_nulls(SW_RECORD_STEP, row);
    given = sw_row_mask(record, row);
    stamp(group, task, row);
    status = sw__step_rules(row, err);
    sw_row_defaults(record, row);
    if (status == SW_STATUS_OK) {
        status = set_lease(group, entry, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_row_check(record, row, "", err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_STEP, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK) {
        row->create_digest = sw__entry_digest(group, row, given, entry);
        status = row->create_digest.ptr ? status : sw_no_memory(err);
    }
    return status == SW_STATUS_OK ? check_parents(group, task, row, err) : status;
}

/* The id is taken: the same again, or something else? */
static sw_status log_again(sw_group *group, const sw_task *task, const sw_step *row,
                           sw_outcome *outcome, sw_error *err)
{
    sw_step there;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_STEP, row, &group->arena, &there, err);

    if (sw_group_must(group, status, err) != SW_STATUS_OK) {
        return status;
    }
    if (!sw_str_eq(there.organization_id, task->organization_id)) {
        status = sw_fail(err, SW_STATUS_CONFLICT, "id", "id not available");
        return sw__verdict(outcome, SW_VERDICT_REJECTED, status, err);
    }
    if (sw_str_eq(there.create_digest, row->create_digest)) {
        return sw__unchanged(group, task, outcome, err);
    }
    status = sw_fail(err, SW_STATUS_CONFLICT, "id", "a step with this id and other content exists");
    return sw__verdict(outcome, SW_VERDICT_CONFLICT, status, err);
}

static sw_status log_new(sw_group *group, const sw_task *task, const sw_step *row, sw_parts *parts,
                         sw_outcome *outcome, sw_error *err)
{
    sw_status status = sw_group_count(group, row, +1, err);

    if (status == SW_STATUS_OK) {
        status = sw__parts_write(group, task, row, parts, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_CREATED, SW_RECORD_STEP, row->id,
                                  row->project_id, &outcome->seq, err);
    }
    return sw__verdict(outcome, SW_VERDICT_CREATED, status, err);
}

/* ---- one item, or a chunk of them ---------------------------------------------------------------- */

/* Steps that bring nothing but timings are inserted a chunk at a time. What has messages or traces goes
 * alone: their ids must be looked up after those of the item before are in. */
enum { CHUNK = 64 };

typedef struct item {
    sw_step row;
    sw_parts parts;
    sw_outcome *outcome;
} item;

typedef struct chunk {
    item *items; /* CHUNK of them */
    size_t count;
} chunk;

/* What was fine when it was first sent is fine again, also when a run or provider it names has gone
 * since: the same content under the same id is a success (promise P3). */
static bool was_logged(sw_group *group, const sw_task *task, const sw_step *row)
{
    sw_step there;
    sw_error err = {.status = SW_STATUS_OK};
    sw_status status = SW_STATUS_NOT_FOUND;

    if (row->create_digest.ptr) {
        status = sw_store_get(group->session, SW_RECORD_STEP, row, &group->arena, &there, &err);
        (void)sw_group_may(group, status, SW_STATUS_NOT_FOUND, &err);
    }
    return status == SW_STATUS_OK && sw_str_eq(there.organization_id, task->organization_id) &&
           sw_str_eq(there.create_digest, row->create_digest);
}

/* False: the item has its verdict already (refused, or known), or the group is broken. */
static bool admit(sw_group *group, const sw_task *task, const log_args *args, size_t i, item *it,
                  sw_error *err)
{
    const sw_step_entry *entry = &args->entries[i];
    char path[32] = "";
    sw_status status = SW_STATUS_OK;

    sw__outcome_reset(it->outcome);
    status = prepare(group, task, entry, &it->row, err);
    sw__outcome_id(it->outcome, it->row.id);
    if (status == SW_STATUS_OK) {
        status = sw__parts_prepare(group, task, &it->row, entry, true, &it->parts, err);
    }
    if (status == SW_STATUS_NO_MEMORY) {
        (void)sw_group_must(group, status, err);
    }
    if (status == SW_STATUS_INVALID && was_logged(group, task, &it->row)) {
        (void)log_again(group, task, &it->row, it->outcome, err);
        return false;
    }
    if (status != SW_STATUS_OK) {
        if (args->count > 1) {
            (void)snprintf(path, sizeof path, "steps[%zu].", i);
            sw__error_path(err, path);
        }
        (void)sw__verdict(it->outcome, SW_VERDICT_REJECTED, status, err);
    }
    return status == SW_STATUS_OK;
}

static void log_chunk(sw_group *group, const sw_task *task, chunk *c)
{
    const void *rows[CHUNK];
    bool existed[CHUNK];
    sw_error err = {.status = SW_STATUS_OK};
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < c->count; i++) {
        rows[i] = &c->items[i].row;
    }
    if (c->count > 0) {
        status =
            sw_store_insert_many(group->session, SW_RECORD_STEP, rows, c->count, existed, &err);
        status = sw_group_must(group, status, &err);
    }
    for (size_t i = 0; i < c->count && status == SW_STATUS_OK; i++) {
        item *it = &c->items[i];
        sw_error own = {.status = SW_STATUS_OK};
        if (existed[i]) {
            (void)log_again(group, task, &it->row, it->outcome, &own);
        } else {
            (void)log_new(group, task, &it->row, &it->parts, it->outcome, &own);
        }
        status = group->broken;
    }
    c->count = 0;
}

static void log_entries(sw_group *group, const sw_task *task, const log_args *args, chunk *c)
{
    for (size_t i = 0; i < args->count && group->broken == SW_STATUS_OK; i++) {
        const sw_step_entry *entry = &args->entries[i];
        bool plain = entry->message_count == 0 && entry->trace_count == 0;
        item *it = NULL;
        sw_error err = {.status = SW_STATUS_OK};
        if (!plain || c->count == CHUNK) {
            log_chunk(group, task, c);
        }
        it = &c->items[c->count];
        it->outcome = &args->outcomes[i];
        if (group->broken == SW_STATUS_OK && admit(group, task, args, i, it, &err)) {
            c->count++;
            if (!plain) {
                log_chunk(group, task, c);
            }
        }
    }
    if (group->broken == SW_STATUS_OK) {
        log_chunk(group, task, c);
    }
}

/* All or nothing: items that were fine share the fate of the one that was not. */
static void sink_all(log_args *args, const sw_error *err)
{
    for (size_t i = 0; i < args->count; i++) {
        if (args->outcomes[i].status == SW_STATUS_OK) {
            (void)sw__verdict(&args->outcomes[i], SW_VERDICT_REJECTED, err->status, err);
            args->outcomes[i].seq = 0;
        }
    }
}

static sw_status apply_log(sw_group *group, sw_task *task, sw_error *err)
{
    log_args *args = task->arg;
    size_t room = args->count < CHUNK ? args->count : CHUNK;
    chunk c = {.items = sw_arena_alloc(&group->arena, room * sizeof *c.items)};
    sw_status refused = SW_STATUS_OK;

    if (!c.items) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    log_entries(group, task, args, &c);
    if (group->broken != SW_STATUS_OK) {
        return group->broken;
    }
    for (size_t i = 0; i < args->count && refused == SW_STATUS_OK; i++) {
        refused = args->outcomes[i].status;
        if (refused != SW_STATUS_OK) {
            *err = args->outcomes[i].error;
        }
    }
    if (args->atomic && refused != SW_STATUS_OK) {
        sink_all(args, err);
        return refused;
    }
    return args->count == 1 ? refused : SW_STATUS_OK;
}

sw_status sw_step_log(sw_ledger *ledger, const sw_actor *actor, const sw_step_entry *entries,
                      size_t count, bool atomic, sw_outcome *outcomes, sw_error *err)
{
    log_args args = {entries, count, outcomes, atomic};
    sw_task task = {.apply = apply_log,
                    .arg = &args,
                    .outcomes = outcomes,
                    .outcome_count = count,
                    .weight = count,
                    .alone = atomic && count > 1};

    if (count > SW_LIMIT_BATCH_ITEMS) {
        sw_error local = {.status = SW_STATUS_OK};
        sw_error *said = err ? err : &local;
        sw_status status = sw_fail(said, SW_STATUS_TOO_LARGE, "steps", "at most %d steps a call",
                                   (int)SW_LIMIT_BATCH_ITEMS);
        return sw__refuse(outcomes, count, status, said);
    }
    if (count == 0) {
        return SW_STATUS_OK;
    }
    for (size_t i = 0; i < count; i++) {
        task.weight += entries[i].message_count + entries[i].trace_count;
    }
    return sw__submit(ledger, actor, &task, err);
}
