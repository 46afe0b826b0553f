/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions: a change is one delivery to each who asked, written with the change; what changes nothing tells
 * nobody. What becomes of a delivery then: test_deliveries.c.
 */
#include "model/model.h"
#include "tests/ledger/deliveries.h"

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

/* ---- the operator -------------------------------------------------------------------------------- */

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
    {"the operator is told of all", the_operator_is_told_of_all, 0},
    {"bad subscriptions are refused", bad_subscriptions_are_refused, 0},
    {"there is a bound", there_is_a_bound, 0},
    {"another process subscribes", another_process_subscribes, LT_DISK},
};

LT_MAIN("subscriptions", cases)
