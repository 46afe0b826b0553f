/* SPDX-License-Identifier: Apache-2.0 */
/* See talk_case.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "tests/unit/talk_case.h"

#define ID "00000000-0000-4000-8000-000000000000"

char *talk_case_unquoted(const char *quoted)
{
    char *copy = strdup(quoted);

    for (char *c = copy; *c; c++) {
        *c = (char)(*c == '\'' ? '"' : *c);
    }
    return copy;
}

/* ---- an export ------------------------------------------------------------------------------------------ */

static json_t *any(const json_t *value);

static json_t *pairs(const json_t *object)
{
    json_t *list = json_array();
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach((json_t *)object, key, value)
    {
        json_array_append_new(list, json_pack("{s:s, s:o}", "key", key, "value", any(value)));
    }
    return list;
}

static json_t *any(const json_t *value)
{
    json_t *list = json_array();
    const json_t *real = json_object_get(value, "$double");
    size_t i = 0;
    json_t *one = NULL;

    if (real) {
        json_decref(list);
        return json_pack("{s:O}", "doubleValue", real);
    }
    json_array_foreach((json_t *)value, i, one)
    {
        json_array_append_new(list, any(one));
    }
    if (json_is_array(value)) {
        return json_pack("{s:{s:o}}", "arrayValue", "values", list);
    }
    json_decref(list);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return json_pack("{s:{s:o}}", "kvlistValue", "values", pairs(value));
    case JSON_STRING:
        return json_pack("{s:O}", "stringValue", value);
    case JSON_INTEGER:
        return json_pack("{s:O}", "intValue", value);
    case JSON_REAL:
        return json_pack("{s:O}", "doubleValue", value);
    case JSON_TRUE:
    case JSON_FALSE:
        return json_pack("{s:O}", "boolValue", value);
    default:
        return json_object();
    }
}

static json_t *events_of(const json_t *told)
{
    json_t *list = json_array();
    size_t i = 0;
    json_t *event = NULL;

    json_array_foreach(json_object_get(told, "events"), i, event)
    {
        json_array_append_new(list, json_pack("{s:I, s:O, s:o}", "timeUnixNano",
                                              json_integer_value(json_object_get(event, "time")),
                                              "name", json_object_get(event, "name"), "attributes",
                                              pairs(json_object_get(event, "attributes"))));
    }
    return list;
}

static sw_status keep(void *arg, const otlp_span *span)
{
    *(otlp_span *)arg = *span;
    return SW_STATUS_OK;
}

const otlp_span *talk_case_span(const json_t *told, sw_arena *arena)
{
    json_t *span =
        json_pack("{s:s, s:s, s:o, s:o, s:I}", "traceId", "5b8efff798038103d269b633813fc60c",
                  "spanId", "eee19b7ec3c1b174", "attributes",
                  pairs(json_object_get(told, "attributes")), "events", events_of(told),
                  "droppedAttributesCount", json_integer_value(json_object_get(told, "dropped")));
    json_t *all = json_pack("{s:[{s:[{s:[o]}]}]}", "resourceSpans", "scopeSpans", "spans", span);
    char *text = json_dumps(all, JSON_COMPACT);
    sw_str bytes = sw_arena_str(arena, sw_str_from(text));
    otlp_span *out = sw_arena_zeroed(arena, sizeof *out);
    otlp_sink sink = {.span = keep, .arg = out};
    int64_t count = 0;
    sw_error err = {.status = SW_STATUS_OK};

    if (otlp_read(OTLP_JSON, OTLP_TRACES, bytes, arena, &sink, &count, &err) != SW_STATUS_OK) {
        fail_msg("%s: %s", err.field, err.message);
    }
    assert_int_equal(count, 1);
    free(text);
    json_decref(all);
    return out;
}

/* ---- what was said ---------------------------------------------------------------------------------------- */

