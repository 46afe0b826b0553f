/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of opencode's sessions, and what is made of them (import_opencode.c); a database of them that is read family by
 * family (import_database.c).
 */
#ifndef SW_INGEST_IMPORT_OPENCODE_H
#define SW_INGEST_IMPORT_OPENCODE_H

#include "ingest/import_call.h"
#include "store/foreign.h"

typedef struct opencode_row {
    sw_str root; /* of all that hang together; set when all are there */
    sw_str session;
    sw_str message; /* empty: the row is the session */
    sw_str part;    /* empty: it is the message */
    sw_str parent;  /* of a session */
    sw_str at;      /* milliseconds, as a number */
    sw_str data;    /* null: nothing is known of the session but that it has messages */
    bool old;       /* out of a file */
} opencode_row;

typedef struct opencode_rows {
    import_work *work;
    import_file *file;
    import_list rows; /* opencode_row */
    sw_error *err;
} opencode_rows;

extern const sw_foreign_table opencode_sessions, opencode_messages, opencode_parts;
extern const char opencode_is_broken[];

bool opencode_is_id(sw_str text);
/* Of a row of these tables; the argument is an opencode_rows. */
bool opencode_take_session(void *arg, const sw_str *v);
bool opencode_take_message(void *arg, const sw_str *v);
bool opencode_take_part(void *arg, const sw_str *v);
/* Sessions in the order of their ids, and what is in them likewise; of one row only one stays. */
void opencode_sort(opencode_rows *g);
/* The same by families, each with its root. */
void opencode_find_roots(opencode_rows *g);
/* How many of the rows from there on are of one family. */
size_t opencode_family(const opencode_rows *g, size_t from);
/* All rows of one root are read as if they were one file. */
sw_status opencode_read_rows(const opencode_rows *g, const opencode_row *rows, size_t count,
                             bool again, sw_error *err);

#endif
