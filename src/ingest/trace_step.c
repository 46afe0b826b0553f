/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: each field of a step from the facts of its span, of the spans above it, and of its tools (the table of
 * telemetry.md B.8, and the times of E.2).
 */
#include <stdlib.h>

#include "ingest/trace_inside.h"
#include "model/model.h"

#define YEAR_2015_NS INT64_C(1420070400000000000)
#define DAY_NS INT64_C(86400000000000)

/* ---- who ---------------------------------------------------------------------------------------------- */

sw_str trace_agent_name(const trace *t, const trace_node *node)
{
    const span_facts *own = trace_facts(node);
    sw_str name = own->agent_name.ptr         ? own->agent_name
                  : node->named != TRACE_NONE ? t->nodes[node->named].facts->agent_name
                                              : own->service_name;
    name = name.len > 0 ? name : SW_NULL_STR;
    return trace_fit_text(name, SW_LIMIT_TEXT_BYTES, t->arena);
}

sw_str trace_agent_id(const trace *t, sw_str name)
{
    return name.ptr ? trace_make_id(t, "agent", "agent", &name, 1, -1) : SW_NULL_STR;
}

/* The sender's key, of any length; the ledger makes an id of it. */
sw_str trace_conversation(const trace *t, const trace_node *node)
{
    const span_facts *own = trace_facts(node);
    sw_str key = own->conversation.ptr         ? own->conversation
                 : node->talking != TRACE_NONE ? t->nodes[node->talking].facts->conversation
                                               : SW_NULL_STR;
    return key.len > 0 ? trace_fit_text(key, SW_LIMIT_JSON_BYTES, t->arena) : SW_NULL_STR;
}

static sw_str end_user_of(const trace *t, const trace_node *node)
{
    const span_facts *own = trace_facts(node);

    return own->end_user.ptr            ? own->end_user
           : node->person != TRACE_NONE ? t->nodes[node->person].facts->end_user
                                        : SW_NULL_STR;
}

sw_str trace_step_id(const trace *t, const trace_node *node)
{
    trace_keys own;

    trace_own_keys(t, node, "span", &own);
    return trace_own_id(t, "step", &own);
}

/* The step whose tool the span ran in. */
static sw_str parent_step(const trace *t, const trace_node *node)
{
    const trace_node *tool = node->tool == TRACE_NONE ? NULL : &t->nodes[node->tool];
    uint32_t above = tool ? tool->step != TRACE_NONE ? tool->step : tool->caller : TRACE_NONE;

    return above == TRACE_NONE ? SW_NULL_STR : trace_step_id(t, &t->nodes[above]);
}

static sw_str origin_of(trace *t, const span_facts *facts)
{
    static const char *const words[] = {
#define SW_DIALECT(NAME, WORD, DOC) WORD,
#include "model/dialects.def"
#undef SW_DIALECT
    };
    return sw_arena_printf(t->arena, "otel:%s", words[facts->dialect]);
}

/* ---- times -------------------------------------------------------------------------------------------- */

typedef struct interval {
    int64_t start;
    int64_t end;
} interval;

