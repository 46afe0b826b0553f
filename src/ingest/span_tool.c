/* SPDX-License-Identifier: Apache-2.0 */
/* What a tool span says of its call: name, id, arguments, result. Knows nothing of the model that asked for it.
 */
#include "ingest/span_internal.h"

static sw_str after(sw_str text, const char *start)
{
    size_t len = strlen(start);
    return text.len > len && memcmp(text.ptr, start, len) == 0
               ? sw_str_make(text.ptr + len, text.len - len)
               : SW_NULL_STR;
}

/* Without an attribute the span is named after its tool, at most behind the word for executing. */
static sw_str name_of(const span_reading *r)
{
    sw_str name = span_text(r, SPAN_FACT_TOOL_NAME);
    if (!name.ptr && span_word_is(span_text(r, SPAN_FACT_TRACELOOP_KIND), "tool")) {
        name = span_text(r, SPAN_FACT_ENTITY);
    }
    if (!name.ptr) {
        name = after(r->span->name, "execute_tool ");
    }
    if (!name.ptr && r->span->name.len) {
        name = r->span->name;
    }
    return span_cut(name, SW_LIMIT_WORD_BYTES / 4);
}

/* What is no JSON stays the text it is. */
static sw_str result_of(const span_reading *r)
{
    const otlp_value *value = r->values[SPAN_FACT_TOOL_RESULT];
    if (!value) {
        return SW_NULL_STR;
    }
    return value->kind == OTLP_STRING ? value->text : span_value_json(value, false, r->arena);
}

void span_read_tool(const span_reading *r, span_facts *out)
{
    const otlp_value *arguments = r->values[SPAN_FACT_TOOL_ARGUMENTS];
    out->tool_name = name_of(r);
    out->tool_call_id = span_text(r, SPAN_FACT_TOOL_CALL_ID);
    out->tool_arguments = arguments ? span_value_json(arguments, true, r->arena) : SW_NULL_STR;
    out->tool_result = result_of(r);
    out->tool_failed =
        out->end.status != SW_STEP_STATUS_SUCCESS || r->values[SPAN_FACT_TOOL_FAILURE] != NULL;
    /* Claude Code's tool span contains the time a person thought it over. */
    out->tool_waited = r->dialect == SPAN_DIALECT_CLAUDE_CODE;
}
