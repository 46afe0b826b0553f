/* SPDX-License-Identifier: Apache-2.0 */
/* A stream: one run after the other until the organization's steps are used up. A run takes its
 * steps from what is left when it begins, so that the numbers come out exactly; a step may start
 * another agent's run, which is then followed first.
 */
#include "cli/demo_private.h"

#include <stdio.h>

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)
#define STEP_US (25 * SECOND_US) /* what to reckon with for a step */
enum { LIVE_STEPS_MOST = 40 };

sw_status sw_demo_stream_new(const sw_demo *demo, size_t organization, sw_demo_stream **out)
{
    sw_assert(organization < SW_DEMO_ORGANIZATIONS);
    sw_demo_stream *stream = sw_alloc_zeroed(&demo->allocator, sizeof *stream);
    *out = stream;
    if (!stream) {
        return SW_STATUS_NO_MEMORY;
    }
    stream->demo = demo;
    stream->organization = &demo->organizations[organization];
    stream->left = stream->organization->steps;
    stream->random.state = demo->options.seed * UINT64_C(0x9E6C63D0876A9A47) +
                           (uint64_t)demo->options.steps * UINT64_C(0xD6E8FEB86659FD93) +
                           organization;
    sw_buf_init(&stream->text, &demo->allocator, 0);
    return SW_STATUS_OK;
}

void sw_demo_stream_free(sw_demo_stream **stream)
{
    if (*stream) {
        sw_buf_fini(&(*stream)->text);
        sw_free(&(*stream)->demo->allocator, *stream);
        *stream = NULL;
    }
}

sw_str demo_take_text(sw_demo_stream *stream, sw_arena *arena)
{
    if (stream->text.status != SW_STATUS_OK) {
        arena->failed = true;
        return SW_NULL_STR;
    }
    return sw_arena_str(arena, sw_buf_str(&stream->text));
}

/* ---- when ------------------------------------------------------------------------------------ */

/* Runs begin where the hours are busy, in order: how far the stream has come says when. The last
 * hour and a half is kept free, so that what began can end.
 */
static int64_t begin_of_run(sw_demo_stream *stream)
{
    const sw_demo *demo = stream->demo;
    const int64_t *weights = demo->weights;
    int64_t slots = DEMO_SLOTS - 2;
    int64_t total = stream->organization->steps;
    int64_t done = total - stream->left;
    /* total is at most 2^53 / weights by a wide margin: weights add up to some ten thousand. */
    int64_t at = (int64_t)((uint64_t)done * (uint64_t)weights[slots] / (uint64_t)total);
    int64_t slot = 0;
    while (slot + 1 < slots && weights[slot + 1] <= at) {
        slot++;
    }
    int64_t width = weights[slot + 1] - weights[slot];
    int64_t into = width > 0 ? (at - weights[slot]) * HOUR_US / width : 0;
    int64_t begin = demo->options.until_us - DEMO_SLOTS * HOUR_US + slot * HOUR_US + into;
    return begin + demo_below(&stream->random, HOUR_US / 12);
}

static int64_t begin_of_live_run(sw_demo_stream *stream, int64_t length)
{
    int64_t ago = length * STEP_US + demo_below(&stream->random, 90 * SECOND_US);
    return stream->demo->options.until_us - ago;
}

/* ---- beginning a run ------------------------------------------------------------------------- */

static demo_fate pick_fate(demo_random *random)
{
    int64_t at = demo_below(random, 1000);
    return at < 880   ? DEMO_COMPLETES
           : at < 945 ? DEMO_FAILS
           : at < 990 ? DEMO_CANCELLED
                      : DEMO_ABANDONED;
}

/* Most work is done by a few agents: the first of a list are the busiest. */
static const demo_agent *pick_agent(sw_demo_stream *stream)
{
    int64_t count = (int64_t)stream->organization->agent_count;
    int64_t a = demo_below(&stream->random, count);
    int64_t b = demo_below(&stream->random, count);
    return &stream->organization->agents[a < b ? a : b];
}

static const demo_model *pick_model(sw_demo_stream *stream, const demo_agent *agent)
{
    return &sw__demo_models[demo_chance(&stream->random, 850) ? agent->model : agent->second_model];
}

static void make_trace(demo_random *random, char out[33])
{
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)demo_u64(random),
             (unsigned long long)demo_u64(random));
}

