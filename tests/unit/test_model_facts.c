/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of model/ against the facts they should tell. What a step is stands here once more, copied by
 * hand from the description of the system we are compatible with (Letta V1), so that a slip in a row is a
 * failure here; and what every table must be by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/model.h"

static const sw_record *const steps = &sw__records[SW_RECORD_STEP];

static const sw_field *field_of(const sw_record *record, const char *name)
{
    int i = sw_record_field(record, sw_str_from(name));
    if (i < 0) {
        fail_msg("%s has no field %s", record->name, name);
    }
    return &record->fields[i];
}

/* ---- the facts of Letta V1 -------------------------------------------------------- */

/* May the column be null? V1 leaves two of them nullable and never stores a null there; we forbid
 * it: tags ("never null", 4.4) and status (3.1: log_step sets pending).
 */
enum { NO, YES, YES_IN_V1 };

typedef struct column {
    const char *name;
    sw_kind kind;
    int null;
    const char *fallback;
    const char *parent; /* table of the foreign key */
    sw_on_delete rule;
} column;

static const column seed[] = {
    {"id", SW_KIND_ID, NO, NULL, NULL, SW_RESTRICT},
    {"origin", SW_KIND_WORD, YES, NULL, NULL, SW_RESTRICT},
    {"organization_id", SW_KIND_ID, NO, NULL, "organizations", SW_RESTRICT},
    {"provider_id", SW_KIND_ID, YES, NULL, "providers", SW_RESTRICT},
    {"run_id", SW_KIND_ID, YES, NULL, "runs", SW_SET_NULL},
    {"agent_id", SW_KIND_WORD, YES, NULL, NULL, SW_RESTRICT},
    {"provider_name", SW_KIND_WORD, YES, NULL, NULL, SW_RESTRICT},
    {"provider_category", SW_KIND_WORD, YES, NULL, NULL, SW_RESTRICT},
    {"model", SW_KIND_WORD, YES, NULL, NULL, SW_RESTRICT},
    {"model_endpoint", SW_KIND_WORD, YES, NULL, NULL, SW_RESTRICT},
    {"context_window_limit", SW_KIND_INT, YES, NULL, NULL, SW_RESTRICT},
    {"completion_tokens", SW_KIND_INT, NO, "0", NULL, SW_RESTRICT},
    {"prompt_tokens", SW_KIND_INT, NO, "0", NULL, SW_RESTRICT},
    {"total_tokens", SW_KIND_INT, NO, "0", NULL, SW_RESTRICT},
    {"completion_tokens_details", SW_KIND_JSON, YES, NULL, NULL, SW_RESTRICT},
    {"prompt_tokens_details", SW_KIND_JSON, YES, NULL, NULL, SW_RESTRICT},
    {"stop_reason", SW_KIND_WORD, YES, NULL, NULL, SW_RESTRICT},
    {"tags", SW_KIND_TAGS, YES_IN_V1, "[]", NULL, SW_RESTRICT},
    {"tid", SW_KIND_TEXT, YES, NULL, NULL, SW_RESTRICT},
    {"trace_id", SW_KIND_HEX, YES, NULL, NULL, SW_RESTRICT},
    {"request_id", SW_KIND_ID, YES, NULL, NULL, SW_RESTRICT},
    {"feedback", SW_KIND_ENUM, YES, NULL, NULL, SW_RESTRICT},
    {"error_type", SW_KIND_WORD, YES, NULL, NULL, SW_RESTRICT},
    {"error_data", SW_KIND_JSON, YES, NULL, NULL, SW_RESTRICT},
    {"status", SW_KIND_ENUM, YES_IN_V1, "pending", NULL, SW_RESTRICT},
};

static void assert_parent(const sw_field *field, const char *parent, sw_on_delete rule)
{
    if (!parent) {
        assert_int_equal(field->ref.record_plus_1, 0);
        return;
    }
    assert_true(field->ref.record_plus_1 > 0);
    assert_string_equal(sw__records[field->ref.record_plus_1 - 1].table, parent);
    assert_int_equal(field->ref.on_delete, rule);
}

