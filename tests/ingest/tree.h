/* SPDX-License-Identifier: Apache-2.0 */
/* Traces built by hand for tests of trace.h: spans that already have their facts, with messages said along.
 * Times are milliseconds behind TREE_TIME.
 */
#ifndef TEST_TREE_H
#define TEST_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/trace.h"

#define TREE_TIME INT64_C(1763798400000) /* 2025-11-22 08:00:00 UTC, milliseconds */
#define TREE_ORGANIZATION SW_STR("org-00000000-0000-4000-8000-000000000002")
#define TREE_PROJECT SW_STR("project-00000000-0000-4000-8000-000000000001")

typedef struct tree_span {
    otlp_span span; /* first, so that a span is found from its facts */
    otlp_scope scope;
    span_facts facts;
    span_talk talk;
    sw_message answer;
    sw_message question;
} tree_span;

enum { TREE_SPANS = 64 };
typedef struct tree {
    tree_span spans[TREE_SPANS];
    size_t count;
    sw_arena arena;
    trace_whose whose;
    trace_result result;
} tree;

#define TEXT(GOT, WANT)                                                                            \
    do {                                                                                           \
        sw_str got_ = (GOT);                                                                       \
        assert_non_null(got_.ptr);                                                                 \
        assert_int_equal(got_.len, strlen(WANT));                                                  \
        assert_memory_equal(got_.ptr, (WANT), got_.len);                                           \
    } while (0)
#define SAME(GOT, WANT) assert_true(sw_str_eq((GOT), (WANT)))

void tree_begin(tree *t);
void tree_end(tree *t);
/* A span `id` (not 0) below `parent` (0: none). */
tree_span *tree_add(tree *t, unsigned id, unsigned parent, span_role role, int64_t start_ms,
                    int64_t end_ms);
/* The same as a model call with 10 + 5 tokens, a question and an answer. */
tree_span *tree_model(tree *t, unsigned id, unsigned parent, int64_t start_ms, int64_t end_ms);
void tree_fill_span(tree_span *s, unsigned id, unsigned parent, span_role role, int64_t start_ms,
                    int64_t end_ms);
void tree_fill_model(tree_span *s);
sw_status tree_talk(const span_facts *facts, sw_arena *arena, span_talk *out, sw_error *err);
/* Computes over the first `count` spans (0: all). */
void tree_compute(tree *t);
/* By the id of its span; NULL: it is no step. */
const trace_step *tree_step(const tree *t, unsigned id);
const sw_run *tree_run(const tree *t, const trace_step *step);
sw_str tree_run_id(const tree *t, unsigned id);
sw_str tree_trace_run(const tree *t);
/* All that came out, as text, to be compared. */
void tree_print(const trace_result *result, sw_buf *out);

#endif
