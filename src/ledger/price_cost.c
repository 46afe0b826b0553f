/* SPDX-License-Identifier: Apache-2.0 */
/* What a step's tokens come to under one price. Plain arithmetic on whole numbers: tokens times nano-dollars for a
 * million of them, summed wide, divided and rounded once, half to even. Knows neither store nor models.
 *
 * The counts that have prices share no token. Of the prompt: what the cache had, what was written to it for five minutes
 * and for an hour (written for nobody said how long is five minutes, which is what providers do when nobody asks), audio,
 * and the rest. Of the completion: audio, and the rest, reasoning included. How much of the audio the cache had must be
 * said where both are there; it is not guessed. Images that a model makes have prices of their own, which no table here
 * has: such a step costs what nobody knows.
 */
#include "ledger/price.h"

__extension__ typedef __int128 wide;

/* ---- what the step says ---------------------------------------------------------------------------- */

typedef enum count {
    CACHE_READ,
    CACHE_WRITE,
    CACHE_WRITE_5M,
    CACHE_WRITE_1H,
    AUDIO_INPUT,
    AUDIO_CACHE_READ,
    AUDIO_OUTPUT,
    IMAGE_OUTPUT,
    COUNTS
} count;
typedef enum side { PROMPT, COMPLETION } side;

typedef struct detail {
    side side;
    sw_str object;
    sw_str member;
    count count;
} detail;

typedef struct tier_word {
    const char *word;
    sw_price_tier meaning;
} tier_word;

#define NO_ROW(...)
#define SW_PRICE_ALIAS NO_ROW
#define SW_PRICE_SELLS NO_ROW
#define SW_PRICE_TIER NO_ROW
#define SW_PRICE_DETAIL(SIDE, OBJECT, MEMBER, COUNT)                                               \
    {SIDE, {OBJECT, sizeof(OBJECT) - 1}, {MEMBER, sizeof(MEMBER) - 1}, COUNT},
static const detail details[] = {
#include "model/price_rules.def"
};
#undef SW_PRICE_TIER
#undef SW_PRICE_DETAIL
#define SW_PRICE_TIER(WORD, MEANING) {WORD, SW_PRICE_TIER_##MEANING},
#define SW_PRICE_DETAIL NO_ROW
static const tier_word tiers[] = {
#include "model/price_rules.def"
};
#undef SW_PRICE_ALIAS
#undef SW_PRICE_SELLS
#undef SW_PRICE_TIER
#undef SW_PRICE_DETAIL

sw_price_tier sw__price_tier(sw_str word)
{
    for (size_t i = 0; i < SW_COUNT(tiers); i++) {
        if (word.len == strlen(tiers[i].word) &&
            sw_str_contains_nocase(word, sw_str_from(tiers[i].word))) {
            return tiers[i].meaning;
        }
    }
    return SW_PRICE_TIER_OTHER;
}

static void take_detail(side of, sw_str object, sw_str member, int64_t value, sw_int *counts)
{
    for (size_t i = 0; i < SW_COUNT(details); i++) {
        const detail *d = &details[i];
        if (d->side == of && sw_str_eq(member, d->member) && sw_str_eq(object, d->object) &&
            value >= 0 && value <= SW_LIMIT_TOKENS) {
            counts[d->count] = sw_int_of(value);
        }
    }
}

/* Members at the top, and those of objects at the top. */
static void read_object(sw_json *json, side of, sw_int *counts)
{
    while (sw_json_next(json) == SW_JSON_KEY) {
        sw_str member = json->text;
        sw_json_type type = sw_json_next(json);
        if (type == SW_JSON_NUMBER && json->is_integer) {
            take_detail(of, SW_STR(""), member, json->integer, counts);
        } else if (type == SW_JSON_OBJECT && member.len > 0) {
            while (sw_json_next(json) == SW_JSON_KEY) {
                sw_str inner = json->text;
                if (sw_json_next(json) == SW_JSON_NUMBER && json->is_integer) {
                    take_detail(of, member, inner, json->integer, counts);
                } else if (!sw_json_skip(json, NULL)) {
                    return;
                }
            }
        } else if (!sw_json_skip(json, NULL)) {
            return;
        }
    }
}

static void read_details(sw_str text, side of, sw_arena *arena, sw_int *counts)
{
    sw_json json;

    if (text.ptr) {
        sw_json_init(&json, text, arena);
        if (sw_json_next(&json) == SW_JSON_OBJECT) {
            read_object(&json, of, counts);
        }
    }
}

