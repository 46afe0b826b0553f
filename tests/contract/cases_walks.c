/* SPDX-License-Identifier: Apache-2.0 */
/* The contract for how a scan goes: page by page, within its limits, as the visit says, and with other
 * reads inside it.
 */
#include <stdlib.h>

#include "tests/contract/naive.h"

/* Rows seen so far, copied. */
typedef struct seen {
    contract *ct;
    sw_record_id record;
    const void *rows[NAIVE_ROWS];
    size_t count;
    size_t stop_at; /* STOP at this row; 0: never */
    size_t skip;    /* SKIP every row whose number this divides; 0: none */
    size_t shown;
} seen;

static sw_seen note_row(void *arg, const void *row)
{
    seen *s = arg;
    s->shown++;
    if (s->skip && s->shown % s->skip == 0) {
        return SW_SEEN_SKIP;
    }
    void *copy = ct_struct(s->ct, s->record);
    if (s->count == NAIVE_ROWS || !sw_row_copy(sw_record_of(s->record), copy, row, &s->ct->arena)) {
        return SW_SEEN_STOP;
    }
    s->rows[s->count++] = copy;
    return s->stop_at && s->shown == s->stop_at ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

static seen *new_seen(contract *ct, sw_record_id record)
{
    seen *s = sw_arena_zeroed(&ct->arena, sizeof *s);
    assert_non_null(s);
    s->ct = ct;
    s->record = record;
    return s;
}

static naive *expected_of(contract *ct, const dataset *data, const sw_scan *scan)
{
    naive *expected = sw_arena_zeroed(&ct->arena, sizeof *expected);
    assert_non_null(expected);
    naive_scan(&data->of[scan->record], scan, expected);
    return expected;
}

static void expect_seen(const seen *s, const naive *expected, size_t count)
{
    if (s->count != count) {
        fail_msg("%s: %zu rows, not %zu", sw_record_of(s->record)->name, s->count, count);
    }
    for (size_t i = 0; i < count; i++) {
        ct_same_row(s->record, s->rows[i], expected->rows[i]);
    }
}

/* The scans of this file: steps of one organization, newest first; many begin at the same time. */
typedef struct listing {
    sw_value organization;
    sw_condition condition;
    sw_scan scan;
} listing;

static void list_steps(contract *ct, listing *list)
{
    list->organization = (sw_value){.text = ct->pool.at[SW_RECORD_ORGANIZATION][0]};
    list->condition = (sw_condition){SW_STEP_ORGANIZATION_ID, SW_OP_EQ, &list->organization, 1};
    list->scan = (sw_scan){.record = SW_RECORD_STEP,
                           .conditions = &list->condition,
                           .condition_count = 1,
                           .order = {SW_STEP_CREATED_AT, SW_STEP_ID},
                           .order_count = 2,
                           .descending = true};
}

/* ---- pages -------------------------------------------------------------------------------------- */

/* Page after page, each from the last row of the one before. */
static void walk_pages(contract *ct, const dataset *data, sw_scan scan, int64_t page)
{
    naive *expected = expected_of(ct, data, &scan);
    seen *s = new_seen(ct, scan.record);
    scan.limit = page;
    sw_scan_end end = {0};
    size_t pages = 0;
    while (!end.exhausted) {
        size_t before = s->count;
        CT_EXPECT(sw_store_scan(ct->reader, &scan, note_row, s, &end, err), OK);
        assert_int_equal(end.counted, s->count - before);
        assert_true(end.counted <= page && (end.exhausted || end.counted == page));
        assert_true(pages++ <= expected->count);
        scan.after = s->count ? s->rows[s->count - 1] : NULL;
        if (s->count == before) {
            break;
        }
    }
    expect_seen(s, expected, expected->count);
}

static void pages_cover_each_row_once(void **state)
{
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, ct_level(100, 300, 1000));
    list_steps(ct, &list);
    for (int64_t page = 1; page < 40; page = page * 2 + 1) {
        for (int down = 0; down < 2; down++) {
            list.scan.descending = down == 1;
            walk_pages(ct, data, list.scan, page);
        }
    }
    for (int r = 0; r < SW_RECORD_COUNT; r++) {
        sw_scan by_key = {.record = (sw_record_id)r};
        walk_pages(ct, data, by_key, 7);
        by_key.descending = true;
        walk_pages(ct, data, by_key, 7);
    }
}

