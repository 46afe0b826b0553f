/* SPDX-License-Identifier: Apache-2.0 */
/* The door to every store: picks the back end by the scheme of the URL, checks what is the same for all
 * of them, and forwards. Knows no back end but by its table of verbs.
 *
 * Misuse (a write outside a group, a commit inside a visit, a null key) is the caller's bug and stops
 * the program; what a person can cause has a status. A verb that failed for the store's own reasons
 * leaves its group broken: later writes and the commit give the same answer, so nothing of it is kept.
 */
#include "store/adopt.h"
#include "store/store_impl.h"

static const sw_store_ops *const backends[] = {
    &sw__sqlite_store,
    &sw__memory_store,
#ifdef SW_WITH_POSTGRES
    &sw__postgres_store,
    &sw__postgresql_store,
#endif
};

/* ---- opening ------------------------------------------------------------------------------------ */

static bool is_postgres(sw_str url)
{
    return url.ptr && url.len > 8 && memcmp(url.ptr, "postgres", 8) == 0;
}

static const sw_store_ops *backend_of(sw_str url, sw_str *place)
{
    for (size_t i = 0; i < SW_COUNT(backends); i++) {
        size_t len = strlen(backends[i]->scheme);
        if (url.len > len && memcmp(url.ptr, backends[i]->scheme, len) == 0 &&
            url.ptr[len] == ':') {
            *place = sw_str_make(url.ptr + len + 1, url.len - len - 1);
            return backends[i];
        }
    }
    return NULL;
}

sw_status sw_store_open(const sw_store_options *options, sw_store **out, sw_error *err)
{
    sw_store_options filled = *options;
    sw_str place = SW_NULL_STR;
    *out = NULL;
    const sw_store_ops *ops = options->url.ptr ? backend_of(options->url, &place) : NULL;
    if (!ops && is_postgres(options->url)) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "url",
                       "this program was built without libpq, which PostgreSQL needs");
    }
    if (!ops) {
        return sw_fail(
            err, SW_STATUS_INVALID, "url",
            "no such kind of store; it is sqlite:PATH, postgres://HOST/DATABASE or memory:");
    }
    if (!filled.allocator) {
        filled.allocator = &sw__libc_allocator;
    }
    if (filled.busy_ms <= 0) {
        filled.busy_ms = SW_LIMIT_BUSY_MS;
    }
    sw_store *store = NULL;
    sw_status status = ops->open(&filled, place, &store, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    store->ops = ops;
    store->allocator = *filled.allocator;
    store->read_only = filled.read_only;
    atomic_init(&store->sessions, 0);
    atomic_init(&store->has_writer, false);
    *out = store;
    return SW_STATUS_OK;
}

void sw_store_close(sw_store **store)
{
    if (!*store) {
        return;
    }
    sw_assert(atomic_load(&(*store)->sessions) == 0);
    (*store)->ops->close(*store);
    *store = NULL;
}

sw_status sw_store_info_get(sw_store *store, sw_store_info *out, sw_error *err)
{
    *out = (sw_store_info){0};
    return store->ops->info(store, out, err);
}

sw_status sw_store_tidy(sw_store *store, sw_error *err)
{
    return store->ops->tidy(store, err);
}

sw_status sw_store_settle(sw_store *store, sw_error *err)
{
    return store->ops->settle && !store->read_only ? store->ops->settle(store, err) : SW_STATUS_OK;
}

sw_status sw_store_backup(sw_store *store, const char *path, sw_store_progress *progress, void *arg,
                          sw_error *err)
{
    if (!store->ops->backup) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "",
                       "this store has no file to copy; it is gone when its process ends");
    }
    return store->ops->backup(store, path, progress, arg, err);
}

sw_status sw_store_vacuum(sw_store *store, sw_error *err)
{
    if (!store->ops->vacuum) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "",
                       "this store has no file; what is removed from it is gone at once");
    }
    if (store->read_only) {
        return sw_fail(err, SW_STATUS_READ_ONLY, NULL, "the store was opened for reading only");
    }
    return store->ops->vacuum(store, err);
}

/* ---- sessions and groups ------------------------------------------------------------------------ */

