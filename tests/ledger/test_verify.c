/* SPDX-License-Identifier: Apache-2.0 */
/* verify must see what is wrong: a good ledger is changed behind its back by raw SQL, one thing at a time,
 * and each time verify names it; put right again, the ledger is clean again. Only where there is SQL.
 */
#include "ledger/telemetry.h"
#include "tests/lib/lt.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void populate(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1), run = lt_run(t, &t->a, 1, agent);
    sw_outcome o;
    for (unsigned n = 0; n < 12; n++) {
        sw_step_metrics m = {.step_ns = sw_int_of(1000 * (int64_t)(n + 1))};
        sw_message message = lt_message(t, n, "what was said");
        sw_step_entry e = {.step = n == 11 ? lt_pending(t, n) : lt_step(t, n),
                           .metrics = &m,
                           .messages = &message,
                           .message_count = 1};
        e.step.run_id = n % 2 ? run : SW_NULL_STR;
        e.step.agent_id = agent;
        e.step.project_id = SW_STR("project-1");
        e.step.status = sw_int_of(n == 11 ? 0 : 1 + n % 3);
        e.lease_seconds = n == 11 ? SW_LIMIT_LEASE_SECONDS : 0;
        lt_log_entry(t, &t->a, &e);
    }
    OK(sw_step_delete(t->ledger, &t->a, lt_id(t, "step", 10), &o, &t->err));
}

static void sql(lt *t, const char *text)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(t->url + strlen("sqlite:"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, "pragma foreign_keys = off; pragma ignore_check_constraints = on", NULL,
                     NULL, &why) != SQLITE_OK ||
        sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) {
        SAY("%s: %s", text, why);
    }
    if (sqlite3_changes(db) < 1) {
        SAY("nothing was damaged by: %s", text);
    }
    sqlite3_close(db);
}

typedef struct seen {
    const char *kind, *word;
    int all, right;
    char first[600];
} seen;

static void see(void *arg, const sw_difference *d)
{
    seen *s = arg;
    char text[600];
    snprintf(text, sizeof text, "%s | %s | %s", d->kind, d->where, d->what);
    s->right += strcmp(d->kind, s->kind) == 0 && strstr(text, s->word) != NULL;
    if (s->all++ == 0) {
        memcpy(s->first, text, sizeof text);
    }
}

/* A difference of that kind must be reported whose text holds the word. */
static void expect(lt *t, const char *how, const char *kind, const char *word)
{
    seen s = {.kind = kind, .word = word};
    sw_verify_options options = {.difference = see, .arg = &s};
    sw_verify_end end = {0};
    CLEAN();
    sql(t, how);
    if (sw_verify(t->ledger, &options, &end, &t->err) != SW_STATUS_DIFFERS || s.right == 0) {
        SAY("after \"%s\": no difference of kind '%s' with '%s'; %d others, the first: %s", how,
            kind, word, s.all, s.first);
    }
    SAME(end.differences, s.all);
}

static void rollups(lt *t)
{
    static const char *const tables[] = {"usage_project_days", "usage_org_hours",
                                         "usage_model_days", "usage_agent_days"};
    static const char *const columns[] = {"num_steps", "total_tokens", "usage_unknown",
                                          "cost_unknown"};
    populate(t);
    for (int i = 0; i < 4; i++) {
        char spoil[200], repair[200];
        snprintf(spoil, sizeof spoil, "update %s_data set %s = %s + 1", tables[i], columns[i],
                 columns[i]);
        snprintf(repair, sizeof repair, "update %s_data set %s = %s - 1", tables[i], columns[i],
                 columns[i]);
        expect(t, spoil, "rollup", tables[i]);
        sql(t, repair);
    }
    CLEAN();
}

static void the_total_of_a_run(lt *t)
{
    populate(t);
    expect(t, "update run_metrics_data set prompt_tokens = prompt_tokens + 3", "run",
           "prompt_tokens");
    sql(t, "update run_metrics_data set prompt_tokens = prompt_tokens - 3");
    expect(t, "update run_metrics_data set num_steps = num_steps - 1", "run", "run-00000001");
    sql(t, "update run_metrics_data set num_steps = num_steps + 1");
    expect(t, "delete from run_metrics_data", "run", "run-00000001");
}

