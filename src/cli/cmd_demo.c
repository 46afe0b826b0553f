/* SPDX-License-Identifier: Apache-2.0 */
/* demo: writes the demo workload into the ledger. One thread follows each organization's stream, so
 * that their writes share commits while the order within an organization, and with it every journal
 * number, stays the same each time.
 *
 * What is there already is left as it is: steps and runs of the same workload are `unchanged`.
 */
#include "cli/cli.h"
#include "cli/demo.h"

#include <stdatomic.h>
#include <time.h>

enum { BATCH = 500, LOOK_MS = 100 };

typedef struct fill {
    sw_cli *cli;
    sw_demo *demo;
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a worker is done */
    size_t running;
    atomic_bool stop;
    atomic_llong steps; /* logged so far */
} fill;

/* A run's end waits until the run's steps are written. */
typedef struct run_end {
    sw_run run;
    uint64_t fields;
} run_end;

typedef struct worker {
    fill *all;
    size_t organization;
    pthread_t thread;
    sw_actor actor;
    sw_arena arena; /* of the batch */
    sw_step_entry *entries;
    sw_outcome *outcomes;
    size_t entry_count;
    run_end *ends;
    size_t end_count;
    int64_t runs;
    int64_t created;
    int64_t unchanged;
    sw_status status;
    sw_error error;
} worker;

/* ---- writing --------------------------------------------------------------------------------- */

/* A record of the world may have moved on since an earlier demo (an agent remembers its last run):
 * that it is there is enough.
 */
static bool write_world(void *arg, sw_record_id record, const void *row)
{
    worker *w = arg;
    sw_outcome outcome = {0};
    w->status = sw_record_create(w->all->cli->ledger, &w->actor, record, row, &outcome, &w->error);
    if (w->status == SW_STATUS_CONFLICT && outcome.verdict == SW_VERDICT_CONFLICT) {
        w->status = SW_STATUS_OK;
    }
    return w->status == SW_STATUS_OK;
}

static sw_status refused(worker *w, const sw_outcome *outcome)
{
    w->error = outcome->error;
    return outcome->status != SW_STATUS_OK ? outcome->status : SW_STATUS_INTERNAL;
}

static sw_status write_steps(worker *w)
{
    if (w->entry_count == 0) {
        return SW_STATUS_OK;
    }
    sw_status status = sw_step_log(w->all->cli->ledger, &w->actor, w->entries, w->entry_count,
                                   false, w->outcomes, &w->error);
    for (size_t i = 0; i < w->entry_count && status == SW_STATUS_OK; i++) {
        switch (w->outcomes[i].verdict) {
        case SW_VERDICT_CREATED:
        case SW_VERDICT_UPDATED:
            w->created++;
            break;
        case SW_VERDICT_UNCHANGED:
            w->unchanged++;
            break;
        case SW_VERDICT_CONFLICT:
        case SW_VERDICT_REJECTED:
            status = refused(w, &w->outcomes[i]);
            break;
        }
    }
    atomic_fetch_add(&w->all->steps, (long long)w->entry_count);
    w->entry_count = 0;
    return status;
}

static sw_status flush(worker *w)
{
    sw_outcome outcome;
    sw_status status = write_steps(w);
    for (size_t i = 0; i < w->end_count && status == SW_STATUS_OK; i++) {
        const run_end *end = &w->ends[i];
        status = sw_run_update(w->all->cli->ledger, &w->actor, end->run.id, &end->run, end->fields,
                               &outcome, &w->error);
    }
    w->end_count = 0;
    sw_arena_reset(&w->arena);
    return status;
}

