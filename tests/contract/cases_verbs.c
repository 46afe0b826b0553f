/* SPDX-License-Identifier: Apache-2.0 */
/* The contract for single verbs: keys and unique values are held once, each verb changes what it says
 * and nothing else. A case is a row: what is tried, on each record or on each unique index of the model,
 * and how many of them there are at least, so that a case which finds nothing to try fails.
 */
#include "tests/contract/contract.h"

/* What is tried on one record; how many things were. */
typedef size_t on_record(contract *ct, sw_record_id record);
typedef void on_index(contract *ct, sw_record_id record, const sw_index *index);

static void each_record(contract *ct, on_record *attempt, size_t least)
{
    size_t seen = 0;
    ct_world(ct);
    ct_begin(ct);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        seen += attempt(ct, (sw_record_id)r);
    }
    ct_commit(ct);
    assert_true(seen >= least);
}

static void each_unique(contract *ct, on_index *attempt, size_t least)
{
    size_t seen = 0;
    ct_world(ct);
    ct_begin(ct);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        for (size_t i = 0; i < sw__records[r].index_count; i++) {
            const sw_index *index = &sw__records[r].indexes[i];
            if (index->unique) {
                attempt(ct, (sw_record_id)r, index);
                seen++;
            }
        }
    }
    ct_commit(ct);
    assert_true(seen >= least);
}

static bool is_key(const sw_field *field)
{
    return (field->flags & (SW_PRIMARY | SW_KEY_PART)) != 0;
}

static bool has_parts(sw_record_id record)
{
    return sw_record_primary(sw_record_of(record)) < 0;
}

static void copy_key(sw_record_id record, void *to, const void *from)
{
    for (size_t i = 0; i < sw_record_of(record)->field_count; i++) {
        if (is_key(ct_field(record, (int)i))) {
            sw_field_copy(ct_field(record, (int)i), to, from);
        }
    }
}

/* Refused as taken, and nothing changed; `index` is named, unless it is the key. `mask` 0: an insert. */
static void expect_taken(contract *ct, sw_record_id record, const sw_index *index, const void *row,
                         uint64_t mask)
{
    sw_error told = {0};
    ct_picture before;
    ct_picture_take(&before, ct->writer);
    sw_status status = mask ? sw_store_update(ct->writer, record, row, mask, &told)
                            : sw_store_insert(ct->writer, record, row, &told);
    assert_int_equal(status, SW_STATUS_EXISTS);
    if (index && !ct_names(&told, index->name)) {
        fail_msg("%s is not named: '%s', '%s'", index->name, told.field, told.message);
    }
    ct_unchanged(ct->writer, &before);
    ct_picture_fini(&before);
}

/* ---- taken ----------------------------------------------------------------------------------------- */

static size_t a_taken_key_is_told(contract *ct, sw_record_id record)
{
    void *row = ct_insert(ct, record, ROWGEN_FULL);
    void *other = ct_row(ct, record, ROWGEN_FULL);
    copy_key(record, other, row);
    expect_taken(ct, record, NULL, other, 0);
    expect_taken(ct, record, NULL, row, 0);
    return 1;
}

/* A new row that has the values of `row` in the index. */
static void *rival(contract *ct, sw_record_id record, const sw_index *index, const void *row)
{
    void *other = ct_row(ct, record, ROWGEN_FULL);
    for (size_t i = 0; i < index->count; i++) {
        sw_field_copy(ct_field(record, index->fields[i]), other, row);
    }
    return other;
}

