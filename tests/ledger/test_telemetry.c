/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger keeps of telemetry: one write for all of it, whole or not at all, and the same again changes
 * nothing. Facts are those of telemetry.md E.5 to E.8.
 */
#include "ledger/telemetry.h"
#include "tests/lib/lt.h"

#include <stdio.h>
#include <string.h>

/* ---- making batches ------------------------------------------------------------------------------ */

static sw_step imported(lt *t, unsigned n)
{
    sw_step s = lt_step(t, n);
    s.source = sw_int_of(SW_SOURCE_OTLP);
    return s;
}

static sw_run a_run(lt *t, unsigned n, sw_str agent)
{
    return (sw_run){.id = lt_id(t, "run", n),
                    .agent_id = agent,
                    .source = sw_int_of(SW_SOURCE_OTLP),
                    .status = sw_int_of(SW_RUN_STATUS_RUNNING),
                    .created_at = sw_int_of(LT_TIME)};
}

static sw_str sixteen(lt *t, unsigned n)
{
    return pool_printf(t->pool, "unit-%011u", n);
}

/* Span `n` of the unit, ending at `end`. */
static sw_raw_item an_item(lt *t, sw_str unit, unsigned n, int64_t end, const char *body)
{
    return (sw_raw_item){.unit = unit,
                         .item = pool_printf(t->pool, "span%04u", n),
                         .signal = sw_int_of(SW_RAW_SIGNAL_SPAN),
                         .source_digest = SW_STR("source-of-spans!"),
                         .start_ns = sw_int_of(1000),
                         .end_ns = sw_int_of(end),
                         .attribute_count = sw_int_of(3),
                         .received_at = sw_int_of(LT_TIME + n),
                         .body = sw_str_from(body)};
}

static const sw_raw_source the_source = {.digest = {"source-of-spans!", 16},
                                         .body = {"resource", 8}};

static sw_status put(lt *t, sw_telemetry_batch *b)
{
    return sw_telemetry_write(t->ledger, &t->a, b, &t->err);
}

typedef struct found {
    pool *pool;
    sw_str at[64];
    size_t count;
} found;

static bool see_body(void *arg, const void *row)
{
    found *f = arg;
    sw_str body = ((const sw_raw_item *)row)->body;
    f->at[f->count++] = pool_str(f->pool, body);
    return true;
}

static found items_of(lt *t, sw_str unit)
{
    found f = {.pool = t->pool};
    OK(sw_telemetry_items(t->ledger, &t->a, SW_NULL_STR, unit, see_body, &f, &t->err));
    return f;
}

static bool count_one(void *arg, const void *row)
{
    (void)row;
    (*(size_t *)arg)++;
    return true;
}

/* ---- steps and runs ------------------------------------------------------------------------------ */

static void a_batch_is_written_once(lt *t)
{
    enum { N = 7 };
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_run run = a_run(t, 1, agent);
    sw_telemetry_step steps[N];
    sw_step_metrics m = {.step_ns = sw_int_of(1000)};
    sw_outcome o[N];
    sw_telemetry_batch b = {.runs = &run, .run_count = 1, .steps = steps, .step_count = N};
    int64_t head = 0;
    b.outcomes = o;
    for (unsigned i = 0; i < N; i++) {
        steps[i] = (sw_telemetry_step){.entry = {.step = imported(t, i), .metrics = &m}};
        steps[i].entry.step.run_id = run.id;
    }
    OK(put(t, &b));
    for (unsigned i = 0; i < N; i++) {
        VERDICT(o[i], CREATED);
        TEXT(sw_str_from(o[i].id), steps[i].entry.step.id.ptr);
    }
    SAME(lt_run_metrics(t, &t->a, run.id).num_steps.value, N);
    SAME(lt_run_metrics(t, &t->a, run.id).total_tokens.value, N * 15);
    head = lt_head(t, &t->a);
    OK(put(t, &b));
    for (unsigned i = 0; i < N; i++) {
        VERDICT(o[i], UNCHANGED);
    }
    SAME(lt_head(t, &t->a), head);
    steps[3].entry.step.prompt_tokens = sw_int_of(110);
    steps[3].entry.step.total_tokens = SW_NULL_INT;
    OK(put(t, &b));
    VERDICT(o[2], UNCHANGED);
    VERDICT(o[3], UPDATED);
    SAME(lt_run_metrics(t, &t->a, run.id).total_tokens.value, N * 15 + 100);
    CLEAN();
}

