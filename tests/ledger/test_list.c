/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: every filter against looking at each row by hand, and one rule for cursors everywhere.
 * Free text, filters over timings and giving up are in test_search.c, runs in test_list_runs.c.
 */
#include "tests/lib/chance.h"
#include "tests/lib/naive.h"

#include <stdio.h>

enum { STEPS = 120 };

/* ---- a population ------------------------------------------------------------------------------- */

static const char *const models[] = {"gpt", "claude", "rare", NULL};

static sw_step varied(lt *t, unsigned n, const sw_str *runs, const sw_str *agents)
{
    static const char *const reasons[] = {"end_turn", "max_steps", NULL};
    static const char *const tags[] = {"[\"red\"]", "[\"red\",\"blue\"]", "[]", "[\"blue\"]", NULL};
    sw_step s = lt_step(t, n);
    s.created_at = sw_int_of(LT_TIME + (int64_t)(n / 8) * 1000000); /* eight at a time */
    s.model = sw_str_from(models[n % 17 == 0 ? 2 : n % 2 ? 0 : n % 5 ? 1 : 3]);
    s.status = sw_int_of(n % 4);
    s.run_id = n % 3 ? runs[n % 3 - 1] : SW_NULL_STR;
    s.agent_id = n % 5 ? agents[n % 2] : SW_NULL_STR;
    s.provider_name = sw_str_from(n % 2 ? "openai" : "anthropic");
    s.provider_category = sw_str_from(n % 3 ? "base" : "byok");
    s.stop_reason = sw_str_from(reasons[n % 3]);
    s.error_type = n % 4 == SW_STEP_STATUS_FAILED ? SW_STR("Timeout") : SW_NULL_STR;
    s.request_id = n % 7 ? SW_NULL_STR : pool_printf(t->pool, "req-%u", n / 14);
    s.tid = n % 6 ? SW_NULL_STR : pool_printf(t->pool, "tid-%u", n / 12);
    s.trace_id = pool_printf(t->pool, "%032x", n % 9);
    s.parent_step_id = n > 10 ? lt_id(t, "step", n % 3) : SW_NULL_STR;
    s.conversation_id = n % 4 ? SW_NULL_STR : lt_id(t, "conv", n % 3);
    s.end_user = n % 2 ? SW_STR("ann") : SW_NULL_STR;
    s.project_id = sw_str_from(n % 3 == 1 ? "project-1" : n % 3 ? "project-2" : NULL);
    s.feedback = n % 5 ? SW_NULL_INT : sw_int_of(n % 2);
    s.tags = sw_str_from(tags[n % 5]);
    s.prompt_tokens = sw_int_of(n * 3);
    s.cost_nano_usd = n % 3 ? sw_int_of(n * 1000) : SW_NULL_INT;
    return s;
}

typedef struct crowd {
    naive *n;
    sw_str runs[2], agents[2];
} crowd;

static crowd populate(lt *t)
{
    crowd c = {.n = naive_new()};
    for (unsigned i = 0; i < 2; i++) {
        c.agents[i] = lt_agent(t, &t->a, i);
        naive_agent_create(c.n, &t->a, &(sw_agent){.id = c.agents[i]});
        c.runs[i] = lt_run(t, &t->a, i, c.agents[i]);
        naive_run_create(c.n, &t->a, &(sw_run){.id = c.runs[i], .agent_id = c.agents[i]}, 0);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        /* An order of ids that is not the order of time. */
        sw_step_entry e = {.step = varied(t, (i * 77) % STEPS, c.runs, c.agents)};
        lt_log_entry(t, &t->a, &e);
        naive_log(c.n, &t->a, &e, e.step.id, 0, NULL, false);
    }
    for (unsigned i = 0; i < 5; i++) {
        sw_step foreign = lt_step(t, 1000 + i);
        lt_log(t, &t->b, &foreign);
    }
    return c;
}

