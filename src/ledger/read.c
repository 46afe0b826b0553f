/* SPDX-License-Identifier: Apache-2.0 */
/* Reading single records, the journal, and what the ledger holds. Lists are in list.c, sums in usage.c.
 */
#include <errno.h>
#include <time.h>

#include "ledger/border.h"
#include "ledger/context.h"
#include "ledger/reading.h"

/* ---- a snapshot --------------------------------------------------------------------------------- */

sw_status sw__snapshot_begin(sw_ledger *ledger, sw_session **out, sw_error *err)
{
    sw_status status = sw__reader_take(ledger, out, err);

    if (status == SW_STATUS_OK) {
        status = sw_session_begin(*out, NULL, err);
        if (status != SW_STATUS_OK) {
            sw__reader_give(ledger, *out);
        }
    }
    return status;
}

void sw__snapshot_end(sw_ledger *ledger, sw_session *session)
{
    sw_session_rollback(session); /* a read has nothing to keep */
    sw__reader_give(ledger, session);
}

bool sw__has_secrets(sw_record_id record)
{
    const sw_record *r = sw_record_of(record);

    for (size_t i = 0; i < r->field_count; i++) {
        if (r->fields[i].flags & SW_SECRET) {
            return true;
        }
    }
    return false;
}

void sw__hide_secrets(sw_record_id record, void *row)
{
    const sw_record *r = sw_record_of(record);

    for (size_t i = 0; i < r->field_count; i++) {
        if (r->fields[i].flags & SW_SECRET) {
            sw_field_clear(&r->fields[i], row);
        }
    }
}

sw_status sw__read_by_id(sw_session *session, const sw_actor *actor, sw_record_id record, sw_str id,
                         sw_arena *arena, void *out, sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    int primary = sw_record_primary(r);
    bool sees = false;
    void *key = sw_arena_zeroed(arena, r->size);
    sw_status status = SW_STATUS_OK;

    sw_assert(primary >= 0);
    if (!key) {
        return sw_no_memory(err);
    }
    status = sw__check_id(record, id, "id", err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    *sw_field_str(&r->fields[primary], key) = id;
    status = sw_store_get(session, record, key, arena, out, err);
    if (status == SW_STATUS_OK) {
        status = sw__sees(session, arena, actor, record, out, &sees, err);
    }
    return status == SW_STATUS_NOT_FOUND || (status == SW_STATUS_OK && !sees)
               ? sw__not_found(record, id, err)
               : status;
}

/* ---- one record --------------------------------------------------------------------------------- */

sw_status sw_get(sw_ledger *ledger, const sw_actor *actor, sw_record_id record, sw_str id,
                 sw_memory *memory, void *out, sw_error *err)
{
    sw_session *session = NULL;
    sw_status status = SW_STATUS_OK;

    if (sw_record_primary(sw_record_of(record)) < 0) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "record", "a %s has no id",
                       sw_record_of(record)->name);
    }
    status = sw__reader_take(ledger, &session, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw__read_by_id(session, actor, record, id, &memory->arena, out, err);
    if (status == SW_STATUS_OK && record == SW_RECORD_PROVIDER_TRACE) {
        status = sw__trace_whole(session, &memory->arena, out, err);
    }
    sw__reader_give(ledger, session);
    if (status == SW_STATUS_OK) {
        sw__hide_secrets(record, out);
    }
    return status;
}

sw_status sw_run_usage(sw_ledger *ledger, const sw_actor *actor, sw_str run_id, sw_memory *memory,
                       sw_run_metrics *out, sw_error *err)
{
    return sw_get(ledger, actor, SW_RECORD_RUN_METRICS, run_id, memory, out, err);
}

