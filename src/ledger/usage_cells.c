/* SPDX-License-Identifier: Apache-2.0 */
/* Usage from rollups: which of them knows every dimension and condition of a question, and how its
 * cells become groups.
 */
#include "ledger/usage.h"

/* The rollups in the order of preference: the fewest cells first. The field of each that holds a
 * dimension, -1 where it does not know it. */
typedef struct knowledge {
    int rollup;
    bool all_organizations; /* has no organization: only for who may see all */
    int8_t field[SW_DIMENSION_COUNT];
    int8_t unit; /* the field that counts days or hours */
    bool hours;
} knowledge;

#define UNKNOWN                                                                                    \
    {                                                                                              \
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1                                         \
    }
_Static_assert(SW_DIMENSION_COUNT == 13, "UNKNOWN has a place for each dimension");

static knowledge know(size_t i)
{
    knowledge k = {.field = UNKNOWN};

    switch (i) {
    case 0:
        k.rollup = SW_ROLLUP_MODEL_DAY;
        k.all_organizations = true;
        k.field[SW_DIMENSION_MODEL] = SW_USAGE_MODEL_DAY_MODEL;
        k.field[SW_DIMENSION_DAY] = k.unit = SW_USAGE_MODEL_DAY_DAY;
        break;
    case 1:
        k.rollup = SW_ROLLUP_ORG_HOUR;
        k.hours = true;
        k.field[SW_DIMENSION_ORGANIZATION] = SW_USAGE_ORG_HOUR_ORGANIZATION_ID;
        k.field[SW_DIMENSION_HOUR] = k.unit = SW_USAGE_ORG_HOUR_HOUR;
        k.field[SW_DIMENSION_DAY] = SW_USAGE_ORG_HOUR_HOUR;
        break;
    case 2:
        k.rollup = SW_ROLLUP_PROJECT_DAY;
        k.field[SW_DIMENSION_ORGANIZATION] = SW_USAGE_PROJECT_DAY_ORGANIZATION_ID;
        k.field[SW_DIMENSION_PROJECT] = SW_USAGE_PROJECT_DAY_PROJECT_ID;
        k.field[SW_DIMENSION_MODEL] = SW_USAGE_PROJECT_DAY_MODEL;
        k.field[SW_DIMENSION_STATUS] = SW_USAGE_PROJECT_DAY_STATUS;
        k.field[SW_DIMENSION_DAY] = k.unit = SW_USAGE_PROJECT_DAY_DAY;
        break;
    default:
        k.rollup = SW_ROLLUP_AGENT_DAY;
        k.field[SW_DIMENSION_ORGANIZATION] = SW_USAGE_AGENT_DAY_ORGANIZATION_ID;
        k.field[SW_DIMENSION_AGENT] = SW_USAGE_AGENT_DAY_AGENT_ID;
        k.field[SW_DIMENSION_DAY] = k.unit = SW_USAGE_AGENT_DAY_DAY;
        break;
    }
    return k;
}
enum { KNOWN_ROLLUPS = 4 };

/* The dimension a condition on this field of step speaks of, or -1. */
static int dimension_of(uint8_t field)
{
    switch (field) {
    case SW_STEP_ORGANIZATION_ID:
        return SW_DIMENSION_ORGANIZATION;
    case SW_STEP_PROJECT_ID:
        return SW_DIMENSION_PROJECT;
    case SW_STEP_AGENT_ID:
        return SW_DIMENSION_AGENT;
    case SW_STEP_MODEL:
        return SW_DIMENSION_MODEL;
    case SW_STEP_STATUS:
        return SW_DIMENSION_STATUS;
    default:
        return -1;
    }
}

