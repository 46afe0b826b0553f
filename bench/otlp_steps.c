/* SPDX-License-Identifier: Apache-2.0 */
/* What does it cost to be told of steps by their traces? The same exports go through the ingest room into three
 * ledgers: spans not kept, spans kept, and traces cut by the borders of exports. What steps came of it is read
 * from the first, and logged into a fourth as any program would, as many a call as an export holds. Its
 * runs and agents are there before the clock starts, as in the other figures; OTLP makes them on its way.
 *
 * The four hold the same steps in the end, field by field, or the program ends.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/ingest.h"
#include "model/model.h"
#include "otlp_traces.h"

typedef enum side { SIDE_PLAIN, SIDE_RAW, SIDE_CUT, SIDE_LEDGER, SIDE_COUNT } side;

static const char *const names[SIDE_COUNT] = {"otlp-plain.well", "otlp-raw.well", "otlp-cut.well",
                                              "otlp-ledger.well"};

typedef struct steps_bench {
    const char *path[SIDE_COUNT];
    sw_ledger *ledger[SIDE_COUNT];
    sw_ingest *ingest[SIDE_COUNT]; /* none of the last */
    bench_lap taken[SIDE_COUNT];   /* of this round */
    int64_t exports;               /* of a slice */
    int64_t next_trace;
} steps_bench;

static const sw_actor nobody = {.everywhere = false};

/* ---- opening and closing ---------------------------------------------------------------------------- */

static void open_side(steps_bench *s, side at)
{
    char store[4200];
    sw_error err = {.status = SW_STATUS_OK};
    sw_ingest_options ingest = {
        .keep_days = at == SIDE_RAW ? 7 : 0, .keep_bytes = INT64_C(1) << 40, .no_thread = true};
    s->path[at] = bench_path(names[at]);
    bench_remove_database(s->path[at]);
    snprintf(store, sizeof store, "sqlite:%s", s->path[at]);
    sw_ledger_options options = {
        .store = store, .cache_bytes = BENCH_CACHE_BYTES, .reader_cache_bytes = BENCH_CACHE_BYTES};
    bench_need(sw_ledger_open(&options, &s->ledger[at], &err), &err, "open a ledger");
    if (at != SIDE_LEDGER) {
        bench_need(sw_ingest_open(s->ledger[at], &ingest, &s->ingest[at], &err), &err,
                   "open the way in of telemetry");
    }
}

static void close_side(steps_bench *s, side at)
{
    if (s->ingest[at]) {
        sw_ingest_close(&s->ingest[at]);
    }
    sw_ledger_close(&s->ledger[at]);
    bench_remove_database(s->path[at]);
}

/* ---- by OTLP ---------------------------------------------------------------------------------------- */

/* Until all is durable, and computed as a whole. */
static void send(steps_bench *s, side at, const sw_buf *exports)
{
    sw_error err = {.status = SW_STATUS_OK};
    sw_ingest_result result;
    bench_lap start = bench_start();
    for (int64_t i = 0; i < s->exports; i++) {
        bench_need(sw_ingest_export(s->ingest[at], &nobody, OTLP_TRACES, OTLP_PROTOBUF,
                                    sw_buf_str(&exports[i]), &result, &err),
                   &err, "take an export");
        if (result.accepted != BENCH_EXPORT_SPANS) {
            bench_die("otlp: %s", result.message);
        }
    }
    bench_need(sw_ingest_settle(s->ingest[at], &err), &err, "settle what came");
    bench_stop(&s->taken[at], start);
    bench_settle();
}

/* ---- what came of it -------------------------------------------------------------------------------- */

typedef struct gathered {
    sw_record_id record;
    sw_arena *arena;
    char *rows;
    size_t count;
    size_t room;
} gathered;

static bool gather_row(void *arg, const void *row)
{
    gathered *g = arg;
    const sw_record *record = sw_record_of(g->record);
    if (g->count == g->room ||
        !sw_row_copy(record, g->rows + g->count++ * record->size, row, g->arena)) {
        bench_die("otlp: more rows than there should be, or no memory");
    }
    return true;
}