static sw_status write_event(worker *w, const sw_demo_event *event)
{
    sw_ledger *ledger = w->all->cli->ledger;
    sw_outcome outcome;
    switch (event->what) {
    case SW_DEMO_CONVERSATION:
        return write_world(w, SW_RECORD_CONVERSATION, &event->conversation) ? SW_STATUS_OK
                                                                            : w->status;
    case SW_DEMO_RUN:
        w->runs++;
        return sw_run_create(ledger, &w->actor, &event->run, &outcome, &w->error);
    case SW_DEMO_STEP:
        w->entries[w->entry_count++] = event->entry;
        break;
    case SW_DEMO_RUN_END:
        w->ends[w->end_count++] = (run_end){event->run, event->run_fields};
        break;
    case SW_DEMO_OVER:
        return flush(w);
    }
    return w->entry_count == BATCH || w->end_count == BATCH ? flush(w) : SW_STATUS_OK;
}

static sw_status follow(worker *w, sw_demo_stream *stream)
{
    sw_demo_event event = {.what = SW_DEMO_RUN};
    sw_status status = SW_STATUS_OK;
    while (status == SW_STATUS_OK && event.what != SW_DEMO_OVER && !atomic_load(&w->all->stop)) {
        status = sw_demo_next(stream, &w->arena, &event);
        if (status == SW_STATUS_OK) {
            status = write_event(w, &event);
        } else {
            (void)sw_no_memory(&w->error);
        }
    }
    return status;
}

static sw_status work(worker *w)
{
    sw_demo_stream *stream = NULL;
    if (!sw_demo_world(w->all->demo, w->organization, write_world, w)) {
        return w->status;
    }
    w->entries = sw_alloc(&sw__libc_allocator, BATCH * sizeof *w->entries);
    w->outcomes = sw_alloc(&sw__libc_allocator, BATCH * sizeof *w->outcomes);
    w->ends = sw_alloc(&sw__libc_allocator, BATCH * sizeof *w->ends);
    sw_status status = w->entries && w->outcomes && w->ends
                           ? sw_demo_stream_new(w->all->demo, w->organization, &stream)
                           : SW_STATUS_NO_MEMORY;
    status = status == SW_STATUS_OK ? follow(w, stream) : sw_no_memory(&w->error);
    sw_demo_stream_free(&stream);
    sw_free(&sw__libc_allocator, w->entries);
    sw_free(&sw__libc_allocator, w->outcomes);
    sw_free(&sw__libc_allocator, w->ends);
    return status;
}

static void *run_worker(void *arg)
{
    worker *w = arg;
    sw_arena_init(&w->arena, &sw__libc_allocator, 0);
    w->status = work(w);
    sw_arena_fini(&w->arena);
    if (w->status != SW_STATUS_OK) {
        atomic_store(&w->all->stop, true);
    }
    pthread_mutex_lock(&w->all->lock);
    w->all->running--;
    pthread_cond_signal(&w->all->ended);
    pthread_mutex_unlock(&w->all->lock);
    return NULL;
}

/* ---- watching -------------------------------------------------------------------------------- */

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

/* Shows how far it is until every worker has ended. */
static void watch(fill *all, sw_progress *progress, int64_t total)
{
    pthread_mutex_lock(&all->lock);
    while (all->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&all->ended, &all->lock, &until);
        sw_progress_show(progress, atomic_load(&all->steps), total, mono_us());
    }
    pthread_mutex_unlock(&all->lock);
    sw_progress_done(progress);
}

static void start(fill *all, worker *workers)
{
    for (size_t i = 0; i < SW_DEMO_ORGANIZATIONS; i++) {
        worker *w = &workers[i];
        *w = (worker){.all = all, .organization = i, .actor = sw_demo_actor(all->demo, i)};
        pthread_mutex_lock(&all->lock);
        all->running++;
        pthread_mutex_unlock(&all->lock);
        int failed = pthread_create(&w->thread, NULL, run_worker, w);
        if (failed) {
            /* Without a thread of its own the work is done here. */
            w->thread = pthread_self();
            run_worker(w);
        }
    }
}

/* The first worker that failed says why. */
static sw_status finish(sw_cli *cli, worker *workers)
{
    sw_status status = SW_STATUS_OK;
    for (size_t i = 0; i < SW_DEMO_ORGANIZATIONS; i++) {
        if (!pthread_equal(workers[i].thread, pthread_self())) {
            pthread_join(workers[i].thread, NULL);
        }
        if (status == SW_STATUS_OK && workers[i].status != SW_STATUS_OK) {
            status = workers[i].status;
            cli->error = workers[i].error;
        }
    }
    return status;
}

