/* SPDX-License-Identifier: Apache-2.0 */
/* Our readers and a protobuf library on the same bytes, sound and broken: both refuse them or both
 * find the same in them. What they find survives being kept, byte by byte the same in whichever
 * wire it came. */
#include "tests/otlp/otlp_noise.h"
#include "tests/otlp/otlp_tell.h"
#include "tests/otlp/reference.h"

enum { ITEMS = 4096 };

/* What a reading showed. The views are told when it is over. */
typedef struct reading {
    sw_arena arena;
    sw_buf told;
    sw_buf kept; /* of all items, one behind the other */
    otlp_span *spans;
    otlp_log *logs;
    size_t count;
} reading;

static sw_status take_span(void *arg, const otlp_span *span)
{
    reading *to = arg;
    assert_true(to->count < ITEMS);
    to->spans[to->count++] = *span;
    return SW_STATUS_OK;
}

static sw_status take_log(void *arg, const otlp_log *log)
{
    reading *to = arg;
    assert_true(to->count < ITEMS);
    to->logs[to->count++] = *log;
    return SW_STATUS_OK;
}

static void reading_init(reading *of)
{
    sw_arena_init(&of->arena, NULL, 0);
    sw_buf_init(&of->told, NULL, 0);
    sw_buf_init(&of->kept, NULL, 0);
    of->spans = calloc(ITEMS, sizeof *of->spans);
    of->logs = calloc(ITEMS, sizeof *of->logs);
    assert_true(of->spans && of->logs);
}

static void reading_fini(reading *of)
{
    free(of->spans);
    free(of->logs);
    sw_buf_fini(&of->told);
    sw_buf_fini(&of->kept);
    sw_arena_fini(&of->arena);
}

static const otlp_resource *resource_of(const reading *of, size_t i, bool logs)
{
    return logs ? of->logs[i].resource : of->spans[i].resource;
}

static const otlp_scope *scope_of(const reading *of, size_t i, bool logs)
{
    return logs ? of->logs[i].scope : of->spans[i].scope;
}

/* Everything it shows, as text and in the form that is kept. */
static bool read_all(reading *to, otlp_wire wire, bool logs, sw_str bytes)
{
    otlp_sink sink = {.span = take_span, .log = take_log, .arg = to};
    sw_error err = {.status = SW_STATUS_OK};
    int64_t count = 0;
    to->count = 0;
    sw_arena_reset(&to->arena);
    sw_buf_clear(&to->told);
    sw_buf_clear(&to->kept);
    if (otlp_read(wire, logs ? OTLP_LOGS : OTLP_TRACES, bytes, &to->arena, &sink, &count, &err) !=
        SW_STATUS_OK) {
        assert_int_equal(err.status, SW_STATUS_INVALID);
        return false;
    }
    assert_int_equal(count, to->count);
    for (size_t i = 0; i < to->count; i++) {
        otlp_keep_source(&to->kept, resource_of(to, i, logs), scope_of(to, i, logs), NULL, NULL,
                         &to->arena);
        otlp_tell_source(&to->told, resource_of(to, i, logs), scope_of(to, i, logs), &to->arena);
        if (logs) {
            otlp_keep_log(&to->kept, &to->logs[i], NULL, NULL, &to->arena);
            otlp_tell_log(&to->told, &to->logs[i], &to->arena);
        } else {
            otlp_keep_span(&to->kept, &to->spans[i], NULL, NULL, &to->arena);
            otlp_tell_span(&to->told, &to->spans[i], &to->arena);
        }
    }
    return true;
}

/* ---- keeping -------------------------------------------------------------------------------------- */

static void need(sw_status status, const sw_error *err)
{
    if (status != SW_STATUS_OK) {
        fail_msg("%s: %s", err->field, err->message);
    }
}

/* Keeps an item, reads it back, tells it and keeps it again. */
static void keep_one(reading *of, size_t i, bool logs, sw_buf *kept, sw_buf *again, sw_buf *told)
{
    sw_error err;
    otlp_span span;
    otlp_log log;
    sw_buf_clear(kept);
    if (logs) {
        otlp_keep_log(kept, &of->logs[i], NULL, NULL, &of->arena);
        need(otlp_kept_log(sw_buf_str(kept), &of->arena, &log, &err), &err);
        otlp_tell_log(told, &log, &of->arena);
        otlp_keep_log(again, &log, NULL, NULL, &of->arena);
    } else {
        otlp_keep_span(kept, &of->spans[i], NULL, NULL, &of->arena);
        need(otlp_kept_span(sw_buf_str(kept), &of->arena, &span, &err), &err);
        otlp_tell_span(told, &span, &of->arena);
        otlp_keep_span(again, &span, NULL, NULL, &of->arena);
    }
}

static void keep_source(reading *of, size_t i, bool logs, sw_buf *kept, sw_buf *again, sw_buf *told)
{
    sw_error err;
    otlp_resource resource;
    otlp_scope scope;
    sw_buf_clear(kept);
    otlp_keep_source(kept, resource_of(of, i, logs), scope_of(of, i, logs), NULL, NULL, &of->arena);
    need(otlp_kept_source(sw_buf_str(kept), &of->arena, &resource, &scope, &err), &err);
    otlp_tell_source(told, &resource, &scope, &of->arena);
    otlp_keep_source(again, &resource, &scope, NULL, NULL, &of->arena);
}

