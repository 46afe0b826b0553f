/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one JSON line a request. The path without its query and no header, because both may
 * hold what is nobody's business; the key by its id. Lines are gathered and written about once a second,
 * and when the server stops.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "http/observe.h"

enum { GATHER_BYTES = 64 * 1024, LONGEST_PATH = 1024 };

/* Of the network thread. */
struct sw_access_log {
    int fd;
    bool own; /* the descriptor was opened here */
    sw_buf lines;
};

sw_status sw__access_open(sw_server *server, sw_error *err)
{
    const char *path = server->settings.access_log;
    if (!path) {
        return SW_STATUS_OK;
    }
    sw_access_log *log = sw_alloc_zeroed(server->from, sizeof *log);
    if (!log) {
        return sw_no_memory(err);
    }
    server->access = log;
    log->own = strcmp(path, "-") != 0;
    log->fd =
        log->own ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : STDOUT_FILENO;
    sw_buf_init(&log->lines, server->from, (size_t)4 * GATHER_BYTES);
    return log->fd >= 0 ? SW_STATUS_OK
                        : sw_fail(err, SW_STATUS_IO, "access-log", "%s cannot be written: %s", path,
                                  strerror(errno));
}

void sw__access_flush(sw_server *server)
{
    sw_access_log *log = server->access;
    size_t done = 0;
    while (log && done < log->lines.len) {
        ssize_t wrote = write(log->fd, log->lines.ptr + done, log->lines.len - done);
        if (wrote < 0 && errno != EINTR) {
            sw_logf(&server->log, SW_LOG_WARN, "access log: %s; lines are lost", strerror(errno));
            break;
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    if (log) {
        sw_buf_clear(&log->lines);
    }
}

void sw__access_close(sw_server *server)
{
    sw_access_log *log = server->access;
    if (!log) {
        return;
    }
    sw__access_flush(server);
    if (log->own && log->fd >= 0) {
        close(log->fd);
    }
    sw_buf_fini(&log->lines);
    sw_free(server->from, log);
    server->access = NULL;
}

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

void sw__access_write(sw_exchange *x, bool completed, int64_t took_us)
{
    sw_access_log *log = x->request.server->access;
    sw_json_out out;
    if (!log) {
        return;
    }
    sw_json_out_init(&out, &log->lines, false);
    write_line(x, completed, took_us, &out);
    sw_buf_addc(&log->lines, '\n');
    if (log->lines.len >= GATHER_BYTES || log->lines.status != SW_STATUS_OK) {
        sw__access_flush(x->request.server);
    }
}

void sw__observe_end(sw_exchange *x, bool completed)
{
    int64_t took_us = sw__mono_us() - x->begun_us;
    sw__metrics_count(x, took_us);
    sw__access_write(x, completed, took_us);
}
