/* SPDX-License-Identifier: Apache-2.0 */
/* An invented workload of AI agents, believable in its shapes: a few organizations with their
 * agents, runs from one step to hundreds, prompts that grow and are cached, tools that fail, models
 * that are overloaded, people who are pleased or not. Used by `stepwell demo`, by benchmarks and by
 * tests.
 *
 * It is a pure function of its options: the same seed, number of steps and end give the same
 * records, byte for byte, on every machine (integers only). It knows the records and the base, and
 * writes nothing: whoever reads the events passes them to a ledger, or does something else with
 * them.
 *
 * The first organization is the ledger's default one, so that a server without a key has something to show;
 * its people, projects and agents are the same for every seed.
 *
 * Each organization has a stream of its own. Streams share nothing that changes, so that several
 * threads may each follow one.
 */
#ifndef SW_CLI_DEMO_H
#define SW_CLI_DEMO_H

#include "base/base.h"
#include "stepwell/ledger.h"

typedef struct sw_demo_options {
    uint64_t seed;
    int64_t steps;    /* of all organizations together */
    int64_t until_us; /* no step begins later */
} sw_demo_options;

typedef struct sw_demo sw_demo;
sw_status sw_demo_new(const sw_demo_options *options, const sw_allocator *allocator,
                      sw_demo **out) SW_MUST_CHECK;
void sw_demo_free(sw_demo **demo);

enum { SW_DEMO_ORGANIZATIONS = 4 };
/* Who writes in this organization; the text lives as long as the demo. */
sw_actor sw_demo_actor(const sw_demo *demo, size_t organization);
/* Its share of the steps; the shares add up to options.steps. */
int64_t sw_demo_steps(const sw_demo *demo, size_t organization);

/* The records that must be there before the first event: the organization, its users, projects,
 * providers with their models, and agents, parents before children. The row lives until the visit
 * returns. A visit that returns false ends it, and so does the answer.
 */
typedef bool sw_demo_visit(void *arg, sw_record_id record, const void *row);
bool sw_demo_world(const sw_demo *demo, size_t organization, sw_demo_visit *visit, void *arg);

typedef enum sw_demo_what {
    SW_DEMO_CONVERSATION, /* create `conversation` */
    SW_DEMO_RUN,          /* create `run` */
    SW_DEMO_STEP,         /* log `entry` */
    SW_DEMO_RUN_END,      /* set the fields `run_fields` of run.id to those of `run` */
    SW_DEMO_OVER          /* nothing follows */
} sw_demo_what;

typedef struct sw_demo_event {
    sw_demo_what what;
    sw_conversation conversation;
    sw_run run;
    uint64_t run_fields;
    sw_step_entry entry;
} sw_demo_event;

typedef struct sw_demo_stream sw_demo_stream;
sw_status sw_demo_stream_new(const sw_demo *demo, size_t organization,
                             sw_demo_stream **out) SW_MUST_CHECK;
void sw_demo_stream_free(sw_demo_stream **stream);
/* The next event, its memory from the arena. NO_MEMORY ends the stream. */
sw_status sw_demo_next(sw_demo_stream *stream, sw_arena *arena, sw_demo_event *out) SW_MUST_CHECK;

#endif
