/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP's messages in JSON, read in one pass with base's reader into the same views. Knows the names
 * of the members and nothing of what they mean.
 *
 * Names may be camelCase or snake_case, numbers may be text, enums may be words, null is absent,
 * what is unknown is passed over; anything else that is not as it must be is refused. A list or map
 * among the values becomes protobuf in the arena at once, so that nobody else needs to know this
 * wire. Resource and scope are mostly written before their items; where they are not, the reader
 * looks ahead for them, once an object. */
#include "codec/otlp_inside.h"

/* Reads the value of a member whose first token is the current one, which is not null; the member's
 * name is in->key. */
typedef bool member(otlp_in *in, void *row);

/* ---- tokens --------------------------------------------------------------------------------------- */

static bool bad_json(otlp_in *in)
{
    return in->arena->failed ? otlp__no_memory(in) : otlp__bad(in, in->json.offset, in->json.error);
}

static bool wrong(otlp_in *in, const char *what)
{
    char why[160];
    sw_str name = {in->key.ptr, sw_utf8_prefix(in->key, 64)};
    (void)snprintf(why, sizeof why, "%.*s%s%s", (int)name.len, name.ptr, name.len > 0 ? " " : "",
                   what);
    return otlp__bad(in, in->json.offset, why);
}

static bool next(otlp_in *in)
{
    return sw_json_next(&in->json) != SW_JSON_ERROR || bad_json(in);
}

static bool skip(otlp_in *in)
{
    return sw_json_skip(&in->json, NULL) || bad_json(in);
}

/* The name of the current member, in either spelling: a capital is the same as '_' and the small
 * letter. */
static bool is(const otlp_in *in, const char *camel)
{
    const char *at = in->key.ptr;
    const char *end = at + in->key.len;
    for (; *camel; camel++) {
        bool capital = *camel >= 'A' && *camel <= 'Z';
        if (at != end && *at == *camel) {
            at++;
        } else if (capital && end - at >= 2 && at[0] == '_' && at[1] == *camel + ('a' - 'A')) {
            at += 2;
        } else {
            return false;
        }
    }
    return at == end;
}

/* Shows the members of the object that begins here to `read`; those that are null are absent. */
static bool each_member(otlp_in *in, member *read, void *row)
{
    sw_str outer = in->key;
    if (in->json.type != SW_JSON_OBJECT) {
        return wrong(in, "is not an object");
    }
    while (next(in) && in->json.type == SW_JSON_KEY) {
        in->key = in->json.text;
        if (!next(in) || (in->json.type != SW_JSON_NULL && !read(in, row))) {
            return false;
        }
    }
    in->key = outer;
    return in->status == SW_STATUS_OK;
}

/* The same for the items of an array; `nulls` says whether one that is null is an item too. */
static bool each_item(otlp_in *in, member *read, void *row, bool nulls)
{
    if (in->json.type != SW_JSON_ARRAY) {
        return wrong(in, "is not an array");
    }
    while (next(in) && in->json.type != SW_JSON_ARRAY_END) {
        if ((nulls || in->json.type != SW_JSON_NULL) && !read(in, row)) {
            return false;
        }
    }
    return in->status == SW_STATUS_OK;
}

/* ---- plain members -------------------------------------------------------------------------------- */

static bool read_text(otlp_in *in, sw_str *out)
{
    if (in->json.type != SW_JSON_STRING) {
        return wrong(in, "is not a string");
    }
    *out = in->json.text;
    return true;
}

/* A whole number, as a number or as text. */
static bool read_whole(otlp_in *in, bool *negative, uint64_t *size)
{
    bool number = in->json.type == SW_JSON_NUMBER || in->json.type == SW_JSON_STRING;
    return (number && otlp__whole(in->json.text, negative, size)) ||
           wrong(in, "is not a whole number");
}

