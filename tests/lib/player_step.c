/* SPDX-License-Identifier: Apache-2.0 */
/* The operations on steps that are there: end, change, say, measure, attach, delete, restate, retire. */
#include "tests/lib/player.h"

#include "tests/lib/player_inside.h"

/* A step that was folded into another takes no more changes; what is answered then is not said. */
static bool retired(play *p, int actor, sw_str id)
{
    nv_step *s = naive_step(p->n, p->actors[actor], id);
    return s && s->row.retired_into.ptr;
}

void play_end(play *p, int actor)
{
    lt *t = p->t;
    sw_str id = chance_step_id(t, &p->rng);
    nv_step *s = naive_step(p->n, p->actors[actor], id);
    sw_step_entry e = chance_end(t, &p->rng);
    sw_status status = SW_STATUS_OK;
    if (retired(p, actor, id)) {
        return;
    }
    if (s && s->has_end && lt_one_in(&p->rng, 2)) {
        e = s->ended;
    }
    status = sw_step_end(t->ledger, p->actors[actor], id, &e, p->outcomes, &t->err);
    if (status != p->outcomes->status) {
        SAY("end: the call says %s, the outcome %s", status_name(status),
            status_name(p->outcomes->status));
    }
    play_check(p, actor, "end", p->outcomes, naive_end(p->n, p->actors[actor], id, &e, NULL),
               SW_RECORD_STEP, play_entries_of(&e));
}

