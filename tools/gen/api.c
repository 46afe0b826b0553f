/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/api.md, the reference of the HTTP API: each route with who may call it, its parameters, what it
 * takes and answers. All words come from the rows of model/routes.def and model/shapes.def; what a server says of
 * itself at /openapi.json comes from the same rows, and tells schemas in full.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gen.h"
#include "names.h"

/* ---- the words that rows may use: of src/http/http.h and the model only the names must agree ------------ */

enum {
#define SW_LIMIT(NAME, VALUE, UNIT, REASON) SW_LIMIT_##NAME = VALUE,
#include "model/limits.def"
#undef SW_LIMIT
};
enum {
#define SW_RECORD_BEGIN(RECORD, UPPER, TABLE, PREFIX, VISIBILITY, DOC) SW_RECORD_##UPPER,
#define SW_RECORD_END(RECORD, UPPER)
#define SW_FIELD(...)
#define SW_INDEX(...)
#define SW_RELATION(...)
#include "model/records.def"
#undef SW_RECORD_BEGIN
#undef SW_RECORD_END
#undef SW_FIELD
#undef SW_INDEX
#undef SW_RELATION
};
enum {
    SW_OP_EQ,
    SW_OP_IN,
    SW_OP_GT,
    SW_OP_GE,
    SW_OP_LT,
    SW_OP_LE,
    SW_OP_NULL,
    SW_OP_NOT_NULL,
    SW_OP_TAG_ANY,
    SW_OP_TAG_ALL
};
enum { SW_BODY_NONE, SW_BODY_OPTIONAL, SW_BODY_JSON, SW_BODY_PARTS, SW_BODY_OTLP };
enum {
    SW_ROUTE_INLINE = 1 << 0,
    SW_ROUTE_ADMIN = 1 << 1,
    SW_ROUTE_DEPRECATED = 1 << 2,
    SW_ROUTE_HIDDEN = 1 << 3,
    SW_ROUTE_STREAM = 1 << 4,
    SW_ROUTE_TAGGED = 1 << 5,
    SW_ROUTE_KEYED = 1 << 6
};
enum { sw_http_log_part };

typedef struct api_param {
    const char *name; /* NULL ends the list */
    const char *kind;
    const char *doc;
    const char *fallback;
    long long min;
    long long max;
    int words;
    bool repeats;
    bool required;
    bool deprecated;
    bool is_filter;
    bool of_metrics;
    int op;
    int field;
} api_param;

typedef struct api_route {
    const char *method;
    const char *path;
    const char *need;
    const char *line;
    const char *doc;
    int params, params2, params3, params4;
    int lists;
    bool has_list;
    int body;
    int part;
    const char *body_shape;
    const char *answer_shape;
    bool many;
    bool or_null;
    int status;
    int flags;
    const char *content_type;
    const char *content_type2;
} api_route;

enum {
    SW_PARAMS_none,
#define SW_PARAMS_BEGIN(SET) SW_PARAMS_##SET,
#define SW_PARAM(...)
#define SW_PARAMS_END(SET)
#include "model/routes.def"
    API_SETS
};

#define SW_PARAMS_BEGIN(SET) static const api_param params_##SET[] = {
#define SW_PARAM(NAME, KIND, ...) {.name = NAME, .kind = #KIND, .doc = __VA_ARGS__},
#define SW_PARAMS_END(SET)                                                                         \
    {                                                                                              \
        .name = NULL                                                                               \
    }                                                                                              \
    }                                                                                              \
    ;
#include "model/routes.def"

static const api_param *const sets[API_SETS] = {
    NULL,
#define SW_PARAMS_BEGIN(SET) params_##SET,
#define SW_PARAM(...)
#define SW_PARAMS_END(SET)
#include "model/routes.def"
};

static const char *const set_names[API_SETS] = {
    "none",
#define SW_PARAMS_BEGIN(SET) #SET,
#define SW_PARAM(...)
#define SW_PARAMS_END(SET)
#include "model/routes.def"
};

