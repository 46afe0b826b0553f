/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the ledger share. The public face is stepwell/ledger.h.
 *
 * All writes go through one thread, the writer. A call packs its arguments into an operation, queues
 * it and sleeps; the writer takes everything that waits, applies it inside one store group, commits,
 * and wakes them all. While a commit runs, the next group gathers: the commit is the only timer. A large
 * call is queued when it has begun, and its caller does the rest before it sleeps (sw_meanwhile).
 *
 * An operation is applied to a group (sw_group). It must check everything before it writes anything:
 * a refusal is its own business and never touches the others. When the store itself fails, the group
 * is broken: it is rolled back and its operations are applied again one by one, so that only the
 * culprit fails. Operations may therefore be applied several times and must not keep state.
 */
#ifndef SW_LEDGER_INTERNAL_H
#define SW_LEDGER_INTERNAL_H

#include <semaphore.h>
#include <stdatomic.h>

#include "ledger/testing.h"
#include "store/store.h"

/* ---- sums --------------------------------------------------------------------------------------- */

/* The sums in the order of sw_totals, as an array: num_steps, then totals.def. */
enum { SW_SUMS = sizeof(sw_totals) / sizeof(int64_t) };
typedef struct sw_sums {
    int64_t v[SW_SUMS];
} sw_sums;

/* Where a record keeps the sums. Its fields after num_steps are consecutive (totals.def). */
typedef struct sw_rollup {
    sw_record_id record;
    uint8_t num_steps;
    uint8_t first; /* failed_steps */
} sw_rollup;
enum {
    SW_ROLLUP_PROJECT_DAY,
    SW_ROLLUP_ORG_HOUR,
    SW_ROLLUP_MODEL_DAY,
    SW_ROLLUP_AGENT_DAY,
    SW_ROLLUP_RUN,
    SW_ROLLUP_COUNT
};
extern const sw_rollup sw__rollups[SW_ROLLUP_COUNT];

/* What one step adds to every sum that holds it; all zero for a retired step. */
void sw_sums_of_step(const sw_step *step, sw_sums *out);
void sw_sums_add(sw_sums *to, const sw_sums *delta, int sign);
void sw_sums_to_row(const sw_rollup *rollup, const sw_sums *sums, void *row);
void sw_sums_from_row(const sw_rollup *rollup, const void *row, sw_sums *out);
/* The name of a sum, for people. */
const char *sw_sums_name(size_t i);
/* Fills the key of the cell of `which` that holds the step. False: none does (no run). */
bool sw_rollup_key(size_t which, const sw_step *step, void *row);

/* ---- latency histograms (histogram.c) ------------------------------------------------------------ */

/* Buckets grow by 4 %, so that a bucket's middle is within 2 % of what it holds. Bucket 0 holds 0 ns,
 * the last INT64_MAX.
 */
enum { SW_BUCKETS = 1120 };
typedef struct sw_histogram {
    int64_t count[SW_BUCKETS];
} sw_histogram;
size_t sw_bucket_of(int64_t ns);
int64_t sw_bucket_middle(size_t bucket);
/* Adds the encoded histogram; null adds nothing. False: the bytes are damaged. */
bool sw_histogram_add(sw_histogram *to, sw_str encoded);
/* Encodes into the buffer; an empty histogram encodes as null (empty text). */
void sw_histogram_encode(const sw_histogram *from, sw_buf *out);
/* Nearest rank: the middle of the bucket that holds it; -1 when empty. `percent` 1 to 100. */
int64_t sw_histogram_percentile(const sw_histogram *h, int percent);
int64_t sw_histogram_count(const sw_histogram *h);

/* Changes of a histogram. A batch may touch thousands of them in a bucket or two each, so a few changes are
 * a list and only many an array: what a group gathers stays within some hundred bytes a step. */
