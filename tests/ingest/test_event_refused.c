/* SPDX-License-Identifier: Apache-2.0 */
/* Tools that were not let run, and agents inside a prompt, as coding agents' log records tell of them (telemetry.md E.4,
 * F.1 to F.3).
 */
#include "tests/ingest/told.h"

#define CC "claude-code"
#define PROMPT "\"session.id\":\"s1\",\"prompt.id\":\"p1\""
#define CX "codex_cli_rs"
#define THREAD "\"conversation.id\":\"c1\""
#define GM "gemini-cli"
#define TURN "\"session.id\":\"g1\",\"prompt_id\":\"g1########0\""

/* The message of what a tool returned; NULL: there is none. */
static const sw_message *returned(const trace_step *step)
{
    for (size_t i = 0; i < step->entry.message_count; i++) {
        if (step->entry.messages[i].tool_returns.ptr) {
            return &step->entry.messages[i];
        }
    }
    return NULL;
}

/* One call, and what was decided of the tool that it asked for; with what the tool came to, or without. */
static void claude(told *s, const char *decision, const char *result)
{
    told_begin(s);
    s->quiet = true;
    told_record(s, CC, "claude_code.api_request", 2,
                PROMPT ",\"event.name\":\"api_request\",\"model\":\"m\",\"request_id\":\"r1\","
                       "\"input_tokens\":1,\"output_tokens\":1");
    told_record(s, CC, "claude_code.tool_decision", 3, decision);
    if (result) {
        told_record(s, CC, "claude_code.tool_result", 5, result);
    }
    told_compute(s);
    assert_int_equal(s->result.step_count, 1);
    assert_int_equal(told_step(s, 0)->entry.step.status.value, SW_STEP_STATUS_SUCCESS);
}

#define DECIDED(WHAT, BY)                                                                          \
    PROMPT ",\"event.name\":\"tool_decision\",\"tool_name\":\"Bash\",\"tool_use_id\":\"t1\","      \
           "\"decision\":\"" WHAT "\",\"source\":\"" BY "\""
#define CAME_TO(OK)                                                                                \
    PROMPT ",\"event.name\":\"tool_result\",\"tool_name\":\"Bash\",\"tool_use_id\":\"t1\","        \
           "\"success\":\"" OK "\",\"duration_ms\":1000"

static void claude_refusals_are_reasons(void **state)
{
    static const struct {
        const char *decision;
        const char *result;
        const char *reason;
        bool failed;
    } rows[] = {
        {DECIDED("accept", "config"), CAME_TO("true"), NULL, false},
        {DECIDED("accept", "user_temporary"), CAME_TO("false"), NULL, true},
        {DECIDED("reject", "config"), NULL, "tool_rule", true},
        {DECIDED("reject", "hook"), CAME_TO("false"), "tool_rule", true},
        {DECIDED("reject", "user_reject"), NULL, "cancelled", true},
        {DECIDED("reject", "user_abort"), CAME_TO("false"), "cancelled", true},
    };
    told s;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        const sw_message *tool = NULL;
        claude(&s, rows[i].decision, rows[i].result);
        told_text(told_step(&s, 0)->entry.step.stop_reason, rows[i].reason);
        tool = returned(told_step(&s, 0));
        assert_non_null(tool);
        told_text(tool->tool_call_id, "t1");
        assert_int_equal(tool->is_err.value, rows[i].failed);
        told_end(&s);
    }
}

/* What was allowed and has not run yet is nothing. */
static void what_is_only_allowed_is_no_tool(void **state)
{
    told s;
    (void)state;
    claude(&s, DECIDED("accept", "config"), NULL);
    assert_null(returned(told_step(&s, 0)));
    told_end(&s);
}

static void codex_refusals_are_reasons(void **state)
{
    static const struct {
        const char *decision;
        const char *reason;
    } rows[] = {{"\"decision\":\"approved\",\"source\":\"user\"", NULL},
                {"\"decision\":\"denied\",\"source\":\"user\"", "cancelled"},
                {"\"decision\":\"denied\",\"source\":\"config\"", "tool_rule"},
                {"\"decision\":\"abort\",\"source\":\"user\"", "cancelled"}};
    told s;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        told_begin(&s);
        s.quiet = true;
        told_record(&s, CX, "codex.user_prompt", 1, THREAD ",\"event.name\":\"codex.user_prompt\"");
        told_record(&s, CX, "codex.sse_event", 3,
                    THREAD
                    ",\"event.name\":\"codex.sse_event\",\"event.kind\":\"response.completed\","
                    "\"input_token_count\":1,\"output_token_count\":1");
        told_record(&s, CX, "codex.tool_decision", 4,
                    sw_arena_printf(&s.arena,
                                    "%s,\"event.name\":\"codex.tool_decision\",\"tool_name\":"
                                    "\"shell\",\"call_id\":\"k\",%s",
                                    THREAD, rows[i].decision)
                        .ptr);
        told_compute(&s);
        assert_int_equal(s.result.step_count, 1);
        told_text(told_step(&s, 0)->entry.step.stop_reason, rows[i].reason);
        assert_int_equal(returned(told_step(&s, 0)) != NULL, rows[i].reason != NULL);
        told_end(&s);
    }
}

