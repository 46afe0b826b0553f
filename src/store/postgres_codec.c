/* SPDX-License-Identifier: Apache-2.0 */
/* A field into a parameter and back, in PostgreSQL's binary form: numbers in network order, times as
 * microseconds since 2000, text and JSON as their bytes. Knows nothing of statements.
 */
#include "store/postgres_impl.h"

enum { ARRAY_HEAD = 20 };

/* Microseconds from 1970 to 2000; the first moment that PostgreSQL knows (4714 BC), and the last that we
 * do: its own infinities stand for what is beyond. */
static const int64_t epoch_us = INT64_C(946684800000000);
static const int64_t first_us = INT64_C(-210866803200000000);
static const int64_t last_us = INT64_MAX - 1;

/* ---- kinds -------------------------------------------------------------------------------------- */

sw_pg_form sw__pg_form(const sw_field *field)
{
    switch (field->kind) {
    case SW_KIND_ID:
    case SW_KIND_HEX:
    case SW_KIND_TEXT:
    case SW_KIND_WORD:
        return SW_PG_TEXT;
    case SW_KIND_JSON:
    case SW_KIND_TAGS:
        return SW_PG_JSON;
    case SW_KIND_BYTES:
        return SW_PG_BYTES;
    case SW_KIND_ENUM:
        return field->postgres ? SW_PG_LABEL : SW_PG_WORD;
    case SW_KIND_BOOL:
        return SW_PG_BOOL;
    case SW_KIND_INT:
        return SW_PG_INT4;
    case SW_KIND_LONG:
        return SW_PG_INT8;
    case SW_KIND_TIME:
        return field->flags & SW_ZONELESS ? SW_PG_LOCAL_TIME : SW_PG_TIME;
    case SW_KIND_COUNT:
        break;
    }
    SW_IMPOSSIBLE("a kind without a form");
}

const char *sw__pg_type(const sw_field *field)
{
    return field->postgres                          ? field->postgres
           : sw__pg_form(field) == SW_PG_LOCAL_TIME ? "timestamp"
                                                    : sw__kinds[field->kind].postgres_type;
}

static Oid oid_of(sw_pg_form form)
{
    static const Oid oids[] = {
        [SW_PG_TEXT] = SW_PG_OID_TEXT,        [SW_PG_JSON] = SW_PG_OID_JSON,
        [SW_PG_BYTES] = SW_PG_OID_BYTEA,      [SW_PG_INT4] = SW_PG_OID_INT4,
        [SW_PG_INT8] = SW_PG_OID_INT8,        [SW_PG_BOOL] = SW_PG_OID_BOOL,
        [SW_PG_TIME] = SW_PG_OID_TIMESTAMPTZ, [SW_PG_LOCAL_TIME] = SW_PG_OID_TIMESTAMP,
        [SW_PG_WORD] = SW_PG_OID_TEXT,        [SW_PG_LABEL] = SW_PG_OID_TEXT};
    return oids[form];
}

const char *sw__pg_array_type(const sw_field *field)
{
    switch (oid_of(sw__pg_form(field))) {
    case SW_PG_OID_JSON:
        return "json[]";
    case SW_PG_OID_BYTEA:
        return "bytea[]";
    case SW_PG_OID_INT4:
        return "int4[]";
    case SW_PG_OID_INT8:
        return "int8[]";
    case SW_PG_OID_BOOL:
        return "bool[]";
    case SW_PG_OID_TIMESTAMPTZ:
        return "timestamptz[]";
    case SW_PG_OID_TIMESTAMP:
        return "timestamp[]";
    default:
        return "text[]";
    }
}

void sw__pg_print_cast(const sw_field *field, sw_buf *sql)
{
    if (sw__pg_form(field) == SW_PG_LABEL) {
        sw_buf_addf(sql, "::%s", field->postgres);
    }
}

void sw__pg_print_parameter(const sw_field *field, int number, sw_buf *sql)
{
    sw_buf_addf(sql, "$%d", number);
    sw__pg_print_cast(field, sql);
}

/* ---- numbers ------------------------------------------------------------------------------------ */

static void put_number(uint64_t number, size_t bytes, char *out)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (char)(number >> (8 * (bytes - 1 - i)));
    }
}

static uint64_t take_number(const char *from, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        number = number << 8 | (unsigned char)from[i];
    }
    return number;
}

static int64_t time_out(int64_t us)
{
    return us < first_us ? INT64_MIN : us > last_us ? INT64_MAX : us - epoch_us;
}

static int64_t time_in(int64_t us)
{
    return us == INT64_MIN || us == INT64_MAX ? us : us + epoch_us;
}

/* Writes a number's binary form and answers how long it is. */
static size_t encode_number(sw_pg_form form, int64_t number, char out[16])
{
    switch (form) {
    case SW_PG_BOOL:
        out[0] = (char)(number != 0);
        return 1;
    case SW_PG_INT4:
        put_number((uint64_t)number, 4, out);
        return 4;
    case SW_PG_TIME:
    case SW_PG_LOCAL_TIME:
        put_number((uint64_t)time_out(number), 8, out);
        return 8;
    case SW_PG_INT8:
        put_number((uint64_t)number, 8, out);
        return 8;
    case SW_PG_TEXT:
    case SW_PG_JSON:
    case SW_PG_BYTES:
    case SW_PG_WORD:
    case SW_PG_LABEL:
        break;
    }
    SW_IMPOSSIBLE("a number of a form held as text");
}

