/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that may be sent again under a key of the caller's (Idempotency-Key). The key is read
 * before the task is applied and written after it, in the same transaction: there is never one
 * without the other. Ids that the ledger makes up meanwhile follow from the key, its first use and
 * the place in the call, so that the same call makes the same records, which promise P3 then knows
 * again.
 *
 * A call of which nothing was kept leaves no key: whoever mends what was refused may send it under
 * the same key.
 */
#include "ledger/retry.h"

#include <sodium.h>

sw_status sw__retry_check(const sw_retry *retry, sw_error *err)
{
    const sw_str texts[] = {retry ? retry->key : SW_NULL_STR, retry ? retry->route : SW_NULL_STR};

    for (size_t i = 0; retry && i < SW_COUNT(texts); i++) {
        if (texts[i].len == 0 || texts[i].len > SW_LIMIT_RETRY_KEY_BYTES ||
            memchr(texts[i].ptr, 0, texts[i].len) || !sw_utf8_valid(texts[i])) {
            return sw_fail(err, SW_STATUS_INVALID, i ? "route" : "idempotency_key",
                           "must be text of 1 to %d bytes", (int)SW_LIMIT_RETRY_KEY_BYTES);
        }
    }
    if (retry && ((retry->digest.ptr && retry->digest.len != SW_DIGEST) || retry->first_item < 0)) {
        return sw_fail(err, SW_STATUS_INVALID, "digest",
                       "must have %d bytes, the place be 0 or more", (int)SW_DIGEST);
    }
    return SW_STATUS_OK;
}

/* ---- ids ---------------------------------------------------------------------------------------- */

void sw__retry_at(sw_group *group, size_t i)
{
    if (group->retry.call) {
        group->retry.item = group->retry.call->first_item + (int64_t)i;
        group->retry.made = 0;
    }
}

static void add(crypto_hash_sha256_state *state, const void *bytes, size_t len)
{
    uint64_t length = len; /* so that two texts never run into one another */

    crypto_hash_sha256_update(state, (const unsigned char *)&length, sizeof length);
    if (len > 0) {
        crypto_hash_sha256_update(state, bytes, len);
    }
}

static void give(void *data, void *out, size_t len)
{
    sw_assert(len <= crypto_hash_sha256_BYTES);
    memcpy(out, data, len);
}

void sw__retry_uuid(sw_group *group, sw_record_id record, uint8_t uuid[SW_UUID])
{
    sw_retrying *retry = &group->retry;
    const sw_task *task = group->task;
    const sw_str texts[] = {SW_STR("stepwell-retry-1"), task->organization_id,
                            task->project_id,           retry->call->route,
                            retry->call->key,           sw_str_from(sw_record_of(record)->name)};
    const int64_t numbers[] = {retry->first_us, retry->item, retry->made++};
    unsigned char digest[crypto_hash_sha256_BYTES];
    sw_random from = {.fill = give, .data = digest};
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < SW_COUNT(texts); i++) {
        add(&state, texts[i].ptr, texts[i].len);
    }
    add(&state, numbers, sizeof numbers);
    crypto_hash_sha256_final(&state, digest);
    sw_uuid_make(&from, retry->first_us, uuid);
}

/* ---- the key ------------------------------------------------------------------------------------ */

static void key_of(const sw_task *task, sw_idempotency_key *key)
{
    *key = (sw_idempotency_key){.organization_id = task->organization_id,
                                .project_id = task->project_id,
                                .route = task->retry->route,
                                .key = task->retry->key};
}

