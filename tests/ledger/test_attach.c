/* SPDX-License-Identifier: Apache-2.0 */
/* What hangs on a step: its timings, messages with shared bodies, provider traces; and what becomes of
 * them when the step goes.
 */
#include "tests/lib/lt.h"

/* ---- timings ------------------------------------------------------------------------------------ */

static sw_outcome record(lt *t, sw_str id, sw_step_metrics m)
{
    sw_outcome o;
    OK(sw_step_metrics_record(t->ledger, &t->a, id, &m, &o, &t->err));
    return o;
}

static void timings_inherit_from_the_step(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_step_metrics m;
    s.agent_id = lt_agent(t, &t->a, 1);
    s.run_id = lt_run(t, &t->a, 1, s.agent_id);
    s.provider_id = lt_provider(t, &t->a, 1);
    s.project_id = SW_STR("project-x");
    lt_log(t, &t->a, &s);
    record(t, s.id, (sw_step_metrics){.step_ns = sw_int_of(100)});
    m = lt_metrics(t, &t->a, s.id);
    TEXT(m.id, s.id.ptr);
    TEXT(m.organization_id, t->a.organization_id.ptr);
    TEXT(m.run_id, s.run_id.ptr);
    TEXT(m.agent_id, s.agent_id.ptr);
    TEXT(m.provider_id, s.provider_id.ptr);
    TEXT(m.project_id, "project-x");
    SAME(m.step_ns.value, 100);
    CHECK(!m.llm_request_ns.known && !m.step_start_ns.known && !m.ttft_ns.known);
}

static void a_step_without_a_known_agent_has_timings_too(lt *t)
{
    sw_step none = lt_step(t, 1), unknown = lt_step(t, 2);
    unknown.agent_id = lt_id(t, "agent", 77);
    lt_log(t, &t->a, &none);
    lt_log(t, &t->a, &unknown);
    record(t, none.id, (sw_step_metrics){.step_ns = sw_int_of(1)});
    record(t, unknown.id, (sw_step_metrics){.step_ns = sw_int_of(1)});
    CHECK(!lt_metrics(t, &t->a, none.id).agent_id.ptr);
    CHECK(!lt_metrics(t, &t->a, unknown.id).agent_id.ptr);
    TEXT(lt_get(t, &t->a, unknown.id).agent_id, unknown.agent_id.ptr);
}

static void timings_are_an_upsert(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_step_metrics m;
    sw_outcome o;
    lt_log(t, &t->a, &s);
    record(t, s.id, (sw_step_metrics){.step_start_ns = sw_int_of(7), .step_ns = sw_int_of(100)});
    o = record(t, s.id,
               (sw_step_metrics){.llm_request_start_ns = sw_int_of(8),
                                 .llm_request_ns = sw_int_of(60),
                                 .ttft_ns = sw_int_of(5),
                                 .template_id = SW_STR("tpl")});
    VERDICT(o, UPDATED);
    o = record(t, s.id,
               (sw_step_metrics){.step_ns = sw_int_of(120), .tool_execution_ns = sw_int_of(30)});
    VERDICT(o, UPDATED);
    m = lt_metrics(t, &t->a, s.id);
    SAME(m.step_start_ns.value, 7);
    SAME(m.llm_request_start_ns.value, 8);
    SAME(m.llm_request_ns.value, 60);
    SAME(m.tool_execution_ns.value, 30);
    SAME(m.step_ns.value, 120);
    SAME(m.ttft_ns.value, 5);
    TEXT(m.template_id, "tpl");
    o = record(t, s.id, (sw_step_metrics){.step_ns = sw_int_of(120)});
    VERDICT(o, UNCHANGED);
    CLEAN();
}

static void timings_of_no_step_are_refused(lt *t)
{
    sw_step_metrics m = {.step_ns = sw_int_of(1)};
    sw_step s = lt_step(t, 1);
    sw_outcome o;
    IS(SW_STATUS_NOT_FOUND,
       sw_step_metrics_record(t->ledger, &t->a, lt_id(t, "step", 1), &m, &o, &t->err));
    lt_log(t, &t->a, &s);
    m.run_id = lt_id(t, "run", 66);
    CHECK(sw_step_metrics_record(t->ledger, &t->a, s.id, &m, &o, &t->err) != SW_STATUS_OK);
    VERDICT(o, REJECTED);
    NAMES(&t->err, "run_id");
    CHECK(!lt_there(t, &t->a, SW_RECORD_STEP_METRICS, s.id));
}

