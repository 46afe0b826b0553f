/* SPDX-License-Identifier: Apache-2.0 */
/* Which format a file that is to be imported is in: a look at its head, one question a row of
 * model/import_formats.def. Pure; knows nothing of files or of what becomes of what is read.
 */
#ifndef SW_CODEC_IMPORT_FORMAT_H
#define SW_CODEC_IMPORT_FORMAT_H

#include "base/base.h"

typedef enum import_format {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP) IMPORT_FORMAT_##NAME,
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
    IMPORT_FORMATS,
    IMPORT_FORMAT_NONE = IMPORT_FORMATS
} import_format;

/* As much of the head as a question may need; a document in one piece may be longer. */
enum { IMPORT_HEAD_BYTES = 65536 };

typedef struct import_head {
    sw_str bytes; /* unpacked when the file is packed */
    bool whole;   /* that is all of it */
    /* Out: what is read and computed together, e.g. the session; in the bytes or the arena. Null: the file alone. */
    sw_str unit;
    sw_arena *arena;
} import_head;

#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP)                              \
    bool import_is_##name(import_head *head);
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER

/* The first row that says yes, with `unit` filled; else IMPORT_FORMAT_NONE. */
import_format import_recognise(import_head *head);
const char *import_format_word(import_format format);
const char *import_format_title(import_format format);

#endif
