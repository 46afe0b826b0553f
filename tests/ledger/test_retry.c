/* SPDX-License-Identifier: Apache-2.0 */
/* Calls under a key of the caller's (Idempotency-Key): sent again they make nothing twice, whatever
 * ids the ledger made up; with other content they are a conflict; keys of different organizations,
 * projects and routes do not meet.
 */
#include "tests/lib/lt.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 150 };

static sw_retry retry_of(const char *route, const char *key, const char *digest)
{
    sw_retry r = {.route = sw_str_from(route), .key = sw_str_from(key)};
    r.digest = digest ? sw_str_from(digest) : SW_NULL_STR;
    return r;
}

/* Steps without ids of their own, with messages and traces without ids. */
static void fill(lt *t, sw_step_entry *e, sw_message *m, sw_provider_trace *traces, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        e[i] = (sw_step_entry){.step = {.model = SW_STR("m")}};
        e[i].step.status = sw_int_of(i % 3 ? SW_STEP_STATUS_SUCCESS : SW_STEP_STATUS_PENDING);
        e[i].step.tid = pool_printf(t->pool, "%u", i);
        if (i % 5 == 0) {
            m[i] = (sw_message){.text = e[i].step.tid};
            m[i].role = sw_int_of(SW_MESSAGE_ROLE_USER);
            e[i].messages = &m[i];
            e[i].message_count = 1;
        }
        if (i % 7 == 0) {
            traces[i] =
                (sw_provider_trace){.request_json = SW_STR("{}"), .response_json = SW_STR("{}")};
            e[i].traces = &traces[i];
            e[i].trace_count = 1;
        }
    }
}

typedef struct batch {
    sw_step_entry e[MANY];
    sw_message m[MANY];
    sw_provider_trace traces[MANY];
    sw_outcome o[MANY];
} batch;

static size_t rows_of(lt *t, sw_record_id record)
{
    sw_list_query all = {.limit = -1};
    return lt_list(t, &t->a, record, &all).count;
}

static void the_same_call_makes_the_same(lt *t)
{
    static batch one, two;
    sw_retry retry = retry_of("POST /v1/steps", "k", "0123456789abcdef");
    sw_actor actor = t->a;
    size_t messages = 0, traces = 0;
    actor.retry = &retry;
    fill(t, one.e, one.m, one.traces, MANY);
    OK(sw_step_log(t->ledger, &actor, one.e, MANY, false, one.o, &t->err));
    messages = rows_of(t, SW_RECORD_MESSAGE);
    traces = rows_of(t, SW_RECORD_PROVIDER_TRACE);
    SAME(messages, MANY / 5);
    for (int again = 0; again < 3; again++) {
        fill(t, two.e, two.m, two.traces, MANY);
        OK(sw_step_log(t->ledger, &actor, two.e, MANY, again == 1, two.o, &t->err));
        for (int i = 0; i < MANY; i++) {
            VERDICT(one.o[i], CREATED);
            VERDICT(two.o[i], UNCHANGED);
            TEXT(sw_str_from(two.o[i].id), one.o[i].id);
        }
    }
    SAME(rows_of(t, SW_RECORD_STEP), MANY);
    SAME(rows_of(t, SW_RECORD_MESSAGE), messages);
    SAME(rows_of(t, SW_RECORD_PROVIDER_TRACE), traces);
    CLEAN();
}

/* A long body comes in parts: each says where it stands in the whole, and only the last knows the
 * digest. */
static void in_parts(lt *t)
{
    static batch whole, parts;
    enum { PART = 40 };
    sw_retry retry = retry_of("POST /v1/steps", "stream", NULL);
    sw_actor actor = t->a;
    actor.retry = &retry;
    for (int again = 0; again < 2; again++) {
        batch *b = again ? &parts : &whole;
        fill(t, b->e, b->m, b->traces, MANY);
        for (int at = 0; at < MANY; at += PART) {
            size_t n = (size_t)(MANY - at < PART ? MANY - at : PART);
            retry.first_item = at;
            retry.digest = at + PART >= MANY ? SW_STR("0123456789abcdef") : SW_NULL_STR;
            OK(sw_step_log(t->ledger, &actor, b->e + at, n, false, b->o + at, &t->err));
        }
    }
    for (int i = 0; i < MANY; i++) {
        VERDICT(parts.o[i], UNCHANGED);
        TEXT(sw_str_from(parts.o[i].id), whole.o[i].id);
    }
    retry = retry_of("POST /v1/steps", "stream", "another digest!!");
    IS(SW_STATUS_CONFLICT, sw_step_log(t->ledger, &actor, whole.e, 1, false, whole.o, &t->err));
    SAME(rows_of(t, SW_RECORD_STEP), MANY);
    CLEAN();
}

