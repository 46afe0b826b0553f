/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 at any moment. A child writes with several threads and tells through a pipe what the ledger has
 * acknowledged; the parent kills it, opens the store, and finds: everything acknowledged is there, nothing
 * is half there, verify is clean, and the ledger takes new writes. Also with two processes on one store.
 */
#include "ledger/telemetry.h"
#include "tests/lib/lt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 3, CHILDREN_MAX = 2, ACKS_MAX = 6000, BATCH = 3 };

/* What was acknowledged: of child c, thread t, turn n. */
typedef struct ack {
    uint8_t child, thread;
    char what; /* L logged, E ended, B a batch */
    uint8_t unused;
    uint32_t turn;
} ack;

static unsigned number_of(const ack *a, unsigned item)
{
    return (unsigned)a->child << 28 | (unsigned)a->thread << 24 | a->turn << 2 | item;
}

/* ---- the child ---------------------------------------------------------------------------------- */

typedef struct child_thread {
    lt t;
    ack next;
    int pipe;
} child_thread;

static void tell(child_thread *c, char what)
{
    ack a = c->next;
    a.what = what;
    if (write(c->pipe, &a, sizeof a) != (ssize_t)sizeof a) {
        _exit(3);
    }
}

/* A pending step with timings and a message, which is then ended. */
static bool log_and_end(child_thread *c)
{
    lt *t = &c->t;
    unsigned n = number_of(&c->next, 0);
    sw_step_metrics m = {.step_ns = sw_int_of(n)};
    sw_message message = lt_message(t, n, "hold on");
    sw_step_entry e = {
        .step = lt_pending(t, n), .metrics = &m, .messages = &message, .message_count = 1};
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    sw_outcome o;
    end.step.prompt_tokens = end.step.completion_tokens = sw_int_of(1);
    if (sw_step_log(t->ledger, &t->a, &e, 1, false, &o, &t->err) != SW_STATUS_OK) {
        return false;
    }
    tell(c, 'L');
    if (sw_step_end(t->ledger, &t->a, e.step.id, &end, &o, &t->err) != SW_STATUS_OK) {
        return false;
    }
    tell(c, 'E');
    return true;
}

/* The same as telemetry: with a raw item and what each step was sent. */
static bool log_telemetry(child_thread *c, const sw_step_entry *e)
{
    lt *t = &c->t;
    unsigned n = number_of(&c->next, 1);
    sw_message said[BATCH];
    sw_telemetry_step steps[BATCH];
    sw_outcome o[BATCH];
    sw_raw_source source = {.digest = SW_STR("0123456789abcdef"), .body = SW_STR("resource")};
    sw_raw_item item = {.unit = pool_printf(t->pool, "unit %011u", n),
                        .item = SW_STR("01234567"),
                        .source_digest = source.digest,
                        .body = SW_STR("body")};
    sw_telemetry_batch b = {.sources = &source,
                            .source_count = 1,
                            .items = &item,
                            .item_count = 1,
                            .steps = steps,
                            .step_count = BATCH,
                            .outcomes = o};
    for (unsigned i = 0; i < BATCH; i++) {
        said[i] = lt_message(t, n + i, pool_printf(t->pool, "said %u", i).ptr);
        said[i].id = SW_NULL_STR;
        steps[i] = (sw_telemetry_step){.entry = e[i], .input = said, .input_count = i + 1};
        steps[i].entry.step.source = sw_int_of(SW_SOURCE_OTLP);
        steps[i].entry.step.conversation_id = pool_printf(t->pool, "session %u", c->next.thread);
    }
    if (sw_telemetry_write(t->ledger, &t->a, &b, &t->err) != SW_STATUS_OK) {
        return false;
    }
    tell(c, 'B');
    return true;
}

/* All or nothing. */
static bool log_batch(child_thread *c)
{
    lt *t = &c->t;
    sw_step_entry e[BATCH];
    sw_outcome o[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        e[i] = (sw_step_entry){.step = lt_step(t, number_of(&c->next, 1 + i))};
    }
    if (c->next.turn % 2) {
        return log_telemetry(c, e);
    }
    if (sw_step_log(t->ledger, &t->a, e, BATCH, true, o, &t->err) != SW_STATUS_OK) {
        return false;
    }
    tell(c, 'B');
    return true;
}

