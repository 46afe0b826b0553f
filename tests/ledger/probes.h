/* SPDX-License-Identifier: Apache-2.0 */
/* Every verb of the ledger that takes an id, asked with an id of the caller's own, of others, of nobody: the last two
 * must be answered alike. For tests of callers who are limited to a project, and of organizations.
 */
#ifndef TESTS_LEDGER_PROBES_H
#define TESTS_LEDGER_PROBES_H

#include "tests/ledger/projects.h"

typedef struct probe {
    lt *t;
    sw_actor actor;
    const ids *id;  /* asked about */
    const ids *own; /* the caller's */
    sw_record_id record;
    sw_outcome outcome;
} probe;

typedef struct verb {
    const char *name;
    sw_status (*run)(probe *p);
    bool writes;
} verb;

enum { VERBS = 23, GENERIC = 6 };
extern const verb verbs[VERBS];
/* Those that take a record too. */
extern const verb generic[GENERIC];

sw_str id_of(const ids *id, sw_record_id record);
/* Asks about `id`; `out` gets the answer as text, without what could be a digit, in which two ids differ. */
sw_status ask(probe *p, const verb *v, const ids *id, char *out, size_t size);

#endif
