/* SPDX-License-Identifier: Apache-2.0 */
/* What steps were sent, and the messages of their conversation (telemetry.md E.9): each step gives back exactly what
 * it was sent, whoever came first; a conversation is shown once. What it costs in bytes is test_context_bytes.c.
 */
#include "tests/ledger/turns.h"

static sw_str conversation_id(lt *t, const char *key)
{
    char id[SW_ID_MAX];
    sw_telemetry_conversation_id(&t->a, SW_NULL_STR, sw_str_from(key), id);
    return pool_str(t->pool, sw_str_from(id));
}

/* Whose message says it: the step's number among the turns, -1: none, -2: two do. */
static int owner_of(const lt_rows *rows, turn **turns, size_t count, const char *text)
{
    int owner = -1;
    for (size_t i = 0; i < rows->count; i++) {
        const sw_message *m = rows->at[i];
        for (size_t k = 0; k < count && sw_str_eq(m->text, sw_str_from(text)); k++) {
            if (sw_str_eq(m->step_id, turns[k]->step.entry.step.id)) {
                owner = owner == -1 ? (int)k : -2;
            }
        }
    }
    return owner;
}

/* Each question once, the step's that was sent it first; each answer once, the step's that gave it. */
static void check_shown_once(lt *t, turn **turns, size_t count)
{
    sw_list_query all = {.limit = -1};
    lt_rows rows = lt_list(t, &t->a, SW_RECORD_MESSAGE, &all);
    SAME(rows.count, 1 + 2 * count);
    SAME(owner_of(&rows, turns, count, "be brief"), 0);
    for (unsigned k = 0; k < count; k++) {
        SAME(owner_of(&rows, turns, count, question(t, k)), k);
        if (k % 5 != 4) {
            SAME(owner_of(&rows, turns, count, answer(t, k)), k);
        }
    }
}

/* ---- the cases ----------------------------------------------------------------------------------- */

static void each_step_gives_back_what_it_was_sent(lt *t)
{
    enum { TURNS = 40 };
    turn *turns[TURNS];
    for (unsigned k = 0; k < TURNS; k++) {
        turns[k] = a_turn(t, k, SW_STR("session"));
        put(t, &turns[k], 1);
        VERDICT(turns[k]->outcome, CREATED);
    }
    for (unsigned k = 0; k < TURNS; k++) {
        check_turn(t, turns[k]);
        CHECK(!lt_get(t, &t->a, turns[k]->step.entry.step.id).metadata.ptr);
    }
    check_shown_once(t, turns, TURNS);
    CLEAN();
    put(t, turns, TURNS); /* the same again, all at once */
    for (unsigned k = 0; k < TURNS; k++) {
        VERDICT(turns[k]->outcome, UNCHANGED);
        check_turn(t, turns[k]);
    }
    check_shown_once(t, turns, TURNS);
    CLEAN();
}

/* Any order, any split, any repetition. */
static void the_order_does_not_matter(lt *t)
{
    enum { TURNS = 24 };
    lt_rng rng = lt_seed("context order");
    for (int64_t round = 0; round < lt_level(2, 8, 60); round++) {
        turn *turns[TURNS], *mixed[2 * TURNS];
        size_t count = 0;
        lt_organization(t, &t->operator_, (unsigned)(0x100 + round));
        t->a = lt_actor(t, (unsigned)(0x100 + round));
        for (unsigned k = 0; k < TURNS; k++) {
            turns[k] = a_turn(t, k, SW_STR("session"));
            turns[k]->step.entry.step.id = lt_id(t, "step", (unsigned)(1 + round) * 0x1000 + k);
            mixed[count++] = turns[k];
            if (lt_one_in(&rng, 4)) {
                mixed[count++] = turns[k];
            }
        }
        for (size_t i = count; i > 1; i--) {
            size_t j = lt_below(&rng, (unsigned)i);
            turn *other = mixed[j];
            mixed[j] = mixed[i - 1];
            mixed[i - 1] = other;
        }
        for (size_t at = 0; at < count;) { /* a step once in a batch */
            size_t n = 1;
            while (at + n < count && n < 6 && !lt_one_in(&rng, 3)) {
                bool twice = false;
                for (size_t i = 0; i < n; i++) {
                    twice = twice || mixed[at + i] == mixed[at + n];
                }
                if (twice) {
                    break;
                }
                n++;
            }
            put(t, mixed + at, n);
            at += n;
        }
        for (unsigned k = 0; k < TURNS; k++) {
            check_turn(t, turns[k]);
        }
        check_shown_once(t, turns, TURNS);
        CLEAN();
    }
}

