/* SPDX-License-Identifier: Apache-2.0 */
/* stepwell serve: settings, ledger, server, and a thread that waits to be told to stop. What the server
 * says about itself goes to standard error; standard output gets the line with its address.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "cli/cli.h"
#include "http/settings.h"

/* ---- settings ------------------------------------------------------------------------------------------- */

/* The option of each setting that has one. */
#define SW_SETTING_OF_FLAG(NAME) SW_OPTION_SET_##NAME
#define SW_SETTING_OF_COUNT(NAME) SW_OPTION_SET_##NAME
#define SW_SETTING_OF_TEXT(NAME) SW_OPTION_SET_##NAME
#define SW_SETTING_OF_WORD(NAME) SW_OPTION_SET_##NAME
#define SW_SETTING_OF_UNFLAGGED(NAME) SW_OPTION_COUNT
#define SW_SETTING(KIND, NAME, ...) [SW_SETTING_ID_##NAME] = SW_SETTING_OF_##KIND(NAME),
static const sw_option_id options[SW_SETTING_ID_COUNT] = {
#include "model/config.def"
};
#undef SW_SETTING

static const char *given(void *arg, sw_setting_id id)
{
    const sw_cli *cli = arg;
    sw_option_id option = id == SW_SETTING_ID_STORE ? SW_OPTION_STORE : options[id];
    if (option == SW_OPTION_COUNT || !sw_cli_has(cli, option)) {
        return NULL;
    }
    return sw__options[option].kind == SW_OPTION_IS_FLAG ? "" : sw_cli_text(cli, option);
}

/* ---- the log ---------------------------------------------------------------------------------------------- */

static void print_line(FILE *out, int level, const char *line)
{
    char time[SW_TIME_TEXT];
    int64_t now_us = sw__system_clock.wall_us(sw__system_clock.data);
    (void)sw_time_print(now_us - now_us % 1000, true, time);
    fprintf(out, "%s %s: %s\n", time, sw_enum_word(SW_ENUM_verbosity, level), line);
}

typedef struct log_target {
    FILE *out;
    int level;
} log_target;

static void log_server(void *data, sw_log_level level, const char *line)
{
    print_line(((log_target *)data)->out, (int)level, line);
}

static void log_ledger(void *data, int level, const char *line)
{
    const log_target *target = data;
    if (level <= target->level) {
        print_line(target->out, level, line);
    }
}

/* ---- serving ------------------------------------------------------------------------------------------------ */

/* A connection is a file; the usual 1024 would be the limit before ours is. */
static void allow_connections(void)
{
    struct rlimit files;
    const rlim_t want = 2 * SW_LIMIT_CONNECTIONS + SW_LIMIT_GRPC_CONNECTIONS + 256;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < want) {
        files.rlim_cur = files.rlim_max < want ? files.rlim_max : want;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void block_signals(sigset_t *stops)
{
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(stops);
    sigaddset(stops, SIGTERM);
    sigaddset(stops, SIGINT);
    sigaddset(stops, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, stops, NULL);
}

static sw_status open_ledger(sw_cli *cli, const sw_settings *settings, log_target *target)
{
    sw_ledger_options open = {.store = settings->store,
                              .cache_bytes = settings->cache_mb << 20,
                              .keep_secret_key = true,
                              .log = log_ledger,
                              .log_data = target};
    if (settings->cache_mb < 1 || settings->cache_mb > 65536) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "cache-mb", "is 1 to 65536");
    }
    return sw_ledger_open(&open, &cli->ledger, &cli->error);
}

/* What OTEL_EXPORTER_OTLP_ENDPOINT can be. */
static void announce_telemetry(sw_cli *cli, const sw_server *server)
{
    const char *http = sw_server_otlp_url(server);
    const char *grpc = sw_server_grpc_url(server);
    fprintf(cli->out, "It takes OTLP at %s (HTTP)%s%s%s\n", http[0] ? http : sw_server_url(server),
            grpc[0] ? " and " : "", grpc, grpc[0] ? " (gRPC)" : "");
}

/* The line with the address is the first, for programs that wait for it. */
static sw_status announce(sw_cli *cli, const sw_server *server)
{
    bool keys = false;
    sw_status status = sw_keys_exist(cli->ledger, &keys, &cli->error);
    fprintf(cli->out, "Stepwell serves %s\n", sw_server_url(server));
    announce_telemetry(cli, server);
    if (status == SW_STATUS_OK && !keys) {
        fputs(
            "There is no key: every program of this machine may read and write as the default "
            "organization.\nstepwell keys create makes a key, and from then on one is asked for.\n",
            cli->out);
    }
    fflush(cli->out);
    return status;
}

static void wait_for_signal(const sigset_t *stops, const sw_log *log)
{
    int got = 0;
    (void)sigwait(stops, &got);
    sw_logf(log, SW_LOG_INFO, "stopping: %s", got == SIGINT ? "interrupted" : "asked to");
}

int sw_cli_serve(sw_cli *cli)
{
    sw_settings settings;
    sigset_t stops;
    sw_server *server = NULL;
    sw_status status = sw_settings_read(&settings, given, cli, sw_cli_text(cli, SW_OPTION_CONFIG),
                                        &cli->arena, &cli->error);
    if (status != SW_STATUS_OK) {
        return sw_cli_fail(cli, status, NULL);
    }
    log_target target = {cli->err, settings.verbosity};
    sw_log log = {log_server, &target, (sw_log_level)settings.verbosity};
    allow_connections();
    block_signals(&stops);
    status = open_ledger(cli, &settings, &target);
    if (status == SW_STATUS_OK) {
        status = sw_server_start(cli->ledger, &sw__libc_allocator, &settings, &log, &server,
                                 &cli->error);
    }
    if (status == SW_STATUS_OK) {
        status = announce(cli, server);
    }
    if (status != SW_STATUS_OK) {
        sw_server_stop(&server, 0);
        return sw_cli_fail(cli, status, status == SW_STATUS_INVALID ? NULL : sw_cli_advice(status));
    }
    wait_for_signal(&stops, &log);
    sw_server_stop(&server, SW_LIMIT_STOP_SECONDS);
    return 0;
}
