/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/ingest/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "ingest/trace.h"
#include "model/model.h"

void sent_add(sent_span *span, sent_attribute attribute)
{
    assert_true(span->attribute_count < SENT_ATTRIBUTES);
    span->attributes[span->attribute_count++] = attribute;
}

/* A span that says what it does by its operation. */
static sent_span begin(unsigned trace, unsigned id, unsigned parent, const char *name,
                       int64_t start_ms, int64_t end_ms)
{
    return (sent_span){.trace = trace,
                       .id = id,
                       .parent = parent,
                       .name = name,
                       .start_ms = start_ms,
                       .end_ms = end_ms};
}

sent_span sent_model(unsigned trace, unsigned id, unsigned parent, int64_t start_ms, int64_t end_ms)
{
    sent_span s = begin(trace, id, parent, "chat m", start_ms, end_ms);

    sent_add(&s, TEXT_OF("gen_ai.operation.name", "chat"));
    sent_add(&s, TEXT_OF("gen_ai.provider.name", "openai"));
    sent_add(&s, TEXT_OF("gen_ai.request.model", "m"));
    sent_add(&s, NUMBER_OF("gen_ai.usage.input_tokens", 10));
    sent_add(&s, NUMBER_OF("gen_ai.usage.output_tokens", 5));
    sent_add(&s, TEXT_OF("gen_ai.output.messages",
                         "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":"
                         "\"hello\"}],\"finish_reason\":\"stop\"}]"));
    return s;
}

sent_span sent_agent(unsigned trace, unsigned id, unsigned parent, const char *agent,
                     int64_t start_ms, int64_t end_ms)
{
    sent_span s = begin(trace, id, parent, "invoke_agent", start_ms, end_ms);

    sent_add(&s, TEXT_OF("gen_ai.operation.name", "invoke_agent"));
    if (agent) {
        sent_add(&s, TEXT_OF("gen_ai.agent.name", agent));
    }
    return s;
}

sent_span sent_tool(unsigned trace, unsigned id, unsigned parent, const char *call_id,
                    int64_t start_ms, int64_t end_ms)
{
    sent_span s = begin(trace, id, parent, "execute_tool look", start_ms, end_ms);

    sent_add(&s, TEXT_OF("gen_ai.operation.name", "execute_tool"));
    sent_add(&s, TEXT_OF("gen_ai.tool.name", "look"));
    if (call_id) {
        sent_add(&s, TEXT_OF("gen_ai.tool.call.id", call_id));
    }
    return s;
}

/* ---- OTLP JSON --------------------------------------------------------------------------------------- */

static void member(sw_json_out *json, const char *key, const char *text)
{
    sw_json_key(json, sw_str_from(key));
    sw_json_str(json, sw_str_from(text));
}

static void put_attribute(sw_json_out *json, const sent_attribute *a)
{
    sw_json_open(json, '{');
    member(json, "key", a->key);
    sw_json_key(json, SW_STR("value"));
    sw_json_open(json, '{');
    if (a->text) {
        member(json, "stringValue", a->text);
    } else {
        sw_json_key(json, SW_STR("intValue"));
        sw_json_int(json, a->number);
    }
    sw_json_close(json, '}');
    sw_json_close(json, '}');
}

static void put_id(sw_json_out *json, const char *key, unsigned id, int digits)
{
    char text[40];

    (void)snprintf(text, sizeof text, "%0*x", digits, id);
    member(json, key, text);
}

static void put_time(sw_json_out *json, const char *key, int64_t ms)
{
    char text[40];

    (void)snprintf(text, sizeof text, "%lld", (long long)((LT_TIME / 1000 + ms) * 1000000));
    member(json, key, text);
}

static void put_span(sw_json_out *json, const sent_span *s)
{
    sw_json_open(json, '{');
    put_id(json, "traceId", s->trace, 32);
    put_id(json, "spanId", s->id, 16);
    if (s->parent) {
        put_id(json, "parentSpanId", s->parent, 16);
    }
    member(json, "name", s->name);
    put_time(json, "startTimeUnixNano", s->start_ms);
    put_time(json, "endTimeUnixNano", s->end_ms);
    sw_json_key(json, SW_STR("attributes"));
    sw_json_open(json, '[');
    for (size_t i = 0; i < s->attribute_count; i++) {
        put_attribute(json, &s->attributes[i]);
    }
    sw_json_close(json, ']');
    if (s->failed) {
        sw_json_key(json, SW_STR("status"));
        sw_json_raw(json, SW_STR("{\"code\":2,\"message\":\"it broke\"}"));
    }
    sw_json_close(json, '}');
}

