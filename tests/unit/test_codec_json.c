/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON. The order of the members is copied by hand from the description of the system we are
 * compatible with (as in Letta V1); what we write is read by another library (jansson) and compared with
 * the row; random rows of every record go out and come back.
 */
#include <time.h>

#include <jansson.h>

#include "tests/unit/codec_rows.h"

/* ---- the order of members -------------------------------------------------------------------- */

static void assert_order(sw_record_id id, const char *const *names, size_t count, size_t all)
{
    size_t shown_count = 0;
    const uint8_t *shown = sw_record_shown(id, &shown_count);
    for (size_t i = 0; i < count; i++) {
        assert_true(i < shown_count);
        assert_string_equal(sw__records[id].fields[shown[i]].name, names[i]);
    }
    assert_true(shown_count >= all);
}

#define ASSERT_ORDER(ID, ...)                                                                      \
    do {                                                                                           \
        static const char *const names[] = {__VA_ARGS__};                                          \
        assert_order(ID, names, SW_COUNT(names), SW_COUNT(names));                                 \
    } while (0)

/* `messages`, which V1 shows after request_id, is not a column; sw_record_write_api adds it. */
static void test_v1_members_come_first_in_v1_order(void **state)
{
    (void)state;
    ASSERT_ORDER(SW_RECORD_STEP, "id", "origin", "organization_id", "provider_id", "run_id",
                 "agent_id", "provider_name", "provider_category", "model", "model_handle",
                 "model_endpoint", "context_window_limit", "completion_tokens", "prompt_tokens",
                 "total_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens",
                 "completion_tokens_details", "prompt_tokens_details", "stop_reason", "tags", "tid",
                 "trace_id", "request_id", "feedback", "project_id", "error_type", "error_data",
                 "status");
    ASSERT_ORDER(SW_RECORD_STEP_METRICS, "id", "organization_id", "provider_id", "run_id",
                 "agent_id", "step_start_ns", "llm_request_start_ns", "llm_request_ns",
                 "tool_execution_ns", "step_ns", "base_template_id", "template_id", "project_id");
    ASSERT_ORDER(SW_RECORD_RUN, "id", "status", "created_at", "completed_at", "agent_id",
                 "conversation_id", "base_template_id", "background", "metadata", "request_config",
                 "stop_reason", "callback_url", "callback_sent_at", "callback_status_code",
                 "callback_error", "ttft_ns", "total_duration_ns");
    ASSERT_ORDER(SW_RECORD_RUN_METRICS, "id", "organization_id", "agent_id", "project_id",
                 "run_start_ns", "run_ns", "num_steps", "tools_used", "template_id",
                 "base_template_id");
    ASSERT_ORDER(SW_RECORD_PROVIDER_TRACE, "created_by_id", "last_updated_by_id", "created_at",
                 "updated_at", "id", "request_json", "response_json", "step_id", "agent_id",
                 "agent_tags", "call_type", "run_id", "source", "org_id", "user_id",
                 "compaction_settings", "llm_config", "billing_context");
    ASSERT_ORDER(SW_RECORD_PROVIDER, "id", "name", "provider_type", "provider_category", "api_key",
                 "base_url", "access_key", "region", "api_version", "organization_id", "updated_at",
                 "last_synced", "api_key_enc", "access_key_enc");
    ASSERT_ORDER(SW_RECORD_ORGANIZATION, "id", "name", "created_at", "privileged_tools");
    ASSERT_ORDER(SW_RECORD_USER, "id", "organization_id", "name", "created_at", "updated_at",
                 "is_deleted");
}

static void test_the_api_shows_the_relation_that_v1_never_loads(void **state)
{
    fixture *f = *state;
    sw_step step = {.request_id = SW_STR("r")};
    sw_json_out_init(&f->out, &f->buf, false);
    sw_record_write_api(SW_RECORD_STEP, &step, &f->out);
    assert_non_null(strstr(f->buf.ptr, "\"request_id\":\"r\",\"messages\":[],\"feedback\":null"));
    sw_buf_clear(&f->buf);
    sw_json_out_init(&f->out, &f->buf, false);
    sw_record_write_json(SW_RECORD_STEP, &step, &f->out);
    assert_null(strstr(f->buf.ptr, "messages"));
}

