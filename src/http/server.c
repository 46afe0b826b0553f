/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and stopping: the socket, the daemon, the thread that turns it, and the end in good order.
 *
 * The network thread is ours and turns libmicrohttpd's wheel (epoll), so that what must happen on that
 * thread besides, such as telling slow senders, needs no lock. Stopping: no new connection is taken, streams
 * that only wait end, what is in flight is finished within the time given, then everything is taken down
 * in the order in which it depends on each other.
 */
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "http/grpc.h"
#include "http/observe.h"
#include "http/server.h"

enum { SECOND_US = 1000000, TICK_MS = 500 };

int64_t sw__mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

static sw_status open_doors(sw_server *server, sw_error *err)
{
    const sw_settings *s = &server->settings;
    sw_status status = sw__door_open(server, "listen", s->listen, &server->main, err);
    if (status == SW_STATUS_OK) {
        status = sw__door_open_usual(server, SW_SETTING_ID_OTLP_LISTEN, "otlp-listen",
                                     s->otlp_listen, &server->otlp, err);
    }
    return status == SW_STATUS_OK ? sw__grpc_open(server, &server->grpc, err) : status;
}

/* ---- the daemon ------------------------------------------------------------------------------------------- */

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    sw_server *server = data;
    sw__limits_connection(server, connection, context, code == MHD_CONNECTION_NOTIFY_STARTED);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        atomic_fetch_add(&server->connections, 1);
    } else {
        atomic_fetch_sub(&server->connections, 1);
    }
}

/* Paths are decoded by the router, part by part; here they stay as they came. */
static size_t leave_as_is(void *data, struct MHD_Connection *connection, char *text)
{
    (void)data;
    (void)connection;
    return strlen(text);
}

static void on_library_log(void *data, const char *format, va_list args) SW_PRINTF(2, 0);
static void on_library_log(void *data, const char *format, va_list args)
{
    sw_server *server = data;
    char line[512];
    (void)vsnprintf(line, sizeof line, format, args);
    sw_logf(&server->log, SW_LOG_DEBUG, "%s", line);
}

static struct MHD_Daemon *start_with(sw_server *server, const sw_door *door, char *cert, char *key)
{
    unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                         (server->tls ? MHD_USE_TLS : 0);
    char tls[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    struct MHD_OptionItem secure[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, cert},
                                      {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
                                      {MHD_OPTION_HTTPS_PRIORITIES, 0, tls},
                                      {MHD_OPTION_END, 0, NULL}};
    /* An option a line. */
    /* clang-format off */
    return MHD_start_daemon(flags, 0, NULL, NULL, sw__exchange_go_on, server,
        MHD_OPTION_EXTERNAL_LOGGER, on_library_log, server,
        MHD_OPTION_LISTEN_SOCKET, door->fd,
        MHD_OPTION_URI_LOG_CALLBACK, sw__exchange_begin, server,
        MHD_OPTION_NOTIFY_COMPLETED, sw__exchange_end, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_as_is, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned int)SW_LIMIT_CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SW_LIMIT_HEAD_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SW_LIMIT_IDLE_SECONDS,
        MHD_OPTION_ARRAY, server->tls ? secure : &secure[3],
        MHD_OPTION_END);
    /* clang-format on */
}

/* The certificate and its key are held in memory only while the library reads them. */
static sw_status start_daemon(sw_server *server, sw_error *err)
{
    char *cert = NULL;
    char *key = NULL;
    sw_arena arena;
    sw_arena_init(&arena, server->from, 0);
    sw_status status = sw__exposure_tls(server, &arena, &cert, &key, err);
    if (status == SW_STATUS_OK) {
        server->main.daemon = start_with(server, &server->main, cert, key);
        server->otlp.daemon =
            server->otlp.fd >= 0 ? start_with(server, &server->otlp, cert, key) : NULL;
        if (!server->main.daemon || (server->otlp.fd >= 0 && !server->otlp.daemon)) {
            status = sw_fail(err, SW_STATUS_INVALID, server->tls ? "tls-cert" : "listen",
                             "the HTTP library did not start%s",
                             server->tls ? "; do certificate and key fit together?" : "");
        }
    }
    status = status == SW_STATUS_OK ? sw__grpc_secure(server->grpc, cert, key, err) : status;
    if (key) {
        explicit_bzero(key, strlen(key));
    }
    sw_arena_fini(&arena);
    return status;
}

/* ---- the network thread --------------------------------------------------------------------------------------- */

