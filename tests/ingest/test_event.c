/* SPDX-License-Identifier: Apache-2.0 */
/* Coding agents' log records become steps and runs (telemetry.md F); records of the GenAI conventions join their
 * spans (E.5). Records are written as OTLP/JSON, as agents send them; expectations are the specification's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/ingest/told.h"

/* ---- Claude Code ------------------------------------------------------------------------------------------- */

#define CC "claude-code"
#define PROMPT "\"session.id\":\"s1\",\"prompt.id\":\"p1\""

/* Counts are exclusive and may come as text; the id is that of F.1 and E.6; the tool's time is its own. */
static void claude_requests_are_steps(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, CC, "claude_code.user_prompt", 0,
                PROMPT ",\"event.name\":\"user_prompt\",\"event.sequence\":1,\"prompt\":\"do it\"");
    told_record(
        &s, CC, "claude_code.api_request", 10,
        PROMPT
        ",\"event.name\":\"api_request\",\"event.sequence\":2,\"model\":\"claude-sonnet-4-5\",\"request_id\":\"req_1\","
        "\"input_tokens\":\"2\",\"cache_read_tokens\":61608,\"cache_creation_tokens\":974,\"output_tokens\":211,\"duration_ms\":\"4000\"");
    told_record(
        &s, CC, "claude_code.tool_result", 15,
        PROMPT
        ",\"event.name\":\"tool_result\",\"event.sequence\":3,\"tool_name\":\"Bash\",\"tool_use_id\":\"t1\",\"success\":\"true\",\"duration_ms\":3000");
    told_record(
        &s, CC, "claude_code.assistant_response", 10,
        PROMPT
        ",\"event.name\":\"assistant_response\",\"event.sequence\":4,\"request_id\":\"req_1\",\"response\":\"I shall\"");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 1);
    told_counts(told_step(&s, 0), 62584, 211, 61608, 974);
    told_text(told_step(&s, 0)->entry.step.model, "claude-sonnet-4-5");
    told_text(told_step(&s, 0)->entry.step.provider_name, "anthropic");
    told_text(told_step(&s, 0)->entry.step.origin, "otel:claude-code");
    told_text(told_step(&s, 0)->entry.step.conversation_id, "s1");
    assert_null(told_step(&s, 0)->entry.step.trace_id.ptr);
    assert_int_equal(told_step(&s, 0)->entry.metrics->llm_request_ns.value, 4000000000);
    assert_int_equal(told_step(&s, 0)->entry.metrics->tool_execution_ns.value, 3000000000);
    told_text(told_step(&s, 0)->entry.step.input_preview, "do it");
    told_text(told_step(&s, 0)->entry.step.output_preview, "I shall");
    assert_int_equal(s.result.run_count, 1);
    assert_int_equal(s.result.runs[0].status.value, SW_RUN_STATUS_RUNNING);
    told_text(told_step(&s, 0)->entry.step.run_id, sw_arena_str(&s.arena, s.result.runs[0].id).ptr);
    told_end(&s);
}

static void claude_errors_are_failed_steps(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    s.quiet = true;
    told_record(
        &s, CC, "claude_code.api_error", 10,
        PROMPT
        ",\"event.name\":\"api_error\",\"model\":\"claude-sonnet-4-5\",\"error\":\"overloaded\",\"status_code\":\"529\",\"duration_ms\":1000,\"attempt\":11,\"request_id\":\"req_2\"");
    told_record(&s, CC, "claude_code.api_retries_exhausted", 10,
                PROMPT ",\"event.name\":\"api_retries_exhausted\",\"total_attempts\":11");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 1);
    assert_int_equal(told_step(&s, 0)->entry.step.status.value, SW_STEP_STATUS_FAILED);
    told_text(told_step(&s, 0)->entry.step.stop_reason, "llm_api_error");
    assert_int_equal(told_step(&s, 0)->entry.step.usage_state.value, SW_USAGE_STATE_UNKNOWN);
    told_end(&s);
}

