/* SPDX-License-Identifier: Apache-2.0 */
/* No memory, in a server that runs in this process: each request in turn, with the first allocation failing, then the
 * second, and so on until it goes through. Every one is answered: well, and then whole, or with 503 in the form of
 * errors; a stream may end early instead. What comes next is served, and in the end nothing has leaked.
 *
 * A request is a row. The allocator is the ledger's too; what the libraries take from the C library never fails here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>

#include "http/settings.h"
#include "tests/lib/faults.h"
#include "tests/lib/lt.h"

enum { MOST = 1 << 20, LONGEST_SECONDS = 30, STOP_SECONDS = 5, TURNS_MOST = 20000 };

typedef struct site {
    lt *t;
    sw_server *server;
    char answer[MOST];
    size_t len;
    char first[MOST]; /* the body of the answer when nothing failed */
    size_t whole;
    int64_t hits; /* failures that happened */
} site;

typedef enum how { WHOLE, STREAM, EVENTS, VARIES } how;

/* `well` is the status of one that goes well; for 200 also 201, when it is the first. VARIES: the answer is another
 * each time. */
typedef struct ask {
    const char *name;
    const char *line;
    const char *headers;
    const char *body; /* NULL: none */
    int well;
    how how;
    bool packed;
} ask;

#define JSON "Content-Type: application/json\r\n"
#define STEP "{\"model\":\"m\",\"status\":\"success\",\"prompt_tokens\":1,\"tags\":[\"a\"]}"
#define SPAN                                                                                       \
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":"                               \
    "\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060708\",\"name\":\"chat\","      \
    "\"startTimeUnixNano\":\"1763798400000000000\",\"endTimeUnixNano\":\"1763798401000000000\","   \
    "\"attributes\":[{\"key\":\"gen_ai.request.model\",\"value\":{\"stringValue\":\"m\"}}]}]}]}]}"

#define SEEN "{\"path\":\"/a\",\"size\":1,\"mtime_ns\":1,\"device\":1,\"inode\":1"
#define UNIT "00112233445566778899aabbccddeeff"
#define SESSION                                                                                        \
    "{\"type\":\"assistant\",\"sessionId\":\"s\",\"uuid\":\"a\",\"timestamp\":"                        \
    "\"2026-02-01T10:00:05.000Z\",\"requestId\":\"r\",\"message\":{\"id\":\"msg_1\",\"role\":"         \
    "\"assistant\",\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"ok\"}],\"stop_reason\":" \
    "\"end_turn\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n"

