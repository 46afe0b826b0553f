/* SPDX-License-Identifier: Apache-2.0 */
/* Values between the model and the file: one field into one column and back, by the field's form. Knows
 * nothing of tables and verbs; what number stands for a word or a parent it asks sqlite_numbers.c.
 */
#include "store/sqlite_impl.h"

/* ---- into the file ------------------------------------------------------------------------------ */

static void set_null(const sw_field *field, sw_lite_value *out)
{
    bool bytes = sw__lite_form(field) == SW_LITE_ID;
    out->is = SW_LITE_IS_NULL;
    if (sw__null_part(field)) {
        out->is = bytes ? SW_LITE_IS_BLOB : SW_LITE_IS_INT;
        out->number = 0;
        out->ptr = "";
        out->len = 0;
    }
}

static void set_key(const sw_field *field, sw_str text, sw_lite_value *out)
{
    out->is = SW_LITE_IS_UNKNOWN;
    if (sw_key_encode(text, sw__lite_home(field), &out->key)) {
        out->is = out->key.escaped ? SW_LITE_IS_TEXT : SW_LITE_IS_BLOB;
        out->ptr = out->key.bytes;
        out->len = out->key.len;
    }
}

static void set_hex(sw_str text, sw_lite_value *out)
{
    bool bytes = sw_hex_parse(text, out->key.bytes, SW_UUID);
    out->is = bytes ? SW_LITE_IS_BLOB : SW_LITE_IS_TEXT;
    out->ptr = bytes ? (const void *)out->key.bytes : text.ptr;
    out->len = bytes ? (size_t)SW_UUID : text.len;
}

static void set_text(sw_lite_is is, sw_str text, sw_lite_value *out)
{
    out->is = is;
    out->ptr = text.ptr;
    out->len = text.len;
}

static void set_number(int64_t number, sw_lite_value *out)
{
    out->is = number ? SW_LITE_IS_INT : SW_LITE_IS_UNKNOWN;
    out->number = number;
}

sw_status sw__lite_encode(sw_lite_session *session, const sw_field *field, const void *row,
                          bool add, sw_lite_value *out, sw_error *err)
{
    sw_lite_form form = sw__lite_form(field);
    sw_status status = SW_STATUS_OK;
    int64_t number = 0;
    if (form == SW_LITE_NUMBER) {
        sw_int value = sw_field_number(field, row);
        out->is = value.known ? SW_LITE_IS_INT : SW_LITE_IS_NULL;
        out->number = value.value;
        return SW_STATUS_OK;
    }
    sw_str text = sw_field_text(field, row);
    if (!text.ptr) {
        set_null(field, out);
        return SW_STATUS_OK;
    }
    switch (form) {
    case SW_LITE_TEXT:
        set_text(SW_LITE_IS_TEXT, text, out);
        break;
    case SW_LITE_BYTES:
        set_text(SW_LITE_IS_BLOB, text, out);
        break;
    case SW_LITE_ID:
        set_key(field, text, out);
        break;
    case SW_LITE_HEX:
        set_hex(text, out);
        break;
    case SW_LITE_WORD:
        status = sw__lite_word(session, text, add, &number, err);
        set_number(number, out);
        break;
    case SW_LITE_REF:
        status =
            sw__lite_pk(session, (sw_record_id)(field->ref.record_plus_1 - 1), text, &number, err);
        set_number(number, out);
        break;
    case SW_LITE_NUMBER:
        break;
    }
    return status;
}

static void bind_text(sqlite3_stmt *stmt, int at, const void *ptr, size_t len)
{
    int rc = sqlite3_bind_text(stmt, at, ptr, (int)len, SQLITE_STATIC);
    sw_assert(rc == SQLITE_OK);
}