/* An inner agent has a run of its own inside the prompt's; compaction is auxiliary. */
static void claude_inner_agents_have_runs(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, CC, "claude_code.user_prompt", 0,
                PROMPT ",\"event.name\":\"user_prompt\",\"prompt\":\"x\"");
    told_record(
        &s, CC, "claude_code.api_request", 2,
        PROMPT
        ",\"event.name\":\"api_request\",\"model\":\"m\",\"request_id\":\"r1\",\"query_source\":\"repl_main_thread\",\"input_tokens\":1,\"output_tokens\":1");
    told_record(
        &s, CC, "claude_code.api_request", 3,
        PROMPT
        ",\"event.name\":\"api_request\",\"model\":\"m\",\"request_id\":\"r2\",\"query_source\":\"Explore\",\"agent.name\":\"Explore\",\"input_tokens\":1,\"output_tokens\":1");
    told_record(
        &s, CC, "claude_code.api_request", 4,
        PROMPT
        ",\"event.name\":\"api_request\",\"model\":\"m\",\"request_id\":\"r3\",\"query_source\":\"compact\",\"input_tokens\":1,\"output_tokens\":1");
    told_record(
        &s, CC, "claude_code.user_prompt", 9,
        "\"session.id\":\"s1\",\"prompt.id\":\"p2\",\"event.name\":\"user_prompt\",\"prompt\":\"y\"");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 3);
    assert_int_equal(s.result.run_count, 3);
    assert_true(
        sw_str_eq(told_step(&s, 0)->entry.step.run_id, told_step(&s, 2)->entry.step.run_id));
    assert_false(
        sw_str_eq(told_step(&s, 0)->entry.step.run_id, told_step(&s, 1)->entry.step.run_id));
    for (size_t i = 0; i < s.result.run_count; i++) {
        if (sw_str_eq(s.result.runs[i].id, told_step(&s, 1)->entry.step.run_id)) {
            assert_true(
                sw_str_eq(s.result.runs[i].parent_run_id, told_step(&s, 0)->entry.step.run_id));
        }
        if (sw_str_eq(s.result.runs[i].id, told_step(&s, 0)->entry.step.run_id)) {
            assert_int_equal(s.result.runs[i].status.value,
                             SW_RUN_STATUS_COMPLETED); /* the next prompt has begun */
        }
    }
    told_text(told_step(&s, 2)->entry.step.tags, "[\"auxiliary\"]");
    told_end(&s);
}

/* ---- Codex --------------------------------------------------------------------------------------------------- */

#define CX "codex_cli_rs"
#define THREAD "\"conversation.id\":\"c1\""

/* H.4 case 7: two completed records for one response, of which one carries counts: one step. */
static void codex_counts_each_response_once(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    s.quiet = true;
    told_record(
        &s, CX, "codex.conversation_starts", 0,
        THREAD
        ",\"event.name\":\"codex.conversation_starts\",\"provider_name\":\"openai\",\"context_window\":272000");
    told_record(
        &s, CX, "codex.user_prompt", 1,
        THREAD ",\"event.name\":\"codex.user_prompt\",\"prompt\":\"go\",\"model\":\"gpt-5-codex\"");
    told_record(
        &s, CX, "codex.api_request", 3,
        THREAD
        ",\"event.name\":\"codex.api_request\",\"attempt\":1,\"duration_ms\":\"1000\",\"http.response.status_code\":200,\"model\":\"gpt-5-codex\"");
    told_record(
        &s, CX, "codex.sse_event", 5,
        THREAD
        ",\"event.name\":\"codex.sse_event\",\"event.kind\":\"response.completed\",\"duration_ms\":\"12\",\"model\":\"gpt-5-codex\"");
    told_record(
        &s, CX, "codex.sse_event", 5,
        THREAD
        ",\"event.name\":\"codex.sse_event\",\"event.kind\":\"response.completed\",\"input_token_count\":\"1000\",\"output_token_count\":\"125\",\"cached_token_count\":250,\"reasoning_token_count\":75,\"tool_token_count\":\"1125\",\"model\":\"gpt-5-codex\"");
    told_record(
        &s, CX, "codex.tool_result", 8,
        THREAD
        ",\"event.name\":\"codex.tool_result\",\"tool_name\":\"shell\",\"call_id\":\"k\",\"duration_ms\":\"2000\",\"success\":\"true\",\"output\":\"fine\"");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 1);
    told_counts(told_step(&s, 0), 1000, 125, 250, 0);
    assert_int_equal(told_step(&s, 0)->entry.step.reasoning_tokens.value, 75);
    assert_int_equal(told_step(&s, 0)->entry.step.context_window_limit.value, 272000);
    told_text(told_step(&s, 0)->entry.step.model, "gpt-5-codex");
    told_text(told_step(&s, 0)->entry.step.provider_name, "openai");
    assert_int_equal(told_step(&s, 0)->entry.metrics->llm_request_ns.value, 3000000000);
    assert_int_equal(told_step(&s, 0)->entry.metrics->tool_execution_ns.value, 2000000000);
    assert_int_equal(s.result.run_count, 1);
    told_end(&s);
}

