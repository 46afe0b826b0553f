/* SPDX-License-Identifier: Apache-2.0 */
/* One call to a listener, by libcurl: what is asked of the call, which addresses it may connect to, and
 * what is said about how it went.
 *
 * The address is judged twice, at the very socket: when it is opened (after the name was resolved, so that
 * no second resolving can give another one), and before the request is written, because a connection that
 * is used again is not opened again. Nothing is followed, and no proxy is asked, which would resolve names
 * for us.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "http/curl.h"
#include "http/hooks.h"
#include "stepwell/version.h"

enum { CONNECT_MS = 5000 };

/* ---- while it runs --------------------------------------------------------------------------------- */

/* Nobody reads the answer; a long one is cut. */
static size_t on_answer(char *bytes, size_t size, size_t count, void *arg)
{
    sw_call *call = arg;
    (void)bytes;
    call->received += (int64_t)(size * count);
    return call->received > SW_LIMIT_DELIVERY_ANSWER_BYTES ? 0 : size * count;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    sw_call *call = arg;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        (!call->any_target && !sw_target_allowed(&address->addr))) {
        call->refused = true;
        return CURL_SOCKET_BAD;
    }
    call->tried = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool text_allowed(const char *ip)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, ip, &in.sin_addr) == 1) {
        return sw_target_allowed((const struct sockaddr *)&in);
    }
    return inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1 &&
           sw_target_allowed((const struct sockaddr *)&in6);
}

static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    sw_call *call = arg;
    (void)local_ip;
    (void)port;
    (void)local_port;
    if (call->any_target || text_allowed(ip)) {
        return CURL_PREREQFUNC_OK;
    }
    call->refused = true;
    call->tried = false;
    return CURL_PREREQFUNC_ABORT;
}

/* ---- beginning ------------------------------------------------------------------------------------- */

static sw_status add_header(sw_call *call, sw_error *err, const char *format, ...) SW_PRINTF(3, 4);
static sw_status add_header(sw_call *call, sw_error *err, const char *format, ...)
{
    char line[SW_LIMIT_TEXT_BYTES + 64];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof line || strpbrk(line, "\r\n")) {
        return sw_fail(err, SW_STATUS_INVALID, "secret", "does not fit in a header");
    }
    struct curl_slist *headers = sw_curl()->slist_append(call->headers, line);
    if (!headers) {
        return sw_no_memory(err);
    }
    call->headers = headers;
    return SW_STATUS_OK;
}

static sw_status add_headers(sw_call *call, sw_error *err)
{
    char signature[SW_SIGNATURE_TEXT];
    const sw_delivery *d = &call->delivery;
    const sw_str secret = call->parcel.secret;
    sw_status status = add_header(call, err, "Content-Type: application/json");
    if (status == SW_STATUS_OK) {
        status = add_header(call, err, "Expect:");
    }
    if (status == SW_STATUS_OK) {
        status = add_header(call, err, "Stepwell-Delivery: %.*s", (int)d->id.len, d->id.ptr);
    }
    if (status == SW_STATUS_OK) {
        status = add_header(call, err, "Stepwell-Event: %s",
                            sw_enum_word(SW_ENUM_event, d->event.value));
    }
    if (status == SW_STATUS_OK && secret.ptr && call->parcel.own) {
        status = add_header(call, err, "Authorization: Bearer %.*s", (int)secret.len, secret.ptr);
    } else if (status == SW_STATUS_OK && secret.ptr) {
        sw_signature(secret, d->id, call->started_wall_us / 1000000, sw_buf_str(&call->parcel.body),
                     signature);
        status = add_header(call, err, "Stepwell-Signature: %s", signature);
    }
    return status;
}

static bool set_up(sw_call *call, const char *url)
{
    CURL *easy = call->easy;
    const sw_str body = sw_buf_str(&call->parcel.body);
    return !sw_curl()->easy_setopt(easy, CURLOPT_URL, url) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
           !sw_curl()->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_PROXY, "") &&
           !sw_curl()->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)SW_LIMIT_DELIVERY_CALL_MS) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_USERAGENT, "Stepwell/" SW_VERSION) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_HTTPHEADER, (struct curl_slist *)call->headers) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_POSTFIELDS, body.ptr) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_WRITEDATA, call) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_PREREQDATA, call) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_PRIVATE, call);
}

sw_status sw_call_begin(sw_call *call, sw_ledger *ledger, bool any_target, sw_error *err)
{
    call->parcel.delivery = &call->delivery;
    sw_buf_init(&call->parcel.body, call->from, 0);
    call->started_wall_us = sw__system_clock.wall_us(sw__system_clock.data);
    call->started_us = sw__system_clock.mono_us(sw__system_clock.data);
    sw_status status = sw_parcel_make(ledger, call->memory, &call->parcel, err);
    if (status == SW_STATUS_OK) {
        status = add_headers(call, err);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    call->any_target = any_target || call->parcel.own;
    call->easy = sw_curl()->easy_init();
    char url[SW_LIMIT_TEXT_BYTES + 1];
    sw_assert(call->delivery.url.len < sizeof url);
    memcpy(url, call->delivery.url.ptr, call->delivery.url.len);
    url[call->delivery.url.len] = '\0';
    return call->easy && set_up(call, url) ? SW_STATUS_OK : sw_no_memory(err);
}

/* ---- the end --------------------------------------------------------------------------------------- */

void sw_call_result(sw_call *call, int result, sw_attempt *out)
{
    long code = 0;
    sw_curl()->easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &code);
    int64_t now_us = sw__system_clock.mono_us(sw__system_clock.data);
    bool cut = result == CURLE_WRITE_ERROR && call->received > SW_LIMIT_DELIVERY_ANSWER_BYTES;
    *out = (sw_attempt){.started_at_us = call->started_wall_us,
                        .duration_ns = (now_us - call->started_us) * 1000,
                        .status_code = result == CURLE_OK || cut ? code : 0};
    if (result == CURLE_OK || cut) {
        if (code < 200 || code > 299) {
            snprintf(call->error, sizeof call->error, "the listener answered %ld", code);
            out->error = sw_str_from(call->error);
        }
        return;
    }
    if (call->refused && !call->tried) {
        out->permanent = true;
        out->error = SW_STR("the target has a private, loopback or otherwise reserved address; "
                            "the operator may allow it with --allow-private-targets");
        return;
    }
    if (result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_URL_MALFORMAT) {
        out->permanent = true;
    }
    out->error =
        sw_str_from(call->error[0] ? call->error : sw_curl()->easy_strerror((CURLcode)result));
}

void sw_call_end(sw_call *call)
{
    if (call->easy) {
        sw_curl()->easy_cleanup(call->easy);
        sw_curl()->slist_free_all(call->headers);
    }
    sw_buf_fini(&call->parcel.body);
    sw_memory_free(&call->memory);
    sw_free(call->from, call->row);
    sw_free(call->from, call);
}
