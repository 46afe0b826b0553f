/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP as it comes from others: captured bytes, the lenient readings, and what must be refused.
 * What is expected is written out from the specification. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/otlp.h"
#include "tests/unit/otlp_bytes.h"

enum { SHOWN = 8 };

typedef struct fixture {
    sw_arena arena;
    otlp_span spans[SHOWN];
    otlp_log logs[SHOWN];
    size_t span_count;
    size_t log_count;
    int64_t count;
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

static sw_status keep_span(void *arg, const otlp_span *span)
{
    fixture *f = arg;
    assert_true(f->span_count < SHOWN);
    f->spans[f->span_count++] = *span;
    return SW_STATUS_OK;
}

static sw_status keep_log(void *arg, const otlp_log *log)
{
    fixture *f = arg;
    assert_true(f->log_count < SHOWN);
    f->logs[f->log_count++] = *log;
    return SW_STATUS_OK;
}

static sw_status read_bytes(fixture *f, otlp_wire wire, otlp_signal signal, sw_str bytes)
{
    otlp_sink sink = {.span = keep_span, .log = keep_log, .arg = f};
    f->span_count = 0;
    f->log_count = 0;
    f->err = (sw_error){.status = SW_STATUS_OK};
    return otlp_read(wire, signal, bytes, &f->arena, &sink, &f->count, &f->err);
}

static void reads(fixture *f, otlp_wire wire, otlp_signal signal, sw_str bytes)
{
    if (read_bytes(f, wire, signal, bytes) != SW_STATUS_OK) {
        fail_msg("%s: %s", f->err.field, f->err.message);
    }
}

static void reads_json(fixture *f, otlp_signal signal, const char *text)
{
    reads(f, OTLP_JSON, signal, sw_str_from(text));
}

static void assert_refused(fixture *f, const char *text, const char *field, const char *word)
{
    assert_int_equal(read_bytes(f, OTLP_JSON, OTLP_TRACES, sw_str_from(text)), SW_STATUS_INVALID);
    assert_string_equal(f->err.field, field);
    if (!strstr(f->err.message, word)) {
        fail_msg("'%s' does not say '%s'", f->err.message, word);
    }
}

static void assert_text(sw_str got, const char *want)
{
    if (!sw_str_eq(got, sw_str_from(want))) {
        fail_msg("'%.*s' is not '%s'", (int)got.len, got.ptr, want);
    }
}

static void assert_id(const uint8_t *got, size_t size, const char *want)
{
    char hex[2 * OTLP_TRACE_ID];
    sw_hex_print(got, size, hex);
    assert_text(sw_str_make(hex, 2 * size), want);
}

static const otlp_value *attribute(const otlp_attributes *attributes, const char *key)
{
    const otlp_value *value = otlp_find(attributes, sw_str_from(key));
    assert_non_null(value);
    return value;
}

/* ---- what others sent ----------------------------------------------------------------------------- */

/* The specification's captured export (H.2): defaults are written out, ids differ from all others.
 */
static void test_a_captured_export(void **state)
{
    fixture *f = *state;
    char bytes[256];
    sw_str body = otlp_from_hex(
        "0a790a170a130a0c736572766963652e6e616d6512030a01781000125e0a090a0261691203312e3012510a10"
        "81180b57f9e5a69d6b38e627d074548512080e54036a835af6ba22081c99099c361a73ca2a056368696c6430"
        "013980389ac2f64fea184161619ac2f64fea185000600070007a021800850101010000",
        bytes);
    assert_int_equal(body.len, 123);
    reads(f, OTLP_PROTOBUF, OTLP_TRACES, body);
    assert_int_equal(f->count, 1);
    const otlp_span *span = &f->spans[0];
    assert_text(attribute(&span->resource->attributes, "service.name")->text, "x");
    assert_text(span->scope->name, "ai");
    assert_text(span->scope->version, "1.0");
    assert_id(span->trace_id, OTLP_TRACE_ID, "81180b57f9e5a69d6b38e627d0745485");
    assert_id(span->span_id, OTLP_SPAN_ID, "0e54036a835af6ba");
    assert_id(span->parent_span_id, OTLP_SPAN_ID, "1c99099c361a73ca");
    assert_text(span->name, "child");
    assert_int_equal(span->span_kind, 1);
    assert_int_equal(span->start_ns, 0x18ea4ff6c29a3880);
    assert_int_equal(span->end_ns, 0x18ea4ff6c29a6161);
    assert_int_equal(span->status, OTLP_UNSET);
    assert_int_equal(span->flags, 0x101);
    assert_int_equal(span->attributes.count + span->event_count + span->link_count, 0);
}

/* The specification's case H.4.10, and the rest of its table A.5. */
static void test_lenient_json(void **state)
{
    fixture *f = *state;
    reads_json(
        f, OTLP_TRACES,
        "{\"unknown\":[{\"a\":1}],\"resource_spans\":[{\"resource\":null,\"scopeSpans\":[{\"spans\":["
        "{\"trace_id\":\"gRgLV/nlpp1rOOYn0HRUhQ==\",\"spanId\":\"DlQDaoNa9ro\","
        "\"parentSpanId\":\"\",\"name\":null,\"kind\":\"SPAN_KIND_CLIENT\",\"extra\":{},"
        "\"start_time_unix_nano\":1544712660000000001,\"endTimeUnixNano\":\"18446744073709551615\","
        "\"attributes\":[{\"key\":\"number\",\"value\":{\"intValue\":9007199254740993}},"
        "{\"key\":\"text\",\"value\":{\"int_value\":\"-9223372036854775808\"}},"
        "{\"key\":\"nan\",\"value\":{\"doubleValue\":\"NaN\"}},"
        "{\"key\":\"none\",\"value\":{\"doubleValue\":null}},"
        "{\"key\":\"last\",\"value\":{\"stringValue\":\"a\",\"boolValue\":true}},"
        "{\"key\":\"bytes\",\"value\":{\"bytesValue\":\"_-A\"}},"
        "{\"key\":\"big\",\"value\":{\"intValue\":1e+21}},"
        "{\"key\":\"half\",\"value\":{\"stringValue\":\"x\\ud83d\"}}],"
        "\"droppedAttributesCount\":\"3\",\"status\":{\"code\":\"STATUS_CODE_ERROR\"}}]}]}]}");
    const otlp_span *span = &f->spans[0];
    const otlp_attributes *all = &span->attributes;
    assert_int_equal(f->span_count, 1);
    assert_id(span->trace_id, OTLP_TRACE_ID, "81180b57f9e5a69d6b38e627d0745485");
    assert_id(span->span_id, OTLP_SPAN_ID, "0e54036a835af6ba");
    assert_id(span->parent_span_id, OTLP_SPAN_ID, "0000000000000000");
    assert_text(span->name, "");
    assert_int_equal(span->span_kind, 3);
    assert_int_equal(span->start_ns, 1544712660000000001);
    assert_int_equal(span->end_ns, INT64_MAX);
    assert_int_equal(all->count, 8);
    assert_int_equal(all->dropped, 3);
    assert_int_equal(attribute(all, "number")->as.integer, 9007199254740993);
    assert_int_equal(attribute(all, "text")->as.integer, INT64_MIN);
    assert_int_equal(attribute(all, "nan")->kind, OTLP_DOUBLE);
    assert_true(attribute(all, "nan")->as.real != attribute(all, "nan")->as.real);
    assert_int_equal(attribute(all, "none")->kind, OTLP_NULL);
    assert_int_equal(attribute(all, "last")->kind, OTLP_BOOL);
    assert_true(attribute(all, "last")->as.boolean);
    assert_text(attribute(all, "bytes")->text, "\xff\xe0");
    assert_int_equal(attribute(all, "big")->kind, OTLP_DOUBLE);
    assert_true(attribute(all, "big")->as.real == 1e21);
    assert_text(attribute(all, "half")->text, "x\xef\xbf\xbd");
    assert_int_equal(span->status, OTLP_ERROR);
}

/* H.4.13: a span without an id is shown like the others; who keeps spans refuses it. */
static void test_spans_without_ids_are_shown(void **state)
{
    fixture *f = *state;
    reads_json(f, OTLP_TRACES,
               "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
               "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\"},"
               "{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"0000000000000000\"},"
               "{\"traceId\":\"5b8efff7\",\"spanId\":\"EEE19B7EC3C1B175\"}]}]}]}");
    assert_int_equal(f->count, 3);
    assert_id(f->spans[1].span_id, OTLP_SPAN_ID, "0000000000000000");
    assert_id(f->spans[2].trace_id, OTLP_TRACE_ID, "00000000000000000000000000000000");
    assert_id(f->spans[2].span_id, OTLP_SPAN_ID, "eee19b7ec3c1b175");
}

/* Members may stand in any order: what the items come from may stand behind them. */
static void test_the_resource_may_stand_behind_its_spans(void **state)
{
    fixture *f = *state;
    reads_json(f, OTLP_TRACES,
               "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"}],"
               "\"scope\":{\"name\":\"s\"},\"schemaUrl\":\"u\"}],"
               "\"resource\":{\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}]}},"
               "{\"scopeSpans\":[{\"spans\":[{\"name\":\"b\"}]}]}]}");
    assert_int_equal(f->span_count, 2);
    assert_text(f->spans[0].scope->name, "s");
    assert_text(f->spans[0].scope->schema_url, "u");
    assert_text(attribute(&f->spans[0].resource->attributes, "k")->text, "v");
    assert_int_equal(f->spans[1].resource->attributes.count, 0);
    assert_text(f->spans[1].scope->name, "");
}

