/* SPDX-License-Identifier: Apache-2.0 */
/* What one project holds, for tests of callers who are limited to one, or to an organization. */
#ifndef TESTS_LEDGER_PROJECTS_H
#define TESTS_LEDGER_PROJECTS_H

#include "tests/lib/lt.h"

/* All ids are of the same number. */
typedef struct ids {
    unsigned n;
    sw_str project, step, imported, survivor, run, agent, conversation, message, trace, view,
        subscription;
    sw_str key, delivery;         /* made by the ledger */
    sw_str provider, model, user; /* of nobody until the test writes them */
} ids;

ids ids_of(lt *t, unsigned n);
/* The caller who is limited to it. */
sw_actor limited(const lt *t, const ids *id);
/* Writes everything of the project, as that caller. */
void populate(lt *t, ids *id);
/* The same as any caller. */
void populate_as(lt *t, const sw_actor *actor, ids *id);
void put(lt *t, const sw_actor *actor, sw_record_id record, const void *row);

/* Of which that caller has rows. */
enum { READABLE = 13 };
extern const sw_record_id readable[READABLE];

#endif
