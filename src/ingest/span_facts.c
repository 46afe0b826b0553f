/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what a span says: each of its attributes is looked up once, and fills every fact that has a row for its
 * key, unless a better row has filled it. Knows keys and which values are usable; what they mean is read by
 * others.
 *
 * The idea: three hundred keys cost a span nothing but one hash an attribute (alias_hash.h), however many
 * conventions there are.
 */
#include "ingest/alias_hash.h"
#include "ingest/span_internal.h"

#include "alias_table.h"

typedef struct alias_row {
    sw_str key;
    uint8_t fact;
    uint8_t read;
    int8_t dialect; /* -1: any */
} alias_row;

#define ROW(DIALECT, FACT, KEY, READ)                                                              \
    {{KEY, sizeof(KEY) - 1}, SPAN_FACT_##FACT, SPAN_READ_##READ, DIALECT},
static const alias_row rows[] = {
#define SW_FACT(NAME, FILLS, DOC)
#define SW_ALIAS(FACT, KEY, READ, CONVENTION, DOC) ROW(-1, FACT, KEY, READ)
#define SW_ALIAS_OF(DIALECT, FACT, KEY, READ, CONVENTION, DOC)                                     \
    ROW(SPAN_DIALECT_##DIALECT, FACT, KEY, READ)
#include "model/aliases.def"
#undef SW_FACT
#undef SW_ALIAS
#undef SW_ALIAS_OF
};

static const char *const fills[] = {
#define SW_FACT(NAME, FILLS, DOC) FILLS,
#define SW_ALIAS(FACT, KEY, READ, CONVENTION, DOC)
#define SW_ALIAS_OF(DIALECT, FACT, KEY, READ, CONVENTION, DOC)
#include "model/aliases.def"
#undef SW_FACT
#undef SW_ALIAS
#undef SW_ALIAS_OF
};

enum { SHORTEST_KEY = 5, LONGEST_KEY = 64 };

const char *span_fact_fills(span_fact fact)
{
    return fills[fact];
}

span_reader span_fact_reader(const span_reading *r, span_fact fact)
{
    return (span_reader)rows[r->rows[fact]].read;
}

/* The first row of this key, or -1. */
static int find_row(sw_str key)
{
    uint64_t hash = 0;
    int row = 0;
    if (key.len < SHORTEST_KEY || key.len > LONGEST_KEY) {
        return -1;
    }
    hash = alias_hash(ALIAS_SEED, key.ptr, key.len);
    row = alias_row_at[alias_slot(hash, alias_displacement[alias_group(hash)])];
    return row >= 0 && sw_str_eq(rows[row].key, key) ? row : -1;
}

bool span_key_fills(sw_str key, bool (*one)(span_fact), bool *any)
{
    bool found = false;
    int row = find_row(key);

    *any = row >= 0;
    for (; row >= 0 && !found; row = alias_next_row[row]) {
        found = one(rows[row].fact);
    }
    return found;
}

/* The better row wins; of one row the last value, as when a key is sent twice. */
static void offer(span_reading *r, int row, const otlp_value *value)
{
    const alias_row *alias = &rows[row];
    if (alias->dialect >= 0 && alias->dialect != (int)r->dialect) {
        return;
    }
    if (r->values[alias->fact] && r->rows[alias->fact] < row) {
        return;
    }
    if (span_usable((span_reader)alias->read, value)) {
        r->values[alias->fact] = value;
        r->rows[alias->fact] = (int16_t)row;
    }
}

static void gather_span(span_reading *r)
{
    const otlp_attributes *all = &r->span->attributes;
    for (size_t i = 0; i < all->count; i++) {
        const otlp_attribute *at = &all->items[i];
        r->gen_ai |= at->key.len > 7 && memcmp(at->key.ptr, "gen_ai.", 7) == 0;
        for (int row = find_row(at->key); row >= 0; row = alias_next_row[row]) {
            offer(r, row, &at->value);
        }
    }
}

/* Of a resource only what is true of all its spans. */
static const span_fact of_resource[] = {SPAN_FACT_SERVICE, SPAN_FACT_ENVIRONMENT,
                                        SPAN_FACT_CONTEXT_WINDOW, SPAN_FACT_META_DIRECTORY,
                                        SPAN_FACT_META_BRANCH};
enum { OF_RESOURCE = SW_COUNT(of_resource) };

static bool is_of_resource(int row)
{
    for (size_t i = 0; i < OF_RESOURCE; i++) {
        if (rows[row].fact == of_resource[i]) {
            return true;
        }
    }
    return false;
}

static void gather_resource(span_reading *r)
{
    const otlp_attributes *all = &r->span->resource->attributes;
    for (size_t i = 0; i < all->count; i++) {
        int row = find_row(all->items[i].key);
        if (row >= 0 && is_of_resource(row)) {
            offer(r, row, &all->items[i].value);
        }
    }
}

/* What the span says goes before what the resource says, whatever the row. */
void span_gather(span_reading *r)
{
    const otlp_value *values[OF_RESOURCE];
    int16_t from[OF_RESOURCE];
    gather_resource(r);
    span_tell_dialect(r);
    for (size_t i = 0; i < OF_RESOURCE; i++) {
        values[i] = r->values[of_resource[i]];
        from[i] = r->rows[of_resource[i]];
        r->values[of_resource[i]] = NULL;
    }
    gather_span(r);
    for (size_t i = 0; i < OF_RESOURCE; i++) {
        if (!r->values[of_resource[i]]) {
            r->values[of_resource[i]] = values[i];
            r->rows[of_resource[i]] = from[i];
        }
    }
    if (!r->told) {
        span_tell_dialect_by_facts(r);
    }
}
