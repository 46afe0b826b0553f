/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: the allocator's face, the arena, the growing text. Knows nothing of what is kept in it.
 *
 * The idea: every byte comes through an sw_allocator, so that a test can fail each request in turn;
 * and hardly anything is freed by itself. A request owns an arena, a row in it a mark, and both end
 * at once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

/* ---- the allocator --------------------------------------------------------------------------- */

static void *libc_resize(void *data, void *ptr, size_t size)
{
    (void)data;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

const sw_allocator sw__libc_allocator = {libc_resize, NULL};

static const sw_allocator *allocator_or_libc(const sw_allocator *from)
{
    return from ? from : &sw__libc_allocator;
}

void *sw_resize(const sw_allocator *from, void *ptr, size_t size)
{
    sw_assert(size > 0);
    from = allocator_or_libc(from);
    return from->resize(from->data, ptr, size);
}

void *sw_alloc(const sw_allocator *from, size_t size)
{
    return sw_resize(from, NULL, size);
}

/* Large zeroed memory of libc's is not touched before it is used, and until then takes no room. */
void *sw_alloc_zeroed(const sw_allocator *from, size_t size)
{
    if (allocator_or_libc(from)->resize == libc_resize) {
        sw_assert(size > 0);
        return calloc(1, size);
    }
    void *ptr = sw_alloc(from, size);
    if (ptr) {
        memset(ptr, 0, size);
    }
    return ptr;
}

void sw_free(const sw_allocator *from, void *ptr)
{
    if (ptr) {
        from = allocator_or_libc(from);
        (void)from->resize(from->data, ptr, 0);
    }
}

/* ---- the arena ------------------------------------------------------------------------------- */

/* Chunks double from the first size to the last, so that a small request stays small and a big one
 * does not ask often. A larger piece gets a chunk of its own, which is not kept when it is done
 * with: one huge request must not stay in memory for ever.
 */
enum { ALIGN = _Alignof(max_align_t), CHUNK_FIRST = 4096, CHUNK_LAST = 256 * 1024 };

/* What is handed out grows from `bytes` to `at`. `below` is the chunk that was filled before. */
struct sw_chunk {
    sw_chunk *below;
    size_t size;
    size_t at;
    _Alignas(max_align_t) char bytes[];
};

void sw_arena_init(sw_arena *arena, const sw_allocator *from, size_t max)
{
    *arena = (sw_arena){.from = allocator_or_libc(from), .max = max};
}

static void free_chunks(sw_arena *arena, sw_chunk *chunk)
{
    while (chunk) {
        sw_chunk *below = chunk->below;
        sw_free(arena->from, chunk);
        chunk = below;
    }
}

void sw_arena_fini(sw_arena *arena)
{
    free_chunks(arena, arena->head);
    free_chunks(arena, arena->spare);
    *arena = (sw_arena){.from = arena->from, .max = arena->max};
}

static void retire_head(sw_arena *arena)
{
    sw_chunk *chunk = arena->head;
    arena->head = chunk->below;
    if (chunk->size > CHUNK_LAST) {
        sw_free(arena->from, chunk);
        return;
    }
    chunk->below = arena->spare;
    arena->spare = chunk;
}

void sw_arena_reset(sw_arena *arena)
{
    while (arena->head) {
        retire_head(arena);
    }
    /* Of the rest the largest stays. */
    sw_chunk *kept = arena->spare;
    for (sw_chunk *chunk = kept; chunk; chunk = chunk->below) {
        kept = chunk->size > kept->size ? chunk : kept;
    }
    for (sw_chunk *chunk = arena->spare, *below; chunk; chunk = below) {
        below = chunk->below;
        if (chunk != kept) {
            sw_free(arena->from, chunk);
        }
    }
    if (kept) {
        kept->below = NULL;
    }
    arena->spare = kept;
    arena->used = 0;
    arena->failed = arena->full = false;
}

sw_mark sw_arena_mark(const sw_arena *arena)
{
    return (sw_mark){arena->head, arena->head ? arena->head->at : 0, arena->used};
}

void sw_arena_rewind(sw_arena *arena, sw_mark mark)
{
    while (arena->head != mark.chunk) {
        sw_assert(arena->head);
        retire_head(arena);
    }
    if (arena->head) {
        sw_assert(mark.at <= arena->head->at);
        arena->head->at = mark.at;
    }
    arena->used = mark.used;
}

/* The first spare chunk that is large enough, taken out of the list, or NULL. */
static sw_chunk *take_spare(sw_arena *arena, size_t size)
{
    for (sw_chunk **link = &arena->spare; *link; link = &(*link)->below) {
        sw_chunk *chunk = *link;
        if (chunk->size >= size) {
            *link = chunk->below;
            return chunk;
        }
    }
    return NULL;
}

static bool add_chunk(sw_arena *arena, size_t size)
{
    sw_chunk *chunk = take_spare(arena, size);
    if (!chunk) {
        size_t room = arena->head ? 2 * arena->head->size : CHUNK_FIRST;
        room = room < CHUNK_LAST ? room : CHUNK_LAST;
        room = room > size ? room : size;
        chunk = sw_alloc(arena->from, sizeof *chunk + room);
        if (!chunk) {
            return false;
        }
        chunk->size = room;
    }
    chunk->at = 0;
    chunk->below = arena->head;
    arena->head = chunk;
    return true;
}

/* The next `size` bytes at a multiple of `align`, which divides ALIGN. */
static void *take(sw_arena *arena, size_t size, size_t align)
{
    sw_chunk *chunk = arena->head;
    size_t start = chunk ? (chunk->at + align - 1) & ~(align - 1) : 0;
    if (size > SIZE_MAX / 2 || (arena->max && size > arena->max - arena->used)) {
        arena->failed = true;
        arena->full = arena->max > 0;
        return NULL;
    }
    if (!chunk || start > chunk->size || size > chunk->size - start) {
        if (!add_chunk(arena, size)) {
            arena->failed = true;
            return NULL;
        }
        chunk = arena->head;
        start = 0;
    }
    chunk->at = start + size;
    arena->used += size;
    return chunk->bytes + start;
}

void *sw_arena_alloc(sw_arena *arena, size_t size)
{
    return take(arena, size, ALIGN);
}

void *sw_arena_zeroed(sw_arena *arena, size_t size)
{
    void *ptr = take(arena, size, ALIGN);
    return ptr ? memset(ptr, 0, size) : NULL;
}

void *sw_arena_grow(sw_arena *arena, void *rows, size_t count, size_t *room, size_t size)
{
    size_t more = *room ? *room * 2 : 16;
    void *moved = NULL;

    if (count < *room) {
        return rows;
    }
    moved = sw_arena_alloc(arena, more * size);
    if (moved && count > 0) {
        memcpy(moved, rows, count * size);
    }
    *room = moved ? more : *room;
    return moved;
}

sw_str sw_arena_str(sw_arena *arena, sw_str text)
{
    if (!text.ptr) {
        return SW_NULL_STR;
    }
    char *copy = take(arena, text.len < SIZE_MAX ? text.len + 1 : SIZE_MAX, 1);
    if (!copy) {
        return SW_NULL_STR;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return (sw_str){copy, text.len};
}

sw_str sw_arena_printf(sw_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    sw_assert(len >= 0);
    char *text = take(arena, (size_t)len + 1, 1);
    if (!text) {
        return SW_NULL_STR;
    }
    va_start(args, format);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return (sw_str){text, (size_t)len};
}

/* ---- the growing text ------------------------------------------------------------------------ */

void sw_buf_init(sw_buf *buf, const sw_allocator *from, size_t max)
{
    *buf = (sw_buf){.from = allocator_or_libc(from), .max = max ? max : SIZE_MAX / 2};
}

void sw_buf_fini(sw_buf *buf)
{
    sw_free(buf->from, buf->ptr);
    *buf = (sw_buf){.from = buf->from, .max = buf->max};
}

sw_str sw_buf_take(sw_buf *buf, sw_arena *arena)
{
    sw_str text = buf->status == SW_STATUS_OK ? sw_arena_str(arena, sw_buf_str(buf)) : SW_NULL_STR;

    arena->failed |= buf->status == SW_STATUS_NO_MEMORY;
    sw_buf_fini(buf);
    return text;
}

void sw_buf_clear(sw_buf *buf)
{
    buf->len = 0;
    buf->status = SW_STATUS_OK;
    if (buf->ptr) {
        buf->ptr[0] = '\0';
    }
}

/* Memory for `size` more bytes and a NUL; there is none yet. */
static bool grow(sw_buf *buf, size_t size)
{
    if (buf->status != SW_STATUS_OK) {
        return false;
    }
    if (size > buf->max - buf->len) {
        buf->status = SW_STATUS_TOO_LARGE;
        return false;
    }
    size_t need = buf->len + size + 1;
    size_t cap = buf->cap > 0 ? buf->cap : 64;
    while (cap < need) {
        cap = cap > SIZE_MAX / 2 ? need : 2 * cap;
    }
    cap = cap - 1 > buf->max ? buf->max + 1 : cap;
    char *ptr = sw_resize(buf->from, buf->ptr, cap);
    if (!ptr) {
        buf->status = SW_STATUS_NO_MEMORY;
        return false;
    }
    ptr[buf->len] = '\0';
    buf->ptr = ptr;
    buf->cap = cap;
    return true;
}

char *sw_buf_reserve(sw_buf *buf, size_t size)
{
    /* cap is one more than the text may need, and the text may not pass max even when there is
     * room.
     */
    bool fits =
        buf->status == SW_STATUS_OK && size < buf->cap - buf->len && size <= buf->max - buf->len;
    return fits || grow(buf, size) ? buf->ptr + buf->len : NULL;
}

void sw_buf_add(sw_buf *buf, sw_str text)
{
    char *at = text.len > 0 ? sw_buf_reserve(buf, text.len) : NULL;
    if (at) {
        memcpy(at, text.ptr, text.len);
        at[text.len] = '\0';
        buf->len += text.len;
    }
}

void sw_buf_addc(sw_buf *buf, char c)
{
    char *at = sw_buf_reserve(buf, 1);
    if (at) {
        at[0] = c;
        at[1] = '\0';
        buf->len++;
    }
}

void sw_buf_adds(sw_buf *buf, const char *text)
{
    sw_buf_add(buf, sw_str_from(text));
}

void sw_buf_addf(sw_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    sw_assert(len >= 0);
    char *at = sw_buf_reserve(buf, (size_t)len);
    if (at) {
        va_start(args, format);
        (void)vsnprintf(at, (size_t)len + 1, format, args);
        va_end(args);
        buf->len += (size_t)len;
    }
}

const char sw__digit_pairs[200] = "0001020304050607080910111213141516171819"
                                  "2021222324252627282930313233343536373839"
                                  "4041424344454647484950515253545556575859"
                                  "6061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

static size_t digits_of(uint64_t value)
{
    enum { MOST = 20 }; /* the limit behind it is beyond 64 bits */
    size_t count = 1;
    for (uint64_t limit = 10; count < MOST && value >= limit; limit *= 10) {
        count++;
    }
    return count;
}

size_t sw_int_print(int64_t value, char out[SW_INT_TEXT])
{
    /* Negating as unsigned, because the least number has no positive counterpart. */
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t len = digits_of(rest) + (value < 0);
    char *at = out + len;
    for (; rest >= 100; rest /= 100) {
        at -= 2;
        memcpy(at, sw__two_digits(rest % 100), 2);
    }
    if (rest >= 10) {
        memcpy(at - 2, sw__two_digits(rest), 2);
    } else {
        at[-1] = (char)('0' + rest);
    }
    if (value < 0) {
        out[0] = '-';
    }
    return len;
}

void sw_buf_add_int(sw_buf *buf, int64_t value)
{
    char digits[SW_INT_TEXT];
    sw_buf_add(buf, sw_str_make(digits, sw_int_print(value, digits)));
}

sw_str sw_buf_str(const sw_buf *buf)
{
    return sw_str_make(buf->ptr ? buf->ptr : "", buf->len);
}
