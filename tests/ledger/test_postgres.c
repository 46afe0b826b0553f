/* SPDX-License-Identifier: Apache-2.0 */
/* What only a server database can get wrong: several processes on it at once, a server that dies and comes back, a
 * deadlock with somebody else's SQL, and what verify sees when rows are changed behind its back.
 */
#include "store/store.h"
#include "tests/lib/lt.h"
#include "tests/lib/pg.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static bool may_come_again(sw_status status)
{
    return status == SW_STATUS_IO || status == SW_STATUS_BUSY;
}

/* ---- a server that dies ------------------------------------------------------------------------- */

enum { WRITERS = 4, STEPS_MOST = 1 << 20 };

typedef struct writer {
    lt t; /* a copy: with a pool and an error of its own */
    unsigned number;
    atomic_bool *over;
    atomic_uint acknowledged;
    char failure[500];
} writer;

static sw_step own_step(writer *w, unsigned n)
{
    return lt_step(&w->t, w->number << 20 | n);
}

/* Sends each step until it is acknowledged: the same again is no second step. */
static void *write_on(void *arg)
{
    writer *w = arg;
    for (unsigned n = 0; n < STEPS_MOST && !atomic_load(w->over) && !w->failure[0]; n++) {
        sw_step_entry e = {.step = own_step(w, n)};
        sw_outcome o;
        sw_status status = SW_STATUS_IO;
        while (may_come_again(status =
                                  sw_step_log(w->t.ledger, &w->t.a, &e, 1, false, &o, &w->t.err))) {
            pause_ms(1);
        }
        if (status != SW_STATUS_OK) {
            snprintf(w->failure, sizeof w->failure, "%s: %s", status_name(status),
                     w->t.err.message);
        }
        atomic_store(&w->acknowledged, n + 1);
    }
    return NULL;
}

static unsigned acknowledged(writer *writers)
{
    unsigned all = 0;
    for (unsigned i = 0; i < WRITERS; i++) {
        if (writers[i].failure[0]) {
            lt_fail(__FILE__, __LINE__, "%s", writers[i].failure);
        }
        all += atomic_load(&writers[i].acknowledged);
    }
    return all;
}

/* The server dies once so many more steps are acknowledged, at a moment that is another each time. */
static void kill_in_the_middle(writer *writers, lt_rng *rng)
{
    unsigned until = acknowledged(writers) + 1 + (unsigned)lt_below(rng, 200);
    while (acknowledged(writers) < until) {
        pause_ms(1);
    }
    pg_kill();
    pg_return();
}

static void check_what_is_there(lt *t, writer *writers)
{
    unsigned all = acknowledged(writers);
    sw_list_query query = {.limit = -1};
    lt_rows rows = lt_list(t, &t->a, SW_RECORD_STEP, &query);
    SAME(rows.count, all);
    SAME(lt_total(t, &t->a).num_steps, all);
    for (unsigned i = 0; i < WRITERS; i++) {
        for (unsigned n = 0; n < atomic_load(&writers[i].acknowledged); n++) {
            CHECK(lt_there(t, &t->a, SW_RECORD_STEP, own_step(&writers[i], n).id));
        }
    }
}

static void a_server_that_is_killed_loses_nothing(lt *t)
{
    static writer writers[WRITERS];
    pthread_t threads[WRITERS];
    atomic_bool over;
    lt_rng rng = lt_seed(t->store);
    atomic_init(&over, false);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (writer){.t = *t, .number = i + 1, .over = &over};
        writers[i].t.pool = pool_new();
        assert_int_equal(pthread_create(&threads[i], NULL, write_on, &writers[i]), 0);
    }
    for (int64_t i = 0; i < lt_level(2, 5, 50); i++) {
        kill_in_the_middle(writers, &rng);
    }
    atomic_store(&over, true);
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    check_what_is_there(t, writers);
    CLEAN();
    for (unsigned i = 0; i < WRITERS; i++) {
        pool_free(&writers[i].t.pool);
    }
}

