/* SPDX-License-Identifier: Apache-2.0 */
/* Who served a model: folds the many names of a provider into one, and guesses from the model where none is given
 * (model/providers.def, telemetry.md B.4). Knows names only.
 */
#include "ingest/span_internal.h"

typedef struct folded {
    const char *from;
    const char *to;
} folded;

static const folded providers[] = {
#define SW_PROVIDER(FROM, TO) {FROM, TO},
#include "model/providers.def"
};

static const char *const frameworks[] = {
#define SW_FRAMEWORK(NAME) NAME,
#include "model/providers.def"
};

static const folded starts[] = {
#define SW_PROVIDER_START(START, TO) {START, TO},
#include "model/providers.def"
};

static const folded models[] = {
#define SW_MODEL_START(START, TO) {START, TO},
#include "model/providers.def"
};

static const char *const suffixes[] = {
#define SW_PROVIDER_SUFFIX(SUFFIX) SUFFIX,
#include "model/providers.def"
};

bool span_is_framework(sw_str provider)
{
    for (size_t i = 0; i < SW_COUNT(frameworks); i++) {
        if (span_word_is(provider, frameworks[i])) {
            return true;
        }
    }
    return false;
}

static sw_str whole(sw_str name)
{
    for (size_t i = 0; i < SW_COUNT(providers); i++) {
        if (span_word_is(name, providers[i].from)) {
            return sw_str_from(providers[i].to);
        }
    }
    return SW_NULL_STR;
}

static sw_str start(sw_str text, const folded *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_starts(text, rows[i].from)) {
            return sw_str_from(rows[i].to);
        }
    }
    return SW_NULL_STR;
}

/* Without the way of calling behind the first point. */
static sw_str before_suffix(sw_str name)
{
    const char *point = name.len ? memchr(name.ptr, '.', name.len) : NULL;
    size_t len = point ? (size_t)(point - name.ptr) : 0;
    for (size_t i = 0; point && i < SW_COUNT(suffixes); i++) {
        if (span_word_is(sw_str_make(point + 1, name.len - len - 1), suffixes[i])) {
            return sw_str_make(name.ptr, len);
        }
    }
    return name;
}

/* What has no row is kept in lower case, so that one provider does not stand under two names. */
static sw_str kept(sw_str name, sw_arena *arena)
{
    char *copy = name.len ? sw_arena_alloc(arena, name.len + 1) : NULL;
    if (!copy) {
        return SW_NULL_STR;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        copy[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    copy[name.len] = '\0';
    return sw_str_make(copy, name.len);
}

sw_str span_provider(sw_str name, sw_str model, sw_arena *arena)
{
    sw_str found = SW_NULL_STR;
    if (name.len == 0 || span_is_framework(name)) {
        return start(model, models, SW_COUNT(models));
    }
    found = whole(name);
    if (!found.ptr) {
        found = start(name, starts, SW_COUNT(starts));
    }
    if (!found.ptr) {
        name = before_suffix(name);
        found = whole(name);
    }
    return found.ptr ? found : kept(name, arena);
}
