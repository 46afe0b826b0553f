/* SPDX-License-Identifier: Apache-2.0 */
/* Upkeep: keys of repeated calls that have expired and deliveries that were settled long ago are
 * removed, and the last uses of API keys are written. In idle moments, a bounded number at a time,
 * found by an index that holds nothing when there is nothing to do.
 */
#include "ledger/upkeep.h"
#include "ledger/keys.h"

/* Records that go when the time in this field has passed. */
static const struct {
    sw_record_id record;
    uint8_t field;
} expiring[] = {{SW_RECORD_IDEMPOTENCY_KEY, SW_IDEMPOTENCY_KEY_EXPIRES_AT},
                {SW_RECORD_DELIVERY, SW_DELIVERY_FORGET_AT}};

static sw_scan expired(size_t i, const sw_value *now, sw_condition *condition)
{
    *condition = (sw_condition){expiring[i].field, SW_OP_LE, now, 1};
    return (sw_scan){.record = expiring[i].record,
                     .conditions = condition,
                     .condition_count = 1,
                     .order = {expiring[i].field},
                     .order_count = 1};
}

sw_status sw__upkeep_due(sw_ledger *ledger, bool *due, sw_error *err)
{
    sw_value now = {.number = ledger->clock.wall_us(ledger->clock.data)};
    sw_status status = SW_STATUS_OK;

    *due = sw__keys_used_due(ledger);
    for (size_t i = 0; i < SW_COUNT(expiring) && status == SW_STATUS_OK && !*due; i++) {
        sw_condition condition;
        sw_scan scan = expired(i, &now, &condition);
        scan.fields = SW_MASK(expiring[i].field);
        status = sw__first(ledger->write_session, &scan, NULL, NULL, due, err);
    }
    return status;
}

static sw_status remove_expired(sw_group *group, size_t i, bool *more, sw_error *err)
{
    const sw_record *record = sw_record_of(expiring[i].record);
    sw_value now = {.number = group->now_us};
    sw_condition condition;
    sw_scan scan = expired(i, &now, &condition);
    sw_rows rows;
    sw_status status = SW_STATUS_OK;

    scan.limit = SW_UPKEEP_AT_ONCE;
    status = sw_group_gather(group, &scan, &rows, err);
    for (size_t k = 0; k < rows.count && status == SW_STATUS_OK; k++) {
        status = sw_group_must(
            group,
            sw_store_remove(group->session, expiring[i].record, rows.rows + k * record->size, err),
            err);
    }
    *more = *more || rows.count == SW_UPKEEP_AT_ONCE;
    return status;
}

sw_status sw__upkeep(sw_group *group, sw_task *task, sw_error *err)
{
    bool *more = task->arg;
    sw_status status = SW_STATUS_OK;

    *more = false;
    for (size_t i = 0; i < SW_COUNT(expiring) && status == SW_STATUS_OK; i++) {
        status = remove_expired(group, i, more, err);
    }
    return status == SW_STATUS_OK ? sw__keys_used_write(group, err) : status;
}

sw_status sw__ledger_tend(sw_ledger *ledger, sw_error *err)
{
    bool more = false;
    sw_task task = {
        .apply = sw__upkeep, .arg = &more, .own_organization = true, .weight = SW_UPKEEP_AT_ONCE};
    sw_status status = SW_STATUS_OK;

    do {
        status = sw__submit(ledger, NULL, &task, err);
    } while (status == SW_STATUS_OK && more);
    return status;
}
