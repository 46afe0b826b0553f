/* SPDX-License-Identifier: Apache-2.0 */
/* The role of a span, for every word the conventions have, and which of them decides when several are on one span
 * (telemetry.md B.2, C, D, E.1). The expected roles are written out from there.
 */
#include "hand.h"

typedef struct word {
    const char *key;
    const char *value;
    span_role role;
} word;

static const word words[] = {
    {"langfuse.observation.type", "generation", SPAN_LLM},
    {"langfuse.observation.type", "tool", SPAN_TOOL},
    {"langfuse.observation.type", "agent", SPAN_AGENT},
    {"langfuse.observation.type", "span", SPAN_WRAPPER},
    {"langfuse.observation.type", "event", SPAN_WRAPPER},
    {"langfuse.observation.type", "chain", SPAN_WRAPPER},
    {"langfuse.observation.type", "guardrail", SPAN_WRAPPER},
    {"langfuse.observation.type", "evaluator", SPAN_WRAPPER},
    {"langfuse.observation.type", "retriever", SPAN_RETRIEVAL},
    {"langfuse.observation.type", "embedding", SPAN_EMBEDDING},
    {"openinference.span.kind", "LLM", SPAN_LLM},
    {"openinference.span.kind", "TOOL", SPAN_TOOL},
    {"openinference.span.kind", "AGENT", SPAN_AGENT},
    {"openinference.span.kind", "CHAIN", SPAN_WRAPPER},
    {"openinference.span.kind", "EMBEDDING", SPAN_EMBEDDING},
    {"openinference.span.kind", "RETRIEVER", SPAN_RETRIEVAL},
    {"openinference.span.kind", "RERANKER", SPAN_RETRIEVAL},
    {"openinference.span.kind", "GUARDRAIL", SPAN_OTHER},
    {"openinference.span.kind", "EVALUATOR", SPAN_OTHER},
    {"openinference.span.kind", "PROMPT", SPAN_OTHER},
    {"openinference.span.kind", "UNKNOWN", SPAN_OTHER},
    {"mlflow.spanType", "\"CHAT_MODEL\"", SPAN_LLM},
    {"mlflow.spanType", "LLM", SPAN_LLM},
    {"mlflow.spanType", "\"TOOL\"", SPAN_TOOL},
    {"mlflow.spanType", "AGENT", SPAN_AGENT},
    {"mlflow.spanType", "WORKFLOW", SPAN_WORKFLOW},
    {"mlflow.spanType", "CHAIN", SPAN_WRAPPER},
    {"mlflow.spanType", "TASK", SPAN_WRAPPER},
    {"mlflow.spanType", "RETRIEVER", SPAN_RETRIEVAL},
    {"mlflow.spanType", "RERANKER", SPAN_RETRIEVAL},
    {"mlflow.spanType", "EMBEDDING", SPAN_EMBEDDING},
    {"mlflow.spanType", "PARSER", SPAN_OTHER},
    {"mlflow.spanType", "MEMORY", SPAN_OTHER},
    {"mlflow.spanType", "EVALUATOR", SPAN_OTHER},
    {"mlflow.spanType", "GUARDRAIL", SPAN_OTHER},
    {"mlflow.spanType", "UNKNOWN", SPAN_OTHER},
    {"langsmith.span.kind", "llm", SPAN_LLM},
    {"langsmith.span.kind", "tool", SPAN_TOOL},
    {"langsmith.span.kind", "chain", SPAN_WRAPPER},
    {"langsmith.span.kind", "retriever", SPAN_RETRIEVAL},
    {"langsmith.span.kind", "embedding", SPAN_EMBEDDING},
    {"langsmith.span.kind", "prompt", SPAN_OTHER},
    {"langsmith.span.kind", "parser", SPAN_OTHER},
    {"genkit:metadata:subtype", "model", SPAN_LLM},
    {"genkit:metadata:subtype", "background-model", SPAN_LLM},
    {"genkit:metadata:subtype", "tool", SPAN_TOOL},
    {"genkit:metadata:subtype", "tool.v2", SPAN_TOOL},
    {"genkit:metadata:subtype", "retriever", SPAN_RETRIEVAL},
    {"genkit:metadata:subtype", "embedder", SPAN_EMBEDDING},
    {"genkit:metadata:subtype", "evaluator", SPAN_OTHER},
    {"gen_ai.operation.name", "chat", SPAN_LLM},
    {"gen_ai.operation.name", "generate_content", SPAN_LLM},
    {"gen_ai.operation.name", "text_completion", SPAN_LLM},
    {"gen_ai.operation.name", "completion", SPAN_LLM},
    {"gen_ai.operation.name", "generate", SPAN_LLM},
    {"gen_ai.operation.name", "response", SPAN_LLM},
    {"gen_ai.operation.name", "embeddings", SPAN_EMBEDDING},
    {"gen_ai.operation.name", "retrieval", SPAN_RETRIEVAL},
    {"gen_ai.operation.name", "rerank", SPAN_RETRIEVAL},
    {"gen_ai.operation.name", "execute_tool", SPAN_TOOL},
    {"gen_ai.operation.name", "create_agent", SPAN_OTHER},
    {"gen_ai.operation.name", "invoke_agent", SPAN_AGENT},
    {"gen_ai.operation.name", "invoke_workflow", SPAN_WORKFLOW},
    {"gen_ai.operation.name", "plan", SPAN_OTHER},
    {"gen_ai.operation.name", "agent_step", SPAN_WRAPPER},
    {"ai.operationId", "ai.generateText", SPAN_AGENT},
    {"ai.operationId", "ai.streamText", SPAN_AGENT},
    {"ai.operationId", "ai.generateObject", SPAN_AGENT},
    {"ai.operationId", "ai.streamObject", SPAN_AGENT},
    {"ai.operationId", "ai.generateText.doGenerate", SPAN_LLM},
    {"ai.operationId", "ai.streamText.doStream", SPAN_LLM},
    {"ai.operationId", "ai.generateObject.doGenerate", SPAN_LLM},
    {"ai.operationId", "ai.streamObject.doStream", SPAN_LLM},
    {"ai.operationId", "ai.toolCall", SPAN_TOOL},
    {"ai.operationId", "ai.embed", SPAN_EMBEDDING},
    {"ai.operationId", "ai.embedMany.doEmbed", SPAN_EMBEDDING},
    {"ai.operationId", "ai.rerank", SPAN_RETRIEVAL},
    {"operation.name", "ai.streamText.doStream my-function", SPAN_LLM},
    {"operation.name", "something else", SPAN_OTHER},
    {"traceloop.span.kind", "workflow", SPAN_WORKFLOW},
    {"traceloop.span.kind", "agent", SPAN_AGENT},
    {"traceloop.span.kind", "tool", SPAN_TOOL},
    {"traceloop.span.kind", "task", SPAN_WRAPPER},
    {"traceloop.span.kind", "unknown", SPAN_OTHER},
    {"llm.request.type", "chat", SPAN_LLM},
    {"llm.request.type", "completion", SPAN_LLM},
    {"llm.request.type", "embedding", SPAN_EMBEDDING},
    {"llm.request.type", "rerank", SPAN_RETRIEVAL},
    {"gen_ai.tool.name", "search", SPAN_TOOL},
    {"gen_ai.tool.call.id", "call_1", SPAN_TOOL},
    {"mcp.method.name", "tools/call", SPAN_TOOL},
    {"mcp.method.name", "tools/list", SPAN_OTHER},
    {"logfire.span_type", "pending_span", SPAN_DROP},
    {"logfire.span_type", "span", SPAN_OTHER},
    {"gen_ai.request.model", "gpt-5", SPAN_OTHER},
};

