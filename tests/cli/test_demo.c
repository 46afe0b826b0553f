/* SPDX-License-Identifier: Apache-2.0 */
/* The demo workload by itself, without a ledger: it repeats itself, its records obey the model, its
 * numbers add up, and it shows everything that a ledger has to cope with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/demo.h"
#include "model/model.h"

#define UNTIL_US INT64_C(1793534400000000) /* 2026-11-01T12:00:00Z */
#define DAYS_US(N) ((N)*INT64_C(86400000000))

/* What a walk over the whole workload found. */
typedef struct found {
    uint64_t digest;
    int64_t steps, runs, run_ends, conversations, sub_runs, child_steps;
    int64_t by_status[SW_STEP_STATUS_COUNT];
    int64_t known_usage, known_cost, free_models, cached, written, reasoned;
    int64_t positive, negative, abandoned, tool_errors, traces, tickets;
    int64_t first_us, last_us;
} found;

/* Null fields leave no trace, so that a new column changes nothing here. */
static void digest_field(found *f, const sw_field *field, const void *row)
{
    if (sw_field_is_null(field, row)) {
        return;
    }
    f->digest = sw_hash(f->digest, field->name, field->name_len);
    if (sw_kind_is_text(field->kind)) {
        sw_str text = sw_field_text(field, row);
        f->digest = sw_hash(f->digest, text.ptr, text.len);
    } else {
        sw_int number = sw_field_number(field, row);
        f->digest = sw_hash(f->digest, &number, sizeof number);
    }
}

static void digest_row(found *f, sw_record_id id, const void *row)
{
    const sw_record *record = sw_record_of(id);
    for (size_t i = 0; i < record->field_count; i++) {
        digest_field(f, &record->fields[i], row);
    }
}

/* The fields that are given obey the model; those that the ledger fills are null. */
static void check_row(sw_record_id id, const void *row)
{
    const sw_record *record = sw_record_of(id);
    for (size_t i = 0; i < record->field_count; i++) {
        sw_error err = {0};
        if (!sw_field_is_null(&record->fields[i], row)) {
            sw_status status = sw_field_check(&record->fields[i], row, "", &err);
            if (status != SW_STATUS_OK) {
                fail_msg("%s.%s: %s", record->name, err.field, err.message);
            }
        }
    }
}

static void see(found *f, sw_record_id id, const void *row)
{
    check_row(id, row);
    digest_row(f, id, row);
}

static bool contains(sw_str hay, const char *needle)
{
    return sw_str_contains_nocase(hay, sw_str_from(needle));
}

static void see_tokens(found *f, const sw_step *s)
{
    if (!s->total_tokens.known) {
        assert_false(s->prompt_tokens.known || s->completion_tokens.known ||
                     s->cost_nano_usd.known);
        return;
    }
    f->known_usage++;
    f->known_cost += s->cost_nano_usd.known;
    f->free_models += !s->cost_nano_usd.known;
    f->cached += s->cached_input_tokens.value > 0;
    f->written += s->cache_write_tokens.value > 0;
    f->reasoned += s->reasoning_tokens.value > 0;
    assert_int_equal(s->total_tokens.value, s->prompt_tokens.value + s->completion_tokens.value);
    assert_true(s->cached_input_tokens.value + s->cache_write_tokens.value <=
                s->prompt_tokens.value);
    assert_true(s->reasoning_tokens.value <= s->completion_tokens.value);
    assert_true(s->prompt_tokens.value <= s->context_window_limit.value);
}

