/* SPDX-License-Identifier: Apache-2.0 */
/* What a group asks the store about other records: does this parent exist, may this organization see
 * it, how far has it counted. Answers are remembered between groups, in a table of fixed size, until
 * somebody else may have written.
 */
#include "ledger/border.h"
#include "ledger/hooks.h"

/* ---- counting ----------------------------------------------------------------------------------- */

static sw_status head_load(sw_group *group, sw_head *head, sw_str organization_id, sw_error *err)
{
    sw_journal_head key = {.organization_id = organization_id};
    sw_journal_head row;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_JOURNAL_HEAD, &key, &group->arena, &row, err);

    if (status == SW_STATUS_NOT_FOUND) {
        memset(&row, 0, sizeof row);
        status = SW_STATUS_OK;
    }
    if (status == SW_STATUS_OK) {
        memset(head, 0, sizeof *head);
        memcpy(head->organization_id, organization_id.ptr, organization_id.len);
        head->seq = row.seq.value;
        head->sequence_id = row.sequence_id.value;
        head->runs = row.runs.value;
        group->head_count++;
    }
    return sw_group_must(group, status, err);
}

sw_head *sw_group_head(sw_group *group, sw_str organization_id, sw_error *err)
{
    size_t at = sw_hash(1, organization_id.ptr, organization_id.len) & (SW_HEADS - 1);

    sw_assert(organization_id.len > 0 && organization_id.len < SW_ID_MAX);
    sw_assert(group->head_count < SW_HEADS);
    while (group->heads[at].organization_id[0]) {
        if (sw_str_eq(sw_str_from(group->heads[at].organization_id), organization_id)) {
            return &group->heads[at];
        }
        at = (at + 1) & (SW_HEADS - 1);
    }
    return head_load(group, &group->heads[at], organization_id, err) == SW_STATUS_OK
               ? &group->heads[at]
               : NULL;
}

void sw_group_head_moved(sw_group *group, sw_head *head)
{
    if (!head->dirty) {
        head->dirty = true;
        head->next_dirty = group->dirty;
        group->dirty = head;
        group->dirty_count++;
    }
}

static bool keep_entry(sw_group *group, const sw_journal *row)
{
    sw_journal *entries = sw_arena_grow(&group->arena, group->entries, group->entry_count,
                                        &group->entry_room, sizeof *entries);

    if (!entries) {
        return false;
    }
    group->entries = entries;
    entries[group->entry_count] = *row;
    return sw_row_copy(sw_record_of(SW_RECORD_JOURNAL), &group->entries[group->entry_count++], row,
                       &group->arena);
}

sw_status sw_group_journal(sw_group *group, const sw_task *task, sw_change what,
                           sw_record_id record, sw_str id, sw_str project_id, int64_t *seq,
                           sw_error *err)
{
    sw_head *head = sw_group_head(group, task->organization_id, err);
    sw_journal row = {
        .organization_id = task->organization_id,
        .time = sw_int_of(group->now_us),
        .actor_id = task->user_id,
        .what = sw_int_of(what),
        .record = sw_int_of(record),
        .record_id = id,
        .project_id = project_id,
        .reason = group->reason,
    };

    if (!head) {
        return group->broken;
    }
    row.seq = sw_int_of(head->seq + 1);
    if (!keep_entry(group, &row)) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    head->seq++;
    sw_group_head_moved(group, head);
    if (seq) {
        *seq = head->seq;
    }
    return sw__hook_change(group, &group->entries[group->entry_count - 1], err);
}

sw_status sw_group_flush_journal(sw_group *group, sw_error *err)
{
    const void **rows = sw_arena_alloc(&group->arena, (group->entry_count + 1) * sizeof *rows);
    bool *existed = sw_arena_alloc(&group->arena, group->entry_count + 1);
    sw_status status = SW_STATUS_OK;

    if (!rows || !existed) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < group->entry_count; i++) {
        rows[i] = &group->entries[i];
    }
    if (group->entry_count > 0) {
        status = sw_store_insert_many(group->session, SW_RECORD_JOURNAL, rows, group->entry_count,
                                      existed, err);
    }
    for (size_t i = 0; i < group->entry_count && status == SW_STATUS_OK; i++) {
        if (existed[i]) {
            status = sw_fail(err, SW_STATUS_CORRUPT, "seq", "the journal has this number already");
        }
    }
    return status;
}

sw_status sw__unchanged(sw_group *group, const sw_task *task, sw_outcome *outcome, sw_error *err)
{
    sw_head *head = sw_group_head(group, task->organization_id, err);

    outcome->seq = head ? head->seq : 0;
    return sw__verdict(outcome, SW_VERDICT_UNCHANGED, head ? SW_STATUS_OK : group->broken, err);
}

