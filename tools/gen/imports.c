/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/import.md, the reference of what can be imported: formats, how a file is told, where agents keep
 * theirs. All words come from the rows of model/import_formats.def.
 */
#include <stdio.h>

#include "gen.h"

typedef struct format {
    const char *name;
    const char *word;
    const char *title;
    const char *told;
    const char *step;
} format;

typedef struct folder {
    const char *format;
    const char *environment;
    const char *below;
    const char *home;
} folder;

static const format formats[] = {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP)                              \
    {#NAME, WORD, TITLE, TOLD, STEP},
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
};

static const folder folders[] = {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP)
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME) {#NAME, ENVIRONMENT, BELOW, HOME},
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
};

void gen_import_page(void)
{
    printf(
        "# What can be imported\n\n"
        "`stepwell import [PATH...]` reads files, and what is below folders. Each file is told by what it\n"
        "holds; its name means nothing. This page is printed from the rows of `model/import_formats.def`.\n\n"
        "| format | of | how a file is told | a step is |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        printf("| `%s` | %s | %s | %s |\n", formats[i].word, formats[i].title, formats[i].told,
               formats[i].step);
    }
    printf(
        "\nWithout a path these folders are looked into, where they are there. A variable of the\n"
        "environment takes the place of the home folder, and may be a list with commas.\n\n"
        "| format | by the environment | else in the home folder |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        printf("| `%s` | `$%s/%s` | `~/%s` |\n", folders[i].format, folders[i].environment,
               folders[i].below, folders[i].home);
    }
}
