/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in several log records of one call (telemetry.md F.1 to F.4): raw bodies, a refusal, another transport, and a
 * call that was given up.
 */
#include "tests/ingest/told.h"

#define CC "claude-code"
#define PROMPT "\"session.id\":\"s1\",\"prompt.id\":\"p1\""
#define MAIN ",\"query_source\":\"repl_main_thread\""
#define CALLED                                                                                     \
    PROMPT MAIN ",\"event.name\":\"api_request\",\"model\":\"m\",\"request_id\":\"r1\","           \
                "\"input_tokens\":1,\"output_tokens\":1"
#define ASKED(TEXT)                                                                                \
    ",\"event.name\":\"api_request_body\",\"body\":\"{\\\"model\\\":\\\"m\\\",\\\"messages\\\":"   \
    "[{\\\"role\\\":\\\"user\\\",\\\"content\\\":\\\"" TEXT "\\\"}]}\""

/* A request's body names no request: it is the last one of the same source before the answer's. */
static void bodies_are_paired_by_their_source(void **state)
{
    const sw_provider_trace *trace = NULL;
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, CC, "claude_code.api_request_body", 1, PROMPT MAIN ASKED("old"));
    told_record(&s, CC, "claude_code.api_request_body", 2, PROMPT MAIN ASKED("mine"));
    told_record(&s, CC, "claude_code.api_request_body", 3,
                PROMPT ",\"query_source\":\"compact\"" ASKED("other"));
    told_record(&s, CC, "claude_code.api_response_body", 4,
                PROMPT MAIN
                ",\"event.name\":\"api_response_body\",\"request_id\":\"r1\","
                "\"body\":\"{\\\"role\\\":\\\"assistant\\\",\\\"content\\\":[{\\\"type\\\":"
                "\\\"text\\\",\\\"text\\\":\\\"yes\\\"}]}\"");
    told_record(&s, CC, "claude_code.api_request", 5, CALLED);
    told_compute(&s);
    assert_int_equal(s.result.step_count, 1);
    assert_int_equal(told_step(&s, 0)->entry.trace_count, 1);
    trace = told_step(&s, 0)->entry.traces;
    told_text(trace->request_json,
              "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"mine\"}]}");
    told_text(told_step(&s, 0)->entry.step.input_preview, "mine");
    told_text(told_step(&s, 0)->entry.step.output_preview, "yes");
    told_end(&s);
}

/* The model answered, and would not: that is no failure, but told. */
static void a_refusal_decorates_its_call(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, CC, "claude_code.api_request", 2, CALLED);
    told_record(&s, CC, "claude_code.api_refusal", 3,
                PROMPT ",\"event.name\":\"api_refusal\",\"request_id\":\"r1\",\"category\":\"x\"");
    told_record(&s, CC, "claude_code.api_refusal", 4,
                PROMPT ",\"event.name\":\"api_refusal\",\"request_id\":\"r2\"");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 1);
    assert_int_equal(told_step(&s, 0)->entry.step.status.value, SW_STEP_STATUS_SUCCESS);
    told_text(told_step(&s, 0)->entry.step.error_type, "refusal");
    told_end(&s);
}

static void codex_speaks_over_websockets_too(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, "codex_exec", "codex.websocket_request", 2,
                "\"conversation.id\":\"c1\",\"event.name\":\"codex.websocket_request\","
                "\"success\":\"true\"");
    told_record(&s, "codex_exec", "codex.websocket_event", 5,
                "\"conversation.id\":\"c1\",\"event.name\":\"codex.websocket_event\","
                "\"event.kind\":\"response.completed\",\"input_token_count\":\"10\","
                "\"output_token_count\":\"2\"");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 1);
    told_counts(told_step(&s, 0), 10, 2, 0, 0);
    assert_int_equal(told_step(&s, 0)->entry.metrics->llm_request_ns.value, 3000000000);
    told_end(&s);
}

static void qwen_tells_of_calls_that_were_given_up(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, "qwen-code", "qwen-code.api_cancel", 2,
                "\"session.id\":\"q1\",\"prompt_id\":\"q1########0\","
                "\"event.name\":\"qwen-code.api_cancel\",\"model\":\"qwen3\"");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 1);
    assert_int_equal(told_step(&s, 0)->entry.step.status.value, SW_STEP_STATUS_CANCELLED);
    told_text(told_step(&s, 0)->entry.step.stop_reason, "cancelled");
    told_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_paired_by_their_source),
        cmocka_unit_test(a_refusal_decorates_its_call),
        cmocka_unit_test(codex_speaks_over_websockets_too),
        cmocka_unit_test(qwen_tells_of_calls_that_were_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
