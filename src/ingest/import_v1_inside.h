/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the import of V1: import_v1.c walks tables, import_v1_read.c makes rows of what is read, and
 * import_v1_mend.c knows V1's oddities.
 */
#ifndef SW_INGEST_IMPORT_V1_INSIDE_H
#define SW_INGEST_IMPORT_V1_INSIDE_H

#include "ingest/import_v1.h"
#include "ledger/adopt.h"
#include "model/model.h"
#include "store/foreign.h"

/* Columns that are no field of ours, behind those that are. */
typedef enum v1_extra { V1_EXTRA_USER, V1_EXTRA_JOB_TYPE, V1_EXTRAS } v1_extra;

/* Which links of a run say what: its organization, its agent (up to the next), and whether a step names it. */
enum { V1_LINK_ORGANIZATION, V1_LINK_AGENT, V1_LINK_STEPS = SW_FOREIGN_LINKS - 1 };

/* A table of V1's. */
typedef struct v1_table {
    const char *name;
    const char *before; /* what it was called before, or NULL */
    sw_record_id record;
    const char *order;
    sw_foreign_link links[SW_FOREIGN_LINKS];
} v1_table;
extern const v1_table v1_tables[IMPORT_V1_TABLES];

/* Which column fills which field, in this database. */
typedef struct v1_columns {
    const char *name; /* of the table */
    sw_record_id record;
    const char *columns[SW_FOREIGN_WIDE];
    uint8_t fields[SW_FOREIGN_WIDE];
    size_t count; /* of fields; V1_EXTRAS columns follow */
} v1_columns;
void v1_columns_find(sw_foreign *db, const char *name, sw_record_id record, v1_columns *out);

typedef struct v1_work {
    sw_ledger *ledger;
    const import_v1_options *options;
    sw_foreign *db;
    import_v1_result *result;
    import_v1_count *count; /* of the table that is read */
    const char *table;
    bool jobs;      /* runs are rows of jobs */
    sw_arena arena; /* of the rows that are written together */
} v1_work;

/* A row that is being made. */
typedef struct v1_row {
    sw_record_id record;
    void *row;
    sw_str id;
    const sw_str *extras;      /* V1_EXTRAS of them */
    const sw_foreign_key *key; /* what other tables say of it */
    sw_int run_ns;             /* of a run: what run_metrics says */
    bool refused;              /* it was told why */
} v1_row;

/* The row's values into its fields, text copied into the arena. Values that no field of the kind holds are told. */
sw_status v1_read(v1_work *w, const v1_columns *columns, const sw_str *values, v1_row *row,
                  sw_error *err);
/* What V1 left unsaid or said in its own words; then all that the model does not take is left out and told, or refuses
 * the row. */
sw_status v1_mend(v1_work *w, v1_row *row, sw_error *err);
void v1_check(v1_work *w, v1_row *row);
/* A value is left out, or where the model needs it the row refused. */
void v1_drop(v1_work *w, v1_row *row, const sw_field *field, const char *why);
void v1_refuse(v1_work *w, v1_row *row, const char *field, const char *why);
/* Told without anything being dropped. */
void v1_tell(v1_work *w, sw_str id, const char *field, const char *why, bool taken);

#endif
