/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP over gRPC: what its files share. A line is a connection, a call one stream of it.
 *
 * One thread turns all lines (epoll), and HTTP/2 is libnghttp2's. What belongs to a call comes and goes on that
 * thread; a whole one is handed to a worker, which unpacks it, gives it to the ingest room and puts it on the list
 * `done`, from where the thread takes it to answer. A call that its sender gives up while a worker has it stays
 * until the worker is done, and counts against its line, so that giving up is no way to more work.
 *
 * Flow control: windows are larger than HTTP/2's own 64 KiB and topped up as bytes are taken, which is at once:
 * what calls may hold is bounded by the same sum as bodies of HTTP, and past it a call is told to come again.
 */
#ifndef SW_HTTP_GRPC_H
#define SW_HTTP_GRPC_H

#include <nghttp2/nghttp2.h>

#include "http/auth.h"
#include "http/grpc_frame.h"
#include "http/server.h"

typedef struct sw_grpc sw_grpc;
typedef struct sw_grpc_line sw_grpc_line;
typedef struct sw_grpc_call sw_grpc_call;
typedef struct sw_grpc_tls sw_grpc_tls;       /* certificate and key */
typedef struct sw_grpc_secure sw_grpc_secure; /* of one line */
typedef struct sw_grpc_method sw_grpc_method;

struct sw_grpc {
    sw_server *server;
    const sw_allocator *from;
    sw_door door;
    sw_grpc_tls *tls; /* NULL: plain */
    int epoll;
    int wake; /* an eventfd */
    pthread_t thread;
    bool runs;
    bool quiet; /* no new connection is taken */
    atomic_bool stopping;
    atomic_bool halt;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_mem memory;
    sw_grpc_line *lines;
    int64_t ticked_us;
    atomic_int line_count;
    atomic_int out; /* calls with workers */
    atomic_ullong codes[SW_RPC_COUNT];
    atomic_ullong refused_lines;
    pthread_mutex_t lock; /* of `done` */
    sw_grpc_call *done;
};

enum { SW_GRPC_PREFACE = 24, SW_GRPC_OLD_TEXT = 512, SW_GRPC_PEER_TEXT = 64 };

struct sw_grpc_line {
    sw_grpc *grpc;
    sw_grpc_line *next;
    sw_grpc_line *before;
    int fd;
    char peer[SW_GRPC_PEER_TEXT]; /* the address at the other end */
    sw_grpc_secure *secure;
    bool ready;      /* TLS is agreed on */
    size_t prefaced; /* bytes of the preface that came */
    nghttp2_session *session;
    sw_grpc_call *calls;
    int call_count;
    const uint8_t *out; /* what waits to be sent */
    size_t out_len;
    bool wants_out;
    bool farewell; /* the last bytes are on their way; what comes is not looked at */
    bool broken;
    int64_t since_us;           /* that it has nothing to do, or has not begun */
    int64_t stuck_us;           /* since when it takes nothing of what waits; 0: it does */
    char old[SW_GRPC_OLD_TEXT]; /* the answer to who speaks HTTP/1 */
};

struct sw_grpc_call {
    sw_task task;
    sw_grpc *grpc;
    sw_grpc_line *line; /* NULL: gone */
    sw_grpc_call *next; /* of the line */
    sw_grpc_call *before;
    sw_grpc_call *next_done;
    int32_t stream;
    atomic_bool gone; /* its sender does not wait any more */
    bool working;     /* a worker has it */
    bool whole;       /* the request has ended */
    bool answered;
    bool closed; /* the stream is over */
    size_t head_bytes;
    /* The request. */
    sw_arena arena;
    sw_memory *memory;
    sw_str verb, path, type, encoding, timeout, authorization, password;
    sw_str secret;
    sw_str peer;
    sw_str key_id;
    bool let; /* whoever calls was asked for his key */
    const sw_grpc_method *method;
    sw_actor actor;
    int64_t begun_us;  /* of the monotonic clock, as what follows */
    int64_t until_us;  /* INT64_MAX: none */
    int64_t window_us; /* since when `window_bytes` came */
    int64_t window_bytes;
    sw_buf body;
    sw_buf unpacked;
    int64_t held; /* of what all bodies may hold */
    /* The answer. */
    sw_rpc code;
    sw_buf text;    /* grpc-message */
    sw_buf details; /* grpc-status-details-bin; empty: none */
    sw_buf out;     /* a message with its prefix */
    size_t sent;
};

