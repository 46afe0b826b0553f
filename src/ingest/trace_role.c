/* SPDX-License-Identifier: Apache-2.0 */
/* Settles what a span is within its trace: which model spans are only wrappers of others (the innermost rule),
 * and what each span inherits from those above it and gathers from those below (telemetry.md E.1).
 */
#include "ingest/trace_inside.h"

/* Behind these, a model call is made on somebody else's behalf. */
static bool is_border(span_role role)
{
    return role == SPAN_TOOL || role == SPAN_AGENT || role == SPAN_WORKFLOW;
}

/* ---- the innermost rule -------------------------------------------------------------------------- */

static void gather_models(trace *t, uint32_t at)
{
    trace_node *node = &t->nodes[at];
    trace_node *parent = NULL;

    if (node->role == SPAN_LLM && node->inner != TRACE_NONE) {
        node->role = SPAN_WRAPPER;
        node->folded = true;
        node->survivor = node->inner;
    } else if (node->role == SPAN_LLM) {
        node->inner = at;
    }
    if (!is_border(node->role) && node->parent != TRACE_NONE) {
        parent = &t->nodes[node->parent];
        parent->inner = node->inner < parent->inner ? node->inner : parent->inner;
    }
}

/* Twins are one call. */
static void gather_calls(trace *t, uint32_t at)
{
    trace_node *node = &t->nodes[at];
    trace_node *parent = NULL;

    if (node->role == SPAN_LLM) {
        node->call = trace_survivor(t, at);
    }
    if (!is_border(node->role) && node->parent != TRACE_NONE && node->call != TRACE_NONE) {
        parent = &t->nodes[node->parent];
        parent->call =
            parent->call == TRACE_NONE || parent->call == node->call ? node->call : TRACE_MANY;
    }
}

/* ---- inheriting ---------------------------------------------------------------------------------- */

static void inherit_roles(trace *t, trace_node *node, uint32_t above)
{
    const trace_node *parent = &t->nodes[above];
    span_role role = parent->role;
    bool holds = role == SPAN_WRAPPER || role == SPAN_AGENT || role == SPAN_WORKFLOW;

    node->agent = role == SPAN_AGENT ? above : parent->agent;
    node->workflow = role == SPAN_WORKFLOW ? above : parent->workflow;
    node->tool = role == SPAN_TOOL ? above : parent->tool;
    node->container = holds ? above : parent->container;
    node->model = role == SPAN_LLM ? above : is_border(role) ? TRACE_NONE : parent->model;
    node->within = role == SPAN_TOOL                     ? above
                   : is_border(role) || role == SPAN_LLM ? TRACE_NONE
                                                         : parent->within;
    node->outermost = role == SPAN_TOOL && parent->within == TRACE_NONE ? above
                      : node->within == TRACE_NONE                      ? TRACE_NONE
                                                                        : parent->outermost;
}

static void inherit(trace *t, uint32_t at)
{
    trace_node *node = &t->nodes[at];
    const trace_node *parent = NULL;

    node->top = at;
    node->evaluator = node->facts->evaluates;
    if (node->parent != TRACE_NONE) {
        parent = &t->nodes[node->parent];
        inherit_roles(t, node, node->parent);
        node->top = parent->top;
        node->evaluator = node->evaluator || parent->evaluator;
    }
    node->named = node->facts->agent_name.ptr ? at : parent ? parent->named : TRACE_NONE;
    node->talking = node->facts->conversation.ptr ? at : parent ? parent->talking : TRACE_NONE;
    node->person = node->facts->end_user.ptr ? at : parent ? parent->person : TRACE_NONE;
}

/* ---- what is nearest below ------------------------------------------------------------------------ */

static void gather_deep(trace *t, uint32_t at)
{
    const trace_node *node = &t->nodes[at];
    trace_node *parent = NULL;
    bool itself = node->role == SPAN_AGENT || node->role == SPAN_WORKFLOW ||
                  (node->role == SPAN_LLM && !node->folded);

    if (node->parent == TRACE_NONE || node->role == SPAN_TOOL) {
        return;
    }
    parent = &t->nodes[node->parent];
    parent->deep_count += itself ? 1 : node->deep_count;
    parent->deep = itself ? at : node->deep_count > 0 ? node->deep : parent->deep;
}

/* Frameworks that are instrumented twice show the same agent twice, one inside the other. */
static void collapse(trace *t, uint32_t at)
{
    trace_node *node = &t->nodes[at];
    const trace_node *inner = node->deep_count == 1 ? &t->nodes[node->deep] : NULL;

    node->collapsed = node->role == SPAN_AGENT && inner && inner->role == SPAN_AGENT &&
                      node->facts->agent_name.ptr &&
                      sw_str_eq(node->facts->agent_name, inner->facts->agent_name);
    node->becomes = node->collapsed ? inner->becomes : at;
}

/* What is in a collapsed agent is in the one that it became; this one itself is in what is outside of both. Parents
 * first: theirs are settled. */
static void pass_collapsed(trace *t, trace_node *node)
{
    const trace_node *agent = node->agent == TRACE_NONE ? NULL : &t->nodes[node->agent];

    if (agent && agent->collapsed) {
        node->agent = node->becomes == agent->becomes ? agent->agent : agent->becomes;
    }
}

uint32_t trace_survivor(const trace *t, uint32_t at)
{
    while (t->nodes[at].folded) {
        at = t->nodes[at].survivor;
    }
    return at;
}

sw_status trace_settle(trace *t, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (uint32_t i = t->count; i-- > 0;) {
        gather_models(t, t->order[i]);
    }
    for (uint32_t i = 0; i < t->count; i++) {
        inherit(t, t->order[i]);
    }
    status = trace_fold_twins(t, err);
    for (uint32_t i = t->count; i-- > 0;) {
        gather_calls(t, t->order[i]);
        gather_deep(t, t->order[i]);
        collapse(t, t->order[i]);
    }
    for (uint32_t i = 0; i < t->count; i++) {
        pass_collapsed(t, &t->nodes[t->order[i]]);
    }
    for (uint32_t i = 0; i < t->count; i++) {
        const trace_node *node = &t->nodes[i];
        if (node->role == SPAN_LLM && !node->folded) {
            t->steps[t->step_count++] = i;
        }
    }
    trace_fill_holes(t);
    return status;
}
