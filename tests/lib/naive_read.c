/* SPDX-License-Identifier: Apache-2.0 */
/* What the naive ledger shows: lists by looking at everything and sorting, sums by adding everything. */
#include "tests/lib/naive.h"

#include <stdlib.h>
#include <time.h>

#include "tests/lib/naive_inside.h"

/* ---- lists -------------------------------------------------------------------------------------- */

static int by_place(sw_int ta, sw_str ia, sw_int tb, sw_str ib)
{
    if (ta.value != tb.value) {
        return ta.value < tb.value ? -1 : 1;
    }
    return sw_str_cmp(ia, ib);
}

static int compare_steps(const void *a, const void *b)
{
    const sw_step *x = &(*(nv_step *const *)a)->row, *y = &(*(nv_step *const *)b)->row;
    return by_place(x->created_at, x->id, y->created_at, y->id);
}

static int compare_runs(const void *a, const void *b)
{
    const sw_run *x = &(*(nv_run *const *)a)->row, *y = &(*(nv_run *const *)b)->row;
    return by_place(x->created_at, x->id, y->created_at, y->id);
}

static bool all_hold(sw_record_id record, const void *row, const sw_condition *c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!row_holds(record, row, &c[i])) {
            return false;
        }
    }
    return true;
}

static bool text_found(const sw_step *row, sw_str text)
{
    const sw_value value = {.text = text};
    const uint8_t fields[] = {SW_STEP_INPUT_PREVIEW, SW_STEP_OUTPUT_PREVIEW, SW_STEP_ERROR_DATA};
    for (size_t i = 0; i < sizeof fields; i++) {
        sw_condition c = {fields[i], SW_OP_CONTAINS, &value, 1};
        if (row_holds(SW_RECORD_STEP, row, &c)) {
            return true;
        }
    }
    return false;
}

static bool step_listed(const nv_step *s, const sw_actor *actor, const sw_list_query *q)
{
    if (!s->there || s->row.retired_into.ptr || !nv_mine(actor, s->row.organization_id) ||
        !all_hold(SW_RECORD_STEP, &s->row, q->conditions, q->condition_count)) {
        return false;
    }
    if (q->metrics_condition_count > 0 &&
        (!s->has_metrics || !all_hold(SW_RECORD_STEP_METRICS, &s->metrics, q->metrics_conditions,
                                      q->metrics_condition_count))) {
        return false;
    }
    return !q->text.ptr || text_found(&s->row, q->text);
}

static void reverse(void **at, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        void *keep = at[i];
        at[i] = at[count - 1 - i];
        at[count - 1 - i] = keep;
    }
}

size_t naive_list(naive *n, const sw_actor *actor, const sw_list_query *query, nv_step ***out,
                  pool *into)
{
    size_t count = 0;
    *out = pool_alloc(into, (n->step_count + 1) * sizeof **out);
    for (size_t i = 0; i < n->step_count; i++) {
        if (step_listed(&n->steps[i], actor, query)) {
            (*out)[count++] = &n->steps[i];
        }
    }
    qsort(*out, count, sizeof **out, compare_steps);
    if (!query->ascending) {
        reverse((void **)*out, count);
    }
    return count;
}

size_t naive_list_runs(naive *n, const sw_actor *actor, const sw_list_query *query, nv_run ***out,
                       pool *into)
{
    size_t count = 0;
    *out = pool_alloc(into, (n->run_count + 1) * sizeof **out);
    for (size_t i = 0; i < n->run_count; i++) {
        nv_run *r = &n->runs[i];
        if (r->there && nv_mine(actor, r->row.organization_id) &&
            all_hold(SW_RECORD_RUN, &r->row, query->conditions, query->condition_count)) {
            (*out)[count++] = r;
        }
    }
    qsort(*out, count, sizeof **out, compare_runs);
    if (!query->ascending) {
        reverse((void **)*out, count);
    }
    return count;
}

size_t naive_messages(naive *n, sw_str step_id, nv_message ***out, pool *into)
{
    size_t count = 0;
    *out = pool_alloc(into, (n->message_count + 1) * sizeof **out);
    for (size_t i = 0; i < n->message_count; i++) {
        if (n->messages[i].there && sw_str_eq(n->messages[i].row.step_id, step_id)) {
            (*out)[count++] = &n->messages[i];
        }
    }
    return count;
}

/* In these tests tools have one of these names, and nothing else that is quoted has. */
sw_str naive_run_tools(naive *n, sw_str run_id, pool *into)
{
    static const char *const names[] = {"fetch", "search"};
    words used = {.count = 0};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        sw_str name = pool_printf(into, "\"name\":\"%s\"", names[k]);
        bool called = false;
        for (size_t i = 0; i < n->message_count; i++) {
            const nv_message *m = &n->messages[i];
            const nv_step *s = NULL;
            for (size_t j = 0; m->there && m->row.step_id.ptr && j < n->step_count; j++) {
                bool its = n->steps[j].there && sw_str_eq(n->steps[j].row.id, m->row.step_id);
                s = its ? &n->steps[j] : s;
            }
            called |= s && !s->row.retired_into.ptr && sw_str_eq(s->row.run_id, run_id) &&
                      m->row.tool_calls.ptr && strstr(m->row.tool_calls.ptr, name.ptr);
        }
        if (called) {
            used.at[used.count++] = sw_str_from(names[k]);
        }
    }
    return used.count ? words_write(&used, into) : SW_NULL_STR;
}

