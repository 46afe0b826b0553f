/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of adoption. What needs no store is done in the caller's thread (adopt_prepare.c); the rest may be
 * done several times, and works on copies.
 */
#ifndef SW_LEDGER_ADOPT_INSIDE_H
#define SW_LEDGER_ADOPT_INSIDE_H

#include "ledger/adopt.h"
#include "ledger/internal.h"

typedef struct sw_adopt_item {
    sw_adopted *out;
    const void *row; /* as it will be stored, but for what depends on others */
    sw_status status;
    sw_error *refused; /* NULL: it is not */
} sw_adopt_item;

typedef struct sw_adopting {
    sw_record_id record;
    sw_adopt_item *items;
    size_t count;
    sw_arena arena;
} sw_adopting;

/* Checks, defaults, the stored form, the digest. Not OK: no memory. */
sw_status sw__adopt_prepare(const sw_ledger *ledger, sw_adopting *a, sw_adopted *rows,
                            sw_error *err) SW_MUST_CHECK;
/* As sw_row_check, but an id may have any form. */
sw_status sw__adopt_check(sw_record_id record, const void *row, sw_error *err);

/* Its verdict; passes the status on. */
sw_status sw__adopt_verdict(sw_adopted *out, sw_verdict verdict, sw_status status,
                            const sw_error *err);
/* The agent is there, if need be from now on; NOT_FOUND: its id is not to be had. */
sw_status sw__adopt_agent(sw_group *group, const sw_task *task, sw_adopted *out, sw_str id,
                          sw_int created_at, sw_error *err);
/* The same of a field that must name one: where its id is not to be had, it gets the agent of that name, and it is noted.
 * OK: there is one. */
sw_status sw__adopt_some_agent(sw_group *group, const sw_task *task, sw_adopted *out, uint8_t field,
                               sw_str *id, sw_int created_at, sw_error *err);
/* Clears a field that names what the organization has not, and notes it. */
sw_status sw__adopt_link(sw_group *group, const sw_task *task, sw_adopted *out, sw_record_id parent,
                         uint8_t field, sw_str *id, sw_error *err);
/* The row that has this id; `there` false: none. */
sw_status sw__adopt_there(sw_group *group, sw_record_id record, const void *row, void *old,
                          bool *there, sw_error *err);
/* The verdict where the id is taken, by `old`. */
sw_status sw__adopt_taken(sw_adopted *out, sw_record_id record, const void *row, const void *old,
                          sw_error *err);

/* Each brings all items of its record as far as they were not refused. */
sw_status sw__adopt_steps(sw_group *group, sw_task *task, const sw_adopting *a, sw_error *err);
sw_status sw__adopt_run(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                        sw_error *err);
sw_status sw__adopt_message(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                            sw_error *err);
sw_status sw__adopt_trace(sw_group *group, const sw_task *task, const sw_adopt_item *item,
                          sw_error *err);

/* The organization of the item's row; for a provider that all share the default one. */
sw_str sw__adopt_organization(sw_record_id record, const void *row);

#endif