sw_status sw_session_open(sw_store *store, sw_session_mode mode, sw_session **out, sw_error *err)
{
    *out = NULL;
    if (mode == SW_SESSION_WRITE && store->read_only) {
        return sw_fail(err, SW_STATUS_READ_ONLY, NULL, "the store was opened for reading only");
    }
    if (mode == SW_SESSION_WRITE) {
        sw_assert(!atomic_exchange(&store->has_writer, true));
    }
    sw_session *session = NULL;
    sw_status status = store->ops->session_open(store, mode, &session, err);
    if (status != SW_STATUS_OK) {
        if (mode == SW_SESSION_WRITE) {
            atomic_store(&store->has_writer, false);
        }
        return status;
    }
    *session = (sw_session){.store = store, .mode = mode};
    atomic_fetch_add(&store->sessions, 1);
    *out = session;
    return SW_STATUS_OK;
}

void sw_session_close(sw_session **session)
{
    sw_session *s = *session;
    if (!s) {
        return;
    }
    sw_assert(s->visiting == 0);
    if (s->begun) {
        sw_session_rollback(s);
    }
    sw_store *store = s->store;
    bool writer = s->mode == SW_SESSION_WRITE;
    store->ops->session_close(s);
    if (writer) {
        atomic_store(&store->has_writer, false);
    }
    atomic_fetch_sub(&store->sessions, 1);
    *session = NULL;
}

sw_status sw_session_begin(sw_session *session, bool *changed, sw_error *err)
{
    sw_assert(!session->begun && session->mode != SW_SESSION_WATCH);
    bool ignored = false;
    sw_status status = session->store->ops->begin(session, changed ? changed : &ignored, err);
    session->begun = status == SW_STATUS_OK;
    session->broken = SW_STATUS_OK;
    return status;
}

static sw_status broken(const sw_session *session, sw_error *err)
{
    return sw_fail(err, session->broken, NULL, "the group failed before: %s",
                   sw_status_message(session->broken));
}

sw_status sw_session_commit(sw_session *session, sw_error *err)
{
    sw_assert(session->begun && session->visiting == 0);
    if (session->broken != SW_STATUS_OK && session->mode == SW_SESSION_WRITE) {
        sw_status status = broken(session, err);
        sw_session_rollback(session);
        return status;
    }
    session->begun = false;
    return session->store->ops->commit(session, err);
}

void sw_session_rollback(sw_session *session)
{
    sw_assert(session->begun && session->visiting == 0);
    session->store->ops->rollback(session);
    session->begun = false;
    session->broken = SW_STATUS_OK;
}

sw_status sw_session_version(sw_session *session, uint64_t *out, sw_error *err)
{
    return session->store->ops->version(session, out, err);
}

sw_status sw_session_wait(sw_session *session, int64_t ms, bool *rung, sw_error *err)
{
    sw_assert(session->mode == SW_SESSION_WATCH);
    *rung = false;
    if (!session->store->ops->wait) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, NULL, "this store has no bell");
    }
    return session->store->ops->wait(session, ms, rung, err);
}

/* ---- what a record looks like ------------------------------------------------------------------- */

sw_shape sw__record_shape(const sw_record *record)
{
    int primary = sw_record_primary(record);
    if (primary < 0) {
        return SW_SHAPE_KEY_PARTS;
    }
    return record->fields[primary].ref.record_plus_1 ? SW_SHAPE_SHARED_ID : SW_SHAPE_OWN_ID;
}

static uint64_t mask_of(const sw_record *record, uint32_t flags)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        mask |= record->fields[i].flags & flags ? SW_MASK(i) : 0;
    }
    return mask;
}

uint64_t sw__record_key_mask(const sw_record *record)
{
    return mask_of(record, SW_PRIMARY | SW_KEY_PART);
}

uint64_t sw__record_counter_mask(const sw_record *record)
{
    return mask_of(record, SW_COUNTER);
}

uint64_t sw__record_shared_mask(const sw_record *record)
{
    return mask_of(record, SW_SHARED);
}

/* Whether everything in `mask` that must not be null is there. The model's own check came before, with
 * a message for people; this one guards the store against its callers. */
