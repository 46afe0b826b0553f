/* SPDX-License-Identifier: Apache-2.0 */
/* Scans, decided: which index to walk and what SQLite is asked. Knows nothing of running them.
 *
 * SQLite is asked for a walk along one index, in order, between bounds, and nothing more: the rows that
 * come are the rows looked at, so a bound on looking means what it says.
 *
 * The choice, best first: a unique index bound in all its fields by EQ; one whose leading fields are
 * bound and whose next fields are the order; one bound in all its fields; any with bound leading fields,
 * and the rows are sorted. More bound fields win, then a condition of the index itself. An order that
 * lacks only the id at its end counts as the order: SQLite sorts the rows that tie, a tie at a time.
 *
 * Where rows are sorted, only their numbers are: so many at a time as are wanted (SQLite keeps no more
 * than that while it sorts), and the rows themselves are read in the order that comes out.
 */
#include "store/sqlite_plan.h"

enum { FLAG_DESCENDING = 1, FLAG_AFTER_SAME = 2, FLAG_LATE = 4, FLAG_COUNTING = 8 };

/* ---- choosing ----------------------------------------------------------------------------------- */

static const sw_condition *condition_of(const sw_lite_plan *p, int i)
{
    return &p->scan->conditions[i];
}

static bool says_equal(const sw_condition *c)
{
    return c->op == SW_OP_EQ || (c->op == SW_OP_IN && c->count == 1);
}

static void find_equals(sw_lite_plan *p)
{
    memset(p->equal, -1, sizeof p->equal);
    for (size_t i = 0; i < p->scan->condition_count && i < INT8_MAX; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        bool shared = (p->table->shared & SW_MASK(c->field)) != 0;
        if (says_equal(c) && !shared && p->equal[c->field] < 0) {
            p->equal[c->field] = (int8_t)i;
        }
    }
}

static void find_order(sw_lite_plan *p)
{
    if (p->scan->unordered) {
        return;
    }
    const uint8_t *asked = p->scan->order_count ? p->scan->order : p->table->keys;
    p->full_count = p->scan->order_count ? p->scan->order_count : p->table->key_count;
    for (size_t i = 0; i < p->full_count; i++) {
        p->full[i] = asked[i];
        if (p->equal[asked[i]] < 0) {
            p->order[p->order_count++] = asked[i];
        }
    }
}

/* Whether a condition shuts out the rows in which its field is null. */
static bool excludes_null(const sw_condition *c)
{
    return c->op != SW_OP_NE && c->op != SW_OP_NULL;
}

/* Whether every row that can match is in a partial index. */
static bool covers(const sw_lite_plan *p, const sw_index *index)
{
    if (index->only) {
        int i = p->equal[index->only];
        return i >= 0 && condition_of(p, i)->values[0].number == index->only_value;
    }
    if (!index->present) {
        return true;
    }
    for (size_t i = 0; i < p->scan->condition_count; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (c->field == index->present && excludes_null(c)) {
            return true;
        }
    }
    return false;
}

/* An index may end before the id that makes its order total. SQLite then sorts each set of rows that
 * tie, and those are few: the walk is still a walk. */
static bool only_ties(const sw_lite_plan *p, size_t ordered)
{
    return ordered > 0 && ordered + 1 == p->order_count && p->table->shape == SW_SHAPE_OWN_ID &&
           p->order[ordered] == p->table->primary;
}

/* How far a path serves: the higher, the better. Sets bound, sorted and ties. */
static int weigh(sw_lite_plan *p, const uint8_t *fields, size_t count, bool unique)
{
    size_t bound = 0, ordered = 0;
    int narrow = 0;
    for (; bound < count && p->equal[fields[bound]] >= 0; bound++) {
        narrow += p->table->border & SW_MASK(fields[bound]) ? 60 : 100;
    }
    while (bound + ordered < count && ordered < p->order_count &&
           fields[bound + ordered] == p->order[ordered] &&
           sw__lite_ordered(sw__lite_plan_field(p, p->order[ordered]))) {
        ordered++;
    }
    p->bound = (uint8_t)bound;
    p->ties = only_ties(p, ordered);
    p->sorted = ordered < p->order_count && !p->ties;
    bool whole = bound == count;
    int rank = whole && unique ? 3 : whole && narrow >= 100 ? 2 : !p->sorted ? 1 : 0;
    return rank * 1000 + narrow + (int)ordered * 10;
}

