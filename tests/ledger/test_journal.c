/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: what each change leaves in it, following it from any number, waiting for the next entry,
 * and no gap that is skipped while many write.
 */
#include "tests/lib/lt.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t what_of(const lt_rows *rows, size_t i)
{
    return ((const sw_journal *)rows->at[i])->what.value;
}

static int64_t seq_of(const lt_rows *rows, size_t i)
{
    return ((const sw_journal *)rows->at[i])->seq.value;
}

/* The last entry says what, about which record, by whom, and has the outcome's number. */
static void last_is(lt *t, const sw_outcome *o, int64_t what, sw_record_id record, const char *id)
{
    lt_rows rows = lt_journal(t, &t->a, o->seq - 1);
    const sw_journal *entry = rows.count ? rows.at[0] : NULL;
    SAME(rows.count, 1);
    SAME(entry->seq.value, o->seq);
    if (entry->what.value != what) {
        SAY("the journal says %lld, expected %lld", (long long)entry->what.value, (long long)what);
    }
    SAME(entry->record.value, record);
    TEXT(entry->record_id, id);
    TEXT(entry->actor_id, t->a.user_id.ptr);
    TEXT(entry->organization_id, t->a.organization_id.ptr);
    SAME(entry->time.value, t->wall);
}

static void each_change_of_a_step_is_told(lt *t)
{
    sw_step s = lt_pending(t, 1), v = {.tid = SW_STR("x")}, imported = lt_step(t, 2);
    sw_step_entry end = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}}, more;
    sw_feedback_change f = {.add_tags = SW_STR("[\"a\"]")};
    sw_outcome o = lt_log(t, &t->a, &s);
    last_is(t, &o, SW_CHANGE_CREATED, SW_RECORD_STEP, s.id.ptr);
    OK(sw_step_update(t->ledger, &t->a, s.id, &v, SW_FIELD_BIT(SW_STEP_TID), &o, &t->err));
    last_is(t, &o, SW_CHANGE_UPDATED, SW_RECORD_STEP, s.id.ptr);
    OK(sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err));
    last_is(t, &o, SW_CHANGE_SUCCEEDED, SW_RECORD_STEP, s.id.ptr);
    OK(sw_step_feedback(t->ledger, &t->a, s.id, &f, &o, &t->err));
    last_is(t, &o, SW_CHANGE_FEEDBACK, SW_RECORD_STEP, s.id.ptr);
    for (int64_t to = SW_STEP_STATUS_FAILED; to <= SW_STEP_STATUS_CANCELLED; to++) {
        s = lt_pending(t, 10 + (unsigned)to);
        lt_log(t, &t->a, &s);
        end.step.status = sw_int_of(to);
        OK(sw_step_end(t->ledger, &t->a, s.id, &end, &o, &t->err));
        last_is(t, &o, to == SW_STEP_STATUS_FAILED ? SW_CHANGE_FAILED : SW_CHANGE_CANCELLED,
                SW_RECORD_STEP, s.id.ptr);
    }
    imported.source = sw_int_of(SW_SOURCE_OTLP);
    lt_log(t, &t->a, &imported);
    more = (sw_step_entry){.step = {.id = imported.id, .model = SW_STR("more")}};
    more.step.source = imported.source;
    OK(sw_step_restate(t->ledger, &t->a, &more, &o, &t->err));
    last_is(t, &o, SW_CHANGE_RESTATED, SW_RECORD_STEP, imported.id.ptr);
    OK(sw_step_retire(t->ledger, &t->a, imported.id, s.id, &o, &t->err));
    last_is(t, &o, SW_CHANGE_RETIRED, SW_RECORD_STEP, imported.id.ptr);
    OK(sw_step_delete(t->ledger, &t->a, s.id, &o, &t->err));
    last_is(t, &o, SW_CHANGE_DELETED, SW_RECORD_STEP, s.id.ptr);
}

static bool told(const lt_rows *rows, int64_t what)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (what_of(rows, i) == what) {
            return true;
        }
    }
    return false;
}

static void what_hangs_on_a_step_is_told(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_step_metrics m = {.step_ns = sw_int_of(1)};
    sw_message message = lt_message(t, 1, "x");
    sw_provider_trace trace = lt_trace(t, 1);
    sw_outcome o = lt_log(t, &t->a, &s);
    int64_t seq = o.seq;
    lt_rows rows;
    OK(sw_step_metrics_record(t->ledger, &t->a, s.id, &m, &o, &t->err));
    CHECK(o.seq > seq);
    OK(sw_step_attach(t->ledger, &t->a, s.id, &message, 1, NULL, 0, &o, &t->err));
    OK(sw_step_attach(t->ledger, &t->a, s.id, NULL, 0, &trace, 1, &o, &t->err));
    rows = lt_journal(t, &t->a, seq);
    CHECK(told(&rows, SW_CHANGE_METRICS));
    CHECK(told(&rows, SW_CHANGE_MESSAGES));
    CHECK(told(&rows, SW_CHANGE_TRACED));
    SAME(seq_of(&rows, rows.count - 1), lt_head(t, &t->a));
}

