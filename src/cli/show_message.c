/* SPDX-License-Identifier: Apache-2.0 */
/* A message for people: who speaks, the text, the tools it asks for and what they returned. Reads
 * the JSON of the parts as it comes; a part that it does not know is shown as it was written.
 */
#include "cli/show.h"

enum { INDENT = 4, PART_NAMES = 6 };

/* The members of one object that are texts, or raw JSON where they are not. */
typedef struct part {
    sw_str values[PART_NAMES];
} part;

static void print_lines(sw_cli *cli, sw_str text)
{
    sw_str clean = sw_text_clean(&cli->arena, text, true);
    size_t at = 0;
    while (at < clean.len) {
        const char *line = clean.ptr + at;
        const char *end = memchr(line, '\n', clean.len - at);
        size_t length = end ? (size_t)(end - line) : clean.len - at;
        fprintf(cli->out, "%*s%.*s\n", INDENT, "", (int)length, line);
        at += length + 1;
    }
}

/* Reads the object that the current token opens. A name "function.name" is the member of a member.
 */
static bool read_part(sw_json *json, const char *const *names, const char *prefix, part *out)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        char key[64];
        snprintf(key, sizeof key, "%s%.*s", prefix, (int)json->text.len, json->text.ptr);
        sw_str raw = SW_NULL_STR;
        sw_json_type type = sw_json_next(json);
        if (type == SW_JSON_OBJECT && strcmp(key, "function") == 0) {
            if (!read_part(json, names, "function.", out)) {
                return false;
            }
            continue;
        }
        sw_str text = json->text;
        if (!sw_json_skip(json, &raw)) {
            return false;
        }
        for (size_t i = 0; names[i]; i++) {
            if (strcmp(key, names[i]) == 0 && type != SW_JSON_NULL) {
                out->values[i] = type == SW_JSON_STRING ? text : raw;
            }
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

typedef void part_print(sw_cli *cli, const part *at);

/* Each object of an array; false when the JSON is something else. */
static bool each_part(sw_cli *cli, sw_str array, const char *const *names, part_print *print)
{
    sw_json json;
    sw_json_init(&json, array, &cli->arena);
    if (sw_json_next(&json) != SW_JSON_ARRAY) {
        return false;
    }
    while (sw_json_next(&json) == SW_JSON_OBJECT) {
        part at = {0};
        if (!read_part(&json, names, "", &at)) {
            return false;
        }
        print(cli, &at);
    }
    return json.type == SW_JSON_ARRAY_END;
}

static const char *const content_names[] = {"type", "text", NULL};

static void print_content(sw_cli *cli, const part *at)
{
    sw_str type = at->values[0];
    if (at->values[1].ptr) {
        print_lines(cli, at->values[1]);
    } else {
        fprintf(cli->out, "%*s(%.*s)\n", INDENT, "", (int)type.len, sw_text_or_blank(type));
    }
}

static const char *const call_names[] = {"id", "function.name", "function.arguments", NULL};

static void print_call(sw_cli *cli, const part *at)
{
    sw_str name = sw_text_clean(&cli->arena, at->values[1], false);
    sw_str arguments = sw_text_clean(&cli->arena, at->values[2], false);
    bool colour = cli->terminal.colour;
    fprintf(cli->out, "%*s%scalls %s%s %s\n", INDENT, "", sw_style_on(colour, SW_STYLE_BOLD),
            sw_text_or_blank(name), sw_style_off(colour, SW_STYLE_BOLD),
            sw_text_or_blank(arguments));
}

static const char *const return_names[] = {"tool_call_id", "status", "func_response",
                                           "stdout",       "stderr", NULL};

static void print_return(sw_cli *cli, const part *at)
{
    bool bad = sw_str_eq(at->values[1], SW_STR("error"));
    sw_style style = bad ? SW_STYLE_BAD : SW_STYLE_GOOD;
    bool colour = cli->terminal.colour;
    fprintf(cli->out, "%*s%s%s%s\n", INDENT, "", sw_style_on(colour, style),
            bad ? "the tool failed" : "the tool returned", sw_style_off(colour, style));
    for (size_t i = 2; i < 5; i++) {
        print_lines(cli, at->values[i]);
    }
}

void sw_show_message(sw_cli *cli, const sw_message *message)
{
    bool colour = cli->terminal.colour;
    const char *role = sw_enum_word(SW_ENUM_message_role, message->role.value);
    sw_str name = sw_text_clean(&cli->arena, message->name, false);
    fprintf(cli->out, "  %s%s%s%s%s%s\n", sw_style_on(colour, SW_STYLE_BOLD), role ? role : "?",
            sw_style_off(colour, SW_STYLE_BOLD), name.len ? " (" : "", sw_text_or_blank(name),
            name.len ? ")" : "");
    if (message->text.len) {
        print_lines(cli, message->text);
    } else if (message->content.len &&
               !each_part(cli, message->content, content_names, print_content)) {
        print_lines(cli, message->content);
    }
    if (message->tool_calls.len && !each_part(cli, message->tool_calls, call_names, print_call)) {
        print_lines(cli, message->tool_calls);
    }
    if (message->tool_returns.len &&
        !each_part(cli, message->tool_returns, return_names, print_return)) {
        print_lines(cli, message->tool_returns);
    }
}
