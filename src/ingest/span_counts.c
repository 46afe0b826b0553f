/* SPDX-License-Identifier: Apache-2.0 */
/* The one rule of counting (telemetry.md B.6): prompt is all input with what was read from and written to caches,
 * completion is all output with reasoning, total is their sum. Instrumentations differ in what their numbers
 * contain; which it is, is settled here, noted beside the numbers, and contradictions are kept and marked.
 *
 * Knows numbers only; who declared what is span_scope.c's.
 */
#include "ingest/span_internal.h"

/* ---- what was given ----------------------------------------------------------------------------- */

/* All counts are of one type, so that they can be walked. */
enum { COUNTS = sizeof(span_counts) / sizeof(sw_int) };

/* What cannot be a count is as if it had not come; false when there was such a thing. */
static bool drop_nonsense(span_counts *c)
{
    sw_int all[COUNTS];
    bool sane = true;
    memcpy(all, c, sizeof all);
    for (size_t i = 0; i < COUNTS; i++) {
        if (all[i].known && (all[i].value < 0 || all[i].value > SW_LIMIT_TOKENS)) {
            all[i] = SW_NULL_INT;
            sane = false;
        }
    }
    memcpy(c, all, sizeof all);
    return sane;
}

static void sum_writes(span_counts *c)
{
    if (!c->cache_write.known && (c->cache_write_5m.known || c->cache_write_1h.known)) {
        c->cache_write = sw_int_of(c->cache_write_5m.value + c->cache_write_1h.value);
    }
}

/* ---- what the numbers contain ------------------------------------------------------------------- */

/* Whether the total is this sum, with or without what tools put into the prompt. */
static bool adds_up(const span_counts *c, int64_t sum)
{
    return c->total.value == sum || c->total.value == sum + c->tool_use.value;
}

static int settle_by_total(const span_counts *c)
{
    int64_t both = c->input.value + c->output.value;
    if (!c->total.known || !c->input.known || !c->output.known) {
        return SPAN_OPEN;
    }
    if (adds_up(c, both)) {
        return SPAN_INCLUSIVE;
    }
    if (adds_up(c, both + c->cache_read.value + c->cache_write.value)) {
        return SPAN_EXCLUSIVE;
    }
    return adds_up(c, both + c->reasoning.value) ? SPAN_INCLUSIVE | SPAN_BESIDE : SPAN_OPEN;
}

/* The input without caches is exact, whatever the input itself means. */
static int settle_by_no_cache(span_counts *c)
{
    if (!c->input.known) {
        c->input = c->no_cache;
        return SPAN_EXCLUSIVE;
    }
    return c->input.value == c->no_cache.value && c->cache_read.value + c->cache_write.value > 0
               ? SPAN_EXCLUSIVE
               : SPAN_INCLUSIVE;
}

static int settle(span_counts *c, int declared, bool native_passer)
{
    int mode = declared;
    if (c->no_cache.known) {
        return settle_by_no_cache(c) | (declared > 0 ? declared & SPAN_BESIDE : 0);
    }
    /* An inclusive count cannot be smaller than its parts, whatever a total says: there are senders that add up an
     * exclusive input and the output alone (OpenLLMetry's for Anthropic, 0.27). */
    if (mode == SPAN_OPEN && c->input.known &&
        c->cache_read.value + c->cache_write.value > c->input.value) {
        return SPAN_EXCLUSIVE;
    }
    mode = mode == SPAN_OPEN ? settle_by_total(c) : mode;
    if (mode != SPAN_OPEN) {
        return mode;
    }
    return native_passer ? SPAN_EXCLUSIVE : SPAN_INCLUSIVE;
}

/* ---- adding up ---------------------------------------------------------------------------------- */

/* A sum past what a count can be is no count. */
static sw_int bounded(int64_t sum, bool *sane)
{
    if (sum > SW_LIMIT_TOKENS) {
        *sane = false;
        return SW_NULL_INT;
    }
    return sw_int_of(sum);
}

static void add_up(const span_counts *c, int mode, span_usage *out, bool *sane)
{
    int64_t cached = c->cache_read.value + c->cache_write.value;
    if (c->input.known) {
        out->prompt = bounded(
            c->input.value + (mode & SPAN_EXCLUSIVE ? cached : 0) + c->tool_use.value, sane);
    } else if (cached > 0) {
        out->prompt = bounded(cached, sane); /* at least that */
    }
    if (c->output.known) {
        out->completion =
            bounded(c->output.value + (mode & SPAN_BESIDE ? c->reasoning.value : 0), sane);
    } else if (mode > 0 && (mode & SPAN_BESIDE) && c->reasoning.value > 0) {
        out->completion =
            bounded(c->reasoning.value, sane); /* likewise: it thought and said nothing */
    }
    out->cached = c->cache_read;
    out->written = c->cache_write;
    out->reasoning = c->reasoning;
}