static void each_change_of_a_run_is_told(lt *t)
{
    static const int64_t moves[] = {SW_RUN_STATUS_RUNNING, SW_RUN_STATUS_COMPLETED,
                                    SW_RUN_STATUS_FAILED, SW_RUN_STATUS_CANCELLED};
    static const int64_t whats[] = {SW_CHANGE_UPDATED, SW_CHANGE_COMPLETED, SW_CHANGE_FAILED,
                                    SW_CHANGE_CANCELLED};
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_outcome o;
    for (unsigned i = 0; i < 4; i++) {
        sw_run run = {.id = lt_id(t, "run", i), .agent_id = agent};
        sw_run v = {.status = sw_int_of(moves[i])};
        OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
        last_is(t, &o, SW_CHANGE_CREATED, SW_RECORD_RUN, run.id.ptr);
        OK(sw_run_update(t->ledger, &t->a, run.id, &v, SW_FIELD_BIT(SW_RUN_STATUS), &o, &t->err));
        last_is(t, &o, whats[i], SW_RECORD_RUN, run.id.ptr);
        OK(sw_run_delete(t->ledger, &t->a, run.id, &o, &t->err));
        last_is(t, &o, SW_CHANGE_DELETED, SW_RECORD_RUN, run.id.ptr);
    }
}

static void the_project_of_a_step_is_told(lt *t)
{
    sw_step s = lt_step(t, 1);
    lt_rows rows;
    s.project_id = SW_STR("project-x");
    rows = lt_journal(t, &t->a, lt_log(t, &t->a, &s).seq - 1);
    TEXT(((const sw_journal *)rows.at[0])->project_id, "project-x");
}

/* ---- following ---------------------------------------------------------------------------------- */

static void it_can_be_followed_from_any_number(lt *t)
{
    int64_t first = lt_head(t, &t->a);
    lt_rows all;
    for (unsigned i = 0; i < 30; i++) {
        sw_step s = lt_step(t, i);
        lt_log(t, &t->a, &s);
    }
    all = lt_journal(t, &t->a, first);
    SAME(all.count, 30);
    for (size_t from = 0; from < 30; from += 7) {
        lt_rows rows = {.record = SW_RECORD_JOURNAL, .pool = t->pool};
        int64_t last = -1;
        OK(sw_journal_read(t->ledger, &t->a, seq_of(&all, from), 5, 0, lt_collect, &rows, &last,
                           &t->err));
        SAME(rows.count, 29 - from < 5 ? 29 - from : 5);
        for (size_t i = 0; i < rows.count; i++) {
            SAME(seq_of(&rows, i), seq_of(&all, from + 1 + i));
        }
        SAME(last, rows.count ? seq_of(&rows, rows.count - 1) : seq_of(&all, from));
    }
}

static void last_is_where_it_was_when_nothing_came(lt *t)
{
    lt_rows rows = {.record = SW_RECORD_JOURNAL, .pool = t->pool};
    int64_t last = -1;
    OK(sw_journal_read(t->ledger, &t->a, 1000000, 0, 0, lt_collect, &rows, &last, &t->err));
    SAME(rows.count, 0);
    SAME(last, 1000000);
    OK(sw_journal_read(t->ledger, &t->a, lt_head(t, &t->a), 0, 20, lt_collect, &rows, &last,
                       &t->err));
    SAME(rows.count, 0);
    SAME(last, lt_head(t, &t->a));
}

static bool stop_at_once(void *arg, const void *row)
{
    *(int64_t *)arg = ((const sw_journal *)row)->seq.value;
    return false;
}

static void a_reader_may_stop(lt *t)
{
    int64_t first = lt_head(t, &t->a), seen = -1, last = -1;
    for (unsigned i = 0; i < 3; i++) {
        sw_step s = lt_step(t, i);
        lt_log(t, &t->a, &s);
    }
    OK(sw_journal_read(t->ledger, &t->a, first, 0, 0, stop_at_once, &seen, &last, &t->err));
    SAME(last, seen);
    CHECK(seen > first && seen < lt_head(t, &t->a));
}

typedef struct waiter {
    sw_ledger *ledger;
    const sw_actor *actor;
    int64_t after, last;
    lt_rows rows;
    sw_status status;
    sw_error err;
} waiter;

static void *wait_for_next(void *arg)
{
    waiter *w = arg;
    w->status = sw_journal_read(w->ledger, w->actor, w->after, 0, 20000, lt_collect, &w->rows,
                                &w->last, &w->err);
    return NULL;
}

/* Through `reader`, whichever handle wrote. */
static void wait_through(lt *t, sw_ledger *reader)
{
    waiter w = {.ledger = reader, .actor = &t->a, .after = lt_head(t, &t->a)};
    sw_step foreign = lt_step(t, 1), mine = lt_step(t, 2);
    pthread_t thread;
    w.rows = (lt_rows){.record = SW_RECORD_JOURNAL, .pool = pool_new()};
    assert_int_equal(pthread_create(&thread, NULL, wait_for_next, &w), 0);
    lt_log(t, &t->b, &foreign); /* must not wake it with nothing */
    lt_log(t, &t->a, &mine);
    assert_int_equal(pthread_join(thread, NULL), 0);
    SAME(w.status, SW_STATUS_OK);
    SAME(w.rows.count, 1);
    TEXT(((const sw_journal *)w.rows.at[0])->record_id, mine.id.ptr);
    SAME(w.last, lt_head(t, &t->a));
    pool_free(&w.rows.pool);
}

