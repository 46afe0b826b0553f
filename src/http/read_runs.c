/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as V1 reads them. */
#include "http/live.h"
#include "http/read.h"
#include "ingest/ingest.h"

/* ---- lists --------------------------------------------------------------------------------------- */

/* Room for the values of conditions that are not filter rows. */
typedef struct further {
    sw_value steps;
    sw_value duration;
    sw_condition metrics[SW_LIST_EXTRA];
    size_t count;
} further;

static const sw_value not_ended[] = {{.number = SW_RUN_STATUS_CREATED},
                                     {.number = SW_RUN_STATUS_RUNNING}};

static void only_active(sw_list_query *query)
{
    sw_list_add(query, SW_RUN_STATUS, SW_OP_IN, not_ended, SW_COUNT(not_ended));
}

/* Statuses are text in V1, and an unknown one is told like this. */
static sw_status by_status(sw_request *request, sw_list_query *query, sw_error *err)
{
    const sw_str *words = NULL;
    size_t count = sw_param_texts(request, "statuses", &words);
    sw_value *values = sw_arena_zeroed(&request->arena, (count + 1) * sizeof *values);

    if (!values) {
        return sw_no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        int status = sw_enum_find(SW_ENUM_run_status, words[i]);
        if (status < 0) {
            return sw_answer_fail(request, 400, "'%.*s' is not a valid RunStatus",
                                  (int)sw_utf8_prefix(words[i], 64), words[i].ptr);
        }
        values[i].number = status;
    }
    if (count > 0) {
        sw_list_add(query, SW_RUN_STATUS, SW_OP_IN, values, count);
    } else if (sw_param_int(request, "active").value) {
        only_active(query);
    }
    return SW_STATUS_OK;
}

static sw_status run_query(sw_request *request, sw_list_query *query, sw_error *err)
{
    sw_status status = sw_list_from_params(request, query, err);

    if (status == SW_STATUS_OK && sw_param_given(request, "ascending")) {
        query->ascending = query->ascending || sw_param_int(request, "ascending").value != 0;
    }
    return status == SW_STATUS_OK ? by_status(request, query, err) : status;
}

sw_status sw_http_runs(sw_request *request, sw_error *err)
{
    sw_list_query query;
    sw_status status = run_query(request, &query, err);

    return status == SW_STATUS_OK ? sw_answer_list(request, SW_RECORD_RUN, &query, err) : status;
}

