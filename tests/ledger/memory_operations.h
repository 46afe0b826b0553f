/* SPDX-License-Identifier: Apache-2.0 */
/* What is tried without memory (test_memory.c): every verb of the ledger, each as one operation. */
#ifndef TESTS_LEDGER_MEMORY_OPERATIONS_H
#define TESTS_LEDGER_MEMORY_OPERATIONS_H

#include "tests/lib/lt.h"

/* An operation of turn n, on steps of its own. `prepare` (may be NULL) runs while there is memory. */
typedef struct operation {
    const char *name;
    void (*prepare)(lt *t, unsigned n);
    sw_status (*run)(lt *t, unsigned n, sw_outcome *o);
    bool writes;
} operation;

extern const operation operations[];
extern const size_t operation_count;

#endif