/* The texts are short, and getting ready is most of what memmem does with those. */
static bool mentions(sw_str text, sw_str word)
{
    const char *at = text.ptr;
    const char *end = at ? at + text.len : at;

    while (at && (size_t)(end - at) >= word.len && memcmp(at, word.ptr, word.len) != 0) {
        at = memchr(at + 1, word.ptr[0], (size_t)(end - at) - 1);
    }
    return at && (size_t)(end - at) >= word.len;
}

/* Most details repeat what the columns say, and need not be read. */
static void read_counts(const sw_step *step, sw_arena *arena, sw_int counts[COUNTS])
{
    sw_str prompt = step->prompt_tokens_details;
    bool written = step->cache_write_tokens.value > 0;
    bool cache = !step->cached_input_tokens.known || !step->cache_write_tokens.known;

    memset(counts, 0, COUNTS * sizeof *counts);
    if (mentions(prompt, SW_STR("audio")) ||
        ((written || cache) && mentions(prompt, SW_STR("cache")))) {
        read_details(prompt, PROMPT, arena, counts);
    }
    if (mentions(step->completion_tokens_details, SW_STR("audio")) ||
        mentions(step->completion_tokens_details, SW_STR("image"))) {
        read_details(step->completion_tokens_details, COMPLETION, arena, counts);
    }
    if (step->cached_input_tokens.known) {
        counts[CACHE_READ] = step->cached_input_tokens;
    }
    if (step->cache_write_tokens.known) {
        counts[CACHE_WRITE] = step->cache_write_tokens;
    }
}

bool sw__price_uses(const sw_step *step, sw_arena *arena, sw_price_uses *out)
{
    sw_int n[COUNTS];
    int64_t hour = 0, five = 0, written = 0, audio_cached = 0;
    bool good = true;

    read_counts(step, arena, n);
    hour = n[CACHE_WRITE_1H].value;
    five = n[CACHE_WRITE_5M].value;
    written = n[CACHE_WRITE].known ? n[CACHE_WRITE].value : hour + five;
    audio_cached = n[CACHE_READ].value > 0 ? n[AUDIO_CACHE_READ].value : 0;
    *out = (sw_price_uses){{
        [SW_RATE_CACHE_READ] = n[CACHE_READ].value - audio_cached,
        [SW_RATE_CACHE_WRITE_1H] = hour,
        [SW_RATE_CACHE_WRITE_5M] = written - hour,
        [SW_RATE_AUDIO_INPUT] = n[AUDIO_INPUT].value - audio_cached,
        [SW_RATE_AUDIO_CACHE_READ] = audio_cached,
        [SW_RATE_AUDIO_OUTPUT] = n[AUDIO_OUTPUT].value,
        [SW_RATE_INPUT] = step->prompt_tokens.value - n[CACHE_READ].value - written -
                          (n[AUDIO_INPUT].value - audio_cached),
        [SW_RATE_OUTPUT] = step->completion_tokens.value - n[AUDIO_OUTPUT].value,
        [SW_RATE_REQUEST] = 1,
    }};
    good = five + hour <= written && n[IMAGE_OUTPUT].value == 0;
    for (size_t i = 0; i < SW_RATE_COUNT; i++) {
        good = good && out->of[i] >= 0;
    }
    /* Audio here, a cache there, and nobody says whether they meet. */
    return good &&
           !(n[AUDIO_INPUT].value > 0 && n[CACHE_READ].value > 0 && !n[AUDIO_CACHE_READ].known);
}

/* ---- what it comes to ------------------------------------------------------------------------------ */

/* a / b, rounded to the nearest, of two that are as near to the even one. */
static wide divided(wide a, wide b)
{
    wide whole = a / b;
    wide twice = 2 * (a % b);

    return whole + (twice > b || (twice == b && whole % 2 != 0));
}

bool sw__price_cost(const sw_price *price, const sw_price_uses *uses, sw_price_tier tier,
                    int64_t *nano_usd)
{
    const sw_field *fields = sw_record_of(SW_RECORD_PRICE)->fields;
    bool by_batch = tier == SW_PRICE_TIER_BATCH && !price->service_tier.ptr;
    wide sum = 0;

    for (size_t i = 0; i < SW_RATE_COUNT; i++) {
        sw_int rate = sw_field_number(&fields[SW_PRICE_INPUT_NANO_USD + i], price);
        if (uses->of[i] > 0 && !rate.known && i != SW_RATE_REQUEST) {
            return false;
        }
        sum += (wide)uses->of[i] * rate.value;
    }
    sum = by_batch ? divided(sum * price->batch_percent.value, 100 * (wide)1000000)
                   : divided(sum, 1000000);
    if (sum > SW_LIMIT_COST_USD * INT64_C(1000000000) ||
        (by_batch && !price->batch_percent.known)) {
        return false;
    }
    *nano_usd = (int64_t)sum;
    return true;
}
