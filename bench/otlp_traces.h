/* SPDX-License-Identifier: Apache-2.0 */
/* Exports of runs of agents, and what is measured with them. */
#ifndef BENCH_OTLP_TRACES_H
#define BENCH_OTLP_TRACES_H

#include "base/base.h"
#include "bench.h"

enum {
    BENCH_TRACE_SPANS = 25, /* five of them model calls */
    BENCH_EXPORT_SPANS = 500,
    BENCH_EXPORT_TRACES = BENCH_EXPORT_SPANS / BENCH_TRACE_SPANS,
    BENCH_EXPORT_STEPS = BENCH_EXPORT_SPANS / 5
};

/* `count` exports that hold whole traces, all together. `together` traces run at a time: with 1 each ends before the
 * next begins, so that none is cut by the border of an export. The same numbers of traces give the same spans. */
void bench_traces_make(sw_buf *exports, int64_t count, int64_t first_trace, int64_t together);

/* No trace begins before the one with the number before has ended. */
int64_t bench_trace_begins_us(int64_t trace);

void bench_otlp_steps(bench *b);

#endif
