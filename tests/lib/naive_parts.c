/* SPDX-License-Identifier: Apache-2.0 */
/* What was sent, kept as it was sent; and what hangs on a step of the naive ledger: timings, messages,
 * provider traces.
 */
#include "tests/lib/naive.h"

#include "tests/lib/naive_inside.h"

/* ---- content: what was sent --------------------------------------------------------------------- */

void nv_copy_entry(naive *n, sw_step_entry *to, const sw_step_entry *from)
{
    sw_step_metrics *metrics = NULL;
    sw_message *messages = pool_alloc(n->pool, from->message_count * sizeof *messages + 1);
    sw_provider_trace *traces = pool_alloc(n->pool, from->trace_count * sizeof *traces + 1);
    *to = *from;
    row_copy(SW_RECORD_STEP, &to->step, &from->step, n->pool);
    if (from->metrics) {
        metrics = pool_alloc(n->pool, sizeof *metrics);
        row_copy(SW_RECORD_STEP_METRICS, metrics, from->metrics, n->pool);
    }
    for (size_t i = 0; i < from->message_count; i++) {
        row_copy(SW_RECORD_MESSAGE, &messages[i], &from->messages[i], n->pool);
    }
    for (size_t i = 0; i < from->trace_count; i++) {
        row_copy(SW_RECORD_PROVIDER_TRACE, &traces[i], &from->traces[i], n->pool);
    }
    to->metrics = metrics;
    to->messages = messages;
    to->traces = traces;
}

bool nv_same_entry(const sw_step_entry *a, const sw_step_entry *b)
{
    if (row_differs(SW_RECORD_STEP, &a->step, &b->step, 0) >= 0 ||
        a->message_count != b->message_count || a->trace_count != b->trace_count ||
        a->lease_seconds != b->lease_seconds || !a->metrics != !b->metrics) {
        return false;
    }
    if (a->metrics && row_differs(SW_RECORD_STEP_METRICS, a->metrics, b->metrics, 0) >= 0) {
        return false;
    }
    for (size_t i = 0; i < a->message_count; i++) {
        if (row_differs(SW_RECORD_MESSAGE, &a->messages[i], &b->messages[i], 0) >= 0) {
            return false;
        }
    }
    for (size_t i = 0; i < a->trace_count; i++) {
        if (row_differs(SW_RECORD_PROVIDER_TRACE, &a->traces[i], &b->traces[i], 0) >= 0) {
            return false;
        }
    }
    return true;
}

/* ---- what hangs on a step ----------------------------------------------------------------------- */

static void fill(sw_str *to, sw_str given, sw_str inherited)
{
    if (given.ptr) {
        *to = given;
    } else if (!to->ptr) {
        *to = inherited;
    }
}

/* Answers whether something changed. */
bool nv_put_metrics(naive *n, const sw_actor *actor, nv_step *s, const sw_step_metrics *given)
{
    sw_step_metrics was = s->metrics;
    sw_step_metrics *m = &s->metrics;
    bool first = !s->has_metrics;
    sw_step_metrics copy;
    sw_str agent = naive_agent(n, actor, s->row.agent_id) ? s->row.agent_id : SW_NULL_STR;
    row_copy(SW_RECORD_STEP_METRICS, &copy, given, n->pool);
    for (int f = 0; f < SW_STEP_METRICS_FIELD_COUNT; f++) {
        if (!row_is_null(SW_RECORD_STEP_METRICS, &copy, f)) {
            row_set(SW_RECORD_STEP_METRICS, m, f, &copy);
        }
    }
    m->id = s->row.id;
    m->organization_id = s->row.organization_id;
    if (first) {
        fill(&m->run_id, copy.run_id, s->row.run_id);
        fill(&m->provider_id, copy.provider_id, s->row.provider_id);
        fill(&m->project_id, copy.project_id, s->row.project_id);
        fill(&m->agent_id, copy.agent_id, agent);
    }
    s->has_metrics = true;
    return first || row_differs(SW_RECORD_STEP_METRICS, &was, m, 0) >= 0;
}