/* A failed request counts only when nothing answers it in its turn. */
static void codex_failures_wait_for_their_turn(void **state)
{
    static const char answered[] = THREAD
        ",\"event.name\":\"codex.sse_event\",\"event.kind\":\"response.completed\",\"input_token_count\":1,\"output_token_count\":1";
    static const char failed[] = THREAD
        ",\"event.name\":\"codex.api_request\",\"http.response.status_code\":500,\"error.message\":\"down\",\"model\":\"m\"";
    told s;
    (void)state;
    told_begin(&s);
    s.quiet = true;
    told_record(&s, CX, "codex.user_prompt", 1, THREAD ",\"event.name\":\"codex.user_prompt\"");
    told_record(&s, CX, "codex.api_request", 2, failed);
    told_record(&s, CX, "codex.sse_event", 3, answered);
    told_record(&s, CX, "codex.user_prompt", 4, THREAD ",\"event.name\":\"codex.user_prompt\"");
    told_record(&s, CX, "codex.api_request", 5, failed);
    told_compute(&s);
    assert_int_equal(s.result.step_count, 2);
    assert_int_equal(told_step(&s, 0)->entry.step.status.value, SW_STEP_STATUS_SUCCESS);
    assert_int_equal(told_step(&s, 1)->entry.step.status.value, SW_STEP_STATUS_FAILED);
    assert_int_equal(s.result.run_count, 2);
    told_end(&s);
}

/* ---- Gemini CLI ---------------------------------------------------------------------------------------------- */

#define GM "gemini-cli"
#define TURN "\"session.id\":\"g1\",\"prompt_id\":\"g1########0\""

/* H.3: input inclusive of the cache, thoughts beside the output, prompt tokens of tools on top. */
static void gemini_counts(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, GM, "gemini_cli.user_prompt", 0,
                TURN ",\"event.name\":\"gemini_cli.user_prompt\",\"prompt\":\"hi\"");
    told_record(&s, GM, "gemini_cli.api_request", 1,
                TURN ",\"event.name\":\"gemini_cli.api_request\",\"model\":\"gemini-2.5-pro\"");
    told_record(
        &s, GM, "gemini_cli.api_response", 3,
        TURN
        ",\"event.name\":\"gemini_cli.api_response\",\"model\":\"gemini-2.5-pro\",\"duration_ms\":2000,\"input_token_count\":1000,\"cached_content_token_count\":600,\"output_token_count\":40,\"thoughts_token_count\":25,\"tool_token_count\":10,\"total_token_count\":1075,\"role\":\"main\"");
    told_record(
        &s, GM, "gemini_cli.api_response", 4,
        TURN
        ",\"event.name\":\"gemini_cli.api_response\",\"model\":\"gemini-2.5-flash\",\"duration_ms\":100,\"input_token_count\":5,\"output_token_count\":1,\"role\":\"utility_router\"");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 2);
    told_counts(told_step(&s, 0), 1010, 65, 600, 0);
    assert_int_equal(told_step(&s, 0)->entry.step.reasoning_tokens.value, 25);
    told_text(told_step(&s, 0)->entry.step.provider_name, "gcp.gemini");
    told_text(told_step(&s, 1)->entry.step.tags, "[\"auxiliary\"]");
    assert_int_equal(s.result.run_count, 1);
    told_end(&s);
}

