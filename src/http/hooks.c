/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of deliveries: claims what is due, has it called, reports what came of it.
 *
 * Fairness. One listener gets a few calls at a time and a few that wait for their turn; what is due for it
 * beyond that is put off, so that what is due for others is seen. A listener that did not answer lately is
 * put off longer.
 *
 * While nothing is under way the thread sleeps until the next delivery is due or something is committed.
 * It asks the ledger when the next one is due, and claims only when one is, because a claim is a write.
 */
#include "http/hooks.h"

#include <pthread.h>
#include <stdatomic.h>

#include "http/curl.h"

enum {
    WAITING = 128,        /* claimed, not begun */
    WAITING_OF_ONE = 32,  /* of one listener */
    CLAIM = 64,           /* at a time */
    CLAIM_SECONDS = 20,   /* two calls' time, for a claim that waits for one call's end */
    CALL_SECONDS = 11,    /* what must be left of a claim when its call begins */
    PUT_OFF_SECONDS = 1,  /* what is due for a listener that is busy */
    SLOW_SECONDS = 10,    /* and for one that does not answer */
    SLOW_LISTENERS = 256, /* that are remembered */
    POLL_MS = 50,
    SLEEP_MS = 250,
    ROUND_MS = 20, /* between two looks, as long as one commit follows the other */
    ERROR_MS = 500,
    FINISH_US = 2000000
};

struct sw_hooks {
    const sw_allocator *from;
    sw_ledger *ledger;
    const sw_log *log;
    bool allow_private;
    atomic_bool stopping;
    pthread_t thread;
    bool runs;
    CURLM *multi;
    sw_call *calls;   /* under way */
    sw_call *waiting; /* in order */
    size_t call_count;
    size_t waiting_count;
    uint64_t seen;     /* commits */
    int64_t rested_us; /* when the last wait began, of the monotonic clock */
    sw_int due_us;     /* wall clock */
    bool look;         /* something was committed: due_us may be earlier */
    struct {
        uint64_t url;
        int64_t until_us;
    } slow[SLOW_LISTENERS];
};

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

static void warn(const sw_hooks *hooks, const char *what, const sw_error *err)
{
    sw_logf(hooks->log, SW_LOG_WARN, "deliveries: %s: %s", what, err->message);
}

/* ---- listeners ------------------------------------------------------------------------------------- */

static uint64_t hash_of(sw_str url)
{
    return sw_hash(0, url.ptr, url.len);
}

static size_t count_of(const sw_call *calls, sw_str url)
{
    size_t count = 0;
    for (; calls; calls = calls->next) {
        count += sw_str_eq(calls->delivery.url, url) ? 1U : 0U;
    }
    return count;
}

static bool is_slow(const sw_hooks *hooks, sw_str url)
{
    uint64_t hash = hash_of(url);
    return hooks->slow[hash % SLOW_LISTENERS].url == hash &&
           hooks->slow[hash % SLOW_LISTENERS].until_us > mono_us();
}

static void note_pace(sw_hooks *hooks, sw_str url, bool answered)
{
    uint64_t hash = hash_of(url);
    size_t at = hash % SLOW_LISTENERS;
    if (!answered) {
        hooks->slow[at].url = hash;
        hooks->slow[at].until_us = mono_us() + INT64_C(1000000) * SLOW_SECONDS;
    } else if (hooks->slow[at].url == hash) {
        hooks->slow[at].url = 0;
    }
}

/* ---- calls ----------------------------------------------------------------------------------------- */

static void report(sw_hooks *hooks, sw_str id, const sw_attempt *attempt)
{
    sw_error error;
    sw_status status = sw_delivery_report(hooks->ledger, id, attempt, &error);
    /* NOT_FOUND: its subscription was deleted meanwhile. Else the claim runs out and it is due again. */
    if (status != SW_STATUS_OK && status != SW_STATUS_NOT_FOUND) {
        warn(hooks, "an attempt could not be recorded", &error);
    }
}

