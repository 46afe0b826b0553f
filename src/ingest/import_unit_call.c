/* SPDX-License-Identifier: Apache-2.0 */
/* Model calls from their parts. All parts with one name are one call; the usage of the part that tells of most tokens
 * counts, and of equal ones that of the later (telemetry.md G.1). Adding them up would count the prompt once for each
 * block, taking the first would lose nearly all of the output.
 */
#include "ingest/import_unit.h"

/* Of calls of one name so many are looked at. */
enum { MODELS_MOST = 64 };

static int64_t given(sw_int count)
{
    return count.known && count.value > 0 && count.value <= INT32_MAX ? count.value : 0;
}

static int64_t weight(const transcript_usage *usage)
{
    return given(usage->input) + given(usage->output) + given(usage->cache_read) +
           given(usage->cache_write) + given(usage->reasoning) + given(usage->tool_use);
}

static bool is_call(const unit_event *event)
{
    return !event->gone && event->e.kind == TRANSCRIPT_CALL;
}

/* Whether the call's own name is not enough to tell it from others. */
static bool needs_both(const unit *u, const transcript_event *e)
{
    return !u->traits->by_message || !e->key.len;
}

typedef bool is_same(const transcript_event *a, const transcript_event *b);

static bool same_both(const transcript_event *a, const transcript_event *b)
{
    return sw_str_eq(a->key, b->key) && sw_str_eq(a->key2, b->key2);
}

static bool same_model(const transcript_event *a, const transcript_event *b)
{
    return sw_str_eq(a->key, b->key) && sw_str_eq(a->model, b->model);
}

/* Where both have a request, and the models differ, something constant stands in the place of the name, and they are
 * two. */
static bool same_name(const transcript_event *a, const transcript_event *b)
{
    bool requests = a->key2.len && b->key2.len && !sw_str_eq(a->key2, b->key2);

    return sw_str_eq(a->key, b->key) &&
           (!requests || a->side || b->side || sw_str_eq(a->model, b->model));
}

/* A part without a name of the call's is found by the request, else by its own id; else it is a call of its own. */
static void name_call(unit *u, transcript_event *e)
{
    char digest[IMPORT_DIGEST];
    char hex[2 * IMPORT_DIGEST];

    if (e->key.len) {
        return;
    }
    if (e->key2.len) {
        e->key = SW_STR("");
    } else if (e->id.len) {
        e->key = e->id;
    } else {
        import_digest(e->raw.ptr, e->raw.len, digest);
        sw_hex_print((const uint8_t *)digest, sizeof digest, hex);
        e->key = sw_arena_printf(&u->work->arena, "line %u %.*s", e->line, (int)sizeof hex, hex);
    }
}

/* The call that the part is one of, or where it would stand. No further than past so many others of its name. */
static uint32_t probe(const unit *u, const transcript_event *e, uint64_t hash, is_same *same,
                      uint32_t *others, size_t *at)
{
    const unit_index *index = &u->by_call;

    *at = hash & (index->size - 1);
    for (; index->at[*at] != UNIT_NONE && *others > 0; *at = (*at + 1) & (index->size - 1)) {
        uint32_t call = index->at[*at];
        const transcript_event *first = &u->events[u->calls[call].first].e;
        if (same(first, e)) {
            return call;
        }
        *others -= sw_str_eq(first->key, e->key);
    }
    return UNIT_NONE;
}

/* What names more calls than any program makes models of names none of them: the model does, as in their ids. */
static uint32_t find_call(const unit *u, const transcript_event *e, size_t *at)
{
    uint64_t hash = sw_hash(11, e->key.ptr, e->key.len);
    uint32_t others = UINT32_MAX;
    uint32_t call = UNIT_NONE;

    if (needs_both(u, e)) {
        hash = sw_hash(hash, e->key2.ptr, e->key2.len);
        return probe(u, e, hash, same_both, &others, at);
    }
    others = MODELS_MOST;
    call = probe(u, e, hash, same_name, &others, at);
    if (call == UNIT_NONE && others == 0) {
        others = UINT32_MAX;
        call = probe(u, e, sw_hash(hash, e->model.ptr, e->model.len), same_model, &others, at);
    }
    return call;
}

uint32_t unit_call_named(const unit *u, sw_str key, sw_str key2)
{
    const transcript_event wanted = {.key = key, .key2 = key2};
    size_t at = 0;

    return find_call(u, &wanted, &at);
}

