/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that no index answers: free text, how long a step took, what it cost; how a search gives up, says
 * so, and goes on.
 */
#include "tests/lib/lt.h"

#include <sqlite3.h>

enum { STEPS = 200 };

static void fill(lt *t)
{
    for (unsigned n = 0; n < STEPS; n++) {
        sw_step_metrics m = {.step_ns = sw_int_of((int64_t)n * 1000)};
        sw_step_entry e = {.step = lt_step(t, n), .metrics = n % 4 ? &m : NULL};
        e.step.input_preview = n % 10 ? SW_STR("nothing to see") : SW_STR("Where is the Well?");
        e.step.output_preview = n % 25 ? SW_NULL_STR : SW_STR("in the woods, WELL hidden");
        if (n % 40 == 7) {
            e.step.status = sw_int_of(SW_STEP_STATUS_FAILED);
            e.step.error_data = SW_STR("{\"message\":\"the well is dry\"}");
        }
        lt_log_entry(t, &t->a, &e);
    }
}

static size_t found(lt *t, const char *text)
{
    sw_list_query query = {.limit = -1, .text = sw_str_from(text)};
    lt_rows rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
    int64_t count = -1;
    sw_list_end end;
    OK(sw_count(t->ledger, &t->a, SW_RECORD_STEP, &query, &count, &end, &t->err));
    SAME(count, rows.count);
    return rows.count;
}

static void text_is_found_in_previews_and_errors(lt *t)
{
    fill(t);
    SAME(found(t, "well"), 20 + 8 - 4 + 5); /* inputs, outputs, both, errors */
    SAME(found(t, "WELL"), 29);
    SAME(found(t, "where is the w"), 20);
    SAME(found(t, "dry"), 5);
    SAME(found(t, "no such text"), 0);
    SAME(found(t, "%"), 0);
    SAME(found(t, "_"), 0);
    SAME(found(t, "?"), 20);
}

/* What a person reads is what he types: neither the names of members nor escapes. */
static void an_error_is_found_by_its_message(lt *t)
{
    static const struct {
        const char *error, *text;
        size_t found;
    } rows[] = {
        {"{\"message\":\"first line\\nsecond line\"}", "line\nsecond", 1},
        {"{\"message\":\"first line\\nsecond line\"}", "\\n", 0},
        {"{\"message\":\"the caf\\u00e9 is closed\"}", "caf\xc3\xa9 IS", 1},
        {"{\"message\":\"the caf\\u00e9 is closed\"}", "00e9", 0},
        {"{\"message\":\"no such model: \\\"gpt\\\"\"}", "model: \"gpt\"", 1},
        {"{\"message\":\"a\\/b \\ud83d\\ude00\"}", "a/b \xf0\x9f\x98\x80", 1},
        {"{\"type\":\"x\",\"message\":\"y\"}", "type", 0},
        {"{\"type\":\"x\",\"message\":\"y\"}", "message", 0},
        {"{\"type\":\"x\",\"message\":\"y\"}", "\":\"", 0},
        {"{\"details\":{\"message\":\"deep down\"},\"message\":5}", "deep", 1},
        {"{\"m\\u0065ssage\":\"written oddly\"}", "oddly", 1},
        {"{\"message\":[\"in a list\"]}", "list", 0},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sw_step s = lt_step(t, i);
        sw_outcome o;
        s.status = sw_int_of(SW_STEP_STATUS_FAILED);
        s.error_data = sw_str_from(rows[i].error);
        lt_log(t, &t->a, &s);
        if (found(t, rows[i].text) != rows[i].found) {
            SAY("'%s' in %s", rows[i].text, rows[i].error);
        }
        OK(sw_step_delete(t->ledger, &t->a, s.id, &o, &t->err));
    }
}

