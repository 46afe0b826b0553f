/* SPDX-License-Identifier: Apache-2.0 */
/* What senders do that they should not, and what happens when memory ends. Nothing good may be lost for something
 * bad beside it, what was cut is told, and whatever comes out is what the ledger takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/short_memory.h"
#include "tests/unit/talk_case.h"

/* The attributes, built where quoting would hide what is meant. */
static json_t *read_one(const char *key, json_t *value)
{
    json_t *told = json_pack("{s:{s:o}}", "attributes", key, value);
    json_t *got = talk_case_read(told);

    json_decref(told);
    return got;
}

static const json_t *message(const json_t *got, const char *side, size_t i)
{
    return json_array_get(json_object_get(got, side), i);
}

static const char *text_of(const json_t *got, const char *side, size_t i)
{
    return json_string_value(json_object_get(message(got, side, i), "text"));
}

static void broken_characters_lose_nothing(void **state)
{
    const char *told = "[{\"role\":\"user\",\"content\":\"a\\ud800b\\u0000c\"},"
                       "{\"role\":\"user\",\"content\":\"\\ud83d\\ude00 \\udc00\"}]";
    json_t *got = read_one("langfuse.observation.input", json_string(told));

    (void)state;
    assert_int_equal(json_array_size(json_object_get(got, "input")), 2);
    assert_string_equal(text_of(got, "input", 0), "a\xef\xbf\xbd"
                                                  "bc");
    assert_string_equal(text_of(got, "input", 1), "\xf0\x9f\x98\x80 \xef\xbf\xbd");
    assert_true(json_is_false(json_object_get(got, "cut")));
    json_decref(got);
}

static void not_a_number_in_python(void **state)
{
    const char *told = "[{\"role\":\"assistant\",\"content\":\"NaN is \\\"NaN\\\"\",\"tool_calls\":"
                       "[{\"id\":\"c\",\"name\":\"f\",\"args\":{\"x\":NaN,\"y\":-Infinity}}]}]";
    json_t *got = read_one("langfuse.observation.input", json_string(told));
    const json_t *calls = json_object_get(message(got, "input", 0), "tool_calls");

    (void)state;
    assert_string_equal(text_of(got, "input", 0), "NaN is \"NaN\"");
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(json_array_get(calls, 0), "function"), "arguments")),
                        "{\"x\":\"NaN\",\"y\":\"-Infinity\"}");
    json_decref(got);
    got = read_one("gen_ai.input.messages",
                   json_pack("[{s:s, s:[{s:s, s:{s:{s:s}}}]}]", "role", "user", "parts", "type",
                             "odd", "content", "n", "$double", "NaN"));
    assert_int_equal(json_array_size(json_object_get(got, "input")), 1);
    json_decref(got);
}

static void a_document_that_was_cut_is_text_and_says_so(void **state)
{
    const char *told = "[{\"role\":\"user\",\"content\":\"a long tal";
    json_t *got = read_one("langfuse.observation.input", json_string(told));

    (void)state;
    assert_string_equal(text_of(got, "input", 0), told);
    assert_true(json_is_true(json_object_get(got, "cut")));
    json_decref(got);
    got = read_one("langfuse.observation.input", json_string("[brackets are no JSON]"));
    assert_true(json_is_false(json_object_get(got, "cut")));
    json_decref(got);
}

static void signs_of_a_cut(void **state)
{
    (void)state;
    talk_case(
        "{'dropped':1,'attributes':{'gen_ai.input.messages':[{'role':'user','content':'x'}]}}",
        "{'input':[{'role':'user','text':'x'}],'cut':true}");
    talk_case("{'attributes':{'gen_ai.input.messages':[{'role':'user','content':"
              "'text ...[TRUNCATED - 9 chars]'}]}}",
              "{'input':[{'role':'user','text':'text ...[TRUNCATED - 9 chars]'}],'cut':true}");
    talk_case("{'attributes':{'gen_ai.input.messages':[{'role':'user','content':'x',"
              "'body_truncated':true}]}}",
              "{'cut':true}");
    talk_case("{'attributes':{'gen_ai.input.messages':[{'role':'user','content':'x'}]}}",
              "{'cut':false}");
}