enum { SW_TALLY_FEW = 16 };
typedef struct sw_tally {
    int32_t *all; /* SW_BUCKETS of them, or NULL: the list */
    uint16_t count;
    uint16_t buckets[SW_TALLY_FEW];
    int32_t changes[SW_TALLY_FEW];
} sw_tally;
/* False: no memory, and nothing changed. */
bool sw_tally_add(sw_tally *tally, size_t bucket, int32_t change, sw_arena *arena);
bool sw_tally_carry(sw_tally *to, const sw_tally *from, sw_arena *arena);
void sw_histogram_move(sw_histogram *to, const sw_tally *tally);

/* ---- the group ---------------------------------------------------------------------------------- */

/* A rollup cell that moved in this group. */
typedef struct sw_cell {
    size_t which; /* of sw__rollups */
    uint64_t hash;
    void *key; /* a row of the record, in the arena */
    sw_sums sums;
    bool seen; /* by verify */
} sw_cell;

/* A histogram row that moved in this group. */
typedef struct sw_spread {
    sw_record_id record;
    uint64_t hash;
    void *key;
    sw_tally times[3]; /* of step, model and tool */
    bool seen;         /* by verify */
} sw_spread;

/* An organization's counters; kept between groups while nobody else writes. */
typedef struct sw_head {
    char organization_id[SW_ID_MAX];
    int64_t seq;
    int64_t sequence_id;
    int64_t runs;
    bool dirty;
    struct sw_head *next_dirty; /* of those that this group writes when it ends */
} sw_head;

/* A parent that is known to exist, and in whose organization. */
typedef struct sw_known {
    uint8_t record_plus_1;
    uint8_t id_len;
    uint8_t organization_len;
    char id[64];
    char organization_id[64];
} sw_known;

enum { SW_KNOWN = 8192, SW_HEADS = 8192 };

typedef struct sw_table { /* open addressing over pointers */
    void **slots;
    size_t size; /* a power of two */
    size_t count;
} sw_table;

typedef struct sw_task sw_task;

/* A call under a key of the caller's, while it is applied (retry.c). */
typedef struct sw_retrying {
    const sw_retry *call; /* NULL: ids are random */
    int64_t first_us;     /* when the key was first used */
    int64_t item;         /* place in the whole call */
    uint32_t made;        /* ids that were made at this place */
} sw_retrying;

typedef struct sw_group {
    sw_ledger *ledger;
    sw_session *session;
    sw_arena arena;   /* lives as long as the group */
    int64_t now_us;   /* wall clock */
    int64_t lease_us; /* the clock of leases */
    sw_status broken; /* the store failed: the group must be rolled back */
    sw_error broken_error;
    bool removed;        /* a parent was removed: what is known must be forgotten */
    sw_buf digest;       /* used again and again */
    sw_journal *entries; /* of the journal, written when the group ends */
    size_t entry_count;
    size_t entry_room;
    sw_table cells;
    sw_cell *last[SW_ROLLUP_COUNT]; /* the cell that moved last: often the next one too */
    sw_table spreads;
    sw_known *known; /* SW_KNOWN of them, in pairs; kept between groups */
    bool knows;      /* anything is in `known` */
    sw_head *heads;  /* SW_HEADS of them, open addressing; kept between groups */
    size_t head_count;
    sw_head *dirty; /* the list of those that moved */
    size_t dirty_count;
    const sw_task *task;   /* the one being applied; NULL: none */
    sw_retrying retry;     /* what ids follow from, when it may be sent again under a key */
    struct sw_hook *hooks; /* the subscriptions (hooks.c); kept between groups */
    size_t hook_count;
    bool hooks_loaded;
    sw_arena hook_arena;
    struct sw_price_book *prices; /* of the models it met (price_book.c); kept between groups */
    sw_str reason;                /* what the journal says of changes now; null: nothing */
} sw_group;

