/* SPDX-License-Identifier: Apache-2.0 */
/* What of a batch's talk is known. Which list a step's list extends is found by the digest of its beginnings: mostly
 * all but the last two or three messages were sent with the step before. Only what comes behind that can be new to
 * the conversation, and is looked up one by one. Reads only; runs before the steps are written, because a step says
 * in its metadata that its history was rewritten.
 *
 * A step that comes after those that followed it was sent the beginning of what one of them was sent: that one is found
 * by the last message of the step, and the step's list is so many messages of its.
 *
 * Whatever the order in which steps come, a message that a step made is shown as that step's, and any other
 * message as the earliest step's that was sent it, of several at once that with the least id.
 */
#include "ledger/border.h"
#include "ledger/merge.h"
#include "ledger/talk.h"

/* Beginnings that are looked for: a step adds what the last one made and what it is answered, one message for each of
 * its tools. */
enum { NEAR = 4, FAR = 40 };

typedef struct resolving {
    sw_group *group;
    const sw_task *task;
    sw_telemetry *t;
    sw_talk *talk;
    sw_str asked_project; /* captures, for the project asked last */
    bool captures;
    bool asked;
    sw_keyed by_head; /* `incoming`: lists that come with this batch and may be begun with */
    sw_keyed by_id;   /* `incoming`: all of them */
} resolving;

static const sw_step *step_of(const resolving *r, const sw_talk_step *s)
{
    return &r->t->entries[s->entry].step;
}

static sw_str digest_str(const char digest[SW_DIGEST])
{
    return sw_str_make(digest, SW_DIGEST);
}

/* ---- content that is not wanted ------------------------------------------------------------------- */

static sw_step *prepared_row(resolving *r, size_t entry)
{
    if (entry >= r->t->fresh) {
        return NULL;
    }
    (void)sw__prepare_wait(&r->t->log.prepare, entry);
    return &r->t->log.prepare.all[entry].row;
}

static sw_status ask_capture(resolving *r, sw_str project_id, bool *captures, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (r->task->project_id.ptr) {
        project_id = r->task->project_id;
    }
    if (!r->asked || !sw_str_eq(r->asked_project, project_id)) {
        status = sw__captures(r->group, r->task->organization_id, project_id, &r->captures, err);
        r->asked = true;
        r->asked_project = project_id;
    }
    *captures = r->captures;
    return status;
}

static sw_status silence(resolving *r, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < r->talk->count && status == SW_STATUS_OK; i++) {
        sw_talk_step *s = &r->talk->steps[i];
        bool captures = true;
        status = ask_capture(r, step_of(r, s)->project_id, &captures, err);
        s->silent = !captures || r->t->is[r->t->of_step[s->entry]] == SW_TELEMETRY_FOLDED;
        s->same = s->remade = s->replaces = s->extends = s->leaves = false;
        s->fresh_from = 0;
        s->context = (sw_step_context){.id = SW_NULL_STR};
    }
    return status;
}

/* ---- the list it extends -------------------------------------------------------------------------- */

