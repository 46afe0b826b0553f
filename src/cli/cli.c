/* SPDX-License-Identifier: Apache-2.0 */
/* One invocation from beginning to end: words in, exit code out. Knows the commands only as rows.
 */
#include "cli/source.h"
#include "cli/where.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>

int sw_exit_code(sw_status status)
{
    switch (status) {
#define SW_STATUS(NAME, NUMBER, HTTP, EXIT, RETRY, MESSAGE, DOC)                                   \
    case SW_STATUS_##NAME:                                                                         \
        return EXIT;
#include "model/status.def"
#undef SW_STATUS
    }
    return 1;
}

const char *sw_cli_advice(sw_status status)
{
    switch (status) {
    case SW_STATUS_NOT_FOUND:
        return "check the name, or write some steps first: stepwell import, stepwell demo";
    case SW_STATUS_READ_ONLY:
        return "check the permissions of the file and its folder, or name another with --store";
    case SW_STATUS_FULL:
        return "make room and try again; nothing that was acknowledged is lost";
    case SW_STATUS_BUSY:
        return "another process is writing; try again";
    case SW_STATUS_IO:
        return "check the disk and the permissions, or name another ledger with --store";
    case SW_STATUS_CORRUPT:
        return "restore the file from a copy, or name another with --store";
    case SW_STATUS_NEWER:
        return "use that version, or name another ledger with --store";
    case SW_STATUS_NO_MEMORY:
        return "free some memory and try again";
    case SW_STATUS_DIFFERS:
        return "keep a copy of the file and report it";
    case SW_STATUS_INTERNAL:
        return "this is a bug in Stepwell; please report it";
    case SW_STATUS_INVALID:
    case SW_STATUS_INVALID_ID:
    case SW_STATUS_TOO_LARGE:
    case SW_STATUS_UNSUPPORTED:
        return "stepwell help says what can be asked";
    case SW_STATUS_OK:
    case SW_STATUS_CONFLICT:
    case SW_STATUS_ILLEGAL_MOVE:
    case SW_STATUS_RESTRICTED:
    case SW_STATUS_NOT_LOADED:
    case SW_STATUS_CLOSED:
    case SW_STATUS_EXISTS:
        break;
    }
    return NULL;
}

/* What to do about a server's answer; most of them say it themselves. */
static const char *server_advice(sw_status status)
{
    return status == SW_STATUS_IO          ? "check the address, and that stepwell serve runs there"
           : status == SW_STATUS_NOT_FOUND ? "check the id, and whose key it is"
           : status == SW_STATUS_BUSY      ? "try again"
                                           : NULL;
}

int sw_cli_fail(sw_cli *cli, sw_status status, const char *next)
{
    if (next && next == sw_cli_advice(status) && cli->source && cli->source->is_server) {
        next = server_advice(status);
    }
    next = cli->advised ? NULL : next;
    const char *message = cli->error.message[0] ? cli->error.message : sw_status_message(status);
    fputs("stepwell: ", cli->err);
    if (cli->error.field[0]) {
        fprintf(cli->err, "%s: ", cli->error.field);
    }
    fprintf(cli->err, "%s%s%s\n", message, next ? "; " : "", next ? next : "");
    return sw_exit_code(status);
}

int sw_cli_finish(sw_cli *cli)
{
    if (fflush(cli->out) == 0 && !ferror(cli->out)) {
        return 0;
    }
    if (errno == EPIPE) {
        return 0; /* whoever read it has read enough */
    }
    sw_status status = sw_fail(&cli->error, SW_STATUS_IO, "", "the answer could not be written: %s",
                               strerror(errno));
    return sw_cli_fail(cli, status, "check where the output goes");
}

/* ---- the ledger ------------------------------------------------------------------------------ */

/* A ledger in memory begins empty, so there it makes no sense to ask for one that exists. */
static bool is_in_memory(const char *store)
{
    return store && strncmp(store, "memory:", 7) == 0;
}

/* An older ledger is brought up by whoever comes first, also one who only reads. */
static sw_status open_ledger(sw_cli *cli, const sw_ledger_options *options)
{
    sw_status status = sw_ledger_open(options, &cli->ledger, &cli->error);
    if (status == SW_STATUS_READ_ONLY && strcmp(cli->error.field, "schema") == 0) {
        sw_ledger_options once = *options;
        once.read_only = false;
        status = sw_ledger_open(&once, &cli->ledger, &cli->error);
        if (status == SW_STATUS_OK) {
            sw_ledger_close(&cli->ledger);
            status = sw_ledger_open(options, &cli->ledger, &cli->error);
        }
    }
    return status;
}