/* The word of an ENUM as its column holds it; null when there is no such word. */
static sw_str enum_text(const sw_field *field, sw_pg_form form, int64_t value, char out[16])
{
    sw_str word = sw_str_from(sw_enum_word(field->words, value));
    if (form == SW_PG_WORD || !word.ptr) {
        return word;
    }
    sw_assert(word.len <= 16);
    for (size_t i = 0; i < word.len; i++) {
        out[i] = (char)(word.ptr[i] >= 'a' && word.ptr[i] <= 'z' ? word.ptr[i] - 32 : word.ptr[i]);
    }
    return sw_str_make(out, word.len);
}

/* A field's value as bytes: its own text, or what is written to `small`. Null is null. */
static sw_str encode(const sw_field *field, sw_pg_form form, const void *row, char small[16])
{
    if (sw_kind_is_text(field->kind)) {
        return sw_field_text(field, row);
    }
    sw_int number = sw_field_number(field, row);
    if (!number.known) {
        return SW_NULL_STR;
    }
    if (form == SW_PG_WORD || form == SW_PG_LABEL) {
        return enum_text(field, form, number.value, small);
    }
    return sw_str_make(small, encode_number(form, number.value, small));
}

/* ---- parameters --------------------------------------------------------------------------------- */

static void add(sw_pg_values *values, sw_str bytes, Oid type)
{
    sw_assert(values->count < SW_PG_PARAMETERS);
    values->at[values->count] = bytes.ptr;
    values->len[values->count] = (int)bytes.len;
    values->format[values->count] = 1;
    values->type[values->count++] = type;
}

void sw__pg_bind_null(sw_pg_values *values, Oid type)
{
    add(values, SW_NULL_STR, type);
}

void sw__pg_bind_text(sw_pg_values *values, sw_str text)
{
    add(values, text, SW_PG_OID_TEXT);
}

void sw__pg_bind_long(sw_pg_values *values, int64_t number)
{
    char *small = values->small[values->count];
    put_number((uint64_t)number, 8, small);
    add(values, sw_str_make(small, 8), SW_PG_OID_INT8);
}

void sw__pg_bind_field(sw_pg_values *values, const sw_table *table, size_t i, const void *row)
{
    sw_pg_form form = (sw_pg_form)table->forms[i];
    add(values, encode(&table->model->fields[i], form, row, values->small[values->count]),
        oid_of(form));
}

/* No row can hold text that is no text; PostgreSQL would not take it either. */
static sw_str possible(sw_str text)
{
    bool is_text = text.ptr && sw_utf8_valid(text) && !memchr(text.ptr, 0, text.len);
    return is_text ? text : SW_NULL_STR;
}

void sw__pg_bind_value(sw_pg_values *values, const sw_table *table, size_t i, const sw_value *value,
                       bool place)
{
    const sw_field *field = &table->model->fields[i];
    sw_pg_form form = (sw_pg_form)table->forms[i];
    char *small = values->small[values->count];
    if (form == SW_PG_BYTES) {
        add(values, value->text, SW_PG_OID_BYTEA);
    } else if (sw_kind_is_text(field->kind)) {
        sw__pg_bind_text(values, possible(value->text));
    } else if (!place && (form == SW_PG_WORD || form == SW_PG_LABEL)) {
        add(values, enum_text(field, form, value->number, small), SW_PG_OID_TEXT);
    } else if (form == SW_PG_TIME || form == SW_PG_LOCAL_TIME || form == SW_PG_BOOL) {
        add(values, sw_str_make(small, encode_number(form, value->number, small)), oid_of(form));
    } else {
        sw__pg_bind_long(values, value->number);
    }
}

/* ---- arrays ------------------------------------------------------------------------------------- */

/* One dimension of `count` values, counted from 1. */
static char *begin_array(Oid type, size_t count, bool has_nulls, size_t bytes, sw_arena *arena)
{
    char *at = sw_arena_alloc(arena, ARRAY_HEAD + 4 * count + bytes);
    if (at) {
        put_number(1, 4, at);
        put_number(has_nulls, 4, at + 4);
        put_number(type, 4, at + 8);
        put_number(count, 4, at + 12);
        put_number(1, 4, at + 16);
    }
    return at;
}

static char *add_value(char *at, sw_str bytes)
{
    put_number(bytes.ptr ? bytes.len : UINT32_MAX, 4, at);
    if (bytes.ptr && bytes.len > 0) {
        memcpy(at + 4, bytes.ptr, bytes.len);
    }
    return at + 4 + (bytes.ptr ? bytes.len : 0);
}

