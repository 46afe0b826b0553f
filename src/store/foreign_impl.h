/* SPDX-License-Identifier: Apache-2.0 */
/* Behind foreign.h: a table of verbs for each kind of database, and the statements that are the same for all.
 */
#ifndef SW_STORE_FOREIGN_IMPL_H
#define SW_STORE_FOREIGN_IMPL_H

#include "store/foreign.h"

struct sqlite3;

typedef struct sw_foreign_ops {
    bool (*has)(sw_foreign *db, const char *table, const char *column);
    sw_status (*count)(sw_foreign *db, const char *sql, int64_t *out, sw_error *err);
    sw_status (*walk_open)(sw_foreign_walk *walk, const char *sql, sw_error *err);
    sw_status (*walk_next)(sw_foreign_walk *walk, size_t most, sw_arena *arena,
                           sw_foreign_key *keys, size_t *count, sw_error *err);
    void (*walk_close)(sw_foreign_walk *walk);
    sw_status (*rows)(sw_foreign *db, const char *sql, const sw_foreign_wide *of,
                      const sw_str *keys, size_t count, sw_foreign_row *row, void *arg,
                      sw_error *err);
    void (*close)(sw_foreign *db);
    const char *as_text;  /* behind a value */
    const char *by_bytes; /* behind a text in an order */
    const char *from;     /* before the table of which rows are asked for by key */
    const char *where;    /* behind it and the key's column */
} sw_foreign_ops;

struct sw_foreign {
    const sw_foreign_ops *ops;
    struct sqlite3 *db; /* of SQLite's kind */
    void *own;          /* of the others */
    const sw_allocator *allocator;
};

struct sw_foreign_walk {
    sw_foreign *db;
    const char *table;
    size_t columns;
    void *statement; /* SQLite's */
};

extern const sw_foreign_ops sw__lite_foreign;
/* "//user@host/database" behind its scheme; UNSUPPORTED in a build without libpq. */
sw_status sw__pg_foreign_open(const char *url, sw_arena *arena, sw_foreign *out, sw_error *err);

#endif
