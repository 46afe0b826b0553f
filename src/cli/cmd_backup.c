/* SPDX-License-Identifier: Apache-2.0 */
/* backup: a copy of the ledger as of one moment, in a file that appears when it is whole, while others go on
 * writing. restore: the ledger from such a copy; nothing that is there is ever written over.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/where.h"

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

static void each_progress(void *arg, int64_t done, int64_t total)
{
    sw_progress_show(arg, done, total, mono_us());
}

static sw_status bad_file(sw_cli *cli, const char *path)
{
    return sw_fail(&cli->error, errno == ENOSPC ? SW_STATUS_FULL : SW_STATUS_IO, "",
                   "%s could not be written: %s", path, strerror(errno));
}

static sw_status must_not_exist(sw_cli *cli, const char *path)
{
    if (access(path, F_OK) != 0) {
        return SW_STATUS_OK;
    }
    cli->advised = true;
    return sw_fail(&cli->error, SW_STATUS_CONFLICT, "",
                   "%s exists already; move it away, or name another file", path);
}

/* Nor what SQLite keeps beside a file: a log that is left of another one would be played into this one. */
static sw_status must_be_free(sw_cli *cli, const char *path)
{
    static const char *const beside[] = {"", "-wal", "-shm", "-journal"};
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; i < SW_COUNT(beside) && status == SW_STATUS_OK; i++) {
        sw_str name = sw_arena_printf(&cli->arena, "%s%s", path, beside[i]);
        status = name.ptr ? must_not_exist(cli, name.ptr) : sw_no_memory(&cli->error);
    }
    return status;
}

/* The new name, and the folder that holds it, on disk. */
static sw_status settle(sw_cli *cli, const char *part, const char *path)
{
    const char *slash = strrchr(path, '/');
    sw_str folder = slash ? sw_arena_str(&cli->arena, sw_str_make(path, (size_t)(slash - path + 1)))
                          : SW_STR(".");
    if (link(part, path) != 0) {
        return errno == EEXIST ? must_not_exist(cli, path) : bad_file(cli, path);
    }
    (void)unlink(part);
    int file = folder.ptr ? open(folder.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (file >= 0) {
        (void)fsync(file);
        (void)close(file);
    }
    return SW_STATUS_OK;
}

/* The copy of the open ledger, first under another name. */
static sw_status copy_to(sw_cli *cli, const char *path)
{
    sw_progress progress;
    sw_str part = sw_arena_printf(&cli->arena, "%s.part", path);
    sw_status status = part.ptr ? must_be_free(cli, path) : sw_no_memory(&cli->error);
    if (status != SW_STATUS_OK) {
        return status;
    }
    (void)unlink(part.ptr); /* of a copy that was interrupted */
    sw_progress_init(&progress, cli->err, "pages", mono_us());
    status = sw_ledger_backup(cli->ledger, part.ptr, each_progress, &progress, &cli->error);
    sw_progress_done(&progress);
    if (status == SW_STATUS_OK) {
        status = settle(cli, part.ptr, path);
        (void)unlink(part.ptr);
    }
    return status;
}

static sw_status say(sw_cli *cli, const char *what, const char *path, const sw_ledger_info *info)
{
    sw_cli_json json;
    if (!sw_cli_is_data(cli)) {
        fprintf(cli->out, "%s steps are in %s (%s).\n",
                sw_text_or_blank(sw_show_count(&cli->arena, info->steps)), path,
                sw_text_or_blank(sw_show_bytes(&cli->arena, info->file_bytes)));
        return SW_STATUS_OK;
    }
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, what, sw_str_from(path));
    sw_cli_json_int(&json, "steps", true, info->steps);
    sw_cli_json_int(&json, "bytes", true, info->file_bytes);
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

/* A copy that cannot be opened is none. */
static sw_status look_at(sw_cli *cli, const char *path, sw_ledger_info *info)
{
    sw_str url = sw_arena_printf(&cli->arena, "sqlite:%s", path);
    sw_ledger_options options = {
        .store = url.ptr, .read_only = true, .must_exist = true, .no_reaper = true};
    sw_ledger_close(&cli->ledger);
    sw_status status =
        url.ptr ? sw_ledger_open(&options, &cli->ledger, &cli->error) : sw_no_memory(&cli->error);
    return status == SW_STATUS_OK ? sw_ledger_info_get(cli->ledger, info, &cli->error) : status;
}

static int finish(sw_cli *cli, sw_status status)
{
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}

int sw_cli_backup(sw_cli *cli)
{
    sw_ledger_info info;
    sw_status status = sw_cli_open(cli, false);
    if (status == SW_STATUS_OK) {
        status = copy_to(cli, cli->argument);
    }
    if (status == SW_STATUS_OK) {
        status = look_at(cli, cli->argument, &info);
    }
    if (status == SW_STATUS_OK) {
        status = say(cli, "backup", cli->argument, &info);
    }
    return finish(cli, status);
}

/* The path of the store that is asked for, which must be a file's. */
static sw_status target_of(sw_cli *cli, char *out, size_t size)
{
    sw_profile where;
    sw_status status = sw_where_find(cli, &where);
    const char *store = where.values[SW_PROFILE_STORE];
    if (status == SW_STATUS_OK && where.values[SW_PROFILE_SERVER]) {
        cli->advised = true;
        return sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "",
                       "restore makes a ledger's file; run it where that is to be, with --store");
    }
    if (status == SW_STATUS_OK && !store) {
        return sw_default_store(out, size, &cli->error);
    }
    if (status == SW_STATUS_OK && strncmp(store, "memory:", 7) == 0) {
        return sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "",
                       "a ledger in memory ends with its process; restore to a file");
    }
    snprintf(out, size, "%s", status == SW_STATUS_OK ? store : "");
    return status;
}

