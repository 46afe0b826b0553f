/* SPDX-License-Identifier: Apache-2.0 */
/* What a scan of the SQLite store is going to do, between the file that decides it (sqlite_plan.c), the
 * one that says it in SQL (sqlite_plan_sql.c) and the one that does it (sqlite_scan.c).
 */
#ifndef SW_SQLITE_PLAN_H
#define SW_SQLITE_PLAN_H

#include "store/sqlite_impl.h"

enum { SW_LITE_PATH_KEY = 0xfe, SW_LITE_PATH_NONE = 0xff };

typedef struct sw_lite_plan {
    const sw_lite_table *table;
    const sw_scan *scan;
    int8_t equal[64];                  /* the EQ condition of a field, or -1 */
    uint8_t order[SW_LITE_KEY_FIELDS]; /* what is left to order by: not bound by EQ */
    uint8_t order_count;
    uint8_t full[SW_LITE_KEY_FIELDS]; /* the order as asked for */
    uint8_t full_count;
    uint8_t path; /* an index of the record, PATH_KEY or PATH_NONE */
    uint8_t fields[SW_LITE_KEY_FIELDS];
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
} sw_lite_plan;

/* Decides. `scratch` is a zeroed row struct, and is zeroed again afterwards. With `in_order` only paths
 * that give the order are chosen, where there is one. */
void sw__lite_plan(sw_lite_plan *plan, const sw_lite_table *table, const sw_scan *scan,
                   bool in_order, void *scratch);
/* The same walk from a place on that it came to itself. Its rows need not have the values that EQ fixes where no
 * index says so, and then those say nothing of where the walk is: its own order does. */
void sw__lite_plan_after(sw_lite_plan *plan, const sw_scan *scan);
/* The plan that counts the rows that the plan's path leads to. */
sw_lite_plan sw__lite_plan_count(const sw_lite_plan *plan);
/* The plan that asks whether any of the next rows tie; only for one of numbers with `ties`. */
sw_lite_plan sw__lite_plan_ask(const sw_lite_plan *plan);
/* Whether the statement takes care of that condition, so that no row need be tested. */
bool sw__lite_pushed(const sw_lite_plan *plan, size_t condition);
/* What the statement is, and its text. Parameters: the bound fields in path order, the lower bound, the
 * upper bound, the fields of the place, and for `late`, `asking` and `counting` the number of rows at the most. */
sw_lite_shape sw__lite_plan_shape(const sw_lite_plan *plan);
void sw__lite_plan_print(const sw_lite_session *session, const void *plan, sw_buf *sql);

static inline const sw_field *sw__lite_plan_field(const sw_lite_plan *plan, size_t i)
{
    return &plan->table->model->fields[i];
}

static inline const sw_condition *sw__lite_plan_condition(const sw_lite_plan *plan, int i)
{
    return &plan->scan->conditions[i];
}

/* Whether a condition shuts out the rows in which its field is null. */
static inline bool sw__lite_excludes_null(const sw_condition *c)
{
    return c->op != SW_OP_NE && c->op != SW_OP_NULL;
}

/* Puts the value of a condition into a row. */
static inline void sw__lite_put_value(const sw_field *field, const sw_value *value, void *row)
{
    if (sw_kind_is_text(field->kind)) {
        *sw_field_str(field, row) = value->text;
    } else {
        *sw_field_int(field, row) = sw_int_of(value->number);
    }
}

#endif
