/* SPDX-License-Identifier: Apache-2.0 */
/* Spans that others recorded. The ones of a gateway hold the real request and response as well, so what must come
 * out is known from those: read here by another JSON library, in a few lines that know OpenAI's form only. The
 * flattened attributes and the whole bodies must each give it alone, and together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>

#include <cmocka.h>

#include "tests/unit/talk_case.h"

enum { SPANS_MOST = 64 };

static bool place_of(const char *part, char *out, size_t size)
{
    const char *shared = getenv("STEPWELL_SHARED");
    DIR *dir = NULL;

    snprintf(out, size, "%s/data/otlp/%s", shared ? shared : SW_SOURCE_ROOT "/../shared", part);
    dir = opendir(out);
    if (dir) {
        closedir(dir);
    } else {
        print_message("skipped: no %s\n", out);
    }
    return dir != NULL;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

typedef struct reading {
    const char *without[2]; /* attributes that begin so are left out */
    otlp_span spans[SPANS_MOST];
    size_t count;
} reading;

static sw_status keep(void *arg, const otlp_span *span)
{
    reading *r = arg;

    assert_true(r->count < SPANS_MOST);
    r->spans[r->count++] = *span;
    return SW_STATUS_OK;
}

static bool left_out(const reading *r, sw_str key)
{
    for (size_t i = 0; i < 2; i++) {
        size_t len = r->without[i] ? strlen(r->without[i]) : 0;
        if (len && key.len >= len && memcmp(key.ptr, r->without[i], len) == 0) {
            return true;
        }
    }
    return false;
}

static otlp_attributes chosen(const reading *r, const otlp_attributes *all, sw_arena *arena)
{
    otlp_attribute *items = sw_arena_alloc(arena, (all->count + 1) * sizeof *items);
    otlp_attributes out = {.items = items};

    for (size_t i = 0; i < all->count; i++) {
        if (!left_out(r, all->items[i].key)) {
            items[out.count++] = all->items[i];
        }
    }
    return out;
}

/* The first span of the document, told as what it says. */
static json_t *said_in(const json_t *document, const char *without, const char *without_too)
{
    static reading r;
    char *text = json_dumps(document, 0);
    otlp_sink sink = {.span = keep, .arg = &r};
    sw_error err = {.status = SW_STATUS_OK};
    span_facts facts = {.span = &r.spans[0]};
    int64_t count = 0;
    json_t *shown = NULL;
    span_talk said;
    sw_arena arena;

    r = (reading){.spans[0].name = SW_STR(""), .without = {without, without_too}};
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    if (otlp_read(OTLP_JSON, OTLP_TRACES, sw_str_from(text), &arena, &sink, &count, &err) !=
        SW_STATUS_OK) {
        fail_msg("%s: %s", err.field, err.message);
    }
    assert_true(r.count > 0 || count == 0);
    r.spans[0].attributes = chosen(&r, &r.spans[0].attributes, &arena);
    assert_int_equal(span_read_talk(&facts, &arena, &said, &err), SW_STATUS_OK);
    shown = talk_case_shown(&said);
    sw_arena_fini(&arena);
    free(text);
    return shown;
}

/* ---- what must come out ------------------------------------------------------------------------------------- */

/* Text and pictures of an OpenAI content, or of one of ours: ["text", "<image>"]. */
static json_t *plain_content(const json_t *content, const char *text)
{
    json_t *list = json_array();
    size_t i = 0;
    json_t *part = NULL;

    text = text ? text : json_string_value(content);
    if (text && *text) { /* flattened, an empty text is not there */
        json_array_append_new(list, json_string(text));
    }
    json_array_foreach(json_is_array(content) ? (json_t *)content : NULL, i, part)
    {
        const char *type = json_string_value(json_object_get(part, "type"));
        const json_t *said = json_object_get(part, "text");
        json_array_append_new(list, json_is_string(said) ? json_copy((json_t *)said)
                                    : strncmp(type, "image", 5) == 0
                                        ? json_string("<image>")
                                        : json_pack("{s:s}", "other", type));
    }
    return list;
}