static void test_step_begins_with_the_seeds_columns_in_order(void **state)
{
    (void)state;
    assert_int_equal(SW_COUNT(seed), 25);
    for (size_t i = 0; i < SW_COUNT(seed); i++) {
        const sw_field *field = &steps->fields[i];
        assert_string_equal(field->name, seed[i].name);
        assert_string_equal(sw_field_column(field), seed[i].name);
        assert_int_equal(field->kind, seed[i].kind);
        assert_int_equal(!(field->flags & SW_NOT_NULL), seed[i].null == YES);
        assert_int_equal(field->flags & SW_OURS, 0);
        assert_true(strlen(field->doc) > 5);
        assert_int_equal(field->fallback != NULL, seed[i].fallback != NULL);
        if (seed[i].fallback) {
            assert_string_equal(field->fallback, seed[i].fallback);
        }
        assert_parent(field, seed[i].parent, seed[i].rule);
    }
}

static void test_later_columns_follow_and_ours_are_marked(void **state)
{
    static const char *const later[] = {
        "project_id",       "model_handle",      "cached_input_tokens", "cache_write_tokens",
        "reasoning_tokens", "created_at",        "updated_at",          "is_deleted",
        "created_by_id",    "last_updated_by_id"};
    static const char *const ours[] = {
        "source",          "parent_step_id",    "retired_into",  "conversation_id",
        "end_user",        "usage_state",       "metadata",      "input_preview",
        "output_preview",  "content_truncated", "cost_nano_usd", "price_id",
        "lease_expires_at"};
    (void)state;
    for (size_t i = 0; i < SW_COUNT(later); i++) {
        assert_string_equal(steps->fields[25 + i].name, later[i]);
        assert_int_equal(steps->fields[25 + i].flags & SW_OURS, 0);
    }
    for (size_t i = 0; i < SW_COUNT(ours); i++) {
        const sw_field *field = field_of(steps, ours[i]);
        assert_int_equal(field->flags & SW_OURS, SW_OURS);
        /* Ours must be addable to a table that is full already. */
        assert_true(!(field->flags & SW_NOT_NULL) || field->fallback);
    }
    assert_string_equal(sw_field_column(field_of(steps, "created_by_id")), "_created_by_id");
    assert_string_equal(sw_field_column(field_of(steps, "last_updated_by_id")),
                        "_last_updated_by_id");
    assert_string_equal(sw_field_column(field_of(&sw__records[SW_RECORD_RUN], "metadata")),
                        "metadata_");
    assert_string_equal(field_of(&sw__records[SW_RECORD_RUN], "parent_run_id")->name,
                        "parent_run_id");
    assert_string_equal(field_of(&sw__records[SW_RECORD_STEP_METRICS], "ttft_ns")->unit, "ns");
}

