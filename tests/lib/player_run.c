/* SPDX-License-Identifier: Apache-2.0 */
/* The operations on runs and agents. */
#include "tests/lib/player.h"

#include "tests/lib/player_inside.h"

void play_run_create(play *p, int actor)
{
    lt *t = p->t;
    sw_run run = {.id = lt_id(t, "run", lt_below(&p->rng, CHANCE_RUNS))};
    run.agent_id = lt_id(t, "agent", lt_below(&p->rng, CHANCE_AGENTS));
    run.created_at = sw_int_of(LT_TIME - (int64_t)lt_below(&p->rng, 3) * 3600000000);
    if (lt_one_in(&p->rng, 2)) {
        run.metadata = SW_STR("{\"a\":\"1\"}");
    }
    if (sw_run_create(t->ledger, p->actors[actor], &run, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("run create: the call and its outcome differ");
    }
    play_check(p, actor, "run create", p->outcomes,
               naive_run_create(p->n, p->actors[actor], &run, t->wall), SW_RECORD_RUN, 2);
}

void play_run_update(play *p, int actor)
{
    lt *t = p->t;
    sw_str id = lt_id(t, "run", lt_below(&p->rng, CHANCE_RUNS));
    nv_run *r = naive_run(p->n, p->actors[actor], id);
    sw_run v = {.metadata = lt_one_in(&p->rng, 2) ? SW_STR("{\"a\":\"2\",\"b\":\"x\"}")
                                                  : SW_STR("{\"b\":\"y\"}")};
    uint64_t mask = 0;
    v.status = sw_int_of(lt_below(&p->rng, 5));
    v.total_duration_ns = sw_int_of(1 + lt_below(&p->rng, 1000000));
    v.stop_reason = lt_one_in(&p->rng, 2) ? SW_STR("requires_approval") : SW_STR("end_turn");
    if (!lt_one_in(&p->rng, 3)) {
        mask |= SW_FIELD_BIT(SW_RUN_STATUS);
    }
    if (mask == 0 || lt_one_in(&p->rng, 3)) {
        mask |= SW_FIELD_BIT(SW_RUN_METADATA);
    }
    if ((mask & SW_FIELD_BIT(SW_RUN_STATUS)) && r &&
        r->row.status.value < SW_RUN_STATUS_COMPLETED &&
        v.status.value >= SW_RUN_STATUS_COMPLETED) {
        mask |= SW_FIELD_BIT(SW_RUN_STOP_REASON);
        mask |= lt_one_in(&p->rng, 2) ? SW_FIELD_BIT(SW_RUN_TOTAL_DURATION_NS) : 0;
    }
    if (sw_run_update(t->ledger, p->actors[actor], id, &v, mask, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("run update: the call and its outcome differ");
    }
    play_check(p, actor, "run update", p->outcomes,
               naive_run_update(p->n, p->actors[actor], id, &v, mask), SW_RECORD_RUN, 1);
}

void play_run_cancel(play *p, int actor)
{
    lt *t = p->t;
    sw_str id = lt_id(t, "run", lt_below(&p->rng, CHANCE_RUNS));
    nv_run *r = naive_run(p->n, p->actors[actor], id);
    if (r && r->row.status.value == SW_RUN_STATUS_COMPLETED &&
        sw_str_eq(r->row.stop_reason, SW_STR("requires_approval"))) {
        return; /* V1 cancels it, the header leaves it as it is */
    }
    if (sw_run_cancel(t->ledger, p->actors[actor], id, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("run cancel: the call and its outcome differ");
    }
    play_check(p, actor, "run cancel", p->outcomes, naive_run_cancel(p->n, p->actors[actor], id),
               SW_RECORD_RUN, 1);
}

void play_run_delete(play *p, int actor)
{
    lt *t = p->t;
    sw_str id = lt_id(t, "run", lt_below(&p->rng, CHANCE_RUNS));
    if (sw_run_delete(t->ledger, p->actors[actor], id, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("run delete: the call and its outcome differ");
    }
    play_check(p, actor, "run delete", p->outcomes, naive_run_delete(p->n, p->actors[actor], id),
               SW_RECORD_RUN, 1);
}

static void rename_agent(play *p, int actor, sw_str id)
{
    lt *t = p->t;
    sw_agent v = {.name = lt_one_in(&p->rng, 2) ? SW_STR("agent") : SW_STR("renamed")};
    if (sw_record_update(t->ledger, p->actors[actor], SW_RECORD_AGENT, id, &v,
                         SW_FIELD_BIT(SW_AGENT_NAME), p->outcomes,
                         &t->err) != p->outcomes->status) {
        SAY("agent update: the call and its outcome differ");
    }
    play_check(p, actor, "agent update", p->outcomes,
               naive_agent_rename(p->n, p->actors[actor], id, v.name), SW_RECORD_AGENT, 1);
}

static void delete_agent(play *p, int actor, sw_str id)
{
    lt *t = p->t;
    if (sw_record_delete(t->ledger, p->actors[actor], SW_RECORD_AGENT, id, p->outcomes, &t->err) !=
        p->outcomes->status) {
        SAY("agent delete: the call and its outcome differ");
    }
    play_check(p, actor, "agent delete", p->outcomes,
               naive_agent_delete(p->n, p->actors[actor], id), SW_RECORD_AGENT, 1);
}

static void create_agent(play *p, int actor, sw_str id)
{
    lt *t = p->t;
    sw_agent agent = {.id = id};
    agent.name = lt_one_in(&p->rng, 6) ? SW_STR("another name") : SW_STR("agent");
    agent.project_id = lt_one_in(&p->rng, 2) ? SW_STR("project-2") : SW_NULL_STR;
    agent.created_at = sw_int_of(LT_TIME);
    if (sw_record_create(t->ledger, p->actors[actor], SW_RECORD_AGENT, &agent, p->outcomes,
                         &t->err) != p->outcomes->status) {
        SAY("agent create: the call and its outcome differ");
    }
    play_check(p, actor, "agent create", p->outcomes,
               naive_agent_create(p->n, p->actors[actor], &agent), SW_RECORD_AGENT, 1);
}

void play_agent(play *p, int actor)
{
    sw_str id = lt_id(p->t, "agent", lt_below(&p->rng, CHANCE_AGENTS));
    unsigned what = lt_below(&p->rng, 8);
    if (what < 2) {
        delete_agent(p, actor, id);
    } else if (what < 4) {
        rename_agent(p, actor, id);
    } else {
        create_agent(p, actor, id);
    }
}