/* What could not even be begun. What another attempt may cure is left to the claim's end. */
static void give_up(sw_hooks *hooks, sw_call *call, sw_status status, const sw_error *err)
{
    bool permanent = status == SW_STATUS_NOT_FOUND || status == SW_STATUS_INVALID;
    sw_attempt attempt = {.started_at_us = call->started_wall_us,
                          .error = sw_str_from(err->message),
                          .permanent = permanent};
    if (permanent) {
        report(hooks, call->delivery.id, &attempt);
    } else {
        warn(hooks, "a call could not be made", err);
    }
    sw_call_end(call);
}

/* libcurl and what it stands on take three megabytes when they begin: they do so with the first call. Only this
 * thread uses them. */
static sw_status wake_curl(sw_hooks *hooks, sw_error *err)
{
    const sw_curl_table *curl = sw_curl();
    if (!curl) {
        return sw_fail(err, SW_STATUS_UNSUPPORTED, NULL, SW_CURL_MISSING);
    }
    if (!hooks->multi && curl->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        hooks->multi = curl->multi_init();
    }
    return hooks->multi ? SW_STATUS_OK : sw_no_memory(err);
}

static void begin(sw_hooks *hooks, sw_call *call)
{
    sw_error error = {.message = "no memory"};
    if (mono_us() > call->claimed_until_us - INT64_C(1000000) * CALL_SECONDS) {
        sw_call_end(call); /* somebody else may hold it soon */
        return;
    }
    sw_status status = wake_curl(hooks, &error);
    if (status == SW_STATUS_OK) {
        status = sw_call_begin(call, hooks->ledger, hooks->allow_private, &error);
    }
    if (status == SW_STATUS_OK &&
        sw_curl()->multi_add_handle(hooks->multi, call->easy) != CURLM_OK) {
        status = SW_STATUS_NO_MEMORY;
    }
    if (status != SW_STATUS_OK) {
        give_up(hooks, call, status, &error);
        return;
    }
    call->next = hooks->calls;
    hooks->calls = call;
    hooks->call_count++;
}

static void unlink_call(sw_hooks *hooks, const sw_call *call)
{
    sw_call **at = &hooks->calls;
    while (*at != call) {
        at = &(*at)->next;
    }
    *at = call->next;
    hooks->call_count--;
}

static void finish(sw_hooks *hooks, sw_call *call, int result)
{
    sw_attempt attempt;
    sw_call_result(call, result, &attempt);
    sw_curl()->multi_remove_handle(hooks->multi, call->easy);
    unlink_call(hooks, call);
    note_pace(hooks, call->delivery.url, attempt.status_code > 0 || attempt.permanent);
    report(hooks, call->delivery.id, &attempt);
    sw_call_end(call);
}

static void collect(sw_hooks *hooks)
{
    int left = 0;
    for (CURLMsg *m = sw_curl()->multi_info_read(hooks->multi, &left); m;
         m = sw_curl()->multi_info_read(hooks->multi, &left)) {
        if (m->msg == CURLMSG_DONE) {
            char *call = NULL;
            CURLcode result = m->data.result;
            sw_curl()->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call);
            finish(hooks, (sw_call *)(void *)call, (int)result);
        }
    }
}

/* Begins what waits and may begin, in order. */
static void begin_waiting(sw_hooks *hooks)
{
    for (sw_call **at = &hooks->waiting; *at && hooks->call_count < SW_LIMIT_DELIVERY_CALLS;) {
        sw_call *call = *at;
        if (count_of(hooks->calls, call->delivery.url) < SW_LIMIT_DELIVERY_CALLS_OF_ONE) {
            *at = call->next;
            hooks->waiting_count--;
            begin(hooks, call);
        } else {
            at = &call->next;
        }
    }
}

/* ---- claiming -------------------------------------------------------------------------------------- */

static sw_call *make_call(const sw_allocator *from, const sw_delivery *delivery,
                          int64_t claimed_until_us)
{
    sw_call *call = sw_alloc_zeroed(from, sizeof *call);
    sw_memory *memory = call ? sw_memory_new(from) : NULL;
    sw_delivery *copy =
        memory ? sw_row_clone(sw_record_of(SW_RECORD_DELIVERY), delivery, from) : NULL;
    if (!copy) {
        sw_memory_free(&memory);
        sw_free(from, call);
        return NULL;
    }
    call->from = from;
    call->row = copy;
    call->delivery = *copy;
    call->memory = memory;
    call->claimed_until_us = claimed_until_us;
    return call;
}