/* While there is no server, who writes and who reads is told to come again. */
static void away_is_said(lt *t)
{
    sw_step first = lt_step(t, 1), second = lt_step(t, 2), got;
    sw_step_entry e = {.step = second};
    sw_outcome o;
    lt_log(t, &t->a, &first);
    pg_kill();
    for (int i = 0; i < 3; i++) {
        IS(SW_STATUS_IO, sw_step_log(t->ledger, &t->a, &e, 1, false, &o, &t->err));
        CHECK(sw_status_retryable(o.status));
        IS(SW_STATUS_IO,
           sw_get(t->ledger, &t->a, SW_RECORD_STEP, first.id, t->memory, &got, &t->err));
    }
    pg_return();
    sw_status status = SW_STATUS_IO;
    for (int i = 0; i < 2000 && may_come_again(status); i++) {
        status = sw_step_log(t->ledger, &t->a, &e, 1, false, &o, &t->err);
        pause_ms(status == SW_STATUS_OK ? 0 : 5);
    }
    SAME(status, SW_STATUS_OK);
    VERDICT(o, CREATED);
    CHECK(lt_there(t, &t->a, SW_RECORD_STEP, first.id));
    CLEAN();
}

static sw_seen pass(void *arg, const void *row)
{
    (void)row;
    ++*(size_t *)arg;
    return SW_SEEN_COUNT;
}

/* A connection that was lost while nobody used it is made anew for who reads next; a server that refuses to is away, and
 * nothing for a caller to put right. */
static void lost_while_idle(lt *t)
{
    const sw_scan scan = {.record = SW_RECORD_ORGANIZATION};
    char url[700];
    sw_store *store = NULL;
    sw_session *session = NULL;
    size_t rows = 0;
    pg_blank_url(url, sizeof url);
    const sw_store_options options = {.url = sw_str_from(url)};
    OK(sw_store_open(&options, &store, &t->err));
    OK(sw_session_open(store, SW_SESSION_READ, &session, &t->err));
    OK(sw_store_scan(session, &scan, pass, &rows, NULL, &t->err));
    pg_sql(url,
           "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname ="
           " current_database() AND pid <> pg_backend_pid()",
           NULL, 0);
    OK(sw_store_scan(session, &scan, pass, &rows, NULL, &t->err));
    pg_drop_url(url);
    IS(SW_STATUS_IO, sw_store_scan(session, &scan, pass, &rows, NULL, &t->err));
    TEXT(sw_str_from(t->err.message),
         "the database is away"); /* not where it is, nor who asks it */
    sw_session_close(&session);
    sw_store_close(&store);
}

/* ---- a commit that nobody can speak for --------------------------------------------------------- */

typedef struct stranger {
    const char *url;
    char sql[900];
} stranger;

static void *run_stranger(void *arg)
{
    stranger *s = arg;
    pg_sql(s->url, s->sql, NULL, 0);
    return NULL;
}

/* Asks until the answer is "t". */
static void wait_for(const char *url, const char *question)
{
    char said[8] = "";
    for (int i = 0; i < 60000 && strcmp(said, "t") != 0; i++) {
        pg_sql(url, question, said, sizeof said);
    }
    TEXT(sw_str_from(said), "t");
}

/* The group's connection is lost, and a stranger has the lock of groups before anybody can ask what became of it: that is
 * not BUSY, which would have the group tried again though it may have been kept. */
