/* SPDX-License-Identifier: Apache-2.0 */
/* One call that several spans tell of: two instrumentations side by side (the sibling rule), or a wrapper around
 * the span that is the step. The one that is the step has its holes filled from the others (telemetry.md E.1).
 *
 * Twins have the same response id, overlap in time, and come from different instrumentations: test servers
 * answer every call with one id, and then it is the instrumentation that tells two calls from one. Of more than two
 * the best told has the call; whoever is a twin of no step that is told better is a step.
 */
#include <stdlib.h>

#include "ingest/trace_inside.h"

/* How many spans of one response id are compared with each: more at a time are no twins, but a constant id. */
enum { TWINS_LOOKED_AT = 64 };

span_facts *trace_own(trace *t, trace_node *node)
{
    if (!node->own) {
        node->own = sw_arena_alloc(t->arena, sizeof *node->own);
        if (!node->own) {
            t->failed = sw_no_memory(&t->why);
            return NULL;
        }
        *node->own = *node->facts;
    }
    return node->own;
}

span_talk *trace_talk_of(trace *t, trace_node *node)
{
    sw_status status = SW_STATUS_OK;

    if (!node->talk) {
        node->talk = sw_arena_zeroed(t->arena, sizeof *node->talk);
        status = node->talk ? t->read_talk(node->facts, t->arena, node->talk, &t->why)
                            : sw_no_memory(&t->why);
        t->failed = status == SW_STATUS_OK ? t->failed : status;
    }
    return status == SW_STATUS_OK ? node->talk : NULL;
}

/* ---- which of two -------------------------------------------------------------------------------- */

static int known_fields(trace *t, trace_node *node)
{
    const span_facts *f = node->facts;
    const span_talk *talk = trace_talk_of(t, node);
    const sw_str texts[] = {f->model,        f->provider_name, f->model_endpoint,
                            f->service_tier, f->agent_name,    f->conversation,
                            f->end_user,     f->tags,          f->end.stop_reason};
    const sw_int numbers[] = {f->usage.prompt,  f->usage.completion, f->usage.cached,
                              f->usage.written, f->usage.reasoning,  f->ttft_ns};
    int known = 0;

    for (size_t i = 0; i < SW_COUNT(texts); i++) {
        known += texts[i].ptr != NULL;
    }
    for (size_t i = 0; i < SW_COUNT(numbers); i++) {
        known += numbers[i].known != 0;
    }
    if (talk) {
        known += (talk->input_count > 0) + (talk->output_count > 0) + (talk->tools.ptr != NULL);
    }
    return known;
}

static bool are_twins(const trace_node *a, const trace_node *b)
{
    bool overlap = a->start_ns == b->start_ns ||
                   (a->start_ns < b->start_ns ? b->start_ns < a->end_ns : a->start_ns < b->end_ns);

    return overlap && !sw_str_eq(a->facts->span->scope->name, b->facts->span->scope->name);
}

/* ---- the sibling rule ----------------------------------------------------------------------------- */

typedef struct answered {
    sw_str response_id;
    uint32_t at;
    int known;
    const uint8_t *id;
    uint32_t rank; /* 0: the one that is told best */
} answered;

