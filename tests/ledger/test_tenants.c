/* SPDX-License-Identifier: Apache-2.0 */
/* No tenant can see, count or guess another's records (promise P11): every function, given an id of
 * another organization, answers as for an id that nobody has: the same status, the same words.
 */
#include <string.h>

#include "model/model.h"
#include "tests/ledger/probes.h"

/* Everything of a project, and what only an organization has. */
static ids all_of(lt *t, const sw_actor *actor, unsigned n)
{
    ids id = ids_of(t, n);
    sw_provider provider = {.id = id.provider, .name = SW_STR("p"), .api_key = SW_STR("secret")};
    sw_provider_model model = {.id = id.model,
                               .handle = SW_STR("h"),
                               .name = SW_STR("n"),
                               .display_name = SW_STR("d"),
                               .model_endpoint_type = SW_STR("x"),
                               .provider_id = id.provider};
    populate_as(t, actor, &id);
    put(t, actor, SW_RECORD_PROVIDER, &provider);
    put(t, actor, SW_RECORD_PROVIDER_MODEL, &model);
    put(t, actor, SW_RECORD_USER, &(sw_user){.id = id.user, .name = SW_STR("u")});
    return id;
}

/* ---- every function, once ----------------------------------------------------------------------- */

static sw_status p_log_provider(probe *p)
{
    sw_step_entry e = {.step = lt_step(p->t, 0x600)};
    e.step.provider_id = p->id->provider;
    return sw_step_log(p->t->ledger, &p->actor, &e, 1, false, &p->outcome, &p->t->err);
}

static sw_status p_model_of_provider(probe *p)
{
    sw_provider_model m = {.id = lt_id(p->t, "model", 0x600),
                           .handle = SW_STR("h2"),
                           .name = SW_STR("n2"),
                           .display_name = SW_STR("d"),
                           .model_endpoint_type = SW_STR("x"),
                           .provider_id = p->id->provider};
    return sw_record_create(p->t->ledger, &p->actor, SW_RECORD_PROVIDER_MODEL, &m, &p->outcome,
                            &p->t->err);
}

static sw_status p_secret(probe *p)
{
    sw_str out;
    return sw_provider_secret(p->t->ledger, &p->actor, p->id->provider, SW_PROVIDER_API_KEY,
                              p->t->memory, &out, &p->t->err);
}

static const verb of_organizations[] = {
    {"log with provider", p_log_provider, true},
    {"model of provider", p_model_of_provider, true},
    {"secret", p_secret, false},
};

static void check(probe *p, const verb *v, const ids *theirs, const ids *nobody)
{
    char got[900], want[900];
    if (ask(p, v, theirs, got, sizeof got) == SW_STATUS_OK) {
        SAY("%s of %s reaches into another organization", v->name, sw_record_of(p->record)->name);
    }
    (void)ask(p, v, nobody, want, sizeof want);
    if (strcmp(got, want) != 0) {
        SAY("%s of a foreign %s: %s; of an unknown one: %s", v->name, sw_record_of(p->record)->name,
            got, want);
    }
}

static void foreign_ids_answer_as_unknown_ones(lt *t)
{
    static const sw_record_id records[] = {SW_RECORD_STEP, SW_RECORD_RUN, SW_RECORD_MESSAGE};
    ids theirs = all_of(t, &t->b, 0x400), nobody = ids_of(t, 0x300), own = all_of(t, &t->a, 0x500);
    probe p = {.t = t, .actor = t->a, .own = &own};
    for (size_t i = 0; i < VERBS; i++) {
        check(&p, &verbs[i], &theirs, &nobody);
    }
    for (size_t i = 0; i < SW_COUNT(of_organizations); i++) {
        check(&p, &of_organizations[i], &theirs, &nobody);
    }
    for (size_t i = 0; i < GENERIC * SW_COUNT(records); i++) {
        p.record = records[i / GENERIC];
        if (!generic[i % GENERIC].writes) {
            check(&p, &generic[i % GENERIC], &theirs, &nobody);
        }
    }
    SAME(lt_get(t, &t->b, theirs.step).status.value, SW_STEP_STATUS_PENDING);
    SAME(lt_get_run(t, &t->b, theirs.run).status.value, SW_RUN_STATUS_CREATED);
    CLEAN();
}

/* ---- get, list, count, usage, journal ----------------------------------------------------------- */

static void others_records_are_not_there(lt *t)
{
    ids id = all_of(t, &t->b, 0x400);
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
               {SW_RECORD_ORGANIZATION, t->b.organization_id}};
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
    SAME(lt_total(t, &t->b).num_steps, 3);
    SAME(lt_total(t, &t->operator_).num_steps, 3);
}

static void journals_are_apart(lt *t)
{
    int64_t before = lt_head(t, &t->a);
    sw_step mine = lt_step(t, 1);
    lt_rows rows;
    sw_outcome o;
    (void)all_of(t, &t->b, 0x400);
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
    ids id = all_of(t, &t->b, 0x400);
    sw_value values[2] = {{.text = t->b.organization_id}, {.text = id.run}};
    sw_condition c[2] = {{SW_STEP_ORGANIZATION_ID, SW_OP_EQ, &values[0], 1},
                         {SW_STEP_RUN_ID, SW_OP_EQ, &values[1], 1}};
    sw_usage_query usage = {.condition_count = 1};
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
    ids id = all_of(t, &t->b, 0x400);
    sw_step_entry e = {.step = lt_step(t, 0x400)};
    sw_message m = lt_message(t, 0x400, "mine");
    sw_provider_trace trace = lt_trace(t, 0x400);
    sw_step mine = lt_step(t, 0x501);
    sw_run run = {.id = id.run, .agent_id = lt_agent(t, &t->a, 0x501)};
    const struct {
        sw_record_id record;
        const void *row;
    } rows[] = {
        {SW_RECORD_ORGANIZATION,
         &(sw_organization){.id = t->b.organization_id, .name = SW_STR("organization")}},
        {SW_RECORD_USER, &(sw_user){.id = id.user, .name = SW_STR("u")}},
        {SW_RECORD_PROVIDER, &(sw_provider){.id = id.provider, .name = SW_STR("p")}},
        {SW_RECORD_PROJECT, &(sw_project){.id = id.project, .name = SW_STR("pr")}},
        {SW_RECORD_AGENT, &(sw_agent){.id = id.agent, .name = SW_STR("x")}},
        {SW_RECORD_CONVERSATION,
         &(sw_conversation){.id = id.conversation, .agent_id = run.agent_id}},
    };
    sw_status s = SW_STATUS_OK;
    sw_outcome o;
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
    ids id = all_of(t, &t->b, 0x400);
    sw_actor everywhere = t->a;
    sw_outcome o;
    everywhere.everywhere = true;
    CHECK(lt_there(t, &everywhere, SW_RECORD_STEP, id.step));
    IS(SW_STATUS_NOT_FOUND, sw_step_delete(t->ledger, &everywhere, id.step, &o, &t->err));
    IS(SW_STATUS_NOT_FOUND, sw_run_delete(t->ledger, &everywhere, id.run, &o, &t->err));
    IS(SW_STATUS_NOT_FOUND,
       sw_record_delete(t->ledger, &everywhere, SW_RECORD_USER, id.user, &o, &t->err));
    IS(SW_STATUS_NOT_FOUND, sw_record_delete(t->ledger, &t->a, SW_RECORD_ORGANIZATION,
                                             t->b.organization_id, &o, &t->err));
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
