/* SPDX-License-Identifier: Apache-2.0 */
/* top: what goes on, drawn anew every few seconds: sums of today and of the last hour, models, steps that
 * are pending, the newest steps. A picture is made whole before it is shown, so that nothing flickers.
 * Without a terminal it is shown once.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/source.h"
#include "cli/usage.h"

#define HOUR_US INT64_C(3600000000)
enum { LINES = 24, OWN_LINES = 9, NEWEST = 10 };

typedef struct view {
    sw_cli_filter filter;
    sw_usage_answer today; /* by model */
    sw_usage_answer hour;
    int64_t pending;
    bool more_pending;
} view;

/* ---- asking -------------------------------------------------------------------------------------- */

static sw_status ask(sw_cli *cli, view *at)
{
    int64_t midnight = sw_zone_day_begins(&cli->zone, sw_zone_day(&cli->zone, cli->now_us));
    at->today = (sw_usage_answer){.query = {.by = {SW_DIMENSION_MODEL},
                                            .by_count = 1,
                                            .from = sw_int_of(midnight),
                                            .conditions = at->filter.conditions,
                                            .condition_count = at->filter.count}};
    at->hour = (sw_usage_answer){.query = {.from = sw_int_of(cli->now_us - HOUR_US),
                                           .conditions = at->filter.conditions,
                                           .condition_count = at->filter.count}};
    sw_status status = sw_usage_collect(cli, &at->today);
    return status == SW_STATUS_OK ? sw_usage_collect(cli, &at->hour) : status;
}

static bool count_one(void *arg, const void *row)
{
    (void)row;
    *(int64_t *)arg += 1;
    return true;
}

static sw_status ask_pending(sw_cli *cli, view *at)
{
    const sw_value pending = {.number = SW_STEP_STATUS_PENDING};
    sw_condition conditions[SW_CLI_CONDITIONS + 1];
    sw_list_end end;
    memcpy(conditions, at->filter.conditions, at->filter.count * sizeof *conditions);
    conditions[at->filter.count] = (sw_condition){SW_STEP_STATUS, SW_OP_EQ, &pending, 1};
    const sw_list_query query = {
        .conditions = conditions, .condition_count = at->filter.count + 1, .limit = 100};
    at->pending = 0;
    sw_status status = sw_source_list(cli, SW_RECORD_STEP, &query, count_one, &at->pending, &end);
    at->more_pending = !end.complete;
    return status;
}

/* ---- drawing -------------------------------------------------------------------------------------- */

static void print_sum(sw_cli *cli, const char *what, const sw_totals *t)
{
    sw_arena *arena = &cli->arena;
    sw_str note = sw_usage_cost_note(arena, t);
    fprintf(cli->out, "%-10s %8s steps  %6s failed  %14s tokens  %12s%s\n", what,
            sw_text_or_blank(sw_show_count(arena, t->num_steps)),
            sw_text_or_blank(sw_show_count(arena, t->failed_steps)),
            sw_text_or_blank(sw_usage_tokens(arena, t)), sw_text_or_blank(sw_usage_cost(arena, t)),
            note.len ? " and unknown" : "");
}

static int lines_of(FILE *file)
{
    struct winsize size = {0};
    return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : LINES;
}

static bool add_step(void *arg, const void *row)
{
    sw_step_table_add(arg, row);
    return true;
}

static sw_status print_newest(sw_cli *cli, const view *at, int64_t count)
{
    sw_step_table table;
    sw_list_end end;
    const sw_list_query query = {.conditions = at->filter.conditions,
                                 .condition_count = at->filter.count,
                                 .limit = count > 0 ? count : 1};
    sw_step_table_init(&table, cli, cli->source->several);
    sw_status status = sw_source_list(cli, SW_RECORD_STEP, &query, add_step, &table, &end);
    if (status == SW_STATUS_OK) {
        status = sw_step_table_print(&table);
    }
    sw_step_table_fini(&table);
    return status;
}

