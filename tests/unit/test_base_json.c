/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader and writer by themselves: tokens and their places, whole values, what is written. Others
 * judge them in test_json_jansson.c.
 */
#include "json_noise.h"

#include <math.h>

/* ---- tokens ---------------------------------------------------------------------------------- */

static void tokens_come_in_order_with_their_place(void **state)
{
    static const struct {
        sw_json_type type;
        const char *text;
        size_t offset;
    } expected[] = {
        {SW_JSON_OBJECT, NULL, 1},      {SW_JSON_KEY, "a", 2},          {SW_JSON_ARRAY, NULL, 7},
        {SW_JSON_NUMBER, "1", 8},       {SW_JSON_TRUE, NULL, 10},       {SW_JSON_FALSE, NULL, 16},
        {SW_JSON_NULL, NULL, 22},       {SW_JSON_ARRAY_END, NULL, 26},  {SW_JSON_KEY, "\n", 29},
        {SW_JSON_STRING, "", 34},       {SW_JSON_KEY, "", 37},          {SW_JSON_OBJECT, NULL, 40},
        {SW_JSON_OBJECT_END, NULL, 41}, {SW_JSON_OBJECT_END, NULL, 42}, {SW_JSON_END, NULL, 44},
    };
    sw_str text = SW_STR(" {\"a\": [1,true, false,null] ,\"\\n\":\"\",\"\":{}}\t");
    sw_arena arena;
    sw_json json;
    (void)state;
    sw_arena_init(&arena, NULL, 0);
    sw_json_init(&json, text, &arena);
    for (size_t i = 0; i < SW_COUNT(expected); i++) {
        assert_int_equal(sw_json_next(&json), expected[i].type);
        assert_int_equal(json.offset, expected[i].offset);
        if (expected[i].text) {
            test_same_text(json.text, expected[i].text);
        } else {
            assert_null(json.text.ptr);
        }
    }
    sw_arena_fini(&arena);
}

static void only_text_with_escapes_takes_memory(void **state)
{
    sw_str text = SW_STR("[\"plain text, gr\xc3\xbc\xc3\x9f dich\",\"two\\nlines\"]");
    sw_arena arena;
    sw_json json;
    (void)state;
    sw_arena_init(&arena, NULL, 0);
    sw_json_init(&json, text, &arena);
    (void)sw_json_next(&json);
    (void)sw_json_next(&json);
    assert_ptr_equal(json.text.ptr, text.ptr + 2);
    assert_int_equal(arena.used, 0);
    (void)sw_json_next(&json);
    test_same_text(json.text, "two\nlines");
    assert_true(arena.used > 0);
    sw_arena_fini(&arena);
}

