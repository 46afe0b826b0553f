/* SPDX-License-Identifier: Apache-2.0 */
/* A caller who is limited to a project sees and changes that project's records and no others:
 * whatever he asks with an id of another project is answered as for an id that nobody has; what he
 * writes is booked on his project. Every question is also asked with an id of his own, and must
 * then be answered.
 */
#include "model/model.h"
#include "tests/lib/lt.h"

#include <stdio.h>

/* What one project holds; all ids are of the same number. */
typedef struct ids {
    unsigned n;
    sw_str project, step, imported, survivor, run, agent, conversation, message, trace, view,
        subscription;
    sw_str key, delivery; /* made by the ledger */
} ids;

static ids ids_of(lt *t, unsigned n)
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
                 .delivery = lt_id(t, "delivery", n)};
}

static sw_actor limited(const lt *t, const ids *id)
{
    sw_actor actor = t->a;
    actor.project_id = id->project;
    return actor;
}

static void put(lt *t, const sw_actor *actor, sw_record_id record, const void *row)
{
    sw_outcome o;
    OK(sw_record_create(t->ledger, actor, record, row, &o, &t->err));
    CHECK(o.verdict == SW_VERDICT_CREATED || o.verdict == SW_VERDICT_UNCHANGED);
}

/* Everything of one project, written by whoever is limited to it. */
static void populate(lt *t, ids *id)
{
    sw_actor actor = limited(t, id);
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
    put(t, &actor, SW_RECORD_PROJECT, &(sw_project){.id = id->project, .name = id->project});
    put(t, &actor, SW_RECORD_AGENT, &agent);
    put(t, &actor, SW_RECORD_CONVERSATION,
        &(sw_conversation){.id = id->conversation, .agent_id = id->agent});
    put(t, &actor, SW_RECORD_SAVED_VIEW, &(sw_saved_view){.id = id->view, .name = id->view});
    put(t, &actor, SW_RECORD_SUBSCRIPTION,
        &(sw_subscription){.id = id->subscription,
                           .url = SW_STR("https://example.org/"),
                           .events = SW_STR("[\"run.failed\"]")});
    OK(sw_key_create(t->ledger, &actor, &key, secret, &o, &t->err));
    id->key = pool_printf(t->pool, "%s", o.id);
    OK(sw_subscription_test(t->ledger, &actor, id->subscription, &o, &t->err));
    id->delivery = pool_printf(t->pool, "%s", o.id);
    OK(sw_run_create(t->ledger, &actor, &run, &o, &t->err));
    e.step.run_id = id->run;
    e.step.agent_id = id->agent;
    lt_log_entry(t, &actor, &e);
    for (unsigned i = 1; i <= 2; i++) {
        e = (sw_step_entry){.step = lt_step(t, id->n + i)};
        e.step.source = sw_int_of(SW_SOURCE_OTLP);
        lt_log_entry(t, &actor, &e);
    }
}

/* ---- every question ------------------------------------------------------------------------------ */

typedef struct probe {
    lt *t;
    sw_actor actor;
    const ids *id;  /* asked about */
    const ids *own; /* of the caller's project */
    sw_record_id record;
    sw_outcome outcome;
} probe;

