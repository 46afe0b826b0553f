/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a step: instructions and question in a run's first, then what the model said, the
 * tools it asked for, and what they returned.
 */
#include "cli/demo_private.h"

enum { MESSAGES_MOST = 8 };

typedef struct talk {
    sw_demo_stream *stream;
    const demo_run *run;
    sw_arena *arena;
    sw_message *messages;
    size_t count;
    int64_t at_us;
} talk;

static sw_message *add(talk *t, sw_message_role role)
{
    sw_assert(t->count < MESSAGES_MOST);
    sw_message *message = &t->messages[t->count++];
    demo_id id = demo_id_make(&t->stream->random, "message", t->at_us);
    message->id = sw_arena_str(t->arena, demo_id_str(&id));
    message->role = sw_int_of(role);
    message->created_at = sw_int_of(t->at_us);
    t->at_us += 1000;
    return message;
}

static sw_json_out begin_json(talk *t)
{
    sw_json_out out;
    sw_buf_clear(&t->stream->text);
    sw_json_out_init(&out, &t->stream->text, false);
    return out;
}

static void put(sw_json_out *out, const char *key, sw_str text)
{
    sw_json_key(out, sw_str_from(key));
    sw_json_str(out, text);
}

/* One text part, the way V1 keeps what was said. */
static sw_str content_of(talk *t, sw_str text)
{
    sw_json_out out = begin_json(t);
    sw_json_open(&out, '[');
    sw_json_open(&out, '{');
    put(&out, "type", SW_STR("text"));
    put(&out, "text", text);
    sw_json_close(&out, '}');
    sw_json_close(&out, ']');
    return demo_take_text(t->stream, t->arena);
}

static void say(talk *t, sw_message_role role, sw_str text)
{
    sw_message *message = add(t, role);
    message->content = content_of(t, text);
}

/* The arguments are a JSON object in a string, as models write them. */
static sw_str arguments_of(talk *t, const demo_tool *tool)
{
    sw_str value = demo_fill(&t->stream->random, t->arena, tool->value, t->run->scenario->subjects);
    return sw_arena_printf(t->arena, "{\"%s\":\"%s\"}", tool->argument, value.ptr ? value.ptr : "");
}

static void ask_for_tools(talk *t, const demo_turn *turn)
{
    sw_message *message = add(t, SW_MESSAGE_ROLE_ASSISTANT);
    sw_str arguments[SW_COUNT(turn->tools)];
    message->model = sw_str_from(t->run->model->name);
    for (size_t i = 0; i < turn->tool_count; i++) {
        arguments[i] = arguments_of(t, turn->tools[i]);
    }
    if (turn->answer.len) {
        message->content = content_of(t, turn->answer);
    }
    sw_json_out out = begin_json(t);
    sw_json_open(&out, '[');
    for (size_t i = 0; i < turn->tool_count; i++) {
        sw_json_open(&out, '{');
        put(&out, "id", sw_str_from(turn->calls[i]));
        put(&out, "type", SW_STR("function"));
        sw_json_key(&out, SW_STR("function"));
        sw_json_open(&out, '{');
        put(&out, "name", sw_str_from(turn->tools[i]->name));
        put(&out, "arguments", arguments[i]);
        sw_json_close(&out, '}');
        sw_json_close(&out, '}');
    }
    sw_json_close(&out, ']');
    message->tool_calls = demo_take_text(t->stream, t->arena);
}

static void tool_returns(talk *t, const demo_turn *turn, size_t i)
{
    const demo_tool *tool = turn->tools[i];
    bool failed = turn->tool_failed[i];
    sw_message *message = add(t, SW_MESSAGE_ROLE_TOOL);
    sw_str said = demo_fill(&t->stream->random, t->arena, failed ? tool->failure : tool->result,
                            t->run->scenario->subjects);
    sw_json_out out = begin_json(t);
    sw_json_open(&out, '[');
    sw_json_open(&out, '{');
    put(&out, "tool_call_id", sw_str_from(turn->calls[i]));
    put(&out, "status", failed ? SW_STR("error") : SW_STR("success"));
    put(&out, "func_response", said);
    sw_json_close(&out, '}');
    sw_json_close(&out, ']');
    message->name = sw_str_from(tool->name);
    message->tool_call_id = sw_arena_str(t->arena, sw_str_from(turn->calls[i]));
    message->tool_returns = demo_take_text(t->stream, t->arena);
    message->is_err = sw_int_of(failed);
}

sw_status demo_talk(sw_demo_stream *stream, const demo_run *run, const demo_turn *turn,
                    sw_arena *arena, sw_step_entry *entry)
{
    talk t = {.stream = stream, .run = run, .arena = arena, .at_us = run->clock_us};
    t.messages = sw_arena_zeroed(arena, MESSAGES_MOST * sizeof *t.messages);
    if (!t.messages) {
        return SW_STATUS_NO_MEMORY;
    }
    if (turn->number == 0) {
        say(&t, SW_MESSAGE_ROLE_SYSTEM, sw_str_from(run->scenario->system));
        say(&t, SW_MESSAGE_ROLE_USER, turn->ask);
    } else if (turn->compacted) {
        say(&t, SW_MESSAGE_ROLE_SUMMARY,
            SW_STR("The earlier work of this run, in short: the question is "
                   "understood, the first findings stand."));
    }
    t.at_us += turn->llm_ns / 1000;
    if (turn->tool_count > 0) {
        ask_for_tools(&t, turn);
    } else if (turn->answer.len) {
        say(&t, SW_MESSAGE_ROLE_ASSISTANT, turn->answer);
    }
    for (size_t i = 0; i < turn->tool_count; i++) {
        tool_returns(&t, turn, i);
    }
    entry->messages = t.count > 0 ? t.messages : NULL;
    entry->message_count = t.count;
    return SW_STATUS_OK;
}
