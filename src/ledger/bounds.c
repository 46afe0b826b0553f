/* SPDX-License-Identifier: Apache-2.0 */
/* What a question may name, and the border it never crosses: the conditions of a list, of a count, of a
 * usage question, checked and completed with the actor's organization
 * and project.
 */
#include "ledger/border.h"
#include "ledger/reading.h"

static bool names(const sw_condition *conditions, size_t count, int field)
{
    for (size_t i = 0; i < count; i++) {
        if (conditions[i].field == field) {
            return true;
        }
    }
    return false;
}

/* Whether the comparison means something for such a field, with so many values. */
static bool op_fits(const sw_field *field, const sw_condition *c)
{
    switch (c->op) {
    case SW_OP_NULL:
    case SW_OP_NOT_NULL:
        return true;
    case SW_OP_IN:
        return true;
    case SW_OP_EQ:
    case SW_OP_NE:
    case SW_OP_LT:
    case SW_OP_LE:
    case SW_OP_GT:
    case SW_OP_GE:
        return c->count == 1;
    case SW_OP_TAG_ANY:
    case SW_OP_TAG_ALL:
        return field->kind == SW_KIND_TAGS;
    case SW_OP_CONTAINS:
        return c->count == 1 && sw_kind_is_text(field->kind);
    }
    return false;
}

enum { CONDITIONS_MAX = 32, VALUES_MAX = 10000 };

sw_status sw__check_conditions(sw_record_id record, const sw_condition *conditions, size_t count,
                               sw_error *err)
{
    const sw_record *r = sw_record_of(record);

    if (count > CONDITIONS_MAX) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "conditions", "at most %d", CONDITIONS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const sw_condition *c = &conditions[i];
        if (c->field >= r->field_count || (r->fields[c->field].flags & SW_SECRET)) {
            return sw_fail(err, SW_STATUS_INVALID, "conditions",
                           "a %s has no such field to ask for", r->name);
        }
        if (!op_fits(&r->fields[c->field], c) || c->count > VALUES_MAX) {
            return sw_fail(err, SW_STATUS_INVALID, r->fields[c->field].name,
                           "cannot be compared like that");
        }
    }
    return SW_STATUS_OK;
}

sw_status sw__bounds(const sw_actor *actor, sw_record_id record, const sw_condition *conditions,
                     size_t condition_count, size_t spare, sw_arena *arena, sw_bounds *out,
                     sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    int owner = record == SW_RECORD_ORGANIZATION ? SW_ORGANIZATION_ID
                                                 : sw_record_field(r, SW_STR("organization_id"));
    uint8_t project = 0;
    sw_border border = sw__border(actor, record, &project);
    sw_status status = sw__check_conditions(record, conditions, condition_count, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    out->conditions = sw_arena_zeroed(arena, (condition_count + 3 + spare) * sizeof(sw_condition));
    if (!out->conditions) {
        return sw_no_memory(err);
    }
    if (condition_count > 0) {
        memcpy(out->conditions, conditions, condition_count * sizeof *conditions);
    }
    out->count = condition_count;
    out->organization.text = sw__actor_organization(actor);
    if (!actor || !actor->everywhere) {
        out->conditions[out->count++] =
            (sw_condition){(uint8_t)owner, SW_OP_EQ, &out->organization, 1};
    }
    if (border == SW_BORDER_FIELD || border == SW_BORDER_CLOSED) {
        out->project.text = actor->project_id;
        out->conditions[out->count++] = border == SW_BORDER_FIELD
                                            ? (sw_condition){project, SW_OP_EQ, &out->project, 1}
                                            : (sw_condition){(uint8_t)owner, SW_OP_IN, NULL, 0};
    }
    if (record == SW_RECORD_STEP && !names(conditions, condition_count, SW_STEP_RETIRED_INTO)) {
        out->conditions[out->count++] = (sw_condition){SW_STEP_RETIRED_INTO, SW_OP_NULL, NULL, 0};
    }
    return SW_STATUS_OK;
}