static sw_str id_of(const ids *id, sw_record_id record)
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
static const struct {
    const char *name;
    sw_status (*run)(probe *p);
    bool writes;
} verbs[] = {
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
static const struct {
    const char *name;
    sw_status (*run)(probe *p);
    bool writes, each;
} generic[] = {
    {"get", p_get, false, true},
    {"after", p_after, false, true},
    {"before", p_before, false, true},
    {"object", p_object, false, true},
    {"record update", p_record_update, true, false},
    {"record delete", p_record_delete, true, false},
};
static const sw_record_id readable[] = {
    SW_RECORD_STEP,           SW_RECORD_STEP_METRICS, SW_RECORD_RUN,          SW_RECORD_RUN_METRICS,
    SW_RECORD_AGENT,          SW_RECORD_PROJECT,      SW_RECORD_CONVERSATION, SW_RECORD_MESSAGE,
    SW_RECORD_PROVIDER_TRACE, SW_RECORD_SAVED_VIEW,   SW_RECORD_SUBSCRIPTION, SW_RECORD_API_KEY,
    SW_RECORD_DELIVERY,
};
static const sw_record_id writable[] = {
    SW_RECORD_AGENT,        SW_RECORD_CONVERSATION, SW_RECORD_SAVED_VIEW,
    SW_RECORD_SUBSCRIPTION, SW_RECORD_PROJECT,
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

static sw_status ask(probe *p, sw_status (*run)(probe *p), bool writes, const ids *id, char *out,
                     size_t size)
{
    sw_status s = SW_STATUS_OK;
    p->id = id;
    memset(&p->t->err, 0, sizeof p->t->err);
    memset(&p->outcome, 0, sizeof p->outcome);
    s = run(p);
    answer(p, s, writes, out, size);
    return s;
}

/* Theirs answers as nobody's; one's own is answered. */
static void compare(lt *t, const ids *theirs, unsigned *next, const char *name,
                    sw_status (*run)(probe *p), bool writes, sw_record_id record)
{
    ids own = ids_of(t, 0x100 | ++*next << 12), nobody = ids_of(t, 0x300 | ++*next << 12);
    probe p = {.t = t, .own = &own, .record = record};
    char got[900], want[900], mine[900];
    populate(t, &own);
    p.actor = limited(t, &own);
    if (ask(&p, run, writes, theirs, got, sizeof got) == SW_STATUS_OK) {
        SAY("%s of %s reaches into another project", name, sw_record_of(record)->name);
    }
    (void)ask(&p, run, writes, &nobody, want, sizeof want);
    if (strcmp(got, want) != 0) {
        SAY("%s of another project's %s: %s; of an unknown one: %s", name,
            sw_record_of(record)->name, got, want);
    }
    if (ask(&p, run, writes, &own, mine, sizeof mine) != SW_STATUS_OK) {
        SAY("%s of one's own %s: %s", name, sw_record_of(record)->name, mine);
    }
}

static void another_projects_ids_are_unknown(lt *t)
{
    ids theirs = ids_of(t, 0x200);
    unsigned next = 1;
    populate(t, &theirs);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        compare(t, &theirs, &next, verbs[i].name, verbs[i].run, verbs[i].writes, SW_RECORD_STEP);
    }
    SAME(lt_get(t, &t->a, theirs.step).status.value, SW_STEP_STATUS_PENDING);
    SAME(lt_get_run(t, &t->a, theirs.run).status.value, SW_RUN_STATUS_CREATED);
    CLEAN();
}

static void nor_are_their_records(lt *t)
{
    ids theirs = ids_of(t, 0x200);
    unsigned next = 1;
    populate(t, &theirs);
    for (size_t g = 0; g < sizeof generic / sizeof generic[0]; g++) {
        const sw_record_id *records = generic[g].each ? readable : writable;
        size_t count = generic[g].each ? sizeof readable / sizeof readable[0]
                                       : sizeof writable / sizeof writable[0];
        for (size_t i = 0; i < count; i++) {
            bool listed =
                records[i] != SW_RECORD_STEP_METRICS && records[i] != SW_RECORD_RUN_METRICS;
            if (listed || generic[g].run == p_get) {
                compare(t, &theirs, &next, generic[g].name, generic[g].run, generic[g].writes,
                        records[i]);
            }
        }
    }
    for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++) {
        CHECK(lt_there(t, &t->a, readable[i], id_of(&theirs, readable[i])));
    }
    CLEAN();
}

/* ---- lists, sums, journal ------------------------------------------------------------------------ */

static size_t listed(lt *t, const sw_actor *actor, sw_record_id record)
{
    sw_list_query q = {.limit = -1};
    sw_list_end end;
    int64_t counted = -1;
    size_t count = lt_list(t, actor, record, &q).count;
    OK(sw_count(t->ledger, actor, record, &q, &counted, &end, &t->err));
    SAME(counted, count);
    return count;
}

