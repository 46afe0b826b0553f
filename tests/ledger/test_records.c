/* SPDX-License-Identifier: Apache-2.0 */
/* The records that others refer to: creating, changing, deleting by the declared rules; agents that are
 * known by their name.
 */
#include "tests/lib/lt.h"

/* ---- one set of verbs --------------------------------------------------------------------------- */

typedef union any {
    sw_organization organization;
    sw_user user;
    sw_provider provider;
    sw_provider_model model;
    sw_project project;
    sw_agent agent;
    sw_conversation conversation;
} any;

static sw_status create(lt *t, const sw_actor *actor, sw_record_id record, const any *row,
                        sw_outcome *o)
{
    return sw_record_create(t->ledger, actor, record, row, o, &t->err);
}

/* A right row of the record with the id number n, whose parents are made on the way. */
static any fresh(lt *t, const sw_actor *actor, sw_record_id record, unsigned n)
{
    any row;
    sw_str name = pool_printf(t->pool, "name %u", n);
    memset(&row, 0, sizeof row);
    switch ((int)record) {
    case SW_RECORD_ORGANIZATION:
        row.organization = (sw_organization){.id = lt_id(t, "org", n), .name = name};
        break;
    case SW_RECORD_USER:
        row.user = (sw_user){.id = lt_id(t, "user", n), .name = name};
        break;
    case SW_RECORD_PROVIDER:
        row.provider = (sw_provider){.id = lt_id(t, "provider", n), .name = name};
        break;
    case SW_RECORD_PROVIDER_MODEL:
        row.model = (sw_provider_model){.id = lt_id(t, "model", n), .handle = name, .name = name};
        row.model.display_name = name;
        row.model.model_endpoint_type = SW_STR("openai");
        row.model.provider_id = lt_provider(t, actor, 1000 + n);
        break;
    case SW_RECORD_PROJECT:
        row.project = (sw_project){.id = lt_id(t, "project", n), .name = name};
        break;
    case SW_RECORD_AGENT:
        row.agent = (sw_agent){.id = lt_id(t, "agent", n), .name = name};
        break;
    default:
        row.conversation = (sw_conversation){.id = lt_id(t, "conv", n), .summary = name};
        row.conversation.agent_id = lt_agent(t, actor, 1000 + n);
    }
    return row;
}

