/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a delivery: it is claimed by one caller at a time, tried again for a day with growing distance, and told
 * what became of it. Which change becomes a delivery to whom: test_subscriptions.c.
 */
#include "model/model.h"
#include "tests/ledger/deliveries.h"

#include <sqlite3.h>
#include <stdio.h>

#define SECOND INT64_C(1000000)

static sw_delivery get_delivery(lt *t, sw_str id)
{
    sw_delivery d;
    OK(sw_get(t->ledger, &t->operator_, SW_RECORD_DELIVERY, id, t->memory, &d, &t->err));
    return d;
}

static void report(lt *t, sw_str id, int64_t code, const char *error, bool permanent)
{
    sw_attempt a = {.started_at_us = t->wall, .duration_ns = 1000, .status_code = code};
    a.error = error ? sw_str_from(error) : SW_NULL_STR;
    a.permanent = permanent;
    OK(sw_delivery_report(t->ledger, id, &a, &t->err));
}

static sw_run run_with_callback(lt *t, unsigned n)
{
    sw_run run = {.id = lt_id(t, "run", n), .callback_url = SW_STR("http://example.org/cb")};
    sw_outcome o;
    run.agent_id = lt_agent(t, &t->a, n);
    OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    return run;
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

/* ---- secrets ------------------------------------------------------------------------------------- */

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

/* ---- what is refused ----------------------------------------------------------------------------- */

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

static const lt_case cases[] = {
    {"claimed by one at a time", claimed_by_one_at_a_time, LT_CLOCK},
    {"delivered", delivered, LT_CLOCK},
    {"tried again for a day", tried_again_for_a_day, LT_CLOCK},
    {"given up at once", given_up_at_once, LT_CLOCK},
    {"once more by hand", once_more_by_hand, LT_CLOCK},
    {"a test delivery", a_test_delivery, LT_CLOCK},
    {"a run calls back once", a_run_calls_back_once, LT_CLOCK},
    {"a deleted run calls nobody", a_deleted_run_calls_nobody, LT_CLOCK},
    {"the secret is sealed", the_secret_is_sealed, 0},
    {"deliveries have verbs of their own", deliveries_have_verbs_of_their_own, 0},
    {"verify sees what does not agree", verify_sees_what_does_not_agree, LT_DISK},
};

LT_MAIN("deliveries", cases)
