/* SPDX-License-Identifier: Apache-2.0 */
/* Which attribute fills which field: the mapping of the conventions (telemetry.md B.3, B.8, C, D), written out once
 * more from there; numbers however they are sent; what is put together.
 */
#include "hand.h"

/* ---- attribute to field ------------------------------------------------------------------------- */

typedef enum field {
    MODEL,
    PROMPT,
    COMPLETION,
    CACHED,
    WRITTEN,
    REASONING,
    REQUEST_ID,
    CONVERSATION,
    END_USER,
    AGENT,
    TIER,
    ENDPOINT,
    RUN,
    TTFT,
    WINDOW
} field;

static const struct {
    const char *scope;
    const char *key;
    field field;
} mapping[] = {
    /* B.3 and its deprecated names */
    {"", "gen_ai.request.model", MODEL},
    {"", "gen_ai.response.model", MODEL},
    {"", "gen_ai.response.id", REQUEST_ID},
    {"", "gen_ai.usage.input_tokens", PROMPT},
    {"", "gen_ai.usage.prompt_tokens", PROMPT},
    {"", "llm.usage.prompt_tokens", PROMPT},
    {"", "gen_ai.usage.output_tokens", COMPLETION},
    {"", "gen_ai.usage.completion_tokens", COMPLETION},
    {"", "llm.usage.completion_tokens", COMPLETION},
    {"", "gen_ai.usage.cache_read.input_tokens", CACHED},
    {"", "gen_ai.usage.cache_read_input_tokens", CACHED},
    {"", "gen_ai.usage.cache_read_tokens", CACHED},
    {"", "gen_ai.usage.details.cache_read_tokens", CACHED},
    {"", "gen_ai.usage.details.cache_read_input_tokens", CACHED},
    {"", "gen_ai.usage.input_cached_tokens", CACHED},
    {"", "gen_ai.usage.cache_creation.input_tokens", WRITTEN},
    {"", "gen_ai.usage.cache_creation_input_tokens", WRITTEN},
    {"", "gen_ai.usage.cache_write_tokens", WRITTEN},
    {"", "gen_ai.usage.cache_write.input_tokens", WRITTEN},
    {"", "gen_ai.usage.details.cache_write_tokens", WRITTEN},
    {"", "gen_ai.usage.details.cache_creation_input_tokens", WRITTEN},
    {"", "gen_ai.usage.input_cache_creation", WRITTEN},
    {"", "gen_ai.usage.reasoning.output_tokens", REASONING},
    {"", "gen_ai.usage.reasoning_tokens", REASONING},
    {"", "llm.usage.reasoning_tokens", REASONING},
    {"", "gen_ai.usage.thinking_tokens", REASONING},
    {"", "gen_ai.usage.details.reasoning_tokens", REASONING},
    {"", "gen_ai.conversation.id", CONVERSATION},
    {"", "gen_ai.agent.id", AGENT},
    {"", "gen_ai.agent.name", AGENT},
    {"", "openai.request.service_tier", TIER},
    {"", "openai.response.service_tier", TIER},
    {"", "gen_ai.openai.request.service_tier", TIER},
    {"", "gen_ai.openai.response.service_tier", TIER},
    {"", "gen_ai.openai.api_base", ENDPOINT},
    {"", "gen_ai.request.context_window", WINDOW},
    {"", "gen_ai.agent.call.id", RUN},
    /* C */
    {"", "llm.model_name", MODEL},
    {"", "llm.response.model_name", MODEL},
    {"", "llm.request.model_name", MODEL},
    {"", "llm.token_count.prompt", PROMPT},
    {"", "llm.token_count.completion", COMPLETION},
    {"", "llm.token_count.prompt_details.cache_read", CACHED},
    {"", "llm.token_count.prompt_details.cache_input", CACHED},
    {"", "llm.token_count.prompt_details.cache_write", WRITTEN},
    {"", "llm.token_count.completion_details.reasoning", REASONING},
    {"", "session.id", CONVERSATION},
    {"", "user.id", END_USER},
    {"", "agent.name", AGENT},
    /* D.1 */
    {"", "ai.model.id", MODEL},
    {"", "ai.response.model", MODEL},
    {"", "ai.response.id", REQUEST_ID},
    {"", "ai.usage.inputTokens", PROMPT},
    {"", "ai.usage.promptTokens", PROMPT},
    {"", "ai.usage.outputTokens", COMPLETION},
    {"", "ai.usage.completionTokens", COMPLETION},
    {"", "ai.usage.cachedInputTokens", CACHED},
    {"", "ai.usage.inputTokenDetails.cacheReadTokens", CACHED},
    {"", "ai.usage.inputTokenDetails.cacheWriteTokens", WRITTEN},
    {"", "ai.usage.outputTokenDetails.reasoningTokens", REASONING},
    {"", "ai.usage.reasoningTokens", REASONING},
    {"", "ai.telemetry.metadata.sessionId", CONVERSATION},
    {"", "ai.telemetry.metadata.userId", END_USER},
    /* D.2 */
    {"", "traceloop.association.properties.session_id", CONVERSATION},
    {"", "traceloop.association.properties.chat_id", CONVERSATION},
    {"", "traceloop.association.properties.thread_id", CONVERSATION},
    {"", "traceloop.association.properties.user_id", END_USER},
    /* D.3 to D.7 */
    {"", "langfuse.observation.model.name", MODEL},
    {"", "langfuse.session.id", CONVERSATION},
    {"", "langfuse.user.id", END_USER},
    {"", "langsmith.metadata.ls_model_name", MODEL},
    {"", "langsmith.metadata.session_id", CONVERSATION},
    {"", "langsmith.metadata.thread_id", CONVERSATION},
    {"", "langsmith.metadata.conversation_id", CONVERSATION},
    {"pydantic-ai", "agent_name", AGENT},
    {"", "mlflow.llm.model", MODEL},
    {"", "mlflow.trace.session", CONVERSATION},
    {"", "mlflow.trace.user", END_USER},
    {"", "gcp.vertex.agent.session_id", CONVERSATION},
    {"", "gcp.vertex.agent.invocation_id", RUN},
    /* F.1, F.2 */
    {"com.anthropic.claude_code", "model", MODEL},
    {"com.anthropic.claude_code", "input_tokens", PROMPT},
    {"com.anthropic.claude_code", "output_tokens", COMPLETION},
    {"com.anthropic.claude_code", "cache_read_tokens", CACHED},
    {"com.anthropic.claude_code", "cache_creation_tokens", WRITTEN},
    {"com.anthropic.claude_code", "request_id", REQUEST_ID},
    {"", "codex.usage.reasoning_output_tokens", REASONING},
};