static uint32_t add_call(unit *u, uint32_t event, size_t at)
{
    unit_call *calls =
        sw_arena_grow(&u->work->arena, u->calls, u->call_count, &u->call_room, sizeof *calls);

    if (!calls) {
        return UNIT_NONE;
    }
    u->calls = calls;
    calls[u->call_count] = (unit_call){.first = event,
                                       .last = event,
                                       .best = event,
                                       .run = u->events[event].run,
                                       .asked = UNIT_NONE,
                                       .copy_of = UNIT_NONE,
                                       .parts = 1,
                                       .side = u->events[event].e.side,
                                       .from_us = INT64_MIN};
    u->by_call.at[at] = (uint32_t)u->call_count;
    return (uint32_t)u->call_count++;
}

/* What a side conversation repeats of the main one is no part of the call. */
static void join_part(unit *u, unit_call *call, uint32_t event)
{
    const transcript_event *e = &u->events[event].e;
    const transcript_event *best = &u->events[call->best].e;

    if (e->rewound) {
        call->rewound = true;
        return;
    }
    if (e->side && !call->side) {
        return;
    }
    if ((call->side && !e->side) ||
        (u->traits->retold && weight(&e->usage) >= weight(&best->usage))) {
        call->side = e->side;
        call->run = u->events[event].run;
        call->first = call->last = call->best = event;
        call->parts = 1;
        return;
    }
    if (u->traits->retold) {
        return;
    }
    u->next_part[call->last] = event;
    call->last = event;
    call->parts++;
    if ((e->has_usage || e->failed) && weight(&e->usage) >= weight(&best->usage)) {
        call->best = event;
    }
}

/* When the request was made: at the line that the first part answers, leaving out parts of the same call, which in a
 * damaged file may answer each other in a circle. */
static void find_start(unit *u, uint32_t number)
{
    unit_call *call = &u->calls[number];
    uint32_t at = call->first;

    if (u->events[at].e.start_us.known) {
        call->from_us = u->events[at].e.start_us.value;
        return;
    }
    for (uint32_t passed = 0; passed <= call->parts; passed++) {
        at = unit_find(u, u->events[at].e.parent);
        if (at == UNIT_NONE) {
            return;
        }
        if (u->events[at].call != number) {
            break;
        }
    }
    if (u->events[at].e.at_us.known && u->events[at].at_us <= u->events[call->first].at_us) {
        call->from_us = u->events[at].at_us;
    }
}

static void count_parts(unit *u, uint32_t number)
{
    unit_call *call = &u->calls[number];

    for (uint32_t part = call->first; part != UNIT_NONE && call->copy_of == UNIT_NONE;
         part = unit_next(u, part)) {
        const transcript_event *e = &u->events[part].e;
        call->real =
            call->real || e->failed || e->uncounted || (e->has_usage && weight(&e->usage) > 0);
        for (size_t i = 0; i < e->part_count; i++) {
            call->tools += e->parts[i].kind == TRANSCRIPT_PART_TOOL;
        }
    }
    if (call->real) {
        unit_run *run = &u->runs[call->run];
        run->calls++;
        run->last_call = call->last;
    }
}

/* A tool's answer remembers which call it answers. */
static void mark_answers(unit *u, uint32_t number)
{
    for (uint32_t part = u->calls[number].first; part != UNIT_NONE; part = unit_next(u, part)) {
        const transcript_event *e = &u->events[part].e;
        for (size_t i = 0; i < e->part_count; i++) {
            uint32_t answer = e->parts[i].kind == TRANSCRIPT_PART_TOOL
                                  ? unit_answer(u, e->parts[i].id)
                                  : UNIT_NONE;
            if (answer != UNIT_NONE) {
                u->events[answer].call = number;
            }
        }
    }
}

int64_t unit_call_end(const unit *u, const unit_call *call)
{
    const unit_event *last = &u->events[call->last];

    return last->e.end_us.known ? last->e.end_us.value : last->at_us;
}

sw_status unit_find_calls(unit *u, sw_error *err)
{
    for (uint32_t n = 0; n < u->count; n++) {
        uint32_t i = u->order[n];
        size_t at = 0;
        uint32_t call = UNIT_NONE;
        if (!is_call(&u->events[i])) {
            continue;
        }
        name_call(u, &u->events[i].e);
        call = find_call(u, &u->events[i].e, &at);
        if (call != UNIT_NONE) {
            join_part(u, &u->calls[call], i);
        } else {
            call = add_call(u, i, at);
        }
        if (call == UNIT_NONE || u->work->arena.failed) {
            return sw_no_memory(err);
        }
        u->events[i].call = call;
    }
    unit_find_copies(u);
    for (uint32_t i = 0; i < u->call_count; i++) {
        mark_answers(u, i);
        find_start(u, i);
        count_parts(u, i);
    }
    return SW_STATUS_OK;
}
