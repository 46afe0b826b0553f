/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call: headers, bytes, a worker, an answer. Knows what gRPC asks of headers and answers, and no
 * method by name.
 *
 * Whatever the headers allow to refuse is refused when they are there. A refusal is one block of headers; if the
 * request has not ended by then, the line ends the stream behind it, and nobody keeps what still comes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "http/grpc.h"
#include "http/observe.h"

enum { HERE_BYTES = 4096 /* of a message for which no worker is asked */ };

/* ---- making and ending ------------------------------------------------------------------------------ */

sw_grpc_call *sw__grpc_call_new(sw_grpc_line *line, int32_t stream)
{
    const sw_allocator *from = line->grpc->from;
    sw_grpc_call *call = sw_alloc_zeroed(from, sizeof *call);
    if (call) {
        call->memory = sw_memory_new(from);
    }
    if (!call || !call->memory) {
        sw_free(from, call);
        return NULL;
    }
    call->grpc = line->grpc;
    call->line = line;
    call->stream = stream;
    call->until_us = INT64_MAX;
    call->begun_us = call->window_us = sw__mono_us();
    sw_arena_init(&call->arena, from, 4 * (size_t)SW_LIMIT_GRPC_HEAD_BYTES);
    sw_buf_init(&call->body, from, SW_LIMIT_BODIES_BYTES);
    sw_buf_init(&call->unpacked, from, 2 * (size_t)SW_LIMIT_BODIES_BYTES);
    sw_buf_init(&call->text, from, 0);
    sw_buf_init(&call->details, from, 0);
    sw_buf_init(&call->out, from, 0);
    call->next = line->calls;
    if (call->next) {
        call->next->before = call;
    }
    line->calls = call;
    line->call_count++;
    return call;
}

static bool hold(void *arg, size_t bytes)
{
    sw_grpc_call *call = arg;
    sw_server *server = call->grpc->server;
    int64_t more = (int64_t)(call->body.cap + bytes) - call->held;
    if (more <= 0) {
        return true;
    }
    if (atomic_fetch_add(&server->bodies, more) + more > SW_LIMIT_BODIES_BYTES) {
        atomic_fetch_sub(&server->bodies, more);
        return false;
    }
    call->held += more;
    return true;
}

/* What the request took is not needed any more. */
static void give_back(sw_grpc_call *call)
{
    sw_buf_fini(&call->body);
    sw_buf_fini(&call->unpacked);
    atomic_fetch_sub(&call->grpc->server->bodies, call->held);
    call->held = 0;
}

void sw__grpc_call_free(sw_grpc_call *call)
{
    sw_grpc_line *line = call->line;
    sw_assert(!call->working);
    if (line) {
        *(call->before ? &call->before->next : &line->calls) = call->next;
        if (call->next) {
            call->next->before = call->before;
        }
        line->call_count--;
        line->since_us = sw__mono_us();
    }
    give_back(call);
    sw_buf_fini(&call->text);
    sw_buf_fini(&call->details);
    sw_buf_fini(&call->out);
    sw_arena_fini(&call->arena);
    sw_memory_free(&call->memory);
    sw_free(call->grpc->from, call);
}

void sw__grpc_call_close(sw_grpc_call *call)
{
    atomic_store(&call->gone, true);
    call->closed = true;
    if (!call->working) {
        sw__grpc_call_free(call);
    }
}

/* ---- answers ---------------------------------------------------------------------------------------- */

#define HEADER(NAME, VALUE, LENGTH)                                                                \
    {                                                                                              \
        .name = text_of(NAME), .value = text_of(VALUE), .namelen = sizeof(NAME) - 1,               \
        .valuelen = (LENGTH), .flags = NGHTTP2_NV_FLAG_NONE                                        \
    }
#define FIXED(NAME, VALUE) HEADER(NAME, VALUE, sizeof(VALUE) - 1)

