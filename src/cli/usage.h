/* SPDX-License-Identifier: Apache-2.0 */
/* What `usage` collected: the groups in the ledger's order, and their sum. */
#ifndef SW_CLI_USAGE_H
#define SW_CLI_USAGE_H

#include "cli/cli.h"

typedef struct sw_usage_answer {
    sw_usage_query query;
    sw_usage_group *groups; /* keys live in the invocation's arena */
    size_t count;
    size_t room;
    sw_totals total;
    sw_usage_end end;
    bool failed;
} sw_usage_answer;

/* The sums of sw_totals by name: the rows of model/totals.def, behind num_steps. */
typedef struct sw_total_row {
    const char *name;
    size_t offset;
} sw_total_row;
extern const sw_total_row sw__total_rows[];
extern const size_t sw__total_row_count;

void sw_totals_add(sw_totals *to, const sw_totals *more);

sw_status sw_usage_print_json(sw_cli *cli, const sw_usage_answer *answer);
/* May put the groups in another order. */
sw_status sw_usage_print_text(sw_cli *cli, sw_usage_answer *answer);

#endif
