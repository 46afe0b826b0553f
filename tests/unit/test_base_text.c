/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, searching, guessing, numbers, hashing, errors and log lines, held to the Unicode standard,
 * to libc, and to what a person expects to read.
 */
#include "test_base.h"

#include <errno.h>
#include <inttypes.h>

static bool valid(const char *bytes, size_t len)
{
    return sw_utf8_valid(sw_str_make(bytes, len));
}

typedef struct bytes {
    const char *bytes;
    size_t len;
    const char *what;
} bytes;
#define BYTES(LITERAL, WHAT)                                                                       \
    {                                                                                              \
        LITERAL, sizeof(LITERAL) - 1, WHAT                                                         \
    }

static const bytes good[] = {
    BYTES("", "nothing"),
    BYTES("abc", "ASCII"),
    BYTES("\0", "NUL"),
    BYTES("\x7f", "the last of one byte"),
    BYTES("\xc2\x80", "the first of two bytes"),
    BYTES("\xdf\xbf", "the last of two bytes"),
    BYTES("\xe0\xa0\x80", "the first of three bytes"),
    BYTES("\xed\x9f\xbf", "the last before the surrogates"),
    BYTES("\xee\x80\x80", "the first behind the surrogates"),
    BYTES("\xef\xbf\xbf", "the last of three bytes"),
    BYTES("\xf0\x90\x80\x80", "the first of four bytes"),
    BYTES("\xf4\x8f\xbf\xbf", "U+10FFFF"),
    BYTES("\xef\xbb\xbf", "a byte order mark"),
};

static const bytes bad[] = {
    BYTES("\x80", "a continuation alone"),
    BYTES("\xbf", "the last continuation alone"),
    BYTES("\xc0\x80", "NUL in two bytes"),
    BYTES("\xc0\xaf", "a slash in two bytes"),
    BYTES("\xc1\xbf", "ASCII in two bytes"),
    BYTES("\xe0\x80\xaf", "a slash in three bytes"),
    BYTES("\xe0\x9f\xbf", "two-byte character in three"),
    BYTES("\xf0\x80\x80\xaf", "a slash in four bytes"),
    BYTES("\xf0\x8f\xbf\xbf", "three-byte character in four"),
    BYTES("\xed\xa0\x80", "U+D800"),
    BYTES("\xed\xaf\xbf", "U+DBFF"),
    BYTES("\xed\xb0\x80", "U+DC00"),
    BYTES("\xed\xbf\xbf", "U+DFFF"),
    BYTES("\xed\xa0\xbd\xed\xb8\x80", "a surrogate pair in bytes"),
    BYTES("\xf4\x90\x80\x80", "U+110000"),
    BYTES("\xf5\x80\x80\x80", "beyond Unicode"),
    BYTES("\xf8\x88\x80\x80\x80", "five bytes"),
    BYTES("\xfc\x84\x80\x80\x80\x80", "six bytes"),
    BYTES("\xfe", "fe"),
    BYTES("\xff", "ff"),
    BYTES("\xc3", "two bytes cut"),
    BYTES("\xe2\x82", "three bytes cut"),
    BYTES("\xf0\x9f\x98", "four bytes cut"),
    BYTES("\xc3(", "two bytes broken"),
    BYTES("\xe2(\xa1", "three bytes broken in the middle"),
    BYTES("\xe2\x82(", "three bytes broken at the end"),
    BYTES("\xf0(\x8c\xbc", "four bytes broken in the middle"),
    BYTES("\xf0\x9f\x98(", "four bytes broken at the end"),
};

/* Each case alone and behind and before any number of plain characters, because the reader takes
 * eight of those at once.
 */
static void check_everywhere(const bytes *one, bool expected)
{
    char text[64];
    for (size_t before = 0; before < 20; before++) {
        for (size_t after = 0; after < 10; after++) {
            memset(text, 'x', sizeof text);
            memcpy(text + before, one->bytes, one->len);
            if (valid(text, before + one->len + after) != expected) {
                fail_msg("%s, %zu before, %zu behind", one->what, before, after);
            }
        }
    }
}

static void utf8_of_the_standard_is_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < SW_COUNT(good); i++) {
        check_everywhere(&good[i], true);
    }
}

static void utf8_known_to_be_bad_is_invalid(void **state)
{
    (void)state;
    for (size_t i = 0; i < SW_COUNT(bad); i++) {
        check_everywhere(&bad[i], false);
    }
}

