/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the base room share: cmocka, a random sequence that is the same every time, and
 * how much of it to use.
 */
#ifndef TEST_BASE_H
#define TEST_BASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

/* The next number of a sequence that starts with any state. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 31) * UINT64_C(0x7fb5d329728ea185);
    x = (x ^ x >> 27) * UINT64_C(0x81dadef4bc2dd44d);
    return x ^ x >> 33;
}

static inline size_t test_below(uint64_t *state, size_t bound)
{
    return (size_t)(test_random(state) % bound);
}

/* `count` at the normal level, a tenth when it must be quick, ten times when there is time. */
static inline size_t test_rounds(size_t count)
{
    const char *level = getenv("STEPWELL_TEST_LEVEL");
    if (level && strcmp(level, "deep") == 0) {
        return count * 10;
    }
    return level && strcmp(level, "quick") == 0 ? count / 10 : count;
}

static inline void test_same_text(sw_str got, const char *expected)
{
    assert_non_null(got.ptr);
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.ptr, expected, got.len);
}

/* The text, copied to memory of exactly its size, so that the sanitizer sees a step too far. */
static inline sw_str test_exact_copy(sw_str text)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);
    assert_non_null(copy);
    memcpy(copy, text.ptr, text.len);
    return sw_str_make(copy, text.len);
}

#endif