/* The rows that meet the condition; there are at most so many. */
static gathered gather(steps_bench *s, side at, sw_record_id record, sw_condition condition,
                       size_t at_most, sw_arena *arena)
{
    gathered g = {.record = record, .arena = arena, .room = at_most};
    sw_list_query query = {
        .conditions = &condition, .condition_count = 1, .ascending = true, .limit = -1};
    sw_list_end end;
    sw_error err = {.status = SW_STATUS_OK};
    g.rows = sw_arena_alloc(arena, at_most * sw_record_of(record)->size);
    if (!g.rows) {
        bench_die("out of memory");
    }
    bench_need(sw_list(s->ledger[at], &nobody, record, &query, gather_row, &g, &end, &err), &err,
               "list what came of telemetry");
    return g;
}

/* Those of this slice, which is the last. */
static gathered gather_new(steps_bench *s, side at, sw_record_id record, uint8_t created_at,
                           sw_arena *arena)
{
    sw_value since = {.number = bench_trace_begins_us(s->next_trace)};
    sw_condition recent = {created_at, SW_OP_GE, &since, 1};
    return gather(s, at, record, recent, (size_t)s->exports * BENCH_EXPORT_STEPS, arena);
}

/* What belongs to a step. */
static gathered gather_of(steps_bench *s, side at, sw_record_id record, uint8_t step_id, sw_str id,
                          sw_arena *arena)
{
    enum { MOST = 8 };
    sw_value value = {.text = id};
    sw_condition its = {step_id, SW_OP_EQ, &value, 1};
    return gather(s, at, record, its, MOST, arena);
}

static uint64_t hash_step(const sw_step *step)
{
    static const uint8_t fields[] = {
        SW_STEP_ID,           SW_STEP_RUN_ID,        SW_STEP_AGENT_ID,
        SW_STEP_MODEL,        SW_STEP_PROVIDER_NAME, SW_STEP_PROMPT_TOKENS,
        SW_STEP_TOTAL_TOKENS, SW_STEP_CREATED_AT,    SW_STEP_CACHED_INPUT_TOKENS,
        SW_STEP_STATUS,       SW_STEP_STOP_REASON,   SW_STEP_COMPLETION_TOKENS,
        SW_STEP_TRACE_ID,     SW_STEP_SOURCE,        SW_STEP_REQUEST_ID};
    uint64_t hash = 1;
    for (size_t i = 0; i < SW_COUNT(fields); i++) {
        const sw_field *field = &sw_record_of(SW_RECORD_STEP)->fields[fields[i]];
        if (sw_kind_is_text(field->kind)) {
            sw_str text = sw_field_text(field, step);
            hash = sw_hash(hash, text.ptr, text.len);
        } else {
            sw_int number = sw_field_number(field, step);
            hash = sw_hash(hash, &number.value, sizeof number.value);
        }
    }
    return hash;
}

static uint64_t hash_metrics(const sw_step_metrics *m)
{
    uint64_t hash = sw_hash(2, m->id.ptr, m->id.len);
    hash = sw_hash(hash, &m->llm_request_ns.value, sizeof m->llm_request_ns.value);
    return sw_hash(hash, &m->tool_execution_ns.value, sizeof m->tool_execution_ns.value);
}

/* ---- by the ledger ---------------------------------------------------------------------------------- */

/* What the ledger sets by itself is not the caller's to say. */
#define LEAVE_OUT(ROW)                                                                             \
    ((ROW)->updated_at = (ROW)->is_deleted = SW_NULL_INT,                                          \
     (ROW)->created_by_id = (ROW)->last_updated_by_id = SW_NULL_STR)

