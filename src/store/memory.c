/* SPDX-License-Identifier: Apache-2.0 */
/* The memory store: its sessions, groups and verbs. What is kept lives as long as the handle and no
 * longer. It does everything the way that is easiest to be sure of, because tests hold other stores
 * against it; how states and trees work is said in memory.h.
 *
 * A reader works on the newest state, or on the one it pinned; a write group on a private copy of the
 * newest state, which commit puts in its place.
 */
#include <stdio.h>

#include "store/memory.h"

static sw_mem_store *store_of(sw_store *store)
{
    return (sw_mem_store *)(void *)store;
}

static sw_mem_session *session_of(sw_session *session)
{
    return (sw_mem_session *)(void *)session;
}

static sw_mem_store *home(const sw_mem_session *session)
{
    return store_of(session->head.store);
}

/* ---- the store ---------------------------------------------------------------------------------- */

static sw_status memory_open(const sw_store_options *options, sw_str place, sw_store **out,
                             sw_error *err)
{
    if (place.len > 0) {
        return sw_fail(err, SW_STATUS_INVALID, "url", "memory: takes no path");
    }
    if (options->must_exist || options->read_only) {
        return sw_fail(err, SW_STATUS_NOT_FOUND, "url", "a store in memory begins empty");
    }
    sw_mem_store *store = sw_alloc_zeroed(options->allocator, sizeof(*store));
    if (!store) {
        return sw_no_memory(err);
    }
    store->head.allocator = *options->allocator;
    store->now = sw__mem_state_copy(options->allocator, NULL);
    if (!store->now || pthread_mutex_init(&store->lock, NULL) != 0) {
        sw__mem_state_drop(options->allocator, store->now);
        sw_free(options->allocator, store);
        return sw_no_memory(err);
    }
    sw__mem_orders_init(store);
    *out = &store->head;
    return SW_STATUS_OK;
}

static void memory_close(sw_store *head)
{
    sw_mem_store *store = store_of(head);
    sw_allocator from = head->allocator;
    sw__mem_state_drop(&from, store->now);
    pthread_mutex_destroy(&store->lock);
    sw_free(&from, store);
}

static sw_status memory_info(sw_store *store, sw_store_info *out, sw_error *err)
{
    (void)store;
    (void)err;
    snprintf(out->kind, sizeof out->kind, "memory");
    return SW_STATUS_OK;
}

static sw_status memory_tidy(sw_store *store, sw_error *err)
{
    (void)store;
    (void)err;
    return SW_STATUS_OK;
}

/* ---- states: the newest, and a session's ---------------------------------------------------------- */

static sw_mem_state *newest(sw_mem_store *store)
{
    pthread_mutex_lock(&store->lock);
    sw_mem_state *state = store->now;
    atomic_fetch_add(&state->refs, 1);
    pthread_mutex_unlock(&store->lock);
    return state;
}

/* The state a verb works on. True: it was pinned for this verb only, unpin it. */
static bool pin(sw_mem_session *session)
{
    if (session->state) {
        return false;
    }
    session->state = newest(home(session));
    return true;
}

static void unpin(sw_mem_session *session)
{
    sw__mem_state_drop(&session->head.store->allocator, session->state);
    session->state = NULL;
}

/* ---- sessions and groups ------------------------------------------------------------------------ */

static sw_status memory_session_open(sw_store *store, sw_session_mode mode, sw_session **out,
                                     sw_error *err)
{
    (void)mode;
    sw_mem_session *session = sw_alloc_zeroed(&store->allocator, sizeof(*session));
    if (!session) {
        return sw_no_memory(err);
    }
    *out = &session->head;
    return SW_STATUS_OK;
}

static void memory_session_close(sw_session *head)
{
    sw_free(&head->store->allocator, head);
}

static sw_status memory_begin(sw_session *head, bool *changed, sw_error *err)
{
    sw_mem_session *session = session_of(head);
    sw_mem_state *seen = newest(home(session));
    *changed = !session->had_group || seen->version != session->begun_at;
    session->state = seen;
    if (head->mode == SW_SESSION_WRITE) {
        session->state = sw__mem_state_copy(&head->store->allocator, seen);
        sw__mem_state_drop(&head->store->allocator, seen);
    }
    if (!session->state) {
        return sw_no_memory(err);
    }
    session->had_group = true;
    session->begun_at = session->state->version;
    return SW_STATUS_OK;
}