/* ---- any order ------------------------------------------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
    return sw_str_cmp(((const trace_step *)a)->entry.step.id,
                      ((const trace_step *)b)->entry.step.id);
}

static void order_does_not_matter(void **state)
{
    told s;
    trace_step first[8];
    size_t n = 0;
    (void)state;
    told_begin(&s);
    srand(7);
    for (int i = 0; i < 12; i++) {
        char attributes[256];
        snprintf(
            attributes, sizeof attributes,
            "\"session.id\":\"s1\",\"prompt.id\":\"p%d\",\"event.name\":\"%s\",\"event.sequence\":%d,\"model\":\"m\",\"request_id\":\"r%d\",\"input_tokens\":%d,\"output_tokens\":1,\"duration_ms\":10",
            i / 4,
            i % 4 == 0   ? "user_prompt"
            : i % 4 == 3 ? "tool_result"
                         : "api_request",
            i, i, i);
        told_record(&s, CC, "claude_code.x", i, attributes);
    }
    told_compute(&s);
    n = s.result.step_count;
    assert_int_equal(n, 6);
    memcpy(first, s.result.steps, n * sizeof *first);
    qsort(first, n, sizeof *first, by_id);
    for (int round = 0; round < 50; round++) {
        trace_step again[8];
        for (size_t i = s.count - 1; i > 0; i--) {
            size_t j = (size_t)rand() % (i + 1);
            otlp_log swap = s.logs[i];
            s.logs[i] = s.logs[j];
            s.logs[j] = swap;
        }
        told_compute(&s);
        assert_int_equal(s.result.step_count, n);
        memcpy(again, s.result.steps, n * sizeof *again);
        qsort(again, n, sizeof *again, by_id);
        for (size_t i = 0; i < n; i++) {
            assert_true(sw_str_eq(first[i].entry.step.id, again[i].entry.step.id));
            assert_true(sw_str_eq(first[i].entry.step.run_id, again[i].entry.step.run_id));
            assert_int_equal(first[i].entry.metrics->tool_execution_ns.value,
                             again[i].entry.metrics->tool_execution_ns.value);
        }
    }
    told_end(&s);
}

/* ---- the conventions' own records ------------------------------------------------------------------------------ */

/* A record that names a span is one of its events: here the messages of a call whose span has none. */
static void details_join_their_span(void **state)
{
    static const otlp_resource resource;
    static const otlp_scope scope;
    static const otlp_attribute own[] = {
        {{"gen_ai.operation.name", 21}, {.kind = OTLP_STRING, .text = {"chat", 4}}},
        {{"gen_ai.request.model", 20}, {.kind = OTLP_STRING, .text = {"m", 1}}}};
    otlp_span span = {.resource = &resource,
                      .scope = &scope,
                      .trace_id = {1},
                      .span_id = {2},
                      .start_ns = 1700000000000000000,
                      .end_ns = 1700000001000000000,
                      .attributes = {own, 2, 0}};
    told s;
    event_lone lone;
    span_facts facts;
    span_talk talk;
    sw_error err = {.status = SW_STATUS_OK};
    (void)state;
    told_begin(&s);
    told_record(
        &s, "app", "x", 1,
        "\"event.name\":\"gen_ai.client.inference.operation.details\",\"gen_ai.output.messages\":\"[{\\\"role\\\":\\\"assistant\\\",\\\"parts\\\":[{\\\"type\\\":\\\"text\\\",\\\"content\\\":\\\"yes\\\"}]}]\",\"gen_ai.usage.input_tokens\":3");
    s.logs[0].trace_id[0] = 1;
    s.logs[0].span_id[0] = 2;
    assert_int_equal(event_join(&span, 1, s.logs, 1, true, &s.arena, &lone, &err), SW_STATUS_OK);
    assert_int_equal(lone.count, 0);
    assert_int_equal(span.event_count, 1);
    assert_int_equal(span_read(&span, &s.arena, &facts, &err), SW_STATUS_OK);
    assert_int_equal(span_read_talk(&facts, &s.arena, &talk, &err), SW_STATUS_OK);
    assert_int_equal(talk.output_count, 1);
    s.logs[0].span_id[0] = 3; /* of a span that never came */
    assert_int_equal(event_join(&span, 1, s.logs, 1, false, &s.arena, &lone, &err), SW_STATUS_OK);
    assert_int_equal(lone.count, 0);
    assert_int_equal(event_join(&span, 1, s.logs, 1, true, &s.arena, &lone, &err), SW_STATUS_OK);
    assert_int_equal(lone.count, 1);
    assert_int_equal(lone.facts[0].role, SPAN_LLM);
    assert_int_equal(lone.facts[0].usage.prompt.value, 3);
    told_end(&s);
}

