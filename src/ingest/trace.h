/* SPDX-License-Identifier: Apache-2.0 */
/* A trace as a whole: from the facts of its spans to steps and runs (telemetry.md E.1 to E.6). Pure: the same set
 * of spans gives the same result in any order; nothing is read or written here.
 */
#ifndef SW_INGEST_TRACE_H
#define SW_INGEST_TRACE_H

#include "ingest/span.h"

/* One step with where it came from. `entry` is what sw_telemetry_write takes; its rows live in the arena. */
typedef struct trace_step {
    sw_step_entry entry;
    const otlp_span *span;
    const sw_message *input; /* what it was sent, in order: the ledger keeps the list (E.9) */
    size_t input_count;
    sw_str tools;       /* what it could call, JSON; null where the raw request says it */
    sw_str response_id; /* alias, with the provider's name; or null */
    span_name names[2]; /* by which other signals of the same call find it (E.5) */
    size_t name_count;
    bool told; /* by log records: trusted more than a span */
} trace_step;

/* An id that another step has taken over: a model span that turned out to be a wrapper, or a twin. */
typedef struct trace_fold {
    sw_str step_id;
    sw_str survivor_id;
    const sw_step_entry *told; /* the step, where it is folded before it was written; or NULL */
} trace_fold;

typedef struct trace_result {
    const trace_step *steps;
    size_t step_count;
    const sw_run *runs; /* parents before children */
    size_t run_count;
    const sw_str *agents; /* names seen, each once: the ledger registers them */
    size_t agent_count;
    const trace_fold *folds;
    size_t fold_count;
    const sw_str
        *ghosts; /* runs that a part of these spans would have given, and the whole does not */
    size_t ghost_count;
    bool waits; /* for silence: a record whose span may still come (ingest_compute) */
} trace_result;

typedef struct trace_whose {
    sw_str organization_id;
    sw_str project_id; /* null: none */
    int64_t now_us;
    bool quiet; /* no span for 15 minutes: runs without a deciding span are over */
} trace_whose;

/* How the messages of a model span are read: span_read_talk. */
typedef sw_status trace_talk(const span_facts *facts, sw_arena *arena, span_talk *out,
                             sw_error *err);

/* All spans are of one trace; such as are twice in `facts` (same id) were settled before. */
sw_status trace_compute(const trace_whose *whose, const span_facts *facts, size_t count,
                        sw_arena *arena, trace_result *out, sw_error *err) SW_MUST_CHECK;
/* The same with another way to read messages. */
sw_status trace_compute_with(trace_talk *talk, const trace_whose *whose, const span_facts *facts,
                             size_t count, sw_arena *arena, trace_result *out,
                             sw_error *err) SW_MUST_CHECK;

/* E.6: the id made from keys; `start_ms` < 0: an untimed kind. Writes NUL-terminated text. */
void trace_id_make(sw_str prefix, sw_str organization_id, sw_str project_id, sw_str kind,
                   const sw_str *keys, size_t key_count, int64_t start_ms, char out[SW_ID_MAX]);

#endif
