/* SPDX-License-Identifier: Apache-2.0 */
/* A range of time among the conditions of a list, in the words of usage: sums know whole days and hours, not
 * conditions on created_at. What is left are the other conditions.
 */
#include "ledger/reading.h"

/* Far beyond every calendar, and far from where adding one would overflow. */
static bool is_a_time(int64_t us)
{
    return us > INT64_MIN / 2 && us < INT64_MAX / 2;
}

static void not_before(sw_usage_query *q, int64_t us)
{
    q->from = q->from.known && q->from.value > us ? q->from : sw_int_of(us);
}

static void before(sw_usage_query *q, int64_t us)
{
    q->to = q->to.known && q->to.value < us ? q->to : sw_int_of(us);
}

static bool take(sw_usage_query *q, const sw_condition *c)
{
    int64_t us = c->count == 1 && c->values ? c->values[0].number : INT64_MAX;

    if (!is_a_time(us)) {
        return false;
    }
    switch (c->op) {
    case SW_OP_EQ:
        not_before(q, us);
        before(q, us + 1);
        return true;
    case SW_OP_GE:
    case SW_OP_GT:
        not_before(q, us + (c->op == SW_OP_GT));
        return true;
    case SW_OP_LT:
    case SW_OP_LE:
        before(q, us + (c->op == SW_OP_LE));
        return true;
    default:
        return false;
    }
}

bool sw__range_split(const sw_condition *conditions, size_t count, sw_range *out)
{
    sw_usage_query *q = &out->query;

    memset(out, 0, sizeof *out);
    q->conditions = out->others;
    for (size_t i = 0; i < count; i++) {
        if (conditions[i].field != SW_STEP_CREATED_AT) {
            if (q->condition_count == SW_COUNT(out->others)) {
                return false;
            }
            out->others[q->condition_count++] = conditions[i];
        } else if (!take(q, &conditions[i])) {
            return false;
        }
    }
    if (q->from.known && q->to.known && q->from.value > q->to.value) {
        q->to = q->from; /* nothing lies in it */
    }
    return true;
}
