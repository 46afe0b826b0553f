/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator that a test can let run dry: the first `left` requests are served, the next ones are
 * not, or with `once` only the next one is not; `blocks` counts what is still held. For sweeps: fail
 * the first call, the second, and so on, until a run completes with some left.
 */
#ifndef TEST_SHORT_MEMORY_H
#define TEST_SHORT_MEMORY_H

#include <stdlib.h>

#include "stepwell/types.h"

typedef struct short_memory {
    sw_allocator allocator;
    long left;
    long blocks;
    bool once;
} short_memory;

static inline void *short_memory_resize(void *data, void *ptr, size_t size)
{
    short_memory *memory = data;
    void *got = NULL;
    if (size == 0) {
        memory->blocks -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    memory->left--;
    if (memory->left == -1 || (memory->left < 0 && !memory->once)) {
        return NULL;
    }
    got = realloc(ptr, size);
    memory->blocks += got && !ptr;
    return got;
}

static inline void short_memory_init(short_memory *memory, long left)
{
    memory->allocator.resize = short_memory_resize;
    memory->allocator.data = memory;
    memory->left = left;
    memory->blocks = 0;
    memory->once = false;
}

#endif
