/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers and their keys: the version-4 shape, the exact rule for ids, and that a key is the id
 * in another form: nothing is lost, and the order stays.
 */
#include "test_base.h"

enum { ID_ROOM = SW_LIMIT_ID_BYTES + 64 };

static const char *const sample = "123e4567-e89b-42d3-8456-426614174000";

static void fill_with(void *data, void *out, size_t len)
{
    memset(out, *(const int *)data, len);
}

static void fill_by_chance(void *data, void *out, size_t len)
{
    unsigned char *bytes = out;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (unsigned char)test_random(data);
    }
}

static void random_uuid(uint64_t *random, char text[SW_UUID_TEXT + 1])
{
    uint8_t uuid[SW_UUID];
    fill_by_chance(random, uuid, sizeof uuid);
    sw_uuid_print(uuid, text);
    text[SW_UUID_TEXT] = '\0';
}

/* ---- uuids ----------------------------------------------------------------------------------- */

static void a_uuid_is_printed_as_the_rfc_says(void **state)
{
    const uint8_t uuid[SW_UUID] = {0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x42, 0xd3,
                                   0x84, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00};
    uint8_t back[SW_UUID];
    char text[SW_UUID_TEXT];
    (void)state;
    sw_uuid_print(uuid, text);
    assert_memory_equal(text, sample, sizeof text);
    assert_true(sw_uuid_parse(sw_str_from(sample), back));
    assert_memory_equal(back, uuid, sizeof uuid);
}

/* Puts every byte at every place: in a digit's place 16 are right, in a dash's place one is. */
static void a_uuid_is_read_strictly(void **state)
{
    char text[SW_UUID_TEXT + 1];
    uint8_t uuid[SW_UUID];
    (void)state;
    memcpy(text, sample, sizeof text);
    for (size_t at = 0; at < SW_UUID_TEXT; at++) {
        bool dash = sample[at] == '-';
        for (int c = 0; c < 256; c++) {
            bool digit = c != 0 && strchr("0123456789abcdef", c) != NULL;
            text[at] = (char)c;
            if (sw_uuid_parse(sw_str_make(text, SW_UUID_TEXT), uuid) != (dash ? c == '-' : digit)) {
                fail_msg("byte %d at %zu", c, at);
            }
        }
        text[at] = sample[at];
    }
    assert_false(sw_uuid_parse(sw_str_make(text, SW_UUID_TEXT - 1), uuid));
    assert_false(sw_uuid_parse(sw_str_make(text, SW_UUID_TEXT + 1), uuid));
    assert_false(sw_uuid_parse(SW_NULL_STR, uuid));
}

/* Sixteen bytes have a way of their own: every byte at every place, each pair in its own place. */
static void sixteen_bytes_are_read_strictly(void **state)
{
    static const char all[] = "0123456789abcdef";
    char text[] = "00112233445566778899aabbccddeeff";
    uint8_t bytes[SW_UUID];
    (void)state;
    assert_true(sw_hex_parse(sw_str_from(text), bytes, sizeof bytes));
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(bytes[i], i * 0x11);
    }
    for (size_t at = 0; at < 2 * (size_t)SW_UUID; at++) {
        char right = text[at];
        for (int c = 0; c < 256; c++) {
            const char *digit = c ? strchr(all, c) : NULL;
            text[at] = (char)c;
            bool read = sw_hex_parse(sw_str_make(text, 2 * (size_t)SW_UUID), bytes, sizeof bytes);
            int half = at % 2 ? bytes[at / 2] & 0xf : bytes[at / 2] >> 4;
            if (read != (digit != NULL) || (digit && half != digit - all)) {
                fail_msg("byte %d at %zu", c, at);
            }
        }
        text[at] = right;
    }
}

static void hexadecimal_goes_both_ways(void **state)
{
    uint8_t bytes[256], back[256];
    char text[512];
    (void)state;
    for (int i = 0; i < 256; i++) {
        char expected[3];
        bytes[i] = (uint8_t)i;
        sw_hex_print(bytes + i, 1, text);
        (void)snprintf(expected, sizeof expected, "%02x", (unsigned)i);
        assert_memory_equal(text, expected, 2);
    }
    sw_hex_print(bytes, 256, text);
    assert_true(sw_hex_parse(sw_str_make(text, 512), back, 256));
    assert_memory_equal(bytes, back, 256);
    assert_false(sw_hex_parse(sw_str_make(text, 511), back, 256));
    assert_false(sw_hex_parse(sw_str_make(text, 511), back, 255));
    assert_false(sw_hex_parse(sw_str_make(text, 510), back, 256));
    assert_false(sw_hex_parse(SW_STR("0A"), back, 1));
    assert_false(sw_hex_parse(SW_STR("0g"), back, 1));
    assert_true(sw_hex_parse(SW_STR(""), back, 0));
}

