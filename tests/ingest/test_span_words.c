/* SPDX-License-Identifier: Apache-2.0 */
/* Words of others and what they mean here: how a call ended (telemetry.md B.7), who served it (B.4), and which
 * attributes are secrets. Every word of the specification stands here once more.
 */
#include "hand.h"

#include <ctype.h>
#include <stdio.h>

/* ---- finish words ------------------------------------------------------------------------------- */

typedef struct ended {
    const char *words; /* between blanks */
    const char *reason;
    sw_step_status status;
    bool calls;
    bool keeps;
} ended;

static const ended ends[] = {
    {"stop end_turn stop_sequence completed eos eos_token complete other", "end_turn",
     SW_STEP_STATUS_SUCCESS, false, false},
    {"tool_call tool_calls tool_use function_call tool-calls", NULL, SW_STEP_STATUS_SUCCESS, true,
     false},
    {"length max_tokens max_output_tokens incomplete", "max_tokens_exceeded",
     SW_STEP_STATUS_SUCCESS, false, false},
    {"model_context_window_exceeded context_length_exceeded", "max_tokens_exceeded",
     SW_STEP_STATUS_SUCCESS, false, false},
    {"content_filter safety recitation blocklist prohibited_content spii refusal", "end_turn",
     SW_STEP_STATUS_SUCCESS, false, true},
    {"malformed_function_call unexpected_tool_call", "invalid_tool_call", SW_STEP_STATUS_SUCCESS,
     false, false},
    {"error failed network_error", "llm_api_error", SW_STEP_STATUS_FAILED, false, false},
    {"cancelled canceled aborted abort interrupted", "cancelled", SW_STEP_STATUS_CANCELLED, false,
     false},
    {"pause_turn unknown", NULL, SW_STEP_STATUS_SUCCESS, false, false},
};

static void check_end(const ended *e, sw_str word, const char *plain)
{
    span_end end;
    if (!span_finish(word, &end)) {
        fail_msg("%.*s is no word", (int)word.len, word.ptr);
    }
    assert_int_equal(end.status, e->status);
    assert_true(end.calls_tools == e->calls);
    if (e->reason) {
        same_text(end.stop_reason, e->reason);
    } else {
        is_null_text(end.stop_reason);
    }
    if (e->keeps) {
        same_text(end.error_type, plain);
    } else {
        is_null_text(end.error_type);
    }
}

static void check_word(const ended *e, const char *word)
{
    char turned[64];
    size_t len = strlen(word);
    check_end(e, sw_str_from(word), word);
    for (size_t i = 0; i <= len; i++) {
        turned[i] = (char)(word[i] == '_' ? '-' : toupper((unsigned char)word[i]));
    }
    check_end(e, sw_str_from(turned), word);
}

static void test_every_word(void **state)
{
    span_end end;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(ends); i++) {
        char words[256];
        snprintf(words, sizeof words, "%s", ends[i].words);
        for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
            check_word(&ends[i], word);
        }
    }
    assert_false(span_finish(SW_STR("stopped"), &end));
    assert_false(span_finish(SW_STR(""), &end));
    assert_false(span_finish(SW_NULL_STR, &end));
}

/* As a list, as JSON in text, as a plain word, and under the old names. */
static void test_where_the_word_stands(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_json(&h, "[{\"key\":\"gen_ai.response.finish_reasons\",\"value\":{\"arrayValue\":{"
                  "\"values\":[{\"stringValue\":\"length\"},{\"stringValue\":\"tool_calls\"}]}}}]");
    const span_facts *f = hand_read(&h);
    same_text(f->end.stop_reason, "max_tokens_exceeded");
    assert_true(f->end.calls_tools);
    hand_clear(&h);
    hand_text(&h, "gen_ai.response.finish_reasons", "[\"STOP\"]");
    same_text(hand_read(&h)->end.stop_reason, "end_turn");
    hand_clear(&h);
    hand_text(&h, "ai.response.finishReason", "tool-calls");
    assert_true(hand_read(&h)->end.calls_tools);
    hand_clear(&h);
    hand_text(&h, "gen_ai.response.finish_reasons", "a new word");
    f = hand_read(&h);
    is_null_text(f->end.stop_reason);
    assert_int_equal(f->end.status, SW_STEP_STATUS_SUCCESS);
    hand_end(&h);
}

