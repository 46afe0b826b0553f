/* SPDX-License-Identifier: Apache-2.0 */
/* The two types a field of a record can have. A zeroed record is a record of NULLs. */
#ifndef STEPWELL_VALUE_H
#define STEPWELL_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* Text or bytes, borrowed: `ptr` need not end in NUL and is NULL for the null value (which is not the
 * empty text). How long it lives is said where it is handed out.
 */
typedef struct sw_str {
    const char *ptr;
    size_t len;
} sw_str;

/* A number, or null when `known` is 0. */
typedef struct sw_int {
    int64_t value;
    int64_t known;
} sw_int;

#endif
