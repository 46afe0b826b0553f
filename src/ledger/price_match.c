/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a price is for: the many names of a provider become one (model/providers.def, as for telemetry, and
 * model/price_rules.def), and patterns of names meet the name of a model. Knows names only. Letters are compared without
 * case; in names of providers - is as good as _.
 */
#include "ledger/price.h"

/* ---- providers ----------------------------------------------------------------------------------- */

typedef struct pair {
    const char *from;
    const char *to;
} pair;

#define NO_ROW(...)
#define SW_PROVIDER(FROM, TO) {FROM, TO},
#define SW_FRAMEWORK NO_ROW
#define SW_PROVIDER_START NO_ROW
#define SW_PROVIDER_SUFFIX NO_ROW
#define SW_MODEL_START NO_ROW
static const pair providers[] = {
#include "model/providers.def"
};
#undef SW_PROVIDER
#undef SW_PROVIDER_START
#define SW_PROVIDER NO_ROW
#define SW_PROVIDER_START(START, TO) {START, TO},
static const pair starts[] = {
#include "model/providers.def"
};
#undef SW_PROVIDER_START
#undef SW_MODEL_START
#define SW_PROVIDER_START NO_ROW
#define SW_MODEL_START(START, TO) {START, TO},
static const pair makers[] = {
#include "model/providers.def"
};
#undef SW_MODEL_START
#undef SW_FRAMEWORK
#define SW_MODEL_START NO_ROW
#define SW_FRAMEWORK(NAME) {NAME, NAME},
static const pair frameworks[] = {
#include "model/providers.def"
};
#undef SW_PROVIDER
#undef SW_FRAMEWORK
#undef SW_PROVIDER_START
#undef SW_PROVIDER_SUFFIX
#undef SW_MODEL_START

#define SW_PRICE_ALIAS(FROM, TO) {FROM, TO},
#define SW_PRICE_SELLS NO_ROW
#define SW_PRICE_TIER NO_ROW
#define SW_PRICE_DETAIL NO_ROW
static const pair aliases[] = {
#include "model/price_rules.def"
};
#undef SW_PRICE_ALIAS
#undef SW_PRICE_SELLS
#define SW_PRICE_ALIAS NO_ROW
#define SW_PRICE_SELLS(PROVIDER, MAKER) {PROVIDER, MAKER},
static const pair sells[] = {
#include "model/price_rules.def"
};
#undef SW_PRICE_ALIAS
#undef SW_PRICE_SELLS
#undef SW_PRICE_TIER
#undef SW_PRICE_DETAIL

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* In lower case, with _ for -. */
static sw_str folded(sw_str name, sw_arena *arena)
{
    char *copy = name.len ? sw_arena_alloc(arena, name.len) : NULL;

    for (size_t i = 0; copy && i < name.len; i++) {
        copy[i] = name.ptr[i] == '-' ? '_' : lower(name.ptr[i]);
    }
    return copy ? sw_str_make(copy, name.len) : SW_NULL_STR;
}

static sw_str whole(const pair *rows, size_t count, sw_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (sw_str_eq(name, sw_str_from(rows[i].from))) {
            return sw_str_from(rows[i].to);
        }
    }
    return SW_NULL_STR;
}

static sw_str beginning(const pair *rows, size_t count, sw_str text)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rows[i].from);
        if (text.len >= len && memcmp(text.ptr, rows[i].from, len) == 0) {
            return sw_str_from(rows[i].to);
        }
    }
    return SW_NULL_STR;
}

/* What stands before the point or the slash. */
static sw_str before(sw_str name, char end)
{
    const char *at = name.len ? memchr(name.ptr, end, name.len) : NULL;

    return at ? sw_str_make(name.ptr, (size_t)(at - name.ptr)) : SW_NULL_STR;
}

static sw_str provider_named(sw_str name)
{
    sw_str found = whole(aliases, SW_COUNT(aliases), name);

    if (!found.ptr) {
        found = whole(providers, SW_COUNT(providers), name);
    }
    if (!found.ptr) {
        found = beginning(starts, SW_COUNT(starts), name);
    }
    if (!found.ptr) {
        found = whole(providers, SW_COUNT(providers), before(name, '.'));
    }
    name = found.ptr ? found : name;
    found = whole(aliases, SW_COUNT(aliases), name);
    return found.ptr ? found : name;
}

sw_str sw__price_provider(sw_str name, sw_str handle, sw_str model, sw_arena *arena)
{
    sw_str folds = folded(name, arena);

    if (folds.ptr && !whole(frameworks, SW_COUNT(frameworks), folds).ptr) {
        return provider_named(folds);
    }
    folds = folded(before(handle, '/'), arena);
    if (folds.ptr) {
        return provider_named(folds);
    }
    folds = beginning(makers, SW_COUNT(makers), model);
    return folds.ptr ? provider_named(folds) : folds;
}

const char *sw__price_sells(sw_str provider, size_t i)
{
    for (size_t row = 0; row < SW_COUNT(sells); row++) {
        if (sw_str_eq(provider, sw_str_from(sells[row].from)) && i-- == 0) {
            return sells[row].to;
        }
    }
    return NULL;
}

/* ---- patterns ------------------------------------------------------------------------------------ */

enum { PART = 1, END, BEGINNING, EXACT, KIND_SHIFT = 16 };

static bool same(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

/* One pattern, without its stars; they say which kind it is. */
static sw_str pattern_word(sw_str pattern, int *kind)
{
    bool open = pattern.len > 1 && pattern.ptr[0] == '*';
    bool close = pattern.len > 0 && pattern.ptr[pattern.len - 1] == '*';

    *kind = open && close ? PART : open ? END : close ? BEGINNING : EXACT;
    return sw_str_make(pattern.ptr + open, pattern.len - open - close);
}

static bool pattern_fits(sw_str word, int kind, sw_str model)
{
    if (kind == PART) {
        return sw_str_contains_nocase(model, word);
    }
    if (word.len > model.len || (kind == EXACT && word.len != model.len)) {
        return false;
    }
    return same(kind == END ? model.ptr + model.len - word.len : model.ptr, word.ptr, word.len);
}

/* The pattern that begins at *at, which moves behind it. */
static sw_str next_pattern(sw_str patterns, size_t *at)
{
    const char *begin = patterns.ptr + *at;
    const char *bar = memchr(begin, '|', patterns.len - *at);
    size_t len = bar ? (size_t)(bar - begin) : patterns.len - *at;

    *at += len + 1;
    return sw_str_make(begin, len);
}

uint32_t sw__price_rank(sw_str patterns, sw_str model)
{
    uint32_t best = 0;

    for (size_t at = 0; at < patterns.len;) {
        int kind = 0;
        sw_str word = pattern_word(next_pattern(patterns, &at), &kind);
        uint32_t rank = ((uint32_t)kind << KIND_SHIFT) + (uint32_t)word.len;
        if (rank > best && pattern_fits(word, kind, model)) {
            best = rank;
        }
    }
    return best;
}

const char *sw__price_patterns_fault(sw_str patterns)
{
    if (patterns.len == 0) {
        return "must name a model; * stands for all";
    }
    for (size_t at = 0; at <= patterns.len;) { /* also what follows a | at the end */
        int kind = 0;
        sw_str one = next_pattern(patterns, &at);
        sw_str word = one.len ? pattern_word(one, &kind) : one;
        if (one.len == 0) {
            return "has nothing on one side of a |";
        }
        if (word.len && memchr(word.ptr, '*', word.len)) {
            return "has a * in the middle; it may only begin and end a name";
        }
    }
    return NULL;
}
