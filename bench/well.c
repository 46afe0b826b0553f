/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's side of every comparison: a ledger of its own, the records that steps refer to, and the
 * same rows as the bare loop handed over as steps. Uses the public header only, as any program would.
 *
 * A call to the ledger is made by one actor, so a batch holds steps of one organization; the rows of
 * both sides come in that order where batches are compared.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

enum { THREADS = 128 }; /* to create records that are not measured: many share a commit */

sw_actor bench_actor(const bench_names *names, int organization, int user)
{
    return (sw_actor){.organization_id = sw_str_from(names->organization[organization]),
                      .user_id = sw_str_from(names->user[user])};
}

/* ---- the records that steps refer to ------------------------------------------------------------ */

static void create(bench_well *well, int organization, sw_record_id record, const void *row)
{
    sw_error err = {0};
    sw_outcome outcome;
    sw_actor actor = {0};
    if (record != SW_RECORD_ORGANIZATION) {
        actor.organization_id = sw_str_from(well->rows.names->organization[organization]);
    }
    bench_need(sw_record_create(well->ledger, &actor, record, row, &outcome, &err), &err,
               "create a record");
}

static void create_organization(void *arg, int64_t i)
{
    bench_well *well = arg;
    sw_organization row = {.id = sw_str_from(well->rows.names->organization[i]),
                           .name = SW_STR("one of a hundred")};
    create(well, (int)i, SW_RECORD_ORGANIZATION, &row);
}

static void create_user(void *arg, int64_t i)
{
    bench_well *well = arg;
    sw_user row = {.id = sw_str_from(well->rows.names->user[i]), .name = SW_STR("a user")};
    create(well, (int)(i % BENCH_ORGANIZATIONS), SW_RECORD_USER, &row);
}

static void create_agent(void *arg, int64_t i)
{
    bench_well *well = arg;
    char name[32];
    snprintf(name, sizeof name, "agent %d", (int)i);
    sw_agent row = {.id = sw_str_from(well->rows.names->agent[i]), .name = sw_str_from(name)};
    create(well, (int)(i % BENCH_ORGANIZATIONS), SW_RECORD_AGENT, &row);
}

static void create_provider(void *arg, int64_t i)
{
    bench_well *well = arg;
    char name[32];
    int organization = (int)(i / BENCH_PROVIDERS);
    int number = (int)(i % BENCH_PROVIDERS);
    snprintf(name, sizeof name, "provider %d", number);
    sw_provider row = {.id = sw_str_from(well->rows.names->provider[organization][number]),
                       .name = sw_str_from(name)};
    create(well, organization, SW_RECORD_PROVIDER, &row);
}

/* ---- opening and closing ------------------------------------------------------------------------ */

static void open_ledger(bench_well *well)
{
    char store[4200];
    sw_error err = {0};
    snprintf(store, sizeof store, "%s%s",
             well->url ? "" : "sqlite:", well->url ? well->url : well->path);
    sw_ledger_options options = {
        .store = store, .cache_bytes = BENCH_CACHE_BYTES, .reader_cache_bytes = BENCH_CACHE_BYTES};
    bench_need(sw_ledger_open(&options, &well->ledger, &err), &err, "open the ledger");
}

static void fill(bench_well *well, const bench *b, bench_order order)
{
    bench_rows_init(&well->rows, &b->names, order);
    well->batch = bench_take(BENCH_BATCH, sizeof *well->batch);
    well->entries = bench_take(BENCH_BATCH, sizeof *well->entries);
    well->outcomes = bench_take(BENCH_BATCH, sizeof *well->outcomes);
    open_ledger(well);
    bench_parallel(THREADS, BENCH_ORGANIZATIONS, create_organization, well);
    bench_parallel(THREADS, BENCH_USERS, create_user, well);
    bench_parallel(THREADS, BENCH_AGENTS, create_agent, well);
    bench_parallel(THREADS, (int64_t)BENCH_ORGANIZATIONS * BENCH_PROVIDERS, create_provider, well);
}

