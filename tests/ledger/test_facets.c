/* SPDX-License-Identifier: Apache-2.0 */
/* Facets: values with counts, against a plain count over all steps that the same list shows,
 * whether they come from the sums or from the steps.
 */
#include "model/model.h"
#include "tests/lib/lt.h"

#include <stdio.h>

#define DAY INT64_C(86400000000)
#define MIDNIGHT (LT_TIME - DAY / 3) /* before LT_TIME */

typedef struct found {
    sw_facet facet;
    sw_str value;
    int64_t count;
    bool approximate;
} found;

typedef struct answer {
    lt *t;
    found at[4096];
    size_t count;
    sw_list_end end;
} answer;

static bool take(void *arg, const sw_facet_value *v)
{
    answer *a = arg;
    found *f = &a->at[a->count++];
    assert_true(a->count < 4096);
    *f = (found){.facet = v->facet, .count = v->count, .approximate = v->approximate};
    f->value = v->value.ptr ? pool_printf(a->t->pool, "%.*s", (int)v->value.len, v->value.ptr)
                            : SW_NULL_STR;
    return true;
}

static answer *ask(lt *t, const sw_actor *actor, const sw_list_query *q, int64_t per_facet)
{
    static answer a;
    a.t = t;
    a.count = 0;
    OK(sw_step_facets(t->ledger, actor, q, per_facet, take, &a, &a.end, &t->err));
    return &a;
}

/* ---- the plain count ------------------------------------------------------------------------------ */

static bool has_value(const sw_step *s, sw_facet facet, sw_str value)
{
    static const sw_str none = {NULL, 0};
    const char *word = NULL;
    switch (facet) {
    case SW_FACET_STATUS:
        word = sw_enum_word(SW_ENUM_step_status, s->status.value);
        return value.ptr && sw_str_eq(sw_str_from(word), value);
    case SW_FACET_FEEDBACK:
        word = s->feedback.known ? sw_enum_word(SW_ENUM_feedback, s->feedback.value) : NULL;
        return word ? value.ptr && sw_str_eq(sw_str_from(word), value) : !value.ptr;
    case SW_FACET_MODEL:
        return sw_str_eq(s->model, value);
    case SW_FACET_PROVIDER_NAME:
        return sw_str_eq(s->provider_name, value);
    case SW_FACET_AGENT_ID:
        return sw_str_eq(s->agent_id, value);
    case SW_FACET_PROJECT_ID:
        return sw_str_eq(s->project_id, value);
    case SW_FACET_STOP_REASON:
        return sw_str_eq(s->stop_reason, value);
    case SW_FACET_ERROR_TYPE:
        return sw_str_eq(s->error_type, value);
    case SW_FACET_END_USER:
        return sw_str_eq(s->end_user, value);
    case SW_FACET_TAGS:
        return value.ptr && strstr(s->tags.ptr, value.ptr) != NULL; /* no tag is part of another */
    }
    return sw_str_eq(none, value);
}

/* Every value that is answered has the number of steps that have it; all steps together are
 * accounted for; and they come in order. */
static void compare(lt *t, const sw_actor *actor, const sw_list_query *query)
{
    sw_list_query q = *query;
    answer *a = ask(t, actor, query, 1000);
    int64_t sums[16] = {0};
    lt_rows rows;
    q.limit = -1;
    rows = lt_list(t, actor, SW_RECORD_STEP, &q);
    for (size_t i = 0; i < a->count; i++) {
        const found *f = &a->at[i];
        int64_t want = 0;
        for (size_t k = 0; k < rows.count; k++) {
            want += has_value(rows.at[k], f->facet, f->value);
        }
        if (want != f->count || f->approximate) {
            SAY("%s %s: %lld, counted %lld", sw_enum_word(SW_ENUM_facet, f->facet),
                f->value.ptr ? f->value.ptr : "null", (long long)f->count, (long long)want);
        }
        sums[f->facet] += f->count;
        if (i > 0 && a->at[i - 1].facet == f->facet) {
            CHECK(a->at[i - 1].count >= f->count);
        }
        CHECK(i == 0 || a->at[i - 1].facet <= f->facet);
    }
    for (int f = SW_FACET_STATUS; f < SW_FACET_TAGS; f++) {
        SAME(sums[f], rows.count);
    }
    CHECK(a->end.complete);
}

static sw_str one_of(lt *t, lt_rng *rng, const char *prefix, unsigned n)
{
    unsigned k = lt_below(rng, n + 1);
    return k == n ? SW_NULL_STR : pool_printf(t->pool, "%s%u", prefix, k);
}

