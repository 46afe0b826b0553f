/* SPDX-License-Identifier: Apache-2.0 */
/* Whole JSON in one attribute: a list of messages, a request, a response, or just words. Which member of an
 * object holds the messages is a row; what stands there is looked at in the same way again, a few levels deep.
 */
#include "ingest/talk.h"

enum { DEEPEST = 6 };

/* In order of trust; the first that holds messages is taken. */
static const char *const holders[] = {
    "messages", "contents",   "input_messages", "output_messages", "chat_history",
    "choices",  "candidates", "generations",    "message",         "output",
    "outputs",  "input",      "inputs",         "prompt",          "prompts",
    "items",    "completion", "completions",    "response",        "responses",
    "result",   "text",       "content",        "kwargs",          "args",
    "request",  "body",       "llm_output",     "new_messages",
};

/* What the system said, beside the messages. */
static const char *const systems[] = {
    "system",       "instructions", "system_instruction", "systemInstruction", "system_prompt",
    "systemPrompt", "preamble"};
static const char *const tool_holders[] = {"tools", "functions"};
/* Where a request keeps what belongs to all its messages. */
static const char *const configs[] = {"config", "toolConfig", "kwargs", "generation_config"};

static bool read_value(talk *t, talk_value value, int depth);

/* ---- tools ------------------------------------------------------------------------------------------- */

void talk_read_tools(talk *t, talk_value tools)
{
    talk_writer w;
    talk_walk walk;
    sw_str list = SW_NULL_STR;
    bool any = false;

    tools = talk_open(t, tools);
    if (t->tools.ptr || !talk_walk_begin(&walk, t, tools)) {
        return;
    }
    talk_write_begin(&w, t);
    sw_json_open(&w.out, '[');
    while (talk_walk_next(&walk)) {
        talk_value tool = talk_open(t, walk.value);
        talk_value wrapped = talk_member(t, tool, "tool"); /* OpenInference */
        talk_value schema = talk_open(t, talk_member(t, wrapped, "json_schema"));
        sw_json_raw(&w.out, talk_json(t, schema.type == SW_JSON_OBJECT ? schema : tool));
        any = true;
    }
    sw_json_close(&w.out, ']');
    list = talk_write_end(&w, t);
    if (any && list.len <= SW_LIMIT_JSON_BYTES && sw_json_valid(list, NULL, NULL)) {
        t->tools = list;
    }
}

/* ---- the system ------------------------------------------------------------------------------------- */

static void read_system(talk *t, talk_value object)
{
    talk_side side = t->side;

    for (size_t i = 0; i < SW_COUNT(systems); i++) {
        talk_value said = talk_member(t, object, systems[i]);
        if (said.type != SW_JSON_END && talk_count(t, TALK_SYSTEM) == 0) {
            talk_value parts = talk_member(t, said, "parts");
            talk_end(t);
            t->side = TALK_SYSTEM;
            talk_begin(t, SW_MESSAGE_ROLE_SYSTEM);
            talk_read_content(t, parts.type != SW_JSON_END ? parts : said);
            talk_end(t);
            t->side = side;
        }
    }
}

static void read_around(talk *t, talk_value object)
{
    if (t->side != TALK_INPUT) {
        return;
    }
    read_system(t, object);
    for (size_t i = 0; i < SW_COUNT(tool_holders); i++) {
        talk_read_tools(t, talk_member(t, object, tool_holders[i]));
    }
    for (size_t i = 0; i < SW_COUNT(configs); i++) {
        talk_value config = talk_member(t, object, configs[i]);
        read_system(t, config);
        talk_read_tools(t, talk_member(t, config, "tools"));
    }
}

/* ---- lists -------------------------------------------------------------------------------------------- */

/* Items of the Responses interface, and parts without a message, stand for themselves: what the model made
 * goes on with its message, what a tool returned is one. */
static void read_item(talk *t, talk_value item)
{
    sw_str type = talk_member(t, item, "type").text;
    bool thing = sw_str_contains_nocase(type.ptr ? type : SW_STR(""), SW_STR("_call")) ||
                 sw_str_eq(type, SW_STR("reasoning"));

    talk_join(t, thing ? SW_MESSAGE_ROLE_ASSISTANT : talk_role_of_side(t));
    talk_read_any_part(t, item);
}

static void read_element(talk *t, talk_value element, int depth)
{
    if (element.type == SW_JSON_ARRAY) {
        (void)read_value(t, element, depth + 1);
    } else if (element.type == SW_JSON_STRING) {
        talk_join(t, talk_role_of_side(t));
        talk_add_text(t, element.text);
    } else if (element.type == SW_JSON_OBJECT &&
               !talk_read_message(t, element, talk_role_of_side(t))) {
        read_item(t, element);
    }
}

