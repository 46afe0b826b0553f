/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of what others export, in whatever file they come: a line of JSON each, a list, a list within a document, CSV.
 * Each is shown as one JSON object, so that who reads them need not care. Pure.
 */
#ifndef SW_CODEC_EXPORT_ROWS_H
#define SW_CODEC_EXPORT_ROWS_H

#include "base/base.h"

typedef struct export_sink {
    void *arg;
    /* The row is a valid JSON object, of the input or the arena. False ends the reading. */
    bool (*row)(void *arg, int64_t line, sw_str row);
    void (*bad)(void *arg, int64_t line, const char *why);
} export_sink;

/* Returns how many bytes are done with: a last line that is not whole yet is left. Lack of memory is the arena's to
 * remember. */
size_t export_rows(sw_str bytes, sw_arena *arena, const export_sink *sink);

/* What stands at the path, as it is written; null: nothing, or null. Unlike usage_at, names may hold points, and text
 * that holds JSON is opened on the way. */
sw_str export_at(sw_str row, const char *path, sw_arena *arena);
/* The value itself when it is text that holds an object or a list, else as it is. */
sw_str export_open(sw_str value, sw_arena *arena);

/* Where the rows begin: behind the bracket of the list, or at the first object. */
const char *export_first(sw_str bytes);

#endif
