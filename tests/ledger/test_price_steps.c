/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger writes of costs (promise P7) when steps come, change and are said to have cost something, and when
 * an organization sets prices of its own. Expected sums are by hand.
 */
#include <stdio.h>

#include "model/model.h"
#include "tests/lib/lt.h"

static int64_t at(const char *time)
{
    int64_t us = 0;
    CHECK(sw_time_parse(sw_str_from(time), &us));
    return us;
}

static sw_step of_model(lt *t, unsigned n, const char *model, int64_t prompt, int64_t completion)
{
    sw_step s = lt_step(t, n);
    s.model = sw_str_from(model);
    s.prompt_tokens = sw_int_of(prompt);
    s.completion_tokens = sw_int_of(completion);
    s.total_tokens = SW_NULL_INT;
    s.cached_input_tokens = s.cache_write_tokens = s.reasoning_tokens = SW_NULL_INT;
    s.provider_name = SW_NULL_STR;
    s.cost_nano_usd = SW_NULL_INT;
    s.price_id = SW_NULL_STR;
    return s;
}

static sw_step logged(lt *t, const sw_step *step)
{
    lt_log(t, &t->a, step);
    return lt_get(t, &t->a, step->id);
}

static void a_step_that_comes_is_priced(lt *t)
{
    /* 1,200 at 2.50 and 85 at 10 dollars a million: 0.003 + 0.00085 dollars. */
    sw_step s = of_model(t, 1, "gpt-4o", 1200, 85);
    sw_step out = logged(t, &s);
    SAME(out.cost_nano_usd.value, 3850000);
    TEXT(out.price_id, "openai/gpt-4o");
    SAME(out.cost_source.value, SW_COST_SOURCE_TABLE);
    VERDICT(lt_try(t, &t->a, &(sw_step_entry){.step = s}), UNCHANGED);
    /* All buckets of Anthropic: 100 uncached, 1,000 read, 300 written for 5 minutes, 200 for an hour, 10 out, at 3, 0.30,
     * 3.75, 6 and 15 dollars: 300 + 300 + 1,125 + 1,200 + 150 micro-dollars. */
    s = of_model(t, 2, "claude-sonnet-4-20250514", 1600, 10);
    s.provider_name = SW_STR("anthropic");
    s.cached_input_tokens = sw_int_of(1000);
    s.cache_write_tokens = sw_int_of(500);
    s.prompt_tokens_details =
        SW_STR("{\"cache_creation_5m_tokens\":300,\"cache_creation_1h_tokens\":200}");
    out = logged(t, &s);
    SAME(out.cost_nano_usd.value, 3075000);
    /* The same as the provider says it, without columns. */
    s.id = lt_id(t, "step", 3);
    s.cached_input_tokens = s.cache_write_tokens = SW_NULL_INT;
    s.prompt_tokens_details = SW_STR(
        "{\"cached_tokens\":1000,\"cache_creation\":{\"ephemeral_5m_input_tokens\":300,\"x\":[1],\"ephemeral_1h_input_tokens\":200}}");
    SAME(logged(t, &s).cost_nano_usd.value, 3075000);
    /* Written for nobody said how long is five minutes. */
    s.id = lt_id(t, "step", 4);
    s.cache_write_tokens = sw_int_of(500);
    s.prompt_tokens_details = SW_STR("{\"cached_tokens\":1000}");
    SAME(logged(t, &s).cost_nano_usd.value, 300000 + 300000 + 1875000 + 150000);
    SAME(lt_total(t, &t->a).cost_nano_usd, 3850000 + 3075000 * 2 + 2625000);
    SAME(lt_total(t, &t->a).cost_unknown, 0);
    CLEAN();
}

static void unknown_stays_unknown(lt *t)
{
    sw_step s[8];
    for (unsigned i = 0; i < 8; i++) {
        s[i] = of_model(t, i, "gpt-4o", 1000, 10);
    }
    s[0].model = SW_STR("nobody-knows-it");
    s[1].model = SW_NULL_STR;
    s[2].completion_tokens = SW_NULL_INT; /* partial */
    s[3].prompt_tokens = s[3].completion_tokens = SW_NULL_INT;
    s[4].provider_name = SW_STR("acme");    /* another house's prices */
    s[5].service_tier = SW_STR("priority"); /* no price of that tier */
    s[6].cache_write_tokens = sw_int_of(5); /* no price for writing */
    s[7].prompt_tokens_details = SW_STR("{\"audio_tokens\":5}");
    for (unsigned i = 0; i < 8; i++) {
        sw_step out = logged(t, &s[i]);
        if (out.cost_nano_usd.known || out.price_id.ptr || out.cost_source.known) {
            SAY("step %u costs %lld by %.*s", i, (long long)out.cost_nano_usd.value,
                (int)out.price_id.len, out.price_id.ptr);
        }
    }
    SAME(lt_total(t, &t->a).cost_unknown, 8);
    SAME(lt_total(t, &t->a).cost_nano_usd, 0);
    CLEAN();
}

