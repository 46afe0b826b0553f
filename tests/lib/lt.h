/* SPDX-License-Identifier: Apache-2.0 */
/* What every test of the ledger begins with: a fresh ledger on each store, two organizations, short ways
 * to write and read a record, and checks that say what was found. Knows the ledger by its public header
 * and by the doors for tests (clock, random source, reaper), nothing of how it works.
 *
 * Stores: those named in STEPWELL_STORES, separated by blanks, else "memory:" and "sqlite:" (a new
 * file for each test); "postgres" starts a server and takes a new schema for each test. How much: STEPWELL_TEST_LEVEL is quick, normal or deep.
 */
#ifndef TEST_LT_H
#define TEST_LT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/testing.h"
#include "tests/lib/rows.h"

enum { LT_CLOCK = 1, LT_DISK = 2, LT_CLOSED = 4, LT_KEEPS = 8 };

typedef struct lt {
    const char *store; /* as named: "memory:" */
    char url[600];
    char dir[300]; /* of the file, empty in memory */
    bool on_disk;
    bool keeps; /* what is written outlives the handle */
    unsigned flags;
    sw_ledger_options options;
    sw_ledger *ledger;
    sw_memory *memory;
    pool *pool;
    sw_error err;
    sw_actor a, b;      /* of two organizations */
    sw_actor operator_; /* sees everything */
    int64_t wall, mono; /* the clock of LT_CLOCK tests */
    sw_clock clock;
} lt;

/* LT_CLOCK: time stands still until the test moves it, nobody reaps by himself. LT_DISK: only where
 * there is a file. LT_KEEPS: only where what is written outlives the process. LT_CLOSED: the test opens the
 * ledger. */
typedef struct lt_case {
    const char *name;
    void (*run)(lt *t);
    unsigned flags;
} lt_case;

/* Runs each case on each store; an argument is a pattern of names. Returns what main returns. */
int lt_main(const char *program, const lt_case *cases, size_t count, int argc, char **argv);
#define LT_MAIN(PROGRAM, CASES)                                                                    \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return lt_main(PROGRAM, CASES, sizeof(CASES) / sizeof((CASES)[0]), argc, argv);            \
    }

int64_t lt_level(int64_t quick, int64_t normal, int64_t deep);

sw_status lt_try_open(lt *t); /* with t->options, into t->ledger */
void lt_open(lt *t);
void lt_close(lt *t);
void lt_reopen(lt *t);
void lt_organizations(lt *t);         /* makes those of t->a and t->b */
void lt_next_store(lt *t, int64_t n); /* of a closed ledger that keeps: another, empty place */
void lt_empty(lt *t);                 /* of a closed ledger: the next one opened is empty */
void lt_advance(lt *t, int64_t wall_seconds, int64_t mono_seconds);

/* ---- checks: the call is made once, and what it answered is shown ------------------------------- */

void lt_check(sw_status got, sw_status want, const sw_error *err, const char *call,
              const char *file, int line);
#define OK(CALL) lt_check((CALL), SW_STATUS_OK, &t->err, #CALL, __FILE__, __LINE__)
#define IS(STATUS, CALL) lt_check((CALL), (STATUS), &t->err, #CALL, __FILE__, __LINE__)
#define SAY(...) lt_fail(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void lt_fail(const char *file, int line, const char *format, ...) SW_PRINTF(3, 4);
#define CHECK(COND) ((COND) ? (void)0 : SAY("not so: %s", #COND))
void lt_check_int(int64_t got, int64_t want, const char *what, const char *file, int line);
#define SAME(GOT, WANT) lt_check_int((int64_t)(GOT), (int64_t)(WANT), #GOT, __FILE__, __LINE__)
void lt_check_text(sw_str got, const char *want, const char *what, const char *file, int line);
#define TEXT(GOT, WANT) lt_check_text((GOT), (WANT), #GOT, __FILE__, __LINE__) /* NULL: null */
void lt_check_row(sw_record_id record, const void *got, const void *want, uint64_t ignore,
                  const char *file, int line);
#define SAME_ROW(RECORD, GOT, WANT, IGNORE)                                                        \
    lt_check_row((RECORD), (GOT), (WANT), (IGNORE), __FILE__, __LINE__)
