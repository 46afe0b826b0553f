/* SPDX-License-Identifier: Apache-2.0 */
/* What a client that imports and the server that does it tell each other. The client asks which of its files look as
 * they did when they were imported, and what else belongs to a unit; then it sends files: for each a line of JSON that
 * describes it, and behind it its bytes, as many as the line says. Pure; knows nothing of files or of ledgers.
 */
#ifndef SW_CODEC_IMPORT_WIRE_H
#define SW_CODEC_IMPORT_WIRE_H

#include "codec/import_format.h"

enum {
    IMPORT_DIGEST = 16,
    IMPORT_ASK_FILES = 5000, /* of one question; well below what a body may hold */
    IMPORT_ASK_UNITS = 200,
    IMPORT_LINE_BYTES = 65536, /* a path may have 4,096 bytes, each of which may be an escape */
    IMPORT_TOLD = 100          /* so much trouble is told in one answer, of more the number */
};

/* What was done, so far or in the end. Counts of events are of files that were read. All of it are counts. */
typedef struct import_result {
#define SW_IMPORT_COUNT(name, WORDS, ONE, DOC) int64_t name;
#include "model/import_counts.def"
#undef SW_IMPORT_COUNT
    int64_t bytes_done;                /* of files that are done with */
    int64_t of_format[IMPORT_FORMATS]; /* files read */
} import_result;

/* A file as the system that has it describes it. */
typedef struct import_seen {
    sw_str path;
    int64_t size, mtime_ns, device, inode;
    int64_t bytes; /* of one that is sent: what follows */
    bool again;    /* of one that is sent: it did not change, another one of its unit did */
} import_seen;

typedef struct import_question {
    sw_str machine; /* whose paths these are */
    const import_seen *files;
    size_t file_count;
    char (*units)[IMPORT_DIGEST];
    size_t unit_count;
} import_question;

/* A line that could not be read, or (line 0) a file that was left out. */
typedef struct import_trouble {
    sw_str path;
    int64_t line;
    sw_str why;
} import_trouble;

/* ---- writing ------------------------------------------------------------------------------------------- */

/* `sent`: with what only one that is sent has. */
void import_write_seen(sw_json_out *out, const import_seen *file, bool sent);
void import_write_question(sw_json_out *out, const import_question *question);
/* The counts and formats as members of the object that is open. */
void import_write_result(sw_json_out *out, const import_result *result);
void import_write_trouble(sw_json_out *out, const import_trouble *trouble);

/* ---- reading: text is in the arena, or of the input ------------------------------------------------------ */

/* The line before a file's bytes. INVALID names the member. */
sw_status import_read_line(sw_str line, sw_arena *arena, import_seen *out,
                           sw_error *err) SW_MUST_CHECK;
sw_status import_read_question(sw_str body, sw_arena *arena, import_question *out,
                               sw_error *err) SW_MUST_CHECK;
/* The answer to a question: `same` is told the files that did not change, `sibling` the paths of each unit, by their
 * places in the question. False: it is no such answer. */
bool import_read_plan(sw_str body, sw_arena *arena, void (*same)(void *arg, int64_t file),
                      void (*sibling)(void *arg, int64_t unit, sw_str path), void *arg);
/* What was done is `result`, zeroed before; `untold` is how much more trouble there was. False as above. */
bool import_read_result(sw_str body, sw_arena *arena, import_result *result,
                        void (*trouble)(void *arg, const import_trouble *one), void *arg,
                        int64_t *untold);

#endif