static const struct {
    sw_record_id record;
    int field; /* of text, that can be changed */
    int organization_field;
} verbs[] = {
    {SW_RECORD_ORGANIZATION, SW_ORGANIZATION_NAME, -1},
    {SW_RECORD_USER, SW_USER_NAME, SW_USER_ORGANIZATION_ID},
    {SW_RECORD_PROVIDER, SW_PROVIDER_NAME, SW_PROVIDER_ORGANIZATION_ID},
    {SW_RECORD_PROVIDER_MODEL, SW_PROVIDER_MODEL_DISPLAY_NAME, SW_PROVIDER_MODEL_ORGANIZATION_ID},
    {SW_RECORD_PROJECT, SW_PROJECT_NAME, SW_PROJECT_ORGANIZATION_ID},
    {SW_RECORD_AGENT, SW_AGENT_NAME, SW_AGENT_ORGANIZATION_ID},
    {SW_RECORD_CONVERSATION, SW_CONVERSATION_SUMMARY, SW_CONVERSATION_ORGANIZATION_ID},
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static void put_text(sw_record_id record, any *row, int field, sw_str text)
{
    memcpy((char *)row + row_kind_of(record)->fields[field].offset, &text, sizeof text);
}

/* An organization is its own: the actor that changes it belongs to it. */
static sw_actor owner(lt *t, sw_record_id record, unsigned n)
{
    return record == SW_RECORD_ORGANIZATION ? lt_actor(t, n) : t->a;
}

static void every_record_can_be_made_changed_and_deleted(lt *t)
{
    for (unsigned i = 0; i < VERBS; i++) {
        sw_record_id record = verbs[i].record;
        any row = fresh(t, &t->a, record, i + 1), got, change = {{.id = SW_NULL_STR}};
        sw_str id = row_text(record, &row, 0);
        sw_actor actor = owner(t, record, i + 1);
        sw_outcome o;
        OK(create(t, &t->a, record, &row, &o));
        VERDICT(o, CREATED);
        TEXT(sw_str_from(o.id), id.ptr);
        OK(create(t, &t->a, record, &row, &o));
        VERDICT(o, UNCHANGED);
        OK(sw_get(t->ledger, &actor, record, id, t->memory, &got, &t->err));
        if (verbs[i].organization_field >= 0) {
            TEXT(row_text(record, &got, verbs[i].organization_field), t->a.organization_id.ptr);
        }
        put_text(record, &change, verbs[i].field, SW_STR("changed"));
        OK(sw_record_update(t->ledger, &actor, record, id, &change, SW_FIELD_BIT(verbs[i].field),
                            &o, &t->err));
        VERDICT(o, UPDATED);
        OK(sw_record_update(t->ledger, &actor, record, id, &change, SW_FIELD_BIT(verbs[i].field),
                            &o, &t->err));
        VERDICT(o, UNCHANGED);
        OK(sw_get(t->ledger, &actor, record, id, t->memory, &got, &t->err));
        TEXT(row_text(record, &got, verbs[i].field), "changed");
        OK(sw_record_delete(t->ledger, &actor, record, id, &o, &t->err));
        VERDICT(o, UPDATED);
        IS(SW_STATUS_NOT_FOUND, sw_get(t->ledger, &actor, record, id, t->memory, &got, &t->err));
        IS(SW_STATUS_NOT_FOUND, sw_record_delete(t->ledger, &actor, record, id, &o, &t->err));
        VERDICT(o, REJECTED);
    }
    CLEAN();
}

static void other_content_is_a_conflict(lt *t)
{
    for (unsigned i = 0; i < VERBS; i++) {
        any row = fresh(t, &t->a, verbs[i].record, i + 1);
        sw_actor actor = owner(t, verbs[i].record, i + 1);
        sw_outcome o;
        OK(create(t, &t->a, verbs[i].record, &row, &o));
        put_text(verbs[i].record, &row, verbs[i].field, SW_STR("other"));
        IS(SW_STATUS_CONFLICT, create(t, &actor, verbs[i].record, &row, &o));
        VERDICT(o, CONFLICT);
        NAMES(&t->err, "other content");
    }
}

/* Promise P3: judged by what was sent, not by what the row became since. */
static void the_same_again_is_fine_after_a_change(lt *t)
{
    for (unsigned i = 0; i < VERBS; i++) {
        sw_record_id record = verbs[i].record;
        any row = fresh(t, &t->a, record, i + 1), change, got;
        sw_str id = row_text(record, &row, 0);
        sw_actor actor = owner(t, record, i + 1);
        sw_outcome o;
        memset(&change, 0, sizeof change);
        put_text(record, &change, verbs[i].field, SW_STR("renamed"));
        OK(create(t, &t->a, record, &row, &o));
        OK(sw_record_update(t->ledger, &actor, record, id, &change, SW_FIELD_BIT(verbs[i].field),
                            &o, &t->err));
        OK(create(t, &t->a, record, &row, &o));
        VERDICT(o, UNCHANGED);
        OK(sw_get(t->ledger, &actor, record, id, t->memory, &got, &t->err));
        TEXT(row_text(record, &got, verbs[i].field), "renamed");
        put_text(record, &row, verbs[i].field,
                 SW_STR("renamed")); /* as it is, never as it was sent */
        IS(SW_STATUS_CONFLICT, create(t, &actor, record, &row, &o));
        VERDICT(o, CONFLICT);
    }
}

/* The first content again is fine also when the agent that it names has gone. */
static void the_same_again_is_fine_when_its_agent_has_gone(lt *t)
{
    any row = fresh(t, &t->a, SW_RECORD_CONVERSATION, 1), change;
    sw_outcome o;
    memset(&change, 0, sizeof change);
    OK(create(t, &t->a, SW_RECORD_CONVERSATION, &row, &o));
    change.conversation.agent_id = lt_agent(t, &t->a, 5);
    OK(sw_record_update(t->ledger, &t->a, SW_RECORD_CONVERSATION, row.conversation.id, &change,
                        SW_FIELD_BIT(SW_CONVERSATION_AGENT_ID), &o, &t->err));
    OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_AGENT, row.conversation.agent_id, &o, &t->err));
    OK(create(t, &t->a, SW_RECORD_CONVERSATION, &row, &o));
    VERDICT(o, UNCHANGED);
}

