/* SPDX-License-Identifier: Apache-2.0 */
/* Usage from the steps themselves, newest first, within the bound. For who sees everything it is shared out among the
 * organizations, as their indexes begin with the organization: when it ends the reading, the sums are of the newest
 * steps of each, and no organization is left out because another one has many.
 */
#include "ledger/usage.h"

typedef struct row_walk {
    sw_gather *gather;
    int64_t shift_us; /* of the time zone */
} row_walk;

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* What the step is in one dimension. */
static void dimension(const sw_step *step, sw_dimension by, int64_t shift_us, sw_str *text,
                      int64_t *number)
{
    int64_t at = step->created_at.value + shift_us;

    switch (by) {
    case SW_DIMENSION_ORGANIZATION:
        *text = step->organization_id;
        break;
    case SW_DIMENSION_PROJECT:
        *text = step->project_id;
        break;
    case SW_DIMENSION_AGENT:
        *text = step->agent_id;
        break;
    case SW_DIMENSION_MODEL:
        *text = step->model;
        break;
    case SW_DIMENSION_PROVIDER:
        *text = step->provider_name;
        break;
    case SW_DIMENSION_STATUS:
        *number = step->status.value;
        break;
    case SW_DIMENSION_STOP_REASON:
        *text = step->stop_reason;
        break;
    case SW_DIMENSION_USER:
        *text = step->end_user;
        break;
    case SW_DIMENSION_FEEDBACK:
        *text = step->feedback.known
                    ? sw_str_from(sw_enum_word(SW_ENUM_feedback, step->feedback.value))
                    : SW_NULL_STR;
        break;
    case SW_DIMENSION_CONVERSATION:
        *text = step->conversation_id;
        break;
    case SW_DIMENSION_MINUTE:
        *number = floor_div(at, INT64_C(60000000));
        break;
    case SW_DIMENSION_HOUR:
        *number = floor_div(at, INT64_C(3600000000));
        break;
    case SW_DIMENSION_DAY:
        *number = floor_div(at, INT64_C(86400000000));
        break;
    }
}

static void add_times(sw_gather *g, const sw_step *step, sw_gathered *group)
{
    sw_mark mark = sw_arena_mark(g->arena);
    sw_step_metrics key = {.id = step->id};
    sw_step_metrics m;
    sw_status status =
        sw_store_get(g->session, SW_RECORD_STEP_METRICS, &key, g->arena, &m, &g->error);

    sw_arena_rewind(g->arena, mark); /* only numbers are used from here on */
    if (status != SW_STATUS_OK) {
        if (status != SW_STATUS_NOT_FOUND) {
            sw__gather_fail(g, status);
        }
        return;
    }
    const sw_int times[3] = {m.step_ns, m.llm_request_ns, m.tool_execution_ns};
    for (size_t i = 0; i < 3; i++) {
        if (times[i].known) {
            sw__gather_time(g, &group->times[i], times[i].value);
        }
    }
}

static sw_seen see_step(void *arg, const void *row)
{
    row_walk *walk = arg;
    sw_gather *g = walk->gather;
    const sw_step *step = row;
    sw_usage_key key = {.number = {0}};
    sw_gathered *group = NULL;
    sw_sums sums;

    for (size_t i = 0; i < g->query->by_count; i++) {
        dimension(step, g->query->by[i], walk->shift_us, &key.text[i], &key.number[i]);
    }
    group = sw__gather_group(g, &key);
    if (!group) {
        return g->failed ? SW_SEEN_STOP : SW_SEEN_SKIP;
    }
    sw_sums_of_step(step, &sums);
    sw_sums_add(&group->sums, &sums, 1);
    if (g->query->latency) {
        add_times(g, step, group);
    }
    return g->failed ? SW_SEEN_STOP : SW_SEEN_COUNT;
}

/* The fields that sums and dimensions read; decoding the others would be most of the work. */
static uint64_t fields_read(const sw_usage_query *q)
{
    static const uint64_t of[SW_DIMENSION_COUNT] = {
        [SW_DIMENSION_ORGANIZATION] = SW_MASK(SW_STEP_ORGANIZATION_ID),
        [SW_DIMENSION_PROJECT] = SW_MASK(SW_STEP_PROJECT_ID),
        [SW_DIMENSION_AGENT] = SW_MASK(SW_STEP_AGENT_ID),
        [SW_DIMENSION_MODEL] = SW_MASK(SW_STEP_MODEL),
        [SW_DIMENSION_PROVIDER] = SW_MASK(SW_STEP_PROVIDER_NAME),
        [SW_DIMENSION_STOP_REASON] = SW_MASK(SW_STEP_STOP_REASON),
        [SW_DIMENSION_USER] = SW_MASK(SW_STEP_END_USER),
        [SW_DIMENSION_FEEDBACK] = SW_MASK(SW_STEP_FEEDBACK),
        [SW_DIMENSION_CONVERSATION] = SW_MASK(SW_STEP_CONVERSATION_ID),
    };
    uint64_t mask = SW_MASK(SW_STEP_STATUS) | SW_MASK(SW_STEP_PROMPT_TOKENS) |
                    SW_MASK(SW_STEP_COMPLETION_TOKENS) | SW_MASK(SW_STEP_TOTAL_TOKENS) |
                    SW_MASK(SW_STEP_CACHED_INPUT_TOKENS) | SW_MASK(SW_STEP_CACHE_WRITE_TOKENS) |
                    SW_MASK(SW_STEP_REASONING_TOKENS) | SW_MASK(SW_STEP_COST_NANO_USD) |
                    SW_MASK(SW_STEP_USAGE_STATE) | SW_MASK(SW_STEP_CREATED_AT) |
                    SW_MASK(SW_STEP_RETIRED_INTO);

    mask |= q->latency ? SW_MASK(SW_STEP_ID) : 0;
    for (size_t i = 0; i < q->by_count; i++) {
        mask |= of[q->by[i]];
    }
    return mask;
}

