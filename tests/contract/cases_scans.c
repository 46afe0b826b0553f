/* SPDX-License-Identifier: Apache-2.0 */
/* The contract for what a scan shows: every operator on every field, every declared index in both
 * directions, bounds and several conditions at once; each compared with the slow way (naive.h).
 */
#include <stdlib.h>

#include "tests/contract/naive.h"

enum { VALUES = 3 };

static sw_value value_of(const sw_field *field, const void *row)
{
    return sw_kind_is_text(field->kind) ? (sw_value){.text = sw_field_text(field, row)}
                                        : (sw_value){.number = sw_field_number(field, row).value};
}

/* The values of the field in some rows of the data; null rows are passed over. */
static size_t sample(contract *ct, const naive *all, size_t i, sw_value values[VALUES])
{
    const sw_field *field = ct_field(all->record, (int)i);
    size_t found = 0;
    for (size_t tries = 0; tries < 40 && found < VALUES; tries++) {
        const void *row = all->rows[rowgen_below(&ct->gen, all->count)];
        bool text = sw_kind_is_text(field->kind);
        if (text ? !sw_field_text(field, row).ptr : !sw_field_number(field, row).known) {
            continue;
        }
        values[found++] = value_of(field, row);
    }
    return found;
}

static void expect_condition(contract *ct, const dataset *data, sw_record_id record,
                             const sw_condition *condition)
{
    sw_scan scan = {.record = record, .conditions = condition, .condition_count = 1};
    naive_expect(ct, data, &scan);
    scan.descending = true;
    naive_expect(ct, data, &scan);
}

static void expect_op(contract *ct, const dataset *data, sw_record_id record, size_t field,
                      sw_op op, const sw_value *values, size_t count)
{
    sw_condition condition = {(uint8_t)field, op, values, count};
    expect_condition(ct, data, record, &condition);
}

/* ---- every operator on every field ---------------------------------------------------------------- */

typedef void visit_field(contract *ct, const dataset *data, sw_record_id record, size_t i);

static void each_field(contract *ct, visit_field *visit)
{
    dataset *data = dataset_fill(ct, ct_level(30, 60, 120));
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        size_t count = sw__records[r].field_count;
        for (size_t i = ct_first_field((sw_record_id)r); i < count; i = ct_next_field(i)) {
            visit(ct, data, (sw_record_id)r, i);
        }
    }
}

static void equality(contract *ct, const dataset *data, sw_record_id record, size_t i)
{
    sw_value values[VALUES];
    size_t count = sample(ct, &data->of[record], i, values);
    for (size_t k = 0; k < count; k++) {
        expect_op(ct, data, record, i, SW_OP_EQ, &values[k], 1);
        expect_op(ct, data, record, i, SW_OP_NE, &values[k], 1);
    }
    for (size_t k = 0; k <= count; k++) {
        expect_op(ct, data, record, i, SW_OP_IN, values, k);
    }
    expect_op(ct, data, record, i, SW_OP_NULL, NULL, 0);
    expect_op(ct, data, record, i, SW_OP_NOT_NULL, NULL, 0);
}

static void equality_on_every_field(void **state)
{
    each_field(*state, equality);
}

/* A value of the field's kind that no row has. */
static sw_value stranger(const sw_field *field)
{
    switch (field->kind) {
    case SW_KIND_HEX:
        return (sw_value){.text = SW_STR("00112233445566778899aabbccddeeff")};
    case SW_KIND_ENUM:
    case SW_KIND_BOOL:
    case SW_KIND_INT:
    case SW_KIND_LONG:
    case SW_KIND_TIME:
        return (sw_value){.number = 987654321};
    case SW_KIND_ID:
    case SW_KIND_TEXT:
    case SW_KIND_WORD:
    case SW_KIND_JSON:
    case SW_KIND_TAGS:
    case SW_KIND_BYTES:
    case SW_KIND_COUNT:
        break;
    }
    return (sw_value){.text = SW_STR("nobody has this")};
}

