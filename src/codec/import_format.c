/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the rows of model/import_formats.def in their order. */
#include "codec/import_format.h"

typedef struct row {
    const char *word;
    const char *title;
    bool (*is)(import_head *head);
} row;

static const row rows[IMPORT_FORMATS] = {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP)                              \
    {WORD, TITLE, import_is_##name},
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
};

import_format import_recognise(import_head *head)
{
    for (int i = 0; i < IMPORT_FORMATS; i++) {
        head->unit = SW_NULL_STR;
        if (rows[i].is(head)) {
            return (import_format)i;
        }
    }
    head->unit = SW_NULL_STR;
    return IMPORT_FORMAT_NONE;
}

const char *import_format_word(import_format format)
{
    return format < IMPORT_FORMATS ? rows[format].word : "unknown";
}

const char *import_format_title(import_format format)
{
    return format < IMPORT_FORMATS ? rows[format].title : "unknown";
}