/* ---- parents ------------------------------------------------------------------------------------ */

/* A pair: the last one asked for is in front. */
static sw_known *known_place(sw_group *group, sw_record_id record, sw_str id)
{
    return &group->known[sw_hash((uint64_t)record, id.ptr, id.len) & (SW_KNOWN - 2)];
}

static bool known_is(const sw_known *slot, sw_record_id record, sw_str id, sw_str organization_id)
{
    return slot->record_plus_1 == (unsigned)record + 1 && slot->id_len == id.len &&
           slot->organization_len == organization_id.len && memcmp(slot->id, id.ptr, id.len) == 0 &&
           memcmp(slot->organization_id, organization_id.ptr, organization_id.len) == 0;
}

static bool known_hit(sw_known *place, sw_record_id record, sw_str id, sw_str organization_id)
{
    if (known_is(&place[0], record, id, organization_id)) {
        return true;
    }
    if (!known_is(&place[1], record, id, organization_id)) {
        return false;
    }
    sw_known front = place[1];
    place[1] = place[0];
    place[0] = front;
    return true;
}

static void known_keep(sw_group *group, sw_known *place, sw_record_id record, sw_str id,
                       sw_str organization_id)
{
    group->knows = true;
    if (id.len <= sizeof place->id && organization_id.len <= sizeof place->organization_id) {
        place[1] = place[0];
        place->record_plus_1 = (uint8_t)(record + 1);
        place->id_len = (uint8_t)id.len;
        place->organization_len = (uint8_t)organization_id.len;
        memcpy(place->id, id.ptr, id.len);
        memcpy(place->organization_id, organization_id.ptr, organization_id.len);
    }
}

void sw_group_keep(sw_group *group, sw_record_id record, sw_str id, sw_str organization_id)
{
    known_keep(group, known_place(group, record, id), record, id, organization_id);
}

/* Reads the record and says whether the organization may refer to it. */
static sw_status look_up(sw_group *group, sw_record_id id_of, sw_str id, sw_str organization_id,
                         void *row, sw_error *err)
{
    const sw_record *record = sw_record_of(id_of);
    sw_actor actor = {.organization_id = organization_id,
                      .project_id = group->task ? group->task->project_id : SW_NULL_STR};
    bool sees = false;
    void *key = sw_arena_zeroed(&group->arena, record->size);
    sw_status status = SW_STATUS_OK;

    if (!key) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    *sw_field_str(&record->fields[sw_record_primary(record)], key) = id;
    status = sw_store_get(group->session, id_of, key, &group->arena, row, err);
    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    if (status == SW_STATUS_OK) {
        status = sw__sees(group->session, &group->arena, &actor, id_of, row, &sees, err);
        (void)sw_group_must(group, status, err);
    }
    return status == SW_STATUS_OK && !sees ? SW_STATUS_NOT_FOUND : status;
}

sw_status sw_group_known(sw_group *group, sw_record_id record, sw_str id, sw_str organization_id,
                         sw_error *err)
{
    sw_known *place = known_place(group, record, id);
    bool limited = group->task && group->task->project_id.ptr; /* remembered is the organization */
    sw_status status = SW_STATUS_OK;
    void *row = NULL;

    if (id.len == 0 || id.len > SW_LIMIT_ID_BYTES) {
        return SW_STATUS_NOT_FOUND;
    }
    if (!limited && known_hit(place, record, id, organization_id)) {
        return SW_STATUS_OK;
    }
    row = sw_arena_alloc(&group->arena, sw_record_of(record)->size);
    if (!row) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    status = look_up(group, record, id, organization_id, row, err);
    if (status == SW_STATUS_OK) {
        known_keep(group, place, record, id, organization_id);
    }
    return status;
}

sw_status sw_group_parent(sw_group *group, sw_record_id record, sw_str id, sw_str organization_id,
                          const char *field, sw_error *err)
{
    sw_status status = sw_group_known(group, record, id, organization_id, err);

    if (status == SW_STATUS_NOT_FOUND) {
        return sw_fail(err, SW_STATUS_INVALID, field, "there is no such %s",
                       sw_record_of(record)->name);
    }
    return status;
}

sw_status sw_group_get(sw_group *group, const sw_task *task, sw_record_id record, sw_str id,
                       void *out, sw_error *err)
{
    sw_status status = sw__check_id(record, id, "id", err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    status = look_up(group, record, id, task->organization_id, out, err);
    return status == SW_STATUS_NOT_FOUND ? sw__not_found(record, id, err) : status;
}
