/* SPDX-License-Identifier: Apache-2.0 */
/* What whoever operates a ledger asks besides: what models cost and computing costs again, removing much, proving
 * that totals equal the rows, what the ledger is, copies of it. The rules of stepwell/ledger.h hold here too; that
 * header brings this one along.
 */
#ifndef STEPWELL_OPERATE_H
#define STEPWELL_OPERATE_H

#include "stepwell/ledger.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- prices -------------------------------------------------------------------------------------- */

/* A step whose caller did not say what it cost is priced when it is written, and again whenever something changes that
 * its cost depends on: by the organization's own prices (records of their own, sw_record_create), else by list prices
 * that are compiled in. A price that changes changes no step; a repricing does.
 */
SW_API size_t sw_list_price_count(void);
/* List price i as a row without organization; its text lives for ever. */
SW_API void sw_list_price(size_t i, sw_price *out);
/* Whether the price is for models of this name. */
SW_API bool sw_price_fits(const sw_price *price, sw_str model);
/* The price that would hold for such a step: of provider_name, model_handle, model, created_at, service_tier and
 * prompt_tokens. NOT_FOUND: nobody knows one.
 */
SW_API sw_status sw_price_of(sw_ledger *ledger, const sw_actor *actor, const sw_step *step,
                             sw_memory *memory, sw_price *out, sw_error *err) SW_MUST_CHECK;

/* The price with that id, the organization's or a listed one. NOT_FOUND: it is not there (any more). */
SW_API sw_status sw_price_named(sw_ledger *ledger, const sw_actor *actor, sw_str id,
                                sw_memory *memory, sw_price *out, sw_error *err) SW_MUST_CHECK;

/* Steps of a provider's model of which some have no cost; text lives until the callback returns. */
typedef struct sw_unknown_cost {
    sw_str provider_name; /* null: not said */
    sw_str model;         /* null: not said */
    sw_totals totals;     /* of all its steps; cost_unknown of them have none */
    sw_cost_gap why;
} sw_unknown_cost;
typedef bool sw_unknown_cost_each(void *arg, const sw_unknown_cost *unknown);
/* Those of steps that began at `from` or later and before `to` (null: all), sorted. `complete` false: there are more steps
 * than one question reads. */
SW_API sw_status sw_unknown_costs(sw_ledger *ledger, const sw_actor *actor, sw_int from, sw_int to,
                                  sw_unknown_cost_each *each, void *arg, bool *complete,
                                  sw_error *err) SW_MUST_CHECK;

typedef struct sw_reprice_query {
    sw_int from; /* steps that began then or later; null: all */
    sw_int to;   /* and before this; null: all */
    bool dry_run;
    sw_str reason; /* for the journal; needed unless dry_run */
} sw_reprice_query;

/* How far it got, over all calls so far. */
typedef struct sw_reprice_end {
    int64_t steps;   /* looked at */
    int64_t given;   /* of them: said by their callers, passed over */
    int64_t changed; /* cost or price_id */
    int64_t found;   /* of them: had no cost and have one */
    int64_t lost;    /* of them: had one and have none */
    int64_t unknown; /* still without cost */
    int64_t before_nano_usd;
    int64_t after_nano_usd;
    bool done;
    int64_t last_us; /* where the next call goes on */
    char last_id[SW_ID_MAX];
} sw_reprice_end;

/* The sums of sw_reprice_end and what they are called in answers. */
typedef struct sw_reprice_sum {
    const char *name;
    size_t offset; /* of an int64_t */
} sw_reprice_sum;
enum { SW_REPRICE_SUMS = 8 };
SW_API const sw_reprice_sum *sw_reprice_sums(void);

/* Computes costs again, for some hundred steps; call it with the same `end`, zeroed first, until end->done. What was
 * done stays done when a later call fails.
 */
SW_API sw_status sw_reprice(sw_ledger *ledger, const sw_actor *actor, const sw_reprice_query *query,
                            sw_reprice_end *end, sw_error *err) SW_MUST_CHECK;

/* ---- removing much ------------------------------------------------------------------------------ */

/* Steps that go, or of which only what was said goes, some at a time, so that no other writer waits for long.
 * Call it until `more` is false; the counts add up over the calls. */
typedef struct sw_removal {
    const sw_condition *conditions; /* over step's fields; of the actor's organization */
    size_t condition_count;
    /* Messages become mute, traces and prompts go; steps, sums and timings stay. */
    bool payload_only;
    int64_t limit; /* steps a call looks at; 0: 200 */
    /* The place where the next call goes on; zeroed at first. */
    int64_t after_us;
    char after[SW_ID_MAX];
    int64_t looked;
    int64_t removed; /* steps that went, or that had something to say */
    bool more;
} sw_removal;
/* Each step that goes is deleted as by sw_step_delete; raw telemetry of its trace goes along. */
SW_API sw_status sw_steps_remove(sw_ledger *ledger, const sw_actor *actor, sw_removal *removal,
                                 sw_error *err) SW_MUST_CHECK;

/* What erase is told to erase: a person the agents worked for, a conversation, or the actor's whole
 * organization with everything that is its own (RESTRICTED for the default one). */
typedef enum sw_erase_of {
    SW_ERASE_END_USER,
    SW_ERASE_CONVERSATION,
    SW_ERASE_ORGANIZATION
} sw_erase_of;
/* Removes all of it, in many small writes; sent again after it was interrupted it goes on. `progress` may be NULL.
 * NOT_FOUND: there is nothing of that name. What was removed is in no answer any more; that no byte of it is left in
 * a file takes a vacuum, and copies of the file are their keeper's. Raw log records that say
 * the person's name, or what the sender of a conversation calls it, go with all of their session. */
