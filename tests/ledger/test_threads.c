/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads on one ledger. Each thread with steps of its own, in runs that all share: in the end the
 * rows and the sums are those of the naive ledger that was told everything. And threads that race to end
 * the same steps: exactly one end wins, the same end again is no change, every other is refused.
 */
#include "tests/lib/chance.h"
#include "tests/lib/player.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 6, RUNS = 4, DONE_MAX = 20000 };

/* One thing a thread did, to be told to the naive ledger afterwards. */
typedef struct done {
    sw_str id;
    sw_step_entry entry;
    bool is_end;
    bool is_delete;
    const sw_actor *actor;
} done;

typedef struct worker {
    lt t; /* a copy: with a pool and an error of its own */
    unsigned number;
    int64_t count;
    lt_rng rng;
    done *done;
    size_t done_count;
    char failure[600];
} worker;

static void note_failure(worker *w, const char *what, sw_status status, const sw_error *err)
{
    if (!w->failure[0]) {
        snprintf(w->failure, sizeof w->failure, "%s: %s (%s: %s)", what, status_name(status),
                 err->field, err->message);
    }
}

static sw_step_entry own_entry(worker *w, unsigned n)
{
    sw_step_entry e = chance_entry(&w->t, &w->rng);
    e.step.id = lt_id(&w->t, "step", 0x10000 * (w->number + 1) + n);
    e.step.source = SW_NULL_INT;
    if (!e.step.created_at.known) { /* when it is recorded depends on the other threads */
        e.step.created_at = sw_int_of(LT_TIME);
    }
    e.step.total_tokens = SW_NULL_INT;
    e.step.reasoning_tokens = e.step.cached_input_tokens = e.step.cache_write_tokens = SW_NULL_INT;
    e.step.run_id = lt_id(&w->t, "run", lt_below(&w->rng, RUNS));
    return e;
}

static void keep(worker *w, sw_str id, const sw_step_entry *entry, bool is_end, bool is_delete,
                 const sw_actor *actor)
{
    const sw_step_entry none = {.lease_seconds = 0};
    if (w->done_count < DONE_MAX) {
        w->done[w->done_count++] = (done){id, entry ? *entry : none, is_end, is_delete, actor};
    }
}

static void one_step(worker *w, unsigned n)
{
    const sw_actor *actor = w->number % 2 ? &w->t.b : &w->t.a;
    sw_step_entry e = own_entry(w, n), end;
    sw_outcome o;
    sw_status s = SW_STATUS_OK;
    if (w->number % 2) {
        e.step.run_id = lt_id(&w->t, "run", RUNS + lt_below(&w->rng, RUNS));
    }
    s = sw_step_log(w->t.ledger, actor, &e, 1, false, &o, &w->t.err);
    if (s != SW_STATUS_OK || o.verdict != SW_VERDICT_CREATED) {
        note_failure(w, "log", s, &w->t.err);
        return;
    }
    keep(w, e.step.id, &e, false, false, actor);
    if (e.step.status.value == SW_STEP_STATUS_PENDING && !lt_one_in(&w->rng, 4)) {
        end = chance_end(&w->t, &w->rng);
        end.step.total_tokens = SW_NULL_INT;
        end.step.reasoning_tokens = end.step.cached_input_tokens = SW_NULL_INT;
        end.step.cache_write_tokens = SW_NULL_INT;
        s = sw_step_end(w->t.ledger, actor, e.step.id, &end, &o, &w->t.err);
        if (s != SW_STATUS_OK || o.verdict != SW_VERDICT_UPDATED) {
            note_failure(w, "end", s, &w->t.err);
        }
        keep(w, e.step.id, &end, true, false, actor);
    }
    if (lt_one_in(&w->rng, 12)) {
        s = sw_step_delete(w->t.ledger, actor, e.step.id, &o, &w->t.err);
        if (s != SW_STATUS_OK) {
            note_failure(w, "delete", s, &w->t.err);
        }
        keep(w, e.step.id, NULL, false, true, actor);
    }
}

static void *work(void *arg)
{
    worker *w = arg;
    for (unsigned n = 0; n < w->count && !w->failure[0]; n++) {
        one_step(w, n);
    }
    return NULL;
}

