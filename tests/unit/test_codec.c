/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON and CSV. The order of the members is copied by hand from the description of the
 * system we are compatible with (as in Letta V1); what we write is read by another library
 * (jansson) and compared with the row; random rows of every record go out and come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec/record.h"
#include "tests/unit/short_memory.h"

/* A row of any record. */
typedef union any_row {
    max_align_t align;
    char bytes[64 * 16];
} any_row;

/* ---- random rows ----------------------------------------------------------------------------- */

typedef struct maker {
    uint64_t state;
    sw_arena arena;
} maker;

static uint64_t draw(maker *m, uint64_t below)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return m->state % below;
}

/* Text of pieces that any writer of JSON or CSV could stumble over. */
static sw_str make_text(maker *m, size_t pieces)
{
    static const char *const piece[] = {"a",
                                        "word",
                                        " ",
                                        ",",
                                        "\"",
                                        "\"\"",
                                        "\\",
                                        "\\u0041",
                                        "\n",
                                        "\r\n",
                                        "\r",
                                        "\t",
                                        "\x01",
                                        "\x7F",
                                        "/",
                                        "null",
                                        "{",
                                        "]",
                                        "\xC3\xBC",
                                        "\xE2\x82\xAC",
                                        "\xF0\x9F\x8C\x8D",
                                        "\xE2\x80\xA8",
                                        "\xEF\xBB\xBF",
                                        "\xEF\xBF\xBF",
                                        "'",
                                        ";",
                                        "=",
                                        "0",
                                        "-1"};
    char text[200] = "";
    for (size_t i = draw(m, pieces + 1); i > 0; i--) {
        strcat(text, piece[draw(m, SW_COUNT(piece))]);
    }
    return sw_arena_str(&m->arena, sw_str_from(text));
}

static sw_str make_id(maker *m, const sw_field *field)
{
    uint8_t uuid[SW_UUID];
    char text[SW_ID_TEXT];
    for (size_t i = 0; i < sizeof uuid; i++) {
        uuid[i] = (uint8_t)draw(m, 256);
    }
    uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0F));
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3F));
    if (!(field->flags & SW_PRIMARY) && !field->ref.record_plus_1 && draw(m, 2)) {
        return make_text(m, 8); /* free text */
    }
    const char *prefix = field->prefix2 && draw(m, 3) == 0 ? field->prefix2 : field->prefix;
    size_t len = sw_id_print(sw_str_from(prefix ? prefix : "any"), uuid, text);
    return sw_arena_str(&m->arena, sw_str_make(text, len));
}