static void lists_show_one_project(lt *t)
{
    ids one = ids_of(t, 0x100), two = ids_of(t, 0x200), none = ids_of(t, 0x300);
    sw_actor a = limited(t, &one), b = limited(t, &two), c = limited(t, &none);
    sw_step plain = lt_step(t, 0x999);
    sw_provider provider = {.id = lt_id(t, "provider", 1), .name = SW_STR("p")};
    populate(t, &one);
    populate(t, &two);
    lt_log(t, &t->a, &plain); /* of no project */
    put(t, &t->a, SW_RECORD_PROVIDER, &provider);
    put(t, &t->a, SW_RECORD_USER, &(sw_user){.id = lt_id(t, "user", 1), .name = SW_STR("u")});
    for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++) {
        size_t want = readable[i] == SW_RECORD_STEP ? 3 : 1;
        SAME(listed(t, &a, readable[i]), want);
        SAME(listed(t, &b, readable[i]), want);
        SAME(listed(t, &c, readable[i]), 0);
        SAME(listed(t, &t->a, readable[i]), 2 * want + (readable[i] == SW_RECORD_STEP));
    }
    SAME(listed(t, &a, SW_RECORD_USER), 0);
    SAME(listed(t, &a, SW_RECORD_PROVIDER), 1); /* steps refer to them */
    SAME(listed(t, &a, SW_RECORD_ORGANIZATION), 1);
    CHECK(!lt_there(t, &a, SW_RECORD_USER, lt_id(t, "user", 1)));
    CHECK(lt_there(t, &a, SW_RECORD_PROVIDER, provider.id));
    CLEAN();
}

static bool add_facet(void *arg, const sw_facet_value *value)
{
    int64_t *sums = arg;
    sums[value->facet] += value->count;
    return true;
}

static void sums_are_of_one_project(lt *t)
{
    ids one = ids_of(t, 0x100), two = ids_of(t, 0x200);
    sw_actor a = limited(t, &one);
    sw_step plain = lt_step(t, 0x999);
    sw_value theirs = {.text = two.project};
    sw_condition of_theirs = {SW_STEP_PROJECT_ID, SW_OP_EQ, &theirs, 1};
    sw_usage_query by_project = {.by = {SW_DIMENSION_PROJECT}, .by_count = 1};
    sw_usage_query by_user = {.by = {SW_DIMENSION_USER}, .by_count = 1, .latency = true};
    sw_usage_query asked = {.conditions = &of_theirs, .condition_count = 1};
    sw_list_query everything = {.limit = 0};
    int64_t sums[16] = {0};
    lt_groups groups;
    populate(t, &one);
    populate(t, &two);
    lt_log(t, &t->a, &plain);
    SAME(lt_total(t, &t->a).num_steps, 7);
    SAME(lt_total(t, &a).num_steps, 3);
    groups = lt_usage(t, &a, &by_project);
    SAME(groups.count, 1);
    TEXT(groups.at[0].keys[0], one.project.ptr);
    groups = lt_usage(t, &a, &by_user);
    SAME(groups.at[0].totals.num_steps, 3);
    SAME(groups.at[0].step_time.count, 1);
    groups = lt_usage(t, &a, &asked);
    SAME(groups.count == 0 ? 0 : groups.at[0].totals.num_steps, 0);
    OK(sw_step_facets(t->ledger, &a, &everything, 10, add_facet, sums, NULL, &t->err));
    for (int f = SW_FACET_STATUS; f < SW_FACET_TAGS; f++) {
        SAME(sums[f], 3);
    }
}

static bool any_group(void *arg, const sw_usage_group *group)
{
    (void)arg;
    return group != NULL;
}