static void a_rewritten_history_is_marked(lt *t)
{
    turn *one = a_turn(t, 5, SW_STR("s")), *two = a_turn(t, 7, SW_STR("s"));
    sw_message shorter[3];
    sw_step out;
    put(t, &one, 1);
    shorter[0] = two->input[0];
    shorter[1] = says(t, SW_MESSAGE_ROLE_USER, "what was said so far, in short");
    shorter[2] = one->input[one->count - 1];
    two->input = shorter;
    two->step.input = shorter;
    two->count = two->step.input_count = 3;
    two->step.entry.step.metadata = SW_STR("{\"a\": 1}");
    put(t, &two, 1);
    out = lt_get(t, &t->a, two->step.entry.step.id);
    TEXT(out.metadata, "{\"a\":1,\"history_rewritten\":true}");
    check_turn(t, one);
    check_turn(t, two);
    put(t, &two, 1);
    VERDICT(two->outcome, UNCHANGED);
    CLEAN();
}

static void deleting_a_step_leaves_the_others_whole(lt *t)
{
    enum { TURNS = 20 };
    turn *turns[TURNS];
    sw_outcome o;
    for (unsigned k = 0; k < TURNS; k++) {
        turns[k] = a_turn(t, k, SW_STR("session"));
    }
    put(t, turns, TURNS);
    for (unsigned k = 0; k < TURNS; k += 3) {
        OK(sw_step_delete(t->ledger, &t->a, turns[k]->step.entry.step.id, &o, &t->err));
        CLEAN();
    }
    for (unsigned k = 0; k < TURNS; k++) {
        if (k % 3) {
            check_turn(t, turns[k]);
        } else {
            heard h = {.pool = t->pool};
            IS(SW_STATUS_NOT_FOUND,
               sw_step_context_read(t->ledger, &t->a, turns[k]->step.entry.step.id, true, hear, &h,
                                    &t->err));
        }
    }
    for (unsigned k = 0; k < TURNS; k++) {
        if (k % 3) {
            OK(sw_step_delete(t->ledger, &t->a, turns[k]->step.entry.step.id, &o, &t->err));
        }
    }
    CLEAN();
}

static void what_is_said_otherwise_replaces_what_was_said(lt *t)
{
    turn *one = a_turn(t, 3, SW_STR("s")), *two = a_turn(t, 4, SW_STR("s"));
    turn *both[2] = {one, two};
    put(t, both, 2);
    one->output = says(t, SW_MESSAGE_ROLE_ASSISTANT, "a longer answer");
    one->input[1] = says(t, SW_MESSAGE_ROLE_USER, "another first question");
    put(t, &one, 1);
    check_turn(t, one);
    check_turn(t, two);
    CLEAN();
}

/* A batch that says of some steps otherwise what they were sent, and of others that they were sent what those were
 * said to be sent before. */
static void what_is_replaced_is_nobodys_beginning(lt *t)
{
    enum { TURNS = 40 };
    lt_rng rng = lt_seed("context replaced");
    for (int64_t round = 0; round < lt_level(3, 10, 50); round++) {
        turn *turns[TURNS], *together[TURNS];
        unsigned first = 1 + lt_below(&rng, TURNS - 1);
        size_t count = 0;
        lt_organization(t, &t->operator_, (unsigned)(0x100 + round));
        t->a = lt_actor(t, (unsigned)(0x100 + round));
        for (unsigned k = 0; k < TURNS; k++) {
            sw_step *step = NULL;
            turns[k] = a_turn(t, k, SW_STR("session"));
            step = &turns[k]->step.entry.step;
            step->id = lt_id(t, "step", (unsigned)(1 + round) * 0x1000 + k);
            if (lt_one_in(&rng, 4)) { /* clocks differ */
                step->created_at.value -= 1000000 * (int64_t)lt_below(&rng, 100);
            }
            if (k < first) {
                put(t, &turns[k], 1);
            }
        }
        for (unsigned k = 0; k < TURNS; k++) {
            if (k < first && lt_one_in(&rng, 3)) {
                turns[k]->input[lt_below(&rng, (unsigned)turns[k]->count)] =
                    says(t, SW_MESSAGE_ROLE_USER, "something else");
                together[count++] = turns[k];
            } else if (k >= first) {
                together[count++] = turns[k];
            }
        }
        put(t, together, count);
        for (unsigned k = 0; k < TURNS; k++) {
            check_turn(t, turns[k]);
        }
        CLEAN();
    }
}

