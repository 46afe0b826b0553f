/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers that write share: who writes under which Idempotency-Key, how a body is begun and ended,
 * and how verdicts are told. Knows the ledger's outcomes, nothing of what they are about.
 */
#ifndef SW_HTTP_WRITE_H
#define SW_HTTP_WRITE_H

#include "codec/step_entry.h"
#include "http/http.h"

/* ---- the caller -------------------------------------------------------------------------------------- */

/* The actor of the request with the key it was sent under, if any. Both live in the request's arena, so
 * that a write that is answered later can hold on to them. */
typedef struct sw_writer {
    sw_actor actor;
    sw_retry retry;
    char digest[16];
} sw_writer;
/* With `whole` the digest is that of the path and the body, which must be there; else it is left open. */
sw_status sw__writer_make(sw_request *request, bool whole, sw_writer **out,
                          sw_error *err) SW_MUST_CHECK;
/* The digest so far, carried on over the next piece. `digest` is 16 bytes. */
void sw__digest_add(char *digest, sw_str piece);
/* Gives the retry its digest. */
void sw__writer_seal(sw_writer *writer);

/* ---- bodies ------------------------------------------------------------------------------------------ */

/* Puts the reader at the first token of the body. */
void sw__body_begin(sw_request *request, sw_json *json);
/* After the value was read with `status`: nothing may follow it. What is wrong with the body becomes a
 * validation error. */
sw_status sw__body_end(sw_request *request, sw_json *json, sw_status status,
                       sw_error *err) SW_MUST_CHECK;
/* The body as one object of the record, no member unknown; `seen` may be NULL. */
sw_status sw__body_record(sw_request *request, sw_record_id record, void *row, uint64_t *seen,
                          sw_error *err) SW_MUST_CHECK;
/* What the ledger refused: a rule that the body breaks is a validation error, anything else is told as it
 * is. Returns a status that is not OK. */
sw_status sw__refused_body(sw_request *request, sw_status status, const sw_error *err);

/* ---- answers ----------------------------------------------------------------------------------------- */

/* One item of a write: {"index", "id", "verdict", "seq", "error"}. */
void sw__write_outcome(sw_json_out *out, int64_t index, const sw_outcome *outcome);
/* The answer of a write of one thing: its outcome when it was kept, else what was wrong. `created` is the status
 * of what is new. */
sw_status sw__answer_outcome(sw_request *request, sw_status status, const sw_outcome *outcome,
                             const sw_error *err) SW_MUST_CHECK;
/* The status of an answer to what was kept. */
int sw__verdict_http(sw_verdict verdict);

/* Whether what a call for several steps answered is the refusal of its only one, which is told at its place
 * as any other's, and not of the call (which a key that was used before is). */
bool sw__is_of_item(sw_status status, const sw_outcome *outcomes, size_t count);

/* How many items came to which verdict. */
typedef struct sw_tally {
    int64_t items;
    int64_t verdicts[SW_VERDICT_REJECTED + 1];
    int64_t first_seq; /* 0: none */
    int64_t last_seq;
} sw_tally;
void sw__tally_add(sw_tally *tally, const sw_outcome *outcome);
/* Begins an answer with the sums, up to the opened array of the items. */
sw_json_out *sw__tally_open(sw_request *request, const sw_tally *tally);
void sw__tally_close(sw_json_out *out);

/* The first bytes of an item's error that name its place in a call ("steps[3].") are taken off, because
 * the item is told beside its own place. */
void sw__error_of_item(sw_error *err);

#endif
