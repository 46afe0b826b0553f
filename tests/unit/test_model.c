/* SPDX-License-Identifier: Apache-2.0 */
/* The model room against the facts it should tell. What a step is stands here once more, copied by
 * hand from the description of the system we are compatible with (Letta V1), so that a
 * slip in the rows of model/ is a failure here. The rest holds the walkers to their contract.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/model.h"
#include "tests/unit/short_memory.h"

#define STEP_UUID "step-0194b2c4-1111-4222-8333-944444444444"
#define RUN_UUID "run-0194b2c4-1111-4222-8333-944444444444"
#define JOB_UUID "job-0194b2c4-1111-4222-8333-944444444444"
#define ORG_UUID "org-0194b2c4-1111-4222-8333-944444444444"

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

/* ---- checks ---------------------------------------------------------------------------------- */

static sw_step good_step(void)
{
    sw_step step = {.id = SW_STR(STEP_UUID), .organization_id = SW_STR(ORG_UUID)};
    step.created_at = sw_int_of(0);
    step.updated_at = sw_int_of(0);
    sw_row_defaults(steps, &step);
    return step;
}

static void test_a_good_step_passes_and_required_fields_are_required(void **state)
{
    sw_step step = good_step();
    sw_error err = {.status = SW_STATUS_OK};
    (void)state;
    assert_int_equal(sw_row_check(steps, &step, "", &err), SW_STATUS_OK);
    for (size_t i = 0; i < steps->field_count; i++) {
        char expected[96];
        if (!(steps->fields[i].flags & SW_NOT_NULL)) {
            continue;
        }
        step = good_step();
        sw_field_clear(&steps->fields[i], &step);
        assert_int_equal(sw_row_check(steps, &step, "steps[3].", &err), SW_STATUS_INVALID);
        snprintf(expected, sizeof expected, "steps[3].%s", steps->fields[i].name);
        assert_string_equal(err.field, expected);
        assert_string_equal(err.message, "is required");
        assert_int_equal(sw_row_check(steps, &step, "", NULL), SW_STATUS_INVALID);
    }
}

/* Fills `out` with `count` times `unit` and what comes before and after. */
static sw_str repeated(char *out, const char *before, const char *unit, size_t count,
                       const char *after)
{
    char *at = out + sprintf(out, "%s", before);
    for (size_t i = 0; i < count; i++) {
        memcpy(at, unit, strlen(unit));
        at += strlen(unit);
    }
    return sw_str_make(out, (size_t)(at - out) + (size_t)sprintf(at, "%s", after));
}

static void expect_text(const sw_record *record, int field, sw_str text, sw_status expected)
{
    const sw_field *f = &record->fields[field];
    char row[64 * sizeof(sw_str)] = {0};
    sw_error err = {.status = SW_STATUS_OK};
    sw_status status = SW_STATUS_OK;
    *sw_field_str(f, row) = text;
    status = sw_field_check(f, row, "", &err);
    if (status != expected) {
        fail_msg("%s = %.*s: status %d, expected %d (%s)", f->name,
                 (int)(text.len > 80 ? 80 : text.len), text.ptr, (int)status, (int)expected,
                 err.message);
    }
    if (expected != SW_STATUS_OK) {
        assert_string_equal(err.field, f->name);
        assert_int_equal(err.status, expected);
        assert_true(sw_utf8_valid(sw_str_from(err.message)) && err.message[0]);
    }
}

