/* SPDX-License-Identifier: Apache-2.0 */
/* Random traces: what comes out does not depend on the order of spans, agrees with rules written down a second
 * time in the plainest way (each span walks up its parents), holds whatever memory runs out, and takes traces of
 * any depth and width.
 */
#include <stdlib.h>
#include <time.h>

#include "tests/ingest/tree.h"
#include "tests/unit/short_memory.h"

enum { SPANS = 40 };

static uint64_t seed;

static unsigned below(unsigned bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((seed >> 33) % bound);
}

static long rounds(long quick, long normal, long deep)
{
    const char *level = getenv("STEPWELL_TEST_LEVEL");

    return level && strcmp(level, "quick") == 0  ? quick
           : level && strcmp(level, "deep") == 0 ? deep
                                                 : normal;
}

/* ---- making --------------------------------------------------------------------------------------- */

static const span_role roles[] = {SPAN_LLM,  SPAN_LLM,   SPAN_LLM,     SPAN_TOOL,
                                  SPAN_TOOL, SPAN_AGENT, SPAN_WRAPPER, SPAN_WORKFLOW,
                                  SPAN_HTTP, SPAN_OTHER, SPAN_DROP};
static const char *const names[] = {"bot", "boss", "helper"};
static const char *const calls[] = {
    "[{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]",
    "[{\"id\":\"c2\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}},{\"id\":\"c3\",\"function\":"
    "{\"name\":\"f\",\"arguments\":\"{}\"}}]"};
static const char *const call_ids[] = {"c1", "c2", "c3", "c4"};

static void make_random(tree_span *s, unsigned id, unsigned count)
{
    unsigned parent = below(count + 2); /* itself, none, or one that never comes as well */
    int64_t start = below(50);

    tree_fill_span(s, id, parent, roles[below((unsigned)(sizeof roles / sizeof *roles))], start,
                   start + below(60));
    if (s->facts.role == SPAN_LLM) {
        tree_fill_model(s);
        s->talk.output_count = below(3) > 0;
        s->answer.tool_calls = below(2) ? sw_str_from(calls[below(2)]) : SW_NULL_STR;
        s->facts.request_id = below(3) ? SW_NULL_STR : SW_STR("resp");
        s->facts.usage.prompt.known = below(3) > 0;
        s->facts.conversation = below(3) ? SW_NULL_STR : SW_STR("thread");
    }
    s->facts.tool_call_id = below(2) ? SW_NULL_STR : sw_str_from(call_ids[below(4)]);
    s->facts.tool_name = below(2) ? SW_STR("f") : SW_NULL_STR;
    s->facts.agent_name = below(3) ? SW_NULL_STR : sw_str_from(names[below(3)]);
    s->scope.name = below(2) ? SW_STR("test") : SW_STR("another");
    s->facts.end.status = below(5) ? SW_STEP_STATUS_SUCCESS : SW_STEP_STATUS_FAILED;
    s->span.end_ns = below(10) ? s->span.end_ns : 0;
}

/* Each span points to itself: it may not move. */
static unsigned make_trace(tree_span *spans)
{
    unsigned count = 1 + below(SPANS);

    for (unsigned i = 0; i < count; i++) {
        make_random(&spans[i], i + 1, count);
    }
    return count;
}

static void compute(const tree_span *spans, const unsigned *order, unsigned count, sw_buf *out)
{
    static span_facts facts[SPANS];
    trace_whose whose = {.organization_id = TREE_ORGANIZATION, .project_id = TREE_PROJECT};
    trace_result result;
    sw_arena arena;
    sw_error err;

    sw_arena_init(&arena, &sw__libc_allocator, 0);
    for (unsigned i = 0; i < count; i++) {
        facts[i] = spans[order[i]].facts;
    }
    assert_int_equal(SW_STATUS_OK,
                     trace_compute_with(tree_talk, &whose, facts, count, &arena, &result, &err));
    sw_buf_clear(out);
    tree_print(&result, out);
    sw_arena_fini(&arena);
}