static bool complete(const sw_record *record, const void *row, uint64_t mask)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *f = &record->fields[i];
        if ((f->flags & (SW_NOT_NULL | SW_SHARED)) != SW_NOT_NULL || !(mask & SW_MASK(i))) {
            continue;
        }
        if (sw_kind_is_text(f->kind) ? !sw_field_text(f, row).ptr
                                     : !sw_field_number(f, row).known) {
            return false;
        }
    }
    return true;
}

static bool has_key(const sw_record *record, const void *key)
{
    return complete(record, key, sw__record_key_mask(record));
}

/* ---- rows --------------------------------------------------------------------------------------- */

/* Remembers a failure that leaves the group unusable. */
static sw_status note(sw_session *session, sw_status status)
{
    switch (status) {
    case SW_STATUS_OK:
    case SW_STATUS_EXISTS:
    case SW_STATUS_NOT_FOUND:
    case SW_STATUS_INVALID:
    case SW_STATUS_RESTRICTED:
        break;
    default:
        if (session->begun && session->broken == SW_STATUS_OK) {
            session->broken = status;
        }
    }
    return status;
}

static const sw_record *writable(const sw_session *session, sw_record_id record)
{
    sw_assert(session->mode == SW_SESSION_WRITE && session->begun && session->visiting == 0);
    return sw_record_of(record);
}

sw_status sw_store_get(sw_session *session, sw_record_id record, const void *key, sw_arena *arena,
                       void *out, sw_error *err)
{
    sw_assert(has_key(sw_record_of(record), key));
    return note(session, session->store->ops->get(session, record, key, arena, out, err));
}