static void integers_are_known_as_such_up_to_64_bits(void **state)
{
    static const struct {
        const char *text;
        bool is_integer;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-1", true, -1},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"100000000000000000000000000", false, 0},
        {"1.0", false, 0},
        {"1e2", false, 0},
        {"-1.5E-3", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_json json;
        sw_json_init(&json, sw_str_from(cases[i].text), NULL);
        assert_int_equal(sw_json_next(&json), SW_JSON_NUMBER);
        test_same_text(json.text, cases[i].text);
        assert_int_equal(json.is_integer, cases[i].is_integer);
        assert_true(!cases[i].is_integer || json.integer == cases[i].value);
        assert_int_equal(sw_json_next(&json), SW_JSON_END);
    }
}

static void an_error_says_what_and_where(void **state)
{
    static const struct {
        const char *text;
        const char *why;
        size_t offset;
    } cases[] = {
        {"", "the text ends too early", 0},
        {"  ", "the text ends too early", 2},
        {"[1,2", "the text ends too early", 4},
        {"{\"a\"", "the text ends too early", 4},
        {"\"abc", "the text ends too early", 4},
        {"tru", "the text ends too early", 3},
        {"\"a\\", "the text ends too early", 3},
        {"-", "the text ends too early", 1},
        {"[1,]", "a value is expected", 3},
        {"{,}", "a key in quotes is expected", 1},
        {"{\"a\":1,}", "a key in quotes is expected", 7},
        {"{\"a\" 1}", "a colon is expected after the key", 5},
        {"{\"a\":1]", "a comma or } is expected", 6},
        {"[1}", "a comma or ] is expected", 2},
        {"01", "something follows the value", 1},
        {"{} {}", "something follows the value", 3},
        {"true\x01", "something follows the value", 4},
        {"1.x", "a digit is expected after the point", 2},
        {"1ex", "a digit is expected in the exponent", 2},
        {"-x", "a digit is expected", 1},
        {"[NaN]", "a value is expected", 1},
        {"nil", "a value is expected", 0},
        {"\"a\nb\"", "a control character must be escaped", 2},
        {"\"a\xff\"", "the text is not valid UTF-8", 2},
        {"\"\\x\"", "no such escape", 1},
        {"\"ab\\u12g4\"", "four hexadecimal digits are expected after \\u", 3},
        {"\"\\u12\"", "four hexadecimal digits are expected after \\u", 1},
        {"\"\\u0000\"", "text must not hold NUL", 1},
        {"\"\\ud800\"", "half of a surrogate pair stands alone", 1},
        {"\"\\ud800\\u0041\"", "half of a surrogate pair stands alone", 1},
        {"\"\\udc00\\ud800\"", "half of a surrogate pair stands alone", 1},
        {"\"\\udc00\\udc00\"", "half of a surrogate pair stands alone", 1},
        {"\xef\xbb\xbf{}", "a value is expected", 0},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        const char *why = NULL;
        size_t offset = SIZE_MAX;
        sw_str text = test_exact_copy(sw_str_from(cases[i].text));
        assert_false(sw_json_valid(text, &why, &offset));
        assert_string_equal(why, cases[i].why);
        assert_int_equal(offset, cases[i].offset);
        free((void *)(uintptr_t)text.ptr);
    }
    assert_false(sw_json_valid(SW_STR("true\0"), NULL, NULL));
    assert_false(sw_json_valid(SW_STR("[\0]"), NULL, NULL));
    assert_false(sw_json_valid(SW_NULL_STR, NULL, NULL));
}

/* What a sender cut in half, or a NUL, must not cost the rest of what it sent. */
static void mending_replaces_what_is_no_text(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"\"a\\ud83d\"", "a\xef\xbf\xbd"},
        {"\"\\udc00b\"", "\xef\xbf\xbd"
                         "b"},
        {"\"\\ud800\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\u0000c\"", "\xef\xbf\xbd"
                         "c"},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_arena arena;
        sw_json json;
        sw_arena_init(&arena, &sw__libc_allocator, 0);
        sw_json_init(&json, sw_str_from(rows[i].text), &arena);
        json.mend = true;
        assert_int_equal(sw_json_next(&json), SW_JSON_STRING);
        assert_true(sw_str_eq(json.text, sw_str_from(rows[i].want)));
        assert_int_equal(sw_json_next(&json), SW_JSON_END);
        sw_arena_fini(&arena);
    }
}

/* Whoever reads a wordy form says how deep; the usual bound is not touched by that. */
static void depth_can_be_asked_for(void **state)
{
    enum { FAR = 500 };
    char text[FAR];
    (void)state;
    memset(text, '[', sizeof text);
    for (uint32_t deepest = 1; deepest <= SW_JSON_DEEPEST; deepest++) {
        sw_json json;
        uint32_t depth = 0;
        sw_json_init(&json, sw_str_make(text, sizeof text), NULL);
        json.deepest = deepest;
        while (sw_json_next(&json) == SW_JSON_ARRAY) {
            depth++;
        }
        assert_int_equal(depth, deepest);
        assert_string_equal(json.error, "the value nests too deep");
    }
}

static void depth_is_bounded(void **state)
{
    char text[4 * SW_LIMIT_JSON_DEPTH + 8];
    (void)state;
    for (size_t depth = SW_LIMIT_JSON_DEPTH - 1; depth <= SW_LIMIT_JSON_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(sw_json_valid(sw_str_make(text, 2 * depth), NULL, NULL),
                         depth <= SW_LIMIT_JSON_DEPTH);
    }
}

/* Objects and arrays by turns, by chance: each closing bracket must match its own. */
static void brackets_match_at_every_level(void **state)
{
    uint64_t random = 4;
    (void)state;
    for (size_t round = test_rounds(2000); round > 0; round--) {
        char text[8 * SW_LIMIT_JSON_DEPTH], close[SW_LIMIT_JSON_DEPTH];
        size_t depth = 1 + test_below(&random, SW_LIMIT_JSON_DEPTH), len = 0;
        for (size_t i = 0; i < depth; i++) {
            bool object = test_below(&random, 2);
            const char *open = object && i + 1 < depth ? "{\"\":" : object ? "{" : "[";
            memcpy(text + len, open, strlen(open));
            len += strlen(open);
            close[depth - 1 - i] = object ? '}' : ']';
        }
        memcpy(text + len, close, depth);
        assert_true(sw_json_valid(sw_str_make(text, len + depth), NULL, NULL));
        size_t wrong = test_below(&random, depth);
        text[len + wrong] = text[len + wrong] == '}' ? ']' : '}';
        assert_false(sw_json_valid(sw_str_make(text, len + depth), NULL, NULL));
    }
}

