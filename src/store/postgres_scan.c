/* SPDX-License-Identifier: Apache-2.0 */
/* Scans, carried out: binds what the plan decided, reads, tests, decodes, shows. What the statement does not take
 * care of is tested here row by row, so that a bound on looking means what it says.
 *
 * The first rows come by a prepared statement that wants no more than a page is likely to need; whoever reads on
 * gets the rest through a cursor that begins after the last of them. All of a scan, and what its visits read,
 * sees one moment: outside a transaction one is begun, and its end is not waited for.
 */
#include <stdio.h>

#include "store/postgres_impl.h"

enum {
    FIRST_ROWS = 100, /* where nobody says how many he wants */
    MORE_ROWS = 1000, /* by cursor */
    LONG_ROWS = 16,   /* at first, of records that may be long */
    FETCH_BYTES = 1 << 20
};

/* A scan in progress. */
typedef struct run {
    sw_pg_session *session;
    const sw_plan *plan;
    sw_visit *visit;
    void *arg;
    sw_scan_end *end;
    void *row;
    sw_arena arena;
    bool stop;
} run;

/* ---- one moment --------------------------------------------------------------------------------- */

sw_status sw__pg_snapshot(sw_pg_session *session, bool *own, sw_error *err)
{
    *own = !session->in_transaction;
    if (!*own) {
        return SW_STATUS_OK;
    }
    sw_status status = sw__pg_connected(session, err);
    if (status == SW_STATUS_OK) {
        status = sw__pg_control(session, SW_PG_BEGIN_READ, err);
    }
    session->in_transaction = status == SW_STATUS_OK;
    return status;
}

void sw__pg_snapshot_end(sw_pg_session *session, bool own, bool failed)
{
    sw_error ignored;
    if (own && session->in_transaction) {
        sw_status status =
            sw__pg_control(session, failed ? SW_PG_ROLLBACK : SW_PG_COMMIT, &ignored);
        if (status == SW_STATUS_OK) {
            (void)sw__pg_sync(session, &ignored); /* and not waited for */
            (void)sw__pq.flush(session->conn);
        }
        session->in_transaction = false;
    }
}

/* ---- binding ------------------------------------------------------------------------------------ */

static void bind_condition(run *r, int i)
{
    const sw_condition *c = sw__plan_condition(r->plan, i);
    sw__pg_bind_value(&r->session->values, r->plan->table, c->field, &c->values[0], false);
}

static void bind_place(run *r, uint8_t at)
{
    const sw_field *field = sw__plan_field(r->plan, at);
    const void *place = r->plan->scan->after;
    bool is_text = sw_kind_is_text(field->kind);
    sw_value value = {.text = is_text ? sw_field_text(field, place) : SW_NULL_STR,
                      .number = is_text ? 0 : sw_field_number(field, place).value};
    int last = r->session->values.count;
    sw__pg_bind_value(&r->session->values, r->plan->table, at, &value, true);
    if (sw_field_is_null(field, place)) {
        r->session->values.at[last] = NULL;
    }
}

static void bind_all(run *r)
{
    const sw_plan *p = r->plan;
    r->session->values.count = 0;
    for (size_t i = 0; i < p->bound; i++) {
        bind_condition(r, p->equal[p->fields[i]]);
    }
    if (p->lower >= 0) {
        bind_condition(r, p->lower);
    }
    if (p->upper >= 0) {
        bind_condition(r, p->upper);
    }
    for (size_t i = 0; i < p->after_count; i++) {
        bind_place(r, p->order[i]);
    }
}

/* ---- rows --------------------------------------------------------------------------------------- */

static int column_at(const sw_plan *p, size_t field)
{
    return __builtin_popcountll(p->need & (SW_MASK(field) - 1));
}

static sw_status read_field(run *r, const PGresult *from, int line, size_t field, sw_error *err)
{
    return sw__pg_read(r->plan->table, field, from, line, column_at(r->plan, field), NULL, r->row,
                       err);
}