/* For a store without a verb for many. */
static sw_status get_each(sw_session *session, sw_record_id record, const sw_str *ids, size_t count,
                          sw_visit *visit, void *arg, sw_error *err)
{
    const sw_record *model = sw_record_of(record);
    const sw_field *id = &model->fields[sw_record_primary(model)];
    sw_seen seen = SW_SEEN_COUNT;
    sw_status status = SW_STATUS_OK;
    sw_arena arena;
    sw_arena_init(&arena, &session->store->allocator, 0);
    for (size_t i = 0; i < count && status == SW_STATUS_OK && seen != SW_SEEN_STOP; i++) {
        sw_arena_reset(&arena);
        void *row = sw_arena_zeroed(&arena, model->size);
        void *key = sw_arena_zeroed(&arena, model->size);
        if (!row || !key) {
            status = sw_no_memory(err);
            break;
        }
        *sw_field_str(id, key) = ids[i];
        status = session->store->ops->get(session, record, key, &arena, row, err);
        seen = status == SW_STATUS_OK ? visit(arg, row) : SW_SEEN_COUNT;
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    sw_arena_fini(&arena);
    return status;
}

sw_status sw_store_get_many(sw_session *session, sw_record_id record, const sw_str *ids,
                            size_t count, uint64_t fields, sw_visit *visit, void *arg,
                            sw_error *err)
{
    const sw_store_ops *ops = session->store->ops;
    sw_assert(sw_record_primary(sw_record_of(record)) >= 0);
    if (count == 0) {
        return SW_STATUS_OK;
    }
    session->visiting++;
    sw_status status = ops->get_many
                           ? ops->get_many(session, record, ids, count, fields, visit, arg, err)
                           : get_each(session, record, ids, count, visit, arg, err);
    session->visiting--;
    return note(session, status);
}

sw_status sw_store_insert(sw_session *session, sw_record_id record, const void *row, sw_error *err)
{
    sw_assert(complete(writable(session, record), row, SW_MASK_ALL));
    if (session->broken != SW_STATUS_OK) {
        return broken(session, err);
    }
    return note(session, session->store->ops->insert(session, record, row, err));
}

static sw_status one_by_one(sw_session *session, sw_record_id record, const void *const *rows,
                            size_t count, bool *existed, sw_error *err)
{
    for (size_t i = 0; i < count; i++) {
        sw_status status = session->store->ops->insert(session, record, rows[i], err);
        existed[i] = status == SW_STATUS_EXISTS;
        if (status != SW_STATUS_OK && !existed[i]) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

sw_status sw_store_insert_many(sw_session *session, sw_record_id record, const void *const *rows,
                               size_t count, bool *existed, sw_error *err)
{
    const sw_store_ops *ops = session->store->ops;
    const sw_record *model = writable(session, record);
    if (session->broken != SW_STATUS_OK) {
        return broken(session, err);
    }
    for (size_t i = 0; i < count; i++) {
        sw_assert(complete(model, rows[i], SW_MASK_ALL));
        existed[i] = false;
    }
    return note(session, (ops->insert_many ? ops->insert_many : one_by_one)(session, record, rows,
                                                                            count, existed, err));
}

sw_status sw_store_update(sw_session *session, sw_record_id record, const void *row, uint64_t mask,
                          sw_error *err)
{
    const sw_record *model = writable(session, record);
    uint64_t all = model->field_count < 64 ? SW_MASK(model->field_count) - 1 : SW_MASK_ALL;
    mask &= all & ~sw__record_shared_mask(model);
    sw_assert(mask != 0 && (mask & sw__record_key_mask(model)) == 0);
    sw_assert(has_key(model, row) && complete(model, row, mask));
    if (session->broken != SW_STATUS_OK) {
        return broken(session, err);
    }
    return note(session, session->store->ops->update(session, record, row, mask, err));
}

sw_status sw_store_update_many(sw_session *session, sw_record_id record, const void *const *rows,
                               size_t count, uint64_t mask, sw_error *err)
{
    const sw_store_ops *ops = session->store->ops;
    const sw_record *model = writable(session, record);
    sw_status status = SW_STATUS_OK;
    sw_assert(mask != 0 && (mask & sw__record_key_mask(model)) == 0);
    if (session->broken != SW_STATUS_OK) {
        return broken(session, err);
    }
    for (size_t i = 0; i < count; i++) {
        sw_assert(has_key(model, rows[i]) && complete(model, rows[i], mask));
    }
    if (ops->update_many && count > 0) {
        return note(session, ops->update_many(session, record, rows, count, mask, err));
    }
    for (size_t i = 0; i < count && (status == SW_STATUS_OK || status == SW_STATUS_NOT_FOUND);
         i++) {
        status = note(session, ops->update(session, record, rows[i], mask, err));
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status sw_store_add(sw_session *session, sw_record_id record, const void *row, sw_error *err)
{
    const sw_record *model = writable(session, record);
    sw_assert(sw__record_counter_mask(model) != 0 && has_key(model, row));
    if (session->broken != SW_STATUS_OK) {
        return broken(session, err);
    }
    return note(session, session->store->ops->add(session, record, row, err));
}

sw_status sw_store_add_many(sw_session *session, sw_record_id record, const void *const *rows,
                            size_t count, sw_error *err)
{
    const sw_store_ops *ops = session->store->ops;
    const sw_record *model = writable(session, record);
    uint64_t needed = sw__record_key_mask(model) | sw__record_counter_mask(model);
    sw_status status = SW_STATUS_OK;
    if (session->broken != SW_STATUS_OK) {
        return broken(session, err);
    }
    for (size_t i = 0; i < count; i++) {
        sw_assert(complete(model, rows[i], needed));
    }
    if (ops->add_many && count > 0) {
        return note(session, ops->add_many(session, record, rows, count, err));
    }
    for (size_t i = 0; i < count && (status == SW_STATUS_OK || status == SW_STATUS_NOT_FOUND);
         i++) {
        status = note(session, ops->add(session, record, rows[i], err));
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status sw_store_put(sw_session *session, sw_record_id record, const void *row, sw_error *err)
{
    const sw_record *model = writable(session, record);
    sw_assert(sw__record_shape(model) == SW_SHAPE_KEY_PARTS && complete(model, row, SW_MASK_ALL));
    if (session->broken != SW_STATUS_OK) {
        return broken(session, err);
    }
    return note(session, session->store->ops->put(session, record, row, err));
}

sw_status sw_store_put_many(sw_session *session, sw_record_id record, const void *const *rows,
                            size_t count, sw_error *err)
{
    const sw_store_ops *ops = session->store->ops;
    const sw_record *model = writable(session, record);
    sw_status status = SW_STATUS_OK;
    sw_assert(sw__record_shape(model) == SW_SHAPE_KEY_PARTS);
    if (session->broken != SW_STATUS_OK) {
        return broken(session, err);
    }
    for (size_t i = 0; i < count; i++) {
        sw_assert(complete(model, rows[i], SW_MASK_ALL));
    }
    if (ops->put_many && count > 0) {
        return note(session, ops->put_many(session, record, rows, count, err));
    }
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        status = note(session, ops->put(session, record, rows[i], err));
    }
    return status;
}

sw_status sw_store_remove(sw_session *session, sw_record_id record, const void *key, sw_error *err)
{
    sw_assert(has_key(writable(session, record), key));
    if (session->broken != SW_STATUS_OK) {
        return broken(session, err);
    }
    return note(session, session->store->ops->remove(session, record, key, err));
}

/* ---- scans -------------------------------------------------------------------------------------- */

sw_status sw_store_scan(sw_session *session, const sw_scan *scan, sw_visit *visit, void *arg,
                        sw_scan_end *end, sw_error *err)
{
    const sw_record *model = sw_record_of(scan->record);
    sw_scan_end ignored;
    end = end ? end : &ignored;
    *end = (sw_scan_end){0};
    sw_assert(scan->order_count <= SW_ORDER_FIELDS && scan->limit >= 0 && scan->look_limit >= 0 &&
              scan->sort_limit >= 0);
    sw_implies(scan->unordered, !scan->order_count && !scan->after && !scan->place);
    for (size_t i = 0; i < scan->condition_count; i++) {
        sw_assert(scan->conditions[i].field < model->field_count);
    }
    for (size_t i = 0; i < scan->order_count; i++) {
        sw_assert(scan->order[i] < model->field_count);
        sw_assert((model->fields[scan->order[i]].flags & SW_SHARED) == 0);
    }
    session->visiting++;
    sw_status status = session->store->ops->scan(session, scan, visit, arg, end, err);
    session->visiting--;
    return note(session, status);
}

static sw_seen count_row(void *arg, const void *row)
{
    (void)arg;
    (void)row;
    return SW_SEEN_COUNT;
}

static sw_status count_by_walking(sw_session *session, sw_record_id record, int64_t *out,
                                  sw_error *err)
{
    const sw_scan scan = {
        .record = record, .unordered = true, .fields = sw__record_key_mask(sw_record_of(record))};
    sw_scan_end end;
    sw_status status = sw_store_scan(session, &scan, count_row, NULL, &end, err);
    *out = end.counted;
    return status;
}

sw_status sw_store_count(sw_session *session, sw_record_id record, int64_t *out, sw_error *err)
{
    *out = 0;
    return session->store->ops->count
               ? note(session, session->store->ops->count(session, record, out, err))
               : count_by_walking(session, record, out, err);
}

sw_status sw_store_check(sw_session *session, sw_fault *fault, void *arg, sw_error *err)
{
    if (!session->store->ops->check) {
        return SW_STATUS_OK;
    }
    return note(session, session->store->ops->check(session, fault, arg, err));
}

#ifndef SW_WITH_POSTGRES
/* ---- adopting, where there is no PostgreSQL ------------------------------------------------------ */

sw_status sw_adopt_open(const sw_store_options *options, sw_adoption **out, sw_adopt_found *found,
                        sw_error *err)
{
    (void)options;
    (void)found;
    *out = NULL;
    return sw_fail(err, SW_STATUS_UNSUPPORTED, "url", "this build has no PostgreSQL (libpq)");
}

void sw_adopt_close(sw_adoption **adoption)
{
    *adoption = NULL;
}

sw_status sw_adopt_tell(sw_adoption *adoption, sw_adopt_line *line, void *arg, sw_error *err)
{
    (void)adoption;
    (void)line;
    (void)arg;
    return sw_fail(err, SW_STATUS_UNSUPPORTED, "", "nothing was opened");
}

sw_status sw_adopt_add(sw_adoption *adoption, sw_error *err)
{
    return sw_adopt_tell(adoption, NULL, NULL, err);
}

sw_status sw_adopt_index(sw_adoption *adoption, sw_store_progress *progress, void *arg,
                         sw_error *err)
{
    (void)progress;
    return sw_adopt_tell(adoption, NULL, arg, err);
}

sw_status sw_adopt_end(sw_adoption *adoption, sw_error *err)
{
    return sw_adopt_tell(adoption, NULL, NULL, err);
}
#endif