static void what_the_caller_says_stands(lt *t)
{
    sw_step s = of_model(t, 1, "gpt-4o", 1200, 85), out,
            more = {.prompt_tokens = {.value = 2000, .known = 1}};
    s.status = sw_int_of(SW_STEP_STATUS_PENDING);
    s.cost_nano_usd = sw_int_of(7);
    out = logged(t, &s);
    SAME(out.cost_nano_usd.value, 7);
    TEXT(out.price_id, NULL);
    SAME(out.cost_source.value, SW_COST_SOURCE_CALLER);
    sw_outcome o;
    OK(sw_step_update(t->ledger, &t->a, s.id, &more, SW_MASK(SW_STEP_PROMPT_TOKENS), &o, &t->err));
    SAME(lt_get(t, &t->a, s.id).cost_nano_usd.value, 7);
    /* Taken back, it is computed: 2,000 and 85. */
    more = (sw_step){.cost_nano_usd = SW_NULL_INT};
    OK(sw_step_update(t->ledger, &t->a, s.id, &more, SW_MASK(SW_STEP_COST_NANO_USD), &o, &t->err));
    out = lt_get(t, &t->a, s.id);
    SAME(out.cost_nano_usd.value, 5850000);
    SAME(out.cost_source.value, SW_COST_SOURCE_TABLE);
    CLEAN();
    s.id = lt_id(t, "step", 9);
    s.cost_source = sw_int_of(SW_COST_SOURCE_TABLE);
    VERDICT(lt_try(t, &t->a, &(sw_step_entry){.step = s}), REJECTED);
    NAMES(&t->err, "cost_source");
}

static void late_tokens_are_priced(lt *t)
{
    sw_step s = of_model(t, 1, "gpt-4o", 1200, 85),
            end = {.status = {.value = SW_STEP_STATUS_SUCCESS, .known = 1}};
    sw_outcome o;
    s.status = sw_int_of(SW_STEP_STATUS_PENDING);
    s.prompt_tokens = s.completion_tokens = SW_NULL_INT;
    CHECK(!logged(t, &s).cost_nano_usd.known);
    end.prompt_tokens = sw_int_of(1200);
    end.completion_tokens = sw_int_of(85);
    OK(sw_step_end(t->ledger, &t->a, s.id, &(sw_step_entry){.step = end}, &o, &t->err));
    SAME(lt_get(t, &t->a, s.id).cost_nano_usd.value, 3850000);
    SAME(lt_total(t, &t->a).cost_nano_usd, 3850000);
    /* People's words are no reason to compute it again. */
    OK(sw_step_update(t->ledger, &t->a, s.id, &(sw_step){.tags = SW_STR("[\"a\"]")},
                      SW_MASK(SW_STEP_TAGS), &o, &t->err));
    SAME(lt_get(t, &t->a, s.id).cost_nano_usd.value, 3850000);
    CLEAN();
}

static void what_is_restated_is_priced_anew(lt *t)
{
    sw_step s = of_model(t, 1, "gpt-4o", 1200, 85), out;
    sw_outcome o;
    s.source = sw_int_of(SW_SOURCE_OTLP);
    SAME(logged(t, &s).cost_nano_usd.value, 3850000);
    sw_step_entry more = {.step = {.id = s.id,
                                   .source = s.source,
                                   .prompt_tokens = {.value = 2200, .known = 1},
                                   .completion_tokens = {.value = 85, .known = 1}}};
    OK(sw_step_restate(t->ledger, &t->a, &more, &o, &t->err));
    SAME(lt_get(t, &t->a, s.id).cost_nano_usd.value, 6350000);
    more.step.model = SW_STR("nobody-knows-it");
    OK(sw_step_restate(t->ledger, &t->a, &more, &o, &t->err));
    out = lt_get(t, &t->a, s.id);
    CHECK(!out.cost_nano_usd.known && !out.price_id.ptr && !out.cost_source.known);
    more.step.cost_nano_usd = sw_int_of(5);
    OK(sw_step_restate(t->ledger, &t->a, &more, &o, &t->err));
    SAME(lt_get(t, &t->a, s.id).cost_source.value, SW_COST_SOURCE_CALLER);
    SAME(lt_total(t, &t->a).cost_nano_usd, 5);
    more.step.cost_nano_usd = SW_NULL_INT;
    more.step.model = SW_STR("gpt-4o");
    OK(sw_step_restate(t->ledger, &t->a, &more, &o, &t->err));
    SAME(lt_get(t, &t->a, s.id).cost_nano_usd.value, 5);
    CLEAN();
}