static void test_text_of_every_kind(void **state)
{
    static const struct {
        int field;
        const char *text;
        sw_status expected;
    } rows[] = {
        {SW_STEP_MODEL, "", SW_STATUS_OK},
        {SW_STEP_MODEL, "gpt-4o-mini", SW_STATUS_OK},
        {SW_STEP_MODEL, "Gr\xC3\xBC\xC3\x9F Gott, Welt \xF0\x9F\x8C\x8D", SW_STATUS_OK},
        {SW_STEP_MODEL, "bad \xC3", SW_STATUS_INVALID},
        {SW_STEP_MODEL, "surrogate \xED\xA0\x80", SW_STATUS_INVALID},
        {SW_STEP_MODEL, "overlong \xC0\x80 \xC1\xBF", SW_STATUS_INVALID},
        {SW_STEP_TID, "12345678\x80", SW_STATUS_INVALID},
        {SW_STEP_TID, "\x7F\x01", SW_STATUS_OK},
        {SW_STEP_TRACE_ID, "0123456789abcdef0123456789abcdef", SW_STATUS_OK},
        {SW_STEP_TRACE_ID, "0123456789ABCDEF0123456789ABCDEF", SW_STATUS_INVALID},
        {SW_STEP_TRACE_ID, "0123456789abcdef0123456789abcde", SW_STATUS_INVALID},
        {SW_STEP_TRACE_ID, "", SW_STATUS_INVALID},
        {SW_STEP_METADATA, "{}", SW_STATUS_OK},
        {SW_STEP_METADATA, " {\"a\": [1, null]} ", SW_STATUS_OK},
        {SW_STEP_METADATA, "null", SW_STATUS_INVALID},
        {SW_STEP_METADATA, "[]", SW_STATUS_INVALID},
        {SW_STEP_METADATA, "3", SW_STATUS_INVALID},
        {SW_STEP_METADATA, "{\"a\":}", SW_STATUS_INVALID},
        {SW_STEP_METADATA, "{} {}", SW_STATUS_INVALID},
        {SW_STEP_METADATA, "", SW_STATUS_INVALID},
        {SW_STEP_METADATA, "{\"a\":\"\\u0000\"}", SW_STATUS_INVALID},
        {SW_STEP_METADATA, "{\"a\":\"\xC3\"}", SW_STATUS_INVALID},
        {SW_STEP_TAGS, "[]", SW_STATUS_OK},
        {SW_STEP_TAGS, "[\"a\",\"b\",\"a\"]", SW_STATUS_OK},
        {SW_STEP_TAGS, "[\"a ] , [ 1 \\\" b\"]", SW_STATUS_OK},
        {SW_STEP_TAGS, "[1]", SW_STATUS_INVALID},
        {SW_STEP_TAGS, "[null]", SW_STATUS_INVALID},
        {SW_STEP_TAGS, "[[]]", SW_STATUS_INVALID},
        {SW_STEP_TAGS, "[[\"a\"]]", SW_STATUS_INVALID},
        {SW_STEP_TAGS, "{\"a\":\"b\"}", SW_STATUS_INVALID},
        {SW_STEP_TAGS, "\"a\"", SW_STATUS_INVALID},
        {SW_STEP_TAGS, "null", SW_STATUS_INVALID},
        {SW_STEP_TAGS, "[\"a\"", SW_STATUS_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        expect_text(steps, rows[i].field, sw_str_from(rows[i].text), rows[i].expected);
    }
    expect_text(&sw__records[SW_RECORD_MESSAGE], SW_MESSAGE_TOOL_CALLS, SW_STR("[{}]"),
                SW_STATUS_OK);
    expect_text(&sw__records[SW_RECORD_MESSAGE], SW_MESSAGE_TOOL_CALLS, SW_STR("{}"),
                SW_STATUS_INVALID);
    expect_text(&sw__records[SW_RECORD_MESSAGE], SW_MESSAGE_CONTENT, SW_STR("[]"), SW_STATUS_OK);
}

/* Texts of every length up to three words, with a bad byte at every place. */
static void test_no_byte_escapes_the_check(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 24; len++) {
        char text[24];
        memset(text, 'a', sizeof text);
        expect_text(steps, SW_STEP_TID, sw_str_make(text, len), SW_STATUS_OK);
        for (size_t i = 0; i < len; i++) {
            text[i] = '\0';
            expect_text(steps, SW_STEP_TID, sw_str_make(text, len), SW_STATUS_INVALID);
            text[i] = (char)0x80;
            expect_text(steps, SW_STEP_TID, sw_str_make(text, len), SW_STATUS_INVALID);
            text[i] = 'a';
        }
    }
}

