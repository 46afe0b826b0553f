/* SPDX-License-Identifier: Apache-2.0 */
/* Counting: from sums where they know the number, else by going through the rows, of which nothing is
 * read that no condition needs.
 */
#include "ledger/list.h"

static bool one_group(void *arg, const sw_usage_group *group)
{
    *(int64_t *)arg = group->totals.num_steps;
    return true;
}

/* Whether the sums know the answer: only fields that a rollup has and a range of time, no text, no timings. */
static bool sums_know(sw_record_id record, const sw_list_query *q, sw_range *range)
{
    if (record != SW_RECORD_STEP || !sw__range_split(q->conditions, q->condition_count, range)) {
        return false;
    }
    for (size_t i = 0; i < range->query.condition_count; i++) {
        uint8_t field = range->others[i].field;
        if (field != SW_STEP_PROJECT_ID && field != SW_STEP_MODEL && field != SW_STEP_STATUS) {
            return false;
        }
    }
    return q->metrics_condition_count == 0 && !q->text.ptr && !q->after.ptr && !q->before.ptr;
}

sw_status sw_count(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                   const sw_list_query *query, int64_t *out, sw_list_end *end, sw_error *err)
{
    static const sw_list_query everything;
    sw_list_query q = query ? *query : everything;
    sw_page p = {.record = record, .counting = true};
    sw_error unread = {.status = SW_STATUS_OK};
    sw_list_end local;
    sw_range range;
    sw_status status = SW_STATUS_OK;

    end = end ? end : &local;
    *out = 0;
    q.look_limit = q.look_limit ? q.look_limit : SW_LIMIT_LOOK_ROWS;
    q.limit = -1;
    if (sums_know(record, &q, &range)) {
        sw_usage_end summed;
        memset(end, 0, sizeof *end);
        range.query.row_limit =
            q.look_limit < 0 ? 0 : q.look_limit; /* for the edges of the range */
        status = sw_usage(ledger, actor, &range.query, one_group, out, &summed, err);
        end->complete = true;
        end->looked = summed.rows;
        if (status != SW_STATUS_OK || summed.complete) {
            return status;
        }
    }
    status = sw__list(ledger, actor, &q, &p, end, err ? err : &unread);
    *out = end->count;
    return status;
}
