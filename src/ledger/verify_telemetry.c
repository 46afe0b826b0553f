/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying what telemetry keeps: that each list of what a step was sent can be read back whole, that bodies know in how
 * many lists they stand, and that raw items have their sources and are counted right. Works organization by
 * organization, with a table of what the rows say.
 */
#include <stdio.h>

#include "ledger/context.h"
#include "ledger/verify.h"

/* What the rows say of one key. */
typedef struct said {
    sw_keyed_entry key;
    sw_str who; /* one that names it */
    int64_t count;
    int64_t bytes;
    int64_t first;
    bool seen;
} said;

typedef struct table {
    sw_check *check;
    sw_arena arena;
    sw_keyed rows;
} table;

static void open_table(table *t, sw_check *check)
{
    *t = (table){.check = check, .rows = {.arena = &t->arena}};
    sw_arena_init(&t->arena, &check->group.ledger->allocator, 0);
}

/* The key's entry, made if need be; NULL: no memory, and the check has failed. */
static said *entry_of(table *t, sw_str a, sw_str b, sw_str who)
{
    said *entry = sw__keyed_entry(&t->rows, a, b, sizeof *entry);

    if (entry && !entry->who.ptr) {
        entry->who = sw_arena_str(&t->arena, who);
    }
    if (!entry || t->arena.failed) {
        t->check->failed = sw_no_memory(&t->check->error);
        return NULL;
    }
    return entry;
}

