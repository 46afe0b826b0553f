/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of model/aliases.def alone fills its fact, the earlier of two rows wins in whatever order they are sent,
 * and what is unusable gives way. Which attribute belongs to which field stands in test_span_facts.c, written out
 * from the conventions.
 */
#include "hand.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row_alone),
        cmocka_unit_test(test_rows_of_a_dialect_are_of_no_other),
        cmocka_unit_test(test_the_earlier_row_wins),
        cmocka_unit_test(test_what_is_unusable_gives_way),
        cmocka_unit_test(test_a_key_twice),
        cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