static size_t expect_list(lt *t, const crowd *c, const sw_list_query *query, const char *what)
{
    nv_step **want = NULL;
    size_t count = naive_list(c->n, &t->a, query, &want, t->pool);
    lt_rows got = lt_list(t, &t->a, SW_RECORD_STEP, query);
    int64_t counted = -1;
    sw_list_end end;
    if (got.count != count) {
        SAY("%s: %zu rows, expected %zu", what, got.count, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!sw_str_eq(lt_row_id(&got, i), want[i]->row.id)) {
            SAY("%s: row %zu is %s, expected %s", what, i, lt_row_id(&got, i).ptr,
                want[i]->row.id.ptr);
        }
    }
    CHECK(got.end.complete && !got.end.gave_up);
    OK(sw_count(t->ledger, &t->a, SW_RECORD_STEP, query, &counted, &end, &t->err));
    SAME(counted, count);
    return count;
}

/* ---- filters ------------------------------------------------------------------------------------ */

/* clang-format off: rows of data line up as their reader needs */
#define T(TEXT_)                                                                                   \
    {                                                                                              \
        .text = {(TEXT_), sizeof(TEXT_) - 1 }                                                      \
    }
#define N(NUMBER)                                                                                  \
    {                                                                                              \
        .number = (NUMBER)                                                                         \
    }

/* Each must find some rows and leave others, or it proves nothing. */
static const struct {
    const char *what;
    uint8_t field;
    sw_op op;
    sw_value values[3];
    size_t count;
} filters[] = {
    {"model", SW_STEP_MODEL, SW_OP_EQ, {T("gpt")}, 1},
    {"a rare model", SW_STEP_MODEL, SW_OP_EQ, {T("rare")}, 1},
    {"no model", SW_STEP_MODEL, SW_OP_NULL, {T("")}, 0},
    {"models", SW_STEP_MODEL, SW_OP_IN, {T("rare"), T("claude")}, 2},
    {"not this model", SW_STEP_MODEL, SW_OP_NE, {T("gpt")}, 1},
    {"agent", SW_STEP_AGENT_ID, SW_OP_EQ, {T("agent-00000001-0000-4000-8000-000000000001")}, 1},
    {"trace ids",
     SW_STEP_TRACE_ID,
     SW_OP_IN,
     {T("00000000000000000000000000000001"), T("00000000000000000000000000000004")},
     2},
    {"feedback", SW_STEP_FEEDBACK, SW_OP_EQ, {N(SW_FEEDBACK_NEGATIVE)}, 1},
    {"has feedback", SW_STEP_FEEDBACK, SW_OP_NOT_NULL, {N(0)}, 0},
    {"has no feedback", SW_STEP_FEEDBACK, SW_OP_NULL, {N(0)}, 0},
    {"project", SW_STEP_PROJECT_ID, SW_OP_EQ, {T("project-1")}, 1},
    {"run", SW_STEP_RUN_ID, SW_OP_EQ, {T("run-00000001-0000-4000-8000-000000000001")}, 1},
    {"no run", SW_STEP_RUN_ID, SW_OP_NULL, {N(0)}, 0},
    {"begun after", SW_STEP_CREATED_AT, SW_OP_GT, {N(LT_TIME + 4000000)}, 1},
    {"begun at or after", SW_STEP_CREATED_AT, SW_OP_GE, {N(LT_TIME + 4000000)}, 1},
    {"begun before", SW_STEP_CREATED_AT, SW_OP_LT, {N(LT_TIME + 4000000)}, 1},
    {"begun at or before", SW_STEP_CREATED_AT, SW_OP_LE, {N(LT_TIME + 4000000)}, 1},
    {"pending", SW_STEP_STATUS, SW_OP_EQ, {N(SW_STEP_STATUS_PENDING)}, 1},
    {"success", SW_STEP_STATUS, SW_OP_EQ, {N(SW_STEP_STATUS_SUCCESS)}, 1},
    {"failed", SW_STEP_STATUS, SW_OP_EQ, {N(SW_STEP_STATUS_FAILED)}, 1},
    {"cancelled", SW_STEP_STATUS, SW_OP_EQ, {N(SW_STEP_STATUS_CANCELLED)}, 1},
    {"failed or cancelled", SW_STEP_STATUS, SW_OP_IN, {N(2), N(3)}, 2},
    {"provider", SW_STEP_PROVIDER_NAME, SW_OP_EQ, {T("openai")}, 1},
    {"category", SW_STEP_PROVIDER_CATEGORY, SW_OP_EQ, {T("byok")}, 1},
    {"stop reason", SW_STEP_STOP_REASON, SW_OP_EQ, {T("max_steps")}, 1},
    {"error type", SW_STEP_ERROR_TYPE, SW_OP_EQ, {T("Timeout")}, 1},
    {"request", SW_STEP_REQUEST_ID, SW_OP_EQ, {T("req-3")}, 1},
    {"transaction", SW_STEP_TID, SW_OP_EQ, {T("tid-2")}, 1},
    {"parent",
     SW_STEP_PARENT_STEP_ID,
     SW_OP_EQ,
     {T("step-00000002-0000-4000-8000-000000000002")},
     1},
    {"conversation",
     SW_STEP_CONVERSATION_ID,
     SW_OP_EQ,
     {T("conv-00000001-0000-4000-8000-000000000001")},
     1},
    {"user", SW_STEP_END_USER, SW_OP_EQ, {T("ann")}, 1},
    {"any of the tags", SW_STEP_TAGS, SW_OP_TAG_ANY, {T("red"), T("green")}, 2},
    {"all of the tags", SW_STEP_TAGS, SW_OP_TAG_ALL, {T("red"), T("blue")}, 2},
    {"tokens from", SW_STEP_TOTAL_TOKENS, SW_OP_GE, {N(100)}, 1},
    {"tokens to", SW_STEP_TOTAL_TOKENS, SW_OP_LE, {N(100)}, 1},
    {"cost above", SW_STEP_COST_NANO_USD, SW_OP_GT, {N(50000)}, 1},
    {"cost below", SW_STEP_COST_NANO_USD, SW_OP_LT, {N(50000)}, 1},
    {"cost unknown", SW_STEP_COST_NANO_USD, SW_OP_NULL, {N(0)}, 0},
    {"source", SW_STEP_SOURCE, SW_OP_NE, {N(SW_SOURCE_OTLP)}, 1},
};
/* clang-format on */
enum { FILTERS = sizeof filters / sizeof filters[0] };