static void test_foreign_keys_of_the_other_records(void **state)
{
    static const struct {
        sw_record_id record;
        const char *field;
        const char *parent;
        sw_on_delete rule;
        bool null;
    } keys[] = {
        {SW_RECORD_STEP_METRICS, "id", "steps", SW_CASCADE, false},
        {SW_RECORD_STEP_METRICS, "organization_id", "organizations", SW_RESTRICT, false},
        {SW_RECORD_STEP_METRICS, "provider_id", "providers", SW_RESTRICT, true},
        {SW_RECORD_STEP_METRICS, "run_id", "runs", SW_SET_NULL, true},
        {SW_RECORD_STEP_METRICS, "agent_id", "agents", SW_CASCADE,
         true}, /* may be without: issue */
        {SW_RECORD_RUN, "agent_id", "agents", SW_RESTRICT, false},
        {SW_RECORD_RUN, "conversation_id", "conversations", SW_SET_NULL, true},
        {SW_RECORD_RUN, "organization_id", "organizations", SW_RESTRICT, false},
        {SW_RECORD_RUN_METRICS, "id", "runs", SW_CASCADE, false},
        {SW_RECORD_RUN_METRICS, "agent_id", "agents", SW_CASCADE, false},
        {SW_RECORD_USER, "organization_id", "organizations", SW_RESTRICT, false},
        {SW_RECORD_PROVIDER, "organization_id", "organizations", SW_RESTRICT, true},
        {SW_RECORD_PROVIDER_MODEL, "provider_id", "providers", SW_CASCADE, false},
        {SW_RECORD_PROVIDER_MODEL, "organization_id", "organizations", SW_CASCADE, true},
        {SW_RECORD_MESSAGE, "step_id", "steps", SW_SET_NULL, true},
        {SW_RECORD_MESSAGE, "run_id", "runs", SW_SET_NULL, true},
        {SW_RECORD_MESSAGE, "conversation_id", "conversations", SW_SET_NULL, true},
        {SW_RECORD_MESSAGE, "agent_id", "agents", SW_CASCADE, true},
        {SW_RECORD_PROVIDER_TRACE, "organization_id", "organizations", SW_RESTRICT, false},
        {SW_RECORD_PROVIDER_TRACE, "step_id", NULL, SW_RESTRICT, true},
        {SW_RECORD_CONVERSATION, "agent_id", "agents", SW_CASCADE, false},
        {SW_RECORD_AGENT, "organization_id", "organizations", SW_RESTRICT, false},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(keys); i++) {
        const sw_field *field = field_of(&sw__records[keys[i].record], keys[i].field);
        assert_parent(field, keys[i].parent, keys[i].rule);
        assert_int_equal(!(field->flags & SW_NOT_NULL), keys[i].null);
    }
}

static const sw_relation *relation_of(sw_record_id id, const char *name)
{
    for (size_t i = 0; i < sw__records[id].relation_count; i++) {
        if (strcmp(sw__records[id].relations[i].name, name) == 0) {
            return &sw__records[id].relations[i];
        }
    }
    fail_msg("%s has no relation %s", sw__records[id].name, name);
    return NULL;
}

static void test_relations_of_a_step(void **state)
{
    static const struct {
        const char *name;
        sw_record_id record;
        sw_load load;
        bool many;
        int cascade;
        const char *back;
    } expected[] = {
        {"organization", SW_RECORD_ORGANIZATION, SW_LOAD_RAISE, false, 0, NULL},
        {"provider", SW_RECORD_PROVIDER, SW_LOAD_RAISE, false, 0, NULL},
        {"run", SW_RECORD_RUN, SW_LOAD_RAISE, false, 0, "steps"},
        {"messages", SW_RECORD_MESSAGE, SW_LOAD_NOLOAD, true, SW_CASCADE_SAVE, "step"},
        {"metrics", SW_RECORD_STEP_METRICS, SW_LOAD_NOLOAD, false,
         SW_CASCADE_SAVE | SW_CASCADE_DELETE | SW_CASCADE_ORPHAN, "step"},
    };
    (void)state;
    assert_int_equal(steps->relation_count, SW_COUNT(expected));
    for (size_t i = 0; i < SW_COUNT(expected); i++) {
        const sw_relation *relation = relation_of(SW_RECORD_STEP, expected[i].name);
        assert_int_equal(relation->record, expected[i].record);
        assert_int_equal(relation->load, expected[i].load);
        assert_int_equal(relation->many, expected[i].many);
        assert_int_equal(relation->cascade, expected[i].cascade);
        assert_int_equal(relation->back != NULL, expected[i].back != NULL);
        if (relation->back) {
            assert_string_equal(relation->back, expected[i].back);
        }
    }
    assert_int_equal(relation_of(SW_RECORD_STEP, "messages")->via, SW_MESSAGE_STEP_ID);
    assert_int_equal(relation_of(SW_RECORD_STEP, "run")->field, SW_STEP_RUN_ID);
    assert_int_equal(relation_of(SW_RECORD_STEP_METRICS, "run")->load, SW_LOAD_RAISE);
    assert_int_equal(relation_of(SW_RECORD_STEP_METRICS, "agent")->load, SW_LOAD_RAISE);
    assert_int_equal(relation_of(SW_RECORD_MESSAGE, "step")->load, SW_LOAD_SELECTIN);
    assert_int_equal(relation_of(SW_RECORD_AGENT, "runs")->load, SW_LOAD_RAISE);
}

