/* SPDX-License-Identifier: Apache-2.0 */
/* Repricing: what was computed is computed again, what a caller said is not; sums and journal move along, and stopping
 * in the middle loses nothing.
 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/lt.h"

static sw_step of_model(lt *t, unsigned n, const char *model)
{
    sw_step s = lt_step(t, n);
    s.model = sw_str_from(model);
    s.prompt_tokens = sw_int_of(1000);
    s.completion_tokens = sw_int_of(0);
    s.total_tokens = s.cached_input_tokens = s.cache_write_tokens = s.reasoning_tokens =
        SW_NULL_INT;
    s.provider_name = SW_NULL_STR;
    return s;
}

static sw_outcome set(lt *t, const sw_actor *actor, const char *model, int64_t dollars)
{
    sw_price price = {.model = sw_str_from(model),
                      .input_nano_usd = sw_int_of(dollars * 1000000000),
                      .output_nano_usd = sw_int_of(0)};
    sw_outcome o;
    OK(sw_record_create(t->ledger, actor, SW_RECORD_PRICE, &price, &o, &t->err));
    return o;
}

/* To the end; how many calls it took. */
static unsigned reprice(lt *t, const sw_actor *actor, const sw_reprice_query *query,
                        sw_reprice_end *end)
{
    unsigned calls = 0;
    memset(end, 0, sizeof *end);
    while (!end->done) {
        OK(sw_reprice(t->ledger, actor, query, end, &t->err));
        calls++;
    }
    return calls;
}

static void log_many(lt *t, const sw_actor *actor, unsigned first, unsigned count,
                     const char *model)
{
    for (unsigned i = 0; i < count; i++) {
        sw_step s = of_model(t, first + i, model);
        lt_log(t, actor, &s);
    }
}

static void costs_follow_and_sums_move_along(lt *t)
{
    sw_reprice_query query = {.reason = SW_STR("contract of May")};
    sw_reprice_end end;
    sw_step given = of_model(t, 5000, "mine"), old = of_model(t, 1, "mine"), row;
    given.cost_nano_usd = sw_int_of(77);
    log_many(t, &t->a, 0, 1200, "mine");
    log_many(t, &t->b, 6000, 1, "mine");
    lt_log(t, &t->a, &given);
    SAME(lt_total(t, &t->a).cost_unknown, 1200);
    set(t, &t->a, "mine", 2);
    query.dry_run = true;
    CHECK(reprice(t, &t->a, &query, &end) >= 3);
    SAME(end.steps, 1201);
    SAME(end.given, 1);
    SAME(end.changed, 1200);
    SAME(end.found, 1200);
    SAME(end.after_nano_usd - end.before_nano_usd, INT64_C(1200) * 2000000);
    SAME(lt_total(t, &t->a).cost_nano_usd, 77);
    int64_t before = lt_head(t, &t->a);
    query.dry_run = false;
    CHECK(reprice(t, &t->a, &query, &end) >= 3);
    SAME(end.changed, 1200);
    SAME(lt_total(t, &t->a).cost_nano_usd, 77 + INT64_C(1200) * 2000000);
    SAME(lt_total(t, &t->a).cost_unknown, 0);
    SAME(lt_total(t, &t->b).cost_unknown, 1);
    SAME(lt_head(t, &t->a) - before, 1200);
    lt_rows journal = lt_journal(t, &t->a, before);
    for (size_t i = 0; i < journal.count; i++) {
        const sw_journal *entry = journal.at[i];
        SAME(entry->what.value, SW_CHANGE_REPRICED);
        SAME(entry->record.value, SW_RECORD_STEP);
        TEXT(entry->reason, "contract of May");
    }
    row = lt_get(t, &t->a, old.id);
    SAME(row.cost_source.value, SW_COST_SOURCE_TABLE);
    SAME(lt_get(t, &t->a, given.id).cost_nano_usd.value, 77);
    CLEAN();
    /* Again: nothing is left to do, and nothing is written. */
    before = lt_head(t, &t->a);
    reprice(t, &t->a, &query, &end);
    SAME(end.changed, 0);
    SAME(end.steps, 1201);
    SAME(lt_head(t, &t->a), before);
    if (t->on_disk) {
        lt_reopen(t);
        SAME(lt_total(t, &t->a).cost_nano_usd, 77 + INT64_C(1200) * 2000000);
    }
}

