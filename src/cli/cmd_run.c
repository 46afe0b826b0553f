/* SPDX-License-Identifier: Apache-2.0 */
/* run: one run from its beginning to its end: what it came to, when each step ran, and what was said. Of a
 * long run the first and the last steps are shown, and how many there are between them; memory and time
 * follow what is shown, not the run.
 */
#include "cli/bar.h"
#include "cli/show.h"
#include "cli/source.h"
#include "cli/usage.h"
#include "codec/record.h"

enum { BAR = 40, BAR_LEAST = 12, REST = 66 };

typedef struct shown_step {
    sw_step step;
    sw_step_metrics metrics;
    bool has_metrics;
    sw_span_of_step span;
} shown_step;

typedef struct transcript {
    sw_cli *cli;
    sw_run run;
    sw_run_metrics metrics;
    bool has_metrics;
    shown_step *steps;
    size_t count;
    size_t room;
    size_t gap_at; /* steps before the gap */
    int64_t gap;   /* steps that are left out there */
    sw_cli_json json;
    bool data; /* write to it, not for people */
} transcript;

/* ---- gathering --------------------------------------------------------------------------------- */

static bool keep_step(void *arg, const void *row)
{
    transcript *t = arg;
    sw_arena *arena = &t->cli->arena;
    shown_step *steps = sw_arena_grow(arena, t->steps, t->count, &t->room, sizeof *steps);
    if (!steps) {
        return false;
    }
    t->steps = steps;
    steps[t->count] = (shown_step){.has_metrics = false};
    return sw_row_copy(sw_record_of(SW_RECORD_STEP), &steps[t->count++].step, row, arena);
}

/* `limit` more of them (-1: all), from the beginning or from the end. */
static sw_status list_steps(transcript *t, bool ascending, int64_t limit)
{
    const sw_value id = {.text = t->run.id};
    const sw_condition of_run = {SW_STEP_RUN_ID, SW_OP_EQ, &id, 1};
    const sw_list_query query = {
        .conditions = &of_run, .condition_count = 1, .ascending = ascending, .limit = limit};
    sw_list_end end;
    sw_status status = sw_source_list(t->cli, SW_RECORD_STEP, &query, keep_step, t, &end);
    return status == SW_STATUS_OK && t->cli->arena.failed ? sw_no_memory(&t->cli->error) : status;
}

static void turn_around(shown_step *steps, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        shown_step step = steps[i];
        steps[i] = steps[count - 1 - i];
        steps[count - 1 - i] = step;
    }
}

/* All, or the first and the last half of as many as --limit says. */
static sw_status gather_steps(transcript *t)
{
    int64_t limit = sw_cli_count(t->cli, SW_OPTION_LIMIT);
    int64_t all = t->has_metrics ? t->metrics.num_steps.value : 0;
    if (limit == 0 || all <= limit) {
        return list_steps(t, true, limit == 0 ? -1 : limit + 1);
    }
    int64_t half = (limit + 1) / 2;
    sw_status status = list_steps(t, true, half);
    t->gap_at = t->count;
    if (status == SW_STATUS_OK && limit - half > 0) {
        status = list_steps(t, false, limit - half);
        turn_around(t->steps + t->gap_at, t->count - t->gap_at);
    }
    t->gap = all - (int64_t)t->count;
    return status;
}

static sw_status gather_times(transcript *t)
{
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; i < t->count && status == SW_STATUS_OK; i++) {
        shown_step *at = &t->steps[i];
        sw_error before = t->cli->error;
        status = sw_source_get(t->cli, SW_RECORD_STEP_METRICS, at->step.id, &t->cli->arena,
                               &at->metrics);
        at->has_metrics = status == SW_STATUS_OK;
        if (status == SW_STATUS_NOT_FOUND) {
            status = SW_STATUS_OK;
            t->cli->error = before;
        }
        at->span = sw_span_of(&at->step, at->has_metrics ? &at->metrics : NULL);
    }
    return status;
}

static sw_status gather(transcript *t)
{
    sw_cli *cli = t->cli;
    uint8_t uuid[SW_UUID];
    sw_str id = sw_str_from(cli->argument);
    if (sw_uuid_parse(id, uuid)) {
        id = sw_arena_printf(&cli->arena, "run-%s", cli->argument);
    }
    sw_status status = sw_source_get(cli, SW_RECORD_RUN, id, &cli->arena, &t->run);
    if (status != SW_STATUS_OK) {
        return status;
    }
    status = sw_source_get(cli, SW_RECORD_RUN_METRICS, t->run.id, &cli->arena, &t->metrics);
    t->has_metrics = status == SW_STATUS_OK;
    if (status == SW_STATUS_NOT_FOUND || status == SW_STATUS_OK) {
        status = gather_steps(t);
    }
    return status == SW_STATUS_OK ? gather_times(t) : status;
}

/* ---- for people --------------------------------------------------------------------------------- */

