/* SPDX-License-Identifier: Apache-2.0 */
/* Applying a task for its caller: the border of his project, and the key under which he may send it
 * again. */
#ifndef SW_LEDGER_RETRY_H
#define SW_LEDGER_RETRY_H

#include "ledger/internal.h"

/* Applies the task; under a key it is looked up before, and kept after. */
sw_status sw__task_apply(sw_group *group, sw_task *task, sw_error *err);
/* Applies a task that another one began: for the same caller. */
sw_status sw__task_nested(sw_group *group, sw_task *task, sw_error *err);
/* Refuses a key that cannot be one; NULL is fine. */
sw_status sw__retry_check(const sw_retry *retry, sw_error *err);
/* The call comes to its item `i`; ids made from now on follow from that. */
void sw__retry_at(sw_group *group, size_t i);
/* The next id at this place of the call. */
void sw__retry_uuid(sw_group *group, sw_record_id record, uint8_t uuid[SW_UUID]);

#endif
