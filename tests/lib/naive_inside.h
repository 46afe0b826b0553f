/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the naive ledger share. */
#ifndef TEST_NAIVE_INSIDE_H
#define TEST_NAIVE_INSIDE_H

#include "tests/lib/naive.h"

/* Room for one more, zeroed; counts it. */
void *nv_grow(void *at, size_t *count, size_t *room, size_t size);
bool nv_mine(const sw_actor *actor, sw_str organization_id);
nv_answer nv_say(sw_verdict verdict);
nv_answer nv_refuse(const char *names);
nv_answer nv_or(nv_answer answer, sw_verdict other);

#endif