static void print_sum(const sw_cli *cli, const char *what, sw_str sum, sw_str note)
{
    fprintf(cli->out, "%-8s %s%s%s\n", what, sw_text_or_blank(sum), note.len ? " " : "",
            sw_text_or_blank(note));
}

static void print_head(transcript *t)
{
    sw_cli *cli = t->cli;
    sw_arena *arena = &cli->arena;
    const char *status = sw_enum_word(SW_ENUM_run_status, t->run.status.value);
    sw_str agent = sw_cli_name_of(cli, t->run.agent_id);
    fprintf(cli->out, "%.*s  %s%s%s\n", (int)t->run.id.len, t->run.id.ptr,
            sw_style_on(cli->terminal.colour, SW_STYLE_BOLD), status ? status : "?",
            sw_style_off(cli->terminal.colour, SW_STYLE_BOLD));
    fprintf(cli->out, "agent    %s\n",
            sw_text_or_blank(agent.ptr ? agent : sw_text_clean(arena, t->run.agent_id, false)));
    fprintf(cli->out, "began    %s\n",
            sw_text_or_blank(sw_zone_show(arena, &cli->zone, t->run.created_at.value)));
    if (t->run.total_duration_ns.known) {
        fprintf(cli->out, "took     %s\n",
                sw_text_or_blank(sw_show_duration(arena, t->run.total_duration_ns.value)));
    }
    if (t->run.stop_reason.ptr) {
        fprintf(cli->out, "ended    %s\n",
                sw_text_or_blank(sw_text_clean(arena, t->run.stop_reason, false)));
    }
    if (t->has_metrics) {
        const sw_totals sums = sw_usage_totals_of(&t->metrics);
        fprintf(cli->out, "steps    %s, %s failed\n",
                sw_text_or_blank(sw_show_count(arena, sums.num_steps)),
                sw_text_or_blank(sw_show_count(arena, sums.failed_steps)));
        print_sum(cli, "tokens", sw_usage_tokens(arena, &sums), sw_usage_tokens_note(arena, &sums));
        print_sum(cli, "cost", sw_usage_cost(arena, &sums), sw_usage_cost_note(arena, &sums));
    }
}

static void print_gap(transcript *t, size_t at)
{
    if (t->gap > 0 && at == t->gap_at) {
        fprintf(t->cli->out, "  ... %s steps between; --limit 0 shows all\n",
                sw_text_or_blank(sw_show_count(&t->cli->arena, t->gap)));
    }
}

static int bar_width(const sw_cli *cli)
{
    int width = cli->terminal.limit > 0 ? cli->terminal.limit - REST : BAR;
    return width < BAR_LEAST ? BAR_LEAST : width > BAR ? BAR : width;
}

static void print_step_line(transcript *t, const shown_step *at, int64_t from, int64_t to)
{
    sw_cli *cli = t->cli;
    sw_arena *arena = &cli->arena;
    bool colour = cli->terminal.colour;
    const char *status = sw_enum_word(SW_ENUM_step_status, at->step.status.value);
    sw_style style = sw_step_status_style(at->step.status.value);
    sw_str model = sw_text_clean(arena, at->step.model, false);
    sw_str begun = sw_show_duration(arena, (at->span.begun_us - from) * 1000);
    sw_str took =
        at->span.step_ns.known ? sw_show_duration(arena, at->span.step_ns.value) : SW_STR("-");
    bool counted =
        at->step.usage_state.known && at->step.usage_state.value != SW_USAGE_STATE_UNKNOWN;
    sw_str tokens = counted ? sw_show_count(arena, at->step.total_tokens.value) : SW_STR("-");
    fprintf(cli->out, "  +%-8s %s%-9s%s %-18.*s %9s %9s  %s\n", sw_text_or_blank(begun),
            sw_style_on(colour, style), status ? status : "?", sw_style_off(colour, style),
            (int)sw_text_fit(model, 18), sw_text_or_blank(model), sw_text_or_blank(tokens),
            sw_text_or_blank(took),
            sw_text_or_blank(sw_bar_show(arena, &at->span, from, to, bar_width(cli))));
}

static void print_waterfall(transcript *t)
{
    int64_t from = t->count > 0 ? t->steps[0].span.begun_us : 0;
    int64_t to = from;
    for (size_t i = 0; i < t->count; i++) {
        from = t->steps[i].span.begun_us < from ? t->steps[i].span.begun_us : from;
        to = t->steps[i].span.ended_us > to ? t->steps[i].span.ended_us : to;
    }
    sw_show_heading(t->cli, "Steps (model █, tools and the rest ░)");
    for (size_t i = 0; i < t->count; i++) {
        print_gap(t, i);
        print_step_line(t, &t->steps[i], from, to);
    }
    print_gap(t, t->count);
}