/* A step that is told at once knows neither its conversation nor its run; the messages follow it. */
static void a_step_changes_its_conversation(lt *t)
{
    turn *one = a_turn(t, 0, SW_NULL_STR), *again = a_turn(t, 0, SW_STR("s"));
    turn *next = a_turn(t, 1, SW_STR("s"));
    turn *turns[2] = {again, next};
    put(t, &one, 1);
    put(t, &next, 1);
    put(t, &again, 1);
    VERDICT(again->outcome, UPDATED);
    check_turn(t, again);
    check_turn(t, next);
    check_shown_once(t, turns, 2);
    TEXT(lt_get(t, &t->a, again->step.entry.step.id).conversation_id, conversation_id(t, "s").ptr);
    CLEAN();
}

static void a_folded_step_shows_nothing_of_its_own(lt *t)
{
    turn *outer = a_turn(t, 0, SW_STR("s")), *inner = a_turn(t, 0, SW_STR("s"));
    sw_telemetry_fold fold;
    sw_outcome o;
    sw_telemetry_batch b = {
        .folds = &fold, .fold_count = 1, .steps = &inner->step, .step_count = 1, .outcomes = &o};
    inner->step.entry.step.id = lt_id(t, "step", 77);
    fold = (sw_telemetry_fold){outer->step.entry.step.id, inner->step.entry.step.id, NULL};
    put(t, &outer, 1);
    OK(sw_telemetry_write(t->ledger, &t->a, &b, &t->err));
    check_turn(t, inner);
    check_shown_once(t, &inner, 1);
    CLEAN();
    OK(sw_telemetry_write(t->ledger, &t->a, &b, &t->err));
    VERDICT(o, UNCHANGED);
    check_shown_once(t, &inner, 1);
    CLEAN();
}

/* What is said of it is passed over, and so it is no beginning for others. */
static void a_folded_step_is_nobodys_beginning(lt *t)
{
    turn *gone = a_turn(t, 1, SW_STR("s")), *survivor = a_turn(t, 0, SW_STR("other"));
    turn *next = a_turn(t, 2, SW_STR("s")), *both[2] = {gone, next};
    sw_telemetry_fold fold = {gone->step.entry.step.id, survivor->step.entry.step.id, NULL};
    sw_telemetry_batch b = {.folds = &fold, .fold_count = 1};
    put(t, &survivor, 1);
    put(t, &gone, 1);
    OK(sw_telemetry_write(t->ledger, &t->a, &b, &t->err));
    gone->input[0] = next->input[0] = says(t, SW_MESSAGE_ROLE_SYSTEM, "be long");
    put(t, both, 2);
    VERDICT(gone->outcome, UNCHANGED);
    check_turn(t, next);
    CLEAN();
}

/* Folded or not, another organization's step says nothing but that its id is not to be had. */
static void a_folded_step_of_others_is_not_available(lt *t)
{
    turn *gone = a_turn(t, 1, SW_STR("s")), *survivor = a_turn(t, 0, SW_STR("other"));
    sw_telemetry_fold fold = {gone->step.entry.step.id, survivor->step.entry.step.id, NULL};
    sw_telemetry_batch b = {.folds = &fold, .fold_count = 1};
    put(t, &survivor, 1);
    put(t, &gone, 1);
    OK(sw_telemetry_write(t->ledger, &t->a, &b, &t->err));
    for (size_t i = 0; i < 2; i++) {
        const turn *theirs = i ? gone : survivor;
        sw_outcome o;
        sw_telemetry_batch again = {.steps = &theirs->step, .step_count = 1, .outcomes = &o};
        IS(SW_STATUS_CONFLICT, sw_telemetry_write(t->ledger, &t->b, &again, &t->err));
        NAMES(&t->err, "not available");
        VERDICT(o, REJECTED);
    }
    CLEAN();
}

