/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions and deliveries: a change is one delivery to each who asked, written with the
 * change; it is claimed by one caller at a time, tried again for a day with growing distance, and
 * told what became of it.
 */
#include "model/model.h"
#include "tests/lib/lt.h"

#include <sqlite3.h>
#include <stdio.h>

#define SECOND INT64_C(1000000)

/* ---- short ways ---------------------------------------------------------------------------------- */

static sw_str subscribe(lt *t, const sw_actor *actor, unsigned n, const char *events,
                        const char *project)
{
    sw_subscription row = {.id = lt_id(t, "sub", n), .url = SW_STR("https://example.org/hook")};
    sw_outcome o;
    row.events = events ? sw_str_from(events) : SW_NULL_STR;
    row.project_id = project ? sw_str_from(project) : SW_NULL_STR;
    OK(sw_record_create(t->ledger, actor, SW_RECORD_SUBSCRIPTION, &row, &o, &t->err));
    VERDICT(o, CREATED);
    return row.id;
}

static lt_rows deliveries(lt *t, const sw_actor *actor)
{
    sw_list_query q = {.limit = -1, .ascending = true};
    return lt_list(t, actor, SW_RECORD_DELIVERY, &q);
}

static const sw_delivery *only(lt *t, const sw_actor *actor)
{
    lt_rows rows = deliveries(t, actor);
    SAME(rows.count, 1);
    return rows.at[0];
}

static sw_delivery get_delivery(lt *t, sw_str id)
{
    sw_delivery d;
    OK(sw_get(t->ledger, &t->operator_, SW_RECORD_DELIVERY, id, t->memory, &d, &t->err));
    return d;
}

static size_t claim(lt *t, int64_t limit, sw_delivery **out)
{
    size_t count = 0;
    sw_delivery *rows = NULL;
    OK(sw_delivery_claim(t->ledger, limit, 60, t->memory, &rows, &count, &t->err));
    if (out) {
        *out = rows;
    }
    return count;
}

static void report(lt *t, sw_str id, int64_t code, const char *error, bool permanent)
{
    sw_attempt a = {.started_at_us = t->wall, .duration_ns = 1000, .status_code = code};
    a.error = error ? sw_str_from(error) : SW_NULL_STR;
    a.permanent = permanent;
    OK(sw_delivery_report(t->ledger, id, &a, &t->err));
}

static void end_step(lt *t, unsigned n, int64_t status)
{
    sw_step_entry e = {.step = {.status = sw_int_of(status)}};
    sw_outcome o;
    OK(sw_step_end(t->ledger, &t->a, lt_id(t, "step", n), &e, &o, &t->err));
    VERDICT(o, UPDATED);
}

static void pending(lt *t, unsigned n)
{
    sw_step_entry e = {.step = lt_pending(t, n)};
    lt_log_entry(t, &t->a, &e);
}

static sw_run run_with_callback(lt *t, unsigned n)
{
    sw_run run = {.id = lt_id(t, "run", n), .callback_url = SW_STR("http://example.org/cb")};
    sw_outcome o;
    run.agent_id = lt_agent(t, &t->a, n);
    OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    return run;
}

static void finish_run(lt *t, sw_str id, int64_t status)
{
    sw_run v = {.status = sw_int_of(status), .stop_reason = SW_STR("requires_approval")};
    sw_outcome o;
    OK(sw_run_update(t->ledger, &t->a, id, &v,
                     SW_FIELD_BIT(SW_RUN_STATUS) | SW_FIELD_BIT(SW_RUN_STOP_REASON), &o, &t->err));
}

/* ---- which events -------------------------------------------------------------------------------- */

/* What happens to a step, and what each list of events is told of it. */
static void step_case(lt *t, unsigned n, const char *what)
{
    sw_feedback_change good = {.set_feedback = true, .feedback = sw_int_of(SW_FEEDBACK_POSITIVE)};
    sw_step s = lt_step(t, n);
    sw_outcome o;
    if (strcmp(what, "logged") == 0) {
        lt_log(t, &t->a, &s);
    } else if (strcmp(what, "failed") == 0) {
        pending(t, n);
        end_step(t, n, SW_STEP_STATUS_FAILED);
    } else if (strcmp(what, "cancelled") == 0) {
        pending(t, n);
        end_step(t, n, SW_STEP_STATUS_CANCELLED);
    } else if (strcmp(what, "abandoned") == 0) {
        pending(t, n);
        lt_advance(t, SW_LIMIT_LEASE_SECONDS_DEFAULT + 1, SW_LIMIT_LEASE_SECONDS_DEFAULT + 1);
        OK(sw__ledger_reap(t->ledger, NULL, &t->err));
    } else {
        lt_log(t, &t->a, &s);
        OK(sw_step_feedback(t->ledger, &t->a, s.id, &good, &o, &t->err));
    }
}

