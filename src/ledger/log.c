/* SPDX-License-Identifier: Apache-2.0 */
/* Logging steps: each item is checked whole, then written whole, and gets a verdict of its own.
 *
 * What needs neither store nor group is prepared in the caller's thread (log_prepare.c). The writer may apply
 * a call several times; what it sets in a prepared row it sets anew each time, from what the caller gave.
 *
 * The id decides. A free id makes a new step. A taken one is compared by the digest of what was sent
 * (promise P3), never by what the row became since. An id of another organization is refused in words
 * that say no more than that it cannot be had.
 */
#include <stdio.h>

#include "ledger/border.h"
#include "ledger/hooks.h"
#include "ledger/log.h"
#include "ledger/price.h"

typedef sw_log_args log_args;

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

/* What depends on the moment: the id and the time when the caller gave none, and the lease. */
static sw_status stamp(sw_group *group, const sw_step_entry *entry, sw_step *row, sw_error *err)
{
    int64_t seconds = entry->lease_seconds ? entry->lease_seconds : SW_LIMIT_LEASE_SECONDS_DEFAULT;

    if (!entry->step.id.ptr) {
        row->id = sw__new_id(group, SW_RECORD_STEP);
    }
    if (!entry->step.created_at.known) {
        row->created_at = sw_int_of(sw_group_tick(group));
    }
    row->updated_at = row->created_at;
    if (sw__has_lease(row)) {
        row->lease_expires_at = sw_int_of(group->lease_us + seconds * 1000000);
    }
    return row->id.ptr ? SW_STATUS_OK : sw_no_memory(err);
}

/* As the caller says, else as the prices say; anew each time, since the row keeps what was computed. */
static sw_status cost(sw_group *group, const sw_step_entry *entry, sw_step *row, sw_error *err)
{
    if (entry->step.cost_nano_usd.known || entry->step.price_id.ptr) {
        sw__cost_given(row);
        return SW_STATUS_OK;
    }
    return sw__price_step(group, row, err);
}

/* Makes it the row that will be stored, or says why not. */
static sw_status finish(sw_group *group, const sw_task *task, const sw_step_entry *entry,
                        sw_prepared *p, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (p->status == SW_STATUS_NO_MEMORY) {
        p->row.id = entry->step.id;
        return sw_no_memory(err);
    }
    if (p->refused) {
        p->row.id = entry->step.id;
        *err = *p->refused;
        return p->status;
    }
    status = stamp(group, entry, &p->row, err);
    if (status == SW_STATUS_OK) {
        status = sw__capture(group, &p->row, err);
    }
    if (status == SW_STATUS_OK) {
        status = cost(group, entry, &p->row, err);
    }
    return status == SW_STATUS_OK ? check_parents(group, task, &p->row, err) : status;
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
    if (status == SW_STATUS_OK && !sw__hooks_idle(group)) {
        status = sw__hook_created(group, task, row, err);
    }
    return sw__verdict(outcome, SW_VERDICT_CREATED, status, err);
}

/* ---- one item, or a chunk of them ---------------------------------------------------------------- */

/* Steps that bring nothing but timings are inserted a chunk at a time, whichever calls they came with. What
 * has messages or traces goes alone: their ids must be looked up after those of the item before are in. */
enum { CHUNK = 64 };

typedef struct item {
    const sw_task *task;
    const sw_step *row;
    sw_parts parts;
    sw_outcome *outcome;
} item;

typedef struct chunk {
    item *items; /* at most CHUNK of them */
    size_t count;
} chunk;