void bench_well_open(bench_well *well, const bench *b, const char *name, bench_order order)
{
    *well = (bench_well){.path = bench_path(name)};
    bench_remove_database(well->path);
    fill(well, b, order);
}

void bench_well_open_url(bench_well *well, const bench *b, const char *url, bench_order order)
{
    *well = (bench_well){.url = url};
    fill(well, b, order);
}

void bench_well_leave(bench_well *well)
{
    sw_ledger_close(&well->ledger);
}

void bench_well_return(bench_well *well)
{
    open_ledger(well);
}

int64_t bench_well_bytes(bench_well *well)
{
    bench_well_leave(well);
    int64_t bytes = bench_file_bytes(well->path);
    bench_well_return(well);
    return bytes;
}

void bench_well_drop(bench_well *well)
{
    sw_ledger_close(&well->ledger);
    free(well->batch);
    free(well->entries);
    free(well->outcomes);
    if (well->path) {
        bench_remove_database(well->path);
    }
    memset(well, 0, sizeof *well);
}

/* ---- runs --------------------------------------------------------------------------------------- */

typedef struct coming_run {
    char id[BENCH_ID];
    int organization;
    int agent;
    int user;
    int64_t created_us;
} coming_run;
typedef struct coming_runs {
    bench_well *well;
    coming_run *runs;
} coming_runs;

static void create_run(void *arg, int64_t i)
{
    coming_runs *coming = arg;
    const coming_run *run = &coming->runs[i];
    const bench_names *names = coming->well->rows.names;
    sw_error err = {0};
    sw_outcome outcome;
    sw_actor actor = bench_actor(names, run->organization, run->user);
    sw_run row = {.id = sw_str_from(run->id),
                  .agent_id = sw_str_from(names->agent[run->agent]),
                  .created_at = sw_int_of(run->created_us)};
    bench_need(sw_run_create(coming->well->ledger, &actor, &row, &outcome, &err), &err,
               "create a run");
}

void bench_well_runs(bench_well *well, int64_t count)
{
    bench_rows ahead = well->rows;
    bench_row row;
    int64_t n = 0;
    coming_runs coming = {well, bench_take((size_t)count, sizeof *coming.runs)};
    for (int64_t i = 0; i < count; i++) {
        bench_rows_next(&ahead, &row);
        if (ahead.run_left == ahead.run_steps - 1) {
            coming_run *run = &coming.runs[n++];
            memcpy(run->id, ahead.run, sizeof run->id);
            run->organization = ahead.organization;
            run->agent = ahead.agent;
            run->user = ahead.user;
            run->created_us = row.created_us;
        }
    }
    bench_parallel(THREADS, n, create_run, &coming);
    free(coming.runs);
}

/* ---- steps -------------------------------------------------------------------------------------- */

/* What the ledger sets by itself (organization, who wrote it, when it changed) is left to it. */
void bench_entry_fill(sw_step_entry *entry, const bench_row *row)
{
    sw_int feedback = row->feedback.ptr ? sw_int_of(SW_FEEDBACK_POSITIVE) : SW_NULL_INT;
    *entry = (sw_step_entry){.lease_seconds =
                                 row->state == SW_STEP_STATUS_PENDING ? SW_LIMIT_LEASE_SECONDS : 0,
                             .step = {.id = row->id,
                                      .origin = row->origin,
                                      .provider_id = row->provider_id,
                                      .run_id = row->run_id,
                                      .agent_id = row->agent_id,
                                      .provider_name = row->provider_name,
                                      .provider_category = row->provider_category,
                                      .model = row->model,
                                      .model_endpoint = row->model_endpoint,
                                      .context_window_limit = sw_int_of(row->context_window_limit),
                                      .completion_tokens = sw_int_of(row->completion_tokens),
                                      .prompt_tokens = sw_int_of(row->prompt_tokens),
                                      .total_tokens = sw_int_of(row->total_tokens),
                                      .completion_tokens_details = row->completion_tokens_details,
                                      .prompt_tokens_details = row->prompt_tokens_details,
                                      .stop_reason = row->stop_reason,
                                      .tags = row->tags,
                                      .trace_id = row->trace_id,
                                      .request_id = row->request_id,
                                      .feedback = feedback,
                                      .error_type = row->error_type,
                                      .error_data = row->error_data,
                                      .status = sw_int_of(row->state),
                                      .project_id = row->project_id,
                                      .created_at = sw_int_of(row->created_us)}};
}

