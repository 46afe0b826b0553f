/* SPDX-License-Identifier: Apache-2.0 */
/* Prints steps, tokens and cost by model and day. Usage: usage STORE. Sums of any size come from rollups, and
 * each says how many of its steps had a cost that nobody knows.
 */
#include <stdio.h>

#include <stepwell/ledger.h>

static bool print_group(void *arg, const sw_usage_group *group)
{
    const sw_str model = group->keys[0].ptr ? group->keys[0] : SW_STR("(unknown)");
    (void)arg;
    printf("%-24.*s %.*s %8lld %12lld %12.6f %8lld\n", (int)model.len, model.ptr,
           (int)group->keys[1].len, group->keys[1].ptr, (long long)group->totals.num_steps,
           (long long)group->totals.total_tokens, (double)group->totals.cost_nano_usd / 1e9,
           (long long)group->totals.cost_unknown);
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
    printf("%-24s %-10s %8s %12s %12s %8s\n", "model", "day", "steps", "tokens", "cost in $",
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