static void a_page_of_the_file(lt *t)
{
    sw_verify_end end;
    FILE *file = NULL;
    char path[600];
    populate(t);
    lt_close(t);
    snprintf(path, sizeof path, "%s", t->url + strlen("sqlite:"));
    file = fopen(path, "r+b");
    assert_non_null(file);
    for (long at = 8192; at < 300000; at += 4096) {
        if (fseek(file, at, SEEK_SET) == 0) {
            fwrite("damaged, damaged, damaged", 1, 25, file);
        }
    }
    fclose(file);
    if (lt_try_open(t) == SW_STATUS_OK) {
        CHECK(sw_verify(t->ledger, NULL, &end, &t->err) != SW_STATUS_OK);
    } else {
        CHECK(t->err.status == SW_STATUS_CORRUPT || t->err.status == SW_STATUS_IO);
    }
}

static void counts_what_it_looked_at(lt *t)
{
    sw_verify_end end = {0};
    sw_ledger_info info;
    populate(t);
    OK(sw_verify(t->ledger, NULL, &end, &t->err));
    SAME(end.steps, 11);
    SAME(end.runs, 1);
    CHECK(end.cells > 0);
    SAME(end.differences, 0);
    OK(sw_ledger_info_get(t->ledger, &info, &t->err));
    SAME(info.steps, 11);
    SAME(info.runs, 1);
    SAME(info.pending_steps, 1);
    SAME(info.organizations, 3);
    CHECK(info.journal_entries >= end.entries);
    CHECK((info.file_bytes > 0) == t->on_disk);
    CHECK(end.entries >= 14);
}

/* ---- one damage after the other -------------------------------------------------------------------- */

typedef struct damage {
    const char *sql, *kind, *word;
} damage;

/* Of what populate makes. */
static const damage single_damages[] = {
    {"delete from runs_data", "reference", "run"},
    {"delete from agents_data", "reference", "agent"},
    {"update step_metrics_data set pk = pk + 100000 where pk = (select max(pk) from "
     "step_metrics_data)",
     "reference", "step"},
    {"delete from message_bodies_data", "reference", "message"},
    {"update steps_data set status = 0 where pk = (select min(pk) from steps_data)", "life cycle",
     "step-"},
    {"update steps_data set status = 3 where pk = (select min(pk) from steps_data "
     "where status = 1)",
     "rollup", "usage_project_days"},
    {"update steps_data set lease_expires_at = 5 where pk = (select min(pk) from "
     "steps_data where status = 1)",
     "life cycle", "step-"},
    {"update steps_data set status = 9 where pk = (select min(pk) from steps_data)", "life cycle",
     "step-"},
    {"update steps_data set total_tokens = 77 where pk = (select min(pk) from steps_data)",
     "rollup", "total_tokens"},
    {"update journal_data set what = 99 where seq = (select min(seq) + 2 from journal_data)",
     "journal", ""},
    {"update journal_data set seq = seq + 1000 where seq = (select max(seq) from "
     "journal_data)",
     "journal", ""},
    {"delete from journal_data where seq = (select max(seq) from journal_data)", "journal", ""},
    {"update journal_heads_data set seq = 1 where seq > 1", "journal", ""},
    {"update latency_org_days_data set step_time = null", "histogram", ""},
    {"update latency_model_days_data set step_time = x'00'", "histogram", ""},
    {"delete from usage_agent_days_data", "rollup", "usage_agent_days"},
    {"insert into usage_org_hours_data select organization_id, hour + 5000, num_steps, "
     "failed_steps, prompt_tokens, completion_tokens, total_tokens, cached_input_tokens, "
     "cache_write_tokens, reasoning_tokens, cost_nano_usd, cached_known, cache_write_known, "
     "reasoning_known, usage_unknown, cost_unknown from usage_org_hours_data",
     "rollup", "usage_org_hours"},
};

/* ---- what is kept in two places, one damage after the other ---------------------------------------- */

