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

#include "codec/import_wire.h"
#include "ledger/telemetry.h"

/* Files that are imported elsewhere, on a server: what it must answer. */
typedef struct import_upload import_upload;
typedef struct import_away {
    void *arg;
    /* Which of the files look as they did when they were imported: same[i] is false before. */
    sw_status (*compare)(void *arg, const import_seen *files, size_t count, bool *same,
                         sw_error *err);
    /* `each` is told the paths of this machine that belong to one of the units too. */
    sw_status (*siblings)(void *arg, char (*units)[IMPORT_DIGEST], size_t count,
                          void (*each)(void *to, int64_t unit, sw_str path), void *to,
                          sw_error *err);
    /* Sends what import_upload_pull gives, and says what was done with it in `result`, which is zeroed before. */
    sw_status (*send)(void *arg, import_upload *upload, import_result *result, sw_error *err);
} import_away;

/* What is to be written of a part of an import; an answer other than OK ends the import. For those who look at what an
 * import gives a ledger: everything that would be written goes through here, from a thread of the import's, one batch
 * at a time. */
typedef sw_status import_send(void *arg, const sw_telemetry_batch *batch, sw_error *err);

/* Zeroed means: defaults. */
typedef struct import_options {
    const sw_allocator *allocator; /* used by several threads */
    sw_str project_id;
    size_t window_steps; /* so many calls are written at a time, as far as files allow */
    bool dry_run;        /* reads and counts, writes nothing */
    /* Where given, batches go there and not into the ledger, and nothing is remembered of files. */
    import_send *send;
    size_t memory_bytes;     /* what a unit may take while it is read; 0: what there is */
    const import_away *away; /* import there: files are only found, told and sent */
    /* Set from elsewhere: ends after what is read already, and waits for no server. */
    const bool *stop;
    void (*bad_line)(void *arg, const char *path, int64_t line, const char *why);
    void (*skipped)(void *arg, const char *path, const char *why);
    void (*untold)(void *arg, int64_t more); /* of both, more than a server tells of */
    void (*progress)(void *arg, const import_result *so_far);
    void *arg;
} import_options;

/* Imports files, and what is below folders. `ledger` may be NULL for a dry run, or with `send` or `away`. Files that cannot be read or
 * understood are told and passed over; a path that is not there is NOT_FOUND; trouble of the ledger ends it. */
sw_status import_paths(sw_ledger *ledger, const sw_actor *actor, const import_options *options,
                       const char *const *paths, size_t count, import_result *out,
                       sw_error *err) SW_MUST_CHECK;

/* ---- sent away (import_upload.c) ----------------------------------------------------------------------------- */

/* The next bytes of what is sent, packed with zstd; 0: that was all; SIZE_MAX: no memory. */
size_t import_upload_pull(import_upload *upload, char *to, size_t room);
/* Shows how far it is; false: it is not waited for any more, neither to be sent nor to be answered. */
bool import_upload_goes_on(const import_upload *upload);
/* From the beginning again. */
void import_upload_rewind(import_upload *upload);
/* What was told of a file of it, and how much more there was. */
void import_upload_trouble(import_upload *upload, const import_trouble *trouble);
void import_upload_untold(const import_upload *upload, int64_t more);

/* ---- sent to us (import_spool.c) ------------------------------------------------------------------------------ */

/* Files of other machines on their way in: kept in a file that has no name, and read as if they lay where their sender
 * has them. Nothing is ever opened by a path that was sent. */
typedef struct import_spool import_spool;
sw_status import_spool_new(const sw_allocator *from, sw_str machine, import_spool **out,
                           sw_error *err) SW_MUST_CHECK;
void import_spool_free(import_spool **spool);
/* The next bytes of the upload. TOO_LARGE, FULL, or INVALID when they are none. */
sw_status import_spool_take(import_spool *spool, sw_str bytes, sw_error *err) SW_MUST_CHECK;
/* What it takes of memory. */
size_t import_spool_memory(const import_spool *spool);
/* INVALID: it ends in the middle of a file. */
sw_status import_spool_end(const import_spool *spool, sw_error *err) SW_MUST_CHECK;
/* Imports all of it; what its sender says of the files is remembered. */
sw_status import_sent(sw_ledger *ledger, const sw_actor *actor, const import_options *options,
                      import_spool *spool, import_result *out, sw_error *err) SW_MUST_CHECK;

/* Whether the machine's file looks as it did when it was imported. */
sw_status import_is_unchanged(sw_ledger *ledger, const sw_actor *actor, sw_str machine,
                              const import_seen *file, sw_memory *memory, bool *same,
                              sw_error *err) SW_MUST_CHECK;
/* The machine's files that are remembered of the unit. */
sw_status import_siblings(sw_ledger *ledger, const sw_actor *actor, sw_str machine,
                          const char unit[IMPORT_DIGEST], void (*each)(void *to, sw_str path),
                          void *to, sw_error *err) SW_MUST_CHECK;

/* The folders of the agents themselves that are there (rows of model/import_formats.def): `each` is called for every
 * one, in the order of the rows. */
void import_own_folders(void (*each)(void *arg, import_format format, const char *path), void *arg);
/* Where they are or would be, those that are not there as well; in the last name of a path * stands for anything. */
void import_own_places(void (*each)(void *arg, const char *path), void *arg);

#endif