static nv_message *find_message(naive *n, sw_str id)
{
    for (size_t i = 0; id.ptr && i < n->message_count; i++) {
        if (n->messages[i].there && sw_str_eq(n->messages[i].row.id, id)) {
            return &n->messages[i];
        }
    }
    return NULL;
}

static nv_trace *find_trace(naive *n, sw_str id)
{
    for (size_t i = 0; id.ptr && i < n->trace_count; i++) {
        if (n->traces[i].there && sw_str_eq(n->traces[i].row.id, id)) {
            return &n->traces[i];
        }
    }
    return NULL;
}

static void put_message(naive *n, const sw_actor *actor, nv_step *s, const sw_message *given)
{
    nv_message *m = NULL;
    n->messages = nv_grow(n->messages, &n->message_count, &n->message_room, sizeof *n->messages);
    m = &n->messages[n->message_count - 1];
    m->there = true;
    row_copy(SW_RECORD_MESSAGE, &m->sent, given, n->pool);
    m->row = m->sent;
    m->row.step_id = s->row.id;
    m->row.organization_id = s->row.organization_id;
    fill(&m->row.run_id, m->sent.run_id, s->row.run_id);
    fill(&m->row.agent_id, m->sent.agent_id,
         naive_agent(n, actor, s->row.agent_id) ? s->row.agent_id : SW_NULL_STR);
}

static void put_trace(naive *n, nv_step *s, const sw_provider_trace *given)
{
    nv_trace *t = NULL;
    n->traces = nv_grow(n->traces, &n->trace_count, &n->trace_room, sizeof *n->traces);
    t = &n->traces[n->trace_count - 1];
    t->there = true;
    row_copy(SW_RECORD_PROVIDER_TRACE, &t->sent, given, n->pool);
    t->row = t->sent;
    t->row.step_id = s->row.id;
    t->row.organization_id = s->row.organization_id;
}

nv_answer nv_attach(naive *n, const sw_actor *actor, nv_step *s, const sw_message *messages,
                    size_t message_count, const sw_provider_trace *traces, size_t trace_count)
{
    bool changed = false;
    for (size_t i = 0; i < message_count; i++) {
        nv_message *m = find_message(n, messages[i].id);
        if (m && !nv_mine(actor, m->row.organization_id)) {
            return nv_or(nv_refuse(NULL), SW_VERDICT_CONFLICT);
        }
        if (m && (row_differs(SW_RECORD_MESSAGE, &m->sent, &messages[i], 0) >= 0 ||
                  !sw_str_eq(m->row.step_id, s->row.id))) {
            return nv_or(nv_say(SW_VERDICT_CONFLICT), SW_VERDICT_REJECTED);
        }
    }
    for (size_t i = 0; i < trace_count; i++) {
        nv_trace *t = find_trace(n, traces[i].id);
        if (t && (row_differs(SW_RECORD_PROVIDER_TRACE, &t->sent, &traces[i], 0) >= 0 ||
                  !sw_str_eq(t->row.step_id, s->row.id))) {
            return nv_or(nv_say(SW_VERDICT_CONFLICT), SW_VERDICT_REJECTED);
        }
    }
    for (size_t i = 0; i < message_count; i++) {
        if (!find_message(n, messages[i].id)) {
            put_message(n, actor, s, &messages[i]);
            changed = true;
        }
    }
    for (size_t i = 0; i < trace_count; i++) {
        if (!find_trace(n, traces[i].id)) {
            put_trace(n, s, &traces[i]);
            changed = true;
        }
    }
    return nv_say(changed ? SW_VERDICT_UPDATED : SW_VERDICT_UNCHANGED);
}

void nv_put_all(naive *n, const sw_actor *actor, nv_step *s, const sw_step_entry *entry)
{
    if (entry->metrics) {
        nv_put_metrics(n, actor, s, entry->metrics);
    }
    nv_attach(n, actor, s, entry->messages, entry->message_count, entry->traces,
              entry->trace_count);
}
