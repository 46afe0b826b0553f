/* SPDX-License-Identifier: Apache-2.0 */
/* No tenant can see, count or guess another's records (promise P11): every function, given an id of
 * another organization, answers as for an id that nobody has: the same status, the same words.
 */
#include "tests/lib/lt.h"

#include <stdio.h>

/* Ids of records: those of organization b, and those of nobody. */
typedef struct ids {
    sw_str step, imported, run, agent, provider, model, project, conversation, message, trace, user,
        organization;
} ids;

static ids ids_of(lt *t, const sw_actor *actor, unsigned n)
{
    return (ids){.step = lt_id(t, "step", n),
                 .imported = lt_id(t, "step", n + 0x100),
                 .run = lt_id(t, "run", n),
                 .agent = lt_id(t, "agent", n),
                 .provider = lt_id(t, "provider", n),
                 .model = lt_id(t, "model", n),
                 .project = lt_id(t, "project", n),
                 .conversation = lt_id(t, "conv", n),
                 .message = lt_id(t, "message", n),
                 .trace = lt_id(t, "provider_trace", n),
                 .user = lt_id(t, "user", n),
                 .organization = actor->organization_id};
}

static void put(lt *t, const sw_actor *actor, sw_record_id record, const void *row)
{
    sw_outcome o;
    OK(sw_record_create(t->ledger, actor, record, row, &o, &t->err));
    VERDICT(o, CREATED);
}

static void populate(lt *t, const sw_actor *actor, const ids *id, unsigned n)
{
    sw_provider provider = {.id = id->provider, .name = SW_STR("p"), .api_key = SW_STR("secret")};
    sw_provider_model model = {.id = id->model,
                               .handle = SW_STR("h"),
                               .name = SW_STR("n"),
                               .display_name = SW_STR("d"),
                               .model_endpoint_type = SW_STR("x"),
                               .provider_id = id->provider};
    sw_message m = lt_message(t, n, "their words");
    sw_provider_trace trace = lt_trace(t, n);
    sw_step_metrics metrics = {.step_ns = sw_int_of(5)};
    sw_step_entry e = {.step = lt_pending(t, n),
                       .metrics = &metrics,
                       .messages = &m,
                       .message_count = 1,
                       .traces = &trace,
                       .trace_count = 1,
                       .lease_seconds = SW_LIMIT_LEASE_SECONDS};
    lt_agent(t, actor, n);
    put(t, actor, SW_RECORD_PROVIDER, &provider);
    put(t, actor, SW_RECORD_PROVIDER_MODEL, &model);
    put(t, actor, SW_RECORD_PROJECT, &(sw_project){.id = id->project, .name = SW_STR("pr")});
    put(t, actor, SW_RECORD_CONVERSATION,
        &(sw_conversation){.id = id->conversation, .agent_id = id->agent});
    put(t, actor, SW_RECORD_USER, &(sw_user){.id = id->user, .name = SW_STR("u")});
    lt_run(t, actor, n, id->agent);
    e.step.run_id = id->run;
    lt_log_entry(t, actor, &e);
    e = (sw_step_entry){.step = lt_step(t, n + 0x100)};
    e.step.source = sw_int_of(SW_SOURCE_OTLP);
    lt_log_entry(t, actor, &e);
}

/* ---- every function, once ----------------------------------------------------------------------- */

typedef struct probe {
    lt *t;
    const ids *id;
    sw_outcome outcome;
} probe;

static bool no_row(void *arg, const void *row)
{
    (void)row;
    ++*(int *)arg;
    return true;
}

static sw_status p_end(probe *p)
{
    sw_step_entry e = {.step = {.status = sw_int_of(SW_STEP_STATUS_SUCCESS)}};
    return sw_step_end(p->t->ledger, &p->t->a, p->id->step, &e, &p->outcome, &p->t->err);
}

static sw_status p_update(probe *p)
{
    sw_step v = {.tid = SW_STR("x")};
    return sw_step_update(p->t->ledger, &p->t->a, p->id->step, &v, SW_FIELD_BIT(SW_STEP_TID),
                          &p->outcome, &p->t->err);
}

