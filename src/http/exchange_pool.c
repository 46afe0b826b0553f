/* SPDX-License-Identifier: Apache-2.0 */
/* Where exchanges come from: a list of used ones, with the memory they had, to which they go back. The
 * living are on a list too, by which the tick finds them. Only the network thread takes and gives.
 */
#include "http/server.h"

enum { UNUSED_MOST = 64, KEEP_BODY = 64 * 1024, KEEP_ANSWER = 256 * 1024 };

static void free_exchange(sw_server *server, sw_exchange *x)
{
    sw_memory_free(&x->request.memory);
    sw_arena_fini(&x->request.arena);
    sw_buf_fini(&x->body);
    sw_buf_fini(&x->inflated);
    sw_buf_fini(&x->out);
    sw_buf_fini(&x->squeezed);
    pthread_mutex_destroy(&x->lock);
    sw_free(server->from, x);
}

static sw_exchange *make_exchange(sw_server *server)
{
    sw_exchange *x = sw_alloc_zeroed(server->from, sizeof *x);
    if (!x) {
        return NULL;
    }
    x->request.memory = sw_memory_new(server->from);
    if (!x->request.memory) {
        sw_free(server->from, x);
        return NULL;
    }
    sw_arena_init(&x->request.arena, server->from, SW_LIMIT_BODIES_BYTES);
    sw_buf_init(&x->body, server->from, SW_LIMIT_BODIES_BYTES);
    sw_buf_init(&x->inflated, server->from, 2 * (size_t)SW_LIMIT_BODIES_BYTES);
    sw_buf_init(&x->out, server->from, SW_LIMIT_ANSWER_BYTES);
    sw_buf_init(&x->squeezed, server->from, SW_LIMIT_ANSWER_BYTES);
    pthread_mutex_init(&x->lock, NULL);
    return x;
}

static void empty_buffer(sw_buf *buf, size_t keep)
{
    if (buf->cap > keep) {
        sw_buf_fini(buf);
    } else {
        sw_buf_clear(buf);
    }
}

/* Everything as new, but with the memory it had. */
static void clean_exchange(sw_exchange *x)
{
    sw_exchange kept = *x;
    sw_arena_reset(&kept.request.arena);
    sw_memory_reset(kept.request.memory);
    empty_buffer(&kept.body, KEEP_BODY);
    empty_buffer(&kept.inflated, KEEP_BODY);
    empty_buffer(&kept.out, KEEP_ANSWER);
    empty_buffer(&kept.squeezed, KEEP_BODY);
    memset(x, 0, sizeof *x);
    x->request.arena = kept.request.arena;
    x->request.memory = kept.request.memory;
    x->body = kept.body;
    x->inflated = kept.inflated;
    x->out = kept.out;
    x->squeezed = kept.squeezed;
    x->lock = kept.lock;
}

sw_exchange *sw__exchange_take(sw_server *server)
{
    sw_exchange *x = server->unused;
    if (x) {
        server->unused = x->next;
        server->unused_count--;
        x->next = NULL;
    } else {
        x = make_exchange(server);
    }
    if (!x) {
        return NULL;
    }
    x->next = server->living;
    if (x->next) {
        x->next->before = x;
    }
    server->living = x;
    atomic_fetch_add(&server->exchanges, 1);
    return x;
}

void sw__exchange_give(sw_server *server, sw_exchange *x)
{
    if (x->before) {
        x->before->next = x->next;
    } else {
        server->living = x->next;
    }
    if (x->next) {
        x->next->before = x->before;
    }
    if (server->unused_count < UNUSED_MOST) {
        clean_exchange(x);
        x->next = server->unused;
        server->unused = x;
        server->unused_count++;
    } else {
        free_exchange(server, x);
    }
    atomic_fetch_sub(&server->exchanges, 1);
}

void sw__exchange_free_all(sw_server *server)
{
    sw_assert(!server->living);
    while (server->unused) {
        sw_exchange *x = server->unused;
        server->unused = x->next;
        free_exchange(server, x);
    }
    server->unused_count = 0;
}
