/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a step: what the model answered, with the calls that only its tools' spans tell of, and what the
 * tools returned; and the beginnings of question and answer for lists (telemetry.md B.8, E.2, E.6).
 */
#include "ingest/trace_inside.h"
#include "model/model.h"

/* ---- calls in JSON --------------------------------------------------------------------------------- */

bool trace_calls(sw_json *json, sw_str tool_calls, sw_arena *arena)
{
    if (!tool_calls.ptr) {
        return false;
    }
    sw_json_init(json, tool_calls, arena);
    return sw_json_next(json) == SW_JSON_ARRAY;
}

/* Inside an object, to its end. False: it is damaged. */
static bool read_call(sw_json *json, bool outer, trace_call *call)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        bool id = sw_str_eq(json->text, SW_STR("id"));
        bool name = sw_str_eq(json->text, SW_STR("name"));
        bool function = outer && sw_str_eq(json->text, SW_STR("function"));
        sw_json_type type = sw_json_next(json);
        if (id && outer && type == SW_JSON_STRING) {
            call->id = json->text;
        } else if (name && type == SW_JSON_STRING) {
            call->name = json->text;
        } else if (function && type == SW_JSON_OBJECT) {
            if (!read_call(json, false, call)) {
                return false;
            }
        } else if (!sw_json_skip(json, NULL)) {
            return false;
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

bool trace_next_call(sw_json *json, trace_call *call)
{
    *call = (trace_call){SW_NULL_STR, SW_NULL_STR};
    return sw_json_next(json) == SW_JSON_OBJECT && read_call(json, true, call);
}

/* ---- which call a tool answers ---------------------------------------------------------------------- */

/* A call of the step and the tool that answers it. */
typedef struct saying {
    trace *t;
    trace_node *node;
    sw_message *messages;
    size_t count;
    trace_call *calls; /* of all messages */
    bool *answered;
    size_t call_count;
    size_t assistant; /* the message that gets missing calls; `count`: none */
    sw_buf added;     /* missing calls, as members of an array */
    size_t returns;
} saying;

static size_t count_calls(const span_talk *talk, sw_arena *arena)
{
    size_t n = 0;
    sw_json json;
    trace_call call;

    for (size_t i = 0; i < talk->output_count; i++) {
        if (trace_calls(&json, talk->output[i].tool_calls, arena)) {
            while (trace_next_call(&json, &call)) {
                n++;
            }
        }
    }
    return n;
}

static bool list_calls(saying *s, const span_talk *talk)
{
    sw_arena *arena = s->t->arena;
    size_t room = count_calls(talk, arena);
    sw_json json;
    trace_call call;

    s->calls = sw_arena_alloc(arena, (room + 1) * sizeof *s->calls);
    s->answered = sw_arena_zeroed(arena, (room + 1) * sizeof *s->answered);
    if (!s->calls || !s->answered) {
        return false;
    }
    for (size_t i = 0; i < talk->output_count; i++) {
        if (trace_calls(&json, talk->output[i].tool_calls, arena)) {
            while (s->call_count < room && trace_next_call(&json, &call)) {
                s->calls[s->call_count++] = call;
            }
        }
    }
    return true;
}

/* By id; a tool that says none answers the first call of its name that nobody answered. */
static const trace_call *match(saying *s, const span_facts *tool)
{
    for (size_t i = 0; i < s->call_count; i++) {
        bool same = tool->tool_call_id.len > 0 ? sw_str_eq(s->calls[i].id, tool->tool_call_id)
                                               : !s->answered[i] && tool->tool_name.ptr &&
                                                     sw_str_eq(s->calls[i].name, tool->tool_name);
        if (same) {
            s->answered[i] = true;
            return &s->calls[i];
        }
    }
    return NULL;
}

/* ---- what tools add ---------------------------------------------------------------------------------- */

static void add_call(saying *s, const span_facts *tool, sw_str id)
{
    sw_json_out json;

    sw_buf_adds(&s->added, s->added.len > 0 ? "," : "");
    sw_json_out_init(&json, &s->added, false);
    sw_json_open(&json, '{');
    sw_json_key(&json, SW_STR("id"));
    sw_json_str(&json, id);
    sw_json_key(&json, SW_STR("type"));
    sw_json_str(&json, SW_STR("function"));
    sw_json_key(&json, SW_STR("function"));
    sw_json_open(&json, '{');
    sw_json_key(&json, SW_STR("name"));
    sw_json_str(&json, tool->tool_name.ptr ? tool->tool_name : SW_STR(""));
    sw_json_key(&json, SW_STR("arguments"));
    sw_json_str(&json, tool->tool_arguments.ptr ? tool->tool_arguments : SW_STR("{}"));
    sw_json_close(&json, '}');
    sw_json_close(&json, '}');
}

static void put_time(sw_json_out *json, const char *key, int64_t ns)
{
    char text[SW_TIME_TEXT];
    size_t len = sw_time_print(ns / 1000, true, text);

    sw_json_key(json, sw_str_from(key));
    sw_json_str(json, sw_str_make(text, len));
}

static sw_str return_json(saying *s, const trace_node *tool, sw_str id)
{
    const span_facts *facts = trace_facts(tool);
    int64_t start = 0;
    int64_t end = 0;
    sw_buf buf;
    sw_json_out json;

    trace_tool_time(s->t, tool, &start, &end);
    sw_buf_init(&buf, s->t->arena->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&json, &buf, false);
    sw_json_open(&json, '[');
    sw_json_open(&json, '{');
    sw_json_key(&json, SW_STR("tool_call_id"));
    sw_json_str(&json, id);
    sw_json_key(&json, SW_STR("tool_name"));
    sw_json_str(&json, facts->tool_name);
    sw_json_key(&json, SW_STR("status"));
    sw_json_str(&json, facts->tool_failed ? SW_STR("error") : SW_STR("success"));
    sw_json_key(&json, SW_STR("func_response"));
    sw_json_str(&json, facts->tool_result);
    put_time(&json, "start", start);
    put_time(&json, "end", end);
    sw_json_close(&json, '}');
    sw_json_close(&json, ']');
    return trace_take_text(s->t, &buf);
}

static void add_return(saying *s, const trace_node *tool)
{
    const span_facts *facts = trace_facts(tool);
    const trace_call *call = match(s, facts);
    sw_message *m = &s->messages[s->count];
    char hex[2 * OTLP_SPAN_ID];
    sw_str id = call && call->id.len > 0 ? call->id : facts->tool_call_id;

    if (id.len == 0) { /* nobody named the call: the span's own id does */
        sw_hex_print(tool->facts->span->span_id, OTLP_SPAN_ID, hex);
        id = sw_arena_str(s->t->arena, sw_str_make(hex, sizeof hex));
    }
    if (!call) {
        add_call(s, facts, id);
    }
    *m = (sw_message){
        .id = trace_part_id(s->t, s->node, "message", SW_STR("tool"), s->returns++),
        .role = sw_int_of(SW_MESSAGE_ROLE_TOOL),
        .name = facts->tool_name,
        .tool_call_id = id,
        .tool_returns = return_json(s, tool, id),
        .is_err = sw_int_of(facts->tool_failed),
        .created_at = sw_int_of(tool->end_ns / 1000),
    };
    s->count++;
}

/* ---- the answer --------------------------------------------------------------------------------------- */

static size_t last_assistant(const saying *s)
{
    for (size_t i = s->count; i-- > 0;) {
        if (s->messages[i].role.value == SW_MESSAGE_ROLE_ASSISTANT) {
            return i;
        }
    }
    return s->count;
}

static void add_answers(saying *s, const span_talk *talk)
{
    size_t numbers[SW_MESSAGE_ROLE_FUNCTION + 1] = {0};

    for (size_t i = 0; i < talk->output_count; i++) {
        sw_message *m = &s->messages[s->count++];
        size_t role = 0;
        *m = talk->output[i];
        m->role = m->role.known ? m->role : sw_int_of(SW_MESSAGE_ROLE_ASSISTANT);
        role = (size_t)m->role.value;
        sw_assert(role < SW_COUNT(numbers));
        m->id = trace_part_id(s->t, s->node, "message",
                              sw_str_from(sw_enum_word(SW_ENUM_message_role, m->role.value)),
                              numbers[role]++);
        m->model =
            m->role.value == SW_MESSAGE_ROLE_ASSISTANT ? trace_facts(s->node)->model : SW_NULL_STR;
        m->created_at = sw_int_of(s->node->end_ns / 1000);
    }
    /* Returned tools of the answer itself come first among those of the role. */
    s->returns = numbers[SW_MESSAGE_ROLE_TOOL];
    s->assistant = last_assistant(s);
}

/* The calls that were missing join those of the answer. */
static void join_calls(saying *s)
{
    sw_message *m = &s->messages[s->assistant];
    sw_str had = m->tool_calls;
    sw_buf buf;

    sw_buf_init(&buf, s->t->arena->from, SW_LIMIT_JSON_BYTES);
    while (had.len > 0 && had.ptr[had.len - 1] != ']') {
        had.len--; /* blanks */
    }
    if (s->call_count > 0 && had.len > 0) {
        sw_buf_add(&buf, sw_str_make(had.ptr, had.len - 1));
        sw_buf_addc(&buf, ',');
    } else {
        sw_buf_addc(&buf, '[');
    }
    sw_buf_add(&buf, sw_buf_str(&s->added));
    sw_buf_addc(&buf, ']');
    m->tool_calls = trace_take_text(s->t, &buf);
}

/* Tools were called, but no answer was shown: one that holds the calls alone, before what they returned. */
static void make_answer(saying *s, size_t before)
{
    memmove(&s->messages[before + 1], &s->messages[before],
            (s->count - before) * sizeof *s->messages);
    s->messages[before] = (sw_message){
        .id = trace_part_id(s->t, s->node, "message", SW_STR("assistant"), 0),
        .role = sw_int_of(SW_MESSAGE_ROLE_ASSISTANT),
        .model = trace_facts(s->node)->model,
        .created_at = sw_int_of(s->node->end_ns / 1000),
    };
    s->assistant = before;
    s->count++;
}

static void add_returns(saying *s)
{
    size_t answers = s->count;

    sw_buf_init(&s->added, s->t->arena->from, SW_LIMIT_JSON_BYTES);
    for (uint32_t i = s->node->tools; i != TRACE_NONE; i = s->t->nodes[i].next_tool) {
        add_return(s, &s->t->nodes[i]);
    }
    if (s->added.len > 0) {
        if (s->assistant >= answers) {
            make_answer(s, answers);
        }
        join_calls(s);
    }
    sw_buf_fini(&s->added);
}

/* ---- previews ------------------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static sw_str preview(sw_str text)
{
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    text.len = sw_utf8_prefix(text, SW_LIMIT_PREVIEW_CHARS);
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text.len > 0 ? text : SW_NULL_STR;
}

/* The member `name` of the object that begins at the current token, when it is a string; goes to its end. */
static bool read_part(sw_json *json, sw_str *type, sw_str *text)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str *to = sw_str_eq(json->text, SW_STR("type"))   ? type
                     : sw_str_eq(json->text, SW_STR("text")) ? text
                                                             : NULL;
        sw_json_type value = sw_json_next(json);
        if (to && value == SW_JSON_STRING) {
            *to = json->text;
        } else if (!sw_json_skip(json, NULL)) {
            return false;
        }
    }
    return json->type == SW_JSON_OBJECT_END;
}

