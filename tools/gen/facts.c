/* SPDX-License-Identifier: Apache-2.0 */
/* Prints stepwell/facts.h: statuses, closed lists, limits, and for each record its struct and the numbers
 * of its fields. The header is meant to be read, so every member carries the words of its row.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"

static void print_rule(const char *title)
{
    int width = 98 - printf("\n/* ---- %s ", title);
    while (width-- > 0) {
        putchar('-');
    }
    puts(" */\n");
}

static void print_statuses(void)
{
    print_rule("what a call answers");
    gen_comment(0, "Zero is success. The numbers are stable. sw_error carries the details.");
    puts("typedef enum sw_status {");
    for (size_t i = 0; i < gen_status_count; i++) {
        const gen_status *status = &gen_statuses[i];
        gen_comment(4, "%s HTTP %d, exit code %d%s.", status->doc, status->http, status->exit_code,
                    status->retryable ? "; worth trying again" : "");
        printf("    SW_STATUS_%s = %d%s\n", status->name, status->number,
               i + 1 < gen_status_count ? "," : "");
    }
    puts("} sw_status;");
}

static void print_enum(const gen_enum *list)
{
    gen_comment(0, "%s", list->doc);
    printf("typedef enum sw_%s {\n", list->name);
    for (size_t i = 0; i < list->count; i++) {
        gen_comment(4, "\"%s\": %s", list->words[i].word, list->words[i].doc);
        printf("    %s = %zu%s\n", list->words[i].name, i, i + 1 < list->count ? "," : "");
    }
    printf("} sw_%s;\nenum { SW_", list->name);
    gen_upper(list->name);
    printf("_COUNT = %zu };\n\n", list->count);
}

static void print_limits(void)
{
    print_rule("limits");
    gen_comment(0, "A call that passes one is refused before it costs anything.");
    puts("enum {");
    for (size_t i = 0; i < gen_limit_count; i++) {
        const gen_limit *limit = &gen_limits[i];
        if (limit->value < 0 || limit->value > INT_MAX) {
            fprintf(stderr, "model: limit %s does not fit an int\n", limit->name);
            exit(1);
        }
        gen_comment(4, "%s: %s.", limit->unit, limit->reason);
        printf("    SW_LIMIT_%s = %lld%s\n", limit->name, limit->value,
               i + 1 < gen_limit_count ? "," : "");
    }
    puts("};");
}

static void print_record_ids(void)
{
    print_rule("records");
    gen_comment(0, "The records, parents before children. The numbers are stable.");
    puts("typedef enum sw_record_id {");
    for (size_t i = 0; i < gen_record_count; i++) {
        printf("    SW_RECORD_%s = %zu,\n", gen_records[i].upper, i);
    }
    printf("    SW_RECORD_COUNT = %zu\n} sw_record_id;\n", gen_record_count);
}

/* What the kind, the unit and the flags add to the words of the row, as a clause each. */
static void describe(const gen_field *field, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "%s",
                                 field->flags & SW_NOT_NULL ? "Never null" : "May be null");
    const struct {
        bool said;
        const char *format;
        const char *text;
    } clauses[] = {
        {field->unit != NULL, "; in %s", field->unit},
        {field->kind == GEN_KIND_TIME, "; in %s", "microseconds since 1970-01-01 UTC"},
        {field->kind == GEN_KIND_ENUM, "; an sw_%s", gen_enums[field->words].name},
        {field->kind == GEN_KIND_JSON, "; %s",
         field->flags & SW_ARRAY ? "a JSON array" : "a JSON object"},
        {field->kind == GEN_KIND_TAGS, "; %s", "a JSON array of strings"},
        {field->kind == GEN_KIND_BYTES, "; %s", "bytes"},
        {field->kind == GEN_KIND_BOOL, "; %s", "0 or 1"},
        {field->prefix != NULL, "; %s-<uuid>", field->prefix},
        {field->prefix2 != NULL, " or %s-<uuid>", field->prefix2},
        {field->ref.record != NULL, "; of an existing %s", field->ref.record},
        {field->fallback != NULL, "; default %s", field->fallback},
        {field->flags & SW_KEEP, "; %s", "cannot change"},
        {field->flags & SW_SECRET, "; %s", "written, never handed out"},
    };
    for (size_t i = 0; i < sizeof clauses / sizeof clauses[0] && at < size; i++) {
        if (clauses[i].said) {
            /* The formats are the literals above. */
            const char *mark = strstr(clauses[i].format, "%s");
            at += (size_t)snprintf(out + at, size - at, "%.*s%s%s", (int)(mark - clauses[i].format),
                                   clauses[i].format, clauses[i].text, mark + 2);
        }
    }
}

