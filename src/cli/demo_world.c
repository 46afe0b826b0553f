/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in the demo: organizations with their users, projects, providers, models and agents, and
 * how busy each hour is. The world depends on the seed and the end only, so that workloads of
 * different length meet in the same organizations.
 */
#include "cli/demo_private.h"

#include <stdio.h>

#define HOUR_US INT64_C(3600000000)
/* With 2026-01-01 begin the ids of what is in the default organization. */
#define DEFAULT_BORN_US INT64_C(1767225600000000)
enum { WORLD_DAYS = 30 };

typedef struct organization_row {
    const char *name;
    int share; /* of the steps, percent */
    size_t agents;
    const char *users[DEMO_USERS];
    const char *projects[DEMO_PROJECTS];
} organization_row;

static const organization_row rows[SW_DEMO_ORGANIZATIONS] = {
    {"Halden Robotics",
     46,
     12,
     {"Ida Brandt", "Jonas Vik", "Mei Tanaka", "build server"},
     {"fleet-software", "customer-portal", "internal-tools"}},
    {"Tallgrass Retail",
     29,
     8,
     {"Carla Moreno", "Ben Achterberg", "Noor Haddad", "shop backend"},
     {"shop", "warehouse", "marketing"}},
    {"Blue Harbor Clinics",
     17,
     6,
     {"Aoife Byrne", "Tomás Silva", "Priya Nair", "scheduler"},
     {"appointments", "records", "research"}},
    {"Meridian Insurance",
     8,
     4,
     {"Zoë Lindqvist", "Karl Weiss", "Amara Okafor", "batch account"},
     {"claims", "quotes", "compliance"}},
};

/* ---- how busy -------------------------------------------------------------------------------- */

/* Working hours, a dip at noon, quiet nights that never stop; a third of it at weekends. */
static void make_weights(sw_demo *demo)
{
    static const uint8_t hours[24] = {6,  4,  3,  3,  4,  8,  18, 40, 72, 96, 100, 92,
                                      66, 84, 98, 94, 86, 64, 40, 30, 26, 20, 14,  9};
    int64_t begin_us = demo->options.until_us - DEMO_SLOTS * HOUR_US;
    demo->weights[0] = 0;
    for (int i = 0; i < DEMO_SLOTS; i++) {
        int64_t at = begin_us + i * HOUR_US;
        int64_t day = sw_time_day(at);
        int64_t hour = (at - day * 24 * HOUR_US) / HOUR_US;
        bool weekend = (day + 3) % 7 >= 5; /* 1970-01-01 was a Thursday */
        demo->weights[i + 1] = demo->weights[i] + hours[hour] / (weekend ? 3 : 1);
    }
}

/* ---- making ---------------------------------------------------------------------------------- */

static int64_t world_time(const sw_demo *demo)
{
    return demo->options.until_us - WORLD_DAYS * 24 * HOUR_US;
}

static demo_agent make_agent(demo_random *random, size_t number, int64_t at_us)
{
    demo_agent agent = {.id = demo_id_make(random, "agent", at_us)};
    agent.scenario = (uint8_t)(number % DEMO_SCENARIOS);
    agent.name = (uint8_t)(number / DEMO_SCENARIOS % DEMO_NAMES);
    agent.project = (uint8_t)demo_below(random, DEMO_PROJECTS);
    agent.model = (uint8_t)demo_below(random, DEMO_MODELS);
    agent.second_model = (uint8_t)demo_below(random, DEMO_MODELS);
    return agent;
}

/* Of the first organization only what happens follows from the seed. It is the default one, where who has
 * no key looks, and demos of other seeds meet in it under the same names.
 */
static void make_organization(sw_demo *demo, size_t number)
{
    demo_organization *made = &demo->organizations[number];
    bool is_default = number == 0;
    int64_t at = is_default ? DEFAULT_BORN_US : world_time(demo);
    uint64_t seed = is_default ? 1 : demo->options.seed;
    demo_random random = {seed * UINT64_C(0x2545F4914F6CDD1D) + number};
    made->name = rows[number].name;
    made->agent_count = rows[number].agents;
    made->id = demo_id_make(&random, "org", at);
    if (is_default) {
        memcpy(made->id.text, SW_DEFAULT_ORGANIZATION, sizeof SW_DEFAULT_ORGANIZATION);
    }
    for (size_t i = 0; i < DEMO_USERS; i++) {
        made->users[i] = demo_id_make(&random, "user", at);
    }
    for (size_t i = 0; i < DEMO_PROJECTS; i++) {
        made->projects[i] = demo_id_make(&random, "project", at);
    }
    for (size_t i = 0; i < DEMO_PROVIDERS; i++) {
        made->providers[i] = demo_id_make(&random, "provider", at);
    }
    for (size_t i = 0; i < DEMO_MODELS; i++) {
        made->models[i] = demo_id_make(&random, "model", at);
    }
    for (size_t i = 0; i < made->agent_count; i++) {
        made->agents[i] = make_agent(&random, i + number, at);
    }
}

/* The shares are whole numbers that add up: the first organization takes what is left over. */
static void share_steps(sw_demo *demo)
{
    int64_t left = demo->options.steps;
    for (size_t i = SW_DEMO_ORGANIZATIONS - 1; i > 0; i--) {
        demo->organizations[i].steps = demo->options.steps / 100 * rows[i].share +
                                       demo->options.steps % 100 * rows[i].share / 100;
        left -= demo->organizations[i].steps;
    }
    demo->organizations[0].steps = left;
}

