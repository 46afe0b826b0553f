/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a delivery: due, claimed, attempted, and then delivered, due again later, or given
 * up. One indexed time says when it is due; claiming moves it past the claim, so that whoever dies
 * while attempting leaves nothing to clean up. Knows nothing of how a delivery is sent.
 */
#include "ledger/hooks.h"
#include "ledger/reading.h"

#define SECOND INT64_C(1000000)
enum { ERROR_BYTES = 1024 };

/* ---- due ---------------------------------------------------------------------------------------- */

static sw_scan due_at(const sw_value *now, sw_condition *condition)
{
    *condition = (sw_condition){SW_DELIVERY_NEXT_ATTEMPT_AT, SW_OP_LE, now, 1};
    return (sw_scan){.record = SW_RECORD_DELIVERY,
                     .conditions = condition,
                     .condition_count = 1,
                     .order = {SW_DELIVERY_NEXT_ATTEMPT_AT},
                     .order_count = 1};
}

static sw_seen see_due(void *arg, const void *row)
{
    *(sw_int *)arg = ((const sw_delivery *)row)->next_attempt_at;
    return SW_SEEN_STOP;
}

static sw_status first_due(sw_ledger *ledger, int64_t until, sw_int *due_us, sw_error *err)
{
    sw_value now = {.number = until};
    sw_condition condition;
    sw_scan scan = due_at(&now, &condition);
    sw_session *session = NULL;
    sw_scan_end end;
    sw_status status = sw__reader_take(ledger, &session, err);

    *due_us = SW_NULL_INT;
    if (status == SW_STATUS_OK) {
        scan.fields = SW_MASK(SW_DELIVERY_NEXT_ATTEMPT_AT);
        status = sw_store_scan(session, &scan, see_due, due_us, &end, err);
        sw__reader_give(ledger, session);
    }
    return status;
}

sw_status sw_delivery_next(sw_ledger *ledger, sw_int *due_us, sw_error *err)
{
    return first_due(ledger, INT64_MAX, due_us, err);
}

/* ---- changing one -------------------------------------------------------------------------------- */

#define MOVES                                                                                      \
    (SW_MASK(SW_DELIVERY_URL) | SW_MASK(SW_DELIVERY_STATE) | SW_MASK(SW_DELIVERY_ATTEMPTS) |       \
     SW_MASK(SW_DELIVERY_NEXT_ATTEMPT_AT) | SW_MASK(SW_DELIVERY_CLAIMED_UNTIL) |                   \
     SW_MASK(SW_DELIVERY_DELIVERED_AT) | SW_MASK(SW_DELIVERY_STATUS_CODE) |                        \
     SW_MASK(SW_DELIVERY_ERROR) | SW_MASK(SW_DELIVERY_FORGET_AT) |                                 \
     SW_MASK(SW_DELIVERY_UPDATED_AT))

static sw_status save(sw_group *group, sw_delivery *row, sw_error *err)
{
    row->updated_at = sw_int_of(group->now_us);
    return sw_group_must(group,
                         sw_store_update(group->session, SW_RECORD_DELIVERY, row, MOVES, err), err);
}

static void settle(const sw_group *group, sw_delivery *row, int64_t state)
{
    row->state = sw_int_of(state);
    row->next_attempt_at = row->claimed_until = SW_NULL_INT;
    row->forget_at = sw_int_of(group->now_us + SW_LIMIT_DELIVERY_KEEP_SECONDS * SECOND);
}

/* 5 s, 10 s, 20 s ... an hour, shortened by up to a quarter, which follows from the id: those that
 * failed together do not come again together. */
static int64_t distance(const sw_delivery *row)
{
    int64_t seconds = SW_LIMIT_DELIVERY_FIRST_SECONDS;
    uint64_t chance = sw_hash((uint64_t)row->attempts.value, row->id.ptr, row->id.len);

    for (int64_t i = 1; i < row->attempts.value && seconds < SW_LIMIT_DELIVERY_LONGEST_SECONDS;
         i++) {
        seconds *= 2;
    }
    if (seconds > SW_LIMIT_DELIVERY_LONGEST_SECONDS) {
        seconds = SW_LIMIT_DELIVERY_LONGEST_SECONDS;
    }
    return seconds * SECOND - (int64_t)(chance % (uint64_t)(seconds * SECOND / 4));
}

