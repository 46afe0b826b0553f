/* SPDX-License-Identifier: Apache-2.0 */
/* One call, or one agent, that several spans tell of (telemetry.md E.1, the sibling rule; E.3, the collapse rule). */
#include "tests/ingest/tree.h"

static void two_instrumentations_of_one_call_are_one_step(void **state)
{
    tree t;

    (void)state;
    tree_begin(&t);
    (void)tree_add(&t, 9, 0, SPAN_AGENT, 0, 1000);
    tree_model(&t, 1, 9, 10, 400)->facts.request_id = SW_STR("resp_1");
    tree_model(&t, 2, 9, 20, 390)->facts.request_id = SW_STR("resp_1");
    t.spans[2].scope.name = SW_STR("another");
    t.spans[2].facts.provider_name = SW_STR("openai");
    t.spans[1].facts.model_endpoint = SW_STR("https://a");
    t.spans[1].talk.output_count = 0;
    tree_compute(&t);
    assert_int_equal(1, t.result.step_count);
    assert_non_null(tree_step(&t, 2)); /* it knows more */
    TEXT(tree_step(&t, 2)->entry.step.model_endpoint, "https://a");
    TEXT(tree_step(&t, 2)->response_id, "resp_1");
    /* The same instrumentation saw two calls, and a later call is another one. */
    t.spans[2].scope.name = SW_STR("test");
    tree_compute(&t);
    assert_int_equal(2, t.result.step_count);
    t.spans[2].scope.name = SW_STR("another");
    t.spans[2].span.start_ns = t.spans[1].span.end_ns;
    tree_compute(&t);
    assert_int_equal(2, t.result.step_count);
    tree_end(&t);
}

static void an_agent_shown_twice_is_one_run(void **state)
{
    tree t;

    (void)state;
    tree_begin(&t);
    tree_add(&t, 1, 0, SPAN_AGENT, 0, 1000)->facts.agent_name = SW_STR("bot");
    (void)tree_add(&t, 2, 1, SPAN_WRAPPER, 5, 990);
    tree_add(&t, 3, 2, SPAN_AGENT, 10, 980)->facts.agent_name = SW_STR("bot");
    (void)tree_model(&t, 4, 3, 20, 400);
    tree_compute(&t);
    assert_int_equal(1, t.result.run_count);
    SAME(tree_step(&t, 4)->entry.step.run_id, tree_run_id(&t, 3));
    t.spans[2].facts.agent_name = SW_STR("other");
    tree_compute(&t);
    assert_int_equal(2, t.result.run_count);
    SAME(t.result.runs[1].parent_run_id, tree_run_id(&t, 1));
    tree_end(&t);
}

static tree_span *twin(tree *t, unsigned id, unsigned parent, int64_t start_ms, int64_t end_ms,
                       const char *scope)
{
    tree_span *s = tree_model(t, id, parent, start_ms, end_ms);

    s->scope.name = sw_str_from(scope);
    s->facts.request_id = SW_STR("resp_1");
    return s;
}

/* The best of three has the call, and all that the others know, wherever it stands among them. */
static void three_twins_are_one_step_whoever_began_first(void **state)
{
    tree t;

    (void)state;
    for (unsigned best = 1; best <= 3; best++) {
        tree_begin(&t);
        twin(&t, 1, 9, 10, 400, "one")->facts.model_endpoint = SW_STR("https://a");
        twin(&t, 2, 9, 20, 390, "two")->facts.service_tier = SW_STR("flex");
        twin(&t, 3, 9, 30, 380, "three")->facts.end_user = SW_STR("ann");
        t.spans[best - 1].facts.provider_name = SW_STR("openai");
        t.spans[best - 1].facts.ttft_ns = sw_int_of(5);
        tree_compute(&t);
        assert_int_equal(1, t.result.step_count);
        assert_non_null(tree_step(&t, best));
        TEXT(tree_step(&t, best)->entry.step.model_endpoint, "https://a");
        TEXT(tree_step(&t, best)->entry.step.service_tier, "flex");
        TEXT(tree_step(&t, best)->entry.step.end_user, "ann");
        assert_int_equal(2, t.result.fold_count);
        for (size_t i = 0; i < 2; i++) {
            SAME(t.result.folds[i].survivor_id, tree_step(&t, best)->entry.step.id);
        }
        tree_end(&t);
    }
}

