/* SPDX-License-Identifier: Apache-2.0 */
/* Files of an import: found below folders, looked at, read. Only ever opened to be read; no link is followed. */
#ifndef SW_INGEST_IMPORT_FILE_H
#define SW_INGEST_IMPORT_FILE_H

#include "ingest/import_inside.h"

/* What was found, by path. */
typedef struct import_found {
    import_list files; /* import_file, with path and what the system says of it */
    sw_arena arena;
} import_found;

/* Adds the file, or those below the folder. What cannot be looked at is told by `skipped`; NOT_FOUND: the path itself. */
sw_status import_walk(const import_options *options, const char *path, import_found *found,
                      sw_error *err);
/* Sorts by path; of one path only one stays. */
void import_walk_end(import_found *found);

/* When the file, or the log that lies beside a database, was written to last. */
struct stat;
int64_t import_file_mtime(const char *path, const struct stat *is);
/* Reads the head: sets the file's `head` and fills `out` (bytes in the arena). False: it could not be read, or is no
 * plain file any more; *why says so. */
bool import_file_head(import_file *file, sw_arena *arena, import_head *out, const char **why);
/* Opens it, and notes what the system says of it. -1: *why says why not. */
int import_file_open(import_file *file, const char **why);
/* At most `room` bytes from there on; SIZE_MAX: an error. */
size_t import_read_some(int fd, int64_t from, char *to, size_t room);
/* Reads all of it into the arena, unpacked into fewer than `most` bytes, and what the system says of it again. */
bool import_file_read(import_file *file, size_t most, sw_arena *arena, const char **why);

#endif
