/* SPDX-License-Identifier: Apache-2.0 */
/* What of a batch's talk is known: of the messages behind what a step's list has from another one (talk_base.c), which are
 * new to the conversation, looked up one by one. Reads only; runs before the steps are written, because a step says
 * in its metadata that its history was rewritten.
 *
 * Whatever the order in which steps come, a message that a step made is shown as that step's, and any other
 * message as the earliest step's that was sent it, of several at once that with the least id.
 */
#include "ledger/border.h"
#include "ledger/merge.h"
#include "ledger/talk_resolve.h"

/* ---- content that is not wanted ------------------------------------------------------------------- */

static sw_step *prepared_row(sw_resolving *r, size_t entry)
{
    if (entry >= r->t->fresh) {
        return NULL;
    }
    (void)sw__prepare_wait(&r->t->log.prepare, entry);
    return &r->t->log.prepare.all[entry].row;
}

static sw_status ask_capture(sw_resolving *r, sw_str project_id, bool *captures, sw_error *err)
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

static sw_status silence(sw_resolving *r, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < r->talk->count && status == SW_STATUS_OK; i++) {
        sw_talk_step *s = &r->talk->steps[i];
        bool captures = true;
        status = ask_capture(r, sw__resolving_step(r, s)->project_id, &captures, err);
        s->silent = !captures || r->t->is[r->t->of_step[s->entry]] == SW_TELEMETRY_FOLDED;
        s->same = s->remade = s->replaces = s->extends = s->leaves = s->keeps_tools = false;
        s->fresh_from = 0;
        s->context = (sw_step_context){.id = SW_NULL_STR};
    }
    return status;
}

/* ---- what each message is ------------------------------------------------------------------------- */

/* The entry of the message; new ones have no message yet. */
static sw_status entry_of(sw_resolving *r, const sw_talk_step *s, const sw_said *said,
                          sw_known_entry **out, sw_error *err)
{
    sw_known_message key = {.organization_id = r->task->organization_id,
                            .talk = sw__digest_str(s->talk),
                            .item = sw__digest_str(said->key)};
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

static sw_status know_made(sw_resolving *r, sw_talk_step *s, sw_said *said, sw_error *err)
{
    sw_known_entry *e = NULL;
    sw_int at = sw_int_of(sw__resolving_step(r, s)->created_at.value);
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

sw_status sw__talk_shown_by(sw_resolving *r, const sw_known_message *known, sw_str *step_id,
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

/* Whether the step was sent the message before the one that shows it; of two at once, the lesser id is first. */
static sw_status is_earlier(sw_resolving *r, const sw_talk_step *s, const sw_known_entry *e,
                            bool *earlier, sw_error *err)
{
    int64_t at = sw__resolving_step(r, s)->created_at.value;
    sw_str other;
    sw_status status = SW_STATUS_OK;

    *earlier = e->stored && !e->row.made.value && e->row.at.value > at;
    if (e->stored && !e->row.made.value && !e->moves && e->row.at.value == at) {
        status = sw__talk_shown_by(r, &e->row, &other, err);
        *earlier = other.ptr && sw_str_cmp(sw__resolving_step(r, s)->id, other) < 0;
    }
    return status;
}

static sw_status know_sent(sw_resolving *r, size_t step, sw_said *said, bool *before, sw_error *err)
{
    sw_talk_step *s = &r->talk->steps[step];
    sw_known_entry *e = NULL;
    sw_int at = sw_int_of(sw__resolving_step(r, s)->created_at.value);
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
static sw_status know_begun(sw_resolving *r, size_t step, sw_error *err)
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
static sw_status know_inputs(sw_resolving *r, size_t step, sw_error *err)
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

static sw_status know_all(sw_resolving *r, sw_error *err)
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

static sw_status mark_rewritten(sw_resolving *r, sw_talk_step *s, sw_error *err)
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
static sw_status take_previews(sw_resolving *r, sw_error *err)
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
    sw_resolving r = {.group = group,
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
        status = sw__talk_find_bases(&r, err);
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
