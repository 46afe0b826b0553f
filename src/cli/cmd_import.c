/* SPDX-License-Identifier: Apache-2.0 */
/* import: transcripts of agents into the ledger, once or as they grow. What cannot be read is told with file and line,
 * and costs nothing of the rest; trouble of the ledger ends it, and running it again is safe.
 *
 * A ledger of this machine is written to; to a server the files are sent, and it does the same with them.
 */
#include <stddef.h>
#include <unistd.h>

#include "cli/import_v1.h"
#include "cli/import_watch.h"
#include "cli/remote.h"
#include "cli/where.h"
#include "ingest/import.h"
#include "ingest/import_v1.h"

enum { SHOWN_BAD = 20 };

typedef struct run {
    sw_cli *cli;
    sw_actor actor;
    import_options options;
    sw_progress progress;
    const char **paths;
    size_t path_count;
    size_t path_room;
    const char **present; /* those of the paths that are there */
    size_t present_room;
    import_awaited *awaited; /* where more may come, of what follows the agents' own folders */
    size_t awaited_count;
    size_t awaited_room;
    uint64_t shown[SHOWN_BAD]; /* digests of the trouble that was told */
    int64_t told;              /* how much trouble there was */
    int64_t begun_us;
    import_watch watch;
    bool watches;
    bool stop;
} run;

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

/* ---- what is told meanwhile --------------------------------------------------------------------------- */

/* A file that is followed is read again and again: what is wrong with it is told once. */
static bool is_news(run *r, const char *path, int64_t line)
{
    uint64_t digest = sw_hash((uint64_t)line, path, strlen(path));

    for (int64_t i = 0; i < r->told && i < SHOWN_BAD; i++) {
        if (r->shown[i] == digest) {
            return false;
        }
    }
    if (r->told < SHOWN_BAD) {
        r->shown[r->told] = digest;
    }
    return r->told++ < SHOWN_BAD;
}

static void tell(run *r, const char *path, int64_t line, const char *why)
{
    sw_str where;
    sw_str what; /* a server's words */

    if (!is_news(r, path, line)) {
        return;
    }
    sw_progress_done(&r->progress);
    where = sw_text_clean(&r->cli->arena, sw_str_from(path), false);
    what = sw_text_clean(&r->cli->arena, sw_str_from(why), false);
    if (line > 0) {
        fprintf(r->cli->err, "stepwell: %s:%lld: %s\n", sw_text_or_blank(where), (long long)line,
                sw_text_or_blank(what));
    } else {
        fprintf(r->cli->err, "stepwell: %s: %s\n", sw_text_or_blank(where), sw_text_or_blank(what));
    }
}

static void tell_bad_line(void *arg, const char *path, int64_t line, const char *why)
{
    tell(arg, path, line, why);
}

static void tell_skipped(void *arg, const char *path, const char *why)
{
    tell(arg, path, 0, why);
}

static void tell_untold(void *arg, int64_t more)
{
    run *r = arg;
    r->told += more;
}

static void show_progress(void *arg, const import_result *so_far)
{
    run *r = arg;
    char unit[96];
    int64_t passed = mono_us() - r->begun_us;
    int64_t files = so_far->files_read + so_far->files_unchanged + so_far->files_skipped;

    (void)snprintf(unit, sizeof unit, "MB  %lld of %lld files, %lld files/s", (long long)files,
                   (long long)so_far->files,
                   passed > 0 ? (long long)(files * 1000000 / passed) : 0LL);
    r->progress.unit = unit;
    sw_progress_show(&r->progress, so_far->bytes_done / 1000000, so_far->bytes / 1000000,
                     mono_us());
    r->progress.unit = "MB";
    r->stop = r->stop || (r->watches && import_watch_ends(&r->watch));
}

/* ---- the answer ----------------------------------------------------------------------------------------- */

typedef struct count {
    const char *key;
    const char *words; /* NULL: only in JSON */
    const char *one;   /* the words for one; NULL: the same */
    size_t offset;
} count;

static const count counts[] = {
#define SW_IMPORT_COUNT(name, WORDS, ONE, DOC) {#name, WORDS, ONE, offsetof(import_result, name)},
#include "model/import_counts.def"
#undef SW_IMPORT_COUNT
};

static int64_t value_of(const import_result *result, const count *which)
{
    return *(const int64_t *)(const void *)((const char *)result + which->offset);
}

static sw_status print_json(run *r, const import_result *result, int64_t passed_us)
{
    sw_cli_json json;

    sw_cli_json_begin(r->cli, &json);
    sw_json_open(&json.out, '{');
    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        sw_cli_json_int(&json, counts[i].key, true, value_of(result, &counts[i]));
    }
    sw_cli_json_int(&json, "elapsed_us", true, passed_us);
    sw_cli_json_key(&json, "dry_run");
    sw_json_bool(&json.out, r->options.dry_run);
    sw_cli_json_key(&json, "formats");
    sw_json_open(&json.out, '{');
    for (int i = 0; i < IMPORT_FORMATS; i++) {
        if (result->of_format[i] > 0) {
            sw_cli_json_key(&json, import_format_word((import_format)i));
            sw_json_int(&json.out, result->of_format[i]);
        }
    }
    sw_json_close(&json.out, '}');
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(r->cli, &json);
}

