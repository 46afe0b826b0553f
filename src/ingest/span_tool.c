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

/* What became of the question whether the tool may run, in the words of coding agents (telemetry.md E.4, F). The first row
 * that holds; a null source is any. */
void span_read_decision(const otlp_span *span, span_end *end)
{
    static const struct {
        const char *decision;
        const char *source;
        sw_stop_reason reason;
    } rows[] = {
        {"reject", "config", SW_STOP_REASON_TOOL_RULE}, /* Claude Code */
        {"reject", "hook", SW_STOP_REASON_TOOL_RULE},
        {"reject", NULL, SW_STOP_REASON_CANCELLED}, /* by the person; Gemini CLI names no source */
        {"denied", "config", SW_STOP_REASON_TOOL_RULE}, /* Codex */
        {"denied", NULL, SW_STOP_REASON_CANCELLED},
        {"abort", NULL, SW_STOP_REASON_CANCELLED},
    };
    const otlp_value *decision = otlp_find(&span->attributes, SW_STR("decision"));
    const otlp_value *source = otlp_find(&span->attributes, SW_STR("source"));
    sw_str by = source && source->kind == OTLP_STRING ? source->text : SW_NULL_STR;

    for (size_t i = 0; decision && decision->kind == OTLP_STRING && i < SW_COUNT(rows); i++) {
        if (span_word_is(decision->text, rows[i].decision) &&
            (!rows[i].source || span_word_is(by, rows[i].source))) {
            end->status = SW_STEP_STATUS_CANCELLED;
            end->stop_reason = sw_str_from(sw_enum_word(SW_ENUM_stop_reason, rows[i].reason));
            return;
        }
    }
}

static bool is_coding_agent(span_dialect dialect)
{
    return dialect == SPAN_DIALECT_CLAUDE_CODE || dialect == SPAN_DIALECT_CODEX ||
           dialect == SPAN_DIALECT_GEMINI_CLI;
}

void span_read_tool(const span_reading *r, span_facts *out)
{
    const otlp_value *arguments = r->values[SPAN_FACT_TOOL_ARGUMENTS];
    if (is_coding_agent(r->dialect)) {
        span_read_decision(r->span, &out->end);
    }
    out->tool_name = name_of(r);
    out->tool_call_id = span_text(r, SPAN_FACT_TOOL_CALL_ID);
    out->tool_arguments = arguments ? span_value_json(arguments, true, r->arena) : SW_NULL_STR;
    out->tool_result = result_of(r);
    out->tool_failed =
        out->end.status != SW_STEP_STATUS_SUCCESS || r->values[SPAN_FACT_TOOL_FAILURE] != NULL;
    /* Claude Code's tool span contains the time a person thought it over. */
    out->tool_waited = r->dialect == SPAN_DIALECT_CLAUDE_CODE;
}