/* What a caller sees of the source in the moment a span is shown. */
static sw_status note_source(void *arg, const otlp_span *span)
{
    sw_buf *seen = arg;
    sw_buf_addf(seen, "%.*s:%zu:%.*s ", (int)span->name.len, span->name.ptr,
                span->resource->attributes.count, (int)span->scope->name.len,
                span->scope->name.ptr);
    return SW_STATUS_OK;
}

static void test_the_source_is_known_before_its_spans(void **state)
{
    fixture *f = *state;
    sw_buf seen;
    otlp_sink sink = {.span = note_source, .arg = &seen};
    sw_buf_init(&seen, NULL, 0);
    assert_int_equal(
        otlp_read(OTLP_JSON, OTLP_TRACES,
                  SW_STR("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"}],"
                         "\"scope\":{\"name\":\"s\"}},{\"spans\":[{\"name\":\"b\"}]}],"
                         "\"resource\":{\"attributes\":[{\"key\":\"k\"}]}}]}"),
                  &f->arena, &sink, NULL, &f->err),
        SW_STATUS_OK);
    assert_text(sw_buf_str(&seen), "a:1:s b:1: ");
    sw_buf_clear(&seen);
    assert_int_equal(otlp_read(OTLP_PROTOBUF, OTLP_TRACES,
                               SW_STR("\x0a\x10\x12\x0a\x12\x03\x2a\x01"
                                      "a\x0a\x03\x0a\x01s\x0a\x02\x0a\x00"),
                               &f->arena, &sink, NULL, &f->err),
                     SW_STATUS_OK);
    assert_text(sw_buf_str(&seen), "a:1:s ");
    sw_buf_fini(&seen);
}