static void use_path(sw_lite_plan *p, uint8_t path, const uint8_t *fields, size_t count,
                     bool unique)
{
    p->path = path;
    p->field_count = (uint8_t)count;
    memcpy(p->fields, fields, count);
    (void)weigh(p, fields, count, unique);
}

static void choose_path(sw_lite_plan *p, bool in_order)
{
    const sw_record *record = p->table->model;
    int best = weigh(p, p->table->keys, p->table->key_count, true);
    use_path(p, SW_LITE_PATH_KEY, p->table->keys, p->table->key_count, true);
    if (best == 0 || (p->scan->unordered && !p->bound)) {
        use_path(p, SW_LITE_PATH_NONE, p->table->keys, 0, false);
    }
    for (size_t i = 0; i < record->index_count; i++) {
        const sw_index *index = &record->indexes[i];
        if (!covers(p, index)) {
            continue;
        }
        sw_lite_plan trial = *p;
        int score = weigh(&trial, index->fields, index->count, index->unique);
        score += score && (index->only || index->present) ? 105 : 0; /* as good as a bound field */
        bool better = in_order && p->sorted != trial.sorted ? p->sorted : score > best;
        if (better) {
            best = score;
            use_path(p, (uint8_t)i, index->fields, index->count, index->unique);
        }
    }
}

/* The conditions that bound the walk from below and above, where the column's order is the field's. */
static void find_range(sw_lite_plan *p)
{
    p->lower = p->upper = -1;
    if (p->bound >= p->field_count) {
        return;
    }
    uint8_t next = p->fields[p->bound];
    if (sw__lite_form(sw__lite_plan_field(p, next)) != SW_LITE_NUMBER) {
        return;
    }
    for (size_t i = 0; i < p->scan->condition_count && i < INT8_MAX; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (c->field == next && p->lower < 0 && (c->op == SW_OP_GT || c->op == SW_OP_GE)) {
            p->lower = (int)i;
        } else if (c->field == next && p->upper < 0 && (c->op == SW_OP_LT || c->op == SW_OP_LE)) {
            p->upper = (int)i;
        }
    }
}

/* Where the place to begin after lies for the fields that EQ has fixed: most often it has the same
 * values, and they say nothing. Otherwise everything from that field on is wholly after or before. */
static void find_after(sw_lite_plan *p, void *scratch)
{
    if (!p->scan->after) {
        return;
    }
    for (size_t i = 0; i < p->full_count; i++) {
        const sw_field *field = sw__lite_plan_field(p, p->full[i]);
        int equal = p->equal[p->full[i]];
        if (equal < 0) {
            p->after_count++;
            continue;
        }
        sw__lite_put_value(field, &condition_of(p, equal)->values[0], scratch);
        int c = sw_field_cmp(field, scratch, p->scan->after);
        sw_field_clear(field, scratch);
        if (c != 0) {
            p->after_same = p->scan->descending ? c < 0 : c > 0;
            break;
        }
    }
    p->nothing = p->after_count == 0 && !p->after_same;
}

void sw__lite_plan_after(sw_lite_plan *p, const sw_scan *scan, void *scratch)
{
    p->scan = scan;
    p->after_count = 0;
    p->after_same = p->nothing = false;
    find_after(p, scratch);
}

bool sw__lite_pushed(const sw_lite_plan *p, size_t i)
{
    const sw_condition *c = condition_of(p, (int)i);
    if ((int)i == p->lower || (int)i == p->upper) {
        return true;
    }
    if (!says_equal(c) || p->equal[c->field] != (int8_t)i) {
        return false;
    }
    for (size_t k = 0; k < p->bound; k++) {
        if (p->fields[k] == c->field) {
            return true;
        }
    }
    return p->path < p->table->model->index_count &&
           p->table->model->indexes[p->path].only == c->field && c->field != 0;
}

/* Walking a shared id in the order of ids means walking the parent's. */
static bool walks_parent(const sw_lite_plan *p)
{
    return p->table->shape == SW_SHAPE_SHARED_ID && p->path == SW_LITE_PATH_NONE &&
           p->order_count == 1 && p->order[0] == p->table->primary;
}

