/* SPDX-License-Identifier: Apache-2.0 */
/* The one rule of counting: the worked examples of the specification (H.3), each branch of its algorithm, and
 * usage that comes as documents. Numbers stand here as the specification gives them, or are added up by hand.
 */
#include "hand.h"

#define N(VALUE)                                                                                   \
    {                                                                                              \
        VALUE, 1                                                                                   \
    }

static span_usage count(hand *h, span_counts counts, int mode)
{
    span_usage usage;
    span_count(&counts, mode, false, &h->arena, &usage);
    return usage;
}

static void adds_up(const span_usage *u, int64_t prompt, int64_t completion)
{
    same_number(u->prompt, prompt);
    same_number(u->completion, completion);
    same_number(u->total, prompt + completion);
}

static bool says(sw_str details, const char *member)
{
    return details.ptr && sw_str_contains_nocase(details, sw_str_from(member));
}

/* ---- H.3 ---------------------------------------------------------------------------------------- */

static void test_worked_examples(void **state)
{
    hand h;
    span_usage u;
    (void)state;
    hand_begin(&h);
    u = count(&h,
              (span_counts){
                  .input = N(2), .cache_read = N(61608), .cache_write = N(974), .output = N(211)},
              SPAN_EXCLUSIVE);
    adds_up(&u, 62584, 211);
    same_number(u.cached, 61608);
    same_number(u.written, 974);
    assert_true(says(u.prompt_details, "\"cache_read_tokens\":61608"));
    assert_true(says(u.prompt_details, "\"cached_tokens\":61608"));
    assert_true(says(u.prompt_details, "\"cache_creation_tokens\":974"));

    u = count(
        &h,
        (span_counts){.input = N(1000), .cache_read = N(800), .output = N(50), .reasoning = N(20)},
        SPAN_INCLUSIVE);
    adds_up(&u, 1000, 50);
    same_number(u.cached, 800);
    same_number(u.reasoning, 20);
    assert_true(says(u.completion_details, "\"reasoning_tokens\":20"));

    const span_counts gemini = {.input = N(1000),
                                .cache_read = N(600),
                                .output = N(40),
                                .reasoning = N(25),
                                .tool_use = N(10),
                                .total = N(1075)};
    const int modes[] = {SPAN_INCLUSIVE | SPAN_BESIDE, SPAN_OPEN};
    for (size_t i = 0; i < SW_COUNT(modes); i++) {
        u = count(&h, gemini, modes[i]);
        adds_up(&u, 1010, 65);
        same_number(u.cached, 600);
        same_number(u.reasoning, 25);
        assert_true(says(u.prompt_details, "\"tool_use_tokens\":10"));
        assert_false(says(u.prompt_details, "reported_total"));
    }

    u = count(&h,
              (span_counts){.input = N(100),
                            .output = N(10),
                            .reasoning = N(5),
                            .cache_read = N(50),
                            .cache_write = N(0)},
              SPAN_EXCLUSIVE | SPAN_BESIDE);
    adds_up(&u, 150, 15);

    u = count(
        &h,
        (span_counts){.input = N(1000), .cache_read = N(250), .output = N(125), .reasoning = N(75)},
        SPAN_INCLUSIVE);
    adds_up(&u, 1000, 125);
    same_number(u.cached, 250);
    same_number(u.reasoning, 75);

    u = count(&h,
              (span_counts){
                  .input = N(7), .cache_read = N(16399), .cache_write = N(2089), .output = N(445)},
              SPAN_OPEN);
    adds_up(&u, 18495, 445);
    assert_true(says(u.prompt_details, "\"source_mode\":\"exclusive\""));

    u = count(
        &h, (span_counts){.input = N(500), .cache_read = N(400), .output = N(20), .total = N(520)},
        SPAN_OPEN);
    adds_up(&u, 500, 20);
    assert_true(says(u.prompt_details, "\"source_mode\":\"inclusive\""));
    assert_int_equal(u.state, SW_USAGE_STATE_REPORTED);
    hand_end(&h);
}

