/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, in V1's words: {"detail": ...}, and for what does not pass the checks the list of all
 * that is wrong. Knows the rows of model/status.def and no route.
 *
 * A server's own trouble is told in the standing words of its status only: what a store says about its
 * files is for the log, not for strangers.
 */
#include <stdio.h>

#include "http/server.h"

int sw_status_http(sw_status status)
{
    switch (status) {
#define SW_STATUS(NAME, NUMBER, HTTP, EXIT, RETRY, MESSAGE, DOC)                                   \
    case SW_STATUS_##NAME:                                                                         \
        return HTTP;
#include "model/status.def"
#undef SW_STATUS
    }
    return 500;
}

/* ---- gathering ------------------------------------------------------------------------------------- */

void sw_request_invalid(sw_request *request, const char *type, const char *where, const char *name,
                        const char *msg, sw_str input, const char *ctx_json)
{
    sw_exchange *x = sw_exchange_of(request);
    sw_arena *arena = &request->arena;
    sw_invalid *one = sw_arena_zeroed(arena, sizeof *one);
    if (!one) {
        return; /* the arena remembers */
    }
    one->type = type;
    one->where = where;
    one->name = sw_arena_str(arena, sw_str_from(name));
    one->msg = sw_arena_str(arena, sw_str_from(msg));
    one->input = sw_arena_str(arena, input);
    one->ctx = sw_arena_str(arena, sw_str_from(ctx_json));
    *x->invalid_tail = one;
    x->invalid_tail = &one->next;
}

bool sw_request_is_invalid(const sw_request *request)
{
    return sw_exchange_of(request)->invalid != NULL;
}

sw_status sw_request_bad_body(sw_request *request, const sw_error *why)
{
    if (why->status == SW_STATUS_INVALID) {
        sw_request_invalid(request, "value_error", "body", why->field[0] ? why->field : NULL,
                           why->message, SW_NULL_STR, NULL);
    }
    return why->status;
}

/* What is no JSON, at which byte and why. */
static void tell_no_json(sw_request *request, const sw_json *json)
{
    char place[32];
    sw_buf ctx;
    sw_json_out out;
    snprintf(place, sizeof place, "[%zu]", json->offset);
    sw_buf_init(&ctx, request->arena.from, 4096);
    sw_json_out_init(&out, &ctx, false);
    sw_json_open(&out, '{');
    sw_json_key(&out, SW_STR("error"));
    sw_json_str(&out, sw_str_from(json->error ? json->error : "it ends"));
    sw_json_close(&out, '}');
    sw_request_invalid(request, "json_invalid", "body", place, "JSON decode error", SW_NULL_STR,
                       ctx.ptr);
    sw_buf_fini(&ctx);
}

sw_status sw_request_unread_body(sw_request *request, const sw_error *why)
{
    sw_json json;
    if (why->status != SW_STATUS_INVALID) {
        return why->status;
    }
    sw_json_init(&json, request->body, &request->arena);
    (void)sw_json_next(&json);
    if (sw_json_skip(&json, NULL) && sw_json_next(&json) == SW_JSON_END) {
        return sw_request_bad_body(request, why);
    }
    tell_no_json(request, &json);
    return SW_STATUS_INVALID;
}

/* ---- the list of what is wrong --------------------------------------------------------------------- */

/* "steps[3].model" as "steps", 3, "model". */
static void write_path(sw_json_out *out, sw_str name)
{
    size_t from = 0;
    for (size_t i = 0; i <= name.len; i++) {
        char c = i < name.len ? name.ptr[i] : '.';
        if (c != '.' && c != '[' && c != ']') {
            continue;
        }
        sw_str part = sw_str_make(name.ptr + from, i - from);
        int64_t number = 0;
        if (part.len > 0 && c == ']' && sw_parse_int(part, &number)) {
            sw_json_int(out, number);
        } else if (part.len > 0) {
            sw_json_str(out, part);
        }
        from = i + 1;
    }
}

static void write_invalid(sw_json_out *out, const sw_invalid *one)
{
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("type"));
    sw_json_str(out, sw_str_from(one->type));
    sw_json_key(out, SW_STR("loc"));
    sw_json_open(out, '[');
    sw_json_str(out, sw_str_from(one->where));
    if (one->name.ptr && strcmp(one->where, "body") == 0) {
        write_path(out, one->name);
    } else if (one->name.ptr) {
        sw_json_str(out, one->name);
    }
    sw_json_close(out, ']');
    sw_json_key(out, SW_STR("msg"));
    sw_json_str(out, one->msg);
    sw_json_key(out, SW_STR("input"));
    sw_json_str(out, one->input.ptr && sw_utf8_valid(one->input) ? one->input : SW_NULL_STR);
    if (one->ctx.ptr) {
        sw_json_key(out, SW_STR("ctx"));
        sw_json_raw(out, one->ctx);
    }
    sw_json_close(out, '}');
}

