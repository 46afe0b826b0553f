/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: created, changed, cancelled. A body is a run's own fields; the ledger says which move it is. */
#include "http/write.h"

sw_status sw_http_create_run(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_run run = {.id = {NULL, 0}};
    sw_outcome outcome = {.seq = 0};
    sw_status status = sw__writer_make(request, true, &writer, err);
    if (status == SW_STATUS_OK) {
        status = sw__body_record(request, SW_RECORD_RUN, &run, NULL, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_run_create(sw_server_ledger(request->server), &writer->actor, &run, &outcome, err);
    return sw__answer_outcome(request, status, &outcome, err);
}

sw_status sw_http_patch_run(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_run run = {.id = {NULL, 0}};
    sw_outcome outcome = {.seq = 0};
    uint64_t seen = 0;
    sw_status status = sw__writer_make(request, true, &writer, err);
    if (status == SW_STATUS_OK) {
        status = sw__body_record(request, SW_RECORD_RUN, &run, &seen, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_run_update(sw_server_ledger(request->server), &writer->actor,
                           sw_path_value(request, 0), &run, seen, &outcome, err);
    return sw__answer_outcome(request, status, &outcome, err);
}

sw_status sw_http_cancel_run(sw_request *request, sw_error *err)
{
    sw_writer *writer = NULL;
    sw_outcome outcome = {.seq = 0};
    sw_status status = sw__writer_make(request, true, &writer, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_run_cancel(sw_server_ledger(request->server), &writer->actor,
                           sw_path_value(request, 0), &outcome, err);
    return sw__answer_outcome(request, status, &outcome, err);
}