/* ---- the algorithm ------------------------------------------------------------------------------ */

static void test_each_rule_in_its_turn(void **state)
{
    hand h;
    span_usage u;
    span_counts c = {.input = N(100), .cache_read = N(30), .cache_write = N(20), .output = N(10)};
    (void)state;
    hand_begin(&h);
    /* 5: inclusive where nothing tells. */
    u = count(&h, c, SPAN_OPEN);
    adds_up(&u, 100, 10);
    /* 4: a native passer. */
    span_count(&c, SPAN_OPEN, true, &h.arena, &u);
    adds_up(&u, 150, 10);
    /* 1: what is declared goes before all that. */
    span_count(&c, SPAN_INCLUSIVE, true, &h.arena, &u);
    adds_up(&u, 100, 10);
    /* 2: the total goes before 4: inclusive, then exclusive. */
    c.total = (sw_int)N(110);
    span_count(&c, SPAN_OPEN, true, &h.arena, &u);
    adds_up(&u, 100, 10);
    c.total = (sw_int)N(160);
    u = count(&h, c, SPAN_OPEN);
    adds_up(&u, 150, 10);
    /* 2: reasoning beside the output. */
    c.reasoning = (sw_int)N(7);
    c.total = (sw_int)N(117);
    u = count(&h, c, SPAN_OPEN);
    adds_up(&u, 100, 17);
    /* A total that fits nothing settles nothing, and is kept. */
    c.total = (sw_int)N(999);
    u = count(&h, c, SPAN_OPEN);
    adds_up(&u, 100, 10);
    assert_true(says(u.prompt_details, "\"reported_total_tokens\":999"));
    hand_end(&h);
}

static void test_no_cache_tokens_settle(void **state)
{
    hand h;
    span_usage u;
    (void)state;
    hand_begin(&h);
    u = count(&h,
              (span_counts){.input = N(5), .no_cache = N(5), .cache_read = N(90), .output = N(1)},
              SPAN_INCLUSIVE);
    adds_up(&u, 95, 1);
    u = count(&h,
              (span_counts){.input = N(95), .no_cache = N(5), .cache_read = N(90), .output = N(1)},
              SPAN_EXCLUSIVE);
    adds_up(&u, 95, 1);
    u = count(&h, (span_counts){.no_cache = N(5), .cache_read = N(90), .output = N(1)}, SPAN_OPEN);
    adds_up(&u, 95, 1);
    hand_end(&h);
}

static void test_states(void **state)
{
    hand h;
    span_usage u;
    (void)state;
    hand_begin(&h);
    u = count(&h, (span_counts){0}, SPAN_OPEN);
    assert_int_equal(u.state, SW_USAGE_STATE_UNKNOWN);
    assert_false(u.prompt.known || u.completion.known || u.total.known);
    is_null_text(u.prompt_details);
    is_null_text(u.completion_details);
    /* A stream that does not report says 0 and 0. */
    u = count(&h, (span_counts){.input = N(0), .output = N(0), .total = N(0)}, SPAN_OPEN);
    assert_int_equal(u.state, SW_USAGE_STATE_UNKNOWN);
    assert_false(u.prompt.known || u.completion.known);
    u = count(&h, (span_counts){.input = N(9), .output = N(0)}, SPAN_OPEN);
    assert_int_equal(u.state, SW_USAGE_STATE_REPORTED);
    adds_up(&u, 9, 0);
    u = count(&h, (span_counts){.input = N(9)}, SPAN_OPEN);
    assert_int_equal(u.state, SW_USAGE_STATE_PARTIAL);
    u = count(&h, (span_counts){.total = N(9)}, SPAN_OPEN);
    assert_int_equal(u.state, SW_USAGE_STATE_PARTIAL);
    assert_true(says(u.prompt_details, "\"reported_total_tokens\":9"));
    hand_end(&h);
}