static void print_struct(const gen_record *record)
{
    unsigned ours = 0;
    gen_comment(0, "%s Table %s%s%s.", record->doc, record->table,
                gen_is_v1(record) ? "" : ", Stepwell's own", record->is_public ? "" : ", internal");
    printf("typedef struct sw_%s {\n", record->name);
    for (const gen_field *field = record->fields; field->name; field++) {
        char clauses[400];
        if (gen_is_v1(record) && (field->flags & SW_OURS) != ours) {
            ours = field->flags & SW_OURS;
            printf("\n    /* -- %s -- */\n\n", ours ? "Stepwell's own" : "as in V1");
        }
        describe(field, clauses, sizeof clauses);
        gen_comment(4, "%s %s.", field->doc, clauses);
        printf("    %s %s;\n", gen_kinds[field->kind].c_type, field->name);
    }
    printf("} sw_%s;\n\n", record->name);
}

static void print_numbers(const gen_record *record)
{
    gen_comment(0, "The fields of sw_%s by number.", record->name);
    puts("enum {");
    for (size_t i = 0; i < record->field_count; i++) {
        printf("    SW_%s_", record->upper);
        gen_upper(record->fields[i].name);
        printf(" = %zu,\n", i);
    }
    printf("    SW_%s_FIELD_COUNT = %zu\n};\n", record->upper, record->field_count);
}

static void print_totals(void)
{
    print_rule("sums");
    gen_comment(0,
                "The sums that every rollup carries, as plain numbers. How many steps they cover, "
                "and how many of those did not know their usage or cost, is part of them.");
    puts("typedef struct sw_totals {\n    /* How many steps. */\n    int64_t num_steps;");
    for (const gen_field *field = gen_totals; field->name; field++) {
        if (field->unit) {
            gen_comment(4, "%s In %s.", field->doc, field->unit);
        } else {
            gen_comment(4, "%s", field->doc);
        }
        printf("    int64_t %s;\n", field->name);
    }
    puts("} sw_totals;");
}

void gen_facts(void)
{
    puts(
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        "/* Generated by tools/gen from the rows in model/ - do not edit.\n"
        " *\n"
        " * The facts of Stepwell: what a call can answer, the closed lists of words, the limits, and the\n"
        " * records as plain structs. A zeroed struct is a record of NULLs; sw_str is null when its ptr is\n"
        " * NULL, sw_int when its known is 0 (stepwell/value.h). Text in a struct is borrowed. The header\n"
        " * may be used from C++.\n"
        " */\n"
        "#ifndef STEPWELL_FACTS_H\n"
        "#define STEPWELL_FACTS_H\n\n"
        "#include \"stepwell/value.h\"");
    print_statuses();
    print_rule("closed lists of words");
    for (size_t i = 1; i < SW_ENUM_COUNT; i++) {
        print_enum(&gen_enums[i]);
    }
    print_limits();
    print_record_ids();
    for (size_t i = 0; i < gen_record_count; i++) {
        print_rule(gen_records[i].name);
        print_struct(&gen_records[i]);
        print_numbers(&gen_records[i]);
    }
    print_totals();
    puts("\n#endif");
}
