/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the server's core share, and no handler sees: the exchange, the workers, the server.
 *
 * An exchange is one request and its answer. It is used by one thread at a time: the network thread while
 * bytes come and go, a worker (or the thread that calls sw_request_done) while its connection is suspended.
 * Handing it over goes through a lock or a list each time, so that nothing in it needs one of its own; only a stream
 * can be woken by strangers, and what they touch is guarded by `lock`.
 */
#ifndef SW_HTTP_SERVER_H
#define SW_HTTP_SERVER_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "http/http.h"
#include "http/live.h"
#include "http/otlp.h"
#include "http/settings.h"

typedef struct sw_exchange sw_exchange;

/* ---- what an exchange is made of ----------------------------------------------------------------- */

/* A parameter as it was given; `numbers` are those of INT, BOOL, TIME and WORD. */
typedef struct sw_given {
    const sw_param *row;
    const sw_str *texts;
    const int64_t *numbers;
    size_t count;
    bool given; /* else it is the row's fallback, or nothing */
} sw_given;

typedef struct sw_invalid {
    const char *type;
    const char *where;
    sw_str name; /* a field's path for a body; null: the whole */
    sw_str msg;
    sw_str input;
    sw_str ctx; /* JSON; null: none */
    struct sw_invalid *next;
} sw_invalid;

typedef struct sw_header {
    sw_str name;
    sw_str value;
    struct sw_header *next;
} sw_header;

/* Where an exchange is. */
typedef enum sw_phase {
    SW_PHASE_HEAD,     /* the request line was read; the headers come */
    SW_PHASE_ASKED,    /* a worker has asked who calls */
    SW_PHASE_BODY,     /* the body comes, and is kept */
    SW_PHASE_DRAIN,    /* the answer is known; the rest of the body is read and forgotten */
    SW_PHASE_WORK,     /* suspended: a worker has it, or whoever will call sw_request_done */
    SW_PHASE_ANSWERED, /* the answer is ready to be sent */
    SW_PHASE_SENDING
} sw_phase;

/* What a worker does with an exchange. */
typedef enum sw_job { SW_JOB_AUTH, SW_JOB_RUN, SW_JOB_PART, SW_JOB_LAST_PART, SW_JOB_FILL } sw_job;

/* What waits for a worker; whose it is, `run` knows. */
typedef struct sw_task {
    struct sw_task *next;
    void (*run)(struct sw_task *task);
} sw_task;

/* How a stream is. */
typedef enum sw_flow {
    SW_FLOW_SENDING, /* the network thread takes from `out` */
    SW_FLOW_FILLING, /* suspended: a worker fills */
    SW_FLOW_WAITING  /* suspended: until somebody wakes it */
} sw_flow;

typedef struct sw_squeeze sw_squeeze;   /* a compressor (compress.c) */
typedef struct sw_inflater sw_inflater; /* the opposite (inflate.c) */

/* How a body is packed. */
typedef enum sw_coding {
    SW_CODING_NONE,
    SW_CODING_GZIP,
    SW_CODING_ZSTD,
    SW_CODING_OTHER /* which cannot be read */
} sw_coding;

struct sw_exchange {
    sw_request request; /* first: the two are one */
    struct MHD_Connection *connection;
    const char *peer;  /* who is at its other end; NULL: not remembered */
    sw_exchange *next; /* of the living, or of the free */
    sw_exchange *before;
    sw_task task;
    _Atomic sw_phase phase; /* the tick looks at it, whoever has the exchange */
    sw_job job;
    bool known_method;
    bool is_head;
    bool is_options;
    bool suspended;
    bool hung_up;               /* its connection was ended here */
    bool closes;                /* the connection must end with this answer */
    bool streams_in;            /* the body goes to .part as it arrives */
    sw_coding coding;           /* of the body */
    int64_t declared;           /* length of the body as the headers say; -1: chunked */
    int64_t told_us;            /* when the answer was sent before the body had ended */
    int64_t drained;            /* bytes that were read and forgotten */
    sw_finish_function *finish; /* sw_request_later was called; NULL: it was not */
    bool unfinished;            /* and `finish` is left to the network thread */
    sw_exchange *returned;      /* given back to the network thread before this one */
    sw_method method;
    atomic_int
        holds; /* until 0 the answer is not complete: the handler, and whoever answers later */
    sw_status later_status;
    sw_error later_error;
    sw_str path;       /* as sent, without the query */
    sw_str query;      /* as sent, behind '?'; null: none */
    sw_str word;       /* the method */
    int64_t begun_us;  /* of the monotonic clock */
    int64_t window_us; /* since when `window_bytes` came: how slow senders are told */
    int64_t window_bytes;
    sw_buf body;
    int64_t body_bytes; /* read so far */
    int64_t body_limit;
    int64_t reserved;  /* of what all bodies may hold together */
    int64_t held;      /* the same, by a handler whose body streams */
    int64_t unpacking; /* and by the inflater */
    sw_inflater *inflater;
    sw_buf inflated; /* the body, or the piece of it, as it was before it was packed */
    sw_given *given; /* one for each parameter that the route declares */
    size_t given_count;
    sw_invalid *invalid; /* in order */
    sw_invalid **invalid_tail;
    sw_str example; /* of a path id that was wrong; null: none */

