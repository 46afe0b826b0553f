/* SPDX-License-Identifier: Apache-2.0 */
/* What a stored message becomes: a list of pieces, which the view then shows in one order or the
 * other. The role decides; each role is one function. Knows V1's rules and nothing of pages.
 */
#include "codec/letta_message.h"

#include "codec/letta_inside.h"

/* The tool by which V1's older agents speak, and its argument. */
#define ANSWER_TOOL SW_STR("send_message")
#define ANSWER_ARGUMENT "message"

/* One message on its way. */
typedef struct conversion {
    const sw_message *message;
    bool text_is_answer;
    sw_arena *arena;
    sw_letta_list pieces;
} conversion;

bool sw_letta_text_is_answer(sw_str agent_type)
{
    return !agent_type.ptr || sw_str_eq(agent_type, SW_STR("letta_v1_agent"));
}

uint32_t sw_letta_types_of_config(sw_str request_config, sw_arena *arena)
{
    sw_str list = sw_letta_member(request_config, "include_return_message_types", arena);
    uint32_t types = 0;
    sw_json json;

    if (!list.ptr) {
        return 0;
    }
    sw_json_init(&json, list, arena);
    while (sw_json_next(&json) != SW_JSON_END && json.type != SW_JSON_ERROR) {
        int type = json.type == SW_JSON_STRING ? sw_enum_find(SW_ENUM_letta_type, json.text) : -1;
        types |= type >= 0 ? SW_LETTA_TYPE_BIT(type) : 0;
    }
    return types;
}

static sw_letta_piece *add_piece(conversion *c, sw_letta_type type)
{
    sw_letta_piece *piece = sw_letta_list_add(&c->pieces, sizeof *piece, c->arena);

    if (piece) {
        piece->type = type;
    }
    return piece;
}

/* ---- the assistant --------------------------------------------------------------------------- */

/* How many parts from `part` on make one piece: neighbours of the same kind that may be joined. */
static size_t run_length(const conversion *c, const sw_letta_part *part, size_t count)
{
    bool joins = part->kind == SW_LETTA_PART_REASONING ||
                 (part->kind == SW_LETTA_PART_TEXT && c->text_is_answer);
    size_t n = 1;

    while (joins && !part->alone && n < count && part[n].kind == part->kind && !part[n].alone) {
        n++;
    }
    return n;
}

static sw_str joined(const sw_letta_part *part, size_t count, sw_arena *arena)
{
    size_t len = 0;
    char *all = NULL;

    for (size_t i = 0; i < count; i++) {
        len += part[i].text.len;
    }
    all = count > 1 ? sw_arena_alloc(arena, len + 1) : NULL;
    if (!all) {
        return part->text;
    }
    len = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(all + len, part[i].text.ptr, part[i].text.len);
        len += part[i].text.len;
    }
    return sw_str_make(all, len);
}

static sw_str first_signature(const sw_letta_part *part, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (part[i].signature.ptr) {
            return part[i].signature;
        }
    }
    return SW_NULL_STR;
}

static void add_said(conversion *c, const sw_letta_part *part, size_t count)
{
    bool thought = part->kind == SW_LETTA_PART_REASONING || !c->text_is_answer;
    sw_str text = joined(part, count, c->arena);
    sw_letta_piece *piece = NULL;

    if (part->alone && text.len == 0) { /* a summary of nothing */
        return;
    }
    piece = add_piece(c, thought ? SW_LETTA_TYPE_REASONING : SW_LETTA_TYPE_ASSISTANT);
    if (piece) {
        piece->text = text;
        piece->reasoner = part->kind == SW_LETTA_PART_REASONING;
        piece->signature = first_signature(part, count);
    }
}

static void add_hidden(conversion *c, const sw_letta_part *part)
{
    sw_letta_piece *piece = add_piece(c, SW_LETTA_TYPE_HIDDEN_REASONING);

    if (piece) {
        piece->reasoner = part->kind == SW_LETTA_PART_REDACTED;
        piece->text = part->text;
    }
}

