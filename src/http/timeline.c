/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/runs/{run_id}/timeline: the steps of a run with their timings, as little of each as a picture over time needs,
 * so that a run of a hundred thousand steps is there in a second. Which members those are is told here; what they mean is
 * the records' business.
 */
#include "http/read.h"
#include "http/walk.h"

static const uint64_t step_fields =
    SW_FIELD_BIT(SW_STEP_ID) | SW_FIELD_BIT(SW_STEP_CREATED_AT) | SW_FIELD_BIT(SW_STEP_STATUS) |
    SW_FIELD_BIT(SW_STEP_PARENT_STEP_ID) | SW_FIELD_BIT(SW_STEP_MODEL) |
    SW_FIELD_BIT(SW_STEP_TOTAL_TOKENS) | SW_FIELD_BIT(SW_STEP_COST_NANO_USD) |
    SW_FIELD_BIT(SW_STEP_ERROR_TYPE);

static const uint64_t metrics_fields =
    SW_FIELD_BIT(SW_STEP_METRICS_STEP_START_NS) |
    SW_FIELD_BIT(SW_STEP_METRICS_LLM_REQUEST_START_NS) |
    SW_FIELD_BIT(SW_STEP_METRICS_LLM_REQUEST_NS) | SW_FIELD_BIT(SW_STEP_METRICS_TOOL_EXECUTION_NS) |
    SW_FIELD_BIT(SW_STEP_METRICS_STEP_NS) | SW_FIELD_BIT(SW_STEP_METRICS_TTFT_NS);

/* A step without timings, or whose timings are gone meanwhile, stands there without them. */
static void write_timed(sw_walk *walk, const sw_step *step, sw_buf *out)
{
    sw_request *request = walk->request;
    sw_step_metrics metrics;
    sw_error err;
    sw_json_out json;
    sw_status status = sw_get(sw_server_ledger(request->server), &request->actor,
                              SW_RECORD_STEP_METRICS, step->id, walk->memory, &metrics, &err);
    sw_json_out_init(&json, out, false);
    sw_json_open(&json, '{');
    sw_record_write_known(SW_RECORD_STEP, step_fields, step, &json);
    if (status == SW_STATUS_OK) {
        sw_record_write_known(SW_RECORD_STEP_METRICS, metrics_fields, &metrics, &json);
    } else if (status != SW_STATUS_NOT_FOUND) {
        out->status = status; /* the client sees that the answer is not whole */
    }
    sw_json_close(&json, '}');
    sw_buf_addc(out, '\n');
}

sw_status sw_http_run_timeline(sw_request *request, sw_error *err)
{
    sw_run run;
    sw_walk *walk = NULL;
    sw_value *id = sw_arena_zeroed(&request->arena, sizeof *id);
    sw_status status =
        id ? sw__get_row(request, SW_RECORD_RUN, sw_path_value(request, 0), &run, err)
           : sw_no_memory(err);
    if (status == SW_STATUS_OK) {
        status = sw__walk_make(request, write_timed, &walk, err);
    }
    if (status == SW_STATUS_OK) {
        status = sw_list_from_params(request, &walk->query, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    walk->memory = sw_memory_new(request->arena.from);
    if (!walk->memory) {
        return sw_no_memory(err);
    }
    id->text = run.id;
    sw_list_add(&walk->query, SW_STEP_RUN_ID, SW_OP_EQ, id, 1);
    walk->query.ascending = true;
    walk->query.fields = step_fields;
    return sw__walk_answer(walk, "application/x-ndjson", err);
}
