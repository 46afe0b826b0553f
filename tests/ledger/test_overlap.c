/* SPDX-License-Identifier: Apache-2.0 */
/* Large calls: the writer inserts their first steps while their caller still prepares the last ones. What
 * the caller's thread asks memory for tells how far it is, so an allocator can hold it up in the middle,
 * or leave it without memory there.
 */
#include "tests/lib/lt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
    MANY = 400,
    TEXT = 8000,
    MIDDLE = 1800000, /* bytes: more than a piece of 64 such steps needs, less than all of them */
    BIG = 6000        /* bytes that the writer asks for at once when it has begun */
};

typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    pthread_t caller;
    bool armed;
    bool refuses; /* in the middle; else it holds the caller up */
    size_t asked; /* bytes, by the caller since the gate was armed */
    bool writer_came;
    bool held; /* the caller waited, and the writer came in time */
    bool late; /* it did not */
} gate;

static void hold(gate *g)
{
    struct timespec until;
    int failed = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    while (!g->writer_came && failed == 0) {
        failed = pthread_cond_timedwait(&g->moved, &g->lock, &until);
    }
    g->held = g->writer_came;
    g->late = !g->writer_came;
}

/* False: there is no memory for the caller any more. */
static bool pass(gate *g, size_t size)
{
    bool ok = true;

    pthread_mutex_lock(&g->lock);
    if (g->armed && pthread_equal(pthread_self(), g->caller)) {
        g->asked += size;
        if (g->asked > MIDDLE && g->refuses) {
            ok = false;
        } else if (g->asked > MIDDLE && !g->held && !g->late) {
            hold(g);
        }
    } else if (g->armed && size >= BIG) {
        g->writer_came = true;
        pthread_cond_broadcast(&g->moved);
    }
    pthread_mutex_unlock(&g->lock);
    return ok;
}

static void *gated(void *data, void *ptr, size_t size)
{
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return pass(data, size) ? realloc(ptr, size) : NULL;
}

static void arm(gate *g, bool armed, bool refuses)
{
    pthread_mutex_lock(&g->lock);
    g->caller = pthread_self();
    g->armed = armed;
    g->refuses = refuses;
    g->asked = 0;
    g->writer_came = g->held = g->late = false;
    pthread_mutex_unlock(&g->lock);
}

static void open_gated(lt *t, gate *g, sw_allocator *allocator)
{
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->moved, NULL);
    *allocator = (sw_allocator){gated, g};
    t->options.allocator = allocator;
    lt_open(t);
    lt_organizations(t);
}

static void close_gated(lt *t, gate *g)
{
    sw_ledger_close(&t->ledger);
    pthread_cond_destroy(&g->moved);
    pthread_mutex_destroy(&g->lock);
}

/* Steps whose text has white space, so that each needs memory to be prepared. */
static sw_step_entry *large_steps(lt *t)
{
    sw_step_entry *entries = pool_alloc(t->pool, MANY * sizeof *entries);
    char *text = pool_alloc(t->pool, TEXT + 1);

    memset(text, 'x', TEXT);
    memcpy(text, "{ \"k\": \"", 8);
    memcpy(text + TEXT - 2, "\"}", 3);
    for (unsigned i = 0; i < MANY; i++) {
        entries[i] = (sw_step_entry){.step = lt_step(t, i + 1)};
        entries[i].step.metadata = sw_str_make(text, TEXT);
    }
    return entries;
}

static void proven(lt *t, int64_t steps)
{
    SAME(lt_total(t, &t->a).num_steps, steps);
    OK(sw_verify(t->ledger, NULL, NULL, &t->err));
}

/* On disk only: there the writer is sure to ask for memory when it inserts. */
static void the_writer_comes_early(lt *t)
{
    static gate g;
    static sw_allocator allocator;
    sw_step_entry *entries = large_steps(t);
    sw_outcome *outcomes = pool_alloc(t->pool, MANY * sizeof *outcomes);

    open_gated(t, &g, &allocator);
    arm(&g, true, false);
    OK(sw_step_log(t->ledger, &t->a, entries, MANY, false, outcomes, &t->err));
    bool held = g.held, late = g.late;
    arm(&g, false, false);
    SAME(held, true);
    SAME(late, false);
    for (size_t i = 0; i < MANY; i++) {
        SAME(outcomes[i].verdict, SW_VERDICT_CREATED);
        SAME(outcomes[i].seq, outcomes[0].seq + (int64_t)i);
    }
    proven(t, MANY);
    close_gated(t, &g);
}

/* ---- without memory, beside others ----------------------------------------------------------------- */

typedef struct neighbour {
    sw_ledger *ledger;
    sw_actor actor;
    sw_step_entry *entries; /* MANY of them */
    atomic_bool stop;
    size_t done;
    sw_status failed;
} neighbour;

static void *log_beside(void *arg)
{
    neighbour *n = arg;

    while (n->done < MANY && n->failed == SW_STATUS_OK && !atomic_load(&n->stop)) {
        sw_outcome outcome;
        sw_error err;
        n->failed =
            sw_step_log(n->ledger, &n->actor, &n->entries[n->done], 1, false, &outcome, &err);
        n->done += n->failed == SW_STATUS_OK;
    }
    return NULL;
}

static void check_refused(lt *t, gate *g, const sw_step_entry *entries, bool atomic)
{
    static sw_outcome outcomes[MANY];

    arm(g, true, true);
    IS(SW_STATUS_NO_MEMORY,
       sw_step_log(t->ledger, &t->a, entries, MANY, atomic, outcomes, &t->err));
    arm(g, false, false);
    for (size_t i = 0; i < MANY; i++) {
        SAME(outcomes[i].verdict, SW_VERDICT_REJECTED);
        SAME(outcomes[i].status, SW_STATUS_NO_MEMORY);
        SAME(outcomes[i].seq, 0);
    }
}

/* A call that runs out of memory when the writer has begun with it leaves nothing behind, and those who
 * share its group do not notice. */
static void no_memory_in_the_middle(lt *t)
{
    static gate g;
    static sw_allocator allocator;
    pthread_t thread;
    sw_step_entry *entries = large_steps(t);
    sw_outcome *outcomes = pool_alloc(t->pool, MANY * sizeof *outcomes);
    neighbour n = {.entries = pool_alloc(t->pool, MANY * sizeof *n.entries), .actor = t->b};

    open_gated(t, &g, &allocator);
    n.ledger = t->ledger;
    for (unsigned i = 0; i < MANY; i++) {
        n.entries[i] = (sw_step_entry){.step = lt_step(t, MANY + 1 + i)};
    }
    SAME(pthread_create(&thread, NULL, log_beside, &n), 0);
    for (int i = 0; i < 4; i++) {
        check_refused(t, &g, entries, i == 2);
    }
    atomic_store(&n.stop, true);
    pthread_join(thread, NULL);
    SAME(n.failed, SW_STATUS_OK);
    SAME(lt_total(t, &t->b).num_steps, n.done);
    proven(t, 0);
    OK(sw_step_log(t->ledger, &t->a, entries, MANY, false, outcomes, &t->err));
    proven(t, MANY);
    close_gated(t, &g);
}

static const lt_case cases[] = {
    {"the writer comes early", the_writer_comes_early, LT_DISK | LT_CLOSED},
    {"no memory in the middle", no_memory_in_the_middle, LT_CLOSED},
};

LT_MAIN("overlap", cases)