static void a_waiting_reader_wakes_up(lt *t)
{
    wait_through(t, t->ledger);
}

static void a_reader_of_another_handle_wakes_up(lt *t)
{
    sw_ledger_options options = {.store = t->url, .no_reaper = true};
    sw_ledger *other = NULL;
    OK(sw_ledger_open(&options, &other, &t->err));
    wait_through(t, other);
    sw_ledger_close(&other);
    OK(sw_ledger_open(&(sw_ledger_options){.store = t->url, .read_only = true}, &other, &t->err));
    SAME(lt_list(t, &t->a, SW_RECORD_STEP, NULL).count, 1);
    sw_ledger_close(&other);
}

/* ---- while many write --------------------------------------------------------------------------- */

enum { WRITERS = 4 };

typedef struct writer {
    lt *t;
    sw_ledger *ledger;
    unsigned number, count;
    int failed;
} writer;

static void *write_many(void *arg)
{
    writer *w = arg;
    for (unsigned i = 0; i < w->count; i++) {
        char id[64];
        sw_step_entry e = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
        sw_outcome o;
        sw_error err;
        snprintf(id, sizeof id, "step-%08x-0000-4000-8000-%012x", w->number, i);
        e.step.id = sw_str_from(id);
        w->failed |= sw_step_log(w->ledger, &w->t->a, &e, 1, false, &o, &err) != SW_STATUS_OK;
    }
    return NULL;
}

/* Follows while they write, and must see everything, in order, once. */
static void follow(lt *t, sw_ledger *const ledgers[WRITERS], unsigned count)
{
    writer writers[WRITERS];
    pthread_t threads[WRITERS];
    int64_t last = lt_head(t, &t->a), before = last;
    size_t seen = 0;
    unsigned char *found = pool_alloc(t->pool, (size_t)WRITERS * count);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (writer){t, ledgers[i], i, count, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    while (seen < (size_t)WRITERS * count) {
        lt_rows rows = {.record = SW_RECORD_JOURNAL, .pool = t->pool};
        OK(sw_journal_read(t->ledger, &t->a, last, 50, 10000, lt_collect, &rows, &last, &t->err));
        CHECK(rows.count > 0);
        for (size_t i = 0; i < rows.count; i++, seen++) {
            const sw_journal *entry = rows.at[i];
            unsigned w = (unsigned)strtoul(entry->record_id.ptr + 5, NULL, 16);
            unsigned n = (unsigned)strtoul(entry->record_id.ptr + 29, NULL, 16);
            CHECK(entry->seq.value > before);
            before = entry->seq.value;
            CHECK(w < WRITERS && n < count && found[w * count + n]++ == 0);
        }
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        SAME(writers[i].failed, 0);
    }
    SAME(lt_head(t, &t->a), before);
}

static void nothing_is_skipped_while_threads_write(lt *t)
{
    sw_ledger *const same[WRITERS] = {t->ledger, t->ledger, t->ledger, t->ledger};
    follow(t, same, (unsigned)lt_level(50, 300, 3000));
    CLEAN();
}

static void nothing_is_skipped_while_handles_write(lt *t)
{
    sw_ledger_options options = {.store = t->url, .no_reaper = true};
    sw_ledger *other[WRITERS] = {t->ledger, NULL, t->ledger, NULL};
    OK(sw_ledger_open(&options, &other[1], &t->err));
    OK(sw_ledger_open(&options, &other[3], &t->err));
    follow(t, other, (unsigned)lt_level(30, 100, 1000));
    CLEAN();
    sw_ledger_close(&other[1]);
    sw_ledger_close(&other[3]);
}

static const lt_case cases[] = {
    {"each change of a step is told", each_change_of_a_step_is_told, LT_CLOCK},
    {"what hangs on a step is told", what_hangs_on_a_step_is_told, 0},
    {"each change of a run is told", each_change_of_a_run_is_told, LT_CLOCK},
    {"the project of a step is told", the_project_of_a_step_is_told, 0},
    {"it can be followed from any number", it_can_be_followed_from_any_number, 0},
    {"last is where it was when nothing came", last_is_where_it_was_when_nothing_came, 0},
    {"a reader may stop", a_reader_may_stop, 0},
    {"a waiting reader wakes up", a_waiting_reader_wakes_up, 0},
    {"a reader of another handle wakes up", a_reader_of_another_handle_wakes_up, LT_DISK},
    {"nothing is skipped while threads write", nothing_is_skipped_while_threads_write, 0},
    {"nothing is skipped while handles write", nothing_is_skipped_while_handles_write, LT_DISK},
};

LT_MAIN("journal", cases)
