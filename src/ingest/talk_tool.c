/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of tools and what tools returned, in any dialect. Arguments and results may be text, JSON or native; they
 * are kept as text, and a result that is a list of parts as such a list.
 */
#include "ingest/talk.h"

enum {
    TOOL_CALL_ID,
    TOOL_ID,
    TOOL_NAME,
    TOOL_ARGUMENTS,
    TOOL_FUNCTION,
    TOOL_RESULT,
    TOOL_CONTENT,
    TOOL_ERROR,
    TOOL_STATUS,
    TOOL_INNER,
    TOOL_SLOTS
};

static const talk_name tool_names[] = {
    {"id", TOOL_ID},           {"call_id", TOOL_CALL_ID},     {"toolCallId", TOOL_ID},
    {"tool_call_id", TOOL_ID}, {"tool_use_id", TOOL_ID},      {"toolUseId", TOOL_ID},
    {"ref", TOOL_ID},          {"name", TOOL_NAME},           {"toolName", TOOL_NAME},
    {"tool_name", TOOL_NAME},  {"arguments", TOOL_ARGUMENTS}, {"args", TOOL_ARGUMENTS},
    {"input", TOOL_ARGUMENTS}, {"function", TOOL_FUNCTION},   {"result", TOOL_RESULT},
    {"response", TOOL_RESULT}, {"output", TOOL_RESULT},       {"content", TOOL_CONTENT},
    {"is_error", TOOL_ERROR},  {"isError", TOOL_ERROR},       {"status", TOOL_STATUS},
    {"tool_call", TOOL_INNER},
};

/* A Responses item has an id of its own beside the call's; the call's is what answers name. */
static sw_str call_id(talk *t, const talk_value *m)
{
    return talk_said(t, m[m[TOOL_CALL_ID].type != SW_JSON_END ? TOOL_CALL_ID : TOOL_ID]);
}

void talk_read_call_part(talk *t, talk_value object)
{
    talk_value m[TOOL_SLOTS];
    talk_value f[TOOL_SLOTS];
    talk_value outer;

    talk_members(t, object, tool_names, SW_COUNT(tool_names), m, TOOL_SLOTS);
    if (m[TOOL_INNER].type == SW_JSON_OBJECT) {
        outer = m[TOOL_CALL_ID];
        talk_members(t, m[TOOL_INNER], tool_names, SW_COUNT(tool_names), m, TOOL_SLOTS);
        m[TOOL_CALL_ID] = outer.type != SW_JSON_END ? outer : m[TOOL_CALL_ID];
    }
    if (m[TOOL_FUNCTION].type == SW_JSON_OBJECT) {
        talk_members(t, m[TOOL_FUNCTION], tool_names, SW_COUNT(tool_names), f, TOOL_SLOTS);
        m[TOOL_NAME] = f[TOOL_NAME];
        m[TOOL_ARGUMENTS] = f[TOOL_ARGUMENTS];
    }
    talk_add_call(t, call_id(t, m), talk_said(t, m[TOOL_NAME]), talk_said(t, m[TOOL_ARGUMENTS]));
}

void talk_read_call(talk *t, talk_value call)
{
    if (call.type == SW_JSON_STRING) {
        call = talk_open(t, call);
    }
    if (call.type == SW_JSON_OBJECT) {
        talk_read_call_part(t, call);
    } else if (call.type != SW_JSON_NULL) {
        talk_read_any_part(t, call);
    }
}

/* Whether a value is a list of parts rather than data that happens to be a list. */
static bool is_parts(talk *t, talk_value list)
{
    talk_walk w;
    bool any = false;

    if (!talk_walk_begin(&w, t, list)) {
        return false;
    }
    while (talk_walk_next(&w)) {
        talk_value type = talk_member(t, w.value, "type");
        any = true;
        if (!talk_is_said(type.text)) {
            return false;
        }
    }
    return any;
}

/* The parts as a message of their own would hold them. */
static void read_return_parts(talk *t, sw_str id, sw_str name, bool failed, talk_value list)
{
    talk inner;
    const sw_message *said = NULL;

    talk_init(&inner, t->arena);
    talk_begin(&inner, SW_MESSAGE_ROLE_TOOL);
    talk_read_content(&inner, list);
    talk_end(&inner);
    t->cut = t->cut || inner.cut;
    said = inner.messages[inner.side].items;
    if (said) {
        talk_add_return(t, id, name, failed, said->content.ptr ? said->content : said->text,
                        said->content.ptr != NULL);
    }
}

/* AI SDK: {type: "text" | "json" | "error-text" | "error-json" | "content", value}. Bedrock: [{json} | {text}]. */
static talk_value unwrapped_return(talk *t, talk_value value, bool *failed)
{
    talk_value type = talk_member(t, value, "type");
    talk_value inner = talk_member(t, value, "value");
    talk_walk w;

    if (type.type == SW_JSON_STRING && inner.type != SW_JSON_END) {
        *failed = *failed || (type.text.len >= 5 && memcmp(type.text.ptr, "error", 5) == 0);
        return inner;
    }
    if (talk_walk_begin(&w, t, value) && talk_walk_next(&w)) {
        talk_value only = talk_member(t, w.value, "json");
        talk_value typed = talk_member(t, w.value, "type");
        only = only.type != SW_JSON_END ? only : talk_member(t, w.value, "text");
        if (typed.type == SW_JSON_END && only.type != SW_JSON_END && !talk_walk_next(&w)) {
            return only;
        }
    }
    return value;
}

void talk_read_return(talk *t, sw_str id, sw_str name, bool failed, talk_value value)
{
    value = unwrapped_return(t, value, &failed);
    if (is_parts(t, value)) {
        read_return_parts(t, id, name, failed, value);
    } else {
        talk_add_return(t, id, name, failed, talk_said(t, value), false);
    }
}

void talk_read_return_part(talk *t, talk_value object)
{
    talk_value m[TOOL_SLOTS];
    talk_value said = TALK_ABSENT;
    bool failed = false;

    talk_members(t, object, tool_names, SW_COUNT(tool_names), m, TOOL_SLOTS);
    failed = m[TOOL_ERROR].type == SW_JSON_TRUE || sw_str_eq(m[TOOL_STATUS].text, SW_STR("error"));
    said = m[TOOL_RESULT].type != SW_JSON_END ? m[TOOL_RESULT] : m[TOOL_CONTENT];
    talk_read_return(t, call_id(t, m), talk_said(t, m[TOOL_NAME]), failed, said);
}