static int by_start(const void *a, const void *b)
{
    const interval *x = a;
    const interval *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* Time that overlaps counts once. *last: when the last one ended. */
static int64_t union_of(interval *all, size_t count, int64_t *last)
{
    int64_t sum = 0;
    int64_t covered = INT64_MIN;

    qsort(all, count, sizeof *all, by_start);
    for (size_t i = 0; i < count; i++) {
        int64_t from = all[i].start > covered ? all[i].start : covered;
        if (all[i].end > from) {
            sum += all[i].end - from;
        }
        covered = all[i].end > covered ? all[i].end : covered;
    }
    *last = covered;
    return sum;
}

/* The start of a span that wraps this call and its tools alone, where a framework has one. */
static int64_t step_start(const trace *t, const trace_node *node)
{
    const trace_node *parent = node->parent == TRACE_NONE ? NULL : &t->nodes[node->parent];
    bool wraps = parent && parent->role == SPAN_WRAPPER && parent->call < TRACE_MANY &&
                 sw_str_eq(parent->facts->operation, SW_STR("agent_step"));
    return wraps && parent->start_ns < node->start_ns ? parent->start_ns : node->start_ns;
}

static bool put_metrics(trace *t, const trace_node *node, trace_step *step)
{
    sw_step_metrics *m = sw_arena_zeroed(t->arena, sizeof *m);
    interval *tools = NULL;
    int64_t start = step_start(t, node);
    int64_t end = node->end_ns;
    size_t n = 0;

    for (uint32_t i = node->tools; i != TRACE_NONE; i = t->nodes[i].next_tool) {
        n++;
    }
    tools = n > 0 ? sw_arena_alloc(t->arena, n * sizeof *tools) : NULL;
    if (!m || (n > 0 && !tools)) {
        return false;
    }
    n = 0;
    for (uint32_t i = node->tools; i != TRACE_NONE; i = t->nodes[i].next_tool) {
        trace_tool_time(t, &t->nodes[i], &tools[n].start, &tools[n].end);
        n++;
    }
    m->step_start_ns = sw_int_of(start);
    m->llm_request_start_ns = sw_int_of(node->start_ns);
    m->llm_request_ns = node->open ? SW_NULL_INT : sw_int_of(node->end_ns - node->start_ns);
    m->ttft_ns = trace_facts(node)->ttft_ns;
    if (n > 0) {
        int64_t last = 0;
        m->tool_execution_ns = sw_int_of(union_of(tools, n, &last));
        end = last > end ? last : end;
    }
    m->step_ns = node->open && n == 0 ? SW_NULL_INT : sw_int_of(end - start);
    if (m->ttft_ns.value < 0) {
        m->ttft_ns = SW_NULL_INT;
    }
    step->entry.metrics = m;
    return true;
}

/* ---- errors -------------------------------------------------------------------------------------------- */

/* Something more before the bracket at the end, which is `open`'s; of nothing, what is put between the two. */
static sw_str add_last(trace *t, sw_str json, char open, const char *more)
{
    char close = open == '{' ? '}' : ']';
    size_t len = json.len;
    size_t last = 0;

    while (len > 0 && json.ptr[len - 1] != close) {
        len--;
    }
    if (len == 0) {
        return sw_arena_printf(t->arena, "%c%s%c", open, more, close);
    }
    for (last = len - 1; last > 0 && strchr(" \t\r\n", json.ptr[last - 1]); last--) {
    }
    return sw_arena_printf(t->arena, "%.*s%s%s%c", (int)last, json.ptr,
                           json.ptr[last - 1] == open ? "" : ",", more, close);
}

static void put_error(trace *t, const trace_node *node, sw_step *step)
{
    const span_facts *facts = trace_facts(node);
    const trace_node *http = node->http == TRACE_NONE ? NULL : &t->nodes[node->http];
    sw_int code = http ? http->facts->http_status : SW_NULL_INT;
    bool bad = step->status.value == SW_STEP_STATUS_FAILED && span_http_failed(code);

    step->error_type = facts->end.error_type;
    step->error_data = facts->end.error_data;
    if (bad && !step->error_type.ptr) {
        step->error_type = sw_arena_printf(t->arena, "%lld", (long long)code.value);
    }
    if (bad && !step->error_data.ptr) {
        sw_int sent = http->facts->attempt;
        sw_str again = sent.known
                           ? sw_arena_printf(t->arena, ",\"attempt\":%lld", (long long)sent.value)
                           : SW_STR("");
        step->error_data = sw_arena_printf(t->arena, "{\"details\":{\"status_code\":%lld%.*s}}",
                                           (long long)code.value, (int)again.len, again.ptr);
    }
    if (node->skewed) {
        step->error_data = add_last(t, step->error_data, '{', "\"clock_skew\":true");
    }
}

/* A clock that cannot be right is kept, and said. */
static bool is_odd_time(const trace_node *node)
{
    int64_t came = node->facts->received_ns;
    return node->start_ns < YEAR_2015_NS ||
           (came > 0 && came < INT64_MAX - DAY_NS && node->start_ns > came + DAY_NS);
}

/* ---- the row -------------------------------------------------------------------------------------------- */

/* A tool that was not let run says how the step stands. */
static sw_str stop_reason_of(const trace *t, const trace_node *node)
{
    sw_str own = trace_facts(node)->end.stop_reason;
    static const sw_stop_reason of_tools[] = {SW_STOP_REASON_REQUIRES_APPROVAL,
                                              SW_STOP_REASON_TOOL_RULE, SW_STOP_REASON_CANCELLED};

    for (uint32_t i = node->tools; !own.ptr && i != TRACE_NONE; i = t->nodes[i].next_tool) {
        sw_str said = trace_tool_refused(t, &t->nodes[i]);
        for (size_t w = 0; said.ptr && w < SW_COUNT(of_tools); w++) {
            sw_str word = sw_str_from(sw_enum_word(SW_ENUM_stop_reason, of_tools[w]));
            own = sw_str_eq(said, word) ? word : own;
        }
    }
    return own;
}

/* Where there is no room for one more the sender's own stay. */
static void tag_evaluator(trace *t, sw_step *step)
{
    const sw_field *tags = &sw_record_of(SW_RECORD_STEP)->fields[SW_STEP_TAGS];
    sw_str own = step->tags;

    if (own.ptr && sw_tags_have(own, SW_STR("evaluator"))) {
        return;
    }
    step->tags = add_last(t, own, '[', "\"evaluator\"");
    if (sw_field_check(tags, step, "", NULL) != SW_STATUS_OK) {
        step->tags = own;
    }
}

static void put_step(trace *t, const trace_node *node, sw_step *step)
{
    const span_facts *facts = trace_facts(node);
    const trace_node *http = node->http == TRACE_NONE ? NULL : &t->nodes[node->http];

    *step = (sw_step){
        .id = trace_step_id(t, node),
        .origin = origin_of(t, node->facts),
        .run_id = trace_run_of(t, node),
        .agent_id = trace_agent_id(t, trace_agent_name(t, node)),
        .provider_name = facts->provider_name,
        .model = facts->model,
        .model_endpoint = facts->model_endpoint.ptr ? facts->model_endpoint
                          : http                    ? http->facts->model_endpoint
                                                    : SW_NULL_STR,
        .context_window_limit = facts->context_window_limit,
        .stop_reason = stop_reason_of(t, node),
        .tags = facts->tags,
        .trace_id = node->facts->told ? node->facts->told->trace_hex : t->trace_hex,
        .request_id = facts->request_id,
        .status = sw_int_of(facts->end.status == SW_STEP_STATUS_PENDING ? SW_STEP_STATUS_SUCCESS
                                                                        : facts->end.status),
        .project_id = t->whose->project_id,
        .created_at = sw_int_of(node->start_ns / 1000),
        .source = sw_int_of(SW_SOURCE_OTLP),
        .parent_step_id = parent_step(t, node),
        .end_user = end_user_of(t, node),
        .metadata = facts->metadata,
        .service_tier = facts->service_tier,
    };
    span_usage_put(&facts->usage, step);
    put_error(t, node, step);
    if (node->evaluator) {
        tag_evaluator(t, step);
    }
    if (is_odd_time(node)) {
        step->metadata = add_last(t, step->metadata, '{', "\"clock_suspect\":true");
    }
}

static void add_name(trace_step *step, const char *kind, sw_str value)
{
    if (value.ptr && step->name_count < SW_COUNT(step->names)) {
        step->names[step->name_count++] = (span_name){sw_str_from(kind), value};
    }
}

/* Coding agents tell of the same call in log records too: both know it by these names. */
static void name_step(trace *t, const trace_node *node, trace_step *step)
{
    const span_facts *facts = trace_facts(node);
    trace_keys own;

    for (size_t i = 0; i < node->facts->name_count; i++) {
        step->names[step->name_count++] = node->facts->names[i];
    }
    if (node->facts->told) {
        return;
    }
    if (facts->dialect == SPAN_DIALECT_CLAUDE_CODE) {
        add_name(step, "cc-request", facts->request_id);
    } else if (facts->dialect == SPAN_DIALECT_GEMINI_CLI) {
        trace_own_keys(t, node, "span", &own);
        add_name(step, "span",
                 sw_arena_printf(t->arena, "%.*s %.*s", (int)own.keys[0].len, own.keys[0].ptr,
                                 (int)own.keys[1].len, own.keys[1].ptr));
        add_name(step, "gemini-counts",
                 span_chat_name(facts->conversation, facts->native_run, &facts->usage, t->arena));
    } else if (facts->dialect == SPAN_DIALECT_CODEX) {
        const span_counts *n = &facts->counts;
        const sw_int counts[] = {n->input, n->cache_read, n->output, n->reasoning};
        add_name(step, "codex-call", span_counts_name(t->trace_hex, counts, t->arena));
        if (facts->conversation.ptr) {
            add_name(step, "codex-counts", span_counts_name(facts->conversation, counts, t->arena));
        }
    }
}

static bool put_trace(trace *t, trace_node *node, trace_step *step)
{
    const span_talk *talk = trace_talk_of(t, node);
    sw_provider_trace *row = NULL;

    if (!talk || talk->left_out || (!talk->request_json.ptr && !talk->response_json.ptr)) {
        return talk != NULL;
    }
    row = sw_arena_zeroed(t->arena, sizeof *row);
    if (!row) {
        return false;
    }
    row->id = trace_part_id(t, node, "provider_trace", SW_STR("provider_trace"), 0);
    row->request_json = talk->request_json.ptr ? talk->request_json : SW_STR("{}");
    row->response_json = talk->response_json.ptr ? talk->response_json : SW_STR("{}");
    row->call_type = SW_STR("agent_step");
    row->source = step->entry.step.origin;
    row->created_at = step->entry.step.created_at;
    if (trace_fit(SW_RECORD_PROVIDER_TRACE, row, t->arena)) {
        step->entry.step.content_truncated = sw_int_of(1);
        row->request_json = row->request_json.ptr ? row->request_json : SW_STR("{}");
        row->response_json = row->response_json.ptr ? row->response_json : SW_STR("{}");
    }
    step->entry.traces = row;
    step->entry.trace_count = 1;
    step->tools = talk->request_made ? talk->tools : SW_NULL_STR;
    return true;
}

static bool put_all(trace *t, trace_node *node, trace_step *step)
{
    const span_talk *talk = NULL;

    *step = (trace_step){.span = node->facts->span,
                         .response_id = trace_facts(node)->request_id,
                         .told = node->facts->told != NULL};
    name_step(t, node, step);
    put_step(t, node, &step->entry.step);
    if (!put_metrics(t, node, step)) {
        return false;
    }
    talk = trace_talk_of(t, node);
    if (!talk || !trace_write_messages(t, node, step) || !put_trace(t, node, step)) {
        return false;
    }
    if (talk->cut) {
        step->entry.step.content_truncated = sw_int_of(1);
    }
    if (trace_fit(SW_RECORD_STEP, &step->entry.step, t->arena)) {
        step->entry.step.content_truncated = sw_int_of(1);
    }
    step->entry.step.conversation_id = trace_conversation(t, node);
    return !t->arena->failed;
}

/* ---- all -------------------------------------------------------------------------------------------------- */

static void find_http(trace *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const trace_node *node = &t->nodes[i];
        if (node->role == SPAN_HTTP && node->model != TRACE_NONE) {
            t->nodes[trace_survivor(t, node->model)].http = i;
        }
    }
}