static sw_condition filter(size_t i)
{
    return (sw_condition){filters[i].field, filters[i].op, filters[i].values, filters[i].count};
}

static void each_filter_finds_what_it_should(lt *t)
{
    crowd c = populate(t);
    for (size_t i = 0; i < FILTERS; i++) {
        sw_condition condition = filter(i);
        sw_list_query query = lt_where(&condition, 1);
        size_t found = 0;
        for (int up = 0; up < 2; up++) {
            query.ascending = up;
            found = expect_list(t, &c, &query, filters[i].what);
        }
        if (found == 0 || (found == STEPS && filters[i].field != SW_STEP_SOURCE)) {
            SAY("the filter '%s' proves nothing", filters[i].what);
        }
    }
    naive_free(&c.n);
}

static void any_two_filters_work_together(lt *t)
{
    crowd c = populate(t);
    for (size_t i = 0; i < FILTERS; i++) {
        for (size_t k = i + 1; k < FILTERS; k += (size_t)lt_level(7, 2, 1)) {
            sw_condition conditions[2] = {filter(i), filter(k)};
            sw_list_query query = lt_where(conditions, 2);
            query.ascending = (i + k) % 2;
            expect_list(t, &c, &query, filters[i].what);
        }
    }
    naive_free(&c.n);
}

static void no_value_finds_nothing(lt *t)
{
    sw_condition none = {SW_STEP_MODEL, SW_OP_IN, NULL, 0};
    sw_list_query query = lt_where(&none, 1);
    sw_step s = lt_step(t, 1);
    lt_log(t, &t->a, &s);
    SAME(lt_list(t, &t->a, SW_RECORD_STEP, &query).count, 0);
}

