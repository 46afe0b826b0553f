/* SPDX-License-Identifier: Apache-2.0 */
/* See bar.h. */
#include "cli/bar.h"

enum { WIDEST = 240 };

sw_span_of_step sw_span_of(const sw_step *step, const sw_step_metrics *metrics)
{
    bool starts = metrics && metrics->step_start_ns.known;
    int64_t begun = starts ? metrics->step_start_ns.value / 1000 : step->created_at.value;
    sw_span_of_step span = {.begun_us = begun, .ended_us = begun};
    if (metrics) {
        span.step_ns = metrics->step_ns;
        span.model_ns = metrics->llm_request_ns;
        span.tool_ns = metrics->tool_execution_ns;
    }
    if (!span.step_ns.known && (span.model_ns.known || span.tool_ns.known)) {
        span.step_ns = sw_int_of(span.model_ns.value + span.tool_ns.value);
    }
    span.ended_us += span.step_ns.known ? span.step_ns.value / 1000 : 0;
    return span;
}

/* The column of a moment. */
static int place(int64_t at, int64_t from, int64_t to, int width)
{
    double share = to > from ? (double)(at - from) / (double)(to - from) : 0.0;
    int column = (int)(share * width);
    return column < 0 ? 0 : column > width ? width : column;
}

static const char *sign(int column, int first, int model)
{
    return column < first ? " " : column < model ? "█" : "░";
}

sw_str sw_bar_show(sw_arena *arena, const sw_span_of_step *span, int64_t from_us, int64_t to_us,
                   int width)
{
    char text[WIDEST * 4 + 1];
    size_t len = 0;
    width = width < 1 ? 1 : width > WIDEST ? WIDEST : width;
    int first = place(span->begun_us, from_us, to_us, width);
    first = first == width ? width - 1 : first;
    int last = place(span->ended_us, from_us, to_us, width);
    last = last <= first ? first + 1 : last;
    /* The model comes first; what is left of the step is tools and waiting. */
    int64_t model_us =
        span->model_ns.known ? span->model_ns.value / 1000 : span->ended_us - span->begun_us;
    int model = place(span->begun_us + model_us, from_us, to_us, width);
    model = model <= first ? first + 1 : model > last ? last : model;
    for (int i = 0; i < last; i++) {
        const char *part = !span->step_ns.known && i == first ? "▏" : sign(i, first, model);
        size_t size = strlen(part);
        memcpy(text + len, part, size);
        len += size;
    }
    return sw_arena_str(arena, sw_str_make(text, len));
}