/* What has no place in 32 bits is the most that has, or none. */
static void test_counts_of_32_bits(void **state)
{
    fixture *f = *state;
    reads_json(f, OTLP_TRACES,
               "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":["
               "{\"droppedAttributesCount\":4294967296,\"flags\":-1,\"kind\":4294967298},"
               "{\"droppedAttributesCount\":4294967295,\"flags\":\"257\",\"kind\":\"2\"}]}]}]}");
    assert_int_equal(f->spans[0].attributes.dropped, UINT32_MAX);
    assert_int_equal(f->spans[0].flags, 0);
    assert_int_equal(f->spans[0].span_kind, 0);
    assert_int_equal(f->spans[1].attributes.dropped, UINT32_MAX);
    assert_int_equal(f->spans[1].flags, 257);
    assert_int_equal(f->spans[1].span_kind, 2);
}

static void test_log_records(void **state)
{
    fixture *f = *state;
    reads_json(f, OTLP_LOGS,
               "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":["
               "{\"timeUnixNano\":\"0\",\"observedTimeUnixNano\":\"7\",\"severityNumber\":10,"
               "\"severityText\":\"fine\",\"eventName\":\"e.f\",\"body\":{\"stringValue\":\"b\"},"
               "\"traceId\":\"\",\"spanId\":\"EEE19B7EC3C1B174\"},"
               "{\"timeUnixNano\":\"5\",\"observedTimeUnixNano\":\"7\","
               "\"severityNumber\":\"SEVERITY_NUMBER_ERROR\"}]}]}]}");
    assert_int_equal(f->log_count, 2);
    assert_int_equal(f->logs[0].time_ns, 7);
    assert_int_equal(f->logs[0].severity, 10);
    assert_text(f->logs[0].severity_text, "fine");
    assert_text(f->logs[0].event_name, "e.f");
    assert_text(f->logs[0].body.text, "b");
    assert_id(f->logs[0].trace_id, OTLP_TRACE_ID, "00000000000000000000000000000000");
    assert_id(f->logs[0].span_id, OTLP_SPAN_ID, "eee19b7ec3c1b174");
    assert_int_equal(f->logs[1].time_ns, 5);
    assert_int_equal(f->logs[1].severity, 17);
}

/* ---- what is refused ------------------------------------------------------------------------------ */

static void test_what_is_wrong_is_named(void **state)
{
    fixture *f = *state;
    assert_refused(f, "[]", "", "is not an object");
    assert_refused(f, "{\"resourceSpans\":{}}", "", "resourceSpans is not an array");
    assert_refused(f, "{\"resourceSpans\":[{},1]}", "resource_spans[1]", "is not an object");
    assert_refused(
        f, "{\"resourceSpans\":[{\"scopeSpans\":[{},{\"spans\":[{},{},{\"name\":5}]}]}]}",
        "resource_spans[0].scope_spans[1].spans[2]", "name is not a string (at byte 60)");
    assert_refused(
        f, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"startTimeUnixNano\":1.5}]}]}]}",
        "resource_spans[0].scope_spans[0].spans[0]", "startTimeUnixNano is not a whole number");
    assert_refused(f, "{\"resourceSpans\":[]", "", "ends too early");
    assert_refused(f, "{\"resourceSpans\":[]}}", "", "something follows");
}

int main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_captured_export),
        TEST(test_lenient_json),
        TEST(test_spans_without_ids_are_shown),
        TEST(test_the_resource_may_stand_behind_its_spans),
        TEST(test_the_source_is_known_before_its_spans),
        TEST(test_counts_of_32_bits),
        TEST(test_log_records),
        TEST(test_what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
