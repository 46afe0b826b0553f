/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends too much, too slowly, or what cannot be read safely. Knows the headers that say how long a body
 * is, and the clock; nothing of what is in it.
 */
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "http/observe.h"
#include "http/server.h"

/* ---- the headers of the body ------------------------------------------------------------------------ */

typedef struct length_headers {
    int lengths;
    int encodings;
    int hosts;
    bool same; /* all lengths say the same */
    const char *length;
    const char *encoding;
    const char *coding;
    int codings;
} length_headers;

static enum MHD_Result look_at_header(void *data, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    length_headers *found = data;
    (void)kind;
    if (strcasecmp(name, "Content-Length") == 0) {
        found->same = found->same && (!found->length || strcmp(found->length, value) == 0);
        found->length = value;
        found->lengths++;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        found->encoding = value;
        found->encodings++;
    } else if (strcasecmp(name, "Content-Encoding") == 0) {
        found->coding = value;
        found->codings++;
    } else if (strcasecmp(name, "Host") == 0) {
        found->hosts++;
    }
    return MHD_YES;
}

/* Where the body ends must be beyond doubt, or a proxy before us may see another request than we do. */
static sw_status malformed(sw_exchange *x, int status, const char *why)
{
    x->closes = true;
    x->declared = -1;
    sw__count_refusal(x->request.server, SW_REFUSED_MALFORMED);
    return sw_answer_fail(&x->request, status, "%s", why);
}

static bool is_digits(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 18 && text[digits] == '\0';
}

sw_status sw__limits_check(sw_exchange *x, sw_error *err)
{
    length_headers found = {.same = true};
    (void)err;
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, look_at_header, &found);
    if (found.hosts > 1) {
        return malformed(x, 400, "Host: is given twice");
    }
    if (found.encodings > 0 && found.lengths > 0) {
        return malformed(x, 400,
                         "Content-Length: stands beside Transfer-Encoding; send one of them");
    }
    if (found.encodings > 1 || (found.encoding && strcasecmp(found.encoding, "chunked") != 0)) {
        return malformed(x, 400, "Transfer-Encoding: only chunked can be read");
    }
    if (!found.same || (found.length && !is_digits(found.length))) {
        return malformed(x, 400, "Content-Length: is not one number");
    }
    x->coding =
        found.codings > 1 ? SW_CODING_OTHER : sw__coding_of(found.coding ? found.coding : "");
    x->declared = found.encodings ? -1 : found.length ? strtoll(found.length, NULL, 10) : 0;
    return SW_STATUS_OK;
}

/* ---- the length of the body ------------------------------------------------------------------------- */

static int64_t limit_of(const sw_exchange *x)
{
    switch (x->request.route->body) {
    case SW_BODY_NONE:
        return 0;
    case SW_BODY_OTLP:
        return x->request.server->settings.otlp_max_mb << 20;
    case SW_BODY_BYTES:
    case SW_BODY_OPTIONAL:
    case SW_BODY_JSON:
    case SW_BODY_PARTS:
        break;
    }
    return SW_LIMIT_BODY_BYTES;
}

static sw_status too_long(sw_exchange *x)
{
    sw__count_refusal(x->request.server, SW_REFUSED_BODY);
    return sw_answer_fail(
        &x->request, 413, "the body is larger than %lld bytes; send it in parts%s",
        (long long)limit_of(x), x->request.route->part ? ", or as application/x-ndjson" : "");
}

static sw_status other_coding(sw_exchange *x)
{
    sw__count_refusal(x->request.server, SW_REFUSED_CODING);
    sw_answer_header(&x->request, "Accept-Encoding", "gzip, zstd");
    return sw_answer_fail(&x->request, 415,
                          "Content-Encoding: a body can be sent as it is, as gzip or as zstd");
}

