/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of spans that others recorded, of values that are too long, and where memory runs out. */
#include "hand.h"
#include "tests/unit/short_memory.h"

#include <stdio.h>

/* ---- what is too much --------------------------------------------------------------------------- */

static void test_what_is_too_long(void **state)
{
    hand h;
    char text[2000];
    (void)state;
    hand_begin(&h);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    hand_text(&h, "gen_ai.response.model", text);
    hand_text(&h, "gen_ai.request.model", "m");
    hand_text(&h, "session.id", text);
    text[129] = '\0';
    hand_text(&h, "gen_ai.response.id", text);
    const span_facts *f = hand_read(&h);
    same_text(f->model, "m");
    is_null_text(f->conversation);
    is_null_text(f->request_id);
    hand_end(&h);
}

/* ---- recorded by others ------------------------------------------------------------------------- */

typedef struct recorded {
    span_facts facts;
    sw_arena *arena;
    int count;
} recorded;

static sw_status read_recorded(void *arg, const otlp_span *span)
{
    recorded *r = arg;
    r->count++;
    return span_read(span, r->arena, &r->facts, NULL);
}

static bool load(hand *h, const char *path, bool lone, recorded *r)
{
    char place[512];
    static char bytes[65536];
    snprintf(place, sizeof place, "%s/../shared/data/otlp/%s", SW_SOURCE_ROOT, path);
    FILE *file = fopen(place, "rb");
    if (!file) {
        print_message("[   INFO   ] %s is not here\n", path);
        return false;
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    sw_str body = sw_str_make(bytes, len);
    if (lone) {
        body = sw_arena_printf(&h->arena,
                               "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%.*s]}]}]}",
                               (int)len, bytes);
    }
    otlp_sink sink = {.span = read_recorded, .arg = r};
    int64_t count = 0;
    *r = (recorded){.arena = &h->arena};
    assert_int_equal(otlp_read(OTLP_JSON, OTLP_TRACES, body, &h->arena, &sink, &count, NULL),
                     SW_STATUS_OK);
    return true;
}

/* Tokens, models and errors as they stand in the recorded files. */
static void test_recorded_spans(void **state)
{
    static const struct {
        const char *path;
        bool lone;
        const char *model;
        int64_t prompt;
        int64_t completion;
        const char *error;
    } files[] = {
        {"envoyproxy__ai-gateway/spans__chat-detailed-usage.json", true, "gpt-5-nano-2025-08-07",
         12, 100, NULL},
        {"envoyproxy__ai-gateway/spans__chat-bad-request.json", true, NULL, -1, -1,
         "openai.BadRequestError"},
        {"langfuse__langfuse/openlit-span.json", false, "gpt-3.5-turbo", 14, 96, NULL},
    };
    hand h;
    recorded r;
    int seen = 0;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(files); i++) {
        if (!load(&h, files[i].path, files[i].lone, &r)) {
            continue;
        }
        seen++;
        assert_int_equal(r.count, 1);
        assert_int_equal(r.facts.role, SPAN_LLM);
        if (files[i].model) {
            same_text(r.facts.model, files[i].model);
        }
        if (files[i].prompt >= 0) {
            same_number(r.facts.usage.prompt, files[i].prompt);
            same_number(r.facts.usage.completion, files[i].completion);
            same_text(r.facts.provider_name, "openai");
        }
        if (files[i].error) {
            same_text(r.facts.end.error_type, files[i].error);
            assert_int_equal(r.facts.end.status, SW_STEP_STATUS_FAILED);
        }
    }
    hand_end(&h);
    if (!seen) {
        skip();
    }
}

/* ---- no memory ---------------------------------------------------------------------------------- */

static void everything(hand *h)
{
    hand_text(h, "gen_ai.operation.name", "execute_tool");
    hand_text(h, "gen_ai.system", "House.Model");
    hand_int(h, "gen_ai.response.model", 5);
    hand_int(h, "gen_ai.usage.input_tokens", 10);
    hand_int(h, "gen_ai.usage.cache_read.input_tokens", 5);
    hand_int(h, "gen_ai.usage.output_tokens", 5);
    hand_int(h, "gen_ai.usage.reasoning_tokens", 2);
    hand_text(h, "langfuse.trace.tags", "[\"a\\u0041\",\"b\"]");
    hand_text(h, "langfuse.release", "r");
    hand_double(h, "gen_ai.request.temperature", 0.5);
    hand_text(h, "gen_ai.tool.call.arguments", "\"{\\\"q\\\":1}\"");
    hand_text(h, "server.address", "localhost");
    hand_text(h, "error.type", "x");
    h->span.status_message = SW_STR("went wrong");
    hand_json(h, "[{\"key\":\"gen_ai.tool.call.result\",\"value\":{\"arrayValue\":{\"values\":["
                 "{\"stringValue\":\"a\"}]}}}]");
}

/* Every allocation fails in turn: the answer is NO_MEMORY or all is there, and nothing is lost. */
static void test_no_memory(void **state)
{
    hand h;
    long left = 0;
    sw_status status = SW_STATUS_NO_MEMORY;
    (void)state;
    hand_begin(&h);
    everything(&h);
    for (; status == SW_STATUS_NO_MEMORY && left < 1000; left++) {
        short_memory memory;
        sw_arena arena;
        sw_error err = {0};
        short_memory_init(&memory, left);
        sw_arena_init(&arena, &memory.allocator, 0);
        status = span_read(&h.span, &arena, &h.facts, &err);
        if (status == SW_STATUS_OK) {
            same_text(h.facts.tags, "[\"aA\",\"b\",\"release:r\"]");
            same_text(h.facts.tool_result, "[\"a\"]");
            same_text(h.facts.end.error_data, "{\"message\":\"went wrong\"}");
            same_text(h.facts.metadata, "{\"temperature\":0.5}");
            same_text(h.facts.provider_name, "house.model");
        }
        sw_arena_fini(&arena);
        assert_int_equal(memory.blocks, 0);
    }
    assert_int_equal(status, SW_STATUS_OK);
    assert_true(left > 5);
    hand_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_too_long),
        cmocka_unit_test(test_recorded_spans),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