static bool write_folds(trace *t, trace_result *out)
{
    trace_fold *folds = sw_arena_alloc(t->arena, (2 * (size_t)t->count + 1) * sizeof *folds);

    for (uint32_t i = 0; folds && i < t->count; i++) {
        const trace_node *node = &t->nodes[i];
        if (node->folded) {
            folds[out->fold_count++] = (trace_fold){
                trace_step_id(t, node), trace_step_id(t, &t->nodes[trace_survivor(t, i)]), NULL};
        }
        if (node->facts->detailed && (node->role == SPAN_LLM || node->folded)) {
            folds[out->fold_count++] =
                (trace_fold){trace_lone_id(t, "step", node),
                             trace_step_id(t, &t->nodes[trace_survivor(t, i)]), NULL};
        }
    }
    out->folds = folds;
    return folds && !t->arena->failed;
}

sw_status trace_write_steps(trace *t, trace_result *out, sw_error *err)
{
    trace_step *steps = sw_arena_alloc(t->arena, ((size_t)t->step_count + 1) * sizeof *steps);

    find_http(t);
    for (uint32_t i = 0; steps && i < t->step_count; i++) {
        if (!put_all(t, &t->nodes[t->steps[i]], &steps[i])) {
            return sw_no_memory(err);
        }
        out->step_count++;
    }
    out->steps = steps;
    return steps && write_folds(t, out) ? SW_STATUS_OK : sw_no_memory(err);
}