void play_update(play *p, int actor)
{
    static const int fields[] = {SW_STEP_TID,           SW_STEP_FEEDBACK, SW_STEP_TAGS,
                                 SW_STEP_STOP_REASON,   SW_STEP_MODEL,    SW_STEP_INPUT_PREVIEW,
                                 SW_STEP_COST_NANO_USD, SW_STEP_RUN_ID,   SW_STEP_SOURCE};
    lt *t = p->t;
    sw_str id = chance_step_id(t, &p->rng);
    nv_step *s = naive_step(p->n, p->actors[actor], id);
    sw_step v = {.tid = SW_STR("tid-1"), .model = SW_STR("resolved"), .run_id = lt_id(t, "run", 1)};
    int field = fields[lt_below(&p->rng, 9)];
    uint64_t mask = SW_FIELD_BIT(field) | (lt_one_in(&p->rng, 3) ? SW_FIELD_BIT(SW_STEP_TID) : 0);
    v.feedback = lt_one_in(&p->rng, 3) ? SW_NULL_INT : sw_int_of(lt_below(&p->rng, 2));
    v.tags = chance_tags(t, &p->rng);
    v.stop_reason = lt_one_in(&p->rng, 2) ? SW_STR("end_turn") : SW_STR("max_steps");
    v.input_preview = SW_STR("changed");
    v.cost_nano_usd = sw_int_of(lt_below(&p->rng, 50));
    v.source = sw_int_of(SW_SOURCE_ADOPTED);
    if (retired(p, actor, id) ||
        (field == SW_STEP_STOP_REASON && s && s->row.status.value == SW_STEP_STATUS_PENDING)) {
        return;
    }
    if (sw_step_update(t->ledger, p->actors[actor], id, &v, mask, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("update: the call and its outcome differ");
    }
    play_check(p, actor, "update", p->outcomes, naive_update(p->n, p->actors[actor], id, &v, mask),
               SW_RECORD_STEP, 1);
}

void play_feedback(play *p, int actor)
{
    lt *t = p->t;
    sw_str id = chance_step_id(t, &p->rng);
    sw_feedback_change c = {0};
    c.set_feedback = lt_one_in(&p->rng, 2);
    c.feedback = lt_one_in(&p->rng, 3) ? SW_NULL_INT : sw_int_of(lt_below(&p->rng, 2));
    c.set_tags = lt_one_in(&p->rng, 4);
    c.tags = lt_one_in(&p->rng, 4) ? SW_NULL_STR : chance_tags(t, &p->rng);
    if (lt_one_in(&p->rng, 2)) {
        c.add_tags = lt_one_in(&p->rng, 2) ? SW_STR("[\"red\"]") : SW_STR("[\"new\",\"blue\"]");
    }
    if (lt_one_in(&p->rng, 3)) {
        c.remove_tags = SW_STR("[\"gold\",\"green\"]");
    }
    if (retired(p, actor, id)) {
        return;
    }
    if (sw_step_feedback(t->ledger, p->actors[actor], id, &c, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("feedback: the call and its outcome differ");
    }
    play_check(p, actor, "feedback", p->outcomes, naive_feedback(p->n, p->actors[actor], id, &c),
               SW_RECORD_STEP, 1);
}

void play_metrics(play *p, int actor)
{
    lt *t = p->t;
    sw_str id = chance_step_id(t, &p->rng);
    nv_step *s = naive_step(p->n, p->actors[actor], id);
    sw_step_metrics m = chance_metrics(&p->rng);
    if (s && s->has_metrics && lt_one_in(&p->rng, 2)) {
        m = (sw_step_metrics){.step_ns = s->metrics.step_ns};
    }
    if (retired(p, actor, id)) {
        return;
    }
    if (sw_step_metrics_record(t->ledger, p->actors[actor], id, &m, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("metrics: the call and its outcome differ");
    }
    /* Whether the journal names the step or its timings is not said; both have the same id. */
    play_check(p, actor, "metrics", p->outcomes, naive_metrics(p->n, p->actors[actor], id, &m),
               SW_RECORD_COUNT, 1);
}

void play_attach(play *p, int actor)
{
    lt *t = p->t;
    sw_str id = chance_step_id(t, &p->rng);
    nv_step *s = naive_step(p->n, p->actors[actor], id);
    sw_message m = lt_message(t, 10000 + p->serial, "attached");
    sw_provider_trace trace = lt_trace(t, 10000 + p->serial);
    bool with_trace = lt_one_in(&p->rng, 2);
    m.tool_calls = chance_tool_calls(&p->rng);
    p->serial++;
    for (size_t i = 0; s && i < p->n->message_count && lt_one_in(&p->rng, 2); i++) {
        nv_message *old = &p->n->messages[p->n->message_count - 1 - i];
        if (old->there && old->sent.id.ptr && sw_str_eq(old->row.step_id, id)) {
            m = old->sent; /* the same again, or the same id with another text */
            m.text = lt_one_in(&p->rng, 3) ? SW_STR("another text") : m.text;
            with_trace = false;
            break;
        }
    }
    if (retired(p, actor, id)) {
        return;
    }
    if (sw_step_attach(t->ledger, p->actors[actor], id, &m, 1, &trace, with_trace, p->outcomes,
                       &t->err) != p->outcomes->status) {
        SAY("attach: the call and its outcome differ");
    }
    play_check(p, actor, "attach", p->outcomes,
               naive_attach(p->n, p->actors[actor], id, &m, 1, &trace, with_trace), SW_RECORD_COUNT,
               2);
}

void play_delete(play *p, int actor)
{
    lt *t = p->t;
    sw_str id = chance_step_id(t, &p->rng);
    if (retired(p, actor, id)) {
        return;
    }
    if (sw_step_delete(t->ledger, p->actors[actor], id, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("delete: the call and its outcome differ");
    }
    play_check(p, actor, "delete", p->outcomes, naive_delete(p->n, p->actors[actor], id),
               SW_RECORD_STEP, 1);
}

void play_restate(play *p, int actor)
{
    lt *t = p->t;
    sw_step_entry e = chance_end(t, &p->rng);
    e.step.id = chance_step_id(t, &p->rng);
    e.step.source = sw_int_of(SW_SOURCE_OTLP);
    e.step.end_user = SW_STR("restated");
    if (!e.step.total_tokens.known) {
        e.step.prompt_tokens = sw_int_of(20);
        e.step.completion_tokens = sw_int_of(3);
        e.step.total_tokens = sw_int_of(23);
    }
    if (lt_one_in(&p->rng, 2)) {
        e.step.run_id = lt_id(t, "run", lt_below(&p->rng, CHANCE_RUNS));
    }
    if (retired(p, actor, e.step.id)) {
        return;
    }
    if (sw_step_restate(t->ledger, p->actors[actor], &e, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("restate: the call and its outcome differ");
    }
    play_check(p, actor, "restate", p->outcomes,
               naive_restate(p->n, p->actors[actor], &e, play_time_of(p, actor, &e, p->outcomes)),
               SW_RECORD_STEP, play_entries_of(&e));
}

void play_retire(play *p, int actor)
{
    lt *t = p->t;
    sw_str id = chance_step_id(t, &p->rng), into = chance_step_id(t, &p->rng);
    if (retired(p, actor, into) || sw_str_eq(id, into)) {
        return;
    }
    if (retired(p, actor, id) &&
        !sw_str_eq(naive_step(p->n, p->actors[actor], id)->row.retired_into, into)) {
        return;
    }
    if (sw_step_retire(t->ledger, p->actors[actor], id, into, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("retire: the call and its outcome differ");
    }
    play_check(p, actor, "retire", p->outcomes, naive_retire(p->n, p->actors[actor], id, into),
               SW_RECORD_STEP, 1);
}
