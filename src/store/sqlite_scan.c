/* SPDX-License-Identifier: Apache-2.0 */
/* Scans, carried out: binds what the plan decided, steps, tests, decodes, shows. What the statement does
 * not take care of is tested here, mostly on the column as it lies (a word is one integer compare),
 * before anything of the row is decoded.
 */
#include "store/sqlite_impl.h"

enum {
    MAX_TESTS = 64,
    CHUNK_FIRST =
        1000, /* rows that are put in order at once, where nobody says how many he wants */
    CHUNK_MOST = 65536
};

/* A condition that is tested here. */
typedef struct test {
    const sw_condition *condition;
    const sw_field *field;
    int column;            /* in the answer */
    size_t count;          /* of values that can be in the file at all */
    sw_lite_value *values; /* encoded; NULL: decode the field and ask the model */
} test;

/* ---- binding ------------------------------------------------------------------------------------ */

/* A scan in progress. */
typedef struct run {
    sw_lite_session *session;
    const sw_plan *plan;
    sqlite3_stmt *stmt;
    sw_arena arena; /* bound values and tests, then the text of one row at a time */
    void *row;
    test tests[MAX_TESTS];
    size_t test_count;
    bool nothing;  /* a word, a parent or an id that is in no row */
    int64_t chunk; /* of a late plan: rows that the statement shows at the most */
    void *place;   /* where the last chunk ended */
    sw_arena places;
} run;

/* A value of a condition as its column holds it; in the arena, for a statement borrows it. */
static sw_status encode_value(run *r, const sw_field *field, const sw_value *value,
                              sw_lite_value *out, sw_error *err)
{
    sw__put_value(field, value, r->row);
    sw_status status = sw__lite_encode(r->session, field, r->row, false, out, err);
    sw_field_clear(field, r->row);
    return status;
}

static sw_lite_value *new_values(run *r, size_t count)
{
    return sw_arena_alloc(&r->arena, count * sizeof(sw_lite_value));
}

static sw_status bind_condition(run *r, int at, const sw_condition *c, sw_error *err)
{
    sw_lite_value *value = new_values(r, 1);
    if (!value) {
        return sw_no_memory(err);
    }
    sw_status status =
        encode_value(r, sw__plan_field(r->plan, c->field), &c->values[0], value, err);
    if (status == SW_STATUS_OK && value->is == SW_LITE_IS_UNKNOWN) {
        r->nothing = true;
    } else if (status == SW_STATUS_OK) {
        sw__lite_bind(r->stmt, at, value);
    }
    return status;
}

/* The place in the form that print_ordered compares with: the text of a word, the key of an id. */
static sw_status bind_place(run *r, int at, uint8_t order, sw_error *err)
{
    sw_field field = *sw__plan_field(r->plan, order);
    sw_lite_value *value = new_values(r, 1);
    if (!value) {
        return sw_no_memory(err);
    }
    if (field.kind == SW_KIND_WORD) {
        field.kind = SW_KIND_TEXT;
    }
    field.ref.record_plus_1 = 0;
    field.flags |= SW_NOT_NULL;
    sw_status status = sw__lite_encode(r->session, &field, r->plan->scan->after, false, value, err);
    if (status == SW_STATUS_OK && value->is == SW_LITE_IS_UNKNOWN) {
        return sw_fail(err, SW_STATUS_INVALID, field.name, "is longer than %d bytes",
                       (int)SW_LIMIT_ID_BYTES);
    }
    /* The last field needs no value where nothing, or anything but null, comes after it. */
    if (status == SW_STATUS_OK && at <= sqlite3_bind_parameter_count(r->stmt)) {
        sw__lite_bind(r->stmt, at, value);
    }
    return status;
}

static const sw_condition *condition_of(const sw_plan *p, int i)
{
    return &p->scan->conditions[i];
}