void sw__lite_bind(sqlite3_stmt *stmt, int at, const sw_lite_value *value)
{
    int rc = SQLITE_OK;
    switch (value->is) {
    case SW_LITE_IS_NULL:
        rc = sqlite3_bind_null(stmt, at);
        break;
    case SW_LITE_IS_INT:
        rc = sqlite3_bind_int64(stmt, at, value->number);
        break;
    case SW_LITE_IS_TEXT:
        bind_text(stmt, at, value->ptr, value->len);
        break;
    case SW_LITE_IS_BLOB:
        rc = sqlite3_bind_blob(stmt, at, value->ptr, (int)value->len, SQLITE_STATIC);
        break;
    case SW_LITE_IS_UNKNOWN:
        SW_IMPOSSIBLE("an unknown value has no column form");
    }
    sw_assert(rc == SQLITE_OK);
}

/* ---- a field into a parameter --------------------------------------------------------------------- */

/* What the parameter will hold; true: it does so already. Half of a row's numbers are those of the row that its
 * parameters held before. */
static bool holds(const sw_lite_slot *slot, int at, sw_lite_is is, int64_t number)
{
    bool same = false;
    if (slot->held) {
        sw_lite_held *held = &slot->held[at];
        same = held->is == is && held->number == number;
        held->is = is;
        held->number = number;
    }
    return same;
}

static void bind_number(const sw_lite_slot *slot, int at, int64_t number)
{
    if (!holds(slot, at, SW_LITE_IS_INT, number)) {
        int rc = sqlite3_bind_int64(slot->stmt, at, number);
        sw_assert(rc == SQLITE_OK);
    }
}

static void bind_null(const sw_lite_slot *slot, int at)
{
    if (!holds(slot, at, SW_LITE_IS_NULL, 0)) {
        int rc = sqlite3_bind_null(slot->stmt, at);
        sw_assert(rc == SQLITE_OK);
    }
}

static void bind_bytes(const sw_lite_slot *slot, int at, const void *ptr, size_t len)
{
    int rc = sqlite3_bind_blob(slot->stmt, at, ptr, (int)len, SQLITE_STATIC);
    (void)holds(slot, at, SW_LITE_IS_BLOB, 0);
    sw_assert(rc == SQLITE_OK);
}

static void bind_words(const sw_lite_slot *slot, int at, const void *ptr, size_t len)
{
    (void)holds(slot, at, SW_LITE_IS_TEXT, 0);
    bind_text(slot->stmt, at, ptr, len);
}

/* What stands for null: nothing, or the mark of a null part of a key. */
static void bind_nothing(const sw_field *field, const sw_lite_slot *slot, int at)
{
    if (!sw__null_part(field)) {
        bind_null(slot, at);
    } else if (sw__lite_form(field) == SW_LITE_ID) {
        bind_bytes(slot, at, "", 0);
    } else {
        bind_number(slot, at, 0);
    }
}

/* Takes the bytes into the scratch, where they stay until the statement has run. */
static const char *keep_bytes(sw_lite_scratch *scratch, const void *bytes, size_t len)
{
    char *kept = scratch->at;
    if (len > scratch->left) {
        return NULL;
    }
    memcpy(kept, bytes, len);
    scratch->at += len;
    scratch->left -= len;
    return kept;
}

static sw_lite_fit bind_id(const sw_table *table, size_t i, sw_str text, const sw_lite_slot *slot,
                           int at, sw_lite_scratch *scratch)
{
    sw_key key;
    const char *kept = NULL;
    if (!sw_key_encode(text, table->homes[i], &key)) {
        return SW_LITE_UNKNOWN;
    }
    kept = keep_bytes(scratch, key.bytes, key.len);
    if (kept && key.escaped) {
        bind_words(slot, at, kept, key.len);
    } else if (kept) {
        bind_bytes(slot, at, kept, key.len);
    }
    return kept ? SW_LITE_BOUND : SW_LITE_NO_ROOM;
}

static sw_lite_fit bind_hex(sw_str text, const sw_lite_slot *slot, int at, sw_lite_scratch *scratch)
{
    uint8_t bytes[SW_UUID];
    const char *kept = NULL;
    if (!sw_hex_parse(text, bytes, sizeof bytes)) {
        bind_words(slot, at, text.ptr, text.len);
        return SW_LITE_BOUND;
    }
    kept = keep_bytes(scratch, bytes, sizeof bytes);
    if (kept) {
        bind_bytes(slot, at, kept, sizeof bytes);
    }
    return kept ? SW_LITE_BOUND : SW_LITE_NO_ROOM;
}

