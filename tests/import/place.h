/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the import share: a folder of their own, ledgers in it, SQL over them, files to import. */
#ifndef TESTS_IMPORT_PLACE_H
#define TESTS_IMPORT_PLACE_H

#include "ingest/import.h"
#include "tests/unit/test_base.h"

/* A folder that is removed at the end; for cmocka's group set-up and tear-down. */
int place_set_up(void **state);
int place_tear_down(void **state);
/* A path in the folder; kept until the end. */
const char *place_path(const char *name);
/* Makes folders on the way; replaces what is there. */
void place_write(const char *name, sw_str content);
void place_append(const char *name, sw_str content);
void place_remove(const char *name);
/* The file's bytes, to be freed; null: there is none. */
sw_str place_read(const char *path);

/* import_paths, on one machine (place_here.c) or from another one (place_sent.c), whichever the test is built with. */
sw_status place_way(sw_ledger *ledger, const sw_actor *actor, const import_options *options,
                    const char *const *paths, size_t count, import_result *out, sw_error *err);
/* Whether it is from another one: then only what one upload holds is read together, or its sender knows to be of a unit. */
extern const bool place_sends;
/* Imports paths into the ledger of that name in the folder, which must go well. */
import_result place_import(const char *ledger, const char *const *paths, size_t count);
import_result place_import_one(const char *ledger, const char *path);
/* Imports a file of the folder, and again when it was touched, which must bring nothing; `others`: rows that are no
 * call. */
void place_import_twice(const char *ledger, const char *name, int64_t steps, int64_t others);
/* So many calls are written at a time from now on; 0: as the import likes. */
void place_windows(size_t steps);
/* The same, with what was told of trouble, a line each: "path:line: why". */
import_result place_import_told(const char *ledger, const char *path, char *told, size_t size);

/* The number that the question answers, over the ledger's file. */
int64_t place_number(const char *ledger, const char *sql);
/* One step, and only one, is so: in SQL over steps s and step_metrics m. */
void place_is_one(const char *ledger, const char *what);
/* All that the ledger holds of steps, runs, messages, timings, as text, without when it was written; to be freed. */
char *place_dump(const char *ledger);
/* Both hold the same; else where they begin to differ is shown. */
void place_same(const char *got, const char *expected);
/* verify finds nothing. */
void place_verify(const char *ledger);
void place_drop(const char *ledger);

/* A folder of the shared data, or NULL after saying so. */
const char *place_data(const char *name);

#endif