static void populate(lt *t, lt_rng *rng, unsigned count)
{
    static const char *const stops[] = {"end_turn", "error", "max_steps"};
    for (unsigned i = 0; i < count; i++) {
        sw_step s = lt_step(t, i);
        sw_feedback_change c = {.set_feedback = true};
        sw_outcome o;
        s.status = sw_int_of(1 + lt_below(rng, 3));
        s.created_at = sw_int_of(LT_TIME + (int64_t)(i % 5) * DAY / (i % 3 ? 1 : 2) + i);
        s.model = one_of(t, rng, "model-", 4);
        s.provider_name = one_of(t, rng, "provider-", 3);
        s.agent_id = one_of(t, rng, "agent-", 5);
        s.project_id = one_of(t, rng, "project-", 2);
        s.error_type = one_of(t, rng, "Error", 2);
        s.end_user = one_of(t, rng, "person-", 6);
        s.stop_reason = lt_one_in(rng, 4) ? SW_NULL_STR : sw_str_from(stops[lt_below(rng, 3)]);
        if (lt_one_in(rng, 2)) {
            s.tags = lt_one_in(rng, 2) ? SW_STR("[\"red\",\"blue\"]") : SW_STR("[\"red\"]");
        }
        lt_log(t, i % 7 == 6 ? &t->b : &t->a, &s);
        if (lt_one_in(rng, 5)) {
            c.feedback = sw_int_of(lt_below(rng, 2));
            OK(sw_step_feedback(t->ledger, i % 7 == 6 ? &t->b : &t->a, s.id, &c, &o, &t->err));
        }
    }
}

/* Ranges on and off the day. */
static void ranges_are_the_same_as_counting(lt *t)
{
    static const int64_t from[] = {MIDNIGHT, MIDNIGHT + 1, MIDNIGHT + DAY, LT_TIME + DAY + 20};
    static const int64_t to[] = {MIDNIGHT + DAY, MIDNIGHT + 3 * DAY, LT_TIME + 2 * DAY + 9,
                                 MIDNIGHT + DAY / 2};
    lt_rng rng = lt_seed("facets");
    sw_value model = {.text = SW_STR("model-1")};
    sw_actor limited = t->a;
    limited.project_id = SW_STR("project-1");
    populate(t, &rng, (unsigned)lt_level(150, 400, 1000));
    for (size_t i = 0; i < SW_COUNT(from) * SW_COUNT(to) * 4; i++) {
        sw_value a = {.number = from[i % 4]}, b = {.number = to[i / 4 % 4]};
        sw_condition c[] = {{SW_STEP_CREATED_AT, i & 16 ? SW_OP_GE : SW_OP_GT, &a, 1},
                            {SW_STEP_CREATED_AT, i & 16 ? SW_OP_LT : SW_OP_LE, &b, 1},
                            {SW_STEP_MODEL, SW_OP_EQ, &model, 1}};
        sw_list_query q = lt_where(c, i & 32 ? 3 : 2);
        sw_list_query all = q;
        int64_t count = -1;
        all.limit = -1;
        compare(t, &t->a, &q);
        compare(t, &t->operator_, &q);
        compare(t, &limited, &q);
        OK(sw_count(t->ledger, &t->a, SW_RECORD_STEP, &q, &count, NULL, &t->err));
        SAME(count, lt_list(t, &t->a, SW_RECORD_STEP, &all).count);
    }
}

static void the_same_as_counting(lt *t)
{
    lt_rng rng = lt_seed("facets");
    sw_value model = {.text = SW_STR("model-1")}, project = {.text = SW_STR("project-0")};
    sw_value failed = {.number = SW_STEP_STATUS_FAILED}, user = {.text = SW_STR("person-2")};
    sw_value from = {.number = LT_TIME + 40 * 1000000}, red = {.text = SW_STR("red")};
    const sw_condition c[] = {
        {SW_STEP_MODEL, SW_OP_EQ, &model, 1},     {SW_STEP_PROJECT_ID, SW_OP_EQ, &project, 1},
        {SW_STEP_STATUS, SW_OP_EQ, &failed, 1},   {SW_STEP_END_USER, SW_OP_EQ, &user, 1},
        {SW_STEP_CREATED_AT, SW_OP_GE, &from, 1}, {SW_STEP_TAGS, SW_OP_TAG_ANY, &red, 1},
        {SW_STEP_PROJECT_ID, SW_OP_NULL, NULL, 0}};
    sw_actor limited = t->a;
    sw_list_query q = {.limit = 0};
    limited.project_id = SW_STR("project-1");
    compare(t, &t->a, &q); /* nothing at all */
    populate(t, &rng, (unsigned)lt_level(150, 400, 3000));
    compare(t, &t->a, &q);
    compare(t, &t->b, &q);
    compare(t, &limited, &q);
    compare(t, &t->operator_, &q);
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        for (size_t k = i; k < sizeof c / sizeof c[0]; k++) {
            sw_condition two[2] = {c[i], c[k]};
            q = lt_where(two, i == k ? 1 : 2);
            compare(t, &t->a, &q);
            compare(t, &limited, &q);
        }
    }
}

