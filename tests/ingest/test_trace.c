/* SPDX-License-Identifier: Apache-2.0 */
/* Steps, runs and tools of traces drawn by hand: the cases of telemetry.md H.1, H.4 and E, one by one. */
#include "tests/ingest/tree.h"

#define NS(MS) ((int64_t)(MS)*1000000)

/* ---- ids (H.1) ----------------------------------------------------------------------------------- */

static void id(const char *prefix, const char *kind, sw_str project, const char *const *keys,
               size_t count, int64_t start_ms, const char *want)
{
    sw_str texts[4];
    char out[SW_ID_MAX];

    for (size_t i = 0; i < count; i++) {
        texts[i] = sw_str_from(keys[i]);
    }
    trace_id_make(sw_str_from(prefix), TREE_ORGANIZATION, project, sw_str_from(kind), texts, count,
                  start_ms, out);
    assert_string_equal(want, out);
}

static void ids_are_those_of_the_specification(void **state)
{
    const char *span[] = {"5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"};
    const char *agent[] = {"5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b173"};
    const char *message[] = {"msg_01ABC", "req_01XYZ"};
    const char *lone[] = {"msg_01ABC", ""};
    const char *codex[] = {"019a0000-0000-7000-8000-000000000001", "resp_1"};
    const char *name[] = {"research-bot"};
    sw_str none = SW_NULL_STR;

    (void)state;
    id("step", "span", TREE_PROJECT, span, 2, 1544712660000,
       "step-0167a80c-a420-4ff7-8f9e-eb88c4e25dba");
    id("run", "trace", TREE_PROJECT, span, 1, -1, "run-1f7ac018-2c71-4cad-8525-ab3cb9386a92");
    id("run", "agent-span", TREE_PROJECT, agent, 2, 1544712659999,
       "run-0167a80c-a41f-47c4-a571-a161867ad933");
    id("step", "cc-msg", TREE_PROJECT, message, 2, -1, "step-495fb199-21c7-4d77-aa5b-b9aa59181f88");
    id("step", "cc-msg", TREE_PROJECT, lone, 2, -1, "step-734f86cf-6b74-4fc5-938c-ec45220f032e");
    id("step", "codex-resp", TREE_PROJECT, codex, 2, -1,
       "step-7d486ca9-3505-4b5f-bf0f-8991a14d67a9");
    id("agent", "agent", TREE_PROJECT, name, 1, -1, "agent-9c6b46b7-3b1b-4121-8334-0ade4d8deb4f");
    id("step", "span", none, span, 2, 1544712660000, "step-0167a80c-a420-46a3-b9b1-eae7154609ca");
}

/* ---- H.4 ------------------------------------------------------------------------------------------ */

/* Case 1: the agent's span comes last. */
static void a_step_finds_its_run_later(void **state)
{
    tree t;
    sw_str first = SW_NULL_STR;

    (void)state;
    tree_begin(&t);
    (void)tree_model(&t, 2, 1, 100, 200);
    tree_compute(&t);
    assert_int_equal(1, t.result.step_count);
    first = tree_step(&t, 2)->entry.step.id;
    SAME(tree_step(&t, 2)->entry.step.run_id, tree_trace_run(&t));
    assert_int_equal(SW_RUN_STATUS_RUNNING, t.result.runs[0].status.value);

    tree_add(&t, 1, 0, SPAN_AGENT, 0, 300)->facts.agent_name = SW_STR("bot");
    tree_compute(&t);
    SAME(tree_step(&t, 2)->entry.step.id, first);
    SAME(tree_step(&t, 2)->entry.step.run_id, tree_run_id(&t, 1));
    assert_int_equal(1, t.result.run_count);
    assert_int_equal(SW_RUN_STATUS_COMPLETED, t.result.runs[0].status.value);
    TEXT(t.result.runs[0].stop_reason, "end_turn");
    assert_int_equal(NS(300), t.result.runs[0].total_duration_ns.value);
    assert_int_equal(TREE_TIME * 1000, t.result.runs[0].created_at.value);
    assert_int_equal(1, t.result.ghost_count); /* the run it was in */
    SAME(t.result.ghosts[0], tree_trace_run(&t));
    assert_int_equal(1, t.result.agent_count);
    TEXT(t.result.agents[0], "bot");
    tree_end(&t);
}

