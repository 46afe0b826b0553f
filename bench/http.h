/* SPDX-License-Identifier: Apache-2.0 */
/* The served side: a server of this build as a child process, and a client that keeps many connections
 * busy from one thread. The client is as plain as it can be, because it works on the same processors as
 * what it measures: requests are made before the clock starts, an answer is read to its end, counted, and
 * otherwise left alone.
 */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <sys/types.h>

#include "bench.h"

/* ---- the server (http_server.c) ------------------------------------------------------------------ */

typedef struct bench_server {
    pid_t pid;
    int out; /* its standard output */
    int port;
    double ready_s; /* from the start of the process until it said where it listens */
} bench_server;

/* Where the program lies, beside the benchmark. */
void bench_program_path(char *out, size_t size);
/* Starts `stepwell serve` of this build over the ledger in `path`, and waits until it is ready. */
void bench_server_start(bench_server *server, const char *path, int cache_mb);
/* Asks it to end, and dies unless it ends well. */
void bench_server_stop(bench_server *server);
double bench_server_rss_mb(const bench_server *server);
/* Of the program with its symbols stripped. */
double bench_server_binary_mb(void);

/* ---- the client (http_client.c) ------------------------------------------------------------------ */

typedef struct bench_request {
    char *bytes; /* head and body; owned */
    size_t len;
} bench_request;

/* What a load is, and what came of it. */
typedef struct bench_load {
    int port;
    int connections;
    const bench_request *requests;
    int64_t count;
    int64_t total;        /* requests to send, round and round; 0: each once */
    int64_t created_each; /* times each answer must say "created"; 0: not looked for */
    double *latency_s;    /* of each request, in the order of the requests; NULL: not kept */
    double wall_s;        /* out */
} bench_load;

/* Sends all requests over the connections, each sends its next one when it has its answer. Dies on any
 * answer that is no success. */
void bench_load_run(bench_load *load);
/* The same in a thread of its own, over and over until it is stopped. */
typedef struct bench_background bench_background;
bench_background *bench_background_start(const bench_load *load);
void bench_background_stop(bench_background *background);

#endif
