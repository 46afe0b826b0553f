/* SPDX-License-Identifier: Apache-2.0 */
/* Messages. What a message says is kept once in an organization, under its digest, however many
 * messages say it; the message itself keeps who said it, when, and in which order.
 */
#include "ledger/messages.h"
#include "ledger/border.h"

#include <stdio.h>

#include "ledger/gather.h"

/* ---- bodies ------------------------------------------------------------------------------------- */

void sw__message_body_of(const sw_message *message, sw_message_body *body)
{
    memset(body, 0, sizeof *body);
    body->organization_id = message->organization_id;
    body->digest = message->body_hash;
    body->text = message->text;
    body->content = message->content;
    body->tool_calls = message->tool_calls;
    body->tool_returns = message->tool_returns;
    body->contexts = sw_int_of(0);
}

bool sw__message_is_mute(const sw_message *m)
{
    return !m->text.ptr && !m->content.ptr && !m->tool_returns.ptr &&
           (!m->tool_calls.ptr || sw_str_eq(m->tool_calls, SW_STR("[]")));
}

sw_str sw__message_body_digest(const sw_ledger *ledger, sw_buf *buf, sw_arena *arena,
                               const sw_message *message)
{
    sw_message_body body;

    sw__message_body_of(message, &body);
    return sw__row_digest_with(ledger, buf, arena, SW_RECORD_MESSAGE_BODY, &body,
                               SW_MASK(SW_MESSAGE_BODY_ORGANIZATION_ID) |
                                   SW_MASK(SW_MESSAGE_BODY_DIGEST) |
                                   SW_MASK(SW_MESSAGE_BODY_CONTEXTS));
}

/* Whether a step was sent it: a context shows it as a message does. */
static sw_status in_context(sw_group *group, const sw_message_body *key, bool *shown, sw_error *err)
{
    sw_value organization = {.text = key->organization_id};
    sw_value digest = {.text = key->digest};
    sw_condition this[] = {{SW_MESSAGE_BODY_ORGANIZATION_ID, SW_OP_EQ, &organization, 1},
                           {SW_MESSAGE_BODY_DIGEST, SW_OP_EQ, &digest, 1}};
    sw_scan scan = {.record = SW_RECORD_MESSAGE_BODY,
                    .conditions = this,
                    .condition_count = 2,
                    .fields = SW_MASK(SW_MESSAGE_BODY_CONTEXTS),
                    .unordered = true};
    sw_message_body body;
    bool found = false;
    sw_status status = sw__first(group->session, &scan, &group->arena, &body, &found, err);

    *shown = body.contexts.value > 0;
    return sw_group_must(group, status, err);
}