static void inconsistent(hand *h, span_counts c, int mode)
{
    span_usage u = count(h, c, mode);
    assert_int_equal(u.state, SW_USAGE_STATE_INCONSISTENT);
    assert_true(says(u.prompt_details, "\"inconsistent\":true"));
}

static void test_contradictions_are_kept_and_marked(void **state)
{
    hand h;
    span_usage u;
    (void)state;
    hand_begin(&h);
    inconsistent(&h, (span_counts){.input = N(5), .cache_read = N(9), .output = N(1)},
                 SPAN_INCLUSIVE);
    inconsistent(&h, (span_counts){.input = N(5), .output = N(1), .reasoning = N(2)},
                 SPAN_INCLUSIVE);
    inconsistent(&h, (span_counts){.input = N(5), .output = N(1), .audio_in = N(6)}, SPAN_OPEN);
    inconsistent(&h, (span_counts){.input = N(-5), .output = N(1)}, SPAN_OPEN);
    inconsistent(&h, (span_counts){.input = N(INT64_MAX), .output = N(1)}, SPAN_OPEN);
    /* Two counts that fit, whose sum does not. */
    inconsistent(&h,
                 (span_counts){.input = N(2147483647), .cache_read = N(2147483647), .output = N(1)},
                 SPAN_EXCLUSIVE);
    u = count(&h, (span_counts){.input = N(5), .cache_read = N(9), .output = N(1)}, SPAN_INCLUSIVE);
    adds_up(&u, 5, 1);
    same_number(u.cached, 9);
    hand_end(&h);
}

static void test_cache_writes_by_age(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    span_usage u =
        count(&h,
              (span_counts){
                  .input = N(3), .cache_write_5m = N(10), .cache_write_1h = N(20), .output = N(1)},
              SPAN_EXCLUSIVE);
    adds_up(&u, 33, 1);
    same_number(u.written, 30);
    assert_true(says(u.prompt_details, "\"cache_creation_5m_tokens\":10"));
    assert_true(says(u.prompt_details, "\"cache_creation_1h_tokens\":20"));
    hand_end(&h);
}

/* ---- spans -------------------------------------------------------------------------------------- */

static void anthropic(hand *h, const char *scope, const char *version)
{
    hand_clear(h);
    h->scope.name = sw_str_from(scope);
    h->scope.version = sw_str_from(version);
    hand_text(h, "gen_ai.system", "anthropic");
    hand_int(h, "gen_ai.usage.input_tokens", 1000);
    hand_int(h, "gen_ai.usage.output_tokens", 10);
    hand_int(h, "gen_ai.usage.cache_read.input_tokens", 300);
}

static void test_declared_by_scope(void **state)
{
    static const struct {
        const char *scope;
        const char *version;
        int64_t prompt;
    } cases[] = {
        {"ai", "5.0.12", 1300},
        {"ai", "4", 1300},
        {"ai", "6.0.1", 1000},
        {"ai", "7.0.77", 1000},
        {"gen_ai", "1.0.77", 1000},
        {"pydantic-ai", "", 1000},
        {"opentelemetry.instrumentation.anthropic", "0.40.0", 1000},
        {"@traceloop/instrumentation-anthropic", "0.27.0", 1300}, /* seen: input 4, read 1163 */
        {"openinference.instrumentation.anthropic", "0.1.0", 1000},
        {"@arizeai/openinference-instrumentation-anthropic", "0.2.8", 1000},
        {"com.anthropic.claude_code.tracing", "2.1.0", 1300},
        {"something.else", "1", 1000},
    };
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        anthropic(&h, cases[i].scope, cases[i].version);
        const span_facts *f = hand_read(&h);
        if (f->usage.prompt.value != cases[i].prompt) {
            fail_msg("%s %s: %lld", cases[i].scope, cases[i].version,
                     (long long)f->usage.prompt.value);
        }
    }
    hand_end(&h);
}

