/* SPDX-License-Identifier: Apache-2.0 */
/* Organizations and users, for whoever runs the installation. Reads see all organizations; a write is made
 * by an actor of the organization it is about, because writes never cross the border.
 */
#include "http/read.h"

static sw_actor operator_of(const sw_request *request)
{
    sw_actor actor = request->actor;

    actor.everywhere = true;
    actor.project_id = SW_NULL_STR;
    return actor;
}

/* The caller as one of that organization: nobody there is the same user. */
static sw_actor inside(sw_str organization_id)
{
    return (sw_actor){.organization_id = organization_id};
}

static sw_status list_all(sw_request *request, sw_record_id record, sw_error *err)
{
    sw_list_query query;
    sw_status status = sw_list_from_params(request, &query, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    query.ascending = true;
    request->actor = operator_of(request);
    return sw_answer_list(request, record, &query, err);
}

static sw_status get_any(sw_request *request, sw_record_id record, sw_str id, void *row,
                         sw_error *err)
{
    request->actor = operator_of(request);
    return sw__get_row(request, record, id, row, err);
}

/* What was there, once it is gone. */
static sw_status delete_any(sw_request *request, sw_record_id record, sw_str id,
                            sw_str organization_id, const void *row, sw_error *err)
{
    sw_actor actor = inside(organization_id);
    sw_outcome outcome;
    sw_status status =
        sw_record_delete(sw_server_ledger(request->server), &actor, record, id, &outcome, err);

    if (status == SW_STATUS_OK) {
        sw_answer_record(request, 200, record, row);
    }
    return status;
}

static sw_status answer_now(sw_request *request, sw_record_id record, const sw_outcome *outcome,
                            sw_error *err)
{
    request->actor = operator_of(request);
    return sw__answer_written(request, 200, record, sw_str_from(outcome->id), outcome, err);
}

/* ---- organizations -------------------------------------------------------------------------------- */

#define ORG_FIELDS                                                                                 \
    (SW_FIELD_BIT(SW_ORGANIZATION_NAME) | SW_FIELD_BIT(SW_ORGANIZATION_PRIVILEGED_TOOLS))

sw_status sw_http_orgs(sw_request *request, sw_error *err)
{
    return list_all(request, SW_RECORD_ORGANIZATION, err);
}

sw_status sw_http_org_create(sw_request *request, sw_error *err)
{
    sw_organization row = {.name = SW_STR("organization")};
    uint64_t seen = 0;
    sw_outcome outcome;
    sw_status status =
        sw__read_part(request, SW_RECORD_ORGANIZATION, ORG_FIELDS, 0, &row, &seen, err);

    if (status == SW_STATUS_OK) {
        status = sw_record_create(sw_server_ledger(request->server), &request->actor,
                                  SW_RECORD_ORGANIZATION, &row, &outcome, err);
    }
    return status == SW_STATUS_OK ? answer_now(request, SW_RECORD_ORGANIZATION, &outcome, err)
                                  : status;
}

sw_status sw_http_org_update(sw_request *request, sw_error *err)
{
    sw_str id = sw_param_text(request, "org_id");
    sw_actor actor = inside(id);
    sw_organization row = {.id = SW_NULL_STR};
    uint64_t seen = 0;
    sw_outcome outcome;
    sw_status status = get_any(request, SW_RECORD_ORGANIZATION, id, &row, err);

    if (status == SW_STATUS_OK) {
        status = sw__read_part(request, SW_RECORD_ORGANIZATION, ORG_FIELDS, 0, &row, &seen, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_record_update(sw_server_ledger(request->server), &actor, SW_RECORD_ORGANIZATION,
                                  id, &row, seen, &outcome, err);
    }
    return status == SW_STATUS_OK ? answer_now(request, SW_RECORD_ORGANIZATION, &outcome, err)
                                  : status;
}

sw_status sw_http_org_delete(sw_request *request, sw_error *err)
{
    sw_str id = sw_param_text(request, "org_id");
    sw_organization row;
    sw_status status = get_any(request, SW_RECORD_ORGANIZATION, id, &row, err);

    return status == SW_STATUS_OK ? delete_any(request, SW_RECORD_ORGANIZATION, id, id, &row, err)
                                  : status;
}

/* ---- users ---------------------------------------------------------------------------------------- */

#define USER_FIELDS (SW_FIELD_BIT(SW_USER_NAME) | SW_FIELD_BIT(SW_USER_ORGANIZATION_ID))

sw_status sw_http_users(sw_request *request, sw_error *err)
{
    return list_all(request, SW_RECORD_USER, err);
}

sw_status sw_http_user_create(sw_request *request, sw_error *err)
{
    sw_user row = {.id = SW_NULL_STR};
    uint64_t seen = 0;
    sw_organization owner;
    sw_actor actor;
    sw_outcome outcome;
    sw_status status =
        sw__read_part(request, SW_RECORD_USER, USER_FIELDS, USER_FIELDS, &row, &seen, err);

    if (status == SW_STATUS_OK) {
        status = get_any(request, SW_RECORD_ORGANIZATION, row.organization_id, &owner, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    actor = inside(owner.id);
    status = sw_record_create(sw_server_ledger(request->server), &actor, SW_RECORD_USER, &row,
                              &outcome, err);
    return status == SW_STATUS_OK ? answer_now(request, SW_RECORD_USER, &outcome, err) : status;
}

sw_status sw_http_user_update(sw_request *request, sw_error *err)
{
    sw_user row = {.id = SW_NULL_STR};
    sw_user old;
    uint64_t seen = 0;
    sw_actor actor;
    sw_outcome outcome;
    sw_status status =
        sw__read_part(request, SW_RECORD_USER, USER_FIELDS | SW_FIELD_BIT(SW_USER_ID),
                      SW_FIELD_BIT(SW_USER_ID), &row, &seen, err);

    if (status == SW_STATUS_OK) {
        status = get_any(request, SW_RECORD_USER, row.id, &old, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    actor = inside(old.organization_id);
    seen &= sw_row_mask(sw_record_of(SW_RECORD_USER), &row) & ~SW_FIELD_BIT(SW_USER_ID);
    status = sw_record_update(sw_server_ledger(request->server), &actor, SW_RECORD_USER, old.id,
                              &row, seen, &outcome, err);
    return status == SW_STATUS_OK ? answer_now(request, SW_RECORD_USER, &outcome, err) : status;
}

sw_status sw_http_user_delete(sw_request *request, sw_error *err)
{
    sw_str id = sw_param_text(request, "user_id");
    sw_user row;
    sw_status status = get_any(request, SW_RECORD_USER, id, &row, err);

    return status == SW_STATUS_OK
               ? delete_any(request, SW_RECORD_USER, id, row.organization_id, &row, err)
               : status;
}