/* Each span has a resource and scope of its own, as a collector may send them. */
static void put_resource_span(sw_json_out *json, const sent_span *s)
{
    const sent_attribute service = TEXT_OF("service.name", "service");

    sw_json_open(json, '{');
    sw_json_key(json, SW_STR("resource"));
    sw_json_open(json, '{');
    sw_json_key(json, SW_STR("attributes"));
    sw_json_open(json, '[');
    put_attribute(json, &service);
    sw_json_close(json, ']');
    sw_json_close(json, '}');
    sw_json_key(json, SW_STR("scopeSpans"));
    sw_json_open(json, '[');
    sw_json_open(json, '{');
    sw_json_key(json, SW_STR("scope"));
    sw_json_open(json, '{');
    member(json, "name", s->scope ? s->scope : "test");
    sw_json_close(json, '}');
    sw_json_key(json, SW_STR("spans"));
    sw_json_open(json, '[');
    put_span(json, s);
    sw_json_close(json, ']');
    sw_json_close(json, '}');
    sw_json_close(json, ']');
    sw_json_close(json, '}');
}

sw_str sent_body(lt *t, const sent_span *const *spans, size_t count)
{
    sw_buf buf;
    sw_json_out json;
    sw_str out;

    sw_buf_init(&buf, &sw__libc_allocator, 0);
    sw_json_out_init(&json, &buf, false);
    sw_json_open(&json, '{');
    sw_json_key(&json, SW_STR("resourceSpans"));
    sw_json_open(&json, '[');
    for (size_t i = 0; i < count; i++) {
        put_resource_span(&json, spans[i]);
    }
    sw_json_close(&json, ']');
    sw_json_close(&json, '}');
    assert_int_equal(SW_STATUS_OK, buf.status);
    out = pool_str(t->pool, sw_buf_str(&buf));
    sw_buf_fini(&buf);
    return out;
}

/* Nothing that these tests send is refused. */
static void no_complaint(void *data, int level, const char *line)
{
    (void)data;
    (void)level;
    lt_fail(__FILE__, __LINE__, "ingest complained: %s", line);
}

void sent_open(lt *t, sw_ingest **ingest, int64_t keep_days)
{
    sw_ingest_options options = {.keep_days = keep_days,
                                 .no_thread = true,
                                 .log = no_complaint,
                                 .clock = t->flags & LT_CLOCK ? &t->clock : NULL};

    OK(sw_ingest_open(t->ledger, &options, ingest, &t->err));
}

void sent_open_anew(lt *t, sw_ingest **ingest, int64_t keep_days)
{
    static unsigned next = 100;

    if (*ingest) {
        sw_ingest_close(ingest);
    }
    t->a = lt_actor(t, next++);
    (void)lt_organization(t, &t->a, next - 1);
    sent_open(t, ingest, keep_days);
}

void sent_export(lt *t, sw_ingest *ingest, const sw_actor *actor, const sent_span *const *spans,
                 size_t count)
{
    sw_ingest_result result;

    OK(sw_ingest_export(ingest, actor, OTLP_TRACES, OTLP_JSON, sent_body(t, spans, count), &result,
                        &t->err));
    SAME(result.accepted, count);
    SAME(result.rejected, 0);
    assert_string_equal("", result.message);
}