static void timings_move_the_histograms(lt *t)
{
    sw_usage_query q = {.latency = true};
    sw_step s = lt_step(t, 1);
    sw_outcome o;
    lt_groups g;
    lt_log(t, &t->a, &s);
    record(t, s.id, (sw_step_metrics){.step_ns = sw_int_of(1000000)});
    record(t, s.id, (sw_step_metrics){.step_ns = sw_int_of(9000000)});
    g = lt_usage(t, &t->a, &q);
    SAME(g.at[0].step_time.count, 1);
    CHECK(g.at[0].step_time.p50_ns >= 8820000 && g.at[0].step_time.p50_ns <= 9180000);
    SAME(g.at[0].model_time.count, 0);
    SAME(g.at[0].model_time.p50_ns, -1);
    OK(sw_step_delete(t->ledger, &t->a, s.id, &o, &t->err));
    s = lt_step(t, 2);
    lt_log(t, &t->a, &s);
    SAME(lt_usage(t, &t->a, &q).at[0].step_time.count, 0);
    CLEAN();
}

/* ---- messages and traces ------------------------------------------------------------------------ */

static sw_outcome attach(lt *t, sw_str id, const sw_message *m, size_t count)
{
    sw_outcome o;
    OK(sw_step_attach(t->ledger, &t->a, id, m, count, NULL, 0, &o, &t->err));
    return o;
}

static lt_rows messages_of(lt *t, const sw_actor *actor, sw_str step_id)
{
    const sw_value value = {.text = step_id};
    const sw_condition c = {SW_MESSAGE_STEP_ID, SW_OP_EQ, &value, 1};
    sw_list_query q = lt_where(&c, 1);
    q.ascending = true;
    return lt_list(t, actor, SW_RECORD_MESSAGE, &q);
}

static void messages_keep_their_order_and_content(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_message m[3] = {lt_message(t, 3, "first"), lt_message(t, 2, NULL),
                       lt_message(t, 1, "third")};
    lt_rows rows;
    const sw_message *got = NULL;
    s.run_id = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    lt_log(t, &t->a, &s);
    m[1].content = SW_STR("[{\"type\":\"text\",\"text\":\"second\"}]");
    m[1].tool_calls = SW_STR("[{\"id\":\"c\",\"type\":\"function\",\"function\":"
                             "{\"name\":\"search\",\"arguments\":\"{}\"}}]");
    m[1].tool_returns = SW_STR("[{\"tool_call_id\":\"c\",\"status\":\"success\"}]");
    m[1].id = SW_NULL_STR;
    VERDICT(attach(t, s.id, m, 3), UPDATED);
    rows = messages_of(t, &t->a, s.id);
    SAME(rows.count, 3);
    got = rows.at[0];
    TEXT(got->text, "first");
    TEXT(got->run_id, s.run_id.ptr);
    TEXT(got->organization_id, t->a.organization_id.ptr);
    TEXT(got->tool_calls, "[]");
    got = rows.at[1];
    CHECK(!got->text.ptr);
    TEXT(got->content, m[1].content.ptr);
    TEXT(got->tool_calls, m[1].tool_calls.ptr);
    TEXT(got->tool_returns, m[1].tool_returns.ptr);
    CHECK(strncmp(got->id.ptr, "message-", 8) == 0);
    got = rows.at[2];
    TEXT(got->text, "third");
    for (size_t i = 1; i < 3; i++) {
        CHECK(((const sw_message *)rows.at[i])->sequence_id.value >
              ((const sw_message *)rows.at[i - 1])->sequence_id.value);
    }
}

static void the_same_message_is_added_once(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_message m[2] = {lt_message(t, 1, "one"), lt_message(t, 2, "two")};
    sw_provider_trace trace = lt_trace(t, 1);
    sw_outcome o;
    lt_log(t, &t->a, &s);
    VERDICT(attach(t, s.id, m, 1), UPDATED);
    VERDICT(attach(t, s.id, m, 1), UNCHANGED);
    VERDICT(attach(t, s.id, m, 2), UPDATED);
    SAME(messages_of(t, &t->a, s.id).count, 2);
    m[0].text = SW_STR("another");
    CHECK(sw_step_attach(t->ledger, &t->a, s.id, m, 1, NULL, 0, &o, &t->err) != SW_STATUS_OK);
    TEXT(((const sw_message *)messages_of(t, &t->a, s.id).at[0])->text, "one");
    OK(sw_step_attach(t->ledger, &t->a, s.id, NULL, 0, &trace, 1, &o, &t->err));
    VERDICT(o, UPDATED);
    OK(sw_step_attach(t->ledger, &t->a, s.id, NULL, 0, &trace, 1, &o, &t->err));
    VERDICT(o, UNCHANGED);
    CLEAN();
}

