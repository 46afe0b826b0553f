/* SPDX-License-Identifier: Apache-2.0 */
/* Of two tellings of one call the better one stays, and what it leaves out is taken from the other: the time to the first
 * token, which no transcript knows, what the sender says it cost, who served it and how. Tokens are not: they come all
 * from one telling (telemetry_join.c).
 *
 * What was filled in stays when the better telling is told again, though that is known to be all it says (restate.c).
 */
#include "ledger/price.h"
#include "ledger/telemetry_inside.h"

#define HOLES                                                                                      \
    (SW_MASK(SW_STEP_PROVIDER_NAME) | SW_MASK(SW_STEP_MODEL) | SW_MASK(SW_STEP_MODEL_ENDPOINT) |   \
     SW_MASK(SW_STEP_CONTEXT_WINDOW_LIMIT) | SW_MASK(SW_STEP_SERVICE_TIER) |                       \
     SW_MASK(SW_STEP_REQUEST_ID) | SW_MASK(SW_STEP_END_USER))

/* What `from` knows and `row` does not. */
static uint64_t missing(const sw_step *row, const sw_step *from)
{
    const sw_record *record = sw_record_of(SW_RECORD_STEP);

    return HOLES & sw_row_mask(record, from) & ~sw_row_mask(record, row);
}

static void copy(uint64_t fields, sw_step *row, const sw_step *from)
{
    for (; fields; fields &= fields - 1) {
        sw_field_copy(&sw_record_of(SW_RECORD_STEP)->fields[__builtin_ctzll(fields)], row, from);
    }
}

/* ---- from another telling -------------------------------------------------------------------------- */

static void fill_row(sw_step *row, const sw_step *from)
{
    copy(missing(row, from), row, from);
    if (from->cost_nano_usd.known && sw__cost_is_given(from) && !sw__cost_is_given(row)) {
        row->cost_nano_usd = from->cost_nano_usd;
        row->price_id = from->price_id;
        sw__cost_given(row);
    }
}

static sw_status get_metrics(sw_group *group, sw_str step_id, sw_step_metrics *out, sw_error *err)
{
    sw_step_metrics key = {.id = step_id};
    sw_status status =
        sw_store_get(group->session, SW_RECORD_STEP_METRICS, &key, &group->arena, out, err);

    if (status == SW_STATUS_NOT_FOUND) {
        *out = (sw_step_metrics){.id = SW_NULL_STR};
    }
    status = sw_group_may(group, status, SW_STATUS_NOT_FOUND, err);
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

/* A step without timings gets none: they would have no beginning. */
static sw_status fill_times(sw_group *group, const sw_task *task, const sw_step *row,
                            const sw_step_metrics *from, sw_error *err)
{
    sw_step_metrics given = {.ttft_ns = from->ttft_ns};
    sw_step_entry entry = {.metrics = &given};
    sw_step_metrics has;
    sw_parts parts;
    sw_outcome outcome;
    sw_status status = SW_STATUS_OK;

    if (!from->ttft_ns.known) {
        return SW_STATUS_OK;
    }
    status = get_metrics(group, row->id, &has, err);
    if (status != SW_STATUS_OK || !has.id.ptr || has.ttft_ns.known) {
        return status;
    }
    status = sw__parts_prepare(group, task, row, &entry, false, &parts, err);
    if (status == SW_STATUS_OK) {
        status = sw__parts_write(group, task, row, &parts, err);
    }
    return status == SW_STATUS_OK ? sw__parts_tell(group, task, row, &parts, &outcome, err)
                                  : status;
}

static sw_status fill(sw_group *group, const sw_task *task, const sw_step *survivor,
                      const sw_step *from, const sw_step_metrics *times, sw_error *err)
{
    sw_step row = *survivor;
    int64_t seq = 0;
    sw_status status = SW_STATUS_OK;

    fill_row(&row, from);
    if (!sw_row_equal(sw_record_of(SW_RECORD_STEP), survivor, &row)) {
        status = sw_group_change_step(group, task, survivor, &row, SW_CHANGE_RESTATED, &seq, err);
    }
    return status == SW_STATUS_OK && times ? fill_times(group, task, &row, times, err) : status;
}

sw_status sw__telemetry_fill(sw_group *group, const sw_task *task, const sw_step *survivor,
                             const sw_step *from, sw_error *err)
{
    sw_step_metrics times;
    sw_status status = get_metrics(group, from->id, &times, err);

    return status == SW_STATUS_OK ? fill(group, task, survivor, from, &times, err) : status;
}

sw_status sw__telemetry_fill_told(sw_group *group, const sw_task *task, const sw_step *survivor,
                                  const sw_step_entry *told, sw_error *err)
{
    return fill(group, task, survivor, &told->step, told->metrics, err);
}

/* ---- when the better telling is told again ---------------------------------------------------------- */

static sw_status is_told(sw_group *group, sw_str step_id, bool *out, sw_error *err)
{
    sw_rows rows = {.count = 0};
    sw_status status =
        sw_group_gather_of(group, SW_RECORD_STEP_ALIAS, SW_STEP_ALIAS_STEP_ID, step_id, &rows, err);

    *out = false;
    for (size_t i = 0; i < rows.count && status == SW_STATUS_OK && !*out; i++) {
        const sw_step_alias *alias = (const sw_step_alias *)(const void *)rows.rows + i;
        *out = sw_str_eq(alias->kind, SW_STR("merged"));
    }
    return status;
}

sw_status sw__telemetry_keep(sw_group *group, const sw_step *old, sw_step *row, sw_error *err)
{
    uint64_t gone = missing(row, old);
    bool told = false;
    sw_status status = gone ? is_told(group, old->id, &told, err) : SW_STATUS_OK;

    if (told) {
        copy(gone, row, old);
    }
    return status;
}

sw_status sw__telemetry_keep_times(sw_group *group, const sw_parts *parts, sw_error *err)
{
    const sw_step_metrics *old = &parts->old_metrics;
    bool gone = parts->metrics_exist && old->ttft_ns.known && !parts->metrics->ttft_ns.known;
    bool told = false;
    sw_status status = gone ? is_told(group, old->id, &told, err) : SW_STATUS_OK;

    if (told) {
        parts->metrics->ttft_ns = old->ttft_ns;
    }
    return status;
}
