/* SPDX-License-Identifier: Apache-2.0 */
/* Rows out of a seed; see rowgen.h. Knows the kinds, not the records. Memory that runs out ends the test.
 */
#include <stdio.h>

#include "tests/lib/rowgen.h"

/* ---- numbers ------------------------------------------------------------------------------------ */

/* splitmix64: small, and good enough to spread test values. */
uint64_t rowgen_next(rowgen *gen)
{
    uint64_t x = (gen->state += UINT64_C(0x9E3779B97F4A7C15));
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

uint64_t rowgen_below(rowgen *gen, uint64_t bound)
{
    return rowgen_next(gen) % bound;
}

static int64_t number_of(rowgen *gen, sw_kind kind)
{
    static const int64_t time_span = INT64_C(253402300799999999);
    uint64_t few = gen->variety ? gen->variety : UINT64_MAX;
    uint64_t any = rowgen_below(gen, few);
    switch (kind) {
    case SW_KIND_BOOL:
        return (int64_t)(any & 1);
    case SW_KIND_INT:
        return gen->variety ? (int64_t)any : (int64_t)(any % ((uint64_t)SW_LIMIT_TOKENS + 1));
    case SW_KIND_TIME:
        return gen->variety ? INT64_C(1738191679123456) + (int64_t)any
                            : (int64_t)(any % (uint64_t)time_span);
    default:
        return gen->variety ? (int64_t)any - (int64_t)(few / 4) : (int64_t)any;
    }
}

static int64_t number(rowgen *gen, const sw_field *field)
{
    if (field->kind == SW_KIND_ENUM) {
        return (int64_t)rowgen_below(gen, sw__enums[field->words].count);
    }
    if (field->flags & SW_COUNTER) {
        return (int64_t)rowgen_below(gen, 1000000);
    }
    return number_of(gen, field->kind);
}

/* ---- text --------------------------------------------------------------------------------------- */

static sw_str kept(sw_arena *arena, const char *text, size_t len)
{
    sw_str copy = sw_arena_str(arena, sw_str_make(text, len));
    sw_assert(copy.ptr);
    return copy;
}

static sw_str random_uuid(rowgen *gen, char out[SW_UUID_TEXT])
{
    uint8_t uuid[SW_UUID];
    for (size_t i = 0; i < sizeof uuid; i++) {
        uuid[i] = (uint8_t)rowgen_next(gen);
    }
    uuid[6] = (uint8_t)((uuid[6] & 0x0F) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3F) | 0x80);
    sw_uuid_print(uuid, out);
    return sw_str_make(out, SW_UUID_TEXT);
}

sw_str rowgen_id(rowgen *gen, const char *prefix)
{
    char uuid[SW_UUID_TEXT], text[SW_LIMIT_ID_BYTES + 1];
    uint64_t shape = rowgen_below(gen, 10);
    uint64_t any = rowgen_next(gen);
    int len = 0;
    random_uuid(gen, uuid);
    if (shape < 7) {
        len = snprintf(text, sizeof text, "%s-%.36s", prefix ? prefix : "req", uuid);
    } else if (shape == 7) {
        len = snprintf(text, sizeof text, "other-%.36s", uuid);
    } else if (shape == 8) {
        len = snprintf(text, sizeof text, "adopted \xC3\xA9 %llx", (unsigned long long)any);
    } else {
        len = snprintf(text, sizeof text, "%llu", (unsigned long long)any);
    }
    return kept(gen->arena, text, (size_t)len);
}

static sw_str hex(rowgen *gen)
{
    char text[33];
    uint64_t high = gen->variety ? 0 : rowgen_next(gen);
    uint64_t low = gen->variety ? rowgen_below(gen, gen->variety) : rowgen_next(gen);
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)high,
             (unsigned long long)low);
    return kept(gen->arena, text, 32);
}

/* A word with characters of one to four bytes, with and without something behind it. */
static sw_str word(rowgen *gen)
{
    static const char *const stems[] = {
        "alpha", "Beta",        "\303\234ber", "\xE6\xB0\xB4", "\xF0\x9F\x92\xA7 well",
        "",      "a'b\"c\\d%_", "ALPHA"};
    char text[64];
    uint64_t n = gen->variety ? rowgen_below(gen, gen->variety) : rowgen_next(gen);
    int len = n % 3 == 0 && gen->variety
                  ? snprintf(text, sizeof text, "%s", stems[n / 3 % SW_COUNT(stems)])
                  : snprintf(text, sizeof text, "%s%llu", stems[n % SW_COUNT(stems)],
                             (unsigned long long)n);
    return kept(gen->arena, text, (size_t)len);
}

