/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent for a delivery: made from the records as they are when it is sent, so that a listener that
 * was away for a while is told what is true. Knows nothing of how it is sent.
 *
 *   operator's webhook   V1's {"step_id": ...}
 *   run's callback       V1's {"run_id", "status", "completed_at", "metadata"}
 *   subscription         {"id", "type", "time", "organization_id", "seq", "data": {"step" or "run": ...}}
 */
#include "codec/record.h"
#include "http/hooks.h"
#include "model/model.h"

/* ---- bodies ---------------------------------------------------------------------------------------- */

static void put(sw_json_out *json, const char *key, sw_str text)
{
    sw_json_key(json, sw_str_from(key));
    sw_json_str(json, text);
}

/* The record as it is now; only its id when it is gone. */
static sw_status put_record(sw_ledger *ledger, const sw_actor *actor, const sw_delivery *delivery,
                            sw_memory *memory, sw_json_out *json, sw_error *err)
{
    union {
        sw_step step;
        sw_run run;
    } row;
    sw_record_id record = (sw_record_id)delivery->record.value;
    sw_assert(record == SW_RECORD_STEP || record == SW_RECORD_RUN);
    sw_status status = sw_get(ledger, actor, record, delivery->record_id, memory, &row, err);
    if (status != SW_STATUS_OK && status != SW_STATUS_NOT_FOUND) {
        return status;
    }
    sw_json_key(json, sw_str_from(sw_record_of(record)->name));
    if (status == SW_STATUS_OK) {
        sw_record_write_api(record, &row, json);
    } else {
        sw_json_open(json, '{');
        put(json, "id", delivery->record_id);
        sw_json_close(json, '}');
    }
    return SW_STATUS_OK;
}

static sw_status put_event(sw_ledger *ledger, const sw_actor *actor, const sw_delivery *delivery,
                           sw_memory *memory, sw_json_out *json, sw_error *err)
{
    char time[SW_TIME_TEXT];
    size_t length = sw_time_print(delivery->created_at.value, true, time);
    sw_status status = SW_STATUS_OK;
    sw_json_open(json, '{');
    put(json, "id", delivery->id);
    put(json, "type", sw_str_from(sw_enum_word(SW_ENUM_event, delivery->event.value)));
    put(json, "time", sw_str_make(time, length));
    put(json, "organization_id", delivery->organization_id);
    sw_json_key(json, SW_STR("seq"));
    if (delivery->seq.known) {
        sw_json_int(json, delivery->seq.value);
    } else {
        sw_json_null(json);
    }
    sw_json_key(json, SW_STR("data"));
    sw_json_open(json, '{');
    if (delivery->record.known && delivery->record_id.ptr) {
        status = put_record(ledger, actor, delivery, memory, json, err);
    }
    sw_json_close(json, '}');
    sw_json_close(json, '}');
    return status;
}

static sw_status put_callback(sw_ledger *ledger, const sw_actor *actor, const sw_delivery *delivery,
                              sw_memory *memory, sw_json_out *json, sw_error *err)
{
    sw_run run;
    sw_status status = sw_get(ledger, actor, SW_RECORD_RUN, delivery->run_id, memory, &run, err);
    return status == SW_STATUS_OK ? sw_callback_body(ledger, actor, &run, memory, json, err)
                                  : status;
}

/* ---- whose it is ----------------------------------------------------------------------------------- */

static sw_status find_kind(sw_ledger *ledger, sw_memory *memory, sw_parcel *parcel, sw_error *err)
{
    sw_subscription subscription;
    sw_actor actor = {.everywhere = true};
    if (!parcel->delivery->subscription_id.ptr) {
        return SW_STATUS_OK;
    }
    sw_status status = sw_get(ledger, &actor, SW_RECORD_SUBSCRIPTION,
                              parcel->delivery->subscription_id, memory, &subscription, err);
    if (status == SW_STATUS_OK) {
        parcel->own = subscription.kind.value == SW_SUBSCRIPTION_KIND_STEP_WEBHOOK;
    }
    return status;
}

sw_status sw_parcel_make(sw_ledger *ledger, sw_memory *memory, sw_parcel *parcel, sw_error *err)
{
    const sw_delivery *delivery = parcel->delivery;
    sw_actor actor = {.organization_id = delivery->organization_id};
    sw_json_out json;
    sw_json_out_init(&json, &parcel->body, false);
    sw_status status = find_kind(ledger, memory, parcel, err);
    if (status == SW_STATUS_OK) {
        status = sw_delivery_secret(ledger, delivery, memory, &parcel->secret, err);
    }
    if (status == SW_STATUS_OK && parcel->own) {
        sw_json_open(&json, '{');
        put(&json, "step_id", delivery->record_id);
        sw_json_close(&json, '}');
    } else if (status == SW_STATUS_OK && delivery->run_id.ptr) {
        status = put_callback(ledger, &actor, delivery, memory, &json, err);
    } else if (status == SW_STATUS_OK) {
        status = put_event(ledger, &actor, delivery, memory, &json, err);
    }
    if (status == SW_STATUS_OK && parcel->body.status != SW_STATUS_OK) {
        status = sw_no_memory(err);
    }
    return status;
}
