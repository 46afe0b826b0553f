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

/* naive_parts.c: entries as they were sent, and what hangs on a step. */
void nv_copy_entry(naive *n, sw_step_entry *to, const sw_step_entry *from);
bool nv_same_entry(const sw_step_entry *a, const sw_step_entry *b);
/* Answers whether something changed. */
bool nv_put_metrics(naive *n, const sw_actor *actor, nv_step *s, const sw_step_metrics *given);
nv_answer nv_attach(naive *n, const sw_actor *actor, nv_step *s, const sw_message *messages,
                    size_t message_count, const sw_provider_trace *traces, size_t trace_count);
void nv_put_all(naive *n, const sw_actor *actor, nv_step *s, const sw_step_entry *entry);

#endif