SW_API sw_status sw_erase(sw_ledger *ledger, const sw_actor *actor, sw_erase_of of, sw_str value,
                          void (*progress)(void *arg, int64_t steps), void *arg, int64_t *steps,
                          sw_error *err) SW_MUST_CHECK;

/* ---- proof -------------------------------------------------------------------------------------- */

/* One difference: where, what was found, what the rows say. */
typedef struct sw_difference {
    /* "rollup", "run", "reference", "life cycle", "journal", "histogram", "delivery", "value",
     * "store" */
    const char *kind;
    const char *where; /* e.g. "usage_project_days org-… 2026-11-22 …" */
    const char *what;  /* e.g. "total_tokens is 12, the rows say 15" */
} sw_difference;
typedef struct sw_verify_options {
    void (*difference)(void *arg, const sw_difference *difference); /* NULL: only count */
    void (*progress)(void *arg, int64_t done, int64_t total);       /* NULL: none; steps */
    void *arg;
} sw_verify_options;
typedef struct sw_verify_end {
    int64_t steps;
    int64_t runs;
    int64_t cells;
    int64_t entries; /* of the journal */
    int64_t differences;
} sw_verify_end;
/* Recomputes every rollup and every run's totals, tools and duration from the rows, checks references and
 * what was inherited along them, what agents and conversations remember, the journal and the life cycle
 * (promise P8), on one snapshot. DIFFERS when anything is not as it should be.
 */
SW_API sw_status sw_verify(sw_ledger *ledger, const sw_verify_options *options, sw_verify_end *end,
                           sw_error *err) SW_MUST_CHECK;

/* What the ledger is and holds. Steps, runs and entries come from sums; organizations and pending steps are
 * counted, up to SW_LIMIT_LOOK_ROWS of each: `bounded` says that there may be more. */
typedef struct sw_ledger_info {
    char store[16];
    char path[512];
    int32_t schema_version;
    int64_t file_bytes;
    int64_t organizations;
    int64_t steps;
    int64_t runs;
    int64_t pending_steps;
    int64_t journal_entries; /* upper bound: the sum of the organizations' last numbers */
    bool organizations_bounded;
    bool pending_steps_bounded;
} sw_ledger_info;
SW_API sw_status sw_ledger_info_get(sw_ledger *ledger, sw_ledger_info *out, sw_error *err);

/* Copies the ledger as of one moment into a new file; others read and write meanwhile. CONFLICT: it is there
 * already; UNSUPPORTED: a ledger in memory. The key that seals secrets is not in it. `progress` may be NULL. */
SW_API sw_status sw_ledger_backup(sw_ledger *ledger, const char *path,
                                  void (*progress)(void *arg, int64_t done, int64_t total),
                                  void *arg, sw_error *err) SW_MUST_CHECK;
/* Gives the room of what was removed back to the disk, and what was removed is in the file no more. Needs room for
 * another copy; writers wait until it is done. UNSUPPORTED: a ledger in memory. */
SW_API sw_status sw_ledger_vacuum(sw_ledger *ledger, sw_error *err) SW_MUST_CHECK;

/* ---- from one store into another ------------------------------------------------------------------ */

/* Every record of one ledger into a store that is empty, whatever kind the two are; each row of both is compared in
 * the end, and the copy proved (sw_verify). What others write to the source meanwhile is not copied; its journal entries are
 * counted. Row numbers (`pk`) are the target's own. When it
 * is interrupted, the same call goes on; until it has ended the target opens for nobody (CONFLICT). */
typedef struct sw_migrate_options {
    const char *from; /* stores, as sw_ledger_options names them; not NULL */
    const char *to;
    const sw_allocator *allocator;
    /* Rows copied or compared; then, proving, steps. NULL: none. */
    void (*progress)(void *arg, const char *doing, int64_t done, int64_t total);
    void (*difference)(void *arg, const sw_difference *difference); /* NULL: only count */
    void *arg;
} sw_migrate_options;

typedef struct sw_migrate_end {
    char from[560]; /* what the stores are, without a password; "" until they were opened */
    char to[560];
    int64_t records;
    int64_t steps;
    int64_t copied;      /* by this call; the others were there from one that was interrupted */
    int64_t compared;    /* records, each of them in every field */
    int64_t differences; /* between the two stores */
    int64_t missed;      /* journal entries that others wrote to the source meanwhile: not copied */
    bool proved;         /* the copy was compared and verified, and `verified` is of it */
    bool
        as_source; /* it does not add up, in as many things as the source: it is as true, and released */
    sw_verify_end verified;
} sw_migrate_end;

/* `err->field` "from" or "to" says which of the two it is about. CONFLICT: the target holds a ledger, or half of
 * another migration; or the source was written to since the half began, or is itself one. DIFFERS: the stores do, and the
 * target stays a half; or, with `proved`, the copy does not add up, and stays a half unless `as_source`. UNSUPPORTED: a
 * ledger in memory. */
SW_API sw_status sw_migrate(const sw_migrate_options *options, sw_migrate_end *end,
                            sw_error *err) SW_MUST_CHECK;

/* ---- sums of rows that somebody else wrote ---------------------------------------------------------- */

typedef struct sw_resum_end {
    int64_t organizations, steps, runs, messages;
    int64_t moved;    /* sums that were not what the rows say */
    int64_t new_runs; /* that had no totals */
} sw_resum_end;

typedef void sw_resum_progress(void *arg, int64_t done);

/* Makes every sum, histogram and total what the rows say, in one group: others read what was before until all of it is
 * there. An organization of which anything moved gets one entry of the journal. The
 * progress is told of rows. */
SW_API sw_status sw_resum(sw_ledger *ledger, sw_resum_progress *progress, void *arg,
                          sw_resum_end *end, sw_error *err) SW_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