/* Each value of the index made different, or null where it may be: no longer taken. */
static void expect_free(contract *ct, sw_record_id record, const sw_index *index, const void *row)
{
    for (size_t i = 0; i < index->count; i++) {
        const sw_field *field = ct_field(record, index->fields[i]);
        if (!(field->flags & SW_NOT_NULL)) {
            void *null = rival(ct, record, index, row);
            sw_field_clear(field, null);
            CT_EXPECT(sw_store_insert(ct->writer, record, null, err), OK);
            void *again = rival(ct, record, index, null);
            CT_EXPECT(sw_store_insert(ct->writer, record, again, err), OK);
        }
        if (!field->ref.record_plus_1) {
            void *other = rival(ct, record, index, row);
            rowgen_field(&ct->gen, field, false, other);
            CT_EXPECT(sw_store_insert(ct->writer, record, other, err), OK);
        }
    }
}

static void unique_values_are_held_once(contract *ct, sw_record_id record, const sw_index *index)
{
    void *row = ct_insert(ct, record, ROWGEN_FULL);
    expect_taken(ct, record, index, rival(ct, record, index, row), 0);
    expect_free(ct, record, index, row);
}

/* The same by update: into another row's values is refused, to its own values is not. */
static void updates_respect_unique_values(contract *ct, sw_record_id record, const sw_index *index)
{
    void *row = ct_insert(ct, record, ROWGEN_FULL);
    void *other = ct_insert(ct, record, ROWGEN_FULL);
    uint64_t mask = 0;
    for (size_t k = 0; k < index->count; k++) {
        sw_field_copy(ct_field(record, index->fields[k]), other, row);
        mask |= SW_MASK(index->fields[k]);
    }
    expect_taken(ct, record, index, other, mask);
    ct_picture before;
    ct_picture_take(&before, ct->writer);
    CT_EXPECT(sw_store_update(ct->writer, record, row, mask, err), OK);
    ct_unchanged(ct->writer, &before);
    ct_picture_fini(&before);
}

/* Null parts of a key are values: found, held once, and other than the empty text and zero. */
static void null_part(contract *ct, sw_record_id record, const sw_field *field)
{
    void *null = ct_row(ct, record, ROWGEN_FULL);
    void *empty = ct_struct(ct, record);
    memcpy(empty, null, sw_record_of(record)->size);
    sw_field_clear(field, null);
    *sw_field_str(field, empty) = SW_STR("");
    CT_EXPECT(sw_store_insert(ct->writer, record, null, err), OK);
    assert_null(ct_get(ct, ct->writer, record, empty));
    CT_EXPECT(sw_store_insert(ct->writer, record, empty, err), OK);
    CT_EXPECT(sw_store_insert(ct->writer, record, null, err), EXISTS);
    ct_expect_row(ct, ct->writer, record, null);
    ct_expect_row(ct, ct->writer, record, empty);
    ct_remove(ct, record, empty);
    ct_expect_row(ct, ct->writer, record, null);
    ct_remove(ct, record, null);
    CT_EXPECT(sw_store_remove(ct->writer, record, null, err), NOT_FOUND);
}

static size_t null_parts_are_values(contract *ct, sw_record_id record)
{
    size_t seen = 0;
    for (size_t i = 0; has_parts(record) && i < sw_record_of(record)->field_count; i++) {
        const sw_field *field = ct_field(record, (int)i);
        if (is_key(field) && !(field->flags & SW_NOT_NULL)) {
            null_part(ct, record, field);
            seen++;
        }
    }
    return seen;
}

/* ---- changing ----------------------------------------------------------------------------------- */

/* Another value for field i where it takes one; the row as it should be then. */
static bool change_field(contract *ct, sw_record_id record, size_t i, bool null, void *row)
{
    const sw_field *field = ct_field(record, (int)i);
    if (is_key(field) || (field->flags & SW_SHARED) || (null && (field->flags & SW_NOT_NULL)) ||
        (field->ref.record_plus_1 && !null)) {
        return false;
    }
    if (null) {
        sw_field_clear(field, row);
    } else {
        rowgen_field(&ct->gen, field, false, row);
    }
    return true;
}

