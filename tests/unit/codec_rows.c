/* SPDX-License-Identifier: Apache-2.0 */
/* Random rows: every field of every kind, with text that needs escapes in JSON and quotes in CSV. */
#include "tests/unit/codec_rows.h"

#include <jansson.h>

uint64_t draw(maker *m, uint64_t below)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return m->state % below;
}

/* Text of pieces that any writer of JSON or CSV could stumble over. */
static sw_str make_text(maker *m, size_t pieces)
{
    static const char *const piece[] = {"a",
                                        "word",
                                        " ",
                                        ",",
                                        "\"",
                                        "\"\"",
                                        "\\",
                                        "\\u0041",
                                        "\n",
                                        "\r\n",
                                        "\r",
                                        "\t",
                                        "\x01",
                                        "\x7F",
                                        "/",
                                        "null",
                                        "{",
                                        "]",
                                        "\xC3\xBC",
                                        "\xE2\x82\xAC",
                                        "\xF0\x9F\x8C\x8D",
                                        "\xE2\x80\xA8",
                                        "\xEF\xBB\xBF",
                                        "\xEF\xBF\xBF",
                                        "'",
                                        ";",
                                        "=",
                                        "0",
                                        "-1"};
    char text[200] = "";
    for (size_t i = draw(m, pieces + 1); i > 0; i--) {
        strcat(text, piece[draw(m, SW_COUNT(piece))]);
    }
    return sw_arena_str(&m->arena, sw_str_from(text));
}

static sw_str make_id(maker *m, const sw_field *field)
{
    uint8_t uuid[SW_UUID];
    char text[SW_ID_TEXT];
    for (size_t i = 0; i < sizeof uuid; i++) {
        uuid[i] = (uint8_t)draw(m, 256);
    }
    uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0F));
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3F));
    if (!(field->flags & SW_PRIMARY) && !field->ref.record_plus_1 && draw(m, 2)) {
        return make_text(m, 8); /* free text */
    }
    const char *prefix = field->prefix2 && draw(m, 3) == 0 ? field->prefix2 : field->prefix;
    size_t len = sw_id_print(sw_str_from(prefix ? prefix : "any"), uuid, text);
    return sw_arena_str(&m->arena, sw_str_make(text, len));
}

