/* SPDX-License-Identifier: Apache-2.0 */
/* One call to a server, by libcurl. The connection stays open for the next. An error of the API comes
 * back as the status it stands for and in its own words; what went wrong on the way is said with the
 * server's address and what to do. Follows no redirect, because the key would go along.
 */
#include "cli/remote.h"

#include <strings.h>

#include "stepwell/version.h"

enum { ANSWER_BYTES = 256 << 20, CONNECT_MS = 10000, CALL_SECONDS = 300, SILENT_SECONDS = 600 };

/* ---- the URL ------------------------------------------------------------------------------------ */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c));
}

static void add_encoded(sw_buf *out, sw_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_plain(text.ptr[i])) {
            sw_buf_addc(out, text.ptr[i]);
        } else {
            sw_buf_addf(out, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
        }
    }
}

void sw_remote_begin(sw_remote *remote, const sw_route *route, sw_str id)
{
    sw_buf_clear(&remote->url);
    sw_buf_adds(&remote->url, remote->base);
    for (const char *at = route->path; *at; at++) {
        if (*at != '{') {
            sw_buf_addc(&remote->url, *at);
            continue;
        }
        add_encoded(&remote->url, id);
        at = strchr(at, '}');
        sw_assert(at);
    }
}

void sw_remote_add(sw_remote *remote, const char *name, sw_str value)
{
    sw_buf *url = &remote->url;
    bool first = url->ptr && !strchr(url->ptr, '?');
    sw_buf_addf(url, "%c%s=", first ? '?' : '&', name);
    add_encoded(url, value);
}

void sw_remote_add_time(sw_remote *remote, const char *name, sw_int us)
{
    char text[SW_TIME_TEXT];
    if (us.known) {
        sw_remote_add(remote, name, sw_str_make(text, sw_time_print(us.value, true, text)));
    }
}

void sw_remote_add_int(sw_remote *remote, const char *name, int64_t value)
{
    char text[SW_INT_TEXT];
    sw_remote_add(remote, name, sw_str_make(text, sw_int_print(value, text)));
}

/* ---- what comes back -------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    sw_remote *remote = arg;
    long code = 0;
    (void)sw_curl()->easy_getinfo(remote->easy, CURLINFO_RESPONSE_CODE, &code);
    if (remote->piece && code / 100 == 2) {
        remote->ended = !remote->piece(remote->piece_arg, sw_str_make(bytes, size * count));
        return remote->ended ? 0 : size * count;
    }
    sw_buf_add(&remote->body, sw_str_make(bytes, size * count));
    return remote->body.status == SW_STATUS_OK ? size * count : 0;
}

/* The value of the header of this name, without blanks around it; null: it is another. */
static sw_str header_value(sw_str line, const char *name)
{
    size_t len = strlen(name);
    if (line.len <= len || strncasecmp(line.ptr, name, len) != 0) {
        return SW_NULL_STR;
    }
    sw_str value = sw_str_after_blanks(sw_str_make(line.ptr + len, line.len - len));
    while (value.len > 0 && (unsigned char)value.ptr[value.len - 1] <= ' ') {
        value.len--;
    }
    return value;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    sw_remote *remote = arg;
    sw_str line = sw_str_make(bytes, size * count);
    sw_str resume = header_value(line, "Stepwell-Resume:");
    sw_str date = header_value(line, "Date:");
    char text[40];
    if (resume.ptr) {
        snprintf(remote->resume, sizeof remote->resume, "%.*s",
                 (int)sw_utf8_prefix(resume, SW_ID_MAX), resume.ptr);
    }
    if (date.ptr && date.len < sizeof text) {
        snprintf(text, sizeof text, "%.*s", (int)date.len, date.ptr);
        time_t seconds = sw_curl()->getdate(text, NULL);
        remote->date_us = seconds > 0 ? (int64_t)seconds * 1000000 : 0;
    }
    return line.len;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    sw_remote *remote = arg;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    remote->ended = remote->ended || (remote->idle && !remote->idle(remote->piece_arg));
    return remote->ended ? 1 : 0;
}

static size_t on_pull(char *to, size_t size, size_t count, void *arg)
{
    sw_remote *remote = arg;
    size_t n = remote->pull(remote->pull_arg, to, size * count);
    return n == SIZE_MAX ? CURL_READFUNC_ABORT : n;
}

/* A kept connection that the server had closed: it is sent again, from the beginning. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    sw_remote *remote = arg;
    if (offset != 0 || origin != SEEK_SET) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    remote->rewind(remote->pull_arg);
    return CURL_SEEKFUNC_OK;
}

/* {"detail": "..."} or {"detail": [{"loc": [...], "msg": "..."}, ...]}: the first of them. */
static sw_str detail_of(sw_remote *remote, sw_arena *arena)
{
    sw_json json;
    sw_str found = SW_NULL_STR;
    sw_json_init(&json, sw_buf_str(&remote->body), arena);
    while (!found.ptr && sw_json_next(&json) != SW_JSON_END && json.type != SW_JSON_ERROR) {
        if (json.type == SW_JSON_KEY &&
            (sw_str_eq(json.text, SW_STR("detail")) || sw_str_eq(json.text, SW_STR("msg")) ||
             sw_str_eq(json.text, SW_STR("message")))) {
            found = sw_json_next(&json) == SW_JSON_STRING ? json.text : SW_NULL_STR;
        }
    }
    return found;
}