/* The key as it is kept; what has expired counts as not there. */
static sw_status find(sw_group *group, const sw_task *task, sw_idempotency_key *out, bool *found,
                      sw_error *err)
{
    sw_idempotency_key key;
    sw_status status = SW_STATUS_OK;

    key_of(task, &key);
    status = sw_store_get(group->session, SW_RECORD_IDEMPOTENCY_KEY, &key, &group->arena, out, err);
    (void)sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    *found = status == SW_STATUS_OK && out->expires_at.value > group->now_us;
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static bool other_content(const sw_task *task, const sw_idempotency_key *row)
{
    return task->retry->digest.ptr && row->digest.ptr &&
           !sw_str_eq(task->retry->digest, row->digest);
}

static sw_status refuse(const sw_task *task, sw_error *err)
{
    sw_status status = sw_fail(err, SW_STATUS_CONFLICT, "idempotency_key",
                               "was used for other content within the last day; use a new one");

    for (size_t i = 0; i < task->outcome_count; i++) {
        (void)sw__verdict(&task->outcomes[i], SW_VERDICT_CONFLICT, status, err);
    }
    return status;
}

static bool kept_anything(const sw_task *task)
{
    for (size_t i = 0; i < task->outcome_count; i++) {
        if (task->outcomes[i].status == SW_STATUS_OK) {
            return true;
        }
    }
    return false;
}

static sw_status keep(sw_group *group, const sw_task *task, const sw_idempotency_key *row,
                      bool found, sw_error *err)
{
    sw_idempotency_key key;

    if (found && (row->digest.ptr || !task->retry->digest.ptr)) {
        return SW_STATUS_OK; /* nothing new is known of it */
    }
    key_of(task, &key);
    key.digest = task->retry->digest;
    key.first_used_at = sw_int_of(group->retry.first_us);
    key.expires_at = sw_int_of(group->retry.first_us + SW_LIMIT_RETRY_SECONDS * INT64_C(1000000));
    return sw_group_must(group, sw_store_put(group->session, SW_RECORD_IDEMPOTENCY_KEY, &key, err),
                         err);
}

static sw_status apply_under_key(sw_group *group, sw_task *task, sw_error *err)
{
    sw_idempotency_key row;
    bool found = false;
    sw_status status = find(group, task, &row, &found, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    if (found && other_content(task, &row)) {
        return refuse(task, err);
    }
    group->retry = (sw_retrying){.call = task->retry,
                                 .first_us = found ? row.first_used_at.value : group->now_us,
                                 .item = task->retry->first_item};
    status = task->apply(group, task, err);
    if (status == SW_STATUS_OK && group->broken == SW_STATUS_OK && kept_anything(task)) {
        status = keep(group, task, &row, found, err);
    }
    memset(&group->retry, 0, sizeof group->retry);
    return status;
}

/* Nothing is written but the digest, and that only when the outcome says that something was kept. */
static sw_status apply_end(sw_group *group, sw_task *task, sw_error *err)
{
    (void)group;
    (void)err;
    sw__outcome_reset(task->outcomes);
    task->outcomes->verdict = SW_VERDICT_UNCHANGED;
    task->outcomes->status = *(bool *)task->arg ? SW_STATUS_OK : SW_STATUS_NOT_FOUND;
    return SW_STATUS_OK;
}

sw_status sw_retry_end(sw_ledger *ledger, const sw_actor *actor, bool kept, sw_error *err)
{
    sw_outcome outcome;
    sw_task task = {
        .apply = apply_end, .outcomes = &outcome, .outcome_count = 1, .arg = &kept, .weight = 1};

    return actor && actor->retry ? sw__submit(ledger, actor, &task, err) : SW_STATUS_OK;
}

/* ---- applying ------------------------------------------------------------------------------------ */

sw_status sw__task_apply(sw_group *group, sw_task *task, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    group->task = task;
    status = task->retry ? apply_under_key(group, task, err) : task->apply(group, task, err);
    group->task = NULL;
    return status;
}

sw_status sw__task_nested(sw_group *group, sw_task *task, sw_error *err)
{
    const sw_task *outer = group->task;
    sw_status status = SW_STATUS_OK;

    if (outer) {
        task->project_id = outer->project_id;
    }
    group->task = task;
    status = task->apply(group, task, err);
    group->task = outer;
    return status;
}