static void the_digest_is_the_ledgers_own(lt *t)
{
    any row = fresh(t, &t->a, SW_RECORD_AGENT, 1), v;
    sw_outcome o;
    memset(&v, 0, sizeof v);
    row.agent.create_digest = SW_STR("0123456789abcdef");
    IS(SW_STATUS_INVALID, create(t, &t->a, SW_RECORD_AGENT, &row, &o));
    NAMES(&t->err, "create_digest");
    row.agent.create_digest = SW_NULL_STR;
    OK(create(t, &t->a, SW_RECORD_AGENT, &row, &o));
    v.agent.create_digest = SW_STR("0123456789abcdef");
    IS(SW_STATUS_INVALID, sw_record_update(t->ledger, &t->a, SW_RECORD_AGENT, row.agent.id, &v,
                                           SW_FIELD_BIT(SW_AGENT_CREATE_DIGEST), &o, &t->err));
    NAMES(&t->err, "create_digest");
}

static void what_must_not_be_null_is_named(lt *t)
{
    for (unsigned i = 0; i < VERBS; i++) {
        sw_record_id record = verbs[i].record;
        any row = fresh(t, &t->a, record, i + 1);
        const char *name = row_kind_of(record)->fields[verbs[i].field].name;
        sw_outcome o;
        if (record == SW_RECORD_AGENT || record == SW_RECORD_CONVERSATION) {
            continue; /* their text may be null */
        }
        put_text(record, &row, verbs[i].field, SW_NULL_STR);
        IS(SW_STATUS_INVALID, create(t, &t->a, record, &row, &o));
        VERDICT(o, REJECTED);
        NAMES(&t->err, name);
        row = fresh(t, &t->a, record, i + 100);
        put_text(record, &row, 0, SW_STR("no-such-id"));
        IS(SW_STATUS_INVALID_ID, create(t, &t->a, record, &row, &o));
    }
}

static void unique_names_are_unique(lt *t)
{
    const sw_record_id records[] = {SW_RECORD_PROVIDER, SW_RECORD_PROJECT};
    for (unsigned i = 0; i < 2; i++) {
        any first = fresh(t, &t->a, records[i], 1), second = fresh(t, &t->a, records[i], 2);
        sw_outcome o;
        put_text(records[i], &second, 1, row_text(records[i], &first, 1));
        OK(create(t, &t->a, records[i], &first, &o));
        IS(SW_STATUS_CONFLICT, create(t, &t->a, records[i], &second, &o));
        OK(create(t, &t->b, records[i], &second, &o)); /* in another organization */
        VERDICT(o, CREATED);
    }
}

static void kept_fields_stay(lt *t)
{
    any row = fresh(t, &t->a, SW_RECORD_AGENT, 1), v;
    sw_outcome o;
    memset(&v, 0, sizeof v);
    OK(create(t, &t->a, SW_RECORD_AGENT, &row, &o));
    v.agent.organization_id = t->b.organization_id;
    v.agent.created_at = sw_int_of(1);
    v.agent.id = lt_id(t, "agent", 2);
    CHECK(sw_record_update(t->ledger, &t->a, SW_RECORD_AGENT, row.agent.id, &v,
                           SW_FIELD_BIT(SW_AGENT_ORGANIZATION_ID), &o, &t->err) != SW_STATUS_OK);
    NAMES(&t->err, "organization_id");
    CHECK(sw_record_update(t->ledger, &t->a, SW_RECORD_AGENT, row.agent.id, &v,
                           SW_FIELD_BIT(SW_AGENT_CREATED_AT), &o, &t->err) != SW_STATUS_OK);
    NAMES(&t->err, "created_at");
    CHECK(sw_record_update(t->ledger, &t->a, SW_RECORD_AGENT, row.agent.id, &v,
                           SW_FIELD_BIT(SW_AGENT_ID), &o, &t->err) != SW_STATUS_OK);
}

static void other_records_have_verbs_of_their_own(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_outcome o;
    CHECK(sw_record_create(t->ledger, &t->a, SW_RECORD_STEP, &s, &o, &t->err) != SW_STATUS_OK);
    CHECK(sw_record_delete(t->ledger, &t->a, SW_RECORD_STEP, s.id, &o, &t->err) != SW_STATUS_OK);
    SAME(lt_total(t, &t->a).num_steps, 0);
}

/* ---- deleting by the declared rules ------------------------------------------------------------- */