static void gemini_refusals_are_reasons(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, GM, "gemini_cli.api_response", 3,
                TURN ",\"event.name\":\"gemini_cli.api_response\",\"model\":\"m\","
                     "\"input_token_count\":1,\"output_token_count\":1,\"role\":\"main\"");
    told_record(&s, GM, "gemini_cli.tool_call", 4,
                TURN ",\"event.name\":\"gemini_cli.tool_call\",\"function_name\":\"f\","
                     "\"decision\":\"reject\",\"success\":\"false\"");
    told_compute(&s);
    told_text(told_step(&s, 0)->entry.step.stop_reason, "cancelled");
    told_end(&s);
}

/* All turns of an agent are one run inside the prompt's; it is over when the agent says so. */
static void gemini_inner_agents_have_runs(void **state)
{
    const sw_run *inner = NULL;
    told s;
    (void)state;
    told_begin(&s);
    told_record(&s, GM, "gemini_cli.user_prompt", 0,
                TURN ",\"event.name\":\"gemini_cli.user_prompt\",\"prompt\":\"hi\"");
    told_record(&s, GM, "gemini_cli.api_response", 3,
                TURN ",\"event.name\":\"gemini_cli.api_response\",\"model\":\"m\","
                     "\"input_token_count\":1,\"output_token_count\":1,\"role\":\"main\"");
    told_record(&s, GM, "gemini_cli.agent.start", 4,
                "\"session.id\":\"g1\",\"event.name\":\"gemini_cli.agent.start\","
                "\"agent_id\":\"digger-1\",\"agent_name\":\"digger\"");
    for (int turn = 0; turn < 2; turn++) {
        told_record(&s, GM, "gemini_cli.api_response", 5 + turn,
                    sw_arena_printf(&s.arena,
                                    "\"session.id\":\"g1\",\"prompt_id\":\"digger-1#%d\","
                                    "\"event.name\":\"gemini_cli.api_response\",\"model\":\"m\","
                                    "\"input_token_count\":2,\"output_token_count\":1",
                                    turn)
                        .ptr);
    }
    told_record(
        &s, GM, "gemini_cli.agent.finish", 8,
        "\"session.id\":\"g1\",\"event.name\":\"gemini_cli.agent.finish\","
        "\"agent_id\":\"digger-1\",\"agent_name\":\"digger\",\"terminate_reason\":\"GOAL\"");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 3);
    assert_int_equal(s.result.run_count, 2);
    inner = sw_str_eq(s.result.runs[0].id, told_step(&s, 1)->entry.step.run_id) ? &s.result.runs[0]
                                                                                : &s.result.runs[1];
    assert_true(sw_str_eq(inner->id, told_step(&s, 1)->entry.step.run_id));
    assert_true(sw_str_eq(inner->id, told_step(&s, 2)->entry.step.run_id));
    assert_true(sw_str_eq(inner->parent_run_id, told_step(&s, 0)->entry.step.run_id));
    assert_int_equal(inner->status.value, SW_RUN_STATUS_COMPLETED);
    assert_int_equal(inner->total_duration_ns.value, 4000000000);
    assert_false(sw_str_eq(inner->agent_id, told_step(&s, 0)->entry.step.agent_id));
    told_end(&s);
}

/* A failed call says what went wrong, and how often it was tried; where Claude Code's error itself does not, the record
 * behind it does. */
static void errors_are_told_whole(void **state)
{
    told s;
    (void)state;
    told_begin(&s);
    s.quiet = true;
    told_record(&s, CC, "claude_code.api_error", 10,
                PROMPT ",\"event.name\":\"api_error\",\"event.sequence\":1,\"model\":\"m\","
                       "\"error\":\"overloaded\",\"status_code\":\"529\",\"duration_ms\":1000");
    told_record(&s, CC, "claude_code.api_retries_exhausted", 10,
                PROMPT ",\"event.name\":\"api_retries_exhausted\",\"event.sequence\":2,"
                       "\"total_attempts\":11");
    told_record(&s, CX, "codex.api_request", 20,
                THREAD ",\"event.name\":\"codex.api_request\",\"attempt\":3,\"model\":\"m\","
                       "\"http.response.status_code\":500,\"error.message\":\"down\"");
    told_record(&s, GM, "gemini_cli.api_error", 30,
                TURN ",\"event.name\":\"gemini_cli.api_error\",\"model\":\"m\",\"error\":\"quota\","
                     "\"status_code\":429,\"error.type\":\"ApiError\"");
    told_compute(&s);
    assert_int_equal(s.result.step_count, 3);
    told_text(told_step(&s, 0)->entry.step.error_data,
              "{\"message\":\"overloaded\",\"details\":{\"status_code\":529,\"attempt\":11}}");
    told_text(told_step(&s, 0)->entry.step.error_type, "529");
    told_text(told_step(&s, 1)->entry.step.error_data,
              "{\"message\":\"down\",\"details\":{\"status_code\":500,\"attempt\":3}}");
    told_text(told_step(&s, 2)->entry.step.error_data,
              "{\"message\":\"quota\",\"details\":{\"status_code\":429}}");
    told_text(told_step(&s, 2)->entry.step.error_type, "ApiError");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(told_step(&s, i)->entry.step.status.value, SW_STEP_STATUS_FAILED);
        told_text(told_step(&s, i)->entry.step.stop_reason, "llm_api_error");
    }
    told_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claude_refusals_are_reasons),
        cmocka_unit_test(what_is_only_allowed_is_no_tool),
        cmocka_unit_test(codex_refusals_are_reasons),
        cmocka_unit_test(gemini_refusals_are_reasons),
        cmocka_unit_test(gemini_inner_agents_have_runs),
        cmocka_unit_test(errors_are_told_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