/* ---- errors ------------------------------------------------------------------------------------- */

static const struct {
    const char *type;
    const char *reason;
    sw_step_status status;
} errors[] = {
    {"timeout", "llm_api_error", SW_STEP_STATUS_FAILED},
    {"429", "llm_api_error", SW_STEP_STATUS_FAILED},
    {"_OTHER", "llm_api_error", SW_STEP_STATUS_FAILED},
    {"asyncio.exceptions.CancelledError", "cancelled", SW_STEP_STATUS_CANCELLED},
    {"CancelledError", "cancelled", SW_STEP_STATUS_CANCELLED},
    {"AbortError", "cancelled", SW_STEP_STATUS_CANCELLED},
    {"GeneratorExit", "cancelled", SW_STEP_STATUS_CANCELLED},
    {"context.Canceled", "cancelled", SW_STEP_STATUS_CANCELLED},
    {"NotCancelledError", "llm_api_error", SW_STEP_STATUS_FAILED},
    {"json.decoder.JSONDecodeError", "invalid_llm_response", SW_STEP_STATUS_FAILED},
    {"OutputParserException", "invalid_llm_response", SW_STEP_STATUS_FAILED},
    {"AI_TypeValidationError", "invalid_llm_response", SW_STEP_STATUS_FAILED},
    {"pydantic_ai.exceptions.UnexpectedModelBehavior", "invalid_llm_response",
     SW_STEP_STATUS_FAILED},
    {"AI_NoSuchToolError", "invalid_tool_call", SW_STEP_STATUS_FAILED},
    {"AI_InvalidToolInputError", "invalid_tool_call", SW_STEP_STATUS_FAILED},
    {"ToolRetryError", "invalid_tool_call", SW_STEP_STATUS_FAILED},
    {"agents.MaxTurnsExceeded", "max_steps", SW_STEP_STATUS_FAILED},
    {"UsageLimitExceeded", "max_steps", SW_STEP_STATUS_FAILED},
    {"GraphRecursionError", "max_steps", SW_STEP_STATUS_FAILED},
    {"MaxStepsExceeded", "max_steps", SW_STEP_STATUS_FAILED},
};

static void test_classes_of_errors(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(errors); i++) {
        hand_clear(&h);
        hand_text(&h, "error.type", errors[i].type);
        hand_text(&h, "gen_ai.response.finish_reasons", "stop");
        const span_facts *f = hand_read(&h);
        same_text(f->end.error_type, errors[i].type);
        same_text(f->end.stop_reason, errors[i].reason);
        assert_int_equal(f->end.status, errors[i].status);
    }
    hand_end(&h);
}

static void test_signs_of_failure(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    assert_int_equal(hand_read(&h)->end.status, SW_STEP_STATUS_SUCCESS);
    h.span.status = OTLP_ERROR;
    const span_facts *f = hand_read(&h);
    assert_int_equal(f->end.status, SW_STEP_STATUS_FAILED);
    same_text(f->end.stop_reason, "llm_api_error");
    is_null_text(f->end.error_type);
    is_null_text(f->end.error_data);
    hand_text(&h, "gen_ai.response.finish_reasons", "unknown");
    same_text(hand_read(&h)->end.stop_reason, "llm_api_error");
    hand_clear(&h);
    hand_text(&h, "langfuse.observation.level", "ERROR");
    hand_text(&h, "langfuse.observation.status_message", "no more quota");
    f = hand_read(&h);
    assert_int_equal(f->end.status, SW_STEP_STATUS_FAILED);
    same_text(f->end.error_data, "{\"message\":\"no more quota\"}");
    hand_clear(&h);
    hand_text(&h, "langfuse.observation.level", "WARNING");
    assert_int_equal(hand_read(&h)->end.status, SW_STEP_STATUS_SUCCESS);
    hand_end(&h);
}

