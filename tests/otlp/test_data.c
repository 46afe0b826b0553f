/* SPDX-License-Identifier: Apache-2.0 */
/* Traces that others published, read whole: what is counted in them is what their list says
 * (EXPECTED.md, "OTLP traces"), which was counted by another program. Where the files are not
 * there, the test says so and is skipped. */
#include "codec/otlp.h"
#include "tests/unit/test_base.h"

static const char data[] = SW_SOURCE_ROOT "/../shared/data/";

enum { FILE_MOST = 1 << 20 };

typedef struct counts {
    int64_t spans, roots, events, links, attributes;
    int64_t tokens; /* the sum over all attributes with "token" in their key */
} counts;

static sw_str read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t len = 0;
    if (!file) {
        return SW_NULL_STR;
    }
    len = fread(out, 1, size - 1, file);
    out[len] = '\0';
    (void)fclose(file);
    return sw_str_make(out, len);
}

static bool is_zero(const uint8_t *id, size_t size)
{
    static const uint8_t none[OTLP_TRACE_ID];
    return memcmp(id, none, size) == 0;
}

static sw_status count_span(void *arg, const otlp_span *span)
{
    counts *sum = arg;
    sum->spans++;
    sum->roots += is_zero(span->parent_span_id, sizeof span->parent_span_id);
    sum->events += (int64_t)span->event_count;
    sum->links += (int64_t)span->link_count;
    sum->attributes += (int64_t)span->attributes.count;
    for (size_t i = 0; i < span->attributes.count; i++) {
        const otlp_attribute *row = &span->attributes.items[i];
        double number = 0;
        bool numeric = row->value.kind == OTLP_INT || row->value.kind == OTLP_DOUBLE;
        if (sw_str_contains_nocase(row->key, SW_STR("token")) && numeric &&
            otlp_double(&row->value, &number)) {
            sum->tokens += (int64_t)number;
        }
    }
    return SW_STATUS_OK;
}

/* The file as it is, or its one span in an export's frame. */
static void read_export(sw_str text, const char *name, counts *sum)
{
    static char framed[FILE_MOST];
    otlp_sink sink = {.span = count_span, .arg = sum};
    sw_arena arena;
    sw_error err = {.status = SW_STATUS_OK};
    if (!strstr(text.ptr, "resourceSpans") && !strstr(text.ptr, "resource_spans")) {
        int len = snprintf(framed, sizeof framed,
                           "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%s]}]}]}", text.ptr);
        text = sw_str_make(framed, (size_t)len);
    }
    sw_arena_init(&arena, NULL, 0);
    if (otlp_read(OTLP_JSON, OTLP_TRACES, text, &arena, &sink, NULL, &err) != SW_STATUS_OK) {
        fail_msg("%s: %s: %s", name, err.field, err.message);
    }
    sw_arena_fini(&arena);
}

/* The number behind `"key": ` in a line of the list. */
static int64_t expected(const char *line, const char *key)
{
    char quoted[32];
    const char *at = NULL;
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    at = strstr(line, quoted);
    assert_non_null(at);
    return strtoll(at + strlen(quoted), NULL, 10);
}

static int64_t expected_tokens(const char *line)
{
    int64_t sum = 0;
    const char *at = strstr(line, "\"token_attributes\": {");
    assert_non_null(at);
    for (at += 21; (at = strchr(at, ':')); at++) {
        sum += strtoll(at + 1, NULL, 10);
    }
    return sum;
}

/* A line: - `folder/file`: `{...}` */
static bool check_line(const char *line)
{
    static char text[FILE_MOST];
    char name[160];
    char path[4096];
    counts got = {0, 0, 0, 0, 0, 0};
    sw_str file = SW_NULL_STR;
    if (sscanf(line, "- `%159[^`]`", name) != 1 || strstr(name, "data__opentelemetry__traces")) {
        return false; /* the latter holds cases, not an export; see below */
    }
    snprintf(path, sizeof path, "%sotlp/%s", data, name);
    file = read_file(path, text, sizeof text);
    assert_non_null(file.ptr);
    if (expected(line, "spans") == 0) {
        return false; /* another signal; see below */
    }
    read_export(file, name, &got);
    assert_int_equal(got.spans, expected(line, "spans"));
    assert_int_equal(got.roots, expected(line, "roots"));
    assert_int_equal(got.events, expected(line, "events"));
    assert_int_equal(got.links, expected(line, "links"));
    assert_int_equal(got.attributes, expected(line, "attributes"));
    assert_int_equal(got.tokens, expected_tokens(line));
    return true;
}

