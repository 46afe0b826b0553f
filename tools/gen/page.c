/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/records.md, the reference of the record model: for each record its fields, indexes and
 * relations; then kinds, closed lists, limits and statuses. All words come from the rows.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gen.h"

/* A cell of a table; a bar would end it early. */
static void print_cell(const char *text)
{
    for (; *text; text++) {
        if (*text == '|') {
            putchar('\\');
        }
        putchar(*text);
    }
}

static void print_lower(const char *text)
{
    for (; *text; text++) {
        putchar(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text == '_' ? ' ' : *text);
    }
}

/* ---- fields ------------------------------------------------------------------------------------- */

static void print_kind(const gen_field *field)
{
    print_lower(gen_kinds[field->kind].name);
    if (field->kind == GEN_KIND_ENUM) {
        const char *name = gen_enums[field->words].name;
        printf(" [%s](#%s)", name, name);
    }
    if (field->flags & SW_ARRAY) {
        printf(" array");
    }
    if (field->prefix) {
        printf(" `%s-`", field->prefix);
    }
    if (field->prefix2) {
        printf(", `%s-`", field->prefix2);
    }
}

static void print_reference(const gen_field *field)
{
    if (field->ref.record) {
        printf("[%s](#%s), ", field->ref.record, field->ref.record);
        for (const char *c = field->ref.rule; *c; c++) {
            putchar(*c == '_' ? ' ' : *c);
        }
    }
}

/* What the flags say beyond null and default, after the words of the row. */
static void print_notes(const gen_field *field)
{
    static const struct {
        unsigned flag;
        const char *words;
    } notes[] = {
        {SW_PRIMARY, "The primary key."},
        {SW_KEY_PART, "Part of the key."},
        {SW_KEEP, "Cannot change."},
        {SW_HIDDEN, "Not in JSON, CSV and schema."},
        {SW_SECRET, "Written, never handed out."},
        {SW_ZONELESS, "Printed without zone."},
        {SW_COUNTER, "A counter that moves with the steps."},
        {SW_SHARED, "Stored in message_body."},
    };
    print_cell(field->doc);
    if (field->column) {
        printf(" Column `%s`.", field->column);
    }
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (field->flags & notes[i].flag) {
            printf(" %s", notes[i].words);
        }
    }
}

static void print_name(const gen_field *field)
{
    printf("`%s`", field->name);
}

static void print_null(const gen_field *field)
{
    printf("%s", field->flags & SW_NOT_NULL ? "no" : "yes");
}

static bool has_default(const gen_field *field)
{
    return field->fallback != NULL;
}

static void print_default(const gen_field *field)
{
    if (field->fallback) {
        printf("`%s`", field->fallback);
    }
}

static bool has_reference(const gen_field *field)
{
    return field->ref.record != NULL;
}

static bool has_unit(const gen_field *field)
{
    return field->unit != NULL;
}

static void print_unit(const gen_field *field)
{
    printf("%s", field->unit ? field->unit : "");
}

static bool is_ours(const gen_field *field)
{
    return (field->flags & SW_OURS) != 0;
}

static void print_from(const gen_field *field)
{
    printf("%s", is_ours(field) ? "ours" : "V1");
}