static void tools_are_those_of_the_run(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1), run = lt_run(t, &t->a, 1, agent);
    turn *one = a_turn(t, 0, SW_STR("s"));
    one->output.tool_calls = SW_STR("[{\"id\":\"c1\",\"function\":{\"name\":\"look_up\"}}]");
    one->step.entry.step.run_id = run;
    put(t, &one, 1);
    TEXT(lt_run_metrics(t, &t->a, run).tools_used, "[\"look_up\"]");
    one->output.tool_calls = SW_STR("[{\"id\":\"c1\",\"function\":{\"name\":\"search\"}}]");
    put(t, &one, 1);
    TEXT(lt_run_metrics(t, &t->a, run).tools_used, "[\"search\"]");
    CLEAN();
}

static void a_project_may_want_no_content(lt *t)
{
    sw_project project = {
        .id = lt_id(t, "project", 1), .name = SW_STR("secret"), .content_capture = sw_int_of(0)};
    turn *one = a_turn(t, 1, SW_STR("s"));
    sw_provider_trace trace = lt_trace(t, 1);
    sw_message message = lt_message(t, 5, "said");
    sw_step_entry plain = {.step = lt_step(t, 9),
                           .messages = &message,
                           .message_count = 1,
                           .traces = &trace,
                           .trace_count = 1};
    sw_list_query all = {.limit = -1};
    sw_step out;
    sw_outcome o;
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_PROJECT, &project, &o, &t->err));
    one->step.entry.step.project_id = plain.step.project_id = project.id;
    one->step.entry.step.input_preview = plain.step.output_preview = SW_STR("said");
    one->step.entry.traces = &trace;
    one->step.entry.trace_count = 1;
    put(t, &one, 1);
    lt_log_entry(t, &t->a, &plain);
    out = lt_get(t, &t->a, one->step.entry.step.id);
    SAME(out.total_tokens.value, 15);
    CHECK(!out.input_preview.ptr);
    CHECK(!lt_get(t, &t->a, plain.step.id).output_preview.ptr);
    SAME(lt_list(t, &t->a, SW_RECORD_MESSAGE, &all).count, 0);
    CHECK(!lt_there(t, &t->a, SW_RECORD_PROVIDER_TRACE, trace.id));
    SAME(context_of(t, one->step.entry.step.id, true).count, 0);
    CLEAN();
}

static void traces_are_kept_once(lt *t)
{
    turn *one = a_turn(t, 1, SW_STR("s"));
    sw_provider_trace trace = {.request_json = SW_STR("{\"a\": 1}"), .response_json = SW_STR("{}")};
    sw_list_query all = {.limit = -1};
    lt_rows rows;
    one->step.entry.traces = &trace;
    one->step.entry.trace_count = 1;
    put(t, &one, 1);
    put(t, &one, 1);
    VERDICT(one->outcome, UNCHANGED);
    trace.response_json = SW_STR("{\"b\":2}");
    put(t, &one, 1);
    rows = lt_list(t, &t->a, SW_RECORD_PROVIDER_TRACE, &all);
    SAME(rows.count, 1);
    TEXT(((const sw_provider_trace *)rows.at[0])->response_json, "{\"b\":2}");
    CLEAN();
}

static const lt_case cases[] = {
    {"each step gives back what it was sent", each_step_gives_back_what_it_was_sent, 0},
    {"the order does not matter", the_order_does_not_matter, 0},
    {"a rewritten history is marked", a_rewritten_history_is_marked, 0},
    {"deleting a step leaves the others whole", deleting_a_step_leaves_the_others_whole, 0},
    {"what is said otherwise replaces what was said", what_is_said_otherwise_replaces_what_was_said,
     0},
    {"what is replaced is nobody's beginning", what_is_replaced_is_nobodys_beginning, 0},
    {"a step changes its conversation", a_step_changes_its_conversation, 0},
    {"a folded step shows nothing of its own", a_folded_step_shows_nothing_of_its_own, 0},
    {"a folded step is nobody's beginning", a_folded_step_is_nobodys_beginning, 0},
    {"a folded step of others is not available", a_folded_step_of_others_is_not_available, 0},
    {"tools are those of the run", tools_are_those_of_the_run, 0},
    {"a project may want no content", a_project_may_want_no_content, 0},
    {"traces are kept once", traces_are_kept_once, 0},
};

LT_MAIN("context", cases)