static sw_status bind_looked_up(sw_lite_session *session, const sw_table *table, size_t i,
                                sw_str text, const sw_lite_slot *slot, int at, sw_lite_fit *fit,
                                sw_error *err)
{
    int64_t number = 0;
    sw_status status = sw__lite_look_up(session, table, i, text, &number, err);
    *fit = number ? SW_LITE_BOUND : SW_LITE_UNKNOWN;
    if (number) {
        bind_number(slot, at, number);
    }
    return status;
}

sw_status sw__lite_bind_field(sw_lite_session *session, const sw_table *table, size_t i,
                              const void *row, const sw_lite_slot *slot, int at,
                              sw_lite_scratch *scratch, sw_lite_fit *fit, sw_error *err)
{
    const sw_field *field = &table->model->fields[i];
    sw_lite_form form = (sw_lite_form)table->forms[i];
    *fit = SW_LITE_BOUND;
    if (sw_field_is_null(field, row)) {
        bind_nothing(field, slot, at);
        return SW_STATUS_OK;
    }
    if (form == SW_LITE_NUMBER) {
        bind_number(slot, at, sw_field_number(field, row).value);
        return SW_STATUS_OK;
    }
    sw_str text = sw_field_text(field, row);
    if (field->flags & SW_PACKED) {
        bool packed = false;
        sw_status status = sw__lite_pack(slot->stmt, at, text, form == SW_LITE_TEXT, &packed, err);
        if (status != SW_STATUS_OK || packed) {
            (void)holds(slot, at, SW_LITE_IS_BLOB, 0);
            return status;
        }
    }
    switch (form) {
    case SW_LITE_TEXT:
        bind_words(slot, at, text.ptr, text.len);
        return SW_STATUS_OK;
    case SW_LITE_BYTES:
        bind_bytes(slot, at, text.ptr, text.len);
        return SW_STATUS_OK;
    case SW_LITE_ID:
        *fit = bind_id(table, i, text, slot, at, scratch);
        return SW_STATUS_OK;
    case SW_LITE_HEX:
        *fit = bind_hex(text, slot, at, scratch);
        return SW_STATUS_OK;
    case SW_LITE_WORD:
    case SW_LITE_REF:
        return bind_looked_up(session, table, i, text, slot, at, fit, err);
    case SW_LITE_NUMBER:
        break;
    }
    SW_IMPOSSIBLE("an unknown form");
}

/* ---- out of the file ---------------------------------------------------------------------------- */

