/* SPDX-License-Identifier: Apache-2.0 */
/* What is said around the steps of a batch: messages, traces, and what each step was sent. talk.c prepares it in the
 * caller's thread, talk_base.c and talk_known.c find out what of it is known, talk_write.c writes the rest, talk_move.c moves what is
 * there already.
 */
#ifndef SW_LEDGER_TALK_H
#define SW_LEDGER_TALK_H

#include "ledger/context.h"
#include "ledger/keyed.h"
#include "ledger/telemetry_inside.h"

/* One message, as it will be kept. */
typedef struct sw_said {
    sw_message row;       /* checked; the id of what is only sent follows from `key` */
    char key[SW_DIGEST];  /* of the message and of how often the same was said before it */
    char head[SW_DIGEST]; /* of the list up to here */
    bool there;           /* its row is in the store */
} sw_said;

/* A message of a conversation: which row shows it. */
typedef struct sw_known_entry {
    sw_keyed_entry key; /* the talk, the item */
    sw_known_message row;
    bool stored;
    bool dirty;
    sw_said *said; /* its row is written with this batch: an input that is new */
    size_t owner;  /* by which step of the talk */
    bool moves;    /* the row that is there goes over to the owner, who was sent it earlier */
    sw_str gone;   /* the row that is not needed any more: a step made the message */
} sw_known_entry;

/* What one step was sent and made. */
typedef struct sw_talk_step {
    size_t entry; /* of the telemetry's entries */
    char talk[SW_DIGEST];
    bool has_input;
    sw_said *input;
    size_t input_count;
    sw_said *made;
    size_t made_count;
    sw_said *
        tools; /* the tools it could call, as a message that nobody is shown; tool_count is 1, or 0: none */
    size_t tool_count;
    sw_provider_trace *traces;
    size_t trace_count;
    /* set by sw__talk_resolve, anew each time */
    bool silent;      /* its project keeps no content, or it was folded: nothing of it is written */
    bool same;        /* its list is in the store already */
    bool remade;      /* but what it made is another now */
    bool replaces;    /* another list of it is in the store */
    bool leaves;      /* which is of another conversation */
    bool keeps_tools; /* nobody says what it was sent: the tools that are known stay */
    sw_step_context old;
    sw_step_context context; /* as it becomes; without tail */
    size_t fresh_from;       /* inputs from here on may be new to the conversation */
    bool extends;
} sw_talk_step;

typedef struct sw_talk {
    sw_talk_step *steps; /* by time, then id */
    size_t count;
    sw_keyed known; /* sw_known_entry; of the group */
} sw_talk;

/* In the caller's thread: checks and digests all that is said. */
sw_status sw__talk_prepare(const sw_ledger *ledger, const sw_actor *actor, sw_telemetry *t,
                           sw_error *err) SW_MUST_CHECK;
/* Before the steps are written: what of it is known; marks the steps whose history was rewritten. */
sw_status sw__talk_resolve(sw_group *group, const sw_task *task, sw_telemetry *t,
                           sw_error *err) SW_MUST_CHECK;
/* After: writes what is new. */
sw_status sw__talk_write(sw_group *group, const sw_task *task, sw_telemetry *t,
                         sw_error *err) SW_MUST_CHECK;
/* A step was folded into another: what it made is shown as the survivor's, unless it is shown already. */
sw_status sw__talk_fold(sw_group *group, const sw_task *task, const sw_step *old,
                        const sw_step *survivor, sw_error *err) SW_MUST_CHECK;
/* The item of a message. */
static inline sw_context_item sw__talk_item(const sw_said *said)
{
    return (sw_context_item){.role = said->row.role.value,
                             .name = said->row.name,
                             .tool_call_id = said->row.tool_call_id,
                             .body_hash = said->row.body_hash};
}

#endif