static void a_bad_item_keeps_all_out(lt *t)
{
    sw_telemetry_step steps[3];
    sw_outcome o[3];
    sw_raw_item item = an_item(t, sixteen(t, 1), 1, 5000, "b");
    sw_telemetry_batch b = {.sources = &the_source,
                            .source_count = 1,
                            .items = &item,
                            .item_count = 1,
                            .steps = steps,
                            .step_count = 3,
                            .outcomes = o};
    int64_t head = lt_head(t, &t->a);
    for (unsigned i = 0; i < 3; i++) {
        steps[i] = (sw_telemetry_step){.entry = {.step = imported(t, i)}};
    }
    steps[2].entry.step.run_id = lt_id(t, "run", 77);
    IS(SW_STATUS_INVALID, put(t, &b));
    NAMES(&t->err, "run_id");
    for (unsigned i = 0; i < 3; i++) {
        CHECK(o[i].status != SW_STATUS_OK);
        CHECK(!lt_there(t, &t->a, SW_RECORD_STEP, steps[i].entry.step.id));
    }
    SAME(items_of(t, item.unit).count, 0);
    SAME(lt_head(t, &t->a), head);
    steps[2].entry.step.run_id = SW_NULL_STR;
    OK(put(t, &b));
    SAME(items_of(t, item.unit).count, 1);
    SAME(lt_total(t, &t->a).num_steps, 3);
    CLEAN();
}

static void a_run_only_goes_forward_but_for_silence(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_run run = a_run(t, 1, agent), out;
    sw_telemetry_batch b = {.runs = &run, .run_count = 1};
    OK(put(t, &b));
    run.status = sw_int_of(SW_RUN_STATUS_COMPLETED); /* by silence */
    run.completed_at = sw_int_of(LT_TIME + 10);
    OK(put(t, &b));
    SAME(lt_get_run(t, &t->a, run.id).status.value, SW_RUN_STATUS_COMPLETED);
    CLEAN();
    run.status = sw_int_of(SW_RUN_STATUS_RUNNING);
    run.completed_at = SW_NULL_INT;
    OK(put(t, &b));
    out = lt_get_run(t, &t->a, run.id);
    SAME(out.status.value, SW_RUN_STATUS_RUNNING);
    CHECK(!out.completed_at.known && !out.total_duration_ns.known);
    CLEAN();
    run.status = sw_int_of(SW_RUN_STATUS_FAILED);
    run.stop_reason = SW_STR("error");
    run.created_at = sw_int_of(LT_TIME - 5);
    OK(put(t, &b));
    run.status = sw_int_of(SW_RUN_STATUS_RUNNING);
    run.stop_reason = SW_NULL_STR;
    run.created_at = sw_int_of(LT_TIME + 5);
    OK(put(t, &b));
    out = lt_get_run(t, &t->a, run.id);
    SAME(out.status.value, SW_RUN_STATUS_FAILED);
    TEXT(out.stop_reason, "error");
    SAME(out.created_at.value, LT_TIME - 5);
    CLEAN();
}

