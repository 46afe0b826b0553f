/* SPDX-License-Identifier: Apache-2.0 */
/* steps: the newest steps that pass every filter. export: all of them, as lines of JSON or CSV, to a file
 * that appears when it is whole. Both walk page by page, so that any number of steps takes the same
 * memory.
 */
#include <errno.h>
#include <unistd.h>

#include "cli/walk.h"
#include "codec/record.h"

enum { PAGE = 500 };

/* Where the rows go. */
typedef struct lister {
    sw_cli *cli;
    FILE *out;
    sw_walk walk;
    sw_step_table table;
    sw_buf line; /* of JSON or CSV */
    bool data;
    bool csv;
    bool headed; /* the header of the CSV was written */
} lister;

static void print_line(lister *at, const sw_step *step)
{
    sw_json_out out;
    sw_buf_clear(&at->line);
    if (at->csv) {
        if (!at->headed) {
            sw_record_csv_header(SW_RECORD_STEP, &at->line);
            at->headed = true;
        }
        sw_record_write_csv(SW_RECORD_STEP, step, &at->line);
    } else {
        sw_json_out_init(&out, &at->line, false);
        sw_record_write_json(SW_RECORD_STEP, step, &out);
        sw_buf_addc(&at->line, '\n');
    }
    fwrite(at->line.ptr, 1, at->line.len, at->out);
}

static bool each_step(void *arg, const void *row)
{
    lister *at = arg;
    if (at->data) {
        print_line(at, row);
        return at->line.status == SW_STATUS_OK && !ferror(at->out);
    }
    sw_step_table_add(&at->table, row);
    return true;
}

static sw_status list_steps(lister *at, int64_t limit)
{
    sw_cli *cli = at->cli;
    sw_status status = SW_STATUS_OK;
    bool more = true;
    sw_step_table_init(&at->table, cli, cli->source->several);
    while (more && status == SW_STATUS_OK) {
        int64_t left = limit > 0 ? limit - at->walk.shown : PAGE;
        status = sw_walk_page(cli, &at->walk, left < PAGE ? left : PAGE, each_step, at);
        if (status == SW_STATUS_OK) {
            status = at->data ? at->line.status : sw_step_table_print(&at->table);
        }
        more = sw_walk_goes_on(cli, &at->walk) && !ferror(at->out) &&
               (limit == 0 || at->walk.shown < limit);
    }
    sw_step_table_fini(&at->table);
    if (status == SW_STATUS_OK && at->csv && !at->headed) {
        sw_buf_clear(&at->line);
        sw_record_csv_header(SW_RECORD_STEP, &at->line); /* no row is an answer too */
        fwrite(at->line.ptr, 1, at->line.len, at->out);
    }
    return status;
}

int sw_cli_steps(sw_cli *cli)
{
    lister at = {.cli = cli,
                 .out = cli->out,
                 .data = sw_cli_is_data(cli),
                 .csv = sw_cli_has(cli, SW_OPTION_CSV)};
    sw_status status = sw_cli_source(cli, false);
    sw_buf_init(&at.line, &sw__libc_allocator, 0);
    if (status == SW_STATUS_OK) {
        status = sw_walk_begin(cli, &at.walk);
    }
    if (status == SW_STATUS_OK) {
        status = list_steps(&at, sw_cli_count(cli, SW_OPTION_LIMIT));
    }
    sw_buf_fini(&at.line);
    if (status == SW_STATUS_NOT_FOUND && sw_cli_has(cli, SW_OPTION_AFTER)) {
        return sw_cli_fail(cli, status, "--after needs the id of a step in this ledger");
    }
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    if (!at.data && at.walk.shown == 0) {
        fputs("No steps.\n", cli->out);
    }
    return sw_cli_finish(cli);
}

/* ---- export ----------------------------------------------------------------------------------- */

static sw_status bad_file(sw_cli *cli, const char *path)
{
    return sw_fail(&cli->error, SW_STATUS_IO, "", "%s could not be written: %s", path,
                   strerror(errno));
}

/* The file stands beside its place under another name until it is whole and on disk. */
static sw_status export_to(lister *at, const char *path)
{
    sw_cli *cli = at->cli;
    sw_str part = sw_arena_printf(&cli->arena, "%s.part", path);
    at->out = part.ptr ? fopen(part.ptr, "we") : NULL;
    if (!at->out) {
        return part.ptr ? bad_file(cli, path) : sw_no_memory(&cli->error);
    }
    sw_status status = list_steps(at, 0);
    bool whole = fflush(at->out) == 0 && !ferror(at->out) && fsync(fileno(at->out)) == 0;
    if (status == SW_STATUS_OK && !whole) {
        status = bad_file(cli, path);
    }
    whole = fclose(at->out) == 0;
    if (status == SW_STATUS_OK && (!whole || rename(part.ptr, path) != 0)) {
        status = bad_file(cli, path);
    }
    if (status != SW_STATUS_OK) {
        (void)unlink(part.ptr);
    }
    return status;
}

static bool wants_csv(const sw_cli *cli)
{
    const char *format = sw_cli_text(cli, SW_OPTION_FORMAT);
    return sw_cli_has(cli, SW_OPTION_CSV) || strcmp(format, "csv") == 0;
}

int sw_cli_export(sw_cli *cli)
{
    lister at = {.cli = cli, .out = cli->out, .data = true, .csv = wants_csv(cli)};
    const char *path = sw_cli_text(cli, SW_OPTION_OUTPUT);
    sw_status status = sw_cli_source(cli, false);
    sw_buf_init(&at.line, &sw__libc_allocator, 0);
    if (status == SW_STATUS_OK) {
        status = sw_walk_begin(cli, &at.walk);
    }
    if (status == SW_STATUS_OK) {
        status = path ? export_to(&at, path) : list_steps(&at, 0);
    }
    sw_buf_fini(&at.line);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    if (path) {
        fprintf(cli->err, "%s steps are in %s.\n",
                sw_text_or_blank(sw_show_count(&cli->arena, at.walk.shown)), path);
    }
    return sw_cli_finish(cli);
}