static void show_text(json_t *out, const char *name, sw_str text)
{
    if (text.ptr) {
        json_t *value = json_stringn(text.ptr, text.len);
        assert_non_null(value);
        json_object_set_new(out, name, value);
    }
}

static void show_json(json_t *out, const char *name, sw_str text)
{
    json_error_t why;
    json_t *value = NULL;

    if (text.ptr) {
        value = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &why);
        if (!value) {
            fail_msg("%s is not JSON: %s", name, why.text);
        }
        json_object_set_new(out, name, value);
    }
}

/* The ledger must take it: what the model refuses is lost. */
static void check_row(const sw_message *message)
{
    sw_message row = *message;
    sw_error err = {.status = SW_STATUS_OK};

    row.id = SW_STR("message-" ID);
    row.organization_id = SW_STR("org-" ID);
    row.sequence_id = sw_int_of(1);
    row.created_at = row.updated_at = sw_int_of(1);
    row.tool_calls = row.tool_calls.ptr ? row.tool_calls : SW_STR("[]");
    row.is_deleted = sw_int_of(0);
    if (sw_row_check(&sw__records[SW_RECORD_MESSAGE], &row, "", &err) != SW_STATUS_OK) {
        fail_msg("refused: %s %s", err.field, err.message);
    }
}

json_t *talk_case_messages(const sw_message *messages, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        const sw_message *m = &messages[i];
        json_t *out = json_object();
        check_row(m);
        json_object_set_new(out, "role",
                            json_string(sw_enum_word(SW_ENUM_message_role, m->role.value)));
        show_text(out, "name", m->name);
        show_text(out, "text", m->text);
        show_json(out, "content", m->content);
        show_json(out, "tool_calls", m->tool_calls);
        show_text(out, "tool_call_id", m->tool_call_id);
        show_json(out, "tool_returns", m->tool_returns);
        json_array_append_new(list, out);
    }
    return list;
}

json_t *talk_case_shown(const span_talk *said)
{
    json_t *out = json_object();

    json_object_set_new(out, "input", talk_case_messages(said->input, said->input_count));
    json_object_set_new(out, "output", talk_case_messages(said->output, said->output_count));
    show_json(out, "tools", said->tools);
    show_json(out, "request", said->request_json);
    show_json(out, "response", said->response_json);
    json_object_set_new(out, "cut", json_boolean(said->cut));
    return out;
}

json_t *talk_case_read(const json_t *told)
{
    span_facts facts = {.model = sw_str_from(json_string_value(json_object_get(told, "model"))),
                        .request_id = sw_str_from(json_string_value(json_object_get(told, "id")))};
    sw_error err = {.status = SW_STATUS_OK};
    json_t *shown = NULL;
    span_talk said;
    sw_arena arena;

    sw_arena_init(&arena, &sw__libc_allocator, 0);
    facts.span = talk_case_span(told, &arena);
    assert_int_equal(span_read_talk(&facts, &arena, &said, &err), SW_STATUS_OK);
    shown = talk_case_shown(&said);
    sw_arena_fini(&arena);
    return shown;
}

static json_t *own_json(const char *quoted)
{
    char *text = talk_case_unquoted(quoted);
    json_error_t why;
    json_t *value = json_loads(text, 0, &why);

    if (!value) {
        fail_msg("the test's own JSON: %s in %s", why.text, text);
    }
    free(text);
    return value;
}

void talk_case(const char *told, const char *expected)
{
    json_t *in = own_json(told);
    json_t *want = own_json(expected);
    json_t *got = talk_case_read(in);
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach(want, key, value)
    {
        json_t *other = json_object_get(got, key);
        if (!(json_is_null(value) && !other) && !json_equal(value, other)) {
            char *text = json_dumps(other ? other : json_null(), JSON_ENCODE_ANY);
            char *wanted = json_dumps(value, JSON_ENCODE_ANY);
            fail_msg("%s of %s\nis     %s\nnot    %s", key, told, text, wanted);
        }
    }
    json_decref(in);
    json_decref(want);
    json_decref(got);
}
