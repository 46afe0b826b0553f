/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows: one way to say it, for every record and every store. A condition names a field by its
 * enumerator (stepwell/facts.h, e.g. SW_STEP_MODEL), an operator and values; conditions are joined by
 * AND. Nothing is copied: what they point to must live until the call returns.
 */
#ifndef STEPWELL_QUERY_H
#define STEPWELL_QUERY_H

#include "stepwell/types.h"

typedef enum sw_op {
    SW_OP_EQ, /* field = values[0] */
    SW_OP_IN, /* field equals one of values; no values: no row */
    SW_OP_NE, /* field is null or differs from values[0] */
    SW_OP_LT,
    SW_OP_LE,
    SW_OP_GT,
    SW_OP_GE, /* null never matches */
    SW_OP_NULL,
    SW_OP_NOT_NULL,
    SW_OP_TAG_ANY,
    SW_OP_TAG_ALL, /* a TAGS field holds one, all of values */
    SW_OP_CONTAINS /* a text field contains values[0], ASCII letters in any case */
} sw_op;

/* A value: text for kinds held as sw_str, number for the others. */
typedef struct sw_value {
    sw_str text;
    int64_t number;
} sw_value;

typedef struct sw_condition {
    uint8_t field;
    sw_op op;
    const sw_value *values;
    size_t count;
} sw_condition;

#endif
