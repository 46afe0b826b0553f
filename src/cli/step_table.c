/* SPDX-License-Identifier: Apache-2.0 */
/* The table of steps: when, how it ended, on what, how much, and under which id. On a terminal
 * times are relative and ids may lose their prefix to save room (show takes them back without it);
 * elsewhere times are ISO 8601 and ids are whole.
 */
#include "cli/cli.h"

enum { BARE_BELOW = 110 }; /* columns of a terminal on which whole ids would crowd out the rest */

static const sw_column columns[] = {
    {.title = "WHEN"},
    {.title = "STATUS"},
    {"MODEL", .least = 9},
    {"ORGANIZATION", .least = 10, .drop = 2},
    {"TOKENS", .right = true},
    {"COST", .right = true, .drop = 3},
    {"WHAT", .least = 16, .drop = 4},
    {.title = "ID"},
};

sw_style sw_step_status_style(int64_t status)
{
    switch ((sw_step_status)status) {
    case SW_STEP_STATUS_SUCCESS:
        return SW_STYLE_GOOD;
    case SW_STEP_STATUS_FAILED:
        return SW_STYLE_BAD;
    case SW_STEP_STATUS_CANCELLED:
        return SW_STYLE_WARN;
    case SW_STEP_STATUS_PENDING:
        break;
    }
    return SW_STYLE_PLAIN;
}

bool sw_cli_is_narrow(const sw_cli *cli)
{
    return cli->terminal.limit > 0 && cli->terminal.limit < BARE_BELOW;
}

sw_str sw_step_id_shown(const sw_cli *cli, sw_str id)
{
    sw_str prefix = SW_STR("step-");
    bool whole = !sw_cli_is_narrow(cli) || id.len <= prefix.len ||
                 memcmp(id.ptr, prefix.ptr, prefix.len) != 0;
    return whole ? id : sw_str_make(id.ptr + prefix.len, id.len - prefix.len);
}

void sw_step_table_init(sw_step_table *steps, sw_cli *cli, bool organizations)
{
    *steps = (sw_step_table){.cli = cli, .organizations = organizations};
    sw_table_init(&steps->table, columns, SW_COUNT(columns));
    sw_arena_init(&steps->arena, &sw__libc_allocator, 0);
}

void sw_step_table_fini(sw_step_table *steps)
{
    sw_table_fini(&steps->table);
    sw_arena_fini(&steps->arena);
}

static void add_clean(sw_step_table *steps, sw_str text, sw_style style)
{
    sw_table_add(&steps->table, sw_text_clean(&steps->arena, text, false), style);
}

/* The error of a step that failed, else what it answered or was asked. */
static void add_what(sw_step_table *steps, const sw_step *step)
{
    if (step->error_type.ptr) {
        add_clean(steps, step->error_type, SW_STYLE_BAD);
    } else {
        add_clean(steps, step->output_preview.len ? step->output_preview : step->input_preview,
                  SW_STYLE_DIM);
    }
}

static void add_organization(sw_step_table *steps, sw_str id)
{
    sw_str name = steps->organizations ? sw_cli_name_of(steps->cli, id) : SW_NULL_STR;
    add_clean(steps, name.ptr ? name : steps->organizations ? id : SW_NULL_STR, SW_STYLE_PLAIN);
}

static void add_tokens(sw_step_table *steps, const sw_step *step)
{
    bool known = step->usage_state.known && step->usage_state.value != SW_USAGE_STATE_UNKNOWN;
    sw_str tokens =
        known ? sw_show_count(&steps->arena, step->total_tokens.value) : SW_STR("unknown");
    sw_table_add(&steps->table, tokens, known ? SW_STYLE_PLAIN : SW_STYLE_DIM);
}

static void add_cost(sw_step_table *steps, const sw_step *step)
{
    bool known = step->cost_nano_usd.known != 0;
    sw_str cost =
        known ? sw_show_money(&steps->arena, step->cost_nano_usd.value) : SW_STR("unknown");
    sw_table_add(&steps->table, cost, known ? SW_STYLE_PLAIN : SW_STYLE_DIM);
}

static void add_id(sw_step_table *steps, sw_str id)
{
    add_clean(steps, sw_step_id_shown(steps->cli, id), SW_STYLE_PLAIN);
}

void sw_step_table_add(sw_step_table *steps, const sw_step *step)
{
    sw_cli *cli = steps->cli;
    int64_t created = step->created_at.value;
    const char *status = sw_enum_word(SW_ENUM_step_status, step->status.value);
    sw_str when = cli->terminal.is_terminal ? sw_show_ago(&steps->arena, created, cli->now_us)
                                            : sw_zone_show(&steps->arena, &cli->zone, created);
    sw_table_add(&steps->table, when, SW_STYLE_DIM);
    sw_table_add(&steps->table, sw_str_from(status ? status : "?"),
                 sw_step_status_style(step->status.value));
    add_clean(steps, step->model.ptr ? step->model : SW_STR("unknown"), SW_STYLE_PLAIN);
    add_organization(steps, step->organization_id);
    add_tokens(steps, step);
    add_cost(steps, step);
    add_what(steps, step);
    add_id(steps, step->id);
}

sw_status sw_step_table_print(sw_step_table *steps)
{
    sw_cli *cli = steps->cli;
    if (steps->arena.failed) {
        return sw_no_memory(&cli->error);
    }
    sw_status status =
        sw_table_print(&steps->table, cli->out, cli->terminal.limit, cli->terminal.colour);
    sw_table_next_page(&steps->table);
    sw_arena_reset(&steps->arena);
    return status == SW_STATUS_OK ? status : sw_no_memory(&cli->error);
}