static void see_entry(found *f, const sw_step_entry *entry)
{
    const sw_step *s = &entry->step;
    see(f, SW_RECORD_STEP, s);
    see_tokens(f, s);
    f->steps++;
    f->by_status[s->status.value]++;
    f->child_steps += s->parent_step_id.ptr != NULL;
    f->positive += s->feedback.known && s->feedback.value == SW_FEEDBACK_POSITIVE;
    f->negative += s->feedback.known && s->feedback.value == SW_FEEDBACK_NEGATIVE;
    f->abandoned += s->error_type.ptr && contains(s->error_type, "Abandoned");
    f->traces += (int64_t)entry->trace_count;
    f->tickets += s->tid.ptr != NULL;
    f->first_us = s->created_at.value < f->first_us ? s->created_at.value : f->first_us;
    f->last_us = s->created_at.value > f->last_us ? s->created_at.value : f->last_us;
    assert_int_equal(s->error_type.ptr != NULL, s->status.value == SW_STEP_STATUS_FAILED);
    assert_int_equal(entry->lease_seconds > 0, s->status.value == SW_STEP_STATUS_PENDING);
    for (size_t i = 0; i < entry->message_count; i++) {
        see(f, SW_RECORD_MESSAGE, &entry->messages[i]);
        f->tool_errors += entry->messages[i].is_err.known && entry->messages[i].is_err.value;
    }
    for (size_t i = 0; i < entry->trace_count; i++) {
        see(f, SW_RECORD_PROVIDER_TRACE, &entry->traces[i]);
    }
    if (entry->metrics) {
        const sw_step_metrics *m = entry->metrics;
        see(f, SW_RECORD_STEP_METRICS, m);
        assert_true(m->step_ns.value >= m->llm_request_ns.value + m->tool_execution_ns.value);
        assert_true(m->ttft_ns.value <= m->llm_request_ns.value);
    }
}

static void see_event(found *f, const sw_demo_event *event)
{
    switch (event->what) {
    case SW_DEMO_CONVERSATION:
        f->conversations++;
        see(f, SW_RECORD_CONVERSATION, &event->conversation);
        break;
    case SW_DEMO_RUN:
        f->runs++;
        f->sub_runs += event->run.parent_run_id.ptr != NULL;
        see(f, SW_RECORD_RUN, &event->run);
        break;
    case SW_DEMO_STEP:
        see_entry(f, &event->entry);
        break;
    case SW_DEMO_RUN_END:
        f->run_ends++;
        see(f, SW_RECORD_RUN, &event->run);
        assert_true(event->run.completed_at.value <= UNTIL_US);
        break;
    case SW_DEMO_OVER:
        break;
    }
}

static bool see_world(void *arg, sw_record_id id, const void *row)
{
    see(arg, id, row);
    return true;
}

static void walk_stream(const sw_demo *demo, size_t organization, found *f)
{
    sw_demo_stream *stream = NULL;
    sw_demo_event event = {.what = SW_DEMO_RUN};
    sw_arena arena;
    int64_t before = f->steps;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    assert_true(sw_demo_world(demo, organization, see_world, f));
    assert_int_equal(sw_demo_stream_new(demo, organization, &stream), SW_STATUS_OK);
    while (event.what != SW_DEMO_OVER) {
        assert_int_equal(sw_demo_next(stream, &arena, &event), SW_STATUS_OK);
        see_event(f, &event);
        sw_arena_reset(&arena);
    }
    assert_int_equal(sw_demo_next(stream, &arena, &event), SW_STATUS_OK);
    assert_int_equal(event.what, SW_DEMO_OVER);
    assert_int_equal(f->steps - before, sw_demo_steps(demo, organization));
    sw_demo_stream_free(&stream);
    sw_arena_fini(&arena);
}

static found walk(uint64_t seed, int64_t steps)
{
    found f = {.first_us = INT64_MAX};
    sw_demo *demo = NULL;
    const sw_demo_options options = {.seed = seed, .steps = steps, .until_us = UNTIL_US};
    assert_int_equal(sw_demo_new(&options, NULL, &demo), SW_STATUS_OK);
    for (size_t i = 0; i < SW_DEMO_ORGANIZATIONS; i++) {
        walk_stream(demo, i, &f);
    }
    sw_demo_free(&demo);
    return f;
}

