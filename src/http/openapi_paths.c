/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of /openapi.json: the rows of model/routes.def. Knows no route by name: what is said of one
 * follows from its row; refusals and headers are openapi_answers.c.
 */
#include <stdio.h>

#include "http/server.h"

static const char *const needs[] = {NULL, "ingest", "read", "write", "admin", "operator"};

/* ---- parameters ------------------------------------------------------------------------------------- */

static const char *type_of(sw_param_kind kind)
{
    return kind == SW_PARAM_IS_INT ? "integer" : kind == SW_PARAM_IS_BOOL ? "boolean" : "string";
}

static void put_fallback(sw_json_out *out, const sw_param *param)
{
    if (!param->fallback) {
        return;
    }
    sw_json_key(out, SW_STR("default"));
    if (param->kind == SW_PARAM_IS_INT || param->kind == SW_PARAM_IS_BOOL) {
        sw_json_raw(out, sw_str_from(param->fallback));
    } else {
        sw_json_str(out, sw_str_from(param->fallback));
    }
}

static void put_value(sw_json_out *out, const sw_param *param)
{
    sw_json_open(out, '{');
    sw__openapi_say(out, "type", type_of(param->kind));
    if (param->kind == SW_PARAM_IS_WORD) {
        sw_json_key(out, SW_STR("enum"));
        sw_json_open(out, '[');
        for (size_t i = 0; i < sw__enums[param->words].count; i++) {
            sw_json_str(out, sw_str_from(sw__enums[param->words].words[i]));
        }
        sw_json_close(out, ']');
    }
    if (param->kind == SW_PARAM_IS_INT && (param->min || param->max)) {
        sw_json_key(out, SW_STR("minimum"));
        sw_json_int(out, param->min);
        sw_json_key(out, SW_STR("maximum"));
        sw_json_int(out, param->max);
    }
    put_fallback(out, param);
    sw_json_close(out, '}');
}

/* A value that may be given several times is a list. */
static void put_param(sw_json_out *out, const sw_param *param)
{
    sw_json_open(out, '{');
    sw__openapi_say(out, "name", param->name);
    sw__openapi_say(out, "in", "query");
    sw__openapi_say(out, "description", param->doc);
    if (param->required) {
        sw_json_key(out, SW_STR("required"));
        sw_json_bool(out, true);
    }
    if (param->deprecated) {
        sw_json_key(out, SW_STR("deprecated"));
        sw_json_bool(out, true);
    }
    sw_json_key(out, SW_STR("schema"));
    if (param->repeats) {
        sw_json_open(out, '{');
        sw__openapi_say(out, "type", "array");
        sw_json_key(out, SW_STR("items"));
        put_value(out, param);
        sw_json_close(out, '}');
    } else {
        put_value(out, param);
    }
    sw_json_close(out, '}');
}

static void put_path_part(sw_json_out *out, const char *part, size_t len)
{
    char text[160];
    const char *prefix = sw__path_prefix(part, len);
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("name"));
    sw_json_str(out, sw_str_make(part, len));
    sw__openapi_say(out, "in", "path");
    sw_json_key(out, SW_STR("required"));
    sw_json_bool(out, true);
    sw_json_key(out, SW_STR("schema"));
    sw_json_open(out, '{');
    sw__openapi_say(out, "type", "string");
    if (prefix) {
        snprintf(text, sizeof text,
                 "^%s-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
                 prefix);
        sw__openapi_say(out, "pattern", text);
    }
    sw_json_close(out, '}');
    sw_json_close(out, '}');
}

static void put_params(sw_json_out *out, const sw_route *route)
{
    const sw_param_set_id sets[] = {route->params, route->params2, route->params3, route->params4};
    sw_json_key(out, SW_STR("parameters"));
    sw_json_open(out, '[');
    for (const char *at = strchr(route->path, '{'); at; at = strchr(at, '{')) {
        const char *end = strchr(at, '}');
        sw_assert(end);
        put_path_part(out, at + 1, (size_t)(end - at) - 1);
        at = end;
    }
    for (size_t i = 0; i < SW_COUNT(sets); i++) {
        const sw_param_set *set = &sw__param_sets[sets[i]];
        for (size_t j = 0; j < set->count; j++) {
            put_param(out, &set->params[j]);
        }
    }
    sw__openapi_header_params(out, route);
    sw_json_close(out, ']');
}