/* The library copies names and values; its parameters lack the const. */
static uint8_t *text_of(const char *text)
{
    union {
        const char *in;
        uint8_t *out;
    } bytes = {.in = text};
    return bytes.out;
}

/* Without memory for the answer the connection ends: nobody shall wait for what never comes. */
static void submit(sw_grpc_call *call, const nghttp2_nv *headers, size_t count,
                   const nghttp2_data_provider *data)
{
    if (nghttp2_submit_response(call->line->session, call->stream, headers, count, data) != 0) {
        call->line->broken = true;
    }
}

static bool submit_trailers(sw_grpc_call *call, nghttp2_session *session)
{
    const nghttp2_nv trailers[] = {FIXED("grpc-status", "0")};
    return nghttp2_submit_trailer(session, call->stream, trailers, SW_COUNT(trailers)) == 0;
}

static ssize_t read_answer(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *line)
{
    sw_grpc_call *call = source->ptr;
    size_t left = call->out.len - call->sent;
    size_t size = left < room ? left : room;
    (void)stream;
    (void)line;
    memcpy(to, call->out.ptr + call->sent, size);
    call->sent += size;
    if (call->sent == call->out.len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (!submit_trailers(call, session)) {
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* ends the stream */
        }
    }
    return (ssize_t)size;
}

static void answer_well(sw_grpc_call *call)
{
    const nghttp2_nv headers[] = {FIXED(":status", "200"),
                                  FIXED("content-type", "application/grpc"),
                                  FIXED("grpc-accept-encoding", "identity,gzip")};
    nghttp2_data_provider data = {.source = {.ptr = call}, .read_callback = read_answer};
    submit(call, headers, SW_COUNT(headers), &data);
}

static void answer_badly(sw_grpc_call *call)
{
    char code[12];
    snprintf(code, sizeof code, "%d", (int)call->code);
    const char *text = call->text.ptr ? call->text.ptr : "";
    const nghttp2_nv headers[] = {
        FIXED(":status", "200"),
        FIXED("content-type", "application/grpc"),
        FIXED("grpc-accept-encoding", "identity,gzip"),
        HEADER("grpc-status", code, strlen(code)),
        HEADER("grpc-message", text, strlen(text)),
        HEADER("grpc-status-details-bin", call->details.ptr, call->details.len)};
    size_t with = call->details.len > 0 ? 0 : 1;
    submit(call, headers, SW_COUNT(headers) - with, NULL);
}

/* Of a call that a worker may still have only what does not change is looked at. */
static void tell(const sw_grpc_call *call, sw_rpc code)
{
    bool late = call->working;
    const sw_access_call line = {
        .method = call->verb,
        .path = call->path,
        .organization_id = late ? SW_NULL_STR : call->actor.organization_id,
        .key_id = late ? SW_NULL_STR : call->key_id,
        .peer = sw_str_from(call->line->peer),
        .code = (int)code,
        .received = (int64_t)call->body.len,
        .sent = late ? 0 : (int64_t)call->out.len,
        .took_us = sw__mono_us() - call->begun_us,
    };
    sw__access_tell(call->grpc->server, &line);
}

static void count(sw_grpc_call *call)
{
    atomic_fetch_add_explicit(&call->grpc->codes[call->code], 1, memory_order_relaxed);
    tell(call, call->code);
}

void sw__grpc_call_answer(sw_grpc_call *call)
{
    if (call->answered || atomic_load(&call->gone)) {
        return;
    }
    call->answered = true;
    count(call);
    if (call->code == SW_RPC_OK) {
        answer_well(call);
    } else {
        answer_badly(call);
    }
    give_back(call);
}

static void set_error(sw_grpc_call *call, sw_rpc code, const char *text)
{
    call->code = code;
    sw_buf_clear(&call->text);
    sw_rpc_percent(&call->text, sw_str_from(text));
    sw_buf_clear(&call->details);
    if (code == SW_RPC_UNAVAILABLE) {
        sw_rpc_retry(&call->details, code, sw_str_from(text));
    }
}

