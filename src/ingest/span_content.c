/* SPDX-License-Identifier: Apache-2.0 */
/* What is not kept for a project that wants no content, by the rows of model/contents.def: whatever nobody here knows to
 * be something else. Only names and kinds are looked at.
 */
#include "ingest/span_internal.h"

enum { SIDE_SYSTEM, SIDE_INPUT, SIDE_OUTPUT, SIDE_TOOLS, SIDE_PARAMETERS };

static const struct {
    int side;
    sw_str key;
} talks[] = {
#define SW_TALK(SIDE, KEY, SHAPE, DIALECT, DOC) {SIDE_##SIDE, {KEY, sizeof(KEY) - 1}},
#include "model/talks.def"
#undef SW_TALK
};

static const sw_str contents[] = {
#define SW_CONTENT(NAME, WHOSE) {NAME, sizeof(NAME) - 1},
#include "model/contents.def"
};

static const span_fact content_facts[] = {
#define SW_CONTENT_FACT(FACT, WHY) SPAN_FACT_##FACT,
#include "model/contents.def"
};

static const sw_str plain[] = {
#define SW_PLAIN(NAME, WHOSE) {NAME, sizeof(NAME) - 1},
#include "model/contents.def"
};

static const sw_str plain_prefixes[] = {
#define SW_PLAIN_PREFIX(NAME, WHAT) {NAME, sizeof(NAME) - 1},
#include "model/contents.def"
};

static bool is_one_of(sw_str key, const sw_str *names, size_t count)
{
    size_t i = 0;

    while (i < count && !sw_str_eq(key, names[i])) {
        i++;
    }
    return i < count;
}

static bool begins_so(sw_str key, sw_str begin)
{
    return key.len >= begin.len && memcmp(key.ptr, begin.ptr, begin.len) == 0;
}

static bool is_plain(sw_str key)
{
    bool found = is_one_of(key, plain, SW_COUNT(plain));

    for (size_t i = 0; !found && i < SW_COUNT(plain_prefixes); i++) {
        found = begins_so(key, plain_prefixes[i]);
    }
    return found;
}

/* The attribute that holds messages, or one of those into which it was flattened. */
static bool is_talk(sw_str key)
{
    for (size_t i = 0; i < SW_COUNT(talks); i++) {
        sw_str row = talks[i].key;
        if (talks[i].side != SIDE_PARAMETERS && begins_so(key, row) &&
            (key.len == row.len || key.ptr[row.len] == '.')) {
            return true;
        }
    }
    return false;
}

static bool is_content_fact(span_fact fact)
{
    for (size_t i = 0; i < SW_COUNT(content_facts); i++) {
        if (content_facts[i] == fact) {
            return true;
        }
    }
    return false;
}

bool span_is_content(sw_str key, otlp_kind kind)
{
    bool known = false;
    bool said = is_one_of(key, contents, SW_COUNT(contents)) ||
                span_key_fills(key, is_content_fact, &known);

    if (said || known || is_talk(key)) {
        return said || !known;
    }
    return (kind == OTLP_STRING || kind == OTLP_BYTES || kind == OTLP_ARRAY || kind == OTLP_MAP) &&
           !is_plain(key);
}
