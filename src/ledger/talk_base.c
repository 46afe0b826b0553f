/* SPDX-License-Identifier: Apache-2.0 */
/* Which list a step's list extends is found by the digest of its beginnings: mostly all but the last two or three messages
 * were sent with the step before. Only what comes behind that can be new to the conversation. Reads only.
 *
 * A step that comes after those that followed it was sent the beginning of what one of them was sent: that one is found
 * by the last message of the step, and the step's list is so many messages of its.
 */
#include "ledger/border.h"
#include "ledger/talk_resolve.h"

/* Beginnings that are looked for: a step adds what the last one made and what it is answered, one message for each of
 * its tools. */
enum { NEAR = 4, FAR = 40 };

/* ---- lists ---------------------------------------------------------------------------------------- */

/* A context without its text; `found` says whether there is one. */
static sw_status brief_context(sw_resolving *r, uint8_t field, sw_str value, sw_step_context *out,
                               bool *found, sw_error *err)
{
    return sw_group_must(
        r->group,
        sw__first_of(r->group->session, SW_RECORD_STEP_CONTEXT, field, value,
                     SW_MASK(SW_STEP_CONTEXT_ID) | SW_MASK(SW_STEP_CONTEXT_BASE_ID) |
                         SW_MASK(SW_STEP_CONTEXT_BASE_COUNT) | SW_MASK(SW_STEP_CONTEXT_PLACE) |
                         SW_MASK(SW_STEP_CONTEXT_LENGTH),
                     &r->group->arena, out, found, err),
        err);
}

typedef struct incoming {
    sw_keyed_entry key;
    sw_talk_step *step; /* the first of the key */
} incoming;

static sw_talk_step *in_batch(const sw_keyed *steps, sw_str key)
{
    const incoming *found = sw__keyed_find(steps, key, SW_NULL_STR);

    return found ? found->step : NULL;
}

static sw_status note(sw_keyed *steps, sw_str key, sw_talk_step *s, sw_error *err)
{
    incoming *entry = sw__keyed_entry(steps, key, SW_NULL_STR, sizeof *entry);

    if (!entry) {
        return sw_no_memory(err);
    }
    entry->step = entry->step ? entry->step : s;
    return SW_STATUS_OK;
}

/* What lies in the store of the step is replaced with this batch: nothing may begin with it any more, and those in
 * the store that do take over what they have from it. */
static bool gives_way(const sw_resolving *r, sw_str id)
{
    const sw_talk_step *s = in_batch(&r->by_id, id);

    return s && s->replaces;
}

/* A list that others may begin with. */
typedef struct beginning {
    sw_step_context row;
    bool stored; /* else it comes with this batch */
    bool found;
} beginning;

/* The one that `at` begins with. */
static sw_status base_of(sw_resolving *r, const beginning *at, beginning *out, sw_error *err)
{
    const sw_talk_step *s = in_batch(&r->by_id, at->row.base_id);

    *out = (beginning){.stored = !s, .found = true};
    if (s) {
        out->row = s->context;
        return SW_STATUS_OK;
    }
    return brief_context(r, SW_STEP_CONTEXT_ID, at->row.base_id, &out->row, &out->found, err);
}

/* It begins with the first `count` messages of `x`; its base is the one of x's chain that keeps chains short. */
static sw_status found_on(sw_resolving *r, sw_talk_step *s, const beginning *x, int64_t count,
                          sw_error *err)
{
    int64_t place = x->row.place.value + 1;
    int64_t target = sw__context_base_place(place);
    beginning at = *x;
    bool found = true;
    sw_status status = SW_STATUS_OK;

    while (status == SW_STATUS_OK && at.row.place.value > target && at.row.base_id.ptr && found &&
           !(at.stored && gives_way(r, at.row.base_id))) {
        beginning base;
        count = at.row.base_count.value < count ? at.row.base_count.value : count;
        status = base_of(r, &at, &base, err);
        found = base.found;
        at = found ? base : at;
    }
    s->context.place = sw_int_of(place);
    if (status == SW_STATUS_OK && count > 0 && found) {
        s->context.base_id = at.row.id;
        s->context.base_count = sw_int_of(count);
    }
    return status;
}

/* It goes on where the whole list `x` ends. */
static sw_status extend(sw_resolving *r, sw_talk_step *s, const beginning *x, sw_error *err)
{
    s->extends = true;
    s->fresh_from = (size_t)x->row.length.value;
    return found_on(r, s, x, x->row.length.value, err);
}