void sw__grpc_call_refuse(sw_grpc_call *call, sw_rpc code, const char *format, ...)
{
    char text[400];
    va_list args;
    if (call->answered || call->working) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    set_error(call, code, text);
    sw__grpc_call_answer(call);
}

/* The worker may have the call, so nothing of it is touched but what is this thread's. */
void sw__grpc_call_late(sw_grpc_call *call)
{
    const nghttp2_nv headers[] = {
        FIXED(":status", "200"), FIXED("content-type", "application/grpc"),
        FIXED("grpc-status", "4"), FIXED("grpc-message", "the time of grpc-timeout is over")};
    atomic_store(&call->gone, true);
    call->answered = true;
    atomic_fetch_add_explicit(&call->grpc->codes[SW_RPC_DEADLINE_EXCEEDED], 1,
                              memory_order_relaxed);
    tell(call, SW_RPC_DEADLINE_EXCEEDED);
    submit(call, headers, SW_COUNT(headers), NULL);
}

/* What is no call of gRPC is answered as HTTP. */
static void refuse_http(sw_grpc_call *call, const char *status)
{
    const nghttp2_nv headers[] = {HEADER(":status", status, strlen(status))};
    call->answered = true;
    call->code = SW_RPC_UNKNOWN;
    count(call);
    submit(call, headers, SW_COUNT(headers), NULL);
}

/* ---- headers ---------------------------------------------------------------------------------------- */

static sw_str *place_of(sw_grpc_call *call, sw_str name)
{
    const struct {
        sw_str name;
        sw_str *at;
    } places[] = {{SW_STR(":method"), &call->verb},
                  {SW_STR(":path"), &call->path},
                  {SW_STR("content-type"), &call->type},
                  {SW_STR("grpc-encoding"), &call->encoding},
                  {SW_STR("grpc-timeout"), &call->timeout},
                  {SW_STR("authorization"), &call->authorization},
                  {SW_STR("x-bare-password"), &call->password}};
    for (size_t i = 0; i < SW_COUNT(places); i++) {
        if (sw_str_eq(places[i].name, name)) {
            return places[i].at;
        }
    }
    return NULL;
}

bool sw__grpc_call_header(sw_grpc_call *call, sw_str name, sw_str value)
{
    call->head_bytes += name.len + value.len + 32; /* as HTTP/2 counts them */
    sw_str *at = place_of(call, name);
    if (at && call->head_bytes <= SW_LIMIT_GRPC_HEAD_BYTES) {
        *at = sw_arena_str(&call->arena, value);
    }
    return call->head_bytes <= SW_LIMIT_GRPC_HEAD_BYTES;
}

static bool is_grpc(sw_str type)
{
    static const char grpc[] = "application/grpc";
    size_t len = sizeof grpc - 1;
    if (!type.ptr || type.len < len || strncasecmp(type.ptr, grpc, len) != 0) {
        return false;
    }
    sw_str rest = {type.ptr + len, type.len - len};
    return rest.len == 0 || *rest.ptr == ';' || *rest.ptr == ' ' ||
           (rest.len >= 6 && strncasecmp(rest.ptr, "+proto", 6) == 0 &&
            (rest.len == 6 || rest.ptr[6] == ';' || rest.ptr[6] == ' '));
}

static sw_rpc not_let_in(const sw_caller *caller, sw_status status, const char **why)
{
    if (status != SW_STATUS_NOT_FOUND) {
        *why = sw_status_message(status);
        return sw_otlp_code(sw_otlp_http(status));
    }
    *why = caller->wait_ns > 0 ? "too many keys that are not known were shown; come again"
                               : "a key is needed: metadata authorization, Bearer KEY";
    return caller->wait_ns > 0 ? SW_RPC_UNAVAILABLE : SW_RPC_UNAUTHENTICATED;
}

