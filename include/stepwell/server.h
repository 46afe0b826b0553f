/* SPDX-License-Identifier: Apache-2.0 */
/* What a program needs besides that serves others by the ledger: keys that say who calls, deliveries that tell others
 * what happened, the end of a call that came in parts, and how busy the writer is. The rules of stepwell/ledger.h hold
 * here too; that header brings this one along.
 */
#ifndef STEPWELL_SERVER_H
#define STEPWELL_SERVER_H

#include "stepwell/ledger.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- keys ---------------------------------------------------------------------------------------- */

enum { SW_KEY_TEXT = 96 };

/* Makes a key of the actor's organization; row: name, scopes (JSON array of the words of sw_scope),
 * project_id, expires_at. `secret` gets the text to hand out, NUL-terminated: it is stored hashed only and
 * never shown again; any other answer than OK leaves it empty. Making it again under the same sw_retry is a
 * CONFLICT. */
SW_API sw_status sw_key_create(sw_ledger *ledger, const sw_actor *actor, const sw_api_key *row,
                               char secret[SW_KEY_TEXT], sw_outcome *outcome,
                               sw_error *err) SW_MUST_CHECK;
/* The key that a caller showed, in constant time of its secret. NOT_FOUND: unknown, revoked or expired. Asks
 * the store at most once a second for the same key; a revocation by this process is seen at once. */
SW_API sw_status sw_key_check(sw_ledger *ledger, sw_str secret, sw_memory *memory, sw_api_key *out,
                              sw_error *err) SW_MUST_CHECK;
/* Whether that check would answer from memory now. */
SW_API bool sw_key_is_fresh(sw_ledger *ledger, sw_str secret);
/* Whether a key that was checked before still holds, for what goes on for long: NOT_FOUND when it was revoked
 * or has expired since. Asks the store each time. */
SW_API sw_status sw_key_recheck(sw_ledger *ledger, sw_str key_id, sw_error *err) SW_MUST_CHECK;
/* Notes that it was used now; written at most once a minute, with other work or when the ledger is closed. Does
 * not wait. */
