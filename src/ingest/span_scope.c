/* SPDX-License-Identifier: Apache-2.0 */
/* Tells who instrumented a span (model/scopes.def): by the names of scope, service and span, else by what it
 * carries. Knows names; what a dialect means for a fact stands in the rows of model/aliases.def.
 */
#include "ingest/span_internal.h"

typedef enum scope_where { SCOPE, SCOPE_PREFIX, SERVICE_PREFIX, NAME_PREFIX } scope_where;

typedef struct scope_row {
    span_dialect dialect;
    scope_where where;
    sw_str name;
    int64_t from;
    int64_t below;
    int mode;
} scope_row;

enum {
    MODE_OPEN = SPAN_OPEN,
    MODE_INCLUSIVE = SPAN_INCLUSIVE,
    MODE_EXCLUSIVE = SPAN_EXCLUSIVE,
    MODE_BESIDE = SPAN_BESIDE,
    MODE_NATIVE = SPAN_NATIVE
};

static const scope_row scopes[] = {
#define SW_SCOPE(DIALECT, WHERE, NAME, FROM, BELOW, MODE, DOC)                                     \
    {SPAN_DIALECT_##DIALECT, WHERE, {NAME, sizeof(NAME) - 1}, FROM, BELOW, MODE_##MODE},
#define SW_SCOPE_HAS(DIALECT, FACT, MODE)
#include "model/scopes.def"
#undef SW_SCOPE
#undef SW_SCOPE_HAS
};

static const struct {
    span_dialect dialect;
    span_fact fact;
    int mode;
} having[] = {
#define SW_SCOPE(DIALECT, WHERE, NAME, FROM, BELOW, MODE, DOC)
#define SW_SCOPE_HAS(DIALECT, FACT, MODE) {SPAN_DIALECT_##DIALECT, SPAN_FACT_##FACT, MODE_##MODE},
#include "model/scopes.def"
#undef SW_SCOPE
#undef SW_SCOPE_HAS
};

static bool has_prefix(sw_str text, sw_str prefix)
{
    return text.len >= prefix.len && memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

/* The digits before the first point; -1 when there are none. */
static int64_t major_version(sw_str version)
{
    size_t digits = 0;
    int64_t major = 0;
    while (digits < version.len && version.ptr[digits] >= '0' && version.ptr[digits] <= '9') {
        digits++;
    }
    return sw_parse_int(sw_str_make(version.ptr, digits), &major) ? major : -1;
}

static bool fits(const scope_row *row, const span_reading *r, sw_str service, int64_t major)
{
    sw_str scope = r->span->scope->name;
    bool named = row->where == SCOPE            ? sw_str_eq(scope, row->name)
                 : row->where == SCOPE_PREFIX   ? has_prefix(scope, row->name)
                 : row->where == SERVICE_PREFIX ? has_prefix(service, row->name)
                                                : has_prefix(r->span->name, row->name);
    return named && (!row->from || major >= row->from) &&
           (!row->below || (major >= 0 && major < row->below));
}

void span_tell_dialect(span_reading *r)
{
    sw_str service = span_text(r, SPAN_FACT_SERVICE);
    int64_t major = major_version(r->span->scope->version);
    r->versioned = major >= 0;
    for (size_t i = 0; i < SW_COUNT(scopes); i++) {
        if (fits(&scopes[i], r, service, major)) {
            r->dialect = scopes[i].dialect;
            r->mode = scopes[i].mode;
            r->told = true;
            return;
        }
    }
    r->dialect = SPAN_DIALECT_GENAI;
    r->mode = SPAN_OPEN;
}

void span_tell_dialect_by_facts(span_reading *r)
{
    for (size_t i = 0; i < SW_COUNT(having); i++) {
        if (r->values[having[i].fact]) {
            r->dialect = having[i].dialect;
            r->mode = having[i].mode;
            return;
        }
    }
    if (r->values[SPAN_FACT_AI_OPERATION] &&
        span_starts(span_text(r, SPAN_FACT_AI_OPERATION), "ai.")) {
        r->dialect = SPAN_DIALECT_AI_SDK;
        r->mode = SPAN_NATIVE;
    }
}