static void strange(contract *ct, const dataset *data, sw_record_id record, size_t i)
{
    sw_value values[VALUES];
    size_t count = sample(ct, &data->of[record], i, values);
    sw_value mixed[2];
    mixed[0] = stranger(ct_field(record, (int)i));
    mixed[1] = count ? values[0] : mixed[0];
    expect_op(ct, data, record, i, SW_OP_EQ, mixed, 1);
    expect_op(ct, data, record, i, SW_OP_NE, mixed, 1);
    expect_op(ct, data, record, i, SW_OP_IN, mixed, 2);
    mixed[1] = mixed[0];
    expect_op(ct, data, record, i, SW_OP_IN, mixed, 2);
}

static void values_that_no_row_has(void **state)
{
    each_field(*state, strange);
}

static void ranges(contract *ct, const dataset *data, sw_record_id record, size_t i)
{
    sw_value values[VALUES];
    size_t count = sample(ct, &data->of[record], i, values);
    for (size_t k = 0; k < count; k++) {
        for (int op = SW_OP_LT; op <= SW_OP_GE; op++) {
            expect_op(ct, data, record, i, (sw_op)op, &values[k], 1);
        }
    }
    if (count >= 2) {
        sw_condition both[] = {{(uint8_t)i, SW_OP_GE, &values[0], 1},
                               {(uint8_t)i, SW_OP_LT, &values[1], 1}};
        sw_scan scan = {.record = record, .conditions = both, .condition_count = 2};
        naive_expect(ct, data, &scan);
    }
}

static void ranges_on_every_field(void **state)
{
    each_field(*state, ranges);
}

static void containing(contract *ct, const dataset *data, sw_record_id record, size_t i)
{
    static const char *const needles[] = {"ALPHA",
                                          "a",
                                          "\xC3\xA9",
                                          "%",
                                          "_",
                                          "\\",
                                          "'",
                                          "",
                                          "nothing has this",
                                          "\xF0\x9F\x92\xA7 WELL",
                                          "1"};
    sw_kind kind = ct_field(record, (int)i)->kind;
    if (kind != SW_KIND_TEXT && kind != SW_KIND_WORD && kind != SW_KIND_JSON) {
        return;
    }
    for (size_t k = 0; k < SW_COUNT(needles); k++) {
        sw_value needle = {.text = sw_str_from(needles[k])};
        expect_op(ct, data, record, i, SW_OP_CONTAINS, &needle, 1);
    }
}

static void containing_on_every_text(void **state)
{
    each_field(*state, containing);
}

static void tagged(contract *ct, const dataset *data, sw_record_id record, size_t i)
{
    const sw_value words[] = {{.text = SW_STR("red")},      {.text = SW_STR("\xC3\x9C")},
                              {.text = SW_STR("a\"b")},     {.text = SW_STR("re")},
                              {.text = SW_STR("red\",\"")}, {.text = SW_STR("RED")}};
    if (ct_field(record, (int)i)->kind != SW_KIND_TAGS) {
        return;
    }
    for (size_t k = 0; k < SW_COUNT(words); k++) {
        for (size_t n = 0; n <= 2 && k + n <= SW_COUNT(words); n++) {
            expect_op(ct, data, record, i, SW_OP_TAG_ANY, &words[k], n);
            expect_op(ct, data, record, i, SW_OP_TAG_ALL, &words[k], n);
        }
    }
}

static void tags_on_every_list(void **state)
{
    each_field(*state, tagged);
}

/* ---- every index, every order --------------------------------------------------------------------- */

static bool in_order(const sw_scan *scan, uint8_t field)
{
    return memchr(scan->order, field, scan->order_count) != NULL;
}

/* The order made total by the key; false when it has no room for that. */
static bool make_total(sw_scan *scan)
{
    const sw_record *model = sw_record_of(scan->record);
    for (size_t i = 0; i < model->field_count; i++) {
        bool key = (model->fields[i].flags & (SW_PRIMARY | SW_KEY_PART)) != 0;
        if (key && !in_order(scan, (uint8_t)i)) {
            if (scan->order_count == SW_ORDER_FIELDS) {
                return false;
            }
            scan->order[scan->order_count++] = (uint8_t)i;
        }
    }
    return true;
}

enum { BOUND_MAX = SW_INDEX_FIELDS + 2 };

/* The first `bound` fields of the index by EQ with a row's values, and what the index itself asks for.
 * False when the row has a null there.
 */
