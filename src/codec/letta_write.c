/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one view of a message: the members that all views have, then those of its type, in V1's
 * order. Members that V1 calls deprecated are written as well, because clients read them.
 */
#include "codec/letta_inside.h"

static void put(sw_json_out *out, const char *key, sw_str text)
{
    sw_json_key(out, sw_str_from(key));
    sw_json_str(out, text);
}

static void put_raw(sw_json_out *out, const char *key, sw_str json)
{
    sw_json_key(out, sw_str_from(key));
    sw_json_raw(out, json);
}

/* Text, or the JSON of its parts where there are such. */
static void put_content(sw_json_out *out, const char *key, sw_str text, sw_str parts)
{
    if (parts.ptr) {
        put_raw(out, key, parts);
    } else {
        put(out, key, text);
    }
}

static void put_known(sw_json_out *out, const char *key, sw_int value)
{
    sw_json_key(out, sw_str_from(key));
    if (value.known) {
        sw_json_bool(out, value.value != 0);
    } else {
        sw_json_null(out);
    }
}

/* ---- what all views have --------------------------------------------------------------------- */

/* Seconds and a numeric offset, e.g. 2025-01-29T23:01:19+00:00. */
static void put_date(sw_json_out *out, sw_int created_at)
{
    enum { SECOND = 1000000 };
    char text[SW_TIME_TEXT + 8];
    int64_t rest = created_at.value % SECOND;
    size_t len = sw_time_print(created_at.value - (rest < 0 ? rest + SECOND : rest), false, text);

    memcpy(text + len, "+00:00", 6);
    put(out, "date", created_at.known ? sw_str_make(text, len + 6) : SW_NULL_STR);
}

/* The message's uuid with its lowest seven bits replaced by the place, so that each view has an id
 * of its own that is the same whenever it is made. An id without uuid leaves the stored otid.
 */
static void put_otid(sw_json_out *out, const sw_message *message, bool own, size_t place)
{
    enum { PREFIX = sizeof "message-" - 1 };
    sw_str id = message->id;
    uint8_t uuid[SW_UUID];
    char text[SW_UUID_TEXT];

    if (own || id.len != PREFIX + SW_UUID_TEXT ||
        !sw_uuid_parse(sw_str_make(id.ptr + PREFIX, SW_UUID_TEXT), uuid)) {
        put(out, "otid", message->otid);
        return;
    }
    uuid[SW_UUID - 1] = (uint8_t)((uuid[SW_UUID - 1] & 0x80U) | (place & 0x7fU));
    sw_uuid_print(uuid, text);
    put(out, "otid", sw_str_make(text, SW_UUID_TEXT));
}

static void put_common(sw_json_out *out, const sw_message *message, const sw_letta_piece *piece,
                       size_t place)
{
    put(out, "id", message->id);
    put_date(out, message->created_at);
    put(out, "name", message->name);
    put(out, "message_type", sw_str_from(sw_enum_word(SW_ENUM_letta_type, piece->type)));
    put_otid(out, message, piece->own_otid, place);
    put(out, "sender_id", message->sender_id);
    put(out, "step_id", message->step_id);
    put_known(out, "is_err", message->is_err.value ? message->is_err : SW_NULL_INT);
    put_raw(out, "seq_id", SW_NULL_STR); /* of streams only */
    put(out, "run_id", message->run_id);
}

/* ---- what one type has ----------------------------------------------------------------------- */

static void put_call(sw_json_out *out, const sw_letta_call *call)
{
    sw_json_open(out, '{');
    put(out, "name", call->name);
    put(out, "arguments", call->arguments);
    put(out, "tool_call_id", call->id);
    sw_json_close(out, '}');
}

static void put_calls(sw_json_out *out, const sw_letta_piece *piece)
{
    sw_json_key(out, SW_STR("tool_call"));
    put_call(out, &piece->calls[0]);
    sw_json_key(out, SW_STR("tool_calls"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < piece->count; i++) {
        put_call(out, &piece->calls[i]);
    }
    sw_json_close(out, ']');
}

static void put_return(sw_json_out *out, const sw_letta_return *item)
{
    put(out, "status", item->failed ? SW_STR("error") : SW_STR("success"));
    put(out, "tool_call_id", item->tool_call_id);
    put_raw(out, "stdout", item->out);
    put_raw(out, "stderr", item->err);
}

static void put_return_object(sw_json_out *out, const sw_letta_return *item)
{
    sw_json_open(out, '{');
    put(out, "type", SW_STR("tool"));
    put_content(out, "tool_return", item->text, item->parts);
    put_return(out, item);
    sw_json_close(out, '}');
}

static void put_returns(sw_json_out *out, const sw_letta_piece *piece)
{
    put(out, "tool_return", piece->returns[0].text);
    put_return(out, &piece->returns[0]);
    sw_json_key(out, SW_STR("tool_returns"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < piece->count; i++) {
        put_return_object(out, &piece->returns[i]);
    }
    sw_json_close(out, ']');
}

static void put_approval(sw_json_out *out, const sw_letta_approval *item)
{
    if (item->is_return) {
        put_return_object(out, &item->returned);
        return;
    }
    sw_json_open(out, '{');
    put(out, "type", SW_STR("approval"));
    put(out, "tool_call_id", item->tool_call_id);
    put_known(out, "approve", item->approve);
    put(out, "reason", item->reason);
    sw_json_close(out, '}');
}

static void put_approvals(sw_json_out *out, const sw_message *message, const sw_letta_piece *piece)
{
    static const sw_letta_approval none;
    const sw_letta_approval *first = piece->count > 0 ? &piece->approvals[0] : &none;

    sw_json_key(out, SW_STR("approvals"));
    sw_json_open(out, '[');
    for (size_t i = 0; i < piece->count; i++) {
        put_approval(out, &piece->approvals[i]);
    }
    sw_json_close(out, ']');
    put_known(out, "approve", first->approve);
    put(out, "approval_request_id", message->approval_request_id);
    put(out, "reason", first->reason);
}

void sw_letta_write_piece(const sw_message *message, const sw_letta_piece *piece, size_t place,
                          sw_json_out *out)
{
    sw_json_open(out, '{');
    put_common(out, message, piece, place);
    switch (piece->type) {
    case SW_LETTA_TYPE_SYSTEM:
    case SW_LETTA_TYPE_USER:
    case SW_LETTA_TYPE_ASSISTANT:
        put_content(out, "content", piece->text, piece->parts);
        break;
    case SW_LETTA_TYPE_REASONING:
        put(out, "source",
            piece->reasoner ? SW_STR("reasoner_model") : SW_STR("non_reasoner_model"));
        put(out, "reasoning", piece->text);
        put(out, "signature", piece->signature);
        break;
    case SW_LETTA_TYPE_HIDDEN_REASONING:
        put(out, "state", piece->reasoner ? SW_STR("redacted") : SW_STR("omitted"));
        put(out, "hidden_reasoning", piece->text);
        break;
    case SW_LETTA_TYPE_TOOL_CALL:
    case SW_LETTA_TYPE_APPROVAL_REQUEST:
        put_calls(out, piece);
        break;
    case SW_LETTA_TYPE_TOOL_RETURN:
        put_returns(out, piece);
        break;
    case SW_LETTA_TYPE_APPROVAL_RESPONSE:
        put_approvals(out, message, piece);
        break;
    case SW_LETTA_TYPE_SUMMARY:
    case SW_LETTA_TYPE_EVENT:
        SW_IMPOSSIBLE("no stored message becomes one of these");
    }
    sw_json_close(out, '}');
}
