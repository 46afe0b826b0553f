/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what may happen to a record, and what is known about it.
 *
 * Open a ledger, write with the verbs of the record, read with get, list, usage and journal, close it.
 * The handle is thread-safe: any number of threads may call any function at once, except that
 * sw_ledger_close must be the last. There is no global state, but for the functions of libpq, which are looked up
 * when the first PostgreSQL is opened and stay as they are. A process whose files may not grow (ulimit -f) ignores
 * SIGXFSZ, so that it is told of a full disk instead of being ended.
 *
 * Writing. A write that returns SW_STATUS_OK is on disk and seen by every later read, also by other
 * processes (promise P1). Writes of many threads share one commit. A write that returns anything else
 * changed nothing, and sending the same again is always safe (promise P3).
 *
 * Text. Input is borrowed until the call returns. Output text lives in the sw_memory that the caller
 * passes, until that is reset or freed.
 *
 * Access. Each call takes an actor and sees only the actor's organization. A record of another
 * organization behaves exactly like one that does not exist (promise P11).
 *
 * What only programs need that serve others by it is in stepwell/server.h; what costs, removes, proves and copies
 * much at once in stepwell/operate.h. Both come along.
 */
#ifndef STEPWELL_LEDGER_H
#define STEPWELL_LEDGER_H

#include "stepwell/query.h"
#include "stepwell/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- opening ------------------------------------------------------------------------------------ */

typedef struct sw_ledger sw_ledger;

/* Zeroed means: defaults. */
typedef struct sw_ledger_options {
    /* "sqlite:PATH" (":" may be left out for a plain path) or "memory:". NULL: the environment's
     * STEPWELL_STORE, else a file in the user's data directory (sw_default_store). */
    const char *store;
    const sw_allocator *allocator;
    int64_t cache_bytes;        /* page cache of the writer; 0: 32 MiB */
    int64_t reader_cache_bytes; /* page cache of each reader; 0: 2 MiB */
    /* Longest wait for another process's write, and of a read for one of SW_LIMIT_READERS connections; 0:
     * SW_LIMIT_BUSY_MS. Then the call answers BUSY. */
    int64_t busy_ms;
    bool read_only;
    bool must_exist; /* do not create the store */
    bool no_reaper;  /* leave expired leases to other processes */
    bool
        adopting; /* write although the adoption of a database is not finished: for who finishes it */
    /* The key that seals providers' secrets: 32 bytes, or NULL: the environment's
     * STEPWELL_SECRET_KEY (64 hex digits), else the file STEPWELL_SECRET_KEY_FILE, else none, and then
     * secrets are refused. Copied. */
    const uint8_t *secret_key;
    /* Where none of these names a key: the one in the file beside the store (its path and ".key", for the owner
     * alone), made when there is none. A store in memory gets one that ends with it. */
    bool keep_secret_key;
    /* Receives log lines; NULL: none. Must be thread-safe. Level: 0 error, 1 warning, 2 info, 3 debug. */
    void (*log)(void *data, int level, const char *line);
    void *log_data;
} sw_ledger_options;

SW_API sw_status sw_ledger_open(const sw_ledger_options *options, sw_ledger **out,
                                sw_error *err) SW_MUST_CHECK;
/* Frees. No other call may be under way in any thread, nor follow. NULL is a harmless no-op; clears the
 * caller's variable.
 */
SW_API void sw_ledger_close(sw_ledger **ledger);
/* The store used when none is named, into `out` (NUL-terminated). SW_STATUS_TOO_LARGE: does not fit. */
SW_API sw_status sw_default_store(char *out, size_t size, sw_error *err);
SW_API const char *sw_version(void);

/* Memory for answers. Not thread-safe; one per thread or per request. */
typedef struct sw_memory sw_memory;
SW_API sw_memory *sw_memory_new(const sw_allocator *allocator); /* NULL: no memory */
SW_API void sw_memory_reset(sw_memory *memory);
SW_API void sw_memory_free(sw_memory **memory);