static void restricted(lt *t, const sw_actor *actor, sw_record_id record, sw_str id)
{
    sw_outcome o;
    IS(SW_STATUS_RESTRICTED, sw_record_delete(t->ledger, actor, record, id, &o, &t->err));
    CHECK(o.verdict == SW_VERDICT_CONFLICT || o.verdict == SW_VERDICT_REJECTED);
    SAME(o.seq, 0);
    CHECK(lt_there(t, actor, record, id));
}

static void what_is_referred_to_stays(lt *t)
{
    sw_step s = lt_step(t, 1);
    sw_outcome o;
    sw_str agent = lt_agent(t, &t->a, 1);
    sw_str run = lt_run(t, &t->a, 1, agent);
    s.provider_id = lt_provider(t, &t->a, 1);
    lt_log(t, &t->a, &s);
    restricted(t, &t->a, SW_RECORD_PROVIDER, s.provider_id);
    restricted(t, &t->a, SW_RECORD_AGENT, agent);
    restricted(t, &t->a, SW_RECORD_ORGANIZATION, t->a.organization_id);
    OK(sw_run_delete(t->ledger, &t->a, run, &o, &t->err));
    OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_AGENT, agent, &o, &t->err));
    OK(sw_step_delete(t->ledger, &t->a, s.id, &o, &t->err));
    OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_PROVIDER, s.provider_id, &o, &t->err));
    CLEAN();
}

/* Whoever names nobody is the default user of the default organization: for the operator, for themselves
 * and for whoever is not told apart (no actor) they cannot be deleted; for others they are unknown. */
static void the_defaults_stay(lt *t)
{
    static const struct {
        sw_record_id record;
        const char *id, *word;
    } defaults[] = {{SW_RECORD_USER, SW_DEFAULT_USER, "default user"},
                    {SW_RECORD_ORGANIZATION, SW_DEFAULT_ORGANIZATION, "default organization"}};
    const sw_actor *callers[] = {&t->operator_, NULL};
    sw_step step = lt_step(t, 1);
    sw_user other = {.name = SW_STR("somebody")};
    sw_outcome o;
    for (size_t i = 0; i < SW_COUNT(defaults); i++) {
        sw_str id = sw_str_from(defaults[i].id);
        for (size_t k = 0; k < SW_COUNT(callers); k++) {
            IS(SW_STATUS_RESTRICTED,
               sw_record_delete(t->ledger, callers[k], defaults[i].record, id, &o, &t->err));
            NAMES(&t->err, defaults[i].word);
            VERDICT(o, CONFLICT);
            CHECK(lt_there(t, NULL, defaults[i].record, id));
        }
        IS(SW_STATUS_NOT_FOUND,
           sw_record_delete(t->ledger, &t->a, defaults[i].record, id, &o, &t->err));
    }
    lt_log(t, NULL, &step);
    OK(sw_record_create(t->ledger, NULL, SW_RECORD_USER, &other, &o, &t->err));
    OK(sw_record_delete(t->ledger, NULL, SW_RECORD_USER, sw_str_from(o.id), &o, &t->err));
}

static void an_agent_takes_its_own_along(lt *t)
{
    sw_str agent = lt_agent(t, &t->a, 1);
    any conversation = fresh(t, &t->a, SW_RECORD_CONVERSATION, 1);
    sw_step_metrics m = {.step_ns = sw_int_of(1000)};
    sw_step_entry e = {.step = lt_step(t, 1), .metrics = &m};
    sw_usage_query latency = {.latency = true};
    sw_message message = lt_message(t, 1, "x");
    sw_outcome o;
    conversation.conversation.agent_id = agent;
    OK(create(t, &t->a, SW_RECORD_CONVERSATION, &conversation, &o));
    e.step.agent_id = message.agent_id = agent;
    e.messages = &message;
    e.message_count = 1;
    lt_log_entry(t, &t->a, &e);
    SAME(lt_usage(t, &t->a, &latency).at[0].step_time.count, 1);
    OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_AGENT, agent, &o, &t->err));
    CHECK(!lt_there(t, &t->a, SW_RECORD_CONVERSATION, conversation.conversation.id));
    CHECK(!lt_there(t, &t->a, SW_RECORD_STEP_METRICS, e.step.id));
    CHECK(!lt_there(t, &t->a, SW_RECORD_MESSAGE, message.id));
    TEXT(lt_get(t, &t->a, e.step.id).agent_id, agent.ptr); /* no reference: it stays */
    SAME(lt_usage(t, &t->a, &latency).at[0].step_time.count, 0);
    SAME(lt_total(t, &t->a).num_steps, 1);
    CLEAN();
}

