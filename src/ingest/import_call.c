/* SPDX-License-Identifier: Apache-2.0 */
/* A step from a model call that somebody else wrote down: the one rule of counting, the words of its end, messages and
 * trace by the readers that telemetry uses. What was not told stays unknown.
 */
#include "ingest/import_call.h"

#include "ingest/talk.h"
#include "ingest/trace_inside.h"

enum { US = 1000, RANK_TOTAL = 2, RANK_TOLD = 34 };

sw_str import_call_id(import_work *work, const import_call *call)
{
    return import_id(work, "step", call->kind, call->keys, call->key_count);
}

/* ---- runs ------------------------------------------------------------------------------------------------ */

static sw_str agent_of(const import_call *call)
{
    return call->agent.len ? call->agent : sw_str_from(call->origin);
}

/* From the earliest to the latest time of its calls; a call without a time says nothing of them. 0: none is known so far. */
static void stretch_run(sw_run *row, const import_call *call)
{
    sw_int begin = call->start_us.known ? call->start_us : call->end_us;
    sw_int end = call->end_us.known ? call->end_us : begin;

    if (!begin.known) {
        return;
    }
    if (row->created_at.value == 0 || begin.value < row->created_at.value) {
        row->created_at = begin;
    }
    if (!row->completed_at.known || end.value > row->completed_at.value) {
        row->completed_at = end;
    }
    row->total_duration_ns = sw_int_of((row->completed_at.value - row->created_at.value) * US);
}

typedef struct asked_run {
    const import_work *work;
    sw_str id;
} asked_run;

static bool has_id(const void *arg, size_t place)
{
    const asked_run *asked = arg;

    return sw_str_eq(((const import_run *)asked->work->runs.items)[place].row.id, asked->id);
}

size_t import_call_run(import_work *work, const char *kind, sw_str key, const import_call *call)
{
    asked_run asked = {work, import_id(work, "run", kind, &key, 1)};
    import_slot *slot = import_find(&work->run_index, &work->arena,
                                    sw_hash(11, asked.id.ptr, asked.id.len), has_id, &asked);
    import_run *made = NULL;

    if (slot && slot->place) {
        stretch_run(&((import_run *)work->runs.items)[slot->place - 1].row, call);
        return slot->place - 1;
    }
    made = slot ? import_add(&work->arena, &work->runs, sizeof *made) : NULL;
    if (!made) {
        return SIZE_MAX;
    }
    import_put(&work->run_index, slot, work->runs.count - 1);
    made->parent = SIZE_MAX;
    made->row = (sw_run){.id = asked.id,
                         .agent_id = import_agent(work, agent_of(call)),
                         .project_id = work->project_id,
                         .conversation_id = call->conversation,
                         .status = sw_int_of(SW_RUN_STATUS_COMPLETED),
                         .source = sw_int_of(SW_SOURCE_TRANSCRIPT),
                         .created_at = sw_int_of(0)};
    stretch_run(&made->row, call);
    return work->runs.count - 1;
}

/* ---- what was said ------------------------------------------------------------------------------------------ */

static void say_side(talk *t, talk_side side, sw_str document, bool raw)
{
    if (document.ptr) {
        t->side = side;
        (void)talk_read_document(t, talk_parse(t, document), raw);
        talk_end(t);
    }
}

static bool keep_trace(import_work *work, const import_call *call, const span_talk *said,
                       sw_step_entry *entry)
{
    sw_provider_trace *row = sw_arena_zeroed(&work->arena, sizeof *row);

    if (!row) {
        return false;
    }
    row->id = import_id(work, "provider_trace", call->kind, call->keys, call->key_count);
    row->request_json = said->request_json.ptr ? said->request_json : SW_STR("{}");
    row->response_json = said->response_json.ptr ? said->response_json : SW_STR("{}");
    row->call_type = SW_STR("agent_step");
    row->step_id = entry->step.id;
    row->run_id = entry->step.run_id;
    row->agent_id = entry->step.agent_id;
    row->source = entry->step.origin;
    entry->traces = row;
    entry->trace_count = 1;
    return true;
}

/* Who said it, and when. */
static void sign(const import_call *call, sw_message *output, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (output[i].role.value == SW_MESSAGE_ROLE_ASSISTANT) {
            output[i].model = call->model;
            output[i].created_at = call->end_us;
        }
    }
}

typedef struct said {
    sw_message *input;
    sw_message *output;
} said;

static bool say(import_work *work, const import_call *call, const span_facts *facts,
                import_made *made, said *out)
{
    sw_step_entry *entry = &made->step.entry;
    span_talk found = {.input_count = 0};
    talk t;

    talk_init(&t, &work->arena);
    say_side(&t, TALK_INPUT, call->input, call->raw);
    say_side(&t, TALK_OUTPUT, call->failed ? SW_NULL_STR : call->output, call->raw);
    t.request = call->raw ? call->input : SW_NULL_STR;
    t.response = call->stream.ptr ? call->stream : call->raw ? call->output : SW_NULL_STR;
    talk_join_input(&t, &found);
    found.output = t.messages[TALK_OUTPUT].items;
    found.output_count = t.messages[TALK_OUTPUT].count;
    found.tools = t.tools;
    if (work->arena.failed) {
        return false;
    }
    talk_trace(&t, facts, &found);
    out->input = (sw_message *)(uintptr_t)found.input;
    out->output = (sw_message *)(uintptr_t)found.output;
    entry->message_count = found.output_count;
    made->step.input = found.input;
    made->step.input_count = found.input_count;
    entry->step.input_preview =
        trace_preview(found.input, found.input_count, SW_MESSAGE_ROLE_USER, true, &work->arena);
    entry->step.output_preview = trace_preview(found.output, found.output_count,
                                               SW_MESSAGE_ROLE_ASSISTANT, true, &work->arena);
    entry->step.content_truncated = t.cut ? sw_int_of(1) : SW_NULL_INT;
    sign(call, out->output, found.output_count);
    return (!found.request_json.ptr && !found.response_json.ptr) ||
           keep_trace(work, call, &found, entry);
}