static void other_content_is_a_conflict(lt *t)
{
    sw_retry retry = retry_of("POST /v1/steps", "k", "0123456789abcdef");
    sw_actor actor = t->a;
    sw_step_entry e[2] = {{.step = {.model = SW_STR("m")}}, {.step = {.model = SW_STR("n")}}};
    sw_outcome o[2];
    int64_t head = 0;
    actor.retry = &retry;
    OK(sw_step_log(t->ledger, &actor, e, 2, false, o, &t->err));
    head = lt_head(t, &t->a);
    retry.digest = SW_STR("fedcba9876543210");
    IS(SW_STATUS_CONFLICT, sw_step_log(t->ledger, &actor, e, 2, false, o, &t->err));
    NAMES(&t->err, "idempotency_key");
    VERDICT(o[0], CONFLICT);
    VERDICT(o[1], CONFLICT);
    SAME(lt_head(t, &t->a), head);
    SAME(rows_of(t, SW_RECORD_STEP), 2);
    CLEAN();
}

static void keys_do_not_meet(lt *t)
{
    sw_actor actors[5] = {t->a, t->b, t->a, t->a, t->a};
    sw_retry retries[5] = {
        retry_of("r", "k", "0000000000000000"), retry_of("r", "k", "1111111111111111"),
        retry_of("s", "k", "2222222222222222"), retry_of("r", "l", "3333333333333333"),
        retry_of("r", "k", "4444444444444444")};
    sw_step_entry e = {.step = {.model = SW_STR("m")}};
    sw_outcome first[5], again;
    actors[4].project_id = SW_STR("p1");
    for (int i = 0; i < 5; i++) {
        actors[i].retry = &retries[i];
        OK(sw_step_log(t->ledger, &actors[i], &e, 1, false, &first[i], &t->err));
        VERDICT(first[i], CREATED);
        for (int k = 0; k < i; k++) {
            CHECK(strcmp(first[i].id, first[k].id) != 0);
        }
    }
    for (int i = 0; i < 5; i++) {
        OK(sw_step_log(t->ledger, &actors[i], &e, 1, false, &again, &t->err));
        VERDICT(again, UNCHANGED);
        TEXT(sw_str_from(again.id), first[i].id);
    }
    CLEAN();
}

/* Whoever mends what was refused may send it under the same key. */
static void what_was_refused_leaves_no_key(lt *t)
{
    sw_retry retry = retry_of("r", "k", "0000000000000000");
    sw_actor actor = t->a;
    sw_step_entry e[2] = {{.step = {.prompt_tokens = sw_int_of(-1)}},
                          {.step = {.tid = SW_STR("x")}}};
    sw_outcome o[2];
    actor.retry = &retry;
    IS(SW_STATUS_INVALID, sw_step_log(t->ledger, &actor, e, 1, false, o, &t->err));
    IS(SW_STATUS_INVALID, sw_step_log(t->ledger, &actor, e, 2, true, o, &t->err));
    retry.digest = SW_STR("1111111111111111");
    e[0].step.prompt_tokens = sw_int_of(1);
    OK(sw_step_log(t->ledger, &actor, e, 2, true, o, &t->err));
    VERDICT(o[0], CREATED);
    retry.digest = SW_STR("0000000000000000");
    IS(SW_STATUS_CONFLICT, sw_step_log(t->ledger, &actor, e, 2, true, o, &t->err));
    CLEAN();
}