/* False: the item has its verdict already (refused, or known), or the group is broken. */
static bool admit(sw_group *group, const sw_task *task, size_t i, item *it, sw_error *err)
{
    const log_args *args = task->arg;
    const sw_step_entry *entry = &args->entries[i];
    sw_status status = SW_STATUS_OK;

    it->task = task;
    it->outcome = &args->outcomes[i];
    group->task = task;
    sw__outcome_reset(it->outcome);
    sw__retry_at(group, i);
    it->row = &args->prepare.all[i].row;
    status = finish(group, task, entry, &args->prepare.all[i], err);
    sw__outcome_id(it->outcome, it->row->id);
    if (status == SW_STATUS_OK) {
        status = sw__parts_prepare(group, task, it->row, entry, true, &it->parts, err);
    }
    if (status == SW_STATUS_NO_MEMORY) {
        (void)sw_group_must(group, status, err);
    }
    /* What was fine when it was first sent is fine again, also when a run or provider it names has gone
     * since: the same content under the same id is a success (promise P3). */
    if (status == SW_STATUS_INVALID && sw__was_created(group, task, SW_RECORD_STEP, it->row)) {
        (void)sw__create_again(group, task, SW_RECORD_STEP, it->row, it->outcome, err);
        return false;
    }
    if (status != SW_STATUS_OK) {
        (void)sw__verdict(it->outcome, SW_VERDICT_REJECTED, status, err);
    }
    return status == SW_STATUS_OK;
}

static void log_chunk(sw_group *group, chunk *c)
{
    const void *rows[CHUNK];
    bool existed[CHUNK];
    sw_error err = {.status = SW_STATUS_OK};
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < c->count; i++) {
        rows[i] = c->items[i].row;
    }
    if (c->count > 0) {
        status =
            sw_store_insert_many(group->session, SW_RECORD_STEP, rows, c->count, existed, &err);
        status = sw_group_must(group, status, &err);
    }
    for (size_t i = 0; i < c->count && status == SW_STATUS_OK; i++) {
        item *it = &c->items[i];
        group->task = it->task;
        if (existed[i]) {
            (void)sw__create_again(group, it->task, SW_RECORD_STEP, it->row, it->outcome, &err);
        } else {
            (void)log_new(group, it->task, it->row, &it->parts, it->outcome, &err);
        }
        status = group->broken;
    }
    c->count = 0;
}

static void log_entries(sw_group *group, const sw_task *task, chunk *c)
{
    log_args *args = task->arg;
    size_t ready = 0;
    sw_error err = {.status = SW_STATUS_OK}; /* one for all: it is large, and each use fills it */

    for (size_t i = 0; i < args->count && group->broken == SW_STATUS_OK; i++) {
        const sw_step_entry *entry = &args->entries[i];
        bool plain = entry->message_count == 0 && entry->trace_count == 0;
        if (i == ready) {
            ready = sw__prepare_wait(&args->prepare, i);
        }
        if (!plain || c->count == CHUNK) {
            log_chunk(group, c);
        }
        if (group->broken == SW_STATUS_OK && admit(group, task, i, &c->items[c->count], &err)) {
            c->count++;
            if (!plain) {
                log_chunk(group, c);
            }
        }
    }
}

/* Among several, an error says which item it means. */
static void name_items(const log_args *args)
{
    char path[32];

    for (size_t i = 0; i < args->count && args->count > 1; i++) {
        if (args->outcomes[i].status != SW_STATUS_OK) {
            (void)snprintf(path, sizeof path, "steps[%zu].", i);
            sw_error_path(&args->outcomes[i].error, path);
        }
    }
}

/* All or nothing: items that were fine share the fate of the one that was not. */
static void sink_all(const log_args *args, const sw_error *err)
{
    for (size_t i = 0; i < args->count; i++) {
        if (args->outcomes[i].status == SW_STATUS_OK) {
            (void)sw__verdict(&args->outcomes[i], SW_VERDICT_REJECTED, err->status, err);
            args->outcomes[i].seq = 0;
        }
    }
}

