/* SPDX-License-Identifier: Apache-2.0 */
/* From the words of a command line to an invocation. Knows no command and no option by name except
 * --help: everything it needs stands in the rows. Values are checked here, once, so that a command
 * may read them without asking whether they are right.
 */
#include "cli/cli.h"

#include <stdlib.h>

/* Whoever counts on from it, or in microseconds, need not ask whether there is room. */
#define COUNT_MOST INT64_C(1000000000000)

/* The words still to be read. */
typedef struct words {
    const char *const *at;
    const char *const *end;
} words;

/* ---- suggestions ----------------------------------------------------------------------------- */

sw_status sw_cli_find_command(const char *word, sw_command_id *out, sw_error *err)
{
    const char *names[SW_COMMAND_COUNT];
    for (size_t i = 0; i < SW_COMMAND_COUNT; i++) {
        names[i] = sw__commands[i].name;
        if (strcmp(word, names[i]) == 0) {
            *out = (sw_command_id)i;
            return SW_STATUS_OK;
        }
    }
    int near = sw_nearest(sw_str_from(word), names, SW_COMMAND_COUNT);
    if (near >= 0) {
        return sw_fail(err, SW_STATUS_INVALID, "", "no command is called %s; did you mean %s?",
                       word, names[near]);
    }
    return sw_fail(err, SW_STATUS_INVALID, "", "no command is called %s; stepwell help lists them",
                   word);
}

/* An option that another command has is worth saying; else the nearest of this command's. */
static sw_status unknown_option(sw_cli *cli, sw_str name)
{
    const char *names[SW_OPTION_COUNT];
    size_t count = 0;
    const char *command = sw__commands[cli->command].name;
    for (size_t i = 0; i < SW_OPTION_COUNT; i++) {
        if (sw_option_is_of((sw_option_id)i, cli->command)) {
            names[count++] = sw__options[i].name;
        }
    }
    int near = sw_nearest(name, names, count);
    if (near >= 0) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "%s has no option --%.*s; did you mean --%s?", command, (int)name.len,
                       name.ptr, names[near]);
    }
    return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                   "%s has no option --%.*s; stepwell help %s lists what it has", command,
                   (int)name.len, name.ptr, command);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Nothing is near: a short list is told whole. */
static sw_status refuse_word(sw_cli *cli, const sw_option *option, const sw_enum_info *list,
                             const char *value)
{
    char all[128] = "";
    size_t len = 0;
    for (size_t i = 0; i < list->count && len < sizeof all; i++) {
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "", list->words[i]);
    }
    return len < sizeof all
               ? sw_fail(&cli->error, SW_STATUS_INVALID, "", "--%s cannot be %s; it is one of %s",
                         option->name, value, all)
               : sw_fail(&cli->error, SW_STATUS_INVALID, "",
                         "--%s cannot be %s; stepwell help %s says what", option->name, value,
                         sw__commands[cli->command].name);
}

static sw_status check_word(sw_cli *cli, const sw_option *option, const char *value)
{
    const sw_enum_info *list = &sw__enums[option->words];
    if (sw_enum_find(option->words, sw_str_from(value)) >= 0) {
        return SW_STATUS_OK;
    }
    int near = sw_nearest(sw_str_from(value), list->words, list->count);
    if (near >= 0) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "", "--%s cannot be %s; did you mean %s?",
                       option->name, value, list->words[near]);
    }
    return refuse_word(cli, option, list, value);
}

static sw_status check_value(sw_cli *cli, const sw_option *option, const char *value)
{
    int64_t number = 0;
    sw_str text = sw_str_from(value);
    switch (option->kind) {
    case SW_OPTION_IS_FLAG:
        break;
    case SW_OPTION_IS_TEXT:
        if (!text.len || !sw_utf8_valid(text)) {
            return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                           "--%s needs a text in UTF-8 that is not empty", option->name);
        }
        break;
    case SW_OPTION_IS_COUNT:
        if (!sw_parse_int(text, &number) || number < 0 || number > COUNT_MOST) {
            return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                           "--%s needs a whole number of 0 to %lld, not %s", option->name,
                           (long long)COUNT_MOST, value);
        }
        break;
    case SW_OPTION_IS_TIME:
        if (!sw_time_read(text, cli->now_us, NULL, &number)) {
            return sw_fail(
                &cli->error, SW_STATUS_INVALID, "",
                "--%s needs a time such as 2026-11-22, 2026-11-22T10:00:00Z, today or 2h, "
                "not %s",
                option->name, value);
        }
        break;
    case SW_OPTION_IS_WORD:
        return check_word(cli, option, value);
    }
    return SW_STATUS_OK;
}

static sw_status keep_value(sw_cli *cli, size_t id, const char *value)
{
    const sw_option *option = &sw__options[id];
    sw_status status = check_value(cli, option, value);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (cli->counts[id] > 0 && !option->repeats) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "", "--%s is given twice; give it once",
                       option->name);
    }
    if (cli->counts[id] == SW_CLI_REPEATS) {
        return sw_fail(&cli->error, SW_STATUS_TOO_LARGE, "", "--%s may be given %d times at most",
                       option->name, SW_CLI_REPEATS);
    }
    cli->values[id][cli->counts[id]++] = value;
    return SW_STATUS_OK;
}