/* Ids of both shapes, all begun in the same moment. */
static void pages_cover_one_moment(void **state)
{
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, 50);
    size_t escaped = 0, count = 200;
    list_steps(ct, &list);
    naive *steps = &data->of[SW_RECORD_STEP];
    ct_begin(ct);
    for (size_t i = 0; i < count; i++) {
        sw_step *step = ct_row(ct, SW_RECORD_STEP, ROWGEN_FULL);
        step->organization_id = list.organization.text;
        step->created_at = sw_int_of(INT64_C(1738191679123456));
        escaped += step->id.len < 37;
        CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_STEP, step, err), OK);
        steps->rows[steps->count++] = step;
    }
    ct_commit(ct);
    assert_true(escaped > 0 && escaped < count);
    walk_pages(ct, data, list.scan, 13);
    list.scan.descending = false;
    walk_pages(ct, data, list.scan, 13);
}

/* The place to go on from need not be a row that is there, or ever was. */
static void after_needs_no_row(void **state)
{
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, 100);
    list_steps(ct, &list);
    naive *all = expected_of(ct, data, &list.scan);
    const sw_step *middle = all->rows[all->count / 2];
    sw_step places[] = {
        {.created_at = middle->created_at, .id = SW_STR("")},
        {.created_at = middle->created_at, .id = SW_STR("zzzz")},
        {.created_at = middle->created_at,
         .id = SW_STR("step-ffffffff-ffff-4fff-bfff-ffffffffffff")},
        {.created_at = sw_int_of(0), .id = middle->id},
        {.created_at = sw_int_of(INT64_MAX), .id = middle->id},
    };
    for (size_t i = 0; i < SW_COUNT(places); i++) {
        list.scan.after = &places[i];
        list.scan.descending = true;
        naive_expect(ct, data, &list.scan);
        list.scan.descending = false;
        naive_expect(ct, data, &list.scan);
    }
}

/* ---- limits ------------------------------------------------------------------------------------- */

static void limits_are_kept(void **state)
{
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, 100);
    list_steps(ct, &list);
    naive *all = expected_of(ct, data, &list.scan);
    const size_t limits[] = {1, 2, all->count - 1, all->count + 1};
    for (size_t i = 0; i < SW_COUNT(limits); i++) {
        seen *s = new_seen(ct, SW_RECORD_STEP);
        sw_scan_end end;
        size_t count = limits[i] < all->count ? limits[i] : all->count;
        list.scan.limit = (int64_t)limits[i];
        CT_EXPECT(sw_store_scan(ct->reader, &list.scan, note_row, s, &end, err), OK);
        expect_seen(s, all, count);
        assert_int_equal(end.counted, count);
        assert_true(end.looked >= end.counted);
        assert_int_equal(end.exhausted, limits[i] > all->count);
    }
}

/* Where no index has the order, no more rows are put in order than may be; one too many, and nothing is
 * shown. An order that an index has needs no such leave.
 */
static void a_sort_has_a_limit(void **state)
{
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, 100);
    sw_scan scan = {
        .record = SW_RECORD_STEP, .order = {SW_STEP_TOTAL_TOKENS, SW_STEP_ID}, .order_count = 2};
    int64_t all = (int64_t)data->of[SW_RECORD_STEP].count;
    for (int64_t leave = all - 1; leave <= all + 1; leave++) {
        seen *s = new_seen(ct, SW_RECORD_STEP);
        sw_scan_end end;
        scan.sort_limit = leave;
        CT_EXPECT(sw_store_scan(ct->reader, &scan, note_row, s, &end, err), OK);
        assert_int_equal(end.unsorted, leave < all);
        assert_int_equal(end.exhausted, leave >= all);
        assert_int_equal(s->count, leave < all ? 0 : all);
    }
    list_steps(ct, &list);
    list.scan.sort_limit = 1;
    naive_expect(ct, data, &list.scan);
    scan.sort_limit = 1;
    scan.order_count = 0;
    scan.unordered = true;
    naive *some = expected_of(ct, data, &scan);
    seen *s = new_seen(ct, SW_RECORD_STEP);
    CT_EXPECT(sw_store_scan(ct->reader, &scan, note_row, s, NULL, err), OK);
    assert_int_equal(s->count, some->count);
}

