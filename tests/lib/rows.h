/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests need to know of a record: its fields by name, kind and place. Read from the rows in
 * model/, not from the descriptors in src/, so that a mistake there cannot hide itself. Also text that
 * lives until the test ends, and rows copied into it.
 */
#ifndef TEST_ROWS_H
#define TEST_ROWS_H

#include "stepwell/ledger.h"

/* Memory that is given back all at once. Aborts when there is none: a test has nothing better to do. */
typedef struct pool pool;
pool *pool_new(void);
void pool_free(pool **pool);
void *pool_alloc(pool *pool, size_t size); /* zeroed */
sw_str pool_str(pool *pool, sw_str text);  /* a copy with a NUL behind it; null stays null */
sw_str pool_printf(pool *pool, const char *format, ...) SW_PRINTF(2, 3);

typedef struct row_field {
    const char *name;
    size_t offset;
    bool text; /* held as sw_str, else as sw_int */
    bool tags;
    bool bytes; /* digests, which no caller reads */
} row_field;

typedef struct row_kind {
    const char *name;
    size_t size;
    const row_field *fields;
    size_t count;
} row_kind;

const row_kind *row_kind_of(sw_record_id record);
sw_str row_text(sw_record_id record, const void *row, int field);
sw_int row_number(sw_record_id record, const void *row, int field);
bool row_is_null(sw_record_id record, const void *row, int field);
void row_set(sw_record_id record, void *row, int field, const void *from);
/* A deep copy. */
void row_copy(sw_record_id record, void *to, const void *from, pool *pool);
/* The first field outside `ignore` (a mask) in which they differ, or -1. */
int row_differs(sw_record_id record, const void *a, const void *b, uint64_t ignore);
/* "model: 'a' / 'b'", for a message. */
const char *row_difference(sw_record_id record, const void *a, const void *b, int field, char *out,
                           size_t size);
/* Whether the row satisfies the condition, by the words of stepwell/query.h. */
bool row_holds(sw_record_id record, const void *row, const sw_condition *condition);

/* JSON arrays of plain words without escapes: ["a","b"]. */
enum { WORDS_MAX = 80 };
typedef struct words {
    sw_str at[WORDS_MAX];
    size_t count;
} words;
void words_read(words *words, sw_str json);
bool words_have(const words *words, sw_str word);
sw_str words_write(const words *words, pool *pool);
/* The same words, in any order. */
bool words_same(sw_str a, sw_str b);

const char *status_name(sw_status status);
const char *verdict_name(sw_verdict verdict);
const char *step_status_word(int64_t status);

#endif
