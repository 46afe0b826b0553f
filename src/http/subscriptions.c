/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked of subscriptions and deliveries besides reading and changing them: a test, another
 * attempt, the attempts so far. Everything happens in the ledger; the thread of deliveries sees it there.
 */
#include "http/http.h"

static sw_status answer_delivery(sw_request *request, int http_status, const sw_outcome *outcome,
                                 sw_str id, sw_error *err)
{
    sw_delivery row = {0};
    sw_status status = sw_get(sw_server_ledger(request->server), &request->actor,
                              SW_RECORD_DELIVERY, id, request->memory, &row, err);
    if (status == SW_STATUS_OK) {
        sw_answer_seq(request, outcome);
        sw_answer_record(request, http_status, SW_RECORD_DELIVERY, &row);
    }
    return status;
}

sw_status sw_http_subscription_test(sw_request *request, sw_error *err)
{
    sw_outcome outcome = {.seq = 0};
    sw_status status = sw_subscription_test(sw_server_ledger(request->server), &request->actor,
                                            sw_path_value(request, 0), &outcome, err);
    return status == SW_STATUS_OK
               ? answer_delivery(request, 201, &outcome, sw_str_from(outcome.id), err)
               : status;
}

sw_status sw_http_redeliver(sw_request *request, sw_error *err)
{
    sw_outcome outcome = {.seq = 0};
    sw_str id = sw_path_value(request, 0);
    sw_status status =
        sw_delivery_again(sw_server_ledger(request->server), &request->actor, id, &outcome, err);
    return status == SW_STATUS_OK ? answer_delivery(request, 200, &outcome, id, err) : status;
}

sw_status sw_http_delivery_attempts(sw_request *request, sw_error *err)
{
    sw_list_query query;
    sw_delivery delivery;
    sw_value id = {.text = sw_path_value(request, 0)};
    sw_status status = sw_get(sw_server_ledger(request->server), &request->actor,
                              SW_RECORD_DELIVERY, id.text, request->memory, &delivery, err);
    if (status == SW_STATUS_OK) {
        status = sw_list_from_params(request, &query, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_list_add(&query, SW_DELIVERY_ATTEMPT_DELIVERY_ID, SW_OP_EQ, &id, 1);
    return sw_answer_list(request, SW_RECORD_DELIVERY_ATTEMPT, &query, err);
}
