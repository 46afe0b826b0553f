/* SPDX-License-Identifier: Apache-2.0 */
/* One step: what happens in it is decided first (a turn), then written down. Tokens behave as they
 * do in real logs: the prompt repeats the context, the provider has most of it in its cache, the
 * answer and what tools returned make the next prompt longer, until the context is summarized.
 */
#include "cli/demo_private.h"

#include <stdio.h>

#define NS_PER_MS INT64_C(1000000)

/* The tokens and the cost of one call. Buckets are disjoint and add up. */
typedef struct bill {
    int64_t prompt;
    int64_t cache_read;
    int64_t cache_write;
    int64_t completion;
    int64_t reasoning;
} bill;

/* ---- deciding -------------------------------------------------------------------------------- */

static void decide_end(demo_random *random, const demo_run *run, demo_turn *turn)
{
    turn->status = SW_STEP_STATUS_SUCCESS;
    if (!turn->last) {
        bool fails = demo_chance(random, 22);
        turn->failure = fails ? demo_failure_pick(random, run->model) : NULL;
    } else if (run->fate == DEMO_LIVE) {
        turn->status = SW_STEP_STATUS_PENDING;
    } else if (run->fate == DEMO_CANCELLED) {
        turn->status = SW_STEP_STATUS_CANCELLED;
    } else if (run->fate == DEMO_ABANDONED) {
        turn->failure = &sw__demo_abandoned;
    } else if (run->fate == DEMO_FAILS) {
        bool full = run->context > run->model->window / 2;
        turn->failure = full ? &sw__demo_overflow : demo_failure_pick(random, run->model);
    }
    if (turn->failure) {
        turn->status = SW_STEP_STATUS_FAILED;
    }
}

static void decide_tools(demo_random *random, const demo_run *run, demo_turn *turn)
{
    turn->tool_count = demo_chance(random, 780) ? 1 : (size_t)demo_between(random, 2, 3);
    turn->delegates = demo_chance(random, run->scenario->delegates);
    for (size_t i = 0; i < turn->tool_count; i++) {
        int64_t a = demo_below(random, DEMO_TOOLS);
        int64_t b = demo_below(random, DEMO_TOOLS);
        turn->tools[i] = &run->scenario->tools[a < b ? a : b];
        turn->tool_failed[i] = demo_chance(random, 60);
        snprintf(turn->calls[i], sizeof turn->calls[i], "call_%016llx",
                 (unsigned long long)demo_u64(random));
    }
}

/* Tools that are called together run side by side: the slowest counts. */
static int64_t tool_time(demo_random *random, const demo_turn *turn)
{
    int64_t longest = 0;
    for (size_t i = 0; i < turn->tool_count; i++) {
        int64_t ns = demo_spread_pick(random, &turn->tools[i]->ms) * NS_PER_MS +
                     demo_below(random, NS_PER_MS);
        longest = ns > longest ? ns : longest;
    }
    return longest;
}

static void decide(sw_demo_stream *stream, demo_run *run, sw_arena *arena, demo_turn *turn)
{
    demo_random *random = &stream->random;
    const demo_scenario *scenario = run->scenario;
    turn->number = run->done;
    turn->last = run->done + 1 == run->length;
    decide_end(random, run, turn);
    if (turn->number == 0) {
        const char *ask = scenario->asks[demo_below(random, DEMO_ASKS)];
        turn->ask = demo_fill(random, arena, ask, scenario->subjects);
        run->context += demo_between(random, 12, 240);
    }
    if (turn->status == SW_STEP_STATUS_SUCCESS && !turn->last) {
        const char *thought = scenario->thoughts[demo_below(random, DEMO_THOUGHTS)];
        turn->answer = sw_arena_str(arena, sw_str_from(thought));
        decide_tools(random, run, turn);
        turn->tool_ns = tool_time(random, turn);
    } else if (turn->status == SW_STEP_STATUS_SUCCESS) {
        const char *answer = scenario->answers[demo_below(random, DEMO_ANSWERS)];
        turn->answer = demo_fill(random, arena, answer, scenario->subjects);
    }
    if (run->context > run->model->window / 10 * 9) {
        run->context = run->model->window / 8;
        run->cached = 0;
        turn->compacted = true;
    }
}

/* ---- tokens, money and time ------------------------------------------------------------------ */

