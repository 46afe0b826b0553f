/* SPDX-License-Identifier: Apache-2.0 */
/* steps: the newest steps that pass every filter. Walks the list page by page with the cursor, so
 * that any number of steps takes the same memory.
 */
#include "cli/source.h"

#include "codec/record.h"

enum { PAGE = 500 };

/* One walk: where the rows go, and where the next page begins. */
typedef struct walk {
    sw_cli *cli;
    sw_step_table table;
    sw_buf line; /* of JSON */
    bool json;   /* or CSV */
    bool csv;
    char last[SW_ID_MAX];
    int64_t shown;
    int64_t count; /* lines of CSV */
} walk;

static void print_json(walk *at, const sw_step *step)
{
    sw_json_out out;
    sw_buf_clear(&at->line);
    if (at->csv) {
        if (at->count++ == 0) {
            sw_record_csv_header(SW_RECORD_STEP, &at->line);
        }
        sw_record_write_csv(SW_RECORD_STEP, step, &at->line);
    } else {
        sw_json_out_init(&out, &at->line, false);
        sw_record_write_json(SW_RECORD_STEP, step, &out);
        sw_buf_addc(&at->line, '\n');
    }
    fwrite(at->line.ptr, 1, at->line.len, at->cli->out);
}

static bool each_step(void *arg, const void *row)
{
    walk *at = arg;
    const sw_step *step = row;
    snprintf(at->last, sizeof at->last, "%.*s", (int)step->id.len, step->id.ptr);
    if (at->json) {
        print_json(at, step);
        return at->line.status == SW_STATUS_OK && !ferror(at->cli->out);
    }
    sw_step_table_add(&at->table, step);
    return true;
}

/* One page, printed. */
static sw_status walk_page(walk *at, const sw_list_query *query, sw_list_end *end)
{
    sw_cli *cli = at->cli;
    sw_status status = sw_source_list(cli, SW_RECORD_STEP, query, each_step, at, end);
    if (status != SW_STATUS_OK) {
        return status;
    }
    return at->json ? at->line.status : sw_step_table_print(&at->table);
}

/* A search that no index answers stops after many rows; it goes on from there on the next page, so
 * that the answer is whole however long it takes.
 */
static sw_status walk_pages(walk *at, sw_list_query *query, int64_t limit)
{
    sw_list_end end = {0};
    sw_status status = SW_STATUS_OK;
    int64_t shown = 0;
    bool more = true;
    while (more && status == SW_STATUS_OK) {
        query->limit = limit > 0 && limit - shown < PAGE ? limit - shown : PAGE;
        status = walk_page(at, query, &end);
        shown += end.count;
        if (end.gave_up) {
            snprintf(at->last, sizeof at->last, "%s", end.resume);
        }
        query->after = sw_str_from(at->last);
        more = !end.complete && (end.count > 0 || end.gave_up) && (limit == 0 || shown < limit) &&
               !ferror(at->cli->out);
    }
    at->shown = shown;
    return status;
}

static sw_status list_steps(walk *at)
{
    sw_cli *cli = at->cli;
    sw_cli_filter filter;
    sw_status status = sw_cli_filter_read(cli, &filter);
    if (status == SW_STATUS_OK) {
        status = sw_cli_filter_times(cli, &filter);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_list_query query = {.conditions = filter.conditions,
                           .condition_count = filter.count,
                           .text = sw_str_from(sw_cli_text(cli, SW_OPTION_TEXT)),
                           .ascending = sw_cli_has(cli, SW_OPTION_ASC),
                           .after = sw_str_from(sw_cli_text(cli, SW_OPTION_AFTER))};
    sw_step_table_init(&at->table, cli, cli->source->several);
    status = walk_pages(at, &query, sw_cli_count(cli, SW_OPTION_LIMIT));
    sw_step_table_fini(&at->table);
    return status;
}

int sw_cli_steps(sw_cli *cli)
{
    walk at = {.cli = cli, .json = sw_cli_is_data(cli), .csv = sw_cli_has(cli, SW_OPTION_CSV)};
    sw_status status = sw_cli_source(cli, false);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    sw_buf_init(&at.line, &sw__libc_allocator, 0);
    status = list_steps(&at);
    sw_buf_fini(&at.line);
    if (status == SW_STATUS_NOT_FOUND && sw_cli_has(cli, SW_OPTION_AFTER)) {
        return sw_cli_fail(cli, status, "--after needs the id of a step in this ledger");
    }
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    if (!at.json && at.shown == 0) {
        fputs("No steps.\n", cli->out);
    }
    return sw_cli_finish(cli);
}