static int wait_ms(sw_server *server)
{
    MHD_UNSIGNED_LONG_LONG ms = TICK_MS;
    MHD_UNSIGNED_LONG_LONG other = TICK_MS;
    if (MHD_get_timeout(server->main.daemon, &ms) != MHD_YES || ms > TICK_MS) {
        ms = TICK_MS;
    }
    if (server->otlp.daemon && MHD_get_timeout(server->otlp.daemon, &other) == MHD_YES &&
        other < ms) {
        ms = other;
    }
    return (int)ms;
}

static void tick(sw_server *server)
{
    int64_t now_us = sw__mono_us();
    if (now_us - server->ticked_us < SECOND_US) {
        return;
    }
    server->ticked_us = now_us;
    sw__limits_tick(server, now_us);
}

/* The library does not wake a wheel that somebody else turns, so it is done here; once is enough until
 * the network thread has looked. */
static void look_up(sw_server *server)
{
    uint64_t one = 1;
    if (!atomic_exchange(&server->called, true)) {
        (void)!write(server->wake, &one, sizeof one);
    }
}

void sw__suspend(sw_exchange *x)
{
    atomic_fetch_add(&x->request.server->suspended, 1);
    x->suspended = true;
    MHD_suspend_connection(x->connection);
}

/* The network thread resumes by itself, so that nobody waits for the library's lock. The count comes last:
 * once it is 0 the server may go. */
void sw__resume(sw_exchange *x)
{
    sw_server *server = x->request.server;
    x->suspended = false;
    x->returned = atomic_load(&server->returned);
    while (!atomic_compare_exchange_weak(&server->returned, &x->returned, x)) {
    } /* from here on the exchange is the network thread's */
    look_up(server);
    atomic_fetch_sub(&server->suspended, 1);
}

/* Goes on with what was given back, in the order in which it was. */
static void take_back(sw_server *server)
{
    sw_exchange *newest = atomic_exchange(&server->returned, NULL);
    sw_exchange *oldest = NULL;
    while (newest) {
        sw_exchange *before = newest->returned;
        newest->returned = oldest;
        oldest = newest;
        newest = before;
    }
    while (oldest) {
        sw_exchange *x = oldest;
        oldest = x->returned;
        if (x->unfinished) {
            sw__exchange_finish(x);
        }
        MHD_resume_connection(x->connection);
    }
}

static void hear_call(sw_server *server)
{
    uint64_t count;
    (void)!read(server->wake, &count, sizeof count);
    atomic_store(&server->called, false);
    if (!atomic_load(&server->stopping)) {
        return;
    }
    if (!server->quiet) {
        server->quiet = true;
        (void)MHD_quiesce_daemon(server->main.daemon);
        if (server->otlp.daemon) {
            (void)MHD_quiesce_daemon(server->otlp.daemon);
        }
    }
    for (sw_exchange *x = server->living; x; x = x->next) {
        sw__stream_stop(x);
    }
}

/* -1, which poll passes over, when there is no daemon. */
static int epoll_of(struct MHD_Daemon *daemon)
{
    return daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd : -1;
}

static void run_daemons(sw_server *server)
{
    (void)MHD_run(server->main.daemon);
    if (server->otlp.daemon) {
        (void)MHD_run(server->otlp.daemon);
    }
}

static void *run_network(void *data)
{
    sw_server *server = data;
    struct pollfd fds[] = {{.fd = epoll_of(server->main.daemon), .events = POLLIN},
                           {.fd = epoll_of(server->otlp.daemon), .events = POLLIN},
                           {.fd = server->wake, .events = POLLIN}};
    while (!atomic_load(&server->halt)) {
        (void)poll(fds, SW_COUNT(fds), wait_ms(server));
        if (fds[2].revents) {
            hear_call(server);
        }
        take_back(server);
        run_daemons(server);
        tick(server);
    }
    return NULL;
}

/* ---- start and stop ------------------------------------------------------------------------------------------- */

static int busy(const sw_server *server)
{
    return atomic_load(&server->exchanges) + sw__grpc_busy(server->grpc);
}

static int suspended(const sw_server *server)
{
    return atomic_load(&server->suspended);
}

/* Waits until the count is 0, in small steps because nobody tells the time of it. */
static bool wait_for_none(const sw_server *server, int (*count)(const sw_server *server),
                          int64_t until_us)
{
    while (count(server) > 0) {
        if (sw__mono_us() >= until_us) {
            return false;
        }
        const struct timespec step = {0, 5000000};
        (void)nanosleep(&step, NULL);
    }
    return true;
}

/* The library must not be stopped while a connection is suspended. So first nobody suspends any more, then
 * whoever has an exchange gives it back: streams, workers, and the ledger's threads, which always answer. */
