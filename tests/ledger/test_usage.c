/* SPDX-License-Identifier: Apache-2.0 */
/* Usage: every grouping of one and two dimensions, ranges on and off the hour and the day, zones,
 * filters, against adding up all rows by hand. Sums from rollups and sums from rows are the same sums.
 */
#include "tests/lib/chance.h"
#include "tests/lib/naive.h"

enum { STEPS = 300 };
#define HOUR INT64_C(3600000000)
#define DAY (24 * HOUR)
/* The day's beginning. */
#define MIDNIGHT (LT_TIME - 8 * HOUR)

typedef struct sums {
    lt *t;
    naive *n;
} sums;

static void fill_words(sw_step *s, unsigned n)
{
    static const char *const models[] = {"gpt", "claude", NULL};
    static const char *const projects[] = {"p-1", "p-2", NULL};
    static const char *const providers[] = {"openai", "anthropic", NULL};
    static const char *const reasons[] = {"end_turn", "error", NULL};
    static const char *const users[] = {"ann", "bob", NULL};
    s->model = sw_str_from(models[n % 3]);
    s->project_id = sw_str_from(projects[n / 3 % 3]);
    s->provider_name = sw_str_from(providers[n / 9 % 3]);
    s->stop_reason = sw_str_from(reasons[n / 2 % 3]);
    s->end_user = sw_str_from(users[n / 5 % 3]);
}

/* Steps at odd times of six days, some just before and just at midnight. */
static sums populate(lt *t)
{
    sums u = {t, naive_new()};
    for (unsigned n = 0; n < STEPS; n++) {
        const sw_actor *actor = n % 4 == 3 ? &t->b : &t->a;
        sw_step_entry e = {.step = lt_step(t, n)};
        sw_step *s = &e.step;
        fill_words(s, n);
        s->status = sw_int_of(n % 7 % 4);
        s->feedback = n % 4 ? SW_NULL_INT : sw_int_of(n / 4 % 2);
        s->conversation_id = n % 3 ? lt_id(t, "conv", n % 3) : SW_NULL_STR;
        s->agent_id = n % 5 ? lt_id(t, "agent", n % 5) : SW_NULL_STR;
        s->created_at = sw_int_of(MIDNIGHT + (int64_t)n * 29 * HOUR / 60);
        if (n % 10 == 0) {
            s->created_at = sw_int_of(MIDNIGHT + (int64_t)(n / 50) * DAY - (n % 20 == 0));
        }
        s->prompt_tokens = n % 6 ? sw_int_of(n) : SW_NULL_INT;
        s->cost_nano_usd = n % 3 ? sw_int_of(n * 10) : SW_NULL_INT;
        s->reasoning_tokens = n % 8 ? SW_NULL_INT : sw_int_of(1);
        lt_log_entry(t, actor, &e);
        naive_log(u.n, actor, &e, s->id, 0, NULL, false);
    }
    return u;
}

static sw_usage_source expect(sums *u, const sw_actor *actor, const sw_usage_query *q)
{
    lt *t = u->t;
    sw_usage_group *want = NULL;
    size_t count = naive_usage(u->n, actor, q, &want, t->pool);
    lt_groups got = lt_usage(t, actor, q);
    for (size_t i = 0; i < count || i < got.count; i++) {
        for (size_t k = 0; i < count && i < got.count && k < q->by_count; k++) {
            if (!sw_str_eq(got.at[i].keys[k], want[i].keys[k])) {
                SAY("by %d, %d: key %zu of group %zu is '%s', expected '%s'", q->by[0], q->by[1], k,
                    i, got.at[i].keys[k].ptr ? got.at[i].keys[k].ptr : "(null)",
                    want[i].keys[k].ptr ? want[i].keys[k].ptr : "(null)");
            }
        }
        if (i >= count || i >= got.count ||
            memcmp(&got.at[i].totals, &want[i].totals, sizeof want[i].totals) != 0) {
            SAY("by %d, %d (%zu): %zu groups, expected %zu; first difference in group %zu: %lld "
                "steps, expected %lld",
                q->by[0], q->by[1], q->by_count, got.count, count, i,
                i < got.count ? (long long)got.at[i].totals.num_steps : -1,
                i < count ? (long long)want[i].totals.num_steps : -1);
        }
    }
    CHECK(got.end.complete);
    return got.end.source;
}

