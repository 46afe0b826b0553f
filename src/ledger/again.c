/* SPDX-License-Identifier: Apache-2.0 */
/* The same again (promise P3): what is answered when the id of a new record is taken. What was sent is
 * known by its digest, never by what the row became since. One text for every record: an id of another
 * organization cannot be had, and nothing more is said.
 */
#include "ledger/border.h"

static sw_str digest_of(sw_record_id id, const void *row)
{
    const sw_record *record = sw_record_of(id);
    int field = sw_record_field(record, SW_STR("create_digest"));

    sw_assert(field >= 0);
    return sw_field_text(&record->fields[field], row);
}

static bool sent_before(sw_record_id record, const void *row, const void *there)
{
    sw_str digest = digest_of(record, row);
    return digest.ptr && sw_str_eq(digest, digest_of(record, there));
}

/* The digest of an organization names who created it, so that its creator is known by it. */
static sw_status may_know(sw_group *group, const sw_task *task, sw_record_id record,
                          const void *row, const void *there, bool *may, sw_error *err)
{
    sw_status status = sw_group_sees(group, task, record, there, may, err);

    *may = *may || (record == SW_RECORD_ORGANIZATION && sent_before(record, row, there));
    return status;
}

static const char not_available[] = "id not available";

sw_status sw__not_available(sw_error *err)
{
    return sw_fail(err, SW_STATUS_CONFLICT, "id", not_available);
}

bool sw__says_not_available(const sw_error *err)
{
    return err && strcmp(err->message, not_available) == 0;
}

sw_status sw__name_taken(sw_outcome *outcome, sw_error *err)
{
    sw_error taken = *err;
    sw_status status = sw_fail(err, SW_STATUS_CONFLICT, taken.field[0] ? taken.field : "name", "%s",
                               taken.message[0] ? taken.message : "is taken already");

    return sw__verdict(outcome, SW_VERDICT_CONFLICT, status, err);
}

sw_status sw__create_again(sw_group *group, const sw_task *task, sw_record_id record,
                           const void *row, sw_outcome *outcome, sw_error *err)
{
    void *there = sw_arena_zeroed(&group->arena, sw_record_of(record)->size);
    sw_error taken = *err;
    bool may = false;
    sw_status status = SW_STATUS_OK;

    if (!there) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    status = sw_store_get(group->session, record, row, &group->arena, there, err);
    if (status == SW_STATUS_NOT_FOUND) { /* not the id, but another unique value is taken */
        *err = taken;
        return sw__name_taken(outcome, err);
    }
    if (sw_group_must(group, status, err) == SW_STATUS_OK) {
        status = may_know(group, task, record, row, there, &may, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (!may) {
        return sw__verdict(outcome, SW_VERDICT_REJECTED, sw__not_available(err), err);
    }
    if (sent_before(record, row, there)) {
        return sw__unchanged(group, task, outcome, err);
    }
    status = sw_fail(err, SW_STATUS_CONFLICT, "id", "a %s with this id and other content exists",
                     sw_record_of(record)->name);
    return sw__verdict(outcome, SW_VERDICT_CONFLICT, status, err);
}

bool sw__was_created(sw_group *group, const sw_task *task, sw_record_id record, const void *row)
{
    void *there = sw_arena_zeroed(&group->arena, sw_record_of(record)->size);
    sw_error err = {.status = SW_STATUS_OK};
    bool may = false;
    sw_status status = SW_STATUS_NOT_FOUND;

    if (there && digest_of(record, row).ptr) {
        status = sw_store_get(group->session, record, row, &group->arena, there, &err);
        (void)sw_group_may(group, status, SW_STATUS_NOT_FOUND, &err);
    }
    return status == SW_STATUS_OK &&
           may_know(group, task, record, row, there, &may, &err) == SW_STATUS_OK && may &&
           sent_before(record, row, there);
}
