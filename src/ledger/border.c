/* SPDX-License-Identifier: Apache-2.0 */
/* Projects: a caller who is limited to one sees and changes only what is booked on it. The rule is
 * one row a record, below: most say their project in a field; a message, a trace and a conversation
 * belong where their step, run or agent belongs; providers, prices and the organization itself are shared
 * and only read; the rest is no project's. What is not seen answers as if it did not exist.
 */
#include "ledger/border.h"

typedef enum belongs {
    BY_FIELD, /* project_id says it; for a project its id */
    BY_PARENT,
    SHARED,
    APART /* no project's */
} belongs;

enum { PARENTS = 3 };
typedef struct rule {
    belongs how;
    uint8_t field;
    /* BY_PARENT: the first of these fields that is not null names the record it belongs to. */
    struct {
        uint8_t field;
        sw_record_id record;
    } parents[PARENTS];
    uint8_t parent_count;
} rule;

static rule rule_of(sw_record_id record)
{
    int project = sw_record_field(sw_record_of(record), SW_STR("project_id"));

    switch (record) {
    case SW_RECORD_ORGANIZATION:
    case SW_RECORD_PROVIDER:
    case SW_RECORD_PROVIDER_MODEL:
    case SW_RECORD_PRICE:
        return (rule){.how = SHARED};
    case SW_RECORD_PROJECT:
        return (rule){.how = BY_FIELD, .field = SW_PROJECT_ID};
    case SW_RECORD_CONVERSATION:
        return (rule){.how = BY_PARENT,
                      .parents = {{SW_CONVERSATION_AGENT_ID, SW_RECORD_AGENT}},
                      .parent_count = 1};
    case SW_RECORD_MESSAGE:
        return (rule){.how = BY_PARENT,
                      .parents = {{SW_MESSAGE_STEP_ID, SW_RECORD_STEP},
                                  {SW_MESSAGE_RUN_ID, SW_RECORD_RUN},
                                  {SW_MESSAGE_AGENT_ID, SW_RECORD_AGENT}},
                      .parent_count = 3};
    case SW_RECORD_PROVIDER_TRACE:
        return (rule){.how = BY_PARENT,
                      .parents = {{SW_PROVIDER_TRACE_STEP_ID, SW_RECORD_STEP}},
                      .parent_count = 1};
    default:
        return project >= 0 ? (rule){.how = BY_FIELD, .field = (uint8_t)project}
                            : (rule){.how = APART};
    }
}

static bool says(sw_record_id record, uint8_t field, const void *row, sw_str project)
{
    return sw_str_eq(sw_field_text(&sw_record_of(record)->fields[field], row), project);
}

/* ---- one row ------------------------------------------------------------------------------------- */

/* The rows it belongs to all say their project in a field, so that one look is enough. */
static sw_status parent_sees(sw_session *session, sw_arena *arena, sw_str project,
                             sw_record_id record, sw_str id, bool *sees, sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    void *key = sw_arena_zeroed(arena, r->size);
    void *row = sw_arena_zeroed(arena, r->size);
    rule parent = rule_of(record);
    sw_status status = key && row ? SW_STATUS_OK : sw_no_memory(err);

    sw_assert(parent.how == BY_FIELD);
    if (status == SW_STATUS_OK) {
        *sw_field_str(&r->fields[sw_record_primary(r)], key) = id;
        status = sw_store_get(session, record, key, arena, row, err);
    }
    *sees = status == SW_STATUS_OK && says(record, parent.field, row, project);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_status project_sees(sw_session *session, sw_arena *arena, sw_str project,
                              sw_record_id record, const void *row, bool *sees, sw_error *err)
{
    rule is = rule_of(record);

    *sees = is.how == SHARED || (is.how == BY_FIELD && says(record, is.field, row, project));
    for (size_t i = 0; i < is.parent_count; i++) {
        sw_str id = sw_field_text(&sw_record_of(record)->fields[is.parents[i].field], row);
        if (id.ptr) {
            return parent_sees(session, arena, project, is.parents[i].record, id, sees, err);
        }
    }
    return SW_STATUS_OK;
}

sw_status sw__sees(sw_session *session, sw_arena *arena, const sw_actor *actor, sw_record_id record,
                   const void *row, bool *sees, sw_error *err)
{
    *sees = sw__visible(actor, record, row);
    if (!*sees || !actor || !actor->project_id.ptr) {
        return SW_STATUS_OK;
    }
    return project_sees(session, arena, actor->project_id, record, row, sees, err);
}

sw_border sw__border(const sw_actor *actor, sw_record_id record, uint8_t *field)
{
    rule is = {.how = SHARED};

    if (!actor || !actor->project_id.ptr) {
        return SW_BORDER_NONE;
    }
    is = rule_of(record);
    *field = is.field;
    return is.how == SHARED      ? SW_BORDER_NONE
           : is.how == BY_FIELD  ? SW_BORDER_FIELD
           : is.how == BY_PARENT ? SW_BORDER_LOOK
                                 : SW_BORDER_CLOSED;
}

/* ---- inside a group ------------------------------------------------------------------------------ */

sw_status sw_group_sees(sw_group *group, const sw_task *task, sw_record_id record, const void *row,
                        bool *sees, sw_error *err)
{
    sw_actor actor = {.organization_id = task->organization_id, .project_id = task->project_id};
    sw_status status = sw__sees(group->session, &group->arena, &actor, record, row, sees, err);

    return sw_group_must(group, status, err);
}

bool sw__may_change(const sw_task *task, sw_record_id record)
{
    belongs how = BY_FIELD;

    if (!task->project_id.ptr) {
        return true;
    }
    how = rule_of(record).how;
    return how == BY_FIELD || how == BY_PARENT;
}

sw_status sw__book_limited(const sw_task *task, sw_record_id record, void *row, sw_error *err)
{
    rule is = rule_of(record);
    const sw_field *field = &sw_record_of(record)->fields[is.field];

    if (!sw__may_change(task, record)) {
        return sw_fail(err, SW_STATUS_INVALID, "project_id",
                       "a caller who is limited to a project cannot write a %s",
                       sw_record_of(record)->name);
    }
    if (is.how != BY_FIELD) {
        return SW_STATUS_OK;
    }
    if (sw_field_is_null(field, row)) {
        *sw_field_str(field, row) = task->project_id;
    }
    if (!says(record, is.field, row, task->project_id)) {
        return sw_fail(err, SW_STATUS_INVALID, field->name,
                       "is not the project to which the caller is limited");
    }
    return SW_STATUS_OK;
}
