/* SPDX-License-Identifier: Apache-2.0 */
/* Runs (telemetry.md E.3): an agent's span is a run, and so is a workflow's that is inside no agent; a root that
 * wraps model calls, or is one, is the run of those that have neither; what is left belongs to a run of the
 * trace itself. A run begins and ends with its span; the trace's run with its steps, once the trace is quiet.
 */
#include "ingest/trace_inside.h"
#include "model/model.h"

/* ---- who decides ----------------------------------------------------------------------------------- */

/* The nearest run above a span, agents before workflows. */
static uint32_t run_above(const trace_node *node)
{
    return node->agent != TRACE_NONE ? node->agent : node->workflow;
}

static bool may_decide_as_root(const trace_node *root)
{
    return root->root && (root->role == SPAN_WRAPPER || root->role == SPAN_LLM ||
                          root->role == SPAN_RETRIEVAL || root->role == SPAN_EMBEDDING);
}

void trace_choose_runs(trace *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        trace_node *node = &t->nodes[i];
        node->is_run = (node->role == SPAN_AGENT && !node->collapsed) ||
                       (node->role == SPAN_WORKFLOW && node->agent == TRACE_NONE);
    }
    for (uint32_t i = 0; i < t->step_count; i++) {
        trace_node *step = &t->nodes[t->steps[i]];
        step->run = run_above(step);
        if (step->run == TRACE_NONE && may_decide_as_root(&t->nodes[step->top])) {
            step->run = step->top;
            t->nodes[step->top].is_run = true;
        }
    }
}

static sw_str span_run_id(const trace *t, const trace_node *node)
{
    trace_keys own;

    trace_own_keys(t, node, "agent-span", &own);
    return trace_own_id(t, "run", &own);
}

static sw_str make_trace_run(const trace *t)
{
    return trace_make_id(t, "run", "trace", &t->trace_hex, 1, -1);
}

sw_str trace_run_of(const trace *t, const trace_node *step)
{
    return step->run == TRACE_NONE ? t->trace_run : sw_str_from(t->nodes[step->run].run_id);
}

/* ---- what the steps of a run say of it -------------------------------------------------------------- */

typedef struct sums {
    uint32_t first; /* step */
    uint32_t last;  /* the one that ended last */
    int64_t end_ns; /* of steps and their tools */
    bool tools;     /* the last one's answer calls tools */
    sw_str conversation;
} sums;

static int64_t end_with_tools(const trace *t, const trace_node *step)
{
    int64_t end = step->end_ns;

    for (uint32_t i = step->tools; i != TRACE_NONE; i = t->nodes[i].next_tool) {
        end = t->nodes[i].end_ns > end ? t->nodes[i].end_ns : end;
    }
    return end;
}

static void add_step(const trace *t, sums *s, uint32_t at)
{
    const trace_node *step = &t->nodes[at];
    int64_t end = end_with_tools(t, step);

    if (s->first == TRACE_NONE) {
        s->first = s->last = at;
    }
    s->end_ns = end > s->end_ns ? end : s->end_ns;
    s->last = step->end_ns >= t->nodes[s->last].end_ns ? at : s->last;
    s->conversation = s->conversation.ptr ? s->conversation : trace_conversation(t, step);
}

/* Of every run its sums, by the node that decides; the trace's own stand last. */
static sums *sum_up(const trace *t)
{
    sums *all = sw_arena_alloc(t->arena, ((size_t)t->count + 1) * sizeof *all);

    for (uint32_t i = 0; all && i <= t->count; i++) {
        all[i] = (sums){.first = TRACE_NONE, .last = TRACE_NONE};
    }
    for (uint32_t i = 0; all && i < t->step_count; i++) {
        uint32_t run = t->nodes[t->steps[i]].run;
        add_step(t, &all[run == TRACE_NONE ? t->count : run], t->steps[i]);
    }
    return all;
}

/* ---- how it ended ------------------------------------------------------------------------------------ */

