/* SPDX-License-Identifier: Apache-2.0 */
/* What is new of a batch's talk is written: bodies, messages, traces, lists, and what is known from now on, each kind
 * many rows at once. Bodies come first, so that nothing that goes takes along what is shown again.
 */
#include <stdlib.h>

#include "ledger/gather.h"
#include "ledger/messages.h"
#include "ledger/talk_write.h"

sw_status sw__talk_add(sw_talk_writing *w, sw_talk_rows *to, const void *row, sw_error *err)
{
    const void **at =
        sw_arena_grow(&w->group->arena, (void *)to->at, to->count, &to->room, sizeof(const void *));

    if (!at) {
        return sw_no_memory(err);
    }
    to->at = at;
    at[to->count++] = row;
    return SW_STATUS_OK;
}

/* ---- bodies -------------------------------------------------------------------------------------- */

/* `times`: in how many lists more it stands. */
static sw_status add_body(sw_talk_writing *w, const sw_said *said, int64_t times, sw_error *err)
{
    sw_message_body *body = NULL;

    if (!said->row.body_hash.ptr) {
        return SW_STATUS_OK;
    }
    body = sw_arena_alloc(&w->group->arena, sizeof *body);
    if (!body) {
        return sw_no_memory(err);
    }
    sw__message_body_of(&said->row, body);
    body->contexts = sw_int_of(times);
    return sw__talk_add(w, &w->bodies, body, err);
}

/* Only a count, of a body that is there. */
static bool is_bare(const sw_message_body *body)
{
    return !body->text.ptr && !body->content.ptr && !body->tool_calls.ptr &&
           !body->tool_returns.ptr;
}

static void merge_body(sw_message_body *into, const sw_message_body *body)
{
    int64_t sum = into->contexts.value + body->contexts.value;

    if (is_bare(into)) {
        *into = *body;
    }
    into->contexts = sw_int_of(sum);
}

typedef struct merged {
    sw_keyed_entry key; /* the digest */
    sw_message_body *body;
} merged;

/* What a step made is shown by its message and by its list, and the same is said by many steps: each body is written
 * once. */
static sw_status merge_bodies(sw_talk_writing *w, sw_error *err)
{
    sw_keyed all = {.arena = &w->group->arena};

    for (size_t i = 0; i < w->bodies.count; i++) {
        sw_message_body *body = (sw_message_body *)(uintptr_t)w->bodies.at[i];
        merged *m = sw__keyed_entry(&all, body->digest, SW_NULL_STR, sizeof *m);
        if (!m) {
            return sw_no_memory(err);
        }
        if (m->body) {
            merge_body(m->body, body);
        } else {
            m->body = body;
            w->bodies.at[all.count - 1] = body;
        }
    }
    w->bodies.count = all.count;
    return SW_STATUS_OK;
}

/* ---- messages ------------------------------------------------------------------------------------ */

static sw_status add_message(sw_talk_writing *w, sw_said *said, size_t owner, sw_error *err)
{
    size_t *owners = sw_arena_grow(&w->group->arena, w->owners, w->messages.count, &w->owner_room,
                                   sizeof *owners);

    if (!owners) {
        return sw_no_memory(err);
    }
    w->owners = owners;
    owners[w->messages.count] = owner;
    return sw__talk_add(w, &w->messages, &said->row, err);
}

static bool says_the_same(const sw_message *a, const sw_message *b)
{
    return sw_str_eq(a->step_id, b->step_id) && sw_int_eq(a->role, b->role) &&
           sw_str_eq(a->body_hash, b->body_hash) && sw_str_eq(a->name, b->name) &&
           sw_str_eq(a->tool_call_id, b->tool_call_id);
}

/* What a step made, as it is said now: what was said of it before under the same id gives way. */
static sw_status add_made(sw_talk_writing *w, size_t i, sw_error *err)
{
    sw_talk_step *s = &w->talk->steps[i];
    sw_status status = SW_STATUS_OK;

    for (size_t m = 0; m < s->made_count && status == SW_STATUS_OK; m++) {
        sw_said *said = &s->made[m];
        sw_message old;
        bool there = false;
        if (s->entry >= w->t->fresh) {
            status = sw__talk_get(w->group, said->row.id, &old, &there, err);
        }
        if (status == SW_STATUS_OK && there &&
            !sw_str_eq(old.organization_id, w->task->organization_id)) {
            return sw__not_available(err);
        }
        if (status == SW_STATUS_OK && there && says_the_same(&old, &said->row)) {
            continue;
        }
        if (status == SW_STATUS_OK && there) {
            status = sw__talk_drop(w, &old, err);
        }
        if (status == SW_STATUS_OK) {
            status = add_message(w, said, i, err);
        }
        if (status == SW_STATUS_OK) {
            status = add_body(w, said, 0, err);
        }
    }
    return status;
}

