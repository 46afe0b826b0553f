/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation as telemetry tells it, and what the ledger gives back of it: for test_context.c and
 * test_context_bytes.c.
 */
#ifndef TESTS_LEDGER_TURNS_H
#define TESTS_LEDGER_TURNS_H

#include "ledger/telemetry.h"
#include "tests/lib/lt.h"

/* Turn k: the person says "question k", the model answers "answer k". A step of turn k is sent the instructions and
 * all that was said before. */
typedef struct turn {
    sw_message *input;
    sw_message output;
    size_t count;
    sw_telemetry_step step;
    sw_outcome outcome;
} turn;

sw_message says(lt *t, int64_t role, const char *text);
const char *question(lt *t, unsigned k);
/* Every fifth answer is the same. */
const char *answer(lt *t, unsigned k);
turn *a_turn(lt *t, unsigned k, sw_str conversation);
/* Writes them at once, and keeps their outcomes. */
void put(lt *t, turn **turns, size_t count);

typedef struct heard {
    pool *pool;
    sw_message *at;
    size_t count, room;
} heard;
/* Keeps a message; for sw_step_context_read. */
bool hear(void *arg, const void *row);
/* What the step was sent; with what it answered. */
heard context_of(lt *t, sw_str step_id, bool with_output);
/* Its step gives back what it was sent, and what it answered. */
void check_turn(lt *t, const turn *one);

#endif