static void test_exception_events(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    otlp_event *first = hand_event(&h, "exception", 1);
    otlp_event *last = hand_event(&h, "exception", 2);
    (void)hand_event(&h, "other", 3);
    hand_event_text(&h, first, "exception.type", "First");
    hand_event_text(&h, last, "exception.type", "openai.BadRequestError");
    hand_event_text(&h, last, "exception.message", "no \"max_tokens\"");
    hand_event_text(&h, last, "exception.stacktrace", "line 1\nline 2");
    hand_int(&h, "http.response.status_code", 400);
    hand_int(&h, "http.request.resend_count", 2);
    const span_facts *f = hand_read(&h);
    assert_int_equal(f->end.status, SW_STEP_STATUS_FAILED);
    same_text(f->end.error_type, "openai.BadRequestError");
    same_text(f->end.error_data,
              "{\"message\":\"no \\\"max_tokens\\\"\",\"traceback\":\"line 1\\nline 2\","
              "\"details\":{\"status_code\":400,\"attempt\":2}}");
    /* The span's own words go before the event's. */
    hand_text(&h, "error.type", "invalid_request");
    h.span.status_message = SW_STR("bad request");
    f = hand_read(&h);
    same_text(f->end.error_type, "invalid_request");
    assert_true(sw_str_contains_nocase(f->end.error_data, SW_STR("\"message\":\"bad request\"")));
    hand_end(&h);
}

static void test_a_window_that_is_too_small(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_text(&h, "error.type", "context_length_exceeded");
    h.span.status_message = SW_STR("maximum context length is 8192 tokens");
    same_text(hand_read(&h)->end.stop_reason, "max_tokens_exceeded");
    h.span.status_message = SW_STR("the system prompt alone exceeds the context length");
    same_text(hand_read(&h)->end.stop_reason, "context_window_overflow_in_system_prompt");
    hand_end(&h);
}

static void test_a_tool_that_waits_for_a_yes(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    h.scope.name = SW_STR("pydantic-ai");
    hand_text(&h, "gen_ai.operation.name", "execute_tool");
    hand_text(&h, "pydantic_ai.tool.deferral.name", "ApprovalRequired");
    h.span.status = OTLP_ERROR;
    const span_facts *f = hand_read(&h);
    same_text(f->end.stop_reason, "requires_approval");
    assert_false(f->tool_failed);
    hand_end(&h);
}

/* ---- providers ---------------------------------------------------------------------------------- */