/* Nothing went in and nothing came out: a stream that does not report. */
static bool nothing(const span_usage *u)
{
    return u->prompt.value == 0 && u->completion.value == 0;
}

static bool part_too_large(sw_int part, sw_int whole)
{
    return part.known && whole.known && part.value > whole.value;
}

static bool parts_fit(const span_counts *c, const span_usage *u)
{
    const sw_int in[] = {c->tool_use, c->audio_in,
                         c->image_in, c->text_in,
                         c->video_in, sw_int_of(c->cache_read.value + c->cache_write.value)};
    const sw_int out[] = {c->reasoning, c->audio_out, c->text_out};
    bool fit = !part_too_large(sw_int_of(c->cache_write_5m.value + c->cache_write_1h.value),
                               c->cache_write);
    for (size_t i = 0; i < SW_COUNT(in); i++) {
        fit &= !part_too_large(in[i], u->prompt);
    }
    for (size_t i = 0; i < SW_COUNT(out); i++) {
        fit &= !part_too_large(out[i], u->completion);
    }
    return fit;
}

static sw_usage_state state_of(const span_counts *c, const span_usage *u, bool consistent)
{
    if (!consistent) {
        return SW_USAGE_STATE_INCONSISTENT;
    }
    if (!u->prompt.known && !u->completion.known && c->total.value == 0) {
        return SW_USAGE_STATE_UNKNOWN;
    }
    return c->input.known && c->output.known && u->total.known ? SW_USAGE_STATE_REPORTED
                                                               : SW_USAGE_STATE_PARTIAL;
}

/* ---- details ------------------------------------------------------------------------------------ */

static void member(sw_json_out *out, const char *name, sw_int value)
{
    if (value.known) {
        sw_json_key(out, sw_str_from(name));
        sw_json_int(out, value.value);
    }
}

static void prompt_members(sw_json_out *out, const span_counts *c)
{
    member(out, "cached_tokens", c->cache_read);
    member(out, "cache_read_tokens", c->cache_read);
    member(out, "cache_creation_tokens", c->cache_write);
    member(out, "cache_creation_5m_tokens", c->cache_write_5m);
    member(out, "cache_creation_1h_tokens", c->cache_write_1h);
    member(out, "audio_tokens", c->audio_in);
    member(out, "image_tokens", c->image_in);
    member(out, "text_tokens", c->text_in);
    member(out, "video_tokens", c->video_in);
    member(out, "tool_use_tokens", c->tool_use);
}

static sw_str prompt_details(const span_counts *c, const span_usage *u, int mode, bool consistent,
                             sw_arena *arena)
{
    sw_buf buf;
    sw_json_out out;
    if (u->state == SW_USAGE_STATE_UNKNOWN) {
        return SW_NULL_STR;
    }
    sw_buf_init(&buf, arena->from, SW_LIMIT_TEXT_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '{');
    prompt_members(&out, c);
    if (c->total.known && !sw_int_eq(c->total, u->total)) {
        member(&out, "reported_total_tokens", c->total);
    }
    if (u->prompt.known) {
        sw_json_key(&out, SW_STR("source_mode"));
        sw_json_str(&out, mode & SPAN_EXCLUSIVE ? SW_STR("exclusive") : SW_STR("inclusive"));
    }
    if (!consistent) {
        sw_json_key(&out, SW_STR("inconsistent"));
        sw_json_bool(&out, true);
    }
    sw_json_close(&out, '}');
    return sw_buf_take(&buf, arena);
}

static sw_str completion_details(const span_counts *c, sw_arena *arena)
{
    sw_buf buf;
    sw_json_out out;
    if (!c->reasoning.known && !c->audio_out.known && !c->text_out.known) {
        return SW_NULL_STR;
    }
    sw_buf_init(&buf, arena->from, SW_LIMIT_TEXT_BYTES);
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '{');
    member(&out, "reasoning_tokens", c->reasoning);
    member(&out, "audio_tokens", c->audio_out);
    member(&out, "text_tokens", c->text_out);
    sw_json_close(&out, '}');
    return sw_buf_take(&buf, arena);
}

/* ---- the rule ----------------------------------------------------------------------------------- */

void span_count(const span_counts *counts, int exclusive, bool native_passer, sw_arena *arena,
                span_usage *out)
{
    span_counts c = *counts;
    bool sane = drop_nonsense(&c);
    int mode = SPAN_OPEN;

    *out = (span_usage){0};
    sum_writes(&c);
    mode = settle(&c, exclusive, native_passer);
    add_up(&c, mode, out, &sane);
    if (nothing(out)) {
        out->prompt = out->completion = SW_NULL_INT;
    }
    if (out->prompt.known || out->completion.known) {
        out->total = bounded(out->prompt.value + out->completion.value, &sane);
    }
    bool consistent = sane && parts_fit(&c, out);
    out->state = state_of(&c, out, consistent);
    out->prompt_details = prompt_details(&c, out, mode, consistent, arena);
    out->completion_details = completion_details(&c, arena);
}