/* From the first of September 2026 a price of the list is another; a long prompt of Sonnet 4.5 is dearer. */
static void days_and_lengths_choose(lt *t)
{
    static const struct {
        const char *model, *day, *price_id;
        int64_t prompt, cost;
    } rows[] = {
        {"claude-sonnet-5", "2026-08-31T23:59:59.999999", "anthropic/claude-sonnet-5", 1000,
         2000000},
        {"claude-sonnet-5", "2026-09-01", "anthropic/claude-sonnet-5@2026-09-01", 1000, 3000000},
        {"o3", "2025-06-09T23:59:59", "openai/o3", 1000, 10000000},
        {"o3-2025-04-16", "2025-06-10", "openai/o3@2025-06-10", 1000, 2000000},
        {"claude-sonnet-4-5", "2025-11-01", "anthropic/claude-sonnet-4-5", 200000, 600000000},
        {"claude-sonnet-4-5", "2025-11-01", "anthropic/claude-sonnet-4-5>200000", 200001,
         1200006000},
        {"deepseek-chat", "2025-06-10T00:29:59", "deepseek/deepseek-chat", 1000, 135000},
        {"deepseek-chat", "2025-06-10T00:30:00", "deepseek/deepseek-chat@30-990", 1000, 270000},
        {"deepseek-chat", "2025-06-10T16:30:00", "deepseek/deepseek-chat", 1000, 135000},
    };
    for (unsigned i = 0; i < SW_COUNT(rows); i++) {
        sw_step s = of_model(t, i, rows[i].model, rows[i].prompt, 0), out;
        s.created_at = sw_int_of(at(rows[i].day));
        out = logged(t, &s);
        TEXT(out.price_id, rows[i].price_id);
        SAME(out.cost_nano_usd.value, rows[i].cost);
    }
    sw_step s = of_model(t, 99, "gpt-4o", 1200, 85);
    s.service_tier = SW_STR("Batch");
    SAME(logged(t, &s).cost_nano_usd.value, 1925000);
    CLEAN();
}

static sw_str set(lt *t, const sw_actor *actor, const sw_price *price)
{
    sw_outcome o;
    OK(sw_record_create(t->ledger, actor, SW_RECORD_PRICE, price, &o, &t->err));
    return pool_str(t->pool, sw_str_from(o.id));
}

static int64_t costs(lt *t, const sw_actor *actor, unsigned n, const char *model, const char *time)
{
    sw_step s = of_model(t, n, model, 1000, 0);
    s.created_at = sw_int_of(at(time));
    lt_log(t, actor, &s);
    s = lt_get(t, actor, s.id);
    return s.cost_nano_usd.known ? s.cost_nano_usd.value : -1;
}

/* Dollars a million tokens of prompt; a thousand tokens cost as many thousandths. */
static sw_price own(const char *model, int64_t dollars)
{
    return (sw_price){.model = sw_str_from(model),
                      .input_nano_usd = sw_int_of(dollars * 1000000000)};
}

static void own_prices_go_before(lt *t)
{
    sw_price p = own("gpt-4o*", 7);
    sw_outcome o;
    SAME(costs(t, &t->a, 1, "gpt-4o", "2025-11-01"), 2500000);
    sw_str id = set(t, &t->a, &p);
    SAME(costs(t, &t->a, 2, "gpt-4o", "2025-11-01"), 7000000);
    TEXT(lt_get(t, &t->a, lt_id(t, "step", 2)).price_id, id.ptr);
    SAME(costs(t, &t->b, 3, "gpt-4o", "2025-11-01"),
         2500000);        /* another's is none of its business */
    p = own("gpt-4o", 8); /* exact before a beginning */
    p.effective_from = sw_int_of(at("2025-06-01"));
    p.effective_to = sw_int_of(at("2025-12-01"));
    (void)set(t, &t->a, &p);
    SAME(costs(t, &t->a, 4, "gpt-4o", "2025-05-31T23:59:59"), 7000000);
    SAME(costs(t, &t->a, 5, "gpt-4o", "2025-06-01"), 8000000);
    SAME(costs(t, &t->a, 6, "gpt-4o", "2025-12-01"), 7000000);
    p = own("gpt-4o", 9); /* the later day */
    p.effective_from = sw_int_of(at("2025-07-01"));
    (void)set(t, &t->a, &p);
    SAME(costs(t, &t->a, 7, "gpt-4o", "2025-06-30"), 8000000);
    SAME(costs(t, &t->a, 8, "gpt-4o", "2025-07-01"), 9000000);
    p = own("gpt-4o-mini", 1); /* of another provider only */
    p.provider_name = SW_STR("azure");
    (void)set(t, &t->a, &p);
    SAME(costs(t, &t->a, 9, "gpt-4o-mini", "2025-07-01"), 7000000);
    p = own("mine", 4); /* a model nobody lists */
    (void)set(t, &t->a, &p);
    SAME(costs(t, &t->a, 10, "mine", "2025-07-01"), 4000000);
    OK(sw_record_update(t->ledger, &t->a, SW_RECORD_PRICE, id,
                        &(sw_price){.input_nano_usd = {.value = 6000000000, .known = 1}},
                        SW_MASK(SW_PRICE_INPUT_NANO_USD), &o, &t->err));
    SAME(costs(t, &t->a, 11, "gpt-4o", "2025-05-01"), 6000000);
    OK(sw_record_delete(t->ledger, &t->a, SW_RECORD_PRICE, id, &o, &t->err));
    SAME(costs(t, &t->a, 12, "gpt-4o", "2025-05-01"), 2500000);
    SAME(lt_get(t, &t->a, lt_id(t, "step", 2)).cost_nano_usd.value,
         7000000); /* what was priced stays */
    CLEAN();
}

