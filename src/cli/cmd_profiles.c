/* SPDX-License-Identifier: Apache-2.0 */
/* profiles: what can be said with --profile, and where it is written down. Keys are not shown. */
#include "cli/where.h"

static sw_str shown(const sw_profile *profile, size_t row)
{
    const char *value = profile->values[row];
    return row == SW_PROFILE_KEY && value ? SW_STR("(set)") : sw_str_from(value);
}

static sw_status print_data(sw_cli *cli, const sw_profiles *all)
{
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    json.list = "profiles";
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, "file", sw_profiles_path(cli));
    sw_cli_json_key(&json, "profiles");
    sw_json_open(&json.out, '[');
    for (size_t i = 0; i < all->count; i++) {
        sw_json_open(&json.out, '{');
        sw_cli_json_str(&json, "name", sw_str_from(all->rows[i].name));
        for (size_t row = 0; row < SW_PROFILE_COUNT; row++) {
            sw_cli_json_str(&json, sw_where_name(row), shown(&all->rows[i], row));
        }
        sw_json_close(&json.out, '}');
    }
    sw_json_close(&json.out, ']');
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

static sw_status print_words(sw_cli *cli, const sw_profiles *all)
{
    static const sw_column columns[] = {
        {.title = "PROFILE"}, {"STORE", .least = 12}, {"SERVER", .least = 12},
        {.title = "KEY"},     {"CA", .least = 8},
    };
    sw_table table;
    if (all->count == 0) {
        fprintf(cli->out,
                "No profiles. Write some into %s, for its owner alone:\n\n  [work]\n  server = "
                "https://stepwell.example.com\n  key = sw_...\n",
                sw_text_or_blank(sw_profiles_path(cli)));
        return SW_STATUS_OK;
    }
    sw_table_init(&table, columns, SW_COUNT(columns));
    for (size_t i = 0; i < all->count; i++) {
        sw_table_add(&table, sw_str_from(all->rows[i].name), SW_STYLE_BOLD);
        for (size_t row = 0; row < SW_PROFILE_COUNT; row++) {
            sw_table_add(&table, shown(&all->rows[i], row), SW_STYLE_PLAIN);
        }
    }
    sw_status status = sw_table_print(&table, cli->out, cli->terminal.limit, cli->terminal.colour);
    sw_table_fini(&table);
    return status;
}

int sw_cli_profiles(sw_cli *cli)
{
    sw_profiles all;
    sw_status status = sw_profiles_read(cli, &all);
    if (status == SW_STATUS_OK) {
        status = sw_cli_is_data(cli) ? print_data(cli, &all) : print_words(cli, &all);
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli) : sw_cli_fail(cli, status, NULL);
}
