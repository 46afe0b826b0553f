/* SPDX-License-Identifier: Apache-2.0 */
/* See walk.h. */
#include "cli/walk.h"

typedef struct page {
    sw_walk *walk;
    sw_each *each;
    void *arg;
} page;

sw_status sw_walk_begin(sw_cli *cli, sw_walk *walk)
{
    *walk = (sw_walk){.complete = false};
    sw_status status = sw_cli_filter_read(cli, &walk->filter);
    if (status == SW_STATUS_OK) {
        status = sw_cli_filter_times(cli, &walk->filter);
    }
    walk->query = (sw_list_query){.conditions = walk->filter.conditions,
                                  .condition_count = walk->filter.count,
                                  .text = sw_str_from(sw_cli_text(cli, SW_OPTION_TEXT)),
                                  .ascending = sw_cli_has(cli, SW_OPTION_ASC),
                                  .after = sw_str_from(sw_cli_text(cli, SW_OPTION_AFTER))};
    return status;
}

static bool each_step(void *arg, const void *row)
{
    page *at = arg;
    const sw_step *step = row;
    size_t len = step->id.len < SW_ID_MAX ? step->id.len : SW_ID_MAX - 1;
    memcpy(at->walk->last, step->id.ptr, len);
    at->walk->last[len] = '\0';
    return at->each(at->arg, row);
}

sw_status sw_walk_page(sw_cli *cli, sw_walk *walk, int64_t most, sw_each *each, void *arg)
{
    page at = {walk, each, arg};
    sw_list_end end;
    /* The place is the walk's own: it may have been copied since the last page. */
    walk->query.conditions = walk->filter.conditions;
    walk->query.limit = most;
    if (walk->last[0]) {
        walk->query.after = sw_str_from(walk->last);
    }
    sw_status status = sw_source_list(cli, SW_RECORD_STEP, &walk->query, each_step, &at, &end);
    walk->shown += end.count;
    if (end.gave_up) {
        snprintf(walk->last, sizeof walk->last, "%s", end.resume);
    }
    walk->complete = end.complete || (end.count == 0 && !end.gave_up) || !walk->last[0];
    return status;
}

bool sw_walk_goes_on(const sw_cli *cli, const sw_walk *walk)
{
    return !walk->complete && !ferror(cli->out);
}
