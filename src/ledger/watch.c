/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for any commit, of any organization: a count that rises with each commit of this process,
 * and with each look that finds that another process has committed. One session of its own asks the
 * store for that, four times a second while anybody waits. Where the store has a bell a thread listens for
 * it, and looking is for what a bell may miss. The journal is the truth either way.
 */
#include "ledger/internal.h"

#include <errno.h>
#include <time.h>

enum { LOOK_MS = 250, BELL_LOOK_MS = 2000, BELL_MS = 100 };

static void add_ms(struct timespec *at, int64_t ms)
{
    at->tv_sec += ms / 1000;
    at->tv_nsec += (ms % 1000) * 1000000;
    if (at->tv_nsec >= 1000000000) {
        at->tv_nsec -= 1000000000;
        at->tv_sec++;
    }
}

static bool before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

void sw__committed(sw_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->commits++;
    pthread_cond_broadcast(&ledger->committed);
    pthread_mutex_unlock(&ledger->lock);
}

/* ---- the bell ----------------------------------------------------------------------------------- */

/* Out of order, it is tried again after a while; until then waiters look for themselves. */
static void *bell_main(void *arg)
{
    sw_ledger *ledger = arg;
    const struct timespec pause = {.tv_nsec = BELL_MS * 1000000L};

    while (atomic_load(&ledger->bell_rings)) {
        sw_error err;
        bool rung = false;
        if (sw_session_wait(ledger->bell, BELL_MS, &rung, &err) != SW_STATUS_OK) {
            (void)nanosleep(&pause, NULL);
        } else if (rung) {
            sw__committed(ledger);
        }
    }
    return NULL;
}

/* Without a bell everything works, a little later. */
static void hang_bell(sw_ledger *ledger)
{
    sw_error err;
    bool rung = false;

    if (sw_session_open(ledger->store, SW_SESSION_WATCH, &ledger->bell, &err) != SW_STATUS_OK) {
        return;
    }
    if (sw_session_wait(ledger->bell, 0, &rung, &err) == SW_STATUS_UNSUPPORTED) {
        sw_session_close(&ledger->bell);
        return;
    }
    atomic_store(&ledger->bell_rings, true);
    if (pthread_create(&ledger->bell_thread, NULL, bell_main, ledger) != 0) {
        atomic_store(&ledger->bell_rings, false);
        sw_session_close(&ledger->bell);
    }
}

void sw__watch_close(sw_ledger *ledger)
{
    if (atomic_exchange(&ledger->bell_rings, false)) {
        pthread_join(ledger->bell_thread, NULL);
    }
    sw_session_close(&ledger->bell);
    sw_session_close(&ledger->watch);
}

/* ---- looking ------------------------------------------------------------------------------------ */

/* Counts what others have committed since anybody looked. Our own commits are seen here too and
 * count twice: a waiter that wakes for nothing does no harm, one that sleeps does. */
static sw_status look(sw_ledger *ledger, sw_error *err)
{
    uint64_t version = 0;
    bool first = false;
    sw_status status = SW_STATUS_OK;

    pthread_mutex_lock(&ledger->watch_lock);
    first = !ledger->watch;
    if (first) {
        status = sw_session_open(ledger->store, SW_SESSION_WATCH, &ledger->watch, err);
        if (status == SW_STATUS_OK) {
            hang_bell(ledger);
        }
    }
    if (status == SW_STATUS_OK) {
        status = sw_session_version(ledger->watch, &version, err);
    }
    if (status == SW_STATUS_OK && (first || version != ledger->watch_version)) {
        ledger->watch_version = version;
        sw__committed(ledger);
    }
    pthread_mutex_unlock(&ledger->watch_lock);
    return status;
}

/* Sleeps until the count has moved or the time has come. */
static sw_status sleep_until(sw_ledger *ledger, uint64_t *seen, const struct timespec *until,
                             bool *moved)
{
    sw_status status = SW_STATUS_OK;

    pthread_mutex_lock(&ledger->lock);
    while (ledger->commits == *seen && !ledger->closing) {
        if (pthread_cond_timedwait(&ledger->committed, &ledger->lock, until) == ETIMEDOUT) {
            break;
        }
    }
    *moved = ledger->commits != *seen;
    *seen = ledger->commits;
    status = ledger->closing && !*moved ? SW_STATUS_CLOSED : SW_STATUS_OK;
    pthread_mutex_unlock(&ledger->lock);
    return status;
}

sw_status sw_commit_wait(sw_ledger *ledger, uint64_t *seen, int64_t wait_ms, sw_error *err)
{
    int64_t wait = wait_ms < 0                         ? 0
                   : wait_ms > SW_LIMIT_COMMIT_WAIT_MS ? SW_LIMIT_COMMIT_WAIT_MS
                                                       : wait_ms;
    struct timespec deadline;
    bool moved = false;
    bool past = false;
    sw_status status = SW_STATUS_OK;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    add_ms(&deadline, wait);
    do {
        struct timespec until;
        status = look(ledger, err);
        if (status != SW_STATUS_OK) {
            return status;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        past = !before(&until, &deadline);
        add_ms(&until, atomic_load(&ledger->bell_rings) ? BELL_LOOK_MS : LOOK_MS);
        until = before(&until, &deadline) ? until : deadline;
        status = sleep_until(ledger, seen, &until, &moved);
    } while (status == SW_STATUS_OK && !moved && !past);
    return status == SW_STATUS_CLOSED ? sw_fail(err, status, "", "the ledger is being closed")
                                      : status;
}
