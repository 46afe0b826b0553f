/* SPDX-License-Identifier: Apache-2.0 */
/* The form of gRPC around messages: prefixes, gzip, and the texts of headers. Knows the specification of the
 * protocol and nothing of calls.
 */
#include "http/grpc_frame.h"

#include <sodium.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, ROOM = 64 * 1024 };

/* ---- prefixes --------------------------------------------------------------------------------------- */

size_t sw_rpc_announced(const char *prefix)
{
    const unsigned char *p = (const unsigned char *)prefix;
    return (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | (size_t)p[4];
}

void sw_rpc_prefix(size_t length, char out[SW_RPC_PREFIX])
{
    sw_assert(length <= UINT32_MAX);
    out[0] = 0;
    for (int i = 1; i < SW_RPC_PREFIX; i++) {
        out[i] = (char)(unsigned char)(length >> (8 * (SW_RPC_PREFIX - 1 - i)));
    }
}

bool sw_rpc_knows(sw_str encoding)
{
    return !encoding.ptr || sw_str_eq(encoding, SW_STR("identity")) ||
           sw_str_eq(encoding, SW_STR("gzip"));
}

/* ---- gzip ------------------------------------------------------------------------------------------- */

static sw_rpc too_large(const char **why)
{
    *why = "the message is larger than this server takes (otlp-max-mb); send smaller batches";
    return SW_RPC_RESOURCE_EXHAUSTED;
}

static sw_rpc no_room(const char **why)
{
    *why = "too many large messages are being read; come again";
    return SW_RPC_UNAVAILABLE;
}

/* Everything of the input, one member behind the other. `ended`: at the end of a member. */
static sw_rpc inflate_all(z_stream *z, const sw_rpc_room *room, sw_buf *out, bool *ended,
                          const char **why)
{
    int code = Z_OK;
    bool full = false;
    while (z->avail_in > 0 || full) {
        char *to = room->hold(room->arg, out->len + ROOM) ? sw_buf_reserve(out, ROOM) : NULL;
        if (!to) {
            return no_room(why);
        }
        z->next_out = (Bytef *)to;
        z->avail_out = ROOM;
        code = inflate(z, Z_NO_FLUSH);
        out->len += ROOM - z->avail_out;
        out->ptr[out->len] = '\0';
        full = z->avail_out == 0 && code == Z_OK;
        *ended = code == Z_STREAM_END;
        if (out->len > room->most) {
            return too_large(why);
        }
        if (*ended ? inflateReset(z) != Z_OK : code != Z_OK && code != Z_BUF_ERROR) {
            *why = "the message is not valid gzip";
            return code == Z_MEM_ERROR ? no_room(why) : SW_RPC_INVALID_ARGUMENT;
        }
    }
    return SW_RPC_OK;
}

static sw_rpc gunzip(sw_str packed, const sw_rpc_room *room, sw_buf *out, const char **why)
{
    z_stream z = {0};
    bool ended = false;
    union {
        const char *in;
        Bytef *out;
    } bytes = {.in = packed.ptr};
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
        return no_room(why);
    }
    z.next_in = bytes.out;
    z.avail_in = (uInt)packed.len;
    sw_rpc code = inflate_all(&z, room, out, &ended, why);
    (void)inflateEnd(&z);
    if (code == SW_RPC_OK && !ended) {
        *why = "the message is gzip that ends too early";
        code = SW_RPC_INVALID_ARGUMENT;
    }
    return code;
}

/* ---- a message -------------------------------------------------------------------------------------- */

sw_rpc sw_rpc_unframe(sw_str body, sw_str encoding, const sw_rpc_room *room, sw_buf *unpacked,
                      sw_str *message, const char **why)
{
    *message = SW_STR("");
    if (body.len < SW_RPC_PREFIX || body.len - SW_RPC_PREFIX != sw_rpc_announced(body.ptr)) {
        *why = body.len < SW_RPC_PREFIX || body.len - SW_RPC_PREFIX < sw_rpc_announced(body.ptr)
                   ? "the call ends within its message"
                   : "a call has one message; there is something behind it";
        return SW_RPC_INVALID_ARGUMENT;
    }
    sw_str packed = {body.ptr + SW_RPC_PREFIX, body.len - SW_RPC_PREFIX};
    if (packed.len > room->most) {
        return too_large(why);
    }
    if (body.ptr[0] == 0) {
        *message = packed;
        return SW_RPC_OK;
    }
    if (body.ptr[0] != 1 || !sw_str_eq(encoding, SW_STR("gzip"))) {
        *why = "the message says that it is packed, and grpc-encoding names no way to do that";
        return SW_RPC_INTERNAL;
    }
    sw_rpc code = gunzip(packed, room, unpacked, why);
    *message = sw_buf_str(unpacked);
    return code;
}

/* ---- texts of headers ------------------------------------------------------------------------------- */

void sw_rpc_percent(sw_buf *out, sw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c <= 0x7e && c != '%') {
            sw_buf_addc(out, (char)c);
        } else {
            sw_buf_addf(out, "%%%02X", c);
        }
    }
}

int64_t sw_rpc_timeout_us(sw_str text)
{
    static const struct {
        char unit;
        int64_t ns;
    } units[] = {{'H', INT64_C(3600000000000)},
                 {'M', INT64_C(60000000000)},
                 {'S', 1000000000},
                 {'m', 1000000},
                 {'u', 1000},
                 {'n', 1}};
    int64_t count = 0;
    if (!text.ptr || text.len < 2 || text.len > 9) {
        return -1;
    }
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return -1;
        }
        count = count * 10 + (text.ptr[i] - '0');
    }
    for (size_t i = 0; i < SW_COUNT(units); i++) {
        if (units[i].unit == text.ptr[text.len - 1]) {
            int64_t most = INT64_MAX / units[i].ns;
            int64_t us = (count < most ? count * units[i].ns : INT64_MAX) / 1000;
            return us > 0 ? us : 1;
        }
    }
    return -1;
}

/* ---- coming again ------------------------------------------------------------------------------------------- */

void sw_rpc_retry(sw_buf *out, sw_rpc code, sw_str message)
{
    /* Field 3 of the Status: an Any of a RetryInfo {retry_delay {seconds 1}}. */
    static const char again[] = "\x1a\x30"
                                "\x0a\x28"
                                "type.googleapis.com/google.rpc.RetryInfo"
                                "\x12\x04\x0a\x02\x08\x01";
    sw_buf status;
    size_t room = 0;

    sw_buf_init(&status, out->from, 0);
    otlp_write_status(&status, OTLP_PROTOBUF, (int32_t)code, message);
    sw_buf_add(&status, sw_str_make(again, sizeof again - 1));
    room = sodium_base64_encoded_len(status.len, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    if (status.status == SW_STATUS_OK && sw_buf_reserve(out, room)) {
        (void)sodium_bin2base64(out->ptr, room, (const unsigned char *)status.ptr, status.len,
                                sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
        out->len = room - 1; /* without its NUL */
    }
    sw_buf_fini(&status);
}
