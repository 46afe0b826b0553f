/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a request: from its first line to the last byte of its answer. Knows no route by name and
 * nothing of what a body means; what it needs to know stands in the route's row.
 *
 * The idea: whatever can be refused is refused as soon as the headers are there, and the rest of such a
 * request is read and forgotten, because a connection whose answer comes early has to be closed. What
 * is done off the network thread is exchange_work.c, where exchanges come from and go to exchange_pool.c.
 */
#include <strings.h>

#include "http/observe.h"
#include "http/server.h"

/* ---- the request line ------------------------------------------------------------------------------ */

/* Chance is asked for some names at once, since it costs a call of the system. */
static void name_exchange(sw_exchange *x)
{
    sw_server *server = x->request.server;
    if (server->names_left == 0) {
        server->random.fill(server->random.data, server->names, sizeof server->names);
        server->names_left = SW_COUNT(server->names);
    }
    const uint8_t *name = server->names[--server->names_left];
    sw_hex_print(name, sizeof server->names[0], x->request.id);
    x->request.id[32] = '\0';
}

/* The library would read the query too, into the connection's buffer, where a thousand parameters have no
 * room. It has not begun to, so its text (which is its to change, and only lent as const) ends here.
 */
static void hide_query(const char *query)
{
    union {
        const char *in;
        char *out;
    } text = {.in = query};
    text.out[0] = '\0';
}

void *sw__exchange_begin(void *server, const char *uri, struct MHD_Connection *connection)
{
    sw_exchange *x = sw__exchange_take(server);
    if (!x) {
        return NULL;
    }
    sw__limits_busy(server, connection, x);
    x->connection = connection;
    x->request.server = server;
    x->request.exchange = x;
    x->begun_us = sw__mono_us();
    x->window_us = x->begun_us;
    x->invalid_tail = &x->invalid;
    name_exchange(x);
    sw_str whole = sw_arena_str(&x->request.arena, sw_str_from(uri ? uri : ""));
    const char *mark = whole.ptr ? memchr(whole.ptr, '?', whole.len) : NULL;
    x->path = mark ? sw_str_make(whole.ptr, (size_t)(mark - whole.ptr)) : whole;
    x->query = mark ? sw_str_make(mark + 1, whole.len - x->path.len - 1) : SW_NULL_STR;
    if (uri && mark) {
        hide_query(uri + (mark - whole.ptr) + 1);
    }
    return x;
}

/* ---- the headers ----------------------------------------------------------------------------------- */

const char *const sw__methods[SW_METHOD_COUNT] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

static void read_method(sw_exchange *x, const char *method)
{
    x->word = sw_arena_str(&x->request.arena, sw_str_from(method));
    x->is_head = strcmp(method, "HEAD") == 0;
    x->is_options = strcmp(method, "OPTIONS") == 0;
    method = x->is_head ? "GET" : method;
    for (size_t i = 0; i < SW_METHOD_COUNT && !x->known_method; i++) {
        x->known_method = strcmp(method, sw__methods[i]) == 0;
        x->method = (sw_method)i;
    }
}

static void allow_header(sw_exchange *x, uint32_t allow)
{
    char text[96] = "OPTIONS";
    for (size_t i = 0; i < SW_METHOD_COUNT; i++) {
        if (allow >> i & 1U) {
            strncat(text, i == SW_METHOD_GET ? ", GET, HEAD" : ", ", sizeof text - 20);
            strncat(text, i == SW_METHOD_GET ? "" : sw__methods[i], sizeof text - 20);
        }
    }
    sw_answer_header(&x->request, "Allow", text);
}

/* Behind the door for telemetry there is nothing else. */
static bool is_behind_door(const sw_exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_DAEMON);
    return !info || info->daemon != x->request.server->otlp.daemon ||
           x->request.route->body == SW_BODY_OTLP;
}

static sw_status find_route(sw_exchange *x, sw_error *err)
{
    uint32_t allow = 0;
    switch (sw__route_find(x, &allow)) {
    case SW_FOUND:
        if (is_behind_door(x)) {
            return SW_STATUS_OK;
        }
        x->request.route = NULL;
        break;
    case SW_FOUND_BAD_TEXT:
        return sw_answer_fail(&x->request, 400, "the path is not valid UTF-8, or holds a NUL");
    case SW_FOUND_OTHER_METHOD:
        allow_header(x, allow);
        if (x->is_options) {
            sw_answer_bytes(&x->request, 204, NULL, SW_STR(""));
            return SW_STATUS_OK;
        }
        return sw_answer_fail(&x->request, 405, "Method Not Allowed");
    case SW_FOUND_NOTHING:
        break;
    }
    (void)err;
    return sw_answer_fail(&x->request, 404, "Not Found");
}

