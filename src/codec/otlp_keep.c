/* SPDX-License-Identifier: Apache-2.0 */
/* The form in which spans and records are kept: OTLP's own protobuf, written one way only. Fields
 * stand in the order of their numbers, nothing that is empty is written, lengths and numbers are as
 * short as they can be, and nothing is in it that the views do not hold. So equal views give equal
 * bytes, and any reader of OTLP can read them. */
#include "codec/otlp_inside.h"

typedef struct keeper {
    sw_buf *out;
    otlp_drop *drop;
    void *drop_arg;
    sw_arena *arena;
} keeper;

/* ---- values --------------------------------------------------------------------------------------- */

static bool put_member(void *arg, sw_str key, const otlp_value *value);

static void put_list(keeper *to, uint32_t number, const otlp_value *value)
{
    size_t begin = pb_begin(to->out, number);
    if (otlp_walk(value, to->arena, put_member, to, NULL) != SW_STATUS_OK) {
        to->out->status = SW_STATUS_NO_MEMORY;
    }
    pb_end(to->out, begin);
}

/* There are many ways to write that something is no number; JSON knows one, and so do we. */
static uint64_t double_bits(double value)
{
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (value == value) {
        memcpy(&bits, &value, sizeof bits);
    }
    return bits;
}

void otlp__put_value(sw_buf *out, const otlp_value *value)
{
    switch (value->kind) {
    case OTLP_STRING:
        pb_put_set_text(out, ANY_STRING, value->text);
        break;
    case OTLP_BOOL:
        pb_put_set_number(out, ANY_BOOL, value->as.boolean);
        break;
    case OTLP_INT:
        pb_put_set_number(out, ANY_INT, (uint64_t)value->as.integer);
        break;
    case OTLP_DOUBLE:
        pb_put_set_fixed64(out, ANY_DOUBLE, double_bits(value->as.real));
        break;
    case OTLP_BYTES:
        pb_put_set_text(out, ANY_BYTES, value->text);
        break;
    case OTLP_NULL:
    case OTLP_ARRAY:
    case OTLP_MAP:
        break;
    }
}

static void put_value(keeper *to, uint32_t number, const otlp_value *value)
{
    size_t begin = pb_begin(to->out, number);
    if (value->kind == OTLP_ARRAY || value->kind == OTLP_MAP) {
        put_list(to, value->kind == OTLP_MAP ? ANY_MAP : ANY_ARRAY, value);
    } else {
        otlp__put_value(to->out, value);
    }
    pb_end(to->out, begin);
}

static void put_pair(keeper *to, uint32_t number, sw_str key, const otlp_value *value)
{
    size_t begin = pb_begin(to->out, number);
    pb_put_text(to->out, PAIR_KEY, key);
    if (value->kind != OTLP_NULL) {
        put_value(to, PAIR_VALUE, value);
    }
    pb_end(to->out, begin);
}

static void put_kept(keeper *to, uint32_t number, sw_str key, const otlp_value *value)
{
    otlp_value copy = *value;
    if (!to->drop || !to->drop(to->drop_arg, key, &copy)) {
        put_pair(to, number, key, &copy);
    }
}

static bool put_member(void *arg, sw_str key, const otlp_value *value)
{
    keeper *to = arg;
    if (key.ptr) {
        put_kept(to, LIST_VALUES, key, value);
    } else {
        put_value(to, LIST_VALUES, value);
    }
    return to->out->status == SW_STATUS_OK;
}

static void put_attributes(keeper *to, uint32_t number, const otlp_attributes *attributes)
{
    for (size_t i = 0; i < attributes->count; i++) {
        put_kept(to, number, attributes->items[i].key, &attributes->items[i].value);
    }
}

/* ---- spans and records ---------------------------------------------------------------------------- */

static void put_id(sw_buf *out, uint32_t number, const uint8_t *id, size_t size)
{
    static const uint8_t none[OTLP_TRACE_ID];
    if (memcmp(id, none, size) != 0) {
        pb_put_text(out, number, sw_str_make((const char *)id, size));
    }
}

static void put_event(keeper *to, const otlp_event *event)
{
    size_t begin = pb_begin(to->out, SPAN_EVENTS);
    pb_put_fixed64(to->out, EVENT_TIME, (uint64_t)event->time_ns);
    pb_put_text(to->out, EVENT_NAME, event->name);
    put_attributes(to, EVENT_ATTRIBUTES, &event->attributes);
    pb_put_number(to->out, EVENT_DROPPED, event->attributes.dropped);
    pb_end(to->out, begin);
}

static void put_link(keeper *to, const otlp_link *link)
{
    size_t begin = pb_begin(to->out, SPAN_LINKS);
    put_id(to->out, LINK_TRACE_ID, link->trace_id, sizeof link->trace_id);
    put_id(to->out, LINK_SPAN_ID, link->span_id, sizeof link->span_id);
    put_attributes(to, LINK_ATTRIBUTES, &link->attributes);
    pb_put_number(to->out, LINK_DROPPED, link->attributes.dropped);
    pb_end(to->out, begin);
}

static void put_status(sw_buf *out, const otlp_span *span)
{
    size_t begin = 0;
    if (span->status == OTLP_UNSET && span->status_message.len == 0) {
        return;
    }
    begin = pb_begin(out, SPAN_STATUS);
    pb_put_text(out, STATUS_MESSAGE, span->status_message);
    pb_put_number(out, STATUS_CODE, span->status);
    pb_end(out, begin);
}