static void a_commit_of_which_nothing_is_known(lt *t)
{
    static stranger s;
    const sw_store_options options = {.url = sw_str_from(t->url), .busy_ms = 200};
    sw_store *store = NULL;
    sw_session *session = NULL;
    pthread_t thread;
    OK(sw_store_open(&options, &store, &t->err));
    OK(sw_session_open(store, SW_SESSION_WRITE, &session, &t->err));
    OK(sw_session_begin(session, NULL, &t->err));
    s.url = t->url;
    snprintf(
        s.sql, sizeof s.sql,
        "BEGIN; SELECT FROM stepwell_state FOR UPDATE; SELECT pg_advisory_lock(8);"
        "DO $$ BEGIN FOR i IN 1..20000 LOOP IF EXISTS (SELECT FROM pg_class WHERE relname = 'over') THEN EXIT;"
        " END IF; PERFORM pg_sleep(0.001); END LOOP; END $$; COMMIT");
    assert_int_equal(pthread_create(&thread, NULL, run_stranger, &s), 0);
    wait_for(t->url, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)");
    pg_sql(t->url,
           "SELECT pg_terminate_backend(blocker) FROM pg_locks,"
           " unnest(pg_blocking_pids(pid)) AS blocker WHERE NOT granted",
           NULL, 0);
    wait_for(t->url, "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND"
                     " objid = 8 AND granted)");
    IS(SW_STATUS_IO, sw_session_commit(session, &t->err));
    NAMES(&t->err, "nobody can say");
    pg_sql(t->url, "CREATE TABLE over ()", NULL, 0);
    pthread_join(thread, NULL);
    OK(sw_session_begin(session, NULL, &t->err));
    OK(sw_session_commit(session, &t->err));
    sw_session_close(&session);
    sw_store_close(&store);
}

/* ---- several processes -------------------------------------------------------------------------- */

enum { PROCESSES = 4 };

/* One process: steps that begin and end, in runs that all share. */
static void child(lt *t, unsigned number, unsigned steps)
{
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    sw_outcome o;
    t->ledger = NULL;
    if (lt_try_open(t) != SW_STATUS_OK) {
        _exit(2);
    }
    end.step.prompt_tokens = end.step.completion_tokens = sw_int_of(1);
    for (unsigned n = 0; n < steps; n++) {
        sw_step_entry e = {.step = lt_pending(t, number << 20 | n)};
        e.step.run_id = lt_id(t, "run", n % 3);
        if (sw_step_log(t->ledger, &t->a, &e, 1, false, &o, &t->err) != SW_STATUS_OK ||
            sw_step_end(t->ledger, &t->a, e.step.id, &end, &o, &t->err) != SW_STATUS_OK) {
            fprintf(stderr, "child: %s: %s\n", status_name(t->err.status), t->err.message);
            _exit(3);
        }
    }
    sw_ledger_close(&t->ledger);
    _exit(0);
}

/* Follows the journal while they write, and never goes back: what it passed over it would never see. */
static size_t follow(lt *t, const pid_t *ids, size_t *ended)
{
    int64_t seen = 0;
    size_t entries = 0;
    for (bool more = true; more || *ended < PROCESSES;) {
        while (*ended < PROCESSES && waitpid(ids[*ended], NULL, WNOHANG) == ids[*ended]) {
            ++*ended;
        }
        lt_rows page = lt_journal(t, &t->a, seen);
        more = page.count > 0;
        entries += page.count;
        for (size_t i = 0; i < page.count; i++) {
            const sw_journal *entry = page.at[i];
            CHECK(entry->seq.value > seen);
            seen = entry->seq.value;
        }
    }
    return entries;
}

static void four_processes_are_as_one(lt *t)
{
    unsigned steps = (unsigned)lt_level(30, 150, 2000);
    pid_t ids[PROCESSES];
    size_t ended = 0;
    sw_str agent = lt_agent(t, &t->a, 1);
    for (unsigned i = 0; i < 3; i++) {
        lt_run(t, &t->a, i, agent);
    }
    size_t before = lt_journal(t, &t->a, 0).count;
    lt_close(t);
    for (unsigned i = 0; i < PROCESSES; i++) {
        ids[i] = fork();
        assert_true(ids[i] >= 0);
        if (ids[i] == 0) {
            child(t, i + 1, steps);
        }
    }
    lt_open(t);
    size_t entries = follow(t, ids, &ended);
    size_t all = (size_t)PROCESSES * steps;
    SAME(lt_total(t, &t->a).num_steps, all);
    SAME(lt_total(t, &t->a).total_tokens, 2 * all);
    SAME(entries, lt_journal(t, &t->a, 0).count);
    SAME(entries, before + 2 * all);
    CLEAN();
}