static sw_status add_entry(sw_talk_writing *w, sw_known_entry *e, sw_error *err)
{
    sw_status status = e->dirty ? sw__talk_add(w, &w->known, &e->row, err) : SW_STATUS_OK;

    if (status == SW_STATUS_OK && e->said) {
        status = add_message(w, e->said, e->owner, err);
        status = status == SW_STATUS_OK ? add_body(w, e->said, 0, err) : status;
    }
    return status;
}

/* Agents, runs and conversations that are not there are left out, as for any message of a step. */
static sw_status link_message(sw_talk_writing *w, sw_message *row, sw_error *err)
{
    struct {
        sw_record_id record;
        sw_str *field;
    } links[] = {{SW_RECORD_AGENT, &row->agent_id},
                 {SW_RECORD_CONVERSATION, &row->conversation_id},
                 {SW_RECORD_RUN, &row->run_id}};

    for (size_t i = 0; i < SW_COUNT(links); i++) {
        sw_status status = SW_STATUS_OK;
        if (links[i].field->ptr) {
            status = sw_group_known(w->group, links[i].record, *links[i].field,
                                    w->task->organization_id, err);
        }
        if (status == SW_STATUS_NOT_FOUND) {
            *links[i].field = SW_NULL_STR;
        } else if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

static sw_status number_messages(sw_talk_writing *w, sw_error *err)
{
    sw_head *head = sw_group_head(w->group, w->task->organization_id, err);
    sw_status status = head ? SW_STATUS_OK : w->group->broken;

    for (size_t i = 0; i < w->messages.count && status == SW_STATUS_OK; i++) {
        sw_message *row = (sw_message *)(uintptr_t)w->messages.at[i];
        status = link_message(w, row, err);
        row->sequence_id = sw_int_of(++head->sequence_id);
    }
    if (status == SW_STATUS_OK && w->messages.count > 0) {
        sw_group_head_moved(w->group, head);
    }
    return status;
}

/* Each run hears of the tools that were called, each conversation of its last message. */
static sw_status tell_messages(sw_talk_writing *w, sw_error *err)
{
    bool changed = false;
    sw_int last = SW_NULL_INT;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < w->messages.count && status == SW_STATUS_OK; i++) {
        const sw_message *row = w->messages.at[i];
        const sw_message *next = i + 1 < w->messages.count ? w->messages.at[i + 1] : NULL;
        const sw_step *step = sw__talk_step_of(w, &w->talk->steps[w->owners[i]]);
        bool ends = !next || w->owners[i + 1] != w->owners[i];
        status = sw__message_tools(w->group, step, row, &changed, err);
        if (status == SW_STATUS_OK && changed && ends) {
            status = sw__tools_list(w->group, sw__tools_run(step), err);
            changed = false;
        }
        last = last.known && last.value > row->created_at.value ? last : row->created_at;
        if (!next || !sw_str_eq(next->conversation_id, row->conversation_id)) {
            if (status == SW_STATUS_OK && row->conversation_id.ptr) {
                status = sw__message_note(w->group, w->task, row->conversation_id, last, err);
            }
            last = SW_NULL_INT;
        }
    }
    return status;
}

/* ---- lists and traces ----------------------------------------------------------------------------- */

/* Items of a list as bytes, each of them one more that shows its body. */
static sw_status put_items(sw_talk_writing *w, const sw_said *said, size_t count, sw_buf *out,
                           sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        sw_context_item item = sw__talk_item(&said[i]);
        sw__context_put(out, &item);
        status = add_body(w, &said[i], 1, err);
    }
    return status == SW_STATUS_OK && out->status != SW_STATUS_OK ? sw_no_memory(err) : status;
}

static sw_status count_made(sw_talk_writing *w, const sw_talk_step *s, sw_buf *unused,
                            sw_error *err)
{
    sw_status status = put_items(w, s->made, s->made_count, unused, err);

    return status == SW_STATUS_OK ? put_items(w, s->tools, s->tool_count, unused, err) : status;
}

