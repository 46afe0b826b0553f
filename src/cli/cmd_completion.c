/* SPDX-License-Identifier: Apache-2.0 */
/* completion: what bash, zsh and fish need to complete a command line, printed from the rows of
 * model/commands.def: commands, their options, the words that options and arguments may be.
 */
#include "cli/cli.h"

enum { DOC_MOST = 90 };

/* ---- words of arguments ------------------------------------------------------------------------- */

/* Prints the words of an argument that can only be one of some: "[daily|weekly]", "create|list [ID]". */
static void print_argument_words(FILE *out, const sw_command *command)
{
    for (const char *at = command->arguments; *at;) {
        size_t len = strcspn(at, " ");
        bool choice = memchr(at, '|', len) != NULL && (at[0] == '[' ? at[1] : at[0]) >= 'a';
        for (size_t i = 0; i < len && choice; i++) {
            if (!strchr("[]", at[i])) {
                fputc(at[i] == '|' ? ' ' : at[i], out);
            }
        }
        if (choice) {
            fputc(' ', out);
        }
        at += len;
        at += *at == ' ';
    }
}

/* The words that may follow an option, with blanks between; nothing when any text may. */
static bool has_words(size_t option)
{
    return sw__options[option].kind == SW_OPTION_IS_WORD || option == SW_OPTION_BY;
}

static void print_words(FILE *out, size_t option)
{
    const sw_enum_info *list =
        &sw__enums[option == SW_OPTION_BY ? SW_ENUM_dimension : sw__options[option].words];
    for (size_t i = 0; i < list->count; i++) {
        fprintf(out, "%s%s", i ? " " : "", list->words[i]);
    }
}

/* The first sentence ends: a full stop before a capital, or the last one. */
static bool ends_here(const char *at)
{
    return at[0] == '.' && (at[1] == '\0' || (at[1] == ' ' && at[2] >= 'A' && at[2] <= 'Z'));
}

/* The beginning of a text, without what means something to a shell. */
static void print_doc(FILE *out, const char *text)
{
    for (size_t i = 0; i < DOC_MOST && text[i] && !ends_here(text + i); i++) {
        fputc(strchr("'\\[]:`$\"", text[i]) ? ' ' : text[i], out);
    }
}

/* ---- bash ---------------------------------------------------------------------------------------- */

static void print_bash_command(FILE *out, sw_command_id id)
{
    fprintf(out, "    %s) words=\"", sw__commands[id].name);
    print_argument_words(out, &sw__commands[id]);
    const char *blank = "";
    for (size_t i = 0; i < SW_OPTION_COUNT; i++) {
        if (sw_option_is_of((sw_option_id)i, id)) {
            fprintf(out, "%s--%s", blank, sw__options[i].name);
            blank = " ";
        }
    }
    fputs("\" ;;\n", out);
}

static void print_commands(FILE *out)
{
    for (size_t i = 0; i < SW_COMMAND_COUNT; i++) {
        fprintf(out, "%s%s", i ? " " : "", sw__commands[i].name);
    }
}

static void print_bash(FILE *out)
{
    fputs(
        "# Completion of stepwell for bash; printed by: stepwell completion bash\n"
        "_stepwell() {\n"
        "  local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\" words\n"
        "  case \"$before\" in\n",
        out);
    for (size_t i = 0; i < SW_OPTION_COUNT; i++) {
        if (has_words(i)) {
            fprintf(out, "    --%s) COMPREPLY=($(compgen -W \"", sw__options[i].name);
            print_words(out, i);
            fputs("\" -- \"$word\")); return ;;\n", out);
        }
    }
    fputs("  esac\n  case \"${COMP_WORDS[1]}\" in\n", out);
    for (size_t i = 0; i < SW_COMMAND_COUNT; i++) {
        print_bash_command(out, (sw_command_id)i);
    }
    fputs("  esac\n"
          "  if [ \"$COMP_CWORD\" -eq 1 ] || [ \"${COMP_WORDS[1]}\" = help ]; then\n"
          "    words=\"",
          out);
    print_commands(out);
    fputs("\"\n  fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
          "complete -o default -F _stepwell stepwell\n",
          out);
}

/* ---- zsh ----------------------------------------------------------------------------------------- */