sw_status sw_cli_open(sw_cli *cli, bool write)
{
    sw_profile where;
    char named[1024];
    sw_status status = sw_where_find(cli, &where);
    const char *store = where.values[SW_PROFILE_STORE];
    cli->advised = status != SW_STATUS_OK;
    if (status == SW_STATUS_OK && where.values[SW_PROFILE_SERVER]) {
        cli->advised = true;
        return sw_fail(&cli->error, SW_STATUS_UNSUPPORTED, "",
                       "%s works on a ledger itself, and a server is named by %s; run it where "
                       "the ledger is, with --store",
                       sw__commands[cli->command].name, where.name);
    }
    if (status == SW_STATUS_OK && !store) {
        status = sw_default_store(named, sizeof named, &cli->error);
        store = named;
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    bool look = !write && !is_in_memory(store);
    sw_ledger_options options = {.store = store,
                                 .read_only = look,
                                 .must_exist = look,
                                 .no_reaper = look,
                                 .keep_secret_key = cli->keeps_key && !look};
    status = open_ledger(cli, &options);
    if (strcmp(cli->error.field, "url") == 0) {
        /* The ledger's own word for what is an option here. */
        snprintf(cli->error.field, sizeof cli->error.field, "--store");
    }
    return status;
}

sw_actor sw_cli_actor(const sw_cli *cli)
{
    bool one = sw_option_is_of(SW_OPTION_PRICE_ORGANIZATION, cli->command);
    const char *organization =
        sw_cli_text(cli, one ? SW_OPTION_PRICE_ORGANIZATION : SW_OPTION_ORGANIZATION);
    return (sw_actor){.organization_id = sw_str_from(organization),
                      .everywhere = !one && !organization};
}

/* ---- files ----------------------------------------------------------------------------------- */

sw_status sw_cli_read_file(sw_cli *cli, const char *path, sw_buf *out)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char part[65536];
    size_t len = 0;
    if (!file) {
        return sw_fail(&cli->error, SW_STATUS_NOT_FOUND, "", "%s cannot be read: %s", path,
                       strerror(errno));
    }
    while ((len = fread(part, 1, sizeof part, file)) > 0 && out->status == SW_STATUS_OK) {
        sw_buf_add(out, sw_str_make(part, len));
    }
    sw_status status = out->status;
    if (status == SW_STATUS_TOO_LARGE) {
        (void)sw_fail(&cli->error, status, "", "%s is larger than %zu MiB", path, out->max >> 20);
    } else if (ferror(file)) {
        status =
            sw_fail(&cli->error, SW_STATUS_IO, "", "%s cannot be read: %s", path, strerror(errno));
    }
    if (file != stdin) {
        (void)fclose(file);
    }
    return status;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

bool sw_cli_is_data(const sw_cli *cli)
{
    return sw_cli_has(cli, SW_OPTION_JSON) || sw_cli_has(cli, SW_OPTION_CSV);
}

void sw_cli_json_begin(sw_cli *cli, sw_cli_json *json)
{
    json->list = NULL;
    sw_buf_init(&json->buf, &sw__libc_allocator, 0);
    sw_json_out_init(&json->out, &json->buf, cli->terminal.is_terminal);
}

void sw_cli_json_key(sw_cli_json *json, const char *key)
{
    sw_json_key(&json->out, sw_str_from(key));
}

void sw_cli_json_int(sw_cli_json *json, const char *key, bool known, int64_t value)
{
    sw_cli_json_key(json, key);
    if (known) {
        sw_json_int(&json->out, value);
    } else {
        sw_json_null(&json->out);
    }
}

void sw_cli_json_str(sw_cli_json *json, const char *key, sw_str value)
{
    sw_cli_json_key(json, key);
    sw_json_str(&json->out, value);
}

void sw_cli_json_time(sw_cli_json *json, const char *key, int64_t us)
{
    char text[SW_TIME_TEXT];
    sw_cli_json_str(json, key, sw_str_make(text, sw_time_print(us, true, text)));
}

sw_status sw_cli_json_end(sw_cli *cli, sw_cli_json *json)
{
    sw_status status = json->buf.status;
    if (status == SW_STATUS_OK && sw_cli_has(cli, SW_OPTION_CSV)) {
        status = sw_csv_print(cli, sw_buf_str(&json->buf), json->list);
    } else if (status == SW_STATUS_OK) {
        fwrite(json->buf.ptr, 1, json->buf.len, cli->out);
        fputc('\n', cli->out);
    }
    sw_buf_fini(&json->buf);
    return status;
}

/* ---- main ------------------------------------------------------------------------------------ */

static int run(sw_cli *cli, int count, const char *const *words)
{
    sw_status status = sw_cli_parse(cli, count, words);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, NULL);
    }
    if (sw_cli_has(cli, SW_OPTION_HELP)) {
        sw_cli_explain(cli, cli->command);
        return sw_cli_finish(cli);
    }
    const char *zone = sw_cli_text(cli, SW_OPTION_TZ);
    if (zone && !sw_zone_read(sw_str_from(zone), &cli->zone)) {
        status = sw_fail(&cli->error, SW_STATUS_INVALID, "",
                         "--tz needs UTC, local, a distance like +02:00 or a place like "
                         "Europe/Berlin, not %s",
                         zone);
        return sw_cli_fail(cli, status, NULL);
    }
    cli->memory = sw_memory_new(NULL);
    if (!cli->memory) {
        return sw_cli_fail(cli, sw_no_memory(&cli->error), sw_cli_advice(SW_STATUS_NO_MEMORY));
    }
    int code = sw__commands[cli->command].run(cli);
    sw_source_close(&cli->source);
    sw_memory_free(&cli->memory);
    sw_ledger_close(&cli->ledger);
    return code;
}

int sw_cli_main(int count, const char *const *words, FILE *out, FILE *err, int64_t now_us)
{
    sw_cli cli = {.out = out, .err = err, .terminal = sw_terminal_of(out), .now_us = now_us};
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        setlocale(LC_CTYPE, "C.UTF-8");
    }
    (void)signal(SIGPIPE, SIG_IGN); /* sw_cli_finish tells what became of the answer */
    sw_arena_init(&cli.arena, &sw__libc_allocator, 0);
    int code = run(&cli, count, words);
    sw_arena_fini(&cli.arena);
    return code;
}