/* Unicode has 1,920 characters of two bytes and 61,440 of three; of the four-byte ones this tries
 * each beginning (256 are right) with four right and twelve wrong endings.
 */
static void utf8_has_exactly_the_characters_of_unicode(void **state)
{
    static const unsigned char ends[] = {0x80, 0xbf, 0x7f, 0xc0};
    size_t of_two = 0, of_three = 0, of_four = 0;
    (void)state;
    for (unsigned n = 0; n < 0x4000; n++) {
        char b[2] = {(char)(0xc0 | n >> 8), (char)n};
        of_two += valid(b, 2);
    }
    for (unsigned n = 0; n < 0x200000; n++) {
        char b[3] = {(char)(0xe0 | n >> 16), (char)(n >> 8), (char)n};
        of_three += valid(b, 3);
    }
    for (unsigned n = 0; n < 0x1000; n++) {
        for (unsigned end = 0; end < 16; end++) {
            char b[4] = {(char)(0xf0 | n >> 8), (char)n, (char)ends[end / 4], (char)ends[end % 4]};
            of_four += valid(b, 4);
        }
    }
    assert_int_equal(of_two, 1920);
    assert_int_equal(of_three, 61440);
    assert_int_equal(of_four, 256 * 4);
}

static void characters_are_counted_and_cut_whole(void **state)
{
    sw_str text = SW_STR("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z"); /* 1, 2, 3, 4, 1 bytes */
    static const size_t bytes_of[] = {0, 1, 3, 6, 10, 11, 11};
    (void)state;
    assert_int_equal(sw_utf8_count(text), 5);
    for (size_t chars = 0; chars < SW_COUNT(bytes_of); chars++) {
        assert_int_equal(sw_utf8_prefix(text, chars), bytes_of[chars]);
    }
    assert_int_equal(sw_utf8_prefix(SW_NULL_STR, 3), 0);
    assert_int_equal(sw_utf8_count(SW_NULL_STR), 0);
}

static void searching_agrees_with_libc(void **state)
{
    uint64_t random = 1;
    size_t found = 0, rounds = test_rounds(200000);
    (void)state;
    for (size_t round = 0; round < rounds; round++) {
        static const char letters[] = "aAbB[{@`";
        char hay[24] = "", needle[4] = "";
        size_t hay_len = test_below(&random, sizeof hay);
        size_t needle_len = test_below(&random, sizeof needle);
        for (size_t i = 0; i < hay_len; i++) {
            hay[i] = letters[test_below(&random, 8)];
        }
        for (size_t i = 0; i < needle_len; i++) {
            needle[i] = letters[test_below(&random, 8)];
        }
        bool expected = strcasestr(hay, needle) != NULL;
        found += expected;
        if (sw_str_contains_nocase(sw_str_from(hay), sw_str_from(needle)) != expected) {
            fail_msg("'%s' in '%s'", needle, hay);
        }
    }
    assert_true(found > rounds / 10 && found < rounds);
    assert_true(sw_str_contains_nocase(SW_NULL_STR, SW_STR("")));
    assert_false(sw_str_contains_nocase(SW_NULL_STR, SW_STR("a")));
}

static void the_nearest_word_is_guessed(void **state)
{
    static const char *const words[] = {"pending", "success", "failed", "cancelled", "id"};
    static const struct {
        const char *word;
        int row;
    } cases[] = {
        {"success", 1}, {"sucess", 1},      {"succes", 1},  {"stccess", 1},   {"canceled", 3},
        {"cancel", -1}, {"fialed", 2},      {"pendign", 0}, {"id", 4},        {"ix", -1},
        {"if", -1},     {"completely", -1}, {"", -1},       {"succccess", 1}, {"failure", -1},
        {"faild", 2},   {"fiald", -1},      {"afiled", 2},  {"failde", 2},    {"di", -1},
    };
    char longer[200];
    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        int got = sw_nearest(sw_str_from(cases[i].word), words, SW_COUNT(words));
        if (got != cases[i].row) {
            fail_msg("'%s' is near %d", cases[i].word, got);
        }
    }
    memset(longer, 'a', sizeof longer);
    assert_int_equal(sw_nearest(sw_str_make(longer, sizeof longer), words, SW_COUNT(words)), -1);
    assert_int_equal(sw_nearest(SW_STR("id"), words, 0), -1);
}

