/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a batch's talk that are there already: they go, or come to be shown as another step's, because it was sent
 * them earlier, or because theirs was folded into it. The tools they call move along, and their bodies go once nothing
 * shows them.
 */
#include "ledger/gather.h"
#include "ledger/talk_write.h"

static sw_str run_of(sw_group *group, sw_str step_id, sw_status *status, sw_error *err)
{
    sw_step key = {.id = step_id};
    sw_step step;

    if (!step_id.ptr) {
        return SW_NULL_STR;
    }
    *status = sw_store_get(group->session, SW_RECORD_STEP, &key, &group->arena, &step, err);
    (void)sw_group_may(group, *status, SW_STATUS_NOT_FOUND, err);
    if (*status == SW_STATUS_NOT_FOUND) {
        *status = SW_STATUS_OK;
        return SW_NULL_STR;
    }
    return *status == SW_STATUS_OK ? sw__tools_run(&step) : SW_NULL_STR;
}

/* What it calls is one message less in the run of its step, and one more in another. */
static sw_status move_tools(sw_group *group, const sw_message *message, sw_str from, sw_str to,
                            sw_error *err)
{
    bool changed[2] = {false, false};
    sw_tool_names names;
    sw_status status = SW_STATUS_OK;

    if (!sw__tools_of(message->tool_calls, &group->arena, &names)) {
        return sw_no_memory(err);
    }
    if (from.ptr) {
        status =
            sw__tools_move(group, message->organization_id, from, &names, -1, &changed[0], err);
    }
    if (status == SW_STATUS_OK && to.ptr) {
        status = sw__tools_move(group, message->organization_id, to, &names, +1, &changed[1], err);
    }
    if (status == SW_STATUS_OK && changed[0]) {
        status = sw__tools_list(group, from, err);
    }
    return status == SW_STATUS_OK && changed[1] ? sw__tools_list(group, to, err) : status;
}

sw_status sw__talk_get(sw_group *group, sw_str id, sw_message *out, bool *there, sw_error *err)
{
    sw_message key = {.id = id};
    sw_status status =
        sw_store_get(group->session, SW_RECORD_MESSAGE, &key, &group->arena, out, err);

    *there = status == SW_STATUS_OK;
    (void)sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

sw_status sw__talk_drop(sw_talk_writing *w, const sw_message *old, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    sw_str run = run_of(w->group, old->step_id, &status, err);
    sw_str *hash = sw_arena_alloc(&w->group->arena, sizeof *hash);

    if (status == SW_STATUS_OK && !hash) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK) {
        status = move_tools(w->group, old, run, SW_NULL_STR, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_must(
            w->group, sw_store_remove(w->group->session, SW_RECORD_MESSAGE, old, err), err);
    }
    if (status == SW_STATUS_OK && old->body_hash.ptr) {
        *hash = old->body_hash;
        status = sw__talk_add(w, &w->late, hash, err);
    }
    return status;
}

/* The earliest step that was sent it shows it. */
static sw_status move_message(sw_talk_writing *w, const sw_known_entry *e, sw_error *err)
{
    const sw_step *step = sw__talk_step_of(w, &w->talk->steps[e->owner]);
    sw_message row;
    bool there = false;
    sw_status status = sw__talk_get(w->group, e->row.message_id, &row, &there, err);
    sw_str from =
        there && status == SW_STATUS_OK ? run_of(w->group, row.step_id, &status, err) : SW_NULL_STR;

    if (status != SW_STATUS_OK || !there) {
        return status;
    }
    row.step_id = step->id;
    row.run_id = step->run_id;
    row.created_at = row.updated_at = sw_int_of(step->created_at.value);
    status = sw_group_must(
        w->group,
        sw_store_update(w->group->session, SW_RECORD_MESSAGE, &row,
                        SW_MASK(SW_MESSAGE_STEP_ID) | SW_MASK(SW_MESSAGE_RUN_ID) |
                            SW_MASK(SW_MESSAGE_CREATED_AT) | SW_MASK(SW_MESSAGE_UPDATED_AT),
                        err),
        err);
    if (status == SW_STATUS_OK && !sw_str_eq(from, sw__tools_run(step))) {
        status = move_tools(w->group, &row, from, sw__tools_run(step), err);
    }
    return status;
}

static sw_status release_late(const sw_talk_writing *w, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < w->late.count && status == SW_STATUS_OK; i++) {
        status = sw__body_release(w->group, w->task->organization_id,
                                  *(const sw_str *)w->late.at[i], err);
    }
    return status;
}

/* ---- of one step --------------------------------------------------------------------------------- */

static bool makes(const sw_talk_step *s, sw_str message_id)
{
    for (size_t m = 0; m < s->made_count; m++) {
        if (sw_str_eq(s->made[m].row.id, message_id)) {
            return true;
        }
    }
    return false;
}

sw_status sw__talk_leave(sw_talk_writing *w, const sw_talk_step *s, sw_error *err)
{
    sw_rows found;
    sw_status status = sw_group_gather_of(w->group, SW_RECORD_MESSAGE, SW_MESSAGE_STEP_ID,
                                          sw__talk_step_of(w, s)->id, &found, err);

    for (size_t i = 0; i < found.count && status == SW_STATUS_OK; i++) {
        const sw_message *row = (const sw_message *)(const void *)found.rows + i;
        status = makes(s, row->id) ? status : sw__talk_drop(w, row, err);
    }
    return status;
}

