/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/api.md, the reference of the HTTP API: each route with who may call it, its parameters, what it
 * takes and answers. All words come from the rows of model/routes.def and model/shapes.def; what a server says of
 * itself at /openapi.json comes from the same rows, and tells schemas in full.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "routes.h"

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
            const char *name = gen_param_set_names[all[i]];
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
               gen_param_set_names[i]);
        for (const api_param *p = gen_param_sets[i]; p->name; p++) {
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
    if (route->body == SW_BODY_BYTES) {
        printf("Takes files, each behind a line of JSON, `%s`, that describes it. ",
               route->body_shape);
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
    for (size_t i = 0; i < gen_route_count; i++) {
        if (!(gen_routes[i].flags & SW_ROUTE_HIDDEN)) {
            print_route(&gen_routes[i]);
        }
    }
    print_sets();
    print_shapes();
}
