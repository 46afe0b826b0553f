/* SPDX-License-Identifier: Apache-2.0 */
/* The wire of protobuf: fields one after the other, and how they are written. Knows no message; the numbers of OTLP's fields
 * stand in otlp_inside.h.
 *
 * The idea: a reader switches over the whole key, number and wire type in one, so that a field that comes in a wire
 * type it does not have is one more unknown field, and is passed over like all of them.
 */
#ifndef SW_CODEC_OTLP_WIRE_H
#define SW_CODEC_OTLP_WIRE_H

#include <endian.h>

#include "base/base.h"

enum { PB_VARINT, PB_FIXED64, PB_BYTES, PB_GROUP, PB_GROUP_END, PB_FIXED32, PB_TYPE = 7 };

#define PB_KEY(NUMBER, TYPE) ((uint32_t)(NUMBER) << 3 | (uint32_t)(TYPE))

/* One field. `bytes` with PB_BYTES, borrowed; `number` with the other types. */
typedef struct pb_field {
    uint32_t key;
    uint64_t number;
    sw_str bytes;
} pb_field;

/* What is left of a message. */
typedef struct pb_message {
    const char *at;
    const char *end;
} pb_message;

static inline pb_message pb_open(sw_str bytes)
{
    return (pb_message){bytes.ptr, bytes.ptr + bytes.len};
}

/* Varints of more than a byte, and groups; defined in otlp_wire.c. */
bool pb_long_varint(pb_message *in, uint64_t *value);
bool pb_pass_group(pb_message *in, uint32_t key);

static inline bool pb_varint(pb_message *in, uint64_t *value)
{
    if (in->at != in->end && (unsigned char)*in->at < 0x80) {
        *value = (unsigned char)*in->at++;
        return true;
    }
    return pb_long_varint(in, value);
}

static inline bool pb_fixed64(pb_message *in, uint64_t *value)
{
    if (in->end - in->at < 8) {
        return false;
    }
    memcpy(value, in->at, 8);
    *value = le64toh(*value);
    in->at += 8;
    return true;
}

static inline bool pb_fixed32(pb_message *in, uint64_t *value)
{
    uint32_t half = 0;
    if (in->end - in->at < 4) {
        return false;
    }
    memcpy(&half, in->at, 4);
    *value = le32toh(half);
    in->at += 4;
    return true;
}

static inline bool pb_bytes(pb_message *in, sw_str *bytes)
{
    uint64_t len = 0;
    if (!pb_varint(in, &len) || len > (uint64_t)(in->end - in->at)) {
        return false;
    }
    *bytes = sw_str_make(in->at, (size_t)len);
    in->at += len;
    return true;
}

/* The next field of a message that is not at its end. A group is gone over whole and has a key that no message
 * of ours knows. False: the bytes are no protobuf from in->at on.
 */
static inline bool pb_next(pb_message *in, pb_field *field)
{
    uint64_t key = 0;
    if (!pb_varint(in, &key) || key < PB_KEY(1, 0) || key > UINT32_MAX) {
        return false;
    }
    field->key = (uint32_t)key;
    switch (field->key & PB_TYPE) {
    case PB_VARINT:
        return pb_varint(in, &field->number);
    case PB_FIXED64:
        return pb_fixed64(in, &field->number);
    case PB_BYTES:
        return pb_bytes(in, &field->bytes);
    case PB_GROUP:
        return pb_pass_group(in, field->key);
    case PB_FIXED32:
        return pb_fixed32(in, &field->number);
    default:
        return false;
    }
}

/* ---- writing -------------------------------------------------------------------------------------- */

void pb_put_varint(sw_buf *out, uint64_t value);
/* Fields; proto3's way: what is zero or empty is left out. */
void pb_put_number(sw_buf *out, uint32_t number, uint64_t value);
void pb_put_fixed64(sw_buf *out, uint32_t number, uint64_t value);
void pb_put_fixed32(sw_buf *out, uint32_t number, uint32_t value);
void pb_put_text(sw_buf *out, uint32_t number, sw_str text);
/* The same even when it is zero or empty: members of a oneof, items of a list. */
void pb_put_set_number(sw_buf *out, uint32_t number, uint64_t value);
void pb_put_set_fixed64(sw_buf *out, uint32_t number, uint64_t value);
void pb_put_set_text(sw_buf *out, uint32_t number, sw_str text);
/* A message in a message: its content is written between the two. */
size_t pb_begin(sw_buf *out, uint32_t number);
void pb_end(sw_buf *out, size_t begin);

#endif
