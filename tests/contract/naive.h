/* SPDX-License-Identifier: Apache-2.0 */
/* What scans ought to show, worked out the slow way from rows that the test kept: filter them all, sort
 * them all. Shares no code with the stores nor with the model's own comparisons.
 */
#ifndef TESTS_CONTRACT_NAIVE_H
#define TESTS_CONTRACT_NAIVE_H

#include "tests/contract/contract.h"

/* Order of one field: null first; ids: those that are no prefix and uuid first, then by uuid, then by
 * prefix (the field's own before all); text by bytes; numbers by value. */
int naive_cmp(const sw_field *field, const void *a, const void *b);
int naive_cmp_key(sw_record_id record, const void *a, const void *b);
bool naive_holds(const sw_record *model, const sw_condition *condition, const void *row);

enum { NAIVE_ROWS = 4096 };
typedef struct naive {
    sw_record_id record;
    const void *rows[NAIVE_ROWS];
    size_t count;
} naive;

/* The rows of `all` that the scan shows without its limits, in its order. */
void naive_scan(const naive *all, const sw_scan *scan, naive *out);

/* Rows of every record, in a store and in hand. Values repeat: few words, few numbers, few times. */
typedef struct dataset {
    naive of[SW_RECORD_COUNT];
} dataset;
dataset *dataset_fill(contract *ct, size_t rows); /* as many of each record, or nearly so */

/* Runs the scan on the reader and compares, row by row, with what it ought to show. */
void naive_expect(contract *ct, const dataset *data, const sw_scan *scan);

#endif