static void every_grouping_adds_up(lt *t)
{
    sums u = populate(t);
    for (unsigned a = 0; a < SW_DIMENSION_COUNT; a++) {
        for (unsigned b = 0; b < SW_DIMENSION_COUNT; b++) {
            sw_usage_query q = {.by = {(sw_dimension)a, (sw_dimension)b}};
            q.by_count = a == b ? 1 : 2;
            expect(&u, &t->a, &q);
            expect(&u, &t->b, &q);
        }
    }
    naive_free(&u.n);
}

static void three_and_four_dimensions_add_up(lt *t)
{
    sums u = populate(t);
    sw_usage_query q = {
        .by = {SW_DIMENSION_DAY, SW_DIMENSION_MODEL, SW_DIMENSION_STATUS, SW_DIMENSION_PROJECT}};
    sw_usage_query none = {0};
    q.by_count = 3;
    expect(&u, &t->a, &q);
    q.by_count = 4;
    expect(&u, &t->a, &q);
    expect(&u, &t->a, &none);
    naive_free(&u.n);
}

static void every_range_adds_up(lt *t)
{
    static const int64_t edges[] = {MIDNIGHT - DAY,
                                    MIDNIGHT - 1,
                                    MIDNIGHT,
                                    MIDNIGHT + 1,
                                    MIDNIGHT + HOUR,
                                    MIDNIGHT + HOUR + 1,
                                    MIDNIGHT + DAY - 1,
                                    MIDNIGHT + DAY,
                                    MIDNIGHT + DAY + 3 * HOUR,
                                    MIDNIGHT + 2 * DAY + HOUR / 2,
                                    MIDNIGHT + 4 * DAY,
                                    MIDNIGHT + 30 * DAY};
    static const sw_dimension dimensions[] = {
        SW_DIMENSION_DAY,    SW_DIMENSION_HOUR,     SW_DIMENSION_MODEL,
        SW_DIMENSION_AGENT,  SW_DIMENSION_PROJECT,  SW_DIMENSION_USER,
        SW_DIMENSION_MINUTE, SW_DIMENSION_FEEDBACK, SW_DIMENSION_CONVERSATION};
    enum { EDGES = sizeof edges / sizeof edges[0] };
    sums u = populate(t);
    for (size_t i = 0; i < EDGES; i++) {
        for (size_t k = i; k < EDGES; k++) {
            for (size_t d = 0; d < sizeof dimensions / sizeof dimensions[0]; d++) {
                sw_usage_query q = {.by = {dimensions[d]}, .by_count = 1};
                q.from = i ? sw_int_of(edges[i]) : SW_NULL_INT;
                q.to = k < EDGES - 1 ? sw_int_of(edges[k]) : SW_NULL_INT;
                expect(&u, &t->a, &q);
                q.by_count = 0;
                expect(&u, &t->a, &q);
            }
        }
    }
    naive_free(&u.n);
}

static void days_and_hours_follow_the_zone(lt *t)
{
    static const int32_t zones[] = {0, 60, -480, 330, 345, -1, 840, -720};
    sums u = populate(t);
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        sw_usage_query q = {.by = {SW_DIMENSION_DAY, SW_DIMENSION_MODEL}, .by_count = 2};
        q.zone_minutes = zones[i];
        if (zones[i] != 0 && expect(&u, &t->a, &q) == SW_USAGE_SOURCE_ROLLUP) {
            SAY("days of zone %d come from UTC days", zones[i]);
        }
        q.by[0] = SW_DIMENSION_HOUR;
        expect(&u, &t->a, &q);
        q.from = sw_int_of(MIDNIGHT + DAY);
        expect(&u, &t->a, &q);
    }
    naive_free(&u.n);
}

static void filters_choose_the_rows(lt *t)
{
    static const sw_value gpt = {.text = {"gpt", 3}}, project = {.text = {"p-1", 3}};
    static const sw_value failed = {.number = SW_STEP_STATUS_FAILED}, big = {.number = 100};
    static const sw_condition filters[] = {
        {SW_STEP_MODEL, SW_OP_EQ, &gpt, 1},     {SW_STEP_PROJECT_ID, SW_OP_EQ, &project, 1},
        {SW_STEP_STATUS, SW_OP_EQ, &failed, 1}, {SW_STEP_TOTAL_TOKENS, SW_OP_GE, &big, 1},
        {SW_STEP_MODEL, SW_OP_NULL, NULL, 0},   {SW_STEP_AGENT_ID, SW_OP_NOT_NULL, NULL, 0},
        {SW_STEP_MODEL, SW_OP_NE, &gpt, 1},     {SW_STEP_MODEL, SW_OP_IN, NULL, 0}};
    sums u = populate(t);
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        for (unsigned d = 0; d < SW_DIMENSION_COUNT; d++) {
            sw_usage_query q = {.by = {(sw_dimension)d},
                                .by_count = 1,
                                .conditions = &filters[i],
                                .condition_count = 1};
            expect(&u, &t->a, &q);
            q.from = sw_int_of(MIDNIGHT + DAY + HOUR / 3);
            q.to = sw_int_of(MIDNIGHT + 3 * DAY);
            expect(&u, &t->a, &q);
        }
    }
    naive_free(&u.n);
}