static void test_each_word(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(words); i++) {
        hand_clear(&h);
        hand_text(&h, words[i].key, words[i].value);
        span_role role = hand_read(&h)->role;
        if (role != words[i].role) {
            fail_msg("%s=%s: %d", words[i].key, words[i].value, role);
        }
    }
    hand_end(&h);
}

/* Each with the words of all conventions that are asked later, which all say something else. */
static void test_which_of_several_decides(void **state)
{
    static const struct {
        const char *key;
        const char *llm;
        const char *tool;
    } order[] = {
        {"langfuse.observation.type", "generation", "tool"},
        {"openinference.span.kind", "LLM", "TOOL"},
        {"mlflow.spanType", "LLM", "TOOL"},
        {"langsmith.span.kind", "llm", "tool"},
        {"genkit:metadata:subtype", "model", "tool"},
        {"gen_ai.operation.name", "chat", "execute_tool"},
        {"ai.operationId", "ai.streamText.doStream", "ai.toolCall"},
        {"traceloop.span.kind", "agent", "tool"},
    };
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(order); i++) {
        for (int turned = 0; turned < 2; turned++) {
            hand_clear(&h);
            for (size_t j = i + 1; j < SW_COUNT(order); j++) {
                hand_text(&h, order[j].key, turned ? order[j].llm : order[j].tool);
            }
            hand_text(&h, order[i].key, turned ? order[i].tool : order[i].llm);
            span_role role = hand_read(&h)->role;
            bool last = i + 1 == SW_COUNT(order);
            assert_int_equal(role, turned ? SPAN_TOOL : last ? SPAN_AGENT : SPAN_LLM);
        }
    }
    hand_end(&h);
}