/* What a method does with a message: fills call->out behind the prefix, or says `why` not. */
struct sw_grpc_method {
    const char *path;
    bool here; /* needs no key and no worker */
    otlp_signal signal;
    sw_rpc (*run)(sw_grpc_call *call, sw_str message, sw_error *err);
};

/* ---- grpc.c ----------------------------------------------------------------------------------------- */

/* Opens the door; *out stays NULL when there is none to open. */
sw_status sw__grpc_open(sw_server *server, sw_grpc **out, sw_error *err) SW_MUST_CHECK;
/* Certificate and key are only read. NULL grpc is fine, here and below. */
sw_status sw__grpc_secure(sw_grpc *grpc, const char *cert, const char *key,
                          sw_error *err) SW_MUST_CHECK;
sw_status sw__grpc_start(sw_grpc *grpc, sw_error *err) SW_MUST_CHECK;
/* Takes nothing new and says so on every line. */
void sw__grpc_end(sw_grpc *grpc);
/* Lines that still have something to finish. */
int sw__grpc_busy(const sw_grpc *grpc);
/* Ends what is left; workers must have stopped. */
void sw__grpc_stop(sw_grpc **grpc);
void sw__grpc_metrics(const sw_grpc *grpc, sw_buf *out);
/* From a worker: the call is ready to be answered. */
void sw__grpc_done(sw_grpc_call *call);
/* The line's socket shall tell when it can take more, or not any more. */
void sw__grpc_watch(sw_grpc_line *line, bool out);

/* ---- grpc_line.c ------------------------------------------------------------------------------------ */

sw_status sw__grpc_callbacks(sw_grpc *grpc, sw_error *err) SW_MUST_CHECK;
/* Takes the socket over, also when there is no memory. */
void sw__grpc_line_new(sw_grpc *grpc, int fd, const char *peer);
void sw__grpc_line_free(sw_grpc_line *line);
/* The socket can be read or written. */
void sw__grpc_line_turn(sw_grpc_line *line);
/* Says that no further call is taken. */
void sw__grpc_line_goaway(sw_grpc_line *line);
/* Once a while: what takes too long. */
void sw__grpc_line_tick(sw_grpc_line *line, int64_t now_us);
void sw__grpc_line_flush(sw_grpc_line *line);

/* ---- grpc_call.c ------------------------------------------------------------------------------------ */

sw_grpc_call *sw__grpc_call_new(sw_grpc_line *line, int32_t stream);
void sw__grpc_call_free(sw_grpc_call *call);
/* A header; false: they are too many. */
bool sw__grpc_call_header(sw_grpc_call *call, sw_str name, sw_str value);
/* All headers are there. Refuses what can be refused. */
void sw__grpc_call_begin(sw_grpc_call *call);
void sw__grpc_call_data(sw_grpc_call *call, sw_str bytes);
/* The request is whole. */
void sw__grpc_call_whole(sw_grpc_call *call);
/* Answers with an error, unless it was answered. */
void sw__grpc_call_refuse(sw_grpc_call *call, sw_rpc code, const char *format, ...) SW_PRINTF(3, 4);
/* Answers that its time is over, whoever has it. */
void sw__grpc_call_late(sw_grpc_call *call);
/* The stream is over: the call goes, unless a worker has it; then it goes when the worker is done. */
void sw__grpc_call_close(sw_grpc_call *call);
/* Answers with what the worker made. */
void sw__grpc_call_answer(sw_grpc_call *call);

/* ---- grpc_method.c ---------------------------------------------------------------------------------- */

const sw_grpc_method *sw__grpc_method(sw_str path);

/* ---- grpc_tls.c ------------------------------------------------------------------------------------- */

sw_status sw__grpc_tls_new(const sw_allocator *from, const char *cert, const char *key,
                           sw_grpc_tls **out, sw_error *err) SW_MUST_CHECK;
void sw__grpc_tls_free(const sw_allocator *from, sw_grpc_tls *tls);
sw_grpc_secure *sw__grpc_secure_new(const sw_allocator *from, sw_grpc_tls *tls, int fd);
void sw__grpc_secure_free(const sw_allocator *from, sw_grpc_secure *secure);
/* 1: agreed; 0: not yet; -1: never. */
int sw__grpc_secure_agree(sw_grpc_secure *secure);
/* As recv and send: -1 with EAGAIN when it has to wait. */
ssize_t sw__grpc_secure_read(sw_grpc_secure *secure, void *to, size_t room);
ssize_t sw__grpc_secure_write(sw_grpc_secure *secure, const void *from, size_t size);

#endif