static bool read_time(otlp_in *in, int64_t *out)
{
    bool negative = false;
    uint64_t size = 0;
    if (!read_whole(in, &negative, &size)) {
        return false;
    }
    *out = otlp__time(size);
    return !negative || size == 0 || wrong(in, "is negative");
}

/* What does not fit is the nearest that does. */
static bool read_small(otlp_in *in, uint32_t *out)
{
    bool negative = false;
    uint64_t size = 0;
    if (!read_whole(in, &negative, &size)) {
        return false;
    }
    *out = negative ? 0 : size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    return true;
}

/* A number, or the word for it with or without what all the words begin with; an unknown word is
 * the first one. */
static bool read_enum(otlp_in *in, const char *prefix, const char *const *words, size_t count,
                      int32_t *out)
{
    sw_str text = in->json.text;
    sw_str begin = sw_str_from(prefix);
    bool negative = false;
    uint64_t size = 0;
    *out = 0;
    if (in->json.type != SW_JSON_STRING || otlp__whole(text, &negative, &size)) {
        if (!read_whole(in, &negative, &size)) {
            return false;
        }
        size = size > INT32_MAX ? 0 : size;
        *out = negative ? -(int32_t)size : (int32_t)size;
        return true;
    }
    if (text.len > begin.len && memcmp(text.ptr, begin.ptr, begin.len) == 0) {
        text = sw_str_make(text.ptr + begin.len, text.len - begin.len);
    }
    for (size_t i = 0; i < count; i++) {
        *out = sw_str_eq(text, sw_str_from(words[i])) ? (int32_t)i : *out;
    }
    return true;
}

/* ---- ids and bytes -------------------------------------------------------------------------------- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '-' ? digits + 62 : c == '_' ? digits + 63 : strchr(digits, c);
    return c != '\0' && at ? (int)(at - digits) : -1;
}

/* Both alphabets, with or without padding. `out` has room for 3 bytes of each 4 characters begun.
 * False: it is no base64. */
static bool read_base64(sw_str text, uint8_t *out, size_t *len)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t end = text.len;
    *len = 0;
    for (unsigned i = 0; i < 2 && end > 0 && text.len % 4 == 0 && text.ptr[end - 1] == '='; i++) {
        end--;
    }
    for (size_t i = 0; i < end; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[(*len)++] = (uint8_t)(bits >> held);
        }
    }
    return end % 4 != 1;
}

static bool read_hex(sw_str text, uint8_t *out, size_t size)
{
    bool sound = text.len == 2 * size;
    for (size_t i = 0; sound && i < size; i++) {
        uint8_t high = sw__hex[(unsigned char)text.ptr[2 * i]];
        uint8_t low = sw__hex[(unsigned char)text.ptr[2 * i + 1]];
        sound = (high & SW_IS_HEX) && (low & SW_IS_HEX);
        out[i] = (uint8_t)((high & 0xf) << 4 | (low & 0xf));
    }
    return sound;
}

/* Hexadecimal, or base64, which is shorter; anything else is no id. */
static bool read_id(otlp_in *in, uint8_t *out, size_t size)
{
    uint8_t bytes[OTLP_TRACE_ID + 3];
    size_t len = 0;
    sw_str text = SW_NULL_STR;
    if (!read_text(in, &text)) {
        return false;
    }
    memset(out, 0, size);
    if (text.len == 2 * size) {
        if (read_hex(text, bytes, size)) {
            memcpy(out, bytes, size);
        }
    } else if (text.len <= 4 * ((size + 2) / 3) && read_base64(text, bytes, &len) && len == size) {
        memcpy(out, bytes, size);
    }
    return true;
}

static bool read_bytes(otlp_in *in, otlp_value *out)
{
    sw_str text = SW_NULL_STR;
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (!read_text(in, &text)) {
        return false;
    }
    bytes = sw_arena_alloc(in->arena, text.len + 3);
    if (!bytes) {
        return otlp__no_memory(in);
    }
    if (!read_base64(text, bytes, &len)) {
        return wrong(in, "is not base64");
    }
    *out = (otlp_value){.kind = OTLP_BYTES, .text = {(const char *)bytes, len}};
    return true;
}