/* A provider that answers two calls with one id: an instrumentation that saw both says that they are two. */
static void a_twin_of_two_calls_belongs_to_the_better_told(void **state)
{
    tree t;

    (void)state;
    tree_begin(&t);
    (void)twin(&t, 1, 9, 10, 100, "one");
    (void)twin(&t, 2, 9, 50, 200, "two");
    twin(&t, 3, 9, 150, 300, "one")->facts.provider_name = SW_STR("openai");
    tree_compute(&t);
    assert_int_equal(2, t.result.step_count);
    assert_non_null(tree_step(&t, 1));
    assert_int_equal(1, t.result.fold_count);
    SAME(t.result.folds[0].survivor_id, tree_step(&t, 3)->entry.step.id);
    tree_end(&t);
}

/* Two tell of the call, and a third one wraps both: it is the one call's, though its counts are not. */
static void a_wrapper_of_twins_wraps_one_call(void **state)
{
    tree t;
    const trace_step *step = NULL;

    (void)state;
    tree_begin(&t);
    tree_model(&t, 1, 0, 0, 500)->facts.service_tier = SW_STR("flex");
    t.spans[0].facts.usage.prompt = sw_int_of(999);
    (void)twin(&t, 2, 1, 10, 400, "one");
    twin(&t, 3, 1, 20, 390, "two")->facts.provider_name = SW_STR("openai");
    t.spans[2].facts.usage = (span_usage){.state = SW_USAGE_STATE_UNKNOWN};
    t.spans[2].facts.model_endpoint = SW_STR("https://a");
    t.spans[2].facts.agent_name = SW_STR("bot");
    t.spans[2].facts.end_user = SW_STR("ann");
    t.spans[2].facts.tags = SW_STR("[]");
    tree_compute(&t);
    assert_int_equal(1, t.result.step_count);
    step = tree_step(&t, 3);
    assert_non_null(step);
    TEXT(step->entry.step.service_tier, "flex");
    assert_int_equal(10, step->entry.step.prompt_tokens.value);
    tree_end(&t);
}

/* What the outer of the two did beside the inner one is the inner one's. */
static void what_a_collapsed_agent_did_is_of_the_one_that_stays(void **state)
{
    tree t;

    (void)state;
    tree_begin(&t);
    tree_add(&t, 1, 0, SPAN_AGENT, 0, 1000)->facts.agent_name = SW_STR("bot");
    tree_add(&t, 2, 1, SPAN_AGENT, 10, 400)->facts.agent_name = SW_STR("bot");
    (void)tree_model(&t, 3, 2, 20, 300);
    (void)tree_add(&t, 4, 1, SPAN_TOOL, 410, 900);
    tree_add(&t, 5, 4, SPAN_AGENT, 420, 890)->facts.agent_name = SW_STR("helper");
    (void)tree_model(&t, 6, 5, 430, 800);
    tree_compute(&t);
    assert_int_equal(2, t.result.run_count);
    SAME(t.result.runs[0].id, tree_run_id(&t, 2));
    assert_null(t.result.runs[0].parent_run_id.ptr);
    SAME(tree_run(&t, tree_step(&t, 6))->parent_run_id, tree_run_id(&t, 2));
    /* and so the tool is of the call before it */
    assert_int_equal(490 * 1000000, tree_step(&t, 3)->entry.metrics->tool_execution_ns.value);
    SAME(tree_step(&t, 6)->entry.step.parent_step_id, tree_step(&t, 3)->entry.step.id);
    tree_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_instrumentations_of_one_call_are_one_step),
        cmocka_unit_test(three_twins_are_one_step_whoever_began_first),
        cmocka_unit_test(a_twin_of_two_calls_belongs_to_the_better_told),
        cmocka_unit_test(a_wrapper_of_twins_wraps_one_call),
        cmocka_unit_test(an_agent_shown_twice_is_one_run),
        cmocka_unit_test(what_a_collapsed_agent_did_is_of_the_one_that_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
