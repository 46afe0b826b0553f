/* SPDX-License-Identifier: Apache-2.0 */
/* The walkers over the descriptors, held to their contract: text forms and defaults, order and equality,
 * copies, conditions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/good_step.h"
#include "tests/unit/short_memory.h"

static const sw_record *const steps = &sw__records[SW_RECORD_STEP];

/* ---- text forms and defaults ----------------------------------------------------------------- */

static void test_parsing_text_forms(void **state)
{
    static const struct {
        int field;
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        {SW_STEP_PROMPT_TOKENS, "12", true, 12},
        {SW_STEP_PROMPT_TOKENS, "2147483647", true, 2147483647},
        {SW_STEP_PROMPT_TOKENS, "2147483648", false, 0},
        {SW_STEP_PROMPT_TOKENS, "-1", false, 0},
        {SW_STEP_PROMPT_TOKENS, "", false, 0},
        {SW_STEP_PROMPT_TOKENS, "1 ", false, 0},
        {SW_STEP_COST_NANO_USD, "-9223372036854775808", true, INT64_MIN},
        {SW_STEP_COST_NANO_USD, "9223372036854775808", false, 0},
        {SW_STEP_CONTENT_TRUNCATED, "true", true, 1},
        {SW_STEP_CONTENT_TRUNCATED, "0", true, 0},
        {SW_STEP_CONTENT_TRUNCATED, "yes", false, 0},
        {SW_STEP_STATUS, "failed", true, SW_STEP_STATUS_FAILED},
        {SW_STEP_STATUS, "FAILED", false, 0},
        {SW_STEP_CREATED_AT, "1970-01-01T00:00:01.5Z", true, 1500000},
        {SW_STEP_CREATED_AT, "yesterday", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        const sw_field *field = &steps->fields[rows[i].field];
        sw_step step = {.id = SW_NULL_STR};
        sw_error err = {.status = SW_STATUS_OK};
        sw_status status = sw_field_parse(field, &step, sw_str_from(rows[i].text), &err);
        assert_int_equal(status, rows[i].good ? SW_STATUS_OK : SW_STATUS_INVALID);
        assert_int_equal(sw_field_number(field, &step).known, rows[i].good);
        assert_int_equal(sw_field_number(field, &step).value, rows[i].value);
        assert_true(rows[i].good || strcmp(err.field, field->name) == 0);
    }
}

static void test_parsing_null_text_and_bytes(void **state)
{
    sw_step step = {.status = {1, 1}, .model = SW_STR("x")};
    sw_error err;
    (void)state;
    assert_int_equal(sw_field_parse(&steps->fields[SW_STEP_STATUS], &step, SW_NULL_STR, &err), 0);
    assert_int_equal(step.status.known, 0);
    assert_int_equal(sw_field_parse(&steps->fields[SW_STEP_MODEL], &step, SW_STR(""), &err), 0);
    assert_true(step.model.ptr && step.model.len == 0);
    assert_int_equal(
        sw_field_parse(&steps->fields[SW_STEP_CREATE_DIGEST], &step, SW_STR("x"), &err),
        SW_STATUS_UNSUPPORTED);
    assert_int_equal(sw_field_parse(&steps->fields[SW_STEP_STATUS], &step, SW_STR("sucess"), &err),
                     SW_STATUS_INVALID);
    assert_non_null(strstr(err.message, "did you mean success?"));
}

static void test_defaults_fill_only_what_is_null(void **state)
{
    sw_step step = {.prompt_tokens = {5, 1}, .tags = SW_STR("[\"a\"]")};
    sw_provider_model model = {.id = SW_NULL_STR};
    (void)state;
    sw_row_defaults(steps, &step);
    assert_int_equal(step.prompt_tokens.value, 5);
    assert_true(step.total_tokens.known && step.total_tokens.value == 0);
    assert_true(sw_str_eq(step.tags, SW_STR("[\"a\"]")));
    assert_true(step.status.known && step.status.value == SW_STEP_STATUS_PENDING);
    assert_true(step.usage_state.known && step.usage_state.value == SW_USAGE_STATE_UNKNOWN);
    assert_true(step.source.known && step.source.value == SW_SOURCE_API);
    assert_int_equal(step.cached_input_tokens.known, 0); /* absent is not zero */
    assert_null(step.model.ptr);
    sw_row_defaults(&sw__records[SW_RECORD_PROVIDER_MODEL], &model);
    assert_true(model.enabled.known && model.enabled.value == 1);
    assert_true(sw_str_eq(model.model_type, SW_STR("llm")));
}

/* ---- order and equality ---------------------------------------------------------------------- */

static void test_order_of_one_field(void **state)
{
    static const struct {
        int field;
        const char *less, *more;
    } rows[] = {
        {SW_STEP_MODEL, NULL, ""},
        {SW_STEP_MODEL, "a", "ab"},
        {SW_STEP_MODEL, "Z", "a"},
        {SW_STEP_MODEL, "a", "\xC3\xBC"},
        {SW_STEP_ID, NULL, STEP_UUID},
        {SW_STEP_ID, STEP_UUID, "step-0194b2c4-1111-4222-8333-944444444445"},
        {SW_STEP_ID, "zzz", STEP_UUID}, /* ids of another shape come before */
        {SW_STEP_ID, "a", "b"},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        const sw_field *field = &steps->fields[rows[i].field];
        sw_step a = {.id = SW_NULL_STR};
        sw_step b = {.id = SW_NULL_STR};
        *sw_field_str(field, &a) = sw_str_from(rows[i].less);
        *sw_field_str(field, &b) = sw_str_from(rows[i].more);
        assert_true(sw_field_cmp(field, &a, &b) < 0);
        assert_true(sw_field_cmp(field, &b, &a) > 0);
        assert_int_equal(sw_field_cmp(field, &a, &a), 0);
        assert_false(sw_field_equal(field, &a, &b));
        assert_true(sw_field_equal(field, &b, &b));
    }
}

static void test_order_of_numbers_and_long_ids(void **state)
{
    const sw_field *cost = &steps->fields[SW_STEP_COST_NANO_USD];
    const sw_field *id = &steps->fields[SW_STEP_ID];
    sw_step none = {.cost_nano_usd = {99, 0}};
    sw_step low = {.cost_nano_usd = {INT64_MIN, 1}, .id = SW_STR(STEP_UUID)};
    sw_step high = {.cost_nano_usd = {INT64_MAX, 1}};
    char text[300];
    (void)state;
    assert_true(sw_field_cmp(cost, &none, &low) < 0);
    assert_true(sw_field_cmp(cost, &low, &none) > 0);
    assert_true(sw_field_cmp(cost, &low, &high) < 0);
    assert_int_equal(sw_field_cmp(cost, &none, &none), 0);
    memset(text, 'a', sizeof text);
    high.id = sw_str_make(text, sizeof text); /* no key can hold it; the order stays total */
    none.id = sw_str_make(text, sizeof text - 1);
    assert_true(sw_field_cmp(id, &high, &low) > 0);
    assert_true(sw_field_cmp(id, &low, &high) < 0);
    assert_true(sw_field_cmp(id, &none, &high) < 0);
}

static void test_keys_of_several_parts(void **state)
{
    const sw_record *cells = &sw__records[SW_RECORD_USAGE_PROJECT_DAY];
    sw_usage_project_day a = {
        .organization_id = SW_STR(ORG_UUID), .day = {3, 1}, .num_steps = {1, 1}};
    sw_usage_project_day b = a;
    (void)state;
    b.num_steps = sw_int_of(2);
    assert_int_equal(sw_row_cmp_key(cells, &a, &b), 0);
    assert_false(sw_row_equal(cells, &a, &b));
    b.status = sw_int_of(0); /* null is a value like any other, and the first */
    assert_true(sw_row_cmp_key(cells, &a, &b) < 0);
    a.project_id = SW_STR("");
    assert_true(sw_row_cmp_key(cells, &a, &b) > 0); /* project comes before status */
    assert_int_equal(sw_record_primary(cells), -1);
    assert_int_equal(sw_record_primary(steps), SW_STEP_ID);
}

/* ---- copies ---------------------------------------------------------------------------------- */

static void assert_own_copy(const sw_step *copy, const sw_step *row)
{
    assert_true(sw_row_equal(steps, copy, row));
    assert_ptr_not_equal(copy->id.ptr, row->id.ptr);
    assert_true(copy->tid.ptr && copy->tid.len == 0);
    assert_null(copy->model.ptr);
}

static void test_copies_are_deep(void **state)
{
    sw_step row = good_step();
    sw_step copy;
    sw_step *clone = NULL;
    sw_arena arena;
    (void)state;
    row.tid = SW_STR("");
    row.origin = sw_str_make("a\0b", 3);
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    memset(&copy, 0xAA, sizeof copy);
    assert_true(sw_row_copy(steps, &copy, &row, &arena));
    assert_own_copy(&copy, &row);
    clone = sw_row_clone(steps, &row, &sw__libc_allocator);
    assert_non_null(clone);
    assert_own_copy(clone, &row);
    sw_free(&sw__libc_allocator, clone);
    sw_arena_fini(&arena);
}

static void test_copies_without_memory(void **state)
{
    sw_step row = good_step();
    short_memory memory;
    sw_arena arena;
    sw_step copy;
    (void)state;
    short_memory_init(&memory, 0);
    assert_null(sw_row_clone(steps, &row, &memory.allocator));
    sw_arena_init(&arena, &memory.allocator, 0);
    assert_false(sw_row_copy(steps, &copy, &row, &arena));
    sw_arena_fini(&arena);
    assert_int_equal(memory.blocks, 0);
}

/* ---- conditions ------------------------------------------------------------------------------ */

static void test_tags(void **state)
{
    sw_str tags =
        SW_STR("[\"a\",\"b c\",\"q\\\"uote\",\"gr\\u00fcn\",\"\\ud83c\\udf0d\",\"\\n\\/\",\"\"]");
    (void)state;
    assert_true(sw_tags_have(tags, SW_STR("a")));
    assert_true(sw_tags_have(tags, SW_STR("b c")));
    assert_true(sw_tags_have(tags, SW_STR("q\"uote")));
    assert_true(sw_tags_have(tags, SW_STR("gr\xC3\xBCn")));
    assert_true(sw_tags_have(tags, SW_STR("\xF0\x9F\x8C\x8D")));
    assert_true(sw_tags_have(tags, SW_STR("\n/")));
    assert_true(sw_tags_have(tags, SW_STR("")));
    assert_false(sw_tags_have(tags, SW_STR("b")));
    assert_false(sw_tags_have(tags, SW_STR("gr\\u00fcn")));
    assert_false(sw_tags_have(tags, SW_STR("gr")));
    assert_false(sw_tags_have(tags, SW_STR("gr\xC3\xBC")));
    assert_false(sw_tags_have(tags, SW_STR("gr\xC3\xBCne")));
    assert_false(sw_tags_have(tags, SW_STR(",")));
    assert_false(sw_tags_have(SW_STR("[]"), SW_STR("")));
    assert_false(sw_tags_have(SW_NULL_STR, SW_STR("a")));
}

static bool holds(const sw_step *row, int field, sw_op op, const sw_value *values, size_t count)
{
    sw_condition condition = {.field = (uint8_t)field, .op = op, .values = values, .count = count};
    return sw_condition_holds(steps, &condition, row);
}

static void test_conditions_on_text(void **state)
{
    const sw_value m[] = {{.text = SW_STR("model-m")}, {.text = SW_STR("model-z")}};
    sw_step row = {.model = SW_STR("model-m"), .id = SW_STR(STEP_UUID)};
    sw_step null = {.id = SW_NULL_STR};
    const sw_value bigger = {.text = SW_STR("step-0294b2c4-1111-4222-8333-944444444444")};
    const sw_value part = {.text = SW_STR("EL-M")};
    (void)state;
    assert_true(holds(&row, SW_STEP_MODEL, SW_OP_EQ, m, 1));
    assert_false(holds(&row, SW_STEP_MODEL, SW_OP_EQ, m + 1, 1));
    assert_false(holds(&row, SW_STEP_MODEL, SW_OP_NE, m, 1));
    assert_true(holds(&row, SW_STEP_MODEL, SW_OP_NE, m + 1, 1));
    assert_true(holds(&row, SW_STEP_MODEL, SW_OP_IN, m, 2));
    assert_false(holds(&row, SW_STEP_MODEL, SW_OP_IN, m + 1, 1));
    assert_false(holds(&row, SW_STEP_MODEL, SW_OP_IN, NULL, 0));
    assert_true(holds(&row, SW_STEP_MODEL, SW_OP_LT, m + 1, 1));
    assert_false(holds(&row, SW_STEP_MODEL, SW_OP_LT, m, 1));
    assert_true(holds(&row, SW_STEP_MODEL, SW_OP_LE, m, 1));
    assert_true(holds(&row, SW_STEP_MODEL, SW_OP_GE, m, 1));
    assert_false(holds(&row, SW_STEP_MODEL, SW_OP_GT, m, 1));
    assert_true(holds(&row, SW_STEP_ID, SW_OP_LT, &bigger, 1));
    assert_true(holds(&row, SW_STEP_MODEL, SW_OP_CONTAINS, &part, 1));
    assert_false(holds(&null, SW_STEP_MODEL, SW_OP_CONTAINS, &part, 1));
    assert_true(holds(&null, SW_STEP_MODEL, SW_OP_NULL, NULL, 0));
    assert_false(holds(&null, SW_STEP_MODEL, SW_OP_NOT_NULL, NULL, 0));
    assert_true(holds(&row, SW_STEP_MODEL, SW_OP_NOT_NULL, NULL, 0));
}

static void test_null_is_only_null_or_not_equal(void **state)
{
    const sw_value zero = {.text = SW_NULL_STR, .number = 0};
    sw_step null = {.id = SW_NULL_STR};
    (void)state;
    for (int op = SW_OP_EQ; op <= SW_OP_GE; op++) {
        assert_int_equal(holds(&null, SW_STEP_COST_NANO_USD, (sw_op)op, &zero, 1), op == SW_OP_NE);
        assert_int_equal(holds(&null, SW_STEP_MODEL, (sw_op)op, &zero, 1), op == SW_OP_NE);
    }
    assert_false(holds(&null, SW_STEP_TAGS, SW_OP_TAG_ANY, &zero, 1));
    assert_false(holds(&null, SW_STEP_TAGS, SW_OP_TAG_ALL, &zero, 1));
}

static void test_conditions_on_numbers_and_tags(void **state)
{
    const sw_value n[] = {{.number = 9}, {.number = 10}, {.number = 11}};
    const sw_value t[] = {{.text = SW_STR("a")}, {.text = SW_STR("b")}, {.text = SW_STR("x")}};
    sw_step row = {.prompt_tokens = {10, 1}, .tags = SW_STR("[\"a\",\"b\"]")};
    (void)state;
    assert_true(holds(&row, SW_STEP_PROMPT_TOKENS, SW_OP_EQ, n + 1, 1));
    assert_true(holds(&row, SW_STEP_PROMPT_TOKENS, SW_OP_IN, n, 3));
    assert_true(holds(&row, SW_STEP_PROMPT_TOKENS, SW_OP_GT, n, 1));
    assert_false(holds(&row, SW_STEP_PROMPT_TOKENS, SW_OP_GT, n + 1, 1));
    assert_true(holds(&row, SW_STEP_PROMPT_TOKENS, SW_OP_LT, n + 2, 1));
    assert_false(holds(&row, SW_STEP_PROMPT_TOKENS, SW_OP_LE, n, 1));
    assert_true(holds(&row, SW_STEP_TAGS, SW_OP_TAG_ANY, t, 3));
    assert_false(holds(&row, SW_STEP_TAGS, SW_OP_TAG_ANY, t + 2, 1));
    assert_false(holds(&row, SW_STEP_TAGS, SW_OP_TAG_ANY, NULL, 0));
    assert_true(holds(&row, SW_STEP_TAGS, SW_OP_TAG_ALL, t, 2));
    assert_false(holds(&row, SW_STEP_TAGS, SW_OP_TAG_ALL, t, 3));
    assert_true(holds(&row, SW_STEP_TAGS, SW_OP_TAG_ALL, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsing_text_forms),
        cmocka_unit_test(test_parsing_null_text_and_bytes),
        cmocka_unit_test(test_defaults_fill_only_what_is_null),
        cmocka_unit_test(test_order_of_one_field),
        cmocka_unit_test(test_order_of_numbers_and_long_ids),
        cmocka_unit_test(test_keys_of_several_parts),
        cmocka_unit_test(test_copies_are_deep),
        cmocka_unit_test(test_copies_without_memory),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_conditions_on_text),
        cmocka_unit_test(test_null_is_only_null_or_not_equal),
        cmocka_unit_test(test_conditions_on_numbers_and_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
