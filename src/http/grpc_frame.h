/* SPDX-License-Identifier: Apache-2.0 */
/* The form of gRPC around messages (PROTOCOL-HTTP2.md): lengths before messages, the texts of headers. Pure: no
 * connection, no thread, fit for a fuzzer.
 */
#ifndef SW_HTTP_GRPC_FRAME_H
#define SW_HTTP_GRPC_FRAME_H

#include "http/otlp.h"

enum { SW_RPC_PREFIX = 5 };

/* Where a message that was packed may be unpacked to. */
typedef struct sw_rpc_room {
    size_t most; /* bytes of the message */
    bool (*hold)(void *arg,
                 size_t bytes); /* so many in all; false: there is no memory for it now */
    void *arg;
} sw_rpc_room;

/* The one message of a whole body: borrowed from it, or from `unpacked`. Anything but OK says `why`. */
sw_rpc sw_rpc_unframe(sw_str body, sw_str encoding, const sw_rpc_room *room, sw_buf *unpacked,
                      sw_str *message, const char **why);
/* The length that a prefix announces; the first SW_RPC_PREFIX bytes are there. */
size_t sw_rpc_announced(const char *prefix);
/* Whether a message can come in this encoding (grpc-encoding; null: none was named). */
bool sw_rpc_knows(sw_str encoding);
/* Five bytes, to be written before a message of that length that is not packed. */
void sw_rpc_prefix(size_t length, char out[SW_RPC_PREFIX]);
/* A text as the header grpc-message has it: printable ASCII without '%' stays. */
void sw_rpc_percent(sw_buf *out, sw_str text);
/* A google.rpc.Status that says to come again in a second (RetryInfo), as the header grpc-status-details-bin has it. Only
 * for what is over by then: with it a sender comes again, whatever the status (OTLP 1.11, throttling), so that a message
 * that is too large must not have it. Without memory there is none. */
void sw_rpc_retry(sw_buf *out, sw_rpc code, sw_str message);
/* grpc-timeout in microseconds, at least 1; -1: it is none. */
int64_t sw_rpc_timeout_us(sw_str text);

#endif