/* A ledger in which everything that verify compares is there at least once. */
static void populate_all(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1), other = lt_agent(t, &t->a, 2);
    sw_str runs[2] = {lt_run(t, &t->a, 1, agent), lt_run(t, &t->a, 2, agent)};
    sw_str provider = lt_provider(t, &t->a, 1);
    sw_conversation talk = {.id = lt_id(t, "conv", 1), .agent_id = other};
    sw_run end = {.status = sw_int_of(SW_RUN_STATUS_COMPLETED), .stop_reason = SW_STR("end_turn")};
    sw_outcome o;
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_CONVERSATION, &talk, &o, &t->err));
    for (unsigned n = 0; n < 4; n++) {
        sw_step_metrics m = {.step_ns = sw_int_of(1000 * (int64_t)(n + 1))};
        sw_message message = lt_message(t, n, pool_printf(t->pool, "said %u", n).ptr);
        sw_step_entry e = {
            .step = lt_step(t, n), .metrics = &m, .messages = &message, .message_count = 1};
        message.tool_calls = SW_STR("[{\"name\":\"search\"}]");
        e.step.run_id = runs[n % 2];
        e.step.agent_id = agent;
        e.step.provider_id = provider;
        e.step.conversation_id = talk.id;
        e.step.source = sw_int_of(SW_SOURCE_OTLP);
        lt_log_entry(t, &t->a, &e);
    }
    OK(sw_step_retire(t->ledger, &t->a, lt_id(t, "step", 3), lt_id(t, "step", 1), &o, &t->err));
    OK(sw_run_update(t->ledger, &t->a, runs[0], &end,
                     SW_FIELD_BIT(SW_RUN_STATUS) | SW_FIELD_BIT(SW_RUN_STOP_REASON), &o, &t->err));
}

static const damage damages[] = {
    {"update run_metrics_data set tools_used = '[\"other\"]'", "run", "tools_used"},
    {"update run_metrics_data set tools_used = null", "run", "tools_used is null"},
    {"update run_tools_data set messages = messages + 1", "run", "search is counted in"},
    {"delete from run_tools_data", "run", "search is counted in 0"},
    {"update messages_data set step_id = null where pk = (select max(pk) - 2 from messages_data)",
     "run", "search is counted in"},
    {"update run_metrics_data set run_ns = run_ns + 1 where run_ns is not null", "run", "run_ns"},
    {"update run_metrics_data set run_ns = 5 where run_ns is null", "run", "run_ns is 5"},
    {"update run_metrics_data set run_start_ns = 7", "run", "run_start_ns"},
    {"update runs_data set total_duration_ns = null where total_duration_ns is not null", "run",
     "total_duration_ns"},
    {"update runs_data set completed_at = null where completed_at is not null", "life cycle",
     "completed_at"},
    {"delete from run_metrics_data where run_ns is not null", "run", "totals are missing"},
    {"update journal_heads_data set sequence_id = sequence_id - 1 where sequence_id > 0", "journal",
     "sequence_id is"},
    {"update journal_heads_data set runs = runs + 1 where runs > 0", "run", "runs is 3"},
    {"update messages_data set body_hash = null where pk = (select min(pk) from messages_data)",
     "reference", "no message shows"},
    {"update steps_data set retired_into = null where retired_into is not null", "reference",
     "step_aliases"},
    {"update steps_data set retired_into = (select id from steps_data where pk = (select min(pk) "
     "from steps_data)) where retired_into is not null",
     "reference", "no alias leads"},
    {"update steps_data set retired_into = x'0102030405064708890a0b0c0d0e0f10' where retired_into "
     "is not null",
     "reference", "names no step"},
    {"delete from step_aliases_data", "reference", "no alias leads"},
    {"update step_aliases_data set step_id = (select min(pk) from steps_data)", "reference",
     "step_aliases"},
    {"update step_metrics_data set run_id = (select max(pk) from runs_data) where run_id = (select "
     "min(pk) from runs_data)",
     "reference", "run_id is run-"},
    {"update step_metrics_data set run_id = null", "reference", "run_id is null"},
    {"update step_metrics_data set agent_id = (select max(pk) from agents_data)", "reference",
     "agent_id is agent-"},
    {"update step_metrics_data set provider_id = null", "reference", "provider_id is null"},
    {"update agents_data set last_run_completion = last_run_completion - 1 where "
     "last_run_completion is not null",
     "run", "last_run_completion"},
    {"update agents_data set last_run_completion = null", "run", "last_run_completion"},
    {"update agents_data set last_run_duration_ms = last_run_duration_ms + 1 where "
     "last_run_duration_ms is not null",
     "run", "last_run_duration_ms"},
    {"update agents_data set last_stop_reason = null where last_stop_reason is not null", "run",
     "last_stop_reason"},
    {"update conversations_data set last_message_at = last_message_at - 1", "reference",
     "last_message_at"},
};