static json_t *make_json(maker *m, int depth)
{
    json_t *value = NULL;
    switch (draw(m, depth > 0 ? 8 : 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(draw(m, 2));
    case 2:
        return json_integer((json_int_t)(draw(m, UINT64_MAX)));
    case 3:
        return json_real((double)draw(m, 1000000) / 64.0);
    case 4:
    case 5:
        return json_string(make_text(m, 6).ptr);
    case 6:
        value = json_array();
        for (uint64_t i = draw(m, 4); i > 0; i--) {
            json_array_append_new(value, make_json(m, depth - 1));
        }
        return value;
    default:
        value = json_object();
        for (uint64_t i = draw(m, 4); i > 0; i--) {
            json_object_set_new(value, make_text(m, 3).ptr, make_json(m, depth - 1));
        }
        return value;
    }
}

static sw_str make_container(maker *m, const sw_field *field)
{
    bool array = field->kind == SW_KIND_TAGS || field->flags & SW_ARRAY;
    json_t *value = array ? json_array() : json_object();
    char *text = NULL;
    sw_str copy;
    for (uint64_t i = draw(m, 5); i > 0; i--) {
        json_t *item =
            field->kind == SW_KIND_TAGS ? json_string(make_text(m, 5).ptr) : make_json(m, 3);
        if (array) {
            json_array_append_new(value, item);
        } else {
            json_object_set_new(value, make_text(m, 4).ptr, item);
        }
    }
    text = json_dumps(value, JSON_COMPACT | (draw(m, 2) ? JSON_ENSURE_ASCII : 0));
    copy = sw_arena_str(&m->arena, sw_str_from(text));
    free(text);
    json_decref(value);
    return copy;
}

static int64_t make_number(maker *m, const sw_field *field)
{
    static const int64_t extreme[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    switch (field->kind) {
    case SW_KIND_ENUM:
        return (int64_t)draw(m, sw__enums[field->words].count);
    case SW_KIND_BOOL:
        return (int64_t)draw(m, 2);
    case SW_KIND_INT:
        return draw(m, 4) ? (int64_t)draw(m, UINT64_C(1) << 31) : 2147483647;
    case SW_KIND_TIME:
        return INT64_C(-62135596800000000) + (int64_t)draw(m, UINT64_C(315537897600)) * 1000000 +
               (draw(m, 2) ? (int64_t)draw(m, 1000000) : 0);
    default:
        return draw(m, 2) ? extreme[draw(m, 5)] : (int64_t)draw(m, UINT64_MAX);
    }
}

static void make_field(maker *m, const sw_field *field, void *row)
{
    char hex[33];
    switch (field->kind) {
    case SW_KIND_ID:
        *sw_field_str(field, row) = make_id(m, field);
        return;
    case SW_KIND_HEX:
        snprintf(hex, sizeof hex, "%016llx%016llx", (unsigned long long)draw(m, UINT64_MAX),
                 (unsigned long long)draw(m, UINT64_MAX));
        *sw_field_str(field, row) = sw_arena_str(&m->arena, sw_str_from(hex));
        return;
    case SW_KIND_JSON:
    case SW_KIND_TAGS:
        *sw_field_str(field, row) = make_container(m, field);
        return;
    case SW_KIND_TEXT:
    case SW_KIND_WORD:
    case SW_KIND_BYTES:
        *sw_field_str(field, row) = make_text(m, 20);
        return;
    default:
        *sw_field_int(field, row) = sw_int_of(make_number(m, field));
    }
}

/* A row that the model accepts. Bytes and hidden fields, which no wire form shows, stay null when
 * `shown_only`, as do secrets.
 */
static void make_row(maker *m, const sw_record *record, void *row, bool shown_only)
{
    memset(row, 0, record->size);
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        bool unseen = field->flags & (SW_HIDDEN | SW_SECRET) || field->kind == SW_KIND_BYTES;
        if ((field->flags & SW_NOT_NULL || draw(m, 3)) && !(shown_only && unseen)) {
            make_field(m, field, row);
        }
    }
}

static void assert_same(const sw_record *record, const void *got, const void *expected)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (!sw_field_equal(field, got, expected)) {
            fail_msg("%s.%s differs: null %d, was %d", record->name, field->name,
                     sw_field_is_null(field, got), sw_field_is_null(field, expected));
        }
    }
}

static uint64_t shown_mask(sw_record_id id)
{
    size_t count = 0;
    const uint8_t *shown = sw_record_shown(id, &count);
    uint64_t mask = 0;
    for (size_t i = 0; i < count; i++) {
        mask |= SW_MASK(shown[i]);
    }
    return mask;
}

typedef struct fixture {
    maker maker;
    sw_buf buf;
    sw_json_out out;
    any_row row;
    any_row got;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->maker.state = UINT64_C(0x5EED5EED1234567);
    sw_arena_init(&f->maker.arena, &sw__libc_allocator, 0);
    sw_buf_init(&f->buf, &sw__libc_allocator, 1 << 24);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    sw_arena_fini(&f->maker.arena);
    sw_buf_fini(&f->buf);
    free(f);
    return 0;
}

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

