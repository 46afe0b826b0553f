/* SPDX-License-Identifier: Apache-2.0 */
/* See import_pipe.h. One lock guards the states; a window itself belongs to whom its state says, so that its rows need
 * none. */
#include "ingest/import_pipe.h"

#include <stdlib.h>

void import_add_result(import_result *to, import_result *from)
{
    enum { COUNTS = sizeof *to / sizeof(int64_t) };
    int64_t *sums = (int64_t *)(void *)to;
    const int64_t *more = (const int64_t *)(const void *)from;

    for (size_t i = 0; i < COUNTS; i++) {
        sums[i] += more[i];
    }
    *from = (import_result){.files = 0};
}

/* ---- which may be written now --------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, IMPORT_DIGEST);
}

static bool list_calls(import_window *w)
{
    const import_made *made = w->work.made.items;
    size_t n = w->work.made.count;

    w->calls = sw_arena_alloc(&w->work.arena, (n + 1) * sizeof *w->calls);
    w->call_count = n;
    if (!w->calls) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(w->calls[i], made[i].call, IMPORT_DIGEST);
    }
    qsort(w->calls, n, sizeof *w->calls, by_bytes);
    return true;
}

static bool share_calls(const import_window *a, const import_window *b)
{
    for (size_t i = 0, j = 0; i < a->call_count && j < b->call_count;) {
        int c = memcmp(a->calls[i], b->calls[j], IMPORT_DIGEST);
        if (c == 0) {
            return true;
        }
        i += c < 0;
        j += c > 0;
    }
    return false;
}

/* The one that was filled first of those that wait; NULL: none, or it must wait for another. */
static import_window *next_window(import_pipe *pipe)
{
    import_window *next = NULL;

    for (size_t i = 0; i < IMPORT_WINDOWS; i++) {
        import_window *w = &pipe->windows[i];
        if (w->state == IMPORT_FULL && (!next || w->turn < next->turn)) {
            next = w;
        }
    }
    for (size_t i = 0; next && i < IMPORT_WINDOWS; i++) {
        const import_window *w = &pipe->windows[i];
        if (w->state == IMPORT_WRITTEN && share_calls(w, next)) {
            return NULL;
        }
    }
    return next;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* With the lock, which it gives up meanwhile. */
static void write_window(import_pipe *pipe, import_window *w)
{
    sw_error error = {.status = SW_STATUS_OK};
    sw_status status = pipe->status;

    w->state = IMPORT_WRITTEN;
    if (status == SW_STATUS_OK) {
        pthread_mutex_unlock(&pipe->lock);
        status = import_flush(&w->work, &error);
        pthread_mutex_lock(&pipe->lock);
    }
    if (pipe->status == SW_STATUS_OK && status != SW_STATUS_OK) {
        pipe->status = status;
        pipe->error = error;
    }
    import_add_result(&pipe->result, &w->result);
    w->state = IMPORT_IDLE;
    w->bytes = 0;
    pthread_cond_broadcast(&pipe->moved);
}

static void *write_windows(void *arg)
{
    import_pipe *pipe = arg;

    pthread_mutex_lock(&pipe->lock);
    for (;;) {
        import_window *w = next_window(pipe);
        bool waits = false;
        for (size_t i = 0; i < IMPORT_WINDOWS; i++) {
            waits = waits || pipe->windows[i].state == IMPORT_FULL;
        }
        if (w) {
            write_window(pipe, w);
        } else if (pipe->ends && !waits) {
            break;
        } else {
            pthread_cond_wait(&pipe->moved, &pipe->lock);
        }
    }
    pthread_mutex_unlock(&pipe->lock);
    return NULL;
}

/* ---- filling ---------------------------------------------------------------------------------------------------- */

void import_pipe_begin(import_pipe *pipe, const import_work *like, size_t writers,
                       size_t bytes_most)
{
    *pipe = (import_pipe){.bytes_most = bytes_most, .status = SW_STATUS_OK};
    for (size_t i = 0; i < IMPORT_WINDOWS; i++) {
        import_window *w = &pipe->windows[i];
        w->work = *like;
        w->work.result = &w->result;
        sw_arena_init(&w->work.arena, like->allocator, like->options->memory_bytes);
    }
    pthread_mutex_init(&pipe->lock, NULL);
    pthread_cond_init(&pipe->moved, NULL);
    while (pipe->thread_count < writers && pipe->thread_count < IMPORT_WRITERS &&
           pthread_create(&pipe->threads[pipe->thread_count], NULL, write_windows, pipe) == 0) {
        pipe->thread_count++;
    }
}

import_work *import_pipe_take(import_pipe *pipe)
{
    import_window *found = NULL;

    pthread_mutex_lock(&pipe->lock);
    while (!found) {
        size_t bytes = 0;
        for (size_t i = 0; i < IMPORT_WINDOWS; i++) {
            import_window *w = &pipe->windows[i];
            bytes += w->bytes;
            found = w->state == IMPORT_IDLE ? w : found;
        }
        found = bytes <= pipe->bytes_most ? found : NULL;
        if (!found) {
            pthread_cond_wait(&pipe->moved, &pipe->lock);
        }
    }
    found->state = IMPORT_FILLED;
    pthread_mutex_unlock(&pipe->lock);
    return &found->work;
}

static import_window *window_of(import_pipe *pipe, const import_work *work)
{
    size_t i = 0;

    while (&pipe->windows[i].work != work) {
        i++;
    }
    return &pipe->windows[i];
}

sw_status import_pipe_give(import_pipe *pipe, import_work *work, sw_error *err)
{
    import_window *w = window_of(pipe, work);
    bool listed = list_calls(w);
    sw_status status = SW_STATUS_OK;

    pthread_mutex_lock(&pipe->lock);
    w->turn = pipe->turns++;
    w->bytes = work->arena.used;
    w->state = IMPORT_FULL;
    if (!listed && pipe->status == SW_STATUS_OK) {
        pipe->status = sw_no_memory(&pipe->error);
    }
    if (pipe->thread_count == 0) {
        write_window(pipe, w);
    }
    pthread_cond_broadcast(&pipe->moved);
    status = pipe->status;
    *err = status == SW_STATUS_OK ? *err : pipe->error;
    pthread_mutex_unlock(&pipe->lock);
    return status;
}

sw_status import_pipe_settle(import_pipe *pipe, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    bool busy = true;

    pthread_mutex_lock(&pipe->lock);
    while (busy) {
        busy = false;
        for (size_t i = 0; i < IMPORT_WINDOWS; i++) {
            import_state state = pipe->windows[i].state;
            busy = busy || state == IMPORT_FULL || state == IMPORT_WRITTEN;
        }
        if (busy) {
            pthread_cond_wait(&pipe->moved, &pipe->lock);
        }
    }
    status = pipe->status;
    *err = status == SW_STATUS_OK ? *err : pipe->error;
    pthread_mutex_unlock(&pipe->lock);
    return status;
}

void import_pipe_result(import_pipe *pipe, import_result *to)
{
    pthread_mutex_lock(&pipe->lock);
    import_add_result(to, &pipe->result);
    pthread_mutex_unlock(&pipe->lock);
}

sw_status import_pipe_end(import_pipe *pipe, import_result *to, sw_error *err)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->ends = true;
    pthread_cond_broadcast(&pipe->moved);
    pthread_mutex_unlock(&pipe->lock);
    for (size_t i = 0; i < pipe->thread_count; i++) {
        (void)pthread_join(pipe->threads[i], NULL);
    }
    import_pipe_result(pipe, to);
    for (size_t i = 0; i < IMPORT_WINDOWS; i++) {
        sw_arena_fini(&pipe->windows[i].work.arena);
    }
    pthread_mutex_destroy(&pipe->lock);
    pthread_cond_destroy(&pipe->moved);
    if (pipe->status != SW_STATUS_OK) {
        *err = pipe->error;
    }
    return pipe->status;
}