/* No row matches: the search gives up after so many rows, says so, and can go on from where it stood
 * until all rows have been looked at.
 */
static void searches_give_up_and_go_on(void **state)
{
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, 100);
    list_steps(ct, &list);
    const sw_value nothing = {.text = SW_STR("no preview says this")};
    sw_condition both[] = {list.condition, {SW_STEP_INPUT_PREVIEW, SW_OP_CONTAINS, &nothing, 1}};
    naive *all = expected_of(ct, data, &list.scan);
    sw_step place = {.id = SW_NULL_STR};
    sw_scan scan = list.scan;
    scan.conditions = both;
    scan.condition_count = 2;
    scan.look_limit = 7;
    scan.place = &place;
    scan.place_arena = &ct->arena;
    sw_scan_end end = {0};
    int64_t looked = 0;
    for (size_t rounds = 0; !end.exhausted; rounds++) {
        seen *s = new_seen(ct, SW_RECORD_STEP);
        assert_true(rounds <= 200);
        CT_EXPECT(sw_store_scan(ct->reader, &scan, note_row, s, &end, err), OK);
        assert_int_equal(s->shown, 0);
        assert_int_equal(end.counted, 0);
        assert_true(end.looked <= 7 && (end.exhausted || end.looked == 7));
        looked += end.looked;
        if (!end.exhausted) {
            assert_true(place.id.ptr && place.created_at.known);
        }
        sw_step *after = ct_struct(ct, SW_RECORD_STEP);
        *after = place;
        scan.after = after;
    }
    assert_true(looked >= (int64_t)all->count);
}

/* Looks at `limit` rows, goes on from the place it was told, and so on to the end. */
static void walk_by_place(contract *ct, const dataset *data, sw_scan scan, int64_t limit)
{
    naive *all = expected_of(ct, data, &scan);
    seen *s = new_seen(ct, SW_RECORD_STEP);
    sw_step place = {.id = SW_NULL_STR};
    sw_scan_end end = {0};
    assert_true(all->count > 3);
    scan.look_limit = limit;
    scan.place = &place;
    scan.place_arena = &ct->arena;
    for (size_t rounds = 0; !end.exhausted; rounds++) {
        assert_true(rounds <= 2000);
        CT_EXPECT(sw_store_scan(ct->reader, &scan, note_row, s, &end, err), OK);
        sw_step *after = ct_struct(ct, SW_RECORD_STEP);
        *after = place;
        scan.after = after;
    }
    expect_seen(s, all, all->count);
}

/* A search in steps finds what a search in one go finds, in whatever order: along an index, by a field
 * that none has, with nulls in it, with a field that a condition fixes.
 */
static void searches_in_steps_find_all(void **state)
{
    static const struct {
        uint8_t order[SW_ORDER_FIELDS];
        uint8_t count;
    } orders[] = {{{SW_STEP_CREATED_AT, SW_STEP_ID}, 2},
                  {{0}, 0},
                  {{SW_STEP_COST_NANO_USD, SW_STEP_ID}, 2},
                  {{SW_STEP_MODEL, SW_STEP_CREATED_AT, SW_STEP_ID}, 3},
                  {{SW_STEP_ORGANIZATION_ID, SW_STEP_CREATED_AT, SW_STEP_ID}, 3},
                  {{SW_STEP_STATUS, SW_STEP_ORGANIZATION_ID, SW_STEP_ID}, 3}};
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, 200);
    list_steps(ct, &list);
    const sw_value some = {.text = SW_STR("a")};
    sw_condition both[] = {list.condition, {SW_STEP_INPUT_PREVIEW, SW_OP_CONTAINS, &some, 1}};
    for (size_t i = 0; i < SW_COUNT(orders); i++) {
        for (int down = 0; down < 2; down++) {
            sw_scan scan = list.scan;
            scan.conditions = both;
            scan.condition_count = 2;
            memcpy(scan.order, orders[i].order, sizeof scan.order);
            scan.order_count = orders[i].count;
            scan.descending = down == 1;
            walk_by_place(ct, data, scan, 1);
            walk_by_place(ct, data, scan, 9);
        }
    }
}

/* ---- what the visit says -------------------------------------------------------------------------- */