static void round_trip_csv(fixture *f, sw_record_id id, const any_row *rows, size_t count)
{
    sw_csv csv;
    sw_error err = {.status = SW_STATUS_OK};
    bool more = false;
    sw_buf_clear(&f->buf);
    sw_record_csv_header(id, &f->buf);
    for (size_t i = 0; i < count; i++) {
        sw_record_write_csv(id, &rows[i], &f->buf);
    }
    assert_int_equal(f->buf.status, SW_STATUS_OK);
    assert_int_equal(
        sw_record_csv_open(&csv, id, SW_READ_STRICT, sw_buf_str(&f->buf), &f->maker.arena, &err),
        SW_STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        uint64_t seen = 0;
        memset(&f->got, 0, sizeof f->got);
        if (sw_record_read_csv_row(&csv, &f->maker.arena, &f->got, &seen, &more, &err) !=
            SW_STATUS_OK) {
            fail_msg("%s: %s\n%s", err.field, err.message, f->buf.ptr);
        }
        assert_true(more);
        assert_int_equal(seen, shown_mask(id));
        assert_same(sw_record_of(id), &f->got, &rows[i]);
    }
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &f->got, NULL, &more, &err),
                     SW_STATUS_OK);
    assert_false(more);
}

static void test_every_record_round_trips_through_csv(void **state)
{
    fixture *f = *state;
    any_row rows[5];
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        for (int i = 0; i < 20; i++) {
            sw_arena_reset(&f->maker.arena);
            for (size_t k = 0; k < SW_COUNT(rows); k++) {
                make_row(&f->maker, sw_record_of((sw_record_id)r), &rows[k], true);
            }
            round_trip_csv(f, (sw_record_id)r, rows, SW_COUNT(rows));
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

/* ---- reading CSV ----------------------------------------------------------------------------- */

static void test_the_csv_header_is_the_json_order(void **state)
{
    fixture *f = *state;
    sw_record_csv_header(SW_RECORD_USER, &f->buf);
    assert_string_equal(f->buf.ptr,
                        "id,organization_id,name,created_at,updated_at,is_deleted,created_by_id,"
                        "last_updated_by_id\r\n");
}

static void test_cells(void **state)
{
    static const struct {
        sw_str text;
        const char *csv;
    } rows[] = {
        {{NULL, 0}, ""},         {{"", 0}, "\"\""},           {{"plain", 5}, "plain"},
        {{"a,b", 3}, "\"a,b\""}, {{"a\"b", 3}, "\"a\"\"b\""}, {{"a\nb", 3}, "\"a\nb\""},
        {{" a ", 3}, " a "},     {{"'a;b", 4}, "'a;b"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_project project = {.id = SW_STR("p"), .name = rows[i].text};
        char expected[64];
        sw_buf_clear(&f->buf);
        sw_record_write_csv(SW_RECORD_PROJECT, &project, &f->buf);
        snprintf(expected, sizeof expected, "p,%s,,,,,\r\n", rows[i].csv);
        assert_string_equal(f->buf.ptr, expected);
    }
}

static void test_secrets_stay_out_of_csv(void **state)
{
    fixture *f = *state;
    sw_provider provider = {.id = SW_STR("p"), .api_key_enc = SW_STR("sealed")};
    sw_record_csv_header(SW_RECORD_PROVIDER, &f->buf);
    sw_record_write_csv(SW_RECORD_PROVIDER, &provider, &f->buf);
    assert_non_null(strstr(f->buf.ptr, ",api_key_enc,"));
    assert_null(strstr(f->buf.ptr, "sealed"));
}

static void test_columns_in_any_order_and_foreign_line_ends(void **state)
{
    fixture *f = *state;
    sw_csv csv;
    sw_project project = {.id = SW_NULL_STR};
    uint64_t seen = 0;
    bool more = false;
    sw_str text =
        SW_STR("\xEF\xBB\xBFname,colour,\"id\"\n\"a \"\"b\"\"\",red,p1\n,,p2\n\"\",\"x\ny\",p3");
    assert_int_equal(
        sw_record_csv_open(&csv, SW_RECORD_PROJECT, SW_READ_STRICT, text, &f->maker.arena, NULL),
        SW_STATUS_INVALID);
    assert_int_equal(sw_record_csv_open(&csv, SW_RECORD_PROJECT, 0, text, &f->maker.arena, NULL),
                     0);
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &project, &seen, &more, NULL),
                     0);
    assert_true(more && sw_str_eq(project.name, SW_STR("a \"b\"")));
    assert_true(sw_str_eq(project.id, SW_STR("p1")));
    assert_int_equal(seen, SW_MASK(SW_PROJECT_NAME) | SW_MASK(SW_PROJECT_ID));
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &project, NULL, &more, NULL), 0);
    assert_true(more && !project.name.ptr);
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &project, NULL, &more, NULL), 0);
    assert_true(more && project.name.ptr && project.name.len == 0);
    assert_int_equal(csv.line, 5); /* one of the lines was inside a cell */
    assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &project, NULL, &more, NULL), 0);
    assert_false(more);
}