static void a_refused_message_keeps_all_out(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_message m[2] = {lt_message(t, 1, "one"), lt_message(t, 2, "two")};
    sw_outcome o;
    lt_log(t, &t->a, &s);
    m[1].role = sw_int_of(99);
    IS(SW_STATUS_INVALID, sw_step_attach(t->ledger, &t->a, s.id, m, 2, NULL, 0, &o, &t->err));
    VERDICT(o, REJECTED);
    NAMES(&t->err, "role");
    SAME(messages_of(t, &t->a, s.id).count, 0);
    IS(SW_STATUS_NOT_FOUND,
       sw_step_attach(t->ledger, &t->a, lt_id(t, "step", 9), m, 1, NULL, 0, &o, &t->err));
}

static void a_step_has_several_traces(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_provider_trace traces[2] = {lt_trace(t, 1), lt_trace(t, 2)};
    const sw_value value = {.text = s.id};
    const sw_condition c = {SW_PROVIDER_TRACE_STEP_ID, SW_OP_EQ, &value, 1};
    sw_list_query q = lt_where(&c, 1);
    sw_outcome o;
    lt_rows rows;
    s.agent_id = lt_agent(t, &t->a, 1);
    lt_log(t, &t->a, &s);
    traces[1].call_type = SW_STR("summarization");
    OK(sw_step_attach(t->ledger, &t->a, s.id, NULL, 0, traces, 2, &o, &t->err));
    q.ascending = true;
    rows = lt_list(t, &t->a, SW_RECORD_PROVIDER_TRACE, &q);
    SAME(rows.count, 2);
    TEXT(((const sw_provider_trace *)rows.at[0])->request_json, traces[0].request_json.ptr);
    TEXT(((const sw_provider_trace *)rows.at[0])->agent_id, s.agent_id.ptr);
    TEXT(((const sw_provider_trace *)rows.at[1])->call_type, "summarization");
}

static void a_conversation_knows_its_last_message(lt *t)
{
    sw_conversation c = {.id = lt_id(t, "conv", 1), .agent_id = lt_agent(t, &t->a, 1)}, got;
    sw_conversation v = {.last_message_at = sw_int_of(1)};
    sw_message m[2] = {lt_message(t, 5, "five"), lt_message(t, 3, "three")};
    sw_step s = lt_step(t, 1);
    int64_t head = 0;
    lt_rows rows;
    sw_outcome o;
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_CONVERSATION, &c, &o, &t->err));
    s.conversation_id = c.id;
    lt_log(t, &t->a, &s);
    head = lt_head(t, &t->a);
    attach(t, s.id, m, 2);
    OK(sw_get(t->ledger, &t->a, SW_RECORD_CONVERSATION, c.id, t->memory, &got, &t->err));
    SAME(got.last_message_at.value, m[0].created_at.value);
    rows = lt_journal(t, &t->a, head);
    SAME(rows.count, 2);
    SAME(((const sw_journal *)rows.at[0])->record.value, SW_RECORD_CONVERSATION);
    m[0] = lt_message(t, 4, "four"); /* it came later, and was said before */
    attach(t, s.id, m, 1);
    OK(sw_get(t->ledger, &t->a, SW_RECORD_CONVERSATION, c.id, t->memory, &got, &t->err));
    SAME(got.last_message_at.value, LT_TIME + 5000000);
    IS(SW_STATUS_INVALID,
       sw_record_update(t->ledger, &t->a, SW_RECORD_CONVERSATION, c.id, &v,
                        SW_FIELD_BIT(SW_CONVERSATION_LAST_MESSAGE_AT), &o, &t->err));
    NAMES(&t->err, "last_message_at");
    CLEAN();
}

/* ---- what goes when the step goes --------------------------------------------------------------- */

