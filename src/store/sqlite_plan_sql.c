/* SPDX-License-Identifier: Apache-2.0 */
/* Scans, said in SQL: the statement for a plan, and its shape, by which it is found again.
 *
 * An index that gives all of the order but the id needs no sorting as long as no two rows tie. Whether they do
 * says the index alone, which is asked first; sorting each row by itself would be a third of a page's cost.
 * Where rows are sorted, only their numbers are: so many at a time as are wanted (SQLite keeps no more
 * than that while it sorts), and the rows themselves are read in the order that comes out.
 */
#include "store/sqlite_plan.h"

enum {
    FLAG_DESCENDING = 1,
    FLAG_AFTER_SAME = 2,
    FLAG_LATE = 4,
    FLAG_COUNTING = 8,
    FLAG_UNTIED = 16,
    FLAG_ASKING = 32
};

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
        if (p->walks_parent) {
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
    if (p->walks_parent) {
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
        if (c->field == at && sw__lite_excludes_null(c) && sw__lite_pushed(p, i)) {
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

/* Field i is strictly after the place's, nulls being before all values. A bare 0 would be folded, with all that
 * is asked for, and then SQLite finds no use for the index it is told to take ("no query solution"). */
static void print_beyond(const sw_lite_plan *p, size_t i, int parameter, sw_buf *sql)
{
    if (after_null(p, i)) {
        if (p->scan->descending) {
            sw_buf_adds(sql, "(SELECT 0)");
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
            const sw_condition *c = sw__lite_plan_condition(p, at);
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
    size_t count = p->order_count - (p->untied || p->asking ? 1u : 0u);
    for (size_t i = 0; i < count; i++) {
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
    if (p->asking) {
        sw_buf_adds(sql, "SELECT ");
        print_ordered(p, p->order[0], sql);
        print_walk(p, false, sql);
        sw_buf_addf(sql, " LIMIT ?%d", limit_parameter(p));
        return;
    }
    print_fields(p, sql);
    if (p->untied) {
        print_walk(p, true, sql);
        sw_buf_addf(sql, " LIMIT ?%d", limit_parameter(p));
    } else if (p->late) {
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
                            (p->counting ? FLAG_COUNTING : 0) | (p->untied ? FLAG_UNTIED : 0) |
                            (p->asking ? FLAG_ASKING : 0));
    shape.bound = p->bound;
    shape.after = p->after_count;
    shape.range =
        (uint8_t)((p->lower >= 0 ? 1 + (int)sw__lite_plan_condition(p, p->lower)->op : 0) << 4 |
                  (p->upper >= 0 ? 1 + (int)sw__lite_plan_condition(p, p->upper)->op : 0));
    memset(shape.order, 0xff, sizeof shape.order);
    memcpy(shape.order, p->order, p->order_count);
    for (size_t i = 0; i < p->after_count; i++) {
        shape.after_nulls |= (uint8_t)(after_null(p, i) ? 1u << i : 0);
    }
    return shape;
}
