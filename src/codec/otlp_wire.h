/* SPDX-License-Identifier: Apache-2.0 */
/* The wire of protobuf: fields one after the other, and how they are written. Knows no message; the
 * numbers of OTLP's fields stand in otlp_inside.h.
 *
 * The idea: a reader switches over the whole key, number and wire type in one, so that a field that
 * comes in a wire type it does not have is one more unknown field, and is passed over like all of
 * them. */
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

/* The readers below return what is behind, or NULL when the bytes are no protobuf. They pass places
 * by value and not by pointer, so that the compiler keeps them in registers: this is where the time
 * of reading goes. */

/* Varints of more than a byte, and groups; defined in otlp_wire.c. */
const char *pb_long_varint(const char *at, const char *end, unsigned most, uint64_t *value);
const char *pb_pass_group(const char *at, const char *end, uint32_t key);

/* How long a varint may be: one of 64 bits, and one of 32, which keys and lengths are. */
enum { PB_VARINT_64 = 10, PB_VARINT_32 = 5 };

static inline const char *pb_varint(const char *at, const char *end, unsigned most, uint64_t *value)
{
    uint64_t longer = 0;
    if (at != end && (unsigned char)*at < 0x80) {
        *value = (unsigned char)*at;
        return at + 1;
    }
    at = pb_long_varint(at, end, most, &longer);
    *value = longer;
    return at;
}

static inline const char *pb_fixed64(const char *at, const char *end, uint64_t *value)
{
    if (end - at < 8) {
        return NULL;
    }
    memcpy(value, at, 8);
    *value = le64toh(*value);
    return at + 8;
}

static inline const char *pb_fixed32(const char *at, const char *end, uint64_t *value)
{
    uint32_t half = 0;
    if (end - at < 4) {
        return NULL;
    }
    memcpy(&half, at, 4);
    *value = le32toh(half);
    return at + 4;
}

static inline const char *pb_bytes(const char *at, const char *end, sw_str *bytes)
{
    uint64_t len = 0;
    at = pb_varint(at, end, PB_VARINT_32, &len);
    if (!at || len > (uint64_t)(end - at)) {
        return NULL;
    }
    *bytes = sw_str_make(at, (size_t)len);
    return at + len;
}

/* The field at `at`, which is not the end. A group is gone over whole and has a key that no message
 * of ours knows. */
static inline __attribute__((always_inline)) const char *pb_field_at(const char *at,
                                                                     const char *end,
                                                                     pb_field *field)
{
    uint64_t key = 0;
    *field = (pb_field){.key = 0};
    at = pb_varint(at, end, PB_VARINT_32, &key);
    field->key = (uint32_t)key;
    if (!at || field->key < PB_KEY(1, 0)) {
        return NULL;
    }
    switch (field->key & PB_TYPE) {
    case PB_BYTES:
        return pb_bytes(at, end, &field->bytes);
    case PB_VARINT:
        return pb_varint(at, end, PB_VARINT_64, &field->number);
    case PB_FIXED64:
        return pb_fixed64(at, end, &field->number);
    case PB_FIXED32:
        return pb_fixed32(at, end, &field->number);
    case PB_GROUP:
        return pb_pass_group(at, end, field->key);
    default:
        return NULL;
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
