/* SPDX-License-Identifier: Apache-2.0 */
/* The tail: one thread that follows the journal for everybody who listens.
 *
 * It reads each organization's journal once however many listen, loads each step once, renders it once,
 * and hands the text to the listeners whose filter it passes. A listener holds a place (everything up to
 * that number was looked at) and a short queue of texts that all share. When it reads more slowly than
 * things happen its queue is thrown away and it is `behind`: a worker then reads the journal for it alone,
 * from its place, until it has caught up. So nothing is lost or doubled, and nobody's slowness costs
 * memory or makes the others wait.
 *
 * A request that waits for the journal to move (long poll) listens too, without a queue.
 */
#ifndef SW_HTTP_TAIL_H
#define SW_HTTP_TAIL_H

#include <pthread.h>

#include "http/auth.h"
#include "http/http.h"

/* The text of one entry, shared. */
typedef struct sw_news {
    int64_t seq;
    size_t refs; /* under the tail's lock */
    size_t len;
    char text[];
} sw_news;

enum { SW_TAIL_PAGE = 256 };

typedef struct sw_tail sw_tail;
typedef struct sw_follow sw_follow;
typedef struct sw_listener sw_listener;

/* In its request's arena; all but the first members under the tail's lock. */
struct sw_listener {
    sw_tail *tail;
    sw_request *request;
    sw_actor actor;
    bool waits;          /* for the journal to move; takes no texts */
    sw_list_query query; /* which steps */
    sw_follow *follow;   /* NULL: not joined */
    sw_listener *next;
    sw_listener **self;
    int64_t place;      /* everything up to here was looked at */
    int64_t wake_at_us; /* monotonic: the next ping, or the end of the waiting */
    bool behind;
    bool wake;
    sw_news *queue[SW_LIMIT_LISTEN_QUEUE];
    size_t queue_at;
    size_t queue_count;
};

/* An organization that somebody listens to. */
struct sw_follow {
    char organization_id[SW_ID_MAX];
    int64_t place;
    sw_listener *listeners;
    sw_follow *next;
};

struct sw_tail {
    sw_ledger *ledger;
    const sw_allocator *from;
    const sw_log *log;
    sw_auth *auth; /* hears of keys that were made or revoked */
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;
    pthread_cond_t work;
    bool ended;
    bool stopping;
    sw_follow *follows; /* removed by the thread only */
    size_t bytes;       /* of the texts in queues */
};

sw_status sw_tail_start(sw_ledger *ledger, const sw_allocator *from, const sw_log *log,
                        sw_auth *auth, sw_tail **out, sw_error *err) SW_MUST_CHECK;
/* Wakes everybody; sw_listener_ended holds from now on. */
void sw_tail_end(sw_tail *tail);
void sw_tail_stop(sw_tail **tail);

/* Joins at listener->place; `head` is the organization's newest number, read before. */
sw_status sw_tail_join(sw_listener *listener, int64_t head, sw_error *err) SW_MUST_CHECK;
/* Leaves; harmless when it never joined. */
void sw_tail_leave(sw_listener *listener);
/* Whether the tail ended. */
bool sw_tail_is_ended(sw_tail *tail);

/* Moves queued texts into `out` until it holds about `most` bytes. Answers whether some are left. */
bool sw_listener_drain(sw_listener *listener, sw_buf *out, size_t most);
/* Whether it must catch up, from `*place`, to `*goal` at least. */
bool sw_listener_is_behind(sw_listener *listener, int64_t *place, int64_t *goal);
/* Wakes it at that time of the monotonic clock at the latest (a fifth of a second later at the most). */
void sw_listener_wake_at(sw_listener *listener, int64_t mono_us);
/* It has looked at everything up to `place`; it is live again when the tail is no further. */
void sw_listener_caught_up(sw_listener *listener, int64_t place);

/* Wakes everybody: each finds out whether it may go on. */
void sw_tail_wake(sw_tail *tail);

/* ---- queues, under the lock (tail_listener.c) -------------------------------------------------------- */

void sw__news_push(sw_listener *listener, sw_news *event);
/* Everything in the queue will be read again from the journal. */
void sw__fall_behind(sw_listener *listener);
void sw__news_release(sw_tail *tail, sw_news *event);

/* ---- entries of the journal (tail_events.c) --------------------------------------------------------- */

/* Entries, copied; memory is `memory`'s. */
typedef struct sw_entries {
    sw_journal rows[SW_TAIL_PAGE];
    size_t count;
    int64_t last; /* looked at up to here */
} sw_entries;
sw_status sw_entries_read(sw_ledger *ledger, const sw_actor *actor, int64_t after, sw_arena *arena,
                          sw_entries *out, sw_error *err) SW_MUST_CHECK;

/* What an entry is about: the step as it is now, unless it is gone. */
typedef struct sw_sight {
    const sw_journal *entry;
    sw_step step;
    sw_step_metrics metrics;
    bool shows;         /* there is something to tell */
    bool gone;          /* that it was deleted */
    bool asked_metrics; /* they were looked for */
    bool has_metrics;   /* and are there */
} sw_sight;
sw_status sw_sight_load(sw_ledger *ledger, const sw_actor *actor, const sw_journal *entry,
                        bool with_metrics, sw_memory *memory, sw_sight *out,
                        sw_error *err) SW_MUST_CHECK;
/* Whether the listener is to be told. */
bool sw_sight_concerns(const sw_sight *sight, const sw_listener *listener);
/* The event as text, added to the buffer. */
void sw_sight_print(const sw_sight *sight, sw_buf *out);

#endif
