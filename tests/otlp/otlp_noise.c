/* SPDX-License-Identifier: Apache-2.0 */
/* See otlp_noise.h. What a message may hold is a table; making one is walking it. */
#include "tests/otlp/otlp_noise.h"

enum { VARINT, FIXED64, BYTES, GROUP, GROUP_END, FIXED32, MESSAGE };

typedef enum shape {
    ANY,
    ARRAY,
    MAP,
    PAIR,
    RESOURCE,
    SCOPE,
    EVENT,
    LINK,
    STATUS,
    SPAN,
    LOG,
    SCOPE_SPANS,
    RESOURCE_SPANS,
    SPANS,
    SCOPE_LOGS,
    RESOURCE_LOGS,
    LOGS
} shape;

typedef struct field {
    shape in;
    uint32_t number;
    int type;
    int of; /* the shape of a message; the size of an id; else 0 */
} field;

/* From the specification's tables. */
static const field fields[] = {
    {ANY, 1, BYTES, 0},
    {ANY, 2, VARINT, 0},
    {ANY, 3, VARINT, 0},
    {ANY, 4, FIXED64, 0},
    {ANY, 5, MESSAGE, ARRAY},
    {ANY, 6, MESSAGE, MAP},
    {ANY, 7, BYTES, 0},
    {ARRAY, 1, MESSAGE, ANY},
    {MAP, 1, MESSAGE, PAIR},
    {PAIR, 1, BYTES, 0},
    {PAIR, 2, MESSAGE, ANY},
    {RESOURCE, 1, MESSAGE, PAIR},
    {RESOURCE, 2, VARINT, 0},
    {SCOPE, 1, BYTES, 0},
    {SCOPE, 2, BYTES, 0},
    {SCOPE, 3, MESSAGE, PAIR},
    {SCOPE, 4, VARINT, 0},
    {EVENT, 1, FIXED64, 0},
    {EVENT, 2, BYTES, 0},
    {EVENT, 3, MESSAGE, PAIR},
    {EVENT, 4, VARINT, 0},
    {LINK, 1, BYTES, 16},
    {LINK, 2, BYTES, 8},
    {LINK, 4, MESSAGE, PAIR},
    {LINK, 5, VARINT, 0},
    {STATUS, 2, BYTES, 0},
    {STATUS, 3, VARINT, 0},
    {SPAN, 1, BYTES, 16},
    {SPAN, 2, BYTES, 8},
    {SPAN, 4, BYTES, 8},
    {SPAN, 5, BYTES, 0},
    {SPAN, 6, VARINT, 0},
    {SPAN, 7, FIXED64, 0},
    {SPAN, 8, FIXED64, 0},
    {SPAN, 9, MESSAGE, PAIR},
    {SPAN, 10, VARINT, 0},
    {SPAN, 11, MESSAGE, EVENT},
    {SPAN, 13, MESSAGE, LINK},
    {SPAN, 15, MESSAGE, STATUS},
    {SPAN, 16, FIXED32, 0},
    {LOG, 1, FIXED64, 0},
    {LOG, 2, VARINT, 0},
    {LOG, 3, BYTES, 0},
    {LOG, 5, MESSAGE, ANY},
    {LOG, 6, MESSAGE, PAIR},
    {LOG, 7, VARINT, 0},
    {LOG, 9, BYTES, 16},
    {LOG, 10, BYTES, 8},
    {LOG, 11, FIXED64, 0},
    {LOG, 12, BYTES, 0},
    {SCOPE_SPANS, 1, MESSAGE, SCOPE},
    {SCOPE_SPANS, 2, MESSAGE, SPAN},
    {SCOPE_SPANS, 3, BYTES, 0},
    {RESOURCE_SPANS, 1, MESSAGE, RESOURCE},
    {RESOURCE_SPANS, 2, MESSAGE, SCOPE_SPANS},
    {RESOURCE_SPANS, 3, BYTES, 0},
    {SPANS, 1, MESSAGE, RESOURCE_SPANS},
    {SCOPE_LOGS, 1, MESSAGE, SCOPE},
    {SCOPE_LOGS, 2, MESSAGE, LOG},
    {SCOPE_LOGS, 3, BYTES, 0},
    {RESOURCE_LOGS, 1, MESSAGE, RESOURCE},
    {RESOURCE_LOGS, 2, MESSAGE, SCOPE_LOGS},
    {RESOURCE_LOGS, 3, BYTES, 0},
    {LOGS, 1, MESSAGE, RESOURCE_LOGS},
};

/* Now and then with more bytes than it needs, up to `most`. */
static void put_varint(sw_buf *out, uint64_t *random, uint64_t value, unsigned most)
{
    unsigned len = 1;
    while (len < 10 && value >> (7 * len) != 0) {
        len++;
    }
    if (test_below(random, 20) == 0 && len < most) {
        len += (unsigned)test_below(random, most - len + 1);
    }
    for (unsigned i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)(value >> (7 * i) & 0x7f);
        sw_buf_addc(out, (char)(i + 1 < len ? byte | 0x80 : byte));
    }
}

static uint64_t random_number(uint64_t *random)
{
    uint64_t value = test_random(random);
    return test_below(random, 4) == 0 ? value : value >> test_below(random, 64);
}