static void assert_same(const sw_buf *a, const sw_buf *b)
{
    assert_int_equal(a->status, SW_STATUS_OK);
    assert_int_equal(b->status, SW_STATUS_OK);
    assert_true(sw_str_eq(sw_buf_str(a), sw_buf_str(b)));
}

static void check_keeping(reading *of, bool logs)
{
    sw_buf kept;
    sw_buf again;
    sw_buf told;
    sw_buf_init(&kept, NULL, 0);
    sw_buf_init(&again, NULL, 0);
    sw_buf_init(&told, NULL, 0);
    for (size_t i = 0; i < of->count; i++) {
        keep_source(of, i, logs, &kept, &again, &told);
        keep_one(of, i, logs, &kept, &again, &told);
    }
    assert_same(&told, &of->told);
    assert_same(&again, &of->kept);
    sw_buf_fini(&kept);
    sw_buf_fini(&again);
    sw_buf_fini(&told);
}

/* ---- the comparison ------------------------------------------------------------------------------- */

static void compare(reading *ours, bool logs, sw_str bytes, const char *theirs)
{
    bool read = read_all(ours, OTLP_PROTOBUF, logs, bytes);
    if (read != (theirs != NULL)) {
        for (size_t i = 0; i < bytes.len; i++) {
            print_message("%02x", (unsigned char)bytes.ptr[i]);
        }
        fail_msg("%s refuses these bytes", read ? "the library" : "our reader");
    }
    if (read && !sw_str_eq(sw_buf_str(&ours->told), sw_str_from(theirs))) {
        fail_msg("ours:\n%stheirs:\n%s", ours->told.ptr, theirs);
    }
    if (read) {
        check_keeping(ours, logs);
    }
}

static void test_sound_messages(void **state)
{
    uint64_t random = 1;
    size_t shown = 0;
    reading ours;
    (void)state;
    reading_init(&ours);
    for (size_t i = 0; i < test_rounds(4000); i++) {
        bool logs = i % 2;
        char *theirs = NULL;
        sw_buf bytes;
        sw_buf_init(&bytes, NULL, 0);
        otlp_noise(&bytes, &random, logs);
        theirs = reference_tell(sw_buf_str(&bytes).ptr, bytes.len, logs);
        assert_non_null(theirs);
        compare(&ours, logs, sw_buf_str(&bytes), theirs);
        shown += ours.count;
        free(theirs);
        sw_buf_fini(&bytes);
    }
    assert_true(shown > test_rounds(4000));
    reading_fini(&ours);
}

static void test_broken_messages(void **state)
{
    uint64_t random = 2;
    size_t refused = 0;
    size_t count = test_rounds(20000);
    reading ours;
    (void)state;
    reading_init(&ours);
    for (size_t i = 0; i < count; i++) {
        bool logs = i % 2;
        char *theirs = NULL;
        sw_buf bytes;
        sw_buf_init(&bytes, NULL, 0);
        otlp_noise(&bytes, &random, logs);
        otlp_noise_break(&bytes, &random);
        theirs = reference_tell(sw_buf_str(&bytes).ptr, bytes.len, logs);
        compare(&ours, logs, sw_buf_str(&bytes), theirs);
        refused += theirs == NULL;
        free(theirs);
        sw_buf_fini(&bytes);
    }
    assert_in_range(refused, count / 10, count * 9 / 10);
    reading_fini(&ours);
}

/* The same export as JSON, spelled in many ways: the same views and the same bytes to keep. */
static void test_both_wires_say_the_same(void **state)
{
    uint64_t random = 3;
    reading ours;
    reading other;
    (void)state;
    reading_init(&ours);
    reading_init(&other);
    for (size_t i = 0; i < test_rounds(4000); i++) {
        bool logs = i % 2;
        char *json = NULL;
        sw_buf bytes;
        sw_buf_init(&bytes, NULL, 0);
        otlp_noise(&bytes, &random, logs);
        json = reference_json(sw_buf_str(&bytes).ptr, bytes.len, logs, i);
        assert_non_null(json);
        assert_true(read_all(&ours, OTLP_PROTOBUF, logs, sw_buf_str(&bytes)));
        if (!read_all(&other, OTLP_JSON, logs, sw_str_from(json))) {
            fail_msg("refused: %s", json);
        }
        if (!sw_str_eq(sw_buf_str(&ours.told), sw_buf_str(&other.told))) {
            fail_msg("protobuf:\n%sJSON:\n%s%s", ours.told.ptr, other.told.ptr, json);
        }
        assert_same(&ours.kept, &other.kept);
        free(json);
        sw_buf_fini(&bytes);
    }
    reading_fini(&ours);
    reading_fini(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_messages),
        cmocka_unit_test(test_broken_messages),
        cmocka_unit_test(test_both_wires_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