static sw_status test_row(run *r, const PGresult *from, int line, bool *holds, sw_error *err)
{
    const sw_plan *p = r->plan;
    sw_status status = SW_STATUS_OK;
    *holds = true;
    for (size_t i = 0; *holds && status == SW_STATUS_OK && i < p->scan->condition_count; i++) {
        const sw_condition *c = sw__plan_condition(p, (int)i);
        if (!sw__plan_pushed(p, i)) {
            status = read_field(r, from, line, c->field, err);
            *holds = status == SW_STATUS_OK && sw_condition_holds(p->table->model, c, r->row);
        }
    }
    return status;
}

static sw_status decode_row(run *r, const PGresult *from, int line, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (uint64_t left = r->plan->need; left && status == SW_STATUS_OK; left &= left - 1) {
        status = read_field(r, from, line, (size_t)__builtin_ctzll(left), err);
    }
    return status;
}

/* The order fields of the row at hand: where somebody can go on. */
static sw_status keep_place(const run *r, const PGresult *from, int line, sw_arena *arena,
                            void *place, sw_error *err)
{
    const sw_plan *p = r->plan;
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; place && status == SW_STATUS_OK && i < p->full_count; i++) {
        status = sw__pg_read(p->table, p->full[i], from, line, column_at(p, p->full[i]), arena,
                             place, err);
    }
    return status;
}

