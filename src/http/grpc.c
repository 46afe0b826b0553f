/* SPDX-License-Identifier: Apache-2.0 */
/* The road of telemetry over gRPC: its door, its thread, and how it ends. What is spoken is grpc_line.c's.
 *
 * The thread waits for sockets and for workers that are done, and looks at what takes too long: ten times a
 * second while somebody waits for an answer, because a deadline is a promise, else once a second.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/grpc.h"

enum { EVENTS = 64, BUSY_MS = 100, CALM_MS = 1000, MS_US = 1000 };

/* ---- memory of the library -------------------------------------------------------------------------- */

static void *mem_malloc(size_t size, void *data)
{
    return sw_alloc(data, size > 0 ? size : 1);
}

static void mem_free(void *ptr, void *data)
{
    sw_free(data, ptr);
}

static void *mem_calloc(size_t count, size_t size, void *data)
{
    size_t all = 0;
    return __builtin_mul_overflow(count, size, &all) ? NULL
                                                     : sw_alloc_zeroed(data, all > 0 ? all : 1);
}

static void *mem_realloc(void *ptr, size_t size, void *data)
{
    return sw_resize(data, ptr, size > 0 ? size : 1);
}

/* The library's parameter lacks the const. */
static nghttp2_mem memory_of(const sw_allocator *from)
{
    union {
        const sw_allocator *in;
        void *out;
    } data = {.in = from};
    return (nghttp2_mem){.mem_user_data = data.out,
                         .malloc = mem_malloc,
                         .free = mem_free,
                         .calloc = mem_calloc,
                         .realloc = mem_realloc};
}

/* ---- waking ----------------------------------------------------------------------------------------- */

static void wake(sw_grpc *grpc)
{
    uint64_t one = 1;
    (void)!write(grpc->wake, &one, sizeof one);
}

void sw__grpc_done(sw_grpc_call *call)
{
    sw_grpc *grpc = call->grpc;
    pthread_mutex_lock(&grpc->lock);
    bool first = !grpc->done;
    call->next_done = grpc->done;
    grpc->done = call;
    pthread_mutex_unlock(&grpc->lock);
    if (first) {
        wake(grpc);
    }
}

void sw__grpc_watch(sw_grpc_line *line, bool out)
{
    struct epoll_event event = {.events = out ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                .data = {.ptr = line}};
    if (epoll_ctl(line->grpc->epoll, EPOLL_CTL_MOD, line->fd, &event) != 0) {
        line->broken = true;
    }
}

/* ---- the thread ------------------------------------------------------------------------------------- */

