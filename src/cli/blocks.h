/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of five hours, as providers bill subscriptions by: one begins with the hour of the first step
 * after the one before it is over.
 */
#ifndef SW_CLI_BLOCKS_H
#define SW_CLI_BLOCKS_H

#include "cli/usage.h"

typedef struct sw_block {
    int64_t start_us; /* a whole hour of UTC */
    int64_t end_us;
    sw_totals totals;
} sw_block;

/* How fast the block under way is used up: between its first and its last step. */
typedef struct sw_burn {
    bool known;
    int64_t first_us;
    int64_t last_us;
    int64_t tokens_a_minute;
    int64_t nano_usd_an_hour;
    int64_t tokens; /* at its end, if it goes on like this */
    int64_t nano_usd;
} sw_burn;

/* The blocks of hours that are sorted by their keys; in the arena, *count of them. */
sw_block *sw_blocks_of(sw_arena *arena, const sw_usage_group *hours, size_t hour_count,
                       size_t *count);
/* Whether the last of the blocks of these hours, which are all since `from_us`, would be the same had older
 * hours been asked for too. */
bool sw_blocks_settled(const sw_usage_group *hours, size_t hour_count, int64_t from_us);
void sw_burn_of(const sw_block *block, int64_t first_us, int64_t last_us, int64_t now_us,
                sw_burn *out);
/* Asks for hours since then, and makes blocks of them. */
sw_status sw_blocks_ask(sw_cli *cli, sw_usage_answer *answer, sw_block **out, size_t *count);
/* The burn of the last block, when it is under way: one look at its first and its last step. */
sw_status sw_burn_ask(sw_cli *cli, const sw_usage_query *query, const sw_block *block,
                      sw_burn *out);
sw_status sw_usage_blocks(sw_cli *cli, sw_usage_answer *answer);

#endif