static sw_int number_of(const span_facts *f, field which)
{
    switch (which) {
    case PROMPT:
        return f->usage.prompt;
    case COMPLETION:
        return f->usage.completion;
    case CACHED:
        return f->usage.cached;
    case WRITTEN:
        return f->usage.written;
    case REASONING:
        return f->usage.reasoning;
    case TTFT:
        return f->ttft_ns;
    case WINDOW:
        return f->context_window_limit;
    default:
        return SW_NULL_INT;
    }
}

static sw_str text_of(const span_facts *f, field which)
{
    switch (which) {
    case MODEL:
        return f->model;
    case REQUEST_ID:
        return f->request_id;
    case CONVERSATION:
        return f->conversation;
    case END_USER:
        return f->end_user;
    case AGENT:
        return f->agent_name;
    case TIER:
        return f->service_tier;
    case ENDPOINT:
        return f->model_endpoint;
    case RUN:
        return f->native_run;
    default:
        return SW_NULL_STR;
    }
}

static bool is_number(field which)
{
    return (which >= PROMPT && which <= REASONING) || which == TTFT || which == WINDOW;
}

static void check_number(hand *h, size_t i, otlp_value value)
{
    hand_clear(h);
    h->scope.name = sw_str_from(mapping[i].scope);
    hand_add(h, mapping[i].key, value);
    sw_int got = number_of(hand_read(h), mapping[i].field);
    if (!got.known || got.value != 12) {
        fail_msg("%s: %lld", mapping[i].key, (long long)got.value);
    }
}

/* As an integer, as a double, as digits. */
static void test_numbers(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(mapping); i++) {
        if (is_number(mapping[i].field)) {
            check_number(&h, i, (otlp_value){.kind = OTLP_INT, .as = {.integer = 12}});
            check_number(&h, i, (otlp_value){.kind = OTLP_DOUBLE, .as = {.real = 12.0}});
            check_number(&h, i, hand_string("12"));
        }
    }
    hand_end(&h);
}

static void test_texts(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(mapping); i++) {
        if (!is_number(mapping[i].field)) {
            hand_clear(&h);
            h.scope.name = sw_str_from(mapping[i].scope);
            hand_text(&h, mapping[i].key, "something");
            sw_str got = text_of(hand_read(&h), mapping[i].field);
            if (!sw_str_eq(got, SW_STR("something"))) {
                fail_msg("%s: %.*s", mapping[i].key, (int)got.len, got.ptr ? got.ptr : "");
            }
        }
    }
    hand_end(&h);
}

