/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a scan's statement that all databases are told alike: between which bounds, and after which
 * place. How each spells it is its dialect's (plan.h). Knows nothing of a store.
 */
#include "store/plan.h"

/* Whether the rows that come can have a null there. */
static bool may_be_null(const sw_plan *p, uint8_t at)
{
    if (sw__plan_field(p, at)->flags & SW_NOT_NULL) {
        return false;
    }
    for (size_t i = 0; i < p->scan->condition_count; i++) {
        const sw_condition *c = &p->scan->conditions[i];
        if (c->field == at && sw__excludes_null(c) && sw__plan_pushed(p, i)) {
            return false;
        }
    }
    return !(p->path < p->table->model->index_count &&
             p->table->model->indexes[p->path].present == at && at != 0);
}

static bool after_null(const sw_plan *p, size_t i)
{
    return sw_field_is_null(sw__plan_field(p, p->order[i]), p->scan->after);
}

/* One comparison for the whole place: a database seeks by it. */
static void print_after_simple(const sw_plan *p, const sw_dialect *d, int parameter, sw_buf *sql)
{
    const char *op = p->scan->descending ? "<" : ">";
    sw_buf_addc(sql, '(');
    for (size_t i = 0; i < p->after_count; i++) {
        sw_buf_adds(sql, i ? ", " : "");
        d->ordered(p, p->order[i], sql);
    }
    sw_buf_addf(sql, ") %s%s (", op, p->after_same ? "=" : "");
    for (size_t i = 0; i < p->after_count; i++) {
        sw_buf_adds(sql, i ? ", " : "");
        d->place(p, p->order[i], parameter + (int)i, sql);
    }
    sw_buf_addc(sql, ')');
}

/* Field i is strictly after the place's, nulls being before all values. */
static void print_beyond(const sw_plan *p, const sw_dialect *d, size_t i, int parameter,
                         sw_buf *sql)
{
    if (after_null(p, i) && p->scan->descending) {
        sw_buf_adds(sql, d->never);
        return;
    }
    if (after_null(p, i)) {
        d->ordered(p, p->order[i], sql);
        sw_buf_adds(sql, " IS NOT NULL");
        return;
    }
    sw_buf_addc(sql, '(');
    d->ordered(p, p->order[i], sql);
    sw_buf_adds(sql, p->scan->descending ? " < " : " > ");
    d->place(p, p->order[i], parameter + (int)i, sql);
    if (p->scan->descending) {
        sw_buf_adds(sql, " OR ");
        d->ordered(p, p->order[i], sql);
        sw_buf_adds(sql, " IS NULL");
    }
    sw_buf_addc(sql, ')');
}

static void print_same(const sw_plan *p, const sw_dialect *d, size_t i, int parameter, sw_buf *sql)
{
    d->ordered(p, p->order[i], sql);
    sw_buf_addf(sql, " %s ", d->same);
    d->place(p, p->order[i], parameter + (int)i, sql);
}

/* The same spelled out, where nulls take part. */
static void print_after_spelled(const sw_plan *p, const sw_dialect *d, int parameter, sw_buf *sql)
{
    size_t last = p->after_count + (p->after_same ? 1u : 0u);
    sw_buf_addc(sql, '(');
    for (size_t i = 0; i < last; i++) {
        sw_buf_adds(sql, i ? " OR (" : "(");
        for (size_t k = 0; k < i; k++) {
            print_same(p, d, k, parameter, sql);
            sw_buf_adds(sql, k + 1 < last ? " AND " : "");
        }
        if (i < p->after_count) {
            print_beyond(p, d, i, parameter, sql);
        } else {
            sw_buf_adds(sql, "1 = 1");
        }
        sw_buf_addc(sql, ')');
    }
    sw_buf_addc(sql, ')');
}

static void print_after(const sw_plan *p, const sw_dialect *d, int parameter, sw_buf *sql)
{
    bool nulls = false;
    for (size_t i = 0; i < p->after_count; i++) {
        nulls = nulls || may_be_null(p, p->order[i]) || after_null(p, i);
    }
    if (!nulls) {
        print_after_simple(p, d, parameter, sql);
    } else {
        print_after_spelled(p, d, parameter, sql);
    }
}

/* What every row of an index says, and so must be said to have its rows from it. */
static const char *print_partial(const sw_plan *p, const sw_dialect *d, const char *and,
                                 sw_buf *sql)
{
    const sw_record *record = p->table->model;
    const sw_index *index = p->path < record->index_count ? &record->indexes[p->path] : NULL;
    if (!index || (!index->present && !index->only)) {
        return and;
    }
    sw_buf_adds(sql, and);
    if (index->present) {
        d->column(&record->fields[index->present], sql);
        sw_buf_adds(sql, " IS NOT NULL");
    } else {
        d->only(&record->fields[index->only], index->only_value, sql);
    }
    return " AND ";
}

static const char *op_text(sw_op op)
{
    return op == SW_OP_GT ? ">" : op == SW_OP_GE ? ">=" : op == SW_OP_LT ? "<" : "<=";
}

void sw__plan_print_where(const sw_plan *p, const sw_dialect *d, sw_buf *sql)
{
    const char *and = " WHERE ";
    int parameter = 1;
    for (size_t i = 0; i < p->bound; i++, and = " AND ") {
        sw_buf_adds(sql, and);
        d->equals(p, p->fields[i], parameter++, sql);
    }
    and = print_partial(p, d, and, sql);
    for (int i = 0; i < 2; i++) {
        int at = i ? p->upper : p->lower;
        if (at >= 0) {
            const sw_condition *c = sw__plan_condition(p, at);
            sw_buf_adds(sql, and);
            d->ranges(p, c->field, op_text(c->op), parameter++, sql);
            and = " AND ";
        }
    }
    if (p->after_count) {
        sw_buf_adds(sql, and);
        print_after(p, d, parameter, sql);
    }
}

int sw__plan_parameters(const sw_plan *p)
{
    return p->bound + (p->lower >= 0) + (p->upper >= 0) + p->after_count;
}

uint8_t sw__plan_after_nulls(const sw_plan *p)
{
    uint8_t nulls = 0;
    for (size_t i = 0; i < p->after_count; i++) {
        nulls |= (uint8_t)(after_null(p, i) ? 1u << i : 0);
    }
    return nulls;
}

uint8_t sw__plan_range(const sw_plan *p)
{
    int lower = p->lower >= 0 ? 1 + (int)sw__plan_condition(p, p->lower)->op : 0;
    int upper = p->upper >= 0 ? 1 + (int)sw__plan_condition(p, p->upper)->op : 0;
    return (uint8_t)(lower << 4 | upper);
}
