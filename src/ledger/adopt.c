/* SPDX-License-Identifier: Apache-2.0 */
/* Adoption: rows of another system's database become the ledger's, all of one call in one transaction. They come from
 * many organizations, and each is written as if its own had sent it; who is not limited to an organization must own the
 * file.
 *
 * A reference that leads nowhere is left out and told, because the database it comes from may never have checked any.
 */
#include "ledger/adopt_inside.h"

#include <stdio.h>

#include "ledger/border.h"
#include "ledger/reading.h"
#include "ledger/telemetry_inside.h"

sw_status sw__adopt_verdict(sw_adopted *out, sw_verdict verdict, sw_status status,
                            const sw_error *err)
{
    out->verdict = verdict;
    out->status = status;
    if (status != SW_STATUS_OK && err) {
        (void)snprintf(out->field, sizeof out->field, "%.47s", err->field);
        (void)snprintf(out->why, sizeof out->why, "%.199s", err->message);
    }
    return status;
}

/* ---- what rows refer to ------------------------------------------------------------------------- */

sw_status sw__adopt_agent(sw_group *group, const sw_task *task, sw_adopted *out, sw_str id,
                          sw_int created_at, sw_error *err)
{
    sw_agent agent = {.id = id, .organization_id = task->organization_id, .created_at = created_at};
    sw_outcome outcome;
    sw_status status = sw_group_known(group, SW_RECORD_AGENT, id, task->organization_id, err);

    if (status != SW_STATUS_NOT_FOUND || !id.ptr || id.len == 0) {
        return status;
    }
    status = sw__record_create_in(group, task, SW_RECORD_AGENT, &agent, &outcome, err);
    if (group->broken != SW_STATUS_OK) {
        return group->broken;
    }
    if (status != SW_STATUS_OK) {
        return SW_STATUS_NOT_FOUND;
    }
    out->named_agent = true;
    return SW_STATUS_OK;
}

sw_status sw__adopt_some_agent(sw_group *group, const sw_task *task, sw_adopted *out, uint8_t field,
                               sw_str *id, sw_int created_at, sw_error *err)
{
    sw_agent agent = {.organization_id = task->organization_id,
                      .name = SW_STR(SW_ADOPT_UNKNOWN_AGENT),
                      .created_at = created_at};
    sw_outcome outcome;
    sw_str plain = SW_NULL_STR;
    sw_status status = sw__adopt_agent(group, task, out, *id, created_at, err);

    if (status != SW_STATUS_NOT_FOUND) {
        return status;
    }
    status = sw__agent_named(group, task, &agent, &plain, &outcome, err);
    if (status == SW_STATUS_OK) {
        *id = agent.id;
        out->left_out |= SW_MASK(field);
        out->named_agent |= outcome.verdict == SW_VERDICT_CREATED;
    }
    return status;
}

sw_status sw__adopt_link(sw_group *group, const sw_task *task, sw_adopted *out, sw_record_id parent,
                         uint8_t field, sw_str *id, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (!id->ptr) {
        return SW_STATUS_OK;
    }
    status = sw_group_known(group, parent, *id, task->organization_id, err);
    if (status != SW_STATUS_NOT_FOUND) {
        return status;
    }
    *id = SW_NULL_STR;
    out->left_out |= SW_MASK(field);
    return SW_STATUS_OK;
}

/* ---- what is there already ---------------------------------------------------------------------- */

