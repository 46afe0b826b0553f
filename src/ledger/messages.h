/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a step, between parts.c and messages.c. */
#ifndef SW_LEDGER_MESSAGES_H
#define SW_LEDGER_MESSAGES_H

#include "ledger/internal.h"

/* An id twice in one call would be found only while writing, when it is too late to refuse. */
sw_status sw__ids_differ(sw_group *group, const void *rows, size_t size, size_t id_offset,
                         size_t count, sw_error *err);
/* Fills parts->messages, refuses what breaks a rule. */
sw_status sw__messages_prepare(sw_group *group, const sw_task *task, const sw_step *step,
                               const sw_step_entry *entry, sw_parts *parts, sw_error *err);
/* Writes those that are new, numbers them, and tells the run which tools were called and the
 * conversation when. */
sw_status sw__messages_write(sw_group *group, const sw_task *task, const sw_step *step,
                             sw_parts *parts, sw_error *err);
/* Of one message: what it says, as the body that is kept; whether it says anything at all; its tools are those
 * of the step's run from now on; its conversation knows when its last message came. */
void sw__message_body_of(const sw_message *message, sw_message_body *body);
sw_str sw__message_body_digest(const sw_ledger *ledger, sw_buf *buf, sw_arena *arena,
                               const sw_message *message);
bool sw__message_is_mute(const sw_message *m);
sw_status sw__message_tools(sw_group *group, const sw_step *step, const sw_message *row,
                            bool *changed, sw_error *err);
sw_status sw__message_note(sw_group *group, const sw_task *task, sw_str conversation_id, sw_int at,
                           sw_error *err);

#endif
