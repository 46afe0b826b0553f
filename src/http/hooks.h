/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out: the thread that takes due deliveries from the ledger, calls their listeners and reports
 * what came of it.
 *
 * The ledger keeps what is to be told; nothing is kept here. Whoever dies loses nothing: what it had
 * claimed is due again a little later. Calls run side by side on one thread (libcurl's multi interface),
 * bounded in number, in time and in what is read of an answer; few of them to one listener, so that one
 * that never answers does not hold the others.
 */
#ifndef SW_HTTP_HOOKS_H
#define SW_HTTP_HOOKS_H

#include <sys/socket.h>

#include "http/http.h"

typedef struct sw_hooks sw_hooks;

sw_status sw_hooks_start(sw_ledger *ledger, const sw_allocator *from, const sw_settings *settings,
                         const sw_log *log, sw_hooks **out, sw_error *err) SW_MUST_CHECK;
/* Begins nothing more. */
void sw_hooks_end(sw_hooks *hooks);
/* Lets calls under way finish for two seconds since the end, then gives them up: they will be made again. */
void sw_hooks_stop(sw_hooks **hooks);

/* ---- parts ------------------------------------------------------------------------------------------ */

/* Whether a listener may have this address: it is of the public internet (hooks_target.c). */
bool sw_target_allowed(const struct sockaddr *address);

/* "t=SECONDS,v1=HEX", the HMAC-SHA256 of "ID.SECONDS.BODY" under the secret (hooks_sign.c). */
enum { SW_SIGNATURE_TEXT = 96 };
void sw_signature(sw_str secret, sw_str id, int64_t seconds, sw_str body,
                  char out[SW_SIGNATURE_TEXT]);

/* What is sent for a delivery (hooks_body.c). */
typedef struct sw_parcel {
    const sw_delivery *delivery;
    sw_buf body;
    sw_str secret; /* null: none */
    bool own; /* the operator's: V1's form, a bearer token instead of a signature, any target */
} sw_parcel;
/* Fills body, secret and own from the records as they are now. */
sw_status sw_parcel_make(sw_ledger *ledger, sw_memory *memory, sw_parcel *parcel,
                         sw_error *err) SW_MUST_CHECK;
/* V1's body of a run's callback (hooks_callback.c). */
sw_status sw_callback_body(sw_ledger *ledger, const sw_actor *actor, const sw_run *run,
                           sw_memory *memory, sw_json_out *json, sw_error *err) SW_MUST_CHECK;

/* One call (hooks_call.c). */
typedef struct sw_call {
    const sw_allocator *from; /* of itself, its row and its body */
    void *easy;               /* libcurl's */
    void *headers;
    sw_delivery *row; /* owns the texts of `delivery` */
    sw_delivery delivery;
    sw_memory *memory; /* of what is looked up for it */
    sw_parcel parcel;
    int64_t claimed_until_us; /* of the monotonic clock */
    int64_t started_wall_us;
    int64_t started_us;
    int64_t received;
    bool any_target;
    bool refused; /* an address of the target was not allowed */
    bool tried;   /* another one was */
    char error[256];
    struct sw_call *next;
} sw_call;
/* NO_MEMORY, or what the ledger said; the call is to be ended in any case. */
sw_status sw_call_begin(sw_call *call, sw_ledger *ledger, bool any_target,
                        sw_error *err) SW_MUST_CHECK;
/* What came of it; `result` is libcurl's. Texts live as long as the call. */
void sw_call_result(sw_call *call, int result, sw_attempt *out);
/* Frees; the easy handle must be out of its multi. */
void sw_call_end(sw_call *call);

#endif
