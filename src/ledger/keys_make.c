/* SPDX-License-Identifier: Apache-2.0 */
/* API keys are made and revoked: what a key may say of itself, its text, which is shown once, and its hash,
 * which is kept. Whoever made or revoked one makes the ledger forget what it remembers of keys (keys.c).
 */
#include "ledger/border.h"
#include "ledger/keys.h"

#include <sodium.h>

enum { SECRET = 32 };

typedef struct key_args {
    sw_str id;
    const sw_api_key *row;
    unsigned char hash[SW_KEY_HASH];
    sw_outcome *outcome;
} key_args;

#define GIVEN                                                                                      \
    (SW_MASK(SW_API_KEY_NAME) | SW_MASK(SW_API_KEY_SCOPES) | SW_MASK(SW_API_KEY_PROJECT_ID) |      \
     SW_MASK(SW_API_KEY_USER_ID) | SW_MASK(SW_API_KEY_EXPIRES_AT) |                                \
     SW_MASK(SW_API_KEY_ORGANIZATION_ID))

static sw_status refuse_own(const sw_task *task, const sw_api_key *row, sw_error *err)
{
    const sw_record *record = sw_record_of(SW_RECORD_API_KEY);
    uint64_t own = sw_row_mask(record, row) & ~GIVEN;

    for (size_t i = 0; i < record->field_count; i++) {
        if (own & SW_MASK(i)) {
            return sw_fail(err, SW_STATUS_INVALID, record->fields[i].name,
                           "is set by the ledger alone");
        }
    }
    if (row->organization_id.ptr && !sw_str_eq(row->organization_id, task->organization_id)) {
        return sw_fail(err, SW_STATUS_INVALID, "organization_id",
                       "is not the organization that calls");
    }
    return SW_STATUS_OK;
}

static sw_status scope_rules(sw_str scopes, sw_arena *arena, sw_error *err)
{
    size_t count = 0;
    sw_json json;

    sw_json_init(&json, scopes, arena);
    (void)sw_json_next(&json);
    while (sw_json_next(&json) == SW_JSON_STRING) {
        if (sw_enum_find(SW_ENUM_scope, json.text) < 0) {
            return sw_fail(err, SW_STATUS_INVALID, "scopes",
                           "knows ingest, read, write and admin, not \"%.*s\"",
                           (int)(json.text.len < 40 ? json.text.len : 40), json.text.ptr);
        }
        count++;
    }
    if (count == 0) {
        return sw_fail(err, SW_STATUS_INVALID, "scopes",
                       "must name what the key may do: ingest, read, write, admin");
    }
    return SW_STATUS_OK;
}

/* The user a key acts as is of its organization, also where the caller is limited to a project. */
static sw_status user_rules(sw_group *group, const sw_task *task, sw_str user_id, sw_error *err)
{
    sw_user key = {.id = user_id};
    sw_user user;
    sw_status status = SW_STATUS_OK;

    if (!user_id.ptr) {
        return SW_STATUS_OK;
    }
    status = sw__check_id(SW_RECORD_USER, user_id, "user_id", err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_store_get(group->session, SW_RECORD_USER, &key, &group->arena, &user, err);
    (void)sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    if (status == SW_STATUS_NOT_FOUND ||
        (status == SW_STATUS_OK && !sw_str_eq(user.organization_id, task->organization_id))) {
        return sw_fail(err, SW_STATUS_INVALID, "user_id", "there is no such user");
    }
    return status;
}

static sw_status prepare(sw_group *group, const sw_task *task, const key_args *args,
                         sw_api_key *row, sw_error *err)
{
    sw_status status = refuse_own(task, args->row, err);

    *row = *args->row;
    row->id = sw__new_id(group, SW_RECORD_API_KEY);
    row->hash = sw_str_make((const char *)args->hash, SW_KEY_HASH);
    row->organization_id = task->organization_id;
    row->created_at = row->updated_at = sw_int_of(group->now_us);
    row->created_by_id = task->user_id;
    if (!row->id.ptr) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__book(task, SW_RECORD_API_KEY, row, err);
    }
    if (status == SW_STATUS_OK) {
        sw__row_nulls(SW_RECORD_API_KEY, row);
        sw_row_defaults(sw_record_of(SW_RECORD_API_KEY), row);
        status = sw_row_check(sw_record_of(SW_RECORD_API_KEY), row, "", err);
    }
    if (status == SW_STATUS_OK) {
        status = sw__row_minify(SW_RECORD_API_KEY, row, &group->arena, err);
    }
    if (status == SW_STATUS_OK) {
        status = scope_rules(row->scopes, &group->arena, err);
    }
    if (status == SW_STATUS_OK && row->expires_at.known && row->expires_at.value <= group->now_us) {
        status = sw_fail(err, SW_STATUS_INVALID, "expires_at", "has passed already");
    }
    return status == SW_STATUS_OK ? user_rules(group, task, row->user_id, err) : status;
}

