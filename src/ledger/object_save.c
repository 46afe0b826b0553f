/* SPDX-License-Identifier: Apache-2.0 */
/* Saving what was set in a record's relations, by the declared cascades: rows that are new are created
 * by the verbs of their record, rows that are gone are deleted where the relation says delete-orphan.
 */
#include "ledger/object.h"

/* ---- replacing metrics --------------------------------------------------------------------------- */

typedef struct replace_args {
    sw_str id;
    const sw_step_metrics *metrics;
    sw_outcome *outcome;
} replace_args;

/* What is there now; *there says whether anything is. */
static sw_status get_old(sw_group *group, const sw_step *step, sw_step_metrics *old, bool *there,
                         sw_error *err)
{
    sw_step_metrics key = {.id = step->id};
    sw_status status =
        sw_store_get(group->session, SW_RECORD_STEP_METRICS, &key, &group->arena, old, err);

    sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    *there = status == SW_STATUS_OK;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* Whether the new row says what the old one says; when it was written and by whom is no matter. */
static bool says_the_same(const sw_step_metrics *old, const sw_step_metrics *row)
{
    sw_step_metrics as_written = *row;

    as_written.created_at = old->created_at;
    as_written.updated_at = old->updated_at;
    as_written.created_by_id = old->created_by_id;
    as_written.last_updated_by_id = old->last_updated_by_id;
    return sw_row_equal(sw_record_of(SW_RECORD_STEP_METRICS), old, &as_written);
}

static sw_status write_replace(sw_group *group, const sw_task *task, const sw_step *step,
                               const sw_step_metrics *old, sw_parts *parts, sw_outcome *outcome,
                               sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    if (old) {
        status = sw_group_time(group, step, old, -1, err);
    }
    if (status == SW_STATUS_OK && old) {
        status = sw_group_must(
            group, sw_store_remove(group->session, SW_RECORD_STEP_METRICS, old, err), err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__parts_write(group, task, step, parts, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_METRICS, SW_RECORD_STEP, step->id,
                                  step->project_id, &outcome->seq, err);
    }
    return sw__verdict(outcome, SW_VERDICT_UPDATED, status, err);
}

/* The new row is checked before the old one goes. */
static sw_status apply_replace(sw_group *group, sw_task *task, sw_error *err)
{
    replace_args *args = task->arg;
    sw_step_entry entry = {.metrics = args->metrics};
    sw_step_metrics old;
    bool there = false;
    sw_parts parts;
    sw_step step;
    sw_status status = sw_group_get(group, task, SW_RECORD_STEP, args->id, &step, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status == SW_STATUS_OK) {
        status = sw__parts_prepare(group, task, &step, &entry, true, &parts, err);
    }
    if (status == SW_STATUS_OK) {
        status = get_old(group, &step, &old, &there, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__verdict(args->outcome, SW_VERDICT_REJECTED, status, err);
    }
    if (args->metrics ? there && says_the_same(&old, parts.metrics) : !there) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    return write_replace(group, task, &step, there ? &old : NULL, &parts, args->outcome, err);
}

sw_status sw__metrics_replace(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                              const sw_step_metrics *metrics, sw_outcome *outcome, sw_error *err)
{
    replace_args args = {step_id, metrics, outcome};
    sw_task task = {
        .apply = apply_replace, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 2};
    return sw__submit(ledger, actor, &task, err);
}

/* ---- creating and deleting, by record ------------------------------------------------------------ */

static sw_str own_id(const sw_object *object)
{
    return sw_field_text(&object->record->fields[sw_record_primary(object->record)], object->row);
}

static sw_str row_id(sw_record_id record, const void *row)
{
    const sw_record *r = sw_record_of(record);
    return sw_field_text(&r->fields[sw_record_primary(r)], row);
}

static sw_status create(sw_object *object, const sw_relation *relation, const void *row,
                        sw_outcome *outcome, sw_error *err)
{
    const sw_record *r = sw_record_of((sw_record_id)relation->record);
    void *linked = sw_arena_zeroed(&object->arena, r->size);
    sw_str *link = NULL;

    if (!linked) {
        return sw_no_memory(err);
    }
    memcpy(linked, row, r->size);
    link = sw_field_str(&r->fields[relation->via], linked);
    *link = own_id(object);
    switch ((sw_record_id)relation->record) {
    case SW_RECORD_MESSAGE:
        return sw_step_attach(object->ledger, &object->actor, own_id(object), linked, 1, NULL, 0,
                              outcome, err);
    case SW_RECORD_STEP: {
        sw_step_entry entry = {.step = *(const sw_step *)linked};
        return sw_step_log(object->ledger, &object->actor, &entry, 1, false, outcome, err);
    }
    case SW_RECORD_RUN:
        return sw_run_create(object->ledger, &object->actor, linked, outcome, err);
    case SW_RECORD_PROVIDER_MODEL:
        return sw_record_create(object->ledger, &object->actor, SW_RECORD_PROVIDER_MODEL, linked,
                                outcome, err);
    default:
        return sw_fail(err, SW_STATUS_UNSUPPORTED, relation->name, "is kept by the ledger itself");
    }
}

static sw_status delete_orphan(sw_object *object, const sw_relation *relation, const void *row,
                               sw_outcome *outcome, sw_error *err)
{
    sw_record_id record = (sw_record_id)relation->record;

    return record == SW_RECORD_RUN
               ? sw_run_delete(object->ledger, &object->actor, row_id(record, row), outcome, err)
               : sw_record_delete(object->ledger, &object->actor, record, row_id(record, row),
                                  outcome, err);
}

static bool has_id(sw_record_id record, const void *const *rows, size_t count, sw_str id)
{
    for (size_t i = 0; i < count; i++) {
        if (sw_str_eq(row_id(record, rows[i]), id)) {
            return true;
        }
    }
    return false;
}

/* One of the calls that make up the save: the whole is unchanged only when each of them is. */
static void add_outcome(sw_outcome *whole, const sw_outcome *one)
{
    bool changed = whole->verdict != SW_VERDICT_UNCHANGED || one->verdict != SW_VERDICT_UNCHANGED;
    int64_t seq = one->seq > whole->seq ? one->seq : whole->seq;

    *whole = *one;
    whole->seq = seq;
    if (one->status == SW_STATUS_OK) {
        whole->verdict = changed ? SW_VERDICT_UPDATED : SW_VERDICT_UNCHANGED;
    }
}

static sw_status save_relation(sw_object *object, size_t i, sw_outcome *whole, sw_error *err)
{
    const sw_relation *relation = &object->record->relations[i];
    sw_record_id record = (sw_record_id)relation->record;
    sw_related *related = &object->related[i];
    sw_outcome one = {.verdict = SW_VERDICT_UNCHANGED};
    sw_status status = SW_STATUS_OK;

    if (record == SW_RECORD_STEP_METRICS) {
        status = sw__metrics_replace(object->ledger, &object->actor, own_id(object),
                                     related->count ? related->rows[0] : NULL, &one, err);
        add_outcome(whole, &one);
        return status;
    }
    for (size_t k = 0; k < related->count && status == SW_STATUS_OK; k++) {
        sw_str id = row_id(record, related->rows[k]);
        if (!id.ptr || !has_id(record, related->old, related->old_count, id)) {
            status = create(object, relation, related->rows[k], &one, err);
            add_outcome(whole, &one);
        }
    }
    for (size_t k = 0; k < related->old_count && status == SW_STATUS_OK; k++) {
        sw_str id = row_id(record, related->old[k]);
        if ((relation->cascade & SW_CASCADE_ORPHAN) &&
            !has_id(record, related->rows, related->count, id)) {
            status = delete_orphan(object, relation, related->old[k], &one, err);
            add_outcome(whole, &one);
        }
    }
    return status;
}

/* The whole save is one task, alone in its group: what it calls is applied inside it, and one refusal
 * undoes all. */
typedef struct save_args {
    sw_object *object;
    sw_outcome *outcome;
} save_args;

static sw_status apply_save(sw_group *group, sw_task *task, sw_error *err)
{
    save_args *args = task->arg;
    sw_object *object = args->object;
    sw_status status = SW_STATUS_OK;

    sw__outcome_reset(args->outcome);
    args->outcome->verdict = SW_VERDICT_UNCHANGED;
    group->ledger->nested = group;
    for (size_t i = 0; i < object->record->relation_count && status == SW_STATUS_OK; i++) {
        if (object->related[i].set) {
            status = save_relation(object, i, args->outcome, err);
        }
    }
    group->ledger->nested = NULL;
    if (status == SW_STATUS_OK && args->outcome->verdict == SW_VERDICT_UNCHANGED) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    return status == args->outcome->status
               ? status
               : sw__verdict(args->outcome, SW_VERDICT_REJECTED, status, err);
}

static sw_status fetch_again(sw_object *object, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < object->record->relation_count && status == SW_STATUS_OK; i++) {
        sw_related *related = &object->related[i];
        if (related->set) {
            memset(related, 0, sizeof *related);
            status = sw__object_fetch(object, i, err);
        }
    }
    return status;
}

sw_status sw_object_save(sw_object *object, sw_outcome *outcome, sw_error *err)
{
    save_args args = {object, outcome};
    sw_task task = {.apply = apply_save,
                    .arg = &args,
                    .outcomes = outcome,
                    .outcome_count = 1,
                    .weight = 10,
                    .alone = true};
    bool any = false;
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < object->record->relation_count; i++) {
        any = any || object->related[i].set;
    }
    if (any) {
        status = sw__submit(object->ledger, &object->actor, &task, err);
    } else {
        sw__outcome_reset(outcome);
        outcome->verdict = SW_VERDICT_UNCHANGED;
    }
    sw__outcome_id(outcome, own_id(object));
    return status == SW_STATUS_OK && any ? fetch_again(object, err) : status;
}
