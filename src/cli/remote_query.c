/* SPDX-License-Identifier: Apache-2.0 */
/* From a question of the ledger to the URL that asks a server the same: the routes and their filters are
 * the rows of model/routes.def, which the server reads too. Knows no route and no parameter by name but
 * those that every page has.
 */
#include "cli/remote.h"

const sw_route *sw_remote_lister(sw_record_id record)
{
    for (size_t i = 0; i < SW_ROUTE_COUNT; i++) {
        const sw_route *route = &sw__routes[i];
        if (route->method == SW_METHOD_GET && route->has_list && route->lists == record &&
            route->many && !route->content_type && !strchr(route->path, '{') &&
            !(route->flags & SW_ROUTE_DEPRECATED)) {
            return route;
        }
    }
    return NULL;
}

const sw_route *sw_remote_route(sw_record_id record, sw_handler *handler)
{
    for (size_t i = 0; i < SW_ROUTE_COUNT; i++) {
        const sw_route *route = &sw__routes[i];
        if (route->has_list && route->lists == record && route->handler == handler) {
            return route;
        }
    }
    return NULL;
}

const sw_route *sw_remote_getter(sw_record_id record)
{
    return sw_remote_route(record, sw_http_record_get);
}

/* ---- conditions -------------------------------------------------------------------------------- */

/* Whether the parameter asks for what the condition does. */
static bool says_same(const sw_param *param, const sw_condition *condition, bool of_metrics)
{
    if (!param->is_filter || param->of_metrics != of_metrics || param->field != condition->field ||
        param->deprecated) {
        return false;
    }
    bool one = condition->count == 1;
    return param->op == condition->op || (param->op == SW_OP_IN && condition->op == SW_OP_EQ) ||
           (param->op == SW_OP_EQ && condition->op == SW_OP_IN && one) ||
           (param->op == SW_OP_TAG_ANY && condition->op == SW_OP_TAG_ALL && one) ||
           (param->op == SW_OP_NOT_NULL && condition->op == SW_OP_NULL);
}

static const sw_param *find_in(sw_param_set_id set, const sw_condition *condition, bool of_metrics)
{
    const sw_param_set *params = &sw__param_sets[set];
    for (size_t i = 0; i < params->count; i++) {
        if (says_same(&params->params[i], condition, of_metrics)) {
            return &params->params[i];
        }
    }
    return NULL;
}

static const sw_param *find_param(const sw_route *route, const sw_condition *condition,
                                  bool of_metrics)
{
    const sw_param_set_id sets[] = {route->params, route->params2, route->params3, route->params4};
    const sw_param *found = NULL;
    for (size_t i = 0; i < SW_COUNT(sets) && !found; i++) {
        found = find_in(sets[i], condition, of_metrics);
    }
    return found;
}

static void add_value(sw_remote *remote, const sw_param *param, const sw_field *field,
                      const sw_value *value)
{
    char time[SW_TIME_TEXT];
    if (sw_kind_is_text(field->kind)) {
        sw_remote_add(remote, param->name, value->text);
    } else if (field->kind == SW_KIND_ENUM) {
        const char *word = sw_enum_word(field->words, value->number);
        sw_remote_add(remote, param->name, sw_str_from(word ? word : ""));
    } else if (field->kind == SW_KIND_TIME) {
        size_t len = sw_time_print(value->number, true, time);
        sw_remote_add(remote, param->name, sw_str_make(time, len));
    } else {
        sw_remote_add_int(remote, param->name, value->number);
    }
}

static sw_status add_condition(sw_remote *remote, const sw_route *route, sw_record_id record,
                               const sw_condition *condition, bool of_metrics, sw_error *err)
{
    const sw_field *field = &sw_record_of(record)->fields[condition->field];
    const sw_param *param = find_param(route, condition, of_metrics);
    if (!param) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, "",
                       "a server cannot be asked for %s in this way; ask its ledger with --store",
                       field->name);
    }
    if (condition->count == 0) {
        bool yes = condition->op == SW_OP_NOT_NULL;
        sw_remote_add(remote, param->name, yes ? SW_STR("true") : SW_STR("false"));
    }
    for (size_t i = 0; i < condition->count; i++) {
        add_value(remote, param, field, &condition->values[i]);
    }
    return SW_STATUS_OK;
}

sw_status sw_remote_add_filters(sw_remote *remote, const sw_route *route, sw_record_id record,
                                const sw_list_query *query, sw_error *err)
{
    sw_record_id metrics = record == SW_RECORD_RUN ? SW_RECORD_RUN_METRICS : SW_RECORD_STEP_METRICS;
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; i < query->condition_count && status == SW_STATUS_OK; i++) {
        status = add_condition(remote, route, record, &query->conditions[i], false, err);
    }
    for (size_t i = 0; i < query->metrics_condition_count && status == SW_STATUS_OK; i++) {
        status = add_condition(remote, route, metrics, &query->metrics_conditions[i], true, err);
    }
    if (query->text.ptr) {
        sw_remote_add(remote, "text", query->text);
    }
    return status;
}