static void integers_are_read_strictly(void **state)
{
    static const char *const wrong[] = {
        "",
        "-",
        "+",
        " 1",
        "1 ",
        "1.0",
        "0x10",
        "1e3",
        "--1",
        "+-1",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
        "1,000",
        "\xd9\xa1",
    };
    static const struct {
        const char *text;
        int64_t value;
    } right[] = {
        {"0", 0},
        {"-0", 0},
        {"+7", 7},
        {"007", 7},
        {"-42", -42},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"+9223372036854775807", INT64_MAX},
        {"0000000000000000000000000001", 1},
    };
    int64_t value = 0;
    (void)state;
    for (size_t i = 0; i < SW_COUNT(right); i++) {
        assert_true(sw_parse_int(sw_str_from(right[i].text), &value));
        assert_true(value == right[i].value);
    }
    for (size_t i = 0; i < SW_COUNT(wrong); i++) {
        value = 17;
        if (sw_parse_int(sw_str_from(wrong[i]), &value) || value != 17) {
            fail_msg("'%s' was read", wrong[i]);
        }
    }
    assert_false(sw_parse_int(SW_NULL_STR, &value));
}

static void integers_agree_with_libc(void **state)
{
    uint64_t random = 2;
    (void)state;
    for (size_t round = test_rounds(100000); round > 0; round--) {
        char text[40];
        int64_t value = (int64_t)(test_random(&random) >> test_below(&random, 64));
        value = test_below(&random, 2) ? -value : value;
        int len = snprintf(text, sizeof text, "%" PRId64, value);
        text[len] = (char)('0' + test_below(&random, 10));
        text[len + 1] = '\0';
        errno = 0;
        int64_t expected = strtoll(text, NULL, 10);
        bool fits = errno == 0;
        assert_int_equal(sw_parse_int(sw_str_from(text), &value), fits);
        assert_true(!fits || value == expected);
    }
}

/* ---- hashing --------------------------------------------------------------------------------- */

static void a_hash_depends_on_every_bit(void **state)
{
    unsigned char data[80];
    uint64_t random = 3;
    uint64_t flipped = 0, pairs = 0;
    (void)state;
    for (size_t len = 1; len <= sizeof data; len++) {
        for (size_t i = 0; i < len; i++) {
            data[i] = (unsigned char)test_random(&random);
        }
        uint64_t before = sw_hash(7, data, len);
        assert_true(before != sw_hash(8, data, len));
        for (size_t bit = 0; bit < 8 * len; bit++) {
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            uint64_t changed = before ^ sw_hash(7, data, len);
            data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            int bits = __builtin_popcountll(changed);
            assert_true(bits >= 8); /* by chance once in a thousand million */
            flipped += (uint64_t)bits;
            pairs++;
        }
    }
    assert_true(flipped > pairs * 31 && flipped < pairs * 33);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Counted names are what tables hold: all hashes differ, and their low bits fill the slots of a
 * table as evenly as chance does (expected 256 a slot, standard deviation 16).
 */
static void hashes_of_similar_names_spread(void **state)
{
    enum { NAMES = 1 << 16, SLOTS = 256 };
    uint64_t *hashes = calloc(NAMES, sizeof *hashes);
    size_t slots[SLOTS] = {0};
    (void)state;
    assert_non_null(hashes);
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        int len = snprintf(name, sizeof name, "agent-%d", i);
        hashes[i] = sw_hash(0, name, (size_t)len);
        slots[hashes[i] % SLOTS]++;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        assert_in_range(slots[i], 256 - 100, 256 + 100);
    }
    qsort(hashes, NAMES, sizeof *hashes, compare_hashes);
    for (int i = 1; i < NAMES; i++) {
        assert_true(hashes[i] != hashes[i - 1]);
    }
    free(hashes);
}

static void a_hash_depends_on_content_and_length_only(void **state)
{
    char zeros[64] = "";
    char moved[80];
    uint64_t seen[64];
    (void)state;
    for (size_t len = 0; len < 64; len++) {
        seen[len] = sw_hash(0, zeros, len);
        for (size_t i = 0; i < len; i++) {
            assert_true(seen[i] != seen[len]);
        }
    }
    for (size_t at = 0; at < 16; at++) {
        memcpy(moved + at, zeros, 64);
        assert_true(sw_hash(0, moved + at, 63) == seen[63]);
        memset(moved + at, 1, 64);
    }
    assert_true(sw_hash(0, NULL, 0) == seen[0]);
}

/* ---- errors and log lines -------------------------------------------------------------------- */

