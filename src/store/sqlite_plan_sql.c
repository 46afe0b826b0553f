/* SPDX-License-Identifier: Apache-2.0 */
/* Scans, said in SQL: the statement for a plan, and its shape, by which it is found again.
 *
 * An index that gives all of the order but the id needs no sorting as long as no two rows tie. Whether they do
 * says the index alone, which is asked first; sorting each row by itself would be a third of a page's cost.
 * Where rows are sorted, only their numbers are: so many at a time as are wanted (SQLite keeps no more
 * than that while it sorts), and the rows themselves are read in the order that comes out.
 */
#include "store/sqlite_impl.h"

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
static void print_ordered(const sw_plan *p, uint8_t at, sw_buf *sql)
{
    const sw_field *field = sw__plan_field(p, at);
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
        if (sw__null_part(field)) {
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

static void print_from(const sw_plan *p, sw_buf *sql)
{
    const sw_record *record = p->table->model;
    if (p->walks_parent) {
        const char *parent = parent_of(sw__plan_field(p, p->order[0]))->table;
        sw_buf_addf(sql,
                    " FROM %s_data AS p INDEXED BY %s_id CROSS JOIN %s_data AS t ON t.pk = p.pk",
                    parent, parent, record->table);
    } else if (p->path < record->index_count) {
        sw_buf_addf(sql, " FROM %s_data AS t INDEXED BY %s", record->table,
                    record->indexes[p->path].name);
    } else if (p->path == SW_PATH_KEY && p->table->shape == SW_SHAPE_OWN_ID) {
        sw_buf_addf(sql, " FROM %s_data AS t INDEXED BY %s_id", record->table, record->table);
    } else {
        sw_buf_addf(sql, " FROM %s_data AS t NOT INDEXED", record->table);
    }
}

static void print_column(const sw_field *field, sw_buf *sql)
{
    sw_buf_addf(sql, "t.%s", sw__lite_column(field));
}

/* The place is bound in the form that print_ordered compares with. */
static void print_place(const sw_plan *p, uint8_t at, int number, sw_buf *sql)
{
    (void)p;
    (void)at;
    sw_buf_addf(sql, "?%d", number);
}

static void print_ranges(const sw_plan *p, uint8_t at, const char *op, int number, sw_buf *sql)
{
    sw_buf_addf(sql, "t.%s %s ?%d", sw__lite_column(sw__plan_field(p, at)), op, number);
}

static void print_equals(const sw_plan *p, uint8_t at, int number, sw_buf *sql)
{
    print_ranges(p, at, "=", number, sql);
}

static void print_only(const sw_field *field, uint8_t value, sw_buf *sql)
{
    print_column(field, sql);
    sw_buf_addf(sql, " = %d", (int)value);
}

/* A bare 0 would be folded, with all that is asked for, and then SQLite finds no use for the index it is told to
 * take ("no query solution"). */
static const sw_dialect dialect = {.column = print_column,
                                   .ordered = print_ordered,
                                   .place = print_place,
                                   .equals = print_equals,
                                   .ranges = print_ranges,
                                   .only = print_only,
                                   .same = "IS",
                                   .never = "(SELECT 0)"};

static void print_fields(const sw_plan *p, sw_buf *sql)
{
    const char *comma = "SELECT ";
    for (size_t i = 0; i < p->table->model->field_count; i++) {
        if (p->need & SW_MASK(i)) {
            sw_buf_addf(sql, "%s%s.%s", comma, p->table->shared & SW_MASK(i) ? "b" : "t",
                        sw__lite_column(sw__plan_field(p, i)));
            comma = ", ";
        }
    }
    sw_buf_adds(sql, p->need ? "" : "SELECT 1");
}

static void print_order(const sw_plan *p, sw_buf *sql)
{
    size_t count = p->order_count - (p->untied || p->asking ? 1u : 0u);
    for (size_t i = 0; i < count; i++) {
        sw_buf_adds(sql, i ? ", " : " ORDER BY ");
        print_ordered(p, p->order[i], sql);
        sw_buf_adds(sql, p->scan->descending ? " DESC" : "");
    }
}

/* The walk itself: from where, between which bounds, in which order. */
static void print_walk(const sw_plan *p, bool join, sw_buf *sql)
{
    print_from(p, sql);
    if (join && p->need & p->table->shared) {
        sw__lite_join_body(sql);
    }
    sw__plan_print_where(p, &dialect, sql);
    print_order(p, sql);
}

/* The parameter that says how many rows there may be: the last one. */
static int limit_parameter(const sw_plan *p)
{
    return sw__plan_parameters(p) + 1;
}

/* CROSS JOIN keeps the outer loop the outer one, and LIMIT keeps the inner order. */
static void print_late(const sw_plan *p, sw_buf *sql)
{
    sw_buf_adds(sql, " FROM (SELECT t.pk AS pk");
    print_walk(p, false, sql);
    sw_buf_addf(sql, " LIMIT ?%d) AS k CROSS JOIN %s_data AS t ON t.pk = k.pk", limit_parameter(p),
                p->table->model->table);
    if (p->need & p->table->shared) {
        sw__lite_join_body(sql);
    }
}

void sw__lite_walk_print(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_plan *p = arg;
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
sw_lite_shape sw__lite_walk_shape(const sw_plan *p)
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
    shape.range = sw__plan_range(p);
    memset(shape.order, 0xff, sizeof shape.order);
    memcpy(shape.order, p->order, p->order_count);
    shape.after_nulls = sw__plan_after_nulls(p);
    return shape;
}