static void test_every_field_shows_once_unless_hidden_or_bytes(void **state)
{
    (void)state;
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *record = sw_record_of((sw_record_id)r);
        uint64_t mask = shown_mask((sw_record_id)r);
        size_t count = 0;
        sw_record_shown((sw_record_id)r, &count);
        for (size_t i = 0; i < record->field_count; i++) {
            bool hidden =
                record->fields[i].flags & SW_HIDDEN || record->fields[i].kind == SW_KIND_BYTES;
            assert_int_equal((mask >> i) & 1, !hidden);
        }
        assert_int_equal(count, __builtin_popcountll(mask));
    }
}

/* ---- there and back -------------------------------------------------------------------------- */

static sw_status read_json(fixture *f, sw_record_id id, unsigned flags, sw_str text, uint64_t *seen,
                           sw_error *err)
{
    sw_json json;
    sw_json_init(&json, text, &f->maker.arena);
    memset(&f->got, 0, sizeof f->got);
    (void)sw_json_next(&json);
    return sw_record_read_json(id, flags, &json, &f->maker.arena, &f->got, seen, "", err);
}

static void round_trip_json(fixture *f, sw_record_id id, bool pretty)
{
    uint64_t seen = 0;
    sw_error err = {.status = SW_STATUS_OK};
    sw_buf_clear(&f->buf);
    sw_json_out_init(&f->out, &f->buf, pretty);
    sw_record_write_json(id, &f->row, &f->out);
    assert_int_equal(f->buf.status, SW_STATUS_OK);
    if (read_json(f, id, SW_READ_STRICT, sw_buf_str(&f->buf), &seen, &err) != SW_STATUS_OK) {
        fail_msg("%s: %s\n%s", err.field, err.message, f->buf.ptr);
    }
    assert_int_equal(seen, shown_mask(id));
    assert_same(sw_record_of(id), &f->got, &f->row);
}

static void test_every_record_round_trips_through_json(void **state)
{
    fixture *f = *state;
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *record = sw_record_of((sw_record_id)r);
        for (int i = 0; i < 60; i++) {
            sw_error err = {.status = SW_STATUS_OK};
            sw_arena_reset(&f->maker.arena);
            make_row(&f->maker, record, &f->row, false);
            if (sw_row_check(record, &f->row, "", &err) != SW_STATUS_OK) {
                fail_msg("%s: %s", err.field, err.message);
            }
            make_row(&f->maker, record, &f->row, true);
            round_trip_json(f, (sw_record_id)r, i % 2);
        }
    }
}

/* ---- read by another library ----------------------------------------------------------------- */

/* V1's form of a time, by the C library's calendar. */
static void v1_time(int64_t us, bool zone, char out[64])
{
    int64_t fraction = us % 1000000 < 0 ? us % 1000000 + 1000000 : us % 1000000;
    time_t seconds = (time_t)((us - fraction) / 1000000);
    struct tm tm;
    int len = 0;
    gmtime_r(&seconds, &tm);
    len = snprintf(out, 64, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (fraction) {
        len += snprintf(out + len, 64 - (size_t)len, ".%06d", (int)fraction);
    }
    snprintf(out + len, 64 - (size_t)len, "%s", zone ? "Z" : "");
}

static void assert_foreign_text(const sw_field *field, sw_str text, const json_t *value)
{
    json_t *expected = NULL;
    if (field->kind == SW_KIND_JSON || field->kind == SW_KIND_TAGS) {
        expected = json_loadb(text.ptr, text.len, 0, NULL);
        assert_non_null(expected);
        assert_true(json_equal(value, expected));
        json_decref(expected);
        return;
    }
    assert_true(json_is_string(value));
    assert_int_equal(json_string_length(value), text.len);
    assert_memory_equal(json_string_value(value), text.ptr, text.len);
}

static void assert_foreign_number(const sw_field *field, int64_t number, const json_t *value)
{
    char text[64];
    if (field->kind == SW_KIND_ENUM) {
        assert_string_equal(json_string_value(value), sw__enums[field->words].words[number]);
    } else if (field->kind == SW_KIND_BOOL) {
        assert_true(json_is_boolean(value) && json_boolean_value(value) == (number != 0));
    } else if (field->kind == SW_KIND_TIME) {
        v1_time(number, !(field->flags & SW_ZONELESS), text);
        assert_string_equal(json_string_value(value), text);
    } else {
        assert_true(json_is_integer(value) && json_integer_value(value) == number);
    }
}

static void assert_foreign(const sw_record *record, const any_row *row, const json_t *object)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        const json_t *value = json_object_get(object, field->name);
        if (field->flags & SW_HIDDEN || field->kind == SW_KIND_BYTES) {
            assert_null(value);
        } else if (sw_field_is_null(field, row) || field->flags & SW_SECRET) {
            assert_true(json_is_null(value));
        } else if (sw_kind_is_text(field->kind)) {
            assert_foreign_text(field, sw_field_text(field, row), value);
        } else {
            assert_foreign_number(field, sw_field_number(field, row).value, value);
        }
    }
}