/* Those that read come first, so that what they read stays as it is. */
/* clang-format off: rows of data line up as their reader needs */
static const ask asks[] = {
    {"a list", "GET /v1/steps/?limit=50&order=desc&model=m&tags=a&tags=b", "", NULL, 200, WHOLE,
     false},
    {"a list, packed", "GET /v1/steps?limit=50", "Accept-Encoding: gzip\r\n", NULL, 200, WHOLE,
     false},
    {"a record", "GET /v1/admin/orgs/?org_id=org-00000000-0000-4000-8000-000000000000", "", NULL,
     200, VARIES, false},
    {"parameters that are wrong", "GET /v1/steps?limit=x&order=y", "", NULL, 422, VARIES, false},
    {"an id that is wrong", "GET /v1/steps/step-1", "", NULL, 422, VARIES, false},
    {"nothing there", "GET /v1/nothing?a=b", "", NULL, 404, VARIES, false},
    {"a method too many", "PUT /v1/steps", "", NULL, 405, VARIES, false},
    {"a key where none is asked for", "GET /v1/steps", "Authorization: Bearer sw_none\r\n", NULL,
     200, WHOLE, false},
    {"usage", "GET /v1/usage?group_by=model", "", NULL, 200, WHOLE, false},
    {"facets", "GET /v1/steps/facets", "", NULL, 200, WHOLE, false},
    {"the description", "GET /openapi.json", "", NULL, 200, WHOLE, false},
    {"figures", "GET /metrics", "", NULL, 200, VARIES, false},
    {"an export", "GET /v1/steps/export?format=csv", "", NULL, 200, STREAM, false},
    {"an export, packed", "GET /v1/steps/export?format=ndjson", "Accept-Encoding: zstd\r\n", NULL,
     200, STREAM, false},
    {"events", "GET /v1/steps/stream", "Last-Event-ID: 0\r\n", NULL, 200, EVENTS, false},
    {"no JSON", "POST /v1/steps", JSON, "{\"a\":", 422, VARIES, false},
    {"no step", "POST /v1/steps", JSON, "{\"prompt_tokens\":\"x\",\"steps\":1}", 422, VARIES,
     false},
    {"a step", "POST /v1/steps", JSON, STEP, 201, VARIES, false},
    {"a step under a key of its own", "POST /v1/steps", JSON "Idempotency-Key: one\r\n", STEP, 200,
     VARIES, false},
    {"steps", "POST /v1/steps", JSON, "{\"steps\":[" STEP "," STEP "]}", 200, VARIES, false},
    {"steps, packed", "POST /v1/steps", JSON "Content-Encoding: gzip\r\n", "{\"steps\":[" STEP "]}",
     200, VARIES, true},
    {"lines", "POST /v1/steps", "Content-Type: application/x-ndjson\r\n", STEP "\n" STEP "\n", 200,
     VARIES, false},
    {"lines, packed", "POST /v1/steps",
     "Content-Type: application/x-ndjson\r\nContent-Encoding: gzip\r\n", STEP "\n", 200, VARIES,
     true},
    {"what an import asks", "POST /v1/import/plan", JSON,
     "{\"machine\":\"m\",\"files\":[" SEEN "}],\"units\":[\"" UNIT "\"]}", 200, VARIES, false},
    {"files of an import", "POST /v1/import?machine=m",
     "Content-Type: application/octet-stream\r\n",
     SEEN ",\"bytes\":5}\nnone\n" SEEN ",\"bytes\":269}\n" SESSION, 200, VARIES, false},
    {"an agent", "POST /v1/agents", JSON, "{\"name\":\"a\"}", 201, VARIES, false},
    {"telemetry", "POST /v1/traces", JSON, SPAN, 200, VARIES, false},
    {"telemetry that is none", "POST /v1/traces", JSON, "{\"resourceSpans\":1}", 400, VARIES,
     false},
};
/* clang-format on */

/* ---- asking ------------------------------------------------------------------------------------- */

static int connected(const char *url)
{
    struct timeval longest = {.tv_sec = LONGEST_SECONDS};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
    CHECK(fd >= 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest) == 0);
    CHECK(connect(fd, (struct sockaddr *)(void *)&to, sizeof to) == 0);
    return fd;
}