static bill make_bill(demo_random *random, const demo_run *run, const demo_turn *turn)
{
    static const demo_spread working = {{18, 62, 118, 260, 920, 3300}};
    static const demo_spread answering = {{40, 150, 310, 620, 1500, 4100}};
    static const demo_spread thinking = {{0, 64, 256, 704, 2432, 9600}};
    const demo_model *model = run->model;
    bill made = {.prompt = run->context};
    made.completion = demo_spread_pick(random, turn->last ? &answering : &working);
    if (turn->status == SW_STEP_STATUS_CANCELLED) {
        made.completion = made.completion / 4 + 1;
    }
    if (model->reasons) {
        made.reasoning = demo_spread_pick(random, &thinking);
        made.completion += made.reasoning;
    }
    if (model->caches && made.prompt >= 1024 && demo_chance(random, 880)) {
        /* The caches of all but one provider count in blocks. */
        made.cache_read = model->cache_write_price ? run->cached : run->cached / 128 * 128;
    }
    made.cache_read = made.cache_read > made.prompt ? made.prompt : made.cache_read;
    if (model->cache_write_price) {
        int64_t fresh = demo_between(random, 3, 60);
        int64_t rest = made.prompt - made.cache_read;
        made.cache_write = rest > fresh ? rest - fresh : 0;
    }
    return made;
}

static int64_t cost_of(const demo_model *model, const bill *b)
{
    return (b->prompt - b->cache_read - b->cache_write) * model->input_price +
           b->cache_read * model->cached_price + b->cache_write * model->cache_write_price +
           b->completion * model->output_price;
}

static void write_details(const demo_model *model, const bill *b, sw_arena *arena, sw_step *step)
{
    if (model->cache_write_price) {
        step->prompt_tokens_details = sw_arena_printf(
            arena, "{\"cache_read_input_tokens\":%d,\"cache_creation_input_tokens\":%d}",
            (int)b->cache_read, (int)b->cache_write);
    } else if (model->caches) {
        step->prompt_tokens_details =
            sw_arena_printf(arena, "{\"cached_tokens\":%d}", (int)b->cache_read);
    }
    if (model->reasons) {
        step->completion_tokens_details =
            sw_arena_printf(arena, "{\"reasoning_tokens\":%d}", (int)b->reasoning);
    }
}

static void write_bill(const demo_model *model, const bill *b, sw_arena *arena, sw_step *step)
{
    step->prompt_tokens = sw_int_of(b->prompt);
    step->completion_tokens = sw_int_of(b->completion);
    step->total_tokens = sw_int_of(b->prompt + b->completion);
    if (model->caches) {
        step->cached_input_tokens = sw_int_of(b->cache_read);
    }
    if (model->cache_write_price) {
        step->cache_write_tokens = sw_int_of(b->cache_write);
    }
    if (model->reasons) {
        step->reasoning_tokens = sw_int_of(b->reasoning);
    }
    if (model->input_price >= 0) {
        step->cost_nano_usd = sw_int_of(cost_of(model, b));
    }
    write_details(model, b, arena, step);
}

/* A call that failed reported nothing; neither does, sometimes, a call that was cancelled, and a
 * small server that streams. */
static bool reports_usage(demo_random *random, const demo_run *run, const demo_turn *turn)
{
    if (turn->status == SW_STEP_STATUS_SUCCESS) {
        return run->model->input_price >= 0 || demo_chance(random, 850);
    }
    return turn->status == SW_STEP_STATUS_CANCELLED && demo_chance(random, 500);
}

static void take_time(demo_random *random, const demo_run *run, const bill *b, demo_turn *turn)
{
    if (turn->failure) {
        turn->llm_ns = demo_spread_pick(random, &turn->failure->ms) * NS_PER_MS;
    } else {
        turn->first_token_ns = demo_spread_pick(random, &run->model->first_token_ms) * NS_PER_MS;
        turn->llm_ns = turn->first_token_ns + b->completion * run->model->us_per_token * 1000;
    }
    turn->llm_ns += demo_below(random, NS_PER_MS);
}

/* ---- writing it down ------------------------------------------------------------------------- */

