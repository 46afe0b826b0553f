/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to one step that is there: changed or ended, kept alive, given timings, messages and
 * traces, deleted. Each handler reads a body, calls one verb of the ledger, and tells its outcome.
 */
#include "http/write.h"

/* The writer of a call whose body is whole, and the step it is about. */
static sw_status begin(sw_request *request, sw_writer **writer, sw_error *err)
{
    return sw__writer_make(request, true, writer, err);
}

static sw_str step_id(const sw_request *request)
{
    return sw_path_value(request, 0);
}

sw_status sw_http_patch_step(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_step_entry entry = {.lease_seconds = 0};
    sw_outcome outcome = {.seq = 0};
    uint64_t seen = 0;
    sw_json json;
    sw_status status = begin(request, &writer, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw__body_begin(request, &json);
    status = sw_step_entry_read_json(&json, &request->arena, &entry, &seen, err);
    status = sw__body_end(request, &json, status, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_step_patch(sw_server_ledger(request->server), &writer->actor, step_id(request),
                           &entry, seen, &outcome, err);
    return sw__answer_outcome(request, status, &outcome, err);
}

/* The ledger names fields from the step on; here the body holds the metrics alone. */
static void forget_prefix(char *field, const char *prefix)
{
    size_t len = strlen(prefix);
    if (strncmp(field, prefix, len) == 0) {
        memmove(field, field + len, strlen(field + len) + 1);
    }
}

sw_status sw_http_put_metrics(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_step_metrics row = {.id = {NULL, 0}};
    sw_outcome outcome = {.seq = 0};
    sw_status status = begin(request, &writer, err);
    if (status == SW_STATUS_OK) {
        status = sw__body_record(request, SW_RECORD_STEP_METRICS, &row, NULL, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_step_metrics_record(sw_server_ledger(request->server), &writer->actor,
                                    step_id(request), &row, &outcome, err);
    forget_prefix(err->field, "metrics.");
    return sw__answer_outcome(request, status, &outcome, err);
}

/* ---- messages and traces ------------------------------------------------------------------------------- */

/* The rows of a body: {"messages": [...]} or the array alone. */
typedef struct rows {
    sw_record_id record;
    const char *name;
    sw_request *request;
    sw_json json;
    void *at;
    size_t count;
} rows;

static sw_status read_array(rows *in, sw_error *err)
{
    return sw_record_read_json_array(in->record, &in->json, &in->request->arena, in->name, &in->at,
                                     &in->count, err);
}

static sw_status unknown_member(rows *in, sw_error *err)
{
    char name[80];
    sw_str key = in->json.text;
    memcpy(name, key.ptr, sw_utf8_prefix(key, 16));
    name[sw_utf8_prefix(key, 16)] = '\0';
    return sw_fail(err, SW_STATUS_INVALID, name,
                   "is not what is expected here, which is %s (at byte %zu)", in->name,
                   in->json.offset);
}

static sw_status read_object(rows *in, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    if (sw_json_next(&in->json) != SW_JSON_KEY) {
        return sw_fail(err, SW_STATUS_INVALID, in->name, "is missing");
    }
    if (!sw_str_eq(in->json.text, sw_str_from(in->name))) {
        return unknown_member(in, err);
    }
    (void)sw_json_next(&in->json);
    status = read_array(in, err);
    if (status == SW_STATUS_OK && sw_json_next(&in->json) == SW_JSON_KEY) {
        return unknown_member(in, err);
    }
    return status;
}

static sw_status read_rows(rows *in, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    sw__body_begin(in->request, &in->json);
    status = in->json.type == SW_JSON_OBJECT ? read_object(in, err) : read_array(in, err);
    return sw__body_end(in->request, &in->json, status, err);
}

static sw_status attach(sw_request *request, const rows *in, sw_error *err)
{
    bool messages = in->record == SW_RECORD_MESSAGE;
    sw_writer *writer = NULL;
    sw_outcome outcome = {.seq = 0};
    sw_status status = begin(request, &writer, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_step_attach(sw_server_ledger(request->server), &writer->actor, step_id(request),
                            messages ? in->at : NULL, messages ? in->count : 0,
                            messages ? NULL : in->at, messages ? 0 : in->count, &outcome, err);
    return sw__answer_outcome(request, status, &outcome, err);
}

static sw_status add_rows(sw_request *request, sw_record_id record, const char *name, sw_error *err)
{
    rows in = {.record = record, .name = name, .request = request};
    sw_status status = read_rows(&in, err);
    return status == SW_STATUS_OK ? attach(request, &in, err) : status;
}

sw_status sw_http_add_messages(sw_request *request, sw_error *err)
{
    return add_rows(request, SW_RECORD_MESSAGE, "messages", err);
}

sw_status sw_http_add_traces(sw_request *request, sw_error *err)
{
    return add_rows(request, SW_RECORD_PROVIDER_TRACE, "traces", err);
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

/* {"seconds": N}, or nothing for the default. */
static sw_status read_seconds(sw_request *request, int64_t *seconds, sw_error *err)
{
    sw_json json;
    sw_status status = SW_STATUS_OK;
    if (request->body.len == 0) {
        return SW_STATUS_OK;
    }
    sw__body_begin(request, &json);
    if (json.type != SW_JSON_OBJECT) {
        status = sw_fail(err, SW_STATUS_INVALID, "", "is not an object with seconds");
    }
    while (status == SW_STATUS_OK && sw_json_next(&json) == SW_JSON_KEY) {
        if (!sw_str_eq(json.text, SW_STR("seconds"))) {
            status = sw_fail(err, SW_STATUS_INVALID, "seconds", "is the only member there can be");
        } else if (sw_json_next(&json) != SW_JSON_NUMBER || !json.is_integer || json.integer < 1) {
            status =
                sw_fail(err, SW_STATUS_INVALID, "seconds", "is not a number of seconds from 1 on");
        }
        *seconds = json.integer;
    }
    return sw__body_end(request, &json, status, err);
}

sw_status sw_http_renew_step(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_outcome outcome = {.seq = 0};
    int64_t seconds = 0;
    sw_status status = begin(request, &writer, err);
    if (status == SW_STATUS_OK) {
        status = read_seconds(request, &seconds, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_step_renew(sw_server_ledger(request->server), &writer->actor, step_id(request),
                           seconds, &outcome, err);
    return sw__answer_outcome(request, status, &outcome, err);
}

sw_status sw_http_delete_step(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_outcome outcome = {.seq = 0};
    sw_status status = begin(request, &writer, err);
    if (status == SW_STATUS_OK) {
        status = sw_step_delete(sw_server_ledger(request->server), &writer->actor, step_id(request),
                                &outcome, err);
    }
    if (status == SW_STATUS_OK) {
        sw_answer_seq(request, &outcome);
        sw_answer_null(request);
    }
    return status;
}
