/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: a pending step whose owner is no longer heard ends as failed, error type Abandoned, exactly
 * once. Ending is a guarded move inside a group, so two processes that reap at once do no harm.
 */
#include "ledger/internal.h"

enum { REAP_AT_ONCE = 500 };

typedef struct expired {
    sw_arena *arena;
    sw_step *steps;
    size_t count;
    bool no_memory;
} expired;

static sw_seen collect(void *arg, const void *row)
{
    expired *found = arg;

    if (!sw_row_copy(sw_record_of(SW_RECORD_STEP), &found->steps[found->count], row,
                     found->arena)) {
        found->no_memory = true;
        return SW_SEEN_STOP;
    }
    found->count++;
    return SW_SEEN_COUNT;
}

static sw_status find_expired(sw_group *group, expired *found, sw_error *err)
{
    sw_value now = {.number = group->lease_us};
    sw_condition due = {SW_STEP_LEASE_EXPIRES_AT, SW_OP_LE, &now, 1};
    sw_scan scan = {.record = SW_RECORD_STEP,
                    .conditions = &due,
                    .condition_count = 1,
                    .order = {SW_STEP_LEASE_EXPIRES_AT},
                    .order_count = 1,
                    .limit = REAP_AT_ONCE};
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    found->arena = &group->arena;
    found->steps = sw_arena_zeroed(&group->arena, REAP_AT_ONCE * sizeof *found->steps);
    if (!found->steps) {
        return sw_no_memory(err);
    }
    status = sw_store_scan(group->session, &scan, collect, found, &end, err);
    return status == SW_STATUS_OK && found->no_memory ? sw_no_memory(err) : status;
}

static sw_status abandon(sw_group *group, const sw_step *old, sw_error *err)
{
    sw_task owner = {.organization_id = old->organization_id};
    sw_step step = *old;
    uint64_t mask = SW_MASK(SW_STEP_STATUS) | SW_MASK(SW_STEP_ERROR_TYPE) |
                    SW_MASK(SW_STEP_ERROR_DATA) | SW_MASK(SW_STEP_LEASE_EXPIRES_AT) |
                    SW_MASK(SW_STEP_UPDATED_AT);
    sw_status status = SW_STATUS_OK;

    step.lease_expires_at = SW_NULL_INT;
    if (old->status.value == SW_STEP_STATUS_PENDING) {
        step.status = sw_int_of(SW_STEP_STATUS_FAILED);
        step.error_type = SW_STR("Abandoned");
        step.error_data = SW_STR("{\"message\":\"the owner of the step was not heard of before its "
                                 "lease ran out\"}");
    }
    step.updated_at = sw_int_of(group->now_us);
    status = sw_store_update(group->session, SW_RECORD_STEP, &step, mask, err);
    if (sw_group_must(group, status, err) == SW_STATUS_OK) {
        status = sw_group_count(group, old, -1, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_count(group, &step, +1, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, &owner, SW_CHANGE_ABANDONED, SW_RECORD_STEP, step.id,
                                  step.project_id, NULL, err);
    }
    return status;
}

sw_status sw__reap(sw_group *group, sw_task *task, sw_error *err)
{
    int64_t *ended = task->arg;
    expired found = {0};
    sw_status status = sw_group_must(group, find_expired(group, &found, err), err);

    *ended = 0;
    for (size_t i = 0; i < found.count && status == SW_STATUS_OK; i++) {
        status = abandon(group, &found.steps[i], err);
        *ended += status == SW_STATUS_OK;
    }
    return status;
}

sw_status sw__ledger_reap(sw_ledger *ledger, int64_t *ended, sw_error *err)
{
    int64_t count = 0;
    int64_t sum = 0;
    sw_task task = {.apply = sw__reap, .arg = &count, .weight = REAP_AT_ONCE};
    sw_status status = SW_STATUS_OK;

    do {
        status = sw__submit(ledger, NULL, &task, err);
        sum += status == SW_STATUS_OK ? count : 0;
    } while (status == SW_STATUS_OK && count == REAP_AT_ONCE);
    if (ended) {
        *ended = sum;
    }
    return status;
}
