/* SPDX-License-Identifier: Apache-2.0 */
/* Logging without waiting: thousands of calls under way from one thread, each answered once, also
 * when there is no memory, no room, or the ledger closes. And waiting for any commit, of this
 * process or another.
 */
#include "tests/lib/faults.h"
#include "tests/lib/lt.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

/* ---- calls under way ----------------------------------------------------------------------------- */

typedef struct call {
    sw_step_entry entry;
    sw_outcome outcome;
    sw_status status;
    sw_error err;
    int answered;
    struct crowd *crowd;
} call;

typedef struct crowd {
    pthread_mutex_t lock;
    pthread_cond_t all;
    size_t waiting;
    call *calls;
    size_t count;
} crowd;

static void done(void *arg, sw_status status, const sw_error *err)
{
    call *c = arg;
    pthread_mutex_lock(&c->crowd->lock);
    c->status = status;
    c->err = *err;
    c->answered++;
    if (--c->crowd->waiting == 0) {
        pthread_cond_signal(&c->crowd->all);
    }
    pthread_mutex_unlock(&c->crowd->lock);
}

static void gather_crowd(crowd *c, size_t count)
{
    *c = (crowd){.calls = calloc(count, sizeof *c->calls), .count = count, .waiting = count};
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->all, NULL);
    for (size_t i = 0; i < count; i++) {
        c->calls[i].crowd = c;
    }
}

static void send(lt *t, crowd *c, const sw_actor *actor)
{
    for (size_t i = 0; i < c->count; i++) {
        call *one = &c->calls[i];
        sw_step_log_later(t->ledger, actor, &one->entry, 1, false, &one->outcome, done, one);
    }
}

static void wait_for_all(crowd *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->waiting > 0) {
        pthread_cond_wait(&c->all, &c->lock);
    }
    pthread_mutex_unlock(&c->lock);
}

static void disperse(crowd *c)
{
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->all);
    free(c->calls);
}

static void thousands_under_way(lt *t)
{
    unsigned count = (unsigned)lt_level(3000, 20000, 60000);
    crowd c;
    gather_crowd(&c, count);
    for (unsigned i = 0; i < count; i++) { /* some twice, some refused */
        c.calls[i].entry.step = lt_step(t, i % 10 == 9 ? i - 1 : i);
        c.calls[i].entry.step.prompt_tokens = sw_int_of(i % 10 == 5 ? -1 : 10);
    }
    send(t, &c, &t->a);
    wait_for_all(&c);
    for (unsigned i = 0; i < count; i++) {
        const call *one = &c.calls[i];
        SAME(one->answered, 1);
        SAME(one->status, one->outcome.status);
        SAME(one->status, i % 10 == 5 ? SW_STATUS_INVALID : SW_STATUS_OK);
        SAME(one->outcome.verdict, i % 10 == 5   ? SW_VERDICT_REJECTED
                                   : i % 10 == 9 ? SW_VERDICT_UNCHANGED
                                                 : SW_VERDICT_CREATED);
        if (i % 10 == 5) {
            NAMES(&one->err, "prompt_tokens");
        }
    }
    SAME(lt_total(t, &t->a).num_steps, count / 10 * 8);
    CLEAN();
    disperse(&c);
}

/* Closing answers whatever is under way, and loses nothing that it said was kept. */
static void closing_answers_all(lt *t)
{
    enum { COUNT = 4000 };
    crowd c;
    size_t kept = 0;
    gather_crowd(&c, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        c.calls[i].entry.step = lt_step(t, i);
    }
    send(t, &c, &t->a);
    lt_close(t);
    SAME(c.waiting, 0);
    for (size_t i = 0; i < COUNT; i++) {
        SAME(c.calls[i].answered, 1);
        kept += c.calls[i].status == SW_STATUS_OK;
        CHECK(c.calls[i].status == SW_STATUS_OK || c.calls[i].status == SW_STATUS_CLOSED);
    }
    lt_open(t);
    if (t->on_disk) {
        SAME(lt_total(t, &t->a).num_steps, kept);
    }
    disperse(&c);
}

/* Answered from within the call when it is refused before it waits. */
static void refused_at_once(lt *t)
{
    sw_actor nobody = {.organization_id = SW_STR("")};
    sw_retry retry = {.route = SW_STR("r"), .key = SW_STR("")};
    sw_actor keyed = t->a;
    sw_outcome *many = calloc(SW_LIMIT_BATCH_ITEMS + 1, sizeof *many);
    crowd c;
    gather_crowd(&c, 1);
    c.calls[0].entry.step = lt_step(t, 1);
    send(t, &c, &nobody);
    SAME(c.calls[0].answered, 1);
    SAME(c.calls[0].status, SW_STATUS_INVALID);
    VERDICT(c.calls[0].outcome, REJECTED);
    c.waiting = 1;
    keyed.retry = &retry;
    send(t, &c, &keyed);
    SAME(c.calls[0].answered, 2);
    NAMES(&c.calls[0].err, "idempotency_key");
    c.waiting = 1;
    sw_step_log_later(t->ledger, &t->a, &c.calls[0].entry, SW_LIMIT_BATCH_ITEMS + 1, false, many,
                      done, &c.calls[0]);
    SAME(c.calls[0].status, SW_STATUS_TOO_LARGE);
    SAME(many[SW_LIMIT_BATCH_ITEMS].status, SW_STATUS_TOO_LARGE);
    free(many);
    c.waiting = 1;
    sw_step_log_later(t->ledger, &t->a, NULL, 0, false, NULL, done, &c.calls[0]);
    SAME(c.calls[0].status, SW_STATUS_OK);
    disperse(&c);
}

