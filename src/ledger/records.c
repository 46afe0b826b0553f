/* SPDX-License-Identifier: Apache-2.0 */
/* Organizations, users, providers, models, projects, agents, conversations, subscriptions, saved views. One
 * set of verbs walks their declarations; what is special about one of them (the trail an agent leaves in
 * the histograms) is named here and nowhere else; what they keep sealed is secrets.c.
 */
#include "ledger/adopt_inside.h"
#include "ledger/border.h"
#include "ledger/hooks.h"
#include "ledger/price.h"
#include "ledger/secrets.h"

typedef struct record_args {
    sw_record_id record;
    sw_str id;
    const void *row;
    uint64_t mask;
    sw_outcome *outcome;
} record_args;

static bool handled(sw_record_id record)
{
    return record == SW_RECORD_ORGANIZATION || record == SW_RECORD_USER ||
           record == SW_RECORD_PROVIDER || record == SW_RECORD_PROVIDER_MODEL ||
           record == SW_RECORD_PROJECT || record == SW_RECORD_AGENT ||
           record == SW_RECORD_CONVERSATION || record == SW_RECORD_SUBSCRIPTION ||
           record == SW_RECORD_SAVED_VIEW || record == SW_RECORD_PRICE;
}

static sw_status not_handled(sw_outcome *outcome, sw_error *err)
{
    return sw__refuse_one(outcome, err, SW_STATUS_UNSUPPORTED, "record",
                          "this record has verbs of its own");
}

static int owner_field(sw_record_id record)
{
    return record == SW_RECORD_ORGANIZATION
               ? -1
               : sw_record_field(sw_record_of(record), SW_STR("organization_id"));
}

static sw_str *text_of(sw_record_id record, void *row, const char *name)
{
    const sw_record *r = sw_record_of(record);
    int field = sw_record_field(r, sw_str_from(name));

    sw_assert(field >= 0);
    return sw_field_str(&r->fields[field], row);
}

static sw_int *number_of(sw_record_id record, void *row, const char *name)
{
    const sw_record *r = sw_record_of(record);
    int field = sw_record_field(r, sw_str_from(name));

    sw_assert(field >= 0);
    return sw_field_int(&r->fields[field], row);
}

/* ---- create ------------------------------------------------------------------------------------- */