/* ---- values --------------------------------------------------------------------------------------- */

/* A number that no 64 bits hold was a floating one when it was sent: scripts know no other kind. */
static bool read_int(otlp_in *in, otlp_value *out)
{
    bool negative = false;
    uint64_t size = 0;
    bool number = in->json.type == SW_JSON_NUMBER || in->json.type == SW_JSON_STRING;
    double real = 0;
    if (number && otlp__whole(in->json.text, &negative, &size) &&
        size <= (uint64_t)INT64_MAX + negative) {
        *out = (otlp_value){.kind = OTLP_INT};
        out->as.integer = negative ? (int64_t)(0 - size) : (int64_t)size;
        return true;
    }
    if (!number || !otlp__real(in->json.text, &real)) {
        return wrong(in, "is not a number");
    }
    *out = (otlp_value){.kind = OTLP_DOUBLE, .as.real = real};
    return true;
}

static bool read_double(otlp_in *in, otlp_value *out)
{
    bool number = in->json.type == SW_JSON_NUMBER || in->json.type == SW_JSON_STRING;
    double real = 0;
    if (!number || !otlp__real(in->json.text, &real)) {
        return wrong(in, "is not a number");
    }
    *out = (otlp_value){.kind = OTLP_DOUBLE, .as.real = real};
    return true;
}

static bool read_bool(otlp_in *in, otlp_value *out)
{
    bool yes = in->json.type == SW_JSON_TRUE;
    *out = (otlp_value){.kind = OTLP_BOOL, .as.boolean = yes};
    return yes || in->json.type == SW_JSON_FALSE || wrong(in, "is neither true nor false");
}

static bool read_string(otlp_in *in, otlp_value *out)
{
    *out = (otlp_value){.kind = OTLP_STRING};
    return read_text(in, &out->text);
}

/* The members of an AnyValue that hold no others. True in *known when this is one of them. */
static bool read_scalar(otlp_in *in, otlp_value *out, bool *known)
{
    static const struct {
        const char *name;
        bool (*read)(otlp_in *in, otlp_value *out);
    } rows[] = {
        {"stringValue", read_string}, {"intValue", read_int},     {"boolValue", read_bool},
        {"doubleValue", read_double}, {"bytesValue", read_bytes},
    };
    *known = true;
    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        if (is(in, rows[i].name)) {
            return rows[i].read(in, out);
        }
    }
    *known = false;
    return true;
}

/* An AnyValue below another one, on its way into in->nested. */
typedef struct nested_value {
    unsigned depth;
    size_t start; /* of its bytes */
} nested_value;

static member nest_list;
static member nest_map;

/* Of two members the last counts, so each begins where the first one did. */
static bool nest_member(otlp_in *in, void *row)
{
    nested_value *value = row;
    otlp_value scalar = {.kind = OTLP_NULL};
    bool known = false;
    bool list = is(in, "arrayValue");
    if (list || is(in, "kvlistValue")) {
        nested_value below = {.depth = value->depth + 1};
        size_t begin = 0;
        in->nested.len = value->start;
        begin = pb_begin(&in->nested, list ? ANY_ARRAY : ANY_MAP);
        if (below.depth > OTLP_DEPTH) {
            return wrong(in, "nests deeper than 64 levels");
        }
        if (!each_member(in, list ? nest_list : nest_map, &below)) {
            return false;
        }
        pb_end(&in->nested, begin);
        return true;
    }
    if (!read_scalar(in, &scalar, &known)) {
        return false;
    }
    if (known) {
        in->nested.len = value->start;
        otlp__put_value(&in->nested, &scalar);
    }
    return known || skip(in);
}