/* ---- sums --------------------------------------------------------------------------------------- */

void naive_add(sw_totals *t, const sw_step *s)
{
    t->num_steps += 1;
    t->failed_steps += s->status.value == SW_STEP_STATUS_FAILED;
    t->prompt_tokens += s->prompt_tokens.value;
    t->completion_tokens += s->completion_tokens.value;
    t->total_tokens += s->total_tokens.value;
    t->cached_known += s->cached_input_tokens.known != 0;
    t->cache_write_known += s->cache_write_tokens.known != 0;
    t->reasoning_known += s->reasoning_tokens.known != 0;
    t->cached_input_tokens += s->cached_input_tokens.known ? s->cached_input_tokens.value : 0;
    t->cache_write_tokens += s->cache_write_tokens.known ? s->cache_write_tokens.value : 0;
    t->reasoning_tokens += s->reasoning_tokens.known ? s->reasoning_tokens.value : 0;
    t->cost_nano_usd += s->cost_nano_usd.known ? s->cost_nano_usd.value : 0;
    t->usage_unknown += s->usage_state.value != SW_USAGE_STATE_REPORTED;
    t->cost_unknown += !s->cost_nano_usd.known;
}

sw_totals naive_run_totals(naive *n, sw_str run_id)
{
    sw_totals totals = {0};
    for (size_t i = 0; i < n->step_count; i++) {
        nv_step *s = &n->steps[i];
        if (s->there && !s->row.retired_into.ptr && sw_str_eq(s->row.run_id, run_id)) {
            naive_add(&totals, &s->row);
        }
    }
    return totals;
}

static sw_str time_key(const sw_step *step, sw_dimension by, int32_t zone_minutes, pool *into)
{
    int64_t us = step->created_at.value + (int64_t)zone_minutes * 60000000;
    int64_t seconds = us >= 0 ? us / 1000000 : -((-us + 999999) / 1000000);
    time_t when = (time_t)seconds;
    struct tm tm;
    gmtime_r(&when, &tm);
    if (by == SW_DIMENSION_MINUTE) {
        return pool_printf(into, "%04d-%02d-%02dT%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                           tm.tm_mday, tm.tm_hour, tm.tm_min);
    }
    if (by == SW_DIMENSION_HOUR) {
        return pool_printf(into, "%04d-%02d-%02dT%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                           tm.tm_mday, tm.tm_hour);
    }
    return pool_printf(into, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

sw_str naive_key(const sw_step *s, sw_dimension by, int32_t zone_minutes, pool *into)
{
    switch (by) {
    case SW_DIMENSION_ORGANIZATION:
        return s->organization_id;
    case SW_DIMENSION_PROJECT:
        return s->project_id;
    case SW_DIMENSION_AGENT:
        return s->agent_id;
    case SW_DIMENSION_MODEL:
        return s->model;
    case SW_DIMENSION_PROVIDER:
        return s->provider_name;
    case SW_DIMENSION_STATUS:
        return sw_str_from(step_status_word(s->status.value));
    case SW_DIMENSION_STOP_REASON:
        return s->stop_reason;
    case SW_DIMENSION_USER:
        return s->end_user;
    case SW_DIMENSION_FEEDBACK:
        return !s->feedback.known  ? SW_NULL_STR
               : s->feedback.value ? SW_STR("negative")
                                   : SW_STR("positive");
    case SW_DIMENSION_CONVERSATION:
        return s->conversation_id;
    case SW_DIMENSION_MINUTE:
    case SW_DIMENSION_HOUR:
    case SW_DIMENSION_DAY:
        return time_key(s, by, zone_minutes, into);
    }
    return SW_NULL_STR;
}

static int compare_groups(const void *a, const void *b)
{
    const sw_usage_group *x = a, *y = b;
    int c = 0;
    for (int i = 0; i < SW_DIMENSIONS_MAX && c == 0; i++) {
        c = sw_str_cmp(x->keys[i], y->keys[i]);
    }
    return c;
}

static sw_usage_group *group_of(sw_usage_group *groups, size_t *count, const sw_usage_group *key)
{
    for (size_t i = 0; i < *count; i++) {
        if (compare_groups(&groups[i], key) == 0) {
            return &groups[i];
        }
    }
    groups[*count] = *key;
    return &groups[(*count)++];
}

size_t naive_usage(naive *n, const sw_actor *actor, const sw_usage_query *q, sw_usage_group **out,
                   pool *into)
{
    const sw_list_query list = {.conditions = q->conditions, .condition_count = q->condition_count};
    size_t count = 0;
    *out = pool_alloc(into, (n->step_count + 1) * sizeof **out);
    for (size_t i = 0; i < n->step_count; i++) {
        const sw_step *s = &n->steps[i].row;
        sw_usage_group key = {0};
        if (!step_listed(&n->steps[i], actor, &list) ||
            (q->from.known && s->created_at.value < q->from.value) ||
            (q->to.known && s->created_at.value >= q->to.value)) {
            continue;
        }
        for (size_t k = 0; k < q->by_count; k++) {
            key.keys[k] = naive_key(s, q->by[k], q->zone_minutes, into);
        }
        naive_add(&group_of(*out, &count, &key)->totals, s);
    }
    if (q->by_count == 0) {
        return 1; /* the total is a group, also of nothing */
    }
    qsort(*out, count, sizeof **out, compare_groups);
    return count;
}
