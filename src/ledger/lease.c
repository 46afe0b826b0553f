/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: a pending step whose owner is no longer heard ends as failed, error type Abandoned, exactly
 * once. Ending is a guarded move inside a group, so two processes that reap at once do no harm.
 */
#include "ledger/internal.h"

/* Steps whose lease ran out at `now`, the longest expired first. */
static sw_scan expired_at(const sw_value *now, sw_condition *due)
{
    *due = (sw_condition){SW_STEP_LEASE_EXPIRES_AT, SW_OP_LE, now, 1};
    return (sw_scan){.record = SW_RECORD_STEP,
                     .conditions = due,
                     .condition_count = 1,
                     .order = {SW_STEP_LEASE_EXPIRES_AT},
                     .order_count = 1,
                     .limit = SW_REAP_AT_ONCE};
}

sw_status sw__lease_due(sw_ledger *ledger, bool *due, sw_error *err)
{
    sw_value now = {.number = sw__lease_now(ledger)};
    sw_condition condition;
    sw_scan scan = expired_at(&now, &condition);

    scan.fields = SW_MASK(SW_STEP_LEASE_EXPIRES_AT);
    return sw__first(ledger->write_session, &scan, NULL, NULL, due, err);
}

static sw_status abandon(sw_group *group, const sw_step *old, sw_error *err)
{
    sw_task owner = {.organization_id = old->organization_id};
    sw_step step = *old;

    step.lease_expires_at = SW_NULL_INT;
    if (old->status.value != SW_STEP_STATUS_PENDING || old->retired_into.ptr) {
        sw_logf(&group->ledger->log, SW_LOG_WARN, "a step that is not pending held a lease");
        return sw_group_must(group,
                             sw_store_update(group->session, SW_RECORD_STEP, &step,
                                             SW_MASK(SW_STEP_LEASE_EXPIRES_AT), err),
                             err);
    }
    step.status = sw_int_of(SW_STEP_STATUS_FAILED);
    step.error_type = SW_STR("Abandoned");
    step.error_data = SW_STR("{\"message\":\"the owner of the step was not heard of before its "
                             "lease ran out\"}");
    return sw_group_change_step(group, &owner, old, &step, SW_CHANGE_ABANDONED, NULL, err);
}

sw_status sw__reap(sw_group *group, sw_task *task, sw_error *err)
{
    int64_t *ended = task->arg;
    sw_value now = {.number = group->lease_us};
    sw_condition due;
    sw_scan scan = expired_at(&now, &due);
    sw_rows found;
    sw_status status = sw_group_gather(group, &scan, &found, err);
    const sw_step *steps = (const void *)found.rows;

    *ended = 0;
    for (size_t i = 0; i < found.count && status == SW_STATUS_OK; i++) {
        status = abandon(group, &steps[i], err);
        *ended += status == SW_STATUS_OK;
    }
    return status;
}

sw_status sw__ledger_reap(sw_ledger *ledger, int64_t *ended, sw_error *err)
{
    int64_t count = 0;
    int64_t sum = 0;
    sw_task task = {
        .apply = sw__reap, .arg = &count, .own_organization = true, .weight = SW_REAP_AT_ONCE};
    sw_status status = SW_STATUS_OK;

    do {
        status = sw__submit(ledger, NULL, &task, err);
        sum += status == SW_STATUS_OK ? count : 0;
    } while (status == SW_STATUS_OK && count == SW_REAP_AT_ONCE);
    if (ended) {
        *ended = sum;
    }
    return status;
}
