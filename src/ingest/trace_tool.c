/* SPDX-License-Identifier: Apache-2.0 */
/* Which step a tool execution belongs to (telemetry.md E.2): the one whose answer asked for it by id; else the
 * model span above it; else the one before it in the same wrapper, agent or trace; else none.
 *
 * Tools run concurrently and streaming runtimes start them before the model's span ends, so that times decide
 * only where nothing else does.
 */
#include <stdlib.h>

#include "ingest/span_internal.h"
#include "ingest/trace_inside.h"

/* A tool may begin so long before the end of the model span that asked for it. */
enum { EARLY_NS = 5000000 };

/* ---- by call id ----------------------------------------------------------------------------------- */

typedef struct asked {
    sw_str id;
    uint32_t at;
} asked;

typedef struct asked_list {
    asked *items;
    size_t count;
    size_t room;
} asked_list;

static int by_call(const void *a, const void *b)
{
    const asked *x = a;
    const asked *y = b;
    int order = sw_str_cmp(x->id, y->id);

    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static bool add_calls(trace *t, asked_list *list, uint32_t at, sw_str tool_calls)
{
    sw_json json;
    trace_call call;

    if (!trace_calls(&json, tool_calls, t->arena)) {
        return true;
    }
    while (trace_next_call(&json, &call)) {
        asked *items = NULL;
        if (call.id.len == 0) {
            continue;
        }
        items = sw_arena_grow(t->arena, list->items, list->count, &list->room, sizeof *items);
        if (!items) {
            return false;
        }
        list->items = items;
        items[list->count++] = (asked){call.id, at};
    }
    return true;
}

static sw_status list_calls(trace *t, asked_list *list, sw_error *err)
{
    for (uint32_t i = 0; i < t->step_count; i++) {
        const span_talk *talk = trace_talk_of(t, &t->nodes[t->steps[i]]);
        for (size_t m = 0; talk && m < talk->output_count; m++) {
            if (!add_calls(t, list, t->steps[i], talk->output[m].tool_calls)) {
                return sw_no_memory(err);
            }
        }
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, by_call);
    }
    return SW_STATUS_OK;
}

