/* SPDX-License-Identifier: Apache-2.0 */
/* The writes of the naive ledger on runs and agents. */
#include "tests/lib/naive.h"

#include "tests/lib/naive_inside.h"

static nv_run *find_run(naive *n, sw_str id)
{
    for (size_t i = 0; i < n->run_count; i++) {
        if (n->runs[i].there && sw_str_eq(n->runs[i].row.id, id)) {
            return &n->runs[i];
        }
    }
    return NULL;
}

nv_run *naive_run(naive *n, const sw_actor *actor, sw_str id)
{
    nv_run *r = find_run(n, id);
    return r && nv_mine(actor, r->row.organization_id) ? r : NULL;
}

static nv_agent *find_agent(naive *n, sw_str id)
{
    for (size_t i = 0; i < n->agent_count; i++) {
        if (n->agents[i].there && sw_str_eq(n->agents[i].row.id, id)) {
            return &n->agents[i];
        }
    }
    return NULL;
}

nv_agent *naive_agent(naive *n, const sw_actor *actor, sw_str id)
{
    nv_agent *a = id.ptr ? find_agent(n, id) : NULL;
    return a && nv_mine(actor, a->row.organization_id) ? a : NULL;
}

/* ---- agents ------------------------------------------------------------------------------------- */

nv_answer naive_agent_create(naive *n, const sw_actor *actor, const sw_agent *agent)
{
    nv_agent *old = find_agent(n, agent->id);
    nv_agent *a = NULL;
    if (old && !nv_mine(actor, old->row.organization_id)) {
        return nv_refuse("not available");
    }
    if (old) {
        bool same = row_differs(SW_RECORD_AGENT, &old->created, agent, 0) < 0;
        return nv_say(same ? SW_VERDICT_UNCHANGED : SW_VERDICT_CONFLICT);
    }
    n->agents = nv_grow(n->agents, &n->agent_count, &n->agent_room, sizeof *n->agents);
    a = &n->agents[n->agent_count - 1];
    row_copy(SW_RECORD_AGENT, &a->created, agent, n->pool);
    a->row = a->created;
    a->row.organization_id = actor->organization_id;
    a->there = true;
    return nv_say(SW_VERDICT_CREATED);
}

nv_answer naive_agent_rename(naive *n, const sw_actor *actor, sw_str id, sw_str name)
{
    nv_agent *a = naive_agent(n, actor, id);
    bool same = false;
    if (!a) {
        return nv_refuse(NULL);
    }
    same = sw_str_eq(a->row.name, name);
    a->row.name = name;
    return nv_say(same ? SW_VERDICT_UNCHANGED : SW_VERDICT_UPDATED);
}

/* RESTRICT by runs; CASCADE to timings and messages. */
nv_answer naive_agent_delete(naive *n, const sw_actor *actor, sw_str id)
{
    nv_agent *a = naive_agent(n, actor, id);
    if (!a) {
        return nv_refuse(NULL);
    }
    for (size_t i = 0; i < n->run_count; i++) {
        if (n->runs[i].there && sw_str_eq(n->runs[i].row.agent_id, a->row.id)) {
            return nv_or(nv_refuse(NULL), SW_VERDICT_CONFLICT);
        }
    }
    for (size_t i = 0; i < n->step_count; i++) {
        if (sw_str_eq(n->steps[i].metrics.agent_id, a->row.id)) {
            n->steps[i].has_metrics = false;
            memset(&n->steps[i].metrics, 0, sizeof n->steps[i].metrics);
        }
    }
    for (size_t i = 0; i < n->message_count; i++) {
        if (sw_str_eq(n->messages[i].row.agent_id, a->row.id)) {
            n->messages[i].there = false;
        }
    }
    a->there = false;
    return nv_say(SW_VERDICT_UPDATED);
}

/* ---- runs --------------------------------------------------------------------------------------- */

nv_answer naive_run_create(naive *n, const sw_actor *actor, const sw_run *run, int64_t now)
{
    nv_run *old = find_run(n, run->id);
    nv_run *r = NULL;
    if (old && !nv_mine(actor, old->row.organization_id)) {
        return nv_refuse(NULL);
    }
    if (old) {
        bool same = row_differs(SW_RECORD_RUN, &old->created, run, 0) < 0;
        nv_answer answer = nv_say(same ? SW_VERDICT_UNCHANGED : SW_VERDICT_CONFLICT);
        return !same && !naive_agent(n, actor, run->agent_id) ? nv_or(answer, SW_VERDICT_REJECTED)
                                                              : answer;
    }
    if (!naive_agent(n, actor, run->agent_id)) {
        return nv_refuse("agent");
    }
    n->runs = nv_grow(n->runs, &n->run_count, &n->run_room, sizeof *n->runs);
    r = &n->runs[n->run_count - 1];
    r->there = true;
    row_copy(SW_RECORD_RUN, &r->created, run, n->pool);
    r->row = r->created;
    r->row.organization_id = actor->organization_id;
    r->row.created_by_id = actor->user_id;
    r->row.status = run->status.known ? run->status : sw_int_of(SW_RUN_STATUS_CREATED);
    r->row.background = run->background.known ? run->background : sw_int_of(0);
    r->row.source = run->source.known ? run->source : sw_int_of(SW_SOURCE_API);
    r->row.is_deleted = sw_int_of(0);
    if (!run->project_id.ptr) {
        r->row.project_id = naive_agent(n, actor, run->agent_id)->row.project_id;
    }
    r->row.created_at = run->created_at.known ? run->created_at : sw_int_of(now);
    return nv_say(SW_VERDICT_CREATED);
}