static sw_status p_renew(probe *p)
{
    return sw_step_renew(p->t->ledger, &p->t->a, p->id->step, 0, &p->outcome, &p->t->err);
}

static sw_status p_feedback(probe *p)
{
    sw_feedback_change c = {.add_tags = SW_STR("[\"x\"]")};
    return sw_step_feedback(p->t->ledger, &p->t->a, p->id->step, &c, &p->outcome, &p->t->err);
}

static sw_status p_metrics(probe *p)
{
    sw_step_metrics m = {.step_ns = sw_int_of(5)};
    return sw_step_metrics_record(p->t->ledger, &p->t->a, p->id->step, &m, &p->outcome, &p->t->err);
}

static sw_status p_attach(probe *p)
{
    sw_message m = lt_message(p->t, 77, "x");
    return sw_step_attach(p->t->ledger, &p->t->a, p->id->step, &m, 1, NULL, 0, &p->outcome,
                          &p->t->err);
}

static sw_status p_delete(probe *p)
{
    return sw_step_delete(p->t->ledger, &p->t->a, p->id->step, &p->outcome, &p->t->err);
}

static sw_status p_retire(probe *p)
{
    return sw_step_retire(p->t->ledger, &p->t->a, p->id->imported, lt_id(p->t, "step", 0x501),
                          &p->outcome, &p->t->err);
}

static sw_status p_retire_into(probe *p)
{
    return sw_step_retire(p->t->ledger, &p->t->a, lt_id(p->t, "step", 0x501), p->id->imported,
                          &p->outcome, &p->t->err);
}

static sw_status p_log_run(probe *p)
{
    sw_step_entry e = {.step = lt_step(p->t, 0x600)};
    e.step.run_id = p->id->run;
    return sw_step_log(p->t->ledger, &p->t->a, &e, 1, false, &p->outcome, &p->t->err);
}

static sw_status p_log_provider(probe *p)
{
    sw_step_entry e = {.step = lt_step(p->t, 0x600)};
    e.step.provider_id = p->id->provider;
    return sw_step_log(p->t->ledger, &p->t->a, &e, 1, false, &p->outcome, &p->t->err);
}

static sw_status p_metrics_agent(probe *p)
{
    sw_step_metrics m = {.agent_id = p->id->agent};
    return sw_step_metrics_record(p->t->ledger, &p->t->a, lt_id(p->t, "step", 0x501), &m,
                                  &p->outcome, &p->t->err);
}

static sw_status p_message_conversation(probe *p)
{
    sw_message m = lt_message(p->t, 78, "x");
    m.conversation_id = p->id->conversation;
    return sw_step_attach(p->t->ledger, &p->t->a, lt_id(p->t, "step", 0x501), &m, 1, NULL, 0,
                          &p->outcome, &p->t->err);
}

static sw_status p_run_create(probe *p)
{
    sw_run run = {.id = lt_id(p->t, "run", 0x600), .agent_id = p->id->agent};
    return sw_run_create(p->t->ledger, &p->t->a, &run, &p->outcome, &p->t->err);
}

static sw_status p_run_conversation(probe *p)
{
    sw_run run = {.id = lt_id(p->t, "run", 0x600), .agent_id = lt_id(p->t, "agent", 0x501)};
    run.conversation_id = p->id->conversation;
    return sw_run_create(p->t->ledger, &p->t->a, &run, &p->outcome, &p->t->err);
}

static sw_status p_run_update(probe *p)
{
    sw_run v = {.status = sw_int_of(SW_RUN_STATUS_RUNNING)};
    return sw_run_update(p->t->ledger, &p->t->a, p->id->run, &v, SW_FIELD_BIT(SW_RUN_STATUS),
                         &p->outcome, &p->t->err);
}

static sw_status p_run_cancel(probe *p)
{
    return sw_run_cancel(p->t->ledger, &p->t->a, p->id->run, &p->outcome, &p->t->err);
}