/* Everything that a run of its own and one that another started have in common. */
static void start(sw_demo_stream *stream, demo_run *run, const demo_agent *agent, int64_t at_us)
{
    demo_random *random = &stream->random;
    run->agent = agent;
    run->scenario = &sw__demo_scenarios[agent->scenario];
    run->model = pick_model(stream, agent);
    run->id = demo_id_make(random, "run", at_us);
    run->begun_us = at_us;
    run->clock_us = at_us + demo_between(random, 1000, 40000);
    run->context = demo_between(random, 1400, 7200);
    run->cached = demo_chance(random, 700) ? run->context - demo_below(random, 900) : 0;
    run->length = demo_spread_pick(random, &run->scenario->steps);
    int64_t fits = (stream->demo->options.until_us - at_us) / STEP_US + 1;
    run->length = run->length > fits ? fits : run->length;
    run->length = run->length > stream->left ? stream->left : run->length;
    stream->left -= run->length;
}

/* The last few runs of a workload are still under way when it ends. */
static bool is_live(const sw_demo_stream *stream)
{
    int64_t total = stream->organization->steps;
    int64_t few = total / 100 < 40 ? total / 100 : 40;
    return total >= 8 && stream->left <= few;
}

static void make_live(sw_demo_stream *stream, demo_run *run)
{
    if (run->length > LIVE_STEPS_MOST) {
        stream->left += run->length - LIVE_STEPS_MOST;
        run->length = LIVE_STEPS_MOST;
    }
    run->fate = DEMO_LIVE;
    run->begun_us = begin_of_live_run(stream, run->length);
    run->clock_us = run->begun_us + 20000;
    run->id = demo_id_make(&stream->random, "run", run->begun_us);
}

static demo_run *start_run(sw_demo_stream *stream)
{
    demo_random *random = &stream->random;
    demo_run *run = &stream->runs[stream->depth++];
    int64_t at = begin_of_run(stream);
    *run = (demo_run){0};
    start(stream, run, pick_agent(stream), at);
    run->fate = pick_fate(random);
    if (is_live(stream)) {
        make_live(stream, run);
    }
    make_trace(random, run->trace);
    run->staging = demo_chance(random, 120);
    int64_t person = demo_below(random, 60) * demo_below(random, 60) / 60;
    snprintf(run->user, sizeof run->user, "usr_%d", (int)(1000 + person));
    if (strcmp(run->scenario->tag, "support") == 0 && demo_chance(random, 300)) {
        snprintf(run->ticket, sizeof run->ticket, "TICKET-%d",
                 (int)demo_between(random, 10000, 99999));
    }
    return run;
}