static bool bind_index(const sw_record *model, const sw_index *index, size_t bound, const void *row,
                       sw_condition conditions[BOUND_MAX], sw_value values[BOUND_MAX],
                       size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < bound; i++) {
        const sw_field *field = &model->fields[index->fields[i]];
        bool text = sw_kind_is_text(field->kind);
        if (sw_field_is_null(field, row)) {
            return false;
        }
        values[i] = text ? (sw_value){.text = sw_field_text(field, row)}
                         : (sw_value){.number = sw_field_number(field, row).value};
        conditions[(*count)++] = (sw_condition){index->fields[i], SW_OP_EQ, &values[i], 1};
    }
    if (index->present) {
        conditions[(*count)++] = (sw_condition){index->present, SW_OP_NOT_NULL, NULL, 0};
    }
    if (index->only) {
        values[bound] = (sw_value){.number = index->only_value};
        conditions[(*count)++] = (sw_condition){index->only, SW_OP_EQ, &values[bound], 1};
    }
    return true;
}

static void expect_index(contract *ct, const dataset *data, sw_record_id record,
                         const sw_index *index, size_t bound)
{
    const sw_record *model = sw_record_of(record);
    const naive *all = &data->of[record];
    const void *row = all->rows[rowgen_below(&ct->gen, all->count)];
    sw_condition conditions[BOUND_MAX];
    sw_value values[BOUND_MAX];
    sw_scan scan = {.record = record, .conditions = conditions};
    if (!bind_index(model, index, bound, row, conditions, values, &scan.condition_count)) {
        return;
    }
    for (size_t i = bound; i < index->count && scan.order_count < SW_ORDER_FIELDS; i++) {
        scan.order[scan.order_count++] = index->fields[i];
    }
    if (!make_total(&scan)) {
        return;
    }
    for (int down = 0; down < 2; down++) {
        scan.descending = down == 1;
        scan.after = NULL;
        naive_expect(ct, data, &scan);
        scan.after = row;
        naive_expect(ct, data, &scan);
    }
}

static void every_index_both_ways(void **state)
{
    contract *ct = *state;
    size_t seen = 0;
    dataset *data = dataset_fill(ct, ct_level(40, 100, 300));
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        for (size_t i = 0; i < sw__records[r].index_count; i++) {
            const sw_index *index = &sw__records[r].indexes[i];
            for (size_t bound = 0; bound <= index->count; bound++) {
                for (int times = 0; times < 3; times++) {
                    expect_index(ct, data, (sw_record_id)r, index, bound);
                }
            }
            seen++;
        }
    }
    assert_true(seen >= 40);
}

/* By any field at all, ended by the key. */
static void every_field_as_order(void **state)
{
    contract *ct = *state;
    dataset *data = dataset_fill(ct, ct_level(30, 60, 120));
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        for (size_t i = 0; i < sw__records[r].field_count; i++) {
            sw_scan scan = {.record = (sw_record_id)r, .order = {(uint8_t)i}, .order_count = 1};
            if ((ct_field((sw_record_id)r, (int)i)->flags & SW_SHARED) || !make_total(&scan)) {
                continue;
            }
            for (int down = 0; down < 2; down++) {
                const naive *all = &data->of[r];
                scan.descending = down == 1;
                scan.after = NULL;
                naive_expect(ct, data, &scan);
                scan.after = all->rows[rowgen_below(&ct->gen, all->count)];
                naive_expect(ct, data, &scan);
            }
        }
    }
}

static size_t expect_nothing_beyond(contract *ct, const dataset *data, sw_record_id record,
                                    const void *row, int present, const void *other)
{
    const sw_field *there = ct_field(record, present);
    size_t seen = 0;
    for (size_t f = 0; f < sw__records[record].field_count; f++) {
        const sw_field *field = ct_field(record, (int)f);
        sw_value value = value_of(there, other);
        sw_condition is = {(uint8_t)present, SW_OP_EQ, &value, 1};
        sw_scan scan = {.record = record,
                        .conditions = &is,
                        .condition_count = 1,
                        .order = {(uint8_t)f, (uint8_t)present},
                        .order_count = 2,
                        .descending = true,
                        .after = row};
        if ((int)f != present && sw_field_is_null(field, row) && !(field->flags & SW_SHARED) &&
            make_total(&scan)) {
            naive_expect(ct, data, &scan);
            seen++;
        }
    }
    return seen;
}