/* Every other field of the row that is passed holds nonsense, which must not be looked at. */
static void update_one(contract *ct, sw_record_id record, size_t i, bool null, void *row)
{
    void *given = ct_row(ct, record, ROWGEN_FULL);
    const sw_record *model = sw_record_of(record);
    if (!change_field(ct, record, i, null, row)) {
        return;
    }
    for (size_t k = 0; k < model->field_count; k++) {
        if (is_key(&model->fields[k]) || k == i) {
            sw_field_copy(&model->fields[k], given, row);
        } else if (model->fields[k].ref.record_plus_1) {
            *sw_field_str(&model->fields[k], given) = SW_STR("nobody");
        }
    }
    CT_EXPECT(sw_store_update(ct->writer, record, given, SW_MASK(i), err), OK);
    ct_expect_row(ct, ct->writer, record, row);
}

static size_t update_sets_the_masked_fields(contract *ct, sw_record_id record)
{
    void *row = ct_stored(ct, record, ct_insert(ct, record, ROWGEN_FULL));
    for (size_t i = 0; i < sw_record_of(record)->field_count; i++) {
        update_one(ct, record, i, false, row);
        update_one(ct, record, i, true, row);
        update_one(ct, record, i, false, row);
    }
    return 1;
}

static size_t update_sets_all_at_once(contract *ct, sw_record_id record)
{
    void *old = ct_insert(ct, record, ROWGEN_MIXED);
    void *row = ct_row(ct, record, ROWGEN_FULL);
    uint64_t mask = 0;
    for (size_t i = 0; i < sw_record_of(record)->field_count; i++) {
        const sw_field *field = ct_field(record, (int)i);
        mask |= is_key(field) || (field->flags & SW_SHARED) ? 0 : SW_MASK(i);
    }
    copy_key(record, row, old);
    CT_EXPECT(sw_store_update(ct->writer, record, row, mask, err), OK);
    ct_expect_row(ct, ct->writer, record, ct_stored(ct, record, row));
    ct_remove(ct, record, row);
    CT_EXPECT(sw_store_update(ct->writer, record, row, mask, err), NOT_FOUND);
    assert_null(ct_get(ct, ct->writer, record, row));
    return 1;
}

static size_t put_inserts_and_replaces(contract *ct, sw_record_id record)
{
    if (!has_parts(record)) {
        return 0;
    }
    void *row = ct_insert(ct, record, ROWGEN_FULL);
    ct_remove(ct, record, row);
    CT_EXPECT(sw_store_put(ct->writer, record, row, err), OK);
    ct_expect_row(ct, ct->writer, record, row);
    void *other = ct_row(ct, record, ROWGEN_SPARSE);
    copy_key(record, other, row);
    CT_EXPECT(sw_store_put(ct->writer, record, other, err), OK);
    ct_expect_row(ct, ct->writer, record, other);
    return 1;
}

/* row.counters += times * more.counters, as this test adds. */
static void add_up(sw_record_id record, void *row, const void *more, int64_t times)
{
    const sw_record *model = sw_record_of(record);
    for (size_t i = 0; i < model->field_count; i++) {
        const sw_field *field = &model->fields[i];
        if ((field->flags & SW_COUNTER) && sw_field_number(field, more).known) {
            sw_int *sum = sw_field_int(field, row);
            int64_t before = sum->known ? sum->value : 0;
            *sum = sw_int_of(before + times * sw_field_number(field, more).value);
        }
    }
}

static bool has_counters(sw_record_id record)
{
    for (size_t i = 0; i < sw_record_of(record)->field_count; i++) {
        if (ct_field(record, (int)i)->flags & SW_COUNTER) {
            return true;
        }
    }
    return false;
}