bool sw__pg_bind_array(sw_pg_values *values, const sw_table *table, size_t i,
                       const void *const *rows, size_t count, sw_arena *arena)
{
    const sw_field *field = &table->model->fields[i];
    sw_pg_form form = (sw_pg_form)table->forms[i];
    char small[16];
    size_t bytes = 0;
    bool has_nulls = false;
    for (size_t k = 0; k < count; k++) {
        sw_str value = encode(field, form, rows[k], small);
        bytes += value.ptr ? value.len : 0;
        has_nulls = has_nulls || !value.ptr;
    }
    char *head = begin_array(oid_of(form), count, has_nulls, bytes, arena);
    if (!head) {
        return false;
    }
    char *at = head + ARRAY_HEAD;
    for (size_t k = 0; k < count; k++) {
        at = add_value(at, encode(field, form, rows[k], small));
    }
    add(values, sw_str_make(head, (size_t)(at - head)), 0);
    return true;
}

bool sw__pg_bind_texts(sw_pg_values *values, const sw_str *texts, size_t count, sw_arena *arena)
{
    size_t bytes = 0;
    for (size_t k = 0; k < count; k++) {
        bytes += texts[k].len;
    }
    char *head = begin_array(SW_PG_OID_TEXT, count, false, bytes, arena);
    if (!head) {
        return false;
    }
    char *at = head + ARRAY_HEAD;
    for (size_t k = 0; k < count; k++) {
        at = add_value(at, texts[k]);
    }
    add(values, sw_str_make(head, (size_t)(at - head)), 0);
    return true;
}

/* ---- answers ------------------------------------------------------------------------------------ */

int64_t sw__pg_read_long(const PGresult *from, int line, int column)
{
    sw_assert(sw__pq.getlength(from, line, column) == 8);
    return (int64_t)take_number(sw__pq.getvalue(from, line, column), 8);
}

static sw_status read_enum(const sw_field *field, sw_pg_form form, bool adopted, sw_str text,
                           sw_int *out, sw_error *err)
{
    char lower[32];
    bool fits = text.len <= sizeof lower;
    for (size_t i = 0; fits && i < text.len; i++) {
        bool upper = form == SW_PG_LABEL && text.ptr[i] >= 'A' && text.ptr[i] <= 'Z';
        lower[i] = (char)(upper ? text.ptr[i] + 32 : text.ptr[i]);
    }
    int found = fits ? sw_enum_find(field->words, sw_str_make(lower, text.len)) : -1;
    if (found < 0 && adopted) {
        *out = sw__pg_adopted_word(field, text);
        return SW_STATUS_OK;
    }
    if (found < 0) {
        return sw_fail(err, SW_STATUS_CORRUPT, field->name, "holds a word that nobody knows");
    }
    *out = sw_int_of(found);
    return SW_STATUS_OK;
}

static sw_status read_number(const sw_field *field, sw_pg_form form, bool adopted, sw_str bytes,
                             sw_int *out, sw_error *err)
{
    switch (form) {
    case SW_PG_WORD:
    case SW_PG_LABEL:
        return read_enum(field, form, adopted, bytes, out, err);
    case SW_PG_BOOL:
        *out = sw_int_of(bytes.ptr[0] != 0);
        return SW_STATUS_OK;
    case SW_PG_INT4:
        *out = sw_int_of((int32_t)(uint32_t)take_number(bytes.ptr, 4));
        return SW_STATUS_OK;
    case SW_PG_INT8:
        *out = sw_int_of((int64_t)take_number(bytes.ptr, 8));
        return SW_STATUS_OK;
    case SW_PG_TIME:
    case SW_PG_LOCAL_TIME:
        *out = sw_int_of(time_in((int64_t)take_number(bytes.ptr, 8)));
        return SW_STATUS_OK;
    case SW_PG_TEXT:
    case SW_PG_JSON:
    case SW_PG_BYTES:
        break;
    }
    SW_IMPOSSIBLE("a number of a form held as text");
}

sw_status sw__pg_read(const sw_table *table, size_t i, const PGresult *from, int line, int column,
                      sw_arena *arena, void *row, sw_error *err)
{
    const sw_field *field = &table->model->fields[i];
    if (sw__pq.getisnull(from, line, column)) {
        sw_field_clear(field, row);
        return SW_STATUS_OK;
    }
    sw_str bytes = sw_str_make(sw__pq.getvalue(from, line, column),
                               (size_t)sw__pq.getlength(from, line, column));
    if (!sw_kind_is_text(field->kind)) {
        return read_number(field, (sw_pg_form)table->forms[i], table->adopted, bytes,
                           sw_field_int(field, row), err);
    }
    if (table->adopted && table->forms[i] == SW_PG_JSON) {
        bytes = sw__pg_adopted_json(field, sw__pq.getvalue(from, line, column), bytes.len);
    }
    if (!bytes.ptr) {
        sw_field_clear(field, row);
        return SW_STATUS_OK;
    }
    *sw_field_str(field, row) = arena ? sw_arena_str(arena, bytes) : bytes;
    return arena && arena->failed ? sw_no_memory(err) : SW_STATUS_OK;
}