static sw_status draw(sw_cli *cli, view *at, int lines)
{
    sw_status status = ask(cli, at);
    if (status == SW_STATUS_OK) {
        status = ask_pending(cli, at);
    }
    if (status == SW_STATUS_OK) {
        fprintf(cli->out, "stepwell top, %s\n\n",
                sw_text_or_blank(sw_zone_show(&cli->arena, &cli->zone, cli->now_us)));
        print_sum(cli, "last hour", &at->hour.total);
        print_sum(cli, "today", &at->today.total);
        fprintf(cli->out, "%-10s %8s%s steps\n\n", "pending",
                sw_text_or_blank(sw_show_count(&cli->arena, at->pending)),
                at->more_pending ? " or more" : "");
    }
    if (status == SW_STATUS_OK && at->today.count > 0) {
        status = sw_usage_print_text(cli, &at->today);
        fputc('\n', cli->out);
    }
    if (status == SW_STATUS_OK) {
        int64_t room = lines - OWN_LINES - (int64_t)at->today.count - 2;
        status = print_newest(cli, at, room < NEWEST ? room : NEWEST);
    }
    sw_free(&sw__libc_allocator, at->today.groups);
    sw_free(&sw__libc_allocator, at->hour.groups);
    return status;
}

/* The picture is drawn into memory, then written at once. */
static sw_status show(sw_cli *cli, view *at, bool over)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = cli->out;
    FILE *memory = open_memstream(&text, &size);
    if (!memory) {
        return sw_no_memory(&cli->error);
    }
    cli->out = memory;
    sw_mark mark = sw_arena_mark(&cli->arena);
    sw_status status = draw(cli, at, over ? lines_of(out) : LINES + NEWEST);
    memset(cli->names, 0, sizeof cli->names); /* they live in what is given back now */
    sw_arena_rewind(&cli->arena, mark);
    cli->out = out;
    (void)fclose(memory);
    if (status == SW_STATUS_OK) {
        fputs(over ? "\033[H\033[2J" : "", out);
        fwrite(text, 1, size, out);
        (void)fflush(out);
    }
    free(text);
    return status;
}

static sw_status print_data(sw_cli *cli, view *at)
{
    sw_cli_json json;
    sw_status status = ask(cli, at);
    if (status == SW_STATUS_OK) {
        status = ask_pending(cli, at);
    }
    if (status == SW_STATUS_OK) {
        sw_cli_json_begin(cli, &json);
        sw_json_open(&json.out, '{');
        sw_cli_json_key(&json, "last_hour");
        sw_json_open(&json.out, '{');
        sw_usage_write_totals(&json, &at->hour.total);
        sw_json_close(&json.out, '}');
        sw_cli_json_key(&json, "today");
        sw_json_open(&json.out, '{');
        sw_usage_write_totals(&json, &at->today.total);
        sw_json_close(&json.out, '}');
        sw_cli_json_int(&json, "pending_steps", true, at->pending);
        sw_cli_json_key(&json, "pending_bounded");
        sw_json_bool(&json.out, at->more_pending);
        sw_json_close(&json.out, '}');
        status = sw_cli_json_end(cli, &json);
    }
    sw_free(&sw__libc_allocator, at->today.groups);
    sw_free(&sw__libc_allocator, at->hour.groups);
    return status;
}

static sw_status watch(sw_cli *cli, view *at)
{
    int64_t seconds = sw_cli_count(cli, SW_OPTION_INTERVAL);
    const struct timespec pause = {.tv_sec = (time_t)(seconds > 0 ? seconds : 1)};
    bool over = cli->terminal.is_terminal && !sw_cli_has(cli, SW_OPTION_ONCE);
    sw_status status = SW_STATUS_OK;
    do {
        status = show(cli, at, over);
        if (over && status == SW_STATUS_OK) {
            (void)nanosleep(&pause, NULL);
            cli->now_us = sw__system_clock.wall_us(sw__system_clock.data);
        }
    } while (over && status == SW_STATUS_OK && !ferror(cli->out));
    return status;
}

int sw_cli_top(sw_cli *cli)
{
    view at = {.pending = 0};
    sw_status status = sw_cli_filter_read(cli, &at.filter);
    if (status == SW_STATUS_OK) {
        status = sw_cli_source(cli, false);
    }
    if (status == SW_STATUS_OK) {
        status = sw_cli_is_data(cli) ? print_data(cli, &at) : watch(cli, &at);
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