static sw_status p_run_delete(probe *p)
{
    return sw_run_delete(p->t->ledger, &p->t->a, p->id->run, &p->outcome, &p->t->err);
}

static sw_status p_run_usage(probe *p)
{
    sw_run_metrics m;
    return sw_run_usage(p->t->ledger, &p->t->a, p->id->run, p->t->memory, &m, &p->t->err);
}

static sw_status p_model_of_provider(probe *p)
{
    sw_provider_model m = {.id = lt_id(p->t, "model", 0x600),
                           .handle = SW_STR("h2"),
                           .name = SW_STR("n2"),
                           .display_name = SW_STR("d"),
                           .model_endpoint_type = SW_STR("x"),
                           .provider_id = p->id->provider};
    return sw_record_create(p->t->ledger, &p->t->a, SW_RECORD_PROVIDER_MODEL, &m, &p->outcome,
                            &p->t->err);
}

static sw_status p_secret(probe *p)
{
    sw_str out;
    return sw_provider_secret(p->t->ledger, &p->t->a, p->id->provider, SW_PROVIDER_API_KEY,
                              p->t->memory, &out, &p->t->err);
}

static sw_status p_object(probe *p)
{
    sw_object *o = NULL;
    return sw_object_load(p->t->ledger, &p->t->a, SW_RECORD_RUN, p->id->run, NULL, &o, &p->t->err);
}

static sw_status cursor(probe *p, sw_record_id record, sw_str id, bool after)
{
    sw_list_query q = {.after = after ? id : SW_NULL_STR, .before = after ? SW_NULL_STR : id};
    sw_list_end end;
    int rows = 0;
    return sw_list(p->t->ledger, &p->t->a, record, &q, no_row, &rows, &end, &p->t->err);
}

static sw_status p_after_step(probe *p)
{
    return cursor(p, SW_RECORD_STEP, p->id->step, true);
}
static sw_status p_before_step(probe *p)
{
    return cursor(p, SW_RECORD_STEP, p->id->step, false);
}
static sw_status p_after_run(probe *p)
{
    return cursor(p, SW_RECORD_RUN, p->id->run, true);
}
static sw_status p_after_message(probe *p)
{
    return cursor(p, SW_RECORD_MESSAGE, p->id->message, true);
}

/* clang-format off: rows of data line up as their reader needs */
static const struct {
    const char *name;
    sw_status (*run)(probe *p);
    bool writes;
} probes[] = {
    {"end", p_end, true},
    {"update", p_update, true},
    {"renew", p_renew, true},
    {"feedback", p_feedback, true},
    {"metrics", p_metrics, true},
    {"attach", p_attach, true},
    {"delete", p_delete, true},
    {"retire", p_retire, true},
    {"retire into", p_retire_into, true},
    {"log with run", p_log_run, true},
    {"log with provider", p_log_provider, true},
    {"metrics with agent", p_metrics_agent, true},
    {"message with conversation", p_message_conversation, true},
    {"run create", p_run_create, true},
    {"run with conversation", p_run_conversation, true},
    {"run update", p_run_update, true},
    {"run cancel", p_run_cancel, true},
    {"run delete", p_run_delete, true},
    {"run usage", p_run_usage, false},
    {"model of provider", p_model_of_provider, true},
    {"secret", p_secret, false},
    {"object", p_object, false},
    {"after a step", p_after_step, false},
    {"before a step", p_before_step, false},
    {"after a run", p_after_run, false},
    {"after a message", p_after_message, false},
};
/* clang-format on */

/* The answer as text, without the digits, in which the two ids differ. */
static void answer(const probe *p, sw_status status, bool writes, char *out, size_t size)
{
    const sw_error *err = &p->t->err;
    snprintf(out, size, "%s, %s, '%s': %s", status_name(status),
             writes ? verdict_name(p->outcome.verdict) : "-", err->field, err->message);
    for (char *at = out; *at; at++) {
        *at = *at >= '0' && *at <= '9' ? '#' : *at;
    }
}

