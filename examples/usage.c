/* SPDX-License-Identifier: Apache-2.0 */
/* Prints steps, tokens and cost by model and day. Usage: usage STORE. Sums of any size come from rollups, and
 * each says how many of its steps had a cost that nobody knows.
 */
#include <stdio.h>

#include <stepwell/ledger.h>

/* Money is an integer of nano-dollars, so that sums stay exact; nothing here needs a floating point
 * number. A cost that nobody knows is unknown, which is not the same as 0.
 */
static void print_cost(const sw_totals *totals)
{
    const long long nano = (long long)totals->cost_nano_usd;
    if (totals->cost_unknown == totals->num_steps) {
        printf(" %14s", "unknown");
    } else {
        printf(" %4lld.%09lld", nano / 1000000000, nano % 1000000000);
    }
}

/* Called once a group, in the order of the keys; keys[0] is the model, keys[1] the day. The texts live
 * until this returns.
 */
static bool print_group(void *arg, const sw_usage_group *group)
{
    const sw_str model = group->keys[0].ptr ? group->keys[0] : SW_STR("(unknown)");
    (void)arg;
    printf("%-24.*s %.*s %8lld %12lld", (int)model.len, model.ptr, (int)group->keys[1].len,
           group->keys[1].ptr, (long long)group->totals.num_steps,
           (long long)group->totals.total_tokens);
    print_cost(&group->totals);
    printf(" %8lld\n", (long long)group->totals.cost_unknown);
    return true;
}

int main(int argc, char **argv)
{
    const sw_ledger_options options = {.store = argc > 1 ? argv[1] : "memory:"};
    const sw_actor actor = {.organization_id = SW_NULL_STR}; /* the default organization */
    const sw_usage_query query = {.by = {SW_DIMENSION_MODEL, SW_DIMENSION_DAY}, .by_count = 2};
    sw_ledger *ledger = NULL;
    sw_usage_end end;
    sw_error err;
    sw_status status = sw_ledger_open(&options, &ledger, &err);
    printf("%-24s %-10s %8s %12s %14s %8s\n", "model", "day", "steps", "tokens", "cost in $",
           "unknown");
    if (status == SW_STATUS_OK) {
        status = sw_usage(ledger, &actor, &query, print_group, NULL, &end, &err);
    }
    sw_ledger_close(&ledger);
    if (status != SW_STATUS_OK) {
        fprintf(stderr, "usage: %s\n", err.message);
        return 1;
    }
    return 0;
}