/* An item of a list: `row` is that of the list. */
static bool nest_item(otlp_in *in, void *row)
{
    nested_value value = {.depth = ((nested_value *)row)->depth};
    value.start = pb_begin(&in->nested, LIST_VALUES);
    if (in->json.type != SW_JSON_NULL && !each_member(in, nest_member, &value)) {
        return false;
    }
    pb_end(&in->nested, value.start);
    return true;
}

static bool nest_list(otlp_in *in, void *row)
{
    return is(in, "values") ? each_item(in, nest_item, row, true) : skip(in);
}

static bool nest_pair_member(otlp_in *in, void *row)
{
    nested_value value = {.depth = ((nested_value *)row)->depth};
    if (is(in, "key")) {
        sw_str key = SW_NULL_STR;
        if (!read_text(in, &key)) {
            return false;
        }
        pb_put_set_text(&in->nested, PAIR_KEY, key);
        return true;
    }
    if (!is(in, "value")) {
        return skip(in);
    }
    value.start = pb_begin(&in->nested, PAIR_VALUE);
    if (!each_member(in, nest_member, &value)) {
        return false;
    }
    pb_end(&in->nested, value.start);
    return true;
}

static bool nest_pair(otlp_in *in, void *row)
{
    size_t begin = pb_begin(&in->nested, LIST_VALUES);
    if (!each_member(in, nest_pair_member, row)) {
        return false;
    }
    pb_end(&in->nested, begin);
    return true;
}

static bool nest_map(otlp_in *in, void *row)
{
    return is(in, "values") ? each_item(in, nest_pair, row, false) : skip(in);
}

/* A list or map of the outermost value: its own message, without the key of the member around it.
 */
static bool read_list(otlp_in *in, otlp_value *out, bool map)
{
    nested_value below = {.depth = 2};
    sw_str bytes = SW_NULL_STR;
    sw_buf_clear(&in->nested);
    if (!each_member(in, map ? nest_map : nest_list, &below)) {
        return false;
    }
    if (in->nested.status != SW_STATUS_OK) {
        return otlp__no_memory(in);
    }
    bytes = sw_arena_str(in->arena, sw_buf_str(&in->nested));
    *out = (otlp_value){.kind = map ? OTLP_MAP : OTLP_ARRAY, .text = bytes};
    return bytes.ptr || otlp__no_memory(in);
}

static bool value_member(otlp_in *in, void *row)
{
    bool known = false;
    if (!read_scalar(in, row, &known)) {
        return false;
    }
    if (known) {
        return true;
    }
    if (is(in, "arrayValue") || is(in, "kvlistValue")) {
        return read_list(in, row, is(in, "kvlistValue"));
    }
    return skip(in);
}

/* ---- attributes ----------------------------------------------------------------------------------- */

static bool attribute_member(otlp_in *in, void *row)
{
    otlp_attribute *attribute = row;
    if (is(in, "key")) {
        return read_text(in, &attribute->key);
    }
    return is(in, "value") ? each_member(in, value_member, &attribute->value) : skip(in);
}

static bool read_attribute(otlp_in *in, void *unused)
{
    otlp_attribute *row = otlp__push_attribute(in);
    (void)unused;
    return row && each_member(in, attribute_member, row);
}

/* The two members that everything with attributes has; true in *known when this is one of them. */
static bool read_attributes(otlp_in *in, otlp_attributes *out, bool *known)
{
    *known = true;
    if (is(in, "attributes")) {
        return each_item(in, read_attribute, NULL, false);
    }
    if (is(in, "droppedAttributesCount")) {
        return read_small(in, &out->dropped);
    }
    *known = false;
    return true;
}

/* ---- spans ---------------------------------------------------------------------------------------- */

static bool event_member(otlp_in *in, void *row)
{
    otlp_event *event = row;
    bool known = false;
    if (is(in, "timeUnixNano")) {
        return read_time(in, &event->time_ns);
    }
    if (is(in, "name")) {
        return read_text(in, &event->name);
    }
    return read_attributes(in, &event->attributes, &known) && (known || skip(in));
}