static void foreign_ids_answer_as_unknown_ones(lt *t)
{
    ids theirs = ids_of(t, &t->b, 0x41), nobody = ids_of(t, &t->b, 0x42);
    sw_step mine = lt_step(t, 0x501);
    populate(t, &t->b, &theirs, 0x41);
    lt_agent(t, &t->a, 0x501);
    mine.source = sw_int_of(SW_SOURCE_OTLP);
    lt_log(t, &t->a, &mine);
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        probe foreign = {.t = t, .id = &theirs}, unknown = {.t = t, .id = &nobody};
        char got[700], want[700];
        sw_status s = SW_STATUS_OK;
        memset(&t->err, 0, sizeof t->err);
        s = probes[i].run(&foreign);
        answer(&foreign, s, probes[i].writes, got, sizeof got);
        if (s == SW_STATUS_OK) {
            SAY("%s reaches into another organization", probes[i].name);
        }
        memset(&t->err, 0, sizeof t->err);
        s = probes[i].run(&unknown);
        answer(&unknown, s, probes[i].writes, want, sizeof want);
        if (strcmp(got, want) != 0) {
            SAY("%s of a foreign id: %s; of an unknown one: %s", probes[i].name, got, want);
        }
    }
    SAME(lt_get(t, &t->b, theirs.step).status.value, SW_STEP_STATUS_PENDING);
    SAME(lt_get_run(t, &t->b, theirs.run).status.value, SW_RUN_STATUS_CREATED);
    CLEAN();
}

/* ---- get, list, count, usage, journal ----------------------------------------------------------- */

static void others_records_are_not_there(lt *t)
{
    ids id = ids_of(t, &t->b, 0x41);
    const struct {
        sw_record_id record;
        sw_str id;
    } all[] = {{SW_RECORD_STEP, id.step},
               {SW_RECORD_STEP_METRICS, id.step},
               {SW_RECORD_RUN, id.run},
               {SW_RECORD_RUN_METRICS, id.run},
               {SW_RECORD_AGENT, id.agent},
               {SW_RECORD_PROVIDER, id.provider},
               {SW_RECORD_PROVIDER_MODEL, id.model},
               {SW_RECORD_PROJECT, id.project},
               {SW_RECORD_CONVERSATION, id.conversation},
               {SW_RECORD_MESSAGE, id.message},
               {SW_RECORD_PROVIDER_TRACE, id.trace},
               {SW_RECORD_USER, id.user},
               {SW_RECORD_ORGANIZATION, id.organization}};
    populate(t, &t->b, &id, 0x41);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *name = row_kind_of(all[i].record)->name;
        sw_list_query query = {.limit = -1};
        sw_list_end end;
        int64_t count = -1;
        lt_rows mine;
        if (lt_there(t, &t->a, all[i].record, all[i].id)) {
            SAY("%s of another organization can be read", name);
        }
        CHECK(lt_there(t, &t->b, all[i].record, all[i].id));
        CHECK(lt_there(t, &t->operator_, all[i].record, all[i].id));
        mine = lt_list(t, &t->a, all[i].record, &query);
        for (size_t k = 0; k < mine.count; k++) {
            if (sw_str_eq(lt_row_id(&mine, k), all[i].id)) {
                SAY("%s of another organization is listed", name);
            }
        }
        OK(sw_count(t->ledger, &t->a, all[i].record, &query, &count, &end, &t->err));
        SAME(count, mine.count);
        if (all[i].record != SW_RECORD_ORGANIZATION) {
            SAME(mine.count, 0);
        }
    }
    SAME(lt_total(t, &t->a).num_steps, 0);
    SAME(lt_total(t, &t->b).num_steps, 2);
    SAME(lt_total(t, &t->operator_).num_steps, 2);
}

