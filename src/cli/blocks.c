/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of five hours from hourly sums. A block begins with a whole hour, so that hours are all that is
 * needed; only the speed of the block under way needs the times of its first and last step.
 */
#include "cli/blocks.h"

#include "cli/source.h"

#define HOUR_US INT64_C(3600000000)
#define MINUTE_US INT64_C(60000000)
enum { BLOCK_HOURS = 5 };

/* "2026-11-22T13" as a time. */
static bool hour_of(sw_str key, int64_t *us)
{
    char text[24];
    if (key.len != 13) {
        return false;
    }
    snprintf(text, sizeof text, "%.13s:00:00Z", key.ptr);
    return sw_time_parse(sw_str_from(text), us);
}

sw_block *sw_blocks_of(sw_arena *arena, const sw_usage_group *hours, size_t hour_count,
                       size_t *count)
{
    sw_block *blocks = sw_arena_zeroed(arena, (hour_count + 1) * sizeof *blocks);
    *count = 0;
    for (size_t i = 0; i < hour_count && blocks; i++) {
        int64_t hour = 0;
        if (!hour_of(hours[i].keys[0], &hour)) {
            continue;
        }
        if (*count == 0 || hour >= blocks[*count - 1].end_us) {
            blocks[(*count)++] =
                (sw_block){.start_us = hour, .end_us = hour + BLOCK_HOURS * HOUR_US};
        }
        sw_totals_add(&blocks[*count - 1].totals, &hours[i].totals);
    }
    return blocks;
}

/* A block ends five hours behind any hour it holds, so behind a pause of five hours a new one begins
 * whatever was before.
 */
bool sw_blocks_settled(const sw_usage_group *hours, size_t hour_count, int64_t from_us)
{
    int64_t before = from_us;
    bool settled = hour_count == 0;
    for (size_t i = 0; i < hour_count && !settled; i++) {
        int64_t hour = before;
        settled = hour_of(hours[i].keys[0], &hour) && hour - before >= BLOCK_HOURS * HOUR_US;
        before = hour;
    }
    return settled;
}

/* value * part / whole without overflow. */
static int64_t scale(int64_t value, int64_t part, int64_t whole)
{
    __extension__ typedef __int128 wide;
    return whole <= 0 ? 0 : (int64_t)((wide)value * part / whole);
}

void sw_burn_of(const sw_block *block, int64_t first_us, int64_t last_us, int64_t now_us,
                sw_burn *out)
{
    int64_t passed = last_us - first_us;
    int64_t left = block->end_us > now_us ? block->end_us - now_us : 0;
    passed = passed < MINUTE_US ? MINUTE_US : passed; /* one step says nothing about speed */
    *out = (sw_burn){
        .known = true,
        .first_us = first_us,
        .last_us = last_us,
        .tokens_a_minute = scale(block->totals.total_tokens, MINUTE_US, passed),
        .nano_usd_an_hour = scale(block->totals.cost_nano_usd, HOUR_US, passed),
        .tokens = block->totals.total_tokens + scale(block->totals.total_tokens, left, passed),
        .nano_usd = block->totals.cost_nano_usd + scale(block->totals.cost_nano_usd, left, passed)};
}

/* ---- asking -------------------------------------------------------------------------------------- */

static bool keep_time(void *arg, const void *row)
{
    *(int64_t *)arg = ((const sw_step *)row)->created_at.value;
    return false;
}

static sw_status edge(sw_cli *cli, const sw_usage_query *usage, const sw_block *block,
                      bool ascending, int64_t *out)
{
    const sw_value from = {.number = block->start_us};
    const sw_value to = {.number = block->end_us};
    sw_condition conditions[SW_CLI_CONDITIONS + 2];
    sw_list_end end;
    size_t count = usage->condition_count;
    sw_assert(count <= SW_CLI_CONDITIONS);
    if (count > 0) {
        memcpy(conditions, usage->conditions, count * sizeof *conditions);
    }
    conditions[count++] = (sw_condition){SW_STEP_CREATED_AT, SW_OP_GE, &from, 1};
    conditions[count++] = (sw_condition){SW_STEP_CREATED_AT, SW_OP_LT, &to, 1};
    const sw_list_query query = {
        .conditions = conditions, .condition_count = count, .ascending = ascending, .limit = 1};
    return sw_source_list(cli, SW_RECORD_STEP, &query, keep_time, out, &end);
}

sw_status sw_burn_ask(sw_cli *cli, const sw_usage_query *query, const sw_block *block, sw_burn *out)
{
    int64_t first = 0;
    int64_t last = 0;
    sw_status status = edge(cli, query, block, true, &first);
    if (status == SW_STATUS_OK) {
        status = edge(cli, query, block, false, &last);
    }
    sw_burn_of(block, first, last, cli->now_us, out);
    return status;
}

sw_status sw_blocks_ask(sw_cli *cli, sw_usage_answer *answer, sw_block **out, size_t *count)
{
    sw_zone utc = {.place = false};
    sw_zone zone = cli->zone;
    cli->zone = utc; /* blocks begin with hours of UTC, wherever they are shown */
    sw_status status = sw_usage_collect(cli, answer);
    cli->zone = zone;
    *out = status == SW_STATUS_OK ? sw_blocks_of(&cli->arena, answer->groups, answer->count, count)
                                  : NULL;
    return status == SW_STATUS_OK && !*out ? sw_no_memory(&cli->error) : status;
}

/* ---- showing -------------------------------------------------------------------------------------- */

