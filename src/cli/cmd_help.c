/* SPDX-License-Identifier: Apache-2.0 */
/* help and version: all of it printed from the rows of model/commands.def, the manual
 * page too (stepwell help --man).
 */
#include "cli/cli.h"

enum { OPTION_COLUMN = 24 };

/* ---- for people ------------------------------------------------------------------------------ */

static void print_option(sw_cli *cli, const sw_option *option)
{
    char doc[640];
    int at = fprintf(cli->out, "  --%s%s%s", option->name, option->argument ? " " : "",
                     option->argument ? option->argument : "");
    snprintf(doc, sizeof doc, "%s%s%s%s", option->doc, option->fallback ? " Default: " : "",
             option->fallback ? option->fallback : "", option->fallback ? "." : "");
    fprintf(cli->out, "%*s", at < OPTION_COLUMN - 1 ? OPTION_COLUMN - at : 2, "");
    sw_text_wrap(cli->out, doc, at < OPTION_COLUMN - 1 ? OPTION_COLUMN : at + 2, OPTION_COLUMN,
                 cli->terminal.width);
}

void sw_cli_explain(sw_cli *cli, sw_command_id id)
{
    const sw_command *command = &sw__commands[id];
    bool blank = command->arguments[0] != '\0';
    int at =
        fprintf(cli->out, "stepwell %s%s%s", command->name, blank ? " " : "", command->arguments);
    fprintf(cli->out, "%s[OPTIONS]\n\n", at + 10 > cli->terminal.width ? "\n    " : " ");
    sw_text_wrap(cli->out, command->paragraph, 0, 0, cli->terminal.width);
    fputs("\nOptions:\n", cli->out);
    for (size_t i = 0; i < SW_OPTION_COUNT; i++) {
        if (sw_option_is_of((sw_option_id)i, id)) {
            print_option(cli, &sw__options[i]);
        }
    }
}

typedef struct overview_row {
    const char *group; /* else a command */
    sw_command_id command;
} overview_row;

static const overview_row overview[] = {
#define SW_COMMAND_GROUP(TITLE) {.group = TITLE},
#define SW_COMMAND(NAME, UPPER, ARGUMENTS, LEAST, MOST, LINE, PARAGRAPH)                           \
    {.command = SW_COMMAND_##UPPER},
#define SW_OPTION(NAME, TEXT, KIND, ARGUMENT, COMMANDS, ...)
#include "model/commands.def"
#undef SW_COMMAND
#undef SW_OPTION
};

static void print_overview(sw_cli *cli)
{
    fputs("stepwell: the system of record for the steps of AI agents\n\n"
          "Usage: stepwell COMMAND [OPTIONS]\n",
          cli->out);
    for (size_t i = 0; i < SW_COUNT(overview); i++) {
        const sw_command *command = &sw__commands[overview[i].command];
        if (overview[i].group) {
            fprintf(cli->out, "\n%s:\n", overview[i].group);
        } else {
            fprintf(cli->out, "  %-12s%s\n", command->name, command->line);
        }
    }
    fputc('\n', cli->out);
    sw_text_wrap(
        cli->out,
        "stepwell help COMMAND explains a command. To begin: stepwell import, for what agents wrote on this machine, or stepwell demo; then stepwell usage.",
        0, 0, cli->terminal.width);
}

/* ---- the manual page ------------------------------------------------------------------------- */

/* Text for troff: dashes that are minus signs, no line that begins with a request. */
static void print_roff(FILE *out, const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '-') {
            fputs("\\-", out);
        } else if (*at == '\\') {
            fputs("\\e", out);
        } else if ((*at == '.' || *at == '\'') && (at == text || at[-1] == '\n')) {
            fprintf(out, "\\&%c", *at);
        } else {
            fputc(*at, out);
        }
    }
}

static void print_roff_option(FILE *out, const sw_option *option)
{
    fputs(".TP\n\\fB\\-\\-", out);
    print_roff(out, option->name);
    fprintf(out, "\\fR%s%s%s\n", option->argument ? " \\fI" : "",
            option->argument ? option->argument : "", option->argument ? "\\fR" : "");
    print_roff(out, option->doc);
    if (option->fallback) {
        fputs(" Default: ", out);
        print_roff(out, option->fallback);
        fputc('.', out);
    }
    fputc('\n', out);
}

