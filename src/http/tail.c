/* SPDX-License-Identifier: Apache-2.0 */
/* The tail's thread. Knows nothing of what an event looks like (tail_events.c), how listeners keep what is
 * handed to them (tail_listener.c), or how it is sent (live_steps.c).
 *
 * An organization's place moves together with the handing out of the entry, under the lock, so that a
 * listener that finds itself at that place has missed nothing and will get everything after it. The lock is
 * never held while the store is read.
 */
#include "http/tail.h"

#include <stdio.h>

/* A round at most each 4 ms: under a full load of writes the tail then reads in pages, not in rows. */
enum { ROUND_US = 4000, LOOK_MS = 200, ERROR_PAUSE_US = 200000 };

static int64_t now_mono(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

/* ---- the thread ------------------------------------------------------------------------------------ */

static bool wants_metrics(sw_tail *tail, const sw_follow *follow)
{
    bool wants = false;
    pthread_mutex_lock(&tail->lock);
    for (const sw_listener *l = follow->listeners; l && !wants; l = l->next) {
        wants = l->query.metrics_condition_count > 0;
    }
    pthread_mutex_unlock(&tail->lock);
    return wants;
}

static bool waits_for(const sw_listener *listener, const sw_journal *entry)
{
    return !listener->actor.project_id.ptr ||
           sw_str_eq(listener->actor.project_id, entry->project_id);
}

/* `event` is NULL when there is nothing to tell, or was no memory to tell it in. Who came after it was
 * decided that nobody asks for timings must read for himself. */
static void hand_to(sw_listener *l, const sw_sight *sight, sw_news *event)
{
    bool blind = l->query.metrics_condition_count > 0 && !sight->asked_metrics && !sight->gone;
    if (l->waits) {
        l->wake = l->wake || waits_for(l, sight->entry);
    } else if (sight->shows && blind) {
        sw__fall_behind(l);
    } else if (sight->shows && sw_sight_concerns(sight, l)) {
        if (event) {
            sw__news_push(l, event);
        } else {
            sw__fall_behind(l);
        }
    }
    /* What fell behind keeps its own place. */
    l->place = l->behind || l->waits ? l->place : sight->entry->seq.value;
}

static void hand_out(sw_tail *tail, sw_follow *follow, const sw_sight *sight, sw_news *event)
{
    int64_t seq = sight->entry->seq.value;
    pthread_mutex_lock(&tail->lock);
    for (sw_listener *l = follow->listeners; l; l = l->next) {
        if (!l->behind && l->place < seq) {
            hand_to(l, sight, event);
        }
    }
    follow->place = seq;
    if (event) {
        tail->bytes += event->len;
        sw__news_release(tail, event);
    }
    pthread_mutex_unlock(&tail->lock);
}

static sw_news *render(const sw_allocator *from, const sw_sight *sight, sw_buf *text)
{
    sw_buf_clear(text);
    sw_sight_print(sight, text);
    sw_news *event =
        text->status == SW_STATUS_OK ? sw_alloc(from, sizeof *event + text->len) : NULL;
    if (event) {
        *event = (sw_news){.seq = sight->entry->seq.value, .refs = 1, .len = text->len};
        memcpy(event->text, text->ptr, text->len);
    }
    return event;
}

/* When the texts that wait are too many, those who keep them waiting read for themselves. */
static void bound_memory(sw_tail *tail)
{
    pthread_mutex_lock(&tail->lock);
    for (sw_follow *f = tail->bytes > SW_LIMIT_LISTEN_BYTES ? tail->follows : NULL; f;
         f = f->next) {
        for (sw_listener *l = f->listeners; l; l = l->next) {
            if (l->queue_count > 0) {
                sw__fall_behind(l);
            }
        }
    }
    pthread_mutex_unlock(&tail->lock);
}

typedef struct round {
    sw_tail *tail;
    sw_arena arena;
    sw_memory *memory;
    sw_buf text;
    sw_entries entries;
    bool more; /* an organization has a further page */
    bool failed;
} round_state;

static sw_status show_entry(round_state *r, sw_follow *follow, const sw_actor *actor,
                            const sw_journal *entry, bool with_metrics, sw_error *err)
{
    sw_sight sight;
    if (entry->record.value ==
        SW_RECORD_API_KEY) { /* whoever changed it, here or in another process */
        sw_auth_changed(r->tail->auth);
        sw_tail_wake(r->tail);
    }
    sw_memory_reset(r->memory);
    sw_status status =
        sw_sight_load(r->tail->ledger, actor, entry, with_metrics, r->memory, &sight, err);
    if (status == SW_STATUS_OK) {
        hand_out(r->tail, follow, &sight,
                 sight.shows ? render(r->tail->from, &sight, &r->text) : NULL);
    }
    return status;
}

static sw_status follow_on(round_state *r, sw_follow *follow, sw_error *err)
{
    sw_actor actor = {.organization_id = sw_str_from(follow->organization_id)};
    bool with_metrics = wants_metrics(r->tail, follow);
    sw_arena_reset(&r->arena);
    sw_status status =
        sw_entries_read(r->tail->ledger, &actor, follow->place, &r->arena, &r->entries, err);
    for (size_t i = 0; i < r->entries.count && status == SW_STATUS_OK; i++) {
        status = show_entry(r, follow, &actor, &r->entries.rows[i], with_metrics, err);
    }
    r->more = r->more || r->entries.count == SW_TAIL_PAGE;
    bound_memory(r->tail);
    return status;
}

/* Wakes who has something, or has waited long enough. */
static void wake_listeners(sw_tail *tail)
{
    int64_t now_us = now_mono();
    pthread_mutex_lock(&tail->lock);
    for (sw_follow *follow = tail->follows; follow; follow = follow->next) {
        for (sw_listener *l = follow->listeners; l; l = l->next) {
            bool late = now_us >= l->wake_at_us;
            if (l->wake || late || tail->ended) {
                l->wake = false;
                /* Until it says itself when next. */
                l->wake_at_us = late ? now_us + LOOK_MS * 1000 : l->wake_at_us;
                sw_request_wake(l->request);
            }
        }
    }
    pthread_mutex_unlock(&tail->lock);
}

/* Lets go of organizations that nobody listens to any more. */
static void forget_follows(sw_tail *tail)
{
    pthread_mutex_lock(&tail->lock);
    for (sw_follow **at = &tail->follows; *at;) {
        sw_follow *follow = *at;
        if (follow->listeners) {
            at = &follow->next;
        } else {
            *at = follow->next;
            sw_free(tail->from, follow);
        }
    }
    pthread_mutex_unlock(&tail->lock);
}

static sw_follow *first_follow(sw_tail *tail)
{
    pthread_mutex_lock(&tail->lock);
    sw_follow *follow = tail->follows;
    pthread_mutex_unlock(&tail->lock);
    return follow;
}

/* Organizations join at the front and only this thread removes them, so the walk needs no lock. */
static void one_round(round_state *r)
{
    sw_error error;
    r->more = false;
    r->failed = false;
    for (sw_follow *follow = first_follow(r->tail); follow; follow = follow->next) {
        if (follow_on(r, follow, &error) != SW_STATUS_OK) {
            r->failed = true;
            sw_logf(r->tail->log, SW_LOG_WARN, "live: the journal cannot be read: %s",
                    error.message);
        }
    }
    wake_listeners(r->tail);
    forget_follows(r->tail);
}

/* Until somebody listens. False: it is over. */
static bool somebody_listens(sw_tail *tail)
{
    pthread_mutex_lock(&tail->lock);
    while (!tail->follows && !tail->stopping) {
        pthread_cond_wait(&tail->work, &tail->lock);
    }
    bool goes_on = !tail->stopping;
    pthread_mutex_unlock(&tail->lock);
    return goes_on;
}

static void pause_us(int64_t us)
{
    struct timespec pause = {.tv_nsec = (long)(us * 1000)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static void *tail_main(void *arg)
{
    round_state *r = arg;
    uint64_t seen = 0;
    sw_error error;
    while (somebody_listens(r->tail)) {
        int64_t begun_us = now_mono();
        one_round(r);
        int64_t left_us = begun_us + ROUND_US - now_mono();
        if (left_us > 0) {
            pause_us(left_us);
        }
        if (r->failed) {
            pause_us(ERROR_PAUSE_US);
        } else if (!r->more) {
            r->failed = sw_commit_wait(r->tail->ledger, &seen, LOOK_MS, &error) != SW_STATUS_OK;
        }
    }
    sw_buf_fini(&r->text);
    sw_arena_fini(&r->arena);
    sw_memory_free(&r->memory);
    sw_free(r->tail->from, r);
    return NULL;
}

static sw_status start_thread(sw_tail *tail, sw_error *err)
{
    const sw_allocator *from = tail->from;
    round_state *r = sw_alloc_zeroed(from, sizeof *r);
    sw_memory *memory = r ? sw_memory_new(from) : NULL;
    if (!memory) {
        sw_free(from, r);
        return sw_no_memory(err);
    }
    r->tail = tail;
    r->memory = memory;
    sw_arena_init(&r->arena, from, 0);
    sw_buf_init(&r->text, from, 0);
    tail->runs = pthread_create(&tail->thread, NULL, tail_main, r) == 0;
    if (!tail->runs) {
        sw_memory_free(&r->memory);
        sw_free(from, r);
        return sw_fail(err, SW_STATUS_NO_MEMORY, "", "no thread could be started");
    }
    return SW_STATUS_OK;
}

sw_status sw_tail_start(sw_ledger *ledger, const sw_allocator *from, const sw_log *log,
                        sw_auth *auth, sw_tail **out, sw_error *err)
{
    sw_tail *tail = sw_alloc_zeroed(from, sizeof *tail);
    if (!tail) {
        return sw_no_memory(err);
    }
    tail->ledger = ledger;
    tail->from = from;
    tail->log = log;
    tail->auth = auth;
    pthread_mutex_init(&tail->lock, NULL);
    pthread_cond_init(&tail->work, NULL);
    *out = tail;
    return start_thread(tail, err);
}

void sw_tail_end(sw_tail *tail)
{
    if (tail) {
        pthread_mutex_lock(&tail->lock);
        tail->ended = true;
        pthread_mutex_unlock(&tail->lock);
        wake_listeners(tail);
    }
}

void sw_tail_stop(sw_tail **tail)
{
    sw_tail *t = *tail;
    if (!t) {
        return;
    }
    pthread_mutex_lock(&t->lock);
    t->ended = true;
    t->stopping = true;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    if (t->runs) {
        pthread_join(t->thread, NULL);
    }
    for (sw_follow *follow = t->follows; follow;) {
        sw_follow *next = follow->next;
        sw_assert(!follow->listeners);
        sw_free(t->from, follow);
        follow = next;
    }
    pthread_cond_destroy(&t->work);
    pthread_mutex_destroy(&t->lock);
    sw_free(t->from, t);
    *tail = NULL;
}