static const sw_column columns[] = {
    {.title = "BLOCK"},        {.title = "UNTIL", .drop = 4},
    {"STEPS", .right = true},  {"FAILED", .right = true, .drop = 5},
    {"TOKENS", .right = true}, {.title = "", .drop = 6},
    {"COST", .right = true},   {.title = "", .drop = 7},
    {.title = "STATE"},
};

static void add_block(sw_cli *cli, sw_table *table, const sw_block *block)
{
    sw_arena *arena = &cli->arena;
    const sw_totals *t = &block->totals;
    bool active = block->end_us > cli->now_us;
    sw_style style = active ? SW_STYLE_BOLD : SW_STYLE_PLAIN;
    sw_str left = sw_show_duration(arena, (block->end_us - cli->now_us) * 1000);
    sw_table_add(table, sw_zone_show(arena, &cli->zone, block->start_us), style);
    sw_table_add(table, sw_zone_show(arena, &cli->zone, block->end_us), SW_STYLE_DIM);
    sw_table_add(table, sw_show_count(arena, t->num_steps), style);
    sw_table_add(table, sw_show_count(arena, t->failed_steps),
                 t->failed_steps > 0 ? SW_STYLE_BAD : style);
    sw_table_add(table, sw_usage_tokens(arena, t), style);
    sw_table_add(table, sw_usage_tokens_note(arena, t), SW_STYLE_DIM);
    sw_table_add(table, sw_usage_cost(arena, t), style);
    sw_table_add(table, sw_usage_cost_note(arena, t), SW_STYLE_DIM);
    sw_table_add(
        table, active ? sw_arena_printf(arena, "%s left", sw_text_or_blank(left)) : SW_STR("over"),
        active ? SW_STYLE_GOOD : SW_STYLE_DIM);
}

static void print_burn(sw_cli *cli, const sw_block *block, const sw_burn *burn)
{
    sw_arena *arena = &cli->arena;
    fprintf(cli->out, "\nburn rate   %s tokens a minute, %s an hour\n",
            sw_text_or_blank(sw_show_count(arena, burn->tokens_a_minute)),
            sw_text_or_blank(sw_show_money(arena, burn->nano_usd_an_hour)));
    fprintf(cli->out, "projection  %s tokens, %s at %s%s\n",
            sw_text_or_blank(sw_show_count(arena, burn->tokens)),
            sw_text_or_blank(sw_show_money(arena, burn->nano_usd)),
            sw_text_or_blank(sw_zone_show(arena, &cli->zone, block->end_us)),
            block->totals.cost_unknown > 0 ? ", of the known costs alone" : "");
}

static void write_block(sw_cli *cli, sw_cli_json *json, const sw_block *block, const sw_burn *burn)
{
    bool known = burn && burn->known;
    sw_json_open(&json->out, '{');
    sw_cli_json_time(json, "start", block->start_us);
    sw_cli_json_time(json, "end", block->end_us);
    sw_cli_json_key(json, "active");
    sw_json_bool(&json->out, block->end_us > cli->now_us);
    sw_usage_write_totals(json, &block->totals);
    sw_cli_json_int(json, "tokens_a_minute", known, known ? burn->tokens_a_minute : 0);
    sw_cli_json_int(json, "nano_usd_an_hour", known, known ? burn->nano_usd_an_hour : 0);
    sw_cli_json_int(json, "projected_tokens", known, known ? burn->tokens : 0);
    sw_cli_json_int(json, "projected_cost_nano_usd", known, known ? burn->nano_usd : 0);
    sw_json_close(&json->out, '}');
}

static sw_status print_data(sw_cli *cli, const sw_block *blocks, size_t count, const sw_burn *burn)
{
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    json.list = "blocks";
    sw_json_open(&json.out, '{');
    sw_cli_json_key(&json, "blocks");
    sw_json_open(&json.out, '[');
    for (size_t i = 0; i < count; i++) {
        write_block(cli, &json, &blocks[i], i + 1 == count ? burn : NULL);
    }
    sw_json_close(&json.out, ']');
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

static sw_status print_words(sw_cli *cli, const sw_block *blocks, size_t count, const sw_burn *burn)
{
    sw_table table;
    if (count == 0) {
        fputs("No steps.\n", cli->out);
        return SW_STATUS_OK;
    }
    sw_table_init(&table, columns, SW_COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        add_block(cli, &table, &blocks[i]);
    }
    sw_status status = sw_table_print(&table, cli->out, cli->terminal.limit, cli->terminal.colour);
    sw_table_fini(&table);
    if (burn->known) {
        print_burn(cli, &blocks[count - 1], burn);
    }
    return status;
}

sw_status sw_usage_blocks(sw_cli *cli, sw_usage_answer *answer)
{
    sw_block *blocks = NULL;
    sw_burn burn = {.known = false};
    size_t count = 0;
    size_t limit = (size_t)sw_cli_count(cli, SW_OPTION_LIMIT);
    sw_status status = sw_blocks_ask(cli, answer, &blocks, &count);
    if (status == SW_STATUS_OK && count > 0 && blocks[count - 1].end_us > cli->now_us) {
        status = sw_burn_ask(cli, &answer->query, &blocks[count - 1], &burn);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    size_t skip = limit > 0 && count > limit ? count - limit : 0;
    return sw_cli_is_data(cli) ? print_data(cli, blocks + skip, count - skip, &burn)
                               : print_words(cli, blocks + skip, count - skip, &burn);
}
