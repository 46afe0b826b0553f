/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one JSON line a request, or call of gRPC. The path without its query and no header, because both may
 * hold what is nobody's business; the key by its id.
 *
 * Lines are gathered in memory and written by a thread of their own, about once a second, when there are
 * many, and when the server stops. Who reads them, through a pipe say, may be slow or gone: then lines are
 * dropped and counted, but no request waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "http/observe.h"

/* A pipe that says it has room takes PIPE_BUF bytes without waiting. */
enum { GATHER_BYTES = 64 * 1024, LONGEST_PATH = 1024, WAIT_MS = 100, LAST_WAITS = 5 };

struct sw_access_log {
    int fd;
    bool own; /* the descriptor was opened here */
    bool runs;
    pthread_t thread;
    sw_buf writing; /* of the thread, as `told` */
    bool told;
    atomic_llong lost;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t work;
    sw_buf lines;
    bool closing;
};

static const char slow[] = "it is not read fast enough";

/* ---- writing ---------------------------------------------------------------------------------------- */

/* Waits for lines, and takes them; false: there are none and will be none. */
static bool take_lines(sw_access_log *log)
{
    struct timespec until;
    sw_buf taken;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&log->lock);
    while (!log->closing && log->lines.len < GATHER_BYTES &&
           pthread_cond_timedwait(&log->work, &log->lock, &until) == 0) {
    }
    taken = log->lines;
    log->lines = log->writing;
    log->writing = taken;
    bool goes_on = !log->closing || taken.len > 0;
    pthread_mutex_unlock(&log->lock);
    return goes_on;
}

static bool is_closing(sw_access_log *log)
{
    pthread_mutex_lock(&log->lock);
    bool closing = log->closing;
    pthread_mutex_unlock(&log->lock);
    return closing;
}

static void lose(sw_access_log *log, sw_str lines)
{
    for (size_t i = 0; i < lines.len; i++) {
        log->lost += lines.ptr[i] == '\n';
    }
}

/* Said once, and here: who writes down a request does not wait for the server's own log either. */
static void tell_lost(sw_server *server, sw_access_log *log, const char *why)
{
    if (!log->told && atomic_load(&log->lost) > 0) {
        log->told = true;
        sw_logf(&server->log, SW_LOG_WARN,
                "access log: %s; lines are lost, and counted in /metrics", why);
    }
}

/* Waits for room, but not for long once the server stops. */
static bool has_room(sw_server *server, sw_access_log *log)
{
    struct pollfd out = {.fd = log->fd, .events = POLLOUT};
    int waits = 0;
    while (poll(&out, 1, WAIT_MS) == 0) {
        tell_lost(server, log, slow);
        waits += is_closing(log);
        if (waits >= LAST_WAITS) {
            return false;
        }
    }
    return true;
}

static void write_lines(sw_server *server, sw_access_log *log)
{
    sw_str left = sw_buf_str(&log->writing);
    while (left.len > 0) {
        size_t size = left.len < PIPE_BUF ? left.len : PIPE_BUF;
        ssize_t wrote = has_room(server, log) ? write(log->fd, left.ptr, size) : 0;
        if (wrote > 0) {
            left = sw_str_make(left.ptr + wrote, left.len - (size_t)wrote);
        } else if (wrote == 0 || errno != EINTR) {
            lose(log, left);
            tell_lost(server, log, wrote == 0 ? slow : strerror(errno));
            break;
        }
    }
    tell_lost(server, log, slow);
    sw_buf_clear(&log->writing);
}