/* With attributes dropped, a flattened list has lost its end; the whole request beside it has not. */
static void what_stands_whole_is_read_when_attributes_were_dropped(void **state)
{
    const char *told =
        "{'dropped':3,'attributes':{'llm.input_messages.0.message.role':'user',"
        "'llm.input_messages.0.message.content':'one','input.value':'{\\'messages\\':["
        "{\\'role\\':\\'user\\',\\'content\\':\\'one\\'},{\\'role\\':\\'user\\',\\'content\\':"
        "\\'two\\'}]}','input.mime_type':'application/json'}}";

    (void)state;
    talk_case(told,
              "{'input':[{'role':'user','text':'one'},{'role':'user','text':'two'}],'cut':true}");
}

static json_t *nested(json_t *inside, int levels)
{
    for (int i = 0; i < levels; i++) {
        inside = json_pack("[o]", inside);
    }
    return inside;
}

/* A part that nests to the readers' end must not take its neighbours with it. */
static void deep_parts_stay_and_spoil_nothing(void **state)
{
    (void)state;
    for (int levels = 1; levels < 70; levels++) {
        json_t *told =
            json_pack("[{s:s, s:s}, {s:s, s:[{s:s, s:o}, {s:s, s:s}]}]", "role", "user", "content",
                      "good", "role", "user", "parts", "type", "odd", "value",
                      nested(json_string("x"), levels), "type", "text", "content", "too");
        char *text = json_dumps(told, 0);
        json_t *got = read_one("gen_ai.input.messages", json_string(text));
        char *all = json_dumps(json_object_get(got, "input"), 0);
        assert_non_null(strstr(all, "good"));
        assert_non_null(strstr(all, "too"));
        free(all);
        json_decref(got);
        free(text);
        json_decref(told);
    }
    for (int levels = 1; levels < 63; levels++) {
        json_t *told =
            json_pack("{s:{s:s, s:s, s:o}}", "attributes", "llm.input_messages.0.message.role",
                      "user", "llm.input_messages.0.message.content", "good",
                      "llm.input_messages.1.message.content", nested(json_string("x"), levels));
        json_t *got = talk_case_read(told);
        assert_string_equal(text_of(got, "input", 0), "good");
        assert_int_equal(json_array_size(json_object_get(got, "input")), 2);
        json_decref(got);
        json_decref(told);
    }
}

/* One part alone, whose list then is a level deeper than what was sent. */
static void a_part_as_deep_as_can_be(void **state)
{
    (void)state;
    for (int levels = 55; levels < 66; levels++) {
        json_t *told =
            json_pack("{s:s, s:o}", "type", "odd", "value", nested(json_string("found"), levels));
        char *text = json_dumps(told, 0);
        json_t *got = read_one("gen_ai.system_instructions", json_string(text));
        char *all = json_dumps(json_object_get(got, "input"), 0);
        assert_non_null(strstr(all, "found"));
        free(all);
        json_decref(got);
        free(text);
        json_decref(told);
    }
}

static char *many(size_t len, char c)
{
    char *text = malloc(len + 1);

    memset(text, c, len);
    text[len] = 0;
    return text;
}

static void large_texts(void **state)
{
    char *text = many(3 * 1024 * 1024, 'x');
    json_t *got = read_one("gen_ai.input.messages",
                           json_pack("[{s:s, s:s}, {s:s, s:[{s:s, s:s}, {s:s, s:s}]}]", "role",
                                     "user", "content", text, "role", "user", "parts", "type",
                                     "text", "content", text, "type", "text", "content", "and"));

    (void)state;
    assert_string_equal(text_of(got, "input", 0), text);
    assert_true(json_is_false(json_object_get(got, "cut")));
    json_decref(got);
    free(text);
}