/* A project is not a conversation (D.4), and a thread of the operating system is none either. */
static void test_what_is_no_conversation(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_text(&h, "langsmith.trace.session_id", "a-project");
    hand_int(&h, "thread.id", 4711);
    is_null_text(hand_read(&h)->conversation);
    hand_end(&h);
}

/* ---- what is put together ----------------------------------------------------------------------- */

static void test_first_piece(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_double(&h, "gen_ai.response.time_to_first_chunk", 0.25);
    same_number(hand_read(&h)->ttft_ns, 250000000);
    hand_clear(&h);
    hand_text(&h, "gen_ai.client.operation.time_to_first_chunk", "1.5");
    same_number(hand_read(&h)->ttft_ns, 1500000000);
    hand_clear(&h);
    hand_double(&h, "ai.response.msToFirstChunk", 12.5);
    same_number(hand_read(&h)->ttft_ns, 12500000);
    hand_clear(&h);
    h.span.name = SW_STR("claude_code.llm_request");
    hand_int(&h, "ttft_ms", 900);
    same_number(hand_read(&h)->ttft_ns, 900000000);
    hand_clear(&h);
    (void)hand_event(&h, "ai.stream.firstChunk", h.span.start_ns + 77);
    same_number(hand_read(&h)->ttft_ns, 77);
    hand_clear(&h);
    /* The span starts at 2023-11-14T22:13:20Z. */
    hand_text(&h, "langfuse.observation.completion_start_time", "\"2023-11-14T22:13:20.500Z\"");
    same_number(hand_read(&h)->ttft_ns, 500000000);
    hand_clear(&h);
    (void)hand_event(&h, "ai.stream.firstChunk", h.span.start_ns - 1);
    assert_false(hand_read(&h)->ttft_ns.known);
    hand_end(&h);
}

static void endpoint(hand *h, const char *address, const char *port, const char *expected)
{
    hand_clear(h);
    hand_text(h, "server.address", address);
    if (port) {
        hand_text(h, "server.port", port);
    }
    same_text(hand_read(h)->model_endpoint, expected);
}

static void test_endpoint(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    endpoint(&h, "api.openai.com", NULL, "https://api.openai.com");
    endpoint(&h, "api.openai.com", "443", "https://api.openai.com:443");
    endpoint(&h, "localhost", "11434", "http://localhost:11434");
    endpoint(&h, "https://api.x.ai/v1?key=k", NULL, "https://api.x.ai/v1");
    hand_end(&h);
}

static void test_tags(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_json(&h, "[{\"key\":\"tag.tags\",\"value\":{\"arrayValue\":{\"values\":["
                  "{\"stringValue\":\"a\"},{\"stringValue\":\"b\"}]}}}]");
    hand_text(&h, "langfuse.trace.tags", "[\"b\",\"c\"]");
    hand_text(&h, "langsmith.span.tags", "d, e,,a");
    hand_text(&h, "ai.telemetry.metadata.tags", "[\"f\"]");
    hand_text(&h, "traceloop.association.properties.team", "red");
    hand_text(&h, "traceloop.association.properties.user_id", "u");
    hand_resource(&h, "deployment.environment.name", "prod");
    hand_text(&h, "langfuse.release", "r1");
    hand_text(&h, "langfuse.version", "v1");
    same_text(hand_read(&h)->tags, "[\"a\",\"b\",\"c\",\"f\",\"d\",\"e\",\"team:red\",\"env:prod\","
                                   "\"release:r1\",\"version:v1\"]");
    hand_clear(&h);
    is_null_text(hand_read(&h)->tags);
    is_null_text(h.facts.metadata);
    h.span.name = SW_STR("claude_code.llm_request");
    hand_text(&h, "query_source", "compact");
    same_text(hand_read(&h)->tags, "[\"auxiliary\"]");
    hand_end(&h);
}

static void test_metadata(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_double(&h, "gen_ai.request.temperature", 0.5);
    hand_int(&h, "gen_ai.request.max_tokens", 100);
    hand_text(&h, "metadata", "{\"x\":1}");
    hand_text(&h, "ai.telemetry.metadata.team", "red");
    hand_text(&h, "ai.telemetry.metadata.api_key", "sk-123");
    hand_resource(&h, "vcs.ref.head.name", "main");
    same_text(hand_read(&h)->metadata,
              "{\"temperature\":0.5,\"max_tokens\":100,\"branch\":\"main\",\"sender\":{\"x\":1},"
              "\"caller\":{\"team\":\"red\"}}");
    hand_end(&h);
}