static void memory_rollback(sw_session *session)
{
    unpin(session_of(session));
}

static sw_status memory_commit(sw_session *head, sw_error *err)
{
    (void)err;
    sw_mem_session *session = session_of(head);
    sw_mem_store *store = home(session);
    if (head->mode == SW_SESSION_WRITE) {
        pthread_mutex_lock(&store->lock);
        sw_mem_state *before = store->now;
        store->now = session->state;
        session->begun_at = ++store->now->version;
        pthread_mutex_unlock(&store->lock);
        session->state = before;
    }
    unpin(session);
    return SW_STATUS_OK;
}

static sw_status memory_version(sw_session *session, uint64_t *out, sw_error *err)
{
    (void)err;
    sw_mem_state *state = newest(home(session_of(session)));
    *out = state->version;
    sw__mem_state_drop(&session->store->allocator, state);
    return SW_STATUS_OK;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static sw_status copy_out(const sw_mem_session *session, sw_record_id record, const void *stored,
                          sw_arena *arena, void *out, sw_error *err)
{
    const sw_record *model = sw_record_of(record);
    sw_mem_probe filled;
    memcpy(filled.row, stored, model->size);
    sw__mem_fill_shared(home(session), session->state, record, filled.row);
    return sw_row_copy(model, out, filled.row, arena) ? SW_STATUS_OK : sw_no_memory(err);
}

static sw_status memory_get(sw_session *head, sw_record_id record, const void *key, sw_arena *arena,
                            void *out, sw_error *err)
{
    sw_mem_session *session = session_of(head);
    bool pinned = pin(session);
    const void *stored = sw__mem_state_find(home(session), session->state, record, key);
    sw_status status =
        stored ? copy_out(session, record, stored, arena, out, err) : SW_STATUS_NOT_FOUND;
    if (pinned) {
        unpin(session);
    }
    return status;
}

/* What a visit reads by get and scan is of the same state as the scan that called it. */
static sw_status memory_scan(sw_session *head, const sw_scan *scan, sw_visit *visit, void *arg,
                             sw_scan_end *end, sw_error *err)
{
    sw_mem_session *session = session_of(head);
    bool pinned = pin(session);
    sw_status status = sw__mem_scan(home(session), session->state, scan, visit, arg, end, err);
    if (pinned) {
        unpin(session);
    }
    return status;
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* Puts `row` in the place of `old` (NULL: none) when the fields of `mask`, which are new, break no rule. */
static sw_status change(sw_mem_session *session, sw_record_id record, const void *old,
                        const void *row, uint64_t mask, sw_error *err)
{
    const sw_mem_store *store = home(session);
    const sw_index *taken = sw__mem_state_taken(store, session->state, record, row);
    if (taken) {
        uint8_t last = taken->fields[taken->count - 1];
        return sw_fail(err, SW_STATUS_EXISTS, sw_record_of(record)->fields[last].name,
                       "the value is taken (%s)", taken->name);
    }
    sw_status status = sw__mem_refs_check(store, session->state, record, row, mask, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    return sw__mem_state_change(store, session->state, record, old, row) ? SW_STATUS_OK
                                                                         : sw_no_memory(err);
}

static void copy_fields(const sw_record *record, void *to, const void *from, uint64_t mask)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (mask & SW_MASK(i)) {
            sw_field_copy(&record->fields[i], to, from);
        }
    }
}

static const void *find(sw_mem_session *session, sw_record_id record, const void *key)
{
    return sw__mem_state_find(home(session), session->state, record, key);
}

/* A whole row as it is stored: without what lives in message_body. */
static const void *without_shared(const sw_record *record, sw_mem_probe *probe, const void *row)
{
    memset(probe->row, 0, record->size);
    copy_fields(record, probe->row, row, ~sw__record_shared_mask(record));
    return probe->row;
}

static sw_status memory_insert(sw_session *head, sw_record_id record, const void *row,
                               sw_error *err)
{
    sw_mem_session *session = session_of(head);
    const sw_record *model = sw_record_of(record);
    sw_mem_probe probe;
    if (find(session, record, row)) {
        uint8_t first = home(session)->orders[record][0].fields[0];
        return sw_fail(err, SW_STATUS_EXISTS, model->fields[first].name, "the %s exists",
                       model->name);
    }
    return change(session, record, NULL, without_shared(model, &probe, row), SW_MASK_ALL, err);
}

static sw_status memory_update(sw_session *head, sw_record_id record, const void *row,
                               uint64_t mask, sw_error *err)
{
    sw_mem_session *session = session_of(head);
    const sw_record *model = sw_record_of(record);
    const void *old = find(session, record, row);
    sw_mem_probe probe;
    if (!old) {
        return SW_STATUS_NOT_FOUND;
    }
    memcpy(probe.row, old, model->size);
    copy_fields(model, probe.row, row, mask);
    return change(session, record, old, probe.row, mask, err);
}

/* to += from, where a null counter counts as nothing; wraps as the sum of two's complements does. */
static void add_counter(const sw_field *field, void *to, const void *from)
{
    sw_int more = sw_field_number(field, from);
    sw_int *sum = sw_field_int(field, to);
    if (more.known) {
        *sum = sw_int_of((int64_t)((uint64_t)(sum->known ? sum->value : 0) + (uint64_t)more.value));
    } else if (!sum->known && (field->flags & SW_NOT_NULL)) {
        *sum = sw_int_of(0);
    }
}

static sw_status memory_add(sw_session *head, sw_record_id record, const void *row, sw_error *err)
{
    sw_mem_session *session = session_of(head);
    const sw_record *model = sw_record_of(record);
    const uint64_t counters = sw__record_counter_mask(model);
    const void *old = find(session, record, row);
    sw_mem_probe probe;
    if (!old && sw__record_shape(model) != SW_SHAPE_KEY_PARTS) {
        return SW_STATUS_NOT_FOUND;
    }
    memcpy(probe.row, old ? old : row, model->size);
    for (size_t i = 0; i < model->field_count; i++) {
        if (counters & SW_MASK(i)) {
            if (!old) {
                sw_field_clear(&model->fields[i], probe.row);
            }
            add_counter(&model->fields[i], probe.row, row);
        }
    }
    return change(session, record, old, probe.row, old ? counters : SW_MASK_ALL, err);
}

static sw_status memory_put(sw_session *head, sw_record_id record, const void *row, sw_error *err)
{
    sw_mem_session *session = session_of(head);
    return change(session, record, find(session, record, row), row, SW_MASK_ALL, err);
}

/* A removal may reach many rows, so it works on a state of its own, which is taken or dropped whole. */
static sw_status memory_remove(sw_session *head, sw_record_id record, const void *key,
                               sw_error *err)
{
    sw_mem_session *session = session_of(head);
    const sw_allocator *from = &head->store->allocator;
    const void *row = find(session, record, key);
    if (!row) {
        return SW_STATUS_NOT_FOUND;
    }
    sw_mem_state *next = sw__mem_state_copy(from, session->state);
    if (!next) {
        return sw_no_memory(err);
    }
    sw_status status = sw__mem_refs_remove(home(session), session->state, next, record, row, err);
    if (status != SW_STATUS_OK) {
        sw__mem_state_drop(from, next);
        return status;
    }
    sw__mem_state_drop(from, session->state);
    session->state = next;
    return SW_STATUS_OK;
}

const sw_store_ops sw__memory_store = {
    .scheme = "memory",
    .open = memory_open,
    .close = memory_close,
    .info = memory_info,
    .tidy = memory_tidy,
    .session_open = memory_session_open,
    .session_close = memory_session_close,
    .begin = memory_begin,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .version = memory_version,
    .get = memory_get,
    .insert = memory_insert,
    .update = memory_update,
    .add = memory_add,
    .put = memory_put,
    .remove = memory_remove,
    .scan = memory_scan,
    .check = NULL, /* no row can be reached but through these verbs */
};
