/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader and writer against others: jansson on generated and on damaged documents, and the verdicts
 * of the JSONTestSuite.
 */
#include "json_noise.h"

#include <dirent.h>
#include <math.h>

#include <jansson.h>

/* ---- against jansson ------------------------------------------------------------------------- */

static void check_value(sw_json *json, const json_t *value);

static double number_of(sw_str text)
{
    char digits[400];
    assert_true(text.len < sizeof digits);
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    return strtod(digits, NULL);
}

static void check_text(sw_str got, const char *expected, size_t len)
{
    assert_non_null(got.ptr);
    assert_int_equal(got.len, len);
    assert_memory_equal(got.ptr, expected, len);
}

static void check_members(sw_json *json, const json_t *object)
{
    size_t count = 0;
    for (; sw_json_next(json) == SW_JSON_KEY; count++) {
        char *key = strndup(json->text.ptr, json->text.len);
        const json_t *member = json_object_get(object, key);
        free(key);
        assert_non_null(member);
        (void)sw_json_next(json);
        check_value(json, member);
    }
    assert_int_equal(json->type, SW_JSON_OBJECT_END);
    assert_int_equal(count, json_object_size(object));
}

/* The current token begins a value, and this is it. */
static void check_value(sw_json *json, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        assert_int_equal(json->type, SW_JSON_OBJECT);
        check_members(json, value);
        break;
    case JSON_ARRAY:
        assert_int_equal(json->type, SW_JSON_ARRAY);
        for (size_t i = 0; i < json_array_size(value); i++) {
            (void)sw_json_next(json);
            check_value(json, json_array_get(value, i));
        }
        assert_int_equal(sw_json_next(json), SW_JSON_ARRAY_END);
        break;
    case JSON_STRING:
        assert_int_equal(json->type, SW_JSON_STRING);
        check_text(json->text, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        assert_int_equal(json->type, SW_JSON_NUMBER);
        assert_true(json->is_integer);
        assert_true(json->integer == json_integer_value(value));
        break;
    case JSON_REAL:
        assert_int_equal(json->type, SW_JSON_NUMBER);
        assert_true(number_of(json->text) == json_real_value(value));
        break;
    case JSON_TRUE:
        assert_int_equal(json->type, SW_JSON_TRUE);
        break;
    case JSON_FALSE:
        assert_int_equal(json->type, SW_JSON_FALSE);
        break;
    case JSON_NULL:
        assert_int_equal(json->type, SW_JSON_NULL);
        break;
    }
}

static json_t *jansson_read(sw_str text, json_error_t *error)
{
    return json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, error);
}

static void generated_documents_read_as_jansson_reads_them(void **state)
{
    json_noise w = {.random = 1};
    sw_arena arena;
    (void)state;
    sw_buf_init(&w.buf, NULL, 0);
    sw_arena_init(&arena, NULL, 0);
    for (size_t round = test_rounds(5000); round > 0; round--) {
        sw_json json;
        json_error_t error;
        json_noise_next(&w);
        sw_str text = test_exact_copy(sw_buf_str(&w.buf));
        json_t *expected = jansson_read(text, &error);
        if (!expected) {
            fail_msg("jansson: %s: %.*s", error.text, (int)text.len, text.ptr);
        }
        sw_json_init(&json, text, &arena);
        (void)sw_json_next(&json);
        check_value(&json, expected);
        assert_int_equal(sw_json_next(&json), SW_JSON_END);
        assert_int_equal(sw_json_next(&json), SW_JSON_END);
        assert_true(sw_json_valid(text, NULL, NULL));
        sw_arena_reset(&arena);
        json_decref(expected);
        free((void *)(uintptr_t)text.ptr);
    }
    sw_arena_fini(&arena);
    sw_buf_fini(&w.buf);
}

/* Damages a byte or two. jansson refuses what does not fit a double, which is not ours to judge,
 * and lets a NUL byte behind "true" pass, which is nowhere allowed.
 */