    /* The answer. */
    int status;
    const char *content_type;
    sw_header *headers;
    sw_buf out;
    sw_json_out json;
    sw_str bytes;    /* what is sent: `out`, or bytes of the handler's */
    int fail_status; /* by sw_answer_fail; 0: none */
    sw_error fail_error;
    int64_t sent; /* bytes of a stream */

    /* A stream. */
    sw_fill_function *fill; /* NULL: the answer is whole */
    pthread_mutex_t lock;
    sw_flow flow;
    bool woken;
    bool ended;
    bool broken;  /* it cannot be completed: the client must see that */
    bool counted; /* against the limit of open streams */
    size_t taken; /* bytes of `bytes` that were sent */
    sw_squeeze *squeeze;
    sw_buf squeezed;
    bool packed; /* by the handler: nothing is to be compressed */
};

static inline sw_exchange *sw_exchange_of(const sw_request *request)
{
    return request->exchange;
}

/* ---- the server ------------------------------------------------------------------------------------ */

typedef struct sw_metrics sw_metrics;
typedef struct sw_access_log sw_access_log;
typedef struct sw_routing sw_routing;
typedef struct sw_probe sw_probe;
typedef struct sw_guest sw_guest;

enum { SW_WORKERS_MOST = 256, SW_URL_TEXT = 128, SW_TAG_TEXT = 24, SW_NAMES = 16 };

/* An address that is listened on. */
typedef struct sw_door {
    int fd; /* -1: closed */
    struct MHD_Daemon *daemon;
    char url[SW_URL_TEXT];
} sw_door;

struct sw_server {
    sw_ledger *ledger;
    sw_settings settings;
    sw_log log;
    const sw_allocator *from;
    sw_random random;
    sw_door main;
    sw_door otlp;         /* only what takes telemetry is behind it */
    struct sw_grpc *grpc; /* NULL: that door is closed */
    bool loopback;        /* all addresses are this machine's own */
    bool tls;
    pthread_t network;
    bool network_runs;
    int wake;                      /* an eventfd: the network thread shall look up */
    atomic_bool called;            /* and was told so */
    sw_exchange *_Atomic returned; /* what was given back to it, the newest first */
    atomic_bool stopping;
    atomic_bool aborting; /* the time for what is in flight is over */
    atomic_bool halt;     /* the network thread shall end, and nothing be begun any more */
    sw_routing *routing;
    pthread_mutex_t openapi_lock;
    sw_buf openapi; /* the document, and its ETag (openapi.c) */
    char openapi_tag[SW_TAG_TEXT];
    sw_metrics *metrics;
    sw_access_log *access;
    sw_probe *probe;
    sw_live live; /* who may call, who listens, what goes out */

    /* Of the network thread. */
    sw_exchange *living;
    sw_exchange *unused;
    size_t unused_count;
    sw_guest *guests; /* open connections (limits.c) */
    int64_t ticked_us;
    uint8_t names[SW_NAMES][16]; /* of exchanges to come: chance */
    size_t names_left;
    bool quiet;           /* takes no new connection */
    atomic_int exchanges; /* alive */
    atomic_int suspended; /* of them, and not yet given back */
    atomic_int streams;   /* open */
    atomic_int connections;
    atomic_llong bodies; /* bytes reserved for bodies */

    /* Uploads, under the workers' lock: one is imported at a time (import.c). */
    struct sw_upload *uploads; /* those that wait */
    bool importing;
    atomic_int upload_count; /* those that come, too */

    /* Workers. */
    pthread_mutex_t lock;
    pthread_cond_t work;
    sw_task *jobs;
    sw_task **jobs_tail;
    size_t job_count;
    bool closing;
    pthread_t workers[SW_WORKERS_MOST];
    size_t worker_count;
};

int64_t sw__mono_us(void);
/* Takes the exchange's connection from the network thread, for whoever is to have it next. */
void sw__suspend(sw_exchange *x);
/* Gives a suspended exchange back to the network thread; not to be touched afterwards. */
void sw__resume(sw_exchange *x);