/* While the writer waits for another process, the queue fills: then BUSY, at once, and what waited
 * is kept. */
static void no_room(lt *t)
{
    enum { MORE = 500 };
    size_t count = SW_LIMIT_QUEUE_OPS + SW_LIMIT_GROUP_OPS + MORE;
    sqlite3 *db = NULL;
    size_t busy = 0, kept = 0;
    crowd c;
    gather_crowd(&c, count);
    for (size_t i = 0; i < count; i++) {
        c.calls[i].entry.step = lt_step(t, (unsigned)i);
    }
    assert_int_equal(sqlite3_open(t->url + strlen("sqlite:"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, "begin immediate", NULL, NULL, NULL), SQLITE_OK);
    send(t, &c, &t->a);
    assert_int_equal(sqlite3_exec(db, "commit", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    wait_for_all(&c);
    for (size_t i = 0; i < count; i++) {
        SAME(c.calls[i].answered, 1);
        busy += c.calls[i].status == SW_STATUS_BUSY;
        kept += c.calls[i].status == SW_STATUS_OK;
    }
    CHECK(busy >= MORE);
    SAME(busy + kept, count);
    SAME(lt_total(t, &t->a).num_steps, kept);
    disperse(&c);
}

/* Every allocation of a call in turn: it is answered once, and sent again it is fine. */
static void no_memory(lt *t)
{
    bool hit = true;
    t->options.allocator = &faults_allocator;
    lt_open(t);
    lt_organizations(t);
    for (unsigned n = 1; hit; n++) {
        crowd c;
        gather_crowd(&c, 1);
        c.calls[0].entry.step = lt_step(t, n);
        c.calls[0].entry.step.model = pool_printf(t->pool, "model %u", n);
        faults_ledger(n, false);
        send(t, &c, &t->a);
        wait_for_all(&c);
        hit = faults_happened();
        faults_ledger(0, false);
        SAME(c.calls[0].answered, 1);
        CHECK(c.calls[0].status == SW_STATUS_OK || c.calls[0].status == SW_STATUS_NO_MEMORY);
        SAME(c.calls[0].status, c.calls[0].outcome.status);
        c.waiting = 1;
        send(t, &c, &t->a);
        wait_for_all(&c);
        SAME(c.calls[0].status, SW_STATUS_OK);
        disperse(&c);
        CHECK(n < 10000);
    }
    CLEAN();
    lt_close(t);
    SAME(faults_alive(), 0);
}

/* ---- waiting for any commit ---------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Moves on until nothing has happened for a while. */
static uint64_t settle(lt *t)
{
    uint64_t seen = 0, last = 1;
    while (seen != last) {
        last = seen;
        OK(sw_commit_wait(t->ledger, &seen, 20, &t->err));
    }
    return seen;
}

static void nothing_happens(lt *t)
{
    uint64_t seen = settle(t), before = seen;
    int64_t begin = now_ms();
    OK(sw_commit_wait(t->ledger, &seen, 300, &t->err));
    SAME(seen, before);
    CHECK(now_ms() - begin >= 299);
    OK(sw_commit_wait(t->ledger, &seen, 0, &t->err));
    SAME(seen, before);
}

static void a_commit_is_not_missed(lt *t)
{
    uint64_t seen = settle(t), before = seen;
    sw_step s = lt_step(t, 1);
    int64_t begin = now_ms();
    lt_log(t, &t->b, &s); /* before anybody waits */
    OK(sw_commit_wait(t->ledger, &seen, 20000, &t->err));
    CHECK(seen != before);
    CHECK(now_ms() - begin < 10000);
    seen = 0;
    OK(sw_commit_wait(t->ledger, &seen, 20000, &t->err)); /* from the beginning: at once */
    CHECK(seen != 0);
}

static void *log_one(void *arg)
{
    lt *t = arg;
    sw_step s = lt_step(t, 7);
    lt_log(t, &t->a, &s);
    return NULL;
}

static void a_commit_wakes(lt *t)
{
    uint64_t seen = settle(t), before = seen;
    pthread_t id;
    lt writer = *t;
    writer.pool = pool_new();
    assert_int_equal(pthread_create(&id, NULL, log_one, &writer), 0);
    sw_status status = sw_commit_wait(t->ledger, &seen, 20000, &t->err);
    pthread_join(id, NULL);
    pool_free(&writer.pool);
    OK(status);
    CHECK(seen != before);
}

static void another_process_commits(lt *t)
{
    lt other = *t;
    sw_step s = lt_step(t, 1);
    uint64_t seen = 0, before = 0;
    int64_t begin = 0;
    other.ledger = NULL;
    OK(lt_try_open(&other));
    before = seen = settle(t);
    begin = now_ms();
    lt_log(&other, &t->a, &s);
    OK(sw_commit_wait(t->ledger, &seen, 20000, &t->err));
    CHECK(seen != before);
    CHECK(now_ms() - begin < 10000); /* a second, on a machine with nothing else to do */
    lt_close(&other);
}

static const lt_case cases[] = {
    {"thousands under way", thousands_under_way, 0},
    {"closing answers all", closing_answers_all, 0},
    {"refused at once", refused_at_once, 0},
    {"no room", no_room, LT_DISK},
    {"no memory", no_memory, LT_CLOSED | LT_CLOCK},
    {"nothing happens", nothing_happens, 0},
    {"a commit is not missed", a_commit_is_not_missed, 0},
    {"a commit wakes", a_commit_wakes, 0},
    {"another process commits", another_process_commits, LT_DISK},
};

LT_MAIN("later", cases)
