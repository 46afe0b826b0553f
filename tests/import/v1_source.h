/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of V1's import share: V1's databases, SQL over them, and imports with what was told. */
#ifndef TESTS_IMPORT_V1_SOURCE_H
#define TESTS_IMPORT_V1_SOURCE_H

#include "ingest/import_v1.h"
#include "tests/import/place.h"
#include "tests/lib/pg.h"
#include "tests/lib/v1.h"

enum { STEPS = 1100 };
extern const v1_size size;

/* A database of V1's: a file of SQLite's, or a schema of PostgreSQL's. */
typedef struct source {
    bool file;
    v1_age age;
    char path[600]; /* of a file */
    char url[720];
} source;

/* A file that may be there, or none yet. */
source file_at(const char *name);
/* Filled; what was there before is gone. */
source make_file(const char *name);
source make_server(v1_age age);
/* Says so, where there is none. */
bool no_server(void);

/* SQL on its tables; the first value of the answer. */
void ask(const source *s, const char *sql, char *out, size_t room);
int64_t number(const source *s, const char *sql);
v1_totals totals_of(const source *s, const char *organization);
void id_of(const source *s, const char *kind, int64_t n, char out[64]);

/* What the last import told: "table id field refused: why", or "left out". */
typedef struct told {
    char text[200000];
    size_t len;
    int64_t refused;
    int64_t left_out;
} told;
extern told trouble;
void assert_told(const char *what);

/* The URL of a ledger in the test's folder, until the next call. */
const char *store_of(const char *name);
sw_ledger *open_ledger(const char *store);
int64_t entries(sw_ledger *ledger); /* of its journal */
import_v1_result take_with(sw_ledger *ledger, const source *s, bool dry_run);
import_v1_result take(const char *name, const source *s);
/* Of all tables. */
import_v1_count sum(const import_v1_result *r);

#endif
