/* SPDX-License-Identifier: Apache-2.0 */
/* What can be called over gRPC: the exports of the three signals, and the health service that probes ask. Knows
 * the names of OTLP 1.11 and of grpc.health.v1, and nothing of connections.
 */
#include "http/grpc.h"
#include "ingest/ingest.h"

enum { METHODS = 4 };
static const sw_grpc_method methods[METHODS + 1]; /* the last one has no path */

/* ---- exports ---------------------------------------------------------------------------------------- */

static sw_rpc take(sw_grpc_call *call, sw_str message, sw_error *err)
{
    sw_server *server = call->grpc->server;
    sw_ingest_result result = {0};
    otlp_signal signal = call->method->signal;
    sw_status status = sw_ingest_export(server->live.ingest, &call->actor, signal, OTLP_PROTOBUF,
                                        message, &result, err);
    if (status == SW_STATUS_OK) {
        otlp_write_response(&call->out, OTLP_PROTOBUF, signal, result.rejected,
                            sw_str_from(result.message));
        return SW_RPC_OK;
    }
    sw_rpc code = sw_otlp_code(sw_otlp_http(status));
    if (code == SW_RPC_UNAVAILABLE || code == SW_RPC_INTERNAL) {
        sw_logf(&server->log, SW_LOG_ERROR, "%s: %s: %s", call->method->path,
                sw_status_name(status), err->message);
        (void)sw_fail(err, status, "", "%s", sw_status_message(status));
    }
    return code;
}

/* ---- health ----------------------------------------------------------------------------------------- */

/* The first field of a HealthCheckRequest: a text of less than 128 bytes, or nothing. False: neither. */
static bool read_service(sw_str message, sw_str *out)
{
    *out = SW_STR("");
    if (message.len == 0) {
        return true;
    }
    if (message.len < 2 || message.ptr[0] != 10 || (size_t)message.ptr[1] != message.len - 2) {
        return false;
    }
    *out = sw_str_make(message.ptr + 2, message.len - 2);
    return true;
}

/* Whether it is the whole server (no name), or the service of a method above. */
static bool is_service(sw_str name)
{
    for (const sw_grpc_method *method = methods; name.len > 0 && method->path; method++) {
        size_t len = (size_t)(strrchr(method->path, '/') - method->path) - 1;
        if (sw_str_eq(name, sw_str_make(method->path + 1, len))) {
            return true;
        }
    }
    return name.len == 0;
}

static sw_rpc check(sw_grpc_call *call, sw_str message, sw_error *err)
{
    sw_str service;
    if (!read_service(message, &service)) {
        (void)sw_fail(err, SW_STATUS_INVALID, "", "this is no HealthCheckRequest");
        return SW_RPC_INVALID_ARGUMENT;
    }
    if (!is_service(service)) {
        (void)sw_fail(err, SW_STATUS_NOT_FOUND, "", "there is no such service here");
        return SW_RPC_NOT_FOUND;
    }
    /* HealthCheckResponse.status: 1 serving, 2 not serving */
    sw_buf_addc(&call->out, 8);
    sw_buf_addc(&call->out, atomic_load(&call->grpc->stopping) ? 2 : 1);
    return SW_RPC_OK;
}

/* ---- the table -------------------------------------------------------------------------------------- */

#define COLLECTOR "/opentelemetry.proto.collector."
static const sw_grpc_method methods[METHODS + 1] = {
    {COLLECTOR "trace.v1.TraceService/Export", false, OTLP_TRACES, take},
    {COLLECTOR "logs.v1.LogsService/Export", false, OTLP_LOGS, take},
    {COLLECTOR "metrics.v1.MetricsService/Export", false, OTLP_METRICS, take},
    {"/grpc.health.v1.Health/Check", true, OTLP_TRACES, check},
    {0}};

const sw_grpc_method *sw__grpc_method(sw_str path)
{
    for (const sw_grpc_method *method = methods; path.ptr && method->path; method++) {
        if (sw_str_eq(path, sw_str_from(method->path))) {
            return method;
        }
    }
    return NULL;
}