static void again_or_give_up(const sw_group *group, sw_delivery *row)
{
    int64_t next = group->now_us + distance(row);
    int64_t last = row->created_at.value + SW_LIMIT_DELIVERY_GIVE_UP_SECONDS * SECOND;

    if (next > last) {
        settle(group, row, SW_DELIVERY_STATE_FAILED);
        return;
    }
    row->next_attempt_at = sw_int_of(next);
    row->claimed_until = SW_NULL_INT;
}

/* ---- claiming ------------------------------------------------------------------------------------ */

typedef struct claim_args {
    int64_t limit;
    int64_t seconds;
    sw_arena *arena;
    sw_delivery *out;
    size_t count;
} claim_args;

/* Where it goes now: the subscription may have moved. False: it is switched off. */
static sw_status refresh(sw_group *group, sw_delivery *row, bool *on, sw_error *err)
{
    sw_subscription key = {.id = row->subscription_id};
    sw_subscription subscription;
    sw_status status = SW_STATUS_OK;

    *on = true;
    if (!row->subscription_id.ptr) {
        return SW_STATUS_OK;
    }
    status = sw_store_get(group->session, SW_RECORD_SUBSCRIPTION, &key, &group->arena,
                          &subscription, err);
    if (sw_group_must(group, status, err) == SW_STATUS_OK) {
        row->url = subscription.url;
        *on = subscription.is_active.value || row->event.value == SW_EVENT_TEST;
    }
    return status;
}

static sw_status claim_one(sw_group *group, claim_args *args, sw_delivery *row, sw_error *err)
{
    bool on = false;
    sw_status status = refresh(group, row, &on, err);

    if (status == SW_STATUS_OK && !on) {
        row->attempts =
            sw_int_of(row->attempts.value + 1); /* counted, so that it comes less often */
        again_or_give_up(group, row);
        row->attempts = sw_int_of(row->attempts.value - 1);
        row->error = SW_STR("the subscription is not active");
        return save(group, row, err);
    }
    row->claimed_until = sw_int_of(group->now_us + args->seconds * SECOND);
    row->next_attempt_at = row->claimed_until;
    if (status == SW_STATUS_OK) {
        status = save(group, row, err);
    }
    if (status == SW_STATUS_OK && !sw_row_copy(sw_record_of(SW_RECORD_DELIVERY),
                                               &args->out[args->count++], row, args->arena)) {
        status = sw_group_must(group, sw_no_memory(err), err);
    }
    return status;
}

static sw_status apply_claim(sw_group *group, sw_task *task, sw_error *err)
{
    claim_args *args = task->arg;
    sw_value now = {.number = group->now_us};
    sw_condition condition;
    sw_scan scan = due_at(&now, &condition);
    sw_rows rows;
    sw_status status = SW_STATUS_OK;
    sw_delivery *due = NULL;

    args->count = 0;
    scan.limit = args->limit;
    status = sw_group_gather(group, &scan, &rows, err);
    due = (void *)rows.rows;
    args->out = sw_arena_zeroed(args->arena, (rows.count + 1) * sizeof *args->out);
    if (status == SW_STATUS_OK && !args->out) {
        status = sw_group_must(group, sw_no_memory(err), err);
    }
    for (size_t i = 0; i < rows.count && status == SW_STATUS_OK; i++) {
        status = claim_one(group, args, &due[i], err);
    }
    return status;
}

sw_status sw_delivery_claim(sw_ledger *ledger, int64_t limit, int64_t seconds, sw_memory *memory,
                            sw_delivery **out, size_t *count, sw_error *err)
{
    claim_args args = {.limit = limit, .seconds = seconds, .arena = &memory->arena};
    sw_task task = {.apply = apply_claim, .arg = &args, .own_organization = true, .weight = 100};
    sw_int due = SW_NULL_INT;
    sw_status status = SW_STATUS_OK;

    *out = NULL;
    *count = 0;
    if (limit < 1 || limit > SW_LIMIT_DELIVERY_CLAIM || seconds < 1 ||
        seconds > SW_LIMIT_DELIVERY_CLAIM_SECONDS) {
        return sw_fail(err, SW_STATUS_INVALID, "limit", "must be 1 to %d, for 1 to %d seconds",
                       (int)SW_LIMIT_DELIVERY_CLAIM, (int)SW_LIMIT_DELIVERY_CLAIM_SECONDS);
    }
    status = first_due(ledger, ledger->clock.wall_us(ledger->clock.data), &due, err);
    if (status != SW_STATUS_OK || !due.known) {
        return status; /* nothing to write */
    }
    status = sw__submit(ledger, NULL, &task, err);
    if (status == SW_STATUS_OK) {
        *out = args.out;
        *count = args.count;
    }
    return status;
}

