/* SPDX-License-Identifier: Apache-2.0 */
/* Log records that tell of model calls: those of coding agents (telemetry.md F), which have no spans or not always,
 * and the GenAI conventions' own events (B.5).
 *
 * The idea: an event is a span told in words. The records of a coding agent's session become the spans that were
 * never sent (a prompt is an agent's span, a request a model's, a tool result a tool's), and everything above
 * treats them as such; records that belong to a span become events of that span. So trace.h needs to know nothing
 * of either. Pure: the same set of records gives the same facts in any order.
 */
#ifndef SW_INGEST_EVENT_H
#define SW_INGEST_EVENT_H

#include "ingest/span.h"

enum { EVENT_UNIT = 16 };

/* What is computed together with this record: its agent's session, its trace, or nothing but itself. */
typedef enum event_place { EVENT_SESSION, EVENT_TRACE, EVENT_ALONE } event_place;
/* `unit` receives the key of the session or trace; it is left alone for EVENT_ALONE. */
event_place event_where(const otlp_log *log, uint8_t unit[EVENT_UNIT]);

/* Whether a record's body is just the name of what it tells, one word of a coding agent's. */
bool event_is_name(sw_str body);

/* Whether a coding agent sent it, that tells of its calls in records of its own. */
bool event_is_agents(const otlp_log *log);

/* Whether a record that is of no session says anything of a model call. */
bool event_tells(const otlp_log *log);

/* The spans that the records of one session tell of, with their facts. `quiet`: nothing more is expected, so that
 * what waits for an answer has failed. */
sw_status event_read(const otlp_log *logs, size_t count, bool quiet, sw_arena *arena,
                     span_facts **out, size_t *out_count, sw_error *err) SW_MUST_CHECK;

/* Calls that no span tells of. */
typedef struct event_lone {
    span_facts *facts;
    size_t count;
    bool waits; /* there are more: their spans may still come */
    const otlp_log *
        *joined; /* of each span: the record that says how a call went, and may have stood
                              * alone before the span came; NULL: none */
} event_lone;

/* Records of one trace: each that names a span of `spans` becomes an event of it (the array's rows are changed to
 * point to longer lists). An inference that no span tells of is a span of its own in `lone`, once nothing more is
 * expected (`quiet`). */
sw_status event_join(otlp_span *spans, size_t span_count, const otlp_log *logs, size_t count,
                     bool quiet, sw_arena *arena, event_lone *lone, sw_error *err) SW_MUST_CHECK;
/* The call that a record tells of which names the span around it. */
sw_status event_inside(const otlp_log *log, sw_arena *arena, span_facts *out,
                       sw_error *err) SW_MUST_CHECK;

#endif
