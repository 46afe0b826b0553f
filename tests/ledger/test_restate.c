/* SPDX-License-Identifier: Apache-2.0 */
/* What the ingest room may do with steps that came from telemetry or transcripts: restate them when the
 * source says more, and fold one into another.
 */
#include "tests/lib/lt.h"

static sw_step imported(lt *t, unsigned n)
{
    sw_step s = lt_step(t, n);
    s.source = sw_int_of(SW_SOURCE_OTLP);
    return s;
}

/* By the same source, as all restatements are. */
static sw_outcome restate(lt *t, const sw_step *step)
{
    sw_step_entry e = {.step = *step};
    sw_outcome o;
    e.step.source = sw_int_of(SW_SOURCE_OTLP);
    OK(sw_step_restate(t->ledger, &t->a, &e, &o, &t->err));
    return o;
}

static void restating_replaces_what_is_said(lt *t)
{
    sw_step s = imported(t, 1), more = {.id = s.id}, out;
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_str first = lt_run(t, &t->a, 1, agent), second = lt_run(t, &t->a, 2, agent);
    s.run_id = first;
    s.tags = SW_STR("[\"people\"]");
    s.feedback = sw_int_of(SW_FEEDBACK_POSITIVE);
    lt_log(t, &t->a, &s);
    more.source = sw_int_of(SW_SOURCE_OTLP);
    more.status = sw_int_of(SW_STEP_STATUS_FAILED);
    more.run_id = second;
    more.prompt_tokens = sw_int_of(1000);
    more.completion_tokens = sw_int_of(1);
    more.model = SW_STR("m2");
    VERDICT(restate(t, &more), UPDATED);
    out = lt_get(t, &t->a, s.id);
    SAME(out.status.value, SW_STEP_STATUS_FAILED);
    SAME(out.total_tokens.value, 1001);
    TEXT(out.run_id, second.ptr);
    TEXT(out.model, "m2");
    TEXT(out.tags, "[\"people\"]");
    SAME(out.feedback.value, SW_FEEDBACK_POSITIVE);
    SAME(out.created_at.value, s.created_at.value);
    SAME(lt_run_metrics(t, &t->a, first).num_steps.value, 0);
    SAME(lt_run_metrics(t, &t->a, first).total_tokens.value, 0);
    SAME(lt_run_metrics(t, &t->a, second).total_tokens.value, 1001);
    SAME(lt_total(t, &t->a).total_tokens, 1001);
    SAME(lt_total(t, &t->a).failed_steps, 1);
    CLEAN();
}

/* Only feedback and tags are people's; every other field follows the source. */
static void restating_reaches_every_other_field(lt *t)
{
    static const int texts[] = {
        SW_STEP_ORIGIN,     SW_STEP_PROVIDER_NAME,  SW_STEP_PROVIDER_CATEGORY,
        SW_STEP_MODEL,      SW_STEP_MODEL_ENDPOINT, SW_STEP_STOP_REASON,
        SW_STEP_TID,        SW_STEP_REQUEST_ID,     SW_STEP_ERROR_TYPE,
        SW_STEP_PROJECT_ID, SW_STEP_MODEL_HANDLE,   SW_STEP_PARENT_STEP_ID,
        SW_STEP_END_USER,   SW_STEP_INPUT_PREVIEW,  SW_STEP_OUTPUT_PREVIEW,
        SW_STEP_PRICE_ID};
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        sw_step s = imported(t, i), more = {.id = s.id}, from = {.id = s.id}, out;
        sw_str word = texts[i] == SW_STEP_STOP_REASON ? SW_STR("error") : lt_id(t, "step", 4711);
        size_t at = row_kind_of(SW_RECORD_STEP)->fields[texts[i]].offset;
        s.stop_reason = s.tid = SW_NULL_STR;
        memcpy((char *)&from + at, &word, sizeof word);
        row_set(SW_RECORD_STEP, &more, texts[i], &from);
        lt_log(t, &t->a, &s);
        if (restate(t, &more).verdict != SW_VERDICT_UPDATED) {
            SAY("%s is not restated", row_kind_of(SW_RECORD_STEP)->fields[texts[i]].name);
        }
        out = lt_get(t, &t->a, s.id);
        TEXT(row_text(SW_RECORD_STEP, &out, texts[i]), word.ptr);
    }
    CLEAN();
}

static void restating_the_same_changes_nothing(lt *t)
{
    sw_step s = imported(t, 1);
    int64_t head = 0;
    lt_log(t, &t->a, &s);
    head = lt_head(t, &t->a);
    VERDICT(restate(t, &s), UNCHANGED);
    VERDICT(restate(t, &s), UNCHANGED);
    SAME(lt_head(t, &t->a), head);
}

static void restating_creates_what_is_not_there(lt *t)
{
    sw_step s = imported(t, 1), more = {.id = s.id};
    lt_rows journal;
    VERDICT(restate(t, &s), CREATED);
    VERDICT(restate(t, &s), UNCHANGED);
    more.end_user = SW_STR("ann");
    VERDICT(restate(t, &more), UPDATED);
    journal = lt_journal(t, &t->a, 0);
    SAME(((const sw_journal *)journal.at[journal.count - 1])->what.value, SW_CHANGE_RESTATED);
    SAME(lt_total(t, &t->a).num_steps, 1);
}