/* What is not taken, by how long it is put off. */
typedef struct left_over {
    sw_str busy[CLAIM];
    sw_str slow[CLAIM];
    size_t busy_count;
    size_t slow_count;
} left_over;

static void put_off(sw_hooks *hooks, const sw_str *ids, size_t count, int64_t seconds)
{
    sw_error error;
    if (sw_delivery_put_off(hooks->ledger, ids, count, seconds, &error) != SW_STATUS_OK) {
        warn(hooks, "deliveries could not be put off", &error);
    }
}

/* One of those claimed: waits for its turn, or is put off. */
static void take(sw_hooks *hooks, const sw_delivery *delivery, int64_t claimed_until_us,
                 left_over *left)
{
    bool slow = is_slow(hooks, delivery->url);
    if (count_of(hooks->waiting, delivery->url) >= (slow ? 1 : WAITING_OF_ONE)) {
        if (slow) {
            left->slow[left->slow_count++] = delivery->id;
        } else {
            left->busy[left->busy_count++] = delivery->id;
        }
        return;
    }
    sw_call *call = make_call(hooks->from, delivery, claimed_until_us);
    sw_call **at = &hooks->waiting;
    while (call && *at) {
        at = &(*at)->next;
    }
    if (call) {
        *at = call;
        hooks->waiting_count++;
    }
}

static sw_status claim(sw_hooks *hooks, size_t *count, sw_error *err)
{
    sw_delivery *rows = NULL;
    left_over left = {.busy_count = 0};
    size_t room = WAITING - hooks->waiting_count;
    sw_memory *memory = sw_memory_new(hooks->from);
    if (!memory) {
        return sw_no_memory(err);
    }
    int64_t until_us = mono_us() + INT64_C(1000000) * CLAIM_SECONDS;
    sw_status status = sw_delivery_claim(hooks->ledger, (int64_t)(room < CLAIM ? room : CLAIM),
                                         CLAIM_SECONDS, memory, &rows, count, err);
    for (size_t i = 0; status == SW_STATUS_OK && i < *count; i++) {
        take(hooks, &rows[i], until_us, &left);
    }
    put_off(hooks, left.busy, left.busy_count, PUT_OFF_SECONDS);
    put_off(hooks, left.slow, left.slow_count, SLOW_SECONDS);
    sw_memory_free(&memory);
    return status;
}

/* Asks when the next one is due if that may have changed, and claims while some are. */
static sw_status claim_due(sw_hooks *hooks, sw_error *err)
{
    sw_status status = SW_STATUS_OK;
    bool more = true;
    while (more && status == SW_STATUS_OK && hooks->waiting_count < WAITING) {
        size_t count = 0;
        if (hooks->look) {
            status = sw_delivery_next(hooks->ledger, &hooks->due_us, err);
            hooks->look = status != SW_STATUS_OK;
        }
        int64_t now_us = sw__system_clock.wall_us(sw__system_clock.data);
        more = status == SW_STATUS_OK && hooks->due_us.known && hooks->due_us.value <= now_us;
        if (more) {
            status = claim(hooks, &count, err);
            hooks->look = true;
            more = count > 0;
            begin_waiting(hooks);
        }
    }
    return status;
}

/* ---- the thread ------------------------------------------------------------------------------------ */

static int64_t sleep_ms(const sw_hooks *hooks)
{
    int64_t ms = SLEEP_MS;
    if (hooks->due_us.known) {
        int64_t left = hooks->due_us.value - sw__system_clock.wall_us(sw__system_clock.data);
        ms = left / 1000 + 1 < ms ? left / 1000 + 1 : ms;
    }
    return ms > 0 ? ms : 0;
}

