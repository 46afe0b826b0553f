/* SPDX-License-Identifier: Apache-2.0 */
/* Records with their relations: what loads when, what saving creates, what removing deletes. */
#include "tests/lib/lt.h"

/* A step in a run of an agent, with timings and two messages. */
typedef struct scene {
    sw_str agent, run, step, provider;
} scene;

static scene populate(lt *t)
{
    scene s = {.agent = lt_agent(t, &t->a, 1)};
    sw_message m[2] = {lt_message(t, 1, "one"), lt_message(t, 2, "two")};
    sw_step_metrics metrics = {.step_ns = sw_int_of(100)};
    sw_step_entry e = {
        .step = lt_step(t, 1), .metrics = &metrics, .messages = m, .message_count = 2};
    s.provider = lt_provider(t, &t->a, 1);
    s.run = e.step.run_id = lt_run(t, &t->a, 1, s.agent);
    s.step = e.step.id;
    e.step.agent_id = s.agent;
    e.step.provider_id = s.provider;
    lt_log_entry(t, &t->a, &e);
    return s;
}

static sw_object *load(lt *t, sw_record_id record, sw_str id, const char *const *relations)
{
    sw_object *o = NULL;
    OK(sw_object_load(t->ledger, &t->a, record, id, relations, &o, &t->err));
    assert_non_null(o);
    return o;
}

static void what_raises_says_so(lt *t)
{
    scene s = populate(t);
    sw_object *o = load(t, SW_RECORD_STEP, s.step, NULL);
    const char *const names[] = {"organization", "provider", "run"};
    const void *one = NULL;
    TEXT(((const sw_step *)sw_object_row(o))->id, s.step.ptr);
    for (int i = 0; i < 3; i++) {
        IS(SW_STATUS_NOT_LOADED, sw_object_one(o, names[i], &one, &t->err));
        NAMES(&t->err, names[i]);
    }
    sw_object_free(&o);
    assert_null(o);
    o = load(t, SW_RECORD_STEP, s.step, (const char *const[]){"run", "provider", NULL});
    OK(sw_object_one(o, "run", &one, &t->err));
    TEXT(((const sw_run *)one)->id, s.run.ptr);
    OK(sw_object_one(o, "provider", &one, &t->err));
    TEXT(((const sw_provider *)one)->id, s.provider.ptr);
    IS(SW_STATUS_NOT_LOADED, sw_object_one(o, "organization", &one, &t->err));
    sw_object_free(&o);
}

static void what_does_not_load_is_empty(lt *t)
{
    scene s = populate(t);
    sw_object *o = load(t, SW_RECORD_STEP, s.step, NULL);
    const void *one = &one;
    const void *const *many = NULL;
    size_t count = 9;
    OK(sw_object_many(o, "messages", &many, &count, &t->err));
    SAME(count, 0);
    OK(sw_object_one(o, "metrics", &one, &t->err));
    assert_null(one);
    sw_object_free(&o);
    o = load(t, SW_RECORD_STEP, s.step, (const char *const[]){"messages", "metrics", NULL});
    OK(sw_object_many(o, "messages", &many, &count, &t->err));
    SAME(count, 2);
    TEXT(((const sw_message *)many[0])->text, "one");
    TEXT(((const sw_message *)many[1])->text, "two");
    OK(sw_object_one(o, "metrics", &one, &t->err));
    SAME(((const sw_step_metrics *)one)->step_ns.value, 100);
    sw_object_free(&o);
}

static void what_loads_together_is_there(lt *t)
{
    scene s = populate(t);
    sw_object *o = load(t, SW_RECORD_MESSAGE, lt_id(t, "message", 1), NULL);
    const void *one = NULL;
    OK(sw_object_one(o, "step", &one, &t->err));
    TEXT(((const sw_step *)one)->id, s.step.ptr);
    OK(sw_object_one(o, "run", &one, &t->err));
    TEXT(((const sw_run *)one)->id, s.run.ptr);
    IS(SW_STATUS_NOT_LOADED, sw_object_one(o, "organization", &one, &t->err));
    sw_object_free(&o);
}

