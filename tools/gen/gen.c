/* SPDX-License-Identifier: Apache-2.0 */
/* The generator: reads the rows of model/ and prints what derives from them, one page a call. A host
 * program that runs while Stepwell is built; knows nothing of the library, which it comes before.
 */
#include "gen.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void gen_upper(const char *text)
{
    for (; *text; text++) {
        putchar(toupper((unsigned char)*text));
    }
}

void gen_quoted(const char *text, char quote)
{
    putchar(quote);
    for (; *text; text++) {
        if (*text == quote || *text == '\\') {
            putchar('\\');
        }
        putchar(*text);
    }
    putchar(quote);
}

void gen_comment(int indent, const char *format, ...)
{
    enum { WIDTH = 100 };
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int column = printf("%*s/*", indent, "");
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        int length = (int)strlen(word);
        if (column + 1 + length + 3 > WIDTH) {
            column = printf("\n%*s *", indent, "") - 1;
        }
        column += printf(" %s", word);
    }
    puts(" */");
}

/* Columns stand in the order of JSON members. */
static void print_csv_header(const gen_record *record)
{
    size_t order[GEN_FIELDS_MAX];
    size_t count = gen_json_order(record, order);
    for (size_t i = 0; i < count; i++) {
        printf("%s%s", i ? "," : "", record->fields[order[i]].name);
    }
    putchar('\n');
}

static bool run(const char *page, const char *name)
{
    const gen_record *record = gen_record_find(name);
    if (strcmp(page, "facts") == 0) {
        gen_facts();
    } else if (strcmp(page, "json-order") == 0) {
        gen_json_order_header();
    } else if (strcmp(page, "schema") == 0) {
        gen_schema();
    } else if (strcmp(page, "records-md") == 0) {
        gen_records_page();
    } else if (strcmp(page, "api-md") == 0) {
        gen_api_page();
    } else if (strcmp(page, "aliases") == 0) {
        return gen_aliases();
    } else if (strcmp(page, "telemetry-md") == 0) {
        gen_telemetry_page();
    } else if (strcmp(page, "import-md") == 0) {
        gen_import_page();
    } else if (strcmp(page, "web-facts") == 0) {
        gen_web_facts();
    } else if (strcmp(page, "csv-header") == 0 && record) {
        print_csv_header(record);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    if (!gen_rows_check()) {
        return 1;
    }
    if (!run(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "")) {
        fputs(
            "usage: gen facts | json-order | schema | records-md | api-md | aliases | telemetry-md |"
            " import-md | web-facts | csv-header RECORD\n",
            stderr);
        return 2;
    }
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
