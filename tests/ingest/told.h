/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a coding agent's session, written in a line each, and the steps and runs that become of them. */
#ifndef TEST_TOLD_H
#define TEST_TOLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/event.h"
#include "ingest/trace.h"

enum { TOLD_MOST = 64 };

typedef struct told {
    sw_arena arena;
    otlp_log logs[TOLD_MOST];
    size_t count;
    bool quiet;
    trace_result result;
} told;

void told_begin(told *s);
void told_end(told *s);
/* A record: its name, its second, and attributes as JSON members with plain values ("model":"x","n":1). */
void told_record(told *s, const char *service, const char *name, int second,
                 const char *attributes);
void told_compute(told *s);
const trace_step *told_step(const told *s, size_t i);
void told_text(sw_str got, const char *want); /* NULL: null */
void told_counts(const trace_step *s, int64_t prompt, int64_t completion, int64_t cached,
                 int64_t written);

#endif