static void test_lengths_at_the_limit_and_past_it(void **state)
{
    static const struct {
        int field;
        const char *before, *unit, *after;
        size_t most;
        sw_status past;
    } rows[] = {
        {SW_STEP_MODEL, "", "m", "", SW_LIMIT_WORD_BYTES, SW_STATUS_TOO_LARGE},
        {SW_STEP_TID, "", "t", "", SW_LIMIT_TEXT_BYTES, SW_STATUS_TOO_LARGE},
        {SW_STEP_REQUEST_ID, "", "r", "", SW_LIMIT_ID_BYTES, SW_STATUS_TOO_LARGE},
        {SW_STEP_INPUT_PREVIEW, "", "p", "", 256, SW_STATUS_TOO_LARGE},
        {SW_STEP_INPUT_PREVIEW, "", "\xC3\xBC", "", 256, SW_STATUS_TOO_LARGE},
        {SW_STEP_INPUT_PREVIEW, "", "\xF0\x9F\x8C\x8D", "", 256, SW_STATUS_TOO_LARGE},
        {SW_STEP_TAGS, "[\"\"", ",\"x\"", "]", SW_LIMIT_TAGS - 1, SW_STATUS_INVALID},
        {SW_STEP_TAGS, "[\"", "x", "\"]", SW_LIMIT_TAG_BYTES, SW_STATUS_INVALID},
        {SW_STEP_TAGS, "[\"", "\\u00fc", "\"]", SW_LIMIT_TAG_BYTES / 2, SW_STATUS_INVALID},
        {SW_STEP_TAGS, "[\"", "\\ud83c\\udf0d", "\"]", SW_LIMIT_TAG_BYTES / 4, SW_STATUS_INVALID},
        {SW_STEP_METADATA, "{\"a\":\"", "j", "\"}", SW_LIMIT_JSON_BYTES - 8, SW_STATUS_TOO_LARGE},
    };
    char *text = malloc(SW_LIMIT_JSON_BYTES + 16);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_str most = repeated(text, rows[i].before, rows[i].unit, rows[i].most, rows[i].after);
        expect_text(steps, rows[i].field, most, SW_STATUS_OK);
        most = repeated(text, rows[i].before, rows[i].unit, rows[i].most + 1, rows[i].after);
        expect_text(steps, rows[i].field, most, rows[i].past);
    }
    expect_text(&sw__records[SW_RECORD_MESSAGE], SW_MESSAGE_TEXT,
                repeated(text, "", "x", SW_LIMIT_TEXT_BYTES + 1, ""), SW_STATUS_OK);
    free(text);
}

static void test_ids(void **state)
{
    const sw_record *traces = &sw__records[SW_RECORD_PROVIDER_TRACE];
    const sw_record *journal = &sw__records[SW_RECORD_JOURNAL];
    const sw_record *metrics = &sw__records[SW_RECORD_STEP_METRICS];
    (void)state;
    expect_text(steps, SW_STEP_ID, SW_STR(STEP_UUID), SW_STATUS_OK);
    expect_text(steps, SW_STEP_ID, SW_STR(RUN_UUID), SW_STATUS_INVALID_ID);
    expect_text(steps, SW_STEP_ID, SW_STR("step-0194b2c4-1111-3222-8333-944444444444"),
                SW_STATUS_INVALID_ID); /* not version 4 */
    expect_text(steps, SW_STEP_ID, SW_STR("step-0194B2C4-1111-4222-8333-944444444444"),
                SW_STATUS_INVALID_ID);
    expect_text(steps, SW_STEP_ID, SW_STR(""), SW_STATUS_INVALID_ID);
    expect_text(steps, SW_STEP_ID, SW_STR("bad \xFF"), SW_STATUS_INVALID);
    expect_text(steps, SW_STEP_RUN_ID, SW_STR(RUN_UUID), SW_STATUS_OK);
    expect_text(steps, SW_STEP_RUN_ID, SW_STR(JOB_UUID), SW_STATUS_OK);
    expect_text(steps, SW_STEP_RUN_ID, SW_STR("run-1"), SW_STATUS_INVALID_ID);
    expect_text(steps, SW_STEP_ORGANIZATION_ID, SW_STR("org-1"), SW_STATUS_INVALID_ID);
    /* no foreign key: free text */
    expect_text(steps, SW_STEP_AGENT_ID, SW_STR("agent seven"), SW_STATUS_OK);
    expect_text(traces, SW_PROVIDER_TRACE_STEP_ID, SW_STR("whatever"), SW_STATUS_OK);
    expect_text(traces, SW_PROVIDER_TRACE_ID, SW_STR("whatever"), SW_STATUS_INVALID_ID);
    expect_text(journal, SW_JOURNAL_ORGANIZATION_ID, SW_STR("x"), SW_STATUS_INVALID_ID);
    expect_text(journal, SW_JOURNAL_RECORD_ID, SW_STR("x"), SW_STATUS_OK);
    expect_text(metrics, SW_STEP_METRICS_ID, SW_STR(STEP_UUID), SW_STATUS_OK);
}