/* ---- bodies ----------------------------------------------------------------------------------------- */

static void put_media(sw_json_out *out, const char *type, const char *shape, bool input, bool many)
{
    sw_json_key(out, sw_str_from(type));
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("schema"));
    if (many) {
        sw_json_open(out, '{');
        sw__openapi_say(out, "type", "array");
        sw_json_key(out, SW_STR("items"));
        sw__openapi_ref(out, shape, input);
        sw_json_close(out, '}');
    } else {
        sw__openapi_ref(out, shape, input);
    }
    sw_json_close(out, '}');
}

/* Text of which a line, or an event, holds the shape. */
static void put_text_media(sw_json_out *out, const char *type, const char *shape, bool input)
{
    sw_json_key(out, sw_str_from(type));
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("schema"));
    sw_json_open(out, '{');
    sw__openapi_say(out, "type", "string");
    if (shape) {
        sw_json_key(out, SW_STR("x-stepwell-item"));
        sw__openapi_ref(out, shape, input);
    }
    sw_json_close(out, '}');
    sw_json_close(out, '}');
}

static void put_body(sw_json_out *out, const sw_route *route)
{
    if (route->body == SW_BODY_NONE) {
        return;
    }
    sw_json_key(out, SW_STR("requestBody"));
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("required"));
    sw_json_bool(out, route->body != SW_BODY_OPTIONAL);
    sw_json_key(out, SW_STR("content"));
    sw_json_open(out, '{');
    if (route->body == SW_BODY_BYTES) {
        put_text_media(out, "application/octet-stream", route->body_shape, true);
    } else if (route->body_shape) {
        put_media(out, "application/json", route->body_shape, true, false);
    } else {
        sw_json_key(out, SW_STR("application/json"));
        sw_json_raw(out,
                    SW_STR("{\"schema\":{\"description\":\"It is read and not looked at.\"}}"));
    }
    if (route->body == SW_BODY_PARTS) {
        put_text_media(out, "application/x-ndjson", "step_entry", true);
    }
    sw_json_close(out, '}');
    sw_json_close(out, '}');
}

/* ---- answers ---------------------------------------------------------------------------------------- */

static void put_or_null(sw_json_out *out, const char *shape)
{
    sw_json_key(out, SW_STR("application/json"));
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("schema"));
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("anyOf"));
    sw_json_open(out, '[');
    sw__openapi_ref(out, shape, false);
    sw_json_raw(out, SW_STR("{\"type\":\"null\"}"));
    sw_json_close(out, ']');
    sw_json_close(out, '}');
    sw_json_close(out, '}');
}

static void put_content(sw_json_out *out, const sw_route *route)
{
    sw_json_key(out, SW_STR("content"));
    sw_json_open(out, '{');
    if (route->content_type) {
        put_text_media(out, route->content_type, route->answer_shape, false);
        if (route->content_type2) {
            put_text_media(out, route->content_type2, NULL, false);
        }
    } else if (!route->answer_shape) {
        sw_json_key(out, SW_STR("application/json"));
        sw_json_raw(out, SW_STR("{\"schema\":{\"type\":\"null\"}}"));
    } else if (route->or_null) {
        put_or_null(out, route->answer_shape);
    } else {
        put_media(out, "application/json", route->answer_shape, false, route->many);
    }
    sw_json_close(out, '}');
}

static void put_answer(sw_json_out *out, const sw_route *route, int status, const char *line)
{
    char number[12];
    snprintf(number, sizeof number, "%d", status);
    sw_json_key(out, sw_str_from(number));
    sw_json_open(out, '{');
    sw__openapi_say(out, "description", line);
    sw__openapi_headers(out, route, status < 400 ? SW_HEADER_ANSWER : status);
    put_content(out, route);
    sw_json_close(out, '}');
}

