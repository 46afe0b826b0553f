/* SPDX-License-Identifier: Apache-2.0 */
/* Databases of Letta V1, adopted, and held against what V1's own tables say. */
#ifndef TESTS_LEDGER_ADOPTION_H
#define TESTS_LEDGER_ADOPTION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ledger/testing.h"
#include "stepwell/operate.h"
#include "store/adopt.h"
#include "tests/lib/pg.h"
#include "tests/lib/v1.h"

enum { STEPS = 3000 };
extern const v1_size first_size;

/* A database of V1 with STEPS steps. */
void new_v1(char *url, size_t size, v1_age age);
/* All that stepwell adopt does; `busy_ms` is how long it waits for its lock, 0: as long as it does. */
sw_status adopt_with(const char *url, int64_t busy_ms, sw_resum_end *sums, sw_error *err);
/* The same, which must succeed. */
sw_resum_end adopt(const char *url);
sw_ledger *open_ledger(const char *url);
/* The first value of an answer. */
void ask(const char *url, const char *sql, char *out, size_t size);
int64_t number(const char *url, const char *sql);
/* How many steps with that status the ledger lists. */
int64_t count_status(sw_ledger *ledger, const char *organization, int64_t status);
/* Lists all; without `each` it answers how many. */
int64_t list_all(sw_ledger *ledger, const char *organization, sw_record_id record,
                 const sw_condition *conditions, size_t count, sw_each *each, void *arg);
/* What the ledger says of each organization is what V1's own tables say, and verify finds nothing. */
void check_all(const char *url, v1_age age);
/* Of everything that the catalogue says of the schema. */
void schema_digest(const char *url, char out[64]);
/* What main returns where there is no PostgreSQL, after saying why; else 0. */
int skip_without(void);

#endif
