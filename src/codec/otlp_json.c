/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP's messages in JSON, read in one pass into the same views as protobuf. Knows the names of the
 * members and nothing of what they mean.
 *
 * What is unknown is passed over; what is not as it must be is refused, but for the leniencies of
 * otlp_json_value.c. Resource and scope are mostly written before their items; where they are not, the
 * reader looks ahead for them, once an object.
 */
#include "codec/otlp_json.h"

/* ---- plain members -------------------------------------------------------------------------------- */

static bool read_time(otlp_in *in, int64_t *out)
{
    bool negative = false;
    uint64_t size = 0;
    if (!otlp__json_whole(in, &negative, &size)) {
        return false;
    }
    *out = otlp__time(size);
    return !negative || size == 0 || otlp__json_wrong(in, "is negative");
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
        if (!otlp__json_whole(in, &negative, &size)) {
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

/* ---- spans ---------------------------------------------------------------------------------------- */

static bool event_member(otlp_in *in, void *row)
{
    otlp_event *event = row;
    bool known = false;
    if (otlp__json_is(in, "timeUnixNano")) {
        return read_time(in, &event->time_ns);
    }
    if (otlp__json_is(in, "name")) {
        return otlp__json_text(in, &event->name);
    }
    return otlp__json_attributes(in, &event->attributes, &known) && (known || otlp__json_skip(in));
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
    return otlp__json_members(in, event_member, row) &&
           otlp__cut_attributes(in, from, &row->attributes);
}

static bool link_member(otlp_in *in, void *row)
{
    otlp_link *link = row;
    bool known = false;
    if (otlp__json_is(in, "traceId")) {
        return otlp__json_id(in, link->trace_id, sizeof link->trace_id);
    }
    if (otlp__json_is(in, "spanId")) {
        return otlp__json_id(in, link->span_id, sizeof link->span_id);
    }
    return otlp__json_attributes(in, &link->attributes, &known) && (known || otlp__json_skip(in));
}

static bool read_link(otlp_in *in, void *unused)
{
    size_t from = in->attributes.count;
    otlp_link *row = otlp__push(in, &in->links);
    (void)unused;
    return row && otlp__json_members(in, link_member, row) &&
           otlp__cut_attributes(in, from, &row->attributes);
}

static bool status_member(otlp_in *in, void *row)
{
    static const char *const words[] = {"UNSET", "OK", "ERROR"};
    otlp_span *span = row;
    int32_t code = 0;
    if (otlp__json_is(in, "message")) {
        return otlp__json_text(in, &span->status_message);
    }
    if (!otlp__json_is(in, "code")) {
        return otlp__json_skip(in);
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
    if (otlp__json_is(in, "traceId")) {
        return otlp__json_id(in, span->trace_id, sizeof span->trace_id);
    }
    if (otlp__json_is(in, "spanId")) {
        return otlp__json_id(in, span->span_id, sizeof span->span_id);
    }
    if (otlp__json_is(in, "parentSpanId")) {
        return otlp__json_id(in, span->parent_span_id, sizeof span->parent_span_id);
    }
    if (otlp__json_is(in, "startTimeUnixNano")) {
        return read_time(in, &span->start_ns);
    }
    if (otlp__json_is(in, "endTimeUnixNano")) {
        return read_time(in, &span->end_ns);
    }
    if (otlp__json_is(in, "kind")) {
        return read_kind(in, &span->span_kind);
    }
    if (otlp__json_is(in, "flags")) {
        return otlp__json_small(in, &span->flags);
    }
    return otlp__json_attributes(in, &span->attributes, known);
}

static bool span_member(otlp_in *in, void *row)
{
    otlp_span *span = row;
    bool known = false;
    if (otlp__json_is(in, "name")) {
        return otlp__json_text(in, &span->name);
    }
    if (otlp__json_is(in, "events")) {
        return otlp__json_items(in, read_event, NULL, false);
    }
    if (otlp__json_is(in, "links")) {
        return otlp__json_items(in, read_link, NULL, false);
    }
    if (otlp__json_is(in, "status")) {
        return otlp__json_members(in, status_member, span);
    }
    return span_fact(in, span, &known) && (known || otlp__json_skip(in));
}

static bool read_span(otlp_in *in)
{
    otlp_span span = otlp__empty_span(in);
    return otlp__json_members(in, span_member, &span) && otlp__cut_span(in, 0, &span) &&
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
    if (otlp__json_is(in, "timeUnixNano")) {
        return read_time(in, &log->time_ns);
    }
    if (otlp__json_is(in, "observedTimeUnixNano")) {
        return read_time(in, &((log_row *)row)->observed_ns);
    }
    if (otlp__json_is(in, "severityNumber")) {
        return read_severity(in, &log->severity);
    }
    if (otlp__json_is(in, "severityText")) {
        return otlp__json_text(in, &log->severity_text);
    }
    if (otlp__json_is(in, "eventName")) {
        return otlp__json_text(in, &log->event_name);
    }
    if (otlp__json_is(in, "body")) {
        return otlp__json_members(in, otlp__json_value, &log->body);
    }
    if (otlp__json_is(in, "traceId")) {
        return otlp__json_id(in, log->trace_id, sizeof log->trace_id);
    }
    if (otlp__json_is(in, "spanId")) {
        return otlp__json_id(in, log->span_id, sizeof log->span_id);
    }
    return otlp__json_attributes(in, &log->attributes, &known) && (known || otlp__json_skip(in));
}

static bool read_log(otlp_in *in)
{
    log_row row = {.log = otlp__empty_log(in)};
    if (!otlp__json_members(in, log_member, &row) ||
        !otlp__cut_attributes(in, 0, &row.log.attributes)) {
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
    return in->json.type == SW_JSON_OBJECT ? otlp__json_skip(in)
                                           : otlp__json_wrong(in, "holds what is not an object");
}

static bool points_member(otlp_in *in, void *unused)
{
    return otlp__json_is(in, "dataPoints") ? otlp__json_items(in, count_point, unused, false)
                                           : otlp__json_skip(in);
}

static bool metric_member(otlp_in *in, void *unused)
{
    static const char *const shapes[] = {"gauge", "sum", "histogram", "exponentialHistogram",
                                         "summary"};
    for (size_t i = 0; i < SW_COUNT(shapes); i++) {
        if (otlp__json_is(in, shapes[i])) {
            return otlp__json_members(in, points_member, unused);
        }
    }
    return otlp__json_skip(in);
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
    return otlp__json_members(in, metric_member, unused);
}

/* The items of the array that begins here, one level down. */
static bool read_items(otlp_in *in, otlp__member *read)
{
    if (in->json.type != SW_JSON_ARRAY) {
        return otlp__json_wrong(in, "is not an array");
    }
    in->place[in->level] = 0;
    while (otlp__json_next(in) && in->json.type != SW_JSON_ARRAY_END) {
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
    const char *name;   /* of the member that describes: "resource", "scope" */
    otlp__member *head; /* reads a member of it into `view` */
    void *view;
    otlp_attributes *attributes; /* in the view */
    sw_str *schema_url;          /* in the view */
    otlp__member *items;         /* reads what is under it */
    bool described;              /* the member was there, or has been looked for */
    bool looking;                /* ahead, for the description only */
} source;

static otlp__member source_member;

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
    return otlp__json_members(in, from->head, from->view) &&
           otlp__cut_attributes(in, base, from->attributes);
}

static bool source_member(otlp_in *in, void *row)
{
    source *from = row;
    if (otlp__json_is(in, from->name)) {
        from->described = true;
        return describe(in, from);
    }
    if (otlp__json_is(in, "schemaUrl")) {
        return otlp__json_text(in, from->schema_url);
    }
    if (from->looking || !otlp__json_is(in, names[in->signal][in->level])) {
        return otlp__json_skip(in);
    }
    return (from->described || look_ahead(in, from)) && read_items(in, from->items);
}

static bool resource_member(otlp_in *in, void *row)
{
    otlp_resource *resource = row;
    bool known = false;
    return otlp__json_attributes(in, &resource->attributes, &known) &&
           (known || otlp__json_skip(in));
}

static bool scope_member(otlp_in *in, void *row)
{
    otlp_scope *scope = row;
    bool known = false;
    if (otlp__json_is(in, "name")) {
        return otlp__json_text(in, &scope->name);
    }
    if (otlp__json_is(in, "version")) {
        return otlp__json_text(in, &scope->version);
    }
    return otlp__json_attributes(in, &scope->attributes, &known) && (known || otlp__json_skip(in));
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
    return otlp__json_members(in, source_member, &from);
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
    return otlp__json_members(in, source_member, &from);
}

static bool export_member(otlp_in *in, void *unused)
{
    (void)unused;
    return otlp__json_is(in, names[in->signal][AT_EXPORT]) ? read_items(in, read_resource)
                                                           : otlp__json_skip(in);
}

bool otlp__read_json(otlp_in *in, sw_str bytes)
{
    sw_json_init(&in->json, bytes, in->arena);
    in->json.deepest = SW_JSON_DEEPEST;
    in->json.mend = true;
    in->key = SW_STR("");
    return otlp__json_next(in) && otlp__json_members(in, export_member, NULL) &&
           otlp__json_next(in);
}
