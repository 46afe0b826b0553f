/* SPDX-License-Identifier: Apache-2.0 */
/* A request that was put together from telemetry, read back whole: what it was sent and which tools it could call are
 * kept once for all steps, as lists of digests (context.c), and stand in the request only when somebody reads it.
 */
#include "ledger/context.h"

/* How such a request ends; nothing is behind it (ingest/talk_trace.c). */
static const sw_str made_end = {"\"reconstructed\":true}", 21};

typedef struct writing {
    sw_session *session;
    sw_arena *arena; /* of what is read on the way */
    sw_str organization_id;
    sw_json_out out;
} writing;

/* ---- one message ---------------------------------------------------------------------------------- */

static void put_text(sw_json_out *out, const char *key, sw_str text)
{
    if (text.ptr) {
        sw_json_key(out, sw_str_from(key));
        sw_json_str(out, text);
    }
}

/* A message without calls has none as a member. */
static void put_json(sw_json_out *out, const char *key, sw_str json)
{
    if (json.ptr && !sw_str_eq(json, SW_STR("[]"))) {
        sw_json_key(out, sw_str_from(key));
        sw_json_raw(out, json);
    }
}

static sw_status get_body(writing *w, sw_str digest, sw_message_body *out, sw_error *err)
{
    sw_message_body key = {.organization_id = w->organization_id, .digest = digest};

    *out = (sw_message_body){.text = SW_NULL_STR};
    return digest.ptr ? sw_store_get(w->session, SW_RECORD_MESSAGE_BODY, &key, w->arena, out, err)
                      : SW_STATUS_OK;
}

static sw_status put_message(writing *w, const sw_context_item *item, sw_error *err)
{
    sw_json_out *out = &w->out;
    sw_message_body body;
    sw_status status = get_body(w, item->body_hash, &body, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_json_open(out, '{');
    put_text(out, "role", sw_str_from(sw_enum_word(SW_ENUM_message_role, item->role)));
    put_text(out, "name", item->name);
    put_text(out, "tool_call_id", item->tool_call_id);
    sw_json_key(out, SW_STR("content"));
    if (body.content.ptr) {
        sw_json_raw(out, body.content);
    } else {
        sw_json_str(out, body.text);
    }
    put_json(out, "tool_calls", body.tool_calls);
    put_json(out, "tool_returns", body.tool_returns);
    sw_json_close(out, '}');
    return SW_STATUS_OK;
}

/* ---- what is put in -------------------------------------------------------------------------------- */

static sw_status put_messages(writing *w, const sw_step_context *context, sw_error *err)
{
    sw_context_list list;
    sw_status status = sw__context_read(w->session, context, w->arena, &list, err);

    if (status != SW_STATUS_OK || list.count == 0) {
        return status;
    }
    sw_json_key(&w->out, SW_STR("messages"));
    sw_json_open(&w->out, '[');
    for (size_t i = 0; i < list.count && status == SW_STATUS_OK; i++) {
        sw_mark mark = sw_arena_mark(w->arena);
        status = put_message(w, &list.items[i], err);
        sw_arena_rewind(w->arena, mark);
    }
    sw_json_close(&w->out, ']');
    return status;
}

static sw_status put_tools(writing *w, sw_str made, sw_error *err)
{
    sw_context_item item;
    sw_message_body body;
    sw_status status = SW_STATUS_OK;

    while (made.len > 0 && status == SW_STATUS_OK && sw__context_next(&made, &item)) {
        if (item.role == SW_CONTEXT_TOOLS) {
            status = get_body(w, item.body_hash, &body, err);
            if (status == SW_STATUS_OK) {
                put_json(&w->out, "tools", body.content);
            }
        }
    }
    return status;
}

/* Behind the model, or first. False: the request says messages or tools itself, or is no object. */
static sw_status put_all(writing *w, sw_str request, const sw_step_context *context, bool *whole,
                         sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    bool done = false;
    sw_str raw;
    sw_json json;

    sw_json_init(&json, request, w->arena);
    *whole = sw_json_next(&json) == SW_JSON_OBJECT;
    sw_json_open(&w->out, '{');
    while (*whole && status == SW_STATUS_OK && sw_json_next(&json) == SW_JSON_KEY) {
        sw_str key = json.text;
        bool model = sw_str_eq(key, SW_STR("model"));
        *whole = !sw_str_eq(key, SW_STR("messages")) && !sw_str_eq(key, SW_STR("tools")) &&
                 sw_json_next(&json) != SW_JSON_ERROR && sw_json_skip(&json, &raw);
        for (int round = 0; *whole && round < 2; round++) {
            if ((round == 0) == model) {
                sw_json_key(&w->out, key);
                sw_json_raw(&w->out, raw);
            } else if (!done && status == SW_STATUS_OK) {
                done = true;
                status = put_messages(w, context, err);
                status = status == SW_STATUS_OK ? put_tools(w, context->made, err) : status;
            }
        }
    }
    sw_json_close(&w->out, '}');
    return status;
}

static bool is_made(sw_str request)
{
    return request.ptr && request.len > made_end.len &&
           memcmp(request.ptr + request.len - made_end.len, made_end.ptr, made_end.len) == 0;
}

static sw_status put_in(sw_session *session, sw_arena *scratch, const sw_provider_trace *trace,
                        sw_arena *arena, sw_str *out, sw_error *err)
{
    writing w = {.session = session, .arena = scratch, .organization_id = trace->organization_id};
    sw_step_context key = {.id = trace->step_id};
    sw_step_context context;
    bool whole = false;
    sw_buf buf;
    sw_status status = sw_store_get(session, SW_RECORD_STEP_CONTEXT, &key, scratch, &context, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_buf_init(&buf, arena->from, 0);
    sw_json_out_init(&w.out, &buf, false);
    status = put_all(&w, trace->request_json, &context, &whole, err);
    if (status == SW_STATUS_OK && buf.status != SW_STATUS_OK) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK && whole) {
        *out = sw_arena_str(arena, sw_buf_str(&buf));
        status = out->ptr ? status : sw_no_memory(err);
    }
    sw_buf_fini(&buf);
    return status;
}

/* Where what it was sent is gone or damaged (verify tells of it), the request is shown as it lies. */
sw_status sw__trace_whole(sw_session *session, sw_arena *arena, sw_provider_trace *trace,
                          sw_error *err)
{
    sw_arena scratch;
    sw_status status = SW_STATUS_OK;

    if (!trace->step_id.ptr || !is_made(trace->request_json)) {
        return status;
    }
    sw_arena_init(&scratch, arena->from, 0);
    status = put_in(session, &scratch, trace, arena, &trace->request_json, err);
    sw_arena_fini(&scratch);
    return status == SW_STATUS_NOT_FOUND || status == SW_STATUS_CORRUPT ? SW_STATUS_OK : status;
}