static void start_workers(lt *t, worker *workers, lt_rng *rng, int64_t count)
{
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].t = *t;
        workers[i].t.pool = pool_new();
        workers[i].number = i;
        workers[i].count = count;
        workers[i].rng = (lt_rng){lt_next(rng)};
        workers[i].done = calloc(DONE_MAX, sizeof *workers[i].done);
        assert_non_null(workers[i].done);
    }
}

static void join_all(pthread_t *threads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void setup_runs(lt *t, naive *n)
{
    for (unsigned i = 0; i < 2; i++) {
        const sw_actor *actor = i ? &t->b : &t->a;
        sw_agent agent = {.id = lt_id(t, "agent", i), .name = SW_STR("agent")};
        sw_outcome o;
        OK(sw_record_create(t->ledger, actor, SW_RECORD_AGENT, &agent, &o, &t->err));
        naive_agent_create(n, actor, &agent);
        for (unsigned k = 0; k < RUNS; k++) {
            sw_run run = {.id = lt_id(t, "run", i * RUNS + k), .agent_id = agent.id};
            run.created_at = sw_int_of(LT_TIME);
            OK(sw_run_create(t->ledger, actor, &run, &o, &t->err));
            naive_run_create(n, actor, &run, 0);
        }
    }
}

static void tell_naive(naive *n, const worker *w)
{
    for (size_t i = 0; i < w->done_count; i++) {
        const done *d = &w->done[i];
        nv_answer a = d->is_delete ? naive_delete(n, d->actor, d->id)
                      : d->is_end
                          ? naive_end(n, d->actor, d->id, &d->entry, NULL)
                          : naive_log(n, d->actor, &d->entry, d->id, w->t.wall, NULL, false);
        assert_true(a.verdict <= SW_VERDICT_UPDATED);
    }
}

static void threads_with_steps_of_their_own(lt *t)
{
    worker *workers = calloc(THREADS, sizeof *workers);
    pthread_t threads[THREADS];
    lt_rng rng = lt_seed(t->store);
    naive *n = naive_new();
    setup_runs(t, n);
    start_workers(t, workers, &rng, lt_level(20, 150, 2000));
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    join_all(threads, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        if (workers[i].failure[0]) {
            SAY("thread %zu: %s", i, workers[i].failure);
        }
        tell_naive(n, &workers[i]);
    }
    compare_all(t, n, &rng);
    CLEAN();
    for (size_t i = 0; i < THREADS; i++) {
        pool_free(&workers[i].t.pool);
        free(workers[i].done);
    }
    free(workers);
    naive_free(&n);
}

/* ---- the same steps for all --------------------------------------------------------------------- */

enum { CONTESTED_MAX = 2000 };

typedef struct racer {
    lt *t;
    unsigned number;
    unsigned steps;
    pthread_barrier_t *start;
    const sw_str *ids;
    sw_outcome *outcomes;
    sw_status *statuses;
} racer;

/* Threads 0 and 1 send the same end; each of the others its own. */
static sw_step_entry end_of(const racer *r)
{
    sw_step_entry e = {0};
    unsigned kind = r->number < 2 ? 0 : r->number;
    e.step.status = sw_int_of(1 + kind % 3);
    e.step.prompt_tokens = sw_int_of(100 + kind);
    e.step.completion_tokens = sw_int_of(1);
    return e;
}

static void *race(void *arg)
{
    racer *r = arg;
    sw_step_entry e = end_of(r);
    sw_error err;
    for (unsigned i = 0; i < r->steps; i++) {
        pthread_barrier_wait(r->start);
        r->statuses[i] = sw_step_end(r->t->ledger, &r->t->a, r->ids[i], &e, &r->outcomes[i], &err);
    }
    return NULL;
}

static void check_race(lt *t, const racer *racers, unsigned i)
{
    sw_step row = lt_get(t, &t->a, racers[0].ids[i]);
    int winner = -1;
    for (int k = 0; k < THREADS; k++) {
        if (racers[k].outcomes[i].verdict == SW_VERDICT_UPDATED) {
            if (winner >= 0) {
                SAY("step %u was ended by threads %d and %d", i, winner, k);
            }
            winner = k;
        }
    }
    CHECK(winner >= 0);
    for (int k = 0; k < THREADS; k++) {
        sw_verdict want = k == winner           ? SW_VERDICT_UPDATED
                          : winner < 2 && k < 2 ? SW_VERDICT_UNCHANGED
                                                : SW_VERDICT_CONFLICT;
        lt_check_outcome(racers[k].outcomes[i], want, __FILE__, __LINE__);
        SAME(racers[k].statuses[i],
             want == SW_VERDICT_CONFLICT ? SW_STATUS_ILLEGAL_MOVE : SW_STATUS_OK);
    }
    SAME(row.prompt_tokens.value, winner < 2 ? 100 : 100 + winner);
    SAME(row.status.value, winner < 2 ? 1 : 1 + winner % 3);
}

static void threads_that_race_to_end_the_same_steps(lt *t)
{
    static racer racers[THREADS];
    static sw_str ids[CONTESTED_MAX];
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    unsigned steps = (unsigned)lt_level(20, 100, 1000);
    int64_t tokens = 0;
    sw_str agent = lt_agent(t, &t->a, 1), run = lt_run(t, &t->a, 1, agent);
    for (unsigned i = 0; i < steps; i++) {
        sw_step s = lt_pending(t, i);
        s.run_id = run;
        lt_log(t, &t->a, &s);
        ids[i] = s.id;
    }
    pthread_barrier_init(&start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        racers[i] = (racer){t,
                            i,
                            steps,
                            &start,
                            ids,
                            pool_alloc(t->pool, steps * sizeof(sw_outcome)),
                            pool_alloc(t->pool, steps * sizeof(sw_status))};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    join_all(threads, THREADS);
    pthread_barrier_destroy(&start);
    for (unsigned i = 0; i < steps; i++) {
        check_race(t, racers, i);
        tokens += lt_get(t, &t->a, ids[i]).total_tokens.value;
    }
    SAME(lt_total(t, &t->a).total_tokens, tokens);
    SAME(lt_run_metrics(t, &t->a, run).total_tokens.value, tokens);
    SAME(lt_run_metrics(t, &t->a, run).num_steps.value, steps);
    CLEAN();
}

/* ---- the same id for all ------------------------------------------------------------------------ */

static void *create_same(void *arg)
{
    racer *r = arg;
    sw_error err;
    for (unsigned i = 0; i < r->steps; i++) {
        sw_step_entry e = {.step = {.id = r->ids[i]}};
        e.step.status = sw_int_of(SW_STEP_STATUS_SUCCESS);
        e.step.prompt_tokens = sw_int_of(1);
        e.step.completion_tokens = sw_int_of(1);
        pthread_barrier_wait(r->start);
        r->statuses[i] = sw_step_log(r->t->ledger, &r->t->a, &e, 1, false, &r->outcomes[i], &err);
    }
    return NULL;
}

static void threads_that_create_the_same_steps(lt *t)
{
    static racer racers[THREADS];
    static sw_str ids[CONTESTED_MAX];
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    unsigned steps = (unsigned)lt_level(20, 100, 1000);
    for (unsigned i = 0; i < steps; i++) {
        ids[i] = lt_id(t, "step", i);
    }
    pthread_barrier_init(&start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        racers[i] = (racer){t,
                            i,
                            steps,
                            &start,
                            ids,
                            pool_alloc(t->pool, steps * sizeof(sw_outcome)),
                            pool_alloc(t->pool, steps * sizeof(sw_status))};
        assert_int_equal(pthread_create(&threads[i], NULL, create_same, &racers[i]), 0);
    }
    join_all(threads, THREADS);
    pthread_barrier_destroy(&start);
    for (unsigned i = 0; i < steps; i++) {
        int created = 0;
        for (int k = 0; k < THREADS; k++) {
            SAME(racers[k].statuses[i], SW_STATUS_OK);
            created += racers[k].outcomes[i].verdict == SW_VERDICT_CREATED;
            CHECK(racers[k].outcomes[i].verdict == SW_VERDICT_CREATED ||
                  racers[k].outcomes[i].verdict == SW_VERDICT_UNCHANGED);
        }
        SAME(created, 1);
    }
    SAME(lt_total(t, &t->a).num_steps, steps);
    SAME(lt_total(t, &t->a).total_tokens, 2 * (int64_t)steps);
    CLEAN();
}

static const lt_case cases[] = {
    {"threads with steps of their own", threads_with_steps_of_their_own, LT_CLOCK},
    {"threads that race to end the same steps", threads_that_race_to_end_the_same_steps, 0},
    {"threads that create the same steps", threads_that_create_the_same_steps, 0},
};

LT_MAIN("threads", cases)
