/* SPDX-License-Identifier: Apache-2.0 */
/* What the files behind otlp.h share: the numbers of the fields, the state of a reading, and the
 * few things both wires do alike.
 *
 * Lists grow on stacks that are used again for each item, and are cut off into the arena when their
 * length is known: so an item costs the arena what it holds and no more, and the heap nothing. */
#ifndef SW_CODEC_OTLP_INSIDE_H
#define SW_CODEC_OTLP_INSIDE_H

#include <stdio.h>

#include "base/bytes.h"
#include "codec/otlp.h"
#include "codec/otlp_wire.h"

/* An AnyValue in an AnyValue, and so on: so many, the outermost counted. */
enum { OTLP_DEPTH = 64 };

/* Export<Signal>ServiceRequest, Resource<Signal>s, Scope<Signal>s: the same numbers for all
 * signals. */
enum { EXPORT_ITEMS = 1, SOURCE_HEAD = 1, SOURCE_ITEMS = 2, SOURCE_SCHEMA = 3 };
enum { RESOURCE_ATTRIBUTES = 1, RESOURCE_DROPPED = 2 };
enum { SCOPE_NAME = 1, SCOPE_VERSION = 2, SCOPE_ATTRIBUTES = 3, SCOPE_DROPPED = 4 };
enum { PAIR_KEY = 1, PAIR_VALUE = 2, LIST_VALUES = 1 };
enum { ANY_STRING = 1, ANY_BOOL, ANY_INT, ANY_DOUBLE, ANY_ARRAY, ANY_MAP, ANY_BYTES };
enum {
    SPAN_TRACE_ID = 1,
    SPAN_SPAN_ID = 2,
    SPAN_PARENT_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_DROPPED = 10,
    SPAN_EVENTS = 11,
    SPAN_LINKS = 13,
    SPAN_STATUS = 15,
    SPAN_FLAGS = 16
};
enum { EVENT_TIME = 1, EVENT_NAME = 2, EVENT_ATTRIBUTES = 3, EVENT_DROPPED = 4 };
enum { LINK_TRACE_ID = 1, LINK_SPAN_ID = 2, LINK_ATTRIBUTES = 4, LINK_DROPPED = 5 };
enum { STATUS_MESSAGE = 2, STATUS_CODE = 3 };
enum {
    LOG_TIME = 1,
    LOG_SEVERITY = 2,
    LOG_SEVERITY_TEXT = 3,
    LOG_BODY = 5,
    LOG_ATTRIBUTES = 6,
    LOG_DROPPED = 7,
    LOG_TRACE_ID = 9,
    LOG_SPAN_ID = 10,
    LOG_OBSERVED = 11,
    LOG_EVENT_NAME = 12
};
enum {
    METRIC_GAUGE = 5,
    METRIC_SUM = 7,
    METRIC_HISTOGRAM = 9,
    METRIC_EXPONENTIAL = 10,
    METRIC_SUMMARY = 11,
    METRIC_POINTS = 1
};

/* Rows of one size, the last one on top. */
typedef struct otlp_stack {
    char *rows;
    size_t count;
    size_t room;
    size_t size;
} otlp_stack;

/* Where in an export the reader is; for errors. */
typedef enum otlp_level { AT_EXPORT, AT_SOURCE, AT_SCOPE, AT_ITEM, OTLP_LEVELS } otlp_level;

typedef struct otlp_in {
    sw_arena *arena;
    const otlp_sink *sink;
    otlp_signal signal;
    const otlp_resource *resource;
    const otlp_scope *scope;
    int64_t count;
    otlp_stack attributes;
    otlp_stack events;
    otlp_stack links;
    char *merged; /* the list that was put together last, and how much fits there */
    size_t merged_room;
    bool checked; /* the values were shown before: what is deep in them is sound */
    /* of the first failure */
    sw_status status;
    const char *start;
    sw_error *err;
    otlp_level level;
    size_t place[OTLP_LEVELS]; /* which one at each level */
    /* of the JSON reader */
    sw_json json;
    sw_str key;
    sw_buf nested;
} otlp_in;