/* Where the reading of an organization stands. */
typedef struct turn {
    sw_str organization;
    sw_step *place; /* it goes on behind this step; NULL: from the newest on */
    bool exhausted; /* nothing is left */
} turn;

/* Sums up to so many more rows of one organization. */
static sw_status organization_rows(sw_gather *g, turn *of, int64_t from, int64_t to,
                                   int64_t row_limit, sw_error *err)
{
    sw_actor actor = {.organization_id = of->organization};
    sw_value lower = {.number = from};
    sw_value upper = {.number = to};
    row_walk walk = {g, (int64_t)g->query->zone_minutes * 60 * 1000000};
    sw_scan scan = {.record = SW_RECORD_STEP,
                    .order = {SW_STEP_CREATED_AT, SW_STEP_ID},
                    .order_count =
                        of->place ? 2 : 1, /* without a place, ties add up in any order */
                    .descending = true,
                    .fields = fields_read(g->query) | (of->place ? SW_MASK(SW_STEP_ID) : 0),
                    .look_limit = row_limit,
                    .sort_limit = row_limit,
                    .after = of->place && of->place->id.ptr ? of->place : NULL,
                    .place = of->place,
                    .place_arena = g->arena};
    sw_bounds bounds;
    sw_scan_end end = {0};
    sw_status status = sw__bounds(&actor, SW_RECORD_STEP, g->query->conditions,
                                  g->query->condition_count, 2, g->arena, &bounds, err);

    if (status != SW_STATUS_OK || row_limit <= 0) {
        return status;
    }
    if (from != INT64_MIN) {
        bounds.conditions[bounds.count++] = (sw_condition){SW_STEP_CREATED_AT, SW_OP_GE, &lower, 1};
    }
    if (to != INT64_MAX) {
        bounds.conditions[bounds.count++] = (sw_condition){SW_STEP_CREATED_AT, SW_OP_LT, &upper, 1};
    }
    scan.conditions = bounds.conditions;
    scan.condition_count = bounds.count;
    status = sw_store_scan(g->session, &scan, see_step, &walk, &end, err);
    g->rows += end.looked;
    /* Where there is no place to go on from, the rest is given up. */
    g->cut = g->cut || end.unsorted || (end.looked == 0 && !end.exhausted);
    of->exhausted = end.exhausted || end.unsorted || end.looked == 0;
    if (status == SW_STATUS_OK && g->failed) {
        *err = g->error;
        status = g->error.status;
    }
    return status;
}

/* All organizations get the same number of rows, and what those with fewer leave over is shared out anew among
 * the others. In the first round each gets at least one, so that an answer is never called cut because of an
 * organization without steps. */
static sw_status in_rounds(sw_gather *g, turn *turns, size_t count, int64_t from, int64_t to,
                           sw_error *err)
{
    int64_t each = (g->row_limit - g->rows) / (int64_t)(count ? count : 1);
    sw_status status = SW_STATUS_OK;

    each = each > 0 ? each : 1;
    while (count > 0 && each > 0 && status == SW_STATUS_OK) {
        size_t left = 0;
        for (size_t i = 0; i < count && status == SW_STATUS_OK; i++) {
            status = organization_rows(g, &turns[i], from, to, each, err);
            if (!turns[i].exhausted) {
                turns[left++] = turns[i];
            }
        }
        count = left;
        each = count ? (g->row_limit - g->rows) / (int64_t)count : 0;
    }
    g->cut = g->cut || count > 0;
    return status;
}

static sw_status everywhere(sw_gather *g, int64_t from, int64_t to, sw_error *err)
{
    sw_organizations all = {.count = 0};
    sw_status status = sw__organizations(g->session, g->arena, &all, err);
    turn *turns = sw_arena_zeroed(g->arena, (all.count + 1) * sizeof *turns);

    for (size_t i = 0; turns && i < all.count && status == SW_STATUS_OK; i++) {
        turns[i] = (turn){.organization = all.ids[i],
                          .place = sw_arena_zeroed(g->arena, sizeof *turns[i].place)};
        status = turns[i].place ? status : sw_no_memory(err);
    }
    if (status == SW_STATUS_OK && !turns) {
        status = sw_no_memory(err);
    }
    return status == SW_STATUS_OK ? in_rounds(g, turns, all.count, from, to, err) : status;
}

sw_status sw__usage_rows(sw_gather *g, int64_t from, int64_t to, sw_error *err)
{
    turn only = {.organization = sw__actor_organization(g->actor)};
    sw_status status = SW_STATUS_OK;

    if (g->actor && g->actor->everywhere) {
        return everywhere(g, from, to, err);
    }
    status = organization_rows(g, &only, from, to, g->row_limit - g->rows, err);
    g->cut = g->cut || !only.exhausted;
    return status;
}