/* The first text that is not blank among the parts of a content. */
static sw_str text_of_content(sw_str content, sw_arena *arena)
{
    sw_json json;

    if (!content.ptr) {
        return SW_NULL_STR;
    }
    sw_json_init(&json, content, arena);
    if (sw_json_next(&json) != SW_JSON_ARRAY) {
        return SW_NULL_STR;
    }
    while (sw_json_next(&json) == SW_JSON_OBJECT) {
        sw_str type = SW_NULL_STR;
        sw_str text = SW_NULL_STR;
        if (!read_part(&json, &type, &text)) {
            return SW_NULL_STR;
        }
        if (sw_str_eq(type, SW_STR("text")) && preview(text).ptr) {
            return text;
        }
    }
    return SW_NULL_STR;
}

static sw_str preview_of(const sw_message *m, sw_arena *arena)
{
    sw_str text = m->text.ptr ? preview(m->text) : SW_NULL_STR;
    return text.ptr ? text : preview(text_of_content(m->content, arena));
}

sw_str trace_preview(const sw_message *messages, size_t count, sw_message_role role, bool last,
                     sw_arena *arena)
{
    sw_str found = SW_NULL_STR;

    for (size_t i = 0; i < count && !found.ptr; i++) {
        const sw_message *m = &messages[last ? count - 1 - i : i];
        if (m->role.value == role) {
            found = preview_of(m, arena);
        }
    }
    return found;
}