static void an_event_has_its_name(lt *t)
{
    /* clang-format off: rows of data line up as their reader needs */
    static const struct {
        const char *what, *events, *told;
    } rows[] = {
        {"logged", "[\"step.success\"]", "step.success"},
        {"logged", "[\"step.failed\"]", NULL},
        {"logged", "[\"step.completed\"]", "step.completed"},
        {"logged", "[\"step.completed\",\"step.success\"]", "step.success"},
        {"logged", NULL, "step.success"},
        {"failed", "[\"step.failed\"]", "step.failed"},
        {"failed", "[\"step.success\",\"run.failed\"]", NULL},
        {"cancelled", "[\"step.cancelled\"]", "step.cancelled"},
        {"cancelled", "[\"step.completed\"]", "step.completed"},
        {"abandoned", "[\"step.abandoned\"]", "step.abandoned"},
        {"abandoned", "[\"step.failed\"]", "step.failed"},
        {"abandoned", "[\"step.completed\"]", "step.completed"},
        {"abandoned", "[\"step.success\"]", NULL},
        {"feedback", "[\"step.feedback\"]", "step.feedback"},
        {"feedback", "[\"run.completed\"]", NULL},
    };
    /* clang-format on */
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sw_str id = subscribe(t, &t->a, 100 + i, rows[i].events, NULL);
        sw_outcome o;
        lt_rows told;
        step_case(t, 100 + i, rows[i].what);
        told = deliveries(t, &t->a);
        if (told.count != (rows[i].told != NULL)) {
            SAY("%s, asked for %s: %zu deliveries", rows[i].what, rows[i].events, told.count);
        }
        if (told.count == 1) {
            const sw_delivery *d = told.at[0];
            TEXT(sw_str_from(sw_enum_word(SW_ENUM_event, d->event.value)), rows[i].told);
            TEXT(d->record_id, lt_id(t, "step", 100 + i).ptr);
            TEXT(d->subscription_id, id.ptr);
            TEXT(d->url, "https://example.org/hook");
            SAME(d->seq.value, lt_head(t, &t->a));
            SAME(d->record.value, SW_RECORD_STEP);
            SAME(d->state.value, SW_DELIVERY_STATE_PENDING);
        }
        CLEAN();
        OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, id, &o, &t->err));
        SAME(deliveries(t, &t->a).count, 0); /* gone with it */
    }
}

static void a_run_tells_too(lt *t)
{
    sw_run run = {.id = lt_id(t, "run", 1), .agent_id = lt_agent(t, &t->a, 1)};
    sw_outcome o;
    subscribe(t, &t->a, 1, "[\"run.completed\",\"run.cancelled\"]", NULL);
    OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    finish_run(t, run.id, SW_RUN_STATUS_RUNNING);
    SAME(deliveries(t, &t->a).count, 0);
    finish_run(t, run.id, SW_RUN_STATUS_COMPLETED);
    SAME(only(t, &t->a)->event.value, SW_EVENT_RUN_COMPLETED);
    OK(sw_run_cancel(t->ledger, &t->a, run.id, &o, &t->err)); /* legal after requires_approval */
    SAME(deliveries(t, &t->a).count, 2);
    run.id = lt_id(t, "run", 2);
    run.status = sw_int_of(SW_RUN_STATUS_COMPLETED); /* had ended when it was recorded */
    OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    SAME(deliveries(t, &t->a).count, 3);
    run.id = lt_id(t, "run", 3);
    run.source = sw_int_of(SW_SOURCE_ADOPTED);
    OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    SAME(deliveries(t, &t->a).count, 3);
    CLEAN();
}

