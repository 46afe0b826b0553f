/* SPDX-License-Identifier: Apache-2.0 */
/* Short ways; see the header. */
#include "tests/ledger/deliveries.h"

sw_str subscribe(lt *t, const sw_actor *actor, unsigned n, const char *events, const char *project)
{
    sw_subscription row = {.id = lt_id(t, "sub", n), .url = SW_STR("https://example.org/hook")};
    sw_outcome o;
    row.events = events ? sw_str_from(events) : SW_NULL_STR;
    row.project_id = project ? sw_str_from(project) : SW_NULL_STR;
    OK(sw_record_create(t->ledger, actor, SW_RECORD_SUBSCRIPTION, &row, &o, &t->err));
    VERDICT(o, CREATED);
    return row.id;
}

lt_rows deliveries(lt *t, const sw_actor *actor)
{
    sw_list_query q = {.limit = -1, .ascending = true};
    return lt_list(t, actor, SW_RECORD_DELIVERY, &q);
}

const sw_delivery *only(lt *t, const sw_actor *actor)
{
    lt_rows rows = deliveries(t, actor);
    SAME(rows.count, 1);
    return rows.at[0];
}

size_t claim(lt *t, int64_t limit, sw_delivery **out)
{
    size_t count = 0;
    sw_delivery *rows = NULL;
    OK(sw_delivery_claim(t->ledger, limit, 60, t->memory, &rows, &count, &t->err));
    if (out) {
        *out = rows;
    }
    return count;
}

void finish_run(lt *t, sw_str id, int64_t status)
{
    sw_run v = {.status = sw_int_of(status), .stop_reason = SW_STR("requires_approval")};
    sw_outcome o;
    OK(sw_run_update(t->ledger, &t->a, id, &v,
                     SW_FIELD_BIT(SW_RUN_STATUS) | SW_FIELD_BIT(SW_RUN_STOP_REASON), &o, &t->err));
}
