/* SPDX-License-Identifier: Apache-2.0 */
/* The generator's pages: each prints one derived file from the rows to standard output. */
#ifndef SW_GEN_H
#define SW_GEN_H

#include "rows.h"

/* The public header stepwell/facts.h. */
void gen_facts(void);
/* The private header json_order.h. */
void gen_json_order_header(void);
/* JSON Schema 2020-12 of the public records. */
void gen_schema(void);
/* The reference page docs/api.md. */
void gen_api_page(void);
/* The private header alias_table.h of the ingest room; false when it cannot be laid out. */
bool gen_aliases(void);
/* The reference page docs/telemetry.md. */
void gen_telemetry_page(void);
/* The reference page docs/import.md. */
void gen_import_page(void);
/* The module facts.ts, which the dashboard imports. */
void gen_web_facts(void);
/* The reference page docs/records.md. */
void gen_records_page(void);

/* ---- shared by the pages ------------------------------------------------------------------------ */

/* Prints in capitals. */
void gen_upper(const char *text);
/* Prints a text in quotes of this kind. */
void gen_quoted(const char *text, char quote);
/* Prints a comment of one sentence or more at this indent, broken at 100 columns. */
void gen_comment(int indent, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