/* A call that may be sent again under a key of the caller's (Idempotency-Key). The key, with the digest of
 * what was asked, is kept for a day in the transaction of the write: the same key with another digest is a
 * CONFLICT that changes nothing; with the same digest the call is applied as ever, and promise P3 makes it
 * `unchanged`, because ids that the ledger makes up under a key follow from the key, its first use and
 * the place of the item. Keys of different organizations, projects (of limited callers) and routes do not
 * meet. A call of which nothing was kept leaves no key, so that it may be mended and sent again. Deleting
 * again under the same key answers NOT_FOUND, as without one.
 */
typedef struct sw_retry {
    sw_str route;  /* what was called; keys of different routes do not meet */
    sw_str key;    /* at most SW_LIMIT_RETRY_KEY_BYTES */
    sw_str digest; /* of the content, 16 bytes; null: not known yet (a stream's first parts) */
    int64_t
        first_item; /* place of the call's first item in the whole, for calls that come in parts */
} sw_retry;

/* Who calls. A null organization_id means the default organization, a null user_id its default user.
 * `everywhere` lifts the border for reads of the operator who owns the file; writes never cross it.
 * With a project_id only what is booked on that project is seen and changed, and what is written is booked
 * on it; anything else behaves as if it did not exist. Messages, traces and conversations belong where their
 * step, run or agent belongs. The organization, its prices, its providers and their models are seen, not changed; users
 * and whatever else names no project are neither.
 */
typedef struct sw_actor {
    sw_str organization_id;
    sw_str user_id;
    bool everywhere;
    sw_str project_id;
    const sw_retry *retry; /* NULL: none */
} sw_actor;

#define SW_DEFAULT_ORGANIZATION "org-00000000-0000-4000-8000-000000000000"
#define SW_DEFAULT_USER "user-00000000-0000-4000-8000-000000000000"

/* ---- what a write answers ----------------------------------------------------------------------- */

enum { SW_ID_MAX = 132 };

/* What became of one item. `status` is OK for created, updated and unchanged; for conflict and rejected
 * it says why, as does `error`. `seq` is the journal's number of the change; for unchanged, the newest
 * number of the organization, by which what was asked for is certainly there; 0 for what was refused and
 * for renewals. It counts within the organization.
 */
typedef struct sw_outcome {
    sw_verdict verdict;
    sw_status status;
    int64_t seq;
    /* Of the record, NUL-terminated; made up when the caller gave none. An argument may point to it, so
     * that sw_str_from(outcome.id) can be passed together with &outcome; a call that is refused before it
     * looks at the item leaves it as it was. */
    char id[SW_ID_MAX];
    sw_error error;
} sw_outcome;

/* ---- steps -------------------------------------------------------------------------------------- */

/* A step with what belongs to it. Null fields take their defaults. The ledger sets organization_id,
 * updated_at, created_by_id, last_updated_by_id, retired_into, is_deleted and lease_expires_at; giving
 * another value than its own is an error that names the field.
 */
typedef struct sw_step_entry {
    sw_step step;
    const sw_step_metrics *metrics; /* NULL: none. id and organization_id may be null */
    const sw_message *messages;     /* in order; step_id, run_id, sequence_id may be null */
    size_t message_count;
    const sw_provider_trace *traces;
    size_t trace_count;
    int64_t lease_seconds; /* of a pending step; 0: SW_LIMIT_LEASE_SECONDS_DEFAULT */
} sw_step_entry;

/* Records `count` steps, pending or already ended. outcomes[i] belongs to entries[i]. The same id with
 * the same content is `unchanged`; with other content it is a conflict. One bad item never sinks the
 * others unless `atomic`; then the call answers the first refusal's status, nothing is kept, and items
 * that would have been fine are `rejected` too.
 * Returns OK when every item has a verdict of its own; the status of the refusal when count is 1;
 * TOO_LARGE past SW_LIMIT_BATCH_ITEMS; a store's failure (FULL, IO, BUSY ...) when nothing was kept.
 * A run named by the step must exist in the organization.
 */