static void a_conversation_lets_its_runs_go(lt *t)
{
    any conversation = fresh(t, &t->a, SW_RECORD_CONVERSATION, 1);
    sw_run run = {.id = lt_id(t, "run", 1), .agent_id = conversation.conversation.agent_id};
    sw_outcome o;
    OK(create(t, &t->a, SW_RECORD_CONVERSATION, &conversation, &o));
    run.conversation_id = conversation.conversation.id;
    OK(sw_run_create(t->ledger, &t->a, &run, &o, &t->err));
    OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_CONVERSATION, run.conversation_id, &o,
                        &t->err));
    CHECK(!lt_get_run(t, &t->a, run.id).conversation_id.ptr);
    CLEAN();
}

static void a_provider_takes_its_models_along(lt *t)
{
    any model = fresh(t, &t->a, SW_RECORD_PROVIDER_MODEL, 1), got;
    sw_outcome o;
    OK(create(t, &t->a, SW_RECORD_PROVIDER_MODEL, &model, &o));
    OK(sw_get(t->ledger, &t->a, SW_RECORD_PROVIDER_MODEL, model.model.id, t->memory, &got,
              &t->err));
    TEXT(got.model.model_type, "llm");
    SAME(got.model.enabled.value, 1);
    OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_PROVIDER, model.model.provider_id, &o,
                        &t->err));
    CHECK(!lt_there(t, &t->a, SW_RECORD_PROVIDER_MODEL, model.model.id));
}

/* ---- agents by name ----------------------------------------------------------------------------- */

static const char name_key[] = "0123456789abcdef0123456789ABCDEF";

/* Random bytes; where a key is asked for, a known one. */
static void fill(void *data, void *out, size_t len)
{
    if (len == sizeof name_key - 1) {
        memcpy(out, name_key, len);
    } else {
        sw__system_random.fill(data, out, len);
    }
}

#define NAME_PROJECT "project-00000000-0000-4000-8000-000000000001"

static sw_actor by_name_actor(lt *t)
{
    sw_actor anybody = {0};
    sw_actor actor = lt_actor(t, 2);
    sw_organization org = {.id = SW_STR("org-00000000-0000-4000-8000-000000000002"),
                           .name = SW_STR("o")};
    sw_outcome o;
    actor.organization_id = org.id;
    OK(sw_record_create(t->ledger, &anybody, SW_RECORD_ORGANIZATION, &org, &o, &t->err));
    return actor;
}

/* The vector of telemetry.md H.1, computed by another program. */
static const char common_id[] = "agent-9c6b46b7-3b1b-4121-8334-0ade4d8deb4f";

static void an_agent_is_known_by_its_name(lt *t)
{
    sw_actor actor = by_name_actor(t);
    sw_organization org;
    sw_agent got;
    sw_outcome o;
    char first[SW_ID_MAX];
    OK(sw_agent_by_name(t->ledger, &actor, SW_STR(NAME_PROJECT), SW_STR("research-bot"), &o,
                        &t->err));
    VERDICT(o, CREATED);
    TEXT(sw_str_from(o.id), common_id);
    OK(sw_agent_by_name(t->ledger, &actor, SW_STR(NAME_PROJECT), SW_STR("research-bot"), &o,
                        &t->err));
    VERDICT(o, UNCHANGED);
    TEXT(sw_str_from(o.id), common_id);
    OK(sw_get(t->ledger, &actor, SW_RECORD_AGENT, sw_str_from(o.id), t->memory, &got, &t->err));
    TEXT(got.name, "research-bot");
    TEXT(got.project_id, NAME_PROJECT);
    OK(sw_agent_by_name(t->ledger, &actor, SW_NULL_STR, SW_STR("research-bot"), &o, &t->err));
    VERDICT(o, CREATED);
    memcpy(first, o.id, sizeof first);
    OK(sw_agent_by_name(t->ledger, &t->a, SW_NULL_STR, SW_STR("research-bot"), &o, &t->err));
    VERDICT(o, CREATED);
    CHECK(strcmp(first, o.id) != 0);
    OK(sw_get(t->ledger, &actor, SW_RECORD_ORGANIZATION, actor.organization_id, t->memory, &org,
              &t->err));
    CHECK(!org.name_key.ptr);
}

/* Another organization computed the id and took it first: the agent gets the id that follows from the same
 * under the organization's key, and keeps it when the other one lets go. That id too was computed by another
 * program (HMAC-SHA-256 of the parts, shaped as a uuid). */