/* The body of a record is the message, as JSON, or just what was said. */
static void what_a_body_says_is_read(void **state)
{
    static const otlp_resource resource;
    static const otlp_scope scope;
    static const char *const said[][2] = {{"gen_ai.system.message", "just words"},
                                          {"gen_ai.user.message", "{\"content\":\"a question\"}"},
                                          {"gen_ai.choice", "an answer"}};
    otlp_span span = {.resource = &resource, .scope = &scope, .trace_id = {1}, .span_id = {2}};
    span_facts facts = {.model = SW_STR("m")};
    span_talk talk;
    told s;
    event_lone lone;
    sw_error err = {.status = SW_STATUS_OK};
    (void)state;
    told_begin(&s);
    for (size_t i = 0; i < SW_COUNT(said); i++) {
        told_record(&s, "app", "x", (int)i + 1, "\"a\":1");
        s.logs[i].event_name = sw_str_from(said[i][0]);
        s.logs[i].body = (otlp_value){.kind = OTLP_STRING, .text = sw_str_from(said[i][1])};
        s.logs[i].span_id[0] = 2;
    }
    assert_int_equal(event_join(&span, 1, s.logs, 3, true, &s.arena, &lone, &err), SW_STATUS_OK);
    facts.span = &span;
    assert_int_equal(span_read_talk(&facts, &s.arena, &talk, &err), SW_STATUS_OK);
    assert_int_equal(talk.input_count, 2);
    assert_true(sw_str_eq(talk.input[0].text, SW_STR("just words")));
    assert_true(sw_str_eq(talk.input[1].text, SW_STR("a question")));
    assert_int_equal(talk.output_count, 1);
    assert_true(sw_str_eq(talk.output[0].text, SW_STR("an answer")));
    told_end(&s);
}

static void records_have_their_place(void **state)
{
    uint8_t a[EVENT_UNIT];
    uint8_t b[EVENT_UNIT];
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, CC, "claude_code.api_request", 1, PROMPT);
    told_record(&s, CC, "claude_code.tool_result", 2, "\"session.id\":\"s1\",\"prompt.id\":\"p9\"");
    told_record(&s, "app", "something", 3, "\"a\":1");
    assert_int_equal(event_where(&s.logs[0], a), EVENT_SESSION);
    assert_int_equal(event_where(&s.logs[1], b), EVENT_SESSION);
    assert_memory_equal(a, b, EVENT_UNIT);
    assert_int_equal(event_where(&s.logs[2], b), EVENT_ALONE);
    s.logs[2].trace_id[3] = 9;
    assert_int_equal(event_where(&s.logs[2], b), EVENT_TRACE);
    assert_memory_equal(b, s.logs[2].trace_id, EVENT_UNIT);
    told_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claude_requests_are_steps),
        cmocka_unit_test(claude_errors_are_failed_steps),
        cmocka_unit_test(claude_inner_agents_have_runs),
        cmocka_unit_test(codex_counts_each_response_once),
        cmocka_unit_test(codex_failures_wait_for_their_turn),
        cmocka_unit_test(gemini_counts),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(details_join_their_span),
        cmocka_unit_test(what_a_body_says_is_read),
        cmocka_unit_test(records_have_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
