/* SPDX-License-Identifier: Apache-2.0 */
/* From the facts of spans to steps and runs: plants the tree, settles roles, attaches tools, chooses runs, writes
 * rows. Each of these is a file of its own; what they share is trace_inside.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/trace_inside.h"

sw_str trace_make_id(const trace *t, const char *prefix, const char *kind, const sw_str *keys,
                     size_t key_count, int64_t start_ms)
{
    char id[SW_ID_MAX];

    trace_id_make(sw_str_from(prefix), t->whose->organization_id, t->whose->project_id,
                  sw_str_from(kind), keys, key_count, start_ms, id);
    return sw_arena_str(t->arena, sw_str_from(id));
}

void trace_own_keys(const trace *t, const trace_node *node, const char *kind, trace_keys *out)
{
    const span_told *told = node->facts->told;

    if (told) {
        out->kind = told->kind;
        memcpy(out->keys, told->keys, sizeof told->keys);
        out->count = told->key_count;
        out->start_ms = -1;
        return;
    }
    sw_hex_print(node->facts->span->span_id, OTLP_SPAN_ID, out->hex);
    out->kind = sw_str_from(kind);
    out->keys[0] = t->trace_hex;
    out->keys[1] = sw_str_make(out->hex, sizeof out->hex);
    out->count = 2;
    out->start_ms = trace_start_ms(node);
}

sw_str trace_own_id(const trace *t, const char *prefix, const trace_keys *own)
{
    char id[SW_ID_MAX];

    trace_id_make(sw_str_from(prefix), t->whose->organization_id, t->whose->project_id, own->kind,
                  own->keys, own->count, own->start_ms, id);
    return sw_arena_str(t->arena, sw_str_from(id));
}

sw_str trace_lone_id(const trace *t, const char *prefix, const trace_node *node)
{
    char hex[2 * OTLP_SPAN_ID];
    const sw_str keys[] = {t->trace_hex, {hex, sizeof hex}};

    sw_hex_print(node->facts->detailed, OTLP_SPAN_ID, hex);
    return trace_make_id(t, prefix, "genai-evt", keys, 2, -1);
}

sw_str trace_part_id(const trace *t, const trace_node *node, const char *prefix, sw_str word,
                     size_t index)
{
    char number[24];
    trace_keys own;

    trace_own_keys(t, node, "span", &own);
    own.keys[own.count++] = word;
    own.keys[own.count++] =
        sw_str_make(number, (size_t)snprintf(number, sizeof number, "%zu", index));
    return trace_own_id(t, prefix, &own);
}

sw_str trace_take_text(trace *t, sw_buf *buf)
{
    sw_str out =
        buf->status == SW_STATUS_OK ? sw_arena_str(t->arena, sw_buf_str(buf)) : SW_NULL_STR;

    if (buf->status == SW_STATUS_NO_MEMORY) {
        t->failed = sw_no_memory(&t->why);
    }
    sw_buf_fini(buf);
    return out;
}

/* ---- agents ---------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return sw_str_cmp(*(const sw_str *)a, *(const sw_str *)b);
}

static sw_status list_agents(trace *t, trace_result *out, sw_error *err)
{
    sw_str *names = sw_arena_alloc(t->arena, (2 * (size_t)t->count + 2) * sizeof *names);
    size_t n = 0;

    if (!names) {
        return sw_no_memory(err);
    }
    for (uint32_t i = 0; i < t->count; i++) {
        const trace_node *node = &t->nodes[i];
        bool step = node->role == SPAN_LLM && !node->folded;
        sw_str name = step || node->is_run ? trace_agent_name(t, node) : SW_NULL_STR;
        if (name.ptr) {
            names[n++] = name;
        }
    }
    if (t->nobody) {
        names[n++] = TRACE_NOBODY;
    }
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !sw_str_eq(names[i], names[i - 1])) {
            names[out->agent_count++] = names[i];
        }
    }
    out->agents = names;
    return SW_STATUS_OK;
}

/* ---- all -------------------------------------------------------------------------------------------------- */

static sw_status compute(trace *t, const span_facts *facts, size_t count, trace_result *out,
                         sw_error *err)
{
    sw_status status = trace_plant(t, facts, count, err);

    if (status == SW_STATUS_OK && t->count > 0) {
        char hex[2 * OTLP_TRACE_ID];
        sw_hex_print(t->nodes[0].facts->span->trace_id, OTLP_TRACE_ID, hex);
        t->trace_hex = sw_arena_str(t->arena, sw_str_make(hex, sizeof hex));
        status = t->trace_hex.ptr ? trace_settle(t, err) : sw_no_memory(err);
        if (status == SW_STATUS_OK) {
            status = trace_attach(t, err);
        }
        if (status == SW_STATUS_OK) {
            trace_read_ends(t);
            trace_choose_runs(t);
            status = trace_write_runs(t, out, err);
        }
        if (status == SW_STATUS_OK) {
            status = trace_write_steps(t, out, err);
        }
        if (status == SW_STATUS_OK) {
            status = list_agents(t, out, err);
        }
    }
    return status;
}

sw_status trace_compute_with(trace_talk *talk, const trace_whose *whose, const span_facts *facts,
                             size_t count, sw_arena *arena, trace_result *out, sw_error *err)
{
    trace t = {.whose = whose, .read_talk = talk, .arena = arena};
    sw_status status = SW_STATUS_OK;

    *out = (trace_result){.step_count = 0};
    status = compute(&t, facts, count, out, err);
    if (t.failed != SW_STATUS_OK) {
        if (err) {
            *err = t.why;
        }
        return t.failed;
    }
    return status == SW_STATUS_OK && arena->failed ? sw_no_memory(err) : status;
}

sw_status trace_compute(const trace_whose *whose, const span_facts *facts, size_t count,
                        sw_arena *arena, trace_result *out, sw_error *err)
{
    return trace_compute_with(span_read_talk, whose, facts, count, arena, out, err);
}