sw_status sw_demo_new(const sw_demo_options *options, const sw_allocator *allocator, sw_demo **out)
{
    if (!allocator) {
        allocator = &sw__libc_allocator;
    }
    *out = sw_alloc_zeroed(allocator, sizeof **out);
    if (!*out) {
        return SW_STATUS_NO_MEMORY;
    }
    (*out)->allocator = *allocator;
    (*out)->options = *options;
    for (size_t i = 0; i < SW_DEMO_ORGANIZATIONS; i++) {
        make_organization(*out, i);
    }
    share_steps(*out);
    make_weights(*out);
    return SW_STATUS_OK;
}

void sw_demo_free(sw_demo **demo)
{
    if (*demo) {
        sw_allocator allocator = (*demo)->allocator;
        sw_free(&allocator, *demo);
        *demo = NULL;
    }
}

sw_actor sw_demo_actor(const sw_demo *demo, size_t organization)
{
    sw_assert(organization < SW_DEMO_ORGANIZATIONS);
    const demo_organization *of = &demo->organizations[organization];
    return (sw_actor){.organization_id = demo_id_str(&of->id),
                      .user_id = demo_id_str(&of->users[3])};
}

int64_t sw_demo_steps(const sw_demo *demo, size_t organization)
{
    sw_assert(organization < SW_DEMO_ORGANIZATIONS);
    return demo->organizations[organization].steps;
}

/* ---- showing --------------------------------------------------------------------------------- */

/* One visit of the world: to whom, and whether it goes on. */
typedef struct tour {
    const sw_demo *demo;
    const demo_organization *of;
    const organization_row *row;
    sw_demo_visit *visit;
    void *arg;
    sw_int at;
} tour;

static bool show_people(const tour *t)
{
    sw_organization organization = {
        .id = demo_id_str(&t->of->id), .name = sw_str_from(t->of->name), .created_at = t->at};
    bool on = t->visit(t->arg, SW_RECORD_ORGANIZATION, &organization);
    for (size_t i = 0; i < DEMO_USERS && on; i++) {
        sw_user user = {.id = demo_id_str(&t->of->users[i]),
                        .name = sw_str_from(t->row->users[i]),
                        .organization_id = demo_id_str(&t->of->id),
                        .created_at = t->at};
        on = t->visit(t->arg, SW_RECORD_USER, &user);
    }
    for (size_t i = 0; i < DEMO_PROJECTS && on; i++) {
        sw_project project = {.id = demo_id_str(&t->of->projects[i]),
                              .name = sw_str_from(t->row->projects[i]),
                              .created_at = t->at};
        on = t->visit(t->arg, SW_RECORD_PROJECT, &project);
    }
    return on;
}

static bool show_model(const tour *t, size_t number)
{
    const demo_model *model = &sw__demo_models[number];
    const demo_provider *provider = &sw__demo_providers[model->provider];
    char handle[96];
    int length = snprintf(handle, sizeof handle, "%s/%s", provider->handle, model->name);
    sw_provider_model row = {.id = demo_id_str(&t->of->models[number]),
                             .handle = sw_str_make(handle, (size_t)length),
                             .display_name = sw_str_from(model->name),
                             .name = sw_str_from(model->name),
                             .provider_id = demo_id_str(&t->of->providers[model->provider]),
                             .model_type = SW_STR("llm"),
                             .model_endpoint_type = sw_str_from(provider->type),
                             .max_context_window = sw_int_of(model->window),
                             .supports_token_streaming = sw_int_of(1),
                             .supports_tool_calling = sw_int_of(1),
                             .created_at = t->at};
    return t->visit(t->arg, SW_RECORD_PROVIDER_MODEL, &row);
}

static bool show_providers(const tour *t)
{
    bool on = true;
    for (size_t i = 0; i < DEMO_PROVIDERS && on; i++) {
        const demo_provider *provider = &sw__demo_providers[i];
        sw_provider row = {.id = demo_id_str(&t->of->providers[i]),
                           .name = sw_str_from(provider->handle),
                           .provider_type = sw_str_from(provider->type),
                           .provider_category = i == 1 ? SW_STR("byok") : SW_STR("base"),
                           .base_url = sw_str_from(provider->url),
                           .created_at = t->at};
        on = t->visit(t->arg, SW_RECORD_PROVIDER, &row);
    }
    for (size_t i = 0; i < DEMO_MODELS && on; i++) {
        on = show_model(t, i);
    }
    return on;
}

static bool show_agents(const tour *t)
{
    bool on = true;
    for (size_t i = 0; i < t->of->agent_count && on; i++) {
        const demo_agent *agent = &t->of->agents[i];
        const demo_scenario *scenario = &sw__demo_scenarios[agent->scenario];
        sw_agent row = {.id = demo_id_str(&agent->id),
                        .name = sw_str_from(scenario->agents[agent->name]),
                        .project_id = demo_id_str(&t->of->projects[agent->project]),
                        .agent_type = SW_STR("letta_v1_agent"),
                        .timezone = SW_STR("UTC"),
                        .created_at = t->at};
        on = t->visit(t->arg, SW_RECORD_AGENT, &row);
    }
    return on;
}

bool sw_demo_world(const sw_demo *demo, size_t organization, sw_demo_visit *visit, void *arg)
{
    sw_assert(organization < SW_DEMO_ORGANIZATIONS);
    tour t = {.demo = demo,
              .of = &demo->organizations[organization],
              .row = &rows[organization],
              .visit = visit,
              .arg = arg,
              .at = sw_int_of(world_time(demo))};
    return show_people(&t) && show_providers(&t) && show_agents(&t);
}
