/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of steps from what a unit was found to hold. Counts are what the transcript says, under the one rule
 * (telemetry.md B.6); a call whose end was never written down told its output before it was all there, so its usage is
 * partial. Times of tools are from the answer to the line with the result: they contain waiting for approval, and are
 * said to be estimated.
 */
#include <stdlib.h>

#include "ingest/import_unit.h"
#include "ingest/span.h"
#include "ingest/trace_inside.h"

enum { US = 1000 };

/* ---- who is whose ---------------------------------------------------------------------------------------- */

static sw_str call_id(unit *u, const unit_call *call)
{
    const transcript_event *e = &u->events[call->best].e;
    sw_str keys[2] = {e->key, e->key2.ptr ? e->key2 : SW_STR("")};

    return import_id(u->work, "step", e->call_kind ? e->call_kind : u->traits->call_kind, keys, 2);
}

/* ---- tokens ------------------------------------------------------------------------------------------------ */

/* Whether any part says how the call ended: its counts are final then. */
static bool is_ended(const unit *u, const unit_call *call)
{
    for (uint32_t part = call->first; part != UNIT_NONE; part = unit_next(u, part)) {
        if (u->events[part].e.stop.len) {
            return true;
        }
    }
    return false;
}

static void put_usage(unit *u, const unit_call *call, sw_step *step)
{
    const transcript_event *e = &u->events[call->best].e;
    const transcript_usage *from = &e->usage;
    span_counts counts = {.input = from->input,
                          .output = from->output,
                          .total = from->total,
                          .cache_read = from->cache_read,
                          .cache_write = from->cache_write,
                          .cache_write_5m = from->cache_write_5m,
                          .cache_write_1h = from->cache_write_1h,
                          .reasoning = from->reasoning,
                          .tool_use = from->tool_use};
    span_usage usage;

    if (!e->has_usage) {
        step->usage_state = sw_int_of(SW_USAGE_STATE_UNKNOWN);
        return;
    }
    span_count(&counts, u->traits->mode, false, &u->work->arena, &usage);
    span_usage_put(&usage, step);
    step->service_tier = from->service_tier;
    if (usage.state == SW_USAGE_STATE_REPORTED && u->traits->streams && !is_ended(u, call)) {
        step->usage_state = sw_int_of(SW_USAGE_STATE_PARTIAL);
    }
}

/* ---- times ------------------------------------------------------------------------------------------------- */

typedef struct stretch {
    int64_t from;
    int64_t to;
} stretch;