/* Of the runs of populate_all the first has completed. In the journal 7 are runs and 9 are steps. */
static const damage run_damages[] = {
    {"update runs_data set status = 3 where completed_at is not null", "life cycle",
     "runs id=run-00000001-0000-4000-8000-000000000001 | the run is failed, the journal says it "
     "became completed"},
    {"update runs_data set status = 0 where completed_at is not null", "life cycle",
     "the run is created, the journal says it became completed"},
    {"update runs_data set status = 1 where completed_at is not null", "life cycle",
     "the run is running, and has a completed_at"},
    {"update runs_data set status = 9", "value",
     "runs id=run-00000002-0000-4000-8000-000000000002 | status: is not a value of its list"},
    {"update journal_data set what = 4 where record = 7 and what = 5", "life cycle",
     "the run is completed, the journal says it became cancelled"},
    {"update journal_data set what = 2 where record = 7 and what = 5", "journal",
     "that never happens to a run"},
    {"update journal_data set what = 5 where record = 9 and what = 0", "journal",
     "that never happens to a step"},
    {"update journal_data set record_id = (select max(record_id) from journal_data where "
     "record = 7) where record = 7",
     "journal",
     "runs id=run-00000001-0000-4000-8000-000000000001 | the journal does not tell of its "
     "creation"},
    {"update journal_data set record_id = (select max(record_id) from journal_data where "
     "record = 7) where record = 7",
     "journal",
     "runs id=run-00000002-0000-4000-8000-000000000002 | the journal tells of its creation twice"},
    {"update journal_data set record = 11 where record = 7", "journal",
     "the journal does not tell of its creation"},
    {"update journal_data set record = 99 where record = 7", "journal", "no kind of record"},
    {"update journal_data set record = -1 where record = 7", "journal", "no kind of record"},
    {"update journal_data set time = 0 where record = 9", "journal", "does not say when"},
};

/* What is no value of its field, and what stands beside it. */
static const damage value_damages[] = {
    {"update steps_data set feedback = 7, tags = 'nojson'", "value",
     "steps id=step-00000000-0000-4000-8000-000000000000 | feedback: "},
    {"update steps_data set feedback = 7, tags = 'nojson'", "value",
     "steps id=step-00000002-0000-4000-8000-000000000002 | tags: "},
    {"update steps_data set tags = 'nojson'; update run_metrics_data set run_start_ns = 7", "run",
     "run_start_ns"},
    {"update steps_data set tags = '[7]'", "value", "tags: "},
    {"update steps_data set error_data = '[]'", "value", "error_data: is not a JSON object"},
    {"update steps_data set input_preview = x'ff41'", "value", "input_preview: "},
    {"update steps_data set content_truncated = 2", "value", "content_truncated: "},
    {"update step_metrics_data set is_deleted = 2", "value", "step_metrics id=step-"},
    {"update runs_data set metadata_ = '{'", "value", "runs id=run-"},
    {"update runs_data set background = 2", "value", "background: "},
    {"update run_metrics_data set is_deleted = 2", "value", "run_metrics id=run-"},
    {"update message_bodies_data set tool_calls = '{'", "value", "messages id=message-"},
    {"update conversations_data set last_message_at = 9000000000000000000", "value",
     "conversations id=conv-00000001-0000-4000-8000-000000000001 | last_message_at: is not "
     "between"},
    {"update organizations_data set privileged_tools = 2", "value", "organizations id=org-"},
    {"update journal_data set time = 9000000000000000000", "value", "time: "},
    {"update steps_data set request_id = x'00' where pk = 1", "store",
     "steps: not all can be read"},
    {"update steps_data set request_id = x'00' where pk = 1; update runs_data set background = 2",
     "value", "background: "},
};

