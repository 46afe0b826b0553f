/* SPDX-License-Identifier: Apache-2.0 */
/* What OTLP says, as views: spans and log records with their attributes, borrowed from the bytes
 * they came in. One reader for protobuf and one for JSON fill the same views; nothing above knows
 * which it was.
 *
 * No tree is built. Attribute values that are lists or maps stay encoded (`text`) and are walked by
 * otlp_walk or written as JSON by otlp_write_json when somebody wants them. A view lives as long as
 * the bytes and the arena given to the reader; text is borrowed from the bytes, except where it had
 * to be changed (JSON escapes; invalid UTF-8 and NUL, which our texts cannot hold: U+FFFD stands
 * for each such byte), then it lies in the arena. Text that is absent is empty, not null.
 *
 * Knows no ledger and no meaning of any attribute. Pure: no I/O, no globals, fit for a fuzzer.
 * Sources of the rules: OTLP 1.11 (docs/specification.md, *.proto); the lenient readings are those
 * of ../shared/spec/telemetry.md A.5 and A.6. */
#ifndef SW_CODEC_OTLP_H
#define SW_CODEC_OTLP_H

#include "base/base.h"

typedef enum otlp_wire { OTLP_PROTOBUF, OTLP_JSON } otlp_wire;
typedef enum otlp_signal { OTLP_TRACES, OTLP_LOGS, OTLP_METRICS } otlp_signal;
typedef enum otlp_kind {
    OTLP_NULL, /* an AnyValue without a member, or a JSON null */
    OTLP_STRING,
    OTLP_BOOL,
    OTLP_INT,
    OTLP_DOUBLE,
    OTLP_ARRAY,
    OTLP_MAP,
    OTLP_BYTES
} otlp_kind;

typedef struct otlp_value {
    otlp_kind kind;
    sw_str text; /* STRING, BYTES: decoded; ARRAY, MAP: encoded, for otlp_walk, otlp_write_json */
    union {
        bool boolean;
        int64_t integer;
        double real;
    } as;
} otlp_value;

typedef struct otlp_attribute {
    sw_str key;
    otlp_value value;
} otlp_attribute;

/* In the order sent; a key may stand twice, then the last one counts (otlp_find). */
typedef struct otlp_attributes {
    const otlp_attribute *items;
    size_t count;
    uint32_t dropped; /* how many the sender left out */
} otlp_attributes;

typedef struct otlp_resource {
    otlp_attributes attributes;
    sw_str schema_url;
} otlp_resource;

typedef struct otlp_scope {
    sw_str name;
    sw_str version;
    sw_str schema_url;
    otlp_attributes attributes;
} otlp_scope;

typedef struct otlp_event {
    int64_t time_ns;
    sw_str name;
    otlp_attributes attributes;
} otlp_event;

enum { OTLP_TRACE_ID = 16, OTLP_SPAN_ID = 8 };

typedef struct otlp_link {
    uint8_t trace_id[OTLP_TRACE_ID];
    uint8_t span_id[OTLP_SPAN_ID];
    otlp_attributes attributes;
} otlp_link;

typedef enum otlp_status { OTLP_UNSET, OTLP_OK, OTLP_ERROR } otlp_status;

/* Times are nanoseconds since 1970, 0 when absent; what passes 63 bits reads as INT64_MAX. */
typedef struct otlp_span {
    const otlp_resource *resource;   /* never NULL; empty when there was none */
    const otlp_scope *scope;         /* never NULL */
    uint8_t trace_id[OTLP_TRACE_ID]; /* zeros: absent or of the wrong length */
    uint8_t span_id[OTLP_SPAN_ID];
    uint8_t parent_span_id[OTLP_SPAN_ID]; /* zeros: none */
    sw_str name;
    int32_t span_kind; /* 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer */
    uint32_t flags;
    int64_t start_ns;
    int64_t end_ns;
    otlp_attributes attributes;
    const otlp_event *events;
    size_t event_count;
    const otlp_link *links;
    size_t link_count;
    otlp_status status;
    sw_str status_message;
} otlp_span;

typedef struct otlp_log {
    const otlp_resource *resource;
    const otlp_scope *scope;
    uint8_t trace_id[OTLP_TRACE_ID]; /* zeros: none */
    uint8_t span_id[OTLP_SPAN_ID];
    int64_t time_ns; /* the record's, else the observed time, else 0 */
    int32_t severity;
    sw_str severity_text;
    sw_str event_name; /* as sent; the other places a name can sit in are the reader's above */
    otlp_value body;
    otlp_attributes attributes;
} otlp_log;