static void print_text(run *r, const import_result *result, int64_t passed_us)
{
    sw_cli *cli = r->cli;
    double seconds = (double)(passed_us > 0 ? passed_us : 1) / 1e6;
    const char *between = "";

    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        int64_t value = value_of(result, &counts[i]);
        bool always = counts[i].offset == offsetof(import_result, files) ||
                      counts[i].offset == offsetof(import_result, steps_new);
        if (counts[i].words && (value > 0 || always)) {
            bool one = value == 1 && counts[i].one;
            fprintf(cli->out, "%s%s %s", between,
                    sw_text_or_blank(sw_show_count(&cli->arena, value)),
                    one ? counts[i].one : counts[i].words);
            between = ", ";
        }
    }
    fprintf(cli->out, "%s in %s", r->options.dry_run ? " (dry run: nothing was written)" : "",
            sw_text_or_blank(sw_show_duration(&cli->arena, passed_us * 1000)));
    if (result->bytes_read > 0) {
        fprintf(cli->out, ", %.0f files/s, %.0f MB/s", (double)result->files_read / seconds,
                (double)result->bytes_read / 1e6 / seconds);
    }
    fprintf(cli->out, ".\n");
}

static sw_status print_result(run *r, const import_result *result)
{
    int64_t passed_us = mono_us() - r->begun_us;
    sw_status status = SW_STATUS_OK;

    if (r->told > SHOWN_BAD) {
        fprintf(r->cli->err, "stepwell: and so on, %lld more\n", (long long)(r->told - SHOWN_BAD));
    }
    if (sw_cli_is_data(r->cli)) {
        status = print_json(r, result, passed_us);
    } else {
        print_text(r, result, passed_us);
    }
    fflush(r->cli->out);
    return status;
}

/* ---- what is imported ------------------------------------------------------------------------------------- */

static bool add_path(run *r, const char *path)
{
    sw_str copy = sw_arena_str(&r->cli->arena, sw_str_from(path));
    const char **paths = copy.ptr ? sw_arena_grow(&r->cli->arena, r->paths, r->path_count,
                                                  &r->path_room, sizeof *paths)
                                  : NULL;

    if (paths) {
        r->paths = paths;
        paths[r->path_count++] = copy.ptr;
    }
    return paths != NULL;
}

static void add_own(void *arg, import_format format, const char *path)
{
    run *r = arg;

    (void)format;
    for (size_t i = 0; i < r->path_count; i++) {
        if (strcmp(r->paths[i], path) == 0) {
            return;
        }
    }
    (void)add_path(r, path);
}

static sw_status find_paths(run *r)
{
    sw_cli *cli = r->cli;

    if (!cli->argument) {
        import_own_folders(add_own, r);
    } else {
        (void)add_path(r, cli->argument);
        if (cli->argument2) {
            (void)add_path(r, cli->argument2);
        }
        for (size_t i = 0; i < cli->more_count; i++) {
            (void)add_path(r, cli->more[i]);
        }
    }
    if (cli->arena.failed) {
        return sw_no_memory(&cli->error);
    }
    /* Whoever follows what agents write may begin before the first of them does. */
    return r->path_count > 0 || (r->watches && !cli->argument)
               ? SW_STATUS_OK
               : sw_fail(&cli->error, SW_STATUS_NOT_FOUND, "",
                         "none of the agents' own folders is here; name a file or a "
                         "folder: stepwell import PATH");
}

static sw_status import_now(run *r, const char *const *paths, size_t path_count,
                            import_result *result)
{
    sw_status status = SW_STATUS_OK;

    r->begun_us = mono_us();
    sw_progress_init(&r->progress, r->cli->err, "MB", r->begun_us);
    status = import_paths(r->cli->ledger, &r->actor, &r->options, paths, path_count, result,
                          &r->cli->error);
    sw_progress_done(&r->progress);
    return status;
}

/* An agent may begin another database, or be used for the first time. */
static void find_more(run *r)
{
    size_t before = r->path_count;

    if (!r->cli->argument) {
        import_own_folders(add_own, r);
    }
    if (r->path_count > before) {
        import_watch_paths(&r->watch, r->paths, r->path_count);
    }
}

static void add_awaited(void *arg, const char *path)
{
    run *r = arg;
    sw_str copy = sw_arena_str(&r->cli->arena, sw_str_from(path));
    import_awaited *awaited = copy.ptr ? sw_arena_grow(&r->cli->arena, r->awaited, r->awaited_count,
                                                       &r->awaited_room, sizeof *awaited)
                                       : NULL;

    if (awaited) {
        r->awaited = awaited;
        awaited[r->awaited_count++] = (import_awaited){.path = copy.ptr, .folder = -1};
    }
}