static void journals_are_apart(lt *t)
{
    ids id = ids_of(t, &t->b, 0x41);
    int64_t before = lt_head(t, &t->a);
    sw_step mine = lt_step(t, 1);
    lt_rows rows;
    sw_outcome o;
    populate(t, &t->b, &id, 0x41);
    SAME(lt_head(t, &t->a), before);
    o = lt_log(t, &t->a, &mine);
    CHECK(o.seq <= before + 2); /* numbers do not tell how much others write */
    rows = lt_journal(t, &t->a, 0);
    for (size_t i = 0; i < rows.count; i++) {
        TEXT(((const sw_journal *)rows.at[i])->organization_id, t->a.organization_id.ptr);
    }
}

static void a_filter_does_not_lift_the_border(lt *t)
{
    ids id = ids_of(t, &t->b, 0x41);
    sw_value values[2] = {{.text = t->b.organization_id}, {.text = id.run}};
    sw_condition c[2] = {{SW_STEP_ORGANIZATION_ID, SW_OP_EQ, &values[0], 1},
                         {SW_STEP_RUN_ID, SW_OP_EQ, &values[1], 1}};
    sw_usage_query usage = {.condition_count = 1};
    populate(t, &t->b, &id, 0x41);
    for (int i = 0; i < 2; i++) {
        sw_list_query q = lt_where(&c[i], 1);
        SAME(lt_list(t, &t->a, SW_RECORD_STEP, &q).count, 0);
        usage.conditions = &c[i];
        SAME(lt_usage(t, &t->a, &usage).at[0].totals.num_steps, 0);
    }
}

/* The one place where a known id shows that it exists (promise P3): for every record the same words, and
 * never more than them. */
static void not_available(lt *t, sw_status status, const sw_outcome *o, const char *field)
{
    IS(SW_STATUS_CONFLICT, status);
    VERDICT(*o, REJECTED);
    TEXT(sw_str_from(t->err.message), "id not available");
    TEXT(sw_str_from(t->err.field), field);
    TEXT(sw_str_from(o->error.message), "id not available");
    SAME(o->seq, 0);
}

static void an_id_of_others_is_not_available(lt *t)
{
    ids id = ids_of(t, &t->b, 0x41);
    sw_step_entry e = {.step = lt_step(t, 0x41)};
    sw_message m = lt_message(t, 0x41, "mine");
    sw_provider_trace trace = lt_trace(t, 0x41);
    sw_step mine = lt_step(t, 0x501);
    sw_run run = {.id = id.run, .agent_id = lt_agent(t, &t->a, 0x501)};
    const struct {
        sw_record_id record;
        const void *row;
    } rows[] = {
        {SW_RECORD_ORGANIZATION,
         &(sw_organization){.id = id.organization, .name = SW_STR("organization")}},
        {SW_RECORD_USER, &(sw_user){.id = id.user, .name = SW_STR("u")}},
        {SW_RECORD_PROVIDER, &(sw_provider){.id = id.provider, .name = SW_STR("p")}},
        {SW_RECORD_PROJECT, &(sw_project){.id = id.project, .name = SW_STR("pr")}},
        {SW_RECORD_AGENT, &(sw_agent){.id = id.agent, .name = SW_STR("x")}},
        {SW_RECORD_CONVERSATION,
         &(sw_conversation){.id = id.conversation, .agent_id = run.agent_id}},
    };
    sw_status s = SW_STATUS_OK;
    sw_outcome o;
    populate(t, &t->b, &id, 0x41);
    s = sw_step_log(t->ledger, &t->a, &e, 1, false, &o, &t->err);
    not_available(t, s, &o, "id");
    s = sw_run_create(t->ledger, &t->a, &run, &o, &t->err);
    not_available(t, s, &o, "id");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        s = sw_record_create(t->ledger, &t->a, rows[i].record, rows[i].row, &o, &t->err);
        not_available(t, s, &o, "id");
    }
    lt_log(t, &t->a, &mine);
    s = sw_step_attach(t->ledger, &t->a, mine.id, &m, 1, NULL, 0, &o, &t->err);
    not_available(t, s, &o, "messages[0].id");
    s = sw_step_attach(t->ledger, &t->a, mine.id, NULL, 0, &trace, 1, &o, &t->err);
    not_available(t, s, &o, "traces[0].id");
}