/* ---- listen.c --------------------------------------------------------------------------------------- */

/* Opens a door at the address, which the setting of that name gave. INVALID, IO. */
sw_status sw__door_open(sw_server *server, const char *setting, const char *text, sw_door *door,
                        sw_error *err) SW_MUST_CHECK;
/* The same for a door that is there unless somebody else has its address: then it is told and stays closed, unless
 * the address was asked for. off or nothing as address: no door. */
sw_status sw__door_open_usual(sw_server *server, sw_setting_id id, const char *setting,
                              const char *text, sw_door *door, sw_error *err) SW_MUST_CHECK;
void sw__door_close(sw_door *door);

/* ---- exposure.c ------------------------------------------------------------------------------------- */

/* Whether it may listen on the address, given as `setting`: INVALID says what is missing. */
sw_status sw__exposure_check(sw_server *server, const char *setting, const char *text,
                             bool loopback, sw_error *err) SW_MUST_CHECK;
/* Certificate and key, NUL-terminated, in the arena; NULL without TLS. */
sw_status sw__exposure_tls(sw_server *server, sw_arena *arena, char **cert, char **key,
                           sw_error *err) SW_MUST_CHECK;

/* ---- exchange_pool.c -------------------------------------------------------------------------------- */

/* NULL without memory. */
sw_exchange *sw__exchange_take(sw_server *server);
void sw__exchange_give(sw_server *server, sw_exchange *x);
void sw__exchange_free_all(sw_server *server);

/* ---- exchange.c ------------------------------------------------------------------------------------- */

void *sw__exchange_begin(void *server, const char *uri, struct MHD_Connection *connection);
enum MHD_Result sw__exchange_go_on(void *server, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_size, void **exchange);
void sw__exchange_end(void *server, struct MHD_Connection *connection, void **exchange,
                      enum MHD_RequestTerminationCode how);

/* ---- exchange_work.c -------------------------------------------------------------------------------- */

/* In a worker: what the job says. */
void sw__exchange_work(sw_exchange *x);
/* The handler, or a piece of the body, is through: what it answered is completed. */
void sw__exchange_ran(sw_exchange *x, sw_status status, const sw_error *err);
/* One who held the answer back lets go; the last one lets it be sent. */
void sw__exchange_release(sw_exchange *x);
/* Makes the answer that was left to the network thread. */
void sw__exchange_finish(sw_exchange *x);

/* ---- inflate.c -------------------------------------------------------------------------------------- */

sw_coding sw__coding_of(const char *text);
/* Unpacks more of x->body behind what is in x->inflated, some 64 KiB at most; `rest`: there is more in it. */
sw_status sw__inflate_some(sw_exchange *x, bool *rest) SW_MUST_CHECK;
/* x->body is going to hold the next piece. */
void sw__inflate_next(sw_exchange *x);
/* The body has ended: so must have what is packed in it. */
sw_status sw__inflate_end(sw_exchange *x) SW_MUST_CHECK;
/* Unpacks the whole, which is request->body then. */
sw_status sw__inflate_body(sw_exchange *x) SW_MUST_CHECK;
void sw__inflate_free(sw_exchange *x);

/* ---- otlp.c ----------------------------------------------------------------------------------------- */

/* Whether the media type of the body is one of OTLP's. Not OK: refuse. */
sw_status sw__otlp_admit(sw_exchange *x) SW_MUST_CHECK;
/* Whether who asks is one who exports telemetry, and understands nothing but google.rpc.Status. */
bool sw__otlp_speaks(const sw_exchange *x);
/* Makes the answer such a Status. */
void sw__otlp_refuse(sw_exchange *x, int http, sw_str message);

/* ---- workers.c -------------------------------------------------------------------------------------- */

sw_status sw__workers_start(sw_server *server, sw_error *err) SW_MUST_CHECK;
void sw__workers_stop(sw_server *server);
/* Lets a worker run it; the same task not twice at a time. */
void sw__task(sw_server *server, sw_task *task);
/* The same for an exchange, which is suspended. */
void sw__work(sw_exchange *x, sw_job job);

/* ---- stream.c --------------------------------------------------------------------------------------- */

ssize_t sw__stream_read(void *exchange, uint64_t position, char *to, size_t room);
void sw__stream_fill(sw_exchange *x);
/* Ends a stream that waits, because the server stops; whatever else the exchange is doing goes on. */
void sw__stream_stop(sw_exchange *x);

/* ---- routes.c --------------------------------------------------------------------------------------- */

