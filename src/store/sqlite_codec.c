/* SPDX-License-Identifier: Apache-2.0 */
/* Values between the model and the file: one field into one column and back, by the field's form. Knows
 * nothing of tables and verbs.
 *
 * Words and references are small numbers in the file. Two memories of fixed size, one entry a place,
 * make them cheap: text to number for the writer, who looks the same few hundred up again and again,
 * and number to text for readers. Every hit is verified by comparing the whole text or number, and what
 * is not remembered is asked of the file, so that a memory can only be slow, never wrong:
 *   - numbers are trusted only inside a write group, when nobody else can change the file, and are
 *     forgotten after a rollback, a removal, or another process's commit;
 *   - words are never deleted, and the row number of a record that others refer to never names another
 *     row, so what a number meant to a reader it means for ever. (A writer's own names are forgotten
 *     with its rollback.)
 */
#include "store/sqlite_impl.h"

struct sw_lite_number {
    int64_t number;
    uint32_t age; /* of the session when it was put here */
    uint8_t of;   /* record, or SW_LITE_WORDS */
    uint8_t len;
    char text[SW_LITE_REMEMBERED + 2];
};
_Static_assert(sizeof(sw_lite_number) == 128, "two cache lines");

struct sw_lite_name {
    int64_t number;
    uint32_t age;
    uint8_t of;
    uint8_t len;
    char text[SW_LITE_REMEMBERED + 2];
};

/* ---- text to number ----------------------------------------------------------------------------- */

/* The place of a text, or NULL when nothing is remembered: outside a write group, text too long, no
 * memory (then it is only slower). */
static sw_lite_number *number_place(sw_lite_session *session, uint8_t of, sw_str text)
{
    if (!session->in_group || text.len > SW_LITE_REMEMBERED) {
        return NULL;
    }
    if (!session->numbers) {
        session->numbers =
            sw_alloc_zeroed(&session->store->allocator, SW_LITE_NUMBERS * sizeof *session->numbers);
        if (!session->numbers) {
            return NULL;
        }
    }
    return &session->numbers[sw_hash(of, text.ptr, text.len) % SW_LITE_NUMBERS];
}

static bool number_known(const sw_lite_session *session, const sw_lite_number *place, uint8_t of,
                         sw_str text)
{
    return place && place->age == session->age && place->of == of && place->len == text.len &&
           memcmp(place->text, text.ptr, text.len) == 0;
}

static void number_put(const sw_lite_session *session, sw_lite_number *place, uint8_t of,
                       sw_str text, int64_t number)
{
    if (place) {
        place->number = number;
        place->age = session->age;
        place->of = of;
        place->len = (uint8_t)text.len;
        memcpy(place->text, text.ptr, text.len);
    }
}

static void build_text(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    (void)session;
    sw_buf_adds(sql, arg);
}

static void build_pk_of_id(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_lite_table *table = arg;
    (void)session;
    sw_buf_addf(sql, "SELECT pk FROM %s_data WHERE id = ?1", table->model->table);
}

/* Steps a statement that answers one number or none; gives it back. */
static sw_status answer(sw_lite_session *session, sw_lite_slot *slot, int64_t *out, sw_error *err)
{
    int rc = sqlite3_step(slot->stmt);
    sw_status status = SW_STATUS_OK;
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(slot->stmt, 0) : 0;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = sw__lite_fail(session->db, rc, "look up a number", err);
    }
    sw__lite_give(slot);
    return status;
}

static void bind_text(sqlite3_stmt *stmt, int at, const void *ptr, size_t len)
{
    int rc = sqlite3_bind_text(stmt, at, ptr, (int)len, SQLITE_STATIC);
    sw_assert(rc == SQLITE_OK);
}

static void bind_key(sqlite3_stmt *stmt, int at, const sw_key *key)
{
    if (key->escaped) {
        bind_text(stmt, at, key->bytes, key->len);
        return;
    }
    int rc = sqlite3_bind_blob(stmt, at, key->bytes, key->len, SQLITE_STATIC);
    sw_assert(rc == SQLITE_OK);
}

static sw_status find_pk(sw_lite_session *session, sw_record_id record, sw_str id, int64_t *pk,
                         sw_error *err)
{
    const sw_lite_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = SW_LITE_PK_OF_ID, .record = (uint8_t)record};
    sw_lite_slot *slot = NULL;
    sw_key key;
    *pk = 0;
    sw_assert(table->shape == SW_SHAPE_OWN_ID);
    if (!sw_key_encode(id, sw__lite_home(&table->model->fields[table->primary]), &key)) {
        return SW_STATUS_OK;
    }
    sw_status status = sw__lite_take(session, &shape, build_pk_of_id, table, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    bind_key(slot->stmt, 1, &key);
    return answer(session, slot, pk, err);
}

