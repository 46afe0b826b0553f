/* SPDX-License-Identifier: Apache-2.0 */
/* Every verb once; see the header. */
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "tests/ledger/probes.h"

sw_str id_of(const ids *id, sw_record_id record)
{
    switch (record) {
    case SW_RECORD_STEP:
    case SW_RECORD_STEP_METRICS:
        return id->step;
    case SW_RECORD_RUN:
    case SW_RECORD_RUN_METRICS:
        return id->run;
    case SW_RECORD_AGENT:
        return id->agent;
    case SW_RECORD_PROJECT:
        return id->project;
    case SW_RECORD_CONVERSATION:
        return id->conversation;
    case SW_RECORD_MESSAGE:
        return id->message;
    case SW_RECORD_PROVIDER_TRACE:
        return id->trace;
    case SW_RECORD_SAVED_VIEW:
        return id->view;
    case SW_RECORD_SUBSCRIPTION:
        return id->subscription;
    case SW_RECORD_API_KEY:
        return id->key;
    case SW_RECORD_DELIVERY:
        return id->delivery;
    default:
        return SW_NULL_STR;
    }
}

#define L p->t->ledger, &p->actor
#define OE &p->outcome, &p->t->err

static sw_status p_get(probe *p)
{
    static union {
        sw_step step;
        sw_run run;
        sw_message message;
        sw_agent agent;
        sw_api_key key;
        sw_delivery delivery;
        sw_run_metrics metrics;
        char room[4096];
    } out;
    return sw_get(L, p->record, id_of(p->id, p->record), p->t->memory, &out, &p->t->err);
}

static bool no_row(void *arg, const void *row)
{
    (void)row;
    (void)arg;
    return true;
}

static sw_status cursor(probe *p, bool after)
{
    sw_list_query q = {.limit = 5};
    *(after ? &q.after : &q.before) = id_of(p->id, p->record);
    return sw_list(L, p->record, &q, no_row, NULL, NULL, &p->t->err);
}

static sw_status p_after(probe *p)
{
    return cursor(p, true);
}

static sw_status p_before(probe *p)
{
    return cursor(p, false);
}

static sw_status p_object(probe *p)
{
    sw_object *object = NULL;
    sw_status s = sw_object_load(L, p->record, id_of(p->id, p->record), NULL, &object, &p->t->err);
    sw_object_free(&object);
    return s;
}

static sw_status p_record_update(probe *p)
{
    static sw_agent agent = {.timezone = {"UTC", 3}};
    static sw_conversation talk = {.summary = {"s", 1}};
    static sw_saved_view view = {.query = {"{\"a\":1}", 7}};
    static sw_subscription sub = {.name = {"n", 1}};
    sw_project project = {.name = pool_printf(p->t->pool, "project %u", p->own->n)};
    const struct {
        sw_record_id record;
        const void *row;
        int field;
    } rows[] = {{SW_RECORD_PROJECT, &project, SW_PROJECT_NAME},
                {SW_RECORD_AGENT, &agent, SW_AGENT_TIMEZONE},
                {SW_RECORD_CONVERSATION, &talk, SW_CONVERSATION_SUMMARY},
                {SW_RECORD_SAVED_VIEW, &view, SW_SAVED_VIEW_QUERY},
                {SW_RECORD_SUBSCRIPTION, &sub, SW_SUBSCRIPTION_NAME}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].record == p->record) {
            return sw_record_update(L, p->record, id_of(p->id, p->record), rows[i].row,
                                    SW_FIELD_BIT(rows[i].field), OE);
        }
    }
    return SW_STATUS_INTERNAL;
}

static sw_status p_record_delete(probe *p)
{
    sw_outcome o;
    if (p->record == SW_RECORD_AGENT) { /* runs hold it */
        if (sw_run_delete(L, p->id->run, &o, &p->t->err) == SW_STATUS_OK) {
            CHECK(p->id == p->own);
        }
        memset(&p->t->err, 0, sizeof p->t->err);
    }
    return sw_record_delete(L, p->record, id_of(p->id, p->record), OE);
}

static sw_status p_end(probe *p)
{
    sw_step_entry e = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    return sw_step_end(L, p->id->step, &e, OE);
}

static sw_status p_update(probe *p)
{
    sw_step v = {.tid = SW_STR("x")};
    return sw_step_update(L, p->id->step, &v, SW_FIELD_BIT(SW_STEP_TID), OE);
}

static sw_status p_renew(probe *p)
{
    return sw_step_renew(L, p->id->step, 0, OE);
}

static sw_status p_feedback(probe *p)
{
    sw_feedback_change c = {.add_tags = SW_STR("[\"x\"]")};
    return sw_step_feedback(L, p->id->step, &c, OE);
}

static sw_status p_metrics(probe *p)
{
    sw_step_metrics m = {.step_ns = sw_int_of(6)};
    return sw_step_metrics_record(L, p->id->step, &m, OE);
}

static sw_status p_attach(probe *p)
{
    sw_message m = lt_message(p->t, p->own->n + 7, "x");
    return sw_step_attach(L, p->id->step, &m, 1, NULL, 0, OE);
}