static void agents_and_conversations_are_registered(lt *t)
{
    sw_str name = SW_STR("planner");
    sw_outcome o, known;
    sw_run run;
    sw_telemetry_step step = {.entry = {.step = imported(t, 1)}};
    sw_telemetry_batch b = {.agents = &name,
                            .agent_count = 1,
                            .runs = &run,
                            .run_count = 1,
                            .steps = &step,
                            .step_count = 1,
                            .outcomes = &o};
    char id[SW_ID_MAX];
    OK(sw_agent_by_name(t->ledger, &t->a, SW_NULL_STR, name, &known, &t->err));
    run = a_run(t, 1, sw_str_from(known.id));
    run.conversation_id = step.entry.step.conversation_id = SW_STR("session 42");
    step.entry.step.run_id = run.id;
    OK(put(t, &b));
    sw_telemetry_conversation_id(&t->a, SW_NULL_STR, SW_STR("session 42"), id);
    TEXT(lt_get_run(t, &t->a, run.id).conversation_id, id);
    TEXT(lt_get(t, &t->a, step.entry.step.id).conversation_id, id);
    CHECK(lt_there(t, &t->a, SW_RECORD_CONVERSATION, sw_str_from(id)));
    OK(put(t, &b));
    VERDICT(o, UNCHANGED);
    CLEAN();
}

/* A trace is computed as a whole: who and where a step is according to less of it is not so any more. */
static void what_is_not_said_again_of_agent_and_conversation_goes(lt *t)
{
    sw_str name = SW_STR("planner");
    sw_outcome o, known;
    sw_telemetry_step step = {.entry = {.step = imported(t, 1)}};
    sw_telemetry_batch b = {
        .agents = &name, .agent_count = 1, .steps = &step, .step_count = 1, .outcomes = &o};
    OK(sw_agent_by_name(t->ledger, &t->a, SW_NULL_STR, name, &known, &t->err));
    step.entry.step.agent_id = pool_str(t->pool, sw_str_from(known.id));
    step.entry.step.conversation_id = SW_STR("session 42");
    OK(put(t, &b));
    CHECK(lt_get(t, &t->a, step.entry.step.id).agent_id.ptr);
    CHECK(lt_get(t, &t->a, step.entry.step.id).conversation_id.ptr);
    step.entry.step.agent_id = step.entry.step.conversation_id = SW_NULL_STR;
    OK(put(t, &b));
    VERDICT(o, UPDATED);
    CHECK(!lt_get(t, &t->a, step.entry.step.id).agent_id.ptr);
    CHECK(!lt_get(t, &t->a, step.entry.step.id).conversation_id.ptr);
    SAME(lt_total(t, &t->a).num_steps, 1);
    CLEAN();
}

/* ---- folds --------------------------------------------------------------------------------------- */

static void a_fold_stays_in_any_order(lt *t)
{
    sw_telemetry_step steps[2] = {{.entry = {.step = imported(t, 1)}},
                                  {.entry = {.step = imported(t, 2)}}};
    sw_telemetry_fold fold = {steps[0].entry.step.id, steps[1].entry.step.id, NULL};
    sw_outcome o[2];
    sw_telemetry_batch with = {
        .steps = &steps[1], .step_count = 1, .outcomes = o, .folds = &fold, .fold_count = 1};
    sw_telemetry_batch wrapper = {.steps = steps, .step_count = 1, .outcomes = o};
    sw_str into = SW_NULL_STR;
    OK(put(t, &with)); /* before the wrapper came */
    OK(put(t, &wrapper));
    VERDICT(o[0], UNCHANGED);
    SAME(lt_total(t, &t->a).num_steps, 1);
    OK(sw_telemetry_alias(t->ledger, &t->a, SW_NULL_STR, SW_STR("merged"), steps[0].entry.step.id,
                          NULL, t->memory, &into, &t->err));
    TEXT(into, steps[1].entry.step.id.ptr);
    CLEAN();
    steps[0].entry.step.id = lt_id(t, "step", 5); /* and after */
    fold.step_id = steps[0].entry.step.id;
    OK(put(t, &wrapper));
    VERDICT(o[0], CREATED);
    OK(put(t, &with));
    SAME(lt_total(t, &t->a).num_steps, 1);
    OK(put(t, &wrapper));
    VERDICT(o[0], UNCHANGED);
    TEXT(lt_get(t, &t->a, fold.step_id).retired_into, steps[1].entry.step.id.ptr);
    SAME(lt_total(t, &t->a).num_steps, 1);
    CLEAN();
}

