/* SPDX-License-Identifier: Apache-2.0 */
/* What a server keeps doing besides answering: it remembers who may call, follows the journal for those
 * who listen, and sends what is to be told to others. The core starts it once, holds it, and ends it.
 */
#ifndef SW_HTTP_LIVE_H
#define SW_HTTP_LIVE_H

#include "http/http.h"

struct sw_auth;
struct sw_tail;
struct sw_hooks;
struct sw_ingest;

typedef struct sw_live {
    struct sw_auth *auth;
    struct sw_tail *tail;
    struct sw_hooks *hooks;
    struct sw_ingest *ingest;
} sw_live;

/* Starts; the ledger, the allocator and the settings must outlive it. `local`: only this machine reaches the server. */
sw_status sw_live_start(sw_ledger *ledger, const sw_allocator *from, const sw_settings *settings,
                        bool local, sw_log *log, sw_live *out, sw_error *err) SW_MUST_CHECK;
/* Ends every stream and waiting request, so that their connections can close, and takes no new ones; what
 * goes out is not begun any more. */
void sw_live_end(sw_live *live);
/* Stops the threads; every request must have been dropped. Harmless when it never started. Telemetry is computed until
 * `until_us` of the monotonic clock, or a little longer if that is over. */
void sw_live_stop(sw_live *live, int64_t until_us);

/* The core's (server.c). */
sw_live *sw_server_live(sw_server *server);

#endif
