/* SPDX-License-Identifier: Apache-2.0 */
/* A stored message as V1's API shows it: one message becomes a list of views, the union that V1's
 * clients call LettaMessage, because an assistant's message may hold thoughts, an answer and calls.
 *
 * Pure: the message comes in, JSON goes out, memory only from the arena that is passed. What a
 * message becomes depends on that message and the view alone, never on the page it is shown in, and
 * no stored value is refused: what is not in V1's form is shown as the text it is.
 */
#ifndef SW_CODEC_LETTA_MESSAGE_H
#define SW_CODEC_LETTA_MESSAGE_H

#include "base/base.h"
#include "model/model.h"

/* How to look. Zeroed: plain text is a thought, parts in stored order, all types. */
typedef struct sw_letta_view {
    bool text_is_answer; /* plain text of the assistant is its answer, not a thought */
    bool reversed;       /* the last part first */
    uint32_t types;      /* bits SW_LETTA_TYPE_BIT(SW_LETTA_TYPE_...) to show; 0: all */
} sw_letta_view;

#define SW_LETTA_TYPE_BIT(TYPE) (UINT32_C(1) << (TYPE))

/* Whether agents of this type answer in plain text: those of V1's that call a tool to answer do not;
 * an agent without type (null) is none of V1's, and does. */
bool sw_letta_text_is_answer(sw_str agent_type);

/* The types that V1's `include_return_message_types` of a run's request_config names; 0: all. Words
 * that are none of the union are passed over. */
uint32_t sw_letta_types_of_config(sw_str request_config, sw_arena *arena);

/* Writes what the message becomes, each as a value of its own, so that an array may be open around
 * them; `*count` says how many, which may be none. NO_MEMORY is the only failure besides those that
 * the buffer of `out` remembers.
 */
sw_status sw_letta_write(const sw_message *message, const sw_letta_view *view, sw_arena *arena,
                         sw_json_out *out, size_t *count, sw_error *err) SW_MUST_CHECK;

#endif
