/* SPDX-License-Identifier: Apache-2.0 */
/* The naive ledger: what the header promises, in arrays and loops, with nothing remembered that could
 * be counted again. It shares no code with src/. It says what a write must answer, and what every read
 * must then show. What it is told, it copies.
 *
 * It does not check fields against the model: who breaks one says so (`broken` names the field). What
 * only the ledger knows (an id it made up, the time it took for now) is passed in.
 */
#ifndef TEST_NAIVE_H
#define TEST_NAIVE_H

#include "tests/lib/rows.h"

typedef struct nv_step {
    bool there;
    sw_step row;
    sw_step_entry created; /* as sent */
    sw_step_entry ended;   /* as sent; only when has_end */
    bool has_end;
    bool prompt_given, completion_given;
    bool has_metrics;
    sw_step_metrics metrics;
} nv_step;

typedef struct nv_run {
    bool there;
    sw_run row, created;
    bool duration_given;
} nv_run;

typedef struct nv_agent {
    bool there;
    sw_agent row, created;
} nv_agent;

typedef struct nv_message {
    bool there;
    sw_message row; /* with step, run and organization filled in */
    sw_message sent;
} nv_message;

typedef struct nv_trace {
    bool there;
    sw_provider_trace row, sent;
} nv_trace;

typedef struct naive {
    pool *pool;
    nv_step *steps;
    nv_run *runs;
    nv_agent *agents;
    nv_message *messages;
    nv_trace *traces;
    size_t step_count, run_count, agent_count, message_count, trace_count;
    size_t step_room, run_room, agent_room, message_room, trace_room;
} naive;

naive *naive_new(void);
void naive_free(naive **naive);

/* What the ledger must answer. With `either`, `other` is as good. `names` (may be NULL) must show in
 * the error. `made_up` ids of what was created are filled in by the caller before. */
typedef struct nv_answer {
    sw_verdict verdict;
    sw_verdict other;
    bool either;
    const char *names;
} nv_answer;

nv_step *naive_step(naive *n, const sw_actor *actor, sw_str id); /* NULL: not there for them */
nv_run *naive_run(naive *n, const sw_actor *actor, sw_str id);
nv_agent *naive_agent(naive *n, const sw_actor *actor, sw_str id);

/* `id`: the entry's, or what the ledger made up. With `dry` nothing is changed. */
nv_answer naive_log(naive *n, const sw_actor *actor, const sw_step_entry *entry, sw_str id,
                    int64_t now, const char *broken, bool dry);
nv_answer naive_end(naive *n, const sw_actor *actor, sw_str id, const sw_step_entry *end,
                    const char *broken);
nv_answer naive_update(naive *n, const sw_actor *actor, sw_str id, const sw_step *values,
                       uint64_t mask);
nv_answer naive_feedback(naive *n, const sw_actor *actor, sw_str id,
                         const sw_feedback_change *change);
nv_answer naive_metrics(naive *n, const sw_actor *actor, sw_str id, const sw_step_metrics *metrics);
nv_answer naive_attach(naive *n, const sw_actor *actor, sw_str id, const sw_message *messages,
                       size_t message_count, const sw_provider_trace *traces, size_t trace_count);
nv_answer naive_delete(naive *n, const sw_actor *actor, sw_str id);
nv_answer naive_restate(naive *n, const sw_actor *actor, const sw_step_entry *entry, int64_t now);
nv_answer naive_retire(naive *n, const sw_actor *actor, sw_str id, sw_str survivor);

nv_answer naive_run_create(naive *n, const sw_actor *actor, const sw_run *run, int64_t now);
nv_answer naive_run_update(naive *n, const sw_actor *actor, sw_str id, const sw_run *values,
                           uint64_t mask);
nv_answer naive_run_cancel(naive *n, const sw_actor *actor, sw_str id);
nv_answer naive_run_delete(naive *n, const sw_actor *actor, sw_str id);
nv_answer naive_agent_create(naive *n, const sw_actor *actor, const sw_agent *agent);
nv_answer naive_agent_rename(naive *n, const sw_actor *actor, sw_str id, sw_str name);
nv_answer naive_agent_delete(naive *n, const sw_actor *actor, sw_str id);

/* ---- reading ------------------------------------------------------------------------------------ */

/* The steps that a list of the query shows, in its order, without cursors and limit. */
size_t naive_list(naive *n, const sw_actor *actor, const sw_list_query *query, nv_step ***out,
                  pool *into);
size_t naive_list_runs(naive *n, const sw_actor *actor, const sw_list_query *query, nv_run ***out,
                       pool *into);
sw_totals naive_run_totals(naive *n, sw_str run_id);
void naive_add(sw_totals *totals, const sw_step *step);
/* The groups of the query, sorted by their keys. */
size_t naive_usage(naive *n, const sw_actor *actor, const sw_usage_query *query,
                   sw_usage_group **out, pool *into);
/* The text of a dimension for one step. */
sw_str naive_key(const sw_step *step, sw_dimension by, int32_t zone_minutes, pool *into);
/* The messages of a step, in order. */
size_t naive_messages(naive *n, sw_str step_id, nv_message ***out, pool *into);
/* The tools that messages of the run's steps call, as a JSON array in order; null when there are none. */
sw_str naive_run_tools(naive *n, sw_str run_id, pool *into);

#endif
