/* SPDX-License-Identifier: Apache-2.0 */
/* A project with one record of each kind; see the header. */
#include "tests/ledger/projects.h"

/* clang-format off: rows of data line up as their reader needs */
const sw_record_id readable[READABLE] = {
    SW_RECORD_STEP,           SW_RECORD_STEP_METRICS, SW_RECORD_RUN,          SW_RECORD_RUN_METRICS,
    SW_RECORD_AGENT,          SW_RECORD_PROJECT,      SW_RECORD_CONVERSATION, SW_RECORD_MESSAGE,
    SW_RECORD_PROVIDER_TRACE, SW_RECORD_SAVED_VIEW,   SW_RECORD_SUBSCRIPTION, SW_RECORD_API_KEY,
    SW_RECORD_DELIVERY,
};
/* clang-format on */

ids ids_of(lt *t, unsigned n)
{
    return (ids){.n = n,
                 .project = lt_id(t, "project", n & 0xf00),
                 .step = lt_id(t, "step", n),
                 .imported = lt_id(t, "step", n + 1),
                 .survivor = lt_id(t, "step", n + 2),
                 .run = lt_id(t, "run", n),
                 .agent = lt_id(t, "agent", n),
                 .conversation = lt_id(t, "conv", n),
                 .message = lt_id(t, "message", n),
                 .trace = lt_id(t, "provider_trace", n),
                 .view = lt_id(t, "view", n),
                 .subscription = lt_id(t, "sub", n),
                 .key = lt_id(t, "key", n),
                 .delivery = lt_id(t, "delivery", n),
                 .provider = lt_id(t, "provider", n),
                 .model = lt_id(t, "model", n),
                 .user = lt_id(t, "user", n)};
}

sw_actor limited(const lt *t, const ids *id)
{
    sw_actor actor = t->a;
    actor.project_id = id->project;
    return actor;
}

void put(lt *t, const sw_actor *actor, sw_record_id record, const void *row)
{
    sw_outcome o;
    OK(sw_record_create(t->ledger, actor, record, row, &o, &t->err));
    CHECK(o.verdict == SW_VERDICT_CREATED || o.verdict == SW_VERDICT_UNCHANGED);
}

void populate(lt *t, ids *id)
{
    sw_actor actor = limited(t, id);
    populate_as(t, &actor, id);
}

void populate_as(lt *t, const sw_actor *actor, ids *id)
{
    sw_message m = lt_message(t, id->n, "their words");
    sw_provider_trace trace = lt_trace(t, id->n);
    sw_step_metrics metrics = {.step_ns = sw_int_of(5)};
    sw_step_entry e = {.step = lt_pending(t, id->n),
                       .metrics = &metrics,
                       .messages = &m,
                       .message_count = 1,
                       .traces = &trace,
                       .trace_count = 1,
                       .lease_seconds = SW_LIMIT_LEASE_SECONDS};
    sw_agent agent = {.id = id->agent, .name = id->agent};
    sw_run run = {.id = id->run, .agent_id = id->agent};
    sw_api_key key = {.name = SW_STR("k"), .scopes = SW_STR("[\"read\"]")};
    char secret[SW_KEY_TEXT];
    sw_outcome o;
    put(t, actor, SW_RECORD_PROJECT, &(sw_project){.id = id->project, .name = id->project});
    put(t, actor, SW_RECORD_AGENT, &agent);
    put(t, actor, SW_RECORD_CONVERSATION,
        &(sw_conversation){.id = id->conversation, .agent_id = id->agent});
    put(t, actor, SW_RECORD_SAVED_VIEW, &(sw_saved_view){.id = id->view, .name = id->view});
    put(t, actor, SW_RECORD_SUBSCRIPTION,
        &(sw_subscription){.id = id->subscription,
                           .url = SW_STR("https://example.org/"),
                           .events = SW_STR("[\"run.failed\"]")});
    OK(sw_key_create(t->ledger, actor, &key, secret, &o, &t->err));
    id->key = pool_printf(t->pool, "%s", o.id);
    OK(sw_subscription_test(t->ledger, actor, id->subscription, &o, &t->err));
    id->delivery = pool_printf(t->pool, "%s", o.id);
    OK(sw_run_create(t->ledger, actor, &run, &o, &t->err));
    e.step.run_id = id->run;
    e.step.agent_id = id->agent;
    lt_log_entry(t, actor, &e);
    for (unsigned i = 1; i <= 2; i++) {
        e = (sw_step_entry){.step = lt_step(t, id->n + i)};
        e.step.source = sw_int_of(SW_SOURCE_OTLP);
        lt_log_entry(t, actor, &e);
    }
}
