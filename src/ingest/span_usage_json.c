/* SPDX-License-Identifier: Apache-2.0 */
/* Reads usage that comes as a document: native usage inside ai.response.providerMetadata, Langfuse's
 * usage_details, LangSmith's usage_metadata, MLflow's tokenUsage, the whole answer of Gemini. All are maps of
 * numbers, at most a few levels deep, whose members have names of one family; so one table of names serves them.
 *
 * Knows names of members. A document fills only counts that no attribute gave.
 */
#include <ctype.h>

#include "ingest/span_internal.h"

typedef struct usage_name {
    const char *name;
    size_t count; /* offset in span_counts */
} usage_name;

#define NAME(TEXT, COUNT)                                                                          \
    {                                                                                              \
        TEXT, offsetof(span_counts, COUNT)                                                         \
    }
/* The last member of a path in lower case without underscores, so that one row serves input_tokens and
 * inputTokens; a path when the member alone says too little. */
static const usage_name names[] = {
    NAME("input", input),
    NAME("inputtokens", input),
    NAME("prompttokens", input),
    NAME("prompttokencount", input),
    NAME("output", output),
    NAME("outputtokens", output),
    NAME("completiontokens", output),
    NAME("candidatestokencount", output),
    NAME("total", total),
    NAME("totaltokens", total),
    NAME("totaltokencount", total),
    NAME("cachereadinputtokens", cache_read),
    NAME("cachedcontenttokencount", cache_read),
    NAME("cachedprompttokens", cache_read),
    NAME("cachedtokens", cache_read),
    NAME("inputcachedtokens", cache_read),
    NAME("inputcacheread", cache_read),
    NAME("cacheread", cache_read),
    NAME("cachecreationinputtokens", cache_write),
    NAME("cachewriteinputtokens", cache_write),
    NAME("inputcachecreation", cache_write),
    NAME("cachecreation", cache_write),
    NAME("ephemeral5minputtokens", cache_write_5m),
    NAME("ephemeral1hinputtokens", cache_write_1h),
    NAME("reasoningtokens", reasoning),
    NAME("thoughtstokencount", reasoning),
    NAME("outputreasoningtokens", reasoning),
    NAME("outputreasoning", reasoning),
    NAME("reasoning", reasoning),
    NAME("tooluseprompttokencount", tool_use),
};
#undef NAME

enum { NAME_MAX = 32 };

/* A document while it is read. The sums are of Langfuse's free-form members. */
typedef struct usage_walk {
    span_counts counts;
    int64_t input_parts;
    int64_t output_parts;
} usage_walk;

static sw_int *find_count(span_counts *counts, sw_str name)
{
    char key[NAME_MAX];
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < sizeof key; i++) {
        if (name.ptr[i] != '_') {
            key[len++] = (char)tolower((unsigned char)name.ptr[i]);
        }
    }
    for (size_t i = 0; i < SW_COUNT(names); i++) {
        if (strlen(names[i].name) == len && memcmp(names[i].name, key, len) == 0) {
            return (sw_int *)(void *)((char *)counts + names[i].count);
        }
    }
    return NULL;
}

static void take(usage_walk *walk, sw_str name, int64_t value)
{
    sw_int *count = find_count(&walk->counts, name);
    if (value < 0 || value > SW_LIMIT_TOKENS) {
        return;
    }
    if (count && !count->known) {
        *count = sw_int_of(value);
    }
    walk->input_parts += span_starts(name, "input_") ? value : 0;
    walk->output_parts += span_starts(name, "output_") ? value : 0;
}

/* Every number of the document under its own name, however deep. Numbers also as digits or with a point. */
static bool walk_document(usage_walk *walk, sw_json *json)
{
    sw_str name = SW_NULL_STR;
    int64_t value = 0;
    while (sw_json_next(json) != SW_JSON_END) {
        if (json->type == SW_JSON_ERROR) {
            return false;
        }
        if (json->type == SW_JSON_KEY) {
            name = json->text;
        } else if (name.ptr && json->type == SW_JSON_NUMBER && json->is_integer) {
            take(walk, name, json->integer);
        } else if (name.ptr && json->type == SW_JSON_STRING && sw_parse_int(json->text, &value)) {
            take(walk, name, value);
        }
    }
    return true;
}

static bool read_document(const span_reading *r, sw_str text, usage_walk *walk)
{
    sw_json json;
    *walk = (usage_walk){0};
    sw_json_init(&json, text, r->arena);
    return text.ptr && walk_document(walk, &json);
}

static void fill(sw_int *hole, sw_int from)
{
    if (!hole->known) {
        *hole = from;
    }
}

static void fill_counts(span_counts *counts, const span_counts *from)
{
    fill(&counts->input, from->input);
    fill(&counts->output, from->output);
    fill(&counts->total, from->total);
    fill(&counts->cache_read, from->cache_read);
    fill(&counts->cache_write, from->cache_write);
    fill(&counts->cache_write_5m, from->cache_write_5m);
    fill(&counts->cache_write_1h, from->cache_write_1h);
    fill(&counts->reasoning, from->reasoning);
    fill(&counts->tool_use, from->tool_use);
}

/* ---- the documents ------------------------------------------------------------------------------ */