/* Past the ceiling the beginning stays, with a mark that tells the length and the SHA-256 of the whole. */
static void texts_past_the_ceiling(void **state)
{
    char *text = many(17 * 1024 * 1024, 'x');
    /* sha256sum of 17 MiB of x */
    const char *mark = "bytes, sha256 ";
    json_t *got = read_one("ai.response.text", json_string(text));
    const char *kept = text_of(got, "output", 0);

    (void)state;
    assert_non_null(kept);
    assert_true(strlen(kept) <= SW_LIMIT_JSON_BYTES);
    assert_non_null(strstr(kept, "[TRUNCATED 17825792 "));
    assert_non_null(strstr(kept, mark));
    assert_true(json_is_true(json_object_get(got, "cut")));
    json_decref(got);
    got = read_one("gen_ai.input.messages",
                   json_pack("[{s:s, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}, {s:s, s:s, s:s}]",
                             "role", "user", "parts", "type", "text", "content", "first", "type",
                             "text", "content", text, "type", "odd", "huge", text, "role", "tool",
                             "tool_call_id", "c", "content", text));
    assert_int_equal(json_array_size(json_object_get(got, "input")), 2);
    assert_true(json_is_true(json_object_get(got, "cut")));
    json_decref(got);
    text[6 * 1024 * 1024] = 0; /* each fits, all together do not: those that fit stay whole */
    got = read_one("gen_ai.input.messages",
                   json_pack("[{s:s, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}]", "role", "user",
                             "parts", "type", "text", "content", text, "type", "text", "content",
                             text, "type", "text", "content", text));
    for (size_t i = 0; i < 3; i++) {
        const json_t *parts = json_object_get(message(got, "input", 0), "content");
        size_t len = json_string_length(json_object_get(json_array_get(parts, i), "text"));
        assert_true(i < 2 ? len == 6 * 1024 * 1024 : len > 1024 * 1024 && len < 3 * 1024 * 1024);
    }
    assert_true(json_is_true(json_object_get(got, "cut")));
    json_decref(got);
    free(text);
}

static void names_and_ids_are_words(void **state)
{
    char *text = many(20000, 'n');
    json_t *got =
        read_one("gen_ai.input.messages",
                 json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}]", "role", "user", "name", text,
                           "content", "x", "role", "tool", "tool_call_id", text, "content", "y"));

    (void)state; /* talk_case_read holds every message to the model's checks */
    assert_int_equal(json_array_size(json_object_get(got, "input")), 2);
    json_decref(got);
    free(text);
}