sw_status sw__limits_length(sw_exchange *x, sw_error *err)
{
    (void)err;
    if (x->request.route->body == SW_BODY_NONE && x->declared > 0) {
        sw_request_invalid(&x->request, "extra_forbidden", "body", NULL,
                           "Extra inputs are not permitted", SW_NULL_STR, NULL);
        return SW_STATUS_INVALID;
    }
    if (x->coding == SW_CODING_OTHER && x->declared != 0) {
        return other_coding(x);
    }
    x->body_limit = limit_of(x);
    return !x->streams_in && x->declared > x->body_limit ? too_long(x) : SW_STATUS_OK;
}

/* More of what all bodies may hold together. */
static sw_status hold_more(sw_exchange *x, int64_t more)
{
    sw_server *server = x->request.server;
    if (atomic_fetch_add(&server->bodies, more) + more > SW_LIMIT_BODIES_BYTES && more > 0) {
        atomic_fetch_sub(&server->bodies, more);
        sw__count_refusal(server, SW_REFUSED_BODIES);
        sw_answer_header(&x->request, "Retry-After", "1");
        return sw_answer_fail(&x->request, 503, "too many large bodies are being read; come again");
    }
    return SW_STATUS_OK;
}

/* So many in all, or none any more. */
static sw_status hold(sw_exchange *x, int64_t *held, size_t bytes)
{
    sw_status status = hold_more(x, (int64_t)bytes - *held);
    if (status != SW_STATUS_OK) {
        atomic_fetch_sub(&x->request.server->bodies, *held);
    }
    *held = status == SW_STATUS_OK ? (int64_t)bytes : 0;
    return status;
}

sw_status sw_request_hold(sw_request *request, size_t bytes)
{
    sw_exchange *x = sw_exchange_of(request);
    return hold(x, &x->held, bytes);
}

sw_status sw__limits_inflated(sw_exchange *x, size_t bytes)
{
    bool fits = x->streams_in || (int64_t)x->inflated.len <= x->body_limit;
    return fits ? hold(x, &x->unpacking, bytes) : too_long(x);
}

/* Memory for the body is asked for at once when its length is known. */
static sw_status reserve(sw_exchange *x, size_t bytes)
{
    int64_t want = (int64_t)(x->body.len + bytes);
    if (want < x->declared && !x->streams_in) {
        want = x->declared;
    }
    int64_t more = want - x->reserved;
    if (more <= 0) {
        return SW_STATUS_OK;
    }
    sw_status status = hold_more(x, more);
    if (status != SW_STATUS_OK) {
        return status;
    }
    x->reserved = want;
    return sw_buf_reserve(&x->body, (size_t)want - x->body.len) ? SW_STATUS_OK
                                                                : SW_STATUS_NO_MEMORY;
}

sw_status sw__limits_body(sw_exchange *x, size_t bytes, sw_error *err)
{
    (void)err;
    if (!x->streams_in && x->body_bytes > x->body_limit) {
        if (x->body_limit == 0) {
            sw_request_invalid(&x->request, "extra_forbidden", "body", NULL,
                               "Extra inputs are not permitted", SW_NULL_STR, NULL);
            return SW_STATUS_INVALID;
        }
        return too_long(x);
    }
    return reserve(x, bytes);
}

void sw__limits_give_back(sw_exchange *x)
{
    atomic_fetch_sub(&x->request.server->bodies, x->reserved + x->held + x->unpacking);
    x->reserved = 0;
    x->held = 0;
    x->unpacking = 0;
}

/* ---- slow senders ------------------------------------------------------------------------------------ */

enum { SECOND_US = 1000000 };

/* The connection was waiting for bytes and has nothing of its own to send. Whoever was told already is not
 * told something else. */
static void hang_up(sw_exchange *x, bool slow)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info) {
        return;
    }
    x->hung_up = true;
    if (slow && !x->closes) {
        x->closes = true;
        sw__count_refusal(x->request.server, SW_REFUSED_SLOW);
        sw__answer_error(x, sw_answer_fail(&x->request, 408, "the request came too slowly"), NULL);
        sw__answer_past(x);
    }
    (void)shutdown(info->connect_fd, SHUT_RDWR);
}

