/* SPDX-License-Identifier: Apache-2.0 */
/* The border that a project is, for callers who are limited to one (border.c). */
#ifndef SW_LEDGER_BORDER_H
#define SW_LEDGER_BORDER_H

#include "ledger/internal.h"

/* Whether the actor may see the row: of his organization, and of his project when he is limited to
 * one. Looks up what the row belongs to where it does not say its project itself. */
sw_status sw__sees(sw_session *session, sw_arena *arena, const sw_actor *actor, sw_record_id record,
                   const void *row, bool *sees, sw_error *err) SW_MUST_CHECK;

/* What a list must ask beside what was asked, so that it shows no other project. */
typedef enum sw_border {
    SW_BORDER_NONE,  /* nothing: no limit, or all of the organization share such records */
    SW_BORDER_FIELD, /* this field equals the project */
    SW_BORDER_LOOK,  /* each row must be asked (sw__sees) */
    SW_BORDER_CLOSED /* nothing of it is any project's */
} sw_border;
sw_border sw__border(const sw_actor *actor, sw_record_id record, uint8_t *field);

/* Such a caller is not told how many rows were looked at, only how many are his: the number would count
 * what lies beyond the border, and so tell whether a foreign id exists. */
static inline bool sw__is_limited(const sw_actor *actor)
{
    return actor && actor->project_id.ptr;
}

/* Whether a row of step or run, or of any record that names its project, is the caller's; inside a
 * group. */
sw_status sw_group_sees(sw_group *group, const sw_task *task, sw_record_id record, const void *row,
                        bool *sees, sw_error *err) SW_MUST_CHECK;
/* What a limited caller writes is booked on his project; INVALID when it names another, or when
 * such a record is no project's. For a caller without limit it does nothing. */
sw_status sw__book_limited(const sw_task *task, sw_record_id record, void *row, sw_error *err);
static inline sw_status sw__book(const sw_task *task, sw_record_id record, void *row, sw_error *err)
{
    return task->project_id.ptr ? sw__book_limited(task, record, row, err) : SW_STATUS_OK;
}
/* Whether a limited caller may change or remove such records at all. */
bool sw__may_change(const sw_task *task, sw_record_id record);

#endif
