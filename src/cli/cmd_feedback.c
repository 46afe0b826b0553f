/* SPDX-License-Identifier: Apache-2.0 */
/* feedback: says what somebody thought of a step, or takes it back. */
#include "cli/source.h"

static sw_status read_word(sw_cli *cli, sw_int *out)
{
    const char *const words[] = {"positive", "negative", "clear"};
    if (!cli->argument2) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "feedback needs a word too; write stepwell feedback ID positive, negative "
                       "or clear");
    }
    sw_str word = sw_str_from(cli->argument2);
    int value = sw_enum_find(SW_ENUM_feedback, word);
    *out = value < 0 ? SW_NULL_INT : sw_int_of(value);
    if (value >= 0 || strcmp(cli->argument2, "clear") == 0) {
        return SW_STATUS_OK;
    }
    int near = sw_nearest(word, words, SW_COUNT(words));
    return sw_fail(&cli->error, SW_STATUS_INVALID, "", "feedback cannot be %s%s%s%s",
                   cli->argument2,
                   near < 0 ? "; write positive, negative or clear" : "; did you mean ",
                   near < 0 ? "" : words[near], near < 0 ? "" : "?");
}

static sw_status print_data(sw_cli *cli, sw_str id, sw_int word)
{
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, "step_id", id);
    sw_cli_json_key(&json, "feedback");
    sw_json_str(&json.out,
                sw_str_from(word.known ? sw_enum_word(SW_ENUM_feedback, word.value) : NULL));
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

int sw_cli_feedback(sw_cli *cli)
{
    uint8_t uuid[SW_UUID];
    sw_int word = SW_NULL_INT;
    sw_str id = sw_str_from(cli->argument);
    sw_status status = read_word(cli, &word);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, NULL);
    }
    if (sw_uuid_parse(id, uuid)) {
        id = sw_arena_printf(&cli->arena, "step-%s", cli->argument);
    }
    status = sw_cli_source(cli, true);
    if (status == SW_STATUS_OK) {
        status = sw_source_feedback(cli, id, word);
    }
    if (status == SW_STATUS_OK && sw_cli_is_data(cli)) {
        status = print_data(cli, id, word);
    } else if (status == SW_STATUS_OK) {
        fprintf(cli->out, "%s: feedback is %s\n", sw_text_or_blank(id),
                word.known ? cli->argument2 : "cleared");
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
