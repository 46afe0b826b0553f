/* SPDX-License-Identifier: Apache-2.0 */
/* What the generator prints, held against facts written down here by hand: V1's order of JSON members,
 * numbers that must never move, and the agreement of the generated header, schema and order with the
 * descriptors that the library walks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "json_order.h"
#include "model/model.h"

/* The members of V1's JSON in V1's order, without the deprecated `messages` of a step. */
static const char *const v1_step[] = {"id",
                                      "origin",
                                      "organization_id",
                                      "provider_id",
                                      "run_id",
                                      "agent_id",
                                      "provider_name",
                                      "provider_category",
                                      "model",
                                      "model_handle",
                                      "model_endpoint",
                                      "context_window_limit",
                                      "completion_tokens",
                                      "prompt_tokens",
                                      "total_tokens",
                                      "cached_input_tokens",
                                      "cache_write_tokens",
                                      "reasoning_tokens",
                                      "completion_tokens_details",
                                      "prompt_tokens_details",
                                      "stop_reason",
                                      "tags",
                                      "tid",
                                      "trace_id",
                                      "request_id",
                                      "feedback",
                                      "project_id",
                                      "error_type",
                                      "error_data",
                                      "status"};
static const char *const v1_step_metrics[] = {"id",
                                              "organization_id",
                                              "provider_id",
                                              "run_id",
                                              "agent_id",
                                              "step_start_ns",
                                              "llm_request_start_ns",
                                              "llm_request_ns",
                                              "tool_execution_ns",
                                              "step_ns",
                                              "base_template_id",
                                              "template_id",
                                              "project_id"};
static const char *const v1_run_metrics[] = {
    "id",     "organization_id", "agent_id",   "project_id",  "run_start_ns",
    "run_ns", "num_steps",       "tools_used", "template_id", "base_template_id"};

static void assert_json_begins(sw_record_id id, const char *const *names, size_t count)
{
    const sw_record *record = sw_record_of(id);
    assert_true(sw__json_orders[id].count >= count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(record->fields[sw__json_orders[id].fields[i]].name, names[i]);
    }
}

static void json_order_is_that_of_v1(void **state)
{
    (void)state;
    assert_json_begins(SW_RECORD_STEP, v1_step, SW_COUNT(v1_step));
    assert_json_begins(SW_RECORD_STEP_METRICS, v1_step_metrics, SW_COUNT(v1_step_metrics));
    assert_json_begins(SW_RECORD_RUN_METRICS, v1_run_metrics, SW_COUNT(v1_run_metrics));
}

static void json_order_names_each_visible_field_once(void **state)
{
    (void)state;
    for (int id = 0; id < SW_RECORD_COUNT; id++) {
        const sw_record *record = sw_record_of((sw_record_id)id);
        uint64_t seen = 0;
        uint64_t visible = 0;
        for (size_t i = 0; i < sw__json_orders[id].count; i++) {
            uint64_t bit = UINT64_C(1) << sw__json_orders[id].fields[i];
            assert_false(seen & bit);
            seen |= bit;
        }
        for (size_t i = 0; i < record->field_count; i++) {
            if (!(record->fields[i].flags & SW_HIDDEN) && record->fields[i].kind != SW_KIND_BYTES) {
                visible |= UINT64_C(1) << i;
            }
        }
        assert_true(seen == visible);
    }
}

static void numbers_that_reach_disk_stay(void **state)
{
    (void)state;
    assert_int_equal(SW_STEP_STATUS_CANCELLED, 3);
    assert_int_equal(SW_RUN_STATUS_CANCELLED, 4);
    assert_int_equal(SW_FEEDBACK_NEGATIVE, 1);
    assert_int_equal(SW_SOURCE_ADOPTED, 3);
    assert_int_equal(SW_USAGE_STATE_INCONSISTENT, 3);
    assert_int_equal(SW_MESSAGE_ROLE_FUNCTION, 6);
    assert_int_equal(SW_CHANGE_DELETED, 13);
    assert_int_equal(SW_STATUS_DIFFERS, 18);
    assert_int_equal(SW_RECORD_STEP, 9);
    assert_int_equal(SW_RECORD_JOURNAL, 15);
}

/* ---- the committed schema ----------------------------------------------------------------------- */

static json_t *definition(json_t *schema, const char *record)
{
    return json_object_get(json_object_get(schema, "$defs"), record);
}

static bool allows_null(json_t *property)
{
    json_t *type = json_object_get(property, "type");
    return json_is_array(type) && strcmp(json_string_value(json_array_get(type, 1)), "null") == 0;
}

static void assert_described(const sw_record *record, json_t *definition)
{
    json_t *properties = json_object_get(definition, "properties");
    sw_record_id id = (sw_record_id)sw_record_find(sw_str_from(record->name));
    assert_int_equal(json_object_size(properties), sw__json_orders[id].count);
    for (size_t i = 0; i < sw__json_orders[id].count; i++) {
        const sw_field *field = &record->fields[sw__json_orders[id].fields[i]];
        json_t *property = json_object_get(properties, field->name);
        assert_non_null(property);
        assert_int_equal(allows_null(property), !(field->flags & SW_NOT_NULL));
        assert_string_equal(json_string_value(json_object_get(property, "description")),
                            field->doc);
    }
}

static void schema_describes_each_public_record(void **state)
{
    json_error_t error;
    json_t *schema = json_load_file(SW_SOURCE_ROOT "/docs/records.schema.json", 0, &error);
    (void)state;
    assert_non_null(schema);
    for (int id = 0; id < SW_RECORD_COUNT; id++) {
        const sw_record *record = sw_record_of((sw_record_id)id);
        json_t *found = definition(schema, record->name);
        assert_int_equal(found != NULL, record->is_public);
        if (found) {
            assert_described(record, found);
        }
    }
    json_decref(schema);
}

static void schema_knows_words_and_bounds(void **state)
{
    json_t *schema = json_load_file(SW_SOURCE_ROOT "/docs/records.schema.json", 0, NULL);
    json_t *step = json_object_get(definition(schema, "step"), "properties");
    json_t *feedback = json_object_get(json_object_get(step, "feedback"), "enum");
    json_t *preview = json_object_get(json_object_get(step, "input_preview"), "maxLength");
    (void)state;
    assert_int_equal(json_array_size(feedback), 3);
    assert_string_equal(json_string_value(json_array_get(feedback, 1)), "negative");
    assert_true(json_is_null(json_array_get(feedback, 2)));
    assert_int_equal(json_integer_value(preview), 256);
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_order_is_that_of_v1),
        cmocka_unit_test(json_order_names_each_visible_field_once),
        cmocka_unit_test(numbers_that_reach_disk_stay),
        cmocka_unit_test(schema_describes_each_public_record),
        cmocka_unit_test(schema_knows_words_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
