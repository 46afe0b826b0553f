/* SPDX-License-Identifier: Apache-2.0 */
/* Telemetry comes in here: an OTLP export becomes raw items, steps and runs of the ledger.
 *
 * The way of an export: decoded into views (codec/otlp.h) → each span gets its facts (span.h) → one ledger write
 * keeps the raw items and writes a step for each model span at once, with what is known (trace.h over what came) →
 * durable, answered → the trace is marked, and recomputed from all its raw items half a second after its last
 * span, or five seconds after its first: only differences are written (telemetry.md E.7).
 *
 * Thread-safe: any number of threads may call. One background thread recomputes and prunes.
 */
#ifndef SW_INGEST_H
#define SW_INGEST_H

#include "codec/otlp.h"
#include "stepwell/ledger.h"

typedef struct sw_ingest sw_ingest;

typedef struct sw_ingest_options {
    const sw_allocator *allocator;
    int64_t
        keep_days; /* of raw items; 0: raw items are not kept (traces live in memory while they are warm) */
    int64_t keep_bytes;    /* the oldest go when the raw items of the store pass this */
    int64_t quiet_ms;      /* 0: 500 */
    int64_t longest_ms;    /* 0: 5000 */
    const sw_clock *clock; /* NULL: the system's */
    bool no_thread;        /* nothing is recomputed until sw_ingest_settle: tests, replay */
    void (*log)(void *data, int level, const char *line);
    void *log_data;
} sw_ingest_options;

sw_status sw_ingest_open(sw_ledger *ledger, const sw_ingest_options *options, sw_ingest **out,
                         sw_error *err) SW_MUST_CHECK;
/* Recomputes what is marked, frees. What is not begun within SW_LIMIT_STOP_SECONDS, or within `ms` for those who have
 * less, is marked in the store where spans are kept, and goes on at the next start. */
void sw_ingest_close(sw_ingest **ingest);
void sw_ingest_close_within(sw_ingest **ingest, int64_t ms);

/* What became of an export. `message` is empty unless something was rejected or is to be told. */
typedef struct sw_ingest_result {
    int64_t accepted;
    int64_t rejected;
    char message[400];
} sw_ingest_result;

/* Takes one export body. OK: everything accepted is durable. INVALID: not decodable (nothing kept). TOO_LARGE.
 * FULL, BUSY, IO ...: nothing kept, sending again may help. The actor needs the right to write; organization and
 * project are the actor's, never the sender's attributes. */
sw_status sw_ingest_export(sw_ingest *ingest, const sw_actor *actor, otlp_signal signal,
                           otlp_wire wire, sw_str body, sw_ingest_result *result,
                           sw_error *err) SW_MUST_CHECK;

/* Writes the spans that are kept of the trace that a run comes from, those that began first first, as a JSON array:
 * of the whole trace, but of the run's organization and project alone. Who calls must have been shown the run. At most
 * `limit` (up to 100,000); fewer when they are large (then not `complete`), none when no trace is known, or its spans
 * are not kept. */
sw_status sw_ingest_show(sw_ingest *ingest, const sw_run *run, int64_t limit, sw_json_out *out,
                         bool *complete, sw_error *err) SW_MUST_CHECK;

/* Recomputes all that is marked, now, until nothing is. */
sw_status sw_ingest_settle(sw_ingest *ingest, sw_error *err) SW_MUST_CHECK;

/* Counters since the start, for /metrics. */
typedef struct sw_ingest_load {
    int64_t spans, logs, points; /* accepted */
    int64_t rejected;
    int64_t duplicates;
    int64_t steps, restated, retired;
    int64_t recomputed; /* traces */
    int64_t marked;     /* traces that wait now */
} sw_ingest_load;
void sw_ingest_load_get(sw_ingest *ingest, sw_ingest_load *out);

#endif