/* ---- reporting ----------------------------------------------------------------------------------- */

typedef struct report_args {
    sw_str id;
    const sw_attempt *attempt;
} report_args;

static sw_status get(sw_group *group, sw_str id, sw_delivery *out, sw_error *err)
{
    sw_delivery key = {.id = id};
    sw_status status = sw__check_id(SW_RECORD_DELIVERY, id, "id", err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_store_get(group->session, SW_RECORD_DELIVERY, &key, &group->arena, out, err);
    (void)sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? sw__not_found(SW_RECORD_DELIVERY, id, err) : status;
}

/* At most so much of what went wrong, cut between characters. */
static sw_str clip(sw_str text)
{
    if (text.len > ERROR_BYTES) {
        text.len = ERROR_BYTES;
        while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80) {
            text.len--;
        }
    }
    return text;
}

static sw_status keep_attempt(sw_group *group, const sw_delivery *delivery,
                              const sw_attempt *attempt, sw_error *err)
{
    sw_delivery_attempt row = {
        .id = sw__fresh_id(group, SW_RECORD_DELIVERY_ATTEMPT),
        .organization_id = delivery->organization_id,
        .delivery_id = delivery->id,
        .project_id = delivery->project_id,
        .number = delivery->attempts,
        .duration_ns = sw_int_of(attempt->duration_ns),
        .status_code = delivery->status_code,
        .error = delivery->error,
        .created_at = sw_int_of(attempt->started_at_us),
        .updated_at = sw_int_of(attempt->started_at_us),
    };

    sw_row_defaults(sw_record_of(SW_RECORD_DELIVERY_ATTEMPT), &row);
    return row.id.ptr
               ? sw_group_must(
                     group, sw_store_insert(group->session, SW_RECORD_DELIVERY_ATTEMPT, &row, err),
                     err)
               : sw_group_must(group, sw_no_memory(err), err);
}

/* The run says what became of its callback. */
static sw_status note_callback(sw_group *group, const sw_delivery *delivery,
                               const sw_attempt *attempt, sw_error *err)
{
    sw_task owner = {.organization_id = delivery->organization_id};
    sw_run run = {.id = delivery->run_id,
                  .callback_sent_at = sw_int_of(attempt->started_at_us),
                  .callback_status_code = delivery->status_code,
                  .callback_error = delivery->error,
                  .updated_at = sw_int_of(group->now_us)};
    sw_status status = SW_STATUS_OK;

    if (!delivery->run_id.ptr) {
        return SW_STATUS_OK;
    }
    status =
        sw_store_update(group->session, SW_RECORD_RUN, &run,
                        SW_MASK(SW_RUN_CALLBACK_SENT_AT) | SW_MASK(SW_RUN_CALLBACK_STATUS_CODE) |
                            SW_MASK(SW_RUN_CALLBACK_ERROR) | SW_MASK(SW_RUN_UPDATED_AT),
                        err);
    return sw_group_must(group, status, err) == SW_STATUS_OK
               ? sw_group_journal(group, &owner, SW_CHANGE_UPDATED, SW_RECORD_RUN, run.id,
                                  delivery->project_id, NULL, err)
               : status;
}

