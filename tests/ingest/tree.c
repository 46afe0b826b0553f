/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the traces of tree.h, and prints results by the fields' names. */
#include <stdio.h>

#include "tests/ingest/tree.h"

#include "model/model.h"

static const otlp_resource no_resource;

static void put_id(uint8_t *out, size_t size, unsigned id)
{
    memset(out, 0, size);
    for (size_t i = 0; i < 4; i++) {
        out[size - 1 - i] = (uint8_t)(id >> (8 * i));
    }
}

void tree_begin(tree *t)
{
    memset(t, 0, sizeof *t);
    sw_arena_init(&t->arena, &sw__libc_allocator, 0);
    t->whose.organization_id = TREE_ORGANIZATION;
    t->whose.project_id = TREE_PROJECT;
}

void tree_end(tree *t)
{
    sw_arena_fini(&t->arena);
}

void tree_fill_span(tree_span *s, unsigned id, unsigned parent, span_role role, int64_t start_ms,
                    int64_t end_ms)
{
    memset(s, 0, sizeof *s);
    s->scope.name = SW_STR("test");
    s->span.resource = &no_resource;
    s->span.scope = &s->scope;
    s->span.name = SW_STR("a span");
    put_id(s->span.trace_id, OTLP_TRACE_ID, 7);
    put_id(s->span.span_id, OTLP_SPAN_ID, id);
    put_id(s->span.parent_span_id, OTLP_SPAN_ID, parent);
    s->span.start_ns = (TREE_TIME + start_ms) * 1000000;
    s->span.end_ns = (TREE_TIME + end_ms) * 1000000;
    s->facts.span = &s->span;
    s->facts.role = role;
    s->facts.end.status = SW_STEP_STATUS_SUCCESS;
    s->facts.service_name = SW_STR("service");
}

void tree_fill_model(tree_span *s)
{
    s->facts.model = SW_STR("m");
    s->facts.usage = (span_usage){.prompt = sw_int_of(10),
                                  .completion = sw_int_of(5),
                                  .total = sw_int_of(15),
                                  .state = SW_USAGE_STATE_REPORTED};
    s->facts.end.stop_reason = SW_STR("end_turn");
    s->question = (sw_message){.role = sw_int_of(SW_MESSAGE_ROLE_USER), .text = SW_STR("why?")};
    s->answer =
        (sw_message){.role = sw_int_of(SW_MESSAGE_ROLE_ASSISTANT), .text = SW_STR("because")};
    s->talk.input = &s->question;
    s->talk.output = &s->answer;
    s->talk.input_count = s->talk.output_count = 1;
}

tree_span *tree_add(tree *t, unsigned id, unsigned parent, span_role role, int64_t start_ms,
                    int64_t end_ms)
{
    tree_span *s = &t->spans[t->count++];

    assert_true(t->count <= TREE_SPANS);
    tree_fill_span(s, id, parent, role, start_ms, end_ms);
    return s;
}

tree_span *tree_model(tree *t, unsigned id, unsigned parent, int64_t start_ms, int64_t end_ms)
{
    tree_span *s = tree_add(t, id, parent, SPAN_LLM, start_ms, end_ms);

    tree_fill_model(s);
    return s;
}

/* The talk stands beside the span. */
sw_status tree_talk(const span_facts *facts, sw_arena *arena, span_talk *out, sw_error *err)
{
    const tree_span *s = (const void *)facts->span;

    (void)arena;
    (void)err;
    *out = s->talk;
    out->output = out->output_count ? &s->answer : NULL;
    out->input = out->input_count ? &s->question : NULL;
    return SW_STATUS_OK;
}

void tree_compute(tree *t)
{
    static span_facts facts[TREE_SPANS];
    sw_error err;

    for (size_t i = 0; i < t->count; i++) {
        facts[i] = t->spans[i].facts;
    }
    assert_int_equal(SW_STATUS_OK, trace_compute_with(tree_talk, &t->whose, facts, t->count,
                                                      &t->arena, &t->result, &err));
}