int sw_cli_restore(sw_cli *cli)
{
    char store[1024];
    sw_ledger_info info;
    sw_status status = target_of(cli, store, sizeof store);
    const char *path = strncmp(store, "sqlite:", 7) == 0 ? store + 7 : store;
    if (status == SW_STATUS_OK) {
        status = must_be_free(cli, path);
    }
    if (status == SW_STATUS_OK) {
        status = look_at(cli, cli->argument, &info);
    }
    if (status == SW_STATUS_OK) {
        status = copy_to(cli, path);
    }
    if (status == SW_STATUS_OK) {
        status = look_at(cli, path, &info);
    }
    if (status == SW_STATUS_OK) {
        status = say(cli, "restored", path, &info);
    }
    return finish(cli, status);
}

int sw_cli_vacuum(sw_cli *cli)
{
    sw_ledger_info before = {.steps = 0};
    sw_ledger_info after = {.steps = 0};
    sw_cli_json json;
    sw_status status = sw_cli_open(cli, true);
    if (status == SW_STATUS_OK) {
        status = sw_ledger_info_get(cli->ledger, &before, &cli->error);
    }
    if (status == SW_STATUS_OK) {
        status = sw_ledger_vacuum(cli->ledger, &cli->error);
    }
    if (status == SW_STATUS_OK) {
        status = sw_ledger_info_get(cli->ledger, &after, &cli->error);
    }
    if (status == SW_STATUS_OK && sw_cli_is_data(cli)) {
        sw_cli_json_begin(cli, &json);
        sw_json_open(&json.out, '{');
        sw_cli_json_int(&json, "bytes_before", true, before.file_bytes);
        sw_cli_json_int(&json, "bytes_after", true, after.file_bytes);
        sw_json_close(&json.out, '}');
        status = sw_cli_json_end(cli, &json);
    } else if (status == SW_STATUS_OK) {
        fprintf(cli->out, "%s before, %s now.\n",
                sw_text_or_blank(sw_show_bytes(&cli->arena, before.file_bytes)),
                sw_text_or_blank(sw_show_bytes(&cli->arena, after.file_bytes)));
    }
    return finish(cli, status);
}