sw_lite_plan sw__lite_plan_count(const sw_lite_plan *p)
{
    sw_lite_plan count = *p;
    count.need = 0;
    count.order_count = count.after_count = 0;
    count.after_same = count.late = false;
    count.counting = true;
    return count;
}

void sw__lite_plan(sw_lite_plan *p, const sw_lite_table *table, const sw_scan *scan, bool in_order,
                   void *scratch)
{
    *p = (sw_lite_plan){.table = table, .scan = scan};
    find_equals(p);
    find_order(p);
    choose_path(p, in_order);
    p->sorted = p->sorted && !walks_parent(p);
    p->late = (p->sorted || p->ties) && table->shape != SW_SHAPE_KEY_PARTS;
    find_range(p);
    find_after(p, scratch);
    uint64_t every = table->all | table->shared;
    p->need = scan->fields ? scan->fields & every : every;
    for (size_t i = 0; i < scan->condition_count; i++) {
        p->need |= sw__lite_pushed(p, i) ? 0 : SW_MASK(scan->conditions[i].field);
    }
    for (size_t i = 0; (scan->place || p->late) && i < p->full_count; i++) {
        p->need |= SW_MASK(p->full[i]);
    }
}

/* ---- asking ------------------------------------------------------------------------------------- */

static const sw_record *parent_of(const sw_field *field)
{
    return &sw__records[field->ref.record_plus_1 - 1];
}

/* What a field is ordered and compared by: the column where that is the field's own order. */
static void print_ordered(const sw_lite_plan *p, uint8_t at, sw_buf *sql)
{
    const sw_field *field = sw__lite_plan_field(p, at);
    const char *column = sw__lite_column(field);
    switch (sw__lite_form(field)) {
    case SW_LITE_WORD:
        sw_buf_addf(sql, "(SELECT word FROM words WHERE id = t.%s)", column);
        return;
    case SW_LITE_REF:
        if (walks_parent(p)) {
            sw_buf_adds(sql, "p.id");
        } else {
            sw_buf_addf(sql, "(SELECT id FROM %s_data WHERE pk = t.%s)", parent_of(field)->table,
                        column);
        }
        return;
    case SW_LITE_ID:
        if (sw__lite_null_part(field)) {
            sw_buf_addf(sql, "nullif(t.%s, x'')", column);
            return;
        }
        break;
    case SW_LITE_NUMBER:
    case SW_LITE_TEXT:
    case SW_LITE_BYTES:
    case SW_LITE_HEX:
        break;
    }
    sw_buf_addf(sql, "t.%s", column);
}

static void print_from(const sw_lite_plan *p, sw_buf *sql)
{
    const sw_record *record = p->table->model;
    if (walks_parent(p)) {
        const char *parent = parent_of(sw__lite_plan_field(p, p->order[0]))->table;
        sw_buf_addf(sql,
                    " FROM %s_data AS p INDEXED BY %s_id CROSS JOIN %s_data AS t ON t.pk = p.pk",
                    parent, parent, record->table);
    } else if (p->path < record->index_count) {
        sw_buf_addf(sql, " FROM %s_data AS t INDEXED BY %s", record->table,
                    record->indexes[p->path].name);
    } else if (p->path == SW_LITE_PATH_KEY && p->table->shape == SW_SHAPE_OWN_ID) {
        sw_buf_addf(sql, " FROM %s_data AS t INDEXED BY %s_id", record->table, record->table);
    } else {
        sw_buf_addf(sql, " FROM %s_data AS t NOT INDEXED", record->table);
    }
}

/* Whether the rows that come can have a null there. */
static bool may_be_null(const sw_lite_plan *p, uint8_t at)
{
    if (sw__lite_plan_field(p, at)->flags & SW_NOT_NULL) {
        return false;
    }
    for (size_t i = 0; i < p->scan->condition_count; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (c->field == at && excludes_null(c) && sw__lite_pushed(p, i)) {
            return false;
        }
    }
    return !(p->path < p->table->model->index_count &&
             p->table->model->indexes[p->path].present == at && at != 0);
}

