/* SPDX-License-Identifier: Apache-2.0 */
/* Generated rows: any record, filled field by field from its kind. The same seed gives the same rows on
 * every machine. References are not chosen here: they stay null for the caller to fill.
 */
#ifndef TESTS_ROWGEN_H
#define TESTS_ROWGEN_H

#include "model/model.h"

typedef struct rowgen {
    uint64_t state;  /* the seed; moves on */
    sw_arena *arena; /* where text lives */
    /* Values are drawn from so many (numbers, words, texts) where the kind has room for it, so that
     * rows share values; 0: any value. */
    unsigned variety;
} rowgen;

uint64_t rowgen_next(rowgen *gen);
uint64_t rowgen_below(rowgen *gen, uint64_t bound); /* 0 <= n < bound */

typedef enum rowgen_fill {
    ROWGEN_FULL,   /* every field has a value */
    ROWGEN_SPARSE, /* every field that may be null is null */
    ROWGEN_MIXED,  /* half of those that may be null are */
    ROWGEN_LARGE   /* every text is as long as its limit allows (JSON: as long as 100,000 bytes) */
} rowgen_fill;

/* Fills a zeroed struct of the record. */
void rowgen_row(rowgen *gen, sw_record_id record, rowgen_fill fill, void *row);
/* One value for the field, never null. */
void rowgen_field(rowgen *gen, const sw_field *field, bool large, void *row);
/* An identifier: most are prefix and uuid, some have another prefix or no such shape. */
sw_str rowgen_id(rowgen *gen, const char *prefix);

#endif