typedef sw_status sw_apply(sw_group *group, sw_task *task, sw_error *err);
typedef sw_task *sw_apply_all(sw_group *group, sw_task *first);
typedef void sw_meanwhile(const sw_ledger *ledger, sw_task *task);
struct sw_task {
    sw_apply *apply;
    sw_apply_all
        *apply_all; /* NULL, or: applies this task and those right behind it that have the same
                              * function, each after sw__task_begin; returns the first that is left */
    /* NULL, or: what its caller does once the task is queued. The writer may wait for it, so it must
     * neither wait for the writer nor change the task, which is the writer's by then. */
    sw_meanwhile *meanwhile;
    void *arg;
    sw_str organization_id;
    sw_str user_id;
    sw_str project_id;               /* all it may see and change; null: no such limit */
    const sw_retry *retry;           /* of the caller; NULL: none */
    void (*answered)(sw_task *task); /* instead of waking a sleeper; NULL: wakes him */
    sw_outcome *outcomes;            /* of the caller: filled whatever happens */
    size_t outcome_count;
    size_t weight;         /* items, for the group's cap */
    bool own_organization; /* works for no actor, or makes the organization itself */
    bool adopts;           /* rows of another database, kept as they were (adopt.c) */
    bool alone;            /* must not share its group: it may refuse after having written */
    sw_status status;
    sw_error error;
    sem_t done;
    sw_task *next;
};

/* ---- the ledger --------------------------------------------------------------------------------- */

struct sw_memory {
    sw_arena arena;
    sw_allocator from;
};

struct sw_ledger {
    sw_allocator allocator;
    sw_clock clock;
    sw_random random;
    sw_log log;
    sw_store *store;
    bool read_only;
    bool may_be_half; /* the store is what a migration has not ended yet */
    bool no_reaper;
    bool has_secret_key;
    uint8_t secret_key[32];
    uint32_t tags[SW_RECORD_COUNT][64];   /* of the names of fields (digest.c) */
    uint64_t key_fields[SW_RECORD_COUNT]; /* masks */
    int64_t anchor_wall_us; /* leases follow the wall clock as it was at opening ... */
    int64_t anchor_mono_us; /* ... plus what has passed since, so that they never jump */

    pthread_mutex_t lock;
    pthread_cond_t work; /* something is queued, or the ledger closes */
    pthread_cond_t room; /* the queue has room again */
    pthread_cond_t committed;
    sw_task *head;
    sw_task **tail;
    size_t queued;
    bool closing;
    bool writer_runs;
    uint64_t commits;
    sw_ledger_load load;
    pthread_t writer;
    sw_group *nested; /* the writer's own: a task under way that calls other verbs */
    sw_session *write_session;
    sw_group group;

    pthread_mutex_t reader_lock;
    pthread_cond_t reader_free;
    int64_t busy_ms; /* longest wait for one of them */
    sw_session *readers[SW_LIMIT_READERS];
    size_t readers_idle;
    size_t readers_open;

    struct sw_keys *keys; /* what is remembered of keys (keys.c) */
    char *bearer;         /* token of the operator's webhook (subscribe.c); under `lock` */

    pthread_mutex_t watch_lock; /* those who wait for any commit (watch.c) */
    sw_session *watch;          /* NULL: nobody has waited yet */
    uint64_t watch_version;
    sw_session *bell; /* listens for the commits of others, where the store has a bell */
    pthread_t bell_thread;
    atomic_bool bell_rings; /* the thread runs; false: it ends */
};

/* Those who wait for the journal look again (watch.c). */
void sw__committed(sw_ledger *ledger);
/* Nobody waits any more. */
void sw__watch_close(sw_ledger *ledger);
/* The time by which leases expire. */
int64_t sw__lease_now(const sw_ledger *ledger);

/* The call is refused as a whole: every outcome says so. Returns the status. */
sw_status sw__refuse(sw_outcome *outcomes, size_t count, sw_status status, const sw_error *err);
/* The same for a call with one outcome that is refused before it begins; `err` may be NULL. */
sw_status sw__refuse_one(sw_outcome *outcome, sw_error *err, sw_status status, const char *field,
                         const char *message);
/* Queues the operation and waits until it is durable or refused. Fills `err` when not OK. */
sw_status sw__submit(sw_ledger *ledger, const sw_actor *actor, sw_task *task, sw_error *err);
/* Makes the task ready to be applied; false: it has its answer already. */
bool sw__task_begin(sw_group *group, sw_task *task);
/* The same, but only queues it: task->answered is called once it is durable or refused, from the writer's thread.
 * Not OK: it was not queued. BUSY: the queue is full. */
