/* SPDX-License-Identifier: Apache-2.0 */
/* Random steps from few values, so that they meet: equal times, equal ids, equal models. */
#include "tests/lib/chance.h"

#define PICK(RNG, ...)                                                                             \
    (((const char *const[]){__VA_ARGS__})[lt_below(                                                \
        (RNG), (unsigned)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))])

static sw_str pick_text(const char *text)
{
    return sw_str_from(text);
}

sw_str chance_step_id(lt *t, lt_rng *rng)
{
    unsigned which = lt_below(rng, 10);
    if (which == 0) {
        return lt_id(t, "step", 9999);
    }
    if (which == 1) {
        return lt_id(t, "step", CHANCE_RESTATED + lt_below(rng, 10));
    }
    return which < 5 ? lt_id(t, "step", CHANCE_OTLP + lt_below(rng, CHANCE_OTLP_STEPS))
                     : lt_id(t, "step", lt_below(rng, CHANCE_STEPS));
}

sw_str chance_tags(lt *t, lt_rng *rng)
{
    static const char *const tags[] = {"[\"red\"]", "[\"red\",\"blue\"]", "[\"green\"]",
                                       "[\"blue\",\"green\",\"gold\"]"};
    (void)t;
    return sw_str_from(tags[lt_below(rng, 4)]);
}

void chance_tokens(lt_rng *rng, sw_step *step)
{
    unsigned how = lt_below(rng, 6);
    int64_t prompt = 1 + lt_below(rng, 1000), completion = 1 + lt_below(rng, 300);
    if (how == 0) {
        return;
    }
    if (how != 1) {
        step->prompt_tokens = sw_int_of(prompt);
    }
    if (how != 2) {
        step->completion_tokens = sw_int_of(completion);
    }
    if (how >= 4) {
        step->total_tokens = sw_int_of(prompt + completion);
        step->reasoning_tokens = sw_int_of(lt_below(rng, (unsigned)completion + 1));
    }
    if (how == 5) {
        step->cached_input_tokens = sw_int_of(lt_below(rng, (unsigned)prompt + 1));
        step->cache_write_tokens =
            sw_int_of(lt_below(rng, (unsigned)(prompt - step->cached_input_tokens.value) + 1));
    }
}

sw_str chance_tool_calls(lt_rng *rng)
{
    return pick_text(
        PICK(rng, NULL, "[]", "[{\"name\":\"search\",\"input\":{\"name\":\"inner\"}}]",
             "[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"fetch\","
             "\"arguments\":\"{\\\"name\\\":\\\"inner\\\"}\"}}]",
             "[{\"name\":\"search\"},{\"function\":{\"name\":\"fetch\"}},{\"name\":\"search\"}]"));
}

sw_step_metrics chance_metrics(lt_rng *rng)
{
    sw_step_metrics m = {0};
    int64_t ns = INT64_C(1) << (10 + lt_below(rng, 28));
    m.step_ns = sw_int_of(ns + lt_below(rng, 1000000));
    if (!lt_one_in(rng, 4)) {
        m.llm_request_ns = sw_int_of(ns / 2 + lt_below(rng, 1000));
    }
    if (lt_one_in(rng, 2)) {
        m.tool_execution_ns = sw_int_of(ns / 4);
    }
    return m;
}

static void fill_words(lt *t, lt_rng *rng, sw_step *s)
{
    s->model = pick_text(PICK(rng, "gpt-x", "claude", "m", "gpt-x", NULL));
    s->provider_name = pick_text(PICK(rng, "openai", "anthropic", NULL));
    s->provider_category = pick_text(PICK(rng, "base", "byok", NULL));
    s->project_id = pick_text(PICK(rng, "project-1", "project-2", NULL));
    s->end_user = pick_text(PICK(rng, "ann", "bob", NULL));
    s->request_id = pick_text(PICK(rng, "req-1", "req-2", NULL, NULL));
    s->trace_id = pick_text(PICK(rng, "5b8efff798038103d269b633813fc60c", NULL, NULL));
    s->input_preview = pick_text(PICK(rng, "Find the Answer", "say something", NULL));
    s->output_preview = pick_text(PICK(rng, "42", "the answer is in the well", NULL));
    s->metadata = pick_text(PICK(rng, "{\"k\":\"v\"}", NULL, NULL));
    s->origin = pick_text(PICK(rng, "cli", NULL));
    if (lt_one_in(rng, 3)) {
        s->tags = chance_tags(t, rng);
    }
    if (!lt_one_in(rng, 3)) {
        s->agent_id = lt_id(t, "agent", lt_below(rng, CHANCE_AGENTS + 2));
    }
    if (lt_one_in(rng, 2)) {
        s->run_id = lt_id(t, "run", lt_below(rng, CHANCE_RUNS));
    }
    if (lt_one_in(rng, 5)) {
        s->parent_step_id = lt_id(t, "step", lt_below(rng, CHANCE_STEPS));
    }
}