/* Of several steps that asked with this id, the last that began before the tool; else the first. */
static uint32_t by_call_id(const trace *t, const asked_list *list, sw_str id, int64_t start_ns)
{
    size_t low = 0;
    size_t high = list->count;
    uint32_t found = TRACE_NONE;

    while (id.len > 0 && low < high) {
        size_t middle = low + (high - low) / 2;
        if (sw_str_cmp(list->items[middle].id, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < list->count && sw_str_eq(list->items[low].id, id); low++) {
        uint32_t at = list->items[low].at;
        if (found != TRACE_NONE && t->nodes[at].start_ns > start_ns) {
            break;
        }
        found = at;
    }
    return found;
}

/* ---- by time -------------------------------------------------------------------------------------- */

/* A step at a time within a group: those that share a container, or a run. */
typedef struct slot {
    uint64_t group;
    int64_t time;
    uint32_t at;
} slot;

enum { IN_CONTAINER, IN_RUN, LEVELS };
enum { ENDS, STARTS, TIMES };
typedef struct slots {
    slot *items[LEVELS][TIMES];
} slots;

static int by_time(const void *a, const void *b)
{
    const slot *x = a;
    const slot *y = b;

    if (x->group != y->group) {
        return x->group < y->group ? -1 : 1;
    }
    if (x->time != y->time) {
        return x->time < y->time ? -1 : 1;
    }
    return (x->at > y->at) - (x->at < y->at);
}

/* Calls that a tool makes itself are a group of their own. */
static uint64_t group_of(const trace_node *node, int level)
{
    uint32_t above = level == IN_CONTAINER       ? node->container
                     : node->agent != TRACE_NONE ? node->agent
                                                 : node->workflow;
    return (uint64_t)above << 32 | node->tool;
}

static bool make_slots(trace *t, slots *s)
{
    for (int level = 0; level < LEVELS; level++) {
        for (int when = 0; when < TIMES; when++) {
            slot *items = sw_arena_alloc(t->arena, (t->step_count + 1) * sizeof *items);
            if (!items) {
                return false;
            }
            for (uint32_t i = 0; i < t->step_count; i++) {
                const trace_node *node = &t->nodes[t->steps[i]];
                items[i] = (slot){group_of(node, level),
                                  when == ENDS ? node->end_ns : node->start_ns, t->steps[i]};
            }
            qsort(items, t->step_count, sizeof *items, by_time);
            s->items[level][when] = items;
        }
    }
    return true;
}

/* The last of the group that is not after the time. */
static uint32_t last_before(const slot *items, uint32_t count, uint64_t group, int64_t time)
{
    slot limit = {group, time, TRACE_NONE};
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (by_time(&items[middle], &limit) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && items[low - 1].group == group ? items[low - 1].at : TRACE_NONE;
}

static uint32_t by_place(const trace *t, const slots *s, const trace_node *tool)
{
    for (int level = tool->container == TRACE_NONE ? IN_RUN : IN_CONTAINER; level < LEVELS;
         level++) {
        uint64_t group = group_of(tool, level);
        uint32_t at = last_before(
            s->items[level][ENDS], t->step_count, group,
            tool->start_ns > INT64_MAX - EARLY_NS ? INT64_MAX : tool->start_ns + EARLY_NS);
        if (at == TRACE_NONE) {
            at = last_before(s->items[level][STARTS], t->step_count, group, tool->start_ns);
        }
        if (at != TRACE_NONE) {
            return at;
        }
    }
    return TRACE_NONE;
}

/* ---- a tool inside a tool -------------------------------------------------------------------------- */

/* It tells of the same execution, and what the outer one does not say of it. */
static void merge_inner(trace *t, const trace_node *inner)
{
    span_facts *own = trace_own(t, &t->nodes[inner->outermost]);
    const span_facts *said = inner->facts;

    if (own) {
        own->tool_name = own->tool_name.ptr ? own->tool_name : said->tool_name;
        own->tool_call_id = own->tool_call_id.ptr ? own->tool_call_id : said->tool_call_id;
        own->tool_arguments = own->tool_arguments.ptr ? own->tool_arguments : said->tool_arguments;
        own->tool_result = own->tool_result.ptr ? own->tool_result : said->tool_result;
    }
}

static bool ends_with(sw_str text, sw_str end)
{
    return text.len >= end.len && memcmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

void trace_tool_time(const trace *t, const trace_node *tool, int64_t *start_ns, int64_t *end_ns)
{
    bool found = false;

    *start_ns = tool->start_ns;
    *end_ns = tool->end_ns;
    for (uint32_t i = tool->child; tool->facts->tool_waited && i != TRACE_NONE;
         i = t->nodes[i].next) {
        const trace_node *child = &t->nodes[i];
        if (child->facts->span->name.ptr &&
            ends_with(child->facts->span->name, SW_STR(".execution"))) {
            *start_ns = found ? *start_ns : child->start_ns; /* children stand by start */
            *end_ns = found && *end_ns > child->end_ns ? *end_ns : child->end_ns;
            found = true;
        }
    }
}

/* Claude Code says in a span inside the tool's what the person answered. */
sw_str trace_tool_refused(const trace *t, const trace_node *tool)
{
    span_end end = trace_facts(tool)->end;

    for (uint32_t i = tool->child; tool->facts->tool_waited && i != TRACE_NONE;
         i = t->nodes[i].next) {
        const otlp_span *child = t->nodes[i].facts->span;
        if (child->name.ptr && ends_with(child->name, SW_STR(".blocked_on_user"))) {
            span_read_decision(child, &end);
        }
    }
    return end.stop_reason;
}

/* ---- all ------------------------------------------------------------------------------------------- */

static void attach(trace *t, const asked_list *calls, const slots *s, uint32_t i)
{
    trace_node *tool = &t->nodes[i];
    const trace_node *above = tool->tool == TRACE_NONE ? NULL : &t->nodes[tool->tool];
    uint32_t at = by_call_id(t, calls, trace_facts(tool)->tool_call_id, tool->start_ns);

    tool->caller = above == NULL               ? TRACE_NONE
                   : above->step != TRACE_NONE ? above->step
                                               : above->caller;
    if (tool->within != TRACE_NONE && (at == TRACE_NONE || at == t->nodes[tool->within].step)) {
        return; /* the outer one has it */
    }
    if (at == TRACE_NONE && tool->model != TRACE_NONE) {
        at = trace_survivor(t, tool->model);
    }
    at = at == TRACE_NONE ? by_place(t, s, tool) : at;
    tool->step = at;
}

sw_status trace_attach(trace *t, sw_error *err)
{
    asked_list calls = {NULL, 0, 0};
    slots s;
    sw_status status = list_calls(t, &calls, err);

    if (status != SW_STATUS_OK || !make_slots(t, &s)) {
        return status != SW_STATUS_OK ? status : sw_no_memory(err);
    }
    for (uint32_t i = 0; i < t->count; i++) { /* the nearest first */
        const trace_node *node = &t->nodes[t->order[i]];
        if (node->role == SPAN_TOOL && node->within != TRACE_NONE) {
            merge_inner(t, node);
        }
    }
    for (uint32_t i = 0; i < t->count; i++) { /* outer ones first */
        if (t->nodes[t->order[i]].role == SPAN_TOOL) {
            attach(t, &calls, &s, t->order[i]);
        }
    }
    for (uint32_t i = t->count; i-- > 0;) { /* lists by start */
        trace_node *tool = &t->nodes[i];
        if (tool->role == SPAN_TOOL && tool->step != TRACE_NONE) {
            tool->next_tool = t->nodes[tool->step].tools;
            t->nodes[tool->step].tools = i;
        }
    }
    return SW_STATUS_OK;
}