static void each_subscription_once_and_only_its_own(lt *t)
{
    sw_step s = lt_step(t, 1), other = lt_step(t, 2), theirs = lt_step(t, 3);
    lt_rows rows;
    subscribe(t, &t->a, 1, NULL, NULL);
    subscribe(t, &t->a, 2, NULL, "p1");
    subscribe(t, &t->b, 3, NULL, NULL);
    s.project_id = SW_STR("p1");
    lt_log(t, &t->a, &s);
    SAME(deliveries(t, &t->a).count, 2);
    lt_log(t, &t->a, &other); /* of no project */
    rows = deliveries(t, &t->a);
    SAME(rows.count, 3);
    TEXT(((const sw_delivery *)rows.at[0])->project_id, "p1");
    SAME(deliveries(t, &t->b).count, 0);
    lt_log(t, &t->b, &theirs);
    SAME(only(t, &t->b)->record_id.len, theirs.id.len);
    SAME(deliveries(t, &t->a).count, 3);
    CLEAN();
}

static void what_changes_nothing_tells_nobody(lt *t)
{
    sw_step s = lt_step(t, 1), adopted = lt_step(t, 2), imported = lt_pending(t, 3);
    sw_step_entry e = {.step = s}, said = {.step = {.source = sw_int_of(SW_SOURCE_OTLP)}};
    sw_outcome o;
    subscribe(t, &t->a, 1, NULL, NULL);
    lt_log(t, &t->a, &s);
    VERDICT(lt_try(t, &t->a, &e), UNCHANGED);
    adopted.source = sw_int_of(SW_SOURCE_ADOPTED);
    lt_log(t, &t->a, &adopted);
    imported.source = sw_int_of(SW_SOURCE_OTLP);
    lt_log(t, &t->a, &imported);
    SAME(deliveries(t, &t->a).count, 1);
    said.step.id = imported.id; /* restated: the source says that it ended */
    said.step.status = sw_int_of(SW_STEP_STATUS_SUCCESS);
    OK(sw_step_restate(t->ledger, &t->a, &said, &o, &t->err));
    VERDICT(o, UPDATED);
    SAME(deliveries(t, &t->a).count, 1);
    e.step = lt_step(t, 4);
    e.step.prompt_tokens = sw_int_of(-1);
    VERDICT(lt_try(t, &t->a, &e), REJECTED);
    SAME(deliveries(t, &t->a).count, 1);
    CLEAN();
}

/* A batch of which one item sinks all: neither steps nor deliveries are there. */
static void a_batch_that_sinks_tells_nobody(lt *t)
{
    sw_step_entry e[3] = {
        {.step = lt_step(t, 1)}, {.step = lt_step(t, 2)}, {.step = lt_step(t, 3)}};
    sw_outcome o[3];
    subscribe(t, &t->a, 1, NULL, NULL);
    e[2].step.prompt_tokens = sw_int_of(-1);
    CHECK(sw_step_log(t->ledger, &t->a, e, 3, true, o, &t->err) != SW_STATUS_OK);
    SAME(deliveries(t, &t->a).count, 0);
    e[2].step.prompt_tokens = sw_int_of(1);
    OK(sw_step_log(t->ledger, &t->a, e, 3, true, o, &t->err));
    SAME(deliveries(t, &t->a).count, 3);
    CLEAN();
}

static void switching_it_off_and_on(lt *t)
{
    sw_str id = subscribe(t, &t->a, 1, "[\"step.failed\"]", NULL);
    sw_step s = lt_step(t, 1);
    sw_subscription v = {.events = SW_STR("[]"), .is_active = sw_int_of(0)};
    sw_delivery *got = NULL;
    sw_outcome o;
    OK(sw_record_update(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, id, &v,
                        SW_FIELD_BIT(SW_SUBSCRIPTION_EVENTS), &o, &t->err));
    lt_log(t, &t->a, &s);
    SAME(deliveries(t, &t->a).count, 1);
    OK(sw_record_update(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, id, &v,
                        SW_FIELD_BIT(SW_SUBSCRIPTION_IS_ACTIVE), &o, &t->err));
    s = lt_step(t, 2);
    lt_log(t, &t->a, &s);
    SAME(deliveries(t, &t->a).count, 1);
    SAME(claim(t, 10, NULL), 0); /* waits while it is off */
    SAME(only(t, &t->a)->state.value, SW_DELIVERY_STATE_PENDING);
    v.is_active = sw_int_of(1);
    v.url = SW_STR("https://example.org/moved");
    OK(sw_record_update(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, id, &v,
                        SW_FIELD_BIT(SW_SUBSCRIPTION_IS_ACTIVE) | SW_FIELD_BIT(SW_SUBSCRIPTION_URL),
                        &o, &t->err));
    lt_advance(t, 10, 10);
    SAME(claim(t, 10, &got), 1);
    TEXT(got[0].url, "https://example.org/moved");
    CLEAN();
}