void lt_check_outcome(sw_outcome got, sw_verdict verdict, const char *file, int line);
#define VERDICT(OUTCOME, WANT) lt_check_outcome((OUTCOME), SW_VERDICT_##WANT, __FILE__, __LINE__)
/* The error's field or message holds `word`. */
bool lt_names(const sw_error *err, const char *word);
#define NAMES(ERR, WORD)                                                                           \
    (lt_names((ERR), (WORD))                                                                       \
         ? (void)0                                                                                 \
         : SAY("'%s' is not named: field '%s', %s", (WORD), (ERR)->field, (ERR)->message))

/* ---- writing ------------------------------------------------------------------------------------ */

sw_str lt_id(lt *t, const char *prefix, unsigned n);
sw_str lt_organization(lt *t, const sw_actor *actor, unsigned n); /* makes one; its id */
sw_actor lt_actor(lt *t, unsigned n);                             /* of organization n */
sw_str lt_agent(lt *t, const sw_actor *actor, unsigned n);
sw_str lt_provider(lt *t, const sw_actor *actor, unsigned n);
sw_str lt_run(lt *t, const sw_actor *actor, unsigned n, sw_str agent_id);
/* A plain successful step: model "m", 10 + 5 tokens, at LT_TIME + n seconds. Not yet logged. */
#define LT_TIME INT64_C(1763798400000000) /* 2025-11-22 08:00:00 UTC */
sw_step lt_step(lt *t, unsigned n);
sw_step lt_pending(lt *t, unsigned n);
/* Logs one and expects it to be created; or answers what became of it, with the error in t->err. */
sw_outcome lt_log(lt *t, const sw_actor *actor, const sw_step *step);
sw_outcome lt_log_entry(lt *t, const sw_actor *actor, const sw_step_entry *entry);
sw_outcome lt_try(lt *t, const sw_actor *actor, const sw_step_entry *entry);
sw_message lt_message(lt *t, unsigned n, const char *text);
sw_provider_trace lt_trace(lt *t, unsigned n);

/* ---- reading ------------------------------------------------------------------------------------ */

sw_step lt_get(lt *t, const sw_actor *actor, sw_str step_id);
sw_step_metrics lt_metrics(lt *t, const sw_actor *actor, sw_str step_id);
sw_run lt_get_run(lt *t, const sw_actor *actor, sw_str run_id);
sw_run_metrics lt_run_metrics(lt *t, const sw_actor *actor, sw_str run_id);
bool lt_there(lt *t, const sw_actor *actor, sw_record_id record, sw_str id);

typedef struct lt_rows {
    sw_record_id record;
    void **at;
    size_t count, room;
    pool *pool;
    sw_list_end end;
} lt_rows;
/* Copies of all rows of the list. */
lt_rows lt_list(lt *t, const sw_actor *actor, sw_record_id record, const sw_list_query *query);
lt_rows lt_journal(lt *t, const sw_actor *actor, int64_t after);
bool lt_collect(void *rows, const void *row); /* an sw_each */
sw_str lt_row_id(const lt_rows *rows, size_t i);
sw_list_query lt_where(const sw_condition *conditions, size_t count);
int64_t lt_head(lt *t, const sw_actor *actor);

typedef struct lt_groups {
    sw_usage_group *at;
    size_t count, room;
    pool *pool;
    sw_usage_end end;
} lt_groups;
lt_groups lt_usage(lt *t, const sw_actor *actor, const sw_usage_query *query);
sw_totals lt_total(lt *t, const sw_actor *actor); /* of all steps */

/* verify finds nothing; what it finds is printed. */
void lt_clean(lt *t, const char *file, int line);
#define CLEAN() lt_clean(t, __FILE__, __LINE__)

/* ---- chance ------------------------------------------------------------------------------------- */

typedef struct lt_rng {
    uint64_t state;
} lt_rng;
/* STEPWELL_TEST_SEED, else from the clock; printed. */
lt_rng lt_seed(const char *what);
uint64_t lt_next(lt_rng *rng);
unsigned lt_below(lt_rng *rng, unsigned bound);
bool lt_one_in(lt_rng *rng, unsigned n);

#endif
