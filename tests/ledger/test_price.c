/* SPDX-License-Identifier: Apache-2.0 */
/* What a step costs (promise P7): the arithmetic against another way of doing it, the list prices against the text they
 * were written in, names and patterns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/price.h"
#include "tests/lib/lt.h"

/* ---- arithmetic, by hand and by another way ---------------------------------------------------------- */

enum { DIGITS = 64 };
/* A number as decimal digits, the lowest first: nothing in common with wide integers. */
typedef struct decimal {
    int digit[DIGITS];
} decimal;

static decimal decimal_of(uint64_t value)
{
    decimal d = {{0}};
    for (int i = 0; value; value /= 10) {
        d.digit[i++] = (int)(value % 10);
    }
    return d;
}

static decimal decimal_sum(decimal a, decimal b)
{
    int carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        int sum = a.digit[i] + b.digit[i] + carry;
        a.digit[i] = sum % 10;
        carry = sum / 10;
    }
    return a;
}

/* As on paper: a line for each digit of the second, moved to the left. */
static decimal decimal_product(decimal a, decimal b)
{
    decimal sum = {{0}};
    for (int j = 0; j < DIGITS / 2; j++) {
        decimal line = {{0}};
        for (int i = 0; i + j < DIGITS; i++) {
            line.digit[i + j] = a.digit[i];
        }
        for (int times = 0; times < b.digit[j]; times++) {
            sum = decimal_sum(sum, line);
        }
    }
    return sum;
}

/* Cuts `places` digits off, to the nearest, of two as near to the even one. */
static int64_t decimal_rounded(decimal d, int places)
{
    int64_t whole = 0;
    bool more = false;
    for (int i = DIGITS - 1; i >= places; i--) {
        whole = whole * 10 + d.digit[i];
    }
    for (int i = 0; i < places - 1; i++) {
        more = more || d.digit[i];
    }
    if (d.digit[places - 1] > 5 || (d.digit[places - 1] == 5 && (more || whole % 2))) {
        whole++;
    }
    return whole;
}

static sw_int *rate_of(sw_price *price, size_t i)
{
    return sw_field_int(&sw_record_of(SW_RECORD_PRICE)->fields[SW_PRICE_INPUT_NANO_USD + i], price);
}

static void sums_are_those_of_paper(lt *t)
{
    lt_rng rng = lt_seed("sums of prices");
    int64_t rounds = lt_level(300, 3000, 100000);
    (void)t;
    for (int64_t round = 0; round < rounds; round++) {
        sw_price price = {.batch_percent = sw_int_of(lt_below(&rng, 101))};
        sw_price_uses uses;
        decimal sum = {{0}};
        bool batch = lt_one_in(&rng, 2);
        int64_t got = -1;
        for (size_t i = 0; i < SW_RATE_COUNT; i++) {
            uint64_t rate = lt_next(&rng) % UINT64_C(30000000001);
            uses.of[i] = i == SW_RATE_REQUEST ? 1 : (int64_t)(lt_next(&rng) % 1000001);
            rate = lt_one_in(&rng, 3) ? rate / 1000000 * 500000 : rate; /* halves are frequent */
            *rate_of(&price, i) = sw_int_of((int64_t)rate);
            sum = decimal_sum(sum,
                              decimal_product(decimal_of(rate), decimal_of((uint64_t)uses.of[i])));
        }
        if (batch) {
            sum = decimal_product(sum, decimal_of((uint64_t)price.batch_percent.value));
        }
        CHECK(sw__price_cost(&price, &uses, batch ? SW_PRICE_TIER_BATCH : SW_PRICE_TIER_STANDARD,
                             &got));
        SAME(got, decimal_rounded(sum, batch ? 8 : 6));
    }
}

/* Tokens, price, percent (0: no batch), cost: ties go to the even side, what is above or below them does not. */
static void halves_go_to_the_even_side(lt *t)
{
    static const int64_t rows[][4] = {
        {1, 500000, 0, 0},
        {1, 500001, 0, 1},
        {1, 499999, 0, 0},
        {3, 500000, 0, 2},
        {5, 500000, 0, 2},
        {7, 500000, 0, 4},
        {1, 1500000, 0, 2},
        {1, 2500000, 0, 2},
        {1, 1000000, 50, 0},
        {3, 1000000, 50, 2},
        {1, 3000000, 50, 2},
        {2147483647, 1, 0, 2147},
        {1, 1, 0, 0},
        {1000000, 1, 0, 1},
        {1, 1000000, 150, 2},
        {1, 333333, 100, 0},
        {1200, 2500000000, 0, 3000000},
    };
    (void)t;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        sw_price price = {.input_nano_usd = sw_int_of(rows[i][1]),
                          .batch_percent = sw_int_of(rows[i][2])};
        sw_price_uses uses = {{rows[i][0]}};
        int64_t got = -1;
        CHECK(sw__price_cost(&price, &uses,
                             rows[i][2] ? SW_PRICE_TIER_BATCH : SW_PRICE_TIER_STANDARD, &got));
        SAME(got, rows[i][3]);
    }
}

