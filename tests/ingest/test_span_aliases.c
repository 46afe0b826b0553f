/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of model/aliases.def alone fills its fact, the earlier of two rows wins in whatever order they are sent,
 * and what is unusable gives way. Which attribute belongs to which field stands in test_span_facts.c, written out
 * from the conventions.
 */
#include "hand.h"
#include "tests/unit/test_base.h"

#include <stdio.h>

typedef struct row {
    const char *key;
    span_fact fact;
    span_reader read;
    int dialect;
} row;

static const row rows[] = {
#define SW_FACT(NAME, FILLS, DOC)
#define SW_ALIAS(FACT, KEY, READ, CONVENTION, DOC) {KEY, SPAN_FACT_##FACT, SPAN_READ_##READ, -1},
#define SW_ALIAS_OF(DIALECT, FACT, KEY, READ, CONVENTION, DOC)                                     \
    {KEY, SPAN_FACT_##FACT, SPAN_READ_##READ, SPAN_DIALECT_##DIALECT},
#include "model/aliases.def"
#undef SW_FACT
#undef SW_ALIAS
#undef SW_ALIAS_OF
};

static void be_of(hand *h, int dialect)
{
    switch (dialect) {
    case SPAN_DIALECT_CLAUDE_CODE:
        hand_resource(h, "service.name", "claude-code");
        break;
    case SPAN_DIALECT_CODEX:
        hand_resource(h, "service.name", "codex_cli_rs");
        break;
    case SPAN_DIALECT_GEMINI_CLI:
        h->scope.name = SW_STR("gemini-cli");
        break;
    case SPAN_DIALECT_PYDANTIC_AI:
        h->scope.name = SW_STR("pydantic-ai");
        break;
    default:
        assert_int_equal(dialect, -1);
    }
}

static otlp_value sample(span_reader read)
{
    switch (read) {
    case SPAN_READ_COUNT:
    case SPAN_READ_SECONDS:
    case SPAN_READ_MS:
        return (otlp_value){.kind = OTLP_INT, .as = {.integer = 7}};
    case SPAN_READ_TIME:
        return hand_string("2023-11-14T22:13:20.5Z");
    case SPAN_READ_PROVIDER:
        return hand_string("openai");
    default:
        return hand_string("word");
    }
}

static otlp_value unusable(span_reader read)
{
    switch (read) {
    case SPAN_READ_COUNT:
        return hand_string("many");
    case SPAN_READ_SECONDS:
    case SPAN_READ_MS:
        return (otlp_value){.kind = OTLP_DOUBLE, .as = {.real = -1}};
    case SPAN_READ_PROVIDER:
        return hand_string("langchain");
    default:
        return hand_string("");
    }
}

static span_reading gather(hand *h)
{
    span_reading r = {.span = &h->span, .arena = &h->arena};
    span_gather(&r);
    return r;
}

static void test_each_row_alone(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        hand_clear(&h);
        be_of(&h, rows[i].dialect);
        hand_add(&h, rows[i].key, sample(rows[i].read));
        span_reading r = gather(&h);
        if (r.values[rows[i].fact] != &h.attributes[0].value) {
            fail_msg("%s does not fill its fact", rows[i].key);
        }
    }
    hand_end(&h);
}

static void test_rows_of_a_dialect_are_of_no_other(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        if (rows[i].dialect >= 0) {
            hand_clear(&h);
            hand_add(&h, rows[i].key, sample(rows[i].read));
            span_reading r = gather(&h);
            if (r.values[rows[i].fact]) {
                fail_msg("%s is read on any span", rows[i].key);
            }
        }
    }
    hand_end(&h);
}

static bool together(const row *a, const row *b)
{
    return a->fact == b->fact && strcmp(a->key, b->key) != 0 &&
           (a->dialect < 0 || b->dialect < 0 || a->dialect == b->dialect);
}

static void try_pair(hand *h, const row *better, const row *worse, bool turned)
{
    const row *first = turned ? worse : better;
    const row *second = turned ? better : worse;
    hand_clear(h);
    be_of(h, better->dialect >= 0 ? better->dialect : worse->dialect);
    hand_add(h, first->key, sample(first->read));
    hand_add(h, second->key, sample(second->read));
    span_reading r = gather(h);
    if (r.values[better->fact] != &h->attributes[turned].value) {
        fail_msg("%s does not win over %s", better->key, worse->key);
    }
}

static void test_the_earlier_row_wins(void **state)
{
    hand h;
    size_t pairs = 0;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        for (size_t j = i + 1; j < SW_COUNT(rows); j++) {
            if (together(&rows[i], &rows[j])) {
                try_pair(&h, &rows[i], &rows[j], false);
                try_pair(&h, &rows[i], &rows[j], true);
                pairs++;
            }
        }
    }
    assert_true(pairs > 300);
    hand_end(&h);
}

static void test_what_is_unusable_gives_way(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i + 1 < SW_COUNT(rows); i++) {
        if (together(&rows[i], &rows[i + 1])) {
            hand_clear(&h);
            be_of(&h, rows[i].dialect >= 0 ? rows[i].dialect : rows[i + 1].dialect);
            hand_add(&h, rows[i].key, unusable(rows[i].read));
            hand_add(&h, rows[i + 1].key, sample(rows[i + 1].read));
            span_reading r = gather(&h);
            if (r.values[rows[i].fact] != &h.attributes[1].value) {
                fail_msg("%s stands in the way of %s", rows[i].key, rows[i + 1].key);
            }
        }
    }
    hand_end(&h);
}

