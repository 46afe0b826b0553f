/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a session by what they name: a request, a call of a tool, an agent; so that those that tell of the same
 * thing find each other. And whether a record says that a tool may not run.
 */
#include <stdlib.h>

#include "ingest/event_inside.h"
#include "ingest/span_internal.h"

static int by_text(const void *a, const void *b)
{
    const event_named *x = a;
    const event_named *y = b;
    int c = sw_str_cmp(x->name, y->name);

    return c ? c : (x->event > y->event) - (x->event < y->event);
}

bool event_index_by(event_book *book, size_t from, size_t to, const char *key, event_index *out)
{
    *out = (event_index){.at = sw_arena_alloc(book->arena, (to - from + 1) * sizeof *out->at)};
    if (!out->at) {
        book->status = sw_no_memory(book->err);
        return false;
    }
    for (size_t i = from; i < to; i++) {
        sw_str name = event_text(&book->events[i], key);
        if (name.ptr) {
            out->at[out->count++] = (event_named){name, &book->events[i]};
        }
    }
    qsort(out->at, out->count, sizeof *out->at, by_text);
    return true;
}

const event *event_find(const event_index *index, sw_str name, const char *is)
{
    size_t low = 0;
    size_t high = index->count;

    while (name.ptr && low < high) {
        size_t mid = low + (high - low) / 2;
        if (sw_str_cmp(index->at[mid].name, name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    for (; name.ptr && low < index->count && sw_str_eq(index->at[low].name, name); low++) {
        if (event_is(index->at[low].event, is)) {
            return index->at[low].event;
        }
    }
    return NULL;
}

/* ---- decisions ----------------------------------------------------------------------------------------- */

bool event_refuses(const event *e)
{
    const otlp_span span = {.attributes = e->log->attributes};
    span_end end = {.stop_reason = SW_NULL_STR};

    if (event_is(e, "tool_decision")) {
        span_read_decision(&span, &end);
    }
    return end.stop_reason.ptr != NULL;
}

void event_decided(const event_index *tools, sw_str call_id, event_span *span)
{
    const event *decision = event_find(tools, call_id, "tool_decision");

    if (decision && decision != span->from) {
        event_more(span, "decision", event_text(decision, "decision"));
        event_more(span, "source", event_text(decision, "source"));
    }
}