/* What the declared rollups know must come from them, and be equal to the rows. */
static void rollups_answer_what_they_know(lt *t)
{
    static const struct {
        sw_dimension by[3];
        size_t count;
    } known[] = {
        {{SW_DIMENSION_DAY}, 1},
        {{SW_DIMENSION_HOUR}, 1},
        {{SW_DIMENSION_MODEL}, 1},
        {{SW_DIMENSION_PROJECT}, 1},
        {{SW_DIMENSION_STATUS}, 1},
        {{SW_DIMENSION_AGENT}, 1},
        {{SW_DIMENSION_ORGANIZATION}, 1},
        {{SW_DIMENSION_MODEL, SW_DIMENSION_DAY}, 2},
        {{SW_DIMENSION_AGENT, SW_DIMENSION_DAY}, 2},
        {{SW_DIMENSION_PROJECT, SW_DIMENSION_STATUS, SW_DIMENSION_MODEL}, 3},
    };
    sums u = populate(t);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        sw_usage_query q = {.by_count = known[i].count};
        memcpy(q.by, known[i].by, sizeof known[i].by);
        SAME(expect(&u, &t->a, &q), SW_USAGE_SOURCE_ROLLUP);
        q.from = sw_int_of(MIDNIGHT + DAY);
        q.to = sw_int_of(MIDNIGHT + 3 * DAY);
        SAME(expect(&u, &t->a, &q), SW_USAGE_SOURCE_ROLLUP);
        q.to = sw_int_of(MIDNIGHT + 3 * DAY + 12345);
        CHECK(expect(&u, &t->a, &q) != SW_USAGE_SOURCE_ROLLUP);
    }
    naive_free(&u.n);
}

static void sums_follow_every_change(lt *t)
{
    sums u = populate(t);
    sw_usage_query q = {.by = {SW_DIMENSION_MODEL, SW_DIMENSION_STATUS}, .by_count = 2};
    for (unsigned n = 0; n < STEPS; n += 3) {
        const sw_actor *actor = n % 4 == 3 ? &t->b : &t->a;
        sw_str id = lt_id(t, "step", n);
        sw_step_entry end = {.step = {.status = sw_int_of(1 + n % 3), .model = SW_STR("new")}};
        sw_outcome o;
        end.step.prompt_tokens = sw_int_of(1);
        end.step.completion_tokens = sw_int_of(2);
        if (naive_step(u.n, actor, id)->row.status.value == SW_STEP_STATUS_PENDING) {
            OK(sw_step_end(t->ledger, actor, id, &end, &o, &t->err));
            naive_end(u.n, actor, id, &end, NULL);
        } else if (n % 2) {
            OK(sw_step_delete(t->ledger, actor, id, &o, &t->err));
            naive_delete(u.n, actor, id);
        }
    }
    expect(&u, &t->a, &q);
    expect(&u, &t->b, &q);
    CLEAN();
    naive_free(&u.n);
}

static void the_operator_sees_all(lt *t)
{
    sums u = populate(t);
    for (unsigned d = 0; d < SW_DIMENSION_COUNT; d++) {
        sw_usage_query q = {.by = {(sw_dimension)d, SW_DIMENSION_DAY}, .by_count = 1};
        expect(&u, &t->operator_, &q);
        q.by_count = d == SW_DIMENSION_DAY ? 1 : 2;
        expect(&u, &t->operator_, &q);
        q.from = sw_int_of(MIDNIGHT + HOUR + 17);
        expect(&u, &t->operator_, &q);
    }
    naive_free(&u.n);
}

static void bad_questions_are_refused(lt *t)
{
    sw_usage_query q = {.by = {(sw_dimension)99}, .by_count = 1};
    sw_usage_end end;
    CHECK(sw_usage(t->ledger, &t->a, &q, NULL, NULL, &end, &t->err) == SW_STATUS_INVALID);
    q = (sw_usage_query){.by_count = SW_DIMENSIONS_MAX + 1};
    CHECK(sw_usage(t->ledger, &t->a, &q, NULL, NULL, &end, &t->err) == SW_STATUS_INVALID);
}

