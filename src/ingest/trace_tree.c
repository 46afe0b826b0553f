/* SPDX-License-Identifier: Apache-2.0 */
/* From a set of spans to a tree: who is whose parent. Spans whose parent is not there are roots of their own
 * subtree; a circle of parents is opened at its first span. Knows no roles but the one of spans to be dropped.
 */
#include <stdlib.h>

#include "ingest/trace_inside.h"

/* A span under its id, to find parents by. */
typedef struct entry {
    const uint8_t *id;
    uint32_t at;
} entry;

static int by_id(const void *a, const void *b)
{
    const entry *x = a;
    const entry *y = b;
    int order = memcmp(x->id, y->id, OTLP_SPAN_ID);

    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static int by_start(const void *a, const void *b)
{
    const trace_node *x = a;
    const trace_node *y = b;

    if (x->start_ns != y->start_ns) {
        return x->start_ns < y->start_ns ? -1 : 1;
    }
    return memcmp(x->facts->span->span_id, y->facts->span->span_id, OTLP_SPAN_ID);
}

static bool is_zero(const uint8_t *id)
{
    static const uint8_t zero[OTLP_SPAN_ID];
    return memcmp(id, zero, sizeof zero) == 0;
}

/* A start that was not said: the first event's time, the end, or when the span came. */
static int64_t start_of(const span_facts *facts)
{
    const otlp_span *span = facts->span;
    int64_t first = 0;

    if (span->start_ns > 0) {
        return span->start_ns;
    }
    for (size_t i = 0; i < span->event_count; i++) {
        int64_t time = span->events[i].time_ns;
        first = time > 0 && (first == 0 || time < first) ? time : first;
    }
    return first > 0 ? first : span->end_ns > 0 ? span->end_ns : facts->received_ns;
}

/* A sender may ask that a span be seen as a root although it has a parent. */
static bool wants_root(const otlp_span *span)
{
    bool value = false;
    const otlp_value *said = otlp_find(&span->attributes, SW_STR("langfuse.internal.as_root"));

    return said && otlp_bool(said, &value) && value;
}

static void fill(trace_node *node, const span_facts *facts)
{
    const otlp_span *span = facts->span;

    *node = (trace_node){.facts = facts, .role = facts->role};
    node->start_ns = start_of(facts);
    node->open = span->end_ns == 0;
    node->skewed = span->end_ns > 0 && span->end_ns < node->start_ns;
    node->end_ns = span->end_ns > node->start_ns ? span->end_ns : node->start_ns;
    node->root = is_zero(span->parent_span_id) ||
                 (facts->dialect == SPAN_DIALECT_LANGFUSE && wants_root(span));
    node->parent = node->child = node->next = TRACE_NONE;
    node->agent = node->workflow = node->container = node->tool = TRACE_NONE;
    node->model = node->within = node->outermost = TRACE_NONE;
    node->top = node->named = node->talking = node->person = TRACE_NONE;
    node->inner = node->call = node->deep = node->becomes = TRACE_NONE;
    node->survivor = node->run = TRACE_NONE;
    node->step = node->caller = node->tools = node->next_tool = TRACE_NONE;
    node->http = TRACE_NONE;
}

static const entry *find(const entry *entries, uint32_t count, const uint8_t *id)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(entries[middle].id, id, OTLP_SPAN_ID) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && memcmp(entries[low].id, id, OTLP_SPAN_ID) == 0 ? &entries[low] : NULL;
}

static void link_parents(trace *t, entry *entries)
{
    for (uint32_t i = 0; i < t->count; i++) {
        entries[i] = (entry){t->nodes[i].facts->span->span_id, i};
    }
    qsort(entries, t->count, sizeof *entries, by_id);
    for (uint32_t i = 0; i < t->count; i++) {
        trace_node *node = &t->nodes[i];
        const entry *parent =
            node->root ? NULL : find(entries, t->count, node->facts->span->parent_span_id);
        node->parent = parent && parent->at != i ? parent->at : TRACE_NONE;
    }
}

/* Walks up from each node that was not walked over; `seen` holds the walk's number. Whoever meets his own walk
 * has found a circle: its first span loses its parent. */
static void open_circles(trace *t, uint32_t *seen)
{
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t at = i;
        while (at != TRACE_NONE && seen[at] == 0) {
            seen[at] = i + 1;
            at = t->nodes[at].parent;
        }
        if (at != TRACE_NONE && seen[at] == i + 1) {
            uint32_t first = at;
            for (uint32_t on = t->nodes[at].parent; on != at; on = t->nodes[on].parent) {
                first = on < first ? on : first;
            }
            t->nodes[first].parent = TRACE_NONE;
        }
    }
}

/* Children in the order of nodes, and all nodes level by level. */
static void put_in_order(trace *t)
{
    uint32_t filled = 0;

    for (uint32_t i = t->count; i-- > 0;) {
        trace_node *node = &t->nodes[i];
        if (node->parent != TRACE_NONE) {
            node->next = t->nodes[node->parent].child;
            t->nodes[node->parent].child = i;
        }
    }
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->nodes[i].parent == TRACE_NONE) {
            t->order[filled++] = i;
        }
    }
    for (uint32_t i = 0; i < filled; i++) {
        uint32_t child = t->nodes[t->order[i]].child;
        for (; child != TRACE_NONE; child = t->nodes[child].next) {
            t->order[filled++] = child;
        }
    }
    sw_assert(filled == t->count);
}

sw_status trace_plant(trace *t, const span_facts *facts, size_t count, sw_error *err)
{
    entry *entries = NULL;
    uint32_t *seen = NULL;
    uint32_t n = 0;

    if (count >= TRACE_NONE / 2) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "spans", "there are too many in one trace");
    }
    t->nodes = sw_arena_alloc(t->arena, (count + 1) * sizeof *t->nodes);
    t->order = sw_arena_alloc(t->arena, (count + 1) * sizeof *t->order);
    t->steps = sw_arena_alloc(t->arena, (count + 1) * sizeof *t->steps);
    entries = sw_arena_alloc(t->arena, (count + 1) * sizeof *entries);
    seen = sw_arena_zeroed(t->arena, (count + 1) * sizeof *seen);
    if (!t->nodes || !t->order || !t->steps || !entries || !seen) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        if (facts[i].role != SPAN_DROP) {
            fill(&t->nodes[n++], &facts[i]);
        }
    }
    t->count = n;
    qsort(t->nodes, n, sizeof *t->nodes, by_start);
    link_parents(t, entries);
    open_circles(t, seen);
    put_in_order(t);
    return SW_STATUS_OK;
}