/* ---- the life of one ----------------------------------------------------------------------------- */

static void claimed_by_one_at_a_time(lt *t)
{
    sw_delivery *got = NULL;
    sw_int due = SW_NULL_INT;
    subscribe(t, &t->a, 1, NULL, NULL);
    OK(sw_delivery_next(t->ledger, &due, &t->err));
    CHECK(!due.known);
    SAME(claim(t, 10, NULL), 0);
    for (unsigned n = 1; n <= 5; n++) {
        sw_step s = lt_step(t, n);
        lt_log(t, &t->a, &s);
    }
    OK(sw_delivery_next(t->ledger, &due, &t->err));
    CHECK(due.known && due.value <= t->wall);
    SAME(claim(t, 3, &got), 3);
    CHECK(got[0].claimed_until.value == t->wall + 60 * SECOND);
    SAME(claim(t, 10, NULL), 2);
    SAME(claim(t, 10, NULL), 0);
    OK(sw_delivery_next(t->ledger, &due, &t->err));
    SAME(due.value, t->wall + 60 * SECOND);
    lt_advance(t, 61, 61); /* whoever claimed them has died */
    SAME(claim(t, 10, NULL), 5);
    CLEAN();
}

static void delivered(lt *t)
{
    sw_delivery d;
    sw_delivery *got = NULL;
    sw_list_query all = {.limit = -1};
    lt_rows attempts;
    sw_step s = lt_step(t, 1);
    subscribe(t, &t->a, 1, NULL, NULL);
    lt_log(t, &t->a, &s);
    SAME(claim(t, 10, &got), 1);
    report(t, got[0].id, 204, NULL, false);
    d = get_delivery(t, got[0].id);
    SAME(d.state.value, SW_DELIVERY_STATE_DELIVERED);
    SAME(d.attempts.value, 1);
    SAME(d.status_code.value, 204);
    SAME(d.delivered_at.value, t->wall);
    CHECK(!d.next_attempt_at.known && !d.claimed_until.known);
    attempts = lt_list(t, &t->a, SW_RECORD_DELIVERY_ATTEMPT, &all);
    SAME(attempts.count, 1);
    SAME(((const sw_delivery_attempt *)attempts.at[0])->number.value, 1);
    SAME(((const sw_delivery_attempt *)attempts.at[0])->duration_ns.value, 1000);
    SAME(lt_list(t, &t->b, SW_RECORD_DELIVERY_ATTEMPT, &all).count, 0);
    CLEAN();
    lt_advance(t, SW_LIMIT_DELIVERY_KEEP_SECONDS - 10, 1);
    OK(sw__ledger_tend(t->ledger, &t->err));
    SAME(deliveries(t, &t->a).count, 1);
    lt_advance(t, 11, 1);
    OK(sw__ledger_tend(t->ledger, &t->err));
    SAME(deliveries(t, &t->a).count, 0);
    SAME(lt_list(t, &t->a, SW_RECORD_DELIVERY_ATTEMPT, &all).count, 0);
    CLEAN();
}

/* Five seconds, doubled each time up to an hour, each at most a quarter shorter; given up after a
 * day. */
