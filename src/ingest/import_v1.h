/* SPDX-License-Identifier: Apache-2.0 */
/* Import of a Letta V1 database, SQLite or PostgreSQL, of any age since there are steps: its rows become the ledger's
 * with their ids, organizations and times (docs/decisions/0015-importing-v1.md). The database is only read, and all of it
 * as of one moment.
 *
 * Importing again, or after having been killed, brings what is not there yet.
 */
#ifndef SW_INGEST_IMPORT_V1_H
#define SW_INGEST_IMPORT_V1_H

#include "stepwell/ledger.h"

enum { IMPORT_V1_TABLES = 10 };

/* Of one table. */
typedef struct import_v1_count {
    const char *table; /* as V1 calls it; NULL: it is not there */
    int64_t rows;      /* that it has */
    int64_t made;      /* that are new in the ledger */
    int64_t ended;     /* that were under way when they were imported first, and have ended since */
    int64_t there;     /* that were there already */
    int64_t differing; /* that are there with other content, which stays */
    int64_t refused;   /* that cannot be taken */
    int64_t left_out;  /* values of rows that were taken without them */
} import_v1_count;

typedef struct import_v1_result {
    const char *age; /* in words */
    import_v1_count tables[IMPORT_V1_TABLES];
    int64_t named_agents; /* that V1 names and has no row of */
    int64_t metrics;      /* timings of the steps that are new */
} import_v1_result;

/* Zeroed means: defaults. */
typedef struct import_v1_options {
    const sw_allocator *allocator;
    bool dry_run; /* reads and counts, writes nothing; the ledger may be NULL then */
    /* A row that was refused, or a value that was left out of it (`taken`). */
    void (*trouble)(void *arg, const char *table, sw_str id, const char *field, const char *why,
                    bool taken);
    void (*progress)(void *arg, const char *table, int64_t done, int64_t total); /* rows */
    void *arg;
} import_v1_options;

/* Whether a database is named, and not a file or folder: "sqlite:PATH", "postgres://...". */
bool import_v1_is_url(const char *url);

/* INVALID, UNSUPPORTED: it is no such database; the sentence says what it is, without a password. */
sw_status import_v1(sw_ledger *ledger, const import_v1_options *options, const char *url,
                    import_v1_result *out, sw_error *err) SW_MUST_CHECK;

#endif
