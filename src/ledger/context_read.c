/* SPDX-License-Identifier: Apache-2.0 */
/* What a step was sent, shown: each message in order, with what it says, then what the step made of it. */
#include "ledger/context.h"
#include "ledger/reading.h"

typedef struct showing {
    sw_session *session;
    sw_arena *arena;
    sw_str organization_id;
    sw_str step_id;
    sw_each *each;
    void *arg;
    bool stopped;
} showing;

static sw_status show_item(showing *s, const sw_context_item *item, sw_error *err)
{
    sw_message_body key = {.organization_id = s->organization_id, .digest = item->body_hash};
    sw_message_body body;
    sw_message row = {.role = sw_int_of(item->role),
                      .name = item->name,
                      .tool_call_id = item->tool_call_id,
                      .organization_id = s->organization_id,
                      .tool_calls = SW_STR("[]")};
    sw_status status = SW_STATUS_OK;

    if (item->body_hash.ptr) {
        status = sw_store_get(s->session, SW_RECORD_MESSAGE_BODY, &key, s->arena, &body, err);
        if (status == SW_STATUS_NOT_FOUND) {
            return sw_fail(err, SW_STATUS_CORRUPT, "id", "what a message said is missing");
        }
        if (status != SW_STATUS_OK) {
            return status;
        }
        row.text = body.text;
        row.content = body.content;
        row.tool_calls = body.tool_calls.ptr ? body.tool_calls : row.tool_calls;
        row.tool_returns = body.tool_returns;
        row.body_hash = item->body_hash;
    }
    s->stopped = !s->each(s->arg, &row);
    return SW_STATUS_OK;
}

static sw_status show_input(showing *s, const sw_step_context *context, sw_error *err)
{
    sw_context_list list;
    sw_status status = sw__context_read(s->session, context, s->arena, &list, err);

    for (size_t i = 0; i < list.count && status == SW_STATUS_OK && !s->stopped; i++) {
        sw_mark mark = sw_arena_mark(s->arena);
        status = show_item(s, &list.items[i], err);
        sw_arena_rewind(s->arena, mark);
    }
    return status;
}

static sw_status show_made(showing *s, sw_str made, sw_error *err)
{
    sw_context_item item;
    sw_status status = SW_STATUS_OK;

    while (made.len > 0 && status == SW_STATUS_OK && !s->stopped) {
        if (!sw__context_next(&made, &item)) {
            return sw_fail(err, SW_STATUS_CORRUPT, "id", "what the step made cannot be read");
        }
        if (item.role != SW_CONTEXT_TOOLS) {
            status = show_item(s, &item, err);
        }
    }
    return status;
}

/* A step of which nobody said what it was sent has its messages. */
static sw_seen see_message(void *arg, const void *row)
{
    showing *s = arg;

    s->stopped = !s->each(s->arg, row);
    return s->stopped ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

static sw_status show_messages(showing *s, sw_error *err)
{
    sw_value id = {.text = s->step_id};
    sw_condition its = {SW_MESSAGE_STEP_ID, SW_OP_EQ, &id, 1};
    sw_scan scan = {.record = SW_RECORD_MESSAGE,
                    .conditions = &its,
                    .condition_count = 1,
                    .order = {SW_MESSAGE_SEQUENCE_ID},
                    .order_count = 1};
    sw_scan_end end;

    return sw_store_scan(s->session, &scan, see_message, s, &end, err);
}

static sw_status show(showing *s, bool with_output, sw_error *err)
{
    sw_step_context key = {.id = s->step_id};
    sw_step_context context;
    sw_status status =
        sw_store_get(s->session, SW_RECORD_STEP_CONTEXT, &key, s->arena, &context, err);

    if (status == SW_STATUS_NOT_FOUND) {
        return with_output ? show_messages(s, err) : SW_STATUS_OK;
    }
    if (status == SW_STATUS_OK) {
        status = show_input(s, &context, err);
    }
    return status == SW_STATUS_OK && with_output ? show_made(s, context.made, err) : status;
}

sw_status sw_step_context_read(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                               bool with_output, sw_each *each, void *arg, sw_error *err)
{
    showing s = {.step_id = step_id, .each = each, .arg = arg};
    sw_step step;
    sw_arena arena;
    sw_status status = sw__snapshot_begin(ledger, &s.session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &ledger->allocator, 0);
    s.arena = &arena;
    status = sw__read_by_id(s.session, actor, SW_RECORD_STEP, step_id, &arena, &step, err);
    if (status == SW_STATUS_OK) {
        s.organization_id = step.organization_id;
        status = show(&s, with_output, err);
    }
    sw_arena_fini(&arena);
    sw__snapshot_end(ledger, s.session);
    return status;
}