static void need_created(const sw_outcome *outcome)
{
    if (outcome->verdict != SW_VERDICT_CREATED) {
        bench_need(outcome->status, &outcome->error, "log a step");
        bench_die("step %s was there already", outcome->id);
    }
}

static void log_batch(bench_well *well, size_t count)
{
    sw_error err = {0};
    sw_actor actor = {0};
    for (size_t i = 0; i < count; i++) {
        bench_row *row = &well->batch[i];
        bench_rows_next(&well->rows, row);
        bench_entry_fill(&well->entries[i], row);
        if (row->organization != well->batch[0].organization) {
            bench_die("a batch of two organizations");
        }
    }
    actor = bench_actor(well->rows.names, well->batch[0].organization, well->batch[0].user);
    bench_need(sw_step_log(well->ledger, &actor, well->entries, count, false, well->outcomes, &err),
               &err, "log a batch");
    for (size_t i = 0; i < count; i++) {
        need_created(&well->outcomes[i]);
    }
}

/* The clock stops with the last answer. The processor time goes on until the ledger has nothing left to
 * do, so that work put off is not given to the other side.
 */
void bench_well_log(bench_well *well, int64_t count)
{
    bench_lap answered = {0, 0};
    bench_lap settled = {0, 0};
    bench_lap start = bench_start();
    while (count > 0) {
        size_t n = count < BENCH_BATCH ? (size_t)count : BENCH_BATCH;
        log_batch(well, n);
        count -= (int64_t)n;
    }
    bench_stop(&answered, start);
    bench_settle();
    bench_stop(&settled, start);
    well->logged.wall += answered.wall;
    well->logged.cpu += settled.cpu;
}

typedef struct single_steps {
    bench_well *well;
    bench_row *rows;
} single_steps;

static void log_one(void *arg, int64_t i)
{
    single_steps *singles = arg;
    const bench_row *row = &singles->rows[i];
    sw_error err = {0};
    sw_outcome outcome;
    sw_step_entry entry;
    sw_actor actor = bench_actor(singles->well->rows.names, row->organization, row->user);
    bench_entry_fill(&entry, row);
    bench_need(sw_step_log(singles->well->ledger, &actor, &entry, 1, false, &outcome, &err), &err,
               "log a step");
    need_created(&outcome);
}

bench_lap bench_well_log_each(bench_well *well, int64_t count, int threads)
{
    bench_lap answered = {0, 0};
    single_steps singles = {well, bench_take((size_t)count, sizeof *singles.rows)};
    for (int64_t i = 0; i < count; i++) {
        bench_rows_next(&well->rows, &singles.rows[i]);
    }
    bench_lap start = bench_start();
    bench_parallel(threads, count, log_one, &singles);
    bench_stop(&answered, start);
    bench_settle();
    free(singles.rows);
    return answered;
}

void bench_well_fill(bench_well *well, int64_t size, const char *what)
{
    while (well->rows.count < size) {
        int64_t left = size - well->rows.count;
        int64_t n = left < BENCH_SMALL ? left : BENCH_SMALL;
        bench_lap before = well->logged;
        bench_well_runs(well, n);
        bench_well_log(well, n);
        bench_say("  %s: %.1f of %.1f million steps, %.0f steps/s, CPU %.1f us a step", what,
                  (double)well->rows.count / 1e6, (double)size / 1e6,
                  (double)n / (well->logged.wall - before.wall),
                  (well->logged.cpu - before.cpu) / (double)n * 1e6);
    }
}
