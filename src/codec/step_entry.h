/* SPDX-License-Identifier: Apache-2.0 */
/* A step with what belongs to it, as one JSON object: the step's own members, and beside them
 *
 *   metrics         an object of step_metrics
 *   messages        an array of messages
 *   traces          an array of provider traces
 *   lease_seconds   how long a pending step may go unheard
 *
 * Pure: bytes in, rows out. Like the reader of records it borrows from the input, and sees to form
 * only; what the model and the ledger demand of values comes after. No member is unknown.
 */
#ifndef SW_CODEC_STEP_ENTRY_H
#define SW_CODEC_STEP_ENTRY_H

#include "codec/record.h"
#include "stepwell/ledger.h"

/* Reads one object into a zeroed entry; the current token is its '{', and is its '}' afterwards.
 * Metrics, messages and traces lie in the arena, text in the input or the arena; both must outlive
 * the entry. `seen` (may be NULL) gets a bit for each member of the step that was there, also when it
 * was null. A null part is an absent one.
 * INVALID names the member ("messages[2].role") and the byte; TOO_LARGE: more than
 * SW_LIMIT_BATCH_ITEMS parts; NO_MEMORY. After a failure the reader is not to be used on.
 */
sw_status sw_step_entry_read_json(sw_json *json, sw_arena *arena, sw_step_entry *out,
                                  uint64_t *seen, sw_error *err) SW_MUST_CHECK;

/* The same for rows alone: an array of objects of the record, in the arena; the current token is its
 * '[', and is its ']' afterwards. `name` is what errors call it. */
sw_status sw_record_read_json_array(sw_record_id id, sw_json *json, sw_arena *arena,
                                    const char *name, void **rows, size_t *count,
                                    sw_error *err) SW_MUST_CHECK;

/* An object of timings alone, named `metrics` in errors. */
sw_status sw_step_metrics_read_json(sw_json *json, sw_arena *arena, sw_step_metrics *out,
                                    sw_error *err) SW_MUST_CHECK;

#endif