static int by_response(const void *a, const void *b)
{
    const answered *x = a;
    const answered *y = b;
    int order = sw_str_cmp(x->response_id, y->response_id);

    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static int by_rank(const void *a, const void *b)
{
    const answered *x = *(answered *const *)a;
    const answered *y = *(answered *const *)b;

    return x->known != y->known ? (x->known < y->known) - (x->known > y->known)
                                : memcmp(x->id, y->id, OTLP_SPAN_ID);
}

static void fold_twins_of(trace *t, const answered *list, uint32_t count, const answered *best)
{
    uint32_t i = (uint32_t)(best - list);
    uint32_t from = i > TWINS_LOOKED_AT ? i - TWINS_LOOKED_AT : 0;
    uint32_t to = count - i > TWINS_LOOKED_AT ? i + TWINS_LOOKED_AT : count - 1;

    for (uint32_t j = from; j <= to && !t->nodes[best->at].folded; j++) {
        trace_node *other = &t->nodes[list[j].at];
        if (list[j].rank > best->rank && !other->folded && are_twins(&t->nodes[best->at], other)) {
            other->folded = true;
            other->survivor = best->at;
        }
    }
}

/* Of those that answered with one id. The one that is told best takes all its twins, then the best that is left: so no
 * survivor is folded itself, however many twins a call has. */
static sw_status fold_group(trace *t, answered *list, uint32_t count, sw_error *err)
{
    answered **ranked = sw_arena_alloc(t->arena, (count + 1) * sizeof(void *));

    if (!ranked) {
        return sw_no_memory(err);
    }
    for (uint32_t i = 0; i < count; i++) {
        list[i].known = known_fields(t, &t->nodes[list[i].at]);
        list[i].id = t->nodes[list[i].at].facts->span->span_id;
        ranked[i] = &list[i];
    }
    qsort(ranked, count, sizeof(void *), by_rank);
    for (uint32_t i = 0; i < count; i++) {
        ranked[i]->rank = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        fold_twins_of(t, list, count, ranked[i]);
    }
    return SW_STATUS_OK;
}

sw_status trace_fold_twins(trace *t, sw_error *err)
{
    answered *list = sw_arena_alloc(t->arena, (t->count + 1) * sizeof *list);
    uint32_t n = 0;
    sw_status status = list ? SW_STATUS_OK : sw_no_memory(err);

    for (uint32_t i = 0; list && i < t->count; i++) {
        const trace_node *node = &t->nodes[i];
        if (node->role == SPAN_LLM && node->facts->request_id.len > 0) {
            list[n++] = (answered){.response_id = node->facts->request_id, .at = i};
        }
    }
    if (n > 1) {
        qsort(list, n, sizeof *list, by_response);
    }
    for (uint32_t i = 0, next = 0; i < n && status == SW_STATUS_OK; i = next) {
        for (next = i + 1; next < n && sw_str_eq(list[next].response_id, list[i].response_id);) {
            next++;
        }
        status = next - i > 1 ? fold_group(t, list + i, next - i, err) : SW_STATUS_OK;
    }
    return status;
}

/* ---- holes ---------------------------------------------------------------------------------------- */

static void fill_text(sw_str *hole, sw_str from)
{
    *hole = hole->ptr ? *hole : from;
}

static bool counted(const span_usage *usage)
{
    return usage->prompt.known || usage->completion.known || usage->total.known;
}

static void fill_facts(span_facts *to, const span_facts *from)
{
    fill_text(&to->provider_name, from->provider_name);
    fill_text(&to->model, from->model);
    fill_text(&to->model_endpoint, from->model_endpoint);
    fill_text(&to->service_tier, from->service_tier);
    fill_text(&to->request_id, from->request_id);
    fill_text(&to->conversation, from->conversation);
    fill_text(&to->end_user, from->end_user);
    fill_text(&to->agent_name, from->agent_name);
    fill_text(&to->native_run, from->native_run);
    fill_text(&to->tags, from->tags);
    fill_text(&to->metadata, from->metadata);
    to->context_window_limit =
        to->context_window_limit.known ? to->context_window_limit : from->context_window_limit;
    to->ttft_ns = to->ttft_ns.known ? to->ttft_ns : from->ttft_ns;
    if (!counted(&to->usage)) {
        to->usage = from->usage;
    }
    if (to->end.status == SW_STEP_STATUS_SUCCESS && from->end.status == SW_STEP_STATUS_SUCCESS &&
        !to->end.calls_tools) {
        fill_text(&to->end.stop_reason, from->end.stop_reason);
    }
}

/* What was put together from attributes gives way to what was really sent. */
static void fill_body(sw_str *hole, bool *made, sw_str from, bool from_made)
{
    if (from.ptr && (!hole->ptr || (*made && !from_made))) {
        *hole = from;
        *made = from_made;
    }
}

/* Where only another span tells what a step was sent, its own has nothing to stay: all of the other's is read (see
 * talk_lean.c). */
static const span_talk *talk_for(trace *t, const span_talk *talk, trace_node *from)
{
    span_talk *other = trace_talk_of(t, from);
    sw_status status = SW_STATUS_OK;

    if (other && other->left_out && !talk->left_out) {
        status = span_read_talk(from->facts, t->arena, other, &t->why);
        t->failed = status == SW_STATUS_OK ? t->failed : status;
    }
    return status == SW_STATUS_OK ? other : NULL;
}

static void fill_talk(trace *t, trace_node *to, trace_node *from)
{
    span_talk *talk = trace_talk_of(t, to);
    const span_talk *other = NULL;
    bool whole = talk && talk->input_count > 0 && talk->output_count > 0 && talk->tools.ptr &&
                 talk->request_json.ptr && talk->response_json.ptr;

    other = talk && !whole ? talk_for(t, talk, from) : NULL;
    if (!other) {
        return;
    }
    if (talk->input_count == 0) {
        talk->input = other->input;
        talk->input_count = other->input_count;
        talk->cut = talk->cut || other->cut;
    }
    if (talk->output_count == 0) {
        talk->output = other->output;
        talk->output_count = other->output_count;
        talk->cut = talk->cut || other->cut;
    }
    fill_text(&talk->tools, other->tools);
    fill_body(&talk->request_json, &talk->request_made, other->request_json, other->request_made);
    fill_body(&talk->response_json, &talk->response_made, other->response_json,
              other->response_made);
}

static void fill_from(trace *t, trace_node *to, trace_node *from)
{
    span_facts *own = trace_own(t, to);

    if (own) {
        fill_facts(own, trace_facts(from));
        fill_talk(t, to, from);
    }
}

/* Twins first, in their order; then the nearest wrapper. A wrapper of several calls is of none of them. */
void trace_fill_holes(trace *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        trace_node *node = &t->nodes[i];
        if (node->folded && node->role == SPAN_LLM) {
            fill_from(t, &t->nodes[node->survivor], node);
        }
    }
    for (uint32_t i = t->count; i-- > 0;) {
        trace_node *node = &t->nodes[t->order[i]];
        if (node->folded && node->role == SPAN_WRAPPER && node->call < TRACE_MANY) {
            fill_from(t, &t->nodes[node->call], node);
        }
    }
}