static void what_the_api_wrote_is_not_restated(lt *t)
{
    const int64_t sources[] = {SW_SOURCE_API, SW_SOURCE_ADOPTED};
    for (unsigned i = 0; i < 2; i++) {
        sw_step s = lt_step(t, i), target = imported(t, 100 + i);
        sw_step_entry e = {.step = {.id = s.id, .end_user = SW_STR("x")}};
        sw_outcome o;
        s.source = sw_int_of(sources[i]);
        lt_log(t, &t->a, &s);
        lt_log(t, &t->a, &target);
        e.step.source = sw_int_of(SW_SOURCE_OTLP);
        CHECK(sw_step_restate(t->ledger, &t->a, &e, &o, &t->err) != SW_STATUS_OK);
        CHECK(o.verdict == SW_VERDICT_CONFLICT || o.verdict == SW_VERDICT_REJECTED);
        CHECK(sw_step_retire(t->ledger, &t->a, s.id, target.id, &o, &t->err) != SW_STATUS_OK);
        CHECK(!lt_get(t, &t->a, s.id).end_user.ptr);
        CHECK(!lt_get(t, &t->a, s.id).retired_into.ptr);
    }
    SAME(lt_total(t, &t->a).num_steps, 4);
    CLEAN();
}

static void restating_can_end_a_step(lt *t)
{
    sw_step s = imported(t, 1), more = {.id = s.id};
    s.status = sw_int_of(SW_STEP_STATUS_PENDING);
    lt_log(t, &t->a, &s);
    CHECK(lt_get(t, &t->a, s.id).lease_expires_at.known);
    more.status = sw_int_of(SW_STEP_STATUS_SUCCESS);
    VERDICT(restate(t, &more), UPDATED);
    CHECK(!lt_get(t, &t->a, s.id).lease_expires_at.known);
    lt_advance(t, 100000, 100000);
    OK(sw__ledger_reap(t->ledger, NULL, &t->err));
    SAME(lt_get(t, &t->a, s.id).status.value, SW_STEP_STATUS_SUCCESS);
    CLEAN();
}

static void restating_heals_what_did_not_add_up(lt *t)
{
    sw_step s = imported(t, 1), more = {.id = s.id};
    s.total_tokens = sw_int_of(99);
    lt_log(t, &t->a, &s);
    SAME(lt_get(t, &t->a, s.id).usage_state.value, SW_USAGE_STATE_INCONSISTENT);
    more.prompt_tokens = sw_int_of(90);
    more.completion_tokens = sw_int_of(9);
    more.total_tokens = sw_int_of(99);
    VERDICT(restate(t, &more), UPDATED);
    SAME(lt_get(t, &t->a, s.id).usage_state.value, SW_USAGE_STATE_REPORTED);
    SAME(lt_total(t, &t->a).usage_unknown, 0);
    CLEAN();
}

static void a_bad_restatement_changes_nothing(lt *t)
{
    sw_step s = imported(t, 1);
    sw_step_entry e = {.step = s};
    sw_outcome o;
    lt_log(t, &t->a, &s);
    e.step.end_user = SW_STR("new");
    e.step.run_id = lt_run(t, &t->b, 1, lt_agent(t, &t->b, 1));
    CHECK(sw_step_restate(t->ledger, &t->a, &e, &o, &t->err) != SW_STATUS_OK);
    NAMES(&t->err, "run_id");
    e.step.run_id = SW_NULL_STR;
    e.step.metadata = SW_STR("{");
    IS(SW_STATUS_INVALID, sw_step_restate(t->ledger, &t->a, &e, &o, &t->err));
    NAMES(&t->err, "metadata");
    CHECK(!lt_get(t, &t->a, s.id).end_user.ptr);
}

/* ---- retiring ----------------------------------------------------------------------------------- */

static void a_retired_step_is_in_no_list_and_no_sum(lt *t)
{
    sw_step s = imported(t, 1), into = imported(t, 2), out;
    sw_str run = lt_run(t, &t->a, 1, lt_agent(t, &t->a, 1));
    sw_step_metrics m = {.step_ns = sw_int_of(1000)};
    sw_step_entry e = {.step = s, .metrics = &m};
    sw_usage_query latency = {.latency = true};
    sw_outcome o;
    e.step.run_id = into.run_id = run;
    lt_log_entry(t, &t->a, &e);
    lt_log(t, &t->a, &into);
    SAME(lt_run_metrics(t, &t->a, run).num_steps.value, 2);
    OK(sw_step_retire(t->ledger, &t->a, s.id, into.id, &o, &t->err));
    VERDICT(o, UPDATED);
    out = lt_get(t, &t->a, s.id);
    TEXT(out.id, s.id.ptr);
    TEXT(out.retired_into, into.id.ptr);
    SAME(lt_list(t, &t->a, SW_RECORD_STEP, NULL).count, 1);
    SAME(lt_total(t, &t->a).num_steps, 1);
    SAME(lt_total(t, &t->a).total_tokens, 15);
    SAME(lt_run_metrics(t, &t->a, run).num_steps.value, 1);
    SAME(lt_run_metrics(t, &t->a, run).total_tokens.value, 15);
    SAME(lt_usage(t, &t->a, &latency).at[0].step_time.count, 0);
    OK(sw_step_retire(t->ledger, &t->a, s.id, into.id, &o, &t->err));
    VERDICT(o, UNCHANGED);
    CLEAN();
}