static void put(int fd, const void *bytes, size_t size)
{
    CHECK(send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static size_t gzip(const char *text, unsigned char *out, size_t room)
{
    z_stream z = {0};
    unsigned char in[4096];
    CHECK(strlen(text) <= sizeof in && deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0) == Z_OK);
    memcpy(in, text, strlen(text));
    z.next_in = in;
    z.avail_in = (uInt)strlen(text);
    z.next_out = out;
    z.avail_out = (uInt)room;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    (void)deflateEnd(&z);
    return room - z.avail_out;
}

static void send_ask(int fd, const ask *a)
{
    unsigned char body[4096];
    char head[1024];
    size_t size = a->body ? strlen(a->body) : 0;
    if (a->packed) {
        size = gzip(a->body, body, sizeof body);
    } else if (a->body) {
        memcpy(body, a->body, size);
    }
    int len = snprintf(head, sizeof head,
                       "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s"
                       "Content-Length: %zu\r\n\r\n",
                       a->line, a->headers, size);
    put(fd, head, (size_t)len);
    put(fd, body, size);
}

/* Until the other end closes, or an event is whole. */
static void receive(site *s, const ask *a, int fd)
{
    s->len = 0;
    for (;;) {
        ssize_t size = recv(fd, s->answer + s->len, MOST - s->len - 1, 0);
        if (size < 0) {
            SAY("%s: no answer within %d seconds", a->name, LONGEST_SECONDS);
        }
        s->len += (size_t)size;
        s->answer[s->len] = '\0';
        const char *event = a->how == EVENTS ? strstr(s->answer, "data:") : NULL;
        if (size == 0 || (event && strstr(event, "\n\n"))) {
            return;
        }
    }
}

/* ---- what must hold of an answer ---------------------------------------------------------------- */

static const char *body_of(const site *s)
{
    const char *end = strstr(s->answer, "\r\n\r\n");
    return end ? end + 4 : NULL;
}

static void check_well(site *s, const ask *a, bool hit)
{
    const char *body = body_of(s);
    const char *length = strstr(s->answer, "Content-Length: ");
    size_t size = s->len - (size_t)(body - s->answer);
    if (length && strtoul(length + 16, NULL, 10) != size) {
        SAY("%s: the answer was cut: %s", a->name, s->answer);
    }
    if (a->how == STREAM && !hit && memcmp(s->answer + s->len - 5, "0\r\n\r\n", 5) != 0) {
        SAY("%s: the stream has no end", a->name);
    }
    if (a->how != WHOLE) {
        return;
    }
    if (s->whole == 0) {
        s->whole = size;
        memcpy(s->first, body, size);
    } else if (size != s->whole || memcmp(s->first, body, size) != 0) {
        SAY("%s: said to be well, and yet not what it is: %s", a->name, body);
    }
}

static void check_answer(site *s, const ask *a, int64_t at, bool hit)
{
    int status = s->len > 12 ? atoi(s->answer + 9) : 0;
    if (!body_of(s)) {
        SAY("%s, allocation %lld: no answer: %s", a->name, (long long)at, s->answer);
    } else if (status == a->well || (status == 201 && a->well == 200)) {
        check_well(s, a, hit);
    } else if (!hit || status != 503) {
        SAY("%s, allocation %lld: %s", a->name, (long long)at, s->answer);
    } else if (!strstr(body_of(s), "\"detail\":") && !strstr(body_of(s), "\"message\":")) {
        SAY("%s, allocation %lld: no form of an error: %s", a->name, (long long)at, s->answer);
    }
}

/* One turn: whether the failure happened. */
static bool turn(site *s, const ask *a, int64_t at, bool for_good)
{
    int fd = connected(sw_server_url(s->server));
    faults_ledger(at, for_good);
    send_ask(fd, a);
    receive(s, a, fd);
    bool hit = faults_happened();
    faults_ledger(0, false);
    close(fd);
    s->hits += hit;
    check_answer(s, a, at, hit);
    return hit;
}

/* ---- gRPC --------------------------------------------------------------------------------------- */

typedef struct call {
    char code[12];
    bool over;
} call;

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *data)
{
    call *c = data;
    (void)session;
    (void)frame;
    (void)flags;
    if (name_len == 11 && memcmp(name, "grpc-status", 11) == 0) {
        snprintf(c->code, sizeof c->code, "%.*s", (int)value_len, (const char *)value);
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *data)
{
    call *c = data;
    (void)session;
    (void)stream;
    (void)code;
    c->over = true;
    return 0;
}

/* A field that holds bytes; all lengths here are below 128. */
static void field(sw_buf *out, int number, sw_str bytes)
{
    sw_buf_addc(out, (char)(number << 3 | 2));
    sw_buf_addc(out, (char)bytes.len);
    sw_buf_add(out, bytes);
}

static void wrap(sw_buf *message, int number)
{
    sw_buf outer;
    sw_buf_init(&outer, &sw__libc_allocator, 0);
    field(&outer, number, sw_buf_str(message));
    sw_buf_fini(message);
    *message = outer;
}

/* An export with one span, behind the prefix of gRPC. */
static void make_export(sw_buf *out)
{
    sw_buf m;
    sw_buf_init(&m, &sw__libc_allocator, 0);
    field(&m, 1, SW_STR("0123456789abcdef"));
    field(&m, 2, SW_STR("01234567"));
    field(&m, 5, SW_STR("chat"));
    field(&m, 9, SW_STR("\x0a\x14gen_ai.request.model\x12\x03\x0a\x01m"));
    for (int i = 0; i < 3; i++) {
        wrap(&m, i < 2 ? 2 : 1); /* span, scope, resource */
    }
    sw_buf_init(out, &sw__libc_allocator, 0);
    sw_buf_add(out, sw_str_make("\0\0\0\0", 4));
    sw_buf_addc(out, (char)m.len);
    sw_buf_add(out, sw_buf_str(&m));
    sw_buf_fini(&m);
}

static ssize_t read_export(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *data)
{
    const sw_buf *message = source->ptr;
    (void)session;
    (void)stream;
    (void)data;
    CHECK(message->len <= room);
    memcpy(to, message->ptr, message->len);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)message->len;
}

