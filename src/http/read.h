/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of V1's read surface share: getting the record a path names, the filters of steps,
 * small bodies that are part of a record. Nothing here decides about the domain; it carries questions
 * to the ledger and answers back.
 */
#ifndef SW_HTTP_READ_H
#define SW_HTTP_READ_H

#include "codec/letta_message.h"
#include "http/http.h"

/* ---- one record (read.c) ------------------------------------------------------------------------- */

/* Reads the record with that id, within what the caller may see. */
sw_status sw__get_row(sw_request *request, sw_record_id record, sw_str id, void *out,
                      sw_error *err) SW_MUST_CHECK;
/* Answers those of the rows whose ids the parameter lists that are there, in that order. */
sw_status sw__answer_named(sw_request *request, sw_record_id record, const char *param,
                           sw_error *err) SW_MUST_CHECK;
/* After a write: answers the record as it is now, with `Stepwell-Seq`. */
sw_status sw__answer_written(sw_request *request, int status, sw_record_id record, sw_str id,
                             const sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;

/* ---- messages (messages.c) ----------------------------------------------------------------------- */

/* Answers the page of messages whose `field` (SW_MESSAGE_STEP_ID, SW_MESSAGE_RUN_ID) is `id`, as V1 shows
 * them: as many stored messages as `limit` says, none of which shows nothing. `agent_id` says how plain
 * text is read, `types` what is shown (0: all). */
sw_status sw__answer_messages(sw_request *request, uint8_t field, sw_str id, sw_str agent_id,
                              uint32_t types, sw_error *err) SW_MUST_CHECK;

/* ---- bodies that are part of a record (part_body.c) ------------------------------------------------ */

/* Reads the body, an object, into the fields of `record` that `allowed` names (bits SW_FIELD_BIT). `seen`
 * gets a bit for each that was there, also as null. Other members are errors, as are those of `required`
 * that are absent; all are told at once, in V1's form. */
sw_status sw__read_part(sw_request *request, sw_record_id record, uint64_t allowed,
                        uint64_t required, void *row, uint64_t *seen, sw_error *err) SW_MUST_CHECK;

#endif