static void copy(lt *t, const char *from, const char *to)
{
    sw_str command = pool_printf(t->pool, "rm -f '%s/%s'-wal '%s/%s'-shm; cp '%s/%s' '%s/%s'",
                                 t->dir, to, t->dir, to, t->dir, from, t->dir, to);
    assert_int_equal(system(command.ptr), 0);
}

static void damage_one_by_one(lt *t, const damage *all, size_t count)
{
    CLEAN();
    lt_close(t);
    copy(t, "ledger.db", "whole.db");
    for (size_t i = 0; i < count; i++) {
        copy(t, "whole.db", "ledger.db");
        lt_open(t);
        expect(t, all[i].sql, all[i].kind, all[i].word);
        lt_close(t);
    }
    copy(t, "whole.db", "ledger.db");
    lt_open(t);
    CLEAN();
}

static void each_single_damage_is_named(lt *t)
{
    populate(t);
    damage_one_by_one(t, single_damages, sizeof single_damages / sizeof single_damages[0]);
}

static void each_damage_is_named(lt *t)
{
    populate_all(t);
    damage_one_by_one(t, damages, sizeof damages / sizeof damages[0]);
}

static void each_damage_of_runs_is_named(lt *t)
{
    populate_all(t);
    damage_one_by_one(t, run_damages, sizeof run_damages / sizeof run_damages[0]);
}

static void each_value_that_is_none_is_named(lt *t)
{
    populate_all(t);
    damage_one_by_one(t, value_damages, sizeof value_damages / sizeof value_damages[0]);
}

/* What a run may do and say: created when it had ended, ended twice in the same way, cancelled while it waited for an
 * approval, deleted and created again; and a caller may say before the end when it will have been. */
static void whatever_runs_may_do_is_clean(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_run born = {.id = lt_id(t, "run", 1), .agent_id = agent};
    sw_run said = {.id = lt_id(t, "run", 2), .agent_id = agent};
    sw_run end = {.status = sw_int_of(SW_RUN_STATUS_COMPLETED),
                  .stop_reason = SW_STR("requires_approval")};
    sw_run talk = {.metadata = SW_STR("{\"a\":1}")};
    sw_str run = lt_run(t, &t->a, 3, agent);
    uint64_t ending = SW_FIELD_BIT(SW_RUN_STATUS) | SW_FIELD_BIT(SW_RUN_STOP_REASON);
    sw_outcome o;
    born.status = sw_int_of(SW_RUN_STATUS_FAILED);
    OK(sw_run_create(t->ledger, &t->a, &born, &o, &t->err));
    OK(sw_run_update(t->ledger, &t->a, born.id, &talk, SW_FIELD_BIT(SW_RUN_METADATA), &o, &t->err));
    said.completed_at = sw_int_of(LT_TIME);
    said.total_duration_ns = sw_int_of(7);
    OK(sw_run_create(t->ledger, &t->a, &said, &o, &t->err));
    CLEAN();
    OK(sw_run_update(t->ledger, &t->a, run, &end, ending, &o, &t->err));
    OK(sw_run_update(t->ledger, &t->a, run, &end, ending, &o, &t->err));
    CLEAN();
    OK(sw_run_cancel(t->ledger, &t->a, run, &o, &t->err));
    OK(sw_run_cancel(t->ledger, &t->a, run, &o, &t->err));
    CLEAN();
    OK(sw_run_delete(t->ledger, &t->a, run, &o, &t->err));
    CLEAN();
    (void)lt_run(t, &t->a, 3, agent);
    CLEAN();
}

/* ---- telemetry ----------------------------------------------------------------------------------- */