static void test_any_number_of_steps_comes_out_exactly(void **state)
{
    const int64_t sizes[] = {0, 1, 2, 3, 7, 8, 99, 100, 101, 257, 1000, 3001};
    (void)state;
    for (size_t i = 0; i < SW_COUNT(sizes); i++) {
        assert_int_equal(walk(1, sizes[i]).steps, sizes[i]);
        assert_int_equal(walk(77, sizes[i]).steps, sizes[i]);
    }
}

static void test_it_repeats_itself_and_seeds_differ(void **state)
{
    (void)state;
    assert_true(walk(5, 800).digest == walk(5, 800).digest);
    assert_true(walk(5, 800).digest != walk(6, 800).digest);
    assert_true(walk(5, 800).digest != walk(5, 801).digest);
}

/* Who has no key sees the default organization; demos of several seeds may be written into one ledger. */
static void test_the_first_organization_is_the_default_one(void **state)
{
    sw_demo *demos[2] = {NULL, NULL};
    sw_str users[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sw_demo_options options = {
            .seed = 5 + i, .steps = 10, .until_us = UNTIL_US + DAYS_US((int64_t)i)};
        assert_int_equal(sw_demo_new(&options, NULL, &demos[i]), SW_STATUS_OK);
        sw_actor actor = sw_demo_actor(demos[i], 0);
        assert_true(sw_str_eq(actor.organization_id, SW_STR(SW_DEFAULT_ORGANIZATION)));
        assert_false(sw_str_eq(sw_demo_actor(demos[i], 1).organization_id, actor.organization_id));
        users[i] = actor.user_id;
    }
    assert_true(sw_str_eq(users[0], users[1]));
    sw_demo_free(&demos[0]);
    sw_demo_free(&demos[1]);
}

/* Written down once, so that a change of the workload is noticed: other figures are compared with
 * it. */
static void test_seed_one_is_what_it_was(void **state)
{
    (void)state;
    assert_int_equal(walk(1, 2000).digest, UINT64_C(0x19fc2ed6fe4bcae2));
}

static void test_everything_happens(void **state)
{
    found f = walk(1, 6000);
    (void)state;
    assert_in_range(f.runs, 300, 2000);
    assert_true(f.run_ends < f.runs && f.run_ends > f.runs * 9 / 10);
    assert_in_range(f.conversations, 30, f.runs);
    assert_in_range(f.sub_runs, 10, f.runs / 3);
    assert_true(f.child_steps > f.sub_runs);
    assert_in_range(f.by_status[SW_STEP_STATUS_PENDING], 4, 60);
    assert_in_range(f.by_status[SW_STEP_STATUS_FAILED], 60, 600);
    assert_in_range(f.by_status[SW_STEP_STATUS_CANCELLED], 10, 100);
    assert_in_range(f.abandoned, 1, 40);
    assert_in_range(f.known_usage, 5000, 5999);
    assert_true(f.free_models > 100 && f.known_cost > 4000);
    assert_true(f.cached > 2000 && f.written > 300 && f.reasoned > 500);
    assert_in_range(f.positive, 20, 200);
    assert_in_range(f.negative, 8, 100);
    assert_in_range(f.tool_errors, 100, 1000);
    assert_in_range(f.traces, 40, 300);
    assert_true(f.tickets > 5);
    assert_true(f.last_us <= UNTIL_US && f.last_us > UNTIL_US - DAYS_US(1) / 24);
    assert_true(f.first_us >= UNTIL_US - DAYS_US(14) && f.first_us < UNTIL_US - DAYS_US(12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_steps_comes_out_exactly),
        cmocka_unit_test(test_it_repeats_itself_and_seeds_differ),
        cmocka_unit_test(test_the_first_organization_is_the_default_one),
        cmocka_unit_test(test_seed_one_is_what_it_was),
        cmocka_unit_test(test_everything_happens),
    };
    return cmocka_run_group_tests_name("cli/demo", tests, NULL, NULL);
}
