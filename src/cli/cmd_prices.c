/* SPDX-License-Identifier: Apache-2.0 */
/* prices: what models cost. The organization's own prices come first, then those that are compiled in, as they hold now;
 * of a model those that fit it. Setting is prices_set.c, what has no price prices_unknown.c.
 */
#include "cli/prices.h"
#include "codec/record.h"

static const sw_column columns[] = {
    {.title = "PRICE", .least = 20},
    {.title = "MODEL", .least = 8, .drop = 4},
    {.title = "FROM"},
    {.title = "ABOVE", .right = true},
    {.title = "INPUT", .right = true},
    {.title = "OUTPUT", .right = true},
    {.title = "CACHE READ", .right = true},
    {.title = "WRITE 5M", .right = true, .drop = 2},
    {.title = "WRITE 1H", .right = true, .drop = 3},
    {.title = "AUDIO IN", .right = true, .drop = 5},
    {.title = "AUDIO OUT", .right = true, .drop = 6},
    {.title = "A CALL", .right = true, .drop = 7},
    {.title = "BATCH", .right = true, .drop = 1},
};

typedef struct listing {
    sw_cli *cli;
    sw_price *prices; /* that are shown */
    size_t count;
    size_t room;
    sw_table table;
} listing;

static bool take(listing *list, const sw_price *price)
{
    sw_arena *arena = &list->cli->arena;
    sw_price *prices = sw_arena_grow(arena, list->prices, list->count, &list->room, sizeof *prices);

    if (prices) {
        list->prices = prices;
        (void)sw_row_copy(sw_record_of(SW_RECORD_PRICE), &prices[list->count++], price, arena);
    }
    return prices != NULL;
}

static bool is_asked(const sw_cli *cli, const sw_price *price)
{
    const char *provider = sw_cli_text(cli, SW_OPTION_PRICE_PROVIDER);

    return (!provider || (price->provider_name.ptr &&
                          sw_str_contains_nocase(price->provider_name, sw_str_from(provider)))) &&
           (!cli->argument || sw_price_fits(price, sw_str_from(cli->argument)));
}

static bool see_own(void *arg, const void *row)
{
    listing *list = arg;
    return !is_asked(list->cli, row) || take(list, row);
}

/* Holds now, and no later one of the same kind does. */
static bool holds(const listing *list, const sw_price *price)
{
    int64_t now = list->cli->now_us;

    if ((price->effective_from.known && price->effective_from.value > now) ||
        (price->effective_to.known && price->effective_to.value <= now)) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        const sw_price *other = &list->prices[i];
        bool same = sw_str_eq(other->model, price->model) &&
                    sw_str_eq(other->provider_name, price->provider_name) &&
                    sw_str_eq(other->service_tier, price->service_tier) &&
                    sw_str_eq(other->organization_id, price->organization_id);
        if (same && other->effective_from.known && other->effective_from.value <= now &&
            (!price->effective_from.known ||
             other->effective_from.value > price->effective_from.value)) {
            return false;
        }
    }
    return true;
}

static sw_status gather(sw_cli *cli, listing *list)
{
    sw_list_query query = {.limit = -1};
    sw_list_end end;
    sw_status status = sw_source_list(cli, SW_RECORD_PRICE, &query, see_own, list, &end);

    for (size_t i = 0; i < sw_list_price_count() && status == SW_STATUS_OK; i++) {
        sw_price price;
        sw_list_price(i, &price);
        if (is_asked(cli, &price) && !take(list, &price)) {
            status = sw_no_memory(&cli->error);
        }
    }
    return status == SW_STATUS_OK && cli->arena.failed ? sw_no_memory(&cli->error) : status;
}

static void add_money(listing *list, sw_int nano_usd)
{
    sw_table_add(&list->table,
                 nano_usd.known ? sw_show_money_exact(&list->cli->arena, nano_usd.value)
                                : SW_STR(""),
                 SW_STYLE_PLAIN);
}