sw_status sw__submit_later(sw_ledger *ledger, const sw_actor *actor, sw_task *task) SW_MUST_CHECK;
sw_status sw__writer_start(sw_ledger *ledger, sw_error *err);
void sw__writer_stop(sw_ledger *ledger);

/* As sw_ledger_open, also of a store that a migration has not ended yet; for proving it. */
sw_status sw__ledger_open_half(const sw_ledger_options *options, sw_ledger **out,
                               sw_error *err) SW_MUST_CHECK;
/* A read session for the calling thread; give it back. */
sw_status sw__reader_take(sw_ledger *ledger, sw_session **out, sw_error *err) SW_MUST_CHECK;
void sw__reader_give(sw_ledger *ledger, sw_session *session);

/* The organization and user an actor stands for (the defaults for null). */
sw_str sw__actor_organization(const sw_actor *actor);
sw_str sw__actor_user(const sw_actor *actor);
/* Whether a row of the record is the actor's organization's, or a provider all share. Of a project it knows
 * nothing: ask sw__sees (border.h). */
bool sw__visible(const sw_actor *actor, sw_record_id record, const void *row);

/* Counts a group that took so long; with the lock held (probe.c). */
void sw__load_count(sw_ledger *ledger, int64_t us);

/* ---- inside a group (group.c) -------------------------------------------------------------------- */

sw_status sw_group_init(sw_group *group, sw_ledger *ledger, sw_error *err);
void sw_group_fini(sw_group *group);
/* Forgets what was remembered about the store. */
void sw_group_forget(sw_group *group);
/* Only the parents: one of them was removed. */
void sw_group_forget_known(sw_group *group);
/* Starts anew for the next group. */
void sw_group_start(sw_group *group, sw_session *session);
/* Now, and a microsecond later each time, so that what one group creates without a time of its own has
 * a time of its own after all. */
int64_t sw_group_tick(sw_group *group);
/* Writes what the operations moved: cells, histograms, heads. */
sw_status sw_group_flush(sw_group *group, sw_error *err);

/* For verify, which gathers into a group that is never written: the cell or histogram of the key, if
 * there is one; the cell of the key, made if need be (NULL: no memory); and adding up histograms. */
sw_cell *sw_group_find_cell(sw_group *group, size_t which, const void *key);
sw_spread *sw_group_find_spread(sw_group *group, sw_record_id record, const void *key);
sw_cell *sw_group_make_cell(sw_group *group, size_t which, const void *key);
sw_spread *sw_group_make_spread(sw_group *group, sw_record_id record, const void *key);
/* The three histogram fields of either latency record, in the order of sw_spread.times. */
void sw_spread_fields(sw_record_id record, void *row, sw_str *fields[3]);
sw_status sw_group_carry_spreads(sw_group *to, const sw_group *from, sw_record_id record,
                                 sw_error *err);

/* Passes a store's answer on; anything but OK marks the group as broken. For verbs that must succeed
 * because everything was checked before. */
sw_status sw_group_must(sw_group *group, sw_status status, sw_error *err);
/* The same, but `allowed` (one more answer) passes without breaking the group. */
sw_status sw_group_may(sw_group *group, sw_status status, sw_status allowed, sw_error *err);

/* Adds an entry to the journal; *seq (may be NULL) gets its number. */
sw_status sw_group_journal(sw_group *group, const sw_task *task, sw_change what,
                           sw_record_id record, sw_str id, sw_str project_id, int64_t *seq,
                           sw_error *err);
/* Writes the gathered entries; part of sw_group_flush. */
sw_status sw_group_flush_journal(sw_group *group, sw_error *err);
/* The organization's counters; NULL with err filled when the store failed. */
sw_head *sw_group_head(sw_group *group, sw_str organization_id, sw_error *err);
/* They were changed, and are written when the group ends. */
void sw_group_head_moved(sw_group *group, sw_head *head);