/* The row is null where the message is not known. */
static sw_status get_known(sw_resolving *r, const sw_talk_step *s, const sw_said *said,
                           sw_known_message *out, sw_error *err)
{
    sw_known_message key = {.organization_id = r->task->organization_id,
                            .talk = sw__digest_str(s->talk),
                            .item = sw__digest_str(said->key)};
    sw_status status =
        sw_store_get(r->group->session, SW_RECORD_KNOWN_MESSAGE, &key, &r->group->arena, out, err);

    (void)sw_group_may(r->group, status, SW_STATUS_NOT_FOUND, err);
    if (status != SW_STATUS_OK) {
        *out = (sw_known_message){.talk = SW_NULL_STR};
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* The list of the step that was sent the message first; `found` says whether there is one. */
static sw_status list_of(sw_resolving *r, const sw_known_message *known, sw_step_context *out,
                         bool *found, sw_error *err)
{
    sw_str step_id;
    sw_status status = SW_STATUS_OK;

    *found = false;
    if (!known->message_id.ptr || known->made.value) {
        return SW_STATUS_OK;
    }
    status = sw__talk_shown_by(r, known, &step_id, err);
    if (status != SW_STATUS_OK || !step_id.ptr || gives_way(r, step_id)) {
        return status;
    }
    return brief_context(r, SW_STEP_CONTEXT_ID, step_id, out, found, err);
}

static bool begins_with(const sw_context_list *list, const sw_talk_step *s)
{
    bool same = list->count >= s->input_count;

    for (size_t i = 0; i < s->input_count && same; i++) {
        sw_context_item item = sw__talk_item(&s->input[i]);
        const sw_context_item *other = &list->items[i];
        same = other->role == item.role && sw_str_eq(other->name, item.name) &&
               sw_str_eq(other->tool_call_id, item.tool_call_id) &&
               sw_str_eq(other->body_hash, item.body_hash);
    }
    return same;
}

/* A step that comes after those that followed it: what it was sent is the beginning of what they were. */
static sw_status find_longer(sw_resolving *r, sw_talk_step *s, sw_error *err)
{
    sw_known_message known;
    sw_context_list list;
    sw_step_context whole;
    beginning x = {.stored = true};
    sw_status status = get_known(r, s, &s->input[s->input_count - 1], &known, err);

    if (status == SW_STATUS_OK) {
        status = list_of(r, &known, &x.row, &x.found, err);
    }
    if (status != SW_STATUS_OK || !x.found || x.row.length.value < (int64_t)s->input_count) {
        return status;
    }
    status = sw_store_get(r->group->session, SW_RECORD_STEP_CONTEXT, &x.row, &r->group->arena,
                          &whole, err);
    if (status == SW_STATUS_OK) {
        status = sw__context_read(r->group->session, &whole, &r->group->arena, &list, err);
    }
    if (status == SW_STATUS_CORRUPT) { /* verify tells of it; this step has nothing to do with it */
        return SW_STATUS_OK;
    }
    if (sw_group_must(r->group, status, err) != SW_STATUS_OK || !begins_with(&list, s)) {
        return status;
    }
    return found_on(r, s, &x, (int64_t)s->input_count, err);
}

static sw_status find_base(sw_resolving *r, sw_talk_step *s, sw_error *err)
{
    bool far = false;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < s->input_count && i < FAR && status == SW_STATUS_OK; i++) {
        sw_str head = sw__digest_str(s->input[s->input_count - 1 - i].head);
        const sw_talk_step *other = in_batch(&r->by_head, head);
        beginning x = {.stored = !other};
        if (other) {
            x.row = other->context;
            return extend(r, s, &x, err);
        }
        if (i == NEAR) { /* nothing is far behind the end of the first list of a conversation */
            sw_known_message known;
            status = get_known(r, s, &s->input[0], &known, err);
            far = known.message_id.ptr != NULL;
        }
        if (i >= NEAR && !far) {
            continue;
        }
        status = status == SW_STATUS_OK
                     ? brief_context(r, SW_STEP_CONTEXT_HEAD, head, &x.row, &x.found, err)
                     : status;
        if (status == SW_STATUS_OK && x.found && !gives_way(r, x.row.id)) {
            return extend(r, s, &x, err);
        }
    }
    return status == SW_STATUS_OK ? find_longer(r, s, err) : status;
}

static sw_str made_bytes(sw_resolving *r, const sw_talk_step *s, sw_error *err)
{
    sw_buf buf;
    sw_str out = SW_NULL_STR;

    sw_buf_init(&buf, &r->group->ledger->allocator, 0);
    for (size_t i = 0; i < s->made_count + s->tool_count; i++) {
        sw_context_item item =
            sw__talk_item(i < s->made_count ? &s->made[i] : &s->tools[i - s->made_count]);
        sw__context_put(&buf, &item);
    }
    if (buf.status == SW_STATUS_OK) {
        out = sw_arena_str(&r->group->arena, buf.len ? sw_buf_str(&buf) : SW_STR(""));
    }
    sw_buf_fini(&buf);
    if (!out.ptr) {
        (void)sw_no_memory(err);
    }
    return out;
}

/* Where nobody says what it was sent, what is known of that stays so; the tools stand behind what it made. */
static sw_status keep_tools(sw_resolving *r, sw_talk_step *s, sw_error *err)
{
    sw_str rest = s->old.made;
    sw_str item = rest;
    sw_context_item is;

    while (rest.len > 0 && !s->keeps_tools && sw__context_next(&rest, &is)) {
        s->keeps_tools = is.role == SW_CONTEXT_TOOLS;
        item = s->keeps_tools ? sw_str_make(item.ptr, item.len - rest.len) : rest;
    }
    if (s->keeps_tools) {
        char *both = sw_arena_alloc(&r->group->arena, s->context.made.len + item.len);
        if (!both) {
            return sw_no_memory(err);
        }
        memcpy(both, s->context.made.ptr, s->context.made.len);
        memcpy(both + s->context.made.len, item.ptr, item.len);
        s->context.made = sw_str_make(both, s->context.made.len + item.len);
    }
    return SW_STATUS_OK;
}

/* What is in the store of it, when the step is there. */
static sw_status compare_old(sw_resolving *r, sw_talk_step *s, sw_error *err)
{
    sw_step_context key = {.id = sw__resolving_step(r, s)->id};
    sw_status status = SW_STATUS_NOT_FOUND;

    if (s->entry >= r->t->fresh) {
        status = sw_store_get(r->group->session, SW_RECORD_STEP_CONTEXT, &key, &r->group->arena,
                              &s->old, err);
    }
    if (status == SW_STATUS_NOT_FOUND) {
        s->same =
            !s->has_input && s->made_count + s->tool_count == 0; /* there is nothing to keep */
        return SW_STATUS_OK;
    }
    if (sw_group_must(r->group, status, err) != SW_STATUS_OK) {
        return status;
    }
    if (!s->has_input && s->tool_count == 0) {
        status = keep_tools(r, s, err);
    }
    /* An empty list has no head that would tell its conversation. */
    s->same = !s->has_input ||
              (sw_str_eq(s->old.head, s->context.head) && sw_str_eq(s->old.talk, s->context.talk));
    s->leaves = !s->same && !sw_str_eq(s->old.talk, s->context.talk);
    s->remade = s->same && !sw_str_eq(s->old.made, s->context.made);
    s->replaces = !s->same;
    return status;
}

static sw_status begin_context(sw_resolving *r, sw_talk_step *s, sw_error *err)
{
    sw_str made = made_bytes(r, s, err);
    sw_status status = SW_STATUS_OK;

    if (!made.ptr) {
        return SW_STATUS_NO_MEMORY;
    }
    s->context = (sw_step_context){
        .id = sw__resolving_step(r, s)->id,
        .organization_id = r->task->organization_id,
        .base_count = sw_int_of(0),
        .place = sw_int_of(0),
        .length = sw_int_of((int64_t)s->input_count),
        .talk = sw__digest_str(s->talk),
        .head = sw__digest_str(s->input_count ? s->input[s->input_count - 1].head : s->talk),
        .made = made,
        .rewritten = sw_int_of(0),
    };
    status = compare_old(r, s, err);
    return status == SW_STATUS_OK && !s->same ? note(&r->by_id, s->context.id, s, err) : status;
}

/* All begin before any is looked for, so that it is known what gives way. */
sw_status sw__talk_find_bases(sw_resolving *r, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < r->talk->count && status == SW_STATUS_OK; i++) {
        sw_talk_step *s = &r->talk->steps[i];
        status = s->silent ? status : begin_context(r, s, err);
    }
    for (size_t i = 0; i < r->talk->count && status == SW_STATUS_OK; i++) {
        sw_talk_step *s = &r->talk->steps[i];
        if (s->silent || s->same || s->input_count == 0) {
            continue;
        }
        status = find_base(r, s, err);
        status = status == SW_STATUS_OK ? note(&r->by_head, s->context.head, s, err) : status;
    }
    return status;
}
