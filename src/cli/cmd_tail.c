/* SPDX-License-Identifier: Apache-2.0 */
/* tail: steps as they change, until it is interrupted, or --limit changes were shown. People are shown what
 * begins and how it ends; programs every change.
 */
#include "cli/source.h"
#include "codec/record.h"

typedef struct follower {
    sw_cli *cli;
    int64_t shown;
    int64_t limit; /* 0: none */
    bool headed;
    sw_status status;
} follower;

/* What is said besides a beginning or an end is noise for people. */
static bool is_news(sw_str change)
{
    static const sw_change news[] = {SW_CHANGE_CREATED,   SW_CHANGE_SUCCEEDED, SW_CHANGE_FAILED,
                                     SW_CHANGE_CANCELLED, SW_CHANGE_ABANDONED, SW_CHANGE_FEEDBACK,
                                     SW_CHANGE_DELETED};
    for (size_t i = 0; i < SW_COUNT(news); i++) {
        if (sw_str_eq(change, sw_str_from(sw_enum_word(SW_ENUM_change, news[i])))) {
            return true;
        }
    }
    return false;
}

static void print_words(sw_cli *cli, const sw_seen_change *change)
{
    const sw_step *step = change->step;
    bool colour = cli->terminal.colour;
    sw_mark mark = sw_arena_mark(&cli->arena);
    sw_arena *arena = &cli->arena;
    int64_t now_us = sw__system_clock.wall_us(sw__system_clock.data);
    sw_str time = sw_zone_show(arena, &cli->zone, now_us);
    sw_style style = step ? sw_step_status_style(step->status.value) : SW_STYLE_DIM;
    bool counted =
        step && step->usage_state.known && step->usage_state.value != SW_USAGE_STATE_UNKNOWN;
    sw_str tokens = counted ? sw_show_count(arena, step->total_tokens.value) : SW_STR("-");
    sw_str cost = step && step->cost_nano_usd.known
                      ? sw_show_money(arena, step->cost_nano_usd.value)
                      : SW_STR("-");
    sw_str model = step ? sw_text_clean(arena, step->model, false) : SW_NULL_STR;
    sw_str what =
        !step ? SW_STR("")
        : step->error_type.ptr
            ? sw_text_clean(arena, step->error_type, false)
            : sw_text_clean(arena,
                            step->output_preview.len ? step->output_preview : step->input_preview,
                            false);
    sw_str head = sw_arena_printf(
        arena, "%.8s  %-9.*s  %-20.*s %9s %10s  ", time.len > 19 ? time.ptr + 11 : "",
        (int)change->change.len, sw_text_or_blank(change->change), (int)sw_text_fit(model, 20),
        sw_text_or_blank(model), sw_text_or_blank(tokens), sw_text_or_blank(cost));
    int id_columns = (int)change->id.len;
    int room = cli->terminal.limit > 0
                   ? cli->terminal.limit - sw_text_columns(head) - id_columns - 2
                   : 1000;
    room = room < 0 ? 0 : room;
    size_t fit = sw_text_fit(what, room);
    fprintf(cli->out, "%s%s%s%.*s%s%.*s\n", sw_style_on(colour, style), sw_text_or_blank(head),
            sw_style_off(colour, style), (int)change->id.len, sw_text_or_blank(change->id),
            fit > 0 ? "  " : "", (int)fit, sw_text_or_blank(what));
    sw_arena_rewind(arena, mark);
}

static sw_status print_json(sw_cli *cli, const sw_seen_change *change)
{
    sw_buf line;
    sw_json_out out;
    sw_buf_init(&line, &sw__libc_allocator, 0);
    sw_json_out_init(&out, &line, false);
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("seq"));
    sw_json_int(&out, change->seq);
    sw_json_key(&out, SW_STR("change"));
    sw_json_str(&out, change->change);
    sw_json_key(&out, SW_STR("id"));
    sw_json_str(&out, change->id);
    sw_json_key(&out, SW_STR("step"));
    if (change->step) {
        sw_record_write_json(SW_RECORD_STEP, change->step, &out);
    } else {
        sw_json_null(&out);
    }
    sw_json_close(&out, '}');
    sw_buf_addc(&line, '\n');
    sw_status status = line.status;
    fwrite(line.ptr ? line.ptr : "", 1, line.len, cli->out);
    sw_buf_fini(&line);
    return status;
}

static sw_status print_csv(follower *at, const sw_seen_change *change)
{
    sw_cli *cli = at->cli;
    sw_buf line;
    if (!change->step) {
        return SW_STATUS_OK; /* there is no row of what is gone */
    }
    sw_buf_init(&line, &sw__libc_allocator, 0);
    if (!at->headed) {
        sw_record_csv_header(SW_RECORD_STEP, &line);
        at->headed = true;
    }
    sw_record_write_csv(SW_RECORD_STEP, change->step, &line);
    sw_status status = line.status;
    fwrite(line.ptr ? line.ptr : "", 1, line.len, cli->out);
    sw_buf_fini(&line);
    return status;
}

static bool each_change(void *arg, const sw_seen_change *change)
{
    follower *at = arg;
    sw_cli *cli = at->cli;
    if (!change) {
        return fflush(cli->out) == 0;
    }
    if (sw_cli_has(cli, SW_OPTION_JSON)) {
        at->status = print_json(cli, change);
    } else if (sw_cli_has(cli, SW_OPTION_CSV)) {
        at->status = print_csv(at, change);
    } else if (is_news(change->change)) {
        print_words(cli, change);
    } else {
        return true;
    }
    at->shown++;
    return at->status == SW_STATUS_OK && fflush(cli->out) == 0 &&
           (at->limit == 0 || at->shown < at->limit);
}

int sw_cli_tail(sw_cli *cli)
{
    follower at = {.cli = cli,
                   .limit =
                       sw_cli_has(cli, SW_OPTION_LIMIT) ? sw_cli_count(cli, SW_OPTION_LIMIT) : 0};
    sw_cli_filter filter;
    sw_status status = sw_cli_filter_read(cli, &filter);
    if (status == SW_STATUS_OK) {
        status = sw_cli_source(cli, false);
    }
    if (status == SW_STATUS_OK) {
        const sw_list_query query = {.conditions = filter.conditions,
                                     .condition_count = filter.count,
                                     .text = sw_str_from(sw_cli_text(cli, SW_OPTION_TEXT))};
        if (cli->terminal.is_terminal && !sw_cli_is_data(cli)) {
            fputs("Waiting for steps; Ctrl-C ends it.\n", cli->err);
        }
        status = sw_source_tail(cli, &query, each_change, &at);
    }
    status = status == SW_STATUS_OK ? at.status : status;
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