static void print_zsh_option(FILE *out, size_t option)
{
    const sw_option *o = &sw__options[option];
    fprintf(out, " \\\n        '%s--%s%s[", o->repeats ? "*" : "", o->name, o->argument ? "=" : "");
    print_doc(out, o->doc);
    fputc(']', out);
    if (o->argument && has_words(option)) {
        fprintf(out, ":%s:(", o->argument);
        print_words(out, option);
        fputc(')', out);
    } else if (o->argument) {
        fputc(':', out);
        print_doc(out, o->argument);
        fputs(strcmp(o->argument, "FILE") == 0 ? ":_files" : ":", out);
    }
    fputc('\'', out);
}

static void print_zsh_command(FILE *out, sw_command_id id)
{
    fprintf(out, "    %s)\n      _arguments -s", sw__commands[id].name);
    for (size_t i = 0; i < SW_OPTION_COUNT; i++) {
        if (sw_option_is_of((sw_option_id)i, id)) {
            print_zsh_option(out, i);
        }
    }
    if (id == SW_COMMAND_HELP) {
        fputs(" \\\n        '*:command:(", out);
        print_commands(out);
    } else {
        fputs(" \\\n        '*:argument:(", out);
        print_argument_words(out, &sw__commands[id]);
    }
    fputs(")'\n      ;;\n", out);
}

static void print_zsh(FILE *out)
{
    fputs("#compdef stepwell\n"
          "# Completion of stepwell for zsh; printed by: stepwell completion zsh\n"
          "_stepwell() {\n  local -a commands\n  commands=(\n",
          out);
    for (size_t i = 0; i < SW_COMMAND_COUNT; i++) {
        fprintf(out, "    '%s:", sw__commands[i].name);
        print_doc(out, sw__commands[i].line);
        fputs("'\n", out);
    }
    fputs("  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
          "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n"
          "  case $command in\n",
          out);
    for (size_t i = 0; i < SW_COMMAND_COUNT; i++) {
        print_zsh_command(out, (sw_command_id)i);
    }
    fputs("  esac\n}\nif [ \"$funcstack[1]\" = _stepwell ]; then\n  _stepwell \"$@\"\nelse\n"
          "  compdef _stepwell stepwell\nfi\n",
          out);
}

/* ---- fish ---------------------------------------------------------------------------------------- */

static void print_fish_command(FILE *out, sw_command_id id)
{
    const char *name = sw__commands[id].name;
    const char *when = "__fish_seen_subcommand_from";
    fprintf(out, "complete -c stepwell -n __fish_use_subcommand -a %s -d '", name);
    print_doc(out, sw__commands[id].line);
    fputs("'\n", out);
    if (strchr(sw__commands[id].arguments, '|')) {
        fprintf(out, "complete -c stepwell -n '%s %s' -a '", when, name);
        print_argument_words(out, &sw__commands[id]);
        fputs("'\n", out);
    }
    for (size_t i = 0; i < SW_OPTION_COUNT; i++) {
        if (!sw_option_is_of((sw_option_id)i, id)) {
            continue;
        }
        fprintf(out, "complete -c stepwell -n '%s %s' -l %s", when, name, sw__options[i].name);
        if (has_words(i)) {
            fputs(" -x -a '", out);
            print_words(out, i);
            fputc('\'', out);
        } else if (sw__options[i].argument) {
            fputs(strcmp(sw__options[i].argument, "FILE") == 0 ? " -r -F" : " -x", out);
        }
        fputs(" -d '", out);
        print_doc(out, sw__options[i].doc);
        fputs("'\n", out);
    }
}

static void print_fish(FILE *out)
{
    fputs("# Completion of stepwell for fish; printed by: stepwell completion fish\n"
          "complete -c stepwell -f\n",
          out);
    for (size_t i = 0; i < SW_COMMAND_COUNT; i++) {
        print_fish_command(out, (sw_command_id)i);
    }
}

/* ---- the command --------------------------------------------------------------------------------- */

int sw_cli_completion(sw_cli *cli)
{
    static const struct {
        const char *name;
        void (*print)(FILE *out);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    const char *names[SW_COUNT(shells)];
    for (size_t i = 0; i < SW_COUNT(shells); i++) {
        names[i] = shells[i].name;
        if (strcmp(cli->argument, shells[i].name) == 0) {
            shells[i].print(cli->out);
            return sw_cli_finish(cli);
        }
    }
    int near = sw_nearest(sw_str_from(cli->argument), names, SW_COUNT(names));
    sw_status status = sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "",
                               "there is completion for bash, zsh and fish, not for %s%s%s%s",
                               cli->argument, near < 0 ? "" : "; did you mean ",
                               near < 0 ? "" : names[near], near < 0 ? "" : "?");
    return sw_cli_fail(cli, status, NULL);
}
