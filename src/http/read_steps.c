/* SPDX-License-Identifier: Apache-2.0 */
/* Steps as V1 reads them, and what people say about them. */
#include "http/read.h"

/* ---- lists --------------------------------------------------------------------------------------- */

sw_status sw_http_steps(sw_request *request, sw_error *err)
{
    sw_int from = sw_param_int(request, "start_date");
    sw_int to = sw_param_int(request, "end_date");
    sw_list_query query;
    sw_status status = sw_list_from_params(request, &query, err);

    if (from.known && to.known && from.value > to.value) {
        return sw_answer_fail(request, 400, "start_date must be earlier than or equal to end_date");
    }
    return status == SW_STATUS_OK ? sw_answer_list(request, SW_RECORD_STEP, &query, err) : status;
}

/* ---- one step ------------------------------------------------------------------------------------ */

sw_status sw_http_step_messages(sw_request *request, sw_error *err)
{
    sw_step step;
    sw_status status = sw__get_row(request, SW_RECORD_STEP, sw_path_value(request, 0), &step, err);

    return status == SW_STATUS_OK
               ? sw__answer_messages(request, SW_MESSAGE_STEP_ID, step.id, step.agent_id, 0, err)
               : status;
}

/* ---- how long they took ---------------------------------------------------------------------------- */

sw_status sw_http_steps_metrics(sw_request *request, sw_error *err)
{
    return sw__answer_named(request, SW_RECORD_STEP_METRICS, "step_id", err);
}

/* ---- what it was sent ------------------------------------------------------------------------------ */

static void put_text(sw_json_out *out, const char *name, sw_str text)
{
    sw_json_key(out, sw_str_from(name));
    sw_json_str(out, text);
}

static void put_json(sw_json_out *out, const char *name, sw_str json)
{
    sw_json_key(out, sw_str_from(name));
    sw_json_raw(out, json);
}

static bool write_sent(void *arg, const void *row)
{
    sw_json_out *out = arg;
    const sw_message *message = row;
    sw_json_open(out, '{');
    put_text(out, "role",
             sw_str_from(sw_enum_word(SW_ENUM_message_role, (int)message->role.value)));
    put_text(out, "name", message->name);
    put_text(out, "text", message->text);
    put_json(out, "content", message->content);
    put_json(out, "tool_calls", message->tool_calls);
    put_text(out, "tool_call_id", message->tool_call_id);
    put_json(out, "tool_returns", message->tool_returns);
    sw_json_close(out, '}');
    return out->buf->status == SW_STATUS_OK;
}

sw_status sw_http_step_context(sw_request *request, sw_error *err)
{
    sw_json_out *out = sw_answer_json(request, 200);
    sw_json_open(out, '[');
    sw_status status = sw_step_context_read(
        sw_server_ledger(request->server), &request->actor, sw_path_value(request, 0),
        sw_param_int(request, "output").value != 0, write_sent, out, err);
    sw_json_close(out, ']');
    return status;
}

/* ---- traces -------------------------------------------------------------------------------------- */

static bool write_trace(void *arg, const void *row)
{
    sw_answer_record(arg, 200, SW_RECORD_PROVIDER_TRACE, row);
    return true;
}

/* Null is V1's answer where there is no trace, also for a step that is not there; a failure to look is
 * an error all the same. */
static sw_status answer_trace(sw_request *request, sw_error *err)
{
    sw_value step_id = {.text = sw_path_value(request, 0)};
    sw_condition of_step = {SW_PROVIDER_TRACE_STEP_ID, SW_OP_EQ, &step_id, 1};
    sw_list_query newest = {.conditions = &of_step, .condition_count = 1, .limit = 1};

    sw_answer_null(request);
    return sw_list(sw_server_ledger(request->server), &request->actor, SW_RECORD_PROVIDER_TRACE,
                   &newest, write_trace, request, NULL, err);
}

sw_status sw_http_step_trace(sw_request *request, sw_error *err)
{
    sw_step step;
    sw_status status = sw__get_row(request, SW_RECORD_STEP, sw_path_value(request, 0), &step, err);

    return status == SW_STATUS_OK || status == SW_STATUS_NOT_FOUND ? answer_trace(request, err)
                                                                   : status;
}

sw_status sw_http_telemetry(sw_request *request, sw_error *err)
{
    return answer_trace(request, err);
}

/* ---- the price ------------------------------------------------------------------------------------ */

