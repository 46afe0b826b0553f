/* SPDX-License-Identifier: Apache-2.0 */
/* Arena and growing text: what they hand out, what they hold back, and that every request that
 * fails is told and leaks nothing.
 */
#include "short_memory.h"
#include "test_base.h"

static const long PLENTY = 1L << 40;

static void an_allocator_serves_and_takes_back(void **state)
{
    short_memory memory;
    (void)state;
    short_memory_init(&memory, PLENTY);
    char *ptr = sw_alloc_zeroed(&memory.allocator, 100);
    assert_non_null(ptr);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(ptr[i], 0);
    }
    memset(ptr, 'x', 100);
    ptr = sw_resize(&memory.allocator, ptr, 10000);
    assert_non_null(ptr);
    assert_int_equal(ptr[99], 'x');
    sw_free(&memory.allocator, ptr);
    sw_free(&memory.allocator, NULL);
    assert_int_equal(memory.blocks, 0);
    ptr = sw_alloc(NULL, 10); /* libc's */
    assert_non_null(ptr);
    sw_free(NULL, ptr);
}

/* ---- the arena ------------------------------------------------------------------------------- */

static void what_an_arena_hands_out_is_apart_and_aligned(void **state)
{
    enum { PIECES = 3000 };
    static unsigned char *pieces[PIECES];
    static size_t sizes[PIECES];
    uint64_t random = 1;
    size_t total = 0;
    short_memory memory;
    sw_arena arena;
    (void)state;
    short_memory_init(&memory, PLENTY);
    sw_arena_init(&arena, &memory.allocator, 0);
    for (size_t i = 0; i < PIECES; i++) {
        sizes[i] = test_below(&random, 20) ? test_below(&random, 200) : test_below(&random, 400000);
        pieces[i] = sw_arena_alloc(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 251), sizes[i]);
        total += sizes[i];
    }
    assert_int_equal(arena.used, total);
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < sizes[i]; j++) {
            assert_true(pieces[i][j] == i % 251);
        }
    }
    sw_arena_fini(&arena);
    assert_int_equal(memory.blocks, 0);
}

static void zeroed_memory_is_zero_also_the_second_time(void **state)
{
    sw_arena arena;
    (void)state;
    sw_arena_init(&arena, NULL, 0);
    for (int round = 0; round < 3; round++) {
        unsigned char *ptr = sw_arena_zeroed(&arena, 3000);
        assert_non_null(ptr);
        for (size_t i = 0; i < 3000; i++) {
            assert_int_equal(ptr[i], 0);
        }
        memset(ptr, 0xff, 3000);
        sw_arena_reset(&arena);
    }
    sw_arena_fini(&arena);
}

static void a_ceiling_holds_to_the_byte(void **state)
{
    sw_arena arena;
    (void)state;
    sw_arena_init(&arena, NULL, 100);
    assert_non_null(sw_arena_alloc(&arena, 60));
    assert_null(sw_arena_alloc(&arena, 41));
    assert_true(arena.failed && arena.full);
    assert_non_null(sw_arena_alloc(&arena, 40));
    assert_null(sw_arena_alloc(&arena, 1));
    sw_arena_reset(&arena);
    assert_false(arena.failed || arena.full);
    assert_int_equal(arena.used, 0);
    assert_non_null(sw_arena_alloc(&arena, 100));
    assert_null(sw_arena_alloc(&arena, SIZE_MAX));
    sw_arena_fini(&arena);
    sw_arena_init(&arena, NULL, 0);
    assert_null(sw_arena_alloc(&arena, SIZE_MAX));
    assert_null(sw_arena_zeroed(&arena, SIZE_MAX - 64));
    assert_true(arena.failed && !arena.full);
    sw_arena_fini(&arena);
}

/* Marks at random places; after each rewind, what was before the mark is as it was. */
static void rewinding_keeps_what_was_before_the_mark(void **state)
{
    uint64_t random = 2;
    sw_arena arena;
    (void)state;
    sw_arena_init(&arena, NULL, 0);
    for (size_t round = test_rounds(2000); round > 0; round--) {
        size_t size = 1 + test_below(&random, 3000);
        char *kept = sw_arena_alloc(&arena, size);
        assert_non_null(kept);
        memset(kept, 'k', size);
        sw_mark mark = sw_arena_mark(&arena);
        for (size_t i = test_below(&random, 20); i > 0; i--) {
            size_t more = test_below(&random, 8000);
            char *passing = sw_arena_alloc(&arena, more);
            assert_non_null(passing);
            memset(passing, 'p', more);
        }
        sw_arena_rewind(&arena, mark);
        assert_int_equal(arena.used, mark.used);
        for (size_t i = 0; i < size; i++) {
            assert_true(kept[i] == 'k');
        }
        if (test_below(&random, 20) == 0) {
            sw_arena_reset(&arena);
        }
    }
    sw_arena_fini(&arena);
}