/* Of a key that is sent twice the last value counts. */
static void test_a_key_twice(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    hand_text(&h, "gen_ai.response.model", "first");
    hand_text(&h, "gen_ai.response.model", "last");
    same_text(hand_read(&h)->model, "last");
    hand_end(&h);
}

/* Neither a key that is close to a row, nor one that lands in a taken slot, is taken for it. */
static void test_strangers(void **state)
{
    hand h;
    (void)state;
    hand_begin(&h);
    for (int i = 0; i < 20000; i++) {
        char key[64];
        snprintf(key, sizeof key, "gen_ai.usage.input_token%d", i);
        hand_clear(&h);
        hand_int(&h, key, 5);
        span_reading r = gather(&h);
        for (size_t fact = 0; fact < SPAN_FACT_COUNT; fact++) {
            assert_null(r.values[fact]);
        }
    }
    hand_end(&h);
}

/* ---- noise -------------------------------------------------------------------------------------- */

static const char *const odd[] = {
    "",
    "0",
    "-1",
    "{",
    "[",
    "\"",
    "{}",
    "[]",
    "null",
    "1e400",
    "[[[",
    "\"\\\"{}\\\"\"",
    "{\"a\":1}",
    "[\"a\",1,null]",
    "stop",
    "error",
    "tool_use",
    "chat",
    "LLM",
    "anthropic",
    "2147483647",
    "{\"input\":5,\"output\":2147483647,\"total\":7,\"input_cached_tokens\":2147483647}",
    "{\"anthropic\":{\"usage\":{\"input_tokens\":-4,\"cache_read_input_tokens\":\"7\"}}}",
    "{\"usage_metadata\":{\"prompt_token_count\":3,\"thoughts_token_count\":9}}",
    "://@?#",
    "a,,b , ,",
    "2023-11-14T22:13:20Z",
    "\"2023-11-14T22:13:21Z\"",
};

static otlp_value noise(uint64_t *seed)
{
    static const double reals[] = {0, -0.5, 1e308, -1e308, 0.1, 9.3e18, 1, 4294967296.0};
    otlp_value value = {.kind = (otlp_kind)test_below(seed, OTLP_ARRAY)};
    switch (value.kind) {
    case OTLP_STRING:
        return hand_string(odd[test_below(seed, SW_COUNT(odd))]);
    case OTLP_BOOL:
        value.as.boolean = test_below(seed, 2) == 1;
        break;
    case OTLP_INT:
        value.as.integer = (int64_t)(test_random(seed) >> test_below(seed, 64));
        break;
    case OTLP_DOUBLE:
        value.as.real = reals[test_below(seed, SW_COUNT(reals))];
        break;
    default:
        break;
    }
    return value;
}

static void is_json_or_null(sw_str text)
{
    if (text.ptr && !sw_json_valid(text, NULL, NULL)) {
        fail_msg("no JSON: %.*s", (int)text.len, text.ptr);
    }
}

static void is_count(sw_int count)
{
    assert_true(!count.known || (count.value >= 0 && count.value <= SW_LIMIT_TOKENS));
}

/* Whatever a span says, what is read of it can be stored. */
static void can_be_stored(const span_facts *f)
{
    is_json_or_null(f->tags);
    is_json_or_null(f->metadata);
    is_json_or_null(f->usage.prompt_details);
    is_json_or_null(f->usage.completion_details);
    is_json_or_null(f->end.error_data);
    is_json_or_null(f->tool_arguments);
    is_count(f->usage.prompt);
    is_count(f->usage.completion);
    is_count(f->usage.cached);
    is_count(f->usage.written);
    is_count(f->usage.reasoning);
    if (f->usage.total.known) {
        assert_int_equal(f->usage.total.value, f->usage.prompt.value + f->usage.completion.value);
        is_count(f->usage.total);
    }
    assert_true(!f->end.stop_reason.ptr ||
                sw_enum_find(SW_ENUM_stop_reason, f->end.stop_reason) >= 0);
    assert_true(f->request_id.len <= SW_LIMIT_ID_BYTES);
}

static void test_noise(void **state)
{
    hand h;
    uint64_t seed = 20;
    (void)state;
    hand_begin(&h);
    for (size_t i = 0; i < test_rounds(100000); i++) {
        sw_arena_reset(&h.arena);
        hand_clear(&h);
        h.scope.name = sw_str_from(test_below(&seed, 2) ? "ai" : "com.anthropic.claude_code");
        h.span.name = sw_str_from(odd[test_below(&seed, SW_COUNT(odd))]);
        for (size_t n = test_below(&seed, 40); n > 0; n--) {
            hand_add(&h, rows[test_below(&seed, SW_COUNT(rows))].key, noise(&seed));
        }
        can_be_stored(hand_read(&h));
    }
    hand_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_alone),
        cmocka_unit_test(test_rows_of_a_dialect_are_of_no_other),
        cmocka_unit_test(test_the_earlier_row_wins),
        cmocka_unit_test(test_what_is_unusable_gives_way),
        cmocka_unit_test(test_a_key_twice),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
