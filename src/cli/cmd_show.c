/* SPDX-License-Identifier: Apache-2.0 */
/* show: everything about one record. A step comes with its timings, messages and provider traces, a
 * run with its totals, its steps and the runs it started; any other record with its fields.
 */
#include "cli/bar.h"
#include "cli/show.h"
#include "cli/source.h"

#include "codec/record.h"

/* A list that belongs to the record: which rows, and under which heading. */
typedef struct children {
    sw_record_id record;
    uint8_t field; /* of theirs: holds our id */
    const char *heading;
    const char *key; /* in JSON */
    int64_t limit;   /* 0: all */
} children;

typedef struct showing {
    sw_cli *cli;
    sw_cli_json *json; /* NULL: for people */
    const children *what;
    sw_step_table *steps;
    bool any;
} showing;

/* ---- which record ---------------------------------------------------------------------------- */

static sw_status get(sw_cli *cli, sw_record_id record, sw_str id, void **row)
{
    *row = sw_arena_zeroed(&cli->arena, sw_record_of(record)->size);
    if (!*row) {
        return sw_no_memory(&cli->error);
    }
    return sw_source_get(cli, record, id, &cli->arena, *row);
}

/* An id whose beginning names no record, perhaps without its prefix: a step's, else a run's. */
static sw_status guess(sw_cli *cli, sw_str id, sw_record_id *record, void **row)
{
    uint8_t uuid[SW_UUID];
    const sw_record_id candidates[] = {SW_RECORD_STEP, SW_RECORD_RUN};
    sw_status status = SW_STATUS_NOT_FOUND;
    for (size_t i = 0; i < SW_COUNT(candidates) && status != SW_STATUS_OK; i++) {
        sw_str whole = id;
        if (sw_uuid_parse(id, uuid)) {
            whole = sw_arena_printf(&cli->arena, "%s-%s", sw_record_of(candidates[i])->prefix,
                                    cli->argument);
        }
        cli->error = (sw_error){0};
        *record = candidates[i];
        status = get(cli, candidates[i], whole, row);
        if (status != SW_STATUS_OK && status != SW_STATUS_NOT_FOUND &&
            status != SW_STATUS_INVALID_ID) {
            break;
        }
    }
    return status;
}

static sw_status find(sw_cli *cli, sw_record_id *record, void **row)
{
    sw_str id = sw_str_from(cli->argument);
    int known = sw_cli_record_of_id(id);
    if (known < 0) {
        return guess(cli, id, record, row);
    }
    *record = (sw_record_id)known;
    return get(cli, *record, id, row);
}

/* ---- what belongs to it ---------------------------------------------------------------------- */

static void print_trace(sw_cli *cli, const sw_provider_trace *trace)
{
    fprintf(cli->out, "  %.*s\n", (int)trace->id.len, sw_text_or_blank(trace->id));
    fprintf(cli->out, "    request  %s\n",
            sw_text_or_blank(sw_text_clean(&cli->arena, trace->request_json, false)));
    fprintf(cli->out, "    response %s\n",
            sw_text_or_blank(sw_text_clean(&cli->arena, trace->response_json, false)));
}

static void print_run(sw_cli *cli, const sw_run *run)
{
    const char *status = sw_enum_word(SW_ENUM_run_status, run->status.value);
    sw_str when = sw_zone_show(&cli->arena, &cli->zone, run->created_at.value);
    fprintf(cli->out, "  %s  %-9s  %.*s\n", sw_text_or_blank(when), status ? status : "?",
            (int)run->id.len, sw_text_or_blank(run->id));
}

static bool each_child(void *arg, const void *row)
{
    showing *at = arg;
    sw_cli *cli = at->cli;
    if (at->json) {
        sw_record_write_json(at->what->record, row, &at->json->out);
        return at->json->buf.status == SW_STATUS_OK;
    }
    if (!at->any) {
        sw_show_heading(cli, at->what->heading);
        at->any = true;
    }
    if (at->what->record == SW_RECORD_STEP) {
        sw_step_table_add(at->steps, row);
    } else if (at->what->record == SW_RECORD_MESSAGE) {
        sw_show_message(cli, row);
    } else if (at->what->record == SW_RECORD_RUN) {
        print_run(cli, row);
    } else {
        print_trace(cli, row);
    }
    return true;
}

static sw_status list_children(showing *at, sw_str id, sw_list_end *end)
{
    const children *what = at->what;
    sw_value value = {.text = id};
    sw_condition condition = {.field = what->field, .op = SW_OP_EQ, .values = &value, .count = 1};
    sw_list_query query = {.conditions = &condition,
                           .condition_count = 1,
                           .ascending = true,
                           .limit = what->limit > 0 ? what->limit : -1,
                           .look_limit = -1};
    return sw_source_list(at->cli, what->record, &query, each_child, at, end);
}

static sw_status show_children(sw_cli *cli, sw_cli_json *json, const children *what, sw_str id)
{
    sw_step_table steps;
    sw_list_end end = {0};
    showing at = {.cli = cli, .json = json, .what = what, .steps = &steps};
    if (json) {
        sw_cli_json_key(json, what->key);
        sw_json_open(&json->out, '[');
    }
    sw_step_table_init(&steps, cli, false);
    sw_status status = list_children(&at, id, &end);
    if (status == SW_STATUS_OK && !json) {
        status = sw_step_table_print(&steps);
    }
    sw_step_table_fini(&steps);
    if (json) {
        sw_json_close(&json->out, ']');
    } else if (status == SW_STATUS_OK && !end.complete) {
        fprintf(cli->out, "  ... and more; --limit 0 shows all\n");
    }
    return status;
}