/* Strings of every length, so that the end comes at every place of a block of bytes. */
static void strings_end_where_they_end(void **state)
{
    (void)state;
    for (size_t len = 0; len < 70; len++) {
        for (size_t odd = 0; odd < len; odd++) {
            char *text = malloc(len + 2);
            assert_non_null(text);
            memset(text, 'x', len + 2);
            text[0] = text[len + 1] = '"';
            sw_str all = sw_str_make(text, len + 2);
            assert_true(sw_json_valid(all, NULL, NULL));
            for (int c = 0; c < 256; c++) {
                text[1 + odd] = (char)c;
                bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
                assert_int_equal(sw_json_valid(all, NULL, NULL), plain);
            }
            free(text);
        }
    }
}

/* ---- whole values ---------------------------------------------------------------------------- */

static void skipping_goes_over_a_value_and_shows_it(void **state)
{
    sw_str text =
        SW_STR("{\"a\": {\"x\":[1,{\"y\" : \"\\\"}\"}]} ,\"b\":\"t\\n\",\"c\": -1.5 ,\"d\":null}");
    static const char *const values[] = {"{\"x\":[1,{\"y\" : \"\\\"}\"}]}", "\"t\\n\"", "-1.5",
                                         "null"};
    sw_arena arena;
    sw_json json;
    (void)state;
    sw_arena_init(&arena, NULL, 0);
    sw_json_init(&json, text, &arena);
    assert_int_equal(sw_json_next(&json), SW_JSON_OBJECT);
    for (size_t i = 0; i < SW_COUNT(values); i++) {
        sw_str raw = SW_NULL_STR;
        assert_int_equal(sw_json_next(&json), SW_JSON_KEY);
        (void)sw_json_next(&json);
        assert_true(sw_json_skip(&json, &raw));
        test_same_text(raw, values[i]);
        assert_ptr_equal(json.arena, &arena);
    }
    assert_int_equal(sw_json_next(&json), SW_JSON_OBJECT_END);
    assert_int_equal(sw_json_next(&json), SW_JSON_END);
    sw_arena_fini(&arena);
}

static void skipping_checks_what_it_goes_over(void **state)
{
    static const char *const cases[] = {"[[1,]]", "[[\"\\ud800\"]]", "[{\"a\":}]", "[[1",
                                        "[[\"\\q\"]]"};
    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_arena arena;
        sw_json json;
        sw_str raw = SW_NULL_STR;
        sw_arena_init(&arena, NULL, 0);
        sw_json_init(&json, sw_str_from(cases[i]), &arena);
        (void)sw_json_next(&json);
        (void)sw_json_next(&json);
        assert_false(sw_json_skip(&json, &raw));
        assert_null(raw.ptr);
        assert_int_equal(sw_json_next(&json), SW_JSON_ERROR);
        assert_false(sw_json_skip(&json, NULL));
        sw_arena_fini(&arena);
    }
}

static void same_as_unknown(sw_str text, sw_arena *arena)
{
    sw_arena first;
    sw_json json, known, passed;
    sw_arena_init(&first, NULL, 0);
    sw_json_init(&json, text, &first);
    sw_json_init(&known, text, arena);
    sw_json_init(&passed, text, NULL);
    known.known = passed.known = true;
    while (sw_json_next(&json) > SW_JSON_ERROR) {
        assert_int_equal(sw_json_next(&known), json.type);
        assert_int_equal(sw_json_next(&passed), json.type);
        assert_true(sw_str_eq(known.text, json.text));
        assert_int_equal(known.offset, json.offset);
        assert_int_equal(passed.offset, json.offset);
        assert_ptr_equal(known.at, json.at);
        assert_ptr_equal(passed.at, json.at);
    }
    assert_int_equal(json.type, SW_JSON_END);
    assert_int_equal(sw_json_next(&known), SW_JSON_END);
    assert_int_equal(sw_json_next(&passed), SW_JSON_END);
    sw_arena_fini(&first);
}

