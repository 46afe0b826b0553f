/* SPDX-License-Identifier: Apache-2.0 */
/* import of a Letta V1 database: what became of each table. What cannot be taken is told with table, id and field, and
 * costs nothing of the rest. It needs the ledger itself, since it writes for all organizations and not for a caller.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/import_v1.h"
#include "ingest/import_v1.h"

enum { SHOWN = 20 };

typedef struct run {
    sw_cli *cli;
    sw_progress progress;
    char unit[48];
    int64_t told;
    int64_t begun_us;
} run;

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

/* ---- what is told meanwhile --------------------------------------------------------------------------- */

static void tell(void *arg, const char *table, sw_str id, const char *field, const char *why,
                 bool taken)
{
    run *r = arg;
    sw_cli *cli = r->cli;

    if (r->told++ >= SHOWN) {
        return;
    }
    sw_progress_done(&r->progress);
    fprintf(cli->err, "stepwell: %s %s: %s %s%s\n", table,
            sw_text_or_blank(sw_text_clean(&cli->arena, id.ptr ? id : SW_STR("(no id)"), false)),
            field[0] ? field : "it",
            sw_text_or_blank(sw_text_clean(&cli->arena, sw_str_from(why), false)),
            taken ? "; taken without it" : "; the row is not taken");
}

static void show_progress(void *arg, const char *table, int64_t done, int64_t total)
{
    run *r = arg;

    (void)snprintf(r->unit, sizeof r->unit, "rows  %s", table);
    r->progress.unit = r->unit;
    sw_progress_show(&r->progress, done, total, mono_us());
}

/* ---- the answer ----------------------------------------------------------------------------------------- */

typedef struct number {
    const char *key;
    const char *words; /* NULL: only in JSON */
    size_t offset;
} number;

static const number numbers[] = {
    {"rows", NULL, offsetof(import_v1_count, rows)},
    {"new", "new", offsetof(import_v1_count, made)},
    {"ended", "ended since", offsetof(import_v1_count, ended)},
    {"there", "there already", offsetof(import_v1_count, there)},
    {"differing", "there with other content", offsetof(import_v1_count, differing)},
    {"refused", "refused", offsetof(import_v1_count, refused)},
    {"left_out", "values left out", offsetof(import_v1_count, left_out)},
};

static int64_t value_of(const import_v1_count *count, const number *which)
{
    return *(const int64_t *)(const void *)((const char *)count + which->offset);
}