static void add_thoughts(conversion *c)
{
    sw_letta_list parts = {.count = 0};
    const sw_letta_part *part = NULL;

    sw_letta_read_parts(c->message, c->arena, &parts);
    part = parts.items;
    for (size_t i = 0; i < parts.count;) {
        size_t n = run_length(c, &part[i], parts.count - i);
        if (part[i].kind == SW_LETTA_PART_TEXT || part[i].kind == SW_LETTA_PART_REASONING) {
            add_said(c, &part[i], n);
        } else if (part[i].kind == SW_LETTA_PART_REDACTED ||
                   part[i].kind == SW_LETTA_PART_OMITTED) {
            add_hidden(c, &part[i]);
        }
        i += n;
    }
}

/* What a call to the answering tool says; null: the call is none, or says nothing. */
static sw_str spoken(const sw_letta_call *call, sw_arena *arena)
{
    return sw_str_eq(call->name, ANSWER_TOOL)
               ? sw_letta_member(call->arguments, ANSWER_ARGUMENT, arena)
               : SW_NULL_STR;
}

static void add_call(conversion *c, const sw_letta_call *call, sw_letta_piece **open)
{
    sw_str answer = spoken(call, c->arena);
    sw_letta_piece *piece = NULL;

    if (answer.ptr) {
        piece = add_piece(c, SW_LETTA_TYPE_ASSISTANT);
        if (piece) {
            piece->text = answer;
        }
        *open = NULL;
        return;
    }
    if (!*open) {
        *open = add_piece(c, SW_LETTA_TYPE_TOOL_CALL);
        if (*open) {
            (*open)->calls = call;
        }
    }
    if (*open) {
        (*open)->count++;
    }
}

static void convert_assistant(conversion *c)
{
    sw_letta_list calls = {.count = 0};
    sw_letta_piece *open = NULL;

    add_thoughts(c);
    sw_letta_read_calls(c->message->tool_calls, c->arena, &calls);
    for (size_t i = 0; i < calls.count; i++) {
        add_call(c, (const sw_letta_call *)calls.items + i, &open);
    }
}

/* ---- the others ------------------------------------------------------------------------------ */

/* A text that is the JSON {"type": "user_message", "message"} says that message. */
static sw_str unwrapped(sw_str text, sw_arena *arena)
{
    sw_str message = SW_NULL_STR;

    if (text.len > 0 && text.ptr[0] == '{' &&
        sw_str_eq(sw_letta_member(text, "type", arena), SW_STR("user_message"))) {
        message = sw_letta_member(text, "message", arena);
    }
    return message.ptr ? message : text;
}

static sw_str all_parts(const conversion *c, const sw_letta_part *part, size_t count)
{
    sw_json_out json;
    sw_buf buf;
    sw_str all = SW_NULL_STR;

    sw_buf_init(&buf, c->arena->from, 0);
    sw_json_out_init(&json, &buf, false);
    sw_json_open(&json, '[');
    for (size_t i = 0; i < count; i++) {
        if (part[i].kind == SW_LETTA_PART_TEXT) {
            sw_json_open(&json, '{');
            sw_json_key(&json, SW_STR("type"));
            sw_json_str(&json, SW_STR("text"));
            sw_json_key(&json, SW_STR("text"));
            sw_json_str(&json, part[i].text);
            sw_json_close(&json, '}');
        } else {
            sw_json_raw(&json, part[i].raw);
        }
    }
    sw_json_close(&json, ']');
    c->arena->failed = c->arena->failed || buf.status != SW_STATUS_OK;
    all = sw_buf_take(&buf, c->arena);
    return all;
}

static void convert_user(conversion *c)
{
    sw_letta_list parts = {.count = 0};
    sw_letta_piece *piece = add_piece(c, SW_LETTA_TYPE_USER);
    const sw_letta_part *part = NULL;

    sw_letta_read_parts(c->message, c->arena, &parts);
    part = parts.items;
    if (!piece) {
        return;
    }
    piece->own_otid = true;
    piece->text = SW_STR("");
    if (parts.count == 1 && part->kind == SW_LETTA_PART_TEXT) {
        piece->text = unwrapped(part->text, c->arena);
    } else if (parts.count > 0) {
        piece->parts = all_parts(c, part, parts.count);
    }
}