static sw_status bind_all(run *r, sw_error *err)
{
    const sw_plan *p = r->plan;
    sw_status status = SW_STATUS_OK;
    int at = 1;
    for (size_t i = 0; status == SW_STATUS_OK && i < p->bound; i++) {
        status = bind_condition(r, at++, condition_of(p, p->equal[p->fields[i]]), err);
    }
    if (status == SW_STATUS_OK && p->lower >= 0) {
        status = bind_condition(r, at++, condition_of(p, p->lower), err);
    }
    if (status == SW_STATUS_OK && p->upper >= 0) {
        status = bind_condition(r, at++, condition_of(p, p->upper), err);
    }
    for (size_t i = 0; status == SW_STATUS_OK && i < p->after_count; i++) {
        status = bind_place(r, at++, p->order[i], err);
    }
    if (p->late || p->asking || p->counting) {
        (void)sqlite3_bind_int64(r->stmt, at, r->chunk);
    }
    return status;
}

/* ---- testing ------------------------------------------------------------------------------------ */

static int column_at(const sw_plan *p, uint8_t field)
{
    return __builtin_popcountll(p->need & (SW_MASK(field) - 1));
}

/* Whether the condition can be tested on the column as it lies. */
static bool tests_column(const sw_field *field, sw_op op)
{
    switch (op) {
    case SW_OP_EQ:
    case SW_OP_IN:
    case SW_OP_NE:
        return !(field->flags & (SW_SHARED | SW_PACKED));
    case SW_OP_LT:
    case SW_OP_LE:
    case SW_OP_GT:
    case SW_OP_GE:
        return sw__lite_form(field) == SW_LITE_NUMBER;
    case SW_OP_NULL:
    case SW_OP_NOT_NULL:
    case SW_OP_TAG_ANY:
    case SW_OP_TAG_ALL:
    case SW_OP_CONTAINS:
        return false;
    }
    SW_IMPOSSIBLE("an unknown operator");
}

/* Values that no row can hold are left out: nothing equals them. */
static sw_status encode_values(run *r, test *t, sw_error *err)
{
    size_t count = t->condition->count ? t->condition->count : 1;
    t->values = new_values(r, count);
    if (!t->values) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < t->condition->count; i++) {
        sw_lite_value *value = &t->values[t->count];
        sw_status status = encode_value(r, t->field, &t->condition->values[i], value, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        t->count += value->is != SW_LITE_IS_UNKNOWN && value->is != SW_LITE_IS_NULL;
    }
    return SW_STATUS_OK;
}

static sw_status make_tests(run *r, sw_error *err)
{
    const sw_plan *p = r->plan;
    for (size_t i = 0; i < p->scan->condition_count; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (sw__plan_pushed(p, i)) {
            continue;
        }
        sw_assert(r->test_count < MAX_TESTS);
        test *t = &r->tests[r->test_count++];
        *t = (test){
            .condition = c, .field = sw__plan_field(p, c->field), .column = column_at(p, c->field)};
        if (tests_column(t->field, c->op)) {
            sw_status status = encode_values(r, t, err);
            if (status != SW_STATUS_OK) {
                return status;
            }
        }
    }
    return SW_STATUS_OK;
}

static bool column_equals(sqlite3_stmt *stmt, int at, int type, const sw_lite_value *value)
{
    if (type == SQLITE_INTEGER) {
        return value->is == SW_LITE_IS_INT && sqlite3_column_int64(stmt, at) == value->number;
    }
    if ((type == SQLITE_TEXT) != (value->is == SW_LITE_IS_TEXT) || value->is == SW_LITE_IS_INT) {
        return false;
    }
    const void *bytes = sqlite3_column_blob(stmt, at);
    return (size_t)sqlite3_column_bytes(stmt, at) == value->len &&
           (value->len == 0 || memcmp(bytes, value->ptr, value->len) == 0);
}

