/* SPDX-License-Identifier: Apache-2.0 */
/* The server: what its files share. Knows the ledger and the codecs; nothing above knows sockets.
 *
 * The way of a request. The network thread (libmicrohttpd's, one, with epoll) finds the route by the rows
 * of model/routes.def, asks who calls (auth.c), reads the parameters by the route's rows (params.c) and
 * gathers the body; whatever is refused is refused before it costs. Then the connection is suspended
 * and a worker runs the handler, which may block on the ledger; its answer resumes the connection. Two
 * kinds of handler need no worker: one that answers at once from memory (SW_ROUTE_INLINE), and one that
 * queues a write and is told by the ledger when it is durable (sw_request_later, sw_request_done).
 *
 * A handler reads through the sw_param_ and sw_path_ functions, calls the ledger, and says what comes
 * back through one of the sw_answer_ functions. It returns OK, or the status and error of what went wrong,
 * which the core turns into V1's error body (error.c). A handler never has an `if` about the domain.
 *
 * Memory. Everything of a request lives in its arena, which is given back when the connection has sent the
 * answer. Nothing is kept between requests but what sw_server holds.
 */
#ifndef SW_HTTP_H
#define SW_HTTP_H

#include "codec/record.h"
#include "stepwell/ledger.h"

typedef struct sw_server sw_server;
typedef struct sw_request sw_request;
typedef struct sw_route sw_route;

/* ---- the rows of model/routes.def (routes.c) ------------------------------------------------------ */

typedef enum sw_method {
    SW_METHOD_GET,
    SW_METHOD_POST,
    SW_METHOD_PUT,
    SW_METHOD_PATCH,
    SW_METHOD_DELETE,
    SW_METHOD_COUNT
} sw_method;

/* What a caller must be allowed to; the scopes of keys (enums.def), nobody, and whoever runs the
 * installation (an admin of the default organization). */
typedef enum sw_need {
    SW_NEED_NONE,
    SW_NEED_INGEST,
    SW_NEED_READ,
    SW_NEED_WRITE,
    SW_NEED_ADMIN,
    SW_NEED_OPERATOR
} sw_need;

typedef enum sw_param_kind {
    SW_PARAM_IS_TEXT,
    SW_PARAM_IS_INT,
    SW_PARAM_IS_BOOL,
    SW_PARAM_IS_TIME, /* ISO 8601; a blank where '+' stood is forgiven */
    SW_PARAM_IS_WORD,
    SW_PARAM_IS_ID
} sw_param_kind;

/* A query parameter. With `is_filter` it is a condition `field op value` over the record that the route
 * lists (or over its metrics with `of_metrics`), and no handler mentions it. An empty value is absent. */
typedef struct sw_param {
    const char *name;
    sw_param_kind kind;
    const char *doc;
    const char *fallback;
    int64_t min; /* of INT; both 0: any */
    int64_t max;
    sw_enum_id words; /* of WORD */
    bool repeats;     /* may be given several times; a filter then means any of them */
    bool required;
    bool deprecated;
    bool is_filter;
    bool of_metrics;
    sw_op op;      /* NOT_NULL with BOOL: true asks for NOT_NULL, false for NULL */
    uint8_t field; /* SW_STEP_MODEL ... */
} sw_param;

typedef enum sw_param_set_id {
    SW_PARAMS_none,
#define SW_PARAMS_BEGIN(SET) SW_PARAMS_##SET,
#define SW_PARAM(...)
#define SW_PARAMS_END(SET)
#include "model/routes.def"
    SW_PARAMS_COUNT
} sw_param_set_id;

typedef struct sw_param_set {
    const char *name;
    const sw_param *params;
    size_t count;
} sw_param_set;
extern const sw_param_set sw__param_sets[SW_PARAMS_COUNT];

typedef enum sw_body_kind {
    SW_BODY_NONE,     /* a body is refused when it is not empty */
    SW_BODY_OPTIONAL, /* JSON or nothing */
    SW_BODY_JSON,     /* JSON, required */
    SW_BODY_BYTES,    /* any bytes, of any number: they go to .part as they arrive */
    SW_BODY_PARTS, /* JSON like SW_BODY_JSON; but application/x-ndjson goes to .part as it arrives */
    SW_BODY_OTLP /* OTLP, as protobuf or JSON, also empty; what is wrong is told in its way (otlp.c) */
} sw_body_kind;