static void what_nobody_knows_any_more_is_unknown(lt *t)
{
    sw_reprice_query query = {.reason = SW_STR("the price was wrong")};
    sw_reprice_end end;
    sw_outcome price = set(t, &t->a, "mine", 2), o;
    log_many(t, &t->a, 0, 3, "mine");
    SAME(lt_total(t, &t->a).cost_nano_usd, 6000000);
    OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_PRICE, sw_str_from(price.id), &o, &t->err));
    reprice(t, &t->a, &query, &end);
    SAME(end.lost, 3);
    SAME(end.unknown, 3);
    SAME(lt_total(t, &t->a).cost_nano_usd, 0);
    SAME(lt_total(t, &t->a).cost_unknown, 3);
    sw_step row = lt_get(t, &t->a, of_model(t, 0, "mine").id);
    CHECK(!row.cost_nano_usd.known && !row.price_id.ptr && !row.cost_source.known);
    CLEAN();
}

static void only_the_span_is_touched(lt *t)
{
    sw_reprice_query query = {.from = sw_int_of(LT_TIME + 3000000),
                              .to = sw_int_of(LT_TIME + 7000000),
                              .reason = SW_STR("r")};
    sw_reprice_end end;
    log_many(t, &t->a, 0, 10, "mine");
    set(t, &t->a, "mine", 1);
    reprice(t, &t->a, &query, &end);
    SAME(end.steps, 4);
    for (unsigned i = 0; i < 10; i++) {
        SAME(lt_get(t, &t->a, of_model(t, i, "mine").id).cost_nano_usd.known, i >= 3 && i < 7);
    }
    CLEAN();
}

static void it_needs_a_reason_and_a_whole_organization(lt *t)
{
    sw_reprice_query query = {.reason = SW_NULL_STR};
    sw_reprice_end end = {.steps = 0};
    sw_actor limited = t->a;
    IS(SW_STATUS_INVALID, sw_reprice(t->ledger, &t->a, &query, &end, &t->err));
    NAMES(&t->err, "reason");
    query.reason = SW_STR("\xff");
    IS(SW_STATUS_INVALID, sw_reprice(t->ledger, &t->a, &query, &end, &t->err));
    query.reason = SW_STR("r");
    limited.project_id = SW_STR("project-x");
    IS(SW_STATUS_INVALID, sw_reprice(t->ledger, &limited, &query, &end, &t->err));
    NAMES(&t->err, "project");
}

static void what_was_folded_is_left(lt *t)
{
    sw_reprice_query query = {.reason = SW_STR("r")};
    sw_reprice_end end;
    sw_step one = of_model(t, 1, "mine"), other = of_model(t, 2, "mine");
    sw_outcome o;
    one.source = other.source = sw_int_of(SW_SOURCE_OTLP);
    lt_log(t, &t->a, &one);
    lt_log(t, &t->a, &other);
    OK(sw_step_retire(t->ledger, &t->a, one.id, other.id, &o, &t->err));
    set(t, &t->a, "mine", 1);
    reprice(t, &t->a, &query, &end);
    SAME(end.changed, 1);
    SAME(lt_total(t, &t->a).cost_nano_usd, 1000000);
    CLEAN();
}

static const lt_case cases[] = {
    {"costs follow and sums move along", costs_follow_and_sums_move_along, 0},
    {"what nobody knows any more is unknown", what_nobody_knows_any_more_is_unknown, 0},
    {"only the span is touched", only_the_span_is_touched, 0},
    {"it needs a reason and a whole organization", it_needs_a_reason_and_a_whole_organization, 0},
    {"what was folded is left", what_was_folded_is_left, 0},
};

LT_MAIN("reprice", cases)