/* Downwards nothing is beyond a null, also where an index must be used that holds only some of the rows. */
static void nothing_is_beyond_a_null(void **state)
{
    contract *ct = *state;
    dataset *data = dataset_fill(ct, 60);
    size_t seen = 0;
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        const sw_record *record = &sw__records[r];
        const naive *all = &data->of[r];
        for (size_t n = 0; n < all->count * record->index_count; n++) {
            int present = record->indexes[n % record->index_count].present;
            const void *row = all->rows[n / record->index_count];
            const void *other = all->rows[rowgen_below(&ct->gen, all->count)];
            if (present && !sw_field_is_null(ct_field((sw_record_id)r, present), other)) {
                seen += expect_nothing_beyond(ct, data, (sw_record_id)r, row, present, other);
            }
        }
    }
    assert_true(seen >= 60);
}

/* ---- moments that no calendar has ----------------------------------------------------------------- */

/* The rows of an index that have the values of `row` before field `at`, which is a moment, from `moment` on. */
static void expect_from(contract *ct, const dataset *data, sw_record_id record,
                        const sw_index *index, size_t at, const void *row, int64_t moment)
{
    sw_condition conditions[BOUND_MAX];
    sw_value values[BOUND_MAX];
    sw_scan scan = {.record = record, .conditions = conditions, .condition_count = at + 1};
    for (size_t k = 0; k < at; k++) {
        values[k] = value_of(ct_field(record, index->fields[k]), row);
        conditions[k] = (sw_condition){index->fields[k], SW_OP_EQ, &values[k], 1};
    }
    values[at] = (sw_value){.number = moment};
    conditions[at] = (sw_condition){index->fields[at], SW_OP_GE, &values[at], 1};
    for (size_t k = at; k < index->count && scan.order_count < SW_ORDER_FIELDS; k++) {
        scan.order[scan.order_count++] = index->fields[k];
    }
    if (!make_total(&scan)) {
        return;
    }
    naive_expect(ct, data, &scan);
    conditions[at].op = SW_OP_LT;
    naive_expect(ct, data, &scan);
}

/* Moments far before and after all others bound a walk like any other. */
static void far_moments(void **state)
{
    static const int64_t moments[] = {INT64_MIN, INT64_C(-211000000000000000),
                                      INT64_C(9223371331200000000), INT64_MAX};
    contract *ct = *state;
    dataset *data = dataset_fill(ct, 20);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        for (size_t n = 0; n < sw__records[r].index_count; n++) {
            const sw_index *index = &sw__records[r].indexes[n];
            size_t at = 0;
            while (at < index->count &&
                   ct_field((sw_record_id)r, index->fields[at])->kind != SW_KIND_TIME) {
                at++;
            }
            for (size_t k = 0; at < index->count && k < SW_COUNT(moments); k++) {
                expect_from(ct, data, (sw_record_id)r, index, at, data->of[r].rows[0], moments[k]);
            }
        }
    }
}

/* ---- rows that are passed over ------------------------------------------------------------------ */

enum { PASSED = 3, SOUGHT = 2 };

typedef struct passing {
    const void *rows[PASSED + SOUGHT];
    size_t seen;
    size_t again;
    contract *ct;
    sw_record_id record;
} passing;

/* The first few do not count; no row comes twice. */
static sw_seen pass(void *arg, const void *row)
{
    passing *p = arg;
    void *copy = ct_struct(p->ct, p->record);
    for (size_t i = 0; i < p->seen; i++) {
        p->again += sw_row_cmp_key(sw_record_of(p->record), p->rows[i], row) == 0;
    }
    if (p->seen == SW_COUNT(p->rows) ||
        !sw_row_copy(sw_record_of(p->record), copy, row, &p->ct->arena)) {
        return SW_SEEN_STOP;
    }
    p->rows[p->seen++] = copy;
    return p->seen <= PASSED ? SW_SEEN_SKIP : SW_SEEN_COUNT;
}

static void expect_each_once(contract *ct, const sw_scan *scan, size_t there)
{
    passing p = {.ct = ct, .record = scan->record};
    sw_scan_end end = {0};
    size_t seen = there < SW_COUNT(p.rows) ? there : SW_COUNT(p.rows);
    CT_EXPECT(sw_store_scan(ct->reader, scan, pass, &p, &end, err), OK);
    assert_int_equal(p.again, 0);
    assert_int_equal(p.seen, seen);
    assert_int_equal(end.counted, seen > PASSED ? seen - PASSED : 0);
}