/* ---- reading an export -------------------------------------------------------------------------- */

/* Who is shown what is read. The view's pointers live as long as bytes and arena; `span` and `log`
 * may take memory from the arena, but not rewind it. Returning anything but OK ends the reading
 * with that answer. Unused members are NULL. */
typedef struct otlp_sink {
    sw_status (*span)(void *arg, const otlp_span *span);
    sw_status (*log)(void *arg, const otlp_log *log);
    void *arg;
} otlp_sink;

/* Reads an Export<signal>ServiceRequest (or TracesData/LogsData, which look the same). Everything
 * is shown, also spans without ids: to refuse them is the caller's. METRICS: only counts. INVALID:
 * not decodable, `err` names the place; what was shown before is to be forgotten. NO_MEMORY when
 * the arena's ceiling is passed. Resource and scope are filled when an item is shown, but for their
 * schema_url in JSON, which mostly stands behind the items: it is there when otlp_read returns.
 * `count`: items seen (spans, records, data points). */
sw_status otlp_read(otlp_wire wire, otlp_signal signal, sw_str bytes, sw_arena *arena,
                    const otlp_sink *sink, int64_t *count, sw_error *err) SW_MUST_CHECK;

/* ---- values ------------------------------------------------------------------------------------- */

/* The last attribute of that key, or NULL. */
const otlp_value *otlp_find(const otlp_attributes *attributes, sw_str key);

/* Shows the members of an ARRAY (key null) or MAP in order; false of `each` ends the walk. Deeper
 * values stay encoded in turn. Memory for what had to be changed comes from the arena. INVALID is
 * impossible for values that otlp_read has shown (it checks them deeply, at most 64 levels). */
typedef bool otlp_each(void *arg, sw_str key, const otlp_value *value);
sw_status otlp_walk(const otlp_value *value, sw_arena *arena, otlp_each *each, void *arg,
                    sw_error *err) SW_MUST_CHECK;

/* The value as JSON: bytes as base64, numbers that are not finite as strings, keys as sent. It nests as
 * deep as the value, up to 63 levels.
 */
void otlp_write_json(sw_json_out *out, const otlp_value *value, sw_arena *arena);

/* Lenient readings of a value, whatever kind it came as: digits in a string, an integral double,
 * "true". */
sw_int otlp_int(const otlp_value *value); /* null value or NULL: null */
bool otlp_double(const otlp_value *value, double *out);
bool otlp_bool(const otlp_value *value, bool *out);

/* ---- keeping ------------------------------------------------------------------------------------ */

/* A span or record in our own stored form (protobuf Span / LogRecord, canonical: the same view
 * always gives the same bytes, whichever wire it came by), without the attributes, and members of
 * maps, for which `drop` says so; of what stays it may put another value (`value` is a copy, and
 * its new text must live until the call ends). Resource and scope stand apart, because they repeat:
 * otlp_keep_source writes them (protobuf ResourceSpans without spans). */
typedef bool otlp_drop(void *arg, sw_str key, otlp_value *value);
void otlp_keep_span(sw_buf *out, const otlp_span *span, otlp_drop *drop, void *arg,
                    sw_arena *arena);
void otlp_keep_log(sw_buf *out, const otlp_log *log, otlp_drop *drop, void *arg, sw_arena *arena);
void otlp_keep_source(sw_buf *out, const otlp_resource *resource, const otlp_scope *scope,
                      otlp_drop *drop, void *arg, sw_arena *arena);
sw_status otlp_kept_source(sw_str bytes, sw_arena *arena, otlp_resource *resource,
                           otlp_scope *scope, sw_error *err) SW_MUST_CHECK;
/* resource and scope of the result are left NULL for the caller to set. */
sw_status otlp_kept_span(sw_str bytes, sw_arena *arena, otlp_span *out,
                         sw_error *err) SW_MUST_CHECK;
sw_status otlp_kept_log(sw_str bytes, sw_arena *arena, otlp_log *out, sw_error *err) SW_MUST_CHECK;

/* ---- answers ------------------------------------------------------------------------------------ */

/* An Export<signal>ServiceResponse: nothing rejected and no message is zero bytes in protobuf, {}
 * in JSON. */
void otlp_write_response(sw_buf *out, otlp_wire wire, otlp_signal signal, int64_t rejected,
                         sw_str message);
/* A google.rpc.Status. */
void otlp_write_status(sw_buf *out, otlp_wire wire, int32_t code, sw_str message);

#endif
