/* SPDX-License-Identifier: Apache-2.0 */
/* A step with its parts from JSON: what is read, what is borrowed, what is refused and by which name.
 * Values are compared with what stands in the text, written out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec/step_entry.h"
#include "tests/unit/short_memory.h"

typedef struct fixture {
    sw_arena arena;
    sw_step_entry entry;
    uint64_t seen;
    sw_error err;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    sw_arena_init(&f->arena, &sw__libc_allocator, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    sw_arena_fini(&f->arena);
    free(f);
    return 0;
}

static sw_status read_text(fixture *f, const char *text)
{
    sw_json json;
    memset(&f->entry, 0, sizeof f->entry);
    memset(&f->err, 0, sizeof f->err);
    f->seen = 0;
    sw_json_init(&json, sw_str_from(text), &f->arena);
    (void)sw_json_next(&json);
    sw_status status = sw_step_entry_read_json(&json, &f->arena, &f->entry, &f->seen, &f->err);
    if (status == SW_STATUS_OK) {
        assert_int_equal(json.type, SW_JSON_OBJECT_END);
        assert_int_equal(sw_json_next(&json), SW_JSON_END);
    }
    return status;
}

#define READS(TEXT)                                                                                \
    do {                                                                                           \
        if (read_text(f, TEXT) != SW_STATUS_OK) {                                                  \
            fail_msg("%s: %s", f->err.field, f->err.message);                                      \
        }                                                                                          \
    } while (0)

static void assert_refused(fixture *f, const char *text, const char *field, const char *word)
{
    assert_int_equal(read_text(f, text), SW_STATUS_INVALID);
    assert_int_equal(f->err.status, SW_STATUS_INVALID);
    assert_string_equal(f->err.field, field);
    if (!strstr(f->err.message, word)) {
        fail_msg("'%s' does not say '%s'", f->err.message, word);
    }
}

static void assert_text(sw_str got, const char *want)
{
    assert_true(sw_str_eq(got, sw_str_from(want)));
}

static void test_an_empty_object_is_an_empty_step(void **state)
{
    fixture *f = *state;
    static const sw_step_entry empty;
    READS("{}");
    assert_int_equal(f->seen, 0);
    assert_true(sw_row_equal(sw_record_of(SW_RECORD_STEP), &f->entry.step, &empty.step));
    assert_null(f->entry.metrics);
    assert_int_equal(f->entry.message_count + f->entry.trace_count, 0);
    assert_int_equal(f->entry.lease_seconds, 0);
}

static void test_a_step_with_all_its_parts(void **state)
{
    fixture *f = *state;
    READS("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]},"
          "{\"role\":\"assistant\",\"text\":\"ho\"},{\"role\":\"tool\"},{\"role\":\"tool\"},"
          "{\"role\":\"system\",\"name\":\"fifth\"}],"
          "\"model\":\"m\",\"lease_seconds\":60,"
          "\"metrics\":{\"step_ns\":7,\"ttft_ns\":3},\"prompt_tokens\":5,"
          "\"traces\":[{\"request_json\":{\"a\":1},\"response_json\":{}}],\"status\":\"success\"}");
    assert_text(f->entry.step.model, "m");
    assert_int_equal(f->entry.step.prompt_tokens.value, 5);
    assert_int_equal(f->entry.step.status.value, SW_STEP_STATUS_SUCCESS);
    assert_int_equal(f->entry.lease_seconds, 60);
    assert_int_equal(f->entry.metrics->step_ns.value, 7);
    assert_int_equal(f->entry.metrics->ttft_ns.value, 3);
    assert_false(f->entry.metrics->llm_request_ns.known);
    assert_int_equal(f->entry.message_count, 5);
    assert_int_equal(f->entry.messages[0].role.value, SW_MESSAGE_ROLE_USER);
    assert_text(f->entry.messages[0].content, "[{\"type\":\"text\",\"text\":\"hi\"}]");
    assert_text(f->entry.messages[1].text, "ho");
    assert_text(f->entry.messages[4].name, "fifth");
    assert_int_equal(f->entry.trace_count, 1);
    assert_text(f->entry.traces[0].request_json, "{\"a\":1}");
    assert_int_equal(f->seen, SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_PROMPT_TOKENS) |
                                  SW_MASK(SW_STEP_STATUS));
}

static void test_null_is_seen_and_a_null_part_is_absent(void **state)
{
    fixture *f = *state;
    READS("{\"tid\":null,\"metrics\":null,\"messages\":null,\"traces\":null,"
          "\"lease_seconds\":null}");
    assert_int_equal(f->seen, SW_MASK(SW_STEP_TID));
    assert_null(f->entry.step.tid.ptr);
    assert_null(f->entry.metrics);
    assert_null(f->entry.messages);
    assert_null(f->entry.traces);
    assert_int_equal(f->entry.lease_seconds, 0);
}

static void test_text_is_borrowed(void **state)
{
    fixture *f = *state;
    static const char text[] = "{\"model\":\"gpt\",\"messages\":[{\"text\":\"as it is\"}]}";
    READS(text);
    assert_ptr_equal(f->entry.step.model.ptr, strstr(text, "gpt"));
    assert_ptr_equal(f->entry.messages[0].text.ptr, strstr(text, "as it is"));
}

static void test_what_is_wrong_is_named(void **state)
{
    fixture *f = *state;
    assert_refused(f, "[]", "", "not an object");
    assert_refused(f, "{\"modell\":\"m\"}", "modell", "did you mean model?");
    assert_refused(f, "{\"mesages\":[]}", "mesages", "did you mean messages?");
    assert_refused(f, "{\"metrics\":[]}", "metrics", "not an object");
    assert_refused(f, "{\"metrics\":{\"step_nz\":1}}", "metrics.step_nz", "step_ns");
    assert_refused(f, "{\"messages\":{}}", "messages", "not an array");
    assert_refused(f, "{\"messages\":[{},{},{\"rolle\":\"user\"}]}", "messages[2].rolle", "role");
    assert_refused(f, "{\"messages\":[{\"role\":\"guest\"}]}", "messages[0].role", "message_role");
    assert_refused(f, "{\"messages\":[1]}", "messages[0]", "not an object");
    assert_refused(f, "{\"traces\":[{\"request_json\":[]}]}", "traces[0].request_json",
                   "not an object");
    assert_refused(f, "{\"lease_seconds\":0}", "lease_seconds", "seconds");
    assert_refused(f, "{\"lease_seconds\":1.5}", "lease_seconds", "seconds");
    assert_refused(f, "{\"lease_seconds\":\"60\"}", "lease_seconds", "seconds");
    assert_refused(f, "{\"metrics\":{},\"metrics\":{}}", "metrics", "twice");
    assert_refused(f, "{\"model\":\"a\",\"model\":\"a\"}", "model", "twice");
}

static void test_the_byte_is_told(void **state)
{
    fixture *f = *state;
    assert_refused(f, "{\"messages\":[{\"role\":\"user\"},]}", "messages", "at byte 29");
    assert_refused(f, "{\"messages\":[{\"role\":\"user\"}", "messages", "at byte 28");
    assert_refused(f, "{\"model\":\"m\" \"tid\":1}", "", "at byte 13");
    assert_refused(f, "{\"lease_seconds\":-}", "lease_seconds", "at byte 18");
}

static void test_parts_have_a_bound(void **state)
{
    fixture *f = *state;
    size_t most = SW_LIMIT_BATCH_ITEMS;
    char *text = malloc(3 * most + 64);
    for (int more = 0; more < 2; more++) {
        char *at = text + sprintf(text, "{\"messages\":[{}");
        for (size_t i = 1; i < most + (size_t)more; i++) {
            at += sprintf(at, ",{}");
        }
        strcpy(at, "]}");
        assert_int_equal(read_text(f, text), more ? SW_STATUS_TOO_LARGE : SW_STATUS_OK);
    }
    assert_string_equal(f->err.field, "messages");
    free(text);
}

/* ---- without memory ------------------------------------------------------------------------------ */