SW_API sw_status sw_step_log(sw_ledger *ledger, const sw_actor *actor, const sw_step_entry *entries,
                             size_t count, bool atomic, sw_outcome *outcomes,
                             sw_error *err) SW_MUST_CHECK;

/* The same, answered later: returns at once, and `done` is called once, from a thread of the ledger or from
 * within the call. Everything that is passed must live until then. `done` must be quick and must not call
 * the ledger. BUSY at once when the queue is full. For programs that answer many callers from one thread.
 */
typedef void sw_done(void *arg, sw_status status, const sw_error *err);
SW_API void sw_step_log_later(sw_ledger *ledger, const sw_actor *actor,
                              const sw_step_entry *entries, size_t count, bool atomic,
                              sw_outcome *outcomes, sw_done *done, void *arg);

/* Ends a pending step: end->step.status is success, failed or cancelled. The other non-null fields of
 * end->step (tokens, details, stop_reason, error, model, previews, cost ...) are written with it, and
 * metrics, messages and traces are added. Among concurrent ends the first wins; the same end again is
 * `unchanged`; another one is ILLEGAL_MOVE naming both states.
 */
SW_API sw_status sw_step_end(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                             const sw_step_entry *end, sw_outcome *outcome,
                             sw_error *err) SW_MUST_CHECK;

/* Sets the fields of `mask` (bits SW_FIELD_BIT(SW_STEP_...)) to their values in `values`, null included.
 * Anytime: tid, feedback, tags, and stop_reason while it is null. While pending: also what sw_step_end
 * may write. Anything else is refused by name.
 */
#define SW_FIELD_BIT(FIELD) (UINT64_C(1) << (FIELD))
SW_API sw_status sw_step_update(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                                const sw_step *values, uint64_t mask, sw_outcome *outcome,
                                sw_error *err) SW_MUST_CHECK;

/* Whichever of the two is meant, as one change with one verdict: `mask` names the fields of
 * values->step that are set, null included. With a status that ends the step it is sw_step_end, which then also
 * sets fields to null; else it is sw_step_update, to which the metrics, messages and traces of `values` are
 * added. That a pending step is pending may be said; lease_seconds may not.
 */
SW_API sw_status sw_step_patch(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                               const sw_step_entry *values, uint64_t mask, sw_outcome *outcome,
                               sw_error *err) SW_MUST_CHECK;

