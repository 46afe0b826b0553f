/* SPDX-License-Identifier: Apache-2.0 */
/* From a change to what is to be told of it. Deliveries are rows, written in the transaction of the
 * change itself, so that no crash loses one or makes two. The writer remembers the subscriptions
 * and reads them again when somebody else may have changed them; where there are none, a change
 * costs one look.
 *
 * A change is one delivery to each subscription, under the most exact of its names that was asked
 * for.
 */
#include "ledger/hooks.h"

enum { NAMES = 3 };
#define BIT(EVENT) (UINT32_C(1) << (EVENT))

/* ---- what is remembered -------------------------------------------------------------------------- */

uint32_t sw__events_of(sw_str words)
{
    uint32_t events = 0;

    for (size_t i = 0; i < sw__enums[SW_ENUM_event].count; i++) {
        if (words.ptr && sw_tags_have(words, sw_str_from(sw__enums[SW_ENUM_event].words[i]))) {
            events |= BIT(i);
        }
    }
    return events ? events : UINT32_MAX;
}

typedef struct loading {
    sw_group *group;
    bool no_memory;
} loading;

static sw_seen keep(void *arg, const void *row)
{
    loading *l = arg;
    sw_group *group = l->group;
    const sw_subscription *s = row;
    bool everybody = s->kind.value == SW_SUBSCRIPTION_KIND_STEP_WEBHOOK;
    sw_arena *arena = &group->hook_arena;

    group->hooks[group->hook_count++] =
        (sw_hook){.id = sw_arena_str(arena, s->id),
                  .organization_id = sw_arena_str(arena, s->organization_id),
                  .project_id = sw_arena_str(arena, s->project_id),
                  .url = sw_arena_str(arena, s->url),
                  .events = everybody ? BIT(SW_EVENT_STEP_COMPLETED) : sw__events_of(s->events),
                  .everybody = everybody};
    l->no_memory = arena->failed;
    return l->no_memory ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

static sw_status load(sw_group *group, sw_error *err)
{
    sw_value yes = {.number = 1};
    sw_condition active = {SW_SUBSCRIPTION_IS_ACTIVE, SW_OP_EQ, &yes, 1};
    sw_scan scan = {.record = SW_RECORD_SUBSCRIPTION,
                    .conditions = &active,
                    .condition_count = 1,
                    .limit = SW_LIMIT_SUBSCRIPTIONS};
    loading l = {.group = group};
    sw_scan_end end;
    sw_status status = SW_STATUS_OK;

    if (group->hooks_loaded) {
        return SW_STATUS_OK;
    }
    sw_arena_reset(&group->hook_arena);
    group->hook_count = 0;
    group->hooks =
        sw_arena_zeroed(&group->hook_arena, SW_LIMIT_SUBSCRIPTIONS * sizeof *group->hooks);
    status = group->hooks ? sw_store_scan(group->session, &scan, keep, &l, &end, err)
                          : sw_no_memory(err);
    if (status == SW_STATUS_OK && l.no_memory) {
        status = sw_no_memory(err);
    }
    if (status == SW_STATUS_OK && group->hook_count == 0) {
        sw_arena_reset(&group->hook_arena);
        group->hooks = NULL;
    }
    group->hooks_loaded = status == SW_STATUS_OK;
    return sw_group_must(group, status, err);
}

/* ---- what is told -------------------------------------------------------------------------------- */

sw_status sw__deliver(sw_group *group, sw_delivery *row, sw_error *err)
{
    row->id = sw__fresh_id(group, SW_RECORD_DELIVERY);
    row->created_at = row->updated_at = row->next_attempt_at = sw_int_of(group->now_us);
    sw_row_defaults(sw_record_of(SW_RECORD_DELIVERY), row);
    if (!row->id.ptr) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    return sw_group_must(group, sw_store_insert(group->session, SW_RECORD_DELIVERY, row, err), err);
}

/* The names of an event, the most exact first; -1 ends them. */
static void names_of(int event, int names[NAMES])
{
    size_t n = 0;

    names[n++] = event;
    if (event == SW_EVENT_STEP_ABANDONED) {
        names[n++] = SW_EVENT_STEP_FAILED;
    }
    if (event <= SW_EVENT_STEP_ABANDONED) {
        names[n++] = SW_EVENT_STEP_COMPLETED;
    }
    while (n < NAMES) {
        names[n++] = -1;
    }
}

static bool concerns(const sw_hook *hook, const sw_journal *entry)
{
    return hook->everybody ||
           (sw_str_eq(hook->organization_id, entry->organization_id) &&
            (!hook->project_id.ptr || sw_str_eq(hook->project_id, entry->project_id)));
}

/* What the operator is told belongs to his own organization: no other can see it. */
static sw_status tell_one(sw_group *group, const sw_hook *hook, const sw_journal *entry, int event,
                          sw_error *err)
{
    sw_delivery row = {.organization_id = hook->organization_id,
                       .subscription_id = hook->id,
                       .event = sw_int_of(event),
                       .record = entry->record,
                       .record_id = entry->record_id,
                       .project_id = hook->everybody ? SW_NULL_STR : entry->project_id,
                       .seq = hook->everybody ? SW_NULL_INT : entry->seq,
                       .url = hook->url};

    return sw__deliver(group, &row, err);
}

static sw_status tell(sw_group *group, const sw_journal *entry, int event, sw_error *err)
{
    sw_status status = load(group, err);
    int names[NAMES];

    names_of(event, names);
    for (size_t i = 0; i < group->hook_count && status == SW_STATUS_OK; i++) {
        const sw_hook *hook = &group->hooks[i];
        if (!concerns(hook, entry)) {
            continue;
        }
        for (size_t n = 0; n < NAMES && names[n] >= 0; n++) {
            if (hook->events & BIT(names[n])) {
                status = tell_one(group, hook, entry, names[n], err);
                break;
            }
        }
    }
    return status;
}

/* ---- from what happened to its event ------------------------------------------------------------- */

static int event_of_run(int64_t change)
{
    return change == SW_CHANGE_COMPLETED   ? SW_EVENT_RUN_COMPLETED
           : change == SW_CHANGE_FAILED    ? SW_EVENT_RUN_FAILED
           : change == SW_CHANGE_CANCELLED ? SW_EVENT_RUN_CANCELLED
                                           : -1;
}

/* Restating fires nothing (promise P4). */
static int event_of_step(int64_t change)
{
    return change == SW_CHANGE_SUCCEEDED   ? SW_EVENT_STEP_SUCCESS
           : change == SW_CHANGE_FAILED    ? SW_EVENT_STEP_FAILED
           : change == SW_CHANGE_CANCELLED ? SW_EVENT_STEP_CANCELLED
           : change == SW_CHANGE_ABANDONED ? SW_EVENT_STEP_ABANDONED
           : change == SW_CHANGE_FEEDBACK  ? SW_EVENT_STEP_FEEDBACK
                                           : -1;
}

sw_status sw__hook_entry(sw_group *group, const sw_journal *entry, sw_error *err)
{
    int event = -1;

    if (entry->record.value == SW_RECORD_SUBSCRIPTION) {
        group->hooks_loaded = false; /* read again when the next one is told */
    } else if (entry->record.value == SW_RECORD_STEP) {
        event = event_of_step(entry->what.value);
    } else if (entry->record.value == SW_RECORD_RUN) {
        event = event_of_run(entry->what.value);
    }
    return event >= 0 ? tell(group, entry, event, err) : SW_STATUS_OK;
}

/* The journal's newest entry is the one of the creation. */
static sw_status tell_created(sw_group *group, const sw_task *task, sw_journal *entry, int event,
                              sw_error *err)
{
    const sw_head *head = sw_group_head(group, task->organization_id, err);

    if (!head) {
        return group->broken;
    }
    entry->organization_id = task->organization_id;
    entry->seq = sw_int_of(head->seq);
    return tell(group, entry, event, err);
}

sw_status sw__hook_created(sw_group *group, const sw_task *task, const sw_step *step, sw_error *err)
{
    static const int events[] = {-1, SW_EVENT_STEP_SUCCESS, SW_EVENT_STEP_FAILED,
                                 SW_EVENT_STEP_CANCELLED};
    sw_journal entry = {
        .record = sw_int_of(SW_RECORD_STEP), .record_id = step->id, .project_id = step->project_id};

    if (step->status.value == SW_STEP_STATUS_PENDING || step->source.value == SW_SOURCE_ADOPTED) {
        return SW_STATUS_OK;
    }
    return tell_created(group, task, &entry, events[step->status.value], err);
}

static int event_of_status(int64_t run_status)
{
    return run_status == SW_RUN_STATUS_COMPLETED   ? SW_EVENT_RUN_COMPLETED
           : run_status == SW_RUN_STATUS_FAILED    ? SW_EVENT_RUN_FAILED
           : run_status == SW_RUN_STATUS_CANCELLED ? SW_EVENT_RUN_CANCELLED
                                                   : -1;
}

sw_status sw__hook_run_created(sw_group *group, const sw_task *task, const sw_run *run,
                               sw_error *err)
{
    sw_journal entry = {
        .record = sw_int_of(SW_RECORD_RUN), .record_id = run->id, .project_id = run->project_id};
    int event = event_of_status(run->status.value);

    if (event < 0 || run->source.value == SW_SOURCE_ADOPTED) {
        return SW_STATUS_OK;
    }
    return tell_created(group, task, &entry, event, err);
}

sw_status sw__hook_callback(sw_group *group, const sw_task *task, const sw_run *run, int64_t seq,
                            sw_error *err)
{
    sw_delivery row = {.organization_id = task->organization_id,
                       .run_id = run->id,
                       .event = sw_int_of(event_of_status(run->status.value)),
                       .record = sw_int_of(SW_RECORD_RUN),
                       .record_id = run->id,
                       .project_id = run->project_id,
                       .seq = sw_int_of(seq),
                       .url = run->callback_url};

    return sw__deliver(group, &row, err);
}