static sw_seen go_on(const sw_check *c)
{
    return c->failed == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

/* ---- lists --------------------------------------------------------------------------------------- */

static void differ_context(sw_check *c, sw_str id, const char *what)
{
    char where[200];

    (void)snprintf(where, sizeof where, "step_contexts id=%.*s", (int)id.len, id.ptr);
    sw__differ(c, "reference", where, "%s", what);
}

static int64_t count_items(table *t, const sw_step_context *row, sw_str items)
{
    int64_t count = 0;

    while (items.len > 0 && t->check->failed == SW_STATUS_OK) {
        sw_context_item item;
        said *body = NULL;
        if (!sw__context_next(&items, &item)) {
            return -1;
        }
        count++;
        if (item.body_hash.ptr) {
            body = entry_of(t, item.body_hash, SW_NULL_STR, row->id);
        }
        if (body) {
            body->count++;
        }
    }
    return count;
}

static void check_base(sw_check *c, const sw_step_context *row)
{
    sw_mark mark = sw_arena_mark(&c->scratch);
    sw_step_context key = {.id = row->base_id};
    sw_step_context base;

    if (!row->base_id.ptr) {
        if (row->base_count.value != 0) {
            differ_context(c, row->id, "its base is missing");
        }
        return;
    }
    c->failed =
        sw_store_get(c->session, SW_RECORD_STEP_CONTEXT, &key, &c->scratch, &base, &c->error);
    if (c->failed == SW_STATUS_NOT_FOUND) {
        differ_context(c, row->id, "its base is missing");
        c->failed = SW_STATUS_OK;
    } else if (c->failed == SW_STATUS_OK &&
               (!sw_str_eq(base.organization_id, row->organization_id) ||
                base.length.value < row->base_count.value ||
                base.place.value >= row->place.value)) {
        differ_context(c, row->id, "its base is not what it was");
    }
    sw_arena_rewind(&c->scratch, mark);
}

static sw_seen see_context(void *arg, const void *row)
{
    table *t = arg;
    const sw_step_context *context = row;
    int64_t own = count_items(t, context, context->tail);

    if (own < 0 || context->base_count.value + own != context->length.value ||
        count_items(t, context, context->made) < 0) {
        differ_context(t->check, context->id, "its list is damaged");
    }
    if (t->check->failed == SW_STATUS_OK) {
        check_base(t->check, context);
    }
    return go_on(t->check);
}

static sw_seen see_body(void *arg, const void *row)
{
    table *t = arg;
    const sw_message_body *body = row;
    said *lists = sw__keyed_find(&t->rows, body->digest, SW_NULL_STR);
    int64_t count = lists ? lists->count : 0;
    char hex[2 * SW_DIGEST + 1];
    char where[200];

    if (lists) {
        lists->seen = true;
    }
    if (body->contexts.value != count) {
        sw__hex_of(body->digest, hex);
        (void)snprintf(where, sizeof where, "message_bodies digest=%s", hex);
        sw__differ(t->check, "reference", where, "contexts is %lld, the rows say %lld",
                   (long long)body->contexts.value, (long long)count);
    }
    return SW_SEEN_COUNT;
}

static void missing_bodies(const table *t)
{
    char hex[2 * SW_DIGEST + 1];
    char what[100];

    for (size_t i = 0; i < t->rows.count; i++) {
        const said *entry = (const void *)t->rows.all[i];
        if (!entry->seen) {
            sw__hex_of(entry->key.a, hex);
            (void)snprintf(what, sizeof what, "the body %s of its list is missing", hex);
            differ_context(t->check, entry->who, what);
        }
    }
}

sw_status sw__check_contexts(sw_check *c, sw_str organization, sw_error *err)
{
    table t;
    sw_status status = SW_STATUS_OK;

    open_table(&t, c);
    status = sw__check_walk(c, SW_RECORD_STEP_CONTEXT, SW_STEP_CONTEXT_ORGANIZATION_ID,
                            organization, 0, see_context, &t, err);
    if (status == SW_STATUS_OK) {
        status = sw__check_again(
            c, SW_RECORD_MESSAGE_BODY, SW_MESSAGE_BODY_ORGANIZATION_ID, organization,
            SW_MASK(SW_MESSAGE_BODY_DIGEST) | SW_MASK(SW_MESSAGE_BODY_CONTEXTS), see_body, &t, err);
    }
    if (status == SW_STATUS_OK) {
        missing_bodies(&t);
    }
    sw_arena_fini(&t.arena);
    return status;
}

/* ---- raw items ------------------------------------------------------------------------------------ */

typedef struct raw {
    table sources;
    table units;
    int64_t items;
    int64_t bytes;
} raw;

static sw_seen see_item(void *arg, const void *row)
{
    raw *r = arg;
    const sw_raw_item *item = row;
    said *source = entry_of(&r->sources, item->source_digest, SW_NULL_STR, item->unit);
    said *unit = entry_of(&r->units, item->project_id, item->unit, item->unit);

    if (source && unit) {
        source->count++;
        unit->first = unit->count == 0 || item->received_at.value < unit->first
                          ? item->received_at.value
                          : unit->first;
        unit->count++;
        unit->bytes += (int64_t)item->body.len;
        r->items++;
        r->bytes += (int64_t)item->body.len;
    }
    return go_on(r->units.check);
}

static void differ_raw(sw_check *c, const char *name, sw_str key, const char *what)
{
    char hex[2 * SW_DIGEST + 1];
    char where[100];

    sw__hex_of(key, hex);
    (void)snprintf(where, sizeof where, "%s %s", name, hex);
    sw__differ(c, "reference", where, "%s", what);
}

static sw_seen see_source(void *arg, const void *row)
{
    raw *r = arg;
    const sw_raw_source *source = row;
    said *items = sw__keyed_find(&r->sources.rows, source->digest, SW_NULL_STR);

    if (items) {
        items->seen = true;
    }
    if (source->items.value != (items ? items->count : 0)) {
        differ_raw(r->units.check, "raw_sources digest", source->digest,
                   "items is not what the rows say");
    }
    return SW_SEEN_COUNT;
}

static sw_seen see_unit(void *arg, const void *row)
{
    raw *r = arg;
    const sw_raw_trace *unit = row;
    said *items = sw__keyed_find(&r->units.rows, unit->project_id, unit->unit);

    if (items) {
        items->seen = true;
    }
    if (unit->items.value != (items ? items->count : 0) ||
        unit->bytes.value != (items ? items->bytes : 0)) {
        differ_raw(r->units.check, "raw_traces unit", unit->unit,
                   "items or bytes is not what the rows say");
    }
    if (unit->first_at.known != (items != NULL) || (items && unit->first_at.value > items->first)) {
        differ_raw(r->units.check, "raw_traces unit", unit->unit,
                   "first_at is not when its first item came");
    }
    return SW_SEEN_COUNT;
}

static void unseen(const table *t, const char *name, const char *what)
{
    for (size_t i = 0; i < t->rows.count; i++) {
        const said *entry = (const void *)t->rows.all[i];
        if (!entry->seen) {
            differ_raw(t->check, name, entry->who, what);
        }
    }
}

static sw_status check_total(sw_check *c, const raw *r, sw_str organization, sw_error *err)
{
    sw_mark mark = sw_arena_mark(&c->scratch);
    sw_raw_total key = {.organization_id = organization};
    sw_raw_total total;
    sw_status status =
        sw_store_get(c->session, SW_RECORD_RAW_TOTAL, &key, &c->scratch, &total, err);

    if (status == SW_STATUS_NOT_FOUND) {
        total = key;
        status = SW_STATUS_OK;
    }
    if (status == SW_STATUS_OK &&
        (total.items.value != r->items || total.bytes.value != r->bytes)) {
        char where[200];
        sw__cell_name(SW_RECORD_RAW_TOTAL, &key, where, sizeof where);
        sw__differ(c, "rollup", where, "items or bytes is not what the rows say");
    }
    sw_arena_rewind(&c->scratch, mark);
    return status;
}

sw_status sw__check_raw(sw_check *c, sw_str organization, sw_error *err)
{
    raw r = {.items = 0};
    sw_status status = SW_STATUS_OK;

    open_table(&r.sources, c);
    open_table(&r.units, c);
    status = sw__check_walk(c, SW_RECORD_RAW_ITEM, SW_RAW_ITEM_ORGANIZATION_ID, organization, 0,
                            see_item, &r, err);
    if (status == SW_STATUS_OK) {
        status =
            sw__check_walk(c, SW_RECORD_RAW_SOURCE, SW_RAW_SOURCE_ORGANIZATION_ID, organization,
                           SW_MASK(SW_RAW_SOURCE_ORGANIZATION_ID) | SW_MASK(SW_RAW_SOURCE_DIGEST) |
                               SW_MASK(SW_RAW_SOURCE_ITEMS),
                           see_source, &r, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__check_walk(c, SW_RECORD_RAW_TRACE, SW_RAW_TRACE_ORGANIZATION_ID, organization,
                                0, see_unit, &r, err);
    }
    if (status == SW_STATUS_OK) {
        unseen(&r.sources, "raw_items unit", "the source of an item is missing");
        unseen(&r.units, "raw_items unit", "the row of its unit is missing");
        status = check_total(c, &r, organization, err);
    }
    sw_arena_fini(&r.sources.arena);
    sw_arena_fini(&r.units.arena);
    return status;
}