/* The first status that answers with this HTTP status. */
static sw_status status_of(long code)
{
    static const struct {
        long http;
        sw_status status;
    } rows[] = {
#define SW_STATUS(NAME, NUMBER, HTTP, EXIT, RETRY, MESSAGE, DOC) {HTTP, SW_STATUS_##NAME},
#include "model/status.def"
#undef SW_STATUS
    };
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        if (rows[i].http == code && code / 100 != 2) {
            return code == 503 ? SW_STATUS_BUSY : code == 500 ? SW_STATUS_INTERNAL : rows[i].status;
        }
    }
    return code == 401 || code == 403 ? SW_STATUS_READ_ONLY
           : code / 100 == 4          ? SW_STATUS_INVALID
                                      : SW_STATUS_IO;
}

static sw_status refused(sw_remote *remote, long code, sw_error *err)
{
    sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, ANSWER_BYTES);
    sw_str said = sw_text_clean(&arena, detail_of(remote, &arena), false);
    bool key = code == 401 || code == 403;
    if (said.len == 0) {
        said = sw_arena_printf(&arena, "HTTP %ld", code);
    }
    sw_status status = sw_fail(err, status_of(code), "", "the server says: %.*s",
                               (int)sw_utf8_prefix(said, 240), sw_text_or_blank(said));
    if (key) {
        status = sw_fail(err, SW_STATUS_READ_ONLY, "",
                         "the server says: %.*s; give a key that may do it with --key, in "
                         "STEPWELL_KEY or in a profile",
                         (int)sw_utf8_prefix(said, 200), sw_text_or_blank(said));
    }
    sw_arena_fini(&arena);
    return status;
}

/* ---- the call ------------------------------------------------------------------------------------ */

/* How long all of it takes nobody knows, but not how long nothing moves. */
static bool set_up_body(sw_remote *remote, sw_str body)
{
    CURL *easy = remote->easy;
    bool pulls = remote->pull != NULL;
    curl_off_t size = pulls ? -1 : (curl_off_t)body.len;
    return !sw_curl()->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_POSTFIELDS, body.ptr) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_POST, body.ptr || pulls ? 1L : 0L) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_HTTPHEADER,
                                   pulls ? remote->packed : remote->headers) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_READFUNCTION, pulls ? on_pull : NULL) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_READDATA, remote) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_SEEKFUNCTION, pulls ? on_seek : NULL) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_SEEKDATA, remote) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, pulls ? 1L : 0L) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, pulls ? (long)SILENT_SECONDS : 0L);
}

static bool set_up(sw_remote *remote, const sw_route *route, sw_str body)
{
    CURL *easy = remote->easy;
    bool streams = remote->piece != NULL;
    bool endless = streams || remote->pull;
    return set_up_body(remote, body) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_URL, remote->url.ptr) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, sw__methods[route->method]) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
           !sw_curl()->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, streams ? "identity" : "") &&
           !sw_curl()->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_TIMEOUT, endless ? 0L : (long)CALL_SECONDS) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_USERAGENT, "stepwell/" SW_VERSION) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_WRITEDATA, remote) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_HEADERDATA, remote) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_NOPROGRESS, remote->idle ? 0L : 1L) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_XFERINFODATA, remote) &&
           !sw_curl()->easy_setopt(easy, CURLOPT_ERRORBUFFER, remote->failure);
}

sw_status sw_remote_send(sw_remote *remote, const sw_route *route, sw_str body, sw_error *err)
{
    long code = 0;
    sw_buf_clear(&remote->body);
    remote->resume[0] = '\0';
    remote->date_us = 0;
    remote->failure[0] = '\0';
    remote->ended = false;
    if (remote->url.status != SW_STATUS_OK || !set_up(remote, route, body)) {
        return sw_no_memory(err);
    }
    /* CUSTOMREQUEST names the method; POST is switched on for its body alone. */
    CURLcode result = sw_curl()->easy_perform(remote->easy);
    (void)sw_curl()->easy_getinfo(remote->easy, CURLINFO_RESPONSE_CODE, &code);
    if (remote->ended) {
        return SW_STATUS_OK;
    }
    if (remote->body.status != SW_STATUS_OK) {
        return sw_fail(err, remote->body.status, "", "the server's answer is too large");
    }
    if (result != CURLE_OK) {
        return sw_fail(err, SW_STATUS_IO, "", "%s was not reached: %.200s", remote->base,
                       remote->failure[0] ? remote->failure : sw_curl()->easy_strerror(result));
    }
    return code / 100 == 2 ? SW_STATUS_OK : refused(remote, code, err);
}
