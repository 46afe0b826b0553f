/* SPDX-License-Identifier: Apache-2.0 */
/* What a scan of a store that speaks SQL is going to do, between the file that decides it (plan.c), those that
 * say it in SQL (plan_sql.c, and one of the store's own) and the store's that does it.
 */
#ifndef SW_STORE_PLAN_H
#define SW_STORE_PLAN_H

#include "store/table.h"

enum { SW_PATH_KEY = 0xfe, SW_PATH_NONE = 0xff };

typedef struct sw_plan {
    const sw_table *table;
    const sw_scan *scan;
    int8_t equal[64];             /* the EQ condition of a field, or -1 */
    uint8_t order[SW_KEY_FIELDS]; /* what is left to order by: not bound by EQ */
    uint8_t order_count;
    uint8_t full[SW_KEY_FIELDS]; /* the order as asked for */
    uint8_t full_count;
    uint8_t path; /* an index of the record, PATH_KEY or PATH_NONE */
    uint8_t fields[SW_KEY_FIELDS];
    uint8_t field_count; /* of the path */
    uint8_t bound;       /* leading fields bound by EQ */
    bool sorted;         /* the path does not give the order */
    bool walks_parent;   /* a shared id in the order of ids: its parent's are walked */
    bool ties;           /* it gives all of it but the id at its end */
    bool late;           /* rows are put in order by number first, and read after that */
    bool untied;   /* `ties`, and no two of the rows that come next do: nothing is to be sorted */
    bool asking;   /* not a scan: where those rows lie in the order, the id left out */
    bool counting; /* not a scan: how many rows would have to be put in order */
    int lower, upper;    /* conditions on the first field after the bound ones, or -1 */
    uint8_t after_count; /* fields of order that `after` compares */
    bool after_same;     /* the place itself counts as after */
    bool nothing;        /* no row can match */
    uint64_t need;       /* fields in the answer, by rising number */
} sw_plan;

/* Decides. `scratch` is a zeroed row struct, and is zeroed again afterwards. With `in_order` only paths
 * that give the order are chosen, where there is one. */
void sw__plan(sw_plan *plan, const sw_table *table, const sw_scan *scan, bool in_order,
              void *scratch);
/* The same walk from a place on that it came to itself. Its rows need not have the values that EQ fixes where no
 * index says so, and then those say nothing of where the walk is: its own order does. */
void sw__plan_after(sw_plan *plan, const sw_scan *scan);
/* The plan that counts the rows that the plan's path leads to. */
sw_plan sw__plan_count(const sw_plan *plan);
/* The plan that asks whether any of the next rows tie; only for one of numbers with `ties`. */
sw_plan sw__plan_ask(const sw_plan *plan);
/* Whether the statement takes care of that condition, so that no row need be tested. */
bool sw__plan_pushed(const sw_plan *plan, size_t condition);

/* ---- said in SQL -------------------------------------------------------------------------------- */

/* How a database says what all of them are told. `t` is the table that is walked. */
typedef struct sw_dialect {
    void (*column)(const sw_field *field, sw_buf *sql);
    /* What field `at` is ordered and compared by. */
    void (*ordered)(const sw_plan *plan, uint8_t at, sw_buf *sql);
    /* Parameter `number`, which holds a value of field `at` to be compared with what `ordered` says. */
    void (*place)(const sw_plan *plan, uint8_t at, int number, sw_buf *sql);
    /* Field `at` equals parameter `number`; and is below or above it, as `op` says. */
    void (*equals)(const sw_plan *plan, uint8_t at, int number, sw_buf *sql);
    void (*ranges)(const sw_plan *plan, uint8_t at, const char *op, int number, sw_buf *sql);
    /* The condition of an index that holds only rows of one value. */
    void (*only)(const sw_field *field, uint8_t value, sw_buf *sql);
    const char *same;  /* equal, nulls as well */
    const char *never; /* what holds for no row */
} sw_dialect;

/* " WHERE ...": parameters are the bound fields in path order, the lower bound, the upper bound, the fields of
 * the place. */
void sw__plan_print_where(const sw_plan *plan, const sw_dialect *dialect, sw_buf *sql);
/* The number of parameters before the one that says how many rows there may be. */
int sw__plan_parameters(const sw_plan *plan);
/* Bit i: field i of the place is null, which changes the text. */
uint8_t sw__plan_after_nulls(const sw_plan *plan);
/* The bounds of the walk, for a statement's shape. */
uint8_t sw__plan_range(const sw_plan *plan);

static inline const sw_field *sw__plan_field(const sw_plan *plan, size_t i)
{
    return &plan->table->model->fields[i];
}

static inline const sw_condition *sw__plan_condition(const sw_plan *plan, int i)
{
    return &plan->scan->conditions[i];
}

/* Whether a condition shuts out the rows in which its field is null. */
static inline bool sw__excludes_null(const sw_condition *c)
{
    return c->op != SW_OP_NE && c->op != SW_OP_NULL;
}

/* Puts the value of a condition into a row. */
static inline void sw__put_value(const sw_field *field, const sw_value *value, void *row)
{
    if (sw_kind_is_text(field->kind)) {
        *sw_field_str(field, row) = value->text;
    } else {
        *sw_field_int(field, row) = sw_int_of(value->number);
    }
}

#endif