static void print_roff_command(FILE *out, sw_command_id id)
{
    const sw_command *command = &sw__commands[id];
    fprintf(out, ".SS stepwell %s%s%s\n", command->name, *command->arguments ? " " : "",
            command->arguments);
    print_roff(out, command->paragraph);
    fputc('\n', out);
    for (size_t i = 0; i < SW_OPTION_COUNT; i++) {
        if (sw_option_is_of((sw_option_id)i, id) && i != SW_OPTION_HELP) {
            print_roff_option(out, &sw__options[i]);
        }
    }
}

typedef struct exit_row {
    int code;
    const char *message;
} exit_row;

/* What an exit code means: the messages of every status that answers with it. */
static void print_roff_exit(FILE *out, const exit_row *rows, size_t count, int code)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].code != code) {
            continue;
        }
        if (first) {
            fprintf(out, ".TP\n\\fB%d\\fR\n", code);
        }
        fputs(first ? "" : ", ", out);
        print_roff(out, rows[i].message);
        first = false;
    }
    fputs(first ? "" : "\n", out);
}

static void print_roff_exits(FILE *out)
{
    enum { EXIT_MOST = 127 };
    static const exit_row rows[] = {
#define SW_STATUS(NAME, NUMBER, HTTP, EXIT, RETRY, MESSAGE, DOC) {EXIT, MESSAGE},
#include "model/status.def"
#undef SW_STATUS
    };
    for (int code = 0; code <= EXIT_MOST; code++) {
        print_roff_exit(out, rows, SW_COUNT(rows), code);
    }
}

static void print_manual(FILE *out)
{
    fprintf(out, ".\\\" Printed by: stepwell help --man\n.TH STEPWELL 1 \"\" \"Stepwell %s\"\n",
            sw_version());
    fputs(".SH NAME\nstepwell \\- the system of record for the steps of AI agents\n"
          ".SH SYNOPSIS\n\\fBstepwell\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
          ".SH DESCRIPTION\n"
          "A step is one model call with the tool work it led to. Stepwell keeps, for every step,\n"
          "who ran it, on what, what it cost, how it ended, what was said, and how to find it.\n"
          "Every command takes \\fB\\-\\-help\\fR.\n.SH COMMANDS\n",
          out);
    for (size_t i = 0; i < SW_COMMAND_COUNT; i++) {
        print_roff_command(out, (sw_command_id)i);
    }
    fputs(".SH EXIT STATUS\n", out);
    print_roff_exits(out);
    fputs(".SH ENVIRONMENT\n"
#define SW_PROFILE(NAME, TEXT, OPTION, ENV, DOC) ".TP\n\\fB" ENV "\\fR\n" DOC "\n"
#include "model/profile.def"
#undef SW_PROFILE
          ".TP\n\\fBSTEPWELL_PROFILE\\fR\nThe profile, when \\-\\-profile is not given.\n"
          ".TP\n\\fBNO_COLOR\\fR\nWhen set, no colours.\n"
          ".TP\n\\fBCOLUMNS\\fR\nThe width of a terminal that does not say it.\n"
          ".SH EXAMPLES\n.nf\n"
          "stepwell demo \\-\\-store sqlite:demo.db\n"
          "stepwell steps \\-\\-store sqlite:demo.db \\-\\-failed \\-\\-since 7d\n"
          "stepwell usage \\-\\-store sqlite:demo.db \\-\\-by model,day \\-\\-json\n"
          ".fi\n",
          out);
}

/* ---- the commands ---------------------------------------------------------------------------- */

int sw_cli_help(sw_cli *cli)
{
    if (sw_cli_has(cli, SW_OPTION_MAN)) {
        print_manual(cli->out);
        return sw_cli_finish(cli);
    }
    if (!cli->argument) {
        print_overview(cli);
        return sw_cli_finish(cli);
    }
    sw_command_id command;
    sw_status status = sw_cli_find_command(cli->argument, &command, &cli->error);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, NULL);
    }
    sw_cli_explain(cli, command);
    return sw_cli_finish(cli);
}

int sw_cli_version(sw_cli *cli)
{
    sw_cli_json json;
    if (!sw_cli_is_data(cli)) {
        fprintf(cli->out, "stepwell %s\n", sw_version());
        return sw_cli_finish(cli);
    }
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, "version", sw_str_from(sw_version()));
    sw_json_close(&json.out, '}');
    sw_status status = sw_cli_json_end(cli, &json);
    return status == SW_STATUS_OK ? sw_cli_finish(cli) : sw_cli_fail(cli, status, NULL);
}