static void damaged_documents_are_refused_as_jansson_refuses_them(void **state)
{
    json_noise w = {.random = 2};
    sw_arena arena;
    size_t refused = 0, accepted = 0;
    (void)state;
    sw_buf_init(&w.buf, NULL, 0);
    sw_arena_init(&arena, NULL, 0);
    for (size_t round = test_rounds(30000); round > 0; round--) {
        json_error_t error = {0};
        sw_json json;
        const char *why = NULL;
        size_t offset = SIZE_MAX;
        json_noise_next(&w);
        sw_str text = test_exact_copy(sw_buf_str(&w.buf));
        char *bytes = (char *)(uintptr_t)text.ptr;
        for (size_t n = 1 + test_below(&w.random, 2); n > 0; n--) {
            static const char odd[] = "\"\\{}[],:0-.eEu \n\x01\x7f\x80\xc3\xed\xa0\xff";
            size_t at = test_below(&w.random, text.len);
            bytes[at] = test_below(&w.random, 3) == 0 ? (char)test_random(&w.random)
                                                      : odd[test_below(&w.random, sizeof odd)];
        }
        json_t *expected = jansson_read(text, &error);
        bool overflow = !expected && json_error_code(&error) == json_error_numeric_overflow;
        bool ok = sw_json_valid(text, &why, &offset);
        bool must = expected && !memchr(text.ptr, '\0', text.len);
        if (!overflow && ok != must) {
            fail_msg("%s at %zu, jansson %s: %.*s", why ? why : "accepted", offset, error.text,
                     (int)text.len, text.ptr);
        }
        assert_true(ok || (why && offset <= text.len));
        /* Reading with an arena judges as checking without one does. */
        sw_json_init(&json, text, &arena);
        while (sw_json_next(&json) > SW_JSON_ERROR) {
        }
        assert_int_equal(json.type == SW_JSON_END, ok);
        assert_true(ok || (json.error == why && json.offset == offset));
        assert_int_equal(sw_json_next(&json), ok ? SW_JSON_END : SW_JSON_ERROR);
        refused += !ok;
        accepted += ok;
        sw_arena_reset(&arena);
        json_decref(expected);
        free(bytes);
    }
    assert_true(refused > 100 && accepted > 100);
    sw_arena_fini(&arena);
    sw_buf_fini(&w.buf);
}

/* Copies a value from the reader to the json_noise. */
static void copy_value(sw_json *json, sw_json_out *out)
{
    uint32_t depth = 0;
    do {
        switch (json->type) {
        case SW_JSON_OBJECT:
        case SW_JSON_ARRAY:
            sw_json_open(out, json->type == SW_JSON_OBJECT ? '{' : '[');
            depth++;
            break;
        case SW_JSON_OBJECT_END:
        case SW_JSON_ARRAY_END:
            sw_json_close(out, json->type == SW_JSON_OBJECT_END ? '}' : ']');
            depth--;
            break;
        case SW_JSON_KEY:
            sw_json_key(out, json->text);
            break;
        case SW_JSON_STRING:
            sw_json_str(out, json->text);
            break;
        case SW_JSON_NUMBER:
            if (json->is_integer) {
                sw_json_int(out, json->integer);
            } else {
                sw_json_double(out, number_of(json->text));
            }
            break;
        case SW_JSON_TRUE:
        case SW_JSON_FALSE:
            sw_json_bool(out, json->type == SW_JSON_TRUE);
            break;
        case SW_JSON_NULL:
            sw_json_null(out);
            break;
        case SW_JSON_END:
        case SW_JSON_ERROR:
            fail_msg("the document ended inside");
        }
    } while (depth > 0 && sw_json_next(json) != SW_JSON_END);
}

/* Numbers are the same when their values are: we write 100 for 1e2. */
static bool same_value(const json_t *a, const json_t *b)
{
    const char *key = NULL;
    json_t *member = NULL;
    size_t i = 0;
    if (json_is_number(a) && json_is_number(b)) {
        return json_is_integer(a) == json_is_integer(b)
                   ? json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b)
                   : json_number_value(a) == json_number_value(b);
    }
    if (json_typeof(a) != json_typeof(b) || json_object_size(a) != json_object_size(b) ||
        json_array_size(a) != json_array_size(b)) {
        return false;
    }
    if (json_is_object(a)) {
        json_object_foreach((json_t *)(uintptr_t)a, key, member)
        {
            const json_t *other = json_object_get(b, key);
            if (!other || !same_value(member, other)) {
                return false;
            }
        }
        return true;
    }
    for (; i < json_array_size(a); i++) {
        if (!same_value(json_array_get(a, i), json_array_get(b, i))) {
            return false;
        }
    }
    return json_is_array(a) || json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b);
}

