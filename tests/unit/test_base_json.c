/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader and writer, held to the JSONTestSuite, to jansson on generated and on damaged
 * documents, and to tables of tokens.
 */
#include "test_base.h"

#include <dirent.h>
#include <math.h>

#include <jansson.h>

/* ---- generated documents --------------------------------------------------------------------- */

/* Written by hand and not by sw_json_out, with any white space and any escape that is allowed. */
typedef struct writer {
    uint64_t random;
    sw_buf buf;
    int keys;
} writer;

static bool chance(writer *w, size_t one_in)
{
    return test_below(&w->random, one_in) == 0;
}

static void write_space(writer *w)
{
    while (chance(w, 4)) {
        sw_buf_addc(&w->buf, " \t\r\n"[test_below(&w->random, 4)]);
    }
}

static const char escaped[] = "\"\\/\b\f\n\r\t";
static const char letters[] = "\"\\/bfnrt";

static uint32_t random_character(writer *w)
{
    uint32_t c = 0;
    switch (test_below(&w->random, 8)) {
    case 0:
        return 1 + (uint32_t)test_below(&w->random, 0x7ff);
    case 1:
        do {
            c = 0x800 + (uint32_t)test_below(&w->random, 0x110000 - 0x800);
        } while (c >= 0xd800 && c < 0xe000);
        return c;
    case 2:
        return (uint32_t)escaped[test_below(&w->random, 8)];
    default:
        return 'a' + (uint32_t)test_below(&w->random, 26);
    }
}

static void write_unicode(writer *w, uint32_t unit)
{
    if (chance(w, 2)) {
        sw_buf_addf(&w->buf, "\\u%04x", (unsigned)unit);
    } else {
        sw_buf_addf(&w->buf, "\\u%04X", (unsigned)unit);
    }
}