static bool read_event(otlp_in *in, void *unused)
{
    size_t from = in->attributes.count;
    otlp_event *row = otlp__push(in, &in->events);
    (void)unused;
    if (!row) {
        return false;
    }
    row->name = SW_STR("");
    return each_member(in, event_member, row) && otlp__cut_attributes(in, from, &row->attributes);
}

static bool link_member(otlp_in *in, void *row)
{
    otlp_link *link = row;
    bool known = false;
    if (is(in, "traceId")) {
        return read_id(in, link->trace_id, sizeof link->trace_id);
    }
    if (is(in, "spanId")) {
        return read_id(in, link->span_id, sizeof link->span_id);
    }
    return read_attributes(in, &link->attributes, &known) && (known || skip(in));
}

static bool read_link(otlp_in *in, void *unused)
{
    size_t from = in->attributes.count;
    otlp_link *row = otlp__push(in, &in->links);
    (void)unused;
    return row && each_member(in, link_member, row) &&
           otlp__cut_attributes(in, from, &row->attributes);
}

static bool status_member(otlp_in *in, void *row)
{
    static const char *const words[] = {"UNSET", "OK", "ERROR"};
    otlp_span *span = row;
    int32_t code = 0;
    if (is(in, "message")) {
        return read_text(in, &span->status_message);
    }
    if (!is(in, "code")) {
        return skip(in);
    }
    if (!read_enum(in, "STATUS_CODE_", words, SW_COUNT(words), &code)) {
        return false;
    }
    span->status = otlp__status((uint64_t)code);
    return true;
}

static bool read_kind(otlp_in *in, int32_t *out)
{
    static const char *const words[] = {"UNSPECIFIED", "INTERNAL", "SERVER",
                                        "CLIENT",      "PRODUCER", "CONSUMER"};
    return read_enum(in, "SPAN_KIND_", words, SW_COUNT(words), out);
}

/* Ids, times, numbers. */
static bool span_fact(otlp_in *in, otlp_span *span, bool *known)
{
    *known = true;
    if (is(in, "traceId")) {
        return read_id(in, span->trace_id, sizeof span->trace_id);
    }
    if (is(in, "spanId")) {
        return read_id(in, span->span_id, sizeof span->span_id);
    }
    if (is(in, "parentSpanId")) {
        return read_id(in, span->parent_span_id, sizeof span->parent_span_id);
    }
    if (is(in, "startTimeUnixNano")) {
        return read_time(in, &span->start_ns);
    }
    if (is(in, "endTimeUnixNano")) {
        return read_time(in, &span->end_ns);
    }
    if (is(in, "kind")) {
        return read_kind(in, &span->span_kind);
    }
    if (is(in, "flags")) {
        return read_small(in, &span->flags);
    }
    return read_attributes(in, &span->attributes, known);
}

static bool span_member(otlp_in *in, void *row)
{
    otlp_span *span = row;
    bool known = false;
    if (is(in, "name")) {
        return read_text(in, &span->name);
    }
    if (is(in, "events")) {
        return each_item(in, read_event, NULL, false);
    }
    if (is(in, "links")) {
        return each_item(in, read_link, NULL, false);
    }
    if (is(in, "status")) {
        return each_member(in, status_member, span);
    }
    return span_fact(in, span, &known) && (known || skip(in));
}

static bool read_span(otlp_in *in)
{
    otlp_span span = otlp__empty_span(in);
    return each_member(in, span_member, &span) && otlp__cut_span(in, 0, &span) &&
           otlp__show_span(in, &span);
}

/* ---- log records ---------------------------------------------------------------------------------- */

typedef struct log_row {
    otlp_log log;
    int64_t observed_ns;
} log_row;