static bool after_null(const sw_lite_plan *p, size_t i)
{
    return sw_field_is_null(sw__lite_plan_field(p, p->order[i]), p->scan->after);
}

/* One comparison for the whole place: SQLite seeks by it. */
static void print_after_simple(const sw_lite_plan *p, int parameter, sw_buf *sql)
{
    const char *op = p->scan->descending ? "<" : ">";
    sw_buf_addc(sql, '(');
    for (size_t i = 0; i < p->after_count; i++) {
        sw_buf_adds(sql, i ? ", " : "");
        print_ordered(p, p->order[i], sql);
    }
    sw_buf_addf(sql, ") %s%s (", op, p->after_same ? "=" : "");
    for (size_t i = 0; i < p->after_count; i++) {
        sw_buf_addf(sql, "%s?%d", i ? ", " : "", parameter + (int)i);
    }
    sw_buf_addc(sql, ')');
}

/* Field i is strictly after the place's, nulls being before all values. */
static void print_beyond(const sw_lite_plan *p, size_t i, int parameter, sw_buf *sql)
{
    if (after_null(p, i)) {
        if (p->scan->descending) {
            sw_buf_adds(sql, "0");
            return;
        }
        print_ordered(p, p->order[i], sql);
        sw_buf_adds(sql, " IS NOT NULL");
        return;
    }
    sw_buf_addc(sql, '(');
    print_ordered(p, p->order[i], sql);
    sw_buf_addf(sql, " %s ?%d", p->scan->descending ? "<" : ">", parameter + (int)i);
    if (p->scan->descending) {
        sw_buf_adds(sql, " OR ");
        print_ordered(p, p->order[i], sql);
        sw_buf_adds(sql, " IS NULL");
    }
    sw_buf_addc(sql, ')');
}

/* The same spelled out, where nulls take part. */
static void print_after_spelled(const sw_lite_plan *p, int parameter, sw_buf *sql)
{
    size_t last = p->after_count + (p->after_same ? 1u : 0u);
    sw_buf_addc(sql, '(');
    for (size_t i = 0; i < last; i++) {
        sw_buf_adds(sql, i ? " OR (" : "(");
        for (size_t k = 0; k < i; k++) {
            print_ordered(p, p->order[k], sql);
            sw_buf_addf(sql, " IS ?%d%s", parameter + (int)k, k + 1 < last ? " AND " : "");
        }
        if (i < p->after_count) {
            print_beyond(p, i, parameter, sql);
        } else {
            sw_buf_adds(sql, "1");
        }
        sw_buf_addc(sql, ')');
    }
    sw_buf_addc(sql, ')');
}

static void print_after(const sw_lite_plan *p, int parameter, sw_buf *sql)
{
    bool nulls = false;
    for (size_t i = 0; i < p->after_count; i++) {
        nulls = nulls || may_be_null(p, p->order[i]) || after_null(p, i);
    }
    if (!nulls) {
        print_after_simple(p, parameter, sql);
    } else {
        print_after_spelled(p, parameter, sql);
    }
}

static const char *op_text(sw_op op)
{
    return op == SW_OP_GT ? ">" : op == SW_OP_GE ? ">=" : op == SW_OP_LT ? "<" : "<=";
}

/* Parameters: the bound fields, the lower bound, the upper bound, the place. */
static void print_where(const sw_lite_plan *p, sw_buf *sql)
{
    const sw_record *record = p->table->model;
    const char *and = " WHERE ";
    int parameter = 1;
    for (size_t i = 0; i < p->bound; i++, and = " AND ") {
        sw_buf_addf(sql, "%st.%s = ?%d", and, sw__lite_column(sw__lite_plan_field(p, p->fields[i])),
                    parameter++);
    }
    if (p->path < record->index_count) {
        const sw_index *index = &record->indexes[p->path];
        if (index->present) {
            sw_buf_addf(sql, "%st.%s IS NOT NULL", and,
                        sw__lite_column(sw__lite_plan_field(p, index->present)));
            and = " AND ";
        } else if (index->only) {
            sw_buf_addf(sql, "%st.%s = %d", and,
                        sw__lite_column(sw__lite_plan_field(p, index->only)),
                        (int)index->only_value);
            and = " AND ";
        }
    }
    for (int i = 0; i < 2; i++) {
        int at = i ? p->upper : p->lower;
        if (at >= 0) {
            const sw_condition *c = condition_of(p, at);
            sw_buf_addf(sql, "%st.%s %s ?%d", and,
                        sw__lite_column(sw__lite_plan_field(p, c->field)), op_text(c->op),
                        parameter++);
            and = " AND ";
        }
    }
    if (p->after_count) {
        sw_buf_adds(sql, and);
        print_after(p, parameter, sql);
    }
}