static void tried_again_for_a_day(lt *t)
{
    int64_t begin = t->wall, wait = 5;
    sw_step s = lt_step(t, 1);
    sw_str id = SW_NULL_STR;
    int attempts = 0;
    subscribe(t, &t->a, 1, NULL, NULL);
    lt_log(t, &t->a, &s);
    id = pool_printf(t->pool, "%.*s", (int)only(t, &t->a)->id.len, only(t, &t->a)->id.ptr);
    for (;;) {
        sw_delivery d;
        SAME(claim(t, 1, NULL), 1);
        report(t, id, attempts % 2 ? 500 : 0, attempts % 2 ? NULL : "no route to host", false);
        attempts++;
        d = get_delivery(t, id);
        SAME(d.attempts.value, attempts);
        SAME(d.status_code.known, attempts % 2 == 0);
        TEXT(d.error, attempts % 2 ? "no route to host" : NULL);
        if (d.state.value != SW_DELIVERY_STATE_PENDING) {
            SAME(d.state.value, SW_DELIVERY_STATE_FAILED);
            break;
        }
        CHECK(d.next_attempt_at.value - t->wall <= wait * SECOND);
        CHECK(d.next_attempt_at.value - t->wall >= wait * SECOND * 3 / 4);
        SAME(claim(t, 1, NULL), 0);
        wait = wait * 2 < 3600 ? wait * 2 : 3600;
        __atomic_store_n(&t->wall, d.next_attempt_at.value, __ATOMIC_SEQ_CST);
        CHECK(t->wall - begin <= 86400 * SECOND);
    }
    CHECK(t->wall - begin > (86400 - 3600) * SECOND);
    CHECK(attempts >= 10 + 22); /* ten that double, then one an hour */
    SAME(claim(t, 1, NULL), 0);
    CLEAN();
}

static void given_up_at_once(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_delivery *got = NULL;
    subscribe(t, &t->a, 1, NULL, NULL);
    lt_log(t, &t->a, &s);
    SAME(claim(t, 1, &got), 1);
    report(t, got[0].id, 0, "the target is not allowed", true);
    SAME(only(t, &t->a)->state.value, SW_DELIVERY_STATE_FAILED);
    TEXT(only(t, &t->a)->error, "the target is not allowed");
    CLEAN();
}

static void once_more_by_hand(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_delivery *got = NULL;
    sw_str id = SW_NULL_STR;
    sw_outcome o;
    subscribe(t, &t->a, 1, NULL, NULL);
    lt_log(t, &t->a, &s);
    SAME(claim(t, 1, &got), 1);
    id = got[0].id;
    report(t, id, 200, NULL, false);
    IS(SW_STATUS_NOT_FOUND, sw_delivery_again(t->ledger, &t->b, id, &o, &t->err));
    OK(sw_delivery_again(t->ledger, &t->a, id, &o, &t->err));
    VERDICT(o, UPDATED);
    lt_advance(t, 90000, 90000); /* also when its day has passed */
    SAME(claim(t, 1, &got), 1);
    CHECK(sw_str_eq(got[0].id, id)); /* the same id, so that the listener knows it */
    report(t, id, 503, NULL, false);
    SAME(get_delivery(t, id).state.value, SW_DELIVERY_STATE_FAILED);
    SAME(get_delivery(t, id).attempts.value, 2);
    report(t, id, 200, NULL, false); /* a late answer of somebody who had claimed it too */
    SAME(get_delivery(t, id).state.value, SW_DELIVERY_STATE_DELIVERED);
    IS(SW_STATUS_NOT_FOUND,
       sw_delivery_again(t->ledger, &t->a, lt_id(t, "delivery", 7), &o, &t->err));
    CLEAN();
}

static void a_test_delivery(lt *t)
{
    sw_str id = subscribe(t, &t->a, 1, "[\"step.failed\"]", NULL);
    sw_outcome o;
    sw_delivery d;
    OK(sw_subscription_test(t->ledger, &t->a, id, &o, &t->err));
    VERDICT(o, CREATED);
    d = get_delivery(t, sw_str_from(o.id));
    SAME(d.event.value, SW_EVENT_TEST);
    CHECK(!d.record_id.ptr);
    IS(SW_STATUS_NOT_FOUND, sw_subscription_test(t->ledger, &t->b, id, &o, &t->err));
    CLEAN();
}

/* ---- callbacks ----------------------------------------------------------------------------------- */

