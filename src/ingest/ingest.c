/* SPDX-License-Identifier: Apache-2.0 */
/* Opens and closes the room, and holds its one thread, which computes traces again and removes what is old.
 */
#include <stdio.h>
#include <time.h>

#include "ingest/ingest_inside.h"

enum { QUIET_MS = 500, LONGEST_MS = 5000, TICK_MS = 100, POLL_US = 1000000, PRUNE_US = 60000000 };

void ingest_log(sw_ingest *in, int level, const char *format, ...)
{
    char line[600];
    va_list args;

    if (!in->options.log) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    in->options.log(in->options.log_data, level, line);
}

/* ---- the thread ------------------------------------------------------------------------------------------ */

/* Until something is marked, or it is time to look around; false: the room closes. */
static bool sleep_a_while(sw_ingest *in)
{
    struct timespec until;
    int64_t ms = 0;
    bool goes_on = false;

    pthread_mutex_lock(&in->lock);
    ms = in->load.marked > 0 ? TICK_MS : POLL_US / 1000;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (!in->closing) {
        (void)pthread_cond_timedwait(&in->wake, &in->lock, &until);
    }
    goes_on = !in->closing;
    pthread_mutex_unlock(&in->lock);
    return goes_on;
}

bool ingest_is_closing(sw_ingest *in)
{
    bool closing = false;

    pthread_mutex_lock(&in->lock);
    closing = in->closing;
    pthread_mutex_unlock(&in->lock);
    return closing;
}

static void settle_due(sw_ingest *in)
{
    bool did = true;
    sw_error err;

    while (did && !ingest_is_closing(in)) {
        if (ingest_step(in, false, &did, &err) != SW_STATUS_OK) {
            return; /* the rest in a moment */
        }
    }
}

static void look_around(sw_ingest *in)
{
    int64_t now = in->clock.mono_us(in->clock.data);
    bool first = in->polled_us == 0;
    size_t found = 0;
    sw_error err;

    if (now - in->polled_us >= POLL_US) {
        in->polled_us = now;
        ingest_sweep(in);
        if (ingest_poll(in, first, &found, &err) != SW_STATUS_OK) {
            ingest_log(in, 1, "marked traces could not be read: %s", err.message);
        }
    }
    if (now - in->pruned_us >= PRUNE_US) {
        in->pruned_us = now;
        ingest_prune(in);
    }
}

void *ingest_run(void *arg)
{
    sw_ingest *in = arg;

    while (sleep_a_while(in)) {
        settle_due(in);
        look_around(in);
    }
    return NULL;
}

/* ---- opening ---------------------------------------------------------------------------------------------- */

static sw_status start(sw_ingest *in, sw_error *err)
{
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&in->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&in->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (in->options.no_thread) {
        return SW_STATUS_OK;
    }
    if (pthread_create(&in->thread, NULL, ingest_run, in) != 0) {
        return sw_fail(err, SW_STATUS_NO_MEMORY, NULL, "no thread could be started");
    }
    in->running = true;
    return SW_STATUS_OK;
}

static void finish(sw_ingest *in)
{
    sw_allocator from = in->allocator;

    ingest_free_units(in);
    (void)pthread_cond_destroy(&in->wake);
    (void)pthread_mutex_destroy(&in->lock);
    sw_free(&from, in);
}

sw_status sw_ingest_open(sw_ledger *ledger, const sw_ingest_options *options, sw_ingest **out,
                         sw_error *err)
{
    const sw_allocator *from = options->allocator ? options->allocator : &sw__libc_allocator;
    sw_ingest *in = sw_alloc_zeroed(from, sizeof *in);
    sw_status status = SW_STATUS_OK;

    *out = NULL;
    if (!in) {
        return sw_no_memory(err);
    }
    in->allocator = *from;
    in->options = *options;
    in->options.quiet_ms = options->quiet_ms > 0 ? options->quiet_ms : QUIET_MS;
    in->options.longest_ms = options->longest_ms > 0 ? options->longest_ms : LONGEST_MS;
    in->clock = options->clock ? *options->clock : sw__system_clock;
    in->ledger = ledger;
    ingest_draw_key(&in->key);
    status = start(in, err);
    if (status != SW_STATUS_OK) {
        finish(in);
        return status;
    }
    *out = in;
    return SW_STATUS_OK;
}

/* ---- closing ----------------------------------------------------------------------------------------------- */

sw_status sw_ingest_settle(sw_ingest *in, sw_error *err)
{
    size_t found = 0;
    bool did = true;
    sw_status status = SW_STATUS_OK;

    ingest_sweep(in);
    do {
        while (did && status == SW_STATUS_OK) {
            status = ingest_step(in, true, &did, err);
        }
        if (status == SW_STATUS_OK) {
            status = ingest_poll(in, true, &found, err);
        }
        did = true;
    } while (status == SW_STATUS_OK && found > 0);
    return status;
}

/* What is not computed in time is marked in the store, where spans are kept, and goes on at the next start. */
static void settle_in_time(sw_ingest *in, int64_t end)
{
    bool did = true;
    int64_t failed = 0;
    sw_error err;

    /* What fails stands behind all others afterwards. */
    while (did && failed <= in->load.marked && in->clock.mono_us(in->clock.data) < end) {
        failed += ingest_step(in, true, &did, &err) != SW_STATUS_OK;
    }
}

void sw_ingest_close_within(sw_ingest **ingest, int64_t ms)
{
    sw_ingest *in = *ingest;
    int64_t end = 0;

    *ingest = NULL;
    if (!in) {
        return;
    }
    end = in->clock.mono_us(in->clock.data) + ms * 1000; /* also of what the thread still does */
    pthread_mutex_lock(&in->lock);
    in->closing = true;
    (void)pthread_cond_signal(&in->wake);
    pthread_mutex_unlock(&in->lock);
    if (in->running) {
        (void)pthread_join(in->thread, NULL);
    }
    settle_in_time(in, end);
    finish(in);
}

void sw_ingest_close(sw_ingest **ingest)
{
    sw_ingest_close_within(ingest, SW_LIMIT_STOP_SECONDS * INT64_C(1000));
}

void sw_ingest_load_get(sw_ingest *in, sw_ingest_load *out)
{
    pthread_mutex_lock(&in->lock);
    *out = in->load;
    pthread_mutex_unlock(&in->lock);
}