/* A bound on rows that count says nothing of those that do not, in any order and in none. */
static void rows_that_do_not_count(void **state)
{
    contract *ct = *state;
    dataset *data = dataset_fill(ct, 30);
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        sw_scan scan = {.record = (sw_record_id)r, .limit = SOUGHT, .unordered = true};
        expect_each_once(ct, &scan, data->of[r].count);
        scan.unordered = false;
        expect_each_once(ct, &scan, data->of[r].count);
    }
}

/* ---- all together ------------------------------------------------------------------------------- */

static bool takes(const sw_field *field, sw_op op)
{
    switch (op) {
    case SW_OP_TAG_ANY:
    case SW_OP_TAG_ALL:
        return field->kind == SW_KIND_TAGS;
    case SW_OP_CONTAINS:
        return field->kind == SW_KIND_TEXT || field->kind == SW_KIND_WORD;
    default:
        return true;
    }
}

static size_t random_conditions(contract *ct, const naive *all, sw_condition conditions[4],
                                sw_value values[4][VALUES])
{
    const sw_record *model = sw_record_of(all->record);
    size_t wanted = rowgen_below(&ct->gen, 4), made = 0;
    while (made < wanted) {
        size_t field = rowgen_below(&ct->gen, model->field_count);
        sw_op op = (sw_op)rowgen_below(&ct->gen, SW_OP_CONTAINS + 1);
        size_t count = sample(ct, all, field, values[made]);
        if (count > 0 && takes(&model->fields[field], op)) {
            bool single = op != SW_OP_IN && op != SW_OP_TAG_ANY && op != SW_OP_TAG_ALL;
            conditions[made] = (sw_condition){(uint8_t)field, op, values[made], single ? 1 : count};
            made++;
        } else {
            wanted -= rowgen_below(&ct->gen, 8) == 0;
        }
    }
    return made;
}

static void random_scans(void **state)
{
    contract *ct = *state;
    dataset *data = dataset_fill(ct, ct_level(40, 80, 200));
    size_t rounds = ct_level(500, 3000, 50000);
    for (size_t n = 0; n < rounds; n++) {
        sw_record_id record = (sw_record_id)rowgen_below(&ct->gen, SW_RECORD_COUNT);
        const naive *all = &data->of[record];
        sw_condition conditions[4];
        sw_value values[4][VALUES];
        sw_scan scan = {.record = record, .conditions = conditions};
        scan.condition_count = random_conditions(ct, all, conditions, values);
        size_t order = rowgen_below(&ct->gen, 3);
        while (scan.order_count < order) {
            uint8_t field = (uint8_t)rowgen_below(&ct->gen, sw__records[record].field_count);
            if (!in_order(&scan, field) && !(ct_field(record, field)->flags & SW_SHARED)) {
                scan.order[scan.order_count++] = field;
            } else {
                order--;
            }
        }
        if (scan.order_count > 0 && !make_total(&scan)) {
            continue;
        }
        scan.descending = rowgen_below(&ct->gen, 2) == 0;
        scan.after =
            rowgen_below(&ct->gen, 2) ? all->rows[rowgen_below(&ct->gen, all->count)] : NULL;
        scan.limit = rowgen_below(&ct->gen, 2) ? (int64_t)rowgen_below(&ct->gen, 12) : 0;
        scan.sort_limit = rowgen_below(&ct->gen, 3) ? 0 : (int64_t)rowgen_below(&ct->gen, 40);
        naive_expect(ct, data, &scan);
    }
}

const ct_case ct_scan_cases[] = {
    {"equality on every field", equality_on_every_field},
    {"values that no row has", values_that_no_row_has},
    {"ranges on every field", ranges_on_every_field},
    {"containing on every text", containing_on_every_text},
    {"tags on every list", tags_on_every_list},
    {"every index both ways", every_index_both_ways},
    {"every field as order", every_field_as_order},
    {"nothing is beyond a null", nothing_is_beyond_a_null},
    {"far moments", far_moments},
    {"rows that do not count", rows_that_do_not_count},
    {"random scans", random_scans},
    {NULL, NULL},
};