/* Moves every sum that holds the step: sign +1 when it comes, -1 when it goes. */
sw_status sw_group_count(sw_group *group, const sw_step *step, int sign, sw_error *err);
/* Forgets what this group moved in the totals of a run that is being deleted. */
void sw_group_drop_run(sw_group *group, sw_str run_id);
/* Moves the histograms that hold the step's timings. */
sw_status sw_group_time(sw_group *group, const sw_step *step, const sw_step_metrics *metrics,
                        int sign, sw_error *err);

/* INVALID naming `field` unless the record exists and the organization may refer to it. */
sw_status sw_group_parent(sw_group *group, sw_record_id record, sw_str id, sw_str organization_id,
                          const char *field, sw_error *err);
/* Remembers a record that was just written. */
void sw_group_keep(sw_group *group, sw_record_id record, sw_str id, sw_str organization_id);
/* Whether it exists in the organization: OK or NOT_FOUND (anything else breaks the group). */
sw_status sw_group_known(sw_group *group, sw_record_id record, sw_str id, sw_str organization_id,
                         sw_error *err);
/* Gets a record by id if the organization may see it; else NOT_FOUND with the words for it. */
sw_status sw_group_get(sw_group *group, const sw_task *task, sw_record_id record, sw_str id,
                       void *out, sw_error *err);

/* ---- rules (rules.c) ----------------------------------------------------------------------------- */

sw_status sw__not_found(sw_record_id record, sw_str id, sw_error *err);
/* ILLEGAL_MOVE when the step was folded into another: only reading and deleting are left. */
sw_status sw__not_retired(const sw_step *step, sw_error *err);
/* A new id for the record, in the arena: the same again when the call is sent again under its key. */
sw_str sw__new_id(sw_group *group, sw_record_id record);
/* A new id that no repetition gives again. */
sw_str sw__fresh_id(sw_group *group, sw_record_id record);
/* Checks the shape of an id that a caller names. */
sw_status sw__check_id(sw_record_id record, sw_str id, const char *field, sw_error *err);
/* Token arithmetic, usage_state, stop_reason, cost: fills what follows, refuses what does not add up
 * (source api), or marks it inconsistent (the others). */
sw_status sw__step_rules(sw_step *step, sw_error *err);
/* Before the counts of `mask` join a stored row: what is stored is never null, so a 0 that nobody reported
 * becomes null again, and the total is what the parts will make it. */
void sw__forget_tokens(sw_step *row, uint64_t mask);
/* JSON and TAGS fields: the JSON value null becomes a null field, before the row is checked; white space
 * goes, after it was checked. */
void sw__row_nulls(sw_record_id record, void *row);
sw_status sw__row_minify(sw_record_id record, void *row, sw_arena *arena, sw_error *err);
enum { SW_DIGEST = 16 };
/* The digest of what was sent (digest.c): rows are added, then it is taken, 16 bytes in the arena; null
 * text: no memory. The tags stand for the names of fields. */
void sw__digest_tags(sw_ledger *ledger);
void sw__digest_row(sw_group *group, sw_record_id record, const void *row, uint64_t except);
sw_str sw__digest_take(sw_group *group);
/* Of the fields of a step that its caller gave (none of `given` is null), and of what the entry brings with it. */
sw_str sw__entry_digest(sw_group *group, const sw_step *step, uint64_t given,
                        const sw_step_entry *entry);
/* The digest of one row, and of bytes, outside a group. */
sw_str sw__row_digest_with(const sw_ledger *ledger, sw_buf *buf, sw_arena *arena,
                           sw_record_id record, const void *row, uint64_t except);
void sw__digest_bytes(const void *bytes, size_t len, char out[SW_DIGEST]);
/* The same outside a group: with a buffer and an arena of one's own. */
sw_str sw__entry_digest_with(const sw_ledger *ledger, sw_buf *buf, sw_arena *arena,
                             const sw_step *step, uint64_t given, const sw_step_entry *entry);

