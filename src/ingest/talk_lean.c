/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a span of a large trace that is computed again: without what the model was sent, which the step was
 * written with when the span came, and which is nearly all that such a trace holds. A thousand turns that each tell all
 * turns before them take half a million messages; read so, they take a thousand.
 */
#include "ingest/span_internal.h"
#include "ingest/talk.h"
#include "model/model.h"

/* What came with the span itself; of what log records say later nothing was written yet. */
static bool came_whole(const span_facts *facts)
{
    const otlp_span *span = facts->span;

    for (size_t i = 0; i < span->event_count; i++) {
        if (span_starts(span->events[i].name, "gen_ai.")) {
            return false;
        }
    }
    return !facts->told;
}

static const sw_message *copies(const sw_message *from, size_t count, sw_arena *arena)
{
    sw_message *out = sw_arena_alloc(arena, (count + 1) * sizeof *out);

    for (size_t i = 0; out && i < count; i++) {
        if (!sw_row_copy(sw_record_of(SW_RECORD_MESSAGE), &out[i], &from[i], arena)) {
            arena->failed = true;
            return NULL;
        }
    }
    return out;
}

/* The question, for the preview. */
static const sw_message *last_question(const span_talk *whole)
{
    for (size_t i = whole->input_count; i-- > 0;) {
        if (whole->input[i].role.value == SW_MESSAGE_ROLE_USER) {
            return &whole->input[i];
        }
    }
    return &whole->input[whole->input_count - 1];
}

static void take(const span_talk *whole, sw_arena *arena, span_talk *out)
{
    *out = (span_talk){
        .input = copies(last_question(whole), 1, arena),
        .input_count = 1,
        .output = copies(whole->output, whole->output_count, arena),
        .output_count = whole->output_count,
        .tools = whole->tools.ptr ? SW_STR("[]") : SW_NULL_STR, /* only that there were some */
        .response_json = sw_arena_str(arena, whole->response_json),
        .response_made = whole->response_made,
        .left_out = true,
        .cut = whole->cut,
    };
}

sw_status span_read_talk_lean(const span_facts *facts, sw_arena *arena, span_talk *out,
                              sw_error *err)
{
    span_talk whole = {.input_count = 0};
    sw_arena scratch;
    sw_status status = SW_STATUS_OK;

    if (!came_whole(facts)) {
        return span_read_talk(facts, arena, out, err);
    }
    sw_arena_init(&scratch, arena->from, SW_LIMIT_INGEST_MEMORY_BYTES);
    status = span_read_talk(facts, &scratch, &whole, err);
    if (status == SW_STATUS_OK && whole.input_count > 0) {
        take(&whole, arena, out);
        status = arena->failed ? sw_no_memory(err) : status;
    }
    sw_arena_fini(&scratch);
    return status == SW_STATUS_OK && whole.input_count == 0 ? span_read_talk(facts, arena, out, err)
                                                            : status;
}
