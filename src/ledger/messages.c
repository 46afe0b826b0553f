/* SPDX-License-Identifier: Apache-2.0 */
/* Messages. What a message says is kept once in an organization, under its digest, however many
 * messages say it; the message itself keeps who said it, when, and in which order.
 */
#include "ledger/messages.h"

#include <stdio.h>

enum { TOOLS_MAX = 256 };

/* ---- bodies ------------------------------------------------------------------------------------- */

static void body_of(const sw_message *message, sw_message_body *body)
{
    memset(body, 0, sizeof *body);
    body->organization_id = message->organization_id;
    body->digest = message->body_hash;
    body->text = message->text;
    body->content = message->content;
    body->tool_calls = message->tool_calls;
    body->tool_returns = message->tool_returns;
}

static bool says_nothing(const sw_message *m)
{
    return !m->text.ptr && !m->content.ptr && !m->tool_returns.ptr &&
           (!m->tool_calls.ptr || sw_str_eq(m->tool_calls, SW_STR("[]")));
}

static sw_str body_digest(sw_group *group, const sw_message *message)
{
    sw_message_body body;

    body_of(message, &body);
    sw__digest_row(group, SW_RECORD_MESSAGE_BODY, &body,
                   SW_MASK(SW_MESSAGE_BODY_ORGANIZATION_ID) | SW_MASK(SW_MESSAGE_BODY_DIGEST));
    return sw__digest_take(group);
}

typedef struct sharers {
    sw_str step_id;
    bool shared;
} sharers;

static sw_seen see_sharer(void *arg, const void *row)
{
    sharers *s = arg;
    const sw_message *m = row;

    if (!sw_str_eq(m->step_id, s->step_id)) {
        s->shared = true;
        return SW_SEEN_STOP;
    }
    return SW_SEEN_COUNT;
}

sw_status sw__body_release(sw_group *group, const sw_message *message, bool *released,
                           sw_error *err)
{
    sw_value organization = {.text = message->organization_id};
    sw_value hash = {.text = message->body_hash};
    sw_condition same[] = {{SW_MESSAGE_ORGANIZATION_ID, SW_OP_EQ, &organization, 1},
                           {SW_MESSAGE_BODY_HASH, SW_OP_EQ, &hash, 1}};
    sw_scan scan = {.record = SW_RECORD_MESSAGE,
                    .conditions = same,
                    .condition_count = 2,
                    .fields = SW_MASK(SW_MESSAGE_STEP_ID)};
    sharers s = {.step_id = message->step_id};
    sw_message_body key = {.organization_id = message->organization_id,
                           .digest = message->body_hash};
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    *released = false;
    if (!message->body_hash.ptr) {
        return SW_STATUS_OK;
    }
    status = sw_store_scan(group->session, &scan, see_sharer, &s, &end, err);
    if (sw_group_must(group, status, err) != SW_STATUS_OK || s.shared) {
        return status;
    }
    *released = true;
    status = sw_store_remove(group->session, SW_RECORD_MESSAGE_BODY, &key, err);
    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err); /* a sister message released it */
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
    sw_status status =
        sw_store_get(group->session, SW_RECORD_MESSAGE, row, &group->arena, &old, err);

    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    if (status != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    *there = true;
    if (!sw_str_eq(old.organization_id, row->organization_id)) {
        return sw__not_available(err);
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
    if (status == SW_STATUS_OK && !says_nothing(row)) {
        row->body_hash = body_digest(group, row);
    }
    if (status == SW_STATUS_OK && !row->body_hash.ptr && !says_nothing(row)) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        status = message_parents(group, task, row, err);
    }
    return status == SW_STATUS_OK && own_id ? is_there(group, row, there, err) : status;
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
            sw__error_path(err, path);
        }
    }
    return status;
}

/* ---- tools of the run --------------------------------------------------------------------------- */

static void add_tool(sw_str *tools, size_t *count, sw_str name)
{
    for (size_t i = 0; i < *count; i++) {
        if (sw_str_eq(tools[i], name)) {
            return;
        }
    }
    if (*count < TOOLS_MAX && name.ptr && name.len <= SW_LIMIT_TAG_BYTES) {
        tools[(*count)++] = name;
    }
}

/* The names of called tools: [{"function":{"name":...}}] or [{"name":...}]; a name inside the arguments
 * is none. */