static void a_run_calls_back_once(lt *t)
{
    sw_run run = run_with_callback(t, 1), row;
    sw_delivery *got = NULL;
    sw_str none = SW_STR("?");
    finish_run(t, run.id, SW_RUN_STATUS_RUNNING);
    SAME(deliveries(t, &t->a).count, 0);
    finish_run(t, run.id, SW_RUN_STATUS_COMPLETED);
    SAME(claim(t, 5, &got), 1);
    TEXT(got[0].url, "http://example.org/cb");
    TEXT(got[0].run_id, run.id.ptr);
    SAME(got[0].event.value, SW_EVENT_RUN_COMPLETED);
    CHECK(!got[0].subscription_id.ptr);
    OK(sw_delivery_secret(t->ledger, &got[0], t->memory, &none, &t->err));
    CHECK(!none.ptr);
    report(t, got[0].id, 0, "timed out", false);
    row = lt_get_run(t, &t->a, run.id);
    SAME(row.callback_sent_at.value, t->wall);
    CHECK(!row.callback_status_code.known);
    TEXT(row.callback_error, "timed out");
    lt_advance(t, 10, 10);
    SAME(claim(t, 5, &got), 1);
    report(t, got[0].id, 202, NULL, false);
    row = lt_get_run(t, &t->a, run.id);
    SAME(row.callback_status_code.value, 202);
    TEXT(row.callback_error, NULL);
    finish_run(t, run.id, SW_RUN_STATUS_CANCELLED); /* had ended before */
    SAME(deliveries(t, &t->a).count, 1);
    CLEAN();
}

static void a_deleted_run_calls_nobody(lt *t)
{
    sw_run run = run_with_callback(t, 1);
    sw_outcome o;
    finish_run(t, run.id, SW_RUN_STATUS_FAILED);
    SAME(deliveries(t, &t->a).count, 1);
    OK(sw_run_delete(t->ledger, &t->a, run.id, &o, &t->err));
    SAME(claim(t, 5, NULL), 0);
    CLEAN();
}

/* ---- secrets and the operator -------------------------------------------------------------------- */

static void the_secret_is_sealed(lt *t)
{
    sw_subscription row = {.id = lt_id(t, "sub", 1), .url = SW_STR("https://example.org/")};
    sw_subscription got;
    sw_str secret = SW_NULL_STR;
    sw_list_query all = {.limit = -1};
    lt_rows rows;
    sw_outcome o;
    row.secret = SW_STR("whsec_1234");
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, &row, &o, &t->err));
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, &row, &o, &t->err));
    VERDICT(o, UNCHANGED);
    OK(sw_get(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, row.id, t->memory, &got, &t->err));
    CHECK(!got.secret.ptr && !got.secret_enc.ptr);
    rows = lt_list(t, &t->a, SW_RECORD_SUBSCRIPTION, &all);
    SAME(rows.count, 1);
    CHECK(!((const sw_subscription *)rows.at[0])->secret.ptr);
    CHECK(!((const sw_subscription *)rows.at[0])->secret_enc.ptr);
    OK(sw_subscription_test(t->ledger, &t->a, row.id, &o, &t->err));
    OK(sw_delivery_secret(t->ledger, only(t, &t->a), t->memory, &secret, &t->err));
    TEXT(secret, "whsec_1234");
    row.secret = SW_STR("whsec_other");
    OK(sw_record_update(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, row.id, &row,
                        SW_FIELD_BIT(SW_SUBSCRIPTION_SECRET), &o, &t->err));
    OK(sw_delivery_secret(t->ledger, only(t, &t->a), t->memory, &secret, &t->err));
    TEXT(secret, "whsec_other");
}

static void the_operator_is_told_of_all(lt *t)
{
    sw_actor home = {0};
    sw_step a = lt_step(t, 1), b = lt_step(t, 2);
    sw_subscription theirs = {.url = SW_STR("https://example.org/"),
                              .kind = sw_int_of(SW_SUBSCRIPTION_KIND_STEP_WEBHOOK)};
    sw_str key = SW_NULL_STR;
    sw_outcome o;
    lt_rows rows;
    OK(sw_operator_webhook(t->ledger, SW_STR("http://127.0.0.1:9/w"), SW_STR("k1"), &t->err));
    lt_log(t, &t->a, &a);
    lt_log(t, &t->b, &b);
    rows = deliveries(t, &home);
    SAME(rows.count, 2);
    SAME(deliveries(t, &t->a).count, 0); /* nobody else learns that he listens */
    SAME(((const sw_delivery *)rows.at[0])->event.value, SW_EVENT_STEP_COMPLETED);
    OK(sw_delivery_secret(t->ledger, rows.at[0], t->memory, &key, &t->err));
    TEXT(key, "k1");
    IS(SW_STATUS_INVALID,
       sw_record_create(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, &theirs, &o, &t->err));
    NAMES(&t->err, "kind");
    OK(sw_operator_webhook(t->ledger, SW_STR("http://127.0.0.1:9/w"), SW_STR("k1"), &t->err));
    SAME(deliveries(t, &home).count, 2);
    OK(sw_operator_webhook(t->ledger, SW_STR("http://127.0.0.1:9/x"), SW_NULL_STR, &t->err));
    OK(sw_delivery_secret(t->ledger, rows.at[0], t->memory, &key, &t->err));
    CHECK(!key.ptr);
    b = lt_step(t, 3);
    lt_log(t, &t->b, &b);
    SAME(deliveries(t, &home).count, 3);
    CLEAN();
    OK(sw_operator_webhook(t->ledger, SW_NULL_STR, SW_NULL_STR, &t->err));
    SAME(deliveries(t, &home).count, 0);
    b = lt_step(t, 4);
    lt_log(t, &t->b, &b);
    SAME(deliveries(t, &home).count, 0);
    CLEAN();
}