enum {
    SW_ROUTE_INLINE = 1 << 0,     /* a small body runs on the network thread: must not block */
    SW_ROUTE_ADMIN = 1 << 1,      /* not mirrored under /latest */
    SW_ROUTE_DEPRECATED = 1 << 2, /* says so in /openapi.json */
    SW_ROUTE_HIDDEN = 1 << 3,     /* not in /openapi.json */
    SW_ROUTE_STREAM = 1 << 4, /* answers without end; counted against the limit of open streams */
    SW_ROUTE_TAGGED = 1 << 5, /* its answer has an ETag; 304 to who has it */
    SW_ROUTE_KEYED = 1 << 6,  /* takes an Idempotency-Key */
    SW_ROUTE_SESSION = 1 << 7 /* begins or ends a session: sets its cookie */
};

typedef sw_status sw_handler(sw_request *request, sw_error *err);
/* A piece of a body that streams, in order, called by a worker; the last one is empty with `last`, and
 * must answer. Not OK ends the request with that error. */
typedef sw_status sw_part(sw_request *request, sw_str bytes, bool last, sw_error *err);

enum { SW_ROUTE_PARAM_SETS = 4, SW_PATH_VALUES = 3 };
struct sw_route {
    const char *name; /* "HEALTH"; the operation's id in lower case */
    sw_method method;
    const char *path; /* with {name} parts */
    sw_need need;
    sw_handler *handler;
    const char *line;
    const char *doc; /* a paragraph, or NULL */
    sw_param_set_id params, params2, params3, params4;
    sw_record_id lists; /* the record that filters are over; valid with .has_list */
    bool has_list;
    sw_body_kind body;
    sw_part *part;
    const char *body_shape;   /* names in model/shapes.def, or a record's name */
    const char *answer_shape; /* NULL: null */
    bool many;                /* a list of answer_shape */
    bool or_null;             /* null where there is none */
    int status;               /* of success; 0: 200 */
    uint32_t flags;
    const char *content_type;  /* of the answer; NULL: application/json */
    const char *content_type2; /* another, which can be asked for */
};

typedef enum sw_route_id {
#define SW_ROUTE(NAME, ...) SW_ROUTE_ID_##NAME,
#include "model/routes.def"
    SW_ROUTE_COUNT
} sw_route_id;
extern const sw_route sw__routes[SW_ROUTE_COUNT];
extern const char *const sw__methods[SW_METHOD_COUNT];

#define SW_ROUTE(NAME, METHOD, PATH, NEED, HANDLER, ...) sw_handler HANDLER;
#include "model/routes.def"
sw_part sw_http_log_part; /* of the routes whose bodies stream */
sw_part sw_http_import_part;

/* The rows of model/shapes.def (shapes.c). */
typedef struct sw_member {
    const char *name;
    const char *schema; /* JSON Schema, as JSON */
    const char *doc;
    bool optional;
} sw_member;

typedef struct sw_shape {
    const char *name;
    const char *doc;
    const char *schema; /* instead of members */
    bool open;          /* has members that are not named */
    const sw_member *members;
    size_t count;
} sw_shape;
extern const sw_shape sw__shapes[];
extern const size_t sw__shape_count;

/* ---- the request ---------------------------------------------------------------------------------- */

struct sw_request {
    sw_server *server;
    const sw_route *route;
    sw_arena arena;     /* of the request */
    sw_memory *memory;  /* for answers of the ledger; the same lifetime */
    sw_actor actor;     /* who calls; always within one organization */
    uint32_t scopes;    /* bits of sw_scope */
    sw_str shown;       /* the secret of a key that the request shows, known or not; null: none */
    int64_t session_us; /* until when, if a session shows it; 0: it does itself */
    sw_str key_id;      /* of the key that was shown; null: none */
    bool is_operator;   /* may do what whoever runs the installation may */
    int64_t let_in_us;  /* when that was asked last, of the monotonic clock */
    sw_str body;        /* whole, once the handler runs; empty text when there is none */
    sw_str path_values[SW_PATH_VALUES];
    char id[33]; /* 32 hex digits: trace_id of error bodies and of the access log */
    void *state; /* of the handler; lives in the arena */
    void (*drop)(
        sw_request *request); /* called once when the request ends, however it ends; may be NULL */
    struct sw_exchange *exchange; /* the core's own (server.h) */
};

/* The value of the path's i-th {part}, decoded. */
sw_str sw_path_value(const sw_request *request, size_t i);
/* A header, or null text. */
sw_str sw_request_header(const sw_request *request, const char *name);

