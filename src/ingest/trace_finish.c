/* SPDX-License-Identifier: Apache-2.0 */
/* How a call ended, by the document of its answer, where no attribute says it: OpenInference's spans of OpenAI's
 * Responses, for one, hold the whole answer and no finish reason. An answer that calls tools has no end of its own
 * (telemetry.md B.7).
 */
#include "ingest/trace_inside.h"

static bool has_calls(const trace *t, const span_talk *talk)
{
    for (size_t i = 0; i < talk->output_count; i++) {
        sw_json json;
        trace_call call;
        if (trace_calls(&json, talk->output[i].tool_calls, t->arena) &&
            trace_next_call(&json, &call)) {
            return true;
        }
    }
    return false;
}

/* Where a document says it: `status` (Responses) and `stop_reason` (Anthropic) stand in it, `finish_reason` in its
 * first choice. */
static bool is_place(const sw_json *json, sw_str key)
{
    return (json->depth == 1 &&
            (sw_str_eq(key, SW_STR("status")) || sw_str_eq(key, SW_STR("stop_reason")))) ||
           (json->depth == 3 && sw_str_eq(key, SW_STR("finish_reason")));
}

static sw_str word_of(sw_str document, sw_arena *arena)
{
    sw_json json;
    sw_str key = SW_NULL_STR;

    sw_json_init(&json, document, arena);
    for (sw_json_type type = sw_json_next(&json); type != SW_JSON_END && type != SW_JSON_ERROR;
         type = sw_json_next(&json)) {
        if (type == SW_JSON_STRING && is_place(&json, key)) {
            return json.text;
        }
        key = type == SW_JSON_KEY ? json.text : SW_NULL_STR;
    }
    return SW_NULL_STR;
}

static void read_end(trace *t, trace_node *node)
{
    const span_end *said = &trace_facts(node)->end;
    const span_talk *talk = NULL;
    span_end end;
    span_facts *own = NULL;
    sw_str word = SW_NULL_STR;

    if (said->stop_reason.ptr || said->calls_tools || said->status != SW_STEP_STATUS_SUCCESS) {
        return;
    }
    talk = trace_talk_of(t, node);
    word = talk && talk->response_json.ptr && !has_calls(t, talk)
               ? word_of(talk->response_json, t->arena)
               : SW_NULL_STR;
    if (word.ptr && span_finish(word, &end) && end.status == SW_STEP_STATUS_SUCCESS) {
        own = trace_own(t, node);
        if (own) {
            own->end.stop_reason = end.stop_reason;
        }
    }
}

void trace_read_ends(trace *t)
{
    for (uint32_t i = 0; i < t->step_count; i++) {
        read_end(t, &t->nodes[t->steps[i]]);
    }
}