/* Promises to be heard again within `seconds` (0: the default). Not journalled. */
SW_API sw_status sw_step_renew(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                               int64_t seconds, sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;

/* Feedback and tags: what is not asked for stays as it is. Tags are JSON arrays of strings. */
typedef struct sw_feedback_change {
    bool set_feedback;
    sw_int feedback; /* sw_feedback, or null to clear it */
    bool set_tags;
    sw_str tags;     /* replaces; null or [] empties */
    sw_str add_tags; /* null: none; a tag that is there stays once */
    sw_str remove_tags;
} sw_feedback_change;
SW_API sw_status sw_step_feedback(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                                  const sw_feedback_change *change, sw_outcome *outcome,
                                  sw_error *err) SW_MUST_CHECK;

/* Records timings: non-null fields replace what is there (an upsert). run_id, agent_id, provider_id and
 * project_id are inherited from the step when null. At any time, also after the end.
 */
SW_API sw_status sw_step_metrics_record(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                                        const sw_step_metrics *metrics, sw_outcome *outcome,
                                        sw_error *err) SW_MUST_CHECK;
/* Adds messages, provider traces, or both. A message or trace whose id is there already with the same
 * content is not added twice. */
SW_API sw_status sw_step_attach(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                                const sw_message *messages, size_t message_count,
                                const sw_provider_trace *traces, size_t trace_count,
                                sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;

/* Deletes for good, with metrics, provider traces, and those message bodies that no other step's
 * message shows; its messages stay without step and body (SET NULL). Totals move along.
 */
SW_API sw_status sw_step_delete(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                                sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;

/* For the ingest room only: replaces what the source now says otherwise (non-null fields of
 * entry->step, also status and run_id), for steps whose source is otlp or transcript, which the entry
 * must say again. Feedback and tags of people stay. Creates the step when it is not there.
 */
SW_API sw_status sw_step_restate(sw_ledger *ledger, const sw_actor *actor,
                                 const sw_step_entry *entry, sw_outcome *outcome,
                                 sw_error *err) SW_MUST_CHECK;
/* Folds a step (source otlp or transcript) into another: out of every list and total; its id still
 * answers, with retired_into set, and becomes an alias of the survivor.
 */
SW_API sw_status sw_step_retire(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                                sw_str survivor_id, sw_outcome *outcome,
                                sw_error *err) SW_MUST_CHECK;

/* ---- runs --------------------------------------------------------------------------------------- */

/* Creates a run; the agent must exist, and a run without a project takes the agent's. Idempotent like
 * sw_step_log. An agent remembers how the run that completed last ended (last_run_completion,
 * last_run_duration_ms, last_stop_reason), also one that is created ended.
 */
SW_API sw_status sw_run_create(sw_ledger *ledger, const sw_actor *actor, const sw_run *run,
                               sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;
/* Sets the fields of `mask`; metadata is merged, new keys win. Moving to completed, failed or cancelled
 * finishes the run: completed_at (default now) and the run's duration are kept. Legal moves: created →
 * running → ended, created → ended; completed → cancelled only with stop_reason requires_approval on
 * record. The same move again with nothing new is `unchanged`.
 */
SW_API sw_status sw_run_update(sw_ledger *ledger, const sw_actor *actor, sw_str run_id,
                               const sw_run *values, uint64_t mask, sw_outcome *outcome,
                               sw_error *err) SW_MUST_CHECK;
/* Cancels a run that has not ended; one that has ended stays as it is (`unchanged`). */
SW_API sw_status sw_run_cancel(sw_ledger *ledger, const sw_actor *actor, sw_str run_id,
                               sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;
/* Deletes the run and its totals; its steps and messages stay without a run (SET NULL). */
SW_API sw_status sw_run_delete(sw_ledger *ledger, const sw_actor *actor, sw_str run_id,
                               sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;

/* ---- organizations, users, providers, models, projects, agents, conversations, others ------------- */

/* One set of verbs for the records that others refer to: SW_RECORD_ORGANIZATION, _USER, _PROVIDER,
 * _PROVIDER_MODEL, _PROJECT, _AGENT, _CONVERSATION, and for _SUBSCRIPTION and _SAVED_VIEW. `row` is the
 * record's struct.
 *
 * An organization can be created by any actor; every other record belongs to the actor's organization.
 * Creating the same id with the same content again is `unchanged`, also when the record was changed
 * since. An id that another organization holds is `rejected`, "id not available", whatever the content:
 * the one place where a known id shows that it exists, in the same words for every record. The id of an
 * organization is held by that organization; `unchanged` is answered to the organization that created it
 * and sends the same again, and to nobody else. Secrets of a provider (api_key, access_key as plain text
 * in the row) are sealed before they are stored and never read back.
 * Deleting follows the declared rules (RESTRICT, SET NULL, CASCADE), and totals move along. The default
 * organization and user cannot be deleted (RESTRICTED): whoever names none stands on them.
 */
SW_API sw_status sw_record_create(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                                  const void *row, sw_outcome *outcome,
                                  sw_error *err) SW_MUST_CHECK;
SW_API sw_status sw_record_update(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                                  sw_str id, const void *values, uint64_t mask, sw_outcome *outcome,
                                  sw_error *err) SW_MUST_CHECK;
SW_API sw_status sw_record_delete(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                                  sw_str id, sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;
/* The agent with this name in the project, registered on first sight; its id is derived from
 * organization, project and name (telemetry.md E.6), so that every process and store finds the same. Where
 * another organization holds that id already, it is derived under a secret of this one instead. */
SW_API sw_status sw_agent_by_name(sw_ledger *ledger, const sw_actor *actor, sw_str project_id,
                                  sw_str name, sw_outcome *outcome, sw_error *err) SW_MUST_CHECK;
/* Opens a provider's sealed secret, for programs that call the provider; SW_PROVIDER_API_KEY or
 * SW_PROVIDER_ACCESS_KEY. NOT_FOUND: none. */
SW_API sw_status sw_provider_secret(sw_ledger *ledger, const sw_actor *actor, sw_str provider_id,
                                    int field, sw_memory *memory, sw_str *out,
                                    sw_error *err) SW_MUST_CHECK;

/* ---- reading ------------------------------------------------------------------------------------ */

/* The record with that id: any public record with an id (metrics have the id of their step or run).
 * `out` is the record's struct. Secrets read as null.
 */
SW_API sw_status sw_get(sw_ledger *ledger, const sw_actor *actor, sw_record_id record, sw_str id,
                        sw_memory *memory, void *out, sw_error *err) SW_MUST_CHECK;

/* A page of records in the total order (created_at, id), or (sequence_id) for messages. One rule for
 * every list: `after` = what follows in the requested order, `before` = what precedes, adjacent rows,
 * always answered in the requested order. An unknown cursor is NOT_FOUND.
 */
typedef struct sw_list_query {
    const sw_condition *conditions; /* over the record's own fields */
    size_t condition_count;
    const sw_condition *metrics_conditions; /* steps: over step_metrics; runs: over run_metrics */
    size_t metrics_condition_count;
    /* Steps: found in a preview, or in a "message" of error_data as a person reads it; ASCII letters in any
     * case. */
    sw_str text;
    bool ascending;
    sw_str after; /* ids; null: none */
    sw_str before;
    int64_t limit; /* 0: SW_LIMIT_LIST_ITEMS; -1: no limit (walks the whole, streaming) */
    /* Rows that the call may look at when no index answers; 0: SW_LIMIT_LOOK_ROWS (with limit -1: none),
     * -1: no limit. An actor who sees everything shares them out among all organizations, at least one
     * row for each. */
    int64_t look_limit;
    /* Bytes of rows behind which a page ends early (`cut`): it has at least one row, and no further one begins
     * once its rows hold so many. 0: no such limit. Pages of an actor who sees everything and lists by duration
     * do not end early. */
    int64_t byte_limit;
    uint64_t
        fields; /* what is read of each row, SW_FIELD_BIT(...) of it; 0: all. Others may be null */
    bool by_duration; /* runs: order by run_metrics.run_ns; no cursors */
    /* Runs: 0 to 100, only runs at least as long as this percentile of those asked for; past look_limit
     * runs it cannot be known, and the list is empty with gave_up. */
    sw_int duration_percentile;
} sw_list_query;

typedef struct sw_list_end {
    int64_t count;
    int64_t looked; /* rows looked at; for a caller limited to a project only those he was shown */
    bool complete;  /* nothing follows in this direction */
    /* look_limit ended it. A list continues with `resume` as its `after` (or `before`); `resume` is empty
     * after a count, and where the rows are too many to be put in order: ask for fewer. */
    bool gave_up;
    bool cut; /* byte_limit ended the page: the list continues with `resume`, as above */
    char resume[SW_ID_MAX];
} sw_list_end;

/* Called for each row (the record's struct); its text lives until it returns. Returning false ends the
 * list. Must not write: the call would wait for itself; nor read, which needs a second of SW_LIMIT_READERS connections
 * while it holds the first.
 */
typedef bool sw_each(void *arg, const void *row);

SW_API sw_status sw_list(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                         const sw_list_query *query, sw_each *each, void *arg, sw_list_end *end,
                         sw_error *err) SW_MUST_CHECK;
/* Whether the query would find this step, judged by its rows alone; `metrics` NULL: it has none. For those who
 * look at steps one by one as they change; cursors, order and limits play no part, and a retired step is
 * judged like any other. */
SW_API bool sw_step_is_found(const sw_list_query *query, const sw_step *step,
                             const sw_step_metrics *metrics);
/* How many records the query finds: from rollups where they know, else by looking, within look_limit
 * (`gave_up` then, and the number is a lower bound).
 */
SW_API sw_status sw_count(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                          const sw_list_query *query, int64_t *out, sw_list_end *end,
                          sw_error *err) SW_MUST_CHECK;

/* Values with counts for the filters of a list: of each facet the most frequent, largest count first. Counts
 * come from rollups where the query allows it, else from the newest SW_LIMIT_FACET_ROWS steps that match, and are
 * then marked approximate when there are more. Sums answer status, model and project when only these and a range
 * of created_at are filtered by, and agents without any filter but such a range; whole days come from sums then,
 * the edges of the range from steps. The query's order, limit and cursors mean nothing here. */
typedef struct sw_facet_value {
    sw_facet facet;
    sw_str value; /* null: steps without */
    int64_t count;
    bool approximate;
} sw_facet_value;
typedef bool sw_facet_each(void *arg, const sw_facet_value *value);
SW_API sw_status sw_step_facets(sw_ledger *ledger, const sw_actor *actor,
                                const sw_list_query *query, int64_t per_facet, sw_facet_each *each,
                                void *arg, sw_list_end *end, sw_error *err) SW_MUST_CHECK;

/* What the step was sent, message by message in its order, exactly as it was; `with_output`: and then what the step
 * made of it. Of these rows role, name, tool_call_id, text, content, tool_calls and tool_returns are set. Where nobody
 * said what a step was sent, `with_output` shows its messages. */
SW_API sw_status sw_step_context_read(sw_ledger *ledger, const sw_actor *actor, sw_str step_id,
                                      bool with_output, sw_each *each, void *arg,
                                      sw_error *err) SW_MUST_CHECK;

/* The sums of a run, of any size, in constant time; run_metrics holds the same. */
SW_API sw_status sw_run_usage(sw_ledger *ledger, const sw_actor *actor, sw_str run_id,
                              sw_memory *memory, sw_run_metrics *out, sw_error *err) SW_MUST_CHECK;

/* ---- usage -------------------------------------------------------------------------------------- */

enum { SW_DIMENSIONS_MAX = 4 };

typedef struct sw_usage_query {
    sw_dimension by[SW_DIMENSIONS_MAX];
    size_t by_count;                /* 0: one group, the total */
    sw_int from;                    /* created_at >= from, microseconds; null: the beginning */
    sw_int to;                      /* created_at < to; null: no end */
    const sw_condition *conditions; /* over step's fields */
    size_t condition_count;
    int32_t zone_minutes; /* days and hours are those of UTC + this; not 0: from rows */
    bool latency;         /* also p50, p95, p99 */
    int64_t row_limit;    /* 0: SW_LIMIT_USAGE_ROWS */
} sw_usage_query;

/* Times in ns; -1 when there is no measurement. `exact`: the numbers of rows themselves, which needs a
 * question that rows answer and a group of at most SW_LIMIT_USAGE_TIMES measurements. Otherwise they come
 * from a histogram, and the relative error is at most 2 %.
 */
typedef struct sw_latency {
    int64_t count;
    int64_t p50_ns;
    int64_t p95_ns;
    int64_t p99_ns;
    bool exact;
} sw_latency;

/* One group. keys[i] is the text of by[i] ("2026-11-22", "2026-11-22T13", a model ...), null when the
 * steps have none. The sums are those of sw_totals (facts.h): num_steps, failed_steps, tokens, cost,
 * and how many steps had unknown usage or cost. sw_error_rate() is theirs too.
 */
typedef struct sw_usage_group {
    sw_str keys[SW_DIMENSIONS_MAX];
    sw_totals totals;
    sw_latency step_time;
    sw_latency model_time;
    sw_latency tool_time;
} sw_usage_group;

typedef struct sw_usage_end {
    size_t groups;
    sw_usage_source source;
    int64_t rows;  /* steps read; 0 for a caller limited to a project, as are the cells */
    int64_t cells; /* rollup cells read */
    /* False: row_limit or SW_LIMIT_USAGE_GROUPS ended it. Of the steps that had to be read the sums then hold the
     * newest; for an actor who sees everything the newest of each organization, among which row_limit is shared
     * out, at least one row for each. */
    bool complete;
} sw_usage_end;

/* Which part of the steps failed: failed_steps / num_steps, 0 to 1; 0 when there are none. */
SW_API double sw_error_rate(const sw_totals *totals);

/* `end` is filled before the first group is shown. Groups come sorted by their keys, null first. Each sum equals the sum over the rows. Retired steps
 * are in no sum. */
typedef bool sw_usage_each(void *arg, const sw_usage_group *group);
SW_API sw_status sw_usage(sw_ledger *ledger, const sw_actor *actor, const sw_usage_query *query,
                          sw_usage_each *each, void *arg, sw_usage_end *end,
                          sw_error *err) SW_MUST_CHECK;

/* ---- the journal -------------------------------------------------------------------------------- */

/* Entries of the actor's organization with seq > after, in order, at most `limit` (0: 1000). When there
 * is none, waits up to `wait_ms` for the next, also from other processes (seen within a second). No
 * committed entry is ever skipped; numbers may have gaps. `last` gets the last seq shown, or `after`; for a
 * caller limited to a project the last seq looked at, and past SW_LIMIT_LOOK_ROWS of others he is answered.
 */
SW_API sw_status sw_journal_read(sw_ledger *ledger, const sw_actor *actor, int64_t after,
                                 int64_t limit, int64_t wait_ms, sw_each *each, void *arg,
                                 int64_t *last, sw_error *err) SW_MUST_CHECK;
/* The last seq of the actor's organization. */
SW_API sw_status sw_journal_head_seq(sw_ledger *ledger, const sw_actor *actor, int64_t *out,
                                     sw_error *err) SW_MUST_CHECK;

/* Waits up to `wait_ms` (at most SW_LIMIT_COMMIT_WAIT_MS) until something was committed since *seen (0 at
 * first), by this process or another (seen within a second), and moves *seen on. Never misses a commit; may
 * tell of one that was seen already. For those who follow many organizations at once. */
SW_API sw_status sw_commit_wait(sw_ledger *ledger, uint64_t *seen, int64_t wait_ms,
                                sw_error *err) SW_MUST_CHECK;

/* ---- records with their relations --------------------------------------------------------------- */

/* A record together with relations that were loaded on purpose (as in Letta V1). Which relation loads
 * when, what saving and removing does, is declared with the record (model/). */
typedef struct sw_object sw_object;
/* Loads the record and the relations named in `relations` (NULL-terminated, or NULL for none), plus
 * those that load together with it. */
SW_API sw_status sw_object_load(sw_ledger *ledger, const sw_actor *actor, sw_record_id record,
                                sw_str id, const char *const *relations, sw_object **out,
                                sw_error *err) SW_MUST_CHECK;
SW_API const void *sw_object_row(const sw_object *object);
/* The related row (to-one; NULL when there is none) or rows (to-many). A relation that raises and was not
 * loaded: NOT_LOADED, naming it. One that is not loaded by rule (noload): empty. One that loads on first
 * touch is read now. */
SW_API sw_status sw_object_one(sw_object *object, const char *relation, const void **out,
                               sw_error *err) SW_MUST_CHECK;
SW_API sw_status sw_object_many(sw_object *object, const char *relation, const void *const **out,
                                size_t *count, sw_error *err) SW_MUST_CHECK;
/* Puts rows in place of a relation's, in memory; NULL / 0 removes. Saved by sw_object_save. */
SW_API sw_status sw_object_set(sw_object *object, const char *relation, const void *const *rows,
                               size_t count, sw_error *err) SW_MUST_CHECK;
/* Saves what was set, by the declared cascades: new related rows are created (save-update), rows that
 * were replaced or removed are deleted where the relation says delete-orphan. */
SW_API sw_status sw_object_save(sw_object *object, sw_outcome *outcome,
                                sw_error *err) SW_MUST_CHECK;
SW_API void sw_object_free(sw_object **object);

#ifdef __cplusplus
}
#endif

#include "stepwell/operate.h"
#include "stepwell/server.h"

#endif