/* ---- all ------------------------------------------------------------------------------------------------ */

static size_t count_tools(const trace *t, const trace_node *node)
{
    size_t n = 0;

    for (uint32_t i = node->tools; i != TRACE_NONE; i = t->nodes[i].next_tool) {
        n++;
    }
    return n;
}

static void put_input(const saying *s, const span_talk *talk, trace_step *step)
{
    step->input = talk->left_out ? NULL : talk->input;
    step->input_count = talk->left_out ? 0 : talk->input_count;
    step->entry.step.input_preview =
        trace_preview(talk->input, talk->input_count, SW_MESSAGE_ROLE_USER, true, s->t->arena);
}

bool trace_write_messages(trace *t, trace_node *node, trace_step *step)
{
    const span_talk *talk = trace_talk_of(t, node);
    saying s = {.t = t, .node = node};
    size_t room = talk ? talk->output_count + count_tools(t, node) + 1 : 0;

    if (!talk) {
        return false;
    }
    s.messages = sw_arena_alloc(t->arena, room * sizeof *s.messages);
    if (!s.messages || !list_calls(&s, talk)) {
        return false;
    }
    add_answers(&s, talk);
    add_returns(&s);
    sw_assert(s.count <= room);
    put_input(&s, talk, step);
    step->entry.step.output_preview =
        trace_preview(s.messages, s.count, SW_MESSAGE_ROLE_ASSISTANT, true, t->arena);
    for (size_t i = 0; i < s.count; i++) {
        if (trace_fit(SW_RECORD_MESSAGE, &s.messages[i], t->arena)) {
            step->entry.step.content_truncated = sw_int_of(1);
        }
    }
    step->entry.messages = s.messages;
    step->entry.message_count = s.count;
    return !t->arena->failed;
}