static void test_what_we_write_reads_the_same_elsewhere(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 60 * SW_RECORD_COUNT; i++) {
        sw_record_id id = (sw_record_id)(i % SW_RECORD_COUNT);
        json_t *object = NULL;
        size_t count = 0;
        sw_arena_reset(&f->maker.arena);
        make_row(&f->maker, sw_record_of(id), &f->row, false); /* with hidden fields and secrets */
        sw_buf_clear(&f->buf);
        sw_json_out_init(&f->out, &f->buf, i & 1);
        sw_record_write_json(id, &f->row, &f->out);
        object = json_loadb(f->buf.ptr, f->buf.len, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        assert_foreign(sw_record_of(id), &f->row, object);
        sw_record_shown(id, &count);
        assert_int_equal(json_object_size(object), count);
        json_decref(object);
    }
}

static void test_small_things_in_json(void **state)
{
    fixture *f = *state;
    sw_step step = {.id = SW_STR("s")};
    sw_run run = {.completed_at = {INT64_C(1738191679123456), 1}, .created_at = {1000000, 1}};
    sw_run_metrics metrics = {.id = SW_NULL_STR};
    sw_json_out_init(&f->out, &f->buf, false);
    sw_record_write_json(SW_RECORD_STEP, &step, &f->out);
    assert_non_null(strstr(f->buf.ptr, "\"tags\":[]")); /* never null */
    assert_non_null(strstr(f->buf.ptr, "\"feedback\":null"));
    assert_null(strstr(f->buf.ptr, "digest"));
    sw_buf_clear(&f->buf);
    sw_json_out_init(&f->out, &f->buf, false);
    sw_record_write_json(SW_RECORD_RUN, &run, &f->out);
    assert_non_null(strstr(f->buf.ptr, "\"created_at\":\"1970-01-01T00:00:01Z\""));
    assert_non_null(strstr(f->buf.ptr, "\"completed_at\":\"2025-01-29T23:01:19.123456\""));
    sw_buf_clear(&f->buf);
    sw_json_out_init(&f->out, &f->buf, false);
    sw_record_write_json(SW_RECORD_RUN_METRICS, &metrics, &f->out);
    assert_non_null(strstr(f->buf.ptr, "\"tools_used\":null")); /* array or null in V1 */
}

/* ---- reading JSON ---------------------------------------------------------------------------- */

static void test_members_set_clear_or_stay(void **state)
{
    fixture *f = *state;
    sw_step step = {.model = SW_STR("old"), .tid = SW_STR("old"), .origin = SW_STR("old")};
    sw_json json;
    uint64_t seen = 0;
    sw_json_init(
        &json,
        SW_STR(
            "[ {\"model\" : \"n\\u0065w\", \"tid\":null, \"cost_nano_usd\":-5,"
            " \"metadata\": { \"a b\" : [ 1, \"x \\\" y\" ] }, \"error_data\":{\"a\":\"\\\"\", \"b\":1},"
            " \"tags\":[ \"t\" ],"
            " \"feedback\":\"negative\", \"other\":{\"x\":[1,{}]},"
            " \"content_truncated\":true} , 7]"),
        &f->maker.arena);
    assert_int_equal(sw_json_next(&json), SW_JSON_ARRAY);
    assert_int_equal(sw_json_next(&json), SW_JSON_OBJECT);
    assert_int_equal(
        sw_record_read_json(SW_RECORD_STEP, 0, &json, &f->maker.arena, &step, &seen, "", NULL),
        SW_STATUS_OK);
    assert_true(sw_str_eq(step.model, SW_STR("new")));
    assert_null(step.tid.ptr);
    assert_true(sw_str_eq(step.origin, SW_STR("old")));
    assert_true(step.cost_nano_usd.known && step.cost_nano_usd.value == -5);
    assert_true(sw_str_eq(step.metadata, SW_STR("{\"a b\":[1,\"x \\\" y\"]}")));
    assert_true(sw_str_eq(step.error_data, SW_STR("{\"a\":\"\\\"\",\"b\":1}")));
    assert_true(sw_str_eq(step.tags, SW_STR("[\"t\"]")));
    assert_true(step.feedback.known && step.feedback.value == SW_FEEDBACK_NEGATIVE);
    assert_true(step.content_truncated.known && step.content_truncated.value == 1);
    assert_int_equal(seen, SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_TID) |
                               SW_MASK(SW_STEP_METADATA) | SW_MASK(SW_STEP_COST_NANO_USD) |
                               SW_MASK(SW_STEP_TAGS) | SW_MASK(SW_STEP_FEEDBACK) |
                               SW_MASK(SW_STEP_CONTENT_TRUNCATED) | SW_MASK(SW_STEP_ERROR_DATA));
    assert_int_equal(json.type, SW_JSON_OBJECT_END);
    assert_int_equal(sw_json_next(&json), SW_JSON_NUMBER); /* the reader stands behind the object */
}

