/* SPDX-License-Identifier: Apache-2.0 */
/* Writing what is said, between talk_write.c and talk_move.c. */
#ifndef SW_LEDGER_TALK_WRITE_H
#define SW_LEDGER_TALK_WRITE_H

#include "ledger/talk.h"

/* Rows of one record that are written together. */
typedef struct sw_talk_rows {
    const void **at;
    size_t count;
    size_t room;
} sw_talk_rows;

typedef struct sw_talk_writing {
    sw_group *group;
    const sw_task *task;
    sw_telemetry *t;
    sw_talk *talk;
    sw_talk_rows bodies;
    sw_talk_rows messages;
    size_t *owners; /* of messages: steps of the talk */
    size_t owner_room;
    size_t made_count; /* of messages: so many were made, the others were sent */
    sw_talk_rows contexts;
    sw_talk_rows traces;
    sw_talk_rows known;
    sw_talk_rows late; /* hashes of bodies that may have lost their last message */
} sw_talk_writing;

/* Rows are written, or released, together with the others of their kind. */
sw_status sw__talk_add(sw_talk_writing *w, sw_talk_rows *to, const void *row, sw_error *err);
sw_status sw__talk_get(sw_group *group, sw_str id, sw_message *out, bool *there, sw_error *err);
/* A row that is not needed any more; its body goes later, unless something shows it then. */
sw_status sw__talk_drop(sw_talk_writing *w, const sw_message *old, sw_error *err);
/* The step turned out to be of another conversation: what it was sent is shown there from now on. */
sw_status sw__talk_leave(sw_talk_writing *w, const sw_talk_step *s, sw_error *err);
/* What the step was said to have made, and has not: a tool turned out to be another step's. */
sw_status sw__talk_unmake(sw_talk_writing *w, const sw_talk_step *s, sw_error *err);
/* Last: rows that give way, and bodies that nothing shows any more. */
sw_status sw__talk_clear_away(sw_talk_writing *w, sw_error *err);

static inline const sw_step *sw__talk_step_of(const sw_talk_writing *w, const sw_talk_step *s)
{
    return &w->t->entries[s->entry].step;
}

#endif