static sw_status apply_report(sw_group *group, sw_task *task, sw_error *err)
{
    const report_args *args = task->arg;
    const sw_attempt *attempt = args->attempt;
    bool arrived = attempt->status_code >= 200 && attempt->status_code <= 299;
    sw_delivery row;
    sw_status status = get(group, args->id, &row, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    row.attempts = sw_int_of(row.attempts.value + 1);
    row.status_code = attempt->status_code > 0 ? sw_int_of(attempt->status_code) : SW_NULL_INT;
    row.error = clip(attempt->error);
    if (arrived) {
        row.delivered_at = sw_int_of(group->now_us);
        settle(group, &row, SW_DELIVERY_STATE_DELIVERED);
    } else if (row.state.value == SW_DELIVERY_STATE_PENDING && attempt->permanent) {
        settle(group, &row, SW_DELIVERY_STATE_FAILED);
    } else if (row.state.value == SW_DELIVERY_STATE_PENDING) {
        again_or_give_up(group, &row);
    }
    status = save(group, &row, err);
    if (status == SW_STATUS_OK) {
        status = keep_attempt(group, &row, attempt, err);
    }
    return status == SW_STATUS_OK ? note_callback(group, &row, attempt, err) : status;
}

sw_status sw_delivery_report(sw_ledger *ledger, sw_str delivery_id, const sw_attempt *attempt,
                             sw_error *err)
{
    report_args args = {delivery_id, attempt};
    sw_task task = {.apply = apply_report, .arg = &args, .own_organization = true, .weight = 1};

    if (attempt->status_code < 0 || attempt->status_code > 999 || attempt->duration_ns < 0) {
        return sw_fail(err, SW_STATUS_INVALID, "status_code", "must be 0 to 999");
    }
    if (attempt->error.ptr &&
        (!sw_utf8_valid(attempt->error) || memchr(attempt->error.ptr, 0, attempt->error.len))) {
        return sw_fail(err, SW_STATUS_INVALID, "error", "must be text");
    }
    return sw__submit(ledger, NULL, &task, err);
}

/* ---- once more ----------------------------------------------------------------------------------- */

typedef struct again_args {
    sw_str id;
    sw_outcome *outcome;
} again_args;

static sw_status apply_again(sw_group *group, sw_task *task, sw_error *err)
{
    again_args *args = task->arg;
    sw_delivery row;
    const sw_head *head = NULL;
    sw_status status = sw_group_get(group, task, SW_RECORD_DELIVERY, args->id, &row, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    row.state = sw_int_of(SW_DELIVERY_STATE_PENDING);
    row.next_attempt_at = sw_int_of(group->now_us);
    row.claimed_until = row.forget_at = SW_NULL_INT;
    status = save(group, &row, err);
    head = status == SW_STATUS_OK ? sw_group_head(group, task->organization_id, err) : NULL;
    args->outcome->seq = head ? head->seq : 0;
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, head ? status : group->broken, err);
}

sw_status sw_delivery_again(sw_ledger *ledger, const sw_actor *actor, sw_str delivery_id,
                            sw_outcome *outcome, sw_error *err)
{
    again_args args = {delivery_id, outcome};
    sw_task task = {
        .apply = apply_again, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};
    return sw__submit(ledger, actor, &task, err);
}

/* ---- not now ------------------------------------------------------------------------------------- */

typedef struct put_off_args {
    const sw_str *ids;
    size_t count;
    int64_t seconds;
} put_off_args;

/* One that is gone, or settled meanwhile, is left as it is. */
static sw_status apply_put_off(sw_group *group, sw_task *task, sw_error *err)
{
    const put_off_args *args = task->arg;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < args->count && status == SW_STATUS_OK; i++) {
        sw_delivery row;
        status = get(group, args->ids[i], &row, err);
        if (status == SW_STATUS_OK && row.state.value == SW_DELIVERY_STATE_PENDING) {
            row.next_attempt_at = sw_int_of(group->now_us + args->seconds * SECOND);
            row.claimed_until = SW_NULL_INT;
            status = save(group, &row, err);
        }
        status = status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
    }
    return status;
}

sw_status sw_delivery_put_off(sw_ledger *ledger, const sw_str *delivery_ids, size_t count,
                              int64_t seconds, sw_error *err)
{
    put_off_args args = {delivery_ids, count, seconds};
    sw_task task = {.apply = apply_put_off, .arg = &args, .own_organization = true, .weight = 100};

    if (seconds < 1 || seconds > SW_LIMIT_DELIVERY_CLAIM_SECONDS) {
        return sw_fail(err, SW_STATUS_INVALID, "seconds", "must be 1 to %d",
                       (int)SW_LIMIT_DELIVERY_CLAIM_SECONDS);
    }
    return count == 0 ? SW_STATUS_OK : sw__submit(ledger, NULL, &task, err);
}