/* Whether the client takes answers that are packed so. */
bool sw_request_takes(const sw_request *request, const char *coding);

/* Parameters by name, read and checked by their rows before the handler runs. Asking for one that the
 * route does not declare is an assertion. A parameter that was not given has its fallback, or is null. */
sw_str sw_param_text(const sw_request *request, const char *name);
sw_int sw_param_int(const sw_request *request,
                    const char *name); /* INT, BOOL, TIME (us), WORD (its number) */
size_t sw_param_texts(const sw_request *request, const char *name, const sw_str **out);
bool sw_param_given(const sw_request *request, const char *name);

/* The list that the parameters ask for: conditions from the filters, after, before, limit and order from
 * the set `page`. Conditions live in the request's arena, with room for SW_LIST_EXTRA more of the
 * handler's own. */
enum { SW_LIST_EXTRA = 8 };
sw_status sw_list_from_params(sw_request *request, sw_list_query *out, sw_error *err) SW_MUST_CHECK;
void sw_list_add(sw_list_query *query, uint8_t field, sw_op op, const sw_value *values,
                 size_t count);

/* A handler whose body streams keeps so many bytes of it now; they count with what all bodies may hold
 * together, and are given back when the request ends. Not OK: too many; it lets go of all of them now. */
sw_status sw_request_hold(sw_request *request, size_t bytes) SW_MUST_CHECK;

/* ---- errors (error.c) ------------------------------------------------------------------------------ */

/* Validation errors in V1's form ({type, loc, msg, input, ctx}), gathered, so that all are told at once.
 * `where` is path, query, header or body; text is copied. */
void sw_request_invalid(sw_request *request, const char *type, const char *where, const char *name,
                        const char *msg, sw_str input, const char *ctx_json);
bool sw_request_is_invalid(const sw_request *request);
/* The body is not what the route takes: tells INVALID (field, message) as a validation error; returns the
 * status of `why`. */
sw_status sw_request_bad_body(sw_request *request, const sw_error *why);
/* The same of a reader's error, after a second look: a body that is no JSON is told as such, whatever the
 * reader was about when it noticed. */
sw_status sw_request_unread_body(sw_request *request, const sw_error *why);
/* The HTTP status of a status (model/status.def). */
int sw_status_http(sw_status status);

/* ---- answers --------------------------------------------------------------------------------------- */

/* Begins the answer; JSON is written through the returned writer into the request's buffer. */
sw_json_out *sw_answer_json(sw_request *request, int status);
/* The whole answer is this record / null / these bytes. */
void sw_answer_record(sw_request *request, int status, sw_record_id record, const void *row);
void sw_answer_null(sw_request *request);
void sw_answer_bytes(sw_request *request, int status, const char *content_type, sw_str bytes);
/* A list as an array of records, by sw_list; what V1's lists are. `Stepwell-Complete: false` and
 * `Stepwell-Resume` say that the looking was given up, or that the page ended early because its rows are
 * large. */
sw_status sw_answer_list(sw_request *request, sw_record_id record, const sw_list_query *query,
                         sw_error *err) SW_MUST_CHECK;
/* A header of the answer; both are copied. */
void sw_answer_header(sw_request *request, const char *name, const char *value);
/* The bytes of the answer are packed already, as `coding` (NULL: as they are), and stay so. */
void sw_answer_packed(sw_request *request, const char *coding);
/* `Stepwell-Seq` of a write (promise P1). */
void sw_answer_seq(sw_request *request, const sw_outcome *outcome);
/* An error with its own HTTP status, where the status of the ledger says another. */
sw_status sw_answer_fail(sw_request *request, int http_status, const char *format, ...)
    SW_PRINTF(3, 4);

/* An answer without known end: `fill` is called by a worker whenever the client can take more and adds to
 * `out` (at most about 64 KiB). WAIT: nothing now; sw_request_wake calls it again. */
typedef enum sw_fill { SW_FILL_MORE, SW_FILL_WAIT, SW_FILL_END } sw_fill;
typedef sw_fill sw_fill_function(sw_request *request, sw_buf *out);
void sw_answer_stream(sw_request *request, int status, const char *content_type,
                      sw_fill_function *fill);
void sw_request_wake(sw_request *request); /* from any thread, until `drop` was called */

/* The handler will know later what to answer: it returns OK after this, and the core does nothing until
 * sw_request_done, which any thread calls once. Then `finish` makes the answer: that of a small body on the
 * network thread, because the ledger's writer has better things to do; else within the call. */
