/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted and written down about requests (metrics.c, access.c), and the compressor (compress.c). */
#ifndef SW_HTTP_OBSERVE_H
#define SW_HTTP_OBSERVE_H

#include "http/server.h"

/* Why a request was refused before a handler saw it. */
typedef enum sw_refusal {
    SW_REFUSED_MALFORMED, /* no request by the rules of HTTP */
    SW_REFUSED_BODY,      /* too long */
    SW_REFUSED_CODING,    /* packed in a way that cannot be read */
    SW_REFUSED_BODIES,    /* all bodies together */
    SW_REFUSED_STREAMS,   /* too many open streams */
    SW_REFUSED_SLOW,      /* a slow sender */
    SW_REFUSED_RATE,      /* more requests a second than its key may */
    SW_REFUSED_KEY,       /* no key, or one that may not */
    SW_REFUSED_COUNT
} sw_refusal;
void sw__count_refusal(sw_server *server, sw_refusal why);

sw_status sw__metrics_make(sw_server *server, sw_error *err) SW_MUST_CHECK;
void sw__metrics_free(sw_server *server);
/* When counting began, which is when the server was made. */
int64_t sw__metrics_begun_us(const sw_server *server);
void sw__metrics_count(const sw_exchange *x, int64_t took_us);

sw_status sw__access_open(sw_server *server, sw_error *err) SW_MUST_CHECK;
void sw__access_close(sw_server *server);
/* Lines that could not be written. */
int64_t sw__access_lost(const sw_server *server);
/* A line about a call of gRPC; what is null is left out. */
typedef struct sw_access_call {
    sw_str method, path, organization_id, key_id, peer;
    int code;
    int64_t received;
    int64_t sent;
    int64_t took_us;
} sw_access_call;
void sw__access_tell(sw_server *server, const sw_access_call *call);

sw_status sw__probe_start(sw_server *server, sw_error *err) SW_MUST_CHECK;
void sw__probe_stop(sw_server *server);
void sw__probe_metrics(sw_server *server, sw_buf *out);

/* The exchange is over: counts it, and writes its line. */
void sw__observe_end(sw_exchange *x, bool completed);

/* Compresses the whole answer when it is large and the client takes it. */
void sw__squeeze_answer(sw_exchange *x);
/* Sets x->bytes to what was filled, compressed when the client takes it. */
void sw__squeeze_piece(sw_exchange *x, sw_fill more);
void sw__squeeze_free(sw_exchange *x);

#endif
