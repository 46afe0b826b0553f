/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying deliveries: what a delivery says of its state, its times and the number of its attempts
 * must agree, and it is for a subscription or for a run's callback, never both.
 */
#include <stdio.h>

#include "ledger/verify.h"

typedef struct walk {
    sw_check *check;
    sw_status status;
    sw_error error;
} walk;

static sw_seen count_one(void *arg, const void *row)
{
    (void)row;
    ++*(int64_t *)arg;
    return SW_SEEN_COUNT;
}

static sw_status attempts_of(sw_check *c, sw_str id, int64_t *count, sw_error *err)
{
    sw_value value = {.text = id};
    sw_condition its = {SW_DELIVERY_ATTEMPT_DELIVERY_ID, SW_OP_EQ, &value, 1};
    sw_scan scan = {.record = SW_RECORD_DELIVERY_ATTEMPT,
                    .conditions = &its,
                    .condition_count = 1,
                    .unordered = true,
                    .fields = SW_MASK(SW_DELIVERY_ATTEMPT_ID)};
    sw_scan_end end;

    *count = 0;
    return sw_store_scan(c->session, &scan, count_one, count, &end, err);
}

static void check_state(sw_check *c, const sw_delivery *d, const char *where)
{
    bool pending = d->state.value == SW_DELIVERY_STATE_PENDING;

    if (pending != (d->next_attempt_at.known != 0)) {
        sw__differ(c, "delivery", where, "it is %s and is%s due",
                   sw__stored_word(SW_ENUM_delivery_state, d->state.value),
                   pending ? " never" : "");
    }
    if (pending == (d->forget_at.known != 0)) {
        sw__differ(c, "delivery", where, "it is %s and is%s to be removed",
                   sw__stored_word(SW_ENUM_delivery_state, d->state.value),
                   pending ? "" : " never");
    }
    if (d->state.value == SW_DELIVERY_STATE_DELIVERED && !d->delivered_at.known) {
        sw__differ(c, "delivery", where, "it is delivered and does not say when");
    }
    if ((d->subscription_id.ptr != NULL) == (d->run_id.ptr != NULL)) {
        sw__differ(c, "delivery", where, "it must be for a subscription or for a run's callback");
    }
}

static sw_seen see(void *arg, const void *row)
{
    walk *w = arg;
    const sw_delivery *d = row;
    int64_t attempts = 0;
    char where[200];

    (void)snprintf(where, sizeof where, "deliveries id=%.*s", (int)d->id.len, d->id.ptr);
    sw__check_values(w->check, SW_RECORD_DELIVERY, d, 0);
    check_state(w->check, d, where);
    w->status = attempts_of(w->check, d->id, &attempts, &w->error);
    if (w->status == SW_STATUS_OK && attempts != d->attempts.value) {
        sw__differ(w->check, "delivery", where, "attempts is %lld, there are %lld",
                   (long long)d->attempts.value, (long long)attempts);
    }
    return w->status == SW_STATUS_OK ? SW_SEEN_COUNT : SW_SEEN_STOP;
}

sw_status sw__check_deliveries(sw_check *c, sw_str organization, sw_error *err)
{
    sw_value owner = {.text = organization};
    sw_condition mine = {SW_DELIVERY_ORGANIZATION_ID, SW_OP_EQ, &owner, 1};
    sw_scan scan = {
        .record = SW_RECORD_DELIVERY, .conditions = &mine, .condition_count = 1, .unordered = true};
    walk w = {.check = c, .status = SW_STATUS_OK};
    sw_scan_end end;
    sw_status status = sw_store_scan(c->session, &scan, see, &w, &end, err);

    if (status == SW_STATUS_OK && w.status != SW_STATUS_OK) {
        *err = w.error;
        status = w.status;
    }
    return status;
}