static sw_status add_context(sw_talk_writing *w, sw_talk_step *s, sw_error *err)
{
    size_t from = (size_t)s->context.base_count.value;
    sw_buf tail;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&tail, &w->group->ledger->allocator, 0);
    status = put_items(w, s->input + from, s->input_count - from, &tail, err);
    if (status == SW_STATUS_OK && tail.len > 0) {
        s->context.tail = sw_arena_str(&w->group->arena, sw_buf_str(&tail));
        status = s->context.tail.ptr ? status : sw_no_memory(err);
    }
    sw_buf_clear(&tail);
    if (status == SW_STATUS_OK) { /* the bytes are there already; this counts them */
        status = count_made(w, s, &tail, err);
    }
    sw_buf_fini(&tail);
    return status == SW_STATUS_OK ? sw__talk_add(w, &w->contexts, &s->context, err) : status;
}

/* What was made is said otherwise now. */
static sw_status remake(sw_talk_writing *w, sw_talk_step *s, sw_error *err)
{
    sw_step_context row = {.id = s->context.id, .made = s->context.made};
    sw_str made = s->old.made;
    sw_buf unused;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&unused, &w->group->ledger->allocator, 0);
    status = count_made(w, s, &unused, err);
    sw_buf_fini(&unused);
    while (made.len > 0 && status == SW_STATUS_OK) {
        sw_context_item item;
        sw_message_body *less = sw_arena_zeroed(&w->group->arena, sizeof *less);
        sw_str *hash = sw_arena_alloc(&w->group->arena, sizeof *hash);
        if (!less || !hash) {
            return sw_no_memory(err);
        }
        if (!sw__context_next(&made, &item)) {
            return sw_fail(err, SW_STATUS_CORRUPT, "id", "what the step made cannot be read");
        }
        if (item.body_hash.ptr && !(s->keeps_tools && item.role == SW_CONTEXT_TOOLS)) {
            *hash = item.body_hash;
            *less = (sw_message_body){.organization_id = w->task->organization_id,
                                      .digest = item.body_hash,
                                      .contexts = sw_int_of(-1)};
            status = sw__talk_add(w, &w->bodies, less, err);
            status = status == SW_STATUS_OK ? sw__talk_add(w, &w->late, hash, err) : status;
        }
    }
    return status == SW_STATUS_OK
               ? sw_group_must(w->group,
                               sw_store_update(w->group->session, SW_RECORD_STEP_CONTEXT, &row,
                                               SW_MASK(SW_STEP_CONTEXT_MADE), err),
                               err)
               : status;
}

/* Of a step that is there, a trace may be there too; what it says now replaces what it said. */
static sw_status add_traces(sw_talk_writing *w, sw_talk_step *s, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_PROVIDER_TRACE);
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < s->trace_count && status == SW_STATUS_OK; i++) {
        sw_provider_trace *row = &s->traces[i];
        sw_provider_trace old;
        status = s->entry < w->t->fresh ? SW_STATUS_NOT_FOUND
                                        : sw_store_get(w->group->session, SW_RECORD_PROVIDER_TRACE,
                                                       row, &w->group->arena, &old, err);
        (void)sw_group_may(w->group, status, SW_STATUS_NOT_FOUND, err);
        if (status == SW_STATUS_NOT_FOUND) {
            status = sw__talk_add(w, &w->traces, row, err);
        } else if (status == SW_STATUS_OK &&
                   !sw_str_eq(old.organization_id, row->organization_id)) {
            status = sw__not_available(err);
        } else if (status == SW_STATUS_OK && !sw_row_equal(record, &old, row)) {
            status = sw_group_must(w->group,
                                   sw_store_update(w->group->session, SW_RECORD_PROVIDER_TRACE, row,
                                                   SW_MASK(SW_PROVIDER_TRACE_REQUEST_JSON) |
                                                       SW_MASK(SW_PROVIDER_TRACE_RESPONSE_JSON) |
                                                       SW_MASK(SW_PROVIDER_TRACE_RUN_ID),
                                                   err),
                                   err);
        }
    }
    return status;
}

/* ---- together ------------------------------------------------------------------------------------ */

static sw_status collect_step(sw_talk_writing *w, size_t i, sw_error *err)
{
    sw_talk_step *s = &w->talk->steps[i];
    sw_status status = add_traces(w, s, err);
    bool said = s->has_input || s->made_count + s->tool_count > 0 || s->remade;

    if (status != SW_STATUS_OK || (s->same && !s->remade)) {
        return status;
    }
    if (s->replaces) {
        status = sw__context_remove(w->group, sw__talk_step_of(w, s), err);
    }
    if (status == SW_STATUS_OK && s->leaves) {
        status = sw__talk_leave(w, s, err);
    }
    if (status == SW_STATUS_OK && s->entry >= w->t->fresh) {
        status = sw__talk_unmake(w, s, err);
    }
    if (status == SW_STATUS_OK) {
        status = add_made(w, i, err);
    }
    if (status == SW_STATUS_OK && said) {
        status = s->remade ? remake(w, s, err) : add_context(w, s, err);
    }
    return status;
}

