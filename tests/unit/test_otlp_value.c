/* SPDX-License-Identifier: Apache-2.0 */
/* Values, what is kept, what is answered, and where the readers stop: all held to bytes and texts
 * written down by hand from the specification. */
#include <math.h>

#include "codec/otlp.h"
#include "tests/unit/otlp_bytes.h"
#include "tests/unit/short_memory.h"
#include "tests/unit/test_base.h"

typedef struct fixture {
    sw_arena arena;
    sw_buf buf;
    sw_error err;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    sw_arena_init(&f->arena, &sw__libc_allocator, 0);
    sw_buf_init(&f->buf, &sw__libc_allocator, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    sw_buf_fini(&f->buf);
    sw_arena_fini(&f->arena);
    free(f);
    return 0;
}

static void assert_text(sw_str got, const char *want)
{
    if (!sw_str_eq(got, sw_str_from(want))) {
        fail_msg("'%.*s' is not '%s'", (int)got.len, got.ptr, want);
    }
}

static void assert_hex(sw_str got, const char *want)
{
    char hex[512];
    assert_true(2 * got.len < sizeof hex);
    sw_hex_print((const uint8_t *)got.ptr, got.len, hex);
    assert_text(sw_str_make(hex, 2 * got.len), want);
}

static sw_status take_span(void *arg, const otlp_span *span)
{
    *(otlp_span *)arg = *span;
    return SW_STATUS_OK;
}

/* A span with one attribute "v" of this value, in JSON. */
static sw_status read_value(fixture *f, const char *value, otlp_span *out)
{
    static char text[1 << 16];
    otlp_sink sink = {.span = take_span, .arg = out};
    int len = snprintf(text, sizeof text,
                       "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":"
                       "[{\"key\":\"v\",\"value\":%s}]}]}]}]}",
                       value);
    assert_true(len > 0 && (size_t)len < sizeof text);
    return otlp_read(OTLP_JSON, OTLP_TRACES, sw_str_make(text, (size_t)len), &f->arena, &sink, NULL,
                     &f->err);
}

static sw_str as_json(fixture *f, const otlp_value *value)
{
    sw_json_out out;
    sw_buf_clear(&f->buf);
    sw_json_out_init(&out, &f->buf, false);
    otlp_write_json(&out, value, &f->arena);
    assert_int_equal(f->buf.status, SW_STATUS_OK);
    assert_true(sw_json_valid(sw_buf_str(&f->buf), NULL, NULL));
    return sw_buf_str(&f->buf);
}

/* ---- values --------------------------------------------------------------------------------------- */

static void test_values_as_json(void **state)
{
    static const struct {
        const char *value, *json;
    } rows[] = {
        {"{}", "null"},
        {"null", "null"},
        {"{\"stringValue\":\"a\\\"\\u00e4\"}", "\"a\\\"\xc3\xa4\""},
        {"{\"boolValue\":false}", "false"},
        {"{\"intValue\":\"-7\"}", "-7"},
        {"{\"intValue\":7.0}", "7"},
        {"{\"intValue\":\"12e2\"}", "1200"},
        {"{\"doubleValue\":0.1}", "0.1"},
        {"{\"doubleValue\":\"1e3\"}", "1000"},
        {"{\"doubleValue\":\"-Infinity\"}", "\"-Infinity\""},
        {"{\"bytesValue\":\"aGk\"}", "\"aGk=\""},
        {"{\"bytesValue\":\"_w==\"}", "\"/w==\""},
        {"{\"arrayValue\":{}}", "[]"},
        {"{\"arrayValue\":{\"values\":[{\"intValue\":1},null,{\"stringValue\":\"\"}]}}",
         "[1,null,\"\"]"},
        {"{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"arrayValue\":{\"values\":["
         "{\"kvlistValue\":{\"values\":[{\"value\":{\"boolValue\":true},\"key\":\"b\"}]}}]}}},"
         "{\"key\":\"c\"}]}}",
         "{\"a\":[{\"b\":true}],\"c\":null}"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        otlp_span span;
        if (read_value(f, rows[i].value, &span) != SW_STATUS_OK) {
            fail_msg("%s: %s", rows[i].value, f->err.message);
        }
        assert_text(as_json(f, &span.attributes.items[0].value), rows[i].json);
    }
}

static void test_the_last_attribute_of_a_key_counts(void **state)
{
    static const otlp_attribute rows[] = {
        {.key = {"a", 1}, .value = {.kind = OTLP_INT, .as.integer = 1}},
        {.key = {"b", 1}, .value = {.kind = OTLP_INT, .as.integer = 2}},
        {.key = {"a", 1}, .value = {.kind = OTLP_INT, .as.integer = 3}},
    };
    const otlp_attributes all = {.items = rows, .count = 3};
    (void)state;
    assert_int_equal(otlp_find(&all, SW_STR("a"))->as.integer, 3);
    assert_int_equal(otlp_find(&all, SW_STR("b"))->as.integer, 2);
    assert_null(otlp_find(&all, SW_STR("ab")));
    assert_null(otlp_find(&all, SW_STR("")));
}

static otlp_value text_value(const char *text)
{
    return (otlp_value){.kind = OTLP_STRING, .text = sw_str_from(text)};
}

static void test_numbers_whatever_they_came_as(void **state)
{
    static const struct {
        const char *text;
        bool whole;
        int64_t integer;
        bool number;
        double real;
    } rows[] = {
        {"7", true, 7, true, 7},
        {"-9223372036854775808", true, INT64_MIN, true, -0x1p63},
        {"9223372036854775808", false, 0, true, 0x1p63},
        {"1.50", false, 0, true, 1.5},
        {"1.50e1", true, 15, true, 15},
        {"150e-1", true, 15, true, 15},
        {"0.0", true, 0, true, 0},
        {"1e-400", false, 0, true, 0},
        {"1e400", false, 0, true, INFINITY},
        {"4.9406564584124654e-324", false, 0, true, 4.9406564584124654e-324},
        {"", false, 0, false, 0},
        {"-", false, 0, false, 0},
        {".", false, 0, false, 0},
        {"7 ", false, 0, false, 0},
        {"1e", false, 0, false, 0},
        {"0x7", false, 0, false, 0},
        {"seven", false, 0, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        otlp_value value = text_value(rows[i].text);
        sw_int integer = otlp_int(&value);
        double real = -1;
        assert_int_equal(integer.known, rows[i].whole);
        assert_int_equal(integer.known ? integer.value : 0, rows[i].integer);
        assert_int_equal(otlp_double(&value, &real), rows[i].number);
        assert_true(!rows[i].number || real == rows[i].real);
    }
}

static void test_kinds_stand_for_each_other(void **state)
{
    otlp_value whole = {.kind = OTLP_DOUBLE, .as.real = -3};
    otlp_value half = {.kind = OTLP_DOUBLE, .as.real = 0.5};
    otlp_value much = {.kind = OTLP_DOUBLE, .as.real = 0x1p63};
    otlp_value one = {.kind = OTLP_INT, .as.integer = 1};
    otlp_value yes = text_value("True");
    otlp_value neither = text_value("yes");
    otlp_value nothing = {.kind = OTLP_NULL};
    double real = 0;
    bool truth = false;
    (void)state;
    assert_int_equal(otlp_int(&whole).value, -3);
    assert_false(otlp_int(&half).known);
    assert_false(otlp_int(&much).known);
    assert_false(otlp_int(&nothing).known);
    assert_false(otlp_int(NULL).known);
    assert_true(otlp_double(&one, &real) && real == 1);
    assert_false(otlp_double(NULL, &real));
    assert_true(otlp_bool(&yes, &truth) && truth);
    assert_true(otlp_bool(&one, &truth) && truth);
    assert_false(otlp_bool(&neither, &truth));
    assert_false(otlp_bool(NULL, &truth));
}

/* ---- what is kept --------------------------------------------------------------------------------- */

static bool is_secret(void *arg, sw_str key, otlp_value *value)
{
    (void)value;
    (void)arg;
    return sw_str_eq(key, SW_STR("secret"));
}

/* Fields in the order of their numbers, nothing empty, no dropped attribute anywhere. */
static void test_what_is_kept_is_written_one_way(void **state)
{
    static const otlp_attribute rows[] = {
        {.key = {"k", 1}, .value = {.kind = OTLP_INT, .as.integer = 300}},
        {.key = {"secret", 6}, .value = {.kind = OTLP_BOOL, .as.boolean = true}},
        {.key = {"n", 1}, .value = {.kind = OTLP_NULL}},
    };
    static const otlp_event event = {
        .time_ns = 1, .name = {"e", 1}, .attributes = {.items = rows + 1, .count = 1}};
    fixture *f = *state;
    otlp_span span = {.span_id = {1, 2, 3, 4, 5, 6, 7, 8},
                      .name = SW_STR("s"),
                      .end_ns = 2,
                      .attributes = {.items = rows, .count = 3, .dropped = 1},
                      .events = &event,
                      .event_count = 1,
                      .status = OTLP_ERROR,
                      .status_message = SW_STR("bad"),
                      .flags = 1};
    otlp_keep_span(&f->buf, &span, is_secret, NULL, &f->arena);
    assert_hex(sw_buf_str(&f->buf), "12080102030405060708" /* span_id */
                                    "2a0173"               /* name */
                                    "410200000000000000"   /* end */
                                    "4a080a016b120318ac02" /* k = 300 */
                                    "4a030a016e"           /* n without a value */
                                    "5001"                 /* dropped */
                                    "5a0c09010000000000000012"
                                    "0165"               /* the event, its attribute gone */
                                    "7a0712036261641802" /* status */
                                    "850101000000"       /* flags */
    );
}

/* There are many NaNs; what is kept is one of them. */
static void test_nan_is_kept_one_way(void **state)
{
    fixture *f = *state;
    uint64_t bits = UINT64_C(0xfff8000000000123);
    otlp_attribute row = {.key = SW_STR("n"), .value = {.kind = OTLP_DOUBLE}};
    otlp_span span = {.name = SW_STR(""), .attributes = {.items = &row, .count = 1}};
    memcpy(&row.value.as.real, &bits, sizeof bits);
    otlp_keep_span(&f->buf, &span, NULL, NULL, &f->arena);
    assert_hex(sw_buf_str(&f->buf), "4a0e0a016e120921000000000000f87f");
}

static void test_sources_are_kept_apart(void **state)
{
    fixture *f = *state;
    otlp_resource resource = {.schema_url = SW_STR("r")};
    otlp_scope scope = {.name = SW_STR("n"), .version = SW_STR(""), .schema_url = SW_STR("u")};
    otlp_resource resource_back;
    otlp_scope scope_back;
    otlp_keep_source(&f->buf, &resource, &scope, NULL, NULL, &f->arena);
    assert_hex(sw_buf_str(&f->buf), "0a0012080a030a016e1a01751a0172");
    assert_int_equal(
        otlp_kept_source(sw_buf_str(&f->buf), &f->arena, &resource_back, &scope_back, &f->err),
        SW_STATUS_OK);
    assert_text(resource_back.schema_url, "r");
    assert_text(scope_back.name, "n");
    assert_text(scope_back.schema_url, "u");
}

/* Nothing at all is a message too, and lists may be empty. */
static void test_no_bytes_are_an_empty_message(void **state)
{
    fixture *f = *state;
    otlp_span span;
    otlp_log log;
    otlp_resource resource;
    otlp_scope scope;
    int64_t count = -1;
    otlp_value list = {.kind = OTLP_ARRAY};
    assert_int_equal(otlp_kept_span(SW_NULL_STR, &f->arena, &span, &f->err), SW_STATUS_OK);
    assert_int_equal(otlp_kept_log(SW_NULL_STR, &f->arena, &log, &f->err), SW_STATUS_OK);
    assert_int_equal(otlp_kept_source(SW_NULL_STR, &f->arena, &resource, &scope, &f->err),
                     SW_STATUS_OK);
    assert_int_equal(
        otlp_read(OTLP_PROTOBUF, OTLP_TRACES, SW_NULL_STR, &f->arena, NULL, &count, &f->err),
        SW_STATUS_OK);
    assert_int_equal(count, 0);
    assert_text(span.name, "");
    assert_text(log.event_name, "");
    assert_text(scope.name, "");
    assert_text(as_json(f, &list), "[]");
}

static void test_what_is_kept_and_broken_is_refused(void **state)
{
    fixture *f = *state;
    otlp_span span;
    otlp_log log;
    otlp_resource resource;
    otlp_scope scope;
    sw_str cut = SW_STR("\x12\x08\x01");
    assert_int_equal(otlp_kept_span(cut, &f->arena, &span, &f->err), SW_STATUS_INVALID);
    assert_int_equal(otlp_kept_log(cut, &f->arena, &log, &f->err), SW_STATUS_INVALID);
    assert_int_equal(otlp_kept_source(cut, &f->arena, &resource, &scope, &f->err),
                     SW_STATUS_INVALID);
    assert_non_null(strstr(f->err.message, "(at byte 0)"));
}

/* ---- answers -------------------------------------------------------------------------------------- */

static void test_answers(void **state)
{
    fixture *f = *state;
    otlp_write_response(&f->buf, OTLP_PROTOBUF, OTLP_TRACES, 0, SW_STR(""));
    assert_int_equal(f->buf.len, 0);
    otlp_write_response(&f->buf, OTLP_PROTOBUF, OTLP_LOGS, 300, SW_STR("no"));
    assert_hex(sw_buf_str(&f->buf), "0a0708ac0212026e6f");
    sw_buf_clear(&f->buf);
    otlp_write_response(&f->buf, OTLP_JSON, OTLP_TRACES, 0, SW_NULL_STR);
    assert_text(sw_buf_str(&f->buf), "{}");
    sw_buf_clear(&f->buf);
    otlp_write_response(&f->buf, OTLP_JSON, OTLP_TRACES, 1, SW_STR("no \"id\""));
    assert_text(sw_buf_str(&f->buf), "{\"partialSuccess\":{\"rejectedSpans\":\"1\","
                                     "\"errorMessage\":\"no \\\"id\\\"\"}}");
    sw_buf_clear(&f->buf);
    otlp_write_response(&f->buf, OTLP_JSON, OTLP_METRICS, 0, SW_STR("not kept"));
    assert_text(sw_buf_str(&f->buf), "{\"partialSuccess\":{\"errorMessage\":\"not kept\"}}");
    sw_buf_clear(&f->buf);
    otlp_write_status(&f->buf, OTLP_PROTOBUF, 3, SW_STR("bad"));
    assert_hex(sw_buf_str(&f->buf), "08031203626164");
    sw_buf_clear(&f->buf);
    otlp_write_status(&f->buf, OTLP_JSON, 16, SW_STR("who"));
    assert_text(sw_buf_str(&f->buf), "{\"code\":16,\"message\":\"who\"}");
}

/* ---- bounds --------------------------------------------------------------------------------------- */

/* A value of so many lists in each other, in both wires. */
static void nested_json(char *out, size_t size, int lists)
{
    size_t len = 0;
    for (int i = 0; i < lists; i++) {
        len += (size_t)snprintf(out + len, size - len, "{\"arrayValue\":{\"values\":[");
    }
    len += (size_t)snprintf(out + len, size - len, "{}");
    for (int i = 0; i < lists; i++) {
        len += (size_t)snprintf(out + len, size - len, "]}}");
    }
}

static sw_status read_nested_protobuf(fixture *f, int lists)
{
    static const uint32_t frame[] = {2, 9, 2, 2, 1}; /* value, attribute, span, scope, resource */
    sw_buf now;
    sw_buf next;
    sw_status status = SW_STATUS_OK;
    sw_buf_init(&now, NULL, 0);
    sw_buf_init(&next, NULL, 0);
    for (int i = 0; i < 2 * lists + 5; i++) {
        uint32_t number = i >= 2 * lists ? frame[i - 2 * lists] : i % 2 == 0 ? 1 : 5;
        size_t len = now.len;
        sw_buf_clear(&next);
        sw_buf_addc(&next, (char)(number << 3 | 2));
        for (; len >= 0x80; len >>= 7) {
            sw_buf_addc(&next, (char)(len | 0x80));
        }
        sw_buf_addc(&next, (char)len);
        sw_buf_add(&next, sw_buf_str(&now));
        sw_buf_clear(&now);
        sw_buf_add(&now, sw_buf_str(&next));
    }
    status =
        otlp_read(OTLP_PROTOBUF, OTLP_TRACES, sw_buf_str(&now), &f->arena, NULL, NULL, &f->err);
    sw_buf_fini(&now);
    sw_buf_fini(&next);
    return status;
}

/* 64 levels, the outermost value counted. */
static void test_values_nest_64_levels(void **state)
{
    fixture *f = *state;
    char text[8192];
    otlp_span span;
    nested_json(text, sizeof text, 63);
    assert_int_equal(read_value(f, text, &span), SW_STATUS_OK);
    assert_int_equal(as_json(f, &span.attributes.items[0].value).len, 63 + 4 + 63);
    nested_json(text, sizeof text, 64);
    assert_int_equal(read_value(f, text, &span), SW_STATUS_INVALID);
    assert_non_null(strstr(f->err.message, "64 levels"));
    assert_int_equal(read_nested_protobuf(f, 63), SW_STATUS_OK);
    assert_int_equal(read_nested_protobuf(f, 64), SW_STATUS_INVALID);
    assert_non_null(strstr(f->err.message, "64 levels"));
    assert_int_equal(read_nested_protobuf(f, 2000), SW_STATUS_INVALID);
}

/* Remembers the largest piece that was asked for. */
static void *watched_resize(void *data, void *ptr, size_t size)
{
    size_t *largest = data;
    *largest = size > *largest ? size : *largest;
    return sw__libc_allocator.resize(NULL, ptr, size);
}

/* Bytes that stand for many rows end at the arena's ceiling and not at the machine's. */
static void test_the_ceiling_holds(void **state)
{
    enum { ROWS = 100000, CEILING = 1 << 20 };
    static const uint32_t keys[] = {0x4a, 0x5a, 0x6a}; /* attributes, events, links */
    size_t largest = 0;
    sw_allocator watched = {watched_resize, &largest};
    (void)state;
    for (size_t i = 0; i < SW_COUNT(keys); i++) {
        sw_arena arena;
        sw_error err;
        sw_buf buf;
        sw_buf_init(&buf, NULL, 0);
        sw_arena_init(&arena, &watched, CEILING);
        /* 200,000 bytes of the span; around it scope, resource and export of 4 and 8 more */
        sw_buf_add(&buf, sw_str_make("\x0a\xc8\x9a\x0c\x12\xc4\x9a\x0c\x12\xc0\x9a\x0c", 12));
        for (size_t k = 0; k < ROWS; k++) {
            sw_buf_addc(&buf, (char)keys[i]);
            sw_buf_addc(&buf, 0);
        }
        assert_int_equal(
            otlp_read(OTLP_PROTOBUF, OTLP_TRACES, sw_buf_str(&buf), &arena, NULL, NULL, &err),
            SW_STATUS_NO_MEMORY);
        assert_true(largest <= 2 * CEILING);
        sw_arena_fini(&arena);
        sw_buf_fini(&buf);
    }
}

static sw_status stop(void *arg, const otlp_span *span)
{
    (void)span;
    return ++*(int *)arg == 2 ? SW_STATUS_FULL : SW_STATUS_OK;
}

static void test_the_sink_can_end_it(void **state)
{
    fixture *f = *state;
    int shown = 0;
    int64_t count = 0;
    otlp_sink sink = {.span = stop, .arg = &shown};
    sw_str json = SW_STR("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{},{},{}]}]}]}");
    sw_str protobuf = SW_STR("\x0a\x08\x12\x06\x12\x00\x12\x00\x12\x00");
    assert_int_equal(otlp_read(OTLP_JSON, OTLP_TRACES, json, &f->arena, &sink, &count, &f->err),
                     SW_STATUS_FULL);
    assert_int_equal(count, 2);
    shown = 0;
    assert_int_equal(
        otlp_read(OTLP_PROTOBUF, OTLP_TRACES, protobuf, &f->arena, &sink, &count, &f->err),
        SW_STATUS_FULL);
    assert_int_equal(count, 2);
}

/* ---- memory --------------------------------------------------------------------------------------- */

typedef struct keeping {
    sw_buf kept;
    sw_arena *arena;
} keeping;

static sw_status keep_span(void *arg, const otlp_span *span)
{
    keeping *to = arg;
    sw_json_out json;
    otlp_keep_source(&to->kept, span->resource, span->scope, NULL, NULL, to->arena);
    otlp_keep_span(&to->kept, span, NULL, NULL, to->arena);
    sw_json_out_init(&json, &to->kept, false);
    for (size_t i = 0; i < span->attributes.count; i++) {
        otlp_write_json(&json, &span->attributes.items[i].value, to->arena);
    }
    return to->kept.status;
}

/* Reads and keeps with so many allocations; what was taken is given back in any case. */
static sw_status read_short(otlp_wire wire, sw_str bytes, long left, size_t *kept)
{
    short_memory memory;
    sw_arena arena;
    keeping to = {.arena = &arena};
    otlp_sink sink = {.span = keep_span, .arg = &to};
    sw_error err = {.status = SW_STATUS_OK};
    sw_status status = SW_STATUS_OK;
    short_memory_init(&memory, left);
    sw_arena_init(&arena, &memory.allocator, 0);
    sw_buf_init(&to.kept, &memory.allocator, 0);
    status = otlp_read(wire, OTLP_TRACES, bytes, &arena, &sink, NULL, &err);
    *kept = to.kept.len;
    sw_buf_fini(&to.kept);
    sw_arena_fini(&arena);
    assert_int_equal(memory.blocks, 0);
    return status;
}

static void fail_each_allocation(otlp_wire wire, sw_str bytes)
{
    size_t kept = 0;
    size_t whole = 0;
    long left = 0;
    assert_int_equal(read_short(wire, bytes, 1000000, &whole), SW_STATUS_OK);
    while (read_short(wire, bytes, left, &kept) != SW_STATUS_OK) {
        assert_int_equal(read_short(wire, bytes, left, &kept), SW_STATUS_NO_MEMORY);
        left++;
        assert_true(left < 1000);
    }
    assert_int_equal(kept, whole);
    assert_true(left > 3);
}

static void test_every_allocation_may_fail(void **state)
{
    static char text[1 << 15];
    size_t len = 0;
    sw_buf kept;
    (void)state;
    len += (size_t)snprintf(
        text + len, sizeof text - len,
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"\\u0061\"}]},"
        "\"scopeSpans\":[{\"spans\":[{\"events\":[{\"name\":\"e\"}],\"links\":[{}],"
        "\"attributes\":[");
    for (int i = 0; i < 150; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "{\"key\":\"k%d\",\"value\":{\"arrayValue\":{\"values\":["
                                "{\"stringValue\":\"\\ud800\"},{\"bytesValue\":\"AAAA\"}]}}},",
                                i);
    }
    len += (size_t)snprintf(text + len, sizeof text - len, "{\"key\":\"last\"}]}]}]}]}");
    fail_each_allocation(OTLP_JSON, sw_str_make(text, len));
    sw_buf_init(&kept, NULL, 0);
    for (int i = 0; i < 200; i++) {
        sw_buf_add(&kept, sw_str_make("\x4a\x05\x0a\x03g\xff!",
                                      7)); /* an attribute whose key is no text */
        sw_buf_add(&kept, sw_str_make("\x5a\x00\x6a\x00", 4));
    }
    /* 2200 bytes of the span, in scope, resource and export */
    sw_buf whole;
    sw_buf_init(&whole, NULL, 0);
    sw_buf_add(&whole, sw_str_make("\x0a\x9e\x11\x12\x9b\x11\x12\x98\x11", 9));
    sw_buf_add(&whole, sw_buf_str(&kept));
    fail_each_allocation(OTLP_PROTOBUF, sw_buf_str(&whole));
    sw_buf_fini(&whole);
    sw_buf_fini(&kept);
}

int main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_values_as_json),
        TEST(test_the_last_attribute_of_a_key_counts),
        TEST(test_numbers_whatever_they_came_as),
        TEST(test_kinds_stand_for_each_other),
        TEST(test_what_is_kept_is_written_one_way),
        TEST(test_nan_is_kept_one_way),
        TEST(test_sources_are_kept_apart),
        TEST(test_no_bytes_are_an_empty_message),
        TEST(test_what_is_kept_and_broken_is_refused),
        TEST(test_answers),
        TEST(test_values_nest_64_levels),
        TEST(test_the_ceiling_holds),
        TEST(test_the_sink_can_end_it),
        TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