/* ---- what is refused ----------------------------------------------------------------------------- */

static void bad_subscriptions_are_refused(lt *t)
{
    /* clang-format off: rows of data line up as their reader needs */
    static const struct {
        const char *url, *events, *named;
    } rows[] = {
        {NULL, "[]", "url"},
        {"", "[]", "url"},
        {"ftp://example.org", "[]", "url"},
        {"https://", "[]", "url"},
        {"https://a b/", "[]", "url"},
        {"https://example.org\n", "[]", "url"},
        {"https://example.org", "[\"step.began\"]", "events"},
        {"https://example.org", "[1]", "events"},
        {"https://example.org", "{}", "events"},
    };
    /* clang-format on */
    sw_outcome o;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sw_subscription row = {.events = sw_str_from(rows[i].events)};
        row.url = rows[i].url ? sw_str_from(rows[i].url) : SW_NULL_STR;
        IS(SW_STATUS_INVALID,
           sw_record_create(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, &row, &o, &t->err));
        VERDICT(o, REJECTED);
        NAMES(&t->err, rows[i].named);
    }
    subscribe(t, &t->a, 1, NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sw_subscription v = {.events = sw_str_from(rows[i].events)};
        v.url = rows[i].url ? sw_str_from(rows[i].url) : SW_NULL_STR;
        IS(SW_STATUS_INVALID,
           sw_record_update(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, lt_id(t, "sub", 1), &v,
                            SW_FIELD_BIT(SW_SUBSCRIPTION_URL) |
                                SW_FIELD_BIT(SW_SUBSCRIPTION_EVENTS),
                            &o, &t->err));
    }
}

static void deliveries_have_verbs_of_their_own(lt *t)
{
    sw_delivery d = {.url = SW_STR("http://x/")};
    sw_attempt a = {.status_code = 1000};
    size_t count = 0;
    sw_delivery *out = NULL;
    sw_outcome o;
    IS(SW_STATUS_UNSUPPORTED,
       sw_record_create(t->ledger, &t->a, SW_RECORD_DELIVERY, &d, &o, &t->err));
    IS(SW_STATUS_UNSUPPORTED, sw_record_delete(t->ledger, &t->a, SW_RECORD_DELIVERY,
                                               lt_id(t, "delivery", 1), &o, &t->err));
    IS(SW_STATUS_INVALID, sw_delivery_report(t->ledger, lt_id(t, "delivery", 1), &a, &t->err));
    a.status_code = 200;
    IS(SW_STATUS_NOT_FOUND, sw_delivery_report(t->ledger, lt_id(t, "delivery", 1), &a, &t->err));
    IS(SW_STATUS_INVALID_ID, sw_delivery_report(t->ledger, SW_STR("x"), &a, &t->err));
    IS(SW_STATUS_INVALID, sw_delivery_claim(t->ledger, 0, 60, t->memory, &out, &count, &t->err));
    IS(SW_STATUS_INVALID,
       sw_delivery_claim(t->ledger, 1, 999999, t->memory, &out, &count, &t->err));
}

/* So many and no more: the writer holds them in memory. */
static void there_is_a_bound(lt *t)
{
    sw_subscription row = {.url = SW_STR("https://example.org/")};
    sw_outcome o;
    for (int i = 0; i < SW_LIMIT_SUBSCRIPTIONS; i++) {
        OK(sw_record_create(t->ledger, &t->a, SW_RECORD_SUBSCRIPTION, &row, &o, &t->err));
    }
    IS(SW_STATUS_TOO_LARGE,
       sw_record_create(t->ledger, &t->b, SW_RECORD_SUBSCRIPTION, &row, &o, &t->err));
    step_case(t, 1, "logged");
    SAME(deliveries(t, &t->a).count, SW_LIMIT_SUBSCRIPTIONS);
    CLEAN();
}