static sw_status read_with(short_memory *memory)
{
    static const char text[] =
        "{\"model\":\"a\\u0062\",\"metrics\":{\"step_ns\":1},\"messages\":[{\"text\":\"\\n\"},{},"
        "{},{},{},{},{},{},{\"content\":[ 1 ]}],\"traces\":[{\"request_json\":{ }}]}";
    sw_arena arena;
    sw_json json;
    sw_step_entry entry = {.lease_seconds = 0};
    sw_error err = {.status = SW_STATUS_OK};
    sw_arena_init(&arena, &memory->allocator, 0);
    sw_json_init(&json, sw_str_from(text), &arena);
    (void)sw_json_next(&json);
    sw_status status = sw_step_entry_read_json(&json, &arena, &entry, NULL, &err);
    assert_int_equal(err.status, status);
    sw_arena_fini(&arena);
    return status;
}

static void test_reading_without_memory(void **state)
{
    (void)state;
    sw_status status = SW_STATUS_NO_MEMORY;
    for (long left = 0; status != SW_STATUS_OK; left++) {
        short_memory memory;
        short_memory_init(&memory, left);
        status = read_with(&memory);
        assert_true(status == SW_STATUS_OK || status == SW_STATUS_NO_MEMORY);
        assert_int_equal(memory.blocks, 0);
        assert_true(left < 1000);
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_object_is_an_empty_step),
        TEST(test_a_step_with_all_its_parts),
        TEST(test_null_is_seen_and_a_null_part_is_absent),
        TEST(test_text_is_borrowed),
        TEST(test_what_is_wrong_is_named),
        TEST(test_the_byte_is_told),
        TEST(test_parts_have_a_bound),
        TEST(test_reading_without_memory),
    };
    return cmocka_run_group_tests_name("step entry", tests, NULL, NULL);
}