static void odd_shapes(void **state)
{
    static const char *const odd[] = {
        "null",
        "true",
        "7",
        "'\\''",
        "[]",
        "{}",
        "[null]",
        "[[[[[[[[[[[['x']]]]]]]]]]]]",
        "[7,true,'x',{'role':7,'content':{'a':1}}]",
        "[{'role':'assistant','tool_calls':7}]",
        "[{'role':'assistant','tool_calls':[null,7,'x',[],{'function':'f'}]}]",
        "[{'role':'tool','content':[]}]",
        "[{'role':'tool'}]",
        "[{'parts':{'type':'text'}}]",
        "[{'type':'function'}]",
        "[{'lc':1,'kwargs':7,'id':'x'}]",
        "[{'message':{'message':{'message':{'message':{'role':'user','content':'x'}}}}}]",
        "[{'role':'user','content':[{'type':'image_url','image_url':7},{'type':'blob'},"
        "{'type':'image','source':{'source':{'source':{'source':{'data':'x'}}}}}]}]",
        "{'messages':{'messages':{'messages':{'messages':{'messages':{'messages':{'messages':"
        "[{'role':'user','content':'x'}]}}}}}}}",
        "{'choices':[{'message':null}],'candidates':[{'content':{'parts':[null]}}]}",
    };
    static const char *const keys[] = {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
        "llm.input_messages",
        "llm.tools",
        "llm.input_messages.0",
        "gen_ai.prompt.0",
        "gen_ai.prompt.0.content",
        "gen_ai.prompt",
        "gen_ai.completion",
        "ai.prompt.messages",
        "ai.prompt.tools",
        "ai.response.text",
        "ai.response.toolCalls",
        "ai.response.files",
        "ai.response.reasoning",
        "events",
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
        "input.value",
        "llm.invocation_parameters",
        "input.mime_type",
        "genkit:output",
    };

    (void)state;
    for (size_t k = 0; k < SW_COUNT(keys); k++) {
        for (size_t i = 0; i < SW_COUNT(odd); i++) {
            char *text = talk_case_unquoted(odd[i]);
            json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
            json_decref(read_one(keys[k], value ? value : json_string(text)));
            json_decref(read_one(keys[k], json_string(text)));
            free(text);
        }
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

static const char *const everything =
    "{'attributes':{"
    "'gen_ai.system_instructions':[{'type':'text','content':'s'}],"
    "'gen_ai.prompt.0.role':'user','gen_ai.prompt.0.content':'[{\\'type\\':\\'text\\',\\'text\\':"
    "\\'a\\\\n\\'}]','gen_ai.prompt.1.role':'tool','gen_ai.prompt.1.content':'r',"
    "'ai.response.text':'yes','ai.response.toolCalls':'[{\\'toolCallId\\':\\'c\\',\\'toolName\\':"
    "\\'f\\',\\'input\\':{\\'n\\':NaN}}]',"
    "'llm.tools.0.tool.json_schema':'{\\'name\\':\\'f\\'}','gen_ai.request.seed':1,"
    "'input.value':'{\\'messages\\':[]}','input.mime_type':'application/json'},"
    "'events':[{'name':'gen_ai.user.message','time':1,'attributes':{'content':'x'}}]}";

static void every_allocation_may_fail(void **state)
{
    char *text = talk_case_unquoted(everything);
    json_t *told = json_loads(text, 0, NULL);
    sw_arena outside;
    span_facts facts = {.model = SW_STR("m")};
    json_t *whole = told ? talk_case_read(told) : NULL;
    long left = 0;
    bool done = false;

    (void)state;
    assert_non_null(whole);
    json_object_set_new(told, "model", json_string("m"));
    json_decref(whole);
    whole = talk_case_read(told);
    sw_arena_init(&outside, &sw__libc_allocator, 0);
    facts.span = talk_case_span(told, &outside);
    for (; !done && left < 10000; left++) {
        short_memory memory;
        sw_error err = {.status = SW_STATUS_OK};
        span_talk said;
        sw_arena arena;
        short_memory_init(&memory, left);
        sw_arena_init(&arena, &memory.allocator, 0);
        sw_status status = span_read_talk(&facts, &arena, &said, &err);
        assert_true(status == SW_STATUS_OK || status == SW_STATUS_NO_MEMORY);
        done = status == SW_STATUS_OK;
        if (done) {
            json_t *got = talk_case_shown(&said);
            assert_int_equal(said.input_count, 3);
            assert_int_equal(said.output_count, 1);
            assert_true(json_equal(got, whole));
            json_decref(got);
        }
        sw_arena_fini(&arena);
        assert_int_equal(memory.blocks, 0);
    }
    assert_true(done && left > 10);
    sw_arena_fini(&outside);
    json_decref(whole);
    json_decref(told);
    free(text);
}

static void an_arena_with_a_ceiling(void **state)
{
    char *text = talk_case_unquoted(everything);
    json_t *told = json_loads(text, 0, NULL);
    span_facts facts = {.model = SW_STR("m")};
    sw_arena outside;
    bool done = false;

    (void)state;
    sw_arena_init(&outside, &sw__libc_allocator, 0);
    facts.span = talk_case_span(told, &outside);
    for (size_t max = 1; !done; max += 64) {
        sw_error err = {.status = SW_STATUS_OK};
        span_talk said;
        sw_arena arena;
        sw_arena_init(&arena, &sw__libc_allocator, max);
        sw_status status = span_read_talk(&facts, &arena, &said, &err);
        assert_true(status == SW_STATUS_OK || status == SW_STATUS_NO_MEMORY);
        done = status == SW_STATUS_OK;
        sw_arena_fini(&arena);
    }
    sw_arena_fini(&outside);
    json_decref(told);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_characters_lose_nothing),
        cmocka_unit_test(not_a_number_in_python),
        cmocka_unit_test(a_document_that_was_cut_is_text_and_says_so),
        cmocka_unit_test(signs_of_a_cut),
        cmocka_unit_test(what_stands_whole_is_read_when_attributes_were_dropped),
        cmocka_unit_test(deep_parts_stay_and_spoil_nothing),
        cmocka_unit_test(a_part_as_deep_as_can_be),
        cmocka_unit_test(large_texts),
        cmocka_unit_test(texts_past_the_ceiling),
        cmocka_unit_test(names_and_ids_are_words),
        cmocka_unit_test(odd_shapes),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(an_arena_with_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