static void is_filled(lt *t, sw_str id, bool yes)
{
    sw_step s = lt_get(t, &t->a, id);
    SAME(lt_metrics(t, &t->a, id).ttft_ns.value, yes ? 700 : 0);
    SAME(s.cost_nano_usd.value, yes ? 5000 : 0);
    SAME(s.context_window_limit.value, yes ? 200000 : 0);
    if (yes) {
        TEXT(s.service_tier, "priority");
        TEXT(s.end_user, "somebody");
        SAME(s.cost_source.value, SW_COST_SOURCE_CALLER);
    }
    TEXT(s.provider_name, "said by the better"); /* what both know is as the better has it */
}

/* Whether the journal tells of the step's timings behind that number. */
static bool timings_are_told(lt *t, int64_t after, sw_str id)
{
    lt_rows rows = lt_journal(t, &t->a, after);
    for (size_t i = 0; i < rows.count; i++) {
        const sw_journal *entry = rows.at[i];
        if (entry->what.value == SW_CHANGE_METRICS && sw_str_eq(entry->record_id, id)) {
            return true;
        }
    }
    return false;
}

/* What the better telling of two leaves out is that of the other, whether that was written first or only told with the
 * fold; and it stays when the better one is told again. */
static void a_fold_fills_what_is_missing(lt *t)
{
    for (unsigned written = 0; written < 2; written++) {
        const sw_step_metrics began = {.step_start_ns = sw_int_of(1000)};
        const sw_step_metrics timed = {.step_start_ns = sw_int_of(1000), .ttft_ns = sw_int_of(700)};
        sw_telemetry_step better = {
            .entry = {.step = imported(t, 1 + 2 * written), .metrics = &began}};
        sw_telemetry_step other = {
            .entry = {.step = imported(t, 2 + 2 * written), .metrics = &timed}};
        sw_telemetry_fold fold = {other.entry.step.id, better.entry.step.id,
                                  written ? NULL : &other.entry};
        sw_outcome o[1];
        sw_telemetry_batch one = {.steps = &better, .step_count = 1, .outcomes = o};
        sw_telemetry_batch two = {.steps = &other, .step_count = 1, .outcomes = o};
        sw_telemetry_batch both = {.folds = &fold, .fold_count = 1};
        better.entry.step.provider_name = SW_STR("said by the better");
        other.entry.step.provider_name = SW_STR("said by the other");
        other.entry.step.service_tier = SW_STR("priority");
        other.entry.step.end_user = SW_STR("somebody");
        other.entry.step.context_window_limit = sw_int_of(200000);
        other.entry.step.cost_nano_usd = sw_int_of(5000);
        OK(put(t, &one));
        if (written) {
            OK(put(t, &two));
        }
        is_filled(t, better.entry.step.id, false);
        int64_t head = lt_head(t, &t->a);
        OK(put(t, &both));
        is_filled(t, better.entry.step.id, true);
        CHECK(timings_are_told(t, head, better.entry.step.id));
        OK(put(t, &one));
        VERDICT(o[0], UNCHANGED);
        better.entry.step.model = SW_STR("it says more now");
        OK(put(t, &one));
        VERDICT(o[0], UPDATED);
        is_filled(t, better.entry.step.id, true);
        CLEAN();
    }
}

static void a_fold_fills_nobody_elses_step(lt *t)
{
    sw_telemetry_step theirs = {.entry = {.step = imported(t, 1)}};
    sw_step_entry told = {.step = imported(t, 2)};
    sw_telemetry_fold fold = {told.step.id, theirs.entry.step.id, &told};
    sw_outcome o[1];
    sw_telemetry_batch one = {.steps = &theirs, .step_count = 1, .outcomes = o};
    sw_telemetry_batch of_others = {.folds = &fold, .fold_count = 1};
    sw_str into;
    told.step.service_tier = SW_STR("priority");
    OK(put(t, &one));
    OK(sw_telemetry_write(t->ledger, &t->b, &of_others, &t->err));
    CHECK(!lt_get(t, &t->a, theirs.entry.step.id).service_tier.ptr);
    IS(SW_STATUS_NOT_FOUND, sw_telemetry_alias(t->ledger, &t->b, SW_NULL_STR, SW_STR("merged"),
                                               told.step.id, NULL, t->memory, &into, &t->err));
    CLEAN();
}