static void fill_end(lt_rng *rng, sw_step *s)
{
    s->status = sw_int_of(1 + lt_below(rng, 3));
    if (lt_one_in(rng, 2)) {
        s->stop_reason = pick_text(PICK(rng, "end_turn", "max_steps", "error"));
    }
    if (s->status.value == SW_STEP_STATUS_FAILED) {
        s->error_type = pick_text(PICK(rng, "Timeout", "RateLimit"));
        s->error_data = pick_text(PICK(rng, "{\"message\":\"the Well is dry\"}", NULL));
    }
    if (lt_one_in(rng, 2)) {
        s->cost_nano_usd = sw_int_of(lt_below(rng, 1000000));
    }
    chance_tokens(rng, s);
}

sw_step_entry chance_entry(lt *t, lt_rng *rng)
{
    sw_step_entry e = {0};
    bool otlp = lt_one_in(rng, 4);
    int64_t hours = lt_below(rng, 96);
    e.step.id = otlp ? lt_id(t, "step", CHANCE_OTLP + lt_below(rng, CHANCE_OTLP_STEPS))
                     : lt_id(t, "step", lt_below(rng, CHANCE_STEPS));
    if (lt_one_in(rng, 25)) {
        e.step.id = SW_NULL_STR;
    }
    fill_words(t, rng, &e.step);
    if (!lt_one_in(rng, 20)) {
        e.step.created_at =
            sw_int_of(LT_TIME - hours * INT64_C(3600000000) + (int64_t)lt_below(rng, 3) * 777);
    }
    e.step.source = otlp ? sw_int_of(SW_SOURCE_OTLP) : SW_NULL_INT;
    if (lt_one_in(rng, 3)) {
        e.step.status = sw_int_of(SW_STEP_STATUS_PENDING);
        e.lease_seconds = SW_LIMIT_LEASE_SECONDS;
        if (lt_one_in(rng, 3)) {
            e.step.prompt_tokens = sw_int_of(1 + lt_below(rng, 50));
        }
    } else {
        fill_end(rng, &e.step);
    }
    if (otlp && lt_one_in(rng, 6)) {
        e.step.prompt_tokens = sw_int_of(5);
        e.step.completion_tokens = sw_int_of(5);
        e.step.total_tokens = sw_int_of(11);
    }
    if (lt_one_in(rng, 3)) {
        sw_step_metrics *m = pool_alloc(t->pool, sizeof *m);
        *m = chance_metrics(rng);
        e.metrics = m;
    }
    if (lt_one_in(rng, 6)) {
        sw_message *m = pool_alloc(t->pool, 2 * sizeof *m);
        m[0] = lt_message(t, 0, "what is in the well?");
        m[1] = lt_message(t, 0, PICK(rng, "water", "steps"));
        m[0].id = m[1].id = SW_NULL_STR;
        m[1].tool_calls = chance_tool_calls(rng);
        e.messages = m;
        e.message_count = 1 + lt_below(rng, 2);
    }
    if (lt_one_in(rng, 8)) {
        sw_provider_trace *trace = pool_alloc(t->pool, sizeof *trace);
        *trace = lt_trace(t, 0);
        trace->id = SW_NULL_STR;
        e.traces = trace;
        e.trace_count = 1;
    }
    return e;
}

sw_step_entry chance_end(lt *t, lt_rng *rng)
{
    sw_step_entry e = {0};
    fill_end(rng, &e.step);
    if (lt_one_in(rng, 3)) {
        e.step.model = SW_STR("resolved");
    }
    if (lt_one_in(rng, 3)) {
        sw_step_metrics *m = pool_alloc(t->pool, sizeof *m);
        *m = chance_metrics(rng);
        e.metrics = m;
    }
    return e;
}