static void visits_may_stop_and_skip(void **state)
{
    contract *ct = *state;
    listing list;
    sw_scan_end end;
    dataset *data = dataset_fill(ct, 100);
    list_steps(ct, &list);
    naive *all = expected_of(ct, data, &list.scan);
    seen *s = new_seen(ct, SW_RECORD_STEP);
    s->stop_at = 3;
    CT_EXPECT(sw_store_scan(ct->reader, &list.scan, note_row, s, &end, err), OK);
    expect_seen(s, all, 3);
    assert_int_equal(s->shown, 3);
    assert_int_equal(end.counted, 2); /* the row that stopped is not counted */
    assert_false(end.exhausted);

    s = new_seen(ct, SW_RECORD_STEP);
    s->skip = 2;
    list.scan.limit = 4;
    CT_EXPECT(sw_store_scan(ct->reader, &list.scan, note_row, s, &end, err), OK);
    assert_int_equal(end.counted, 4);
    assert_int_equal(s->shown, 7); /* skipped rows do not count against the limit */
    assert_false(end.exhausted);
    for (size_t i = 0; i < 4; i++) {
        ct_same_row(SW_RECORD_STEP, s->rows[i], all->rows[2 * i]);
    }
}

typedef struct nested {
    contract *ct;
    sw_session *session;
    size_t rows;
    size_t inner;
    size_t wrong;
} nested;

static sw_seen count_inner(void *arg, const void *row)
{
    size_t *count = arg;
    (void)row;
    ++*count;
    return SW_SEEN_COUNT;
}

/* For each step: its run by get, and the steps of that run by a scan, of which it must be one. */
static sw_seen read_inside(void *arg, const void *row)
{
    nested *n = arg;
    const sw_step *step = row;
    sw_run key = {.id = step->run_id}, run;
    sw_error told;
    size_t before = n->inner;
    sw_value value = {.text = step->run_id};
    sw_condition same_run = {SW_STEP_RUN_ID, SW_OP_EQ, &value, 1};
    sw_scan scan = {.record = SW_RECORD_STEP, .conditions = &same_run, .condition_count = 1};
    n->rows++;
    if (!step->run_id.ptr) {
        return SW_SEEN_COUNT;
    }
    n->wrong +=
        sw_store_get(n->session, SW_RECORD_RUN, &key, &n->ct->arena, &run, &told) != SW_STATUS_OK;
    n->wrong += !sw_str_eq(run.id, step->run_id);
    n->wrong +=
        sw_store_scan(n->session, &scan, count_inner, &n->inner, NULL, &told) != SW_STATUS_OK;
    n->wrong += n->inner == before;
    return SW_SEEN_COUNT;
}

static void nest(contract *ct, const dataset *data, sw_session *session)
{
    listing list;
    nested n = {.ct = ct, .session = session};
    list_steps(ct, &list);
    naive *all = expected_of(ct, data, &list.scan);
    size_t expected = 0;
    for (size_t i = 0; i < all->count; i++) {
        const sw_step *step = all->rows[i];
        for (size_t k = 0; k < data->of[SW_RECORD_STEP].count && step->run_id.ptr; k++) {
            const sw_step *other = data->of[SW_RECORD_STEP].rows[k];
            expected += sw_str_eq(step->run_id, other->run_id);
        }
    }
    CT_EXPECT(sw_store_scan(session, &list.scan, read_inside, &n, NULL, err), OK);
    assert_int_equal(n.rows, all->count);
    assert_int_equal(n.wrong, 0);
    assert_int_equal(n.inner, expected);
}

static void visits_may_read(void **state)
{
    contract *ct = *state;
    dataset *data = dataset_fill(ct, 100);
    nest(ct, data, ct->reader);
    nest(ct, data, ct->writer);
    ct_begin(ct);
    nest(ct, data, ct->writer);
    ct_commit(ct);
    CT_EXPECT(sw_session_begin(ct->reader, NULL, err), OK);
    nest(ct, data, ct->reader);
    CT_EXPECT(sw_session_commit(ct->reader, err), OK);
}

/* Another session commits in the middle of a scan: the scan and what is read inside it stay with what
 * was there when it began.
 */
typedef struct intruder {
    contract *ct;
    sw_step *step; /* inserted during the first visit */
    size_t rows;
    size_t wrong;
} intruder;