static void test_all_files_hold_what_their_list_says(void **state)
{
    static char list[FILE_MOST];
    char path[4096];
    char *line = NULL;
    char *rest = NULL;
    int checked = 0;
    (void)state;
    snprintf(path, sizeof path, "%sEXPECTED.md", data);
    if (!read_file(path, list, sizeof list).ptr) {
        print_message("skipped: the published traces are not there (%s)\n", data);
        skip();
    }
    rest = strstr(list, "## OTLP traces");
    assert_non_null(rest);
    for (line = strtok_r(rest + 3, "\n", &rest); line && strncmp(line, "## ", 3) != 0;
         line = strtok_r(NULL, "\n", &rest)) {
        checked += check_line(line);
    }
    assert_true(checked >= 24);
}

/* The file of cases of a receiver: what that receiver takes, we take, and what it finds mistyped we
 * refuse. What it refuses as incomplete is for our callers to judge. */
static void test_the_cases_of_another_receiver(void **state)
{
    static char text[FILE_MOST];
    char path[4096];
    sw_arena arena;
    sw_json json;
    int taken = 0;
    (void)state;
    snprintf(path, sizeof path, "%sotlp/fluent__fluent-bit/data__opentelemetry__traces.json", data);
    sw_str file = read_file(path, text, sizeof text);
    if (!file.ptr) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    sw_arena_init(&arena, NULL, 0);
    sw_json_init(&json, file, &arena);
    assert_int_equal(sw_json_next(&json), SW_JSON_OBJECT);
    while (sw_json_next(&json) == SW_JSON_KEY) {
        sw_str name = json.text;
        sw_str input = SW_NULL_STR;
        sw_error err;
        sw_status status = SW_STATUS_OK;
        bool mistyped = false;
        assert_int_equal(sw_json_next(&json), SW_JSON_OBJECT);
        assert_int_equal(sw_json_next(&json), SW_JSON_KEY);
        assert_true(sw_str_eq(json.text, SW_STR("input")));
        (void)sw_json_next(&json);
        assert_true(sw_json_skip(&json, &input));
        status = otlp_read(OTLP_JSON, OTLP_TRACES, input, &arena, NULL, NULL, &err);
        mistyped = sw_str_contains_nocase(name, SW_STR("wrong_type"));
        if ((status == SW_STATUS_INVALID) != mistyped) {
            fail_msg("%.*s: %d", (int)name.len, name.ptr, (int)status);
        }
        taken += status == SW_STATUS_OK;
        while (sw_json_next(&json) == SW_JSON_KEY) {
            (void)sw_json_next(&json);
            assert_true(sw_json_skip(&json, NULL));
        }
    }
    assert_int_equal(taken, 30);
    sw_arena_fini(&arena);
}

static int64_t count_items(const char *name, otlp_signal signal)
{
    static char text[FILE_MOST];
    char path[4096];
    int64_t count = -1;
    sw_arena arena;
    sw_error err = {.status = SW_STATUS_OK};
    snprintf(path, sizeof path, "%sotlp/open-telemetry__opentelemetry-proto/%s", data, name);
    sw_str file = read_file(path, text, sizeof text);
    if (!file.ptr) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    sw_arena_init(&arena, NULL, 0);
    if (otlp_read(OTLP_JSON, signal, file, &arena, NULL, &count, &err) != SW_STATUS_OK) {
        fail_msg("%s: %s: %s", name, err.field, err.message);
    }
    sw_arena_fini(&arena);
    return count;
}

/* Counted by eye. */
static void test_the_other_signals(void **state)
{
    (void)state;
    assert_int_equal(count_items("examples__logs.json", OTLP_LOGS), 1);
    assert_int_equal(count_items("examples__events.json", OTLP_LOGS), 1);
    assert_int_equal(count_items("examples__metrics.json", OTLP_METRICS), 4);
    assert_int_equal(count_items("examples__trace.json", OTLP_TRACES), 1);
    assert_int_equal(count_items("examples__trace.json", OTLP_LOGS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_files_hold_what_their_list_says),
        cmocka_unit_test(test_the_cases_of_another_receiver),
        cmocka_unit_test(test_the_other_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