static uint8_t *text_of(const char *text)
{
    union {
        const char *in;
        uint8_t *out;
    } bytes = {.in = text};
    return bytes.out;
}

static void begin_call(nghttp2_session *session, sw_buf *message)
{
    static const char *const pairs[][2] = {
        {":method", "POST"},
        {":scheme", "http"},
        {":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
        {":authority", "127.0.0.1"},
        {"content-type", "application/grpc"},
        {"te", "trailers"}};
    nghttp2_nv headers[SW_COUNT(pairs)];
    nghttp2_data_provider body = {.source = {.ptr = message}, .read_callback = read_export};
    for (size_t i = 0; i < SW_COUNT(pairs); i++) {
        headers[i] = (nghttp2_nv){text_of(pairs[i][0]), text_of(pairs[i][1]), strlen(pairs[i][0]),
                                  strlen(pairs[i][1]), NGHTTP2_NV_FLAG_NONE};
    }
    CHECK(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0) == 0);
    CHECK(nghttp2_submit_request(session, NULL, headers, SW_COUNT(headers), &body, NULL) > 0);
}

/* Until the call is over, or the other end has closed. */
static void speak(nghttp2_session *session, call *c, int fd)
{
    unsigned char piece[4096];
    const uint8_t *out = NULL;
    while (!c->over) {
        for (ssize_t size = 1; size > 0;) {
            size = nghttp2_session_mem_send(session, &out);
            if (size > 0 && send(fd, out, (size_t)size, MSG_NOSIGNAL) != size) {
                return;
            }
        }
        ssize_t got = recv(fd, piece, sizeof piece, 0);
        if (got < 0 && errno != ECONNRESET) {
            SAY("gRPC: code '%s', no answer within %d seconds", c->code, LONGEST_SECONDS);
        }
        if (got <= 0) {
            return;
        }
        CHECK(nghttp2_session_mem_recv(session, piece, (size_t)got) == got);
    }
}

/* A call is answered with 0 or 14, its stream ended, or its connection. */
static bool call_turn(site *s, int64_t at, bool for_good)
{
    call c = {.code = ""};
    sw_buf message;
    nghttp2_session *session = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    int fd = connected(sw_server_grpc_url(s->server));
    make_export(&message);
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    CHECK(nghttp2_session_client_new(&session, callbacks, &c) == 0);
    begin_call(session, &message);
    faults_ledger(at, for_good);
    speak(session, &c, fd);
    bool hit = faults_happened();
    faults_ledger(0, false);
    if (!hit && strcmp(c.code, "0") != 0) {
        SAY("gRPC: %s, and no failure was ordered", c.code);
    }
    if (c.code[0] && strcmp(c.code, "0") != 0 && strcmp(c.code, "14") != 0) {
        SAY("gRPC, allocation %lld: %s", (long long)at, c.code);
    }
    nghttp2_session_del(session);
    nghttp2_session_callbacks_del(callbacks);
    sw_buf_fini(&message);
    close(fd);
    return hit;
}

/* ---- the site ----------------------------------------------------------------------------------- */

static const char *given(void *arg, sw_setting_id id)
{
    (void)arg;
    switch (id) {
    case SW_SETTING_ID_LISTEN:
    case SW_SETTING_ID_OTLP_GRPC_LISTEN:
        return "127.0.0.1:0";
    case SW_SETTING_ID_OTLP_LISTEN:
        return "off";
    default:
        return NULL;
    }
}