static void a_failure_says_what_and_where(void **state)
{
    sw_error err = {.status = SW_STATUS_OK};
    (void)state;
    assert_int_equal(sw_fail(&err, SW_STATUS_INVALID, "model", "%s is %d", "it", 3),
                     SW_STATUS_INVALID);
    assert_int_equal(err.status, SW_STATUS_INVALID);
    assert_string_equal(err.field, "model");
    assert_string_equal(err.message, "it is 3");
    /* A caller's words before the words of the call that failed. */
    assert_int_equal(sw_fail(&err, err.status, err.field, "step 4: %s", err.message),
                     SW_STATUS_INVALID);
    assert_string_equal(err.message, "step 4: it is 3");
    assert_string_equal(err.field, "model");
    assert_int_equal(sw_fail(NULL, SW_STATUS_BUSY, NULL, "nobody listens"), SW_STATUS_BUSY);
    assert_int_equal(sw_no_memory(&err), SW_STATUS_NO_MEMORY);
    assert_string_equal(err.message, "out of memory");
    assert_string_equal(err.field, "");
}

static void a_long_message_is_cut_between_characters(void **state)
{
    char text[600];
    sw_error err;
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t at = shift; at + 4 < sizeof text; at += 4) {
            memcpy(text + at, "\xf0\x9f\x98\x80", 5);
        }
        (void)sw_fail(&err, SW_STATUS_INVALID, text, "%s", text);
        /* 399 and 95 bytes fit, of which the last character must be whole. */
        assert_int_equal(strlen(err.message), 399 - (399 - shift) % 4);
        assert_int_equal(strlen(err.field), 95 - (95 - shift) % 4);
        assert_true(sw_utf8_valid(sw_str_from(err.message)));
        assert_true(sw_utf8_valid(sw_str_from(err.field)));
    }
}

static void a_message_is_utf8_whatever_it_quotes(void **state)
{
    sw_error err;
    (void)state;
    (void)sw_fail(&err, SW_STATUS_INVALID, "a\xff", "no \xc3( such");
    assert_string_equal(err.message, "no ?( such");
    assert_string_equal(err.field, "a?");
}

static void a_status_has_words(void **state)
{
    (void)state;
    assert_string_equal(sw_status_name(SW_STATUS_OK), "OK");
    assert_string_equal(sw_status_name(SW_STATUS_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(sw_status_message(SW_STATUS_NOT_FOUND), "not found");
    assert_string_equal(sw_status_name((sw_status)99), "UNKNOWN");
    assert_string_equal(sw_status_message((sw_status)99), "unknown status");
}

typedef struct heard {
    int lines;
    sw_log_level level;
    char last[2000];
} heard;

static void hear(void *data, sw_log_level level, const char *line)
{
    heard *into = data;
    into->lines++;
    into->level = level;
    (void)snprintf(into->last, sizeof into->last, "%s", line);
}

static void a_log_line_is_one_line_of_its_level(void **state)
{
    heard heard_lines = {0};
    sw_log log = {hear, &heard_lines, SW_LOG_WARN};
    char text[1500];
    (void)state;
    sw_logf(&log, SW_LOG_INFO, "not asked for");
    assert_int_equal(heard_lines.lines, 0);
    sw_logf(&log, SW_LOG_WARN, "one\ntwo\r%d\x1b[31m\x7f", 3);
    assert_int_equal(heard_lines.lines, 1);
    assert_int_equal(heard_lines.level, SW_LOG_WARN);
    assert_string_equal(heard_lines.last, "one two 3 [31m ");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sw_logf(&log, SW_LOG_ERROR, "%s", text);
    assert_int_equal(heard_lines.lines, 2);
    assert_int_equal(strlen(heard_lines.last), 1023);
    sw_logf(NULL, SW_LOG_ERROR, "to nobody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_of_the_standard_is_valid),
        cmocka_unit_test(utf8_known_to_be_bad_is_invalid),
        cmocka_unit_test(utf8_has_exactly_the_characters_of_unicode),
        cmocka_unit_test(characters_are_counted_and_cut_whole),
        cmocka_unit_test(searching_agrees_with_libc),
        cmocka_unit_test(the_nearest_word_is_guessed),
        cmocka_unit_test(integers_are_read_strictly),
        cmocka_unit_test(integers_agree_with_libc),
        cmocka_unit_test(a_hash_depends_on_every_bit),
        cmocka_unit_test(hashes_of_similar_names_spread),
        cmocka_unit_test(a_hash_depends_on_content_and_length_only),
        cmocka_unit_test(a_failure_says_what_and_where),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(a_message_is_utf8_whatever_it_quotes),
        cmocka_unit_test(a_status_has_words),
        cmocka_unit_test(a_log_line_is_one_line_of_its_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