static void a_new_id_passes_the_check_whatever_the_random_bytes(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const sw_random random = {fill_with, &byte};
        uint8_t uuid[SW_UUID];
        char id[SW_ID_TEXT];
        sw_uuid_make(&random, INT64_C(1738191679123456), uuid);
        size_t len = sw_id_print(SW_STR("step"), uuid, id);
        assert_true(sw_id_valid(sw_str_make(id, len), SW_STR("step")));
        /* 1738191679123 ms are 0x194b44c2e93. */
        assert_memory_equal(id, "step-0194b44c-2e93-4", 20);
        assert_int_equal(strlen(id), len);
    }
}

/* A call takes more than a microsecond only under load, so the same microsecond may come twice:
 * there the random bits decide, and nothing is promised but that the ids differ.
 */
static void ids_of_later_microseconds_sort_later(void **state)
{
    uint64_t sequence = 5;
    const sw_random random = {fill_by_chance, &sequence};
    int64_t now = INT64_C(1738191679000000);
    uint8_t last[SW_UUID], next[SW_UUID];
    (void)state;
    sw_uuid_make(&random, now, last);
    for (size_t round = test_rounds(100000); round > 0; round--) {
        now += 1 + (int64_t)test_below(&sequence, test_below(&sequence, 50) ? 3 : 3000);
        sw_uuid_make(&random, now, next);
        assert_true(memcmp(last, next, SW_UUID) < 0);
        memcpy(last, next, SW_UUID);
    }
    sw_uuid_make(&random, now, next);
    assert_memory_not_equal(last, next, SW_UUID);
}

static void time_outside_48_bits_is_clamped(void **state)
{
    int zero = 0;
    const sw_random random = {fill_with, &zero};
    uint8_t uuid[SW_UUID];
    char text[SW_UUID_TEXT];
    (void)state;
    sw_uuid_make(&random, -1, uuid);
    sw_uuid_print(uuid, text);
    assert_memory_equal(text, "00000000-0000-4000-8000-000000000000", SW_UUID_TEXT);
    sw_uuid_make(&random, INT64_MAX, uuid);
    sw_uuid_print(uuid, text);
    assert_memory_equal(text, "ffffffff-ffff-4f9c-8000-000000000000", SW_UUID_TEXT);
}

