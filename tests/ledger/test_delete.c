/* SPDX-License-Identifier: Apache-2.0 */
/* What goes when a step or an agent goes: nothing it said stays behind, nothing that others say goes, the
 * tools of runs shrink; and however much there is to delete, little of it is in memory at a time.
 */
#include "tests/lib/faults.h"
#include "tests/lib/lt.h"

#include <sqlite3.h>
#include <stdlib.h>

#define SEARCH "[{\"name\":\"search\"}]"
#define FETCH "[{\"function\":{\"name\":\"fetch\",\"arguments\":\"{\\\"name\\\":\\\"x\\\"}\"}}]"

/* How many rows a table of the file has; 0 where there is no file. */
static int64_t rows_of(lt *t, const char *table)
{
    sw_str sql = pool_printf(t->pool, "select count(*) from %s", table);
    sqlite3_stmt *stmt = NULL;
    sqlite3 *db = NULL;
    int64_t count = 0;
    if (!t->on_disk) {
        return 0;
    }
    assert_int_equal(sqlite3_open(t->url + strlen("sqlite:"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql.ptr, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    count = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return count;
}

/* Step n of the agent (or of nobody), in the run, that says `text` and calls `tools`. */
static sw_str said(lt *t, unsigned n, sw_str agent, sw_str run, const char *text, const char *tools)
{
    sw_message m = lt_message(t, n, text);
    sw_step_metrics times = {.step_ns = sw_int_of(1000)};
    sw_step_entry e = {
        .step = lt_step(t, n), .metrics = &times, .messages = &m, .message_count = 1};
    e.step.agent_id = agent;
    e.step.run_id = run;
    e.step.source = sw_int_of(SW_SOURCE_OTLP);
    m.tool_calls = tools ? sw_str_from(tools) : SW_NULL_STR;
    lt_log_entry(t, &t->a, &e);
    return e.step.id;
}

static void remove_step(lt *t, sw_str id)
{
    sw_outcome o;
    OK(sw_step_delete(t->ledger, &t->a, id, &o, &t->err));
    VERDICT(o, UPDATED);
}

static void remove_agent(lt *t, sw_str id)
{
    sw_outcome o;
    OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_AGENT, id, &o, &t->err));
    VERDICT(o, UPDATED);
}

/* ---- bodies ------------------------------------------------------------------------------------- */

static void an_agent_leaves_no_body(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1), other = lt_agent(t, &t->a, 2);
    sw_str theirs = SW_NULL_STR;
    sw_message got;
    said(t, 1, agent, SW_NULL_STR, "said twice by one", NULL);
    said(t, 2, agent, SW_NULL_STR, "said twice by one", NULL);
    said(t, 3, agent, SW_NULL_STR, "said by two", NULL);
    theirs = said(t, 4, other, SW_NULL_STR, "said by two", NULL);
    SAME(rows_of(t, "message_bodies_data"), t->on_disk ? 2 : 0);
    remove_agent(t, agent);
    SAME(rows_of(t, "message_bodies_data"), t->on_disk ? 1 : 0);
    OK(sw_get(t->ledger, &t->a, SW_RECORD_MESSAGE, lt_id(t, "message", 4), t->memory, &got,
              &t->err));
    TEXT(got.text, "said by two");
    CLEAN();
    remove_step(t, theirs);
    SAME(rows_of(t, "message_bodies_data"), 0);
    CLEAN();
}

static void a_step_that_says_a_thing_twice_leaves_no_body(lt *t)
{
    sw_str step = said(t, 1, SW_NULL_STR, SW_NULL_STR, "again", NULL);
    sw_message m[2] = {lt_message(t, 2, "again"), lt_message(t, 3, "and again")};
    sw_outcome o;
    OK(sw_step_attach(t->ledger, &t->a, step, m, 2, NULL, 0, &o, &t->err));
    remove_step(t, step);
    SAME(rows_of(t, "message_bodies_data"), 0);
    SAME(rows_of(t, "messages_data"), t->on_disk ? 3 : 0);
    CLEAN();
}

/* ---- tools -------------------------------------------------------------------------------------- */

static void tools(lt *t, sw_str run, const char *want)
{
    TEXT(lt_run_metrics(t, &t->a, run).tools_used, want);
    CLEAN();
}

static void tools_shrink_with_the_steps(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1), run = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 2));
    sw_str first = said(t, 1, SW_NULL_STR, run, "one", SEARCH);
    sw_str second = said(t, 2, SW_NULL_STR, run, "two", SEARCH), third;
    sw_outcome o;
    tools(t, run, "[\"search\"]");
    third = said(t, 3, SW_NULL_STR, run, "three", FETCH);
    tools(t, run, "[\"fetch\",\"search\"]");
    remove_step(t, first);
    tools(t, run, "[\"fetch\",\"search\"]");
    remove_step(t, second);
    tools(t, run, "[\"fetch\"]");
    OK(sw_step_retire(t->ledger, &t->a, third, said(t, 4, agent, run, "four", SEARCH), &o,
                      &t->err));
    tools(t, run, "[\"search\"]");
    remove_agent(t, agent);
    tools(t, run, NULL);
}