static bool read_list(talk *t, talk_value list, int depth)
{
    size_t before = talk_count(t, t->side);
    talk_walk w;

    if (talk_walk_begin(&w, t, list)) {
        while (talk_walk_next(&w)) {
            read_element(t, w.value, depth);
        }
    }
    talk_end(t);
    return talk_count(t, t->side) > before;
}

/* ---- objects ------------------------------------------------------------------------------------------- */

/* A text under one of the names is all that is said only in a request or response, or when it stands alone: an
 * answer that is an object of its own must not lose its other members. */
static bool may_be_text(talk *t, talk_value object)
{
    static const char *const marks[] = {"model",      "usage",      "system", "stop_reason",
                                        "stopReason", "parameters", "stop",   "temperature"};
    talk_walk w;
    size_t count = 0;

    for (bool more = talk_walk_begin_object(&w, t, object); more && talk_walk_next_member(&w);) {
        count++;
        for (size_t i = 0; i < SW_COUNT(marks); i++) {
            if (sw_str_eq(w.key, sw_str_from(marks[i]))) {
                return true;
            }
        }
    }
    return count == 1;
}

/* All holders in one walk; the most trusted of those that say something. */
static bool read_holder(talk *t, talk_value object, int depth)
{
    talk_name names[SW_COUNT(holders)];
    talk_value found[SW_COUNT(holders)];

    for (size_t i = 0; i < SW_COUNT(holders); i++) {
        names[i] = (talk_name){holders[i], (uint8_t)i};
    }
    talk_members(t, object, names, SW_COUNT(names), found, SW_COUNT(found));
    for (size_t i = 0; i < SW_COUNT(holders); i++) {
        if ((found[i].type == SW_JSON_OBJECT || found[i].type == SW_JSON_ARRAY ||
             (found[i].type == SW_JSON_STRING && may_be_text(t, object))) &&
            read_value(t, found[i], depth + 1)) {
            if (strcmp(holders[i], "chat_history") == 0) { /* Cohere: the newest stands apart */
                (void)read_value(t, talk_member(t, object, "message"), depth + 1);
            }
            return true;
        }
    }
    return false;
}

/* A request without messages, a response without an answer: there is nothing to say, not even itself. */
static bool says_nothing(talk *t, talk_value object)
{
    static const char *const sure[] = {"messages",    "contents",   "choices", "candidates",
                                       "generations", "completion", "prompt"};
    talk_walk w;

    for (bool more = talk_walk_begin_object(&w, t, object); more && talk_walk_next_member(&w);) {
        talk_walk inside;
        bool empty = w.value.type == SW_JSON_NULL ||
                     (talk_walk_begin(&inside, t, w.value) && !talk_walk_next(&inside));
        for (size_t i = 0; empty && i < SW_COUNT(sure); i++) {
            if (sw_str_eq(w.key, sw_str_from(sure[i]))) {
                return true;
            }
        }
    }
    return false;
}

/* Words that are nothing else: an object that we do not know is said as it is written. */
static bool read_words(talk *t, talk_value value)
{
    sw_str said = talk_said(t, value);

    if (!said.len) {
        return false;
    }
    talk_begin(t, talk_role_of_side(t));
    talk_add_text(t, said);
    talk_end(t);
    return true;
}

static bool is_message(talk *t, talk_value object)
{
    sw_message_role role;
    talk_value word = talk_member(t, object, "role");
    talk_value type = talk_member(t, object, "type");

    return word.type == SW_JSON_STRING || talk_member(t, object, "lc").type != SW_JSON_END ||
           talk_member(t, object, "event.name").type != SW_JSON_END ||
           (type.type == SW_JSON_STRING && talk_role(type.text, &role)) ||
           talk_member(t, talk_member(t, object, "content"), "parts").type != SW_JSON_END;
}

static bool read_object(talk *t, talk_value object, int depth)
{
    size_t before = talk_count(t, t->side);

    if (is_message(t, object) && talk_read_message(t, object, talk_role_of_side(t))) {
        talk_end(t);
        return talk_count(t, t->side) > before;
    }
    read_around(t, object);
    return read_holder(t, object, depth);
}

static bool read_value(talk *t, talk_value value, int depth)
{
    if (depth > DEEPEST) {
        return false;
    }
    if (depth == 0) {
        value = talk_open(t, value);
    }
    if (value.type == SW_JSON_ARRAY) {
        return read_list(t, value, depth);
    }
    if (value.type == SW_JSON_OBJECT && read_object(t, value, depth)) {
        return true;
    }
    if (value.type == SW_JSON_OBJECT && (depth > 0 || says_nothing(t, value))) {
        return false;
    }
    return value.type > SW_JSON_NULL && read_words(t, value);
}

bool talk_read_document(talk *t, talk_value document, bool body)
{
    bool said = false;

    document = talk_open(t, document);
    said = read_value(t, document, 0);
    if (said && body && document.type == SW_JSON_OBJECT) {
        sw_str *place = t->side == TALK_OUTPUT ? &t->response : &t->request;
        *place = place->ptr ? *place : document.raw;
    }
    return said;
}