static bool read_severity(otlp_in *in, int32_t *out)
{
    static const char *const words[] = {"UNSPECIFIED", "TRACE",  "TRACE2", "TRACE3", "TRACE4",
                                        "DEBUG",       "DEBUG2", "DEBUG3", "DEBUG4", "INFO",
                                        "INFO2",       "INFO3",  "INFO4",  "WARN",   "WARN2",
                                        "WARN3",       "WARN4",  "ERROR",  "ERROR2", "ERROR3",
                                        "ERROR4",      "FATAL",  "FATAL2", "FATAL3", "FATAL4"};
    return read_enum(in, "SEVERITY_NUMBER_", words, SW_COUNT(words), out);
}

static bool log_member(otlp_in *in, void *row)
{
    otlp_log *log = &((log_row *)row)->log;
    bool known = false;
    if (is(in, "timeUnixNano")) {
        return read_time(in, &log->time_ns);
    }
    if (is(in, "observedTimeUnixNano")) {
        return read_time(in, &((log_row *)row)->observed_ns);
    }
    if (is(in, "severityNumber")) {
        return read_severity(in, &log->severity);
    }
    if (is(in, "severityText")) {
        return read_text(in, &log->severity_text);
    }
    if (is(in, "eventName")) {
        return read_text(in, &log->event_name);
    }
    if (is(in, "body")) {
        return each_member(in, value_member, &log->body);
    }
    if (is(in, "traceId")) {
        return read_id(in, log->trace_id, sizeof log->trace_id);
    }
    if (is(in, "spanId")) {
        return read_id(in, log->span_id, sizeof log->span_id);
    }
    return read_attributes(in, &log->attributes, &known) && (known || skip(in));
}

static bool read_log(otlp_in *in)
{
    log_row row = {.log = otlp__empty_log(in)};
    if (!each_member(in, log_member, &row) || !otlp__cut_attributes(in, 0, &row.log.attributes)) {
        return false;
    }
    row.log.time_ns = row.log.time_ns > 0 ? row.log.time_ns : row.observed_ns;
    return otlp__show_log(in, &row.log);
}

/* ---- metrics -------------------------------------------------------------------------------------- */

static bool count_point(otlp_in *in, void *unused)
{
    (void)unused;
    in->count++;
    return in->json.type == SW_JSON_OBJECT ? skip(in) : wrong(in, "holds what is not an object");
}

static bool points_member(otlp_in *in, void *unused)
{
    return is(in, "dataPoints") ? each_item(in, count_point, unused, false) : skip(in);
}

static bool metric_member(otlp_in *in, void *unused)
{
    static const char *const shapes[] = {"gauge", "sum", "histogram", "exponentialHistogram",
                                         "summary"};
    for (size_t i = 0; i < SW_COUNT(shapes); i++) {
        if (is(in, shapes[i])) {
            return each_member(in, points_member, unused);
        }
    }
    return skip(in);
}

/* ---- an export ------------------------------------------------------------------------------------ */

/* What the members on the way to the items are called. */
static const char *const names[][3] = {
    [OTLP_TRACES] = {"resourceSpans", "scopeSpans", "spans"},
    [OTLP_LOGS] = {"resourceLogs", "scopeLogs", "logRecords"},
    [OTLP_METRICS] = {"resourceMetrics", "scopeMetrics", "metrics"},
};

static bool read_item(otlp_in *in, void *unused)
{
    switch (in->signal) {
    case OTLP_TRACES:
        return read_span(in);
    case OTLP_LOGS:
        return read_log(in);
    case OTLP_METRICS:
        break;
    }
    return each_member(in, metric_member, unused);
}

/* The items of the array that begins here, one level down. */
static bool read_items(otlp_in *in, member *read)
{
    if (in->json.type != SW_JSON_ARRAY) {
        return wrong(in, "is not an array");
    }
    in->place[in->level] = 0;
    while (next(in) && in->json.type != SW_JSON_ARRAY_END) {
        in->level++;
        if (in->json.type != SW_JSON_NULL && !read(in, NULL)) {
            return false;
        }
        in->level--;
        in->place[in->level]++;
    }
    return in->status == SW_STATUS_OK;
}

