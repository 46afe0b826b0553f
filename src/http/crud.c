/* SPDX-License-Identifier: Apache-2.0 */
/* Listing, reading, creating, changing and deleting records as they are: those that others refer to, such as
 * projects and agents, and for reading steps and runs too. A route's row names the record; nothing here knows one, but the agent that is
 * found by its name.
 */
#include "http/write.h"

static sw_record_id record_of(const sw_request *request)
{
    sw_assert(request->route->has_list);
    return request->route->lists;
}

/* A zeroed row of the route's record, in the arena. */
static sw_status new_row(sw_request *request, void **row, sw_error *err)
{
    *row = sw_arena_zeroed(&request->arena, sw_record_of(record_of(request))->size);
    return *row ? SW_STATUS_OK : sw_no_memory(err);
}

static sw_status answer_row(sw_request *request, int http_status, sw_str id, sw_error *err)
{
    void *row = NULL;
    sw_status status = new_row(request, &row, err);
    if (status == SW_STATUS_OK) {
        status = sw_get(sw_server_ledger(request->server), &request->actor, record_of(request), id,
                        request->memory, row, err);
    }
    if (status == SW_STATUS_OK) {
        sw_answer_record(request, http_status, record_of(request), row);
    }
    return status;
}

/* The record as it is after a write that was kept. */
static sw_status answer_written(sw_request *request, sw_status status, const sw_outcome *outcome,
                                sw_error *err)
{
    if (status != SW_STATUS_OK) {
        return sw__refused_body(request, status, err);
    }
    sw_answer_seq(request, outcome);
    return answer_row(request, sw__verdict_http(outcome->verdict), sw_str_from(outcome->id), err);
}

sw_status sw_http_record_list(sw_request *request, sw_error *err)
{
    sw_list_query query;
    sw_status status = sw_list_from_params(request, &query, err);
    return status == SW_STATUS_OK ? sw_answer_list(request, record_of(request), &query, err)
                                  : status;
}

sw_status sw_http_record_get(sw_request *request, sw_error *err)
{
    return answer_row(request, 200, sw_path_value(request, 0), err);
}

sw_status sw_http_record_create(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_outcome outcome = {.seq = 0};
    void *row = NULL;
    sw_status status = sw__writer_make(request, true, &writer, err);
    if (status == SW_STATUS_OK) {
        status = new_row(request, &row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__body_record(request, record_of(request), row, NULL, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_record_create(sw_server_ledger(request->server), &writer->actor, record_of(request),
                              row, &outcome, err);
    return answer_written(request, status, &outcome, err);
}

sw_status sw_http_record_update(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_outcome outcome = {.seq = 0};
    uint64_t seen = 0;
    void *row = NULL;
    sw_status status = sw__writer_make(request, true, &writer, err);
    if (status == SW_STATUS_OK) {
        status = new_row(request, &row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__body_record(request, record_of(request), row, &seen, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_record_update(sw_server_ledger(request->server), &writer->actor, record_of(request),
                              sw_path_value(request, 0), row, seen, &outcome, err);
    return answer_written(request, status, &outcome, err);
}

sw_status sw_http_record_delete(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_outcome outcome = {.seq = 0};
    sw_status status = sw__writer_make(request, true, &writer, err);
    if (status == SW_STATUS_OK) {
        status = sw_record_delete(sw_server_ledger(request->server), &writer->actor,
                                  record_of(request), sw_path_value(request, 0), &outcome, err);
    }
    if (status == SW_STATUS_OK) {
        sw_answer_seq(request, &outcome);
        sw_answer_null(request);
    }
    return status;
}

/* ---- the agent of a name --------------------------------------------------------------------------------- */

/* Name and project are all that the agent is found by. */
static sw_status only_a_name(sw_request *request, uint64_t seen, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_AGENT);
    uint64_t other = seen & ~(SW_MASK(SW_AGENT_NAME) | SW_MASK(SW_AGENT_PROJECT_ID));
    for (size_t i = 0; i < record->field_count; i++) {
        if (other & SW_MASK(i)) {
            (void)sw_fail(err, SW_STATUS_INVALID, record->fields[i].name,
                          "is not taken here, only name and project_id are");
            return sw_request_bad_body(request, err);
        }
    }
    return SW_STATUS_OK;
}

sw_status sw_http_agent_by_name(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_agent named = {.id = {NULL, 0}};
    sw_outcome outcome = {.seq = 0};
    uint64_t seen = 0;
    sw_status status = sw__writer_make(request, true, &writer, err);
    if (status == SW_STATUS_OK) {
        status = sw__body_record(request, SW_RECORD_AGENT, &named, &seen, err);
    }
    if (status == SW_STATUS_OK) {
        status = only_a_name(request, seen, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_agent_by_name(sw_server_ledger(request->server), &writer->actor, named.project_id,
                              named.name, &outcome, err);
    return answer_written(request, status, &outcome, err);
}