/* The same keys and scopes as over HTTP. No page can come this way: what browsers send is no gRPC, so names and
 * origins need no look. */
static sw_rpc let_in(sw_grpc_call *call, const char **why)
{
    sw_auth *auth = call->grpc->server->live.auth;
    sw_caller caller;
    sw_error err = {0};
    sw_status status = sw_auth_caller(auth, call->peer, call->secret, call->memory, &caller, &err);
    call->let = true;
    if (status != SW_STATUS_OK) {
        return not_let_in(&caller, status, why);
    }
    *why = sw_need_missing(SW_NEED_INGEST, caller.standing);
    if (*why) {
        return SW_RPC_PERMISSION_DENIED;
    }
    if (sw_auth_pace(auth, caller.key_id) > 0) {
        *why = "this key asks too often (requests-per-second); come again";
        return SW_RPC_UNAVAILABLE;
    }
    call->actor = caller.actor;
    call->key_id = caller.key_id;
    return SW_RPC_OK;
}

/* At once when no store has to be asked; else the worker will. */
static void let_in_here(sw_grpc_call *call)
{
    sw_auth *auth = call->grpc->server->live.auth;
    const char *why = "";
    call->secret = sw_auth_secret(call->authorization, call->password);
    call->peer = sw_arena_str(&call->arena, sw_str_from(call->line->peer));
    if (!call->method->here && sw_auth_caller_is_quick(auth, call->peer, call->secret)) {
        sw_rpc code = let_in(call, &why);
        if (code != SW_RPC_OK) {
            sw__grpc_call_refuse(call, code, "%s", why);
        }
    }
}

/* A timeout that is none is no reason to refuse. */
static void set_deadline(sw_grpc_call *call)
{
    int64_t timeout_us = sw_rpc_timeout_us(call->timeout);
    int64_t now_us = sw__mono_us();
    if (timeout_us >= 0 && timeout_us < INT64_MAX - now_us) {
        call->until_us = now_us + timeout_us;
    }
}

void sw__grpc_call_begin(sw_grpc_call *call)
{
    set_deadline(call);
    call->method = sw__grpc_method(call->path);
    if (call->arena.failed) {
        sw__grpc_call_refuse(call, SW_RPC_UNAVAILABLE, "out of memory");
    } else if (!sw_str_eq(call->verb, SW_STR("POST"))) {
        refuse_http(call, "405");
    } else if (!is_grpc(call->type)) {
        refuse_http(call, "415");
    } else if (!call->method) {
        sw__grpc_call_refuse(call, SW_RPC_UNIMPLEMENTED, "%.*s is no method of this server",
                             (int)(call->path.len < 200 ? call->path.len : 200),
                             call->path.ptr ? call->path.ptr : "");
    } else if (!sw_rpc_knows(call->encoding)) {
        sw__grpc_call_refuse(call, SW_RPC_UNIMPLEMENTED,
                             "grpc-encoding: a message can be packed as gzip, or not at all");
    } else {
        let_in_here(call);
    }
}

/* ---- the request ------------------------------------------------------------------------------------ */

static size_t most_of(const sw_grpc_call *call)
{
    return call->method->here ? HERE_BYTES : (size_t)call->grpc->server->settings.otlp_max_mb << 20;
}

/* Room for what the prefix announces is asked for at once. */
static bool reserve(sw_grpc_call *call)
{
    size_t announced = call->body.len >= SW_RPC_PREFIX ? sw_rpc_announced(call->body.ptr) : 0;
    size_t whole = announced + SW_RPC_PREFIX;
    if (call->body.len > whole) {
        sw__grpc_call_refuse(call, SW_RPC_INVALID_ARGUMENT,
                             "a call has one message; there is something behind it");
        return false;
    }
    if (announced > most_of(call)) {
        sw__grpc_call_refuse(call, SW_RPC_RESOURCE_EXHAUSTED,
                             "a message is at most %zu bytes here (otlp-max-mb)", most_of(call));
        return false;
    }
    bool fits = hold(call, whole > call->body.cap ? whole - call->body.cap : 0);
    if (!fits || (whole > call->body.len && !sw_buf_reserve(&call->body, whole - call->body.len))) {
        sw__grpc_call_refuse(call, SW_RPC_UNAVAILABLE,
                             "too many large messages are being read; come again");
        return false;
    }
    return true;
}