/* What was read before is found again where it was, though its texts are not judged any more. */
static void what_is_known_is_the_same_when_it_is_read_again(void **state)
{
    json_noise w = {.random = 6};
    sw_arena arena;
    (void)state;
    sw_buf_init(&w.buf, NULL, 0);
    sw_arena_init(&arena, NULL, 0);
    for (int slashes = 0; slashes < 12; slashes += 2) {
        for (int quoted = 0; quoted < 3; quoted++) {
            sw_buf_clear(&w.buf);
            sw_buf_adds(&w.buf, "[\"\\n");
            for (int i = 0; i < slashes; i++) {
                sw_buf_addc(&w.buf, '\\');
            }
            sw_buf_adds(&w.buf, quoted == 0 ? "" : quoted == 1 ? "\\\"" : "\\\"x\\\"");
            sw_buf_adds(&w.buf, "\",\"\\\\\"]");
            same_as_unknown(sw_buf_str(&w.buf), &arena);
        }
    }
    for (size_t round = test_rounds(3000); round > 0; round--) {
        json_noise_next(&w);
        same_as_unknown(sw_buf_str(&w.buf), &arena);
        sw_arena_reset(&arena);
    }
    sw_arena_fini(&arena);
    sw_buf_fini(&w.buf);
}

static void what_is_known_may_yet_end_too_early(void **state)
{
    static const char *const cases[] = {"\"\\", "\"\\\"", "\"a\\n", "\"\\\\\\\"", "[\"\\n\\"};
    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_json json;
        sw_json_init(&json, sw_str_from(cases[i]), NULL);
        json.known = true;
        while (sw_json_next(&json) > SW_JSON_ERROR) {
        }
        assert_int_equal(json.type, SW_JSON_ERROR);
    }
}

/* jansson's compact form would also change escapes and numbers; ours takes out blanks and nothing
 * else, so the same tokens must come, with the same bytes.
 */
static void minifying_takes_out_blanks_and_nothing_else(void **state)
{
    json_noise w = {.random = 5};
    sw_buf small, again;
    (void)state;
    sw_buf_init(&w.buf, NULL, 0);
    sw_buf_init(&small, NULL, 0);
    sw_buf_init(&again, NULL, 0);
    sw_json_minify(SW_STR(" { \"a b\" : [ 1 , \"\\\" \\\\\" , true ] , \"c\\n\":{ } }\n"), &small);
    assert_string_equal(small.ptr, "{\"a b\":[1,\"\\\" \\\\\",true],\"c\\n\":{}}");
    for (size_t round = test_rounds(3000); round > 0; round--) {
        sw_json a, b;
        json_noise_next(&w);
        sw_buf_clear(&small);
        sw_json_minify(sw_buf_str(&w.buf), &small);
        sw_json_init(&a, sw_buf_str(&w.buf), NULL);
        sw_json_init(&b, sw_buf_str(&small), NULL);
        const char *at = small.ptr;
        while (sw_json_next(&a) > SW_JSON_ERROR) {
            assert_int_equal(sw_json_next(&b), a.type);
            const char *from = small.ptr + b.offset;
            assert_true(from - at <= 1); /* a comma at most; colons belong to the key */
            size_t len = (size_t)(b.at - from) - (a.type == SW_JSON_KEY);
            assert_memory_equal(from, w.buf.ptr + a.offset, len);
            at = b.at;
        }
        assert_int_equal(a.type, SW_JSON_END);
        assert_int_equal(sw_json_next(&b), SW_JSON_END);
        sw_buf_clear(&again);
        sw_json_minify(sw_buf_str(&small), &again);
        assert_true(sw_str_eq(sw_buf_str(&small), sw_buf_str(&again)));
    }
    sw_buf_fini(&w.buf);
    sw_buf_fini(&small);
    sw_buf_fini(&again);
}

/* ---- the writer ------------------------------------------------------------------------------ */

static void write_sample(sw_json_out *out)
{
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("a"));
    sw_json_int(out, -1);
    sw_json_key(out, SW_STR("b\""));
    sw_json_open(out, '[');
    sw_json_bool(out, true);
    sw_json_null(out);
    sw_json_str(out, SW_NULL_STR);
    sw_json_raw(out, SW_NULL_STR);
    sw_json_raw(out, SW_STR("{\"r\":1}"));
    sw_json_open(out, '{');
    sw_json_close(out, '}');
    sw_json_close(out, ']');
    sw_json_key(out, SW_STR(""));
    sw_json_open(out, '[');
    sw_json_close(out, ']');
    sw_json_key(out, SW_STR("t"));
    sw_json_str(out, SW_STR("\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xbc"));
    sw_json_close(out, '}');
}