/* Every declared reference must lead to a record the organization may use. */
static sw_status check_parents(sw_group *group, const sw_task *task, sw_record_id record,
                               const void *row, sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    int owner = owner_field(record);

    for (size_t i = 0; i < r->field_count; i++) {
        const sw_field *field = &r->fields[i];
        sw_str id = SW_NULL_STR;
        sw_status status = SW_STATUS_OK;
        if (!field->ref.record_plus_1 || (field->flags & SW_PRIMARY)) {
            continue;
        }
        id = sw_field_text(field, row);
        if (!id.ptr) {
            continue;
        }
        if ((int)i == owner && !sw_str_eq(id, task->organization_id)) {
            return sw_fail(err, SW_STATUS_INVALID, field->name,
                           "is not the organization that calls");
        }
        status = sw_group_parent(group, (sw_record_id)(field->ref.record_plus_1 - 1), id,
                                 task->organization_id, field->name, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
    }
    return SW_STATUS_OK;
}

static sw_status stamp(sw_group *group, const sw_task *task, sw_record_id record, void *row,
                       sw_error *err)
{
    int owner = owner_field(record);
    sw_str *id = text_of(record, row, "id");
    sw_int *created = number_of(record, row, "created_at");

    if (!id->ptr) {
        *id = sw__new_id(group, record);
        if (!id->ptr) {
            return sw_group_must(group, sw_no_memory(err), err);
        }
    }
    if (owner >= 0 && !task->adopts) { /* a provider that all share has none */
        sw_str *organization = text_of(record, row, "organization_id");
        *organization = organization->ptr ? *organization : task->organization_id;
    }
    *created = created->known ? *created : sw_int_of(group->now_us);
    if (task->adopts) {
        sw_int *updated = number_of(record, row, "updated_at");
        *updated = updated->known ? *updated : *created;
        return SW_STATUS_OK;
    }
    *number_of(record, row, "updated_at") = *created;
    *text_of(record, row, "created_by_id") = task->user_id;
    return sw__check_id(record, *id, "id", err);
}

/* What the ledger sets itself says nothing about what was sent. */
static uint64_t sent_fields(sw_record_id record, const void *row)
{
    static const char *const own[] = {
        "id",           "organization_id", "updated_at", "created_by_id", "last_updated_by_id",
        "create_digest"};
    const sw_record *r = sw_record_of(record);
    uint64_t mask = sw_row_mask(r, row);

    for (size_t i = 0; i < SW_COUNT(own); i++) {
        int field = sw_record_field(r, sw_str_from(own[i]));
        mask &= field >= 0 ? ~SW_MASK(field) : SW_MASK_ALL;
    }
    return mask;
}

/* An organization belongs to nobody but itself: who created it is part of what was sent. */
static void digest_creator(sw_group *group, const sw_task *task, sw_record_id record)
{
    sw_user creator = {.organization_id = task->organization_id};

    if (record == SW_RECORD_ORGANIZATION) {
        sw__digest_row(group, SW_RECORD_USER, &creator, 0);
    }
}

static sw_status digest_create(sw_group *group, const sw_task *task, sw_record_id record,
                               const void *sent, uint64_t given, void *row, sw_error *err)
{
    const sw_record *r = sw_record_of(record);
    void *said = sw_arena_alloc(&group->arena, r->size);
    sw_status status = said ? SW_STATUS_OK : sw_no_memory(err);
    sw_str *digest = text_of(record, row, "create_digest");

    if (status == SW_STATUS_OK) {
        memcpy(said, row, r->size);
        status = sw__secrets_mark(group, record, sent, said, err);
    }
    if (status == SW_STATUS_OK) {
        digest_creator(group, task, record);
        sw__digest_row(group, record, said, ~given);
        *digest = sw__digest_take(group);
        status = digest->ptr ? status : sw_no_memory(err);
    }
    return status == SW_STATUS_NO_MEMORY ? sw_group_must(group, status, err) : status;
}

/* What the declaration of the record cannot say. */
static sw_status own_rules(sw_group *group, sw_record_id record, const void *row, bool is_new,
                           sw_error *err)
{
    switch (record) {
    case SW_RECORD_SUBSCRIPTION:
        return sw__subscription_rules(group, row, is_new, err);
    case SW_RECORD_PRICE:
        return sw__price_rules(row, err);
    default:
        return SW_STATUS_OK;
    }
}

/* The writer remembers prices, and must not remember those that were. */
static void written(sw_group *group, sw_record_id record)
{
    if (record == SW_RECORD_PRICE) {
        sw__price_book_forget(group->prices);
    }
}

static sw_status prepare_create(sw_group *group, const sw_task *task, sw_record_id record,
                                const void *sent, void *row, sw_error *err)
{
    uint64_t given = 0;
    sw_status status = SW_STATUS_OK;

    if (text_of(record, row, "create_digest")->ptr) {
        return sw_fail(err, SW_STATUS_INVALID, "create_digest", "is set by the ledger alone");
    }
    if (record == SW_RECORD_ORGANIZATION && ((sw_organization *)row)->name_key.ptr) {
        return sw_fail(err, SW_STATUS_INVALID, "name_key", "is set by the ledger alone");
    }
    sw__row_nulls(record, row);
    given = sent_fields(record, row);
    status = sw__book(task, record, row, err);
    if (status == SW_STATUS_OK) {
        status = stamp(group, task, record, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__secrets_seal(group, record, row, task->adopts, err);
    }
    if (status == SW_STATUS_OK) {
        sw_row_defaults(sw_record_of(record), row);
        status = task->adopts ? sw__adopt_check(record, row, err)
                              : sw_row_check(sw_record_of(record), row, "", err);
    }
    if (status == SW_STATUS_OK) {
        status = own_rules(group, record, row, true, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(record, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK) {
        status = digest_create(group, task, record, sent, given, row, err);
    }
    return status == SW_STATUS_OK ? check_parents(group, task, record, row, err) : status;
}

static sw_str project_of(sw_record_id record, const void *row)
{
    const sw_record *r = sw_record_of(record);
    int field = sw_record_field(r, SW_STR("project_id"));
    return field >= 0 ? sw_field_text(&r->fields[field], row) : SW_NULL_STR;
}

sw_status sw__record_create_in(sw_group *group, const sw_task *task, sw_record_id id,
                               const void *sent, sw_outcome *outcome, sw_error *err)
{
    const sw_record *record = sw_record_of(id);
    void *row = sw_arena_zeroed(&group->arena, record->size);
    sw_status status = SW_STATUS_OK;

    sw__outcome_reset(outcome);
    if (!row) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    memcpy(row, sent, record->size);
    status = prepare_create(group, task, id, sent, row, err);
    sw__outcome_id(outcome, *text_of(id, row, "id"));
    if (status == SW_STATUS_INVALID && sw__was_created(group, task, id, row)) {
        return sw__unchanged(group, task, outcome, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__verdict(outcome, SW_VERDICT_REJECTED, status, err);
    }
    status = sw_store_insert(group->session, id, row, err);
    if (status == SW_STATUS_EXISTS) {
        return sw__create_again(group, task, id, row, outcome, err);
    }
    written(group, id);
    if (sw_group_must(group, status, err) == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_CREATED, id, *text_of(id, row, "id"),
                                  project_of(id, row), &outcome->seq, err);
    }
    return sw__verdict(outcome, SW_VERDICT_CREATED, status, err);
}

static sw_status apply_create(sw_group *group, sw_task *task, sw_error *err)
{
    record_args *args = task->arg;
    return sw__record_create_in(group, task, args->record, args->row, args->outcome, err);
}

sw_status sw_record_create(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                           const void *row, sw_outcome *outcome, sw_error *err)
{
    record_args args = {.record = record, .row = row, .outcome = outcome};
    sw_task task = {
        .apply = apply_create, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};

    /* An organization may be created in its own name: its journal then begins with it. */
    task.own_organization =
        record == SW_RECORD_ORGANIZATION &&
        sw_str_eq(((const sw_organization *)row)->id, sw__actor_organization(actor));
    return handled(record) ? sw__submit(ledger, actor, &task, err) : not_handled(outcome, err);
}

/* A record that all share may be seen by all and changed by none of them. */
static sw_status get_own(sw_group *group, const sw_task *task, const record_args *args, void *row,
                         sw_error *err)
{
    sw_status status = sw_group_get(group, task, args->record, args->id, row, err);
    int owner = owner_field(args->record);

    bool shared = owner >= 0 && status == SW_STATUS_OK &&
                  sw_field_is_null(&sw_record_of(args->record)->fields[owner], row);

    if (status == SW_STATUS_OK && (shared || !sw__may_change(task, args->record))) {
        return sw__not_found(args->record, args->id, err);
    }
    return status;
}

/* ---- update ------------------------------------------------------------------------------------- */

/* Fields that follow from other records: how an agent's last run ended, when a conversation's last message
 * came. They may come with a record that is created, from where it was before. */
static bool follows(sw_record_id record, size_t field)
{
    return (record == SW_RECORD_AGENT &&
            (field == SW_AGENT_LAST_RUN_COMPLETION || field == SW_AGENT_LAST_RUN_DURATION_MS ||
             field == SW_AGENT_LAST_STOP_REASON)) ||
           (record == SW_RECORD_CONVERSATION && field == SW_CONVERSATION_LAST_MESSAGE_AT);
}

static sw_status take_values(sw_group *group, const record_args *args, const void *old, void *row,
                             sw_error *err)
{
    const sw_record *record = sw_record_of(args->record);
    void *values = sw_arena_zeroed(&group->arena, record->size);
    sw_status status = values ? SW_STATUS_OK : sw_group_must(group, sw_no_memory(err), err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    memcpy(values, args->row, record->size);
    for (size_t i = 0; i < record->field_count; i++) {
        const sw_field *field = &record->fields[i];
        bool asked = (args->mask & SW_MASK(i)) && !sw_field_equal(field, old, values);
        bool own = sw_str_eq(sw_str_from(field->name), SW_STR("updated_at")) ||
                   sw_str_eq(sw_str_from(field->name), SW_STR("last_updated_by_id"));
        if (asked && ((field->flags & SW_KEEP) || own || follows(args->record, i))) {
            return sw_fail(err, SW_STATUS_INVALID, field->name, "cannot be changed");
        }
        if (!(args->mask & SW_MASK(i))) {
            sw_field_clear(field, values);
        }
    }
    status = sw__secrets_seal(group, args->record, values, false, err);
    if (status == SW_STATUS_OK) {
        sw__secrets_take(args->record, args->mask, values, row);
    }
    for (size_t i = 0; i < record->field_count && status == SW_STATUS_OK; i++) {
        if ((args->mask & SW_MASK(i)) && !(record->fields[i].flags & SW_SECRET)) {
            sw_field_copy(&record->fields[i], row, values);
        }
    }
    return status;
}

static sw_status write_update(sw_group *group, const sw_task *task, const record_args *args,
                              void *row, sw_error *err)
{
    const sw_record *record = sw_record_of(args->record);
    uint64_t mask = 0;
    sw_status status = SW_STATUS_OK;

    *number_of(args->record, row, "updated_at") = sw_int_of(group->now_us);
    *text_of(args->record, row, "last_updated_by_id") = task->user_id;
    for (size_t i = 0; i < record->field_count; i++) {
        mask |= record->fields[i].flags & SW_KEEP ? 0 : SW_MASK(i);
    }
    status = sw_store_update(group->session, args->record, row, mask, err);
    written(group, args->record);
    if (sw_group_may(group, status, SW_STATUS_EXISTS, err) == SW_STATUS_EXISTS) {
        return sw__name_taken(args->outcome, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_UPDATED, args->record, args->id,
                                  project_of(args->record, row), &args->outcome->seq, err);
    }
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

static sw_status apply_update(sw_group *group, sw_task *task, sw_error *err)
{
    record_args *args = task->arg;
    const sw_record *record = sw_record_of(args->record);
    void *old = sw_arena_zeroed(&group->arena, record->size);
    void *row = sw_arena_zeroed(&group->arena, record->size);
    sw_status status = SW_STATUS_OK;

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (!old || !row) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    status = get_own(group, task, args, old, err);
    if (status == SW_STATUS_OK) {
        memcpy(row, old, record->size);
        status = take_values(group, args, old, row, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__book(task, args->record, row, err);
    }
    if (status == SW_STATUS_OK) {
        sw__row_nulls(args->record, row);
        status = sw_row_check(record, row, "", err);
    }
    if (status == SW_STATUS_OK) {
        status = own_rules(group, args->record, row, false, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(args->record, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK) {
        status = check_parents(group, task, args->record, row, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__verdict(args->outcome, SW_VERDICT_REJECTED, status, err);
    }
    if (sw_row_equal(record, old, row)) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    return write_update(group, task, args, row, err);
}

sw_status sw_record_update(sw_ledger *ledger, const sw_actor *actor, sw_record_id record, sw_str id,
                           const void *values, uint64_t mask, sw_outcome *outcome, sw_error *err)
{
    record_args args = {record, id, values, mask, outcome};
    sw_task task = {
        .apply = apply_update, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};

    return handled(record) ? sw__submit(ledger, actor, &task, err) : not_handled(outcome, err);
}

/* ---- delete ------------------------------------------------------------------------------------- */

/* Runs refer to their agent and restrict its deletion; asked first, before the trail is removed. */
static sw_status agent_is_free(sw_group *group, sw_str agent_id, sw_error *err)
{
    bool any = false;
    sw_status status = sw__first_of(group->session, SW_RECORD_RUN, SW_RUN_AGENT_ID, agent_id,
                                    SW_MASK(SW_RUN_ID), NULL, NULL, &any, err);

    if (sw_group_must(group, status, err) == SW_STATUS_OK && any) {
        return sw_fail(err, SW_STATUS_RESTRICTED, "agent_id", "runs refer to the agent");
    }
    return status;
}

/* Whoever names no organization or user stands on the default ones, and nobody could make them again: a
 * ledger writes them when it is first opened. */
static sw_status not_default(const record_args *args, sw_error *err)
{
    bool organization = args->record == SW_RECORD_ORGANIZATION &&
                        sw_str_eq(args->id, SW_STR(SW_DEFAULT_ORGANIZATION));
    bool user = args->record == SW_RECORD_USER && sw_str_eq(args->id, SW_STR(SW_DEFAULT_USER));

    if (organization || user) {
        return sw_fail(err, SW_STATUS_RESTRICTED, "id",
                       "the default %s stays: callers who name none stand on it",
                       organization ? "organization" : "user");
    }
    return SW_STATUS_OK;
}

static sw_status apply_delete(sw_group *group, sw_task *task, sw_error *err)
{
    record_args *args = task->arg;
    void *row = sw_arena_zeroed(&group->arena, sw_record_of(args->record)->size);
    sw_str project = SW_NULL_STR;
    sw_status status = SW_STATUS_OK;

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (!row) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    status = get_own(group, task, args, row, err);
    if (status == SW_STATUS_OK) {
        status = not_default(args, err);
    }
    if (status == SW_STATUS_OK && args->record == SW_RECORD_AGENT) {
        status = agent_is_free(group, args->id, err);
        status = status == SW_STATUS_OK ? sw__agent_trail_remove(group, args->id, err) : status;
    }
    if (status == SW_STATUS_OK) {
        project = project_of(args->record, row);
        group->removed = true;
        sw_group_forget_known(group);
        status = sw_store_remove(group->session, args->record, row, err);
        written(group, args->record);
        sw_group_may(group, status, SW_STATUS_RESTRICTED, err);
    }
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    if (args->record != SW_RECORD_ORGANIZATION) { /* its journal went with it */
        status = sw_group_journal(group, task, SW_CHANGE_DELETED, args->record, args->id, project,
                                  &args->outcome->seq, err);
    }
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

sw_status sw_record_delete(sw_ledger *ledger, const sw_actor *actor, sw_record_id record, sw_str id,
                           sw_outcome *outcome, sw_error *err)
{
    record_args args = {.record = record, .id = id, .outcome = outcome};
    sw_task task = {.apply = apply_delete,
                    .outcomes = outcome,
                    .outcome_count = 1,
                    .arg = &args,
                    .weight = 10,
                    .alone = record == SW_RECORD_ORGANIZATION};

    return handled(record) ? sw__submit(ledger, actor, &task, err) : not_handled(outcome, err);
}
