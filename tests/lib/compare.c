/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing the ledger with the naive one, by everything that can be read. */
#include "tests/lib/player.h"

#include <stdio.h>

static const uint64_t step_ignored = SW_FIELD_BIT(SW_STEP_UPDATED_AT) |
                                     SW_FIELD_BIT(SW_STEP_LAST_UPDATED_BY_ID) |
                                     SW_FIELD_BIT(SW_STEP_LEASE_EXPIRES_AT);

static void compare_metrics(lt *t, const sw_actor *actor, const nv_step *s)
{
    sw_step_metrics got;
    uint64_t ignored =
        SW_FIELD_BIT(SW_STEP_METRICS_CREATED_AT) | SW_FIELD_BIT(SW_STEP_METRICS_UPDATED_AT) |
        SW_FIELD_BIT(SW_STEP_METRICS_IS_DELETED) | SW_FIELD_BIT(SW_STEP_METRICS_CREATED_BY_ID) |
        SW_FIELD_BIT(SW_STEP_METRICS_LAST_UPDATED_BY_ID);
    if (!s->has_metrics) {
        IS(SW_STATUS_NOT_FOUND,
           sw_get(t->ledger, actor, SW_RECORD_STEP_METRICS, s->row.id, t->memory, &got, &t->err));
        return;
    }
    got = lt_metrics(t, actor, s->row.id);
    SAME_ROW(SW_RECORD_STEP_METRICS, &got, &s->metrics, ignored);
}

static void compare_step(lt *t, const sw_step *got, const nv_step *want)
{
    bool pending = want->row.status.value == SW_STEP_STATUS_PENDING;
    if (!sw_str_eq(got->id, want->row.id)) {
        SAY("a list shows %.*s of %lld, expected %.*s of %lld", (int)got->id.len, got->id.ptr,
            (long long)got->created_at.value, (int)want->row.id.len, want->row.id.ptr,
            (long long)want->row.created_at.value);
    }
    sw_step row = want->row;
    if (row.cost_nano_usd.known || row.price_id.ptr) { /* nobody lists prices of its models */
        row.cost_source = sw_int_of(SW_COST_SOURCE_CALLER);
    }
    SAME_ROW(SW_RECORD_STEP, got, &row, step_ignored);
    CHECK(got->updated_at.known);
    if ((got->lease_expires_at.known != 0) != pending) {
        SAY("%s step %.*s %s a lease", step_status_word(got->status.value), (int)got->id.len,
            got->id.ptr, pending ? "lacks" : "holds");
    }
    (void)t;
}

static void compare_list(lt *t, naive *n, const sw_actor *actor, const sw_list_query *query)
{
    nv_step **want = NULL;
    size_t count = naive_list(n, actor, query, &want, t->pool);
    lt_rows got = lt_list(t, actor, SW_RECORD_STEP, query);
    int64_t counted = -1;
    sw_list_end end;
    if (got.count != count) {
        SAY("a list shows %zu steps, expected %zu (field %d, operator %d)", got.count, count,
            query->condition_count ? query->conditions[0].field : -1,
            query->condition_count ? (int)query->conditions[0].op : -1);
    }
    for (size_t i = 0; i < count; i++) {
        compare_step(t, got.at[i], want[i]);
    }
    OK(sw_count(t->ledger, actor, SW_RECORD_STEP, query, &counted, &end, &t->err));
    SAME(counted, count);
}

/* A page somewhere in the middle, by a cursor, in both directions. */
static void compare_page(lt *t, naive *n, const sw_actor *actor, lt_rng *rng)
{
    sw_list_query query = {.limit = -1, .ascending = lt_one_in(rng, 2)};
    nv_step **want = NULL;
    size_t count = naive_list(n, actor, &query, &want, t->pool);
    size_t at = count ? lt_below(rng, (unsigned)count) : 0;
    size_t limit = 1 + lt_below(rng, 9), first = 0, expect = 0;
    bool after = lt_one_in(rng, 2);
    lt_rows got;
    if (count == 0) {
        return;
    }
    query.limit = (int64_t)limit;
    if (after) {
        query.after = want[at]->row.id;
        first = at + 1;
        expect = count - first < limit ? count - first : limit;
    } else {
        query.before = want[at]->row.id;
        expect = at < limit ? at : limit;
        first = at - expect;
    }
    got = lt_list(t, actor, SW_RECORD_STEP, &query);
    SAME(got.count, expect);
    for (size_t i = 0; i < expect; i++) {
        if (!sw_str_eq(lt_row_id(&got, i), want[first + i]->row.id)) {
            SAY("row %zu of a page %s a cursor is wrong", i, after ? "after" : "before");
        }
    }
}