static void put_answers(sw_json_out *out, const sw_route *route)
{
    if (route->status == 201) {
        put_answer(out, route, 200, "It was there already, or there are several.");
    }
    put_answer(out, route, route->status ? route->status : 200, route->line);
    if (route->flags & SW_ROUTE_TAGGED) {
        sw_json_key(out, SW_STR("304"));
        sw_json_open(out, '{');
        sw__openapi_say(out, "description", "As If-None-Match says, it is there already.");
        sw__openapi_headers(out, route, SW_HEADER_ANSWER);
        sw_json_close(out, '}');
    }
}

/* ---- operations ------------------------------------------------------------------------------------- */

static void put_lower(sw_json_out *out, const char *key, const char *text)
{
    char lower[64];
    size_t i = 0;
    for (; text[i] && i + 1 < sizeof lower; i++) {
        bool upper = text[i] >= 'A' && text[i] <= 'Z';
        lower[i] = upper ? (char)(text[i] + ('a' - 'A')) : text[i];
    }
    lower[i] = 0;
    sw__openapi_say(out, key, lower);
}

static void put_security(sw_json_out *out, sw_need need)
{
    static const char *const schemes[] = {"bearer", "session"};
    sw_json_key(out, SW_STR("security"));
    sw_json_open(out, '[');
    for (size_t i = 0; needs[need] && i < SW_COUNT(schemes); i++) {
        sw_json_open(out, '{');
        sw_json_key(out, sw_str_from(schemes[i]));
        sw_json_open(out, '[');
        sw_json_str(out, sw_str_from(needs[need]));
        sw_json_close(out, ']');
        sw_json_close(out, '}');
    }
    sw_json_close(out, ']');
    if (needs[need]) {
        sw__openapi_say(out, "x-stepwell-scope", needs[need]);
    }
}

static void put_operation(sw_json_out *out, const sw_route *route)
{
    char lower[8] = "";
    for (size_t i = 0; sw__methods[route->method][i] && i + 1 < sizeof lower; i++) {
        lower[i] = (char)(sw__methods[route->method][i] + ('a' - 'A'));
    }
    sw_json_key(out, sw_str_from(lower));
    sw_json_open(out, '{');
    put_lower(out, "operationId", route->name);
    sw__openapi_say(out, "summary", route->line);
    if (route->doc) {
        sw__openapi_say(out, "description", route->doc);
    }
    if (route->flags & SW_ROUTE_DEPRECATED) {
        sw_json_key(out, SW_STR("deprecated"));
        sw_json_bool(out, true);
    }
    put_security(out, route->need);
    put_params(out, route);
    put_body(out, route);
    sw_json_key(out, SW_STR("responses"));
    sw_json_open(out, '{');
    put_answers(out, route);
    sw__openapi_refusals(out, route, false);
    sw_json_close(out, '}');
    sw_json_close(out, '}');
}

static bool is_first_of_path(size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (strcmp(sw__routes[j].path, sw__routes[i].path) == 0 &&
            !(sw__routes[j].flags & SW_ROUTE_HIDDEN)) {
            return false;
        }
    }
    return !(sw__routes[i].flags & SW_ROUTE_HIDDEN);
}

void sw__openapi_paths(sw_json_out *out)
{
    sw_json_open(out, '{');
    for (size_t i = 0; i < SW_ROUTE_COUNT; i++) {
        if (!is_first_of_path(i)) {
            continue;
        }
        sw_json_key(out, sw_str_from(sw__routes[i].path));
        sw_json_open(out, '{');
        for (size_t j = i; j < SW_ROUTE_COUNT; j++) {
            if (strcmp(sw__routes[j].path, sw__routes[i].path) == 0 &&
                !(sw__routes[j].flags & SW_ROUTE_HIDDEN)) {
                put_operation(out, &sw__routes[j]);
            }
        }
        sw_json_close(out, '}');
    }
    sw_json_close(out, '}');
}
