/* SPDX-License-Identifier: Apache-2.0 */
/* Databases of Letta V1, for tests: its tables as they are in PostgreSQL at several ages, and in SQLite at the
 * oldest, filled by rule with all that was ever found in them (v1_tables.def lists it). Numbers to expect are
 * asked of V1's own tables in SQL that shares nothing with the program under test.
 */
#ifndef TEST_V1_H
#define TEST_V1_H

#include <stddef.h>
#include <stdint.h>

/* By the signs in the tables. SQLite has only the first. */
typedef enum v1_age {
    V1_JOBS,  /* steps.job_id, runs are rows of jobs: before 22 Sep 2025 */
    V1_RUNS,  /* runs, no run_metrics: before 8 Oct 2025 */
    V1_SEED,  /* run_metrics, request_id: Feb 2026 */
    V1_FINAL, /* model_handle ... reasoning_tokens */
    V1_HEAD   /* conversations.last_message_at: the last revision */
} v1_age;

enum { V1_AGENTS = 97, V1_ORGANIZATIONS = 3 };

/* The passphrase (LETTA_ENCRYPTION_KEY) and the plain texts of what is encrypted in providers. */
#define V1_ENCRYPTION_KEY "stepwell-test-key"
#define V1_API_KEY "sk-test-openai-0001"
#define V1_ACCESS_KEY "access-0002"

/* Which rows: steps `first` to `first + steps`, five a run (so both are multiples of 5), two messages and a tenth
 * of a pair of traces each. What is there once (organizations, users, providers, agents ...) comes with first 0. */
typedef struct v1_size {
    int64_t first, steps;
    int64_t step_us; /* between two steps; 0: ten seconds */
    unsigned seed;   /* other seeds, other ids and numbers */
} v1_size;

/* What V1's own tables hold of an organization, or of all when it is NULL. A step without status counts as `none`. */
typedef struct v1_totals {
    int64_t steps, pending, success, failed, cancelled, none;
    int64_t prompt_tokens, completion_tokens, total_tokens;
    int64_t cached_input_tokens, cache_write_tokens, reasoning_tokens; /* 0 before V1_FINAL */
    int64_t runs, messages, traces, metrics, step_ns;
} v1_totals;

/* The tables, empty; then rows, and with the first of them the indexes. End the program when the database refuses. */
void v1_make(const char *url, v1_age age);
void v1_fill(const char *url, v1_age age, const v1_size *size);
v1_totals v1_count(const char *url, v1_age age, const char *organization_id);
/* Digest of every V1 column of every row. */
void v1_digest(const char *url, v1_age age, char out[33]);
/* Remembers every V1 column of every row that is there now; and how many of those rows are not there any more as they
 * were, to the byte. */
void v1_keep(const char *url, v1_age age);
int64_t v1_lost(const char *url, v1_age age);
/* The id of organization 0, 1 or 2, and of agent, run or step n, as the rule makes them. */
void v1_id(const char *url, const v1_size *size, const char *kind, int64_t n, char out[64]);

/* The same in a new file of SQLite, at V1_JOBS. */
void v1_sqlite_make(const char *path);
void v1_sqlite_fill(const char *path, const v1_size *size);
v1_totals v1_sqlite_count(const char *path, const char *organization_id);
void v1_sqlite_id(const v1_size *size, const char *kind, int64_t n, char out[64]);

#endif