sw_status sw_provider_secret(sw_ledger *ledger, const sw_actor *actor, sw_str provider_id,
                             int field, sw_memory *memory, sw_str *out, sw_error *err)
{
    sw_session *session = NULL;
    sw_provider provider;
    sw_str sealed = SW_NULL_STR;
    sw_status status = SW_STATUS_OK;

    if (field != SW_PROVIDER_API_KEY && field != SW_PROVIDER_ACCESS_KEY) {
        return sw_fail(err, SW_STATUS_INVALID, "field", "is not a secret of a provider");
    }
    status = sw__reader_take(ledger, &session, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw__read_by_id(session, actor, SW_RECORD_PROVIDER, provider_id, &memory->arena,
                            &provider, err);
    sw__reader_give(ledger, session);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sealed = field == SW_PROVIDER_API_KEY ? provider.api_key_enc : provider.access_key_enc;
    if (!sealed.ptr) {
        return sw_fail(err, SW_STATUS_NOT_FOUND, "field", "the provider has no such secret");
    }
    return sw__unseal(ledger, sealed, &memory->arena, out, err);
}

/* ---- the journal -------------------------------------------------------------------------------- */

typedef struct journal_walk {
    sw_each *each;
    void *arg;
    sw_str project; /* null: entries of all */
    int64_t last;
    int64_t count;
} journal_walk;

static sw_seen show_entry(void *arg, const void *row)
{
    journal_walk *walk = arg;
    const sw_journal *entry = row;

    walk->last = entry->seq.value;
    if (walk->project.ptr && !sw_str_eq(walk->project, entry->project_id)) {
        return SW_SEEN_SKIP;
    }
    walk->count++;
    return walk->each(walk->arg, row) ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

/* *cut: so many entries of other projects were passed that the caller should hear how far it got. */
static sw_status journal_once(sw_ledger *ledger, sw_str organization, int64_t limit,
                              journal_walk *walk, bool *cut, sw_error *err)
{
    sw_value owner = {.text = organization};
    sw_value after = {.number = walk->last};
    sw_condition conditions[] = {{SW_JOURNAL_ORGANIZATION_ID, SW_OP_EQ, &owner, 1},
                                 {SW_JOURNAL_SEQ, SW_OP_GT, &after, 1}};
    sw_journal place = {.organization_id = organization, .seq = sw_int_of(walk->last)};
    sw_scan scan = {.record = SW_RECORD_JOURNAL,
                    .conditions = conditions,
                    .condition_count = 2,
                    .order = {SW_JOURNAL_ORGANIZATION_ID, SW_JOURNAL_SEQ},
                    .order_count = 2,
                    .after = &place,
                    .limit = limit,
                    .look_limit = walk->project.ptr ? SW_LIMIT_LOOK_ROWS : 0};
    sw_session *session = NULL;
    sw_scan_end end;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_store_scan(session, &scan, show_entry, walk, &end, err);
    sw__reader_give(ledger, session);
    *cut = status == SW_STATUS_OK && !end.exhausted;
    return status;
}

/* Sleeps until this process has committed since `commits`, or a quarter of a second (another process
 * may have), or the deadline. False: the ledger is closing.
 */
static bool wait_for_commit(sw_ledger *ledger, uint64_t commits, const struct timespec *deadline)
{
    struct timespec until;
    bool open = true;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 250000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    if (until.tv_sec > deadline->tv_sec ||
        (until.tv_sec == deadline->tv_sec && until.tv_nsec > deadline->tv_nsec)) {
        until = *deadline;
    }
    pthread_mutex_lock(&ledger->lock);
    while (ledger->commits == commits && !ledger->closing) {
        if (pthread_cond_timedwait(&ledger->committed, &ledger->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    open = !ledger->closing;
    pthread_mutex_unlock(&ledger->lock);
    return open;
}

static uint64_t commits_now(sw_ledger *ledger)
{
    uint64_t commits = 0;

    pthread_mutex_lock(&ledger->lock);
    commits = ledger->commits;
    pthread_mutex_unlock(&ledger->lock);
    return commits;
}

static bool past(const struct timespec *deadline)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > deadline->tv_sec ||
           (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

sw_status sw_journal_read(sw_ledger *ledger, const sw_actor *actor, int64_t after, int64_t limit,
                          int64_t wait_ms, sw_each *each, void *arg, int64_t *last, sw_error *err)
{
    journal_walk walk = {.each = each,
                         .arg = arg,
                         .project = actor ? actor->project_id : SW_NULL_STR,
                         .last = after};
    sw_str organization = sw__actor_organization(actor);
    struct timespec deadline;
    sw_status status = SW_STATUS_OK;
    bool open = true;
    bool cut = false;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += wait_ms / 1000;
    deadline.tv_nsec += (wait_ms % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_nsec -= 1000000000;
        deadline.tv_sec++;
    }
    for (;;) {
        uint64_t commits = commits_now(ledger);
        status = journal_once(ledger, organization, limit > 0 ? limit : SW_LIMIT_LIST_ITEMS, &walk,
                              &cut, err);
        if (status != SW_STATUS_OK || walk.count > 0 || cut || wait_ms <= 0 || !open ||
            past(&deadline)) {
            break;
        }
        open = wait_for_commit(ledger, commits, &deadline);
    }
    if (last) {
        *last = walk.last;
    }
    return status;
}

sw_status sw_journal_head_seq(sw_ledger *ledger, const sw_actor *actor, int64_t *out, sw_error *err)
{
    sw_journal_head key = {.organization_id = sw__actor_organization(actor)};
    sw_journal_head row;
    sw_session *session = NULL;
    sw_arena arena;
    sw_status status = sw__reader_take(ledger, &session, err);

    *out = 0;
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &ledger->allocator, 0);
    status = sw_store_get(session, SW_RECORD_JOURNAL_HEAD, &key, &arena, &row, err);
    if (status == SW_STATUS_OK) {
        *out = row.seq.value;
    }
    sw_arena_fini(&arena);
    sw__reader_give(ledger, session);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* ---- what it holds ------------------------------------------------------------------------------- */

typedef struct tally {
    sw_ledger_info *info;
} tally;

static sw_seen add_cell(void *arg, const void *row)
{
    const sw_usage_model_day *cell = row;
    ((tally *)arg)->info->steps += cell->num_steps.value;
    return SW_SEEN_COUNT;
}

static sw_seen add_head(void *arg, const void *row)
{
    const sw_journal_head *head = row;
    ((tally *)arg)->info->journal_entries += head->seq.value;
    ((tally *)arg)->info->runs += head->runs.value;
    return SW_SEEN_COUNT;
}

static sw_seen only_count(void *arg, const void *row)
{
    (void)arg;
    (void)row;
    return SW_SEEN_COUNT;
}

/* What no sum knows is counted, up to a bound. Reading any number will do, so it is one that lies in the
 * row: an id may have to be looked up elsewhere. */
static sw_status count_rows(sw_session *session, sw_record_id record, const sw_condition *condition,
                            int64_t *out, bool *bounded, sw_error *err)
{
    int created_at = sw_record_field(sw_record_of(record), SW_STR("created_at"));
    sw_scan scan = {.record = record,
                    .conditions = condition,
                    .condition_count = condition != NULL,
                    .unordered = true,
                    .fields = SW_MASK(created_at),
                    .look_limit = SW_LIMIT_LOOK_ROWS};
    sw_scan_end end = {0};
    sw_status status = sw_store_scan(session, &scan, only_count, NULL, &end, err);

    *out = end.counted;
    *bounded = !end.exhausted;
    return status;
}

static sw_status read_info(sw_session *session, sw_ledger_info *out, sw_error *err)
{
    sw_condition leased = {SW_STEP_LEASE_EXPIRES_AT, SW_OP_NOT_NULL, NULL, 0};
    sw_scan cells = {.record = SW_RECORD_USAGE_MODEL_DAY, .unordered = true};
    sw_scan heads = {.record = SW_RECORD_JOURNAL_HEAD, .unordered = true};
    tally t = {out};
    sw_scan_end end;
    sw_status status = sw_store_scan(session, &cells, add_cell, &t, &end, err);

    if (status == SW_STATUS_OK) {
        status = sw_store_scan(session, &heads, add_head, &t, &end, err);
    }
    if (status == SW_STATUS_OK) {
        status = count_rows(session, SW_RECORD_ORGANIZATION, NULL, &out->organizations,
                            &out->organizations_bounded, err);
    }
    return status == SW_STATUS_OK
               ? count_rows(session, SW_RECORD_STEP, &leased, &out->pending_steps,
                            &out->pending_steps_bounded, err)
               : status;
}

sw_status sw_ledger_info_get(sw_ledger *ledger, sw_ledger_info *out, sw_error *err)
{
    sw_store_info store;
    sw_session *session = NULL;
    sw_status status = sw_store_info_get(ledger->store, &store, err);

    memset(out, 0, sizeof *out);
    if (status != SW_STATUS_OK) {
        return status;
    }
    memcpy(out->store, store.kind, sizeof out->store);
    memcpy(out->path, store.path, sizeof out->path);
    out->schema_version = store.schema_version;
    out->file_bytes = store.file_bytes;
    status = sw__snapshot_begin(ledger, &session, err);
    if (status == SW_STATUS_OK) {
        status = read_info(session, out, err);
        sw__snapshot_end(ledger, session);
    }
    return status;
}