static void the_system_is_random(void **state)
{
    uint8_t a[64] = {0}, b[64] = {0};
    int ones = 0;
    (void)state;
    sw__system_random.fill(sw__system_random.data, a, sizeof a);
    sw__system_random.fill(sw__system_random.data, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    for (size_t i = 0; i < sizeof a; i++) {
        ones += __builtin_popcount(a[i]);
    }
    assert_in_range(ones, 256 - 120, 256 + 120); /* ten standard deviations */
}

/* ---- the rule for ids ------------------------------------------------------------------------ */

static void the_exact_rule_for_ids_holds(void **state)
{
    static const struct {
        const char *id;
        const char *prefix;
        bool valid;
    } cases[] = {
        {"step-123e4567-e89b-42d3-8456-426614174000", "step", true},
        {"step-123e4567-e89b-42d3-9456-426614174000", "step", true},
        {"step-123e4567-e89b-42d3-a456-426614174000", "step", true},
        {"step-123e4567-e89b-42d3-b456-426614174000", "step", true},
        {"mcp-oauth-123e4567-e89b-42d3-8456-426614174000", "mcp-oauth", true},
        {"provider_trace-123e4567-e89b-42d3-8456-426614174000", "provider_trace", true},
        {"step-123e4567-e89b-42d3-7456-426614174000", "step", false},
        {"step-123e4567-e89b-42d3-c456-426614174000", "step", false},
        {"step-123e4567-e89b-12d3-8456-426614174000", "step", false},
        {"step-123e4567-e89b-52d3-8456-426614174000", "step", false},
        {"step-123E4567-e89b-42d3-8456-426614174000", "step", false},
        {"Step-123e4567-e89b-42d3-8456-426614174000", "step", false},
        {"run-123e4567-e89b-42d3-8456-426614174000", "step", false},
        {"stepp-123e4567-e89b-42d3-8456-426614174000", "step", false},
        {"ste-123e4567-e89b-42d3-8456-426614174000", "step", false},
        {"step_123e4567-e89b-42d3-8456-426614174000", "step", false},
        {"step-123e4567e89b42d38456426614174000", "step", false},
        {"step-123e4567-e89b-42d3-8456-42661417400", "step", false},
        {"step-123e4567-e89b-42d3-8456-4266141740000", "step", false},
        {"step-123e4567-e89b-42d3-8456-42661417400g", "step", false},
        {" step-123e4567-e89b-42d3-8456-426614174000", "step", false},
        {"step-123e4567-e89b-42d3-8456-426614174000\n", "step", false},
        {"-123e4567-e89b-42d3-8456-426614174000", "", false},
        {"123e4567-e89b-42d3-8456-426614174000", "", false},
        {"step", "step", false},
        {"", "step", false},
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        if (sw_id_valid(sw_str_from(cases[i].id), sw_str_from(cases[i].prefix)) != cases[i].valid) {
            fail_msg("%s", cases[i].id);
        }
    }
    assert_false(sw_id_valid(SW_NULL_STR, SW_STR("step")));
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void check_round_trip(sw_str id, sw_str home)
{
    sw_key key;
    char out[ID_ROOM];
    assert_true(sw_key_encode(id, home, &key));
    size_t len = sw_key_decode(&key, home, out);
    if (len != id.len || (len > 0 && memcmp(out, id.ptr, len) != 0)) {
        fail_msg("'%.*s' came back as '%.*s'", (int)id.len, id.ptr, (int)len, out);
    }
}

static void a_key_is_short_for_ids_of_the_house(void **state)
{
    sw_key key;
    (void)state;
    assert_true(
        sw_key_encode(SW_STR("step-123e4567-e89b-42d3-8456-426614174000"), SW_STR("step"), &key));
    assert_false(key.escaped);
    assert_int_equal(key.len, 16);
    assert_true(
        sw_key_encode(SW_STR("job-123e4567-e89b-12d3-0456-426614174000"), SW_STR("run"), &key));
    assert_false(key.escaped);
    assert_int_equal(key.len, 19);
    assert_true(
        sw_key_encode(SW_STR("step-123E4567-e89b-42d3-8456-426614174000"), SW_STR("step"), &key));
    assert_true(key.escaped);
    assert_int_equal(key.len, 41);
}

static void a_key_loses_nothing(void **state)
{
    static const char *const ids[] = {
        "",
        "a",
        "step",
        "step-",
        "-",
        "step-123e4567-e89b-42d3-8456-426614174000",
        "run-123e4567-e89b-42d3-8456-426614174000",
        "-123e4567-e89b-42d3-8456-426614174000",
        "123e4567-e89b-42d3-8456-426614174000",
        "--123e4567-e89b-42d3-8456-426614174000",
        "step-step-123e4567-e89b-42d3-8456-426614174000",
        "stepp-123e4567-e89b-42d3-8456-426614174000",
        "ste-123e4567-e89b-42d3-8456-426614174000",
        "step-123E4567-E89B-42D3-8456-426614174000",
        "step-123e4567-e89b-42d3-8456-42661417400",
        "step-00000000-0000-0000-0000-000000000000",
        "step-ffffffff-ffff-ffff-ffff-ffffffffffff",
        "Agent Smith",
        "\xc3\xbc-1",
        "0123456789abcdef",
    };
    static const char *const homes[] = {"step", "run", "a", ""};
    (void)state;
    for (size_t h = 0; h < SW_COUNT(homes); h++) {
        for (size_t i = 0; i < SW_COUNT(ids); i++) {
            check_round_trip(sw_str_from(ids[i]), sw_str_from(homes[h]));
        }
        check_round_trip(SW_NULL_STR, sw_str_from(homes[h]));
    }
}

static void a_key_holds_ids_up_to_the_limit(void **state)
{
    char id[SW_LIMIT_ID_BYTES + 1];
    sw_key key;
    (void)state;
    memset(id, 'x', sizeof id);
    check_round_trip(sw_str_make(id, SW_LIMIT_ID_BYTES), SW_STR("step"));
    assert_false(sw_key_encode(sw_str_make(id, sizeof id), SW_STR("step"), &key));
    id[SW_LIMIT_ID_BYTES - 37] = '-';
    memcpy(id + SW_LIMIT_ID_BYTES - 36, sample, 36);
    check_round_trip(sw_str_make(id, SW_LIMIT_ID_BYTES), SW_STR("step"));
    assert_false(sw_key_encode(sw_str_make(id, sizeof id), SW_STR("step"), &key));
}

/* An id as it may come from outside: ours, another prefix, hardly an id, anything. */
static sw_str random_id(uint64_t *random, char text[ID_ROOM])
{
    static const char *const prefixes[] = {"step", "run", "job", "", "s", "step-step", "\xff"};
    char uuid[SW_UUID_TEXT + 1];
    random_uuid(random, uuid);
    size_t prefix = test_below(random, SW_COUNT(prefixes));
    size_t len = (size_t)snprintf(text, ID_ROOM, "%s-%s", prefixes[prefix], uuid);
    switch (test_below(random, 4)) {
    case 0:
        text[test_below(random, len)] = (char)test_random(random);
        break;
    case 1:
        len = test_below(random, SW_LIMIT_ID_BYTES + 1);
        fill_by_chance(random, text, len);
        break;
    default:
        break;
    }
    return sw_str_make(text, len);
}

/* Equal keys are equal ids, and the order of keys is an order: the same from both sides. */
static void keys_of_any_ids_stay_apart(void **state)
{
    uint64_t random = 6;
    sw_key last = {0};
    char last_text[ID_ROOM] = "", text[ID_ROOM];
    sw_str last_id = sw_str_make(last_text, 0);
    (void)state;
    assert_true(sw_key_encode(last_id, SW_STR("step"), &last));
    for (size_t round = test_rounds(100000); round > 0; round--) {
        sw_key key;
        sw_str id = random_id(&random, text);
        check_round_trip(id, SW_STR("step"));
        assert_true(sw_key_encode(id, SW_STR("step"), &key));
        int order = sw_key_cmp(&last, &key);
        assert_int_equal(order == 0, sw_str_eq(last_id, id));
        assert_int_equal(order<0, sw_key_cmp(&key, &last)> 0);
        if (last.escaped != key.escaped) {
            assert_int_equal(order < 0, last.escaped);
        }
        memcpy(last_text, text, id.len);
        last_id = sw_str_make(last_text, id.len);
        last = key;
    }
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* Two ids of one prefix, the second often like the first but for one digit. */
static void the_order_of_keys_is_the_order_of_texts(void **state)
{
    static const char *const prefixes[] = {"step", "job", "zebra", "mcp-oauth"};
    uint64_t random = 7;
    (void)state;
    for (size_t round = test_rounds(100000); round > 0; round--) {
        const char *prefix = prefixes[test_below(&random, SW_COUNT(prefixes))];
        char a[ID_ROOM], b[ID_ROOM], one[SW_UUID_TEXT + 1], other[SW_UUID_TEXT + 1];
        sw_key key_a, key_b;
        random_uuid(&random, one);
        random_uuid(&random, other);
        if (test_below(&random, 2)) {
            size_t at = test_below(&random, SW_UUID_TEXT);
            char c = other[at];
            memcpy(other, one, sizeof other);
            other[at] = one[at] == '-' || c == '-' ? one[at] : c;
        }
        (void)snprintf(a, sizeof a, "%s-%s", prefix, one);
        (void)snprintf(b, sizeof b, "%s-%s", prefix, other);
        assert_true(sw_key_encode(sw_str_from(a), SW_STR("step"), &key_a));
        assert_true(sw_key_encode(sw_str_from(b), SW_STR("step"), &key_b));
        assert_int_equal(sign(sw_key_cmp(&key_a, &key_b)), sign(strcmp(a, b)));
    }
}

static void escaped_keys_sort_as_text_before_the_others(void **state)
{
    static const char *const in_order[] = {
        "",
        "Agent",
        "agent",
        "agent-",
        "agent-1",
        "agent-10",
        "agent-2",
        "\xc3\xbc",
        "step-00000000-0000-0000-0000-000000000000",
        "step-00000000-0000-0000-0000-000000000001",
    };
    (void)state;
    for (size_t i = 0; i < SW_COUNT(in_order); i++) {
        for (size_t j = 0; j < SW_COUNT(in_order); j++) {
            sw_key a, b;
            assert_true(sw_key_encode(sw_str_from(in_order[i]), SW_STR("step"), &a));
            assert_true(sw_key_encode(sw_str_from(in_order[j]), SW_STR("step"), &b));
            assert_int_equal(sign(sw_key_cmp(&a, &b)), (i > j) - (i < j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uuid_is_printed_as_the_rfc_says),
        cmocka_unit_test(a_uuid_is_read_strictly),
        cmocka_unit_test(hexadecimal_goes_both_ways),
        cmocka_unit_test(sixteen_bytes_are_read_strictly),
        cmocka_unit_test(a_new_id_passes_the_check_whatever_the_random_bytes),
        cmocka_unit_test(ids_of_later_microseconds_sort_later),
        cmocka_unit_test(time_outside_48_bits_is_clamped),
        cmocka_unit_test(the_system_is_random),
        cmocka_unit_test(the_exact_rule_for_ids_holds),
        cmocka_unit_test(a_key_is_short_for_ids_of_the_house),
        cmocka_unit_test(a_key_loses_nothing),
        cmocka_unit_test(a_key_holds_ids_up_to_the_limit),
        cmocka_unit_test(keys_of_any_ids_stay_apart),
        cmocka_unit_test(the_order_of_keys_is_the_order_of_texts),
        cmocka_unit_test(escaped_keys_sort_as_text_before_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
