/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over all steps that the options ask for, of any number, in pages that are held one at a time. A
 * search that no index answers stops after many rows; it goes on from there, so that the answer is whole
 * however long it takes.
 */
#ifndef SW_CLI_WALK_H
#define SW_CLI_WALK_H

#include "cli/source.h"

typedef struct sw_walk {
    sw_cli_filter filter;
    sw_list_query query;
    char last[SW_ID_MAX];
    int64_t shown; /* steps so far */
    bool complete; /* nothing follows */
} sw_walk;

/* Reads --model, --since, --text ... as far as the command takes them; cli->source need not be open. */
sw_status sw_walk_begin(sw_cli *cli, sw_walk *walk);
/* The next page, at most `most` steps. `each` must not ask the source; false ends the page. */
sw_status sw_walk_page(sw_cli *cli, sw_walk *walk, int64_t most, sw_each *each, void *arg);
/* Whether there is more to ask for. */
bool sw_walk_goes_on(const sw_cli *cli, const sw_walk *walk);

#endif
