/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/import.md, the reference of what can be imported: formats, how a file is told, where agents keep
 * theirs, and under which names recordings and exports keep what. All words come from the rows of
 * model/import_formats.def, exchanges.def, usage_shapes.def, exports.def and limits.def.
 */
#include <stdio.h>
#include <string.h>

#include "gen.h"

typedef struct format {
    const char *word;
    const char *title;
    const char *told;
    const char *step;
} format;

typedef struct folder {
    int format;
    const char *environment;
    const char *below;
    const char *home;
} folder;

enum {
#define SW_LIMIT(NAME, VALUE, UNIT, REASON) SW_LIMIT_##NAME = VALUE,
#include "model/limits.def"
#undef SW_LIMIT
};

enum {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP) FORMAT_##NAME,
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
};

static const format formats[] = {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP) {WORD, TITLE, TOLD, STEP},
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME)
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
};

static const folder folders[] = {
#define SW_IMPORT_FORMAT(name, NAME, WORD, TITLE, READER, TOLD, STEP)
#define SW_IMPORT_FOLDER(NAME, ENVIRONMENT, BELOW, HOME) {FORMAT_##NAME, ENVIRONMENT, BELOW, HOME},
#include "model/import_formats.def"
#undef SW_IMPORT_FORMAT
#undef SW_IMPORT_FOLDER
};

/* A fact that stands under a name; `of` is the format, or NULL. */
typedef struct place {
    const char *of;
    const char *fact;
    const char *path;
} place;

static const place members[] = {
#define SW_EXCHANGE_MEMBER(FIELD, PATH) {NULL, #FIELD, PATH},
#include "model/exchanges.def"
};

static const place exported[] = {
#define SW_EXPORT_FIELD(FORMAT, FIELD, PATH) {#FORMAT, #FIELD, PATH},
#include "model/exports.def"
};

static const char *const opinions[] = {
#define SW_EXPORT_OPINION(NAME) NAME,
#include "model/exports.def"
};

static const struct {
    const char *word;
    const char *whose;
} shapes[] = {
#define SW_USAGE_SHAPE(NAME, WORD, MODE, WHOSE) {WORD, WHOSE},
#include "model/usage_shapes.def"
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Names in small letters, _ as a blank. */
static void print_small(const char *name)
{
    for (; *name; name++) {
        putchar(*name == '_' ? ' ' : *name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
    }
}

/* One line a fact, with all names it has. */
static void print_places(const place *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && same(all[i].of, all[i - 1].of) && same(all[i].fact, all[i - 1].fact)) {
            continue;
        }
        printf("| ");
        if (all[i].of) {
            print_small(all[i].of);
            printf(" | ");
        }
        print_small(all[i].fact);
        printf(" |");
        for (size_t n = i;
             n < count && same(all[n].of, all[i].of) && same(all[n].fact, all[i].fact); n++) {
            printf("%s `%s`", n > i ? "," : "", all[n].path);
        }
        printf(" |\n");
    }
}

static void print_exchanges(void)
{
    printf(
        "\n## Recorded exchanges with providers\n\n"
        "Of a HAR file, entries that were sent (POST) to an address that is a model's become steps; the others are\n"
        "counted. Pairs are lines of JSON that hold, under the first of these names that is there:\n\n"
        "| what | names |\n| --- | --- |\n");
    print_places(members, COUNT(members));
    printf(
        "\nOnly `request` and `response` are needed. Bodies are JSON or text, a streamed answer as it came on the\n"
        "wire; binary ones in base64, with the encoding `base64`. Headers are never read, and of addresses what\n"
        "lets somebody in is cut. The step has the tokens that the answer names, as one of these counts:\n\n"
        "| shape | whose |\n| --- | --- |\n");
    for (size_t i = 0; i < COUNT(shapes); i++) {
        printf("| `%s` | %s |\n", shapes[i].word, shapes[i].whose);
    }
}

static void print_exports(void)
{
    printf(
        "\n## Exports of others\n\n"
        "A line of JSON a row, a list, a list in a document, or CSV with the names in its first line. A trace becomes\n"
        "a run; a cost that is given is kept. Facts stand under the first of these names that is there:\n\n"
        "| export | what | names |\n| --- | --- | --- |\n");
    print_places(exported, COUNT(exported));
    printf(
        "\nA thumb, an annotation by a person, or a score of one of these names becomes feedback, from 0 to 1 or from\n"
        "-1 to 1:");
    for (size_t i = 0; i < COUNT(opinions); i++) {
        printf("%s `%s`", i > 0 ? "," : "", opinions[i]);
    }
    printf(". All scores stay in the metadata.\n");
}

void gen_import_page(void)
{
    printf(
        "# What can be imported\n\n"
        "`stepwell import [PATH...]` reads files, and what is below folders. Each file is told by what it\n"
        "holds; its name means nothing. This page is printed from rows of `model/`.\n\n"
        "With `--server` (or a profile that names one) the files are sent to a server, which does the same with\n"
        "them: the ledger is what it would be if they lay beside it. What did not change since is not sent; of a\n"
        "database that is in use a copy of one state is. The key needs the scope `write`, and says whose the steps\n"
        "are. Paths are remembered by machine. At most %lld MiB are read together there; what is larger is left\n"
        "out and told, and can be imported where the ledger is.\n\n"
        "| format | of | how a file is told | a step is |\n| --- | --- | --- | --- |\n",
        (long long)SW_LIMIT_IMPORT_SENT_BYTES >> 20);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        printf("| `%s` | %s | %s | %s |\n", formats[i].word, formats[i].title, formats[i].told,
               formats[i].step);
    }
    printf(
        "\nWithout a path these folders and files are looked into, where they are there. A variable of the\n"
        "environment takes the place of the home folder, and may be a list with commas; `*` stands for any\n"
        "part of a name.\n\n"
        "| format | by the environment | else in the home folder |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        printf("| `%s` | `$%s%s%s` | `~/%s` |\n", formats[folders[i].format].word,
               folders[i].environment, *folders[i].below ? "/" : "", folders[i].below,
               folders[i].home);
    }
    print_exchanges();
    print_exports();
}