static void convert_system(conversion *c)
{
    sw_letta_list parts = {.count = 0};
    sw_letta_piece *piece = add_piece(c, SW_LETTA_TYPE_SYSTEM);
    sw_letta_part *part = NULL;

    sw_letta_read_parts(c->message, c->arena, &parts);
    part = parts.items;
    for (size_t i = 0; i < parts.count; i++) {
        part[i].text = part[i].kind == SW_LETTA_PART_TEXT ? part[i].text : part[i].raw;
    }
    if (piece) {
        piece->own_otid = true;
        piece->text = parts.count > 0 ? joined(part, parts.count, c->arena) : SW_STR("");
    }
}

/* The return of the answering tool says nothing that the call did not say. That it is one is known
 * from its own name, so that it does not depend on what else is shown.
 */
static void convert_tool(conversion *c)
{
    sw_letta_list returns = {.count = 0};
    sw_letta_piece *piece = NULL;

    if (sw_str_eq(c->message->name, ANSWER_TOOL)) {
        return;
    }
    sw_letta_read_returns(c->message, c->arena, &returns);
    piece = returns.count > 0 ? add_piece(c, SW_LETTA_TYPE_TOOL_RETURN) : NULL;
    if (piece) {
        piece->returns = returns.items;
        piece->count = returns.count;
    }
}

static void convert_approval(conversion *c)
{
    sw_letta_list calls = {.count = 0};
    sw_letta_list approvals = {.count = 0};
    sw_letta_piece *piece = NULL;

    add_thoughts(c);
    sw_letta_read_calls(c->message->tool_calls, c->arena, &calls);
    piece = add_piece(c, calls.count > 0 ? SW_LETTA_TYPE_APPROVAL_REQUEST
                                         : SW_LETTA_TYPE_APPROVAL_RESPONSE);
    if (!piece) {
        return;
    }
    piece->own_otid = true;
    if (calls.count > 0) {
        piece->calls = calls.items;
        piece->count = calls.count;
        return;
    }
    sw_letta_read_approvals(c->message, c->arena, &approvals);
    piece->approvals = approvals.items;
    piece->count = approvals.count;
}

static void convert(conversion *c)
{
    switch ((sw_message_role)c->message->role.value) {
    case SW_MESSAGE_ROLE_ASSISTANT:
        convert_assistant(c);
        return;
    case SW_MESSAGE_ROLE_USER:
    case SW_MESSAGE_ROLE_SUMMARY:
        convert_user(c);
        return;
    case SW_MESSAGE_ROLE_SYSTEM:
        convert_system(c);
        return;
    case SW_MESSAGE_ROLE_TOOL:
    case SW_MESSAGE_ROLE_FUNCTION:
        convert_tool(c);
        return;
    case SW_MESSAGE_ROLE_APPROVAL:
        convert_approval(c);
        return;
    }
}

sw_status sw_letta_write(const sw_message *message, const sw_letta_view *view, sw_arena *arena,
                         sw_json_out *out, size_t *count, sw_error *err)
{
    conversion c = {.message = message, .text_is_answer = view->text_is_answer, .arena = arena};
    const sw_letta_piece *pieces = NULL;

    *count = 0;
    if (message->role.known) {
        convert(&c);
    }
    if (arena->failed) {
        return sw_no_memory(err);
    }
    pieces = c.pieces.items;
    for (size_t i = 0; i < c.pieces.count; i++) {
        size_t place = view->reversed ? c.pieces.count - 1 - i : i;
        if (view->types == 0 || view->types & SW_LETTA_TYPE_BIT(pieces[place].type)) {
            sw_letta_write_piece(message, &pieces[place], place, out);
            ++*count;
        }
    }
    return SW_STATUS_OK;
}