/* Resource or scope, and the items under it. */
typedef struct source {
    const char *name; /* of the member that describes: "resource", "scope" */
    member *head;     /* reads a member of it into `view` */
    void *view;
    otlp_attributes *attributes; /* in the view */
    sw_str *schema_url;          /* in the view */
    member *items;               /* reads what is under it */
    bool described;              /* the member was there, or has been looked for */
    bool looking;                /* ahead, for the description only */
} source;

static member source_member;

/* From the items, before which there was no description, to the object's end, in the hope of one.
 * What is no JSON there is found when its turn comes. */
static bool look_ahead(otlp_in *in, source *from)
{
    sw_json here = in->json;
    sw_str key = in->key;
    source ahead = *from;
    bool found = sw_json_skip(&in->json, NULL);
    ahead.looking = true;
    while (found && sw_json_next(&in->json) == SW_JSON_KEY) {
        in->key = in->json.text;
        found = sw_json_next(&in->json) != SW_JSON_ERROR &&
                (in->json.type == SW_JSON_NULL || source_member(in, &ahead));
    }
    in->json = here;
    in->key = key;
    from->described = true;
    return in->status == SW_STATUS_OK && (!in->arena->failed || otlp__no_memory(in));
}

static bool describe(otlp_in *in, source *from)
{
    size_t base = in->attributes.count;
    return each_member(in, from->head, from->view) &&
           otlp__cut_attributes(in, base, from->attributes);
}

static bool source_member(otlp_in *in, void *row)
{
    source *from = row;
    if (is(in, from->name)) {
        from->described = true;
        return describe(in, from);
    }
    if (is(in, "schemaUrl")) {
        return read_text(in, from->schema_url);
    }
    if (from->looking || !is(in, names[in->signal][in->level])) {
        return skip(in);
    }
    return (from->described || look_ahead(in, from)) && read_items(in, from->items);
}

static bool resource_member(otlp_in *in, void *row)
{
    otlp_resource *resource = row;
    bool known = false;
    return read_attributes(in, &resource->attributes, &known) && (known || skip(in));
}

static bool scope_member(otlp_in *in, void *row)
{
    otlp_scope *scope = row;
    bool known = false;
    if (is(in, "name")) {
        return read_text(in, &scope->name);
    }
    if (is(in, "version")) {
        return read_text(in, &scope->version);
    }
    return read_attributes(in, &scope->attributes, &known) && (known || skip(in));
}

static bool read_scope(otlp_in *in, void *unused)
{
    otlp_scope *scope = otlp__new_scope(in);
    source from = {.name = "scope", .head = scope_member, .view = scope, .items = read_item};
    (void)unused;
    if (!scope) {
        return false;
    }
    from.attributes = &scope->attributes;
    from.schema_url = &scope->schema_url;
    return each_member(in, source_member, &from);
}

static bool read_resource(otlp_in *in, void *unused)
{
    otlp_resource *resource = otlp__new_resource(in);
    source from = {
        .name = "resource", .head = resource_member, .view = resource, .items = read_scope};
    (void)unused;
    if (!resource) {
        return false;
    }
    from.attributes = &resource->attributes;
    from.schema_url = &resource->schema_url;
    return each_member(in, source_member, &from);
}

static bool export_member(otlp_in *in, void *unused)
{
    (void)unused;
    return is(in, names[in->signal][AT_EXPORT]) ? read_items(in, read_resource) : skip(in);
}

bool otlp__read_json(otlp_in *in, sw_str bytes)
{
    sw_json_init(&in->json, bytes, in->arena);
    in->json.deepest = SW_JSON_DEEPEST;
    in->json.mend = true;
    in->key = SW_STR("");
    return next(in) && each_member(in, export_member, NULL) && next(in);
}