static void the_duration_is_a_filter(lt *t)
{
    static const sw_value from = {.number = 100000}, to = {.number = 150000};
    static const sw_condition range[] = {{SW_STEP_METRICS_STEP_NS, SW_OP_GE, &from, 1},
                                         {SW_STEP_METRICS_STEP_NS, SW_OP_LT, &to, 1}};
    sw_list_query query = {.limit = -1, .metrics_conditions = range};
    static const sw_value m = {.text = {"m", 1}};
    static const sw_condition model = {SW_STEP_MODEL, SW_OP_EQ, &m, 1};
    fill(t);
    query.metrics_condition_count = 1;
    SAME(lt_list(t, &t->a, SW_RECORD_STEP, &query).count, 75);
    query.metrics_condition_count = 2;
    SAME(lt_list(t, &t->a, SW_RECORD_STEP, &query).count, 37);
    query.conditions = &model;
    query.condition_count = 1;
    query.text = SW_STR("well");
    query.ascending = true;
    for (size_t i = 0; i < 2; i++) {
        lt_rows rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
        for (size_t k = 0; k < rows.count; k++) {
            int64_t ns = lt_metrics(t, &t->a, lt_row_id(&rows, k)).step_ns.value;
            CHECK(ns >= 100000 && ns < 150000);
        }
        CHECK(rows.count > 0);
        query.ascending = false;
    }
}

/* Walks a search that may look at few rows at a time, by `resume`, and must find all there is. */
static void walk_by_resume(lt *t, sw_list_query query, int64_t look_limit, bool ascending)
{
    sw_list_query all = query;
    lt_rows want;
    size_t seen = 0, turns = 0;
    all.limit = all.look_limit = -1;
    all.ascending = query.ascending = ascending;
    want = lt_list(t, &t->a, SW_RECORD_STEP, &all);
    query.look_limit = look_limit;
    query.limit = -1;
    for (;;) {
        lt_rows page = lt_list(t, &t->a, SW_RECORD_STEP, &query);
        for (size_t i = 0; i < page.count; i++, seen++) {
            CHECK(seen < want.count);
            TEXT(lt_row_id(&page, i), lt_row_id(&want, seen).ptr);
        }
        if (!page.end.gave_up) {
            CHECK(page.end.complete);
            break;
        }
        CHECK(!page.end.complete);
        CHECK(page.end.looked <= look_limit);
        CHECK(page.end.resume[0]);
        CHECK(++turns <= STEPS);
        query.after = pool_str(t->pool, sw_str_from(page.end.resume));
    }
    SAME(seen, want.count);
    CHECK(turns > 0);
}

static void a_search_gives_up_and_goes_on(lt *t)
{
    static const sw_value value = {.number = 150};
    static const sw_condition tokens = {SW_STEP_METRICS_STEP_NS, SW_OP_GE, &value, 1};
    sw_list_query text = {.text = SW_STR("dry")};
    sw_list_query slow = {.metrics_conditions = &tokens, .metrics_condition_count = 1};
    fill(t);
    for (int up = 0; up < 2; up++) {
        walk_by_resume(t, text, 7, up);
        walk_by_resume(t, text, 64, up);
        walk_by_resume(t, slow, 10, up);
    }
}

static void a_count_that_gave_up_says_so(lt *t)
{
    sw_list_query query = {.text = SW_STR("well"), .look_limit = 50};
    sw_list_end end;
    int64_t count = -1;
    fill(t);
    OK(sw_count(t->ledger, &t->a, SW_RECORD_STEP, &query, &count, &end, &t->err));
    CHECK(end.gave_up);
    CHECK(count >= 0 && count < 29);
    query.look_limit = -1;
    OK(sw_count(t->ledger, &t->a, SW_RECORD_STEP, &query, &count, &end, &t->err));
    CHECK(!end.gave_up);
    SAME(count, 29);
}

