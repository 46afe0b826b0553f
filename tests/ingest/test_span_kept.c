/* SPDX-License-Identifier: Apache-2.0 */
/* What of a span is kept, byte by byte: nothing that lets somebody in, whatever form it came in; and where a project
 * wants no content, nothing that may be content.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ingest/span.h"

typedef struct keeping {
    span_keeping how;
    sw_buf buf;
    sw_arena arena;
} keeping;

static sw_status keep_source_and_span(void *arg, const otlp_span *span)
{
    keeping *k = arg;

    otlp_keep_source(&k->buf, span->resource, span->scope, span_drop, &k->how, &k->arena);
    otlp_keep_span(&k->buf, span, span_drop, &k->how, &k->arena);
    return SW_STATUS_OK;
}

/* The bytes that are kept of a span with these attributes, of its resource and of its events, all alike. */
static sw_str keep(keeping *k, bool silent, const char *attributes)
{
    static char body[20000];
    const otlp_sink sink = {.span = keep_source_and_span, .arg = k};
    int64_t count = 0;
    sw_error err;

    *k = (keeping){.how = {.silent = silent}};
    sw_arena_init(&k->arena, &sw__libc_allocator, 0);
    sw_buf_init(&k->buf, &sw__libc_allocator, 0);
    k->how.arena = &k->arena;
    (void)snprintf(body, sizeof body,
                   "{\"resourceSpans\":[{\"resource\":{\"attributes\":[%s]},\"scopeSpans\":[{"
                   "\"spans\":[{\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"s\","
                   "\"attributes\":[%s],\"events\":[{\"name\":\"e\",\"attributes\":[%s]}]}]}]}]}",
                   attributes, 1, 2, attributes, attributes);
    assert_int_equal(SW_STATUS_OK, otlp_read(OTLP_JSON, OTLP_TRACES, sw_str_from(body), &k->arena,
                                             &sink, &count, &err));
    assert_int_equal(1, count);
    assert_int_equal(SW_STATUS_OK, k->buf.status);
    return sw_buf_str(&k->buf);
}

static void let_go(keeping *k)
{
    sw_buf_fini(&k->buf);
    sw_arena_fini(&k->arena);
}

#define TEXT_AT(KEY, VALUE) "{\"key\":\"" KEY "\",\"value\":{\"stringValue\":\"" VALUE "\"}}"
#define LIST_AT(KEY, VALUES)                                                                       \
    "{\"key\":\"" KEY "\",\"value\":{\"arrayValue\":{\"values\":[" VALUES "]}}}"
#define MAP_AT(KEY, MEMBERS)                                                                       \
    "{\"key\":\"" KEY "\",\"value\":{\"kvlistValue\":{\"values\":[" MEMBERS "]}}}"
#define NUMBER_AT(KEY, NUMBER) "{\"key\":\"" KEY "\",\"value\":{\"intValue\":\"" NUMBER "\"}}"
#define STRING(TEXT) "{\"stringValue\":\"" TEXT "\"}"

static void addresses_are_cut_in_lists_and_maps_too(void **state)
{
    static const char *const cases[] = {
        TEXT_AT("http.url", "https://LEAK1@SEEN/?key=LEAK2&a=SEEN"),
        LIST_AT("http.url", STRING("https://LEAK1@SEEN/") "," STRING("https://SEEN/?key=LEAK2")),
        MAP_AT("llm.endpoint", TEXT_AT("first", "https://LEAK1@SEEN/?sig=LEAK2")),
        MAP_AT("url", LIST_AT("all", STRING("x?token=LEAK1") "," STRING("SEEN"))),
        LIST_AT("location",
                "{\"kvlistValue\":{\"values\":[" TEXT_AT("to", "//SEEN?auth=LEAK1") "," TEXT_AT(
                    "authorization", "LEAK2") "]}}"),
        MAP_AT("more", MAP_AT("even.more", LIST_AT("base_url", STRING("SEEN://LEAK1@h")))),
    };
    keeping k;

    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_str bytes = keep(&k, false, cases[i]);
        if (sw_str_contains_nocase(bytes, SW_STR("LEAK")) ||
            !sw_str_contains_nocase(bytes, SW_STR("SEEN"))) {
            fail_msg("%s is kept as %.*s", cases[i], (int)bytes.len, bytes.ptr);
        }
        let_go(&k);
    }
}

