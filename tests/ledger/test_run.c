/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: their life, their totals, what goes when they go. The totals are exact for a run of any size. */
#include "tests/lib/lt.h"

#include <stdio.h>

static const char *const words_of[] = {"created", "running", "completed", "failed", "cancelled"};

static sw_status move(lt *t, sw_str id, int64_t to, sw_outcome *o)
{
    sw_run v = {.status = sw_int_of(to)};
    return sw_run_update(t->ledger, &t->a, id, &v, SW_FIELD_BIT(SW_RUN_STATUS), o, &t->err);
}

static void a_run_takes_its_defaults(lt *t)
{
    sw_run in = {.agent_id = lt_agent(t, &t->a, 1)}, out;
    sw_run_metrics m;
    sw_outcome o;
    in.base_template_id = SW_STR("base");
    in.template_id = SW_STR("tpl");
    OK(sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
    VERDICT(o, CREATED);
    CHECK(strncmp(o.id, "run-", 4) == 0);
    out = lt_get_run(t, &t->a, sw_str_from(o.id));
    SAME(out.status.value, SW_RUN_STATUS_CREATED);
    SAME(out.background.value, 0);
    SAME(out.source.value, SW_SOURCE_API);
    SAME(out.created_at.value, t->wall);
    TEXT(out.organization_id, t->a.organization_id.ptr);
    TEXT(out.created_by_id, t->a.user_id.ptr);
    CHECK(!out.completed_at.known && !out.stop_reason.ptr && !out.total_duration_ns.known);
    m = lt_run_metrics(t, &t->a, out.id);
    TEXT(m.agent_id, in.agent_id.ptr);
    TEXT(m.base_template_id, "base");
    TEXT(m.template_id, "tpl");
    SAME(m.num_steps.value, 0);
    CHECK(m.num_steps.known && m.total_tokens.known && m.usage_unknown.known);
    CHECK(m.run_start_ns.known && !m.run_ns.known);
}

static void creating_is_idempotent(lt *t)
{
    sw_run in = {.id = lt_id(t, "run", 1), .agent_id = lt_agent(t, &t->a, 1)};
    sw_outcome o;
    in.metadata = SW_STR("{\"a\":1}");
    OK(sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
    OK(sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
    VERDICT(o, UNCHANGED);
    OK(move(t, in.id, SW_RUN_STATUS_COMPLETED, &o));
    OK(sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
    VERDICT(o, UNCHANGED);
    SAME(lt_get_run(t, &t->a, in.id).status.value, SW_RUN_STATUS_COMPLETED);
    in.metadata = SW_STR("{\"a\":2}");
    IS(SW_STATUS_CONFLICT, sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
    VERDICT(o, CONFLICT);
    in.id = SW_STR("job-00000001-0000-4000-8000-000000000001");
    OK(sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
    VERDICT(o, CREATED);
    TEXT(lt_get_run(t, &t->a, in.id).id, in.id.ptr);
    in.id = SW_STR("ran-00000001-0000-4000-8000-000000000001");
    IS(SW_STATUS_INVALID_ID, sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
}

static void a_run_needs_its_agent(lt *t)
{
    sw_run in = {.id = lt_id(t, "run", 1)};
    sw_str agents[] = {SW_NULL_STR, lt_id(t, "agent", 9), lt_agent(t, &t->b, 2)};
    sw_outcome o;
    for (int i = 0; i < 3; i++) {
        in.agent_id = agents[i];
        CHECK(sw_run_create(t->ledger, &t->a, &in, &o, &t->err) != SW_STATUS_OK);
        VERDICT(o, REJECTED);
        NAMES(&t->err, "agent");
    }
    CHECK(!lt_there(t, &t->a, SW_RECORD_RUN, in.id));
}

/* The legal moves of the header, and every other. */
static bool legal(int64_t from, int64_t to)
{
    return from == to || (from < SW_RUN_STATUS_COMPLETED && to > from);
}

static void runs_move_as_told(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1);
    for (int64_t from = 0; from < SW_RUN_STATUS_COUNT; from++) {
        for (int64_t to = 0; to < SW_RUN_STATUS_COUNT; to++) {
            sw_str id = lt_run(t, &t->a, (unsigned)(from * 10 + to), agent);
            sw_outcome o;
            sw_status got = SW_STATUS_OK;
            OK(move(t, id, from, &o));
            got = move(t, id, to, &o);
            if ((got == SW_STATUS_OK) != legal(from, to)) {
                SAY("%s to %s: %s", words_of[from], words_of[to], status_name(got));
            }
            if (got != SW_STATUS_OK) {
                SAME(got, SW_STATUS_ILLEGAL_MOVE);
                VERDICT(o, CONFLICT);
                CHECK(strstr(t->err.message, words_of[from]) &&
                      strstr(t->err.message, words_of[to]));
            } else if (from == to) {
                VERDICT(o, UNCHANGED);
            }
            SAME(lt_get_run(t, &t->a, id).status.value, got == SW_STATUS_OK ? to : from);
        }
    }
    CLEAN();
}

static void an_approval_can_still_be_cancelled(lt *t)
{
    sw_str id = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    sw_run v = {.status = sw_int_of(SW_RUN_STATUS_COMPLETED)};
    sw_outcome o;
    v.stop_reason = SW_STR("requires_approval");
    OK(sw_run_update(t->ledger, &t->a, id, &v,
                     SW_FIELD_BIT(SW_RUN_STATUS) | SW_FIELD_BIT(SW_RUN_STOP_REASON), &o, &t->err));
    OK(move(t, id, SW_RUN_STATUS_CANCELLED, &o));
    VERDICT(o, UPDATED);
    SAME(lt_get_run(t, &t->a, id).status.value, SW_RUN_STATUS_CANCELLED);
    IS(SW_STATUS_ILLEGAL_MOVE, move(t, id, SW_RUN_STATUS_FAILED, &o));
    CLEAN();
}

static void metadata_is_merged(lt *t)
{
    sw_run in = {.id = lt_id(t, "run", 1), .agent_id = lt_agent(t, &t->a, 1)};
    sw_run v = {.metadata = SW_STR("{ \"b\" : {\"y\":2}, \"c\":null }")};
    sw_outcome o;
    in.metadata = SW_STR("{\"a\":1,\"b\":{\"x\":1}}");
    OK(sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
    OK(sw_run_update(t->ledger, &t->a, in.id, &v, SW_FIELD_BIT(SW_RUN_METADATA), &o, &t->err));
    VERDICT(o, UPDATED);
    TEXT(lt_get_run(t, &t->a, in.id).metadata, "{\"a\":1,\"b\":{\"y\":2},\"c\":null}");
    OK(sw_run_update(t->ledger, &t->a, in.id, &v, SW_FIELD_BIT(SW_RUN_METADATA), &o, &t->err));
    VERDICT(o, UNCHANGED);
    v.metadata = SW_STR("[1]");
    IS(SW_STATUS_INVALID,
       sw_run_update(t->ledger, &t->a, in.id, &v, SW_FIELD_BIT(SW_RUN_METADATA), &o, &t->err));
    NAMES(&t->err, "metadata");
}

static void finishing_keeps_time_and_duration(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1), now = SW_NULL_STR;
    sw_run in = {.agent_id = agent}, out, v = {.status = sw_int_of(SW_RUN_STATUS_FAILED)};
    sw_outcome o;
    OK(sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
    now = pool_str(t->pool, sw_str_from(o.id));
    lt_advance(t, 90, 90);
    OK(move(t, now, SW_RUN_STATUS_RUNNING, &o));
    CHECK(!lt_run_metrics(t, &t->a, now).run_ns.known);
    CHECK(!lt_get_run(t, &t->a, now).completed_at.known);
    lt_advance(t, 10, 10);
    OK(move(t, now, SW_RUN_STATUS_COMPLETED, &o));
    out = lt_get_run(t, &t->a, now);
    SAME(out.completed_at.value, t->wall);
    SAME(lt_run_metrics(t, &t->a, now).run_ns.value, INT64_C(100000000000));
    SAME(out.total_duration_ns.value, INT64_C(100000000000)); /* get and metrics agree */
    OK(sw_run_create(t->ledger, &t->a, &in, &o, &t->err));
    v.completed_at = sw_int_of(LT_TIME + 7);
    v.total_duration_ns = sw_int_of(12345);
    OK(sw_run_update(t->ledger, &t->a, sw_str_from(o.id), &v,
                     SW_FIELD_BIT(SW_RUN_STATUS) | SW_FIELD_BIT(SW_RUN_COMPLETED_AT) |
                         SW_FIELD_BIT(SW_RUN_TOTAL_DURATION_NS),
                     &o, &t->err));
    out = lt_get_run(t, &t->a, sw_str_from(o.id));
    SAME(out.completed_at.value, LT_TIME + 7);
    SAME(out.total_duration_ns.value, 12345);
    SAME(lt_run_metrics(t, &t->a, out.id).run_ns.value, 12345);
}

static sw_outcome merge(lt *t, sw_str id, const char *metadata)
{
    sw_run v = {.metadata = sw_str_from(metadata)};
    sw_outcome o;
    OK(sw_run_update(t->ledger, &t->a, id, &v, SW_FIELD_BIT(SW_RUN_METADATA), &o, &t->err));
    return o;
}

/* Merging what is there already changes nothing, and what is there keeps its place. */
static void merging_keeps_places(lt *t)
{
    sw_str id = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    int64_t head = 0;
    VERDICT(merge(t, id, "{\"a\":1,\"b\":{\"x\":[2]},\"c\":3}"), UPDATED);
    head = lt_head(t, &t->a);
    VERDICT(merge(t, id, "{\"b\": {\"x\": [2]}, \"a\": 1}"), UNCHANGED);
    VERDICT(merge(t, id, "{}"), UNCHANGED);
    SAME(lt_head(t, &t->a), head);
    TEXT(lt_get_run(t, &t->a, id).metadata, "{\"a\":1,\"b\":{\"x\":[2]},\"c\":3}");
    VERDICT(merge(t, id, "{\"d\":4,\"b\":null,\"e\":5}"), UPDATED);
    TEXT(lt_get_run(t, &t->a, id).metadata, "{\"a\":1,\"b\":null,\"c\":3,\"d\":4,\"e\":5}");
}

static sw_agent agent_of(lt *t, sw_str id)
{
    sw_agent row;
    OK(sw_get(t->ledger, &t->a, SW_RECORD_AGENT, id, t->memory, &row, &t->err));
    return row;
}

static void the_agent_remembers_its_last_run(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1), id = lt_run(t, &t->a, 1, agent);
    sw_run v = {.status = sw_int_of(SW_RUN_STATUS_COMPLETED), .stop_reason = SW_STR("end_turn")};
    sw_run ended = {.agent_id = agent, .created_at = sw_int_of(LT_TIME)};
    int64_t head = lt_head(t, &t->a), now = 0;
    const sw_journal *entry = NULL;
    lt_rows rows;
    sw_outcome o;
    OK(sw_run_update(t->ledger, &t->a, id, &v,
                     SW_FIELD_BIT(SW_RUN_STATUS) | SW_FIELD_BIT(SW_RUN_STOP_REASON), &o, &t->err));
    TEXT(agent_of(t, agent).last_stop_reason, "end_turn");
    now = agent_of(t, agent).last_run_completion.value;
    SAME(now, lt_get_run(t, &t->a, id).completed_at.value);
    rows = lt_journal(t, &t->a, head);
    SAME(rows.count, 2); /* the agent changed, and the run */
    entry = rows.at[0];
    SAME(entry->record.value, SW_RECORD_AGENT);
    SAME(entry->what.value, SW_CHANGE_UPDATED);
    TEXT(entry->record_id, agent.ptr);
    SAME(((const sw_journal *)rows.at[1])->seq.value, o.seq);
    ended.status = sw_int_of(SW_RUN_STATUS_FAILED); /* one that ended long ago, told only now */
    ended.stop_reason = SW_STR("error");
    ended.completed_at = sw_int_of(LT_TIME + 5000000);
    OK(sw_run_create(t->ledger, &t->a, &ended, &o, &t->err));
    TEXT(agent_of(t, agent).last_stop_reason, "end_turn");
    SAME(agent_of(t, agent).last_run_completion.value, now);
    ended.completed_at = sw_int_of(now + 1000000);
    ended.total_duration_ns = sw_int_of(7000000);
    OK(sw_run_create(t->ledger, &t->a, &ended, &o, &t->err));
    TEXT(agent_of(t, agent).last_stop_reason, "error");
    SAME(agent_of(t, agent).last_run_completion.value, now + 1000000);
    SAME(agent_of(t, agent).last_run_duration_ms.value, 7);
    CLEAN();
}

static void what_follows_from_runs_is_not_set_by_hand(lt *t)
{
    static const int fields[] = {SW_AGENT_LAST_RUN_COMPLETION, SW_AGENT_LAST_RUN_DURATION_MS,
                                 SW_AGENT_LAST_STOP_REASON};
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_agent v = {.last_run_completion = sw_int_of(1), .last_run_duration_ms = sw_int_of(1)};
    sw_outcome o;
    v.last_stop_reason = SW_STR("error");
    for (size_t i = 0; i < 3; i++) {
        IS(SW_STATUS_INVALID, sw_record_update(t->ledger, &t->a, SW_RECORD_AGENT, agent, &v,
                                               SW_FIELD_BIT(fields[i]), &o, &t->err));
        NAMES(&t->err, row_kind_of(SW_RECORD_AGENT)->fields[fields[i]].name);
    }
}

static void a_run_takes_the_project_of_its_agent(lt *t)
{
    sw_agent agent = {.id = lt_id(t, "agent", 1), .project_id = SW_STR("project-7")};
    sw_run run = {.id = lt_id(t, "run", 1), .agent_id = agent.id};
    sw_run own = {.id = lt_id(t, "run", 2), .agent_id = agent.id};
    sw_outcome o;
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_AGENT, &agent, &o, &t->err));
    OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    TEXT(lt_get_run(t, &t->a, run.id).project_id, "project-7");
    TEXT(lt_run_metrics(t, &t->a, run.id).project_id, "project-7");
    OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    VERDICT(o, UNCHANGED);
    own.project_id = SW_STR("project-8");
    OK(sw_run_create(t->ledger, &t->a, &own, &o, &t->err));
    TEXT(lt_get_run(t, &t->a, own.id).project_id, "project-8");
    own.project_id = SW_STR("project-9"); /* its totals follow, also while it runs */
    OK(sw_run_update(t->ledger, &t->a, own.id, &own, SW_FIELD_BIT(SW_RUN_PROJECT_ID), &o, &t->err));
    TEXT(lt_run_metrics(t, &t->a, own.id).project_id, "project-9");
    CLEAN();
}

static void cancelling_is_idempotent(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_str open = lt_run(t, &t->a, 1, agent), done = lt_run(t, &t->a, 2, agent);
    sw_run v = {.status = sw_int_of(SW_RUN_STATUS_CANCELLED)};
    sw_outcome o;
    OK(sw_run_cancel(t->ledger, &t->a, open, &o, &t->err));
    VERDICT(o, UPDATED);
    SAME(lt_get_run(t, &t->a, open).status.value, SW_RUN_STATUS_CANCELLED);
    TEXT(lt_get_run(t, &t->a, open).stop_reason, "cancelled");
    CHECK(lt_get_run(t, &t->a, open).completed_at.known);
    CHECK(lt_run_metrics(t, &t->a, open).run_ns.known);
    OK(sw_run_cancel(t->ledger, &t->a, open, &o, &t->err));
    VERDICT(o, UNCHANGED);
    OK(move(t, done, SW_RUN_STATUS_COMPLETED, &o));
    OK(sw_run_cancel(t->ledger, &t->a, done, &o, &t->err));
    VERDICT(o, UNCHANGED);
    SAME(lt_get_run(t, &t->a, done).status.value, SW_RUN_STATUS_COMPLETED);
    done = lt_run(t, &t->a, 3, agent);
    OK(move(t, done, SW_RUN_STATUS_FAILED, &o));
    OK(sw_run_cancel(t->ledger, &t->a, done, &o, &t->err));
    VERDICT(o, UNCHANGED);
    done = lt_run(t, &t->a, 4, agent);
    v.stop_reason = SW_STR("error");
    OK(sw_run_update(t->ledger, &t->a, done, &v,
                     SW_FIELD_BIT(SW_RUN_STATUS) | SW_FIELD_BIT(SW_RUN_STOP_REASON), &o, &t->err));
    OK(sw_run_cancel(t->ledger, &t->a, done, &o, &t->err));
    VERDICT(o, UNCHANGED);
    TEXT(lt_get_run(t, &t->a, done).stop_reason, "error");
    IS(SW_STATUS_NOT_FOUND, sw_run_cancel(t->ledger, &t->a, lt_id(t, "run", 9), &o, &t->err));
}

static void kept_fields_of_a_run_do_not_change(lt *t)
{
    static const int fields[] = {SW_RUN_ID,           SW_RUN_ORGANIZATION_ID, SW_RUN_CREATED_AT,
                                 SW_RUN_SOURCE,       SW_RUN_UPDATED_AT,      SW_RUN_CREATED_BY_ID,
                                 SW_RUN_CREATE_DIGEST};
    sw_str id = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    sw_run v = {.id = lt_id(t, "run", 2), .organization_id = t->b.organization_id};
    sw_run before = lt_get_run(t, &t->a, id), after;
    sw_outcome o;
    v.created_at = v.updated_at = v.source = sw_int_of(1);
    v.created_by_id = lt_id(t, "user", 5);
    v.create_digest = SW_STR("0123456789abcdef");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *name = row_kind_of(SW_RECORD_RUN)->fields[fields[i]].name;
        if (sw_run_update(t->ledger, &t->a, id, &v, SW_FIELD_BIT(fields[i]), &o, &t->err) ==
            SW_STATUS_OK) {
            SAY("%s of a run can be changed", name);
        }
        NAMES(&t->err, name);
    }
    after = lt_get_run(t, &t->a, id);
    SAME_ROW(SW_RECORD_RUN, &after, &before, 0);
}

/* ---- totals ------------------------------------------------------------------------------------- */

static void a_run_adds_up_all_buckets(lt *t)
{
    sw_str id = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    sw_step s[3] = {lt_step(t, 1), lt_step(t, 2), lt_pending(t, 3)};
    sw_run_metrics m;
    s[0].cached_input_tokens = sw_int_of(0);
    s[0].cost_nano_usd = sw_int_of(5);
    s[1].cached_input_tokens = sw_int_of(4);
    s[1].cache_write_tokens = sw_int_of(6);
    s[1].reasoning_tokens = sw_int_of(5);
    s[1].status = sw_int_of(SW_STEP_STATUS_FAILED);
    for (int i = 0; i < 3; i++) {
        s[i].run_id = id;
        lt_log(t, &t->a, &s[i]);
    }
    OK(sw_run_usage(t->ledger, &t->a, id, t->memory, &m, &t->err));
    SAME(m.num_steps.value, 3);
    SAME(m.failed_steps.value, 1);
    SAME(m.prompt_tokens.value, 20);
    SAME(m.completion_tokens.value, 10);
    SAME(m.total_tokens.value, 30);
    SAME(m.cached_input_tokens.value, 4);
    SAME(m.cached_known.value, 2);
    SAME(m.cache_write_tokens.value, 6);
    SAME(m.cache_write_known.value, 1);
    SAME(m.reasoning_tokens.value, 5);
    SAME(m.reasoning_known.value, 1);
    SAME(m.cost_nano_usd.value, 5);
    SAME(m.cost_unknown.value, 2);
    SAME(m.usage_unknown.value, 1);
    IS(SW_STATUS_NOT_FOUND,
       sw_run_usage(t->ledger, &t->a, lt_id(t, "run", 9), t->memory, &m, &t->err));
}

static void tools_are_those_that_were_called(lt *t)
{
    static const char *const calls[] = {
        "[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"search\",\"arguments\":\"{}\"}}]",
        ("[{\"id\":\"2\",\"type\":\"function\",\"function\":{\"name\":\"read\",\"arguments\":\"{}\"}},"
         "{\"id\":\"3\",\"type\":\"function\",\"function\":{\"name\":\"search\",\"arguments\":\"{}\"}}]"),
        "[]"};
    sw_str id = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    for (unsigned i = 0; i < 60; i++) {
        sw_message m = lt_message(t, i, "x");
        sw_step_entry e = {.step = lt_step(t, i), .messages = &m, .message_count = 1};
        e.step.run_id = id;
        m.tool_calls = i == 59 ? SW_STR("[{\"id\":\"9\",\"type\":\"function\",\"function\":"
                                        "{\"name\":\"late\",\"arguments\":\"{}\"}}]")
                               : sw_str_from(calls[i % 3]);
        lt_log_entry(t, &t->a, &e);
    }
    if (!words_same(lt_run_metrics(t, &t->a, id).tools_used,
                    SW_STR("[\"search\",\"read\",\"late\"]"))) {
        TEXT(lt_run_metrics(t, &t->a, id).tools_used, "[\"search\",\"read\",\"late\"]");
    }
    CLEAN();
}

static void a_long_run_is_exact(lt *t)
{
    sw_str id = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    unsigned total = (unsigned)lt_level(500, 2000, 100000), batch = 500;
    sw_step_entry *e = pool_alloc(t->pool, batch * sizeof *e);
    sw_outcome *o = pool_alloc(t->pool, batch * sizeof *o);
    pool *keep = t->pool;
    sw_run_metrics m;
    int64_t tokens = 0;
    for (unsigned done = 0; done < total; done += batch) {
        t->pool = pool_new();
        for (unsigned i = 0; i < batch; i++) {
            e[i] = (sw_step_entry){.step = lt_step(t, done + i)};
            e[i].step.run_id = id;
            e[i].step.prompt_tokens = sw_int_of(done + i);
            tokens += done + i + 5;
        }
        OK(sw_step_log(t->ledger, &t->a, e, batch, true, o, &t->err));
        pool_free(&t->pool);
    }
    t->pool = keep;
    m = lt_run_metrics(t, &t->a, id);
    SAME(m.num_steps.value, total);
    SAME(m.total_tokens.value, tokens);
    OK(sw_run_usage(t->ledger, &t->a, id, t->memory, &m, &t->err));
    SAME(m.total_tokens.value, tokens);
    CLEAN();
}

static void deleting_a_run_leaves_its_steps(lt *t)
{
    sw_str id = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    sw_message message = lt_message(t, 1, "x");
    sw_step_metrics metrics = {.step_ns = sw_int_of(5)}, m;
    sw_step_entry e = {
        .step = lt_step(t, 1), .messages = &message, .message_count = 1, .metrics = &metrics};
    sw_message row;
    sw_outcome o;
    e.step.run_id = id;
    lt_log_entry(t, &t->a, &e);
    OK(sw_run_delete(t->ledger, &t->a, id, &o, &t->err));
    VERDICT(o, UPDATED);
    CHECK(!lt_there(t, &t->a, SW_RECORD_RUN, id));
    CHECK(!lt_there(t, &t->a, SW_RECORD_RUN_METRICS, id));
    CHECK(!lt_get(t, &t->a, e.step.id).run_id.ptr);
    m = lt_metrics(t, &t->a, e.step.id);
    CHECK(!m.run_id.ptr && m.step_ns.value == 5);
    OK(sw_get(t->ledger, &t->a, SW_RECORD_MESSAGE, message.id, t->memory, &row, &t->err));
    CHECK(!row.run_id.ptr);
    TEXT(row.text, "x");
    SAME(lt_total(t, &t->a).num_steps, 1);
    IS(SW_STATUS_NOT_FOUND, sw_run_delete(t->ledger, &t->a, id, &o, &t->err));
    CLEAN();
}

static const lt_case cases[] = {
    {"a run takes its defaults", a_run_takes_its_defaults, LT_CLOCK},
    {"creating is idempotent", creating_is_idempotent, 0},
    {"a run needs its agent", a_run_needs_its_agent, 0},
    {"runs move as told", runs_move_as_told, 0},
    {"an approval can still be cancelled", an_approval_can_still_be_cancelled, 0},
    {"metadata is merged", metadata_is_merged, 0},
    {"finishing keeps time and duration", finishing_keeps_time_and_duration, LT_CLOCK},
    {"what follows from runs is not set by hand", what_follows_from_runs_is_not_set_by_hand, 0},
    {"a run takes the project of its agent", a_run_takes_the_project_of_its_agent, 0},
    {"merging keeps places", merging_keeps_places, 0},
    {"the agent remembers its last run", the_agent_remembers_its_last_run, 0},
    {"cancelling is idempotent", cancelling_is_idempotent, 0},
    {"kept fields of a run do not change", kept_fields_of_a_run_do_not_change, 0},
    {"a run adds up all buckets", a_run_adds_up_all_buckets, 0},
    {"tools are those that were called", tools_are_those_that_were_called, 0},
    {"a long run is exact", a_long_run_is_exact, 0},
    {"deleting a run leaves its steps", deleting_a_run_leaves_its_steps, 0},
};

LT_MAIN("run", cases)
