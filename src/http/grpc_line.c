/* SPDX-License-Identifier: Apache-2.0 */
/* A connection: bytes between the socket and libnghttp2, what HTTP/2 says of streams, and what takes too long.
 * Knows HTTP/2 and no gRPC but that a stream is a call.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/grpc.h"

enum { SECOND_US = 1000000, PIECE = 64 * 1024, PIECES = 16, FAREWELL_US = 2 * SECOND_US };

/* ---- what the library tells ------------------------------------------------------------------------- */

static sw_grpc_call *call_of(nghttp2_session *session, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(session, stream);
}

static bool is_request(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    sw_grpc_line *line = data;
    int32_t stream = frame->hd.stream_id;
    if (!is_request(frame)) {
        return 0;
    }
    /* The library counts what is open; this also what was given up and is still worked on. */
    sw_grpc_call *call =
        line->call_count < SW_LIMIT_GRPC_STREAMS ? sw__grpc_call_new(line, stream) : NULL;
    if (!call) {
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream,
                                         NGHTTP2_REFUSED_STREAM);
    }
    return nghttp2_session_set_stream_user_data(session, stream, call);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *data)
{
    sw_grpc_call *call = call_of(session, frame->hd.stream_id);
    (void)flags;
    (void)data;
    if (call && is_request(frame) &&
        !sw__grpc_call_header(call, sw_str_make((const char *)name, name_len),
                              sw_str_make((const char *)value, value_len))) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* ends the stream */
    }
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    bool ends = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    sw_grpc_call *call = ends ? call_of(session, frame->hd.stream_id) : NULL;
    (void)data;
    if (call && is_request(frame)) {
        sw__grpc_call_begin(call);
    }
    if (call && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        sw__grpc_call_whole(call);
    }
    return 0;
}

/* What came is taken at once, so that the sender may go on: what a call may hold has its own bounds. */
static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t size, void *data)
{
    sw_grpc_call *call = call_of(session, stream);
    (void)flags;
    (void)data;
    if (call) {
        sw__grpc_call_data(call, sw_str_make((const char *)bytes, size));
    }
    return nghttp2_session_consume(session, stream, size);
}

/* Answered before it was asked to the end: the rest needs not come. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
    bool last = frame->hd.type == NGHTTP2_HEADERS && frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    sw_grpc_call *call = last ? call_of(session, frame->hd.stream_id) : NULL;
    (void)data;
    return call && !call->whole ? nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE,
                                                            frame->hd.stream_id, NGHTTP2_NO_ERROR)
                                : 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *data)
{
    sw_grpc_call *call = call_of(session, stream);
    (void)code;
    (void)data;
    if (call) {
        (void)nghttp2_session_set_stream_user_data(session, stream, NULL);
        sw__grpc_call_close(call);
    }
    return 0;
}

sw_status sw__grpc_callbacks(sw_grpc *grpc, sw_error *err)
{
    if (nghttp2_session_callbacks_new(&grpc->callbacks) != 0 ||
        nghttp2_option_new(&grpc->option) != 0) {
        return sw_no_memory(err);
    }
    nghttp2_session_callbacks *to = grpc->callbacks;
    nghttp2_session_callbacks_set_on_begin_headers_callback(to, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(to, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(to, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(to, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(to, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(to, on_close);
    nghttp2_option_set_no_auto_window_update(grpc->option, 1);
    nghttp2_option_set_no_closed_streams(grpc->option, 1);
    return SW_STATUS_OK;
}

/* ---- beginning and ending --------------------------------------------------------------------------- */

static bool start_session(sw_grpc_line *line)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, SW_LIMIT_GRPC_STREAMS},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, SW_LIMIT_GRPC_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, SW_LIMIT_GRPC_HEAD_BYTES}};
    sw_grpc *grpc = line->grpc;
    return nghttp2_session_server_new3(&line->session, grpc->callbacks, line, grpc->option,
                                       &grpc->memory) == 0 &&
           nghttp2_submit_settings(line->session, NGHTTP2_FLAG_NONE, settings,
                                   SW_COUNT(settings)) == 0 &&
           nghttp2_session_set_local_window_size(line->session, NGHTTP2_FLAG_NONE, 0,
                                                 SW_LIMIT_GRPC_WINDOWS_BYTES) == 0;
}