/* ---- how it ended --------------------------------------------------------------------------------------------- */

static void put_end(import_work *work, const import_call *call, sw_step *step)
{
    span_end end = {.status = SW_STEP_STATUS_SUCCESS};

    (void)(call->finish.len && span_finish(call->finish, &end));
    step->status =
        sw_int_of(end.status == SW_STEP_STATUS_PENDING ? SW_STEP_STATUS_SUCCESS : end.status);
    step->stop_reason = end.stop_reason;
    step->error_type = end.error_type;
    if (!call->failed && step->status.value != SW_STEP_STATUS_FAILED) {
        return;
    }
    if (end.status != SW_STEP_STATUS_CANCELLED) {
        step->status = sw_int_of(SW_STEP_STATUS_FAILED);
        step->stop_reason = SW_STR("llm_api_error");
    }
    step->error_type =
        call->error_type.len ? call->error_type
        : span_http_failed(call->http_status)
            ? sw_arena_printf(&work->arena, "%lld", (long long)call->http_status.value)
            : SW_STR("api_error");
    step->error_data = import_error(work, call->error, call->http_status);
}

static bool put_times(import_work *work, const import_call *call, import_made *made)
{
    sw_int began = call->start_us.known ? call->start_us : call->end_us;
    sw_step_metrics *m = sw_arena_zeroed(&work->arena, sizeof *m);

    if (!m) {
        return false;
    }
    made->step.entry.metrics = m;
    m->ttft_ns = call->ttft_ns;
    made->step.entry.step.created_at = m->created_at = sw_int_of(began.value);
    if (!began.known) {
        return true; /* booked where nobody looks for money of today, and the same at every import */
    }
    m->step_start_ns = m->llm_request_start_ns = sw_int_of(began.value * US);
    if (call->start_us.known && call->end_us.known && call->end_us.value >= began.value) {
        m->llm_request_ns = m->step_ns = sw_int_of((call->end_us.value - began.value) * US);
    }
    return true;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

/* Of two tellings of one call: more tokens; then who knows more. Owners are not told apart. */
static void put_rank(const import_call *call, import_made *made)
{
    sw_int total = made->step.entry.step.total_tokens;
    uint64_t tokens = (uint64_t)(total.known ? total.value : 0);

    memset(made->rank, 0, sizeof made->rank);
    for (int i = 0; i < 8; i++) {
        made->rank[RANK_TOTAL + i] = (uint8_t)(tokens >> (56 - 8 * i));
    }
    for (int i = 0; i < 4; i++) {
        made->rank[RANK_TOLD + i] = (uint8_t)(call->told >> (24 - 8 * i));
    }
    import_digest(made->step.entry.step.id.ptr, made->step.entry.step.id.len, made->call);
}

static void put_facts(import_work *work, const import_call *call, span_facts *facts)
{
    *facts = (span_facts){.provider_name = span_provider(call->provider, call->model, &work->arena),
                          .model = call->model,
                          .request_id = call->request_id,
                          .counts = call->counts};
    span_count(&facts->counts, call->mode, false, &work->arena, &facts->usage);
}

static void fit_input(import_work *work, import_made *made, sw_message *input)
{
    for (size_t i = 0; i < made->step.input_count; i++) {
        if (trace_fit(SW_RECORD_MESSAGE, &input[i], &work->arena)) {
            made->step.entry.step.content_truncated = sw_int_of(1);
        }
    }
}

sw_status import_call_add(import_work *work, const import_call *call, sw_error *err)
{
    import_made *made = import_add(&work->arena, &work->made, sizeof *made);
    sw_step *step = made ? &made->step.entry.step : NULL;
    const import_run *runs = work->runs.items;
    span_facts facts;
    said messages = {NULL, NULL};

    if (!made) {
        return sw_no_memory(err);
    }
    put_facts(work, call, &facts);
    made->run = call->run;
    *step = (sw_step){
        .id = import_call_id(work, call),
        .origin = sw_str_from(call->origin),
        .run_id = call->run == SIZE_MAX ? SW_NULL_STR : runs[call->run].row.id,
        .agent_id = import_agent(work, agent_of(call)),
        .provider_name = facts.provider_name,
        .model = call->model,
        .model_endpoint =
            call->endpoint.ptr ? span_cut_address(call->endpoint, &work->arena) : SW_NULL_STR,
        .tags = call->tags.ptr ? call->tags : SW_STR("[]"),
        .trace_id = call->trace_hex,
        .request_id = call->request_id,
        .project_id = work->project_id,
        .source = sw_int_of(SW_SOURCE_TRANSCRIPT),
        .parent_step_id = call->parent,
        .conversation_id = call->conversation,
        .end_user = call->end_user,
        .metadata = call->metadata,
        .feedback = call->feedback,
        .service_tier = call->tier,
        .cost_nano_usd = call->cost_nano_usd,
    };
    span_usage_put(&facts.usage, step);
    put_end(work, call, step);
    if (!put_times(work, call, made) || !say(work, call, &facts, made, &messages)) {
        return sw_no_memory(err);
    }
    put_rank(call, made);
    work->result->calls++;
    fit_input(work, made, messages.input);
    return import_finish(work, made, messages.output, err);
}
