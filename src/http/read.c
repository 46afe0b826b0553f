/* SPDX-License-Identifier: Apache-2.0 */
/* One record: by the id in a path, and after a write. */
#include "http/read.h"

sw_status sw__get_row(sw_request *request, sw_record_id record, sw_str id, void *out, sw_error *err)
{
    return sw_get(sw_server_ledger(request->server), &request->actor, record, id, request->memory,
                  out, err);
}

/* A row of any record. */
typedef union any_row {
    sw_organization organization;
    sw_user user;
    sw_provider provider;
    sw_step step;
} any_row;

sw_status sw__answer_written(sw_request *request, int status, sw_record_id record, sw_str id,
                             const sw_outcome *outcome, sw_error *err)
{
    any_row row;
    sw_status read = SW_STATUS_OK;

    sw_assert(sw_record_of(record)->size <= sizeof row);
    read = sw__get_row(request, record, id, &row, err);
    if (read == SW_STATUS_OK) {
        sw_answer_seq(request, outcome);
        sw_answer_record(request, status, record, &row);
    }
    return read;
}

sw_status sw__answer_named(sw_request *request, sw_record_id record, const char *param,
                           sw_error *err)
{
    const sw_str *ids = NULL;
    size_t count = sw_param_texts(request, param, &ids);
    sw_json_out *out = sw_answer_json(request, 200);
    sw_status status = SW_STATUS_OK;
    any_row row;

    sw_assert(sw_record_of(record)->size <= sizeof row);
    sw_json_open(out, '[');
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        status = sw__get_row(request, record, ids[i], &row, err);
        if (status == SW_STATUS_OK) {
            sw_record_write_api(record, &row, out);
        }
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    sw_json_close(out, ']');
    return status;
}