void sw__grpc_line_new(sw_grpc *grpc, int fd, const char *peer)
{
    sw_grpc_line *line = sw_alloc_zeroed(grpc->from, sizeof *line);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = line}};
    if (!line) {
        close(fd);
        return;
    }
    *line = (sw_grpc_line){.grpc = grpc, .fd = fd, .next = grpc->lines, .since_us = sw__mono_us()};
    if (line->next) {
        line->next->before = line;
    }
    grpc->lines = line;
    atomic_fetch_add(&grpc->line_count, 1);
    snprintf(line->peer, sizeof line->peer, "%s", peer);
    line->secure = grpc->tls ? sw__grpc_secure_new(grpc->from, grpc->tls, fd) : NULL;
    line->ready = !grpc->tls;
    if ((grpc->tls && !line->secure) || !start_session(line) ||
        epoll_ctl(grpc->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        sw__grpc_line_free(line);
    }
}

void sw__grpc_line_free(sw_grpc_line *line)
{
    sw_grpc *grpc = line->grpc;
    while (line->calls) {
        sw_grpc_call *call = line->calls;
        line->calls = call->next;
        call->line = NULL;
        sw__grpc_call_close(call);
    }
    nghttp2_session_del(line->session);
    sw__grpc_secure_free(grpc->from, line->secure);
    close(line->fd);
    *(line->before ? &line->before->next : &grpc->lines) = line->next;
    if (line->next) {
        line->next->before = line->before;
    }
    sw_free(grpc->from, line);
    atomic_fetch_sub(&grpc->line_count, 1);
}

