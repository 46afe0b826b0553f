/* SPDX-License-Identifier: Apache-2.0 */
/* Raw items: written many at a time; of two with one key the later or richer stays (telemetry.md E.8). What a unit,
 * a source and an organization hold is counted along, so that pruning knows without looking.
 */
#include <stdio.h>

#include "ledger/keyed.h"
#include "ledger/telemetry_inside.h"

/* Two that begin further apart than this, and come from different sources, are two (E.8). */
#define APART_NS INT64_C(1000000000)
enum { ITEM_MAX = 16, SCOPE = 4, SPAN = 8 };

/* A unit that the batch touches. */
typedef struct touched {
    sw_keyed_entry key; /* its project and what it is */
    sw_raw_trace row;
    bool marked; /* its mark is said */
    sw_raw_trace mark;
} touched;

typedef struct raw {
    sw_group *group;
    const sw_task *task;
    const sw_telemetry_batch *batch;
    sw_raw_item *items; /* as they are kept */
    sw_keyed units;
    int64_t *of_source; /* items that came to each source of the batch */
    size_t last_source; /* where the last one was: items come in the order of their sources */
    sw_raw_total total;
} raw;

/* ---- units --------------------------------------------------------------------------------------- */

static sw_status load_unit(raw *r, touched *out, sw_error *err)
{
    sw_raw_trace key = {
        .organization_id = r->task->organization_id, .project_id = out->key.a, .unit = out->key.b};
    sw_status status = sw_store_get(r->group->session, SW_RECORD_RAW_TRACE, &key, &r->group->arena,
                                    &out->row, err);

    if (status == SW_STATUS_NOT_FOUND) {
        out->row = key;
        sw_row_defaults(sw_record_of(SW_RECORD_RAW_TRACE), &out->row);
        status = SW_STATUS_OK;
    }
    return sw_group_must(r->group, status, err);
}

static sw_status get_unit(raw *r, sw_str project_id, sw_str id, touched **out, sw_error *err)
{
    size_t before = r->units.count;

    *out = sw__keyed_entry(&r->units, project_id, id, sizeof **out);
    if (!*out) {
        return sw_no_memory(err);
    }
    return r->units.count > before ? load_unit(r, *out, err) : SW_STATUS_OK;
}

/* One more item, or bytes more or less of one that was there. */
static sw_status count_item(raw *r, const sw_raw_item *item, int64_t items, int64_t bytes,
                            sw_error *err)
{
    touched *u = NULL;
    sw_status status = get_unit(r, item->project_id, item->unit, &u, err);
    int64_t at = item->received_at.value;

    if (status != SW_STATUS_OK) {
        return status;
    }
    u->row.items.value += items;
    u->row.bytes.value += bytes;
    r->total.items.value += items;
    r->total.bytes.value += bytes;
    if (!u->row.first_at.known || at < u->row.first_at.value) {
        u->row.first_at = item->received_at;
    }
    if (!u->row.last_at.known || at > u->row.last_at.value) {
        u->row.last_at = item->received_at;
    }
    return SW_STATUS_OK;
}

/* ---- sources ------------------------------------------------------------------------------------- */

static sw_status count_source(raw *r, sw_str digest, int64_t count, sw_error *err)
{
    sw_raw_source key = {.organization_id = r->task->organization_id, .digest = digest};
    sw_raw_source row;
    sw_status status = SW_STATUS_OK;

    for (size_t n = 0; n < r->batch->source_count; n++) {
        size_t i = (r->last_source + n) % r->batch->source_count;
        if (sw_str_eq(r->batch->sources[i].digest, digest)) {
            r->of_source[i] += count;
            r->last_source = i;
            return SW_STATUS_OK;
        }
    }
    status =
        sw_store_get(r->group->session, SW_RECORD_RAW_SOURCE, &key, &r->group->arena, &row, err);
    if (status == SW_STATUS_NOT_FOUND) {
        return sw_fail(err, SW_STATUS_INVALID, "source_digest",
                       "names a source that is neither kept nor sent along");
    }
    row.items = sw_int_of(count);
    return sw_group_must(r->group,
                         status == SW_STATUS_OK
                             ? sw_store_add(r->group->session, SW_RECORD_RAW_SOURCE, &row, err)
                             : status,
                         err);
}

