/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the program as a child, as a person or a script would, on a ledger in a folder of the test's
 * own.
 */
#ifndef TESTS_CLI_CHILD_H
#define TESTS_CLI_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* What a child said; free with child_free. */
typedef struct child {
    int code; /* its exit code; -1: a signal ended it */
    char *out;
    char *err;
} child;

/* A folder that is removed at the end; child_folder names it. The environment's STEPWELL_STORE
 * points to a ledger in it. For cmocka's group set-up and tear-down.
 */
int child_set_up(void **state);
int child_tear_down(void **state);
/* The same, with a demo of so many steps in the ledger. */
int child_set_up_demo(void **state, const char *steps, const char *seed);
const char *child_folder(void);

/* Runs the program with these words; the last is NULL. */
child child_run(const char *const *words);
#define RUN(...) child_run((const char *const[]){__VA_ARGS__, NULL})
/* The same on a terminal of so many columns; everything it wrote is in out, with CR LF. */
child child_run_on_terminal(int columns, const char *const *words);
void child_free(child *c);

/* Runs the program, which must succeed and say nothing on stderr, and reads its answer as JSON. */
json_t *child_json(const char *const *words);
#define JSON(...) child_json((const char *const[]){__VA_ARGS__, NULL})
/* The same for lines of JSON: an array. */
json_t *child_lines(const char *const *words);
#define LINES(...) child_lines((const char *const[]){__VA_ARGS__, NULL})
/* Runs the program, which must succeed. */
void child_must(const char *const *words);
#define MUST(...) child_must((const char *const[]){__VA_ARGS__, NULL})

/* A member that must be there. */
json_int_t child_number(const json_t *object, const char *key);

#endif