/* A row with row's key and counters of its own, every other one null; else nonsense. */
static void *addend(contract *ct, sw_record_id record, const void *row)
{
    void *more = ct_row(ct, record, ROWGEN_FULL);
    const sw_record *model = sw_record_of(record);
    bool null = false;
    for (size_t i = 0; i < model->field_count; i++) {
        if (is_key(&model->fields[i])) {
            sw_field_copy(&model->fields[i], more, row);
        } else if (model->fields[i].flags & SW_COUNTER) {
            if (null) {
                sw_field_clear(&model->fields[i], more);
            }
            null = !null;
        }
    }
    return more;
}

/* A counter that nothing was added to is 0 where it must not be null. */
static void no_counter_is_null(sw_record_id record, void *row)
{
    for (size_t i = 0; i < sw_record_of(record)->field_count; i++) {
        const sw_field *field = ct_field(record, (int)i);
        if ((field->flags & SW_COUNTER) && (field->flags & SW_NOT_NULL) &&
            !sw_field_number(field, row).known) {
            *sw_field_int(field, row) = sw_int_of(0);
        }
    }
}

static size_t add_moves_counters_only(contract *ct, sw_record_id record)
{
    if (!has_counters(record)) {
        return 0;
    }
    void *row = ct_insert(ct, record, ROWGEN_FULL);
    void *more = addend(ct, record, row);
    CT_EXPECT(sw_store_add(ct->writer, record, more, err), OK);
    add_up(record, row, more, 1);
    ct_expect_row(ct, ct->writer, record, row);
    CT_EXPECT(sw_store_add(ct->writer, record, more, err), OK);
    CT_EXPECT(sw_store_add(ct->writer, record, more, err), OK);
    add_up(record, row, more, 2);
    ct_expect_row(ct, ct->writer, record, row);
    ct_remove(ct, record, row);
    if (has_parts(record)) {
        void *whole = addend(ct, record, row);
        CT_EXPECT(sw_store_add(ct->writer, record, whole, err), OK);
        no_counter_is_null(record, whole);
        ct_expect_row(ct, ct->writer, record, whole);
    } else {
        CT_EXPECT(sw_store_add(ct->writer, record, row, err), NOT_FOUND);
        assert_null(ct_get(ct, ct->writer, record, row));
    }
    return 1;
}

/* A counter that may be null counts from nothing. */
static void add_counts_from_null(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    sw_run_metrics *row = ct_insert(ct, SW_RECORD_RUN_METRICS, ROWGEN_SPARSE);
    assert_int_equal(row->num_steps.known, 0);
    sw_run_metrics more = {.id = row->id, .prompt_tokens = sw_int_of(5)};
    CT_EXPECT(sw_store_add(ct->writer, SW_RECORD_RUN_METRICS, &more, err), OK);
    row->prompt_tokens.value += 5;
    ct_expect_row(ct, ct->writer, SW_RECORD_RUN_METRICS, row);
    more.num_steps = sw_int_of(3);
    CT_EXPECT(sw_store_add(ct->writer, SW_RECORD_RUN_METRICS, &more, err), OK);
    row->prompt_tokens.value += 5;
    row->num_steps = sw_int_of(3);
    ct_expect_row(ct, ct->writer, SW_RECORD_RUN_METRICS, row);
    ct_commit(ct);
}

static size_t a_removed_row_is_gone(contract *ct, sw_record_id record)
{
    void *row = ct_insert(ct, record, ROWGEN_FULL);
    void *stays = ct_insert(ct, record, ROWGEN_FULL);
    ct_remove(ct, record, row);
    assert_null(ct_get(ct, ct->writer, record, row));
    CT_EXPECT(sw_store_remove(ct->writer, record, row, err), NOT_FOUND);
    ct_expect_row(ct, ct->writer, record, ct_stored(ct, record, stays));
    CT_EXPECT(sw_store_insert(ct->writer, record, row, err), OK);
    ct_expect_row(ct, ct->writer, record, ct_stored(ct, record, row));
    return 1;
}

/* ---- messages ----------------------------------------------------------------------------------- */