static void collect_tools(sw_str calls, sw_arena *arena, sw_str *tools, size_t *count)
{
    bool in_function = false;
    sw_json json;

    if (!calls.ptr) {
        return;
    }
    sw_json_init(&json, calls, arena);
    while (sw_json_next(&json) != SW_JSON_END && json.type != SW_JSON_ERROR) {
        bool named = json.type == SW_JSON_KEY && sw_str_eq(json.text, SW_STR("name"));
        if (json.type == SW_JSON_KEY && json.depth == 2) {
            in_function = sw_str_eq(json.text, SW_STR("function"));
        }
        if (named && (json.depth == 2 || (json.depth == 3 && in_function)) &&
            sw_json_next(&json) == SW_JSON_STRING) {
            add_tool(tools, count, json.text);
        }
    }
}

static void read_names(sw_str list, sw_arena *arena, sw_str *tools, size_t *count)
{
    sw_json json;

    if (!list.ptr) {
        return;
    }
    sw_json_init(&json, list, arena);
    while (sw_json_next(&json) != SW_JSON_END && json.type != SW_JSON_ERROR) {
        if (json.type == SW_JSON_STRING) {
            add_tool(tools, count, json.text);
        }
    }
}

static sw_status write_names(sw_group *group, const sw_str *tools, size_t count, sw_str *out,
                             sw_error *err)
{
    sw_json_out json;
    sw_buf buf;

    sw_buf_init(&buf, &group->ledger->allocator, SW_LIMIT_JSON_BYTES);
    sw_json_out_init(&json, &buf, false);
    sw_json_open(&json, '[');
    for (size_t i = 0; i < count; i++) {
        sw_json_str(&json, tools[i]);
    }
    sw_json_close(&json, ']');
    *out = buf.status == SW_STATUS_OK ? sw_arena_str(&group->arena, sw_buf_str(&buf)) : SW_NULL_STR;
    sw_buf_fini(&buf);
    return out->ptr ? SW_STATUS_OK : sw_no_memory(err);
}

static sw_status note_tools(sw_group *group, sw_str run_id, const sw_str *called, size_t calls,
                            sw_error *err)
{
    sw_run_metrics key = {.id = run_id};
    sw_run_metrics row;
    sw_str *tools = sw_arena_zeroed(&group->arena, TOOLS_MAX * sizeof *tools);
    size_t count = 0;
    size_t before = 0;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_RUN_METRICS, &key, &group->arena, &row, err);

    if (sw_group_may(group, status, SW_STATUS_NOT_FOUND, err) != SW_STATUS_OK) {
        return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    if (!tools) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    read_names(row.tools_used, &group->arena, tools, &count);
    before = count;
    for (size_t i = 0; i < calls; i++) {
        add_tool(tools, &count, called[i]);
    }
    if (count == before) {
        return SW_STATUS_OK;
    }
    status = write_names(group, tools, count, &row.tools_used, err);
    if (status == SW_STATUS_OK) {
        status = sw_store_update(group->session, SW_RECORD_RUN_METRICS, &row,
                                 SW_MASK(SW_RUN_METRICS_TOOLS_USED), err);
    }
    return sw_group_must(group, status, err);
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
        body_of(row, &body);
        status = sw_store_insert(group->session, SW_RECORD_MESSAGE_BODY, &body, err);
        if (sw_group_may(group, status, SW_STATUS_EXISTS, err) == SW_STATUS_EXISTS) {
            status = SW_STATUS_OK;
        }
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    row->sequence_id = sw_int_of(++head->sequence_id);
    head->dirty = true;
    return sw_group_must(group, sw_store_insert(group->session, SW_RECORD_MESSAGE, row, err), err);
}

sw_status sw__messages_write(sw_group *group, const sw_task *task, const sw_step *step,
                             sw_parts *parts, sw_error *err)
{
    sw_str *called = sw_arena_zeroed(&group->arena, TOOLS_MAX * sizeof *called);
    size_t calls = 0;
    sw_status status = called ? SW_STATUS_OK : sw_group_must(group, sw_no_memory(err), err);

    (void)task;
    for (size_t i = 0; i < parts->message_count && status == SW_STATUS_OK; i++) {
        if (!parts->message_there[i]) {
            status = write_one(group, &parts->messages[i], err);
            collect_tools(parts->messages[i].tool_calls, &group->arena, called, &calls);
        }
    }
    if (status == SW_STATUS_OK && calls > 0 && step->run_id.ptr) {
        status = note_tools(group, step->run_id, called, calls, err);
    }
    return status;
}