static bool equals_any(sqlite3_stmt *stmt, int type, const test *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (column_equals(stmt, t->column, type, &t->values[i])) {
            return true;
        }
    }
    return false;
}

static bool column_is_null(sqlite3_stmt *stmt, int type, const test *t)
{
    if (type == SQLITE_NULL || !sw__null_part(t->field)) {
        return type == SQLITE_NULL;
    }
    return type == SQLITE_INTEGER
               ? sqlite3_column_int64(stmt, t->column) == 0
               : type == SQLITE_BLOB && sqlite3_column_bytes(stmt, t->column) == 0;
}

static bool column_holds(sqlite3_stmt *stmt, const test *t)
{
    int type = sqlite3_column_type(stmt, t->column);
    if (column_is_null(stmt, type, t)) {
        return t->condition->op == SW_OP_NE;
    }
    if (t->condition->op == SW_OP_EQ || t->condition->op == SW_OP_IN) {
        return equals_any(stmt, type, t);
    }
    if (t->condition->op == SW_OP_NE) {
        return !equals_any(stmt, type, t);
    }
    int64_t number = sqlite3_column_int64(stmt, t->column), limit = t->condition->values[0].number;
    return t->condition->op == SW_OP_LT   ? number < limit
           : t->condition->op == SW_OP_LE ? number <= limit
           : t->condition->op == SW_OP_GT ? number > limit
                                          : number >= limit;
}