/* ---- cursors ------------------------------------------------------------------------------------ */

/* Walks all pages of a size and compares with the whole. */
static void walk(lt *t, const crowd *c, sw_list_query query, int64_t size)
{
    nv_step **want = NULL;
    size_t count = naive_list(c->n, &t->a, &query, &want, t->pool), seen = 0;
    query.limit = size;
    for (;;) {
        lt_rows page = lt_list(t, &t->a, SW_RECORD_STEP, &query);
        CHECK(page.count <= (size_t)size);
        for (size_t i = 0; i < page.count; i++, seen++) {
            if (seen >= count || !sw_str_eq(lt_row_id(&page, i), want[seen]->row.id)) {
                SAY("pages of %lld, %s: row %zu of %zu is wrong", (long long)size,
                    query.ascending ? "ascending" : "descending", seen, count);
            }
        }
        SAME(page.end.complete, seen >= count);
        if (page.count == 0) {
            break;
        }
        query.after = lt_row_id(&page, page.count - 1);
    }
    SAME(seen, count);
}

static void pages_join_without_gap_or_double(lt *t)
{
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 9, 50, STEPS, STEPS + 1};
    crowd c = populate(t);
    sw_condition failed = filter(19), gpt = filter(0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int up = 0; up < 2; up++) {
            sw_list_query query = {.ascending = up};
            walk(t, &c, query, sizes[i]);
            query.conditions = up ? &failed : &gpt;
            query.condition_count = 1;
            walk(t, &c, query, sizes[i]);
        }
    }
    naive_free(&c.n);
}

static void before_is_next_to_the_cursor(lt *t)
{
    crowd c = populate(t);
    for (int up = 0; up < 2; up++) {
        sw_list_query all = {.limit = -1, .ascending = up};
        lt_rows rows = lt_list(t, &t->a, SW_RECORD_STEP, &all);
        for (size_t at = 0; at < rows.count; at += 5) {
            sw_list_query query = {.limit = 10, .ascending = up, .before = lt_row_id(&rows, at)};
            lt_rows page = lt_list(t, &t->a, SW_RECORD_STEP, &query);
            size_t expect = at < 10 ? at : 10;
            SAME(page.count, expect);
            for (size_t i = 0; i < expect; i++) {
                TEXT(lt_row_id(&page, i), lt_row_id(&rows, at - expect + i).ptr);
            }
            SAME(page.end.complete, at <= 10);
        }
    }
    naive_free(&c.n);
}

static void both_cursors_give_what_lies_between(lt *t)
{
    crowd c = populate(t);
    for (int up = 0; up < 2; up++) {
        sw_list_query all = {.limit = -1, .ascending = up};
        lt_rows rows = lt_list(t, &t->a, SW_RECORD_STEP, &all);
        sw_list_query query = {.limit = -1, .ascending = up};
        lt_rows page;
        query.after = lt_row_id(&rows, 20);
        query.before = lt_row_id(&rows, 41);
        page = lt_list(t, &t->a, SW_RECORD_STEP, &query);
        SAME(page.count, 20);
        for (size_t i = 0; i < 20; i++) {
            TEXT(lt_row_id(&page, i), lt_row_id(&rows, 21 + i).ptr);
        }
        query.before = lt_row_id(&rows, 21);
        SAME(lt_list(t, &t->a, SW_RECORD_STEP, &query).count, 0);
    }
    naive_free(&c.n);
}

static bool ignore_row(void *arg, const void *row)
{
    (void)row;
    ++*(int *)arg;
    return true;
}

