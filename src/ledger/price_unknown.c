/* SPDX-License-Identifier: Apache-2.0 */
/* Which models' steps have no cost, and why: sums by model say where costs are unknown, rows of these models by which
 * provider, the tables of prices whether the model has a price at all. Mostly few models are without, and the steps of the
 * others are not read.
 */
#include "ledger/price.h"

enum { MODELS_MOST = 1000 }; /* that are asked for by name; of more all steps are read */

typedef struct gaps {
    sw_arena arena;
    sw_value *models; /* with steps of unknown cost */
    size_t model_count;
    size_t model_room;
    bool nameless; /* so have steps without a model */
    bool complete;
    sw_unknown_cost *all;
    size_t count;
    size_t room;
} gaps;

static bool see_model(void *arg, const sw_usage_group *group)
{
    gaps *g = arg;
    sw_value *models = NULL;

    if (group->totals.cost_unknown == 0) {
        return true;
    }
    if (!group->keys[0].ptr) {
        g->nameless = true;
        return true;
    }
    models = sw_arena_grow(&g->arena, g->models, g->model_count, &g->model_room, sizeof *models);
    if (models) {
        g->models = models;
        models[g->model_count++] = (sw_value){.text = sw_arena_str(&g->arena, group->keys[0])};
    }
    return models != NULL;
}

static bool see_group(void *arg, const sw_usage_group *group)
{
    gaps *g = arg;
    sw_unknown_cost *all = NULL;

    if (group->totals.cost_unknown == 0) {
        return true;
    }
    all = sw_arena_grow(&g->arena, g->all, g->count, &g->room, sizeof *all);
    if (all) {
        g->all = all;
        all[g->count++] =
            (sw_unknown_cost){.provider_name = sw_arena_str(&g->arena, group->keys[0]),
                              .model = sw_arena_str(&g->arena, group->keys[1]),
                              .totals = group->totals};
    }
    return all != NULL;
}

/* No price on any day says that the price is missing, whatever else is. */
static sw_status find_why(sw_session *session, sw_str organization_id, sw_arena *arena,
                          sw_unknown_cost *gap, sw_error *err)
{
    const sw_step like = {.provider_name = gap->provider_name, .model = gap->model};
    sw_price_list prices = {NULL, 0};
    sw_status status = SW_STATUS_OK;

    gap->why = SW_COST_GAP_MODEL;
    if (gap->model.ptr) {
        status = sw__price_list(session, organization_id, &like, arena, &prices, err);
        gap->why = prices.count == 0                                       ? SW_COST_GAP_PRICE
                   : gap->totals.usage_unknown >= gap->totals.cost_unknown ? SW_COST_GAP_USAGE
                                                                           : SW_COST_GAP_UNFIT;
    }
    return status;
}

static sw_status find_all(sw_ledger *ledger, const sw_actor *actor, gaps *g, sw_error *err)
{
    sw_session *session = NULL;
    sw_status status = sw__reader_take(ledger, &session, err);

    if (status != SW_STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < g->count && status == SW_STATUS_OK; i++) {
        sw_mark mark = sw_arena_mark(&g->arena);
        status = find_why(session, sw__actor_organization(actor), &g->arena, &g->all[i], err);
        sw_arena_rewind(&g->arena, mark);
    }
    sw__reader_give(ledger, session);
    return status;
}

static sw_status ask(sw_ledger *ledger, const sw_actor *actor, const sw_usage_query *query,
                     sw_usage_each *each, gaps *g, sw_error *err)
{
    sw_usage_end end = {.complete = false};
    sw_status status = sw_usage(ledger, actor, query, each, g, &end, err);

    g->complete = g->complete && end.complete;
    return status == SW_STATUS_OK && g->arena.failed ? sw_no_memory(err) : status;
}

static sw_status find_groups(sw_ledger *ledger, const sw_actor *actor, sw_int from, sw_int to,
                             gaps *g, sw_error *err)
{
    sw_condition of = {.field = SW_STEP_MODEL, .op = SW_OP_NULL};
    sw_usage_query query = {.by = {SW_DIMENSION_MODEL}, .by_count = 1, .from = from, .to = to};
    sw_status status = ask(ledger, actor, &query, see_model, g, err);

    query = (sw_usage_query){.by = {SW_DIMENSION_PROVIDER, SW_DIMENSION_MODEL},
                             .by_count = 2,
                             .from = from,
                             .to = to,
                             .conditions = &of,
                             .condition_count = 1};
    if (status == SW_STATUS_OK && g->model_count > MODELS_MOST) {
        query.condition_count = 0;
        return ask(ledger, actor, &query, see_group, g, err);
    }
    if (status == SW_STATUS_OK && g->nameless) {
        status = ask(ledger, actor, &query, see_group, g, err);
    }
    if (status == SW_STATUS_OK && g->model_count > 0) {
        of = (sw_condition){SW_STEP_MODEL, SW_OP_IN, g->models, g->model_count};
        status = ask(ledger, actor, &query, see_group, g, err);
    }
    return status;
}

sw_status sw_unknown_costs(sw_ledger *ledger, const sw_actor *actor, sw_int from, sw_int to,
                           sw_unknown_cost_each *each, void *arg, bool *complete, sw_error *err)
{
    gaps g = {.complete = true};
    sw_status status = SW_STATUS_OK;

    sw_arena_init(&g.arena, &ledger->allocator, 0);
    status = find_groups(ledger, actor, from, to, &g, err);
    if (status == SW_STATUS_OK) {
        status = find_all(ledger, actor, &g, err);
    }
    for (size_t i = 0; i < g.count && status == SW_STATUS_OK && each(arg, &g.all[i]); i++) {
    }
    *complete = g.complete;
    sw_arena_fini(&g.arena);
    return status;
}