static void others_commits_wake_who_waits(lt *t)
{
    lt other = *t;
    sw_step step = lt_step(t, 1);
    uint64_t seen = 0, now = 0;
    lt_open(&other);
    OK(sw_commit_wait(t->ledger, &seen, 0, &t->err));
    do {
        now = seen;
        OK(sw_commit_wait(t->ledger, &seen, 300, &t->err));
    } while (seen != now);
    lt_log(&other, &other.a, &step);
    OK(sw_commit_wait(t->ledger, &seen, 30000, &t->err));
    CHECK(seen != now);
    CHECK(lt_there(t, &t->a, SW_RECORD_STEP, step.id));
    lt_close(&other);
}

/* Who asks for the version now and then reads no bells, and so none may be kept for him: they would fill the server's
 * queue, which all share. */
static void who_only_asks_does_not_listen(lt *t)
{
    const sw_store_options options = {.url = sw_str_from(t->url)};
    sw_store *store = NULL;
    sw_session *session = NULL;
    uint64_t version = 0;
    char few[8];
    OK(sw_store_open(&options, &store, &t->err));
    OK(sw_session_open(store, SW_SESSION_WATCH, &session, &t->err));
    OK(sw_session_version(session, &version, &t->err));
    pg_sql(t->url,
           "SELECT pg_notify('stepwell', repeat('x', 7000) || i) FROM generate_series(1, 1000) i",
           NULL, 0);
    pg_sql(t->url, "SELECT pg_notification_queue_usage() < 0.0001", few, sizeof few);
    TEXT(sw_str_from(few), "t");
    sw_session_close(&session);
    sw_store_close(&store);
}

/* ---- somebody else's SQL ------------------------------------------------------------------------ */

/* A stranger holds the step and wants the lock of groups, while a group has that and wants the step. The server ends
 * the group, which is tried again and goes through. */
static void a_deadlock_is_tried_again(lt *t)
{
    sw_step step = lt_pending(t, 1);
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    sw_outcome o;
    char waits[32] = "0";
    pthread_t thread;
    static stranger s;
    lt_log(t, &t->a, &step);
    pg_sql(t->url, "CREATE TABLE met (n int)", NULL, 0);
    s.url = t->url;
    /* It goes on once a group waits for it. */
    snprintf(
        s.sql, sizeof s.sql,
        "SET deadlock_timeout = '1h'; BEGIN; UPDATE steps SET tid = 'stranger' WHERE id = '%.*s';"
        "DO $$ BEGIN PERFORM pg_advisory_lock(7); FOR i IN 1..60000 LOOP"
        " IF EXISTS (SELECT FROM pg_locks WHERE NOT granted) THEN EXIT; END IF;"
        " PERFORM pg_sleep(0.001); END LOOP; END $$;"
        "UPDATE stepwell_state SET version = version + 0; INSERT INTO met VALUES (1); COMMIT",
        (int)step.id.len, step.id.ptr);
    assert_int_equal(pthread_create(&thread, NULL, run_stranger, &s), 0);
    for (int i = 0; i < 60000 && strcmp(waits, "0") == 0; i++) {
        pg_sql(t->url, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted",
               waits, sizeof waits);
    }
    OK(sw_step_end(t->ledger, &t->a, step.id, &end, &o, &t->err));
    pthread_join(thread, NULL);
    pg_sql(t->url, "SELECT count(*) FROM met", waits, sizeof waits);
    TEXT(sw_str_from(waits), "1");
    SAME(lt_get(t, &t->a, step.id).status.value, SW_STEP_STATUS_SUCCESS);
    SAME(lt_total(t, &t->a).num_steps, 1);
    CLEAN();
}