void otlp_keep_span(sw_buf *out, const otlp_span *span, otlp_drop *drop, void *arg, sw_arena *arena)
{
    keeper to = {.out = out, .drop = drop, .drop_arg = arg, .arena = arena};
    put_id(out, SPAN_TRACE_ID, span->trace_id, sizeof span->trace_id);
    put_id(out, SPAN_SPAN_ID, span->span_id, sizeof span->span_id);
    put_id(out, SPAN_PARENT_ID, span->parent_span_id, sizeof span->parent_span_id);
    pb_put_text(out, SPAN_NAME, span->name);
    pb_put_number(out, SPAN_KIND, (uint64_t)span->span_kind);
    pb_put_fixed64(out, SPAN_START, (uint64_t)span->start_ns);
    pb_put_fixed64(out, SPAN_END, (uint64_t)span->end_ns);
    put_attributes(&to, SPAN_ATTRIBUTES, &span->attributes);
    pb_put_number(out, SPAN_DROPPED, span->attributes.dropped);
    for (size_t i = 0; i < span->event_count; i++) {
        put_event(&to, &span->events[i]);
    }
    for (size_t i = 0; i < span->link_count; i++) {
        put_link(&to, &span->links[i]);
    }
    put_status(out, span);
    pb_put_fixed32(out, SPAN_FLAGS, span->flags);
}

void otlp_keep_log(sw_buf *out, const otlp_log *log, otlp_drop *drop, void *arg, sw_arena *arena)
{
    keeper to = {.out = out, .drop = drop, .drop_arg = arg, .arena = arena};
    pb_put_fixed64(out, LOG_TIME, (uint64_t)log->time_ns);
    pb_put_number(out, LOG_SEVERITY, (uint64_t)log->severity);
    pb_put_text(out, LOG_SEVERITY_TEXT, log->severity_text);
    if (log->body.kind != OTLP_NULL) {
        put_value(&to, LOG_BODY, &log->body);
    }
    put_attributes(&to, LOG_ATTRIBUTES, &log->attributes);
    pb_put_number(out, LOG_DROPPED, log->attributes.dropped);
    put_id(out, LOG_TRACE_ID, log->trace_id, sizeof log->trace_id);
    put_id(out, LOG_SPAN_ID, log->span_id, sizeof log->span_id);
    pb_put_text(out, LOG_EVENT_NAME, log->event_name);
}

/* ---- where they come from ------------------------------------------------------------------------- */

static void put_resource(keeper *to, const otlp_resource *resource)
{
    size_t begin = pb_begin(to->out, SOURCE_HEAD);
    put_attributes(to, RESOURCE_ATTRIBUTES, &resource->attributes);
    pb_put_number(to->out, RESOURCE_DROPPED, resource->attributes.dropped);
    pb_end(to->out, begin);
}

static void put_scope(keeper *to, const otlp_scope *scope)
{
    size_t begin = pb_begin(to->out, SOURCE_HEAD);
    pb_put_text(to->out, SCOPE_NAME, scope->name);
    pb_put_text(to->out, SCOPE_VERSION, scope->version);
    put_attributes(to, SCOPE_ATTRIBUTES, &scope->attributes);
    pb_put_number(to->out, SCOPE_DROPPED, scope->attributes.dropped);
    pb_end(to->out, begin);
}

void otlp_keep_source(sw_buf *out, const otlp_resource *resource, const otlp_scope *scope,
                      otlp_drop *drop, void *arg, sw_arena *arena)
{
    keeper to = {.out = out, .drop = drop, .drop_arg = arg, .arena = arena};
    size_t begin = 0;
    put_resource(&to, resource);
    begin = pb_begin(out, SOURCE_ITEMS);
    put_scope(&to, scope);
    pb_put_text(out, SOURCE_SCHEMA, scope->schema_url);
    pb_end(out, begin);
    pb_put_text(out, SOURCE_SCHEMA, resource->schema_url);
}

/* ---- reading it back ------------------------------------------------------------------------------ */

static sw_status end_reading(otlp_in *in, bool read)
{
    sw_assert(read == (in->status == SW_STATUS_OK));
    otlp__finish(in);
    return in->status;
}

sw_status otlp_kept_source(sw_str bytes, sw_arena *arena, otlp_resource *resource,
                           otlp_scope *scope, sw_error *err)
{
    otlp_in in;
    bool read = false;
    bytes = otlp__begin(&in, bytes, arena, err);
    *resource = *in.resource;
    *scope = *in.scope;
    read = otlp__read_source(&in, bytes, resource, scope);
    return end_reading(&in, read);
}

sw_status otlp_kept_span(sw_str bytes, sw_arena *arena, otlp_span *out, sw_error *err)
{
    otlp_in in;
    bool read = false;
    bytes = otlp__begin(&in, bytes, arena, err);
    *out = otlp__empty_span(&in);
    out->resource = NULL;
    out->scope = NULL;
    read = otlp__read_span(&in, bytes, out);
    return end_reading(&in, read);
}

sw_status otlp_kept_log(sw_str bytes, sw_arena *arena, otlp_log *out, sw_error *err)
{
    otlp_in in;
    bool read = false;
    bytes = otlp__begin(&in, bytes, arena, err);
    *out = otlp__empty_log(&in);
    out->resource = NULL;
    out->scope = NULL;
    read = otlp__read_log(&in, bytes, out);
    return end_reading(&in, read);
}
