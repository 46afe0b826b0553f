/* SPDX-License-Identifier: Apache-2.0 */
/* The contract when memory runs out: each verb is tried with the first, second, third ... allocation
 * failing, until it needs no more. Every failure says NO_MEMORY, leaks nothing (the tear-down counts),
 * and leaves a group that rolls back to what was there before, without needing memory.
 */
#include "tests/contract/contract.h"

/* What a verb works on: made anew, in a group of its own, before each try. */
typedef struct scene {
    sw_project *project; /* in the store, and alone */
    sw_step *step;       /* with metrics and a message that hang on it */
    sw_usage_org_hour *hour;
} scene;

typedef sw_status fault_verb(contract *ct, const scene *at, sw_error *err);

static void set_scene(contract *ct, scene *s)
{
    ct_begin(ct);
    s->project = ct_insert(ct, SW_RECORD_PROJECT, ROWGEN_FULL);
    s->hour = ct_insert(ct, SW_RECORD_USAGE_ORG_HOUR, ROWGEN_FULL);
    s->step = ct_insert(ct, SW_RECORD_STEP, ROWGEN_FULL);
    ct_unpool(ct, SW_RECORD_STEP, s->step);
    sw_step_metrics *timing = ct_row(ct, SW_RECORD_STEP_METRICS, ROWGEN_FULL);
    timing->id = s->step->id;
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_STEP_METRICS, timing, err), OK);
    sw_message *message = ct_row(ct, SW_RECORD_MESSAGE, ROWGEN_FULL);
    message->step_id = s->step->id;
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_MESSAGE, message, err), OK);
    ct_commit(ct);
}

static sw_status insert(contract *ct, const scene *at, sw_error *err)
{
    sw_step step = *at->step;
    step.id = SW_STR("step-00000000-0000-4000-8000-000000000001");
    return sw_store_insert(ct->writer, SW_RECORD_STEP, &step, err);
}

static sw_status update(contract *ct, const scene *at, sw_error *err)
{
    sw_step step = *at->step;
    step.model = SW_STR("a model that no other step has");
    step.created_at = sw_int_of(1);
    return sw_store_update(ct->writer, SW_RECORD_STEP, &step,
                           SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_CREATED_AT), err);
}

static sw_status add(contract *ct, const scene *at, sw_error *err)
{
    return sw_store_add(ct->writer, SW_RECORD_USAGE_ORG_HOUR, at->hour, err);
}

static sw_status add_new(contract *ct, const scene *at, sw_error *err)
{
    sw_usage_org_hour hour = *at->hour;
    hour.hour.value ^= 1;
    return sw_store_add(ct->writer, SW_RECORD_USAGE_ORG_HOUR, &hour, err);
}

static sw_status put(contract *ct, const scene *at, sw_error *err)
{
    sw_usage_org_hour hour = *at->hour;
    hour.num_steps = sw_int_of(3);
    return sw_store_put(ct->writer, SW_RECORD_USAGE_ORG_HOUR, &hour, err);
}

static sw_status remove_one(contract *ct, const scene *at, sw_error *err)
{
    return sw_store_remove(ct->writer, SW_RECORD_PROJECT, at->project, err);
}

static sw_status remove_deep(contract *ct, const scene *at, sw_error *err)
{
    return sw_store_remove(ct->writer, SW_RECORD_STEP, at->step, err);
}

static sw_status get(contract *ct, const scene *at, sw_error *err)
{
    sw_arena arena;
    sw_step got;
    sw_arena_init(&arena, &ct->memory.face, 0);
    sw_status status = sw_store_get(ct->writer, SW_RECORD_STEP, at->step, &arena, &got, err);
    if (status == SW_STATUS_OK && !sw_str_eq(got.model, at->step->model)) {
        status = SW_STATUS_INTERNAL;
    }
    sw_arena_fini(&arena);
    return status;
}

static sw_seen any_row(void *arg, const void *row)
{
    (void)arg;
    (void)row;
    return SW_SEEN_COUNT;
}

static sw_status scan(contract *ct, const scene *at, sw_error *err)
{
    const sw_value organization = {.text = at->step->organization_id};
    const sw_condition mine = {SW_STEP_ORGANIZATION_ID, SW_OP_EQ, &organization, 1};
    const sw_scan newest = {.record = SW_RECORD_STEP,
                            .conditions = &mine,
                            .condition_count = 1,
                            .order = {SW_STEP_CREATED_AT, SW_STEP_ID},
                            .order_count = 2};
    return sw_store_scan(ct->writer, &newest, any_row, NULL, NULL, err);
}

static sw_status scan_sorted(contract *ct, const scene *at, sw_error *err)
{
    sw_arena arena;
    sw_step place = {.id = SW_NULL_STR};
    sw_arena_init(&arena, &ct->memory.face, 0);
    (void)at;
    const sw_scan by_cost = {.record = SW_RECORD_STEP,
                             .order = {SW_STEP_COST_NANO_USD, SW_STEP_ID},
                             .order_count = 2,
                             .place = &place,
                             .place_arena = &arena};
    sw_status status = sw_store_scan(ct->writer, &by_cost, any_row, NULL, NULL, err);
    sw_arena_fini(&arena);
    return status;
}

static const struct {
    const char *name;
    fault_verb *run;
} verbs[] = {
    {"insert", insert},
    {"update", update},
    {"add", add},
    {"add a new row", add_new},
    {"put", put},
    {"remove", remove_one},
    {"remove deeply", remove_deep},
    {"get", get},
    {"scan", scan},
    {"scan in another order", scan_sorted},
};