/* Every verb that makes up an id. */
static void every_verb(lt *t)
{
    sw_retry retry = {.route = SW_STR("r"), .digest = SW_STR("0000000000000000")};
    sw_actor actor = t->a;
    sw_run run = {.agent_id = lt_agent(t, &t->a, 1)};
    sw_project project = {.name = SW_STR("p")};
    sw_agent agent = {.name = SW_STR("a")};
    sw_conversation talk = {.agent_id = run.agent_id};
    sw_saved_view view = {.name = SW_STR("v"), .query = SW_STR("{\"status\":\"failed\"}")};
    sw_subscription sub = {.url = SW_STR("https://example.org/"), .secret = SW_STR("s")};
    const struct {
        sw_record_id record;
        const void *row;
        const char *key;
    } rows[] = {{SW_RECORD_RUN, &run, "1"},         {SW_RECORD_PROJECT, &project, "2"},
                {SW_RECORD_AGENT, &agent, "3"},     {SW_RECORD_CONVERSATION, &talk, "4"},
                {SW_RECORD_SAVED_VIEW, &view, "5"}, {SW_RECORD_SUBSCRIPTION, &sub, "6"}};
    actor.retry = &retry;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sw_outcome o[2];
        retry.key = sw_str_from(rows[i].key);
        for (int k = 0; k < 2; k++) {
            OK(rows[i].record == SW_RECORD_RUN
                   ? sw_run_create(t->ledger, &actor, rows[i].row, &o[k], &t->err)
                   : sw_record_create(t->ledger, &actor, rows[i].record, rows[i].row, &o[k],
                                      &t->err));
            lt_advance(t, 1, 1);
        }
        VERDICT(o[0], CREATED);
        VERDICT(o[1], UNCHANGED);
        TEXT(sw_str_from(o[1].id), o[0].id);
    }
    CLEAN();
}

static void messages_that_are_attached(lt *t)
{
    sw_retry retry = retry_of("r", "k", "0000000000000000");
    sw_actor actor = t->a;
    sw_step s = lt_step(t, 1);
    sw_message m[2] = {{.text = SW_STR("one")}, {.text = SW_STR("one")}};
    sw_outcome o;
    actor.retry = &retry;
    m[0].role = m[1].role = sw_int_of(SW_MESSAGE_ROLE_USER);
    lt_log(t, &t->a, &s);
    for (int i = 0; i < 2; i++) {
        OK(sw_step_attach(t->ledger, &actor, s.id, m, 2, NULL, 0, &o, &t->err));
    }
    VERDICT(o, UNCHANGED);
    SAME(rows_of(t, SW_RECORD_MESSAGE), 2);
    CLEAN();
}

static void a_key_is_kept_for_a_day(lt *t)
{
    sw_retry retry = retry_of("r", "k", "0000000000000000");
    sw_actor actor = t->a;
    sw_step_entry e = {.step = {.model = SW_STR("m")}};
    sw_outcome one, two;
    actor.retry = &retry;
    OK(sw_step_log(t->ledger, &actor, &e, 1, false, &one, &t->err));
    lt_advance(t, 86399, 86399);
    OK(sw__ledger_tend(t->ledger, &t->err));
    retry.digest = SW_STR("1111111111111111");
    IS(SW_STATUS_CONFLICT, sw_step_log(t->ledger, &actor, &e, 1, false, &two, &t->err));
    lt_advance(t, 1, 1);
    if (t->on_disk) { /* expired, removed or not */
        OK(sw__ledger_tend(t->ledger, &t->err));
    }
    OK(sw_step_log(t->ledger, &actor, &e, 1, false, &two, &t->err));
    VERDICT(two, CREATED);
    CHECK(strcmp(one.id, two.id) != 0);
    CLEAN();
}

static void bad_keys_are_refused(lt *t)
{
    static char text[300];
    sw_retry bad[6];
    sw_step_entry e = {.step = {.model = SW_STR("m")}};
    sw_actor actor = t->a;
    sw_outcome o;
    memset(text, 'x', sizeof text - 1);
    bad[0] = retry_of("r", "", NULL);
    bad[1] = retry_of("r", text, NULL);
    bad[2] = retry_of("", "k", NULL);
    bad[3] = retry_of("r", "\xff", NULL);
    bad[4] = retry_of("r", "k", "short");
    bad[5] = retry_of("r", "k", NULL);
    bad[5].first_item = -1;
    for (size_t i = 0; i < 6; i++) {
        actor.retry = &bad[i];
        IS(SW_STATUS_INVALID, sw_step_log(t->ledger, &actor, &e, 1, false, &o, &t->err));
        VERDICT(o, REJECTED);
    }
    text[255] = '\0';
    actor.retry = &bad[1];
    bad[1].key.len = 255;
    OK(sw_step_log(t->ledger, &actor, &e, 1, false, &o, &t->err));
}