/* Frameworks that stop at a limit say so by the class of what they raise. */
static bool is_step_limit(sw_str error_type)
{
    static const char *const words[] = {"MaxTurnsExceeded", "UsageLimitExceeded",
                                        "GraphRecursionError", "MaxStepsExceeded"};
    for (size_t i = 0; error_type.ptr && i < SW_COUNT(words); i++) {
        if (sw_str_contains_nocase(error_type, sw_str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

static sw_str word_of(sw_stop_reason reason)
{
    return sw_str_from(sw_enum_word(SW_ENUM_stop_reason, reason));
}

/* An agent that ended without an error ended its turn, unless its last step says more. (A run without a reason is one
 * that ended by silence.) */
static sw_str last_reason(const trace *t, const sums *s)
{
    sw_str said =
        s->last == TRACE_NONE ? SW_NULL_STR : trace_facts(&t->nodes[s->last])->end.stop_reason;
    return said.ptr ? said : word_of(SW_STOP_REASON_END_TURN);
}

static void end_run(const trace *t, const span_end *end, const sums *s, sw_run *run)
{
    if (end->status == SW_STEP_STATUS_FAILED) {
        run->status = sw_int_of(SW_RUN_STATUS_FAILED);
        run->stop_reason = word_of(is_step_limit(end->error_type) ? SW_STOP_REASON_MAX_STEPS
                                                                  : SW_STOP_REASON_ERROR);
    } else if (end->status == SW_STEP_STATUS_CANCELLED) {
        run->status = sw_int_of(SW_RUN_STATUS_CANCELLED);
        run->stop_reason = word_of(SW_STOP_REASON_CANCELLED);
    } else {
        run->status = sw_int_of(SW_RUN_STATUS_COMPLETED);
        run->stop_reason = last_reason(t, s);
    }
}

/* ---- the row ----------------------------------------------------------------------------------------- */

static sw_str metadata_of(trace *t, const trace_node *node, sw_str conversation)
{
    sw_buf buf;
    sw_json_out json;
    sw_str native = node ? trace_facts(node)->native_run : SW_NULL_STR;
    sw_str hex = node && node->facts->told ? node->facts->told->trace_hex : t->trace_hex;

    sw_buf_init(&buf, t->arena->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&json, &buf, false);
    sw_json_open(&json, '{');
    if (hex.ptr) {
        sw_json_key(&json, SW_STR("trace_id"));
        sw_json_str(&json, hex);
    }
    if (node && !node->facts->told && node->facts->span->name.ptr) {
        sw_json_key(&json, SW_STR("span_name"));
        sw_json_str(&json, node->facts->span->name);
    }
    if (conversation.ptr) {
        sw_json_key(&json, SW_STR("conversation"));
        sw_json_str(&json, conversation);
    }
    if (native.ptr) {
        sw_json_key(&json, SW_STR("native_run_id"));
        sw_json_str(&json, native);
    }
    sw_json_close(&json, '}');
    return trace_take_text(t, &buf);
}

/* The trace's own run begins with the trace: nodes stand by start. So its beginning only moves back, however its
 * steps move to runs that become known. */
static int64_t start_of(const trace *t, const trace_node *node)
{
    return node ? node->start_ns : t->nodes[0].start_ns;
}

static void put_times(const trace *t, const trace_node *node, const sums *s, sw_run *run)
{
    int64_t start = start_of(t, node);
    int64_t end = node && !node->open ? node->end_ns : s->end_ns > start ? s->end_ns : start;
    const trace_node *first = s->first == TRACE_NONE ? NULL : &t->nodes[s->first];
    sw_int ttft = first ? trace_facts(first)->ttft_ns : SW_NULL_INT;

    run->created_at = sw_int_of(start / 1000);
    if (run->status.value != SW_RUN_STATUS_RUNNING) {
        run->completed_at = sw_int_of(end / 1000);
        run->total_duration_ns = sw_int_of(end - start);
    }
    if (ttft.known && ttft.value >= 0) {
        int64_t waited = first->start_ns > start ? first->start_ns - start : 0;
        run->ttft_ns = sw_int_of(ttft.value > INT64_MAX - waited ? INT64_MAX : ttft.value + waited);
    }
}

static sw_str agent_of(trace *t, const trace_node *node, const sums *s)
{
    sw_str name = node ? trace_agent_name(t, node) : SW_NULL_STR;

    if (!name.ptr && s->first != TRACE_NONE) {
        name = trace_agent_name(t, &t->nodes[s->first]);
    }
    t->nobody = t->nobody || !name.ptr;
    return name.ptr ? name : TRACE_NOBODY;
}

/* `node` NULL: the run of the trace itself. */
static void fill_run(trace *t, const trace_node *node, const sums *s, sw_run *run)
{
    sw_str conversation = node ? trace_conversation(t, node) : SW_NULL_STR;
    uint32_t above = node ? run_above(node) : TRACE_NONE;

    conversation = conversation.ptr ? conversation : s->conversation;
    *run = (sw_run){
        .id = node ? sw_str_from(node->run_id) : t->trace_run,
        .status = sw_int_of(SW_RUN_STATUS_RUNNING),
        .project_id = t->whose->project_id,
        .agent_id = trace_agent_id(t, agent_of(t, node, s)),
        .metadata = metadata_of(t, node, conversation),
        .source = sw_int_of(SW_SOURCE_OTLP),
    };
    if (above != TRACE_NONE) {
        run->parent_run_id = sw_str_from(t->nodes[above].run_id);
    }
    if (node && !node->open) {
        end_run(t, &trace_facts(node)->end, s, run);
    } else if (t->whose->quiet) { /* by silence: without a reason, so that it may run again */
        run->status = sw_int_of(SW_RUN_STATUS_COMPLETED);
    }
    put_times(t, node, s, run);
    (void)trace_fit(SW_RECORD_RUN, run, t->arena);
    run->conversation_id = conversation; /* a key, of which the ledger makes an id */
}

static bool decides_sometimes(const trace_node *node)
{
    return node->role == SPAN_AGENT || node->role == SPAN_WORKFLOW || may_decide_as_root(node);
}

static void name_runs(trace *t, bool trace_level, trace_result *out, sw_str *ghosts)
{
    sw_str own = make_trace_run(t);

    if (trace_level) {
        t->trace_run = own;
    } else {
        ghosts[out->ghost_count++] = own;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        trace_node *node = &t->nodes[i];
        if (node->is_run) {
            node->run_id = span_run_id(t, node).ptr;
        } else if (decides_sometimes(node)) {
            ghosts[out->ghost_count++] = span_run_id(t, node);
        }
        if (node->facts->detailed) {
            ghosts[out->ghost_count++] = trace_lone_id(t, "run", node);
        }
    }
}

/* A run, and before it those that it is in. (The one that a collapsed agent became may stand further down than what
 * this did.) `waiting` has room for all. */
static void fill_with_parents(trace *t, const sums *all, uint32_t at, uint32_t *waiting,
                              trace_result *out, sw_run *runs)
{
    uint32_t count = 0;

    for (; at != TRACE_NONE && t->nodes[at].is_run && !t->nodes[at].written;
         at = run_above(&t->nodes[at])) {
        t->nodes[at].written = true;
        waiting[count++] = at;
    }
    while (count-- > 0) {
        at = waiting[count];
        fill_run(t, &t->nodes[at], &all[at], &runs[out->run_count++]);
    }
}

sw_status trace_write_runs(trace *t, trace_result *out, sw_error *err)
{
    const sums *all = sum_up(t);
    sw_run *runs = sw_arena_alloc(t->arena, ((size_t)t->count + 1) * sizeof *runs);
    sw_str *ghosts = sw_arena_alloc(t->arena, (2 * (size_t)t->count + 1) * sizeof *ghosts);
    uint32_t *waiting = sw_arena_alloc(t->arena, ((size_t)t->count + 1) * sizeof *waiting);
    bool trace_level = false;

    if (!all || !runs || !ghosts || !waiting) {
        return sw_no_memory(err);
    }
    trace_level = all[t->count].first != TRACE_NONE;
    name_runs(t, trace_level, out, ghosts);
    if (t->arena->failed) {
        return sw_no_memory(err);
    }
    if (trace_level) {
        fill_run(t, NULL, &all[t->count], &runs[out->run_count++]);
    }
    for (uint32_t i = 0; i < t->count; i++) {
        fill_with_parents(t, all, t->order[i], waiting, out, runs);
    }
    out->runs = runs;
    out->ghosts = ghosts;
    return t->arena->failed ? sw_no_memory(err) : SW_STATUS_OK;
}
