/* SPDX-License-Identifier: Apache-2.0 */
/* What a value may be: each kind at its limits and past them, and what a refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/good_step.h"

static const sw_record *const steps = &sw__records[SW_RECORD_STEP];

/* ---- checks ---------------------------------------------------------------------------------- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_step_passes_and_required_fields_are_required),
        cmocka_unit_test(test_text_of_every_kind),
        cmocka_unit_test(test_no_byte_escapes_the_check),
        cmocka_unit_test(test_lengths_at_the_limit_and_past_it),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_the_message_of_a_bad_id),
        cmocka_unit_test(test_numbers_at_their_borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
