/* SPDX-License-Identifier: Apache-2.0 */
/* The contract for what a row holds: what goes in comes out, defaults are as declared, nulls are refused
 * where none may be. Every case walks all records of the model.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/contract.h"

static bool is_key(const sw_field *field)
{
    return (field->flags & (SW_PRIMARY | SW_KEY_PART)) != 0;
}

/* ---- in and out --------------------------------------------------------------------------------- */

static void comes_back(contract *ct, rowgen_fill fill, size_t times)
{
    void *rows[SW_RECORD_COUNT][8] = {{NULL}};
    ct_world(ct);
    ct_begin(ct);
    for (size_t i = 0; i < times; i++) {
        for (int r = 0; r < SW_RECORD_COUNT; r++) {
            void *row = ct_insert(ct, (sw_record_id)r, fill);
            rows[r][i] = ct_stored(ct, (sw_record_id)r, row);
            ct_expect_row(ct, ct->writer, (sw_record_id)r, rows[r][i]);
        }
    }
    ct_commit(ct);
    for (int again = 0; again < (ct_keeps(ct) ? 2 : 1); again++) {
        if (again) {
            ct_reopen(ct);
        }
        for (int r = 0; r < SW_RECORD_COUNT; r++) {
            for (size_t i = 0; i < times; i++) {
                ct_expect_row(ct, ct->reader, (sw_record_id)r, rows[r][i]);
            }
        }
    }
}

static void full_rows_come_back(void **state)
{
    comes_back(*state, ROWGEN_FULL, 8);
}

static void mixed_rows_come_back(void **state)
{
    comes_back(*state, ROWGEN_MIXED, 8);
}

static void rows_of_nulls_come_back(void **state)
{
    comes_back(*state, ROWGEN_SPARSE, 8);
}

static void largest_values_come_back(void **state)
{
    comes_back(*state, ROWGEN_LARGE, 1);
}

/* The ends of each kind's range, in every field that has it. */
static void extreme_numbers_come_back(void **state)
{
    static const struct {
        sw_kind kind;
        int64_t value;
    } ends[] = {{SW_KIND_INT, 0},
                {SW_KIND_INT, SW_LIMIT_TOKENS},
                {SW_KIND_LONG, INT64_MIN},
                {SW_KIND_LONG, INT64_MAX},
                {SW_KIND_LONG, -1},
                {SW_KIND_TIME, INT64_C(-62135596800000000)},
                {SW_KIND_TIME, INT64_C(253402300799999999)},
                {SW_KIND_BOOL, 0},
                {SW_KIND_BOOL, 1}};
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        for (size_t e = 0; e < SW_COUNT(ends); e++) {
            const sw_record *model = &sw__records[r];
            void *row = ct_insert(ct, (sw_record_id)r, ROWGEN_FULL);
            uint64_t mask = 0;
            for (size_t i = 0; i < model->field_count; i++) {
                if (model->fields[i].kind == ends[e].kind && !is_key(&model->fields[i]) &&
                    !(model->fields[i].flags & SW_KEEP)) {
                    *sw_field_int(&model->fields[i], row) = sw_int_of(ends[e].value);
                    mask |= SW_MASK(i);
                }
            }
            if (mask) {
                CT_EXPECT(sw_store_update(ct->writer, (sw_record_id)r, row, mask, err), OK);
                ct_expect_row(ct, ct->writer, (sw_record_id)r, ct_stored(ct, (sw_record_id)r, row));
            }
        }
    }
    ct_commit(ct);
}

/* Text that is empty, that holds quotes and wildcards, and characters of one to four bytes; each in
 * every text field that has no shape of its own. Empty is not null.
 */