static void write_validation(sw_exchange *x)
{
    sw_json_out *out = sw_answer_json(&x->request, 422);
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("trace_id"));
    sw_json_str(out, sw_str_from(x->request.id));
    sw_json_key(out, SW_STR("detail"));
    sw_json_open(out, '[');
    for (const sw_invalid *one = x->invalid; one; one = one->next) {
        write_invalid(out, one);
    }
    sw_json_close(out, ']');
    if (x->example.ptr) {
        sw_json_key(out, SW_STR("examples"));
        sw_json_open(out, '[');
        sw_json_str(out, x->example);
        sw_json_close(out, ']');
    }
    sw_json_close(out, '}');
}

/* ---- everything else ------------------------------------------------------------------------------- */

sw_status sw_answer_fail(sw_request *request, int http_status, const char *format, ...)
{
    sw_exchange *x = sw_exchange_of(request);
    char text[sizeof x->later_error.message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    x->fail_status = http_status;
    (void)sw_fail(&x->fail_error, SW_STATUS_INVALID, "", "%s", text);
    return SW_STATUS_INVALID;
}

static sw_str detail_of(sw_exchange *x, sw_status status, const sw_error *err)
{
    const char *message = err && err->message[0] ? err->message : sw_status_message(status);
    sw_arena *arena = &x->request.arena;
    int http = sw_status_http(status);
    if (x->fail_status) {
        return sw_str_from(x->fail_error.message);
    }
    if (http >= 500 && http != 501) {
        return sw_str_from(sw_status_message(status));
    }
    if (status == SW_STATUS_INVALID_ID) {
        return sw_arena_printf(arena, "INVALID_ARGUMENT: %s", message);
    }
    if (status == SW_STATUS_NOT_FOUND || !err || !err->field[0]) {
        return sw_str_from(message);
    }
    return sw_arena_printf(arena, "%s: %s", err->field, message);
}

/* The official client repeats 409 and 5xx by itself; it shall not where that cannot help. */
static void advise_retry(sw_exchange *x, int http, sw_status status)
{
    bool again = !x->fail_status && sw_status_retryable(status);
    if ((http == 409 && !again) || http == 501) {
        sw_answer_header(&x->request, "x-should-retry", "false");
    } else if (http == 503 && again) {
        sw_answer_header(&x->request, "Retry-After", "1");
    }
}

static void write_detail(sw_exchange *x, int http, sw_str detail)
{
    sw_json_out *out = sw_answer_json(&x->request, http);
    sw_json_open(out, '{');
    sw_json_key(out, SW_STR("detail"));
    sw_json_str(out, detail);
    sw_json_close(out, '}');
    if (x->out.status != SW_STATUS_OK) {
        sw_answer_bytes(&x->request, 503, NULL, SW_STR("{\"detail\":\"out of memory\"}"));
    }
}

static void note_trouble(sw_exchange *x, int http, sw_status status, const sw_error *err)
{
    const sw_route *route = x->request.route;
    if (http >= 500 && http != 501 && status != SW_STATUS_CLOSED && !x->fail_status) {
        sw_logf(&x->request.server->log, SW_LOG_ERROR, "%s: %s: %s%s%s (request %s)",
                route ? route->name : "-", sw_status_name(status), err ? err->field : "",
                err && err->field[0] ? ": " : "", err ? err->message : "", x->request.id);
    }
}

/* What is said is wrong: also that a field of a JSON body has more than it may. A body that is too large as a
 * whole names no field.
 */
static bool is_wrong_content(const sw_exchange *x, sw_status status, const sw_error *err)
{
    const sw_route *route = x->request.route;
    return status == SW_STATUS_INVALID ||
           (status == SW_STATUS_TOO_LARGE && err && err->field[0] && route &&
            route->body != SW_BODY_NONE && route->body != SW_BODY_BYTES);
}

void sw__answer_error(sw_exchange *x, sw_status status, const sw_error *err)
{
    bool otlp = sw__otlp_speaks(x);
    sw__answer_reset(x);
    if (x->request.arena.failed) {
        status =
            SW_STATUS_NO_MEMORY; /* whatever was found wrong, without memory it was not looked at */
        x->fail_status = 0;
    }
    if (is_wrong_content(x, status, err) && !x->fail_status && !otlp) {
        if (!x->invalid) {
            bool body = x->request.route && x->request.route->body != SW_BODY_NONE;
            sw_request_invalid(&x->request, "value_error", body ? "body" : "query",
                               err && err->field[0] ? err->field : NULL,
                               err && err->message[0] ? err->message : "invalid value", SW_NULL_STR,
                               NULL);
        }
        write_validation(x);
        if (x->out.status == SW_STATUS_OK && !x->request.arena.failed) {
            return;
        }
        status = SW_STATUS_NO_MEMORY;
    }
    int http = x->fail_status ? x->fail_status
               : otlp         ? sw_otlp_http(status)
                              : sw_status_http(status);
    note_trouble(x, http, status, err);
    if (otlp) {
        sw__otlp_refuse(x, http, detail_of(x, status, err));
        return;
    }
    advise_retry(x, http, status);
    write_detail(x, http, detail_of(x, status, err));
}
