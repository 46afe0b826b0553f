/* SPDX-License-Identifier: Apache-2.0 */
/* A page over all organizations, for the operator. Every index begins with the organization, so that no
 * tenant's question can touch another's rows; a page over all of them is therefore the newest rows of
 * each, merged. It costs a page an organization, however many rows they have.
 */
#include <stdlib.h>

#include "ledger/list.h"

/* ---- all organizations --------------------------------------------------------------------------- */

typedef struct collecting {
    sw_arena *arena;
    sw_organizations *out;
    bool no_memory;
} collecting;

static sw_seen collect(void *arg, const void *row)
{
    collecting *c = arg;
    sw_organizations *o = c->out;

    if (o->count == o->room) {
        size_t room = o->room ? o->room * 2 : 64;
        sw_str *ids = sw_arena_alloc(c->arena, room * sizeof *ids);
        if (ids && o->count > 0) {
            memcpy(ids, o->ids, o->count * sizeof *ids);
        }
        o->ids = ids;
        o->room = ids ? room : 0;
    }
    if (o->ids) {
        o->ids[o->count] = sw_arena_str(c->arena, ((const sw_organization *)row)->id);
    }
    c->no_memory = !o->ids || !o->ids[o->count++].ptr;
    return c->no_memory ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

sw_status sw__organizations(sw_session *session, sw_arena *arena, sw_organizations *out,
                            sw_error *err)
{
    sw_scan scan = {
        .record = SW_RECORD_ORGANIZATION, .fields = SW_MASK(SW_ORGANIZATION_ID), .unordered = true};
    collecting c = {.arena = arena, .out = out};
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    memset(out, 0, sizeof *out);
    status = sw_store_scan(session, &scan, collect, &c, &end, err);
    return status == SW_STATUS_OK && c.no_memory ? sw_no_memory(err) : status;
}

/* ---- merging ------------------------------------------------------------------------------------- */

static int in_order(const void *a, const void *b, void *arg)
{
    const sw_page *p = arg;
    const sw_record *r = sw_record_of(p->record);
    int c = 0;

    for (size_t i = 0; i < p->order_count && c == 0; i++) {
        c = sw_field_cmp(&r->fields[p->order[i]], a, b);
    }
    return p->descending ? -c : c;
}

/* Where an organization's search gave up, nothing beyond is known: the nearest such place is the horizon
 * of the whole page. */
static bool lower_horizon(sw_page *p, const void *place)
{
    const sw_record *r = sw_record_of(p->record);

    if (p->horizon && in_order(p->horizon, place, p) <= 0) {
        return true;
    }
    p->horizon = sw_arena_zeroed(p->arena, r->size);
    return p->horizon && sw_row_copy(r, p->horizon, place, p->arena);
}

/* The first rows of one organization join the kept ones; `limit` and one more, to know of more. */
static sw_status one_organization(sw_page *p, sw_scan *scan, sw_list_end *end, sw_error *err)
{
    sw_scan_end done = {0};
    bool gave_up = false;
    sw_status status = SW_STATUS_OK;

    p->shown = 0;
    p->more = p->reached_end = false;
    status = sw_store_scan(p->session, scan, sw__list_visit, p, &done, err);
    if (status == SW_STATUS_OK && p->failed) {
        *err = p->error;
        status = p->error.status;
    }
    end->looked += done.looked;
    end->complete = end->complete && !p->more && (done.exhausted || p->reached_end);
    gave_up = !done.exhausted && !p->more && !p->reached_end;
    end->gave_up = end->gave_up || gave_up;
    if (status == SW_STATUS_OK && gave_up && !lower_horizon(p, scan->place)) {
        status = sw_no_memory(err);
    }
    return status;
}

static void show_merged(sw_page *p, sw_list_end *end)
{
    const sw_record *r = sw_record_of(p->record);
    size_t count = p->kept.count;

    qsort_r(p->kept.rows, count, r->size, in_order, p);
    if (count > (size_t)p->limit) {
        count = (size_t)p->limit;
        end->complete = false;
    }
    while (p->horizon && count > 0 &&
           in_order(p->kept.rows + (count - 1) * r->size, p->horizon, p) > 0) {
        count--;
    }
    for (size_t i = 0; i < count && !p->stopped; i++) {
        size_t at = p->turn_round ? count - 1 - i : i;
        p->stopped = !sw__list_show(p, p->kept.rows + at * r->size);
    }
    p->shown = (int64_t)count;
}

sw_status sw__list_everywhere(sw_page *p, sw_scan *scan, sw_bounds *bounds, uint8_t owner_field,
                              sw_list_end *end, sw_error *err)
{
    sw_condition *owner = &bounds->conditions[bounds->count++];
    sw_value value = {0};
    sw_organizations all;
    sw_status status = sw__organizations(p->session, p->arena, &all, err);

    *owner = (sw_condition){owner_field, SW_OP_EQ, &value, 1};
    scan->conditions = bounds->conditions;
    scan->condition_count = bounds->count;
    scan->place = sw_arena_zeroed(p->arena, sw_record_of(p->record)->size);
    scan->place_arena = p->arena;
    if (!scan->place) {
        return sw_no_memory(err);
    }
    p->keep_all = true;
    end->complete = true;
    for (size_t i = 0; i < all.count && status == SW_STATUS_OK; i++) {
        value.text = all.ids[i];
        status = one_organization(p, scan, end, err);
    }
    p->shown = 0;
    if (status == SW_STATUS_OK && p->kept.count > 0) {
        show_merged(p, end);
    }
    if (status == SW_STATUS_OK && p->horizon) {
        sw__list_resume(p, p->horizon, end);
    }
    end->count = p->shown;
    end->complete = end->complete && !p->stopped;
    return status;
}
