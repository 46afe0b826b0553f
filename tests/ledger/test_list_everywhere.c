/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of an operator, who sees all organizations: the order is one order over all of them, the cursor
 * rule is the one of every list, and the bound on looking is that of the whole call.
 */
#include "tests/lib/lt.h"

#include <stdlib.h>

enum { ORGANIZATIONS = 12, STEPS = 400, THERE = ORGANIZATIONS + 3 /* a, b, the default one */ };

/* What is there, in ascending order. */
typedef struct crowd {
    sw_step *steps;
    size_t count;
} crowd;

static int in_time(const void *a, const void *b)
{
    const sw_step *x = a, *y = b;
    int64_t u = x->created_at.value, v = y->created_at.value;
    return u < v ? -1 : u > v ? 1 : sw_str_cmp(x->id, y->id);
}

/* Organizations of very different sizes; five steps at a time, in no order of ids. Few say "well". */
static crowd populate(lt *t)
{
    crowd c = {.steps = pool_alloc(t->pool, STEPS * sizeof *c.steps), .count = STEPS};
    sw_actor actors[ORGANIZATIONS];
    for (unsigned i = 0; i < ORGANIZATIONS; i++) {
        actors[i] = lt_actor(t, 100 + i);
        lt_organization(t, &t->a, 100 + i);
    }
    for (unsigned n = 0; n < STEPS; n++) {
        sw_step s = lt_step(t, n * 73 % STEPS);
        s.created_at = sw_int_of(LT_TIME + (int64_t)(n / 5) * 1000000);
        s.input_preview = n % 37 ? SW_STR("nothing to see") : SW_STR("Where is the Well?");
        s.tid = SW_STR("one-for-all");
        lt_log(t, &actors[n % 3 ? n % ORGANIZATIONS : 0], &s);
        c.steps[n] = s;
    }
    qsort(c.steps, c.count, sizeof *c.steps, in_time);
    return c;
}

static sw_str id_at(const crowd *c, size_t i, bool ascending)
{
    return c->steps[ascending ? i : c->count - 1 - i].id;
}

static void pages_join_without_gap_or_double(lt *t)
{
    static const int64_t sizes[] = {1, 4, 5, 6, 50, STEPS - 1, STEPS, STEPS + 1};
    crowd c = populate(t);
    for (size_t i = 0; i < 2 * SW_COUNT(sizes); i++) {
        sw_list_query query = {.limit = sizes[i / 2], .ascending = i % 2};
        size_t seen = 0;
        for (bool complete = false; !complete;) {
            lt_rows page = lt_list(t, &t->operator_, SW_RECORD_STEP, &query);
            for (size_t k = 0; k < page.count; k++, seen++) {
                TEXT(lt_row_id(&page, k), id_at(&c, seen, query.ascending).ptr);
            }
            CHECK(!page.end.gave_up && page.count <= (size_t)query.limit);
            SAME(page.end.complete, seen == c.count);
            complete = page.end.complete || page.count == 0;
            query.after = complete ? SW_NULL_STR : lt_row_id(&page, page.count - 1);
        }
        SAME(seen, c.count);
    }
}

static void before_is_next_to_the_cursor(lt *t)
{
    crowd c = populate(t);
    for (size_t at = 0; at < c.count; at += 13) {
        for (int up = 0; up < 2; up++) {
            sw_list_query query = {.limit = 10, .ascending = up, .before = id_at(&c, at, up)};
            size_t expect = at < 10 ? at : 10;
            lt_rows page = lt_list(t, &t->operator_, SW_RECORD_STEP, &query);
            SAME(page.count, expect);
            SAME(page.end.complete, at <= 10);
            for (size_t i = 0; i < expect; i++) {
                TEXT(lt_row_id(&page, i), id_at(&c, at - expect + i, up).ptr);
            }
        }
    }
}

