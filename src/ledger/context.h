/* SPDX-License-Identifier: Apache-2.0 */
/* What a step was sent, as it lies in step_context (context.c). */
#ifndef SW_LEDGER_CONTEXT_H
#define SW_LEDGER_CONTEXT_H

#include "ledger/internal.h"

/* The role of an item that is no message: the tools a step could call stand behind what it made. */
enum { SW_CONTEXT_TOOLS = 15 };

/* One message of a list: who speaks, and which body it shows. Text is borrowed. */
typedef struct sw_context_item {
    int64_t role;
    sw_str name;         /* null: none */
    sw_str tool_call_id; /* null: none */
    sw_str body_hash;    /* null: it says nothing */
} sw_context_item;

/* Appends the item in its stored form. */
void sw__context_put(sw_buf *out, const sw_context_item *item);
/* Reads the next item of a tail and moves `tail` on. False: the bytes are damaged. */
bool sw__context_next(sw_str *tail, sw_context_item *out);
/* The place of a list that extends the one at `place`, and the greatest place its base may have: numbers in base 16,
 * the base being the place with its last digit that is not 0 made one less. So a chain of n lists is at most
 * 15 * log16(n) long, and each item is repeated log16(n) times at the most. */
static inline int64_t sw__context_base_place(int64_t place)
{
    int64_t unit = 1;

    while (place > 0 && place % (unit * 16) == 0) {
        unit *= 16;
    }
    return place - unit;
}

/* A whole list, expanded from its chain; items borrow from the arena. CORRUPT: a base is missing or damaged. */
typedef struct sw_context_list {
    sw_context_item *items;
    size_t count;
    size_t room;
} sw_context_list;
sw_status sw__context_read(sw_session *session, const sw_step_context *context, sw_arena *arena,
                           sw_context_list *out, sw_error *err) SW_MUST_CHECK;
/* The step's row goes: lists that begin with it take over what they had from it, and bodies nobody shows any more
 * go too. Does nothing when it has none. */
sw_status sw__context_remove(sw_group *group, const sw_step *step, sw_error *err) SW_MUST_CHECK;

/* A request that was put together from telemetry lies without its messages and tools, which are kept once: puts them in.
 * What was sent as a body stays as it is. New text lives in the arena. */
sw_status sw__trace_whole(sw_session *session, sw_arena *arena, sw_provider_trace *trace,
                          sw_error *err) SW_MUST_CHECK;

#endif