static void *run_writer(void *data)
{
    sw_server *server = data;
    while (take_lines(server->access)) {
        write_lines(server, server->access);
    }
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------------- */

sw_status sw__access_open(sw_server *server, sw_error *err)
{
    const char *path = server->settings.access_log;
    pthread_condattr_t monotonic;
    if (!path) {
        return SW_STATUS_OK;
    }
    sw_access_log *log = sw_alloc_zeroed(server->from, sizeof *log);
    if (!log) {
        return sw_no_memory(err);
    }
    server->access = log;
    pthread_mutex_init(&log->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&log->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sw_buf_init(&log->lines, server->from, SW_LIMIT_ACCESS_LOG_BYTES);
    sw_buf_init(&log->writing, server->from, SW_LIMIT_ACCESS_LOG_BYTES);
    log->own = strcmp(path, "-") != 0;
    log->fd =
        log->own ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : STDOUT_FILENO;
    if (log->fd < 0) {
        return sw_fail(err, SW_STATUS_IO, "access-log", "%s cannot be written: %s", path,
                       strerror(errno));
    }
    log->runs = pthread_create(&log->thread, NULL, run_writer, server) == 0;
    return log->runs ? SW_STATUS_OK
                     : sw_fail(err, SW_STATUS_NO_MEMORY, "", "no thread could be started");
}

void sw__access_close(sw_server *server)
{
    sw_access_log *log = server->access;
    if (!log) {
        return;
    }
    pthread_mutex_lock(&log->lock);
    log->closing = true;
    pthread_cond_signal(&log->work);
    pthread_mutex_unlock(&log->lock);
    if (log->runs) {
        pthread_join(log->thread, NULL);
    }
    if (log->own && log->fd >= 0) {
        close(log->fd);
    }
    sw_buf_fini(&log->lines);
    sw_buf_fini(&log->writing);
    pthread_cond_destroy(&log->work);
    pthread_mutex_destroy(&log->lock);
    sw_free(server->from, log);
    server->access = NULL;
}

int64_t sw__access_lost(const sw_server *server)
{
    return server->access ? atomic_load(&server->access->lost) : 0;
}

/* ---- a line ----------------------------------------------------------------------------------------- */

static void member(sw_json_out *out, const char *name, sw_str text)
{
    if (text.ptr) {
        sw_json_key(out, sw_str_from(name));
        sw_json_str(out, sw_utf8_valid(text) ? text : SW_STR("?"));
    }
}

static void number(sw_json_out *out, const char *name, int64_t n)
{
    sw_json_key(out, sw_str_from(name));
    sw_json_int(out, n);
}

static void write_line(sw_exchange *x, bool completed, int64_t took_us, sw_json_out *out)
{
    char time[SW_TIME_TEXT];
    sw_str path = x->path;
    path.len = path.len < LONGEST_PATH ? path.len : LONGEST_PATH;
    (void)sw_time_print(sw__system_clock.wall_us(sw__system_clock.data) - took_us, true, time);
    sw_json_open(out, '{');
    member(out, "time", sw_str_from(time));
    member(out, "id", sw_str_from(x->request.id));
    member(out, "method", x->word);
    member(out, "path", path);
    member(out, "route", x->request.route ? sw_str_from(x->request.route->name) : SW_NULL_STR);
    number(out, "status", x->status);
    number(out, "received", x->body_bytes);
    number(out, "sent", x->fill ? x->sent : (int64_t)x->bytes.len);
    number(out, "us", took_us);
    member(out, "organization", x->request.actor.organization_id);
    member(out, "key", x->request.key_id);
    member(out, "peer", x->connection ? sw_request_peer(&x->request) : SW_NULL_STR);
    sw_json_key(out, SW_STR("completed"));
    sw_json_bool(out, completed);
    sw_json_close(out, '}');
}

/* As a request, of which the status that HTTP has for it is always 200. */
static void write_call(const sw_access_call *call, sw_json_out *out)
{
    char time[SW_TIME_TEXT];
    sw_str path = call->path;
    path.len = path.len < LONGEST_PATH ? path.len : LONGEST_PATH;
    (void)sw_time_print(sw__system_clock.wall_us(sw__system_clock.data) - call->took_us, true,
                        time);
    sw_json_open(out, '{');
    member(out, "time", sw_str_from(time));
    member(out, "method", call->method);
    member(out, "path", path);
    number(out, "status", 200);
    number(out, "grpc_status", call->code);
    number(out, "received", call->received);
    number(out, "sent", call->sent);
    number(out, "us", call->took_us);
    member(out, "organization", call->organization_id);
    member(out, "key", call->key_id);
    member(out, "peer", call->peer);
    sw_json_close(out, '}');
}

/* Who writes a line has the lock from its begin to its end. */
static size_t begin_line(sw_access_log *log, sw_json_out *out)
{
    pthread_mutex_lock(&log->lock);
    sw_json_out_init(out, &log->lines, false);
    return log->lines.len;
}

static void end_line(sw_access_log *log, size_t before)
{
    sw_buf_addc(&log->lines, '\n');
    if (log->lines.status != SW_STATUS_OK) {
        log->lines.len = before;
        log->lines.status = SW_STATUS_OK;
        log->lost++;
    }
    if (log->lines.len >= GATHER_BYTES) {
        pthread_cond_signal(&log->work);
    }
    pthread_mutex_unlock(&log->lock);
}

static void write_down(sw_exchange *x, bool completed, int64_t took_us)
{
    sw_access_log *log = x->request.server->access;
    sw_json_out out;
    if (log) {
        size_t before = begin_line(log, &out);
        write_line(x, completed, took_us, &out);
        end_line(log, before);
    }
}

void sw__access_tell(sw_server *server, const sw_access_call *call)
{
    sw_access_log *log = server->access;
    sw_json_out out;
    if (log) {
        size_t before = begin_line(log, &out);
        write_call(call, &out);
        end_line(log, before);
    }
}

void sw__observe_end(sw_exchange *x, bool completed)
{
    int64_t took_us = sw__mono_us() - x->begun_us;
    sw__metrics_count(x, took_us);
    write_down(x, completed, took_us);
}