static void shuffle(unsigned *order, unsigned count)
{
    for (unsigned i = count; i-- > 1;) {
        unsigned j = below(i + 1);
        unsigned other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
}

static void order_does_not_matter(void **state)
{
    static tree_span spans[SPANS];
    unsigned order[SPANS];
    sw_buf first;
    sw_buf again;

    (void)state;
    sw_buf_init(&first, &sw__libc_allocator, 0);
    sw_buf_init(&again, &sw__libc_allocator, 0);
    for (long round = rounds(200, 3000, 60000); round-- > 0;) {
        unsigned count = make_trace(spans);
        for (unsigned i = 0; i < count; i++) {
            order[i] = i;
        }
        compute(spans, order, count, &first);
        for (int turn = 0; turn < 4; turn++) {
            shuffle(order, count);
            compute(spans, order, count, &again);
            assert_true(sw_str_eq(sw_buf_str(&first), sw_buf_str(&again)));
        }
    }
    sw_buf_fini(&first);
    sw_buf_fini(&again);
}

/* ---- the rules once more --------------------------------------------------------------------------- */

/* Trees without circles, orphans or twins, where the rules say everything. */
static unsigned make_plain(tree_span *spans)
{
    unsigned count = 1 + below(SPANS);

    for (unsigned i = 0; i < count; i++) {
        make_random(&spans[i], i + 1, count);
        memset(spans[i].span.parent_span_id, 0, OTLP_SPAN_ID);
        spans[i].span.parent_span_id[OTLP_SPAN_ID - 1] = (uint8_t)(i > 0 ? below(i) + 1 : 0);
        spans[i].facts.request_id = SW_NULL_STR;
        spans[i].facts.agent_name = SW_NULL_STR;
        spans[i].facts.role = spans[i].facts.role == SPAN_DROP ? SPAN_OTHER : spans[i].facts.role;
    }
    return count;
}

static int parent_of(const tree_span *spans, int i)
{
    return (int)spans[i].span.parent_span_id[OTLP_SPAN_ID - 1] - 1;
}

/* Whether `inner` is a model call that `outer` only wraps. */
static bool wraps(const tree_span *spans, int outer, int inner)
{
    for (int at = parent_of(spans, inner); at >= 0; at = parent_of(spans, at)) {
        span_role role = spans[at].facts.role;
        if (at == outer) {
            return true;
        }
        if (role == SPAN_TOOL || role == SPAN_AGENT || role == SPAN_WORKFLOW) {
            return false;
        }
    }
    return false;
}

static bool is_step(const tree_span *spans, unsigned count, int i)
{
    bool step = spans[i].facts.role == SPAN_LLM;

    for (unsigned other = 0; step && other < count; other++) {
        step = !(spans[other].facts.role == SPAN_LLM && wraps(spans, i, (int)other));
    }
    return step;
}

static int nearest(const tree_span *spans, int i, span_role role)
{
    int at = parent_of(spans, i);

    while (at >= 0 && spans[at].facts.role != role) {
        at = parent_of(spans, at);
    }
    return at;
}

static int decider(const tree_span *spans, int i)
{
    int at = nearest(spans, i, SPAN_AGENT);

    at = at >= 0 ? at : nearest(spans, i, SPAN_WORKFLOW);
    if (at < 0 && (spans[0].facts.role == SPAN_WRAPPER || spans[0].facts.role == SPAN_LLM)) {
        return 0; /* the root */
    }
    return at;
}

static void check_plain(tree *t)
{
    unsigned steps = 0;

    tree_compute(t);
    for (unsigned i = 0; i < t->count; i++) {
        const trace_step *step = tree_step(t, i + 1);
        int run = decider(t->spans, (int)i);
        bool is = is_step(t->spans, (unsigned)t->count, (int)i);
        assert_int_equal(is, step != NULL);
        steps += is;
        if (is) {
            sw_str want = run < 0 ? tree_trace_run(t) : tree_run_id(t, (unsigned)run + 1);
            assert_true(sw_str_eq(want, step->entry.step.run_id));
            assert_non_null(tree_run(t, step));
        }
    }
    assert_int_equal(steps, t->result.step_count);
}

static void the_rules_hold(void **state)
{
    static tree t;

    (void)state;
    for (long round = rounds(200, 3000, 60000); round-- > 0;) {
        tree_begin(&t);
        t.count = make_plain(t.spans);
        check_plain(&t);
        tree_end(&t);
    }
}

/* ---- size and memory -------------------------------------------------------------------------------- */

enum { LARGE = 20000 };

/* A chain: each span inside the one before; or a fan: all below the first. */
static void large(bool chain)
{
    tree_span *spans = calloc(LARGE, sizeof *spans);
    span_facts *facts = calloc(LARGE, sizeof *facts);
    trace_whose whose = {.organization_id = TREE_ORGANIZATION};
    trace_result result;
    sw_arena arena;
    sw_error err;

    assert_non_null(spans);
    assert_non_null(facts);
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    for (unsigned i = 0; i < LARGE; i++) {
        unsigned parent = i == 0 ? 0 : chain ? i : 1;
        tree_fill_span(&spans[i], i + 1, parent,
                       i == 0  ? SPAN_AGENT
                       : i % 2 ? SPAN_LLM
                               : SPAN_TOOL,
                       i, i + 1);
        if (spans[i].facts.role == SPAN_LLM) {
            tree_fill_model(&spans[i]);
            spans[i].facts.request_id = SW_STR("the same for all");
        }
        facts[i] = spans[i].facts;
    }
    assert_int_equal(SW_STATUS_OK,
                     trace_compute_with(tree_talk, &whose, facts, LARGE, &arena, &result, &err));
    assert_int_equal(LARGE / 2, result.step_count);
    assert_int_equal(1, result.run_count);
    sw_arena_fini(&arena);
    free(spans);
    free(facts);
}

static void traces_may_be_deep(void **state)
{
    (void)state;
    large(true);
}

static void traces_may_be_wide(void **state)
{
    (void)state;
    large(false);
}

/* Where each span asks what is above it, a deep trace must not be walked once for each: at this depth that would take
 * minutes. */
enum { DEEP = 100000 };

typedef struct deep {
    tree_span *spans;
    unsigned count;
    sw_arena arena;
    trace_result result;
} deep;

static void deep_begin(deep *d)
{
    *d = (deep){.spans = calloc(DEEP, sizeof *d->spans)};
    assert_non_null(d->spans);
    sw_arena_init(&d->arena, &sw__libc_allocator, 0);
}

static tree_span *deep_add(deep *d, unsigned parent, span_role role)
{
    tree_span *s = &d->spans[d->count++];

    assert_true(d->count <= DEEP);
    tree_fill_span(s, d->count, parent, role, d->count, d->count + 1);
    if (role == SPAN_LLM) {
        tree_fill_model(s);
    }
    return s;
}

static void deep_compute(deep *d)
{
    trace_whose whose = {.organization_id = TREE_ORGANIZATION, .project_id = TREE_PROJECT};
    span_facts *facts = calloc(d->count, sizeof *facts);
    sw_error err;

    assert_non_null(facts);
    for (unsigned i = 0; i < d->count; i++) {
        facts[i] = d->spans[i].facts;
    }
    assert_int_equal(SW_STATUS_OK, trace_compute_with(tree_talk, &whose, facts, d->count, &d->arena,
                                                      &d->result, &err));
    free(facts);
}

static void deep_end(deep *d)
{
    sw_arena_fini(&d->arena);
    free(d->spans);
}

/* A call whose tool holds a tool, and so on: the innermost says what came out, and the call has it. */
static void tools_may_be_nested_deep(void **state)
{
    deep d;
    const trace_step *step = NULL;
    bool said = false;

    (void)state;
    deep_begin(&d);
    (void)deep_add(&d, 0, SPAN_LLM);
    while (d.count < DEEP) {
        (void)deep_add(&d, d.count, SPAN_TOOL);
    }
    d.spans[DEEP - 1].facts.tool_result = SW_STR("the end");
    deep_compute(&d);
    assert_int_equal(1, d.result.step_count);
    step = &d.result.steps[0];
    for (size_t i = 0; i < step->entry.message_count; i++) {
        said =
            said || sw_str_contains_nocase(step->entry.messages[i].tool_returns, SW_STR("the end"));
    }
    assert_true(said);
    deep_end(&d);
}

/* Half of the spans are calls in the innermost of tools that belong to no step. */
static void calls_may_be_deep_in_tools(void **state)
{
    deep d;

    (void)state;
    deep_begin(&d);
    while (d.count < DEEP / 2) {
        (void)deep_add(&d, d.count, SPAN_TOOL);
    }
    while (d.count < DEEP) {
        (void)deep_add(&d, DEEP / 2, SPAN_LLM);
    }
    deep_compute(&d);
    assert_int_equal(DEEP / 2, d.result.step_count);
    for (size_t i = 0; i < d.result.step_count; i++) {
        assert_null(d.result.steps[i].entry.step.parent_step_id.ptr);
    }
    deep_end(&d);
}

/* Agents of one name in each other are one, the innermost; a helper that any of them called is called by this one. */
static void agents_may_be_the_same_deep(void **state)
{
    deep d;
    unsigned agent = 0;
    const sw_run *inner = NULL;

    (void)state;
    deep_begin(&d);
    while (d.count + 4 <= DEEP) {
        deep_add(&d, agent, SPAN_AGENT)->facts.agent_name = SW_STR("bot");
        agent = d.count;
        (void)deep_add(&d, agent, SPAN_TOOL);
        deep_add(&d, d.count, SPAN_AGENT)->facts.agent_name = SW_STR("helper");
        (void)deep_add(&d, d.count, SPAN_LLM);
    }
    deep_compute(&d);
    assert_int_equal(DEEP / 4, d.result.step_count);
    assert_int_equal(DEEP / 4 + 1, d.result.run_count);
    inner = &d.result.runs[0]; /* parents before children */
    assert_null(inner->parent_run_id.ptr);
    assert_int_equal((TREE_TIME + agent) * 1000, inner->created_at.value);
    for (size_t i = 1; i < d.result.run_count; i++) {
        assert_true(sw_str_eq(inner->id, d.result.runs[i].parent_run_id));
    }
    deep_end(&d);
}

static void memory_may_run_out_anywhere(void **state)
{
    static tree t;
    static span_facts facts[TREE_SPANS];
    short_memory memory;
    sw_status status = SW_STATUS_NO_MEMORY;

    (void)state;
    tree_begin(&t);
    t.count = make_plain(t.spans);
    for (size_t i = 0; i < t.count; i++) {
        facts[i] = t.spans[i].facts;
    }
    for (long left = 0; status != SW_STATUS_OK; left++) {
        sw_arena arena;
        trace_result result;
        sw_error err;
        short_memory_init(&memory, left);
        sw_arena_init(&arena, &memory.allocator, 0);
        status = trace_compute_with(tree_talk, &t.whose, facts, t.count, &arena, &result, &err);
        assert_true(status == SW_STATUS_OK || status == SW_STATUS_NO_MEMORY);
        sw_arena_fini(&arena);
        assert_int_equal(0, memory.blocks);
    }
    tree_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(the_rules_hold),
        cmocka_unit_test(traces_may_be_deep),
        cmocka_unit_test(traces_may_be_wide),
        cmocka_unit_test(tools_may_be_nested_deep),
        cmocka_unit_test(calls_may_be_deep_in_tools),
        cmocka_unit_test(agents_may_be_the_same_deep),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    const char *given = getenv("STEPWELL_TEST_SEED");

    seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("# STEPWELL_TEST_SEED=%llu\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
