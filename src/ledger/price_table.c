/* SPDX-License-Identifier: Apache-2.0 */
/* The list prices of model/prices.def, as rows that are compiled in. Knows nothing of steps. A price is kept with one
 * added, so that the 0 of a price that nobody wrote down says that nobody knows it.
 */
#include "ledger/price.h"

typedef struct list_price {
    const char *source;
    const char *id;
    const char *provider;
    const char *patterns;
    int64_t input;
    int64_t output;
    int64_t cache_read;
    int64_t cache_write_5m;
    int64_t cache_write_1h;
    int64_t audio_input;
    int64_t audio_output;
    int64_t audio_cache_read;
    int64_t request;
    int32_t from; /* yyyymmdd */
    int32_t above;
    int16_t minutes[2];
    int8_t batch;
} list_price;
_Static_assert(offsetof(list_price, request) - offsetof(list_price, input) ==
                   (SW_RATE_COUNT - 1) * sizeof(int64_t),
               "the prices follow each other in the order of sw_rate");

#define SW_LIST_PRICE(...)
#define SW_PRICE_SOURCE(SOURCE, TEXT) static const char source_##SOURCE[] = TEXT;
#include "model/prices.def"
#undef SW_PRICE_SOURCE
#undef SW_LIST_PRICE

#define SW_USD(DOLLARS) ((int64_t)((DOLLARS)*1e9 + 0.5) + 1)
#define SW_PRICE_SOURCE(SOURCE, TEXT)
#define SW_LIST_PRICE(SOURCE, ID, PROVIDER, PATTERNS, ...)                                         \
    {.source = source_##SOURCE, .id = ID, .provider = PROVIDER, .patterns = PATTERNS, __VA_ARGS__},
static const list_price rows[] = {
#include "model/prices.def"
};
#undef SW_PRICE_SOURCE
#undef SW_LIST_PRICE

size_t sw__list_price_count(void)
{
    return SW_COUNT(rows);
}

/* The first row whose provider is not before this one. */
static size_t first_of(sw_str provider)
{
    size_t low = 0;
    size_t high = SW_COUNT(rows);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sw_str_cmp(sw_str_from(rows[middle].provider), provider) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t sw__list_prices_of(sw_str provider, size_t *first)
{
    size_t end = 0;

    *first = first_of(provider);
    for (end = *first; end < SW_COUNT(rows); end++) {
        if (!sw_str_eq(provider, sw_str_from(rows[end].provider))) {
            break;
        }
    }
    return end - *first;
}

sw_str sw__list_price_patterns(size_t i)
{
    sw_assert(i < SW_COUNT(rows));
    return sw_str_from(rows[i].patterns);
}

static sw_int time_of(int32_t yyyymmdd)
{
    if (!yyyymmdd) {
        return SW_NULL_INT;
    }
    return sw_int_of(sw_civil_day(yyyymmdd / 10000, yyyymmdd / 100 % 100, yyyymmdd % 100) *
                     INT64_C(86400000000));
}

void sw__list_price(size_t i, sw_price *out)
{
    const list_price *row = &rows[i];
    const int64_t *with_one = &row->input;

    sw_assert(i < SW_COUNT(rows));
    *out = (sw_price){.id = sw_str_from(row->id),
                      .provider_name = sw_str_from(row->provider),
                      .model = sw_str_from(row->patterns),
                      .effective_from = time_of(row->from),
                      .above_tokens = sw_int_of(row->above),
                      .source = sw_str_from(row->source)};
    if (row->minutes[1]) {
        out->minute_from = sw_int_of(row->minutes[0]);
        out->minute_to = sw_int_of(row->minutes[1]);
    }
    if (row->batch) {
        out->batch_percent = sw_int_of(row->batch);
    }
    for (size_t rate = 0; rate < SW_RATE_COUNT; rate++) {
        const sw_field *field =
            &sw_record_of(SW_RECORD_PRICE)->fields[SW_PRICE_INPUT_NANO_USD + rate];
        if (with_one[rate]) {
            *sw_field_int(field, out) = sw_int_of(with_one[rate] - 1);
        }
    }
}
