/* SPDX-License-Identifier: Apache-2.0 */
/* The few types that everything in Stepwell is made of: text, number, error, allocator.
 *
 * Nothing here allocates and nothing is global. All functions are inline and thread-safe. The header
 * may be used from C++.
 */
#ifndef STEPWELL_TYPES_H
#define STEPWELL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "stepwell/facts.h"

#if defined(__GNUC__)
#define SW_API __attribute__((visibility("default")))
#define SW_MUST_CHECK __attribute__((warn_unused_result))
#define SW_PRINTF(FORMAT, FIRST) __attribute__((format(printf, FORMAT, FIRST)))
#else
#define SW_API
#define SW_MUST_CHECK
#define SW_PRINTF(FORMAT, FIRST)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong, for a person and for a program. The caller owns it, usually on the stack; there is
 * nothing to free. A call that succeeds leaves it as it was. `field` names the field of the record
 * ("steps[3].model") or is empty; `message` is a sentence without a final full stop, never holds
 * another organization's data, and is cut to fit.
 */
typedef struct sw_error {
    sw_status status;
    char field[96];
    char message[400];
} sw_error;

/* Where memory comes from. Every handle takes one at creation and uses it for all it owns; NULL means
 * malloc and free. `resize` behaves as realloc (ptr NULL allocates, size 0 frees and returns NULL)
 * and may return NULL when there is no memory. It must be safe to call from several threads.
 */
typedef struct sw_allocator {
    void *(*resize)(void *data, void *ptr, size_t size);
    void *data;
} sw_allocator;

/* Text of a literal: SW_STR("abc"). In C++ use sw_str_from. */
#define SW_STR(LITERAL) ((sw_str){(LITERAL), sizeof(LITERAL) - 1})
#define SW_NULL_STR ((sw_str){NULL, 0})
#define SW_NULL_INT ((sw_int){0, 0})

/* Borrows a C string; NULL gives the null text. */
static inline sw_str sw_str_from(const char *text)
{
    sw_str s = {text, text ? strlen(text) : 0};
    return s;
}

static inline sw_str sw_str_make(const char *ptr, size_t len)
{
    sw_str s = {ptr, len};
    return s;
}

/* Equal as bytes; null equals only null. */
static inline bool sw_str_eq(sw_str a, sw_str b)
{
    if (!a.ptr || !b.ptr) {
        return !a.ptr && !b.ptr;
    }
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Order by bytes, shorter first; null before all. */
static inline int sw_str_cmp(sw_str a, sw_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = 0;
    if (!a.ptr || !b.ptr) {
        return (a.ptr ? 1 : 0) - (b.ptr ? 1 : 0);
    }
    c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* A known number. */
static inline sw_int sw_int_of(int64_t value)
{
    sw_int n = {value, 1};
    return n;
}

static inline bool sw_int_eq(sw_int a, sw_int b)
{
    return a.known ? b.known && a.value == b.value : !b.known;
}

#ifdef __cplusplus
}
#endif

#endif
