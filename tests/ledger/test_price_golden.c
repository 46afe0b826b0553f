/* SPDX-License-Identifier: Apache-2.0 */
/* Costs against those that another library computed from the same usage (../shared/data/usage-golden): each record is
 * logged as a step of each provider that the library priced it for, and the ledger's cost must be its input price plus
 * its output price, to the nano-dollar. Where they differ on purpose there is a row that says why; a row that is not
 * needed is an error as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tests/lib/lt.h"

#define GOLDEN SW_SOURCE_ROOT "/../shared/data/usage-golden/pydantic__genai-prices/usages.json"

typedef struct difference {
    const char *provider; /* the library's name; "": any */
    const char *model;    /* how it begins; "": any */
    const char *usage;    /* a count that must be there; "": any */
    bool unknown;         /* the ledger says that nobody knows; else it says another price */
    const char *why;
    bool used;
} difference;

static difference differences[] = {
#define DIFFERS(PROVIDER, MODEL, USAGE, UNKNOWN, WHY) {PROVIDER, MODEL, USAGE, UNKNOWN, WHY, false},
#include "tests/ledger/price_differences.def"
};

static const char *const names[][2] = {
    {"aws", "aws.bedrock"},
    {"google", "gcp.gemini"},
    {"x-ai", "xai"},
    {"moonshotai", "moonshot"},
};

static const char *provider_of(const char *golden)
{
    for (size_t i = 0; i < SW_COUNT(names); i++) {
        if (strcmp(names[i][0], golden) == 0) {
            return names[i][1];
        }
    }
    return golden;
}

static sw_int count_of(json_t *usage, const char *name)
{
    json_t *value = json_object_get(usage, name);
    return value ? sw_int_of(json_integer_value(value)) : SW_NULL_INT;
}

/* Dollars as decimal text, 0.0012 or 6E-7, in thousandths of nano-dollars. */
static int64_t pico_of(const char *text)
{
    int64_t value = 0;
    int places = 12;
    bool behind = false;
    for (; *text && *text != 'E'; text++) {
        if (*text == '.') {
            behind = true;
        } else if (places > 0) {
            value = value * 10 + (*text - '0');
            places -= behind;
        }
    }
    for (places += *text ? atoi(text + 1) : 0; places > 0; places--) {
        value *= 10;
    }
    return value;
}

static sw_str text_of(lt *t, const char *format, int64_t a, int64_t b)
{
    return pool_printf(t->pool, format, (long long)a, (long long)b);
}

static sw_step step_of(lt *t, unsigned n, const char *provider, const char *model, json_t *usage)
{
    sw_step s = lt_step(t, n);
    sw_int audio = count_of(usage, "input_audio_tokens");
    sw_int audio_cached = count_of(usage, "cache_audio_read_tokens");
    s.provider_name = sw_str_from(provider_of(provider));
    s.model = sw_str_from(model);
    s.created_at = sw_int_of(INT64_C(1785585600000000)); /* 2026-08-01 12:00 */
    s.prompt_tokens = count_of(usage, "input_tokens");
    s.completion_tokens = sw_int_of(count_of(usage, "output_tokens").value);
    s.total_tokens = s.reasoning_tokens = SW_NULL_INT;
    s.cached_input_tokens = count_of(usage, "cache_read_tokens");
    s.cache_write_tokens = count_of(usage, "cache_write_tokens");
    if (audio.known && audio_cached.known) {
        s.prompt_tokens_details = text_of(t, "{\"audio_tokens\":%lld,\"cached_audio_tokens\":%lld}",
                                          audio.value, audio_cached.value);
    } else if (audio.known) {
        s.prompt_tokens_details = text_of(t, "{\"audio_tokens\":%lld}", audio.value, 0);
    }
    if (json_object_get(usage, "output_image_tokens")) {
        s.completion_tokens_details =
            text_of(t, "{\"image_tokens\":%lld}", count_of(usage, "output_image_tokens").value, 0);
    }
    return s;
}

static difference *why_of(const char *provider, const char *model, json_t *usage, bool unknown)
{
    for (size_t i = 0; i < SW_COUNT(differences); i++) {
        difference *d = &differences[i];
        if ((!*d->provider || strcmp(d->provider, provider) == 0) &&
            strncmp(model, d->model, strlen(d->model)) == 0 &&
            (!*d->usage || json_object_get(usage, d->usage)) && d->unknown == unknown) {
            return d;
        }
    }
    return NULL;
}

typedef struct score {
    unsigned steps, same, explained, bad;
} tally;

static void compare(lt *t, tally *score, const char *model, json_t *usage, json_t *extractor)
{
    const char *provider = json_string_value(json_object_get(extractor, "provider_id"));
    const char *input = json_string_value(json_object_get(extractor, "input_price"));
    const char *output = json_string_value(json_object_get(extractor, "output_price"));
    if (!provider || !input || !json_object_get(usage, "input_tokens")) {
        return;
    }
    sw_step s = step_of(t, score->steps++, provider, model, usage);
    int64_t want = pico_of(input) + (output ? pico_of(output) : 0);
    lt_log(t, &t->a, &s);
    s = lt_get(t, &t->a, s.id);
    int64_t off = s.cost_nano_usd.value * 1000 - want;
    difference *why = NULL;
    if (s.cost_nano_usd.known && off >= -500 && off <= 500) {
        score->same++;
        return;
    }
    why = why_of(provider, model, usage, !s.cost_nano_usd.known);
    if (why) {
        why->used = true;
        score->explained++;
        return;
    }
    score->bad++;
    char *shown = json_dumps(usage, JSON_COMPACT);
    print_message("# %s/%s: %s+%s there, %lld by %.*s here, of %s\n", provider, model, input,
                  output ? output : "",
                  s.cost_nano_usd.known ? (long long)s.cost_nano_usd.value : -1,
                  (int)s.price_id.len, s.price_id.ptr ? s.price_id.ptr : "", shown);
    free(shown);
}

static void costs_are_those_of_the_other_library(lt *t)
{
    json_t *all = json_load_file(GOLDEN, 0, NULL);
    tally score = {0, 0, 0, 0};
    size_t r = 0, e = 0, x = 0;
    json_t *record = NULL, *reading = NULL, *extractor = NULL;
    if (!all) {
        print_message("# there is no %s\n", GOLDEN);
        skip();
    }
    json_array_foreach(all, r, record)
    {
        const char *model = json_string_value(json_object_get(record, "model"));
        model = model
                    ? model
                    : json_string_value(json_object_get(json_object_get(record, "body"), "model"));
        json_array_foreach(json_object_get(record, "extracted"), e, reading)
        {
            json_array_foreach(json_object_get(reading, "extractors"), x, extractor)
            {
                if (model) {
                    compare(t, &score, model, json_object_get(reading, "usage"), extractor);
                }
            }
        }
    }
    json_decref(all);
    print_message("# %u priced there: %u the same here, %u differ with a reason, %u without\n",
                  score.steps, score.same, score.explained, score.bad);
    for (size_t i = 0; i < SW_COUNT(differences); i++) {
        if (!differences[i].used) {
            SAY("nothing differs so any more: %s %s %s", differences[i].provider,
                differences[i].model, differences[i].why);
        }
    }
    SAME(score.bad, 0);
    CHECK(score.same > 1000);
    CLEAN();
}

static const lt_case cases[] = {
    {"costs are those of the other library", costs_are_those_of_the_other_library, 0},
};

LT_MAIN("price-golden", cases)