void sent_one(lt *t, sw_ingest *ingest, const sent_span *span)
{
    sent_export(t, ingest, &t->a, &span, 1);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

sw_str sent_id(lt *t, const char *prefix, const char *kind, unsigned trace, unsigned id,
               int64_t start_ms)
{
    char hex[2][40];
    char out[SW_ID_MAX];
    sw_str keys[2];

    (void)snprintf(hex[0], sizeof hex[0], "%032x", trace);
    (void)snprintf(hex[1], sizeof hex[1], "%016x", id);
    keys[0] = sw_str_from(hex[0]);
    keys[1] = sw_str_from(hex[1]);
    trace_id_make(sw_str_from(prefix), t->a.organization_id, t->a.project_id, sw_str_from(kind),
                  keys, id ? 2 : 1, id ? LT_TIME / 1000 + start_ms : -1, out);
    return pool_str(t->pool, sw_str_from(out));
}

sw_step sent_step(lt *t, unsigned trace, unsigned id, int64_t start_ms)
{
    return lt_get(t, &t->a, sent_id(t, "step", "span", trace, id, start_ms));
}

/* When and in which order rows were written, and by whom. */
static bool tells_of_writing(const char *name)
{
    static const char *const names[] = {"updated_at", "sequence_id", "_created_by_id",
                                        "created_by_id", "last_updated_by_id"};
    for (size_t i = 0; i < SW_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A message keeps the agent and conversation that its step had when it was said; a run's tools follow from messages,
 * as verify proves; whether a
 * step's history was rewritten is judged by what was known when it came. */
static void dump_row(sw_record_id record, const void *row, sw_buf *out)
{
    const sw_record *r = sw_record_of(record);

    sw_buf_adds(out, r->name);
    for (size_t i = 0; i < r->field_count; i++) {
        const sw_field *field = &r->fields[i];
        bool link = record == SW_RECORD_MESSAGE &&
                    (i == SW_MESSAGE_AGENT_ID || i == SW_MESSAGE_CONVERSATION_ID);
        link = link || (record == SW_RECORD_STEP && i == SW_STEP_METADATA) ||
               (record == SW_RECORD_RUN_METRICS && i == SW_RUN_METRICS_TOOLS_USED);
        if (sw_field_is_null(field, row) || field->kind == SW_KIND_BYTES || link ||
            tells_of_writing(field->name)) {
            continue;
        }
        sw_buf_addf(out, " %s=", field->name);
        if (sw_kind_is_text(field->kind)) {
            sw_buf_add(out, sw_field_text(field, row));
        } else {
            sw_buf_add_int(out, sw_field_number(field, row).value);
        }
    }
    sw_buf_addc(out, '\n');
}

static int by_text(const void *a, const void *b)
{
    return sw_str_cmp(*(const sw_str *)a, *(const sw_str *)b);
}

/* What hangs on a step that was folded stays with it, as far as it had been told by then. */
static bool is_left_out(lt *t, const sw_actor *actor, sw_record_id record, const void *row,
                        const sw_str *without, size_t without_count)
{
    sw_str step = record == SW_RECORD_STEP_METRICS ? ((const sw_step_metrics *)row)->id
                  : record == SW_RECORD_MESSAGE    ? ((const sw_message *)row)->step_id
                                                   : SW_NULL_STR;

    if (record == SW_RECORD_MESSAGE &&
        ((const sw_message *)row)->role.value == SW_MESSAGE_ROLE_USER) {
        return true; /* shown once in a conversation, by whichever step */
    }
    for (size_t i = 0; record == SW_RECORD_MESSAGE && i < without_count; i++) {
        if (sw_str_eq(step, without[i])) {
            return true;
        }
    }
    return step.ptr && lt_get(t, actor, step).retired_into.ptr;
}

static void dump_record(lt *t, const sw_actor *actor, sw_record_id record, const sw_str *without,
                        size_t without_count, sw_buf *out)
{
    sw_list_query query = {.limit = -1};
    lt_rows rows = lt_list(t, actor, record, &query);
    sw_str *lines = calloc(rows.count + 1, sizeof *lines);

    assert_non_null(lines);
    for (size_t i = 0; i < rows.count; i++) {
        sw_buf line;
        if (is_left_out(t, actor, record, rows.at[i], without, without_count)) {
            lines[i] = SW_STR("");
            continue;
        }
        sw_buf_init(&line, &sw__libc_allocator, 0);
        dump_row(record, rows.at[i], &line);
        lines[i] = pool_str(t->pool, sw_buf_str(&line));
        sw_buf_fini(&line);
    }
    qsort(lines, rows.count, sizeof *lines, by_text);
    for (size_t i = 0; i < rows.count; i++) {
        sw_buf_add(out, lines[i]);
    }
    free(lines);
}

sw_str sent_dump(lt *t, const sw_actor *actor, const sw_str *without, size_t without_count)
{
    static const sw_record_id records[] = {SW_RECORD_STEP, SW_RECORD_STEP_METRICS, SW_RECORD_RUN,
                                           SW_RECORD_RUN_METRICS, SW_RECORD_MESSAGE};
    sw_buf buf;
    sw_str out;

    sw_buf_init(&buf, &sw__libc_allocator, 0);
    for (size_t i = 0; i < SW_COUNT(records); i++) {
        dump_record(t, actor, records[i], without, without_count, &buf);
    }
    assert_int_equal(SW_STATUS_OK, buf.status);
    out = pool_str(t->pool, sw_buf_str(&buf));
    sw_buf_fini(&buf);
    return out;
}