/* Bytes that no id can have are damage. */
static sw_status read_id(sqlite3_value *value, sw_str home, sw_arena *arena, sw_str *out,
                         sw_error *err)
{
    char text[SW_LIMIT_ID_BYTES + 64];
    sw_key key;
    bool escaped = sqlite3_value_type(value) == SQLITE_TEXT;
    const void *bytes = sqlite3_value_blob(value);
    int len = sqlite3_value_bytes(value);
    if (len > SW_LIMIT_ID_BYTES || (!escaped && len < SW_UUID)) {
        return sw_fail(err, SW_STATUS_CORRUPT, NULL, "an id in the file has %d bytes", len);
    }
    key.escaped = escaped;
    key.len = (uint8_t)len;
    if (len > 0) {
        memcpy(key.bytes, bytes, (size_t)len);
    }
    *out = sw_arena_str(arena, sw_str_make(text, sw_key_decode(&key, home, text)));
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

sw_status sw__lite_read_id(sqlite3_stmt *stmt, int at, sw_str home, sw_arena *arena, sw_str *out,
                           sw_error *err)
{
    return read_id(sqlite3_column_value(stmt, at), home, arena, out, err);
}

static sw_status read_text(sqlite3_value *value, bool borrow, sw_arena *arena, sw_str *out,
                           sw_error *err)
{
    /* value_blob gives text as it lies, without asking for a NUL behind it. */
    const char *ptr = sqlite3_value_blob(value);
    sw_str text = sw_str_make(ptr ? ptr : "", (size_t)sqlite3_value_bytes(value));
    *out = borrow ? text : sw_arena_str(arena, text);
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static sw_status read_hex(sqlite3_value *value, sw_arena *arena, sw_str *out, sw_error *err)
{
    const uint8_t *bytes = sqlite3_value_blob(value);
    size_t len = (size_t)sqlite3_value_bytes(value);
    char *text = sw_arena_alloc(arena, 2 * len + 1);
    if (!text) {
        return sw_no_memory(err);
    }
    sw_hex_print(bytes, len, text);
    text[2 * len] = '\0';
    *out = sw_str_make(text, 2 * len);
    return SW_STATUS_OK;
}

/* What is not in the column: null, or the fallback of a shared field that has no body. */
static sw_status read_null(const sw_field *field, void *row, sw_error *err)
{
    if ((field->flags & SW_SHARED) && (field->flags & SW_NOT_NULL) && field->fallback) {
        return sw_field_parse(field, row, sw_str_from(field->fallback), err);
    }
    sw_field_clear(field, row);
    return SW_STATUS_OK;
}

/* The empty id is text, so no bytes at all can stand for null. */
static bool stands_for_null(sqlite3_value *value, int type)
{
    return type == SQLITE_INTEGER ? sqlite3_value_int64(value) == 0
                                  : type == SQLITE_BLOB && sqlite3_value_bytes(value) == 0;
}

/* Anything but null and numbers. */
static sw_status read_value(sw_lite_session *session, const sw_table *table, size_t i,
                            sqlite3_stmt *stmt, int at, sqlite3_value *value, bool borrow,
                            sw_arena *arena, sw_str *out, sw_error *err)
{
    const sw_field *field = &table->model->fields[i];
    sw_lite_form form = (sw_lite_form)table->forms[i];
    int type = sqlite3_value_type(value);
    if ((field->flags & SW_PACKED) && sw__lite_is_packed(stmt, at, form == SW_LITE_TEXT)) {
        return sw__lite_unpack(stmt, at, arena, out, err);
    }
    if (table->null_parts & SW_MASK(i) && stands_for_null(value, type)) {
        *out = SW_NULL_STR;
        return SW_STATUS_OK;
    }
    switch (form) {
    case SW_LITE_TEXT:
    case SW_LITE_BYTES:
        return read_text(value, borrow, arena, out, err);
    case SW_LITE_ID:
        return read_id(value, table->homes[i], arena, out, err);
    case SW_LITE_HEX:
        return type == SQLITE_BLOB ? read_hex(value, arena, out, err)
                                   : read_text(value, borrow, arena, out, err);
    case SW_LITE_WORD:
        return sw__lite_name(session, SW_LITE_WORDS, sqlite3_value_int64(value), arena, out, err);
    case SW_LITE_REF:
        return sw__lite_name(session, (uint8_t)(field->ref.record_plus_1 - 1),
                             sqlite3_value_int64(value), arena, out, err);
    case SW_LITE_NUMBER:
        break;
    }
    SW_IMPOSSIBLE("an unknown form");
}

/* The value is asked for once: each question to the statement finds its column anew. Most columns hold nothing or a
 * number. */
sw_status sw__lite_read(sw_lite_session *session, const sw_table *table, uint64_t fields,
                        sqlite3_stmt *stmt, int at, bool borrow, sw_arena *arena, void *row,
                        sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    for (; fields && status == SW_STATUS_OK; fields &= fields - 1, at++) {
        size_t i = (size_t)__builtin_ctzll(fields);
        const sw_field *field = &table->model->fields[i];
        sqlite3_value *value = sqlite3_column_value(stmt, at);
        if (sqlite3_value_type(value) == SQLITE_NULL) {
            status = read_null(field, row, err);
        } else if (table->forms[i] == SW_LITE_NUMBER) {
            *sw_field_int(field, row) = sw_int_of(sqlite3_value_int64(value));
        } else {
            status = read_value(session, table, i, stmt, at, value, borrow, arena,
                                sw_field_str(field, row), err);
        }
    }
    return status;
}