static json_t *plain_calls(const json_t *calls)
{
    json_t *list = json_array();
    size_t i = 0;
    json_t *call = NULL;

    json_array_foreach((json_t *)calls, i, call)
    {
        const json_t *function = json_object_get(call, "function");
        json_array_append_new(list, json_pack("[O?, O, O]", json_object_get(call, "id"),
                                              json_object_get(function, "name"),
                                              json_object_get(function, "arguments")));
    }
    return list;
}

/* OpenAI's newer name of the system is a developer. */
static json_t *plain_message(const json_t *m)
{
    const char *role = json_string_value(json_object_get(m, "role"));
    json_t *said =
        plain_content(json_object_get(m, "content"), json_string_value(json_object_get(m, "text")));

    return json_pack("{s:s, s:o, s:o}", "role", strcmp(role, "developer") != 0 ? role : "system",
                     "said", said, "calls", plain_calls(json_object_get(m, "tool_calls")));
}

static json_t *plain_messages(const json_t *messages)
{
    json_t *list = json_array();
    size_t i = 0;
    json_t *m = NULL;

    json_array_foreach((json_t *)messages, i, m)
    {
        json_array_append_new(list, plain_message(m));
    }
    return list;
}

static json_t *plain_choices(const json_t *response)
{
    json_t *list = json_array();
    size_t i = 0;
    json_t *choice = NULL;

    json_array_foreach(json_object_get(response, "choices"), i, choice)
    {
        json_array_append_new(list, plain_message(json_object_get(choice, "message")));
    }
    return list;
}

static const char *attribute_of(const json_t *span, const char *key)
{
    size_t i = 0;
    json_t *one = NULL;

    json_array_foreach(json_object_get(span, "attributes"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "key")), key) == 0) {
            return json_string_value(json_object_get(json_object_get(one, "value"), "stringValue"));
        }
    }
    return NULL;
}

static json_t *body_of(const json_t *span, const char *key)
{
    const char *text = attribute_of(span, key);

    return text ? json_loads(text, 0, NULL) : NULL;
}

/* ---- the gateway ------------------------------------------------------------------------------------------------ */

static void same(const char *name, const char *what, json_t *is, json_t *must)
{
    if (!json_equal(is, must)) {
        fail_msg("%s: %s\nis  %s\nnot %s", name, what, json_dumps(is, JSON_ENCODE_ANY),
                 json_dumps(must, JSON_ENCODE_ANY));
    }
    json_decref(is);
    json_decref(must);
}

static void check_messages(const char *name, const json_t *said, const json_t *request,
                           const json_t *response)
{
    same(name, "input", plain_messages(json_object_get(said, "input")),
         plain_messages(json_object_get(request, "messages")));
    if (response) {
        same(name, "output", plain_messages(json_object_get(said, "output")),
             plain_choices(response));
    } else {
        assert_int_equal(json_array_size(json_object_get(said, "output")), 0);
    }
}

static void check_body(const char *name, const json_t *said, const char *what, json_t *body)
{
    if (body) {
        same(name, what, json_incref(json_object_get(said, what)), json_incref(body));
    }
}

static void check_gateway_span(const char *name, const json_t *span)
{
    json_t *document =
        json_pack("{s:[{s:[{s:[O]}]}]}", "resourceSpans", "scopeSpans", "spans", span);
    json_t *request = body_of(span, "input.value");
    json_t *response = body_of(span, "output.value");
    json_t *said = said_in(document, NULL, NULL);

    check_messages(name, said, request, response);
    check_body(name, said, "request", request);
    check_body(name, said, "response", response);
    check_body(name, said, "tools", json_object_get(request, "tools"));
    json_decref(said);
    said = said_in(document, "llm.", NULL); /* the bodies alone */
    check_messages(name, said, request, response);
    check_body(name, said, "tools", json_object_get(request, "tools"));
    json_decref(said);
    said = said_in(document, "input.value", "output.value"); /* the flattened ones alone */
    check_messages(name, said, request, response);
    check_body(name, said, "tools", json_object_get(request, "tools"));
    json_decref(said);
    json_decref(request);
    json_decref(response);
    json_decref(document);
}

