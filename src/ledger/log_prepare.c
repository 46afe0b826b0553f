/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said about a step before anything is asked of the store: rules, checks, the stored form, the
 * digest. Done in the caller's thread, since there is only one writer. Knows neither group nor time.
 *
 * A large call is queued when its first piece is prepared; the writer inserts what is ready while the caller
 * goes on, and waits only for a caller that computes, never for one that waits for the writer.
 */
#include "ledger/border.h"
#include "ledger/log.h"

/* Entries that become the writer's at once. */
enum { PIECE = 64 };

/* Fields that the ledger sets; a caller may only repeat nothing. */
static const uint8_t ledgers_own[] = {
    SW_STEP_UPDATED_AT,    SW_STEP_CREATED_BY_ID,    SW_STEP_LAST_UPDATED_BY_ID,
    SW_STEP_RETIRED_INTO,  SW_STEP_LEASE_EXPIRES_AT, SW_STEP_IS_DELETED,
    SW_STEP_CREATE_DIGEST, SW_STEP_END_DIGEST,       SW_STEP_COST_SOURCE,
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

static sw_status check_lease(const sw_step_entry *entry, const sw_step *row, sw_error *err)
{
    if (sw__has_lease(row) &&
        (entry->lease_seconds < 0 || entry->lease_seconds > SW_LIMIT_LEASE_SECONDS)) {
        return sw_fail(err, SW_STATUS_INVALID, "lease_seconds", "must be 1 to %lld",
                       (long long)SW_LIMIT_LEASE_SECONDS);
    }
    return SW_STATUS_OK;
}

/* Something valid where the writer will put the real thing, so that a row can be checked whole. */
static void stamp_early(const sw_task *task, sw_step *row)
{
    row->organization_id = task->organization_id;
    row->created_by_id = task->user_id;
    row->source = sw_int_of(row->source.value); /* null is api */
    row->id = row->id.ptr ? row->id : SW_STR("step-00000000-0000-4000-8000-000000000000");
    row->created_at = sw_int_of(row->created_at.known ? row->created_at.value : 0);
    row->updated_at = row->created_at;
}

/* From what the caller sent towards the row that will be stored; refuses what breaks a rule. */
static sw_status prepare(const sw_ledger *ledger, const sw_task *task, const sw_step_entry *entry,
                         sw_buf *buf, sw_arena *arena, sw_step *row, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    sw_status status = refuse_own(task, &entry->step, err);
    uint64_t given = 0;

    *row = entry->step;
    row->create_digest = SW_NULL_STR;
    if (status == SW_STATUS_OK && row->id.ptr) {
        status = sw__check_id(SW_RECORD_STEP, row->id, "id", err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw__row_nulls(SW_RECORD_STEP, row);
    given = sw_row_mask(record, row);
    stamp_early(task, row);
    status = sw__book(task, SW_RECORD_STEP, row, err);
    if (status == SW_STATUS_OK) {
        status = sw__step_rules(row, err);
    }
    sw_row_defaults(record, row);
    if (status == SW_STATUS_OK) {
        status = check_lease(entry, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_row_check(record, row, "", err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_STEP, row, arena, err);
    }
    if (status == SW_STATUS_OK) {
        row->create_digest = sw__entry_digest_with(ledger, buf, arena, row, given, entry);
        status = row->create_digest.ptr ? status : sw_no_memory(err);
    }
    return status;
}

/* One entry. What is refused waits for its turn with the others. */
static void prepare_one(sw_prepare *p, const sw_ledger *ledger, const sw_task *task, sw_error *why)
{
    sw_prepared *out = &p->all[p->done];

    out->refused = NULL;
    out->status = prepare(ledger, task, &p->entries[p->done], &p->buf, &p->arena, &out->row, why);
    if (out->status != SW_STATUS_OK && out->status != SW_STATUS_NO_MEMORY) {
        out->refused = sw_arena_alloc(&p->arena, sizeof *out->refused);
        out->status = out->refused ? out->status : SW_STATUS_NO_MEMORY;
    }
    if (out->refused) {
        *out->refused = *why;
    }
    p->done++;
}

static void prepare_to(sw_prepare *p, const sw_ledger *ledger, const sw_task *task, size_t end)
{
    sw_error why = {.status = SW_STATUS_OK}; /* one for all: it is large */

    while (p->done < end) {
        prepare_one(p, ledger, task, &why);
    }
    pthread_mutex_lock(&p->lock);
    p->ready = p->done;
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
}

sw_status sw__prepare_begin(sw_prepare *p, const sw_ledger *ledger, const sw_task *task,
                            const sw_step_entry *entries, size_t count, sw_error *err)
{
    *p = (sw_prepare){.entries = entries, .count = count};
    sw_arena_init(&p->arena, &ledger->allocator, 0);
    sw_buf_init(&p->buf, &ledger->allocator, 0);
    p->all = sw_arena_alloc(&p->arena, count * sizeof *p->all);
    if (!p->all) {
        sw_arena_fini(&p->arena);
        return sw_no_memory(err);
    }
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->more, NULL);
    prepare_to(p, ledger, task, count < 2 * (size_t)PIECE ? count : (size_t)PIECE);
    return SW_STATUS_OK;
}

void sw__prepare_rest(sw_prepare *p, const sw_ledger *ledger, const sw_task *task)
{
    while (p->done < p->count) {
        size_t left = p->count - p->done;
        prepare_to(p, ledger, task, p->done + (left < PIECE ? left : PIECE));
    }
}

size_t sw__prepare_wait(sw_prepare *p, size_t some)
{
    size_t ready = 0;

    pthread_mutex_lock(&p->lock);
    while (p->ready <= some) {
        pthread_cond_wait(&p->more, &p->lock);
    }
    ready = p->ready;
    pthread_mutex_unlock(&p->lock);
    return ready;
}

void sw__prepare_end(sw_prepare *p)
{
    sw_buf_fini(&p->buf);
    sw_arena_fini(&p->arena);
    (void)pthread_cond_destroy(&p->more);
    (void)pthread_mutex_destroy(&p->lock);
}
