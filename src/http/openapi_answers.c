/* SPDX-License-Identifier: Apache-2.0 */
/* What /openapi.json says of many routes at once: refusals, and the headers of model/headers.def. Knows no
 * route by name; which routes a row is about is told by a function of the route's own row.
 */
#include <stdio.h>

#include "http/server.h"

/* ---- which routes ----------------------------------------------------------------------------------- */

static bool is_keyed(const sw_route *route)
{
    return route->flags & SW_ROUTE_KEYED;
}

static bool is_tagged(const sw_route *route)
{
    return route->flags & SW_ROUTE_TAGGED;
}

/* A stream of events. */
static bool is_live(const sw_route *route)
{
    return route->content_type && strcmp(route->content_type, "text/event-stream") == 0;
}

/* Of one type or another, to be saved. */
static bool is_file(const sw_route *route)
{
    return route->content_type2 != NULL;
}

static bool is_list(const sw_route *route)
{
    return route->many;
}

static bool has_params(const sw_route *route)
{
    return route->params || route->params2 || route->params3 || route->params4;
}

static bool always(const sw_route *route)
{
    (void)route;
    return true;
}

static bool asks_who(const sw_route *route)
{
    return route->need != SW_NEED_NONE;
}

/* Looks at a key. */
static bool has_key(const sw_route *route)
{
    return route->need != SW_NEED_NONE || (route->flags & SW_ROUTE_SESSION && route->body);
}

static bool is_session(const sw_route *route)
{
    return route->flags & SW_ROUTE_SESSION;
}

/* What a session needs a header of its own for. */
static bool may_be_forged(const sw_route *route)
{
    return route->method != SW_METHOD_GET && (asks_who(route) || is_session(route));
}

static bool has_body(const sw_route *route)
{
    return route->body != SW_BODY_NONE;
}

static bool writes(const sw_route *route)
{
    return route->method != SW_METHOD_GET;
}

/* ---- headers ---------------------------------------------------------------------------------------- */

static const struct {
    int where; /* SW_HEADER_REQUEST, SW_HEADER_ANSWER, or the status of a refusal */
    bool (*of)(const sw_route *route);
    const char *name;
    const char *type;
    const char *doc;
} headers[] = {
#define REQUEST SW_HEADER_REQUEST
#define ANSWER SW_HEADER_ANSWER
#define SW_HEADER(WHERE, OF, NAME, TYPE, DOC) {WHERE, OF, NAME, TYPE, DOC},
#include "model/headers.def"
#undef SW_HEADER
#undef REQUEST
#undef ANSWER
};

static void put_header(sw_json_out *out, size_t i)
{
    sw__openapi_say(out, "description", headers[i].doc);
    sw_json_key(out, SW_STR("schema"));
    sw_json_open(out, '{');
    sw__openapi_say(out, "type", headers[i].type);
    sw_json_close(out, '}');
    sw_json_close(out, '}');
}

void sw__openapi_header_params(sw_json_out *out, const sw_route *route)
{
    for (size_t i = 0; i < SW_COUNT(headers); i++) {
        if (headers[i].where == SW_HEADER_REQUEST && headers[i].of(route)) {
            sw_json_open(out, '{');
            sw__openapi_say(out, "name", headers[i].name);
            sw__openapi_say(out, "in", "header");
            put_header(out, i);
        }
    }
}

void sw__openapi_headers(sw_json_out *out, const sw_route *route, int where)
{
    sw_json_key(out, SW_STR("headers"));
    sw_json_open(out, '{');
    for (size_t i = 0; i < SW_COUNT(headers); i++) {
        if (headers[i].where == where && (!route || headers[i].of(route))) {
            sw_json_key(out, sw_str_from(headers[i].name));
            sw_json_open(out, '{');
            put_header(out, i);
        }
    }
    sw_json_close(out, '}');
}

/* ---- refusals --------------------------------------------------------------------------------------- */

static const struct {
    int status;
    bool (*of)(const sw_route *route);
    const char *shape;
    const char *line;
} refusals[] = {
    {400, always, "error", "An id, or the request itself, is malformed."},
    {401, has_key, "error", "No key, or one that is not valid."},
    {403, always, "error", "The key may not, or the request comes from where it may not."},
    {404, asks_who, "error", "There is no such record in the caller's organization."},
    {408, has_body, "error", "The body came too slowly."},
    {409, writes, "error",
     "The state of the record does not allow it, or other content has its id."},
    {413, has_body, "error", "The body is too large."},
    {414, has_params, "error", "The query is too long."},
    {415, has_body, "error", "Content-Encoding is neither gzip nor zstd."},
    {422, always, "validation_error", "What was sent breaks a rule; all that is wrong at once."},
    {429, has_key, "error", "The key asks too often; Retry-After says when to come again."},
    {500, always, "error", "A mistake of the server's."},
    {503, always, "error", "The server cannot just now; nothing was changed."},
};

void sw__openapi_refusals(sw_json_out *out, const sw_route *route, bool all)
{
    for (size_t i = 0; i < SW_COUNT(refusals); i++) {
        char text[64];
        if (!all && !refusals[i].of(route)) {
            continue;
        }
        snprintf(text, sizeof text, "%d", refusals[i].status);
        sw_json_key(out, sw_str_from(text));
        if (!all) {
            snprintf(text, sizeof text, "#/components/responses/%d", refusals[i].status);
            sw_json_open(out, '{');
            sw__openapi_say(out, "$ref", text);
            sw_json_close(out, '}');
            continue;
        }
        sw_json_open(out, '{');
        sw__openapi_say(out, "description", refusals[i].line);
        sw__openapi_headers(out, NULL, refusals[i].status);
        sw_json_key(out, SW_STR("content"));
        sw_json_open(out, '{');
        sw_json_key(out, SW_STR("application/json"));
        sw_json_open(out, '{');
        sw_json_key(out, SW_STR("schema"));
        sw__openapi_ref(out, refusals[i].shape, false);
        sw_json_close(out, '}');
        sw_json_close(out, '}');
        sw_json_close(out, '}');
    }
}