typedef sw_status sw_finish_function(sw_request *request, sw_status status, const sw_error *err);
void sw_request_later(sw_request *request, sw_finish_function *finish);
void sw_request_done(sw_request *request, sw_status status, const sw_error *err);

/* ---- the server ------------------------------------------------------------------------------------- */

/* The rows of model/config.def, read by the command line (flag, environment, file). */
typedef struct sw_settings {
#define SW_SETTING_FLAG(NAME, name, ...) bool name;
#define SW_SETTING_COUNT(NAME, name, ...) int64_t name;
#define SW_SETTING_TEXT(NAME, name, ...) const char *name; /* NULL: not set */
#define SW_SETTING_WORD(NAME, name, ...) int name;
#define SW_SETTING_UNFLAGGED(NAME, name, ...) const char *name; /* by environment or file only */
#define SW_SETTING(KIND, NAME, name, ...) SW_SETTING_##KIND(NAME, name, __VA_ARGS__)
#include "model/config.def"
    uint64_t asked; /* bit i: somebody set the i-th; what is not asked for has its fallback */
#undef SW_SETTING
#undef SW_SETTING_FLAG
#undef SW_SETTING_COUNT
#undef SW_SETTING_TEXT
#undef SW_SETTING_WORD
#undef SW_SETTING_UNFLAGGED
} sw_settings;

/* Starts serving the ledger; returns when the port is open. The ledger and the allocator must outlive the
 * server. Threads that send webhooks, and the libraries, take their memory from the C library. */
sw_status sw_server_start(sw_ledger *ledger, const sw_allocator *from, const sw_settings *settings,
                          const sw_log *log, sw_server **out, sw_error *err) SW_MUST_CHECK;
/* The address and port in use. */
const char *sw_server_url(const sw_server *server);
/* The same of the doors for telemetry, over HTTP and over gRPC; "" when closed. */
const char *sw_server_otlp_url(const sw_server *server);
const char *sw_server_grpc_url(const sw_server *server);
/* Takes no new connection, finishes what is in flight within `seconds`, frees. */
void sw_server_stop(sw_server **server, int seconds);

/* Whether it can be reached from this machine only. */
bool sw_server_is_local(const sw_server *server);
/* Whether it is being stopped: who waits for long shall look now and then. */
bool sw_server_stopping(const sw_server *server);

sw_ledger *sw_server_ledger(const sw_server *server);
const sw_settings *sw_server_settings(const sw_server *server);
const sw_log *sw_server_log(const sw_server *server);

/* The cookie of sessions (where the address names a port, `_` and the port follow), and the header that a request which
 * shows it must have to change anything: a page of another origin cannot set it without being asked about. */
#define SW_SESSION_COOKIE "stepwell_session"
#define SW_SESSION_HEADER "Stepwell-Dashboard"

/* Who calls (auth.c): fills actor, scopes and key_id, or refuses. Called once the headers are there, by the
 * network thread where that is quick, that is, asks no store; else by a worker. */
bool sw_auth_is_quick(sw_request *request);
sw_status sw_auth_check(sw_request *request, sw_error *err) SW_MUST_CHECK;
/* Whether who was let in would be let in now, for requests that go on for long: 401 when its key was revoked or
 * has expired since, or when keys are asked for since. Asks about once a second, and whenever a key was made or
 * revoked here; called by workers. */
sw_status sw_auth_again(sw_request *request, sw_error *err) SW_MUST_CHECK;
/* Finds out who shows `request->shown`, who must be allowed to `need`; as it is done before a handler. */
sw_status sw_auth_enter(sw_request *request, sw_need need, sw_error *err) SW_MUST_CHECK;
/* Refuses what has not SW_SESSION_HEADER. */
sw_status sw_auth_own_page(sw_request *request) SW_MUST_CHECK;
/* Before that, and before a route is looked for (request->route is NULL): whether a request that comes this
 * way is listened to at all (Host, Origin, Sec-Fetch-Site). */
sw_status sw_auth_welcome(sw_request *request, sw_error *err) SW_MUST_CHECK;
/* Adds the headers that every answer has, errors too: what pages of other origins need (CORS). For OPTIONS
 * request->route is NULL. */
void sw_auth_headers(sw_request *request);
/* The method as it was sent, "GET" or "OPTIONS" for example. */
sw_str sw_request_method(const sw_request *request);
/* The other end's address as text. */
sw_str sw_request_peer(const sw_request *request);

#endif