static void expect_difference(lt *t, const char *how, const char *back)
{
    sw_verify_options options = {0};
    sw_verify_end end = {0};
    CLEAN();
    pg_sql(t->url, how, NULL, 0);
    if (sw_verify(t->ledger, &options, &end, &t->err) != SW_STATUS_DIFFERS ||
        end.differences == 0) {
        SAY("verify sees nothing after \"%s\"", how);
    }
    pg_sql(t->url, back, NULL, 0);
}

static void verify_sees_what_was_changed(lt *t)
{
    static const char *const damages[][2] = {
        {"UPDATE usage_org_hours SET num_steps = num_steps + 1",
         "UPDATE usage_org_hours SET num_steps = num_steps - 1"},
        {"UPDATE steps SET total_tokens = total_tokens + 1",
         "UPDATE steps SET total_tokens = total_tokens - 1"},
        {"UPDATE journal SET seq = seq + 1000 WHERE record_id IS NOT NULL AND record = 9",
         "UPDATE journal SET seq = seq - 1000 WHERE seq > 1000"},
        {"CREATE TABLE kept AS SELECT * FROM step_metrics; SET session_replication_role = replica;"
         "INSERT INTO step_metrics SELECT (jsonb_populate_record(k, '{\"id\": \"step-nobody\"}')).* "
         "FROM kept AS k LIMIT 1",
         "DELETE FROM step_metrics WHERE id = 'step-nobody'"},
    };
    for (unsigned n = 0; n < 5; n++) {
        sw_step_metrics m = {.step_ns = sw_int_of(5)};
        sw_step_entry e = {.step = lt_step(t, n), .metrics = &m};
        lt_log_entry(t, &t->a, &e);
    }
    for (size_t i = 0; i < SW_COUNT(damages); i++) {
        expect_difference(t, damages[i][0], damages[i][1]);
    }
    CLEAN();
}

/* ---- opening ------------------------------------------------------------------------------------ */

static void other_databases_are_left_alone(lt *t)
{
    char url[600], text[64], version[16], back[100];
    sw_ledger *ledger = NULL;
    pg_new_url(url, sizeof url);
    pg_sql(url, "CREATE TABLE steps (id varchar)", NULL, 0);
    sw_ledger_options options = {.store = url};
    IS(SW_STATUS_INVALID, sw_ledger_open(&options, &ledger, &t->err));
    NAMES(&t->err, "another program");
    pg_sql(url,
           "SELECT count(*) FROM information_schema.tables WHERE table_schema ="
           " current_schema()",
           text, sizeof text);
    TEXT(sw_str_from(text), "1");
    pg_sql(t->url, "SELECT schema_version FROM stepwell_state", version, sizeof version);
    pg_sql(t->url, "UPDATE stepwell_state SET schema_version = 99", NULL, 0);
    options.store = t->url;
    IS(SW_STATUS_NEWER, sw_ledger_open(&options, &ledger, &t->err));
    snprintf(back, sizeof back, "UPDATE stepwell_state SET schema_version = %s", version);
    pg_sql(t->url, back, NULL, 0);
}