/* What a source says of a step as `name:value` follows it when it says otherwise; what people added stays. */
static void tags_follow_what_is_said(lt *t)
{
    static const struct {
        const char *said;
        const char *then;
    } rows[] = {
        {"[\"cwd:/b\",\"branch:x\",\"version:1\"]",
         "[\"cwd:/b\",\"branch:x\",\"version:1\",\"mine\",\"a:b\"]"},
        {"[\"cwd:/b\"]", "[\"cwd:/b\",\"branch:x\",\"version:1\",\"mine\",\"a:b\"]"},
        {"[\"mine\",\"a:\\\"\"]", "[\"mine\",\"a:\\\"\",\"cwd:/b\",\"branch:x\",\"version:1\"]"},
        {"[]", "[\"mine\",\"a:\\\"\",\"cwd:/b\",\"branch:x\",\"version:1\"]"}};
    sw_telemetry_step step = {.entry = {.step = imported(t, 1)}};
    sw_outcome o[1];
    sw_telemetry_batch one = {.steps = &step, .step_count = 1, .outcomes = o};
    step.entry.step.tags = SW_STR("[\"cwd:/a\",\"mine\",\"a:b\"]");
    OK(put(t, &one));
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        step.entry.step.tags = sw_str_from(rows[i].said);
        OK(put(t, &one));
        TEXT(lt_get(t, &t->a, step.entry.step.id).tags, rows[i].then);
    }
    OK(put(t, &one));
    VERDICT(o[0], UNCHANGED);
    CLEAN();
}

/* ---- raw items ----------------------------------------------------------------------------------- */

static void of_two_items_the_later_or_richer_stays(lt *t)
{
    sw_str unit = sixteen(t, 1);
    sw_raw_item item = an_item(t, unit, 1, 5000, "first");
    bool there = true;
    sw_telemetry_batch b = {
        .sources = &the_source, .source_count = 1, .items = &item, .item_count = 1};
    b.item_was_there = &there;
    OK(put(t, &b));
    CHECK(!there);
    OK(put(t, &b)); /* the very same */
    CHECK(there);
    item.body = SW_STR("poorer");
    item.attribute_count = sw_int_of(2);
    OK(put(t, &b));
    CHECK(there);
    item.body = SW_STR("richer");
    item.attribute_count = sw_int_of(4);
    OK(put(t, &b));
    CHECK(!there);
    item.body = SW_STR("older");
    item.end_ns = sw_int_of(4000);
    OK(put(t, &b));
    CHECK(there);
    item.body = SW_STR("later");
    item.end_ns = sw_int_of(6000);
    item.attribute_count = sw_int_of(1);
    OK(put(t, &b));
    SAME(items_of(t, unit).count, 1);
    TEXT(items_of(t, unit).at[0], "later");
    CLEAN();
}

static void two_services_with_one_id_are_both_kept(lt *t)
{
    sw_str unit = sixteen(t, 1);
    sw_raw_source sources[2] = {the_source,
                                {.digest = SW_STR("another source!!"), .body = SW_STR("other")}};
    sw_raw_item items[2] = {an_item(t, unit, 1, 5000, "one"), an_item(t, unit, 1, 9000, "two")};
    sw_telemetry_batch b = {.sources = sources, .source_count = 2, .items = items, .item_count = 2};
    items[1].source_digest = sources[1].digest;
    items[1].start_ns = sw_int_of(INT64_C(3000000000));
    OK(put(t, &b));
    OK(put(t, &b));
    SAME(items_of(t, unit).count, 2);
    CLEAN();
}

