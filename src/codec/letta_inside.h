/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the LettaMessage conversion share: letta_read.c understands what is stored,
 * letta_message.c makes pieces of it, letta_write.c writes a piece.
 */
#ifndef SW_CODEC_LETTA_INSIDE_H
#define SW_CODEC_LETTA_INSIDE_H

#include "codec/letta_message.h"

/* ---- what is stored (letta_read.c) ----------------------------------------------------------- */

typedef enum sw_letta_part_kind {
    SW_LETTA_PART_TEXT,
    SW_LETTA_PART_REASONING,
    SW_LETTA_PART_REDACTED,
    SW_LETTA_PART_OMITTED,
    SW_LETTA_PART_TOOL_CALL,
    SW_LETTA_PART_TOOL_RETURN,
    SW_LETTA_PART_OTHER /* an image, or what nobody knows: `raw` alone */
} sw_letta_part_kind;

typedef struct sw_letta_part {
    sw_letta_part_kind kind;
    bool alone; /* never joined with its neighbours */
    sw_str text;
    sw_str signature;
    sw_str raw; /* the part as it is stored */
} sw_letta_part;

typedef struct sw_letta_call {
    sw_str id;
    sw_str name;
    sw_str arguments;
} sw_letta_call;

typedef struct sw_letta_return {
    sw_str tool_call_id;
    sw_str text;  /* what was returned, as text */
    sw_str parts; /* as JSON, when it was a list of parts; else null */
    bool failed;
    sw_str out; /* stdout and stderr, JSON arrays or null */
    sw_str err;
} sw_letta_return;

/* Either an answer to a request for approval, or what the tool returned. */
typedef struct sw_letta_approval {
    bool is_return;
    sw_letta_return returned;
    sw_str tool_call_id;
    sw_int approve;
    sw_str reason;
} sw_letta_approval;

/* A list of any of the above, in an arena. */
typedef struct sw_letta_list {
    void *items;
    size_t count;
    size_t room;
} sw_letta_list;

/* Room for one more, zeroed; NULL: no memory, and the arena remembers. */
void *sw_letta_list_add(sw_letta_list *list, size_t size, sw_arena *arena);

/* Each reads what is there as well as it can be understood. */
void sw_letta_read_parts(const sw_message *message, sw_arena *arena, sw_letta_list *parts);
void sw_letta_read_calls(sw_str tool_calls, sw_arena *arena, sw_letta_list *calls);
void sw_letta_read_returns(const sw_message *message, sw_arena *arena, sw_letta_list *returns);
void sw_letta_read_approvals(const sw_message *message, sw_arena *arena, sw_letta_list *approvals);
/* The text member `name` of the JSON object in `text`; null: there is none. */
sw_str sw_letta_member(sw_str text, const char *name, sw_arena *arena);

/* ---- what is shown (letta_write.c) ----------------------------------------------------------- */

/* One view. Which members count follows from the type. */
typedef struct sw_letta_piece {
    sw_letta_type type;
    bool own_otid; /* shows the stored otid; else one that is derived from its place */
    bool reasoner; /* the thought comes from the model's own reasoning */
    sw_str text;
    sw_str parts; /* as JSON, in place of text */
    sw_str signature;
    const sw_letta_call *calls;
    const sw_letta_return *returns;
    const sw_letta_approval *approvals;
    size_t count; /* of calls, returns or approvals */
} sw_letta_piece;

/* `place` is the piece's place among those of its message, from 0. */
void sw_letta_write_piece(const sw_message *message, const sw_letta_piece *piece, size_t place,
                          sw_json_out *out);

#endif