/* What the call as a whole answers, once its items have their verdicts. */
static sw_status settle(const sw_task *task, sw_error *err)
{
    const log_args *args = task->arg;
    sw_status refused = SW_STATUS_OK;

    name_items(args);
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

static sw_task *apply_logs(sw_group *group, sw_task *first);

static bool goes_along(const sw_task *task)
{
    return task && task->apply_all == apply_logs && !task->retry;
}

static bool make_room(sw_group *group, const sw_task *first, chunk *c)
{
    size_t room = ((const log_args *)first->arg)->count;
    for (const sw_task *task = first->next; goes_along(task) && room < CHUNK; task = task->next) {
        room += ((const log_args *)task->arg)->count;
    }
    room = room < CHUNK ? room : CHUNK;
    *c = (chunk){.items = sw_arena_alloc(&group->arena, room * sizeof *c->items)};
    return c->items != NULL;
}

/* Calls that came at the same time share their chunks: that is what makes one step a call cheap. One with a
 * key of its own goes alone, since its ids follow from the key. */
static sw_task *apply_logs(sw_group *group, sw_task *first)
{
    sw_task *end = first;
    chunk c;

    if (!make_room(group, first, &c)) {
        (void)sw_group_must(group, sw_no_memory(&first->error), &first->error);
        return NULL;
    }
    for (; goes_along(end) && group->broken == SW_STATUS_OK; end = end->next) {
        if (sw__task_begin(group, end)) {
            log_entries(group, end, &c);
        }
    }
    if (group->broken == SW_STATUS_OK) {
        log_chunk(group, &c);
    }
    group->task = NULL;
    for (sw_task *task = first; task != end && group->broken == SW_STATUS_OK; task = task->next) {
        if (task->status == SW_STATUS_OK) {
            task->status = settle(task, &task->error);
        }
    }
    return end;
}

/* For a call from within the writer, which has no group of its own. */
static sw_status apply_log(sw_group *group, sw_task *task, sw_error *err)
{
    chunk c;

    if (!make_room(group, task, &c)) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    log_entries(group, task, &c);
    if (group->broken == SW_STATUS_OK) {
        log_chunk(group, &c);
    }
    return group->broken == SW_STATUS_OK ? settle(task, err) : group->broken;
}

static void prepare_rest(const sw_ledger *ledger, sw_task *task)
{
    log_args *args = task->arg;

    sw__prepare_rest(&args->prepare, ledger, task);
}

void sw__log_end(sw_log_args *args)
{
    sw__prepare_end(&args->prepare);
}

sw_status sw__log_begin(const sw_ledger *ledger, const sw_actor *actor, sw_log_args *args,
                        sw_task *task, sw_error *err)
{
    *task = (sw_task){.apply = apply_log,
                      .apply_all = apply_logs,
                      .meanwhile = prepare_rest,
                      .arg = args,
                      .organization_id = sw__actor_organization(actor),
                      .user_id = sw__actor_user(actor),
                      .project_id = actor ? actor->project_id : SW_NULL_STR,
                      .outcomes = args->outcomes,
                      .outcome_count = args->count,
                      .weight = args->count,
                      .alone = args->atomic && args->count > 1};
    if (args->count > SW_LIMIT_BATCH_ITEMS) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "steps", "at most %d steps a call",
                       (int)SW_LIMIT_BATCH_ITEMS);
    }
    for (size_t i = 0; i < args->count; i++) {
        task->weight += args->entries[i].message_count + args->entries[i].trace_count;
    }
    return sw__prepare_begin(&args->prepare, ledger, task, args->entries, args->count, err);
}

sw_status sw_step_log(sw_ledger *ledger, const sw_actor *actor, const sw_step_entry *entries,
                      size_t count, bool atomic, sw_outcome *outcomes, sw_error *err)
{
    log_args args = {.entries = entries, .count = count, .outcomes = outcomes, .atomic = atomic};
    sw_task task;
    sw_error local = {.status = SW_STATUS_OK};
    sw_error *said = err ? err : &local;
    sw_status status = SW_STATUS_OK;

    if (count == 0) {
        return SW_STATUS_OK;
    }
    status = sw__log_begin(ledger, actor, &args, &task, said);

    if (status == SW_STATUS_OK) {
        status = sw__submit(ledger, actor, &task, err);
        sw__log_end(&args);
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        sw__outcome_reset(&outcomes[i]);
    }
    return sw__refuse(outcomes, count, status, said);
}