/* Of dialects that nobody knows, in any form; of those that are known, what their documents call content. */
static void nothing_that_may_be_content_stays(void **state)
{
    static const char *const cases[] = {
        TEXT_AT("newframework.prompt_text", "SAID"),
        LIST_AT("newframework.messages", STRING("SAID")),
        MAP_AT("newframework.turn", TEXT_AT("text", "SAID")),
        "{\"key\":\"blob\",\"value\":{\"bytesValue\":\"U0FJRA==\"}}",
        TEXT_AT("process.command_args", "-p SAID"),
        TEXT_AT("db.query.text", "SAID"),
        TEXT_AT("exception.message", "the prompt SAID is refused"),
        TEXT_AT("exception.stacktrace", "f(SAID)"),
        TEXT_AT("error.message", "SAID"),
        TEXT_AT("langfuse.observation.status_message", "SAID"),
        TEXT_AT("metadata", "{\\\"question\\\":\\\"SAID\\\"}"),
        TEXT_AT("ai.response.providerMetadata", "SAID"),
        TEXT_AT("gen_ai.request.stop_sequences", "SAID"),
        TEXT_AT("llm.invocation_parameters", "{\\\"instructions\\\":\\\"SAID\\\"}"),
        TEXT_AT("mcp.request.argument", "SAID"),
        TEXT_AT("gen_ai.prompt.0.content", "SAID"),
        TEXT_AT("url.full", "https://search.example/?q=SAID"),
        TEXT_AT("url.query", "q=SAID"),
        LIST_AT("url.full", STRING("https://search.example/?q=SAID")),
        MAP_AT("langfuse.observation.usage_details", TEXT_AT("note", "SAID")),
        NUMBER_AT("gen_ai.tool.call.result", "1396787524"), /* SAID, as a number */
        NUMBER_AT("output", "1396787524"),
    };
    keeping k;

    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_str bytes = keep(&k, true, cases[i]);
        if (sw_str_contains_nocase(bytes, SW_STR("SAID")) ||
            sw_str_contains_nocase(bytes, SW_STR("gen_ai.tool.call.result")) ||
            sw_str_contains_nocase(bytes, SW_STR("output"))) {
            fail_msg("%s is kept as %.*s", cases[i], (int)bytes.len, bytes.ptr);
        }
        let_go(&k);
    }
}

static void what_counts_and_who_and_how_it_ended_stays(void **state)
{
    static const char *const cases[] = {
        TEXT_AT("service.name", "KEPT"),
        TEXT_AT("telemetry.sdk.language", "KEPT"),
        TEXT_AT("gen_ai.request.model", "KEPT"),
        TEXT_AT("gen_ai.response.id", "KEPT"),
        TEXT_AT("gen_ai.completion.0.finish_reason", "KEPT"),
        TEXT_AT("gen_ai.tool.name", "KEPT"),
        TEXT_AT("session.id", "KEPT"),
        TEXT_AT("exception.type", "KEPT"),
        TEXT_AT("error.type", "KEPT"),
        TEXT_AT("event.name", "KEPT"),
        TEXT_AT("url.full", "https://api.KEPT/v1"),
        NUMBER_AT("newframework.KEPT.tokens", "5"),
        MAP_AT("langfuse.observation.usage_details", NUMBER_AT("KEPT", "5")),
    };
    keeping k;

    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_str bytes = keep(&k, true, cases[i]);
        if (!sw_str_contains_nocase(bytes, SW_STR("KEPT"))) {
            fail_msg("%s is not kept", cases[i]);
        }
        let_go(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_cut_in_lists_and_maps_too),
        cmocka_unit_test(nothing_that_may_be_content_stays),
        cmocka_unit_test(what_counts_and_who_and_how_it_ended_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