static void print_fields(const sw_lite_plan *p, sw_buf *sql)
{
    const char *comma = "SELECT ";
    for (size_t i = 0; i < p->table->model->field_count; i++) {
        if (p->need & SW_MASK(i)) {
            sw_buf_addf(sql, "%s%s.%s", comma, p->table->shared & SW_MASK(i) ? "b" : "t",
                        sw__lite_column(sw__lite_plan_field(p, i)));
            comma = ", ";
        }
    }
    sw_buf_adds(sql, p->need ? "" : "SELECT 1");
}

static void print_order(const sw_lite_plan *p, sw_buf *sql)
{
    for (size_t i = 0; i < p->order_count; i++) {
        sw_buf_adds(sql, i ? ", " : " ORDER BY ");
        print_ordered(p, p->order[i], sql);
        sw_buf_adds(sql, p->scan->descending ? " DESC" : "");
    }
}

/* The walk itself: from where, between which bounds, in which order. */
static void print_walk(const sw_lite_plan *p, bool join, sw_buf *sql)
{
    print_from(p, sql);
    if (join && p->need & p->table->shared) {
        sw__lite_join_body(sql);
    }
    print_where(p, sql);
    print_order(p, sql);
}

/* The parameter that says how many rows there may be: the last one. */
static int limit_parameter(const sw_lite_plan *p)
{
    return p->bound + (p->lower >= 0) + (p->upper >= 0) + p->after_count + 1;
}

/* CROSS JOIN keeps the outer loop the outer one, and LIMIT keeps the inner order. */
static void print_late(const sw_lite_plan *p, sw_buf *sql)
{
    sw_buf_adds(sql, " FROM (SELECT t.pk AS pk");
    print_walk(p, false, sql);
    sw_buf_addf(sql, " LIMIT ?%d) AS k CROSS JOIN %s_data AS t ON t.pk = k.pk", limit_parameter(p),
                p->table->model->table);
    if (p->need & p->table->shared) {
        sw__lite_join_body(sql);
    }
}

void sw__lite_plan_print(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_lite_plan *p = arg;
    (void)session;
    if (p->counting) {
        sw_buf_adds(sql, "SELECT count(*) FROM (SELECT 1");
        print_walk(p, false, sql);
        sw_buf_addf(sql, " LIMIT ?%d)", limit_parameter(p));
        return;
    }
    print_fields(p, sql);
    if (p->late) {
        print_late(p, sql);
    } else {
        print_walk(p, true, sql);
    }
}

/* Everything that the text depends on. */
sw_lite_shape sw__lite_plan_shape(const sw_lite_plan *p)
{
    sw_lite_shape shape = {
        .verb = SW_LITE_SCAN, .record = (uint8_t)p->scan->record, .mask = p->need};
    shape.path = p->path;
    shape.flags = (uint8_t)((p->scan->descending ? FLAG_DESCENDING : 0) |
                            (p->after_same ? FLAG_AFTER_SAME : 0) | (p->late ? FLAG_LATE : 0) |
                            (p->counting ? FLAG_COUNTING : 0));
    shape.bound = p->bound;
    shape.after = p->after_count;
    shape.range = (uint8_t)((p->lower >= 0 ? 1 + (int)condition_of(p, p->lower)->op : 0) << 4 |
                            (p->upper >= 0 ? 1 + (int)condition_of(p, p->upper)->op : 0));
    memset(shape.order, 0xff, sizeof shape.order);
    memcpy(shape.order, p->order, p->order_count);
    for (size_t i = 0; i < p->after_count; i++) {
        shape.after_nulls |= (uint8_t)(after_null(p, i) ? 1u << i : 0);
    }
    return shape;
}