static void write_failure(sw_demo_stream *stream, const demo_failure *failure, sw_arena *arena,
                          sw_step *step)
{
    sw_json_out out;
    sw_buf_clear(&stream->text);
    sw_json_out_init(&out, &stream->text, false);
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("message"));
    sw_json_str(&out, sw_str_from(failure->message));
    sw_json_key(&out, SW_STR("traceback"));
    sw_json_null(&out);
    sw_json_key(&out, SW_STR("details"));
    sw_json_open(&out, '{');
    if (failure->code) {
        sw_json_key(&out, SW_STR("status_code"));
        sw_json_int(&out, failure->code);
    }
    sw_json_close(&out, '}');
    sw_json_close(&out, '}');
    step->error_type = sw_str_from(failure->type);
    step->error_data = demo_take_text(stream, arena);
    step->stop_reason = sw_str_from(failure->stop_reason);
}

static void write_words(sw_demo_stream *stream, const demo_run *run, sw_arena *arena, sw_step *step)
{
    demo_random *random = &stream->random;
    const char *environment = run->staging ? "staging" : "production";
    step->tags = sw_arena_printf(arena, "[\"%s\",\"env:%s\"%s]", run->scenario->tag, environment,
                                 demo_chance(random, 40) ? ",\"sampled\"" : "");
    step->end_user = sw_arena_str(arena, sw_str_from(run->user));
    step->trace_id = sw_arena_str(arena, sw_str_from(run->trace));
    step->request_id = sw_arena_printf(arena, "req_%016llx", (unsigned long long)demo_u64(random));
    if (run->ticket[0]) {
        step->tid = sw_arena_str(arena, sw_str_from(run->ticket));
    }
    if (demo_chance(random, 250)) {
        step->metadata =
            sw_arena_printf(arena, "{\"prompt_version\":%d}", (int)demo_between(random, 3, 9));
    }
}

/* People judge whole answers: the last step of a run that nobody else's step started. */
static void write_feedback(demo_random *random, const demo_run *run, const demo_turn *turn,
                           sw_step *step)
{
    int64_t at = demo_below(random, 1000);
    int negative = turn->failure ? 150 : 30;
    if (!turn->last || run->parent_run.len || turn->status == SW_STEP_STATUS_PENDING) {
        return;
    }
    if (at < negative) {
        step->feedback = sw_int_of(SW_FEEDBACK_NEGATIVE);
    } else if (at < negative + 90 && !turn->failure) {
        step->feedback = sw_int_of(SW_FEEDBACK_POSITIVE);
    }
}

static sw_str some_id(sw_arena *arena, const demo_id *id)
{
    return id->len ? sw_arena_str(arena, demo_id_str(id)) : SW_NULL_STR;
}

static void write_step(sw_demo_stream *stream, const demo_run *run, const demo_turn *turn,
                       sw_arena *arena, sw_step *step)
{
    const demo_organization *of = stream->organization;
    const demo_provider *provider = &sw__demo_providers[run->model->provider];
    *step = (sw_step){
        .id = some_id(arena, &run->last_step),
        .origin = sw_str_from(run->scenario->origin),
        .provider_id = demo_id_str(&of->providers[run->model->provider]),
        .run_id = some_id(arena, &run->id),
        .agent_id = demo_id_str(&run->agent->id),
        .provider_name = sw_str_from(provider->name),
        .provider_category = run->model->provider == 1 ? SW_STR("byok") : SW_STR("base"),
        .model = sw_str_from(run->model->name),
        .model_endpoint = sw_str_from(provider->url),
        .model_handle = sw_arena_printf(arena, "%s/%s", provider->handle, run->model->name),
        .context_window_limit = sw_int_of(run->model->window),
        .status = sw_int_of(turn->status),
        .project_id = demo_id_str(&of->projects[run->agent->project]),
        .conversation_id = some_id(arena, &run->conversation),
        .parent_step_id = some_id(arena, &run->parent_step),
        .created_at = sw_int_of(run->clock_us),
        .input_preview = turn->ask,
        .output_preview = turn->answer.len ? turn->answer : SW_NULL_STR};
    write_words(stream, run, arena, step);
    write_feedback(&stream->random, run, turn, step);
    if (turn->failure) {
        write_failure(stream, turn->failure, arena, step);
    } else if (turn->status == SW_STEP_STATUS_CANCELLED) {
        step->stop_reason = SW_STR("cancelled");
    } else if (turn->last && turn->status == SW_STEP_STATUS_SUCCESS) {
        step->stop_reason = SW_STR("end_turn");
    }
}