static void *child_work(void *arg)
{
    child_thread *c = arg;
    for (c->next.turn = 0; c->next.turn < 1u << 20; c->next.turn++) {
        if (!log_and_end(c) || !log_batch(c)) {
            fprintf(stderr, "child: %s: %s\n", status_name(c->t.err.status), c->t.err.message);
            _exit(4);
        }
    }
    return NULL;
}

static void child_main(lt *t, int pipe, unsigned number)
{
    child_thread threads[THREADS];
    pthread_t ids[THREADS];
    sw_outcome o;
    if (lt_try_open(t) != SW_STATUS_OK) {
        fprintf(stderr, "child: open: %s: %s\n", status_name(t->err.status), t->err.message);
        _exit(5);
    }
    for (unsigned i = 0xa; i <= 0xb; i++) {
        sw_organization org = {.id = lt_id(t, "org", i), .created_at = sw_int_of(LT_TIME)};
        org.name = pool_printf(t->pool, "organization %u", i);
        if (sw_record_create(t->ledger, &t->operator_, SW_RECORD_ORGANIZATION, &org, &o, &t->err) !=
            SW_STATUS_OK) {
            fprintf(stderr, "child: %s\n", t->err.message);
            _exit(6);
        }
    }
    if (sw_record_create(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION,
                         &(sw_subscription){.id = lt_id(t, "sub", 1),
                                            .url = SW_STR("https://example.org/"),
                                            .events = SW_STR("[\"step.completed\"]")},
                         &o, &t->err) != SW_STATUS_OK) {
        fprintf(stderr, "child: %s\n", t->err.message);
        _exit(8);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (child_thread){.t = *t, .pipe = pipe};
        threads[i].t.pool = pool_new();
        threads[i].next.child = (uint8_t)number;
        threads[i].next.thread = (uint8_t)i;
        if (pthread_create(&ids[i], NULL, child_work, &threads[i]) != 0) {
            _exit(7);
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
    }
    _exit(0);
}

/* ---- the parent --------------------------------------------------------------------------------- */

static void spin(unsigned microseconds)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 <
             (long)microseconds);
}

static size_t read_acks(int from, ack *acks, size_t count, size_t until)
{
    while (count < until && count < ACKS_MAX) {
        ssize_t got = read(from, &acks[count], sizeof *acks);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got != (ssize_t)sizeof *acks) {
            break;
        }
        count++;
    }
    return count;
}

/* Starts the children, kills them after so many acknowledgements, answers all that came. */
static size_t run_and_kill(lt *t, unsigned children, size_t until, unsigned later, ack *acks)
{
    pid_t ids[CHILDREN_MAX];
    int ends[2], status = 0;
    size_t count = 0;
    assert_int_equal(pipe(ends), 0);
    for (unsigned i = 0; i < children; i++) {
        ids[i] = fork();
        assert_true(ids[i] >= 0);
        if (ids[i] == 0) {
            close(ends[0]);
            child_main(t, ends[1], i);
        }
    }
    close(ends[1]);
    count = read_acks(ends[0], acks, 0, until);
    spin(later);
    for (unsigned i = 0; i < children; i++) {
        kill(ids[i], SIGKILL);
    }
    for (unsigned i = 0; i < children; i++) {
        assert_int_equal(waitpid(ids[i], &status, 0), ids[i]);
        if (!WIFSIGNALED(status)) {
            SAY("child %u ended by itself with %d", i, WEXITSTATUS(status));
        }
    }
    count = read_acks(ends[0], acks, count, ACKS_MAX);
    close(ends[0]);
    return count;
}

static void check_acks(lt *t, const ack *acks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sw_step s;
        if (acks[i].what == 'B') {
            for (unsigned k = 0; k < BATCH; k++) {
                if (!lt_there(t, &t->a, SW_RECORD_STEP,
                              lt_id(t, "step", number_of(&acks[i], 1 + k)))) {
                    SAY("acknowledged batch %u of thread %u is lost", acks[i].turn, acks[i].thread);
                }
            }
            continue;
        }
        if (!lt_there(t, &t->a, SW_RECORD_STEP, lt_id(t, "step", number_of(&acks[i], 0)))) {
            SAY("acknowledged step %u of thread %u is lost", acks[i].turn, acks[i].thread);
        }
        s = lt_get(t, &t->a, lt_id(t, "step", number_of(&acks[i], 0)));
        if (acks[i].what == 'E') {
            SAME(s.status.value, SW_STEP_STATUS_SUCCESS);
            SAME(s.total_tokens.value, 2);
        }
    }
}