/* Case 3: AI SDK 7. */
static void parallel_tools_count_once(void **state)
{
    tree t;
    tree_span *tool = NULL;
    const trace_step *step = NULL;

    (void)state;
    tree_begin(&t);
    (void)tree_add(&t, 1, 0, SPAN_AGENT, 0, 1000);
    tree_add(&t, 2, 1, SPAN_WRAPPER, 10, 990)->facts.operation = SW_STR("agent_step");
    tree_model(&t, 3, 2, 20, 400)->answer.tool_calls = SW_STR(
        "[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":"
        "\"{\\\"id\\\":\\\"no\\\"}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":{"
        "\"name\":\"look\",\"arguments\":\"{}\"}}]");
    tool = tree_add(&t, 4, 2, SPAN_TOOL, 410, 700);
    tool->facts.tool_call_id = SW_STR("c1");
    tool->facts.tool_name = SW_STR("look");
    tool->facts.tool_result = SW_STR("seen");
    tool = tree_add(&t, 5, 2, SPAN_TOOL, 500, 900);
    tool->facts.tool_call_id = SW_STR("c2");
    tool->facts.tool_name = SW_STR("look");
    tool->facts.tool_failed = true;
    tree_compute(&t);
    assert_int_equal(1, t.result.run_count);
    assert_int_equal(1, t.result.step_count);
    step = tree_step(&t, 3);
    assert_int_equal(NS(490), step->entry.metrics->tool_execution_ns.value);
    assert_int_equal(NS(TREE_TIME + 10), step->entry.metrics->step_start_ns.value);
    assert_int_equal(NS(TREE_TIME + 20), step->entry.metrics->llm_request_start_ns.value);
    assert_int_equal(NS(380), step->entry.metrics->llm_request_ns.value);
    assert_int_equal(NS(890), step->entry.metrics->step_ns.value);
    assert_int_equal(15, step->entry.step.total_tokens.value);
    assert_int_equal(3, step->entry.message_count);
    SAME(step->entry.messages[0].tool_calls, t.spans[2].answer.tool_calls);
    TEXT(step->entry.messages[1].tool_call_id, "c1");
    TEXT(
        step->entry.messages[1].tool_returns,
        "[{\"tool_call_id\":\"c1\",\"tool_name\":\"look\",\"status\":\"success\",\"func_response\":"
        "\"seen\",\"start\":\"2025-11-22T08:00:00.410000Z\",\"end\":\"2025-11-22T08:00:00.700000Z\"}]");
    assert_int_equal(1, step->entry.messages[2].is_err.value);
    TEXT(step->entry.step.input_preview, "why?");
    TEXT(step->entry.step.output_preview, "because");
    tree_end(&t);
}

/* Case 4: LangChain around the provider's SDK; the wrapper knows what the inner span does not. */
static void the_innermost_model_span_is_the_step(void **state)
{
    tree t;
    tree_span *inner = NULL;
    tree_span *outer = NULL;
    const trace_step *step = NULL;

    (void)state;
    tree_begin(&t);
    inner = tree_model(&t, 3, 2, 20, 400);
    inner->talk = (span_talk){.input_count = 0};
    (void)tree_add(&t, 2, 1, SPAN_OTHER, 15, 450);
    outer = tree_model(&t, 1, 0, 10, 500);
    outer->facts.usage.prompt = sw_int_of(999);
    outer->facts.conversation = SW_STR("thread-1");
    tree_compute(&t);
    assert_int_equal(1, t.result.step_count);
    step = tree_step(&t, 3);
    assert_non_null(step);
    assert_int_equal(10, step->entry.step.prompt_tokens.value);
    TEXT(step->entry.step.conversation_id, "thread-1");
    TEXT(step->entry.step.output_preview, "because");
    assert_int_equal(1, step->input_count);
    assert_int_equal(1, t.result.fold_count);
    SAME(t.result.folds[0].survivor_id, step->entry.step.id);
    /* The wrapper is the root, and so it is the run. */
    SAME(step->entry.step.run_id, tree_run_id(&t, 1));
    /* An inner span without counts takes those of its only wrapper. */
    inner->facts.usage = (span_usage){.state = SW_USAGE_STATE_UNKNOWN};
    tree_compute(&t);
    assert_int_equal(999, tree_step(&t, 3)->entry.step.prompt_tokens.value);
    tree_end(&t);
}

static void retries_are_steps_of_their_own(void **state)
{
    tree t;

    (void)state;
    tree_begin(&t);
    (void)tree_model(&t, 1, 0, 0, 500);
    (void)tree_model(&t, 2, 1, 10, 100);
    (void)tree_model(&t, 3, 1, 200, 400);
    t.spans[1].facts.usage = t.spans[2].facts.usage = (span_usage){.prompt = SW_NULL_INT};
    tree_compute(&t);
    assert_int_equal(2, t.result.step_count);
    assert_int_equal(0, tree_step(&t, 2)->entry.step.prompt_tokens.known);
    SAME(t.result.folds[0].survivor_id, tree_step(&t, 2)->entry.step.id);
    tree_end(&t);
}

/* Case 5. */
static void a_tool_may_run_another_agent(void **state)
{
    tree t;
    const trace_step *outer = NULL;
    const trace_step *inner = NULL;

    (void)state;
    tree_begin(&t);
    tree_add(&t, 1, 0, SPAN_AGENT, 0, 1000)->facts.agent_name = SW_STR("boss");
    (void)tree_model(&t, 2, 1, 10, 900);
    (void)tree_add(&t, 3, 2, SPAN_TOOL, 100, 800);
    tree_add(&t, 4, 3, SPAN_AGENT, 150, 750)->facts.agent_name = SW_STR("helper");
    (void)tree_model(&t, 5, 4, 200, 700);
    tree_compute(&t);
    assert_int_equal(2, t.result.step_count);
    assert_int_equal(2, t.result.run_count);
    outer = tree_step(&t, 2);
    inner = tree_step(&t, 5);
    SAME(outer->entry.step.run_id, tree_run_id(&t, 1));
    SAME(inner->entry.step.run_id, tree_run_id(&t, 4));
    SAME(tree_run(&t, inner)->parent_run_id, tree_run(&t, outer)->id);
    SAME(t.result.runs[0].id, tree_run(&t, outer)->id); /* parents before children */
    SAME(inner->entry.step.parent_step_id, outer->entry.step.id);
    assert_int_equal(NS(700), outer->entry.metrics->tool_execution_ns.value);
    assert_int_equal(0, inner->entry.metrics->tool_execution_ns.known);
    assert_int_equal(2, t.result.agent_count);
    tree_end(&t);
}

/* ---- E.1, E.3 ---------------------------------------------------------------------------------------- */

static void a_run_ends_as_its_span_says(void **state)
{
    tree t;
    tree_span *agent = NULL;
    tree_span *model = NULL;

    (void)state;
    tree_begin(&t);
    agent = tree_add(&t, 1, 0, SPAN_AGENT, 0, 1000);
    model = tree_model(&t, 2, 1, 100, 400);
    model->facts.end.stop_reason = SW_NULL_STR;
    model->facts.end.calls_tools = true;
    model->facts.ttft_ns = sw_int_of(NS(30));
    tree_compute(&t);
    TEXT(t.result.runs[0].stop_reason, "end_turn");
    assert_null(tree_step(&t, 2)->entry.step.stop_reason.ptr);
    assert_int_equal(NS(130), t.result.runs[0].ttft_ns.value);
    agent->facts.end.status = SW_STEP_STATUS_FAILED;
    tree_compute(&t);
    assert_int_equal(SW_RUN_STATUS_FAILED, t.result.runs[0].status.value);
    TEXT(t.result.runs[0].stop_reason, "error");
    agent->facts.end.error_type = SW_STR("langgraph.errors.GraphRecursionError");
    tree_compute(&t);
    TEXT(t.result.runs[0].stop_reason, "max_steps");
    agent->facts.end.status = SW_STEP_STATUS_CANCELLED;
    tree_compute(&t);
    assert_int_equal(SW_RUN_STATUS_CANCELLED, t.result.runs[0].status.value);
    agent->span.end_ns = 0;
    tree_compute(&t);
    assert_int_equal(SW_RUN_STATUS_RUNNING, t.result.runs[0].status.value);
    assert_int_equal(0, t.result.runs[0].completed_at.known);
    t.whose.quiet = true;
    tree_compute(&t);
    assert_int_equal(SW_RUN_STATUS_COMPLETED, t.result.runs[0].status.value);
    assert_int_equal((TREE_TIME + 400) * 1000, t.result.runs[0].completed_at.value);
    tree_end(&t);
}

static void without_an_agent_a_root_or_the_trace_is_the_run(void **state)
{
    tree t;

    (void)state;
    tree_begin(&t);
    (void)tree_add(&t, 1, 0, SPAN_WRAPPER, 0, 1000);
    (void)tree_model(&t, 2, 1, 100, 400);
    tree_compute(&t);
    SAME(tree_step(&t, 2)->entry.step.run_id, tree_run_id(&t, 1));
    t.spans[0].facts.role = SPAN_OTHER;
    tree_compute(&t);
    SAME(tree_step(&t, 2)->entry.step.run_id, tree_trace_run(&t));
    t.spans[0].facts.role = SPAN_WORKFLOW;
    tree_compute(&t);
    SAME(tree_step(&t, 2)->entry.step.run_id, tree_run_id(&t, 1));
    t.count = 0;
    (void)tree_model(&t, 3, 0, 100, 400);
    t.spans[0].facts.service_name = SW_NULL_STR;
    tree_compute(&t);
    SAME(tree_step(&t, 3)->entry.step.run_id, tree_run_id(&t, 3));
    assert_null(tree_step(&t, 3)->entry.step.agent_id.ptr);
    assert_non_null(t.result.runs[0].agent_id.ptr); /* a run has one in any case */
    TEXT(t.result.agents[0], "unknown_service");
    tree_end(&t);
}

/* ---- E.2 ------------------------------------------------------------------------------------------------ */

static const sw_step_metrics *metrics(const tree *t, unsigned id)
{
    return tree_step(t, id)->entry.metrics;
}

static void a_tool_finds_its_step(void **state)
{
    tree t;
    tree_span *tool = NULL;

    (void)state;
    tree_begin(&t);
    (void)tree_add(&t, 1, 0, SPAN_AGENT, 0, 1000);
    tree_model(&t, 2, 1, 10, 100)->answer.tool_calls =
        SW_STR("[{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]");
    (void)tree_model(&t, 3, 1, 200, 300);
    (void)tree_model(&t, 4, 1, 600, 700);
    /* The preceding one; 5 ms before its end is near enough. */
    tool = tree_add(&t, 5, 1, SPAN_TOOL, 296, 400);
    tool->facts.tool_name = SW_STR("g");
    tool->facts.tool_arguments = SW_STR("{\"a\":1}");
    tree_compute(&t);
    assert_int_equal(NS(104), metrics(&t, 3)->tool_execution_ns.value);
    /* The call that the answer lacks is added, under the span's own id when nobody named it. */
    TEXT(tree_step(&t, 3)->entry.messages[0].tool_calls,
         "[{\"id\":\"0000000000000005\",\"type\":\"function\",\"function\":{\"name\":\"g\","
         "\"arguments\":\"{\\\"a\\\":1}\"}}]");
    TEXT(tree_step(&t, 3)->entry.messages[1].tool_call_id, "0000000000000005");
    tool->span.start_ns = NS(TREE_TIME + 290); /* none ended: the last that began */
    tree_compute(&t);
    assert_int_equal(0, metrics(&t, 3)->tool_execution_ns.known);
    assert_int_equal(NS(110), metrics(&t, 2)->tool_execution_ns.value);
    /* The call's id, wherever the span stands. */
    tool->span.start_ns = NS(TREE_TIME + 350);
    tool->facts.tool_call_id = SW_STR("c1");
    tree_compute(&t);
    assert_int_equal(NS(50), metrics(&t, 2)->tool_execution_ns.value);
    assert_int_equal(2, tree_step(&t, 2)->entry.message_count);
    /* The model span above it. */
    tool->facts.tool_call_id = SW_STR("c9");
    tool->span.parent_span_id[OTLP_SPAN_ID - 1] = 4;
    tree_compute(&t);
    assert_int_equal(NS(50), metrics(&t, 4)->tool_execution_ns.value);
    /* Nothing came before. */
    tool->span.parent_span_id[OTLP_SPAN_ID - 1] = 1;
    tool->span.start_ns = NS(TREE_TIME + 5);
    tree_compute(&t);
    for (unsigned id = 2; id <= 4; id++) {
        assert_int_equal(0, metrics(&t, id)->tool_execution_ns.known);
    }
    tree_end(&t);
}

static void waiting_for_a_person_is_no_tool_time(void **state)
{
    tree t;
    tree_span *tool = NULL;

    (void)state;
    tree_begin(&t);
    (void)tree_model(&t, 1, 0, 0, 100);
    tool = tree_add(&t, 2, 1, SPAN_TOOL, 110, 900);
    tool->facts.tool_waited = true;
    tree_add(&t, 3, 2, SPAN_OTHER, 110, 800)->span.name =
        SW_STR("claude_code.tool.blocked_on_user");
    tree_add(&t, 4, 2, SPAN_OTHER, 800, 890)->span.name = SW_STR("claude_code.tool.execution");
    tree_compute(&t);
    assert_int_equal(NS(90), metrics(&t, 1)->tool_execution_ns.value);
    /* A tool inside the tool is the same execution. */
    (void)tree_add(&t, 5, 2, SPAN_TOOL, 200, 300);
    tree_compute(&t);
    assert_int_equal(NS(90), metrics(&t, 1)->tool_execution_ns.value);
    assert_int_equal(2, tree_step(&t, 1)->entry.message_count);
    tree_end(&t);
}

/* What the person said to the question stands in the span of waiting. */
static void a_tool_that_was_refused_says_so(void **state)
{
    otlp_attribute said[] = {{SW_STR("decision"), {.kind = OTLP_STRING, .text = SW_STR("reject")}},
                             {SW_STR("source"), {.kind = OTLP_STRING, .text = SW_STR("hook")}}};
    tree t;
    tree_span *tool = NULL;
    tree_span *waiting = NULL;

    (void)state;
    tree_begin(&t);
    tree_model(&t, 1, 0, 0, 100)->facts.end = (span_end){.status = SW_STEP_STATUS_SUCCESS};
    tool = tree_add(&t, 2, 1, SPAN_TOOL, 110, 900);
    tool->facts.tool_waited = true;
    waiting = tree_add(&t, 3, 2, SPAN_OTHER, 110, 800);
    waiting->span.name = SW_STR("claude_code.tool.blocked_on_user");
    waiting->span.attributes = (otlp_attributes){said, 2, 0};
    tree_compute(&t);
    TEXT(tree_step(&t, 1)->entry.step.stop_reason, "tool_rule");
    said[0].value.text = SW_STR("accept");
    tree_compute(&t);
    assert_null(tree_step(&t, 1)->entry.step.stop_reason.ptr);
    tree_end(&t);
}

/* Langfuse's word, which only Langfuse may say: a span with a parent is a root all the same. */
static void a_span_may_ask_to_be_a_root(void **state)
{
    otlp_attribute said = {SW_STR("langfuse.internal.as_root"),
                           {.kind = OTLP_BOOL, .as = {.boolean = true}}};
    tree t;

    (void)state;
    tree_begin(&t);
    (void)tree_add(&t, 1, 0, SPAN_AGENT, 0, 900);
    for (unsigned id = 2; id < 4; id++) {
        tree_span *model = tree_model(&t, id, 1, 100 * id, 100 * id + 50);
        model->span.attributes = (otlp_attributes){&said, 1, 0};
        model->facts.dialect = id == 2 ? SPAN_DIALECT_LANGFUSE : SPAN_DIALECT_GENAI;
    }
    tree_compute(&t);
    SAME(tree_step(&t, 2)->entry.step.run_id, tree_run_id(&t, 2));
    SAME(tree_step(&t, 3)->entry.step.run_id, tree_run_id(&t, 1));
    tree_end(&t);
}

/* Calls that an evaluator makes are told from those that it judges. */
static void calls_of_an_evaluator_are_tagged(void **state)
{
    char many[4 * SW_LIMIT_TAGS + 2] = "[\"0\"";
    tree t;

    (void)state;
    for (size_t i = 1; i < SW_LIMIT_TAGS; i++) { /* as many as may be */
        memcpy(many + 4 * i, ",\"0\"", 4);
    }
    many[4 * SW_LIMIT_TAGS] = ']';
    tree_begin(&t);
    tree_add(&t, 1, 0, SPAN_OTHER, 0, 900)->facts.evaluates = true;
    (void)tree_add(&t, 2, 1, SPAN_WRAPPER, 0, 500);
    tree_model(&t, 3, 2, 0, 100)->facts.tags = SW_STR("[\"a\"]");
    (void)tree_model(&t, 4, 1, 200, 300);
    (void)tree_model(&t, 5, 0, 1000, 1100);
    tree_model(&t, 6, 1, 400, 500)->facts.tags = sw_str_from(many);
    tree_model(&t, 7, 1, 600, 700)->facts.tags = SW_STR("[\"evaluator\"]");
    tree_compute(&t);
    TEXT(tree_step(&t, 3)->entry.step.tags, "[\"a\",\"evaluator\"]");
    TEXT(tree_step(&t, 7)->entry.step.tags, "[\"evaluator\"]");
    TEXT(tree_step(&t, 6)->entry.step.tags, many);
    TEXT(tree_step(&t, 4)->entry.step.tags, "[\"evaluator\"]");
    assert_null(tree_step(&t, 5)->entry.step.tags.ptr);
    tree_end(&t);
}

static void a_call_over_http_tells_where_and_what(void **state)
{
    tree t;
    tree_span *http = NULL;

    (void)state;
    tree_begin(&t);
    tree_model(&t, 1, 0, 0, 100)->facts.end = (span_end){.status = SW_STEP_STATUS_FAILED};
    http = tree_add(&t, 2, 1, SPAN_HTTP, 10, 90);
    http->facts.http_status = sw_int_of(429);
    http->facts.attempt = sw_int_of(2);
    http->facts.model_endpoint = SW_STR("https://api.example/v1");
    tree_compute(&t);
    TEXT(tree_step(&t, 1)->entry.step.model_endpoint, "https://api.example/v1");
    TEXT(tree_step(&t, 1)->entry.step.error_type, "429");
    TEXT(tree_step(&t, 1)->entry.step.error_data,
         "{\"details\":{\"status_code\":429,\"attempt\":2}}");
    tree_end(&t);
}

/* ---- what senders get wrong ----------------------------------------------------------------------------- */

static void odd_clocks_are_kept_and_said(void **state)
{
    tree t;

    (void)state;
    tree_begin(&t);
    tree_model(&t, 1, 0, 500, 100)->facts.end.error_data = SW_STR("{ }");
    tree_compute(&t);
    assert_int_equal(0, metrics(&t, 1)->llm_request_ns.value);
    assert_int_equal(0, metrics(&t, 1)->step_ns.value);
    TEXT(tree_step(&t, 1)->entry.step.error_data, "{\"clock_skew\":true}");
    t.spans[0].span.start_ns = 0; /* nowhere said: its end */
    t.spans[0].facts.end.error_data = SW_STR("{\"a\":1} ");
    tree_compute(&t);
    assert_int_equal((TREE_TIME + 100) * 1000, tree_step(&t, 1)->entry.step.created_at.value);
    TEXT(tree_step(&t, 1)->entry.step.error_data, "{\"a\":1} ");
    t.spans[0].span.start_ns = NS(1000);
    t.spans[0].facts.metadata = SW_STR("{\"k\":\"}\" }");
    tree_compute(&t);
    TEXT(tree_step(&t, 1)->entry.step.metadata, "{\"k\":\"}\",\"clock_suspect\":true}");
    tree_end(&t);
}

static void circles_and_strange_texts_do_no_harm(void **state)
{
    tree t;
    char nul[] = "a\0b";
    static char many[5000];

    (void)state;
    tree_begin(&t);
    memset(many, 'x', sizeof many);
    (void)tree_model(&t, 1, 1, 0, 10);
    (void)tree_add(&t, 2, 4, SPAN_AGENT, 20, 90);
    (void)tree_model(&t, 3, 2, 30, 40);
    (void)tree_add(&t, 4, 3, SPAN_TOOL, 50, 60);
    t.spans[0].facts.model = sw_str_make(nul, 3);
    t.spans[0].facts.request_id = sw_str_make(many, sizeof many);
    t.spans[0].facts.conversation = sw_str_make(many, sizeof many);
    t.spans[0].facts.tags = SW_STR("{no tags}");
    t.spans[2].facts.agent_name = sw_str_make(many, sizeof many);
    tree_compute(&t);
    assert_int_equal(2, t.result.step_count);
    TEXT(tree_step(&t, 1)->entry.step.model, "a\xef\xbf\xbd"
                                             "b");
    assert_int_equal(SW_LIMIT_ID_BYTES, tree_step(&t, 1)->entry.step.request_id.len);
    assert_int_equal(1, tree_step(&t, 1)->entry.step.content_truncated.value);
    assert_null(tree_step(&t, 1)->entry.step.tags.ptr);
    assert_int_equal(sizeof many, tree_step(&t, 1)->entry.step.conversation_id.len);
    SAME(tree_step(&t, 3)->entry.step.run_id, tree_run_id(&t, 2)); /* opened at its first span */
    tree_end(&t);
}

static void a_raw_request_is_kept(void **state)
{
    tree t;

    (void)state;
    tree_begin(&t);
    tree_model(&t, 1, 0, 0, 10)->talk.request_json = SW_STR("{\"a\":1}");
    tree_compute(&t);
    assert_int_equal(1, tree_step(&t, 1)->entry.trace_count);
    TEXT(tree_step(&t, 1)->entry.traces[0].response_json, "{}");
    tree_end(&t);
}

static void previews_are_short_and_stripped(void **state)
{
    static char text[2000];
    tree t;
    sw_str preview = SW_NULL_STR;

    (void)state;
    tree_begin(&t);
    memset(text, ' ', 10);
    for (size_t i = 10; i + 2 <= sizeof text; i += 2) { /* two bytes a character */
        memcpy(text + i, "\xc3\xa4", 2);
    }
    tree_model(&t, 1, 0, 0, 10)->answer.text = sw_str_make(text, sizeof text);
    t.spans[0].question.text = SW_NULL_STR;
    t.spans[0].question.content =
        SW_STR("[{\"type\":\"image\"},{\"type\":\"text\",\"text\":\" one \\n\"}]");
    tree_compute(&t);
    preview = tree_step(&t, 1)->entry.step.output_preview;
    assert_int_equal(SW_LIMIT_PREVIEW_CHARS, sw_utf8_count(preview));
    assert_int_equal(2 * SW_LIMIT_PREVIEW_CHARS, preview.len);
    TEXT(tree_step(&t, 1)->entry.step.input_preview, "one");
    tree_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_those_of_the_specification),
        cmocka_unit_test(a_step_finds_its_run_later),
        cmocka_unit_test(parallel_tools_count_once),
        cmocka_unit_test(the_innermost_model_span_is_the_step),
        cmocka_unit_test(retries_are_steps_of_their_own),
        cmocka_unit_test(a_tool_may_run_another_agent),
        cmocka_unit_test(a_run_ends_as_its_span_says),
        cmocka_unit_test(without_an_agent_a_root_or_the_trace_is_the_run),
        cmocka_unit_test(a_tool_finds_its_step),
        cmocka_unit_test(waiting_for_a_person_is_no_tool_time),
        cmocka_unit_test(a_tool_that_was_refused_says_so),
        cmocka_unit_test(a_span_may_ask_to_be_a_root),
        cmocka_unit_test(calls_of_an_evaluator_are_tagged),
        cmocka_unit_test(a_call_over_http_tells_where_and_what),
        cmocka_unit_test(odd_clocks_are_kept_and_said),
        cmocka_unit_test(circles_and_strange_texts_do_no_harm),
        cmocka_unit_test(a_raw_request_is_kept),
        cmocka_unit_test(previews_are_short_and_stripped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
