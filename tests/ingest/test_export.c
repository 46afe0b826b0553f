/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes of an export to the ledger: the cases of telemetry.md H.4 that need no socket, on each store, with
 * spans kept and not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/ingest/sender.h"

static const int64_t keeps[] = {0, 7};

static int64_t count(lt *t, sw_record_id record)
{
    sw_list_query query = {.limit = -1};
    return (int64_t)lt_list(t, &t->a, record, &query).count;
}

/* Case 1: the agent comes ten seconds later, in another request. */
static void a_step_moves_to_its_run(lt *t)
{
    sw_ingest *in = NULL;
    const sent_span model = sent_model(1, 2, 1, 100, 200);
    const sent_span agent = sent_agent(1, 1, 0, "bot", 0, 300);

    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        sw_run run;
        sent_open_anew(t, &in, keeps[k]);
        sent_one(t, in, &model);
        TEXT(sent_step(t, 1, 2, 100).run_id, sent_id(t, "run", "trace", 1, 0, -1).ptr);
        OK(sw_ingest_settle(in, &t->err));
        lt_advance(t, 10, 10);
        sent_one(t, in, &agent);
        TEXT(sent_step(t, 1, 2, 100).run_id, sent_id(t, "run", "agent-span", 1, 1, 0).ptr);
        OK(sw_ingest_settle(in, &t->err));
        SAME(count(t, SW_RECORD_STEP), 1);
        SAME(count(t, SW_RECORD_RUN), 1); /* the one of the trace is gone */
        run = lt_get_run(t, &t->a, sent_id(t, "run", "agent-span", 1, 1, 0));
        SAME(run.status.value, SW_RUN_STATUS_COMPLETED);
        SAME(run.total_duration_ns.value, 300000000);
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* Case 2. */
static void the_same_export_again_changes_nothing(lt *t)
{
    sw_ingest *in = NULL;
    const sent_span model = sent_model(1, 2, 1, 100, 200);
    const sent_span agent = sent_agent(1, 1, 0, "bot", 0, 300);
    const sent_span *both[] = {&model, &agent};

    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        sw_str before;
        int64_t head = 0;
        sw_ingest_load load;
        sent_open_anew(t, &in, keeps[k]);
        sent_export(t, in, &t->a, both, 2);
        OK(sw_ingest_settle(in, &t->err));
        before = sent_dump(t, &t->a, NULL, 0);
        head = lt_head(t, &t->a);
        sent_export(t, in, &t->a, both, 2);
        OK(sw_ingest_settle(in, &t->err));
        TEXT(sent_dump(t, &t->a, NULL, 0), before.ptr);
        SAME(lt_head(t, &t->a), head);
        sw_ingest_load_get(in, &load);
        SAME(load.duplicates, 2);
        SAME(load.spans, 4);
        SAME(load.marked, 0);
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* Case 3: AI SDK 7. */
static void tools_in_parallel_count_once(lt *t)
{
    sw_ingest *in = NULL;
    sent_span agent = sent_agent(1, 1, 0, "bot", 0, 1000);
    sent_span wrapper = {
        .trace = 1, .id = 2, .parent = 1, .name = "step 1", .start_ms = 10, .end_ms = 990};
    sent_span model = sent_model(1, 3, 2, 20, 400);
    sent_span first = sent_tool(1, 4, 2, "c1", 410, 700);
    sent_span second = sent_tool(1, 5, 2, "c2", 500, 900);
    const sent_span *all[] = {&second, &model, &first, &wrapper, &agent};

    sent_add(&wrapper, TEXT_OF("gen_ai.operation.name", "agent_step"));
    sent_add(&agent, NUMBER_OF("gen_ai.usage.input_tokens", 1000));
    sent_add(&agent, NUMBER_OF("gen_ai.usage.output_tokens", 500));
    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        sw_str id;
        sent_open_anew(t, &in, keeps[k]);
        sent_export(t, in, &t->a, all, 5);
        OK(sw_ingest_settle(in, &t->err));
        SAME(count(t, SW_RECORD_STEP), 1);
        SAME(count(t, SW_RECORD_RUN), 1);
        id = sent_id(t, "step", "span", 1, 3, 20);
        SAME(lt_metrics(t, &t->a, id).tool_execution_ns.value, 490000000);
        SAME(lt_metrics(t, &t->a, id).step_ns.value, 890000000);
        SAME(lt_get(t, &t->a, id).total_tokens.value, 15);
        SAME(lt_total(t, &t->a).total_tokens, 15);
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* Case 4: the wrapper comes last. */
static void a_wrapper_only_fills_holes(lt *t)
{
    sw_ingest *in = NULL;
    sent_span inner = sent_model(1, 3, 2, 20, 400);
    sent_span outer = sent_model(1, 2, 0, 10, 500);

    inner.attribute_count--; /* it says no messages */
    inner.scope = "opentelemetry.instrumentation.openai";
    sent_add(&outer, TEXT_OF("gen_ai.conversation.id", "thread-1"));
    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        sent_open_anew(t, &in, keeps[k]);
        sent_one(t, in, &inner);
        OK(sw_ingest_settle(in, &t->err));
        CHECK(!sent_step(t, 1, 3, 20).output_preview.ptr);
        sent_one(t, in, &outer);
        OK(sw_ingest_settle(in, &t->err));
        SAME(count(t, SW_RECORD_STEP), 1);
        TEXT(sent_step(t, 1, 3, 20).output_preview, "hello");
        SAME(lt_total(t, &t->a).total_tokens, 15);
        CLEAN();
        /* The other way round: the wrapper was a step, and is folded. */
        sent_open_anew(t, &in, keeps[k]);
        sent_one(t, in, &outer);
        OK(sw_ingest_settle(in, &t->err));
        SAME(count(t, SW_RECORD_STEP), 1);
        sent_one(t, in, &inner);
        OK(sw_ingest_settle(in, &t->err));
        SAME(count(t, SW_RECORD_STEP), 1);
        TEXT(sent_step(t, 1, 2, 10).retired_into, sent_id(t, "step", "span", 1, 3, 20).ptr);
        TEXT(sent_step(t, 1, 3, 20).output_preview, "hello");
        SAME(lt_total(t, &t->a).total_tokens, 15);
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* A wrapper of one call fills its holes; when it turns out to wrap another as well, it is of none of them (E.1), and what
 * it had said of the one is not so any more: here of the one that took the call over from its twin. */
static void a_wrapper_of_several_takes_back_what_it_said(lt *t)
{
    sw_ingest *in = NULL;
    sent_span outer = sent_model(1, 1, 0, 10, 500);
    sent_span call = sent_model(1, 2, 0, 20, 400);
    sent_span twin = sent_model(1, 3, 1, 30, 390);
    const sent_span other = sent_model(1, 4, 1, 410, 490);
    const sent_span *first[] = {&outer, &call, &twin};

    sent_add(&outer, TEXT_OF("gen_ai.conversation.id", "thread-1"));
    sent_add(&call, TEXT_OF("gen_ai.response.id", "resp"));
    sent_add(&twin, TEXT_OF("gen_ai.response.id", "resp"));
    twin.scope = "another";
    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        sent_open_anew(t, &in, keeps[k]);
        sent_export(t, in, &t->a, first, 3);
        OK(sw_ingest_settle(in, &t->err));
        CHECK(sent_step(t, 1, 2, 20).conversation_id.ptr);
        sent_one(t, in, &other);
        OK(sw_ingest_settle(in, &t->err));
        CHECK(!sent_step(t, 1, 2, 20).conversation_id.ptr);
        CHECK(sent_step(t, 1, 4, 410).conversation_id.ptr); /* which is below it */
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* Case 5. */
static void a_tool_runs_another_agent(lt *t)
{
    sw_ingest *in = NULL;
    const sent_span boss = sent_agent(1, 1, 0, "boss", 0, 1000);
    const sent_span outer = sent_model(1, 2, 1, 10, 900);
    const sent_span tool = sent_tool(1, 3, 2, NULL, 100, 800);
    const sent_span helper = sent_agent(1, 4, 3, "helper", 150, 750);
    const sent_span inner = sent_model(1, 5, 4, 200, 700);
    const sent_span *all[] = {&inner, &helper, &tool, &outer, &boss};

    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        sent_open_anew(t, &in, keeps[k]);
        for (size_t i = 0; i < SW_COUNT(all); i++) {
            sent_one(t, in, all[i]);
        }
        OK(sw_ingest_settle(in, &t->err));
        SAME(count(t, SW_RECORD_STEP), 2);
        SAME(count(t, SW_RECORD_RUN), 2);
        TEXT(sent_step(t, 1, 5, 200).run_id, sent_id(t, "run", "agent-span", 1, 4, 150).ptr);
        TEXT(sent_step(t, 1, 2, 10).run_id, sent_id(t, "run", "agent-span", 1, 1, 0).ptr);
        TEXT(lt_get_run(t, &t->a, sent_id(t, "run", "agent-span", 1, 4, 150)).parent_run_id,
             sent_id(t, "run", "agent-span", 1, 1, 0).ptr);
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* Case 13. */
static void spans_without_ids_are_rejected_alone(lt *t)
{
    sw_ingest *in = NULL;
    sw_ingest_result result;
    const sent_span good = sent_model(1, 2, 0, 100, 200);
    const sent_span other = sent_model(2, 3, 0, 100, 200);
    const sent_span bad = sent_model(1, 0, 0, 100, 200);
    const sent_span *all[] = {&good, &bad, &other};

    sent_open(t, &in, 0);
    OK(sw_ingest_export(in, &t->a, OTLP_TRACES, OTLP_JSON, sent_body(t, all, 3), &result, &t->err));
    SAME(result.accepted, 2);
    SAME(result.rejected, 1);
    CHECK(strstr(result.message, "1 of 3 spans"));
    SAME(count(t, SW_RECORD_STEP), 2);
    IS(SW_STATUS_INVALID, sw_ingest_export(in, &t->a, OTLP_TRACES, OTLP_JSON,
                                           SW_STR("{\"resourceSpans\":[}"), &result, &t->err));
    IS(SW_STATUS_INVALID, sw_ingest_export(in, &t->a, OTLP_TRACES, OTLP_PROTOBUF,
                                           SW_STR("\x0a\x05\x01"), &result, &t->err));
    OK(sw_ingest_export(in, &t->a, OTLP_TRACES, OTLP_PROTOBUF, SW_STR(""), &result, &t->err));
    SAME(result.accepted, 0);
    SAME(count(t, SW_RECORD_STEP), 2);
    CLEAN();
    sw_ingest_close(&in);
}

static void tenants_do_not_meet(lt *t)
{
    sw_ingest *in = NULL;
    const sent_span model = sent_model(1, 2, 1, 100, 200);
    const sent_span agent = sent_agent(1, 1, 0, "bot", 0, 300);
    const sent_span *one = &model;
    const sent_span *other = &agent;

    sent_open(t, &in, 7);
    sent_export(t, in, &t->a, &one, 1);
    sent_export(t, in, &t->b, &other, 1);
    OK(sw_ingest_settle(in, &t->err));
    TEXT(sent_step(t, 1, 2, 100).run_id, sent_id(t, "run", "trace", 1, 0, -1).ptr);
    SAME(lt_total(t, &t->b).num_steps, 0);
    CLEAN();
    sw_ingest_close(&in);
}

/* A run for which nobody says the end is over when nothing comes for a quarter of an hour, and runs again. */
static void silence_ends_a_run(lt *t)
{
    sw_ingest *in = NULL;
    const sent_span model = sent_model(1, 2, 1, 100, 200);
    const sent_span later = sent_model(1, 3, 1, 300, 400);
    sw_str run;

    for (size_t k = 0; k < SW_COUNT(keeps); k++) {
        sent_open_anew(t, &in, keeps[k]);
        run = sent_id(t, "run", "trace", 1, 0, -1);
        sent_one(t, in, &model);
        OK(sw_ingest_settle(in, &t->err));
        SAME(lt_get_run(t, &t->a, run).status.value, SW_RUN_STATUS_RUNNING);
        lt_advance(t, 901, 901);
        OK(sw_ingest_settle(in, &t->err));
        SAME(lt_get_run(t, &t->a, run).status.value, SW_RUN_STATUS_COMPLETED);
        SAME(lt_get_run(t, &t->a, run).completed_at.value, LT_TIME + 200000);
        sent_one(t, in, &later);
        OK(sw_ingest_settle(in, &t->err));
        SAME(lt_get_run(t, &t->a, run).status.value, SW_RUN_STATUS_RUNNING);
        CLEAN();
    }
    sw_ingest_close(&in);
}

/* A process ends between two parts of a trace; the next one knows what came before. */
static void a_restart_loses_nothing(lt *t)
{
    sw_ingest *in = NULL;
    const sent_span model = sent_model(1, 2, 1, 100, 200);
    const sent_span agent = sent_agent(1, 1, 0, "bot", 0, 300);
    const sent_span again = sent_model(1, 2, 1, 100, 200);

    sent_open(t, &in, 7);
    sent_one(t, in, &model);
    sw_ingest_close(&in);
    if (t->on_disk) {
        lt_reopen(t);
    }
    sent_open(t, &in, 7);
    sent_one(t, in, &agent);
    TEXT(sent_step(t, 1, 2, 100).run_id, sent_id(t, "run", "agent-span", 1, 1, 0).ptr);
    sw_ingest_close(&in);
    sent_open(t, &in, 7);
    sent_one(t, in, &again); /* not taken for all there is */
    TEXT(sent_step(t, 1, 2, 100).run_id, sent_id(t, "run", "agent-span", 1, 1, 0).ptr);
    OK(sw_ingest_settle(in, &t->err));
    SAME(count(t, SW_RECORD_RUN), 1);
    CLEAN();
    sw_ingest_close(&in);
}

/* Of a trace of many spans only what is above the new ones is computed with them, also of those that came before a
 * restart. */
static void a_restart_forgets_no_parents(lt *t)
{
    enum { MANY = SW_LIMIT_INGEST_AT_ONCE + 5 };
    static sent_span spans[MANY];
    const sent_span *all[MANY];
    const sent_span late = sent_model(1, MANY + 1, MANY, 100, 200);
    sw_ingest *in = NULL;

    for (unsigned i = 0; i < MANY; i++) {
        spans[i] = i == 0          ? sent_agent(1, 1, 0, "bot", 0, 300)
                   : i == MANY - 1 ? sent_tool(1, i + 1, i, NULL, 0, 300)
                                   : sent_tool(1, i + 1, 1, NULL, 0, 300);
        all[i] = &spans[i];
    }
    sent_open(t, &in, 7);
    sent_export(t, in, &t->a, all, MANY);
    sw_ingest_close(&in);
    lt_reopen(t);
    sent_open(t, &in, 7);
    sent_one(t, in, &late);
    TEXT(sent_step(t, 1, MANY + 1, 100).run_id, sent_id(t, "run", "agent-span", 1, 1, 0).ptr);
    CLEAN();
    sw_ingest_close(&in);
}

/* Nothing is computed by who has no time for it, but all of it by the next, also when more traces wait for silence than
 * are looked at in a second. */
static void what_is_not_computed_goes_on_later(lt *t)
{
    enum { WAIT = 1100, MORE = 20 };
    static sent_span spans[WAIT + 2 * MORE];
    const sent_span *all[WAIT + 2 * MORE];
    sw_ingest *in = NULL;
    sw_ingest_load load;

    for (unsigned n = 0; n < SW_COUNT(all); n++) {
        spans[n] = n < WAIT + MORE ? sent_model(n + 1, 2, 1, 100, 200)
                                   : sent_agent(n + 1 - MORE, 1, 0, "bot", 0, 300);
        all[n] = &spans[n];
    }
    sent_open_anew(t, &in, 7);
    sent_export(t, in, &t->a, all, WAIT);
    OK(sw_ingest_settle(in, &t->err)); /* their runs go on: nobody said that they ended */
    lt_advance(t, 1, 1);
    sent_export(t, in, &t->a, all + WAIT, MORE);
    sent_export(t, in, &t->a, all + WAIT + MORE, MORE);
    SAME(count(t, SW_RECORD_RUN), WAIT + 2 * MORE);
    sw_ingest_close_within(&in, 0);
    SAME(count(t, SW_RECORD_RUN), WAIT + 2 * MORE);
    sent_open(t, &in, 7);
    OK(sw_ingest_settle(in, &t->err));
    SAME(count(t, SW_RECORD_RUN), WAIT + MORE); /* those of the traces are gone */
    sw_ingest_load_get(in, &load);
    SAME(load.recomputed, WAIT + MORE);
    CLEAN();
    sw_ingest_close(&in);
}

static void logs_and_metrics_are_counted(lt *t)
{
    sw_ingest *in = NULL;
    sw_ingest_result result;
    sw_ingest_load load;
    sw_str logs =
        SW_STR("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"5\","
               "\"body\":{\"stringValue\":\"x\"},\"attributes\":[{\"key\":\"session.id\","
               "\"value\":{\"stringValue\":\"s\"}}]},{\"timeUnixNano\":\"6\"}]}]}]}");
    sw_str metrics =
        SW_STR("{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"n\","
               "\"gauge\":{\"dataPoints\":[{\"asInt\":1},{\"asInt\":2}]}}]}]}]}");

    sent_open(t, &in, 7);
    for (int i = 0; i < 2; i++) {
        OK(sw_ingest_export(in, &t->a, OTLP_LOGS, OTLP_JSON, logs, &result, &t->err));
        SAME(result.accepted, 2);
    }
    OK(sw_ingest_export(in, &t->a, OTLP_METRICS, OTLP_JSON, metrics, &result, &t->err));
    SAME(result.accepted, 2);
    sw_ingest_load_get(in, &load);
    SAME(load.logs, 4);
    SAME(load.points, 2);
    OK(sw_ingest_settle(in, &t->err));
    CLEAN();
    sw_ingest_close(&in);
}

/* A process died with its work marked in the store; another one computes it, and then more comes. */
static void what_a_dead_process_kept_is_computed_with(lt *t)
{
    sw_ingest *dead = NULL;
    sw_ingest *in = NULL;
    const sent_span agent = sent_agent(1, 1, 0, "bot", 0, 300);
    const sent_span model = sent_model(1, 2, 1, 100, 200);

    sent_open(t, &dead, 7);
    sent_one(t, dead, &agent);
    lt_advance(t, 60, 60);
    sent_open(t, &in, 7);
    OK(sw_ingest_settle(in, &t->err)); /* finds the mark */
    sent_one(t, in, &model);
    TEXT(sent_step(t, 1, 2, 100).run_id, sent_id(t, "run", "agent-span", 1, 1, 0).ptr);
    OK(sw_ingest_settle(in, &t->err));
    TEXT(sent_step(t, 1, 2, 100).run_id, sent_id(t, "run", "agent-span", 1, 1, 0).ptr);
    CLEAN();
    sw_ingest_close(&in);
    sw_ingest_close(&dead);
}

/* More scopes and agents than one write takes are no reason to refuse an export. */
static void many_scopes_and_agents_are_taken(lt *t)
{
    enum { MANY = SW_LIMIT_BATCH_ITEMS + 50, NAME = 12 };
    sent_span *spans = calloc(MANY, sizeof *spans);
    const sent_span **all = calloc(MANY, sizeof *all);
    char(*names)[NAME] = calloc(MANY, sizeof *names);
    sw_ingest *in = NULL;

    if (lt_level(0, 1, 1) && spans && all && names) {
        for (unsigned i = 0; i < MANY; i++) {
            (void)snprintf(names[i], NAME, "a%u", i);
            spans[i] = sent_agent(1, i + 1, 0, names[i], 0, 1);
            spans[i].scope = names[i];
            all[i] = &spans[i];
        }
        sent_open(t, &in, 7);
        sent_export(t, in, &t->a, all, MANY);
        for (unsigned i = 1; i <= MANY; i += MANY - 1) {
            sw_run run = lt_get_run(t, &t->a, sent_id(t, "run", "agent-span", 1, i, 0));
            CHECK(run.agent_id.ptr);
        }
        sw_ingest_close(&in);
    }
    free(spans);
    free(all);
    free(names);
}

static const lt_case cases[] = {
    {"many scopes and agents are taken", many_scopes_and_agents_are_taken, LT_CLOCK | LT_DISK},
    {"what a dead process kept is computed with", what_a_dead_process_kept_is_computed_with,
     LT_CLOCK},
    {"a step moves to its run", a_step_moves_to_its_run, LT_CLOCK},
    {"the same export again changes nothing", the_same_export_again_changes_nothing, LT_CLOCK},
    {"tools in parallel count once", tools_in_parallel_count_once, LT_CLOCK},
    {"a wrapper only fills holes", a_wrapper_only_fills_holes, LT_CLOCK},
    {"a wrapper of several takes back what it said", a_wrapper_of_several_takes_back_what_it_said,
     LT_CLOCK},
    {"a tool runs another agent", a_tool_runs_another_agent, LT_CLOCK},
    {"spans without ids are rejected alone", spans_without_ids_are_rejected_alone, LT_CLOCK},
    {"tenants do not meet", tenants_do_not_meet, LT_CLOCK},
    {"silence ends a run", silence_ends_a_run, LT_CLOCK},
    {"a restart loses nothing", a_restart_loses_nothing, LT_CLOCK},
    {"a restart forgets no parents", a_restart_forgets_no_parents, LT_CLOCK | LT_DISK},
    {"what is not computed goes on later", what_is_not_computed_goes_on_later, LT_CLOCK},
    {"logs and metrics are counted", logs_and_metrics_are_counted, LT_CLOCK},
};
LT_MAIN("ingest/export", cases)