/* AI SDK 5 adds exclusive numbers to a total; that the caches are larger than the input proves it. */
static void test_an_unversioned_scope_is_proved(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    h.scope.name = SW_STR("ai");
    hand_text(&h, "ai.model.provider", "anthropic.messages");
    hand_int(&h, "ai.usage.inputTokens", 2);
    hand_int(&h, "ai.usage.outputTokens", 211);
    hand_int(&h, "ai.usage.totalTokens", 213);
    hand_int(&h, "ai.usage.cachedInputTokens", 61608);
    const span_facts *f = hand_read(&h);
    adds_up(&f->usage, 61610, 211);
    /* OpenAI's numbers, passed on, are inclusive. */
    hand_clear(&h);
    h.scope.name = SW_STR("ai");
    h.scope.version = SW_STR("5.0.0");
    hand_text(&h, "ai.model.provider", "openai.chat");
    hand_int(&h, "ai.usage.inputTokens", 100);
    hand_int(&h, "ai.usage.outputTokens", 5);
    hand_int(&h, "ai.usage.cachedInputTokens", 60);
    f = hand_read(&h);
    adds_up(&f->usage, 100, 5);
    hand_end(&h);
}

static void test_native_usage_in_provider_metadata(void **state)
{
    static const char *const metadata =
        "{\"anthropic\":{\"usage\":{\"input_tokens\":4,\"cache_creation_input_tokens\":20,"
        "\"cache_read_input_tokens\":300,\"cache_creation\":{\"ephemeral_5m_input_tokens\":15,"
        "\"ephemeral_1h_input_tokens\":5},\"output_tokens\":9},\"cacheCreationInputTokens\":20}}";
    hand h;
    (void)state;
    hand_begin(&h);
    const int64_t inputs[] = {4, 324}; /* exclusive, inclusive */
    for (size_t i = 0; i < SW_COUNT(inputs); i++) {
        hand_clear(&h);
        h.scope.name = SW_STR("ai");
        hand_text(&h, "ai.model.provider", "anthropic.messages");
        hand_int(&h, "ai.usage.inputTokens", inputs[i]);
        hand_int(&h, "ai.usage.outputTokens", 9);
        hand_text(&h, "ai.response.providerMetadata", metadata);
        const span_facts *f = hand_read(&h);
        adds_up(&f->usage, 324, 9);
        same_number(f->usage.cached, 300);
        same_number(f->usage.written, 20);
        assert_true(says(f->usage.prompt_details, "\"cache_creation_5m_tokens\":15"));
        assert_true(says(f->usage.prompt_details, "\"cache_creation_1h_tokens\":5"));
    }
    hand_clear(&h);
    hand_int(&h, "ai.usage.inputTokens", 50);
    hand_int(&h, "ai.usage.outputTokens", 30);
    hand_text(&h, "ai.response.providerMetadata",
              "{\"openai\":{\"cachedPromptTokens\":40,\"reasoningTokens\":12}}");
    const span_facts *f = hand_read(&h);
    adds_up(&f->usage, 50, 30);
    same_number(f->usage.cached, 40);
    same_number(f->usage.reasoning, 12);
    hand_clear(&h);
    hand_text(&h, "ai.model.provider", "amazon-bedrock");
    hand_int(&h, "ai.usage.inputTokens", 5);
    hand_int(&h, "ai.usage.outputTokens", 3);
    hand_text(
        &h, "ai.response.providerMetadata",
        "{\"bedrock\":{\"usage\":{\"cacheReadInputTokens\":40,\"cacheWriteInputTokens\":2}}}");
    f = hand_read(&h);
    adds_up(&f->usage, 47, 3);
    hand_end(&h);
}

static void langfuse(hand *h, const char *usage, int64_t prompt, int64_t completion)
{
    hand_clear(h);
    h->scope.name = SW_STR("langfuse-sdk");
    hand_text(h, "langfuse.observation.type", "generation");
    hand_text(h, "langfuse.observation.usage_details", usage);
    adds_up(&hand_read(h)->usage, prompt, completion);
}

