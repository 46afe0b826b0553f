/* SPDX-License-Identifier: Apache-2.0 */
/* The client: one thread, one epoll, some connections that are never idle. Understands what is needed to find
 * the end of an answer: its status, Content-Length, or chunks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

enum { CONNECTIONS = 256, FIRST_ROOM = 64 << 10, ANSWER_MAX = 64 << 20 };

typedef struct connection {
    int fd;
    int64_t request; /* that is under way; -1: none */
    size_t sent;
    double begun;
    char *answer;
    size_t len;
    size_t room;
} connection;

typedef struct client {
    bench_load *load;
    int epoll;
    int64_t next;
    int64_t done;
    atomic_bool *stop; /* NULL: one pass over the requests */
    connection connections[CONNECTIONS];
} client;

static void connect_one(client *c, connection *k)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)c->load->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = k};
    k->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (k->fd < 0 || connect(k->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        bench_die("cannot connect to port %d: %s", c->load->port, strerror(errno));
    }
    setsockopt(k->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(k->fd, F_SETFL, O_NONBLOCK);
    epoll_ctl(c->epoll, EPOLL_CTL_ADD, k->fd, &event);
    k->request = -1;
    k->room = FIRST_ROOM;
    k->answer = bench_take(k->room, 1);
}

static void take_next(client *c, connection *k)
{
    int64_t total = c->load->total ? c->load->total : c->load->count;
    bool over = c->stop ? atomic_load(c->stop) : c->next == total;
    k->request = over ? -1 : c->next++ % c->load->count;
    k->sent = 0;
    k->len = 0;
    k->begun = c->load->latency_s ? bench_seconds() : 0;
}

static void send_more(client *c, connection *k)
{
    while (k->request >= 0 && k->sent < c->load->requests[k->request].len) {
        const bench_request *r = &c->load->requests[k->request];
        ssize_t n = send(k->fd, r->bytes + k->sent, r->len - k->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            bench_die("the server closed a connection: %s", strerror(errno));
        }
        k->sent += (size_t)n;
    }
}

/* ---- answers ------------------------------------------------------------------------------------ */

static const char *header(const char *head, const char *end, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = head; at + n < end; at++) {
        if (at[-1] == '\n' && strncasecmp(at, name, n) == 0) {
            return at + n;
        }
    }
    return NULL;
}

/* Whether the chunks at `at` are all there. */
static bool chunks_end(const char *at, const char *end)
{
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        unsigned long size = line ? strtoul(at, NULL, 16) : 0;
        if (!line) {
            return false;
        }
        if (size == 0) {
            return line + 2 < end;
        }
        at = line + 1 + size + 2;
    }
    return false;
}

/* Whether the answer is whole; *body is where its body begins. */
static bool answer_whole(connection *k, const char **body)
{
    k->answer[k->len] = 0;
    const char *blank = strstr(k->answer, "\r\n\r\n");
    if (!blank) {
        return false;
    }
    *body = blank + 4;
    const char *length = header(k->answer + 1, blank + 2, "content-length:");
    if (length) {
        return (size_t)(k->answer + k->len - *body) >= strtoul(length, NULL, 10);
    }
    return chunks_end(*body, k->answer + k->len);
}

/* How many verdicts say so. */
static int64_t count_created(const char *body)
{
    static const char verdict[] = "\"verdict\":\"created\"";
    int64_t n = 0;
    for (const char *at = strstr(body, verdict); at;
         at = strstr(at + sizeof verdict - 1, verdict)) {
        n++;
    }
    return n;
}

static void answered(client *c, connection *k, const char *body)
{
    bench_load *load = c->load;
    if (strncmp(k->answer, "HTTP/1.1 2", 10) != 0) {
        bench_die("the server answered: %.400s", k->answer);
    }
    if (load->created_each && count_created(body) != load->created_each) {
        bench_die("not everything was created: %.400s", body);
    }
    if (load->latency_s) {
        load->latency_s[k->request] = bench_seconds() - k->begun;
    }
    c->done++;
    take_next(c, k);
    send_more(c, k);
}

static void read_more(client *c, connection *k)
{
    for (;;) {
        const char *body = NULL;
        if (k->len + 1 == k->room) {
            k->room *= 2;
            k->answer = k->room <= ANSWER_MAX ? realloc(k->answer, k->room) : NULL;
            if (!k->answer) {
                bench_die("an answer is too large");
            }
        }
        ssize_t n = recv(k->fd, k->answer + k->len, k->room - k->len - 1, 0);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            bench_die("the server closed a connection after %zu bytes of an answer", k->len);
        }
        k->len += (size_t)n;
        if (answer_whole(k, &body)) {
            answered(c, k, body);
            return; /* nothing comes before the next answer, which epoll will tell */
        }
    }
}

/* ---- the load ----------------------------------------------------------------------------------- */

static int under_way(const client *c)
{
    int n = 0;
    for (int i = 0; i < c->load->connections; i++) {
        n += c->connections[i].request >= 0;
    }
    return n;
}

static void drive(client *c)
{
    struct epoll_event events[CONNECTIONS];
    for (int i = 0; i < c->load->connections; i++) {
        take_next(c, &c->connections[i]);
        send_more(c, &c->connections[i]);
    }
    while (under_way(c) > 0) {
        int n = epoll_wait(c->epoll, events, CONNECTIONS, 60000);
        if (n == 0) {
            bench_die("the server said nothing for a minute");
        }
        for (int i = 0; i < n; i++) {
            connection *k = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) {
                send_more(c, k);
            }
            if (events[i].events & EPOLLIN) {
                read_more(c, k);
            }
        }
    }
}

static void run(bench_load *load, atomic_bool *stop)
{
    client *c = bench_take(1, sizeof *c);
    if (load->connections > CONNECTIONS) {
        bench_die("too many connections");
    }
    c->load = load;
    c->stop = stop;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < load->connections; i++) {
        connect_one(c, &c->connections[i]);
    }
    double start = bench_seconds();
    drive(c);
    load->wall_s = bench_seconds() - start;
    for (int i = 0; i < load->connections; i++) {
        close(c->connections[i].fd);
        free(c->connections[i].answer);
    }
    close(c->epoll);
    free(c);
}

void bench_load_run(bench_load *load)
{
    run(load, NULL);
}

struct bench_background {
    bench_load load;
    atomic_bool stop;
    pthread_t thread;
};

static void *background_main(void *arg)
{
    bench_background *b = arg;
    run(&b->load, &b->stop);
    return NULL;
}

bench_background *bench_background_start(const bench_load *load)
{
    bench_background *b = bench_take(1, sizeof *b);
    b->load = *load;
    if (pthread_create(&b->thread, NULL, background_main, b) != 0) {
        bench_die("cannot start a thread");
    }
    return b;
}

void bench_background_stop(bench_background *b)
{
    atomic_store(&b->stop, true);
    pthread_join(b->thread, NULL);
    free(b);
}