static void test_agents(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_resource(&h, "service.name", "shop");
    hand_text(&h, "gen_ai.agent.name", "name");
    hand_text(&h, "gen_ai.agent.id", "id");
    const span_facts *f = hand_read(&h);
    same_text(f->agent_name, "id");
    same_text(f->service_name, "shop");
    /* An entity's name is an agent's only where the kind says so. */
    hand_clear(&h);
    hand_text(&h, "traceloop.entity.name", "planner");
    is_null_text(hand_read(&h)->agent_name);
    hand_text(&h, "traceloop.span.kind", "agent");
    same_text(hand_read(&h)->agent_name, "planner");
    hand_clear(&h);
    hand_text(&h, "gen_ai.operation.name", "invoke_agent");
    h.span.name = SW_STR("agent_run [router]");
    same_text(hand_read(&h)->agent_name, "router");
    hand_end(&h);
}

/* ---- tools -------------------------------------------------------------------------------------- */

static void test_tools(void **state)
{
    static const struct {
        const char *role_key, *role, *name, *id, *arguments, *result;
    } dialects[] = {
        {"gen_ai.operation.name", "execute_tool", "gen_ai.tool.name", "gen_ai.tool.call.id",
         "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"},
        {"gen_ai.operation.name", "execute_tool", "gen_ai.tool.name", "gen_ai.tool.call_id",
         "tool_arguments", "tool_response"},
        {"openinference.span.kind", "TOOL", "tool.name", "tool_call.id", "input.value",
         "output.value"},
        {"openinference.span.kind", "TOOL", "tool_call.function.name", "tool.id", "tool.parameters",
         "output.value"},
        {"ai.operationId", "ai.toolCall", "ai.toolCall.name", "ai.toolCall.id", "ai.toolCall.args",
         "ai.toolCall.result"},
        {"traceloop.span.kind", "tool", "traceloop.entity.name", "gen_ai.tool.call.id",
         "traceloop.entity.input", "traceloop.entity.output"},
        {"mcp.method.name", "tools/call", "gen_ai.tool.name", "gen_ai.tool.call.id",
         "mcp.request.argument", "mcp.response.value"},
        {"gen_ai.operation.name", "execute_tool", "gen_ai.tool.name", "gen_ai.tool.call.id",
         "gcp.vertex.agent.tool_call_args", "gcp.vertex.agent.tool_response"},
        {"genkit:metadata:subtype", "tool", "genkit:name", "gen_ai.tool.call.id", "genkit:input",
         "genkit:output"},
        {"langfuse.observation.type", "tool", "gen_ai.tool.name", "gen_ai.tool.call.id",
         "langfuse.observation.input", "langfuse.observation.output"},
        {"mlflow.spanType", "\"TOOL\"", "gen_ai.tool.name", "gen_ai.tool.call.id",
         "mlflow.spanInputs", "mlflow.spanOutputs"},
    };
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(dialects); i++) {
        hand_clear(&h);
        hand_text(&h, dialects[i].role_key, dialects[i].role);
        hand_text(&h, dialects[i].name, "search");
        hand_text(&h, dialects[i].id, "call_7");
        hand_text(&h, dialects[i].arguments, "{\"q\":\"x\"}");
        hand_text(&h, dialects[i].result, "found it");
        const span_facts *f = hand_read(&h);
        assert_int_equal(f->role, SPAN_TOOL);
        same_text(f->tool_name, "search");
        same_text(f->tool_call_id, "call_7");
        same_text(f->tool_arguments, "{\"q\":\"x\"}");
        same_text(f->tool_result, "found it");
        assert_false(f->tool_failed);
    }
    hand_clear(&h);
    h.span.name = SW_STR("execute_tool weather");
    h.span.status = OTLP_ERROR;
    hand_text(&h, "gen_ai.operation.name", "execute_tool");
    hand_text(&h, "gen_ai.tool.call.arguments", "not json");
    const span_facts *f = hand_read(&h);
    same_text(f->tool_name, "weather");
    same_text(f->tool_arguments, "\"not json\"");
    assert_true(f->tool_failed);
    hand_clear(&h);
    hand_text(&h, "gen_ai.operation.name", "execute_tool");
    hand_text(&h, "gen_ai.tool.call.arguments", "\"{\\\"q\\\":1}\"");
    same_text(hand_read(&h)->tool_arguments, "{\"q\":1}");
    hand_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_what_is_no_conversation),
        cmocka_unit_test(test_first_piece),
        cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_agents),
        cmocka_unit_test(test_tools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