/* A column that no field of the record would fill is left out; without `has`, it always stands. */
static const struct {
    const char *title;
    bool (*has)(const gen_field *field);
    void (*print)(const gen_field *field);
} columns[] = {
    {"field", NULL, print_name},
    {"kind", NULL, print_kind},
    {"null", NULL, print_null},
    {"default", has_default, print_default},
    {"reference, on delete", has_reference, print_reference},
    {"unit", has_unit, print_unit},
    {"from", is_ours, print_from},
    {"meaning", NULL, print_notes},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static bool is_shown(const gen_record *record, size_t column)
{
    bool (*has)(const gen_field *) = columns[column].has;

    if (!has || (has == is_ours && !gen_is_v1(record))) {
        return !has;
    }
    for (const gen_field *field = record->fields; field->name; field++) {
        if (has(field)) {
            return true;
        }
    }
    return false;
}

static void print_fields(const gen_record *record)
{
    bool shown[COLUMNS];

    printf("\n|");
    for (size_t i = 0; i < COLUMNS; i++) {
        shown[i] = is_shown(record, i);
        if (shown[i]) {
            printf(" %s |", columns[i].title);
        }
    }
    printf("\n|");
    for (size_t i = 0; i < COLUMNS; i++) {
        printf("%s", shown[i] ? " --- |" : "");
    }
    for (const gen_field *field = record->fields; field->name; field++) {
        printf("\n|");
        for (size_t i = 0; i < COLUMNS; i++) {
            if (shown[i]) {
                putchar(' ');
                columns[i].print(field);
                printf(" |");
            }
        }
    }
    putchar('\n');
}

/* ---- indexes and relations ---------------------------------------------------------------------- */

static const char *word_of(const gen_record *record, const char *name, int value)
{
    for (const gen_field *field = record->fields; field->name; field++) {
        if (strcmp(field->name, name) == 0) {
            const gen_enum *list = &gen_enums[field->words];
            return value >= 0 && (size_t)value < list->count ? list->words[value].word : "?";
        }
    }
    return "?";
}

static void print_index(const gen_record *record, const gen_index *index)
{
    printf("| `%s` | ", index->name);
    for (int i = 0; i < index->count; i++) {
        printf("%s`%s`", i ? ", " : "", index->fields[i]);
    }
    printf(" | %s | ", index->unique ? "yes" : "no");
    if (index->present) {
        printf("`%s` is not null", index->present);
    } else if (index->only) {
        printf("`%s` is %s", index->only, word_of(record, index->only, index->only_value));
    } else {
        printf("all");
    }
    puts(" |");
}

static void print_indexes(const gen_record *record)
{
    if (!record->indexes[0].name) {
        return;
    }
    puts("\n| index | fields | unique | rows |\n| --- | --- | --- | --- |");
    for (const gen_index *index = record->indexes; index->name; index++) {
        print_index(record, index);
    }
}

static const char *load_words(gen_load load)
{
    switch (load) {
    case SW_LOAD_RAISE:
        return "raise: never by itself; asking unloaded is an error";
    case SW_LOAD_NOLOAD:
        return "noload: empty until loaded on purpose";
    case SW_LOAD_SELECTIN:
        return "selectin: together with its owner";
    case SW_LOAD_SELECT:
        return "select: on first touch";
    }
    return "?";
}

static void print_cascade(int cascade)
{
    static const struct {
        int flag;
        const char *words;
    } parts[] = {
        {SW_CASCADE_SAVE, "save-update"},
        {SW_CASCADE_DELETE, "delete"},
        {SW_CASCADE_ORPHAN, "delete-orphan"},
    };
    const char *comma = "";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (cascade & parts[i].flag) {
            printf("%s%s", comma, parts[i].words);
            comma = ", ";
        }
    }
    printf("%s", cascade ? "" : "none");
}

static void print_relations(const gen_record *record)
{
    if (!record->relations[0].name) {
        return;
    }
    puts("\n| relation | to | how many | by | loading | cascade | back reference | meaning |\n"
         "| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (const gen_relation *link = record->relations; link->name; link++) {
        const gen_record *other = gen_record_find(link->record);
        /* A list, and a child that shares our id, is found by a field of the other record. */
        bool theirs = link->many || link->cascade != 0;
        printf("| `%s` | [%s](#%s) | %s | ", link->name, link->record, link->record,
               link->many ? "many" : "one");
        printf("%s`%s`", theirs ? "its " : "",
               theirs ? other->fields[link->via].name : link->field);
        printf(" | %s | ", load_words(link->load));
        print_cascade(link->cascade);
        printf(" | %s | ", link->back ? link->back : "");
        print_cell(link->doc);
        puts(" |");
    }
}