static bool answers(const knowledge *k, const sw_actor *actor, const sw_usage_query *q)
{
    bool everywhere = actor && actor->everywhere;

    if ((k->all_organizations && !everywhere) || (k->hours && q->latency)) {
        return false;
    }
    for (size_t i = 0; i < q->by_count; i++) {
        if (k->field[q->by[i]] < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < q->condition_count; i++) {
        int d = dimension_of(q->conditions[i].field);
        if (d < 0 || k->field[d] < 0) {
            return false;
        }
    }
    return q->zone_minutes == 0;
}

static int find(const sw_actor *actor, const sw_usage_query *q)
{
    for (size_t i = 0; i < KNOWN_ROLLUPS; i++) {
        knowledge k = know(i);
        if (answers(&k, actor, q)) {
            return (int)i;
        }
    }
    return -1;
}

int sw__usage_rollup(const sw_actor *actor, const sw_usage_query *q, int64_t *unit_us)
{
    int i = find(actor, q);

    *unit_us = i >= 0 && know((size_t)i).hours ? INT64_C(3600000000) : INT64_C(86400000000);
    return i;
}

/* ---- cells -------------------------------------------------------------------------------------- */

typedef struct cell_walk {
    sw_gather *gather;
    knowledge k;
    const sw_record *record;
} cell_walk;

static void cell_key(const cell_walk *walk, const void *row, sw_usage_key *key)
{
    const sw_usage_query *q = walk->gather->query;

    for (size_t i = 0; i < q->by_count; i++) {
        const sw_field *field = &walk->record->fields[walk->k.field[q->by[i]]];
        if (sw_kind_is_text(field->kind)) {
            key->text[i] = sw_field_text(field, row);
        } else {
            key->number[i] = sw_field_number(field, row).value;
        }
        if (walk->k.hours && q->by[i] == SW_DIMENSION_DAY) {
            key->number[i] = key->number[i] / 24 - (key->number[i] % 24 < 0);
        }
    }
}

static sw_seen see_cell(void *arg, const void *row)
{
    cell_walk *walk = arg;
    sw_gather *g = walk->gather;
    sw_usage_key key = {.number = {0}};
    sw_gathered *group = NULL;
    sw_sums sums;

    cell_key(walk, row, &key);
    sw_sums_from_row(&sw__rollups[walk->k.rollup], row, &sums);
    if (sums.v[0] == 0) {
        return SW_SEEN_COUNT; /* its steps have all gone */
    }
    group = sw__gather_group(g, &key);
    if (!group) {
        return g->failed ? SW_SEEN_STOP : SW_SEEN_SKIP;
    }
    sw_sums_add(&group->sums, &sums, 1);
    return SW_SEEN_COUNT;
}

static size_t unit_bounds(sw_condition *out, uint8_t field, const sw_value *from,
                          const sw_value *to)
{
    size_t n = 0;

    if (from->number != INT64_MIN) {
        out[n++] = (sw_condition){field, SW_OP_GE, from, 1};
    }
    if (to->number != INT64_MAX) {
        out[n++] = (sw_condition){field, SW_OP_LT, to, 1};
    }
    return n;
}

sw_status sw__usage_cells(sw_gather *g, int rollup, int64_t from_unit, int64_t to_unit,
                          sw_error *err)
{
    cell_walk walk = {.gather = g, .k = know((size_t)rollup)};
    sw_record_id id = sw__rollups[walk.k.rollup].record;
    sw_condition *conditions =
        sw_arena_zeroed(g->arena, (g->query->condition_count + 3) * sizeof *conditions);
    sw_value from = {.number = from_unit};
    sw_value to = {.number = to_unit};
    sw_value owner = {.text = sw__actor_organization(g->actor)};
    sw_scan scan = {.record = id, .conditions = conditions, .unordered = true};
    sw_scan_end end = {0};
    sw_status status = SW_STATUS_OK;
    size_t n = 0;

    if (!conditions) {
        return sw_no_memory(err);
    }
    walk.record = sw_record_of(id);
    for (; n < g->query->condition_count; n++) {
        conditions[n] = g->query->conditions[n];
        conditions[n].field = (uint8_t)walk.k.field[dimension_of(conditions[n].field)];
    }
    if (!g->actor || !g->actor->everywhere) {
        conditions[n++] =
            (sw_condition){(uint8_t)walk.k.field[SW_DIMENSION_ORGANIZATION], SW_OP_EQ, &owner, 1};
    }
    n += unit_bounds(conditions + n, (uint8_t)walk.k.unit, &from, &to);
    scan.condition_count = n;
    status = sw_store_scan(g->session, &scan, see_cell, &walk, &end, err);
    g->cells += end.looked;
    return status;
}

/* ---- histograms --------------------------------------------------------------------------------- */

bool sw__usage_histograms(const sw_actor *actor, const sw_usage_query *q, sw_record_id *record)
{
    bool everywhere = actor && actor->everywhere;
    bool by_organization = true;
    bool by_model = everywhere;

    for (size_t i = 0; i < q->by_count; i++) {
        bool day = q->by[i] == SW_DIMENSION_DAY;
        by_organization = by_organization && (day || q->by[i] == SW_DIMENSION_ORGANIZATION);
        by_model = by_model && (day || q->by[i] == SW_DIMENSION_MODEL);
    }
    for (size_t i = 0; i < q->condition_count; i++) {
        by_organization = by_organization && q->conditions[i].field == SW_STEP_ORGANIZATION_ID;
        by_model = by_model && q->conditions[i].field == SW_STEP_MODEL;
    }
    *record = by_organization ? SW_RECORD_LATENCY_ORG_DAY : SW_RECORD_LATENCY_MODEL_DAY;
    return (by_organization || by_model) && q->zone_minutes == 0;
}

static bool add_spread(sw_gather *g, sw_times *times, sw_str encoded)
{
    if (!encoded.ptr) {
        return true;
    }
    if (!times->histogram) {
        times->histogram = sw_arena_zeroed(g->arena, sizeof *times->histogram);
    }
    if (!times->histogram) {
        return sw__gather_fail(g, sw_no_memory(&g->error));
    }
    if (!sw_histogram_add(times->histogram, encoded)) {
        return sw__gather_fail(
            g, sw_fail(&g->error, SW_STATUS_CORRUPT, "", "a latency histogram is damaged"));
    }
    return true;
}

static sw_seen see_spread(void *arg, const void *row)
{
    cell_walk *walk = arg;
    sw_gather *g = walk->gather;
    bool by_org = walk->record == sw_record_of(SW_RECORD_LATENCY_ORG_DAY);
    const sw_latency_org_day *o = row;
    const sw_latency_model_day *m = row;
    const sw_str parts[3] = {by_org ? o->step_time : m->step_time,
                             by_org ? o->model_time : m->model_time,
                             by_org ? o->tool_time : m->tool_time};
    sw_usage_key key = {.number = {0}};
    sw_gathered *group = NULL;

    cell_key(walk, row, &key);
    group = sw__gather_group(g, &key);
    for (size_t i = 0; i < 3 && group; i++) {
        if (!add_spread(g, &group->times[i], parts[i])) {
            return SW_SEEN_STOP;
        }
    }
    return g->failed ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

sw_status sw__usage_spread(sw_gather *g, sw_record_id record, int64_t from_day, int64_t to_day,
                           sw_error *err)
{
    bool by_org = record == SW_RECORD_LATENCY_ORG_DAY;
    cell_walk walk = {.gather = g, .k = {.field = UNKNOWN}, .record = sw_record_of(record)};
    sw_condition *conditions =
        sw_arena_zeroed(g->arena, (g->query->condition_count + 3) * sizeof *conditions);
    sw_value from = {.number = from_day};
    sw_value to = {.number = to_day};
    sw_value owner = {.text = sw__actor_organization(g->actor)};
    sw_scan scan = {.record = record, .conditions = conditions, .unordered = true};
    sw_scan_end end = {0};
    sw_status status = SW_STATUS_OK;
    size_t n = 0;

    if (!conditions) {
        return sw_no_memory(err);
    }
    walk.k.field[SW_DIMENSION_ORGANIZATION] = SW_LATENCY_ORG_DAY_ORGANIZATION_ID;
    walk.k.field[SW_DIMENSION_MODEL] = SW_LATENCY_MODEL_DAY_MODEL;
    walk.k.field[SW_DIMENSION_DAY] = by_org ? SW_LATENCY_ORG_DAY_DAY : SW_LATENCY_MODEL_DAY_DAY;
    for (; n < g->query->condition_count; n++) {
        conditions[n] = g->query->conditions[n];
        conditions[n].field = (uint8_t)walk.k.field[dimension_of(conditions[n].field)];
    }
    if (by_org && (!g->actor || !g->actor->everywhere)) {
        conditions[n++] = (sw_condition){SW_LATENCY_ORG_DAY_ORGANIZATION_ID, SW_OP_EQ, &owner, 1};
    }
    n += unit_bounds(conditions + n, (uint8_t)walk.k.field[SW_DIMENSION_DAY], &from, &to);
    scan.condition_count = n;
    status = sw_store_scan(g->session, &scan, see_spread, &walk, &end, err);
    g->cells += end.looked;
    if (status == SW_STATUS_OK && g->failed) {
        *err = g->error;
        status = g->error.status;
    }
    return status;
}