static sw_status see_row(run *r, const PGresult *from, int line, sw_error *err)
{
    const sw_scan *scan = r->plan->scan;
    bool holds = false;
    sw_seen seen = SW_SEEN_SKIP;
    r->end->looked++;
    sw_status status = test_row(r, from, line, &holds, err);
    if (status == SW_STATUS_OK && holds) {
        status = decode_row(r, from, line, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (holds) {
        seen = r->visit(r->arg, r->row);
        r->end->counted += seen == SW_SEEN_COUNT;
    }
    r->stop = seen == SW_SEEN_STOP || (scan->limit && r->end->counted == scan->limit) ||
              (scan->look_limit && r->end->looked == scan->look_limit);
    return r->stop ? keep_place(r, from, line, scan->place_arena, scan->place, err) : SW_STATUS_OK;
}

static sw_status see_rows(run *r, const PGresult *from, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (int i = 0; i < sw__pq.ntuples(from) && !r->stop && status == SW_STATUS_OK; i++) {
        status = see_row(r, from, i, err);
    }
    return status;
}

/* ---- walking ------------------------------------------------------------------------------------ */

static bool may_be_long(const sw_plan *p)
{
    for (uint64_t left = p->need; left; left &= left - 1) {
        if (sw__plan_field(p, (size_t)__builtin_ctzll(left))->flags & SW_PACKED) {
            return true;
        }
    }
    return false;
}

static bool tests(const sw_plan *p)
{
    for (size_t i = 0; i < p->scan->condition_count; i++) {
        if (!sw__plan_pushed(p, i)) {
            return true;
        }
    }
    return false;
}

static int64_t most_rows(const sw_plan *p)
{
    return may_be_long(p) ? LONG_ROWS : MORE_ROWS;
}

static bool one_at_most(const sw_plan *p)
{
    const sw_record *record = p->table->model;
    return p->path < record->index_count && record->indexes[p->path].unique &&
           p->bound == p->field_count;
}

/* Whether the rows behind a place are those that come after it; else a first few rows can be asked for only without
 * knowing how to get the others. A field that a condition fixes is not in the order, and tells nothing of the rows that
 * come when the condition is tested here. */
static bool is_total(const sw_plan *p)
{
    uint64_t fixed = 0;
    if (one_at_most(p)) {
        return true;
    }
    for (size_t i = 0; i < p->order_count; i++) {
        fixed |= SW_MASK(p->order[i]);
    }
    for (size_t i = 0; i < p->table->model->field_count; i++) {
        bool equal = p->equal[i] >= 0 && sw__plan_pushed(p, (size_t)p->equal[i]);
        fixed |= equal ? SW_MASK(i) : 0;
    }
    return (p->table->key & ~fixed) == 0;
}

static int64_t first_rows(const sw_plan *p)
{
    int64_t most = most_rows(p);
    int64_t rows = p->scan->limit ? p->scan->limit : FIRST_ROWS;
    rows = tests(p) ? 4 * (rows < MORE_ROWS ? rows : MORE_ROWS) : rows;
    rows = p->scan->look_limit && p->scan->look_limit < rows ? p->scan->look_limit : rows;
    return rows < most ? rows : most;
}

static void build_walk(const sw_table *table, const void *arg, sw_buf *sql)
{
    (void)table;
    sw__pg_walk_print(arg, false, sql);
}

static sw_status ask(run *r, int64_t rows, PGresult **out, sw_error *err)
{
    const sw_pg_shape shape = sw__pg_walk_shape(r->plan);
    bind_all(r);
    sw__pg_bind_long(&r->session->values, rows);
    return sw__pg_ask(r->session, &shape, build_walk, r->plan, out, err);
}

/* The plan goes on after the last row of the answer. */
static sw_status go_on_after(run *r, sw_plan *p, sw_scan *scan, const PGresult *from, sw_error *err)
{
    void *place = sw_arena_zeroed(&r->arena, p->table->model->size);
    sw_status status = place ? keep_place(r, from, sw__pq.ntuples(from) - 1, &r->arena, place, err)
                             : sw_no_memory(err);
    scan->after = place;
    if (status == SW_STATUS_OK) {
        sw__plan_after(p, scan);
    }
    return status;
}

static sw_status declare(run *r, unsigned cursor, sw_error *err)
{
    sw_buf sql;
    sw_buf_init(&sql, &r->session->store->allocator, 1 << 20);
    sw_buf_addf(&sql, "DECLARE c%u NO SCROLL CURSOR FOR ", cursor);
    sw__pg_walk_print(r->plan, true, &sql);
    bind_all(r);
    sw_status status = sql.status == SW_STATUS_OK
                           ? sw__pg_send_text(r->session, sql.ptr, &r->session->values, err)
                           : sw_no_memory(err);
    sw_buf_fini(&sql);
    return status;
}

/* Rows that may be long mostly are not: as many at a time as the last ones say. */
static int next_rows(const PGresult *last, int rows)
{
    int64_t bytes = 0;
    for (int line = 0; line < rows; line++) {
        for (int column = 0; column < sw__pq.nfields(last); column++) {
            bytes += sw__pq.getlength(last, line, column);
        }
    }
    return bytes > FETCH_BYTES       ? (rows > 1 ? rows / 2 : 1)
           : bytes * 4 > FETCH_BYTES ? rows
           : rows * 2 < MORE_ROWS    ? rows * 2
                                     : MORE_ROWS;
}

static sw_status walk_cursor(run *r, sw_error *err)
{
    unsigned cursor = ++r->session->cursors;
    int want = (int)most_rows(r->plan), next = want, got = want;
    char fetch[64];
    sw_status status = declare(r, cursor, err);
    while (status == SW_STATUS_OK && !r->stop && got == want) {
        PGresult *result = NULL;
        want = next;
        (void)snprintf(fetch, sizeof fetch, "FETCH %d FROM c%u", want, cursor);
        status = sw__pg_send_text(r->session, fetch, NULL, err);
        if (status == SW_STATUS_OK) {
            status = sw__pg_receive(r->session, &result, err);
        }
        if (status == SW_STATUS_OK) {
            got = sw__pq.ntuples(result);
            next = may_be_long(r->plan) ? next_rows(result, got) : want;
            status = see_rows(r, result, err);
        }
        sw__pq.clear(result);
    }
    if (status == SW_STATUS_OK) {
        (void)snprintf(fetch, sizeof fetch, "CLOSE c%u", cursor);
        status = sw__pg_send_text(r->session, fetch, NULL, err);
    }
    return status;
}

/* The first rows; *more: there may be others, and the plan begins behind these now. */
static sw_status walk_first(run *r, sw_plan *rest, sw_scan *scan, bool *more, sw_error *err)
{
    int64_t rows = first_rows(r->plan);
    PGresult *result = NULL;
    sw_status status = ask(r, rows, &result, err);
    if (status == SW_STATUS_OK) {
        status = see_rows(r, result, err);
    }
    *more = status == SW_STATUS_OK && !r->stop && sw__pq.ntuples(result) == rows;
    if (*more) {
        status = go_on_after(r, rest, scan, result, err);
    }
    sw__pq.clear(result);
    return status;
}

static sw_status walk(run *r, sw_error *err)
{
    const sw_plan *whole = r->plan;
    sw_plan rest = *whole;
    sw_scan scan = *whole->scan;
    bool more = true;
    sw_status status = SW_STATUS_OK;
    if (is_total(whole)) {
        status = walk_first(r, &rest, &scan, &more, err);
        r->plan = &rest;
    }
    if (more && status == SW_STATUS_OK && !r->plan->nothing) {
        status = walk_cursor(r, err);
    }
    r->plan = whole;
    r->end->exhausted = status == SW_STATUS_OK && !r->stop;
    return status;
}

/* Whether more rows than `limit` would have to be put in order. */
static sw_status too_many(run *r, int64_t limit, bool *many, sw_error *err)
{
    const sw_plan *asked = r->plan;
    const sw_plan count = sw__plan_count(asked);
    PGresult *result = NULL;
    r->plan = &count;
    sw_status status = ask(r, limit + 1, &result, err);
    r->plan = asked;
    if (status == SW_STATUS_OK) {
        *many = sw__pg_read_long(result, 0, 0) > limit;
    }
    sw__pq.clear(result);
    return status;
}

static void plan(const sw_table *table, const sw_scan *scan, bool in_order, void *row, sw_plan *p)
{
    sw__plan(p, table, scan, in_order, row);
    for (size_t i = 0; i < p->full_count; i++) {
        p->need |= SW_MASK(p->full[i]);
    }
}

/* Decides; when the sort that the best path needs would be too long, decides again. */
static sw_status decide(run *r, const sw_scan *scan, sw_plan *p, sw_error *err)
{
    const sw_table *table = sw__pg_table(r->session, scan->record);
    bool many = false;
    sw_status status = SW_STATUS_OK;
    plan(table, scan, false, r->row, p);
    if (p->sorted && scan->sort_limit && !p->nothing) {
        status = too_many(r, scan->sort_limit, &many, err);
    }
    if (many) {
        plan(table, scan, true, r->row, p);
        r->end->unsorted = p->sorted;
    }
    return status;
}

static sw_status scan_once(sw_pg_session *session, const sw_scan *scan, sw_visit *visit, void *arg,
                           sw_scan_end *end, sw_error *err)
{
    sw_plan p;
    run r = {.session = session, .plan = &p, .visit = visit, .arg = arg, .end = end};
    bool own = false;
    sw_arena_init(&r.arena, &r.session->store->allocator, 0);
    r.row = sw_arena_zeroed(&r.arena, sw_record_of(scan->record)->size);
    sw_status status = r.row ? sw__pg_snapshot(r.session, &own, err) : sw_no_memory(err);
    if (status == SW_STATUS_OK) {
        status = decide(&r, scan, &p, err);
    }
    if (status == SW_STATUS_OK && !end->unsorted) {
        end->exhausted = p.nothing;
        status = p.nothing ? SW_STATUS_OK : walk(&r, err);
    }
    sw__pg_snapshot_end(r.session, own, status != SW_STATUS_OK);
    sw_arena_fini(&r.arena);
    return status;
}

/* As any statement of its own: a connection that was lost while it was not used shows that now, and another will do. */
sw_status sw__pg_scan(sw_session *head, const sw_scan *scan, sw_visit *visit, void *arg,
                      sw_scan_end *end, sw_error *err)
{
    sw_pg_session *session = sw__pg(head);
    bool alone = !session->in_transaction;
    sw_status status = scan_once(session, scan, visit, arg, end, err);
    if (status == SW_STATUS_IO && alone && end->looked == 0 && session->conn &&
        sw__pq.status(session->conn) != CONNECTION_OK) {
        status = scan_once(session, scan, visit, arg, end, err);
    }
    return status;
}
