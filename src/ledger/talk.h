/* SPDX-License-Identifier: Apache-2.0 */
/* What is said around the steps of a batch (talk.c): messages, traces, and what each step was sent. */
#ifndef SW_LEDGER_TALK_H
#define SW_LEDGER_TALK_H

#include "ledger/telemetry_inside.h"

/* In the caller's thread: checks and digests all that is said. */
sw_status sw__talk_prepare(const sw_ledger *ledger, const sw_actor *actor, sw_telemetry *t,
                           sw_error *err) SW_MUST_CHECK;
/* Before the steps are written: what of it is known; marks the steps whose history was rewritten. */
sw_status sw__talk_resolve(sw_group *group, const sw_task *task, sw_telemetry *t,
                           sw_error *err) SW_MUST_CHECK;
/* After: writes what is new. */
sw_status sw__talk_write(sw_group *group, const sw_task *task, sw_telemetry *t,
                         sw_error *err) SW_MUST_CHECK;
/* A step was folded into another: what it made is shown as the survivor's, unless it is shown already. */
sw_status sw__talk_fold(sw_group *group, const sw_task *task, const sw_step *old,
                        const sw_step *survivor, sw_error *err) SW_MUST_CHECK;

#endif