static void an_unknown_cursor_is_not_found(lt *t)
{
    sw_step mine = lt_step(t, 1), foreign = lt_step(t, 2);
    sw_str cursors[] = {lt_id(t, "step", 9), foreign.id};
    char texts[2][400];
    int rows = 0;
    lt_log(t, &t->a, &mine);
    lt_log(t, &t->b, &foreign);
    for (int i = 0; i < 4; i++) {
        sw_list_query query = {.limit = 10};
        sw_list_end end;
        *(i % 2 ? &query.after : &query.before) = cursors[i / 2];
        IS(SW_STATUS_NOT_FOUND,
           sw_list(t->ledger, &t->a, SW_RECORD_STEP, &query, ignore_row, &rows, &end, &t->err));
        snprintf(texts[i / 2], sizeof texts[0], "%.*s", (int)strcspn(t->err.message, "0123456789"),
                 t->err.message);
    }
    SAME(rows, 0);
    assert_string_equal(texts[0], texts[1]);
}

static bool stop_at_three(void *arg, const void *row)
{
    (void)row;
    return ++*(int *)arg < 3;
}

static void a_reader_may_stop(lt *t)
{
    sw_list_query query = {.limit = -1};
    sw_list_end end;
    int rows = 0;
    crowd c = populate(t);
    OK(sw_list(t->ledger, &t->a, SW_RECORD_STEP, &query, stop_at_three, &rows, &end, &t->err));
    SAME(rows, 3);
    SAME(end.count, 3);
    CHECK(!end.complete && !end.gave_up);
    naive_free(&c.n);
}

typedef struct descent {
    lt *t;
    int deep;
    sw_status bottom;
} descent;

/* What sw_each forbids: reads while it is read. */
static bool read_within(void *arg, const void *row)
{
    descent *d = arg;
    sw_list_query query = {.limit = 1};
    sw_list_end end;
    (void)row;
    if (d->deep++ <= SW_LIMIT_READERS) {
        sw_status status = sw_list(d->t->ledger, &d->t->a, SW_RECORD_STEP, &query, read_within, d,
                                   &end, &d->t->err);
        d->bottom = status == SW_STATUS_OK ? d->bottom : status;
    }
    return true;
}

static void who_waits_for_himself_is_told(lt *t)
{
    sw_step s = lt_step(t, 1);
    descent d = {.t = t};
    lt_log(t, &t->a, &s);
    t->options.busy_ms = 50;
    lt_reopen(t);
    (void)read_within(&d, NULL);
    IS(SW_STATUS_BUSY, d.bottom);
    SAME(d.deep, SW_LIMIT_READERS + 1);
}

static void a_page_has_a_default_size(lt *t)
{
    size_t count = SW_LIMIT_LIST_ITEMS + 1;
    sw_step_entry *e = pool_alloc(t->pool, count * sizeof *e);
    sw_outcome *o = pool_alloc(t->pool, count * sizeof *o);
    sw_list_query query = {.limit = 0};
    lt_rows page;
    OK(sw_step_log(t->ledger, &t->a, e, count, true, o, &t->err));
    page = lt_list(t, &t->a, SW_RECORD_STEP, &query);
    SAME(page.count, SW_LIMIT_LIST_ITEMS);
    CHECK(!page.end.complete);
    query.limit = -1;
    SAME(lt_list(t, &t->a, SW_RECORD_STEP, &query).count, count);
}

/* Rows that are large end a page early, on both sides of a cursor next to it; nothing is lost or shown twice. */
static void large_rows_end_a_page_early(lt *t)
{
    enum { COUNT = 40, BYTES = 3000 };
    sw_list_query all = {.limit = -1};
    lt_rows want;
    for (unsigned n = 0; n < COUNT; n++) {
        sw_step s = lt_step(t, n);
        char *text = pool_alloc(t->pool, BYTES + 3);
        memset(text, 'x', BYTES + 2);
        text[0] = text[BYTES + 1] = '"';
        s.metadata = pool_printf(t->pool, "{\"a\":%s}", n % 3 ? "1" : text);
        lt_log(t, &t->a, &s);
    }
    want = lt_list(t, &t->a, SW_RECORD_STEP, &all);
    for (int back = 0; back < 2; back++) {
        size_t seen = 0, cuts = 0;
        sw_str cursor = back ? lt_row_id(&want, COUNT - 1) : SW_NULL_STR;
        for (bool complete = false; !complete;) {
            sw_list_query q = {.limit = 30, .byte_limit = 2 * BYTES};
            lt_rows page;
            *(back ? &q.before : &q.after) = cursor;
            page = lt_list(t, &t->a, SW_RECORD_STEP, &q);
            CHECK(page.count > 0 && page.count < 30 && !page.end.gave_up);
            seen += page.count;
            for (size_t i = 0; i < page.count; i++) {
                size_t at = back ? COUNT - 1 - seen + i : seen - page.count + i;
                TEXT(lt_row_id(&page, i), lt_row_id(&want, at).ptr);
            }
            cursor = lt_row_id(&page, back ? 0 : page.count - 1);
            if (page.end.cut) {
                TEXT(sw_str_from(page.end.resume), cursor.ptr);
            }
            complete = page.end.complete;
            CHECK(complete != page.end.cut);
            cuts += page.end.cut;
        }
        SAME(seen, back ? COUNT - 1 : COUNT);
        CHECK(cuts > 3);
    }
}