static void put_noise(sw_buf *out, uint64_t *random, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sw_buf_addc(out, (char)test_below(random, 256));
    }
}

static void put_text(sw_buf *out, uint64_t *random)
{
    static const char *const texts[] = {
        "",
        "a",
        "gen_ai.usage.input_tokens",
        "a text of more than sixteen bytes, so that it takes more than one step \"to see\" it",
        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
        "cut \xf0\x9f\x98",
        "\xc0\x80 \xed\xa0\x80 \xf5\x80\x80\x80 \xff",
        "the bad byte is the last one of all: \x80",
    };
    size_t which = test_below(random, SW_COUNT(texts) + 2);
    size_t start = out->len;
    put_varint(out, random, 0, 1);
    if (which < SW_COUNT(texts)) {
        sw_buf_adds(out, texts[which]);
    } else {
        put_noise(out, random, test_below(random, 40));
    }
    out->ptr[start] = (char)(out->len - start - 1);
}

static void put_bytes(sw_buf *out, uint64_t *random, int size)
{
    size_t len = test_below(random, 8) == 0 ? test_below(random, 20) : (size_t)size;
    if (size == 0) {
        put_text(out, random);
        return;
    }
    put_varint(out, random, len, 5);
    put_noise(out, random, len);
}

static void put_key(sw_buf *out, uint64_t *random, uint32_t number, int type)
{
    put_varint(out, random, (uint64_t)number << 3 | (uint64_t)type, 5);
}

static void put_scalar(sw_buf *out, uint64_t *random, int type, int size)
{
    switch (type) {
    case VARINT:
        put_varint(out, random, random_number(random), 10);
        break;
    case FIXED64:
        put_noise(out, random, 8);
        break;
    case FIXED32:
        put_noise(out, random, 4);
        break;
    default:
        put_bytes(out, random, size);
        break;
    }
}

/* A field that nobody knows, or that has a wire type it does not have. */
static void put_stranger(sw_buf *out, uint64_t *random, unsigned depth)
{
    static const int types[] = {VARINT, FIXED64, BYTES, FIXED32, GROUP};
    int type = types[test_below(random, depth < 4 ? 5 : 4)];
    uint32_t number = (uint32_t)(test_below(random, 3) == 0 ? 1 + test_below(random, 16)
                                                            : 17 + test_below(random, 2000));
    if (type == BYTES && number < 17) {
        number += 2000; /* bytes where a message is expected are no stranger */
    }
    put_key(out, random, number, type);
    if (type != GROUP) {
        put_scalar(out, random, type, 0);
        return;
    }
    for (size_t n = test_below(random, 3); n > 0; n--) {
        put_stranger(out, random, depth + 1);
    }
    put_key(out, random, number, GROUP_END);
}

static void put_message(sw_buf *out, uint64_t *random, shape of, unsigned depth);

static void put_child(sw_buf *out, uint64_t *random, shape of, unsigned depth)
{
    sw_buf inner;
    sw_buf_init(&inner, NULL, 0);
    put_message(&inner, random, of, depth + 1);
    put_varint(out, random, inner.len, 5);
    sw_buf_add(out, sw_buf_str(&inner));
    sw_buf_fini(&inner);
}

static const field *pick(uint64_t *random, shape of)
{
    const field *first = fields;
    size_t count = 0;
    while (first->in != of) {
        first++;
    }
    while (first + count < fields + SW_COUNT(fields) && first[count].in == of) {
        count++;
    }
    return &first[test_below(random, count)];
}

static void put_message(sw_buf *out, uint64_t *random, shape of, unsigned depth)
{
    size_t most = of == ANY ? 3 : of == SPAN || of == LOG ? 16 : 6;
    for (size_t n = depth < 14 ? test_below(random, most) : 0; n > 0; n--) {
        const field *row = pick(random, of);
        if (test_below(random, 12) == 0) {
            put_stranger(out, random, 0);
            continue;
        }
        put_key(out, random, row->number, row->type == MESSAGE ? BYTES : row->type);
        if (row->type == MESSAGE) {
            put_child(out, random, (shape)row->of, depth);
        } else {
            put_scalar(out, random, row->type, row->of);
        }
    }
}

void otlp_noise(sw_buf *out, uint64_t *random, bool logs)
{
    put_message(out, random, logs ? LOGS : SPANS, 0);
}

void otlp_noise_break(sw_buf *bytes, uint64_t *random)
{
    for (size_t n = 1 + test_below(random, 3); n > 0 && bytes->len > 0; n--) {
        size_t at = test_below(random, bytes->len);
        size_t len = 1 + test_below(random, 4);
        len = len < bytes->len - at ? len : bytes->len - at;
        switch (test_below(random, 4)) {
        case 0:
            bytes->ptr[at] = (char)test_below(random, 256);
            break;
        case 1:
            bytes->ptr[at] = (char)(bytes->ptr[at] ^ (1 << test_below(random, 8)));
            break;
        case 2:
            memmove(bytes->ptr + at, bytes->ptr + at + len, bytes->len - at - len);
            bytes->len -= len;
            break;
        default:
            bytes->len = at;
            break;
        }
    }
}