const trace_step *tree_step(const tree *t, unsigned id)
{
    uint8_t want[OTLP_SPAN_ID];

    put_id(want, sizeof want, id);
    for (size_t i = 0; i < t->result.step_count; i++) {
        if (memcmp(t->result.steps[i].span->span_id, want, sizeof want) == 0) {
            return &t->result.steps[i];
        }
    }
    return NULL;
}

const sw_run *tree_run(const tree *t, const trace_step *step)
{
    for (size_t i = 0; i < t->result.run_count; i++) {
        if (sw_str_eq(t->result.runs[i].id, step->entry.step.run_id)) {
            return &t->result.runs[i];
        }
    }
    return NULL;
}

static sw_str make_run_id(const char *kind, const sw_str *keys, size_t count, int64_t start_ms)
{
    static char ids[8][SW_ID_MAX];
    static unsigned turn;
    char *id = ids[turn++ % 8];

    trace_id_make(SW_STR("run"), TREE_ORGANIZATION, TREE_PROJECT, sw_str_from(kind), keys, count,
                  start_ms, id);
    return sw_str_from(id);
}

#define TRACE_HEX SW_STR("00000000000000000000000000000007")

sw_str tree_run_id(const tree *t, unsigned id)
{
    char hex[17];
    sw_str keys[] = {TRACE_HEX, sw_str_make(hex, 16)};

    for (size_t i = 0; i < t->count; i++) {
        uint8_t want[OTLP_SPAN_ID];
        put_id(want, sizeof want, id);
        if (memcmp(t->spans[i].span.span_id, want, sizeof want) == 0) {
            (void)snprintf(hex, sizeof hex, "%016x", id);
            return make_run_id("agent-span", keys, 2, t->spans[i].span.start_ns / 1000000);
        }
    }
    return SW_NULL_STR;
}

sw_str tree_trace_run(const tree *t)
{
    sw_str key = TRACE_HEX;

    (void)t;
    return make_run_id("trace", &key, 1, -1);
}

/* ---- printing ------------------------------------------------------------------------------------ */

static void print_row(sw_record_id record, const void *row, sw_buf *out)
{
    const sw_record *r = sw_record_of(record);

    sw_buf_addf(out, "%s", r->name);
    for (size_t i = 0; i < r->field_count; i++) {
        const sw_field *field = &r->fields[i];
        if (sw_field_is_null(field, row)) {
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

void tree_print(const trace_result *result, sw_buf *out)
{
    for (size_t i = 0; i < result->run_count; i++) {
        print_row(SW_RECORD_RUN, &result->runs[i], out);
    }
    for (size_t i = 0; i < result->step_count; i++) {
        const trace_step *step = &result->steps[i];
        print_row(SW_RECORD_STEP, &step->entry.step, out);
        print_row(SW_RECORD_STEP_METRICS, step->entry.metrics, out);
        for (size_t m = 0; m < step->entry.message_count; m++) {
            print_row(SW_RECORD_MESSAGE, &step->entry.messages[m], out);
        }
        for (size_t m = 0; m < step->entry.trace_count; m++) {
            print_row(SW_RECORD_PROVIDER_TRACE, &step->entry.traces[m], out);
        }
        for (size_t m = 0; m < step->input_count; m++) {
            print_row(SW_RECORD_MESSAGE, &step->input[m], out);
        }
    }
    for (size_t i = 0; i < result->fold_count; i++) {
        sw_buf_addf(out, "%.*s into %.*s\n", (int)result->folds[i].step_id.len,
                    result->folds[i].step_id.ptr, (int)result->folds[i].survivor_id.len,
                    result->folds[i].survivor_id.ptr);
    }
    for (size_t i = 0; i < result->ghost_count; i++) {
        sw_buf_addf(out, "no run %.*s\n", (int)result->ghosts[i].len, result->ghosts[i].ptr);
    }
    for (size_t i = 0; i < result->agent_count; i++) {
        sw_buf_addf(out, "agent %.*s\n", (int)result->agents[i].len, result->agents[i].ptr);
    }
    assert_int_equal(SW_STATUS_OK, out->status);
}
