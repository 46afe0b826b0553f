/* SPDX-License-Identifier: Apache-2.0
 * What the parts of resolving a batch's talk share: talk_base.c finds the list that each list extends, talk_known.c what
 * of its messages is known.
 */
#ifndef SW_LEDGER_TALK_RESOLVE_H
#define SW_LEDGER_TALK_RESOLVE_H

#include "ledger/talk.h"

typedef struct sw_resolving {
    sw_group *group;
    const sw_task *task;
    sw_telemetry *t;
    sw_talk *talk;
    sw_str asked_project; /* captures, for the project asked last */
    bool captures;
    bool asked;
    sw_keyed by_head; /* talk_base.c: lists that come with this batch and may be begun with */
    sw_keyed by_id;   /* all of them */
} sw_resolving;

static inline const sw_step *sw__resolving_step(const sw_resolving *r, const sw_talk_step *s)
{
    return &r->t->entries[s->entry].step;
}

static inline sw_str sw__digest_str(const char digest[SW_DIGEST])
{
    return sw_str_make(digest, SW_DIGEST);
}

/* The lists of all steps that are not silent: what each begins with, and from where on its messages may be new. */
sw_status sw__talk_find_bases(sw_resolving *r, sw_error *err) SW_MUST_CHECK;
/* The step whose row shows the message; null where there is none. */
sw_status sw__talk_shown_by(sw_resolving *r, const sw_known_message *known, sw_str *step_id,
                            sw_error *err) SW_MUST_CHECK;

#endif