static sw_seen commit_inside(void *arg, const void *row)
{
    intruder *in = arg;
    sw_error told;
    sw_step got;
    (void)row;
    if (in->rows++ == 0) {
        in->wrong += sw_session_begin(in->ct->writer, NULL, &told) != SW_STATUS_OK;
        in->wrong +=
            sw_store_insert(in->ct->writer, SW_RECORD_STEP, in->step, &told) != SW_STATUS_OK;
        in->wrong += sw_session_commit(in->ct->writer, &told) != SW_STATUS_OK;
    }
    in->wrong += sw_store_get(in->ct->reader, SW_RECORD_STEP, in->step, &in->ct->arena, &got,
                              &told) != SW_STATUS_NOT_FOUND;
    return SW_SEEN_COUNT;
}

static void scans_keep_to_their_beginning(void **state)
{
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, 50);
    list_steps(ct, &list);
    list.scan.descending = false;
    naive *all = expected_of(ct, data, &list.scan);
    intruder in = {.ct = ct, .step = ct_row(ct, SW_RECORD_STEP, ROWGEN_FULL)};
    in.step->organization_id = list.organization.text;
    in.step->created_at = sw_int_of(INT64_C(253402300799999999)); /* the last to come */
    CT_EXPECT(sw_store_scan(ct->reader, &list.scan, commit_inside, &in, NULL, err), OK);
    assert_int_equal(in.wrong, 0);
    assert_int_equal(in.rows, all->count);
    ct_expect_row(ct, ct->reader, SW_RECORD_STEP, in.step);
}

/* A group scans what it has written itself. */
static void groups_scan_their_own_rows(void **state)
{
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, 50);
    list_steps(ct, &list);
    naive *all = expected_of(ct, data, &list.scan);
    ct_begin(ct);
    sw_step *step = ct_row(ct, SW_RECORD_STEP, ROWGEN_FULL);
    step->organization_id = list.organization.text;
    CT_EXPECT(sw_store_insert(ct->writer, SW_RECORD_STEP, step, err), OK);
    sw_scan_end inside, outside;
    size_t count = 0;
    CT_EXPECT(sw_store_scan(ct->writer, &list.scan, count_inner, &count, &inside, err), OK);
    CT_EXPECT(sw_store_scan(ct->reader, &list.scan, count_inner, &count, &outside, err), OK);
    assert_int_equal(inside.counted, all->count + 1);
    assert_int_equal(outside.counted, all->count);
    ct_rollback(ct);
}

/* Only the fields asked for need be there; those are right. */
static sw_seen check_some(void *arg, const void *row)
{
    seen *s = arg;
    const sw_step *got = row, *expected = s->rows[s->shown++];
    s->count += sw_str_eq(got->id, expected->id) && sw_str_eq(got->model, expected->model) &&
                sw_str_eq(got->run_id, expected->run_id) &&
                sw_int_eq(got->total_tokens, expected->total_tokens);
    return SW_SEEN_COUNT;
}

static void some_fields_are_enough(void **state)
{
    contract *ct = *state;
    listing list;
    dataset *data = dataset_fill(ct, 100);
    list_steps(ct, &list);
    naive *all = expected_of(ct, data, &list.scan);
    seen *s = new_seen(ct, SW_RECORD_STEP);
    memcpy(s->rows, all->rows, sizeof s->rows);
    list.scan.fields = SW_MASK(SW_STEP_ID) | SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_RUN_ID) |
                       SW_MASK(SW_STEP_TOTAL_TOKENS);
    CT_EXPECT(sw_store_scan(ct->reader, &list.scan, check_some, s, NULL, err), OK);
    assert_int_equal(s->shown, all->count);
    assert_int_equal(s->count, all->count);
}

const ct_case ct_walk_cases[] = {
    {"pages cover each row once", pages_cover_each_row_once},
    {"pages cover one moment", pages_cover_one_moment},
    {"after needs no row", after_needs_no_row},
    {"limits are kept", limits_are_kept},
    {"a sort has a limit", a_sort_has_a_limit},
    {"searches give up and go on", searches_give_up_and_go_on},
    {"searches in steps find all", searches_in_steps_find_all},
    {"visits may stop and skip", visits_may_stop_and_skip},
    {"visits may read", visits_may_read},
    {"scans keep to their beginning", scans_keep_to_their_beginning},
    {"groups scan their own rows", groups_scan_their_own_rows},
    {"some fields are enough", some_fields_are_enough},
    {NULL, NULL},
};