static void create_agents(steps_bench *s, const gathered *runs)
{
    sw_memory *memory = sw_memory_new(NULL);
    for (size_t i = 0; i < runs->count; i++) {
        sw_str id = ((const sw_run *)(const void *)runs->rows)[i].agent_id;
        sw_agent agent;
        sw_outcome outcome;
        sw_error err = {.status = SW_STATUS_OK};
        if (sw_get(s->ledger[SIDE_LEDGER], &nobody, SW_RECORD_AGENT, id, memory, &agent, &err) !=
            SW_STATUS_OK) {
            bench_need(
                sw_get(s->ledger[SIDE_PLAIN], &nobody, SW_RECORD_AGENT, id, memory, &agent, &err),
                &err, "read an agent");
            sw_agent row = {.id = agent.id, .name = agent.name};
            bench_need(sw_record_create(s->ledger[SIDE_LEDGER], &nobody, SW_RECORD_AGENT, &row,
                                        &outcome, &err),
                       &err, "create an agent");
        }
        sw_memory_reset(memory);
    }
    sw_memory_free(&memory);
}

typedef struct new_runs {
    sw_ledger *ledger;
    sw_run *rows;
} new_runs;

static void create_run(void *arg, int64_t i)
{
    new_runs *runs = arg;
    sw_run *row = &runs->rows[i];
    sw_outcome outcome;
    sw_error err = {.status = SW_STATUS_OK};
    LEAVE_OUT(row);
    row->create_digest = SW_NULL_STR;
    bench_need(sw_run_create(runs->ledger, &nobody, row, &outcome, &err), &err, "create a run");
}

static void take_metrics(steps_bench *s, sw_step_entry *entry, sw_arena *arena)
{
    sw_memory *memory = sw_memory_new(NULL);
    sw_step_metrics *mine = sw_arena_alloc(arena, sizeof *mine);
    sw_step_metrics found;
    sw_error err = {.status = SW_STATUS_OK};
    bench_need(sw_get(s->ledger[SIDE_PLAIN], &nobody, SW_RECORD_STEP_METRICS, entry->step.id,
                      memory, &found, &err),
               &err, "read the times of a step");
    if (mine && sw_row_copy(sw_record_of(SW_RECORD_STEP_METRICS), mine, &found, arena)) {
        LEAVE_OUT(mine);
        mine->created_at = SW_NULL_INT;
        entry->metrics = mine;
    } else {
        bench_die("out of memory");
    }
    sw_memory_free(&memory);
}

static void take_messages(steps_bench *s, sw_step_entry *entry, sw_arena *arena)
{
    gathered found =
        gather_of(s, SIDE_PLAIN, SW_RECORD_MESSAGE, SW_MESSAGE_STEP_ID, entry->step.id, arena);
    sw_message *rows = (sw_message *)(void *)found.rows;
    for (size_t i = 0; i < found.count; i++) {
        LEAVE_OUT(&rows[i]);
        rows[i].sequence_id = SW_NULL_INT;
        rows[i].body_hash = SW_NULL_STR;
    }
    entry->messages = rows;
    entry->message_count = found.count;
}

static void take_traces(steps_bench *s, sw_step_entry *entry, sw_arena *arena)
{
    gathered found = gather_of(s, SIDE_PLAIN, SW_RECORD_PROVIDER_TRACE, SW_PROVIDER_TRACE_STEP_ID,
                               entry->step.id, arena);
    sw_provider_trace *rows = (sw_provider_trace *)(void *)found.rows;
    for (size_t i = 0; i < found.count; i++) {
        LEAVE_OUT(&rows[i]);
    }
    entry->traces = rows;
    entry->trace_count = found.count;
}

