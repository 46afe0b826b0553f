/* SPDX-License-Identifier: Apache-2.0 */
/* prices --unknown: the models of steps whose cost nobody knows, and whether a price is missing or the usage is. */
#include "cli/prices.h"

static const sw_column columns[] = {
    {.title = "MODEL", .least = 12},
    {.title = "PROVIDER", .least = 8},
    {.title = "STEPS", .right = true},
    {.title = "COST UNKNOWN", .right = true},
    {.title = "TOKENS", .right = true, .drop = 1},
    {.title = "WHY"},
};

typedef struct missing {
    sw_str provider;
    sw_str model;
    sw_totals totals;
} missing;

typedef struct gathering {
    sw_cli *cli;
    missing *all;
    size_t count;
    size_t room;
} gathering;

static bool see_group(void *arg, const sw_usage_group *group)
{
    gathering *g = arg;
    sw_arena *arena = &g->cli->arena;
    missing *all = NULL;

    if (group->totals.cost_unknown == 0) {
        return true;
    }
    all = sw_arena_grow(arena, g->all, g->count, &g->room, sizeof *all);
    if (all) {
        g->all = all;
        all[g->count++] = (missing){.provider = sw_arena_str(arena, group->keys[0]),
                                    .model = sw_arena_str(arena, group->keys[1]),
                                    .totals = group->totals};
    }
    return all != NULL;
}

static const char *why(sw_cli *cli, const missing *m)
{
    sw_step like = {
        .provider_name = m->provider, .model = m->model, .created_at = sw_int_of(cli->now_us)};
    sw_actor actor = sw_prices_actor(cli);
    sw_error ignored = {.status = SW_STATUS_OK};
    sw_price price;

    if (!m->model.ptr) {
        return "no model";
    }
    if (sw_price_of(cli->ledger, &actor, &like, cli->memory, &price, &ignored) != SW_STATUS_OK) {
        return "no price";
    }
    return m->totals.usage_unknown >= m->totals.cost_unknown ? "usage not reported"
                                                             : "part of the price, or its day";
}

static void print_json(sw_cli *cli, const missing *m)
{
    sw_cli_json json;

    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, "provider_name", m->provider);
    sw_cli_json_str(&json, "model", m->model);
    sw_cli_json_int(&json, "num_steps", true, m->totals.num_steps);
    sw_cli_json_int(&json, "cost_unknown", true, m->totals.cost_unknown);
    sw_cli_json_int(&json, "total_tokens", true, m->totals.total_tokens);
    sw_cli_json_str(&json, "why", sw_str_from(why(cli, m)));
    sw_json_close(&json.out, '}');
    (void)sw_cli_json_end(cli, &json);
}

static void add_row(sw_cli *cli, sw_table *table, const missing *m)
{
    sw_arena *arena = &cli->arena;

    sw_table_add(table, m->model.ptr ? sw_text_clean(arena, m->model, false) : SW_STR("-"),
                 SW_STYLE_PLAIN);
    sw_table_add(table, m->provider.ptr ? sw_text_clean(arena, m->provider, false) : SW_STR("-"),
                 SW_STYLE_PLAIN);
    sw_table_add(table, sw_show_count(arena, m->totals.num_steps), SW_STYLE_PLAIN);
    sw_table_add(table, sw_show_count(arena, m->totals.cost_unknown), SW_STYLE_WARN);
    sw_table_add(table, sw_show_count(arena, m->totals.total_tokens), SW_STYLE_PLAIN);
    sw_table_add(table, sw_str_from(why(cli, m)), SW_STYLE_PLAIN);
}

sw_status sw_prices_unknown(sw_cli *cli)
{
    gathering g = {.cli = cli};
    sw_usage_query query = {.by = {SW_DIMENSION_PROVIDER, SW_DIMENSION_MODEL},
                            .by_count = 2,
                            .from = sw_cli_time(cli, SW_OPTION_PRICE_SINCE),
                            .to = sw_cli_time(cli, SW_OPTION_PRICE_UNTIL)};
    sw_usage_end end = {.complete = true};
    sw_actor actor = sw_prices_actor(cli);
    sw_table table;
    sw_status status = sw_cli_open(cli, false);

    if (status == SW_STATUS_OK) {
        status = sw_usage(cli->ledger, &actor, &query, see_group, &g, &end, &cli->error);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_table_init(&table, columns, SW_COUNT(columns));
    for (size_t i = 0; i < g.count; i++) {
        if (sw_cli_is_data(cli)) {
            print_json(cli, &g.all[i]);
        } else {
            add_row(cli, &table, &g.all[i]);
        }
    }
    if (!sw_cli_is_data(cli)) {
        status = sw_table_print(&table, cli->out, cli->terminal.limit, cli->terminal.colour);
        if (g.count == 0) {
            fprintf(cli->err, "Every step has a cost.\n");
        }
    }
    if (!end.complete) {
        fprintf(cli->err,
                "There are more steps than one question reads; narrow it with --since.\n");
    }
    sw_table_fini(&table);
    return status;
}