sw_status sw_http_runs_active(sw_request *request, sw_error *err)
{
    sw_list_query query;
    sw_status status = sw_list_from_params(request, &query, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    query.limit = 100;
    only_active(&query);
    return sw_answer_list(request, SW_RECORD_RUN, &query, err);
}

/* ---- V1's internal list --------------------------------------------------------------------------- */

static void add_metrics(further *f, uint8_t field, sw_op op, const sw_value *value)
{
    sw_assert(f->count < SW_COUNT(f->metrics));
    f->metrics[f->count++] = (sw_condition){field, op, value, 1};
}

/* A value without its operator, or the other way round, says nothing. */
static bool both_or_none(sw_request *request, const char *a, const char *b)
{
    bool has_a = sw_param_given(request, a);
    bool has_b = sw_param_given(request, b);

    if (has_a != has_b) {
        sw_request_invalid(request, "missing", "query", has_a ? b : a, "Field required",
                           SW_NULL_STR, NULL);
    }
    return has_a && has_b;
}

static void by_numbers(sw_request *request, further *f)
{
    static const sw_op comparison[] = {[SW_COMPARISON_EQ] = SW_OP_EQ,
                                       [SW_COMPARISON_GTE] = SW_OP_GE,
                                       [SW_COMPARISON_LTE] = SW_OP_LE};
    static const sw_op longer[] = {[SW_DURATION_OPERATOR_GT] = SW_OP_GT,
                                   [SW_DURATION_OPERATOR_LT] = SW_OP_LT,
                                   [SW_DURATION_OPERATOR_EQ] = SW_OP_EQ};

    if (sw_param_given(request, "step_count")) {
        f->steps.number = sw_param_int(request, "step_count").value;
        add_metrics(f, SW_RUN_METRICS_NUM_STEPS,
                    comparison[sw_param_int(request, "step_count_operator").value], &f->steps);
    }
    if (both_or_none(request, "duration_value", "duration_operator")) {
        f->duration.number = sw_param_int(request, "duration_value").value;
        add_metrics(f, SW_RUN_METRICS_RUN_NS,
                    longer[sw_param_int(request, "duration_operator").value], &f->duration);
    }
}

/* Filter rows over the metrics come first, then those with an operator of their own. */
static sw_status join_metrics(sw_request *request, const further *f, sw_list_query *query,
                              sw_error *err)
{
    size_t count = query->metrics_condition_count;
    sw_condition *all = sw_arena_zeroed(&request->arena, (count + f->count + 1) * sizeof *all);

    if (!all) {
        return sw_no_memory(err);
    }
    if (count > 0) {
        memcpy(all, query->metrics_conditions, count * sizeof *all);
    }
    memcpy(all + count, f->metrics, f->count * sizeof *all);
    query->metrics_conditions = all;
    query->metrics_condition_count = count + f->count;
    return SW_STATUS_OK;
}

sw_status sw_http_internal_runs(sw_request *request, sw_error *err)
{
    sw_list_query query;
    further f = {.count = 0};
    sw_status status = run_query(request, &query, err);

    by_numbers(request, &f);
    if (status == SW_STATUS_OK && sw_request_is_invalid(request)) {
        return SW_STATUS_INVALID;
    }
    if (status == SW_STATUS_OK) {
        status = join_metrics(request, &f, &query, err);
    }
    query.by_duration = sw_param_int(request, "order_by").value == SW_RUN_ORDER_BY_DURATION;
    query.duration_percentile = sw_param_int(request, "duration_percentile");
    return status == SW_STATUS_OK ? sw_answer_list(request, SW_RECORD_RUN, &query, err) : status;
}

/* ---- one run -------------------------------------------------------------------------------------- */

/* V1 answers null. Its older clients, which say who they are, cannot read that and expect the run. */
sw_status sw_http_run_delete(sw_request *request, sw_error *err)
{
    sw_str id = sw_path_value(request, 0);
    bool shows = sw_request_header(request, "X-Fern-SDK-Name").ptr != NULL;
    sw_run run;
    sw_outcome outcome;
    sw_status status = sw__get_row(request, SW_RECORD_RUN, id, &run, err);

    if (status == SW_STATUS_OK) {
        status =
            sw_run_delete(sw_server_ledger(request->server), &request->actor, id, &outcome, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    sw_answer_seq(request, &outcome);
    if (shows) {
        sw_answer_record(request, 200, SW_RECORD_RUN, &run);
    } else {
        sw_answer_null(request);
    }
    return status;
}

sw_status sw_http_runs_metrics(sw_request *request, sw_error *err)
{
    return sw__answer_named(request, SW_RECORD_RUN_METRICS, "run_id", err);
}

sw_status sw_http_run_messages(sw_request *request, sw_error *err)
{
    sw_run run;
    sw_status status = sw__get_row(request, SW_RECORD_RUN, sw_path_value(request, 0), &run, err);
    uint32_t types = 0;

    if (status != SW_STATUS_OK) {
        return status;
    }
    types = sw_letta_types_of_config(run.request_config, &request->arena);
    return sw__answer_messages(request, SW_MESSAGE_RUN_ID, run.id, run.agent_id, types, err);
}

sw_status sw_http_run_steps(sw_request *request, sw_error *err)
{
    sw_run run;
    sw_list_query query;
    sw_value id;
    sw_status status = sw__get_row(request, SW_RECORD_RUN, sw_path_value(request, 0), &run, err);

    if (status == SW_STATUS_OK) {
        status = sw_list_from_params(request, &query, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    id.text = run.id;
    sw_list_add(&query, SW_STEP_RUN_ID, SW_OP_EQ, &id, 1);
    return sw_answer_list(request, SW_RECORD_STEP, &query, err);
}

sw_status sw_http_run_trace(sw_request *request, sw_error *err)
{
    sw_run run;
    bool complete = true;
    sw_status status = sw__get_row(request, SW_RECORD_RUN, sw_path_value(request, 0), &run, err);

    if (status == SW_STATUS_OK) {
        status = sw_ingest_show(sw_server_live(request->server)->ingest, &run,
                                sw_param_int(request, "limit").value, sw_answer_json(request, 200),
                                &complete, err);
    }
    if (status == SW_STATUS_OK && !complete) {
        sw_answer_header(request, "Stepwell-Complete", "false");
    }
    return status;
}

sw_status sw_http_run_stream(sw_request *request, sw_error *err)
{
    (void)err;
    return sw_answer_fail(
        request, 501,
        "Stepwell records runs and does not execute them, so there is no output to "
        "stream; follow steps with GET /v1/steps/stream");
}

/* ---- usage ---------------------------------------------------------------------------------------- */

/* A sum that no step reported is null; a reported zero is 0. */
static void put_sum(sw_json_out *out, const char *name, sw_int sum, sw_int known)
{
    sw_json_key(out, sw_str_from(name));
    if (known.value > 0) {
        sw_json_int(out, sum.value);
    } else {
        sw_json_null(out);
    }
}

static void put_number(sw_json_out *out, const char *name, sw_int value)
{
    sw_json_key(out, sw_str_from(name));
    sw_json_int(out, value.value);
}

static void put_prompt_details(sw_json_out *out, const sw_run_metrics *m)
{
    sw_json_key(out, SW_STR("prompt_tokens_details"));
    if (m->cached_known.value == 0 && m->cache_write_known.value == 0) {
        sw_json_null(out);
        return;
    }
    sw_json_open(out, '{');
    put_sum(out, "cached_tokens", m->cached_input_tokens, m->cached_known);
    put_sum(out, "cache_read_tokens", m->cached_input_tokens, m->cached_known);
    put_sum(out, "cache_creation_tokens", m->cache_write_tokens, m->cache_write_known);
    sw_json_close(out, '}');
}

static void put_completion_details(sw_json_out *out, const sw_run_metrics *m)
{
    sw_json_key(out, SW_STR("completion_tokens_details"));
    if (m->reasoning_known.value == 0) {
        sw_json_null(out);
        return;
    }
    sw_json_open(out, '{');
    put_sum(out, "reasoning_tokens", m->reasoning_tokens, m->reasoning_known);
    sw_json_close(out, '}');
}

/* V1's members first, then what V1 computes and does not show. */
sw_status sw_http_run_usage(sw_request *request, sw_error *err)
{
    sw_run_metrics m;
    sw_json_out *out = NULL;
    sw_status status = sw_run_usage(sw_server_ledger(request->server), &request->actor,
                                    sw_path_value(request, 0), request->memory, &m, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    out = sw_answer_json(request, 200);
    sw_json_open(out, '{');
    put_number(out, "completion_tokens", m.completion_tokens);
    put_number(out, "prompt_tokens", m.prompt_tokens);
    put_number(out, "total_tokens", m.total_tokens);
    put_prompt_details(out, &m);
    put_completion_details(out, &m);
    put_number(out, "step_count", m.num_steps);
    put_sum(out, "cached_input_tokens", m.cached_input_tokens, m.cached_known);
    put_sum(out, "cache_write_tokens", m.cache_write_tokens, m.cache_write_known);
    put_sum(out, "reasoning_tokens", m.reasoning_tokens, m.reasoning_known);
    put_number(out, "cost_nano_usd", m.cost_nano_usd);
    put_number(out, "steps_of_unknown_usage", m.usage_unknown);
    put_number(out, "steps_of_unknown_cost", m.cost_unknown);
    sw_json_close(out, '}');
    return SW_STATUS_OK;
}