/* Sets outcome and returns its status. */
sw_status sw__verdict(sw_outcome *outcome, sw_verdict verdict, sw_status status,
                      const sw_error *err);
void sw__outcome_id(sw_outcome *outcome, sw_str id);
/* Everything but the id, which an argument of the call may point to. */
void sw__outcome_reset(sw_outcome *outcome);
/* What was asked for is so already: OK, with the organization's newest number. */
sw_status sw__unchanged(sw_group *group, const sw_task *task, sw_outcome *outcome, sw_error *err);
/* What was refused: a conflict, or rejected, as the status says. */
sw_status sw__refused(sw_outcome *outcome, sw_status status, const sw_error *err);

/* ---- the same again (again.c) -------------------------------------------------------------------- */

/* The answer of a create whose id (or another unique value, which err then names) is taken. `row` has
 * its digest; the words are the same for every record. */
sw_status sw__create_again(sw_group *group, const sw_task *task, sw_record_id record,
                           const void *row, sw_outcome *outcome, sw_error *err);
/* Whether the very same was created before: fine again, also when what it refers to has gone since. */
bool sw__was_created(sw_group *group, const sw_task *task, sw_record_id record, const void *row);
/* CONFLICT, in the words for an id that another organization holds. */
sw_status sw__not_available(sw_error *err);
bool sw__says_not_available(const sw_error *err);
/* The verdict when a unique index, which err names, refused a write. */
sw_status sw__name_taken(sw_outcome *outcome, sw_error *err);

/* ---- parts of a step (parts.c) ------------------------------------------------------------------- */

/* Checks, then writes. `prepare` fills rows in the arena and refuses; `write` must succeed. */
typedef struct sw_parts {
    sw_step_metrics *metrics; /* NULL: none */
    bool metrics_exist;
    sw_step_metrics old_metrics;
    sw_message *messages;
    bool *message_there;
    size_t message_count;
    sw_provider_trace *traces;
    bool *trace_there;
    size_t trace_count;
} sw_parts;
sw_status sw__parts_prepare(sw_group *group, const sw_task *task, const sw_step *step,
                            const sw_step_entry *entry, bool step_is_new, sw_parts *out,
                            sw_error *err);
sw_status sw__parts_write(sw_group *group, const sw_task *task, const sw_step *step,
                          sw_parts *parts, sw_error *err);
/* Where a step is told again as a whole: what others told of the call stays (telemetry_fill.c). */
sw_status sw__telemetry_keep(sw_group *group, const sw_step *old, sw_step *row, sw_error *err);
sw_status sw__telemetry_keep_times(sw_group *group, const sw_parts *parts, sw_error *err);
/* Whether parts_write would change anything. */
bool sw__parts_new(const sw_parts *parts);
/* One entry of the journal for each kind of thing that was added. */
sw_status sw__parts_tell(sw_group *group, const sw_task *task, const sw_step *step,
                         const sw_parts *parts, sw_outcome *outcome, sw_error *err);
/* Removes the body unless a message still shows it. */
sw_status sw__body_release(sw_group *group, sw_str organization_id, sw_str hash, sw_error *err);
/* Removes what goes along when an agent is deleted: timings leave the histograms, messages their bodies
 * and the tools of their runs. */
sw_status sw__agent_trail_remove(sw_group *group, sw_str agent_id, sw_error *err);
/* Writes a step that becomes another, and moves all that follows (change.c). `row` gets who and when; *seq
 * (may be NULL) the journal's number. */
sw_status sw_group_change_step(sw_group *group, const sw_task *task, const sw_step *old,
                               sw_step *row, sw_change what, int64_t *seq, sw_error *err);
/* The fields in which they differ. */
uint64_t sw__step_differs(const sw_step *a, const sw_step *b);
/* Run, provider and agent of a step's timings are the step's, where it has them; an agent only when it was
 * registered at the time (`new_agent`: this is the time). */
sw_status sw__metrics_links(sw_group *group, const sw_step *step, bool new_agent,
                            sw_step_metrics *row, sw_error *err);
