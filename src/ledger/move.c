/* SPDX-License-Identifier: Apache-2.0 */
/* What may happen to a step after it was logged: its one end, late fields, feedback, renewal. Which
 * field may change when is said by its row in the model (SW_LATE, SW_ANYTIME).
 */
#include "ledger/price.h"

/* The stop reason may be set once, also after the end (V1 sets it on the last step of a run). */
#define ONCE SW_MASK(SW_STEP_STOP_REASON)

/* ---- shared ------------------------------------------------------------------------------------- */

static sw_status illegal(const sw_step *step, int64_t to, sw_error *err)
{
    return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, "status", "the step is %s and cannot become %s",
                   sw_enum_word(SW_ENUM_step_status, step->status.value),
                   sw_enum_word(SW_ENUM_step_status, to));
}

static void take_fields(sw_step *row, const sw_step *from, uint64_t mask)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);

    sw__forget_tokens(row, mask);
    for (size_t i = 0; i < record->field_count; i++) {
        if (mask & SW_MASK(i)) {
            sw_field_copy(&record->fields[i], row, from);
        }
    }
    if (mask & (SW_MASK(SW_STEP_COST_NANO_USD) | SW_MASK(SW_STEP_PRICE_ID))) {
        sw__cost_given(row);
    }
}

/* The rules of the model and of tokens on the row as it would become. */
static sw_status check_row(sw_group *group, const sw_task *task, sw_step *row, uint64_t mask,
                           sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    sw__row_nulls(SW_RECORD_STEP, row);
    status = sw__step_rules(row, err);
    if (status == SW_STATUS_OK) {
        sw_row_defaults(sw_record_of(SW_RECORD_STEP), row);
        status = sw_row_check(sw_record_of(SW_RECORD_STEP), row, "", err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_STEP, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__capture(group, row, err);
    }
    if (status == SW_STATUS_OK && (mask & SW_MASK(SW_STEP_PROVIDER_ID)) && row->provider_id.ptr) {
        status = sw_group_parent(group, SW_RECORD_PROVIDER, row->provider_id, task->organization_id,
                                 "provider_id", err);
    }
    return status;
}

/* ---- the end ------------------------------------------------------------------------------------ */

typedef struct end_args {
    sw_str id;
    const sw_step_entry *end;
    uint64_t clears; /* fields that the end sets to null */
    sw_outcome *outcome;
} end_args;

/* Which fields the end sets; refuses those it may not. */
static sw_status end_mask(const sw_step *end, uint64_t clears, uint64_t *mask, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    uint64_t given = (sw_row_mask(record, end) & ~SW_MASK(SW_STEP_ID)) | clears;
    uint64_t given_by_end = ONCE | SW_MASK(SW_STEP_STATUS);

    for (size_t i = 0; i < record->field_count; i++) {
        bool may = (record->fields[i].flags & (SW_LATE | SW_ANYTIME)) != 0;
        if (!may && (given & ~given_by_end & SW_MASK(i))) {
            return sw_fail(err, SW_STATUS_INVALID, record->fields[i].name,
                           "cannot be set when a step ends");
        }
    }
    if (!end->status.known || end->status.value == SW_STEP_STATUS_PENDING) {
        return sw_fail(err, SW_STATUS_INVALID, "status", "must be success, failed or cancelled");
    }
    *mask = given;
    return SW_STATUS_OK;
}

static sw_change change_of(int64_t status)
{
    return status == SW_STEP_STATUS_SUCCESS  ? SW_CHANGE_SUCCEEDED
           : status == SW_STEP_STATUS_FAILED ? SW_CHANGE_FAILED
                                             : SW_CHANGE_CANCELLED;
}

/* The row as the end makes it, and the parts that come with it. */
static sw_status end_prepare(sw_group *group, const sw_task *task, const end_args *args,
                             const sw_step *old, sw_step *row, sw_parts *parts, sw_error *err)
{
    uint64_t mask = 0;
    sw_status status = end_mask(&args->end->step, args->clears, &mask, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    take_fields(row, &args->end->step, mask);
    row->lease_expires_at = SW_NULL_INT;
    if (old->status.value != SW_STEP_STATUS_PENDING) {
        return sw_str_eq(old->end_digest, row->end_digest)
                   ? SW_STATUS_OK
                   : illegal(old, args->end->step.status.value, err);
    }
    status = check_row(group, task, row, mask, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    return sw__parts_prepare(group, task, row, args->end, false, parts, err);
}

/* What the end says, for promise P3. Clearing a field is content too. */
static sw_str digest_of_end(sw_group *group, const end_args *args)
{
    uint64_t given = sw_row_mask(sw_record_of(SW_RECORD_STEP), &args->end->step);

    if (args->clears) {
        sw_buf_add(&group->digest, sw_str_make((const char *)&args->clears, sizeof args->clears));
    }
    return sw__entry_digest(group, &args->end->step, given, args->end);
}

static sw_status do_end(sw_group *group, const sw_task *task, const end_args *args, sw_error *err)
{
    sw_step old;
    sw_step row;
    sw_parts parts;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->id, &old, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status == SW_STATUS_OK) {
        status = sw__not_retired(&old, err);
    }
    row = old;
    if (status == SW_STATUS_OK) {
        row.end_digest = digest_of_end(group, args);
        status = row.end_digest.ptr ? end_prepare(group, task, args, &old, &row, &parts, err)
                                    : sw_group_must(group, sw_no_memory(err), err);
    }
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    if (old.status.value != SW_STEP_STATUS_PENDING) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    status = sw_group_change_step(group, task, &old, &row, change_of(row.status.value),
                                  &args->outcome->seq, err);
    if (status == SW_STATUS_OK) {
        status = sw__parts_write(group, task, &row, &parts, err);
    }
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

static sw_status apply_end(sw_group *group, sw_task *task, sw_error *err)
{
    return do_end(group, task, task->arg, err);
}

sw_status sw_step_end(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                      const sw_step_entry *end, sw_outcome *outcome, sw_error *err)
{
    end_args args = {step_id, end, 0, outcome};
    sw_task task = {
        .apply = apply_end, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};
    return sw__submit(ledger, actor, &task, err);
}

/* ---- late fields -------------------------------------------------------------------------------- */

typedef struct update_args {
    sw_str id;
    const sw_step *values;
    uint64_t mask;
    const sw_step_entry *parts; /* what is added beside; NULL: nothing */
    sw_outcome *outcome;
} update_args;

static sw_status update_allowed(const sw_step *old, const sw_step *values, uint64_t mask,
                                sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    bool pending = old->status.value == SW_STEP_STATUS_PENDING;

    for (size_t i = 0; i < record->field_count; i++) {
        uint64_t bit = SW_MASK(i) & mask;
        bool late = (record->fields[i].flags & SW_LATE) || (bit & ONCE);
        if (!bit || (record->fields[i].flags & SW_ANYTIME) || (pending && late)) {
            continue;
        }
        if ((bit & ONCE) &&
            (!old->stop_reason.ptr || sw_str_eq(old->stop_reason, values->stop_reason))) {
            continue;
        }
        if (late) {
            return sw_fail(err, SW_STATUS_ILLEGAL_MOVE, record->fields[i].name,
                           "the step is %s; this can only be set while it is pending",
                           sw_enum_word(SW_ENUM_step_status, old->status.value));
        }
        return sw_fail(err, SW_STATUS_INVALID, record->fields[i].name, "cannot be changed");
    }
    return SW_STATUS_OK;
}

/* The row as it becomes, and the parts that come with it. */
static sw_status update_prepare(sw_group *group, const sw_task *task, const update_args *args,
                                const sw_step *old, sw_step *row, sw_parts *parts, sw_error *err)
{
    static const sw_step_entry nothing;
    sw_status status = sw__not_retired(old, err);

    if (status == SW_STATUS_OK) {
        status = update_allowed(old, args->values, args->mask, err);
    }
    if (status == SW_STATUS_OK) {
        *row = *old;
        take_fields(row, args->values, args->mask);
        status = check_row(group, task, row, args->mask, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__parts_prepare(group, task, row, args->parts ? args->parts : &nothing, false,
                                   parts, err);
    }
    return status;
}

static sw_status do_update(sw_group *group, const sw_task *task, const update_args *args,
                           sw_error *err)
{
    bool people = (args->mask & ~(SW_MASK(SW_STEP_FEEDBACK) | SW_MASK(SW_STEP_TAGS))) == 0;
    sw_change what = people ? SW_CHANGE_FEEDBACK : SW_CHANGE_UPDATED;
    sw_step old;
    sw_step row;
    sw_parts parts;
    bool adds = false;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->id, &old, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status == SW_STATUS_OK) {
        status = update_prepare(group, task, args, &old, &row, &parts, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    adds = sw__parts_new(&parts);
    if (!sw__step_differs(&old, &row)) {
        if (!adds) {
            return sw__unchanged(group, task, args->outcome, err);
        }
    } else {
        status = sw_group_change_step(group, task, &old, &row, what, &args->outcome->seq, err);
    }
    if (status == SW_STATUS_OK && adds) {
        status = sw__parts_write(group, task, &row, &parts, err);
    }
    if (status == SW_STATUS_OK && adds) {
        status = sw__parts_tell(group, task, &row, &parts, args->outcome, err);
    }
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

static sw_status apply_update(sw_group *group, sw_task *task, sw_error *err)
{
    return do_update(group, task, task->arg, err);
}

sw_status sw_step_update(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                         const sw_step *values, uint64_t mask, sw_outcome *outcome, sw_error *err)
{
    update_args args = {step_id, values, mask, NULL, outcome};
    sw_task task = {
        .apply = apply_update, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};
    return sw__submit(ledger, actor, &task, err);
}

/* ---- whichever of the two is meant -------------------------------------------------------------- */

typedef struct patch_args {
    sw_str id;
    const sw_step_entry *values;
    uint64_t mask;
    sw_outcome *outcome;
} patch_args;

/* The end with what the mask names and nothing else. */
static sw_status patch_ends(sw_group *group, const sw_task *task, const patch_args *args,
                            uint64_t mask, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);
    sw_step_entry end = *args->values;
    end_args to = {args->id, &end, 0, args->outcome};

    for (size_t i = 0; i < record->field_count; i++) {
        if (!(mask & SW_MASK(i))) {
            sw_field_clear(&record->fields[i], &end.step);
        }
    }
    to.clears = mask & ~sw_row_mask(record, &end.step);
    return do_end(group, task, &to, err);
}

/* The id can be said again, and that a step is pending while it is true. */
static sw_status patch_repeats(sw_group *group, const sw_task *task, const patch_args *args,
                               sw_error *err)
{
    const sw_step *step = &args->values->step;
    sw_step old;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->id, &old, err);

    if (status == SW_STATUS_OK && (args->mask & SW_MASK(SW_STEP_ID)) &&
        !sw_str_eq(step->id, args->id)) {
        status = sw_fail(err, SW_STATUS_INVALID, "id", "is not the step's id, which never changes");
    }
    if (status == SW_STATUS_OK && (args->mask & SW_MASK(SW_STEP_STATUS)) && step->status.known &&
        step->status.value == SW_STEP_STATUS_PENDING &&
        old.status.value != SW_STEP_STATUS_PENDING) {
        status = illegal(&old, SW_STEP_STATUS_PENDING, err);
    }
    if (status == SW_STATUS_OK) {
        return status;
    }
    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    return sw__refused(args->outcome, status, err);
}

static sw_status apply_patch(sw_group *group, sw_task *task, sw_error *err)
{
    const uint64_t said = SW_MASK(SW_STEP_ID) | SW_MASK(SW_STEP_STATUS);
    const patch_args *args = task->arg;
    const sw_step *step = &args->values->step;
    update_args update = {args->id, step, args->mask & ~said, args->values, args->outcome};
    bool ends = (args->mask & SW_MASK(SW_STEP_STATUS)) &&
                !(step->status.known && step->status.value == SW_STEP_STATUS_PENDING);
    sw_status status = args->mask & said ? patch_repeats(group, task, args, err) : SW_STATUS_OK;

    if (status != SW_STATUS_OK) {
        return status;
    }
    return ends ? patch_ends(group, task, args, args->mask & ~SW_MASK(SW_STEP_ID), err)
                : do_update(group, task, &update, err);
}

sw_status sw_step_patch(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                        const sw_step_entry *values, uint64_t mask, sw_outcome *outcome,
                        sw_error *err)
{
    patch_args args = {step_id, values, mask, outcome};
    sw_task task = {.apply = apply_patch,
                    .outcomes = outcome,
                    .outcome_count = 1,
                    .arg = &args,
                    .weight = 1 + values->message_count + values->trace_count};

    if (values->lease_seconds) {
        return sw__refuse_one(outcome, err, SW_STATUS_INVALID, "lease_seconds",
                              "is not changed along with fields; renew the lease instead");
    }
    return sw__submit(ledger, actor, &task, err);
}

/* ---- renewal ------------------------------------------------------------------------------------ */

typedef struct renew_args {
    sw_str id;
    int64_t seconds;
    sw_outcome *outcome;
} renew_args;

static sw_status apply_renew(sw_group *group, sw_task *task, sw_error *err)
{
    renew_args *args = task->arg;
    sw_step row;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->id, &row, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status == SW_STATUS_OK) {
        status = sw__not_retired(&row, err);
    }
    if (status == SW_STATUS_OK && row.status.value != SW_STEP_STATUS_PENDING) {
        status = sw_fail(err, SW_STATUS_ILLEGAL_MOVE, "status",
                         "the step is %s; only a pending step has a lease to renew",
                         sw_enum_word(SW_ENUM_step_status, row.status.value));
    }
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    row.lease_expires_at = sw_int_of(group->lease_us + args->seconds * 1000000);
    status = sw_store_update(group->session, SW_RECORD_STEP, &row,
                             SW_MASK(SW_STEP_LEASE_EXPIRES_AT), err);
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, sw_group_must(group, status, err), err);
}

sw_status sw_step_renew(sw_ledger *ledger, const sw_actor *actor, sw_str step_id, int64_t seconds,
                        sw_outcome *outcome, sw_error *err)
{
    renew_args args = {step_id, seconds ? seconds : SW_LIMIT_LEASE_SECONDS_DEFAULT, outcome};
    sw_task task = {
        .apply = apply_renew, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};

    if (args.seconds < 1 || args.seconds > SW_LIMIT_LEASE_SECONDS) {
        return sw__refuse_one(outcome, err, SW_STATUS_INVALID, "seconds", "must be 1 to 86400");
    }
    return sw__submit(ledger, actor, &task, err);
}