static bool is_slow(sw_exchange *x, int64_t now_us)
{
    int64_t waited = now_us - x->window_us;
    if (x->phase == SW_PHASE_HEAD) {
        return waited > (int64_t)SW_LIMIT_HEAD_SECONDS * SECOND_US;
    }
    if (waited <= (int64_t)SW_LIMIT_SLOW_SECONDS * SECOND_US) {
        return false;
    }
    bool slow = x->window_bytes < SW_LIMIT_SLOW_BYTES;
    x->window_us = now_us;
    x->window_bytes = 0;
    return slow;
}

/* Whether the sender has closed his half in the middle of a body, which the library waits out. */
static bool has_gone(sw_exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    char byte;
    return info && x->phase != SW_PHASE_HEAD &&
           recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* ---- who never begins ------------------------------------------------------------------------------- */

/* A connection between two requests. The library ends it when nothing comes, but takes a byte a minute for
 * something; the first line of a request has to be there within the time that follows. */
struct sw_guest {
    struct MHD_Connection *connection;
    sw_guest *next;
    sw_guest *before;
    int64_t since_us;
    sw_exchange *exchange; /* under way, with limits of its own; NULL: none */
    char peer[SW_PEER_TEXT];
};

/* Some requests that the library refuses by itself it never tells the end of. */
static void end_forgotten(sw_server *server, sw_guest *guest)
{
    void *forgotten = guest->exchange;
    guest->exchange = NULL;
    if (forgotten) {
        sw__exchange_end(server, guest->connection, &forgotten, MHD_REQUEST_TERMINATED_WITH_ERROR);
    }
}

void sw__limits_connection(sw_server *server, struct MHD_Connection *connection, void **context,
                           bool begins)
{
    sw_guest *guest = *context;
    if (begins) {
        guest = sw_alloc_zeroed(server->from, sizeof *guest);
        *context = guest;
        if (guest) {
            *guest = (sw_guest){
                .connection = connection, .next = server->guests, .since_us = sw__mono_us()};
            sw__peer_print(connection, guest->peer);
            if (guest->next) {
                guest->next->before = guest;
            }
            server->guests = guest;
        }
        return;
    }
    if (guest) {
        end_forgotten(server, guest);
        *(guest->before ? &guest->before->next : &server->guests) = guest->next;
        if (guest->next) {
            guest->next->before = guest->before;
        }
        sw_free(server->from, guest);
    }
    *context = NULL;
}

void sw__limits_busy(sw_server *server, struct MHD_Connection *connection, sw_exchange *x)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    sw_guest *guest = info ? info->socket_context : NULL;
    if (!guest) {
        return;
    }
    if (x) {
        end_forgotten(server, guest);
        x->peer = guest->peer;
    }
    guest->exchange = x;
    guest->since_us = sw__mono_us();
}

static void end_the_idle(sw_server *server, int64_t now_us)
{
    const int64_t most = (int64_t)(SW_LIMIT_IDLE_SECONDS + SW_LIMIT_HEAD_SECONDS) * SECOND_US;
    for (const sw_guest *guest = server->guests; guest; guest = guest->next) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(guest->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (!guest->exchange && now_us - guest->since_us > most && info) {
            (void)shutdown(info->connect_fd, SHUT_RDWR);
        }
    }
}

void sw__limits_tick(sw_server *server, int64_t now_us)
{
    for (sw_exchange *x = server->living; x; x = x->next) {
        bool reads =
            x->phase == SW_PHASE_HEAD || x->phase == SW_PHASE_BODY || x->phase == SW_PHASE_DRAIN;
        if (!reads || !x->connection || x->hung_up) {
            continue;
        }
        if (has_gone(x)) {
            hang_up(x, false);
        } else if (is_slow(x, now_us)) {
            hang_up(x, true);
        }
    }
    end_the_idle(server, now_us);
}