static sw_status test_row(run *r, bool *holds, sw_error *err)
{
    *holds = true;
    for (size_t i = 0; *holds && i < r->test_count; i++) {
        const test *t = &r->tests[i];
        if (t->values) {
            *holds = column_holds(r->stmt, t);
            continue;
        }
        sw_status status = sw__lite_read(r->session, r->plan->table, SW_MASK(t->condition->field),
                                         r->stmt, t->column, true, &r->arena, r->row, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        *holds = sw_condition_holds(r->plan->table->model, t->condition, r->row);
    }
    return SW_STATUS_OK;
}

/* ---- walking ------------------------------------------------------------------------------------ */

/* The order fields of the row at hand: where somebody can go on. */
static sw_status keep_place(run *r, sw_arena *arena, void *place, sw_error *err)
{
    const sw_plan *p = r->plan;
    for (size_t i = 0; place && i < p->full_count; i++) {
        sw_status status = sw__lite_read(r->session, p->table, SW_MASK(p->full[i]), r->stmt,
                                         column_at(p, p->full[i]), false, arena, place, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

static sw_status see_row(run *r, sw_visit *visit, void *arg, sw_scan_end *end, bool *stop,
                         sw_error *err)
{
    const sw_scan *scan = r->plan->scan;
    bool holds = false;
    sw_seen seen = SW_SEEN_SKIP;
    end->looked++;
    sw_status status = test_row(r, &holds, err);
    if (status == SW_STATUS_OK && holds) {
        status = sw__lite_read(r->session, r->plan->table, r->plan->need, r->stmt, 0, true,
                               &r->arena, r->row, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (holds) {
        seen = visit(arg, r->row);
        end->counted += seen == SW_SEEN_COUNT;
    }
    *stop = seen == SW_SEEN_STOP || (scan->limit && end->counted == scan->limit) ||
            (scan->look_limit && end->looked == scan->look_limit);
    return *stop ? keep_place(r, scan->place_arena, scan->place, err) : SW_STATUS_OK;
}

/* The last row of a full chunk is where the next one begins. */
static sw_status end_chunk(run *r, sw_error *err)
{
    r->place = sw_arena_zeroed(&r->places, r->plan->table->model->size);
    return r->place ? keep_place(r, &r->places, r->place, err) : sw_no_memory(err);
}

static sw_status walk(run *r, sw_visit *visit, void *arg, sw_scan_end *end, sw_error *err)
{
    sw_mark mark = sw_arena_mark(&r->arena);
    int64_t left = r->plan->late ? r->chunk : 0;
    for (bool stop = false; !stop;) {
        int rc = sqlite3_step(r->stmt);
        if (rc == SQLITE_DONE) {
            end->exhausted = !r->place;
            return SW_STATUS_OK;
        }
        if (rc != SQLITE_ROW) {
            return sw__lite_fail(r->session->db, rc, "scan", err);
        }
        sw_status status = see_row(r, visit, arg, end, &stop, err);
        if (status == SW_STATUS_OK && !stop && --left == 0) {
            status = end_chunk(r, err);
        }
        if (status != SW_STATUS_OK) {
            return status;
        }
        sw_arena_rewind(&r->arena, mark);
    }
    return SW_STATUS_OK;
}

static sw_status take(run *r, sw_lite_slot **slot, sw_error *err)
{
    const sw_lite_shape shape = sw__lite_walk_shape(r->plan);
    sw_status status = sw__lite_take(r->session, &shape, sw__lite_walk_print, r->plan, slot, err);
    if (status == SW_STATUS_OK) {
        r->stmt = (*slot)->stmt;
        status = bind_all(r, err);
        if (status != SW_STATUS_OK) {
            sw__lite_give(*slot);
        }
    }
    return status;
}

static sw_status run_scan(run *r, sw_visit *visit, void *arg, sw_scan_end *end, sw_error *err)
{
    sw_lite_slot *slot = NULL;
    sw_status status = take(r, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    r->test_count = 0;
    status = r->nothing ? SW_STATUS_OK : make_tests(r, err);
    if (r->nothing) {
        end->exhausted = true;
    } else if (status == SW_STATUS_OK) {
        status = walk(r, visit, arg, end, err);
    }
    sw__lite_give(slot);
    return status;
}

/* Whether any two of the next rows are at the same place but for their ids. SQLite says it from the index. */
static sw_status look_for_ties(run *r, bool *tied, sw_error *err)
{
    const sw_plan *walk_plan = r->plan;
    const sw_plan ask = sw__plan_ask(walk_plan);
    int64_t chunk = r->chunk;
    sw_mark mark = sw_arena_mark(&r->arena);
    sw_lite_slot *slot = NULL;
    r->plan = &ask;
    r->chunk = chunk + 1; /* the first row of the next chunk may tie with the last one of this */
    sw_status status = take(r, &slot, err);
    r->plan = walk_plan;
    r->chunk = chunk;
    if (status != SW_STATUS_OK) {
        return status;
    }
    int rc = r->nothing ? SQLITE_DONE : sqlite3_step(r->stmt);
    int64_t last = 0;
    for (bool first = true; rc == SQLITE_ROW && !*tied; first = false) {
        int64_t at = sqlite3_column_int64(r->stmt, 0);
        *tied = (!first && at == last) || sqlite3_column_type(r->stmt, 0) != SQLITE_INTEGER;
        last = at;
        rc = *tied ? SQLITE_DONE : sqlite3_step(r->stmt);
    }
    if (rc != SQLITE_DONE) {
        status = sw__lite_fail(r->session->db, rc, "scan", err);
    }
    sw__lite_give(slot);
    sw_arena_rewind(&r->arena, mark);
    return status;
}

/* Rows that do not tie need no sorting by their ids. */
static sw_status spare_sorting(run *r, sw_plan *p, sw_error *err)
{
    bool tied = false;
    p->untied = false;
    if (!p->ties || sw__lite_form(sw__plan_field(p, p->order[0])) != SW_LITE_NUMBER) {
        return SW_STATUS_OK;
    }
    sw_status status = look_for_ties(r, &tied, err);
    p->untied = status == SW_STATUS_OK && !tied;
    return status;
}

/* Chunk after chunk by the plan `p`, which is changed to begin each where the last one ended. */
static sw_status next_chunks(run *r, sw_plan *p, const sw_scan *asked, sw_visit *visit, void *arg,
                             sw_scan_end *end, sw_error *err)
{
    sw_scan scan = *asked;
    sw_mark mark = sw_arena_mark(&r->arena);
    for (;;) {
        r->place = NULL;
        sw_status status = spare_sorting(r, p, err);
        if (status == SW_STATUS_OK) {
            status = run_scan(r, visit, arg, end, err);
        }
        if (status != SW_STATUS_OK || !r->place) {
            return status;
        }
        sw_arena_rewind(&r->arena, mark);
        r->chunk = r->chunk < CHUNK_MOST ? r->chunk * 2 : r->chunk;
        scan.after = r->place;
        sw__plan_after(p, &scan);
    }
}

/* Chunks grow, because each may have to look at all the rows that tie with its first. */
static sw_status run_chunks(run *r, const sw_scan *asked, sw_visit *visit, void *arg,
                            sw_scan_end *end, sw_error *err)
{
    const sw_plan *whole = r->plan;
    sw_plan p = *whole;
    r->plan = &p;
    r->chunk = asked->limit ? asked->limit : CHUNK_FIRST;
    r->chunk = r->chunk < CHUNK_MOST ? r->chunk : CHUNK_MOST;
    sw_status status = next_chunks(r, &p, asked, visit, arg, end, err);
    r->plan = whole;
    return status;
}

/* Whether more rows than `limit` would have to be put in order. */
static sw_status too_many(run *r, int64_t limit, bool *many, sw_error *err)
{
    const sw_plan *asked = r->plan;
    const sw_plan count = sw__plan_count(asked);
    sw_lite_slot *slot = NULL;
    sw_mark mark = sw_arena_mark(&r->arena);
    r->plan = &count;
    r->chunk = limit + 1;
    sw_status status = take(r, &slot, err);
    r->plan = asked;
    if (status != SW_STATUS_OK) {
        return status;
    }
    int rc = r->nothing ? SQLITE_DONE : sqlite3_step(r->stmt);
    *many = rc == SQLITE_ROW && sqlite3_column_int64(r->stmt, 0) > limit;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = sw__lite_fail(r->session->db, rc, "scan", err);
    }
    sw__lite_give(slot);
    sw_arena_rewind(&r->arena, mark);
    return status;
}

/* Decides; when the sort that the best path needs would be too long, decides again. */
static sw_status decide(run *r, const sw_scan *scan, sw_plan *p, sw_scan_end *end, sw_error *err)
{
    const sw_table *table = sw__lite_table(r->session, scan->record);
    bool many = false;
    sw_status status = SW_STATUS_OK;
    sw__plan(p, table, scan, false, r->row);
    if (p->sorted && scan->sort_limit && !p->nothing) {
        status = too_many(r, scan->sort_limit, &many, err);
    }
    if (many) {
        sw__plan(p, table, scan, true, r->row);
        end->unsorted = p->sorted;
    }
    return status;
}

sw_status sw__lite_scan(sw_session *head, const sw_scan *scan, sw_visit *visit, void *arg,
                        sw_scan_end *end, sw_error *err)
{
    sw_lite_session *session = (sw_lite_session *)(void *)head;
    sw_plan p;
    run r = {.session = session, .plan = &p};
    sw_arena_init(&r.arena, &session->store->allocator, 0);
    sw_arena_init(&r.places, &session->store->allocator, 0);
    r.row = sw_arena_zeroed(&r.arena, sw__lite_table(session, scan->record)->model->size);
    sw_status status = r.row ? decide(&r, scan, &p, end, err) : sw_no_memory(err);
    if (status == SW_STATUS_OK && !end->unsorted) {
        end->exhausted = p.nothing;
        if (!p.nothing) {
            status = p.late ? run_chunks(&r, scan, visit, arg, end, err)
                            : run_scan(&r, visit, arg, end, err);
        }
    }
    sw_arena_fini(&r.places);
    sw_arena_fini(&r.arena);
    return status;
}