static sw_status write_sources(raw *r, sw_error *err)
{
    size_t n = r->batch->source_count;
    sw_raw_source *rows = sw_arena_alloc(&r->group->arena, (n + 1) * sizeof *rows);
    const void **list = sw_arena_alloc(&r->group->arena, (n + 1) * sizeof *list);
    size_t count = 0;
    sw_status status = rows && list ? SW_STATUS_OK : sw_no_memory(err);

    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        if (r->of_source[i] != 0) {
            rows[count] = r->batch->sources[i];
            rows[count].organization_id = r->task->organization_id;
            rows[count].items = sw_int_of(r->of_source[i]);
            status =
                sw_row_check(sw_record_of(SW_RECORD_RAW_SOURCE), &rows[count], "sources.", err);
            list[count] = &rows[count];
            count++;
        }
    }
    if (status != SW_STATUS_OK || count == 0) {
        return status;
    }
    return sw_group_must(
        r->group, sw_store_add_many(r->group->session, SW_RECORD_RAW_SOURCE, list, count, err),
        err);
}

/* ---- items --------------------------------------------------------------------------------------- */

static sw_status check_item(const raw *r, sw_raw_item *row, sw_error *err)
{
    row->organization_id = r->task->organization_id;
    row->project_id =
        sw__raw_project(r->task->project_id.ptr ? r->task->project_id : row->project_id);
    row->received_at = row->received_at.known ? row->received_at : sw_int_of(r->group->now_us);
    row->start_ns = sw_int_of(row->start_ns.value);
    row->end_ns = sw_int_of(row->end_ns.value);
    row->attribute_count = sw_int_of(row->attribute_count.value);
    row->signal = sw_int_of(row->signal.value);
    if (row->unit.len != SW_UUID || row->item.len == 0 || row->item.len > ITEM_MAX ||
        row->source_digest.len != SW_DIGEST) {
        return sw_fail(err, SW_STATUS_INVALID, "unit",
                       "a unit and a source have 16 bytes, an item at most 16");
    }
    return sw_row_check(sw_record_of(SW_RECORD_RAW_ITEM), row, "", err);
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Two services that draw the same ids: the second is kept beside the first. */
static bool is_another(const sw_raw_item *old, const sw_raw_item *row)
{
    return row->signal.value == SW_RAW_SIGNAL_SPAN && row->item.len == SPAN &&
           !sw_str_eq(old->source_digest, row->source_digest) && old->start_ns.value >= 0 &&
           row->start_ns.value >= 0 &&
           distance(old->start_ns.value, row->start_ns.value) > APART_NS;
}

static bool is_better(const sw_raw_item *old, const sw_raw_item *row)
{
    if (row->end_ns.value != old->end_ns.value) {
        return row->end_ns.value > old->end_ns.value;
    }
    return row->attribute_count.value > old->attribute_count.value;
}

static sw_status replace(raw *r, const sw_raw_item *old, const sw_raw_item *row, sw_error *err)
{
    sw_status status =
        sw_group_must(r->group, sw_store_put(r->group->session, SW_RECORD_RAW_ITEM, row, err), err);

    if (status == SW_STATUS_OK) {
        status = count_item(r, row, 0, (int64_t)row->body.len - (int64_t)old->body.len, err);
    }
    if (status == SW_STATUS_OK && !sw_str_eq(old->source_digest, row->source_digest)) {
        status = count_source(r, row->source_digest, +1, err);
        if (status == SW_STATUS_OK) {
            status = count_source(r, old->source_digest, -1, err);
        }
    }
    return status;
}

/* Its key was taken: by the same, by another, or by a better or a poorer form of it. */
static sw_status settle(raw *r, sw_raw_item *row, bool *was_there, sw_error *err)
{
    sw_raw_item old;
    sw_status status =
        sw_store_get(r->group->session, SW_RECORD_RAW_ITEM, row, &r->group->arena, &old, err);

    if (status == SW_STATUS_NOT_FOUND) { /* the second of two: its key is free */
        status = sw_store_insert(r->group->session, SW_RECORD_RAW_ITEM, row, err);
        *was_there = false;
        if (sw_group_must(r->group, status, err) == SW_STATUS_OK) {
            status = count_item(r, row, 1, (int64_t)row->body.len, err);
        }
        return status == SW_STATUS_OK ? count_source(r, row->source_digest, 1, err) : status;
    }
    if (sw_group_must(r->group, status, err) != SW_STATUS_OK) {
        return status;
    }
    if (is_another(&old, row)) {
        char *key = sw_arena_alloc(&r->group->arena, SPAN + SCOPE);
        if (!key) {
            return sw_no_memory(err);
        }
        memcpy(key, row->item.ptr, SPAN);
        memcpy(key + SPAN, row->source_digest.ptr, SCOPE);
        row->item = sw_str_make(key, SPAN + SCOPE);
        return settle(r, row, was_there, err);
    }
    *was_there = !is_better(&old, row);
    return *was_there ? SW_STATUS_OK : replace(r, &old, row, err);
}

static sw_status write_items(raw *r, sw_error *err)
{
    size_t n = r->batch->item_count;
    const void **rows = sw_arena_alloc(&r->group->arena, n * sizeof *rows);
    bool *existed = sw_arena_alloc(&r->group->arena, n);
    sw_status status = rows && existed ? SW_STATUS_OK : sw_no_memory(err);

    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        rows[i] = &r->items[i];
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_must(
            r->group,
            sw_store_insert_many(r->group->session, SW_RECORD_RAW_ITEM, rows, n, existed, err),
            err);
    }
    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        bool was_there = existed[i];
        if (existed[i]) {
            status = settle(r, &r->items[i], &was_there, err);
        } else {
            status = count_item(r, &r->items[i], 1, (int64_t)r->items[i].body.len, err);
            status = status == SW_STATUS_OK ? count_source(r, r->items[i].source_digest, 1, err)
                                            : status;
        }
        if (r->batch->item_was_there) {
            r->batch->item_was_there[i] = was_there;
        }
    }
    return status;
}