/* Another agent's run, for the step that the inner run just made. */
static void delegate(sw_demo_stream *stream)
{
    const demo_run *parent = &stream->runs[stream->depth - 1];
    demo_run *run = &stream->runs[stream->depth];
    const demo_organization *of = stream->organization;
    const demo_agent *agent = NULL;
    for (size_t i = 0; i < of->agent_count && !agent; i++) {
        bool fits = of->agents[i].scenario == DEMO_RESEARCH && &of->agents[i] != parent->agent;
        agent = fits ? &of->agents[i] : NULL;
    }
    if (!agent || stream->left == 0 || stream->depth == DEMO_DEPTH || parent->fate == DEMO_LIVE) {
        return;
    }
    *run = (demo_run){0};
    start(stream, run, agent, parent->clock_us);
    run->parent_run = parent->id;
    run->parent_step = parent->last_step;
    run->fate = demo_chance(&stream->random, 940) ? DEMO_COMPLETES : DEMO_FAILS;
    run->staging = parent->staging;
    memcpy(run->trace, parent->trace, sizeof run->trace);
    memcpy(run->user, parent->user, sizeof run->user);
    stream->depth++;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool needs_conversation(sw_demo_stream *stream, demo_run *run, sw_arena *arena,
                               sw_demo_event *out)
{
    size_t agent = (size_t)(run->agent - stream->organization->agents);
    bool fresh = stream->conversations[agent].runs_left == 0;
    if (fresh) {
        stream->conversations[agent].id = demo_id_make(&stream->random, "conv", run->begun_us);
        stream->conversations[agent].runs_left = demo_between(&stream->random, 1, 9);
        out->what = SW_DEMO_CONVERSATION;
        out->conversation = (sw_conversation){
            .id = sw_arena_str(arena, demo_id_str(&stream->conversations[agent].id)),
            .agent_id = demo_id_str(&run->agent->id),
            .summary = demo_fill(&stream->random, arena, "About @", run->scenario->subjects),
            .created_at = sw_int_of(run->begun_us)};
    }
    stream->conversations[agent].runs_left--;
    run->conversation = stream->conversations[agent].id;
    return fresh;
}

/* The text of an id that a run carries; null when it has none. */
static sw_str id_text(sw_arena *arena, const demo_id *id)
{
    return id->len ? sw_arena_str(arena, demo_id_str(id)) : SW_NULL_STR;
}

static void show_run(const sw_demo_stream *stream, const demo_run *run, sw_arena *arena,
                     sw_demo_event *out)
{
    out->what = SW_DEMO_RUN;
    out->run =
        (sw_run){.id = id_text(arena, &run->id),
                 .status = sw_int_of(SW_RUN_STATUS_RUNNING),
                 .background = sw_int_of(strcmp(run->scenario->origin, "cron") == 0),
                 .agent_id = demo_id_str(&run->agent->id),
                 .conversation_id = id_text(arena, &run->conversation),
                 .project_id = demo_id_str(&stream->organization->projects[run->agent->project]),
                 .parent_run_id = id_text(arena, &run->parent_run),
                 .created_at = sw_int_of(run->begun_us)};
}

static void show_run_end(const demo_run *run, sw_arena *arena, sw_demo_event *out)
{
    static const struct {
        sw_run_status status;
        const char *stop_reason;
    } ends[] = {[DEMO_COMPLETES] = {SW_RUN_STATUS_COMPLETED, "end_turn"},
                [DEMO_FAILS] = {SW_RUN_STATUS_FAILED, "llm_api_error"},
                [DEMO_CANCELLED] = {SW_RUN_STATUS_CANCELLED, "cancelled"},
                [DEMO_ABANDONED] = {SW_RUN_STATUS_FAILED, "error"}};
    int64_t ended = run->clock_us;
    out->what = SW_DEMO_RUN_END;
    out->run = (sw_run){.id = id_text(arena, &run->id),
                        .status = sw_int_of(ends[run->fate].status),
                        .completed_at = sw_int_of(ended),
                        .stop_reason = sw_str_from(ends[run->fate].stop_reason),
                        .total_duration_ns = sw_int_of((ended - run->begun_us) * 1000)};
    out->run_fields = SW_FIELD_BIT(SW_RUN_STATUS) | SW_FIELD_BIT(SW_RUN_COMPLETED_AT) |
                      SW_FIELD_BIT(SW_RUN_STOP_REASON) | SW_FIELD_BIT(SW_RUN_TOTAL_DURATION_NS);
    if (run->first_token_ns > 0) {
        out->run.ttft_ns = sw_int_of(run->first_token_ns);
        out->run_fields |= SW_FIELD_BIT(SW_RUN_TTFT_NS);
    }
}

static sw_status work(sw_demo_stream *stream, demo_run *run, sw_arena *arena, sw_demo_event *out)
{
    demo_turn turn = {0};
    sw_status status = demo_step_make(stream, run, arena, &turn, out);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (run->done == run->length) {
        run->phase = DEMO_ENDS;
    } else if (turn.delegates) {
        delegate(stream);
    }
    return SW_STATUS_OK;
}

/* The run that another started is over: the other goes on when it was done. */
static void leave(sw_demo_stream *stream)
{
    const demo_run *run = &stream->runs[--stream->depth];
    if (stream->depth > 0 && stream->runs[stream->depth - 1].clock_us < run->clock_us) {
        stream->runs[stream->depth - 1].clock_us = run->clock_us + 5000;
    }
}

sw_status sw_demo_next(sw_demo_stream *stream, sw_arena *arena, sw_demo_event *out)
{
    *out = (sw_demo_event){.what = SW_DEMO_OVER};
    if (stream->depth == 0 && stream->left == 0) {
        return SW_STATUS_OK;
    }
    if (stream->depth == 0) {
        demo_run *begun = start_run(stream);
        if (needs_conversation(stream, begun, arena, out)) {
            return arena->failed ? SW_STATUS_NO_MEMORY : SW_STATUS_OK;
        }
    }
    demo_run *run = &stream->runs[stream->depth - 1];
    switch (run->phase) {
    case DEMO_BEGINS:
        run->phase = DEMO_WORKS;
        show_run(stream, run, arena, out);
        break;
    case DEMO_WORKS:
        return work(stream, run, arena, out);
    case DEMO_ENDS:
        if (run->fate == DEMO_LIVE) {
            leave(stream);
            return sw_demo_next(stream, arena, out);
        }
        show_run_end(run, arena, out);
        leave(stream);
        break;
    }
    return arena->failed ? SW_STATUS_NO_MEMORY : SW_STATUS_OK;
}