static sw_status p_retire(probe *p)
{
    return sw_step_retire(L, p->id->imported, p->own->survivor, OE);
}

static sw_status p_retire_into(probe *p)
{
    return sw_step_retire(L, p->own->survivor, p->id->imported, OE);
}

static sw_status p_delete(probe *p)
{
    return sw_step_delete(L, p->id->step, OE);
}

static sw_status p_log_run(probe *p)
{
    sw_step_entry e = {.step = lt_step(p->t, p->own->n + 5)};
    e.step.run_id = p->id->run;
    return sw_step_log(L, &e, 1, false, OE);
}

static sw_status p_metrics_agent(probe *p)
{
    sw_step_metrics m = {.agent_id = p->id->agent};
    return sw_step_metrics_record(L, p->own->imported, &m, OE);
}

static sw_status p_metrics_run(probe *p)
{
    sw_step_metrics m = {.run_id = p->id->run};
    return sw_step_metrics_record(L, p->own->imported, &m, OE);
}

static sw_status p_message_conversation(probe *p)
{
    sw_message m = lt_message(p->t, p->own->n + 8, "x");
    m.conversation_id = p->id->conversation;
    return sw_step_attach(L, p->own->imported, &m, 1, NULL, 0, OE);
}

static sw_status p_run_create(probe *p)
{
    sw_run run = {.id = lt_id(p->t, "run", p->own->n + 5), .agent_id = p->id->agent};
    return sw_run_create(L, &run, OE);
}

static sw_status p_run_conversation(probe *p)
{
    sw_run run = {.id = lt_id(p->t, "run", p->own->n + 5), .agent_id = p->own->agent};
    run.conversation_id = p->id->conversation;
    return sw_run_create(L, &run, OE);
}

static sw_status p_run_update(probe *p)
{
    sw_run v = {.status = sw_int_of(SW_RUN_STATUS_RUNNING)};
    return sw_run_update(L, p->id->run, &v, SW_FIELD_BIT(SW_RUN_STATUS), OE);
}

static sw_status p_run_cancel(probe *p)
{
    return sw_run_cancel(L, p->id->run, OE);
}

static sw_status p_run_delete(probe *p)
{
    return sw_run_delete(L, p->id->run, OE);
}

static sw_status p_run_usage(probe *p)
{
    sw_run_metrics m;
    return sw_run_usage(L, p->id->run, p->t->memory, &m, &p->t->err);
}

static sw_status p_conversation(probe *p)
{
    sw_conversation talk = {.id = lt_id(p->t, "conv", p->own->n + 5), .agent_id = p->id->agent};
    return sw_record_create(L, SW_RECORD_CONVERSATION, &talk, OE);
}

static sw_status p_revoke(probe *p)
{
    return sw_key_revoke(L, p->id->key, OE);
}

static sw_status p_again(probe *p)
{
    return sw_delivery_again(L, p->id->delivery, OE);
}

static sw_status p_test(probe *p)
{
    return sw_subscription_test(L, p->id->subscription, OE);
}

/* clang-format off: rows of data line up as their reader needs */
const verb verbs[VERBS] = {
    {"end", p_end, true},
    {"update", p_update, true},
    {"renew", p_renew, true},
    {"feedback", p_feedback, true},
    {"metrics", p_metrics, true},
    {"attach", p_attach, true},
    {"retire", p_retire, true},
    {"retire into", p_retire_into, true},
    {"delete", p_delete, true},
    {"log with run", p_log_run, true},
    {"metrics with agent", p_metrics_agent, true},
    {"metrics with run", p_metrics_run, true},
    {"message with conversation", p_message_conversation, true},
    {"run create", p_run_create, true},
    {"run with conversation", p_run_conversation, true},
    {"run update", p_run_update, true},
    {"run cancel", p_run_cancel, true},
    {"run delete", p_run_delete, true},
    {"run usage", p_run_usage, false},
    {"conversation with agent", p_conversation, true},
    {"key revoke", p_revoke, true},
    {"delivery again", p_again, true},
    {"subscription test", p_test, true},
};
const verb generic[GENERIC] = {
    {"get", p_get, false},
    {"after", p_after, false},
    {"before", p_before, false},
    {"object", p_object, false},
    {"record update", p_record_update, true},
    {"record delete", p_record_delete, true},
};
/* clang-format on */

/* The answer as text, without what could be a digit, in which the two ids differ. */
static void answer(const probe *p, sw_status status, bool writes, char *out, size_t size)
{
    const sw_error *err = &p->t->err;
    snprintf(out, size, "%s, %s, '%s': %s", status_name(status),
             writes ? verdict_name(p->outcome.verdict) : "-", err->field, err->message);
    for (char *at = out; *at; at++) {
        bool hex = (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f');
        *at = hex ? '#' : *at;
    }
}

sw_status ask(probe *p, const verb *v, const ids *id, char *out, size_t size)
{
    sw_status s = SW_STATUS_OK;
    p->id = id;
    memset(&p->t->err, 0, sizeof p->t->err);
    memset(&p->outcome, 0, sizeof p->outcome);
    s = v->run(p);
    answer(p, s, v->writes, out, size);
    return s;
}
