/* SPDX-License-Identifier: Apache-2.0 */
/* From the options that narrow a question (--run, --model, --since ...) to conditions over steps.
 * One table says which option is which field; an option given several times means any of its
 * values.
 */
#include "cli/cli.h"

typedef struct filter_row {
    sw_option_id option;
    uint8_t field;
    sw_op op;
} filter_row;

static const filter_row rows[] = {
    {SW_OPTION_RUN, SW_STEP_RUN_ID, SW_OP_IN},
    {SW_OPTION_AGENT, SW_STEP_AGENT_ID, SW_OP_IN},
    {SW_OPTION_MODEL, SW_STEP_MODEL, SW_OP_IN},
    {SW_OPTION_STATUS, SW_STEP_STATUS, SW_OP_IN},
    {SW_OPTION_PROVIDER, SW_STEP_PROVIDER_NAME, SW_OP_IN},
    {SW_OPTION_PROJECT, SW_STEP_PROJECT_ID, SW_OP_IN},
    {SW_OPTION_TAG, SW_STEP_TAGS, SW_OP_TAG_ALL},
};

static void keep(sw_cli_filter *filter, uint8_t field, sw_op op, const sw_value *values,
                 size_t count)
{
    sw_assert(filter->count < SW_CLI_CONDITIONS);
    filter->conditions[filter->count++] =
        (sw_condition){.field = field, .op = op, .values = values, .count = count};
}

static sw_status add_option(sw_cli *cli, const filter_row *row, sw_cli_filter *out)
{
    const sw_option *option = &sw__options[row->option];
    size_t count = cli->counts[row->option];
    if (count == 0) {
        return SW_STATUS_OK;
    }
    sw_value *values = sw_arena_zeroed(&cli->arena, count * sizeof *values);
    if (!values) {
        return sw_no_memory(&cli->error);
    }
    for (size_t i = 0; i < count; i++) {
        values[i].text = sw_str_from(cli->values[row->option][i]);
        if (option->kind == SW_OPTION_IS_WORD) {
            values[i].number = sw_enum_find(option->words, values[i].text);
            values[i].text = SW_NULL_STR;
        }
    }
    /* One value is a plain equality, which every index answers. */
    keep(out, row->field, row->op == SW_OP_IN && count == 1 ? SW_OP_EQ : row->op, values, count);
    return SW_STATUS_OK;
}

static sw_status add_number(sw_cli *cli, uint8_t field, sw_op op, int64_t number,
                            sw_cli_filter *out)
{
    sw_value *value = sw_arena_zeroed(&cli->arena, sizeof *value);
    if (!value) {
        return sw_no_memory(&cli->error);
    }
    value->number = number;
    keep(out, field, op, value, 1);
    return SW_STATUS_OK;
}

sw_status sw_cli_filter_read(sw_cli *cli, sw_cli_filter *out)
{
    sw_status status = SW_STATUS_OK;
    *out = (sw_cli_filter){0};
    for (size_t i = 0; i < SW_COUNT(rows) && status == SW_STATUS_OK; i++) {
        status = add_option(cli, &rows[i], out);
    }
    if (status == SW_STATUS_OK && sw_cli_has(cli, SW_OPTION_FAILED)) {
        status = add_number(cli, SW_STEP_STATUS, SW_OP_EQ, SW_STEP_STATUS_FAILED, out);
    }
    return status;
}

sw_status sw_cli_filter_times(sw_cli *cli, sw_cli_filter *out)
{
    sw_status status = SW_STATUS_OK;
    sw_int since = sw_cli_time(cli, SW_OPTION_SINCE);
    sw_int until = sw_cli_time(cli, SW_OPTION_UNTIL);
    if (since.known) {
        status = add_number(cli, SW_STEP_CREATED_AT, SW_OP_GE, since.value, out);
    }
    if (until.known && status == SW_STATUS_OK) {
        status = add_number(cli, SW_STEP_CREATED_AT, SW_OP_LT, until.value, out);
    }
    return status;
}
