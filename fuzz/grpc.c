/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a call over gRPC on noise, the first byte choosing whether it may be packed. What is taken out is within
 * its bounds, and framed again it is taken out the same; what is put into a header is printable.
 */
#include "http/grpc_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 16 };

static bool hold(void *arg, size_t bytes)
{
    (void)arg;
    return bytes <= 4 * (size_t)MOST;
}

static void frame_again(sw_str message, const sw_rpc_room *room)
{
    char prefix[SW_RPC_PREFIX];
    const char *why = NULL;
    sw_buf body;
    sw_buf none;
    sw_str same;
    sw_buf_init(&body, &sw__libc_allocator, 0);
    sw_buf_init(&none, &sw__libc_allocator, 0);
    sw_rpc_prefix(message.len, prefix);
    sw_buf_add(&body, sw_str_make(prefix, sizeof prefix));
    sw_buf_add(&body, message);
    sw_assert(sw_rpc_unframe(sw_buf_str(&body), SW_NULL_STR, room, &none, &same, &why) ==
              SW_RPC_OK);
    sw_assert(sw_str_eq(same, message));
    sw_buf_fini(&body);
    sw_buf_fini(&none);
}

static void check_percent(sw_str text)
{
    sw_buf out;
    sw_buf_init(&out, &sw__libc_allocator, 0);
    sw_rpc_percent(&out, text);
    for (size_t i = 0; i < out.len; i++) {
        sw_assert(out.ptr[i] >= 0x20 && out.ptr[i] <= 0x7e);
    }
    sw_assert(out.len >= text.len && out.len <= 3 * text.len);
    sw_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const sw_rpc_room room = {.most = MOST, .hold = hold};
    const char *why = NULL;
    sw_str input = sw_str_make((const char *)data, size);
    sw_str message;
    sw_buf unpacked;
    if (size == 0) {
        return 0;
    }
    sw_buf_init(&unpacked, &sw__libc_allocator, 0);
    sw_str body = {input.ptr + 1, size - 1};
    sw_rpc code = sw_rpc_unframe(body, data[0] & 1 ? SW_STR("gzip") : SW_NULL_STR, &room, &unpacked,
                                 &message, &why);
    sw_implies(code != SW_RPC_OK, why && why[0]);
    if (code == SW_RPC_OK) {
        sw_assert(message.len <= MOST);
        frame_again(message, &room);
    }
    int64_t timeout_us = sw_rpc_timeout_us(input);
    sw_assert(timeout_us == -1 || timeout_us > 0);
    check_percent(input);
    sw_buf_fini(&unpacked);
    return 0;
}