/* Whoever is there is whole: a logged step with what came with it, a batch with all its items. */
static void check_nothing_is_half(lt *t)
{
    lt_rows rows = lt_list(t, &t->a, SW_RECORD_STEP, NULL);
    for (size_t i = 0; i < rows.count; i++) {
        const sw_step *s = rows.at[i];
        unsigned n = (unsigned)strtoul(s->id.ptr + 5, NULL, 16), first = n & ~3u;
        if ((n & 3) == 0) {
            CHECK(lt_there(t, &t->a, SW_RECORD_STEP_METRICS, s->id));
            CHECK(lt_there(t, &t->a, SW_RECORD_MESSAGE, lt_id(t, "message", n)));
            CHECK((s->status.value == SW_STEP_STATUS_PENDING) == (s->lease_expires_at.known != 0));
            continue;
        }
        for (unsigned k = 1; k <= BATCH; k++) {
            if (!lt_there(t, &t->a, SW_RECORD_STEP, lt_id(t, "step", first + k))) {
                SAY("of a batch only some items are there");
            }
        }
    }
}

static int by_record(const void *a, const void *b)
{
    const sw_delivery *x = *(const void *const *)a, *y = *(const void *const *)b;
    return memcmp(x->record_id.ptr, y->record_id.ptr, x->record_id.len);
}

/* Each step that ended is told of once, whatever happened between: no delivery is lost, none is doubled. */
static void check_each_end_is_told_once(lt *t)
{
    sw_list_query all = {.limit = -1};
    lt_rows told = lt_list(t, &t->a, SW_RECORD_DELIVERY, &all);
    sw_value pending = {.number = SW_STEP_STATUS_PENDING};
    sw_condition ended = {SW_STEP_STATUS, SW_OP_NE, &pending, 1};
    sw_list_query of_ended = lt_where(&ended, 1);
    of_ended.limit = -1;
    SAME(told.count, lt_list(t, &t->a, SW_RECORD_STEP, &of_ended).count);
    if (told.count > 0) {
        qsort(told.at, told.count, sizeof *told.at, by_record);
    }
    for (size_t i = 0; i < told.count; i++) {
        const sw_delivery *d = told.at[i];
        CHECK(i == 0 || by_record(&told.at[i - 1], &told.at[i]) != 0);
        CHECK(lt_get(t, &t->a, d->record_id).status.value != SW_STEP_STATUS_PENDING);
    }
}

static void once(lt *t, unsigned children, size_t until, unsigned later)
{
    static ack acks[ACKS_MAX];
    sw_step more = lt_step(t, 0xffffff00);
    size_t count = run_and_kill(t, children, until, later, acks);
    lt_open(t);
    CLEAN();
    check_acks(t, acks, count);
    check_nothing_is_half(t);
    check_each_end_is_told_once(t);
    lt_organizations(t);
    lt_log(t, &t->a, &more);
    CLEAN();
    lt_close(t);
}

static void many_times(lt *t, unsigned children, int64_t times)
{
    lt_rng rng = lt_seed(t->store);
    pool *keep = t->pool;
    for (int64_t i = 0; i < times; i++) {
        lt_next_store(t, i);
        t->pool = pool_new();
        sw_memory_reset(t->memory);
        once(t, children, i % 8 == 0 ? 0 : 1 + lt_below(&rng, 150),
             lt_below(&rng, i % 8 == 0 ? 30000 : 3000));
        pool_free(&t->pool);
    }
    t->pool = keep;
}

static void a_killed_process_loses_nothing_acknowledged(lt *t)
{
    many_times(t, 1, lt_level(2, 10, 200));
}

static void two_killed_processes_lose_nothing_acknowledged(lt *t)
{
    many_times(t, 2, lt_level(2, 10, 200));
}

static const lt_case cases[] = {
    {"a killed process loses nothing acknowledged", a_killed_process_loses_nothing_acknowledged,
     LT_KEEPS | LT_CLOSED},
    {"two killed processes lose nothing acknowledged",
     two_killed_processes_lose_nothing_acknowledged, LT_KEEPS | LT_CLOSED},
};

LT_MAIN("crash", cases)