static void test_langfuse_usage(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    langfuse(&h, "{\"input\":10,\"output\":5,\"total\":15}", 10, 5);
    langfuse(&h, "{\"input\":10,\"output\":5,\"input_cached_tokens\":30,\"total\":45}", 40, 5);
    same_number(h.facts.usage.cached, 30);
    langfuse(&h, "{\"input\":40,\"output\":5,\"input_cached_tokens\":30,\"total\":45}", 40, 5);
    langfuse(&h,
             "{\"input\":10,\"output\":5,\"input_cache_read\":30,\"input_cache_creation\":2,"
             "\"output_reasoning_tokens\":7,\"total\":54}",
             42, 12);
    same_number(h.facts.usage.reasoning, 7);
    langfuse(&h, "{\"prompt_tokens\":11,\"completion_tokens\":6,\"total_tokens\":17}", 11, 6);
    /* Encoded twice. */
    langfuse(&h, "\"{\\\"input\\\":10,\\\"output\\\":5}\"", 10, 5);
    hand_end(&h);
}

static void test_other_documents(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_text(&h, "langsmith.usage_metadata",
              "{\"input_tokens\":100,\"output_tokens\":20,\"total_tokens\":120,"
              "\"input_token_details\":{\"cache_read\":70,\"cache_creation\":10},"
              "\"output_token_details\":{\"reasoning\":8}}");
    const span_facts *f = hand_read(&h);
    adds_up(&f->usage, 100, 20);
    same_number(f->usage.cached, 70);
    same_number(f->usage.written, 10);
    same_number(f->usage.reasoning, 8);
    hand_clear(&h);
    hand_json(&h, "[{\"key\":\"mlflow.chat.tokenUsage\",\"value\":{\"kvlistValue\":{\"values\":["
                  "{\"key\":\"input_tokens\",\"value\":{\"intValue\":\"12\"}},"
                  "{\"key\":\"output_tokens\",\"value\":{\"intValue\":3}},"
                  "{\"key\":\"cache_read_input_tokens\",\"value\":{\"intValue\":4}}]}}}]");
    f = hand_read(&h);
    adds_up(&f->usage, 12, 3);
    same_number(f->usage.cached, 4);
    hand_clear(&h);
    h.scope.name = SW_STR("gcp.vertex.agent");
    hand_text(
        &h, "gcp.vertex.agent.llm_response",
        "{\"content\":{\"parts\":[{\"text\":\"{\\\"input\\\":1}\"}]},\"usage_metadata\":{"
        "\"prompt_token_count\":100,\"cached_content_token_count\":60,"
        "\"candidates_token_count\":10,\"thoughts_token_count\":4,\"total_token_count\":114}}");
    f = hand_read(&h);
    adds_up(&f->usage, 100, 14);
    same_number(f->usage.cached, 60);
    hand_end(&h);
}

static void test_documents_that_are_none(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "[1,2]",
                                      "\"{\"",
                                      "null",
                                      "12",
                                      "{\"input\":-3}",
                                      "{\"input\":1e9}",
                                      "{\"input\":99999999999}"};
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(bad); i++) {
        hand_clear(&h);
        hand_text(&h, "langfuse.observation.usage_details", bad[i]);
        hand_text(&h, "ai.response.providerMetadata", bad[i]);
        hand_text(&h, "gcp.vertex.agent.llm_response", bad[i]);
        assert_int_equal(hand_read(&h)->usage.state, SW_USAGE_STATE_UNKNOWN);
    }
    hand_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_examples),
        cmocka_unit_test(test_each_rule_in_its_turn),
        cmocka_unit_test(test_no_cache_tokens_settle),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_contradictions_are_kept_and_marked),
        cmocka_unit_test(test_cache_writes_by_age),
        cmocka_unit_test(test_declared_by_scope),
        cmocka_unit_test(test_an_unversioned_scope_is_proved),
        cmocka_unit_test(test_native_usage_in_provider_metadata),
        cmocka_unit_test(test_langfuse_usage),
        cmocka_unit_test(test_other_documents),
        cmocka_unit_test(test_documents_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
