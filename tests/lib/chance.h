/* SPDX-License-Identifier: Apache-2.0 */
/* Random content for the ledger: steps that are right, and ways to break them, each with the field that
 * the refusal must name.
 */
#ifndef TEST_CHANCE_H
#define TEST_CHANCE_H

#include "tests/lib/lt.h"

enum {
    CHANCE_STEPS = 50, /* ids that are logged, source api: step 0 .. 49 */
    CHANCE_OTLP = 100, /* source otlp: step 100 .. 129 */
    CHANCE_OTLP_STEPS = 30,
    CHANCE_RESTATED = 200, /* created by restating only: step 200 .. 209 */
    CHANCE_RUNS = 8,
    CHANCE_AGENTS = 5
};

/* A right entry. Text lives in the pool of `t`, as do metrics, messages and traces. */
sw_step_entry chance_entry(lt *t, lt_rng *rng);
/* The tokens of a step: nothing, parts, all, all with details. */
void chance_tokens(lt_rng *rng, sw_step *step);
sw_step_metrics chance_metrics(lt_rng *rng);
sw_str chance_tool_calls(lt_rng *rng); /* of one message; null: none */
sw_step_entry chance_end(lt *t, lt_rng *rng);
/* Breaks one field of the entry; answers a word that the error must hold. */
const char *chance_break(lt *t, lt_rng *rng, sw_step_entry *entry);
/* The id of step n of all three ranges, or of none. */
sw_str chance_step_id(lt *t, lt_rng *rng);
/* A random condition over steps. `values` has room for two. */
sw_condition chance_condition(lt *t, lt_rng *rng, sw_value *values);
sw_str chance_tags(lt *t, lt_rng *rng);

#endif