sw_status sw__lite_pk(sw_lite_session *session, sw_record_id record, sw_str id, int64_t *pk,
                      sw_error *err)
{
    uint8_t of = (uint8_t)record;
    sw_lite_number *place = number_place(session, of, id);
    if (number_known(session, place, of, id)) {
        *pk = place->number;
        return SW_STATUS_OK;
    }
    sw_status status = find_pk(session, record, id, pk, err);
    if (status == SW_STATUS_OK && *pk) {
        number_put(session, place, of, id, *pk);
    }
    return status;
}

void sw__lite_remember_pk(sw_lite_session *session, sw_record_id record, sw_str id, int64_t pk)
{
    number_put(session, number_place(session, (uint8_t)record, id), (uint8_t)record, id, pk);
}

static sw_status ask_word(sw_lite_session *session, sw_lite_verb verb, const char *sql, sw_str word,
                          int64_t *out, sw_error *err)
{
    const sw_lite_shape shape = {.verb = (uint8_t)verb};
    sw_lite_slot *slot = NULL;
    sw_status status = sw__lite_take(session, &shape, build_text, sql, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    bind_text(slot->stmt, 1, word.ptr, word.len);
    return answer(session, slot, out, err);
}

/* The number of a word; 0 when it has none and none was to be added. */
static sw_status word_number(sw_lite_session *session, sw_str word, bool add, int64_t *out,
                             sw_error *err)
{
    sw_lite_number *place = number_place(session, SW_LITE_WORDS, word);
    if (number_known(session, place, SW_LITE_WORDS, word)) {
        *out = place->number;
        return SW_STATUS_OK;
    }
    sw_status status = ask_word(session, SW_LITE_WORD_FIND, "SELECT id FROM words WHERE word = ?1",
                                word, out, err);
    if (status == SW_STATUS_OK && *out == 0 && add) {
        status = ask_word(session, SW_LITE_WORD_ADD, "INSERT INTO words (word) VALUES (?1)", word,
                          out, err);
        *out = sqlite3_last_insert_rowid(session->db);
    }
    if (status == SW_STATUS_OK && *out) {
        number_put(session, place, SW_LITE_WORDS, word, *out);
    }
    return status;
}

/* ---- into the file ------------------------------------------------------------------------------ */

static void set_null(const sw_field *field, sw_lite_value *out)
{
    bool bytes = sw__lite_form(field) == SW_LITE_ID;
    out->is = SW_LITE_IS_NULL;
    if (sw__lite_null_part(field)) {
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
        status = word_number(session, text, add, &number, err);
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

/* ---- number to text ----------------------------------------------------------------------------- */

static sw_lite_name *name_place(sw_lite_session *session, uint8_t of, int64_t number)
{
    if (!session->names) {
        session->names =
            sw_alloc_zeroed(&session->store->allocator, SW_LITE_NAMES * sizeof *session->names);
        if (!session->names) {
            return NULL;
        }
    }
    uint64_t mixed = ((uint64_t)number + ((uint64_t)of << 40)) * UINT64_C(0x9E3779B97F4A7C15);
    return &session->names[(mixed >> 40) % SW_LITE_NAMES];
}

static bool name_known(const sw_lite_session *session, const sw_lite_name *place, uint8_t of,
                       int64_t number)
{
    return place && place->age == session->age && place->number == number && place->of == of;
}

static void name_put(const sw_lite_session *session, sw_lite_name *place, uint8_t of,
                     int64_t number, sw_str text)
{
    if (place && text.len <= SW_LITE_REMEMBERED) {
        place->number = number;
        place->age = session->age;
        place->of = of;
        place->len = (uint8_t)text.len;
        memcpy(place->text, text.ptr, text.len);
    }
}

static void build_id_of_pk(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_lite_table *table = arg;
    (void)session;
    sw_buf_addf(sql, "SELECT id FROM %s_data WHERE pk = ?1", table->model->table);
}

/* A column of ids as text. Bytes that no id can have are damage. */
static sw_status column_id(sw_lite_session *session, sqlite3_stmt *stmt, int at, sw_str home,
                           sw_arena *arena, sw_str *out, sw_error *err)
{
    char text[SW_LIMIT_ID_BYTES + 64];
    sw_key key;
    bool escaped = sqlite3_column_type(stmt, at) == SQLITE_TEXT;
    const void *bytes = sqlite3_column_blob(stmt, at);
    int len = sqlite3_column_bytes(stmt, at);
    (void)session;
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

static sw_status column_word(sqlite3_stmt *stmt, sw_arena *arena, sw_str *out, sw_error *err)
{
    const char *text = sqlite3_column_blob(stmt, 0);
    size_t len = (size_t)sqlite3_column_bytes(stmt, 0);
    *out = sw_arena_str(arena, sw_str_make(text ? text : "", len));
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

/* A number that names nothing is damage; it becomes a text that names nothing, so that the rows that
 * hold it can still be read and `verify` can say which they are. */
static sw_status dangling(sw_str home, int64_t number, sw_arena *arena, sw_str *out, sw_error *err)
{
    *out = sw_arena_printf(arena, "%.*s-missing-%lld", (int)home.len, home.ptr, (long long)number);
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static sw_status find_name(sw_lite_session *session, uint8_t of, int64_t number, sw_arena *arena,
                           sw_str *out, bool *found, sw_error *err)
{
    bool word = of == SW_LITE_WORDS;
    const sw_lite_table *table = word ? NULL : sw__lite_table(session, (sw_record_id)of);
    sw_str home = word ? SW_STR("word") : sw__lite_home(&table->model->fields[table->primary]);
    const sw_lite_shape shape = {.verb = word ? SW_LITE_WORD_TEXT : SW_LITE_ID_OF_PK, .record = of};
    sw_lite_slot *slot = NULL;
    sw_status status = word ? sw__lite_take(session, &shape, build_text,
                                            "SELECT word FROM words WHERE id = ?1", &slot, err)
                            : sw__lite_take(session, &shape, build_id_of_pk, table, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_lite_value value = {.is = SW_LITE_IS_INT, .number = number};
    sw__lite_bind(slot->stmt, 1, &value);
    int rc = sqlite3_step(slot->stmt);
    *found = rc == SQLITE_ROW;
    if (rc == SQLITE_DONE) {
        status = dangling(home, number, arena, out, err);
    } else if (rc != SQLITE_ROW) {
        status = sw__lite_fail(session->db, rc, "look up a name", err);
    } else {
        status = word ? column_word(slot->stmt, arena, out, err)
                      : column_id(session, slot->stmt, 0, home, arena, out, err);
    }
    sw__lite_give(slot);
    return status;
}

/* The text of a word's or a parent's number, in the arena. */
static sw_status name_of(sw_lite_session *session, uint8_t of, int64_t number, sw_arena *arena,
                         sw_str *out, sw_error *err)
{
    sw_lite_name *place = name_place(session, of, number);
    bool found = false;
    if (name_known(session, place, of, number)) {
        *out = sw_arena_str(arena, sw_str_make(place->text, place->len));
        return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
    }
    sw_status status = find_name(session, of, number, arena, out, &found, err);
    if (status == SW_STATUS_OK && found) {
        name_put(session, place, of, number, *out);
    }
    return status;
}

/* ---- out of the file ---------------------------------------------------------------------------- */

static sw_status read_text(sqlite3_stmt *stmt, int at, bool borrow, sw_arena *arena, sw_str *out,
                           sw_error *err)
{
    /* column_blob gives text as it lies, without asking for a NUL behind it. */
    const char *ptr = sqlite3_column_blob(stmt, at);
    sw_str text = sw_str_make(ptr ? ptr : "", (size_t)sqlite3_column_bytes(stmt, at));
    *out = borrow ? text : sw_arena_str(arena, text);
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static sw_status read_hex(sqlite3_stmt *stmt, int at, sw_arena *arena, sw_str *out, sw_error *err)
{
    const uint8_t *bytes = sqlite3_column_blob(stmt, at);
    size_t len = (size_t)sqlite3_column_bytes(stmt, at);
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
static bool stands_for_null(sqlite3_stmt *stmt, int at, int type)
{
    return type == SQLITE_INTEGER ? sqlite3_column_int64(stmt, at) == 0
                                  : type == SQLITE_BLOB && sqlite3_column_bytes(stmt, at) == 0;
}

sw_status sw__lite_read(sw_lite_session *session, sqlite3_stmt *stmt, int at, const sw_field *field,
                        bool borrow, sw_arena *arena, void *row, sw_error *err)
{
    sw_lite_form form = sw__lite_form(field);
    int type = sqlite3_column_type(stmt, at);
    if (type == SQLITE_NULL) {
        return read_null(field, row, err);
    }
    if (form == SW_LITE_NUMBER) {
        *sw_field_int(field, row) = sw_int_of(sqlite3_column_int64(stmt, at));
        return SW_STATUS_OK;
    }
    sw_str *out = sw_field_str(field, row);
    if (sw__lite_null_part(field) && stands_for_null(stmt, at, type)) {
        *out = SW_NULL_STR;
        return SW_STATUS_OK;
    }
    switch (form) {
    case SW_LITE_TEXT:
    case SW_LITE_BYTES:
        return read_text(stmt, at, borrow, arena, out, err);
    case SW_LITE_ID:
        return column_id(session, stmt, at, sw__lite_home(field), arena, out, err);
    case SW_LITE_HEX:
        return type == SQLITE_BLOB ? read_hex(stmt, at, arena, out, err)
                                   : read_text(stmt, at, borrow, arena, out, err);
    case SW_LITE_WORD:
        return name_of(session, SW_LITE_WORDS, sqlite3_column_int64(stmt, at), arena, out, err);
    case SW_LITE_REF:
        return name_of(session, (uint8_t)(field->ref.record_plus_1 - 1),
                       sqlite3_column_int64(stmt, at), arena, out, err);
    case SW_LITE_NUMBER:
        break;
    }
    SW_IMPOSSIBLE("an unknown form");
}