static json_t *make_json(maker *m, int depth)
{
    json_t *value = NULL;
    switch (draw(m, depth > 0 ? 8 : 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(draw(m, 2));
    case 2:
        return json_integer((json_int_t)(draw(m, UINT64_MAX)));
    case 3:
        return json_real((double)draw(m, 1000000) / 64.0);
    case 4:
    case 5:
        return json_string(make_text(m, 6).ptr);
    case 6:
        value = json_array();
        for (uint64_t i = draw(m, 4); i > 0; i--) {
            json_array_append_new(value, make_json(m, depth - 1));
        }
        return value;
    default:
        value = json_object();
        for (uint64_t i = draw(m, 4); i > 0; i--) {
            json_object_set_new(value, make_text(m, 3).ptr, make_json(m, depth - 1));
        }
        return value;
    }
}

static sw_str make_container(maker *m, const sw_field *field)
{
    bool array = field->kind == SW_KIND_TAGS || field->flags & SW_ARRAY;
    json_t *value = array ? json_array() : json_object();
    char *text = NULL;
    sw_str copy;
    for (uint64_t i = draw(m, 5); i > 0; i--) {
        json_t *item =
            field->kind == SW_KIND_TAGS ? json_string(make_text(m, 5).ptr) : make_json(m, 3);
        if (array) {
            json_array_append_new(value, item);
        } else {
            json_object_set_new(value, make_text(m, 4).ptr, item);
        }
    }
    text = json_dumps(value, JSON_COMPACT | (draw(m, 2) ? JSON_ENSURE_ASCII : 0));
    copy = sw_arena_str(&m->arena, sw_str_from(text));
    free(text);
    json_decref(value);
    return copy;
}

static int64_t make_number(maker *m, const sw_field *field)
{
    static const int64_t extreme[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    switch (field->kind) {
    case SW_KIND_ENUM:
        return (int64_t)draw(m, sw__enums[field->words].count);
    case SW_KIND_BOOL:
        return (int64_t)draw(m, 2);
    case SW_KIND_INT:
        return draw(m, 4) ? (int64_t)draw(m, UINT64_C(1) << 31) : 2147483647;
    case SW_KIND_TIME:
        return INT64_C(-62135596800000000) + (int64_t)draw(m, UINT64_C(315537897600)) * 1000000 +
               (draw(m, 2) ? (int64_t)draw(m, 1000000) : 0);
    default:
        return draw(m, 2) ? extreme[draw(m, 5)] : (int64_t)draw(m, UINT64_MAX);
    }
}

static void make_field(maker *m, const sw_field *field, void *row)
{
    char hex[33];
    switch (field->kind) {
    case SW_KIND_ID:
        *sw_field_str(field, row) = make_id(m, field);
        return;
    case SW_KIND_HEX:
        snprintf(hex, sizeof hex, "%016llx%016llx", (unsigned long long)draw(m, UINT64_MAX),
                 (unsigned long long)draw(m, UINT64_MAX));
        *sw_field_str(field, row) = sw_arena_str(&m->arena, sw_str_from(hex));
        return;
    case SW_KIND_JSON:
    case SW_KIND_TAGS:
        *sw_field_str(field, row) = make_container(m, field);
        return;
    case SW_KIND_TEXT:
    case SW_KIND_WORD:
    case SW_KIND_BYTES:
        *sw_field_str(field, row) = make_text(m, 20);
        return;
    default:
        *sw_field_int(field, row) = sw_int_of(make_number(m, field));
    }
}

/* A row that the model accepts. Bytes and hidden fields, which no wire form shows, stay null when
 * `shown_only`, as do secrets.
 */
void make_row(maker *m, const sw_record *record, void *row, bool shown_only)
{
    memset(row, 0, record->size);
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        bool unseen = field->flags & (SW_HIDDEN | SW_SECRET) || field->kind == SW_KIND_BYTES;
        if ((field->flags & SW_NOT_NULL || draw(m, 3)) && !(shown_only && unseen)) {
            make_field(m, field, row);
        }
    }
}

void assert_same(const sw_record *record, const void *got, const void *expected)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        if (!sw_field_equal(field, got, expected)) {
            fail_msg("%s.%s differs: null %d, was %d", record->name, field->name,
                     sw_field_is_null(field, got), sw_field_is_null(field, expected));
        }
    }
}

uint64_t shown_mask(sw_record_id id)
{
    size_t count = 0;
    const uint8_t *shown = sw_record_shown(id, &count);
    uint64_t mask = 0;
    for (size_t i = 0; i < count; i++) {
        mask |= SW_MASK(shown[i]);
    }
    return mask;
}

int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->maker.state = UINT64_C(0x5EED5EED1234567);
    sw_arena_init(&f->maker.arena, &sw__libc_allocator, 0);
    sw_buf_init(&f->buf, &sw__libc_allocator, 1 << 24);
    *state = f;
    return 0;
}

int teardown(void **state)
{
    fixture *f = *state;
    sw_arena_fini(&f->maker.arena);
    sw_buf_fini(&f->buf);
    free(f);
    return 0;
}

void sweep(sw_status (*read)(short_memory *, sw_str), sw_str text)
{
    for (long left = 0;; left++) {
        short_memory memory;
        sw_status status = SW_STATUS_OK;
        short_memory_init(&memory, left);
        status = read(&memory, text);
        assert_int_equal(memory.blocks, 0);
        if (status == SW_STATUS_OK) {
            assert_true(left > 2); /* there was something to fail */
            return;
        }
        assert_int_equal(status, SW_STATUS_NO_MEMORY);
    }
}