/* Two steps of which the second was sent what the first was, and a raw item. */
static void populate_telemetry(lt *t)
{
    sw_message said[4] = {lt_message(t, 1, "first"), lt_message(t, 2, "second"),
                          lt_message(t, 3, "third"), lt_message(t, 4, "fourth")};
    sw_telemetry_step steps[2] = {{.input = said, .input_count = 2},
                                  {.input = said, .input_count = 3}};
    sw_raw_source source = {.digest = SW_STR("0123456789abcdef"), .body = SW_STR("resource")};
    sw_raw_item item = {.unit = SW_STR("fedcba9876543210"),
                        .item = SW_STR("01234567"),
                        .source_digest = source.digest,
                        .received_at = sw_int_of(LT_TIME),
                        .body = SW_STR("body")};
    sw_outcome o[2];
    sw_telemetry_batch b = {.steps = steps,
                            .step_count = 2,
                            .outcomes = o,
                            .items = &item,
                            .item_count = 1,
                            .sources = &source,
                            .source_count = 1};
    for (unsigned n = 0; n < 2; n++) {
        steps[n].entry.step = lt_step(t, n);
        steps[n].entry.step.source = sw_int_of(SW_SOURCE_OTLP);
        steps[n].entry.step.conversation_id = SW_STR("s");
    }
    steps[1].entry.messages = &said[3];
    steps[1].entry.message_count = 1;
    OK(sw_telemetry_write(t->ledger, &t->a, &b, &t->err));
}

static const damage telemetry_damages[] = {
    {"update step_contexts_data set base_id = null where base_id is not null", "reference",
     "its base is missing"},
    {"delete from step_contexts_data where base_id is null", "reference", "its base is missing"},
    {"update step_contexts_data set length = length + 1 where base_id is null", "reference",
     "its list is damaged"},
    {"update step_contexts_data set tail = x'ff' where base_id is not null", "reference",
     "its list is damaged"},
    {"update step_contexts_data set base_count = 3 where base_id is not null", "reference",
     "its base is not what it was"},
    {"update message_bodies_data set contexts = contexts + 1", "reference", "contexts is"},
    {"delete from message_bodies_data where contexts > 0", "reference", "of its list is missing"},
    {"delete from raw_sources_data", "reference", "the source of an item is missing"},
    {"update raw_sources_data set items = 0", "reference", "raw_sources"},
    {"update raw_traces_data set bytes = bytes + 1", "reference", "items or bytes"},
    {"update raw_traces_data set first_at = null", "reference", "first_at"},
    {"delete from raw_traces_data", "reference", "the row of its unit is missing"},
    {"delete from raw_items_data", "reference", "raw_traces"},
    {"update raw_totals_data set items = items + 1", "rollup", "raw_totals"},
    {"update raw_items_data set signal = 9", "value", "signal: is not a value of its list"},
    {"update raw_traces_data set frozen = 2", "value", "unit=66656463626139383736353433323130 | "},
    {"update step_contexts_data set rewritten = 2", "value", "step_contexts id=step-"},
};

static void each_damage_of_telemetry_is_named(lt *t)
{
    populate_telemetry(t);
    damage_one_by_one(t, telemetry_damages, sizeof telemetry_damages / sizeof telemetry_damages[0]);
}

static const lt_case cases[] = {
    {"each single damage is named", each_single_damage_is_named, LT_DISK},
    {"each damage is named", each_damage_is_named, LT_DISK},
    {"each damage of runs is named", each_damage_of_runs_is_named, LT_DISK},
    {"each value that is none is named", each_value_that_is_none_is_named, LT_DISK},
    {"whatever runs may do is clean", whatever_runs_may_do_is_clean, 0},
    {"each damage of telemetry is named", each_damage_of_telemetry_is_named, LT_DISK},
    {"counts what it looked at", counts_what_it_looked_at, 0},
    {"rollups", rollups, LT_DISK},
    {"the total of a run", the_total_of_a_run, LT_DISK},
    {"a page of the file", a_page_of_the_file, LT_DISK},
};

LT_MAIN("verify", cases)