static void odd_text_comes_back(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "'",
                                        "\"",
                                        "%_\\",
                                        "\xC3\xA9",
                                        "\xE6\xB0\xB4",
                                        "\xF0\x9F\x92\xA7",
                                        "\xEF\xBB\xBF",
                                        "1",
                                        "-",
                                        "null"};
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *model = &sw__records[r];
        for (size_t t = 0; t < SW_COUNT(texts); t++) {
            void *row = ct_insert(ct, (sw_record_id)r, ROWGEN_FULL);
            uint64_t mask = 0;
            for (size_t i = 0; i < model->field_count; i++) {
                const sw_field *field = &model->fields[i];
                bool free_text = field->kind == SW_KIND_TEXT || field->kind == SW_KIND_WORD ||
                                 field->kind == SW_KIND_BYTES ||
                                 (field->kind == SW_KIND_ID && !field->ref.record_plus_1);
                if (free_text && !is_key(field) && !(field->flags & SW_SHARED)) {
                    *sw_field_str(field, row) = sw_str_from(texts[t]);
                    mask |= SW_MASK(i);
                }
            }
            sw_error told = {0};
            sw_status status = mask ? sw_store_update(ct->writer, (sw_record_id)r, row, mask, &told)
                                    : SW_STATUS_EXISTS;
            if (status != SW_STATUS_EXISTS) {
                ct_expect_at(status, SW_STATUS_OK, &told, model->name, __FILE__, __LINE__);
                ct_expect_row(ct, ct->writer, (sw_record_id)r, ct_stored(ct, (sw_record_id)r, row));
            }
        }
    }
    ct_commit(ct);
}

/* ---- defaults and nulls ------------------------------------------------------------------------- */

/* The declared default as this test reads it. */
static void expect_default(const sw_field *field, const void *row)
{
    if (sw_kind_is_text(field->kind)) {
        assert_true(sw_str_eq(sw_field_text(field, row), sw_str_from(field->fallback)));
        return;
    }
    int64_t value = sw_field_number(field, row).value;
    assert_int_equal(sw_field_number(field, row).known, 1);
    if (field->kind == SW_KIND_ENUM) {
        assert_string_equal(sw__enums[field->words].words[value], field->fallback);
    } else {
        assert_int_equal(value, strtoll(field->fallback, NULL, 10));
    }
}

static void defaults_are_stored(void **state)
{
    contract *ct = *state;
    size_t seen = 0;
    ct_world(ct);
    ct_begin(ct);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *model = &sw__records[r];
        sw_record_id record = (sw_record_id)r;
        void *row = ct_insert(ct, record, ROWGEN_FULL);
        ct_remove(ct, record, row);
        for (size_t i = 0; i < model->field_count; i++) {
            if (model->fields[i].fallback) {
                sw_field_clear(&model->fields[i], row);
            }
        }
        sw_row_defaults(model, row);
        CT_EXPECT(sw_store_insert(ct->writer, record, row, err), OK);
        void *got = ct_get(ct, ct->writer, record, row);
        assert_non_null(got);
        for (size_t i = 0; i < model->field_count; i++) {
            if (model->fields[i].fallback) {
                expect_default(&model->fields[i], got);
                seen++;
            }
        }
    }
    ct_commit(ct);
    assert_true(seen > 80); /* the model has that many */
}

/* Runs the insert where its death does no harm. True: it was stopped by an assertion. */
static bool insert_aborts(contract *ct, sw_record_id record, const void *row)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sw_error told = {0};
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr)) {
            _exit(2);
        }
        _exit(sw_store_insert(ct->writer, record, row, &told) == SW_STATUS_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* A null where none may be: the model refuses it by name, and a store that is handed one all the same
 * stops the program rather than keep it.
 */
static void nulls_are_refused(void **state)
{
    contract *ct = *state;
    ct_world(ct);
    ct_begin(ct);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *model = &sw__records[r];
        for (size_t i = 0; i < model->field_count; i++) {
            const sw_field *field = &model->fields[i];
            if (!(field->flags & SW_NOT_NULL)) {
                continue;
            }
            sw_error refusal = {0};
            void *row = ct_row(ct, (sw_record_id)r, ROWGEN_FULL);
            sw_field_clear(field, row);
            assert_int_equal(sw_field_check(field, row, "", &refusal), SW_STATUS_INVALID);
            assert_string_equal(refusal.field, field->name);
            if (!(field->flags & SW_SHARED) && i % ct_level(4, 1, 1) == 0 &&
                !insert_aborts(ct, (sw_record_id)r, row)) {
                fail_msg("%s.%s: null was accepted", model->name, field->name);
            }
        }
    }
    ct_rollback(ct);
}

const ct_case ct_row_cases[] = {
    {"full rows come back", full_rows_come_back},
    {"mixed rows come back", mixed_rows_come_back},
    {"rows of nulls come back", rows_of_nulls_come_back},
    {"the largest values come back", largest_values_come_back},
    {"the ends of each range come back", extreme_numbers_come_back},
    {"odd text comes back", odd_text_comes_back},
    {"defaults are stored", defaults_are_stored},
    {"nulls are refused where none may be", nulls_are_refused},
    {NULL, NULL},
};