static void a_bound_on_rows_is_said(lt *t)
{
    sums u = populate(t);
    sw_usage_query q = {.by = {SW_DIMENSION_USER}, .by_count = 1, .row_limit = 50};
    lt_groups got = lt_usage(t, &t->a, &q);
    int64_t steps = 0;
    CHECK(!got.end.complete);
    CHECK(got.end.rows <= 51);
    for (size_t i = 0; i < got.count; i++) {
        steps += got.at[i].totals.num_steps;
    }
    CHECK(steps > 0 && steps <= 50);
    q.row_limit = STEPS;
    got = lt_usage(t, &t->a, &q);
    if (!got.end.complete) {
        SAY("not complete after %lld rows of at most %d", (long long)got.end.rows, STEPS);
    }
    naive_free(&u.n);
}

static int64_t steps_of(const lt_groups *got, sw_str organization)
{
    for (size_t i = 0; i < got->count; i++) {
        if (sw_str_eq(got->at[i].keys[0], organization)) {
            return got->at[i].totals.num_steps;
        }
    }
    return 0;
}

/* Whoever sees everything has one bound for all: it is shared out, nobody is left out because another one has
 * many, and what some do not need goes to the others. Of each the newest are summed. */
static void a_bound_on_rows_is_shared_out(lt *t)
{
    static const int64_t bounds[] = {4, 20, 100, 160, 250, STEPS + 4};
    sums u = populate(t); /* 225 steps of a, 75 of b; ties at every midnight */
    for (size_t i = 0; i < SW_COUNT(bounds); i++) {
        sw_usage_query q = {.by = {SW_DIMENSION_ORGANIZATION, SW_DIMENSION_USER},
                            .by_count = 1,
                            .zone_minutes = 60, /* from rows */
                            .row_limit = bounds[i]};
        lt_groups got = lt_usage(t, &t->operator_, &q);
        int64_t a = steps_of(&got, t->a.organization_id), b = steps_of(&got, t->b.organization_id);
        CHECK(got.end.source == SW_USAGE_SOURCE_ROWS);
        CHECK(got.end.rows <= bounds[i]);
        SAME(got.end.complete, bounds[i] > STEPS);
        CHECK(b == (a < 75 ? a : 75)); /* fairly */
        CHECK(a + b > bounds[i] - 3 || a + b == STEPS);
    }
    naive_free(&u.n);
}

/* The steps that were summed are the newest of each organization, also where many came at one time. */
static void the_newest_of_each_are_summed(lt *t)
{
    sw_usage_query q = {.by_count = 2, .zone_minutes = 60, .row_limit = 0};
    lt_groups got;
    q.by[0] = SW_DIMENSION_ORGANIZATION;
    q.by[1] = SW_DIMENSION_USER;
    for (unsigned n = 0; n < 60; n++) {
        sw_step s = lt_step(t, n);
        s.created_at = sw_int_of(LT_TIME + (n < 40 ? 0 : 1));
        s.end_user = pool_printf(t->pool, "u%02u", n);
        lt_log(t, n % 4 ? &t->a : &t->b, &s);
    }
    q.row_limit = 50; /* 15 of b, 35 of the 45 of a: not the whole tie */
    got = lt_usage(t, &t->operator_, &q);
    CHECK(!got.end.complete);
    SAME(got.count, 50);
    for (size_t i = 0; i < got.count; i++) {
        SAME(got.at[i].totals.num_steps, 1); /* none twice, across the rounds */
    }
    for (unsigned n = 40, found = 0; n < 60; n++, found = 0) {
        sw_str user = pool_printf(t->pool, "u%02u", n);
        for (size_t i = 0; i < got.count; i++) {
            found += sw_str_eq(got.at[i].keys[1], user);
        }
        SAME(found, 1);
    }
}

static const lt_case cases[] = {
    {"a bound on rows is shared out", a_bound_on_rows_is_shared_out, 0},
    {"the newest of each are summed", the_newest_of_each_are_summed, 0},
    {"every grouping adds up", every_grouping_adds_up, 0},
    {"three and four dimensions add up", three_and_four_dimensions_add_up, 0},
    {"every range adds up", every_range_adds_up, 0},
    {"days and hours follow the zone", days_and_hours_follow_the_zone, 0},
    {"filters choose the rows", filters_choose_the_rows, 0},
    {"rollups answer what they know", rollups_answer_what_they_know, 0},
    {"sums follow every change", sums_follow_every_change, 0},
    {"the operator sees all", the_operator_sees_all, 0},
    {"bad questions are refused", bad_questions_are_refused, 0},
    {"a bound on rows is said", a_bound_on_rows_is_said, 0},
};

LT_MAIN("usage", cases)
