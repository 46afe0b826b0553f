/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer does beside its work (upkeep.c). */
#ifndef SW_LEDGER_UPKEEP_H
#define SW_LEDGER_UPKEEP_H

#include "ledger/internal.h"

/* Rows that one group removes at the most. */
enum { SW_UPKEEP_AT_ONCE = 500 };
/* Whether there is anything to do; on the writer's own session. */
sw_status sw__upkeep_due(sw_ledger *ledger, bool *due, sw_error *err);
/* Does it inside a group; task->arg is a bool that says whether more is left. */
sw_status sw__upkeep(sw_group *group, sw_task *task, sw_error *err);

#endif
