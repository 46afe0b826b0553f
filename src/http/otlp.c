/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP over HTTP: what is said before a body is read, what is answered, and how refusals are told. Knows the
 * media types and statuses of OTLP 1.11, and nothing of what is in an export: that is the ingest room's.
 *
 * Who exports understands google.rpc.Status in the media type that he sent, and from the HTTP status alone whether
 * sending again can help. So errors of these paths never have V1's form, also when no route was found.
 */
#include "http/otlp.h"

#include <stdio.h>
#include <strings.h>

#include "http/server.h"
#include "ingest/ingest.h"

/* ---- statuses --------------------------------------------------------------------------------------- */

int sw_otlp_http(sw_status status)
{
    int http = sw_status_http(status);
    bool told = http == 401 || http == 403 || http == 413;
    return http >= 400 && http < 500 && !told ? 400 : http;
}

sw_rpc sw_otlp_code(int http)
{
    switch (http) {
    case 200:
        return SW_RPC_OK;
    case 401:
        return SW_RPC_UNAUTHENTICATED;
    case 403:
        return SW_RPC_PERMISSION_DENIED;
    case 404:
    case 405:
    case 501:
        return SW_RPC_UNIMPLEMENTED;
    case 413:
        return SW_RPC_RESOURCE_EXHAUSTED;
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
        return SW_RPC_UNAVAILABLE;
    default:
        return http < 500 ? SW_RPC_INVALID_ARGUMENT : SW_RPC_INTERNAL;
    }
}

/* ---- media types ------------------------------------------------------------------------------------ */

typedef struct media {
    const char *type;
    otlp_wire wire;
} media;

static const media types[] = {{"application/x-protobuf", OTLP_PROTOBUF},
                              {"application/protobuf", OTLP_PROTOBUF},
                              {"application/json", OTLP_JSON}};

/* By the media type alone, in any case, whatever parameters stand behind it. NULL: none of OTLP's. */
static const media *media_of(const sw_exchange *x)
{
    sw_str given = sw_request_header(&x->request, "Content-Type");
    for (size_t i = 0; given.ptr && i < SW_COUNT(types); i++) {
        size_t len = strlen(types[i].type);
        if (given.len >= len && strncasecmp(given.ptr, types[i].type, len) == 0 &&
            (given.len == len || strchr("; \t", given.ptr[len]))) {
            return &types[i];
        }
    }
    return NULL;
}

sw_status sw__otlp_admit(sw_exchange *x)
{
    if (media_of(x)) {
        return SW_STATUS_OK;
    }
    sw_answer_header(&x->request, "Accept", "application/x-protobuf, application/json");
    return sw_answer_fail(&x->request, 415,
                          "Content-Type: is application/x-protobuf or application/json");
}

/* ---- refusals --------------------------------------------------------------------------------------- */

static sw_str without_slash(sw_str path)
{
    path.len -= path.len > 1 && path.ptr[path.len - 1] == '/' ? 1 : 0;
    return path;
}

static bool is_path(sw_str path)
{
    for (size_t i = 0; i < SW_ROUTE_COUNT; i++) {
        if (sw__routes[i].body == SW_BODY_OTLP &&
            sw_str_eq(path, sw_str_from(sw__routes[i].path))) {
            return true;
        }
    }
    return false;
}

/* Also who sends to the wrong place: protobuf is nobody else's here, and JSON to the root is what an exporter
 * sends whose address lacks its path. */
bool sw__otlp_speaks(const sw_exchange *x)
{
    if (x->request.route || !x->path.ptr) {
        return x->request.route && x->request.route->body == SW_BODY_OTLP;
    }
    sw_str path = without_slash(x->path);
    const media *sent = x->known_method && x->method == SW_METHOD_POST ? media_of(x) : NULL;
    return is_path(path) || (sent && (sent->wire == OTLP_PROTOBUF || sw_str_eq(path, SW_STR("/"))));
}

static bool has_header(const sw_exchange *x, const char *name)
{
    for (const sw_header *header = x->headers; header; header = header->next) {
        if (header->name.ptr && strcasecmp(header->name.ptr, name) == 0) {
            return true;
        }
    }
    return false;
}

void sw__otlp_refuse(sw_exchange *x, int http, sw_str message)
{
    const media *sent = media_of(x);
    sent = sent ? sent : &types[2];
    bool posted = sw_str_eq(sw_request_method(&x->request), SW_STR("POST"));
    if (http == 404 || (http == 405 && posted)) { /* nothing is here, or a page */
        message =
            SW_STR("nothing is taken here; OTLP is taken at /v1/traces, /v1/logs and /v1/metrics: "
                   "leave the path away in OTEL_EXPORTER_OTLP_ENDPOINT, or give the whole one in "
                   "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    }
    if ((http == 429 || http == 503) && !has_header(x, "Retry-After")) {
        sw_answer_header(&x->request, "Retry-After", "1");
    }
    sw_buf_clear(&x->out);
    otlp_write_status(&x->out, sent->wire, (int32_t)sw_otlp_code(http), message);
    /* Without memory for it there is a status without a body. */
    sw_str body = x->out.status == SW_STATUS_OK ? SW_NULL_STR : SW_STR("");
    sw_answer_bytes(&x->request, http, sent->type, body);
}

/* ---- exports ---------------------------------------------------------------------------------------- */

static sw_status take(sw_request *request, otlp_signal signal, sw_error *err)
{
    sw_exchange *x = sw_exchange_of(request);
    const media *sent = media_of(x);
    sw_ingest_result result = {0};
    sw_assert(sent);
    sw_status status = sw_ingest_export(sw_server_live(request->server)->ingest, &request->actor,
                                        signal, sent->wire, request->body, &result, err);
    if (status == SW_STATUS_OK) {
        sw_buf_clear(&x->out);
        otlp_write_response(&x->out, sent->wire, signal, result.rejected,
                            sw_str_from(result.message));
        sw_answer_bytes(request, 200, sent->type, SW_NULL_STR);
    }
    return status;
}

sw_status sw_http_otlp_traces(sw_request *request, sw_error *err)
{
    return take(request, OTLP_TRACES, err);
}

sw_status sw_http_otlp_logs(sw_request *request, sw_error *err)
{
    return take(request, OTLP_LOGS, err);
}

sw_status sw_http_otlp_metrics(sw_request *request, sw_error *err)
{
    return take(request, OTLP_METRICS, err);
}