static void check_totals(lt *t, const sw_run_metrics *got, const sw_totals *want)
{
    (void)t;
    SAME(got->num_steps.value, want->num_steps);
    SAME(got->failed_steps.value, want->failed_steps);
    SAME(got->prompt_tokens.value, want->prompt_tokens);
    SAME(got->completion_tokens.value, want->completion_tokens);
    SAME(got->total_tokens.value, want->total_tokens);
    SAME(got->cached_input_tokens.value, want->cached_input_tokens);
    SAME(got->cache_write_tokens.value, want->cache_write_tokens);
    SAME(got->reasoning_tokens.value, want->reasoning_tokens);
    SAME(got->cost_nano_usd.value, want->cost_nano_usd);
    SAME(got->cached_known.value, want->cached_known);
    SAME(got->cache_write_known.value, want->cache_write_known);
    SAME(got->reasoning_known.value, want->reasoning_known);
    SAME(got->usage_unknown.value, want->usage_unknown);
    SAME(got->cost_unknown.value, want->cost_unknown);
}

static void compare_runs(lt *t, naive *n, const sw_actor *actor)
{
    sw_list_query query = {.limit = -1};
    nv_run **want = NULL;
    size_t count = naive_list_runs(n, actor, &query, &want, t->pool);
    lt_rows got = lt_list(t, actor, SW_RECORD_RUN, &query);
    SAME(got.count, count);
    for (size_t i = 0; i < count; i++) {
        const sw_run *row = got.at[i];
        sw_totals totals = naive_run_totals(n, row->id);
        sw_run_metrics metrics;
        bool ended = row->status.value >= SW_RUN_STATUS_COMPLETED;
        uint64_t ignored = SW_FIELD_BIT(SW_RUN_UPDATED_AT) |
                           SW_FIELD_BIT(SW_RUN_LAST_UPDATED_BY_ID) |
                           SW_FIELD_BIT(SW_RUN_COMPLETED_AT) |
                           SW_FIELD_BIT(SW_RUN_METADATA); /* its keys have no order */
        if (!want[i]->duration_given) {
            ignored |= SW_FIELD_BIT(SW_RUN_TOTAL_DURATION_NS);
        }
        SAME_ROW(SW_RECORD_RUN, row, &want[i]->row, ignored);
        CHECK((row->completed_at.known != 0) == ended);
        CHECK(words_same(row->metadata, want[i]->row.metadata));
        OK(sw_run_usage(t->ledger, actor, row->id, t->memory, &metrics, &t->err));
        check_totals(t, &metrics, &totals);
        metrics = lt_run_metrics(t, actor, row->id);
        check_totals(t, &metrics, &totals);
        TEXT(metrics.tools_used, naive_run_tools(n, row->id, t->pool).ptr);
        CHECK((metrics.run_ns.known != 0) == ended);
        if (want[i]->duration_given && ended) {
            SAME(metrics.run_ns.value, want[i]->row.total_duration_ns.value);
        }
    }
}

static void compare_messages(lt *t, naive *n, const sw_actor *actor, sw_str step_id)
{
    const sw_value value = {.text = step_id};
    const sw_condition c = {SW_MESSAGE_STEP_ID, SW_OP_EQ, &value, 1};
    sw_list_query query = lt_where(&c, 1);
    nv_message **want = NULL;
    lt_rows got;
    query.ascending = true;
    got = lt_list(t, actor, SW_RECORD_MESSAGE, &query);
    SAME(got.count, naive_messages(n, step_id, &want, t->pool));
    for (size_t i = 0; i < got.count; i++) {
        TEXT(((const sw_message *)got.at[i])->run_id, want[i]->row.run_id.ptr);
        TEXT(((const sw_message *)got.at[i])->text, want[i]->row.text.ptr);
        CHECK(((const sw_message *)got.at[i])->text.ptr);
        CHECK(i == 0 || ((const sw_message *)got.at[i - 1])->sequence_id.value <
                            ((const sw_message *)got.at[i])->sequence_id.value);
    }
}