static void end_exchanges(sw_server *server)
{
    atomic_store(&server->stopping, true);
    atomic_store(&server->aborting, true);
    atomic_store(&server->halt, true);
    if (server->network_runs) {
        look_up(server);
        pthread_join(server->network, NULL);
    }
    for (sw_exchange *x = server->living; x; x = x->next) {
        sw__stream_stop(x);
    }
    sw__workers_stop(server);
    sw__grpc_stop(&server->grpc);
    (void)wait_for_none(server, suspended, INT64_MAX);
    take_back(server);
    if (server->main.daemon) {
        run_daemons(server); /* what is ready is sent */
        MHD_stop_daemon(server->main.daemon);
    }
    if (server->otlp.daemon) {
        MHD_stop_daemon(server->otlp.daemon);
    }
}

static void take_down(sw_server *server, int64_t until_us)
{
    end_exchanges(server);
    sw__probe_stop(server);
    sw_live_stop(&server->live, until_us);
    sw__door_close(&server->main);
    sw__door_close(&server->otlp);
    if (server->wake >= 0) {
        close(server->wake);
    }
    sw__exchange_free_all(server);
    sw__access_close(server);
    sw__metrics_free(server);
    sw__openapi_free(server);
    sw__routing_free(server);
    pthread_cond_destroy(&server->work);
    pthread_mutex_destroy(&server->lock);
    sw_free(server->from, server);
}

static sw_status start_threads(sw_server *server, sw_error *err)
{
    sw_status status = sw__workers_start(server, err);
    if (status == SW_STATUS_OK &&
        pthread_create(&server->network, NULL, run_network, server) != 0) {
        status = sw_fail(err, SW_STATUS_NO_MEMORY, "", "no thread could be started");
    }
    server->network_runs = status == SW_STATUS_OK;
    return status == SW_STATUS_OK ? sw__grpc_start(server->grpc, err) : status;
}

sw_status sw_server_start(sw_ledger *ledger, const sw_allocator *from, const sw_settings *settings,
                          const sw_log *log, sw_server **out, sw_error *err)
{
    sw_server *server = sw_alloc_zeroed(from, sizeof *server);
    if (!server) {
        return sw_no_memory(err);
    }
    server->ledger = ledger;
    server->settings = *settings;
    server->log = log ? *log : (sw_log){0};
    server->from = from;
    server->random = sw__system_random;
    server->main.fd = -1;
    server->otlp.fd = -1;
    server->loopback = true;
    server->tls = settings->tls_cert != NULL;
    server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->work, NULL);
    sw__openapi_init(server);
    sw_status status = sw__routing_make(server, err);
    status = status == SW_STATUS_OK ? sw__metrics_make(server, err) : status;
    status = status == SW_STATUS_OK ? sw__access_open(server, err) : status;
    status = status == SW_STATUS_OK ? open_doors(server, err) : status;
    status = status == SW_STATUS_OK ? start_daemon(server, err) : status;
    status = status == SW_STATUS_OK ? sw__probe_start(server, err) : status;
    if (status == SW_STATUS_OK) {
        status = sw_live_start(ledger, from, &server->settings, server->loopback, &server->log,
                               &server->live, err);
    }
    status = status == SW_STATUS_OK ? start_threads(server, err) : status;
    if (status != SW_STATUS_OK) {
        take_down(server, 0);
        return status;
    }
    *out = server;
    return SW_STATUS_OK;
}

void sw_server_stop(sw_server **handle, int seconds)
{
    sw_server *server = handle ? *handle : NULL;
    if (!server) {
        return;
    }
    *handle = NULL;
    int64_t until_us = sw__mono_us() + (int64_t)seconds * SECOND_US;
    sw_live_end(&server->live);
    atomic_store(&server->stopping, true);
    look_up(server);
    sw__grpc_end(server->grpc);
    if (!wait_for_none(server, busy, until_us)) {
        atomic_store(&server->aborting, true);
        look_up(server);
        (void)wait_for_none(server, busy, sw__mono_us() + SECOND_US / 2);
    }
    take_down(server, until_us);
}

/* ---- what handlers ask ------------------------------------------------------------------------------------------ */

sw_live *sw_server_live(sw_server *server)
{
    return &server->live;
}

const char *sw_server_url(const sw_server *server)
{
    return server->main.url;
}

const char *sw_server_otlp_url(const sw_server *server)
{
    return server->otlp.url;
}

const char *sw_server_grpc_url(const sw_server *server)
{
    return server->grpc ? server->grpc->door.url : "";
}

bool sw_server_is_local(const sw_server *server)
{
    return server->loopback;
}

bool sw_server_stopping(const sw_server *server)
{
    return atomic_load(&server->stopping);
}

sw_ledger *sw_server_ledger(const sw_server *server)
{
    return server->ledger;
}

const sw_settings *sw_server_settings(const sw_server *server)
{
    return &server->settings;
}

const sw_log *sw_server_log(const sw_server *server)
{
    return &server->log;
}