static sw_status await_more(run *r)
{
    if (!r->cli->argument) {
        import_own_places(add_awaited, r);
    }
    if (r->cli->arena.failed) {
        return sw_no_memory(&r->cli->error);
    }
    import_watch_await(&r->watch, r->awaited, r->awaited_count);
    find_more(r); /* one that came meanwhile */
    return r->cli->arena.failed ? sw_no_memory(&r->cli->error) : SW_STATUS_OK;
}

/* A server that begins anew, a disk that is full: whoever follows files waits for that to pass, and tells of it once. */
static sw_status wait_out(run *r, sw_status status, import_result *result)
{
    bool passes = status != SW_STATUS_OK && sw_status_retryable(status);

    if (passes && !r->watch.soon) {
        (void)sw_cli_fail(r->cli, status, "it is tried again every few seconds");
        fflush(r->cli->err);
    }
    r->watch.soon = passes;
    if (passes) {
        r->cli->error = (sw_error){.status = SW_STATUS_OK};
        *result = (import_result){.files = 0};
    }
    return passes ? SW_STATUS_OK : status;
}

/* Only what brought something is told. What an agent cleared away since is no trouble. */
static sw_status again(void *arg)
{
    run *r = arg;
    import_result result;
    const char **there = NULL;
    size_t present = 0;
    sw_status status = SW_STATUS_OK;

    find_more(r);
    for (size_t i = 0; i < r->path_count; i++) {
        there = sw_arena_grow(&r->cli->arena, r->present, present, &r->present_room, sizeof *there);
        r->present = there ? there : r->present;
        if (there && access(r->paths[i], F_OK) == 0) {
            r->present[present++] = r->paths[i];
        }
    }
    if (r->cli->arena.failed) {
        return sw_no_memory(&r->cli->error);
    }
    r->told = r->told < SHOWN_BAD ? r->told : SHOWN_BAD;
    status = wait_out(r, import_now(r, r->present, present, &result), &result);
    return status == SW_STATUS_OK && result.steps_new + result.steps_corrected > 0
               ? print_result(r, &result)
               : status;
}

/* A dry run makes no ledger where there is none, and waits for nobody who writes; of a server it asks nothing. */
static sw_status open_place(run *r)
{
    sw_cli *cli = r->cli;
    sw_profile where;
    sw_status status = sw_where_find(cli, &where);
    bool server = status == SW_STATUS_OK && where.values[SW_PROFILE_SERVER];

    if (server && r->options.dry_run) {
        return SW_STATUS_OK;
    }
    if (server) {
        status = sw_source_open_server(cli, &where, &cli->source);
        r->options.away =
            status == SW_STATUS_OK ? sw_remote_import(cli->source, &cli->arena) : NULL;
        return status == SW_STATUS_OK && !r->options.away ? sw_no_memory(&cli->error) : status;
    }
    status = sw_cli_open(cli, !r->options.dry_run);
    if (r->options.dry_run && status == SW_STATUS_NOT_FOUND) {
        cli->error = (sw_error){.status = SW_STATUS_OK};
        return SW_STATUS_OK;
    }
    return status;
}

static sw_status import_all(run *r)
{
    import_result result;
    sw_status status = open_place(r);

    if (status == SW_STATUS_OK) {
        status = import_now(r, r->paths, r->path_count, &result);
    }
    if (status == SW_STATUS_OK) {
        status = print_result(r, &result);
    }
    return status == SW_STATUS_OK && r->watches ? import_watch_go_on(&r->watch, again, r) : status;
}

/* What is written while the first import is under way is not missed. */
static sw_status import_and_watch(run *r)
{
    sw_status status = import_watch_begin(&r->watch, r->paths, r->path_count, &r->cli->error);

    status = status == SW_STATUS_OK ? await_more(r) : status;
    status = status == SW_STATUS_OK ? import_all(r) : status;
    import_watch_end(&r->watch);
    return status;
}

int sw_cli_import(sw_cli *cli)
{
    run r = {
        .cli = cli,
        .actor = {.organization_id = sw_str_from(sw_cli_text(cli, SW_OPTION_REPLAY_ORGANIZATION)),
                  .project_id = sw_str_from(sw_cli_text(cli, SW_OPTION_REPLAY_PROJECT))},
        .watches = sw_cli_has(cli, SW_OPTION_WATCH)};
    sw_status status = SW_STATUS_OK;

    if (cli->argument && import_v1_is_url(cli->argument)) {
        return sw_cli_import_v1(cli);
    }
    r.options = (import_options){.dry_run = sw_cli_has(cli, SW_OPTION_DRY_RUN),
                                 .stop = &r.stop,
                                 .bad_line = tell_bad_line,
                                 .skipped = tell_skipped,
                                 .untold = tell_untold,
                                 .progress = show_progress,
                                 .arg = &r};
    status = find_paths(&r);
    if (status == SW_STATUS_OK) {
        status = r.watches ? import_and_watch(&r) : import_all(&r);
    }
    if (status == SW_STATUS_OK) {
        return sw_cli_finish(cli);
    }
    /* What is not there is what was to be imported, and the error says so. */
    return sw_cli_fail(cli, status, status == SW_STATUS_NOT_FOUND ? NULL : sw_cli_advice(status));
}