/* ---- killed between ------------------------------------------------------------------------------ */

/* A child sends call after call, each under its key, and is killed; the parent sends them all
 * again. Whatever was kept is kept once, whatever was not is made now. */
static void child(lt *t, int out)
{
    if (lt_try_open(t) != SW_STATUS_OK) {
        _exit(5);
    }
    lt_organizations(t);
    for (int i = 0; i < 100000; i++) {
        char key[32];
        sw_retry retry = retry_of("r", key, "0000000000000000");
        sw_actor actor = t->a;
        sw_step_entry e[3] = {{.step = {.model = SW_STR("m")}}};
        sw_outcome o[3];
        e[1] = e[2] = e[0];
        snprintf(key, sizeof key, "key %d", i);
        retry.key = sw_str_from(key);
        actor.retry = &retry;
        if (sw_step_log(t->ledger, &actor, e, 3, true, o, &t->err) != SW_STATUS_OK) {
            _exit(6);
        }
        if (write(out, "", 1) != 1) {
            _exit(3);
        }
    }
    _exit(0);
}

static void killed_between(lt *t)
{
    int64_t rounds = lt_level(1, 4, 60);
    lt_rng rng = lt_seed("retry");
    for (int64_t round = 0; round < rounds; round++) {
        int ends[2], status = 0, calls = 1 + (int)lt_below(&rng, 60), repeated = 0;
        pid_t pid = 0;
        char byte = 0;
        snprintf(t->url, sizeof t->url, "sqlite:%s/retry-%lld.db", t->dir, (long long)round);
        assert_int_equal(pipe(ends), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(ends[0]);
            child(t, ends[1]);
        }
        close(ends[1]);
        for (int i = 0; i < calls; i++) {
            assert_int_equal(read(ends[0], &byte, 1), 1);
        }
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        CHECK(WIFSIGNALED(status));
        while (read(ends[0], &byte, 1) == 1) {
            calls++;
        }
        close(ends[0]);
        lt_open(t);
        for (int i = 0; i < calls + 2; i++) { /* one more may be in without having been answered */
            sw_str key = pool_printf(t->pool, "key %d", i);
            sw_retry retry = retry_of("r", key.ptr, "0000000000000000");
            sw_actor actor = t->a;
            sw_step_entry e[3] = {{.step = {.model = SW_STR("m")}}};
            sw_outcome o[3];
            e[1] = e[2] = e[0];
            actor.retry = &retry;
            OK(sw_step_log(t->ledger, &actor, e, 3, true, o, &t->err));
            repeated += o[0].verdict == SW_VERDICT_UNCHANGED;
            SAME(o[1].verdict, o[0].verdict);
            SAME(o[2].verdict, o[0].verdict);
        }
        CHECK(repeated == calls || repeated == calls + 1);
        SAME(rows_of(t, SW_RECORD_STEP), 3 * (calls + 2));
        CLEAN();
        lt_close(t);
    }
}

static const lt_case cases[] = {
    {"the same call makes the same", the_same_call_makes_the_same, 0},
    {"in parts", in_parts, 0},
    {"other content is a conflict", other_content_is_a_conflict, 0},
    {"keys do not meet", keys_do_not_meet, 0},
    {"what was refused leaves no key", what_was_refused_leaves_no_key, 0},
    {"every verb", every_verb, LT_CLOCK},
    {"messages that are attached", messages_that_are_attached, 0},
    {"a key is kept for a day", a_key_is_kept_for_a_day, LT_CLOCK},
    {"bad keys are refused", bad_keys_are_refused, 0},
    {"killed between", killed_between, LT_DISK | LT_CLOSED},
};

LT_MAIN("retry", cases)