static void test_an_entity_that_is_a_request(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_text(&h, "traceloop.span.kind", "task");
    hand_text(&h, "llm.request.type", "chat");
    assert_int_equal(hand_read(&h)->role, SPAN_LLM);
    hand_clear(&h);
    hand_text(&h, "traceloop.span.kind", "agent");
    hand_text(&h, "gen_ai.request.model", "gpt-4o");
    hand_int(&h, "gen_ai.usage.completion_tokens", 3);
    assert_int_equal(hand_read(&h)->role, SPAN_LLM);
    hand_end(&h);
}

static void test_langfuse_generations_called_spans(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_text(&h, "langfuse.observation.type", "span");
    hand_text(&h, "langfuse.observation.model.name", "gpt-4o");
    assert_int_equal(hand_read(&h)->role, SPAN_LLM);
    hand_clear(&h);
    hand_text(&h, "langfuse.observation.type", "span");
    hand_text(&h, "langfuse.observation.usage_details", "{\"input\":1}");
    assert_int_equal(hand_read(&h)->role, SPAN_LLM);
    hand_end(&h);
}

static void test_by_content(void **state)
{
    static const char *const models[] = {"gen_ai.request.model", "gen_ai.response.model",
                                         "llm.model_name"};
    static const char *const outputs[] = {"gen_ai.output.messages", "gen_ai.completion.0.content",
                                          "llm.output_messages.0.message.content"};
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(models); i++) {
        hand_clear(&h);
        hand_text(&h, models[i], "m");
        hand_int(&h, "gen_ai.usage.output_tokens", 4);
        assert_int_equal(hand_read(&h)->role, SPAN_LLM);
        hand_clear(&h);
        hand_text(&h, models[i], "m");
        hand_text(&h, outputs[i], "hello");
        assert_int_equal(hand_read(&h)->role, SPAN_LLM);
    }
    hand_clear(&h);
    hand_int(&h, "gen_ai.usage.output_tokens", 4);
    assert_int_equal(hand_read(&h)->role, SPAN_OTHER);
    hand_end(&h);
}

static void test_by_name(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    h.span.name = SW_STR("chat gpt-5");
    assert_int_equal(hand_read(&h)->role, SPAN_OTHER);
    hand_text(&h, "gen_ai.request.model", "gpt-5");
    assert_int_equal(hand_read(&h)->role, SPAN_LLM);
    h.span.name = SW_STR("invoke_agent Router");
    assert_int_equal(hand_read(&h)->role, SPAN_AGENT);
    same_text(h.facts.agent_name, "Router");
    hand_end(&h);
}

static void test_http(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_text(&h, "http.request.method", "POST");
    hand_text(&h, "url.full", "https://me:pw@api.openai.com/v1/chat?key=secret#x");
    hand_text(&h, "server.address", "api.openai.com");
    hand_int(&h, "http.response.status_code", 429);
    h.span.span_kind = 3;
    const span_facts *f = hand_read(&h);
    assert_int_equal(f->role, SPAN_HTTP);
    same_text(f->model_endpoint, "https://api.openai.com/v1/chat");
    same_number(f->http_status, 429);
    h.span.span_kind = 2;
    assert_int_equal(hand_read(&h)->role, SPAN_OTHER);
    hand_end(&h);
}

/* ---- coding agents ------------------------------------------------------------------------------ */

static void test_claude_code(void **state)
{
    static const word names[] = {
        {"", "claude_code.interaction", SPAN_AGENT},
        {"", "claude_code.llm_request", SPAN_LLM},
        {"", "claude_code.tool", SPAN_TOOL},
        {"", "claude_code.tool.execution", SPAN_OTHER},
        {"", "claude_code.tool.blocked_on_user", SPAN_OTHER},
        {"", "claude_code.hook", SPAN_OTHER},
    };
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(names); i++) {
        hand_clear(&h);
        h.span.name = sw_str_from(names[i].value);
        const span_facts *f = hand_read(&h);
        assert_int_equal(f->role, names[i].role);
        assert_int_equal(f->dialect, SPAN_DIALECT_CLAUDE_CODE);
        assert_true(f->tool_waited == (f->role == SPAN_TOOL));
        hand_clear(&h);
        hand_resource(&h, "service.name", "claude-code");
        hand_text(&h, "span.type", names[i].value + strlen("claude_code."));
        assert_int_equal(hand_read(&h)->role, names[i].role);
    }
    hand_end(&h);
}