static void pause_ms(int64_t ms)
{
    struct timespec pause = {.tv_nsec = (long)(ms * 1000000)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

/* Waits for sockets, or for a commit; but under a full load of writes not for each of them. */
static sw_status rest(sw_hooks *hooks, sw_error *err)
{
    uint64_t before = hooks->seen;
    bool busy = hooks->call_count > 0;
    int64_t wait = busy || hooks->waiting_count > 0 ? 0 : sleep_ms(hooks);
    if (busy) {
        sw_curl()->multi_poll(hooks->multi, NULL, 0, POLL_MS, NULL);
    } else if (mono_us() - hooks->rested_us < ROUND_MS * 1000) {
        pause_ms(ROUND_MS);
    }
    hooks->rested_us = mono_us();
    sw_status status = sw_commit_wait(hooks->ledger, &hooks->seen, wait, err);
    hooks->look = hooks->look || hooks->seen != before;
    return status;
}

static void *hooks_main(void *arg)
{
    sw_hooks *hooks = arg;
    int64_t stop_at_us = 0;
    bool ends = false;
    while (!ends) {
        sw_error error;
        int running = 0;
        sw_status status = SW_STATUS_OK;
        bool stopping = atomic_load(&hooks->stopping);
        begin_waiting(hooks);
        if (hooks->multi) {
            sw_curl()->multi_perform(hooks->multi, &running);
            collect(hooks);
        }
        if (!stopping) {
            status = claim_due(hooks, &error);
            status = status == SW_STATUS_OK ? rest(hooks, &error) : status;
        } else {
            stop_at_us = stop_at_us ? stop_at_us : mono_us() + FINISH_US;
            if (hooks->call_count > 0) {
                sw_curl()->multi_poll(hooks->multi, NULL, 0, POLL_MS, NULL);
            }
            ends = hooks->call_count == 0 || mono_us() > stop_at_us;
        }
        if (status != SW_STATUS_OK) {
            warn(hooks, "the ledger cannot be asked", &error);
            pause_ms(ERROR_MS);
        }
    }
    return NULL;
}

static void end_all(sw_call **calls)
{
    while (*calls) {
        sw_call *next = (*calls)->next;
        sw_call_end(*calls);
        *calls = next;
    }
}

static void free_hooks(sw_hooks *hooks)
{
    for (sw_call *call = hooks->calls; call; call = call->next) {
        sw_curl()->multi_remove_handle(hooks->multi, call->easy);
    }
    end_all(&hooks->calls);
    end_all(&hooks->waiting);
    if (hooks->multi) {
        sw_curl()->multi_cleanup(hooks->multi);
        sw_curl()->global_cleanup();
    }
    sw_free(hooks->from, hooks);
}

sw_status sw_hooks_start(sw_ledger *ledger, const sw_allocator *from, const sw_settings *settings,
                         const sw_log *log, sw_hooks **out, sw_error *err)
{
    sw_status status = sw_operator_webhook(ledger, sw_str_from(settings->step_complete_webhook),
                                           sw_str_from(settings->step_complete_key), err);
    sw_hooks *hooks = status == SW_STATUS_OK ? sw_alloc_zeroed(from, sizeof *hooks) : NULL;
    if (!hooks) {
        return status == SW_STATUS_OK ? sw_no_memory(err) : status;
    }
    hooks->from = from;
    hooks->ledger = ledger;
    hooks->log = log;
    hooks->allow_private = settings->allow_private_targets;
    hooks->look = true;
    hooks->runs = pthread_create(&hooks->thread, NULL, hooks_main, hooks) == 0;
    if (!hooks->runs) {
        free_hooks(hooks);
        return sw_no_memory(err);
    }
    *out = hooks;
    return SW_STATUS_OK;
}

void sw_hooks_end(sw_hooks *hooks)
{
    if (hooks) {
        atomic_store(&hooks->stopping, true);
    }
}

void sw_hooks_stop(sw_hooks **hooks)
{
    sw_hooks *h = *hooks;
    if (h) {
        sw_hooks_end(h);
        pthread_join(h->thread, NULL);
        free_hooks(h);
        *hooks = NULL;
    }
}