static sw_status print_json(const run *r, const import_v1_result *result, bool dry_run,
                            int64_t passed_us)
{
    sw_cli_json json;

    sw_cli_json_begin(r->cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_key(&json, "letta_v1");
    sw_json_str(&json.out, sw_str_from(result->age));
    sw_cli_json_key(&json, "tables");
    sw_json_open(&json.out, '{');
    for (size_t i = 0; i < IMPORT_V1_TABLES; i++) {
        if (!result->tables[i].table) {
            continue;
        }
        sw_cli_json_key(&json, result->tables[i].table);
        sw_json_open(&json.out, '{');
        for (size_t n = 0; n < SW_COUNT(numbers); n++) {
            sw_cli_json_int(&json, numbers[n].key, true, value_of(&result->tables[i], &numbers[n]));
        }
        sw_json_close(&json.out, '}');
    }
    sw_json_close(&json.out, '}');
    sw_cli_json_int(&json, "step_metrics", true, result->metrics);
    sw_cli_json_int(&json, "agents_named", true, result->named_agents);
    sw_cli_json_int(&json, "elapsed_us", true, passed_us);
    sw_cli_json_key(&json, "dry_run");
    sw_json_bool(&json.out, dry_run);
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(r->cli, &json);
}

static void print_table(sw_cli *cli, const import_v1_count *count)
{
    const char *between = ": ";

    fprintf(cli->out, "%s", count->table);
    for (size_t n = 0; n < SW_COUNT(numbers); n++) {
        int64_t value = value_of(count, &numbers[n]);
        if (numbers[n].words &&
            (value > 0 || numbers[n].offset == offsetof(import_v1_count, made))) {
            fprintf(cli->out, "%s%s %s", between,
                    sw_text_or_blank(sw_show_count(&cli->arena, value)), numbers[n].words);
            between = ", ";
        }
    }
    fprintf(cli->out, "\n");
}

static void print_text(const run *r, const import_v1_result *result, bool dry_run,
                       int64_t passed_us)
{
    sw_cli *cli = r->cli;
    int64_t rows = 0;

    for (size_t i = 0; i < IMPORT_V1_TABLES; i++) {
        if (result->tables[i].table) {
            print_table(cli, &result->tables[i]);
            rows += result->tables[i].rows;
        }
    }
    if (result->named_agents > 0) {
        fprintf(cli->out, "agents that are only named: %s new\n",
                sw_text_or_blank(sw_show_count(&cli->arena, result->named_agents)));
    }
    fprintf(cli->out, "Letta V1, %s: %s rows%s in %s, %.0f rows/s.\n", result->age,
            sw_text_or_blank(sw_show_count(&cli->arena, rows)),
            dry_run ? " (dry run: nothing was written)" : "",
            sw_text_or_blank(sw_show_duration(&cli->arena, passed_us * 1000)),
            (double)rows * 1e6 / (double)(passed_us > 0 ? passed_us : 1));
}

static sw_status print_result(const run *r, const import_v1_result *result, bool dry_run)
{
    int64_t passed_us = mono_us() - r->begun_us;
    sw_status status = SW_STATUS_OK;

    if (r->told > SHOWN) {
        fprintf(r->cli->err, "stepwell: and so on, %lld more\n", (long long)(r->told - SHOWN));
    }
    if (sw_cli_is_data(r->cli)) {
        status = print_json(r, result, dry_run, passed_us);
    } else {
        print_text(r, result, dry_run, passed_us);
    }
    fflush(r->cli->out);
    return status;
}

/* ---- what is asked ---------------------------------------------------------------------------------------- */

/* What a database says of its rows is not for the caller to say otherwise. */
static sw_status check_options(sw_cli *cli)
{
    static const struct {
        sw_option_id option;
        const char *name;
    } none[] = {{SW_OPTION_WATCH, "--watch"},
                {SW_OPTION_REPLAY_ORGANIZATION, "--organization"},
                {SW_OPTION_REPLAY_PROJECT, "--project"}};

    for (size_t i = 0; i < SW_COUNT(none); i++) {
        if (sw_cli_has(cli, none[i].option)) {
            return sw_fail(&cli->error, SW_STATUS_INVALID, none[i].name,
                           "does not go with a database");
        }
    }
    return cli->argument2 ? sw_fail(&cli->error, SW_STATUS_INVALID, "",
                                    "one database at a time: stepwell import URL")
                          : SW_STATUS_OK;
}

/* A dry run makes no ledger where there is none. */
static sw_status open_ledger(sw_cli *cli, bool dry_run)
{
    sw_status status = SW_STATUS_OK;

    cli->keeps_key = true;
    status = sw_cli_open(cli, !dry_run);

    if (dry_run && status == SW_STATUS_NOT_FOUND) {
        cli->error = (sw_error){.status = SW_STATUS_OK};
        return SW_STATUS_OK;
    }
    return status;
}

int sw_cli_import_v1(sw_cli *cli)
{
    run r = {.cli = cli, .begun_us = mono_us()};
    bool dry_run = sw_cli_has(cli, SW_OPTION_DRY_RUN);
    const import_v1_options options = {
        .dry_run = dry_run, .trouble = tell, .progress = show_progress, .arg = &r};
    import_v1_result result;
    bool reads = false;
    sw_status status = check_options(cli);

    if (status == SW_STATUS_OK) {
        status = open_ledger(cli, dry_run);
    }
    if (status == SW_STATUS_OK) {
        reads = true;
        sw_progress_init(&r.progress, cli->err, "rows", r.begun_us);
        status = import_v1(cli->ledger, &options, cli->argument, &result, &cli->error);
        sw_progress_done(&r.progress);
        if (strcmp(cli->error.field, "url") == 0) {
            cli->error.field[0] = '\0';
        }
    }
    if (status == SW_STATUS_OK) {
        status = print_result(&r, &result, dry_run);
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status,
                                                reads && status == SW_STATUS_NOT_FOUND
                                                    ? "check the path of V1's database"
                                                    : sw_cli_advice(status));
}
