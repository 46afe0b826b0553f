/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator that a test can let run dry: the first `left` requests are served, the next ones are
 * not; `blocks` counts what is still held. For sweeps: fail the first call, the second, and so on,
 * until a run completes.
 */
#ifndef TEST_SHORT_MEMORY_H
#define TEST_SHORT_MEMORY_H

#include <stdlib.h>

#include "stepwell/types.h"

typedef struct short_memory {
    sw_allocator allocator;
    long left;
    long blocks;
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
    if (memory->left-- <= 0) {
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
}

#endif
