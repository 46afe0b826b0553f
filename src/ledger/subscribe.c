/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions: what may be subscribed to, the operator's own webhook, and trying one out. The
 * operator's is a subscription of the default organization with an id that never changes; its token
 * lives in memory only, given anew at each start.
 */
#include "ledger/border.h"
#include "ledger/hooks.h"

#include <sodium.h>

/* ---- rules -------------------------------------------------------------------------------------- */

static bool begins(sw_str text, const char *with)
{
    size_t len = strlen(with);
    return text.len > len && memcmp(text.ptr, with, len) == 0;
}

static sw_status url_rules(sw_str url, sw_error *err)
{
    if (!begins(url, "https://") && !begins(url, "http://")) {
        return sw_fail(err, SW_STATUS_INVALID, "url", "must begin with https:// or http://");
    }
    for (size_t i = 0; i < url.len; i++) {
        if ((unsigned char)url.ptr[i] <= ' ' || url.ptr[i] == 0x7f) {
            return sw_fail(err, SW_STATUS_INVALID, "url", "holds a blank or a control character");
        }
    }
    return SW_STATUS_OK;
}

static sw_status event_rules(sw_str events, sw_arena *arena, sw_error *err)
{
    sw_json json;

    sw_json_init(&json, events, arena);
    (void)sw_json_next(&json);
    while (sw_json_next(&json) == SW_JSON_STRING) {
        if (sw_enum_find(SW_ENUM_event, json.text) < 0) {
            return sw_fail(err, SW_STATUS_INVALID, "events", "there is no event \"%.*s\"",
                           (int)(json.text.len < 40 ? json.text.len : 40), json.text.ptr);
        }
    }
    return SW_STATUS_OK;
}

static sw_seen count_one(void *arg, const void *row)
{
    (void)arg;
    (void)row;
    return SW_SEEN_COUNT;
}

static sw_status room_rules(sw_group *group, sw_error *err)
{
    sw_scan scan = {.record = SW_RECORD_SUBSCRIPTION,
                    .fields = SW_MASK(SW_SUBSCRIPTION_ID),
                    .unordered = true,
                    .limit = SW_LIMIT_SUBSCRIPTIONS};
    sw_scan_end end = {0};
    sw_status status = sw_store_scan(group->session, &scan, count_one, NULL, &end, err);

    if (sw_group_must(group, status, err) == SW_STATUS_OK &&
        end.counted >= SW_LIMIT_SUBSCRIPTIONS) {
        return sw_fail(err, SW_STATUS_TOO_LARGE, "subscriptions", "there are %d already",
                       (int)SW_LIMIT_SUBSCRIPTIONS);
    }
    return status;
}

sw_status sw__subscription_rules(sw_group *group, const sw_subscription *row, bool is_new,
                                 sw_error *err)
{
    sw_status status = url_rules(row->url, err);

    if (status == SW_STATUS_OK) {
        status = event_rules(row->events, &group->arena, err);
    }
    if (status == SW_STATUS_OK && is_new && row->kind.value != SW_SUBSCRIPTION_KIND_EVENTS) {
        status =
            sw_fail(err, SW_STATUS_INVALID, "kind", "is the operator's, set when a server starts");
    }
    return status == SW_STATUS_OK && is_new ? room_rules(group, err) : status;
}

/* ---- the operator's own -------------------------------------------------------------------------- */

void sw__bearer_set(sw_ledger *ledger, char *text)
{
    char *old = NULL;

    pthread_mutex_lock(&ledger->lock);
    old = ledger->bearer;
    ledger->bearer = text;
    pthread_mutex_unlock(&ledger->lock);
    if (old) {
        sodium_memzero(old, strlen(old));
    }
    sw_free(&ledger->allocator, old);
}

static sw_status bearer_of(sw_ledger *ledger, sw_arena *arena, sw_str *out, sw_error *err)
{
    bool some = false;

    pthread_mutex_lock(&ledger->lock);
    some = ledger->bearer != NULL;
    *out = some ? sw_arena_str(arena, sw_str_from(ledger->bearer)) : SW_NULL_STR;
    pthread_mutex_unlock(&ledger->lock);
    return some && !out->ptr ? sw_no_memory(err) : SW_STATUS_OK;
}

typedef struct webhook_args {
    sw_str url;
} webhook_args;

