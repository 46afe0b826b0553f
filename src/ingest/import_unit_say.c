/* SPDX-License-Identifier: Apache-2.0 */
/* What was said around a call: what was asked since the call before, what the model answered, what its tools returned
 * (telemetry.md E.9). A transcript does not repeat the history, and neither do we: a step shows what was new to the
 * conversation. All of it is kept as the step's own, though a person said a part of it, because which call came next
 * after it may turn out otherwise when more files come; what is said twice is stored once all the same.
 */
#include "ingest/import_unit.h"
#include "ingest/talk.h"
#include "ingest/trace_inside.h"

/* ---- the answer ---------------------------------------------------------------------------------------- */

static void say_part(talk *t, const transcript_part *part)
{
    talk_value value = talk_parse(t, part->raw);

    if (part->kind == TRANSCRIPT_PART_TOOL) {
        talk_read_call_part(t, value);
    } else {
        talk_read_any_part(t, value);
    }
}

/* Blocks of a call so far. */
typedef struct blocks {
    import_list all; /* sw_str: as they stand in the input */
    import_index index;
    sw_str asked;
} blocks;

static bool same_block(const void *arg, size_t place)
{
    const blocks *b = arg;

    return sw_str_eq(((const sw_str *)b->all.items)[place], b->asked);
}

/* Whether the same block came with an earlier part of the call. */
static bool was_said(blocks *b, const transcript_part *part, sw_arena *arena)
{
    import_slot *slot = NULL;
    sw_str *added = NULL;

    b->asked = part->raw;
    slot = import_find(&b->index, arena, sw_hash(11, part->raw.ptr, part->raw.len), same_block, b);
    added = slot && !slot->place ? import_add(arena, &b->all, sizeof *added) : NULL;
    if (added) {
        *added = part->raw;
        import_put(&b->index, slot, b->all.count - 1);
    }
    return !added;
}

static void say_answer(unit *u, const unit_call *call, talk *t)
{
    blocks said = {.asked = SW_NULL_STR};

    talk_begin(t, SW_MESSAGE_ROLE_ASSISTANT);
    for (uint32_t part = call->first; part != UNIT_NONE; part = unit_next(u, part)) {
        const transcript_event *e = &u->events[part].e;
        for (size_t i = 0; i < e->part_count; i++) {
            if (!was_said(&said, &e->parts[i], &u->work->arena)) {
                say_part(t, &e->parts[i]);
            }
        }
        if (e->part_count == 0 && e->content.ptr && part == call->best) {
            talk_read_content(t, talk_parse(t, e->content));
        }
    }
    talk_end(t);
}

/* ---- tools ---------------------------------------------------------------------------------------------- */

/* The return with its tool's name and its times; it was written as a list of one object. */
static sw_str with_times(unit *u, sw_str returns, sw_str name, int64_t from_us, int64_t to_us)
{
    char from[SW_TIME_TEXT];
    char to[SW_TIME_TEXT];
    sw_buf buf;
    sw_json_out out;
    sw_str result;

    if (returns.len < 3 || memcmp(returns.ptr + returns.len - 2, "}]", 2) != 0) {
        return returns;
    }
    sw_buf_init(&buf, u->work->arena.from, SW_LIMIT_JSON_BYTES);
    sw_buf_add(&buf, sw_str_make(returns.ptr, returns.len - 2));
    sw_buf_adds(&buf, ",\"tool_name\":");
    sw_json_out_init(&out, &buf, false);
    sw_json_str(&out, name.ptr ? name : SW_STR(""));
    if (from_us != INT64_MIN && to_us != INT64_MIN) {
        from[sw_time_print(from_us, true, from)] = 0;
        to[sw_time_print(to_us, true, to)] = 0;
        sw_buf_addf(&buf, ",\"start\":\"%s\",\"end\":\"%s\",\"estimated\":true", from, to);
    }
    sw_buf_adds(&buf, "}]");
    result = sw_buf_take(&buf, &u->work->arena);
    return result.ptr ? result : returns;
}

static void say_return(unit *u, const unit_call *call, const transcript_part *tool, talk *t)
{
    uint32_t answer = unit_answer(u, tool->id);
    const unit_event *event = NULL;
    sw_message *said = NULL;
    size_t before = 0;

    if (answer == UNIT_NONE || u->events[answer].e.part_count == 0) {
        return;
    }
    event = &u->events[answer];
    before = talk_count(t, t->side);
    talk_begin(t, SW_MESSAGE_ROLE_TOOL);
    talk_read_return_part(t, talk_parse(t, event->e.parts[0].raw));
    talk_end(t);
    if (talk_count(t, t->side) <= before) {
        return;
    }
    said = (sw_message *)t->messages[t->side].items + before;
    said->name = said->name.ptr ? said->name : tool->name;
    said->created_at = event->at_us == INT64_MIN ? SW_NULL_INT : sw_int_of(event->at_us);
    said->tool_returns =
        with_times(u, said->tool_returns, tool->name, unit_call_end(u, call), event->at_us);
}

static void say_returns(unit *u, const unit_call *call, talk *t)
{
    blocks said = {.asked = SW_NULL_STR};

    for (uint32_t part = call->first; part != UNIT_NONE; part = unit_next(u, part)) {
        const transcript_event *e = &u->events[part].e;
        for (size_t i = 0; i < e->part_count; i++) {
            if (e->parts[i].kind == TRANSCRIPT_PART_TOOL &&
                !was_said(&said, &e->parts[i], &u->work->arena)) {
                say_return(u, call, &e->parts[i], t);
            }
        }
    }
}

/* ---- what was asked -------------------------------------------------------------------------------------- */

static void say_asked(unit *u, const unit_call *call, talk *t)
{
    for (uint32_t i = call->asked; i != UNIT_NONE; i = u->next_part[i]) {
        const transcript_event *e = &u->events[i].e;
        talk_begin(t, SW_MESSAGE_ROLE_USER);
        talk_read_content(t, talk_parse(t, e->content));
        talk_end(t);
    }
}

/* ---- together --------------------------------------------------------------------------------------------- */

static void settle(unit *u, const unit_call *call, import_made *made, talk *t)
{
    sw_message *said = t->messages[TALK_OUTPUT].items;
    sw_step_entry *entry = &made->step.entry;
    int64_t end = unit_call_end(u, call);

    entry->message_count = talk_count(t, TALK_OUTPUT);
    for (size_t i = 0; i < entry->message_count; i++) {
        if (said[i].role.value == SW_MESSAGE_ROLE_ASSISTANT) {
            said[i].model = entry->step.model;
            said[i].created_at = end == INT64_MIN ? SW_NULL_INT : sw_int_of(end);
        }
    }
    entry->step.input_preview =
        trace_preview(said, entry->message_count, SW_MESSAGE_ROLE_USER, false, &u->work->arena);
    entry->step.output_preview = trace_preview(said, entry->message_count,
                                               SW_MESSAGE_ROLE_ASSISTANT, false, &u->work->arena);
    if (t->cut) {
        entry->step.content_truncated = sw_int_of(1);
    }
}

bool unit_say(unit *u, const unit_call *call, import_made *made, sw_message **messages)
{
    talk t;

    talk_init(&t, &u->work->arena);
    t.side = TALK_OUTPUT;
    say_asked(u, call, &t);
    say_answer(u, call, &t);
    say_returns(u, call, &t);
    settle(u, call, made, &t);
    *messages = t.messages[TALK_OUTPUT].items;
    return !u->work->arena.failed;
}