static void test_the_message_of_a_bad_id(void **state)
{
    sw_step step = good_step();
    sw_error err;
    (void)state;
    step.id = SW_STR("abc");
    assert_int_equal(sw_row_check(steps, &step, "", &err), SW_STATUS_INVALID_ID);
    assert_string_equal(err.message,
                        "Invalid step ID format: abc. Expected format: 'step-<uuid4>'");
}

static void test_numbers_at_their_borders(void **state)
{
    static const struct {
        int field;
        int64_t low, high;
    } rows[] = {
        {SW_STEP_PROMPT_TOKENS, 0, 2147483647},
        {SW_STEP_CONTENT_TRUNCATED, 0, 1},
        {SW_STEP_STATUS, 0, SW_STEP_STATUS_COUNT - 1},
        {SW_STEP_CREATED_AT, INT64_C(-62135596800000000), INT64_C(253402300799999999)},
    };
    sw_step step = good_step();
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        const sw_field *field = &steps->fields[rows[i].field];
        const int64_t values[] = {rows[i].low - 1, rows[i].low, rows[i].high, rows[i].high + 1};
        for (size_t k = 0; k < 4; k++) {
            bool good = k == 1 || k == 2;
            *sw_field_int(field, &step) = sw_int_of(values[k]);
            assert_int_equal(sw_field_check(field, &step, "", NULL),
                             good ? SW_STATUS_OK : SW_STATUS_INVALID);
        }
    }
    step.cost_nano_usd = sw_int_of(INT64_MIN);
    assert_int_equal(sw_field_check(&steps->fields[SW_STEP_COST_NANO_USD], &step, "", NULL), 0);
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
        cmocka_unit_test(test_step_begins_with_the_seeds_columns_in_order),
        cmocka_unit_test(test_later_columns_follow_and_ours_are_marked),
        cmocka_unit_test(test_foreign_keys_of_the_other_records),
        cmocka_unit_test(test_relations_of_a_step),
        cmocka_unit_test(test_the_seeds_index),
        cmocka_unit_test(test_every_record_holds_together),
        cmocka_unit_test(test_descriptors_meet_the_struct),
        cmocka_unit_test(test_kinds_and_words),
        cmocka_unit_test(test_parsing_text_forms),
        cmocka_unit_test(test_parsing_null_text_and_bytes),
        cmocka_unit_test(test_defaults_fill_only_what_is_null),
        cmocka_unit_test(test_a_good_step_passes_and_required_fields_are_required),
        cmocka_unit_test(test_text_of_every_kind),
        cmocka_unit_test(test_no_byte_escapes_the_check),
        cmocka_unit_test(test_lengths_at_the_limit_and_past_it),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_the_message_of_a_bad_id),
        cmocka_unit_test(test_numbers_at_their_borders),
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