SW_API void sw_key_used(sw_ledger *ledger, sw_str key_id);
SW_API sw_status sw_key_revoke(sw_ledger *ledger, const sw_actor *actor, sw_str key_id,
                               sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;
/* A text that shows a key for some days (SW_LIMIT_SESSION_SECONDS) without being one: sealed under the ledger's key,
 * which must be there (UNSUPPORTED). The key itself is checked by whoever opens the text. */
SW_API sw_status sw_key_session_seal(sw_ledger *ledger, sw_str secret, sw_memory *memory,
                                     sw_str *out, int64_t *until_us, sw_error *err) SW_MUST_CHECK;
/* NOT_FOUND: nothing that was sealed here as a session, or it is over. */
SW_API sw_status sw_key_session_open(sw_ledger *ledger, sw_str sealed, sw_memory *memory,
                                     sw_str *secret, int64_t *until_us,
                                     sw_error *err) SW_MUST_CHECK;
/* Whether any key that is not revoked exists, of any organization. */
SW_API sw_status sw_keys_exist(sw_ledger *ledger, bool *out, sw_error *err) SW_MUST_CHECK;

/* ---- subscriptions and deliveries ---------------------------------------------------------------- */

/* Subscriptions (SW_RECORD_SUBSCRIPTION) are created, changed and deleted with the verbs of records. What a
 * subscription or a run's callback_url asks for becomes a delivery in the transaction of the change itself, one for
 * each change, whoever makes it, so that no crash loses or doubles one. It bears the most exact of the
 * event's names that was asked for: who asks for step.completed and step.failed is told step.failed. A step
 * or run that had ended when it was recorded tells too, unless it was adopted; what is restated tells nobody;
 * a callback is for the move that ends the run. Deliveries and attempts are read with sw_get and sw_list, and
 * removed a week after they were settled; those of a subscription or run that is deleted go with it. */

/* What one attempt came to. */
typedef struct sw_attempt {
    int64_t started_at_us;
    int64_t duration_ns;
    int64_t status_code; /* of the answer; 0: none came */
    sw_str error;        /* null: none */
    bool permanent;      /* no further attempt helps (e.g. the target is not allowed) */
} sw_attempt;

/* Takes up to `limit` deliveries that are due, for as long as `seconds`, so that nobody else attempts them
 * meanwhile; of all organizations. Rows live in `memory`; their url is the subscription's present one. Those
 * of a subscription that is switched off wait. A claim that is not reported in time is due again. */
SW_API sw_status sw_delivery_claim(sw_ledger *ledger, int64_t limit, int64_t seconds,
                                   sw_memory *memory, sw_delivery **out, size_t *count,
                                   sw_error *err) SW_MUST_CHECK;
/* When the next one is due, in microseconds of the wall clock; null: none waits. */
SW_API sw_status sw_delivery_next(sw_ledger *ledger, sw_int *due_us, sw_error *err) SW_MUST_CHECK;
/* Records the attempt: delivered (2xx), to be tried again with growing distance for a day, or given up. Of a
 * run's callback it also keeps callback_sent_at, callback_status_code and callback_error. */
SW_API sw_status sw_delivery_report(sw_ledger *ledger, sw_str delivery_id,
                                    const sw_attempt *attempt, sw_error *err) SW_MUST_CHECK;
/* Gives claimed deliveries back without an attempt, to be due in `seconds`: their listener is busy. */
SW_API sw_status sw_delivery_put_off(sw_ledger *ledger, const sw_str *delivery_ids, size_t count,
                                     int64_t seconds, sw_error *err) SW_MUST_CHECK;
/* The secret that signs for this delivery (for the operator's webhook: its bearer token), null when there is
 * none. */
SW_API sw_status sw_delivery_secret(sw_ledger *ledger, const sw_delivery *delivery,
                                    sw_memory *memory, sw_str *out, sw_error *err) SW_MUST_CHECK;
/* Attempts it once more, at once, under the same id. */
SW_API sw_status sw_delivery_again(sw_ledger *ledger, const sw_actor *actor, sw_str delivery_id,
                                   sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;
/* Makes a delivery of the event `test`; outcome->id is the delivery's. */
SW_API sw_status sw_subscription_test(sw_ledger *ledger, const sw_actor *actor,
                                      sw_str subscription_id, sw_outcome *outcome,
                                      sw_error *err) SW_MUST_CHECK;
/* Sets or (url null) removes the operator's own subscription, which is told of each step that ends, of every
 * organization, in V1's form (SW_SUBSCRIPTION_KIND_STEP_WEBHOOK) with `key` as bearer token. It belongs to
 * the default organization, and so do its deliveries: nobody else sees that he listens. `key` is kept in
 * memory only: give it again at each start. */
SW_API sw_status sw_operator_webhook(sw_ledger *ledger, sw_str url, sw_str key,
                                     sw_error *err) SW_MUST_CHECK;

/* ---- calls that came in parts ------------------------------------------------------------------- */

/* The end of a call that came in parts, when its last part had nothing to write: only now the digest of the whole
 * is known. CONFLICT when the actor's retry was used for other content. `kept`: parts of it were kept, and the
 * digest is kept with them. */
SW_API sw_status sw_retry_end(sw_ledger *ledger, const sw_actor *actor, bool kept,
                              sw_error *err) SW_MUST_CHECK;

/* ---- load --------------------------------------------------------------------------------------- */

/* How busy the writer is and was since the ledger was opened. Bucket i counts groups that took at most
 * SW_LOAD_FIRST_US << i microseconds, from beginning to durable; the last one all others. */
enum { SW_LOAD_BUCKETS = 16, SW_LOAD_FIRST_US = 128 };
typedef struct sw_ledger_load {
    int64_t queued; /* operations that wait now */
    int64_t groups;
    int64_t us; /* all groups together */
    int64_t buckets[SW_LOAD_BUCKETS];
} sw_ledger_load;
SW_API void sw_ledger_load_get(sw_ledger *ledger, sw_ledger_load *out);

/* Writes a row of its own, durably, and reads it back. `took_us`: how long that took, also when it failed. */
SW_API sw_status sw_ledger_probe(sw_ledger *ledger, int64_t *took_us, sw_error *err) SW_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