static const api_route routes[] = {
#define SW_ROUTE(NAME, METHOD, PATH, NEED, HANDLER, ...)                                           \
    {.method = #METHOD, .path = PATH, .need = #NEED, .line = __VA_ARGS__},
#include "model/routes.def"
};
/* A shape, or a member of the shape before it. */
typedef struct api_shape {
    const char *shape;
    const char *name;
    const char *doc;
    bool optional;
    bool open;
} api_shape;

static const api_shape shapes[] = {
#define SW_SHAPE_BEGIN(NAME, ...) {.shape = #NAME, .doc = __VA_ARGS__},
#define SW_MEMBER(NAME, SCHEMA, ...) {.name = NAME, .doc = __VA_ARGS__},
#define SW_SHAPE_IS(NAME, DOC, SCHEMA) {.shape = #NAME, .doc = DOC},
#include "model/shapes.def"
};

enum { ROUTES = sizeof routes / sizeof routes[0] };

/* ---- the page -------------------------------------------------------------------------------------------- */

static void print_cell(const char *text)
{
    for (; *text; text++) {
        if (*text == '|') {
            putchar('\\');
        }
        putchar(*text);
    }
}

static void print_lower(const char *text)
{
    for (; *text; text++) {
        putchar(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
    }
}

static void print_words(const api_param *param)
{
    const gen_enum *list = &gen_enums[param->words];
    if (strcmp(param->kind, "WORD") != 0) {
        print_lower(param->kind);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        printf("%s`%s`", i ? ", " : "", list->words[i].word);
    }
}

static void print_param(const api_param *param)
{
    printf("| `%s` | ", param->name);
    print_words(param);
    printf("%s | ", param->repeats ? ", several times" : "");
    print_cell(param->doc);
    if (param->min || (param->max && param->max != INT64_MAX)) {
        printf(" %lld to %lld.", param->min, param->max);
    }
    if (param->fallback) {
        printf(" Without it `%s`.", param->fallback);
    }
    printf("%s%s |\n", param->required ? " Required." : "",
           param->deprecated ? " Deprecated." : "");
}

/* Routes share sets, so each is told once, further down. */
static void print_params(const api_route *route)
{
    const int all[] = {route->params, route->params2, route->params3, route->params4};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] != SW_PARAMS_none) {
            const char *name = set_names[all[i]];
            printf("%s[%s](#parameters-%s)", i ? ", " : "\nParameters: ", name, name);
        }
    }
    if (route->params != SW_PARAMS_none) {
        puts(".");
    }
}

static void print_sets(void)
{
    puts("\n## Parameters");
    for (int i = SW_PARAMS_none + 1; i < API_SETS; i++) {
        printf("\n### Parameters %s\n\n| parameter | value | meaning |\n| --- | --- | --- |\n",
               set_names[i]);
        for (const api_param *p = sets[i]; p->name; p++) {
            print_param(p);
        }
    }
}

static void print_shapes(void)
{
    puts("\n## Bodies and answers that are no record");
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const api_shape *at = &shapes[i];
        if (at->shape) {
            printf("\n### %s\n\n%s\n", at->shape, at->doc);
            continue;
        }
        if (shapes[i - 1].shape) {
            puts("\n| member | meaning |\n| --- | --- |");
        }
        printf("| `%s` | ", at->name);
        print_cell(at->doc);
        puts(at->optional ? " May be absent. |" : " |");
    }
}

static void print_body(const api_route *route)
{
    if (route->body == SW_BODY_NONE) {
        return;
    }
    printf("Takes %s`%s`%s. ", route->body == SW_BODY_OPTIONAL ? "nothing or " : "",
           route->body_shape ? route->body_shape : "JSON",
           route->body == SW_BODY_PARTS ? " as JSON, or lines of `step_entry` as NDJSON" : "");
}

static void print_answer(const api_route *route)
{
    printf("Answers %d", route->status ? route->status : 200);
    if (route->status == 201) {
        printf(" (200 when it was there already)");
    }
    if (!route->answer_shape) {
        printf(": %s", route->content_type ? "text" : "null");
    } else {
        printf(": %s`%s`%s", route->many ? "a list of " : "", route->answer_shape,
               route->or_null ? " or null" : "");
    }
    if (route->content_type) {
        printf(", as `%s`", route->content_type);
    }
    if (route->content_type2) {
        printf(" or `%s`", route->content_type2);
    }
    puts(".");
}

static void print_route(const api_route *route)
{
    printf("\n### %s %s\n\n%s%s%s", route->method, route->path, route->line,
           route->flags & SW_ROUTE_DEPRECATED ? " Deprecated." : "",
           route->flags & SW_ROUTE_KEYED ? " Takes an `Idempotency-Key`." : "");
    if (route->doc) {
        printf(" %s", route->doc);
    }
    printf("\n\nScope: ");
    print_lower(route->need);
    printf(". ");
    print_body(route);
    print_answer(route);
    print_params(route);
}

void gen_api_page(void)
{
    puts(
        "<!-- Generated by tools/gen from the rows in model/ - do not edit. -->\n"
        "# The HTTP API\n\n"
        "Each path is served with and without a slash at its end, and those under `/v1` (not `/v1/admin`) under\n"
        "`/latest` too. A key is sent as `Authorization: Bearer ...`; a server on this machine's own address is open as\n"
        "long as there is none. `GET /openapi.json` tells all of this, with the schemas and refusals, to programs; the\n"
        "members of records are in [records.md](records.md).\n\n"
        "## Routes");
    for (size_t i = 0; i < ROUTES; i++) {
        if (!(routes[i].flags & SW_ROUTE_HIDDEN)) {
            print_route(&routes[i]);
        }
    }
    print_sets();
    print_shapes();
}
