/* SPDX-License-Identifier: Apache-2.0 */
/* Prints facts.ts, what the dashboard knows of the model: for each public record its shape as a type, and its fields with
 * their words; closed lists; the parameters of lists; the sums; the pages. Each is an export of its own, so that what no
 * page uses is left out of the bundle.
 */
#include <stdio.h>
#include <string.h>

#include "routes.h"

typedef struct web_page {
    const char *name;
    const char *path;
    const char *title;
    const char *key;
    const char *doc;
} web_page;

static const web_page pages[] = {
#define SW_PAGE(NAME, PATH, TITLE, KEY, DOC) {#NAME, PATH, TITLE, KEY, DOC},
#include "model/pages.def"
#undef SW_PAGE
};

/* ---- words ------------------------------------------------------------------------------------------------ */

/* step_status as StepStatus, or as stepStatus. */
static void print_camel(const char *name, bool capital)
{
    for (; *name; name++) {
        bool letter = *name >= 'a' && *name <= 'z';
        if (*name != '_') {
            putchar(capital && letter ? *name - 'a' + 'A' : *name);
        }
        capital = *name == '_';
    }
}

static void print_lower(const char *text)
{
    for (; *text; text++) {
        putchar(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
    }
}

static void print_enum(const gen_enum *list)
{
    printf("\n/** %s */\nexport type ", list->doc);
    print_camel(list->name, true);
    puts("Word =");
    for (size_t i = 0; i < list->count; i++) {
        printf("  | '%s'%s\n", list->words[i].word, i + 1 < list->count ? "" : ";");
    }
    printf("export const ");
    print_camel(list->name, false);
    puts("Words: readonly Word[] = [");
    for (size_t i = 0; i < list->count; i++) {
        printf("  { word: '%s', doc: ", list->words[i].word);
        gen_quoted(list->words[i].doc, '\'');
        puts(" },");
    }
    puts("];");
}

/* ---- records ---------------------------------------------------------------------------------------------- */

static void print_type(const gen_field *field)
{
    switch (field->kind) {
    case GEN_KIND_ENUM:
        print_camel(gen_enums[field->words].name, true);
        printf("Word");
        break;
    case GEN_KIND_TAGS:
        printf("string[]");
        break;
    case GEN_KIND_JSON:
        printf("Json");
        break;
    case GEN_KIND_BOOL:
        printf("boolean");
        break;
    case GEN_KIND_INT:
    case GEN_KIND_LONG:
        printf("number");
        break;
    case GEN_KIND_ID:
    case GEN_KIND_HEX:
    case GEN_KIND_TEXT:
    case GEN_KIND_WORD:
    case GEN_KIND_BYTES:
    case GEN_KIND_TIME:
    case GEN_KIND_COUNT:
        printf("string");
        break;
    }
    printf("%s", field->flags & SW_NOT_NULL ? "" : " | null");
}

static void print_interface(const gen_record *record, const size_t *order, size_t count)
{
    printf("\n/** %s */\nexport interface ", record->doc);
    print_camel(record->name, true);
    puts(" {");
    for (size_t i = 0; i < count; i++) {
        printf("  %s: ", record->fields[order[i]].name);
        print_type(&record->fields[order[i]]);
        puts(";");
    }
    puts("}");
}

static void print_fields(const gen_record *record, const size_t *order, size_t count)
{
    printf("export const ");
    print_camel(record->name, false);
    puts("Fields: readonly Field[] = [");
    for (size_t i = 0; i < count; i++) {
        const gen_field *field = &record->fields[order[i]];
        printf("  { name: '%s', kind: '", field->name);
        print_lower(gen_kinds[field->kind].name);
        printf("', doc: ");
        gen_quoted(field->doc, '\'');
        if (field->unit) {
            printf(", unit: '%s'", field->unit);
        }
        puts(field->flags & SW_OURS ? ", ours: true }," : " },");
    }
    puts("];");
}

static void print_record(const gen_record *record)
{
    size_t order[GEN_FIELDS_MAX];
    size_t count = gen_json_order(record, order);
    if (record->is_public) {
        print_interface(record, order, count);
        print_fields(record, order, count);
    }
}

static void print_totals(void)
{
    puts("\n/** The sums of usage. */\nexport interface Totals {\n  num_steps: number;");
    for (const gen_field *field = gen_totals; field->name; field++) {
        printf("  /** %s */\n  %s: number;\n", field->doc, field->name);
    }
    puts("}");
}

/* ---- parameters and pages ---------------------------------------------------------------------------------- */

static void print_params(int set)
{
    printf("\nexport const ");
    print_camel(gen_param_set_names[set], false);
    puts("Params: readonly Param[] = [");
    for (const api_param *p = gen_param_sets[set]; p->name; p++) {
        printf("  { name: '%s', kind: '", p->name);
        print_lower(p->kind);
        printf("', doc: ");
        gen_quoted(p->doc, '\'');
        if (strcmp(p->kind, "WORD") == 0) {
            printf(", words: ");
            print_camel(gen_enums[p->words].name, false);
            printf("Words");
        }
        puts(p->repeats ? ", repeats: true }," : " },");
    }
    puts("];");
}

static void print_pages(void)
{
    puts("\n/** The rows of model/pages.def. */\nexport const pageRows = [");
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        printf("  { name: '");
        print_lower(pages[i].name);
        printf("', path: '%s', title: ", pages[i].path);
        gen_quoted(pages[i].title, '\'');
        printf(", key: '%s', doc: ", pages[i].key);
        gen_quoted(pages[i].doc, '\'');
        puts(" },");
    }
    puts("] as const;");
}

void gen_web_facts(void)
{
    puts(
        "// Generated by tools/gen from the rows in model/ - do not edit.\n"
        "export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };\n"
        "export interface Word { word: string; doc: string }\n"
        "export interface Field { name: string; kind: string; doc: string; unit?: string; ours?: boolean }\n"
        "export interface Param { name: string; kind: string; doc: string; words?: readonly Word[]; repeats?: boolean }");
    for (size_t i = 1; i < SW_ENUM_COUNT; i++) {
        print_enum(&gen_enums[i]);
    }
    for (size_t i = 0; i < gen_record_count; i++) {
        print_record(&gen_records[i]);
    }
    print_totals();
    for (int i = SW_PARAMS_none + 1; i < API_SETS; i++) {
        print_params(i);
    }
    print_pages();
}