static void test_the_seeds_index(void **state)
{
    const sw_index *index = steps->indexes;
    (void)state;
    assert_string_equal(index->name, "ix_steps_run_id");
    assert_int_equal(index->count, 2);
    assert_int_equal(index->fields[0], SW_STEP_RUN_ID);
    assert_int_equal(index->fields[1], SW_STEP_CREATED_AT);
    for (size_t i = 0; i < steps->index_count; i++) {
        if (strcmp(steps->indexes[i].name, "ix_steps_failed") == 0) {
            assert_int_equal(steps->indexes[i].only, SW_STEP_STATUS);
            assert_int_equal(steps->indexes[i].only_value, SW_STEP_STATUS_FAILED);
        }
    }
}

/* ---- every table, by itself ------------------------------------------------------------------ */

static void check_field_row(const sw_record *record, const sw_field *field)
{
    assert_int_equal(field->name_len, strlen(field->name));
    assert_true(field->offset + sizeof(sw_str) <= record->size || !sw_kind_is_text(field->kind));
    assert_true(strlen(field->doc) > 3);
    assert_true((field->kind == SW_KIND_ENUM) == (field->words != SW_ENUM_none));
    assert_true(!(field->flags & SW_PRIMARY || field->ref.record_plus_1) || field->prefix);
    assert_true(!field->ref.record_plus_1 || field->kind == SW_KIND_ID);
    if (field->ref.record_plus_1) {
        assert_string_equal(field->prefix, sw__records[field->ref.record_plus_1 - 1].prefix);
        assert_true(field->ref.on_delete != SW_SET_NULL || !(field->flags & SW_NOT_NULL));
    }
    if (field->flags & SW_PRIMARY) {
        assert_string_equal(field->prefix, record->prefix);
        assert_true(field->flags & SW_NOT_NULL);
    }
    assert_true(!(field->flags & SW_PREVIEW) || field->kind == SW_KIND_TEXT);
    assert_true(!(field->flags & SW_ARRAY) || field->kind == SW_KIND_JSON);
    assert_true(!(field->flags & SW_COUNTER) || !sw_kind_is_text(field->kind));
}

static void check_relation_row(const sw_record *record, const sw_relation *relation)
{
    const sw_record *other = &sw__records[relation->record];
    const sw_field *link = &record->fields[relation->field];
    bool found = !relation->back;
    if (relation->via || relation->many) {
        assert_true(link->flags & SW_PRIMARY);
        assert_true(relation->via < other->field_count);
        assert_int_equal(other->fields[relation->via].ref.record_plus_1 - 1, record - sw__records);
    }
    for (size_t i = 0; relation->back && i < other->relation_count; i++) {
        found = found || strcmp(other->relations[i].name, relation->back) == 0;
    }
    if (!found) {
        fail_msg("%s.%s points back to nothing", record->name, relation->name);
    }
}