/* ---- the answer ------------------------------------------------------------------------------ */

typedef struct result {
    int64_t runs;
    int64_t created;
    int64_t unchanged;
    int64_t passed_us;
} result;

static int64_t rate_of(const result *r)
{
    int64_t steps = r->created + r->unchanged;
    return (int64_t)((double)steps * 1e6 / (double)(r->passed_us > 0 ? r->passed_us : 1));
}

static void print_text(sw_cli *cli, const result *r)
{
    sw_arena *arena = &cli->arena;
    sw_str there = r->unchanged > 0
                       ? sw_arena_printf(arena, "; %s were there already",
                                         sw_text_or_blank(sw_show_count(arena, r->unchanged)))
                       : SW_STR("");
    fprintf(cli->out, "%s steps in %s runs of %d organizations written in %s (%s steps/s)%s.\n",
            sw_text_or_blank(sw_show_count(arena, r->created)),
            sw_text_or_blank(sw_show_count(arena, r->runs)), SW_DEMO_ORGANIZATIONS,
            sw_text_or_blank(sw_show_duration(arena, r->passed_us * 1000)),
            sw_text_or_blank(sw_show_count(arena, rate_of(r))), sw_text_or_blank(there));
}

static sw_status print_json(sw_cli *cli, const result *r)
{
    const struct {
        const char *key;
        int64_t value;
    } counts[] = {{"organizations", SW_DEMO_ORGANIZATIONS},
                  {"runs", r->runs},
                  {"created", r->created},
                  {"unchanged", r->unchanged},
                  {"elapsed_us", r->passed_us},
                  {"steps_per_second", rate_of(r)}};
    sw_cli_json json;
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        sw_cli_json_int(&json, counts[i].key, true, counts[i].value);
    }
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

static sw_status write_demo(sw_cli *cli, sw_demo *demo, int64_t steps, result *out)
{
    worker workers[SW_DEMO_ORGANIZATIONS];
    sw_progress progress;
    fill all = {.cli = cli,
                .demo = demo,
                .lock = PTHREAD_MUTEX_INITIALIZER,
                .ended = PTHREAD_COND_INITIALIZER};
    int64_t begun_us = mono_us();
    sw_progress_init(&progress, cli->err, "steps", begun_us);
    start(&all, workers);
    watch(&all, &progress, steps);
    sw_status status = finish(cli, workers);
    *out = (result){.passed_us = mono_us() - begun_us};
    for (size_t i = 0; i < SW_DEMO_ORGANIZATIONS; i++) {
        out->runs += workers[i].runs;
        out->created += workers[i].created;
        out->unchanged += workers[i].unchanged;
    }
    return status;
}

int sw_cli_demo(sw_cli *cli)
{
    sw_demo *demo = NULL;
    result r = {0};
    sw_demo_options options = {.seed = (uint64_t)sw_cli_count(cli, SW_OPTION_SEED),
                               .steps = sw_cli_count(cli, SW_OPTION_STEPS),
                               .until_us = sw_cli_time(cli, SW_OPTION_END).value};
    sw_status status = sw_cli_open(cli, true);
    if (status == SW_STATUS_OK) {
        status = sw_demo_new(&options, NULL, &demo);
    }
    if (status == SW_STATUS_OK) {
        status = write_demo(cli, demo, options.steps, &r);
    }
    sw_demo_free(&demo);
    if (status == SW_STATUS_OK && sw_cli_is_data(cli)) {
        status = print_json(cli, &r);
    } else if (status == SW_STATUS_OK) {
        print_text(cli, &r);
    }
    return status == SW_STATUS_OK ? sw_cli_finish(cli)
                                  : sw_cli_fail(cli, status, sw_cli_advice(status));
}