static sw_step_metrics *write_metrics(const demo_run *run, const demo_turn *turn, int64_t extra_ns,
                                      sw_arena *arena)
{
    sw_step_metrics *metrics = sw_arena_zeroed(arena, sizeof *metrics);
    if (metrics) {
        int64_t begin_ns = run->clock_us * 1000;
        metrics->created_at = sw_int_of(run->clock_us);
        metrics->step_start_ns = sw_int_of(begin_ns);
        metrics->llm_request_start_ns = sw_int_of(begin_ns + extra_ns / 2);
        metrics->llm_request_ns = sw_int_of(turn->llm_ns);
        metrics->step_ns = sw_int_of(turn->llm_ns + turn->tool_ns + extra_ns);
        if (turn->tool_count > 0) {
            metrics->tool_execution_ns = sw_int_of(turn->tool_ns);
        }
        if (turn->first_token_ns > 0) {
            metrics->ttft_ns = sw_int_of(turn->first_token_ns);
        }
    }
    return metrics;
}

/* A small share of the calls is kept as it went over the wire. */
static void write_trace(sw_demo_stream *stream, const demo_run *run, const demo_turn *turn,
                        sw_arena *arena, sw_step_entry *entry)
{
    sw_provider_trace *trace = sw_arena_zeroed(arena, sizeof *trace);
    if (!trace) {
        return;
    }
    demo_id id = demo_id_make(&stream->random, "provider_trace", run->clock_us);
    trace->id = some_id(arena, &id);
    trace->request_json = sw_arena_printf(
        arena, "{\"model\":\"%s\",\"stream\":true,\"max_tokens\":8192}", run->model->name);
    trace->response_json =
        sw_arena_printf(arena, "{\"stop_reason\":\"%s\",\"usage\":{\"input_tokens\":%d}}",
                        turn->last ? "end_turn" : "tool_use", (int)entry->step.prompt_tokens.value);
    trace->call_type = SW_STR("agent_step");
    trace->created_at = sw_int_of(run->clock_us);
    entry->traces = trace;
    entry->trace_count = 1;
}

/* What the next prompt will repeat, and when the next step begins. */
static void move_on(sw_demo_stream *stream, demo_run *run, const demo_turn *turn, const bill *b,
                    int64_t step_ns)
{
    static const demo_spread returned = {{12, 90, 310, 1100, 5200, 16000}};
    demo_random *random = &stream->random;
    if (turn->status == SW_STEP_STATUS_SUCCESS) {
        run->cached = run->model->caches ? b->prompt : 0;
        run->context += b->completion - b->reasoning;
        for (size_t i = 0; i < turn->tool_count; i++) {
            run->context += demo_spread_pick(random, &returned);
        }
    }
    int64_t pause_us =
        turn->failure ? demo_between(random, 700000, 9000000) : demo_between(random, 2000, 90000);
    run->clock_us += step_ns / 1000 + (turn->last ? 1000 : pause_us);
    if (run->clock_us > stream->demo->options.until_us) {
        run->clock_us = stream->demo->options.until_us;
    }
    run->done++;
}

sw_status demo_step_make(sw_demo_stream *stream, demo_run *run, sw_arena *arena, demo_turn *turn,
                         sw_demo_event *out)
{
    enum { A_DAY = 86400 };
    demo_random *random = &stream->random;
    decide(stream, run, arena, turn);
    bill billed = make_bill(random, run, turn);
    bool reported = reports_usage(random, run, turn);
    take_time(random, run, &billed, turn);
    int64_t extra_ns = demo_between(random, 2 * NS_PER_MS, 38 * NS_PER_MS);
    run->last_step = demo_id_make(random, "step", run->clock_us);
    out->what = SW_DEMO_STEP;
    write_step(stream, run, turn, arena, &out->entry.step);
    if (reported) {
        write_bill(run->model, &billed, arena, &out->entry.step);
    }
    if (turn->status == SW_STEP_STATUS_PENDING) {
        out->entry.lease_seconds = A_DAY;
    } else if (turn->failure != &sw__demo_abandoned) {
        /* Of an abandoned step nobody was left to measure anything. */
        out->entry.metrics = write_metrics(run, turn, extra_ns, arena);
    }
    if (reported && demo_chance(random, 20)) {
        write_trace(stream, run, turn, arena, &out->entry);
    }
    if (run->first_token_ns == 0) {
        run->first_token_ns = turn->first_token_ns;
    }
    sw_status status = demo_talk(stream, run, turn, arena, &out->entry);
    move_on(stream, run, turn, &billed, turn->llm_ns + turn->tool_ns + extra_ns);
    return arena->failed ? SW_STATUS_NO_MEMORY : status;
}