static void own_prices_of_tiers(lt *t)
{
    sw_price p = own("gpt-4o", 5);
    sw_step s = of_model(t, 1, "gpt-4o", 1000, 0);
    p.service_tier = SW_STR("priority");
    (void)set(t, &t->a, &p);
    s.service_tier = SW_STR("priority");
    SAME(logged(t, &s).cost_nano_usd.value, 5000000);
    s.id = lt_id(t, "step", 2);
    s.service_tier = SW_STR("default");
    SAME(logged(t, &s).cost_nano_usd.value, 2500000);
    p = own("gpt-4o", 3);
    p.above_tokens = sw_int_of(999);
    (void)set(t, &t->a, &p);
    s.id = lt_id(t, "step", 3);
    SAME(logged(t, &s).cost_nano_usd.value, 3000000);
    s.id = lt_id(t, "step", 4);
    s.prompt_tokens = sw_int_of(999);
    SAME(logged(t, &s).cost_nano_usd.value, 2497500);
}

static void prices_that_cannot_hold_are_refused(lt *t)
{
    static const struct {
        sw_price price;
        const char *field;
    } rows[] = {
        {{.model = {"a*b", 3}, .input_nano_usd = {1, 1}}, "model"},
        {{.model = {"a", 1}}, "input_nano_usd"},
        {{.model = {"a", 1}, .input_nano_usd = {-1, 1}}, "input_nano_usd"},
        {{.model = {"a", 1}, .output_nano_usd = {INT64_C(1000000000000001), 1}}, "output_nano_usd"},
        {{.model = {"a", 1}, .input_nano_usd = {1, 1}, .batch_percent = {1001, 1}},
         "batch_percent"},
        {{.model = {"a", 1}, .input_nano_usd = {1, 1}, .above_tokens = {-1, 1}}, "above_tokens"},
        {{.model = {"a", 1}, .input_nano_usd = {1, 1}, .minute_from = {5, 1}}, "minute_to"},
        {{.model = {"a", 1},
          .input_nano_usd = {1, 1},
          .effective_from = {5, 1},
          .effective_to = {5, 1}},
         "effective_to"},
        {{.input_nano_usd = {1, 1}}, "model"},
    };
    sw_outcome o;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        IS(SW_STATUS_INVALID,
           sw_record_create(t->ledger, &t->a, SW_RECORD_PRICE, &rows[i].price, &o, &t->err));
        NAMES(&t->err, rows[i].field);
    }
}

/* More models than the writer remembers, twice: what it forgot it asks again. */
static void many_models_are_all_priced(lt *t)
{
    sw_price p = own("many-*", 2);
    char model[40];
    (void)set(t, &t->a, &p);
    for (unsigned i = 0; i < 1400; i++) {
        (void)snprintf(model, sizeof model, "many-%u", i % 700);
        SAME(costs(t, &t->a, i, model, "2025-11-01"), 2000000);
    }
    CLEAN();
}
static const lt_case cases[] = {
    {"a step that comes is priced", a_step_that_comes_is_priced, 0},
    {"unknown stays unknown", unknown_stays_unknown, 0},
    {"what the caller says stands", what_the_caller_says_stands, 0},
    {"late tokens are priced", late_tokens_are_priced, 0},
    {"what is restated is priced anew", what_is_restated_is_priced_anew, 0},
    {"days and lengths choose", days_and_lengths_choose, 0},
    {"own prices go before", own_prices_go_before, 0},
    {"own prices of tiers", own_prices_of_tiers, 0},
    {"prices that cannot hold are refused", prices_that_cannot_hold_are_refused, 0},
    {"many models are all priced", many_models_are_all_priced, 0},
};

LT_MAIN("price-steps", cases)