static void what_is_written_reads_in_jansson_as_what_was_read(void **state)
{
    json_noise w = {.random = 3};
    sw_arena arena;
    sw_buf written;
    (void)state;
    sw_buf_init(&w.buf, NULL, 0);
    sw_buf_init(&written, NULL, 0);
    sw_arena_init(&arena, NULL, 0);
    for (size_t round = test_rounds(5000); round > 0; round--) {
        sw_json json;
        sw_json_out out;
        json_error_t error;
        json_noise_next(&w);
        sw_str text = sw_buf_str(&w.buf);
        sw_buf_clear(&written);
        sw_json_init(&json, text, &arena);
        sw_json_out_init(&out, &written, round % 2);
        (void)sw_json_next(&json);
        copy_value(&json, &out);
        assert_int_equal(written.status, SW_STATUS_OK);
        json_t *expected = jansson_read(text, &error);
        json_t *got = jansson_read(sw_buf_str(&written), &error);
        assert_non_null(expected);
        if (!got || !same_value(expected, got)) {
            fail_msg("%.*s became %s", (int)text.len, text.ptr, written.ptr);
        }
        sw_arena_reset(&arena);
        json_decref(expected);
        json_decref(got);
    }
    sw_arena_fini(&arena);
    sw_buf_fini(&written);
    sw_buf_fini(&w.buf);
}

/* ---- JSONTestSuite --------------------------------------------------------------------------- */

/* The suite is read where it lies beside the project and is no part of it. */
static DIR *open_suite(char path[512], const char *part)
{
    const char *shared = getenv("STEPWELL_SHARED");
    (void)snprintf(path, 512, "%s/data/json-conformance/%s",
                   shared ? shared : SW_SOURCE_ROOT "/../shared", part);
    DIR *dir = opendir(path);
    if (!dir) {
        print_message("skipped: no JSONTestSuite at %s (set STEPWELL_SHARED)\n", path);
        skip();
    }
    return dir;
}

static sw_str read_file(const char *folder, const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    size_t len = fread(bytes, 1, 1 << 20, file);
    assert_int_equal(fclose(file), 0);
    sw_str copy = test_exact_copy(sw_str_make(bytes, len));
    free(bytes);
    return copy;
}

/* Text holds no NUL in any store, so these two are refused on purpose. */
static bool is_refused_on_purpose(const char *name)
{
    return strcmp(name, "y_object_escaped_null_in_key.json") == 0 ||
           strcmp(name, "y_string_null_escape.json") == 0;
}

static void the_suite_is_judged_as_it_says(void **state)
{
    char path[512];
    DIR *dir = open_suite(path, "test_parsing");
    size_t judged = 0;
    const struct dirent *entry = NULL;
    (void)state;
    while ((entry = readdir(dir)) != NULL) {
        if (!strchr("yni", entry->d_name[0]) || entry->d_name[1] != '_') {
            continue;
        }
        const char *why = "accepted";
        sw_str text = read_file(path, entry->d_name);
        bool ok = sw_json_valid(text, &why, NULL);
        bool must = entry->d_name[0] == 'y' && !is_refused_on_purpose(entry->d_name);
        if (entry->d_name[0] != 'i' && ok != must) {
            print_error("%s: %s\n", entry->d_name, why);
            fail();
        }
        free((void *)(uintptr_t)text.ptr);
        judged++;
    }
    (void)closedir(dir);
    print_message("%zu files of JSONTestSuite\n", judged);
    assert_true(judged > 50);
}

/* The suite's second part is right JSON, and wrong where escapes make half a surrogate pair or the
 * bytes are no UTF-8; each is read or refused, and what is read is what jansson reads.
 */
static void the_suite_is_transformed_as_jansson_does(void **state)
{
    char path[512];
    DIR *dir = open_suite(path, "test_transform");
    const struct dirent *entry = NULL;
    (void)state;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        json_error_t error;
        sw_arena arena;
        sw_json json;
        sw_str text = read_file(path, entry->d_name);
        json_t *expected = jansson_read(text, &error);
        sw_arena_init(&arena, NULL, 0);
        if (sw_json_valid(text, NULL, NULL) != (expected != NULL)) {
            fail_msg("%s: jansson %s", entry->d_name, expected ? "accepts" : "refuses");
        }
        /* jansson keeps one of equal keys, we show each. */
        if (expected && !strstr(entry->d_name, "same_key")) {
            sw_json_init(&json, text, &arena);
            (void)sw_json_next(&json);
            check_value(&json, expected);
        }
        json_decref(expected);
        sw_arena_fini(&arena);
        free((void *)(uintptr_t)text.ptr);
    }
    (void)closedir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_suite_is_judged_as_it_says),
        cmocka_unit_test(the_suite_is_transformed_as_jansson_does),
        cmocka_unit_test(generated_documents_read_as_jansson_reads_them),
        cmocka_unit_test(damaged_documents_are_refused_as_jansson_refuses_them),
        cmocka_unit_test(what_is_written_reads_in_jansson_as_what_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