static void compare_usage(lt *t, naive *n, const sw_actor *actor, const sw_usage_query *query)
{
    sw_usage_group *want = NULL;
    size_t count = naive_usage(n, actor, query, &want, t->pool);
    lt_groups got = lt_usage(t, actor, query);
    if (got.count != count) {
        SAY("usage by %d, %d (of %zu) shows %zu groups, expected %zu", query->by[0], query->by[1],
            query->by_count, got.count, count);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < query->by_count; k++) {
            if (!sw_str_eq(got.at[i].keys[k], want[i].keys[k])) {
                SAY("usage by %d, %d: group %zu is '%.*s', expected '%.*s'", query->by[0],
                    query->by[1], i, (int)got.at[i].keys[k].len, got.at[i].keys[k].ptr,
                    (int)want[i].keys[k].len, want[i].keys[k].ptr);
            }
        }
        if (memcmp(&got.at[i].totals, &want[i].totals, sizeof want[i].totals) != 0) {
            SAY("usage by %d, %d (of %zu): group %zu ('%.*s') has other sums: steps %lld / %lld, "
                "tokens %lld / %lld, unknown %lld / %lld",
                query->by[0], query->by[1], query->by_count, i, (int)want[i].keys[0].len,
                want[i].keys[0].ptr, (long long)got.at[i].totals.num_steps,
                (long long)want[i].totals.num_steps, (long long)got.at[i].totals.total_tokens,
                (long long)want[i].totals.total_tokens, (long long)got.at[i].totals.usage_unknown,
                (long long)want[i].totals.usage_unknown);
        }
    }
    CHECK(got.end.complete);
}

static void compare_random_usage(lt *t, naive *n, const sw_actor *actor, lt_rng *rng)
{
    sw_value values[2];
    sw_condition c;
    sw_usage_query query = {0};
    query.by_count = lt_below(rng, 3);
    for (size_t i = 0; i < query.by_count; i++) {
        query.by[i] = (sw_dimension)lt_below(rng, SW_DIMENSION_COUNT);
    }
    if (query.by_count == 2 && query.by[0] == query.by[1]) {
        query.by_count = 1;
    }
    if (lt_one_in(rng, 2)) {
        int64_t hour = INT64_C(3600000000);
        query.from = sw_int_of(LT_TIME - lt_below(rng, 96) * hour + (int64_t)lt_below(rng, 2));
    }
    if (lt_one_in(rng, 2)) {
        query.to = sw_int_of(LT_TIME - lt_below(rng, 48) * INT64_C(1800000000));
        if (query.from.known && query.to.value < query.from.value) {
            query.to = query.from;
        }
    }
    if (lt_one_in(rng, 3)) {
        c = chance_condition(t, rng, values);
        query.conditions = &c;
        query.condition_count = 1;
    }
    query.zone_minutes = lt_one_in(rng, 4) ? 330 : 0;
    compare_usage(t, n, actor, &query);
}

void compare_all(lt *t, naive *n, lt_rng *rng)
{
    pool *keep = t->pool;
    const sw_actor *actors[] = {&t->a, &t->b};
    t->pool = pool_new();
    sw_memory_reset(t->memory);
    for (size_t i = 0; i < 2; i++) {
        sw_list_query all = {.limit = -1};
        nv_step **steps = NULL;
        size_t count = naive_list(n, actors[i], &all, &steps, t->pool);
        compare_list(t, n, actors[i], &all);
        compare_runs(t, n, actors[i]);
        for (size_t k = 0; k < count; k++) {
            compare_metrics(t, actors[i], steps[k]);
            compare_messages(t, n, actors[i], steps[k]->row.id);
        }
        for (int k = 0; k < 6; k++) {
            sw_value values[4];
            sw_condition c[2] = {chance_condition(t, rng, values),
                                 chance_condition(t, rng, values + 2)};
            sw_list_query query = lt_where(c, 1 + lt_below(rng, 2));
            query.ascending = lt_one_in(rng, 2);
            compare_list(t, n, actors[i], &query);
            compare_page(t, n, actors[i], rng);
            compare_random_usage(t, n, actors[i], rng);
        }
    }
    pool_free(&t->pool);
    t->pool = keep;
}