static void test_bad_members_are_named(void **state)
{
    static const struct {
        const char *text, *field, *says;
        unsigned flags;
    } rows[] = {
        {"{\"model\":7}", "model", "is not a string (at byte 9)", 0},
        {"{\"status\":\"sucess\"}", "status", "did you mean success?", 0},
        {"{\"status\":1}", "status", "is not a string", 0},
        {"{\"prompt_tokens\":\"7\"}", "prompt_tokens", "is not an integer", 0},
        {"{\"prompt_tokens\":7.5}", "prompt_tokens", "is not an integer", 0},
        {"{\"prompt_tokens\":-1}", "prompt_tokens", "between 0 and 2147483647", 0},
        {"{\"prompt_tokens\":2147483648}", "prompt_tokens", "between 0 and 2147483647", 0},
        {"{\"cost_nano_usd\":9223372036854775808}", "cost_nano_usd", "is not an integer of 64 bits",
         0},
        {"{\"content_truncated\":1}", "content_truncated", "neither true nor false", 0},
        {"{\"created_at\":\"soon\"}", "created_at", "ISO 8601", 0},
        {"{\"created_at\":1}", "created_at", "is not a string", 0},
        {"{\"metadata\":[]}", "metadata", "is not an object (at byte 12)", 0},
        {"{\"tags\":{}}", "tags", "is not an array", 0},
        {"{\"tags\":\"a\"}", "tags", "is not an array", 0},
        {"{\"metadata\":{\"a\":}}", "metadata", "is not valid JSON", 0},
        {"{\"model\":\"\xC3\"}", "model", "is not valid JSON", 0},
        {"{\"model\":\"\\u0000\"}", "model", "is not valid JSON", 0},
        {"{\"model\":\"a\",\"model\":\"b\"}", "model", "is there twice (at byte 13)", 0},
        {"{\"mode\\u006c\":\"a\",\"model\":null}", "model", "is there twice", 0},
        {"{\"modell\":\"a\"}", "modell", "is not a member of step; did you mean model?",
         SW_READ_STRICT},
        {"{\"is_deleted\":true}", "is_deleted", "is not a member of step", SW_READ_STRICT},
        {"{\"create_digest\":\"x\"}", "create_digest", "is not a member of step", SW_READ_STRICT},
        {"{\"other\":[}", "other", "is not valid JSON", 0},
        {"{\"model\":\"a\"", "", "is not valid JSON", 0},
        {"[]", "", "is not an object", 0},
        {"", "", "is not valid JSON", 0},
    };
    fixture *f = *state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_error err = {.status = SW_STATUS_OK};
        assert_int_equal(
            read_json(f, SW_RECORD_STEP, rows[i].flags, sw_str_from(rows[i].text), NULL, &err),
            SW_STATUS_INVALID);
        assert_int_equal(err.status, SW_STATUS_INVALID);
        assert_string_equal(err.field, rows[i].field);
        if (!strstr(err.message, rows[i].says)) {
            fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].text, err.message, rows[i].says);
        }
    }
}