static void the_most_frequent_first(lt *t)
{
    sw_list_query q = {.limit = 0};
    answer *a = NULL;
    size_t models = 0;
    for (unsigned i = 0; i < 60; i++) {
        sw_step s = lt_step(t, i);
        s.model = pool_printf(t->pool, "m%02u", i < 30 ? 0 : i < 50 ? 1 : i);
        lt_log(t, &t->a, &s);
    }
    a = ask(t, &t->a, &q, 3);
    for (size_t i = 0; i < a->count; i++) {
        if (a->at[i].facet == SW_FACET_MODEL) {
            static const char *const want[] = {"m00", "m01", "m50"};
            static const int64_t counts[] = {30, 20, 1};
            CHECK(models < 3);
            TEXT(a->at[i].value, want[models]);
            SAME(a->at[i].count, counts[models]);
            models++;
        }
    }
    SAME(models, 3);
}

/* Past so many steps the counts of what no sum knows are of the newest; those of the sums stay
 * exact. */
static void more_than_are_counted(lt *t)
{
    enum { BATCH = 5000 };
    static sw_step_entry e[BATCH];
    static sw_outcome o[BATCH];
    int64_t total = SW_LIMIT_FACET_ROWS + BATCH;
    sw_list_query q = {.limit = 0};
    answer *a = NULL;
    if (lt_level(0, 1, 1) == 0) {
        printf("not at the quick level: %lld steps\n", (long long)total);
        skip();
    }
    for (int64_t at = 0; at < total; at += BATCH) {
        for (unsigned i = 0; i < BATCH; i++) {
            e[i] = (sw_step_entry){.step = lt_step(t, (unsigned)at + i)};
            e[i].step.end_user = at == 0 ? SW_STR("old") : SW_STR("new");
        }
        OK(sw_step_log(t->ledger, &t->a, e, BATCH, false, o, &t->err));
    }
    for (int i = 0; i < 2;
         i++) { /* the whole day comes from sums, all but its first hour does not */
        sw_value from = {.number = i ? LT_TIME + 1 : MIDNIGHT};
        sw_condition c = {SW_STEP_CREATED_AT, SW_OP_GE, &from, 1};
        sw_list_query day = lt_where(&c, 1);
        a = ask(t, &t->a, &day, 10);
        for (size_t k = 0; k < a->count; k++) {
            if (a->at[k].facet == SW_FACET_MODEL || a->at[k].facet == SW_FACET_AGENT_ID) {
                SAME(a->at[k].approximate, i);
                SAME(a->at[k].count, i ? SW_LIMIT_FACET_ROWS : total);
            }
        }
    }
    a = ask(t, &t->a, &q, 10);
    CHECK(!a->end.complete);
    for (size_t i = 0; i < a->count; i++) {
        bool known = a->at[i].facet == SW_FACET_STATUS || a->at[i].facet == SW_FACET_MODEL ||
                     a->at[i].facet == SW_FACET_AGENT_ID || a->at[i].facet == SW_FACET_PROJECT_ID;
        SAME(a->at[i].approximate, !known);
        SAME(a->at[i].count, known ? total : SW_LIMIT_FACET_ROWS);
        if (a->at[i].facet == SW_FACET_END_USER) {
            TEXT(a->at[i].value, "new");
        }
    }
}

static void bad_questions_are_refused(lt *t)
{
    sw_list_query q = {.limit = 0};
    sw_step s = lt_step(t, 1);
    answer a = {.t = t};
    lt_log(t, &t->a, &s);
    IS(SW_STATUS_INVALID, sw_step_facets(t->ledger, &t->a, &q, 0, take, &a, NULL, &t->err));
    IS(SW_STATUS_INVALID,
       sw_step_facets(t->ledger, &t->a, &q, SW_LIMIT_FACET_VALUES + 1, take, &a, NULL, &t->err));
    q.after = s.id;
    IS(SW_STATUS_INVALID, sw_step_facets(t->ledger, &t->a, &q, 5, take, &a, NULL, &t->err));
}

static const lt_case cases[] = {
    {"ranges are the same as counting", ranges_are_the_same_as_counting, 0},
    {"the same as counting", the_same_as_counting, 0},
    {"the most frequent first", the_most_frequent_first, 0},
    {"more than are counted", more_than_are_counted, 0},
    {"bad questions are refused", bad_questions_are_refused, 0},
};

LT_MAIN("facets", cases)
