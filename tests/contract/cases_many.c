/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that take many rows: they do what the verb for one row does, row after row, whatever the number
 * of rows, the mixture of nulls and the rows that come twice.
 */
#include "tests/contract/contract.h"

/* Beyond every size in which a store may cut them up, with some left over. */
enum { MANY = 75 };

static bool is_key(const sw_field *field)
{
    return (field->flags & (SW_PRIMARY | SW_KEY_PART)) != 0;
}

static bool has(sw_record_id record, uint32_t flags)
{
    for (size_t i = 0; i < sw_record_of(record)->field_count; i++) {
        if (ct_field(record, (int)i)->flags & flags) {
            return true;
        }
    }
    return false;
}

static void copy_key(sw_record_id record, void *to, const void *from)
{
    for (size_t i = 0; i < sw_record_of(record)->field_count; i++) {
        if (is_key(ct_field(record, (int)i))) {
            sw_field_copy(ct_field(record, (int)i), to, from);
        }
    }
}

/* Ids of any shape and length make a store cut a call into smaller pieces; most rows of a real one do not. */
static void clear_loose_ids(sw_record_id record, void *row)
{
    for (size_t i = 0; i < sw_record_of(record)->field_count; i++) {
        const sw_field *field = ct_field(record, (int)i);
        if (field->kind == SW_KIND_ID && !is_key(field) && !field->ref.record_plus_1 &&
            !(field->flags & SW_NOT_NULL)) {
            sw_field_clear(field, row);
        }
    }
}

/* Rows of which every seventh has the key of one before it: `same[i]` is that one, or i. Sparse
 * ones, and full ones later on and never first behind one that is taken. */
static void make_rows(contract *ct, sw_record_id record, void **rows, size_t *same)
{
    for (size_t i = 0; i < MANY; i++) {
        rows[i] = ct_row(ct, record, i < 40 || i % 7 != 3 ? ROWGEN_SPARSE : ROWGEN_FULL);
        same[i] = i;
        if (i % 20 < 18) {
            clear_loose_ids(record, rows[i]);
        }
        if (i % 7 == 6) {
            same[i] = same[i - 5];
            copy_key(record, rows[i], rows[same[i]]);
        }
        for (size_t k = 0; k < i && same[i] == i; k++) { /* few values make few keys */
            same[i] = sw_row_cmp_key(sw_record_of(record), rows[k], rows[i]) == 0 ? same[k] : i;
        }
    }
}

static void inserting_many(void **state)
{
    static const sw_record_id records[] = {SW_RECORD_STEP, SW_RECORD_JOURNAL, SW_RECORD_RUN};
    contract *ct = *state;
    ct_world(ct);
    for (size_t r = 0; r < SW_COUNT(records); r++) {
        void *rows[MANY];
        size_t same[MANY];
        bool existed[MANY];
        ct_begin(ct);
        make_rows(ct, records[r], rows, same);
        CT_EXPECT(sw_store_insert(ct->writer, records[r], rows[10], err), OK);
        CT_EXPECT(sw_store_insert_many(ct->writer, records[r], (const void *const *)rows, MANY,
                                       existed, err),
                  OK);
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(existed[i], same[i] != i || i == 10);
            ct_expect_row(ct, ct->writer, records[r], rows[same[i]]);
        }
        ct_commit(ct);
    }
}

/* Counters from 0 up, the same in every field of a row but for some that are 0 in all rows. */
static void set_counters(sw_record_id record, void *row, int64_t value)
{
    for (size_t i = 0; i < sw_record_of(record)->field_count; i++) {
        const sw_field *field = ct_field(record, (int)i);
        if (field->flags & SW_COUNTER) {
            *sw_field_int(field, row) = sw_int_of(i % 4 ? value : 0);
        }
    }
}

static void adding_many(void **state)
{
    contract *ct = *state;
    size_t seen = 0;
    ct_world(ct);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        sw_record_id record = (sw_record_id)r;
        void *rows[MANY];
        size_t same[MANY];
        int64_t sums[MANY] = {0};
        if (!has(record, SW_COUNTER) || !has(record, SW_KEY_PART)) {
            continue;
        }
        seen++;
        ct_begin(ct);
        make_rows(ct, record, rows, same);
        for (size_t i = 0; i < MANY;
             i++) { /* a record with few keys has rows of the world among them */
            sw_error err;
            sw_status status = sw_store_remove(ct->writer, record, rows[i], &err);
            assert_true(status == SW_STATUS_OK || status == SW_STATUS_NOT_FOUND);
        }
        for (int round = 0; round < 2; round++) {
            for (size_t i = 0; i < MANY; i++) {
                set_counters(record, rows[i], (int64_t)i * round);
                sums[same[i]] += (int64_t)i * round;
            }
            CT_EXPECT(sw_store_add_many(ct->writer, record, (const void *const *)rows, MANY, err),
                      OK);
        }
        for (size_t i = 0; i < MANY; i++) {
            if (same[i] == i) {
                set_counters(record, rows[i], sums[i]);
                ct_expect_row(ct, ct->writer, record, rows[i]);
            }
        }
        ct_commit(ct);
    }
    assert_true(seen >= 4);
}

