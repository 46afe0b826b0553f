/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of one span share: the facts that were found on it, and how values are read. Not for trace.h
 * and above, who see span_facts only.
 */
#ifndef SW_INGEST_SPAN_INTERNAL_H
#define SW_INGEST_SPAN_INTERNAL_H

#include "ingest/span.h"
#include "model/model.h"

typedef enum span_fact {
#define SW_FACT(NAME, FILLS, DOC) SPAN_FACT_##NAME,
#define SW_ALIAS(FACT, KEY, READ, CONVENTION, DOC)
#define SW_ALIAS_OF(DIALECT, FACT, KEY, READ, CONVENTION, DOC)
#include "model/aliases.def"
#undef SW_FACT
#undef SW_ALIAS
#undef SW_ALIAS_OF
    SPAN_FACT_COUNT
} span_fact;

/* How a value is read, and when it is usable; see model/aliases.def. */
typedef enum span_reader {
    SPAN_READ_TEXT,
    SPAN_READ_LONG_TEXT,
    SPAN_READ_JSON_TEXT,
    SPAN_READ_PROVIDER,
    SPAN_READ_COUNT,
    SPAN_READ_SECONDS,
    SPAN_READ_MS,
    SPAN_READ_TIME,
    SPAN_READ_WORDS,
    SPAN_READ_JSON,
    SPAN_READ_THERE
} span_reader;

/* How input is counted (model/scopes.def): the modes of span_count, and one that depends on the provider. */
enum { SPAN_NATIVE = 8 };

/* One span while it is read. */
typedef struct span_reading {
    const otlp_span *span;
    sw_arena *arena;
    span_dialect dialect;
    bool told;      /* the dialect, by names; else attributes may tell */
    bool versioned; /* the scope tells its version */
    int mode;
    bool gen_ai; /* some attribute of that name space is there */
    const otlp_value *values[SPAN_FACT_COUNT];
    int16_t rows[SPAN_FACT_COUNT]; /* of the alias that filled it */
} span_reading;

/* What a fact fills, as the row says; for the members of the metadata. */
const char *span_fact_fills(span_fact fact);
/* Whether an attribute of this name fills a fact of which `one` is true; `any`: one at all. */
bool span_key_fills(sw_str key, bool (*one)(span_fact), bool *any);
/* How the alias that filled the fact is read. */
span_reader span_fact_reader(const span_reading *r, span_fact fact);
/* Looks up each attribute of resource and span once; the dialect is settled between the two. */
void span_gather(span_reading *r);
void span_tell_dialect(span_reading *r);
void span_tell_dialect_by_facts(span_reading *r);

/* ---- values ------------------------------------------------------------------------------------- */

bool span_usable(span_reader read, const otlp_value *value);
/* All null when the fact was not found, or is not what is asked for. */
sw_str span_text(const span_reading *r, span_fact fact);
sw_int span_number(const span_reading *r, span_fact fact);
bool span_real(const span_reading *r, span_fact fact, double *out);
/* The value as valid JSON; text that is none is null. */
sw_str span_json(const span_reading *r, span_fact fact);
/* The same of a value; `quote`: text that is no JSON becomes a JSON string. */
sw_str span_value_json(const otlp_value *value, bool quote, sw_arena *arena);
/* Text holding JSON, unwrapped once when it was encoded twice (telemetry.md A.5); null when it is none. */
sw_str span_unwrap(sw_str text, sw_arena *arena);
/* Each word of a value that is a word, a list of words, or either as JSON. */
typedef void span_each_word(void *arg, sw_str word);
void span_words(const otlp_value *value, sw_arena *arena, span_each_word *each, void *arg);
/* Text without a quote around it. */
sw_str span_plain(sw_str text, sw_arena *arena);
/* At most so many characters of it. */
sw_str span_cut(sw_str text, size_t chars);
bool span_word_is(sw_str text, const char *word); /* without case, - as _ */
bool span_starts(sw_str text, const char *start); /* the same */

/* ---- readers ------------------------------------------------------------------------------------ */

span_role span_find_role(const span_reading *r, sw_str *operation);
void span_read_counts(span_reading *r, span_facts *out);
/* Native usage and usage documents: fills what is missing, and may settle the mode. */
void span_read_usage_json(span_reading *r, span_counts *counts);
void span_read_end(const span_reading *r, span_facts *out);
bool span_evaluates(const span_reading *r);
void span_read_tool(const span_reading *r, span_facts *out);
/* Whether the tool was not let run: how it ended then, else `end` stays as it is. */
void span_read_decision(const otlp_span *span, span_end *end);
void span_read_tags(const span_reading *r, span_facts *out);
/* The class of an error, when it says more than that the call failed. */
bool span_error_class(sw_str type, span_end *end);
bool span_is_framework(sw_str provider);

#endif