/* Whether the id follows from the step's, which begins with the same time; what a step was only sent has ids that
 * follow from what is said. */
static bool is_of_step(sw_str message_id, sw_str step_id)
{
    enum { MESSAGE = sizeof "message-" - 1, STEP = sizeof "step-" - 1, TIME = 13 };

    return message_id.len > MESSAGE + TIME && step_id.len > STEP + TIME &&
           memcmp(message_id.ptr + MESSAGE, step_id.ptr + STEP, TIME) == 0;
}

sw_status sw__talk_unmake(sw_talk_writing *w, const sw_talk_step *s, sw_error *err)
{
    sw_str step_id = sw__talk_step_of(w, s)->id;
    sw_rows found;
    sw_status status =
        sw_group_gather_of(w->group, SW_RECORD_MESSAGE, SW_MESSAGE_STEP_ID, step_id, &found, err);

    for (size_t i = 0; i < found.count && status == SW_STATUS_OK; i++) {
        const sw_message *row = (const sw_message *)(const void *)found.rows + i;
        if (is_of_step(row->id, step_id) && !makes(s, row->id)) {
            status = sw__talk_drop(w, row, err);
        }
    }
    return status;
}

/* ---- together ------------------------------------------------------------------------------------ */

sw_status sw__talk_clear_away(sw_talk_writing *w, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < w->talk->known.count && status == SW_STATUS_OK; i++) {
        const sw_known_entry *e = (const void *)w->talk->known.all[i];
        sw_message old;
        bool there = false;
        if (e->moves) {
            status = move_message(w, e, err);
        }
        if (e->gone.ptr && status == SW_STATUS_OK) {
            status = sw__talk_get(w->group, e->gone, &old, &there, err);
            status = status == SW_STATUS_OK && there ? sw__talk_drop(w, &old, err) : status;
        }
    }
    return status == SW_STATUS_OK ? release_late(w, err) : status;
}

/* ---- folds --------------------------------------------------------------------------------------- */

static sw_seen see_shown(void *arg, const void *row)
{
    const sw_message *other = row;
    struct {
        const sw_message *row;
        bool shown;
    } *ask = arg;
    bool same = !sw_str_eq(other->id, ask->row->id) && sw_int_eq(other->role, ask->row->role) &&
                sw_str_eq(other->body_hash, ask->row->body_hash);

    ask->shown = ask->shown || same;
    return ask->shown ? SW_SEEN_STOP : SW_SEEN_SKIP;
}

/* Whether the survivor shows the same. */
static sw_status shown_by(sw_group *group, const sw_step *survivor, const sw_message *row,
                          bool *shown, sw_error *err)
{
    sw_value id = {.text = survivor->id};
    sw_condition its = {SW_MESSAGE_STEP_ID, SW_OP_EQ, &id, 1};
    struct {
        const sw_message *row;
        bool shown;
    } ask = {row, false};
    sw_scan scan = {.record = SW_RECORD_MESSAGE,
                    .conditions = &its,
                    .condition_count = 1,
                    .fields = SW_MASK(SW_MESSAGE_ID) | SW_MASK(SW_MESSAGE_ROLE) |
                              SW_MASK(SW_MESSAGE_BODY_HASH),
                    .unordered = true};
    sw_scan_end end;
    sw_status status = sw_store_scan(group->session, &scan, see_shown, &ask, &end, err);

    *shown = ask.shown;
    return sw_group_must(group, status, err);
}

/* The tools of a retired step's messages count for no run; what the survivor takes over counts for its. */
static sw_status fold_message(sw_talk_writing *w, sw_message *row, const sw_step *survivor,
                              sw_error *err)
{
    bool shown = false;
    sw_status status = shown_by(w->group, survivor, row, &shown, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    if (shown) {
        return sw__talk_drop(w, row, err);
    }
    row->step_id = survivor->id;
    row->run_id = survivor->run_id;
    status = sw_group_must(w->group,
                           sw_store_update(w->group->session, SW_RECORD_MESSAGE, row,
                                           SW_MASK(SW_MESSAGE_STEP_ID) | SW_MASK(SW_MESSAGE_RUN_ID),
                                           err),
                           err);
    return status == SW_STATUS_OK
               ? move_tools(w->group, row, SW_NULL_STR, sw__tools_run(survivor), err)
               : status;
}

sw_status sw__talk_fold(sw_group *group, const sw_task *task, const sw_step *old,
                        const sw_step *survivor, sw_error *err)
{
    sw_talk_writing w = {.group = group, .task = task};
    sw_rows found;
    sw_status status =
        sw_group_gather_of(group, SW_RECORD_MESSAGE, SW_MESSAGE_STEP_ID, old->id, &found, err);

    for (size_t i = 0; i < found.count && status == SW_STATUS_OK; i++) {
        status = fold_message(&w, (sw_message *)(void *)found.rows + i, survivor, err);
    }
    return status == SW_STATUS_OK ? release_late(&w, err) : status;
}