static void test_bad_headers(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "the header is missing"},
        {"id,name,id\n", "is in the header twice"},
        {"id,\"na\n", "a quote is never closed, beginning in line 1"},
        {"id,n\"a\n", "characters that need quotes"},
        {"id,is_deleted\n", "which project does not have"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_csv csv;
        sw_error err = {.status = SW_STATUS_OK};
        assert_int_equal(sw_record_csv_open(&csv, SW_RECORD_PROJECT, SW_READ_STRICT,
                                            sw_str_from(rows[i].text), &f->maker.arena, &err),
                         SW_STATUS_INVALID);
        assert_non_null(strstr(err.message, rows[i].says));
    }
}

static void test_too_many_columns(void **state)
{
    fixture *f = *state;
    sw_csv csv;
    for (int i = 0; i < SW_CSV_COLUMNS; i++) {
        sw_buf_adds(&f->buf, i ? ",x" : "x");
    }
    assert_int_equal(
        sw_record_csv_open(&csv, SW_RECORD_STEP, 0, sw_buf_str(&f->buf), &f->maker.arena, NULL),
        SW_STATUS_OK);
    sw_buf_adds(&f->buf, ",x");
    assert_int_equal(
        sw_record_csv_open(&csv, SW_RECORD_STEP, 0, sw_buf_str(&f->buf), &f->maker.arena, NULL),
        SW_STATUS_TOO_LARGE);
}

static void test_one_bad_row_does_not_sink_the_others(void **state)
{
    static const struct {
        const char *row, *field, *says;
    } rows[] = {
        {"s,many,[],{}", "prompt_tokens", "is not an integer from 0 to 2147483647 (in line 3)"},
        {"s,1,[,{}", "tags", "is not valid JSON"},
        {"s,1,[]", "", "line 3 has 3 cells, the header 4"},
        {"s,1,[],{},5", "", "line 3 has 5 cells, the header 4"},
        {"s,1,\"[]\"x,{}", "", "a cell has characters that need quotes in line 3"},
        {"s,1\r,[],{}", "", "a cell has characters that need quotes in line 3"},
        {"", "", "line 3 has 1 cells"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_csv csv;
        sw_step step = {.id = SW_NULL_STR};
        sw_error err = {.status = SW_STATUS_OK};
        bool more = false;
        sw_buf_clear(&f->buf);
        sw_buf_addf(
            &f->buf,
            "id,prompt_tokens,tags,metadata\n\"a\",,\"[ \"\"x\"\" ]\",null\n%s\nb,7,[],{}\n",
            rows[i].row);
        assert_int_equal(
            sw_record_csv_open(&csv, SW_RECORD_STEP, 0, sw_buf_str(&f->buf), &f->maker.arena, &err),
            SW_STATUS_OK);
        assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &step, NULL, &more, &err),
                         0);
        assert_true(sw_str_eq(step.tags, SW_STR("[\"x\"]")) && !step.metadata.ptr);
        assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &step, NULL, &more, &err),
                         SW_STATUS_INVALID);
        assert_true(more);
        assert_string_equal(err.field, rows[i].field);
        if (!strstr(err.message, rows[i].says)) {
            fail_msg("\"%s\" does not say \"%s\"", err.message, rows[i].says);
        }
        assert_int_equal(sw_record_read_csv_row(&csv, &f->maker.arena, &step, NULL, &more, &err),
                         0);
        assert_true(more && sw_str_eq(step.id, SW_STR("b")) && step.prompt_tokens.value == 7);
        assert_int_equal(csv.line, 5);
    }
}