/* How far it was looked would tell that there is something to look at. */
static void what_was_looked_at_tells_nothing(lt *t)
{
    ids one = ids_of(t, 0x100), two = ids_of(t, 0x200);
    sw_actor a = limited(t, &one);
    sw_value theirs = {.text = two.run};
    sw_condition of_theirs = {SW_STEP_RUN_ID, SW_OP_EQ, &theirs, 1};
    sw_list_query q = {.conditions = &of_theirs, .condition_count = 1};
    sw_usage_query usage = {.conditions = &of_theirs, .condition_count = 1};
    sw_list_end end;
    sw_usage_end done;
    int64_t sums[16] = {0};
    int64_t count = 0;
    populate(t, &one);
    populate(t, &two);
    OK(sw_count(t->ledger, &t->a, SW_RECORD_STEP, &q, &count, &end, &t->err));
    CHECK(count > 0 && end.looked >= count);
    OK(sw_count(t->ledger, &a, SW_RECORD_STEP, &q, &count, &end, &t->err));
    SAME(count, 0);
    SAME(end.looked, 0);
    OK(sw_step_facets(t->ledger, &a, &q, 10, add_facet, sums, &end, &t->err));
    SAME(end.looked, 0);
    OK(sw_usage(t->ledger, &a, &usage, any_group, NULL, &done, &t->err));
    SAME(done.rows + done.cells, 0);
}

static void the_journal_tells_of_one_project(lt *t)
{
    ids one = ids_of(t, 0x100), two = ids_of(t, 0x200);
    sw_actor a = limited(t, &one);
    int64_t last = 0, all = 0;
    size_t want = 0;
    lt_rows whole, mine;
    populate(t, &one);
    populate(t, &two);
    whole = lt_journal(t, &t->a, 0);
    mine = lt_journal(t, &a, 0);
    for (size_t i = 0; i < whole.count; i++) {
        want += sw_str_eq(((const sw_journal *)whole.at[i])->project_id, one.project);
    }
    CHECK(want >= 6);
    SAME(mine.count, want);
    for (size_t i = 0; i < mine.count; i++) {
        TEXT(((const sw_journal *)mine.at[i])->project_id, one.project.ptr);
    }
    /* Nothing of his follows: he hears how far it was looked, so that he need not look there again.
     * */
    all = lt_head(t, &t->a);
    OK(sw_journal_read(t->ledger, &a, ((const sw_journal *)mine.at[want - 1])->seq.value, 10, 0,
                       no_row, NULL, &last, &t->err));
    SAME(last, all);
}

/* ---- writing ------------------------------------------------------------------------------------- */

static void what_is_written_is_booked_on_it(lt *t)
{
    ids one = ids_of(t, 0x100);
    sw_actor a = limited(t, &one);
    sw_step_metrics metrics;
    sw_outcome o;
    sw_saved_view view;
    sw_subscription sub;
    sw_api_key key;
    sw_agent agent;
    populate(t, &one);
    TEXT(lt_get(t, &a, one.step).project_id, one.project.ptr);
    TEXT(lt_get_run(t, &a, one.run).project_id, one.project.ptr);
    TEXT(lt_run_metrics(t, &a, one.run).project_id, one.project.ptr);
    metrics = lt_metrics(t, &a, one.step);
    TEXT(metrics.project_id, one.project.ptr);
    OK(sw_get(t->ledger, &a, SW_RECORD_SAVED_VIEW, one.view, t->memory, &view, &t->err));
    TEXT(view.project_id, one.project.ptr);
    OK(sw_get(t->ledger, &a, SW_RECORD_SUBSCRIPTION, one.subscription, t->memory, &sub, &t->err));
    TEXT(sub.project_id, one.project.ptr);
    OK(sw_get(t->ledger, &a, SW_RECORD_API_KEY, one.key, t->memory, &key, &t->err));
    TEXT(key.project_id, one.project.ptr);
    OK(sw_agent_by_name(t->ledger, &a, SW_NULL_STR, SW_STR("seen"), &o, &t->err));
    OK(sw_get(t->ledger, &a, SW_RECORD_AGENT, sw_str_from(o.id), t->memory, &agent, &t->err));
    TEXT(agent.project_id, one.project.ptr);
    CLEAN();
}

