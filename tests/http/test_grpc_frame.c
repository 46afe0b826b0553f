/* SPDX-License-Identifier: Apache-2.0 */
/* The form of gRPC around messages, by the words of PROTOCOL-HTTP2.md: prefixes, packed messages and their bounds,
 * grpc-timeout, grpc-message. Packed bytes are made by zlib itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "http/grpc_frame.h"

enum { MOST = 100000 };

typedef struct held {
    size_t most;
    size_t bytes;
} held;

static bool hold(void *arg, size_t bytes)
{
    held *h = arg;
    h->bytes = bytes;
    return bytes <= h->most;
}

/* A body with one message; `announced` < 0: its true length. */
static sw_str frame(char *out, char flag, int64_t announced, sw_str message)
{
    sw_rpc_prefix(announced < 0 ? message.len : (size_t)announced, out);
    out[0] = flag;
    memcpy(out + SW_RPC_PREFIX, message.ptr, message.len);
    return sw_str_make(out, message.len + SW_RPC_PREFIX);
}

static size_t gzip(char *out, size_t room, const char *bytes, size_t size)
{
    z_stream z = {0};
    union {
        const char *in;
        Bytef *out;
    } from = {.in = bytes};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = from.out;
    z.avail_in = (uInt)size;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return room - z.avail_out;
}

static sw_rpc unframe(sw_str body, sw_str encoding, size_t most, size_t memory, sw_buf *to,
                      sw_str *message)
{
    held h = {.most = memory};
    const sw_rpc_room room = {most, hold, &h};
    const char *why = NULL;
    sw_buf_clear(to);
    sw_rpc code = sw_rpc_unframe(body, encoding, &room, to, message, &why);
    assert_true(code == SW_RPC_OK || (why && why[0]));
    return code;
}

static void test_prefix(void **state)
{
    static const struct {
        size_t length;
        unsigned char bytes[SW_RPC_PREFIX];
    } rows[] = {{0, {0}},
                {1, {0, 0, 0, 0, 1}},
                {0x01020304, {0, 1, 2, 3, 4}},
                {UINT32_MAX, {0, 255, 255, 255, 255}}};
    char out[SW_RPC_PREFIX];
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_rpc_prefix(rows[i].length, out);
        assert_memory_equal(out, rows[i].bytes, sizeof out);
        assert_true(sw_rpc_announced(out) == rows[i].length);
    }
}

static void test_plain(void **state)
{
    char body[64];
    sw_buf to;
    sw_str message;
    (void)state;
    sw_buf_init(&to, &sw__libc_allocator, 0);
    sw_str whole = frame(body, 0, -1, SW_STR("hello"));
    assert_int_equal(unframe(whole, SW_NULL_STR, 5, 0, &to, &message), SW_RPC_OK);
    assert_true(sw_str_eq(message, SW_STR("hello")));
    assert_int_equal(unframe(whole, SW_STR("gzip"), 5, 0, &to, &message), SW_RPC_OK);
    assert_int_equal(unframe(whole, SW_NULL_STR, 4, 0, &to, &message), SW_RPC_RESOURCE_EXHAUSTED);
    assert_int_equal(unframe(frame(body, 0, 6, SW_STR("hello")), SW_NULL_STR, 9, 0, &to, &message),
                     SW_RPC_INVALID_ARGUMENT);
    assert_int_equal(unframe(frame(body, 0, 4, SW_STR("hello")), SW_NULL_STR, 9, 0, &to, &message),
                     SW_RPC_INVALID_ARGUMENT);
    assert_int_equal(unframe(SW_STR("\0\0\0"), SW_NULL_STR, 9, 0, &to, &message),
                     SW_RPC_INVALID_ARGUMENT);
    assert_int_equal(
        unframe(frame(body, 2, -1, SW_STR("hello")), SW_STR("gzip"), 9, 0, &to, &message),
        SW_RPC_INTERNAL);
    sw_buf_fini(&to);
}

static void test_packed(void **state)
{
    static char plain[MOST];
    static char packed[MOST];
    static char body[MOST];
    sw_buf to;
    sw_str message;
    (void)state;
    sw_buf_init(&to, &sw__libc_allocator, 0);
    memset(plain, 'a', sizeof plain);
    size_t size = gzip(packed, sizeof packed, plain, sizeof plain);
    sw_str gz = SW_STR("gzip");
    sw_str whole = frame(body, 1, -1, sw_str_make(packed, size));
    assert_int_equal(unframe(whole, gz, MOST, 4 * MOST, &to, &message), SW_RPC_OK);
    assert_true(sw_str_eq(message, sw_str_make(plain, sizeof plain)));
    /* one byte less than it takes, then less memory than it takes */
    assert_int_equal(unframe(whole, gz, MOST - 1, 4 * MOST, &to, &message),
                     SW_RPC_RESOURCE_EXHAUSTED);
    assert_int_equal(unframe(whole, gz, MOST, MOST / 2, &to, &message), SW_RPC_UNAVAILABLE);
    assert_int_equal(unframe(whole, SW_NULL_STR, MOST, 4 * MOST, &to, &message), SW_RPC_INTERNAL);
    for (size_t cut = 1; cut <= size; cut++) {
        sw_str part = frame(body, 1, -1, sw_str_make(packed, size - cut));
        assert_int_equal(unframe(part, gz, MOST, 4 * MOST, &to, &message), SW_RPC_INVALID_ARGUMENT);
    }
    size_t second = gzip(packed + size, sizeof packed - size, "bc", 2);
    sw_str two = frame(body, 1, -1, sw_str_make(packed, size + second));
    assert_int_equal(unframe(two, gz, MOST + 2, 4 * MOST, &to, &message), SW_RPC_OK);
    assert_true(message.len == MOST + 2 && memcmp(message.ptr + MOST, "bc", 2) == 0);
    sw_buf_fini(&to);
}

static void test_timeout(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {{"1S", 1000000},
                {"9952m", 9952000},
                {"1H", INT64_C(3600000000)},
                {"2M", 120000000},
                {"5u", 5},
                {"1500n", 1},
                {"1n", 1},
                {"0S", 1},
                {"99999999H", INT64_MAX / 1000},
                {"99999999n", 99999},
                {"", -1},
                {"S", -1},
                {"1", -1},
                {"1s", -1},
                {"-1S", -1},
                {"123456789S", -1},
                {" 1S", -1},
                {"1.5S", -1}};
    (void)state;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        if (sw_rpc_timeout_us(sw_str_from(rows[i].text)) != rows[i].us) {
            fail_msg("%s: %lld", rows[i].text,
                     (long long)sw_rpc_timeout_us(sw_str_from(rows[i].text)));
        }
    }
    assert_true(sw_rpc_timeout_us(SW_NULL_STR) == -1);
}

static void test_percent(void **state)
{
    sw_buf out;
    (void)state;
    sw_buf_init(&out, &sw__libc_allocator, 0);
    sw_rpc_percent(&out, SW_STR("100% \xc3\xa4\n~"));
    assert_string_equal(out.ptr, "100%25 %C3%A4%0A~");
    sw_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix), cmocka_unit_test(test_plain), cmocka_unit_test(test_packed),
        cmocka_unit_test(test_timeout), cmocka_unit_test(test_percent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