static sw_status apply_create(sw_group *group, sw_task *task, sw_error *err)
{
    key_args *args = task->arg;
    sw_api_key row;
    sw_status status = SW_STATUS_OK;

    sw__outcome_reset(args->outcome);
    status = prepare(group, task, args, &row, err);
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    sw__outcome_id(args->outcome, row.id);
    status = sw_store_insert(group->session, SW_RECORD_API_KEY, &row, err);
    if (sw_group_may(group, status, SW_STATUS_EXISTS, err) == SW_STATUS_EXISTS) {
        status = sw_fail(err, SW_STATUS_CONFLICT, "id",
                         "this key was made already, and its text was shown; make another one");
        return sw__verdict(args->outcome, SW_VERDICT_CONFLICT, status, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_CREATED, SW_RECORD_API_KEY, row.id,
                                  row.project_id, &args->outcome->seq, err);
    }
    return sw__verdict(args->outcome, SW_VERDICT_CREATED, status, err);
}

_Static_assert(sizeof "sw_" + sodium_base64_ENCODED_LEN(SECRET,
                                                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) <=
                   SW_KEY_TEXT,
               "the text fits");

static void make_text(const sw_ledger *ledger, char secret[SW_KEY_TEXT])
{
    unsigned char random[SECRET];

    ledger->random.fill(ledger->random.data, random, sizeof random);
    memcpy(secret, "sw_", 3);
    sodium_bin2base64(secret + 3, SW_KEY_TEXT - 3, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof random);
}

sw_status sw_key_create(sw_ledger *ledger, const sw_actor *actor, const sw_api_key *row,
                        char secret[SW_KEY_TEXT], sw_outcome *outcome, sw_error *err)
{
    key_args args = {.row = row, .outcome = outcome};
    sw_task task = {
        .apply = apply_create, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};
    sw_status status = SW_STATUS_OK;

    make_text(ledger, secret);
    sw__key_text_hash(sw_str_from(secret), args.hash);
    status = sw__submit(ledger, actor, &task, err);
    if (status != SW_STATUS_OK) {
        sodium_memzero(secret, SW_KEY_TEXT);
    }
    sw__keys_forget(ledger);
    return status;
}

static sw_status apply_revoke(sw_group *group, sw_task *task, sw_error *err)
{
    key_args *args = task->arg;
    sw_api_key row;
    sw_status status = sw_group_get(group, task, SW_RECORD_API_KEY, args->id, &row, err);

    sw__outcome_reset(args->outcome);
    sw__outcome_id(args->outcome, args->id);
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    if (row.revoked_at.known) {
        return sw__unchanged(group, task, args->outcome, err);
    }
    row.revoked_at = row.updated_at = sw_int_of(group->now_us);
    row.last_updated_by_id = task->user_id;
    status = sw_store_update(group->session, SW_RECORD_API_KEY, &row,
                             SW_MASK(SW_API_KEY_REVOKED_AT) | SW_MASK(SW_API_KEY_UPDATED_AT) |
                                 SW_MASK(SW_API_KEY_LAST_UPDATED_BY_ID),
                             err);
    if (sw_group_must(group, status, err) == SW_STATUS_OK) {
        status = sw_group_journal(group, task, SW_CHANGE_UPDATED, SW_RECORD_API_KEY, row.id,
                                  row.project_id, &args->outcome->seq, err);
    }
    return sw__verdict(args->outcome, SW_VERDICT_UPDATED, status, err);
}

sw_status sw_key_revoke(sw_ledger *ledger, const sw_actor *actor, sw_str key_id,
                        sw_outcome *outcome, sw_error *err)
{
    key_args args = {.id = key_id, .outcome = outcome};
    sw_task task = {
        .apply = apply_revoke, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};
    sw_status status = sw__submit(ledger, actor, &task, err);

    sw__keys_forget(ledger);
    return status;
}