static bool is_ndjson(const sw_exchange *x)
{
    static const char *const types[] = {"application/x-ndjson", "application/ndjson",
                                        "application/jsonl"};
    sw_str type = sw_request_header(&x->request, "Content-Type");
    for (size_t i = 0; type.ptr && i < SW_COUNT(types); i++) {
        size_t len = strlen(types[i]);
        if (type.len >= len && strncasecmp(type.ptr, types[i], len) == 0 &&
            (type.len == len || strchr("; \t", type.ptr[len]))) {
            return true;
        }
    }
    return false;
}

static sw_status count_stream(sw_exchange *x)
{
    sw_server *server = x->request.server;
    if (!(x->request.route->flags & SW_ROUTE_STREAM)) {
        return SW_STATUS_OK;
    }
    x->counted = true;
    if (atomic_fetch_add(&server->streams, 1) >= SW_LIMIT_STREAMS) {
        sw_answer_header(&x->request, "Retry-After", "5");
        sw__count_refusal(server, SW_REFUSED_STREAMS);
        return sw_answer_fail(&x->request, 503, "there are %d open streams already; come again",
                              SW_LIMIT_STREAMS);
    }
    return SW_STATUS_OK;
}

/* What the headers tell before anybody is asked who he is. */
static sw_status find(sw_exchange *x, sw_error *err)
{
    sw_status status = sw__limits_check(x, err);
    if (status == SW_STATUS_OK) {
        status = sw_auth_welcome(&x->request, err);
    }
    return status == SW_STATUS_OK ? find_route(x, err) : status;
}

/* And what they tell after it. */
static sw_status admit(sw_exchange *x, sw_error *err)
{
    sw_status status = sw__params_read(x, err);
    if (status == SW_STATUS_OK && x->invalid) {
        status = SW_STATUS_INVALID;
    }
    if (status == SW_STATUS_OK && x->request.route->body == SW_BODY_OTLP) {
        status = sw__otlp_admit(x);
    }
    if (status == SW_STATUS_OK) {
        x->streams_in =
            x->request.route->body == SW_BODY_BYTES || (x->request.route->part && is_ndjson(x));
        status = sw__limits_length(x, err);
    }
    return status == SW_STATUS_OK ? count_stream(x) : status;
}

static void refuse(sw_exchange *x, sw_status status, const sw_error *err)
{
    sw__limits_give_back(x);
    sw__answer_error(x, status, err);
    x->phase = SW_PHASE_DRAIN;
}

static void suspend(sw_exchange *x)
{
    x->phase = SW_PHASE_WORK;
    sw__suspend(x);
}

/* The caller is known, or refused. */
static enum MHD_Result caller_is_there(sw_exchange *x, sw_status status, sw_error *err)
{
    x->phase = SW_PHASE_BODY;
    if (status == SW_STATUS_OK && x->request.route) {
        status = admit(x, err);
    }
    if (status != SW_STATUS_OK) {
        refuse(x, status, err);
    } else if (!x->request.route) {
        x->phase = SW_PHASE_DRAIN; /* answered without a route: OPTIONS */
    }
    bool waits = sw_request_header(&x->request, "Expect").ptr != NULL;
    if (x->phase == SW_PHASE_DRAIN && x->declared != 0 &&
        (x->closes || waits || x->declared > SW_LIMIT_DRAIN_BYTES)) {
        x->closes = true;
        return sw__answer_send(x);
    }
    x->window_us = sw__mono_us();
    return MHD_YES;
}

static enum MHD_Result head_is_there(sw_exchange *x, const char *method)
{
    sw_error err = {0};
    read_method(x, method);
    sw_status status = find(x, &err);
    if (status == SW_STATUS_OK && x->request.route) {
        if (!sw_auth_is_quick(&x->request)) {
            suspend(x);
            sw__work(x, SW_JOB_AUTH);
            return MHD_YES;
        }
        status = sw_auth_check(&x->request, &err);
    }
    return caller_is_there(x, status, &err);
}

/* ---- the body -------------------------------------------------------------------------------------- */

/* A sender who goes on though the answer is known is let go on for a while, then told past the library,
 * which would tell him only at the end of his body. What he sends until he has read that is read too: who
 * closes on unread bytes takes his answer back.
 */
static enum MHD_Result forget_piece(sw_exchange *x, size_t size)
{
    x->drained += (int64_t)size;
    if (x->drained <= SW_LIMIT_DRAIN_BYTES) {
        return MHD_YES;
    }
    if (!x->closes) {
        x->closes = true;
        x->told_us = sw__mono_us();
        sw__answer_past(x);
    }
    return sw__mono_us() - x->told_us < (int64_t)SW_LIMIT_DRAIN_MS * 1000 ? MHD_YES : MHD_NO;
}