/* One try with the n-th allocation failing; true when the verb needed fewer. */
static bool try_once(contract *ct, size_t verb, const scene *s, const ct_picture *before, int64_t n)
{
    sw_error told = {0};
    ct_begin(ct);
    ct_memory_fail_in(&ct->memory, n);
    sw_status status = verbs[verb].run(ct, s, &told);
    bool failed = ct->memory.failed;
    ct_memory_fail_in(&ct->memory, 0);
    ct_expect_at(status, failed ? SW_STATUS_NO_MEMORY : SW_STATUS_OK, &told, verbs[verb].name,
                 __FILE__, __LINE__);
    ct_memory_fail_in(&ct->memory, 1); /* nothing may be needed to roll back */
    ct_rollback(ct);
    ct_memory_fail_in(&ct->memory, 0);
    ct_unchanged(ct->reader, before);
    ct_unchanged(ct->writer, before);
    return !failed;
}

static void every_allocation_of_each_verb(void **state)
{
    contract *ct = *state;
    scene s;
    ct_picture before;
    ct_world(ct);
    set_scene(ct, &s);
    ct_picture_take(&before, ct->reader);
    for (size_t verb = 0; verb < SW_COUNT(verbs); verb++) {
        int64_t n = 1;
        while (!try_once(ct, verb, &s, &before, n)) {
            assert_true(++n < 2000);
        }
    }
    ct_picture_fini(&before);
}

/* A group that failed is lost as a whole, and says so until it is rolled back. */
static void a_broken_group_commits_nothing(void **state)
{
    contract *ct = *state;
    scene s;
    ct_picture before;
    sw_error told = {0};
    bool broke = false;
    ct_world(ct);
    set_scene(ct, &s);
    ct_picture_take(&before, ct->reader);
    for (int64_t n = 1; !broke && n < 2000; n++) {
        ct_begin(ct);
        CT_EXPECT(remove_one(ct, &s, err), OK);
        ct_memory_fail_in(&ct->memory, n);
        sw_status status = insert(ct, &s, &told);
        ct_memory_fail_in(&ct->memory, 0);
        if (status == SW_STATUS_OK) {
            ct_rollback(ct);
            break; /* a store that needs no memory for it */
        }
        broke = true;
        CT_EXPECT(add(ct, &s, err), NO_MEMORY);
        CT_EXPECT(sw_session_commit(ct->writer, err), NO_MEMORY);
    }
    ct_unchanged(ct->reader, &before);
    ct_begin(ct);
    CT_EXPECT(insert(ct, &s, err), OK);
    ct_commit(ct);
    ct_picture_fini(&before);
}

/* Commit with no memory at all either is durable or keeps nothing. */
static void commits_under_pressure(void **state)
{
    contract *ct = *state;
    ct_picture before;
    ct_world(ct);
    for (int64_t n = 1; n < 200; n++) {
        sw_error told = {0};
        ct_picture_take(&before, ct->reader);
        ct_begin(ct);
        sw_project *row = ct_insert(ct, SW_RECORD_PROJECT, ROWGEN_FULL);
        ct_memory_fail_in(&ct->memory, n);
        sw_status status = sw_session_commit(ct->writer, &told);
        bool failed = ct->memory.failed;
        ct_memory_fail_in(&ct->memory, 0);
        if (status == SW_STATUS_OK) {
            ct_expect_row(ct, ct->reader, SW_RECORD_PROJECT, row);
        } else {
            assert_int_equal(status, SW_STATUS_NO_MEMORY);
            ct_unpool(ct, SW_RECORD_PROJECT, row);
            ct_unchanged(ct->reader, &before);
        }
        ct_picture_fini(&before);
        if (!failed) {
            return;
        }
    }
    fail_msg("commit never stops asking for memory");
}

static sw_status open_all(contract *ct, sw_error *err)
{
    sw_store_options options = {.url = sw_str_from(ct->url), .allocator = &ct->memory.face};
    sw_store *store = NULL;
    sw_session *writer = NULL, *reader = NULL;
    sw_status status = sw_store_open(&options, &store, err);
    if (status == SW_STATUS_OK) {
        status = sw_session_open(store, SW_SESSION_WRITE, &writer, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_session_open(store, SW_SESSION_READ, &reader, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_session_begin(writer, NULL, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_session_commit(writer, err);
    }
    sw_session_close(&reader);
    sw_session_close(&writer);
    sw_store_close(&store);
    return status;
}

static void opening_under_pressure(void **state)
{
    contract *ct = *state;
    int64_t n = 1;
    for (bool failed = true; failed; n++) {
        sw_error told = {0};
        int64_t out = ct->memory.out;
        ct_memory_fail_in(&ct->memory, n);
        sw_status status = open_all(ct, &told);
        failed = ct->memory.failed;
        ct_memory_fail_in(&ct->memory, 0);
        ct_expect_at(status, failed ? SW_STATUS_NO_MEMORY : SW_STATUS_OK, &told, "open", __FILE__,
                     __LINE__);
        assert_int_equal(ct->memory.out, out);
        assert_true(n < 5000);
    }
    assert_true(n > 2);
}

const ct_case ct_fault_cases[] = {
    {"every allocation of each verb", every_allocation_of_each_verb},
    {"a broken group commits nothing", a_broken_group_commits_nothing},
    {"commits under pressure", commits_under_pressure},
    {"opening under pressure", opening_under_pressure},
    {NULL, NULL},
};