sw_status sw_http_step_price(sw_request *request, sw_error *err)
{
    sw_step step;
    sw_price price;
    sw_status status = sw__get_row(request, SW_RECORD_STEP, sw_path_value(request, 0), &step, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_answer_null(request);
    if (!step.price_id.ptr) {
        return SW_STATUS_OK;
    }
    status = sw_price_named(sw_server_ledger(request->server), &request->actor, step.price_id,
                            request->memory, &price, err);
    if (status == SW_STATUS_OK) {
        sw_answer_record(request, 200, SW_RECORD_PRICE, &price);
    }
    return status == SW_STATUS_NOT_FOUND || status == SW_STATUS_INVALID_ID ? SW_STATUS_OK : status;
}

/* ---- what people say ------------------------------------------------------------------------------ */

static sw_status read_word(sw_json *json, sw_feedback_change *change, sw_error *err)
{
    int word = json->type == SW_JSON_STRING ? sw_enum_find(SW_ENUM_feedback, json->text) : -1;

    change->set_feedback = true;
    if (json->type == SW_JSON_NULL) {
        return SW_STATUS_OK;
    }
    if (word < 0) {
        return sw_fail(err, SW_STATUS_INVALID, "feedback",
                       "Input should be 'positive' or 'negative'");
    }
    change->feedback = sw_int_of(word);
    return SW_STATUS_OK;
}

static sw_status read_tags(sw_json *json, const char *name, sw_str *out, sw_error *err)
{
    if (json->type != SW_JSON_ARRAY) {
        return sw_fail(err, SW_STATUS_INVALID, name, "must be an array of texts");
    }
    return sw_json_skip(json, out)
               ? SW_STATUS_OK
               : sw_fail(err, SW_STATUS_INVALID, "", "%s (at byte %zu)", json->error, json->offset);
}

static sw_status read_member(sw_json *json, sw_str name, sw_feedback_change *change, sw_error *err)
{
    struct {
        const char *name;
        sw_str *out;
    } lists[] = {{"tags", &change->tags},
                 {"add_tags", &change->add_tags},
                 {"remove_tags", &change->remove_tags}};

    if (sw_str_eq(name, SW_STR("feedback"))) {
        return read_word(json, change, err);
    }
    for (size_t i = 0; i < SW_COUNT(lists); i++) {
        if (sw_str_eq(name, sw_str_from(lists[i].name)) && json->type != SW_JSON_NULL) {
            change->set_tags = change->set_tags || i == 0;
            return read_tags(json, lists[i].name, lists[i].out, err);
        }
    }
    (void)sw_json_skip(json, NULL); /* V1 passes over what it does not know */
    return SW_STATUS_OK;
}

static sw_status read_feedback(sw_request *request, sw_feedback_change *change, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    sw_json json;

    sw_json_init(&json, request->body, &request->arena);
    if (sw_json_next(&json) != SW_JSON_OBJECT && json.type != SW_JSON_ERROR) {
        return sw_fail(err, SW_STATUS_INVALID, "", "must be an object (at byte %zu)", json.offset);
    }
    while (status == SW_STATUS_OK && sw_json_next(&json) == SW_JSON_KEY) {
        sw_str name = json.text;
        (void)sw_json_next(&json);
        status = read_member(&json, name, change, err);
    }
    if (status == SW_STATUS_OK &&
        (json.type != SW_JSON_OBJECT_END || sw_json_next(&json) != SW_JSON_END)) {
        return sw_fail(err, SW_STATUS_INVALID, "", "%s (at byte %zu)",
                       json.error ? json.error : "text behind the object", json.offset);
    }
    return status;
}

/* V1's older clients send the feedback in the query, and no body. */
static sw_status feedback_asked(sw_request *request, sw_feedback_change *change, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (sw_param_given(request, "feedback")) {
        change->set_feedback = true;
        change->feedback = sw_param_int(request, "feedback");
    } else if (request->body.len == 0) {
        sw_request_invalid(request, "missing", "body", NULL, "Field required", SW_NULL_STR, NULL);
        return SW_STATUS_INVALID;
    }
    if (request->body.len > 0) {
        status = read_feedback(request, change, err);
    }
    return status == SW_STATUS_INVALID ? sw_request_unread_body(request, err) : status;
}

sw_status sw_http_step_feedback(sw_request *request, sw_error *err)
{
    sw_feedback_change change = {.set_feedback = false};
    sw_str id = sw_path_value(request, 0);
    sw_outcome outcome;
    sw_status status = feedback_asked(request, &change, err);

    if (status == SW_STATUS_OK) {
        status = sw_step_feedback(sw_server_ledger(request->server), &request->actor, id, &change,
                                  &outcome, err);
    }
    if (status == SW_STATUS_OK) {
        return sw__answer_written(request, 200, SW_RECORD_STEP, id, &outcome, err);
    }
    return status;
}

sw_status sw_http_step_transaction(sw_request *request, sw_error *err)
{
    sw_step values = {.tid = sw_path_value(request, 1)};
    sw_str id = sw_path_value(request, 0);
    sw_outcome outcome;
    sw_status status = sw_step_update(sw_server_ledger(request->server), &request->actor, id,
                                      &values, SW_FIELD_BIT(SW_STEP_TID), &outcome, err);

    if (status == SW_STATUS_OK) {
        return sw__answer_written(request, 200, SW_RECORD_STEP, id, &outcome, err);
    }
    return status;
}
