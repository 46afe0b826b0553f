/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of a database that another program keeps (SQLite), read for an import. It stands in this room because only
 * the store knows SQL; it has nothing to do with the ledger's own store. The database is never written to: beside a
 * program that has it open it is read under that program's locks, a log that nobody has open is read in a copy.
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

#endif
