/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/telemetry.md, the reference of what spans are understood to mean: roles, facts and the attributes
 * that carry them, providers, ends. All words come from the rows of model/.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "gen.h"

typedef struct fact {
    const char *name;
    const char *fills;
    const char *doc;
} fact;

typedef struct alias {
    const char *fact;
    const char *key;
    const char *read;
    const char *convention;
    const char *doc;
} alias;

static const fact facts[] = {
#define SW_FACT(NAME, FILLS, DOC) {#NAME, FILLS, DOC},
#define SW_ALIAS(FACT, KEY, READ, CONVENTION, DOC)
#define SW_ALIAS_OF(DIALECT, FACT, KEY, READ, CONVENTION, DOC)
#include "model/aliases.def"
#undef SW_FACT
#undef SW_ALIAS
#undef SW_ALIAS_OF
};

static const alias aliases[] = {
#define SW_FACT(NAME, FILLS, DOC)
#define SW_ALIAS(FACT, KEY, READ, CONVENTION, DOC) {#FACT, KEY, #READ, CONVENTION, DOC},
#define SW_ALIAS_OF(DIALECT, FACT, KEY, READ, CONVENTION, DOC)                                     \
    {#FACT, KEY, #READ, CONVENTION " only", DOC},
#include "model/aliases.def"
#undef SW_FACT
#undef SW_ALIAS
#undef SW_ALIAS_OF
};

enum { FACTS = sizeof facts / sizeof facts[0], ALIASES = sizeof aliases / sizeof aliases[0] };

/* In lower case, blanks for underscores. */
static void print_words(const char *name)
{
    for (; *name; name++) {
        putchar(*name == '_' ? ' ' : tolower((unsigned char)*name));
    }
}

static void print_fact(const fact *f)
{
    printf("\n### ");
    print_words(f->name);
    printf(
        "\n\n%s Fills `%s`.\n\n| attribute | value | convention | remark |\n| --- | --- | --- | --- |\n",
        f->doc, f->fills);
    for (size_t i = 0; i < ALIASES; i++) {
        if (strcmp(aliases[i].fact, f->name) == 0) {
            printf("| `%s` | ", aliases[i].key);
            print_words(aliases[i].read);
            printf(" | %s | %s |\n", aliases[i].convention, aliases[i].doc);
        }
    }
}

static void print_roles(void)
{
    puts(
        "\n## Roles\n\n"
        "What a span is, by the word some convention has for it; the conventions in the order in which they are\n"
        "asked. A span with no such word is a model call when it has a model and either a count of output or a\n"
        "message of the model.\n\n| asked | word | role |\n| --- | --- | --- |");
#define SW_ROLE(ASKED, WORD, ROLE)                                                                 \
    printf("| ");                                                                                  \
    print_words(#ASKED);                                                                           \
    printf(" | `%s` | ", WORD);                                                                    \
    print_words(#ROLE);                                                                            \
    puts(" |");
#include "model/span_roles.def"
#undef SW_ROLE
}

static void print_scopes(void)
{
    puts(
        "\n## Who instrumented it\n\n"
        "Told by the name of the scope, the service or the span, else by the attributes. The last column says how\n"
        "tokens are counted; `open` is settled by the numbers themselves.\n\n"
        "| convention | by | name | version from | below | counts |\n| --- | --- | --- | --- | --- | --- |");
#define SW_SCOPE(DIALECT, WHERE, NAME, FROM, BELOW, MODE, DOC)                                     \
    printf("| ");                                                                                  \
    print_words(#DIALECT);                                                                         \
    printf(" | ");                                                                                 \
    print_words(#WHERE);                                                                           \
    printf(" | `%s` | %d | %d | ", NAME, FROM, BELOW);                                             \
    print_words(#MODE);                                                                            \
    puts(" |");
#define SW_SCOPE_HAS(DIALECT, FACT, MODE)                                                          \
    printf("| ");                                                                                  \
    print_words(#DIALECT);                                                                         \
    printf(" | attribute | ");                                                                     \
    print_words(#FACT);                                                                            \
    printf(" | 0 | 0 | ");                                                                         \
    print_words(#MODE);                                                                            \
    puts(" |");
#include "model/scopes.def"
#undef SW_SCOPE
#undef SW_SCOPE_HAS
}

static void print_providers(void)
{
    puts("\n## Providers\n\n| sent | kept |\n| --- | --- |");
#define SW_PROVIDER(FROM, TO) printf("| `%s` | `%s` |\n", FROM, TO);
#define SW_FRAMEWORK(NAME) printf("| `%s` | a framework: the next source is asked |\n", NAME);
#define SW_PROVIDER_START(START, TO) printf("| `%s`... | `%s` |\n", START, TO);
#define SW_PROVIDER_SUFFIX(SUFFIX) printf("| `*.%s` | without it |\n", SUFFIX);
#define SW_MODEL_START(START, TO) printf("| nothing, and a model `%s`... | `%s` |\n", START, TO);
#include "model/providers.def"
#undef SW_PROVIDER
#undef SW_FRAMEWORK
#undef SW_PROVIDER_START
#undef SW_PROVIDER_SUFFIX
#undef SW_MODEL_START
}

static void print_ends(void)
{
    puts("\n## Ends\n\n| word or class of error | stop reason | status |\n| --- | --- | --- |");
#define SW_FINISH(WORD, REASON, STATUS, FLAG)                                                      \
    printf("| `%s` | ", WORD);                                                                     \
    print_words(#REASON);                                                                          \
    printf(" | ");                                                                                 \
    print_words(#STATUS);                                                                          \
    puts(" |");
#define SW_ERROR_CLASS(CLASS, REASON, STATUS) SW_FINISH(CLASS, REASON, STATUS, PLAIN)
#include "model/finish_words.def"
#undef SW_FINISH
#undef SW_ERROR_CLASS
}

static void print_talks(void)
{
    puts(
        "\n## Messages\n\n"
        "Of the attributes of one side the first that says something is taken; system instructions stand before the\n"
        "input. What stands flattened (indexed, loose) comes last when the sender dropped attributes. Text, thought,\n"
        "calls and files are pieces of one answer. Messages that were sent as events are read when the attributes\n"
        "leave a side open.\n\n"
        "| side | attribute | shape | convention | remark |\n| --- | --- | --- | --- | --- |");
#define SW_TALK(SIDE, KEY, SHAPE, DIALECT, DOC)                                                    \
    printf("| ");                                                                                  \
    print_words(#SIDE);                                                                            \
    printf(" | `%s` | ", KEY);                                                                     \
    print_words(#SHAPE);                                                                           \
    printf(" | %s | %s |\n", DIALECT, DOC);
#include "model/talks.def"
#undef SW_TALK
}

static void print_secrets(void)
{
    puts(
        "\n## What is never stored\n\n"
        "An attribute whose name, or the last part of its name behind a point, is one of these:\n");
#define SW_SECRET(NAME, REASON) printf("- `%s`: %s\n", NAME, REASON);
#include "model/secrets.def"
    puts(
        "\nThe same goes for members of maps. Of addresses, which are attributes named so, what stands before the host\n"
        "(`user:password@`) and the values of some parameters are replaced by `REDACTED`:\n");
#define SW_SECRET_ADDRESS(NAME, DOC) printf("- `%s`: %s\n", NAME, DOC);
#include "model/secrets.def"
    puts("\nThe parameters:\n");
#define SW_SECRET_PARAMETER(NAME, REASON) printf("- `%s`: %s\n", NAME, REASON);
#include "model/secrets.def"
    puts(
        "\nFor a project that wants no content (`content_capture` off) what nobody here knows may be content, and is not\n"
        "kept: of text, lists and maps only the attributes above that are no messages stay, and these:\n");
#define SW_PLAIN(NAME, WHOSE) printf("- `%s`: %s\n", NAME, WHOSE);
#define SW_PLAIN_PREFIX(NAME, WHAT) printf("- `%s*`: %s\n", NAME, WHAT);
#include "model/contents.def"
    puts(
        "\nNumbers and truth values stay, whoever sends them, and names of spans. Of addresses what stands behind the path\n"
        "goes. No body of a log record is kept, no message of a status, and nothing of these facts:\n");
#define SW_CONTENT_FACT(FACT, WHY) puts("- " #FACT ": " WHY);
#include "model/contents.def"
    puts("\nNor of these attributes, whatever they hold:\n");
#define SW_CONTENT(NAME, WHOSE) printf("- `%s`: %s\n", NAME, WHOSE);
#include "model/contents.def"
    puts(
        "\nNo other text is looked through: a key that somebody says in a message is stored as it was said.");
}

void gen_telemetry_page(void)
{
    puts(
        "# Telemetry\n\n"
        "Derived from `model/aliases.def`, `span_roles.def`, `scopes.def`, `providers.def`, `finish_words.def`,\n"
        "`talks.def`, `secrets.def` and `contents.def`; do not edit.\n\n"
        "Which attribute of a span says what. For each fact the attributes stand in the order of trust: the first\n"
        "that holds something usable wins.");
    print_roles();
    print_scopes();
    puts("\n## Facts");
    for (size_t i = 0; i < FACTS; i++) {
        print_fact(&facts[i]);
    }
    print_providers();
    print_ends();
    print_talks();
    print_secrets();
}
