/* SPDX-License-Identifier: Apache-2.0 */
/* Providers as V1 configures them: always the customer's own (byok) and the organization's. */
#include "http/read.h"

#define CATEGORY SW_STR("byok")

/* What a body may say; V1's empty text is null. */
#define SECRETS (SW_FIELD_BIT(SW_PROVIDER_API_KEY) | SW_FIELD_BIT(SW_PROVIDER_ACCESS_KEY))
#define PLACES                                                                                     \
    (SW_FIELD_BIT(SW_PROVIDER_REGION) | SW_FIELD_BIT(SW_PROVIDER_BASE_URL) |                       \
     SW_FIELD_BIT(SW_PROVIDER_API_VERSION))
#define NAMES (SW_FIELD_BIT(SW_PROVIDER_NAME) | SW_FIELD_BIT(SW_PROVIDER_PROVIDER_TYPE))

sw_status sw_http_providers(sw_request *request, sw_error *err)
{
    static const sw_value byok = {.text = {"byok", 4}};
    sw_list_query query;
    sw_status status = sw_list_from_params(request, &query, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_list_add(&query, SW_PROVIDER_PROVIDER_CATEGORY, SW_OP_EQ, &byok, 1);
    return sw_answer_list(request, SW_RECORD_PROVIDER, &query, err);
}

static void forget_empty(sw_provider *row)
{
    sw_str *texts[] = {&row->name,     &row->provider_type, &row->api_key,    &row->access_key,
                       &row->base_url, &row->region,        &row->api_version};

    for (size_t i = 0; i < SW_COUNT(texts); i++) {
        *texts[i] = texts[i]->len > 0 ? *texts[i] : SW_NULL_STR;
    }
}

sw_status sw_http_provider_create(sw_request *request, sw_error *err)
{
    sw_provider row = {.provider_category = CATEGORY};
    uint64_t seen = 0;
    sw_outcome outcome;
    sw_status status = sw__read_part(request, SW_RECORD_PROVIDER, NAMES | SECRETS | PLACES,
                                     NAMES | SW_FIELD_BIT(SW_PROVIDER_API_KEY), &row, &seen, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    forget_empty(&row);
    status = sw_record_create(sw_server_ledger(request->server), &request->actor,
                              SW_RECORD_PROVIDER, &row, &outcome, err);
    return status == SW_STATUS_OK ? sw__answer_written(request, 200, SW_RECORD_PROVIDER,
                                                       sw_str_from(outcome.id), &outcome, err)
                                  : status;
}

sw_status sw_http_provider_update(sw_request *request, sw_error *err)
{
    sw_provider row = {.id = SW_NULL_STR};
    sw_str id = sw_path_value(request, 0);
    uint64_t seen = 0;
    sw_outcome outcome;
    sw_status status = sw__read_part(request, SW_RECORD_PROVIDER, SECRETS | PLACES,
                                     SW_FIELD_BIT(SW_PROVIDER_API_KEY), &row, &seen, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    forget_empty(&row);
    status = sw_record_update(sw_server_ledger(request->server), &request->actor,
                              SW_RECORD_PROVIDER, id, &row, seen, &outcome, err);
    return status == SW_STATUS_OK
               ? sw__answer_written(request, 200, SW_RECORD_PROVIDER, id, &outcome, err)
               : status;
}

sw_status sw_http_provider_delete(sw_request *request, sw_error *err)
{
    sw_str id = sw_path_value(request, 0);
    sw_json_out *out = NULL;
    sw_outcome outcome;
    sw_status status = sw_record_delete(sw_server_ledger(request->server), &request->actor,
                                        SW_RECORD_PROVIDER, id, &outcome, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_answer_seq(request, &outcome);
    out = sw_answer_json(request, 200);
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("message"));
    sw_json_str(
        out, sw_arena_printf(&request->arena, "Provider id=%s successfully deleted", outcome.id));
    sw_json_close(out, '}');
    return SW_STATUS_OK;
}

sw_status sw_http_provider_check(sw_request *request, sw_error *err)
{
    (void)err;
    return sw_answer_fail(
        request, 501,
        "Stepwell records calls and makes none, so it cannot try a provider's key "
        "or list its models");
}