static void without_a_limit_all_is_shown(lt *t)
{
    crowd c = populate(t);
    for (int i = 0; i < 8; i++) {
        sw_list_query query = {.limit = -1, .ascending = i % 2};
        size_t from = i & 2 ? 21 : 0, to = i & 4 ? 350 : c.count;
        int64_t count = -1;
        lt_rows rows;
        query.after = i & 2 ? id_at(&c, from - 1, query.ascending) : SW_NULL_STR;
        query.before = i & 4 ? id_at(&c, to, query.ascending) : SW_NULL_STR;
        rows = lt_list(t, &t->operator_, SW_RECORD_STEP, &query);
        SAME(rows.count, to - from);
        CHECK(rows.end.complete && !rows.end.gave_up);
        for (size_t k = 0; k < rows.count; k++) {
            TEXT(lt_row_id(&rows, k), id_at(&c, from + k, query.ascending).ptr);
        }
        query.text = SW_STR("e"); /* no sum knows this; every preview has one */
        OK(sw_count(t->ledger, &t->operator_, SW_RECORD_STEP, &query, &count, NULL, &t->err));
        SAME(count, to - from);
    }
}

/* Goes on where a page ended, or where it gave up, and must come by everything. */
static void walk_within(lt *t, sw_list_query query, int64_t look_limit)
{
    sw_list_query all = query;
    lt_rows want;
    size_t seen = 0, gave_up = 0;
    all.limit = all.look_limit = -1;
    want = lt_list(t, &t->operator_, SW_RECORD_STEP, &all);
    query.look_limit = look_limit;
    for (int turns = 0;; turns++) {
        lt_rows page = lt_list(t, &t->operator_, SW_RECORD_STEP, &query);
        CHECK(turns <= STEPS);
        CHECK(page.end.looked <= (look_limit < THERE ? THERE : look_limit));
        for (size_t i = 0; i < page.count; i++, seen++) {
            CHECK(seen < want.count);
            TEXT(lt_row_id(&page, i), lt_row_id(&want, seen).ptr);
        }
        CHECK(!page.end.complete || !page.end.gave_up);
        gave_up += page.end.gave_up;
        if (page.end.complete) {
            break;
        }
        CHECK(page.end.gave_up || page.count > 0);
        query.after = page.end.gave_up ? pool_str(t->pool, sw_str_from(page.end.resume))
                                       : lt_row_id(&page, page.count - 1);
    }
    SAME(seen, want.count);
    CHECK(gave_up > 0);
}

static void the_bound_on_looking_is_that_of_the_call(lt *t)
{
    static const int64_t bounds[] = {1, THERE - 1, THERE + 5, 60, 150};
    static const int64_t limits[] = {-1, 1, 3, 20};
    populate(t);
    for (size_t i = 0; i < SW_COUNT(bounds); i++) {
        for (size_t k = 0; k < SW_COUNT(limits); k++) {
            sw_list_query query = {.text = SW_STR("well"), .limit = limits[k], .ascending = i % 2};
            walk_within(t, query, bounds[i]);
        }
    }
}

static void a_count_is_bounded_as_a_whole(lt *t)
{
    sw_list_query query = {.text = SW_STR("well"), .look_limit = 50};
    sw_list_end end;
    int64_t count = -1;
    populate(t);
    OK(sw_count(t->ledger, &t->operator_, SW_RECORD_STEP, &query, &count, &end, &t->err));
    CHECK(end.gave_up && !end.complete && end.looked <= 50);
    query.look_limit = STEPS + 1;
    OK(sw_count(t->ledger, &t->operator_, SW_RECORD_STEP, &query, &count, &end, &t->err));
    CHECK(!end.gave_up && end.complete);
    SAME(count, (STEPS + 36) / 37);
}

static bool stop_at_three(void *arg, const void *row)
{
    (void)row;
    return ++*(int *)arg < 3;
}

static void a_reader_may_stop(lt *t)
{
    sw_list_query query = {.limit = 10};
    sw_list_end end;
    populate(t);
    for (int i = 0; i < 2; i++) {
        int rows = 0;
        OK(sw_list(t->ledger, &t->operator_, SW_RECORD_STEP, &query, stop_at_three, &rows, &end,
                   &t->err));
        SAME(rows, 3);
        SAME(end.count, 3);
        CHECK(!end.complete && !end.gave_up);
        query.limit = -1;
    }
}

static const lt_case cases[] = {
    {"pages join without gap or double", pages_join_without_gap_or_double, 0},
    {"before is next to the cursor", before_is_next_to_the_cursor, 0},
    {"without a limit all is shown", without_a_limit_all_is_shown, 0},
    {"the bound on looking is that of the call", the_bound_on_looking_is_that_of_the_call, 0},
    {"a count is bounded as a whole", a_count_is_bounded_as_a_whole, 0},
    {"a reader may stop", a_reader_may_stop, 0},
};

LT_MAIN("list-everywhere", cases)