static sw_status take_items(raw *r, sw_error *err)
{
    size_t n = r->batch->item_count;
    sw_status status = SW_STATUS_OK;
    char path[32];

    r->items = sw_arena_alloc(&r->group->arena, n * sizeof *r->items);
    if (!r->items) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        r->items[i] = r->batch->items[i];
        status = check_item(r, &r->items[i], err);
        if (status != SW_STATUS_OK) {
            (void)snprintf(path, sizeof path, "items[%zu].", i);
            sw_error_path(err, path);
        }
    }
    return status;
}

/* ---- marks --------------------------------------------------------------------------------------- */

static sw_status take_marks(raw *r, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < r->batch->mark_count && status == SW_STATUS_OK; i++) {
        const sw_raw_trace *mark = &r->batch->marks[i];
        sw_str project =
            sw__raw_project(r->task->project_id.ptr ? r->task->project_id : mark->project_id);
        touched *u = NULL;
        if (mark->unit.len != SW_UUID) {
            return sw_fail(err, SW_STATUS_INVALID, "marks", "a unit has 16 bytes");
        }
        status = get_unit(r, project, mark->unit, &u, err);
        if (status == SW_STATUS_OK) {
            u->marked = true;
            u->mark = *mark;
        }
    }
    return status;
}

/* What was computed is not marked any more, unless more came while it was; the first mark stays the mark. */
static void set_mark(touched *u)
{
    const sw_raw_trace *mark = &u->mark;
    bool more =
        mark->last_at.known && u->row.last_at.known && u->row.last_at.value > mark->last_at.value;

    if (!u->marked) {
        return;
    }
    if (mark->marked_at.known) {
        u->row.marked_at = u->row.marked_at.known ? u->row.marked_at : mark->marked_at;
    } else if (!more) {
        u->row.marked_at = SW_NULL_INT;
    }
    if (mark->frozen.value) {
        u->row.frozen = sw_int_of(1);
    }
    if (u->row.frozen.value) { /* nothing is computed of it as a whole any more */
        u->row.marked_at = SW_NULL_INT;
    }
}

static sw_status write_units(raw *r, sw_error *err)
{
    size_t count = r->units.count;
    const void **rows = sw_arena_alloc(&r->group->arena, (count + 1) * sizeof *rows);

    if (!rows) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        touched *u = (void *)r->units.all[i];
        set_mark(u);
        rows[i] = &u->row;
    }
    if (count == 0) {
        return SW_STATUS_OK;
    }
    return sw_group_must(
        r->group, sw_store_put_many(r->group->session, SW_RECORD_RAW_TRACE, rows, count, err), err);
}

/* ---- together ------------------------------------------------------------------------------------ */

sw_status sw__telemetry_raw(sw_group *group, const sw_task *task, const sw_telemetry_batch *batch,
                            sw_error *err)
{
    raw r = {.group = group,
             .task = task,
             .batch = batch,
             .units = {.arena = &group->arena},
             .total = {.organization_id = task->organization_id,
                       .items = sw_int_of(0),
                       .bytes = sw_int_of(0)}};
    sw_status status = SW_STATUS_OK;

    r.of_source = sw_arena_zeroed(&group->arena, (batch->source_count + 1) * sizeof *r.of_source);
    if (!r.of_source) {
        return sw_no_memory(err);
    }
    if (batch->item_count > 0) {
        status = take_items(&r, err);
        status = status == SW_STATUS_OK ? write_items(&r, err) : status;
        status = status == SW_STATUS_OK ? write_sources(&r, err) : status;
    }
    if (status == SW_STATUS_OK && (r.total.items.value != 0 || r.total.bytes.value != 0)) {
        status = sw_group_must(
            group, sw_store_add(group->session, SW_RECORD_RAW_TOTAL, &r.total, err), err);
    }
    if (status == SW_STATUS_OK) {
        status = take_marks(&r, err);
    }
    return status == SW_STATUS_OK ? write_units(&r, err) : status;
}