/* Returns the bytes; the null text is no bytes, but has a place. */
sw_str otlp__begin(otlp_in *in, sw_str bytes, sw_arena *arena, sw_error *err);
void otlp__finish(otlp_in *in);

/* Both return false, for `return otlp__bad(...)`. `why` is a sentence without its end. */
bool otlp__bad(otlp_in *in, size_t offset, const char *why);
bool otlp__no_memory(otlp_in *in);

/* A row of zeros on top, or NULL. What is above `from` becomes a list of the arena's and leaves the
 * stack; an empty list is NULL. Cutting fails as well when the reading has failed before. */
void *otlp__push(otlp_in *in, otlp_stack *stack);
bool otlp__grow(otlp_in *in, otlp_stack *stack);
bool otlp__cut(otlp_in *in, otlp_stack *stack, size_t from, const void **rows, size_t *count);
bool otlp__cut_attributes(otlp_in *in, size_t from, otlp_attributes *out);
bool otlp__cut_span(otlp_in *in, size_t from, otlp_span *out); /* all three lists */

/* Views with nothing in them: texts are empty, not null. The first two are the reader's from here
 * on. */
otlp_resource *otlp__new_resource(otlp_in *in);
otlp_scope *otlp__new_scope(otlp_in *in);
otlp_span otlp__empty_span(const otlp_in *in);
otlp_log otlp__empty_log(const otlp_in *in);

/* The same for the rows there are most of. */
static inline otlp_attribute *otlp__push_attribute(otlp_in *in)
{
    otlp_stack *stack = &in->attributes;
    otlp_attribute *row = NULL;
    if (stack->count == stack->room && !otlp__grow(in, stack)) {
        return NULL;
    }
    row = (otlp_attribute *)(void *)stack->rows + stack->count++;
    *row = (otlp_attribute){.key = SW_STR("")};
    return row;
}

/* Shows an item to the sink. */
bool otlp__show_span(otlp_in *in, const otlp_span *span);
bool otlp__show_log(otlp_in *in, const otlp_log *log);

/* Text that is no UTF-8, or holds a NUL, with U+FFFD for each bad byte. */
bool otlp__mend(otlp_in *in, sw_str *text);

static inline bool otlp__text(otlp_in *in, sw_str bytes, sw_str *out)
{
    *out = bytes;
    return sw__is_plain(bytes.ptr, bytes.len) || otlp__mend(in, out);
}

/* A status that is none of the three is none. */
static inline otlp_status otlp__status(uint64_t code)
{
    return code == OTLP_OK || code == OTLP_ERROR ? (otlp_status)code : OTLP_UNSET;
}

/* What passes 63 bits is the far future. */
static inline int64_t otlp__time(uint64_t nanoseconds)
{
    return nanoseconds > INT64_MAX ? INT64_MAX : (int64_t)nanoseconds;
}

/* The two readers; each checks the whole of `bytes`. */
bool otlp__read_protobuf(otlp_in *in, sw_str bytes);
bool otlp__read_json(otlp_in *in, sw_str bytes);

/* Parts of the protobuf reader, for values and what is kept. Each reads on into what is there, as
 * protobuf merges. */
bool otlp__read_value(otlp_in *in, sw_str bytes, otlp_value *out);
bool otlp__read_pair(otlp_in *in, sw_str bytes, otlp_attribute *out);
bool otlp__read_span(otlp_in *in, sw_str bytes, otlp_span *out);
bool otlp__read_log(otlp_in *in, sw_str bytes, otlp_log *out);
bool otlp__read_source(otlp_in *in, sw_str bytes, otlp_resource *resource, otlp_scope *scope);

/* A number as JSON or a sender's text writes it, exactly: false when it is none, or not whole. What
 * passes 64 bits is UINT64_MAX. */
bool otlp__whole(sw_str text, bool *negative, uint64_t *size);
bool otlp__real(sw_str text, double *out);

/* The members of an AnyValue that is no list and no map. */
void otlp__put_value(sw_buf *out, const otlp_value *value);

#endif
