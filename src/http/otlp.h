/* SPDX-License-Identifier: Apache-2.0 */
/* What the roads of telemetry share: how the ledger's statuses read in HTTP and in gRPC to those who export.
 * They send again after exactly 429, 502, 503 and 504, or the codes beside them, and drop their data after
 * every other.
 */
#ifndef SW_HTTP_OTLP_H
#define SW_HTTP_OTLP_H

#include "codec/otlp.h"
#include "http/http.h"

typedef enum sw_rpc {
    SW_RPC_OK = 0,
    SW_RPC_CANCELLED = 1,
    SW_RPC_UNKNOWN = 2,
    SW_RPC_INVALID_ARGUMENT = 3,
    SW_RPC_DEADLINE_EXCEEDED = 4,
    SW_RPC_NOT_FOUND = 5,
    SW_RPC_PERMISSION_DENIED = 7,
    SW_RPC_RESOURCE_EXHAUSTED = 8,
    SW_RPC_UNIMPLEMENTED = 12,
    SW_RPC_INTERNAL = 13,
    SW_RPC_UNAVAILABLE = 14,
    SW_RPC_UNAUTHENTICATED = 16,
    SW_RPC_COUNT
} sw_rpc;

/* The HTTP status of a status, for who exports. */
int sw_otlp_http(sw_status status);
/* The code of gRPC and of google.rpc.Status that says the same as an HTTP status. */
sw_rpc sw_otlp_code(int http);

#endif
