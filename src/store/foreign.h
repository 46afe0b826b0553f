/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of a database that another program keeps (SQLite, PostgreSQL), read for an import. It stands in this room
 * because only the store knows SQL; it has nothing to do with the ledger's own store. The database is never written to:
 * beside a program that has it open it is read under that program's locks, a log that nobody has open is read in a copy;
 * a server is read in one transaction that may not write.
 * What a hostile file could make SQLite do (views, functions, triggers) is refused.
 */
#ifndef SW_STORE_FOREIGN_H
#define SW_STORE_FOREIGN_H

#include "base/base.h"

enum { SW_FOREIGN_COLUMNS = 8 };

typedef struct sw_foreign_table {
    const char *name;
    const char *columns[SW_FOREIGN_COLUMNS]; /* up to the first NULL */
} sw_foreign_table;

typedef struct sw_foreign sw_foreign;

/* One state of all tables, however long they are read. The handle is of the arena. */
sw_status sw_foreign_open(const char *path, sw_arena *arena, sw_foreign **out,
                          sw_error *err) SW_MUST_CHECK;
/* The same of a database that is in memory, all of it; the bytes are the handle's until it is closed, and are changed
 * where the file says that it has a log beside it, which it has not here. */
sw_status sw_foreign_open_bytes(sw_str bytes, sw_arena *arena, sw_foreign **out,
                                sw_error *err) SW_MUST_CHECK;
/* One state of the whole database, with what its log says, in a file of its own that has no name any more: *fd is the
 * caller's. CORRUPT: it is damaged. */
sw_status sw_foreign_copy(const char *path, sw_arena *arena, int *fd, sw_error *err) SW_MUST_CHECK;
/* Every row, in no order, its values as text in the order of the columns, null where there is none; a table or column
 * that is not there has nothing. Values live until the call returns; false ends. */
sw_status sw_foreign_each(sw_foreign *db, const sw_foreign_table *table,
                          bool (*row)(void *arg, const sw_str *values), void *arg,
                          sw_error *err) SW_MUST_CHECK;
/* The same of the rows whose column (one of the table's) holds this text. */
sw_status sw_foreign_each_of(sw_foreign *db, const sw_foreign_table *table, const char *column,
                             sw_str is, bool (*row)(void *arg, const sw_str *values), void *arg,
                             sw_error *err) SW_MUST_CHECK;
/* Whether the database has an index for that, so that it need not look at every row. */
bool sw_foreign_finds(sw_foreign *db, const sw_foreign_table *table, const char *column);
void sw_foreign_close(sw_foreign **db);

/* ---- whole tables, of either kind ------------------------------------------------------------------------- */

/* What follows is for a database of which nobody knows how large it is: what is in memory at a time are some thousand
 * keys and one row. Of a PostgreSQL database it is all there is; what stands above is for files. */

/* "sqlite:PATH" or "postgres://...": one state of all tables too. INVALID: it is neither, or the server does not let us
 * in; NOT_FOUND: there is no such file; IO: the server is away. No sentence holds a password. */
sw_status sw_foreign_open_url(const char *url, sw_arena *arena, sw_foreign **out,
                              sw_error *err) SW_MUST_CHECK;
/* Whether there is such a table (column NULL), or column of it. */
bool sw_foreign_has(sw_foreign *db, const char *table, const char *column);
sw_status sw_foreign_count(sw_foreign *db, const char *table, int64_t *out,
                           sw_error *err) SW_MUST_CHECK;

/* What other rows say of a row: the least (or greatest) value of those whose `key` is the row's. With `via` the value is
 * a key there, and `via_value` of that row is meant. A table or column that is not there says nothing. */
typedef struct sw_foreign_link {
    const char *table; /* NULL: none */
    const char *key;
    const char *value;
    bool greatest;
    const char *via; /* or NULL */
    const char *via_key;
    const char *via_value;
} sw_foreign_link;
enum { SW_FOREIGN_LINKS = 5 };

/* The keys of a table, in the order of a column (which may be missing, or NULL), then of the key. */
typedef struct sw_foreign_keys {
    const char *table;
    const char *key;
    const char *order;
    sw_foreign_link links[SW_FOREIGN_LINKS];
} sw_foreign_keys;
typedef struct sw_foreign_key {
    sw_str key; /* null: the row has none */
    sw_str links[SW_FOREIGN_LINKS];
} sw_foreign_key;

/* One walk at a time in a database; other rows may be asked for meanwhile. The handle is of the arena. */
typedef struct sw_foreign_walk sw_foreign_walk;
sw_status sw_foreign_walk_open(sw_foreign *db, const sw_foreign_keys *of, sw_arena *arena,
                               sw_foreign_walk **out, sw_error *err) SW_MUST_CHECK;
/* The next ones, at most `most`; text in the arena. 0: that was all. */
sw_status sw_foreign_walk_next(sw_foreign_walk *walk, size_t most, sw_arena *arena,
                               sw_foreign_key *keys, size_t *count, sw_error *err) SW_MUST_CHECK;
void sw_foreign_walk_close(sw_foreign_walk **walk);

/* The rows with these keys, in their order; keys that are not there are passed over. Values as above, and they live
 * until the call returns; an answer other than OK ends it, and the database can only be closed then. */
enum { SW_FOREIGN_WIDE = 64 };
typedef struct sw_foreign_wide {
    const char *table;
    const char *key;
    const char *const *columns; /* NULL among them: nothing */
    size_t column_count;        /* at most SW_FOREIGN_WIDE */
} sw_foreign_wide;
typedef sw_status sw_foreign_row(void *arg, const sw_str *values, sw_error *err);
sw_status sw_foreign_rows(sw_foreign *db, const sw_foreign_wide *of, const sw_str *keys,
                          size_t count, sw_foreign_row *row, void *arg,
                          sw_error *err) SW_MUST_CHECK;

#endif
