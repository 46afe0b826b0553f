/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of `usage` as one JSON document. */
#include "cli/usage.h"

void sw_usage_write_totals(sw_cli_json *json, const sw_totals *totals)
{
    for (size_t i = 0; i < sw__total_row_count; i++) {
        const char *at = (const char *)totals + sw__total_rows[i].offset;
        sw_cli_json_int(json, sw__total_rows[i].name, true, *(const int64_t *)(const void *)at);
    }
    sw_cli_json_key(json, "error_rate");
    sw_json_double(&json->out, sw_error_rate(totals));
}

static void write_time(sw_cli_json *json, const char *key, int64_t ns)
{
    sw_cli_json_key(json, key);
    if (ns < 0) {
        sw_json_null(&json->out);
    } else {
        sw_json_int(&json->out, ns);
    }
}

static void write_latency(sw_cli_json *json, const char *key, const sw_latency *latency)
{
    sw_cli_json_key(json, key);
    sw_json_open(&json->out, '{');
    sw_cli_json_int(json, "count", true, latency->count);
    write_time(json, "p50_ns", latency->p50_ns);
    write_time(json, "p95_ns", latency->p95_ns);
    write_time(json, "p99_ns", latency->p99_ns);
    sw_json_close(&json->out, '}');
}

static const char *name_of(const sw_usage_answer *answer, size_t i)
{
    bool folded = i == 0 && answer->first;
    return folded ? answer->first : sw_enum_word(SW_ENUM_dimension, answer->query.by[i]);
}

static void write_group(sw_cli_json *json, const sw_usage_answer *answer,
                        const sw_usage_group *group)
{
    const sw_usage_query *query = &answer->query;
    sw_json_open(&json->out, '{');
    for (size_t i = 0; i < query->by_count; i++) {
        sw_cli_json_str(json, name_of(answer, i), group->keys[i]);
    }
    sw_usage_write_totals(json, &group->totals);
    if (query->latency) {
        write_latency(json, "step_time", &group->step_time);
        write_latency(json, "model_time", &group->model_time);
        write_latency(json, "tool_time", &group->tool_time);
    }
    sw_json_close(&json->out, '}');
}

static void write_end(sw_cli_json *json, const sw_usage_answer *answer)
{
    sw_cli_json_key(json, "total");
    sw_json_open(&json->out, '{');
    sw_usage_write_totals(json, &answer->total);
    sw_json_close(&json->out, '}');
    sw_cli_json_str(json, "source",
                    sw_str_from(sw_enum_word(SW_ENUM_usage_source, answer->end.source)));
    sw_cli_json_int(json, "rows", true, answer->end.rows);
    sw_cli_json_int(json, "cells", true, answer->end.cells);
    sw_cli_json_key(json, "complete");
    sw_json_bool(&json->out, answer->end.complete);
}

sw_status sw_usage_print_json(sw_cli *cli, const sw_usage_answer *answer)
{
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    json.list = "groups";
    sw_json_open(&json.out, '{');
    sw_cli_json_key(&json, "by");
    sw_json_open(&json.out, '[');
    for (size_t i = 0; i < answer->query.by_count; i++) {
        sw_json_str(&json.out, sw_str_from(name_of(answer, i)));
    }
    sw_json_close(&json.out, ']');
    sw_cli_json_key(&json, "groups");
    sw_json_open(&json.out, '[');
    for (size_t i = 0; i < answer->count; i++) {
        write_group(&json, answer, &answer->groups[i]);
    }
    sw_json_close(&json.out, ']');
    write_end(&json, answer);
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}