static void spans_of_a_gateway(void **state)
{
    char place[512];
    char path[1024];
    int files = 0;
    DIR *dir = NULL;

    (void)state;
    if (!place_of("envoyproxy__ai-gateway", place, sizeof place)) {
        skip();
    }
    dir = opendir(place);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        json_t *span = NULL;
        snprintf(path, sizeof path, "%s/%s", place, entry->d_name);
        span = strstr(entry->d_name, ".json") ? json_load_file(path, 0, NULL) : NULL;
        if (span) {
            check_gateway_span(entry->d_name, span);
            files++;
        }
        json_decref(span);
    }
    closedir(dir);
    assert_true(files >= 19);
}

/* ---- others ------------------------------------------------------------------------------------------------------- */

static json_t *load(const char *folder, const char *name)
{
    char place[512];
    char path[1024];
    json_t *document = NULL;

    if (!place_of(folder, place, sizeof place)) {
        skip();
    }
    snprintf(path, sizeof path, "%s/%s", place, name);
    document = json_load_file(path, 0, NULL);
    assert_non_null(document);
    return document;
}

static void semantic_kernel(void **state)
{
    json_t *document = load("langfuse__langfuse", "semantic-kernel-span.json");
    json_t *said = said_in(document, NULL, NULL);

    (void)state;
    same("semantic kernel", "input", json_incref(json_object_get(said, "input")),
         json_pack("[{s:s, s:s}, {s:s, s:s}]", "role", "system", "text",
                   "You are a helpful assistant.", "role", "user", "text",
                   "What is the capital of France?"));
    same("semantic kernel", "output", json_incref(json_object_get(said, "output")),
         json_pack("[{s:s, s:s}]", "role", "assistant", "text", "The capital of France is Paris."));
    json_decref(said);
    json_decref(document);
}

static void openlit(void **state)
{
    json_t *document = load("langfuse__langfuse", "openlit-span.json");
    json_t *said = said_in(document, NULL, NULL);

    (void)state;
    same("openlit", "input", json_incref(json_object_get(said, "input")),
         json_pack("[{s:s, s:s}]", "role", "user", "text", "user: What is LLM Observability?"));
    assert_int_equal(json_array_size(json_object_get(said, "output")), 1);
    json_decref(said);
    json_decref(document);
}

/* Spans that are no model's say nothing. */
static void spans_without_talk(void **state)
{
    static const struct {
        const char *folder, *name;
    } files[] = {
        {"open-telemetry__opentelemetry-proto", "examples__trace.json"},
        {"fluent__fluent-bit", "data__opentelemetry__traces.json"},
        {"fluent__fluent-bit", "in_opentelemetry__data_files__test_traces_001.in.json"},
        {"fluent__fluent-bit", "in_opentelemetry__data_files__test_traces_002.in.json"},
    };

    (void)state;
    for (size_t i = 0; i < SW_COUNT(files); i++) {
        json_t *document = load(files[i].folder, files[i].name);
        json_t *said = said_in(document, NULL, NULL);
        assert_int_equal(json_array_size(json_object_get(said, "input")), 0);
        assert_int_equal(json_array_size(json_object_get(said, "output")), 0);
        assert_null(json_object_get(said, "request"));
        assert_null(json_object_get(said, "response"));
        json_decref(said);
        json_decref(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_of_a_gateway),
        cmocka_unit_test(semantic_kernel),
        cmocka_unit_test(openlit),
        cmocka_unit_test(spans_without_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