/* Where values are many, those of keys are long enough to differ. */
static sw_str bytes(rowgen *gen, const sw_field *field)
{
    char text[48];
    size_t least = field->flags & SW_KEY_PART ? 8 : 0;
    size_t len = least + rowgen_below(gen, sizeof text - least);
    uint64_t n = gen->variety ? rowgen_below(gen, gen->variety) : rowgen_next(gen);
    rowgen few = {.state = n};
    len = gen->variety ? rowgen_below(&few, sizeof text) : len;
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)rowgen_next(&few);
    }
    return kept(gen->arena, text, len);
}

static sw_str tags(rowgen *gen)
{
    static const char *const words[] = {"red", "green", "blue", "\xC3\x9C", "a\\\"b", "re"};
    char text[128] = "[";
    size_t len = 1;
    for (size_t i = 0; i < SW_COUNT(words); i++) {
        if (rowgen_below(gen, 3) == 0) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s\"%s\"", len > 1 ? "," : "",
                                    words[i]);
        }
    }
    len += (size_t)snprintf(text + len, sizeof text - len, "]");
    return kept(gen->arena, text, len);
}

static sw_str json(rowgen *gen, const sw_field *field)
{
    char text[128];
    uint64_t n = gen->variety ? rowgen_below(gen, gen->variety) : rowgen_next(gen);
    int len = field->flags & SW_ARRAY
                  ? snprintf(text, sizeof text, "[%llu,\"\xC3\xA9\"]", (unsigned long long)n)
                  : snprintf(text, sizeof text, "{\"n\":%llu,\"a\":[]}", (unsigned long long)n);
    return kept(gen->arena, text, (size_t)len);
}

/* `len` bytes: `head`, then letters, then `tail`. */
static sw_str filled(rowgen *gen, size_t len, const char *head, const char *tail)
{
    char *text = sw_arena_alloc(gen->arena, len);
    sw_assert(text && len >= strlen(head) + strlen(tail));
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)('a' + rowgen_below(gen, 26));
    }
    memcpy(text, head, strlen(head));
    memcpy(text + len - strlen(tail), tail, strlen(tail));
    return sw_str_make(text, len);
}

static sw_str preview(rowgen *gen)
{
    char text[SW_LIMIT_PREVIEW_CHARS * 4];
    for (size_t i = 0; i < SW_LIMIT_PREVIEW_CHARS; i++) {
        memcpy(text + 4 * i, "\xF0\x9F\x92\xA7", 4);
    }
    return kept(gen->arena, text, sizeof text);
}

static sw_str large_text(rowgen *gen, const sw_field *field)
{
    switch (field->kind) {
    case SW_KIND_ID:
        return filled(gen, SW_LIMIT_ID_BYTES, "", "");
    case SW_KIND_WORD:
        return filled(gen, SW_LIMIT_WORD_BYTES, "", "\xE6\xB0\xB4");
    case SW_KIND_TEXT:
        if (field->flags & SW_PREVIEW) {
            return preview(gen);
        }
        return filled(gen, field->flags & SW_LONG_TEXT ? 100000 : SW_LIMIT_TEXT_BYTES, "", "");
    case SW_KIND_JSON:
        return field->flags & SW_ARRAY ? filled(gen, 100000, "[\"", "\"]")
                                       : filled(gen, 100000, "{\"a\":\"", "\"}");
    case SW_KIND_BYTES:
        return filled(gen, 100000, "", "");
    default:
        return SW_NULL_STR;
    }
}

static sw_str text_of(rowgen *gen, const sw_field *field)
{
    switch (field->kind) {
    case SW_KIND_ID:
        return rowgen_id(gen, field->prefix);
    case SW_KIND_HEX:
        return hex(gen);
    case SW_KIND_TAGS:
        return tags(gen);
    case SW_KIND_JSON:
        return json(gen, field);
    case SW_KIND_BYTES:
        return bytes(gen, field);
    default:
        return word(gen);
    }
}

/* ---- rows --------------------------------------------------------------------------------------- */

void rowgen_field(rowgen *gen, const sw_field *field, bool large, void *row)
{
    if (!sw_kind_is_text(field->kind)) {
        *sw_field_int(field, row) = sw_int_of(number(gen, field));
        return;
    }
    sw_str text = large ? large_text(gen, field) : SW_NULL_STR;
    *sw_field_str(field, row) = text.ptr ? text : text_of(gen, field);
}

static bool left_out(rowgen *gen, const sw_field *field, rowgen_fill fill)
{
    if (field->ref.record_plus_1) {
        return true;
    }
    if (field->flags & SW_NOT_NULL) {
        return false;
    }
    return fill == ROWGEN_SPARSE || (fill == ROWGEN_MIXED && rowgen_below(gen, 2) == 0);
}

void rowgen_row(rowgen *gen, sw_record_id record, rowgen_fill fill, void *row)
{
    const sw_record *model = sw_record_of(record);
    for (size_t i = 0; i < model->field_count; i++) {
        if (!left_out(gen, &model->fields[i], fill)) {
            rowgen_field(gen, &model->fields[i], fill == ROWGEN_LARGE, row);
        }
    }
}