/* ---- words ----------------------------------------------------------------------------------- */

static int find_option(const sw_cli *cli, sw_str name)
{
    for (size_t i = 0; i < SW_OPTION_COUNT; i++) {
        if (sw_option_is_of((sw_option_id)i, cli->command) &&
            sw_str_eq(name, sw_str_from(sw__options[i].name))) {
            return (int)i;
        }
    }
    return -1;
}

static sw_status read_flag(sw_cli *cli, size_t id, const char *equals)
{
    if (equals) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "", "--%s takes no value; leave it out",
                       sw__options[id].name);
    }
    cli->counts[id] = 1;
    return SW_STATUS_OK;
}

/* `word` begins with two dashes; its value stands behind '=' or is the next word. */
static sw_status read_option(sw_cli *cli, const char *word, words *rest)
{
    const char *equals = strchr(word, '=');
    const char *end = equals ? equals : word + strlen(word);
    sw_str name = sw_str_make(word + 2, (size_t)(end - word) - 2);
    int id = find_option(cli, name);
    if (id < 0) {
        return unknown_option(cli, name);
    }
    if (sw__options[id].kind == SW_OPTION_IS_FLAG) {
        return read_flag(cli, (size_t)id, equals);
    }
    if (!equals && rest->at == rest->end) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "", "--%s needs a value; write --%s %s",
                       sw__options[id].name, sw__options[id].name, sw__options[id].argument);
    }
    return keep_value(cli, (size_t)id, equals ? equals + 1 : *rest->at++);
}

static int arguments_given(const sw_cli *cli)
{
    return (cli->argument ? 1 : 0) + (cli->argument2 ? 1 : 0) + (int)cli->more_count;
}

static sw_status read_argument(sw_cli *cli, const char *word)
{
    const sw_command *command = &sw__commands[cli->command];
    int given = arguments_given(cli);
    if (given >= command->arguments_max) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "%s takes no %s; stepwell help %s says what it takes", command->name, word,
                       command->name);
    }
    if (given == 0) {
        cli->argument = word;
    } else if (given == 1) {
        cli->argument2 = word;
    } else {
        sw_assert(cli->more_count < SW_CLI_MORE);
        cli->more[cli->more_count++] = word;
    }
    return SW_STATUS_OK;
}

static sw_status read_words(sw_cli *cli, words *rest)
{
    bool options = true;
    sw_status status = SW_STATUS_OK;
    while (rest->at < rest->end && status == SW_STATUS_OK) {
        const char *word = *rest->at++;
        if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options && strcmp(word, "-h") == 0) {
            cli->counts[SW_OPTION_HELP] = 1;
        } else if (options && word[0] == '-' && word[1] == '-') {
            status = read_option(cli, word, rest);
        } else if (options && word[0] == '-' && word[1]) {
            status = unknown_option(cli, sw_str_from(word + 1));
        } else {
            status = read_argument(cli, word);
        }
    }
    return status;
}

static sw_status check_arguments(sw_cli *cli)
{
    const sw_command *command = &sw__commands[cli->command];
    if (arguments_given(cli) < command->arguments_min && !sw_cli_has(cli, SW_OPTION_HELP)) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "", "%s needs %s; write stepwell %s %s",
                       command->name, command->arguments, command->name, command->arguments);
    }
    return SW_STATUS_OK;
}

sw_status sw_cli_parse(sw_cli *cli, int count, const char *const *words_given)
{
    words rest = {words_given, words_given + count};
    const char *first = count > 0 ? *rest.at++ : "help";
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        first = "help";
    } else if (strcmp(first, "--version") == 0) {
        first = "version";
    }
    if (first[0] == '-') {
        static const char *const alone[] = {"--help", "--version"};
        int near = sw_nearest(sw_str_from(first), alone, SW_COUNT(alone));
        if (near >= 0) {
            return sw_fail(&cli->error, SW_STATUS_INVALID, "", "there is no %s; did you mean %s?",
                           first, alone[near]);
        }
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "the command comes before %s; stepwell help lists the commands", first);
    }
    sw_status status = sw_cli_find_command(first, &cli->command, &cli->error);
    if (status == SW_STATUS_OK) {
        status = read_words(cli, &rest);
    }
    return status == SW_STATUS_OK ? check_arguments(cli) : status;
}

/* ---- reading what was given ------------------------------------------------------------------ */

bool sw_cli_has(const sw_cli *cli, sw_option_id option)
{
    return cli->counts[option] > 0;
}

const char *sw_cli_text(const sw_cli *cli, sw_option_id option)
{
    return sw_cli_has(cli, option) ? cli->values[option][0] : sw__options[option].fallback;
}

int64_t sw_cli_count(const sw_cli *cli, sw_option_id option)
{
    int64_t number = 0;
    sw_assert(sw_parse_int(sw_str_from(sw_cli_text(cli, option)), &number));
    return number;
}

sw_int sw_cli_time(const sw_cli *cli, sw_option_id option)
{
    int64_t us = 0;
    const char *text = sw_cli_text(cli, option);
    if (!text) {
        return SW_NULL_INT;
    }
    sw_assert(sw_time_read(sw_str_from(text), cli->now_us, &cli->zone, &us));
    return sw_int_of(us);
}