sw_status sw__routing_make(sw_server *server, sw_error *err) SW_MUST_CHECK;
void sw__routing_free(sw_server *server);
typedef enum sw_found {
    SW_FOUND,
    SW_FOUND_NOTHING,
    SW_FOUND_OTHER_METHOD,
    SW_FOUND_BAD_TEXT
} sw_found;
/* Sets request->route and path_values; `allow` gets the methods of the path when it is there. */
sw_found sw__route_find(sw_exchange *x, uint32_t *allow);
/* A text decoded from its percent form; `plus`: a '+' is a blank. Nonsense stays as it is. */
sw_str sw__percent_decode(sw_arena *arena, sw_str text, bool plus);

/* ---- openapi.c -------------------------------------------------------------------------------------- */

/* /openapi.json is written once, when it is asked for; it is the same until the end. */
void sw__openapi_init(sw_server *server);
void sw__openapi_free(sw_server *server);
/* "#/paths" (openapi_paths.c). */
void sw__openapi_paths(sw_json_out *out);
/* The refusals that a route may answer, by reference; or all of them (openapi_answers.c). */
void sw__openapi_refusals(sw_json_out *out, const sw_route *route, bool all);
/* The rows of model/headers.def: those that a request may have, as parameters; and those of an answer, or of
 * the refusal with that status, `route` being NULL where it is described for all. */
enum { SW_HEADER_REQUEST = 0, SW_HEADER_ANSWER = 1 };
void sw__openapi_header_params(sw_json_out *out, const sw_route *route);
void sw__openapi_headers(sw_json_out *out, const sw_route *route, int where);
/* "#/components/schemas" (openapi_schema.c). */
void sw__openapi_schemas(sw_json_out *out);
/* {"$ref": ...} to one of them; of a record `input` chooses what is sent. */
void sw__openapi_ref(sw_json_out *out, const char *shape, bool input);
void sw__openapi_say(sw_json_out *out, const char *key, const char *text);
/* The prefix of the id that fills the part of a path that begins here, or NULL: any text. */
const char *sw__path_prefix(const char *part, size_t len);

/* ---- params.c --------------------------------------------------------------------------------------- */

/* The address at the connection's other end, or an empty text. */
enum { SW_PEER_TEXT = 64 };
void sw__peer_print(struct MHD_Connection *connection, char out[SW_PEER_TEXT]);

/* Reads and checks parameters and path ids; what is wrong is gathered. NO_MEMORY. */
sw_status sw__params_read(sw_exchange *x, sw_error *err) SW_MUST_CHECK;

/* ---- error.c ---------------------------------------------------------------------------------------- */

/* Makes the answer an error in V1's form; `err` may be NULL. */
void sw__answer_error(sw_exchange *x, sw_status status, const sw_error *err);

/* ---- answer.c --------------------------------------------------------------------------------------- */

/* Queues the answer at the connection. */
enum MHD_Result sw__answer_send(sw_exchange *x);
/* Writes the answer past the library, which has none before a body has ended, and nothing after it; with TLS
 * there is only the end. */
void sw__answer_past(sw_exchange *x);
/* Forgets what was answered so far, for an error that comes after. */
void sw__answer_reset(sw_exchange *x);
bool sw__answered(const sw_exchange *x);

/* ---- limits.c --------------------------------------------------------------------------------------- */

/* Whether the request may be read at all; called with the headers. Not OK: refuse; x->closes says that
 * the rest cannot be read. */
sw_status sw__limits_check(sw_exchange *x, sw_error *err) SW_MUST_CHECK;
/* What the headers say about the body: too long, or not wanted. */
sw_status sw__limits_length(sw_exchange *x, sw_error *err) SW_MUST_CHECK;
/* Room for `bytes` more of a body, within its own limit and that of all bodies. */
sw_status sw__limits_body(sw_exchange *x, size_t bytes, sw_error *err) SW_MUST_CHECK;
/* What was unpacked so far is within the limit of a body, and takes `bytes` of memory in all. */
sw_status sw__limits_inflated(sw_exchange *x, size_t bytes) SW_MUST_CHECK;
void sw__limits_give_back(sw_exchange *x);
/* A connection begins or ends; and it has a request from now on, or (NULL) waits for the next. */
void sw__limits_connection(sw_server *server, struct MHD_Connection *connection, void **context,
                           bool begins);
void sw__limits_busy(sw_server *server, struct MHD_Connection *connection, sw_exchange *x);
/* Refuses what is slow; about once a second, on the network thread. */
void sw__limits_tick(sw_server *server, int64_t now_us);

#endif