/* ---- a step, a run, anything else ------------------------------------------------------------ */

static void show_row(sw_cli *cli, sw_cli_json *json, const char *key, sw_record_id record,
                     const void *row)
{
    if (json) {
        sw_cli_json_key(json, key);
        sw_record_write_json(record, row, &json->out);
    } else {
        sw_show_fields(cli, record, row, record, NULL);
    }
}

/* The step's time as a bar: the model, then tools and the rest. */
static void print_bar(sw_cli *cli, const sw_step *step, const sw_step_metrics *metrics)
{
    enum { WIDTH = 50, INDENT = 31 };
    int width = cli->terminal.limit > 0 ? cli->terminal.limit - INDENT : WIDTH;
    sw_span_of_step span = sw_span_of(step, metrics);
    if (span.step_ns.known) {
        sw_str bar = sw_bar_show(&cli->arena, &span, span.begun_us, span.ended_us,
                                 width > WIDTH ? WIDTH : width);
        fprintf(cli->out, "  %-28s %s\n", "model, tools and the rest", sw_text_or_blank(bar));
    }
}

/* The timings of a step or the totals of a run: `of` is the record they belong to. A step may have
 * none. */
static sw_status show_metrics(sw_cli *cli, sw_cli_json *json, sw_record_id record, sw_record_id of,
                              const void *owner, sw_str id)
{
    void *row = NULL;
    sw_status status = get(cli, record, id, &row);
    if (json) {
        sw_cli_json_key(json, "metrics");
        if (status == SW_STATUS_OK) {
            sw_record_write_json(record, row, &json->out);
        } else {
            sw_json_null(&json->out);
        }
    } else if (status == SW_STATUS_OK) {
        sw_show_heading(cli, record == SW_RECORD_STEP_METRICS ? "Timings" : "Totals");
        sw_show_fields(cli, record, row, of, owner);
        if (record == SW_RECORD_STEP_METRICS) {
            print_bar(cli, owner, row);
        }
    }
    return status == SW_STATUS_NOT_FOUND ? SW_STATUS_OK : status;
}

static sw_status show_all_children(sw_cli *cli, sw_cli_json *json, const children *lists,
                                   size_t count, sw_str id)
{
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
        status = show_children(cli, json, &lists[i], id);
    }
    return status;
}

static sw_status show_step(sw_cli *cli, sw_cli_json *json, const sw_step *step)
{
    static const children lists[] = {
        {SW_RECORD_MESSAGE, SW_MESSAGE_STEP_ID, "Messages", "messages", 0},
        {SW_RECORD_PROVIDER_TRACE, SW_PROVIDER_TRACE_STEP_ID, "Provider traces", "provider_traces",
         0},
    };
    show_row(cli, json, "step", SW_RECORD_STEP, step);
    sw_status status =
        show_metrics(cli, json, SW_RECORD_STEP_METRICS, SW_RECORD_STEP, step, step->id);
    return status == SW_STATUS_OK ? show_all_children(cli, json, lists, SW_COUNT(lists), step->id)
                                  : status;
}

static sw_status show_run(sw_cli *cli, sw_cli_json *json, const sw_run *run)
{
    const children lists[] = {
        {SW_RECORD_STEP, SW_STEP_RUN_ID, "Steps", "steps", sw_cli_count(cli, SW_OPTION_LIMIT)},
        {SW_RECORD_RUN, SW_RUN_PARENT_RUN_ID, "Runs it started", "sub_runs", 0},
    };
    show_row(cli, json, "run", SW_RECORD_RUN, run);
    sw_status status = show_metrics(cli, json, SW_RECORD_RUN_METRICS, SW_RECORD_RUN, run, run->id);
    return status == SW_STATUS_OK ? show_all_children(cli, json, lists, SW_COUNT(lists), run->id)
                                  : status;
}

static sw_status show(sw_cli *cli, sw_cli_json *json)
{
    sw_record_id record = SW_RECORD_STEP;
    void *row = NULL;
    sw_status status = find(cli, &record, &row);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (record == SW_RECORD_STEP) {
        return show_step(cli, json, row);
    }
    if (record == SW_RECORD_RUN) {
        return show_run(cli, json, row);
    }
    show_row(cli, json, sw_record_of(record)->name, record, row);
    return SW_STATUS_OK;
}

static sw_status show_json(sw_cli *cli)
{
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_status status = show(cli, &json);
    sw_json_close(&json.out, '}');
    if (status == SW_STATUS_OK) {
        return sw_cli_json_end(cli, &json);
    }
    sw_buf_fini(&json.buf);
    return status;
}

int sw_cli_show(sw_cli *cli)
{
    sw_status status = sw_cli_source(cli, false);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    status = sw_cli_is_data(cli) ? show_json(cli) : show(cli, NULL);
    bool odd_id = status == SW_STATUS_INVALID && cli->source->is_server;
    if (status == SW_STATUS_NOT_FOUND || status == SW_STATUS_INVALID_ID || odd_id) {
        cli->error = (sw_error){0};
        status = sw_fail(&cli->error, SW_STATUS_NOT_FOUND, "", "nothing is called %s here",
                         cli->argument);
        return sw_cli_fail(cli, status, "stepwell steps --limit 5 lists some");
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