static void another_project_is_refused(lt *t)
{
    ids one = ids_of(t, 0x100);
    sw_actor a = limited(t, &one);
    sw_str other = SW_STR("p2");
    sw_step_entry e = {.step = lt_step(t, 0x900)};
    sw_run run = {.agent_id = one.agent, .project_id = other};
    sw_agent agent = {.name = SW_STR("n"), .project_id = other};
    sw_saved_view view = {.name = SW_STR("n"), .project_id = other};
    sw_subscription sub = {.url = SW_STR("https://x/"), .project_id = other};
    sw_api_key key = {.name = SW_STR("k"), .scopes = SW_STR("[\"read\"]"), .project_id = other};
    sw_step_metrics metrics = {.project_id = other};
    sw_project project = {.id = lt_id(t, "project", 0x999), .name = SW_STR("x")};
    sw_step_entry said = {.step = {.id = one.imported, .project_id = other}};
    char secret[SW_KEY_TEXT];
    sw_outcome o;
    populate(t, &one);
    e.step.project_id = other;
    VERDICT(lt_try(t, &a, &e), REJECTED);
    NAMES(&t->err, "project_id");
    IS(SW_STATUS_INVALID, sw_run_create(t->ledger, &a, &run, &o, &t->err));
    IS(SW_STATUS_INVALID, sw_record_create(t->ledger, &a, SW_RECORD_AGENT, &agent, &o, &t->err));
    IS(SW_STATUS_INVALID,
       sw_record_create(t->ledger, &a, SW_RECORD_SAVED_VIEW, &view, &o, &t->err));
    IS(SW_STATUS_INVALID,
       sw_record_create(t->ledger, &a, SW_RECORD_SUBSCRIPTION, &sub, &o, &t->err));
    IS(SW_STATUS_INVALID, sw_key_create(t->ledger, &a, &key, secret, &o, &t->err));
    IS(SW_STATUS_INVALID, sw_agent_by_name(t->ledger, &a, other, SW_STR("n"), &o, &t->err));
    IS(SW_STATUS_INVALID, sw_step_metrics_record(t->ledger, &a, one.step, &metrics, &o, &t->err));
    NAMES(&t->err, "metrics.project_id");
    IS(SW_STATUS_INVALID,
       sw_record_create(t->ledger, &a, SW_RECORD_PROJECT, &project, &o, &t->err));
    IS(SW_STATUS_INVALID,
       sw_run_update(t->ledger, &a, one.run, &run, SW_FIELD_BIT(SW_RUN_PROJECT_ID), &o, &t->err));
    IS(SW_STATUS_INVALID, sw_record_update(t->ledger, &a, SW_RECORD_AGENT, one.agent, &agent,
                                           SW_FIELD_BIT(SW_AGENT_PROJECT_ID), &o, &t->err));
    IS(SW_STATUS_INVALID, sw_record_update(t->ledger, &a, SW_RECORD_SAVED_VIEW, one.view, &view,
                                           SW_FIELD_BIT(SW_SAVED_VIEW_PROJECT_ID), &o, &t->err));
    said.step.source = sw_int_of(SW_SOURCE_OTLP);
    IS(SW_STATUS_INVALID, sw_step_restate(t->ledger, &a, &said, &o, &t->err));
    said.step.id = lt_id(t, "step", 0x901); /* not there yet: created, inside the restating */
    IS(SW_STATUS_INVALID, sw_step_restate(t->ledger, &a, &said, &o, &t->err));
    said.step.project_id = SW_NULL_STR;
    OK(sw_step_restate(t->ledger, &a, &said, &o, &t->err));
    TEXT(lt_get(t, &t->a, said.step.id).project_id, one.project.ptr);
    CLEAN();
}