static void commas_and_lines_are_set(void **state)
{
    sw_buf buf;
    sw_json_out out;
    (void)state;
    sw_buf_init(&buf, NULL, 0);
    sw_json_out_init(&out, &buf, false);
    write_sample(&out);
    assert_string_equal(buf.ptr, "{\"a\":-1,\"b\\\"\":[true,null,null,null,{\"r\":1},{}],\"\":[],"
                                 "\"t\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xbc\"}");
    sw_buf_clear(&buf);
    sw_json_out_init(&out, &buf, true);
    write_sample(&out);
    assert_string_equal(buf.ptr, "{\n"
                                 "  \"a\": -1,\n"
                                 "  \"b\\\"\": [\n"
                                 "    true,\n"
                                 "    null,\n"
                                 "    null,\n"
                                 "    null,\n"
                                 "    {\"r\":1},\n"
                                 "    {}\n"
                                 "  ],\n"
                                 "  \"\": [],\n"
                                 "  \"t\": \"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xbc\"\n"
                                 "}");
    sw_buf_fini(&buf);
}

static void numbers_are_written_short_and_read_back(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {-1.5, "-1.5"},
        {1e22, "1e+22"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {123456789012, "123456789012"},
        {(double)INFINITY, "null"},
        {-(double)INFINITY, "null"},
        {(double)NAN, "null"},
    };
    uint64_t random = 6;
    sw_buf buf;
    sw_json_out out;
    (void)state;
    sw_buf_init(&buf, NULL, 0);
    sw_json_out_init(&out, &buf, false);
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        sw_buf_clear(&buf);
        sw_json_double(&out, cases[i].value);
        assert_string_equal(buf.ptr, cases[i].text);
    }
    for (size_t round = test_rounds(20000); round > 0; round--) {
        uint64_t bits = test_random(&random);
        double value = 0;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            sw_buf_clear(&buf);
            sw_json_double(&out, value);
            double back = strtod(buf.ptr, NULL);
            assert_memory_equal(&back, &value, sizeof value);
            assert_true(sw_json_valid(sw_buf_str(&buf), NULL, NULL));
        }
    }
    sw_buf_fini(&buf);
}

/* Text of every length with one odd character at every place. */
static void text_is_escaped_wherever_it_must_be(void **state)
{
    sw_buf buf;
    sw_arena arena;
    (void)state;
    sw_buf_init(&buf, NULL, 0);
    sw_arena_init(&arena, NULL, 0);
    for (size_t len = 1; len < 40; len++) {
        for (size_t odd = 0; odd < len; odd++) {
            for (int c = 1; c < 0x80; c++) {
                char text[40];
                sw_json_out out;
                sw_json json;
                memset(text, 'x', len);
                text[odd] = (char)c;
                sw_buf_clear(&buf);
                sw_json_out_init(&out, &buf, false);
                sw_json_str(&out, sw_str_make(text, len));
                sw_json_init(&json, sw_buf_str(&buf), &arena);
                assert_int_equal(sw_json_next(&json), SW_JSON_STRING);
                assert_true(sw_str_eq(json.text, sw_str_make(text, len)));
            }
            sw_arena_reset(&arena);
        }
    }
    sw_arena_fini(&arena);
    sw_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_come_in_order_with_their_place),
        cmocka_unit_test(only_text_with_escapes_takes_memory),
        cmocka_unit_test(integers_are_known_as_such_up_to_64_bits),
        cmocka_unit_test(an_error_says_what_and_where),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(depth_can_be_asked_for),
        cmocka_unit_test(mending_replaces_what_is_no_text),
        cmocka_unit_test(brackets_match_at_every_level),
        cmocka_unit_test(strings_end_where_they_end),
        cmocka_unit_test(skipping_goes_over_a_value_and_shows_it),
        cmocka_unit_test(skipping_checks_what_it_goes_over),
        cmocka_unit_test(what_is_known_is_the_same_when_it_is_read_again),
        cmocka_unit_test(what_is_known_may_yet_end_too_early),
        cmocka_unit_test(minifying_takes_out_blanks_and_nothing_else),
        cmocka_unit_test(commas_and_lines_are_set),
        cmocka_unit_test(numbers_are_written_short_and_read_back),
        cmocka_unit_test(text_is_escaped_wherever_it_must_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
