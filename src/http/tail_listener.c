/* SPDX-License-Identifier: Apache-2.0 */
/* Those who listen to the tail: joining and leaving, and the queue of each, which the tail's thread fills and a
 * worker empties. Everything here is done under the tail's lock.
 */
#include "http/tail.h"

/* ---- queues: all under the lock -------------------------------------------------------------------- */

void sw__news_release(sw_tail *tail, sw_news *event)
{
    if (--event->refs == 0) {
        tail->bytes -= event->len;
        sw_free(tail->from, event);
    }
}

static sw_news *pop(sw_listener *listener)
{
    sw_news *event = listener->queue[listener->queue_at];
    listener->queue_at = (listener->queue_at + 1) % SW_LIMIT_LISTEN_QUEUE;
    listener->queue_count--;
    return event;
}

/* Everything in the queue will be read again from the journal. */
void sw__fall_behind(sw_listener *listener)
{
    if (listener->queue_count > 0) {
        listener->place = listener->queue[listener->queue_at]->seq - 1;
    }
    while (listener->queue_count > 0) {
        sw__news_release(listener->tail, pop(listener));
    }
    listener->behind = true;
    listener->wake = true;
}

void sw__news_push(sw_listener *listener, sw_news *event)
{
    if (listener->queue_count == SW_LIMIT_LISTEN_QUEUE) {
        sw__fall_behind(listener);
        return;
    }
    listener->queue[(listener->queue_at + listener->queue_count++) % SW_LIMIT_LISTEN_QUEUE] = event;
    event->refs++;
    listener->wake = true;
}

/* ---- listeners ------------------------------------------------------------------------------------- */

static sw_follow *find_follow(sw_tail *tail, sw_str organization_id, int64_t head)
{
    sw_follow *follow = tail->follows;
    while (follow && !sw_str_eq(sw_str_from(follow->organization_id), organization_id)) {
        follow = follow->next;
    }
    if (!follow) {
        follow = sw_alloc_zeroed(tail->from, sizeof *follow);
        if (follow) {
            sw_assert(organization_id.len < sizeof follow->organization_id);
            memcpy(follow->organization_id, organization_id.ptr, organization_id.len);
            follow->place = head;
            follow->next = tail->follows;
            tail->follows = follow;
        }
    }
    return follow;
}

sw_status sw_tail_join(sw_listener *listener, int64_t head, sw_error *err)
{
    sw_tail *tail = listener->tail;
    sw_str organization = listener->actor.organization_id;
    if (!organization.ptr) {
        organization = SW_STR(SW_DEFAULT_ORGANIZATION);
    }
    pthread_mutex_lock(&tail->lock);
    sw_follow *follow = tail->ended ? NULL : find_follow(tail, organization, head);
    bool ended = tail->ended;
    if (follow) {
        listener->follow = follow;
        listener->self = &follow->listeners;
        listener->next = follow->listeners;
        if (listener->next) {
            listener->next->self = &listener->next;
        }
        follow->listeners = listener;
        listener->behind = !listener->waits && listener->place < follow->place;
        pthread_cond_signal(&tail->work);
    }
    pthread_mutex_unlock(&tail->lock);
    if (ended) {
        return sw_fail(err, SW_STATUS_CLOSED, "", "the server is stopping");
    }
    return follow ? SW_STATUS_OK : sw_no_memory(err);
}

void sw_tail_leave(sw_listener *listener)
{
    sw_tail *tail = listener->tail;
    pthread_mutex_lock(&tail->lock);
    if (listener->follow) {
        while (listener->queue_count > 0) {
            sw__news_release(tail, pop(listener));
        }
        *listener->self = listener->next;
        if (listener->next) {
            listener->next->self = listener->self;
        }
        listener->follow = NULL;
    }
    pthread_mutex_unlock(&tail->lock);
}

bool sw_tail_is_ended(sw_tail *tail)
{
    pthread_mutex_lock(&tail->lock);
    bool ended = tail->ended;
    pthread_mutex_unlock(&tail->lock);
    return ended;
}

bool sw_listener_drain(sw_listener *listener, sw_buf *out, size_t most)
{
    sw_tail *tail = listener->tail;
    pthread_mutex_lock(&tail->lock);
    while (listener->queue_count > 0 && out->len < most && out->status == SW_STATUS_OK) {
        sw_news *event = pop(listener);
        sw_buf_add(out, sw_str_make(event->text, event->len));
        sw__news_release(tail, event);
    }
    bool left = listener->queue_count > 0;
    pthread_mutex_unlock(&tail->lock);
    return left;
}

bool sw_listener_is_behind(sw_listener *listener, int64_t *place, int64_t *goal)
{
    pthread_mutex_lock(&listener->tail->lock);
    bool behind = listener->behind;
    *place = listener->place;
    *goal = listener->follow ? listener->follow->place : *place;
    pthread_mutex_unlock(&listener->tail->lock);
    return behind;
}

void sw_listener_wake_at(sw_listener *listener, int64_t mono_us)
{
    pthread_mutex_lock(&listener->tail->lock);
    listener->wake_at_us = mono_us;
    pthread_mutex_unlock(&listener->tail->lock);
}

void sw_tail_wake(sw_tail *tail)
{
    pthread_mutex_lock(&tail->lock);
    for (sw_follow *follow = tail->follows; follow; follow = follow->next) {
        for (sw_listener *l = follow->listeners; l; l = l->next) {
            sw_request_wake(l->request);
        }
    }
    pthread_mutex_unlock(&tail->lock);
}

void sw_listener_caught_up(sw_listener *listener, int64_t place)
{
    pthread_mutex_lock(&listener->tail->lock);
    listener->place = place;
    listener->behind = listener->follow && place < listener->follow->place;
    pthread_mutex_unlock(&listener->tail->lock);
}
