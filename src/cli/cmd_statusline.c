/* SPDX-License-Identifier: Apache-2.0 */
/* statusline: one line for an editor or a prompt, which runs it again and again: what today cost, and how
 * the block of five hours under way goes. Reads sums alone and two steps, so that it is quick on a ledger
 * of any size.
 */
#include "cli/blocks.h"
#include "cli/source.h"

#define DAY_US INT64_C(86400000000)

typedef struct line {
    sw_totals today;
    bool has_block;
    sw_block block;
    sw_burn burn;
} line;

static sw_status ask_today(sw_cli *cli, const sw_cli_filter *filter, line *out)
{
    sw_usage_answer answer = {.query = {.from = sw_int_of(sw_zone_day_begins(
                                            &cli->zone, sw_zone_day(&cli->zone, cli->now_us))),
                                        .conditions = filter->conditions,
                                        .condition_count = filter->count}};
    sw_status status = sw_usage_collect(cli, &answer);
    out->today = answer.total;
    sw_free(&sw__libc_allocator, answer.groups);
    return status;
}

/* The block under way, if any, from the hours of so many days. */
static sw_status ask_days(sw_cli *cli, const sw_cli_filter *filter, int64_t days, line *out,
                          bool *settled)
{
    sw_block *blocks = NULL;
    size_t count = 0;
    int64_t from = cli->now_us - days * DAY_US;
    sw_usage_answer answer = {.query = {.by = {SW_DIMENSION_HOUR},
                                        .by_count = 1,
                                        .from = days > 0 ? sw_int_of(from) : SW_NULL_INT,
                                        .conditions = filter->conditions,
                                        .condition_count = filter->count}};
    sw_status status = sw_blocks_ask(cli, &answer, &blocks, &count);
    *settled = days == 0 || sw_blocks_settled(answer.groups, answer.count, from);
    out->has_block = status == SW_STATUS_OK && count > 0 && blocks[count - 1].end_us > cli->now_us;
    if (out->has_block && *settled) {
        out->block = blocks[count - 1];
        status = sw_burn_ask(cli, &answer.query, &out->block, &out->burn);
    }
    sw_free(&sw__libc_allocator, answer.groups);
    return status;
}

/* Few days mostly hold a pause of five hours, behind which blocks begin anew; only where nobody ever
 * pauses all hours are needed. */
static sw_status ask_block(sw_cli *cli, const sw_cli_filter *filter, line *out)
{
    static const int64_t days[] = {2, 30, 0};
    sw_status status = SW_STATUS_OK;
    bool settled = false;
    for (size_t i = 0; i < SW_COUNT(days) && !settled && status == SW_STATUS_OK; i++) {
        status = ask_days(cli, filter, days[i], out, &settled);
    }
    return status;
}

static void print_words(sw_cli *cli, const line *at)
{
    sw_arena *arena = &cli->arena;
    const sw_totals *t = &at->today;
    bool all = t->cost_unknown == 0 || t->cost_unknown == t->num_steps;
    fprintf(cli->out, "today %s%s · %s tokens · %s steps",
            sw_text_or_blank(sw_usage_cost(arena, t)), all ? "" : "+",
            sw_text_or_blank(sw_usage_tokens(arena, t)),
            sw_text_or_blank(sw_show_count(arena, t->num_steps)));
    if (t->failed_steps > 0) {
        fprintf(cli->out, " (%s failed)", sw_text_or_blank(sw_show_count(arena, t->failed_steps)));
    }
    if (at->has_block) {
        int64_t left = at->block.end_us - cli->now_us;
        fprintf(cli->out, " · block %s, %s left, %s an hour",
                sw_text_or_blank(sw_usage_cost(arena, &at->block.totals)),
                sw_text_or_blank(sw_show_duration(arena, left * 1000)),
                sw_text_or_blank(sw_show_money(arena, at->burn.nano_usd_an_hour)));
    }
    fputc('\n', cli->out);
}

static sw_status print_data(sw_cli *cli, const line *at)
{
    char time[SW_TIME_TEXT];
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_key(&json, "today");
    sw_json_open(&json.out, '{');
    sw_usage_write_totals(&json, &at->today);
    sw_json_close(&json.out, '}');
    sw_cli_json_int(&json, "block_tokens", at->has_block, at->block.totals.total_tokens);
    sw_cli_json_int(&json, "block_cost_nano_usd", at->has_block, at->block.totals.cost_nano_usd);
    sw_cli_json_key(&json, "block_ends_at");
    size_t len = sw_time_print(at->block.end_us, true, time);
    sw_json_str(&json.out, at->has_block ? sw_str_make(time, len) : SW_NULL_STR);
    sw_cli_json_int(&json, "tokens_a_minute", at->has_block, at->burn.tokens_a_minute);
    sw_cli_json_int(&json, "nano_usd_an_hour", at->has_block, at->burn.nano_usd_an_hour);
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

int sw_cli_statusline(sw_cli *cli)
{
    line at = {.has_block = false};
    sw_cli_filter filter;
    sw_status status = sw_cli_filter_read(cli, &filter);
    if (status == SW_STATUS_OK) {
        status = sw_cli_source(cli, false);
    }
    if (status == SW_STATUS_OK) {
        status = ask_today(cli, &filter, &at);
    }
    if (status == SW_STATUS_OK) {
        status = ask_block(cli, &filter, &at);
    }
    if (status == SW_STATUS_OK && sw_cli_is_data(cli)) {
        status = print_data(cli, &at);
    } else if (status == SW_STATUS_OK) {
        print_words(cli, &at);
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