static sw_status try_start(lt *t, sw_server **out)
{
    sw_settings settings;
    sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    OK(sw_settings_read(&settings, given, NULL, "/dev/null", &arena, &t->err));
    sw_status status = sw_server_start(t->ledger, &faults_allocator, &settings, NULL, out, &t->err);
    sw_arena_fini(&arena);
    return status;
}

static void open_ledger(lt *t)
{
    t->options.allocator = &faults_allocator;
    lt_open(t);
}

static site *open_site(lt *t)
{
    site *s = calloc(1, sizeof *s);
    open_ledger(t);
    s->t = t;
    OK(try_start(t, &s->server));
    return s;
}

static void close_site(site *s)
{
    lt *t = s->t;
    sw_server_stop(&s->server, STOP_SECONDS);
    CLEAN();
    lt_close(t);
    SAME(faults_alive(), 0);
    free(s);
}

/* Deep: every allocation. Else more and more are passed over, the first ones least. */
static int64_t next_of(int64_t at)
{
    return at + 1 + at / lt_level(5, 20, INT32_MAX);
}

static void requests(lt *t)
{
    static const ask step = {"a step", "POST /v1/steps", JSON, STEP, 201, VARIES, false};
    site *s = open_site(t);
    for (int i = 0; i < 3; i++) {
        (void)turn(s, &step, 0, false);
    }
    for (size_t i = 0; i < SW_COUNT(asks); i++) {
        const ask *a = &asks[i];
        int64_t at = 1;
        s->whole = 0;
        (void)turn(s, a, 0, false);
        for (; turn(s, a, at, false); at = next_of(at)) {
            CHECK(at < TURNS_MOST);
        }
        for (at = 1; a->how != EVENTS && turn(s, a, at, true); at = next_of(at)) {
        }
        (void)turn(s, a, 0, false); /* what comes next is served */
    }
    CHECK(s->hits > 3 * (int64_t)SW_COUNT(asks));
    close_site(s);
}

/* A session that cannot be opened for want of memory is not over. Exchanges keep their memory, so each server is new. */
static void sessions(lt *t)
{
    bool hit = true;
    for (int64_t at = 1; hit; at++) {
        site *s = open_site(t);
        sw_str sealed;
        int64_t until = 0;
        OK(sw_key_session_seal(t->ledger, SW_STR("sw_any"), t->memory, &sealed, &until, &t->err));
        sw_str cookie = pool_printf(t->pool, "Cookie: stepwell_session=%s\r\n", sealed.ptr);
        const ask who = {"a session", "GET /v1/session", cookie.ptr, NULL, 200, WHOLE, false};
        hit = turn(s, &who, at, false);
        CHECK(!strstr(s->answer, "\"expires_at\":null"));
        close_site(s);
    }
}

static void calls(lt *t)
{
    site *s = open_site(t);
    (void)call_turn(s, 0, false);
    for (int good = 0; good < 2; good++) {
        for (int64_t at = 1; call_turn(s, at, good == 1); at = next_of(at)) {
            CHECK(at < TURNS_MOST);
        }
    }
    (void)call_turn(s, 0, false);
    close_site(s);
}

static void starting(lt *t)
{
    bool hit = true;
    open_ledger(t);
    int64_t alive = faults_alive();
    for (int64_t at = 1; hit; at = next_of(at)) {
        sw_server *server = NULL;
        faults_ledger(at, false);
        sw_status status = try_start(t, &server);
        hit = faults_happened();
        faults_ledger(0, false);
        if (status != SW_STATUS_OK) {
            SAME(status, SW_STATUS_NO_MEMORY);
            assert_null(server);
            CHECK(hit);
        }
        sw_server_stop(&server, 0);
        CHECK(faults_alive() <= alive + 8); /* what the ledger keeps for readers */
    }
    lt_close(t);
    SAME(faults_alive(), 0);
}

static const lt_case cases[] = {
    {"requests", requests, LT_CLOSED},
    {"sessions", sessions, LT_CLOSED},
    {"calls of gRPC", calls, LT_CLOSED},
    {"starting", starting, LT_CLOSED},
};

LT_MAIN("http memory", cases)
