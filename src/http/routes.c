/* SPDX-License-Identifier: Apache-2.0 */
/* The router: from a method and a path to a row of model/routes.def. Knows no route by name.
 *
 * A path is compared part by part, as sent; only what fills a {part} is decoded. Both spellings of the
 * trailing slash are served, and /latest for /v1 where the row allows it. Where two rows fit, the one
 * with the earlier literal wins: /v1/steps/export is not a step called export.
 */
#include "http/server.h"

#define SW_PARAMS_BEGIN(SET) static const sw_param params_##SET[] = {
#define SW_PARAM(NAME, KIND, ...) {.name = NAME, .kind = SW_PARAM_IS_##KIND, .doc = __VA_ARGS__},
#define SW_PARAMS_END(SET)                                                                         \
    }                                                                                              \
    ;
#include "model/routes.def"

const sw_param_set sw__param_sets[SW_PARAMS_COUNT] = {
    [SW_PARAMS_none] = {"none", NULL, 0},
#define SW_PARAMS_BEGIN(SET) [SW_PARAMS_##SET] = {#SET, params_##SET, SW_COUNT(params_##SET)},
#define SW_PARAM(...)
#define SW_PARAMS_END(SET)
#include "model/routes.def"
};

const sw_route sw__routes[SW_ROUTE_COUNT] = {
#define SW_ROUTE(NAME, METHOD, PATH, NEED, HANDLER, ...)                                           \
    [SW_ROUTE_ID_##NAME] = {.name = #NAME,                                                         \
                            .method = SW_METHOD_##METHOD,                                          \
                            .path = PATH,                                                          \
                            .need = SW_NEED_##NEED,                                                \
                            .handler = HANDLER,                                                    \
                            .line = __VA_ARGS__},
#include "model/routes.def"
};

/* ---- paths in parts -------------------------------------------------------------------------------- */

enum { PARTS_MOST = 12 };

typedef struct parts {
    sw_str at[PARTS_MOST];
    size_t count;
} parts;

typedef struct compiled {
    parts parts;
    uint32_t open; /* bit i: part i is a {name} */
} compiled;

struct sw_routing {
    compiled routes[SW_ROUTE_COUNT];
};

/* Cuts a path at its slashes; one at the end does not count. False: too many parts, or no path. */
static bool cut(sw_str path, parts *out)
{
    size_t from = 1;
    size_t end = path.len > 1 && path.ptr[path.len - 1] == '/' ? path.len - 1 : path.len;
    out->count = 0;
    if (path.len == 0 || path.ptr[0] != '/') {
        return false;
    }
    for (size_t i = 1; i <= end && end > 1; i++) {
        if (i < end && path.ptr[i] != '/') {
            continue;
        }
        if (out->count == PARTS_MOST) {
            return false;
        }
        out->at[out->count++] = sw_str_make(path.ptr + from, i - from);
        from = i + 1;
    }
    return true;
}

sw_status sw__routing_make(sw_server *server, sw_error *err)
{
    server->routing = sw_alloc_zeroed(server->from, sizeof *server->routing);
    if (!server->routing) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < SW_ROUTE_COUNT; i++) {
        compiled *c = &server->routing->routes[i];
        sw_assert(cut(sw_str_from(sw__routes[i].path), &c->parts));
        for (size_t j = 0; j < c->parts.count; j++) {
            c->open |= c->parts.at[j].ptr[0] == '{' ? 1U << j : 0;
        }
    }
    return SW_STATUS_OK;
}

void sw__routing_free(sw_server *server)
{
    sw_free(server->from, server->routing);
    server->routing = NULL;
}

/* ---- finding --------------------------------------------------------------------------------------- */

/* /latest stands for /v1, except where the row says no. */
static bool same_root(sw_str literal, sw_str given, const sw_route *route)
{
    return sw_str_eq(literal, given) ||
           (sw_str_eq(given, SW_STR("latest")) && sw_str_eq(literal, SW_STR("v1")) &&
            !(route->flags & SW_ROUTE_ADMIN));
}

static bool fits(const compiled *c, const parts *given, const sw_route *route)
{
    if (c->parts.count != given->count) {
        return false;
    }
    for (size_t i = 0; i < given->count; i++) {
        if (c->open >> i & 1U) {
            if (given->at[i].len == 0) {
                return false;
            }
        } else if (i == 0 ? !same_root(c->parts.at[0], given->at[0], route)
                          : !sw_str_eq(c->parts.at[i], given->at[i])) {
            return false;
        }
    }
    return true;
}

/* Whether `a` has a literal where the first difference is. */
static bool is_closer(const compiled *a, const compiled *b)
{
    uint32_t differ = a->open ^ b->open;
    return differ != 0 && !(a->open & (differ & (0 - differ)));
}

static bool decode_values(sw_exchange *x, const compiled *c, const parts *given)
{
    size_t next = 0;
    for (size_t i = 0; i < given->count; i++) {
        if (!(c->open >> i & 1U)) {
            continue;
        }
        sw_str value = sw__percent_decode(&x->request.arena, given->at[i], false);
        sw_assert(next < SW_PATH_VALUES);
        x->request.path_values[next++] = value;
        if (!value.ptr || memchr(value.ptr, 0, value.len) || !sw_utf8_valid(value)) {
            return false;
        }
    }
    return true;
}

sw_found sw__route_find(sw_exchange *x, uint32_t *allow)
{
    const compiled *best = NULL;
    const compiled *all = x->request.server->routing->routes;
    parts given;
    *allow = 0;
    if (!cut(x->path, &given)) {
        return SW_FOUND_NOTHING;
    }
    for (size_t i = 0; i < SW_ROUTE_COUNT; i++) {
        const sw_route *route = &sw__routes[i];
        if (!fits(&all[i], &given, route)) {
            continue;
        }
        *allow |= 1U << route->method;
        if (x->known_method && route->method == x->method && (!best || is_closer(&all[i], best))) {
            best = &all[i];
        }
    }
    if (!best) {
        return *allow ? SW_FOUND_OTHER_METHOD : SW_FOUND_NOTHING;
    }
    if (!decode_values(x, best, &given)) {
        return SW_FOUND_BAD_TEXT;
    }
    x->request.route = &sw__routes[best - all];
    return SW_FOUND;
}

sw_str sw_path_value(const sw_request *request, size_t i)
{
    sw_assert(i < SW_PATH_VALUES && request->path_values[i].ptr);
    return request->path_values[i];
}

/* ---- percent signs --------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

sw_str sw__percent_decode(sw_arena *arena, sw_str text, bool plus)
{
    char *to = sw_arena_alloc(arena, text.len + 1);
    size_t len = 0;
    if (!to) {
        return SW_NULL_STR;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int high = c == '%' && i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;
        if (low >= 0) {
            to[len++] = (char)(high * 16 + low);
            i += 2;
        } else {
            to[len++] = plus && c == '+' ? ' ' : c;
        }
    }
    to[len] = '\0';
    return sw_str_make(to, len);
}