/* A context without its text; `found` says whether there is one. */
static sw_status brief_context(resolving *r, uint8_t field, sw_str value, sw_step_context *out,
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
static bool gives_way(const resolving *r, sw_str id)
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
static sw_status base_of(resolving *r, const beginning *at, beginning *out, sw_error *err)
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
static sw_status found_on(resolving *r, sw_talk_step *s, const beginning *x, int64_t count,
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
static sw_status extend(resolving *r, sw_talk_step *s, const beginning *x, sw_error *err)
{
    s->extends = true;
    s->fresh_from = (size_t)x->row.length.value;
    return found_on(r, s, x, x->row.length.value, err);
}

/* The row is null where the message is not known. */
static sw_status get_known(resolving *r, const sw_talk_step *s, const sw_said *said,
                           sw_known_message *out, sw_error *err)
{
    sw_known_message key = {.organization_id = r->task->organization_id,
                            .talk = digest_str(s->talk),
                            .item = digest_str(said->key)};
    sw_status status =
        sw_store_get(r->group->session, SW_RECORD_KNOWN_MESSAGE, &key, &r->group->arena, out, err);

    (void)sw_group_may(r->group, status, SW_STATUS_NOT_FOUND, err);
    if (status != SW_STATUS_OK) {
        *out = (sw_known_message){.talk = SW_NULL_STR};
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* The step whose row shows the message; null where there is none. */
static sw_status shown_by(resolving *r, const sw_known_message *known, sw_str *step_id,
                          sw_error *err)
{
    sw_message message;
    bool found = false;
    sw_status status = sw_group_must(
        r->group,
        sw__first_of(r->group->session, SW_RECORD_MESSAGE, SW_MESSAGE_ID, known->message_id,
                     SW_MASK(SW_MESSAGE_STEP_ID), &r->group->arena, &message, &found, err),
        err);

    *step_id = status == SW_STATUS_OK && found ? message.step_id : SW_NULL_STR;
    return status;
}

/* The list of the step that was sent the message first; `found` says whether there is one. */
static sw_status list_of(resolving *r, const sw_known_message *known, sw_step_context *out,
                         bool *found, sw_error *err)
{
    sw_str step_id;
    sw_status status = SW_STATUS_OK;

    *found = false;
    if (!known->message_id.ptr || known->made.value) {
        return SW_STATUS_OK;
    }
    status = shown_by(r, known, &step_id, err);
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
static sw_status find_longer(resolving *r, sw_talk_step *s, sw_error *err)
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

static sw_status find_base(resolving *r, sw_talk_step *s, sw_error *err)
{
    bool far = false;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < s->input_count && i < FAR && status == SW_STATUS_OK; i++) {
        sw_str head = digest_str(s->input[s->input_count - 1 - i].head);
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

static sw_str made_bytes(resolving *r, const sw_talk_step *s, sw_error *err)
{
    sw_buf buf;
    sw_str out = SW_NULL_STR;

    sw_buf_init(&buf, &r->group->ledger->allocator, 0);
    for (size_t i = 0; i < s->made_count; i++) {
        sw_context_item item = sw__talk_item(&s->made[i]);
        sw__context_put(&buf, &item);
    }
    if (buf.status == SW_STATUS_OK) {
        out = sw_arena_str(&r->group->arena, s->made_count ? sw_buf_str(&buf) : SW_STR(""));
    }
    sw_buf_fini(&buf);
    if (!out.ptr) {
        (void)sw_no_memory(err);
    }
    return out;
}

/* What is in the store of it, when the step is there. */
static sw_status compare_old(resolving *r, sw_talk_step *s, sw_error *err)
{
    sw_step_context key = {.id = step_of(r, s)->id};
    sw_status status = SW_STATUS_NOT_FOUND;

    if (s->entry >= r->t->fresh) {
        status = sw_store_get(r->group->session, SW_RECORD_STEP_CONTEXT, &key, &r->group->arena,
                              &s->old, err);
    }
    if (status == SW_STATUS_NOT_FOUND) {
        s->same = !s->has_input && s->made_count == 0; /* there is nothing to keep */
        return SW_STATUS_OK;
    }
    if (sw_group_must(r->group, status, err) != SW_STATUS_OK) {
        return status;
    }
    /* An empty list has no head that would tell its conversation. */
    s->same = !s->has_input ||
              (sw_str_eq(s->old.head, s->context.head) && sw_str_eq(s->old.talk, s->context.talk));
    s->leaves = !s->same && !sw_str_eq(s->old.talk, s->context.talk);
    s->remade = s->same && !sw_str_eq(s->old.made, s->context.made);
    s->replaces = !s->same;
    return SW_STATUS_OK;
}

static sw_status begin_context(resolving *r, sw_talk_step *s, sw_error *err)
{
    sw_str made = made_bytes(r, s, err);
    sw_status status = SW_STATUS_OK;

    if (!made.ptr) {
        return SW_STATUS_NO_MEMORY;
    }
    s->context = (sw_step_context){
        .id = step_of(r, s)->id,
        .organization_id = r->task->organization_id,
        .base_count = sw_int_of(0),
        .place = sw_int_of(0),
        .length = sw_int_of((int64_t)s->input_count),
        .talk = digest_str(s->talk),
        .head = digest_str(s->input_count ? s->input[s->input_count - 1].head : s->talk),
        .made = made,
        .rewritten = sw_int_of(0),
    };
    status = compare_old(r, s, err);
    return status == SW_STATUS_OK && !s->same ? note(&r->by_id, s->context.id, s, err) : status;
}

/* All begin before any is looked for, so that it is known what gives way. */
static sw_status find_contexts(resolving *r, sw_error *err)
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

/* ---- what each message is ------------------------------------------------------------------------- */

/* The entry of the message; new ones have no message yet. */
static sw_status entry_of(resolving *r, const sw_talk_step *s, const sw_said *said,
                          sw_known_entry **out, sw_error *err)
{
    sw_known_message key = {.organization_id = r->task->organization_id,
                            .talk = digest_str(s->talk),
                            .item = digest_str(said->key)};
    size_t before = r->talk->known.count;
    sw_known_entry *e = sw__keyed_entry(&r->talk->known, key.talk, key.item, sizeof *e);
    sw_status status = SW_STATUS_OK;

    *out = e;
    if (!e) {
        return sw_no_memory(err);
    }
    if (r->talk->known.count == before) {
        return SW_STATUS_OK;
    }
    status = sw_store_get(r->group->session, SW_RECORD_KNOWN_MESSAGE, &key, &r->group->arena,
                          &e->row, err);
    e->stored = status == SW_STATUS_OK;
    if (status == SW_STATUS_NOT_FOUND) {
        e->row = key;
        return SW_STATUS_OK;
    }
    return sw_group_must(r->group, status, err);
}

static sw_status know_made(resolving *r, sw_talk_step *s, sw_said *said, sw_error *err)
{
    sw_known_entry *e = NULL;
    sw_int at = sw_int_of(step_of(r, s)->created_at.value);
    sw_status status = entry_of(r, s, said, &e, err);

    if (status != SW_STATUS_OK || sw_str_eq(e->row.message_id, said->row.id)) {
        return status;
    }
    if (e->row.message_id.ptr && e->row.made.value && e->row.at.value <= at.value) {
        return SW_STATUS_OK;
    }
    if (e->row.message_id.ptr && !e->row.made.value) {
        e->gone = e->row.message_id;
    }
    e->row.message_id = said->row.id;
    e->row.made = sw_int_of(1);
    e->row.at = at;
    e->dirty = true;
    return SW_STATUS_OK;
}

/* Whether the step was sent the message before the one that shows it; of two at once, the lesser id is first. */
static sw_status is_earlier(resolving *r, const sw_talk_step *s, const sw_known_entry *e,
                            bool *earlier, sw_error *err)
{
    int64_t at = step_of(r, s)->created_at.value;
    sw_str other;
    sw_status status = SW_STATUS_OK;

    *earlier = e->stored && !e->row.made.value && e->row.at.value > at;
    if (e->stored && !e->row.made.value && !e->moves && e->row.at.value == at) {
        status = shown_by(r, &e->row, &other, err);
        *earlier = other.ptr && sw_str_cmp(step_of(r, s)->id, other) < 0;
    }
    return status;
}

static sw_status know_sent(resolving *r, size_t step, sw_said *said, bool *before, sw_error *err)
{
    sw_talk_step *s = &r->talk->steps[step];
    sw_known_entry *e = NULL;
    sw_int at = sw_int_of(step_of(r, s)->created_at.value);
    bool earlier = false;
    sw_status status = entry_of(r, s, said, &e, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    *before = e->row.message_id.ptr && e->row.at.value < at.value;
    if (!e->row.message_id.ptr) {
        e->row.message_id = said->row.id;
        e->row.made = sw_int_of(0);
        e->row.at = at;
        e->said = said;
        e->owner = step;
        e->dirty = true;
        return SW_STATUS_OK;
    }
    status = is_earlier(r, s, e, &earlier, err);
    if (earlier) {
        e->row.at = at;
        e->owner = step;
        e->moves = e->dirty = true;
    }
    return status;
}

/* What it has from a list that began later: it was sent that earlier, and so on back to what is known from before it. */
static sw_status know_begun(resolving *r, size_t step, sw_error *err)
{
    sw_talk_step *s = &r->talk->steps[step];
    bool before = false;
    sw_status status = SW_STATUS_OK;

    for (size_t i = s->fresh_from; i-- > 0 && !before && status == SW_STATUS_OK;) {
        status = know_sent(r, step, &s->input[i], &before, err);
    }
    return status;
}

/* It brings what was said before, but not as the continuation of any list: its history was rewritten. */
static sw_status know_inputs(resolving *r, size_t step, sw_error *err)
{
    sw_talk_step *s = &r->talk->steps[step];
    bool rewritten = false;
    sw_status status = know_begun(r, step, err);

    for (size_t i = s->fresh_from; i < s->input_count && status == SW_STATUS_OK; i++) {
        bool before = false;
        status = know_sent(r, step, &s->input[i], &before, err);
        rewritten = rewritten || (before && s->input[i].row.role.value != SW_MESSAGE_ROLE_SYSTEM);
    }
    s->context.rewritten = sw_int_of(rewritten && !s->extends);
    return status;
}

static bool is_settled(const sw_talk_step *s)
{
    return s->silent || (s->same && !s->remade);
}

static sw_status know_all(resolving *r, sw_error *err)
{
    sw_talk *k = r->talk;
    sw_status status = SW_STATUS_OK;

    k->known = (sw_keyed){.arena = &r->group->arena};
    for (size_t i = 0; i < k->count && status == SW_STATUS_OK; i++) {
        sw_talk_step *s = &k->steps[i];
        for (size_t m = 0; m < s->made_count && !is_settled(s) && status == SW_STATUS_OK; m++) {
            status = know_made(r, s, &s->made[m], err);
        }
    }
    for (size_t i = 0; i < k->count && status == SW_STATUS_OK; i++) {
        if (!k->steps[i].silent && !k->steps[i].same) {
            status = know_inputs(r, i, err);
        }
    }
    return status;
}

/* ---- what the steps say of it ---------------------------------------------------------------------- */

static sw_status mark_rewritten(resolving *r, sw_talk_step *s, sw_error *err)
{
    static const sw_str mark = {"{\"history_rewritten\":true}", 26};
    sw_step *entry = &r->t->entries[s->entry].step;
    sw_step *row = prepared_row(r, s->entry);
    sw_str given = r->t->batch->steps[r->t->of_step[s->entry]].entry.step.metadata;
    sw_step said = {.metadata = given};
    sw_str merged = mark;
    sw_status status = SW_STATUS_OK;

    sw__row_nulls(SW_RECORD_STEP, &said);
    if (said.metadata.ptr) {
        status =
            sw_field_check(&sw_record_of(SW_RECORD_STEP)->fields[SW_STEP_METADATA], &said, "", err);
        if (status == SW_STATUS_OK) {
            status = sw__json_merge(said.metadata, mark, &r->t->arena, &r->group->ledger->allocator,
                                    &merged, err);
        }
    }
    if (status == SW_STATUS_OK) {
        entry->metadata = merged;
        status = row ? sw__row_minify(SW_RECORD_STEP, entry, &r->t->arena, err) : status;
    }
    if (status == SW_STATUS_OK && row) {
        row->metadata = entry->metadata;
    }
    return status;
}

/* Also of steps that say nothing but previews. */
static sw_status take_previews(resolving *r, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < r->t->batch->step_count && status == SW_STATUS_OK; i++) {
        sw_step *entry = &r->t->entries[i].step;
        bool captures = true;
        if (entry->input_preview.ptr || entry->output_preview.ptr) {
            status = ask_capture(r, entry->project_id, &captures, err);
        }
        if (status == SW_STATUS_OK && !captures) {
            sw_step *row = prepared_row(r, i);
            entry->input_preview = entry->output_preview = SW_NULL_STR;
            if (row) {
                row->input_preview = row->output_preview = SW_NULL_STR;
            }
        }
    }
    return status;
}

sw_status sw__talk_resolve(sw_group *group, const sw_task *task, sw_telemetry *t, sw_error *err)
{
    resolving r = {.group = group,
                   .task = task,
                   .t = t,
                   .talk = t->talk,
                   .by_head = {.arena = &group->arena},
                   .by_id = {.arena = &group->arena}};
    sw_status status = take_previews(&r, err);

    if (status != SW_STATUS_OK || r.talk->count == 0) {
        return status;
    }
    status = silence(&r, err);
    if (status == SW_STATUS_OK) {
        status = find_contexts(&r, err);
    }
    if (status == SW_STATUS_OK) {
        status = know_all(&r, err);
    }
    for (size_t i = 0; i < r.talk->count && status == SW_STATUS_OK; i++) {
        sw_talk_step *s = &r.talk->steps[i];
        bool rewritten = s->same ? s->old.rewritten.value != 0 : s->context.rewritten.value != 0;
        if (!s->silent && rewritten) {
            status = mark_rewritten(&r, s, err);
        }
    }
    return status;
}