static void what_loads_on_touch_is_read(lt *t)
{
    scene s = populate(t);
    sw_object *o = load(t, SW_RECORD_RUN, s.run, NULL);
    const void *one = NULL;
    const void *const *many = NULL;
    size_t count = 9;
    OK(sw_object_one(o, "agent", &one, &t->err));
    TEXT(((const sw_agent *)one)->id, s.agent.ptr);
    OK(sw_object_one(o, "organization", &one, &t->err));
    TEXT(((const sw_organization *)one)->id, t->a.organization_id.ptr);
    OK(sw_object_many(o, "steps", &many, &count, &t->err));
    SAME(count, 0);
    sw_object_free(&o);
    o = load(t, SW_RECORD_RUN, s.run, (const char *const[]){"steps", "metrics", NULL});
    OK(sw_object_many(o, "steps", &many, &count, &t->err));
    SAME(count, 1);
    OK(sw_object_one(o, "metrics", &one, &t->err));
    SAME(((const sw_run_metrics *)one)->num_steps.value, 1);
    sw_object_free(&o);
    o = load(t, SW_RECORD_STEP_METRICS, s.step, NULL);
    OK(sw_object_one(o, "step", &one, &t->err));
    TEXT(((const sw_step *)one)->id, s.step.ptr);
    IS(SW_STATUS_NOT_LOADED, sw_object_one(o, "agent", &one, &t->err));
    sw_object_free(&o);
}

static void a_relation_must_exist(lt *t)
{
    scene s = populate(t);
    sw_object *o = NULL;
    const void *one = NULL;
    CHECK(sw_object_load(t->ledger, &t->a, SW_RECORD_STEP, s.step,
                         (const char *const[]){"children", NULL}, &o, &t->err) != SW_STATUS_OK);
    NAMES(&t->err, "children");
    assert_null(o);
    IS(SW_STATUS_NOT_FOUND,
       sw_object_load(t->ledger, &t->a, SW_RECORD_STEP, lt_id(t, "step", 9), NULL, &o, &t->err));
    IS(SW_STATUS_NOT_FOUND,
       sw_object_load(t->ledger, &t->b, SW_RECORD_STEP, s.step, NULL, &o, &t->err));
    o = load(t, SW_RECORD_STEP, s.step, NULL);
    CHECK(sw_object_one(o, "children", &one, &t->err) != SW_STATUS_OK);
    sw_object_free(&o);
}

static void saving_creates_new_messages(lt *t)
{
    scene s = populate(t);
    sw_object *o = load(t, SW_RECORD_STEP, s.step, (const char *const[]){"messages", NULL});
    sw_message m = lt_message(t, 3, "three");
    const void *rows[3] = {NULL, NULL, &m};
    const void *const *many = NULL;
    size_t count = 0;
    sw_message got;
    sw_outcome out;
    OK(sw_object_many(o, "messages", &many, &count, &t->err));
    rows[0] = many[0];
    rows[1] = many[1];
    OK(sw_object_set(o, "messages", rows, 3, &t->err));
    CHECK(!lt_there(t, &t->a, SW_RECORD_MESSAGE, m.id)); /* not before it is saved */
    OK(sw_object_save(o, &out, &t->err));
    VERDICT(out, UPDATED);
    OK(sw_get(t->ledger, &t->a, SW_RECORD_MESSAGE, m.id, t->memory, &got, &t->err));
    TEXT(got.text, "three");
    TEXT(got.step_id, s.step.ptr);
    sw_object_free(&o);
    CLEAN();
}

/* messages: save-update only. Taking one out of the list deletes nothing. */
static void removed_messages_are_not_deleted(lt *t)
{
    scene s = populate(t);
    sw_object *o = load(t, SW_RECORD_STEP, s.step, (const char *const[]){"messages", NULL});
    sw_outcome out;
    OK(sw_object_set(o, "messages", NULL, 0, &t->err));
    OK(sw_object_save(o, &out, &t->err));
    sw_object_free(&o);
    CHECK(lt_there(t, &t->a, SW_RECORD_MESSAGE, lt_id(t, "message", 1)));
    CLEAN();
}

/* metrics: delete-orphan. */
static void removed_metrics_are_deleted(lt *t)
{
    scene s = populate(t);
    sw_object *o = load(t, SW_RECORD_STEP, s.step, (const char *const[]){"metrics", NULL});
    sw_step_metrics fresh = {.tool_execution_ns = sw_int_of(7)};
    const void *row = &fresh;
    sw_usage_query latency = {.latency = true};
    sw_outcome out;
    OK(sw_object_set(o, "metrics", &row, 1, &t->err));
    OK(sw_object_save(o, &out, &t->err));
    VERDICT(out, UPDATED);
    SAME(lt_metrics(t, &t->a, s.step).tool_execution_ns.value, 7);
    CHECK(!lt_metrics(t, &t->a, s.step).step_ns.known); /* replaced, not merged */
    SAME(lt_usage(t, &t->a, &latency).at[0].step_time.count, 0);
    OK(sw_object_set(o, "metrics", NULL, 0, &t->err));
    OK(sw_object_save(o, &out, &t->err));
    CHECK(!lt_there(t, &t->a, SW_RECORD_STEP_METRICS, s.step));
    sw_object_free(&o);
    CLEAN();
}