static void write_character(writer *w, uint32_t c)
{
    const char *found = c < 0x80 ? memchr(escaped, (int)c, sizeof escaped - 1) : NULL;
    if (found && chance(w, 2)) {
        sw_buf_addf(&w->buf, "\\%c", letters[found - escaped]);
    } else if (c < 0x20 || c == '"' || c == '\\' || chance(w, 6)) {
        write_unicode(w, c < 0x10000 ? c : 0xd7c0 + (c >> 10));
        if (c >= 0x10000) {
            write_unicode(w, 0xdc00 | (c & 0x3ff));
        }
    } else if (c < 0x80) {
        sw_buf_addc(&w->buf, (char)c);
    } else if (c < 0x800) {
        sw_buf_addf(&w->buf, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        sw_buf_addf(&w->buf, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
                    (int)(0x80 | (c & 0x3f)));
    } else {
        sw_buf_addf(&w->buf, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
                    (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
    }
}

static void write_text(writer *w, const char *unique)
{
    sw_buf_addc(&w->buf, '"');
    sw_buf_adds(&w->buf, unique);
    for (size_t n = test_below(&w->random, chance(w, 4) ? 60 : 8); n > 0; n--) {
        write_character(w, random_character(w));
    }
    sw_buf_addc(&w->buf, '"');
}

static void write_number(writer *w)
{
    int64_t value = (int64_t)(test_random(&w->random) >> test_below(&w->random, 64));
    switch (test_below(&w->random, 4)) {
    case 0:
        sw_buf_addf(&w->buf, "%.*e", (int)test_below(&w->random, 17), (double)value / 7e5);
        break;
    case 1:
        sw_buf_addf(&w->buf, "-%d.%dE%+d", (int)test_below(&w->random, 3),
                    (int)test_below(&w->random, 1000), (int)test_below(&w->random, 20) - 10);
        break;
    default:
        sw_buf_add_int(&w->buf, chance(w, 2) ? -value : value);
        break;
    }
}

static void write_value(writer *w, int depth);

static void write_items(writer *w, int depth, bool object)
{
    char unique[16];
    sw_buf_addc(&w->buf, object ? '{' : '[');
    write_space(w);
    for (size_t n = test_below(&w->random, 6), i = 0; i < n; i++) {
        if (i > 0) {
            sw_buf_addc(&w->buf, ',');
            write_space(w);
        }
        if (object) {
            (void)snprintf(unique, sizeof unique, "%d", w->keys++);
            write_text(w, unique);
            write_space(w);
            sw_buf_addc(&w->buf, ':');
        }
        write_value(w, depth - 1);
    }
    sw_buf_addc(&w->buf, object ? '}' : ']');
}

static void write_value(writer *w, int depth)
{
    write_space(w);
    switch (test_below(&w->random, depth > 0 ? 8 : 5)) {
    case 0:
        sw_buf_adds(&w->buf, chance(w, 2) ? "true" : "false");
        break;
    case 1:
        sw_buf_adds(&w->buf, "null");
        break;
    case 2:
        write_number(w);
        break;
    case 3:
    case 4:
        write_text(w, "");
        break;
    case 5:
        write_items(w, depth, false);
        break;
    default:
        write_items(w, depth, true);
        break;
    }
    write_space(w);
}

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

/* The text, copied to memory of exactly its size, so that the sanitizer sees a step too far. */
static sw_str exact_copy(sw_str text)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);
    assert_non_null(copy);
    memcpy(copy, text.ptr, text.len);
    return sw_str_make(copy, text.len);
}

static void new_document(writer *w)
{
    sw_buf_clear(&w->buf);
    write_value(w, 6);
    assert_int_equal(w->buf.status, SW_STATUS_OK);
}

static void generated_documents_read_as_jansson_reads_them(void **state)
{
    writer w = {.random = 1};
    sw_arena arena;
    (void)state;
    sw_buf_init(&w.buf, NULL, 0);
    sw_arena_init(&arena, NULL, 0);
    for (size_t round = test_rounds(5000); round > 0; round--) {
        sw_json json;
        json_error_t error;
        new_document(&w);
        sw_str text = exact_copy(sw_buf_str(&w.buf));
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
    writer w = {.random = 2};
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
        new_document(&w);
        sw_str text = exact_copy(sw_buf_str(&w.buf));
        char *bytes = (char *)(uintptr_t)text.ptr;
        for (size_t n = 1 + test_below(&w.random, 2); n > 0; n--) {
            static const char odd[] = "\"\\{}[],:0-.eEu \n\x01\x7f\x80\xc3\xed\xa0\xff";
            size_t at = test_below(&w.random, text.len);
            bytes[at] = chance(&w, 3) ? (char)test_random(&w.random)
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

/* Copies a value from the reader to the writer. */
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
    writer w = {.random = 3};
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
        new_document(&w);
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
    sw_str copy = exact_copy(sw_str_make(bytes, len));
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
        sw_str text = exact_copy(sw_str_from(cases[i].text));
        assert_false(sw_json_valid(text, &why, &offset));
        assert_string_equal(why, cases[i].why);
        assert_int_equal(offset, cases[i].offset);
        free((void *)(uintptr_t)text.ptr);
    }
    assert_false(sw_json_valid(SW_STR("true\0"), NULL, NULL));
    assert_false(sw_json_valid(SW_STR("[\0]"), NULL, NULL));
    assert_false(sw_json_valid(SW_NULL_STR, NULL, NULL));
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

/* jansson's compact form would also change escapes and numbers; ours takes out blanks and nothing
 * else, so the same tokens must come, with the same bytes.
 */
static void minifying_takes_out_blanks_and_nothing_else(void **state)
{
    writer w = {.random = 5};
    sw_buf small, again;
    (void)state;
    sw_buf_init(&w.buf, NULL, 0);
    sw_buf_init(&small, NULL, 0);
    sw_buf_init(&again, NULL, 0);
    sw_json_minify(SW_STR(" { \"a b\" : [ 1 , \"\\\" \\\\\" , true ] , \"c\\n\":{ } }\n"), &small);
    assert_string_equal(small.ptr, "{\"a b\":[1,\"\\\" \\\\\",true],\"c\\n\":{}}");
    for (size_t round = test_rounds(3000); round > 0; round--) {
        sw_json a, b;
        new_document(&w);
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
        cmocka_unit_test(the_suite_is_judged_as_it_says),
        cmocka_unit_test(the_suite_is_transformed_as_jansson_does),
        cmocka_unit_test(generated_documents_read_as_jansson_reads_them),
        cmocka_unit_test(damaged_documents_are_refused_as_jansson_refuses_them),
        cmocka_unit_test(what_is_written_reads_in_jansson_as_what_was_read),
        cmocka_unit_test(tokens_come_in_order_with_their_place),
        cmocka_unit_test(only_text_with_escapes_takes_memory),
        cmocka_unit_test(integers_are_known_as_such_up_to_64_bits),
        cmocka_unit_test(an_error_says_what_and_where),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(brackets_match_at_every_level),
        cmocka_unit_test(strings_end_where_they_end),
        cmocka_unit_test(skipping_goes_over_a_value_and_shows_it),
        cmocka_unit_test(skipping_checks_what_it_goes_over),
        cmocka_unit_test(minifying_takes_out_blanks_and_nothing_else),
        cmocka_unit_test(commas_and_lines_are_set),
        cmocka_unit_test(numbers_are_written_short_and_read_back),
        cmocka_unit_test(text_is_escaped_wherever_it_must_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
