/* SPDX-License-Identifier: Apache-2.0 */
/* The latency histograms that a group moves: gathered bucket by bucket, and added to what is stored when
 * the group ends.
 */
#include "ledger/table.h"

static uint64_t spread_hash(const void *entry)
{
    return ((const sw_spread *)entry)->hash;
}

static bool spread_same(const sw_group *group, const void *entry, uint64_t hash, size_t which,
                        const void *key)
{
    const sw_spread *spread = entry;
    return spread->hash == hash && (size_t)spread->record == which &&
           sw__same_key(group, spread->record, spread->key, key);
}

sw_spread *sw_group_make_spread(sw_group *group, sw_record_id id, const void *key)
{
    const sw_record *record = sw_record_of(id);
    uint64_t hash = sw__key_hash(group, id, key);
    void **slot =
        sw__table_slot(group, &group->spreads, spread_hash, spread_same, hash, (size_t)id, key);
    sw_spread *spread = slot ? *slot : NULL;

    if (slot && !spread) {
        spread = sw_arena_zeroed(&group->arena, sizeof *spread);
        if (spread) {
            *spread =
                (sw_spread){.record = id, .hash = hash, .key = sw__copy_key(group, record, key)};
            spread = spread->key ? spread : NULL;
        }
        if (spread) {
            *slot = spread;
            group->spreads.count++;
        }
    }
    return spread;
}

sw_spread *sw_group_find_spread(sw_group *group, sw_record_id id, const void *key)
{
    uint64_t hash = sw__key_hash(group, id, key);
    void **slot = group->spreads.size == 0 ? NULL
                                           : sw__table_slot(group, &group->spreads, spread_hash,
                                                            spread_same, hash, (size_t)id, key);
    return slot ? *slot : NULL;
}

sw_status sw_group_carry_spreads(sw_group *to, const sw_group *from, sw_record_id record,
                                 sw_error *err)
{
    for (size_t i = 0; i < from->spreads.size; i++) {
        const sw_spread *spread = from->spreads.slots[i];
        sw_spread *sum = NULL;
        if (!spread || spread->record != record) {
            continue;
        }
        sum = sw_group_make_spread(to, record, spread->key);
        for (size_t k = 0; k < 3; k++) {
            if (!sum || !sw_tally_carry(&sum->times[k], &spread->times[k], &to->arena)) {
                return sw_no_memory(err);
            }
        }
    }
    return SW_STATUS_OK;
}

static bool spread_move(sw_group *group, sw_spread *spread, const sw_step_metrics *metrics,
                        int sign)
{
    const sw_int times[3] = {metrics->step_ns, metrics->llm_request_ns, metrics->tool_execution_ns};
    bool good = true;

    for (size_t i = 0; i < 3 && good; i++) {
        good = !times[i].known ||
               sw_tally_add(&spread->times[i], sw_bucket_of(times[i].value), sign, &group->arena);
    }
    return good;
}

sw_status sw_group_time(sw_group *group, const sw_step *step, const sw_step_metrics *metrics,
                        int sign, sw_error *err)
{
    sw_int day = sw_int_of(sw_time_day(step->created_at.value));
    sw_latency_org_day by_org = {.organization_id = step->organization_id, .day = day};
    sw_latency_model_day by_model = {.model = step->model, .day = day};
    sw_spread *one = NULL;
    sw_spread *two = NULL;

    if (step->retired_into.ptr || (!metrics->step_ns.known && !metrics->llm_request_ns.known &&
                                   !metrics->tool_execution_ns.known)) {
        return SW_STATUS_OK;
    }
    one = sw_group_make_spread(group, SW_RECORD_LATENCY_ORG_DAY, &by_org);
    two = sw_group_make_spread(group, SW_RECORD_LATENCY_MODEL_DAY, &by_model);
    if (!one || !two || !spread_move(group, one, metrics, sign) ||
        !spread_move(group, two, metrics, sign)) {
        return sw_group_must(group, sw_no_memory(err), err);
    }
    return SW_STATUS_OK;
}

/* The three histogram fields of either latency record, in the order of sw_spread.times. */
void sw_spread_fields(sw_record_id record, void *row, sw_str *fields[3])
{
    if (record == SW_RECORD_LATENCY_ORG_DAY) {
        sw_latency_org_day *cell = row;
        fields[0] = &cell->step_time;
        fields[1] = &cell->model_time;
        fields[2] = &cell->tool_time;
    } else {
        sw_latency_model_day *cell = row;
        fields[0] = &cell->step_time;
        fields[1] = &cell->model_time;
        fields[2] = &cell->tool_time;
    }
}

static sw_status spread_apply(sw_group *group, const sw_tally *tally, sw_str *field, sw_error *err)
{
    sw_histogram sum = {.count = {0}};
    sw_buf buf;
    sw_status status = SW_STATUS_OK;

    if (!sw_histogram_add(&sum, *field)) {
        return sw_fail(err, SW_STATUS_CORRUPT, "", "a latency histogram is damaged");
    }
    sw_histogram_move(&sum, tally);
    sw_buf_init(&buf, &group->ledger->allocator, 0);
    sw_histogram_encode(&sum, &buf);
    status = buf.status;
    *field = buf.len ? sw_arena_str(&group->arena, sw_buf_str(&buf)) : SW_NULL_STR;
    if (status != SW_STATUS_OK || (buf.len && !field->ptr)) {
        status = sw_no_memory(err);
    }
    sw_buf_fini(&buf);
    return status;
}

static sw_status flush_spread(sw_group *group, sw_spread *spread, sw_error *err)
{
    const sw_record *record = sw_record_of(spread->record);
    void *row = sw_arena_zeroed(&group->arena, record->size);
    sw_str *fields[3];
    sw_status status = SW_STATUS_OK;

    if (!row) {
        return sw_no_memory(err);
    }
    status = sw_store_get(group->session, spread->record, spread->key, &group->arena, row, err);
    if (status == SW_STATUS_NOT_FOUND) {
        memcpy(row, spread->key, record->size);
        status = SW_STATUS_OK;
    }
    sw_spread_fields(spread->record, row, fields);
    for (size_t i = 0; i < 3 && status == SW_STATUS_OK; i++) {
        status = spread_apply(group, &spread->times[i], fields[i], err);
    }
    return status == SW_STATUS_OK ? sw_store_put(group->session, spread->record, row, err) : status;
}

sw_status sw__spreads_flush(sw_group *group, sw_error *err)
{
    sw_status status = SW_STATUS_OK;

    for (size_t i = 0; i < group->spreads.size && status == SW_STATUS_OK; i++) {
        if (group->spreads.slots[i]) {
            status = flush_spread(group, group->spreads.slots[i], err);
        }
    }
    return status;
}