static void print_record(const gen_record *record)
{
    printf("\n## %s\n\n%s Table `%s`", record->name, record->doc, record->table);
    if (*record->prefix) {
        printf(", ids `%s-<uuid>`", record->prefix);
    }
    printf(".%s%s\n", gen_is_v1(record) ? "" : " Stepwell's own.",
           record->is_public ? "" : " Internal: no view, no JSON form.");
    print_fields(record);
    print_indexes(record);
    print_relations(record);
}

/* ---- the rest ----------------------------------------------------------------------------------- */

static void print_kinds(void)
{
    puts("\n## Kinds\n\n"
         "| kind | meaning | JSON | SQLite | PostgreSQL | ClickHouse |\n"
         "| --- | --- | --- | --- | --- | --- |");
    for (size_t i = 0; i < GEN_KIND_COUNT; i++) {
        const gen_kind *kind = &gen_kinds[i];
        printf("| ");
        print_lower(kind->name);
        printf(" | %s | %s%s%s | %s | %s | %s |\n", kind->doc, kind->json_type,
               *kind->json_format ? ", " : "", kind->json_format, kind->sqlite_type,
               kind->postgres_type, kind->clickhouse_type);
    }
}

static void print_enums(void)
{
    puts("\n## Closed lists");
    for (size_t i = 1; i < SW_ENUM_COUNT; i++) {
        const gen_enum *list = &gen_enums[i];
        printf("\n### %s\n\n%s\n\n| word | meaning |\n| --- | --- |\n", list->name, list->doc);
        for (const gen_word *word = list->words; word->name; word++) {
            printf("| %s | %s |\n", word->word, word->doc);
        }
    }
}

static void print_limits(void)
{
    puts("\n## Limits\n\nA call that passes one is refused before it costs anything.\n\n"
         "| limit | value | unit | reason |\n| --- | --- | --- | --- |");
    for (size_t i = 0; i < gen_limit_count; i++) {
        const gen_limit *limit = &gen_limits[i];
        printf("| `%s` | %lld | %s | ", limit->name, limit->value, limit->unit);
        print_cell(limit->reason);
        puts(" |");
    }
}

static void print_statuses(void)
{
    puts("\n## Statuses\n\n"
         "| status | number | HTTP | exit code | try again | message | meaning |\n"
         "| --- | --- | --- | --- | --- | --- | --- |");
    for (size_t i = 0; i < gen_status_count; i++) {
        const gen_status *status = &gen_statuses[i];
        printf("| `SW_STATUS_%s` | %d | %d | %d | %s | %s | %s |\n", status->name, status->number,
               status->http, status->exit_code, status->retryable ? "yes" : "no", status->message,
               status->doc);
    }
}

void gen_records_page(void)
{
    puts(
        "<!-- Generated by tools/gen from the rows in model/ - do not edit. -->\n"
        "# Records\n\n"
        "Every record of Stepwell, its fields, indexes and relations; then the kinds, the closed lists,\n"
        "the limits and what a call can answer.\n\n"
        "V1 is the compatible system. Its records have its names and its fields; where Stepwell adds\n"
        "fields to one, the column *from* tells them apart. A prefix beside a kind is what such\n"
        "identifiers begin with; the primary key and references insist on it.\n");
    for (size_t i = 0; i < gen_record_count; i++) {
        printf("* [%s](#%s): %s\n", gen_records[i].name, gen_records[i].name, gen_records[i].doc);
    }
    puts(
        "* [Kinds](#kinds), [closed lists](#closed-lists), [limits](#limits), [statuses](#statuses)");
    for (size_t i = 0; i < gen_record_count; i++) {
        print_record(&gen_records[i]);
    }
    print_kinds();
    print_enums();
    print_limits();
    print_statuses();
}