static bool show_message(void *arg, const void *row)
{
    transcript *t = arg;
    sw_mark mark = sw_arena_mark(&t->cli->arena);
    if (t->data) {
        sw_record_write_json(SW_RECORD_MESSAGE, row, &t->json.out);
    } else {
        sw_show_message(t->cli, row);
    }
    sw_arena_rewind(&t->cli->arena, mark);
    return !ferror(t->cli->out);
}

static sw_status messages_of(transcript *t, const sw_step *step)
{
    const sw_value id = {.text = step->id};
    const sw_condition of_step = {SW_MESSAGE_STEP_ID, SW_OP_EQ, &id, 1};
    const sw_list_query query = {
        .conditions = &of_step, .condition_count = 1, .ascending = true, .limit = -1};
    sw_list_end end;
    return sw_source_list(t->cli, SW_RECORD_MESSAGE, &query, show_message, t, &end);
}

static sw_status print_transcript(transcript *t)
{
    sw_cli *cli = t->cli;
    sw_status status = SW_STATUS_OK;
    sw_show_heading(cli, "Transcript");
    for (size_t i = 0; i < t->count && status == SW_STATUS_OK && !ferror(cli->out); i++) {
        const sw_step *step = &t->steps[i].step;
        print_gap(t, i);
        fprintf(cli->out, "\n%s%.*s%s\n", sw_style_on(cli->terminal.colour, SW_STYLE_DIM),
                (int)step->id.len, step->id.ptr, sw_style_off(cli->terminal.colour, SW_STYLE_DIM));
        status = messages_of(t, step);
        if (step->error_type.ptr) {
            fprintf(cli->out, "  %sfailed%s %s\n", sw_style_on(cli->terminal.colour, SW_STYLE_BAD),
                    sw_style_off(cli->terminal.colour, SW_STYLE_BAD),
                    sw_text_or_blank(sw_text_clean(&cli->arena, step->error_type, false)));
        }
    }
    print_gap(t, t->count);
    return status;
}

static sw_status print_words(transcript *t)
{
    print_head(t);
    if (t->count == 0) {
        fputs("\nNo steps yet.\n", t->cli->out);
        return SW_STATUS_OK;
    }
    print_waterfall(t);
    return sw_cli_has(t->cli, SW_OPTION_BRIEF) ? SW_STATUS_OK : print_transcript(t);
}

/* ---- for programs -------------------------------------------------------------------------------- */

static void write_or_null(sw_cli_json *json, const char *key, sw_record_id record, const void *row)
{
    sw_cli_json_key(json, key);
    if (row) {
        sw_record_write_json(record, row, &json->out);
    } else {
        sw_json_null(&json->out);
    }
}

static sw_status print_data(transcript *t)
{
    sw_cli_json *json = &t->json;
    sw_status status = SW_STATUS_OK;
    sw_cli_json_begin(t->cli, json);
    json->list = "steps";
    t->data = true;
    sw_json_open(&json->out, '{');
    write_or_null(json, "run", SW_RECORD_RUN, &t->run);
    write_or_null(json, "metrics", SW_RECORD_RUN_METRICS, t->has_metrics ? &t->metrics : NULL);
    sw_cli_json_key(json, "steps");
    sw_json_open(&json->out, '[');
    for (size_t i = 0; i < t->count && status == SW_STATUS_OK; i++) {
        const shown_step *at = &t->steps[i];
        sw_json_open(&json->out, '{');
        write_or_null(json, "step", SW_RECORD_STEP, &at->step);
        write_or_null(json, "metrics", SW_RECORD_STEP_METRICS,
                      at->has_metrics ? &at->metrics : NULL);
        sw_cli_json_key(json, "messages");
        sw_json_open(&json->out, '[');
        status = sw_cli_has(t->cli, SW_OPTION_BRIEF) ? SW_STATUS_OK : messages_of(t, &at->step);
        sw_json_close(&json->out, ']');
        sw_json_close(&json->out, '}');
    }
    sw_json_close(&json->out, ']');
    sw_cli_json_int(json, "left_out", true, t->gap);
    sw_json_close(&json->out, '}');
    if (status == SW_STATUS_OK) {
        return sw_cli_json_end(t->cli, json);
    }
    sw_buf_fini(&json->buf);
    return status;
}

int sw_cli_run(sw_cli *cli)
{
    transcript t = {.cli = cli};
    sw_status status = sw_cli_source(cli, false);
    if (status == SW_STATUS_OK) {
        status = gather(&t);
    }
    if (status == SW_STATUS_OK) {
        status = sw_cli_is_data(cli) ? print_data(&t) : print_words(&t);
    }
    bool odd_id = cli->source && cli->source->is_server && status == SW_STATUS_INVALID;
    if (status == SW_STATUS_NOT_FOUND || status == SW_STATUS_INVALID_ID || odd_id) {
        cli->error = (sw_error){0};
        status = sw_fail(&cli->error, SW_STATUS_NOT_FOUND, "", "no run is called %s here",
                         cli->argument);
        return sw_cli_fail(cli, status, "stepwell usage session lists some");
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
