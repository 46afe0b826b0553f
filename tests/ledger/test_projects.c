/* SPDX-License-Identifier: Apache-2.0 */
/* A caller who is limited to a project: lists, sums and the journal show that project's records and no others, what
 * he writes is booked on it, and what is another's is not his to change or to have. That each question about another
 * project's id is answered as for an id that nobody has: test_projects_ids.c.
 */
#include "model/model.h"
#include "tests/ledger/projects.h"

#include <stdio.h>

/* ---- lists, sums, journal ------------------------------------------------------------------------ */

static bool all_rows(void *arg, const void *row)
{
    (void)row;
    (void)arg;
    return true;
}

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
    for (size_t i = 0; i < READABLE; i++) {
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
                       all_rows, NULL, &last, &t->err));
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
