/* SPDX-License-Identifier: Apache-2.0 */
/* The wire of protobuf: the rare parts of reading, and writing. Knows no message. */
#include "codec/otlp_wire.h"

enum { GROUP_LEVELS = 64 };

const char *pb_long_varint(const char *at, const char *end, unsigned most, uint64_t *value)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < most && at != end; i++) {
        unsigned char byte = (unsigned char)*at++;
        sum |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *value = sum;
            return at;
        }
    }
    return NULL;
}

/* Over the fields to the end of the group that `key` opened; groups inside are levels of a small
 * stack. */
const char *pb_pass_group(const char *at, const char *end, uint32_t key)
{
    uint32_t open[GROUP_LEVELS] = {key};
    unsigned depth = 1;
    while (at && depth > 0) {
        pb_field unused;
        uint64_t next = 0;
        const char *past = pb_varint(at, end, PB_VARINT_32, &next);
        if (!past || (uint32_t)next < PB_KEY(1, 0)) {
            return NULL;
        }
        switch (next & PB_TYPE) {
        case PB_GROUP:
            if (depth == GROUP_LEVELS) {
                return NULL;
            }
            open[depth++] = (uint32_t)next;
            at = past;
            break;
        case PB_GROUP_END:
            depth--;
            at = (uint32_t)next >> 3 == open[depth] >> 3 ? past : NULL;
            break;
        default:
            at = pb_field_at(at, end, &unused);
            break;
        }
    }
    return at;
}

/* ---- writing -------------------------------------------------------------------------------------- */

static size_t varint_print(uint64_t value, char out[PB_VARINT_64])
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7) {
        out[len++] = (char)(value | 0x80);
    }
    out[len++] = (char)value;
    return len;
}

void pb_put_varint(sw_buf *out, uint64_t value)
{
    char bytes[PB_VARINT_64];
    sw_buf_add(out, sw_str_make(bytes, varint_print(value, bytes)));
}

void pb_put_set_number(sw_buf *out, uint32_t number, uint64_t value)
{
    pb_put_varint(out, PB_KEY(number, PB_VARINT));
    pb_put_varint(out, value);
}

void pb_put_set_fixed64(sw_buf *out, uint32_t number, uint64_t value)
{
    uint64_t bytes = htole64(value);
    pb_put_varint(out, PB_KEY(number, PB_FIXED64));
    sw_buf_add(out, sw_str_make((const char *)&bytes, sizeof bytes));
}

void pb_put_set_text(sw_buf *out, uint32_t number, sw_str text)
{
    pb_put_varint(out, PB_KEY(number, PB_BYTES));
    pb_put_varint(out, text.len);
    sw_buf_add(out, text);
}

void pb_put_number(sw_buf *out, uint32_t number, uint64_t value)
{
    if (value != 0) {
        pb_put_set_number(out, number, value);
    }
}

void pb_put_fixed64(sw_buf *out, uint32_t number, uint64_t value)
{
    if (value != 0) {
        pb_put_set_fixed64(out, number, value);
    }
}

void pb_put_fixed32(sw_buf *out, uint32_t number, uint32_t value)
{
    uint32_t bytes = htole32(value);
    if (value != 0) {
        pb_put_varint(out, PB_KEY(number, PB_FIXED32));
        sw_buf_add(out, sw_str_make((const char *)&bytes, sizeof bytes));
    }
}

void pb_put_text(sw_buf *out, uint32_t number, sw_str text)
{
    if (text.len > 0) {
        pb_put_set_text(out, number, text);
    }
}

/* The length is not known yet: one byte is left for it, and what is longer moves up at the end. */
size_t pb_begin(sw_buf *out, uint32_t number)
{
    pb_put_varint(out, PB_KEY(number, PB_BYTES));
    sw_buf_addc(out, 0);
    return out->len;
}

void pb_end(sw_buf *out, size_t begin)
{
    char bytes[PB_VARINT_64];
    size_t len = out->len - begin;
    size_t more = 0;
    if (out->status != SW_STATUS_OK) {
        return;
    }
    more = varint_print(len, bytes) - 1;
    if (more > 0) {
        if (!sw_buf_reserve(out, more)) {
            return;
        }
        memmove(out->ptr + begin + more, out->ptr + begin, len);
        out->len += more;
        out->ptr[out->len] = '\0';
    }
    memcpy(out->ptr + begin - 1, bytes, more + 1);
}