static void take_connections(sw_grpc *grpc)
{
    for (int i = 0; i < EVENTS; i++) {
        struct sockaddr_storage from;
        struct sockaddr *address = (struct sockaddr *)(void *)&from;
        socklen_t len = sizeof from;
        char peer[SW_GRPC_PEER_TEXT] = "";
        int fd = accept4(grpc->door.fd, address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        if (atomic_load(&grpc->line_count) >= SW_LIMIT_GRPC_CONNECTIONS) {
            atomic_fetch_add(&grpc->refused_lines, 1);
            close(fd);
        } else {
            (void)getnameinfo(address, len, peer, sizeof peer, NULL, 0, NI_NUMERICHOST);
            sw__grpc_line_new(grpc, fd, peer);
        }
    }
}

static void take_done(sw_grpc *grpc)
{
    pthread_mutex_lock(&grpc->lock);
    sw_grpc_call *call = grpc->done;
    grpc->done = NULL;
    pthread_mutex_unlock(&grpc->lock);
    while (call) {
        sw_grpc_call *next = call->next_done;
        sw_grpc_line *line = call->line;
        call->working = false;
        atomic_fetch_sub(&grpc->out, 1);
        if (call->closed) {
            sw__grpc_call_free(call);
        } else {
            sw__grpc_call_answer(call);
            sw__grpc_line_flush(line);
        }
        call = next;
    }
}

static void drop_broken(sw_grpc *grpc)
{
    for (sw_grpc_line *line = grpc->lines; line;) {
        sw_grpc_line *next = line->next;
        if (line->broken) {
            sw__grpc_line_free(line);
        }
        line = next;
    }
}

/* Says farewell on every line, once. */
static void be_quiet(sw_grpc *grpc)
{
    if (grpc->quiet) {
        return;
    }
    grpc->quiet = true;
    (void)epoll_ctl(grpc->epoll, EPOLL_CTL_DEL, grpc->door.fd, NULL);
    sw__door_close(&grpc->door);
    for (sw_grpc_line *line = grpc->lines; line; line = line->next) {
        sw__grpc_line_goaway(line);
        if (!line->broken) {
            sw__grpc_line_flush(line);
        }
    }
}

static void tick(sw_grpc *grpc)
{
    int64_t now_us = sw__mono_us();
    if (now_us - grpc->ticked_us < (int64_t)BUSY_MS * MS_US) {
        return;
    }
    grpc->ticked_us = now_us;
    for (sw_grpc_line *line = grpc->lines; line; line = line->next) {
        sw__grpc_line_tick(line, now_us);
    }
}

static int wait_ms(const sw_grpc *grpc)
{
    for (const sw_grpc_line *line = grpc->lines; line; line = line->next) {
        if (line->call_count > 0) {
            return BUSY_MS;
        }
    }
    return CALM_MS;
}

static void take_event(sw_grpc *grpc, const struct epoll_event *event)
{
    uint64_t count;
    if (event->data.ptr == &grpc->wake) {
        (void)!read(grpc->wake, &count, sizeof count);
    } else if (event->data.ptr == &grpc->door) {
        take_connections(grpc);
    } else {
        sw__grpc_line_turn(event->data.ptr);
    }
}

static void *run(void *data)
{
    sw_grpc *grpc = data;
    struct epoll_event events[EVENTS];
    while (!atomic_load(&grpc->halt)) {
        int count = epoll_wait(grpc->epoll, events, EVENTS, wait_ms(grpc));
        for (int i = 0; i < count; i++) {
            take_event(grpc, &events[i]);
        }
        take_done(grpc);
        if (atomic_load(&grpc->stopping)) {
            be_quiet(grpc);
        }
        tick(grpc);
        drop_broken(grpc);
    }
    return NULL;
}

/* ---- start and stop --------------------------------------------------------------------------------- */

static bool watch(sw_grpc *grpc, int fd, void *who)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = who}};
    return epoll_ctl(grpc->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

sw_status sw__grpc_open(sw_server *server, sw_grpc **out, sw_error *err)
{
    sw_grpc *grpc = sw_alloc_zeroed(server->from, sizeof *grpc);
    if (!grpc) {
        return sw_no_memory(err);
    }
    *out = grpc;
    grpc->server = server;
    grpc->from = server->from;
    grpc->memory = memory_of(server->from);
    grpc->door.fd = -1;
    grpc->epoll = -1;
    grpc->wake = -1;
    pthread_mutex_init(&grpc->lock, NULL);
    sw_status status =
        sw__door_open_usual(server, SW_SETTING_ID_OTLP_GRPC_LISTEN, "otlp-grpc-listen",
                            server->settings.otlp_grpc_listen, &grpc->door, err);
    if (status == SW_STATUS_OK && grpc->door.fd < 0) {
        sw__grpc_stop(out);
    }
    return status;
}

sw_status sw__grpc_secure(sw_grpc *grpc, const char *cert, const char *key, sw_error *err)
{
    return grpc && cert ? sw__grpc_tls_new(grpc->from, cert, key, &grpc->tls, err) : SW_STATUS_OK;
}

sw_status sw__grpc_start(sw_grpc *grpc, sw_error *err)
{
    if (!grpc) {
        return SW_STATUS_OK;
    }
    grpc->epoll = epoll_create1(EPOLL_CLOEXEC);
    grpc->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sw_status status = sw__grpc_callbacks(grpc, err);
    if (status != SW_STATUS_OK) {
        return status;
    }
    if (!watch(grpc, grpc->wake, &grpc->wake) || !watch(grpc, grpc->door.fd, &grpc->door)) {
        return sw_fail(err, SW_STATUS_IO, "otlp-grpc-listen", "cannot be waited for: %s",
                       strerror(errno));
    }
    if (pthread_create(&grpc->thread, NULL, run, grpc) != 0) {
        return sw_fail(err, SW_STATUS_NO_MEMORY, "", "no thread could be started");
    }
    grpc->runs = true;
    return SW_STATUS_OK;
}

void sw__grpc_end(sw_grpc *grpc)
{
    if (grpc && grpc->runs) {
        atomic_store(&grpc->stopping, true);
        wake(grpc);
    }
}

int sw__grpc_busy(const sw_grpc *grpc)
{
    return grpc && grpc->runs ? atomic_load(&grpc->line_count) : 0;
}

void sw__grpc_stop(sw_grpc **handle)
{
    sw_grpc *grpc = *handle;
    if (!grpc) {
        return;
    }
    *handle = NULL;
    atomic_store(&grpc->halt, true);
    if (grpc->runs) {
        wake(grpc);
        pthread_join(grpc->thread, NULL);
    }
    take_done(grpc);
    while (grpc->lines) {
        sw__grpc_line_free(grpc->lines);
    }
    sw_assert(atomic_load(&grpc->out) == 0);
    sw__door_close(&grpc->door);
    if (grpc->epoll >= 0) {
        close(grpc->epoll);
    }
    if (grpc->wake >= 0) {
        close(grpc->wake);
    }
    nghttp2_session_callbacks_del(grpc->callbacks);
    nghttp2_option_del(grpc->option);
    sw__grpc_tls_free(grpc->from, grpc->tls);
    pthread_mutex_destroy(&grpc->lock);
    sw_free(grpc->from, grpc);
}

/* ---- /metrics --------------------------------------------------------------------------------------- */

void sw__grpc_metrics(const sw_grpc *grpc, sw_buf *out)
{
    if (!grpc) {
        return;
    }
    sw_buf_adds(out, "# HELP stepwell_grpc_calls_total Answered calls by the code of gRPC.\n"
                     "# TYPE stepwell_grpc_calls_total counter\n");
    for (int i = 0; i < SW_RPC_COUNT; i++) {
        unsigned long long count = atomic_load(&grpc->codes[i]);
        if (count > 0) {
            sw_buf_addf(out, "stepwell_grpc_calls_total{code=\"%d\"} %llu\n", i, count);
        }
    }
    sw_buf_addf(out,
                "# HELP stepwell_grpc_connections Open connections.\n"
                "# TYPE stepwell_grpc_connections gauge\nstepwell_grpc_connections %d\n"
                "# HELP stepwell_grpc_refused_connections_total Connections past the limit.\n"
                "# TYPE stepwell_grpc_refused_connections_total counter\n"
                "stepwell_grpc_refused_connections_total %llu\n",
                atomic_load(&grpc->line_count),
                (unsigned long long)atomic_load(&grpc->refused_lines));
}