/* A record with an id is not made by adding; the others are moved all the same. */
static void adding_passes_over_what_is_gone(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    sw_run_metrics *gone = ct_insert(ct, SW_RECORD_RUN_METRICS, ROWGEN_FULL);
    sw_run_metrics *there = ct_insert(ct, SW_RECORD_RUN_METRICS, ROWGEN_FULL);
    sw_run_metrics *expected = ct_get(ct, ct->writer, SW_RECORD_RUN_METRICS, there);
    ct_remove(ct, SW_RECORD_RUN_METRICS, gone);
    const void *rows[] = {gone, there};
    set_counters(SW_RECORD_RUN_METRICS, gone, 3);
    set_counters(SW_RECORD_RUN_METRICS, there, 3);
    for (size_t i = 0; i < SW_RUN_METRICS_FIELD_COUNT; i++) {
        const sw_field *field = ct_field(SW_RECORD_RUN_METRICS, (int)i);
        if (field->flags & SW_COUNTER) {
            sw_field_int(field, expected)->value += sw_field_number(field, there).value;
            sw_field_int(field, expected)->known = 1;
        }
    }
    CT_EXPECT(sw_store_add_many(ct->writer, SW_RECORD_RUN_METRICS, rows, 2, err), OK);
    assert_null(ct_get(ct, ct->writer, SW_RECORD_RUN_METRICS, gone));
    ct_expect_row(ct, ct->writer, SW_RECORD_RUN_METRICS, expected);
    ct_commit(ct);
}

static void putting_many(void **state)
{
    static const sw_record_id records[] = {SW_RECORD_JOURNAL_HEAD, SW_RECORD_USAGE_PROJECT_DAY,
                                           SW_RECORD_LATENCY_ORG_DAY};
    contract *ct = *state;
    ct_world(ct);
    for (size_t r = 0; r < SW_COUNT(records); r++) {
        void *rows[MANY];
        size_t same[MANY];
        void *last[MANY];
        ct_begin(ct);
        for (int round = 0; round < 2; round++) {
            make_rows(ct, records[r], rows, same);
            CT_EXPECT(
                sw_store_put_many(ct->writer, records[r], (const void *const *)rows, MANY, err),
                OK);
            for (size_t i = 0; i < MANY; i++) {
                last[same[i]] = rows[i];
            }
            for (size_t i = 0; i < MANY; i++) {
                ct_expect_row(ct, ct->writer, records[r], last[same[i]]);
            }
        }
        ct_commit(ct);
    }
}

/* One row more than there is: it is passed over. */
static void updating_many(void **state)
{
    static const uint8_t fields[] = {SW_STEP_MODEL, SW_STEP_PROMPT_TOKENS, SW_STEP_TAGS};
    contract *ct = *state;
    void *rows[MANY], *changed[MANY];
    uint64_t mask = 0;
    ct_world(ct);
    ct_begin(ct);
    for (size_t i = 0; i < MANY; i++) {
        rows[i] = i == 3 ? ct_row(ct, SW_RECORD_STEP, ROWGEN_SPARSE)
                         : ct_insert(ct, SW_RECORD_STEP, i % 2 ? ROWGEN_FULL : ROWGEN_SPARSE);
        changed[i] = ct_row(ct, SW_RECORD_STEP, i % 3 ? ROWGEN_FULL : ROWGEN_SPARSE);
        copy_key(SW_RECORD_STEP, changed[i], rows[i]);
        for (size_t k = 0; k < SW_COUNT(fields); k++) {
            sw_field_copy(ct_field(SW_RECORD_STEP, fields[k]), rows[i], changed[i]);
            mask |= SW_MASK(fields[k]);
        }
    }
    CT_EXPECT(sw_store_update_many(ct->writer, SW_RECORD_STEP, (const void *const *)changed, MANY,
                                   mask, err),
              OK);
    for (size_t i = 0; i < MANY; i++) {
        if (i != 3) {
            ct_expect_row(ct, ct->writer, SW_RECORD_STEP, rows[i]);
        }
    }
    ct_commit(ct);
}

typedef struct shown {
    void **rows;
    size_t count;
} shown;

static sw_seen see_shown(void *arg, const void *row)
{
    shown *s = arg;
    for (size_t i = 0; i < MANY; i++) {
        if (s->rows[i] && sw_row_cmp_key(sw_record_of(SW_RECORD_STEP), s->rows[i], row) == 0) {
            ct_same_row(SW_RECORD_STEP, row, s->rows[i]);
            s->rows[i] = NULL;
            s->count++;
        }
    }
    return SW_SEEN_COUNT;
}

static void getting_many(void **state)
{
    contract *ct = *state;
    void *rows[MANY];
    sw_str ids[MANY + 1];
    shown s = {.rows = rows};
    ct_world(ct);
    ct_begin(ct);
    for (size_t i = 0; i < MANY; i++) {
        void *row = ct_insert(ct, SW_RECORD_STEP, i % 2 ? ROWGEN_FULL : ROWGEN_SPARSE);
        ids[i] = ct_id(SW_RECORD_STEP, row);
        rows[i] = ct_stored(ct, SW_RECORD_STEP, row);
    }
    ids[MANY] = SW_STR("step-that-is-not-there");
    ct_commit(ct);
    CT_EXPECT(sw_store_get_many(ct->reader, SW_RECORD_STEP, ids, MANY + 1, 0, see_shown, &s, err),
              OK);
    assert_int_equal(s.count, MANY);
    CT_EXPECT(sw_store_get_many(ct->reader, SW_RECORD_STEP, ids, 0, 0, see_shown, &s, err), OK);
}

const ct_case ct_many_cases[] = {
    {"inserting many is inserting each", inserting_many},
    {"adding many is adding each", adding_many},
    {"adding passes over what is gone", adding_passes_over_what_is_gone},
    {"putting many is putting each", putting_many},
    {"updating many is updating each", updating_many},
    {"getting many is getting each", getting_many},
    {NULL, NULL},
};
