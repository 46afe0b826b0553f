/* SPDX-License-Identifier: Apache-2.0 */
/* Telling subscriptions of a change, in its own group (hooks.c), and what may be subscribed to
 * (subscribe.c). */
#ifndef SW_LEDGER_HOOKS_H
#define SW_LEDGER_HOOKS_H

#include "ledger/internal.h"

/* A subscription, as the writer remembers it. */
typedef struct sw_hook {
    sw_str id;
    sw_str organization_id;
    sw_str project_id; /* null: all */
    sw_str url;
    uint32_t events; /* a bit each */
    bool everybody;  /* the operator's: told of every organization */
} sw_hook;

/* Nobody subscribes to anything: the usual case, and it costs this look. */
static inline bool sw__hooks_idle(const sw_group *group)
{
    return group->hooks_loaded && group->hook_count == 0;
}

/* Whoever subscribed to what this entry of the journal says gets a delivery. */
sw_status sw__hook_entry(sw_group *group, const sw_journal *entry, sw_error *err);
static inline sw_status sw__hook_change(sw_group *group, const sw_journal *entry, sw_error *err)
{
    bool may_matter = !sw__hooks_idle(group) || entry->record.value == SW_RECORD_SUBSCRIPTION;
    return may_matter ? sw__hook_entry(group, entry, err) : SW_STATUS_OK;
}

/* A step or run that had ended when it was recorded; what was adopted from elsewhere tells nobody.
 * */
sw_status sw__hook_created(sw_group *group, const sw_task *task, const sw_step *step,
                           sw_error *err);
sw_status sw__hook_run_created(sw_group *group, const sw_task *task, const sw_run *run,
                               sw_error *err);
/* The run's own callback, when it ends. */
sw_status sw__hook_callback(sw_group *group, const sw_task *task, const sw_run *run, int64_t seq,
                            sw_error *err);
/* A delivery that is due now; fills id, state and times of the row. */
sw_status sw__deliver(sw_group *group, sw_delivery *row, sw_error *err);

/* Refuses a subscription that cannot be told anything. */
sw_status sw__subscription_rules(sw_group *group, const sw_subscription *row, bool is_new,
                                 sw_error *err);
/* The events of a list of words, a bit each; an empty list is all of them. */
uint32_t sw__events_of(sw_str words);
/* The token of the operator's webhook; NULL: none. It is never written down. */
void sw__bearer_set(sw_ledger *ledger, char *text);

#define SW__OPERATORS_SUBSCRIPTION "sub-00000000-0000-4000-8000-000000000000"

#endif