static void tools_follow_a_step_to_another_run(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_str from = lt_run(t, &t->a, 1, agent), to = lt_run(t, &t->a, 2, agent);
    sw_str step = said(t, 1, agent, from, "one", SEARCH);
    sw_step_entry e = {.step = {.id = step, .run_id = to, .source = {SW_SOURCE_OTLP, 1}}};
    sw_provider_trace trace = lt_trace(t, 1), got;
    sw_message message;
    sw_outcome o;
    OK(sw_step_attach(t->ledger, &t->a, step, NULL, 0, &trace, 1, &o, &t->err));
    said(t, 2, agent, from, "two", FETCH);
    OK(sw_step_restate(t->ledger, &t->a, &e, &o, &t->err));
    VERDICT(o, UPDATED);
    tools(t, from, "[\"fetch\"]");
    tools(t, to, "[\"search\"]");
    TEXT(lt_metrics(t, &t->a, step).run_id, to.ptr);
    OK(sw_get(t->ledger, &t->a, SW_RECORD_MESSAGE, lt_id(t, "message", 1), t->memory, &message,
              &t->err));
    TEXT(message.run_id, to.ptr);
    OK(sw_get(t->ledger, &t->a, SW_RECORD_PROVIDER_TRACE, trace.id, t->memory, &got, &t->err));
    TEXT(got.run_id, to.ptr);
    OK(sw_run_delete(t->ledger, &t->a, to, &o, &t->err));
    SAME(rows_of(t, "run_tools_data"), t->on_disk ? 1 : 0);
    CLEAN();
}

/* More tools than the list shows: what it shows is still what the rows say. */
static void a_run_of_many_tools(lt *t)
{
    sw_str run = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    sw_str last = SW_NULL_STR;
    for (unsigned n = 0; n < 260; n++) {
        sw_str calls = pool_printf(t->pool, "[{\"name\":\"tool %03u\"}]", n);
        last = said(t, n, SW_NULL_STR, run, "x", calls.ptr);
        CHECK(n != 255 || strstr(lt_run_metrics(t, &t->a, run).tools_used.ptr, "tool 255"));
    }
    CHECK(!strstr(lt_run_metrics(t, &t->a, run).tools_used.ptr, "tool 256"));
    remove_step(t, lt_id(t, "step", 7));
    CHECK(strstr(lt_run_metrics(t, &t->a, run).tools_used.ptr, "tool 256"));
    CHECK(!strstr(lt_run_metrics(t, &t->a, run).tools_used.ptr, "tool 007"));
    remove_step(t, last);
    CLEAN();
}

/* ---- names -------------------------------------------------------------------------------------- */

static void a_retired_step_takes_its_name_along(lt *t)
{
    sw_str step = said(t, 1, SW_NULL_STR, SW_NULL_STR, "one", NULL);
    sw_str survivor = said(t, 2, SW_NULL_STR, SW_NULL_STR, "two", NULL);
    sw_step again = lt_step(t, 1);
    sw_outcome o;
    OK(sw_step_retire(t->ledger, &t->a, step, survivor, &o, &t->err));
    remove_step(t, step);
    SAME(rows_of(t, "step_aliases_data"), 0);
    lt_log(t, &t->a, &again);
    CLEAN();
}

/* ---- memory ------------------------------------------------------------------------------------- */

enum { PARTS = 24, BYTES = 256 * 1024, BOUND = 2 * 1024 * 1024 };

/* A step that says and traced PARTS things of BYTES each, together many times the bound. */
static void heavy_step(lt *t, unsigned n, sw_str agent)
{
    sw_step s = lt_step(t, n);
    char *text = calloc(1, BYTES + 64);
    assert_non_null(text);
    memset(text, 'x', BYTES);
    s.agent_id = agent;
    lt_log(t, &t->a, &s);
    for (unsigned i = 0; i < PARTS; i++) {
        sw_message m = lt_message(t, n * 100 + i, text);
        sw_provider_trace trace = lt_trace(t, n * 100 + i);
        sw_str number = pool_printf(t->pool, "%06u", n * 100 + i);
        sw_outcome o;
        memcpy(text, number.ptr, number.len);
        trace.request_json = pool_printf(t->pool, "{\"a\":\"%s\"}", text);
        m.tool_calls =
            pool_printf(t->pool, "[{\"function\":{\"name\":\"f\",\"arguments\":\"\\n%s\"}}]", text);
        OK(sw_step_attach(t->ledger, &t->a, s.id, &m, 1, &trace, 1, &o, &t->err));
    }
    free(text);
}

static void bounded(const char *what, int64_t before)
{
    int64_t more = faults_peak(false) - before;
    if (more > BOUND) {
        SAY("%s took %lld bytes", what, (long long)more);
    }
}

static void deleting_takes_little_memory(lt *t)
{
    sw_str agent = SW_NULL_STR;
    int64_t before = 0;
    t->options.allocator = &faults_allocator;
    lt_open(t);
    lt_organizations(t);
    heavy_step(t, 1, SW_NULL_STR);
    lt_agent(t, &t->a, 1);
    heavy_step(t, 2, lt_id(t, "agent", 1));
    agent = lt_id(t, "agent", 1);
    lt_reopen(t);
    before = faults_peak(true);
    remove_step(t, lt_id(t, "step", 1));
    bounded("deleting a step", before);
    before = faults_peak(true);
    remove_agent(t, agent);
    bounded("deleting an agent", before);
    SAME(rows_of(t, "message_bodies_data"), 0);
    CLEAN();
}

static const lt_case cases[] = {
    {"an agent leaves no body", an_agent_leaves_no_body, 0},
    {"a step that says a thing twice leaves no body", a_step_that_says_a_thing_twice_leaves_no_body,
     0},
    {"tools shrink with the steps", tools_shrink_with_the_steps, 0},
    {"tools follow a step to another run", tools_follow_a_step_to_another_run, 0},
    {"a run of many tools", a_run_of_many_tools, 0},
    {"a retired step takes its name along", a_retired_step_takes_its_name_along, 0},
    {"deleting takes little memory", deleting_takes_little_memory, LT_DISK | LT_CLOSED},
};

LT_MAIN("delete", cases)