static void rewinding_makes_room_again(void **state)
{
    sw_arena arena;
    (void)state;
    sw_arena_init(&arena, NULL, 0);
    assert_non_null(sw_arena_alloc(&arena, 100));
    sw_mark mark = sw_arena_mark(&arena);
    const char *first = sw_arena_alloc(&arena, 100);
    sw_arena_rewind(&arena, mark);
    assert_non_null(first);
    assert_ptr_equal(sw_arena_alloc(&arena, 100), first);
    sw_arena_fini(&arena);
}

static void an_arena_can_be_rewound_to_the_very_beginning(void **state)
{
    sw_arena arena;
    (void)state;
    sw_arena_init(&arena, NULL, 0);
    sw_mark mark = sw_arena_mark(&arena);
    assert_non_null(sw_arena_alloc(&arena, 10000));
    sw_arena_rewind(&arena, mark);
    assert_int_equal(arena.used, 0);
    assert_non_null(sw_arena_alloc(&arena, 10000));
    sw_arena_fini(&arena);
}

/* Rows and requests, however many, ask the allocator a handful of times. */
static void chunks_are_used_again(void **state)
{
    short_memory memory;
    sw_arena arena;
    (void)state;
    short_memory_init(&memory, PLENTY);
    sw_arena_init(&arena, &memory.allocator, 0);
    assert_non_null(sw_arena_alloc(&arena, 10));
    for (int request = 0; request < 100; request++) {
        for (int row = 0; row < 100; row++) {
            sw_mark mark = sw_arena_mark(&arena);
            for (int i = 0; i < 100; i++) {
                assert_non_null(sw_arena_alloc(&arena, 50));
            }
            sw_arena_rewind(&arena, mark);
        }
        sw_arena_reset(&arena);
        assert_true(memory.blocks <= 1);
    }
    assert_true(PLENTY - memory.left <= 6);
    /* A huge piece is not kept. */
    assert_non_null(sw_arena_alloc(&arena, 10 * 1024 * 1024));
    sw_arena_reset(&arena);
    sw_mark mark = sw_arena_mark(&arena);
    assert_non_null(sw_arena_alloc(&arena, 10 * 1024 * 1024));
    sw_arena_rewind(&arena, mark);
    assert_true(memory.blocks <= 1);
    sw_arena_fini(&arena);
    assert_int_equal(memory.blocks, 0);
}

static void an_arena_copies_text_with_a_nul_behind(void **state)
{
    sw_arena arena;
    (void)state;
    sw_arena_init(&arena, NULL, 0);
    sw_str copy = sw_arena_str(&arena, sw_str_make("abcdef", 3));
    test_same_text(copy, "abc");
    assert_int_equal(copy.ptr[3], '\0');
    assert_null(sw_arena_str(&arena, SW_NULL_STR).ptr);
    test_same_text(sw_arena_str(&arena, SW_STR("")), "");
    test_same_text(sw_arena_printf(&arena, "%s-%d", "step", 7), "step-7");
    assert_false(arena.failed);
    assert_null(sw_arena_str(&arena, sw_str_make("", SIZE_MAX)).ptr);
    assert_true(arena.failed);
    sw_arena_fini(&arena);
}

/* ---- the growing text ------------------------------------------------------------------------ */

static void a_buffer_grows_and_ends_in_nul(void **state)
{
    sw_buf buf;
    (void)state;
    sw_buf_init(&buf, NULL, 0);
    assert_non_null(sw_buf_str(&buf).ptr);
    assert_int_equal(sw_buf_str(&buf).len, 0);
    sw_buf_add(&buf, SW_STR(""));
    sw_buf_add(&buf, SW_NULL_STR);
    sw_buf_adds(&buf, "one");
    sw_buf_addc(&buf, ' ');
    sw_buf_add(&buf, sw_str_make("two three", 3));
    sw_buf_addf(&buf, " %s %d", "three", 4);
    sw_buf_addf(&buf, "%s", "");
    assert_string_equal(buf.ptr, "one two three 4");
    test_same_text(sw_buf_str(&buf), "one two three 4");
    for (int i = 0; i < 10000; i++) {
        sw_buf_addf(&buf, "%d", i % 10);
    }
    assert_int_equal(buf.len, 15 + 10000);
    assert_int_equal(strlen(buf.ptr), buf.len);
    sw_buf_clear(&buf);
    assert_string_equal(buf.ptr, "");
    char *room = sw_buf_reserve(&buf, 5);
    assert_non_null(room);
    memcpy(room, "abcde", 6);
    buf.len += 5;
    sw_buf_addc(&buf, 'f');
    assert_string_equal(buf.ptr, "abcdef");
    assert_int_equal(buf.status, SW_STATUS_OK);
    sw_buf_fini(&buf);
    sw_buf_fini(&buf);
}

static void a_buffer_prints_every_integer(void **state)
{
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {-1, "-1"},
        {10, "10"},
        {-100, "-100"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    sw_buf buf;
    (void)state;
    sw_buf_init(&buf, NULL, 0);
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_buf_clear(&buf);
        sw_buf_add_int(&buf, cases[i].value);
        assert_string_equal(buf.ptr, cases[i].text);
    }
    sw_buf_fini(&buf);
}