static void an_item_needs_its_source(lt *t)
{
    sw_raw_item item = an_item(t, sixteen(t, 1), 1, 5000, "b");
    sw_telemetry_batch b = {.items = &item, .item_count = 1};
    IS(SW_STATUS_INVALID, put(t, &b));
    NAMES(&t->err, "source_digest");
    SAME(items_of(t, item.unit).count, 0);
    CLEAN();
}

static void marks_last_until_all_is_computed(lt *t)
{
    sw_str unit = sixteen(t, 1);
    sw_raw_item item = an_item(t, unit, 1, 5000, "b");
    sw_raw_trace mark = {.unit = unit, .marked_at = sw_int_of(LT_TIME)}, out;
    sw_telemetry_batch b = {.sources = &the_source,
                            .source_count = 1,
                            .items = &item,
                            .item_count = 1,
                            .marks = &mark,
                            .mark_count = 1};
    sw_telemetry_batch computed = {.marks = &mark, .mark_count = 1};
    size_t marked = 0;
    OK(put(t, &b));
    OK(sw_telemetry_marked(t->ledger, 0, 10, count_one, &marked, &t->err));
    SAME(marked, 1);
    OK(sw_telemetry_unit(t->ledger, &t->a, SW_NULL_STR, unit, t->memory, &out, &t->err));
    SAME(out.items.value, 1);
    item = an_item(t, unit, 2, 5000, "c"); /* comes while the first is computed */
    OK(put(t, &b));
    mark = (sw_raw_trace){.unit = unit, .last_at = out.last_at};
    OK(put(t, &computed));
    marked = 0;
    OK(sw_telemetry_marked(t->ledger, 0, 10, count_one, &marked, &t->err));
    SAME(marked, 1);
    mark.last_at = sw_int_of(LT_TIME + 2);
    OK(put(t, &computed));
    marked = 0;
    OK(sw_telemetry_marked(t->ledger, 0, 10, count_one, &marked, &t->err));
    SAME(marked, 0);
    CLEAN();
}

static void the_oldest_items_are_pruned_in_pieces(lt *t)
{
    enum { UNITS = 3, EACH = 10 };
    sw_raw_item items[UNITS * EACH];
    sw_telemetry_batch b = {
        .sources = &the_source, .source_count = 1, .items = items, .item_count = UNITS * EACH};
    sw_raw_trace out;
    sw_raw_source source;
    int64_t removed = 0, all = 0;
    bool left = true;
    for (unsigned i = 0; i < UNITS * EACH; i++) {
        items[i] = an_item(t, sixteen(t, i / EACH), i, 5000, "0123456789");
    }
    OK(put(t, &b));
    while (left) { /* the first unit, and half of the second */
        OK(sw_telemetry_prune(t->ledger, LT_TIME + EACH + 5, 0, 4, &removed, &left, &t->err));
        CHECK(removed <= 4);
        all += removed;
        CLEAN();
    }
    SAME(all, EACH + 5);
    SAME(items_of(t, sixteen(t, 0)).count, 0);
    SAME(items_of(t, sixteen(t, 1)).count, 5);
    SAME(items_of(t, sixteen(t, 2)).count, EACH);
    OK(sw_telemetry_unit(t->ledger, &t->a, SW_NULL_STR, sixteen(t, 0), t->memory, &out, &t->err));
    SAME(out.frozen.value, 1);
    SAME(out.items.value, 0);
    OK(sw_telemetry_prune(t->ledger, 0, 35, 100, &removed, &left, &t->err)); /* bytes */
    SAME(removed, 15 - 3);
    OK(sw_telemetry_source(t->ledger, &t->a, the_source.digest, t->memory, &source, &t->err));
    SAME(source.items.value, 3);
    OK(sw_telemetry_prune(t->ledger, LT_TIME * 2, 0, 100, &removed, &left, &t->err));
    SAME(removed, 3);
    IS(SW_STATUS_NOT_FOUND,
       sw_telemetry_source(t->ledger, &t->a, the_source.digest, t->memory, &source, &t->err));
    CLEAN();
}