/* The columns of V1 have V1's names and types. */
static void v1_finds_its_columns(lt *t)
{
    static const struct {
        const char *table, *column, *type;
    } columns[] = {{"steps", "status", "stepstatus"},
                   {"steps", "id", "character varying"},
                   {"steps", "prompt_tokens", "integer"},
                   {"steps", "tags", "json"},
                   {"steps", "created_at", "timestamp with time zone"},
                   {"steps", "_created_by_id", "character varying"},
                   {"steps", "is_deleted", "boolean"},
                   {"step_metrics", "step_ns", "bigint"},
                   {"runs", "metadata_", "json"},
                   {"runs", "status", "character varying"},
                   {"runs", "completed_at", "timestamp without time zone"},
                   {"providers", "api_key_enc", "text"},
                   {"messages", "sequence_id", "bigint"},
                   {"messages", "content", "json"},
                   {"messages", "tool_calls", "json"}};
    char sql[300], got[64];
    for (size_t i = 0; i < SW_COUNT(columns); i++) {
        snprintf(sql, sizeof sql,
                 "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid ="
                 " '%s'::regclass AND attname = '%s'",
                 columns[i].table, columns[i].column);
        pg_sql(t->url, sql, got, sizeof got);
        TEXT(sw_str_from(got), columns[i].type);
    }
    sw_step step = lt_step(t, 1);
    lt_log(t, &t->a, &step);
    pg_sql(t->url,
           "SELECT status::text || ' ' || to_char(created_at AT TIME ZONE 'UTC',"
           " 'YYYY-MM-DD') FROM steps",
           got, sizeof got);
    TEXT(sw_str_from(got), "SUCCESS 2025-11-22");
}

/* A password that is not written as a URL wants it is shown to nobody. */
static void passwords_are_not_shown(lt *t)
{
    static const char *const urls[] = {"postgres://me:sec@ret@127.0.0.1:1/db",
                                       "postgres://me:sec/ret@127.0.0.1:1/db",
                                       "postgres://me:secret@127.0.0.1:1/db",
                                       "postgres://127.0.0.1:1/db?password=secret&nonsense=1"};
    for (size_t i = 0; i < SW_COUNT(urls); i++) {
        sw_store *store = NULL;
        const sw_store_options options = {.url = sw_str_from(urls[i])};
        IS(i == 2 ? SW_STATUS_IO : SW_STATUS_INVALID, sw_store_open(&options, &store, &t->err));
        CHECK(!strstr(t->err.message, "sec") && !strstr(t->err.message, "ret"));
    }
}

/* Who loads a copy of the database makes its indexes without a search path. */
static void indexes_need_no_search_path(lt *t)
{
    char function[80], sql[200], got[8];
    pg_sql(t->url,
           "SELECT format('%I.%I', nspname, proname) FROM pg_proc JOIN pg_namespace AS n ON n.oid ="
           " pronamespace WHERE proname = 'stepwell_part' AND nspname = current_schema() LIMIT 1",
           function, sizeof function);
    snprintf(sql, sizeof sql, "SET search_path = ''; SELECT left(%s(repeat('x', 300)::text), 1)",
             function);
    pg_sql(t->url, sql, got, sizeof got);
    TEXT(sw_str_from(got), "#");
}

static const lt_case cases[] = {
    {"a server that is killed loses nothing", a_server_that_is_killed_loses_nothing, LT_KEEPS},
    {"away is said", away_is_said, LT_KEEPS},
    {"lost while idle", lost_while_idle, LT_KEEPS},
    {"a commit of which nothing is known", a_commit_of_which_nothing_is_known, LT_KEEPS},
    {"four processes are as one", four_processes_are_as_one, LT_KEEPS},
    {"commits of others wake who waits", others_commits_wake_who_waits, LT_KEEPS},
    {"who only asks does not listen", who_only_asks_does_not_listen, LT_KEEPS},
    {"a deadlock is tried again", a_deadlock_is_tried_again, LT_KEEPS},
    {"verify sees what was changed", verify_sees_what_was_changed, LT_KEEPS},
    {"other databases are left alone", other_databases_are_left_alone, LT_KEEPS},
    {"passwords are not shown", passwords_are_not_shown, LT_KEEPS},
    {"indexes need no search path", indexes_need_no_search_path, LT_KEEPS},
    {"V1 finds its columns", v1_finds_its_columns, LT_KEEPS},
};

int main(int argc, char **argv)
{
    setenv("STEPWELL_STORES", "postgres", 1);
    return lt_main("postgres", cases, SW_COUNT(cases), argc, argv);
}