/* Deletes the step with all that goes along (delete.c). */
sw_status sw__step_delete_in(sw_group *group, const sw_task *task, const sw_step *step,
                             int64_t *seq, sw_error *err);
/* Removes what was said and traced; the step, its sums and timings stay. `any`: there was something. */
sw_status sw__step_silence_in(sw_group *group, const sw_task *task, const sw_step *step, bool *any,
                              sw_error *err);
/* Removes the messages whose field `by` is `id`, with the bodies that no other shows. */
sw_status sw__messages_remove(sw_group *group, uint8_t by, sw_str id, sw_error *err);
/* What a deletion is asked with: of a step (delete.c) and of a run (run.c). */
typedef struct sw_delete_args {
    sw_str id;
    sw_outcome *outcome;
} sw_delete_args;
/* Gathers the rows of a scan, deep copies in the group's arena. */
typedef struct sw_rows {
    char *rows; /* `count` structs of the record, one after the other */
    size_t count;
} sw_rows;
sw_status sw_group_gather(sw_group *group, const sw_scan *scan, sw_rows *out, sw_error *err);
/* The first row that the scan finds, only scan->fields of it, text in the arena; NULL `out`: only whether there is
 * one. Where there is none, `out` is a row of nulls. */
sw_status sw__first(sw_session *session, const sw_scan *scan, sw_arena *arena, void *out,
                    bool *found, sw_error *err) SW_MUST_CHECK;
/* The same of the rows whose field equals the text, in any order. */
sw_status sw__first_of(sw_session *session, sw_record_id record, uint8_t field, sw_str text,
                       uint64_t fields, sw_arena *arena, void *out, bool *found,
                       sw_error *err) SW_MUST_CHECK;
/* The rows whose field equals the text. */
sw_status sw_group_gather_of(sw_group *group, sw_record_id record, uint8_t field, sw_str text,
                             sw_rows *out, sw_error *err);

/* ---- content (capture.c) ------------------------------------------------------------------------- */

/* Whether messages, previews, traces and contexts of the project's steps are kept. */
sw_status sw__captures(sw_group *group, sw_str organization_id, sw_str project_id, bool *captures,
                       sw_error *err);
/* Takes the previews from a row that must not keep them. */
sw_status sw__capture(sw_group *group, sw_step *row, sw_error *err);

/* ---- others -------------------------------------------------------------------------------------- */

/* Creates one of the records of records.c inside a group that is under way. */
sw_status sw__record_create_in(sw_group *group, const sw_task *task, sw_record_id record,
                               const void *sent, sw_outcome *outcome, sw_error *err);
/* How long an ended run took (run.c); null while it has not ended. */
sw_int sw__run_ns(const sw_run *run);
/* Leases that one group ends at the most. */
enum { SW_REAP_AT_ONCE = 500 };
/* Whether a lease has run out (lease.c; on the writer's own session, which waits for no reader); and ends such steps inside a group. */
sw_status sw__lease_due(sw_ledger *ledger, bool *due, sw_error *err);
sw_status sw__reap(sw_group *group, sw_task *task, sw_error *err);
/* A secret's stand-in where it must be recognized but not kept: a hash under the ledger's key. */
sw_status sw__secret_mark(const sw_ledger *ledger, sw_str secret, sw_arena *arena, sw_str *out,
                          sw_error *err);
/* The key that secrets are sealed under (secret_key.c): as the caller or the environment says; else from the file
 * beside the store, which is made when there is none. */
sw_status sw__secret_key_given(sw_ledger *ledger, const sw_ledger_options *options, sw_error *err);
sw_status sw__secret_key_beside(sw_ledger *ledger, sw_error *err);
/* Seals and opens secrets (seal.c); text in the arena. */
sw_status sw__seal(const sw_ledger *ledger, sw_str secret, sw_arena *arena, sw_str *out,
                   sw_error *err);
sw_status sw__unseal(const sw_ledger *ledger, sw_str sealed, sw_arena *arena, sw_str *out,
                     sw_error *err);

#endif
