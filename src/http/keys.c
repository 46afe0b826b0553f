/* SPDX-License-Identifier: Apache-2.0 */
/* Making, listing and revoking keys: of the caller's own organization, or of any for the operator. What a
 * key may be is the ledger's business; here its secret is shown, once.
 */
#include "http/auth.h"
#include "http/live.h"
#include "http/write.h"

/* The operator acts in the organization that is named. */
static sw_actor actor_in_organization(sw_request *request)
{
    return (sw_actor){.organization_id = sw_param_text(request, "org_id"),
                      .user_id = request->actor.user_id};
}

/* Who may ask has changed: from the answer on no stream tells anything before it was asked again. The tail wakes those that
 * are quiet. */
static void tell_streams(sw_request *request)
{
    sw_auth_changed(sw_server_live(request->server)->auth);
}

static sw_status create(sw_request *request, const sw_actor *actor, sw_error *err)
{
    char secret[SW_KEY_TEXT];
    sw_api_key row = {0};
    sw_outcome outcome = {.seq = 0};
    sw_ledger *ledger = sw_server_ledger(request->server);
    sw_status status = sw__body_record(request, SW_RECORD_API_KEY, &row, NULL, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_key_create(ledger, actor, &row, secret, &outcome, err);
    if (status != SW_STATUS_OK) {
        return sw__refused_body(request, status, err);
    }
    sw_auth_close(sw_server_live(request->server)->auth);
    tell_streams(request);
    status = sw_get(ledger, actor, SW_RECORD_API_KEY, sw_str_from(outcome.id), request->memory,
                    &row, err);
    if (status == SW_STATUS_OK) {
        sw_answer_seq(request, &outcome);
        sw_answer_header(request, "Cache-Control", "no-store");
        sw_json_out *json = sw_answer_json(request, 201);
        sw_json_open(json, '{');
        sw_json_key(json, SW_STR("secret"));
        sw_json_str(json, sw_str_from(secret));
        sw_json_key(json, SW_STR("api_key"));
        sw_record_write_api(SW_RECORD_API_KEY, &row, json);
        sw_json_close(json, '}');
    }
    return status;
}

static sw_status revoke(sw_request *request, const sw_actor *actor, sw_str key_id, sw_error *err)
{
    sw_api_key row = {0};
    sw_outcome outcome = {.seq = 0};
    sw_ledger *ledger = sw_server_ledger(request->server);
    sw_status status = sw_key_revoke(ledger, actor, key_id, &outcome, err);
    if (status == SW_STATUS_OK) {
        tell_streams(request);
        status = sw_get(ledger, actor, SW_RECORD_API_KEY, key_id, request->memory, &row, err);
    }
    if (status == SW_STATUS_OK) {
        sw_answer_seq(request, &outcome);
        sw_answer_record(request, 200, SW_RECORD_API_KEY, &row);
    }
    return status;
}

sw_status sw_http_key_create(sw_request *request, sw_error *err)
{
    return create(request, &request->actor, err);
}

sw_status sw_http_key_revoke(sw_request *request, sw_error *err)
{
    return revoke(request, &request->actor, sw_path_value(request, 0), err);
}

sw_status sw_http_admin_key_create(sw_request *request, sw_error *err)
{
    sw_actor actor = actor_in_organization(request);
    return create(request, &actor, err);
}

sw_status sw_http_admin_key_revoke(sw_request *request, sw_error *err)
{
    sw_actor actor = actor_in_organization(request);
    return revoke(request, &actor, sw_param_text(request, "key_id"), err);
}

sw_status sw_http_admin_keys(sw_request *request, sw_error *err)
{
    sw_list_query query;
    request->actor = actor_in_organization(request);
    sw_status status = sw_list_from_params(request, &query, err);
    return status == SW_STATUS_OK ? sw_answer_list(request, SW_RECORD_API_KEY, &query, err)
                                  : status;
}
