/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the codec share: random rows of any record, and a fixture to read and write them. */
#ifndef TEST_CODEC_ROWS_H
#define TEST_CODEC_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/record.h"
#include "tests/unit/short_memory.h"

/* A row of any record. */
typedef union any_row {
    max_align_t align;
    char bytes[64 * 16];
} any_row;

typedef struct maker {
    uint64_t state;
    sw_arena arena;
} maker;

typedef struct fixture {
    maker maker;
    sw_buf buf;
    sw_json_out out;
    any_row row;
    any_row got;
} fixture;

uint64_t draw(maker *m, uint64_t below);
/* A row of the record with random values; `shown_only`: without what JSON and CSV leave out. */
void make_row(maker *m, const sw_record *record, void *row, bool shown_only);
void assert_same(const sw_record *record, const void *got, const void *expected);
/* The fields that JSON and CSV show. */
uint64_t shown_mask(sw_record_id id);
/* Of each test: a fixture in *state. */
int setup(void **state);
int teardown(void **state);
/* Reads the text with one allocation more each time, until it succeeds: before that, nothing but NO_MEMORY
 * and nothing left behind. */
void sweep(sw_status (*read)(short_memory *, sw_str), sw_str text);

#endif