/* A damaged word hurts who reads it; a count by text does not. */
static void a_count_reads_what_it_tests(lt *t)
{
    sw_list_query query = {.text = SW_STR("well"), .limit = -1};
    lt_rows rows = {.record = SW_RECORD_STEP, .pool = t->pool};
    sqlite3 *db = NULL;
    int64_t count = -1;
    fill(t);
    SAME(sqlite3_open(t->url + strlen("sqlite:"), &db), SQLITE_OK);
    SAME(sqlite3_exec(db, "UPDATE steps_data SET request_id = x''", NULL, NULL, NULL), SQLITE_OK);
    SAME(sqlite3_close(db), SQLITE_OK);
    IS(SW_STATUS_CORRUPT,
       sw_list(t->ledger, &t->a, SW_RECORD_STEP, &query, lt_collect, &rows, &rows.end, &t->err));
    OK(sw_count(t->ledger, &t->a, SW_RECORD_STEP, &query, &count, NULL, &t->err));
    SAME(count, 29);
}

/* No index of a file has the order of provider traces (the memory store has one): they are put in order
 * when they are few enough. */
static void what_cannot_be_put_in_order_is_said(lt *t)
{
    enum { TRACES = 20 };
    sw_provider_trace traces[TRACES];
    sw_step_entry e = {.step = lt_step(t, 1), .traces = traces, .trace_count = TRACES};
    sw_list_query query = {.limit = 5};
    for (unsigned i = 0; i < TRACES; i++) {
        traces[i] = lt_trace(t, i);
    }
    lt_log_entry(t, &t->a, &e);
    for (int i = 0; i < 2; i++) {
        const sw_actor *actor = i ? &t->operator_ : &t->a;
        lt_rows rows;
        query.look_limit = TRACES - 1;
        rows = lt_list(t, actor, SW_RECORD_PROVIDER_TRACE, &query);
        SAME(rows.count, 0);
        CHECK(rows.end.gave_up && !rows.end.complete && !rows.end.resume[0]);
        query.look_limit = TRACES;
        rows = lt_list(t, actor, SW_RECORD_PROVIDER_TRACE, &query);
        SAME(rows.count, 5);
        CHECK(!rows.end.gave_up && !rows.end.complete);
    }
}

static bool is_memory(const lt *t)
{
    return strncmp(t->url, "memory:", 7) == 0;
}

/* Bounds hold for what is asked, not for what is there: an index answers these without looking long. */
static void an_index_looks_at_little(lt *t)
{
    static const sw_value failed = {.number = SW_STEP_STATUS_FAILED};
    static const sw_value rare = {.text = {"rare", 4}};
    static const sw_condition conditions[] = {{SW_STEP_STATUS, SW_OP_EQ, &failed, 1},
                                              {SW_STEP_MODEL, SW_OP_EQ, &rare, 1}};
    sw_step s = lt_step(t, 999);
    fill(t);
    s.model = SW_STR("rare");
    lt_log(t, &t->a, &s);
    for (int i = 0; i < 2; i++) {
        sw_list_query query = {.conditions = &conditions[i], .condition_count = 1, .limit = 50};
        lt_rows rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
        SAME(rows.count, i ? 1 : 5);
        if (!is_memory(t) && rows.end.looked > 6) { /* the memory store keeps no such index */
            SAY("%lld rows looked at to find %zu %s ones", (long long)rows.end.looked, rows.count,
                i ? "rare" : "failed");
        }
    }
}

static const lt_case cases[] = {
    {"text is found in previews and errors", text_is_found_in_previews_and_errors, 0},
    {"an error is found by its message", an_error_is_found_by_its_message, 0},
    {"the duration is a filter", the_duration_is_a_filter, 0},
    {"a search gives up and goes on", a_search_gives_up_and_goes_on, 0},
    {"a count that gave up says so", a_count_that_gave_up_says_so, 0},
    {"a count reads what it tests", a_count_reads_what_it_tests, LT_DISK},
    {"what cannot be put in order is said", what_cannot_be_put_in_order_is_said, LT_DISK},
    {"an index looks at little", an_index_looks_at_little, 0},
};

LT_MAIN("search", cases)
