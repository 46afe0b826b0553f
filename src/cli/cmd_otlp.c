/* SPDX-License-Identifier: Apache-2.0 */
/* otlp replay: stored exports through the same way that telemetry takes when it is sent. A file that cannot be read is
 * told and passed over, so that it costs nothing of the others; trouble of the ledger ends it, and running it again is
 * safe: what is there already is left as it is.
 */
#include "cli/cli.h"
#include "cli/replay.h"
#include "http/settings.h"
#include "ingest/ingest.h"

enum { MB_SHIFT = 20 };

typedef struct replay {
    sw_cli *cli;
    sw_ingest *ingest;
    sw_actor actor;
    sw_progress progress;
    int64_t exports;
    int64_t bad_files;
    int64_t passed_us;
} replay;

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static sw_status take(replay *all, const sw_replay_export *one, const char *path)
{
    sw_ingest_result result = {0};
    sw_status status = sw_ingest_export(all->ingest, &all->actor, one->signal, one->wire,
                                        one->bytes, &result, &all->cli->error);
    if (status == SW_STATUS_OK && result.message[0]) {
        sw_progress_done(&all->progress);
        fprintf(all->cli->err, "stepwell: %s: %s\n", path, result.message);
    }
    all->exports += status == SW_STATUS_OK ? 1 : 0;
    return status;
}

static sw_status take_file(replay *all, sw_replay *file, const char *path)
{
    sw_replay_export one;
    bool end = false;
    sw_status status = sw_replay_next(file, &one, &end, &all->cli->error);
    while (status == SW_STATUS_OK && !end) {
        status = take(all, &one, path);
        sw_progress_show(&all->progress, sw_replay_done(file), sw_replay_size(file), mono_us());
        if (status == SW_STATUS_OK) {
            status = sw_replay_next(file, &one, &end, &all->cli->error);
        }
    }
    return status;
}

/* Only what is wrong with the file is passed over. */
static sw_status read_file(replay *all, const char *path)
{
    sw_cli *cli = all->cli;
    sw_replay *file = NULL;
    sw_progress_init(&all->progress, cli->err, "bytes", mono_us());
    sw_status status = sw_replay_open(path, &sw__libc_allocator, &file, &cli->error);
    if (status == SW_STATUS_OK) {
        status = take_file(all, file, path);
    }
    sw_progress_done(&all->progress);
    sw_replay_close(&file);
    if (status == SW_STATUS_INVALID || status == SW_STATUS_TOO_LARGE) {
        fprintf(cli->err, "stepwell: %s: %s\n", path, cli->error.message);
        all->bad_files++;
        cli->error = (sw_error){0};
        status = SW_STATUS_OK;
    }
    return status == SW_STATUS_OK ? sw_ingest_settle(all->ingest, &cli->error) : status;
}

static sw_status read_files(replay *all)
{
    sw_cli *cli = all->cli;
    sw_status status = read_file(all, cli->argument2);
    for (size_t i = 0; i < cli->more_count && status == SW_STATUS_OK; i++) {
        status = read_file(all, cli->more[i]);
    }
    return status;
}

/* ---- the answer ------------------------------------------------------------------------------------- */

typedef struct count {
    const char *key;
    const char *words;
    int64_t value;
} count;

enum { COUNTS = 9 };

static void count_all(const replay *all, const sw_ingest_load *load, count out[COUNTS])
{
    const count counts[COUNTS] = {
        {"exports", "exports", all->exports},
        {"spans", "spans", load->spans},
        {"logs", "log records", load->logs},
        {"points", "points of metrics (counted, not kept)", load->points},
        {"rejected", "rejected", load->rejected},
        {"duplicates", "there already", load->duplicates},
        {"steps", "steps", load->steps},
        {"bad_files", "files that could not be read to the end", all->bad_files},
        {"elapsed_us", NULL, all->passed_us},
    };
    memcpy(out, counts, sizeof counts);
}

static sw_status print_json(sw_cli *cli, const count counts[COUNTS])
{
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    for (size_t i = 0; i < COUNTS; i++) {
        sw_cli_json_int(&json, counts[i].key, true, counts[i].value);
    }
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

static void print_text(sw_cli *cli, const count counts[COUNTS], int64_t passed_us)
{
    const char *between = "";
    for (size_t i = 0; i < COUNTS; i++) {
        if (counts[i].words && (counts[i].value > 0 || i == 0)) {
            fprintf(cli->out, "%s%s %s", between,
                    sw_text_or_blank(sw_show_count(&cli->arena, counts[i].value)), counts[i].words);
            between = ", ";
        }
    }
    fprintf(cli->out, " in %s.\n",
            sw_text_or_blank(sw_show_duration(&cli->arena, passed_us * 1000)));
}

/* ---- the command ------------------------------------------------------------------------------------ */

/* What is kept of raw items is the server's settings, by environment and file. */
static sw_status open_ingest(replay *all)
{
    sw_cli *cli = all->cli;
    sw_settings settings;
    sw_status status = sw_settings_read(&settings, NULL, NULL, NULL, &cli->arena, &cli->error);
    if (status == SW_STATUS_OK) {
        status = sw_cli_open(cli, true);
    }
    sw_ingest_options options = {.allocator = &sw__libc_allocator,
                                 .keep_days = settings.otlp_keep_days,
                                 .keep_bytes = settings.otlp_keep_mb << MB_SHIFT,
                                 .no_thread = true};
    return status == SW_STATUS_OK ? sw_ingest_open(cli->ledger, &options, &all->ingest, &cli->error)
                                  : status;
}

static sw_status run(replay *all)
{
    sw_cli *cli = all->cli;
    count counts[COUNTS];
    sw_ingest_load load;
    int64_t begun_us = mono_us();
    sw_status status = open_ingest(all);
    status = status == SW_STATUS_OK ? read_files(all) : status;
    if (status != SW_STATUS_OK) {
        return status;
    }
    all->passed_us = mono_us() - begun_us;
    sw_ingest_load_get(all->ingest, &load);
    count_all(all, &load, counts);
    if (sw_cli_is_data(cli)) {
        return print_json(cli, counts);
    }
    print_text(cli, counts, all->passed_us);
    return SW_STATUS_OK;
}

int sw_cli_otlp(sw_cli *cli)
{
    replay all = {
        .cli = cli,
        .actor = {.organization_id = sw_str_from(sw_cli_text(cli, SW_OPTION_REPLAY_ORGANIZATION)),
                  .project_id = sw_str_from(sw_cli_text(cli, SW_OPTION_REPLAY_PROJECT))}};
    if (strcmp(cli->argument, "replay") != 0 || !cli->argument2) {
        sw_status status = sw_fail(&cli->error, SW_STATUS_INVALID, "",
                                   "otlp takes replay and files; write stepwell "
                                   "otlp replay FILE...");
        return sw_cli_fail(cli, status, NULL);
    }
    sw_status status = run(&all);
    sw_ingest_close(&all.ingest);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, sw_cli_advice(status));
    }
    int code = sw_cli_finish(cli);
    return code == 0 && all.bad_files > 0 ? sw_exit_code(SW_STATUS_INVALID) : code;
}
