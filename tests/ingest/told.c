/* SPDX-License-Identifier: Apache-2.0 */
/* Coding agents' log records as they send them, OTLP/JSON, and what becomes of a session of them; see the header. */
#include "tests/ingest/told.h"

#include <stdio.h>
#include <stdlib.h>

static sw_status keep(void *arg, const otlp_log *log)
{
    told *s = arg;
    assert_true(s->count < TOLD_MOST);
    s->logs[s->count++] = *log;
    return SW_STATUS_OK;
}

/* A record: its name, its second, and attributes as JSON members with plain values ("model":"x","n":1). */
void told_record(told *s, const char *service, const char *name, int second, const char *attributes)
{
    sw_error err = {.status = SW_STATUS_OK};
    const otlp_sink sink = {.log = keep, .arg = s};
    sw_json json;
    sw_str text;
    sw_str out = sw_arena_printf(
        &s->arena,
        "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
        "{\"stringValue\":\"%s\"}}]},\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"%lld\","
        "\"body\":{\"stringValue\":\"%s\"},\"attributes\":[",
        service, 1700000000000000000LL + second * 1000000000LL, name);
    bool first = true;

    text = sw_arena_printf(&s->arena, "{%s}", attributes);
    sw_json_init(&json, text, &s->arena);
    assert_int_equal(sw_json_next(&json), SW_JSON_OBJECT);
    for (sw_json_type type = sw_json_next(&json); type == SW_JSON_KEY; type = sw_json_next(&json)) {
        sw_str key = json.text;
        sw_str raw;
        (void)sw_json_next(&json);
        assert_true(sw_json_skip(&json, &raw));
        out =
            sw_arena_printf(&s->arena, "%.*s%s{\"key\":\"%.*s\",\"value\":{\"%s\":%.*s}}",
                            (int)out.len, out.ptr, first ? "" : ",", (int)key.len, key.ptr,
                            raw.ptr[0] == '"' ? "stringValue" : "intValue", (int)raw.len, raw.ptr);
        first = false;
    }
    out = sw_arena_printf(&s->arena, "%.*s]}]}]}]}", (int)out.len, out.ptr);
    assert_int_equal(otlp_read(OTLP_JSON, OTLP_LOGS, out, &s->arena, &sink, &(int64_t){0}, &err),
                     SW_STATUS_OK);
}

void told_compute(told *s)
{
    sw_error err = {.status = SW_STATUS_OK};
    span_facts *facts = NULL;
    size_t count = 0;
    const trace_whose whose = {.organization_id =
                                   SW_STR("org-00000000-0000-4000-8000-000000000002"),
                               .project_id = SW_STR("project-00000000-0000-4000-8000-000000000001"),
                               .now_us = 1700000100000000,
                               .quiet = s->quiet};
    assert_int_equal(event_read(s->logs, s->count, s->quiet, &s->arena, &facts, &count, &err),
                     SW_STATUS_OK);
    assert_int_equal(trace_compute(&whose, facts, count, &s->arena, &s->result, &err),
                     SW_STATUS_OK);
}

void told_begin(told *s)
{
    *s = (told){.count = 0};
    sw_arena_init(&s->arena, NULL, 64 << 20);
}

void told_end(told *s)
{
    sw_arena_fini(&s->arena);
}

const trace_step *told_step(const told *s, size_t i)
{
    assert_true(i < s->result.step_count);
    return &s->result.steps[i];
}

void told_text(sw_str got, const char *want)
{
    if (!sw_str_eq(got, sw_str_from(want))) {
        fail_msg("\"%.*s\" is not \"%s\"", (int)got.len, got.ptr ? got.ptr : "",
                 want ? want : "(null)");
    }
}

void told_counts(const trace_step *s, int64_t prompt, int64_t completion, int64_t cached,
                 int64_t written)
{
    assert_int_equal(s->entry.step.prompt_tokens.value, prompt);
    assert_int_equal(s->entry.step.completion_tokens.value, completion);
    assert_int_equal(s->entry.step.total_tokens.value, prompt + completion);
    assert_int_equal(s->entry.step.cached_input_tokens.value, cached);
    assert_int_equal(s->entry.step.cache_write_tokens.value, written);
}