typedef struct placed {
    const void *row;
    size_t owner;
    size_t at;
    bool made;
} placed;

static int by_talk(const void *a, const void *b)
{
    const placed *x = a;
    const placed *y = b;
    int c = (x->owner > y->owner) - (x->owner < y->owner);
    c = c ? c : (x->made > y->made) - (x->made < y->made);
    return c ? c : (x->at > y->at) - (x->at < y->at);
}

/* As it was said: step by step, and of each what it was sent before what it made. */
static sw_status order_messages(sw_talk_writing *w, sw_error *err)
{
    size_t count = w->messages.count;
    placed *all = sw_arena_alloc(&w->group->arena, (count + 1) * sizeof *all);

    if (!all) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        all[i] = (placed){w->messages.at[i], w->owners[i], i, i < w->made_count};
    }
    if (count > 0) {
        qsort(all, count, sizeof *all, by_talk);
    }
    for (size_t i = 0; i < count; i++) {
        w->messages.at[i] = all[i].row;
        w->owners[i] = all[i].owner;
    }
    return SW_STATUS_OK;
}

static sw_status collect(sw_talk_writing *w, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < w->talk->count && status == SW_STATUS_OK; i++) {
        status = w->talk->steps[i].silent ? status : collect_step(w, i, err);
    }
    w->made_count = w->messages.count;
    for (size_t i = 0; i < w->talk->known.count && status == SW_STATUS_OK; i++) {
        status = add_entry(w, (void *)w->talk->known.all[i], err);
    }
    return status == SW_STATUS_OK ? order_messages(w, err) : status;
}

static sw_status insert_all(sw_talk_writing *w, sw_record_id record, const sw_talk_rows *from,
                            sw_error *err)
{
    bool *existed = sw_arena_alloc(&w->group->arena, from->count + 1);
    sw_status status = existed ? SW_STATUS_OK : sw_no_memory(err);

    if (status != SW_STATUS_OK || from->count == 0) {
        return status;
    }
    status = sw_group_must(
        w->group,
        sw_store_insert_many(w->group->session, record, from->at, from->count, existed, err), err);
    for (size_t i = 0; i < from->count && status == SW_STATUS_OK; i++) {
        status = existed[i] ? sw__not_available(err) : status;
    }
    return status;
}

static sw_status write_rows(sw_talk_writing *w, sw_error *err)
{
    sw_session *session = w->group->session;
    sw_status status = SW_STATUS_OK;

    if (w->bodies.count > 0) {
        status = merge_bodies(w, err);
    }
    if (status == SW_STATUS_OK && w->bodies.count > 0) {
        status = sw_group_must(
            w->group,
            sw_store_add_many(session, SW_RECORD_MESSAGE_BODY, w->bodies.at, w->bodies.count, err),
            err);
    }
    if (status == SW_STATUS_OK) {
        status = number_messages(w, err);
    }
    if (status == SW_STATUS_OK) {
        status = insert_all(w, SW_RECORD_MESSAGE, &w->messages, err);
    }
    if (status == SW_STATUS_OK) {
        status = tell_messages(w, err);
    }
    if (status == SW_STATUS_OK) {
        status = insert_all(w, SW_RECORD_STEP_CONTEXT, &w->contexts, err);
    }
    if (status == SW_STATUS_OK) {
        status = insert_all(w, SW_RECORD_PROVIDER_TRACE, &w->traces, err);
    }
    if (status == SW_STATUS_OK && w->known.count > 0) {
        status = sw_group_must(
            w->group,
            sw_store_put_many(session, SW_RECORD_KNOWN_MESSAGE, w->known.at, w->known.count, err),
            err);
    }
    return status;
}

sw_status sw__talk_write(sw_group *group, const sw_task *task, sw_telemetry *t, sw_error *err)
{
    sw_talk_writing w = {.group = group, .task = task, .t = t, .talk = t->talk};
    sw_status status = SW_STATUS_OK;

    if (w.talk->count == 0) {
        return SW_STATUS_OK;
    }
    status = collect(&w, err);
    if (status == SW_STATUS_OK) {
        status = write_rows(&w, err);
    }
    return status == SW_STATUS_OK ? sw__talk_clear_away(&w, err) : status;
}
