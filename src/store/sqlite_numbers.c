/* SPDX-License-Identifier: Apache-2.0 */
/* The small numbers of the file: of words, of the rows that others refer to, and of the next row.
 *
 * Two memories of fixed size make them cheap: text to number for the writer, who looks the same few hundred up again
 * and again (two entries a place, the last one asked for in front), and number to text for readers (one entry a place). Every hit is verified by
 * comparing the whole text or number, and what is not remembered is asked of the file, so that a memory
 * can only be slow, never wrong:
 *   - numbers are trusted only inside a write group, when nobody else can change the file, and are
 *     forgotten after a rollback, a removal, or another process's commit;
 *   - words are never deleted, and the row number of a record that others refer to never names another
 *     row, so what a number meant to a reader it means for ever. (A writer's own names are forgotten
 *     with its rollback.)
 *
 * We give every row of an id record its number ourselves: one more than the highest ever used, which is
 * the highest in the table or in `floors`, where a trigger keeps what was taken away.
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

/* The place of a text, a pair; NULL when nothing is remembered: outside a write group, text too long, no
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
    return &session->numbers[sw_hash(of, text.ptr, text.len) % SW_LITE_NUMBERS & ~(uint64_t)1];
}

static bool number_known(const sw_lite_session *session, const sw_lite_number *entry, uint8_t of,
                         sw_str text)
{
    return entry->age == session->age && entry->of == of && entry->len == text.len &&
           memcmp(entry->text, text.ptr, text.len) == 0;
}

/* Whether the text is at its place; it is in front then. */
static bool number_find(const sw_lite_session *session, sw_lite_number *place, uint8_t of,
                        sw_str text)
{
    if (!place || number_known(session, place, of, text)) {
        return place != NULL;
    }
    if (!number_known(session, place + 1, of, text)) {
        return false;
    }
    sw_lite_number front = place[1];
    place[1] = place[0];
    place[0] = front;
    return true;
}

static void number_set(const sw_lite_session *session, sw_lite_number *entry, uint8_t of,
                       sw_str text, int64_t number)
{
    entry->number = number;
    entry->age = session->age;
    entry->of = of;
    entry->len = (uint8_t)text.len;
    memcpy(entry->text, text.ptr, text.len);
}

/* In front; what was there stays behind it. */
static void number_put(const sw_lite_session *session, sw_lite_number *place, uint8_t of,
                       sw_str text, int64_t number)
{
    if (place) {
        place[1] = place[0];
        number_set(session, place, of, text, number);
    }
}

static void build_text(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    (void)session;
    sw_buf_adds(sql, arg);
}

static void build_pk_of_id(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const sw_table *table = arg;
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

static sw_status find_pk(sw_lite_session *session, sw_record_id record, sw_str id, int64_t *pk,
                         sw_error *err)
{
    const sw_table *table = sw__lite_table(session, record);
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
    sw_lite_value value = {
        .is = key.escaped ? SW_LITE_IS_TEXT : SW_LITE_IS_BLOB, .ptr = key.bytes, .len = key.len};
    sw__lite_bind(slot->stmt, 1, &value);
    return answer(session, slot, pk, err);
}

sw_status sw__lite_pk(sw_lite_session *session, sw_record_id record, sw_str id, int64_t *pk,
                      sw_error *err)
{
    uint8_t of = (uint8_t)record;
    sw_lite_number *place = number_place(session, of, id);
    if (number_find(session, place, of, id)) {
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
    uint8_t of = (uint8_t)record;
    sw_lite_number *place = number_place(session, of, id);
    /* It may never be asked for, so it drives out no word and no parent that somebody has named. */
    for (size_t i = 0; place && i < 2; i++) {
        if (place[i].age != session->age || place[i].of == of) {
            number_set(session, &place[i], of, id, pk);
            return;
        }
    }
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
    sw_lite_value value = {.is = SW_LITE_IS_TEXT, .ptr = word.ptr, .len = word.len};
    sw__lite_bind(slot->stmt, 1, &value);
    return answer(session, slot, out, err);
}

sw_status sw__lite_word(sw_lite_session *session, sw_str word, bool add, int64_t *out,
                        sw_error *err)
{
    sw_lite_number *place = number_place(session, SW_LITE_WORDS, word);
    if (number_find(session, place, SW_LITE_WORDS, word)) {
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

/* The number of the column's text. A column often says again what it said in the row before, and then
 * the place is known without looking for it. */
sw_status sw__lite_look_up(sw_lite_session *session, const sw_table *table, size_t i, sw_str text,
                           int64_t *number, sw_error *err)
{
    const sw_field *field = &table->model->fields[i];
    bool word = field->kind == SW_KIND_WORD;
    uint8_t of = word ? SW_LITE_WORDS : (uint8_t)(field->ref.record_plus_1 - 1);
    uint16_t *last = &session->last_number[table - session->store->tables][i];
    sw_status status = SW_STATUS_OK;
    if (session->in_group && session->numbers &&
        number_known(session, &session->numbers[*last], of, text)) {
        *number = session->numbers[*last].number;
        return SW_STATUS_OK;
    }
    status = word ? sw__lite_word(session, text, true, number, err)
                  : sw__lite_pk(session, (sw_record_id)of, text, number, err);
    sw_lite_number *place = number_place(session, of, text);
    *last = place ? (uint16_t)(place - session->numbers) : *last;
    return status;
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
    const sw_table *table = arg;
    (void)session;
    sw_buf_addf(sql, "SELECT id FROM %s_data WHERE pk = ?1", table->model->table);
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
    const sw_table *table = word ? NULL : sw__lite_table(session, (sw_record_id)of);
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
                      : sw__lite_read_id(slot->stmt, 0, home, arena, out, err);
    }
    sw__lite_give(slot);
    return status;
}

sw_status sw__lite_name(sw_lite_session *session, uint8_t of, int64_t number, sw_arena *arena,
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

/* ---- row numbers -------------------------------------------------------------------------------- */

static void build_last_pk(const sw_lite_session *session, const void *arg, sw_buf *sql)
{
    const char *name = ((const sw_table *)arg)->model->table;
    (void)session;
    sw_buf_addf(sql,
                "SELECT max(ifnull((SELECT max(pk) FROM %s_data), 0),"
                " ifnull((SELECT pk FROM floors WHERE name = '%s'), 0))",
                name, name);
}

sw_status sw__lite_next_pk(sw_lite_session *session, sw_record_id record, int64_t *pk,
                           sw_error *err)
{
    const sw_table *table = sw__lite_table(session, record);
    const sw_lite_shape shape = {.verb = SW_LITE_LAST_PK, .record = (uint8_t)record};
    sw_lite_slot *slot = NULL;
    if (session->last_pk[record]) {
        *pk = session->last_pk[record] + 1;
        return SW_STATUS_OK;
    }
    sw_status status = sw__lite_take(session, &shape, build_last_pk, table, &slot, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    int rc = sqlite3_step(slot->stmt);
    *pk = rc == SQLITE_ROW ? sqlite3_column_int64(slot->stmt, 0) + 1 : 0;
    status = rc == SQLITE_ROW ? SW_STATUS_OK
                              : sw__lite_fail(session->db, rc, "look up the last row", err);
    sw__lite_give(slot);
    return status;
}