static void add_row(listing *list, const sw_price *price)
{
    sw_arena *arena = &list->cli->arena;
    const sw_int shown[] = {price->input_nano_usd,          price->output_nano_usd,
                            price->cache_read_nano_usd,     price->cache_write_5m_nano_usd,
                            price->cache_write_1h_nano_usd, price->audio_input_nano_usd,
                            price->audio_output_nano_usd};
    sw_int call = price->request_nano_usd;

    sw_table_add(&list->table, price->id,
                 price->organization_id.ptr ? SW_STYLE_BOLD : SW_STYLE_PLAIN);
    sw_table_add(&list->table, sw_text_clean(arena, price->model, false), SW_STYLE_DIM);
    sw_table_add(&list->table,
                 price->effective_from.known ? sw_show_day(arena, price->effective_from.value)
                                             : SW_STR(""),
                 SW_STYLE_PLAIN);
    sw_table_add(&list->table,
                 price->above_tokens.value ? sw_show_count(arena, price->above_tokens.value)
                                           : SW_STR(""),
                 SW_STYLE_PLAIN);
    for (size_t i = 0; i < SW_COUNT(shown); i++) {
        add_money(list, shown[i]);
    }
    add_money(list, call.known ? sw_int_of(call.value / 1000000) : call);
    sw_table_add(&list->table,
                 price->batch_percent.known
                     ? sw_arena_printf(arena, "%d %%", (int)price->batch_percent.value)
                     : SW_STR(""),
                 SW_STYLE_PLAIN);
}

static sw_status print_json(sw_cli *cli, const sw_price *price)
{
    sw_cli_json json;

    sw_cli_json_begin(cli, &json);
    sw_record_write_json(SW_RECORD_PRICE, price, &json.out);
    return sw_cli_json_end(cli, &json);
}

static sw_status list_prices(sw_cli *cli)
{
    listing list = {.cli = cli};
    sw_status status = sw_cli_source(cli, false);
    size_t shown = 0;

    if (status == SW_STATUS_OK) {
        status = gather(cli, &list);
    }
    sw_table_init(&list.table, columns, SW_COUNT(columns));
    for (size_t i = 0; i < list.count && status == SW_STATUS_OK; i++) {
        if (!sw_cli_has(cli, SW_OPTION_PRICE_ALL) && !holds(&list, &list.prices[i])) {
            continue;
        }
        shown++;
        if (sw_cli_is_data(cli)) {
            status = print_json(cli, &list.prices[i]);
        } else {
            add_row(&list, &list.prices[i]);
        }
    }
    if (status == SW_STATUS_OK && !sw_cli_is_data(cli)) {
        status = sw_table_print(&list.table, cli->out, cli->terminal.limit, cli->terminal.colour);
        fprintf(cli->err, shown ? "Dollars a million tokens (a call: for one).\n"
                                : "No such price; stepwell prices set MODEL sets one.\n");
    }
    sw_table_fini(&list.table);
    return status;
}

/* Who forgets the verb must not take a list for his price being set. */
static sw_status list_or_unknown(sw_cli *cli)
{
    for (int i = SW_OPTION_PRICE_INPUT; i <= SW_OPTION_PRICE_FILE; i++) {
        if (sw_cli_has(cli, (sw_option_id)i)) {
            return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                           "--%s is for setting a price; write prices set", sw__options[i].name);
        }
    }
    if (sw_cli_has(cli, SW_OPTION_PRICE_UNKNOWN) && cli->argument) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "--unknown is about all models; leave %s out", cli->argument);
    }
    return sw_cli_has(cli, SW_OPTION_PRICE_UNKNOWN) ? sw_prices_unknown(cli) : list_prices(cli);
}

int sw_cli_prices(sw_cli *cli)
{
    const char *verb = cli->argument ? cli->argument : "";
    sw_status status = SW_STATUS_OK;

    if (strcmp(verb, "set") == 0) {
        status = sw_prices_set(cli);
    } else if (strcmp(verb, "delete") == 0) {
        status = sw_prices_delete(cli);
    } else if (cli->argument2) {
        status = sw_fail(
            &cli->error, SW_STATUS_INVALID, "",
            "prices cannot %s; write prices MODEL, prices set MODEL or prices delete ID", verb);
    } else {
        status = list_or_unknown(cli);
    }
    if (status == SW_STATUS_OK) {
        return sw_cli_finish(cli);
    }
    bool said = status == SW_STATUS_INVALID || status == SW_STATUS_NOT_FOUND;
    return sw_cli_fail(cli, status, said ? NULL : sw_cli_advice(status));
}