static void a_full_buffer_stays_full_until_cleared(void **state)
{
    sw_buf buf;
    (void)state;
    sw_buf_init(&buf, NULL, 10);
    sw_buf_adds(&buf, "1234567890");
    assert_int_equal(buf.status, SW_STATUS_OK);
    assert_true(buf.cap <= 11);
    sw_buf_addc(&buf, 'x');
    assert_int_equal(buf.status, SW_STATUS_TOO_LARGE);
    assert_string_equal(buf.ptr, "1234567890");
    sw_buf_clear(&buf);
    assert_int_equal(buf.status, SW_STATUS_OK);
    sw_buf_adds(&buf, "12345");
    sw_buf_adds(&buf, "678901");
    sw_buf_adds(&buf, "6");
    assert_null(sw_buf_reserve(&buf, 1));
    assert_string_equal(buf.ptr, "12345");
    sw_buf_fini(&buf);
}

/* ---- every request fails once ---------------------------------------------------------------- */

/* A bit of everything that asks for memory. True when nothing failed. */
static bool use_everything(const sw_allocator *from)
{
    static const char document[] =
        "{\"a\\n\":[\"\\u20ac\",\"plain\",{\"\\\"\":1.5}],\"b\":\"x\\ty\"}";
    char large[9000];
    sw_arena arena;
    sw_buf buf;
    sw_json json;
    sw_json_out out;
    bool ok = true;
    memset(large, 'x', sizeof large);
    sw_arena_init(&arena, from, 0);
    sw_buf_init(&buf, from, 0);
    ok = ok && sw_arena_str(&arena, SW_STR("text")).ptr;
    ok = ok && sw_arena_printf(&arena, "%.*s", (int)sizeof large, large).ptr;
    ok = ok && sw_arena_zeroed(&arena, 300000);
    sw_json_init(&json, SW_STR(document), &arena);
    sw_json_out_init(&out, &buf, true);
    while (ok && sw_json_next(&json) != SW_JSON_END) {
        ok = json.type != SW_JSON_ERROR;
        ok = ok && (json.type != SW_JSON_STRING || sw_arena_alloc(&arena, 5000));
    }
    assert_int_equal(ok, !arena.failed);
    sw_json_open(&out, '[');
    sw_json_str(&out, sw_str_make(large, sizeof large));
    sw_json_double(&out, 0.1);
    sw_json_str(&out, SW_STR("\n\x01"));
    sw_json_close(&out, ']');
    sw_json_minify(SW_STR(" [ 1 , 2 ] "), &buf);
    sw_buf_addf(&buf, "%.*s", (int)sizeof large, large);
    assert_true(buf.status == SW_STATUS_OK || buf.status == SW_STATUS_NO_MEMORY);
    ok = ok && buf.status == SW_STATUS_OK;
    sw_buf_fini(&buf);
    sw_arena_fini(&arena);
    return ok;
}

static void every_failed_request_is_told_and_leaks_nothing(void **state)
{
    short_memory memory;
    long served = 0;
    bool done = false;
    (void)state;
    for (; !done; served++) {
        assert_true(served < 1000);
        short_memory_init(&memory, served);
        done = use_everything(&memory.allocator);
        assert_int_equal(memory.blocks, 0);
    }
    assert_true(served > 5);
}

static void a_failed_resize_keeps_what_was_there(void **state)
{
    short_memory memory;
    sw_buf buf;
    (void)state;
    short_memory_init(&memory, 1);
    sw_buf_init(&buf, &memory.allocator, 0);
    sw_buf_adds(&buf, "here");
    for (int i = 0; i < 1000; i++) {
        sw_buf_addc(&buf, 'x');
    }
    assert_int_equal(buf.status, SW_STATUS_NO_MEMORY);
    assert_int_equal(strlen(buf.ptr), buf.len);
    assert_memory_equal(buf.ptr, "herexxxx", 8);
    sw_buf_clear(&buf);
    sw_buf_adds(&buf, "again");
    assert_int_equal(buf.status, SW_STATUS_OK);
    assert_string_equal(buf.ptr, "again");
    sw_buf_fini(&buf);
    assert_int_equal(memory.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocator_serves_and_takes_back),
        cmocka_unit_test(what_an_arena_hands_out_is_apart_and_aligned),
        cmocka_unit_test(zeroed_memory_is_zero_also_the_second_time),
        cmocka_unit_test(a_ceiling_holds_to_the_byte),
        cmocka_unit_test(rewinding_keeps_what_was_before_the_mark),
        cmocka_unit_test(rewinding_makes_room_again),
        cmocka_unit_test(an_arena_can_be_rewound_to_the_very_beginning),
        cmocka_unit_test(chunks_are_used_again),
        cmocka_unit_test(an_arena_copies_text_with_a_nul_behind),
        cmocka_unit_test(a_buffer_grows_and_ends_in_nul),
        cmocka_unit_test(a_buffer_prints_every_integer),
        cmocka_unit_test(a_full_buffer_stays_full_until_cleared),
        cmocka_unit_test(every_failed_request_is_told_and_leaks_nothing),
        cmocka_unit_test(a_failed_resize_keeps_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
