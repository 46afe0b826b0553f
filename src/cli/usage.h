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
    const char
        *first; /* what the first key is called when days were folded: "week", "month"; else NULL */
} sw_usage_answer;

/* The sums of sw_totals by name: the rows of model/totals.def, behind num_steps. */
typedef struct sw_total_row {
    const char *name;
    size_t offset;
} sw_total_row;
extern const sw_total_row sw__total_rows[];
extern const size_t sw__total_row_count;

/* The sum of this name; NULL: none is called so. */
int64_t *sw_usage_sum_of(sw_totals *totals, sw_str name);
void sw_totals_add(sw_totals *to, const sw_totals *more);

/* The groupings that have a word of their own: `usage daily` ... */
typedef enum sw_usage_kind { SW_USAGE_GROUPS, SW_USAGE_SESSIONS, SW_USAGE_BLOCKS } sw_usage_kind;
typedef struct sw_usage_view {
    const char *name;
    sw_usage_kind kind;
    sw_dimension by;
    char fold; /* days become 'w' weeks, 'm' months */
} sw_usage_view;
/* That of the argument; NULL without one. INVALID suggests the nearest. */
sw_status sw_usage_view_find(sw_cli *cli, const sw_usage_view **out);

/* Asks the source, in pieces where the zone's distance changes (`pieces`): groups then come several times. */
sw_status sw_usage_ask(sw_cli *cli, const sw_usage_query *query, sw_usage_each *each, void *arg,
                       sw_usage_end *end, bool *pieces);
/* Days become weeks or months (`fold`), and groups with the same keys one. */
void sw_usage_merge(sw_cli *cli, sw_usage_answer *answer, char fold);
/* Fills answer from answer->query. */
sw_status sw_usage_collect(sw_cli *cli, sw_usage_answer *answer);
/* Sums for people. "unknown" where nobody said any of it, never 0; what to write beside it where some did not: "+ 3
 * unknown", or "". */
sw_str sw_usage_tokens(sw_arena *arena, const sw_totals *totals);
sw_str sw_usage_tokens_note(sw_arena *arena, const sw_totals *totals);
sw_str sw_usage_cost(sw_arena *arena, const sw_totals *totals);
sw_str sw_usage_cost_note(sw_arena *arena, const sw_totals *totals);
/* The sums of a run. */
sw_totals sw_usage_totals_of(const sw_run_metrics *metrics);
sw_status sw_usage_sessions(sw_cli *cli);
/* The members of the sums, into an open object. */
void sw_usage_write_totals(sw_cli_json *json, const sw_totals *totals);
sw_status sw_usage_print_json(sw_cli *cli, const sw_usage_answer *answer);
/* May put the groups in another order. */
sw_status sw_usage_print_text(sw_cli *cli, sw_usage_answer *answer);

#endif