static void test_every_record_holds_together(void **state)
{
    (void)state;
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *record = sw_record_of((sw_record_id)r);
        bool keyed = sw_record_primary(record) >= 0;
        assert_int_equal(sw_record_find(sw_str_from(record->name)), r);
        assert_int_equal(sw_record_find(sw_str_from(record->table)), r);
        assert_true(record->field_count > 0 && record->field_count <= 64);
        for (size_t i = 0; i < record->field_count; i++) {
            check_field_row(record, &record->fields[i]);
            assert_int_equal(sw_record_field(record, sw_str_from(record->fields[i].name)), i);
            keyed = keyed || record->fields[i].flags & SW_KEY_PART;
        }
        assert_true(keyed);
        for (size_t i = 0; i < record->index_count; i++) {
            assert_true(record->indexes[i].count > 0 &&
                        record->indexes[i].count <= SW_INDEX_FIELDS);
            for (size_t k = 0; k < record->indexes[i].count; k++) {
                assert_true(record->indexes[i].fields[k] < record->field_count);
            }
        }
        for (size_t i = 0; i < record->relation_count; i++) {
            check_relation_row(record, &record->relations[i]);
        }
    }
    assert_int_equal(sw_record_find(SW_STR("nothing")), -1);
    assert_int_equal(sw_record_field(steps, SW_STR("Model")), -1);
    assert_int_equal(sw_record_field(steps, SW_NULL_STR), -1);
}

static void test_descriptors_meet_the_struct(void **state)
{
    sw_step step = {.id = SW_STR("a"), .model = SW_STR("m"), .prompt_tokens = {7, 1}};
    (void)state;
    assert_int_equal(steps->size, sizeof(sw_step));
    assert_int_equal(steps->field_count, SW_STEP_FIELD_COUNT);
    assert_ptr_equal(sw_field_text(&steps->fields[SW_STEP_ID], &step).ptr, step.id.ptr);
    assert_ptr_equal(sw_field_text(&steps->fields[SW_STEP_MODEL], &step).ptr, step.model.ptr);
    assert_int_equal(sw_field_number(&steps->fields[SW_STEP_PROMPT_TOKENS], &step).value, 7);
    assert_int_equal(sw_row_mask(steps, &step),
                     SW_MASK(SW_STEP_ID) | SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_PROMPT_TOKENS));
    sw_field_clear(&steps->fields[SW_STEP_MODEL], &step);
    sw_field_clear(&steps->fields[SW_STEP_PROMPT_TOKENS], &step);
    assert_null(step.model.ptr);
    assert_int_equal(sw_row_mask(steps, &step), SW_MASK(SW_STEP_ID));
}

static void test_kinds_and_words(void **state)
{
    (void)state;
    assert_string_equal(sw__kinds[SW_KIND_TIME].name, "TIME");
    assert_string_equal(sw__kinds[SW_KIND_LONG].postgres_type, "bigint");
    assert_true(sw_kind_is_text(SW_KIND_BYTES) && !sw_kind_is_text(SW_KIND_ENUM));
    assert_string_equal(sw_enum_word(SW_ENUM_step_status, SW_STEP_STATUS_CANCELLED), "cancelled");
    assert_null(sw_enum_word(SW_ENUM_step_status, SW_STEP_STATUS_COUNT));
    assert_null(sw_enum_word(SW_ENUM_step_status, -1));
    assert_int_equal(sw_enum_find(SW_ENUM_message_role, SW_STR("tool")), SW_MESSAGE_ROLE_TOOL);
    assert_int_equal(sw_enum_find(SW_ENUM_message_role, SW_STR("Tool")), -1);
    assert_int_equal(sw_enum_find(SW_ENUM_feedback, SW_NULL_STR), -1);
    assert_int_equal(sw__enums[SW_ENUM_run_status].count, SW_RUN_STATUS_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_begins_with_the_seeds_columns_in_order),
        cmocka_unit_test(test_later_columns_follow_and_ours_are_marked),
        cmocka_unit_test(test_foreign_keys_of_the_other_records),
        cmocka_unit_test(test_relations_of_a_step),
        cmocka_unit_test(test_the_seeds_index),
        cmocka_unit_test(test_every_record_holds_together),
        cmocka_unit_test(test_descriptors_meet_the_struct),
        cmocka_unit_test(test_kinds_and_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
