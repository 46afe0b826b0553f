/* SPDX-License-Identifier: Apache-2.0 */
/* A list over all organizations, for the operator. Every index begins with the organization, so that no
 * tenant's question can touch another's rows; a page over all of them is therefore the first rows of
 * each, merged.
 *
 * Only the first `size` rows of all are kept. The last of them is the edge: no organization that comes
 * later is asked for rows beyond it. The rows that the whole list may look at are dealt out as it goes:
 * each organization gets an equal share of what is left, but at least one row. Where one gives up
 * before the edge, nothing beyond that place is known: that horizon is an edge too, and where the list
 * goes on.
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
    sw_str *ids = sw_arena_grow(c->arena, o->ids, o->count, &o->room, sizeof *ids);

    if (ids) {
        o->ids = ids;
        ids[o->count] = sw_arena_str(c->arena, ((const sw_organization *)row)->id);
    }
    c->no_memory = !ids || !ids[o->count++].ptr;
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

typedef struct merging {
    sw_page *page;
    sw_scan scan;
    sw_organizations all;
    sw_condition *conditions; /* the edge, the owner, and what was asked */
    size_t condition_count;   /* without the edge */
    sw_value owner;
    sw_value edge_value;
    void *edge;         /* room for it; page->edge says whether there is one */
    void *horizon;      /* room for it */
    void *last;         /* room for the place where a full page ended */
    bool has_horizon;   /* somebody gave up */
    bool lost;          /* somebody could not put his rows in order: nothing can be said */
    bool more;          /* there are rows beyond the edge */
    int64_t size;       /* rows of a page; 0: all */
    int64_t look_limit; /* of the whole list; 0: none */
    int64_t looked;
    size_t settled; /* rows kept since they were last moved to another arena */
    sw_arena arenas[2];
} merging;

static int in_order(const void *a, const void *b, void *arg)
{
    return sw__list_cmp(arg, a, b);
}

/* A place is a row of which only the fields of the order are known. */
static bool copy_place(const sw_page *p, void *to, const void *row)
{
    const sw_record *r = sw_record_of(p->record);
    bool good = true;

    for (size_t i = 0; i < p->order_count && good; i++) {
        const sw_field *field = &r->fields[p->order[i]];
        sw_field_copy(field, to, row);
        if (sw_kind_is_text(field->kind)) {
            sw_str *text = sw_field_str(field, to);
            *text = sw_arena_str(p->arena, *text);
            good = text->ptr != NULL;
        }
    }
    return good;
}

/* Nobody is asked for what lies beyond this row any more. The first field of an order is a number. */
static bool set_edge(merging *m, const void *row)
{
    sw_page *p = m->page;
    const sw_field *first = &sw_record_of(p->record)->fields[p->order[0]];

    if (p->edge && sw__list_cmp(p, p->edge, row) <= 0) {
        return true;
    }
    p->edge = m->edge;
    m->edge_value.number = sw_field_number(first, row).value;
    m->conditions[0] =
        (sw_condition){p->order[0], p->descending ? SW_OP_GE : SW_OP_LE, &m->edge_value, 1};
    return copy_place(p, m->edge, row);
}

static bool set_horizon(merging *m, const void *place)
{
    if (m->has_horizon && sw__list_cmp(m->page, m->horizon, place) <= 0) {
        return true;
    }
    m->has_horizon = true;
    return copy_place(m->page, m->horizon, place) && set_edge(m, place);
}

/* The kept rows move to the other arena, so that those which were pushed out cost nothing. */
static bool settle(merging *m)
{
    sw_page *p = m->page;
    const sw_record *r = sw_record_of(p->record);
    sw_arena *to = p->kept_in == &m->arenas[0] ? &m->arenas[1] : &m->arenas[0];
    char *rows = sw_arena_alloc(to, 2 * p->kept.count * r->size);

    for (size_t i = 0; rows && i < p->kept.count; i++) {
        if (!sw_row_copy(r, rows + i * r->size, p->kept.rows + i * r->size, to)) {
            return false;
        }
    }
    sw_arena_reset(p->kept_in);
    p->kept_in = to;
    p->kept.rows = rows;
    p->room = 2 * p->kept.count;
    return rows != NULL;
}

/* After an organization: the first rows stay. */
static bool trim(merging *m, size_t before)
{
    sw_page *p = m->page;
    const sw_record *r = sw_record_of(p->record);
    size_t size = m->size ? (size_t)m->size : SIZE_MAX;

    m->more = m->more || p->more || p->kept.count > size;
    m->settled += p->kept.count - before;
    if (p->kept.count < size || p->kept.count == before) {
        return true;
    }
    qsort_r(p->kept.rows, p->kept.count, r->size, in_order, p);
    p->kept.count = size;
    if (m->settled > 4 * size) {
        m->settled = 0;
        if (!settle(m)) {
            return false;
        }
    }
    return set_edge(m, p->kept.rows + (size - 1) * r->size);
}

static int64_t share(const merging *m, size_t organizations)
{
    int64_t rest = (m->look_limit - m->looked) / (int64_t)organizations;

    return m->look_limit == 0 ? 0 : rest > 0 ? rest : 1;
}

