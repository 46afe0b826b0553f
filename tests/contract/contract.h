/* SPDX-License-Identifier: Apache-2.0 */
/* What the store contract's tests stand on: a fresh store with a writer and a reader, rows that fit into
 * it, and pictures of everything it holds. Each test gets its own; at its end all memory must have been
 * given back.
 */
#ifndef TESTS_CONTRACT_H
#define TESTS_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store.h"
#include "tests/lib/rowgen.h"

/* An allocator that counts what is out, and can be told to fail the n-th call from now. */
typedef struct ct_memory {
    sw_allocator face;
    atomic_int_fast64_t out;     /* blocks handed out and not given back */
    atomic_int_fast64_t fail_in; /* calls until the failure; 0: never */
    bool failed;
} ct_memory;
void ct_memory_init(ct_memory *memory);
void ct_memory_fail_in(ct_memory *memory, int64_t calls); /* also clears `failed` */

/* Ids of rows in the store that new rows may refer to. */
enum { CT_IDS = 32 };
typedef struct ct_ids {
    sw_str at[SW_RECORD_COUNT][CT_IDS];
    size_t count[SW_RECORD_COUNT];
} ct_ids;

typedef struct contract {
    const char *scheme; /* "memory", "sqlite", "postgres", or a whole URL */
    char folder[512];   /* of the file, when there is one */
    char url[600];
    ct_memory memory;
    sw_store *store;
    sw_session *writer;
    sw_session *reader;
    sw_arena arena; /* of the test's rows */
    rowgen gen;
    ct_ids pool;
} contract;

/* cmocka's set-up and tear-down; *state is the URL or scheme before and the contract after. */
int ct_setup(void **state);
int ct_teardown(void **state);
/* The same without cmocka, for tests that need two stores. */
void ct_open(contract *ct, const char *scheme, uint64_t seed);
void ct_close(contract *ct);
/* Closes the store and opens it again (a store without a file keeps nothing). */
void ct_reopen(contract *ct);
bool ct_has_file(const contract *ct);
/* What was committed outlives the handle. */
bool ct_keeps(const contract *ct);
/* From the environment STEPWELL_TEST_LEVEL: quick, normal, deep. */
size_t ct_level(size_t quick, size_t normal, size_t deep);
/* From each field to the next that a walk over all looks at: at the quick level each third, at the normal one each second, another one in each record. */
size_t ct_first_field(sw_record_id record);
size_t ct_next_field(size_t field);
uint64_t ct_seed(void); /* STEPWELL_TEST_SEED, else a fixed one */

/* ---- statuses ----------------------------------------------------------------------------------- */

/* Fails the test unless the call answered so; names the status and the error otherwise. */
void ct_expect_at(sw_status got, sw_status expected, const sw_error *err, const char *call,
                  const char *file, int line);
#define CT_EXPECT(CALL, STATUS)                                                                    \
    do {                                                                                           \
        sw_error ct_err = {0};                                                                     \
        sw_error *err = &ct_err;                                                                   \
        ct_expect_at((CALL), SW_STATUS_##STATUS, &ct_err, #CALL, __FILE__, __LINE__);              \
    } while (0)
/* The error names the word in its field or in its message. */
bool ct_names(const sw_error *err, const char *word);

void ct_begin(contract *ct);
void ct_commit(contract *ct);
void ct_rollback(contract *ct);

/* ---- rows --------------------------------------------------------------------------------------- */

const sw_field *ct_field(sw_record_id record, int field);
void *ct_struct(contract *ct, sw_record_id record); /* zeroed */
/* A generated row whose references name rows in the pool, where the pool has any. */
void *ct_row(contract *ct, sw_record_id record, rowgen_fill fill);
/* A generated row, inserted, with its id in the pool. Generates again when a value is taken. */
void *ct_insert(contract *ct, sw_record_id record, rowgen_fill fill);
void ct_pool(contract *ct, sw_record_id record, const void *row);
void ct_unpool(contract *ct, sw_record_id record, const void *row);
/* Removes the row, which must go, and takes it out of the pool. */
void ct_remove(contract *ct, sw_record_id record, const void *row);
/* One row of each record, in one group. */
void ct_world(contract *ct);
sw_str ct_id(sw_record_id record, const void *row);

/* The row as the session sees it, or NULL. */
void *ct_get(contract *ct, sw_session *session, sw_record_id record, const void *key);
/* What get gives for a row that was inserted: without what lives in message_body. */
void *ct_stored(contract *ct, sw_record_id record, const void *row);
void ct_same_row(sw_record_id record, const void *got, const void *expected);
/* The session sees the row exactly so. */
void ct_expect_row(contract *ct, sw_session *session, sw_record_id record, const void *expected);

/* ---- pictures ----------------------------------------------------------------------------------- */

/* All rows of all records by key, copied into an arena of its own. */
typedef struct ct_picture {
    sw_arena arena;
    void **rows[SW_RECORD_COUNT];
    size_t count[SW_RECORD_COUNT];
} ct_picture;
void ct_picture_take(ct_picture *picture, sw_session *session);
void ct_picture_fini(ct_picture *picture);
void ct_picture_same(const ct_picture *a, const ct_picture *b);
/* Takes a picture and compares it with an older one. */
void ct_unchanged(sw_session *session, const ct_picture *before);

/* ---- the cases ---------------------------------------------------------------------------------- */

typedef struct ct_case {
    const char *name;
    void (*run)(void **state);
} ct_case;
extern const ct_case ct_row_cases[]; /* each table ends in a row of NULLs */
extern const ct_case ct_verb_cases[];
extern const ct_case ct_many_cases[];
extern const ct_case ct_ref_cases[];
extern const ct_case ct_group_cases[];
extern const ct_case ct_scan_cases[];
extern const ct_case ct_walk_cases[];
extern const ct_case ct_fault_cases[];
extern const ct_case ct_upkeep_cases[];
extern const ct_case ct_thread_cases[];
/* Runs tables (the last is NULL) on every store, and `also`, unless NULL, after each; main's answer. */
int ct_run(const ct_case *const *tables, int (*also)(const char *store), int argc, char **argv);
/* Not a case of one store: the same random verbs on two of them. */
int ct_random_setup(void **state);
int ct_random_teardown(void **state);
void ct_random_differential(void **state);

#endif
