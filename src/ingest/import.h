/* SPDX-License-Identifier: Apache-2.0 */
/* Import: files that others wrote (agents' transcripts, exports) become runs and steps of the ledger.
 *
 * The way of a file: it looks as it did the last time and is left alone; or its head says its format
 * (codec/import_format.h) and what it is read together with, its unit. A unit's files are always read together, whole,
 * also those that were imported before, and made into steps as a whole, so that neither order nor grouping matters.
 * What the ledger has already is not written again. Files are only read, and no link is followed.
 *
 * Ids follow from what the sources say (telemetry.md E.6), and of two tellings of one call the better one is kept, so
 * that importing again, or after having been killed, ends in the same ledger.
 */
#ifndef SW_INGEST_IMPORT_H
#define SW_INGEST_IMPORT_H

#include "codec/import_format.h"
#include "ledger/telemetry.h"

/* What was done, so far or in the end. Counts of events are of files that were read. */
typedef struct import_result {
    int64_t files;           /* found */
    int64_t files_read;      /* with a format, and changed */
    int64_t files_unchanged; /* not read again */
    int64_t files_skipped;   /* told with the reason */
    int64_t bytes;           /* of files found */
    int64_t bytes_done;      /* of those that are done with */
    int64_t bytes_read;
    int64_t lines;
    int64_t bad_lines;
    int64_t others; /* entries and rows that are no call of a model */
    int64_t calls;  /* model calls that were told of, copies not counted twice within a unit */
    int64_t tool_calls;
    int64_t tool_errors;
    int64_t unanswered; /* tools of which nothing came back */
    int64_t runs;
    int64_t steps_new;
    int64_t steps_corrected;
    int64_t steps_unchanged; /* there already, also where another file tells of them better */
    int64_t steps_refused;
    int64_t steps_untimed; /* new ones that nothing says the time of; they stand in 1970 */
    int64_t of_format[IMPORT_FORMATS]; /* files read */
} import_result;

/* What is to be written of a part of an import; an answer other than OK ends the import. The place to stand between
 * for those who write to a server: everything a ledger would be asked to write goes through here, from a thread of the
 * import's, one batch at a time. */
typedef sw_status import_send(void *arg, const sw_telemetry_batch *batch, sw_error *err);

/* Zeroed means: defaults. */
typedef struct import_options {
    const sw_allocator *allocator; /* used by several threads */
    sw_str project_id;
    size_t window_steps; /* so many calls are written at a time, as far as files allow */
    bool dry_run;        /* reads and counts, writes nothing */
    /* Where given, batches go there and not into the ledger, and nothing is remembered of files. */
    import_send *send;
    const bool *stop; /* set from elsewhere: ends after what is read already */
    void (*bad_line)(void *arg, const char *path, int64_t line, const char *why);
    void (*skipped)(void *arg, const char *path, const char *why);
    void (*progress)(void *arg, const import_result *so_far);
    void *arg;
} import_options;

/* Imports files, and what is below folders. `ledger` may be NULL when `send` is given. Files that cannot be read or
 * understood are told and passed over; a path that is not there is NOT_FOUND; trouble of the ledger ends it. */
sw_status import_paths(sw_ledger *ledger, const sw_actor *actor, const import_options *options,
                       const char *const *paths, size_t count, import_result *out,
                       sw_error *err) SW_MUST_CHECK;

/* The folders of the agents themselves that are there (rows of model/import_formats.def): `each` is called for every
 * one, in the order of the rows. */
void import_own_folders(void (*each)(void *arg, import_format format, const char *path), void *arg);

#endif