static void a_retired_step_counts_nowhere(lt *t)
{
    sw_step s = imported(t, 1), into = imported(t, 2);
    sw_list_query all = {.limit = -1};
    sw_list_end end;
    sw_outcome o;
    int64_t count = -1;
    lt_log(t, &t->a, &s);
    lt_log(t, &t->a, &into);
    OK(sw_step_retire(t->ledger, &t->a, s.id, into.id, &o, &t->err));
    OK(sw_count(t->ledger, &t->a, SW_RECORD_STEP, &all, &count, &end, &t->err));
    SAME(count, 1);
    OK(sw_step_delete(t->ledger, &t->a, into.id, &o, &t->err));
    SAME(lt_total(t, &t->a).num_steps, 0);
    CHECK(lt_there(t, &t->a, SW_RECORD_STEP, s.id));
    CLEAN();
}

static void retiring_needs_another_step(lt *t)
{
    sw_step s = imported(t, 1), foreign = imported(t, 2);
    sw_outcome o;
    lt_log(t, &t->a, &s);
    lt_log(t, &t->b, &foreign);
    CHECK(sw_step_retire(t->ledger, &t->a, s.id, s.id, &o, &t->err) != SW_STATUS_OK);
    CHECK(sw_step_retire(t->ledger, &t->a, s.id, lt_id(t, "step", 9), &o, &t->err) != SW_STATUS_OK);
    CHECK(sw_step_retire(t->ledger, &t->a, s.id, foreign.id, &o, &t->err) != SW_STATUS_OK);
    IS(SW_STATUS_NOT_FOUND,
       sw_step_retire(t->ledger, &t->a, lt_id(t, "step", 9), s.id, &o, &t->err));
    CHECK(!lt_get(t, &t->a, s.id).retired_into.ptr);
    SAME(lt_total(t, &t->a).num_steps, 1);
}

static void a_chain_of_retired_steps_makes_no_ring(lt *t)
{
    sw_step a = imported(t, 1), b = imported(t, 2);
    sw_outcome o;
    lt_log(t, &t->a, &a);
    lt_log(t, &t->a, &b);
    OK(sw_step_retire(t->ledger, &t->a, a.id, b.id, &o, &t->err));
    CHECK(sw_step_retire(t->ledger, &t->a, b.id, a.id, &o, &t->err) != SW_STATUS_OK);
    SAME(lt_total(t, &t->a).num_steps, 1);
    CLEAN();
}

/* The id of a survivor that was deleted is free; whoever takes it is not the step that the retired one meant. */
static void a_survivor_that_was_deleted_is_not_the_one_that_takes_its_id(lt *t)
{
    sw_step s = imported(t, 1), into = imported(t, 2), last = imported(t, 3);
    sw_outcome o;
    lt_log(t, &t->a, &s);
    lt_log(t, &t->a, &into);
    lt_log(t, &t->a, &last);
    OK(sw_step_retire(t->ledger, &t->a, s.id, into.id, &o, &t->err));
    OK(sw_step_delete(t->ledger, &t->a, into.id, &o, &t->err));
    CLEAN();
    lt_log(t, &t->a, &into);
    CLEAN();
    OK(sw_step_retire(t->ledger, &t->a, into.id, last.id, &o, &t->err));
    CLEAN();
}

static const lt_case cases[] = {
    {"restating replaces what is said", restating_replaces_what_is_said, 0},
    {"restating reaches every other field", restating_reaches_every_other_field, 0},
    {"restating the same changes nothing", restating_the_same_changes_nothing, 0},
    {"restating creates what is not there", restating_creates_what_is_not_there, 0},
    {"what the api wrote is not restated", what_the_api_wrote_is_not_restated, 0},
    {"restating can end a step", restating_can_end_a_step, LT_CLOCK},
    {"restating heals what did not add up", restating_heals_what_did_not_add_up, 0},
    {"a bad restatement changes nothing", a_bad_restatement_changes_nothing, 0},
    {"a retired step is in no list and no sum", a_retired_step_is_in_no_list_and_no_sum, 0},
    {"a retired step counts nowhere", a_retired_step_counts_nowhere, 0},
    {"retiring needs another step", retiring_needs_another_step, 0},
    {"a chain of retired steps makes no ring", a_chain_of_retired_steps_makes_no_ring, 0},
    {"a survivor that was deleted is not the one that takes its id",
     a_survivor_that_was_deleted_is_not_the_one_that_takes_its_id, 0},
};

LT_MAIN("restate", cases)