/* What is saved as it was is no change: no verdict, no journal entry, no other time of creation. */
static void the_same_metrics_again_change_nothing(lt *t)
{
    scene s = populate(t);
    sw_object *o = load(t, SW_RECORD_STEP, s.step, (const char *const[]){"metrics", NULL});
    sw_step_metrics before = lt_metrics(t, &t->a, s.step), after;
    sw_step_metrics said = {.step_ns = before.step_ns, .llm_request_ns = before.llm_request_ns};
    const void *row = &said;
    int64_t head = 0;
    sw_outcome out;
    said.tool_execution_ns = before.tool_execution_ns;
    said.ttft_ns = before.ttft_ns;
    head = lt_head(t, &t->a);
    OK(sw_object_set(o, "metrics", &row, 1, &t->err));
    OK(sw_object_save(o, &out, &t->err));
    VERDICT(out, UNCHANGED);
    SAME(out.seq, head);
    SAME(lt_head(t, &t->a), head);
    after = lt_metrics(t, &t->a, s.step);
    SAME_ROW(SW_RECORD_STEP_METRICS, &after, &before, 0);
    OK(sw_object_set(o, "metrics", NULL, 0, &t->err));
    OK(sw_object_save(o, &out, &t->err));
    VERDICT(out, UPDATED);
    head = lt_head(t, &t->a);
    OK(sw_object_set(o, "metrics", NULL, 0, &t->err));
    OK(sw_object_save(o, &out, &t->err));
    VERDICT(out, UNCHANGED);
    SAME(lt_head(t, &t->a), head);
    sw_object_free(&o);
    CLEAN();
}

static void removed_models_are_deleted(lt *t)
{
    scene s = populate(t);
    sw_provider_model m = {.id = lt_id(t, "model", 1),
                           .handle = SW_STR("h"),
                           .name = SW_STR("n"),
                           .display_name = SW_STR("d"),
                           .model_endpoint_type = SW_STR("openai")};
    const void *row = &m;
    sw_object *o = load(t, SW_RECORD_PROVIDER, s.provider, (const char *const[]){"models", NULL});
    sw_outcome out;
    OK(sw_object_set(o, "models", &row, 1, &t->err));
    OK(sw_object_save(o, &out, &t->err));
    CHECK(lt_there(t, &t->a, SW_RECORD_PROVIDER_MODEL, m.id));
    sw_object_free(&o);
    o = load(t, SW_RECORD_PROVIDER, s.provider, (const char *const[]){"models", NULL});
    OK(sw_object_set(o, "models", NULL, 0, &t->err));
    OK(sw_object_save(o, &out, &t->err));
    CHECK(!lt_there(t, &t->a, SW_RECORD_PROVIDER_MODEL, m.id));
    sw_object_free(&o);
}

static void a_save_that_fails_changes_nothing(lt *t)
{
    scene s = populate(t);
    sw_object *o = load(t, SW_RECORD_STEP, s.step, (const char *const[]){"messages", NULL});
    sw_message good = lt_message(t, 3, "three"), bad = lt_message(t, 4, "four");
    const void *rows[] = {&good, &bad};
    sw_outcome out;
    bad.role = sw_int_of(99);
    if (sw_object_set(o, "messages", rows, 2, &t->err) == SW_STATUS_OK) {
        CHECK(sw_object_save(o, &out, &t->err) != SW_STATUS_OK);
    }
    NAMES(&t->err, "role");
    CHECK(!lt_there(t, &t->a, SW_RECORD_MESSAGE, good.id));
    sw_object_free(&o);
    CLEAN();
}

static const lt_case cases[] = {
    {"what raises says so", what_raises_says_so, 0},
    {"what does not load is empty", what_does_not_load_is_empty, 0},
    {"what loads together is there", what_loads_together_is_there, 0},
    {"what loads on touch is read", what_loads_on_touch_is_read, 0},
    {"a relation must exist", a_relation_must_exist, 0},
    {"saving creates new messages", saving_creates_new_messages, 0},
    {"removed messages are not deleted", removed_messages_are_not_deleted, 0},
    {"removed metrics are deleted", removed_metrics_are_deleted, 0},
    {"the same metrics again change nothing", the_same_metrics_again_change_nothing, 0},
    {"removed models are deleted", removed_models_are_deleted, 0},
    {"a save that fails changes nothing", a_save_that_fails_changes_nothing, 0},
};

LT_MAIN("objects", cases)