static void test_codex(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_resource(&h, "service.name", "codex_cli_rs");
    h.span.name = SW_STR("session_task.turn");
    assert_int_equal(hand_read(&h)->role, SPAN_AGENT);
    h.span.name = SW_STR("completed");
    assert_int_equal(hand_read(&h)->role, SPAN_OTHER);
    hand_int(&h, "gen_ai.usage.input_tokens", 1000);
    assert_int_equal(hand_read(&h)->role, SPAN_OTHER);
    hand_int(&h, "codex.usage.total_tokens", 1125);
    assert_int_equal(hand_read(&h)->role, SPAN_LLM);
    assert_int_equal(h.facts.dialect, SPAN_DIALECT_CODEX);
    /* Told by an attribute, without the service. */
    hand_clear(&h);
    hand_int(&h, "codex.turn.token_usage.total_tokens", 5);
    assert_int_equal(hand_read(&h)->role, SPAN_AGENT);
    assert_int_equal(h.facts.dialect, SPAN_DIALECT_CODEX);
    hand_end(&h);
}

static void test_gemini_cli(void **state)
{
    static const word operations[] = {
        {"", "llm_call", SPAN_LLM},          {"", "tool_call", SPAN_TOOL},
        {"", "agent_call", SPAN_AGENT},      {"", "user_prompt", SPAN_AGENT},
        {"", "system_prompt", SPAN_WRAPPER}, {"", "schedule_tool_calls", SPAN_WRAPPER},
    };
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(operations); i++) {
        hand_clear(&h);
        h.scope.name = SW_STR("gemini-cli");
        hand_text(&h, "gen_ai.operation.name", operations[i].value);
        assert_int_equal(hand_read(&h)->role, operations[i].role);
        h.scope.name = SW_STR("someone.else");
        assert_int_equal(hand_read(&h)->role, SPAN_OTHER);
    }
    hand_end(&h);
}

/* ---- dialects ----------------------------------------------------------------------------------- */

static void test_dialects(void **state)
{
    static const struct {
        const char *scope;
        const char *key;
        span_dialect dialect;
    } cases[] = {
        {"langfuse-sdk", NULL, SPAN_DIALECT_LANGFUSE},
        {"openinference.instrumentation.openai", NULL, SPAN_DIALECT_OPENINFERENCE},
        {"@arizeai/openinference-instrumentation-openai", NULL, SPAN_DIALECT_OPENINFERENCE},
        {"ai", NULL, SPAN_DIALECT_AI_SDK},
        {"gen_ai", NULL, SPAN_DIALECT_AI_SDK},
        {"opentelemetry.instrumentation.anthropic", NULL, SPAN_DIALECT_OPENLLMETRY},
        {"opentelemetry.instrumentation.openai_v2", NULL, SPAN_DIALECT_GENAI},
        {"@traceloop/instrumentation-openai", NULL, SPAN_DIALECT_OPENLLMETRY},
        {"langsmith", NULL, SPAN_DIALECT_LANGSMITH},
        {"pydantic-ai", NULL, SPAN_DIALECT_PYDANTIC_AI},
        {"gcp.vertex.agent", NULL, SPAN_DIALECT_ADK},
        {"x", "openinference.span.kind", SPAN_DIALECT_OPENINFERENCE},
        {"x", "langfuse.observation.type", SPAN_DIALECT_LANGFUSE},
        {"x", "mlflow.spanType", SPAN_DIALECT_MLFLOW},
        {"x", "langsmith.span.kind", SPAN_DIALECT_LANGSMITH},
        {"x", "genkit:metadata:subtype", SPAN_DIALECT_GENKIT},
        {"x", "llm.request.type", SPAN_DIALECT_OPENLLMETRY},
        {"x", "gen_ai.operation.name", SPAN_DIALECT_GENAI},
    };
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        hand_clear(&h);
        h.scope.name = sw_str_from(cases[i].scope);
        if (cases[i].key) {
            hand_text(&h, cases[i].key, "x");
        }
        if (hand_read(&h)->dialect != cases[i].dialect) {
            fail_msg("%s %s: %d", cases[i].scope, cases[i].key, h.facts.dialect);
        }
    }
    hand_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_word),
        cmocka_unit_test(test_which_of_several_decides),
        cmocka_unit_test(test_an_entity_that_is_a_request),
        cmocka_unit_test(test_langfuse_generations_called_spans),
        cmocka_unit_test(test_by_content),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_http),
        cmocka_unit_test(test_claude_code),
        cmocka_unit_test(test_codex),
        cmocka_unit_test(test_gemini_cli),
        cmocka_unit_test(test_dialects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