/* Who created an organization may send the same again; nobody else learns more than that the id is taken,
 * also when they guess what was sent. */
static void an_organization_is_known_to_who_created_it(lt *t)
{
    sw_organization org = {.id = lt_id(t, "org", 0x77), .name = SW_STR("new")};
    sw_actor itself = lt_actor(t, 0x77);
    sw_status s = SW_STATUS_OK;
    sw_outcome o;
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_ORGANIZATION, &org, &o, &t->err));
    VERDICT(o, CREATED);
    OK(sw_record_create(t->ledger, &t->a, SW_RECORD_ORGANIZATION, &org, &o, &t->err));
    VERDICT(o, UNCHANGED);
    s = sw_record_create(t->ledger, &t->b, SW_RECORD_ORGANIZATION, &org, &o, &t->err);
    not_available(t, s, &o, "id");
    org.name = SW_STR("other");
    s = sw_record_create(t->ledger, &t->a, SW_RECORD_ORGANIZATION, &org, &o, &t->err);
    not_available(t, s, &o, "id");
    s = sw_record_create(t->ledger, &itself, SW_RECORD_ORGANIZATION, &org, &o, &t->err);
    IS(SW_STATUS_CONFLICT, s);
    VERDICT(o, CONFLICT);
    org.id = SW_STR(SW_DEFAULT_ORGANIZATION);
    s = sw_record_create(t->ledger, &t->a, SW_RECORD_ORGANIZATION, &org, &o, &t->err);
    not_available(t, s, &o, "id");
}

static void writes_never_cross_the_border(lt *t)
{
    ids id = ids_of(t, &t->b, 0x41);
    sw_actor everywhere = t->a;
    sw_outcome o;
    populate(t, &t->b, &id, 0x41);
    everywhere.everywhere = true;
    CHECK(lt_there(t, &everywhere, SW_RECORD_STEP, id.step));
    IS(SW_STATUS_NOT_FOUND, sw_step_delete(t->ledger, &everywhere, id.step, &o, &t->err));
    IS(SW_STATUS_NOT_FOUND, sw_run_delete(t->ledger, &everywhere, id.run, &o, &t->err));
    IS(SW_STATUS_NOT_FOUND,
       sw_record_delete(t->ledger, &everywhere, SW_RECORD_USER, id.user, &o, &t->err));
    IS(SW_STATUS_NOT_FOUND,
       sw_record_delete(t->ledger, &t->a, SW_RECORD_ORGANIZATION, id.organization, &o, &t->err));
}

static void an_unknown_organization_has_nothing(lt *t)
{
    sw_actor nobody = lt_actor(t, 0xfff);
    sw_step_entry e = {.step = lt_step(t, 1)};
    sw_outcome o = lt_try(t, &nobody, &e);
    VERDICT(o, REJECTED);
    SAME(lt_list(t, &nobody, SW_RECORD_STEP, NULL).count, 0);
    SAME(lt_total(t, &nobody).num_steps, 0);
    CHECK(!lt_there(t, &nobody, SW_RECORD_ORGANIZATION, nobody.organization_id));
    CLEAN();
}

static const lt_case cases[] = {
    {"foreign ids answer as unknown ones", foreign_ids_answer_as_unknown_ones, 0},
    {"others' records are not there", others_records_are_not_there, 0},
    {"journals are apart", journals_are_apart, 0},
    {"a filter does not lift the border", a_filter_does_not_lift_the_border, 0},
    {"an id of others is not available", an_id_of_others_is_not_available, 0},
    {"an organization is known to who created it", an_organization_is_known_to_who_created_it, 0},
    {"writes never cross the border", writes_never_cross_the_border, 0},
    {"an unknown organization has nothing", an_unknown_organization_has_nothing, 0},
};

LT_MAIN("tenants", cases)
