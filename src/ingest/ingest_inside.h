/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of ingest*.c share: traces that are warm, and a write in the making.
 *
 * A unit is a trace of one organization and project whose spans are held in memory while more may come. Whoever
 * works on a unit takes a copy of its list (the spans' bytes stay where they are until nobody works on it),
 * computes and writes without any lock, and says when he is done. When two worked on it at once, or spans came
 * meanwhile, the unit is dirty: it is computed once more, later, from all. So nobody ever waits for anybody, and
 * the last word is always that of a computation that saw everything.
 */
#ifndef SW_INGEST_INSIDE_H
#define SW_INGEST_INSIDE_H

#include "ingest/event.h"
#include "ingest/ingest.h"
#include "ingest/trace.h"
#include "ledger/telemetry.h"
#include "model/model.h"

enum { INGEST_UNIT = OTLP_TRACE_ID, INGEST_SOURCE = 16 };

typedef struct ingest_source {
    uint8_t digest[INGEST_SOURCE];
    sw_str body;
} ingest_source;

/* Drawn, so that nobody who sends knows where his ids fall (ingest_hash.c). */
typedef struct ingest_key {
    uint8_t bytes[16];
} ingest_key;
void ingest_draw_key(ingest_key *out);
uint64_t ingest_hash(const ingest_key *key, const void *data, size_t len);

/* Places of sources by digest, from 1; size is a power of two, or 0 when they are few. */
typedef struct ingest_index {
    const ingest_key *key;
    uint32_t *slots;
    uint32_t size;
} ingest_index;

/* A span or log record as it is kept. A record has a digest of its content as id, of which `rest` is the second
 * half, and the span it names as parent. */
typedef struct ingest_item {
    uint8_t span_id[OTLP_SPAN_ID];
    uint8_t rest[INGEST_SOURCE - OTLP_SPAN_ID];
    uint8_t parent_id[OTLP_SPAN_ID];
    bool is_log;
    uint32_t source; /* place among the sources beside it */
    int32_t attributes;
    int64_t start_ns;
    int64_t end_ns;
    int64_t received_us;
    sw_str body;
} ingest_item;

/* Spans with their sources: of an export, of a unit, or read back from the store. */
typedef struct ingest_items {
    ingest_item *at;
    uint32_t count;
    const ingest_source *sources;
    uint32_t source_count;
} ingest_items;

/* What was last written under an id: a digest of the content, so that the same is not written again. */
typedef struct ingest_written {
    uint64_t id;      /* 0: free */
    uint64_t content; /* 0: deleted */
} ingest_written;

/* All that was written of a unit, when work on it began. */
typedef struct ingest_memo {
    const ingest_key *key;
    const ingest_written *at;
    uint32_t size; /* a power of two, or 0 */
} ingest_memo;

typedef struct ingest_parcel ingest_parcel;
typedef struct ingest_tenant ingest_tenant;

typedef struct ingest_unit {
    struct ingest_unit *next_in_slot;
    struct ingest_unit *newer; /* of the tenant, by when something came last */
    struct ingest_unit *older;
    struct ingest_unit *next_dirty; /* of the tenant, by when they became so */
    struct ingest_unit *last_dirty;
    ingest_tenant *tenant;
    uint64_t hash;
    uint8_t id[INGEST_UNIT];
    ingest_item *items;
    uint32_t count, room;
    uint32_t *slots; /* of items by span id; size is a power of two, 0 when there are few */
    uint32_t slot_count;
    ingest_source *sources;
    uint32_t source_count, source_room;
    ingest_index by_digest; /* of sources */
    ingest_parcel *parcels; /* the bytes of items and sources */
    ingest_written *written;
    uint32_t written_count, written_size;
    size_t bytes;      /* all that it holds */
    uint64_t version;  /* moves when items come */
    uint64_t computed; /* the version of which all was computed and written */
    uint32_t workers;
    bool crowded; /* two worked at once: what is in `written` may not be so */
    bool partial; /* its spans are gone: it was frozen */
    bool
        bare; /* what came before lies in the store alone: it was marked by somebody else, or is heavy */
    bool heavy;   /* with an export only near spans are computed, and as a whole it is seldom */
    bool at_once; /* when it began, its tenant had sent no spans: its records wait for none */
    bool dirty;
    bool waits;       /* a run of it ends by silence, or a record of it waits for its span */
    bool spanless;    /* a record does */
    bool marked;      /* in the store, as far as is known here */
    int64_t dirty_us; /* monotonic: since when */
    int64_t came_us;  /* monotonic: when something came last */
    int64_t last_us;  /* wall: the same */
    int64_t whole_us; /* monotonic: when it was last computed as a whole, or that failed */
    int64_t took_us;  /* how long that took */
    uint32_t failed;  /* so often in a row */
} ingest_unit;

/* An organization and project, so that they take turns. */
struct ingest_tenant {
    ingest_tenant *next;
    sw_str organization_id;
    sw_str project_id; /* null: none */
    ingest_unit *newest;
    ingest_unit *oldest;
    ingest_unit *first_dirty;
    ingest_unit *end_dirty;
    size_t units;
    size_t bytes;
    bool sends_spans; /* since this process began */
};

struct sw_ingest {
    sw_allocator allocator;
    sw_ingest_options options;
    sw_ledger *ledger;
    sw_clock clock;
    ingest_key key;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    ingest_unit **slots;
    size_t slot_count;
    size_t units;
    size_t bytes;
    ingest_tenant *tenants;
    ingest_tenant *turn; /* whose it is next */
    sw_ingest_load load;
    bool closing;
    bool running;
    pthread_t thread;
    int64_t polled_us; /* monotonic: of the thread alone */
    int64_t
        looked_us; /* wall: marks up to here were looked at in this round; of the thread alone */
    int64_t pruned_us;
};

/* ---- warm units (ingest_unit.c); the lock is held ------------------------------------------------- */

ingest_tenant *ingest_tenant_of(sw_ingest *in, sw_str organization_id, sw_str project_id);
ingest_unit *ingest_find(sw_ingest *in, const ingest_tenant *tenant, const uint8_t *id);
/* Makes it; NULL: no memory. */
ingest_unit *ingest_make(sw_ingest *in, ingest_tenant *tenant, const uint8_t *id);
/* Adds spans by the rule of E.8. `duplicates` counts those that were there, or stood behind a better one. False: no
 * memory, nothing was added. */
bool ingest_add(sw_ingest *in, ingest_unit *unit, const ingest_items *items, int64_t *duplicates);
void ingest_touch(sw_ingest *in, ingest_unit *unit);
void ingest_dirty(sw_ingest *in, ingest_unit *unit, bool dirty);
/* Makes room: units that waited longest of the tenant that holds most. */
void ingest_evict(sw_ingest *in);
void ingest_forget(sw_ingest *in, ingest_unit *unit);
/* A copy of the unit's lists, to work on; ingest_done gives them back. False: no memory. */
bool ingest_take(const sw_ingest *in, const ingest_unit *unit, sw_arena *arena, ingest_items *out,
                 ingest_memo *memo);
/* What was written under the id; 0: nothing that is known of. */
uint64_t ingest_recall(const ingest_memo *memo, uint64_t id);
void ingest_note(sw_ingest *in, ingest_unit *unit, uint64_t id, uint64_t content);
void ingest_free_units(sw_ingest *in);
/* Counts bytes that a unit holds more and less. */
void ingest_weigh(sw_ingest *in, ingest_unit *unit, size_t more, size_t less);
/* Frees what the unit holds (ingest_warm.c). */
void ingest_empty(sw_ingest *in, ingest_unit *unit);
/* Copies a text to `at`; null stays null. Where the next one may stand. */
char *ingest_put_text(char *at, sw_str text, sw_str *out);

/* ---- sources by digest (ingest_source.c) ----------------------------------------------------------- */

/* How large an index of so many is. */
uint32_t ingest_index_size(uint32_t count);
void ingest_index_add(ingest_index *index, const ingest_source *sources, uint32_t place);
/* The place of the source, or the count. */
uint32_t ingest_index_find(const ingest_index *index, const ingest_source *sources, uint32_t count,
                           const uint8_t digest[INGEST_SOURCE]);
/* Moves it to these slots, which are zeroed. */
void ingest_index_fill(ingest_index *index, uint32_t *slots, uint32_t size,
                       const ingest_source *sources, uint32_t count);
/* Room for one more. False: no memory. */
bool ingest_index_fit(ingest_index *index, sw_arena *arena, const ingest_source *sources,
                      uint32_t count);

/* ---- reading and keeping (ingest_keep.c) ----------------------------------------------------------- */

/* How it is computed. */
typedef struct ingest_how {
    bool quiet;   /* nothing came for long */
    bool at_once; /* no record waits for its span: none are sent, or it was long enough */
    bool lean;    /* what steps were sent is left out: all of them were written with it */
} ingest_how;

/* Spans of one trace within an export. */
typedef struct ingest_group {
    uint8_t id[INGEST_UNIT];
    ingest_items items;
    ingest_unit *unit;
    uint64_t version;
    ingest_items work; /* what is computed of it */
    ingest_memo memo;
    bool whole; /* `work` is all of the unit */
    bool alone; /* nobody else worked on it when this began */
    ingest_how how;
    trace_result result;
    size_t note_from, note_to; /* among those of the plan */
} ingest_group;

typedef struct ingest_read {
    sw_arena *arena;
    ingest_group *groups;
    size_t group_count;
    ingest_source *sources; /* of all groups */
    uint32_t source_count;
    sw_raw_item *loose; /* records that tell nothing: kept, and not looked at again */
    size_t loose_count;
    bool logs; /* records, not spans */
    int64_t accepted;
    int64_t rejected;
    int64_t now_us;
} ingest_read;

/* Spans or log records; loose ones are those of the actor's project. */
sw_status ingest_read_export(sw_ingest *in, otlp_signal signal, otlp_wire wire, sw_str body,
                             const sw_actor *actor, ingest_read *out, sw_error *err) SW_MUST_CHECK;
/* The digest by which a source is known. */
void ingest_digest(sw_str body, uint8_t out[INGEST_SOURCE]);

/* ---- computing and writing (ingest_compute.c, ingest_plan.c, ingest_write.c) ----------------------- */

sw_status ingest_compute(sw_ingest *in, const ingest_tenant *tenant, const ingest_items *items,
                         ingest_how how, sw_arena *arena, trace_result *out,
                         sw_error *err) SW_MUST_CHECK;

/* A content that will have been written once the plan is. */
typedef struct ingest_note_of {
    uint64_t id;
    uint64_t content;
} ingest_note_of;

/* What is to be written, for any number of units of one tenant. */
typedef struct ingest_plan {
    sw_arena *arena;
    sw_str *agents;
    sw_raw_source *sources;
    sw_raw_item *items;
    sw_run *runs;
    sw_telemetry_step *steps;
    sw_telemetry_fold *folds;
    sw_step_alias *aliases;
    sw_raw_trace *marks;
    ingest_note_of *notes;
    size_t agent_count, source_count, item_count, run_count, step_count, fold_count, alias_count,
        mark_count, note_count;
    size_t agent_room, source_room, item_room, run_room, step_room, fold_room, alias_room,
        mark_room, note_room;
    bool *was_there; /* of items, when it was written; NULL: nobody asks */
    int64_t created, restated, retired;
    int64_t refused; /* rows that were left out */
    char why[300];   /* of the first */
} ingest_plan;

/* Adds what of the result was not written yet. False: no memory. */
bool ingest_plan_result(ingest_plan *plan, const ingest_memo *memo, const trace_result *result);
bool ingest_plan_raw(ingest_plan *plan, const ingest_tenant *tenant, const uint8_t *unit,
                     const ingest_items *items);
bool ingest_plan_mark(ingest_plan *plan, const ingest_tenant *tenant, const uint8_t *unit,
                      sw_int marked_at, sw_int last_at);
/* The id under which a run is noted. */
uint64_t ingest_run_note(const ingest_memo *memo, sw_str run_id);
/* As many transactions as it takes, one if it fits. A row that the ledger refuses is left out and logged. */
sw_status ingest_write(sw_ingest *in, const sw_actor *actor, ingest_plan *plan,
                       sw_error *err) SW_MUST_CHECK;

/* ---- in the background (ingest_settle.c) ------------------------------------------------------------ */

/* Takes the next unit that is due (all: any dirty one), computes and writes it. *did: there was one. Says of each unit
 * once that it failed. */
sw_status ingest_step(sw_ingest *in, bool all, bool *did, sw_error *err) SW_MUST_CHECK;
/* Units that are marked in the store and unknown here become dirty units. All: however many, and however short ago
 * they were marked: at the start, when nobody else works on them. Else so few that it can be done often, each time
 * those behind the last ones. */
sw_status ingest_poll(sw_ingest *in, bool all, size_t *found, sw_error *err) SW_MUST_CHECK;
/* Units in which nothing happened for long: their runs end, and they leave the memory. */
void ingest_sweep(sw_ingest *in);
bool ingest_is_closing(sw_ingest *in);
void ingest_prune(sw_ingest *in);
/* Spans of a unit from the store, and its row there (zeroed: none). Of a frozen unit, of which spans are gone, none
 * are read. */
sw_status ingest_load_items(sw_ingest *in, const ingest_tenant *tenant, const uint8_t *unit,
                            sw_arena *arena, ingest_items *out, sw_raw_trace *row,
                            sw_error *err) SW_MUST_CHECK;
/* Fills in what take_near goes by, which whoever computes a whole unit does without. */
sw_status ingest_name_parents(ingest_items *items, sw_arena *arena, sw_error *err) SW_MUST_CHECK;
/* The row alone. */
sw_status ingest_load_row(sw_ingest *in, const ingest_tenant *tenant, const uint8_t *unit,
                          sw_raw_trace *row, sw_error *err) SW_MUST_CHECK;
/* A run for which no span says the end, or a record without its span: silence will say more. */
bool ingest_goes_on(const trace_result *result);
/* A run that the unit was seen in before, and is no more. */
bool ingest_has_ghosts(const ingest_memo *memo, const trace_result *result);
/* Work on a unit begins, and ends: `whole`: all of `version` was computed and written. The lock is held. */
void ingest_begin(ingest_unit *unit, bool *alone);
void ingest_done(sw_ingest *in, ingest_unit *unit, uint64_t version, bool whole, bool alone);
void *ingest_run(void *arg);

/* ---- the same call told twice (ingest_names.c) -------------------------------------------------------- */

/* Looks up the other names of the result's steps (telemetry.md E.5): where another step has one, the less trusted
 * of the two is folded into the other. */
sw_status ingest_join_names(sw_ingest *in, const sw_actor *actor, trace_result *result,
                            sw_arena *arena, sw_error *err) SW_MUST_CHECK;
bool ingest_has_names(const trace_result *result);

void ingest_log(sw_ingest *in, int level, const char *format, ...) SW_PRINTF(3, 4);
static inline bool ingest_keeps(const sw_ingest *in)
{
    return in->options.keep_days > 0;
}

#endif