static sw_status write_webhook(sw_group *group, const sw_task *task, sw_str url, bool there,
                               sw_subscription *row, sw_error *err)
{
    sw_status status = url_rules(url, err);

    row->url = url;
    row->is_active = sw_int_of(1);
    row->updated_at = sw_int_of(group->now_us);
    if (status == SW_STATUS_OK && !there) {
        row->organization_id = task->organization_id;
        row->name = SW_STR("STEP_COMPLETE_WEBHOOK");
        row->events = SW_STR("[\"step.completed\"]");
        row->kind = sw_int_of(SW_SUBSCRIPTION_KIND_STEP_WEBHOOK);
        row->created_at = row->updated_at;
        sw_row_defaults(sw_record_of(SW_RECORD_SUBSCRIPTION), row);
    }
    if (status == SW_STATUS_OK) {
        status = sw_row_check(sw_record_of(SW_RECORD_SUBSCRIPTION), row, "", err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    status =
        there ? sw_store_update(group->session, SW_RECORD_SUBSCRIPTION, row,
                                SW_MASK(SW_SUBSCRIPTION_URL) | SW_MASK(SW_SUBSCRIPTION_IS_ACTIVE) |
                                    SW_MASK(SW_SUBSCRIPTION_UPDATED_AT),
                                err)
              : sw_store_insert(group->session, SW_RECORD_SUBSCRIPTION, row, err);
    return sw_group_must(group, status, err);
}

static sw_status apply_webhook(sw_group *group, sw_task *task, sw_error *err)
{
    const webhook_args *args = task->arg;
    sw_subscription row = {.id = SW_STR(SW__OPERATORS_SUBSCRIPTION)};
    sw_change what = SW_CHANGE_UPDATED;
    bool there = false;
    sw_status status =
        sw_store_get(group->session, SW_RECORD_SUBSCRIPTION, &row, &group->arena, &row, err);

    (void)sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    there = status == SW_STATUS_OK;
    if (status != SW_STATUS_OK && status != SW_STATUS_NOT_FOUND) {
        return status;
    }
    if (args->url.ptr ? there && sw_str_eq(row.url, args->url) && row.is_active.value : !there) {
        return SW_STATUS_OK; /* it is so already */
    }
    if (!there) {
        memset(&row, 0, sizeof row);
        row.id = SW_STR(SW__OPERATORS_SUBSCRIPTION);
        what = SW_CHANGE_CREATED;
    }
    if (args->url.ptr) {
        status = write_webhook(group, task, args->url, there, &row, err);
    } else {
        what = SW_CHANGE_DELETED;
        status = sw_group_must(
            group, sw_store_remove(group->session, SW_RECORD_SUBSCRIPTION, &row, err), err);
    }
    return status == SW_STATUS_OK ? sw_group_journal(group, task, what, SW_RECORD_SUBSCRIPTION,
                                                     row.id, SW_NULL_STR, NULL, err)
                                  : status;
}

sw_status sw_operator_webhook(sw_ledger *ledger, sw_str url, sw_str key, sw_error *err)
{
    webhook_args args = {url};
    sw_task task = {.apply = apply_webhook, .arg = &args, .weight = 1};
    sw_status status = SW_STATUS_OK;
    char *token = NULL;

    if (key.len > SW_LIMIT_TEXT_BYTES || (key.ptr && memchr(key.ptr, 0, key.len))) {
        return sw_fail(err, SW_STATUS_INVALID, "key", "must be text of at most %d bytes",
                       (int)SW_LIMIT_TEXT_BYTES);
    }
    if (url.ptr && key.ptr) {
        token = sw_alloc_zeroed(&ledger->allocator, key.len + 1);
        if (!token) {
            return sw_no_memory(err);
        }
        memcpy(token, key.ptr, key.len);
    }
    status = sw__submit(ledger, NULL, &task, err);
    if (status == SW_STATUS_OK) {
        sw__bearer_set(ledger, token);
    } else {
        sw_free(&ledger->allocator, token);
    }
    return status;
}

/* ---- what signs ---------------------------------------------------------------------------------- */

sw_status sw_delivery_secret(sw_ledger *ledger, const sw_delivery *delivery, sw_memory *memory,
                             sw_str *out, sw_error *err)
{
    sw_subscription key = {.id = delivery->subscription_id};
    sw_subscription row;
    sw_session *session = NULL;
    sw_status status = SW_STATUS_OK;

    *out = SW_NULL_STR;
    if (!delivery->subscription_id.ptr) {
        return SW_STATUS_OK; /* a run's callback is not signed */
    }
    status = sw__reader_take(ledger, &session, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_store_get(session, SW_RECORD_SUBSCRIPTION, &key, &memory->arena, &row, err);
    sw__reader_give(ledger, session);
    if (status == SW_STATUS_NOT_FOUND) {
        return sw__not_found(SW_RECORD_SUBSCRIPTION, key.id, err);
    }
    if (status == SW_STATUS_OK && row.kind.value == SW_SUBSCRIPTION_KIND_STEP_WEBHOOK) {
        return bearer_of(ledger, &memory->arena, out, err);
    }
    return status == SW_STATUS_OK && row.secret_enc.ptr
               ? sw__unseal(ledger, row.secret_enc, &memory->arena, out, err)
               : status;
}

/* ---- trying one out ------------------------------------------------------------------------------ */

typedef struct test_args {
    sw_str id;
    sw_outcome *outcome;
} test_args;

static sw_status apply_test(sw_group *group, sw_task *task, sw_error *err)
{
    test_args *args = task->arg;
    sw_subscription row;
    sw_delivery delivery;
    const sw_head *head = NULL;
    sw_status status = sw_group_get(group, task, SW_RECORD_SUBSCRIPTION, args->id, &row, err);

    sw__outcome_reset(args->outcome);
    if (status != SW_STATUS_OK) {
        return sw__refused(args->outcome, status, err);
    }
    delivery = (sw_delivery){.organization_id = row.organization_id,
                             .subscription_id = row.id,
                             .event = sw_int_of(SW_EVENT_TEST),
                             .project_id = row.project_id,
                             .url = row.url};
    status = sw__deliver(group, &delivery, err);
    head = status == SW_STATUS_OK ? sw_group_head(group, task->organization_id, err) : NULL;
    if (!head) {
        return group->broken;
    }
    sw__outcome_id(args->outcome, delivery.id);
    args->outcome->seq = head->seq;
    return SW_STATUS_OK;
}

sw_status sw_subscription_test(sw_ledger *ledger, const sw_actor *actor, sw_str subscription_id,
                               sw_outcome *outcome, sw_error *err)
{
    test_args args = {subscription_id, outcome};
    sw_task task = {
        .apply = apply_test, .outcomes = outcome, .outcome_count = 1, .arg = &args, .weight = 1};
    return sw__submit(ledger, actor, &task, err);
}