/* ---- of a span ---------------------------------------------------------------------------------- */

static void read_plain(const span_reading *r, span_counts *c)
{
    c->input = span_number(r, SPAN_FACT_INPUT);
    c->output = span_number(r, SPAN_FACT_OUTPUT);
    c->total = span_number(r, SPAN_FACT_TOTAL);
    c->cache_read = span_number(r, SPAN_FACT_CACHE_READ);
    c->cache_write = span_number(r, SPAN_FACT_CACHE_WRITE);
    c->reasoning = span_number(r, SPAN_FACT_REASONING);
    c->no_cache = span_number(r, SPAN_FACT_NO_CACHE);
    c->tool_use = span_number(r, SPAN_FACT_TOOL_USE);
    c->audio_in = span_number(r, SPAN_FACT_AUDIO_IN);
    c->image_in = span_number(r, SPAN_FACT_IMAGE_IN);
    c->text_in = span_number(r, SPAN_FACT_TEXT_IN);
    c->video_in = span_number(r, SPAN_FACT_VIDEO_IN);
    c->audio_out = span_number(r, SPAN_FACT_AUDIO_OUT);
    c->text_out = span_number(r, SPAN_FACT_TEXT_OUT);
}

/* Passing the provider's numbers on means exclusive counts only where the provider counts so. Without a version it
 * is not sure that numbers are passed on; numbers that cannot be inclusive prove it. */
static int mode_of(const span_reading *r, const span_facts *facts, bool *native_passer)
{
    const span_counts *c = &facts->counts;
    bool beside = sw_str_eq(facts->provider_name, SW_STR("anthropic")) ||
                  sw_str_eq(facts->provider_name, SW_STR("aws.bedrock"));
    if (r->mode != SPAN_NATIVE) {
        return r->mode;
    }
    if (r->values[SPAN_FACT_AI_USAGE_DETAILS]) {
        return SPAN_INCLUSIVE;
    }
    *native_passer = beside;
    return beside && c->input.known &&
                   (r->versioned || c->cache_read.value + c->cache_write.value > c->input.value)
               ? SPAN_EXCLUSIVE
               : SPAN_OPEN;
}

void span_read_counts(span_reading *r, span_facts *out)
{
    bool native_passer = false;
    int mode = SPAN_OPEN;
    read_plain(r, &out->counts);
    span_read_usage_json(r, &out->counts);
    mode = mode_of(r, out, &native_passer);
    span_count(&out->counts, mode, native_passer, r->arena, &out->usage);
}

/* ---- as others have it --------------------------------------------------------------------------- */

void span_usage_put(const span_usage *usage, sw_step *step)
{
    step->prompt_tokens = usage->prompt;
    step->completion_tokens = usage->completion;
    step->total_tokens = usage->total;
    step->cached_input_tokens = usage->cached;
    step->cache_write_tokens = usage->written;
    step->reasoning_tokens = usage->reasoning;
    step->prompt_tokens_details = usage->prompt_details;
    step->completion_tokens_details = usage->completion_details;
    step->usage_state = sw_int_of(usage->state);
}

static long long given(sw_int count)
{
    return count.known ? (long long)count.value : 0;
}

sw_str span_counts_text(const sw_int counts[SPAN_COUNTS_NAMED], sw_arena *arena)
{
    return sw_arena_printf(arena, "%lld,%lld,%lld,%lld", given(counts[0]), given(counts[1]),
                           given(counts[2]), given(counts[3]));
}

sw_str span_counts_name(sw_str within, const sw_int counts[SPAN_COUNTS_NAMED], sw_arena *arena)
{
    sw_str text = span_counts_text(counts, arena);

    return text.ptr ? sw_arena_printf(arena, "%.*s %s", (int)within.len, within.ptr, text.ptr)
                    : SW_NULL_STR;
}

sw_str span_chat_name(sw_str session, sw_str prompt, const span_usage *usage, sw_arena *arena)
{
    const sw_int counts[] = {usage->prompt, usage->cached, usage->completion, usage->reasoning};
    const char *end = prompt.len > 0 ? memchr(prompt.ptr, '#', prompt.len) : NULL;
    sw_str chat = end ? sw_str_make(prompt.ptr, (size_t)(end - prompt.ptr)) : session;

    return chat.len > 0 && given(usage->prompt) + given(usage->completion) > 0
               ? span_counts_name(chat, counts, arena)
               : SW_NULL_STR;
}