static void an_occupied_id_keeps_nobody_out(lt *t)
{
    static const char keyed_id[] = "agent-b0247a93-72ce-4c9b-95e9-a5c015c01f25";
    const sw_random random = {fill, NULL};
    sw_agent taken = {.id = sw_str_from(common_id), .name = SW_STR("mine now")};
    sw_organization org;
    sw_actor actor;
    sw_outcome o;
    t->options.store = t->url;
    OK(sw__ledger_open_with(&t->options, NULL, &random, &t->ledger, &t->err));
    lt_organizations(t);
    actor = by_name_actor(t);
    OK(sw_record_create(t->ledger, &t->b, SW_RECORD_AGENT, &taken, &o, &t->err));
    for (int i = 0; i < 2; i++) {
        OK(sw_agent_by_name(t->ledger, &actor, SW_STR(NAME_PROJECT), SW_STR("research-bot"), &o,
                            &t->err));
        CHECK(o.verdict == (i == 0 ? SW_VERDICT_CREATED : SW_VERDICT_UNCHANGED));
        TEXT(sw_str_from(o.id), keyed_id);
    }
    OK(sw_record_delete(t->ledger, &t->b, SW_RECORD_AGENT, taken.id, &o, &t->err));
    OK(sw_agent_by_name(t->ledger, &actor, SW_STR(NAME_PROJECT), SW_STR("research-bot"), &o,
                        &t->err));
    VERDICT(o, UNCHANGED);
    TEXT(sw_str_from(o.id), keyed_id);
    OK(sw_get(t->ledger, &actor, SW_RECORD_ORGANIZATION, actor.organization_id, t->memory, &org,
              &t->err));
    CHECK(!org.name_key.ptr); /* never handed out */
}

static void every_process_finds_the_same_agent(lt *t)
{
    sw_ledger *another = NULL;
    sw_outcome o, again;
    OK(sw_agent_by_name(t->ledger, &t->a, SW_NULL_STR, SW_STR("bot"), &o, &t->err));
    OK(sw_ledger_open(&t->options, &another, &t->err));
    OK(sw_agent_by_name(another, &t->a, SW_NULL_STR, SW_STR("bot"), &again, &t->err));
    VERDICT(again, UNCHANGED);
    TEXT(sw_str_from(again.id), o.id);
    OK(sw_agent_by_name(another, &t->b, SW_NULL_STR, SW_STR("bot"), &again, &t->err));
    OK(sw_agent_by_name(t->ledger, &t->b, SW_NULL_STR, SW_STR("bot"), &o, &t->err));
    VERDICT(o, UNCHANGED);
    TEXT(sw_str_from(o.id), again.id);
    sw_ledger_close(&another);
    lt_reopen(t);
    OK(sw_agent_by_name(t->ledger, &t->b, SW_NULL_STR, SW_STR("bot"), &o, &t->err));
    VERDICT(o, UNCHANGED);
}

static const lt_case cases[] = {
    {"every record can be made, changed and deleted", every_record_can_be_made_changed_and_deleted,
     0},
    {"other content is a conflict", other_content_is_a_conflict, 0},
    {"the same again is fine after a change", the_same_again_is_fine_after_a_change, 0},
    {"the same again is fine when its agent has gone",
     the_same_again_is_fine_when_its_agent_has_gone, 0},
    {"the digest is the ledger's own", the_digest_is_the_ledgers_own, 0},
    {"what must not be null is named", what_must_not_be_null_is_named, 0},
    {"unique names are unique", unique_names_are_unique, 0},
    {"kept fields stay", kept_fields_stay, 0},
    {"other records have verbs of their own", other_records_have_verbs_of_their_own, 0},
    {"what is referred to stays", what_is_referred_to_stays, 0},
    {"the defaults stay", the_defaults_stay, 0},
    {"an agent takes its own along", an_agent_takes_its_own_along, 0},
    {"a conversation lets its runs go", a_conversation_lets_its_runs_go, 0},
    {"a provider takes its models along", a_provider_takes_its_models_along, 0},
    {"an agent is known by its name", an_agent_is_known_by_its_name, 0},
    {"an occupied id keeps nobody out", an_occupied_id_keeps_nobody_out, LT_CLOSED},
    {"every process finds the same agent", every_process_finds_the_same_agent, LT_DISK},
};

LT_MAIN("records", cases)