/* A piece of the body. */
static enum MHD_Result take_piece(sw_exchange *x, const char *bytes, size_t size)
{
    sw_error err = {0};
    x->body_bytes += (int64_t)size;
    x->window_bytes += (int64_t)size;
    if (x->phase == SW_PHASE_DRAIN) {
        return forget_piece(x, size);
    }
    sw_status status = sw__limits_body(x, size, &err);
    if (status == SW_STATUS_OK) {
        sw_buf_add(&x->body, sw_str_make(bytes, size));
        status = x->body.status == SW_STATUS_OK ? SW_STATUS_OK : sw_no_memory(&err);
    }
    if (status != SW_STATUS_OK) {
        refuse(x, status, &err);
    } else if (x->streams_in && x->body.len >= SW_LIMIT_PART_BYTES) {
        suspend(x);
        sw__work(x, SW_JOB_PART);
    }
    return MHD_YES;
}

static bool lacks_body(const sw_exchange *x)
{
    sw_body_kind kind = x->request.route->body;
    return x->body.len == 0 && !x->streams_in && (kind == SW_BODY_JSON || kind == SW_BODY_PARTS);
}

static enum MHD_Result run_here(sw_exchange *x)
{
    sw_error err = {0};
    sw_status status = x->request.route->handler(&x->request, &err);
    bool waits = x->finish != NULL;
    if (waits) {
        suspend(x);
    }
    sw__exchange_ran(x, status, &err);
    return waits ? MHD_YES : sw__answer_send(x);
}

static enum MHD_Result body_is_there(sw_exchange *x)
{
    x->request.body = sw_buf_str(&x->body);
    atomic_store(&x->holds, 1);
    if (lacks_body(x)) {
        sw_request_invalid(&x->request, "missing", "body", NULL, "Field required", SW_NULL_STR,
                           NULL);
        refuse(x, SW_STATUS_INVALID, NULL);
        return sw__answer_send(x);
    }
    if (x->request.route->flags & SW_ROUTE_INLINE && !x->streams_in && !x->coding &&
        x->body.len <= SW_LIMIT_INLINE_BYTES) {
        return run_here(x);
    }
    suspend(x);
    sw__work(x, x->streams_in ? SW_JOB_LAST_PART : SW_JOB_RUN);
    return MHD_YES;
}

static enum MHD_Result no_exchange(struct MHD_Connection *connection)
{
    static char body[] = "{\"detail\":\"out of memory\"}";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
    if (!response) {
        return MHD_NO;
    }
    enum MHD_Result result = MHD_queue_response(connection, 503, response);
    MHD_destroy_response(response);
    return result;
}

/* The library hands on the next chunk although it was told to stop, and knows by itself only when the
 * connection is its own again; the exchange may not be looked at before. */
static bool is_suspended(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED);
    return info && info->suspended == MHD_YES;
}

enum MHD_Result sw__exchange_go_on(void *server, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_size, void **exchange)
{
    sw_exchange *x = *exchange;
    size_t size = *upload_size;
    (void)server;
    (void)url;
    (void)version;
    if (is_suspended(connection)) {
        return MHD_YES; /* whoever has the exchange is not done: the library keeps the chunk */
    }
    *upload_size = 0;
    if (!x) {
        return no_exchange(connection);
    }
    sw_phase phase = x->phase;
    if (phase != SW_PHASE_ANSWERED && atomic_load(&x->request.server->halt)) {
        return MHD_NO;
    }
    switch (phase) {
    case SW_PHASE_HEAD:
        return head_is_there(x, method);
    case SW_PHASE_ASKED:
        return caller_is_there(x, x->later_status, &x->later_error);
    case SW_PHASE_BODY:
        return size > 0 ? take_piece(x, upload, size) : body_is_there(x);
    case SW_PHASE_DRAIN:
        return size > 0 ? take_piece(x, upload, size) : sw__answer_send(x);
    case SW_PHASE_ANSWERED:
        return sw__answer_send(x);
    case SW_PHASE_WORK:
    case SW_PHASE_SENDING:
        break;
    }
    return MHD_YES;
}

/* ---- the end --------------------------------------------------------------------------------------- */

void sw__exchange_end(void *server_data, struct MHD_Connection *connection, void **exchange,
                      enum MHD_RequestTerminationCode how)
{
    sw_server *server = server_data;
    sw_exchange *x = *exchange;
    if (!x) {
        return;
    }
    sw__limits_busy(server, connection, NULL);
    *exchange = NULL;
    sw_assert(!x->suspended);
    if (x->request.drop) {
        x->request.drop(&x->request);
    }
    sw__observe_end(x, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    if (x->counted) {
        atomic_fetch_sub(&server->streams, 1);
    }
    sw__squeeze_free(x);
    sw__inflate_free(x);
    sw__limits_give_back(x);
    sw__exchange_give(server, x);
}
