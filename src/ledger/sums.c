/* SPDX-License-Identifier: Apache-2.0 */
/* What a step adds to a sum, which sums hold it, and how sums lie in the records that keep them. Plain
 * arithmetic: no store, no memory. Both the write path and verify use it, on purpose: verify proves
 * that the moves were made, not that addition works.
 */
#include "ledger/internal.h"

const sw_rollup sw__rollups[SW_ROLLUP_COUNT] = {
    [SW_ROLLUP_PROJECT_DAY] = {SW_RECORD_USAGE_PROJECT_DAY, SW_USAGE_PROJECT_DAY_NUM_STEPS,
                               SW_USAGE_PROJECT_DAY_FAILED_STEPS},
    [SW_ROLLUP_ORG_HOUR] = {SW_RECORD_USAGE_ORG_HOUR, SW_USAGE_ORG_HOUR_NUM_STEPS,
                            SW_USAGE_ORG_HOUR_FAILED_STEPS},
    [SW_ROLLUP_MODEL_DAY] = {SW_RECORD_USAGE_MODEL_DAY, SW_USAGE_MODEL_DAY_NUM_STEPS,
                             SW_USAGE_MODEL_DAY_FAILED_STEPS},
    [SW_ROLLUP_AGENT_DAY] = {SW_RECORD_USAGE_AGENT_DAY, SW_USAGE_AGENT_DAY_NUM_STEPS,
                             SW_USAGE_AGENT_DAY_FAILED_STEPS},
    [SW_ROLLUP_RUN] = {SW_RECORD_RUN_METRICS, SW_RUN_METRICS_NUM_STEPS,
                       SW_RUN_METRICS_FAILED_STEPS},
};

static const char *const sum_names[] = {
    "num_steps",
#define SW_FIELD(KIND, NAME, DOC, ...) #NAME,
#include "model/totals.def"
#undef SW_FIELD
};
_Static_assert(SW_COUNT(sum_names) == SW_SUMS,
               "sw_totals has num_steps and the rows of totals.def");

const char *sw_sums_name(size_t i)
{
    sw_assert(i < SW_SUMS);
    return sum_names[i];
}

void sw_sums_of_step(const sw_step *step, sw_sums *out)
{
    sw_totals t = {0};

    if (!step->retired_into.ptr) {
        t.num_steps = 1;
        t.failed_steps = step->status.value == SW_STEP_STATUS_FAILED;
        t.prompt_tokens = step->prompt_tokens.value;
        t.completion_tokens = step->completion_tokens.value;
        t.total_tokens = step->total_tokens.value;
        t.cached_input_tokens = step->cached_input_tokens.value;
        t.cache_write_tokens = step->cache_write_tokens.value;
        t.reasoning_tokens = step->reasoning_tokens.value;
        t.cost_nano_usd = step->cost_nano_usd.value;
        t.cached_known = step->cached_input_tokens.known;
        t.cache_write_known = step->cache_write_tokens.known;
        t.reasoning_known = step->reasoning_tokens.known;
        t.usage_unknown = step->usage_state.value != SW_USAGE_STATE_REPORTED;
        t.cost_unknown = !step->cost_nano_usd.known;
    }
    memcpy(out, &t, sizeof *out);
}

double sw_error_rate(const sw_totals *totals)
{
    return totals->num_steps > 0 ? (double)totals->failed_steps / (double)totals->num_steps : 0;
}

void sw_sums_add(sw_sums *to, const sw_sums *delta, int sign)
{
    for (size_t i = 0; i < SW_SUMS; i++) {
        to->v[i] += sign * delta->v[i];
    }
}

static sw_int *sum_field(const sw_rollup *rollup, size_t i, void *row)
{
    const sw_record *record = sw_record_of(rollup->record);
    size_t field = i == 0 ? rollup->num_steps : rollup->first + i - 1;
    sw_assert(record->fields[field].flags & SW_COUNTER);
    return sw_field_int(&record->fields[field], row);
}

void sw_sums_to_row(const sw_rollup *rollup, const sw_sums *sums, void *row)
{
    sw_int *first = sum_field(rollup, 1, row); /* the others lie behind it */

    *sum_field(rollup, 0, row) = sw_int_of(sums->v[0]);
    for (size_t i = 1; i < SW_SUMS; i++) {
        first[i - 1] = sw_int_of(sums->v[i]);
    }
}

void sw_sums_from_row(const sw_rollup *rollup, const void *row, sw_sums *out)
{
    const sw_record *record = sw_record_of(rollup->record);

    for (size_t i = 0; i < SW_SUMS; i++) {
        size_t field = i == 0 ? rollup->num_steps : rollup->first + i - 1;
        out->v[i] = sw_field_number(&record->fields[field], row).value;
    }
}

bool sw_rollup_key(size_t which, const sw_step *step, void *row)
{
    int64_t day = sw_time_day(step->created_at.value);

    memset(row, 0, sw_record_of(sw__rollups[which].record)->size);
    if (which == SW_ROLLUP_PROJECT_DAY) {
        sw_usage_project_day *cell = row;
        cell->organization_id = step->organization_id;
        cell->project_id = step->project_id;
        cell->day = sw_int_of(day);
        cell->model = step->model;
        cell->status = step->status;
    } else if (which == SW_ROLLUP_ORG_HOUR) {
        sw_usage_org_hour *cell = row;
        int64_t us = step->created_at.value - day * INT64_C(86400000000);
        cell->organization_id = step->organization_id;
        cell->hour = sw_int_of(day * 24 + us / INT64_C(3600000000));
    } else if (which == SW_ROLLUP_MODEL_DAY) {
        sw_usage_model_day *cell = row;
        cell->model = step->model;
        cell->day = sw_int_of(day);
    } else if (which == SW_ROLLUP_AGENT_DAY) {
        sw_usage_agent_day *cell = row;
        cell->organization_id = step->organization_id;
        cell->agent_id = step->agent_id;
        cell->day = sw_int_of(day);
    } else {
        sw_run_metrics *cell = row;
        sw_assert(which == SW_ROLLUP_RUN);
        cell->id = step->run_id;
        return step->run_id.ptr != NULL;
    }
    return true;
}