/* ---- what verify sees ---------------------------------------------------------------------------- */

static void see(void *arg, const sw_difference *d)
{
    *(int *)arg += strcmp(d->kind, "delivery") == 0;
}

static void verify_sees_what_does_not_agree(lt *t)
{
    static const char *const damage[][2] = {
        {"update deliveries_data set attempts = 3", "update deliveries_data set attempts = 0"},
        {"update deliveries_data set state = 2", "update deliveries_data set state = 0"},
        {"update deliveries_data set forget_at = 5", "update deliveries_data set forget_at = null"},
    };
    sw_step s = lt_step(t, 1);
    subscribe(t, &t->a, 1, NULL, NULL);
    lt_log(t, &t->a, &s);
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        int seen = 0;
        sw_verify_options options = {.difference = see, .arg = &seen};
        sw_verify_end end;
        sqlite3 *db = NULL;
        CLEAN();
        assert_int_equal(sqlite3_open(t->url + strlen("sqlite:"), &db), SQLITE_OK);
        sqlite3_busy_timeout(db, 5000);
        assert_int_equal(sqlite3_exec(db, damage[i][0], NULL, NULL, NULL), SQLITE_OK);
        IS(SW_STATUS_DIFFERS, sw_verify(t->ledger, &options, &end, &t->err));
        CHECK(seen > 0);
        assert_int_equal(sqlite3_exec(db, damage[i][1], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
    }
    CLEAN();
}

/* ---- two processes ------------------------------------------------------------------------------- */

static void another_process_subscribes(lt *t)
{
    lt other = *t;
    sw_step s = lt_step(t, 1);
    sw_str id = SW_NULL_STR;
    sw_outcome o;
    other.ledger = NULL;
    OK(lt_try_open(&other));
    lt_log(t, &t->a, &s); /* both have looked, and nobody had subscribed */
    s = lt_step(t, 2);
    lt_log(&other, &t->a, &s);
    id = subscribe(&other, &t->a, 1, NULL, NULL);
    s = lt_step(t, 3);
    lt_log(t, &t->a, &s);
    SAME(deliveries(t, &t->a).count, 1);
    OK(sw_record_delete(other.ledger, &t->a, SW_RECORD_SUBSCRIPTION, id, &o, &t->err));
    s = lt_step(t, 4);
    lt_log(t, &t->a, &s);
    SAME(deliveries(t, &t->a).count, 0);
    lt_close(&other);
}

static const lt_case cases[] = {
    {"an event has its name", an_event_has_its_name, LT_CLOCK},
    {"a run tells too", a_run_tells_too, 0},
    {"each subscription once, and only its own", each_subscription_once_and_only_its_own, 0},
    {"what changes nothing tells nobody", what_changes_nothing_tells_nobody, 0},
    {"a batch that sinks tells nobody", a_batch_that_sinks_tells_nobody, 0},
    {"switching it off and on", switching_it_off_and_on, LT_CLOCK},
    {"claimed by one at a time", claimed_by_one_at_a_time, LT_CLOCK},
    {"delivered", delivered, LT_CLOCK},
    {"tried again for a day", tried_again_for_a_day, LT_CLOCK},
    {"given up at once", given_up_at_once, LT_CLOCK},
    {"once more by hand", once_more_by_hand, LT_CLOCK},
    {"a test delivery", a_test_delivery, LT_CLOCK},
    {"a run calls back once", a_run_calls_back_once, LT_CLOCK},
    {"a deleted run calls nobody", a_deleted_run_calls_nobody, LT_CLOCK},
    {"the secret is sealed", the_secret_is_sealed, 0},
    {"the operator is told of all", the_operator_is_told_of_all, 0},
    {"bad subscriptions are refused", bad_subscriptions_are_refused, 0},
    {"deliveries have verbs of their own", deliveries_have_verbs_of_their_own, 0},
    {"there is a bound", there_is_a_bound, 0},
    {"verify sees what does not agree", verify_sees_what_does_not_agree, LT_DISK},
    {"another process subscribes", another_process_subscribes, LT_DISK},
};

LT_MAIN("deliveries", cases)