/* The rows of one organization that lie before the edge join the kept ones. */
static sw_status one_organization(merging *m, size_t i, sw_error *err)
{
    sw_page *p = m->page;
    sw_scan_end done = {0};
    size_t before = p->kept.count;
    bool good = true;
    sw_status status = SW_STATUS_OK;

    m->owner.text = m->all.ids[i];
    m->scan.look_limit = m->scan.sort_limit = share(m, m->all.count - i);
    m->scan.conditions = p->edge ? m->conditions : m->conditions + 1;
    m->scan.condition_count = m->condition_count + (p->edge ? 1 : 0);
    p->shown = 0;
    p->more = p->reached_end = false;
    status = sw_store_scan(p->session, &m->scan, sw__list_visit, p, &done, err);
    m->looked += done.looked;
    if (status == SW_STATUS_OK && p->failed) {
        *err = p->error;
        status = p->error.status;
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    good = trim(m, before);
    m->lost = m->lost || done.unsorted;
    if (good && !m->lost && !done.exhausted && !p->more && !p->reached_end) {
        good = set_horizon(m, m->scan.place);
    }
    return good ? SW_STATUS_OK : sw_no_memory(err);
}

/* ---- pages ---------------------------------------------------------------------------------------- */

static void new_page(merging *m)
{
    sw_page *p = m->page;

    sw_arena_reset(&m->arenas[0]);
    sw_arena_reset(&m->arenas[1]);
    p->kept = (sw_rows){NULL, 0};
    p->kept_in = &m->arenas[0];
    p->room = 0;
    p->edge = NULL;
    p->limit = m->size;
    m->settled = 0;
    m->has_horizon = m->lost = m->more = false;
}

/* The rows this side of the horizon; how many. */
static size_t show_merged(merging *m)
{
    sw_page *p = m->page;
    const sw_record *r = sw_record_of(p->record);
    size_t count = m->lost ? 0 : p->kept.count;
    size_t shown = 0;

    if (count > 1) {
        qsort_r(p->kept.rows, count, r->size, in_order, p);
    }
    while (m->has_horizon && count > 0 &&
           sw__list_cmp(p, p->kept.rows + (count - 1) * r->size, m->horizon) > 0) {
        count--;
    }
    for (; shown < count && !p->stopped; shown++) {
        size_t at = p->turn_round ? count - 1 - shown : shown;
        p->stopped = !p->counting && !sw__list_show(p, p->kept.rows + at * r->size);
    }
    return shown;
}

/* One page. *full: it has all the rows it may have, and the list goes on behind the last one. */
static sw_status one_page(merging *m, sw_list_end *end, bool *full, sw_error *err)
{
    sw_page *p = m->page;
    const sw_record *r = sw_record_of(p->record);
    size_t shown = 0;
    sw_status status = SW_STATUS_OK;

    new_page(m);
    for (size_t i = 0; i < m->all.count && status == SW_STATUS_OK; i++) {
        status = one_organization(m, i, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    shown = show_merged(m);
    end->count += (int64_t)shown;
    *full = m->more && shown == (size_t)m->size && !p->stopped;
    if (*full) {
        bool good = copy_place(p, m->last, p->kept.rows + (shown - 1) * r->size);
        return good ? SW_STATUS_OK : sw_no_memory(err);
    }
    end->complete = !m->more && !m->has_horizon && !m->lost && !p->stopped;
    end->gave_up = !end->complete && !p->stopped;
    if (end->gave_up && !m->lost) {
        sw__list_resume(p, m->horizon, end);
    }
    return SW_STATUS_OK;
}

/* Page after page where there is no limit; rows that are turned round are one page. */
static sw_status all_pages(merging *m, sw_list_end *end, sw_error *err)
{
    sw_page *p = m->page;
    bool one = p->limit > 0 || p->turn_round;
    bool full = true;
    sw_status status = SW_STATUS_OK;

    m->size = p->limit > 0 ? p->limit : one ? 0 : SW_LIMIT_LIST_ITEMS;
    m->scan.limit = m->size ? m->size + 1 : 0; /* one more, to know of more */
    while (status == SW_STATUS_OK && full) {
        status = one_page(m, end, &full, err);
        m->scan.after = m->last;
        if (one) {
            break;
        }
        if (status == SW_STATUS_OK && full && m->look_limit && m->looked >= m->look_limit) {
            end->gave_up = true;
            sw__list_resume(p, m->last, end);
            break;
        }
    }
    end->looked = m->looked;
    return status;
}

static bool make_room(merging *m, uint8_t owner_field)
{
    sw_page *p = m->page;
    size_t size = sw_record_of(p->record)->size;
    size_t asked = m->scan.condition_count;

    m->edge = sw_arena_zeroed(p->arena, size);
    m->horizon = sw_arena_zeroed(p->arena, size);
    m->last = sw_arena_zeroed(p->arena, size);
    m->scan.place = sw_arena_zeroed(p->arena, size);
    m->scan.place_arena = p->arena;
    m->conditions = sw_arena_zeroed(p->arena, (asked + 2) * sizeof *m->conditions);
    if (!m->edge || !m->horizon || !m->last || !m->scan.place || !m->conditions) {
        return false;
    }
    m->conditions[1] = (sw_condition){owner_field, SW_OP_EQ, &m->owner, 1};
    if (asked > 0) {
        memcpy(m->conditions + 2, m->scan.conditions, asked * sizeof *m->conditions);
    }
    m->condition_count = asked + 1;
    return true;
}

sw_status sw__list_everywhere(sw_page *p, const sw_scan *scan, uint8_t owner_field,
                              sw_list_end *end, sw_error *err)
{
    merging m = {.page = p, .scan = *scan, .look_limit = scan->look_limit};
    sw_status status = sw__organizations(p->session, p->arena, &m.all, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    if (!make_room(&m, owner_field)) {
        return sw_no_memory(err);
    }
    sw_arena_init(&m.arenas[0], p->arena->from, 0);
    sw_arena_init(&m.arenas[1], p->arena->from, 0);
    p->keep_all = true;
    status = all_pages(&m, end, err);
    p->edge = NULL;
    p->kept_in = p->arena;
    sw_arena_fini(&m.arenas[0]);
    sw_arena_fini(&m.arenas[1]);
    return status;
}