static int by_from(const void *a, const void *b)
{
    const stretch *x = a;
    const stretch *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static size_t tool_times(const unit *u, const unit_call *call, stretch *out)
{
    size_t n = 0;

    for (uint32_t part = call->first; part != UNIT_NONE; part = unit_next(u, part)) {
        const transcript_event *e = &u->events[part].e;
        for (size_t i = 0; i < e->part_count; i++) {
            uint32_t answer = e->parts[i].kind == TRANSCRIPT_PART_TOOL
                                  ? unit_answer(u, e->parts[i].id)
                                  : UNIT_NONE;
            const unit_event *event = answer == UNIT_NONE ? NULL : &u->events[answer];
            if (event && event->at_us != INT64_MIN && unit_call_end(u, call) != INT64_MIN) {
                out[n].from =
                    event->e.start_us.known ? event->e.start_us.value : unit_call_end(u, call);
                out[n].to = event->e.end_us.known ? event->e.end_us.value : event->at_us;
                n += out[n].to >= out[n].from;
            }
        }
    }
    return n;
}

/* Time that overlaps counts once. */
static int64_t together(stretch *all, size_t count, int64_t *last)
{
    int64_t sum = 0;
    int64_t covered = INT64_MIN;

    qsort(all, count, sizeof *all, by_from);
    for (size_t i = 0; i < count; i++) {
        int64_t from = all[i].from > covered ? all[i].from : covered;
        sum += all[i].to > from ? all[i].to - from : 0;
        covered = all[i].to > covered ? all[i].to : covered;
    }
    *last = covered;
    return sum;
}

/* Without any time it stands at 0, 1970: not among the calls of today, whenever it is imported, and nothing is said of how
 * long it took.
 */
static bool put_times(unit *u, const unit_call *call, import_made *made)
{
    bool asked = call->from_us != INT64_MIN;
    int64_t begin = asked ? call->from_us : u->events[call->first].at_us;
    int64_t end = unit_call_end(u, call);
    sw_step_metrics *m = sw_arena_zeroed(&u->work->arena, sizeof *m);
    stretch *tools = sw_arena_alloc(&u->work->arena, (call->tools + 1) * sizeof *tools);
    int64_t last = end;

    if (!m || !tools) {
        return false;
    }
    made->step.entry.metrics = m;
    made->step.entry.step.created_at = m->created_at = sw_int_of(unit_us(begin));
    if (begin == INT64_MIN) {
        return true;
    }
    m->step_start_ns = sw_int_of(begin * US);
    m->llm_request_start_ns = sw_int_of(begin * US);
    if (asked && end >= begin) {
        m->llm_request_ns = sw_int_of((end - begin) * US);
    }
    if (call->tools > 0) {
        size_t n = tool_times(u, call, tools);
        if (n > 0) {
            m->tool_execution_ns = sw_int_of(together(tools, n, &last) * US);
        }
    }
    last = last > end ? last : end;
    m->step_ns = sw_int_of((last > begin ? last - begin : 0) * US);
    return true;
}

/* ---- steps -------------------------------------------------------------------------------------------------- */

static void put_end(unit *u, const unit_call *call, sw_step *step)
{
    const transcript_event *e = &u->events[call->best].e;
    span_end end = {.status = SW_STEP_STATUS_SUCCESS};

    for (uint32_t part = call->first; part != UNIT_NONE; part = unit_next(u, part)) {
        if (u->events[part].e.stop.len) {
            (void)span_finish(u->events[part].e.stop, &end);
        }
    }
    step->status =
        sw_int_of(end.status == SW_STEP_STATUS_PENDING ? SW_STEP_STATUS_SUCCESS : end.status);
    step->stop_reason = end.stop_reason;
    step->error_type = end.error_type;
    if (!e->failed) {
        return;
    }
    if (end.status != SW_STEP_STATUS_CANCELLED) {
        step->status = sw_int_of(SW_STEP_STATUS_FAILED);
        step->stop_reason = end.stop_reason.ptr ? end.stop_reason : SW_STR("llm_api_error");
    }
    step->error_type = e->error_type.len ? e->error_type : SW_STR("api_error");
    step->error_data =
        import_error(u->work, e->error.ptr ? e->error : step->output_preview, SW_NULL_INT);
}

static sw_str tags_of(unit *u, const transcript_event *e)
{
    const struct {
        const char *name;
        sw_str value;
    } tags[] = {{"cwd:", e->cwd}, {"branch:", e->branch}, {"version:", e->version}};
    sw_buf buf;
    sw_json_out out;

    sw_buf_init(&buf, u->work->arena.from, SW_LIMIT_TEXT_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '[');
    for (size_t i = 0; i < SW_COUNT(tags); i++) {
        size_t len = strlen(tags[i].name) + tags[i].value.len;
        if (tags[i].value.len && len <= SW_LIMIT_TAG_BYTES) {
            sw_json_str(&out, sw_arena_printf(&u->work->arena, "%s%.*s", tags[i].name,
                                              (int)tags[i].value.len, tags[i].value.ptr));
        }
    }
    sw_json_close(&out, ']');
    return sw_buf_take(&buf, &u->work->arena);
}

/* The step whose tool began this run. */
static sw_str step_above(unit *u, const unit_run *run)
{
    uint32_t answer = unit_answer(u, run->begun_by);
    uint32_t call = answer == UNIT_NONE ? UNIT_NONE : u->events[answer].call;

    return call == UNIT_NONE || !u->calls[call].real ? SW_NULL_STR : call_id(u, &u->calls[call]);
}

/* What the run was asked first, in all its steps. */
static sw_str asked_of(unit_run *run, sw_str asked)
{
    if (!run->preview.ptr) {
        run->preview = asked;
    }
    return run->preview;
}

/* ---- which telling is better --------------------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        to[i] = (uint8_t)value;
        value >>= 8;
    }
    return to + bytes;
}

/* The main conversation before a side one, with a request's id before without; more tokens; the session that began
 * first; then some order of sessions; and of one session the telling that knows more. */
static void put_rank(const unit *u, const unit_call *call, const sw_step *step, import_made *made)
{
    uint8_t *to = made->rank;
    uint64_t total = (uint64_t)(step->total_tokens.known ? step->total_tokens.value : 0);

    *to++ = !call->side;
    *to++ = u->events[call->best].e.key2.len > 0;
    to = put_number(to, total, 8);
    to = put_number(to, ~((uint64_t)u->first_us ^ UINT64_C(1) << 63), 8);
    for (int i = 0; i < IMPORT_OWNER; i++) {
        *to++ = (uint8_t)~u->owner[i];
    }
    (void)put_number(to, u->told, 4);
}

/* Of what the rule of counting made of it, as telemetry has it too. */
static sw_str chat_name(const unit *u, const transcript_event *e, const sw_step *step)
{
    const span_usage usage = {.prompt = step->prompt_tokens,
                              .completion = step->completion_tokens,
                              .cached = step->cached_input_tokens,
                              .reasoning = step->reasoning_tokens};

    return span_chat_name(e->session, SW_NULL_STR, &usage, &u->work->arena);
}

/* What telemetry calls the same call (telemetry.md E.5), where both sides know it. */
static void put_other_name(const unit *u, const transcript_event *e, import_made *made)
{
    const transcript_usage *n = &e->usage;

    if (u->traits->requests) {
        made->name = e->key2;
    } else if (u->format == IMPORT_FORMAT_GEMINI) {
        made->name = chat_name(u, e, &made->step.entry.step);
    } else if (u->traits->name_kind && e->session.len && e->has_usage) {
        const sw_int counts[] = {n->input, n->cache_read, n->output, n->reasoning};
        made->name = span_counts_name(e->session, counts, &u->work->arena);
    }
    made->name_kind = made->name.len ? u->traits->name_kind : NULL;
}

void unit_name_step(const unit *u, const unit_call *call, import_made *made)
{
    const transcript_event *e = &u->events[call->best].e;
    /* A call is one whatever its request is called, unless the name is constant: then models tell them apart. */
    sw_str second = u->traits->by_message && e->key.len ? e->model : e->key2;
    char all[3 * IMPORT_DIGEST];

    import_digest(u->traits->call_kind, strlen(u->traits->call_kind), all);
    import_digest(e->key.ptr, e->key.len, all + IMPORT_DIGEST);
    import_digest(second.ptr, second.len, all + 2 * IMPORT_DIGEST);
    import_digest(all, sizeof all, made->call);
    put_other_name(u, e, made);
}

static sw_status make_step(unit *u, uint32_t number, sw_error *err)
{
    const unit_call *call = &u->calls[number];
    unit_run *run = &u->runs[call->run];
    const transcript_event *e = &u->events[call->best].e;
    import_made *made = import_add(&u->work->arena, &u->work->made, sizeof *made);
    sw_step *step = made ? &made->step.entry.step : NULL;
    sw_message *messages = NULL;

    if (!made) {
        return sw_no_memory(err);
    }
    made->run = run->row;
    *step = (sw_step){
        .id = call_id(u, call),
        .origin = sw_str_from(u->traits->origin),
        .run_id = ((import_run *)u->work->runs.items)[run->row].row.id,
        .agent_id = import_agent(u->work, unit_agent(u, run)),
        .provider_name = e->provider.len       ? e->provider
                         : u->traits->provider ? sw_str_from(u->traits->provider)
                                               : SW_NULL_STR,
        .model = e->model,
        .context_window_limit = e->context_window,
        .tags = tags_of(u, e),
        .request_id = e->key2.len && u->traits->requests ? e->key2 : SW_NULL_STR,
        .project_id = u->work->project_id,
        .source = sw_int_of(SW_SOURCE_TRANSCRIPT),
        .parent_step_id = step_above(u, run),
        .conversation_id = unit_conversation(run),
        .metadata = unit_place(u, e, call),
        .cost_nano_usd = e->cost_nano_usd,
    };
    put_usage(u, call, step);
    if (!put_times(u, call, made) || !unit_say(u, call, made, &messages)) {
        return sw_no_memory(err);
    }
    step->input_preview = asked_of(run, step->input_preview);
    put_end(u, call, step);
    put_rank(u, call, step, made);
    unit_name_step(u, call, made);
    return import_finish(u->work, made, messages, err);
}

/* What was asked since the last call belongs to the next one of its run. */
static void hand_out_asked(unit *u)
{
    uint32_t *tails = sw_arena_alloc(&u->work->arena, (u->run_count + 1) * sizeof *tails);
    uint32_t *heads = sw_arena_alloc(&u->work->arena, (u->run_count + 1) * sizeof *heads);

    if (!tails || !heads) {
        return;
    }
    memset(heads, 0xff, (u->run_count + 1) * sizeof *heads);
    for (uint32_t n = 0; n < u->count; n++) {
        uint32_t i = u->order[n];
        const unit_event *event = &u->events[i];
        bool asked = event->e.kind == TRANSCRIPT_PROMPT || event->e.kind == TRANSCRIPT_SAID;
        if (event->gone || event->run == UNIT_NONE) {
            continue;
        }
        if (asked && event->e.content.ptr) {
            if (heads[event->run] == UNIT_NONE) {
                heads[event->run] = i;
            } else {
                u->next_part[tails[event->run]] = i;
            }
            tails[event->run] = i;
        } else if (event->e.kind == TRANSCRIPT_CALL && u->calls[event->call].real &&
                   u->calls[event->call].first == i) {
            u->calls[event->call].asked = heads[event->run];
            heads[event->run] = UNIT_NONE;
        }
    }
}

sw_status unit_make(unit *u, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    hand_out_asked(u);
    if (!unit_make_runs(u)) {
        return sw_no_memory(err);
    }
    for (uint32_t i = 0; i < u->call_count && status == SW_STATUS_OK; i++) {
        if (u->calls[i].real) {
            status = make_step(u, i, err);
            u->calls[i].made = u->work->made.count - 1;
            u->work->result->calls += !u->files[u->events[u->calls[i].best].file].again;
        }
    }
    return status == SW_STATUS_OK && !unit_make_copies(u) ? sw_no_memory(err) : status;
}