void sw__grpc_call_data(sw_grpc_call *call, sw_str bytes)
{
    call->window_bytes += (int64_t)bytes.len;
    while (!call->answered && bytes.len > 0) {
        size_t lacks = call->body.len < SW_RPC_PREFIX ? SW_RPC_PREFIX - call->body.len : bytes.len;
        size_t size = lacks < bytes.len ? lacks : bytes.len;
        sw_buf_add(&call->body, sw_str_make(bytes.ptr, size));
        bytes = sw_str_make(bytes.ptr + size, bytes.len - size);
        if (call->body.status != SW_STATUS_OK) {
            sw__grpc_call_refuse(call, SW_RPC_UNAVAILABLE, "out of memory");
        } else if (call->body.len >= SW_RPC_PREFIX) {
            (void)reserve(call);
        }
    }
}

/* ---- the work --------------------------------------------------------------------------------------- */

/* Unpacks the message and runs the method; what comes of it stands in the call. */
static void work(sw_grpc_call *call)
{
    const sw_rpc_room room = {.most = most_of(call), .hold = hold, .arg = call};
    const char *why = "";
    char prefix[SW_RPC_PREFIX] = {0};
    sw_error err = {0};
    sw_str message;
    sw_rpc code = call->let || call->method->here ? SW_RPC_OK : let_in(call, &why);
    if (code == SW_RPC_OK) {
        code = sw_rpc_unframe(sw_buf_str(&call->body), call->encoding, &room, &call->unpacked,
                              &message, &why);
    }
    if (code == SW_RPC_OK) {
        sw_buf_add(&call->out, sw_str_make(prefix, sizeof prefix));
        code = call->method->run(call, message, &err);
        why = err.message[0] ? err.message : sw_status_message(err.status);
    }
    if (code == SW_RPC_OK && call->out.status == SW_STATUS_OK) {
        sw_rpc_prefix(call->out.len - SW_RPC_PREFIX, prefix);
        memcpy(call->out.ptr, prefix, sizeof prefix);
        call->code = SW_RPC_OK;
    } else if (code == SW_RPC_OK) {
        set_error(call, SW_RPC_UNAVAILABLE, "out of memory");
    } else {
        set_error(call, code, why);
    }
}

/* On a worker. What nobody waits for any more, or what there is no time for, is not begun. */
static void run_task(sw_task *task)
{
    sw_grpc_call *call = (sw_grpc_call *)(void *)((char *)task - offsetof(sw_grpc_call, task));
    if (atomic_load(&call->grpc->server->aborting)) {
        set_error(call, SW_RPC_UNAVAILABLE, "the server is stopping");
    } else if (atomic_load(&call->gone)) {
        set_error(call, SW_RPC_CANCELLED, "");
    } else if (sw__mono_us() >= call->until_us) {
        set_error(call, SW_RPC_DEADLINE_EXCEEDED, "the call waited longer than its grpc-timeout");
    } else {
        work(call);
    }
    sw__grpc_done(call);
}

void sw__grpc_call_whole(sw_grpc_call *call)
{
    call->whole = true;
    if (call->answered) {
        return;
    }
    if (call->method->here) {
        work(call);
        sw__grpc_call_answer(call);
        return;
    }
    call->working = true;
    call->task.run = run_task;
    atomic_fetch_add(&call->grpc->out, 1);
    sw__task(call->grpc->server, &call->task);
}