/* The steps with all that belongs to them, as a program would send them. */
static sw_step_entry *make_entries(steps_bench *s, const gathered *steps, sw_arena *arena)
{
    sw_step_entry *entries = sw_arena_zeroed(arena, (steps->count + 1) * sizeof *entries);
    if (!entries) {
        bench_die("out of memory");
    }
    for (size_t i = 0; i < steps->count; i++) {
        sw_step *step = &entries[i].step;
        *step = ((const sw_step *)(const void *)steps->rows)[i];
        LEAVE_OUT(step);
        step->lease_expires_at = SW_NULL_INT;
        step->create_digest = step->end_digest = SW_NULL_STR;
        if (step->cost_source.value == SW_COST_SOURCE_TABLE) { /* it will be priced again */
            step->cost_nano_usd = SW_NULL_INT;
            step->price_id = SW_NULL_STR;
        }
        step->cost_source = SW_NULL_INT;
        take_metrics(s, &entries[i], arena);
        take_messages(s, &entries[i], arena);
        take_traces(s, &entries[i], arena);
    }
    return entries;
}

static void log_steps(steps_bench *s, const sw_step_entry *entries, size_t count)
{
    static sw_outcome outcomes[BENCH_EXPORT_STEPS];
    sw_error err = {.status = SW_STATUS_OK};
    bench_lap start = bench_start();
    for (size_t i = 0; i < count; i += BENCH_EXPORT_STEPS) {
        bench_need(sw_step_log(s->ledger[SIDE_LEDGER], &nobody, entries + i, BENCH_EXPORT_STEPS,
                               false, outcomes, &err),
                   &err, "log a batch");
        for (size_t k = 0; k < BENCH_EXPORT_STEPS; k++) {
            bench_need(outcomes[k].status, &outcomes[k].error, "log a step");
        }
    }
    bench_stop(&s->taken[SIDE_LEDGER], start);
    bench_settle();
}

/* ---- the same? --------------------------------------------------------------------------------------- */

static uint64_t hash_messages(steps_bench *s, side at, sw_str step_id, sw_arena *arena)
{
    gathered found = gather_of(s, at, SW_RECORD_MESSAGE, SW_MESSAGE_STEP_ID, step_id, arena);
    gathered traces =
        gather_of(s, at, SW_RECORD_PROVIDER_TRACE, SW_PROVIDER_TRACE_STEP_ID, step_id, arena);
    uint64_t sum = found.count * 64 + traces.count;
    for (size_t i = 0; i < found.count; i++) {
        const sw_message *row = &((const sw_message *)(const void *)found.rows)[i];
        uint64_t hash = sw_hash(4, row->id.ptr, row->id.len);
        sum += sw_hash(hash, row->tool_calls.ptr, row->tool_calls.len);
    }
    return sum;
}

static uint64_t digest(steps_bench *s, side at, sw_arena *arena)
{
    gathered steps = gather_new(s, at, SW_RECORD_STEP, SW_STEP_CREATED_AT, arena);
    sw_memory *memory = sw_memory_new(NULL);
    uint64_t sum = steps.count;
    for (size_t i = 0; i < steps.count; i++) {
        const sw_step *step = &((const sw_step *)(const void *)steps.rows)[i];
        sw_step_metrics metrics;
        sw_error err = {.status = SW_STATUS_OK};
        bench_need(sw_get(s->ledger[at], &nobody, SW_RECORD_STEP_METRICS, step->id, memory,
                          &metrics, &err),
                   &err, "read the times of a step");
        sum += hash_step(step) * 3 + hash_metrics(&metrics);
        sum += hash_messages(s, at, step->id, arena) * 7;
        sw_memory_reset(memory);
    }
    sw_memory_free(&memory);
    return sum;
}

static void compare(steps_bench *s, sw_arena *arena)
{
    uint64_t first = digest(s, SIDE_PLAIN, arena);
    for (int at = SIDE_PLAIN + 1; at < SIDE_COUNT; at++) {
        if (digest(s, (side)at, arena) != first) {
            bench_die("otlp: %s does not hold the steps of %s", names[at], names[SIDE_PLAIN]);
        }
    }
}

/* ---- the figures ------------------------------------------------------------------------------------- */

