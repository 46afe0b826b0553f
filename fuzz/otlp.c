/* SPDX-License-Identifier: Apache-2.0 */
/* Both readers of OTLP on noise. The first byte says which wire and which signal, the rest is the
 * export. What is shown must be kept, read back as the same, and kept again in the same bytes;
 * values must become JSON. */
#include "tests/otlp/otlp_tell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An item and where it came from, each time as text and as what is kept. */
typedef struct kept {
    sw_buf told;
    sw_buf bytes;
    sw_buf source;
} kept;

static void kept_init(kept *of)
{
    sw_buf_init(&of->told, NULL, 0);
    sw_buf_init(&of->bytes, NULL, 0);
    sw_buf_init(&of->source, NULL, 0);
}

static void kept_fini(kept *of)
{
    sw_buf_fini(&of->told);
    sw_buf_fini(&of->bytes);
    sw_buf_fini(&of->source);
}

static void assert_same(const kept *a, const kept *b)
{
    sw_assert(sw_str_eq(sw_buf_str(&a->told), sw_buf_str(&b->told)));
    sw_assert(sw_str_eq(sw_buf_str(&a->bytes), sw_buf_str(&b->bytes)));
    sw_assert(sw_str_eq(sw_buf_str(&a->source), sw_buf_str(&b->source)));
}

static void check_json(const otlp_attributes *attributes, sw_arena *arena)
{
    for (size_t i = 0; i < attributes->count; i++) {
        sw_json_out out;
        sw_buf buf;
        sw_buf_init(&buf, NULL, 0);
        sw_json_out_init(&out, &buf, false);
        otlp_write_json(&out, &attributes->items[i].value, arena);
        sw_assert(buf.status == SW_STATUS_OK && sw_json_valid(sw_buf_str(&buf), NULL, NULL));
        sw_buf_fini(&buf);
    }
}

static void keep_span(kept *to, const otlp_span *span, sw_arena *arena)
{
    otlp_keep_span(&to->bytes, span, NULL, NULL, arena);
    otlp_keep_source(&to->source, span->resource, span->scope, NULL, NULL, arena);
    otlp_tell_span(&to->told, span, arena);
    otlp_tell_source(&to->told, span->resource, span->scope, arena);
}

static void keep_log(kept *to, const otlp_log *log, sw_arena *arena)
{
    otlp_keep_log(&to->bytes, log, NULL, NULL, arena);
    otlp_keep_source(&to->source, log->resource, log->scope, NULL, NULL, arena);
    otlp_tell_log(&to->told, log, arena);
    otlp_tell_source(&to->told, log->resource, log->scope, arena);
}

static sw_status take_span(void *arg, const otlp_span *span)
{
    sw_arena *arena = arg;
    kept once;
    kept twice;
    otlp_span back;
    otlp_resource resource;
    otlp_scope scope;
    kept_init(&once);
    kept_init(&twice);
    keep_span(&once, span, arena);
    sw_assert(otlp_kept_span(sw_buf_str(&once.bytes), arena, &back, NULL) == SW_STATUS_OK);
    sw_assert(otlp_kept_source(sw_buf_str(&once.source), arena, &resource, &scope, NULL) ==
              SW_STATUS_OK);
    back.resource = &resource;
    back.scope = &scope;
    keep_span(&twice, &back, arena);
    assert_same(&once, &twice);
    check_json(&span->attributes, arena);
    kept_fini(&once);
    kept_fini(&twice);
    return SW_STATUS_OK;
}

static sw_status take_log(void *arg, const otlp_log *log)
{
    sw_arena *arena = arg;
    kept once;
    kept twice;
    otlp_log back;
    otlp_resource resource;
    otlp_scope scope;
    kept_init(&once);
    kept_init(&twice);
    keep_log(&once, log, arena);
    sw_assert(otlp_kept_log(sw_buf_str(&once.bytes), arena, &back, NULL) == SW_STATUS_OK);
    sw_assert(otlp_kept_source(sw_buf_str(&once.source), arena, &resource, &scope, NULL) ==
              SW_STATUS_OK);
    back.resource = &resource;
    back.scope = &scope;
    keep_log(&twice, &back, arena);
    assert_same(&once, &twice);
    check_json(&log->attributes, arena);
    kept_fini(&once);
    kept_fini(&twice);
    return SW_STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sw_error err = {.status = SW_STATUS_OK};
    sw_arena arena;
    sw_arena views; /* the sink's own */
    otlp_sink sink = {.span = take_span, .log = take_log, .arg = &views};
    int64_t count = 0;
    sw_status status = SW_STATUS_OK;
    if (size == 0) {
        return 0;
    }
    sw_arena_init(&arena, NULL, 64 << 20);
    sw_arena_init(&views, NULL, 0);
    status = otlp_read(data[0] & 1 ? OTLP_JSON : OTLP_PROTOBUF, (otlp_signal)(data[0] / 2 % 3),
                       sw_str_make((const char *)data + 1, size - 1), &arena, &sink, &count, &err);
    sw_assert(status == err.status);
    sw_assert(status == SW_STATUS_OK || *err.message);
    sw_arena_fini(&arena);
    sw_arena_fini(&views);
    return 0;
}