static void what_is_no_projects_is_not_changed(lt *t)
{
    ids one = ids_of(t, 0x100);
    sw_actor a = limited(t, &one);
    sw_provider provider = {.id = lt_id(t, "provider", 1), .name = SW_STR("p")};
    sw_user user = {.id = lt_id(t, "user", 1), .name = SW_STR("u")};
    sw_organization org = {.id = lt_id(t, "org", 0x77), .name = SW_STR("o")};
    const struct {
        sw_record_id record;
        const void *row;
        sw_str id;
        uint64_t name;
    } rows[] = {
        {SW_RECORD_PROVIDER, &provider, provider.id, SW_FIELD_BIT(SW_PROVIDER_NAME)},
        {SW_RECORD_USER, &user, user.id, SW_FIELD_BIT(SW_USER_NAME)},
        {SW_RECORD_ORGANIZATION, &org, t->a.organization_id, SW_FIELD_BIT(SW_ORGANIZATION_NAME)}};
    sw_outcome o;
    put(t, &t->a, SW_RECORD_PROVIDER, &provider);
    put(t, &t->a, SW_RECORD_USER, &user);
    provider.name = user.name = SW_STR("other");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        IS(SW_STATUS_NOT_FOUND, sw_record_update(t->ledger, &a, rows[i].record, rows[i].id,
                                                 rows[i].row, rows[i].name, &o, &t->err));
        IS(SW_STATUS_NOT_FOUND,
           sw_record_delete(t->ledger, &a, rows[i].record, rows[i].id, &o, &t->err));
    }
    provider.id = lt_id(t, "provider", 2);
    user.id = lt_id(t, "user", 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        IS(SW_STATUS_INVALID,
           sw_record_create(t->ledger, &a, rows[i].record, rows[i].row, &o, &t->err));
        NAMES(&t->err, "project_id");
    }
    CLEAN();
}

/* An id that another project holds cannot be had, and nothing more is said. */
static void their_ids_cannot_be_had(lt *t)
{
    ids one = ids_of(t, 0x100), two = ids_of(t, 0x200);
    sw_actor a = limited(t, &one);
    sw_step_entry e = {.step = lt_pending(t, 0x200)}, said = {.step = {.model = SW_STR("x")}};
    sw_run run = {.id = two.run, .agent_id = one.agent};
    sw_agent agent = {.id = two.agent, .name = two.agent};
    sw_message m = lt_message(t, 0x200, "their words");
    sw_provider_trace trace = lt_trace(t, 0x200);
    sw_outcome o;
    populate(t, &one);
    populate(t, &two);
    VERDICT(lt_try(t, &a, &e), REJECTED);
    NAMES(&t->err, "not available");
    said.step.id = two.imported;
    said.step.source = sw_int_of(SW_SOURCE_OTLP);
    IS(SW_STATUS_CONFLICT, sw_step_restate(t->ledger, &a, &said, &o, &t->err));
    NAMES(&t->err, "not available");
    IS(SW_STATUS_CONFLICT, sw_run_create(t->ledger, &a, &run, &o, &t->err));
    NAMES(&t->err, "not available");
    IS(SW_STATUS_CONFLICT, sw_record_create(t->ledger, &a, SW_RECORD_AGENT, &agent, &o, &t->err));
    NAMES(&t->err, "not available");
    IS(SW_STATUS_CONFLICT, sw_step_attach(t->ledger, &a, one.step, &m, 1, NULL, 0, &o, &t->err));
    NAMES(&t->err, "not available");
    IS(SW_STATUS_CONFLICT,
       sw_step_attach(t->ledger, &a, one.step, NULL, 0, &trace, 1, &o, &t->err));
    NAMES(&t->err, "not available");
    CLEAN();
}

static const lt_case cases[] = {
    {"another project's ids are unknown", another_projects_ids_are_unknown, 0},
    {"nor are their records", nor_are_their_records, 0},
    {"lists show one project", lists_show_one_project, 0},
    {"sums are of one project", sums_are_of_one_project, 0},
    {"what was looked at tells a limited caller nothing", what_was_looked_at_tells_nothing, 0},
    {"the journal tells of one project", the_journal_tells_of_one_project, 0},
    {"what is written is booked on it", what_is_written_is_booked_on_it, 0},
    {"another project is refused", another_project_is_refused, 0},
    {"what is no project's is not changed", what_is_no_projects_is_not_changed, 0},
    {"their ids cannot be had", their_ids_cannot_be_had, 0},
};

LT_MAIN("projects", cases)