const char *chance_break(lt *t, lt_rng *rng, sw_step_entry *e)
{
    static char long_word[SW_LIMIT_WORD_BYTES + 1], long_preview[SW_LIMIT_PREVIEW_CHARS + 1];
    sw_step *s = &e->step;
    memset(long_word, 'w', sizeof long_word);
    memset(long_preview, 'p', sizeof long_preview);
    /* clang-format off: one way a line */
    switch (lt_below(rng, 19)) {
    case 0:
        s->id = SW_STR("step-xyz");
        return "id";
    case 1:
        s->prompt_tokens = sw_int_of(-1);
        return "prompt_tokens";
    case 2:
        s->status = sw_int_of(9);
        return "status";
    case 3:
        s->tags = SW_STR("{\"a\":1}");
        return "tags";
    case 4:
        s->metadata = SW_STR("{");
        return "metadata";
    case 5:
        s->model = sw_str_make("a\0b", 3);
        return "model";
    case 6:
        s->model = SW_STR("\xff\xfe");
        return "model";
    case 7:
        s->model = sw_str_make(long_word, sizeof long_word);
        return "model";
    case 8:
        s->input_preview = sw_str_make(long_preview, sizeof long_preview);
        return "input_preview";
    case 9:
        s->trace_id = SW_STR("XYZ");
        return "trace_id";
    case 10:
        s->organization_id = lt_id(t, "org", 0xdead);
        return "organization_id";
    case 11:
        s->retired_into = lt_id(t, "step", 1);
        return "retired_into";
    case 12:
        s->lease_expires_at = sw_int_of(LT_TIME);
        return "lease_expires_at";
    case 13:
        s->run_id = lt_id(t, "run", 777);
        return "run_id";
    case 14:
        s->provider_id = lt_id(t, "provider", 777);
        return "provider_id";
    case 15:
        s->feedback = sw_int_of(7);
        return "feedback";
    case 16:
        s->run_id = SW_STR("run-1");
        return "run_id";
    case 17:
        s->created_by_id = lt_id(t, "user", 777);
        return "created_by_id";
    default:
        s->context_window_limit = sw_int_of(INT64_C(1) << 40);
        return "context_window_limit";
    }
    /* clang-format on */
}

sw_condition chance_condition(lt *t, lt_rng *rng, sw_value *v)
{
    v[0] = v[1] = (sw_value){0};
    /* clang-format off: one way a line */
    switch (lt_below(rng, 12)) {
    case 0:
        v[0].text = SW_STR("gpt-x");
        return (sw_condition){SW_STEP_MODEL, SW_OP_EQ, v, 1};
    case 1:
        v[0].number = lt_below(rng, 4);
        return (sw_condition){SW_STEP_STATUS, SW_OP_EQ, v, 1};
    case 2:
        v[0].text = lt_id(t, "run", lt_below(rng, CHANCE_RUNS));
        return (sw_condition){SW_STEP_RUN_ID, SW_OP_EQ, v, 1};
    case 3:
        v[0].text = lt_id(t, "agent", lt_below(rng, CHANCE_AGENTS));
        return (sw_condition){SW_STEP_AGENT_ID, SW_OP_EQ, v, 1};
    case 4:
        v[0].text = SW_STR("red");
        v[1].text = SW_STR("gold");
        return (sw_condition){SW_STEP_TAGS, SW_OP_TAG_ANY, v, 2};
    case 5:
        v[0].text = SW_STR("red");
        v[1].text = SW_STR("blue");
        return (sw_condition){SW_STEP_TAGS, SW_OP_TAG_ALL, v, 2};
    case 6:
        v[0].number = lt_below(rng, 1000);
        return (sw_condition){SW_STEP_TOTAL_TOKENS, SW_OP_GE, v, 1};
    case 7:
        v[0].number = LT_TIME - (int64_t)lt_below(rng, 96) * INT64_C(3600000000);
        return (sw_condition){SW_STEP_CREATED_AT, SW_OP_LT, v, 1};
    case 8:
        return (sw_condition){SW_STEP_FEEDBACK, SW_OP_NOT_NULL, NULL, 0};
    case 9:
        v[0].text = SW_STR("Timeout");
        return (sw_condition){SW_STEP_ERROR_TYPE, SW_OP_NE, v, 1};
    case 10:
        v[0].text = SW_STR("end_turn");
        v[1].text = SW_STR("error");
        return (sw_condition){SW_STEP_STOP_REASON, SW_OP_IN, v, 2};
    default:
        return (sw_condition){SW_STEP_PROJECT_ID, SW_OP_NULL, NULL, 0};
    }
    /* clang-format on */
}