static void what_has_no_price_has_no_cost(lt *t)
{
    int64_t got = -1;
    (void)t;
    for (size_t i = 0; i < SW_RATE_COUNT; i++) {
        sw_price price = {.batch_percent = SW_NULL_INT};
        sw_price_uses uses = {{0}};
        for (size_t k = 0; k < SW_RATE_COUNT; k++) {
            *rate_of(&price, k) = k == i ? SW_NULL_INT : sw_int_of(1000000);
        }
        CHECK(
            sw__price_cost(&price, &uses, SW_PRICE_TIER_STANDARD, &got)); /* none of them is used */
        uses.of[i] = 1;
        SAME(sw__price_cost(&price, &uses, SW_PRICE_TIER_STANDARD, &got), i == SW_RATE_REQUEST);
        *rate_of(&price, i) = sw_int_of(0);
        CHECK(sw__price_cost(&price, &uses, SW_PRICE_TIER_STANDARD, &got)); /* free is known */
        SAME(got, 0);
        CHECK(!sw__price_cost(&price, &uses, SW_PRICE_TIER_BATCH, &got));
    }
    CHECK(!sw__price_cost(&(sw_price){.input_nano_usd = sw_int_of(1000000000000)},
                          &(sw_price_uses){{2147483647}}, SW_PRICE_TIER_STANDARD, &got));
}

/* ---- the list ------------------------------------------------------------------------------------------ */

static char *read_list(lt *t)
{
    FILE *file = fopen(SW_SOURCE_ROOT "/model/prices.def", "r");
    static char text[2 << 20];
    (void)t;
    CHECK(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    CHECK(feof(file));
    (void)fclose(file);
    return text;
}

/* "3.75" as nano-dollars, digit by digit. */
static int64_t nano_of(const char *text)
{
    int64_t value = 0;
    int places = -1;
    for (; (*text >= '0' && *text <= '9') || *text == '.'; text++) {
        if (*text == '.') {
            places = 0;
        } else {
            value = value * 10 + (*text - '0');
            places += places >= 0;
        }
    }
    for (places = places < 0 ? 0 : places; places < 9; places++) {
        value *= 10;
    }
    return value;
}

static void the_list_says_what_was_written(lt *t)
{
    static const char *const names[] = {".input",          ".output",           ".cache_read",
                                        ".cache_write_5m", ".cache_write_1h",   ".audio_input",
                                        ".audio_output",   ".audio_cache_read", ".request"};
    char *line = strtok(read_list(t), "\n");
    size_t i = 0;
    for (; line; line = strtok(NULL, "\n")) {
        sw_price price;
        char word[40];
        if (strncmp(line, "SW_LIST_PRICE(", 14) != 0) {
            continue;
        }
        sw__list_price(i++, &price);
        CHECK(strstr(line, price.id.ptr) && strstr(line, price.model.ptr) &&
              strstr(line, price.provider_name.ptr));
        for (size_t k = 0; k < SW_COUNT(names); k++) {
            (void)snprintf(word, sizeof word, "%s = SW_USD(", names[k]);
            const char *at = strstr(line, word);
            SAME(rate_of(&price, k)->known, at != NULL);
            SAME(rate_of(&price, k)->value, at ? nano_of(at + strlen(word)) : 0);
        }
        const char *from = strstr(line, ".from = ");
        SAME(price.effective_from.known, from != NULL);
        if (from) {
            int64_t us = 0;
            (void)snprintf(word, sizeof word, "%.4s-%.2s-%.2s", from + 8, from + 12, from + 14);
            CHECK(sw_time_parse(sw_str_from(word), &us));
            SAME(price.effective_from.value, us);
        }
    }
    SAME(i, sw__list_price_count());
    CHECK(i > 1500);
}

static int by_id(const void *a, const void *b)
{
    return sw_str_cmp(*(const sw_str *)a, *(const sw_str *)b);
}

static void the_list_is_believable(lt *t)
{
    size_t count = sw__list_price_count();
    sw_str *ids = calloc(count, sizeof *ids);
    sw_str before = SW_STR("");
    for (size_t i = 0; i < count; i++) {
        sw_price price;
        sw__list_price(i, &price);
        ids[i] = price.id;
        if (sw_str_cmp(before, price.provider_name) > 0) {
            SAY("%s stands behind another provider's: none is found", price.id.ptr);
        }
        before = price.provider_name;
        if (sw__price_patterns_fault(price.model) || price.id.len > 200 || !price.source.len) {
            SAY("%s is no price", price.id.ptr);
        }
        for (size_t k = 0; k < SW_RATE_COUNT; k++) {
            sw_int rate = *rate_of(&price, k);
            if (rate.known &&
                (rate.value < 0 || (k != SW_RATE_REQUEST && rate.value > INT64_C(2000000000000)))) {
                SAY("%s costs %lld", price.id.ptr, (long long)rate.value);
            }
        }
        SAME(sw__price_rules(&price, &t->err), SW_STATUS_OK);
    }
    qsort(ids, count, sizeof *ids, by_id);
    for (size_t i = 1; i < count; i++) {
        if (sw_str_eq(ids[i - 1], ids[i])) {
            SAY("%s is there twice", ids[i].ptr);
        }
    }
    free(ids);
}

static void names_find_their_provider(lt *t)
{
    (void)t;
    static const char *const rows[][4] = {
        {"openai", NULL, NULL, "openai"},
        {"OpenAI.chat", NULL, NULL, "openai"},
        {"Anthropic", NULL, NULL, "anthropic"},
        {"xai", NULL, NULL, "x_ai"},
        {"amazon-bedrock", NULL, NULL, "aws.bedrock"},
        {"vertex_ai", NULL, NULL, "gcp.gemini"},
        {"google.generative-ai", NULL, NULL, "gcp.gemini"},
        {"google_ai", NULL, NULL, "gcp.gemini"},
        {"mistral", NULL, NULL, "mistral_ai"},
        {"together", NULL, NULL, "together_ai"},
        {"azure", NULL, NULL, "azure.ai.openai"},
        {"acme", NULL, "gpt-4o", "acme"},
        {NULL, "openai/gpt-4o-mini", "x", "openai"},
        {NULL, NULL, "gpt-4o", "openai"},
        {"langchain", NULL, "claude-3-opus", "anthropic"},
        {NULL, NULL, "my-model", NULL},
    };
    sw_arena arena;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        TEXT(sw__price_provider(sw_str_from(rows[i][0]), sw_str_from(rows[i][1]),
                                sw_str_from(rows[i][2]), &arena),
             rows[i][3]);
    }
    sw_arena_fini(&arena);
}

