/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger offers to the ingest room, and to nobody else: raw items and their traces, and one write that
 * keeps them together with what was computed from them.
 */
#ifndef SW_LEDGER_TELEMETRY_H
#define SW_LEDGER_TELEMETRY_H

#include "stepwell/ledger.h"

/* A unit of re-computation: a trace, or the session of a coding agent. `key` is 16 bytes: the trace id, or a
 * digest of kind and name of the session. */
typedef struct sw_telemetry_fold {
    sw_str step_id;
    sw_str survivor_id;
    const sw_step_entry *told; /* the step, where it is not written itself; or NULL */
} sw_telemetry_fold;

/* The entry's messages are what the step made, its traces the raw request and response; ids they do not bring
 * follow from the step's id and their place, so that the same said again is the same. */
typedef struct sw_telemetry_step {
    sw_step_entry entry; /* of source otlp; restated when it is there, else created */
    const sw_message
        *input; /* what it was sent: kept as a list, each message once (E.9). NULL: unknown */
    size_t input_count;
    sw_str
        tools; /* the tools it could call, a JSON array: kept once, however many steps had them. Null: unknown, or
                     the request in its traces says them */
} sw_telemetry_step;

/* One transaction, all or nothing. Order within: agents, conversations, raw items, runs, steps, folds, aliases,
 * marks. A step or run that names a conversation by a key of its sender (anything that is no conv- id) gets the
 * id that follows from it (sw_telemetry_conversation_id), and the conversation is registered on first sight.
 * A step that was folded into another stays so: what is said of it is passed over (`unchanged`). A restated step
 * loses what is not said of it again, except its place (project, run, trace), and what people and prices say. */
typedef struct sw_telemetry_batch {
    /* Names to register on first sight, in the actor's project (E.6). Runs and steps name them
     * by the id that follows from the name; where somebody else holds that id, the ledger puts the right one. */
    const sw_str *agents;
    size_t agent_count;
    const sw_raw_source *sources; /* inserted unless there */
    size_t source_count;
    const sw_raw_item
        *items; /* a second one of the same key: E.8 decides which stays. project_id may be null */
    size_t item_count;
    bool *item_was_there; /* out, [item_count]: an equal or better one was there; may be NULL */
    /* Of source otlp: created, or restated. Status only goes forward, except that a run that ended by silence may
     * run again: one that is completed and has no stop_reason. created_at only goes back. Loses what is
     * not said of it again: ttft_ns, parent, conversation, stop_reason. */
    const sw_run *runs;
    size_t run_count;
    const sw_telemetry_step *steps;
    size_t step_count;
    sw_outcome *outcomes; /* [step_count] */
    const sw_telemetry_fold
        *folds; /* a fold whose step is not there is passed over, but remembered as alias */
    size_t fold_count;
    const sw_step_alias *aliases; /* put */
    size_t alias_count;
    /* Of these only the key, marked_at, last_at and frozen are read. marked_at null means computed: of what had come
     * by last_at; when more has come since, it stays marked. */
    const sw_raw_trace *marks;
    size_t mark_count;
    const sw_transcript_call *calls; /* put, each with its step; project_id may be null */
    size_t call_count;
    const sw_transcript_file *files; /* put */
    size_t file_count;
    /* Runs that may have lost their last step: at the end those of source transcript that have none, and that no other
     * run came from, go. In this order. */
    const sw_str *left_runs;
    size_t left_count;
} sw_telemetry_batch;

sw_status sw_telemetry_write(sw_ledger *ledger, const sw_actor *actor,
                             const sw_telemetry_batch *batch, sw_error *err) SW_MUST_CHECK;

/* All raw items of a unit, in the order they came; the row lives until `each` returns. */
sw_status sw_telemetry_items(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                             sw_str unit, sw_each *each, void *arg, sw_error *err) SW_MUST_CHECK;
/* A source by its digest; memory of the answer is `memory`'s. */
sw_status sw_telemetry_source(sw_ledger *ledger, const sw_actor *actor, sw_str digest,
                              sw_memory *memory, sw_raw_source *out, sw_error *err) SW_MUST_CHECK;
/* The unit's row: whether it is marked or frozen, what is kept of it; NOT_FOUND. */
sw_status sw_telemetry_unit(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                            sw_str unit, sw_memory *memory, sw_raw_trace *out,
                            sw_error *err) SW_MUST_CHECK;
/* Units that were marked after `after_us`, of all organizations, oldest mark first: at start, and for other processes'
 * sake. */
sw_status sw_telemetry_marked(sw_ledger *ledger, int64_t after_us, int64_t limit, sw_each *each,
                              void *arg, sw_error *err) SW_MUST_CHECK;
/* The step another name stands for; NOT_FOUND. `times`: of whoever asks, or NULL; where steps that are too far apart
 * have one name (sw__telemetry_apart), it is the one that is not. */
sw_status sw_telemetry_alias(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                             sw_str kind, sw_str value, const sw_step_metrics *times,
                             sw_memory *memory, sw_str *step_id, sw_error *err) SW_MUST_CHECK;
/* Removes raw items received before `before_us`, and the oldest ones while all together hold more than `bytes`
 * (0: no such limit): at most `limit` items a call, so that writers never wait long. `left`: whether there is
 * more to remove. Units without items are frozen (E.7). */
sw_status sw_telemetry_prune(sw_ledger *ledger, int64_t before_us, int64_t bytes, int64_t limit,
                             int64_t *removed, bool *left, sw_error *err) SW_MUST_CHECK;

/* The calls of the actor's project with these names (digests of 16 bytes): out[i] belongs to names[i], and has a null
 * step_id where there is none. Memory of the answer is `memory`'s. */
sw_status sw_transcript_calls(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                              const sw_str *names, size_t count, sw_memory *memory,
                              sw_transcript_call *out, sw_error *err) SW_MUST_CHECK;
/* The file as it was when it was imported; NOT_FOUND. */
sw_status sw_transcript_file_get(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                                 sw_str file, sw_memory *memory, sw_transcript_file *out,
                                 sw_error *err) SW_MUST_CHECK;
/* All files that are read together under this name; the row lives until `each` returns. */
sw_status sw_transcript_files(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                              sw_str unit, sw_each *each, void *arg, sw_error *err) SW_MUST_CHECK;

/* Inside a group: the raw items of a unit, of whatever project of the organization, and what is known of it. */
struct sw_group;
sw_status sw__telemetry_forget(struct sw_group *group, sw_str organization_id, sw_str unit,
                               sw_error *err) SW_MUST_CHECK;

/* Units with a log record that says the text, as a person's name or a session's; a record without a trace has no other tie
 * to a step. Too many go rather than one too few: what is kept of records serves to compute steps again, for days. */
typedef struct sw_telemetry_said {
    sw_str organization_id;
    sw_str text;
    bool (*is_of)(void *arg,
                  sw_str project_id); /* whether the text means it in this project; NULL: in all */
    void *arg;
    sw_str project_id; /* how far it got; text of the group */
    sw_str unit;
    int64_t forgotten;
    bool more;
} sw_telemetry_said;
/* The next few of them. */
sw_status sw__telemetry_forget_said(struct sw_group *group, sw_telemetry_said *said,
                                    sw_error *err) SW_MUST_CHECK;

/* The id of the conversation that its sender calls `key` (E.6, kind `conversation`), NUL-terminated. */
void sw_telemetry_conversation_id(const sw_actor *actor, sw_str project_id, sw_str key,
                                  char out[SW_ID_MAX]);

#endif