static void deleting_takes_what_is_the_steps_own(lt *t)
{
    sw_step s = lt_step(t, 1), other = lt_step(t, 2);
    sw_step_metrics m = {.step_ns = sw_int_of(9)};
    sw_message mine[2] = {lt_message(t, 1, "shared"), lt_message(t, 2, "only mine")};
    sw_message theirs = lt_message(t, 3, "shared");
    sw_provider_trace trace = lt_trace(t, 1);
    sw_step_entry e = {.step = s,
                       .metrics = &m,
                       .messages = mine,
                       .message_count = 2,
                       .traces = &trace,
                       .trace_count = 1};
    sw_message got;
    sw_outcome o;
    lt_log_entry(t, &t->a, &e);
    lt_log(t, &t->a, &other);
    attach(t, other.id, &theirs, 1);
    OK(sw_step_delete(t->ledger, &t->a, s.id, &o, &t->err));
    CHECK(!lt_there(t, &t->a, SW_RECORD_STEP_METRICS, s.id));
    CHECK(!lt_there(t, &t->a, SW_RECORD_PROVIDER_TRACE, trace.id));
    for (int i = 0; i < 2; i++) {
        OK(sw_get(t->ledger, &t->a, SW_RECORD_MESSAGE, mine[i].id, t->memory, &got, &t->err));
        CHECK(!got.step_id.ptr);
        CHECK(!got.text.ptr);
    }
    OK(sw_get(t->ledger, &t->a, SW_RECORD_MESSAGE, theirs.id, t->memory, &got, &t->err));
    TEXT(got.text, "shared");
    TEXT(got.step_id, other.id.ptr);
    CLEAN();
}

/* The bodies themselves are counted where the file can be asked. */
static void a_body_is_stored_once_and_goes_with_the_last(lt *t)
{
    sw_step s[2] = {lt_step(t, 1), lt_step(t, 2)}, foreign = lt_step(t, 3);
    sw_message m[3] = {lt_message(t, 1, "the very same"), lt_message(t, 2, "the very same"),
                       lt_message(t, 3, "the very same")};
    sw_message got;
    sw_outcome o;
    for (int i = 0; i < 2; i++) {
        lt_log(t, &t->a, &s[i]);
        attach(t, s[i].id, &m[i], 1);
    }
    lt_log(t, &t->b, &foreign);
    OK(sw_step_attach(t->ledger, &t->b, foreign.id, &m[2], 1, NULL, 0, &o, &t->err));
    OK(sw_step_delete(t->ledger, &t->a, s[0].id, &o, &t->err));
    OK(sw_get(t->ledger, &t->a, SW_RECORD_MESSAGE, m[1].id, t->memory, &got, &t->err));
    TEXT(got.text, "the very same");
    OK(sw_step_delete(t->ledger, &t->a, s[1].id, &o, &t->err));
    OK(sw_get(t->ledger, &t->b, SW_RECORD_MESSAGE, m[2].id, t->memory, &got, &t->err));
    TEXT(got.text, "the very same");
    CLEAN();
}

static void messages_can_be_walked_by_sequence(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_list_query q = {.limit = 3, .ascending = true};
    size_t seen = 0;
    lt_log(t, &t->a, &s);
    for (unsigned i = 0; i < 10; i++) {
        sw_message m = lt_message(t, 100 - i, "x"); /* created_at runs backwards */
        attach(t, s.id, &m, 1);
    }
    for (;;) {
        lt_rows page = lt_list(t, &t->a, SW_RECORD_MESSAGE, &q);
        for (size_t i = 0; i < page.count; i++, seen++) {
            TEXT(lt_row_id(&page, i), lt_id(t, "message", 100 - (unsigned)seen).ptr);
        }
        if (page.count == 0) {
            break;
        }
        q.after = lt_row_id(&page, page.count - 1);
    }
    SAME(seen, 10);
    q = (sw_list_query){.limit = 3, .before = lt_id(t, "message", 100)};
    q.ascending = false;
    TEXT(lt_row_id(&(lt_rows){.record = SW_RECORD_MESSAGE,
                              .at = lt_list(t, &t->a, SW_RECORD_MESSAGE, &q).at},
                   2),
         lt_id(t, "message", 99).ptr);
}

static const lt_case cases[] = {
    {"timings inherit from the step", timings_inherit_from_the_step, 0},
    {"a step without a known agent has timings too", a_step_without_a_known_agent_has_timings_too,
     0},
    {"timings are an upsert", timings_are_an_upsert, 0},
    {"timings of no step are refused", timings_of_no_step_are_refused, 0},
    {"timings move the histograms", timings_move_the_histograms, 0},
    {"messages keep their order and content", messages_keep_their_order_and_content, 0},
    {"the same message is added once", the_same_message_is_added_once, 0},
    {"a conversation knows its last message", a_conversation_knows_its_last_message, 0},
    {"a refused message keeps all out", a_refused_message_keeps_all_out, 0},
    {"a step has several traces", a_step_has_several_traces, 0},
    {"deleting takes what is the step's own", deleting_takes_what_is_the_steps_own, 0},
    {"a body is stored once and goes with the last", a_body_is_stored_once_and_goes_with_the_last,
     0},
    {"messages can be walked by sequence", messages_can_be_walked_by_sequence, 0},
};

LT_MAIN("attach", cases)