static void test_hidden_members_are_skipped_and_secrets_taken(void **state)
{
    fixture *f = *state;
    uint64_t seen = 1;
    const sw_step *step = (const sw_step *)(const void *)&f->got;
    const sw_provider *provider = (const sw_provider *)(const void *)&f->got;
    assert_int_equal(read_json(f, SW_RECORD_STEP, 0,
                               SW_STR("{\"is_deleted\":true,\"end_digest\":\"x\",\"nobody\":1}"),
                               &seen, NULL),
                     SW_STATUS_OK);
    assert_int_equal(seen, 0);
    assert_false(step->is_deleted.known);
    assert_null(step->end_digest.ptr);
    assert_int_equal(
        read_json(f, SW_RECORD_PROVIDER, 0, SW_STR("{\"api_key_enc\":\"k\"}"), &seen, NULL),
        SW_STATUS_OK);
    assert_true(sw_str_eq(provider->api_key_enc, SW_STR("k")));
    sw_json_out_init(&f->out, &f->buf, false);
    sw_record_write_json(SW_RECORD_PROVIDER, provider, &f->out);
    assert_non_null(strstr(f->buf.ptr, "\"api_key_enc\":null"));
}

static void test_the_path_stands_before_the_name(void **state)
{
    fixture *f = *state;
    sw_error err;
    sw_json json;
    sw_json_init(&json, SW_STR("{\"model\":1}"), &f->maker.arena);
    (void)sw_json_next(&json);
    assert_int_equal(sw_record_read_json(SW_RECORD_STEP, 0, &json, &f->maker.arena, &f->got, NULL,
                                         "steps[3].", &err),
                     SW_STATUS_INVALID);
    assert_string_equal(err.field, "steps[3].model");
}

/* Whatever is cut off or changed, the reader answers and never reads past the end (the copy is
 * exact, so that a sanitizer sees it).
 */
static void test_damaged_json_is_answered(void **state)
{
    fixture *f = *state;
    make_row(&f->maker, sw_record_of(SW_RECORD_STEP), &f->row, true);
    sw_json_out_init(&f->out, &f->buf, false);
    sw_record_write_json(SW_RECORD_STEP, &f->row, &f->out);
    for (size_t i = 0; i < f->buf.len; i++) {
        char *cut = malloc(i ? i : 1);
        char *changed = malloc(f->buf.len);
        sw_error err = {.status = SW_STATUS_OK};
        sw_status status = SW_STATUS_OK;
        memcpy(cut, f->buf.ptr, i);
        assert_int_equal(read_json(f, SW_RECORD_STEP, 0, sw_str_make(cut, i), NULL, &err),
                         SW_STATUS_INVALID);
        memcpy(changed, f->buf.ptr, f->buf.len);
        changed[i] = (char)draw(&f->maker, 256);
        status = read_json(f, SW_RECORD_STEP, 0, sw_str_make(changed, f->buf.len), NULL, &err);
        assert_true(status == SW_STATUS_OK || (status == SW_STATUS_INVALID && err.message[0]));
        free(cut);
        free(changed);
    }
}

/* ---- without memory -------------------------------------------------------------------------- */

static sw_status read_json_with(short_memory *memory, sw_str text)
{
    sw_arena arena;
    sw_json json;
    any_row row;
    sw_status status = SW_STATUS_OK;
    memset(&row, 0, sizeof row);
    sw_arena_init(&arena, &memory->allocator, 0);
    sw_json_init(&json, text, &arena);
    (void)sw_json_next(&json);
    status = sw_record_read_json(SW_RECORD_STEP, 0, &json, &arena, &row, NULL, "", NULL);
    sw_arena_fini(&arena);
    return status;
}

static void test_json_without_memory(void **state)
{
    fixture *f = *state;
    char long_text[70000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    sw_buf_addf(
        &f->buf,
        "{\"model\":\"a\\n\",\"tid\":\"\\\"%s\",\"metadata\":{ \"a\": 1 },\"tags\":[ \"%s\" ]}",
        long_text, long_text);
    sweep(read_json_with, sw_buf_str(&f->buf));
}

int main(void)
{
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_v1_members_come_first_in_v1_order),
        CASE(test_every_field_shows_once_unless_hidden_or_bytes),
        CASE(test_every_record_round_trips_through_json),
        CASE(test_what_we_write_reads_the_same_elsewhere),
        CASE(test_small_things_in_json),
        CASE(test_members_set_clear_or_stay),
        CASE(test_bad_members_are_named),
        CASE(test_hidden_members_are_skipped_and_secrets_taken),
        CASE(test_the_path_stands_before_the_name),
        CASE(test_the_api_shows_the_relation_that_v1_never_loads),
        CASE(test_damaged_json_is_answered),
        CASE(test_json_without_memory),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