static void patterns_say_which_fits_best(lt *t)
{
    static const struct {
        const char *patterns, *model;
        int kind; /* 0 none, 1 part, 2 end, 3 beginning, 4 exact */
    } rows[] = {
        {"gpt-4o", "gpt-4o", 4},
        {"GPT-4o", "gpt-4O", 4},
        {"gpt-4o", "gpt-4o-mini", 0},
        {"gpt-4o*", "gpt-4o-mini", 3},
        {"*mini", "gpt-4o-mini", 2},
        {"*4o*", "gpt-4o-mini", 1},
        {"*", "anything", 3},
        {"a|gpt*|gpt-4o", "gpt-4o", 4},
        {"a|b|c", "d", 0},
        {"longer-than-it", "long", 0},
        {"*xx*", "x", 0},
        {"gpt-4o*", "gpt-4o", 3},
    };
    (void)t;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        SAME(sw__price_rank(sw_str_from(rows[i].patterns), sw_str_from(rows[i].model)) >> 16,
             rows[i].kind);
    }
    CHECK(sw__price_rank(SW_STR("gpt-4o*"), SW_STR("gpt-4o-mini")) >
          sw__price_rank(SW_STR("gpt*"), SW_STR("gpt-4o-mini")));
    static const char *const bad[] = {"", "|", "a|", "|a", "a||b", "a*b", "**a"};
    for (size_t i = 0; i < SW_COUNT(bad); i++) {
        if (!sw__price_patterns_fault(sw_str_from(bad[i]))) {
            SAY("%s is taken", bad[i]);
        }
    }
    CHECK(!sw__price_patterns_fault(SW_STR("*")) &&
          !sw__price_patterns_fault(SW_STR("a|b*|*c|*d*")));
}

static const lt_case cases[] = {
    {"sums are those of paper", sums_are_those_of_paper, 0},
    {"halves go to the even side", halves_go_to_the_even_side, 0},
    {"what has no price has no cost", what_has_no_price_has_no_cost, 0},
    {"the list says what was written", the_list_says_what_was_written, 0},
    {"the list is believable", the_list_is_believable, 0},
    {"names find their provider", names_find_their_provider, 0},
    {"patterns say which fits best", patterns_say_which_fits_best, 0},
};

LT_MAIN("price", cases)