sw_status sw__body_release(sw_group *group, sw_str organization_id, sw_str hash, sw_error *err)
{
    sw_value organization = {.text = organization_id};
    sw_value digest = {.text = hash};
    sw_condition same[] = {{SW_MESSAGE_ORGANIZATION_ID, SW_OP_EQ, &organization, 1},
                           {SW_MESSAGE_BODY_HASH, SW_OP_EQ, &digest, 1}};
    sw_scan scan = {.record = SW_RECORD_MESSAGE,
                    .conditions = same,
                    .condition_count = 2,
                    .fields = SW_MASK(SW_MESSAGE_ID),
                    .unordered = true};
    sw_message_body key = {.organization_id = organization_id, .digest = hash};
    bool shown = false;
    sw_status status = sw__first(group->session, &scan, NULL, NULL, &shown, err);

    if (sw_group_must(group, status, err) == SW_STATUS_OK && !shown) {
        status = in_context(group, &key, &shown, err);
    }
    if (status != SW_STATUS_OK || shown) {
        return status;
    }
    status = sw_store_remove(group->session, SW_RECORD_MESSAGE_BODY, &key, err);
    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* ---- preparing ---------------------------------------------------------------------------------- */

/* What the message does not say of itself it takes from its step, where that names a known record. */
static sw_status inherit(sw_group *group, const sw_task *task, const sw_step *step, sw_message *row,
                         sw_error *err)
{
    struct {
        sw_record_id record;
        sw_str *field;
        sw_str from;
    } links[] = {{SW_RECORD_AGENT, &row->agent_id, step->agent_id},
                 {SW_RECORD_CONVERSATION, &row->conversation_id, step->conversation_id}};

    row->organization_id = task->organization_id;
    row->step_id = step->id;
    row->run_id = row->run_id.ptr ? row->run_id : step->run_id;
    row->created_at = row->created_at.known ? row->created_at : sw_int_of(group->now_us);
    row->updated_at = row->created_at;
    row->created_by_id = task->user_id;
    for (size_t i = 0; i < SW_COUNT(links); i++) {
        sw_status status = SW_STATUS_OK;
        if (links[i].field->ptr || !links[i].from.ptr) {
            continue;
        }
        status = sw_group_known(group, links[i].record, links[i].from, task->organization_id, err);
        if (status == SW_STATUS_OK) {
            *links[i].field = links[i].from;
        } else if (status != SW_STATUS_NOT_FOUND) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

static sw_status message_parents(sw_group *group, const sw_task *task, const sw_message *row,
                                 sw_error *err)
{
    const struct {
        sw_record_id record;
        sw_str id;
        const char *name;
    } links[] = {{SW_RECORD_RUN, row->run_id, "run_id"},
                 {SW_RECORD_AGENT, row->agent_id, "agent_id"},
                 {SW_RECORD_CONVERSATION, row->conversation_id, "conversation_id"}};

    for (size_t i = 0; i < SW_COUNT(links); i++) {
        sw_status status = SW_STATUS_OK;
        if (!links[i].id.ptr) {
            continue;
        }
        status = sw_group_parent(group, links[i].record, links[i].id, task->organization_id,
                                 links[i].name, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

static sw_status is_there(sw_group *group, const sw_message *row, bool *there, sw_error *err)
{
    sw_message old;
    bool sees = false;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_MESSAGE, row, &group->arena, &old, err);

    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    if (status != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    *there = true;
    status = sw_group_sees(group, group->task, SW_RECORD_MESSAGE, &old, &sees, err);
    if (status != SW_STATUS_OK || !sees) {
        return status != SW_STATUS_OK ? status : sw__not_available(err);
    }
    if (!sw_str_eq(old.step_id, row->step_id) || !sw_int_eq(old.role, row->role) ||
        !sw_str_eq(old.body_hash, row->body_hash)) {
        return sw_fail(err, SW_STATUS_CONFLICT, "id",
                       "a message with this id and other content exists");
    }
    return SW_STATUS_OK;
}

static sw_status prepare_one(sw_group *group, const sw_task *task, const sw_step *step,
                             sw_message *row, bool *there, sw_error *err)
{
    bool own_id = row->id.ptr != NULL;
    bool may_be_there = own_id || group->retry.call; /* an id that is made anew is not */
    sw_status status = inherit(group, task, step, row, err);

    if (status == SW_STATUS_OK && !own_id) {
        row->id = sw__new_id(group, SW_RECORD_MESSAGE);
        status = row->id.ptr ? status : sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        sw__row_nulls(SW_RECORD_MESSAGE, row);
        row->sequence_id = sw_int_of(0); /* numbered when it is written */
        sw_row_defaults(sw_record_of(SW_RECORD_MESSAGE), row);
        row->body_hash = SW_NULL_STR;
        status = sw_row_check(sw_record_of(SW_RECORD_MESSAGE), row, "", err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_MESSAGE, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK && !sw__message_is_mute(row)) {
        row->body_hash = sw__message_body_digest(group->ledger, &group->digest, &group->arena, row);
    }
    if (status == SW_STATUS_OK && !row->body_hash.ptr && !sw__message_is_mute(row)) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        status = message_parents(group, task, row, err);
    }
    return status == SW_STATUS_OK && may_be_there ? is_there(group, row, there, err) : status;
}

sw_status sw__ids_differ(sw_group *group, const void *rows, size_t size, size_t id_offset,
                         size_t count, sw_error *err)
{
    size_t room = 16;
    const sw_str **seen = NULL;

    while (room < count * 2) {
        room *= 2;
    }
    seen = sw_arena_zeroed(&group->arena, room * sizeof(const sw_str *));
    if (!seen) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        const sw_str *id = (const void *)((const char *)rows + i * size + id_offset);
        size_t at = id->ptr ? sw_hash(3, id->ptr, id->len) & (room - 1) : 0;
        while (id->ptr && seen[at] && !sw_str_eq(*seen[at], *id)) {
            at = (at + 1) & (room - 1);
        }
        if (id->ptr && seen[at]) {
            return sw_fail(err, SW_STATUS_INVALID, "id", "two in one call have the id %.*s",
                           (int)(id->len < 80 ? id->len : 80), id->ptr);
        }
        if (id->ptr) {
            seen[at] = id;
        }
    }
    return SW_STATUS_OK;
}

sw_status sw__messages_prepare(sw_group *group, const sw_task *task, const sw_step *step,
                               const sw_step_entry *entry, sw_parts *parts, sw_error *err)
{
    size_t n = entry->message_count;
    sw_status status = SW_STATUS_OK;
    char path[32];

    parts->messages = sw_arena_zeroed(&group->arena, n * sizeof *parts->messages);
    parts->message_there = sw_arena_zeroed(&group->arena, n * sizeof *parts->message_there);
    if (!parts->messages || !parts->message_there) {
        return sw_no_memory(err);
    }
    parts->message_count = n;
    status = sw__ids_differ(group, entry->messages, sizeof *entry->messages,
                            offsetof(sw_message, id), n, err);
    for (size_t i = 0; i < n && status == SW_STATUS_OK; i++) {
        parts->messages[i] = entry->messages[i];
        status = prepare_one(group, task, step, &parts->messages[i], &parts->message_there[i], err);
        if (status != SW_STATUS_OK && err) {
            (void)snprintf(path, sizeof path, "messages[%zu].", i);
            sw_error_path(err, path);
        }
    }
    return status;
}

/* ---- writing ------------------------------------------------------------------------------------ */

static sw_status write_one(sw_group *group, sw_message *row, sw_error *err)
{
    sw_head *head = sw_group_head(group, row->organization_id, err);
    sw_status status = SW_STATUS_OK;
    sw_message_body body;

    if (!head) {
        return group->broken;
    }
    if (row->body_hash.ptr) {
        sw__message_body_of(row, &body);
        status = sw_store_insert(group->session, SW_RECORD_MESSAGE_BODY, &body, err);
        if (sw_group_may(group, status, SW_STATUS_EXISTS, err) == SW_STATUS_EXISTS) {
            status = SW_STATUS_OK;
        }
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    row->sequence_id = sw_int_of(++head->sequence_id);
    sw_group_head_moved(group, head);
    return sw_group_must(group, sw_store_insert(group->session, SW_RECORD_MESSAGE, row, err), err);
}

sw_status sw__message_tools(sw_group *group, const sw_step *step, const sw_message *row,
                            bool *changed, sw_error *err)
{
    sw_tool_names names;

    if (!sw__tools_of(row->tool_calls, &group->arena, &names)) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    return sw__tools_move(group, step->organization_id, sw__tools_run(step), &names, +1, changed,
                          err);
}

/* The conversation knows when its last message came. */
sw_status sw__message_note(sw_group *group, const sw_task *task, sw_str conversation_id, sw_int at,
                           sw_error *err)
{
    sw_conversation row = {
        .id = conversation_id, .last_message_at = at, .updated_at = sw_int_of(group->now_us)};
    sw_conversation old;
    bool found = false;
    sw_status status =
        sw__first_of(group->session, SW_RECORD_CONVERSATION, SW_CONVERSATION_ID, conversation_id,
                     SW_MASK(SW_CONVERSATION_LAST_MESSAGE_AT), &group->arena, &old, &found, err);

    if (sw_group_must(group, status, err) != SW_STATUS_OK ||
        (old.last_message_at.known && old.last_message_at.value >= at.value)) {
        return status;
    }
    status = sw_store_update(
        group->session, SW_RECORD_CONVERSATION, &row,
        SW_MASK(SW_CONVERSATION_LAST_MESSAGE_AT) | SW_MASK(SW_CONVERSATION_UPDATED_AT), err);
    if (sw_group_must(group, status, err) == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_UPDATED, SW_RECORD_CONVERSATION,
                                  conversation_id, SW_NULL_STR, NULL, err);
    }
    return status;
}

/* Messages of one conversation follow one another, as a rule: it is told once of all of them. */
static sw_status note_messages(sw_group *group, const sw_task *task, const sw_parts *parts,
                               sw_error *err)
{
    sw_str conversation = SW_NULL_STR;
    sw_int last = SW_NULL_INT;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < parts->message_count && status == SW_STATUS_OK; i++) {
        const sw_message *row = &parts->messages[i];
        if (parts->message_there[i] || !row->conversation_id.ptr) {
            continue;
        }
        if (conversation.ptr && !sw_str_eq(conversation, row->conversation_id)) {
            status = sw__message_note(group, task, conversation, last, err);
            last = SW_NULL_INT;
        }
        conversation = row->conversation_id;
        last = last.known && last.value > row->created_at.value ? last : row->created_at;
    }
    return status == SW_STATUS_OK && conversation.ptr
               ? sw__message_note(group, task, conversation, last, err)
               : status;
}

sw_status sw__messages_write(sw_group *group, const sw_task *task, const sw_step *step,
                             sw_parts *parts, sw_error *err)
{
    bool changed = false;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < parts->message_count && status == SW_STATUS_OK; i++) {
        if (!parts->message_there[i]) {
            status = write_one(group, &parts->messages[i], err);
        }
        if (status == SW_STATUS_OK && !parts->message_there[i]) {
            status = sw__message_tools(group, step, &parts->messages[i], &changed, err);
        }
    }
    if (status == SW_STATUS_OK && changed) {
        status = sw__tools_list(group, sw__tools_run(step), err);
    }
    return status == SW_STATUS_OK ? note_messages(group, task, parts, err) : status;
}