static void give_to_ledger(steps_bench *s, sw_arena *arena)
{
    gathered runs = gather_new(s, SIDE_PLAIN, SW_RECORD_RUN, SW_RUN_CREATED_AT, arena);
    gathered steps = gather_new(s, SIDE_PLAIN, SW_RECORD_STEP, SW_STEP_CREATED_AT, arena);
    new_runs coming = {s->ledger[SIDE_LEDGER], (sw_run *)(void *)runs.rows};
    sw_step_entry *entries = make_entries(s, &steps, arena);
    if (steps.count != (size_t)s->exports * BENCH_EXPORT_STEPS) {
        bench_die("otlp: only %zu steps came of it", steps.count);
    }
    create_agents(s, &runs);
    bench_parallel(64, (int64_t)runs.count, create_run, &coming);
    log_steps(s, entries, steps.count);
}

static void slice(steps_bench *s)
{
    sw_arena arena;
    sw_buf *whole = bench_take((size_t)s->exports, sizeof *whole);
    sw_buf *cut = bench_take((size_t)s->exports, sizeof *cut);
    sw_arena_init(&arena, NULL, 0);
    for (int64_t i = 0; i < s->exports; i++) {
        sw_buf_init(&whole[i], NULL, 0);
        sw_buf_init(&cut[i], NULL, 0);
    }
    bench_traces_make(whole, s->exports, s->next_trace, 1);
    bench_traces_make(cut, s->exports, s->next_trace, 10);
    send(s, SIDE_PLAIN, whole);
    give_to_ledger(s, &arena);
    send(s, SIDE_RAW, whole);
    send(s, SIDE_CUT, cut);
    compare(s, &arena);
    s->next_trace += s->exports * BENCH_EXPORT_TRACES;
    for (int64_t i = 0; i < s->exports; i++) {
        sw_buf_fini(&whole[i]);
        sw_buf_fini(&cut[i]);
    }
    sw_arena_fini(&arena);
    free(whole);
    free(cut);
}

void bench_otlp_steps(bench *b)
{
    enum { SLICES = 3 };
    double ratio[SIDE_LEDGER][BENCH_ROUNDS_MAX];
    steps_bench s = {.exports = b->quick ? 10 : 40};
    double steps = (double)(SLICES * s.exports * BENCH_EXPORT_STEPS);
    for (int at = 0; at < SIDE_COUNT; at++) {
        open_side(&s, (side)at);
    }
    for (int i = -1; i < b->rounds; i++) {
        int round = i < 0 ? 0 : i; /* the first round warms up and is overwritten */
        memset(s.taken, 0, sizeof s.taken);
        for (int k = 0; k < SLICES; k++) {
            slice(&s);
        }
        for (int at = 0; at < SIDE_LEDGER; at++) {
            ratio[at][round] = s.taken[SIDE_LEDGER].wall / s.taken[at].wall;
        }
        bench_say(
            "otlp: steps/s (CPU us a step): %.0f (%.0f), spans kept %.0f (%.0f), cut %.0f (%.0f);"
            " ledger %.0f (%.0f)",
            steps / s.taken[SIDE_PLAIN].wall, s.taken[SIDE_PLAIN].cpu / steps * 1e6,
            steps / s.taken[SIDE_RAW].wall, s.taken[SIDE_RAW].cpu / steps * 1e6,
            steps / s.taken[SIDE_CUT].wall, s.taken[SIDE_CUT].cpu / steps * 1e6,
            steps / s.taken[SIDE_LEDGER].wall, s.taken[SIDE_LEDGER].cpu / steps * 1e6);
    }
    bench_figure_set(BENCH_OTLP_STEPS, ratio[SIDE_PLAIN], b->rounds);
    bench_figure_set(BENCH_OTLP_STEPS_RAW, ratio[SIDE_RAW], b->rounds);
    bench_figure_set(BENCH_OTLP_STEPS_CUT, ratio[SIDE_CUT], b->rounds);
    for (int at = 0; at < SIDE_COUNT; at++) {
        close_side(&s, (side)at);
    }
}
