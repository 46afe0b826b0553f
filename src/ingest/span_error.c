/* SPDX-License-Identifier: Apache-2.0 */
/* How a span ended (telemetry.md B.7): its finish words, unless it failed; then the class of the error, its
 * message and where it happened, from the span itself or from its last exception event.
 *
 * Knows which attribute holds what; the words' meaning is span_finish.c's.
 */
#include "ingest/span_internal.h"

enum { MESSAGE_CHARS = 8192, TRACE_CHARS = 65536 };

typedef struct failure {
    bool failed;
    sw_str type;
    sw_str message;
    sw_str trace;
} failure;

/* ---- finish words ------------------------------------------------------------------------------- */

typedef struct finish_walk {
    span_end end;
    bool found;
} finish_walk;

/* Of several choices the first counts, but calls of tools are calls wherever they are. */
static void see_word(void *arg, sw_str word)
{
    finish_walk *walk = arg;
    span_end end;
    if (!span_finish(word, &end)) {
        return;
    }
    if (!walk->found) {
        walk->end = end;
        walk->found = true;
    }
    walk->end.calls_tools |= end.calls_tools;
}

static span_end finish_of(const span_reading *r)
{
    finish_walk walk = {.end = {.status = SW_STEP_STATUS_SUCCESS}};
    if (r->values[SPAN_FACT_FINISH]) {
        span_words(r->values[SPAN_FACT_FINISH], r->arena, see_word, &walk);
    }
    return walk.end;
}

/* ---- failures ----------------------------------------------------------------------------------- */

static sw_str event_text(const otlp_event *event, sw_str key)
{
    const otlp_value *value = otlp_find(&event->attributes, key);
    return value && value->kind == OTLP_STRING && value->text.len ? value->text : SW_NULL_STR;
}

static const otlp_event *last_exception(const otlp_span *span)
{
    for (size_t i = span->event_count; i > 0; i--) {
        sw_str name = span->events[i - 1].name;
        if (sw_str_eq(name, SW_STR("exception")) ||
            sw_str_eq(name, SW_STR("gen_ai.client.operation.exception"))) {
            return &span->events[i - 1];
        }
    }
    return NULL;
}

static sw_str or_else(sw_str a, sw_str b)
{
    return a.len ? a : b;
}

static bool said_failed(const span_reading *r)
{
    sw_str level = span_text(r, SPAN_FACT_LEVEL);
    return r->span->status == OTLP_ERROR || r->values[SPAN_FACT_ERROR_TYPE] ||
           span_word_is(level, "error") || span_word_is(level, "failure") ||
           span_word_is(span_text(r, SPAN_FACT_SUCCESS), "false");
}

static failure failure_of(const span_reading *r)
{
    failure f = {.failed = said_failed(r)};
    const otlp_event *event = last_exception(r->span);
    f.type = span_text(r, SPAN_FACT_ERROR_TYPE);
    f.message = span_text(r, SPAN_FACT_ERROR_MESSAGE);
    f.trace = span_text(r, SPAN_FACT_ERROR_TRACE);
    if (event) {
        f.failed = true;
        f.type = or_else(f.type, event_text(event, SW_STR("exception.type")));
        f.message = or_else(f.message, event_text(event, SW_STR("exception.message")));
        f.trace = or_else(f.trace, event_text(event, SW_STR("exception.stacktrace")));
    }
    f.message = or_else(r->span->status_message, f.message);
    if (f.type.len > SW_LIMIT_WORD_BYTES) {
        f.type = span_cut(f.type, SW_LIMIT_WORD_BYTES / 4);
    }
    return f;
}

/* ---- error_data --------------------------------------------------------------------------------- */

static void write_text(sw_json_out *out, const char *name, sw_str text, size_t chars)
{
    if (text.len) {
        sw_json_key(out, sw_str_from(name));
        sw_json_str(out, span_cut(text, chars));
    }
}

static void write_number(sw_json_out *out, const char *name, sw_int number)
{
    if (number.known) {
        sw_json_key(out, sw_str_from(name));
        sw_json_int(out, number.value);
    }
}

static sw_str error_data(const span_reading *r, const failure *f)
{
    sw_buf buf;
    sw_json_out out;
    sw_int status = span_number(r, SPAN_FACT_HTTP_STATUS);
    sw_int attempt = span_number(r, SPAN_FACT_ATTEMPT);
    if (!f->message.len && !f->trace.len && !status.known && !attempt.known) {
        return SW_NULL_STR;
    }
    sw_buf_init(&buf, r->arena->from, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '{');
    write_text(&out, "message", f->message, MESSAGE_CHARS);
    write_text(&out, "traceback", f->trace, TRACE_CHARS);
    if (status.known || attempt.known) {
        sw_json_key(&out, SW_STR("details"));
        sw_json_open(&out, '{');
        write_number(&out, "status_code", status);
        write_number(&out, "attempt", attempt);
        sw_json_close(&out, '}');
    }
    sw_json_close(&out, '}');
    return sw_buf_take(&buf, r->arena);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static sw_str reason(sw_stop_reason value)
{
    return sw_str_from(sw_enum_word(SW_ENUM_stop_reason, (int64_t)value));
}

/* A window that is too small is the fault of the instructions only when the error says so. */
static void blame_window(const failure *f, span_end *end)
{
    if (sw_str_eq(end->stop_reason, reason(SW_STOP_REASON_MAX_TOKENS_EXCEEDED)) && f->message.len &&
        sw_str_contains_nocase(f->message, SW_STR("system prompt"))) {
        end->stop_reason = reason(SW_STOP_REASON_CONTEXT_WINDOW_OVERFLOW);
    }
}

static void fail_end(const span_reading *r, const failure *f, span_end *end)
{
    bool cancelled = end->status == SW_STEP_STATUS_CANCELLED;
    if (!cancelled) {
        end->status = SW_STEP_STATUS_FAILED;
        end->stop_reason = reason(SW_STOP_REASON_LLM_API_ERROR);
        (void)(f->type.len && span_error_class(f->type, end));
        blame_window(f, end);
    }
    end->error_type = or_else(f->type, end->error_type);
    end->error_data = error_data(r, f);
}

/* A tool that waits for a yes has not failed. */
static bool waits_for_approval(const span_reading *r)
{
    return span_word_is(span_text(r, SPAN_FACT_DEFERRAL), "ApprovalRequired");
}

void span_read_end(const span_reading *r, span_facts *out)
{
    failure f = failure_of(r);
    out->end = finish_of(r);
    if (waits_for_approval(r)) {
        out->end.stop_reason = reason(SW_STOP_REASON_REQUIRES_APPROVAL);
        return;
    }
    if (f.failed) {
        fail_end(r, &f, &out->end);
    }
}
