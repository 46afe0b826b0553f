/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the SQLite store share: a folder with one store in it, and the file as any SQLite program
 * sees it.
 */
#ifndef TEST_SQLITE_PLACE_H
#define TEST_SQLITE_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/sqlite_impl.h"
#include "tests/lib/rowgen.h"

/* A folder of its own for each test, with one store in it. */
typedef struct place {
    char folder[64];
    char path[96];
    char url[128];
    sw_store *store;
    sw_session *writer;
    sw_arena arena;
    sw_error err;
} place;

typedef union any_row {
    max_align_t align;
    char bytes[SW_LITE_ROW_BYTES];
} any_row;

void check(const place *p, sw_status got, sw_status expected);
/* Opens the store with these options. */
sw_status try_open(place *p, sw_store_options options);
/* Of each test: a place in *state; the store is not open yet. */
int set_up(void **state);
void open_writer(place *p);
void close_store(place *p);
int tear_down(void **state);
void begin(place *p);
void commit(place *p);

/* The file from outside, through SQLite itself. */
sqlite3 *open_raw(const place *p);
void run_raw(sqlite3 *db, const char *sql);
/* The first row; the statement must be finalized by the caller. */
sqlite3_stmt *ask_raw(sqlite3 *db, const char *sql);
int64_t raw_number(sqlite3 *db, const char *sql);

/* Rows that hold what they must. */
sw_str make_id(place *p, const char *prefix, unsigned n);
sw_organization an_organization(place *p, unsigned n);
sw_step a_step(place *p, unsigned n, sw_str organization, sw_str model);
void insert(place *p, sw_record_id record, const void *row);

#endif