/* The value of a member of the outer object, as written; null when it has none. */
static sw_str member_of(sw_str text, const char *name, sw_arena *arena)
{
    sw_json json;
    sw_str raw = SW_NULL_STR;
    sw_json_init(&json, text, arena);
    if (!text.ptr || sw_json_next(&json) != SW_JSON_OBJECT) {
        return SW_NULL_STR;
    }
    while (sw_json_next(&json) == SW_JSON_KEY) {
        bool found = span_word_is(json.text, name);
        if (sw_json_next(&json) == SW_JSON_ERROR || !sw_json_skip(&json, &raw) || found) {
            return found ? raw : SW_NULL_STR;
        }
    }
    return SW_NULL_STR;
}

/* Anthropic's and Bedrock's own input is the input without caches: it settles what the span's input contains. */
static void read_exclusive(const span_reading *r, sw_str usage, span_counts *counts)
{
    usage_walk walk;
    if (read_document(r, usage, &walk)) {
        fill(&counts->no_cache, walk.counts.input);
        walk.counts.input = walk.counts.output = walk.counts.total = SW_NULL_INT;
        fill_counts(counts, &walk.counts);
    }
}

/* Everybody else's input contains the caches. */
static void read_inclusive(const span_reading *r, sw_str usage, span_counts *counts)
{
    usage_walk walk;
    if (read_document(r, usage, &walk)) {
        walk.counts.input = walk.counts.output = walk.counts.total = SW_NULL_INT;
        fill_counts(counts, &walk.counts);
    }
}

static void read_native(const span_reading *r, span_counts *counts)
{
    sw_str metadata = span_json(r, SPAN_FACT_USAGE_NATIVE);
    sw_str anthropic = member_of(metadata, "anthropic", r->arena);
    sw_str bedrock = member_of(metadata, "bedrock", r->arena);
    read_exclusive(r, member_of(anthropic, "usage", r->arena), counts);
    read_exclusive(r, member_of(bedrock, "usage", r->arena), counts);
    read_inclusive(r, member_of(metadata, "openai", r->arena), counts);
    read_inclusive(r, member_of(metadata, "azure", r->arena), counts);
}

/* Parts are beside the input when everything together is the total; all of them then count. */
static int settle_parts(const usage_walk *walk, span_counts *counts)
{
    const span_counts *c = &walk->counts;
    int64_t both = c->input.value + c->output.value;
    int64_t beside = walk->input_parts + walk->output_parts;

    if (!c->total.known || !c->input.known || !c->output.known) {
        return SPAN_OPEN;
    }
    if (beside > 0 && c->total.value == both + beside) {
        /* The caches are added by the rule, the other parts here; output parts likewise. */
        counts->input.value += walk->input_parts - c->cache_read.value - c->cache_write.value;
        counts->output.value += walk->output_parts - c->reasoning.value;
        return SPAN_EXCLUSIVE | SPAN_BESIDE;
    }
    if (walk->input_parts > 0 && c->total.value == both + walk->input_parts) {
        counts->input.value += walk->input_parts - c->cache_read.value - c->cache_write.value;
        return SPAN_EXCLUSIVE;
    }
    return SPAN_INCLUSIVE;
}

int span_usage_map(sw_str map, sw_arena *arena, span_counts *counts)
{
    span_reading r = {.arena = arena};
    usage_walk walk;

    if (!read_document(&r, map, &walk)) {
        return SPAN_OPEN;
    }
    fill_counts(counts, &walk.counts);
    return settle_parts(&walk, counts);
}

static void read_langfuse(span_reading *r, span_counts *counts)
{
    usage_walk walk;
    int mode = SPAN_OPEN;

    if (counts->input.known || !read_document(r, span_json(r, SPAN_FACT_USAGE_LANGFUSE), &walk)) {
        return;
    }
    fill_counts(counts, &walk.counts);
    mode = settle_parts(&walk, counts);
    r->mode = mode != SPAN_OPEN ? mode : r->mode;
}

static void read_plain_document(const span_reading *r, span_fact fact, span_counts *counts)
{
    usage_walk walk;
    if (r->values[fact] && read_document(r, span_json(r, fact), &walk)) {
        fill_counts(counts, &walk.counts);
    }
}

/* The answer is large; only its usage is read. */
static void read_adk(span_reading *r, span_counts *counts)
{
    usage_walk walk;
    sw_str answer = span_json(r, SPAN_FACT_USAGE_ADK);
    sw_str usage = member_of(answer, "usage_metadata", r->arena);
    if (!read_document(r, usage, &walk)) {
        return;
    }
    if (!counts->input.known && !counts->output.known) {
        r->mode = SPAN_INCLUSIVE | SPAN_BESIDE; /* as Gemini counts */
    }
    fill_counts(counts, &walk.counts);
}

void span_read_usage_json(span_reading *r, span_counts *counts)
{
    if (r->values[SPAN_FACT_USAGE_NATIVE]) {
        read_native(r, counts);
    }
    if (r->values[SPAN_FACT_USAGE_LANGFUSE]) {
        read_langfuse(r, counts);
    }
    if (r->values[SPAN_FACT_USAGE_ADK]) {
        read_adk(r, counts);
    }
    read_plain_document(r, SPAN_FACT_USAGE_LANGSMITH, counts);
    read_plain_document(r, SPAN_FACT_USAGE_MLFLOW, counts);
    read_plain_document(r, SPAN_FACT_USAGE_INPUT, counts);
    read_plain_document(r, SPAN_FACT_USAGE_OUTPUT, counts);
}
