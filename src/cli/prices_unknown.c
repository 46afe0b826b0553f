/* SPDX-License-Identifier: Apache-2.0 */
/* prices --unknown: the models of steps whose cost nobody knows, and whether a price is missing or the usage is. */
#include "cli/prices.h"

static const sw_column columns[] = {
    {.title = "MODEL", .least = 20},
    {.title = "PROVIDER", .least = 8, .drop = 2},
    {.title = "STEPS", .right = true},
    {.title = "COST UNKNOWN", .right = true},
    {.title = "TOKENS", .right = true, .drop = 3},
    {.title = "WHY"},
};

typedef struct listing {
    sw_cli *cli;
    sw_table table;
    size_t count;
    sw_status status; /* of what was printed */
} listing;

static sw_status print_json(sw_cli *cli, const sw_unknown_cost *unknown)
{
    sw_cli_json json;

    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, "provider_name", unknown->provider_name);
    sw_cli_json_str(&json, "model", unknown->model);
    sw_cli_json_int(&json, "num_steps", true, unknown->totals.num_steps);
    sw_cli_json_int(&json, "cost_unknown", true, unknown->totals.cost_unknown);
    sw_cli_json_int(&json, "total_tokens", true, unknown->totals.total_tokens);
    sw_cli_json_str(&json, "why", sw_str_from(sw_enum_word(SW_ENUM_cost_gap, unknown->why)));
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

static void add_row(listing *list, const sw_unknown_cost *unknown)
{
    static const char *const whys[] = {
        [SW_COST_GAP_MODEL] = "no model",
        [SW_COST_GAP_PRICE] = "no price",
        [SW_COST_GAP_USAGE] = "usage not wholly reported",
        [SW_COST_GAP_UNFIT] = "a price that came later, or lacks a part",
    };
    sw_arena *arena = &list->cli->arena;
    sw_str names[] = {sw_text_clean(arena, unknown->model, false),
                      sw_text_clean(arena, unknown->provider_name, false)};
    const int64_t counts[] = {unknown->totals.num_steps, unknown->totals.cost_unknown,
                              unknown->totals.total_tokens};

    for (size_t i = 0; i < SW_COUNT(names); i++) {
        sw_table_add(&list->table, names[i].len ? names[i] : SW_STR("-"), SW_STYLE_PLAIN);
    }
    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        sw_table_add(&list->table, sw_show_count(arena, counts[i]),
                     i == 1 ? SW_STYLE_WARN : SW_STYLE_PLAIN);
    }
    sw_table_add(&list->table, sw_str_from(whys[unknown->why]), SW_STYLE_PLAIN);
}

static bool see_one(void *arg, const sw_unknown_cost *unknown)
{
    listing *list = arg;

    list->count++;
    if (sw_cli_is_data(list->cli)) {
        list->status = print_json(list->cli, unknown);
    } else {
        add_row(list, unknown);
    }
    return list->status == SW_STATUS_OK;
}

static sw_status ask(sw_cli *cli, listing *list)
{
    bool complete = false;
    sw_status status =
        sw_source_unknown_costs(cli, sw_cli_time(cli, SW_OPTION_PRICE_SINCE),
                                sw_cli_time(cli, SW_OPTION_PRICE_UNTIL), see_one, list, &complete);

    status = status == SW_STATUS_OK ? list->status : status;
    if (status == SW_STATUS_OK && !sw_cli_is_data(cli) && list->count > 0) {
        status = sw_table_print(&list->table, cli->out, cli->terminal.limit, cli->terminal.colour);
    }
    if (status == SW_STATUS_OK && list->count == 0 && !sw_cli_is_data(cli)) {
        fprintf(cli->err, "Every step has a cost.\n");
    }
    if (status == SW_STATUS_OK && !complete) {
        fprintf(cli->err,
                "There are more steps than one question reads; narrow it with --since.\n");
    }
    return status;
}

sw_status sw_prices_unknown(sw_cli *cli)
{
    listing list = {.cli = cli, .status = SW_STATUS_OK};
    sw_status status = sw_cli_source(cli, false);

    sw_table_init(&list.table, columns, SW_COUNT(columns));
    if (status == SW_STATUS_OK) {
        status = ask(cli, &list);
    }
    sw_table_fini(&list.table);
    return status;
}