void sw__grpc_line_goaway(sw_grpc_line *line)
{
    if (line->prefaced < SW_GRPC_PREFACE) {
        line->broken = true;
        return;
    }
    int32_t last = nghttp2_session_get_last_proc_stream_id(line->session);
    (void)nghttp2_submit_goaway(line->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

/* ---- bytes out -------------------------------------------------------------------------------------- */

static ssize_t write_some(sw_grpc_line *line)
{
    return line->secure ? sw__grpc_secure_write(line->secure, line->out, line->out_len)
                        : send(line->fd, line->out, line->out_len, MSG_NOSIGNAL);
}

/* Sends what waits. False: not all of it, now or ever. */
static bool send_out(sw_grpc_line *line)
{
    while (line->out_len > 0) {
        ssize_t size = write_some(line);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            line->broken = errno != EAGAIN && errno != EWOULDBLOCK;
            line->stuck_us = line->stuck_us ? line->stuck_us : sw__mono_us();
            return false;
        }
        line->stuck_us = 0;
        line->out += size;
        line->out_len -= (size_t)size;
    }
    return true;
}

static void say_farewell(sw_grpc_line *line)
{
    if (line->out_len == 0 && line->farewell && line->prefaced < SW_GRPC_PREFACE) {
        (void)shutdown(line->fd, SHUT_WR);
    }
}

/* Before the preface is there nothing of HTTP/2 is said: it may be somebody who speaks HTTP/1. */
void sw__grpc_line_flush(sw_grpc_line *line)
{
    while (!line->broken && send_out(line) && line->prefaced == SW_GRPC_PREFACE &&
           !line->farewell) {
        ssize_t size = nghttp2_session_mem_send(line->session, &line->out);
        line->broken = size < 0;
        if (size <= 0) {
            break;
        }
        line->out_len = (size_t)size;
    }
    bool over = !line->farewell && line->out_len == 0 &&
                !nghttp2_session_want_read(line->session) &&
                !nghttp2_session_want_write(line->session);
    line->broken = line->broken || over;
    say_farewell(line);
    if (line->wants_out != (line->out_len > 0)) {
        line->wants_out = line->out_len > 0;
        sw__grpc_watch(line, line->wants_out);
    }
}

/* ---- bytes in --------------------------------------------------------------------------------------- */

/* Who speaks HTTP/1 here has mixed up the two ports; he is told in his own language. */
static void answer_old(sw_grpc_line *line)
{
    const sw_server *server = line->grpc->server;
    const char *url = server->otlp.url[0] ? server->otlp.url : server->main.url;
    char body[256];
    int size =
        snprintf(body, sizeof body,
                 "This port speaks gRPC (HTTP/2). OTLP over HTTP is taken at %s/v1/traces\n", url);
    int all = snprintf(line->old, sizeof line->old,
                       "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
                       "Connection: close\r\nContent-Length: %d\r\n\r\n%s",
                       size, body);
    line->out = (const uint8_t *)line->old;
    line->out_len = (size_t)all;
    line->farewell = true;
    line->since_us = sw__mono_us();
}

/* Whether the bytes go on as the preface does. */
static bool is_preface(sw_grpc_line *line, const char *bytes, size_t size)
{
    size_t lacks = SW_GRPC_PREFACE - line->prefaced;
    size_t same = size < lacks ? size : lacks;
    if (memcmp(&NGHTTP2_CLIENT_MAGIC[line->prefaced], bytes, same) != 0) {
        return false;
    }
    line->prefaced += same;
    return true;
}

static void take_in(sw_grpc_line *line, const char *bytes, size_t size)
{
    if (line->farewell) {
        return;
    }
    if (!is_preface(line, bytes, size)) {
        bool text = bytes[0] >= 'A' && bytes[0] <= 'Z';
        line->broken = !text && line->prefaced == 0;
        answer_old(line);
        return;
    }
    ssize_t taken = nghttp2_session_mem_recv(line->session, (const uint8_t *)bytes, size);
    line->broken = line->broken || taken < 0;
}

static ssize_t read_some(sw_grpc_line *line, char *to, size_t room)
{
    return line->secure ? sw__grpc_secure_read(line->secure, to, room)
                        : recv(line->fd, to, room, 0);
}

/* A bounded share, so that others have their turn. TLS reads one record at a time, and a record fits: nothing stays back
 * of which no socket would tell. */
static void read_in(sw_grpc_line *line)
{
    char piece[PIECE];
    for (int i = 0; !line->broken && i < PIECES; i++) {
        ssize_t size = read_some(line, piece, sizeof piece);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (size <= 0) {
            line->broken = true;
            return;
        }
        take_in(line, piece, (size_t)size);
    }
}

void sw__grpc_line_turn(sw_grpc_line *line)
{
    if (!line->ready) {
        int agreed = sw__grpc_secure_agree(line->secure);
        line->ready = agreed > 0;
        line->broken = agreed < 0;
    }
    if (line->ready) {
        read_in(line);
        sw__grpc_line_flush(line);
    }
}

/* ---- what takes too long ---------------------------------------------------------------------------- */

static void tick_call(sw_grpc_call *call, int64_t now_us)
{
    if (call->answered) {
        return;
    }
    if (now_us >= call->until_us) {
        sw__grpc_call_late(call);
    } else if (!call->whole &&
               now_us - call->window_us > (int64_t)SW_LIMIT_SLOW_SECONDS * SECOND_US) {
        if (call->window_bytes < SW_LIMIT_SLOW_BYTES) {
            sw__grpc_call_refuse(call, SW_RPC_UNAVAILABLE, "the call came too slowly");
        }
        call->window_us = now_us;
        call->window_bytes = 0;
    }
}

/* A connection that has nothing to do, or never began. */
static int64_t patience_us(const sw_grpc_line *line)
{
    return line->farewell                     ? FAREWELL_US
           : line->prefaced < SW_GRPC_PREFACE ? (int64_t)SW_LIMIT_HEAD_SECONDS * SECOND_US
                                              : (int64_t)SW_LIMIT_GRPC_IDLE_SECONDS * SECOND_US;
}

void sw__grpc_line_tick(sw_grpc_line *line, int64_t now_us)
{
    for (sw_grpc_call *call = line->calls; call; call = call->next) {
        tick_call(call, now_us);
    }
    bool idle = line->call_count == 0 && now_us - line->since_us > patience_us(line);
    bool stuck =
        line->stuck_us && now_us - line->stuck_us > (int64_t)SW_LIMIT_SLOW_SECONDS * SECOND_US;
    if (idle && !line->farewell && line->prefaced == SW_GRPC_PREFACE) {
        sw__grpc_line_goaway(line);
        line->since_us = now_us;
    } else if (idle || stuck) {
        line->broken = true;
    }
    if (!line->broken && line->ready) {
        sw__grpc_line_flush(line);
    }
}