static const struct {
    const char *sent;
    const char *kept;
} providers[] = {
    {"openai", "openai"},
    {"OpenAI", "openai"},
    {"azure.ai.openai", "azure.ai.openai"},
    {"azure.ai.inference", "azure.ai.inference"},
    {"anthropic", "anthropic"},
    {"Anthropic", "anthropic"},
    {"aws.bedrock", "aws.bedrock"},
    {"gcp.gemini", "gcp.gemini"},
    {"gcp.vertex_ai", "gcp.vertex_ai"},
    {"gcp.gen_ai", "gcp.gen_ai"},
    {"cohere", "cohere"},
    {"deepseek", "deepseek"},
    {"groq", "groq"},
    {"ibm.watsonx.ai", "ibm.watsonx.ai"},
    {"mistral_ai", "mistral_ai"},
    {"perplexity", "perplexity"},
    {"x_ai", "x_ai"},
    {"moonshot_ai", "moonshot_ai"},
    {"az.ai.openai", "azure.ai.openai"},
    {"az.ai.inference", "azure.ai.inference"},
    {"vertex_ai", "gcp.vertex_ai"},
    {"vertexai", "gcp.vertex_ai"},
    {"VertexAI", "gcp.vertex_ai"},
    {"gemini", "gcp.gemini"},
    {"google", "gcp.gemini"},
    {"google_generativeai", "gcp.gemini"},
    {"google_genai", "gcp.gemini"},
    {"google-genai", "gcp.gemini"},
    {"xai", "x_ai"},
    {"mistralai", "mistral_ai"},
    {"MistralAI", "mistral_ai"},
    {"mistral", "mistral_ai"},
    {"bedrock", "aws.bedrock"},
    {"aws", "aws.bedrock"},
    {"amazon", "aws.bedrock"},
    {"amazon_bedrock", "aws.bedrock"},
    {"amazon-bedrock", "aws.bedrock"},
    {"azure", "azure.ai.openai"},
    {"watsonx", "ibm.watsonx.ai"},
    {"moonshot", "moonshot_ai"},
    {"ollama", "ollama"},
    {"openrouter", "openrouter"},
    {"together_ai", "together_ai"},
    {"together", "together"},
    {"fireworks", "fireworks"},
    {"replicate", "replicate"},
    {"hugging_face", "hugging_face"},
    {"aleph_alpha", "aleph_alpha"},
    {"cerebras", "cerebras"},
    {"meta", "meta"},
    {"ai21", "ai21"},
    {"openai.chat", "openai"},
    {"openai.responses", "openai"},
    {"anthropic.messages", "anthropic"},
    {"google.generative-ai", "gcp.gemini"},
    {"google.vertex.chat", "gcp.vertex_ai"},
    {"lmstudio.chat", "lmstudio"},
    {"house.model", "house.model"},
};

static const struct {
    const char *model;
    const char *provider; /* NULL: nobody knows */
} models[] = {
    {"claude-opus-4-5", "anthropic"},
    {"gpt-4o", "openai"},
    {"o1-mini", "openai"},
    {"o3", "openai"},
    {"o4-mini", "openai"},
    {"chatgpt-4o-latest", "openai"},
    {"codex-mini", "openai"},
    {"gemini-2.5-pro", "gcp.gemini"},
    {"grok-4", "x_ai"},
    {"mistral-large", "mistral_ai"},
    {"codestral-latest", "mistral_ai"},
    {"ministral-8b", "mistral_ai"},
    {"deepseek-chat", "deepseek"},
    {"command-r", "cohere"},
    {"llama-3", NULL},
    {"", NULL},
};

static void test_providers(void **state)
{
    sw_arena arena;
    (void)state;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    for (size_t i = 0; i < SW_COUNT(providers); i++) {
        same_text(span_provider(sw_str_from(providers[i].sent), SW_NULL_STR, &arena),
                  providers[i].kept);
    }
    static const char *const nobody[] = {"", "langchain", "CrewAI", "gcp.vertex.agent"};
    for (size_t i = 0; i < SW_COUNT(models); i++) {
        for (size_t j = 0; j < SW_COUNT(nobody); j++) {
            sw_str got =
                span_provider(sw_str_from(nobody[j]), sw_str_from(models[i].model), &arena);
            if (models[i].provider) {
                same_text(got, models[i].provider);
            } else {
                is_null_text(got);
            }
        }
    }
    sw_arena_fini(&arena);
}

/* A framework is no provider: the next source is asked, then the model. */
static void test_frameworks_are_passed_over(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_text(&h, "gen_ai.system", "Langchain");
    hand_text(&h, "langsmith.metadata.ls_provider", "google_genai");
    hand_text(&h, "gen_ai.request.model", "claude-sonnet-4-5");
    same_text(hand_read(&h)->provider_name, "gcp.gemini");
    hand_clear(&h);
    hand_text(&h, "gen_ai.system", "gcp.vertex.agent");
    hand_text(&h, "gen_ai.request.model", "gemini-2.5-flash");
    same_text(hand_read(&h)->provider_name, "gcp.gemini");
    hand_clear(&h);
    hand_text(&h, "llm.system", "anthropic");
    hand_text(&h, "llm.provider", "aws");
    same_text(hand_read(&h)->provider_name, "aws.bedrock");
    hand_clear(&h);
    hand_text(&h, "mlflow.llm.provider", "\"openai\"");
    same_text(hand_read(&h)->provider_name, "openai");
    hand_end(&h);
}