/* Below 0: a comes first among the newest. */
static int newest_first(const sw_step *a, const sw_step *b)
{
    size_t shorter = a->id.len < b->id.len ? a->id.len : b->id.len;
    if (a->created_at.value != b->created_at.value) {
        return a->created_at.value > b->created_at.value ? -1 : 1;
    }
    return memcmp(b->id.ptr, a->id.ptr, shorter);
}

/* Where most rows have a moment of their own and some share one, the order is total all the same, and so are
 * pages of any size; what was not asked for need not be read, what was is there. */
static void some_moments_are_shared(lt *t)
{
    enum { COUNT = 60 };
    sw_list_query all = {.limit = -1, .fields = SW_FIELD_BIT(SW_STEP_MODEL)};
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned n = (i * 37) % COUNT; /* ids in another order than moments */
        sw_step s = lt_step(t, n);
        unsigned moment = i - (i % 11 == 10 ? 1 : 0) - (i % 23 == 22 ? 2 : 0);
        s.created_at = sw_int_of(LT_TIME + (int64_t)moment * 1000000);
        s.model = pool_printf(t->pool, "model-%u", moment);
        lt_log(t, &t->a, &s);
    }
    lt_rows want = lt_list(t, &t->a, SW_RECORD_STEP, &all);
    SAME(want.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const sw_step *step = want.at[i];
        int64_t moment = (step->created_at.value - LT_TIME) / 1000000;
        CHECK(i == 0 || newest_first(want.at[i - 1], step) < 0);
        TEXT(step->model, pool_printf(t->pool, "model-%d", (int)moment).ptr);
    }
    for (int64_t limit = 1; limit <= 13; limit++) {
        sw_list_query q = {.limit = limit};
        for (size_t seen = 0; seen < COUNT;) {
            lt_rows page = lt_list(t, &t->a, SW_RECORD_STEP, &q);
            CHECK(page.count > 0);
            for (size_t i = 0; i < page.count; i++) {
                TEXT(lt_row_id(&page, i), lt_row_id(&want, seen + i).ptr);
            }
            seen += page.count;
            q.after = lt_row_id(&page, page.count - 1);
        }
    }
}

static const lt_case cases[] = {
    {"some moments are shared", some_moments_are_shared, 0},
    {"large rows end a page early", large_rows_end_a_page_early, 0},
    {"each filter finds what it should", each_filter_finds_what_it_should, 0},
    {"any two filters work together", any_two_filters_work_together, 0},
    {"no value finds nothing", no_value_finds_nothing, 0},
    {"pages join without gap or double", pages_join_without_gap_or_double, 0},
    {"before is next to the cursor", before_is_next_to_the_cursor, 0},
    {"both cursors give what lies between", both_cursors_give_what_lies_between, 0},
    {"an unknown cursor is not found", an_unknown_cursor_is_not_found, 0},
    {"a reader may stop", a_reader_may_stop, 0},
    {"a page has a default size", a_page_has_a_default_size, 0},
    {"who waits for himself is told", who_waits_for_himself_is_told, LT_DISK},
};

LT_MAIN("list", cases)