static bool ended(int64_t status)
{
    return status >= SW_RUN_STATUS_COMPLETED;
}

static bool legal(const sw_run *row, int64_t to)
{
    int64_t from = row->status.value;
    if (from == to) {
        return true;
    }
    if (from == SW_RUN_STATUS_COMPLETED && to == SW_RUN_STATUS_CANCELLED) {
        return sw_str_eq(row->stop_reason, SW_STR("requires_approval"));
    }
    return !ended(from) && to > from;
}

/* {"a":"x"} merged with {"b":"y"}: the objects of these tests have plain words as keys and values. */
static sw_str merge(naive *n, sw_str old, sw_str add)
{
    words a, b;
    sw_str out = SW_STR("{");
    const char *comma = "";
    words_read(&a, old);
    words_read(&b, add);
    for (size_t i = 0; i + 1 < a.count; i += 2) {
        sw_str value = a.at[i + 1];
        for (size_t k = 0; k + 1 < b.count; k += 2) {
            value = sw_str_eq(a.at[i], b.at[k]) ? b.at[k + 1] : value;
        }
        out = pool_printf(n->pool, "%s%s\"%.*s\":\"%.*s\"", out.ptr, comma, (int)a.at[i].len,
                          a.at[i].ptr, (int)value.len, value.ptr);
        comma = ",";
    }
    for (size_t k = 0; k + 1 < b.count; k += 2) {
        bool there = false;
        for (size_t i = 0; i + 1 < a.count; i += 2) {
            there |= sw_str_eq(a.at[i], b.at[k]);
        }
        if (!there) {
            out = pool_printf(n->pool, "%s%s\"%.*s\":\"%.*s\"", out.ptr, comma, (int)b.at[k].len,
                              b.at[k].ptr, (int)b.at[k + 1].len, b.at[k + 1].ptr);
            comma = ",";
        }
    }
    return pool_printf(n->pool, "%s}", out.ptr);
}

nv_answer naive_run_update(naive *n, const sw_actor *actor, sw_str id, const sw_run *values,
                           uint64_t mask)
{
    nv_run *r = naive_run(n, actor, id);
    sw_run next, copy;
    if (!r) {
        return nv_refuse(NULL);
    }
    if ((mask >> SW_RUN_STATUS & 1) && !legal(&r->row, values->status.value)) {
        return nv_or(nv_say(SW_VERDICT_CONFLICT), SW_VERDICT_CONFLICT);
    }
    next = r->row;
    row_copy(SW_RECORD_RUN, &copy, values, n->pool);
    if (mask >> SW_RUN_METADATA & 1) {
        copy.metadata = merge(n, r->row.metadata, copy.metadata);
    }
    for (int f = 0; f < SW_RUN_FIELD_COUNT; f++) {
        if (mask >> f & 1) {
            row_set(SW_RECORD_RUN, &next, f, &copy);
        }
    }
    r->duration_given |= (mask >> SW_RUN_TOTAL_DURATION_NS & 1) != 0;
    if (row_differs(SW_RECORD_RUN, &next, &r->row, 0) < 0) {
        return nv_say(SW_VERDICT_UNCHANGED);
    }
    r->row = next;
    return nv_say(SW_VERDICT_UPDATED);
}

nv_answer naive_run_cancel(naive *n, const sw_actor *actor, sw_str id)
{
    nv_run *r = naive_run(n, actor, id);
    if (!r) {
        return nv_refuse(NULL);
    }
    if (ended(r->row.status.value)) {
        return nv_say(SW_VERDICT_UNCHANGED);
    }
    r->row.status = sw_int_of(SW_RUN_STATUS_CANCELLED);
    r->row.stop_reason = SW_STR("cancelled");
    return nv_say(SW_VERDICT_UPDATED);
}

nv_answer naive_run_delete(naive *n, const sw_actor *actor, sw_str id)
{
    nv_run *r = naive_run(n, actor, id);
    if (!r) {
        return nv_refuse(NULL);
    }
    for (size_t i = 0; i < n->step_count; i++) {
        if (sw_str_eq(n->steps[i].row.run_id, r->row.id)) {
            n->steps[i].row.run_id = SW_NULL_STR;
        }
        if (sw_str_eq(n->steps[i].metrics.run_id, r->row.id)) {
            n->steps[i].metrics.run_id = SW_NULL_STR;
        }
    }
    for (size_t i = 0; i < n->message_count; i++) {
        if (sw_str_eq(n->messages[i].row.run_id, r->row.id)) {
            n->messages[i].row.run_id = SW_NULL_STR;
        }
    }
    r->there = false;
    return nv_say(SW_VERDICT_UPDATED);
}
