/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON. The reader goes over an object once and builds nothing: each member is looked
 * up, converted by the kind of its field and put into the row. Knows descriptors and tokens, no
 * record.
 */
#include <stdio.h>

#include "codec/record.h"
#include "json_order.h"

const uint8_t *sw_record_shown(sw_record_id id, size_t *count)
{
    sw_assert((unsigned)id < SW_RECORD_COUNT);
    *count = sw__json_orders[id].count;
    return sw__json_orders[id].fields;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Bounds of what a mask can name. */
enum { SW_RECORD_FIELDS = 64, SW_EXTRA_MEMBERS = 32 };

/* One object on its way into a row. */
typedef struct reader {
    const sw_record *record;
    const uint8_t *shown;
    size_t shown_count;
    size_t expected; /* place in `shown` of the member that should come next */
    sw_json *json;
    sw_arena *arena;
    void *row;
    const char *path;
    sw_error *err;
    const sw_json_extra *extra; /* NULL: none */
    uint64_t mask;              /* the members that were there */
    uint32_t extra_mask;        /* the same of `extra` */
} reader;

/* `why` is the rest of a sentence that begins with the member's name. */
static sw_status refuse(const reader *in, sw_str name, const char *why)
{
    char field[65];
    snprintf(field, sizeof field, "%.*s", (int)sw_utf8_prefix(name, 64), name.ptr);
    (void)sw_fail(in->err, SW_STATUS_INVALID, field, "%s (at byte %zu)", why, in->json->offset);
    if (in->err) {
        sw_error_path(in->err, in->path);
    }
    return SW_STATUS_INVALID;
}

static sw_str field_name(const sw_field *field)
{
    return sw_str_make(field->name, field->name_len);
}

/* What is not JSON at all; or there was no memory to decode it. */
static sw_status bad_json(const reader *in, sw_str name)
{
    char why[120];
    if (in->json->arena && in->json->arena->failed) {
        return sw_no_memory(in->err);
    }
    snprintf(why, sizeof why, "is not valid JSON: %s",
             in->json->error ? in->json->error : "it ends");
    return refuse(in, name, why);
}

static sw_status read_raw(const reader *in, const sw_field *field)
{
    bool array = field->kind == SW_KIND_TAGS || field->flags & SW_ARRAY;
    sw_str raw = SW_NULL_STR;
    if (in->json->type != (array ? SW_JSON_ARRAY : SW_JSON_OBJECT)) {
        return refuse(in, field_name(field), array ? "is not an array" : "is not an object");
    }
    if (!sw_json_skip(in->json, &raw)) {
        return bad_json(in, field_name(field));
    }
    sw_str *text = sw_field_str(field, in->row);
    *text = sw_json_compact(raw, in->arena);
    return text->ptr ? SW_STATUS_OK : sw_no_memory(in->err);
}

static sw_status read_string(const reader *in, const sw_field *field)
{
    if (in->json->type != SW_JSON_STRING) {
        return refuse(in, field_name(field), "is not a string");
    }
    *sw_field_str(field, in->row) = in->json->text;
    return SW_STATUS_OK;
}

/* A word of a list, or a time: what its text form says. */
static sw_status read_parsed(const reader *in, const sw_field *field)
{
    sw_error why = {.status = SW_STATUS_OK};
    if (in->json->type != SW_JSON_STRING) {
        return refuse(in, field_name(field), "is not a string");
    }
    if (sw_field_parse(field, in->row, in->json->text, &why) != SW_STATUS_OK) {
        return refuse(in, field_name(field), why.message);
    }
    return SW_STATUS_OK;
}

static sw_status read_bool(const reader *in, const sw_field *field)
{
    if (in->json->type != SW_JSON_TRUE && in->json->type != SW_JSON_FALSE) {
        return refuse(in, field_name(field), "is neither true nor false");
    }
    *sw_field_int(field, in->row) = sw_int_of(in->json->type == SW_JSON_TRUE);
    return SW_STATUS_OK;
}

static sw_status read_integer(const reader *in, const sw_field *field, int64_t low, int64_t high)
{
    int64_t value = in->json->integer;
    char why[96];
    if (in->json->type != SW_JSON_NUMBER || !in->json->is_integer) {
        return refuse(in, field_name(field), "is not an integer of 64 bits");
    }
    if (value < low || value > high) {
        snprintf(why, sizeof why, "is not between %lld and %lld", (long long)low, (long long)high);
        return refuse(in, field_name(field), why);
    }
    *sw_field_int(field, in->row) = sw_int_of(value);
    return SW_STATUS_OK;
}

static sw_status read_value(const reader *in, const sw_field *field)
{
    switch (field->kind) {
    case SW_KIND_ID:
    case SW_KIND_HEX:
    case SW_KIND_TEXT:
    case SW_KIND_WORD:
        return read_string(in, field);
    case SW_KIND_JSON:
    case SW_KIND_TAGS:
        return read_raw(in, field);
    case SW_KIND_ENUM:
    case SW_KIND_TIME:
        return read_parsed(in, field);
    case SW_KIND_BOOL:
        return read_bool(in, field);
    case SW_KIND_INT:
        return read_integer(in, field, 0, SW_LIMIT_TOKENS);
    case SW_KIND_LONG:
        return read_integer(in, field, INT64_MIN, INT64_MAX);
    case SW_KIND_BYTES:
    case SW_KIND_COUNT:
        break;
    }
    SW_IMPOSSIBLE("bytes are not shown");
}

/* The field of that name, or NULL. Senders keep to one order, mostly ours, so the search begins
 * behind the member before; lengths tell most names apart without looking at them.
 */
static const sw_field *find_member(reader *in, sw_str name)
{
    for (size_t i = 0; i < in->shown_count; i++) {
        size_t place = in->expected + i;
        const sw_field *field = NULL;
        place -= place >= in->shown_count ? in->shown_count : 0;
        field = &in->record->fields[in->shown[place]];
        if (field->name_len == name.len && memcmp(field->name, name.ptr, name.len) == 0) {
            in->expected = place + 1 == in->shown_count ? 0 : place + 1;
            return field;
        }
    }
    return NULL;
}

static sw_status refuse_unknown(const reader *in, sw_str name)
{
    const char *names[SW_RECORD_FIELDS + SW_EXTRA_MEMBERS];
    char why[120];
    size_t count = 0;
    int near = -1;
    for (size_t i = 0; i < in->shown_count; i++) {
        names[count++] = in->record->fields[in->shown[i]].name;
    }
    for (size_t i = 0; in->extra && i < in->extra->count; i++) {
        names[count++] = in->extra->names[i];
    }
    near = sw_nearest(name, names, count);
    if (near < 0) {
        snprintf(why, sizeof why, "is not a member of %s", in->record->name);
    } else {
        snprintf(why, sizeof why, "is not a member of %s; did you mean %s?", in->record->name,
                 names[near]);
    }
    return refuse(in, name, why);
}

static sw_status skip_unknown(const reader *in, sw_str name)
{
    (void)sw_json_next(in->json);
    return sw_json_skip(in->json, NULL) ? SW_STATUS_OK : bad_json(in, name);
}

static sw_status read_member(const reader *in, const sw_field *field)
{
    switch (sw_json_next(in->json)) {
    case SW_JSON_ERROR:
    case SW_JSON_END:
        return bad_json(in, field_name(field));
    case SW_JSON_NULL:
        sw_field_clear(field, in->row);
        return SW_STATUS_OK;
    default:
        return read_value(in, field);
    }
}

/* The place in `extra` of the member of that name, or -1. */
static int find_extra(const reader *in, sw_str name)
{
    for (size_t i = 0; in->extra && i < in->extra->count; i++) {
        if (sw_str_eq(name, sw_str_from(in->extra->names[i]))) {
            return (int)i;
        }
    }
    return -1;
}

static sw_status read_extra(reader *in, sw_str name, size_t place)
{
    if (in->extra_mask & UINT32_C(1) << place) {
        return refuse(in, name, "is there twice");
    }
    in->extra_mask |= UINT32_C(1) << place;
    if (sw_json_next(in->json) == SW_JSON_ERROR) {
        return bad_json(in, name);
    }
    return in->extra->read(in->extra->arg, place, in->err);
}

/* A member that is not the record's own. */
static sw_status read_other(reader *in, unsigned flags, sw_str name)
{
    int place = find_extra(in, name);
    if (place >= 0) {
        return read_extra(in, name, (size_t)place);
    }
    return flags & SW_READ_STRICT ? refuse_unknown(in, name) : skip_unknown(in, name);
}

static sw_status read_own(reader *in, const sw_field *field, sw_str name)
{
    uint64_t bit = SW_MASK(field - in->record->fields);
    if (in->mask & bit) {
        return refuse(in, name, "is there twice");
    }
    in->mask |= bit;
    return read_member(in, field);
}

static sw_status read_object(reader *in, unsigned flags)
{
    sw_json *json = in->json;
    if (json->type != SW_JSON_OBJECT) {
        return json->type == SW_JSON_ERROR ? bad_json(in, SW_STR(""))
                                           : refuse(in, SW_STR(""), "is not an object");
    }
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str name = json->text;
        const sw_field *field = find_member(in, name);
        sw_status status = field ? read_own(in, field, name) : read_other(in, flags, name);
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return json->type == SW_JSON_OBJECT_END ? SW_STATUS_OK : bad_json(in, SW_STR(""));
}

sw_status sw_record_read_json_and(sw_record_id id, unsigned flags, sw_json *json, sw_arena *arena,
                                  void *row, uint64_t *seen, const sw_json_extra *extra,
                                  const char *path, sw_error *err)
{
    reader in = {.record = sw_record_of(id),
                 .json = json,
                 .arena = arena,
                 .row = row,
                 .path = path,
                 .err = err,
                 .extra = extra};
    sw_status status = SW_STATUS_OK;
    sw_implies(extra != NULL, extra->count <= SW_EXTRA_MEMBERS);
    in.shown = sw_record_shown(id, &in.shown_count);
    status = read_object(&in, flags);
    if (seen && status == SW_STATUS_OK) {
        *seen = in.mask;
    }
    return status;
}

sw_status sw_record_read_json(sw_record_id id, unsigned flags, sw_json *json, sw_arena *arena,
                              void *row, uint64_t *seen, const char *path, sw_error *err)
{
    return sw_record_read_json_and(id, flags, json, arena, row, seen, NULL, path, err);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_text(const sw_field *field, sw_str text, sw_json_out *out)
{
    if (field->flags & SW_SECRET) {
        sw_json_null(out);
    } else if (field->kind == SW_KIND_TAGS && !text.ptr && field->flags & SW_NOT_NULL) {
        sw_json_raw(out, SW_STR("[]"));
    } else if (field->kind == SW_KIND_JSON || field->kind == SW_KIND_TAGS) {
        sw_json_raw(out, text);
    } else {
        sw_json_str(out, text);
    }
}

static void write_number(const sw_field *field, int64_t value, sw_json_out *out)
{
    char time[SW_TIME_TEXT];
    if (field->kind == SW_KIND_ENUM) {
        sw_json_str(out, sw_str_from(sw_enum_word(field->words, value)));
    } else if (field->kind == SW_KIND_BOOL) {
        sw_json_bool(out, value != 0);
    } else if (field->kind == SW_KIND_TIME) {
        size_t len = sw_time_print(value, !(field->flags & SW_ZONELESS), time);
        sw_json_str(out, sw_str_make(time, len));
    } else {
        sw_json_int(out, value);
    }
}

static void write_field(const sw_field *field, const void *row, sw_json_out *out)
{
    sw_json_key(out, field_name(field));
    if (sw_kind_is_text(field->kind)) {
        write_text(field, sw_field_text(field, row), out);
    } else if (sw_field_number(field, row).known) {
        write_number(field, sw_field_number(field, row).value, out);
    } else {
        sw_json_null(out);
    }
}

void sw_record_write_known(sw_record_id id, uint64_t mask, const void *row, sw_json_out *out)
{
    const sw_record *record = sw_record_of(id);
    for (size_t i = 0; i < record->field_count; i++) {
        if ((mask & SW_MASK(i)) && !sw_field_is_null(&record->fields[i], row)) {
            write_field(&record->fields[i], row, out);
        }
    }
}

/* ---- many fields at once --------------------------------------------------------------------- */

/* Room for a head, and for a value that is no text. */
enum {
    HEAD_ROOM = sizeof(sw_json_head){0}.text,
    NUMBER_ROOM = SW_TIME_TEXT + 2 > SW_INT_TEXT ? SW_TIME_TEXT + 2 : SW_INT_TEXT,
    MEMBER_ROOM = HEAD_ROOM + NUMBER_ROOM,
    TEXTS_ROOM = 2048 /* most rows' texts together */
};

static char *put(char *at, sw_str bytes)
{
    memcpy(at, bytes.ptr, bytes.len);
    return at + bytes.len;
}

static char *put_quoted(char *at, sw_str text)
{
    *at++ = '"';
    at = put(at, text);
    *at++ = '"';
    return at;
}

/* NULL: it needs escapes or more than `room`, or is of a kind that is seldom there. */
static char *put_text(char *at, size_t room, const sw_field *field, sw_str text)
{
    bool raw = field->kind == SW_KIND_JSON || field->kind == SW_KIND_TAGS;
    if (!text.ptr) {
        return raw && field->flags & SW_NOT_NULL ? NULL : put(at, SW_STR("null"));
    }
    if (text.len > room || field->flags & SW_SECRET || (!raw && !sw_json_plain(text))) {
        return NULL;
    }
    return raw ? put(at, text) : put_quoted(at, text);
}

static char *put_number(char *at, const sw_field *field, sw_int number)
{
    if (!number.known) {
        return put(at, SW_STR("null"));
    }
    if (field->kind == SW_KIND_ENUM) {
        return put_quoted(at, sw_str_from(sw_enum_word(field->words, number.value)));
    }
    if (field->kind == SW_KIND_BOOL) {
        return put(at, number.value ? SW_STR("true") : SW_STR("false"));
    }
    if (field->kind != SW_KIND_TIME) {
        return at + sw_int_print(number.value, at);
    }
    *at++ = '"';
    at += sw_time_print(number.value, !(field->flags & SW_ZONELESS), at);
    *at++ = '"';
    return at;
}

/* The place behind the head, its comma left out where none is due. All of its room is copied: a copy of a fixed length
 * is a few instructions. */
static char *put_head(char *at, const sw_json_head *head, bool comma)
{
    memcpy(at, head->text + !comma, HEAD_ROOM - 1);
    return at + head->len - !comma;
}

static char *put_value(char *at, size_t room, const sw_field *field, const void *row)
{
    return sw_kind_is_text(field->kind) ? put_text(at, room, field, sw_field_text(field, row))
                                        : put_number(at, field, sw_field_number(field, row));
}

/* As many of the members as are plain, from place `from` on and before `to`; answers how many. One look at the buffer
 * serves all of them: field by field, what is around the values would cost more than the values. */
static size_t write_plain(const sw_record *record, const sw_json_order *order, size_t from,
                          size_t to, const void *row, sw_json_out *out)
{
    bool comma = false;
    char *at = sw_json_members(out, (to - from) * MEMBER_ROOM + TEXTS_ROOM, &comma);
    const char *most = at ? at + TEXTS_ROOM : NULL; /* where the members so far may end */
    size_t i = from;
    for (char *next = at; at && i < to; i++, at = next, comma = true, most += MEMBER_ROOM) {
        const sw_field *field = &record->fields[order->fields[i]];
        next = put_value(put_head(at, &order->heads[i], comma), (size_t)(most - at), field, row);
        if (!next) {
            break;
        }
    }
    if (at) {
        sw_json_members_end(out, at);
    }
    return i - from;
}

static void write_fields(const sw_record *record, const sw_json_order *order, size_t from,
                         size_t to, const void *row, sw_json_out *out)
{
    for (size_t i = from; i < to;) {
        i += write_plain(record, order, i, to, row, out);
        if (i < to) {
            write_field(&record->fields[order->fields[i++]], row, out);
        }
    }
}

void sw_record_write_json(sw_record_id id, const void *row, sw_json_out *out)
{
    const sw_record *record = sw_record_of(id);
    const sw_json_order *order = &sw__json_orders[id];
    sw_json_open(out, '{');
    write_fields(record, order, 0, order->count, row, out);
    sw_json_close(out, '}');
}

/* The relation that shows, or NULL. */
static const sw_relation *shown_relation(const sw_record *record)
{
    for (size_t i = 0; i < record->relation_count; i++) {
        if (record->relations[i].shown_after) {
            return &record->relations[i];
        }
    }
    return NULL;
}

void sw_record_write_api(sw_record_id id, const void *row, sw_json_out *out)
{
    const sw_record *record = sw_record_of(id);
    const sw_relation *relation = shown_relation(record);
    const sw_json_order *order = &sw__json_orders[id];
    size_t before = 0; /* fields up to the one that the relation is behind */
    while (relation && before < order->count && order->fields[before++] != relation->shown_after) {
    }
    sw_json_open(out, '{');
    write_fields(record, order, 0, before, row, out);
    if (relation) {
        sw_json_key(out, sw_str_from(relation->name));
        sw_json_raw(out, SW_STR("[]"));
    }
    write_fields(record, order, before, order->count, row, out);
    sw_json_close(out, '}');
}