sw_status sw__adopt_there(sw_group *group, sw_record_id record, const void *row, void *old,
                          bool *there, sw_error *err)
{
    sw_status status = sw_store_get(group->session, record, row, &group->arena, old, err);

    *there = status == SW_STATUS_OK;
    (void)sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_str text_field(sw_record_id record, const void *row, const char *name)
{
    const sw_record *r = sw_record_of(record);
    int field = sw_record_field(r, sw_str_from(name));
    return field >= 0 ? sw_field_text(&r->fields[field], row) : SW_NULL_STR;
}

sw_status sw__adopt_taken(sw_adopted *out, sw_record_id record, const void *row, const void *old,
                          sw_error *err)
{
    sw_str digest = text_field(record, row, "create_digest");
    bool ours = sw_str_eq(sw__adopt_organization(record, row), sw__adopt_organization(record, old));

    if (!ours) {
        return sw__adopt_verdict(out, SW_VERDICT_REJECTED, sw__not_available(err), err);
    }
    if (!digest.ptr || sw_str_eq(digest, text_field(record, old, "create_digest"))) {
        return sw__adopt_verdict(out, SW_VERDICT_UNCHANGED, SW_STATUS_OK, NULL);
    }
    (void)sw_fail(err, SW_STATUS_CONFLICT, "id",
                  "the ledger has a %s with this id, which says "
                  "something else, and stays",
                  sw_record_of(record)->name);
    return sw__adopt_verdict(out, SW_VERDICT_CONFLICT, SW_STATUS_CONFLICT, err);
}

/* ---- one row ------------------------------------------------------------------------------------ */

/* Where there is no key to seal them with. */
static sw_status without_secrets(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                                 sw_outcome *outcome, sw_error *err)
{
    sw_provider row;

    memcpy(&row, item->row, sizeof row);
    item->out->left_out |= row.api_key.ptr ? SW_MASK(SW_PROVIDER_API_KEY) : 0;
    item->out->left_out |= row.access_key.ptr ? SW_MASK(SW_PROVIDER_ACCESS_KEY) : 0;
    row.api_key = row.access_key = SW_NULL_STR;
    return sw__record_create_in(group, task, SW_RECORD_PROVIDER, &row, outcome, err);
}

/* Records of records.c. One that is there with other content was changed since, here or there. */
static sw_status adopt_plain(sw_group *group, const sw_task *task, sw_record_id record,
                             const sw_adopt_item *item, sw_error *err)
{
    sw_conversation conversation;
    const void *row = item->row;
    sw_outcome outcome = {.verdict = SW_VERDICT_REJECTED};
    sw_status status = SW_STATUS_OK;

    if (record == SW_RECORD_CONVERSATION && ((const sw_conversation *)row)->agent_id.ptr) {
        memcpy(&conversation, row, sizeof conversation);
        row = &conversation;
        status = sw__adopt_some_agent(group, task, item->out, SW_CONVERSATION_AGENT_ID,
                                      &conversation.agent_id, conversation.created_at, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__record_create_in(group, task, record, row, &outcome, err);
    }
    if (group->broken == SW_STATUS_OK && status == SW_STATUS_UNSUPPORTED &&
        record == SW_RECORD_PROVIDER) {
        status = without_secrets(group, task, item, &outcome, err);
    }
    if (group->broken != SW_STATUS_OK) {
        return group->broken;
    }
    return sw__adopt_verdict(item->out, outcome.verdict, status, err);
}

static sw_status adopt_one(sw_group *group, const sw_task *task, sw_record_id record,
                           const sw_adopt_item *item, sw_error *err)
{
    switch (record) {
    case SW_RECORD_RUN:
        return sw__adopt_run(group, task, item, err);
    case SW_RECORD_MESSAGE:
        return sw__adopt_message(group, task, item, err);
    case SW_RECORD_PROVIDER_TRACE:
        return sw__adopt_trace(group, task, item, err);
    default:
        return adopt_plain(group, task, record, item, err);
    }
}

/* Every row belongs to an organization that is there. */
static bool may_begin(sw_group *group, const sw_task *task, sw_record_id record,
                      const sw_adopt_item *item, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    item->out->status = SW_STATUS_OK; /* the group may have been tried before */
    item->out->left_out = 0;
    item->out->timed = item->out->named_agent = false;
    if (item->refused) {
        (void)sw__adopt_verdict(item->out, SW_VERDICT_REJECTED, item->status, item->refused);
        return false;
    }
    if (record == SW_RECORD_ORGANIZATION) {
        return true;
    }
    status = sw_group_parent(group, SW_RECORD_ORGANIZATION, task->organization_id,
                             task->organization_id, "organization_id", err);
    if (status != SW_STATUS_OK) {
        (void)sw__adopt_verdict(item->out, SW_VERDICT_REJECTED, status, err);
    }
    return status == SW_STATUS_OK;
}

static sw_status apply(sw_group *group, sw_task *task, sw_error *err)
{
    const sw_adopting *a = task->arg;

    for (size_t i = 0; i < a->count && group->broken == SW_STATUS_OK; i++) {
        sw_error why = {.status = SW_STATUS_OK};
        task->organization_id = sw__adopt_organization(a->record, a->items[i].out->row);
        if (!may_begin(group, task, a->record, &a->items[i], &why)) {
            continue;
        }
        if (a->record != SW_RECORD_STEP) {
            (void)adopt_one(group, task, a->record, &a->items[i], &why);
        }
    }
    if (a->record == SW_RECORD_STEP && group->broken == SW_STATUS_OK) {
        (void)sw__adopt_steps(group, task, a, err);
    }
    return group->broken;
}

sw_status sw_adopt(sw_ledger *ledger, sw_record_id record, sw_adopted *rows, size_t count,
                   sw_error *err)
{
    sw_adopting a = {.record = record, .count = count};
    sw_task task = {
        .apply = apply, .arg = &a, .weight = 1 + count, .own_organization = true, .adopts = true};
    sw_status status = SW_STATUS_OK;

    if (count == 0) {
        return SW_STATUS_OK;
    }
    sw_arena_init(&a.arena, &ledger->allocator, 0);
    status = sw__adopt_prepare(ledger, &a, rows, err);
    if (status == SW_STATUS_OK) {
        status = sw__submit(ledger, NULL, &task, err);
    }
    sw_arena_fini(&a.arena);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static uint64_t looked_at(sw_record_id record)
{
    return record == SW_RECORD_STEP  ? SW_MASK(SW_STEP_STATUS) | SW_MASK(SW_STEP_SOURCE)
           : record == SW_RECORD_RUN ? SW_MASK(SW_RUN_STATUS) | SW_MASK(SW_RUN_SOURCE)
                                     : 0;
}

static bool under_way(sw_record_id record, const void *row)
{
    const sw_step *step = row;
    const sw_run *run = row;

    switch (record) {
    case SW_RECORD_STEP:
        return step->source.value == SW_SOURCE_ADOPTED &&
               step->status.value == SW_STEP_STATUS_PENDING;
    case SW_RECORD_RUN:
        return run->source.value == SW_SOURCE_ADOPTED && run->status.value <= SW_RUN_STATUS_RUNNING;
    default:
        return false;
    }
}

sw_status sw_adopt_known(sw_ledger *ledger, sw_record_id record, const sw_str *ids, size_t count,
                         bool *known, sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    uint8_t primary = (uint8_t)sw_record_primary(r);
    sw_session *session = NULL;
    sw_arena arena;
    sw_status status = sw__snapshot_begin(ledger, &session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_arena_init(&arena, &ledger->allocator, 0);
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        void *row = sw_arena_zeroed(&arena, r->size);
        bool there = false;
        known[i] = false;
        if (!row) {
            status = sw_no_memory(err);
        } else if (ids[i].ptr && ids[i].len > 0 && ids[i].len <= SW_LIMIT_ID_BYTES) {
            status = sw__first_of(session, record, primary, ids[i],
                                  SW_MASK(primary) | looked_at(record), &arena, row, &there, err);
            known[i] = there && !under_way(record, row);
        }
        sw_arena_reset(&arena);
    }
    sw_arena_fini(&arena);
    sw__snapshot_end(ledger, session);
    return status;
}