/* ---- secrets ------------------------------------------------------------------------------------ */

static void test_secrets(void **state)
{
    static const char *const secret[] = {
        "llm.headers",
        "gen_ai.headers",
        "langsmith.request.headers",
        "ai.request.headers",
        "ai.request.headers.authorization",
        "ai.request.headers.x-api-key",
        "ai.request.headers.cookie",
        "ai.request.headers.X-API-Key",
        "http.request.header.authorization",
        "http.request.header.x_api_key",
        "http.request.header.cookie",
        "http.response.header.set-cookie",
        "Authorization",
    };
    static const char *const plain[] = {
        "ai.request.headers.user-agent",
        "gen_ai.usage.input_tokens",
        "llm.headers.count",
        "gen_ai.request.model",
        "http.request.header.accept",
        "authorization.note",
        "",
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(secret); i++) {
        if (!span_is_secret(NULL, sw_str_from(secret[i]))) {
            fail_msg("%s would be stored", secret[i]);
        }
    }
    for (size_t i = 0; i < SW_COUNT(plain); i++) {
        assert_false(span_is_secret(NULL, sw_str_from(plain[i])));
    }
}

/* What RFC 3986 and OpenTelemetry's conventions for URLs say of where a secret stands. */
static void test_addresses(void **state)
{
    static const char *const cases[][2] = {
        {"https://a.example/v1/chat?model=m", "https://a.example/v1/chat?model=m"},
        {"https://a.example/v1?key=sk-1&alt=sse", "https://a.example/v1?key=REDACTED&alt=sse"},
        {"https://a.example/v1?alt=sse&API-Key=sk-1",
         "https://a.example/v1?alt=sse&API-Key=REDACTED"},
        {"https://u:p@a.example:8443/x@y", "https://REDACTED@a.example:8443/x@y"},
        {"https://u:p@q@a.example?sig=z#access_token=t",
         "https://REDACTED@a.example?sig=REDACTED#access_token=REDACTED"},
        {"key=sk-1&q=key=2", "key=REDACTED&q=key=2"},
        {"/v1/x?token=", "/v1/x?token="},
        {"?max_tokens=5&tokens=6&monkey=7", "?max_tokens=5&tokens=6&monkey=7"},
        {"Server=s;Uid=u;Pwd=p;Database=d", "Server=s;Uid=u;Pwd=REDACTED;Database=d"},
        {"redis://:p@h/0 redis://:q@i/0", "redis://REDACTED@h/0 redis://REDACTED@i/0"},
        {"mailto:a@b.example", "mailto:a@b.example"},
        {"://", "://"},
        {"key=", "key="},
        {"", ""},
    };
    sw_arena arena;

    (void)state;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_str is = span_cut_address(sw_str_from(cases[i][0]), &arena);
        if (!sw_str_eq(is, sw_str_from(cases[i][1]))) {
            fail_msg("%s is stored as %.*s", cases[i][0], (int)is.len, is.ptr);
        }
    }
    sw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_word),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_where_the_word_stands),
        cmocka_unit_test(test_classes_of_errors),
        cmocka_unit_test(test_signs_of_failure),
        cmocka_unit_test(test_exception_events),
        cmocka_unit_test(test_a_window_that_is_too_small),
        cmocka_unit_test(test_a_tool_that_waits_for_a_yes),
        cmocka_unit_test(test_providers),
        cmocka_unit_test(test_frameworks_are_passed_over),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