static void test_damaged_csv_is_answered(void **state)
{
    fixture *f = *state;
    for (int round = 0; round < 40; round++) {
        char *copy = NULL;
        sw_csv csv;
        bool more = true;
        sw_arena_reset(&f->maker.arena);
        make_row(&f->maker, sw_record_of(SW_RECORD_STEP), &f->row, true);
        sw_buf_clear(&f->buf);
        sw_record_csv_header(SW_RECORD_STEP, &f->buf);
        sw_record_write_csv(SW_RECORD_STEP, &f->row, &f->buf);
        size_t len = f->buf.len - draw(&f->maker, f->buf.len / 3);
        copy = malloc(len);
        memcpy(copy, f->buf.ptr, len);
        copy[draw(&f->maker, len)] = (char)draw(&f->maker, 256);
        if (sw_record_csv_open(&csv, SW_RECORD_STEP, 0, sw_str_make(copy, len), &f->maker.arena,
                               NULL) == SW_STATUS_OK) {
            for (int i = 0; more; i++) {
                (void)!sw_record_read_csv_row(&csv, &f->maker.arena, &f->got, NULL, &more, NULL);
                assert_true(i < 2000); /* it always moves on */
            }
        }
        free(copy);
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

static sw_status read_csv_with(short_memory *memory, sw_str text)
{
    sw_arena arena;
    sw_csv csv;
    any_row row;
    bool more = false;
    sw_status status = SW_STATUS_OK;
    memset(&row, 0, sizeof row);
    sw_arena_init(&arena, &memory->allocator, 0);
    status = sw_record_csv_open(&csv, SW_RECORD_STEP, 0, text, &arena, NULL);
    if (status == SW_STATUS_OK) {
        status = sw_record_read_csv_row(&csv, &arena, &row, NULL, &more, NULL);
    }
    sw_arena_fini(&arena);
    return status;
}

static void sweep(sw_status (*read)(short_memory *, sw_str), sw_str text)
{
    for (long left = 0;; left++) {
        short_memory memory;
        sw_status status = SW_STATUS_OK;
        short_memory_init(&memory, left);
        status = read(&memory, text);
        assert_int_equal(memory.blocks, 0);
        if (status == SW_STATUS_OK) {
            assert_true(left > 2); /* there was something to fail */
            return;
        }
        assert_int_equal(status, SW_STATUS_NO_MEMORY);
    }
}

static void test_reading_without_memory(void **state)
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
    sw_buf_clear(&f->buf);
    sw_buf_addf(&f->buf,
                "\"mo\"\"del\",tid,metadata\n\"\"\"\",\"\"\"%s\",\"{\"\"a\"\": \"\"%s\"\"}\"\n",
                long_text, long_text);
    sweep(read_csv_with, sw_buf_str(&f->buf));
}

int main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_v1_members_come_first_in_v1_order),
        TEST(test_the_api_shows_the_relation_that_v1_never_loads),
        TEST(test_every_field_shows_once_unless_hidden_or_bytes),
        TEST(test_every_record_round_trips_through_json),
        TEST(test_every_record_round_trips_through_csv),
        TEST(test_what_we_write_reads_the_same_elsewhere),
        TEST(test_small_things_in_json),
        TEST(test_members_set_clear_or_stay),
        TEST(test_bad_members_are_named),
        TEST(test_hidden_members_are_skipped_and_secrets_taken),
        TEST(test_the_path_stands_before_the_name),
        TEST(test_damaged_json_is_answered),
        TEST(test_the_csv_header_is_the_json_order),
        TEST(test_cells),
        TEST(test_secrets_stay_out_of_csv),
        TEST(test_columns_in_any_order_and_foreign_line_ends),
        TEST(test_bad_headers),
        TEST(test_too_many_columns),
        TEST(test_one_bad_row_does_not_sink_the_others),
        TEST(test_damaged_csv_is_answered),
        TEST(test_reading_without_memory),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