static void expect_body(contract *ct, const sw_message *key, const sw_message_body *body)
{
    sw_message *got = ct_get(ct, ct->writer, SW_RECORD_MESSAGE, key);
    assert_non_null(got);
    assert_true(sw_str_eq(got->text, body ? body->text : SW_NULL_STR));
    assert_true(sw_str_eq(got->content, body ? body->content : SW_NULL_STR));
    assert_true(sw_str_eq(got->tool_returns, body ? body->tool_returns : SW_NULL_STR));
    assert_true(
        sw_str_eq(got->tool_calls, body && body->tool_calls.ptr ? body->tool_calls : SW_STR("[]")));
}

/* What a message says is read from message_body: by organization and digest, as it is now. */
static void messages_show_their_body(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    sw_message *message = ct_row(ct, SW_RECORD_MESSAGE, ROWGEN_FULL);
    sw_message_body *body = ct_row(ct, SW_RECORD_MESSAGE_BODY, ROWGEN_FULL);
    body->organization_id = message->organization_id;
    body->digest = message->body_hash = SW_STR("0123456789abcdef");
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_MESSAGE, message, err), OK);
    expect_body(ct, message, NULL);
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_MESSAGE_BODY, body, err), OK);
    expect_body(ct, message, body);
    body->text = SW_NULL_STR;
    body->tool_calls = SW_NULL_STR;
    CT_EXPECT(sw_store_put(ct->writer, SW_RECORD_MESSAGE_BODY, body, err), OK);
    expect_body(ct, message, body);
    sw_organization *other = ct_insert(ct, SW_RECORD_ORGANIZATION, ROWGEN_FULL);
    sw_message *foreign = ct_row(ct, SW_RECORD_MESSAGE, ROWGEN_FULL);
    foreign->organization_id = other->id;
    foreign->body_hash = body->digest;
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_MESSAGE, foreign, err), OK);
    expect_body(ct, foreign, NULL);
    message->body_hash = SW_NULL_STR;
    CT_EXPECT(
        sw_store_update(ct->writer, SW_RECORD_MESSAGE, message, SW_MASK(SW_MESSAGE_BODY_HASH), err),
        OK);
    expect_body(ct, message, NULL);
    ct_commit(ct);
}

/* ---- the rows ----------------------------------------------------------------------------------- */

/* walk, what is tried, how many at least, name */
#define ROWS(ROW)                                                                                  \
    ROW(each_record, a_taken_key_is_told, SW_RECORD_COUNT, "a taken key is told")                  \
    ROW(each_unique, unique_values_are_held_once, 5, "unique values are held once")                \
    ROW(each_unique, updates_respect_unique_values, 5, "updates respect unique values")            \
    ROW(each_record, null_parts_are_values, 5, "null parts of a key are values")                   \
    ROW(each_record, update_sets_the_masked_fields, SW_RECORD_COUNT,                               \
        "update sets the masked fields only")                                                      \
    ROW(each_record, update_sets_all_at_once, SW_RECORD_COUNT, "update sets all fields at once")   \
    ROW(each_record, put_inserts_and_replaces, 5, "put inserts and replaces")                      \
    ROW(each_record, add_moves_counters_only, 5, "add moves counters only")                        \
    ROW(each_record, a_removed_row_is_gone, SW_RECORD_COUNT, "removed rows are gone")

#define CASE(WALK, ATTEMPT, LEAST, NAME)                                                           \
    static void case_##ATTEMPT(void **state)                                                       \
    {                                                                                              \
        WALK(*state, ATTEMPT, LEAST);                                                              \
    }
ROWS(CASE)

#define NAMED(WALK, ATTEMPT, LEAST, NAME) {NAME, case_##ATTEMPT},
const ct_case ct_verb_cases[] = {
    ROWS(NAMED) /* and two that are of one record */
    {"add counts from null", add_counts_from_null},
    {"messages show their body", messages_show_their_body},
    {NULL, NULL},
};