/* What is frozen is never computed again: its mark would stand for ever before those of others. */
static void what_is_frozen_is_not_marked(lt *t)
{
    sw_str unit = sixteen(t, 1);
    sw_raw_item items[] = {an_item(t, unit, 1, 5000, "b"), an_item(t, unit, 2, 5000, "b")};
    const sw_raw_trace mark = {.unit = unit, .marked_at = sw_int_of(LT_TIME)};
    sw_telemetry_batch b = {.sources = &the_source,
                            .source_count = 1,
                            .items = items,
                            .item_count = 1,
                            .marks = &mark,
                            .mark_count = 1};
    int64_t removed = 0;
    size_t marked = 0;
    bool left = false;
    OK(put(t, &b));
    OK(sw_telemetry_marked(t->ledger, 0, 10, count_one, &marked, &t->err));
    SAME(marked, 1);
    OK(sw_telemetry_prune(t->ledger, LT_TIME * 2, 0, 100, &removed, &left, &t->err));
    SAME(removed, 1);
    marked = 0;
    OK(sw_telemetry_marked(t->ledger, 0, 10, count_one, &marked, &t->err));
    SAME(marked, 0);
    b.items = items + 1; /* late */
    OK(put(t, &b));
    OK(sw_telemetry_marked(t->ledger, 0, 10, count_one, &marked, &t->err));
    SAME(marked, 0);
    CLEAN();
}

static void nobody_sees_anothers_items(lt *t)
{
    sw_str unit = sixteen(t, 1);
    sw_raw_item item = an_item(t, unit, 1, 5000, "b");
    sw_telemetry_batch b = {
        .sources = &the_source, .source_count = 1, .items = &item, .item_count = 1};
    sw_actor limited = t->a;
    sw_raw_source source;
    size_t seen = 0;
    limited.project_id = SW_STR("p");
    OK(put(t, &b));
    OK(sw_telemetry_items(t->ledger, &t->b, SW_NULL_STR, unit, count_one, &seen, &t->err));
    OK(sw_telemetry_items(t->ledger, &limited, SW_NULL_STR, unit, count_one, &seen, &t->err));
    SAME(seen, 0);
    IS(SW_STATUS_NOT_FOUND,
       sw_telemetry_source(t->ledger, &t->b, the_source.digest, t->memory, &source, &t->err));
}

static const lt_case cases[] = {
    {"a batch is written once", a_batch_is_written_once, 0},
    {"a bad item keeps all out", a_bad_item_keeps_all_out, 0},
    {"a run only goes forward but for silence", a_run_only_goes_forward_but_for_silence, 0},
    {"agents and conversations are registered", agents_and_conversations_are_registered, 0},
    {"what is not said again of agent and conversation goes",
     what_is_not_said_again_of_agent_and_conversation_goes, 0},
    {"a fold stays in any order", a_fold_stays_in_any_order, 0},
    {"a fold fills what is missing", a_fold_fills_what_is_missing, 0},
    {"a fold fills nobody else's step", a_fold_fills_nobody_elses_step, 0},
    {"tags follow what is said", tags_follow_what_is_said, 0},
    {"of two items the later or richer stays", of_two_items_the_later_or_richer_stays, 0},
    {"two services with one id are both kept", two_services_with_one_id_are_both_kept, 0},
    {"an item needs its source", an_item_needs_its_source, 0},
    {"marks last until all is computed", marks_last_until_all_is_computed, 0},
    {"the oldest items are pruned in pieces", the_oldest_items_are_pruned_in_pieces, 0},
    {"what is frozen is not marked", what_is_frozen_is_not_marked, 0},
    {"nobody sees another's items", nobody_sees_anothers_items, 0},
};

LT_MAIN("telemetry", cases)
